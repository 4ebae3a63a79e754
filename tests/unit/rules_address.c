/* SPDX-License-Identifier: MIT
 *
 * Every address that a workgroup of dense attention with rules computes: is it what the tensor's strides say, and is it bound.
 */
#include "rules_must.h"

#include "sizes.h"

static uint32_t own_heads(const rules_group *g) {
    return g->y * g->spec[VT_SPEC_TILE_HEADS];
}

static bool extra(const rules_group *g) {
    return (g->spec[VT_SPEC_LENGTHS] & VT_LENGTHS_EXTRA) != 0;
}

static uint64_t batch_of(const rules_group *g) {
    bool packed = (g->spec[VT_SPEC_LENGTHS] & VT_LENGTHS_PACKED) != 0;
    return packed ? 0 : g->step->push.map1 + g->own_batch;
}

/* Bound, and if tables are in order the element that it should be. */
static const char *check_element(const rules_group *g, const vt_binding *b, uint32_t at, uint64_t expected,
                                 uint64_t dim, uint64_t bytes) {
    MUST(at * bytes + dim * bytes <= b->range);
    MUST(g->tables.hostile || b->offset / bytes + at == expected);
    return NULL;
}

static const char *check_row(const rules_group *g, uint32_t row) {
    const vt_problem *p = g->tables.problem;
    const vt_push *push = &g->step->push;
    const vt_binding *b = g->step->binding;
    uint32_t bytes = p->element_bytes, own = rules_row_head(g, row), batch = g->own_batch;
    uint32_t token = (uint32_t)g->seq_q0 + rules_row_query(g, row);
    uint64_t head = push->head_first + own_heads(g) + own;
    uint32_t q =
        push->q_base + batch * push->q_batch + (own_heads(g) + own) * push->q_head + token * push->q_token;
    uint32_t out = push->out_base + batch * push->out_batch + (own_heads(g) + own) * push->out_head +
                   token * push->out_token;
    MUST(head < p->heads && own < g->spec[VT_SPEC_TILE_HEADS]);
    MUST_ALL(check_element(g, &b[VT_SLOT_Q], q,
                           batch_of(g) * p->q.batch + head * p->q.head + token * p->q.token, p->dim, bytes));
    MUST_ALL(check_element(g, &b[VT_SLOT_OUT], out,
                           batch_of(g) * p->out.batch + head * p->out.head + token * p->out.token,
                           p->value_dim, bytes));
    MUST(q % rules_load_elements(g->spec) == 0 && out % rules_load_elements(g->spec) == 0);
    if (push->flags & VT_FLAG_LSE && !(push->flags & VT_FLAG_CARRY_OUT)) {
        uint32_t lse =
            push->lse_base + batch * push->lse_batch + (own_heads(g) + own) * push->lse_head + token;
        MUST_ALL(
            check_element(g, &b[VT_SLOT_LSE], lse, (batch_of(g) * p->heads + head) * p->q_len + token, 1, 4));
    }
    if (push->flags & (VT_FLAG_CARRY_IN | VT_FLAG_CARRY_OUT)) {
        uint64_t floats = g->spec[VT_SPEC_STATE_VALUES] + 1 + g->spec[VT_SPEC_STATE_LANES];
        MUST((rules_carry_row(g, row) + floats) * 4 <= b[VT_SLOT_CARRY].range);
    }
    return NULL;
}

static const char *check_key(rules_group *g, uint32_t key) {
    const vt_problem *p = g->tables.problem;
    const vt_push *push = &g->step->push;
    const uint32_t *s = g->spec;
    uint32_t group = push->group, kv = (push->head_first + own_heads(g)) / group - push->head_first / group;
    uint32_t outer = s[VT_SPEC_PAGE] ? 0 : g->own_batch, page = 0, token = (uint32_t)g->seq_k0 + key;
    if (s[VT_SPEC_PAGE]) {
        uint32_t at = s[VT_SPEC_TABLE_PAGES] + g->seq * s[VT_SPEC_ROW_PAGES] + key / s[VT_SPEC_PAGE];
        page = (uint32_t)vt_min(rules_read(g, at), s[VT_SPEC_POOL_PAGES] - 1);
        token = key % s[VT_SPEC_PAGE];
    }
    const vt_tensor *k = extra(g) ? &p->extra_k : &p->k, *v = extra(g) ? &p->extra_v : &p->v;
    uint64_t unit = p->kv_bytes ? 4 : 1, bytes = p->kv_bytes ? 4 : p->element_bytes;
    uint64_t kv_head = (push->head_first + own_heads(g)) / group;
    uint64_t batch = s[VT_SPEC_PAGE] ? page : batch_of(g);
    uint32_t k_at = push->k_base + outer * push->k_batch + kv * push->k_head + page * push->k_batch +
                    token * push->k_token;
    uint32_t v_at = push->v_base + outer * push->v_batch + kv * push->v_head + page * push->v_batch +
                    token * push->v_token;
    MUST_ALL(check_element(g, &g->step->binding[VT_SLOT_K], k_at,
                           (batch * k->batch + kv_head * k->head + token * k->token) / unit,
                           vt_kv_row(p, p->dim) / unit, bytes));
    MUST_ALL(check_element(g, &g->step->binding[VT_SLOT_V], v_at,
                           (batch * v->batch + kv_head * v->head + token * v->token) / unit,
                           vt_kv_row(p, p->value_dim) / unit, bytes));
    if (!p->kv_bytes)
        MUST(k_at % rules_load_elements(g->spec) == 0 && v_at % rules_load_elements(g->spec) == 0);
    return NULL;
}

