/* SPDX-License-Identifier: MIT */
#include "ops_problem.h"

#include "list_words.h"
#include "ops_heads.h"

#include <stdlib.h>

static uint64_t weights_of(const gpu_problem *p) {
    uint64_t keys = 1;
    for (uint32_t a = 0; a < p->hood.rank; ++a) {
        keys *= p->hood.axis[a].window;
    }
    return p->grid && p->hood.weights ? keys : 0;
}

/* When all else is known: strides, the layout, and the bound on work, some dozens of dispatches. */
static void finish_heads(const gpu *g, const ops_case *c, gpu_problem *p) {
    vatten_heads *h = gpu_heads(p);
    uint64_t q_len = gpu_q_capacity(p), kv_len = gpu_kv_capacity(p), weights = weights_of(p);
    uint32_t value_dim = h->value_dim ? h->value_dim : h->dim;
    uint64_t places = !p->grid && !p->listed && p->dense.page_size ? p->dense.page_size : kv_len;
    if (h->kv_dtype != VATTEN_DTYPE_I8) {
        h->q = ops_strides(c, 0, q_len, h->heads, weights ? weights : h->dim);
        h->k = ops_strides(c, 1, places, h->kv_heads, h->dim);
        h->v = ops_strides(c, 2, places, h->kv_heads, value_dim);
        h->out = ops_strides(c, 3, q_len, h->heads, value_dim);
    }
    gpu_set_layout(g, p, ops_layout(g, c, p), FIELD(small) != 0);
    if (FIELD(parts)) {
        uint64_t macs = h->batch * h->heads * q_len * (kv_len + 64) * (h->dim + value_dim);
        h->max_macs = macs / ops_bounded(FIELD(parts), 1, 40) + 1;
    }
}

/* ---- Dense ---- */

static vatten_window window_of(const ops_case *c) {
    vatten_window w = {.enabled = FIELD(window) != 0};
    w.left = FIELD(left) ? (int64_t)ops_bounded(FIELD(left), 1, 4096) - 1 : VATTEN_UNLIMITED;
    w.right = FIELD(right) ? (int64_t)ops_bounded(FIELD(right), 1, 4096) - 1 : VATTEN_UNLIMITED;
    return w;
}

static void set_diagonal(const ops_case *c, vatten_attention_desc *d) {
    d->q_len = ops_bounded(FIELD(q_len), 1, 4096);
    d->kv_len = ops_bounded(FIELD(kv_len), 1, 4096);
    d->causal = FIELD(causal) != 0;
    d->align = FIELD(align) ? VATTEN_ALIGN_FIRST : VATTEN_ALIGN_LAST;
    d->window = window_of(c);
    d->prefix = ops_bounded(FIELD(prefix), 0, 4096);
    d->splits = (uint32_t)ops_bounded(FIELD(splits), 0, 64);
}

static void set_masks(const ops_case *c, vatten_attention_desc *d) {
    bool packed = d->lengths == VATTEN_LENGTHS_PACKED;
    d->chunk = ops_bounded(FIELD(chunk), 0, 8192);
    d->key_stride = (uint32_t)ops_bounded(FIELD(key_stride), 0, 4096);
    d->key_phase = d->key_stride ? (uint32_t)(FIELD(key_phase) % d->key_stride) : 0;
    d->masks = (vatten_masks)(FIELD(masks) % 16);
    if (packed && d->page_size) {
        d->masks &= VATTEN_MASK_INTERVALS;
    }
    if (d->masks) {
        d->mask_heads = ops_heads_of(&d->heads, FIELD(mask_heads) + 2);
        d->mask_batch = !packed && FIELD(mask_batch) != 0;
        d->segments = d->masks & VATTEN_MASK_SEGMENTS ? (uint32_t)ops_bounded(FIELD(segments), 0, 4096) : 0;
    }
}

static void set_fields(const ops_case *c, vatten_attention_desc *d) {
    d->head_fields = (vatten_head_fields)(FIELD(fields) % 128);
    if (!d->window.enabled) {
        d->head_fields &= ~(vatten_head_fields)VATTEN_HEAD_WINDOW;
    }
    if (d->normaliser != VATTEN_NORMALISER_SOFTMAX) {
        d->head_fields &= ~(vatten_head_fields)VATTEN_HEAD_SINK;
    }
    if (d->carry & VATTEN_CARRY_OUT) {
        d->head_fields &= ~(vatten_head_fields)VATTEN_HEAD_GAIN;
    }
    d->head_batch = d->head_fields && d->lengths != VATTEN_LENGTHS_PACKED && FIELD(head_batch);
    d->alibi_signed = (d->head_fields & VATTEN_HEAD_SLOPE) && FIELD(alibi_signed);
    d->softcap = FIELD(softcap) ? 30.0f : 0.0f;
}

