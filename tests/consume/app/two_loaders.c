/* SPDX-License-Identifier: MIT
 *
 * An application that calls Vulkan itself and makes a context, too: each finds its own Vulkan.
 *
 *   USE_VOLK  by volk, compiled into it; else it is linked with the loader
 */
#ifdef USE_VOLK
#define VOLK_IMPLEMENTATION
#include <volk.h>
#else
#include <vulkan/vulkan.h>
#endif

#include <vatten/context.h>

#include <stdio.h>

enum { SKIP = 77 };

static int own_version(uint32_t *out) {
#ifdef USE_VOLK
    if (volkInitialize() != VK_SUCCESS)
        return 0;
#endif
    return vkEnumerateInstanceVersion(out) == VK_SUCCESS;
}

int main(void) {
    vatten_context *context = NULL;
    uint32_t before = 0, after = 0;
    if (!own_version(&before))
        return SKIP;
    vatten_result result = vatten_context_create(NULL, &context);
    vatten_context_destroy(context);
    if (result != VATTEN_SUCCESS)
        return SKIP;
    if (!own_version(&after) || before != after) {
        printf("the loader was of version %u and is of %u\n", (unsigned)before, (unsigned)after);
        return 1;
    }
    return 0;
}
