/* SPDX-License-Identifier: MIT
 *
 * What the probe makes of a physical device that is told call by call: matrices of a workgroup, which no driver that can be had
 * without a GPU has.
 */
#define VK_NO_PROTOTYPES
#include "fake_vulkan.h"
#include "probe.h"
#include "unit.h"

#include "alloc.h"

static vt_caps device; /* what it has */
static fake_matrix_2 matrix;
static vt_vk_instance vk;
static unit_log said;

static VkCooperativeMatrixFlexibleDimensionsPropertiesNV entry(uint32_t n, uint32_t invocations,
                                                               VkComponentTypeKHR factors,
                                                               VkComponentTypeKHR sums, VkScopeKHR scope) {
    return (VkCooperativeMatrixFlexibleDimensionsPropertiesNV){
        .sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_FLEXIBLE_DIMENSIONS_PROPERTIES_NV,
        .MGranularity = 32,
        .NGranularity = n,
        .KGranularity = 16,
        .AType = factors,
        .BType = factors,
        .CType = sums,
        .ResultType = sums,
        .scope = scope,
        .workgroupInvocations = invocations};
}

/* The fake again, of what `device` and `matrix` are now. */
static void restart(void) {
    fake_start(&device);
    fake_have_matrix_2(&matrix);
    assert_int_equal(vt_vk_load_instance(fake_get_instance_proc_addr, fake_make().instance, NULL, &vk),
                     VATTEN_SUCCESS);
}

static int start(void **state) {
    const VkComponentTypeKHR f16 = VK_COMPONENT_TYPE_FLOAT16_KHR, f32 = VK_COMPONENT_TYPE_FLOAT32_KHR;
    (void)state;
    device = unit_caps_workgroup();
    device.matrix_count = device.bf16_matrix_count = 1;
    device.matrices[0] = device.bf16_matrices[0] = (vt_matrix){16, 16, 16};
    matrix = (fake_matrix_2){
        .features = {.cooperativeMatrixWorkgroupScope = VK_TRUE,
                     .cooperativeMatrixFlexibleDimensions = VK_TRUE,
                     .cooperativeMatrixReductions = VK_TRUE,
                     .cooperativeMatrixConversions = VK_TRUE,
                     .cooperativeMatrixPerElementOperations = VK_TRUE,
                     .cooperativeMatrixTensorAddressing = VK_TRUE},
        .properties = {.cooperativeMatrixWorkgroupScopeMaxWorkgroupSize = 256,
                       .cooperativeMatrixFlexibleDimensionsMaxDimension = 1024,
                       .cooperativeMatrixWorkgroupScopeReservedSharedMemory = 4096},
        .list = {entry(8, 0, f16, f32, VK_SCOPE_SUBGROUP_KHR),
                 entry(16, 128, f16, f16, VK_SCOPE_WORKGROUP_KHR),
                 entry(32, 128, f16, f32, VK_SCOPE_WORKGROUP_KHR),
                 entry(24, 128, f16, f32, VK_SCOPE_WORKGROUP_KHR), /* no power of two */
                 entry(64, 256, f16, f32, VK_SCOPE_WORKGROUP_KHR),
                 entry(64, 512, f16, f32, VK_SCOPE_WORKGROUP_KHR), /* above the largest workgroup */
                 entry(16, 128, VK_COMPONENT_TYPE_BFLOAT16_KHR, f32, VK_SCOPE_WORKGROUP_KHR)},
        .count = 7};
    restart();
    return 0;
}

static vatten_result caps_of(vatten_features features, vt_caps *out) {
    static const vatten_allocator none = {NULL, NULL, NULL};
    const vatten_allocator own = vt_allocator_resolve(&none);
    const vt_probe probe = {&vk, (VkPhysicalDevice)0, &own, &said.logger};
    unit_log_start(&said);
    return vt_probe_caps(&probe, features, out);
}

static vatten_features probed(void) {
    static const vatten_allocator none = {NULL, NULL, NULL};
    const vatten_allocator own = vt_allocator_resolve(&none);
    const vt_probe probe = {&vk, (VkPhysicalDevice)0, &own, NULL};
    return vt_probe_features(&probe);
}

static bool offered(void) {
    return (probed() & VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP) != 0;
}

