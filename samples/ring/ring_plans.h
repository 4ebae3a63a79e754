/* SPDX-License-Identifier: MIT
 *
 * A rank's device, and plans and buffers on it: what ring, star and the run on one device have in common.
 */
#ifndef RING_PLANS_H
#define RING_PLANS_H

#include <vatten/context.h>
#include <vatten/dense.h>

#include "ring_shape.h"

/* False after a message when `result` is a failure. */
bool ring_good(const char *what, vatten_result result);

/* `devices`: names or indices with commas between, of which the rank takes its own, in turns; NULL: the context's choice. */
bool ring_open(const char *devices, uint32_t rank, vatten_context **out);

/* Dense attention with the heads of the shape; causality is aligned to the last key. */
typedef struct ring_plan_desc {
    uint64_t q_len, kv_len;
    bool causal, write_lse;
    vatten_carries carry;
} ring_plan_desc;
bool ring_plan_make(vatten_context *context, const ring_shape *s, const ring_plan_desc *desc,
                    vatten_plan **out);

bool ring_memory_make(vatten_context *context, uint64_t floats, vatten_memory **out);
bool ring_upload(vatten_memory *memory, uint64_t first_float, const float *data, uint64_t floats);
bool ring_download(vatten_memory *memory, float *data, uint64_t floats);

/* The whole problem as one dense attention, full whatever the method is. A run, whose wall time is told, is of attention alone;
 * results are out [tokens][heads][dim] and lse [heads][tokens]. */
typedef struct ring_single ring_single;
bool ring_single_make(vatten_context *context, const ring_shape *s, const float *q, const float *k,
                      const float *v, uint32_t tokens, ring_single **out);
bool ring_single_run(ring_single *single, double *ms);
bool ring_single_results(ring_single *single, float *out, float *lse);
void ring_single_free(ring_single *single);

#endif
