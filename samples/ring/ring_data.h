/* SPDX-License-Identifier: MIT
 *
 * Queries, keys and values that every rank can make for itself, token by token, and attention over them in double.
 */
#ifndef RING_DATA_H
#define RING_DATA_H

#include "ring_shape.h"

typedef enum ring_tensor { RING_Q, RING_K, RING_V } ring_tensor;

/* Numbers of unit variance of the token at a place of the whole sequence, [heads or kv_heads][dim]. */
void ring_fill(const ring_shape *s, ring_tensor which, uint32_t token, float *out);

/* Numbers of a token. */
size_t ring_token_size(const ring_shape *s, ring_tensor which);

/* All tokens of the sequence, [tokens + query][heads][dim], for the rank that compares. False after a message. */
typedef struct ring_whole {
    float *q, *k, *v;
    uint32_t tokens;
} ring_whole;
bool ring_whole_make(const ring_shape *s, ring_whole *out);
void ring_whole_free(ring_whole *whole);

/* Output and natural log-sum-exp of one query of one head over the keys that `full` (all up to it, or all) or the method's own
 * definition shows. */
void ring_exact(const ring_shape *s, const ring_whole *whole, uint32_t token, uint32_t head, bool full,
                double *out, double *lse);

#endif
