/* SPDX-License-Identifier: MIT
 *
 * Every documented rule of vatten_heads and vatten_attention_desc: what is refused, with which result and words, and
 * what the defaults become. Grids stand in test_grid.c, sizes that overflow in test_overflow.c.
 */
#include "problem_kit.h"

#include <math.h>

/* ---- What all families share ---- */

static void a_dtype_is_required_and_known(void **state) {
    (void)state;
    REFUSED_DENSE(heads.dtype, (vatten_dtype)0, INVALID,
                  "attention: dtype 0 is none of F32 (1), F16 (2), BF16 (3)");
    REFUSED_DENSE(heads.dtype, (vatten_dtype)4, INVALID,
                  "attention: dtype 4 is none of F32 (1), F16 (2), BF16 (3)");
    REFUSED_GRID(heads.dtype, (vatten_dtype)4, INVALID,
                 "neighborhood: dtype 4 is none of F32 (1), F16 (2), BF16 (3)");
}

static void batch_is_at_least_1(void **state) {
    (void)state;
    REFUSED_DENSE(heads.batch, 0, INVALID, "attention: batch 0 must be at least 1");
}

static void batch_is_bounded(void **state) {
    (void)state;
    REFUSED_DENSE(heads.batch, 536870912, UNSUPPORTED, "attention: batch 536870912 is above 536870911");
}

static void heads_are_at_least_1(void **state) {
    (void)state;
    REFUSED_DENSE(heads.heads, 0, INVALID, "attention: heads 0 must be at least 1");
}

static void kv_heads_are_at_least_1(void **state) {
    (void)state;
    REFUSED_DENSE(heads.kv_heads, 0, INVALID, "attention: kv_heads 0 must be at least 1");
}

static void heads_are_a_multiple_of_kv_heads(void **state) {
    (void)state;
    REFUSED_DENSE(heads.kv_heads, 3, INVALID, "attention: heads 4 is not a multiple of kv_heads 3");
    REFUSED_DENSE(heads.kv_heads, 8, INVALID, "attention: heads 4 is not a multiple of kv_heads 8");
}

static void dim_is_between_1_and_the_maximum(void **state) {
    (void)state;
    REFUSED_DENSE(heads.dim, 0, INVALID, "attention: dim 0 must be at least 1");
    REFUSED_DENSE(heads.dim, 577, INVALID, "attention: dim 577 is above 576");
    vatten_attention_desc desc = unit_dense();
    desc.heads.dim = 576;
    assert_int_equal(dense(&desc), VATTEN_SUCCESS);
    desc.heads.dim = 1;
    assert_int_equal(dense(&desc), VATTEN_SUCCESS);
    assert_silent(&said);
}

static void value_dim_is_at_most_the_maximum(void **state) {
    (void)state;
    REFUSED_DENSE(heads.value_dim, 577, INVALID, "attention: value_dim 577 is above 576");
}

static void scale_is_finite(void **state) {
    (void)state;
    REFUSED_DENSE(heads.scale, NAN, INVALID, "attention: scale nan is not finite");
    REFUSED_DENSE(heads.scale, INFINITY, INVALID, "attention: scale inf is not finite");
    REFUSED_DENSE(heads.scale, -INFINITY, INVALID, "attention: scale -inf is not finite");
}

static void a_tile_layout_is_known(void **state) {
    (void)state;
    REFUSED_DENSE(heads.tile.layout, (vatten_layout)9, INVALID, "attention: tile layout 9 is unknown");
}

static void sixteen_bit_dtypes_need_their_feature(void **state) {
    (void)state;
    vt_caps caps = unit_caps_desktop();
    caps.features = 0;
    vatten_attention_desc desc = unit_dense();
    assert_int_equal(dense_on(&caps, &desc), VATTEN_SUCCESS);
    desc.heads.dtype = VATTEN_DTYPE_F16;
    assert_int_equal(dense_on(&caps, &desc), UNSUPPORTED);
    assert_said(
        &said, "attention: dtype F16 needs VATTEN_FEATURE_STORAGE_16BIT (storageBuffer16BitAccess), which is "
               "not enabled on Desktop");
    desc.heads.dtype = VATTEN_DTYPE_BF16;
    assert_int_equal(dense_on(&caps, &desc), UNSUPPORTED);
    assert_said(
        &said,
        "attention: dtype BF16 needs VATTEN_FEATURE_STORAGE_16BIT (storageBuffer16BitAccess), which is "
        "not enabled on Desktop");
}

static void messages_carry_the_label(void **state) {
    (void)state;
    vatten_attention_desc desc = unit_dense();
    desc.heads.label = "layer 3 self";
    desc.heads.dim = 0;
    assert_int_equal(dense(&desc), INVALID);
    assert_said(&said, "layer 3 self: attention: dim 0 must be at least 1");
}

