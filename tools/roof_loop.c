/* SPDX-License-Identifier: MIT */
#include "roof_loop.h"

#include <string.h>

static const double trial_ms = 6.0;    /* length of a run when shapes are tried */
static const double measure_ms = 25.0; /* and when they are measured */

bool roof_loop_run(vatten_context *context, const bench_vk *vk, const roof_loop *loop, float factor,
                   float addend, double *out_ms) {
    VkCommandBuffer cmd = NULL;
    if (vatten_context_begin(context, &cmd) != VATTEN_SUCCESS)
        return false;
    const float never = -1.0f;
    uint32_t push[4] = {loop->loops, 0, 0, 0};
    memcpy(&push[1], &factor, 4);
    memcpy(&push[2], &addend, 4);
    memcpy(&push[3], &never, 4);
    bench_kernel_record(vk, &loop->kernel, cmd, push, loop->groups);
    return vatten_context_end(context, out_ms) == VATTEN_SUCCESS;
}

double roof_loop_gflops(const roof_loop *loop, double ms) {
    return ms > 0.0 ? loop->flops * loop->groups * loop->loops / (ms * 1e6) : 0.0;
}

uint32_t roof_scaled(uint32_t count, double ms, double wanted, uint32_t limit) {
    double value = ms > 0.0 ? (double)count * wanted / ms : (double)count * 16.0;
    return value < 1.0 ? 1 : value > (double)limit ? limit : (uint32_t)value;
}

bool roof_loop_try(vatten_context *context, const bench_vk *vk, roof_loop *loop, float factor, float addend,
                   double *out_gflops) {
    double ms = 0.0;
    *out_gflops = 0.0;
    for (int round = 0; round < 4; ++round) {
        if (!roof_loop_run(context, vk, loop, factor, addend, &ms))
            return false;
        double rate = roof_loop_gflops(loop, ms);
        if (ms > 0.5 * trial_ms && rate > *out_gflops)
            *out_gflops = rate;
        loop->loops = roof_scaled(loop->loops, ms, trial_ms, 1u << 24);
    }
    return true;
}

void roof_loop_keep(const bench_vk *vk, roof_loop *candidate, double rate, roof_loop *best,
                    double *best_rate) {
    if (rate > *best_rate) {
        roof_loop slower = *best;
        *best = *candidate;
        *candidate = slower;
        *best_rate = rate;
    }
    bench_kernel_destroy(vk, &candidate->kernel);
}

void roof_loop_lengthen(roof_loop *loop) {
    loop->loops = roof_scaled(loop->loops, trial_ms, measure_ms, 1u << 26);
}
