/* SPDX-License-Identifier: MIT
 *
 * Drawing cases: lengths at the edges of tiles, everything else from short decks.
 */
#include "ops_draw.h"

uint64_t ops_edge_length(unit_random *d, uint64_t most) {
    static const uint64_t tiles[] = {2, 4, 8, 16, 32, 64}, primes[] = {3, 7, 13, 31, 61, 127, 257};
    uint64_t t = tiles[unit_between(d, 0, 5)], length;
    switch (unit_between(d, 0, 7)) {
    case 0:
        length = 1;
        break;
    case 1:
        length = t - 1;
        break;
    case 2:
        length = t;
        break;
    case 3:
        length = t + 1;
        break;
    case 4:
        length = 2 * t + 1;
        break;
    case 5:
        length = primes[unit_between(d, 0, 6)];
        break;
    default:
        length = unit_between(d, 1, most);
        break;
    }
    return length < 1 ? 1 : length > most ? most : length;
}

uint64_t ops_maybe(unit_random *d, uint32_t percent, uint64_t most) {
    return unit_chance(d, percent) ? unit_between(d, 1, most) : 0;
}

/* ---- What all attention has ---- */

static void draw_heads(ops_stream *w) {
    static const uint64_t dims[][2] = {{4, 0},  {8, 24}, {16, 0}, {16, 8},   {37, 0},
                                       {40, 0}, {64, 0}, {64, 3}, {80, 128}, {1, 1}};
    uint64_t *f = w->field, row = unit_between(&w->mould, 0, 9);
    f[OPS_dim] = dims[row][0];
    f[OPS_value_dim] = dims[row][1];
    f[OPS_layout] = unit_between(&w->mould, 0, 13);
    f[OPS_small] = unit_chance(&w->mould, 85);
    f[OPS_lse] = unit_chance(&w->mould, 70);
    f[OPS_group] = unit_between(&w->mould, 1, 4);
    f[OPS_data] = unit_between(&w->own, 1, 999999);
    f[OPS_batch] = unit_between(&w->own, 1, 3);
    f[OPS_kv_heads] = unit_between(&w->half, 1, 3);
    f[OPS_scale] = ops_maybe(&w->own, 25, 40);
    f[OPS_parts] = ops_maybe(&w->own, 25, 40);
    f[OPS_order] = unit_chance(&w->own, 60) ? unit_between(&w->own, 0, 80) : 0;
    f[OPS_gap] = unit_between(&w->half, 0, 9);
}

void ops_draw_lengths(ops_stream *w, unit_random *q, unit_random *kv) {
    uint64_t *f = w->field;
    f[OPS_q_len] = ops_edge_length(q, unit_chance(q, 85) ? 70 : 300);
    f[OPS_kv_len] = ops_edge_length(kv, unit_chance(kv, 85) ? 160 : 600);
}

static void draw_diagonal(ops_stream *w, unit_random *d) {
    uint64_t *f = w->field;
    f[OPS_causal] = unit_between(&w->mould, 0, 1);
    f[OPS_align] = unit_between(&w->own, 0, 1);
    f[OPS_window] = unit_chance(&w->mould, 35);
    f[OPS_left] = f[OPS_window] ? ops_maybe(d, 75, f[OPS_kv_len] + 3) : 0;
    f[OPS_right] = f[OPS_window] ? ops_maybe(d, 75, f[OPS_kv_len] + 3) : 0;
    f[OPS_prefix] = unit_chance(&w->mould, 20) ? unit_between(d, 1, f[OPS_kv_len] + 1) : 0;
}

void ops_draw_now(ops_stream *w, uint32_t percent) {
    uint64_t *f = w->field;
    f[OPS_q_now] =
        unit_chance(&w->own, percent) ? 1 + ops_edge_length(&w->own, f[OPS_q_len]) : ops_maybe(&w->own, 5, 1);
    f[OPS_kv_now] = unit_chance(&w->own, percent) ? 1 + ops_edge_length(&w->own, f[OPS_kv_len])
                                                  : ops_maybe(&w->own, 5, 1);
}

