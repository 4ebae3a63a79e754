/* SPDX-License-Identifier: MIT
 *
 * Descs of published mechanisms that choose blocks or keys (vatten/presets.h).
 */
#include "preset_check.h"
#include "problem.h"

#include <math.h>

vatten_result vatten_preset_moba(const vatten_logger *logger, const vatten_heads *heads, uint64_t q_len,
                                 uint64_t kv_len, uint32_t block, uint32_t topk, vatten_sparse_desc *out) {
    const vt_preset preset = vt_preset_begin(logger, "moba", heads, out, sizeof *out);
    if (!heads || !out)
        return VATTEN_ERROR_INVALID_ARGUMENT;
    if (block == 0 || topk == 0)
        return vt_preset_refuse(&preset, "block %" PRIu32 " and topk %" PRIu32 " must be at least 1", block,
                                topk);
    out->heads = *heads;
    out->q_len = q_len;
    out->kv_len = kv_len;
    out->q_block = 1;
    out->kv_block =
        (uint32_t)vt_min(block, kv_len); /* one block of all keys, if it is longer than they are */
    out->rule.entries = kv_len ? (uint32_t)vt_min(topk, vt_ceil_div(kv_len, block)) : topk;
    out->rule.own = true;
    out->causal = true;
    return VATTEN_SUCCESS;
}

static float scale_of(const vatten_heads *h) {
    return h->scale != 0.0f ? h->scale : (float)(1.0 / sqrt((double)h->dim));
}

/* ---- Boxes ---- */

/* Blocks along each axis past no rank; false after a message. */
static bool count_boxes(const vt_preset *preset, uint32_t rank, const uint64_t *extent, const uint32_t *block,
                        uint64_t *tokens, uint64_t *boxes) {
    vt_sum total = vt_sum_of(1);
    *boxes = 1;
    REFUSE_IF(preset, rank < 1 || rank > 3, "rank %" PRIu32 " is outside 1..3", rank);
    for (uint32_t a = 0; a < rank; ++a) {
        REFUSE_IF(preset, block[a] == 0 || block[a] > extent[a],
                  "axis %" PRIu32 ": block %" PRIu32 " is outside 1..%" PRIu64, a, block[a], extent[a]);
        total = vt_times(total, vt_sum_of(extent[a]));
        *boxes *= vt_ceil_div(extent[a], block[a]);
    }
    REFUSE_IF(preset, total.overflow || total.value > VT_LENGTH_MAX,
              "extents %" PRIu64 " x %" PRIu64 " x %" PRIu64 " are above %u tokens", extent[0],
              rank > 1 ? extent[1] : 1, rank > 2 ? extent[2] : 1, VT_LENGTH_MAX);
    *tokens = total.value;
    return true;
}

/* A query is a row of its own if q_box is NULL. */
static void set_boxes(uint32_t rank, const uint64_t *extent, const uint32_t *q_box, const uint32_t *kv_box,
                      vatten_boxes *out) {
    out->rank = rank;
    for (uint32_t a = 0; a < rank; ++a) {
        out->extent[a] = extent[a];
        out->q_box[a] = q_box ? q_box[a] : 1;
        out->kv_box[a] = kv_box[a];
    }
}

static void set_sparse(const vatten_heads *heads, uint64_t tokens, const vatten_boxes *boxes,
                       vatten_sparse_desc *out) {
    out->heads = *heads;
    out->q_len = out->kv_len = tokens;
    out->q_block = out->kv_block = 1;
    for (uint32_t a = 0; a < boxes->rank; ++a) {
        out->q_block *= boxes->q_box[a];
        out->kv_block *= boxes->kv_box[a];
    }
    out->boxes = *boxes;
}

