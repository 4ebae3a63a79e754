/* SPDX-License-Identifier: MIT
 *
 * Plans of all tasks but attention itself, from raw bytes: nothing crashes, what is refused is told once, and all steps keep the
 * device's limits and the ends of their buffers and of the workspace they ask for.
 *
 * The first byte chooses the task, then come a device and a desc.
 */
#include "fuzz_descs.h"
#include "fuzz_input.h"

#include "append.h"
#include "combine.h"
#include "mass_rules.h"
#include "sparse.h"
#include "topk.h"

#include <stdlib.h>
#include <string.h>

#define MOST_STEPS 20000u /* more take long */
#define LABEL      "%s%n a label that is longer than the sixty-three bytes of it that are kept"

/* ---- Steps ---- */

/* Bytes that the buffer of each role has; 0: not looked at. */
typedef struct buffers {
    uint64_t bytes[VT_ROLE_COUNT];
} buffers;

static const char *binding_broken(const vt_caps *caps, const vt_binding *b, const buffers *ends) {
    if (b->range == 0 || b->range > caps->storage_range || b->offset % caps->storage_alignment != 0)
        return "a binding is empty, too large or not aligned";
    if (ends->bytes[b->role] &&
        (b->range > ends->bytes[b->role] || b->offset > ends->bytes[b->role] - b->range))
        return "a binding ends behind its buffer";
    return NULL;
}

static const char *program_fault(const vt_caps *caps, const vt_program *program, const buffers *ends) {
    for (uint64_t i = 0; i < program->step_count; ++i) {
        const vt_step *step = &program->steps[i];
        for (int a = 0; a < 3; ++a)
            if (step->groups[a] < 1 || step->groups[a] > caps->groups[a])
                return "a step has more workgroups than the device allows, or none";
        for (uint32_t n = 0; n < step->binding_count; ++n) {
            const char *broken = binding_broken(caps, &step->binding[n], ends);
            if (broken)
                return broken;
        }
    }
    return NULL;
}

typedef vatten_result (*builder)(const void *task, vt_program *program);

/* Counts the steps, fills them in, and looks at them. */
static const char *build(const vt_caps *caps, const fuzz_log *log, builder append, const void *task,
                         buffers ends) {
    static vt_program counted, filled;
    memset(&counted, 0, sizeof counted);
    memset(&filled, 0, sizeof filled);
    vatten_result result = append(task, &counted);
    if (result != VATTEN_SUCCESS || counted.step_count > MOST_STEPS)
        return fuzz_log_broken(log, result);
    filled.steps = calloc((size_t)counted.step_count, sizeof *filled.steps);
    filled.carries = counted.carries;
    if (!filled.steps)
        abort();
    ends.bytes[VT_ROLE_WORKSPACE] = counted.workspace_bytes ? counted.workspace_bytes : 1;
    const char *broken =
        append(task, &filled) != VATTEN_SUCCESS ? "steps that were counted are refused" : NULL;
    if (!broken &&
        (filled.step_count != counted.step_count || filled.workspace_bytes != counted.workspace_bytes))
        broken = "steps or workspace are not as counted";
    if (!broken)
        broken = program_fault(caps, &filled, &ends);
    free(filled.steps);
    return broken ? broken : fuzz_log_broken(log, VATTEN_SUCCESS);
}

static void mend_bools(bool **bools, size_t count) {
    for (size_t n = 0; n < count; ++n)
        fuzz_mend_bool(bools[n]);
}

/* ---- Pooling ---- */

static vatten_pool_desc raw_pool(const uint8_t *data, size_t size) {
    vatten_pool_desc d;
    fuzz_copy(&d, sizeof d, data, size);
    uint8_t bits = data[size - 1];
    fuzz_mend_bool(&d.keep_dtype);
    d.label = bits & 1 ? LABEL : NULL;
    d.dtype = (vatten_dtype)((uint32_t)d.dtype & 3);
    d.kind = (vatten_pool_kind)((uint32_t)d.kind & 3);
    d.batch &= 7;
    d.heads &= 15;
    d.dim &= 1023;
    d.rank &= 3;
    for (int a = 0; a < 3 && bits & 6; ++a) {
        d.extent[a] &= bits & 2 ? 0xfff : 0xffffff;
        d.block[a] &= 0xff;
    }
    if (bits & 8)
        d.x = (vatten_strides){0, 0, 0};
    return d;
}

