/* SPDX-License-Identifier: MIT */
#include "problem_kit.h"
#include "repack.h"

#include <stdlib.h>

/* 2 batch entries, 4 heads over 2 KV heads, dim 16: 2 x q_len pairs for each key. */
static vatten_attention_desc halves(uint64_t q_len) {
    vatten_attention_desc desc = unit_dense();
    desc.heads.dtype = VATTEN_DTYPE_F16;
    desc.q_len = q_len;
    return desc;
}

static bool pays(const vatten_attention_desc *desc) {
    const vt_caps caps = unit_caps_addresses();
    assert_int_equal(dense_on(&caps, desc), VATTEN_SUCCESS);
    return vt_repack_pays(&caps, &problem);
}

static void keys_that_many_queries_go_by_are_repacked(void **state) {
    (void)state;
    vatten_attention_desc desc = halves(64);
    assert_true(pays(&desc));
    desc = halves(63);
    assert_false(pays(&desc));
    desc = halves(64);
    desc.heads.dtype = VATTEN_DTYPE_BF16;
    assert_true(pays(&desc));
    desc.window = (vatten_window){.enabled = true, .left = 3, .right = 3};
    assert_false(pays(&desc));
}

/* f32 has nothing to be converted, but other heads may stand between the keys of one. */
static void keys_of_f32_are_repacked_where_they_lie_apart(void **state) {
    (void)state;
    vatten_attention_desc desc = halves(64);
    desc.heads.dtype = VATTEN_DTYPE_F32;
    assert_true(pays(&desc));
    const vatten_strides by_head = {.batch = 2 * 40 * 16, .head = 40 * 16, .token = 16};
    desc.heads.k = by_head;
    assert_true(pays(&desc));
    desc.heads.v = by_head;
    assert_false(pays(&desc));
}

static void what_has_to_stay_is_not_repacked(void **state) {
    (void)state;
    vatten_attention_desc desc = halves(64);
    desc.heads.kv_dtype = VATTEN_DTYPE_I8;
    desc.heads.kv_block = 16;
    assert_false(pays(&desc));
    desc = halves(64);
    desc.page_size = 8;
    desc.pool_pages = 20;
    assert_false(pays(&desc));
    desc = halves(64);
    desc.lengths = VATTEN_LENGTHS_KV;
    assert_false(pays(&desc));
    const vt_caps caps = unit_caps_addresses();
    desc = halves(64);
    assert_true(pays(&desc));
    problem.kv_stays = true;
    assert_false(vt_repack_pays(&caps, &problem));
}

/* 2 x 2 KV heads of two rows of 16 floats: 512 bytes for each key, and at most 128 MiB. */
static void what_would_take_too_much_memory_is_not_repacked(void **state) {
    (void)state;
    vatten_attention_desc desc = halves(64);
    desc.kv_len = (128u << 20) / 512 - 1;
    assert_true(pays(&desc));
    desc.kv_len += 2;
    assert_false(pays(&desc));
}

static vt_program program;
static vt_step steps[64];

static void build(const vt_caps *caps, vt_tile *tile) {
    uint32_t row = 0;
    assert_int_equal(vt_tune(caps, &said.logger, &problem, &row, tile), VATTEN_SUCCESS);
    assert_true(tile->repacks);
    const vt_op_input input = {caps, &said.logger, &problem, tile};
    vt_program counted = {0};
    assert_int_equal(vt_repack_steps(vt_op_attention, &input, &counted), VATTEN_SUCCESS);
    assert_true(counted.step_count <= 64);
    program = (vt_program){.steps = steps, .carries = counted.carries};
    assert_int_equal(vt_repack_steps(vt_op_attention, &input, &program), VATTEN_SUCCESS);
    assert_int_equal(program.step_count, counted.step_count);
    assert_int_equal(program.workspace_bytes, counted.workspace_bytes);
    assert_silent(&said);
}

static void assert_binds(const vt_binding *b, vt_role role, uint64_t offset, uint64_t range) {
    assert_int_equal(b->role, role);
    assert_int_equal(b->offset, offset);
    assert_int_equal(b->range, range);
}

/* 40 keys x 2 batch entries x 2 KV heads x 16 floats. */
#define SIDE (40u * 2 * 2 * 16 * 4)

static void attention_reads_what_was_repacked(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_addresses();
    vt_tile tile;
    vatten_attention_desc desc = halves(64);
    assert_true(pays(&desc));
    build(&caps, &tile);
    assert_int_equal(program.step_count, 3);
    assert_int_equal(program.workspace_bytes, 2 * SIDE);
    for (int i = 0; i < 2; ++i) {
        assert_string_equal(vt_kernels[program.variants[steps[i].variant].kernel].name, "append_f32_f16");
        assert_binds(&steps[i].binding[VT_APPEND_SLOT_ROWS], i ? VT_ROLE_V : VT_ROLE_K, 0, SIDE / 2);
        assert_binds(&steps[i].binding[VT_APPEND_SLOT_CACHE], VT_ROLE_WORKSPACE, i ? SIDE : 0, SIDE);
    }
    assert_true(steps[0].barrier_before && !steps[1].barrier_before && steps[2].barrier_before);
    assert_int_equal(program.main_variant, steps[2].variant);
    assert_string_equal(vt_kernels[program.variants[steps[2].variant].kernel].name,
                        "attention_dense_f16_address_wide");
    assert_binds(&steps[2].binding[VT_SLOT_Q], VT_ROLE_Q, 0, problem.q.elements * 2);
    assert_binds(&steps[2].binding[VT_SLOT_K], VT_ROLE_WORKSPACE, 0, SIDE);
    assert_binds(&steps[2].binding[VT_SLOT_V], VT_ROLE_WORKSPACE, SIDE, SIDE);
    assert_int_equal(vt_step_limit(&steps[2], &program.variants[steps[2].variant], VT_SLOT_K), SIDE / 4 - 16);
}

static void state_is_carried_behind_what_was_repacked(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_addresses();
    vt_tile tile;
    vatten_attention_desc desc = halves(64);
    desc.heads.max_macs = 8 * 16 * 32; /* 8 rows and 16 keys */
    desc.heads.heads = desc.heads.kv_heads = 1;
    desc.heads.batch = 1;
    desc.q_len = 130;
    assert_true(pays(&desc));
    build(&caps, &tile);
    assert_true(program.carries && program.workspace_bytes > SIDE / 2);
    for (uint64_t i = 2; i < program.step_count; ++i) {
        const vt_binding *carry = &steps[i].binding[VT_SLOT_CARRY];
        assert_int_equal(carry->role, VT_ROLE_WORKSPACE);
        assert_true(carry->offset >= SIDE / 2 && carry->offset + carry->range <= program.workspace_bytes);
    }
}

static void only_keys_of_a_record_are_repacked(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_addresses();
    vt_tile tile;
    vatten_attention_desc desc = halves(64);
    assert_true(pays(&desc));
    build(&caps, &tile);
    vt_step step = steps[0];
    assert_true(vt_step_shrink(&step, 50, 7));
    assert_int_equal(step.append.q_len, 7);
    assert_int_equal(step.append.kv_len, 7);
    step = steps[0];
    assert_false(vt_step_shrink(&step, 50, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(keys_that_many_queries_go_by_are_repacked),
        TEST(keys_of_f32_are_repacked_where_they_lie_apart),
        TEST(what_has_to_stay_is_not_repacked),
        TEST(what_would_take_too_much_memory_is_not_repacked),
        TEST(attention_reads_what_was_repacked),
        TEST(state_is_carried_behind_what_was_repacked),
        TEST(only_keys_of_a_record_are_repacked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
