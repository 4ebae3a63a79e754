/* SPDX-License-Identifier: MIT
 *
 * Each row of the table of quirks fires on the devices that it names and not on their neighbours: a version below or above,
 * another driver, vendor or device. And what each changes in what is planned, pretended on a device that has none.
 */
#include "unit.h"

#include "program_build.h"
#include "quirks.h"

/* As Vulkan gives them; sizes of subgroups 0 = 32, and none else. */
typedef struct machine {
    uint32_t driver_id;
    uint32_t vendor_id;
    uint32_t device_id;
    uint32_t driver_version;
    uint32_t subgroup_size;
    uint32_t subgroup_min;
    bool controls;        /* VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL */
    uint32_t api_version; /* 0 = 1.3 */
} machine;

enum { RADV = 3, NVIDIA = 4, ARM = 9, SWIFTSHADER = 10, DOZEN = 23, VENDOR_MESA = 0x10005 };

#define MESA       VT_VERSION
#define INTEL      VT_VERSION_INTEL
#define NEIGHBOURS 10

/* A machine that has the quirk, another one, and neighbours that have it not; a machine of zeroes ends each list. */
typedef struct quirk_case {
    const char *name;
    machine has[4];
    machine lacks[NEIGHBOURS];
} quirk_case;

static const quirk_case cases[] = {
    {"lvp_loop_limit",
     {{VT_DRIVER_LLVMPIPE, VENDOR_MESA, 0, MESA(22, 3, 6)},
      {VT_DRIVER_LLVMPIPE, VENDOR_MESA, 0, MESA(22, 99, 4095)},
      {VT_DRIVER_LLVMPIPE, VENDOR_MESA, 0, MESA(13, 0, 0)}},
     {{VT_DRIVER_LLVMPIPE, VENDOR_MESA, 0, MESA(23, 0, 0)},
      {VT_DRIVER_LLVMPIPE, VENDOR_MESA, 0, MESA(25, 0, 7)},
      {SWIFTSHADER, 0x1ae0, 0xc0de, MESA(5, 0, 0)},
      {RADV, VT_VENDOR_AMD, 0x731f, MESA(22, 3, 6)}}},
    {"slow_shuffles",
     {{VT_DRIVER_PANVK, VT_VENDOR_ARM, 0xa8670000, MESA(26, 2, 6)},
      {VT_DRIVER_V3DV, VT_VENDOR_BROADCOM, 0x71, MESA(26, 2, 6)}},
     {{ARM, VT_VENDOR_ARM, 0xa8670000, MESA(26, 2, 6)},
      {VT_DRIVER_TURNIP, VT_VENDOR_QUALCOMM, 0x07030001, MESA(26, 2, 6), 128, 64}}},
    {"pvr_spills",
     {{VT_DRIVER_POWERVR, VT_VENDOR_IMAGINATION, 0x36053330, MESA(26, 2, 6)}},
     {{VT_DRIVER_IMAGINATION, VT_VENDOR_IMAGINATION, 0x36053330, MESA(26, 2, 6)},
      {VT_DRIVER_NVK, VT_VENDOR_NVIDIA, 0x2204, MESA(26, 2, 6)}}},
    {"amd_matrix",
     {{VT_DRIVER_AMD, VT_VENDOR_AMD, 0x731f, MESA(2, 0, 353)},    /* RX 5700 */
      {VT_DRIVER_AMD, VT_VENDOR_AMD, 0x743f, MESA(2, 0, 353)},    /* RX 6400, the one below */
      {VT_DRIVER_AMDVLK, VT_VENDOR_AMD, 0x150e, MESA(2, 0, 353)}, /* Strix */
      {VT_DRIVER_AMD, VT_VENDOR_AMD, 0x7600, MESA(2, 0, 353)}},
     {{VT_DRIVER_AMD, VT_VENDOR_AMD, 0x7440, MESA(2, 0, 353)},
      {VT_DRIVER_AMD, VT_VENDOR_AMD, 0x744c, MESA(2, 0, 353)}, /* RX 7900 */
      {VT_DRIVER_AMDVLK, VT_VENDOR_AMD, 0x75ff, MESA(2, 0, 353)},
      {RADV, VT_VENDOR_AMD, 0x731f, MESA(26, 2, 6)},
      {VT_DRIVER_MOLTENVK, VT_VENDOR_AMD, 0x731f, MESA(0, 2, 2209)},
      {VT_DRIVER_AMD, VT_VENDOR_NVIDIA, 0x731f, MESA(2, 0, 353)}}},
    {"adreno_matrix",
     {{VT_DRIVER_QUALCOMM, VT_VENDOR_QUALCOMM, 0x44050000, MESA(512, 842, 0)}},
     {{VT_DRIVER_TURNIP, VT_VENDOR_QUALCOMM, 0x44050000, MESA(26, 2, 6)},
      {VT_DRIVER_QUALCOMM, VT_VENDOR_ARM, 0x44050000, MESA(512, 842, 0)}}},
    {"tu11x_matrix",
     {{VT_DRIVER_NVK, VT_VENDOR_NVIDIA, 0x1f82, MESA(26, 2, 6)},  /* GTX 1650 */
      {VT_DRIVER_NVK, VT_VENDOR_NVIDIA, 0x2184, MESA(26, 2, 6)}}, /* GTX 1660 */
     {{NVIDIA, VT_VENDOR_NVIDIA, 0x1f82, MESA(610, 43, 0)},
      {VT_DRIVER_NVK, VT_VENDOR_AMD, 0x1f82, MESA(26, 2, 6)},
      {DOZEN, VT_VENDOR_NVIDIA, 0x1f82, MESA(26, 2, 6)},
      {VT_DRIVER_NVK, VT_VENDOR_NVIDIA, 0x1f08, MESA(26, 2, 6)}, /* RTX 2060 */
      {VT_DRIVER_NVK, VT_VENDOR_NVIDIA, 0x1f7f, MESA(26, 2, 6)},
      {VT_DRIVER_NVK, VT_VENDOR_NVIDIA, 0x2000, MESA(26, 2, 6)},
      {VT_DRIVER_NVK, VT_VENDOR_NVIDIA, 0x217f, MESA(26, 2, 6)},
      {VT_DRIVER_NVK, VT_VENDOR_NVIDIA, 0x2204, MESA(26, 2, 6)}}}, /* RTX 3090 */
    {"intel_a770_coopmat",
     {{VT_DRIVER_INTEL_WINDOWS, VT_VENDOR_INTEL, 0x56a0, INTEL(101, 6790), 32, 8}, /* A770 */
      {VT_DRIVER_ANV, VT_VENDOR_INTEL, 0x5690, MESA(26, 2, 6), 32, 8},             /* A770M */
      {VT_DRIVER_ANV, VT_VENDOR_INTEL, 0x56cf, MESA(26, 2, 6), 32, 8}},
     {{VT_DRIVER_ANV, VT_VENDOR_INTEL, 0xe20b, MESA(26, 2, 6), 32, 16}, /* B580 */
      {VT_DRIVER_ANV, VT_VENDOR_INTEL, 0x568f, MESA(26, 2, 6), 32, 8},
      {VT_DRIVER_ANV, VT_VENDOR_INTEL, 0x56d0, MESA(26, 2, 6), 32, 8},
      {DOZEN, VT_VENDOR_INTEL, 0x56a0, MESA(26, 2, 6), 32, 8},
      {VT_DRIVER_ANV, VT_VENDOR_NVIDIA, 0x56a0, MESA(26, 2, 6), 32, 8}}},
    {"img_subgroup_reduce",
     {{VT_DRIVER_IMAGINATION, VT_VENDOR_IMAGINATION, 0x71061212, MESA(1, 602, 818), 128, 32}, /* DXT */
      {VT_DRIVER_IMAGINATION, VT_VENDOR_IMAGINATION, 0x1, 0}},
     {{VT_DRIVER_POWERVR, VT_VENDOR_IMAGINATION, 0x36053330, MESA(26, 2, 6)},
      {VT_DRIVER_IMAGINATION, VT_VENDOR_ARM, 0x71061212, MESA(1, 602, 818)},
      {ARM, VT_VENDOR_ARM, 0xa8670000, MESA(53, 0, 0)}}},
    {"intel_win_shuffle",
     {{VT_DRIVER_INTEL_WINDOWS, VT_VENDOR_INTEL, 0xe20b, INTEL(101, 8509), 32, 16},
      {VT_DRIVER_INTEL_WINDOWS, VT_VENDOR_INTEL, 0x9a49, INTEL(101, 8700), 32, 8},
      {VT_DRIVER_INTEL_WINDOWS, VT_VENDOR_INTEL, 0xe20b, INTEL(101, 8860), 32, 16}},
     {{VT_DRIVER_INTEL_WINDOWS, VT_VENDOR_INTEL, 0xe20b, INTEL(101, 8508), 32, 16},
      {VT_DRIVER_INTEL_WINDOWS, VT_VENDOR_INTEL, 0xe20b, INTEL(101, 8861), 32, 16},
      {VT_DRIVER_INTEL_WINDOWS, VT_VENDOR_INTEL, 0xe20b, INTEL(100, 8600), 32, 16},
      {VT_DRIVER_INTEL_WINDOWS, VT_VENDOR_INTEL, 0xe20b, INTEL(102, 0), 32, 16},
      {VT_DRIVER_INTEL_WINDOWS, VT_VENDOR_INTEL, 0xe20b, MESA(101, 2158, 0), 32, 16}, /* as others pack it */
      {VT_DRIVER_ANV, VT_VENDOR_INTEL, 0xe20b, INTEL(101, 8700), 32, 16},
      {VT_DRIVER_INTEL_WINDOWS, VT_VENDOR_AMD, 0xe20b, INTEL(101, 8700), 32, 16}}},
    {"moltenvk_amd_subgroup",
     {{VT_DRIVER_MOLTENVK, VT_VENDOR_AMD, 0x731f, MESA(0, 2, 2209), 32, 4}},
     {{VT_DRIVER_MOLTENVK, 0x106b, 0x1a040209, MESA(0, 2, 2209), 32, 4}, /* Apple */
      {VT_DRIVER_MOLTENVK, VT_VENDOR_INTEL, 0x3e9b, MESA(0, 2, 2209), 32, 8},
      {VT_DRIVER_AMD, VT_VENDOR_AMD, 0x731f, MESA(2, 0, 353)},
      {RADV, VT_VENDOR_AMD, 0x731f, MESA(26, 2, 6)}}},
    {"sg_size_semantics",
     {{VT_DRIVER_INTEL_WINDOWS, VT_VENDOR_INTEL, 0x3e9b, INTEL(100, 8000)},
      {VT_DRIVER_ANV, VT_VENDOR_INTEL, 0x3e9b, MESA(19, 0, 0)},
      {VT_DRIVER_QUALCOMM, VT_VENDOR_QUALCOMM, 0x07030001, MESA(512, 530, 0), 128},
      {VT_DRIVER_TURNIP, VT_VENDOR_QUALCOMM, 0x07000200, MESA(22, 0, 0)}}, /* 702 */
     {{VT_DRIVER_ANV, VT_VENDOR_INTEL, 0x3e9b, MESA(26, 2, 6), 32, 8},     /* the range is told */
      {VT_DRIVER_ANV, VT_VENDOR_INTEL, 0xe20b, MESA(26, 2, 6), 32, 16},
      {VT_DRIVER_ANV, VT_VENDOR_INTEL, 0x3e9b, MESA(26, 2, 6), 32, 32, true},
      {VT_DRIVER_ANV, VT_VENDOR_INTEL, 0x3e9b, MESA(19, 0, 0), 8},
      {VT_DRIVER_QUALCOMM, VT_VENDOR_QUALCOMM, 0x07030001, MESA(512, 530, 0), 64},
      {VT_DRIVER_TURNIP, VT_VENDOR_QUALCOMM, 0x07000200, MESA(22, 0, 0), 16},
      {RADV, VT_VENDOR_AMD, 0x731f, MESA(19, 0, 0), 64},
      {DOZEN, VT_VENDOR_INTEL, 0x3e9b, MESA(26, 2, 6)},
      {NVIDIA, VT_VENDOR_NVIDIA, 0x2204, MESA(610, 43, 0)}}},
    {"mali_old_16bit",
     {{0, VT_VENDOR_ARM, 0x60000001, 0, 8, 8, false, MESA(1, 0, 81)},
      {ARM, VT_VENDOR_ARM, 0x60000001, MESA(9, 0, 0), 8, 8, false, MESA(1, 0, 61)}},
     {{0, VT_VENDOR_ARM, 0x60000001, 0, 8, 8, false, MESA(1, 0, 82)},
      {ARM, VT_VENDOR_ARM, 0x60000001, MESA(38, 0, 0), 16, 16, false, MESA(1, 1, 0)},
      {0, VT_VENDOR_BROADCOM, 0x60000001, 0, 8, 8, false, MESA(1, 0, 81)}}},
    {"adreno_private_array",
     {{VT_DRIVER_QUALCOMM, VT_VENDOR_QUALCOMM, 0x06050002, MESA(512, 530, 0), 64},
      {VT_DRIVER_QUALCOMM, VT_VENDOR_QUALCOMM, 0x06050000, MESA(512, 840, 0), 64}},
     {{VT_DRIVER_TURNIP, VT_VENDOR_QUALCOMM, 0x06050002, MESA(26, 2, 6), 128, 64},
      {VT_DRIVER_QUALCOMM, VT_VENDOR_QUALCOMM, 0x06060001, MESA(512, 530, 0), 64},
      {VT_DRIVER_QUALCOMM, VT_VENDOR_QUALCOMM, 0x06050100, MESA(512, 530, 0), 64},
      {VT_DRIVER_QUALCOMM, VT_VENDOR_QUALCOMM, 0x06040001, MESA(512, 530, 0), 64},
      {VT_DRIVER_QUALCOMM, VT_VENDOR_ARM, 0x06050002, MESA(512, 530, 0), 64}}},
    {"lvp_loads_once",
     {{VT_DRIVER_LLVMPIPE, VENDOR_MESA, 0, MESA(26, 0, 0)},
      {VT_DRIVER_LLVMPIPE, VENDOR_MESA, 0, MESA(27, 1, 0)}},
     {{VT_DRIVER_LLVMPIPE, VENDOR_MESA, 0, MESA(25, 99, 4095)},
      {VT_DRIVER_LLVMPIPE, VENDOR_MESA, 0, MESA(22, 3, 6)},
      {RADV, VT_VENDOR_AMD, 0x731f, MESA(26, 2, 6)}}},
};

