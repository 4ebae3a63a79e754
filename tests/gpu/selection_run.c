/* SPDX-License-Identifier: MIT */
#include "selection_run.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t ceil_div(uint64_t a, uint64_t b) {
    return (a + b - 1) / b;
}

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

bool selection_is_biformer(const selection_run *r) {
    return r->selection->preset == CASES_BIFORMER;
}

/* ---- Tensors ---- */

uint64_t selection_heads(const cases_case *item, int which) {
    return which == 0 || which == 3 ? item->heads : item->kv_heads;
}

uint64_t selection_dim(const cases_case *item, int which) {
    return which < 2 ? item->dim : item->value_dim;
}

uint64_t selection_bytes(const selection_run *r, int which) {
    return r->item->batch * r->tokens * selection_heads(r->item, which) * selection_dim(r->item, which) *
           r->element;
}

static void store(const selection_run *r, uint8_t *to, uint64_t index, float value) {
    uint16_t half = r->type == REF_F16 ? ref_f32_to_f16(value) : ref_f32_to_bf16(value);
    if (r->type == REF_F32) {
        memcpy(to + index * sizeof value, &value, sizeof value);
    } else {
        memcpy(to + index * sizeof half, &half, sizeof half);
    }
}

static uint8_t *filled(const selection_run *r, int which) {
    uint64_t heads = selection_heads(r->item, which), dim = selection_dim(r->item, which);
    uint8_t *data = malloc(selection_bytes(r, which));
    for (uint64_t n = 0; data && n < r->item->batch * r->tokens * heads * dim; ++n) {
        uint64_t d = n % dim, head = n / dim % heads, token = n / dim / heads % r->tokens;
        uint64_t b = n / dim / heads / r->tokens;
        store(r, data, n, cases_value(r->item, (cases_tensor)which, b, token, head, d));
    }
    return data;
}

static vatten_memory *uploaded(gpu *device, const uint8_t *data, uint64_t bytes) {
    vatten_memory *memory = NULL;
    if (!data || vatten_memory_create(device->context, bytes, &memory) != VATTEN_SUCCESS ||
        vatten_memory_upload(memory, 0, data, bytes) != VATTEN_SUCCESS) {
        gpu_fail(device, "%" PRIu64 " bytes cannot be uploaded: %s", bytes, device->message);
    }
    return memory;
}

/* What is not written stays NaN. */
static vatten_memory *poisoned(gpu *device, uint64_t bytes) {
    uint8_t *data = malloc(bytes);
    if (data) {
        memset(data, 0xff, bytes);
    }
    vatten_memory *memory = uploaded(device, data, bytes);
    free(data);
    return memory;
}

static vatten_strides strides(const selection_run *r, int which) {
    int64_t dim = (int64_t)selection_dim(r->item, which),
            row = dim * (int64_t)selection_heads(r->item, which);
    return (vatten_strides){.batch = row * (int64_t)r->tokens, .head = dim, .token = row};
}

/* A sequence's part of a tensor. Dims and heads of all cases make it a multiple of every offset_alignment. */
static vatten_buffer part(const selection_piece *p, int which) {
    const selection_run *r = p->run;
    vatten_buffer buffer = vatten_memory_buffer(r->memory[which]);
    buffer.offset = p->first * selection_heads(r->item, which) * selection_dim(r->item, which) * r->element;
    buffer.size = 0; /* not checked: the batch stride goes past the sequence */
    return buffer;
}

/* ---- Plans ---- */

/* Runs what create gave, and destroys it. `plan`: where create puts it, which is read after that. */
static bool finish(const selection_run *r, const char *what, vatten_result created, vatten_plan *const *plan,
                   const vatten_args *args) {
    double ms;
    bool good = created == VATTEN_SUCCESS &&
                vatten_context_run(r->device->context, *plan, args, &ms) == VATTEN_SUCCESS;
    if (!good) {
        gpu_fail(r->device, "%s: %s: %s", r->name, what, r->device->message);
    }
    vatten_plan_destroy(*plan);
    return good;
}

