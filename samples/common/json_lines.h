/* SPDX-License-Identifier: MIT
 *
 * JSON on stdout, one value a line. Names are NULL inside of arrays.
 */
#ifndef SAMPLES_JSON_LINES_H
#define SAMPLES_JSON_LINES_H

#include <stdbool.h>

typedef struct json_lines {
    int depth;
    bool began; /* a value stands before, at this depth */
} json_lines;

/* `bracket` is '{' or '['; close with '}' or ']'. The outermost one has no name. */
void json_open(json_lines *j, const char *name, char bracket);
void json_close(json_lines *j, char bracket);

void json_text(json_lines *j, const char *name, const char *text); /* NULL: null */
void json_number(json_lines *j, const char *name, double number);  /* not finite: null, as JSON has none */
void json_bool(json_lines *j, const char *name, bool value);

#endif
