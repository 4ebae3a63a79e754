/* SPDX-License-Identifier: MIT
 *
 * One line of `vatten_bench scaling` on the device: attention of one head over so many tokens, dense, by a window, or over
 * drawn lists of blocks.
 */
#ifndef TOOLS_SCALING_RIG_H
#define TOOLS_SCALING_RIG_H

#include <vatten/context.h>

#include "bench_rig.h"
#include "sparse_case.h"

#define SCALING_METHOD_WORDS "dense|window|block-sparse"
typedef enum scaling_method { SCALING_DENSE, SCALING_WINDOW, SCALING_BLOCKS } scaling_method;

typedef struct scaling_case {
    scaling_method method;
    uint64_t tokens;
    vatten_dtype dtype; /* f32 for blocks */
    uint32_t dim;
    uint32_t window; /* keys on each side */
    uint32_t block;  /* tokens of a block of queries and of keys */
    uint32_t entries;
    char name[96];
} scaling_case;

typedef struct scaling_rig {
    bench_rig attention; /* dense, window */
    vatten_context *context;
    vatten_plan *plan; /* blocks, and their buffers: q, k, v, out, lists */
    vatten_memory *memory[5];
    vatten_args args;
    uint64_t buffer_bytes; /* of all arguments but the workspace */
} scaling_rig;

void scaling_name(scaling_case *c);
const char *scaling_method_name(scaling_method method);

/* What the exponent of the time is without anything that does not grow: 2 or 1. */
double scaling_wanted(scaling_method method);

/* Makes plan and buffers, runs once and holds `sample` rows against the oracle. False: the row says why. Destroy the rig in
 * either case. */
bool scaling_rig_make(vatten_context *context, const bench_vk *vk, const scaling_case *c, uint32_t sample,
                      scaling_rig *out_rig, bench_row *row);
void scaling_rig_destroy(scaling_rig *rig);

bool scaling_rig_run(scaling_rig *rig, bench_row *row, double *out_ms);

#endif /* TOOLS_SCALING_RIG_H */
