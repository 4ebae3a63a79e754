/* SPDX-License-Identifier: MIT */
#include "problem_check.h"
#include "sizes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

vt_checker vt_checker_begin(const vt_caps *caps, const vatten_logger *logger, const char *family,
                            const char *label, vt_problem *out) {
    memset(out, 0, sizeof *out);
    snprintf(out->label, sizeof out->label, "%s", label ? label : "");
    return (vt_checker){caps, logger, family, out};
}

vatten_result vt_check_kv(const vt_checker *check, const vatten_heads *heads) {
    bool bytes = heads->kv_dtype == VATTEN_DTYPE_I8;
    uint32_t value_dim = heads->value_dim ? heads->value_dim : heads->dim, block = heads->kv_block;
    INVALID_IF(!bytes && heads->kv_dtype != 0 && heads->kv_dtype != heads->dtype,
               "kv_dtype %d is neither dtype %d nor I8 (4)", (int)heads->kv_dtype, (int)heads->dtype);
    INVALID_IF(!bytes && block != 0, "kv_block %" PRIu32 " is for I8 only", block);
    INVALID_IF(bytes && (block == 0 || block % 4 != 0),
               "kv_block %" PRIu32 " is not a multiple of 4, at least 4", block);
    INVALID_IF(bytes && (heads->dim % block != 0 || value_dim % block != 0),
               "dim %" PRIu32 ", value_dim %" PRIu32 " are not multiples of kv_block %" PRIu32, heads->dim,
               value_dim, block);
    return VATTEN_SUCCESS;
}

vatten_result vt_refuse_bytes(const vt_checker *check, const vatten_heads *heads) {
    INVALID_IF(heads->kv_dtype == VATTEN_DTYPE_I8, "kv_dtype I8 (%d) is for dense attention",
               (int)heads->kv_dtype);
    return VATTEN_SUCCESS;
}

/* Bytes are read as words. */
vatten_result vt_check_kv_strides(const vt_checker *check, const char *name, const vt_tensor *t) {
    INVALID_IF(check->problem->kv_bytes && (t->batch % 4 != 0 || t->head % 4 != 0 || t->token % 4 != 0),
               "%s strides: batch %" PRIu64 ", head %" PRIu64 ", token %" PRIu64
               " bytes are not multiples of 4",
               name, t->batch, t->head, t->token);
    return VATTEN_SUCCESS;
}

vatten_result vt_check_heads(const vt_checker *check, const vatten_heads *heads, bool weights) {
    INVALID_IF(heads->dtype < VATTEN_DTYPE_F32 || heads->dtype > VATTEN_DTYPE_BF16,
               "dtype %d is none of F32 (1), F16 (2), BF16 (3)", (int)heads->dtype);
    INVALID_IF(heads->batch == 0, "batch %d must be at least 1", 0);
    INVALID_IF(heads->heads == 0, "heads %d must be at least 1", 0);
    INVALID_IF(heads->kv_heads == 0, "kv_heads %d must be at least 1", 0);
    INVALID_IF(heads->heads % heads->kv_heads != 0,
               "heads %" PRIu32 " is not a multiple of kv_heads %" PRIu32, heads->heads, heads->kv_heads);
    INVALID_IF(heads->dim == 0 && !weights, "dim %d must be at least 1", 0);
    INVALID_IF(heads->dim > VATTEN_MAX_DIM, "dim %" PRIu32 " is above %u", heads->dim, VATTEN_MAX_DIM);
    INVALID_IF(heads->value_dim > VATTEN_MAX_DIM, "value_dim %" PRIu32 " is above %u", heads->value_dim,
               VATTEN_MAX_DIM);
    vatten_result kv = vt_check_kv(check, heads);
    if (kv != VATTEN_SUCCESS)
        return kv;
    INVALID_IF(!isfinite(heads->scale), "scale %f is not finite", (double)heads->scale);
    INVALID_IF(heads->tile.layout < VATTEN_LAYOUT_AUTO || heads->tile.layout >= VATTEN_LAYOUT_COUNT,
               "tile layout %d is unknown", (int)heads->tile.layout);
    UNSUPPORTED_IF(
        heads->dtype != VATTEN_DTYPE_F32 && !(check->caps->features & VATTEN_FEATURE_STORAGE_16BIT),
        "dtype %s needs VATTEN_FEATURE_STORAGE_16BIT (storageBuffer16BitAccess), which is not enabled on %s",
        heads->dtype == VATTEN_DTYPE_F16 ? "F16" : "BF16", check->caps->name);
    UNSUPPORTED_IF(heads->batch > VT_LENGTH_MAX, "batch %" PRIu64 " is above %u", heads->batch,
                   VT_LENGTH_MAX);
    return VATTEN_SUCCESS;
}

