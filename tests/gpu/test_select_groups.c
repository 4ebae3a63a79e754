/* SPDX-License-Identifier: MIT
 *
 * What selections may have beside scores and a budget of each row: complete blocks, biases, boxes, budgets that rows share;
 * against the plain definition, list by list and count by count. Whole numbers make ties, and are compared exactly.
 */
#include "choice.h"

#include <math.h>
#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static gpu device;

static vatten_select_desc tokens(uint32_t entries) {
    return (vatten_select_desc){.batch = 2,
                                .heads = 4,
                                .kv_heads = 2,
                                .dim = 6,
                                .rows = 75,
                                .blocks = 23,
                                .row_tokens = 1,
                                .row_shift = 7,
                                .block_tokens = 4,
                                .write_counts = true,
                                .rule = {.entries = entries}};
}

/* As it is and in several parts, in turn of the dtypes; numbers whole, odd and of unit variance. `part`: a workspace. */
static void check(const char *name, const vatten_select_desc *desc, uint64_t part) {
    static unsigned turn;
    for (unsigned n = 0; n < 4; ++n) {
        char text[96];
        choice_problem p = {.desc = *desc, .seed = 100 + turn, .whole = n != 1, .odd = n == 2};
        p.desc.dtype = (vatten_dtype)(VATTEN_DTYPE_F32 + turn++ % 3);
        p.desc.max_workspace = n == 3 ? part : 0;
        snprintf(text, sizeof text, "%s, %s", name,
                 n == 0   ? "whole numbers"
                 : n == 1 ? "any numbers"
                 : n == 2 ? "odd numbers"
                          : "in parts");
        choice_check(&device, text, &p);
    }
}

/* ---- Each row for itself ---- */

static void test_complete(void **state) {
    (void)state;
    vatten_select_desc d = tokens(6);
    d.causal = true;
    d.rule.complete = d.rule.softmax = true;
    d.rule.own = true;
    d.rule.first = 1;
    d.rule.local = 2;
    d.rule.list_heads = 2;
    check("NSA", &d, 24000);
    d.row_shift = 0; /* the first rows have no complete block at all */
    d.rule.first = d.rule.local = 0;
    d.rule.softmax = false;
    check("complete, own", &d, 24000);
    d.rule.own = false;
    check("complete, nothing forced", &d, 24000);
    d.causal = false; /* forced blocks may lie ahead */
    d.rule.first = 5;
    check("complete, not causal", &d, 24000);
    d.rule.budget = VATTEN_BUDGET_MASS;
    d.rule.softmax = true;
    d.rule.share = 0.61f;
    d.rule.first = 1;
    check("complete, mass", &d, 24000);
    gpu_assert_clean(&device);
}

static void test_bias(void **state) {
    (void)state;
    vatten_select_desc d = tokens(6);
    d.bias = true;
    check("bias", &d, 24000);
    d.causal = d.rule.own = true;
    check("bias, causal, own", &d, 24000);
    d.rule.list_heads = 1;
    d.rule.softmax = true;
    check("bias, softmax of all heads", &d, 24000);
    d.rule.budget = VATTEN_BUDGET_MASS;
    d.rule.share = 0.7f;
    d.rule.entries = 23;
    check("bias, mass", &d, 24000);
    d.rule.softmax = false;
    d.rule.min_max = true;
    d.rule.share = 0.37f;
    d.rule.list_heads = 4;
    check("bias, mass from least to largest", &d, 24000);
    d.rule = (vatten_selection){.entries = 4, .budget = VATTEN_BUDGET_THRESHOLD, .share = 2.5f, .least = 1};
    check("bias, threshold", &d, 24000);
    d.rule.entries = 1; /* more are forced than fit */
    check("bias, one entry", &d, 24000);
    gpu_assert_clean(&device);
}

