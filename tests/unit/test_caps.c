/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "quirks.h"

static uint32_t packed(uint32_t major, uint32_t minor, uint32_t patch) {
    return major << 22 | minor << 12 | patch;
}

static vt_caps driver(uint32_t driver_id, uint32_t version) {
    vt_caps caps = unit_caps_lavapipe();
    caps.driver_id = driver_id;
    caps.driver_version = version;
    vt_caps_complete(&caps);
    return caps;
}

static void llvmpipe_before_23_has_the_loop_limit(void **state) {
    (void)state;
    const uint32_t old[] = {packed(22, 3, 6), packed(22, 99, 4095), packed(13, 0, 0), 1};
    for (size_t i = 0; i < sizeof old / sizeof old[0]; ++i) {
        vt_caps caps = driver(VT_DRIVER_LLVMPIPE, old[i]);
        assert_int_equal(caps.quirks, VT_QUIRK_LVP_LOOP_LIMIT);
        /* below what the driver allows, with room for the short loops around the long one */
        assert_true(caps.loop_limit > 50000 && caps.loop_limit < 65535 - 1024);
    }
}

static void llvmpipe_from_23_on_and_other_drivers_have_none(void **state) {
    (void)state;
    const uint32_t later[] = {packed(23, 0, 0), packed(25, 0, 7), packed(26, 2, 6)};
    for (size_t i = 0; i < sizeof later / sizeof later[0]; ++i) {
        vt_caps caps = driver(VT_DRIVER_LLVMPIPE, later[i]);
        assert_int_equal(caps.quirks, 0);
        assert_true(caps.loop_limit == UINT64_MAX);
    }
    for (uint32_t id = 0; id < 30; ++id) {
        vt_caps caps = driver(id, packed(22, 3, 6));
        assert_int_equal(caps.quirks & VT_QUIRK_LVP_LOOP_LIMIT, id == 13 ? VT_QUIRK_LVP_LOOP_LIMIT : 0);
    }
}

static void panvk_and_v3dv_have_shuffles_that_are_not_worth_it(void **state) {
    (void)state;
    for (uint32_t id = 0; id < 30; ++id) {
        vt_caps caps = driver(id, packed(26, 2, 6));
        bool slow = id == 20 || id == 19;
        assert_int_equal(caps.quirks & ~(uint32_t)VT_QUIRK_PVR_SPILLS, slow ? VT_QUIRK_SLOW_SHUFFLES : 0);
        assert_int_equal(caps.subgroup_ops & VT_SUBGROUP_SHUFFLE, slow ? 0 : VT_SUBGROUP_SHUFFLE);
    }
}

static void the_open_powervr_driver_has_a_limit_of_dims(void **state) {
    (void)state;
    for (uint32_t id = 0; id < 30; ++id) {
        vt_caps caps = driver(id, packed(26, 2, 6));
        bool slow = id == 20 || id == 19;
        assert_int_equal(caps.quirks, slow ? VT_QUIRK_SLOW_SHUFFLES : id == 25 ? VT_QUIRK_PVR_SPILLS : 0);
        assert_int_equal(caps.max_dim, id == 25 ? 256 : VATTEN_MAX_DIM);
    }
}

static void registers_are_the_vendors(void **state) {
    (void)state;
    const uint32_t known[][2] = {{0x1002, 255}, {0x10de, 255}, {0x8086, 128}, {0x5143, 128}, {0x106b, 128},
                                 {0x13b5, 64},  {0x14e4, 48},  {0x1010, 128}, {0, 128}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; ++i) {
        vt_caps caps = unit_caps_desktop();
        caps.vendor_id = known[i][0];
        vt_caps_complete(&caps);
        assert_int_equal(caps.registers, known[i][1]);
        caps.shared_bytes = 16384;
        vt_caps_complete(&caps);
        assert_int_equal(caps.registers, 32);
    }
}

