/* SPDX-License-Identifier: MIT
 *
 * Tiles of the layouts MATRIX and MATRIX2, and what is said where there is none. A build whose shader compiler knows no
 * cooperative matrices has no kernels of them: then only that is left to say.
 */
#include "mass_rules.h"
#include "unit.h"

static unit_log said;

static int start(void **state) {
    (void)state;
    unit_log_start(&said);
    return 0;
}

static bool built(void) {
    return vt_kernels_have(VATTEN_LAYOUT_MATRIX);
}

/* MATRIX, and MATRIX2 if the build has it. */
static uint32_t layouts_built(vatten_layout out[2]) {
    out[0] = VATTEN_LAYOUT_MATRIX;
    out[1] = VATTEN_LAYOUT_MATRIX2;
    return vt_kernels_have(VATTEN_LAYOUT_MATRIX2) ? 2 : 1;
}

static vt_tile tuned(const vt_caps *caps, const vt_problem *problem) {
    return unit_tuned(&said, caps, problem);
}

static void assert_tile_refused(const vt_caps *caps, vatten_tile tile, const char *why) {
    vt_problem problem = unit_of_layout(VATTEN_LAYOUT_MATRIX, 64, 64);
    problem.tile = tile;
    unit_tile_refused(&said, caps, &problem, why);
}

/* ---- Where it is chosen ---- */

static vatten_layout chosen(const vt_caps *caps, const vt_problem *problem) {
    vt_problem any = *problem;
    any.tile.layout = VATTEN_LAYOUT_AUTO;
    return tuned(caps, &any).layout;
}

static void gpus_choose_matrix_for_types_of_16_bits(void **state) {
    (void)state;
    vt_caps caps = unit_caps_matrix();
    vt_problem problem = unit_of_layout(VATTEN_LAYOUT_MATRIX, 64, 64);
    if (!built())
        skip();
    assert_int_equal(chosen(&caps, &problem), VATTEN_LAYOUT_MATRIX);
    problem.dtype = VATTEN_DTYPE_F32;
    assert_int_equal(chosen(&caps, &problem), VATTEN_LAYOUT_SUBGROUP);
    problem.dtype = VATTEN_DTYPE_BF16;
    bool bf16 = vt_kernels_have_dtype(VATTEN_LAYOUT_MATRIX, VATTEN_DTYPE_BF16);
    assert_int_equal(chosen(&caps, &problem), bf16 ? VATTEN_LAYOUT_MATRIX : VATTEN_LAYOUT_SUBGROUP);
    caps.features &= ~(vatten_features)VATTEN_FEATURE_COOPERATIVE_MATRIX_BF16;
    assert_int_equal(chosen(&caps, &problem), VATTEN_LAYOUT_SUBGROUP);
    problem.dtype = VATTEN_DTYPE_F16;
    problem.dim = 257;
    assert_int_equal(chosen(&caps, &problem), VATTEN_LAYOUT_SUBGROUP);
    problem.dim = 64;
    caps.features &= ~(vatten_features)VATTEN_FEATURE_COOPERATIVE_MATRIX;
    assert_int_equal(chosen(&caps, &problem), VATTEN_LAYOUT_SUBGROUP);
}

static void what_matrices_cannot_do_is_done_without(void **state) {
    (void)state;
    const vt_mass mass = {0};
    const vt_caps caps = unit_caps_matrix();
    vt_problem problem = unit_of_layout(VATTEN_LAYOUT_MATRIX, 64, 64);
    if (!built())
        skip();
    problem.q_len = 1; /* few rows */
    problem.rules = (vt_rules){.used = true, .sequences = 1, .tile_heads = 8};
    assert_int_equal(chosen(&caps, &problem), VATTEN_LAYOUT_SUBGROUP);
    problem.q_len = 512;
    assert_int_equal(chosen(&caps, &problem), VATTEN_LAYOUT_MATRIX);
    problem.rules.normaliser = VATTEN_NORMALISER_RELU;
    assert_int_equal(chosen(&caps, &problem), VATTEN_LAYOUT_SUBGROUP);
    problem.rules.normaliser = VATTEN_NORMALISER_SOFTMAX;
    problem.kv_bytes = true;
    assert_int_equal(chosen(&caps, &problem), VATTEN_LAYOUT_SUBGROUP);
    problem.kv_bytes = false;
    problem.mass = &mass;
    assert_int_equal(chosen(&caps, &problem), VATTEN_LAYOUT_SUBGROUP);
}

