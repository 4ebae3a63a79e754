/* SPDX-License-Identifier: MIT */
#include "bench_row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"

/* What a line holds on the device. */
typedef struct rig {
    vatten_context *context;
    const bench_vk *vk;
    VkPipelineCache cache;
    vatten_device *device;
    vatten_plan *plan;
    vatten_recorder *recorder;
    vatten_memory *memory[BENCH_SLOTS];
    bench_data data;
    vatten_args args;
} rig;

static bool refuse(bench_row *row, const char *what, vatten_result result) {
    row->status = result == VATTEN_ERROR_UNSUPPORTED ? BENCH_UNSUPPORTED : BENCH_REFUSED;
    if (say_last_error()[0] != '\0')
        snprintf(row->reason, sizeof row->reason, "%.255s", say_last_error());
    else
        snprintf(row->reason, sizeof row->reason, "%s: %s", what, vatten_result_name(result));
    return false;
}

/* ---- Plan, cold and warm
 * -------------------------------------------------------------------------------------------- */

static vatten_result make_device(rig *r) {
    vatten_context_info info;
    vatten_context_get_info(r->context, &info);
    vatten_device_desc desc = {.get_instance_proc_addr = vatten_context_get_instance_proc_addr(r->context),
                               .instance = vatten_context_instance(r->context),
                               .physical_device = vatten_context_physical_device(r->context),
                               .device = vatten_context_vk_device(r->context),
                               .features = info.enabled,
                               .pipeline_cache = r->cache,
                               .logger = say_quiet_logger()};
    return vatten_device_create(&desc, &r->device);
}

/* A device of its own each time: one device would hand the second plan the first one's pipelines. */
static bool make_plan(rig *r, const family_problem *problem, bench_row *row, double *out_ms) {
    vatten_result result = make_device(r);
    if (result != VATTEN_SUCCESS)
        return refuse(row, "device", result);
    double start = stats_now_ms();
    result = family_create_plan(r->device, problem, &r->plan);
    *out_ms = stats_now_ms() - start;
    return result == VATTEN_SUCCESS || refuse(row, "plan", result);
}

static bool make_plan_twice(rig *r, const family_problem *problem, bench_row *row) {
    VkPipelineCacheCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
    if (r->vk->CreatePipelineCache(r->vk->device, &info, NULL, &r->cache) != VK_SUCCESS)
        return refuse(row, "pipeline cache", VATTEN_ERROR_VULKAN);
    if (!make_plan(r, problem, row, &row->plan_cold_ms))
        return false;
    vatten_plan_destroy(r->plan);
    r->plan = NULL;
    vatten_device_destroy(r->device);
    r->device = NULL;
    if (!make_plan(r, problem, row, &row->plan_warm_ms))
        return false;
    vatten_plan_get_info(r->plan, &row->info);
    vatten_recorder_desc desc = {.max_dispatches = row->info.dispatches + 1,
                                 .workspace_bytes = row->info.workspace_bytes};
    vatten_result result = vatten_recorder_create(r->device, &desc, &r->recorder);
    return result == VATTEN_SUCCESS || refuse(row, "recorder", result);
}

static void rig_destroy(rig *r) {
    for (int slot = 0; slot < BENCH_SLOTS; ++slot)
        vatten_memory_destroy(r->memory[slot]);
    bench_data_free(&r->data);
    vatten_recorder_destroy(r->recorder);
    vatten_plan_destroy(r->plan);
    vatten_device_destroy(r->device);
    r->vk->DestroyPipelineCache(r->vk->device, r->cache, NULL);
}

/* ---- Buffers
 * ----------------------------------------------------------------------------------------------------------
 */

static bool make_buffers(rig *r, bench_row *row) {
    vatten_buffer *buffers[BENCH_SLOTS] = {&r->args.q,   &r->args.k,       &r->args.v,      &r->args.out,
                                           &r->args.lse, &r->args.extra_k, &r->args.extra_v};
    for (int slot = 0; slot < BENCH_SLOTS; ++slot) {
        size_t bytes = r->data.bytes[slot];
        if (bytes == 0)
            continue;
        vatten_result result = vatten_memory_create(r->context, bytes, &r->memory[slot]);
        if (result == VATTEN_SUCCESS)
            result = vatten_memory_upload(r->memory[slot], 0, r->data.data[slot], bytes);
        if (result != VATTEN_SUCCESS)
            return refuse(row, "buffer", result);
        *buffers[slot] = vatten_memory_buffer(r->memory[slot]);
    }
    return true;
}

static bool download(rig *r, bench_slot slot, bench_row *row) {
    if (r->memory[slot] == NULL)
        return true;
    vatten_result result =
        vatten_memory_download(r->memory[slot], 0, r->data.data[slot], r->data.bytes[slot]);
    return result == VATTEN_SUCCESS || refuse(row, "download", result);
}