static const vt_quirk_row *row_named(const char *name) {
    for (uint32_t i = 0; i < vt_quirk_count; ++i)
        if (strcmp(vt_quirk_table[i].name, name) == 0)
            return &vt_quirk_table[i];
    fail_msg("%s is no quirk", name);
    return NULL;
}

/* A desktop's limits, with matrices, of that machine; not complete. */
static vt_caps caps_of(const machine *m) {
    vt_caps caps = unit_caps_matrix();
    caps.driver_id = m->driver_id;
    caps.vendor_id = m->vendor_id;
    caps.device_id = m->device_id;
    caps.driver_version = m->driver_version;
    caps.subgroup_size = caps.subgroup_max = m->subgroup_size ? m->subgroup_size : 32;
    caps.subgroup_min = m->subgroup_min ? m->subgroup_min : caps.subgroup_size;
    if (!m->controls)
        caps.features &= ~(vatten_features)VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL;
    if (m->api_version)
        caps.api_version = m->api_version;
    return caps;
}

static bool has_quirk(const vt_quirk_row *row, const machine *m) {
    vt_caps caps = caps_of(m);
    bool matches = vt_quirk_matches(row, &caps);
    vt_caps_complete(&caps);
    assert_int_equal(caps.quirks & row->bit, matches ? row->bit : 0); /* complete caps say the same */
    return matches;
}

