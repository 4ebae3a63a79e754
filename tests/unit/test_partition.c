/* SPDX-License-Identifier: MIT
 *
 * Problems at one limit each: what is cut, in which order, and what is refused.
 */
#include "unit.h"

#include "program_build.h"

#include <time.h>

static unit_log said;
static program_case built;

static int start(void **state) {
    (void)state;
    unit_log_start(&said);
    memset(&built, 0, sizeof built);
    return 0;
}

static int finish(void **state) {
    (void)state;
    program_free(&built);
    return 0;
}

static vatten_result build_dense(const vt_caps *caps, const vatten_attention_desc *desc) {
    built.caps = *caps;
    vatten_result result = vt_problem_from_attention(caps, &said.logger, desc, &built.problem);
    return result == VATTEN_SUCCESS ? program_build(&built, &said.logger) : result;
}

static vatten_result build_grid(const vt_caps *caps, const vatten_neighborhood_desc *desc) {
    built.caps = *caps;
    vatten_result result = vt_problem_from_neighborhood(caps, &said.logger, desc, &built.problem);
    return result == VATTEN_SUCCESS ? program_build(&built, &said.logger) : result;
}

/* Built into so many steps, and by all rules. */
static void assert_steps(uint64_t count) {
    const char *broken = program_broken(&built, 1);
    if (broken)
        fail_msg("%s", broken);
    assert_silent(&said);
    assert_true(built.program.step_count == count);
}

static void what_fits_is_one_dispatch(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    vatten_attention_desc dense = unit_dense();
    assert_int_equal(build_dense(&caps, &dense), VATTEN_SUCCESS);
    assert_steps(1);
    assert_true(built.program.workspace_bytes == 0 && !built.program.carries);
    assert_false(built.program.steps[0].barrier_before);
    assert_int_equal(built.program.steps[0].groups[1], 4);
    assert_int_equal(built.program.steps[0].groups[2], 2);
}

static void more_heads_than_workgroups_are_cut(void **state) {
    (void)state;
    vt_caps caps = unit_caps_desktop();
    vatten_attention_desc dense = unit_dense();
    dense.heads.heads = 100;
    dense.heads.kv_heads = 50;
    caps.groups[1] = 40;
    assert_int_equal(build_dense(&caps, &dense), VATTEN_SUCCESS);
    assert_steps(2 * 3); /* each batch entry alone, its heads by 40 */
    assert_int_equal(built.program.steps[2].groups[1], 20);
    assert_int_equal(built.program.steps[2].push.head_first, 80);
}

static void more_batches_than_workgroups_are_cut(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    vatten_attention_desc dense = unit_dense();
    dense.heads.batch = 65536;
    assert_int_equal(build_dense(&caps, &dense), VATTEN_SUCCESS);
    assert_steps(2);
    assert_int_equal(built.program.steps[0].groups[2], 65535);
    assert_int_equal(built.program.steps[1].groups[2], 1);
}

/* 2^27 bytes is all that Vulkan guarantees and lavapipe has. */
static void tensors_larger_than_a_binding_are_bound_in_parts(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_lavapipe();
    vatten_attention_desc dense = unit_dense();
    dense.heads.batch = 64;
    dense.q_len = dense.kv_len = 50000; /* k: 64 x 50000 x 2 x 16 x 4 bytes = 409.6 MB, q twice as much */
    assert_int_equal(build_dense(&caps, &dense), VATTEN_SUCCESS);
    assert_steps(built.program.step_count);
    assert_true(built.program.step_count >= 7);
    assert_false(built.program.carries); /* no need to cut a sequence */
}

/* Four planes of q are 164 MB, one is 41 MB: the tile of queries must give way to the binding. */
static void a_grid_larger_than_a_binding_is_cut_between_planes(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_lavapipe();
    vatten_neighborhood_desc grid = unit_grid();
    grid.rank = 3;
    grid.axis[0] = (vatten_axis){4, 4, 1, 1, false};
    grid.axis[1] = grid.axis[2] = (vatten_axis){400, 200, 1, 1, false};
    assert_int_equal(build_grid(&caps, &grid), VATTEN_SUCCESS);
    assert_steps(built.program.step_count);
}

