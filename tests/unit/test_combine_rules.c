/* SPDX-License-Identifier: MIT
 *
 * Every documented rule of vatten_combine_desc: what is refused, with which result and which words, and how defaults are
 * resolved. Works on plain structs.
 */
#include "unit.h"

#include "combine.h"

#define INVALID     VATTEN_ERROR_INVALID_ARGUMENT
#define UNSUPPORTED VATTEN_ERROR_UNSUPPORTED

static unit_log said;

static int fresh_log(void **state) {
    (void)state;
    unit_log_start(&said);
    return 0;
}

#define TEST(NAME) cmocka_unit_test_setup(NAME, fresh_log)

static vatten_combine_desc unit_combine(void) {
    return (vatten_combine_desc){
        .dtype = VATTEN_DTYPE_F32, .batch = 2, .heads = 3, .tokens = 10, .dim = 8, .parts = 4, .gains = true};
}

static vt_combine out;

static vatten_result combine(const vatten_combine_desc *desc) {
    const vt_caps caps = unit_caps_desktop();
    return vt_combine_from(&caps, &said.logger, desc, &out);
}

#define REFUSED(FIELD, VALUE, RESULT, TEXT)                                                                  \
    do {                                                                                                     \
        vatten_combine_desc refused = unit_combine();                                                        \
        refused.FIELD = VALUE;                                                                               \
        assert_int_equal(combine(&refused), RESULT);                                                         \
        assert_said(&said, TEXT);                                                                            \
    } while (0)

static void what_is_required(void **state) {
    (void)state;
    REFUSED(kind, (vatten_combine_kind)2, INVALID, "combine: kind 2 is unknown");
    REFUSED(dtype, (vatten_dtype)0, INVALID, "combine: dtype 0 is none of F32 (1), F16 (2), BF16 (3)");
    REFUSED(batch, 0, INVALID, "combine: batch 0 must be at least 1");
    REFUSED(heads, 0, INVALID, "combine: heads 0 must be at least 1");
    REFUSED(tokens, 0, INVALID, "combine: tokens 0 must be at least 1");
    REFUSED(tokens, 1u << 30, UNSUPPORTED, "combine: tokens 1073741824 is above 536870911 tokens");
    REFUSED(dim, 0, INVALID, "combine: dim 0 must be at least 1");
    REFUSED(dim, 577, INVALID, "combine: dim 577 is above 576");
    REFUSED(parts, 0, INVALID, "combine: parts 0 must be at least 1");
    REFUSED(parts, 65, INVALID, "combine: parts 65 are above 64");
}

static void kinds_have_their_own_fields(void **state) {
    (void)state;
    REFUSED(kind, VATTEN_COMBINE_MERGE, INVALID, "combine: gains 1 are for sums only");
    REFUSED(write_lse, true, INVALID, "combine: write_lse 1 is for merges only");
    vatten_combine_desc desc = unit_combine();
    desc.gains = false;
    desc.kind = VATTEN_COMBINE_MERGE;
    desc.has_residual = true;
    assert_int_equal(combine(&desc), INVALID);
    assert_said(&said, "combine: has_residual 1 is for sums only");
    REFUSED(residual.token, 8, INVALID,
            "combine: residual strides: batch 0, head 0, token 8 without has_residual");
    desc = unit_combine();
    desc.gains = false;
    desc.weights.head = 1;
    assert_int_equal(combine(&desc), INVALID);
    assert_said(&said, "combine: weights strides: batch 0, head 1, token 0 without gains or log-sum-exps");
}

static void strides_are_those_of_tensors(void **state) {
    (void)state;
    REFUSED(x.head, -1, INVALID, "combine: x strides: batch 0, head -1, token 0 must not be negative");
    REFUSED(weights.head, -1, INVALID,
            "combine: weights strides: batch 0, head -1, token 0 must not be negative");
    REFUSED(out.token, 4, INVALID, "combine: out strides: token 4 is below value_dim 8");
    REFUSED(x_part, UINT64_MAX / 8, INVALID,
            "combine: x overflows 64 bits: 4 parts, 2305843009213693951 elements apart");
    REFUSED(weights_part, UINT64_MAX / 8, INVALID,
            "combine: weights overflows 64 bits: 4 parts, 2305843009213693951 elements apart");
}

static void what_is_packed(void **state) {
    (void)state;
    vatten_combine_desc desc = unit_combine();
    assert_int_equal(combine(&desc), VATTEN_SUCCESS);
    assert_silent(&said);
    assert_true(out.x_part == 2 * 10 * 3 * 8 && out.x_elements == 4 * out.x_part);
    assert_true(out.weights_part == 2 * 3 * 10 && out.weights_elements == 4 * out.weights_part);
    assert_true(out.weights.batch == 30 && out.weights.head == 10 && out.weights.token == 1);
    desc.weights =
        (vatten_strides){.batch = 10 * 3 * 4, .head = 4, .token = 12}; /* gates beside each other */
    desc.weights_part = 1;
    assert_int_equal(combine(&desc), VATTEN_SUCCESS);
    assert_int_equal(out.weights_elements, 2 * 10 * 3 * 4);
    desc.weights = (vatten_strides){0, 0, 0}; /* a number for each part */
    assert_int_equal(combine(&desc), VATTEN_SUCCESS);
    assert_true(out.weights.token == 0 && out.weights_elements == 4);
    desc.weights_part = 0;
    desc.gains = false;
    assert_int_equal(combine(&desc), VATTEN_SUCCESS);
    assert_true(!out.weighted && out.weights_elements == 0);
}

static void combining_needs_buffers_and_room(void **state) {
    (void)state;
    static vt_program program;
    vt_caps caps = unit_caps_desktop();
    vatten_combine_desc desc = unit_combine();
    caps.storage_range = 20;
    assert_int_equal(vt_combine_from(&caps, &said.logger, &desc, &out), VATTEN_SUCCESS);
    assert_int_equal(vt_combine_steps(&out, &program), UNSUPPORTED);
    assert_said(&said, "combine: a row of 8 dims does not fit Desktop: a binding holds 20 bytes");
    caps.storage_buffers = 5;
    assert_int_equal(vt_combine_from(&caps, &said.logger, &desc, &out), UNSUPPORTED);
    assert_said(&said, "combine: 6 storage buffers per stage are needed, Desktop has 5");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_is_required), TEST(kinds_have_their_own_fields),      TEST(strides_are_those_of_tensors),
        TEST(what_is_packed),   TEST(combining_needs_buffers_and_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
