/* SPDX-License-Identifier: MIT
 *
 * The table of `vatten_bench launch`.
 */
#ifndef TOOLS_LAUNCH_REPORT_H
#define TOOLS_LAUNCH_REPORT_H

#include "bench_suite.h"
#include "launch_case.h"

typedef struct launch_result {
    bench_run run;
    const tool_options *tool;
    const size_t *plans; /* numbers of LAUNCH_PLAN_WORDS */
    const char *const *names;
    launch_row *rows;
    size_t count;
} launch_result;

/* Milliseconds of making a plan by its pipelines. */
double launch_by_pipeline(const launch_row *row, int warm);

/* The print and the add of a bench_suite whose user is a launch_result. */
void launch_report_print(const void *user, bench_form form);
void launch_report_add(const void *user, cJSON *document);

#endif /* TOOLS_LAUNCH_REPORT_H */
