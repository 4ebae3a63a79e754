/* SPDX-License-Identifier: MIT
 *
 * Sizes that leave 64 bits: each product and sum of a tensor's extent alone, one step before and one step
 * past the edge, and what happens to problems that stop just below it.
 */
#include "unit.h"

#include "append.h"
#include "combine.h"
#include "mass_rules.h"
#include "pool.h"
#include "select.h"
#include "sparse.h"
#include "topk.h"

#define FAR INT64_MAX

static unit_log said;
static vt_problem problem;

static int start(void **state) {
    (void)state;
    unit_log_start(&said);
    return 0;
}

static vatten_result dense(const vatten_attention_desc *desc) {
    const vt_caps caps = unit_caps_desktop();
    return vt_problem_from_attention(&caps, &said.logger, desc, &problem);
}

/* One batch, head and token: nothing is multiplied until a test says so. */
static vatten_attention_desc one(vatten_dtype dtype) {
    return (vatten_attention_desc){
        .heads = {.dtype = dtype, .batch = 1, .heads = 1, .kv_heads = 1, .dim = 1},
        .q_len = 1,
        .kv_len = 1,
    };
}

static void assert_overflows(const vatten_attention_desc *desc, const char *text) {
    assert_int_equal(dense(desc), VATTEN_ERROR_INVALID_ARGUMENT);
    assert_said(&said, text);
}

static void bytes_of_f32_overflow_where_elements_do_not(void **state) {
    (void)state;
    vatten_attention_desc desc = one(VATTEN_DTYPE_F32);
    desc.kv_len = 2;
    desc.heads.k.token = (INT64_C(1) << 62) - 1; /* 2^62 elements of 4 bytes */
    assert_overflows(&desc, "attention: k overflows 64 bits: batch 1, tokens 2, heads 1, dim 1");
    --desc.heads.k.token;
    assert_int_equal(dense(&desc), VATTEN_SUCCESS);
    assert_true(vt_tensor_bytes(&problem, &problem.k) == UINT64_MAX - 3);
}

static void token_strides_overflow(void **state) {
    (void)state;
    vatten_attention_desc desc = one(VATTEN_DTYPE_F16);
    desc.q_len = 3;
    desc.heads.q.token = FAR;
    assert_overflows(&desc, "attention: q overflows 64 bits: batch 1, tokens 3, heads 1, dim 1");
    desc.q_len = 536870911;
    desc.heads.q.token = INT64_C(1) << 40;
    assert_overflows(&desc, "attention: q overflows 64 bits: batch 1, tokens 536870911, heads 1, dim 1");
}

static void head_strides_overflow(void **state) {
    (void)state;
    vatten_attention_desc desc = one(VATTEN_DTYPE_F16);
    desc.heads.heads = desc.heads.kv_heads = UINT32_MAX;
    desc.heads.v = (vatten_strides){0, INT64_C(1) << 33, 0};
    assert_overflows(&desc, "attention: v overflows 64 bits: batch 1, tokens 1, heads 4294967295, dim 1");
}

static void batch_strides_overflow(void **state) {
    (void)state;
    vatten_attention_desc desc = one(VATTEN_DTYPE_F16);
    desc.heads.batch = 536870911;
    desc.heads.out = (vatten_strides){INT64_C(1) << 36, 1, 1};
    assert_overflows(&desc, "attention: out overflows 64 bits: batch 536870911, tokens 1, heads 1, dim 1");
}

static void packed_batches_overflow(void **state) {
    (void)state;
    vatten_attention_desc desc = one(VATTEN_DTYPE_F32);
    desc.heads.heads = desc.heads.kv_heads = UINT32_MAX;
    desc.q_len = 536870911;
    desc.heads.dim = 576; /* heads x dim x tokens alone leave 64 bits */
    assert_overflows(&desc,
                     "attention: q overflows 64 bits: batch 1, tokens 536870911, heads 4294967295, dim 576");
    desc.heads.dim = 1; /* and now only with the batch */
    desc.heads.batch = 65536;
    assert_overflows(
        &desc, "attention: q overflows 64 bits: batch 65536, tokens 536870911, heads 4294967295, dim 1");
}