static bool is_there(const machine *m) {
    return m->driver_id || m->vendor_id;
}

static void each_fires_on_what_it_names_and_not_on_neighbours(void **state) {
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; ++c) {
        const vt_quirk_row *row = row_named(cases[c].name);
        for (size_t i = 0; i < 4 && is_there(&cases[c].has[i]); ++i)
            if (!has_quirk(row, &cases[c].has[i]))
                fail_msg("%s: machine %zu has it not", row->name, i);
        for (size_t i = 0; i < NEIGHBOURS && is_there(&cases[c].lacks[i]); ++i)
            if (has_quirk(row, &cases[c].lacks[i]))
                fail_msg("%s: neighbour %zu has it", row->name, i);
    }
}

/* llvmpipe's own, with subgroups of 4, 8 and 16 and matrices of 8 x 8 x 8. */
static void matrices_of_llvmpipe_are_as_wide_as_its_subgroups(void **state) {
    (void)state;
    const vt_quirk_row *row = row_named("lvp_matrix");
    for (uint32_t size = 4; size <= 16; size *= 2) {
        const machine lavapipe = {VT_DRIVER_LLVMPIPE, VENDOR_MESA, 0, MESA(26, 2, 6), size};
        vt_caps caps = caps_of(&lavapipe);
        caps.matrix_count = 1;
        caps.matrices[0] = (vt_matrix){8, 8, 8};
        assert_int_equal(vt_quirk_matches(row, &caps), size != 8);
        caps.driver_id = SWIFTSHADER;
        assert_false(vt_quirk_matches(row, &caps));
    }
}

