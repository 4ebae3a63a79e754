/* SPDX-License-Identifier: MIT
 *
 * Tensors of 2^33 elements, on a Vulkan that has any memory: what is recorded is read back as plain numbers, and each dispatch
 * must reach, by the range that it binds and the 32 bits in which its shader counts, the elements that are its own. Two shapes:
 * many batch entries and heads, and one head that no binding holds.
 */
#include "fault_makes.h"

#include "sizes.h"

/* Of a tensor: strides and counts by batch entry, head, token. */
typedef struct shape {
    uint64_t batch, heads, tokens, dim;
} shape;

static const shape shapes[2] = {{64, 32, 65536, 64}, {1, 1, UINT64_C(1) << 27, 64}};

/* What a dispatch has of a tensor [batch][token][head][dim], or [batch][head][token][dim]: strides as the shader has them. */
typedef struct slab {
    uint32_t base, stride[3];
    uint64_t count[3], first; /* batch entries, heads, tokens; the token that the shader counts from */
} slab;

/* Which part of a tensor comes next. */
typedef struct cover {
    uint64_t size[3], stride[3], dim, bytes;
    uint64_t at[3], step[3];
} cover;

static cover cover_of(const shape *s, uint64_t bytes) {
    return (cover){.size = {s->batch, s->heads, s->tokens},
                   .stride = {s->tokens * s->heads * s->dim, s->dim, s->heads * s->dim},
                   .dim = s->dim,
                   .bytes = bytes};
}

static cover by_head(const shape *s, uint64_t bytes) {
    cover c = cover_of(s, bytes);
    c.stride[1] = s->tokens * s->dim;
    c.stride[2] = s->dim;
    return c;
}

/* The eight corners of a slab are the elements that come next, and are bound. */
static void reach(const cover *c, const VkDescriptorBufferInfo *bound, const slab *s) {
    assert_true(bound->range <= UINT32_MAX && bound->offset % c->bytes == 0);
    for (unsigned n = 0; n < 8; ++n) {
        uint32_t at = s->base;
        uint64_t expected = 0;
        for (int a = 0; a < 3; ++a) {
            uint64_t place = n >> a & 1 ? s->count[a] - 1 : 0;
            at += (uint32_t)(place + (a == 2 ? s->first : 0)) * s->stride[a];
            expected += (c->at[a] + place) * c->stride[a];
        }
        assert_true(bound->offset / c->bytes + at == expected);
        assert_true((at + c->dim) * c->bytes <= bound->range);
    }
}

/* Tokens come fastest, then heads, then batch entries; parts of a row of parts are of one size. */
static void pass(cover *c, const slab *s) {
    for (int a = 0; a < 3; ++a)
        assert_true(s->count[a] > 0 && c->at[a] + s->count[a] <= c->size[a]);
    if (c->at[2] == 0)
        c->step[1] = s->count[1];
    if (c->at[2] == 0 && c->at[1] == 0)
        c->step[0] = s->count[0];
    c->at[2] += s->count[2];
    for (int a = 2; a > 0 && c->at[a] == c->size[a]; --a) {
        c->at[a] = 0;
        c->at[a - 1] += c->step[a - 1];
    }
}

static bool done(const cover *c) {
    return c->at[0] == c->size[0] && c->at[1] == 0 && c->at[2] == 0;
}

/* ---- Records ---- */

static fault_world world;
static VkBuffer queries;

static vatten_buffer huge(uint64_t bytes) {
    return (vatten_buffer){bytes ? fake_buffer(world.things.device, bytes) : VK_NULL_HANDLE, 0, 0};
}