/* Each term fits, their sum does not. */
static void sums_of_strides_overflow(void **state) {
    (void)state;
    vatten_attention_desc desc = one(VATTEN_DTYPE_F16);
    desc.heads.batch = 2;
    desc.heads.heads = desc.heads.kv_heads = 2;
    desc.q_len = 2;
    desc.heads.q = (vatten_strides){FAR, FAR, 0};
    assert_overflows(&desc, "attention: q overflows 64 bits: batch 2, tokens 2, heads 2, dim 1");
    desc.heads.q = (vatten_strides){FAR, 0, FAR};
    assert_overflows(&desc, "attention: q overflows 64 bits: batch 2, tokens 2, heads 2, dim 1");
    desc.heads.q = (vatten_strides){INT64_C(3) << 60, INT64_C(3) << 60, INT64_C(3) << 60};
    assert_overflows(&desc, "attention: q overflows 64 bits: batch 2, tokens 2, heads 2, dim 1");
}

/* q repeats one row so that only the log-sum-exp is large: out must then be sparse, and is refused first
 * unless it too repeats; so lse is reached through a batch of one-element rows in f16, half the size of the
 * lse. */
static void the_log_sum_exp_overflows(void **state) {
    (void)state;
    vatten_attention_desc desc = one(VATTEN_DTYPE_F16);
    desc.heads.batch = 1u << 20;
    desc.heads.heads = 1u << 22;
    desc.q_len = 1u << 20; /* 2^62 rows: 2^63 bytes of out, 2^64 of lse */
    assert_overflows(&desc, "attention: lse overflows 64 bits: batch 1048576, heads 4194304, tokens 1048576");
    desc.q_len = (1u << 20) - 1;
    assert_int_equal(dense(&desc), VATTEN_SUCCESS);
}

static void extra_keys_overflow(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    vatten_neighborhood_desc desc = unit_grid();
    desc.extra_len = 3;
    desc.extra_k.token = FAR;
    assert_int_equal(vt_problem_from_neighborhood(&caps, &said.logger, &desc, &problem),
                     VATTEN_ERROR_INVALID_ARGUMENT);
    assert_said(&said, "neighborhood: extra_k overflows 64 bits: batch 2, tokens 3, heads 2, dim 16");
    desc.extra_k.token = 0;
    desc.extra_v.batch = FAR;
    assert_int_equal(vt_problem_from_neighborhood(&caps, &said.logger, &desc, &problem),
                     VATTEN_ERROR_INVALID_ARGUMENT);
    assert_said(&said, "neighborhood: extra_v overflows 64 bits: batch 2, tokens 3, heads 2, dim 16");
}

static void extents_overflow(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    vatten_neighborhood_desc desc = unit_grid();
    desc.axis[0].extent = desc.axis[1].extent = UINT64_C(1) << 32; /* the product is 2^64, which wraps to 0 */
    assert_int_equal(vt_problem_from_neighborhood(&caps, &said.logger, &desc, &problem),
                     VATTEN_ERROR_UNSUPPORTED);
    assert_said(&said, "neighborhood: extents 4294967296 x 4294967296 x 1 are above 536870911 tokens");
}

/* ---- The other families ---- */

#define REFUSED(CALL, RESULT, TEXT)                                                                          \
    do {                                                                                                     \
        assert_int_equal(CALL, RESULT);                                                                      \
        assert_said(&said, TEXT);                                                                            \
    } while (0)
#define INVALID     VATTEN_ERROR_INVALID_ARGUMENT
#define UNSUPPORTED VATTEN_ERROR_UNSUPPORTED
#define LONGEST     UINT64_C(536870911)

static vatten_lists_desc one_list(void) {
    return (vatten_lists_desc){
        .heads = {.dtype = VATTEN_DTYPE_F16, .batch = 1, .heads = 1, .kv_heads = 1, .dim = 1},
        .q_len = 1,
        .kv_len = 1,
        .q_block = 1,
        .kv_block = 1,
        .entries = 1,
    };
}

static vatten_result listed(const vatten_lists_desc *desc) {
    const vt_caps caps = unit_caps_desktop();
    return vt_problem_from_lists(&caps, &said.logger, desc, &problem);
}

static void words_of_a_list_overflow(void **state) {
    (void)state;
    vatten_lists_desc desc = one_list();
    desc.kind = VATTEN_LIST_RANGES;
    desc.kv_block = 0;
    desc.rows = 1;
    desc.entries = UINT32_MAX;
    assert_true(vatten_lists_words(&desc) == 2 + 2 * (uint64_t)UINT32_MAX);
    REFUSED(listed(&desc), INVALID, "lists: entries 4294967295 are above 16777216");
    desc.kind = VATTEN_LIST_BLOCKS;
    desc.rows = 0;
    desc.kv_block = 1;
    desc.q_len = 1u << 20;
    desc.q_block = 1u << 20; /* 2^15 words of bits for each of 2^18 entries: 2^33 and more */
    desc.kv_len = desc.entries = 1u << 18;
    desc.row_masks = true;
    REFUSED(listed(&desc), INVALID, "lists: a list of 262144 entries has 8590196736 words, above 32 bits");
    desc = one_list();
    desc.q_block = UINT32_MAX; /* rounded up to words of bits in 64 bits */
    desc.row_masks = true;
    desc.entries = UINT32_MAX;
    assert_true(vatten_lists_words(&desc) == (uint64_t)UINT32_MAX * (1 + (UINT64_C(1) << 27)));
}

