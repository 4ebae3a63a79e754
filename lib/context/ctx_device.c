/* SPDX-License-Identifier: MIT
 *
 * The VkDevice: one queue with compute, and every feature that vatten can use.
 */
#include "ctx.h"

#include "../newvulkan/newvulkan.h"

#include "../newvulkan/matrix_scope.h"

#include <stdio.h>

#define MAX_FAMILIES 16u
/* Its macro stands in a header that asks for Android's own. */
#define HARDWARE_BUFFER "VK_ANDROID_external_memory_android_hardware_buffer"

/* What VkDeviceCreateInfo is built from. */
typedef struct device_wishes {
    VkPhysicalDevice16BitStorageFeatures storage;
    VkPhysicalDeviceSubgroupSizeControlFeatures subgroup;
    VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR statistics;
    VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrix;
    VkPhysicalDeviceVulkanMemoryModelFeatures model;
    VkPhysicalDeviceShaderFloat16Int8Features half;
    VkPhysicalDeviceBufferDeviceAddressFeatures address;
    VkPhysicalDeviceShaderBfloat16FeaturesKHR bfloat16;
    VkPhysicalDeviceCooperativeMatrix2FeaturesNV matrix_2;
    VkPhysicalDeviceMaintenance4Features maintenance;
    VkPhysicalDeviceShaderMixedFloatDotProductFeaturesVALVE mixed;
    VkPhysicalDeviceShaderIntegerDotProductFeatures dots;
    const void *features; /* head of the pNext chain */
    const char *extensions[17];
    uint32_t extension_count;
} device_wishes;

/* The version that may be used with the device: its own, but not above what the instance asked for. */
static uint32_t usable_version(const vatten_context *context) {
    uint32_t device = context->properties.apiVersion;
    return device < context->api_version ? device : context->api_version;
}

static void read_properties(vatten_context *context) {
    VkPhysicalDeviceDriverProperties driver = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
    VkPhysicalDeviceMaintenance3Properties allocation = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES};
    VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                              .pNext = &allocation};
    if (usable_version(context) >= VK_API_VERSION_1_2)
        allocation.pNext = &driver;
    context->vk.GetPhysicalDeviceProperties2(context->physical_device, &properties);
    context->vk.GetPhysicalDeviceMemoryProperties(context->physical_device, &context->memory_properties);
    context->max_allocation = allocation.maxMemoryAllocationSize;
    if (driver.driverName[0] != '\0')
        snprintf(context->driver, sizeof context->driver, "%.100s %.150s", driver.driverName,
                 driver.driverInfo);
    else
        snprintf(context->driver, sizeof context->driver, "driver version 0x%08x",
                 context->properties.driverVersion);
}

/* Work that runs long holds up whatever shares its queue, so a family without graphics is better where the
 * desktop draws; one that can time itself comes before everything else. */
static uint32_t score(const VkQueueFamilyProperties *family) {
    if (family->queueCount == 0 || (family->queueFlags & VK_QUEUE_COMPUTE_BIT) == 0)
        return 0;
    uint32_t timed = family->timestampValidBits != 0 ? 2 : 0;
    uint32_t alone = (family->queueFlags & VK_QUEUE_GRAPHICS_BIT) == 0 ? 1 : 0;
    return 1 + timed + alone;
}

static vatten_result choose_queue(vatten_context *context) {
    VkQueueFamilyProperties families[MAX_FAMILIES];
    uint32_t count = MAX_FAMILIES;
    context->vk.GetPhysicalDeviceQueueFamilyProperties(context->physical_device, &count, families);
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++) {
        if (score(&families[i]) > score(&families[best]))
            best = i;
    }
    if (count == 0 || score(&families[best]) == 0) {
        vt_ctx_log(context, VATTEN_LOG_ERROR, "context: %s has no queue with compute",
                   context->properties.deviceName);
        return VATTEN_ERROR_UNSUPPORTED;
    }
    context->queue_family = best;
    context->timestamp_bits = families[best].timestampValidBits;
    return VATTEN_SUCCESS;
}

