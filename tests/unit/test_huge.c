/* SPDX-License-Identifier: MIT
 *
 * Tensors of 2^33 elements in attention and in what makes its keys and joins its results; test_huge_choices.c has what chooses.
 */
#include "huge_cover.h"

#include "sizes.h"

static void of_pool(const huge_told *t, huge_cover *c) {
    const vt_pool_push *p = &t->pool;
    uint64_t first = p->first * UINT64_C(64);
    const huge_slab x = {p->x_base,
                         {p->x_batch, p->x_head, p->x_token},
                         {t->groups[2], t->groups[1], (p->end - p->first) * UINT64_C(64)},
                         first};
    const huge_slab out = {p->out_base,
                           {p->out_batch, p->out_head, p->out_block},
                           {t->groups[2], t->groups[1], p->end - p->first},
                           p->first};
    huge_reach(&c[0], &t->bound[VT_POOL_SLOT_X], &x);
    huge_reach(&c[1], &t->bound[VT_POOL_SLOT_OUT], &out);
    huge_pass(&c[0], &x);
    huge_pass(&c[1], &out);
}

static void pooling(const vt_caps *caps, const huge_shape *s) {
    huge_shape blocks = *s;
    blocks.tokens /= 64;
    huge_cover c[2] = {huge_of(s, 2), huge_of(&blocks, 4)};
    vatten_device *device = huge_open(caps);
    const vatten_pool_desc d = {.dtype = VATTEN_DTYPE_F16,
                                .batch = s->batch,
                                .heads = (uint32_t)s->heads,
                                .dim = (uint32_t)s->dim,
                                .rank = 1,
                                .extent = {s->tokens},
                                .block = {64}};
    huge_each(vatten_pool_create(device, &d, huge_plan()), of_pool, c);
    assert_true(huge_done(&c[0]) && huge_done(&c[1]));
    huge_close("pool");
}

static void of_combine(const huge_told *t, huge_cover *c) {
    const vt_combine_push *p = &t->combine;
    const uint64_t count[3] = {t->groups[2], t->groups[1], p->rows};
    huge_slab x = {p->x_base, {p->x_batch, p->x_head, p->x_token}, {count[0], count[1], count[2]}, 0};
    const huge_slab out = {p->o_base, {p->o_batch, p->o_head, p->o_token}, {count[0], count[1], count[2]}, 0};
    bool last = (p->flags & VT_COMBINE_CARRY_OUT) == 0;
    huge_reach(&c[1], &t->bound[VT_COMBINE_SLOT_OUT], &out);
    if (!(p->flags & VT_COMBINE_CARRY_IN)) /* of the first of the parts */
        huge_reach(&c[0], &t->bound[VT_COMBINE_SLOT_PARTS], &x);
    if (!last)
        return;
    huge_pass(&c[0], &x);
    huge_pass(&c[1], &out);
}

static void combining(const vt_caps *caps, const huge_shape *s) {
    huge_cover c[2] = {huge_of(s, 4), huge_of(s, 4)};
    vatten_device *device = huge_open(caps);
    const vatten_combine_desc d = {.kind = VATTEN_COMBINE_SUM,
                                   .dtype = VATTEN_DTYPE_F32,
                                   .batch = s->batch,
                                   .heads = (uint32_t)s->heads,
                                   .tokens = s->tokens,
                                   .dim = (uint32_t)s->dim,
                                   .parts = 2};
    huge_each(vatten_combine_create(device, &d, huge_plan()), of_combine, c);
    assert_true(huge_done(&c[0]) && huge_done(&c[1]));
    huge_close("combine");
}

