/* SPDX-License-Identifier: MIT */
#include "launch_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "family.h"
#include "say.h"
#include "sparse_case.h"

/* ---- Plans ---- */

/* As LAUNCH_PLAN_WORDS. */
typedef enum task { DENSE, DECODE, WINDOW, GRID, LISTS, SELECT, SPARSE } task;

static const char *const names[LAUNCH_PLANS] = {
    [DENSE] = "dense f32 D64 H8 512x512",
    [DECODE] = "decode f32 D128 H32/8 1x4096",
    [WINDOW] = "window 128,0 causal f32 D64 H8 512x512",
    [GRID] = "neighborhood f32 D64 H8 16x16 w7",
    [LISTS] = "lists f32 D64 H1 1024 tokens, 4 blocks of 64",
    [SELECT] = "selection f32 D64 H1 1024 tokens, 4 blocks of 64",
    [SPARSE] = "sparse whole f32 D64 H1 1024 tokens, 4 blocks of 64",
};

const char *launch_name(size_t plan) {
    return names[plan];
}

static const sparse_case blocks = {.tokens = 1024, .dim = 64, .q_block = 64, .kv_block = 64, .entries = 4};

static vatten_result make_sparse(vatten_device *device, task t, vatten_plan **out_plan) {
    const vatten_lists_desc lists = sparse_lists_desc(&blocks, 0);
    const vatten_select_desc select = sparse_select_desc(&blocks);
    const vatten_sparse_desc whole = sparse_whole_desc(&blocks);
    return t == LISTS    ? vatten_lists_create(device, &lists, out_plan)
           : t == SELECT ? vatten_select_create(device, &select, out_plan)
                         : vatten_sparse_create(device, &whole, out_plan);
}

static vatten_result make_plan(vatten_device *device, task t, vatten_plan **out_plan) {
    bool decode = t == DECODE;
    family_shape shape = {.dtype = VATTEN_DTYPE_F32,
                          .batch = 1,
                          .heads = decode ? 32 : 8,
                          .kv_heads = 8,
                          .dim = decode ? 128 : 64,
                          .value_dim = decode ? 128 : 64,
                          .q_len = decode ? 1 : 512,
                          .kv_len = decode ? 4096 : 512,
                          .rank = 2,
                          .extent = {16, 16}};
    family_options options = {.window = {2, {7, 7}}};
    family_problem problem;
    if (t == WINDOW) {
        options.dense_causal = FAMILY_CAUSAL_LAST;
        options.dense_window = (option_ints){2, {128, 0}};
    }
    if (t >= LISTS)
        return make_sparse(device, t, out_plan);
    if (!family_make_problem(t == GRID ? FAMILY_NEIGHBORHOOD : FAMILY_ATTENTION, &options, &shape, &problem))
        return VATTEN_ERROR_INVALID_ARGUMENT;
    return family_create_plan(device, &problem, out_plan);
}

/* ---- Buffers ---- */

enum { BUFFERS = 6 };

typedef struct buffers {
    vatten_memory *memory[BUFFERS];
    vatten_args args;
} buffers;

/* All zero, which are valid lists too: numbers do not matter here. */
static vatten_result make_zeros(vatten_context *context, uint64_t bytes, vatten_memory **out) {
    void *zeros = calloc(1, (size_t)bytes);
    vatten_result result =
        zeros != NULL ? vatten_memory_create(context, bytes, out) : VATTEN_ERROR_OUT_OF_HOST_MEMORY;
    if (result == VATTEN_SUCCESS)
        result = vatten_memory_upload(*out, 0, zeros, bytes);
    free(zeros);
    return result;
}

static vatten_result make_buffers(vatten_context *context, const vatten_plan_info *info, buffers *out) {
    const uint64_t bytes[BUFFERS] = {info->q_bytes,   info->k_bytes,     info->v_bytes,
                                     info->out_bytes, info->lists_bytes, info->workspace_bytes};
    vatten_buffer *args[BUFFERS] = {&out->args.q,   &out->args.k,     &out->args.v,
                                    &out->args.out, &out->args.lists, &out->args.workspace};
    memset(out, 0, sizeof *out);
    for (int i = 0; i < BUFFERS; ++i) {
        vatten_result result =
            bytes[i] != 0 ? make_zeros(context, bytes[i], &out->memory[i]) : VATTEN_SUCCESS;
        if (result != VATTEN_SUCCESS)
            return result;
        *args[i] = vatten_memory_buffer(out->memory[i]);
    }
    return VATTEN_SUCCESS;
}

static void destroy_buffers(buffers *b) {
    for (int i = 0; i < BUFFERS; ++i)
        vatten_memory_destroy(b->memory[i]);
}

/* ---- With a cache file ---- */

/* As a program would that starts, makes the plan, runs it once and ends. */
static bool start_program(const tool_options *tool, const char *file, task t, double *out_plan_ms,
                          double *out_first_ms, bench_row *row) {
    const vatten_context_desc desc = {.device = tool->device != NULL ? tool->device : getenv("VATTEN_DEVICE"),
                                      .pipeline_cache = file,
                                      .logger = say_quiet_logger()};
    vatten_context *context = NULL;
    vatten_plan *plan = NULL;
    buffers b = {.memory = {NULL}};
    vatten_result result = vatten_context_create(&desc, &context);
    if (result != VATTEN_SUCCESS)
        return bench_row_refuse(row, "context", result);
    double start = stats_now_ms();
    result = make_plan(vatten_context_device(context), t, &plan);
    *out_plan_ms = stats_now_ms() - start;
    if (result == VATTEN_SUCCESS) {
        vatten_plan_get_info(plan, &row->info);
        result = make_buffers(context, &row->info, &b);
    }
    start = stats_now_ms();
    if (result == VATTEN_SUCCESS)
        result = vatten_context_run(context, plan, &b.args, NULL);
    *out_first_ms = stats_now_ms() - start;
    destroy_buffers(&b);
    vatten_plan_destroy(plan);
    vatten_context_destroy(context);
    return result == VATTEN_SUCCESS || bench_row_refuse(row, "plan or run", result);
}