static void small_dims_of_masks_told_by_pairs_go_without(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_matrix();
    vt_problem problem = unit_of_layout(VATTEN_LAYOUT_MATRIX, 32, 32);
    if (!built())
        skip();
    assert_int_equal(chosen(&caps, &problem), VATTEN_LAYOUT_MATRIX);
    problem.q_len = 512;
    problem.rules = (vt_rules){.used = true, .sequences = 1, .tile_heads = 1};
    assert_int_equal(chosen(&caps, &problem), VATTEN_LAYOUT_SUBGROUP);
    problem.value_dim = 33;
    assert_int_equal(chosen(&caps, &problem), VATTEN_LAYOUT_MATRIX);
    problem = unit_of_layout(VATTEN_LAYOUT_MATRIX, 32, 32);
    problem.map = VT_MAP_LISTS;
    problem.list.q_block = 64;
    assert_int_equal(chosen(&caps, &problem), VATTEN_LAYOUT_SUBGROUP);
    problem.dim = 64;
    assert_int_equal(chosen(&caps, &problem), VATTEN_LAYOUT_MATRIX);
}

/* They have none of their own: rows of a product are computed one by one. */
static void cpus_take_it_only_when_asked(void **state) {
    (void)state;
    vt_caps caps = unit_caps_matrix();
    const vt_problem problem = unit_of_layout(VATTEN_LAYOUT_MATRIX, 64, 64);
    if (!built())
        skip();
    caps.device_type = VT_DEVICE_CPU;
    vt_caps_complete(&caps);
    assert_int_equal(chosen(&caps, &problem), VATTEN_LAYOUT_ROWS);
    assert_int_equal(tuned(&caps, &problem).layout, VATTEN_LAYOUT_MATRIX);
}

static void matrix2_is_taken_only_when_asked(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_matrix();
    vt_problem problem = unit_of_layout(VATTEN_LAYOUT_MATRIX, 64, 64);
    problem.tile.layout = VATTEN_LAYOUT_AUTO;
    vt_tile tile;
    for (uint32_t row = 0; vt_tune(&caps, NULL, &problem, &row, &tile) == VATTEN_SUCCESS; ++row)
        assert_int_not_equal(tile.layout, VATTEN_LAYOUT_MATRIX2);
}

static void every_row_of_its_layout_is_reached(void **state) {
    (void)state;
    bool reached[128] = {false};
    const vt_caps caps = unit_caps_matrix();
    vatten_layout layouts[2];
    uint32_t count = layouts_built(layouts);
    assert_true(vt_tune_table_count <= 128);
    if (!built())
        skip();
    for (uint32_t dim = 1; dim <= 256; ++dim)
        for (uint32_t n = 0; n < count; ++n) {
            const vt_problem problem = unit_of_layout(layouts[n], dim, dim);
            vt_tile tile;
            for (uint32_t row = 0; vt_tune(&caps, NULL, &problem, &row, &tile) == VATTEN_SUCCESS; ++row)
                reached[row] = true;
        }
    for (uint32_t row = 0; row < vt_tune_table_count; ++row)
        for (uint32_t n = 0; n < count; ++n)
            assert_true(reached[row] || vt_tune_table[row].layout != layouts[n]);
}

/* ---- What a tile keeps to ---- */

/* Bytes of matrix_tiles.glsl's stage and layout_matrix.glsl's stage_p, words of four elements, and stage_s, of vec4. */
static uint32_t declared_bytes(const vt_tile *tile) {
    uint32_t q = tile->dim_pad / 4 + 2;
    uint32_t v = tile->value_pad / 4 + 2;
    uint32_t queries = tile->rows * q;
    uint32_t keys = tile->keys * (q > v ? q : v);
    uint32_t stage = !tile->hold ? queries + keys : queries > keys ? queries : keys;
    uint32_t stage_p = tile->rows * (tile->keys / 4 + 2);
    uint32_t stage_s = tile->rows * (tile->keys / 4 + 1);
    return tile->layout == VATTEN_LAYOUT_MATRIX2 ? 8 * stage : 8 * (stage + stage_p) + 16 * stage_s;
}

static void check_lanes(const vt_tile *tile) {
    if (tile->layout == VATTEN_LAYOUT_MATRIX2) {
        assert_true(tile->lanes_per_row == tile->matrix.n && tile->matrix.n == tile->matrix.k);
        return;
    }
    assert_int_equal(tile->keys % (4 * tile->lanes_per_row), 0);
    assert_true(tile->lanes_per_row <= tile->subgroup);
    assert_int_equal(tile->rows % (tile->workgroup / tile->lanes_per_row), 0);
}

