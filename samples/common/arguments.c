/* SPDX-License-Identifier: MIT */
#include "arguments.h"

#include <errno.h>
#include <math.h>
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

static bool read_number(const argument *row, const char *text) {
    char *end = NULL;
    errno = 0;
    double number = strtod(text, &end);
    bool whole = row->kind == ARGUMENT_REAL || number == floor(number);
    if (end == text || *end || errno || !whole || !(number >= row->min && number <= row->max)) {
        return complain("%s takes a %s from %.10g to %.10g, not '%s'", row->name,
                        row->kind == ARGUMENT_REAL ? "number" : "whole number", row->min, row->max, text);
    }
    if (row->kind == ARGUMENT_REAL) {
        *(double *)row->target = number;
    } else {
        *(uint32_t *)row->target = (uint32_t)number;
    }
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
    return read_number(row, text);
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
