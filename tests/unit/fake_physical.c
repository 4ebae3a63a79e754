/* SPDX-License-Identifier: MIT
 *
 * What the fake's physical device says of itself: its capabilities, put back into the words of Vulkan.
 */
#include "fake_state.h"

#include "newvulkan/matrix_scope.h"

#include <stdio.h>
#include <string.h>

static const fake_matrix_2 *own_matrix_2;

void fake_have_matrix_2(const fake_matrix_2 *matrix) {
    own_matrix_2 = matrix;
}

static bool has(vatten_features features) {
    return (fake_caps()->features & features) != 0;
}

static void put_driver(VkPhysicalDeviceDriverProperties *out) {
    out->driverID = (VkDriverId)fake_caps()->driver_id;
    snprintf(out->driverName, sizeof out->driverName, "fake");
    snprintf(out->driverInfo, sizeof out->driverInfo, "%s", fake_caps()->driver_info);
}

static void put_size_control(VkPhysicalDeviceSubgroupSizeControlProperties *out) {
    out->minSubgroupSize = fake_caps()->subgroup_min;
    out->maxSubgroupSize = fake_caps()->subgroup_max;
    out->maxComputeWorkgroupSubgroups = fake_caps()->subgroups;
    out->requiredSubgroupSizeStages = fake_caps()->subgroup_asked ? VK_SHADER_STAGE_COMPUTE_BIT : 0;
}

/* Properties and features of the test's own replace all but where the struct stands in its chain. */
static void put_matrix_2_properties(VkPhysicalDeviceCooperativeMatrix2PropertiesNV *out) {
    const vt_caps *caps = fake_caps();
    VkPhysicalDeviceCooperativeMatrix2PropertiesNV says = {
        .cooperativeMatrixFlexibleDimensionsMaxDimension = caps->matrix_side_max,
        .cooperativeMatrixWorkgroupScopeReservedSharedMemory = caps->matrix_reserved,
        .cooperativeMatrixWorkgroupScopeMaxWorkgroupSize = caps->invocations};
    if (own_matrix_2)
        says = own_matrix_2->properties;
    says.sType = out->sType;
    says.pNext = out->pNext;
    *out = says;
}

static void put_property(VkBaseOutStructure *at) {
    const vt_caps *caps = fake_caps();
    switch ((uint32_t)at->sType) {
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES:
        ((VkPhysicalDeviceSubgroupProperties *)at)->subgroupSize = caps->subgroup_size;
        ((VkPhysicalDeviceSubgroupProperties *)at)->supportedStages = VK_SHADER_STAGE_COMPUTE_BIT;
        ((VkPhysicalDeviceSubgroupProperties *)at)->supportedOperations = caps->subgroup_ops;
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES:
        put_size_control((VkPhysicalDeviceSubgroupSizeControlProperties *)at);
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES:
        put_driver((VkPhysicalDeviceDriverProperties *)at);
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES:
        ((VkPhysicalDeviceMaintenance3Properties *)at)->maxMemoryAllocationSize = 1u << 30;
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_PROPERTIES_KHR:
        ((VkPhysicalDeviceCooperativeMatrixPropertiesKHR *)at)->cooperativeMatrixSupportedStages =
            VK_SHADER_STAGE_COMPUTE_BIT;
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_PROPERTIES_NV:
        put_matrix_2_properties((VkPhysicalDeviceCooperativeMatrix2PropertiesNV *)at);
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_PROPERTIES:
        ((VkPhysicalDeviceShaderIntegerDotProductProperties *)at)
            ->integerDotProduct4x8BitPackedSignedAccelerated = caps->dots_accelerated;
        break;
    default:
        break;
    }
}

