/* SPDX-License-Identifier: MIT
 *
 * Rules of what selections may have beside scores and a budget of each row (complete blocks, biases, boxes, budgets that
 * rows share), and of vatten_topk_desc: what is refused, with which result and words, and what becomes of defaults.
 */
#include "select_kit.h"

#include "sizes.h"
#include "topk.h"

static void complete_blocks_need_places(void **state) {
    (void)state;
    vatten_select_desc desc = unit_select();
    desc.rule.complete = true;
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
    desc.row_tokens = desc.block_tokens = 0;
    assert_int_equal(selected(&desc), INVALID);
    assert_said(&said, "select: complete 1 needs row_tokens and block_tokens");
}

static void biases_have_strides(void **state) {
    (void)state;
    vatten_select_desc desc = unit_select();
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
    assert_int_equal(selection.bias.elements, 0);
    desc.bias = true;
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
    assert_true(selection.bias.token == 10 && selection.bias.head == 1000 && selection.bias.batch == 4000);
    assert_int_equal(selection.bias.elements, 8000);
    desc.rule.list_heads = 1;
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
    assert_true(selection.bias.batch == 1000 && selection.bias.elements == 2000);
    desc.bias_strides = (vatten_strides){.batch = 12, .head = 0, .token = 0};
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
    assert_true(selection.bias.token == 0 && selection.bias.elements == 22);
    desc.bias_strides.token = -1;
    assert_int_equal(selected(&desc), INVALID);
    assert_said(&said, "select: bias strides: batch 12, head 0, token -1 must not be negative");
    desc.bias_strides = (vatten_strides){.batch = INT64_MAX, .head = 0, .token = 0};
    assert_int_equal(selected(&desc), INVALID);
    assert_said(&said, "select: bias overflows 64 bits: batch 2, tokens 100, heads 1, dim 10");
}

/* ---- Boxes ---- */

static vatten_select_desc unit_boxes(void) {
    vatten_select_desc desc = unit_select();
    desc.row_tokens = desc.block_tokens = 0;
    desc.rows = 2 * 3;
    desc.blocks = 3 * 2;
    desc.boxes =
        (vatten_boxes){.rank = 2, .extent = {10, 7}, .q_extent = 6, .q_box = {3, 3}, .kv_box = {4, 4}};
    return desc;
}

#define REFUSED_BOXES(FIELD, VALUE, RESULT, TEXT)                                                            \
    do {                                                                                                     \
        vatten_select_desc refused = unit_boxes();                                                           \
        refused.FIELD = VALUE;                                                                               \
        assert_int_equal(selected(&refused), RESULT);                                                        \
        assert_said(&said, TEXT);                                                                            \
    } while (0)

static void boxes_cover_their_grid(void **state) {
    (void)state;
    vatten_select_desc desc = unit_boxes();
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
    assert_true(selection.axis[0].q_extent == 6 && selection.axis[1].q_extent == 7 &&
                selection.axis[2].extent == 1);
    REFUSED_BOXES(boxes.rank, 4, INVALID, "select: boxes: rank 4 is above 3");
    REFUSED_BOXES(boxes.rank, 3, INVALID, "select: boxes: axis 2: extent 0 must be at least 1");
    REFUSED_BOXES(boxes.extent[1], 1u << 30, UNSUPPORTED,
                  "select: boxes: axis 1: extent 1073741824 is above 536870911");
    REFUSED_BOXES(boxes.extent[1], 1u << 28, UNSUPPORTED,
                  "select: boxes: extents of 2 axes are above 536870911 tokens");
    REFUSED_BOXES(boxes.q_extent, 11, INVALID, "select: boxes: q_extent 11 is above the extent 10 of axis 0");
    REFUSED_BOXES(boxes.q_box[1], 0, INVALID,
                  "select: boxes: axis 1: q_box 0 and kv_box 4 must be at least 1");
    REFUSED_BOXES(boxes.kv_box[0], 0, INVALID,
                  "select: boxes: axis 0: q_box 3 and kv_box 0 must be at least 1");
    REFUSED_BOXES(boxes.q_box[0], 7, INVALID, "select: boxes: axis 0: q_box 7 is above 6 queries");
    REFUSED_BOXES(boxes.kv_box[1], 8, INVALID, "select: boxes: axis 1: kv_box 8 is above 7 keys");
    REFUSED_BOXES(rows, 7, INVALID,
                  "select: boxes: there are 6 of queries and 6 of keys, not 7 rows and 6 blocks");
    REFUSED_BOXES(blocks, 5, INVALID,
                  "select: boxes: there are 6 of queries and 6 of keys, not 6 rows and 5 blocks");
    REFUSED_BOXES(
        causal, true, INVALID,
        "select: boxes with causal 1, complete 0, local 0 or row_tokens 0: those are for runs of tokens");
    REFUSED_BOXES(
        rule.local, 1, INVALID,
        "select: boxes with causal 0, complete 0, local 1 or row_tokens 0: those are for runs of tokens");
    REFUSED_BOXES(rule.complete, true, INVALID, "select: complete 1 needs row_tokens and block_tokens");
}