vatten_result vatten_preset_vmoba(const vatten_logger *logger, const vatten_heads *heads,
                                  const vatten_vmoba *method, vatten_sparse_desc *out) {
    const vt_preset preset = vt_preset_begin(logger, "vmoba", heads, out, sizeof *out);
    uint64_t tokens, blocks;
    vatten_boxes boxes = {0};
    if (!heads || !method || !out ||
        !count_boxes(&preset, method->rank, method->extent, method->block, &tokens, &blocks))
        return VATTEN_ERROR_INVALID_ARGUMENT;
    if (method->scope < VATTEN_VMOBA_QUERY || method->scope > VATTEN_VMOBA_BLOCK)
        return vt_preset_refuse(&preset, "scope %d is unknown", (int)method->scope);
    if (method->scope == VATTEN_VMOBA_BLOCK && method->topk)
        return vt_preset_refuse(&preset, "topk %" PRIu32 " with scope BLOCK: blocks choose by share only",
                                method->topk);
    set_boxes(method->rank, method->extent, NULL, method->block, &boxes);
    set_sparse(heads, tokens, &boxes, out);
    bool each = method->scope == VATTEN_VMOBA_QUERY;
    vatten_selection *rule = &out->rule;
    rule->own = true;
    rule->entries = (uint32_t)(each && method->topk ? vt_min(method->topk, blocks) : blocks);
    rule->budget_rows = each ? 0 : UINT32_MAX;
    rule->budget_heads = method->scope >= VATTEN_VMOBA_ALL ? heads->heads : 0;
    rule->by_block = method->scope == VATTEN_VMOBA_BLOCK;
    if (method->topk) {
        uint64_t rows = tokens * (rule->budget_heads ? rule->budget_heads : 1);
        rule->total = each ? 0 : vt_saturating_mul(vt_min(method->topk, blocks), rows);
        return VATTEN_SUCCESS;
    }
    rule->budget = VATTEN_BUDGET_MASS;
    rule->min_max = true;
    rule->share = method->share;
    rule->least = 1;
    return VATTEN_SUCCESS;
}

vatten_result vatten_preset_biformer(const vatten_logger *logger, const vatten_heads *heads,
                                     const uint64_t extent[2], uint32_t regions, uint32_t topk,
                                     vatten_sparse_desc *out) {
    const vt_preset preset = vt_preset_begin(logger, "biformer", heads, out, sizeof *out);
    uint64_t tokens, blocks;
    vatten_boxes boxes = {0};
    if (!heads || !extent || !out)
        return VATTEN_ERROR_INVALID_ARGUMENT;
    if (regions == 0 || topk == 0)
        return vt_preset_refuse(&preset, "regions %" PRIu32 " and topk %" PRIu32 " must be at least 1",
                                regions, topk);
    const uint32_t block[2] = {(uint32_t)vt_ceil_div(extent[0], regions),
                               (uint32_t)vt_ceil_div(extent[1], regions)};
    if (!count_boxes(&preset, 2, extent, block, &tokens, &blocks))
        return VATTEN_ERROR_INVALID_ARGUMENT;
    set_boxes(2, extent, block, block, &boxes);
    set_sparse(heads, tokens, &boxes, out);
    if (out->heads.scale == 0.0f)
        out->heads.scale = (float)(1.0 / sqrt((double)heads->heads * heads->dim));
    out->rule.entries = (uint32_t)vt_min(topk, blocks);
    out->rule.list_heads = 1;
    return VATTEN_SUCCESS;
}

static bool flashvsr_is_good(const vt_preset *preset, const vatten_flashvsr *m) {
    uint64_t q_extent = m->q_extent ? m->q_extent : m->extent[0];
    REFUSE_IF(preset, q_extent > m->extent[0], "q_extent %" PRIu64 " is above extent %" PRIu64, q_extent,
              m->extent[0]);
    REFUSE_IF(preset, m->range != 0 && m->range % 2 == 0, "range %" PRIu32 " must be odd", m->range);
    REFUSE_IF(preset, m->total == 0, "total %d must be at least 1", 0);
    return true;
}

vatten_result vatten_preset_flashvsr(const vatten_logger *logger, const vatten_heads *heads,
                                     const vatten_flashvsr *method, vatten_sparse_desc *out) {
    const vt_preset preset = vt_preset_begin(logger, "flashvsr", heads, out, sizeof *out);
    uint64_t tokens, blocks;
    vatten_boxes boxes = {0};
    if (!heads || !method || !out ||
        !count_boxes(&preset, 3, method->extent, method->block, &tokens, &blocks) ||
        !flashvsr_is_good(&preset, method))
        return VATTEN_ERROR_INVALID_ARGUMENT;
    set_boxes(3, method->extent, method->block, method->block, &boxes);
    boxes.q_extent = method->q_extent;
    set_sparse(heads, tokens, &boxes, out);
    if (method->q_extent)
        out->q_len = tokens / method->extent[0] * method->q_extent;
    vatten_selection *rule = &out->rule;
    rule->entries = (uint32_t)blocks;
    rule->softmax = true;
    rule->scale = scale_of(heads);
    rule->reach[1] = rule->reach[2] = method->range / 2;
    rule->budget_rows = (uint32_t)(vt_ceil_div(method->extent[1], method->block[1]) *
                                   vt_ceil_div(method->extent[2], method->block[2]));
    rule->total = method->total;
    return VATTEN_SUCCESS;
}

