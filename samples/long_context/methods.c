/* SPDX-License-Identifier: MIT
 *
 * The sample's use of vatten:
 *   make_plan      a desc for each method
 *   rig_run        one plan, one run, timed
 *   rig_run_dense  the same plan for parts of the queries: a dense plan may be recorded with fewer
 *   rig_pick       the two operators that a sparse plan begins with
 */
#include "methods.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "median.h"

#define ROW_BYTES  (TEXT_DIM * sizeof(float))
#define MOST_RUNS  64
#define PROBE_ROWS 512
#define SLICE_MS   4000.0 /* of dense attention between two words about progress */

const char *method_name(method m) {
    static const char *const names[METHODS] = {"dense", "MoBA", "streaming"};
    return names[m];
}

uint64_t method_blocks(const method_rules *rules, uint64_t tokens) {
    return (tokens + rules->block - 1) / rules->block;
}

uint32_t method_top(const method_rules *rules, uint64_t tokens) {
    uint64_t blocks = method_blocks(rules, tokens);
    return blocks < rules->top ? (uint32_t)blocks : rules->top;
}

/* ---- Context and buffers ---- */

static void print_message(void *user, vatten_log_level level, const char *message) {
    if (level <= VATTEN_LOG_WARN) {
        progress_clear(user);
        complain("%s%s", level == VATTEN_LOG_WARN ? "warning: " : "", message);
    }
}

static bool good(rig *r, const char *what, vatten_result result) {
    if (result != VATTEN_SUCCESS) {
        progress_clear(&r->progress);
        complain("%s: %s", what, vatten_result_name(result));
    }
    return result == VATTEN_SUCCESS;
}

bool rig_open(rig *r, const char *device, uint64_t tokens, bool quiet) {
    r->progress = progress_begin("run", quiet);
    vatten_context_desc desc = {.device = device, .logger = {.write = print_message, .user = &r->progress}};
    if (!good(r, "no Vulkan device to run on", vatten_context_create(&desc, &r->context))) {
        return false;
    }
    vatten_context_info info;
    vatten_context_get_info(r->context, &info);
    memcpy(r->device, info.device_name, sizeof(r->device));
    return good(r, "memory", vatten_memory_create(r->context, tokens * ROW_BYTES, &r->q)) &&
           good(r, "memory", vatten_memory_create(r->context, tokens * ROW_BYTES, &r->k)) &&
           good(r, "memory", vatten_memory_create(r->context, tokens * ROW_BYTES, &r->v)) &&
           good(r, "memory", vatten_memory_create(r->context, tokens * ROW_BYTES, &r->out));
}

void rig_close(rig *r) {
    vatten_memory_destroy(r->out);
    vatten_memory_destroy(r->v);
    vatten_memory_destroy(r->k);
    vatten_memory_destroy(r->q);
    vatten_context_destroy(r->context);
}

bool rig_load(rig *r, const text *t) {
    uint64_t bytes = t->desc.tokens * ROW_BYTES;
    r->tokens = t->desc.tokens;
    return good(r, "upload", vatten_memory_upload(r->q, 0, t->q, bytes)) &&
           good(r, "upload", vatten_memory_upload(r->k, 0, t->k, bytes)) &&
           good(r, "upload", vatten_memory_upload(r->v, 0, t->v, bytes));
}

bool rig_read(rig *r, uint64_t first, uint64_t count, float *out) {
    return good(r, "download", vatten_memory_download(r->out, first * ROW_BYTES, out, count * ROW_BYTES));
}

/* ---- Plans ---- */

static vatten_heads heads_of(method m) {
    return (vatten_heads){.dtype = VATTEN_DTYPE_F32,
                          .batch = 1,
                          .heads = 1,
                          .kv_heads = 1,
                          .dim = TEXT_DIM,
                          .label = method_name(m)};
}

/* Each query chooses for itself (q_block 1) and always takes its own block. */
static vatten_result moba_desc(const rig *r, uint64_t queries, vatten_sparse_desc *out) {
    const vatten_heads heads = heads_of(METHOD_MOBA);
    const vatten_logger logger = {.write = print_message, .user = (void *)&r->progress};
    return vatten_preset_moba(&logger, &heads, queries, r->tokens, r->rules.block, r->rules.top, out);
}

static vatten_result make_plan(rig *r, method m, uint64_t queries, vatten_plan **out) {
    vatten_device *device = vatten_context_device(r->context);
    if (m == METHOD_MOBA) {
        vatten_sparse_desc desc;
        vatten_result result = moba_desc(r, queries, &desc);
        return result == VATTEN_SUCCESS ? vatten_sparse_create(device, &desc, out) : result;
    }
    vatten_attention_desc desc = {
        .heads = heads_of(m), .q_len = queries, .kv_len = r->tokens, .causal = true};
    if (m == METHOD_STREAMING) {
        desc.window = (vatten_window){.enabled = true, .left = (int64_t)r->rules.window - 1};
        desc.prefix = r->rules.sink;
    }
    return vatten_attention_create(device, &desc, out);
}