/* Records the plan that was made. */
static void record(vatten_result made) {
    vatten_plan_info i;
    assert_int_equal(made, VATTEN_SUCCESS);
    vatten_plan_get_info(world.plan, &i);
    const vatten_recorder_desc desc = {.max_dispatches = i.dispatches};
    assert_int_equal(vatten_recorder_create(world.device, &desc, &world.recorder), VATTEN_SUCCESS);
    const vatten_args args = {.q = huge(i.q_bytes),
                              .k = huge(i.k_bytes),
                              .v = huge(i.v_bytes),
                              .out = huge(i.out_bytes),
                              .lse = huge(i.lse_bytes),
                              .workspace = huge(i.workspace_bytes),
                              .bias = huge(i.bias_bytes),
                              .lists = huge(i.lists_bytes),
                              .cache_k = huge(i.cache_k_bytes),
                              .cache_v = huge(i.cache_v_bytes)};
    queries = args.q.buffer;
    assert_int_equal(vatten_record(world.recorder, world.things.commands, world.plan, &args), VATTEN_SUCCESS);
    assert_true(i.dispatches > 1 && i.largest_macs <= i.max_macs);
    assert_true(i.largest_moves <= i.max_moves);
}

/* A dispatch with what it was told. */
typedef struct told {
    const VkDescriptorBufferInfo *bound;
    const uint32_t *groups;
    union {
        vt_push push;
        vt_pool_push pool;
        vt_score_push score;
        vt_select_push select;
        vt_combine_push combine;
        vt_append_push append;
        unsigned char bytes[FAKE_PUSHED];
    };
} told;

/* Calls `check` for each dispatch. */
static void each(void (*check)(const told *, cover *), cover *c) {
    const fake_command *commands;
    vatten_plan_info info;
    uint32_t count = fake_commands(&commands), dispatches = 0;
    told t = {0};
    for (uint32_t i = 0; i < count; ++i) {
        const fake_command *at = &commands[i];
        if (at->op == FAKE_BIND_BUFFERS)
            t.bound = at->buffers;
        if (at->op == FAKE_PUSH)
            memcpy(t.bytes + at->offset, at->bytes, at->size);
        if (at->op == FAKE_DISPATCH) {
            t.groups = at->groups;
            check(&t, c);
            ++dispatches;
        }
    }
    vatten_plan_get_info(world.plan, &info);
    assert_int_equal(dispatches, info.dispatches);
}

static void open_on(const vt_caps *caps) {
    fault_begin(&world, caps);
    assert_int_equal(fault_make_device(&world), VATTEN_SUCCESS);
}

static void close_after(const char *name) {
    fault_drop(&world);
    fault_end(&world, name);
}

/* ---- Families ---- */

static void of_pool(const told *t, cover *c) {
    const vt_pool_push *p = &t->pool;
    uint64_t first = p->first * UINT64_C(64);
    const slab x = {p->x_base,
                    {p->x_batch, p->x_head, p->x_token},
                    {t->groups[2], t->groups[1], (p->end - p->first) * UINT64_C(64)},
                    first};
    const slab out = {p->out_base,
                      {p->out_batch, p->out_head, p->out_block},
                      {t->groups[2], t->groups[1], p->end - p->first},
                      p->first};
    reach(&c[0], &t->bound[VT_POOL_SLOT_X], &x);
    reach(&c[1], &t->bound[VT_POOL_SLOT_OUT], &out);
    pass(&c[0], &x);
    pass(&c[1], &out);
}

static void pooling(const vt_caps *caps, const shape *s) {
    shape blocks = *s;
    blocks.tokens /= 64;
    cover c[2] = {cover_of(s, 2), cover_of(&blocks, 4)};
    open_on(caps);
    const vatten_pool_desc d = {.dtype = VATTEN_DTYPE_F16,
                                .batch = s->batch,
                                .heads = (uint32_t)s->heads,
                                .dim = (uint32_t)s->dim,
                                .rank = 1,
                                .extent = {s->tokens},
                                .block = {64}};
    record(vatten_pool_create(world.device, &d, &world.plan));
    each(of_pool, c);
    assert_true(done(&c[0]) && done(&c[1]));
    close_after("pool");
}

