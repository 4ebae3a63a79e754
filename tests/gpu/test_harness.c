/* SPDX-License-Identifier: MIT
 *
 * The harness must see what it is there to see: each kind of damage, done by hand to a right result, is one
 * failure.
 */
#include "gpu_caps.h"
#include "gpu_harness.h"

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gpu device;

/* Gaps after rows, heads and batch entries. */
static gpu_problem gapped(vatten_dtype dtype) {
    gpu_problem p = gpu_dense(dtype, 6, 9, 2, 1, 8);
    p.dense.heads.batch = 2;
    p.dense.heads.out = (vatten_strides){.head = 11, .token = 24, .batch = 24 * 6 + 5};
    gpu_name(&p, "a right result");
    return p;
}

/* Damages the buffer `slot` at `at` bytes from its argument's start: two bytes become `value`. */
static void damage(gpu_trial *trial, gpu_slot slot, int64_t at, uint16_t value) {
    gpu_region *region = &trial->region[slot];
    uint64_t byte = (uint64_t)((int64_t)region->offset + at);
    assert_int_equal(vatten_memory_upload(region->memory, byte, &value, sizeof value), VATTEN_SUCCESS);
}

/* How many failures the checks find after `slot` of a problem was damaged; -1: no damage done. */
static uint64_t failures_of(const gpu_problem *p, int slot, int64_t at, uint16_t value) {
    gpu_trial trial;
    device.failures = 0;
    device.quiet = true;
    assert_int_equal(gpu_trial_begin(&device, p, &trial), VATTEN_SUCCESS);
    bool good = gpu_trial_run(&trial);
    if (slot >= 0) {
        damage(&trial, (gpu_slot)slot, at, value);
    }
    if (good && gpu_trial_collect(&trial)) {
        gpu_trial_compare(&trial);
    }
    gpu_trial_end(&trial);
    uint64_t failures = device.failures;
    device.failures = 0;
    device.quiet = false;
    device.worst_out[REF_F32].tolerance = device.worst_out[REF_F16].tolerance = device.worst_lse.tolerance =
        0.0;
    return failures;
}

static uint64_t failures_after(vatten_dtype dtype, int slot, int64_t at, uint16_t value) {
    const gpu_problem p = gapped(dtype);
    return failures_of(&p, slot, at, value);
}

static void test_a_right_result_has_no_failure(void **state) {
    (void)state;
    assert_int_equal(failures_after(VATTEN_DTYPE_F32, -1, 0, 0), 0);
    if (gpu_has_dtype(&device, VATTEN_DTYPE_F16)) {
        assert_int_equal(failures_after(VATTEN_DTYPE_F16, -1, 0, 0), 0);
    }
}

static void test_writes_outside_are_seen(void **state) {
    (void)state;
    const int64_t out_bytes = 4 * (24 * 6 + 5 + 24 * 5 + 11 + 8);
    assert_int_equal(failures_after(VATTEN_DTYPE_F32, GPU_OUT, -2, 0), 1);
    assert_int_equal(failures_after(VATTEN_DTYPE_F32, GPU_OUT, -4096, 0), 1);
    assert_int_equal(failures_after(VATTEN_DTYPE_F32, GPU_OUT, out_bytes, 0), 1);
    assert_int_equal(failures_after(VATTEN_DTYPE_F32, GPU_OUT, out_bytes + 4094, 0), 1);
    assert_int_equal(failures_after(VATTEN_DTYPE_F32, GPU_LSE, 4 * 2 * 2 * 6, 0), 1);
    assert_int_equal(failures_after(VATTEN_DTYPE_F32, GPU_Q, 0, 0x1234), 1); /* an input */
    assert_int_equal(failures_after(VATTEN_DTYPE_F32, GPU_K, 4 * 8 * 9 * 2 + 8, 0x1234), 1);
}

static void test_writes_in_gaps_are_seen(void **state) {
    (void)state;
    assert_int_equal(failures_after(VATTEN_DTYPE_F32, GPU_OUT, 4 * 8, 0), 1); /* after a row */
    assert_int_equal(failures_after(VATTEN_DTYPE_F32, GPU_OUT, 4 * 23, 0),
                     1); /* after the heads of a token */
    assert_int_equal(failures_after(VATTEN_DTYPE_F32, GPU_OUT, 4 * (24 * 6 + 3), 0),
                     1); /* after a batch entry */
}