static uint64_t size_of_file(const char *path) {
    FILE *file = fopen(path, "rb");
    long size = file != NULL && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : 0;
    if (file != NULL)
        fclose(file);
    return size > 0 ? (uint64_t)size : 0;
}

enum { MOST_STARTS = 5 };

static bool measure_starts(const tool_options *tool, const char *file, task t, uint32_t repeat,
                           launch_row *row) {
    double plan[2][MOST_STARTS], first[2][MOST_STARTS];
    uint32_t starts = repeat < MOST_STARTS ? repeat : MOST_STARTS;
    for (uint32_t n = 0; n < starts; ++n) {
        remove(file);
        for (int warm = LAUNCH_COLD; warm <= LAUNCH_WARM; ++warm)
            if (!start_program(tool, file, t, &plan[warm][n], &first[warm][n], &row->bench))
                return false;
    }
    for (int warm = LAUNCH_COLD; warm <= LAUNCH_WARM; ++warm) {
        row->plan_ms[warm] = stats_summarize(plan[warm], starts);
        row->first_ms[warm] = stats_summarize(first[warm], starts);
    }
    row->file_bytes = size_of_file(file);
    return true;
}

/* A folder of its own, so that the file may be missing first. */
static bool measure_files(const tool_options *tool, task t, uint32_t repeat, launch_row *row) {
    const char *place = getenv("TMPDIR");
    char folder[512], file[600];
    snprintf(folder, sizeof folder, "%.400s/vatten_bench.XXXXXX", place != NULL ? place : "/tmp");
    if (mkdtemp(folder) == NULL)
        return bench_row_refuse(&row->bench, "folder for a cache file", VATTEN_ERROR_INVALID_ARGUMENT);
    snprintf(file, sizeof file, "%s/pipelines", folder);
    bool done = measure_starts(tool, file, t, repeat, row);
    remove(file);
    rmdir(folder);
    return done;
}

/* ---- Records ---- */

/* Nothing is submitted: a second begin drops what was recorded. */
static bool record_batch(vatten_context *context, vatten_recorder *recorder, const vatten_plan *plan,
                         const vatten_args *args, double *out_us, bench_row *row) {
    double us[LAUNCH_BATCH];
    VkCommandBuffer cmd = NULL;
    vatten_recorder_reset(recorder);
    vatten_result result = vatten_context_begin(context, &cmd);
    for (int n = 0; n < LAUNCH_BATCH && result == VATTEN_SUCCESS; ++n) {
        double start = stats_now_ms();
        result = vatten_record(recorder, cmd, plan, args);
        us[n] = 1e3 * (stats_now_ms() - start);
    }
    *out_us = stats_summarize(us, LAUNCH_BATCH).median;
    return result == VATTEN_SUCCESS || bench_row_refuse(row, "record", result);
}

static bool record_batches(vatten_context *context, const vatten_plan *plan, const vatten_args *args,
                           uint32_t repeat, launch_row *row) {
    const vatten_recorder_desc desc = {.max_dispatches = row->bench.info.dispatches * LAUNCH_BATCH};
    vatten_recorder *recorder = NULL;
    double *medians = calloc(repeat, sizeof *medians);
    vatten_result result = medians != NULL
                               ? vatten_recorder_create(vatten_context_device(context), &desc, &recorder)
                               : VATTEN_ERROR_OUT_OF_HOST_MEMORY;
    bool done = result == VATTEN_SUCCESS || bench_row_refuse(&row->bench, "recorder", result);
    double unused;
    done = done && record_batch(context, recorder, plan, args, &unused, &row->bench);
    for (uint32_t n = 0; done && n < repeat; ++n)
        done = record_batch(context, recorder, plan, args, &medians[n], &row->bench);
    if (done)
        row->record_us = stats_summarize(medians, repeat);
    vatten_recorder_destroy(recorder);
    free(medians);
    return done;
}

static bool measure_records(vatten_context *context, task t, uint32_t repeat, launch_row *row) {
    vatten_plan *plan = NULL;
    buffers b = {.memory = {NULL}};
    VkCommandBuffer cmd = NULL;
    vatten_result result = make_plan(vatten_context_device(context), t, &plan);
    if (result == VATTEN_SUCCESS) {
        vatten_plan_get_info(plan, &row->bench.info);
        result = make_buffers(context, &row->bench.info, &b);
    }
    bool done = result == VATTEN_SUCCESS || bench_row_refuse(&row->bench, "plan", result);
    done = done && record_batches(context, plan, &b.args, repeat, row);
    vatten_context_begin(context, &cmd); /* empty: what was recorded names buffers that go now */
    vatten_context_end(context, NULL);
    destroy_buffers(&b);
    vatten_plan_destroy(plan);
    return done;
}

void launch_measure(vatten_context *context, const tool_options *tool, const bench_measure *measure,
                    size_t plan, launch_row *out_row) {
    memset(out_row, 0, sizeof *out_row);
    out_row->bench.status = BENCH_REFUSED;
    say_forget();
    if (measure_files(tool, (task)plan, measure->repeat, out_row) &&
        measure_records(context, (task)plan, measure->repeat, out_row))
        out_row->bench.status = BENCH_RIGHT;
}