static VKAPI_ATTR void VKAPI_CALL fake_GetPhysicalDeviceProperties(VkPhysicalDevice physical,
                                                                   VkPhysicalDeviceProperties *out) {
    const vt_caps *caps = fake_caps();
    (void)physical;
    memset(out, 0, sizeof *out);
    snprintf(out->deviceName, sizeof out->deviceName, "%s", caps->name);
    out->deviceType = (VkPhysicalDeviceType)caps->device_type;
    out->vendorID = caps->vendor_id;
    out->deviceID = caps->device_id;
    out->driverVersion = caps->driver_version;
    out->apiVersion = caps->api_version;
    out->limits.maxComputeSharedMemorySize = caps->shared_bytes;
    out->limits.maxComputeWorkGroupInvocations = caps->invocations;
    out->limits.maxComputeWorkGroupSize[0] = caps->workgroup_size_x;
    memcpy(out->limits.maxComputeWorkGroupCount, caps->groups, sizeof caps->groups);
    out->limits.maxStorageBufferRange = (uint32_t)caps->storage_range;
    out->limits.maxPerStageDescriptorStorageBuffers = caps->storage_buffers;
    out->limits.maxPushConstantsSize = caps->push_bytes;
    out->limits.minStorageBufferOffsetAlignment = caps->storage_alignment;
    out->limits.timestampPeriod = 1;
}

static VKAPI_ATTR void VKAPI_CALL fake_GetPhysicalDeviceProperties2(VkPhysicalDevice physical,
                                                                    VkPhysicalDeviceProperties2 *out) {
    fake_GetPhysicalDeviceProperties(physical, &out->properties);
    for (VkBaseOutStructure *at = out->pNext; at; at = at->pNext)
        put_property(at);
}

static void put_matrix_2(VkPhysicalDeviceCooperativeMatrix2FeaturesNV *out) {
    if (own_matrix_2) {
        VkPhysicalDeviceCooperativeMatrix2FeaturesNV says = own_matrix_2->features;
        says.sType = out->sType;
        says.pNext = out->pNext;
        *out = says;
        return;
    }
    bool two = has(VATTEN_FEATURE_COOPERATIVE_MATRIX_2 | VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP);
    out->cooperativeMatrixReductions = two;
    out->cooperativeMatrixConversions = two;
    out->cooperativeMatrixPerElementOperations = two;
#define PUT(MEMBER, WANTED) out->MEMBER = (WANTED) && has(VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP);
    if (has(VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP)) {
        VT_MATRIX_SCOPE_FEATURES(PUT)
    }
#undef PUT
}

static void put_feature(VkBaseOutStructure *at) {
    bool matrix = has(VATTEN_FEATURE_COOPERATIVE_MATRIX);
    switch ((uint32_t)at->sType) {
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES:
        ((VkPhysicalDevice16BitStorageFeatures *)at)->storageBuffer16BitAccess =
            has(VATTEN_FEATURE_STORAGE_16BIT);
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES:
        ((VkPhysicalDeviceSubgroupSizeControlFeatures *)at)->subgroupSizeControl =
            has(VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL);
        ((VkPhysicalDeviceSubgroupSizeControlFeatures *)at)->computeFullSubgroups =
            has(VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL);
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR:
        ((VkPhysicalDeviceCooperativeMatrixFeaturesKHR *)at)->cooperativeMatrix = matrix;
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES:
        ((VkPhysicalDeviceVulkanMemoryModelFeatures *)at)->vulkanMemoryModel = matrix;
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES:
        ((VkPhysicalDeviceShaderFloat16Int8Features *)at)->shaderFloat16 =
            has(VATTEN_FEATURE_SHADER_FLOAT16 | VATTEN_FEATURE_COOPERATIVE_MATRIX);
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_FEATURES:
        ((VkPhysicalDeviceMaintenance4Features *)at)->maintenance4 = VK_TRUE;
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_BUFFER_DEVICE_ADDRESS_FEATURES:
        ((VkPhysicalDeviceBufferDeviceAddressFeatures *)at)->bufferDeviceAddress =
            has(VATTEN_FEATURE_BUFFER_DEVICE_ADDRESS);
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_BFLOAT16_FEATURES_KHR:
        ((VkPhysicalDeviceShaderBfloat16FeaturesKHR *)at)->shaderBFloat16Type = matrix;
        ((VkPhysicalDeviceShaderBfloat16FeaturesKHR *)at)->shaderBFloat16CooperativeMatrix =
            has(VATTEN_FEATURE_COOPERATIVE_MATRIX_BF16);
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV:
        put_matrix_2((VkPhysicalDeviceCooperativeMatrix2FeaturesNV *)at);
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_MIXED_FLOAT_DOT_PRODUCT_FEATURES_VALVE:
        ((VkPhysicalDeviceShaderMixedFloatDotProductFeaturesVALVE *)at)
            ->shaderMixedFloatDotProductFloat16AccFloat32 = has(VATTEN_FEATURE_MIXED_DOT_PRODUCT);
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES:
        ((VkPhysicalDeviceShaderIntegerDotProductFeatures *)at)->shaderIntegerDotProduct =
            has(VATTEN_FEATURE_INTEGER_DOT_PRODUCT);
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR:
        ((VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR *)at)->pipelineExecutableInfo =
            has(VATTEN_FEATURE_PIPELINE_STATISTICS);
        break;
    default:
        break;
    }
}