static void of_combine(const told *t, cover *c) {
    const vt_combine_push *p = &t->combine;
    const uint64_t count[3] = {t->groups[2], t->groups[1], p->rows};
    slab x = {p->x_base, {p->x_batch, p->x_head, p->x_token}, {count[0], count[1], count[2]}, 0};
    const slab out = {p->o_base, {p->o_batch, p->o_head, p->o_token}, {count[0], count[1], count[2]}, 0};
    bool last = (p->flags & VT_COMBINE_CARRY_OUT) == 0;
    reach(&c[1], &t->bound[VT_COMBINE_SLOT_OUT], &out);
    if (!(p->flags & VT_COMBINE_CARRY_IN)) /* of the first of the parts */
        reach(&c[0], &t->bound[VT_COMBINE_SLOT_PARTS], &x);
    if (!last)
        return;
    pass(&c[0], &x);
    pass(&c[1], &out);
}

static void combining(const vt_caps *caps, const shape *s) {
    cover c[2] = {cover_of(s, 4), cover_of(s, 4)};
    open_on(caps);
    const vatten_combine_desc d = {.kind = VATTEN_COMBINE_SUM,
                                   .dtype = VATTEN_DTYPE_F32,
                                   .batch = s->batch,
                                   .heads = (uint32_t)s->heads,
                                   .tokens = s->tokens,
                                   .dim = (uint32_t)s->dim,
                                   .parts = 2};
    record(vatten_combine_create(world.device, &d, &world.plan));
    each(of_combine, c);
    assert_true(done(&c[0]) && done(&c[1]));
    close_after("combine");
}

/* Keys, then values, then the cache of either: every row meets all places of its batch entry in as many steps as it takes. */
static void of_append(const told *t, cover *c) {
    const vt_append_push *p = &t->append;
    cover *rows = done(&c[0]) ? &c[1] : &c[0], places = c[2];
    const slab x = {p->x_base,
                    {p->x_batch, p->x_head, p->x_token},
                    {t->groups[2], t->groups[0], p->q_last - p->q_first},
                    0};
    const slab cache = {p->cache_base,
                        {p->cache_outer, p->cache_head, p->cache_place},
                        {p->outer_count, t->groups[0], p->place_count},
                        0};
    places.at[0] = rows->at[0];
    places.at[1] = rows->at[1];
    places.at[2] = p->place_first;
    reach(rows, &t->bound[VT_APPEND_SLOT_ROWS], &x);
    reach(&places, &t->bound[VT_APPEND_SLOT_CACHE], &cache);
    if (p->place_first + (uint64_t)p->place_count == places.size[2])
        pass(rows, &x);
}

static vatten_heads heads_of(const shape *s, vatten_dtype dtype) {
    return (vatten_heads){.dtype = dtype,
                          .batch = s->batch,
                          .heads = (uint32_t)s->heads,
                          .kv_heads = (uint32_t)s->heads,
                          .dim = (uint32_t)s->dim};
}

static void appending(const vt_caps *caps, const shape *s) {
    shape rows = *s;
    rows.tokens = vt_min(s->tokens, 65536);
    cover c[3] = {cover_of(&rows, 4), cover_of(&rows, 4), cover_of(s, 4)};
    open_on(caps);
    const vatten_attention_desc a = {
        .heads = heads_of(s, VATTEN_DTYPE_F32), .q_len = rows.tokens, .kv_len = s->tokens};
    const vatten_append_desc d = {.attention = &a};
    record(vatten_append_create(world.device, &d, &world.plan));
    each(of_append, c);
    assert_true(done(&c[0]) && done(&c[1]));
    close_after("append");
}