/* Driver ids are bits of a word; what does not tell its driver, and ids that nobody has yet, are no driver of the table. */
static void unknown_drivers_have_no_quirk_of_a_driver(void **state) {
    (void)state;
    const uint32_t unknown[] = {0, 31, 32, 33, 64, 32 + VT_DRIVER_LLVMPIPE, UINT32_MAX};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; ++i)
        for (uint32_t n = 0; n < vt_quirk_count; ++n) {
            vt_caps caps = unit_caps_lavapipe();
            caps.driver_id = unknown[i];
            assert_false(vt_quirk_matches(&vt_quirk_table[n], &caps));
        }
}

static bool has_case(const char *name) {
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; ++c)
        if (strcmp(cases[c].name, name) == 0)
            return true;
    return strcmp(name, "lvp_matrix") == 0;
}

static void every_row_is_whole_and_has_a_test(void **state) {
    (void)state;
    uint32_t bits = 0;
    uint32_t last = 0;
    for (uint32_t i = 0; i < vt_quirk_count; ++i) {
        const vt_quirk_row *row = &vt_quirk_table[i];
        assert_true(row->name && row->apply && row->devices && row->effect && row->source);
        assert_int_equal(bits & row->bit, 0);
        assert_true(row->bit > last || row->bit == 0); /* in the order of the bits */
        assert_true(row->end_version == 0 || row->first_version < row->end_version);
        assert_true(row->first_device <= row->last_device);
        assert_true(strlen(row->name) == strspn(row->name, "abcdefghijklmnopqrstuvwxyz0123456789_"));
        if (!has_case(row->name))
            fail_msg("%s has no test", row->name);
        bits |= row->bit;
        last = row->bit ? row->bit : last;
    }
}