static void reach_is_along_axes_of_boxes(void **state) {
    (void)state;
    vatten_select_desc desc = unit_boxes();
    desc.rule.reach[1] = 1;
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
    REFUSED_BOXES(rule.reach[2], 1, INVALID, "select: reach 1 of axis 2: boxes have rank 2");
    REFUSED_SELECT(rule.reach[0], 3, INVALID, "select: reach 3, 0, 0 is for boxes only");
}

/* 3 queries of an axis meet two boxes of 4 keys at most, so that the own ones are four. */
static void own_boxes_fit_the_list(void **state) {
    (void)state;
    vatten_select_desc desc = unit_boxes();
    desc.rule = (vatten_selection){.entries = 4, .own = true};
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
    desc.rule.first = 1;
    assert_int_equal(selected(&desc), INVALID);
    assert_said(&said, "select: first 1, local 0 and 4 own blocks do not fit 4 entries");
    desc.boxes.kv_box[1] = 7; /* one box along that axis */
    desc.blocks = 3;
    desc.rule.entries = 3;
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
}

/* ---- Rows that share a budget ---- */

static void groups_are_whole(void **state) {
    (void)state;
    vatten_select_desc desc = unit_select();
    desc.rule.budget_rows = 1000; /* all */
    desc.rule.budget_heads = 2;
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
    assert_true(selection.shared && selection.budget_rows == 100 && selection.budget_heads == 2);
    desc.rule.total = 1000;
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
    desc.rule.total = 1001;
    assert_int_equal(selected(&desc), INVALID);
    assert_said(&said, "select: total 1001 is above 1000, the entries of 100 rows of 2 heads");
    desc.rule.budget_rows = 1;
    desc.rule.budget_heads = 1;
    desc.rule.total = 0;
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
    assert_true(!selection.shared);
    desc.rule.total = 3;
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
    assert_true(selection.shared);
    REFUSED_RULE(((vatten_selection){.entries = 5, .budget_heads = 3}),
                 "select: list_heads 4 is not a multiple of budget_heads 3");
    REFUSED_RULE(((vatten_selection){.entries = 5, .list_heads = 2, .budget_heads = 4}),
                 "select: list_heads 2 is not a multiple of budget_heads 4");
    REFUSED_RULE(((vatten_selection){.entries = 5, .budget = VATTEN_BUDGET_THRESHOLD, .total = 4}),
                 "select: total 4 is for budget TOP only");
}

static void blocks_have_budgets_of_pairs(void **state) {
    (void)state;
    vatten_select_desc desc = unit_select();
    desc.rule = (vatten_selection){.entries = 5, .by_block = true, .total = 1};
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
    assert_true(selection.shared && selection.budget_rows == 1 && selection.budget_heads == 1);
    desc.rule = (vatten_selection){
        .entries = 5, .by_block = true, .budget_rows = 1000, .budget_heads = 2, .total = 200};
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
    desc.rule = (vatten_selection){.entries = 5, .by_block = true, .budget = VATTEN_BUDGET_THRESHOLD};
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
    assert_true(selection.shared);
    assert_silent(&said);
    REFUSED_RULE(((vatten_selection){.entries = 5, .by_block = true, .budget_rows = 30}),
                 "select: by_block with budget TOP: total 0 is outside 1..30, the pairs of a block with 30 "
                 "rows of 1 heads");
    REFUSED_RULE(((vatten_selection){
                     .entries = 5, .by_block = true, .budget_rows = 1000, .budget_heads = 2, .total = 201}),
                 "select: by_block with budget TOP: total 201 is outside 1..200, the pairs of a block with "
                 "100 rows of 2 heads");
    REFUSED_RULE(
        ((vatten_selection){.entries = 5, .by_block = true, .budget = VATTEN_BUDGET_THRESHOLD, .total = 4}),
        "select: total 4 is for budget TOP only");
}

