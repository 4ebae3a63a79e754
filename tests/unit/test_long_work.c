/* SPDX-License-Identifier: MIT
 *
 * Bounds on the work of one dispatch: what is not long is not cut, and what is long is, down to the least that can be. That
 * all random programs keep them is in test_tasks.c and its neighbours.
 */
#include "unit.h"

#include "append.h"
#include "combine.h"
#include "pool.h"
#include "select.h"
#include "sizes.h"
#include "topk.h"

static unit_log said;

static int start(void **state) {
    (void)state;
    unit_log_start(&said);
    return 0;
}

/* Counts are all that is asked for. */
static vt_program pooled(const vt_caps *caps, const vatten_pool_desc *d) {
    vt_pool pool;
    vt_program program = {0};
    assert_int_equal(vt_pool_from(caps, &said.logger, d, &pool), VATTEN_SUCCESS);
    assert_int_equal(vt_pool_steps(&pool, &program), VATTEN_SUCCESS);
    return program;
}

static vt_program selected(const vt_caps *caps, const vatten_select_desc *d) {
    vt_select select;
    vt_program program = {0};
    assert_int_equal(vt_select_from(caps, &said.logger, d, &select), VATTEN_SUCCESS);
    assert_int_equal(vt_select_steps(&select, &program), VATTEN_SUCCESS);
    return program;
}

static vatten_pool_desc pool_of(uint64_t tokens) {
    return (vatten_pool_desc){.dtype = VATTEN_DTYPE_F16,
                              .batch = 1,
                              .heads = 8,
                              .dim = 128,
                              .rank = 1,
                              .extent = {tokens},
                              .block = {64}};
}

static vatten_select_desc select_of(uint64_t rows, uint64_t blocks) {
    return (vatten_select_desc){.dtype = VATTEN_DTYPE_F32,
                                .batch = 1,
                                .heads = 8,
                                .kv_heads = 8,
                                .dim = 128,
                                .rows = rows,
                                .blocks = blocks,
                                .rule = {.entries = 8},
                                .max_workspace = 1 << 26};
}

static void ordinary_sizes_stay_whole(void **state) {
    (void)state;
    const vt_caps all[] = {unit_caps_desktop(), unit_caps_least(), unit_caps_lavapipe()};
    for (int i = 0; i < 3; ++i) {
        const vatten_pool_desc pool = pool_of(16384);
        const vatten_select_desc select = select_of(256, 256);
        assert_int_equal(pooled(&all[i], &pool).step_count, 1);
        assert_int_equal(selected(&all[i], &select).step_count, 2);
    }
}

/* 2^30 elements and what comes of them: more than three dispatches of a discrete device, 41 of a CPU. */
static void long_pooling_is_cut_by_device_class(void **state) {
    (void)state;
    vt_caps caps = unit_caps_desktop();
    const vatten_pool_desc pool = pool_of(1 << 20);
    const uint64_t steps[2] = {4, 64};
    for (int i = 0; i < 2; ++i) {
        caps.device_type = i ? VT_DEVICE_CPU : VT_DEVICE_DISCRETE;
        vt_caps_complete(&caps);
        const vt_program program = pooled(&caps, &pool);
        assert_int_equal(program.step_count, steps[i]);
        assert_true(program.largest_moves <= caps.max_moves && program.largest_moves > caps.max_moves / 2);
    }
}

/* A grid of one row of blocks is cut inside of it, down to single blocks of single heads. */
static void a_row_of_blocks_is_cut(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    vatten_pool_desc pool = pool_of(1);
    pool.rank = 3;
    pool.extent[1] = pool.extent[2] = 64;
    pool.block[0] = 1;
    pool.block[1] = pool.block[2] = 8;
    pool.max_moves = 1;
    assert_int_equal(pooled(&caps, &pool).step_count, 8 * 64);
    pool.max_moves = 16 * (64 + 1) * 128;
    const vt_program program = pooled(&caps, &pool);
    assert_int_equal(program.step_count, 8 * 4);
    assert_true(program.largest_moves == pool.max_moves);
}

