/* SPDX-License-Identifier: MIT
 *
 * Tiles of the layout MATRIX_WORKGROUP, and what is said where there is none. A build whose shader compiler knows no tensor
 * layouts has no kernels of it: then only that is left to say.
 */
#include "unit.h"

#include "attend.h"
#include "iface/interface.h"

static unit_log said;

static int start(void **state) {
    (void)state;
    unit_log_start(&said);
    return 0;
}

static bool built(void) {
    return vt_kernels_have(VATTEN_LAYOUT_MATRIX_WORKGROUP);
}

static void assert_tile(const vt_tile *tile, uint32_t workgroup, uint32_t rows, uint32_t keys) {
    assert_int_equal(tile->layout, VATTEN_LAYOUT_MATRIX_WORKGROUP);
    assert_int_equal(tile->workgroup, workgroup);
    assert_int_equal(tile->rows, rows);
    assert_int_equal(tile->keys, keys);
    assert_int_equal(tile->lanes_per_row, keys);
}

/* ---- Where it is chosen, and what ---- */

static void it_is_taken_only_when_asked(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_workgroup();
    vt_problem problem = unit_of_layout(VATTEN_LAYOUT_MATRIX_WORKGROUP, 64, 64);
    problem.tile.layout = VATTEN_LAYOUT_AUTO;
    vt_tile tile;
    for (uint32_t row = 0; vt_tune(&caps, NULL, &problem, &row, &tile) == VATTEN_SUCCESS; ++row)
        assert_int_not_equal(tile.layout, VATTEN_LAYOUT_MATRIX_WORKGROUP);
}

static void workgroups_are_those_that_the_device_lists(void **state) {
    (void)state;
    vt_caps caps = unit_caps_workgroup();
    vt_problem problem = unit_of_layout(VATTEN_LAYOUT_MATRIX_WORKGROUP, 128, 128);
    if (!built())
        skip();
    vt_tile tile = unit_tuned(&said, &caps, &problem);
    assert_tile(&tile, 256, 64, 64);
    problem = unit_of_layout(VATTEN_LAYOUT_MATRIX_WORKGROUP, 64, 256);
    tile = unit_tuned(&said, &caps, &problem);
    assert_tile(&tile, 256, 64, 64); /* the row has 32 keys, and the device's matrices 64 columns */
    caps.flexible_count = 1;
    tile = unit_tuned(&said, &caps, &problem);
    assert_tile(&tile, 128, 32, 32);
    problem = unit_of_layout(VATTEN_LAYOUT_MATRIX_WORKGROUP, 128, 128);
    tile = unit_tuned(&said, &caps, &problem);
    assert_tile(&tile, 128, 64, 32);
    caps.flexible[0] = (vt_flexible){{8, 8, 8}, 64};
    tile = unit_tuned(&said, &caps, &problem);
    assert_tile(&tile, 64, 8, 16);
    caps.flexible[0] = (vt_flexible){{32, 16, 64}, 512};
    tile = unit_tuned(&said, &caps, &problem);
    assert_tile(&tile, 512, 32, 64);
}

static void each_dtype_has_matrices_of_its_own(void **state) {
    (void)state;
    vt_caps caps = unit_caps_workgroup();
    vt_problem problem = unit_of_layout(VATTEN_LAYOUT_MATRIX_WORKGROUP, 64, 64);
    if (!vt_kernels_have_dtype(VATTEN_LAYOUT_MATRIX_WORKGROUP, VATTEN_DTYPE_BF16))
        skip();
    problem.dtype = VATTEN_DTYPE_BF16;
    const vt_tile tile = unit_tuned(&said, &caps, &problem);
    assert_tile(&tile, 128, 64, 32);
    caps.bf16_flexible_count = 0;
    unit_tile_refused(&said, &caps, &problem,
                      "the device lists no such matrices of a workgroup with f32 sums");
}

