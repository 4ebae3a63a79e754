/* SPDX-License-Identifier: MIT */
#include "bench_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"
#include "tool_device.h"

/* ---- Plan, cold and warm ---- */

static vatten_result make_device(bench_rig *r) {
    vatten_device_desc desc = tool_device_desc(r->context, say_quiet_logger());
    desc.pipeline_cache = r->cache;
    return vatten_device_create(&desc, &r->device);
}

/* A device of its own each time: one device would hand the second plan the first one's pipelines. */
static bool make_plan(bench_rig *r, const family_problem *problem, bench_row *row, double *out_ms) {
    vatten_result result = make_device(r);
    if (result != VATTEN_SUCCESS)
        return bench_row_refuse(row, "device", result);
    double start = stats_now_ms();
    result = family_create_plan(r->device, problem, &r->plan);
    *out_ms = stats_now_ms() - start;
    return result == VATTEN_SUCCESS || bench_row_refuse(row, "plan", result);
}

static void note_estimate(const bench_rig *r, const vatten_neighborhood_desc *desc, bench_row *row) {
    const vatten_logger quiet = say_quiet_logger();
    vatten_neighborhood_estimate(r->device, &quiet, desc, &row->estimate); /* or all zero */
}

static bool make_plan_twice(bench_rig *r, const family_problem *problem, bench_row *row) {
    VkPipelineCacheCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
    if (r->vk->CreatePipelineCache(r->vk->device, &info, NULL, &r->cache) != VK_SUCCESS)
        return bench_row_refuse(row, "pipeline cache", VATTEN_ERROR_VULKAN);
    if (!make_plan(r, problem, row, &row->plan_cold_ms))
        return false;
    vatten_plan_destroy(r->plan);
    r->plan = NULL;
    vatten_device_destroy(r->device);
    r->device = NULL;
    if (!make_plan(r, problem, row, &row->plan_warm_ms))
        return false;
    vatten_plan_get_info(r->plan, &row->info);
    if (problem->id == FAMILY_NEIGHBORHOOD)
        note_estimate(r, &problem->neighborhood, row);
    vatten_recorder_desc desc = {.max_dispatches = row->info.dispatches + 1,
                                 .workspace_bytes = row->info.workspace_bytes};
    vatten_result result = vatten_recorder_create(r->device, &desc, &r->recorder);
    return result == VATTEN_SUCCESS || bench_row_refuse(row, "recorder", result);
}

/* ---- Buffers ---- */

static bool make_buffers(bench_rig *r, bench_row *row) {
    vatten_buffer *buffers[BENCH_SLOTS] = {&r->args.q,   &r->args.k,       &r->args.v,       &r->args.out,
                                           &r->args.lse, &r->args.extra_k, &r->args.extra_v, &r->args.lists};
    for (int slot = 0; slot < BENCH_SLOTS; ++slot) {
        size_t bytes = r->data.bytes[slot];
        if (bytes == 0)
            continue;
        vatten_result result = vatten_memory_create(r->context, bytes, &r->memory[slot]);
        if (result == VATTEN_SUCCESS)
            result = vatten_memory_upload(r->memory[slot], 0, r->data.data[slot], bytes);
        if (result != VATTEN_SUCCESS)
            return bench_row_refuse(row, "buffer", result);
        *buffers[slot] = vatten_memory_buffer(r->memory[slot]);
    }
    return true;
}

static bool download(bench_rig *r, bench_slot slot, bench_row *row) {
    if (r->memory[slot] == NULL)
        return true;
    vatten_result result =
        vatten_memory_download(r->memory[slot], 0, r->data.data[slot], r->data.bytes[slot]);
    return result == VATTEN_SUCCESS || bench_row_refuse(row, "download", result);
}

/* ---- Runs ---- */

bool bench_rig_run(bench_rig *r, bench_row *row, double *out_gpu_ms, double *out_record_us) {
    VkCommandBuffer cmd = NULL;
    vatten_result result = vatten_context_begin(r->context, &cmd);
    if (result != VATTEN_SUCCESS)
        return bench_row_refuse(row, "begin", result);
    double start = stats_now_ms();
    vatten_result recorded = vatten_record(r->recorder, cmd, r->plan, &r->args);
    *out_record_us = (stats_now_ms() - start) * 1e3;
    result = vatten_context_end(r->context, out_gpu_ms);
    vatten_recorder_reset(r->recorder);
    if (recorded != VATTEN_SUCCESS)
        return bench_row_refuse(row, "record", recorded);
    return result == VATTEN_SUCCESS || bench_row_refuse(row, "run", result);
}

static bool run_checked(bench_rig *r, const family_problem *problem, const bench_problem *p, uint32_t sample,
                        bench_row *row) {
    double gpu_ms = 0.0, record_us = 0.0;
    double start = stats_now_ms();
    if (!bench_rig_run(r, row, &gpu_ms, &record_us))
        return false;
    row->first_ms = stats_now_ms() - start;
    if (!download(r, BENCH_OUT, row) || !download(r, BENCH_LSE, row))
        return false;
    bench_data_check(problem, &p->shape, &r->data, row->info.tile.layout, sample, &row->check);
    if (row->check.right)
        return true;
    row->status = BENCH_WRONG;
    snprintf(row->reason, sizeof row->reason, "max error %.3g, of LSE %.3g, %llu elements not finite",
             row->check.worst, row->check.worst_lse, (unsigned long long)row->check.broken);
    return false;
}

bool bench_rig_make(vatten_context *context, const bench_vk *vk, const bench_problem *problem,
                    uint32_t sample, bench_rig *out_rig, bench_row *row) {
    family_problem desc;
    memset(out_rig, 0, sizeof *out_rig);
    out_rig->context = context;
    out_rig->vk = vk;
    row->status = BENCH_REFUSED;
    say_forget();
    if (!family_make_problem(problem->id, &problem->options, &problem->shape, &desc)) {
        snprintf(row->reason, sizeof row->reason, "option does not fit, see stderr");
        return false;
    }
    if (!make_plan_twice(out_rig, &desc, row))
        return false;
    if (!bench_data_make(&desc, &problem->shape, &out_rig->data))
        return bench_row_refuse(row, "data", VATTEN_ERROR_OUT_OF_HOST_MEMORY);
    bool right = make_buffers(out_rig, row) && run_checked(out_rig, &desc, problem, sample, row);
    bench_data_free(&out_rig->data); /* the device has its own */
    row->status = right ? BENCH_RIGHT : row->status;
    return right;
}

void bench_rig_destroy(bench_rig *r) {
    for (int slot = 0; slot < BENCH_SLOTS; ++slot)
        vatten_memory_destroy(r->memory[slot]);
    bench_data_free(&r->data);
    vatten_recorder_destroy(r->recorder);
    vatten_plan_destroy(r->plan);
    vatten_device_destroy(r->device);
    r->vk->DestroyPipelineCache(r->vk->device, r->cache, NULL);
}
