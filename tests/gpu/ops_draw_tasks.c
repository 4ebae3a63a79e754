/* SPDX-License-Identifier: MIT
 *
 * Drawing cases of the families that choose, and of those that are one task.
 */
#include "ops_draw.h"

/* Dims that compile fast, of whole vectors and not. */
static void draw_dims(ops_stream *w) {
    static const uint64_t dims[][2] = {{4, 0}, {8, 12}, {16, 0}, {12, 3}, {7, 0}, {5, 1}};
    uint64_t *f = w->field, row = unit_between(&w->mould, 0, 5);
    f[OPS_dim] = dims[row][0];
    f[OPS_value_dim] = dims[row][1];
    f[OPS_small] = 1;
}

static void shorten(ops_stream *w, uint64_t most_queries, uint64_t most_keys) {
    uint64_t *f = w->field;
    f[OPS_q_len] = f[OPS_q_len] < most_queries ? f[OPS_q_len] : most_queries;
    f[OPS_kv_len] = f[OPS_kv_len] < most_keys ? f[OPS_kv_len] : most_keys;
}

/* What takes many passes has few heads and parts: a software device takes its time for each dispatch, not for what is in it. */
static void draw_few(ops_stream *w) {
    uint64_t *f = w->field;
    f[OPS_batch] = unit_between(&w->own, 1, 2);
    f[OPS_kv_heads] = unit_between(&w->mould, 1, 2);
    f[OPS_group] = unit_between(&w->mould, 1, 2);
    f[OPS_parts] = ops_maybe(&w->own, 30, 4);
}

/* ---- What chooses ---- */

/* All of the rule is specialized, but who shares a budget. */
static void draw_blocks(ops_stream *w) {
    uint64_t *f = w->field;
    f[OPS_q_block] = unit_chance(&w->mould, 60) ? 1 : ops_edge_length(&w->mould, 40);
    f[OPS_kv_block] = ops_edge_length(&w->mould, 40);
    f[OPS_causal] = unit_between(&w->mould, 0, 1);
    f[OPS_list_heads] = unit_between(&w->mould, 0, 2);
    f[OPS_own] = unit_between(&w->mould, 0, 1);
    f[OPS_first] = ops_maybe(&w->mould, 30, 3);
    f[OPS_entries] = ops_edge_length(&w->mould, 12);
    f[OPS_share] = unit_between(&w->mould, 0, 99);
}

void ops_draw_sparse(ops_stream *w) {
    uint64_t *f = w->field;
    draw_few(w);
    draw_dims(w);
    ops_draw_lengths(w, &w->own, &w->mould);
    draw_blocks(w);
    shorten(w, 32, 100);
    f[OPS_align] = unit_between(&w->mould, 0, 1);
    f[OPS_budget] = unit_chance(&w->mould, 25);
    f[OPS_execution] = unit_between(&w->mould, 0, 2);
    f[OPS_workspace] = ops_maybe(&w->own, 40, 30);
}

/* Boxes of keys are windows, of queries strides. */
static void draw_boxes(ops_stream *w) {
    static const uint64_t most[3] = {200, 16, 7};
    uint64_t *f = w->field;
    f[OPS_boxes] = 1;
    f[OPS_rank] = unit_between(&w->mould, 1, 3);
    f[OPS_reach] = ops_maybe(&w->mould, 50, 63);
    for (int a = 0; a < (int)f[OPS_rank]; ++a) {
        f[OPS_extent0 + a] = ops_edge_length(&w->mould, most[f[OPS_rank] - 1]);
        f[OPS_window0 + a] = unit_between(&w->mould, 1, 5);
        f[OPS_stride0 + a] = unit_between(&w->mould, 1, 4);
    }
}

static void draw_budget(ops_stream *w) {
    uint64_t *f = w->field;
    f[OPS_budget] = unit_between(&w->mould, 0, 2);
    f[OPS_least] = ops_maybe(&w->mould, 30, 5);
    f[OPS_min_max] = unit_between(&w->mould, 0, 1);
    f[OPS_crossing_out] = unit_between(&w->mould, 0, 1);
    if (unit_chance(&w->mould, 50)) {
        f[OPS_budget_rows] = f[OPS_q_len] / unit_between(&w->own, 1, 3) + unit_between(&w->own, 0, 1);
        f[OPS_budget_heads] = unit_between(&w->mould, 0, 2);
        f[OPS_by_block] = unit_chance(&w->mould, 40);
        f[OPS_total] = ops_maybe(&w->own, 70, 60);
    }
}

