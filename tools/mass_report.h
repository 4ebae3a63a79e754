/* SPDX-License-Identifier: MIT
 *
 * The table of `vatten_bench mass`: Markdown, CSV, JSON.
 */
#ifndef TOOLS_MASS_REPORT_H
#define TOOLS_MASS_REPORT_H

#include "bench_print.h"
#include "mass_race.h"

typedef struct mass_result {
    bench_run run;
    const mass_case *cases;
    mass_row *rows;
    size_t count;
} mass_result;

/* On stdout. False, and said, when that failed. */
bool mass_report(bench_form form, const mass_result *result);

#endif /* TOOLS_MASS_REPORT_H */