static void lists_overflow(void **state) {
    (void)state;
    vatten_lists_desc desc = one_list();
    desc.heads.heads = desc.heads.kv_heads = 2;
    desc.q_len = 2;
    desc.lists = (vatten_strides){0, FAR, 1};
    REFUSED(listed(&desc), INVALID, "lists: lists overflows 64 bits: batch 1, tokens 2, heads 2, dim 1");
    desc.lists = (vatten_strides){1, 1, FAR};
    REFUSED(listed(&desc), INVALID, "lists: lists overflows 64 bits: batch 1, tokens 2, heads 2, dim 1");
    desc.heads.batch = 2;
    desc.lists = (vatten_strides){FAR, 1, 1};
    REFUSED(listed(&desc), INVALID, "lists: lists overflows 64 bits: batch 2, tokens 2, heads 2, dim 1");
}

static void biases_of_lists_overflow(void **state) {
    (void)state;
    vatten_lists_desc desc = one_list();
    desc.bias = VATTEN_BIAS_TENSOR;
    desc.q_len = desc.kv_len = LONGEST; /* 2^58 pairs, and 2^6 heads */
    desc.heads.heads = desc.heads.kv_heads = 64;
    REFUSED(listed(&desc), INVALID,
            "lists: bias overflows 64 bits: batch 1, tokens 536870911, heads 64, dim 536870911");
}

static void sides_of_boxes_overflow(void **state) {
    (void)state;
    vatten_lists_desc desc = one_list();
    desc.boxes = (vatten_boxes){
        .rank = 3, .extent = {1, 1, 1}, .q_box = {UINT32_MAX, UINT32_MAX, UINT32_MAX}, .kv_box = {1, 1, 1}};
    assert_int_equal(listed(&desc), INVALID);
    desc.boxes.q_box[0] = desc.boxes.q_box[1] = desc.boxes.q_box[2] = 1;
    desc.boxes.kv_box[0] = desc.boxes.kv_box[1] = 1u << 31; /* products that wrap to 0 */
    desc.boxes.kv_box[2] = 4;
    assert_int_equal(listed(&desc), INVALID);
    desc = one_list();
    desc.boxes = (vatten_boxes){
        .rank = 2, .extent = {UINT64_C(1) << 32, UINT64_C(1) << 32}, .q_box = {1, 1}, .kv_box = {1, 1}};
    assert_int_not_equal(listed(&desc), VATTEN_SUCCESS);
}

static vatten_select_desc one_selection(void) {
    return (vatten_select_desc){.dtype = VATTEN_DTYPE_F16,
                                .batch = 1,
                                .heads = 1,
                                .kv_heads = 1,
                                .dim = 1,
                                .rows = 1,
                                .blocks = 1,
                                .rule = {.entries = 1}};
}

static vatten_result selected(const vatten_select_desc *desc) {
    static vt_select out;
    const vt_caps caps = unit_caps_desktop();
    return vt_select_from(&caps, &said.logger, desc, &out);
}

static void selections_overflow(void **state) {
    (void)state;
    vatten_select_desc desc = one_selection();
    desc.rows = 2;
    desc.row_tokens = desc.block_tokens = UINT64_C(1) << 63; /* 2^64 tokens, which wrap to 0 */
    REFUSED(
        selected(&desc), UNSUPPORTED,
        "select: 2 rows of 9223372036854775808 tokens from 0 on, or block_tokens 9223372036854775808, are "
        "above 536870911 tokens");
    desc = one_selection();
    desc.row_tokens = desc.block_tokens = 1;
    desc.row_shift = UINT64_MAX;
    REFUSED(selected(&desc), UNSUPPORTED,
            "select: 1 rows of 1 tokens from 18446744073709551615 on, or block_tokens 1, are above 536870911 "
            "tokens");
    desc = one_selection();
    desc.rows = desc.blocks = LONGEST; /* 2^58 scores of a head, and 2^6 heads */
    desc.heads = desc.kv_heads = 64;
    desc.bias = true;
    REFUSED(selected(&desc), INVALID,
            "select: bias overflows 64 bits: batch 1, tokens 536870911, heads 64, dim 536870911");
    desc.bias = false;
    desc.rule.entries = (uint32_t)LONGEST;
    REFUSED(selected(&desc), INVALID,
            "select: lists overflows 64 bits: batch 1, tokens 536870911, heads 64, dim 536870911");
}

