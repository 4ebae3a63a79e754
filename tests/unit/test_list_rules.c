/* SPDX-License-Identifier: MIT
 *
 * Every documented rule of vatten_lists_desc: what is refused, with which result and words, and what becomes of defaults.
 */
#include "problem_kit.h"

static vatten_lists_desc unit_lists(void) {
    return (vatten_lists_desc){
        .heads = {.dtype = VATTEN_DTYPE_F32, .batch = 2, .heads = 4, .kv_heads = 2, .dim = 16},
        .q_len = 100,
        .kv_len = 70,
        .q_block = 32,
        .kv_block = 16,
        .entries = 5,
    };
}

static vatten_result lists(const vatten_lists_desc *desc) {
    const vt_caps caps = unit_caps_desktop();
    return vt_problem_from_lists(&caps, &said.logger, desc, &problem);
}

#define REFUSED_LISTS(FIELD, VALUE, RESULT, TEXT)                                                            \
    do {                                                                                                     \
        vatten_lists_desc desc = unit_lists();                                                               \
        desc.FIELD = VALUE;                                                                                  \
        assert_int_equal(lists(&desc), RESULT);                                                              \
        assert_said(&said, TEXT);                                                                            \
    } while (0)

static void what_dense_attention_refuses_is_refused(void **state) {
    (void)state;
    REFUSED_LISTS(heads.dim, 0, INVALID, "lists: dim 0 must be at least 1");
    REFUSED_LISTS(q_len, 0, INVALID, "lists: q_len 0 must be at least 1");
    REFUSED_LISTS(window, ((vatten_window){true, -2, 0}), INVALID,
                  "lists: window left -2, right 0 must be at least 0, or VATTEN_UNLIMITED (-1)");
    REFUSED_LISTS(align, (vatten_align)3, INVALID, "lists: align 3 is unknown");
}

static void sizes_are_given_and_bounded(void **state) {
    (void)state;
    REFUSED_LISTS(kind, (vatten_list_kind)3, INVALID, "lists: kind 3 is unknown");
    REFUSED_LISTS(q_block, 0, INVALID, "lists: q_block 0 must be at least 1");
    REFUSED_LISTS(q_block, 1048577, INVALID, "lists: q_block 1048577 is above 1048576");
    REFUSED_LISTS(kv_block, 0, INVALID, "lists: kv_block 0 must be at least 1");
    REFUSED_LISTS(kv_block, 1048577, INVALID, "lists: kv_block 1048577 is above 1048576");
    REFUSED_LISTS(entries, 0, INVALID, "lists: entries 0 must be at least 1");
    REFUSED_LISTS(entries, 6, INVALID,
                  "lists: entries 6 are above the 5 blocks of 16 keys that 70 keys make");
    REFUSED_LISTS(key_phase, 3, INVALID, "lists: key_phase 3 without a key_stride");
}

static void what_a_kind_has_not_is_refused(void **state) {
    (void)state;
    REFUSED_LISTS(rows, 4, INVALID, "lists: rows 4 are for lists of ranges only");
    REFUSED_LISTS(kind, VATTEN_LIST_KEYS, INVALID, "lists: kv_block 16 is for lists of blocks only");
    vatten_lists_desc desc = unit_lists();
    desc.kind = VATTEN_LIST_RANGES;
    desc.kv_block = 0;
    assert_int_equal(lists(&desc), INVALID);
    assert_said(&said, "lists: lists of ranges need rows, they are 0");
    desc.rows = 4;
    desc.row_masks = true;
    assert_int_equal(lists(&desc), INVALID);
    assert_said(&said, "lists: row_masks 1 are for lists of blocks only");
    desc.row_masks = false;
    desc.rows = UINT64_MAX;
    assert_int_equal(lists(&desc), INVALID);
    assert_said(&said, "lists: rows 18446744073709551615 are above 536870911");
    desc.rows = 4;
    desc.entries = 1u << 25;
    assert_int_equal(lists(&desc), INVALID);
    assert_said(&said, "lists: entries 33554432 are above 16777216");
}

