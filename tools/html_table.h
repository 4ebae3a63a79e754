/* SPDX-License-Identifier: MIT
 *
 * JSON as tables of a page of HTML.
 */
#ifndef TOOLS_HTML_TABLE_H
#define TOOLS_HTML_TABLE_H

#include <stddef.h>
#include <stdio.h>

#include <cjson/cJSON.h>

/* A value on one line: text, a number, yes or no, words of an array, a median with its spread, the members of another object. */
void html_value(FILE *out, const cJSON *item);

/* The members of an object, one a line: name and value. Those named in `without` (ended by NULL) are left out; it may be NULL. */
void html_members(FILE *out, const cJSON *object, const char *const *without);

/* An array of objects, one a line, with a column for each name that any of them has. */
void html_objects(FILE *out, const cJSON *array);

/* A column of a table of rows. */
typedef struct html_column {
    const char *name; /* of the member */
    const char *title;
} html_column;

/* An array of objects by columns of the caller's choice, numbered from 1 on, with the id `row<prefix>-<number>`. Columns that no
 * object has a value above 0 or a text for are left out; a member with NAME_min and NAME_max beside it is told with both.
 * Objects whose "status" is neither RIGHT nor missing say it, and their "reason", in a line of their own below. */
void html_rows(FILE *out, const cJSON *array, const html_column *columns, size_t count, size_t prefix);

#endif /* TOOLS_HTML_TABLE_H */