static vatten_result append_pool(const void *task, vt_program *program) {
    return vt_pool_steps(task, program);
}

static const char *try_pool(const vt_caps *caps, fuzz_log *log, const uint8_t *data, size_t size) {
    static vt_pool pool;
    const vatten_pool_desc d = raw_pool(data, size);
    vatten_result result = vt_pool_from(caps, &log->logger, &d, &pool);
    if (result != VATTEN_SUCCESS)
        return fuzz_log_broken(log, result);
    buffers ends = {{0}};
    ends.bytes[VT_ROLE_K] = vt_tensor_bytes(&pool.problem, &pool.x);
    ends.bytes[VT_ROLE_OUT] = pool.out.elements * pool.out_element;
    return build(caps, log, append_pool, &pool, ends);
}

/* ---- Selection ---- */

static void mend_rule(vatten_selection *rule, uint8_t bits) {
    bool *bools[] = {&rule->softmax,      &rule->own,      &rule->min_max,
                     &rule->crossing_out, &rule->complete, &rule->by_block};
    mend_bools(bools, 6);
    rule->entries &= 0xff;
    rule->list_heads = bits & 2 ? 0 : rule->list_heads & 7;
    rule->budget = (vatten_budget)((uint32_t)rule->budget & 3);
    rule->budget_heads &= 7;
    if (bits & 4)
        rule->scale = 1.0f;
    if (bits & 32)
        rule->total = rule->least = 0;
}

static vatten_select_desc raw_select(const uint8_t *data, size_t size) {
    vatten_select_desc d;
    fuzz_copy(&d, sizeof d, data, size);
    uint8_t bits = data[size - 1];
    bool *bools[] = {&d.causal, &d.write_counts, &d.bias};
    mend_bools(bools, 3);
    mend_rule(&d.rule, bits);
    d.label = bits & 1 ? "%s%n" : NULL;
    d.dtype = (vatten_dtype)((uint32_t)d.dtype & 3);
    d.batch &= 7;
    d.kv_heads &= 7;
    d.heads = d.kv_heads * (d.heads & 7);
    d.dim &= 255;
    d.rows &= 0xfffff;
    d.blocks &= 0xfff;
    if (bits & 8)
        d.q = d.bias_strides = (vatten_strides){0, 0, 0};
    if (bits & 16)
        memset(&d.boxes, 0, sizeof d.boxes);
    if (bits & 64)
        d.max_workspace = 0;
    return d;
}

static vatten_result append_select(const void *task, vt_program *program) {
    return vt_select_steps(task, program);
}

static const char *try_select(const vt_caps *caps, fuzz_log *log, const uint8_t *data, size_t size) {
    static vt_select select;
    const vatten_select_desc d = raw_select(data, size);
    vatten_result result = vt_select_from(caps, &log->logger, &d, &select);
    if (result != VATTEN_SUCCESS)
        return fuzz_log_broken(log, result);
    buffers ends = {{0}};
    ends.bytes[VT_ROLE_Q] = vt_tensor_bytes(&select.problem, &select.q);
    ends.bytes[VT_ROLE_K] = select.k.elements * 4;
    ends.bytes[VT_ROLE_LISTS] = select.lists.elements * 4;
    ends.bytes[VT_ROLE_COUNTS] = select.counts.elements * 4;
    ends.bytes[VT_ROLE_BIAS] = select.bias.elements * 4;
    return build(caps, log, append_select, &select, ends);
}

/* ---- The largest values ---- */

