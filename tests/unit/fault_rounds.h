/* SPDX-License-Identifier: MIT
 *
 * Rounds of faults: a public function is called on the fake Vulkan again and again, and each time something else fails, until
 * there is nothing left that could. After each round nothing has leaked, the out pointer is NULL, the result is the right one,
 * and the same call works.
 */
#ifndef VATTEN_FAULT_ROUNDS_H
#define VATTEN_FAULT_ROUNDS_H

#include "unit.h"

#include "fake_vulkan.h"

/* Host memory: counts what is alive, fails at its n-th call, from 1; 0 = at none. */
typedef struct fault_host {
    uint32_t calls;
    uint32_t fail_at;
    uint32_t alive;
} fault_host;

vatten_allocator fault_allocator(fault_host *host);

/* What a round is made of, and made on. */
typedef struct fault_world {
    const vt_caps *caps;
    fake_things things;
    fault_host host;
    unit_log said; /* the last message */
    vatten_device *device;
    vatten_plan *plan;
    vatten_recorder *recorder;
    void *more[2]; /* what else a round makes */
} fault_world;

typedef struct fault_round {
    const char *name;
    vatten_result (*prepare)(fault_world *world); /* may be NULL; nothing fails here */
    vatten_result (*act)(fault_world *world);     /* the call that faults strike */
    void **(*out)(fault_world *world);            /* its out pointer; NULL: it has none */
    void (*drop)(fault_world *world);             /* destroys all; faults strike here too */
    /* Whether a result is right after a Vulkan call failed so (`call` NULL: an allocation), where it need not be the usual
     * one; NULL: it must. */
    bool (*right)(const char *call, VkResult failure, vatten_result result, vatten_result usual);
} fault_round;

/* The fake of these limits, and nothing on it. */
void fault_begin(fault_world *world, const vt_caps *caps);

/* All is destroyed and no rule was broken; `name` is told if not. */
void fault_end(fault_world *world, const char *name);

/* Every Vulkan call of it with every error of the call, and every allocation. */
void fault_every(const fault_round *round, const vt_caps *caps);

/* "faults injected N, survived N" */
void fault_print(const char *program);

#endif /* VATTEN_FAULT_ROUNDS_H */