vatten_result vt_check_length(const vt_checker *check, const char *name, uint64_t length) {
    INVALID_IF(length == 0, "%s 0 must be at least 1", name);
    UNSUPPORTED_IF(length > VT_LENGTH_MAX, "%s %" PRIu64 " is above %u tokens", name, length, VT_LENGTH_MAX);
    return VATTEN_SUCCESS;
}

void vt_fill_heads(const vatten_heads *heads, const vt_caps *caps, vt_problem *out) {
    out->dtype = heads->dtype;
    out->element_bytes = heads->dtype == VATTEN_DTYPE_F32 ? 4 : 2;
    out->kv_bytes = heads->kv_dtype == VATTEN_DTYPE_I8;
    out->kv_block = heads->kv_block;
    out->batch = heads->batch;
    out->heads = heads->heads;
    out->kv_heads = heads->kv_heads;
    out->dim = out->q_dim = heads->dim;
    out->value_dim = heads->value_dim ? heads->value_dim : heads->dim;
    out->scale =
        heads->scale != 0.0f || heads->dim == 0 ? heads->scale : (float)(1.0 / sqrt((double)heads->dim));
    out->write_lse = heads->write_lse;
    out->max_macs = heads->max_macs ? heads->max_macs : caps->max_macs;
    out->max_moves = heads->max_moves ? heads->max_moves : caps->max_moves;
    out->tile = heads->tile;
}

/* Two indices of an output must not meet in one element; this asks for it axis by axis. */
static vatten_result check_written(const vt_checker *check, const vt_shape *s) {
    const vatten_strides *t = &s->strides;
    const vt_problem *p = check->problem;
    int64_t dim = s->dim;
    INVALID_IF(s->tokens > 1 && t->token < dim, "%s strides: token %" PRId64 " is below value_dim %" PRId64,
               s->name, t->token, dim);
    INVALID_IF(s->heads > 1 && t->head < dim, "%s strides: head %" PRId64 " is below value_dim %" PRId64,
               s->name, t->head, dim);
    INVALID_IF(p->batch > 1 && t->batch < dim, "%s strides: batch %" PRId64 " is below value_dim %" PRId64,
               s->name, t->batch, dim);
    return VATTEN_SUCCESS;
}

vatten_result vt_fill_tensor(const vt_checker *check, const vt_shape *s, vt_tensor *out) {
    const vatten_strides *t = &s->strides;
    const vt_problem *p = check->problem;
    INVALID_IF(t->batch < 0 || t->head < 0 || t->token < 0,
               "%s strides: batch %" PRId64 ", head %" PRId64 ", token %" PRId64 " must not be negative",
               s->name, t->batch, t->head, t->token);
    bool packed = t->batch == 0 && t->head == 0 && t->token == 0;
    if (packed) {
        vt_sum token = vt_times(vt_sum_of(s->heads), vt_sum_of(s->dim));
        vt_sum batch = vt_times(token, vt_sum_of(s->tokens));
        *out = (vt_tensor){batch.value, s->dim, token.value, 0};
    } else {
        *out = (vt_tensor){(uint64_t)t->batch, (uint64_t)t->head, (uint64_t)t->token, 0};
    }
    if (s->written && !packed) {
        vatten_result result = check_written(check, s);
        if (result != VATTEN_SUCCESS)
            return result;
    }
    uint64_t entries = s->batch ? s->batch : p->batch;
    vt_sum end = vt_times(vt_sum_of(out->batch), vt_sum_of(entries - 1));
    end = vt_plus(end, vt_times(vt_sum_of(out->head), vt_sum_of(s->heads - 1)));
    end = vt_plus(end, vt_times(vt_sum_of(out->token), vt_sum_of(s->tokens - 1)));
    end = vt_plus(end, vt_sum_of(s->dim));
    vt_sum bytes = vt_times(end, vt_sum_of(s->element_bytes ? s->element_bytes : p->element_bytes));
    INVALID_IF(bytes.overflow,
               "%s overflows 64 bits: batch %" PRIu64 ", tokens %" PRIu64 ", heads %" PRIu32 ", dim %" PRIu32,
               s->name, entries, s->tokens, s->heads, s->dim);
    out->elements = end.value;
    return VATTEN_SUCCESS;
}