static void set_results(const ops_case *c, vatten_attention_desc *d) {
    d->normaliser = (vatten_normaliser)(FIELD(normaliser) % 6);
    d->carry = d->normaliser ? 0 : (vatten_carries)(FIELD(carry) % 4);
    if (d->normaliser || d->carry) {
        d->splits = 0;
    }
    if (d->normaliser || (d->carry & VATTEN_CARRY_OUT)) {
        d->heads.write_lse = false;
    }
}

/* Before what depends on the number of keys: that of AXES is as many as their grid has. */
static void set_bias(const ops_case *c, vatten_attention_desc *d) {
    bool packed = d->lengths == VATTEN_LENGTHS_PACKED;
    d->bias = (vatten_bias)(FIELD(bias) % 4);
    d->bias = packed && d->bias == VATTEN_BIAS_AXES ? VATTEN_BIAS_RELATIVE : d->bias;
    if (!d->bias) {
        return;
    }
    d->bias_heads = ops_heads_of(&d->heads, FIELD(bias_heads));
    d->bias_dtype = d->bias == VATTEN_BIAS_TENSOR && FIELD(bias_half) ? VATTEN_DTYPE_F16 : VATTEN_DTYPE_F32;
    if (d->bias == VATTEN_BIAS_TENSOR) {
        return;
    }
    d->bias_rank = (uint32_t)ops_bounded(FIELD(rank), d->bias == VATTEN_BIAS_AXES ? 2 : 1, 3);
    for (uint32_t a = 0; a < d->bias_rank; ++a) {
        d->bias_extent[a] = ops_bounded(c->field[OPS_extent0 + a], 1, 64);
        d->bias_reach[a] = d->bias == VATTEN_BIAS_RELATIVE ? 1 + (uint32_t)d->bias_extent[a] / 2 : 0;
    }
    if (d->bias == VATTEN_BIAS_AXES) {
        uint64_t keys = d->bias_extent[1] * (d->bias_rank == 3 ? d->bias_extent[2] : 1);
        d->bias_extent[0] = (d->kv_len + keys - 1) / keys;
        d->kv_len = keys * d->bias_extent[0];
    }
}

static void dense_problem(const ops_case *c, gpu_problem *p) {
    vatten_attention_desc *d = &p->dense;
    bool rules = c->family == OPS_RULES;
    set_diagonal(c, d);
    ops_set_bytes(c, &d->heads);
    if (rules) {
        d->lengths = (vatten_lengths)(FIELD(lengths) % 4);
        d->heads.batch = d->lengths == VATTEN_LENGTHS_PACKED ? 1 : d->heads.batch;
        set_bias(c, d);
        ops_set_places(c, d);
        set_masks(c, d);
        set_results(c, d);
        set_fields(c, d);
        d->extra_len = ops_bounded(FIELD(extra), 0, 512);
    }
    if (!d->lengths && !d->page_size && !d->carry) {
        p->q_len = ops_length_now(FIELD(q_now), d->q_len);
        p->kv_len = d->bias == VATTEN_BIAS_AXES ? 0 : ops_length_now(FIELD(kv_now), d->kv_len);
    }
}

/* ---- Grids ---- */

static void set_axis(const ops_case *c, uint32_t a, vatten_axis *x) {
    static const uint64_t most[3] = {4096, 64, 64};
    x->extent = ops_bounded(c->field[OPS_extent0 + a], 1, most[a]);
    x->edge = (vatten_edge)ops_digit(FIELD(edges), 3, a);
    uint64_t widest = x->edge == VATTEN_EDGE_SHIFT ? x->extent : 64;
    x->window = (uint32_t)ops_bounded(c->field[OPS_window0 + a], 1, widest);
    x->stride = (uint32_t)ops_bounded(c->field[OPS_stride0 + a], 1, x->window);
    x->dilation = (uint32_t)ops_bounded(c->field[OPS_dilation0 + a], 1,
                                        x->edge == VATTEN_EDGE_SHIFT ? x->extent / x->window : x->extent);
    x->causal = ops_digit(FIELD(causal), 2, a) != 0;
    x->roll = FIELD(roll) % x->extent;
}

