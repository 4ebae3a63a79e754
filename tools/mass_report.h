/* SPDX-License-Identifier: MIT
 *
 * The table of `vatten_bench mass`: Markdown, CSV, JSON.
 */
#ifndef TOOLS_MASS_REPORT_H
#define TOOLS_MASS_REPORT_H

#include "bench_suite.h"
#include "mass_race.h"

typedef struct mass_result {
    bench_run run;
    const mass_case *cases;
    mass_row *rows;
    size_t count;
} mass_result;

/* The print and the add of a bench_suite whose user is a mass_result. */
void mass_report_print(const void *user, bench_form form);
void mass_report_add(const void *user, cJSON *document);

#endif /* TOOLS_MASS_REPORT_H */