static void quirks_have_names(void **state) {
    (void)state;
    char text[256] = "left over";
    vt_caps caps = driver(VT_DRIVER_LLVMPIPE, packed(22, 3, 6));
    vt_quirks_names(caps.quirks, text, sizeof text);
    assert_string_equal(text, "lvp_loop_limit");
    caps = driver(VT_DRIVER_LLVMPIPE, packed(23, 0, 0));
    vt_quirks_names(caps.quirks, text, sizeof text);
    assert_string_equal(text, "");
}

static void larger_matrices_come_first(void **state) {
    (void)state;
    vt_caps caps = unit_caps_matrix();
    char text[128] = "left over";
    vt_caps_matrix_names(&caps, VATTEN_DTYPE_F16, text, sizeof text);
    assert_string_equal(text, "16x16x16 16x8x16 16x8x8");
    vt_caps_matrix_names(&caps, VATTEN_DTYPE_F16, text, 20); /* as much as there is room for */
    assert_string_equal(text, "16x16x16 16x8x16 16");
    vt_caps_matrix_names(&caps, VATTEN_DTYPE_BF16, text, sizeof text);
    assert_string_equal(text, "16x8x16 16x8x8");
    vt_caps_matrix_names(&caps, VATTEN_DTYPE_F32, text, sizeof text);
    assert_string_equal(text, "");
    caps.matrix_count = 0;
    vt_caps_matrix_names(&caps, VATTEN_DTYPE_F16, text, sizeof text);
    assert_string_equal(text, "");
}

