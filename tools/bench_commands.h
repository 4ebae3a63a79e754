/* SPDX-License-Identifier: MIT
 *
 * The commands of vatten_bench, each in a file of its own. They parse the options of the call, measure, report, and return the
 * exit status.
 */
#ifndef TOOLS_BENCH_COMMANDS_H
#define TOOLS_BENCH_COMMANDS_H

#include "bench_suites.h"

/* Dense attention, and neighborhoods where `grids`: lists multiplied out, or a suite's lines of both. */
int bench_attention(const bench_call *call, bool grids);

/* Sparse attention against dense attention, and what choosing the blocks costs. */
int bench_sparse(const bench_call *call);

/* Few new tokens over a long cache, against the device's copy. */
int bench_decode(const bench_call *call);

/* Attention mass against the forward attention that it follows. */
int bench_mass(const bench_call *call);

/* Time and memory against tokens. */
int bench_scaling(const bench_call *call);

/* What a record and a plan cost the CPU. */
int bench_launch(const bench_call *call);

#endif /* TOOLS_BENCH_COMMANDS_H */
