/* SPDX-License-Identifier: MIT
 *
 * What drawing the families of the op matrix shares.
 */
#ifndef VATTEN_OPS_DRAW_H
#define VATTEN_OPS_DRAW_H

#include "choices.h"
#include "ops_case.h"

/* `mould` is the same for all cases that share what kernels are made for, `half` for one half of them, which share lengths of
 * the plan too. */
typedef struct ops_stream {
    unit_random mould, half, own;
    uint64_t *field;
} ops_stream;

/* A length around the edges of a tile, a prime, or any up to `most`. */
uint64_t ops_edge_length(unit_random *d, uint64_t most);

/* 0 most of the time, else up to `most`. */
uint64_t ops_maybe(unit_random *d, uint32_t percent, uint64_t most);

void ops_draw_lengths(ops_stream *w, unit_random *q, unit_random *kv);
void ops_draw_now(ops_stream *w, uint32_t percent);
void ops_draw_places(ops_stream *w);
void ops_draw_rules(ops_stream *w);

/* Families that choose, and those of single tasks, after what all attention has. */
void ops_draw_sparse(ops_stream *w);
void ops_draw_select(ops_stream *w);
void ops_draw_mass(ops_stream *w);
void ops_draw_append(ops_stream *w);
void ops_draw_topk(ops_stream *w);
void ops_draw_pool(ops_stream *w);
void ops_draw_combine(ops_stream *w);

#endif /* VATTEN_OPS_DRAW_H */
