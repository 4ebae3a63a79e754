/* SPDX-License-Identifier: MIT
 *
 * Buffers, each with a device memory of its own.
 */
#include "ctx.h"

#define LOCAL    VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT
#define MAPPABLE (VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT)
#define CACHED   VK_MEMORY_PROPERTY_HOST_CACHED_BIT

/* Memory properties to ask for, best first. Mapping always means coherent memory: nothing here flushes. */
typedef struct memory_wishes {
    bool map;
    uint32_t count;
    VkMemoryPropertyFlags flags[4];
} memory_wishes;

static memory_wishes wishes_for(const vatten_context *context, vt_ctx_memory_kind kind) {
    static const memory_wishes staging = {true, 2, {MAPPABLE | CACHED, MAPPABLE}};
    static const memory_wishes shared = {true, 4, {LOCAL | MAPPABLE | CACHED, LOCAL | MAPPABLE, LOCAL, 0}};
    static const memory_wishes local = {false, 2, {LOCAL, 0}};
    if (kind == VT_CTX_MEMORY_STAGING)
        return staging;
    VkPhysicalDeviceType type = context->properties.deviceType;
    bool one_memory = type == VK_PHYSICAL_DEVICE_TYPE_CPU || type == VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU;
    return one_memory ? shared : local;
}

static bool has_addresses(const vatten_context *context) {
    return (context->enabled & VATTEN_FEATURE_BUFFER_DEVICE_ADDRESS) != 0;
}

vatten_result vt_ctx_buffer_create(vatten_memory *memory, const void *next) {
    const vatten_context *context = memory->context;
    VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                               .pNext = next,
                               .size = memory->size,
                               .usage =
                                   VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                                   VK_BUFFER_USAGE_TRANSFER_DST_BIT |
                                   (has_addresses(context) ? VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT : 0),
                               .sharingMode = VK_SHARING_MODE_EXCLUSIVE};
    VkResult result = context->vk.CreateBuffer(context->device, &info, NULL, &memory->buffer);
    return result == VK_SUCCESS ? VATTEN_SUCCESS : vt_ctx_vk_error(context, "vkCreateBuffer", result);
}

/* Whether the type has what is wished for and nothing that would need a feature, such as uncached AMD memory.
 */
static bool type_fits(VkMemoryPropertyFlags type, VkMemoryPropertyFlags wished) {
    return (type & wished) == wished && (type & ~(VkMemoryPropertyFlags)(LOCAL | MAPPABLE | CACHED)) == 0;
}

/* Tries wish after wish, type after type: a heap that is full passes on to the next. */
static VkResult allocate(vatten_memory *memory, const memory_wishes *wishes,
                         VkMemoryPropertyFlags *out_flags) {
    const vatten_context *context = memory->context;
    VkMemoryRequirements needs;
    context->vk.GetBufferMemoryRequirements(context->device, memory->buffer, &needs);
    VkMemoryAllocateFlagsInfo addressed = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
                                           .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
    VkMemoryAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                 .pNext = has_addresses(context) ? &addressed : NULL,
                                 .allocationSize = needs.size};
    VkResult result = VK_ERROR_OUT_OF_DEVICE_MEMORY;
    for (uint32_t wish = 0; wish < wishes->count; wish++) {
        for (uint32_t i = 0; i < context->memory_properties.memoryTypeCount; i++) {
            VkMemoryPropertyFlags flags = context->memory_properties.memoryTypes[i].propertyFlags;
            if ((needs.memoryTypeBits & (1u << i)) == 0 || !type_fits(flags, wishes->flags[wish]))
                continue;
            info.memoryTypeIndex = i;
            result = context->vk.AllocateMemory(context->device, &info, NULL, &memory->memory);
            *out_flags = flags;
            if (result != VK_ERROR_OUT_OF_DEVICE_MEMORY)
                return result;
        }
    }
    return result;
}

static vatten_result back_with_memory(vatten_memory *memory, vt_ctx_memory_kind kind) {
    const vatten_context *context = memory->context;
    memory_wishes wishes = wishes_for(context, kind);
    VkMemoryPropertyFlags flags = 0;
    VkResult result = allocate(memory, &wishes, &flags);
    if (result != VK_SUCCESS) {
        vt_ctx_log(context, VATTEN_LOG_ERROR, "context: no memory for a buffer of %llu bytes",
                   (unsigned long long)memory->size);
        return vt_ctx_vk_error(context, "vkAllocateMemory", result);
    }
    result = context->vk.BindBufferMemory(context->device, memory->buffer, memory->memory, 0);
    if (result != VK_SUCCESS)
        return vt_ctx_vk_error(context, "vkBindBufferMemory", result);
    if (!wishes.map || (flags & MAPPABLE) != MAPPABLE)
        return VATTEN_SUCCESS;
    result = context->vk.MapMemory(context->device, memory->memory, 0, VK_WHOLE_SIZE, 0, &memory->mapped);
    memory->cached = (flags & CACHED) != 0;
    return result == VK_SUCCESS ? VATTEN_SUCCESS : vt_ctx_vk_error(context, "vkMapMemory", result);
}

vatten_result vt_ctx_memory_create(vatten_context *context, uint64_t size, vt_ctx_memory_kind kind,
                                   vatten_memory **out_memory) {
    if (size == 0 || size > context->max_allocation) {
        vt_ctx_log(context, VATTEN_LOG_ERROR, "context: a buffer of %llu bytes; this device takes 1 to %llu",
                   (unsigned long long)size, (unsigned long long)context->max_allocation);
        return size == 0 ? VATTEN_ERROR_INVALID_ARGUMENT : VATTEN_ERROR_UNSUPPORTED;
    }
    vatten_memory *memory = vt_ctx_alloc(context, sizeof *memory);
    if (memory == NULL)
        return VATTEN_ERROR_OUT_OF_HOST_MEMORY;
    memory->context = context;
    memory->size = size;
    vatten_result result = vt_ctx_buffer_create(memory, NULL);
    if (result == VATTEN_SUCCESS)
        result = back_with_memory(memory, kind);
    if (result != VATTEN_SUCCESS) {
        vatten_memory_destroy(memory);
        return result;
    }
    *out_memory = memory;
    return VATTEN_SUCCESS;
}

vatten_result vatten_memory_create(vatten_context *context, uint64_t size, vatten_memory **out_memory) {
    if (out_memory != NULL)
        *out_memory = NULL;
    if (context == NULL || out_memory == NULL)
        return VATTEN_ERROR_INVALID_ARGUMENT;
    return vt_ctx_memory_create(context, size, VT_CTX_MEMORY_DEVICE, out_memory);
}

void vatten_memory_destroy(vatten_memory *memory) {
    if (memory == NULL)
        return;
    const vatten_context *context = memory->context;
    context->vk.DestroyBuffer(context->device, memory->buffer, NULL);
    context->vk.FreeMemory(context->device, memory->memory, NULL); /* unmaps */
    vt_ctx_release(context, memory);
}

uint64_t vatten_memory_size(const vatten_memory *memory) {
    return memory != NULL ? memory->size : 0;
}

vatten_buffer vatten_memory_buffer(const vatten_memory *memory) {
    if (memory == NULL)
        return (vatten_buffer){0};
    return (vatten_buffer){.buffer = memory->buffer, .offset = 0, .size = memory->size};
}