static void draw_dense(ops_stream *w) {
    ops_draw_lengths(w, &w->half, &w->half);
    draw_diagonal(w, &w->own);
    ops_draw_now(w, 70);
}

/* ---- Dense attention with rules: one to three kinds of them at a time ----
 *
 * Everything about them is specialized, with the lengths of the plan: lengths of the record stand for those. */

static void draw_masks(ops_stream *w) {
    uint64_t *f = w->field;
    f[OPS_masks] = unit_between(&w->mould, 1, 15);
    f[OPS_segments] = ops_maybe(&w->mould, 50, 40);
    f[OPS_mask_heads] = unit_between(&w->mould, 0, 2);
    f[OPS_mask_batch] = unit_between(&w->mould, 0, 1);
}

static void draw_repeats(ops_stream *w) {
    uint64_t *f = w->field;
    bool chunk = unit_chance(&w->mould, 50);
    f[OPS_chunk] = chunk ? unit_between(&w->mould, 1, 2 * f[OPS_kv_len]) : 0;
    f[OPS_key_stride] = chunk ? 0 : unit_between(&w->mould, 1, 40);
    f[OPS_key_phase] = unit_between(&w->mould, 0, 39);
}

static void draw_fields(ops_stream *w) {
    uint64_t *f = w->field;
    f[OPS_fields] = unit_between(&w->mould, 1, 127);
    f[OPS_head_batch] = unit_between(&w->mould, 0, 1);
    f[OPS_alibi_signed] = unit_between(&w->mould, 0, 1);
    f[OPS_softcap] = unit_between(&w->mould, 0, 1);
}

static void draw_bias(ops_stream *w) {
    uint64_t *f = w->field;
    f[OPS_bias] = unit_between(&w->mould, 1, 3);
    f[OPS_bias_heads] = unit_between(&w->mould, 0, 2);
    f[OPS_bias_half] = unit_between(&w->mould, 0, 1);
    f[OPS_rank] = unit_between(&w->mould, 1, 3);
    f[OPS_extent0] = unit_between(&w->mould, 1, 9);
    f[OPS_extent1] = unit_between(&w->mould, 1, 9);
    f[OPS_extent2] = unit_between(&w->mould, 1, 9);
}

void ops_draw_places(ops_stream *w) {
    uint64_t *f = w->field;
    f[OPS_lengths] = unit_between(&w->mould, 0, 3);
    f[OPS_sequences] = unit_between(&w->mould, 1, 9);
    f[OPS_page] = unit_chance(&w->mould, 40) ? ops_edge_length(&w->mould, 40) : 0;
}

static void draw_results(ops_stream *w) {
    uint64_t *f = w->field;
    f[OPS_normaliser] = unit_chance(&w->mould, 50) ? unit_between(&w->mould, 1, 5) : 0;
    f[OPS_carry] = f[OPS_normaliser] ? 0 : unit_between(&w->mould, 1, 3);
}

void ops_draw_rules(ops_stream *w) {
    static void (*const kinds[])(ops_stream *) = {draw_masks, draw_repeats,    draw_fields,
                                                  draw_bias,  ops_draw_places, draw_results};
    uint64_t *f = w->field;
    uint64_t first = unit_between(&w->mould, 0, 5), step = unit_between(&w->mould, 1, 2);
    ops_draw_lengths(w, &w->mould, &w->mould);
    draw_diagonal(w, &w->mould);
    ops_draw_now(w, 80);
    for (uint64_t n = 0, count = unit_between(&w->mould, 1, 3); n < count; ++n) {
        kinds[(first + n * step) % 6](w);
    }
    f[OPS_batch] = unit_between(&w->mould, 1, 3);
    f[OPS_kv_heads] = unit_between(&w->mould, 1, 3);
    f[OPS_align] = unit_between(&w->mould, 0, 1);
    f[OPS_bytes] = ops_maybe(&w->mould, 15, 4);
    f[OPS_splits] = unit_between(&w->mould, 1, 3);
    f[OPS_extra] = unit_chance(&w->mould, 20) ? ops_edge_length(&w->own, 40) : 0;
}

/* ---- Grids ---- */

