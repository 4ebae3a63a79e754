/* SPDX-License-Identifier: MIT
 *
 * What recordings own: descriptor sets (none with push descriptors) and an optional workspace.
 */
#ifndef VT_RECORDER_H
#define VT_RECORDER_H

#include "device.h"

struct vatten_recorder {
    vatten_device *device;
    VkDescriptorPool pool;
    uint32_t set_count; /* 0 with push descriptors */
    uint32_t sets_used;
    VkBuffer workspace;
    VkDeviceMemory workspace_memory;
    uint64_t workspace_bytes;
    VkDescriptorSet sets[]; /* all allocated up front: recording allocates nothing */
};

#endif /* VT_RECORDER_H */
