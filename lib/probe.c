/* SPDX-License-Identifier: MIT */
#include "probe.h"

#include "alloc.h"
#include "quirks.h"

#include <stdio.h>
#include <string.h>

/* The extensions that decide what may be asked. */
typedef struct extensions {
    bool push_descriptor;
    bool size_control; /* VK_EXT_subgroup_size_control or Vulkan 1.3 */
    bool driver;       /* VK_KHR_driver_properties or Vulkan 1.2 */
    bool matrix;       /* VK_KHR_cooperative_matrix with what its shaders need */
    bool address;      /* VK_KHR_buffer_device_address or Vulkan 1.2 */
    bool matrix_2;     /* VK_NV_cooperative_matrix2 beside that, and SPIR-V 1.6 */
    bool bfloat16;     /* VK_KHR_shader_bfloat16 */
    bool half;         /* VK_KHR_shader_float16_int8 or Vulkan 1.2 */
    bool mixed;        /* VK_VALVE_shader_mixed_float_dot_product beside that */
    bool dots;         /* VK_KHR_shader_integer_dot_product or Vulkan 1.3 */
} extensions;

static bool has(const VkExtensionProperties *list, uint32_t count, const char *name) {
    for (uint32_t i = 0; i < count; ++i)
        if (strcmp(list[i].extensionName, name) == 0)
            return true;
    return false;
}

static uint32_t api_version(const vt_vk_instance *vk, VkPhysicalDevice physical_device) {
    VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
    vk->GetPhysicalDeviceProperties2(physical_device, &properties);
    return properties.properties.apiVersion;
}

/* Errors: OUT_OF_HOST_MEMORY, VULKAN. */
static vatten_result find_extensions(const vt_probe *probe, extensions *out) {
    uint32_t version = api_version(probe->vk, probe->device);
    bool v1_2 = version >= VK_API_VERSION_1_2;
    bool v1_3 = version >= VK_API_VERSION_1_3;
    *out = (extensions){.size_control = v1_3, .driver = v1_2, .address = v1_2, .half = v1_2, .dots = v1_3};
    uint32_t count = 0;
    VkResult result = probe->vk->EnumerateDeviceExtensionProperties(probe->device, NULL, &count, NULL);
    if (result != VK_SUCCESS || count == 0)
        return vt_vk_check(result, "vkEnumerateDeviceExtensionProperties", probe->logger);
    VkExtensionProperties *list = vt_alloc(probe->allocator, count * sizeof *list);
    if (!list)
        return VATTEN_ERROR_OUT_OF_HOST_MEMORY;
    result = probe->vk->EnumerateDeviceExtensionProperties(probe->device, NULL, &count, list);
    if (vt_vk_listed(result)) {
        out->push_descriptor = has(list, count, VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME);
        out->size_control |= has(list, count, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
        out->driver |= has(list, count, VK_KHR_DRIVER_PROPERTIES_EXTENSION_NAME);
        out->address |= has(list, count, VK_KHR_BUFFER_DEVICE_ADDRESS_EXTENSION_NAME);
        bool model = v1_2 || has(list, count, VK_KHR_VULKAN_MEMORY_MODEL_EXTENSION_NAME);
        out->half |= has(list, count, VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME);
        out->mixed = out->half && has(list, count, VK_VALVE_SHADER_MIXED_FLOAT_DOT_PRODUCT_EXTENSION_NAME);
        out->matrix = model && out->half && has(list, count, VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME);
        out->matrix_2 = out->matrix && v1_3 && has(list, count, VK_NV_COOPERATIVE_MATRIX_2_EXTENSION_NAME);
        out->bfloat16 = has(list, count, VK_KHR_SHADER_BFLOAT16_EXTENSION_NAME);
        out->dots |= has(list, count, VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME);
    }
    vt_release(probe->allocator, list);
    return vt_vk_check_list(result, "vkEnumerateDeviceExtensionProperties", probe->logger);
}

static bool has_matrix_features(const vt_vk_instance *vk, VkPhysicalDevice physical_device) {
    VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrix = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR};
    VkPhysicalDeviceVulkanMemoryModelFeatures model = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES, .pNext = &matrix};
    VkPhysicalDeviceShaderFloat16Int8Features half = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES, .pNext = &model};
    VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                          .pNext = &half};
    vk->GetPhysicalDeviceFeatures2(physical_device, &features);
    return matrix.cooperativeMatrix && model.vulkanMemoryModel && half.shaderFloat16;
}

/* Of VK_NV_cooperative_matrix2, and whether its SPIR-V can be had. Some drivers claim the features of extensions that they do
 * not list: ask only for those that are. */
