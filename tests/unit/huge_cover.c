/* SPDX-License-Identifier: MIT */
#include "huge_cover.h"

#include "plan.h"

const huge_shape huge_shapes[2] = {{64, 32, 65536, 64}, {1, 1, UINT64_C(1) << 27, 64}};

huge_slab huge_beside(const huge_slab *slab, uint32_t base, uint32_t batch, uint32_t head, uint32_t token) {
    huge_slab other = *slab;
    other.base = base;
    other.stride[0] = batch;
    other.stride[1] = head;
    other.stride[2] = token;
    return other;
}

huge_cover huge_of(const huge_shape *s, uint64_t bytes) {
    return (huge_cover){.size = {s->batch, s->heads, s->tokens},
                        .stride = {s->tokens * s->heads * s->dim, s->dim, s->heads * s->dim},
                        .dim = s->dim,
                        .bytes = bytes};
}

huge_cover huge_by_head(const huge_shape *s, uint64_t bytes) {
    huge_cover c = huge_of(s, bytes);
    c.stride[1] = s->tokens * s->dim;
    c.stride[2] = s->dim;
    return c;
}

/* Where a corner is as the shader counts, in 32 bits. */
static uint32_t corner(const huge_slab *s, const uint64_t place[3]) {
    uint32_t at = s->base;
    for (int a = 0; a < 3; ++a)
        at += (uint32_t)(place[a] + (a == 2 ? s->first : 0)) * s->stride[a];
    return at;
}

static uint64_t wanted(const huge_cover *c, const uint64_t place[3]) {
    uint64_t at = c->origin;
    for (int a = 0; a < 3; ++a)
        at += (c->at[a] + place[a]) * c->stride[a];
    return at;
}

void huge_reach(huge_cover *c, const VkDescriptorBufferInfo *bound, const huge_slab *s) {
    const uint64_t first[3] = {0, 0, 0};
    assert_true(bound->range <= UINT32_MAX && bound->offset % c->bytes == 0);
    if (c->anywhere)
        c->origin = bound->offset / c->bytes + corner(s, first) - wanted(c, first);
    c->anywhere = false;
    for (unsigned n = 0; n < 8; ++n) {
        uint64_t place[3];
        for (int a = 0; a < 3; ++a)
            place[a] = n >> a & 1 ? s->count[a] - 1 : 0;
        uint64_t at = corner(s, place);
        assert_true(bound->offset / c->bytes + at == wanted(c, place));
        assert_true((at + c->dim) * c->bytes <= bound->range);
    }
}

void huge_pass(huge_cover *c, const huge_slab *s) {
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

bool huge_done(const huge_cover *c) {
    return c->at[0] == c->size[0] && c->at[1] == 0 && c->at[2] == 0;
}

void huge_within(const VkDescriptorBufferInfo *bound, uint64_t words) {
    assert_true(words > 0 && words <= UINT32_MAX && words * sizeof(uint32_t) <= bound->range);
}

/* ---- Records ---- */

static fault_world world;

vatten_device *huge_open(const vt_caps *caps) {
    fault_begin(&world, caps);
    assert_int_equal(fault_make_device(&world), VATTEN_SUCCESS);
    return world.device;
}

vatten_plan **huge_plan(void) {
    return &world.plan;
}

static vatten_buffer huge(uint64_t bytes) {
    return (vatten_buffer){bytes ? fake_buffer(world.things.device, bytes) : VK_NULL_HANDLE, 0, 0};
}

static void record(void) {
    vatten_plan_info i;
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
                              .counts = huge(i.counts_bytes),
                              .tables = huge(i.tables_bytes),
                              .weights = huge(i.weights_bytes),
                              .cache_k = huge(i.cache_k_bytes),
                              .cache_v = huge(i.cache_v_bytes)};
    assert_int_equal(vatten_record(world.recorder, world.things.commands, world.plan, &args), VATTEN_SUCCESS);
    assert_true(i.dispatches > 1 && i.largest_macs <= i.max_macs);
    assert_true(i.largest_moves <= i.max_moves);
}

void huge_each(vatten_result made, void (*check)(const huge_told *told, huge_cover *cover),
               huge_cover *cover) {
    const fake_command *commands;
    huge_told t = {0};
    uint32_t dispatches = 0;
    if (made != VATTEN_SUCCESS)
        fail_msg("no plan: %s", world.said.text);
    record();
    const vt_program *program = &world.plan->program;
    for (uint32_t i = 0, count = fake_commands(&commands); i < count; ++i) {
        const fake_command *at = &commands[i];
        if (at->op == FAKE_BIND_BUFFERS)
            t.bound = at->buffers;
        if (at->op == FAKE_PUSH)
            memcpy(t.bytes + at->offset, at->bytes, at->size);
        if (at->op != FAKE_DISPATCH)
            continue;
        const vt_variant *variant = &program->variants[program->steps[dispatches++].variant];
        t.groups = at->groups;
        t.task = vt_kernels[variant->kernel].task;
        t.spec = variant->spec;
        check(&t, cover);
    }
    assert_int_equal(dispatches, program->step_count);
}

void huge_close(const char *name) {
    fault_drop(&world);
    fault_end(&world, name);
}
