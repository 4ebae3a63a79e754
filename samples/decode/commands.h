/* SPDX-License-Identifier: MIT
 *
 * The Vulkan of an application that vatten records into: a command buffer that is recorded once and submitted again and again,
 * memory that the host writes and reads between two submissions, and timestamps.
 */
#ifndef DECODE_COMMANDS_H
#define DECODE_COMMANDS_H

#include <volk.h>

#include <stdbool.h>
#include <stdint.h>

#include <vatten/context.h>

enum { COMMANDS_STAMPS = 3 };

typedef struct commands {
    VkDevice device;
    VkQueue queue;
    VkCommandPool pool;
    VkCommandBuffer buffer;
    VkFence fence;
    VkQueryPool stamps; /* none where the queue has no clock */
    double tick_ms;
    uint64_t tick_mask;
    VkBuffer staging;
    VkDeviceMemory memory;
    unsigned char *mapped; /* the staging buffer as the host sees it */
} commands;

/* False after a message; destroy it in either case, before the context. */
bool commands_create(commands *c, vatten_context *context, uint64_t staging_bytes);
void commands_destroy(commands *c);

bool commands_begin(commands *c);
void commands_copy(const commands *c, VkBuffer from, uint64_t from_offset, VkBuffer to, uint64_t to_offset,
                   uint64_t bytes);
void commands_barrier(const commands *c, VkPipelineStageFlags from, VkAccessFlags wrote,
                      VkPipelineStageFlags to, VkAccessFlags uses);
void commands_stamp(const commands *c, uint32_t index);
bool commands_end(commands *c);

/* Runs it and waits. `out_ms`: between neighbouring stamps, 0 without a clock; `out_wall_ms`: from submission to its end. */
bool commands_submit(commands *c, double out_ms[COMMANDS_STAMPS - 1], double *out_wall_ms);

#endif
