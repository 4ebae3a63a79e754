/* SPDX-License-Identifier: MIT */
#include "scaling_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ref.h>

#include "say.h"

enum { Q, K, V, OUT, LISTS, SLOTS };

const char *scaling_method_name(scaling_method method) {
    static const char *const names[] = {"dense", "window", "block-sparse"};
    return names[method];
}

double scaling_wanted(scaling_method method) {
    return method == SCALING_DENSE ? 2.0 : 1.0;
}

void scaling_name(scaling_case *c) {
    const char *dtype = family_dtype_name(c->dtype);
    unsigned long long tokens = c->tokens;
    if (c->method == SCALING_DENSE)
        snprintf(c->name, sizeof c->name, "dense %s D%u H1 %llu tokens", dtype, c->dim, tokens);
    else if (c->method == SCALING_WINDOW)
        snprintf(c->name, sizeof c->name, "window %u,%u %s D%u H1 %llu tokens", c->window, c->window, dtype,
                 c->dim, tokens);
    else
        snprintf(c->name, sizeof c->name, "block-sparse %ux%u of %u, %s D%u H1 %llu tokens", c->entries,
                 c->block, c->block, dtype, c->dim, tokens);
}

/* ---- Dense attention and windows ---- */

static bool make_attention(scaling_rig *rig, const bench_vk *vk, const scaling_case *c, uint32_t sample,
                           bench_row *row) {
    bench_problem problem = {.id = FAMILY_ATTENTION,
                             .shape = {.dtype = c->dtype,
                                       .batch = 1,
                                       .heads = 1,
                                       .kv_heads = 1,
                                       .dim = c->dim,
                                       .value_dim = c->dim,
                                       .q_len = c->tokens,
                                       .kv_len = c->tokens}};
    if (c->method == SCALING_WINDOW)
        problem.options.dense_window = (option_ints){2, {c->window, c->window}};
    if (!bench_rig_make(rig->context, vk, &problem, sample, &rig->attention, row))
        return false;
    for (int slot = 0; slot < BENCH_SLOTS; ++slot)
        rig->buffer_bytes += vatten_memory_size(rig->attention.memory[slot]);
    return true;
}

/* ---- Blocks ---- */

static bool make_buffers(scaling_rig *rig, const sparse_data *data, const sparse_case *c, bench_row *row) {
    const uint64_t tensor = c->tokens * c->dim * sizeof(float);
    const uint64_t bytes[SLOTS] = {tensor, tensor, tensor, tensor,
                                   sparse_rows(c) * c->entries * sizeof(uint32_t)};
    const void *first[SLOTS] = {data->q, data->k, data->v, data->out, data->lists};
    vatten_buffer *buffers[SLOTS] = {&rig->args.q, &rig->args.k, &rig->args.v, &rig->args.out,
                                     &rig->args.lists};
    memset(data->out, 0xff, (size_t)tensor); /* NaN: rows that nobody wrote are seen */
    for (int slot = 0; slot < SLOTS; ++slot) {
        vatten_result result = vatten_memory_create(rig->context, bytes[slot], &rig->memory[slot]);
        if (result == VATTEN_SUCCESS)
            result = vatten_memory_upload(rig->memory[slot], 0, first[slot], bytes[slot]);
        if (result != VATTEN_SUCCESS)
            return bench_row_refuse(row, "buffer", result);
        *buffers[slot] = vatten_memory_buffer(rig->memory[slot]);
        rig->buffer_bytes += bytes[slot];
    }
    return true;
}

static bool check_blocks(scaling_rig *rig, const sparse_case *c, const sparse_data *data, uint32_t sample,
                         bench_row *row) {
    double start = stats_now_ms(), ms;
    if (!scaling_rig_run(rig, row, &ms))
        return false;
    row->first_ms = stats_now_ms() - start;
    vatten_result result =
        vatten_memory_download(rig->memory[OUT], 0, data->out, vatten_memory_size(rig->memory[OUT]));
    if (result != VATTEN_SUCCESS)
        return bench_row_refuse(row, "download", result);
    row->check.worst = sparse_check_out(c, data, true, sample);
    row->status = row->check.worst <= ref_tolerance(REF_F32) ? BENCH_RIGHT : BENCH_WRONG;
    if (row->status == BENCH_WRONG)
        snprintf(row->reason, sizeof row->reason, "max error %.3g", row->check.worst);
    return row->status == BENCH_RIGHT;
}

static bool make_blocks(scaling_rig *rig, const scaling_case *c, uint32_t sample, bench_row *row) {
    const sparse_case lists = {.tokens = c->tokens,
                               .dim = c->dim,
                               .q_block = c->block,
                               .kv_block = c->block,
                               .entries = c->entries,
                               .random = true};
    const vatten_lists_desc desc = sparse_lists_desc(&lists, 0);
    sparse_data data = {0};
    say_forget();
    double start = stats_now_ms();
    vatten_result result = vatten_lists_create(vatten_context_device(rig->context), &desc, &rig->plan);
    row->plan_cold_ms = stats_now_ms() - start;
    if (result != VATTEN_SUCCESS)
        return bench_row_refuse(row, "plan", result);
    vatten_plan_get_info(rig->plan, &row->info);
    bool right = sparse_data_make(&lists, &data)
                     ? make_buffers(rig, &data, &lists, row) && check_blocks(rig, &lists, &data, sample, row)
                     : bench_row_refuse(row, "data", VATTEN_ERROR_OUT_OF_HOST_MEMORY);
    double blocks;
    if (right) /* the plan does not know what the lists show */
        row->info.pairs = sparse_listed_pairs(&lists, data.lists, 0, &blocks);
    row->info.flops = 4 * row->info.pairs * c->dim;
    sparse_data_free(&data);
    return right;
}

/* ---- Both ---- */

bool scaling_rig_make(vatten_context *context, const bench_vk *vk, const scaling_case *c, uint32_t sample,
                      scaling_rig *out_rig, bench_row *row) {
    memset(out_rig, 0, sizeof *out_rig);
    memset(row, 0, sizeof *row);
    out_rig->context = context;
    row->status = BENCH_REFUSED;
    return c->method == SCALING_BLOCKS ? make_blocks(out_rig, c, sample, row)
                                       : make_attention(out_rig, vk, c, sample, row);
}

void scaling_rig_destroy(scaling_rig *rig) {
    if (rig->attention.vk != NULL)
        bench_rig_destroy(&rig->attention);
    for (int slot = 0; slot < SLOTS; ++slot)
        vatten_memory_destroy(rig->memory[slot]);
    vatten_plan_destroy(rig->plan);
    memset(rig, 0, sizeof *rig);
}

bool scaling_rig_run(scaling_rig *rig, bench_row *row, double *out_ms) {
    double record_us;
    if (rig->plan == NULL)
        return bench_rig_run(&rig->attention, row, out_ms, &record_us);
    vatten_result result = vatten_context_run(rig->context, rig->plan, &rig->args, out_ms);
    return result == VATTEN_SUCCESS || bench_row_refuse(row, "run", result);
}