static void groups_need_room(void **state) {
    (void)state;
    static vt_program program;
    const vt_caps caps = unit_caps_desktop();
    vatten_select_desc desc = unit_select();
    desc.rule.budget_rows = 50;
    desc.rule.budget_heads = 2;
    /* 100 lines of 10 scores, then 8 words and as many for each of two workgroups */
    desc.max_workspace = 4000 + 95;
    assert_int_equal(select_on(&caps, &desc), VATTEN_SUCCESS);
    memset(&program, 0, sizeof program);
    assert_int_equal(vt_select_steps(&selection, &program), UNSUPPORTED);
    assert_said(
        &said,
        "select: 50 rows of 10 blocks of 2 list heads take 4096 bytes of workspace and 3 workgroups "
        "together: they do not fit Desktop, whose bindings hold 4294967295 bytes, or max_workspace 4095");
    desc.max_workspace = 4096;
    assert_int_equal(select_on(&caps, &desc), VATTEN_SUCCESS);
    memset(&program, 0, sizeof program);
    assert_int_equal(vt_select_steps(&selection, &program), VATTEN_SUCCESS);
}

/* A group of each of ten blocks: 4000 bytes of scores, ten states of 96 bytes. */
static void groups_of_blocks_need_room(void **state) {
    (void)state;
    static vt_program program;
    vt_caps caps = unit_caps_desktop();
    vatten_select_desc desc = unit_select();
    desc.rule.budget_rows = 50;
    desc.rule.budget_heads = 2;
    desc.rule.by_block = true;
    desc.rule.total = 7;
    const uint64_t need = vt_round_up(4000, caps.storage_alignment) + 960;
    for (uint64_t spare = 0; spare < 2; ++spare) {
        desc.max_workspace = need - 1 + spare;
        assert_int_equal(select_on(&caps, &desc), VATTEN_SUCCESS);
        memset(&program, 0, sizeof program);
        assert_int_equal(vt_select_steps(&selection, &program), spare ? VATTEN_SUCCESS : UNSUPPORTED);
    }
    assert_true(said.count == 1 && program.workspace_bytes == need);
    unit_log_start(&said);
    desc.max_workspace = 0;
    caps.groups[1] = 9; /* blocks go along y */
    assert_int_equal(select_on(&caps, &desc), VATTEN_SUCCESS);
    memset(&program, 0, sizeof program);
    assert_int_equal(vt_select_steps(&selection, &program), UNSUPPORTED);
    caps.groups[1] = 10;
    assert_int_equal(select_on(&caps, &desc), VATTEN_SUCCESS);
    memset(&program, 0, sizeof program);
    assert_int_equal(vt_select_steps(&selection, &program), VATTEN_SUCCESS);
    unit_log_start(&said);
}

/* Scores of all rows would grow with rows x blocks. */
static void the_default_workspace_grows_with_rows(void **state) {
    (void)state;
    vatten_select_desc desc = unit_select();
    desc.blocks = 2000;
    desc.rows = 1000;
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
    assert_int_equal(selection.desc.max_workspace, 8u * 1000 * 1024);
    desc.rows = 2000;
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
    assert_int_equal(selection.desc.max_workspace, 8u * 2000 * 1024);
    desc.rows = 1u << 20;
    desc.row_tokens = 1;
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
    assert_int_equal(selection.desc.max_workspace, 64u << 20);
    desc.rows = 70; /* 64 rows of a head must fit */
    desc.blocks = 100000;
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
    assert_true(selection.desc.max_workspace >= 64u * 400000);
    desc.rows = 5; /* states of blocks are more than scores of five rows */
    desc.blocks = 60000;
    desc.rule.by_block = true;
    desc.rule.budget_rows = 5;
    desc.rule.total = 1;
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
    assert_true(selection.desc.max_workspace >= 60000u * (5 * 4 + 64));
}

/* ---- The largest values ---- */

static vt_topk topk;

static vatten_topk_desc unit_topk(void) {
    return (vatten_topk_desc){
        .batch = 2, .heads = 3, .rows = 4, .values = 100, .entries = 7, .write_counts = true};
}

static vatten_result topped(const vatten_topk_desc *desc) {
    const vt_caps caps = unit_caps_desktop();
    return vt_topk_from(&caps, &said.logger, desc, &topk);
}

