/* SPDX-License-Identifier: MIT
 *
 * Times of one line of `vatten_bench decode`.
 */
#ifndef TOOLS_DECODE_RACE_H
#define TOOLS_DECODE_RACE_H

#include <vatten/context.h>

#include "bench_row.h"
#include "decode_case.h"

typedef struct decode_settings {
    uint32_t repeat;  /* timed runs */
    uint32_t warmup;  /* untimed ones before, the checked one not counted */
    uint32_t rows;    /* held against the oracle */
    uint32_t seconds; /* of timed runs: fewer, at least 3, when they are long */
} decode_settings;

typedef struct decode_row {
    bench_row bench; /* of it status, reason, info, gpu_ms, runs */
    double max_error;
    double gbs; /* keys and values read once */
} decode_row;

/* Every failure ends up in the row. */
void decode_race(vatten_context *context, const decode_settings *settings, const decode_case *c,
                 decode_row *out_row);

#endif /* TOOLS_DECODE_RACE_H */
