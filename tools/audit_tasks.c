/* SPDX-License-Identifier: MIT */
#include "audit_tasks.h"

#include "family.h"

#include <stdio.h>

/* The largest up to which nothing may spill; and that of plans that have attention too, which other rows are about. */
#define DIM      128u
#define SIDE_DIM 32u
#define BLOCK    64u

/* ---- Plans ---- */

static vatten_result create_pool(vatten_device *device, const audit_task *task, vatten_dtype dtype,
                                 vatten_plan **out) {
    const vatten_pool_desc desc = {.dtype = dtype,
                                   .batch = 1,
                                   .heads = 8,
                                   .dim = DIM,
                                   .rank = 3,
                                   .extent = {16, 16, 16},
                                   .block = {4, 4, 4},
                                   .kind = VATTEN_POOL_MIN_MAX,
                                   .keep_dtype = task->form != 0};
    return vatten_pool_create(device, &desc, out);
}

/* Into pages, whose lengths stand in tables. */
static vatten_result create_append(vatten_device *device, const audit_task *task, vatten_dtype dtype,
                                   vatten_plan **out) {
    bool bytes = task->form == VATTEN_DTYPE_I8;
    const vatten_attention_desc cache = {.heads = {.dtype = bytes ? dtype : (vatten_dtype)task->form,
                                                   .batch = 4,
                                                   .heads = 8,
                                                   .kv_heads = 2,
                                                   .dim = DIM,
                                                   .value_dim = DIM,
                                                   .kv_dtype = bytes ? VATTEN_DTYPE_I8 : 0,
                                                   .kv_block = bytes ? 32 : 0},
                                         .q_len = 16,
                                         .kv_len = 1024,
                                         .lengths = VATTEN_LENGTHS_BOTH,
                                         .page_size = 16,
                                         .pool_pages = 256};
    const vatten_append_desc desc = {.attention = &cache, .dtype = dtype};
    return vatten_append_create(device, &desc, out);
}

/* By mass, which has the most passes; with budgets that rows of a block share, many workgroups find each limit (rank). */
static vatten_result create_select(vatten_device *device, const audit_task *task, vatten_dtype dtype,
                                   vatten_plan **out) {
    const bool shared = task->form != 0;
    const vatten_select_desc desc = {.dtype = dtype,
                                     .batch = 1,
                                     .heads = 8,
                                     .kv_heads = 2,
                                     .dim = DIM,
                                     .rows = 256,
                                     .blocks = 256,
                                     .rule = {.entries = 32,
                                              .softmax = true,
                                              .own = true,
                                              .first = 1,
                                              .local = 2,
                                              .budget = VATTEN_BUDGET_MASS,
                                              .share = 0.9f,
                                              .min_max = true,
                                              .least = 2,
                                              .budget_rows = shared ? BLOCK : 0,
                                              .budget_heads = shared ? 2 : 0,
                                              .by_block = shared},
                                     .row_tokens = BLOCK,
                                     .block_tokens = BLOCK,
                                     .causal = true,
                                     .write_counts = true,
                                     .bias = true};
    return vatten_select_create(device, &desc, out);
}

static vatten_result create_topk(vatten_device *device, const audit_task *task, vatten_dtype dtype,
                                 vatten_plan **out) {
    const vatten_topk_desc desc = {
        .batch = 1, .heads = 8, .rows = 64, .values = 65536, .entries = 1024, .causal = true};
    (void)task;
    (void)dtype;
    return vatten_topk_create(device, &desc, out);
}

static vatten_result create_merge(vatten_device *device, const audit_task *task, vatten_dtype dtype,
                                  vatten_plan **out) {
    const vatten_combine_desc desc = {.kind = VATTEN_COMBINE_MERGE,
                                      .dtype = dtype,
                                      .batch = 1,
                                      .heads = 8,
                                      .tokens = 1024,
                                      .dim = DIM,
                                      .parts = 3,
                                      .write_lse = true};
    (void)task;
    return vatten_combine_create(device, &desc, out);
}