static vatten_topk_desc raw_topk(const uint8_t *data, size_t size) {
    vatten_topk_desc d;
    fuzz_copy(&d, sizeof d, data, size);
    uint8_t bits = data[size - 1];
    bool *bools[] = {&d.causal, &d.write_counts};
    mend_bools(bools, 2);
    d.label = bits & 1 ? "%s%n" : NULL;
    d.align = (vatten_align)((uint32_t)d.align & 1);
    d.batch &= 7;
    d.heads &= 15;
    d.rows &= 0xffff;
    d.values &= 0xffffff;
    d.entries &= 0xffff;
    if (bits & 2)
        d.x = (vatten_strides){0, 0, 0};
    return d;
}

static vatten_result append_topk(const void *task, vt_program *program) {
    return vt_topk_steps(task, program);
}

static const char *try_topk(const vt_caps *caps, fuzz_log *log, const uint8_t *data, size_t size) {
    static vt_topk topk;
    const vatten_topk_desc d = raw_topk(data, size);
    vatten_result result = vt_topk_from(caps, &log->logger, &d, &topk);
    if (result != VATTEN_SUCCESS)
        return fuzz_log_broken(log, result);
    buffers ends = {{0}};
    ends.bytes[VT_ROLE_K] = topk.x.elements * 4;
    ends.bytes[VT_ROLE_LISTS] = topk.lists.elements * 4;
    ends.bytes[VT_ROLE_COUNTS] = topk.counts.elements * 4;
    return build(caps, log, append_topk, &topk, ends);
}

/* ---- Combining ---- */

static vatten_combine_desc raw_combine(const uint8_t *data, size_t size) {
    vatten_combine_desc d;
    fuzz_copy(&d, sizeof d, data, size);
    uint8_t bits = data[size - 1];
    bool *bools[] = {&d.gains, &d.has_residual, &d.write_lse};
    mend_bools(bools, 3);
    d.label = bits & 1 ? LABEL : NULL;
    d.kind = (vatten_combine_kind)((uint32_t)d.kind & 1);
    d.dtype = (vatten_dtype)((uint32_t)d.dtype & 3);
    d.batch &= 7;
    d.heads &= 15;
    d.tokens &= bits & 2 ? 0xfff : 0xffffff;
    d.dim &= 1023;
    d.parts &= 127;
    if (d.kind == VATTEN_COMBINE_MERGE)
        d.gains = d.has_residual = false;
    else
        d.write_lse = false;
    if (bits & 4)
        d.x = d.out = d.residual = (vatten_strides){0, 0, 0}, d.x_part = 0;
    if (bits & 8)
        d.weights = (vatten_strides){0, 0, 0}, d.weights_part = 0;
    return d;
}

static vatten_result append_combine(const void *task, vt_program *program) {
    return vt_combine_steps(task, program);
}

static const char *try_combine(const vt_caps *caps, fuzz_log *log, const uint8_t *data, size_t size) {
    static vt_combine combine;
    const vatten_combine_desc d = raw_combine(data, size);
    vatten_result result = vt_combine_from(caps, &log->logger, &d, &combine);
    if (result != VATTEN_SUCCESS)
        return fuzz_log_broken(log, result);
    buffers ends = {{0}};
    ends.bytes[VT_ROLE_V] = combine.x_elements * combine.problem.element_bytes;
    ends.bytes[VT_ROLE_BIAS] = combine.weights_elements * 4;
    ends.bytes[VT_ROLE_Q] = vt_tensor_bytes(&combine.problem, &combine.residual);
    ends.bytes[VT_ROLE_OUT] = vt_tensor_bytes(&combine.problem, &combine.out);
    ends.bytes[VT_ROLE_LSE] = d.write_lse ? d.batch * d.heads * d.tokens * 4 : 0;
    return build(caps, log, append_combine, &combine, ends);
}

/* ---- Appending ---- */