static void strides_are_not_negative(void **state) {
    (void)state;
    REFUSED_DENSE(heads.q.batch, -1, INVALID,
                  "attention: q strides: batch -1, head 0, token 0 must not be negative");
    REFUSED_DENSE(heads.k.head, -2, INVALID,
                  "attention: k strides: batch 0, head -2, token 0 must not be negative");
    REFUSED_DENSE(heads.v.token, -3, INVALID,
                  "attention: v strides: batch 0, head 0, token -3 must not be negative");
    REFUSED_DENSE(heads.out.token, INT64_MIN, INVALID,
                  "attention: out strides: batch 0, head 0, token -9223372036854775808 must not be negative");
}

/* One element of out for two indices would be a race; the other tensors are only read. */
static void strides_of_out_do_not_repeat_a_slice(void **state) {
    (void)state;
    REFUSED_DENSE(heads.out, ((vatten_strides){4096, 16, 0}), INVALID,
                  "attention: out strides: token 0 is below value_dim 16");
    REFUSED_DENSE(heads.out, ((vatten_strides){4096, 15, 64}), INVALID,
                  "attention: out strides: head 15 is below value_dim 16");
    REFUSED_DENSE(heads.out, ((vatten_strides){0, 16, 64}), INVALID,
                  "attention: out strides: batch 0 is below value_dim 16");
    vatten_attention_desc desc = unit_dense();
    desc.heads.q = desc.heads.k = desc.heads.v = (vatten_strides){0, 0, 16};
    assert_int_equal(dense(&desc), VATTEN_SUCCESS);
    /* an axis of one entry needs no stride */
    desc.heads.batch = 1;
    desc.heads.out = (vatten_strides){0, 16, 64};
    assert_int_equal(dense(&desc), VATTEN_SUCCESS);
    assert_silent(&said);
}

/* ---- Defaults ---- */

static void packed_strides_are_the_default(void **state) {
    (void)state;
    vatten_attention_desc desc = unit_dense();
    desc.heads.value_dim = 12;
    assert_int_equal(dense(&desc), VATTEN_SUCCESS);
    const vt_tensor expected[4] = {{24 * 4 * 16, 16, 4 * 16, 2 * 24 * 4 * 16},
                                   {40 * 2 * 16, 16, 2 * 16, 2 * 40 * 2 * 16},
                                   {40 * 2 * 12, 12, 2 * 12, 2 * 40 * 2 * 12},
                                   {24 * 4 * 12, 12, 4 * 12, 2 * 24 * 4 * 12}};
    assert_memory_equal(&problem.q, &expected[0], sizeof expected[0]);
    assert_memory_equal(&problem.k, &expected[1], sizeof expected[1]);
    assert_memory_equal(&problem.v, &expected[2], sizeof expected[2]);
    assert_memory_equal(&problem.out, &expected[3], sizeof expected[3]);
    assert_true(vt_tensor_bytes(&problem, &problem.out) == 2 * 24 * 4 * 12 * 4);
}

static void given_strides_are_kept_and_reach_to_the_last_element(void **state) {
    (void)state;
    vatten_attention_desc desc = unit_dense();
    desc.heads.dtype = VATTEN_DTYPE_F16;
    desc.heads.q = (vatten_strides){10000, 2000, 20};
    desc.heads.k = (vatten_strides){0, 640, 16};
    assert_int_equal(dense(&desc), VATTEN_SUCCESS);
    assert_true(problem.q.batch == 10000 && problem.q.head == 2000 && problem.q.token == 20);
    assert_true(problem.q.elements == 10000 + 3 * 2000 + 23 * 20 + 16);
    assert_true(problem.k.elements == 640 + 39 * 16 + 16);
    assert_true(vt_tensor_bytes(&problem, &problem.k) == 2 * (640 + 39 * 16 + 16));
}

static void defaults_are_resolved(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    vatten_attention_desc desc = unit_dense();
    assert_int_equal(dense(&desc), VATTEN_SUCCESS);
    assert_int_equal(problem.map, VT_MAP_DENSE);
    assert_int_equal(problem.value_dim, 16);
    assert_true(problem.scale == 0.25f);
    assert_true(problem.max_macs == caps.max_macs);
    assert_true(problem.left == VATTEN_UNLIMITED && problem.right == VATTEN_UNLIMITED);
    assert_false(problem.causal || problem.align_first || problem.write_lse);
    assert_true(vt_lse_bytes(&problem) == 0);
    assert_string_equal(problem.label, "");
    assert_silent(&said);
}

static void given_values_replace_the_defaults(void **state) {
    (void)state;
    vatten_attention_desc desc = unit_dense();
    desc.heads.value_dim = 8;
    desc.heads.scale = -0.5f;
    desc.heads.max_macs = 77;
    desc.heads.write_lse = true;
    desc.heads.dtype = VATTEN_DTYPE_BF16;
    desc.heads.tile = (vatten_tile){VATTEN_LAYOUT_SHARED, 64, 32, 16, 4};
    assert_int_equal(dense(&desc), VATTEN_SUCCESS);
    assert_int_equal(problem.value_dim, 8);
    assert_true(problem.scale == -0.5f);
    assert_true(problem.max_macs == 77);
    assert_int_equal(problem.element_bytes, 2);
    assert_memory_equal(&problem.tile, &desc.heads.tile, sizeof problem.tile);
    assert_true(vt_lse_bytes(&problem) == 2 * 4 * 24 * 4);
}