/* Rows of attention, of whatever map; the dispatches of a chain have the same. */
static void of_attention(const told *t, cover *c) {
    const vt_push *p = &t->push;
    const uint64_t rows = p->q_last - p->q_first, count[3] = {t->groups[2], t->groups[1], rows};
    const slab q = {
        p->q_base, {p->q_batch, p->q_head, p->q_token}, {count[0], count[1], count[2]}, p->q_first};
    const slab out = {
        p->out_base, {p->out_batch, p->out_head, p->out_token}, {count[0], count[1], count[2]}, p->q_first};
    const slab k = {p->k_base,
                    {p->k_batch, p->k_head, p->k_token},
                    {count[0], count[1], p->k_last - p->k_first},
                    p->k_first};
    cover keys = c[0];
    keys.at[2] = p->k_first;
    reach(&c[0], &t->bound[VT_SLOT_Q], &q);
    reach(&c[0], &t->bound[VT_SLOT_OUT], &out);
    reach(&keys, &t->bound[VT_SLOT_K], &k);
    if (!(p->flags & VT_FLAG_CARRY_OUT))
        pass(&c[0], &q);
}

static void attending(const vt_caps *caps, const shape *s, vt_map map) {
    cover c = cover_of(s, 2);
    open_on(caps);
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
    record(map == VT_MAP_DENSE   ? vatten_attention_create(world.device, &dense, &world.plan)
           : map == VT_MAP_LISTS ? vatten_lists_create(world.device, &lists, &world.plan)
                                 : vatten_neighborhood_create(world.device, &grid, &world.plan));
    each(of_attention, &c);
    assert_true(done(&c));
    close_after("attention");
}

static void of_score(const told *t, cover *c) {
    const vt_score_push *p = &t->score;
    if (t->bound[VT_SCORE_SLOT_Q].buffer != queries)
        return; /* selects */
    const slab q = {p->q_base, {p->q_batch, p->q_head, p->q_token}, {t->groups[2], t->groups[1], p->rows}, 0};
    reach(c, &t->bound[VT_SCORE_SLOT_Q], &q);
    pass(c, &q);
}

static void selecting(const vt_caps *caps, const shape *s) {
    cover c = cover_of(s, 2);
    open_on(caps);
    const vatten_select_desc d = {.dtype = VATTEN_DTYPE_F16,
                                  .batch = s->batch,
                                  .heads = (uint32_t)s->heads,
                                  .kv_heads = (uint32_t)s->heads,
                                  .dim = (uint32_t)s->dim,
                                  .rows = s->tokens,
                                  .blocks = 4,
                                  .rule = {.entries = 2}};
    record(vatten_select_create(world.device, &d, &world.plan));
    each(of_score, &c);
    assert_true(done(&c));
    close_after("select");
}

/* The first pass of each part counts all of it. */
static void of_topk(const told *t, cover *c) {
    const vt_select_push *p = &t->select;
    const slab x = {p->s_base,
                    {p->s_batch, p->s_head, p->s_row},
                    {t->groups[2], t->groups[1], p->row_end - p->row_first},
                    0};
    const VkDescriptorBufferInfo *bound = &t->bound[VT_RANK_SLOT_VALUES];
    bool begins = bound->offset != c->step[2];
    if (!begins)
        return;
    c->step[2] = bound->offset;
    reach(c, bound, &x);
    pass(c, &x);
}

static void topping(const vt_caps *caps, const shape *s) {
    const shape rows = {s->batch, s->heads, s->tokens / 64, s->dim * 64};
    cover c = by_head(&rows, 4);
    c.step[2] = UINT64_MAX; /* where the part before began */
    open_on(caps);
    const vatten_topk_desc d = {.batch = rows.batch,
                                .heads = (uint32_t)rows.heads,
                                .rows = rows.tokens,
                                .values = rows.dim,
                                .entries = 5};
    record(vatten_topk_create(world.device, &d, &world.plan));
    each(of_topk, &c);
    assert_true(done(&c));
    close_after("topk");
}

static void all_families_reach_their_elements(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    for (int i = 0; i < 2; ++i) {
        pooling(&caps, &shapes[i]);
        combining(&caps, &shapes[i]);
        appending(&caps, &shapes[i]);
        for (vt_map map = VT_MAP_DENSE; map <= VT_MAP_LISTS; ++map)
            attending(&caps, &shapes[i], map);
        selecting(&caps, &shapes[i]);
        topping(&caps, &shapes[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_families_reach_their_elements)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
