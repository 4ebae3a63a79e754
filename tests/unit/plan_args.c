/* SPDX-License-Identifier: MIT */
#include "plan_args.h"

#include <stddef.h>
#include <string.h>

#define ROLE(NAME)                                                                                           \
    { #NAME, offsetof(vatten_args, NAME), offsetof(vatten_plan_info, NAME##_bytes) }

const plan_role plan_roles[] = {ROLE(q),     ROLE(k),       ROLE(v),       ROLE(out),
                                ROLE(lse),   ROLE(extra_k), ROLE(extra_v), ROLE(workspace),
                                ROLE(bias),  ROLE(lists),   ROLE(counts),  ROLE(tables),
                                ROLE(state), ROLE(cache_k), ROLE(cache_v), ROLE(weights)};
const size_t plan_role_count = sizeof plan_roles / sizeof plan_roles[0];

vatten_buffer *plan_buffer_of(vatten_args *args, const plan_role *role) {
    return (vatten_buffer *)((char *)args + role->buffer);
}

uint64_t plan_bytes_of(const vatten_plan_info *info, const plan_role *role) {
    uint64_t bytes;
    memcpy(&bytes, (const char *)info + role->bytes, sizeof bytes);
    return bytes;
}

vatten_args plan_args(VkDevice device, const vatten_plan_info *info) {
    vatten_args args = {0};
    for (size_t i = 0; i < plan_role_count; ++i) {
        uint64_t bytes = plan_bytes_of(info, &plan_roles[i]);
        if (bytes)
            *plan_buffer_of(&args, &plan_roles[i]) = (vatten_buffer){fake_buffer(device, bytes), 0, bytes};
    }
    return args;
}