static void every_row_of_the_layout_is_reached(void **state) {
    (void)state;
    bool reached[128] = {false};
    vt_caps caps = unit_caps_workgroup();
    assert_true(vt_tune_table_count <= 128);
    if (!built())
        skip();
    caps.flexible_count = 3;
    caps.flexible[2] = (vt_flexible){{16, 16, 16}, 64};
    for (uint32_t dim = 1; dim <= 256; ++dim) {
        const vt_problem problem = unit_of_layout(VATTEN_LAYOUT_MATRIX_WORKGROUP, dim, dim);
        vt_tile tile;
        for (uint32_t row = 0; vt_tune(&caps, NULL, &problem, &row, &tile) == VATTEN_SUCCESS; ++row)
            reached[row] = true;
    }
    for (uint32_t row = 0; row < vt_tune_table_count; ++row)
        assert_true(reached[row] || vt_tune_table[row].layout != VATTEN_LAYOUT_MATRIX_WORKGROUP);
}

/* ---- What a tile keeps to ---- */

static void check_fit(const vt_caps *caps, const vt_problem *problem, const vt_tile *tile) {
    const vt_matrix *grain = &tile->matrix;
    bool listed = false;
    for (uint32_t i = 0; i < caps->flexible_count; ++i)
        listed = listed || (caps->flexible[i].invocations == tile->workgroup &&
                            memcmp(&caps->flexible[i].grain, grain, sizeof *grain) == 0);
    assert_true(listed && tile->hold);
    assert_true(tile->rows % grain->m == 0 && tile->keys % grain->n == 0 && tile->keys % grain->k == 0);
    assert_int_equal(tile->lanes_per_row, tile->keys);
    assert_true(tile->dim_pad >= problem->dim && tile->dim_pad < problem->dim + grain->k);
    assert_true(tile->value_pad >= problem->value_dim && tile->value_pad < problem->value_dim + grain->n);
    assert_true(tile->dim_pad % grain->k == 0 && tile->value_pad % grain->n == 0);
    assert_true(tile->rows <= caps->matrix_side_max && tile->keys <= caps->matrix_side_max);
    assert_true(tile->dim_pad <= caps->matrix_side_max && tile->value_pad <= caps->matrix_side_max);
    assert_int_equal(tile->shared_bytes, caps->matrix_reserved);
    assert_int_equal(tile->subgroup, caps->matrix_subgroup);
    assert_true(tile->workgroup % tile->subgroup == 0 && tile->iterations >= 2 * tile->keys);
}

static void every_dim_up_to_256_has_a_tile(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_workgroup();
    if (!built())
        skip();
    for (uint32_t dim = 1; dim <= 256; ++dim) {
        const vt_problem problems[] = {unit_of_layout(VATTEN_LAYOUT_MATRIX_WORKGROUP, dim, dim),
                                       unit_of_layout(VATTEN_LAYOUT_MATRIX_WORKGROUP, dim, 256),
                                       unit_of_layout(VATTEN_LAYOUT_MATRIX_WORKGROUP, 256, dim)};
        for (int i = 0; i < 3; ++i) {
            const vt_tile tile = unit_tuned(&said, &caps, &problems[i]);
            check_fit(&caps, &problems[i], &tile);
        }
    }
}

/* Whatever a caller writes into a tile, the answer is a tile that keeps the rules or a refusal. */
static void absurd_requests_are_refused_not_obeyed(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_workgroup();
    const uint32_t sizes[] = {0, 1, 8, 16, 32, 48, 64, 128, 256, 1024, 1025, 0x40000000u, UINT32_MAX};
    const size_t n = sizeof sizes / sizeof sizes[0];
    for (size_t i = 0; i < n * n * n * n; ++i) {
        vt_problem problem = unit_of_layout(VATTEN_LAYOUT_MATRIX_WORKGROUP, 80, 48);
        problem.tile.workgroup = sizes[i % n];
        problem.tile.rows = sizes[i / n % n];
        problem.tile.keys = sizes[i / n / n % n];
        problem.tile.lanes_per_row = sizes[i / n / n / n];
        uint32_t row = 0;
        vt_tile tile;
        if (vt_tune(&caps, NULL, &problem, &row, &tile) == VATTEN_SUCCESS)
            check_fit(&caps, &problem, &tile);
    }
}