static void forced_blocks_do_not_wrap(void **state) {
    (void)state;
    vatten_select_desc desc = one_selection();
    desc.blocks = 8;
    desc.row_tokens = desc.block_tokens = 1;
    desc.rule.first = desc.rule.local = 1u << 31; /* their sum is 0 in 32 bits */
    assert_int_equal(selected(&desc), INVALID);
}

static vatten_result topped(const vatten_topk_desc *desc) {
    static vt_topk out;
    const vt_caps caps = unit_caps_desktop();
    return vt_topk_from(&caps, &said.logger, desc, &out);
}

static void topk_overflows(void **state) {
    (void)state;
    vatten_topk_desc desc = {.batch = 1, .heads = 64, .rows = LONGEST, .values = LONGEST, .entries = 1};
    REFUSED(topped(&desc), INVALID,
            "topk: x overflows 64 bits: batch 1, tokens 536870911, heads 64, dim 536870911");
    desc.x = (vatten_strides){0, 0, 1}; /* all rows look at the same values */
    desc.entries = (uint32_t)LONGEST;
    REFUSED(topped(&desc), INVALID,
            "topk: lists overflows 64 bits: batch 1, tokens 536870911, heads 64, dim 536870911");
}

static vatten_result pooled(const vatten_pool_desc *desc) {
    static vt_pool out;
    const vt_caps caps = unit_caps_desktop();
    return vt_pool_from(&caps, &said.logger, desc, &out);
}

static void pooling_overflows(void **state) {
    (void)state;
    vatten_pool_desc desc = {.dtype = VATTEN_DTYPE_F16,
                             .batch = 1,
                             .heads = 1,
                             .dim = 1,
                             .rank = 2,
                             .extent = {UINT64_C(1) << 32, UINT64_C(1) << 32},
                             .block = {1, 1}};
    REFUSED(pooled(&desc), UNSUPPORTED,
            "pool: extents 4294967296 x 4294967296 x 1 are above 536870911 tokens");
    desc.extent[0] = desc.extent[1] = 1u << 14;
    desc.heads = UINT32_MAX; /* 2^60 elements: 2^61 bytes of f16, 2^62 of f32 */
    desc.batch = 4;
    desc.kind = VATTEN_POOL_MIN_MAX; /* and 2^65 of both */
    REFUSED(pooled(&desc), INVALID,
            "pool: out overflows 64 bits: batch 4, tokens 268435456, heads 4294967295, dim 2");
    desc.dim = 64;
    REFUSED(pooled(&desc), INVALID,
            "pool: x overflows 64 bits: batch 4, tokens 268435456, heads 4294967295, dim 64");
}

static vatten_result combined(const vatten_combine_desc *desc) {
    static vt_combine out;
    const vt_caps caps = unit_caps_desktop();
    return vt_combine_from(&caps, &said.logger, desc, &out);
}

static void combining_overflows(void **state) {
    (void)state;
    vatten_combine_desc desc = {.kind = VATTEN_COMBINE_MERGE,
                                .dtype = VATTEN_DTYPE_F16,
                                .batch = 1,
                                .heads = 1,
                                .tokens = 1,
                                .dim = 1,
                                .parts = 3};
    desc.x_part = UINT64_C(1) << 63; /* two of them wrap to 0 */
    REFUSED(combined(&desc), INVALID,
            "combine: x overflows 64 bits: 3 parts, 9223372036854775808 elements apart");
    desc.x_part = 0;
    desc.weights_part = UINT64_C(1) << 63;
    REFUSED(combined(&desc), INVALID,
            "combine: weights overflows 64 bits: 3 parts, 9223372036854775808 elements apart");
    desc.weights_part = 0;
    desc.parts = 64; /* x fits, all of x does not */
    desc.heads = UINT32_MAX;
    desc.tokens = LONGEST;
    REFUSED(combined(&desc), INVALID,
            "combine: x overflows 64 bits: 64 parts, 2305843004381855745 elements apart");
}

static vatten_result mass_of(const vatten_attention_desc *attention, vatten_mass_desc desc) {
    static vt_mass out;
    const vt_caps caps = unit_caps_desktop();
    desc.attention = attention;
    return vt_mass_from(&caps, &said.logger, &desc, &out);
}

