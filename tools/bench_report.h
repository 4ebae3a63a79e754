/* SPDX-License-Identifier: MIT
 *
 * The result of a sweep as a Markdown table, CSV or JSON on stdout.
 */
#ifndef TOOLS_BENCH_REPORT_H
#define TOOLS_BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "bench_print.h"
#include "bench_race.h"
#include "roof.h"

typedef struct bench_result {
    vatten_context *context;
    const roof *roof;
    const bench_settings *settings;
    const bench_problem *problems;
    const bench_row *rows;
    size_t count;
} bench_result;

/* False, and said, when stdout cannot be written. */
bool bench_report(bench_form form, const bench_result *result);

#endif /* TOOLS_BENCH_REPORT_H */