/* The means of blocks of one sequence's keys. */
static bool pool_keys(const selection_piece *p, vatten_memory **out) {
    const selection_run *r = p->run;
    vatten_plan *plan = NULL;
    const vatten_pool_desc desc = {.dtype = r->dtype,
                                   .batch = r->item->batch,
                                   .heads = (uint32_t)r->item->kv_heads,
                                   .dim = (uint32_t)r->item->dim,
                                   .x = strides(r, 1),
                                   .rank = 1,
                                   .extent = {p->len},
                                   .block = {(uint32_t)p->block},
                                   .label = r->item->id};
    *out = poisoned(r->device, r->item->batch * p->blocks * r->item->kv_heads * r->item->dim * sizeof(float));
    const vatten_args args = {.k = part(p, 1), .out = vatten_memory_buffer(*out)};
    return finish(r, "pool", vatten_pool_create(r->device->device, &desc, &plan), &plan, &args);
}

/* The means of regions, over the tokens of all heads side by side. */
static bool pool_regions(const selection_piece *p, int which, vatten_memory **out) {
    const selection_run *r = p->run;
    uint64_t dim = r->item->heads * r->item->dim;
    vatten_plan *plan = NULL;
    const vatten_pool_desc desc = {.dtype = r->dtype,
                                   .batch = r->item->batch,
                                   .heads = 1,
                                   .dim = (uint32_t)dim,
                                   .rank = p->boxes.rank,
                                   .extent = {p->boxes.extent[0], p->boxes.extent[1]},
                                   .block = {p->boxes.kv_box[0], p->boxes.kv_box[1]},
                                   .label = r->item->id};
    *out = poisoned(r->device, r->item->batch * p->blocks * dim * sizeof(float));
    const vatten_args args = {.k = part(p, which), .out = vatten_memory_buffer(*out)};
    return finish(r, "pool", vatten_pool_create(r->device->device, &desc, &plan), &plan, &args);
}

static vatten_select_desc select_desc(const selection_piece *p) {
    const selection_run *r = p->run;
    bool joined = selection_is_biformer(r);
    uint64_t heads = joined ? 1 : r->item->heads;
    return (vatten_select_desc){.dtype = joined ? VATTEN_DTYPE_F32 : r->dtype,
                                .batch = r->item->batch,
                                .heads = (uint32_t)heads,
                                .kv_heads = (uint32_t)(joined ? 1 : r->item->kv_heads),
                                .dim = (uint32_t)(joined ? r->item->heads * r->item->dim : r->item->dim),
                                .rows = p->rows,
                                .blocks = p->blocks,
                                .q = joined ? (vatten_strides){0, 0, 0} : strides(r, 0),
                                .rule = p->rule,
                                .row_tokens = joined ? 0 : 1,
                                .block_tokens = joined ? 0 : p->block,
                                .causal = r->item->dense.causal,
                                .label = r->item->id};
}

static uint64_t list_bytes(const selection_piece *p) {
    return p->run->item->batch * p->list_heads * p->rows * p->rule.entries * sizeof *p->list_words;
}

/* Pools and selects; the lists then lie in p->lists and p->list_words. */
bool selection_choose(selection_piece *p) {
    const selection_run *r = p->run;
    vatten_memory *keys = NULL, *queries = NULL;
    vatten_plan *plan = NULL;
    uint64_t bytes = list_bytes(p);
    bool good = selection_is_biformer(r) ? pool_regions(p, 1, &keys) && pool_regions(p, 0, &queries)
                                         : pool_keys(p, &keys);
    p->lists = poisoned(r->device, bytes);
    p->list_words = malloc(bytes);
    const vatten_select_desc desc = select_desc(p);
    const vatten_args args = {.q = queries ? vatten_memory_buffer(queries) : part(p, 0),
                              .k = vatten_memory_buffer(keys),
                              .lists = vatten_memory_buffer(p->lists)};
    good = good && p->list_words &&
           finish(r, "select", vatten_select_create(r->device->device, &desc, &plan), &plan, &args) &&
           vatten_memory_download(p->lists, 0, p->list_words, bytes) == VATTEN_SUCCESS;
    vatten_memory_destroy(keys);
    vatten_memory_destroy(queries);
    return good;
}