static void mass_overflows(void **state) {
    (void)state;
    vatten_attention_desc a = one(VATTEN_DTYPE_F16);
    a.q_len = a.kv_len = LONGEST;
    a.heads.heads = a.heads.kv_heads = 32; /* 2^63 numbers */
    REFUSED(mass_of(&a, (vatten_mass_desc){.kind = VATTEN_MASS_BLOCK_MAX, .block = 1}), INVALID,
            "mass: out overflows 64 bits: batch 1, heads 32, tokens 536870911");
    REFUSED(mass_of(&a, (vatten_mass_desc){.kind = VATTEN_MASS_ROWS, .rows = LONGEST}), INVALID,
            "mass: out overflows 64 bits: batch 1, heads 32, tokens 536870911");
    a.heads.batch = 2;
    REFUSED(mass_of(&a, (vatten_mass_desc){.kind = VATTEN_MASS_COLUMNS,
                                           .weighted = true,
                                           .weights = {.batch = FAR, .query = 1}}),
            INVALID, "mass: weights overflows 64 bits: batch 2, heads 32, tokens 536870911");
}

static vatten_result appended(const vatten_attention_desc *cache, const vatten_append_desc *own) {
    static vt_append out;
    const vt_caps caps = unit_caps_desktop();
    vatten_append_desc desc = *own;
    desc.attention = cache;
    return vt_append_from(&caps, &said.logger, &desc, &out);
}

static void appending_overflows(void **state) {
    (void)state;
    const vatten_append_desc none = {0};
    vatten_attention_desc cache = one(VATTEN_DTYPE_F32);
    cache.heads.batch = 2;
    cache.heads.k = (vatten_strides){INT64_C(1) << 62, 1, 1};
    REFUSED(appended(&cache, &none), INVALID,
            "append: cache_k overflows 64 bits: batch 2, tokens 1, heads 1, dim 1");
    cache.heads.k = (vatten_strides){0};
    const vatten_append_desc far = {.new_v = {INT64_C(1) << 62, 0, 0}};
    REFUSED(appended(&cache, &far), INVALID,
            "append: v overflows 64 bits: batch 2, tokens 1, heads 1, dim 1");
    cache = one(VATTEN_DTYPE_F16);
    cache.kv_len = LONGEST;
    cache.page_size = 1u << 28;
    cache.pool_pages = 1u << 28;
    cache.heads.heads = cache.heads.kv_heads = 256; /* 2^64 elements of a pool */
    REFUSED(appended(&cache, &none), INVALID,
            "append: cache_k overflows 64 bits: batch 268435456, tokens 268435456, heads 256, dim 1");
}

/* Each stage fits 64 bits, and what is kept between them does not. */
static void workspaces_of_sparse_plans_overflow(void **state) {
    (void)state;
    static vt_sparse out;
    const vt_caps caps = unit_caps_desktop();
    vatten_sparse_desc desc = {.heads = {.dtype = VATTEN_DTYPE_F16,
                                         .batch = 1u << 28,
                                         .heads = 1u << 6,
                                         .kv_heads = 1u << 6,
                                         .dim = 512},
                               .q_len = 1u << 19,
                               .kv_len = 1u << 19,
                               .q_block = 2,
                               .kv_block = 2,
                               .rule = {.entries = 1}};
    REFUSED(vt_sparse_from(&caps, &said.logger, &desc, &out), INVALID,
            "sparse: the workspace overflows 64 bits: 2305843009213693952 pooled numbers of keys, "
            "2305843009213693952 of queries, lists of 4503599627370496 words");
}

#define TEST(NAME) cmocka_unit_test_setup(NAME, start)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(bytes_of_f32_overflow_where_elements_do_not),
        TEST(token_strides_overflow),
        TEST(head_strides_overflow),
        TEST(batch_strides_overflow),
        TEST(packed_batches_overflow),
        TEST(sums_of_strides_overflow),
        TEST(the_log_sum_exp_overflows),
        TEST(extra_keys_overflow),
        TEST(extents_overflow),
        TEST(words_of_a_list_overflow),
        TEST(lists_overflow),
        TEST(biases_of_lists_overflow),
        TEST(sides_of_boxes_overflow),
        TEST(selections_overflow),
        TEST(forced_blocks_do_not_wrap),
        TEST(topk_overflows),
        TEST(pooling_overflows),
        TEST(combining_overflows),
        TEST(mass_overflows),
        TEST(appending_overflows),
        TEST(workspaces_of_sparse_plans_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