static void test_wrong_elements_are_seen(void **state) {
    (void)state;
    /* the upper half of an f32: NaN, infinity, 0 and a large value in the first row, 0 in the last one */
    static const uint16_t wrong[] = {0x7FC0, 0x7F80, 0x0000, 0x4120};
    for (unsigned n = 0; n < sizeof wrong / sizeof wrong[0]; ++n) {
        assert_true(failures_after(VATTEN_DTYPE_F32, GPU_OUT, 2, wrong[n]) >= 1);
        assert_true(failures_after(VATTEN_DTYPE_F32, GPU_LSE, 2, wrong[n]) >= 1);
    }
    assert_true(failures_after(VATTEN_DTYPE_F32, GPU_OUT, 4 * (24 * 6 + 5 + 24 * 5 + 11 + 7) + 2, 0) >= 1);
    if (gpu_has_dtype(&device, VATTEN_DTYPE_F16)) {
        assert_true(failures_after(VATTEN_DTYPE_F16, GPU_OUT, 0, 0x7E00) >= 1);
        assert_true(failures_after(VATTEN_DTYPE_F16, GPU_OUT, 0, 0x4900) >= 1);
    }
}

/* Rows of dense plans that are not to be written, tables but for what the library notes there, and states. */
static void test_damage_to_tables_is_seen(void **state) {
    (void)state;
    gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 6, 40, 2, 1, 8), carry = p;
    vatten_tables at;
    p.dense.heads.batch = 2;
    p.dense.lengths = VATTEN_LENGTHS_BOTH;
    p.dense.masks = VATTEN_MASK_EXPIRY;
    assert_int_equal(vatten_attention_tables(&p.dense, &at), VATTEN_SUCCESS);
    assert_int_equal(failures_of(&p, -1, 0, 0), 0);
    assert_int_equal(failures_of(&p, GPU_TABLES, (int64_t)at.expiry, 0x1234), 1);
    assert_int_equal(failures_of(&p, GPU_TABLES, -2, 0x1234), 1);
    assert_true(at.spans != VATTEN_NO_TABLE);
    assert_int_equal(failures_of(&p, GPU_TABLES, (int64_t)at.spans, 0x1234), 0);
    assert_int_equal(failures_of(&p, GPU_OUT, 4 * 16 * 11, 0), 1); /* entry 1 has no more than one query */
    assert_true(failures_of(&p, GPU_OUT, 4 * 16 * 5 + 2, 0x4120) >= 1);

    carry.dense.carry = VATTEN_CARRY_OUT;
    carry.dense.heads.write_lse = false;
    assert_int_equal(failures_of(&carry, -1, 0, 0), 0);
    assert_true(failures_of(&carry, GPU_STATE, 2, 0x4120) >= 1);
    assert_true(failures_of(&carry, GPU_STATE, 4 * 9 + 2, 0x4680) >= 1); /* a sum */
    assert_int_equal(failures_of(&carry, GPU_STATE, 4 * 10 * 12, 0), 1);
}

/* An element that was never written still holds its NaN. */
static void test_missing_elements_are_seen(void **state) {
    (void)state;
    gpu_problem p = gapped(VATTEN_DTYPE_F32);
    gpu_trial trial;
    assert_int_equal(gpu_trial_begin(&device, &p, &trial), VATTEN_SUCCESS);
    device.quiet = true;
    assert_false(gpu_trial_collect(&trial)); /* nothing ran */
    assert_true(device.failures >= 1);
    gpu_trial_end(&trial);
    device.quiet = false;
    device.failures = 0;
}

static void test_validation_errors_are_seen(void **state) {
    (void)state;
    vatten_context_info info;
    vatten_context_get_info(device.context, &info);
    if (!info.validation) {
        skip();
    }
    PFN_vkGetInstanceProcAddr get = vatten_context_get_instance_proc_addr(device.context);
    VkInstance instance = vatten_context_instance(device.context);
    VkDevice dev = vatten_context_vk_device(device.context);
    PFN_vkCreateFence create = (PFN_vkCreateFence)get(instance, "vkCreateFence");
    PFN_vkDestroyFence destroy = (PFN_vkDestroyFence)get(instance, "vkDestroyFence");
    VkFenceCreateInfo wrong = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
    VkFence fence = VK_NULL_HANDLE;

    create(dev, &wrong, NULL, &fence);
    destroy(dev, fence, NULL);
    device.quiet = true;
    gpu_check_validation(&device, "a wrong sType");
    assert_int_equal(device.failures, 1);
    device.quiet = false;
    device.failures = 0;
}

