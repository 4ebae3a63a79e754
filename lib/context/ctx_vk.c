/* SPDX-License-Identifier: MIT
 *
 * Filling the function table, and names for VkResult.
 */
#include "ctx_vk.h"

bool vt_ctx_vk_open(vt_ctx_vk *vk, uint32_t *out_version) {
    vk->GetInstanceProcAddr = vt_ctx_loader(out_version);
    if (vk->GetInstanceProcAddr == NULL)
        return false;
#define LOAD(name)                                                                                           \
    vk->name = (PFN_vk##name)(vk->GetInstanceProcAddr(NULL, "vk" #name));                                    \
    if (vk->name == NULL)                                                                                    \
        return false;
    VT_CTX_GLOBAL_FUNCTIONS(LOAD)
#undef LOAD
    return true;
}

const char *vt_ctx_vk_load_instance(vt_ctx_vk *vk, VkInstance instance) {
#define LOAD_OPTIONAL(name) vk->name = (PFN_vk##name)(vk->GetInstanceProcAddr(instance, "vk" #name));
#define LOAD(name)                                                                                           \
    LOAD_OPTIONAL(name)                                                                                      \
    if (vk->name == NULL)                                                                                    \
        return "vk" #name;
    /* Destroying comes first, so that an instance whose table is incomplete can still be destroyed. */
    LOAD(DestroyInstance)
    VT_CTX_INSTANCE_FUNCTIONS(LOAD)
    VT_CTX_OPTIONAL_FUNCTIONS(LOAD_OPTIONAL)
#undef LOAD
#undef LOAD_OPTIONAL
    return NULL;
}

const char *vt_ctx_vk_load_device(vt_ctx_vk *vk, VkDevice device) {
#define LOAD(name)                                                                                           \
    vk->name = (PFN_vk##name)(vk->GetDeviceProcAddr(device, "vk" #name));                                    \
    if (vk->name == NULL)                                                                                    \
        return "vk" #name;
    LOAD(DestroyDevice)
    VT_CTX_DEVICE_FUNCTIONS(LOAD)
#undef LOAD
    return NULL;
}

const char *vt_ctx_vk_result_name(VkResult result) {
    switch (result) {
#define NAME(value)                                                                                          \
    case value:                                                                                              \
        return #value;
        NAME(VK_SUCCESS)
        NAME(VK_NOT_READY)
        NAME(VK_TIMEOUT)
        NAME(VK_INCOMPLETE)
        NAME(VK_ERROR_OUT_OF_HOST_MEMORY)
        NAME(VK_ERROR_OUT_OF_DEVICE_MEMORY)
        NAME(VK_ERROR_INITIALIZATION_FAILED)
        NAME(VK_ERROR_DEVICE_LOST)
        NAME(VK_ERROR_MEMORY_MAP_FAILED)
        NAME(VK_ERROR_LAYER_NOT_PRESENT)
        NAME(VK_ERROR_EXTENSION_NOT_PRESENT)
        NAME(VK_ERROR_FEATURE_NOT_PRESENT)
        NAME(VK_ERROR_INCOMPATIBLE_DRIVER)
        NAME(VK_ERROR_TOO_MANY_OBJECTS)
        NAME(VK_ERROR_UNKNOWN)
#undef NAME
    default:
        return "an unknown VkResult";
    }
}