static void test_bias_strides(void **state) {
    (void)state;
    vatten_select_desc d = tokens(5);
    d.batch = 1;
    d.bias = true;
    d.bias_strides = (vatten_strides){.batch = 23, .head = 0, .token = 0};
    choice_problem p = {.desc = d, .seed = 7, .whole = true, .row_bias = true};
    p.desc.dtype = VATTEN_DTYPE_F32;
    choice_check(&device, "one row of biases", &p);
    p.odd = true;
    p.desc.rule.budget_rows = 9;
    choice_check(&device, "one row of biases, rows that share a budget", &p);
    gpu_assert_clean(&device);
}

static vatten_select_desc grid(void) {
    return (vatten_select_desc){
        .batch = 1,
        .heads = 2,
        .kv_heads = 1,
        .dim = 5,
        .rows = 2 * 3 * 4,
        .blocks = 2 * 2 * 6,
        .write_counts = true,
        .boxes = {.rank = 3, .extent = {7, 6, 11}, .q_extent = 4, .q_box = {2, 2, 3}, .kv_box = {4, 4, 2}},
        .rule = {.entries = 12, .own = true}};
}

static void test_boxes(void **state) {
    (void)state;
    vatten_select_desc d = grid();
    check("boxes", &d, 3000);
    d.rule.reach[1] = 1;
    d.rule.reach[2] = 2;
    check("boxes, reach", &d, 3000);
    d.rule.own = false;
    d.rule.first = 3; /* forced, in reach or not */
    d.rule.softmax = true;
    check("boxes, reach, first", &d, 3000);
    d.bias = true;
    d.rule.budget_rows = 12; /* of one slice */
    check("boxes, reach, bias, a budget of slices", &d, 3000);
    d = grid();
    d.boxes = (vatten_boxes){.rank = 2, .extent = {9, 10}, .q_box = {1, 1}, .kv_box = {3, 4}};
    d.rows = 90;
    d.blocks = 9;
    d.rule = (vatten_selection){.entries = 4, .own = true};
    check("boxes of single queries", &d, 3000);
    d.boxes = (vatten_boxes){.rank = 1, .extent = {100}, .q_extent = 30, .q_box = {7}, .kv_box = {9}};
    d.rows = 5;
    d.blocks = 12;
    check("boxes of one axis", &d, 3000);
    gpu_assert_clean(&device);
}

/* ---- Rows that share a budget ---- */

typedef struct shape {
    uint32_t rows, heads;
} shape;

static const shape shapes[] = {{1, 2}, {4, 1}, {70, 1}, {1000, 1}, {1000, 4}, {13, 2}};

static void check_shapes(const char *name, const vatten_select_desc *desc) {
    for (size_t n = 0; n < COUNT(shapes); ++n) {
        vatten_select_desc d = *desc;
        char text[64];
        uint64_t lines = (shapes[n].rows < d.rows ? shapes[n].rows : d.rows) * shapes[n].heads;
        d.rule.budget_rows = shapes[n].rows;
        d.rule.budget_heads = shapes[n].heads;
        snprintf(text, sizeof text, "%s of %u rows, %u heads", name, shapes[n].rows, shapes[n].heads);
        /* a group and a half: parts hold one */
        check(text, &d, lines * d.blocks * 6 + 1000 + lines);
    }
    gpu_assert_clean(&device);
}

static void test_top_of_groups(void **state) {
    (void)state;
    vatten_select_desc d = tokens(4);
    check_shapes("top", &d);
    d.causal = d.rule.own = true;
    d.rule.first = 1;
    check_shapes("top, causal, own", &d);
    d = tokens(23); /* room for all: lists of very different lengths, some empty */
    d.rule.total = 2;
    d.rule.budget_heads = 2;
    check_shapes("two", &d);
    d.causal = d.rule.own = true;
    d.rule.total = 23;
    check_shapes("23, causal, own", &d);
    d.rule.entries = 3; /* rows keep their best */
    d.rule.total = 3;
    check_shapes("three", &d);
}

static void test_total(void **state) {
    (void)state;
    vatten_select_desc d = tokens(9);
    d.rule.total = 5; /* of a row */
    check("total of a row", &d, 24000);
    d.rule.budget_rows = 30; /* the last group has 15 rows: half of it, rounded down */
    d.rule.total = 31;
    check("total of 30 rows", &d, 24000);
    d.rule.own = true; /* more forced ones than it has */
    d.rule.total = 7;
    check("total below what is forced", &d, 24000);
    gpu_assert_clean(&device);
}

