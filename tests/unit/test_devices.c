/* SPDX-License-Identifier: MIT
 *
 * Every dim on every recorded device, and on the least that Vulkan guarantees: there is a tile, and it keeps
 * what the shaders rely on. The rules and the shared memory are told a second time here, from the shaders'
 * declarations.
 */
#include "unit.h"

#include "profiles.h"
#include "quirks.h"
#include "tune.h"

static profiles known;

static int load(void **state) {
    (void)state;
    return profiles_load(VATTEN_DEVICES_FILE, &known) ? 0 : -1;
}

static uint32_t ceil_to(uint32_t value, uint32_t grain) {
    uint32_t rest = value % grain;
    return rest ? value + grain - rest : value;
}

/* Bytes of all `shared` arrays: layout_split.glsl's stage_q and stage_kv, of vec4 or f16vec4, and exchange_shared.glsl's
 * exchange_p and exchange_part, of 4 bytes. */
static uint32_t declared_bytes(const vt_tile *tile) {
    if (tile->layout == VATTEN_LAYOUT_ROWS || tile->layout == VATTEN_LAYOUT_STREAM)
        return 0;
    uint32_t stage_q = tile->rows * (tile->dim_pad / 4 + 1);
    uint32_t stage_k = tile->keys * (tile->dim_chunk / 4 + 1);
    uint32_t stage_v = tile->keys * (tile->value_pad / 4);
    uint32_t word = vt_layout_stages_f16(tile->layout) ? 8 : 16;
    uint32_t bytes = word * (stage_q + (stage_k > stage_v ? stage_k : stage_v));
    bool pairs = tile->layout == VATTEN_LAYOUT_PACKED_SHARED && tile->keys / tile->lanes_per_row % 2 == 0;
    if (tile->layout == VATTEN_LAYOUT_SHARED || tile->layout == VATTEN_LAYOUT_PACKED_SHARED)
        bytes += 4 * tile->rows * ((pairs ? tile->keys / 2 : tile->keys) + 1) +
                 4 * tile->rows * tile->lanes_per_row;
    return bytes;
}