/* Every row meets all places of its batch entry in as many steps as it takes. */
static void of_append(const huge_told *t, huge_cover *rows, huge_cover *cache) {
    const vt_append_push *p = &t->append;
    huge_cover places = *cache;
    const huge_slab x = {p->x_base,
                         {p->x_batch, p->x_head, p->x_token},
                         {t->groups[2], t->groups[0], p->q_last - p->q_first},
                         0};
    const huge_slab at = {p->cache_base,
                          {p->cache_outer, p->cache_head, p->cache_place},
                          {p->outer_count, t->groups[0], p->place_count},
                          0};
    places.at[0] = rows->at[0];
    places.at[1] = rows->at[1];
    places.at[2] = p->place_first;
    huge_reach(rows, &t->bound[VT_APPEND_SLOT_ROWS], &x);
    huge_reach(&places, &t->bound[VT_APPEND_SLOT_CACHE], &at);
    cache->origin = places.origin;
    cache->anywhere = false;
    if (p->place_first + (uint64_t)p->place_count == places.size[2])
        huge_pass(rows, &x);
}

/* Keys, then values: rows of each, and the cache of each. */
static void of_sides(const huge_told *t, huge_cover *c) {
    uint32_t side = huge_done(&c[0]) ? 1 : 0;
    of_append(t, &c[side], &c[2 + side]);
}

static vatten_heads heads_of(const huge_shape *s, vatten_dtype dtype) {
    return (vatten_heads){.dtype = dtype,
                          .batch = s->batch,
                          .heads = (uint32_t)s->heads,
                          .kv_heads = (uint32_t)s->heads,
                          .dim = (uint32_t)s->dim};
}

static void appending(const vt_caps *caps, const huge_shape *s) {
    huge_shape rows = *s;
    rows.tokens = vt_min(s->tokens, 65536);
    huge_cover c[4] = {huge_of(&rows, 4), huge_of(&rows, 4), huge_of(s, 4), huge_of(s, 4)};
    vatten_device *device = huge_open(caps);
    const vatten_attention_desc a = {
        .heads = heads_of(s, VATTEN_DTYPE_F32), .q_len = rows.tokens, .kv_len = s->tokens};
    const vatten_append_desc d = {.attention = &a};
    huge_each(vatten_append_create(device, &d, huge_plan()), of_sides, c);
    assert_true(huge_done(&c[0]) && huge_done(&c[1]));
    huge_close("append");
}

/* Rows of attention, of whatever map; the dispatches of a chain have the same. */
static void of_attention(const huge_told *t, huge_cover *c) {
    const vt_push *p = &t->push;
    const uint64_t rows = p->q_last - p->q_first, count[3] = {t->groups[2], t->groups[1], rows};
    const huge_slab q = {
        p->q_base, {p->q_batch, p->q_head, p->q_token}, {count[0], count[1], count[2]}, p->q_first};
    const huge_slab out = {
        p->out_base, {p->out_batch, p->out_head, p->out_token}, {count[0], count[1], count[2]}, p->q_first};
    const huge_slab k = {p->k_base,
                         {p->k_batch, p->k_head, p->k_token},
                         {count[0], count[1], p->k_last - p->k_first},
                         p->k_first};
    huge_cover keys = c[0];
    keys.at[2] = p->k_first;
    huge_reach(&c[0], &t->bound[VT_SLOT_Q], &q);
    huge_reach(&c[0], &t->bound[VT_SLOT_OUT], &out);
    huge_reach(&keys, &t->bound[VT_SLOT_K], &k);
    if (!(p->flags & VT_FLAG_CARRY_OUT))
        huge_pass(&c[0], &q);
}