/* Scores by max_macs, of heads and then blocks, in a part that stays whole; rows of their own by max_moves. */
static void scores_and_selection_have_a_bound_each(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    vatten_select_desc select = select_of(64, 1000);
    const uint64_t one = 64 * 128;
    select.max_macs = 8 * 1000 * one;
    assert_int_equal(selected(&caps, &select).step_count, 2);
    --select.max_macs;
    assert_int_equal(selected(&caps, &select).step_count, 3);
    select.max_macs = 500 * one;
    assert_int_equal(selected(&caps, &select).step_count, 8 * 2 + 1);
    select.max_macs = 4 * one;
    assert_int_equal(selected(&caps, &select).step_count, 8 * 250 + 1);
    select = select_of(64, 1000);
    select.max_moves = 600000; /* 64 rows of a head */
    assert_int_equal(selected(&caps, &select).step_count, 8 * 2);
    assert_in_range(selected(&caps, &select).largest_moves, 600001, 4 * 600000);
    select = select_of(640, 1000);
    /* they stay in one part: passes are cut to workgroups, and those to few lanes */
    select.rule.budget_rows = 640;
    select.max_moves = 2 * 64 * 1000;
    assert_int_equal(selected(&caps, &select).largest_moves, 2 * 64 * 1000);
    --select.max_moves;
    assert_int_equal(selected(&caps, &select).variants[1].spec[VT_SPEC_WORKGROUP], 32);
    assert_in_range(selected(&caps, &select).largest_moves, 2 * 32 * 1000, select.max_moves);
    select.max_moves = 1; /* partials of 640 workgroups would be more than two rows */
    assert_int_equal(selected(&caps, &select).largest_moves, 2 * 2 * 1000);
}

/* 16,384 rows and blocks: 11 times the bound of a CPU. */
static void shared_budgets_are_cut(void **state) {
    (void)state;
    vt_caps caps = unit_caps_desktop();
    vatten_select_desc select = select_of(16384, 16384);
    caps.loop_limit = UINT64_MAX;
    caps.storage_range = UINT64_C(1) << 32;
    select.heads = select.kv_heads = 1;
    select.max_workspace = UINT64_C(1) << 32;
    select.max_moves = 25000000;
    for (int by_block = 0; by_block < 2; ++by_block) {
        select.rule.by_block = by_block;
        select.rule.total = by_block ? 4096 : 0;
        select.rule.budget_rows = 16384;
        const vt_program cut = selected(&caps, &select);
        assert_in_range(cut.largest_moves, select.max_moves / 2, select.max_moves);
    }
}

/* 64 rows that share a budget of 400,000 blocks: twice to four times the bound of a CPU, were they walked at once. */
static void shared_budgets_of_long_rows_have_few_lanes(void **state) {
    (void)state;
    vt_caps caps = unit_caps_lavapipe();
    vatten_select_desc select = select_of(64, 400000);
    caps.loop_limit = UINT64_MAX;
    select.heads = select.kv_heads = 1;
    select.dim = 16;
    select.max_workspace = 0;
    select.rule.budget_rows = 64;
    for (int mass = 0; mass < 2; ++mass) {
        const vt_program program = selected(&caps, &select);
        assert_in_range(program.largest_moves, 25000000 / 2, 25000000);
        select.rule.budget = VATTEN_BUDGET_MASS;
        select.rule.softmax = true;
        select.rule.share = 0.5f;
    }
}

/* 16 M tokens in blocks of 16: an invocation that does all of a row would walk 35 M scores. */
static void long_rows_of_scores_go_by_passes(void **state) {
    (void)state;
    const vt_caps all[] = {unit_caps_desktop(), unit_caps_lavapipe()};
    for (int i = 0; i < 2; ++i) {
        vatten_select_desc select = select_of(64, 1 << 17);
        vt_caps caps = all[i];
        select.heads = select.kv_heads = 1;
        select.dim = 16;
        select.max_workspace = 0;
        caps.loop_limit = UINT64_MAX;
        const vt_program few = selected(&caps, &select);
        assert_true(few.largest_moves <= (i ? 25000000 : 500000000));
        assert_int_equal(few.variant_count, i ? 8 : 2); /* scores, and passes or one kernel */
        select.blocks = 1 << 20;
        const vt_program many = selected(&caps, &select);
        assert_true(many.largest_moves <= (i ? 25000000 : 500000000));
        assert_int_equal(many.variant_count, 8);
        select.rule.budget = VATTEN_BUDGET_MASS;
        select.rule.softmax = true;
        select.rule.share = 0.5f;
        assert_true(selected(&caps, &select).largest_moves <= (i ? 25000000 : 500000000));
    }
}