static vatten_heads heads_of(vatten_dtype dtype) {
    return (vatten_heads){.dtype = dtype,
                          .batch = 1,
                          .heads = 8,
                          .kv_heads = 2,
                          .dim = SIDE_DIM,
                          .value_dim = SIDE_DIM,
                          .write_lse = true};
}

/* Attention whose workgroups share keys, and merge their states. */
static vatten_result create_decode(vatten_device *device, const audit_task *task, vatten_dtype dtype,
                                   vatten_plan **out) {
    const vatten_attention_desc desc = {
        .heads = heads_of(dtype), .q_len = 1, .kv_len = 8192, .lengths = VATTEN_LENGTHS_BOTH, .splits = 8};
    (void)task;
    return vatten_attention_create(device, &desc, out);
}

/* Attention with masks that are looked up run by run of keys. */
static vatten_result create_masked(vatten_device *device, const audit_task *task, vatten_dtype dtype,
                                   vatten_plan **out) {
    const vatten_attention_desc desc = {.heads = heads_of(dtype),
                                        .q_len = 1024,
                                        .kv_len = 1024,
                                        .masks = VATTEN_MASK_SEGMENTS | VATTEN_MASK_EXPIRY};
    (void)task;
    return vatten_attention_create(device, &desc, out);
}

/* Each query has blocks of its own. */
static vatten_result create_sparse(vatten_device *device, const audit_task *task, vatten_dtype dtype,
                                   vatten_plan **out) {
    const vatten_sparse_desc desc = {.heads = heads_of(dtype),
                                     .q_len = 1024,
                                     .kv_len = 1024,
                                     .q_block = 1,
                                     .kv_block = BLOCK,
                                     .rule = {.entries = 4, .own = true},
                                     .causal = true,
                                     .execution = (vatten_sparse_execution)task->form};
    return vatten_sparse_create(device, &desc, out);
}

/* ---- The table ---- */

#define ON(dtype) (1u << VATTEN_DTYPE_##dtype)
#define ALL       (ON(F32) | ON(F16) | ON(BF16))

/* What attention hands to `combine` has other forms than what its callers do, so it stands there three times. */
static const audit_task tasks[] = {
    {"pool", "pool", DIM, 0, ALL, false, create_pool},
    {"pool_keep", "pool", DIM, 0, ON(F16) | ON(BF16), true, create_pool},
    {"append_f32", "append", DIM, DIM, ALL, VATTEN_DTYPE_F32, create_append},
    {"append_f16", "append", DIM, DIM, ALL, VATTEN_DTYPE_F16, create_append},
    {"append_bf16", "append", DIM, DIM, ALL, VATTEN_DTYPE_BF16, create_append},
    {"append_i8", "append", DIM, DIM, ALL, VATTEN_DTYPE_I8, create_append},
    {"score", "select", DIM, 0, ALL, false, create_select},
    {"select", "select", 0, 0, ON(F32), false, create_select},
    {"rank", "select", 0, 0, ON(F32), true, create_select},
    {"topk", "topk", 0, 0, ON(F32), 0, create_topk},
    {"combine", "combine", DIM, 0, ALL, 0, create_merge},
    {"combine", "decode", SIDE_DIM, 0, ALL, 0, create_decode},
    {"combine", "gather", SIDE_DIM, 0, ALL, VATTEN_SPARSE_GATHER, create_sparse},
    {"invert", "gather", 0, 0, ON(F32), VATTEN_SPARSE_GATHER, create_sparse},
    {"mark", "union", 0, 0, ON(F32), VATTEN_SPARSE_UNION, create_sparse},
    {"spans", "masks", 0, 0, ON(F32), 0, create_masked},
};

const audit_task *audit_task_at(size_t index) {
    return index < sizeof tasks / sizeof *tasks ? &tasks[index] : NULL;
}

bool audit_task_takes(const audit_task *task, vatten_dtype dtype) {
    return (task->dtypes >> dtype & 1u) != 0;
}

void audit_task_kernel(const audit_task *task, vatten_dtype dtype, char *out, size_t out_size) {
    snprintf(out, out_size, "%s_%s", task->kernel, family_dtype_name(dtype));
}
