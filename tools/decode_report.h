/* SPDX-License-Identifier: MIT
 *
 * The table of `vatten_bench decode`: Markdown, CSV, JSON.
 */
#ifndef TOOLS_DECODE_REPORT_H
#define TOOLS_DECODE_REPORT_H

#include "bench_suite.h"
#include "decode_race.h"

typedef struct decode_result {
    bench_run run;
    const decode_case *cases;
    decode_row *rows;
    size_t count;
} decode_result;

/* The print and the add of a bench_suite whose user is a decode_result. */
void decode_report_print(const void *user, bench_form form);
void decode_report_add(const void *user, cJSON *document);

#endif /* TOOLS_DECODE_REPORT_H */