static bool open_plan(rig *r, method m, uint64_t queries, vatten_plan **out, method_cost *cost) {
    *out = NULL;
    if (!good(r, method_name(m), make_plan(r, m, queries, out))) {
        return false;
    }
    vatten_plan_info info;
    vatten_plan_get_info(*out, &info);
    memcpy(cost->kernel, info.kernel, sizeof(cost->kernel));
    cost->workspace_bytes = info.workspace_bytes;
    return true;
}

/* ---- Runs ---- */

/* Queries from `first` on, keys from 0. */
static vatten_args args_from(const rig *r, uint64_t first) {
    vatten_args args = {.q = vatten_memory_buffer(r->q),
                        .k = vatten_memory_buffer(r->k),
                        .v = vatten_memory_buffer(r->v),
                        .out = vatten_memory_buffer(r->out)};
    args.q.offset = args.out.offset = first * ROW_BYTES;
    args.q.size = args.out.size = 0;
    return args;
}

/* Some drivers compile a kernel when it first runs: a few of the queries, before times are taken. */
static bool warm_up(rig *r, method m) {
    vatten_plan *plan;
    method_cost unused;
    double ms;
    uint64_t rows = r->tokens < PROBE_ROWS ? r->tokens : PROBE_ROWS;
    const vatten_args args = args_from(r, r->tokens - rows);
    bool done = open_plan(r, m, rows, &plan, &unused) &&
                good(r, method_name(m), vatten_context_run(r->context, plan, &args, &ms));
    vatten_plan_destroy(plan);
    return done;
}

static const char *const run_units[METHODS] = {"dense run", "MoBA run", "streaming run"};

bool rig_run(rig *r, method m, uint64_t first, bool once, method_cost *out) {
    vatten_plan *plan;
    double ms[MOST_RUNS], sum = 0.0;
    const vatten_args args = args_from(r, first);
    uint32_t most = once ? 1 : r->repeat;
    *out = (method_cost){0};
    bool going = open_plan(r, m, r->tokens - first, &plan, out) && (once || warm_up(r, m));
    r->progress = progress_begin(run_units[m], r->progress.quiet || once);
    while (going && out->runs < most && (out->runs == 0 || sum < 1e3 * r->seconds)) {
        progress_say(&r->progress, out->runs, most);
        going = good(r, method_name(m), vatten_context_run(r->context, plan, &args, &ms[out->runs]));
        sum += going ? ms[out->runs++] : 0.0;
    }
    progress_clear(&r->progress);
    out->ms = going ? median(ms, out->runs) : 0.0;
    vatten_plan_destroy(plan);
    return going;
}

/* ---- Dense attention by parts ---- */

static double pairs_of(const row_range *range) {
    double first = (double)range->first, end = (double)range->end;
    return (end * (end + 1.0) - first * (first + 1.0)) / 2.0;
}

/* The key of a range's last query is the last key. */
static bool run_range(rig *r, const vatten_plan *plan, const row_range *range, double *ms) {
    vatten_args args = args_from(r, range->first);
    args.q_len = range->end - range->first;
    args.kv_len = range->end;
    return good(r, method_name(METHOD_DENSE), vatten_context_run(r->context, plan, &args, ms));
}

/* How long the ranges will take, by the last queries; the first run is not counted, since some drivers compile in it. */
static bool foretell(rig *r, const vatten_plan *plan, double pairs, double *out_ms) {
    uint64_t rows = r->tokens < PROBE_ROWS ? r->tokens : PROBE_ROWS;
    const row_range probe = {r->tokens - rows, r->tokens};
    bool done = run_range(r, plan, &probe, out_ms) && run_range(r, plan, &probe, out_ms);
    *out_ms *= pairs / pairs_of(&probe);
    return done;
}

/* The end of slice i of n of a range, which have as many pairs. */
static uint64_t slice_end(const row_range *range, uint32_t i, uint32_t n) {
    double first = (double)range->first, end = (double)range->end;
    double at = sqrt(first * first + (end * end - first * first) * (double)i / (double)n);
    return i == n ? range->end : (uint64_t)at / 64 * 64;
}

/* Once over all ranges, in slices that are worth a word each. */
static bool run_ranges(rig *r, const vatten_plan *plan, const row_range *ranges, uint32_t count,
                       uint32_t slices, double *out_ms) {
    *out_ms = 0.0;
    for (uint32_t i = 0; i < count * slices; i++) {
        const row_range *range = &ranges[i / slices];
        uint64_t begin = i % slices ? slice_end(range, i % slices, slices) : range->first;
        const row_range slice = {begin, slice_end(range, i % slices + 1, slices)};
        double ms = 0.0;
        progress_say(&r->progress, i, count * slices);
        if (slice.end > slice.first && !run_range(r, plan, &slice, &ms)) {
            return false;
        }
        *out_ms += ms;
    }
    return true;
}