/* ---- Keys by their biases ---- */

vatten_result vatten_preset_dma(const vatten_logger *logger, const vatten_heads *heads, uint64_t q_len,
                                uint64_t kv_len, uint32_t width, vatten_topk_desc *out_choose,
                                vatten_lists_desc *out_attend) {
    const vt_preset preset = vt_preset_begin(logger, "dma", heads, out_attend, sizeof *out_attend);
    if (!heads || !out_choose || !out_attend)
        return VATTEN_ERROR_INVALID_ARGUMENT;
    memset(out_choose, 0, sizeof *out_choose);
    if (width == 0 || q_len == 0 || q_len > UINT32_MAX || kv_len < q_len)
        return vt_preset_refuse(&preset,
                                "width %" PRIu32 ", q_len %" PRIu64 ", kv_len %" PRIu64
                                ": none may be 0, and queries are the last of the keys",
                                width, q_len, kv_len);
    *out_choose = (vatten_topk_desc){.batch = heads->batch,
                                     .heads = heads->kv_heads,
                                     .rows = 1,
                                     .values = kv_len,
                                     .entries = (uint32_t)vt_min(width, kv_len),
                                     .label = heads->label};
    *out_attend = (vatten_lists_desc){.heads = *heads,
                                      .q_len = q_len,
                                      .kv_len = kv_len,
                                      .kind = VATTEN_LIST_KEYS,
                                      .q_block = (uint32_t)q_len,
                                      .entries = out_choose->entries,
                                      .list_heads = heads->kv_heads,
                                      .causal = true,
                                      .bias = VATTEN_BIAS_TENSOR,
                                      .bias_heads = heads->kv_heads,
                                      .bias_strides = {.batch = (int64_t)(heads->kv_heads * kv_len),
                                                       .head = (int64_t)kv_len}}; /* of keys alone */
    return VATTEN_SUCCESS;
}

/* ---- NSA ---- */

static uint64_t complete_at(uint64_t tokens, uint32_t block) {
    return tokens / block;
}

static vatten_pool_desc nsa_pool(const vatten_heads *h, const vatten_strides *x, uint32_t dim,
                                 uint64_t kv_len, uint32_t block) {
    return (vatten_pool_desc){.dtype = h->dtype,
                              .batch = h->batch,
                              .heads = h->kv_heads,
                              .dim = dim,
                              .x = *x,
                              .rank = 1,
                              .extent = {kv_len},
                              .block = {block},
                              .label = h->label,
                              .keep_dtype = true};
}

static vatten_heads branch_heads(const vatten_heads *heads) {
    vatten_heads h = *heads;
    h.out = (vatten_strides){0, 0, 0}; /* a part, packed */
    return h;
}

/* Queries that see equally many complete blocks share a list: a new one begins where a block ends. */
static vatten_lists_desc nsa_compressed(const vatten_heads *heads, uint64_t q_len, uint64_t kv_len,
                                        uint32_t block) {
    uint64_t first = complete_at(kv_len - q_len + 1, block), last = complete_at(kv_len, block);
    vatten_lists_desc d = {.heads = branch_heads(heads),
                           .q_len = q_len,
                           .kv_len = vt_ceil_div(kv_len, block),
                           .kind = VATTEN_LIST_RANGES,
                           .q_block = block,
                           .entries = 1,
                           .rows = last - first + 1,
                           .list_heads = 1};
    d.heads.k = d.heads.v = (vatten_strides){0, 0, 0}; /* packed, as pooling writes them */
    d.lists = (vatten_strides){.batch = 0, .head = (int64_t)(4 * d.rows), .token = 4};
    return d;
}

static vatten_sparse_desc nsa_chosen(const vatten_heads *heads, uint64_t q_len, uint64_t kv_len,
                                     const vatten_nsa *m) {
    vatten_sparse_desc d = {.heads = branch_heads(heads),
                            .q_len = q_len,
                            .kv_len = kv_len,
                            .q_block = 1,
                            .kv_block = m->block,
                            .causal = true};
    d.rule.entries = (uint32_t)vt_min(m->entries, vt_ceil_div(kv_len, m->block));
    d.rule.list_heads = heads->kv_heads;
    d.rule.scale = scale_of(heads);
    d.rule.softmax = d.rule.complete = d.rule.own = true;
    d.rule.first = 1;
    d.rule.local = 2;
    return d;
}