static vatten_heads attention_heads(const selection_run *r) {
    return (vatten_heads){.dtype = r->dtype,
                          .batch = r->item->batch,
                          .heads = (uint32_t)r->item->heads,
                          .kv_heads = (uint32_t)r->item->kv_heads,
                          .dim = (uint32_t)r->item->dim,
                          .value_dim = (uint32_t)r->item->value_dim,
                          .scale = (float)r->item->scale,
                          .write_lse = true,
                          .q = strides(r, 0),
                          .k = strides(r, 1),
                          .v = strides(r, 2),
                          .out = strides(r, 3),
                          .label = r->item->id};
}

/* In turns. */
static vatten_sparse_execution execution_of(const selection_run *r) {
    return ((unsigned)r->item->seed + (unsigned)r->type) % 2 ? VATTEN_SPARSE_GATHER : VATTEN_SPARSE_UNION;
}

/* Regions are what has been chosen: lists of boxes. All else is one sparse plan, which selects once more on its own. */
bool selection_attend(selection_piece *p) {
    const selection_run *r = p->run;
    uint64_t bytes = r->item->batch * r->item->heads * p->len * sizeof(float);
    vatten_plan *plan = NULL;
    vatten_result created;
    p->lse = poisoned(r->device, bytes);
    p->lse_values = malloc(bytes);
    vatten_args args = {.q = part(p, 0),
                        .k = part(p, 1),
                        .v = part(p, 2),
                        .out = part(p, 3),
                        .lse = vatten_memory_buffer(p->lse)};
    if (selection_is_biformer(r)) {
        const vatten_lists_desc desc = {.heads = attention_heads(r),
                                        .q_len = p->len,
                                        .kv_len = p->len,
                                        .kind = VATTEN_LIST_BLOCKS,
                                        .entries = p->rule.entries,
                                        .list_heads = p->list_heads,
                                        .boxes = p->boxes};
        args.lists = vatten_memory_buffer(p->lists);
        created = vatten_lists_create(r->device->device, &desc, &plan);
    } else {
        const vatten_sparse_desc desc = {.heads = attention_heads(r),
                                         .q_len = p->len,
                                         .kv_len = p->len,
                                         .q_block = 1,
                                         .kv_block = (uint32_t)p->block,
                                         .rule = p->rule,
                                         .causal = r->item->dense.causal,
                                         .execution = execution_of(r)};
        created = vatten_sparse_create(r->device->device, &desc, &plan);
    }
    return finish(r, "attention", created, &plan, &args) && p->lse_values &&
           vatten_memory_download(p->lse, 0, p->lse_values, bytes) == VATTEN_SUCCESS;
}

/* ---- Begin and end ---- */

/* The budget of a query becomes that of all that share it; a list has room for all blocks. */
static void share_budget(const selection_run *r, uint64_t rows, uint64_t blocks, vatten_selection *rule) {
    uint64_t heads = r->selection->scope == CASES_HEAD_GLOBAL ? 1 : r->item->heads;
    rule->by_block = r->selection->scope == CASES_BLOCK;
    rule->total = rule->budget == VATTEN_BUDGET_TOP ? rule->entries * rows * heads : 0;
    rule->entries = (uint32_t)blocks;
    rule->budget_rows = UINT32_MAX;
    rule->budget_heads = (uint32_t)heads;
}

