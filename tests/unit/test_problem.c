/* SPDX-License-Identifier: MIT
 *
 * Every documented rule of vatten_heads, vatten_attention_desc and vatten_neighborhood_desc: what is refused,
 * with which result and words, and what the defaults become. Sizes that overflow stand in test_overflow.c.
 */
#include "unit.h"

#include <math.h>

#define INVALID     VATTEN_ERROR_INVALID_ARGUMENT
#define UNSUPPORTED VATTEN_ERROR_UNSUPPORTED

static unit_log said;
static vt_problem problem;

static int start(void **state) {
    (void)state;
    unit_log_start(&said);
    memset(&problem, 0xaa, sizeof problem);
    return 0;
}

static vatten_result dense_on(const vt_caps *caps, const vatten_attention_desc *desc) {
    return vt_problem_from_attention(caps, &said.logger, desc, &problem);
}

static vatten_result dense(const vatten_attention_desc *desc) {
    const vt_caps caps = unit_caps_desktop();
    return dense_on(&caps, desc);
}

static vatten_result grid(const vatten_neighborhood_desc *desc) {
    const vt_caps caps = unit_caps_desktop();
    return vt_problem_from_neighborhood(&caps, &said.logger, desc, &problem);
}

/* DESC is unit_dense() with one field set; the message must be exactly TEXT. */
#define REFUSED_DENSE(FIELD, VALUE, RESULT, TEXT)                                                            \
    do {                                                                                                     \
        vatten_attention_desc desc = unit_dense();                                                           \
        desc.FIELD = VALUE;                                                                                  \
        assert_int_equal(dense(&desc), RESULT);                                                              \
        assert_said(&said, TEXT);                                                                            \
    } while (0)
#define REFUSED_GRID(FIELD, VALUE, RESULT, TEXT)                                                             \
    do {                                                                                                     \
        vatten_neighborhood_desc desc = unit_grid();                                                         \
        desc.FIELD = VALUE;                                                                                  \
        assert_int_equal(grid(&desc), RESULT);                                                               \
        assert_said(&said, TEXT);                                                                            \
    } while (0)

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
    REFUSED_DENSE(heads.tile.layout, (vatten_layout)5, INVALID, "attention: tile layout 5 is unknown");
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

/* ---- Neighborhood ---- */

static void rank_is_1_to_3(void **state) {
    (void)state;
    REFUSED_GRID(rank, 0, INVALID, "neighborhood: rank 0 is outside 1..3");
    REFUSED_GRID(rank, 4, INVALID, "neighborhood: rank 4 is outside 1..3");
}

static void sizes_of_an_axis_are_at_least_1(void **state) {
    (void)state;
    REFUSED_GRID(axis[0].extent, 0, INVALID, "neighborhood: axis 0: extent 0 must be at least 1");
    REFUSED_GRID(axis[1].window, 0, INVALID, "neighborhood: axis 1: window 0 must be at least 1");
    REFUSED_GRID(axis[1].stride, 0, INVALID, "neighborhood: axis 1: stride 0 must be at least 1");
    REFUSED_GRID(axis[1].dilation, 0, INVALID, "neighborhood: axis 1: dilation 0 must be at least 1");
}

static void edges_and_rolls_have_rules(void **state) {
    (void)state;
    REFUSED_GRID(axis[1].edge, (vatten_edge)3, INVALID, "neighborhood: axis 1: edge 3 is unknown");
    REFUSED_GRID(axis[0].roll, 6, INVALID, "neighborhood: axis 0: roll 6 is not below extent 6");
    REFUSED_GRID(axis[1], ((vatten_axis){8, 3, 1, 9, false, VATTEN_EDGE_CROP}), INVALID,
                 "neighborhood: axis 1: dilation 9 is above extent 8");
    REFUSED_GRID(axis[0], ((vatten_axis){6, 1u << 30, 1, 1, false, VATTEN_EDGE_ZERO}), UNSUPPORTED,
                 "neighborhood: axis 0: window 1073741824 is above 536870911");
    vatten_neighborhood_desc desc = unit_grid();
    desc.axis[0].window = 70; /* longer than the axis */
    desc.axis[0].edge = VATTEN_EDGE_CROP;
    desc.axis[1].roll = desc.axis[1].extent - 1;
    assert_int_equal(grid(&desc), VATTEN_SUCCESS);
    assert_int_equal(problem.axis[0].edge, VATTEN_EDGE_CROP);
    assert_int_equal(problem.axis[1].roll, 7);
}

