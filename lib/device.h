/* SPDX-License-Identifier: MIT
 *
 * What vatten keeps per VkDevice.
 */
#ifndef VT_DEVICE_H
#define VT_DEVICE_H

#include "caps.h"
#include "pipeline.h"
#include "tune_file.h"
#include "vk.h"

struct vatten_device {
    vatten_logger logger;
    vatten_allocator allocator;
    vt_caps caps;
    vt_vk_device vk;
    VkPhysicalDeviceMemoryProperties memory;
    VkDescriptorSetLayout
        set_layout; /* as many storage buffers as any kernel that the device can run declares */
    uint32_t slots;
    VkPipelineLayout pipeline_layout;
    vt_pipeline_map pipelines;
    vt_tuning tuning; /* one allocation, that of its rows; NULL = no tuning file */
};

bool vt_device_pushes(const vatten_device *device); /* push descriptors are in use */

#endif /* VT_DEVICE_H */
