/* SPDX-License-Identifier: MIT
 *
 * The buffers that a plan is recorded with, on the fake Vulkan, where any size costs nothing.
 */
#ifndef VATTEN_PLAN_ARGS_H
#define VATTEN_PLAN_ARGS_H

#include "fake_vulkan.h"

#include <vatten/vatten.h>

/* A buffer of vatten_args, and what vatten_plan_info says that it must hold. */
typedef struct plan_role {
    const char *name;
    size_t buffer; /* where it stands in vatten_args */
    size_t bytes;  /* and in vatten_plan_info */
} plan_role;

extern const plan_role plan_roles[];
extern const size_t plan_role_count;

vatten_buffer *plan_buffer_of(vatten_args *args, const plan_role *role);
uint64_t plan_bytes_of(const vatten_plan_info *info, const plan_role *role);

/* A buffer of its own for all that the plan needs. */
vatten_args plan_args(VkDevice device, const vatten_plan_info *info);

#endif /* VATTEN_PLAN_ARGS_H */
