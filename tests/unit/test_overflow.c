/* SPDX-License-Identifier: MIT
 *
 * Sizes that leave 64 bits: each product and sum of a tensor's extent alone, one step before and one step
 * past the edge, and what happens to problems that stop just below it.
 */
#include "unit.h"

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