static void attending(const vt_caps *caps, const huge_shape *s, vt_map map) {
    huge_cover c = huge_of(s, 2);
    vatten_device *device = huge_open(caps);
    const vatten_attention_desc dense = {.heads = heads_of(s, VATTEN_DTYPE_F16),
                                         .q_len = s->tokens,
                                         .kv_len = s->tokens,
                                         .window = {true, 64, 64}};
    const vatten_neighborhood_desc grid = {
        .heads = heads_of(s, VATTEN_DTYPE_F16), .rank = 1, .axis = {{s->tokens, 65, 1, 1, false}}};
    const vatten_lists_desc lists = {.heads = heads_of(s, VATTEN_DTYPE_F16),
                                     .q_len = s->tokens,
                                     .kv_len = s->tokens,
                                     .q_block = 64,
                                     .kv_block = 64,
                                     .entries = 1,
                                     .list_heads = 1};
    huge_each(map == VT_MAP_DENSE   ? vatten_attention_create(device, &dense, huge_plan())
              : map == VT_MAP_LISTS ? vatten_lists_create(device, &lists, huge_plan())
                                    : vatten_neighborhood_create(device, &grid, huge_plan()),
              of_attention, &c);
    assert_true(huge_done(&c));
    huge_close("attention");
}

/* ---- Masks by span ---- */

static vatten_tables tables; /* of the plan at hand, in words */

/* The last key and span of the last slice: tables of all batch entries and heads. */
static void of_span(const huge_told *t, huge_cover *c) {
    const vt_spans_push *p = &t->spans;
    const uint32_t spans = (p->keys + VT_SPAN - 1) / VT_SPAN;
    const uint64_t rest = spans - p->first, count = rest < t->groups[0] * 64ull ? rest : t->groups[0] * 64ull;
    const uint32_t key = p->first * VT_SPAN;
    const VkDescriptorBufferInfo *bound = &t->bound[VT_SPANS_SLOT_TABLES];
    const huge_slab expiry = {
        p->expiry + key, {p->heads * p->keys, p->keys, VT_SPAN}, {t->groups[2], t->groups[1], count}, 0};
    const huge_slab made = {p->spans,
                            {p->heads * spans * VT_SPAN_WORDS, spans * VT_SPAN_WORDS, VT_SPAN_WORDS},
                            {t->groups[2], t->groups[1], count},
                            p->first};
    const huge_slab segments = {
        p->segments + key, {p->keys, 0, VT_SPAN}, {t->groups[2], t->groups[1], count}, 0};
    huge_cover ids = c[2];
    memcpy(ids.at, c[1].at, sizeof ids.at);
    huge_reach(&c[0], bound, &expiry);
    huge_reach(&c[1], bound, &made);
    huge_reach(&ids, bound, &segments);
    huge_pass(&c[0], &expiry);
    huge_pass(&c[1], &made);
}

static void of_masked(const huge_told *t, huge_cover *c) {
    if (t->task == VT_TASK_SPANS)
        of_span(t, c);
    else
        of_attention(t, &c[3]);
}

/* Tables that just bind: 2^29 words. */
static void masking(const vt_caps *caps) {
    const huge_shape s = {256, 32, 65536, 16}, spans = {256, 32, 65536 / VT_SPAN, VT_SPAN},
                     words = {256, 32, 65536 / VT_SPAN, VT_SPAN_WORDS};
    vatten_device *device = huge_open(caps);
    const vatten_attention_desc d = {.heads = heads_of(&s, VATTEN_DTYPE_F16),
                                     .q_len = s.tokens,
                                     .kv_len = s.tokens,
                                     .window = {true, 64, 64},
                                     .masks = VATTEN_MASK_SEGMENTS | VATTEN_MASK_EXPIRY,
                                     .mask_batch = true,
                                     .mask_heads = 32};
    assert_int_equal(vatten_attention_tables(&d, &tables), VATTEN_SUCCESS);
    huge_cover c[4] = {huge_by_head(&spans, 4), huge_by_head(&words, 4), huge_by_head(&spans, 4),
                       huge_of(&s, 2)};
    c[0].origin = tables.expiry / 4;
    c[1].origin = tables.spans / 4;
    c[2].origin = tables.kv_segments / 4;
    c[2].stride[0] = s.tokens;
    c[2].stride[1] = 0;
    huge_each(vatten_attention_create(device, &d, huge_plan()), of_masked, c);
    assert_true(huge_done(&c[0]) && huge_done(&c[1]) && huge_done(&c[3]));
    huge_close("spans");
}

