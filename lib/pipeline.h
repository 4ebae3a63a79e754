/* SPDX-License-Identifier: MIT
 *
 * Compiled pipelines of a device, shared by its plans: one per kernel and set of specialization values. Knows
 * no operator.
 */
#ifndef VT_PIPELINE_H
#define VT_PIPELINE_H

#include "steps.h"
#include "thread.h"
#include "vk.h"

typedef struct vt_pipeline vt_pipeline;

/* One mutex guards the list and the compiling: some drivers' compilers are not thread-safe, and two plans
 * that want the same pipeline shall not compile it twice. */
typedef struct vt_pipeline_map {
    bool ready;
    vt_mutex mutex;
    VkPipelineCache cache; /* the caller's, or null */
    vt_pipeline *first;
} vt_pipeline_map;

vatten_result vt_pipeline_map_init(vt_pipeline_map *map, VkPipelineCache cache);

/* Destroys all pipelines; serves a map that was never initialised. */
void vt_pipeline_map_destroy(vatten_device *device);

/* The pipeline of a variant, compiled now if the device does not have it yet. `out_refused` tells whether the
 * driver refused this shader (another one may do) rather than ran out of memory. Thread-safety: safe. */
vatten_result vt_pipeline_get(vatten_device *device, const vt_variant *variant, VkPipeline *out,
                              bool *out_refused);

#endif /* VT_PIPELINE_H */