static void kernels_are_made_of_matrices_of_whole_words(void **state) {
    (void)state;
    const vt_matrix good[] = {{8, 8, 8}, {16, 16, 16}, {8, 16, 16}, {16, 8, 8}, {64, 64, 64}, {8, 8, 32}};
    const vt_matrix bad[] = {{0, 16, 16}, {16, 4, 16}, {16, 16, 12}, {128, 16, 16}, {16, 16, 0}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; ++i)
        assert_true(vt_caps_takes_matrix(&good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i)
        assert_false(vt_caps_takes_matrix(&bad[i]));
}

static void matrices_need_registers(void **state) {
    (void)state;
    vt_caps caps = unit_caps_matrix();
    vt_caps_complete(&caps);
    assert_true(caps.matrix_count > 0);
    caps.vendor_id = 0x8086; /* Intel: 128 registers */
    vt_caps_complete(&caps);
    assert_int_equal(caps.matrix_count + caps.bf16_matrix_count, 0);
    assert_int_equal(caps.matrix_subgroup, 0);
}

/* A device with these numbers that lists matrices. */
static vt_caps with_matrices(uint32_t vendor, uint32_t device, uint32_t driver_id) {
    vt_caps caps = unit_caps_matrix();
    caps.vendor_id = vendor;
    caps.device_id = device;
    caps.driver_id = driver_id;
    assert_int_equal(vt_quirks_keep_matrices(&caps), true);
    vt_caps_complete(&caps);
    assert_int_equal(caps.quirks, 0);
    return caps;
}

static void assert_no_matrices(uint32_t vendor, uint32_t device, uint32_t driver_id, const char *quirk) {
    vt_caps caps = unit_caps_matrix();
    char text[256];
    caps.vendor_id = vendor;
    caps.device_id = device;
    caps.driver_id = driver_id;
    assert_false(vt_quirks_keep_matrices(&caps));
    vt_caps_complete(&caps);
    assert_int_equal(caps.matrix_count + caps.bf16_matrix_count, 0);
    assert_int_equal(caps.matrix_subgroup, 0);
    vt_quirks_names(caps.quirks, text, sizeof text);
    assert_string_equal(text, quirk);
}

static void matrices_that_are_not_worth_it_or_wrong_are_left_alone(void **state) {
    (void)state;
    const uint32_t nvidia = 4, nvk = VT_DRIVER_NVK, radv = 3, turnip = 18;
    assert_no_matrices(0x1002, 0x731f, VT_DRIVER_AMD, "amd_matrix");                 /* RX 5700 */
    assert_no_matrices(0x1002, 0x743f, VT_DRIVER_AMD, "amd_matrix");                 /* RX 6400 */
    assert_no_matrices(0x1002, 0x150e, VT_DRIVER_AMDVLK, "amd_matrix");              /* Strix */
    assert_true(with_matrices(0x1002, 0x744c, VT_DRIVER_AMD).matrix_count > 0);      /* RX 7900 */
    assert_true(with_matrices(0x1002, 0x7550, VT_DRIVER_AMD).bf16_matrix_count > 0); /* RX 9070 */
    assert_true(with_matrices(0x1002, 0x150e, radv).matrix_count > 0);
    assert_no_matrices(0x5143, 0x44050000, VT_DRIVER_QUALCOMM, "adreno_matrix");
    assert_int_equal(with_matrices(0x5143, 0x44050000, turnip).matrix_count, 0); /* too few registers */
    assert_no_matrices(0x10de, 0x1f82, nvk, "tu11x_matrix");                     /* GTX 1650 */
    assert_no_matrices(0x10de, 0x2184, nvk, "tu11x_matrix");                     /* GTX 1660 */
    assert_true(with_matrices(0x10de, 0x1f08, nvidia).matrix_count > 0);         /* RTX 2060 */
    assert_true(with_matrices(0x10de, 0x2204, nvk).matrix_count > 0);            /* RTX 3090 */
}

static uint32_t matrix_subgroup(uint32_t min, uint32_t max, bool asked) {
    vt_caps caps = unit_caps_matrix();
    caps.subgroup_min = min;
    caps.subgroup_size = caps.subgroup_max = max;
    caps.subgroup_asked = asked;
    vt_caps_complete(&caps);
    return caps.matrix_subgroup;
}

static void matrices_have_a_subgroup_size_that_is_sure(void **state) {
    (void)state;
    assert_int_equal(matrix_subgroup(32, 64, true), 32);
    assert_int_equal(matrix_subgroup(64, 64, true), 64);
    assert_int_equal(matrix_subgroup(8, 16, true), 16);
    assert_int_equal(matrix_subgroup(8, 32, true), 32);
    assert_int_equal(matrix_subgroup(32, 32, false), 32);
    assert_int_equal(matrix_subgroup(32, 64, false), 0);
    vt_caps caps = unit_caps_matrix();
    caps.subgroups = 0; /* full subgroups cannot be had */
    vt_caps_complete(&caps);
    assert_int_equal(caps.matrix_subgroup, 0);
    caps = unit_caps_desktop();
    assert_int_equal(caps.matrix_subgroup, 0);
}

static void llvmpipe_has_matrices_as_wide_as_its_subgroups(void **state) {
    (void)state;
    for (uint32_t size = 4; size <= 16; size *= 2) {
        vt_caps caps = driver(VT_DRIVER_LLVMPIPE, packed(26, 2, 6));
        caps.subgroup_min = caps.subgroup_max = caps.subgroup_size = size;
        caps.subgroups = 32;
        caps.matrix_count = 1;
        caps.matrices[0] = (vt_matrix){8, 8, 8};
        vt_caps_complete(&caps);
        assert_int_equal(caps.quirks, size == 8 ? 0 : VT_QUIRK_LVP_MATRIX);
        assert_int_equal(caps.matrix_count, size == 8 ? 1 : 0);
        assert_int_equal(caps.matrix_subgroup, size == 8 ? 8 : 0);
    }
}

static void every_class_of_device_has_a_work_bound(void **state) {
    (void)state;
    uint64_t bound[5];
    for (uint32_t type = 0; type < 5; ++type) {
        vt_caps caps = unit_caps_desktop();
        caps.device_type = type;
        vt_caps_complete(&caps);
        bound[type] = caps.max_macs;
        assert_true(bound[type] >= 1000000000);
        assert_int_equal(vt_caps_is_cpu(&caps), type == VT_DEVICE_CPU);
    }
    assert_true(bound[VT_DEVICE_DISCRETE] > bound[VT_DEVICE_INTEGRATED]);
    assert_true(bound[VT_DEVICE_OTHER] == bound[VT_DEVICE_INTEGRATED]);
}

static void assert_same_limits(const vt_caps *a, const vt_caps *b) {
    assert_int_equal(a->shared_bytes, b->shared_bytes);
    assert_int_equal(a->invocations, b->invocations);
    assert_int_equal(a->workgroup_size_x, b->workgroup_size_x);
    assert_memory_equal(a->groups, b->groups, sizeof a->groups);
    assert_true(a->storage_range == b->storage_range);
    assert_int_equal(a->storage_alignment, b->storage_alignment);
    assert_int_equal(a->storage_buffers, b->storage_buffers);
    assert_int_equal(a->push_bytes, b->push_bytes);
    assert_int_equal(a->subgroup_ops, b->subgroup_ops);
    assert_int_equal(a->subgroup_size, b->subgroup_size);
    assert_int_equal(a->features, b->features);
    assert_true(a->loop_limit == b->loop_limit && a->max_macs == b->max_macs);
}

static void caps_only_lower(void **state) {
    (void)state;
    const vt_caps before = unit_caps_desktop();
    vt_caps caps = before;
    const vatten_device_desc none = {0};
    vt_caps_lower(&caps, &none);
    assert_same_limits(&caps, &before);
    const vatten_device_desc higher = {.cap_shared_bytes = UINT32_MAX,
                                       .cap_invocations = UINT32_MAX,
                                       .cap_storage_range = UINT64_MAX,
                                       .cap_push_bytes = UINT32_MAX};
    vt_caps_lower(&caps, &higher);
    assert_same_limits(&caps, &before);
}

static void each_cap_lowers_its_limit_and_no_other(void **state) {
    (void)state;
    const vatten_device_desc desc = {.cap_shared_bytes = 16384,
                                     .cap_invocations = 64,
                                     .cap_storage_range = 4096,
                                     .cap_no_subgroups = true,
                                     .cap_push_bytes = 128};
    vt_caps expected = unit_caps_desktop();
    expected.push_bytes = 128;
    expected.shared_bytes = 16384;
    expected.invocations = 64;
    expected.workgroup_size_x = 64;
    expected.storage_range = 4096;
    expected.subgroup_ops = VT_SUBGROUP_BASIC;
    vt_caps caps = unit_caps_desktop();
    vt_caps_lower(&caps, &desc);
    assert_same_limits(&caps, &expected);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(llvmpipe_before_23_has_the_loop_limit),
        cmocka_unit_test(llvmpipe_from_23_on_and_other_drivers_have_none),
        cmocka_unit_test(panvk_and_v3dv_have_shuffles_that_are_not_worth_it),
        cmocka_unit_test(the_open_powervr_driver_has_a_limit_of_dims),
        cmocka_unit_test(registers_are_the_vendors),
        cmocka_unit_test(quirks_have_names),
        cmocka_unit_test(matrices_need_registers),
        cmocka_unit_test(matrices_that_are_not_worth_it_or_wrong_are_left_alone),
        cmocka_unit_test(larger_matrices_come_first),
        cmocka_unit_test(kernels_are_made_of_matrices_of_whole_words),
        cmocka_unit_test(matrices_have_a_subgroup_size_that_is_sure),
        cmocka_unit_test(llvmpipe_has_matrices_as_wide_as_its_subgroups),
        cmocka_unit_test(every_class_of_device_has_a_work_bound),
        cmocka_unit_test(caps_only_lower),
        cmocka_unit_test(each_cap_lowers_its_limit_and_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