/* Rows of tensors that begin at multiples of 16 bytes, and no nearer to each other than they are long. */
static uint32_t vector_of(uint64_t dim, uint64_t token, uint64_t head) {
    vt_problem problem = unit_of_layout(VATTEN_LAYOUT_MATRIX_WORKGROUP, (uint32_t)dim, (uint32_t)dim);
    const vt_tile tile = {.layout = VATTEN_LAYOUT_MATRIX_WORKGROUP};
    const vt_tensor tensor = {.batch = 1024, .head = head, .token = token};
    uint32_t spec[VT_SPEC_COUNT];
    problem.element_bytes = 2;
    problem.q = problem.k = problem.v = problem.out = tensor;
    vt_attend_spec(&problem, &tile, spec);
    return spec[VT_SPEC_VECTOR];
}

static void tensors_are_loaded_where_rows_are_aligned_and_apart(void **state) {
    (void)state;
    assert_int_equal(vector_of(64, 128, 64), VT_VECTOR_EIGHT);
    assert_int_equal(vector_of(64, 64, 640), VT_VECTOR_EIGHT);
    assert_int_equal(vector_of(24, 24, 48), VT_VECTOR_EIGHT);
    assert_int_equal(vector_of(20, 24, 48), VT_VECTOR_FOUR);
    assert_int_equal(vector_of(64, 68, 680), VT_VECTOR_FOUR);
    assert_int_equal(vector_of(64, 65, 650), VT_VECTOR_NONE);
    assert_int_equal(vector_of(64, 0, 64), VT_VECTOR_FOUR); /* one key again and again */
    assert_int_equal(vector_of(64, 56, 640), VT_VECTOR_FOUR);
}

/* ---- What is said ---- */

static void a_build_or_device_without_it_says_so(void **state) {
    (void)state;
    vt_caps caps = unit_caps_workgroup();
    vt_problem problem = unit_of_layout(VATTEN_LAYOUT_MATRIX_WORKGROUP, 64, 64);
    if (!built()) {
        unit_tile_refused(
            &said, &caps, &problem,
            vt_kernels_have(VATTEN_LAYOUT_MATRIX)
                ? "the library was built without the MATRIX_WORKGROUP layout, by a shader compiler without "
                  "GL_NV_cooperative_matrix2"
                : "the library was built without the MATRIX layout, by a shader compiler without "
                  "GL_KHR_cooperative_matrix");
        return;
    }
    problem.dtype = VATTEN_DTYPE_F32;
    unit_tile_refused(&said, &caps, &problem, "the MATRIX layouts take dtypes F16 and BF16 only");
    problem = unit_of_layout(VATTEN_LAYOUT_MATRIX_WORKGROUP, 257, 64);
    unit_tile_refused(&said, &caps, &problem,
                      "no tile of that layout is for these dims and a device of these registers");
    problem = unit_of_layout(VATTEN_LAYOUT_MATRIX_WORKGROUP, 64, 64);
    caps.matrix_subgroup = 0;
    unit_tile_refused(&said, &caps, &problem, "the subgroup size of a compute pipeline is not sure");
    caps.flexible_count = 0;
    unit_tile_refused(&said, &caps, &problem,
                      "the device lists no such matrices of a workgroup with f32 sums");
    caps.features &= ~(vatten_features)VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP;
    unit_tile_refused(
        &said, &caps, &problem,
        "the MATRIX_WORKGROUP layout needs VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP, which is not "
        "enabled");
}

static void assert_tile_refused(const vt_caps *caps, vatten_tile tile, const char *why) {
    vt_problem problem = unit_of_layout(VATTEN_LAYOUT_MATRIX_WORKGROUP, 64, 64);
    tile.layout = VATTEN_LAYOUT_MATRIX_WORKGROUP;
    problem.tile = tile;
    unit_tile_refused(&said, caps, &problem, why);
}

