/* SPDX-License-Identifier: MIT
 *
 * The result of a sweep as Markdown tables or CSV on stdout, and as JSON.
 */
#ifndef TOOLS_BENCH_REPORT_H
#define TOOLS_BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "bench_print.h"
#include "bench_race.h"
#include "bench_suite.h"

typedef struct bench_result {
    bench_run run;
    const bench_settings *settings;
    const bench_problem *problems;
    bench_row *rows;
    size_t count;
} bench_result;

/* The print and the add of a bench_suite whose user is a bench_result. */
void bench_report_print(const void *user, bench_form form);
void bench_report_add(const void *user, cJSON *document);

#endif /* TOOLS_BENCH_REPORT_H */
