/* SPDX-License-Identifier: MIT
 *
 * What one problem of vatten_bench needs on the device: a plan, made twice (cold, then with the pipeline cache that
 * the first one filled), buffers and a recorder.
 */
#ifndef TOOLS_BENCH_RIG_H
#define TOOLS_BENCH_RIG_H

#include <vatten/context.h>

#include "bench_data.h"
#include "bench_row.h"
#include "bench_sweep.h"
#include "bench_vk.h"

typedef struct bench_rig {
    vatten_context *context;
    const bench_vk *vk;
    VkPipelineCache cache;
    vatten_device *device;
    vatten_plan *plan;
    vatten_recorder *recorder;
    vatten_memory *memory[BENCH_SLOTS];
    bench_data data;
    vatten_args args;
} bench_rig;

/* Makes all of it, runs once and holds `sample` rows against the oracle. False: the row says why. Destroy the rig in
 * either case. */
bool bench_rig_make(vatten_context *context, const bench_vk *vk, const bench_problem *problem,
                    uint32_t sample, bench_rig *out_rig, bench_row *row);
void bench_rig_destroy(bench_rig *rig);

/* Records, runs and waits. */
bool bench_rig_run(bench_rig *rig, bench_row *row, double *out_gpu_ms, double *out_record_us);

#endif /* TOOLS_BENCH_RIG_H */