static void matrices_of_a_workgroup_are_found(void **state) {
    (void)state;
    const vatten_features matrices =
        VATTEN_FEATURE_COOPERATIVE_MATRIX | VATTEN_FEATURE_COOPERATIVE_MATRIX_BF16 |
        VATTEN_FEATURE_COOPERATIVE_MATRIX_2 | VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP;
    const vatten_features features = probed();
    vt_caps caps;
    assert_int_equal(features & matrices, matrices);
    assert_int_equal(caps_of(features, &caps), VATTEN_SUCCESS);
    char text[64];
    vt_caps_flexible_names(&caps, VATTEN_DTYPE_F16, text, sizeof text);
    assert_string_equal(text, "32x32x16/128 32x64x16/256");
    vt_caps_flexible_names(&caps, VATTEN_DTYPE_BF16, text, sizeof text);
    assert_string_equal(text, "32x16x16/128");
    assert_int_equal(caps.matrix_side_max, 1024);
    assert_int_equal(caps.matrix_reserved, 4096);
}

static const char extensions_call[] = "vkEnumerateDeviceExtensionProperties";
static const char matrices_call[] = "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR";
static const char list_call[] = "vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV";

/* The calls of vt_probe_caps, in order. */
static const char *const calls[6] = {extensions_call, extensions_call, matrices_call,
                                     matrices_call,   list_call,       list_call};

static void without_the_feature_nothing_is_asked(void **state) {
    (void)state;
    const vatten_features features = probed() & ~(vatten_features)VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP;
    vt_caps caps;
    fake_fail(0, 0, VK_SUCCESS);
    assert_int_equal(caps_of(features, &caps), VATTEN_SUCCESS);
    assert_int_equal(fake_calls(), 4);
    for (uint32_t n = 1; n <= 4; ++n)
        assert_string_equal(fake_call_name(n), calls[n - 1]);
    assert_int_equal(caps.flexible_count + caps.bf16_flexible_count, 0);
}

static bool matrices_were_asked(void) {
    bool asked = false;
    for (uint32_t n = 1; n <= fake_calls(); ++n)
        asked = asked || strcmp(fake_call_name(n), matrices_call) == 0 ||
                strcmp(fake_call_name(n), list_call) == 0;
    return asked;
}

/* Some drivers crash when asked (quirk amd_matrix). */
static void a_driver_whose_matrices_would_be_dropped_is_not_asked(void **state) {
    (void)state;
    device.driver_id = VK_DRIVER_ID_AMD_OPEN_SOURCE;
    device.vendor_id = VT_VENDOR_AMD;
    device.device_id = 0x150e; /* Strix */
    restart();
    assert_int_equal(probed() & VATTEN_FEATURE_COOPERATIVE_MATRIX, 0);
    assert_false(matrices_were_asked());
    device.device_id = 0x744c; /* RX 7900 */
    restart();
    assert_int_equal(probed() & VATTEN_FEATURE_COOPERATIVE_MATRIX, VATTEN_FEATURE_COOPERATIVE_MATRIX);
    assert_true(matrices_were_asked());
}

/* Each of the six, the extension, the version that its SPIR-V takes, and something to list. */
static void nothing_may_be_missing(void **state) {
    VkBool32 *const members[] = {&matrix.features.cooperativeMatrixWorkgroupScope,
                                 &matrix.features.cooperativeMatrixFlexibleDimensions,
                                 &matrix.features.cooperativeMatrixReductions,
                                 &matrix.features.cooperativeMatrixConversions,
                                 &matrix.features.cooperativeMatrixPerElementOperations,
                                 &matrix.features.cooperativeMatrixTensorAddressing};
    assert_true(offered());
    for (size_t i = 0; i < sizeof members / sizeof members[0]; ++i) {
        *members[i] = VK_FALSE;
        assert_false(offered());
        *members[i] = VK_TRUE;
    }
    device.features &=
        ~(vatten_features)(VATTEN_FEATURE_COOPERATIVE_MATRIX_2 | VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP);
    restart(); /* the features are claimed all the same */
    assert_false(offered());
    start(state);
    device.api_version = VK_API_VERSION_1_2;
    restart();
    assert_false(offered());
    start(state);
    matrix.count = 2;
    assert_false(offered());
    matrix.count = 0;
    assert_false(offered());
}

