/* SPDX-License-Identifier: MIT
 *
 * Cases of the families whose plans have a kernel each and no tile: top-k, pooling, combining and appending.
 */
#include "append_run.h"
#include "choices.h"
#include "combine_run.h"
#include "ops_heads.h"
#include "ops_run.h"
#include "pool_run.h"
#include "topk_run.h"

/* The bound on work of a dispatch that makes about so many parts of `moves`. */
static uint64_t moves_of(const ops_case *c, uint64_t moves) {
    return FIELD(parts) ? moves / ops_bounded(FIELD(parts), 1, 40) + 1 : 0;
}

/* ---- Top-k ---- */

void ops_run_topk(gpu *g, const ops_case *c, const char *name) {
    topk_case t = {.numbers = (topk_numbers)(FIELD(numbers) % TOPK_NUMBERS), .seed = FIELD(data)};
    vatten_topk_desc *d = &t.desc;
    d->batch = ops_bounded(FIELD(batch), 1, 64);
    d->heads = (uint32_t)(ops_bounded(FIELD(kv_heads), 1, 8) * ops_bounded(FIELD(group), 1, 8));
    d->rows = ops_bounded(FIELD(q_len), 1, 4096);
    d->values = ops_bounded(FIELD(kv_len), 1, 65536);
    d->entries = (uint32_t)ops_bounded(FIELD(entries), 1, d->values);
    d->x = ops_strides(c, 0, d->rows, d->heads, d->values);
    d->causal = FIELD(causal) != 0;
    d->align = FIELD(align) ? VATTEN_ALIGN_FIRST : VATTEN_ALIGN_LAST;
    d->write_counts = FIELD(lse) != 0;
    d->max_moves = moves_of(c, d->batch * d->heads * d->rows * (d->values + d->entries));
    topk_check(g, name, &t);
}

/* ---- Pooling ---- */

void ops_run_pool(gpu *g, const ops_case *c, const char *name) {
    vatten_pool_desc d = {.dtype = ops_dtype(g, FIELD(dtype)),
                          .batch = ops_bounded(FIELD(batch), 1, 64),
                          .heads = (uint32_t)ops_bounded(FIELD(kv_heads), 1, 8),
                          .dim = (uint32_t)ops_bounded(FIELD(dim), 1, 256),
                          .rank = (uint32_t)ops_bounded(FIELD(rank), 1, 3),
                          .kind = (vatten_pool_kind)(FIELD(kind) % (VATTEN_POOL_MIN_MAX + 1)),
                          .keep_dtype = FIELD(keep) != 0};
    uint64_t tokens = 1;
    for (uint32_t a = 0; a < d.rank; ++a) {
        d.extent[a] = ops_bounded(c->field[OPS_extent0 + a], 1, 4096 / tokens);
        d.block[a] = (uint32_t)ops_bounded(c->field[OPS_window0 + a], 1, d.extent[a]);
        tokens *= d.extent[a];
    }
    d.x = ops_strides(c, 0, tokens, d.heads, d.dim);
    d.max_moves = moves_of(c, d.batch * d.heads * tokens * d.dim);
    pool_check(g, name, &d, FIELD(data));
}

/* ---- Combining ---- */

/* Packed as attention writes them, beside each other as gates are, one of a head, or one of a part. */
static void set_gates(const ops_case *c, vatten_combine_desc *d) {
    int64_t parts = (int64_t)d->parts, heads = (int64_t)d->heads;
    uint64_t kind = FIELD(gates) % 4;
    if (kind == 1) {
        d->weights = (vatten_strides){
            .batch = parts * heads * (int64_t)d->tokens, .head = parts, .token = parts * heads};
        d->weights_part = 1;
    } else if (kind == 2) {
        d->weights = (vatten_strides){.batch = 0, .head = 1, .token = 0};
        d->weights_part = d->heads + 3;
    } else if (kind == 3) {
        d->weights_part = d->kind == VATTEN_COMBINE_SUM;
    }
}

/* An output on a part begins where an offset may: 128 elements are enough for any alignment. */
static void set_place(const ops_case *c, combine_case *out) {
    vatten_combine_desc *d = &out->desc;
    out->place = (combine_place)(FIELD(place) % 3);
    out->on = (uint32_t)(FIELD(on) % d->parts);
    if (out->place == COMBINE_ON_RESIDUAL && !d->has_residual) {
        out->place = COMBINE_APART;
    }
    if (out->place == COMBINE_ON_PART) {
        d->out = d->x;
        d->x_part = (combine_part(d) + 127) / 128 * 128;
    } else if (out->place == COMBINE_ON_RESIDUAL) {
        d->out = d->residual;
    }
}