vatten_result vt_fill_tensors(const vt_checker *check, const vatten_heads *heads, vt_problem *out) {
    const vt_rules *rules = &out->rules;
    uint64_t places = rules->page_size ? rules->page_size : out->kv_len;
    const vt_shape shapes[4] = {
        {"q", heads->q, out->q_len, out->heads, out->q_dim, false, 0, 0},
        {"k", heads->k, places, out->kv_heads, vt_kv_row(out, out->dim), false, vt_kv_element(out),
         rules->pool_pages},
        {"v", heads->v, places, out->kv_heads, vt_kv_row(out, out->value_dim), false, vt_kv_element(out),
         rules->pool_pages},
        {"out", heads->out, out->q_len, out->heads, out->value_dim, true, 0, 0},
    };
    vt_tensor *tensors[4] = {&out->q, &out->k, &out->v, &out->out};
    for (int i = 0; i < 4; ++i) {
        if (out->weights && tensors[i] == &out->k)
            continue;
        vatten_result result = vt_fill_tensor(check, &shapes[i], tensors[i]);
        if (result == VATTEN_SUCCESS && (i == 1 || i == 2))
            result = vt_check_kv_strides(check, shapes[i].name, tensors[i]);
        if (result != VATTEN_SUCCESS)
            return result;
    }
    vt_sum lse = vt_times(vt_times(vt_sum_of(out->batch), vt_sum_of(out->heads)), vt_sum_of(out->q_len));
    lse = vt_times(lse, vt_sum_of(sizeof(float)));
    INVALID_IF(lse.overflow, "lse overflows 64 bits: batch %" PRIu64 ", heads %" PRIu32 ", tokens %" PRIu64,
               out->batch, out->heads, out->q_len);
    return VATTEN_SUCCESS;
}

uint64_t vt_tensor_bytes(const vt_problem *problem, const vt_tensor *tensor) {
    return tensor->elements * problem->element_bytes;
}

uint32_t vt_kv_element(const vt_problem *problem) {
    return problem->kv_bytes ? 1 : problem->kv_wide ? 4 : problem->element_bytes;
}

uint32_t vt_kv_row(const vt_problem *problem, uint32_t dim) {
    return problem->kv_bytes ? dim / problem->kv_block * (problem->kv_block + 4) : dim;
}

uint64_t vt_kv_bytes(const vt_problem *problem, const vt_tensor *tensor) {
    return tensor->elements * vt_kv_element(problem);
}

uint64_t vt_range(const vt_tensor *tensor, uint32_t element_bytes, uint64_t alignment, uint64_t batch,
                  uint64_t heads, uint64_t tokens, uint64_t dim) {
    vt_sum elements = vt_times(vt_sum_of(batch - 1), vt_sum_of(tensor->batch));
    elements = vt_plus(elements, vt_times(vt_sum_of(heads - 1), vt_sum_of(tensor->head)));
    elements = vt_plus(elements, vt_times(vt_sum_of(tokens - 1), vt_sum_of(tensor->token)));
    elements = vt_plus(elements, vt_sum_of(dim));
    vt_sum bytes = vt_times(elements, vt_sum_of(element_bytes));
    bytes = vt_plus(bytes, vt_sum_of(alignment));
    return bytes.overflow ? UINT64_MAX : bytes.value;
}

uint64_t vt_tensor_range(const vt_problem *problem, const vt_tensor *tensor, uint64_t alignment,
                         uint64_t batch, uint64_t heads, uint64_t tokens, uint64_t dim) {
    return vt_range(tensor, problem->element_bytes, alignment, batch, heads, tokens, dim);
}

uint64_t vt_lists_range(const vt_problem *problem, uint64_t alignment, uint64_t batch, uint64_t heads,
                        uint64_t rows) {
    return vt_range(&problem->list.words, sizeof(uint32_t), alignment, batch, heads, rows,
                    problem->list.row_words);
}

uint64_t vt_bias_range(const vt_problem *problem, uint64_t alignment, uint64_t batch, uint64_t heads,
                       uint64_t queries, uint64_t keys) {
    return vt_range(&problem->list.bias, sizeof(float), alignment, batch, heads, queries, keys);
}

vt_tensor vt_lse_tensor(const vt_problem *problem) {
    return (vt_tensor){problem->heads * problem->q_len, problem->q_len, 1, 0};
}

uint64_t vt_lse_bytes(const vt_problem *problem) {
    return problem->write_lse ? problem->batch * problem->heads * problem->q_len * sizeof(float) : 0;
}
