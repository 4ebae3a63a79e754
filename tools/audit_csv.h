/* SPDX-License-Identifier: MIT
 *
 * Audits as files: one header line and a line per row, RFC 4180. What is written can be read again, to compare.
 */
#ifndef TOOLS_AUDIT_CSV_H
#define TOOLS_AUDIT_CSV_H

#include "audit_row.h"

#include <stdio.h>

void audit_csv_header(FILE *file);
void audit_csv_row(FILE *file, const audit_row *row);

typedef struct audit_table {
    audit_row *rows; /* malloc'ed */
    size_t count;
} audit_table;

/* Adds a row; false when memory is out, which it has said. */
bool audit_table_add(audit_table *table, const audit_row *row);
void audit_table_free(audit_table *table);

/* False, and said with file and line why, for a file that is not such a table. `table` is then empty. */
bool audit_csv_read(const char *path, audit_table *table);
/* The same of a file that is open; `path` is its name in messages. */
bool audit_csv_read_from(FILE *file, const char *path, audit_table *table);

#endif /* TOOLS_AUDIT_CSV_H */
