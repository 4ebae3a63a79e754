/* SPDX-License-Identifier: MIT
 *
 * The Vulkan loader, by volk. All that knows of volk is here and in ctx_volk.c.
 */
#include "ctx_vk.h"

#include <volk.h>

bool vt_ctx_vk_open(vt_ctx_vk *vk, uint32_t *out_version) {
    /* volk keeps the opened loader in a global; opening it again would only leak a reference to the library.
     */
    if (vkGetInstanceProcAddr == NULL && volkInitialize() != VK_SUCCESS)
        return false;
    vk->GetInstanceProcAddr = vkGetInstanceProcAddr;
#define LOAD(name)                                                                                           \
    vk->name = (PFN_vk##name)(vk->GetInstanceProcAddr(NULL, "vk" #name));                                    \
    if (vk->name == NULL)                                                                                    \
        return false;
    VT_CTX_GLOBAL_FUNCTIONS(LOAD)
#undef LOAD
    *out_version = volkGetInstanceVersion();
    return true;
}