/* A window of one key on every axis is refused, unless the grid is one token. */
static void widen_windows(vatten_neighborhood_desc *d) {
    vatten_axis *longest = &d->axis[0];
    bool single = true;
    for (uint32_t a = 0; a < d->rank; ++a) {
        single = single && d->axis[a].window == 1;
        longest = d->axis[a].extent > longest->extent ? &d->axis[a] : longest;
    }
    if (single && longest->extent > 1) {
        longest->window = 2;
        longest->dilation = 1;
    }
}

static void grid_problem(const ops_case *c, gpu_problem *p) {
    vatten_neighborhood_desc *d = &p->hood;
    d->rank = (uint32_t)ops_bounded(FIELD(rank), 1, 3);
    for (uint32_t a = 0; a < d->rank; ++a) {
        set_axis(c, a, &d->axis[a]);
    }
    widen_windows(d);
    d->weights = FIELD(weights) != 0;
    d->bias = FIELD(bias) && !d->weights ? VATTEN_BIAS_RELATIVE : VATTEN_BIAS_NONE;
    d->extra_len = d->weights ? 0 : ops_bounded(FIELD(extra), 0, 512);
    if (d->weights) {
        vatten_heads *h = &d->heads;
        h->value_dim = h->value_dim ? h->value_dim : h->dim;
        h->dim = 0;
        h->scale = 0.0f;
        h->write_lse = false;
    }
}

/* ---- Lists ---- */

static void set_list_rules(const ops_case *c, vatten_lists_desc *d) {
    d->causal = FIELD(causal) != 0;
    d->align = FIELD(align) ? VATTEN_ALIGN_FIRST : VATTEN_ALIGN_LAST;
    d->window = window_of(c);
    d->prefix = ops_bounded(FIELD(prefix), 0, 4096);
    d->key_stride = (uint32_t)ops_bounded(FIELD(key_stride), 0, 4096);
    d->key_phase = d->key_stride ? (uint32_t)(FIELD(key_phase) % d->key_stride) : 0;
    d->list_heads = ops_heads_of(&d->heads, FIELD(list_heads));
    if (FIELD(bias)) {
        d->bias = VATTEN_BIAS_TENSOR;
        d->bias_heads = ops_heads_of(&d->heads, FIELD(bias_heads));
    }
}

/* So many, or more: no range of queries, of which the last takes what is left, may be longer than q_block. */
static uint64_t rows_of_ranges(const vatten_lists_desc *d, uint64_t least) {
    uint64_t rows = least;
    while (d->q_len - (rows - 1) * (d->q_len / rows) > d->q_block && rows < d->q_len) {
        ++rows;
    }
    return rows;
}

static uint32_t *lists_problem(const ops_case *c, gpu_problem *p) {
    vatten_lists_desc *d = &p->lists;
    uint64_t kind = FIELD(kind) % 4;
    d->kind = kind == 3 ? VATTEN_LIST_BLOCKS : (vatten_list_kind)kind;
    d->row_masks = kind == 3;
    d->q_len = ops_bounded(FIELD(q_len), 1, 4096);
    d->kv_len = ops_bounded(FIELD(kv_len), 1, 4096);
    d->q_block = (uint32_t)ops_bounded(FIELD(q_block), 1, 512);
    d->entries = (uint32_t)ops_bounded(FIELD(entries), 1, 512);
    set_list_rules(c, d);
    if (d->kind == VATTEN_LIST_KEYS) {
        return list_words_keys(p);
    }
    if (d->kind == VATTEN_LIST_RANGES) {
        d->rows = rows_of_ranges(d, ops_bounded(FIELD(rows), 1, d->q_len < 64 ? d->q_len : 64));
        return list_words_ranges(p);
    }
    d->kv_block = (uint32_t)ops_bounded(FIELD(kv_block), 1, 512);
    d->entries = (uint32_t)ops_bounded(d->entries, 1, list_blocks(d->kv_len, d->kv_block));
    return list_words_blocks(p, ops_bounded(FIELD(density), 0, 100));
}

void ops_problem(const gpu *g, const ops_case *c, gpu_problem *out, uint32_t **out_words) {
    *out = (gpu_problem){
        .seed = FIELD(data), .rows = 60, .grid = c->family == OPS_GRID, .listed = c->family == OPS_LISTS};
    *out_words = NULL;
    ops_set_heads(g, c, gpu_heads(out));
    if (out->grid) {
        grid_problem(c, out);
    } else if (out->listed) {
        out->words = *out_words = lists_problem(c, out);
    } else {
        dense_problem(c, out);
    }
    finish_heads(g, c, out);
    gpu_name(out, "%s, data %llu", ops_family_name(c->family), (unsigned long long)FIELD(data));
}