static void check_fit(const vt_caps *caps, const vt_problem *problem, const vt_tile *tile) {
    const vt_matrix *matrix = &tile->matrix;
    assert_int_equal(tile->layout, problem->tile.layout);
    assert_int_equal(tile->subgroup, caps->matrix_subgroup);
    assert_int_equal(tile->hold, tile->dim_pad <= (tile->layout == VATTEN_LAYOUT_MATRIX2 ? 64 : 128));
    assert_int_equal(tile->shared_bytes, declared_bytes(tile));
    assert_true(tile->shared_bytes <= caps->shared_bytes && tile->workgroup <= caps->invocations);
    assert_int_equal(tile->workgroup % tile->subgroup, 0);
    uint32_t subgroups = tile->workgroup / tile->subgroup;
    assert_true(subgroups <= caps->subgroups);
    assert_int_equal(tile->rows % (subgroups * matrix->m), 0);
    assert_true(tile->keys % matrix->n == 0 && tile->keys % matrix->k == 0);
    check_lanes(tile);
    assert_true(tile->dim_pad >= problem->dim && tile->dim_pad < problem->dim + matrix->k);
    assert_true(tile->value_pad >= problem->value_dim && tile->value_pad < problem->value_dim + matrix->n);
    assert_true(tile->dim_pad % matrix->k == 0 && tile->value_pad % matrix->n == 0);
    assert_true(tile->iterations >= 1);
}

static void check_dims(const vt_caps *caps, uint32_t dim) {
    vatten_layout layouts[2];
    uint32_t count = layouts_built(layouts);
    bool square = caps->matrices[0].n == caps->matrices[0].k;
    for (uint32_t i = 0; i < (square ? count : 1); ++i) {
        const vatten_layout layout = layouts[i];
        const vt_problem problems[] = {unit_of_layout(layout, dim, dim), unit_of_layout(layout, dim, 256),
                                       unit_of_layout(layout, 256, dim)};
        for (int n = 0; n < 3; ++n) {
            const vt_tile tile = tuned(caps, &problems[n]);
            check_fit(caps, &problems[n], &tile);
        }
    }
}

static void every_dim_up_to_256_has_a_tile(void **state) {
    (void)state;
    static const vt_matrix matrices[] = {{16, 16, 16}, {16, 8, 16}, {8, 16, 16}, {8, 8, 16}, {8, 8, 8}};
    if (!built())
        skip();
    for (uint32_t size = 8; size <= 32; size *= 2)
        for (size_t i = 0; i < sizeof matrices / sizeof matrices[0]; ++i) {
            vt_caps caps = unit_caps_matrix();
            caps.subgroup_min = caps.subgroup_max = caps.subgroup_size = size;
            caps.shared_bytes = 32768;
            caps.matrix_count = 1;
            caps.matrices[0] = matrices[i];
            vt_caps_complete(&caps);
            for (uint32_t dim = 1; dim <= 256; ++dim)
                check_dims(&caps, dim);
        }
}

static void the_largest_matrix_that_fits_is_taken(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_matrix();
    vt_problem problem = unit_of_layout(VATTEN_LAYOUT_MATRIX, 64, 40);
    if (!built())
        skip();
    vt_tile tile = tuned(&caps, &problem);
    assert_true(tile.matrix.m == 16 && tile.matrix.n == 16 && tile.matrix.k == 16);
    assert_int_equal(tile.value_pad, 48);
    problem.tile.keys = 24; /* eights, but no sixteens */
    tile = tuned(&caps, &problem);
    assert_true(tile.matrix.m == 16 && tile.matrix.n == 8 && tile.matrix.k == 8);
    assert_int_equal(tile.value_pad, 40);
}

static void each_dtype_has_matrices_of_its_own(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_matrix();
    vt_problem problem = unit_of_layout(VATTEN_LAYOUT_MATRIX, 64, 40);
    if (!vt_kernels_have_dtype(VATTEN_LAYOUT_MATRIX, VATTEN_DTYPE_BF16))
        skip();
    problem.dtype = VATTEN_DTYPE_BF16;
    vt_tile tile = tuned(&caps, &problem);
    assert_true(tile.matrix.m == 16 && tile.matrix.n == 8 && tile.matrix.k == 16);
    assert_int_equal(tile.value_pad, 40);
}

