/* SPDX-License-Identifier: MIT
 *
 * A plan: the program of one problem with its pipelines. Written once by plan.c or plan_tasks.c, then only read.
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
    bool packed;    /* but not these: attention over sequences, whose lengths are in tables only */
    uint64_t q_len; /* tokens */
    uint64_t kv_len;
    VkPipeline pipelines[VT_VARIANTS_MAX];
    vt_program program; /* steps stand behind the struct, in the same allocation */
};

/* How every create function begins: no plan yet, and whether no pointer is NULL. */
bool vt_plan_asked(const vatten_device *device, const void *desc, vatten_plan **out_plan);

/* Appends a program's steps, as a vt_op does. */
typedef vatten_result (*vt_builder)(const void *input, vt_program *program);

/* Counts the steps, makes room for them behind the plan, and fills them in. Pipelines and info are left to the caller. */
vatten_result vt_plan_build(vatten_device *device, vt_builder append, const void *input,
                            vatten_plan **out_plan);

/* Pipelines of all variants; `*out_refused`: the driver would not have one of them. */
vatten_result vt_plan_compile(vatten_plan *plan, bool *out_refused);

/* Bytes that the buffer of a role must hold; 0 = not used. */
uint64_t vt_plan_bytes(const vatten_plan *plan, vt_role role);

#endif /* VT_PLAN_H */