/* ---- Keys and values written to the workspace first ---- */

static void of_repacked(const huge_told *t, huge_cover *c) {
    const vt_push *p = &t->push;
    const uint64_t count[3] = {t->groups[2], t->groups[1], p->k_last - p->k_first};
    if (t->task != VT_TASK_ATTEND) {
        of_sides(t, c);
        return;
    }
    assert_true(huge_done(&c[0]) && huge_done(&c[1]));
    const huge_slab k = {
        p->k_base, {p->k_batch, p->k_head, p->k_token}, {count[0], count[1], count[2]}, p->k_first};
    const huge_slab v = {
        p->v_base, {p->v_batch, p->v_head, p->v_token}, {count[0], count[1], count[2]}, p->k_first};
    for (int i = 0; i < 2; ++i) {
        huge_cover all = c[2 + i];
        all.at[1] = p->head_first;
        all.at[2] = p->k_first;
        huge_reach(&all, &t->bound[i ? VT_SLOT_V : VT_SLOT_K], i ? &v : &k);
    }
}

/* Few keys that lie 2^21 elements apart. */
static void repacking(void) {
    const vt_caps caps = unit_caps_addresses();
    const huge_shape s = {1, 2, 4096, 16};
    const vatten_strides apart = {0, 16, INT64_C(1) << 21};
    vatten_device *device = huge_open(&caps);
    vatten_attention_desc d = {
        .heads = heads_of(&s, VATTEN_DTYPE_F16), .q_len = s.tokens, .kv_len = s.tokens};
    d.heads.k = d.heads.v = apart;
    huge_cover c[4] = {huge_of(&s, 2), huge_of(&s, 2), huge_by_head(&s, 4), huge_by_head(&s, 4)};
    c[0].stride[2] = c[1].stride[2] = UINT64_C(1) << 21;
    c[2].anywhere = c[3].anywhere = true;
    huge_each(vatten_attention_create(device, &d, huge_plan()), of_repacked, c);
    assert_true(huge_done(&c[0]) && huge_done(&c[1]));
    huge_close("repack");
}

/* ---- Mass ---- */

enum { MASS_Q, MASS_K, MASS_LSE, MASS_WEIGHTS, MASS_OUT, MASS_COVERS };

/* Of a chain: reached by each dispatch, passed with the last. */
static void of_rows(const huge_told *t, uint32_t slot, huge_cover *c, const huge_slab *s, bool last) {
    huge_reach(c, &t->bound[slot], s);
    if (last)
        huge_pass(c, s);
}

/* What the loop runs over: from `first` on, whatever came before. */
static void of_steps(const huge_told *t, uint32_t slot, const huge_cover *c, const huge_cover *rows,
                     const huge_slab *s) {
    huge_cover steps = *c;
    steps.at[0] = rows->at[0];
    steps.at[1] = rows->at[1];
    steps.at[2] = s->first;
    huge_reach(&steps, &t->bound[slot], s);
}

static void of_columns(const huge_told *t, huge_cover *c, const huge_slab *q, const huge_slab *k) {
    const vt_push *p = &t->push;
    bool last = p->q_last == p->q_len;
    const huge_slab lse = huge_beside(q, p->lse_base, p->lse_batch, p->lse_head, 1);
    const huge_slab weights = huge_beside(q, p->v_base, p->v_batch, p->v_head, p->v_token);
    const huge_slab out = huge_beside(k, p->out_base, p->out_batch, p->out_head, 1);
    of_steps(t, VT_SLOT_Q, &c[MASS_Q], &c[MASS_K], q);
    of_steps(t, VT_SLOT_LSE, &c[MASS_LSE], &c[MASS_K], &lse);
    of_steps(t, VT_SLOT_MASS_INPUT, &c[MASS_WEIGHTS], &c[MASS_K], &weights);
    of_rows(t, VT_SLOT_OUT, &c[MASS_OUT], &out, last);
    of_rows(t, VT_SLOT_K, &c[MASS_K], k, last);
}