/* P becomes a factor as it is, so that of 16x16x16, 16x8x16 and 16x8x8 the second is none. */
static void matrix2_takes_as_many_keys_as_a_matrix_has_columns(void **state) {
    (void)state;
    vt_caps caps = unit_caps_matrix();
    vt_problem problem = unit_of_layout(VATTEN_LAYOUT_MATRIX2, 64, 64);
    if (!vt_kernels_have(VATTEN_LAYOUT_MATRIX2))
        skip();
    vt_tile tile = tuned(&caps, &problem);
    assert_true(tile.matrix.n == 16 && tile.matrix.k == 16);
    assert_int_equal(tile.lanes_per_row, 16);
    problem.tile.keys = 24;
    tile = tuned(&caps, &problem);
    assert_true(tile.matrix.n == 8 && tile.matrix.k == 8);
    assert_int_equal(tile.lanes_per_row, 8);
    problem.tile = (vatten_tile){.layout = VATTEN_LAYOUT_MATRIX2, .lanes_per_row = 4};
    unit_tile_refused(&said, &caps, &problem,
                      "lanes_per_row must be the columns of a matrix in the MATRIX2 layout");
    caps.matrix_count = 1;
    caps.matrices[0] = (vt_matrix){16, 8, 16};
    problem.tile.lanes_per_row = 0;
    unit_tile_refused(&said, &caps, &problem,
                      "the MATRIX2 layout needs matrices with as many columns as a product takes keys");
}

static void lanes_share_rows_no_more_than_they_must(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_matrix();
    vt_problem problem = unit_of_layout(VATTEN_LAYOUT_MATRIX, 64, 64);
    if (!built())
        skip();
    const struct { uint32_t rows, lanes; } expected[] = {{64, 2}, {128, 1}, {192, 2}, {256, 1}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; ++i) {
        problem.tile = (vatten_tile){VATTEN_LAYOUT_MATRIX, 128, expected[i].rows, 16, 0};
        problem.dim = problem.value_dim = 8;
        assert_int_equal(tuned(&caps, &problem).lanes_per_row, expected[i].lanes);
    }
}

/* ---- What is said ---- */

static void a_build_or_device_without_it_says_so(void **state) {
    (void)state;
    vt_caps caps = unit_caps_matrix();
    vt_problem problem = unit_of_layout(VATTEN_LAYOUT_MATRIX, 64, 64);
    if (!built()) {
        unit_tile_refused(&said, &caps, &problem,
                          "the library was built without the MATRIX layout, by a shader compiler without "
                          "GL_KHR_cooperative_matrix");
        return;
    }
    problem.dtype = VATTEN_DTYPE_F32;
    unit_tile_refused(&said, &caps, &problem, "the MATRIX layouts take dtypes F16 and BF16 only");
    problem = unit_of_layout(VATTEN_LAYOUT_MATRIX, 257, 64);
    unit_tile_refused(&said, &caps, &problem,
                      "no tile of that layout is for these dims and a device of these registers");
    problem = unit_of_layout(VATTEN_LAYOUT_MATRIX, 64, 64);
    caps.subgroup_ops = VT_SUBGROUP_BASIC;
    unit_tile_refused(&said, &caps, &problem, "the device has no subgroup shuffles");
    caps.matrix_subgroup = 0;
    unit_tile_refused(&said, &caps, &problem, "the subgroup size of a compute pipeline is not sure");
    caps.features &= ~(vatten_features)VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL;
    unit_tile_refused(&said, &caps, &problem,
                      "the MATRIX layouts need VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL, which is not enabled");
    caps.features |= VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL;
    caps.matrix_count = 0;
    unit_tile_refused(&said, &caps, &problem,
                      "the device multiplies no such matrices with f32 sums in a subgroup, or has too few "
                      "registers to hold the sums");
    caps.features = 0;
    unit_tile_refused(&said, &caps, &problem,
                      "the MATRIX layouts need VATTEN_FEATURE_COOPERATIVE_MATRIX, which is not enabled");
}

static void bf16_and_matrix2_have_features_and_compilers_of_their_own(void **state) {
    (void)state;
    vt_caps caps = unit_caps_matrix();
    vt_problem bf16 = unit_of_layout(VATTEN_LAYOUT_MATRIX, 64, 64);
    const vt_problem inside = unit_of_layout(VATTEN_LAYOUT_MATRIX2, 64, 64);
    if (!built())
        skip();
    bf16.dtype = VATTEN_DTYPE_BF16;
    caps.features &=
        ~(vatten_features)(VATTEN_FEATURE_COOPERATIVE_MATRIX_BF16 | VATTEN_FEATURE_COOPERATIVE_MATRIX_2);
    unit_tile_refused(
        &said, &caps, &bf16,
        vt_kernels_have_dtype(VATTEN_LAYOUT_MATRIX, VATTEN_DTYPE_BF16)
            ? "matrices of bf16 need VATTEN_FEATURE_COOPERATIVE_MATRIX_BF16, which is not enabled"
            : "the library was built without matrices of bf16, by a shader compiler without "
              "GL_EXT_bfloat16");
    unit_tile_refused(
        &said, &caps, &inside,
        vt_kernels_have(VATTEN_LAYOUT_MATRIX2)
            ? "the MATRIX2 layout needs VATTEN_FEATURE_COOPERATIVE_MATRIX_2, which is not enabled"
            : "the library was built without the MATRIX2 layout, by a shader compiler without "
              "GL_NV_cooperative_matrix2");
}

