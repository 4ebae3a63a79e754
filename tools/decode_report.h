/* SPDX-License-Identifier: MIT
 *
 * The table of `vatten_bench decode`: Markdown, CSV, JSON.
 */
#ifndef TOOLS_DECODE_REPORT_H
#define TOOLS_DECODE_REPORT_H

#include "bench_print.h"
#include "decode_race.h"

typedef struct decode_result {
    bench_run run;
    const decode_case *cases;
    decode_row *rows;
    size_t count;
} decode_result;

/* On stdout. False, and said, when that failed. */
bool decode_report(bench_form form, const decode_result *result);

#endif /* TOOLS_DECODE_REPORT_H */