/* Call `n` fails; what is said, and what becomes of it. */
static vatten_result caps_failing(uint32_t n, VkResult failure, vatten_features features, vt_caps *out) {
    fake_fail(n, 1, failure);
    vatten_result result = caps_of(features, out);
    assert_string_equal(fake_call_name(n), calls[n - 1]);
    return result;
}

static void want_of_memory_is_told(void **state) {
    const vatten_features features = probed();
    char text[128];
    vt_caps caps;
    (void)state;
    for (uint32_t n = 1; n <= 6; ++n) {
        assert_int_equal(caps_failing(n, VK_ERROR_OUT_OF_DEVICE_MEMORY, features, &caps),
                         VATTEN_ERROR_OUT_OF_DEVICE_MEMORY);
        assert_int_equal(caps_failing(n, VK_ERROR_OUT_OF_HOST_MEMORY, features, &caps),
                         VATTEN_ERROR_OUT_OF_HOST_MEMORY);
        snprintf(text, sizeof text, "%s failed with VkResult -1", calls[n - 1]);
        assert_string_equal(said.text, text);
        assert_int_equal(said.level, VATTEN_LOG_ERROR);
        fake_fail_all(calls[n - 1], VK_ERROR_OUT_OF_HOST_MEMORY);
        assert_false(offered());
    }
}

static void extensions_that_cannot_be_listed_are_told(void **state) {
    const vatten_features features = probed();
    vt_caps caps;
    (void)state;
    for (uint32_t n = 1; n <= 2; ++n) {
        assert_int_equal(caps_failing(n, VK_ERROR_UNKNOWN, features, &caps), VATTEN_ERROR_VULKAN);
        assert_string_equal(said.text, "vkEnumerateDeviceExtensionProperties failed with VkResult -13");
        fake_fail(n, 1, VK_ERROR_UNKNOWN);
        assert_int_equal(probed(), 0);
    }
}

/* The device serves without matrices. */
static void matrices_that_cannot_be_listed_are_none(void **state) {
    const vatten_features features = probed();
    vt_caps caps;
    (void)state;
    for (uint32_t n = 3; n <= 6; ++n) {
        bool all = n < 5;
        assert_int_equal(caps_failing(n, VK_ERROR_UNKNOWN, features, &caps), VATTEN_SUCCESS);
        assert_int_equal(said.level, VATTEN_LOG_WARN);
        assert_non_null(strstr(said.text, "failed with VkResult -13"));
        assert_int_equal(caps.matrix_count, all ? 0 : 1);
        assert_int_equal(caps.bf16_matrix_count, all ? 0 : 1);
        assert_int_equal(all ? 0 : caps.flexible_count + caps.bf16_flexible_count, 0);
        fake_fail_all(calls[n - 1], VK_ERROR_UNKNOWN);
        assert_int_equal((probed() & VATTEN_FEATURE_COOPERATIVE_MATRIX) == 0, all);
        assert_false(offered());
    }
}

/* Between two calls a layer may have made a list longer: what there is counts. */
static void lists_that_have_grown_are_taken_as_they_are(void **state) {
    const vatten_features features = probed();
    vt_caps caps;
    (void)state;
    assert_int_equal(caps_failing(2, VK_INCOMPLETE, features, &caps), VATTEN_SUCCESS);
    assert_silent(&said);
    assert_int_equal(caps.flexible_count, 2); /* the extension that is missing is the last */
    assert_int_equal(caps_failing(4, VK_INCOMPLETE, features, &caps), VATTEN_SUCCESS);
    assert_silent(&said);
    assert_int_equal(caps.matrix_count, 1);
    assert_int_equal(caps.bf16_matrix_count, 0);
    assert_int_equal(caps_failing(6, VK_INCOMPLETE, features, &caps), VATTEN_SUCCESS);
    assert_silent(&said);
    assert_int_equal(caps.flexible_count, 2);
    assert_int_equal(caps.bf16_flexible_count, 0);
}

#define TEST(NAME) cmocka_unit_test_setup(NAME, start)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(matrices_of_a_workgroup_are_found),
        TEST(without_the_feature_nothing_is_asked),
        TEST(a_driver_whose_matrices_would_be_dropped_is_not_asked),
        TEST(nothing_may_be_missing),
        TEST(want_of_memory_is_told),
        TEST(extensions_that_cannot_be_listed_are_told),
        TEST(matrices_that_cannot_be_listed_are_none),
        TEST(lists_that_have_grown_are_taken_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
