/* SPDX-License-Identifier: MIT
 *
 * Plans of tasks from raw bytes: nothing crashes, and all steps keep the device's limits and the workspace they ask for.
 */
#include "fuzz_tasks.h"

#include "append.h"
#include "select.h"
#include "topk.h"

#include <stdlib.h>
#include <string.h>

#define MOST_STEPS 20000u /* more take long */

static void copy(void *out, size_t want, const uint8_t *data, size_t size) {
    memset(out, 0, want);
    memcpy(out, data, size < want ? size : want);
}

/* A bool must be one: other bytes would be undefined behaviour of the caller's. */
static void mend_bool(bool *b) {
    uint8_t byte;
    memcpy(&byte, b, 1);
    byte &= 1;
    memcpy(b, &byte, 1);
}

static vatten_select_desc raw_select(const uint8_t *data, size_t size) {
    vatten_select_desc d;
    copy(&d, sizeof d, data, size);
    uint8_t bits = data[size - 1];
    bool *bools[] = {&d.rule.softmax,  &d.rule.own,     &d.rule.min_max, &d.rule.crossing_out, &d.causal,
                     &d.rule.complete, &d.write_counts, &d.bias,         &d.rule.by_block};
    for (size_t n = 0; n < sizeof bools / sizeof bools[0]; ++n)
        mend_bool(bools[n]);
    d.label = bits & 1 ? "%s%n" : NULL;
    d.dtype = (vatten_dtype)((uint32_t)d.dtype & 3);
    d.batch &= 7;
    d.kv_heads &= 7;
    d.heads = d.kv_heads * (d.heads & 7);
    d.dim &= 255;
    d.rows &= 0xfffff;
    d.blocks &= 0xfff;
    d.rule.entries &= 0xff;
    d.rule.list_heads = bits & 2 ? 0 : d.rule.list_heads & 7;
    d.rule.budget = (vatten_budget)((uint32_t)d.rule.budget & 3);
    d.rule.budget_heads &= 7;
    if (bits & 4)
        d.rule.scale = 1.0f;
    if (bits & 8)
        d.q = d.bias_strides = (vatten_strides){0, 0, 0};
    if (bits & 16)
        memset(&d.boxes, 0, sizeof d.boxes);
    if (bits & 32)
        d.rule.total = d.rule.least = 0;
    if (bits & 64)
        d.max_workspace = 0;
    return d;
}

static vatten_topk_desc raw_topk(const uint8_t *data, size_t size) {
    vatten_topk_desc d;
    copy(&d, sizeof d, data, size);
    uint8_t bits = data[size - 1];
    mend_bool(&d.causal);
    mend_bool(&d.write_counts);
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

/* `cache` is what the desc points to. */
static vatten_append_desc raw_append(const uint8_t *data, size_t size, vatten_attention_desc *cache) {
    vatten_append_desc d = {.attention = cache};
    uint8_t bits = data[size - 1];
    copy(cache, sizeof *cache, data, size);
    bool *bools[] = {&cache->heads.write_lse, &cache->causal,     &cache->window.enabled,
                     &cache->mask_batch,      &cache->head_batch, &cache->alibi_signed};
    for (size_t n = 0; n < sizeof bools / sizeof bools[0]; ++n)
        mend_bool(bools[n]);
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

static const char *broken(const vt_caps *caps, const vt_program *program) {
    for (uint64_t i = 0; i < program->step_count; ++i) {
        const vt_step *step = &program->steps[i];
        for (int a = 0; a < 3; ++a)
            if (step->groups[a] < 1 || step->groups[a] > caps->groups[a])
                return "a step has more workgroups than the device allows, or none";
        for (uint32_t n = 0; n < step->binding_count; ++n) {
            const vt_binding *b = &step->binding[n];
            if (b->range == 0 || b->range > caps->storage_range || b->offset % caps->storage_alignment != 0)
                return "a binding is empty, too large or not aligned";
            if (b->role == VT_ROLE_WORKSPACE && b->offset + b->range > program->workspace_bytes)
                return "a binding ends behind the workspace";
        }
    }
    return NULL;
}

typedef vatten_result (*builder)(const void *task, vt_program *program);

static const char *build(const vt_caps *caps, builder append, const void *task) {
    static vt_program counted, filled;
    memset(&counted, 0, sizeof counted);
    memset(&filled, 0, sizeof filled);
    if (append(task, &counted) != VATTEN_SUCCESS || counted.step_count > MOST_STEPS)
        return NULL;
    filled.steps = calloc((size_t)counted.step_count, sizeof *filled.steps);
    const char *result = NULL;
    if (filled.steps && append(task, &filled) == VATTEN_SUCCESS)
        result = filled.step_count == counted.step_count ? broken(caps, &filled)
                                                         : "steps are not as many as counted";
    free(filled.steps);
    return result;
}

static vatten_result append_select(const void *task, vt_program *program) {
    return vt_select_steps(task, program);
}

static vatten_result append_topk(const void *task, vt_program *program) {
    return vt_topk_steps(task, program);
}

static vatten_result append_append(const void *task, vt_program *program) {
    return vt_append_steps(task, program);
}

const char *fuzz_tasks(const vt_caps *caps, const uint8_t *data, size_t size) {
    static vt_select select;
    static vt_topk topk;
    static vt_append append;
    vatten_attention_desc cache;
    if (size < 2)
        return NULL;
    const vatten_select_desc s = raw_select(data, size);
    const char *result = NULL;
    if (vt_select_from(caps, NULL, &s, &select) == VATTEN_SUCCESS)
        result = build(caps, append_select, &select);
    const vatten_topk_desc t = raw_topk(data, size);
    if (!result && vt_topk_from(caps, NULL, &t, &topk) == VATTEN_SUCCESS)
        result = build(caps, append_topk, &topk);
    const vatten_append_desc a = raw_append(data, size, &cache);
    if (!result && vt_append_from(caps, NULL, &a, &append) == VATTEN_SUCCESS)
        result = build(caps, append_append, &append);
    return result;
}