static vatten_combine_desc nsa_gates(const vatten_heads *h, uint64_t q_len) {
    return (vatten_combine_desc){
        .kind = VATTEN_COMBINE_SUM,
        .dtype = h->dtype,
        .batch = h->batch,
        .heads = h->heads,
        .tokens = q_len,
        .dim = h->value_dim ? h->value_dim : h->dim,
        .parts = 3,
        .weights = {.batch = (int64_t)(3 * h->heads * q_len), .head = 3, .token = (int64_t)3 * h->heads},
        .weights_part = 1,
        .out = h->out,
        .gains = true,
        .label = h->label};
}

static bool nsa_is_good(const vt_preset *preset, const vatten_heads *h, uint64_t q_len, uint64_t kv_len,
                        const vatten_nsa *m) {
    REFUSE_IF(preset, q_len == 0 || kv_len < q_len || kv_len > VT_LENGTH_MAX,
              "q_len %" PRIu64 " and kv_len %" PRIu64 ": queries are the last of the keys", q_len, kv_len);
    REFUSE_IF(preset, m->block == 0 || m->block > kv_len, "block %" PRIu32 " is outside 1..%" PRIu64,
              m->block, kv_len);
    REFUSE_IF(preset, m->entries < vt_min(3, vt_ceil_div(kv_len, m->block)),
              "entries %" PRIu32 " have no room for the first, the own and the block before it", m->entries);
    REFUSE_IF(preset, m->window == 0, "window %d must be at least 1", 0);
    REFUSE_IF(preset, h->kv_heads == 0 || h->write_lse,
              "kv_heads %" PRIu32 " and write_lse %d: a sum of branches has no log-sum-exp", h->kv_heads,
              h->write_lse);
    return true;
}

vatten_result vatten_preset_nsa(const vatten_logger *logger, const vatten_heads *heads, uint64_t q_len,
                                uint64_t kv_len, const vatten_nsa *method, vatten_nsa_descs *out) {
    const vt_preset preset = vt_preset_begin(logger, "nsa", heads, out, sizeof *out);
    if (!heads || !method || !out || !nsa_is_good(&preset, heads, q_len, kv_len, method))
        return VATTEN_ERROR_INVALID_ARGUMENT;
    uint32_t value_dim = heads->value_dim ? heads->value_dim : heads->dim;
    out->keys = nsa_pool(heads, &heads->k, heads->dim, kv_len, method->block);
    out->values = nsa_pool(heads, &heads->v, value_dim, kv_len, method->block);
    out->compressed = nsa_compressed(heads, q_len, kv_len, method->block);
    out->chosen = nsa_chosen(heads, q_len, kv_len, method);
    out->window =
        (vatten_attention_desc){.heads = branch_heads(heads),
                                .q_len = q_len,
                                .kv_len = kv_len,
                                .causal = true,
                                .window = {.enabled = true, .left = (int64_t)method->window - 1, .right = 0}};
    out->gates = nsa_gates(heads, q_len);
    return VATTEN_SUCCESS;
}

void vatten_fill_nsa(const vatten_nsa_descs *descs, uint32_t *words) {
    if (!descs || !words || !vatten_preset_words(&descs->compressed))
        return;
    const vatten_lists_desc *d = &descs->compressed;
    uint64_t block = descs->keys.block[0], shift = descs->keys.extent[0] - d->q_len;
    uint64_t first = complete_at(shift + 1, (uint32_t)block);
    for (uint64_t row = 0; row < d->rows; ++row) {
        uint64_t complete = first + row; /* blocks, from the token on that ends the last of them */
        uint64_t begin = complete * block, end = (complete + 1) * block - 1;
        uint32_t *list = words + 4 * row;
        list[0] = (uint32_t)(begin > shift + 1 ? begin - 1 - shift : 0);
        list[1] = (uint32_t)vt_min(end - shift, d->q_len);
        list[2] = complete ? 0 : VATTEN_LIST_END;
        list[3] = complete ? (uint32_t)complete : VATTEN_LIST_END;
    }
}