#define REFUSED_TOPK(FIELD, VALUE, RESULT, TEXT)                                                             \
    do {                                                                                                     \
        vatten_topk_desc refused = unit_topk();                                                              \
        refused.FIELD = VALUE;                                                                               \
        assert_int_equal(topped(&refused), RESULT);                                                          \
        assert_said(&said, TEXT);                                                                            \
    } while (0)

static void topk_needs_what_is_required(void **state) {
    (void)state;
    REFUSED_TOPK(batch, 0, INVALID, "topk: batch 0 must be at least 1");
    REFUSED_TOPK(heads, 0, INVALID, "topk: heads 0 must be at least 1");
    REFUSED_TOPK(rows, 0, INVALID, "topk: rows 0 must be at least 1");
    REFUSED_TOPK(values, 0, INVALID, "topk: values 0 must be at least 1");
    REFUSED_TOPK(entries, 0, INVALID, "topk: entries 0 must be at least 1");
    REFUSED_TOPK(entries, 101, INVALID, "topk: entries 101 are above 100 values");
    REFUSED_TOPK(align, (vatten_align)2, INVALID, "topk: align 2 is unknown");
    REFUSED_TOPK(values, 1u << 30, UNSUPPORTED,
                 "topk: batch 2, heads 3, rows 4 or values 1073741824 are above 536870911");
    REFUSED_TOPK(x.head, -2, INVALID, "topk: x strides: batch 0, head -2, token 0 must not be negative");
    REFUSED_TOPK(x.batch, INT64_MAX, INVALID,
                 "topk: x overflows 64 bits: batch 2, tokens 4, heads 3, dim 100");
    vatten_topk_desc desc = unit_topk();
    assert_int_equal(topped(&desc), VATTEN_SUCCESS);
    assert_true(topk.x.token == 100 && topk.x.head == 400 && topk.x.batch == 1200 && topk.x.elements == 2400);
    assert_true(topk.lists.token == 7 && topk.lists.head == 28 && topk.lists.elements == 168);
    assert_true(topk.counts.token == 1 && topk.counts.head == 4 && topk.counts.elements == 24);
    assert_silent(&said);
}

static void rows_of_topk_fit_a_binding(void **state) {
    (void)state;
    static vt_program program;
    vt_caps caps = unit_caps_desktop();
    vatten_topk_desc desc = unit_topk();
    desc.values = 100000;
    caps.storage_range = 65536;
    assert_int_equal(vt_topk_from(&caps, &said.logger, &desc, &topk), VATTEN_SUCCESS);
    memset(&program, 0, sizeof program);
    assert_int_equal(vt_topk_steps(&topk, &program), UNSUPPORTED);
    assert_said(
        &said,
        "topk: a row of 100000 values, or its list of 7 entries, does not fit Desktop: a binding holds 65536 "
        "bytes, a dispatch 2147483647 workgroups");
}

/* A long row is many workgroups' work, and adding up is in steps of an invocation. */
static void long_rows_stay_in_the_loop_limit(void **state) {
    (void)state;
    static vt_program program;
    const vt_caps caps = unit_caps_lavapipe();
    vatten_topk_desc desc = unit_topk();
    desc.batch = desc.heads = 1;
    desc.rows = 1;
    desc.values = 1u << 20;
    desc.entries = 1u << 20;
    assert_int_equal(vt_topk_from(&caps, &said.logger, &desc, &topk), VATTEN_SUCCESS);
    memset(&program, 0, sizeof program);
    assert_int_equal(vt_topk_steps(&topk, &program), VATTEN_SUCCESS);
    vt_caps slow = caps;
    slow.loop_limit = 400;
    assert_int_equal(vt_topk_from(&slow, &said.logger, &desc, &topk), UNSUPPORTED);
    assert_said(
        &said,
        "topk: 1048576 values take 448 steps of an invocation, llvmpipe (LLVM 15.0.6, 256 bits) allows 400");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(complete_blocks_need_places),      TEST(biases_have_strides),
        TEST(boxes_cover_their_grid),           TEST(reach_is_along_axes_of_boxes),
        TEST(own_boxes_fit_the_list),           TEST(groups_are_whole),
        TEST(blocks_have_budgets_of_pairs),     TEST(groups_need_room),
        TEST(groups_of_blocks_need_room),       TEST(the_default_workspace_grows_with_rows),
        TEST(topk_needs_what_is_required),      TEST(rows_of_topk_fit_a_binding),
        TEST(long_rows_stay_in_the_loop_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
