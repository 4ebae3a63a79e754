/* SPDX-License-Identifier: MIT
 *
 * Times of lines of `vatten_bench decode`: those that differ in their pages only run in turns, as clocks and neighbours move.
 */
#ifndef TOOLS_DECODE_RACE_H
#define TOOLS_DECODE_RACE_H

#include <vatten/context.h>

#include "bench_row.h"
#include "bench_suite.h"
#include "decode_case.h"

typedef struct decode_row {
    bench_row bench; /* of it status, reason, info, gpu_ms, runs */
    double max_error;
    double gbs; /* keys and values read once */
    double
        paged; /* time by that of the first line in its turns, median of the rounds' own; 0 = it is the first */
} decode_row;

enum { DECODE_MOST_TURNS = 8 };

/* How many lines from `cases` on run in turns: the same but for pages. At least 1. */
size_t decode_turns(const decode_case *cases, size_t count);

/* Checks and times them. Every failure ends up in its row; lines that are right run nevertheless. */
void decode_race(vatten_context *context, const bench_measure *settings, const decode_case *cases,
                 size_t count, decode_row *out_rows);

#endif /* TOOLS_DECODE_RACE_H */
