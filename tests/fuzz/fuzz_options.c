/* SPDX-License-Identifier: MIT
 *
 * Command lines of the tools, a table with an option of each kind: what is taken keeps the ends of its lists, what is refused is told
 * once. Words are told apart by line ends.
 */
#include "fuzz_input.h"
#include "fuzz_say.h"
#include "options.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_WORDS = 64, MOST_BYTES = 2048 };

typedef struct values {
    bool flag;
    const char *text;
    uint32_t small;
    uint64_t large;
    float number;
    option_ints ints, choices;
    option_shapes shapes;
    int choice;
} values;

#define FIELD(member) offsetof(values, member)

static const option_spec specs[] = {
    {"flag", OPTION_FLAG, FIELD(flag), NULL, ""},
    {"text", OPTION_TEXT, FIELD(text), "TEXT", ""},
    {"small", OPTION_U32, FIELD(small), "N", ""},
    {"large", OPTION_U64, FIELD(large), "N", ""},
    {"number", OPTION_FLOAT, FIELD(number), "X", ""},
    {"ints", OPTION_INTS, FIELD(ints), "N,N", ""},
    {"shapes", OPTION_SHAPES, FIELD(shapes), "NxN,NxN", ""},
    {"choice", OPTION_CHOICE, FIELD(choice), "none|last|first", ""},
    {"choices", OPTION_CHOICES, FIELD(choices), "f32|f16|bf16", ""},
};

static const char *shapes_broken(const option_shapes *shapes) {
    if (shapes->count > OPTION_MAX_ITEMS)
        return "options: more sizes than there is room for";
    for (size_t i = 0; i < shapes->count; ++i)
        for (uint32_t a = 0; a < shapes->rank[i]; ++a)
            if (shapes->rank[i] > 3 || shapes->part[i][a] > INT64_MAX)
                return "options: a size of more than three parts, or below 0";
    return NULL;
}

static const char *values_broken(const values *v) {
    if (v->ints.count > OPTION_MAX_ITEMS || v->choices.count > OPTION_MAX_ITEMS)
        return "options: more items than there is room for";
    for (size_t i = 0; i < v->choices.count; ++i)
        if (v->choices.value[i] < 0 || v->choices.value[i] > 2)
            return "options: a word that there is not";
    if (v->choice < 0 || v->choice > 2 || v->large > INT64_MAX)
        return "options: a value out of its range";
    return shapes_broken(&v->shapes);
}

/* The text's words; if `named`, each behind an option that its first character chooses. */
static int split(char *text, size_t size, bool named, char **words) {
    static char names[][12] = {"--flag", "--text",   "--small",  "--large",  "--number",
                               "--ints", "--shapes", "--choice", "--choices"};
    int count = 0;
    for (char *word = text; word < text + size && count + 2 < MOST_WORDS; word += strlen(word) + 1) {
        char *end = memchr(word, '\n', (size_t)(text + size - word));
        if (end)
            *end = '\0';
        if (named && *word)
            words[count++] = names[(unsigned char)*word++ % (sizeof names / sizeof names[0])];
        words[count++] = word;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char program[] = "fuzz", *words[MOST_WORDS + 1] = {program};
    values v = {0};
    const option_table table = {"", specs, sizeof specs / sizeof *specs, &v};
    if (size < 2 || size > MOST_BYTES)
        return 0;
    char *text = malloc(size); /* without the first byte, with a zero */
    if (!text)
        abort();
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    int count = 1 + split(text, size - 1, (data[0] & 1) != 0, words + 1);
    fuzz_say_start();
    options_result result = options_parse(count, words, &table, 1);
    fuzz_judge(fuzz_say_broken(result != OPTIONS_BAD));
    fuzz_judge(result == OPTIONS_PARSED ? values_broken(&v) : NULL);
    free(text);
    return 0;
}
