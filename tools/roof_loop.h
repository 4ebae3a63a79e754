/* SPDX-License-Identifier: MIT
 *
 * A kernel that computes in registers for as many loops as it is told: what the roofs of arithmetic are measured with.
 */
#ifndef TOOLS_ROOF_LOOP_H
#define TOOLS_ROOF_LOOP_H

#include <vatten/context.h>

#include "bench_vk.h"

typedef struct roof_loop {
    bench_kernel kernel;
    uint32_t groups, loops;
    double flops; /* of one workgroup in one loop */
    char text[64];
} roof_loop;

/* `factor` and `addend` are what the kernel makes of its push constants. False when the device fails. */
bool roof_loop_run(vatten_context *context, const bench_vk *vk, const roof_loop *loop, float factor,
                   float addend, double *out_ms);

double roof_loop_gflops(const roof_loop *loop, double ms);

/* Grows the loop count until a run is long enough to be timed, and rates the best of some runs. */
bool roof_loop_try(vatten_context *context, const bench_vk *vk, roof_loop *loop, float factor, float addend,
                   double *out_gflops);

/* Leaves the faster one in `best` and destroys the other's kernel. `rate` is that of `candidate`. */
void roof_loop_keep(const bench_vk *vk, roof_loop *candidate, double rate, roof_loop *best,
                    double *best_rate);

/* Makes a run as long as those that are measured. */
void roof_loop_lengthen(roof_loop *loop);

/* The factor that brings a run of `ms` to `wanted`, within bounds. */
uint32_t roof_scaled(uint32_t count, double ms, double wanted, uint32_t limit);

#endif /* TOOLS_ROOF_LOOP_H */
