/* SPDX-License-Identifier: MIT */
#include "vk.h"

static vatten_result missing(const char *name, const vatten_logger *logger) {
    vt_log(logger, VATTEN_LOG_ERROR, NULL, "device: vk%s cannot be found through get_instance_proc_addr",
           name);
    return VATTEN_ERROR_INVALID_ARGUMENT;
}

/* Instances of version 1.0 have these functions under their extension's name. */
static PFN_vkVoidFunction core_or_khr(PFN_vkGetInstanceProcAddr get, VkInstance instance, const char *core,
                                      const char *khr) {
    PFN_vkVoidFunction function = get(instance, core);
    return function ? function : get(instance, khr);
}

vatten_result vt_vk_load_instance(PFN_vkGetInstanceProcAddr get, VkInstance instance,
                                  const vatten_logger *logger, vt_vk_instance *out) {
#define LOAD(NAME)                                                                                           \
    out->NAME = (PFN_vk##NAME)get(instance, "vk" #NAME);                                                     \
    if (!out->NAME)                                                                                          \
        return missing(#NAME, logger);
    VT_VK_INSTANCE_FUNCTIONS(LOAD)
#undef LOAD
    out->GetPhysicalDeviceProperties2 = (PFN_vkGetPhysicalDeviceProperties2)core_or_khr(
        get, instance, "vkGetPhysicalDeviceProperties2", "vkGetPhysicalDeviceProperties2KHR");
    out->GetPhysicalDeviceFeatures2 = (PFN_vkGetPhysicalDeviceFeatures2)core_or_khr(
        get, instance, "vkGetPhysicalDeviceFeatures2", "vkGetPhysicalDeviceFeatures2KHR");
    out->GetPhysicalDeviceCooperativeMatrixPropertiesKHR =
        (PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR)get(
            instance, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
    out->GetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV =
        (PFN_vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV)get(
            instance, "vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV");
    if (!out->GetPhysicalDeviceProperties2)
        return missing("GetPhysicalDeviceProperties2", logger);
    return out->GetPhysicalDeviceFeatures2 ? VATTEN_SUCCESS : missing("GetPhysicalDeviceFeatures2", logger);
}

vatten_result vt_vk_load_device(const vt_vk_instance *vk, VkDevice device, vatten_features features,
                                const vatten_logger *logger, vt_vk_device *out) {
    *out = (vt_vk_device){.handle = device};
#define LOAD(NAME)                                                                                           \
    out->NAME = (PFN_vk##NAME)vk->GetDeviceProcAddr(device, "vk" #NAME);                                     \
    if (!out->NAME)                                                                                          \
        return missing(#NAME, logger);
    VT_VK_DEVICE_FUNCTIONS(LOAD)
    if (features & VATTEN_FEATURE_PUSH_DESCRIPTOR) {
        LOAD(CmdPushDescriptorSetKHR)
    }
    if (features & VATTEN_FEATURE_BUFFER_DEVICE_ADDRESS) {
        out->GetBufferDeviceAddress =
            (PFN_vkGetBufferDeviceAddress)vk->GetDeviceProcAddr(device, "vkGetBufferDeviceAddress");
        if (!out->GetBufferDeviceAddress)
            out->GetBufferDeviceAddress =
                (PFN_vkGetBufferDeviceAddress)vk->GetDeviceProcAddr(device, "vkGetBufferDeviceAddressKHR");
        if (!out->GetBufferDeviceAddress)
            return missing("GetBufferDeviceAddress", logger);
    }
    if (features & VATTEN_FEATURE_PIPELINE_STATISTICS) {
        LOAD(GetPipelineExecutablePropertiesKHR)
        LOAD(GetPipelineExecutableStatisticsKHR)
    }
#undef LOAD
    return VATTEN_SUCCESS;
}

bool vt_vk_listed(VkResult result) {
    return result == VK_SUCCESS || result == VK_INCOMPLETE;
}

vatten_result vt_vk_check_list(VkResult result, const char *call, const vatten_logger *logger) {
    return vt_vk_listed(result) ? VATTEN_SUCCESS : vt_vk_check(result, call, logger);
}

vatten_result vt_vk_check(VkResult result, const char *call, const vatten_logger *logger) {
    if (result == VK_SUCCESS)
        return VATTEN_SUCCESS;
    vt_log(logger, VATTEN_LOG_ERROR, NULL, "%s failed with VkResult %d", call, (int)result);
    switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY:
        return VATTEN_ERROR_OUT_OF_HOST_MEMORY;
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
    case VK_ERROR_OUT_OF_POOL_MEMORY:
        return VATTEN_ERROR_OUT_OF_DEVICE_MEMORY;
    default:
        return VATTEN_ERROR_VULKAN;
    }
}