static void test_mass_of_groups(void **state) {
    (void)state;
    vatten_select_desc d = tokens(23);
    d.rule.budget = VATTEN_BUDGET_MASS;
    d.rule.min_max = d.rule.own = true;
    d.rule.share = 0.2713f;
    d.rule.least = 1;
    check_shapes("share from least to largest", &d);
    d.rule.share = 0.0f;
    check_shapes("one at least", &d);
    d.rule = (vatten_selection){.entries = 6,
                                .budget = VATTEN_BUDGET_MASS,
                                .softmax = true,
                                .share = 0.6137f,
                                .crossing_out = true,
                                .first = 2};
    check_shapes("share of softmax, crossing out", &d);
    d.rule.share = 0.9717f;
    d.rule.entries = 23;
    d.rule.crossing_out = false;
    d.bias = true;
    check_shapes("nearly all of softmax, bias", &d);
}

static void test_threshold_of_groups(void **state) {
    (void)state;
    vatten_select_desc d = tokens(23);
    d.rule.budget = VATTEN_BUDGET_THRESHOLD;
    d.rule.share = 4.0f;
    d.rule.least = 9;
    check_shapes("threshold", &d);
    d.rule.share = 1e9f;
    check_shapes("threshold of none", &d);
    d.rule.entries = 2;
    d.rule.share = -INFINITY;
    check_shapes("threshold of all", &d);
}

/* Lines for several workgroups of a group, and several groups. */
static void test_many_rows(void **state) {
    (void)state;
    vatten_select_desc d = {
        .batch = 1,
        .heads = 4,
        .kv_heads = 4,
        .dim = 4,
        .rows = 2500,
        .blocks = 9,
        .row_tokens = 1,
        .block_tokens = 300,
        .write_counts = true,
        .rule = {.entries = 9, .own = true, .budget_rows = 1100, .budget_heads = 2, .total = 5000}};
    check("many rows", &d, 200000);
    d.rule.budget_rows = UINT32_MAX;
    d.rule.budget_heads = 4;
    d.rule.total = 20000;
    check("all rows", &d, 400000);
    d.rule.total = 0;
    d.rule.budget = VATTEN_BUDGET_MASS;
    d.rule.min_max = true;
    d.rule.least = 1;
    d.rule.share = 0.30303f;
    check("share of all rows", &d, 400000);
    d.rule.by_block = true;
    check("share of blocks over all rows", &d, 600000);
    d.rule.budget_rows = 1100;
    d.rule.budget_heads = 2;
    d.rule.entries = 4;
    check("share of blocks over many rows, four entries", &d, 200000);
    d.rule = (vatten_selection){.entries = 9, .by_block = true, .budget_rows = 1100, .total = 700};
    check("top of blocks over many rows", &d, 100000);
    gpu_assert_clean(&device);
}

/* ---- Blocks that have a budget each ---- */

/* As check_shapes, each with a budget of blocks; `total`: of this part of a group's pairs. Fewer shapes: a software device
 * takes long with many small groups. */
static void check_blocks(const char *name, const vatten_select_desc *desc, double total) {
    static const shape few[] = {{32, 2}, {1000, 1}, {1000, 4}};
    for (size_t n = 0; n < COUNT(few); ++n) {
        vatten_select_desc d = *desc;
        char text[64];
        uint64_t rows = few[n].rows < d.rows ? few[n].rows : d.rows, lines = rows * few[n].heads;
        d.rule.by_block = true;
        d.rule.budget_rows = few[n].rows;
        d.rule.budget_heads = few[n].heads;
        d.rule.total = total > 0.0 ? (uint64_t)ceil((double)lines * total) : 0;
        snprintf(text, sizeof text, "%s of %u rows, %u heads", name, few[n].rows, few[n].heads);
        /* a group of each block and a half: parts hold one */
        check(text, &d, lines * d.blocks * 6 + d.blocks * (lines + 96) + 1000);
    }
    gpu_assert_clean(&device);
}

