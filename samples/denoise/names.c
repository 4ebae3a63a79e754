/* SPDX-License-Identifier: MIT */
#include "names.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"

#define FIRST_NUMBERS 5   /* a sequence may begin with any of 0..4 */
#define MAX_DIGITS    20u /* of %0Nd */

/* A name around its number. The user's text is never a format of printf. */
typedef struct pattern {
    size_t before; /* characters in front of the % */
    const char *after;
    int digits;
    bool zeros;
} pattern;

static bool parse_at(const char *name, size_t at, pattern *out) {
    const char *c = name + at + 1;
    out->before = at;
    out->zeros = *c == '0';
    unsigned digits = 0;
    for (; isdigit((unsigned char)*c) && digits <= MAX_DIGITS; c++) {
        digits = 10 * digits + (unsigned)(*c - '0');
    }
    out->digits = (int)digits;
    out->after = c + 1;
    return *c == 'd' && digits <= MAX_DIGITS;
}

static bool parse(const char *name, pattern *out) {
    for (size_t at = 0; name[at]; at++) {
        if (name[at] == '%' && parse_at(name, at, out)) {
            return true;
        }
    }
    return false;
}

bool names_has_number(const char *name) {
    pattern unused;
    return parse(name, &unused);
}

void names_destroy(names *list) {
    for (uint32_t i = 0; i < list->count; i++) {
        free(list->name[i]);
    }
    free(list->name);
    *list = (names){0};
}

/* Takes over `name`, which is NULL when memory was short. */
static bool append(names *list, char *name) {
    char **longer = name ? realloc(list->name, (list->count + 1) * sizeof(char *)) : NULL;
    if (!longer) {
        free(name);
        return complain("out of memory for the names of %u files", list->count + 1);
    }
    list->name = longer;
    list->name[list->count++] = name;
    return true;
}

static char *copy_name(const char *name) {
    size_t size = strlen(name) + 1;
    char *copy = malloc(size);
    return copy ? memcpy(copy, name, size) : NULL;
}

static char *numbered(const char *name, const pattern *p, uint32_t number) {
    size_t size = strlen(name) + MAX_DIGITS + 1;
    char *out = malloc(size);
    if (out) {
        snprintf(out, size, p->zeros ? "%.*s%0*u%s" : "%.*s%*u%s", (int)p->before, name, p->digits, number,
                 p->after);
    }
    return out;
}

static bool exists(const char *name) {
    FILE *file = name ? fopen(name, "rb") : NULL;
    if (file) {
        fclose(file);
    }
    return file != NULL;
}

static bool append_numbered_files(names *out, const char *name, const pattern *p) {
    uint32_t number = 0;
    char *next = numbered(name, p, number);
    while (next && !exists(next) && ++number < FIRST_NUMBERS) {
        free(next);
        next = numbered(name, p, number);
    }
    if (number == FIRST_NUMBERS) {
        complain("no file of '%s' with a number of 0 to %d: '%s' does not exist", name, FIRST_NUMBERS - 1,
                 next);
        free(next);
        return false;
    }
    do {
        if (!append(out, next)) {
            return false;
        }
        next = numbered(name, p, ++number);
    } while (exists(next));
    free(next);
    return true;
}

bool names_of_inputs(names *out, char *const *args, uint32_t count) {
    *out = (names){0};
    bool ok = true;
    for (uint32_t i = 0; ok && i < count; i++) {
        pattern p;
        ok = parse(args[i], &p) && !exists(args[i]) ? append_numbered_files(out, args[i], &p)
                                                    : append(out, copy_name(args[i]));
    }
    if (!ok) {
        names_destroy(out);
    }
    return ok;
}

bool names_of_outputs(names *out, const char *name, uint32_t count) {
    *out = (names){0};
    pattern p;
    bool has_number = parse(name, &p);
    if (!has_number && count > 1) {
        return complain("%u frames need a name with a number, as in -o out-%%03d.png, not '%s'", count, name);
    }
    bool ok = true;
    for (uint32_t i = 0; ok && i < count; i++) {
        ok = append(out, has_number ? numbered(name, &p, i + 1) : copy_name(name));
    }
    if (!ok) {
        names_destroy(out);
    }
    return ok;
}