static void heads_divide_by_list_heads(void **state) {
    (void)state;
    REFUSED_LISTS(list_heads, 3, INVALID, "lists: heads 4 is not a multiple of list_heads 3");
    vatten_lists_desc desc = unit_lists();
    assert_int_equal(lists(&desc), VATTEN_SUCCESS);
    assert_int_equal(problem.list.group, 1);
    desc.list_heads = 2;
    assert_int_equal(lists(&desc), VATTEN_SUCCESS);
    assert_int_equal(problem.list.group, 2);
}

static void lists_are_packed_row_by_row(void **state) {
    (void)state;
    vatten_lists_desc desc = unit_lists();
    assert_int_equal(lists(&desc), VATTEN_SUCCESS);
    const vt_list_rule *list = &problem.list;
    assert_true(list->rows == 4 && list->row_words == 5);
    assert_true(list->words.token == 5 && list->words.head == 20 && list->words.batch == 80);
    assert_int_equal(list->words.elements, 160);
    desc.row_masks = true; /* 32 rows: a word more for each entry */
    assert_int_equal(lists(&desc), VATTEN_SUCCESS);
    assert_int_equal(list->row_words, 10);
    desc.q_block = 33;
    assert_int_equal(vatten_lists_words(&desc), 15);
    desc.row_masks = false;
    desc.kind = VATTEN_LIST_RANGES;
    assert_int_equal(vatten_lists_words(&desc), 12);
    desc.kind = VATTEN_LIST_KEYS;
    assert_int_equal(vatten_lists_words(&desc), 5);
    desc.kind = (vatten_list_kind)7;
    assert_int_equal(vatten_lists_words(&desc), 0);
    assert_int_equal(vatten_lists_words(NULL), 0);
}

static void given_strides_may_share_lists(void **state) {
    (void)state;
    vatten_lists_desc desc = unit_lists();
    desc.lists = (vatten_strides){.batch = 0, .head = 0, .token = 9};
    assert_int_equal(lists(&desc), VATTEN_SUCCESS);
    assert_int_equal(problem.list.words.elements, 3 * 9 + 5);
    desc.lists.token = -1;
    assert_int_equal(lists(&desc), INVALID);
    assert_said(&said, "lists: lists strides: batch 0, head 0, token -1 must not be negative");
    desc.lists.token = INT64_C(1) << 33;
    assert_int_equal(lists(&desc), UNSUPPORTED);
    assert_said(&said, "lists: lists strides: token 8589934592 is above 32 bits");
}

/* The work of lists that are full. */
static void pairs_are_the_most_there_can_be(void **state) {
    (void)state;
    vatten_lists_desc desc = unit_lists();
    desc.entries = 3;
    assert_int_equal(lists(&desc), VATTEN_SUCCESS);
    assert_int_equal(problem.pairs, 4 * 100 * 48);
    desc.entries = 5; /* the last block is short */
    assert_int_equal(lists(&desc), VATTEN_SUCCESS);
    assert_int_equal(problem.pairs, 4 * 100 * 70);
    desc.kind = VATTEN_LIST_KEYS;
    desc.kv_block = 0;
    desc.entries = 90;
    assert_int_equal(lists(&desc), VATTEN_SUCCESS);
    assert_int_equal(problem.pairs, 4 * 100 * 90);
}

/* ---- Boxes ---- */

/* Keys 6 x 5 x 7 in 3 x 3 x 2 blocks, queries the last 4 planes in 2 x 2 x 3. */
static vatten_lists_desc unit_boxes(void) {
    vatten_lists_desc desc = unit_lists();
    desc.boxes = (vatten_boxes){3, {6, 5, 7}, 4, {2, 3, 3}, {2, 2, 4}};
    desc.q_len = 4 * 35;
    desc.kv_len = 6 * 35;
    desc.q_block = desc.kv_block = 0;
    desc.entries = 18;
    return desc;
}

#define REFUSED_BOXES(FIELD, VALUE, TEXT)                                                                    \
    do {                                                                                                     \
        vatten_lists_desc desc = unit_boxes();                                                               \
        desc.FIELD = VALUE;                                                                                  \
        assert_int_equal(lists(&desc), INVALID);                                                             \
        assert_said(&said, TEXT);                                                                            \
    } while (0)