/* ---- Tables ---- */

/* A word is in order where vatten_tables says that it stands. */
static const char *check_word(rules_group *g, uint32_t at, uint64_t place, uint64_t number) {
    rules_read(g, at);
    MUST(!g->outside);
    MUST(place != VATTEN_NO_TABLE && (g->tables.hostile || at == place / 4 + number));
    return NULL;
}

static const char *check_masks(rules_group *g, uint32_t query, uint32_t key) {
    const vt_rules *r = &g->tables.problem->rules;
    const vatten_tables *t = &r->tables;
    const uint32_t *s = g->spec;
    uint32_t head = g->step->push.head_first + own_heads(g), kv_len = s[VT_SPEC_KV_CAPACITY];
    uint32_t batch = s[VT_SPEC_MASK_BATCH] ? g->seq : 0, own = head / s[VT_SPEC_MASK_GROUP];
    uint32_t slice = batch * s[VT_SPEC_MASK_HEADS] + own, q_len = s[VT_SPEC_Q_CAPACITY];
    uint32_t q = (uint32_t)g->seq_q0 + query, k = (uint32_t)g->seq_k0 + key, bits = (kv_len + 31) / 32;
    uint64_t slices = batch * r->mask_heads + head / (g->tables.problem->heads / r->mask_heads);
    if (s[VT_SPEC_MASK] & VT_MASK_SEGMENTS) {
        MUST_ALL(check_word(g, s[VT_SPEC_TABLE_Q_SEGMENTS] + batch * q_len + q, t->q_segments,
                            (uint64_t)batch * q_len + q));
        MUST_ALL(check_word(g, s[VT_SPEC_TABLE_KV_SEGMENTS] + batch * kv_len + k, t->kv_segments,
                            (uint64_t)batch * kv_len + k));
    }
    if (s[VT_SPEC_MASK] & VT_MASK_SEGMENTS && s[VT_SPEC_SEGMENTS]) { /* of the largest ids */
        uint32_t words = (s[VT_SPEC_SEGMENTS] + 31) / 32, last = s[VT_SPEC_SEGMENTS] - 1;
        MUST_ALL(check_word(g,
                            s[VT_SPEC_TABLE_VISIBLE] + (own * s[VT_SPEC_SEGMENTS] + last) * words + last / 32,
                            t->visible, ((uint64_t)own * r->segments + last) * words + last / 32));
    }
    if (s[VT_SPEC_MASK] & VT_MASK_INTERVALS)
        MUST_ALL(check_word(g, s[VT_SPEC_TABLE_INTERVALS] + (slice * q_len + q) * 2 + 1, t->intervals,
                            (slices * q_len + q) * 2 + 1));
    if (s[VT_SPEC_MASK] & VT_MASK_EXPIRY)
        MUST_ALL(check_word(g, s[VT_SPEC_TABLE_EXPIRY] + slice * kv_len + k, t->expiry, slices * kv_len + k));
    if (s[VT_SPEC_MASK] & VT_MASK_BITS)
        MUST_ALL(check_word(g, s[VT_SPEC_TABLE_BITS] + (slice * q_len + q) * bits + k / 32, t->bits,
                            (slices * q_len + q) * bits + k / 32));
    if (s[VT_SPEC_MASK] & (VT_MASK_SEGMENTS | VT_MASK_EXPIRY)) {
        uint32_t count = (kv_len + VT_SPAN - 1) / VT_SPAN, n = k / VT_SPAN;
        MUST_ALL(check_word(g, s[VT_SPEC_TABLE_SPANS] + (slice * count + n) * VT_SPAN_WORDS + 3, t->spans,
                            (slices * count + n) * VT_SPAN_WORDS + 3));
    }
    return NULL;
}

static const char *check_heads(rules_group *g, uint32_t row) {
    const uint32_t *s = g->spec;
    uint32_t head = g->step->push.head_first + own_heads(g) + rules_row_head(g, row);
    uint32_t at = (s[VT_SPEC_HEAD_BATCH] ? g->seq : 0) * s[VT_SPEC_HEADS] + head;
    if (s[VT_SPEC_HEAD_FIELDS] & ~VT_HEAD_SIGNED)
        MUST_ALL(check_word(g, s[VT_SPEC_TABLE_HEADS] + at * VT_HEAD_WORDS + 7,
                            g->tables.problem->rules.tables.heads, (uint64_t)at * VT_HEAD_WORDS + 7));
    return NULL;
}