static void axes_of_heads_have_the_rules_of_axes(void **state) {
    (void)state;
    vatten_neighborhood_desc desc = unit_grid();
    vatten_axis axes[4][3];
    for (uint32_t h = 0; h < 4; ++h)
        memcpy(axes[h], desc.axis, sizeof axes[h]);
    desc.head_axes = axes[0];
    assert_int_equal(grid(&desc), VATTEN_SUCCESS);
    uint64_t pairs = problem.pairs;
    axes[2][1].extent = 0; /* the grid's */
    axes[2][1].window = 5;
    assert_int_equal(grid(&desc), VATTEN_SUCCESS);
    assert_true(problem.pairs == pairs / 4 * 3 + pairs / 4 / 3 * 5);
    vatten_axis seen[3];
    vt_problem_axes(&problem, 2, seen);
    assert_true(seen[1].extent == 8 && seen[1].window == 5 && seen[2].extent == 1);
    assert_true(vt_problem_same_axes(&problem, 0, 1) && !vt_problem_same_axes(&problem, 1, 2));
    axes[2][1].extent = 9;
    assert_int_equal(grid(&desc), VATTEN_ERROR_INVALID_ARGUMENT);
    assert_said(&said, "neighborhood: head 2, axis 1: extent 9 is not the grid's, 8");
    axes[2][1] = axes[0][1];
    axes[3][0].stride = 4;
    assert_int_equal(grid(&desc), VATTEN_ERROR_INVALID_ARGUMENT);
    assert_said(&said, "neighborhood: head 3, axis 0: stride 4 is above window 3");
    axes[3][0] = axes[3][1] = (vatten_axis){0, 1, 1, 1, false};
    assert_int_equal(grid(&desc), VATTEN_ERROR_INVALID_ARGUMENT);
    assert_said(
        &said,
        "neighborhood: head 3: window 1 on every axis of 48 tokens: each query would see itself alone");
}

static void a_bias_has_rules(void **state) {
    (void)state;
    REFUSED_GRID(bias, (vatten_bias)2, INVALID, "neighborhood: bias 2 is unknown");
    vatten_neighborhood_desc desc = unit_grid();
    vatten_axis axes[4][3];
    desc.bias = VATTEN_BIAS_RELATIVE;
    assert_int_equal(grid(&desc), VATTEN_SUCCESS);
    assert_true(problem.table[0] == 3 && problem.table[1] == 3 && problem.table[2] == 1);
    assert_int_equal(problem.bias_bytes, 4 * 5 * 5 * 4);
    for (uint32_t h = 0; h < 4; ++h)
        memcpy(axes[h], desc.axis, sizeof axes[h]);
    axes[1][0].window = 6; /* the largest of each axis, of whatever head */
    axes[3][1].window = 4;
    desc.head_axes = axes[0];
    assert_int_equal(grid(&desc), VATTEN_SUCCESS);
    assert_true(problem.table[0] == 6 && problem.table[1] == 4);
    assert_int_equal(problem.bias_bytes, 4 * 11 * 7 * 4);
    desc.head_axes = NULL;
    desc.axis[0] = (vatten_axis){1u << 20, 1u << 20, 1, 1, false};
    desc.axis[1] = (vatten_axis){65, 65, 1, 1, false};
    assert_int_equal(grid(&desc), VATTEN_ERROR_UNSUPPORTED);
    assert_said(&said,
                "neighborhood: the bias of 4 heads for windows of 1048576 x 65 x 1 does not fit a binding "
                "of Desktop, which holds 4294967295 bytes");
}

