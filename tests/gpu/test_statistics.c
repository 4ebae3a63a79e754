/* SPDX-License-Identifier: MIT
 *
 * vatten_plan_get_statistics: what it hands on, held against a driver that says known figures, and what it does
 * without the feature. The device is real; only the two functions that answer are played.
 */
#include "gpu_harness.h"

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan.h>

#include <stdio.h>
#include <string.h>

static gpu device;

/* ---- The played driver: two executables of two and one figures ---- */

static PFN_vkGetInstanceProcAddr real_instance;
static PFN_vkGetDeviceProcAddr real_device;
static VkResult answer; /* of the second function, when it fills */

static VKAPI_ATTR VkResult VKAPI_CALL played_properties(VkDevice d, const VkPipelineInfoKHR *info,
                                                        uint32_t *count,
                                                        VkPipelineExecutablePropertiesKHR *out) {
    (void)d;
    assert_non_null(info->pipeline);
    if (out) {
        assert_int_equal(*count, 2);
        assert_int_equal(out[1].sType, VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR);
        snprintf(out[0].name, sizeof out[0].name, "narrow");
        snprintf(out[1].name, sizeof out[1].name, "wide");
        out[0].subgroupSize = 8;
        out[1].subgroupSize = 32;
    }
    *count = 2;
    return VK_SUCCESS;
}

static void fill(VkPipelineExecutableStatisticKHR *out, const char *name) {
    assert_int_equal(out->sType, VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR);
    snprintf(out->name, sizeof out->name, "%s", name);
    snprintf(out->description, sizeof out->description, "what %s means", name);
}