/* ---- What they change ---- */

/* A desktop with matrices, as if it had these. */
static vt_caps pretending(const char *quirks) {
    vt_caps caps = unit_caps_matrix();
    const vatten_device_desc desc = {.cap_quirks = quirks};
    vt_caps_lower(&caps, &desc);
    return caps;
}

static vatten_result tune(const vt_caps *caps, const vt_problem *problem, vt_tile *out) {
    uint32_t row = 0;
    return vt_tune(caps, NULL, problem, &row, out);
}

static vatten_layout layout_for(const char *quirks, vatten_dtype dtype) {
    const vt_caps caps = pretending(quirks);
    const vt_problem problem = {.dtype = dtype, .dim = 64, .value_dim = 64, .q_len = 512};
    vt_tile tile;
    assert_int_equal(tune(&caps, &problem, &tile), VATTEN_SUCCESS);
    return tile.layout;
}

static void without_shuffles_lanes_talk_through_shared_memory(void **state) {
    (void)state;
    static const char *const quirks[] = {"slow_shuffles", "img_subgroup_reduce", "intel_win_shuffle",
                                         "moltenvk_amd_subgroup"};
    assert_int_equal(layout_for(NULL, VATTEN_DTYPE_F32), VATTEN_LAYOUT_SUBGROUP);
    for (size_t i = 0; i < sizeof quirks / sizeof quirks[0]; ++i)
        assert_int_equal(layout_for(quirks[i], VATTEN_DTYPE_F32), VATTEN_LAYOUT_SHARED);
}