static void weights_leave_no_use_for_scores(void **state) {
    (void)state;
    vatten_neighborhood_desc desc = unit_grid();
    desc.heads.dim = 0;
    assert_int_equal(grid(&desc), INVALID);
    assert_said(&said, "neighborhood: dim 0 must be at least 1");
    desc.weights = true;
    assert_int_equal(grid(&desc), INVALID);
    assert_said(&said, "neighborhood: weights need value_dim, it is 0");
    desc.heads.value_dim = 5;
    assert_int_equal(grid(&desc), VATTEN_SUCCESS);
    assert_true(problem.weights && problem.q_dim == 9 && problem.dim == 0);
    assert_true(problem.q.token == 9 * 4 && problem.k.elements == 0 && problem.v.elements > 0);
    desc.heads.dim = 8;
    assert_int_equal(grid(&desc), INVALID);
    assert_said(&said, "neighborhood: weights leave no use for dim 8: it must be 0");
    desc.heads.dim = 0;
    desc.heads.scale = 0.5f;
    assert_int_equal(grid(&desc), INVALID);
    assert_said(&said, "neighborhood: weights leave no use for scale 0.500000: it must be 0");
    desc.heads.scale = 0.0f;
    desc.heads.write_lse = true;
    assert_int_equal(grid(&desc), INVALID);
    assert_said(&said, "neighborhood: weights have no log-sum-exp: write_lse 1 must be 0");
    desc.heads.write_lse = false;
    desc.extra_len = 3;
    assert_int_equal(grid(&desc), INVALID);
    assert_said(&said, "neighborhood: weights of extra keys are not known: extra_len 3 must be 0");
    desc.extra_len = 0;
    desc.bias = VATTEN_BIAS_RELATIVE;
    assert_int_equal(grid(&desc), INVALID);
    assert_said(&said, "neighborhood: weights leave no use for bias 1");
    desc.bias = VATTEN_BIAS_NONE;
    desc.axis[0] = (vatten_axis){1u << 15, 1u << 15, 1, 1, false};
    desc.axis[1] = (vatten_axis){1u << 13, 1u << 13, 1, 1, false};
    desc.rank = 3;
    desc.axis[2] = (vatten_axis){1, 1u << 4, 1, 1, false, VATTEN_EDGE_CROP, 0};
    assert_int_equal(grid(&desc), VATTEN_ERROR_UNSUPPORTED);
    assert_said(&said, "neighborhood: windows of 4294967296 keys have more weights than 536870911");
}

static void a_window_is_at_most_the_extent(void **state) {
    (void)state;
    REFUSED_GRID(axis[0].window, 7, INVALID, "neighborhood: axis 0: window 7 is above extent 6");
}

static void a_stride_is_at_most_the_window(void **state) {
    (void)state;
    REFUSED_GRID(axis[0].stride, 4, INVALID, "neighborhood: axis 0: stride 4 is above window 3");
}

static void window_times_dilation_is_at_most_the_extent(void **state) {
    (void)state;
    REFUSED_GRID(axis[1].dilation, 3, INVALID,
                 "neighborhood: axis 1: window 3 x dilation 3 is above extent 8");
    /* the product needs 64 bits */
    REFUSED_GRID(axis[1], ((vatten_axis){65537, 65536, 1, 65536, false}), INVALID,
                 "neighborhood: axis 1: window 65536 x dilation 65536 is above extent 65537");
}

static void axes_past_the_rank_are_not_looked_at(void **state) {
    (void)state;
    vatten_neighborhood_desc desc = unit_grid();
    desc.axis[2] = (vatten_axis){0, 9, 99, 0, true};
    assert_int_equal(grid(&desc), VATTEN_SUCCESS);
    assert_true(problem.axis[2].extent == 1 && problem.axis[2].window == 1 && problem.axis[2].stride == 1 &&
                problem.axis[2].dilation == 1 && !problem.axis[2].causal);
    assert_true(problem.q_len == 48 && problem.kv_len == 48 && problem.rank == 2);
    assert_int_equal(problem.map, VT_MAP_NEIGHBORHOOD);
}

static void a_window_of_one_key_on_every_axis_is_refused(void **state) {
    (void)state;
    vatten_neighborhood_desc desc = unit_grid();
    desc.axis[0].window = desc.axis[1].window = 1;
    assert_int_equal(grid(&desc), INVALID);
    assert_said(&said,
                "neighborhood: window 1 on every axis of 48 tokens: each query would see itself alone");
    desc.axis[0].extent = desc.axis[1].extent = 1; /* but a single token has nothing else to see */
    assert_int_equal(grid(&desc), VATTEN_SUCCESS);
    desc = unit_grid();
    desc.axis[0].window = 1; /* and one axis may well be sliced */
    assert_int_equal(grid(&desc), VATTEN_SUCCESS);
}

static void the_grid_is_bounded(void **state) {
    (void)state;
    REFUSED_GRID(axis[0].extent, 67108864, UNSUPPORTED,
                 "neighborhood: extents 67108864 x 8 x 1 are above 536870911 tokens");
    REFUSED_GRID(axis[0].extent, UINT64_MAX, UNSUPPORTED,
                 "neighborhood: extents 18446744073709551615 x 8 x 1 are above 536870911 tokens");
}

