/* SPDX-License-Identifier: MIT
 *
 * Every documented rule of vatten_neighborhood_desc: what is refused, with which result and words.
 */
#include "problem_kit.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {
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
