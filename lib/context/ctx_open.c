/* SPDX-License-Identifier: MIT
 *
 * The Vulkan loader, by volk. All that knows of volk is here and in ctx_volk.c.
 */
#include "ctx_vk.h"

#include <volk.h>

PFN_vkGetInstanceProcAddr vt_ctx_loader(uint32_t *out_version) {
    /* volk keeps the opened loader in a global; opening it again would only leak a reference to the library.
     */
    if (vkGetInstanceProcAddr == NULL && volkInitialize() != VK_SUCCESS)
        return NULL;
    *out_version = volkGetInstanceVersion();
    return vkGetInstanceProcAddr;
}