static void tiles_that_do_not_fit_say_why(void **state) {
    (void)state;
    vt_caps caps = unit_caps_matrix();
    const vatten_layout matrix = VATTEN_LAYOUT_MATRIX;
    if (!built())
        skip();
    assert_tile_refused(&caps, (vatten_tile){matrix, 2048, 0, 0, 0},
                        "workgroup is above the device's invocations");
    assert_tile_refused(&caps, (vatten_tile){matrix, 48, 16, 16, 1},
                        "workgroup must be a multiple of the subgroup size");
    assert_tile_refused(&caps, (vatten_tile){matrix, 16, 16, 16, 1},
                        "workgroup must be a multiple of the subgroup size");
    assert_tile_refused(&caps, (vatten_tile){matrix, 64, 48, 16, 0},
                        "each subgroup must own whole matrices of rows");
    assert_tile_refused(&caps, (vatten_tile){matrix, 64, 32, 12, 0}, "keys must be whole matrices");
    assert_tile_refused(&caps, (vatten_tile){matrix, 64, 32, 16, 8},
                        "keys must be a multiple of 4 lanes_per_row");
    assert_tile_refused(&caps, (vatten_tile){matrix, 64, 32, 16, 3},
                        "lanes_per_row must be a power of two that divides workgroup");
    assert_tile_refused(&caps, (vatten_tile){matrix, 64, 32, 16, 1},
                        "rows must be a multiple of workgroup / lanes_per_row");
    assert_tile_refused(&caps, (vatten_tile){matrix, 64, 32, 256, 64},
                        "lanes_per_row is above the subgroup size");
    assert_tile_refused(&caps, (vatten_tile){matrix, 64, 512, 16, 0}, "not enough shared memory");
    caps.subgroups = 2;
    assert_tile_refused(&caps, (vatten_tile){matrix, 128, 0, 16, 0},
                        "workgroup has more subgroups than the device takes");
}

/* Whatever a caller writes into a tile, the answer is a tile that keeps the rules or a refusal. */
static void absurd_requests_are_refused_not_obeyed(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_matrix();
    const uint32_t sizes[] = {0,  1,    2,    3,           7,           8,           16,          32,
                              64, 1024, 1025, 0x3fffffffu, 0x40000000u, 0x7fffffffu, 0x80000000u, UINT32_MAX};
    const size_t n = sizeof sizes / sizeof sizes[0];
    for (size_t i = 0; i < n * n * n * n; ++i) {
        vt_problem problem = unit_of_layout(i % 2 ? VATTEN_LAYOUT_MATRIX : VATTEN_LAYOUT_MATRIX2, 80, 48);
        problem.tile.workgroup = sizes[i % n];
        problem.tile.rows = sizes[i / n % n];
        problem.tile.keys = sizes[i / n / n % n];
        problem.tile.lanes_per_row = sizes[(i / n / n / n + i) % n];
        uint32_t row = 0;
        vt_tile tile;
        if (vt_tune(&caps, NULL, &problem, &row, &tile) == VATTEN_SUCCESS)
            check_fit(&caps, &problem, &tile);
    }
}

#define TEST(NAME) cmocka_unit_test_setup(NAME, start)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(gpus_choose_matrix_for_types_of_16_bits),
        TEST(what_matrices_cannot_do_is_done_without),
        TEST(small_dims_of_masks_told_by_pairs_go_without),
        TEST(cpus_take_it_only_when_asked),
        TEST(matrix2_is_taken_only_when_asked),
        TEST(every_row_of_its_layout_is_reached),
        TEST(every_dim_up_to_256_has_a_tile),
        TEST(the_largest_matrix_that_fits_is_taken),
        TEST(each_dtype_has_matrices_of_its_own),
        TEST(matrix2_takes_as_many_keys_as_a_matrix_has_columns),
        TEST(lanes_share_rows_no_more_than_they_must),
        TEST(a_build_or_device_without_it_says_so),
        TEST(bf16_and_matrix2_have_features_and_compilers_of_their_own),
        TEST(tiles_that_do_not_fit_say_why),
        TEST(absurd_requests_are_refused_not_obeyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