static bool find_matrix_2(const vt_vk_instance *vk, VkPhysicalDevice physical_device,
                          VkPhysicalDeviceCooperativeMatrix2FeaturesNV *out) {
    *out = (VkPhysicalDeviceCooperativeMatrix2FeaturesNV){
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV};
    VkPhysicalDeviceMaintenance4Features maintenance = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_FEATURES, .pNext = out};
    VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                          .pNext = &maintenance};
    vk->GetPhysicalDeviceFeatures2(physical_device, &features);
    return maintenance.maintenance4;
}

static bool has_matrix_2_features(const vt_vk_instance *vk, VkPhysicalDevice physical_device) {
    VkPhysicalDeviceCooperativeMatrix2FeaturesNV matrix;
    return find_matrix_2(vk, physical_device, &matrix) && matrix.cooperativeMatrixReductions &&
           matrix.cooperativeMatrixConversions && matrix.cooperativeMatrixPerElementOperations;
}

/* And what matrices of a workgroup take beside. */
static bool has_workgroup_features(const vt_vk_instance *vk, VkPhysicalDevice physical_device) {
    VkPhysicalDeviceCooperativeMatrix2FeaturesNV matrix;
    bool all = find_matrix_2(vk, physical_device, &matrix);
#define HAS(MEMBER, WANTED) all = all && (matrix.MEMBER || !(WANTED));
    VT_MATRIX_SCOPE_FEATURES(HAS)
#undef HAS
    return all;
}

static bool has_bfloat16_features(const vt_vk_instance *vk, VkPhysicalDevice physical_device) {
    VkPhysicalDeviceShaderBfloat16FeaturesKHR bfloat16 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_BFLOAT16_FEATURES_KHR};
    VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                          .pNext = &bfloat16};
    vk->GetPhysicalDeviceFeatures2(physical_device, &features);
    return bfloat16.shaderBFloat16Type && bfloat16.shaderBFloat16CooperativeMatrix;
}

static bool in_compute(const vt_vk_instance *vk, VkPhysicalDevice physical_device) {
    VkPhysicalDeviceCooperativeMatrixPropertiesKHR matrix = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_PROPERTIES_KHR};
    VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                              .pNext = &matrix};
    vk->GetPhysicalDeviceProperties2(physical_device, &properties);
    return (matrix.cooperativeMatrixSupportedStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0;
}

/* Factors of `type`, sums of f32. */
static bool is_of(const VkCooperativeMatrixPropertiesKHR *p, VkComponentTypeKHR type) {
    return p->AType == type && p->BType == type && p->CType == VK_COMPONENT_TYPE_FLOAT32_KHR &&
           p->ResultType == VK_COMPONENT_TYPE_FLOAT32_KHR && p->scope == VK_SCOPE_SUBGROUP_KHR;
}

/* Returns how many. */
static uint32_t take_matrices(const VkCooperativeMatrixPropertiesKHR *list, uint32_t count,
                              VkComponentTypeKHR type, vt_matrix out[VT_MATRICES_MAX]) {
    uint32_t taken = 0;
    for (uint32_t i = 0; i < count && taken < VT_MATRICES_MAX; ++i) {
        const vt_matrix matrix = {list[i].MSize, list[i].NSize, list[i].KSize};
        if (is_of(&list[i], type) && vt_caps_takes_matrix(&matrix))
            out[taken++] = matrix;
    }
    return taken;
}

/* What a query for matrices came to. One that fails leaves the device without them, which all else can do without; only want
 * of memory is an error. */
static vatten_result check_list(const vt_probe *probe, VkResult result, const char *call) {
    if (vt_vk_listed(result))
        return VATTEN_SUCCESS;
    if (result == VK_ERROR_OUT_OF_HOST_MEMORY || result == VK_ERROR_OUT_OF_DEVICE_MEMORY)
        return vt_vk_check(result, call, probe->logger);
    vt_log(probe->logger, VATTEN_LOG_WARN, NULL,
           "%s failed with VkResult %d: the device is used without the matrices that it would have listed",
           call, (int)result);
    return VATTEN_SUCCESS;
}

