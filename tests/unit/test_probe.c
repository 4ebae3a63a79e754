/* SPDX-License-Identifier: MIT
 *
 * What the probe makes of a physical device that is told call by call: matrices of a workgroup, which no driver that can be had
 * without a GPU has.
 */
#define VK_NO_PROTOTYPES
#include "probe.h"
#include "unit.h"

#include "alloc.h"

/* The device: what it has, and what it lists. */
typedef struct mock {
    uint32_t version;
    bool extension; /* VK_NV_cooperative_matrix2 */
    bool bfloat16;
    VkPhysicalDeviceCooperativeMatrix2FeaturesNV features;
    VkPhysicalDeviceCooperativeMatrix2PropertiesNV properties;
    VkCooperativeMatrixFlexibleDimensionsPropertiesNV list[8];
    uint32_t count;
    VkResult list_result;
    uint32_t asked; /* how often for that list, and for matrices of a subgroup */
    uint32_t asked_subgroup;
    uint32_t driver_id, vendor_id, device_id; /* vendor 0 = NVIDIA */
} mock;

static mock device;

static VKAPI_ATTR VkResult VKAPI_CALL enumerate_extensions(VkPhysicalDevice physical, const char *layer,
                                                           uint32_t *count, VkExtensionProperties *out) {
    const char *names[3] = {VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME, NULL, NULL};
    uint32_t n = 1;
    (void)physical;
    (void)layer;
    if (device.extension)
        names[n++] = VK_NV_COOPERATIVE_MATRIX_2_EXTENSION_NAME;
    if (device.bfloat16)
        names[n++] = VK_KHR_SHADER_BFLOAT16_EXTENSION_NAME;
    for (uint32_t i = 0; out && i < n; ++i)
        snprintf(out[i].extensionName, sizeof out[i].extensionName, "%s", names[i]);
    *count = n;
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL get_features(VkPhysicalDevice physical, VkPhysicalDeviceFeatures2 *out) {
    (void)physical;
    for (VkBaseOutStructure *at = out->pNext; at; at = at->pNext) {
        void *chain = at->pNext;
        switch ((uint32_t)at->sType) {
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES:
            ((VkPhysicalDevice16BitStorageFeatures *)at)->storageBuffer16BitAccess = VK_TRUE;
            break;
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES:
            ((VkPhysicalDeviceSubgroupSizeControlFeatures *)at)->subgroupSizeControl = VK_TRUE;
            ((VkPhysicalDeviceSubgroupSizeControlFeatures *)at)->computeFullSubgroups = VK_TRUE;
            break;
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR:
            ((VkPhysicalDeviceCooperativeMatrixFeaturesKHR *)at)->cooperativeMatrix = VK_TRUE;
            break;
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES:
            ((VkPhysicalDeviceVulkanMemoryModelFeatures *)at)->vulkanMemoryModel = VK_TRUE;
            break;
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES:
            ((VkPhysicalDeviceShaderFloat16Int8Features *)at)->shaderFloat16 = VK_TRUE;
            break;
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_FEATURES:
            ((VkPhysicalDeviceMaintenance4Features *)at)->maintenance4 = VK_TRUE;
            break;
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_BFLOAT16_FEATURES_KHR:
            ((VkPhysicalDeviceShaderBfloat16FeaturesKHR *)at)->shaderBFloat16Type = VK_TRUE;
            ((VkPhysicalDeviceShaderBfloat16FeaturesKHR *)at)->shaderBFloat16CooperativeMatrix = VK_TRUE;
            break;
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV:
            *(VkPhysicalDeviceCooperativeMatrix2FeaturesNV *)at = device.features;
            at->sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV;
            at->pNext = chain;
            break;
        default:
            break;
        }
    }
}

static VKAPI_ATTR void VKAPI_CALL get_properties(VkPhysicalDevice physical,
                                                 VkPhysicalDeviceProperties2 *out) {
    (void)physical;
    out->properties.apiVersion = device.version;
    out->properties.deviceType = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
    out->properties.vendorID = device.vendor_id ? device.vendor_id : VT_VENDOR_NVIDIA;
    out->properties.deviceID = device.device_id;
    out->properties.limits.maxComputeSharedMemorySize = 49152;
    out->properties.limits.maxComputeWorkGroupInvocations = 1024;
    for (VkBaseOutStructure *at = out->pNext; at; at = at->pNext) {
        void *chain = at->pNext;
        switch ((uint32_t)at->sType) {
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES:
            ((VkPhysicalDeviceSubgroupProperties *)at)->subgroupSize = 32;
            ((VkPhysicalDeviceSubgroupProperties *)at)->supportedStages = VK_SHADER_STAGE_COMPUTE_BIT;
            ((VkPhysicalDeviceSubgroupProperties *)at)->supportedOperations = 0xff;
            break;
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES:
            ((VkPhysicalDeviceDriverProperties *)at)->driverID = (VkDriverId)device.driver_id;
            break;
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES:
            ((VkPhysicalDeviceSubgroupSizeControlProperties *)at)->minSubgroupSize = 32;
            ((VkPhysicalDeviceSubgroupSizeControlProperties *)at)->maxSubgroupSize = 32;
            ((VkPhysicalDeviceSubgroupSizeControlProperties *)at)->maxComputeWorkgroupSubgroups = 32;
            break;
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_PROPERTIES_KHR:
            ((VkPhysicalDeviceCooperativeMatrixPropertiesKHR *)at)->cooperativeMatrixSupportedStages =
                VK_SHADER_STAGE_COMPUTE_BIT;
            break;
        case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_PROPERTIES_NV:
            *(VkPhysicalDeviceCooperativeMatrix2PropertiesNV *)at = device.properties;
            at->sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_PROPERTIES_NV;
            at->pNext = chain;
            break;
        default:
            break;
        }
    }
}

static VKAPI_ATTR VkResult VKAPI_CALL get_matrices(VkPhysicalDevice physical, uint32_t *count,
                                                   VkCooperativeMatrixPropertiesKHR *out) {
    const VkComponentTypeKHR types[2] = {VK_COMPONENT_TYPE_FLOAT16_KHR, VK_COMPONENT_TYPE_BFLOAT16_KHR};
    (void)physical;
    ++device.asked_subgroup;
    for (uint32_t i = 0; out && i < 2; ++i) {
        out[i].MSize = out[i].NSize = out[i].KSize = 16;
        out[i].AType = out[i].BType = types[i];
        out[i].CType = out[i].ResultType = VK_COMPONENT_TYPE_FLOAT32_KHR;
        out[i].scope = VK_SCOPE_SUBGROUP_KHR;
    }
    *count = 2;
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL get_flexible(VkPhysicalDevice physical, uint32_t *count,
                                                   VkCooperativeMatrixFlexibleDimensionsPropertiesNV *out) {
    (void)physical;
    ++device.asked;
    for (uint32_t i = 0; out && i < device.count; ++i)
        out[i] = device.list[i];
    *count = device.count;
    return device.list_result;
}

static const vt_vk_instance vk = {
    .EnumerateDeviceExtensionProperties = enumerate_extensions,
    .GetPhysicalDeviceFeatures2 = get_features,
    .GetPhysicalDeviceProperties2 = get_properties,
    .GetPhysicalDeviceCooperativeMatrixPropertiesKHR = get_matrices,
    .GetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV = get_flexible,
};

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

static int start(void **state) {
    const VkComponentTypeKHR f16 = VK_COMPONENT_TYPE_FLOAT16_KHR, f32 = VK_COMPONENT_TYPE_FLOAT32_KHR;
    (void)state;
    device = (mock){.version = VK_API_VERSION_1_3, .extension = true, .bfloat16 = true};
    device.features.cooperativeMatrixWorkgroupScope = VK_TRUE;
    device.features.cooperativeMatrixFlexibleDimensions = VK_TRUE;
    device.features.cooperativeMatrixReductions = VK_TRUE;
    device.features.cooperativeMatrixConversions = VK_TRUE;
    device.features.cooperativeMatrixPerElementOperations = VK_TRUE;
    device.features.cooperativeMatrixTensorAddressing = VK_TRUE;
    device.properties.cooperativeMatrixWorkgroupScopeMaxWorkgroupSize = 256;
    device.properties.cooperativeMatrixFlexibleDimensionsMaxDimension = 1024;
    device.properties.cooperativeMatrixWorkgroupScopeReservedSharedMemory = 4096;
    device.list[0] = entry(8, 0, f16, f32, VK_SCOPE_SUBGROUP_KHR);
    device.list[1] = entry(16, 128, f16, f16, VK_SCOPE_WORKGROUP_KHR);
    device.list[2] = entry(32, 128, f16, f32, VK_SCOPE_WORKGROUP_KHR);
    device.list[3] = entry(24, 128, f16, f32, VK_SCOPE_WORKGROUP_KHR); /* no power of two */
    device.list[4] = entry(64, 256, f16, f32, VK_SCOPE_WORKGROUP_KHR);
    device.list[5] = entry(64, 512, f16, f32, VK_SCOPE_WORKGROUP_KHR); /* above the largest workgroup */
    device.list[6] = entry(16, 128, VK_COMPONENT_TYPE_BFLOAT16_KHR, f32, VK_SCOPE_WORKGROUP_KHR);
    device.count = 7;
    return 0;
}

static vatten_allocator allocator(void) {
    const vatten_allocator none = {NULL, NULL, NULL};
    return vt_allocator_resolve(&none);
}

static vatten_features probed(void) {
    const vatten_allocator own = allocator();
    return vt_probe_features(&vk, &own, (VkPhysicalDevice)0);
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
    const vatten_allocator own = allocator();
    vt_caps caps;
    assert_int_equal(features & matrices, matrices);
    assert_int_equal(vt_probe_caps(&vk, &own, (VkPhysicalDevice)0, features, &caps), VATTEN_SUCCESS);
    char text[64];
    vt_caps_flexible_names(&caps, VATTEN_DTYPE_F16, text, sizeof text);
    assert_string_equal(text, "32x32x16/128 32x64x16/256");
    vt_caps_flexible_names(&caps, VATTEN_DTYPE_BF16, text, sizeof text);
    assert_string_equal(text, "32x16x16/128");
    assert_int_equal(caps.matrix_side_max, 1024);
    assert_int_equal(caps.matrix_reserved, 4096);
}

static void without_the_feature_nothing_is_asked(void **state) {
    (void)state;
    const vatten_features features = probed() & ~(vatten_features)VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP;
    const vatten_allocator own = allocator();
    vt_caps caps;
    device.asked = 0;
    assert_int_equal(vt_probe_caps(&vk, &own, (VkPhysicalDevice)0, features, &caps), VATTEN_SUCCESS);
    assert_int_equal(device.asked, 0);
    assert_int_equal(caps.flexible_count + caps.bf16_flexible_count, 0);
}

/* Some drivers crash when asked (quirk amd_matrix). */
static void a_driver_whose_matrices_would_be_dropped_is_not_asked(void **state) {
    (void)state;
    device.driver_id = VK_DRIVER_ID_AMD_OPEN_SOURCE;
    device.vendor_id = VT_VENDOR_AMD;
    device.device_id = 0x150e; /* Strix */
    assert_int_equal(probed() & VATTEN_FEATURE_COOPERATIVE_MATRIX, 0);
    assert_int_equal(device.asked_subgroup + device.asked, 0);
    device.device_id = 0x744c; /* RX 7900 */
    assert_int_equal(probed() & VATTEN_FEATURE_COOPERATIVE_MATRIX, VATTEN_FEATURE_COOPERATIVE_MATRIX);
    assert_true(device.asked_subgroup > 0);
}

/* Each of the six, the extension, the version that its SPIR-V takes, and something to list. */
static void nothing_may_be_missing(void **state) {
    VkBool32 *const members[] = {&device.features.cooperativeMatrixWorkgroupScope,
                                 &device.features.cooperativeMatrixFlexibleDimensions,
                                 &device.features.cooperativeMatrixReductions,
                                 &device.features.cooperativeMatrixConversions,
                                 &device.features.cooperativeMatrixPerElementOperations,
                                 &device.features.cooperativeMatrixTensorAddressing};
    assert_true(offered());
    for (size_t i = 0; i < sizeof members / sizeof members[0]; ++i) {
        *members[i] = VK_FALSE;
        assert_false(offered());
        *members[i] = VK_TRUE;
    }
    device.extension = false;
    assert_false(offered());
    start(state);
    device.version = VK_API_VERSION_1_2;
    assert_false(offered());
    start(state);
    device.count = 2;
    assert_false(offered());
    device.count = 0;
    assert_false(offered());
}

static void a_list_that_fails_is_told(void **state) {
    (void)state;
    const vatten_features features = probed();
    const vatten_allocator own = allocator();
    vt_caps caps;
    device.list_result = VK_ERROR_OUT_OF_HOST_MEMORY;
    assert_int_equal(vt_probe_caps(&vk, &own, (VkPhysicalDevice)0, features, &caps),
                     VATTEN_ERROR_OUT_OF_HOST_MEMORY);
    assert_false(offered());
}

#define TEST(NAME) cmocka_unit_test_setup(NAME, start)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(matrices_of_a_workgroup_are_found),
        TEST(without_the_feature_nothing_is_asked),
        TEST(a_driver_whose_matrices_would_be_dropped_is_not_asked),
        TEST(nothing_may_be_missing),
        TEST(a_list_that_fails_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
