/* SPDX-License-Identifier: MIT
 *
 * vatten_tune: the tuning file that a sweep makes.
 */
#ifndef TOOLS_TUNE_ROWS_H
#define TOOLS_TUNE_ROWS_H

#include "tune_group.h"

/* What a row is for, as its line says it: "task=attention dtype=f32 dim=33..64 rows=17..". */
void tune_row_conditions(const tune_group *group, char *out, size_t out_size);

/* Why the row is there: medians, driver, date. Without a chosen candidate "". */
void tune_row_reason(const vatten_context *context, const tune_group *group, char *out, size_t out_size);

/* The text of a file with a row for each group that has a chosen candidate, malloc'd; behind them those rows of `older`
 * (another such text of the same device, "" for none) that are for other problems. NULL, and said, without memory. */
char *tune_rows_text(vatten_context *context, const tune_groups *groups, const char *older);

/* Makes a device with the text and asks it for a plan of each problem: rows that are not taken lose their `chosen`, and are
 * told; the text has to be made anew then, which `*out_again` says. False, and said, when the library does not take the text. */
bool tune_rows_prove(vatten_context *context, const char *text, tune_groups *groups, bool *out_again);

#endif /* TOOLS_TUNE_ROWS_H */
