/* SPDX-License-Identifier: MIT */
#define VOLK_IMPLEMENTATION
#include "commands.h"

#include "complain.h"
#include "progress.h"

static bool good(const char *what, VkResult result) {
    return result == VK_SUCCESS || complain("%s: VkResult %d", what, (int)result);
}

/* ---- Making ---- */

static bool make_clock(commands *c, VkPhysicalDevice gpu, uint32_t family) {
    VkQueueFamilyProperties families[16];
    VkPhysicalDeviceProperties properties;
    uint32_t count = 16;
    vkGetPhysicalDeviceProperties(gpu, &properties);
    vkGetPhysicalDeviceQueueFamilyProperties(gpu, &count, families);
    uint32_t bits = family < count ? families[family].timestampValidBits : 0;
    c->tick_ms = (double)properties.limits.timestampPeriod * 1e-6;
    c->tick_mask = bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    VkQueryPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
                                  .queryType = VK_QUERY_TYPE_TIMESTAMP,
                                  .queryCount = COMMANDS_STAMPS};
    return bits == 0 || good("vkCreateQueryPool", vkCreateQueryPool(c->device, &info, NULL, &c->stamps));
}

static bool make_commands(commands *c, uint32_t family) {
    VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                    .queueFamilyIndex = family};
    VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    if (!good("vkCreateCommandPool", vkCreateCommandPool(c->device, &pool, NULL, &c->pool))) {
        return false;
    }
    VkCommandBufferAllocateInfo buffer = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                          .commandPool = c->pool,
                                          .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                          .commandBufferCount = 1};
    return good("vkAllocateCommandBuffers", vkAllocateCommandBuffers(c->device, &buffer, &c->buffer)) &&
           good("vkCreateFence", vkCreateFence(c->device, &fence, NULL, &c->fence));
}

static bool find_mappable(VkPhysicalDevice gpu, uint32_t allowed, uint32_t *out_type) {
    const VkMemoryPropertyFlags wanted =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    VkPhysicalDeviceMemoryProperties memory;
    vkGetPhysicalDeviceMemoryProperties(gpu, &memory);
    for (uint32_t type = 0; type < memory.memoryTypeCount; type++) {
        if ((allowed & (1u << type)) && (memory.memoryTypes[type].propertyFlags & wanted) == wanted) {
            *out_type = type;
            return true;
        }
    }
    return complain("the device has no mappable memory");
}

static bool make_staging(commands *c, VkPhysicalDevice gpu, uint64_t bytes) {
    VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                               .size = bytes,
                               .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT};
    VkMemoryRequirements needs;
    VkMemoryAllocateInfo memory = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
    void *mapped = NULL;
    if (!good("vkCreateBuffer", vkCreateBuffer(c->device, &info, NULL, &c->staging))) {
        return false;
    }
    vkGetBufferMemoryRequirements(c->device, c->staging, &needs);
    memory.allocationSize = needs.size;
    bool made = find_mappable(gpu, needs.memoryTypeBits, &memory.memoryTypeIndex) &&
                good("vkAllocateMemory", vkAllocateMemory(c->device, &memory, NULL, &c->memory)) &&
                good("vkBindBufferMemory", vkBindBufferMemory(c->device, c->staging, c->memory, 0)) &&
                good("vkMapMemory", vkMapMemory(c->device, c->memory, 0, VK_WHOLE_SIZE, 0, &mapped));
    c->mapped = mapped;
    return made;
}

bool commands_create(commands *c, vatten_context *context, uint64_t staging_bytes) {
    vatten_context_info info;
    VkPhysicalDevice gpu = vatten_context_physical_device(context);
    vatten_context_get_info(context, &info);
    *c = (commands){.device = vatten_context_vk_device(context)};
    volkInitializeCustom(vatten_context_get_instance_proc_addr(context));
    volkLoadInstance(vatten_context_instance(context));
    volkLoadDevice(c->device);
    vkGetDeviceQueue(c->device, info.queue_family, 0, &c->queue);
    return make_clock(c, gpu, info.queue_family) && make_commands(c, info.queue_family) &&
           make_staging(c, gpu, staging_bytes);
}

void commands_destroy(commands *c) {
    if (!c->device) {
        return;
    }
    vkDestroyBuffer(c->device, c->staging, NULL);
    vkFreeMemory(c->device, c->memory, NULL);
    vkDestroyQueryPool(c->device, c->stamps, NULL);
    vkDestroyFence(c->device, c->fence, NULL);
    vkDestroyCommandPool(c->device, c->pool, NULL);
}

/* ---- Recording ---- */

bool commands_begin(commands *c) {
    VkCommandBufferBeginInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO}; /* not ONE_TIME_SUBMIT */
    if (!good("vkBeginCommandBuffer", vkBeginCommandBuffer(c->buffer, &info))) {
        return false;
    }
    if (c->stamps) {
        vkCmdResetQueryPool(c->buffer, c->stamps, 0, COMMANDS_STAMPS);
    }
    return true;
}

void commands_copy(const commands *c, VkBuffer from, uint64_t from_offset, VkBuffer to, uint64_t to_offset,
                   uint64_t bytes) {
    VkBufferCopy region = {.srcOffset = from_offset, .dstOffset = to_offset, .size = bytes};
    vkCmdCopyBuffer(c->buffer, from, to, 1, &region);
}

void commands_barrier(const commands *c, VkPipelineStageFlags from, VkAccessFlags wrote,
                      VkPipelineStageFlags to, VkAccessFlags uses) {
    VkMemoryBarrier memory = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER, .srcAccessMask = wrote, .dstAccessMask = uses};
    vkCmdPipelineBarrier(c->buffer, from, to, 0, 1, &memory, 0, NULL, 0, NULL);
}

void commands_stamp(const commands *c, uint32_t index) {
    if (c->stamps) {
        vkCmdWriteTimestamp(c->buffer, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, c->stamps, index);
    }
}

bool commands_end(commands *c) {
    return good("vkEndCommandBuffer", vkEndCommandBuffer(c->buffer));
}

/* ---- Running ---- */

static bool read_stamps(const commands *c, double out_ms[COMMANDS_STAMPS - 1]) {
    uint64_t ticks[COMMANDS_STAMPS] = {0};
    bool read =
        !c->stamps || good("vkGetQueryPoolResults",
                           vkGetQueryPoolResults(c->device, c->stamps, 0, COMMANDS_STAMPS, sizeof(ticks),
                                                 ticks, sizeof(ticks[0]), VK_QUERY_RESULT_64_BIT));
    for (int i = 0; i + 1 < COMMANDS_STAMPS; i++) {
        out_ms[i] = (double)((ticks[i + 1] - ticks[i]) & c->tick_mask) * c->tick_ms;
    }
    return read;
}

bool commands_submit(commands *c, double out_ms[COMMANDS_STAMPS - 1], double *out_wall_ms) {
    VkSubmitInfo info = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &c->buffer};
    double begin = progress_now_ms();
    if (!good("vkResetFences", vkResetFences(c->device, 1, &c->fence)) ||
        !good("vkQueueSubmit", vkQueueSubmit(c->queue, 1, &info, c->fence)) ||
        !good("vkWaitForFences", vkWaitForFences(c->device, 1, &c->fence, VK_TRUE, UINT64_MAX))) {
        vkDeviceWaitIdle(c->device);
        return false;
    }
    *out_wall_ms = progress_now_ms() - begin;
    return read_stamps(c, out_ms);
}