/* Errors: OUT_OF_*. */
static vatten_result find_matrices(const vt_probe *probe, vt_caps *out) {
    static const char call[] = "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR";
    PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR get =
        probe->vk->GetPhysicalDeviceCooperativeMatrixPropertiesKHR;
    if (!get || !in_compute(probe->vk, probe->device))
        return VATTEN_SUCCESS;
    uint32_t count = 0;
    VkResult result = get(probe->device, &count, NULL);
    if (result != VK_SUCCESS || count == 0)
        return check_list(probe, result, call);
    VkCooperativeMatrixPropertiesKHR *list = vt_alloc(probe->allocator, count * sizeof *list);
    if (!list)
        return VATTEN_ERROR_OUT_OF_HOST_MEMORY;
    for (uint32_t i = 0; i < count; ++i)
        list[i] =
            (VkCooperativeMatrixPropertiesKHR){.sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR};
    result = get(probe->device, &count, list);
    if (vt_vk_listed(result))
        out->matrix_count = take_matrices(list, count, VK_COMPONENT_TYPE_FLOAT16_KHR, out->matrices);
    if (vt_vk_listed(result) && (out->features & VATTEN_FEATURE_COOPERATIVE_MATRIX_BF16))
        out->bf16_matrix_count =
            take_matrices(list, count, VK_COMPONENT_TYPE_BFLOAT16_KHR, out->bf16_matrices);
    vt_release(probe->allocator, list);
    return check_list(probe, result, call);
}

/* Of a subgroup the list says no number of invocations: it is the size that kernels with matrices ask for. */
static vt_flexible flexible_of(const VkCooperativeMatrixFlexibleDimensionsPropertiesNV *p,
                               const vt_caps *caps) {
    uint32_t own = VT_MATRIX_SCOPE == VK_SCOPE_SUBGROUP_KHR ? caps->subgroup_size : p->workgroupInvocations;
    return (vt_flexible){{p->MGranularity, p->NGranularity, p->KGranularity}, own};
}

/* Returns how many. `most`: invocations of a workgroup with matrices of its own. */
static uint32_t take_flexible(const VkCooperativeMatrixFlexibleDimensionsPropertiesNV *list, uint32_t count,
                              VkComponentTypeKHR type, uint32_t most, const vt_caps *caps,
                              vt_flexible out[VT_FLEXIBLE_MAX]) {
    uint32_t taken = 0;
    for (uint32_t i = 0; i < count && taken < VT_FLEXIBLE_MAX; ++i) {
        const VkCooperativeMatrixFlexibleDimensionsPropertiesNV *p = &list[i];
        const vt_flexible flexible = flexible_of(p, caps);
        bool is = p->AType == type && p->BType == type && p->CType == VK_COMPONENT_TYPE_FLOAT32_KHR &&
                  p->ResultType == VK_COMPONENT_TYPE_FLOAT32_KHR && p->scope == VT_MATRIX_SCOPE;
        if (is && vt_caps_takes_flexible(&flexible) && flexible.invocations <= most)
            out[taken++] = flexible;
    }
    return taken;
}

/* Returns the invocations of a workgroup with matrices of its own at most. */
static uint32_t read_flexible_limits(const vt_vk_instance *vk, VkPhysicalDevice physical_device,
                                     vt_caps *out) {
    VkPhysicalDeviceCooperativeMatrix2PropertiesNV matrix = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_PROPERTIES_NV};
    VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                              .pNext = &matrix};
    vk->GetPhysicalDeviceProperties2(physical_device, &properties);
    out->matrix_side_max = matrix.cooperativeMatrixFlexibleDimensionsMaxDimension;
    if (VT_MATRIX_SCOPE == VK_SCOPE_SUBGROUP_KHR)
        return out->invocations;
    out->matrix_reserved = matrix.cooperativeMatrixWorkgroupScopeReservedSharedMemory;
    return matrix.cooperativeMatrixWorkgroupScopeMaxWorkgroupSize;
}

/* Errors: OUT_OF_*. */
static vatten_result find_flexible(const vt_probe *probe, vt_caps *out) {
    static const char call[] = "vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV";
    PFN_vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV get =
        probe->vk->GetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV;
    uint32_t count = 0;
    VkResult result = get ? get(probe->device, &count, NULL) : VK_SUCCESS;
    if (result != VK_SUCCESS || count == 0)
        return check_list(probe, result, call);
    VkCooperativeMatrixFlexibleDimensionsPropertiesNV *list =
        vt_alloc(probe->allocator, count * sizeof *list);
    if (!list)
        return VATTEN_ERROR_OUT_OF_HOST_MEMORY;
    for (uint32_t i = 0; i < count; ++i)
        list[i] = (VkCooperativeMatrixFlexibleDimensionsPropertiesNV){
            .sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_FLEXIBLE_DIMENSIONS_PROPERTIES_NV};
    result = get(probe->device, &count, list);
    if (vt_vk_listed(result)) {
        uint32_t most = read_flexible_limits(probe->vk, probe->device, out);
        out->flexible_count =
            take_flexible(list, count, VK_COMPONENT_TYPE_FLOAT16_KHR, most, out, out->flexible);
        if (out->features & VATTEN_FEATURE_COOPERATIVE_MATRIX_BF16)
            out->bf16_flexible_count =
                take_flexible(list, count, VK_COMPONENT_TYPE_BFLOAT16_KHR, most, out, out->bf16_flexible);
    }
    vt_release(probe->allocator, list);
    return check_list(probe, result, call);
}

