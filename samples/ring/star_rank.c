/* SPDX-License-Identifier: MIT */
#include "star_rank.h"

#include <stdlib.h>
#include <string.h>
#include <vatten/lists.h>

#include "complain.h"
#include "median.h"
#include "ring_data.h"

enum {
    CONTEXT_Q,
    CONTEXT_K,
    CONTEXT_V,
    CONTEXT_OUT,
    CONTEXT_LSE,
    QUERY_Q,
    QUERY_K,
    QUERY_V,
    QUERY_OUT,
    QUERY_LSE,
    PARTS,
    LSES,
    MERGED,
    MERGED_LSE,
    MEMORIES
};

struct star_rank {
    ring_shape shape;
    uint32_t rank;
    vatten_context *context;
    vatten_plan *block, *query, *merge; /* merge: of rank 0 */
    vatten_memory *memory[MEMORIES];
    float *anchor;       /* keys, then values, of the first block */
    float *parts, *lses; /* of the query, of all ranks: on rank 0 */
    float *own_part, *own_lse;
    size_t kv_floats; /* of a block */
    size_t query_floats, query_rows;
};

/* ---- Making ---- */

static bool fill(const star_rank *r, int which, ring_tensor tensor, uint32_t at, uint32_t first,
                 uint32_t count) {
    size_t size = ring_token_size(&r->shape, tensor);
    if (count == 0) {
        return true;
    }
    float *data = malloc(count * size * sizeof(float));
    for (uint32_t i = 0; data && i < count; i++) {
        ring_fill(&r->shape, tensor, first + i, data + i * size);
    }
    bool filled =
        data ? ring_upload(r->memory[which], at * size, data, count * size) : complain("out of memory");
    free(data);
    return filled;
}

/* The anchor stands before the block's own keys, where there is one. */
static uint32_t before_own(const star_rank *r) {
    return r->rank != 0 ? star_block(&r->shape) : 0;
}

/* The last rank has the query's own keys behind those of its block. */
static uint32_t behind_own(const star_rank *r) {
    return r->rank + 1 == r->shape.ranks ? r->shape.query : 0;
}

static bool make_plans(star_rank *r) {
    const ring_shape *s = &r->shape;
    uint32_t block = star_block(s);
    const ring_plan_desc context = {
        .q_len = block, .kv_len = before_own(r) + block, .causal = true, .write_lse = true};
    const ring_plan_desc query = {
        .q_len = s->query, .kv_len = block + behind_own(r), .causal = behind_own(r) != 0, .write_lse = true};
    const vatten_combine_desc merge = {.kind = VATTEN_COMBINE_MERGE,
                                       .dtype = VATTEN_DTYPE_F32,
                                       .batch = 1,
                                       .heads = s->heads,
                                       .tokens = s->query,
                                       .dim = s->dim,
                                       .parts = s->ranks,
                                       .write_lse = true};
    return ring_plan_make(r->context, s, &context, &r->block) &&
           ring_plan_make(r->context, s, &query, &r->query) &&
           (r->rank != 0 ||
            ring_good("merge", vatten_combine_create(vatten_context_device(r->context), &merge, &r->merge)));
}

static bool make_memories(star_rank *r) {
    const ring_shape *s = &r->shape;
    uint64_t block = star_block(s), q = ring_token_size(s, RING_Q), kv = ring_token_size(s, RING_K);
    uint64_t root = r->rank == 0 ? s->ranks : 0;
    const uint64_t floats[MEMORIES] = {
        [CONTEXT_Q] = block * q,
        [CONTEXT_K] = (before_own(r) + block) * kv,
        [CONTEXT_V] = (before_own(r) + block) * kv,
        [CONTEXT_OUT] = block * q,
        [CONTEXT_LSE] = block * s->heads,
        [QUERY_Q] = r->query_floats,
        [QUERY_K] = (block + behind_own(r)) * kv,
        [QUERY_V] = (block + behind_own(r)) * kv,
        [QUERY_OUT] = r->query_floats,
        [QUERY_LSE] = r->query_rows,
        [PARTS] = root * r->query_floats,
        [LSES] = root * r->query_rows,
        [MERGED] = root ? r->query_floats : 0,
        [MERGED_LSE] = root ? r->query_rows : 0,
    };
    bool made = true;
    for (int i = 0; made && i < MEMORIES; i++) {
        made = floats[i] == 0 || ring_memory_make(r->context, floats[i], &r->memory[i]);
    }
    return made;
}