/* `cache` is what the desc points to. */
static vatten_append_desc raw_append(const uint8_t *data, size_t size, vatten_attention_desc *cache) {
    vatten_append_desc d = {.attention = cache};
    uint8_t bits = data[size - 1];
    fuzz_copy(cache, sizeof *cache, data, size);
    bool *bools[] = {&cache->heads.write_lse, &cache->causal,     &cache->window.enabled,
                     &cache->mask_batch,      &cache->head_batch, &cache->alibi_signed};
    mend_bools(bools, 6);
    vatten_heads *h = &cache->heads;
    h->label = bits & 1 ? "%s%n" : NULL;
    h->dtype = (vatten_dtype)((uint32_t)h->dtype & 3);
    h->kv_dtype = (vatten_dtype)((uint32_t)h->kv_dtype & 4);
    h->kv_block = h->kv_dtype ? h->kv_block & 12 : 0;
    h->tile.layout = VATTEN_LAYOUT_AUTO;
    h->scale = 1.0f;
    h->batch &= 15;
    h->kv_heads &= 7;
    h->heads = h->kv_heads;
    h->dim &= h->kv_dtype ? 0xf0 : 0xff;
    h->value_dim &= h->kv_dtype ? 0xf0 : 0xff;
    cache->lengths = (vatten_lengths)((uint32_t)cache->lengths & 3);
    cache->q_len &= 0xffff;
    cache->kv_len &= 0xfffff;
    cache->sequences &= cache->lengths == VATTEN_LENGTHS_PACKED ? 0xff : 0;
    h->batch = cache->lengths == VATTEN_LENGTHS_PACKED ? 1 : h->batch;
    cache->page_size &= bits & 2 ? 0xfff : 0;
    cache->pool_pages &= bits & 2 ? 0xffff : 0;
    d.dtype = (vatten_dtype)(bits >> 2 & 3);
    d.new_k = d.new_v = bits & 16 ? h->q : (vatten_strides){0, 0, 0};
    if (bits & 32)
        h->k = h->v = (vatten_strides){0, 0, 0};
    d.keys_only = bits & 64;
    return d;
}

static vatten_result append_append(const void *task, vt_program *program) {
    return vt_append_steps(task, program);
}

static const char *try_append(const vt_caps *caps, fuzz_log *log, const uint8_t *data, size_t size) {
    static vt_append append;
    vatten_attention_desc cache;
    const vatten_append_desc d = raw_append(data, size, &cache);
    vatten_result result = vt_append_from(caps, &log->logger, &d, &append);
    return result == VATTEN_SUCCESS ? build(caps, log, append_append, &append, (buffers){{0}})
                                    : fuzz_log_broken(log, result);
}

/* ---- Sparse attention ---- */

static vatten_sparse_desc raw_sparse(const uint8_t *data, size_t size) {
    vatten_sparse_desc d;
    fuzz_copy(&d, sizeof d, data, size);
    uint8_t bits = data[size - 1];
    fuzz_mend_heads(&d.heads, bits);
    fuzz_mend_bool(&d.causal);
    mend_rule(&d.rule, bits);
    fuzz_mend_boxes(&d.boxes);
    d.execution = (vatten_sparse_execution)((uint32_t)d.execution & 3);
    d.boxes.rank = bits & 16 ? 0 : d.boxes.rank;
    d.q_len &= bits & 8 ? 0xfff : 0xfffff;
    d.kv_len &= bits & 8 ? 0xfff : 0xfffff;
    d.q_block = bits & 4 ? 1 : d.q_block & 0xff;
    d.kv_block &= 0x3ff;
    return d;
}

typedef struct sparse_task {
    vt_sparse sparse;
    vt_op_input input;
} sparse_task;

static vatten_result append_sparse(const void *task, vt_program *program) {
    const sparse_task *t = task;
    return vt_sparse_steps(&t->sparse, &t->input, program);
}

