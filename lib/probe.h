/* SPDX-License-Identifier: MIT
 *
 * Asks a physical device what it can do. Chooses nothing.
 */
#ifndef VT_PROBE_H
#define VT_PROBE_H

#include "caps.h"
#include "vk.h"

/* Which vatten_feature bits the device supports; none if it cannot be asked. */
vatten_features vt_probe_features(const vt_vk_instance *vk, const vatten_allocator *allocator,
                                  VkPhysicalDevice physical_device);

/* Fills all of `out` but what vt_caps_complete derives; `features` is what the caller enabled. Errors:
 * OUT_OF_HOST_MEMORY, VULKAN. */
vatten_result vt_probe_caps(const vt_vk_instance *vk, const vatten_allocator *allocator,
                            VkPhysicalDevice physical_device, vatten_features features, vt_caps *out);

#endif /* VT_PROBE_H */