static void a_row_of_values_is_cut_to_workgroups(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    vatten_topk_desc d = {.batch = 3, .heads = 2, .rows = 5, .values = 10000, .entries = 10, .max_moves = 1};
    const uint64_t over_lines = 18,
                   over_groups = 18; /* passes: 16 digits, ends, lists; a start, 16 digits, a scan */
    vt_topk topk;
    vt_program program = {0}, whole = {0};
    assert_int_equal(vt_topk_from(&caps, &said.logger, &d, &topk), VATTEN_SUCCESS);
    assert_int_equal(vt_topk_steps(&topk, &program), VATTEN_SUCCESS);
    d.max_moves = 0;
    assert_int_equal(vt_topk_from(&caps, &said.logger, &d, &topk), VATTEN_SUCCESS);
    assert_int_equal(vt_topk_steps(&topk, &whole), VATTEN_SUCCESS);
    assert_int_equal(whole.step_count, over_lines + over_groups);
    assert_int_equal(program.step_count, 3 * 2 * 5 * (3 * over_lines + over_groups));
    assert_int_equal(program.largest_moves, 4096 + 2 * 10);
}

/* Half a billion: 11 times the bound of an integrated device. */
static void a_very_long_row_of_values_is_cut(void **state) {
    (void)state;
    vt_caps caps = unit_caps_desktop();
    vatten_topk_desc d = {.batch = 1, .heads = 1, .rows = 1, .values = (1 << 29) - 1, .max_moves = 50000000};
    caps.loop_limit = UINT64_MAX;
    caps.storage_range = UINT64_C(1) << 32;
    caps.groups[0] = UINT32_MAX;
    for (int all = 0; all < 2; ++all) {
        vt_topk topk;
        vt_program program = {0};
        d.entries = all ? (1 << 29) - 1 : 1;
        assert_int_equal(vt_topk_from(&caps, &said.logger, &d, &topk), VATTEN_SUCCESS);
        assert_int_equal(vt_topk_steps(&topk, &program), VATTEN_SUCCESS);
        assert_in_range(program.largest_moves, d.max_moves / 2, d.max_moves);
    }
}

static void sums_and_copies_are_cut_to_rows(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    const vatten_combine_desc d = {.kind = VATTEN_COMBINE_SUM,
                                   .dtype = VATTEN_DTYPE_F32,
                                   .batch = 2,
                                   .heads = 3,
                                   .tokens = 70,
                                   .dim = 16,
                                   .parts = 4,
                                   .max_moves = 1};
    vt_combine combine;
    vt_program program = {0};
    assert_int_equal(vt_combine_from(&caps, &said.logger, &d, &combine), VATTEN_SUCCESS);
    assert_int_equal(vt_combine_steps(&combine, &program), VATTEN_SUCCESS);
    assert_int_equal(program.step_count, 2 * 3 * 70);
    vatten_attention_desc cache = unit_dense();
    cache.heads.max_moves = 1;
    const vatten_append_desc rows = {.attention = &cache};
    vt_append append;
    vt_program copies = {0};
    assert_int_equal(vt_append_from(&caps, &said.logger, &rows, &append), VATTEN_SUCCESS);
    assert_int_equal(vt_append_steps(&append, &copies), VATTEN_SUCCESS);
    assert_int_equal(copies.step_count, 2 * 2 * 2 * 24); /* keys and values, batch entries, KV heads, rows */
    assert_int_equal(copies.largest_moves, 2 * 16);
}

#define TEST(NAME) cmocka_unit_test_setup(NAME, start)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(ordinary_sizes_stay_whole),        TEST(long_pooling_is_cut_by_device_class),
        TEST(a_row_of_blocks_is_cut),           TEST(scores_and_selection_have_a_bound_each),
        TEST(shared_budgets_are_cut),           TEST(shared_budgets_of_long_rows_have_few_lanes),
        TEST(long_rows_of_scores_go_by_passes), TEST(a_row_of_values_is_cut_to_workgroups),
        TEST(a_very_long_row_of_values_is_cut), TEST(sums_and_copies_are_cut_to_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