static const char *try_sparse(const vt_caps *caps, fuzz_log *log, const uint8_t *data, size_t size) {
    static sparse_task task;
    vt_problem *lists = &task.sparse.lists;
    vt_tile tile;
    uint32_t row = 0;
    const vatten_sparse_desc d = raw_sparse(data, size);
    vatten_result result = vt_sparse_from(caps, &log->logger, &d, &task.sparse);
    if (result == VATTEN_SUCCESS)
        result = vt_tune(caps, &log->logger, lists, &row, &tile);
    if (result != VATTEN_SUCCESS)
        return fuzz_log_broken(log, result);
    task.input = (vt_op_input){caps, &log->logger, lists, &tile};
    buffers ends = {{0}};
    ends.bytes[VT_ROLE_Q] = vt_tensor_bytes(lists, &lists->q);
    ends.bytes[VT_ROLE_K] = vt_tensor_bytes(lists, &lists->k);
    ends.bytes[VT_ROLE_V] = vt_tensor_bytes(lists, &lists->v);
    ends.bytes[VT_ROLE_OUT] = vt_tensor_bytes(lists, &lists->out);
    return build(caps, log, append_sparse, &task, ends);
}

/* ---- Mass ---- */

static vatten_mass_desc raw_mass(const uint8_t *data, size_t size, const vatten_attention_desc *attention) {
    vatten_mass_desc d;
    fuzz_copy(&d, sizeof d, data, size);
    uint8_t bits = data[size - 1];
    bool *bools[] = {&d.kv_heads, &d.weighted, &d.segment_batch, &d.listed};
    mend_bools(bools, 4);
    d.attention = attention;
    d.kind = (vatten_mass_kind)((uint32_t)d.kind & 7);
    d.label = bits & 1 ? LABEL : NULL;
    if (bits & 2)
        memset(&d.tile, 0, sizeof d.tile);
    if (d.kind != VATTEN_MASS_COLUMNS) {
        d.kv_heads = d.weighted = false;
        d.last = 0;
    }
    if (!d.weighted || bits & 4)
        d.weights = (vatten_mass_strides){0, 0, 0};
    d.segments &= d.kind == VATTEN_MASS_SEGMENTS ? 0xfff : 0;
    d.segment_batch = d.segment_batch && d.kind == VATTEN_MASS_SEGMENTS;
    d.rows &= d.kind == VATTEN_MASS_ROWS ? 0xffff : 0;
    d.listed = d.listed && d.kind == VATTEN_MASS_ROWS;
    d.block &= d.kind == VATTEN_MASS_BLOCK_MAX ? 0xffff : 0;
    return d;
}

static vatten_result append_mass(const void *task, vt_program *program) {
    return vt_op_mass(task, program);
}

/* Behind the desc stands that of the attention. */
static const char *try_mass(const vt_caps *caps, fuzz_log *log, const uint8_t *data, size_t size) {
    static vt_mass mass;
    vatten_attention_desc attention;
    vt_tile tile;
    uint32_t row = 0;
    size_t used = size < sizeof(vatten_mass_desc) ? size : sizeof(vatten_mass_desc);
    fuzz_dense(&attention, data + used, size - used, data[size - 1]);
    const vatten_mass_desc d = raw_mass(data, size, &attention);
    vatten_result result = vt_mass_from(caps, &log->logger, &d, &mass);
    if (result == VATTEN_SUCCESS)
        result = vt_tune(caps, &log->logger, &mass.problem, &row, &tile);
    if (result != VATTEN_SUCCESS)
        return fuzz_log_broken(log, result);
    const vt_op_input input = {caps, &log->logger, &mass.problem, &tile};
    buffers ends = {{0}};
    ends.bytes[VT_ROLE_Q] = vt_tensor_bytes(&mass.problem, &mass.problem.q);
    return build(caps, log, append_mass, &input, ends);
}

typedef const char *(*try_task)(const vt_caps *caps, fuzz_log *log, const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const try_task tasks[] = {try_pool,   try_select, try_topk, try_combine,
                                     try_append, try_sparse, try_mass};
    const size_t head = 1 + FUZZ_CAPS_BYTES;
    if (size < head + 2)
        return 0;
    const vt_caps caps = fuzz_caps(data + 1, FUZZ_CAPS_BYTES);
    fuzz_log log;
    fuzz_log_start(&log);
    fuzz_judge(tasks[data[0] % (sizeof tasks / sizeof tasks[0])](&caps, &log, data + head, size - head));
    return 0;
}