static vatten_selection rule_of(const selection_run *r, uint64_t rows, uint64_t blocks) {
    const cases_selection *s = r->selection;
    vatten_selection rule = {.entries = (uint32_t)smaller(s->entries ? s->entries : blocks, blocks),
                             .own = s->own};
    if (s->entries == 0) {
        rule.budget = VATTEN_BUDGET_MASS;
        rule.share = (float)s->threshold;
        rule.min_max = true;
        rule.least = 1;
    }
    if (s->scope != CASES_QUERY_HEAD) {
        share_budget(r, rows, blocks, &rule);
    }
    if (s->preset == CASES_NSA) {
        rule.list_heads = (uint32_t)r->item->kv_heads;
        rule.scale = (float)(r->item->scale != 0.0 ? r->item->scale : 1.0 / sqrt((double)r->item->dim));
        rule.softmax = true;
        rule.first = 1;
        rule.local = 2;
        rule.complete = true;
    }
    return rule;
}

/* Regions of equal sides, the last ones short. */
static vatten_boxes regions_of(const cases_selection *s) {
    vatten_boxes boxes = {.rank = 2, .extent = {s->extent[0], s->extent[1]}};
    for (int a = 0; a < 2; ++a) {
        boxes.q_box[a] = boxes.kv_box[a] = (uint32_t)ceil_div(s->extent[a], s->regions);
    }
    return boxes;
}

uint64_t selection_row(const selection_piece *p, uint64_t query) {
    const vatten_boxes *boxes = &p->boxes;
    if (!selection_is_biformer(p->run)) {
        return query;
    }
    uint64_t y = query / boxes->extent[1] / boxes->q_box[0], x = query % boxes->extent[1] / boxes->q_box[1];
    return y * p->run->selection->regions + x;
}

selection_piece selection_piece_of(selection_run *r, uint64_t first, uint64_t len) {
    const cases_selection *s = r->selection;
    selection_piece p = {.run = r, .first = first, .len = len, .rows = len};
    if (selection_is_biformer(r)) {
        p.boxes = regions_of(s);
        p.rows = p.blocks = s->regions * s->regions;
        p.list_heads = 1;
    } else {
        p.block = smaller(s->block, len);
        p.blocks = ceil_div(len, p.block);
        p.list_heads = (uint32_t)(s->preset == CASES_NSA ? r->item->kv_heads : r->item->heads);
    }
    p.rule = rule_of(r, p.rows, p.blocks);
    return p;
}

selection_run selection_begin(gpu *device, const cases_case *item, ref_dtype type) {
    static const vatten_dtype dtypes[3] = {VATTEN_DTYPE_F32, VATTEN_DTYPE_F16, VATTEN_DTYPE_BF16};
    selection_run r = {.device = device,
                       .item = item,
                       .selection = &item->selection,
                       .type = type,
                       .dtype = dtypes[type],
                       .element = type == REF_F32 ? 4 : 2,
                       .tokens = item->dense.q_len,
                       .hash = CASES_HASH_START};
    snprintf(r.name, sizeof r.name, "%s %s", item->id, gpu_dtype_name(r.dtype));
    r.ambiguous = cases_table(item, "ambiguous_rows", -1, &r.ambiguous_count);
    for (int n = 0; n < 3; ++n) {
        r.host[n] = filled(&r, n);
        r.memory[n] = uploaded(device, r.host[n], selection_bytes(&r, n));
    }
    r.memory[3] = poisoned(device, selection_bytes(&r, 3));
    return r;
}

void selection_end(selection_run *r) {
    for (int n = 0; n < 4; ++n) {
        vatten_memory_destroy(r->memory[n]);
    }
    for (int n = 0; n < 3; ++n) {
        free(r->host[n]);
    }
    free(r->ambiguous);
}

void selection_piece_end(selection_piece *p) {
    vatten_memory_destroy(p->lists);
    vatten_memory_destroy(p->lse);
    free(p->list_words);
    free(p->lse_values);
}