/* ---- Biases ---- */

static const char *check_bias_at(const rules_group *g, uint32_t at) {
    bool halves = (g->spec[VT_SPEC_BIAS] & VT_BIAS_F16) != 0;
    MUST(((uint64_t)(halves ? at / 2 : at) + 1) * 4 <= g->step->binding[VT_SLOT_BIAS].range);
    return NULL;
}

static uint32_t bias_head(const rules_group *g, uint32_t row) {
    uint32_t group = g->spec[VT_SPEC_BIAS_GROUP], head_first = g->step->push.head_first;
    bool tensor = (g->spec[VT_SPEC_BIAS] & VT_BIAS_KIND) == VT_BIAS_TENSOR;
    return (head_first + own_heads(g) + rules_row_head(g, row)) / group - (tensor ? head_first / group : 0);
}

static const char *check_tensor_bias(const rules_group *g, uint32_t row, uint32_t query, uint32_t key) {
    const vt_problem *p = g->tables.problem;
    const uint64_t *stride = p->rules.bias_stride;
    const uint32_t *s = &g->spec[VT_SPEC_BIAS_STRIDE];
    bool packed = (g->spec[VT_SPEC_LENGTHS] & VT_LENGTHS_PACKED) != 0;
    uint32_t q = (uint32_t)g->seq_q0 + query, k = (uint32_t)g->seq_k0 + key, map0 = g->step->push.map0;
    uint32_t at = map0 + (packed ? 0 : g->own_batch) * s[0] + bias_head(g, row) * s[1] + q * s[2] + k * s[3];
    uint64_t head = (g->step->push.head_first + own_heads(g) + rules_row_head(g, row)) / p->rules.bias_group;
    uint64_t expected = batch_of(g) * stride[0] + head * stride[1] + q * stride[2] + k * stride[3];
    MUST_ALL(check_bias_at(g, at));
    MUST(g->tables.hostile || g->step->binding[VT_SLOT_BIAS].offset / p->rules.bias_bytes + at == expected);
    if (g->spec[VT_SPEC_BIAS] & VT_BIAS_KEYS) /* the row's head and query are left out */
        MUST(stride[2] == 0 && bias_head(g, row) == bias_head(g, 0));
    return NULL;
}

static const char *check_bias(const rules_group *g, uint32_t row, uint32_t query, uint32_t key) {
    const uint32_t *s = &g->spec[VT_SPEC_BIAS_STRIDE], *extent = &g->spec[VT_SPEC_BIAS_EXTENT];
    const uint32_t *reach = &g->spec[VT_SPEC_BIAS_REACH];
    uint32_t kind = g->spec[VT_SPEC_BIAS] & VT_BIAS_KIND;
    bool cube = (g->spec[VT_SPEC_BIAS] & VT_BIAS_CUBE) != 0;
    if (kind == VT_BIAS_TENSOR)
        return check_tensor_bias(g, row, query, key);
    if (kind == VT_BIAS_RELATIVE) { /* the last entry of the head's */
        uint32_t sides = (2 * reach[0] + 1) * (2 * reach[1] + 1) * (2 * reach[2] + 1);
        return check_bias_at(g, (bias_head(g, row) + 1) * sides - 1);
    }
    if (kind != VT_BIAS_AXES)
        return NULL;
    uint32_t entry = g->seq * s[0] + bias_head(g, row) * s[1] + ((uint32_t)g->seq_q0 + query) * s[2];
    uint32_t line = key / extent[2], plane = cube ? line / extent[1] : 0,
             before = cube ? s[3] * extent[0] : 0;
    MUST(entry < s[3] && line - plane * extent[1] < extent[1] && (!cube || plane < extent[0]));
    MUST_ALL(check_bias_at(g, entry * extent[1] + before + line - plane * extent[1]));
    return check_bias_at(g, entry * extent[2] + before + s[3] * extent[1] + key - line * extent[2]);
}

const char *rules_addresses(rules_group *g, uint32_t row, int64_t tile, uint32_t column) {
    uint32_t query = rules_row_query(g, row);
    MUST_ALL(check_row(g, row));
    MUST_ALL(check_heads(g, row));
    if (tile < 0)
        return NULL;
    uint32_t key = rules_key(g, tile, column);
    MUST(key < g->step->push.kv_len);
    MUST_ALL(check_key(g, key));
    MUST_ALL(check_masks(g, query, key));
    MUST_ALL(check_bias(g, row, query, key));
    MUST(!g->outside);
    return NULL;
}