static void of_queries(const huge_told *t, huge_cover *c, const huge_slab *q, const huge_slab *k) {
    const vt_push *p = &t->push;
    bool last = p->k_last == p->kv_len;
    const huge_slab lse = huge_beside(q, p->lse_base, p->lse_batch, p->lse_head, 1);
    const huge_slab out = huge_beside(q, p->out_base, p->out_batch, p->out_head, p->out_token);
    of_steps(t, VT_SLOT_K, &c[MASS_K], &c[MASS_Q], k);
    of_rows(t, VT_SLOT_LSE, &c[MASS_LSE], &lse, last);
    of_rows(t, VT_SLOT_OUT, &c[MASS_OUT], &out, last);
    of_rows(t, VT_SLOT_Q, &c[MASS_Q], q, last);
}

static void of_mass(const huge_told *t, huge_cover *c) {
    const vt_push *p = &t->push;
    const huge_slab q = {p->q_base,
                         {p->q_batch, p->q_head, p->q_token},
                         {t->groups[2], t->groups[1], p->q_last - p->q_first},
                         p->q_first};
    const huge_slab k = {p->k_base,
                         {p->k_batch, p->k_head, p->k_token},
                         {t->groups[2], t->groups[1], p->k_last - p->k_first},
                         p->k_first};
    if ((t->spec[VT_SPEC_MASS_KIND] & VT_MASS_IS) == VT_MASS_IS_COLUMNS)
        of_columns(t, c, &q, &k);
    else
        of_queries(t, c, &q, &k);
}

static void weighing(const vt_caps *caps, const huge_shape *s, vatten_mass_kind kind) {
    huge_shape ones = *s, bins = *s;
    ones.dim = 1;
    bins.dim = kind == VATTEN_MASS_BLOCK_MAX ? 64 : 1;
    huge_cover c[MASS_COVERS] = {huge_of(s, 2), huge_of(s, 2), huge_by_head(&ones, 4), huge_by_head(&ones, 4),
                                 huge_by_head(&bins, 4)};
    vatten_device *device = huge_open(caps);
    const vatten_attention_desc a = {.heads = heads_of(s, VATTEN_DTYPE_F16),
                                     .q_len = s->tokens,
                                     .kv_len = s->tokens,
                                     .window = {true, 64, 64}};
    const vatten_mass_desc d = {.attention = &a,
                                .kind = kind,
                                .weighted = kind == VATTEN_MASS_COLUMNS,
                                .block = kind == VATTEN_MASS_BLOCK_MAX ? s->tokens / 64 : 0};
    huge_each(vatten_mass_create(device, &d, huge_plan()), of_mass, c);
    assert_true(huge_done(&c[MASS_OUT]) && huge_done(&c[kind == VATTEN_MASS_COLUMNS ? MASS_K : MASS_Q]));
    huge_close("mass");
}

static void rows_of_heads_reach_their_elements(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    for (int i = 0; i < 2; ++i) {
        pooling(&caps, &huge_shapes[i]);
        combining(&caps, &huge_shapes[i]);
        appending(&caps, &huge_shapes[i]);
        for (vt_map map = VT_MAP_DENSE; map <= VT_MAP_LISTS; ++map)
            attending(&caps, &huge_shapes[i], map);
    }
}

static void masks_and_repacked_keys_reach_theirs(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    masking(&caps);
    repacking();
}

static void mass_reaches_its_elements(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    const vatten_mass_kind kinds[] = {VATTEN_MASS_COLUMNS, VATTEN_MASS_ENTROPY, VATTEN_MASS_BLOCK_MAX};
    for (int i = 0; i < 6; ++i)
        weighing(&caps, &huge_shapes[i % 2], kinds[i / 2]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_of_heads_reach_their_elements),
                                       cmocka_unit_test(masks_and_repacked_keys_reach_theirs),
                                       cmocka_unit_test(mass_reaches_its_elements)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
