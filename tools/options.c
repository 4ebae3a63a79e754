/* SPDX-License-Identifier: MIT */
#include "options.h"

#include "say.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELP_CODE = 'h', FIRST_CODE = 256 }; /* codes of long options start above every character */

/* Reads one whole number and moves *text past it. */
static bool take_int(const char **text, int64_t *out) {
    const char *start = *text;
    const char *digits = *start == '-' ? start + 1 : start;
    if (*digits < '0' || *digits > '9') /* strtoll would take blanks and '+' */
        return false;
    char *end = NULL;
    errno = 0;
    long long number = strtoll(start, &end, 10);
    if (errno != 0)
        return false;
    *out = number;
    *text = end;
    return true;
}

static bool bad_value(const option_spec *spec, const char *text, const char *wanted) {
    say_error("--%s: '%s' is not %s", spec->name, text, wanted);
    return false;
}

static bool parse_unsigned(const option_spec *spec, const char *text, uint64_t limit, uint64_t *out) {
    const char *cursor = text;
    int64_t number = 0;
    if (take_int(&cursor, &number) && *cursor == '\0' && number >= 0 && (uint64_t)number <= limit) {
        *out = (uint64_t)number;
        return true;
    }
    char wanted[64];
    snprintf(wanted, sizeof wanted, "a whole number from 0 to %llu", (unsigned long long)limit);
    return bad_value(spec, text, wanted);
}

static bool parse_u32(const option_spec *spec, const char *text, uint32_t *out) {
    uint64_t number = 0;
    if (!parse_unsigned(spec, text, UINT32_MAX, &number))
        return false;
    *out = (uint32_t)number;
    return true;
}

static bool parse_float(const option_spec *spec, const char *text, float *out) {
    char *end = NULL;
    *out = strtof(text, &end);
    return (end != text && *end == '\0') || bad_value(spec, text, "a number");
}

static bool parse_ints(const option_spec *spec, const char *text, option_ints *out) {
    const char *cursor = text;
    out->count = 0;
    do {
        if (out->count == OPTION_MAX_ITEMS)
            return bad_value(spec, text, "a list of at most 32 values");
        if (!take_int(&cursor, &out->value[out->count++]))
            return bad_value(spec, text, "a list of whole numbers such as 7,7");
        ++cursor;
    } while (cursor[-1] == ',' || cursor[-1] == 'x');
    return cursor[-1] == '\0' || bad_value(spec, text, "a list of whole numbers such as 7,7");
}

static bool take_shape(const char **cursor, uint32_t *rank, uint64_t part[3]) {
    *rank = 0;
    do {
        int64_t number = 0;
        if (*rank == 3 || !take_int(cursor, &number) || number < 0)
            return false;
        part[(*rank)++] = (uint64_t)number;
    } while (*(*cursor)++ == 'x');
    --*cursor;
    return true;
}

static bool parse_shapes(const option_spec *spec, const char *text, option_shapes *out) {
    const char *cursor = text;
    out->count = 0;
    do {
        if (out->count == OPTION_MAX_ITEMS)
            return bad_value(spec, text, "a list of at most 32 values");
        if (!take_shape(&cursor, &out->rank[out->count], out->part[out->count]))
            return bad_value(spec, text, "a list of sizes such as 64x64,128x128");
        ++out->count;
    } while (*cursor++ == ',');
    return cursor[-1] == '\0' || bad_value(spec, text, "a list of sizes such as 64x64,128x128");
}

/* The index of the word of `length` bytes among "none|last|first", or -1. */
static int find_word(const char *words, const char *word, size_t length) {
    int index = 0;
    for (const char *at = words; at != NULL; ++index) {
        size_t span = strcspn(at, "|");
        if (span == length && memcmp(at, word, length) == 0)
            return index;
        at = at[span] == '|' ? at + span + 1 : NULL;
    }
    return -1;
}

static bool bad_word(const option_spec *spec, const char *text, size_t length) {
    say_error("--%s: '%.*s' is not one of %s", spec->name, (int)length, text, spec->value);
    return false;
}

static bool parse_choice(const option_spec *spec, const char *text, int *out) {
    *out = find_word(spec->value, text, strlen(text));
    return *out >= 0 || bad_word(spec, text, strlen(text));
}

static bool parse_choices(const option_spec *spec, const char *text, option_ints *out) {
    out->count = 0;
    for (const char *at = text; at != NULL;) {
        size_t span = strcspn(at, ",");
        int index = find_word(spec->value, at, span);
        if (index < 0)
            return bad_word(spec, at, span);
        if (out->count == OPTION_MAX_ITEMS)
            return bad_value(spec, text, "a list of at most 32 values");
        out->value[out->count++] = index;
        at = at[span] == ',' ? at + span + 1 : NULL;
    }
    return true;
}

