/* SPDX-License-Identifier: MIT */
#include "ring_shape.h"

uint32_t ring_parts(const ring_shape *s) {
    return s->method == RING_METHOD_RING && s->placement == RING_ZIGZAG ? 2 : 1;
}

uint32_t ring_granule(const ring_shape *s) {
    return s->ranks * ring_parts(s);
}

uint32_t ring_part_tokens(const ring_shape *s) {
    return s->tokens / ring_granule(s);
}

/* The run of tokens that a part is, of all runs. */
static uint32_t run_of(const ring_shape *s, uint32_t rank, uint32_t part) {
    return part == 0 ? rank : 2 * s->ranks - 1 - rank;
}

uint32_t ring_token(const ring_shape *s, uint32_t rank, uint32_t part, uint32_t i) {
    if (s->method == RING_METHOD_RING && s->placement == RING_STRIPED) {
        return i * s->ranks + rank;
    }
    return run_of(s, rank, part) * ring_part_tokens(s) + i;
}

/* False when no query of the part sees any key of the other. */
static bool mask_of(const ring_shape *s, uint32_t q_order, uint32_t k_order, ring_mask *out) {
    bool striped = s->placement == RING_STRIPED;
    *out = RING_ALL;
    if (!s->causal) {
        return true;
    }
    if (striped) { /* token i of one rank stands before token i of a later rank, and behind its token i - 1 */
        *out = k_order <= q_order ? RING_UP_TO : RING_BELOW;
        return *out == RING_UP_TO || ring_part_tokens(s) > 1;
    }
    *out = k_order == q_order ? RING_UP_TO : RING_ALL;
    return k_order <= q_order;
}

uint32_t ring_tasks(const ring_shape *s, uint32_t rank, uint32_t source, ring_task out[RING_MOST_TASKS]) {
    uint32_t count = 0;
    for (uint32_t q = 0; q < ring_parts(s); q++) {
        for (uint32_t k = 0; k < ring_parts(s); k++) {
            ring_task task = {q, k, RING_ALL};
            if (mask_of(s, run_of(s, rank, q), run_of(s, source, k), &task.mask)) {
                out[count++] = task;
            }
        }
    }
    return count;
}

uint32_t ring_source(const ring_shape *s, uint32_t rank, uint32_t step) {
    return (rank + s->ranks - step) % s->ranks;
}

uint32_t ring_part_tasks(const ring_shape *s, uint32_t rank, uint32_t q_part) {
    uint32_t count = 0;
    for (uint32_t source = 0; source < s->ranks; source++) {
        ring_task tasks[RING_MOST_TASKS];
        uint32_t found = ring_tasks(s, rank, source, tasks);
        for (uint32_t t = 0; t < found; t++) {
            count += tasks[t].q_part == q_part ? 1 : 0;
        }
    }
    return count;
}

uint64_t ring_step_pairs(const ring_shape *s, uint32_t rank, uint32_t step) {
    uint64_t n = ring_part_tokens(s), pairs = 0;
    const uint64_t of_mask[RING_MASKS] = {n * n, n * (n + 1) / 2, n * (n - 1) / 2};
    ring_task tasks[RING_MOST_TASKS];
    uint32_t count = ring_tasks(s, rank, ring_source(s, rank, step), tasks);
    for (uint32_t t = 0; t < count; t++) {
        pairs += of_mask[tasks[t].mask];
    }
    return pairs;
}

uint64_t ring_all_pairs(const ring_shape *s) {
    uint64_t n = (uint64_t)s->tokens + (s->method == RING_METHOD_STAR ? s->query : 0);
    bool causal = s->causal || s->method == RING_METHOD_STAR;
    return causal ? n * (n + 1) / 2 : n * n;
}

bool ring_sees(const ring_shape *s, uint32_t i, uint32_t j) {
    if (s->method == RING_METHOD_RING) {
        return !s->causal || j <= i;
    }
    uint32_t block = star_block(s);
    return j <= i && (i >= s->tokens || j < block || j / block == i / block);
}

/* ---- Star ---- */

uint32_t star_block(const ring_shape *s) {
    return s->tokens / s->ranks;
}

uint64_t star_context_pairs(const ring_shape *s, uint32_t rank) {
    uint64_t n = star_block(s);
    return n * (n + 1) / 2 + (rank != 0 ? n * n : 0);
}

uint64_t star_query_pairs(const ring_shape *s, uint32_t rank) {
    uint64_t n = s->query, last = rank + 1 == s->ranks ? n * (n + 1) / 2 : 0;
    return n * star_block(s) + last;
}

/* ---- What it should take ---- */

uint64_t ring_hop_bytes(const ring_shape *s) {
    return 2ull * sizeof(float) * (s->tokens / s->ranks) * s->kv_heads * s->dim;
}

static double larger(double a, double b) {
    return a > b ? a : b;
}

static double predict_ring(const ring_shape *s, const ring_speeds *speeds, bool overlap) {
    double ms = 0.0;
    for (uint32_t step = 0; step < s->ranks; step++) {
        uint64_t most = 0;
        for (uint32_t rank = 0; rank < s->ranks; rank++) {
            uint64_t pairs = ring_step_pairs(s, rank, step);
            most = pairs > most ? pairs : most;
        }
        double compute = (double)most / speeds->pairs_per_ms,
               hop = step + 1 < s->ranks ? speeds->link_ms : 0.0;
        ms += overlap ? larger(compute, hop) : compute + hop;
    }
    return ms;
}

static double predict_star(const ring_shape *s, const ring_speeds *speeds) {
    double ms = 0.0;
    for (uint32_t rank = 0; rank < s->ranks; rank++) {
        uint64_t pairs = star_context_pairs(s, rank) + star_query_pairs(s, rank);
        double anchor = s->ranks > 1 ? speeds->link_ms : 0.0;
        ms = larger(ms, (double)pairs / speeds->pairs_per_ms + anchor);
    }
    return ms;
}

double ring_predict(const ring_shape *s, const ring_speeds *speeds, bool overlap) {
    return s->method == RING_METHOD_STAR ? predict_star(s, speeds) : predict_ring(s, speeds, overlap);
}