static void extra_keys_have_tensors_of_their_own(void **state) {
    (void)state;
    vatten_neighborhood_desc desc = unit_grid();
    desc.heads.value_dim = 12;
    assert_int_equal(grid(&desc), VATTEN_SUCCESS);
    assert_true(problem.extra_len == 0 && problem.extra_k.elements == 0 && problem.extra_v.elements == 0);
    desc.extra_len = 5;
    desc.extra_v = (vatten_strides){0, 0, 12};
    assert_int_equal(grid(&desc), VATTEN_SUCCESS);
    assert_true(problem.extra_k.elements == 2 * 5 * 2 * 16 && problem.extra_k.token == 2 * 16);
    assert_true(problem.extra_v.elements == 4 * 12 + 12);
}

static void extra_keys_are_checked(void **state) {
    (void)state;
    REFUSED_GRID(extra_len, 536870912, UNSUPPORTED,
                 "neighborhood: extra_len 536870912 is above 536870911 tokens");
    vatten_neighborhood_desc desc = unit_grid();
    desc.extra_len = 5;
    desc.extra_k.head = -1;
    assert_int_equal(grid(&desc), INVALID);
    assert_said(&said, "neighborhood: extra_k strides: batch 0, head -1, token 0 must not be negative");
}

static void a_box_is_given_on_all_axes_or_none(void **state) {
    (void)state;
    REFUSED_GRID(box[0], 4, INVALID,
                 "neighborhood: axis 1: box side 0 must be at least 1, as other sides are given");
    REFUSED_GRID(box[1], 4, INVALID,
                 "neighborhood: axis 0: box side 0 must be at least 1, as other sides are given");
    vatten_neighborhood_desc desc = unit_grid();
    assert_int_equal(grid(&desc), VATTEN_SUCCESS);
    assert_true(problem.box[0] == 0 && problem.box[1] == 0 && problem.box[2] == 0);
    desc.box[0] = 4;
    desc.box[1] = 7;
    assert_int_equal(grid(&desc), VATTEN_SUCCESS);
    assert_true(problem.box[0] == 4 && problem.box[1] == 7 && problem.box[2] == 1);
    desc.box[2] = 1;
    assert_int_equal(grid(&desc), VATTEN_SUCCESS);
    assert_silent(&said);
    desc.box[2] = 2;
    assert_int_equal(grid(&desc), INVALID);
    assert_said(&said, "neighborhood: axis 2: box side 2 is past rank 2");
}

static void a_box_has_at_most_the_rows_of_the_tile(void **state) {
    (void)state;
    vatten_neighborhood_desc desc = unit_grid();
    desc.box[0] = 5;
    desc.box[1] = 7;
    desc.heads.tile.rows = 35;
    assert_int_equal(grid(&desc), VATTEN_SUCCESS);
    desc.heads.tile.rows = 34;
    assert_int_equal(grid(&desc), INVALID);
    assert_said(&said, "neighborhood: box 5 x 7 x 1 holds 35 queries, above 34 rows of a tile");
    desc.heads.tile.rows = 0;
    desc.box[0] = desc.box[1] = UINT32_MAX;
    assert_int_equal(grid(&desc), INVALID);
    assert_said(&said,
                "neighborhood: box 4294967295 x 4294967295 x 1 holds 18446744065119617025 queries, above "
                "1024 rows of a tile");
}

#define TEST(NAME) cmocka_unit_test_setup(NAME, start)

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
        TEST(rank_is_1_to_3),
        TEST(sizes_of_an_axis_are_at_least_1),
        TEST(edges_and_rolls_have_rules),
        TEST(axes_of_heads_have_the_rules_of_axes),
        TEST(a_bias_has_rules),
        TEST(weights_leave_no_use_for_scores),
        TEST(a_window_is_at_most_the_extent),
        TEST(a_stride_is_at_most_the_window),
        TEST(window_times_dilation_is_at_most_the_extent),
        TEST(axes_past_the_rank_are_not_looked_at),
        TEST(a_window_of_one_key_on_every_axis_is_refused),
        TEST(the_grid_is_bounded),
        TEST(extra_keys_have_tensors_of_their_own),
        TEST(extra_keys_are_checked),
        TEST(a_box_is_given_on_all_axes_or_none),
        TEST(a_box_has_at_most_the_rows_of_the_tile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