static VKAPI_ATTR VkResult VKAPI_CALL played_statistics(VkDevice d, const VkPipelineExecutableInfoKHR *info,
                                                        uint32_t *count,
                                                        VkPipelineExecutableStatisticKHR *out) {
    (void)d;
    bool narrow = info->executableIndex == 0;
    if (out && answer != VK_SUCCESS) {
        return answer;
    }
    if (out && narrow) {
        fill(&out[0], "registers");
        out[0].format = VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_UINT64_KHR;
        out[0].value.u64 = 200;
        fill(&out[1], "balance");
        out[1].format = VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_INT64_KHR;
        out[1].value.i64 = -3;
    } else if (out) {
        fill(&out[0], "share");
        out[0].format = VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_FLOAT64_KHR;
        out[0].value.f64 = 0.5;
    }
    *count = narrow ? 2 : 1;
    return VK_SUCCESS;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL played_device(VkDevice d, const char *name) {
    if (strcmp(name, "vkGetPipelineExecutablePropertiesKHR") == 0) {
        return (PFN_vkVoidFunction)played_properties;
    }
    if (strcmp(name, "vkGetPipelineExecutableStatisticsKHR") == 0) {
        return (PFN_vkVoidFunction)played_statistics;
    }
    return real_device(d, name);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL played_instance(VkInstance instance, const char *name) {
    PFN_vkVoidFunction real = real_instance(instance, name);
    if (strcmp(name, "vkGetDeviceProcAddr") != 0) {
        return real;
    }
    real_device = (PFN_vkGetDeviceProcAddr)real;
    return (PFN_vkVoidFunction)played_device;
}

/* ---- Tests ---- */

static vatten_plan *make_plan(vatten_device *d) {
    const vatten_attention_desc desc = {
        .heads = {.dtype = VATTEN_DTYPE_F32, .batch = 1, .heads = 1, .kv_heads = 1, .dim = 8},
        .q_len = 4,
        .kv_len = 4};
    vatten_plan *plan = NULL;
    assert_int_equal(vatten_attention_create(d, &desc, &plan), VATTEN_SUCCESS);
    return plan;
}

static void check_figures(const vatten_plan *plan) {
    uint32_t count = 0;
    vatten_plan_info info;
    vatten_statistic seen[5];
    vatten_plan_get_info(plan, &info);
    assert_int_equal(vatten_plan_get_statistics(plan, NULL, &count), VATTEN_SUCCESS);
    assert_int_equal(count, 3);
    memset(seen, 0x7f, sizeof seen);
    count = 5; /* more room than figures */
    assert_int_equal(vatten_plan_get_statistics(plan, seen, &count), VATTEN_SUCCESS);
    assert_int_equal(count, 3);
    static const char *const names[] = {"registers", "balance", "share"};
    static const double values[] = {200, -3, 0.5};
    for (int i = 0; i < 3; ++i) {
        assert_string_equal(seen[i].kernel, info.kernel);
        assert_string_equal(seen[i].executable, i < 2 ? "narrow" : "wide");
        assert_int_equal(seen[i].subgroup_size, i < 2 ? 8 : 32);
        assert_string_equal(seen[i].name, names[i]);
        assert_true(seen[i].value == values[i]);
    }
    assert_string_equal(seen[2].description, "what share means");
    assert_int_equal(seen[3].kernel[0], 0x7f);
    memset(seen, 0x7f, sizeof seen);
    count = 2; /* less */
    assert_int_equal(vatten_plan_get_statistics(plan, seen, &count), VATTEN_SUCCESS);
    assert_int_equal(count, 2);
    assert_int_equal(seen[2].kernel[0], 0x7f);
}

static void check_errors(const vatten_plan *plan) {
    vatten_statistic seen[3];
    uint32_t count = 3;
    answer = VK_ERROR_OUT_OF_HOST_MEMORY;
    assert_int_equal(vatten_plan_get_statistics(plan, seen, &count), VATTEN_ERROR_OUT_OF_HOST_MEMORY);
    assert_int_equal(count, 0);
    answer = VK_SUCCESS;
    count = 3;
    assert_int_equal(vatten_plan_get_statistics(NULL, seen, &count), VATTEN_ERROR_INVALID_ARGUMENT);
    assert_int_equal(count, 0);
    assert_int_equal(vatten_plan_get_statistics(plan, seen, NULL), VATTEN_ERROR_INVALID_ARGUMENT);
}

/* No validation layer here: it would rightly say that the device has no such extension. */
static void test_figures_of_a_driver(void **state) {
    (void)state;
    vatten_context *context = NULL;
    assert_int_equal(vatten_context_create(NULL, &context), VATTEN_SUCCESS);
    vatten_context_info info;
    vatten_context_get_info(context, &info);
    real_instance = vatten_context_get_instance_proc_addr(context);
    const vatten_device_desc desc = {.get_instance_proc_addr = played_instance,
                                     .instance = vatten_context_instance(context),
                                     .physical_device = vatten_context_physical_device(context),
                                     .device = vatten_context_vk_device(context),
                                     .features = info.enabled | VATTEN_FEATURE_PIPELINE_STATISTICS};
    vatten_device *d = NULL;
    assert_int_equal(vatten_device_create(&desc, &d), VATTEN_SUCCESS);
    vatten_plan *plan = make_plan(d);
    check_figures(plan);
    check_errors(plan);
    vatten_plan_destroy(plan);
    vatten_device_destroy(d);
    vatten_context_destroy(context);
}

static void test_without_the_feature(void **state) {
    (void)state;
    vatten_plan *plan = make_plan(device.device);
    uint32_t count = 7;
    assert_int_equal(device.limits.features & VATTEN_FEATURE_PIPELINE_STATISTICS, 0);
    assert_int_equal(vatten_plan_get_statistics(plan, NULL, &count), VATTEN_ERROR_UNSUPPORTED);
    assert_int_equal(count, 0);
    assert_non_null(strstr(device.message, "VATTEN_FEATURE_PIPELINE_STATISTICS"));
    vatten_plan_destroy(plan);
}

/* Under the validation layer: the context enables what the feature needs, where the device has it. */
static void test_the_context_enables_it(void **state) {
    (void)state;
    gpu other = {0};
    const vatten_context_desc desc = {.statistics = true};
    assert_int_equal(gpu_open(&other, "test_statistics", &desc), 0);
    bool has = (other.limits.features & VATTEN_FEATURE_PIPELINE_STATISTICS) != 0;
    vatten_plan *plan = make_plan(other.device);
    uint32_t count = 0;
    vatten_result result = vatten_plan_get_statistics(plan, NULL, &count);
    printf("  statistics: %s, %u figures\n", has ? "yes" : "the device has none", count);
    assert_int_equal(result, has ? VATTEN_SUCCESS : VATTEN_ERROR_UNSUPPORTED);
    vatten_plan_destroy(plan);
    assert_int_equal(gpu_close(&other, 0), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures_of_a_driver),
        cmocka_unit_test(test_without_the_feature),
        cmocka_unit_test(test_the_context_enables_it),
    };
    int opened = gpu_open(&device, "test_statistics", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