static uint32_t larger(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

/* Padded dims hold the real ones, divide into whole steps of their loop and waste less than one step; in the
 * ROWS layout the lanes load at least one element each. */
static void check_pads(const vt_problem *problem, const vt_tile *tile) {
    bool rows = tile->layout == VATTEN_LAYOUT_ROWS;
    uint32_t least = rows ? tile->workgroup : 1;
    uint32_t value_step = rows ? tile->dim_chunk : 4 * tile->lanes_per_row;
    assert_true(tile->dim_chunk % 4 == 0 && tile->dim_chunk > 0);
    assert_int_equal(tile->dim_pad, ceil_to(larger(problem->dim, least), tile->dim_chunk));
    assert_int_equal(tile->value_pad, ceil_to(larger(problem->value_dim, least), value_step));
}

static void check_fit(const vt_caps *caps, const vt_tile *tile) {
    assert_int_equal(tile->shared_bytes, declared_bytes(tile));
    assert_true(tile->shared_bytes <= caps->shared_bytes);
    assert_true(tile->workgroup <= caps->invocations && tile->workgroup <= caps->workgroup_size_x);
    assert_int_equal(tile->workgroup % tile->lanes_per_row, 0);
    assert_int_equal(tile->rows % (tile->workgroup / tile->lanes_per_row), 0);
    assert_int_equal(tile->keys % tile->lanes_per_row, 0);
    assert_int_equal(tile->lanes_per_row & (tile->lanes_per_row - 1), 0);
    bool shuffles = (caps->subgroup_ops & VT_SUBGROUP_SHUFFLE) != 0;
    bool alone = tile->layout == VATTEN_LAYOUT_SHARED || tile->layout == VATTEN_LAYOUT_PACKED_SHARED;
    if (!alone)
        assert_true(shuffles);
    if (tile->layout == VATTEN_LAYOUT_SUBGROUP ||
        (vt_layout_stages_f16(tile->layout) && !alone)) /* lanes of a row never straddle two subgroups */
        assert_true(tile->lanes_per_row <= caps->subgroup_min);
    bool one = tile->layout == VATTEN_LAYOUT_ROWS || tile->layout == VATTEN_LAYOUT_STREAM;
    if (one) /* the workgroup is one subgroup */
        assert_true(tile->workgroup <= caps->subgroup_min);
    assert_true(tile->iterations >= 1 && tile->iterations < caps->loop_limit);
}

static void check_device(const vt_caps *caps, uint32_t dim, uint32_t value_dim) {
    for (vatten_dtype dtype = VATTEN_DTYPE_F32; dtype <= VATTEN_DTYPE_BF16; ++dtype)
        for (vt_map map = VT_MAP_DENSE; map <= VT_MAP_NEIGHBORHOOD; ++map) {
            const vt_problem problem = {
                .map = map, .dtype = dtype, .dim = dim, .value_dim = value_dim, .q_len = 1 + dim % 20};
            unit_log said;
            unit_log_start(&said);
            uint32_t row = 0;
            vt_tile tile;
            if (vt_tune(caps, &said.logger, &problem, &row, &tile) != VATTEN_SUCCESS)
                fail_msg("%s", said.text);
            check_pads(&problem, &tile);
            check_fit(caps, &tile);
            for (vt_io io = VT_IO_PLAIN; io <= VT_IO_FULL; ++io)
                assert_true(vt_kernel_find(map, dtype, tile.layout, io,
                                           tile.repacks && dtype != VATTEN_DTYPE_F32) < vt_kernel_count);
        }
}

static void check_all_dims(const vt_caps *caps) {
    assert_true(caps->max_dim == VATTEN_MAX_DIM || caps->quirks & VT_QUIRK_PVR_SPILLS);
    for (uint32_t dim = 1; dim <= caps->max_dim; ++dim) {
        check_device(caps, dim, dim);
        check_device(caps, dim, caps->max_dim);
        check_device(caps, caps->max_dim, dim);
    }
}

/* With any layout, and by name, so that nobody looks for a tile of his own. */
static void check_refused(const vt_caps *caps, uint32_t dim, uint32_t value_dim) {
    for (vatten_layout layout = VATTEN_LAYOUT_AUTO; layout < VATTEN_LAYOUT_COUNT; ++layout) {
        const vt_problem problem = {.dtype = VATTEN_DTYPE_F32,
                                    .dim = dim,
                                    .value_dim = value_dim,
                                    .q_len = 9,
                                    .tile = {.layout = layout}};
        unit_log said;
        unit_log_start(&said);
        uint32_t row = 0;
        vt_tile tile;
        assert_int_equal(vt_tune(caps, &said.logger, &problem, &row, &tile), VATTEN_ERROR_UNSUPPORTED);
        assert_non_null(strstr(said.text, "takes dims up to 256 only"));
    }
}

static void dims_above_what_powervr_compiles_are_refused(void **state) {
    (void)state;
    int refusing = 0;
    for (uint32_t i = 0; i < known.count; ++i) {
        const vt_caps *caps = &known.list[i].caps;
        if (caps->max_dim == VATTEN_MAX_DIM)
            continue;
        ++refusing;
        assert_string_equal(known.list[i].id, "pvr");
        assert_int_equal(caps->max_dim, 256);
        check_refused(caps, 257, 8);
        check_refused(caps, 8, 257);
        check_refused(caps, VATTEN_MAX_DIM, VATTEN_MAX_DIM);
    }
    assert_int_equal(refusing, 1);
}

static void the_file_has_all_devices(void **state) {
    (void)state;
    assert_int_equal(known.count, 55);
}

static void every_dim_has_a_tile_on_every_device(void **state) {
    (void)state;
    for (uint32_t i = 0; i < known.count; ++i)
        check_all_dims(&known.list[i].caps);
}

static void every_dim_has_a_tile_on_the_least_that_vulkan_guarantees(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_least();
    check_all_dims(&caps);
}

/* The same device as a caller may lower it, to test or tune for another one. */
static void every_dim_has_a_tile_on_devices_lowered_to_the_least(void **state) {
    (void)state;
    const vatten_device_desc least = {
        .cap_shared_bytes = 16384, .cap_invocations = 128, .cap_no_subgroups = true};
    for (uint32_t i = 0; i < known.count; ++i) {
        vt_caps caps = known.list[i].caps;
        vt_caps_lower(&caps, &least);
        for (uint32_t dim = 1; dim <= caps.max_dim; dim += 23)
            check_device(&caps, dim, dim);
    }
}

static vt_caps with_f16(const vt_caps *caps) {
    vt_caps f16 = *caps;
    f16.features |=
        VATTEN_FEATURE_STORAGE_16BIT | VATTEN_FEATURE_SHADER_FLOAT16 | VATTEN_FEATURE_MIXED_DOT_PRODUCT;
    return f16;
}

static void check_f16(const vt_caps *caps, vatten_layout layout, uint32_t dim, uint32_t value_dim) {
    const vt_problem problem = {
        .dtype = VATTEN_DTYPE_F16, .dim = dim, .value_dim = value_dim, .q_len = 9, .tile.layout = layout};
    uint32_t row = 0;
    vt_tile tile;
    assert_int_equal(vt_tune(caps, NULL, &problem, &row, &tile), VATTEN_SUCCESS);
    assert_int_equal(tile.layout, layout);
    assert_true(!vt_layout_is_packed(layout) || tile.dim_chunk % 8 == 0);
    check_pads(&problem, &tile);
    check_fit(caps, &tile);
    for (vt_map map = VT_MAP_DENSE; map <= VT_MAP_NEIGHBORHOOD; ++map)
        assert_true(vt_kernel_find(map, VATTEN_DTYPE_F16, layout, VT_IO_FULL, false) < vt_kernel_count);
}

static void layouts_with_f16_have_a_tile_where_the_device_computes_in_it(void **state) {
    (void)state;
    for (uint32_t i = 0; i < known.count; ++i) {
        const vt_caps caps = with_f16(&known.list[i].caps);
        bool lanes = (caps.subgroup_ops & VT_SUBGROUP_SHUFFLE) != 0 && caps.subgroup_min >= 4;
        for (vatten_layout layout = VATTEN_LAYOUT_PACKED; layout <= VATTEN_LAYOUT_MIXED; ++layout)
            for (uint32_t dim = 1; dim <= caps.max_dim; dim += dim < 140 ? 1 : 20) {
                bool fits = layout == VATTEN_LAYOUT_PACKED_SHARED ? caps.registers >= 64 : lanes;
                if (!fits || !vt_kernels_have(layout))
                    continue;
                check_f16(&caps, layout, dim, dim);
                check_f16(&caps, layout, dim, caps.max_dim);
                check_f16(&caps, layout, caps.max_dim, dim);
            }
    }
}

static void why_there_is_no_tile_with_f16_is_told(void **state) {
    (void)state;
    static const struct {
        vatten_layout layout;
        vatten_dtype dtype;
        vatten_features features;
        bool bytes;
        vatten_normaliser normaliser;
        bool weights;
        const char *why;
    } cases[] = {
        {VATTEN_LAYOUT_PACKED, VATTEN_DTYPE_F32, ~0u, false, VATTEN_NORMALISER_SOFTMAX, false,
         "layouts with f16 in shared memory take dtype F16 only"},
        {VATTEN_LAYOUT_HALF, VATTEN_DTYPE_BF16, ~0u, false, VATTEN_NORMALISER_SOFTMAX, false,
         "layouts with f16 in shared memory take dtype F16 only"},
        {VATTEN_LAYOUT_HALF, VATTEN_DTYPE_F16, ~0u, true, VATTEN_NORMALISER_SOFTMAX, false,
         "layouts with f16 in shared memory take no keys of bytes"},
        {VATTEN_LAYOUT_PACKED_SHARED, VATTEN_DTYPE_F16, ~0u, false, VATTEN_NORMALISER_RELU, false,
         "the PACKED layouts round weights of a softmax only"},
        {VATTEN_LAYOUT_PACKED, VATTEN_DTYPE_F16, ~0u, false, VATTEN_NORMALISER_SOFTMAX, true,
         "the PACKED layouts round weights of a softmax only"},
        {VATTEN_LAYOUT_PACKED, VATTEN_DTYPE_F16, VATTEN_FEATURE_STORAGE_16BIT, false,
         VATTEN_NORMALISER_SOFTMAX, false,
         "layouts with f16 in shared memory need VATTEN_FEATURE_SHADER_FLOAT16, which is not enabled"},
        {VATTEN_LAYOUT_MIXED, VATTEN_DTYPE_F16, VATTEN_FEATURE_SHADER_FLOAT16, false,
         VATTEN_NORMALISER_SOFTMAX, false,
         "the MIXED layout needs VATTEN_FEATURE_MIXED_DOT_PRODUCT, which is not enabled"},
    };
    for (size_t n = 0; n < sizeof cases / sizeof cases[0]; ++n) {
        vt_caps caps = unit_caps_desktop();
        const vt_problem problem = {.dtype = cases[n].dtype,
                                    .dim = 64,
                                    .value_dim = 64,
                                    .q_len = 9,
                                    .kv_bytes = cases[n].bytes,
                                    .rules = {.normaliser = cases[n].normaliser},
                                    .weights = cases[n].weights,
                                    .tile = {.layout = cases[n].layout}};
        unit_log said;
        unit_log_start(&said);
        caps.features = cases[n].features;
        uint32_t row = 0;
        vt_tile tile;
        if (!vt_kernels_have(cases[n].layout))
            continue;
        assert_int_equal(vt_tune(&caps, &said.logger, &problem, &row, &tile), VATTEN_ERROR_UNSUPPORTED);
        assert_non_null(strstr(said.text, cases[n].why));
    }
}

/* Rows with a percentage are for such windows. */
static vt_problem small_window(uint32_t dim) {
    const vatten_axis seven = {.extent = 64, .window = 7, .stride = 1, .dilation = 1};
    return (vt_problem){.map = VT_MAP_NEIGHBORHOOD,
                        .dtype = VATTEN_DTYPE_F32,
                        .heads = 1,
                        .dim = dim,
                        .value_dim = dim,
                        .q_len = 64 * 64,
                        .rank = 2,
                        .axis = {seven, seven, {1, 1, 1, 1}}};
}

static void reach(const vt_caps *caps, const vt_problem *problem, bool *reached) {
    vt_tile tile;
    for (uint32_t row = 0; row < vt_tune_table_count; ++row) {
        if (vt_tune(caps, NULL, problem, &row, &tile) != VATTEN_SUCCESS)
            break;
        reached[row] = true;
    }
}

/* As if the device multiplied bytes, of which the file says nothing. */
static void reach_with_dots(const vt_caps *caps, uint32_t dim, bool *reached) {
    vt_caps with = *caps;
    with.features |= VATTEN_FEATURE_INTEGER_DOT_PRODUCT;
    with.dots_accelerated = true;
    for (uint64_t q_len = 1; q_len <= 512; q_len += 511) {
        vt_problem bytes = {.dtype = VATTEN_DTYPE_F32,
                            .kv_bytes = true,
                            .kv_block = VT_DOT_UNIT,
                            .dim = dim,
                            .value_dim = dim,
                            .q_len = q_len,
                            .rules = {.used = true, .sequences = 1, .tile_heads = 1}};
        reach(&with, &bytes, reached);
        bytes.tile.layout = VATTEN_LAYOUT_DOT;
        reach(&with, &bytes, reached);
    }
}

/* A row that no device ever gets to would be a number that nobody has tried. */
static void every_row_of_the_table_is_reached(void **state) {
    (void)state;
    bool reached[128] = {false};
    assert_true(vt_tune_table_count <= 128);
    for (uint32_t i = 0; i < known.count; ++i)
        for (uint32_t dim = 1; dim <= VATTEN_MAX_DIM; ++dim) {
            const vt_problem window = small_window(dim);
            const vt_problem few = {.dtype = VATTEN_DTYPE_F32,
                                    .dim = dim,
                                    .value_dim = dim,
                                    .q_len = 1,
                                    .rules = {.used = true, .sequences = 1, .tile_heads = 1}};
            reach(&known.list[i].caps, &window, reached);
            vt_problem stream = few;
            stream.q_len = 512;
            stream.tile.layout = VATTEN_LAYOUT_STREAM;
            reach(&known.list[i].caps, &few, reached);
            reach(&known.list[i].caps, &stream, reached);
            const vt_caps f16 = with_f16(&known.list[i].caps);
            vt_problem packed = few;
            packed.dtype = VATTEN_DTYPE_F16;
            packed.tile.layout = VATTEN_LAYOUT_PACKED;
            reach(&f16, &packed, reached);
            packed.tile.layout = VATTEN_LAYOUT_PACKED_SHARED;
            reach(&f16, &packed, reached);
            if (dim % VT_DOT_UNIT == 0)
                reach_with_dots(&known.list[i].caps, dim, reached);
        }
    for (uint32_t row = 0; row < vt_tune_table_count; ++row)
        if (!reached[row] && vt_tune_table[row].when != VT_TUNE_ONCE && /* those are test_tune.c's, */
            !vt_layout_has_matrices(vt_tune_table[row].layout))         /* and those test_matrix.c's */
            fail_msg("row %u of the tuning table fits no device", (unsigned)row);
}

static void only_the_old_llvmpipe_panvk_v3dv_and_powervr_have_quirks(void **state) {
    (void)state;
    int quirky = 0;
    for (uint32_t i = 0; i < known.count; ++i) {
        const char *id = known.list[i].id;
        bool slow = strncmp(id, "panvk", 5) == 0 || strncmp(id, "v3dv", 4) == 0;
        assert_int_equal(known.list[i].caps.quirks != 0,
                         slow || strcmp(id, "lvp22") == 0 || strcmp(id, "pvr") == 0);
        quirky += known.list[i].caps.quirks != 0;
    }
    assert_int_equal(quirky, 1 + 7 + 2 + 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_has_all_devices),
        cmocka_unit_test(every_dim_has_a_tile_on_every_device),
        cmocka_unit_test(every_dim_has_a_tile_on_the_least_that_vulkan_guarantees),
        cmocka_unit_test(every_dim_has_a_tile_on_devices_lowered_to_the_least),
        cmocka_unit_test(layouts_with_f16_have_a_tile_where_the_device_computes_in_it),
        cmocka_unit_test(why_there_is_no_tile_with_f16_is_told),
        cmocka_unit_test(every_row_of_the_table_is_reached),
        cmocka_unit_test(dims_above_what_powervr_compiles_are_refused),
        cmocka_unit_test(only_the_old_llvmpipe_panvk_v3dv_and_powervr_have_quirks),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}
