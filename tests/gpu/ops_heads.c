/* SPDX-License-Identifier: MIT */
#include "ops_heads.h"

uint64_t ops_bounded(uint64_t value, uint64_t low, uint64_t high) {
    return value < low ? low : value > high ? high : value;
}

uint64_t ops_digit(uint64_t digits, uint64_t base, uint32_t place) {
    while (place-- > 0) {
        digits /= base;
    }
    return digits % base;
}

uint32_t ops_heads_of(const vatten_heads *h, uint64_t which) {
    return which % 3 == 0 ? h->heads : which % 3 == 1 ? h->kv_heads : 1;
}

vatten_strides ops_strides(const ops_case *c, uint32_t tensor, uint64_t tokens, uint64_t heads,
                           uint64_t dim) {
    uint64_t order = ops_digit(FIELD(order), 3, tensor), gap = FIELD(gap) % 64;
    vatten_strides s = {0, 0, 0};
    if (order == 1) {
        s.head = (int64_t)(dim + gap);
        s.token = s.head * (int64_t)heads + (int64_t)(gap * 7 % 10);
        s.batch = s.token * (int64_t)tokens + (int64_t)(gap * 3 % 10);
    } else if (order == 2) {
        s.token = (int64_t)(dim + gap);
        s.head = s.token * (int64_t)tokens + (int64_t)(gap * 7 % 10);
        s.batch = s.head * (int64_t)heads + (int64_t)(gap * 3 % 10);
    }
    return s;
}

vatten_dtype ops_dtype(const gpu *g, uint64_t field) {
    static const vatten_dtype dtypes[] = {VATTEN_DTYPE_F32, VATTEN_DTYPE_F16, VATTEN_DTYPE_BF16};
    return gpu_has_dtype(g, dtypes[field % 3]) ? dtypes[field % 3] : VATTEN_DTYPE_F32;
}

static bool is_softmax(const gpu_problem *p) {
    return p->grid ? !p->hood.weights : p->listed || p->dense.normaliser == VATTEN_NORMALISER_SOFTMAX;
}

vatten_layout ops_layout(const gpu *g, const ops_case *c, const gpu_problem *p) {
    static const vatten_layout plain[] = {VATTEN_LAYOUT_ROWS, VATTEN_LAYOUT_SUBGROUP, VATTEN_LAYOUT_SHARED};
    vatten_layout layout = g->only ? g->only : (vatten_layout)(FIELD(layout) % GPU_ALL_LAYOUTS);
    bool bytes = gpu_heads_of(p)->kv_dtype == VATTEN_DTYPE_I8, dense = !p->grid && !p->listed;
    bool halves = gpu_has_matrices(layout) || gpu_stages_f16(layout);
    bool fits = gpu_has_layout(g, layout) && !(halves && bytes) &&
                !((gpu_has_matrices(layout) || gpu_is_packed(layout)) && !is_softmax(p)) &&
                !(layout == VATTEN_LAYOUT_STREAM && !dense) &&
                !(layout == VATTEN_LAYOUT_DOT && !gpu_takes_dots(p));
    if (fits) {
        return layout;
    }
    layout = plain[FIELD(layout) % 3];
    return gpu_has_layout(g, layout) ? layout : VATTEN_LAYOUT_SHARED;
}

void ops_set_heads(const gpu *g, const ops_case *c, vatten_heads *h) {
    h->dtype = ops_dtype(g, FIELD(dtype));
    h->batch = ops_bounded(FIELD(batch), 1, 64);
    h->kv_heads = (uint32_t)ops_bounded(FIELD(kv_heads), 1, 64);
    h->heads = h->kv_heads * (uint32_t)ops_bounded(FIELD(group), 1, 64);
    h->dim = (uint32_t)ops_bounded(FIELD(dim), 1, 256);
    h->value_dim = (uint32_t)ops_bounded(FIELD(value_dim), 0, 256);
    h->scale = (float)ops_bounded(FIELD(scale), 0, 40) / 100.0f / (float)(1 + h->dim / 32);
    h->write_lse = FIELD(lse) != 0;
}

uint64_t ops_length_now(uint64_t field, uint64_t length) {
    return field == 0 ? 0 : field == 1 ? VATTEN_EMPTY : ops_bounded(field - 1, 1, length);
}

void ops_set_bytes(const ops_case *c, vatten_heads *h) {
    uint32_t block = 4 * (uint32_t)ops_bounded(FIELD(bytes), 0, 16);
    if (block) {
        h->kv_dtype = VATTEN_DTYPE_I8;
        h->kv_block = block;
        h->dim = (h->dim + block - 1) / block * block;
        h->value_dim = (h->value_dim + block - 1) / block * block;
    }
}

void ops_set_places(const ops_case *c, vatten_attention_desc *d) {
    d->lengths = (vatten_lengths)(FIELD(lengths) % 4);
    d->page_size = (uint32_t)ops_bounded(FIELD(page), 0, 4096);
    if (d->lengths == VATTEN_LENGTHS_PACKED) {
        d->heads.batch = 1;
        d->sequences = (uint32_t)ops_bounded(FIELD(sequences), 1, 64);
    }
    if (d->page_size) {
        uint64_t rows = d->sequences ? d->sequences : d->heads.batch;
        d->pool_pages = rows * ((d->kv_len + d->page_size - 1) / d->page_size) + 3;
    }
}