static VKAPI_ATTR void VKAPI_CALL fake_GetPhysicalDeviceFeatures2(VkPhysicalDevice physical,
                                                                  VkPhysicalDeviceFeatures2 *out) {
    (void)physical;
    for (VkBaseOutStructure *at = out->pNext; at; at = at->pNext)
        put_feature(at);
}

/* ---- Lists ---- */

static VKAPI_ATTR VkResult VKAPI_CALL fake_EnumerateDeviceExtensionProperties(VkPhysicalDevice physical,
                                                                              const char *layer,
                                                                              uint32_t *count,
                                                                              VkExtensionProperties *out) {
    static const struct {
        const char *name;
        vatten_features features; /* 0: always there */
    } all[] = {
        {VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME, 0},
        {VK_KHR_DRIVER_PROPERTIES_EXTENSION_NAME, 0},
        {VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME, VATTEN_FEATURE_PUSH_DESCRIPTOR},
        {VK_KHR_BUFFER_DEVICE_ADDRESS_EXTENSION_NAME, VATTEN_FEATURE_BUFFER_DEVICE_ADDRESS},
        {VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME,
         VATTEN_FEATURE_SHADER_FLOAT16 | VATTEN_FEATURE_COOPERATIVE_MATRIX},
        {VK_KHR_VULKAN_MEMORY_MODEL_EXTENSION_NAME, VATTEN_FEATURE_COOPERATIVE_MATRIX},
        {VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME, VATTEN_FEATURE_COOPERATIVE_MATRIX},
        {VK_KHR_SHADER_BFLOAT16_EXTENSION_NAME, VATTEN_FEATURE_COOPERATIVE_MATRIX_BF16},
        {VK_NV_COOPERATIVE_MATRIX_2_EXTENSION_NAME,
         VATTEN_FEATURE_COOPERATIVE_MATRIX_2 | VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP},
        {VK_VALVE_SHADER_MIXED_FLOAT_DOT_PRODUCT_EXTENSION_NAME, VATTEN_FEATURE_MIXED_DOT_PRODUCT},
        {VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME, VATTEN_FEATURE_INTEGER_DOT_PRODUCT},
        {VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME, VATTEN_FEATURE_PIPELINE_STATISTICS},
        {"VK_ANDROID_external_memory_android_hardware_buffer", 0},
        {VK_EXT_QUEUE_FAMILY_FOREIGN_EXTENSION_NAME, 0},
        {"VK_KHR_last_of_all", 0}, /* what a list lacks that is incomplete */
    };
    const char *names[sizeof all / sizeof all[0]];
    uint32_t have = 0, fill;
    (void)physical;
    (void)layer;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; ++i)
        if (all[i].features == 0 || has(all[i].features))
            names[have++] = all[i].name;
    VkResult result =
        fake_enter_list(FAKE_CALL_EnumerateDeviceExtensionProperties, have, out != NULL, count, &fill);
    for (uint32_t i = 0; i < fill; ++i)
        snprintf(out[i].extensionName, sizeof out[i].extensionName, "%s", names[i]);
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_GetPhysicalDeviceCooperativeMatrixPropertiesKHR(
    VkPhysicalDevice physical, uint32_t *count, VkCooperativeMatrixPropertiesKHR *out) {
    const vt_caps *caps = fake_caps();
    uint32_t have = caps->matrix_count + caps->bf16_matrix_count, fill;
    (void)physical;
    VkResult result = fake_enter_list(FAKE_CALL_GetPhysicalDeviceCooperativeMatrixPropertiesKHR, have,
                                      out != NULL, count, &fill);
    for (uint32_t i = 0; i < fill; ++i) {
        bool half = i < caps->matrix_count;
        const vt_matrix *from = half ? &caps->matrices[i] : &caps->bf16_matrices[i - caps->matrix_count];
        out[i].MSize = from->m;
        out[i].NSize = from->n;
        out[i].KSize = from->k;
        out[i].AType = out[i].BType = half ? VK_COMPONENT_TYPE_FLOAT16_KHR : VK_COMPONENT_TYPE_BFLOAT16_KHR;
        out[i].CType = out[i].ResultType = VK_COMPONENT_TYPE_FLOAT32_KHR;
        out[i].scope = VK_SCOPE_SUBGROUP_KHR;
    }
    return result;
}