static void one_sequence_larger_than_a_binding_carries_its_state(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_lavapipe();
    vatten_attention_desc dense = unit_dense();
    dense.heads.batch = 1;
    dense.kv_len = 2000000; /* 256 MB */
    assert_int_equal(build_dense(&caps, &dense), VATTEN_SUCCESS);
    assert_steps(built.program.step_count);
    assert_true(built.program.carries);
    assert_true(built.program.workspace_bytes > 0);
}

static void long_work_is_cut_and_short_work_is_not(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    vatten_attention_desc dense = unit_dense();
    dense.heads.batch = 1;
    dense.q_len = dense.kv_len = 4096;
    assert_int_equal(build_dense(&caps, &dense), VATTEN_SUCCESS);
    assert_steps(1);
    uint64_t whole = built.program.largest_macs;
    assert_true(whole == UINT64_C(4096) * 4096 * 32 * 4);
    program_free(&built);
    dense.heads.max_macs = whole / 4;
    assert_int_equal(build_dense(&caps, &dense), VATTEN_SUCCESS);
    assert_steps(4);
    program_free(&built);
    dense.heads.max_macs = 1; /* down to a tile, never below */
    assert_int_equal(build_dense(&caps, &dense), VATTEN_SUCCESS);
    uint64_t rows = built.tile.rows;
    uint64_t keys = built.tile.keys;
    assert_steps(4 * (4096 / rows) * (4096 / keys));
    assert_true(built.program.largest_macs == rows * keys * 32);
}

/* A causal window of 128 keys is short work however long the sequence, and is not cut as if it were not. */
static void windows_count_only_the_keys_they_visit(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    vatten_attention_desc dense = unit_dense();
    dense.q_len = dense.kv_len = 100000;
    dense.causal = true;
    dense.window = (vatten_window){true, 127, VATTEN_UNLIMITED};
    assert_int_equal(build_dense(&caps, &dense), VATTEN_SUCCESS);
    assert_steps(1);
    uint64_t useful = built.problem.pairs * 2 * 32;
    assert_true(built.program.largest_macs >= useful && built.program.largest_macs < 3 * useful);
}

/* ---- Heads with rules of their own ---- */

static void heads_with_equal_rules_share_dispatches_and_pipelines(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    vatten_neighborhood_desc grid = unit_grid();
    vatten_axis axes[4][3];
    for (uint32_t h = 0; h < 4; ++h)
        memcpy(axes[h], grid.axis, sizeof axes[h]);
    axes[1][1].window = axes[2][1].window = 5; /* rules a b b a */
    grid.head_axes = axes[0];
    grid.extra_len = 7;
    assert_int_equal(build_grid(&caps, &grid), VATTEN_SUCCESS);
    const vt_program *program = &built.program;
    assert_int_equal(program->variant_count, 3); /* a, extra keys, b */
    assert_int_equal(program->step_count, 6);
    const uint32_t variant[6] = {1, 0, 1, 2, 1, 0};
    const uint32_t first[6] = {0, 0, 1, 1, 3, 3}, heads[6] = {1, 1, 2, 2, 1, 1};
    for (int i = 0; i < 6; ++i) {
        assert_int_equal(program->steps[i].variant, variant[i]);
        assert_int_equal(program->steps[i].push.head_first, first[i]);
        assert_int_equal(program->steps[i].groups[1], heads[i]);
        assert_true(program->steps[i].barrier_before);
    }
    assert_int_equal(program->variants[2].spec[VT_SPEC_WINDOW + 1], 5);
    assert_int_equal(program->variants[0].spec[VT_SPEC_WINDOW + 1], 3);
}

static void rules_of_heads_are_bounded(void **state) {
    (void)state;
    static vatten_axis axes[33][3];
    const vt_caps caps = unit_caps_desktop();
    vatten_neighborhood_desc grid = unit_grid();
    grid.rank = 1;
    grid.axis[0] = (vatten_axis){100, 3, 1, 1, false};
    grid.heads.heads = grid.heads.kv_heads = 33;
    for (uint32_t h = 0; h < 33; ++h)
        axes[h][0] = (vatten_axis){100, 2 + h, 1, 1, false};
    grid.head_axes = axes[0];
    assert_int_equal(build_grid(&caps, &grid), VATTEN_ERROR_UNSUPPORTED);
    assert_said(&said, "heads have more than 32 different rules");
    axes[32][0].window = 9;
    assert_int_equal(build_grid(&caps, &grid), VATTEN_SUCCESS);
    assert_int_equal(built.program.variant_count, 32);
}

