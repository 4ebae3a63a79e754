/* SPDX-License-Identifier: MIT */
#include "json_lines.h"

#include <math.h>
#include <stdio.h>

static void print_text(const char *text) {
    putchar('"');
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\') {
            printf("\\%c", *c);
        } else if ((unsigned char)*c < 0x20) {
            printf("\\u%04x", (unsigned)*c);
        } else {
            putchar(*c);
        }
    }
    putchar('"');
}

static void begin_value(json_lines *j, const char *name) {
    if (j->depth) {
        printf("%s\n%*s", j->began ? "," : "", 2 * j->depth, "");
    }
    if (name) {
        print_text(name);
        printf(": ");
    }
    j->began = true;
}

void json_open(json_lines *j, const char *name, char bracket) {
    begin_value(j, name);
    putchar(bracket);
    j->depth++;
    j->began = false;
}

void json_close(json_lines *j, char bracket) {
    j->depth--;
    printf("\n%*s%c%s", 2 * j->depth, "", bracket, j->depth ? "" : "\n");
    j->began = true;
}

void json_text(json_lines *j, const char *name, const char *text) {
    begin_value(j, name);
    if (text) {
        print_text(text);
    } else {
        printf("null");
    }
}

void json_number(json_lines *j, const char *name, double number) {
    begin_value(j, name);
    if (isfinite(number)) {
        printf("%.12g", number);
    } else {
        printf("null");
    }
}

void json_bool(json_lines *j, const char *name, bool value) {
    begin_value(j, name);
    printf(value ? "true" : "false");
}