static void without_matrices_products_are_by_words(void **state) {
    (void)state;
    static const char *const quirks[] = {"lvp_matrix", "amd_matrix", "adreno_matrix", "tu11x_matrix",
                                         "intel_a770_coopmat"};
    bool built = vt_kernels_have(VATTEN_LAYOUT_MATRIX);
    assert_int_equal(layout_for(NULL, VATTEN_DTYPE_F16),
                     built ? VATTEN_LAYOUT_MATRIX : VATTEN_LAYOUT_SUBGROUP);
    for (size_t i = 0; i < sizeof quirks / sizeof quirks[0]; ++i) {
        const vt_caps caps = pretending(quirks[i]);
        assert_int_equal(caps.matrix_count + caps.bf16_matrix_count + caps.matrix_subgroup, 0);
        assert_int_equal(layout_for(quirks[i], VATTEN_DTYPE_F16), VATTEN_LAYOUT_SUBGROUP);
    }
}

/* Those of a workgroup go with them. */
static void matrices_of_a_workgroup_are_dropped_too(void **state) {
    (void)state;
    vt_caps caps = unit_caps_workgroup();
    const vatten_device_desc desc = {.cap_quirks = "amd_matrix"};
    assert_true(caps.flexible_count > 0 && caps.bf16_flexible_count > 0);
    vt_caps_lower(&caps, &desc);
    assert_int_equal(caps.flexible_count + caps.bf16_flexible_count, 0);
}

static void few_lanes_share_a_row_where_a_subgroup_may_be_small(void **state) {
    (void)state;
    const vt_problem one = {.dtype = VATTEN_DTYPE_F32,
                            .dim = 128,
                            .value_dim = 128,
                            .q_len = 1,
                            .rules = {.used = true, .sequences = 1, .tile_heads = 1}};
    const vt_caps sure = pretending(NULL);
    const vt_caps guessed = pretending("sg_size_semantics");
    vt_tile tile;
    assert_int_equal(tune(&sure, &one, &tile), VATTEN_SUCCESS);
    assert_int_equal(tile.lanes_per_row, 32);
    assert_int_equal(tune(&guessed, &one, &tile), VATTEN_SUCCESS);
    assert_int_equal(tile.layout, VATTEN_LAYOUT_SUBGROUP);
    assert_int_equal(tile.lanes_per_row, 8);
}

static void smallest_subgroups_are_the_vendors(void **state) {
    (void)state;
    const machine adreno = {VT_DRIVER_QUALCOMM, VT_VENDOR_QUALCOMM, 0x07030001, MESA(512, 530, 0), 128};
    const machine small = {VT_DRIVER_TURNIP, VT_VENDOR_QUALCOMM, 0x07000200, MESA(22, 0, 0), 32};
    const machine intel = {VT_DRIVER_ANV, VT_VENDOR_INTEL, 0x3e9b, MESA(19, 0, 0), 32};
    const machine *const machines[] = {&adreno, &small, &intel};
    const uint32_t least[] = {64, 16, 8};
    for (int i = 0; i < 3; ++i) {
        vt_caps caps = caps_of(machines[i]);
        vt_caps_complete(&caps);
        assert_int_equal(caps.subgroup_min, least[i]);
        assert_int_equal(caps.subgroup_max, machines[i]->subgroup_size);
    }
}