/* ---- Refused ---- */

static void a_row_of_tokens_that_cannot_be_bound_is_refused(void **state) {
    (void)state;
    vt_caps caps = unit_caps_desktop();
    caps.storage_range = 8192;
    vatten_attention_desc dense = unit_dense();
    dense.heads.k.token = 4096;
    dense.heads.k.head = 16;
    assert_int_equal(build_dense(&caps, &dense), VATTEN_ERROR_UNSUPPORTED);
    assert_said(&said,
                "no tile fits Desktop for dim 16, value_dim 16 (shared memory 49152 bytes, 1024 invocations, "
                "bindings of 8192 bytes): keys of the tile lie too far apart in k or v for one binding");
}

/* Grids are bound by planes: no smaller tile helps. */
static void planes_that_cannot_be_bound_are_refused(void **state) {
    (void)state;
    vt_caps caps = unit_caps_desktop();
    caps.storage_range = 8192;
    vatten_neighborhood_desc grid = unit_grid();
    grid.heads.k.token = 4096;
    grid.heads.k.head = 16;
    assert_int_equal(build_grid(&caps, &grid), VATTEN_ERROR_UNSUPPORTED);
    assert_non_null(strstr(said.text, "does not fit Desktop: a binding holds 8192 bytes, a dispatch"));
}

/* One binding less than a row short of the tile that would win. */
static void rows_far_apart_get_a_smaller_tile(void **state) {
    (void)state;
    vt_caps caps = unit_caps_desktop();
    vatten_attention_desc dense = unit_dense();
    dense.q_len = 500;
    dense.heads.q.token = 1 << 15;
    dense.heads.q.head = 64;
    assert_int_equal(build_dense(&caps, &dense), VATTEN_SUCCESS);
    uint32_t most = built.tile.rows;
    program_free(&built);
    caps.storage_range = ((uint64_t)most - 1) * (1 << 15) * built.problem.element_bytes;
    assert_int_equal(build_dense(&caps, &dense), VATTEN_SUCCESS);
    assert_true(built.tile.rows < most);
    assert_silent(&said);
}

static void lse_and_carried_state_need_six_buffers(void **state) {
    (void)state;
    vt_caps caps = unit_caps_desktop();
    vatten_attention_desc dense = unit_dense();
    caps.storage_buffers = 5;
    dense.heads.write_lse = true;
    assert_int_equal(build_dense(&caps, &dense), VATTEN_ERROR_UNSUPPORTED);
    assert_said(&said, "write_lse needs 6 storage buffers per stage, Desktop has 5");
    dense.heads.write_lse = false;
    assert_int_equal(build_dense(&caps, &dense), VATTEN_SUCCESS);
    program_free(&built);
    dense.heads.max_macs = 1;
    assert_int_equal(build_dense(&caps, &dense), VATTEN_ERROR_UNSUPPORTED);
    assert_said(&said, "a plan that splits its keys needs 6 storage buffers per stage, Desktop has 5");
}