static void boxes_fill_a_grid(void **state) {
    (void)state;
    REFUSED_BOXES(boxes.rank, 4, "lists: boxes: rank 4 is above 3");
    REFUSED_BOXES(boxes.extent[1], 0, "lists: boxes: extents of 3 axes must be at least 1");
    REFUSED_BOXES(boxes.extent[0], 7, "lists: boxes: extents make 245 tokens, kv_len is 210");
    REFUSED_BOXES(boxes.extent[2], UINT64_MAX,
                  "lists: boxes: extents make 18446744073709551615 tokens, kv_len is 210");
    REFUSED_BOXES(boxes.q_extent, 7, "lists: boxes: q_extent 7 is above extent[0] 6");
    REFUSED_BOXES(boxes.q_extent, 3, "lists: boxes: q_extent makes 105 tokens, q_len is 140");
    REFUSED_BOXES(boxes.q_extent, 0, "lists: boxes: q_extent makes 210 tokens, q_len is 140");
    REFUSED_BOXES(entries, 19, "lists: entries 19 are above the 18 blocks of 16 keys that 210 keys make");
}

static void sides_of_boxes_are_given_and_bounded(void **state) {
    (void)state;
    REFUSED_BOXES(boxes.kv_box[2], 0, "lists: boxes: sides of kv_box along 3 axes must be at least 1");
    REFUSED_BOXES(boxes.q_box[1], 0,
                  "lists: boxes: sides of q_box along 3 axes must be at least 1, or all 0");
    REFUSED_BOXES(boxes.kv_box[0], 262144, "lists: boxes: kv_box of 2097152 tokens is above 1048576");
    REFUSED_BOXES(boxes.q_box[0], 262144, "lists: boxes: q_box of 2359296 tokens is above 1048576");
    REFUSED_BOXES(kv_block, 15, "lists: boxes: kv_box has 16 tokens, kv_block is 15");
    REFUSED_BOXES(q_block, 17, "lists: boxes: q_box has 18 tokens, q_block is 17");
}

static void boxes_go_with_blocks_and_no_diagonal(void **state) {
    (void)state;
    REFUSED_BOXES(kind, VATTEN_LIST_KEYS, "lists: boxes of rank 3 are for lists of blocks only");
    REFUSED_BOXES(kind, VATTEN_LIST_RANGES, "lists: boxes of rank 3 are for lists of blocks only");
    REFUSED_BOXES(causal, true, "lists: boxes go with no causal, it is 1");
    REFUSED_BOXES(window.enabled, true, "lists: boxes go with no window, enabled is 1");
    REFUSED_BOXES(prefix, 3, "lists: boxes go with no prefix, it is 3");
    REFUSED_BOXES(key_stride, 5, "lists: boxes go with no key_stride, it is 5");
}

static void boxes_are_counted_along_their_axes(void **state) {
    (void)state;
    vatten_lists_desc desc = unit_boxes();
    const vt_list_rule *list = &problem.list;
    assert_int_equal(lists(&desc), VATTEN_SUCCESS);
    assert_true(list->q_boxed && list->kv_boxed && list->q_block == 18 && list->kv_block == 16);
    assert_true(list->blocks == 3 * 3 * 2 && list->rows == 2 * 2 * 3 && list->row_lists == 6);
    assert_true(list->q_plane == 35 && list->kv_plane == 35 && list->q_units == 4 && list->kv_units == 6);
    assert_int_equal(list->row_units, 2);
    desc.q_block = 18;
    desc.kv_block = 16;
    desc.row_masks = true;
    assert_int_equal(vatten_lists_words(&desc), 36);
    desc.q_block = 0;
    assert_int_equal(vatten_lists_words(&desc), 36);
    desc.boxes.q_box[2] = 6; /* 36 rows: another word */
    assert_int_equal(vatten_lists_words(&desc), 54);
    assert_int_equal(lists(&desc), VATTEN_SUCCESS);
    assert_int_equal(list->rows, 2 * 2 * 2);
}

