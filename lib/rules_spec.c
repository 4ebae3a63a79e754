/* SPDX-License-Identifier: MIT */
#include "rules_spec.h"

#include "attend.h"

#include <string.h>

uint32_t vt_rules_table_word(uint64_t bytes) {
    return bytes == VATTEN_NO_TABLE ? 0 : (uint32_t)(bytes / sizeof(uint32_t));
}

static void spec_tables(const vatten_tables *t, uint32_t *spec) {
    const uint64_t places[] = {t->heads,  t->q_lengths,  t->kv_lengths,  t->q_starts, t->kv_starts,
                               t->pages,  t->q_segments, t->kv_segments, t->visible,  t->intervals,
                               t->expiry, t->bits,       t->spans};
    for (uint32_t i = 0; i < sizeof places / sizeof places[0]; ++i)
        spec[VT_SPEC_TABLE_HEADS + i] = vt_rules_table_word(places[i]);
}

static uint32_t side_of(int64_t side) {
    return side == VATTEN_UNLIMITED ? 0 : (uint32_t)side;
}

static uint32_t mask_of(const vt_problem *p) {
    const vt_rules *r = &p->rules;
    uint32_t windows = r->head_fields & VT_HEAD_WINDOW ? VT_MASK_LEFT | VT_MASK_RIGHT : 0;
    return vt_attend_diagonal_mask(p) | windows | (r->chunk ? VT_MASK_CHUNK : 0) |
           (r->key_stride ? VT_MASK_STRIDED : 0) | (r->masks & VATTEN_MASK_SEGMENTS ? VT_MASK_SEGMENTS : 0) |
           (r->masks & VATTEN_MASK_INTERVALS ? VT_MASK_INTERVALS : 0) |
           (r->masks & VATTEN_MASK_EXPIRY ? VT_MASK_EXPIRY : 0) |
           (r->masks & VATTEN_MASK_BITS ? VT_MASK_BITS : 0);
}

static void spec_masks(const vt_problem *p, uint32_t *spec) {
    const vt_rules *r = &p->rules;
    spec[VT_SPEC_MASK] = mask_of(p);
    spec[VT_SPEC_RULE_LEFT] = side_of(p->left);
    spec[VT_SPEC_RULE_RIGHT] = side_of(p->right);
    spec[VT_SPEC_RULE_PREFIX] = (uint32_t)p->prefix;
    spec[VT_SPEC_RULE_CHUNK] = r->chunk ? (uint32_t)r->chunk : 1;
    spec[VT_SPEC_RULE_STRIDE] = r->key_stride ? r->key_stride : 1;
    spec[VT_SPEC_RULE_PHASE] = r->key_phase;
    spec[VT_SPEC_SEGMENTS] = r->segments;
    spec[VT_SPEC_MASK_GROUP] = r->mask_group;
    spec[VT_SPEC_MASK_HEADS] = r->mask_heads;
    spec[VT_SPEC_MASK_BATCH] = r->mask_batch;
}

static void spec_bias(const vt_problem *p, uint32_t *spec) {
    const vt_rules *r = &p->rules;
    spec[VT_SPEC_BIAS] = r->bias;
    spec[VT_SPEC_BIAS_GROUP] = r->bias ? r->bias_group : 1;
    for (uint32_t i = 0; i < 4; ++i)
        spec[VT_SPEC_BIAS_STRIDE + i] = (uint32_t)r->bias_stride[i];
    for (uint32_t a = 0; a < 3; ++a) {
        spec[VT_SPEC_BIAS_EXTENT + a] = r->bias_extent[a] ? (uint32_t)r->bias_extent[a] : 1;
        spec[VT_SPEC_BIAS_REACH + a] = r->bias_reach[a];
    }
}

static uint32_t float_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* K and V of a head, or one of them: other heads stand between its rows. */
static bool keys_lie_apart(const vt_problem *p, bool extra) {
    const vt_tensor *k = extra ? &p->extra_k : &p->k;
    const vt_tensor *v = extra ? &p->extra_v : &p->v;
    return k->token > vt_kv_row(p, p->dim) || v->token > vt_kv_row(p, p->value_dim);
}

void vt_rules_spec(const vt_op_input *op, uint32_t splits, bool extra, uint32_t *spec) {
    const vt_problem *p = op->problem;
    const vt_rules *r = &p->rules;
    vt_attend_spec(p, op->tile, spec);
    spec_tables(&r->tables, spec);
    if (!extra) {
        spec_masks(p, spec);
        spec_bias(p, spec);
    } else {
        spec[VT_SPEC_RULE_LEFT] = spec[VT_SPEC_RULE_RIGHT] = spec[VT_SPEC_RULE_PREFIX] = 0;
        spec[VT_SPEC_RULE_CHUNK] = spec[VT_SPEC_RULE_STRIDE] = spec[VT_SPEC_BIAS_GROUP] = 1;
        spec[VT_SPEC_MASK_GROUP] = p->heads;
        for (uint32_t a = 0; a < 3; ++a)
            spec[VT_SPEC_BIAS_EXTENT + a] = 1;
    }
    spec[VT_SPEC_TILE_HEADS] = r->tile_heads;
    spec[VT_SPEC_SPLITS] = splits;
    spec[VT_SPEC_PAGE] = extra ? 0 : r->page_size;
    spec[VT_SPEC_POOL_PAGES] = r->pool_pages ? (uint32_t)r->pool_pages : 1;
    spec[VT_SPEC_ROW_PAGES] = (uint32_t)r->tables.row_pages;
    spec[VT_SPEC_LENGTHS] = extra ? (r->lengths & ~VT_LENGTHS_KV) | VT_LENGTHS_EXTRA : r->lengths;
    spec[VT_SPEC_HEAD_FIELDS] =
        extra ? r->head_fields & (VT_HEAD_SCALE | VT_HEAD_SINK | VT_HEAD_OFFSET | VT_HEAD_GAIN)
              : r->head_fields;
    spec[VT_SPEC_HEAD_BATCH] = r->head_batch;
    spec[VT_SPEC_SOFTCAP] = float_bits((float)(r->softcap * 1.4426950408889634));
    spec[VT_SPEC_NORMALISER] = (uint32_t)r->normaliser;
    spec[VT_SPEC_Q_CAPACITY] = (uint32_t)p->q_len;
    spec[VT_SPEC_KV_CAPACITY] = (uint32_t)p->kv_len;
    spec[VT_SPEC_HEADS] = p->heads;
    spec[VT_SPEC_SEQUENCES] = r->sequences;
    spec[VT_SPEC_STATE_VALUES] = r->carry ? p->value_dim : op->tile->value_pad;
    spec[VT_SPEC_STATE_LANES] = r->carry ? 1 : op->tile->lanes_per_row;
    spec[VT_SPEC_STATE_CALLER] = r->carry != 0;
    spec[VT_SPEC_TOUCH] = op->tile->layout == VATTEN_LAYOUT_STREAM && keys_lie_apart(p, extra);
    spec[VT_SPEC_KV_BLOCK] = p->kv_bytes ? p->kv_block : 4;
}