/* ---- VATTEN_TEST_BRIEF ---- */

/* Another that is open, so that the score of this program stays. */
static void open_brief(gpu *g) {
    assert_int_equal(gpu_open(g, "brief", NULL), 0);
    g->brief = true;
    g->only = VATTEN_LAYOUT_AUTO;
}

static void test_brief_runs_meet_all_layouts_by_turns(void **state) {
    (void)state;
    gpu g = {0};
    uint64_t looped[GPU_ALL_LAYOUTS] = {0};
    open_brief(&g);
    const gpu_problem p = gapped(gpu_has_dtype(&g, VATTEN_DTYPE_F16) ? VATTEN_DTYPE_F16 : VATTEN_DTYPE_F32);
    for (unsigned n = 0; n < GPU_ALL_LAYOUTS; ++n) {
        assert_true(gpu_check_layouts(&g, &p));
        assert_int_equal(g.cases, n + 1);
        unsigned met = 0;
        for (int l = gpu_first_layout(&g); l < GPU_LAYOUTS; l = gpu_next_layout(&g, l)) {
            looped[l]++;
            met++;
        }
        assert_int_equal(met, 1);
    }
    for (int l = VATTEN_LAYOUT_ROWS; l < GPU_LAYOUTS; ++l) {
        bool has = gpu_has_layout(&g, (vatten_layout)l);
        assert_int_equal(looped[l] > 0, has);
        assert_int_equal(g.layout_cases[l] > 0, has);
    }
    assert_int_equal(gpu_close(&g, 0), 0);
}

static void test_brief_runs_leave_long_records_out(void **state) {
    (void)state;
    gpu g = {0};
    gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 1100, 4, 1, 1, 4);
    p.dense.heads.tile = (vatten_tile){VATTEN_LAYOUT_SHARED, 8, 1, 8, 8};
    p.dense.heads.max_macs = 1;
    gpu_name(&p, "1,100 dispatches");
    open_brief(&g);
    assert_true(gpu_check(&g, &p));
    assert_int_equal(g.left_out, 1);
    assert_int_equal(g.cases, 0);
    p.dense.q_len = 20;
    assert_true(gpu_check(&g, &p));
    assert_int_equal(g.left_out, 1);
    assert_int_equal(g.cases, 1);
    assert_int_equal(gpu_close(&g, 0), 0);
}

/* ---- VATTEN_TEST_CAPS ---- */

static void test_caps_lower_and_never_raise(void **state) {
    (void)state;
    vatten_context_desc desc = {.cap_invocations = 64, .without = VATTEN_FEATURE_STORAGE_16BIT};
    char wrong[1024];
    assert_true(gpu_caps_lower(&desc, "", wrong, sizeof wrong));
    assert_true(desc.cap_shared_bytes == 0 && desc.cap_invocations == 64 && !desc.cap_no_subgroups);
    assert_true(gpu_caps_lower(&desc, "no_subgroups,shared=16384,invocations=128,range=65536,push=128", wrong,
                               sizeof wrong));
    assert_true(desc.cap_no_subgroups);
    assert_int_equal(desc.cap_shared_bytes, 16384);
    assert_int_equal(desc.cap_invocations, 64); /* as asked for */
    assert_int_equal(desc.cap_storage_range, 65536);
    assert_int_equal(desc.cap_push_bytes, 128);
    assert_true(gpu_caps_lower(&desc,
                               "shared=8192,without=push_descriptor,without=subgroup_size_control,"
                               "without=cooperative_matrix,without=cooperative_matrix_bf16,"
                               "without=cooperative_matrix_2,without=shader_float16,"
                               "without=mixed_dot_product",
                               wrong, sizeof wrong));
    assert_int_equal(desc.cap_shared_bytes, 8192);
    assert_int_equal(desc.without,
                     VATTEN_FEATURE_STORAGE_16BIT | VATTEN_FEATURE_PUSH_DESCRIPTOR |
                         VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL | VATTEN_FEATURE_COOPERATIVE_MATRIX |
                         VATTEN_FEATURE_COOPERATIVE_MATRIX_BF16 | VATTEN_FEATURE_COOPERATIVE_MATRIX_2 |
                         VATTEN_FEATURE_SHADER_FLOAT16 | VATTEN_FEATURE_MIXED_DOT_PRODUCT);
    assert_true(gpu_caps_lower(&desc, "quirks=slow_shuffles,range=4096,quirks= pvr_spills  amd_matrix", wrong,
                               sizeof wrong));
    assert_string_equal(desc.cap_quirks, " slow_shuffles  pvr_spills  amd_matrix");
    assert_int_equal(desc.cap_storage_range, 4096);
}

