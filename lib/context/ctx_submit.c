/* SPDX-License-Identifier: MIT
 *
 * One command buffer: recorded, submitted, waited for, timed.
 */
#include "ctx.h"

#include <time.h>

#define WAIT_SLICE_NS 1000000000ull
#define QUERY_TRIES   100

static VkResult make_objects(vatten_context *context, vt_ctx_submit *submit) {
    VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                    .queueFamilyIndex = context->queue_family};
    VkResult result = context->vk.CreateCommandPool(context->device, &pool, NULL, &submit->pool);
    if (result != VK_SUCCESS)
        return result;
    VkCommandBufferAllocateInfo buffer = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                          .commandPool = submit->pool,
                                          .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                          .commandBufferCount = 1};
    result = context->vk.AllocateCommandBuffers(context->device, &buffer, &submit->command_buffer);
    if (result != VK_SUCCESS)
        return result;
    VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    result = context->vk.CreateFence(context->device, &fence, NULL, &submit->fence);
    if (result != VK_SUCCESS || context->timestamp_bits == 0)
        return result;
    VkQueryPoolCreateInfo queries = {.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
                                     .queryType = VK_QUERY_TYPE_TIMESTAMP,
                                     .queryCount = 2};
    return context->vk.CreateQueryPool(context->device, &queries, NULL, &submit->timestamps);
}

vatten_result vt_ctx_submit_create(vatten_context *context, vt_ctx_submit *submit) {
    VkResult result = make_objects(context, submit);
    return result == VK_SUCCESS ? VATTEN_SUCCESS
                                : vt_ctx_vk_error(context, "making a command buffer", result);
}

void vt_ctx_submit_destroy(vatten_context *context, vt_ctx_submit *submit) {
    context->vk.DestroyQueryPool(context->device, submit->timestamps, NULL);
    context->vk.DestroyFence(context->device, submit->fence, NULL);
    context->vk.DestroyCommandPool(context->device, submit->pool, NULL); /* frees the command buffer */
    *submit = (vt_ctx_submit){0};
}

/* The fence says that earlier work is over, not that its writes are visible to the next; this barrier does.
 */
static void see_earlier_writes(const vatten_context *context, VkCommandBuffer command_buffer) {
    VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                               .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
                               .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT};
    context->vk.CmdPipelineBarrier(command_buffer, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                                   VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 1, &barrier, 0, NULL, 0, NULL);
}

static void show_writes_to_host(const vatten_context *context, VkCommandBuffer command_buffer) {
    VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                               .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
                               .dstAccessMask = VK_ACCESS_HOST_READ_BIT};
    context->vk.CmdPipelineBarrier(command_buffer, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                                   VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0, NULL, 0, NULL);
}

vatten_result vt_ctx_submit_begin(vatten_context *context, vt_ctx_submit *submit) {
    submit->recording = false;
    VkResult result = context->vk.ResetCommandPool(context->device, submit->pool, 0);
    if (result != VK_SUCCESS)
        return vt_ctx_vk_error(context, "vkResetCommandPool", result);
    VkCommandBufferBeginInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                     .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
    result = context->vk.BeginCommandBuffer(submit->command_buffer, &info);
    if (result != VK_SUCCESS)
        return vt_ctx_vk_error(context, "vkBeginCommandBuffer", result);
    see_earlier_writes(context, submit->command_buffer);
    if (submit->timestamps != VK_NULL_HANDLE) {
        context->vk.CmdResetQueryPool(submit->command_buffer, submit->timestamps, 0, 2);
        context->vk.CmdWriteTimestamp(submit->command_buffer, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT,
                                      submit->timestamps, 0);
    }
    submit->recording = true;
    return VATTEN_SUCCESS;
}

/* However long it takes: slices, because some drivers round a very long timeout to a short one. */
static VkResult wait_for(const vatten_context *context, VkFence fence) {
    VkResult result = VK_TIMEOUT;
    while (result == VK_TIMEOUT)
        result = context->vk.WaitForFences(context->device, 1, &fence, VK_TRUE, WAIT_SLICE_NS);
    return result;
}

static vatten_result submit_and_wait(vatten_context *context, vt_ctx_submit *submit) {
    VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                         .commandBufferCount = 1,
                         .pCommandBuffers = &submit->command_buffer};
    VkResult result = context->vk.ResetFences(context->device, 1, &submit->fence);
    if (result != VK_SUCCESS)
        return vt_ctx_vk_error(context, "vkResetFences", result);
    result = context->vk.QueueSubmit(context->queue, 1, &info, submit->fence);
    if (result != VK_SUCCESS)
        return vt_ctx_vk_error(context, "vkQueueSubmit", result);
    result = wait_for(context, submit->fence);
    if (result == VK_SUCCESS)
        return VATTEN_SUCCESS;
    context->vk.DeviceWaitIdle(context->device); /* the next begin must not find it still in flight */
    return vt_ctx_vk_error(context, "vkWaitForFences", result);
}

/* Some drivers (Arm's) say that a query is not ready although the work is over and they were told to wait. */
static VkResult ask_timestamps(const vatten_context *context, const vt_ctx_submit *submit,
                               uint64_t ticks[2]) {
    VkResult result = VK_NOT_READY;
    for (int i = 0; i < QUERY_TRIES && result == VK_NOT_READY; ++i)
        result = context->vk.GetQueryPoolResults(context->device, submit->timestamps, 0, 2,
                                                 2 * sizeof ticks[0], ticks, sizeof ticks[0],
                                                 VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT);
    return result;
}

/* The two timestamps' distance; the subtraction wraps as the counter does, within its valid bits. Where they do not come
 * `out_ms` stays as it is: the work itself is done. */
static vatten_result read_timestamps(const vatten_context *context, const vt_ctx_submit *submit,
                                     double *out_ms) {
    uint64_t ticks[2] = {0};
    VkResult result = ask_timestamps(context, submit, ticks);
    if (result == VK_NOT_READY) {
        vt_ctx_log(context, VATTEN_LOG_WARN,
                   "context: the timestamps are not ready after %d tries: the time is that of the clock",
                   QUERY_TRIES);
        return VATTEN_SUCCESS;
    }
    if (result != VK_SUCCESS)
        return vt_ctx_vk_error(context, "vkGetQueryPoolResults", result);
    uint64_t mask = context->timestamp_bits >= 64 ? UINT64_MAX : (1ull << context->timestamp_bits) - 1;
    uint64_t elapsed = (ticks[1] - ticks[0]) & mask;
    *out_ms = (double)elapsed * (double)context->properties.limits.timestampPeriod * 1e-6;
    return VATTEN_SUCCESS;
}

static double now_ms(void) {
    struct timespec now = vt_ctx_clock();
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

vatten_result vt_ctx_submit_end(vatten_context *context, vt_ctx_submit *submit, double *out_ms) {
    submit->recording = false;
    if (submit->timestamps != VK_NULL_HANDLE)
        context->vk.CmdWriteTimestamp(submit->command_buffer, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT,
                                      submit->timestamps, 1);
    show_writes_to_host(context, submit->command_buffer);
    VkResult ended = context->vk.EndCommandBuffer(submit->command_buffer);
    if (ended != VK_SUCCESS)
        return vt_ctx_vk_error(context, "vkEndCommandBuffer", ended);
    double start = now_ms();
    vatten_result result = submit_and_wait(context, submit);
    if (result != VATTEN_SUCCESS || out_ms == NULL)
        return result;
    *out_ms = now_ms() - start;
    return submit->timestamps != VK_NULL_HANDLE ? read_timestamps(context, submit, out_ms) : VATTEN_SUCCESS;
}
