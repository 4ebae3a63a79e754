/* SPDX-License-Identifier: MIT
 *
 * vatten_tune: what a sweep found, for people and for programs.
 */
#ifndef TOOLS_TUNE_PRINT_H
#define TOOLS_TUNE_PRINT_H

#include "tune_group.h"

/* A table of groups and the tuning file, on stdout; JSON on one line. False, and said, when that failed. */
bool tune_print_sweep(const vatten_context *context, const tune_groups *groups, const char *text);
bool tune_print_sweep_json(const vatten_context *context, const tune_groups *groups, const char *text);

/* A line for each candidate of which something is known, and one for the present tile of each problem. False, and said, with
 * no file left. */
bool tune_write_sweep_csv(const char *path, const tune_groups *groups);

#endif /* TOOLS_TUNE_PRINT_H */