bool rig_run_dense(rig *r, const row_range *ranges, uint32_t count, method_cost *out) {
    vatten_plan *plan;
    double ms[MOST_RUNS], sum = 0.0, pairs = 0.0, expected = 0.0;
    const row_range all = {0, r->tokens};
    *out = (method_cost){0};
    for (uint32_t i = 0; i < count; i++) {
        pairs += pairs_of(&ranges[i]);
    }
    bool going = open_plan(r, METHOD_DENSE, r->tokens, &plan, out) && foretell(r, plan, pairs, &expected);
    uint32_t slices = count > 1 ? 1 : (uint32_t)(expected / SLICE_MS) + 1;
    r->progress = progress_begin("dense slice", r->progress.quiet);
    while (going && out->runs < r->repeat && (out->runs == 0 || sum < 1e3 * r->seconds)) {
        going = run_ranges(r, plan, ranges, count, slices, &ms[out->runs]);
        sum += going ? ms[out->runs++] : 0.0;
    }
    progress_clear(&r->progress);
    out->estimated = pairs < pairs_of(&all);
    out->ms = going ? median(ms, out->runs) * pairs_of(&all) / pairs : 0.0;
    vatten_plan_destroy(plan);
    return going;
}

/* ---- Choosing by itself ---- */

/* What passes between the operators, and their plans. */
typedef struct choice {
    vatten_plan *pool, *select;
    vatten_memory *means, *lists;
} choice;

static bool make_choice(rig *r, uint64_t first, choice *c) {
    vatten_sparse_desc moba;
    if (!good(r, "selection", moba_desc(r, r->tokens - first, &moba))) {
        return false;
    }
    const vatten_pool_desc pool = {.dtype = moba.heads.dtype,
                                   .batch = 1,
                                   .heads = moba.heads.kv_heads,
                                   .dim = moba.heads.dim,
                                   .rank = 1,
                                   .extent = {moba.kv_len},
                                   .block = {moba.kv_block},
                                   .label = "pooling"};
    const vatten_select_desc select = {.dtype = moba.heads.dtype,
                                       .batch = 1,
                                       .heads = moba.heads.heads,
                                       .kv_heads = moba.heads.kv_heads,
                                       .dim = moba.heads.dim,
                                       .rows = moba.q_len,
                                       .blocks = method_blocks(&r->rules, moba.kv_len),
                                       .rule = moba.rule,
                                       .row_tokens = 1,
                                       .row_shift = first,
                                       .block_tokens = moba.kv_block,
                                       .causal = moba.causal,
                                       .label = "selection"};
    vatten_plan_info pool_info, select_info;
    vatten_device *device = vatten_context_device(r->context);
    if (!good(r, "pooling", vatten_pool_create(device, &pool, &c->pool)) ||
        !good(r, "selection", vatten_select_create(device, &select, &c->select))) {
        return false;
    }
    vatten_plan_get_info(c->pool, &pool_info);
    vatten_plan_get_info(c->select, &select_info);
    return good(r, "memory", vatten_memory_create(r->context, pool_info.out_bytes, &c->means)) &&
           good(r, "memory", vatten_memory_create(r->context, select_info.lists_bytes, &c->lists));
}

static bool run_choice(rig *r, uint64_t first, const choice *c, double *out_ms) {
    const vatten_args pool = {.k = vatten_memory_buffer(r->k), .out = vatten_memory_buffer(c->means)};
    vatten_args select = {.q = args_from(r, first).q,
                          .k = vatten_memory_buffer(c->means),
                          .lists = vatten_memory_buffer(c->lists)};
    double pool_ms, select_ms;
    bool done = good(r, "pooling", vatten_context_run(r->context, c->pool, &pool, &pool_ms)) &&
                good(r, "selection", vatten_context_run(r->context, c->select, &select, &select_ms));
    *out_ms = done ? pool_ms + select_ms : 0.0;
    return done;
}

bool rig_pick(rig *r, uint64_t first, uint32_t *lists, double *out_ms) {
    choice c = {0};
    uint64_t bytes = (r->tokens - first) * method_top(&r->rules, r->tokens) * sizeof(uint32_t);
    /* The first run may compile. */
    bool done = make_choice(r, first, &c) && run_choice(r, first, &c, out_ms) &&
                run_choice(r, first, &c, out_ms) &&
                good(r, "download", vatten_memory_download(c.lists, 0, lists, bytes));
    vatten_memory_destroy(c.lists);
    vatten_memory_destroy(c.means);
    vatten_plan_destroy(c.select);
    vatten_plan_destroy(c.pool);
    return done;
}
