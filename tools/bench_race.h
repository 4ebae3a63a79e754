/* SPDX-License-Identifier: MIT
 *
 * Times of one line of vatten_bench. What it is compared with runs in turns with it: clocks and neighbours move, and
 * only what ran at the same time can be divided.
 */
#ifndef TOOLS_BENCH_RACE_H
#define TOOLS_BENCH_RACE_H

#include <vatten/context.h>

#include "bench_measure.h"
#include "bench_row.h"
#include "bench_sweep.h"
#include "bench_vk.h"

typedef struct bench_settings {
    bench_measure measure;
    uint32_t boxes; /* of queries, besides the chosen one: those with the fewest key tiles */
    bool dense;     /* neighborhoods, and attention with a mask: also dense attention over the same tokens */
} bench_settings;

/* Checks and times one problem, with its rivals. Every failure ends up in the row. */
void bench_race(vatten_context *context, const bench_vk *vk, const bench_settings *settings,
                const bench_problem *problem, bench_row *out_row);

#endif /* TOOLS_BENCH_RACE_H */
