/* SPDX-License-Identifier: MIT
 *
 * What belongs to no object: version, result names, what a device supports.
 */
#include <vatten/vatten.h>

#include "alloc.h"
#include "kernels.h"
#include "probe.h"

uint32_t vatten_version(void) {
    return (uint32_t)VATTEN_VERSION_MAJOR << 22 | (uint32_t)VATTEN_VERSION_MINOR << 12 | VATTEN_VERSION_PATCH;
}

const char *vatten_result_name(vatten_result result) {
    switch (result) {
    case VATTEN_SUCCESS:
        return "VATTEN_SUCCESS";
    case VATTEN_ERROR_INVALID_ARGUMENT:
        return "VATTEN_ERROR_INVALID_ARGUMENT";
    case VATTEN_ERROR_UNSUPPORTED:
        return "VATTEN_ERROR_UNSUPPORTED";
    case VATTEN_ERROR_OUT_OF_HOST_MEMORY:
        return "VATTEN_ERROR_OUT_OF_HOST_MEMORY";
    case VATTEN_ERROR_OUT_OF_DEVICE_MEMORY:
        return "VATTEN_ERROR_OUT_OF_DEVICE_MEMORY";
    case VATTEN_ERROR_VULKAN:
        return "VATTEN_ERROR_VULKAN";
    case VATTEN_ERROR_RECORDER_FULL:
        return "VATTEN_ERROR_RECORDER_FULL";
    }
    return "VATTEN_UNKNOWN_RESULT";
}

/* Of features that are for some kernels only, those whose kernels the build has, and all others. */
static vatten_features built_features(void) {
    vatten_features missing = 0;
    if (!vt_kernels_have(VATTEN_LAYOUT_MATRIX))
        missing |= VATTEN_FEATURE_COOPERATIVE_MATRIX;
    if (!vt_kernels_have_dtype(VATTEN_LAYOUT_MATRIX, VATTEN_DTYPE_BF16))
        missing |= VATTEN_FEATURE_COOPERATIVE_MATRIX_BF16;
    if (!vt_kernels_have(VATTEN_LAYOUT_MATRIX2))
        missing |= VATTEN_FEATURE_COOPERATIVE_MATRIX_2;
    if (!vt_kernels_have(VATTEN_LAYOUT_MATRIX_WORKGROUP))
        missing |= VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP;
    if (!vt_kernels_have(VATTEN_LAYOUT_MIXED))
        missing |= VATTEN_FEATURE_MIXED_DOT_PRODUCT;
    if (!vt_kernels_have(VATTEN_LAYOUT_DOT))
        missing |= VATTEN_FEATURE_INTEGER_DOT_PRODUCT;
    return ~missing;
}

vatten_features vatten_features_supported(PFN_vkGetInstanceProcAddr get_instance_proc_addr,
                                          VkInstance instance, VkPhysicalDevice physical_device) {
    vt_vk_instance vk;
    if (!get_instance_proc_addr || !instance || !physical_device)
        return 0;
    if (vt_vk_load_instance(get_instance_proc_addr, instance, NULL, &vk) != VATTEN_SUCCESS)
        return 0;
    const vatten_allocator none = {NULL, NULL, NULL};
    const vatten_allocator allocator = vt_allocator_resolve(&none);
    const vt_probe probe = {&vk, physical_device, &allocator, NULL};
    return vt_probe_features(&probe) & built_features();
}