void ops_run_combine(gpu *g, const ops_case *c, const char *name) {
    combine_case run = {.seed = FIELD(data)};
    vatten_combine_desc *d = &run.desc;
    d->kind = FIELD(kind) % 2 ? VATTEN_COMBINE_MERGE : VATTEN_COMBINE_SUM;
    d->dtype = ops_dtype(g, FIELD(dtype));
    d->batch = ops_bounded(FIELD(batch), 1, 64);
    d->heads = (uint32_t)ops_bounded(FIELD(kv_heads), 1, 64);
    d->tokens = ops_bounded(FIELD(q_len), 1, 4096);
    d->dim = (uint32_t)ops_bounded(FIELD(dim), 1, 256);
    d->parts = (uint32_t)ops_bounded(FIELD(pieces), 1, 64);
    bool merges = d->kind == VATTEN_COMBINE_MERGE;
    d->gains = !merges && FIELD(gains);
    d->has_residual = !merges && FIELD(residual);
    d->write_lse = merges && FIELD(lse);
    d->x = ops_strides(c, 0, d->tokens, d->heads, d->dim);
    d->residual = d->has_residual ? ops_strides(c, 1, d->tokens, d->heads, d->dim) : d->residual;
    d->out = ops_strides(c, 3, d->tokens, d->heads, d->dim);
    if (d->gains || merges) {
        set_gates(c, d);
    }
    set_place(c, &run);
    d->max_moves = moves_of(c, d->batch * d->heads * d->tokens * d->dim * (d->parts + 1));
    combine_check(g, name, &run);
}

/* ---- Appending ---- */

static void set_cache(const gpu *g, const ops_case *c, vatten_attention_desc *d) {
    vatten_heads *h = &d->heads;
    ops_set_heads(g, c, h);
    ops_set_bytes(c, h);
    d->q_len = ops_bounded(FIELD(q_len), 1, 4096);
    d->kv_len = ops_bounded(FIELD(kv_len), 1, 4096);
    ops_set_places(c, d);
    if (!(d->sequences && d->page_size) && d->q_len > d->kv_len) {
        d->q_len = d->kv_len;
    }
    uint64_t places = d->page_size ? d->page_size : d->kv_len;
    if (h->kv_dtype != VATTEN_DTYPE_I8) {
        h->k = ops_strides(c, 1, places, h->kv_heads, h->dim);
        h->v = ops_strides(c, 2, places, h->kv_heads, h->value_dim ? h->value_dim : h->dim);
    }
    h->max_moves = moves_of(c, h->batch * h->kv_heads * d->q_len * (h->dim + h->value_dim));
}

/* Now and then one that is too long, or longer than any memory. */
static uint32_t some_length(unit_random *r, uint64_t most) {
    return unit_chance(r, 5) ? 4000000000u : (uint32_t)unit_between(r, 0, most + 1);
}

/* `count` sequences end to end over all of `total`, some of them empty. */
static void write_starts(append_trial *t, unit_random *r, uint64_t place, uint64_t count, uint64_t total) {
    uint64_t at = 0;
    for (uint64_t n = 0; n < count; ++n) {
        *append_table(t, place, n) = (uint32_t)at;
        at += unit_between(r, 0, (total - at) * 2 / (count - n));
        at = at < total ? at : total;
    }
    *append_table(t, place, count) = (uint32_t)total;
}

static void write_tables(append_trial *t, uint64_t seed) {
    const vatten_attention_desc *d = &t->cache;
    unit_random r = {.state = seed};
    uint64_t entries = d->sequences ? d->sequences : d->heads.batch;
    for (uint64_t n = 0; n < entries; ++n) {
        if (t->at.kv_lengths != VATTEN_NO_TABLE) {
            *append_table(t, t->at.kv_lengths, n) = some_length(&r, d->kv_len);
        }
        if (t->at.q_lengths != VATTEN_NO_TABLE) {
            *append_table(t, t->at.q_lengths, n) = some_length(&r, d->q_len);
        }
    }
    if (t->at.q_starts != VATTEN_NO_TABLE) {
        write_starts(t, &r, t->at.q_starts, entries, d->q_len);
    }
    if (t->at.kv_starts != VATTEN_NO_TABLE) {
        write_starts(t, &r, t->at.kv_starts, entries, d->kv_len);
    }
    if (d->page_size) {
        append_draw_pages(t, seed);
    }
}

void ops_run_append(gpu *g, const ops_case *c, const char *name) {
    append_trial t = {.device = g};
    set_cache(g, c, &t.cache);
    t.desc.dtype = ops_dtype(g, FIELD(rows_dtype));
    t.desc.keys_only = FIELD(keep) != 0;
    t.desc.new_k = ops_strides(c, 0, t.cache.q_len, t.cache.heads.kv_heads, t.cache.heads.dim);
    t.desc.new_v = ops_strides(c, 3, t.cache.q_len, t.cache.heads.kv_heads,
                               t.cache.heads.value_dim ? t.cache.heads.value_dim : t.cache.heads.dim);
    t.q_len = ops_length_now(FIELD(q_now), t.cache.q_len);
    t.kv_len = ops_length_now(FIELD(kv_now), t.cache.kv_len);
    if (append_begin(&t, name)) {
        append_fill(&t, FIELD(data));
        write_tables(&t, FIELD(data));
        append_check(&t, name);
    }
    append_end(&t);
}