static void tiles_that_do_not_fit_say_why(void **state) {
    (void)state;
    vt_caps caps = unit_caps_workgroup();
    if (!built())
        skip();
    assert_tile_refused(&caps, (vatten_tile){.workgroup = 64},
                        "the device lists no matrices for a workgroup of so many invocations");
    assert_tile_refused(&caps, (vatten_tile){.workgroup = 2048},
                        "workgroup is above the device's invocations");
    assert_tile_refused(&caps, (vatten_tile){.workgroup = 256, .rows = 48},
                        "rows must be a multiple of what the device's matrices of a workgroup have");
    assert_tile_refused(&caps, (vatten_tile){.workgroup = 256, .keys = 96},
                        "keys must be a multiple of what the device's matrices of a workgroup have");
    assert_tile_refused(&caps, (vatten_tile){.workgroup = 256, .lanes_per_row = 8},
                        "lanes_per_row must be keys in the MATRIX_WORKGROUP layout");
    caps.matrix_side_max = 48;
    assert_tile_refused(&caps, (vatten_tile){.rows = 32, .keys = 64},
                        "rows, keys or dims are above the longest side of the device's matrices");
    caps.matrix_side_max = 1024;
    caps.subgroups = 1;
    assert_tile_refused(&caps, (vatten_tile){.workgroup = 0},
                        "workgroup has more subgroups than the device takes");
    caps.subgroups = 32;
    caps.shared_bytes = 16383;
    assert_tile_refused(&caps, (vatten_tile){.workgroup = 0},
                        "not enough shared memory for what the driver takes for matrices of a workgroup");
    caps.shared_bytes = 16384;
    const vt_problem problem = unit_of_layout(VATTEN_LAYOUT_MATRIX_WORKGROUP, 64, 64);
    assert_int_equal(unit_tuned(&said, &caps, &problem).shared_bytes, 16384);
}

static void grains_that_tiles_cannot_be_made_of_are_not_taken(void **state) {
    (void)state;
    assert_true(vt_caps_takes_flexible(&(vt_flexible){{16, 32, 16}, 128}));
    assert_false(vt_caps_takes_flexible(&(vt_flexible){{16, 32, 16}, 0}));
    assert_false(vt_caps_takes_flexible(&(vt_flexible){{0, 32, 16}, 128}));
    assert_false(vt_caps_takes_flexible(&(vt_flexible){{16, 24, 16}, 128}));
    assert_false(vt_caps_takes_flexible(&(vt_flexible){{16, 32, 512}, 128}));
}

/* Their units, or their registers, are not to be had: nor are those of a workgroup. */
static void devices_whose_matrices_are_not_asked_have_none(void **state) {
    (void)state;
    vt_caps caps = unit_caps_workgroup();
    char text[64];
    vt_caps_flexible_names(&caps, VATTEN_DTYPE_F16, text, sizeof text);
    assert_string_equal(text, "16x16x16/128 32x64x16/256");
    vt_caps_flexible_names(&caps, VATTEN_DTYPE_BF16, text, sizeof text);
    assert_string_equal(text, "16x16x16/128");
    caps.vendor_id = 0x8086;
    vt_caps_complete(&caps);
    assert_int_equal(caps.flexible_count + caps.bf16_flexible_count, 0);
    vt_caps_flexible_names(&caps, VATTEN_DTYPE_F16, text, sizeof text);
    assert_string_equal(text, "");
}

#define TEST(NAME) cmocka_unit_test_setup(NAME, start)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(it_is_taken_only_when_asked),
        TEST(workgroups_are_those_that_the_device_lists),
        TEST(each_dtype_has_matrices_of_its_own),
        TEST(every_row_of_the_layout_is_reached),
        TEST(every_dim_up_to_256_has_a_tile),
        TEST(absurd_requests_are_refused_not_obeyed),
        TEST(tensors_are_loaded_where_rows_are_aligned_and_apart),
        TEST(a_build_or_device_without_it_says_so),
        TEST(tiles_that_do_not_fit_say_why),
        TEST(grains_that_tiles_cannot_be_made_of_are_not_taken),
        TEST(devices_whose_matrices_are_not_asked_have_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