/* Windows and dilations are specialized, extents are not. */
static void draw_axis(ops_stream *w, uint64_t most, int a) {
    uint64_t *f = w->field;
    f[OPS_window0 + a] = unit_between(&w->mould, 1, 5);
    f[OPS_dilation0 + a] = unit_chance(&w->mould, 60) ? 1 : unit_between(&w->mould, 2, 3);
    f[OPS_stride0 + a] = unit_chance(&w->mould, 60) ? 1 : unit_between(&w->mould, 1, 5);
    f[OPS_extent0 + a] = ops_edge_length(&w->half, most);
}

static void draw_grid(ops_stream *w) {
    static const uint64_t most[3] = {200, 20, 8};
    uint64_t *f = w->field;
    f[OPS_rank] = unit_between(&w->mould, 1, 3);
    for (int a = 0; a < (int)f[OPS_rank]; ++a) {
        draw_axis(w, most[f[OPS_rank] - 1], a);
    }
    f[OPS_causal] = unit_chance(&w->mould, 40) ? unit_between(&w->mould, 1, 7) : 0;
    f[OPS_edges] = unit_chance(&w->mould, 40) ? unit_between(&w->mould, 1, 26) : 0;
    f[OPS_roll] = unit_chance(&w->mould, 25) ? unit_between(&w->half, 1, 50) : 0;
    f[OPS_extra] = unit_chance(&w->mould, 25) ? ops_edge_length(&w->own, 40) : 0;
    f[OPS_bias] = unit_chance(&w->mould, 25);
    f[OPS_weights] = unit_chance(&w->mould, 15);
}

/* ---- Lists ---- */

static void draw_lists(ops_stream *w) {
    uint64_t *f = w->field;
    ops_draw_lengths(w, &w->half, &w->mould);
    draw_diagonal(w, &w->mould);
    f[OPS_kind] = unit_between(&w->mould, 0, 3);
    f[OPS_q_block] = ops_edge_length(&w->mould, 70);
    f[OPS_kv_block] = ops_edge_length(&w->mould, 70);
    f[OPS_entries] = ops_edge_length(&w->mould, 33);
    f[OPS_rows] = unit_between(&w->own, 1, 9);
    f[OPS_list_heads] = unit_between(&w->mould, 0, 2);
    f[OPS_density] = unit_chance(&w->own, 20) ? 100 : unit_between(&w->own, 0, 90);
    f[OPS_key_stride] = unit_chance(&w->mould, 20) ? unit_between(&w->mould, 1, 20) : 0;
    f[OPS_key_phase] = unit_between(&w->mould, 0, 19);
    f[OPS_batch] = unit_between(&w->mould, 1, 3);
    f[OPS_kv_heads] = unit_between(&w->mould, 1, 3);
    f[OPS_bias] = unit_chance(&w->mould, 20);
    f[OPS_bias_heads] = unit_between(&w->mould, 0, 2);
}

/* Families, caps and dtypes in all combinations, one after the other. */
void ops_draw(uint64_t n, ops_case *out) {
    static void (*const families[OPS_FAMILIES])(ops_stream *) = {
        [OPS_DENSE] = draw_dense,   [OPS_RULES] = ops_draw_rules,    [OPS_GRID] = draw_grid,
        [OPS_LISTS] = draw_lists,   [OPS_SPARSE] = ops_draw_sparse,  [OPS_SELECT] = ops_draw_select,
        [OPS_MASS] = ops_draw_mass, [OPS_APPEND] = ops_draw_append,  [OPS_TOPK] = ops_draw_topk,
        [OPS_POOL] = ops_draw_pool, [OPS_COMBINE] = ops_draw_combine};
    uint64_t mould = n / OPS_MOULD;
    ops_stream w = {
        .mould = {mould * 4}, .half = {n / (OPS_MOULD / 2) * 4 + 1}, .own = {n * 4 + 2}, .field = out->field};
    *out = ops_empty((ops_family)(mould % OPS_FAMILIES));
    mould /= OPS_FAMILIES;
    w.field[OPS_caps] = mould % ops_caps_rows();
    w.field[OPS_dtype] = mould / ops_caps_rows() % 3;
    draw_heads(&w);
    families[out->family](&w);
}