/* What is no more than runs of tokens costs no more. */
static void boxes_that_are_runs_are_told_as_such(void **state) {
    (void)state;
    vatten_lists_desc desc = unit_boxes();
    const vt_list_rule *list = &problem.list;
    for (int a = 0; a < 3; ++a)
        desc.boxes.q_box[a] = 1;
    assert_int_equal(lists(&desc), VATTEN_SUCCESS);
    assert_true(!list->q_boxed && list->kv_boxed && list->q_block == 1 && list->rows == 140);
    assert_true(list->q_plane == 1 && list->q_units == 140);
    for (int a = 0; a < 3; ++a)
        desc.boxes.q_box[a] = 0;
    assert_int_equal(lists(&desc), INVALID);
    assert_said(&said, "lists: q_block 0 must be at least 1");
    desc.q_block = 64;
    assert_int_equal(lists(&desc), VATTEN_SUCCESS);
    assert_true(!list->q_boxed && list->kv_boxed && list->q_block == 64 && list->rows == 3);
    for (int a = 0; a < 3; ++a)
        desc.boxes.kv_box[a] = 1;
    assert_int_equal(lists(&desc), VATTEN_SUCCESS);
    assert_true(!list->kv_boxed && list->kv_block == 1 && list->blocks == 210);
    desc = unit_lists();
    desc.boxes = (vatten_boxes){1, {70}, 50, {32}, {16}};
    desc.q_len = 50;
    desc.q_block = desc.kv_block = 0;
    assert_int_equal(lists(&desc), VATTEN_SUCCESS);
    assert_true(!list->q_boxed && !list->kv_boxed && list->q_block == 32 && list->kv_block == 16);
    assert_true(list->rows == 2 && list->blocks == 5);
}

/* ---- The bias ---- */

static void a_bias_is_a_tensor(void **state) {
    (void)state;
    REFUSED_LISTS(bias, VATTEN_BIAS_RELATIVE, INVALID, "lists: bias 1 is neither NONE (0) nor TENSOR (2)");
    REFUSED_LISTS(bias_heads, 2, INVALID, "lists: bias_heads 2 without a bias");
    REFUSED_LISTS(bias_strides, ((vatten_strides){1, 2, 3}), INVALID,
                  "lists: bias_strides batch 1, head 2, token 3 without a bias");
    vatten_lists_desc desc = unit_lists();
    desc.bias = VATTEN_BIAS_TENSOR;
    desc.bias_heads = 3;
    assert_int_equal(lists(&desc), INVALID);
    assert_said(&said, "lists: heads 4 is not a multiple of bias_heads 3");
    desc.bias_heads = 2;
    desc.bias_strides.token = -70;
    assert_int_equal(lists(&desc), INVALID);
    assert_said(&said, "lists: bias strides: batch 0, head 0, token -70 must not be negative");
    desc.bias_strides = (vatten_strides){INT64_MAX, 1, 1};
    assert_int_equal(lists(&desc), INVALID);
    assert_said(&said, "lists: bias overflows 64 bits: batch 2, tokens 100, heads 2, dim 70");
}

static void a_bias_is_packed_by_head_before_query(void **state) {
    (void)state;
    vatten_lists_desc desc = unit_lists();
    const vt_tensor *bias = &problem.list.bias;
    assert_int_equal(lists(&desc), VATTEN_SUCCESS);
    assert_true(!problem.list.biased && problem.bias_bytes == 0);
    desc.bias = VATTEN_BIAS_TENSOR;
    assert_int_equal(lists(&desc), VATTEN_SUCCESS);
    assert_true(problem.list.biased && problem.list.bias_group == 1);
    assert_true(bias->token == 70 && bias->head == 7000 && bias->batch == 28000);
    assert_int_equal(problem.bias_bytes, 2 * 28000 * 4);
    desc.bias_heads = 2;
    desc.bias_strides.head = 70; /* of keys alone */
    assert_int_equal(lists(&desc), VATTEN_SUCCESS);
    assert_int_equal(problem.list.bias_group, 2);
    assert_int_equal(problem.bias_bytes, 2 * 70 * 4);
    desc.bias_heads = 1; /* one row for all */
    assert_int_equal(lists(&desc), VATTEN_SUCCESS);
    assert_int_equal(problem.bias_bytes, 70 * 4);
}

/* ---- Lists themselves ---- */

#define WRONG(TEXT)                                                                                          \
    do {                                                                                                     \
        assert_int_equal(vatten_lists_check(&said.logger, &desc, words), INVALID);                           \
        assert_said(&said, TEXT);                                                                            \
    } while (0)

