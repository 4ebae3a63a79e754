/* SPDX-License-Identifier: MIT
 *
 * A plan: the program of one problem with its pipelines. Written once by plan.c, then only read.
 */
#ifndef VT_PLAN_H
#define VT_PLAN_H

#include "device.h"
#include "steps.h"

struct vatten_plan {
    vatten_device *device;
    char label[64];
    vatten_plan_info info;
    bool dense;     /* vatten_args may shrink the lengths */
    uint64_t q_len; /* tokens */
    uint64_t kv_len;
    VkPipeline pipelines[VT_VARIANTS_MAX];
    vt_program program; /* steps stand behind the struct, in the same allocation */
};

/* Bytes that the buffer of a role must hold; 0 = not used. */
uint64_t vt_plan_bytes(const vatten_plan *plan, vt_role role);

#endif /* VT_PLAN_H */