static void a_bias_of_lists_needs_eight_buffers(void **state) {
    (void)state;
    vt_caps caps = unit_caps_desktop();
    vatten_lists_desc lists = {
        .heads = unit_dense().heads, .q_len = 64, .kv_len = 64, .q_block = 16, .kv_block = 16, .entries = 4};
    caps.storage_buffers = 7;
    built.caps = caps;
    assert_int_equal(vt_problem_from_lists(&caps, &said.logger, &lists, &built.problem), VATTEN_SUCCESS);
    assert_int_equal(program_build(&built, &said.logger), VATTEN_SUCCESS);
    program_free(&built);
    lists.bias = VATTEN_BIAS_TENSOR;
    assert_int_equal(vt_problem_from_lists(&caps, &said.logger, &lists, &built.problem), VATTEN_SUCCESS);
    assert_int_equal(program_build(&built, &said.logger), VATTEN_ERROR_UNSUPPORTED);
    assert_said(&said, "a plan by lists with a bias needs 8 storage buffers per stage, Desktop has 7");
    built.caps.storage_buffers = 8;
    assert_int_equal(program_build(&built, &said.logger), VATTEN_SUCCESS);
    program_free(&built);
    built.caps.storage_buffers = 6;
    lists.bias = VATTEN_BIAS_NONE;
    assert_int_equal(vt_problem_from_lists(&caps, &said.logger, &lists, &built.problem), VATTEN_SUCCESS);
    assert_int_equal(program_build(&built, &said.logger), VATTEN_ERROR_UNSUPPORTED);
    assert_said(&said, "a plan by lists needs 7 storage buffers per stage, Desktop has 6");
}

/* A block of queries that does not bind is cut inside, at the tile's rows; one that does is not. */
static void blocks_of_queries_are_cut_inside_if_they_must(void **state) {
    (void)state;
    vt_caps caps = unit_caps_desktop();
    vatten_lists_desc lists = {
        .heads = {.dtype = VATTEN_DTYPE_F32, .batch = 1, .heads = 1, .kv_heads = 1, .dim = 64},
        .q_len = 1200,
        .kv_len = 200,
        .q_block = 512,
        .kv_block = 50,
        .entries = 4};
    caps.storage_range = 65536; /* 256 rows and some */
    built.caps = caps;
    assert_int_equal(vt_problem_from_lists(&caps, &said.logger, &lists, &built.problem), VATTEN_SUCCESS);
    assert_int_equal(program_build(&built, &said.logger), VATTEN_SUCCESS);
    const vt_step *steps = built.program.steps;
    assert_true(built.program.step_count >= 6);
    assert_true(steps[0].push.q_last < 256 + 1 && steps[0].push.q_last % built.tile.rows == 0);
    assert_null(program_broken(&built, 1));
    program_free(&built);
    lists.q_block = 128;
    assert_int_equal(vt_problem_from_lists(&caps, &said.logger, &lists, &built.problem), VATTEN_SUCCESS);
    assert_int_equal(program_build(&built, &said.logger), VATTEN_SUCCESS);
    assert_int_equal(built.program.steps[0].push.q_last % 128, 0);
    program_free(&built);
    lists.boxes = (vatten_boxes){3, {10, 10, 2}, 0, {4, 2, 2}, {2, 2, 2}}; /* one plane is 5120 bytes */
    lists.q_len = 200;
    lists.q_block = lists.kv_block = 0;
    caps.storage_range = built.caps.storage_range = 16384;
    assert_int_equal(vt_problem_from_lists(&caps, &said.logger, &lists, &built.problem), VATTEN_SUCCESS);
    assert_int_equal(program_build(&built, &said.logger), VATTEN_SUCCESS);
    steps = built.program.steps;
    assert_int_equal(steps[0].push.q_last, 2); /* half a box: 3 planes would bind */
    assert_null(program_broken(&built, 1));
    program_free(&built);
    caps.storage_range = built.caps.storage_range = 5120;
    assert_int_equal(vt_problem_from_lists(&caps, &said.logger, &lists, &built.problem), VATTEN_SUCCESS);
    assert_int_equal(program_build(&built, &said.logger), VATTEN_ERROR_UNSUPPORTED);
    assert_said(&said, "the smallest part, 20 query and 20 key tokens of one head, does not fit Desktop: a "
                       "binding holds 5120 bytes, a dispatch 2147483647 workgroups");
}

static void too_many_dispatches_are_refused(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    vatten_attention_desc dense = unit_dense();
    dense.q_len = dense.kv_len = 100000;
    dense.heads.max_macs = 1;
    assert_int_equal(build_dense(&caps, &dense), VATTEN_ERROR_UNSUPPORTED);
    assert_said(&said, "max_macs 1 would need more than 65536 dispatches: raise it");
}