static void wish_extension(device_wishes *wishes, const char *name) {
    wishes->extensions[wishes->extension_count++] = name;
}

/* Of layouts in f16, and of cooperative matrices. */
static void wish_half(const vatten_context *context, device_wishes *wishes) {
    wishes->half = (VkPhysicalDeviceShaderFloat16Int8Features){
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES,
        .pNext = (void *)wishes->features,
        .shaderFloat16 = VK_TRUE};
    wishes->features = &wishes->half;
    if (usable_version(context) < VK_API_VERSION_1_2)
        wish_extension(wishes, VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME);
}

static void wish_mixed(device_wishes *wishes) {
    wishes->mixed = (VkPhysicalDeviceShaderMixedFloatDotProductFeaturesVALVE){
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_MIXED_FLOAT_DOT_PRODUCT_FEATURES_VALVE,
        .pNext = (void *)wishes->features,
        .shaderMixedFloatDotProductFloat16AccFloat32 = VK_TRUE};
    wishes->features = &wishes->mixed;
    wish_extension(wishes, VK_VALVE_SHADER_MIXED_FLOAT_DOT_PRODUCT_EXTENSION_NAME);
}

/* Vulkan 1.2 has the memory model that the shaders of cooperative matrices need; before, it is an extension. */
static void wish_matrix(const vatten_context *context, device_wishes *wishes) {
    wishes->matrix = (VkPhysicalDeviceCooperativeMatrixFeaturesKHR){
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR,
        .pNext = (void *)wishes->features,
        .cooperativeMatrix = VK_TRUE};
    wishes->model = (VkPhysicalDeviceVulkanMemoryModelFeatures){
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES,
        .pNext = &wishes->matrix,
        .vulkanMemoryModel = VK_TRUE};
    wishes->features = &wishes->model;
    wish_extension(wishes, VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME);
    if (usable_version(context) < VK_API_VERSION_1_2)
        wish_extension(wishes, VK_KHR_VULKAN_MEMORY_MODEL_EXTENSION_NAME);
}

static void wish_bfloat16(device_wishes *wishes) {
    wishes->bfloat16 = (VkPhysicalDeviceShaderBfloat16FeaturesKHR){
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_BFLOAT16_FEATURES_KHR,
        .pNext = (void *)wishes->features,
        .shaderBFloat16Type = VK_TRUE,
        .shaderBFloat16CooperativeMatrix = VK_TRUE};
    wishes->features = &wishes->bfloat16;
    wish_extension(wishes, VK_KHR_SHADER_BFLOAT16_EXTENSION_NAME);
}

/* For MATRIX2, MATRIX_WORKGROUP or both, of the same extension. */
static void wish_matrix_2(vatten_features enabled, device_wishes *wishes) {
    wishes->matrix_2 = (VkPhysicalDeviceCooperativeMatrix2FeaturesNV){
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV,
        .pNext = (void *)wishes->features,
        .cooperativeMatrixReductions = VK_TRUE,
        .cooperativeMatrixConversions = VK_TRUE,
        .cooperativeMatrixPerElementOperations = VK_TRUE};
    wishes->maintenance = (VkPhysicalDeviceMaintenance4Features){
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_FEATURES,
        .pNext = &wishes->matrix_2,
        .maintenance4 = VK_TRUE};
#define WISH(MEMBER, WANTED) wishes->matrix_2.MEMBER = WANTED;
    if (enabled & VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP) {
        VT_MATRIX_SCOPE_FEATURES(WISH)
    }
#undef WISH
    wishes->features = &wishes->maintenance;
    wish_extension(wishes, VK_NV_COOPERATIVE_MATRIX_2_EXTENSION_NAME);
}

static void wish_dots(const vatten_context *context, device_wishes *wishes) {
    wishes->dots = (VkPhysicalDeviceShaderIntegerDotProductFeatures){
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES,
        .pNext = (void *)wishes->features,
        .shaderIntegerDotProduct = VK_TRUE};
    wishes->features = &wishes->dots;
    if (usable_version(context) < VK_API_VERSION_1_3)
        wish_extension(wishes, VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME);
}