/* ---- Runs
 * --------------------------------------------------------------------------------------------------------------
 */

static bool run_once(rig *r, bench_row *row, double *out_gpu_ms, double *out_record_us) {
    VkCommandBuffer cmd = NULL;
    vatten_result result = vatten_context_begin(r->context, &cmd);
    if (result != VATTEN_SUCCESS)
        return refuse(row, "begin", result);
    double start = stats_now_ms();
    vatten_result recorded = vatten_record(r->recorder, cmd, r->plan, &r->args);
    *out_record_us = (stats_now_ms() - start) * 1e3;
    result = vatten_context_end(r->context, out_gpu_ms);
    vatten_recorder_reset(r->recorder);
    if (recorded != VATTEN_SUCCESS)
        return refuse(row, "record", recorded);
    return result == VATTEN_SUCCESS || refuse(row, "run", result);
}

static bool run_checked(rig *r, const family_problem *problem, const bench_problem *p, uint32_t sample,
                        bench_row *row) {
    double gpu_ms = 0.0, record_us = 0.0;
    double start = stats_now_ms();
    if (!run_once(r, row, &gpu_ms, &record_us))
        return false;
    row->first_ms = stats_now_ms() - start;
    if (!download(r, BENCH_OUT, row) || !download(r, BENCH_LSE, row))
        return false;
    bench_data_check(problem, &p->shape, &r->data, sample, &row->check);
    if (row->check.right)
        return true;
    row->status = BENCH_WRONG;
    snprintf(row->reason, sizeof row->reason, "max error %.3g, of LSE %.3g, %llu elements not finite",
             row->check.worst, row->check.worst_lse, (unsigned long long)row->check.broken);
    return false;
}

static bool run_timed(rig *r, const bench_settings *settings, bench_row *row) {
    double *gpu_ms = calloc(settings->repeat, sizeof *gpu_ms);
    double *record_us = calloc(settings->repeat, sizeof *record_us);
    bool ok = (gpu_ms != NULL && record_us != NULL) || refuse(row, "timing", VATTEN_ERROR_OUT_OF_HOST_MEMORY);
    for (uint32_t i = 0; ok && i < settings->warmup; ++i)
        ok = run_once(r, row, &gpu_ms[0], &record_us[0]);
    double start = stats_now_ms();
    for (uint32_t i = 0; ok && i < settings->repeat; ++i) {
        if (i >= 3 && stats_now_ms() - start > 1e3 * settings->seconds)
            break;
        ok = run_once(r, row, &gpu_ms[i], &record_us[i]);
        row->runs = i + 1;
    }
    if (ok) {
        row->gpu_ms = stats_summarize(gpu_ms, row->runs);
        row->record_us = stats_summarize(record_us, row->runs);
    }
    free(gpu_ms);
    free(record_us);
    return ok;
}

void bench_row_run(vatten_context *context, const bench_vk *vk, const bench_settings *settings,
                   const bench_problem *problem, bench_row *out_row) {
    family_problem desc;
    rig r;
    memset(&r, 0, sizeof r);
    memset(out_row, 0, sizeof *out_row);
    r.context = context;
    r.vk = vk;
    out_row->status = BENCH_REFUSED;
    say_forget();
    if (!family_make_problem(problem->id, &problem->options, &problem->shape, &desc)) {
        snprintf(out_row->reason, sizeof out_row->reason, "option does not fit, see stderr");
        return;
    }
    if (make_plan_twice(&r, &desc, out_row)) {
        bool ready = bench_data_make(&desc, &problem->shape, &r.data) ||
                     refuse(out_row, "data", VATTEN_ERROR_OUT_OF_HOST_MEMORY);
        if (ready && make_buffers(&r, out_row) && run_checked(&r, &desc, problem, settings->rows, out_row) &&
            run_timed(&r, settings, out_row))
            out_row->status = BENCH_RIGHT;
    }
    rig_destroy(&r);
}

/* ---- Derived
 * ------------------------------------------------------------------------------------------------------------
 */

double bench_row_gflops(const bench_row *row) {
    return row->gpu_ms.median > 0.0 ? (double)row->info.flops / (row->gpu_ms.median * 1e6) : 0.0;
}

double bench_row_gbs(const bench_row *row) {
    return row->gpu_ms.median > 0.0 ? (double)row->info.bytes / (row->gpu_ms.median * 1e6) : 0.0;
}

const char *bench_status_name(bench_status status) {
    static const char *const names[] = {"RIGHT", "FAILED", "unsupported", "refused"};
    return names[status];
}

void bench_tile_text(const vatten_tile *tile, char *out, size_t out_size) {
    if (tile->workgroup == 0)
        snprintf(out, out_size, "-");
    else
        snprintf(out, out_size, "%s %u %ux%u/%u", family_layout_name(tile->layout), tile->workgroup,
                 tile->rows, tile->keys, tile->lanes_per_row);
}