/* The longest sequence in the smallest pieces: millions of dispatches are not worth counting to the end. */
static void too_many_dispatches_are_refused_soon(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_lavapipe();
    vatten_attention_desc dense = unit_dense();
    dense.heads.batch = 1;
    dense.heads.heads = dense.heads.kv_heads = dense.heads.dim = 1;
    dense.q_len = 1;
    dense.kv_len = 536870911;
    dense.heads.max_macs = 1;
    clock_t begin = clock();
    assert_int_equal(build_dense(&caps, &dense), VATTEN_ERROR_UNSUPPORTED);
    assert_true((double)(clock() - begin) / CLOCKS_PER_SEC < 2.0);
    assert_said(&said, "max_macs 1 would need more than 65536 dispatches: raise it");
}

/* The limit on loops is not a wish as max_macs is: past it the driver leaves keys out without a word. */
static void loops_past_the_drivers_limit_are_refused(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_lavapipe();
    vatten_neighborhood_desc plane = unit_grid();
    plane.axis[0] = (vatten_axis){4, 4, 1, 1, false};
    plane.axis[1] = (vatten_axis){140000, 140000, 1, 1, false}; /* 70000 tiles of 2 keys in every plane */
    assert_int_equal(build_grid(&caps, &plane), VATTEN_ERROR_UNSUPPORTED);
    assert_said(
        &said,
        "the smallest part gives a query 70000 steps over keys, llvmpipe (LLVM 15.0.6, 256 bits) allows "
        "60000");
    plane.rank = 3;
    plane.axis[1] = plane.axis[2] = (vatten_axis){400, 400, 1, 1, false};
    assert_int_equal(build_grid(&caps, &plane), VATTEN_ERROR_UNSUPPORTED);
    assert_int_equal(said.count, 1);
    unit_log_start(&said);
    plane.heads.heads = plane.heads.kv_heads = 1;
    plane.axis[1].window = plane.axis[2].window = 200; /* 20000 tiles and a margin: no difficulty */
    assert_int_equal(build_grid(&caps, &plane), VATTEN_SUCCESS);
    assert_silent(&said);
}

/* A tensor that ends just below 2^64 bytes: whatever is rounded up beyond its end must not wrap around. */
static void sizes_next_to_64_bits_do_not_wrap(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    const int64_t far = (INT64_C(1) << 62) - 2;
    for (int i = 0; i < 4; ++i) {
        vatten_attention_desc dense = unit_dense();
        dense.heads.heads = dense.heads.kv_heads = dense.heads.dim = 1;
        dense.q_len = dense.kv_len = 1;
        vatten_strides *strides[4] = {&dense.heads.q, &dense.heads.k, &dense.heads.v, &dense.heads.out};
        *strides[i] = (vatten_strides){far, 1, 1};
        assert_int_equal(build_dense(&caps, &dense), VATTEN_SUCCESS);
        assert_steps(2); /* the two entries of the batch are too far apart for one binding */
        program_free(&built);
    }
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, start, finish)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_fits_is_one_dispatch),
        TEST(more_heads_than_workgroups_are_cut),
        TEST(more_batches_than_workgroups_are_cut),
        TEST(tensors_larger_than_a_binding_are_bound_in_parts),
        TEST(a_grid_larger_than_a_binding_is_cut_between_planes),
        TEST(one_sequence_larger_than_a_binding_carries_its_state),
        TEST(long_work_is_cut_and_short_work_is_not),
        TEST(windows_count_only_the_keys_they_visit),
        TEST(heads_with_equal_rules_share_dispatches_and_pipelines),
        TEST(rules_of_heads_are_bounded),
        TEST(a_row_of_tokens_that_cannot_be_bound_is_refused),
        TEST(planes_that_cannot_be_bound_are_refused),
        TEST(rows_far_apart_get_a_smaller_tile),
        TEST(lse_and_carried_state_need_six_buffers),
        TEST(a_bias_of_lists_needs_eight_buffers),
        TEST(blocks_of_queries_are_cut_inside_if_they_must),
        TEST(too_many_dispatches_are_refused),
        TEST(too_many_dispatches_are_refused_soon),
        TEST(loops_past_the_drivers_limit_are_refused),
        TEST(sizes_next_to_64_bits_do_not_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
