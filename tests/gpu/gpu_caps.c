/* SPDX-License-Identifier: MIT */
#include "gpu_caps.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The value behind "name=" if the word begins so, else NULL. */
static const char *value_of(const char *word, const char *name) {
    size_t length = strlen(name);
    return strncmp(word, name, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

static bool read_number(const char *text, uint64_t most, uint64_t *out) {
    char *end = NULL;
    errno = 0;
    unsigned long long value = isdigit((unsigned char)*text) ? strtoull(text, &end, 10) : 0;
    *out = value;
    return value > 0 && value <= most && errno == 0 && *end == '\0';
}

static uint64_t least(uint64_t asked, uint64_t cap) {
    return asked && asked < cap ? asked : cap;
}

static bool lower_features(vatten_context_desc *desc, const char *name) {
    static const struct {
        const char *name;
        vatten_feature feature;
    } features[] = {
        {"storage_16bit", VATTEN_FEATURE_STORAGE_16BIT},
        {"push_descriptor", VATTEN_FEATURE_PUSH_DESCRIPTOR},
        {"subgroup_size_control", VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL},
        {"cooperative_matrix", VATTEN_FEATURE_COOPERATIVE_MATRIX},
        {"cooperative_matrix_bf16", VATTEN_FEATURE_COOPERATIVE_MATRIX_BF16},
        {"cooperative_matrix_2", VATTEN_FEATURE_COOPERATIVE_MATRIX_2},
        {"cooperative_matrix_workgroup", VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP},
        {"buffer_device_address", VATTEN_FEATURE_BUFFER_DEVICE_ADDRESS},
        {"shader_float16", VATTEN_FEATURE_SHADER_FLOAT16},
        {"mixed_dot_product", VATTEN_FEATURE_MIXED_DOT_PRODUCT},
        {"integer_dot_product", VATTEN_FEATURE_INTEGER_DOT_PRODUCT},
    };
    for (size_t n = 0; n < sizeof features / sizeof features[0]; ++n) {
        if (strcmp(name, features[n].name) == 0) {
            desc->without |= features[n].feature;
            return true;
        }
    }
    return false;
}

/* Whether `word` is one of `words`, which are separated by spaces. */
static bool is_among(const char *words, const char *word, size_t length) {
    for (words += strspn(words, " "); *words != '\0'; words += strspn(words, " ")) {
        size_t own = strcspn(words, " ");
        if (own == length && memcmp(words, word, length) == 0) {
            return true;
        }
        words += own;
    }
    return false;
}

static bool is_quirk(const char *name, size_t length) {
    vatten_quirk quirk;
    for (uint32_t i = 0; vatten_quirk_get(i, &quirk); ++i) {
        if (quirk.fault && is_among(quirk.name, name, length)) {
            return true;
        }
    }
    return false;
}

/* Adds the names to those that are there. `joined` stays. */
static bool add_quirks(vatten_context_desc *desc, const char *names) {
    static char joined[1024];
    char both[sizeof joined];
    const char *had = desc->cap_quirks ? desc->cap_quirks : "";
    const char *at = names + strspn(names, " ");
    if (*at == '\0' || snprintf(both, sizeof both, "%s %s", had, names) >= (int)sizeof both) {
        return false;
    }
    for (; *at != '\0'; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        if (!is_quirk(at, length)) {
            return false;
        }
        at += length;
    }
    memcpy(joined, both, sizeof joined);
    desc->cap_quirks = joined;
    return true;
}

static bool lower_by(vatten_context_desc *desc, const char *word) {
    const char *value;
    uint64_t number;
    if (strcmp(word, "no_subgroups") == 0) {
        desc->cap_no_subgroups = true;
        return true;
    }
    if ((value = value_of(word, "without")) != NULL) {
        return lower_features(desc, value);
    }
    if ((value = value_of(word, "quirks")) != NULL) {
        return add_quirks(desc, value);
    }
    if ((value = value_of(word, "shared")) != NULL && read_number(value, UINT32_MAX, &number)) {
        desc->cap_shared_bytes = (uint32_t)least(desc->cap_shared_bytes, number);
        return true;
    }
    if ((value = value_of(word, "invocations")) != NULL && read_number(value, UINT32_MAX, &number)) {
        desc->cap_invocations = (uint32_t)least(desc->cap_invocations, number);
        return true;
    }
    if ((value = value_of(word, "push")) != NULL && read_number(value, UINT32_MAX, &number)) {
        desc->cap_push_bytes = (uint32_t)least(desc->cap_push_bytes, number);
        return true;
    }
    if ((value = value_of(word, "range")) != NULL && read_number(value, UINT64_MAX, &number)) {
        desc->cap_storage_range = least(desc->cap_storage_range, number);
        return true;
    }
    return false;
}

bool gpu_caps_lower(vatten_context_desc *desc, const char *words, char *wrong, size_t wrong_size) {
    vatten_context_desc lowered = *desc;
    const char *at = words;
    while (*at != '\0') {
        char word[512];
        size_t length = strcspn(at, ",");
        snprintf(word, sizeof word, "%.*s", (int)length, at);
        if (length >= sizeof word || !lower_by(&lowered, word)) {
            snprintf(wrong, wrong_size,
                     "VATTEN_TEST_CAPS: \"%s\" is none of no_subgroups, shared=BYTES, invocations=COUNT, "
                     "range=BYTES, push=BYTES, quirks=NAMES (vatten_info --quirks lists them), "
                     "without=storage_16bit|push_descriptor|subgroup_size_control|"
                     "cooperative_matrix|cooperative_matrix_bf16|cooperative_matrix_2|cooperative_matrix_"
                     "workgroup|"
                     "buffer_device_address|shader_float16|mixed_dot_product|integer_dot_product",
                     word);
            return false;
        }
        at += length;
        at += *at == ',';
    }
    *desc = lowered;
    return true;
}

static bool within(uint64_t value, uint64_t cap) {
    return cap == 0 || value <= cap;
}

static bool has_quirks(const vatten_device_info *limits, const char *names) {
    for (names += strspn(names, " "); *names != '\0'; names += strspn(names, " ")) {
        size_t length = strcspn(names, " ");
        if (!is_among(limits->quirks, names, length)) {
            return false;
        }
        names += length;
    }
    return true;
}

bool gpu_caps_kept(const vatten_context_desc *desc, const vatten_device_info *limits) {
    return within(limits->shared_bytes, desc->cap_shared_bytes) &&
           within(limits->invocations, desc->cap_invocations) &&
           within(limits->storage_range, desc->cap_storage_range) &&
           within(limits->push_bytes, desc->cap_push_bytes) &&
           has_quirks(limits, desc->cap_quirks ? desc->cap_quirks : "") &&
           (limits->features & desc->without) == 0 && (limits->subgroup_size == 1 || !desc->cap_no_subgroups);
}
