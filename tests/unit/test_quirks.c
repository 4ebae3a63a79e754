/* SPDX-License-Identifier: MIT
 *
 * Each row of the table of quirks fires on the devices that it names and not on their neighbours: a version below or above,
 * another driver, vendor or device.
 */
#include "unit.h"

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
#define NEIGHBOURS 8

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fires_on_what_it_names_and_not_on_neighbours),
        cmocka_unit_test(matrices_of_llvmpipe_are_as_wide_as_its_subgroups),
        cmocka_unit_test(unknown_drivers_have_no_quirk_of_a_driver),
        cmocka_unit_test(every_row_is_whole_and_has_a_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
