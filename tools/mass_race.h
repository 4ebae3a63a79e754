/* SPDX-License-Identifier: MIT
 *
 * Times of one line of `vatten_bench mass`: the forward attention and the mass that follows it, in turns, as clocks and
 * neighbours move.
 */
#ifndef TOOLS_MASS_RACE_H
#define TOOLS_MASS_RACE_H

#include <vatten/context.h>

#include "bench_row.h"
#include "bench_suite.h"
#include "mass_case.h"

typedef struct mass_row {
    bench_row bench;          /* of the mass; of it status, reason, info, gpu_ms, runs */
    vatten_plan_info forward; /* zero when there is no plan */
    stats_summary forward_ms;
    uint32_t forward_runs;
    uint32_t rounds;
    double by_forward; /* time of the mass by that of the forward attention, median of the rounds' own */
    double max_error;  /* of the mass */
} mass_row;

/* Checks and times both. Every failure ends up in the row. */
void mass_race(vatten_context *context, const bench_measure *settings, const mass_case *c, mass_row *out_row);

#endif /* TOOLS_MASS_RACE_H */