static void wish_features(const vatten_context *context, device_wishes *wishes) {
    vatten_features enabled = context->enabled;
    if (enabled & VATTEN_FEATURE_STORAGE_16BIT) {
        wishes->storage = (VkPhysicalDevice16BitStorageFeatures){
            .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES,
            .pNext = (void *)wishes->features,
            .storageBuffer16BitAccess = VK_TRUE};
        wishes->features = &wishes->storage;
    }
    if (enabled & VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL) {
        wishes->subgroup = (VkPhysicalDeviceSubgroupSizeControlFeatures){
            .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES,
            .pNext = (void *)wishes->features,
            .subgroupSizeControl = VK_TRUE,
            .computeFullSubgroups = VK_TRUE};
        wishes->features = &wishes->subgroup;
        if (usable_version(context) < VK_API_VERSION_1_3)
            wish_extension(wishes, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
    }
    if (enabled & (VATTEN_FEATURE_SHADER_FLOAT16 | VATTEN_FEATURE_COOPERATIVE_MATRIX))
        wish_half(context, wishes);
    if (enabled & VATTEN_FEATURE_MIXED_DOT_PRODUCT)
        wish_mixed(wishes);
    if (enabled & VATTEN_FEATURE_COOPERATIVE_MATRIX)
        wish_matrix(context, wishes);
    if (enabled & VATTEN_FEATURE_BUFFER_DEVICE_ADDRESS) {
        wishes->address = (VkPhysicalDeviceBufferDeviceAddressFeatures){
            .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_BUFFER_DEVICE_ADDRESS_FEATURES,
            .pNext = (void *)wishes->features,
            .bufferDeviceAddress = VK_TRUE};
        wishes->features = &wishes->address;
        if (usable_version(context) < VK_API_VERSION_1_2)
            wish_extension(wishes, VK_KHR_BUFFER_DEVICE_ADDRESS_EXTENSION_NAME);
    }
    if (enabled & VATTEN_FEATURE_COOPERATIVE_MATRIX_BF16)
        wish_bfloat16(wishes);
    if (enabled & (VATTEN_FEATURE_COOPERATIVE_MATRIX_2 | VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP))
        wish_matrix_2(enabled, wishes);
    if (enabled & VATTEN_FEATURE_INTEGER_DOT_PRODUCT)
        wish_dots(context, wishes);
    if (enabled & VATTEN_FEATURE_PUSH_DESCRIPTOR)
        wish_extension(wishes, VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME);
}

/* Statistics are never among what vatten_features_supported recommends, so they are looked for here. */
static bool has_statistics(const vatten_context *context) {
    VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR statistics = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR};
    VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                          .pNext = &statistics};
    context->vk.GetPhysicalDeviceFeatures2(context->physical_device, &features);
    return statistics.pipelineExecutableInfo;
}

static void wish_statistics(vatten_context *context, device_wishes *wishes) {
    wishes->statistics = (VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR){
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR,
        .pNext = (void *)wishes->features,
        .pipelineExecutableInfo = VK_TRUE};
    wishes->features = &wishes->statistics;
    wish_extension(wishes, VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME);
    context->enabled |= VATTEN_FEATURE_PIPELINE_STATISTICS;
}

/* What depends on the list of extensions alone. Vulkan asks that VK_KHR_portability_subset be enabled wherever
 * it is offered. */
