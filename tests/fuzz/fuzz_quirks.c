/* SPDX-License-Identifier: MIT
 *
 * vatten_device_desc.cap_quirks from raw bytes, and from bytes that choose words: it is taken if and only if each word is a
 * fault of the table, the first that is none is told with all that there are, and what is taken only lowers a device.
 *
 * The first bytes are a device, the rest is the text.
 */
#include "fuzz_input.h"
#include "quirks.h"

#include <stdlib.h>
#include <string.h>

#define MOST_TEXT 4096

static const char *const others[] = {" ", "  ", ",", "\t", "x", "slow_", "lvp", "_", "\xe2\x82\xac", "%s%n"};

/* ---- Words, naively ---- */

static bool is_fault(const char *word, size_t length) {
    vatten_quirk quirk;
    for (uint32_t i = 0; vatten_quirk_get(i, &quirk); ++i)
        if (quirk.fault && strlen(quirk.name) == length && strncmp(quirk.name, word, length) == 0)
            return true;
    return false;
}

/* The first word that is no fault; `name` not NULL: the first that is `name`. NULL: there is none. */
static const char *find_word(const char *text, const char *name) {
    for (const char *at = text; *at; ++at) {
        if (*at == ' ' || (at > text && at[-1] != ' '))
            continue;
        size_t length = 0;
        while (at[length] && at[length] != ' ')
            ++length;
        if (name ? strlen(name) == length && strncmp(name, at, length) == 0 : !is_fault(at, length))
            return at;
    }
    return NULL;
}

/* ---- What becomes of them ---- */

static bool matrices_are_lower(const vt_caps *low, const vt_caps *had) {
    return low->matrix_count <= had->matrix_count && low->bf16_matrix_count <= had->bf16_matrix_count &&
           low->flexible_count <= had->flexible_count && low->bf16_flexible_count <= had->bf16_flexible_count;
}

/* What no fault changes is as it was, what one does is less. */
static bool is_lower(const vt_caps *low, const vt_caps *had) {
    return matrices_are_lower(low, had) && (low->features & ~had->features) == 0 &&
           (low->subgroup_ops & ~had->subgroup_ops) == 0 && low->subgroup_min <= had->subgroup_min &&
           low->max_dim <= had->max_dim && low->private_quads <= had->private_quads &&
           low->loop_limit <= had->loop_limit && low->loads_once == had->loads_once &&
           low->shared_bytes == had->shared_bytes && low->invocations == had->invocations &&
           low->push_bytes == had->push_bytes && low->storage_range == had->storage_range;
}

/* The device's own, and those of the text. */
static bool are_told(uint32_t quirks, const vt_caps *had, const char *text) {
    char names[sizeof((vatten_device_info *)NULL)->quirks];
    vatten_quirk quirk;
    vt_quirks_names(quirks & ~had->quirks, names, sizeof names);
    for (uint32_t i = 0; vatten_quirk_get(i, &quirk); ++i)
        if (!find_word(names, quirk.name) !=
            (!find_word(text, quirk.name) || (had->quirks & vt_quirk_table[i].bit) != 0))
            return false;
    return (quirks & had->quirks) == had->quirks;
}

static const char *try_taken(const vt_caps *had, const char *text) {
    const vatten_device_desc desc = {.cap_quirks = text};
    vt_caps low, again;
    memcpy(&low, had, sizeof low);
    vt_caps_lower(&low, &desc);
    memcpy(&again, &low, sizeof again);
    vt_caps_lower(&again, &desc);
    return !is_lower(&low, had)               ? "quirks: a device can do more than before"
           : !are_told(low.quirks, had, text) ? "quirks: others are told than are asked for"
           : memcmp(&low, &again, sizeof low) ? "quirks: the second time changes something"
                                              : NULL;
}

/* What was told of a refusal. */
typedef struct refusal {
    vatten_logger logger;
    unsigned count;
    char text[512];
} refusal;

static void keep(void *user, vatten_log_level level, const char *message) {
    refusal *told = user;
    told->count += level == VATTEN_LOG_ERROR;
    strncpy(told->text, message, sizeof told->text - 1);
}

static const char *try_text(const vt_caps *caps, const char *text) {
    refusal told = {.logger = {keep, &told}};
    uint32_t bits;
    vatten_quirk quirk;
    const char *wrong = find_word(text, NULL);
    if (vt_quirks_named(text, &bits) != wrong)
        return "quirks: another word is wrong";
    if ((vt_quirks_check(&told.logger, text) == VATTEN_SUCCESS) != !wrong || told.count != (wrong ? 1u : 0u))
        return "quirks: what is wrong is not refused with one message, or what is right is";
    for (uint32_t i = 0; wrong && vatten_quirk_get(i, &quirk); ++i)
        if (quirk.fault && !find_word(strstr(told.text, "\" is none of "), quirk.name))
            return "quirks: a refusal does not tell all names that there are";
    return wrong ? NULL : try_taken(caps, text);
}

/* ---- Texts ---- */

/* Mostly faults with a space behind. */
static void word_text(const uint8_t *data, size_t size, char *out) {
    size_t used = 0;
    for (size_t i = 0; i < size; ++i) {
        const char *word = others[data[i] % (sizeof others / sizeof others[0])];
        bool row = data[i] < 200;
        if (row)
            word = vt_quirk_table[data[i] % vt_quirk_count].name;
        size_t length = strlen(word);
        if (used + length + 2 > MOST_TEXT)
            break;
        memcpy(out + used, word, length);
        used += length;
        if (row && data[i] < 180)
            out[used++] = ' ';
    }
    out[used] = '\0';
}

/* From memory of the text's exact size. */
static const char *try_exact(const vt_caps *caps, const char *text, size_t length) {
    char *exact = malloc(length + 1);
    if (!exact)
        abort();
    memcpy(exact, text, length);
    exact[length] = '\0';
    const char *broken = try_text(caps, exact);
    free(exact);
    return broken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char text[MOST_TEXT];
    if (size <= FUZZ_CAPS_BYTES)
        return 0;
    vt_caps caps = fuzz_caps(data, size);
    if (data[0] & 1) { /* below what any fault lowers to */
        caps.loop_limit = 1000;
        caps.max_dim = 64;
        caps.private_quads = 4;
    }
    data += FUZZ_CAPS_BYTES;
    size -= FUZZ_CAPS_BYTES;
    word_text(data, size, text);
    fuzz_judge(try_exact(&caps, (const char *)data, size));
    fuzz_judge(try_exact(&caps, text, strlen(text)));
    return 0;
}