static void put_flexible(const vt_flexible *from, VkComponentTypeKHR factors,
                         VkCooperativeMatrixFlexibleDimensionsPropertiesNV *out) {
    out->MGranularity = from->grain.m;
    out->NGranularity = from->grain.n;
    out->KGranularity = from->grain.k;
    out->AType = out->BType = factors;
    out->CType = out->ResultType = VK_COMPONENT_TYPE_FLOAT32_KHR;
    out->scope = VT_MATRIX_SCOPE;
    out->workgroupInvocations = from->invocations;
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_GetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV(
    VkPhysicalDevice physical, uint32_t *count, VkCooperativeMatrixFlexibleDimensionsPropertiesNV *out) {
    const vt_caps *caps = fake_caps();
    uint32_t half = caps->flexible_count, have = half + caps->bf16_flexible_count, fill;
    (void)physical;
    VkResult result =
        fake_enter_list(FAKE_CALL_GetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV,
                        own_matrix_2 ? own_matrix_2->count : have, out != NULL, count, &fill);
    for (uint32_t i = 0; i < fill; ++i) {
        if (own_matrix_2)
            out[i] = own_matrix_2->list[i];
        else if (i < half)
            put_flexible(&caps->flexible[i], VK_COMPONENT_TYPE_FLOAT16_KHR, &out[i]);
        else
            put_flexible(&caps->bf16_flexible[i - half], VK_COMPONENT_TYPE_BFLOAT16_KHR, &out[i]);
    }
    return result;
}

/* One kind of memory as integrated devices have, and one that the host does not see. */
static VKAPI_ATTR void VKAPI_CALL
fake_GetPhysicalDeviceMemoryProperties(VkPhysicalDevice physical, VkPhysicalDeviceMemoryProperties *out) {
    bool discrete = fake_caps()->device_type == VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
    const VkMemoryPropertyFlags seen = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                       VK_MEMORY_PROPERTY_HOST_COHERENT_BIT |
                                       VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
    (void)physical;
    memset(out, 0, sizeof *out);
    out->memoryHeapCount = 1;
    out->memoryHeaps[0] = (VkMemoryHeap){(VkDeviceSize)1 << 40, VK_MEMORY_HEAP_DEVICE_LOCAL_BIT};
    out->memoryTypeCount = 2;
    out->memoryTypes[0].propertyFlags = seen | (discrete ? 0 : VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
    out->memoryTypes[1].propertyFlags = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
}

static VKAPI_ATTR void VKAPI_CALL fake_GetPhysicalDeviceQueueFamilyProperties(VkPhysicalDevice physical,
                                                                              uint32_t *count,
                                                                              VkQueueFamilyProperties *out) {
    (void)physical;
    *count = 1;
    if (out)
        out[0] = (VkQueueFamilyProperties){
            .queueFlags = VK_QUEUE_COMPUTE_BIT, .queueCount = 1, .timestampValidBits = 36};
}

const fake_entry fake_physical_functions[] = {
    FAKE_ENTRY(GetPhysicalDeviceProperties),
    FAKE_ENTRY(GetPhysicalDeviceProperties2),
    FAKE_ENTRY(GetPhysicalDeviceFeatures2),
    FAKE_ENTRY(GetPhysicalDeviceMemoryProperties),
    FAKE_ENTRY(GetPhysicalDeviceQueueFamilyProperties),
    FAKE_ENTRY(EnumerateDeviceExtensionProperties),
    FAKE_ENTRY(GetPhysicalDeviceCooperativeMatrixPropertiesKHR),
    FAKE_ENTRY(GetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV),
    {NULL, NULL},
};