static void test_top_of_blocks(void **state) {
    (void)state;
    vatten_select_desc d = tokens(23);
    check_blocks("top of blocks", &d, 0.2);
    check_blocks("all of blocks", &d, 1.0);
    d.causal = d.rule.own = true;
    d.rule.first = 1;
    d.rule.entries = 5; /* rows keep their best */
    check_blocks("top of blocks, causal, own, five entries", &d, 0.4);
    d = tokens(23);
    d.rule.complete = true; /* forced ones that have no value */
    d.rule.local = 2;
    d.rule.softmax = true;
    d.rule.scale = 0.25f; /* else most shares are next to 0, and near each other */
    check_blocks("top of blocks, complete, local", &d, 0.1);
}

static void test_mass_of_blocks(void **state) {
    (void)state;
    vatten_select_desc d = tokens(23);
    d.rule.budget = VATTEN_BUDGET_MASS;
    d.rule.min_max = d.rule.own = true;
    d.rule.share = 0.2713f;
    d.rule.least = 1;
    check_blocks("share of blocks", &d, 0.0);
    d.rule.share = 0.0f;
    d.rule.entries = 7;
    check_blocks("share of blocks, one at least, seven entries", &d, 0.0);
    d.rule.share = 0.5717f;
    d.causal = d.bias = true;
    d.rule.entries = 23;
    check_blocks("share of blocks, causal, bias", &d, 0.0);
    d.rule.min_max = false;
    d.rule.softmax = d.rule.crossing_out = true;
    d.rule.first = 2;
    d.rule.share = 0.6137f;
    d.rule.scale = 0.25f;
    check_blocks("share of blocks, softmax, crossing out", &d, 0.0);
}

static void test_threshold_of_blocks(void **state) {
    (void)state;
    vatten_select_desc d = tokens(23);
    d.rule.budget = VATTEN_BUDGET_THRESHOLD;
    d.rule.share = 4.0f;
    d.rule.least = 9;
    check_blocks("threshold of blocks", &d, 0.0);
    d.rule.share = 1e9f;
    d.rule.own = d.bias = true;
    d.rule.entries = 4;
    check_blocks("threshold of blocks, none, bias", &d, 0.0);
    d.rule.share = -INFINITY;
    check_blocks("threshold of blocks, all, bias", &d, 0.0);
}

/* Pairs of one head, and of two: spreads of 0. */
static void test_small_groups_of_blocks(void **state) {
    (void)state;
    vatten_select_desc d = tokens(6);
    d.batch = 1;
    d.rows = 11;
    d.blocks = 6;
    d.rule.by_block = d.rule.min_max = true;
    d.rule.budget = VATTEN_BUDGET_MASS;
    d.rule.share = 0.4321f;
    check("share of blocks of single rows", &d, 2000);
    d.rule.budget_heads = 2;
    d.rule.own = true;
    d.rule.least = 1;
    check("share of blocks of single rows, two heads", &d, 2000);
    gpu_assert_clean(&device);
}

/* Lists of two query heads each. */
static void test_blocks_of_shared_lists(void **state) {
    (void)state;
    static const shape pairs[] = {{75, 1}, {40, 1}, {1000, 2}};
    vatten_select_desc d = tokens(11);
    d.rule.list_heads = 2;
    d.rule.by_block = d.rule.own = true;
    d.rule.softmax = true;
    d.rule.scale = 0.25f;
    d.rule.budget = VATTEN_BUDGET_MASS;
    d.rule.share = 0.4171f;
    for (size_t n = 0; n < COUNT(pairs); ++n) {
        d.rule.budget_rows = pairs[n].rows;
        d.rule.budget_heads = pairs[n].heads;
        d.bias = n == 1;
        check("share of blocks, shared lists", &d, 40000);
        d.causal = true;
    }
    gpu_assert_clean(&device);
}

