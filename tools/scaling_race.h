/* SPDX-License-Identifier: MIT
 *
 * Times of all lines of one method of `vatten_bench scaling`, in turns: a machine that is slow for a while is slow for all
 * lengths, and does not bend the curve.
 */
#ifndef TOOLS_SCALING_RACE_H
#define TOOLS_SCALING_RACE_H

#include "bench_measure.h"
#include "scaling_rig.h"

enum { SCALING_MOST_LINES = 32 };

typedef struct scaling_row {
    bench_row bench;      /* of it status, reason, info, check, first_ms, gpu_ms, runs */
    stats_summary cpu_ms; /* CPU devices: what all threads computed for one run; else 0 */
    uint64_t buffer_bytes;
    uint64_t bytes; /* with the workspace */
} scaling_row;

/* What the lines of a method say together. */
typedef struct scaling_fit {
    scaling_method method;
    uint64_t from, to; /* tokens */
    size_t lines;      /* that are right; less than 2: nothing else is known */
    uint32_t rounds;
    stats_summary time; /* exponents of time against tokens, each of one round */
    stats_summary cpu;  /* CPU devices: the same of the time that all threads computed; else 0 */
    double memory;      /* exponent of the bytes */
} scaling_fit;

/* Checks and times `count` lines of one method, from few tokens to many; those that would take more than `budget` seconds for
 * one run are skipped, as the line before tells. Failures end up in their rows. */
void scaling_race(vatten_context *context, const bench_vk *vk, const bench_measure *measure, uint32_t budget,
                  const scaling_case *cases, size_t count, scaling_row *out_rows, scaling_fit *out_fit);

#endif /* TOOLS_SCALING_RACE_H */
