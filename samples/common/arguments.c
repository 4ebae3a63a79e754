/* SPDX-License-Identifier: MIT */
#include "arguments.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"

void arguments_help(const argument *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char left[40];
        snprintf(left, sizeof(left), "%s %s", rows[i].name, rows[i].value);
        printf("  %-24s %s\n", left, rows[i].help);
    }
}

bool arguments_whole(const char **text, uint64_t most, uint64_t *out) {
    const char *at = *text;
    uint64_t number = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (digit > most || number > (most - digit) / 10) {
            return false;
        }
        number = 10 * number + digit;
    }
    bool read = at > *text;
    *text = at;
    *out = number;
    return read;
}

/* strtod alone would take blanks in front, hexadecimal numbers, infinity and NaN. */
static bool read_real(const argument *row, const char *text) {
    char *end = NULL;
    errno = 0;
    double number = strtod(text, &end);
    bool plain = text[strspn(text, "0123456789.eE+-")] == '\0' && end > text && !*end && !errno;
    if (!plain || !(number >= row->min && number <= row->max)) {
        return complain("%s takes a number from %.10g to %.10g, not '%s'", row->name, row->min, row->max,
                        text);
    }
    *(double *)row->target = number;
    return true;
}

static bool read_count(const argument *row, const char *text) {
    const char *at = text;
    uint64_t number;
    if (!arguments_whole(&at, (uint64_t)row->max, &number) || *at || (double)number < row->min) {
        return complain("%s takes a whole number from %.10g to %.10g, not '%s'", row->name, row->min,
                        row->max, text);
    }
    *(uint32_t *)row->target = (uint32_t)number;
    return true;
}

/* Reads the option at argv[*index] and steps over its value. */
static bool read_option(const argument *row, int argc, char **argv, int *index) {
    if (row->kind == ARGUMENT_FLAG) {
        *(bool *)row->target = true;
        return true;
    }
    if (*index + 1 >= argc) {
        return complain("%s needs a value: %s", row->name, row->value);
    }
    const char *text = argv[++*index];
    if (row->kind == ARGUMENT_TEXT) {
        *(const char **)row->target = text;
        return true;
    }
    return row->kind == ARGUMENT_REAL ? read_real(row, text) : read_count(row, text);
}

static const argument *find_row(const argument *rows, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

bool arguments_read(const argument *rows, size_t count, int argc, char **argv, uint32_t *rest) {
    for (int i = 1; i < argc; i++) {
        const argument *row = find_row(rows, count, argv[i]);
        if (row) {
            if (!read_option(row, argc, argv, &i)) {
                return false;
            }
        } else if (argv[i][0] == '-' && argv[i][1]) {
            return complain("unknown option '%s'. See %s --help", argv[i], complain_program());
        } else if (rest) {
            argv[(*rest)++] = argv[i];
        } else {
            return complain("'%s' is no option. See %s --help", argv[i], complain_program());
        }
    }
    return true;
}