/* Every rank makes its own tokens and the query's; the anchor comes from rank 0. */
static bool fill_memories(star_rank *r) {
    const ring_shape *s = &r->shape;
    uint32_t block = star_block(s), first = r->rank * block;
    return fill(r, CONTEXT_Q, RING_Q, 0, first, block) &&
           fill(r, CONTEXT_K, RING_K, before_own(r), first, block) &&
           fill(r, CONTEXT_V, RING_V, before_own(r), first, block) &&
           fill(r, QUERY_Q, RING_Q, 0, s->tokens, s->query) && fill(r, QUERY_K, RING_K, 0, first, block) &&
           fill(r, QUERY_V, RING_V, 0, first, block) &&
           fill(r, QUERY_K, RING_K, block, s->tokens, behind_own(r)) &&
           fill(r, QUERY_V, RING_V, block, s->tokens, behind_own(r));
}

static void fill_anchor(star_rank *r) {
    size_t size = ring_token_size(&r->shape, RING_K);
    for (uint32_t i = 0; r->rank == 0 && i < star_block(&r->shape); i++) {
        ring_fill(&r->shape, RING_K, i, r->anchor + i * size);
        ring_fill(&r->shape, RING_V, i, r->anchor + r->kv_floats + i * size);
    }
}

static bool make_rank(star_rank *r) {
    const ring_shape *s = &r->shape;
    r->kv_floats = star_block(s) * ring_token_size(s, RING_K);
    r->query_rows = (size_t)s->query * s->heads;
    r->query_floats = r->query_rows * s->dim;
    size_t parts = r->rank == 0 ? s->ranks : 1;
    r->anchor = calloc(2 * r->kv_floats, sizeof(float));
    r->parts = malloc(parts * r->query_floats * sizeof(float));
    r->lses = malloc(parts * r->query_rows * sizeof(float));
    r->own_part = malloc(r->query_floats * sizeof(float));
    r->own_lse = malloc(r->query_rows * sizeof(float));
    if (!r->anchor || !r->parts || !r->lses || !r->own_part || !r->own_lse) {
        return complain("out of memory");
    }
    fill_anchor(r);
    return make_plans(r) && make_memories(r) && fill_memories(r);
}

bool star_rank_make(vatten_context *context, const ring_shape *s, uint32_t rank, star_rank **out) {
    *out = calloc(1, sizeof(**out));
    if (!*out) {
        return complain("out of memory");
    }
    (*out)->shape = *s;
    (*out)->rank = rank;
    (*out)->context = context;
    return make_rank(*out);
}

void star_rank_free(star_rank *r) {
    if (!r) {
        return;
    }
    for (int i = 0; i < MEMORIES; i++) {
        vatten_memory_destroy(r->memory[i]);
    }
    vatten_plan_destroy(r->block);
    vatten_plan_destroy(r->query);
    vatten_plan_destroy(r->merge);
    free(r->anchor);
    free(r->parts);
    free(r->lses);
    free(r->own_part);
    free(r->own_lse);
    free(r);
}

/* ---- Phases ---- */

static bool attend(star_rank *r, const vatten_plan *plan, int first) {
    vatten_memory *const *m = r->memory + first;
    const vatten_args args = {.q = vatten_memory_buffer(m[0]),
                              .k = vatten_memory_buffer(m[1]),
                              .v = vatten_memory_buffer(m[2]),
                              .out = vatten_memory_buffer(m[3]),
                              .lse = vatten_memory_buffer(m[4])};
    return ring_good("attention", vatten_context_run(r->context, plan, &args, NULL));
}

static bool phase_1(star_rank *r) {
    bool placed =
        before_own(r) == 0 || (ring_upload(r->memory[CONTEXT_K], 0, r->anchor, r->kv_floats) &&
                               ring_upload(r->memory[CONTEXT_V], 0, r->anchor + r->kv_floats, r->kv_floats));
    return placed && attend(r, r->block, CONTEXT_Q);
}