static void lists_of_blocks_are_checked(void **state) {
    (void)state;
    vatten_lists_desc desc = unit_lists();
    uint32_t words[160];
    for (uint32_t i = 0; i < 160; ++i)
        words[i] = i % 5 == 4 ? VATTEN_LIST_END : i % 5;
    assert_int_equal(vatten_lists_check(&said.logger, &desc, words), VATTEN_SUCCESS);
    assert_int_equal(vatten_lists_check(NULL, &desc, words), VATTEN_SUCCESS);
    words[80 + 20 + 10 + 1] = 5;
    WRONG("lists: batch 1, head 1, row 2: entry 1: block 5 is not below 5");
    words[111] = 0;
    WRONG("lists: batch 1, head 1, row 2: entry 1: block 0 is also entry 0");
    words[111] = VATTEN_LIST_END;
    WRONG("lists: batch 1, head 1, row 2: entry 2: block 2 stands behind the end");
    assert_int_equal(vatten_lists_check(&said.logger, &desc, NULL), INVALID);
    assert_int_equal(vatten_lists_check(&said.logger, NULL, words), INVALID);
    desc.entries = 0;
    WRONG("lists: entries 0 must be at least 1");
}

static void lists_of_boxes_are_checked(void **state) {
    (void)state;
    vatten_lists_desc desc = unit_boxes();
    desc.list_heads = 1;
    desc.entries = 2;
    uint32_t words[2 * 12 * 2];
    for (uint32_t i = 0; i < 48; ++i)
        words[i] = 16 + i % 2;
    assert_int_equal(vatten_lists_check(&said.logger, &desc, words), VATTEN_SUCCESS);
    words[24 + 2 * 7] = 18;
    WRONG("lists: batch 1, head 0, row 7: entry 0: block 18 is not below 18");
}

static void lists_of_ranges_are_checked(void **state) {
    (void)state;
    vatten_lists_desc desc = unit_lists();
    uint32_t words[14] = {0, 32, 3, 10, 20, 70, 40, 60, 0, 5, VATTEN_LIST_END, 0};
    desc.kind = VATTEN_LIST_RANGES;
    desc.kv_block = 0;
    desc.rows = 2;
    desc.entries = 2;
    desc.list_heads = 1;
    desc.lists = (vatten_strides){.batch = 0, .head = 0, .token = 6};
    assert_int_equal(vatten_lists_check(&said.logger, &desc, words), VATTEN_SUCCESS);
    words[5] = 71;
    WRONG("lists: batch 0, head 0, row 0: entry 1: keys [20, 71) of 70");
    words[5] = 70;
    words[4] = 9;
    WRONG("lists: batch 0, head 0, row 0: entry 1: keys [9, 70) share some with entry 0");
    words[4] = 10;
    words[7] = 101;
    WRONG("lists: batch 0, head 0, row 1: queries [40, 101) of 100");
    words[7] = 73;
    WRONG("lists: batch 0, head 0, row 1: queries [40, 73) are more than q_block 32");
    words[7] = 60;
    words[6] = 31;
    WRONG("lists: batch 0, head 0, row 1: queries [31, 60) share some with row 0");
    words[6] = words[7] = 31; /* what is empty shares nothing */
    words[4] = words[5] = 5;
    assert_int_equal(vatten_lists_check(&said.logger, &desc, words), VATTEN_SUCCESS);
    desc.lists = (vatten_strides){.batch = 0, .head = 6, .token = 0}; /* one for all rows */
    WRONG("lists: batch 0, head 0, row 1: queries [0, 32) share some with row 0");
}

static void lists_of_keys_are_checked(void **state) {
    (void)state;
    vatten_lists_desc desc = unit_lists();
    uint32_t words[20] = {69, 69, VATTEN_LIST_END, 0, 1};
    desc.kind = VATTEN_LIST_KEYS;
    desc.kv_block = 0;
    desc.list_heads = 1;
    desc.lists = (vatten_strides){.batch = 0, .head = 0, .token = 5};
    assert_int_equal(vatten_lists_check(&said.logger, &desc, words), VATTEN_SUCCESS);
    words[13] = 70;
    WRONG("lists: batch 0, head 0, row 2: entry 3: key 70 is not below 70");
}

/* ---- Long lists ---- */

#define LONG      300000u
#define FAR_APART 100u
#define LONG_STEP 77773u /* a prime: n * LONG_STEP % LONG meets all numbers, in no order */

static uint32_t long_words[2 + 2 * LONG];

