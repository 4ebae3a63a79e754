/* SPDX-License-Identifier: MIT
 *
 * Small programs of dense attention with rules, one head of one batch entry: each pair that positions leave visible is visited
 * once by all links and shares together, no pair twice, and tiles that count as full have no hidden pair.
 */
#include "choices.h"
#include "rules_must.h"

#include "sizes.h"

#include <string.h>

#define MOST_PAIRS 20000u

static uint8_t visits[MOST_PAIRS]; /* [query token of the tensor][key of its sequence] */
static uint8_t wanted[MOST_PAIRS];

typedef struct cover {
    const program_case *c;
    uint64_t seed, batch, head;
} cover;

static const char *visit_pair(const cover *v, const rules_group *g, uint32_t row, int64_t tile,
                              uint32_t column) {
    uint64_t keys = v->c->problem.kv_len;
    int64_t key = tile * g->spec[VT_SPEC_KEYS] + column;
    if (key < g->k_begin || key >= g->k_end)
        return NULL;
    uint64_t at = ((uint64_t)g->seq_q0 + rules_row_query(g, row)) * keys + (uint64_t)key;
    MUST(at < MOST_PAIRS && visits[at] == 0);
    visits[at] = 1;
    MUST(!rules_tile_full(g, tile) || rules_visible(g, rules_row_query(g, row), key));
    return NULL;
}

static const char *visit_tile(const cover *v, const rules_group *g, int64_t tile) {
    for (uint32_t row = 0; row < g->spec[VT_SPEC_ROWS]; ++row) {
        uint64_t head =
            g->step->push.head_first + g->y * g->spec[VT_SPEC_TILE_HEADS] + rules_row_head(g, row);
        if (!rules_row_valid(g, row) || head != v->head)
            continue;
        for (uint32_t column = 0; column < g->spec[VT_SPEC_KEYS]; ++column)
            MUST_ALL(visit_pair(v, g, row, tile, column));
    }
    return NULL;
}

/* What dense.h asks for of the queries of this workgroup; keys of later links come with those. */
static void want_pairs(const cover *v, const rules_group *g) {
    for (uint32_t row = 0; row < g->spec[VT_SPEC_ROWS]; ++row) {
        uint64_t head =
            g->step->push.head_first + g->y * g->spec[VT_SPEC_TILE_HEADS] + rules_row_head(g, row);
        for (int64_t key = g->from; key < g->reach; ++key)
            if (rules_row_valid(g, row) && head == v->head && rules_visible(g, rules_row_query(g, row), key))
                wanted[((uint64_t)g->seq_q0 + rules_row_query(g, row)) * v->c->problem.kv_len +
                       (uint64_t)key] = 1;
    }
}

static const char *visit_group(const cover *v, rules_group *g) {
    if (!rules_begin(g))
        return NULL;
    want_pairs(v, g);
    for (int run = 0; run < 2; ++run) {
        int64_t first = g->run[run][0], end = g->run[run][1], keys = g->spec[VT_SPEC_KEYS];
        if (g->scattered) {
            int64_t from = vt_max_i64(first * g->span_keys, g->from);
            int64_t to = vt_min_i64(end * g->span_keys, g->reach);
            first = from < to ? from / keys : 0;
            end = from < to ? (to + keys - 1) / keys : 0;
        }
        for (int64_t tile = first; tile < end; ++tile)
            MUST_ALL(visit_tile(v, g, tile));
    }
    return NULL;
}

static const char *visit_step(const cover *v, const vt_step *step) {
    const vt_push *push = &step->push;
    const uint32_t *spec = v->c->program.variants[step->variant].spec;
    uint32_t splits = spec[VT_SPEC_SPLITS], heads = spec[VT_SPEC_TILE_HEADS];
    uint64_t batches = step->groups[2] / splits, y = (v->head - push->head_first) / heads;
    if (v->batch < push->map1 || v->batch >= push->map1 + batches || v->head < push->head_first ||
        y >= step->groups[1])
        return NULL;
    for (uint32_t x = 0; x < step->groups[0]; ++x)
        for (uint32_t split = 0; split < splits; ++split) {
            rules_group g = {.step = step,
                             .spec = spec,
                             .tables = {&v->c->problem, v->seed, false},
                             .bound = v->c->problem.rules.tables.bytes / 4,
                             .x = x,
                             .y = (uint32_t)y,
                             .z = (uint32_t)(v->batch - push->map1) * splits + split};
            MUST_ALL(visit_group(v, &g));
        }
    return NULL;
}

const char *rules_covers(const program_case *c, uint64_t random) {
    const vt_problem *p = &c->problem;
    unit_random numbers = {.state = random};
    const cover v = {.c = c,
                     .seed = unit_between(&numbers, 0, 1000),
                     .batch = unit_between(&numbers, 0, p->batch - 1),
                     .head = unit_between(&numbers, 0, p->heads - 1)};
    if (p->q_len * p->kv_len > MOST_PAIRS || unit_chance(&numbers, 60))
        return NULL;
    memset(visits, 0, (size_t)(p->q_len * p->kv_len));
    memset(wanted, 0, (size_t)(p->q_len * p->kv_len));
    for (uint64_t i = 0; i < c->program.step_count; ++i)
        if (c->program.steps[i].variant == c->program.main_variant)
            MUST_ALL(visit_step(&v, &c->program.steps[i]));
    for (uint64_t n = 0; n < p->q_len * p->kv_len; ++n)
        MUST(visits[n] || !wanted[n]);
    return NULL;
}
