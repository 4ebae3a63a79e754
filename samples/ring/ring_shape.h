/* SPDX-License-Identifier: MIT
 *
 * What is computed, by how many, and where each token lies. Pure.
 *
 * Ring attention: Liu, Zaharia and Abbeel 2023. Its balanced placements under causality: striped, Brandon et al. 2023; two chunks
 * for each rank, one from either end ("zigzag"), as many trainers of long texts have it. Star attention: Acharya, Jia and
 * Ginsburg 2024.
 */
#ifndef RING_SHAPE_H
#define RING_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RING_MOST_RANKS = 64, RING_MOST_PARTS = 2, RING_MOST_TASKS = 4 };

typedef enum ring_method { RING_METHOD_RING, RING_METHOD_STAR } ring_method;

typedef enum ring_placement {
    RING_CONTIGUOUS, /* rank r has the r-th of `ranks` runs of tokens */
    RING_ZIGZAG,     /* rank r has the runs r and 2 ranks - 1 - r of 2 ranks */
    RING_STRIPED     /* rank r has the tokens r, r + ranks, r + 2 ranks, ... */
} ring_placement;

typedef struct ring_shape {
    ring_method method;
    ring_placement placement; /* of ring */
    bool causal;              /* of ring; star always is */
    uint32_t ranks;
    uint32_t tokens; /* of all ranks: a multiple of ring_granule */
    uint32_t query;  /* star: tokens behind the context, which all ranks know */
    uint32_t heads, kv_heads, dim, seed;
} ring_shape;

/* What `tokens` has to be a multiple of. */
uint32_t ring_granule(const ring_shape *s);

/* Runs of tokens that a rank keeps apart, and the tokens of one. */
uint32_t ring_parts(const ring_shape *s);
uint32_t ring_part_tokens(const ring_shape *s);

/* The place in the whole sequence of token i of a part of a rank. */
uint32_t ring_token(const ring_shape *s, uint32_t rank, uint32_t part, uint32_t i);

/* Which keys j of a part the queries i of another see. */
typedef enum ring_mask { RING_ALL, RING_UP_TO, RING_BELOW, RING_MASKS } ring_mask; /* all; j <= i; j < i */

typedef struct ring_task {
    uint32_t q_part, k_part;
    ring_mask mask;
} ring_task;

/* What the queries of `rank` have to do with the keys of `source`: nothing that is hidden whole. Returns how many tasks. */
uint32_t ring_tasks(const ring_shape *s, uint32_t rank, uint32_t source, ring_task out[RING_MOST_TASKS]);

/* The rank whose keys `rank` has at a step of the ring: its own first, then those of the rank before, ... */
uint32_t ring_source(const ring_shape *s, uint32_t rank, uint32_t step);

/* Tasks of a part of queries in all steps. */
uint32_t ring_part_tasks(const ring_shape *s, uint32_t rank, uint32_t q_part);

/* Visible pairs of a step of a rank, and of the whole problem (star: of full attention), for one head. */
uint64_t ring_step_pairs(const ring_shape *s, uint32_t rank, uint32_t step);
uint64_t ring_all_pairs(const ring_shape *s);

/* Whether query i sees key j, both places in the whole sequence (star: context, then the query's tokens): the definition. */
bool ring_sees(const ring_shape *s, uint32_t i, uint32_t j);

/* ---- Star ---- */

uint32_t star_block(
    const ring_shape *s); /* tokens of the context that a rank has; the first rank's are the anchor of all */

/* Pairs of a rank: of its block with the anchor and itself; of the query's tokens with its keys. */
uint64_t star_context_pairs(const ring_shape *s, uint32_t rank);
uint64_t star_query_pairs(const ring_shape *s, uint32_t rank);

/* ---- What it should take ---- */

typedef struct ring_speeds {
    double pairs_per_ms; /* of one device, all heads at once */
    double link_ms;      /* one hop of keys and values, with nothing computed meanwhile */
} ring_speeds;

/* Milliseconds by the model of docs/scaling.md: every step takes what its slowest rank or its hop takes, whichever is longer
 * (`overlap`), or both. Star: its slowest rank, the broadcast of the anchor, and nothing for what is small. */
double ring_predict(const ring_shape *s, const ring_speeds *speeds, bool overlap);

/* Bytes of keys and values that a rank hands on in a hop; of star's anchor. */
uint64_t ring_hop_bytes(const ring_shape *s);

#endif