static vatten_result wish_offered(vatten_context *context, bool statistics, device_wishes *wishes) {
    uint32_t count = 0;
    VkResult result =
        context->vk.EnumerateDeviceExtensionProperties(context->physical_device, NULL, &count, NULL);
    if (result != VK_SUCCESS)
        return vt_ctx_vk_error(context, "vkEnumerateDeviceExtensionProperties", result);
    VkExtensionProperties *list = count > 0 ? vt_ctx_alloc(context, count * sizeof *list) : NULL;
    if (list == NULL)
        return count > 0 ? VATTEN_ERROR_OUT_OF_HOST_MEMORY : VATTEN_SUCCESS;
    result = context->vk.EnumerateDeviceExtensionProperties(context->physical_device, NULL, &count, list);
    bool failed = result != VK_SUCCESS && result != VK_INCOMPLETE;
    if (!failed && vt_ctx_has_extension(list, count, "VK_KHR_portability_subset"))
        wish_extension(wishes, "VK_KHR_portability_subset");
    if (!failed && vt_ctx_has_extension(list, count, HARDWARE_BUFFER) &&
        vt_ctx_has_extension(list, count, VK_EXT_QUEUE_FAMILY_FOREIGN_EXTENSION_NAME)) {
        wish_extension(wishes, HARDWARE_BUFFER);
        wish_extension(wishes, VK_EXT_QUEUE_FAMILY_FOREIGN_EXTENSION_NAME); /* which it asks for */
        context->hardware_buffers = true;
    }
    if (!failed && statistics &&
        vt_ctx_has_extension(list, count, VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME) &&
        has_statistics(context))
        wish_statistics(context, wishes);
    vt_ctx_release(context, list);
    return failed ? vt_ctx_vk_error(context, "vkEnumerateDeviceExtensionProperties", result) : VATTEN_SUCCESS;
}

static vatten_result make_device(vatten_context *context, const device_wishes *wishes) {
    const float priority = 1.0f;
    VkDeviceQueueCreateInfo queue = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                     .queueFamilyIndex = context->queue_family,
                                     .queueCount = 1,
                                     .pQueuePriorities = &priority};
    VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                               .pNext = wishes->features,
                               .queueCreateInfoCount = 1,
                               .pQueueCreateInfos = &queue,
                               .enabledExtensionCount = wishes->extension_count,
                               .ppEnabledExtensionNames = wishes->extensions};
    VkResult result = context->vk.CreateDevice(context->physical_device, &info, NULL, &context->device);
    if (result != VK_SUCCESS)
        return vt_ctx_vk_error(context, "vkCreateDevice", result);
    const char *missing = vt_ctx_vk_load_device(&context->vk, context->device);
    if (missing != NULL) {
        vt_ctx_log(context, VATTEN_LOG_ERROR, "context: the driver has no %s", missing);
        if (context->vk.DestroyDevice != NULL)
            context->vk.DestroyDevice(context->device, NULL);
        context->device = VK_NULL_HANDLE; /* the rest of the clean-up needs a complete table */
        return VATTEN_ERROR_VULKAN;
    }
    context->vk.GetDeviceQueue(context->device, context->queue_family, 0, &context->queue);
    return VATTEN_SUCCESS;
}

/* Less what rests on a feature that is not enabled, and SPIR-V 1.6 where the instance asked for less than Vulkan 1.3. */
static vatten_features without(const vatten_context *context, vatten_features enabled) {
    const vatten_features newer =
        VATTEN_FEATURE_COOPERATIVE_MATRIX_2 | VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP;
    if (!(enabled & VATTEN_FEATURE_COOPERATIVE_MATRIX))
        enabled &= ~(newer | VATTEN_FEATURE_COOPERATIVE_MATRIX_BF16);
    if (!(enabled & VATTEN_FEATURE_SHADER_FLOAT16))
        enabled &= ~(vatten_features)VATTEN_FEATURE_MIXED_DOT_PRODUCT;
    if (usable_version(context) < VK_API_VERSION_1_3)
        enabled &= ~newer;
    return enabled;
}

vatten_result vt_ctx_device_create(vatten_context *context, const vatten_context_desc *desc) {
    read_properties(context);
    context->supported = vatten_features_supported(context->vk.GetInstanceProcAddr, context->instance,
                                                   context->physical_device);
    context->enabled = without(context, context->supported & ~desc->without);

    device_wishes wishes = {0};
    vatten_result result = choose_queue(context);
    if (result == VATTEN_SUCCESS)
        result = wish_offered(context, desc->statistics, &wishes);
    if (result != VATTEN_SUCCESS)
        return result;
    wish_features(context, &wishes);
    return make_device(context, &wishes);
}
