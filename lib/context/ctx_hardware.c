/* SPDX-License-Identifier: MIT
 *
 * Android's hardware buffers as memories: what another process, the camera's or a codec's, has written is read where it lies.
 */
#include "ctx.h"

#include <android/hardware_buffer.h>
#include <vulkan/vulkan_android.h>

#define HANDLE_TYPE VK_EXTERNAL_MEMORY_HANDLE_TYPE_ANDROID_HARDWARE_BUFFER_BIT_ANDROID

typedef PFN_vkGetAndroidHardwareBufferPropertiesANDROID ask_function;

/* NULL after a message that says why none of them can be taken. */
static ask_function can_import(const vatten_context *context) {
    ask_function ask = NULL;
    if (context->hardware_buffers)
        ask = (ask_function)context->vk.GetDeviceProcAddr(context->device,
                                                          "vkGetAndroidHardwareBufferPropertiesANDROID");
    if (ask == NULL)
        vt_ctx_log(context, VATTEN_LOG_ERROR,
                   "context: %s has no " VK_ANDROID_EXTERNAL_MEMORY_ANDROID_HARDWARE_BUFFER_EXTENSION_NAME,
                   context->properties.deviceName);
    return ask;
}

static vatten_result check_kind(const vatten_context *context, const AHardwareBuffer *buffer,
                                uint64_t *out_size) {
    AHardwareBuffer_Desc desc = {0};
    if (!vt_ctx_describe_hardware(buffer, &desc)) {
        vt_ctx_log(context, VATTEN_LOG_ERROR,
                   "context: this Android has no AHardwareBuffer_describe (API level 26 has)");
        return VATTEN_ERROR_UNSUPPORTED;
    }
    if (desc.format != AHARDWAREBUFFER_FORMAT_BLOB) {
        vt_ctx_log(
            context, VATTEN_LOG_ERROR,
            "context: a hardware buffer of format 0x%x: only AHARDWAREBUFFER_FORMAT_BLOB (0x%x) is bytes",
            (unsigned)desc.format, (unsigned)AHARDWAREBUFFER_FORMAT_BLOB);
        return VATTEN_ERROR_INVALID_ARGUMENT;
    }
    if ((desc.usage & AHARDWAREBUFFER_USAGE_GPU_DATA_BUFFER) == 0) {
        vt_ctx_log(context, VATTEN_LOG_ERROR,
                   "context: a hardware buffer of usage 0x%llx has no AHARDWAREBUFFER_USAGE_GPU_DATA_BUFFER",
                   (unsigned long long)desc.usage);
        return VATTEN_ERROR_INVALID_ARGUMENT;
    }
    *out_size = desc.width;
    return VATTEN_SUCCESS;
}

static vatten_result import_memory(vatten_memory *memory, AHardwareBuffer *buffer, ask_function ask) {
    const vatten_context *context = memory->context;
    VkAndroidHardwareBufferPropertiesANDROID properties = {
        .sType = VK_STRUCTURE_TYPE_ANDROID_HARDWARE_BUFFER_PROPERTIES_ANDROID};
    VkResult result = ask(context->device, buffer, &properties);
    if (result != VK_SUCCESS)
        return vt_ctx_vk_error(context, "vkGetAndroidHardwareBufferPropertiesANDROID", result);
    VkMemoryRequirements needs;
    context->vk.GetBufferMemoryRequirements(context->device, memory->buffer, &needs);
    uint32_t types = properties.memoryTypeBits & needs.memoryTypeBits, type = 0;
    if (types == 0 || properties.allocationSize < needs.size) {
        vt_ctx_log(
            context, VATTEN_LOG_ERROR,
            "context: the driver gives a hardware buffer of %llu bytes as %llu bytes of memory types 0x%x",
            (unsigned long long)memory->size, (unsigned long long)properties.allocationSize, (unsigned)types);
        return VATTEN_ERROR_UNSUPPORTED;
    }
    while ((types >> type & 1) == 0)
        ++type;
    const VkImportAndroidHardwareBufferInfoANDROID import = {
        .sType = VK_STRUCTURE_TYPE_IMPORT_ANDROID_HARDWARE_BUFFER_INFO_ANDROID, .buffer = buffer};
    const VkMemoryAllocateFlagsInfo addressed = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
                                                 .pNext = &import,
                                                 .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
    const bool addresses = (context->enabled & VATTEN_FEATURE_BUFFER_DEVICE_ADDRESS) != 0;
    const VkMemoryAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                       .pNext = addresses ? (const void *)&addressed : &import,
                                       .allocationSize = properties.allocationSize,
                                       .memoryTypeIndex = type};
    result = context->vk.AllocateMemory(context->device, &info, NULL, &memory->memory);
    if (result != VK_SUCCESS)
        return vt_ctx_vk_error(context, "vkAllocateMemory of a hardware buffer", result);
    result = context->vk.BindBufferMemory(context->device, memory->buffer, memory->memory, 0);
    return result == VK_SUCCESS ? VATTEN_SUCCESS : vt_ctx_vk_error(context, "vkBindBufferMemory", result);
}

vatten_result vatten_memory_import_hardware_buffer(vatten_context *context, AHardwareBuffer *buffer,
                                                   vatten_memory **out_memory) {
    uint64_t size = 0;
    if (out_memory != NULL)
        *out_memory = NULL;
    if (context == NULL || buffer == NULL || out_memory == NULL)
        return VATTEN_ERROR_INVALID_ARGUMENT;
    ask_function ask = can_import(context);
    if (ask == NULL)
        return VATTEN_ERROR_UNSUPPORTED;
    vatten_result result = check_kind(context, buffer, &size);
    if (result != VATTEN_SUCCESS)
        return result;
    vatten_memory *memory = vt_ctx_alloc(context, sizeof *memory);
    if (memory == NULL)
        return VATTEN_ERROR_OUT_OF_HOST_MEMORY;
    memory->context = context;
    memory->size = size;
    const VkExternalMemoryBufferCreateInfo external = {
        .sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO, .handleTypes = HANDLE_TYPE};
    result = vt_ctx_buffer_create(memory, &external);
    if (result == VATTEN_SUCCESS)
        result = import_memory(memory, buffer, ask);
    if (result != VATTEN_SUCCESS) {
        vatten_memory_destroy(memory);
        return result;
    }
    *out_memory = memory;
    return VATTEN_SUCCESS;
}