void ops_draw_select(ops_stream *w) {
    uint64_t *f = w->field;
    draw_few(w);
    draw_dims(w);
    f[OPS_q_len] = ops_edge_length(&w->own, 70);
    f[OPS_kv_len] = ops_edge_length(&w->mould, 70);
    draw_blocks(w);
    draw_budget(w);
    f[OPS_numbers] = unit_between(&w->own, 0, 3);
    f[OPS_local] = ops_maybe(&w->mould, 30, 4);
    f[OPS_row_shift] = ops_maybe(&w->mould, 40, 60);
    f[OPS_softmax] = unit_between(&w->mould, 0, 1);
    f[OPS_complete] = unit_chance(&w->mould, 25);
    f[OPS_bias] = unit_chance(&w->mould, 30);
    if (unit_chance(&w->mould, 25)) {
        draw_boxes(w);
    }
}

/* ---- Single tasks ---- */

void ops_draw_topk(ops_stream *w) {
    uint64_t *f = w->field;
    draw_few(w);
    bool longer = unit_chance(&w->own, 15); /* pieces of a row */
    f[OPS_q_len] = ops_edge_length(&w->own, longer ? 3 : 20);
    f[OPS_kv_len] = longer ? unit_between(&w->own, 4000, 6000) : ops_edge_length(&w->own, 300);
    f[OPS_entries] = unit_chance(&w->own, 30) ? f[OPS_kv_len] : ops_edge_length(&w->own, 300);
    f[OPS_causal] = unit_between(&w->mould, 0, 1);
    f[OPS_align] = unit_between(&w->own, 0, 1);
    f[OPS_numbers] = unit_between(&w->own, 0, 3);
}

void ops_draw_pool(ops_stream *w) {
    static const uint64_t most[3] = {200, 16, 7};
    uint64_t *f = w->field;
    f[OPS_kind] = unit_between(&w->mould, 0, 2);
    f[OPS_keep] = unit_between(&w->mould, 0, 1);
    f[OPS_rank] = unit_between(&w->mould, 1, 3);
    for (int a = 0; a < (int)f[OPS_rank]; ++a) {
        f[OPS_extent0 + a] = ops_edge_length(&w->own, most[f[OPS_rank] - 1]);
        f[OPS_window0 + a] = ops_edge_length(&w->mould, most[f[OPS_rank] - 1]);
    }
}

void ops_draw_combine(ops_stream *w) {
    uint64_t *f = w->field;
    f[OPS_kind] = unit_between(&w->mould, 0, 1);
    f[OPS_pieces] = unit_chance(&w->mould, 80) ? unit_between(&w->mould, 1, 5) : 64;
    f[OPS_gains] = unit_chance(&w->mould, 70);
    f[OPS_residual] = unit_between(&w->mould, 0, 1);
    f[OPS_gates] = unit_between(&w->own, 0, 3);
    f[OPS_place] = unit_between(&w->own, 0, 2);
    f[OPS_on] = unit_between(&w->own, 0, 63);
    f[OPS_q_len] = ops_edge_length(&w->own, 60);
}

void ops_draw_append(ops_stream *w) {
    uint64_t *f = w->field;
    ops_draw_lengths(w, &w->own, &w->own);
    ops_draw_places(w);
    ops_draw_now(w, 30);
    f[OPS_bytes] = ops_maybe(&w->mould, 30, 8);
    f[OPS_rows_dtype] = unit_between(&w->mould, 0, 2);
    f[OPS_keep] = unit_chance(&w->own, 20);
}

/* ---- Mass ---- */

void ops_draw_mass(ops_stream *w) {
    uint64_t *f = w->field;
    ops_draw_rules(w);
    draw_dims(w);
    shorten(w, 24, 80); /* all rows are held against the oracle */
    f[OPS_kind] = unit_between(&w->mould, 0, 4);
    f[OPS_keep] = unit_between(&w->mould, 0, 1);
    f[OPS_first] = ops_maybe(&w->own, 30, 20);
    f[OPS_gains] = unit_between(&w->mould, 0, 1);
    f[OPS_gates] = unit_between(&w->own, 0, 1);
    f[OPS_rows] = unit_between(&w->mould, 1, 9);
    f[OPS_pieces] = ops_edge_length(&w->mould, 40);
    f[OPS_kv_block] = ops_edge_length(&w->mould, 70);
}