static bool has_square_matrix(const vt_caps *caps) {
    for (uint32_t i = 0; i < caps->matrix_count; ++i)
        if (caps->matrices[i].n == caps->matrices[i].k)
            return true;
    return false;
}

/* Beside the features that `bits` say: are there matrices that work, and is the subgroup size sure? */
static vatten_features find_matrix_features(const vt_probe *probe, vatten_features bits,
                                            const extensions *found) {
    const vatten_features needed = VATTEN_FEATURE_STORAGE_16BIT | VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL;
    vatten_features matrix = VATTEN_FEATURE_COOPERATIVE_MATRIX;
    vt_caps caps;
    if (!found->matrix || (bits & needed) != needed || !has_matrix_features(probe->vk, probe->device))
        return 0;
    if (found->bfloat16 && has_bfloat16_features(probe->vk, probe->device))
        matrix |= VATTEN_FEATURE_COOPERATIVE_MATRIX_BF16;
    if (found->matrix_2 && has_workgroup_features(probe->vk, probe->device))
        matrix |= VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP;
    if (vt_probe_caps(probe, bits | matrix, &caps) != VATTEN_SUCCESS)
        return 0;
    vt_caps_complete(&caps);
    if (caps.matrix_count == 0 || caps.matrix_subgroup == 0)
        return 0;
    if (caps.bf16_matrix_count == 0)
        matrix &= ~(vatten_features)VATTEN_FEATURE_COOPERATIVE_MATRIX_BF16;
    if (caps.flexible_count == 0)
        matrix &= ~(vatten_features)VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP;
    if (found->matrix_2 && has_square_matrix(&caps) && has_matrix_2_features(probe->vk, probe->device))
        matrix |= VATTEN_FEATURE_COOPERATIVE_MATRIX_2;
    return matrix;
}

/* Are there addresses, and does the driver gain by them? */
static bool has_addresses(const vt_probe *probe) {
    VkPhysicalDeviceBufferDeviceAddressFeatures address = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_BUFFER_DEVICE_ADDRESS_FEATURES};
    VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                          .pNext = &address};
    vt_caps caps;
    probe->vk->GetPhysicalDeviceFeatures2(probe->device, &features);
    if (!address.bufferDeviceAddress ||
        vt_probe_caps(probe, VATTEN_FEATURE_BUFFER_DEVICE_ADDRESS, &caps) != VATTEN_SUCCESS)
        return false;
    vt_caps_complete(&caps);
    return caps.loads_once;
}

/* What arithmetic in f16 there is, of extensions that are listed. */
static vatten_features find_half_features(const vt_vk_instance *vk, VkPhysicalDevice physical_device,
                                          const extensions *found) {
    VkPhysicalDeviceShaderMixedFloatDotProductFeaturesVALVE mixed = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_MIXED_FLOAT_DOT_PRODUCT_FEATURES_VALVE};
    VkPhysicalDeviceShaderFloat16Int8Features half = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES,
        .pNext = found->mixed ? &mixed : NULL};
    VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                          .pNext = &half};
    if (!found->half)
        return 0;
    vk->GetPhysicalDeviceFeatures2(physical_device, &features);
    if (!half.shaderFloat16)
        return 0;
    return VATTEN_FEATURE_SHADER_FLOAT16 |
           (mixed.shaderMixedFloatDotProductFloat16AccFloat32 ? VATTEN_FEATURE_MIXED_DOT_PRODUCT : 0);
}

static bool has_dots(const vt_vk_instance *vk, VkPhysicalDevice physical_device) {
    VkPhysicalDeviceShaderIntegerDotProductFeatures dots = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES};
    VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                          .pNext = &dots};
    vk->GetPhysicalDeviceFeatures2(physical_device, &features);
    return dots.shaderIntegerDotProduct;
}

static bool accelerates_dots(const vt_vk_instance *vk, VkPhysicalDevice physical_device) {
    VkPhysicalDeviceShaderIntegerDotProductProperties dots = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_PROPERTIES};
    VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                              .pNext = &dots};
    vk->GetPhysicalDeviceProperties2(physical_device, &properties);
    return dots.integerDotProduct4x8BitPackedSignedAccelerated;
}

