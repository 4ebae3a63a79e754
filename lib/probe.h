/* SPDX-License-Identifier: MIT
 *
 * Asks a physical device what it can do. Chooses nothing.
 */
#ifndef VT_PROBE_H
#define VT_PROBE_H

#include "caps.h"
#include "vk.h"

/* Whom to ask, and with whose means. */
typedef struct vt_probe {
    const vt_vk_instance *vk;
    VkPhysicalDevice device;
    const vatten_allocator *allocator;
    const vatten_logger *logger; /* may be NULL */
} vt_probe;

/* Which vatten_feature bits the device supports; none if it cannot be asked. */
vatten_features vt_probe_features(const vt_probe *probe);

/* Fills all of `out` but what vt_caps_complete derives; `features` is what the caller enabled. Errors: OUT_OF_*, VULKAN. */
vatten_result vt_probe_caps(const vt_probe *probe, vatten_features features, vt_caps *out);

#endif /* VT_PROBE_H */