/* The n-th entry of a list in no order: block number, or [number, number + 1) times `scale`. */
static void make_long(bool ranges, uint32_t scale) {
    long_words[0] = 0;
    long_words[1] = 1;
    for (uint32_t n = 0; n < LONG; ++n) {
        uint32_t number = (uint32_t)((uint64_t)n * LONG_STEP % LONG) * scale;
        if (!ranges) {
            long_words[n] = number;
            continue;
        }
        long_words[2 + 2 * n] = number;
        long_words[3 + 2 * n] = number + scale;
    }
}

static vatten_lists_desc long_lists(vatten_list_kind kind, uint32_t scale) {
    vatten_lists_desc desc = {
        .heads = {.dtype = VATTEN_DTYPE_F32, .batch = 1000000, .heads = 4, .kv_heads = 4, .dim = 16}};
    desc.kind = kind;
    desc.q_len = desc.q_block = 1;
    desc.rows = kind == VATTEN_LIST_RANGES;
    desc.kv_block = kind == VATTEN_LIST_BLOCKS;
    desc.kv_len = (uint64_t)LONG * scale;
    desc.entries = LONG;
    desc.list_heads = 1;
    desc.lists.token = 1; /* and the same lists for all of the batch: looked at once */
    return desc;
}

/* Pair by pair this takes minutes. */
static void long_lists_in_no_order_are_checked(void **state) {
    (void)state;
    vatten_lists_desc desc = long_lists(VATTEN_LIST_BLOCKS, 30);
    make_long(false, 30);
    uint32_t *words = long_words;
    assert_int_equal(vatten_lists_check(&said.logger, &desc, words), VATTEN_SUCCESS);
    char text[128];
    for (uint32_t n = 0; n < 40; ++n) { /* of two that are there twice the first is told */
        uint32_t before = n * 3001, e = LONG / 2 + n * 3433, was = words[e], last = words[LONG - 1];
        words[e] = words[before];
        words[LONG - 1] = words[LONG - 2];
        snprintf(text, sizeof text, "lists: batch 0, head 0, row 0: entry %u: block %u is also entry %u", e,
                 words[e], before);
        WRONG(text);
        words[e] = was;
        words[LONG - 1] = last;
    }
    words[LONG / 2 - 1] = (uint32_t)desc.kv_len; /* the first that is wrong is told */
    snprintf(text, sizeof text, "lists: batch 0, head 0, row 0: entry %u: block 9000000 is not below 9000000",
             LONG / 2 - 1);
    WRONG(text);
}

static void long_ranges_in_no_order_are_checked(void **state) {
    (void)state;
    vatten_lists_desc desc = long_lists(VATTEN_LIST_RANGES, FAR_APART);
    make_long(true, FAR_APART);
    uint32_t *words = long_words, *last = words + 2 * LONG;
    assert_int_equal(vatten_lists_check(&said.logger, &desc, words), VATTEN_SUCCESS);
    last[1] = last[0] + 1; /* from here to the next: beyond one window */
    last[0] -= FAR_APART - 1;
    char text[128];
    uint32_t with = 0;
    while (words[3 + 2 * with] != last[1] - 1)
        ++with;
    snprintf(text, sizeof text,
             "lists: batch 0, head 0, row 0: entry %u: keys [%u, %u) share some with entry %u", LONG - 1,
             last[0], last[1], with);
    WRONG(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_dense_attention_refuses_is_refused),
        TEST(sizes_are_given_and_bounded),
        TEST(what_a_kind_has_not_is_refused),
        TEST(heads_divide_by_list_heads),
        TEST(lists_are_packed_row_by_row),
        TEST(given_strides_may_share_lists),
        TEST(pairs_are_the_most_there_can_be),
        TEST(boxes_fill_a_grid),
        TEST(sides_of_boxes_are_given_and_bounded),
        TEST(boxes_go_with_blocks_and_no_diagonal),
        TEST(boxes_are_counted_along_their_axes),
        TEST(boxes_that_are_runs_are_told_as_such),
        TEST(a_bias_is_a_tensor),
        TEST(a_bias_is_packed_by_head_before_query),
        TEST(lists_of_blocks_are_checked),
        TEST(lists_of_boxes_are_checked),
        TEST(lists_of_ranges_are_checked),
        TEST(lists_of_keys_are_checked),
        TEST(long_lists_in_no_order_are_checked),
        TEST(long_ranges_in_no_order_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