static void a_label_is_cut_at_63_bytes(void **state) {
    (void)state;
    vatten_attention_desc desc = unit_dense();
    desc.heads.label = "0123456789012345678901234567890123456789012345678901234567890123456789";
    assert_int_equal(dense(&desc), VATTEN_SUCCESS);
    assert_int_equal(strlen(problem.label), 63);
    assert_memory_equal(problem.label, desc.heads.label, 63);
}

/* ---- Dense ---- */

static void lengths_are_at_least_1(void **state) {
    (void)state;
    REFUSED_DENSE(q_len, 0, INVALID, "attention: q_len 0 must be at least 1");
    REFUSED_DENSE(kv_len, 0, INVALID, "attention: kv_len 0 must be at least 1");
}

static void lengths_are_bounded(void **state) {
    (void)state;
    REFUSED_DENSE(q_len, 536870912, UNSUPPORTED, "attention: q_len 536870912 is above 536870911 tokens");
    REFUSED_DENSE(kv_len, UINT64_MAX, UNSUPPORTED,
                  "attention: kv_len 18446744073709551615 is above 536870911 tokens");
}

static void window_sides_are_counts_or_unlimited(void **state) {
    (void)state;
    REFUSED_DENSE(window, ((vatten_window){true, -2, 0}), INVALID,
                  "attention: window left -2, right 0 must be at least 0, or VATTEN_UNLIMITED (-1)");
    REFUSED_DENSE(
        window, ((vatten_window){true, 0, INT64_MIN}), INVALID,
        "attention: window left 0, right -9223372036854775808 must be at least 0, or VATTEN_UNLIMITED (-1)");
    vatten_attention_desc desc = unit_dense();
    desc.window = (vatten_window){false, -2, -3}; /* not enabled: ignored */
    assert_int_equal(dense(&desc), VATTEN_SUCCESS);
    assert_true(problem.left == VATTEN_UNLIMITED && problem.right == VATTEN_UNLIMITED);
}

static void alignment_is_known(void **state) {
    (void)state;
    REFUSED_DENSE(align, (vatten_align)2, INVALID, "attention: align 2 is unknown");
}

static void the_mask_is_taken_over(void **state) {
    (void)state;
    vatten_attention_desc desc = unit_dense();
    desc.causal = true;
    desc.align = VATTEN_ALIGN_FIRST;
    desc.window = (vatten_window){true, 5, VATTEN_UNLIMITED};
    desc.prefix = 3;
    assert_int_equal(dense(&desc), VATTEN_SUCCESS);
    assert_true(problem.causal && problem.align_first);
    assert_true(problem.left == 5 && problem.right == VATTEN_UNLIMITED && problem.prefix == 3);
}

/* Lengths may shrink per record, which moves the diagonal: only what no lengths can reach is no limit. */
static void sides_beyond_every_key_are_unlimited(void **state) {
    (void)state;
    vatten_attention_desc desc = unit_dense();
    desc.window = (vatten_window){true, 63, 64};
    assert_int_equal(dense(&desc), VATTEN_SUCCESS);
    assert_true(problem.left == 63);
    assert_true(problem.right == VATTEN_UNLIMITED);
    desc.window = (vatten_window){true, INT64_MAX, 0};
    desc.prefix = UINT64_MAX;
    assert_int_equal(dense(&desc), VATTEN_SUCCESS);
    assert_true(problem.left == VATTEN_UNLIMITED && problem.right == 0);
    assert_true(problem.prefix == 40);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_dtype_is_required_and_known),
        TEST(batch_is_at_least_1),
        TEST(batch_is_bounded),
        TEST(heads_are_at_least_1),
        TEST(kv_heads_are_at_least_1),
        TEST(heads_are_a_multiple_of_kv_heads),
        TEST(dim_is_between_1_and_the_maximum),
        TEST(value_dim_is_at_most_the_maximum),
        TEST(scale_is_finite),
        TEST(a_tile_layout_is_known),
        TEST(sixteen_bit_dtypes_need_their_feature),
        TEST(messages_carry_the_label),
        TEST(strides_are_not_negative),
        TEST(strides_of_out_do_not_repeat_a_slice),
        TEST(packed_strides_are_the_default),
        TEST(given_strides_are_kept_and_reach_to_the_last_element),
        TEST(defaults_are_resolved),
        TEST(given_values_replace_the_defaults),
        TEST(a_label_is_cut_at_63_bytes),
        TEST(lengths_are_at_least_1),
        TEST(lengths_are_bounded),
        TEST(window_sides_are_counts_or_unlimited),
        TEST(alignment_is_known),
        TEST(the_mask_is_taken_over),
        TEST(sides_beyond_every_key_are_unlimited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
