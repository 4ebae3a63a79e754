/* SPDX-License-Identifier: MIT
 *
 * Cases as text, and smaller ones that fail too.
 */
#include "ops_case.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    uint64_t least;
} fields[OPS_FIELDS] = {
#define X(name, least) {#name, least},
    OPS_FIELD_TABLE(X)
#undef X
};

static const char *const families[OPS_FAMILIES] = {"dense", "rules",  "grid", "lists", "sparse", "select",
                                                   "mass",  "append", "topk", "pool",  "combine"};

static const char *const caps[] = {
    "",
    "no_subgroups",
    "shared=16384",
    "invocations=128",
    "push=128",
    "without=storage_16bit",
    "without=push_descriptor",
    "without=subgroup_size_control",
    "no_subgroups,shared=16384,invocations=128,push=128,without=push_descriptor,without=storage_16bit",
};

const char *ops_family_name(ops_family family) {
    return (unsigned)family < OPS_FAMILIES ? families[family] : "?";
}

uint64_t ops_least(int field) {
    return fields[field].least;
}

uint64_t ops_caps_rows(void) {
    return sizeof caps / sizeof caps[0];
}

const char *ops_caps_words(uint64_t row) {
    return row < ops_caps_rows() ? caps[row] : NULL;
}

ops_case ops_empty(ops_family family) {
    ops_case c = {.family = family};
    for (int f = 0; f < OPS_FIELDS; ++f) {
        c.field[f] = fields[f].least;
    }
    return c;
}

void ops_print(const ops_case *c, char text[OPS_TEXT]) {
    size_t used = (size_t)snprintf(text, OPS_TEXT, "%s:", ops_family_name(c->family));
    const char *comma = "";
    for (int f = 0; f < OPS_FIELDS && used < OPS_TEXT; ++f) {
        if (c->field[f] != fields[f].least) {
            used += (size_t)snprintf(text + used, OPS_TEXT - used, "%s%s=%" PRIu64, comma, fields[f].name,
                                     c->field[f]);
            comma = ",";
        }
    }
}

/* The row of `names` that [text, text + length) is, or `count`. */
static int find_family(const char *text, size_t length) {
    int n = 0;
    while (n < OPS_FAMILIES && (strlen(families[n]) != length || memcmp(families[n], text, length) != 0)) {
        ++n;
    }
    return n;
}

static int find_field(const char *text, size_t length) {
    int n = 0;
    while (n < OPS_FIELDS &&
           (strlen(fields[n].name) != length || memcmp(fields[n].name, text, length) != 0)) {
        ++n;
    }
    return n;
}

/* "name=value", perhaps with a comma behind it. Returns what follows, NULL if it is not that. */
static const char *parse_field(const char *text, ops_case *out) {
    size_t length = strcspn(text, "=");
    int field = find_field(text, length);
    if (field == OPS_FIELDS || text[length] != '=' || !isdigit((unsigned char)text[length + 1])) {
        return NULL;
    }
    char *end = NULL;
    errno = 0;
    out->field[field] = strtoull(text + length + 1, &end, 10);
    if (errno || (*end != ',' && *end != '\0') || (*end == ',' && end[1] == '\0')) {
        return NULL;
    }
    return end + (*end == ',');
}

bool ops_parse(const char *text, ops_case *out) {
    size_t length = strcspn(text, ":");
    int family = find_family(text, length);
    if (family == OPS_FAMILIES || text[length] != ':') {
        return false;
    }
    *out = ops_empty((ops_family)family);
    for (text += length + 1; text && *text != '\0';) {
        text = parse_field(text, out);
    }
    return text != NULL;
}

/* ---- Shrinking ---- */

typedef struct shrinking {
    ops_fails fails;
    void *user;
    unsigned tries, most;
    ops_case best;
} shrinking;

/* Keeps the case with that value if it still fails. */
static bool try_value(shrinking *s, int field, uint64_t value) {
    ops_case c = s->best;
    if (s->tries >= s->most) {
        return false;
    }
    c.field[field] = value;
    s->tries++;
    if (!s->fails(s->user, &c)) {
        return false;
    }
    s->best = c;
    return true;
}

/* To the least at once, or down by ever smaller steps. Returns whether it became smaller. */
static bool shrink_field(shrinking *s, int field) {
    uint64_t least = fields[field].least, before = s->best.field[field];
    if (before <= least || try_value(s, field, least)) {
        return before > least;
    }
    for (uint64_t step = (before - least) / 2; step > 0; step /= 2) {
        while (s->best.field[field] - least > step && try_value(s, field, s->best.field[field] - step)) {
        }
    }
    return s->best.field[field] < before;
}

unsigned ops_shrink(const ops_case *c, ops_fails fails, void *user, unsigned most, ops_case *out) {
    shrinking s = {.fails = fails, .user = user, .most = most, .best = *c};
    bool smaller = true;
    while (smaller && s.tries < most) {
        smaller = false;
        for (int field = 0; field < OPS_FIELDS; ++field) {
            smaller = shrink_field(&s, field) || smaller;
        }
    }
    *out = s.best;
    return s.tries;
}