static bool phase_2(star_rank *r) {
    return attend(r, r->query, QUERY_Q) &&
           ring_download(r->memory[QUERY_OUT], r->own_part, r->query_floats) &&
           ring_download(r->memory[QUERY_LSE], r->own_lse, r->query_rows);
}

static bool merge(star_rank *r) {
    const vatten_args args = {.v = vatten_memory_buffer(r->memory[PARTS]),
                              .bias = vatten_memory_buffer(r->memory[LSES]),
                              .out = vatten_memory_buffer(r->memory[MERGED]),
                              .lse = vatten_memory_buffer(r->memory[MERGED_LSE])};
    return ring_upload(r->memory[PARTS], 0, r->parts, r->shape.ranks * r->query_floats) &&
           ring_upload(r->memory[LSES], 0, r->lses, r->shape.ranks * r->query_rows) &&
           ring_good("merge", vatten_context_run(r->context, r->merge, &args, NULL));
}

/* ---- A run ---- */

static void share_anchor(star_rank *r, ring_link *link, const ring_clock *clock, ring_outcome *out) {
    size_t bytes = 2 * r->kv_floats * sizeof(float);
    double begin = ring_clock_now(clock);
    link->share(link, r->anchor, bytes);
    ring_note(out, RING_TRANSFER, 0, begin, ring_clock_now(clock));
    out->bytes_sent += r->rank == 0 ? bytes * (link->ranks - 1) : 0;
}

static void gather_parts(star_rank *r, ring_link *link, const ring_clock *clock, ring_outcome *out) {
    double begin = ring_clock_now(clock);
    link->gather(link, r->own_part, r->parts, r->query_floats * sizeof(float));
    link->gather(link, r->own_lse, r->lses, r->query_rows * sizeof(float));
    ring_note(out, RING_TRANSFER, 1, begin, ring_clock_now(clock));
    out->bytes_sent += r->rank != 0 ? (r->query_floats + r->query_rows) * sizeof(float) : 0;
}

bool star_rank_run(star_rank *r, ring_link *link, ring_outcome *out) {
    link->barrier(link);
    ring_clock clock = ring_clock_begin();
    share_anchor(r, link, &clock, out);
    double begin = ring_clock_now(&clock);
    if (!phase_1(r)) {
        return false;
    }
    double middle = ring_clock_now(&clock);
    ring_note(out, RING_COMPUTE, 0, begin, middle);
    if (!phase_2(r)) {
        return false;
    }
    ring_note(out, RING_COMPUTE, 1, middle, ring_clock_now(&clock));
    gather_parts(r, link, &clock, out);
    begin = ring_clock_now(&clock);
    if (r->rank == 0 && !merge(r)) {
        return false;
    }
    if (r->rank == 0) {
        ring_note(out, RING_COMPUTE, 2, begin, ring_clock_now(&clock));
    }
    out->total_ms = ring_clock_now(&clock);
    out->pairs = star_context_pairs(&r->shape, r->rank) + star_query_pairs(&r->shape, r->rank);
    return true;
}

double star_rank_hop(star_rank *r, ring_link *link) {
    double ms[5];
    for (int i = 0; i < 5; i++) {
        ring_outcome out = {0};
        link->barrier(link);
        ring_clock clock = ring_clock_begin();
        share_anchor(r, link, &clock, &out);
        ms[i] = out.transfer_ms;
    }
    return median(ms, 5);
}

bool star_rank_results(star_rank *r, float *out, float *lse) {
    size_t rows = (size_t)star_block(&r->shape) * r->shape.heads;
    return ring_download(r->memory[CONTEXT_OUT], out, rows * r->shape.dim) &&
           ring_download(r->memory[CONTEXT_LSE], lse, rows);
}

bool star_rank_query(star_rank *r, float *out, float *lse) {
    return ring_download(r->memory[MERGED], out, r->query_floats) &&
           ring_download(r->memory[MERGED_LSE], lse, r->query_rows);
}