static void test_blocks_that_are_boxes(void **state) {
    (void)state;
    vatten_select_desc d = grid();
    d.rule.by_block = true;
    d.rule.budget_rows = UINT32_MAX;
    d.rule.budget_heads = 2;
    d.rule.budget = VATTEN_BUDGET_MASS;
    d.rule.min_max = true;
    d.rule.least = 1;
    d.rule.share = 0.3191f;
    check("boxes with budgets", &d, 0);
    d.rule.reach[1] = d.rule.reach[2] = 1;
    d.bias = true;
    check("boxes with budgets, reach, bias", &d, 0);
    d.rule.entries = 24; /* room for all */
    d.rule.own = false;
    d.rule.budget_rows = 10; /* the last group has four */
    d.rule.budget_heads = 1;
    check("boxes with budgets of ten rows, reach, bias", &d, 6000);
    d.rule = (vatten_selection){
        .entries = 24, .by_block = true, .budget_rows = 7, .budget_heads = 2, .total = 5, .reach = {1, 1, 1}};
    check("boxes with budgets, five of seven rows", &d, 8000);
    gpu_assert_clean(&device);
}

/* Scores by five blocks of a workgroup's rows and one head, and all passes after them by as little as they can. */
static void test_small_bounds(void **state) {
    (void)state;
    for (unsigned n = 0; n < 3; ++n) {
        choice_problem p = {.desc = tokens(6), .seed = 900 + n, .whole = n != 1};
        p.desc.dtype = (vatten_dtype)(VATTEN_DTYPE_F32 + n);
        p.desc.max_macs = 64 * 6 * 5;
        p.desc.max_moves = 1000;
        p.desc.rule.budget_rows = n ? 20 : 0;
        p.desc.rule.total = n == 0 ? 0 : n == 1 ? 90 : 12;
        p.desc.rule.by_block = n == 2;
        choice_check(&device,
                     n == 0   ? "small bounds"
                     : n == 1 ? "small bounds, rows"
                              : "small bounds, blocks",
                     &p);
    }
    gpu_assert_clean(&device);
}

/* Where a walk over 64 rows is above the bound, by workgroups of fewer: 16 to 1 of the 20 or 75 lines of a group. */
static void test_few_lanes(void **state) {
    (void)state;
    static const uint64_t moves[] = {800, 400, 100, 1};
    for (unsigned n = 0; n < COUNT(moves); ++n) {
        choice_problem p = {.desc = tokens(6), .seed = 950 + n, .whole = n % 2 == 0};
        char name[64];
        p.desc.batch = 1;
        p.desc.dtype = VATTEN_DTYPE_F32;
        p.desc.max_moves = moves[n];
        p.desc.rule.budget_rows = n % 2 ? 75 : 20;
        if (n >= 2) {
            p.desc.rule.budget = VATTEN_BUDGET_MASS;
            p.desc.rule.softmax = true;
            p.desc.rule.share = 0.7f;
        }
        snprintf(name, sizeof name, "few lanes, at most %u moves", (unsigned)moves[n]);
        choice_check(&device, name, &p);
    }
    gpu_assert_clean(&device);
}

static void few_rows_are_in_doubt(void **state) {
    (void)state;
    choice_assert_few_doubts(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_complete),
        cmocka_unit_test(test_bias),
        cmocka_unit_test(test_bias_strides),
        cmocka_unit_test(test_boxes),
        cmocka_unit_test(test_top_of_groups),
        cmocka_unit_test(test_total),
        cmocka_unit_test(test_mass_of_groups),
        cmocka_unit_test(test_threshold_of_groups),
        cmocka_unit_test(test_many_rows),
        cmocka_unit_test(test_top_of_blocks),
        cmocka_unit_test(test_mass_of_blocks),
        cmocka_unit_test(test_threshold_of_blocks),
        cmocka_unit_test(test_small_groups_of_blocks),
        cmocka_unit_test(test_blocks_of_shared_lists),
        cmocka_unit_test(test_blocks_that_are_boxes),
        cmocka_unit_test(test_small_bounds),
        cmocka_unit_test(test_few_lanes),
        cmocka_unit_test(few_rows_are_in_doubt),
    };
    int opened = gpu_open(&device, "test_select_groups", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