static bool parse_value(const option_spec *spec, const char *text, void *target) {
    void *field = (char *)target + spec->offset;
    switch (spec->kind) {
    case OPTION_FLAG:
        *(bool *)field = true;
        return true;
    case OPTION_TEXT:
        *(const char **)field = text;
        return true;
    case OPTION_U32:
        return parse_u32(spec, text, field);
    case OPTION_U64:
        return parse_unsigned(spec, text, INT64_MAX, field);
    case OPTION_FLOAT:
        return parse_float(spec, text, field);
    case OPTION_INTS:
        return parse_ints(spec, text, field);
    case OPTION_SHAPES:
        return parse_shapes(spec, text, field);
    case OPTION_CHOICE:
        return parse_choice(spec, text, field);
    case OPTION_CHOICES:
        return parse_choices(spec, text, field);
    }
    return false;
}

/* The row with running number `index` over all tables. */
static const option_spec *spec_at(const option_table *tables, size_t table_count, size_t index,
                                  void **out_target) {
    for (size_t t = 0; t < table_count; ++t) {
        if (index < tables[t].count) {
            *out_target = tables[t].target;
            return &tables[t].specs[index];
        }
        index -= tables[t].count;
    }
    *out_target = NULL;
    return NULL;
}

/* The table as getopt_long wants it; option number i has code FIRST_CODE + i. NULL without memory. */
static struct option *make_long_options(const option_table *tables, size_t table_count) {
    size_t count = 0;
    for (size_t t = 0; t < table_count; ++t)
        count += tables[t].count;
    struct option *options = calloc(count + 2, sizeof *options);
    if (options == NULL)
        return NULL;
    for (size_t i = 0; i < count; ++i) {
        void *target = NULL;
        const option_spec *spec = spec_at(tables, table_count, i, &target);
        options[i].name = spec->name;
        options[i].has_arg = spec->kind == OPTION_FLAG ? no_argument : required_argument;
        options[i].val = FIRST_CODE + (int)i;
    }
    options[count].name = "help";
    options[count].val = HELP_CODE;
    return options;
}

options_result options_parse(int argc, char **argv, const option_table *tables, size_t table_count) {
    struct option *options = make_long_options(tables, table_count);
    if (options == NULL) {
        say_error("out of memory");
        return OPTIONS_BAD;
    }
    options_result result = OPTIONS_PARSED;
    opterr = 0;
    optind = 0; /* also forgets the line before, which a suite needs */
    while (result == OPTIONS_PARSED) {
        int code = getopt_long(argc, argv, ":h", options, NULL);
        if (code == -1)
            break;
        if (code == HELP_CODE) {
            result = OPTIONS_HELP;
        } else if (code == ':' || code == '?') {
            say_error(code == ':' ? "%s needs a value" : "%s is not an option here, see --help",
                      argv[optind - 1]);
            result = OPTIONS_BAD;
        } else {
            void *target = NULL;
            const option_spec *spec = spec_at(tables, table_count, (size_t)(code - FIRST_CODE), &target);
            if (!parse_value(spec, optarg, target))
                result = OPTIONS_BAD;
        }
    }
    if (result == OPTIONS_PARSED && optind < argc) {
        say_error("'%s' is not expected here, see --help", argv[optind]);
        result = OPTIONS_BAD;
    }
    free(options);
    return result;
}

void options_help(const char *usage, const option_table *tables, size_t table_count) {
    printf("%s", usage);
    for (size_t t = 0; t < table_count; ++t) {
        printf("\n%s:\n", tables[t].title);
        for (size_t i = 0; i < tables[t].count; ++i) {
            const option_spec *spec = &tables[t].specs[i];
            char left[112];
            snprintf(left, sizeof left, "--%s %s", spec->name, spec->value != NULL ? spec->value : "");
            printf("  %-38s %s\n", left, spec->help);
        }
    }
    printf("\n  %-38s %s\n", "--help", "this text");
}

size_t options_items(size_t count) {
    return count == 0 ? 1 : count;
}

int64_t options_next(const option_ints *list, size_t *line, int64_t missing) {
    size_t count = options_items(list->count), at = *line % count;
    *line /= count;
    return list->count == 0 ? missing : list->value[at];
}

uint32_t options_small(int64_t value) {
    return value < 0 || value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

void options_word(const char *words, int index, char *out, size_t out_size) {
    const char *at = words;
    for (; index > 0 && at != NULL; --index) {
        at = strchr(at, '|');
        at = at != NULL ? at + 1 : NULL;
    }
    if (at == NULL || index < 0)
        snprintf(out, out_size, "?");
    else
        snprintf(out, out_size, "%.*s", (int)strcspn(at, "|"), at);
}