static void long_arrays_of_a_lane_are_refused(void **state) {
    (void)state;
    unit_log said;
    unit_log_start(&said);
    const vt_caps any = pretending(NULL);
    const vt_caps short_ones = pretending("adreno_private_array");
    vt_problem problem = {.dtype = VATTEN_DTYPE_F32,
                          .dim = 576,
                          .value_dim = 576,
                          .q_len = 512,
                          .tile = {VATTEN_LAYOUT_SHARED, 32, 4, 8, 8}}; /* 18 vec4 of outputs for a lane */
    vt_tile tile;
    assert_int_equal(tune(&short_ones, &problem, &tile), VATTEN_SUCCESS);
    problem.tile = (vatten_tile){VATTEN_LAYOUT_SHARED, 16, 4, 4, 4}; /* 36 */
    assert_int_equal(tune(&any, &problem, &tile), VATTEN_SUCCESS);
    unit_tile_refused(&said, &short_ones, &problem,
                      "a lane would own a longer array than the device's driver takes: more lanes, or fewer "
                      "rows, share it");
    problem.dim = problem.value_dim = 256;
    problem.tile = (vatten_tile){VATTEN_LAYOUT_ROWS, 32, 32, 2, 1}; /* 64 */
    assert_int_equal(tune(&any, &problem, &tile), VATTEN_SUCCESS);
    assert_int_equal(tune(&short_ones, &problem, &tile), VATTEN_ERROR_UNSUPPORTED);
    for (uint32_t dim = 1; dim <= VATTEN_MAX_DIM; ++dim) { /* and each dim has a tile all the same */
        problem = (vt_problem){.dtype = VATTEN_DTYPE_F32, .dim = dim, .value_dim = dim, .q_len = 512};
        assert_int_equal(tune(&short_ones, &problem, &tile), VATTEN_SUCCESS);
        assert_true(tile.rows * tile.value_pad / (4 * tile.workgroup) <= 18);
    }
}

static void dims_that_a_compiler_does_not_take_are_refused(void **state) {
    (void)state;
    const vt_caps any = pretending(NULL);
    const vt_caps small = pretending("pvr_spills");
    vt_problem problem = {.dtype = VATTEN_DTYPE_F32, .dim = 256, .value_dim = 256, .q_len = 512};
    vt_tile tile;
    assert_int_equal(tune(&small, &problem, &tile), VATTEN_SUCCESS);
    problem.dim = 257;
    assert_int_equal(tune(&any, &problem, &tile), VATTEN_SUCCESS);
    assert_int_equal(tune(&small, &problem, &tile), VATTEN_ERROR_UNSUPPORTED);
}

static void without_16_bits_only_f32_is_taken(void **state) {
    (void)state;
    const vt_caps any = pretending(NULL);
    const vt_caps old = pretending("mali_old_16bit");
    const vatten_logger silent = {0};
    vatten_attention_desc dense = unit_dense();
    vt_problem problem;
    assert_int_equal(vt_problem_from_attention(&old, &silent, &dense, &problem), VATTEN_SUCCESS);
    dense.heads.dtype = VATTEN_DTYPE_F16;
    assert_int_equal(vt_problem_from_attention(&any, &silent, &dense, &problem), VATTEN_SUCCESS);
    assert_int_equal(vt_problem_from_attention(&old, &silent, &dense, &problem), VATTEN_ERROR_UNSUPPORTED);
}

static uint64_t dispatches_of_long_keys(const char *quirks) {
    static program_case built;
    const vatten_logger silent = {0};
    vatten_attention_desc dense = unit_dense();
    dense.kv_len = 100000;
    built = (program_case){.caps = pretending(quirks)};
    assert_int_equal(vt_problem_from_attention(&built.caps, &silent, &dense, &built.problem), VATTEN_SUCCESS);
    assert_int_equal(program_build(&built, &silent), VATTEN_SUCCESS);
    uint64_t dispatches = built.program.step_count;
    program_free(&built);
    return dispatches;
}

static void loops_are_split_where_a_driver_ends_them(void **state) {
    (void)state;
    assert_int_equal(dispatches_of_long_keys(NULL), 1);
    assert_true(dispatches_of_long_keys("lvp_loop_limit") > 1);
}

