/* SPDX-License-Identifier: MIT
 *
 * The tables of `vatten_bench scaling`.
 */
#ifndef TOOLS_SCALING_REPORT_H
#define TOOLS_SCALING_REPORT_H

#include "bench_suite.h"
#include "scaling_race.h"

enum { SCALING_METHODS = 3 };

typedef struct scaling_result {
    bench_run run;
    uint32_t budget; /* seconds of one run */
    const scaling_case *cases;
    scaling_row *rows;
    size_t count;
    scaling_fit fits[SCALING_METHODS];
    size_t fit_count;
} scaling_result;

/* The print and the add of a bench_suite whose user is a scaling_result. */
void scaling_report_print(const void *user, bench_form form);
void scaling_report_add(const void *user, cJSON *document);

#endif /* TOOLS_SCALING_REPORT_H */
