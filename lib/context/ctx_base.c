/* SPDX-License-Identifier: MIT
 *
 * Messages, host memory and the translation of VkResult.
 */
#include "ctx.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void vt_ctx_log(const vatten_context *context, vatten_log_level level, const char *format, ...) {
    if (context->logger.write == NULL)
        return;
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    context->logger.write(context->logger.user, level, text);
}

static vatten_result translate(VkResult result) {
    switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY:
        return VATTEN_ERROR_OUT_OF_HOST_MEMORY;
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
        return VATTEN_ERROR_OUT_OF_DEVICE_MEMORY;
    default:
        return VATTEN_ERROR_VULKAN;
    }
}

vatten_result vt_ctx_vk_error(const vatten_context *context, const char *what, VkResult result) {
    /* The usual reason of a lost device is not a bug of the driver, and the way out is worth saying. */
    const char *hint = result == VK_ERROR_DEVICE_LOST
                           ? " (a dispatch may have run longer than the system allows: see max_macs)"
                           : "";
    vt_ctx_log(context, VATTEN_LOG_ERROR, "context: %s: %s%s", what, vt_ctx_vk_result_name(result), hint);
    return translate(result);
}

void *vt_ctx_alloc(const vatten_context *context, size_t size) {
    const vatten_allocator *allocator = &context->allocator;
    void *memory =
        allocator->allocate != NULL ? allocator->allocate(allocator->user, size, 16) : malloc(size);
    if (memory == NULL) {
        vt_ctx_log(context, VATTEN_LOG_ERROR, "context: no host memory for %zu bytes", size);
        return NULL;
    }
    memset(memory, 0, size);
    return memory;
}

void vt_ctx_release(const vatten_context *context, void *memory) {
    if (memory == NULL)
        return;
    if (context->allocator.release != NULL)
        context->allocator.release(context->allocator.user, memory);
    else
        free(memory);
}

struct timespec vt_ctx_clock(void) {
    struct timespec now = {0};
#ifdef __ANDROID__
    clock_gettime(CLOCK_MONOTONIC, &now); /* C11's is there since Android 10 only */
#else
    timespec_get(&now, TIME_UTC);
#endif
    return now;
}

bool vt_ctx_has_extension(const VkExtensionProperties *list, uint32_t count, const char *name) {
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(list[i].extensionName, name) == 0)
            return true;
    }
    return false;
}