static void pretended_quirks_are_told_beside_a_devices_own(void **state) {
    (void)state;
    vt_caps caps = unit_caps_lavapipe();
    const vatten_device_desc desc = {.cap_quirks = " slow_shuffles  lvp_loop_limit slow_shuffles "};
    char text[256];
    vt_caps_lower(&caps, &desc);
    vt_quirks_names(caps.quirks, text, sizeof text);
    assert_string_equal(text, "lvp_loop_limit slow_shuffles");
}

static void every_fault_can_be_named_and_nothing_else(void **state) {
    (void)state;
    uint32_t bits;
    uint32_t all = 0;
    vatten_quirk quirk;
    for (uint32_t i = 0; vatten_quirk_get(i, &quirk); ++i) {
        const char *wrong = vt_quirks_named(quirk.name, &bits);
        assert_int_equal(bits, vt_quirk_table[i].bit);
        assert_true(quirk.fault ? wrong == NULL : wrong == quirk.name);
        all |= bits;
    }
    char text[sizeof((vatten_device_info *)NULL)->quirks]; /* which has room for all */
    vt_quirks_names(all, text, sizeof text);
    assert_null(vt_quirks_named(text, &bits));
    assert_int_equal(bits, all);
    static const char *const unknown[] = {"x", "slow_shuffle", "slow_shuffles,lvp_matrix", "slow_shuffles\n"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; ++i)
        assert_ptr_equal(vt_quirks_named(unknown[i], &bits), unknown[i]);
    const char *words = "lvp_matrix nothing";
    assert_ptr_equal(vt_quirks_named(words, &bits), words + strlen("lvp_matrix "));
    assert_null(vt_quirks_named(NULL, &bits));
    assert_null(vt_quirks_named("  ", &bits));
    assert_int_equal(bits, 0);
}

/* However long a wrong word is, all names that there are stand behind it. */
static void a_refusal_tells_all_names(void **state) {
    (void)state;
    unit_log said;
    vatten_quirk quirk;
    char words[1000];
    memset(words, 'x', sizeof words - 1);
    words[sizeof words - 1] = '\0';
    unit_log_start(&said);
    assert_int_equal(vt_quirks_check(&said.logger, words), VATTEN_ERROR_INVALID_ARGUMENT);
    assert_int_equal(said.count, 1);
    for (uint32_t i = 0; vatten_quirk_get(i, &quirk); ++i)
        assert_true(!quirk.fault || strstr(said.text, quirk.name));
    unit_log_start(&said);
    assert_int_equal(vt_quirks_check(&said.logger, "slow_shuffles"), VATTEN_SUCCESS);
    assert_silent(&said);
}

static void the_table_ends(void **state) {
    (void)state;
    vatten_quirk quirk;
    assert_true(vatten_quirk_get(vt_quirk_count - 1, &quirk));
    assert_false(vatten_quirk_get(vt_quirk_count, &quirk));
    assert_false(vatten_quirk_get(UINT32_MAX, &quirk));
    assert_false(vatten_quirk_get(0, NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fires_on_what_it_names_and_not_on_neighbours),
        cmocka_unit_test(matrices_of_llvmpipe_are_as_wide_as_its_subgroups),
        cmocka_unit_test(unknown_drivers_have_no_quirk_of_a_driver),
        cmocka_unit_test(every_row_is_whole_and_has_a_test),
        cmocka_unit_test(without_shuffles_lanes_talk_through_shared_memory),
        cmocka_unit_test(without_matrices_products_are_by_words),
        cmocka_unit_test(matrices_of_a_workgroup_are_dropped_too),
        cmocka_unit_test(few_lanes_share_a_row_where_a_subgroup_may_be_small),
        cmocka_unit_test(smallest_subgroups_are_the_vendors),
        cmocka_unit_test(long_arrays_of_a_lane_are_refused),
        cmocka_unit_test(dims_that_a_compiler_does_not_take_are_refused),
        cmocka_unit_test(without_16_bits_only_f32_is_taken),
        cmocka_unit_test(loops_are_split_where_a_driver_ends_them),
        cmocka_unit_test(pretended_quirks_are_told_beside_a_devices_own),
        cmocka_unit_test(every_fault_can_be_named_and_nothing_else),
        cmocka_unit_test(a_refusal_tells_all_names),
        cmocka_unit_test(the_table_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