vatten_features vt_probe_features(const vt_probe *probe) {
    extensions found;
    if (find_extensions(probe, &found) != VATTEN_SUCCESS)
        return 0;
    VkPhysicalDeviceSubgroupSizeControlFeatures size_control = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES};
    VkPhysicalDevice16BitStorageFeatures storage = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES,
        .pNext = found.size_control ? &size_control : NULL};
    VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                          .pNext = &storage};
    probe->vk->GetPhysicalDeviceFeatures2(probe->device, &features);
    vatten_features bits = 0;
    if (storage.storageBuffer16BitAccess)
        bits |= VATTEN_FEATURE_STORAGE_16BIT;
    if (found.push_descriptor)
        bits |= VATTEN_FEATURE_PUSH_DESCRIPTOR;
    if (size_control.subgroupSizeControl && size_control.computeFullSubgroups)
        bits |= VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL;
    if (found.address && has_addresses(probe))
        bits |= VATTEN_FEATURE_BUFFER_DEVICE_ADDRESS;
    bits |= find_half_features(probe->vk, probe->device, &found);
    if (found.dots && has_dots(probe->vk, probe->device))
        bits |= VATTEN_FEATURE_INTEGER_DOT_PRODUCT;
    return bits | find_matrix_features(probe, bits, &found);
}

static void copy_limits(const VkPhysicalDeviceProperties *p, vt_caps *out) {
    const VkPhysicalDeviceLimits *l = &p->limits;
    snprintf(out->name, sizeof out->name, "%s", p->deviceName);
    out->device_type = (uint32_t)p->deviceType;
    out->vendor_id = p->vendorID;
    out->device_id = p->deviceID;
    out->driver_version = p->driverVersion;
    out->api_version = p->apiVersion;
    out->shared_bytes = l->maxComputeSharedMemorySize;
    out->invocations = l->maxComputeWorkGroupInvocations;
    out->workgroup_size_x = l->maxComputeWorkGroupSize[0];
    memcpy(out->groups, l->maxComputeWorkGroupCount, sizeof out->groups);
    out->storage_range = l->maxStorageBufferRange;
    out->storage_buffers = l->maxPerStageDescriptorStorageBuffers;
    out->push_bytes = l->maxPushConstantsSize;
    /* At least 16, so that a bound range that begins at a multiple of four elements holds whole vectors. */
    uint64_t alignment = l->minStorageBufferOffsetAlignment;
    out->storage_alignment = alignment < 16 ? 16 : (uint32_t)alignment;
}

vatten_result vt_probe_caps(const vt_probe *probe, vatten_features features, vt_caps *out) {
    memset(out, 0, sizeof *out);
    extensions found;
    vatten_result result = find_extensions(probe, &found);
    if (result != VATTEN_SUCCESS)
        return result;
    VkPhysicalDeviceSubgroupSizeControlProperties size_control = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES};
    VkPhysicalDeviceDriverProperties driver = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES,
                                               .pNext = found.size_control ? &size_control : NULL};
    VkPhysicalDeviceSubgroupProperties subgroup = {.sType =
                                                       VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES,
                                                   .pNext = found.driver ? (void *)&driver : driver.pNext};
    VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                              .pNext = &subgroup};
    probe->vk->GetPhysicalDeviceProperties2(probe->device, &properties);
    copy_limits(&properties.properties, out);
    out->features = features;
    out->driver_id = (uint32_t)driver.driverID;
    snprintf(out->driver_info, sizeof out->driver_info, "%s", driver.driverInfo);
    bool compute = (subgroup.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0;
    out->subgroup_ops = compute ? subgroup.supportedOperations : 0;
    out->subgroup_size = subgroup.subgroupSize ? subgroup.subgroupSize : 1;
    out->subgroup_min = size_control.minSubgroupSize ? size_control.minSubgroupSize : out->subgroup_size;
    out->subgroup_max = size_control.maxSubgroupSize ? size_control.maxSubgroupSize : out->subgroup_size;
    bool controls = (features & VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL) != 0;
    out->subgroup_asked =
        controls && (size_control.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0;
    out->subgroups = controls ? size_control.maxComputeWorkgroupSubgroups : 0;
    out->dots_accelerated = found.dots && accelerates_dots(probe->vk, probe->device);
    bool matrices = found.matrix && (features & VATTEN_FEATURE_COOPERATIVE_MATRIX) != 0;
    matrices = matrices && vt_quirks_keep_matrices(out);
    if (!matrices)
        return VATTEN_SUCCESS;
    result = find_matrices(probe, out);
    bool workgroup = found.matrix_2 && (features & VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP) != 0;
    return result == VATTEN_SUCCESS && workgroup ? find_flexible(probe, out) : result;
}
