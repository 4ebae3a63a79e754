/* SPDX-License-Identifier: MIT */
#include "bench_lists.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <ref_choice.h>

#define NEAR 1e-4 /* values of blocks that rounding may take for equal */

/* ---- Shapes ---- */

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

bench_lists bench_lists_of(const family_problem *problem) {
    const vatten_heads *heads = family_heads(problem);
    const vatten_lists_desc *d = &problem->lists;
    const vatten_sparse_desc *s = &problem->sparse;
    bool drawn = problem->id == FAMILY_LISTS;
    uint32_t list_heads = drawn ? d->list_heads : s->rule.list_heads;
    bench_lists l = {.batch = heads->batch,
                     .heads = list_heads != 0 ? list_heads : heads->heads,
                     .q_len = drawn ? d->q_len : s->q_len,
                     .kv_len = drawn ? d->kv_len : s->kv_len,
                     .q_block = drawn ? d->q_block : s->q_block,
                     .kv_block = drawn ? d->kv_block : s->kv_block,
                     .entries = drawn ? d->entries : s->rule.entries,
                     .causal = drawn ? d->causal : s->causal,
                     .align = drawn ? d->align : s->align};
    l.group = heads->heads / l.heads;
    l.rows = (l.q_len - 1) / l.q_block + 1;
    l.blocks = (l.kv_len - 1) / l.kv_block + 1;
    return l;
}

uint64_t bench_lists_words(const bench_lists *l) {
    return l->batch * l->heads * l->rows * l->entries;
}

uint64_t bench_lists_at(const bench_lists *l, uint64_t batch, uint64_t head, uint64_t query) {
    return ((batch * l->heads + head / l->group) * l->rows + query / l->q_block) * l->entries;
}

/* Where a row's first token stands among the keys. */
static int64_t first_of(const bench_lists *l, uint64_t row) {
    bool last = l->causal && l->align == VATTEN_ALIGN_LAST;
    return (int64_t)(row * l->q_block) + (last ? (int64_t)l->kv_len - (int64_t)l->q_len : 0);
}

/* Blocks [0, candidates) are all that some query of the row may see, the last one short or not. */
static uint64_t candidates(const bench_lists *l, uint64_t row) {
    int64_t last = first_of(l, row) + (int64_t)l->q_block - 1;
    if (!l->causal)
        return l->blocks;
    return last < 0 ? 0 : smaller((uint64_t)last / l->kv_block + 1, l->blocks);
}

bool bench_lists_names(const bench_lists *l, const uint32_t *list, uint64_t block) {
    for (uint64_t n = 0; n < l->entries && list[n] != VATTEN_LIST_END; ++n)
        if (list[n] == block)
            return true;
    return false;
}

/* ---- Drawn ---- */

/* A block is taken with the probability that leaves the rest as many as are wanted. */
void bench_lists_draw(uint64_t row, uint64_t blocks, uint64_t wanted, uint32_t *list) {
    for (uint64_t n = 0; n < blocks && wanted > 0; ++n) {
        double chance = ((double)ref_random(9, row * blocks + n) / sqrt(3.0) + 1.0) / 2.0;
        if (chance * (double)(blocks - n) < (double)wanted) {
            *list++ = (uint32_t)n;
            --wanted;
        }
    }
}

void bench_lists_fill(const bench_lists *l, uint32_t *words) {
    memset(words, 0xff, (size_t)bench_lists_words(l) * sizeof *words);
    for (uint64_t row = 0; row < l->batch * l->heads * l->rows; ++row) {
        uint64_t blocks = candidates(l, row % l->rows);
        bench_lists_draw(row, blocks, smaller(l->entries, blocks), words + row * l->entries);
    }
}

/* ---- Chosen ---- */

/* Of tokens [first, end), dim by dim. */
static void mean(const ref_problem *p, const ref_tensor *x, uint64_t batch, uint64_t head, uint64_t first,
                 uint64_t end, double *out) {
    for (uint64_t d = 0; d < p->dim; ++d) {
        double sum = 0.0;
        for (uint64_t token = first; token < end; ++token)
            sum += ref_load(x, batch, token, head, d);
        out[d] = sum / (double)(end - first);
    }
}

/* Adds what one query head makes of each block. */
static void add_values(const bench_lists *l, const ref_problem *p, uint64_t batch, uint64_t head,
                       uint64_t row, double *value) {
    double q[VATTEN_MAX_DIM], k[VATTEN_MAX_DIM];
    uint64_t first = row * l->q_block, kv_head = head / (p->heads / p->kv_heads);
    mean(p, &p->q, batch, head, first, smaller(first + l->q_block, l->q_len), q);
    for (uint64_t n = 0; n < l->blocks; ++n) {
        mean(p, &p->k, batch, kv_head, n * l->kv_block, smaller((n + 1) * l->kv_block, l->kv_len), k);
        for (uint64_t d = 0; d < p->dim; ++d)
            value[n] += q[d] * k[d];
    }
}

/* Own blocks hold a token of the row, whole as all rows are counted. */
static uint8_t place_of(const bench_lists *l, const vatten_selection *rule, uint64_t row, uint64_t block) {
    int64_t first = first_of(l, row), end = first + (int64_t)l->q_block;
    int64_t start = (int64_t)(block * l->kv_block);
    bool own = rule->own && start < end && start + (int64_t)l->kv_block > first;
    if (block >= candidates(l, row))
        return 0;
    return own || block < rule->first ? REF_VALUED | REF_FORCED : REF_VALUED;
}

bool bench_lists_choose(const bench_lists *l, const vatten_selection *rule, const ref_problem *problem,
                        uint64_t batch, uint64_t head, uint64_t query, uint32_t *list) {
    const uint64_t row = query / l->q_block, first_head = head / l->group * l->group;
    double *value = calloc(l->blocks, sizeof *value);
    uint8_t *place = calloc(l->blocks, sizeof *place);
    uint32_t count;
    bool doubt = true;
    if (value != NULL && place != NULL) {
        for (uint64_t h = first_head; h < first_head + l->group; ++h)
            add_values(l, problem, batch, h, row, value);
        for (uint64_t n = 0; n < l->blocks; ++n)
            place[n] = place_of(l, rule, row, n);
        const ref_choice one = {.heads = 1,
                                .rows = 1,
                                .blocks = l->blocks,
                                .entries = l->entries,
                                .budget_heads = 1,
                                .budget_rows = 1,
                                .budget = REF_TOP,
                                .value = value,
                                .place = place,
                                .near = NEAR};
        doubt = !ref_choose(&one, list, &count, &doubt) || doubt;
    }
    free(value);
    free(place);
    return !doubt;
}