static void test_wrong_caps_are_refused(void **state) {
    (void)state;
    static const char *const words[] = {"subgroups",
                                        "no_subgroups=1",
                                        "shared",
                                        "shared=",
                                        "shared=0",
                                        "shared=16k",
                                        "shared=-1",
                                        "shared= 1",
                                        "invocations=1e3",
                                        "shared=4294967296",
                                        "without=bf16",
                                        "without",
                                        ",",
                                        "range=64,,",
                                        "range=99999999999999999999",
                                        "range=64 shared",
                                        "quirks",
                                        "quirks=",
                                        "quirks= ",
                                        "quirks=slow",
                                        "quirks=slow_shuffles nothing",
                                        "quirks=lvp_loads_once"};
    for (unsigned n = 0; n < sizeof words / sizeof words[0]; ++n) {
        vatten_context_desc desc = {.cap_shared_bytes = 7}, same = desc;
        char wrong[1024] = "";
        assert_false(gpu_caps_lower(&desc, words[n], wrong, sizeof wrong));
        assert_non_null(strstr(wrong, "VATTEN_TEST_CAPS"));
        assert_memory_equal(&desc, &same, sizeof desc);
    }
}

static void test_kept_caps_are_told_from_others(void **state) {
    (void)state;
    vatten_context_desc none = {0}, shared = {.cap_shared_bytes = 1}, plain = {.cap_no_subgroups = true},
                        narrow = {.cap_invocations = 1}, range = {.cap_storage_range = 1},
                        short_push = {.cap_push_bytes = 1},
                        bare = {.without = VATTEN_FEATURE_PUSH_DESCRIPTOR},
                        faulty = {.cap_quirks = "pvr_spills amd_matrix"};
    vatten_device_info much = {.subgroup_size = 8,
                               .shared_bytes = 2,
                               .invocations = 2,
                               .storage_range = 2,
                               .push_bytes = 2,
                               .quirks = "slow_shuffles amd_matrix",
                               .features = VATTEN_FEATURE_PUSH_DESCRIPTOR};
    assert_true(gpu_caps_kept(&none, &much));
    assert_false(gpu_caps_kept(&faulty, &much));
    faulty.cap_quirks = " amd_matrix  slow_shuffles ";
    assert_true(gpu_caps_kept(&faulty, &much));
    assert_false(gpu_caps_kept(&shared, &much));
    assert_false(gpu_caps_kept(&narrow, &much));
    assert_false(gpu_caps_kept(&short_push, &much));
    assert_false(gpu_caps_kept(&range, &much));
    assert_false(gpu_caps_kept(&plain, &much));
    assert_false(gpu_caps_kept(&bare, &much));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_caps_lower_and_never_raise),
        cmocka_unit_test(test_wrong_caps_are_refused),
        cmocka_unit_test(test_kept_caps_are_told_from_others),
        cmocka_unit_test(test_a_right_result_has_no_failure),
        cmocka_unit_test(test_writes_outside_are_seen),
        cmocka_unit_test(test_writes_in_gaps_are_seen),
        cmocka_unit_test(test_wrong_elements_are_seen),
        cmocka_unit_test(test_damage_to_tables_is_seen),
        cmocka_unit_test(test_missing_elements_are_seen),
        cmocka_unit_test(test_validation_errors_are_seen),
        cmocka_unit_test(test_brief_runs_meet_all_layouts_by_turns),
        cmocka_unit_test(test_brief_runs_leave_long_records_out),
    };
    int opened = gpu_open(&device, "test_harness", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
