/* SPDX-License-Identifier: MIT
 *
 * One row of attention in numbered passes, all sums in double.
 */
#include "ref.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

double ref_load(const ref_tensor *tensor, uint64_t b, uint64_t t, uint64_t h, uint64_t d) {
    int64_t i =
        (int64_t)b * tensor->batch + (int64_t)t * tensor->token + (int64_t)h * tensor->head + (int64_t)d;

    switch (tensor->dtype) {
    case REF_F16:
        return (double)ref_f16_to_f32(((const uint16_t *)tensor->data)[i]);
    case REF_BF16:
        return (double)ref_bf16_to_f32(((const uint16_t *)tensor->data)[i]);
    default:
        return (double)((const float *)tensor->data)[i];
    }
}

ref_tensor ref_packed(const void *data, ref_dtype dtype, uint64_t tokens, uint64_t heads, uint64_t dim) {
    ref_tensor tensor = {
        .data = data,
        .dtype = dtype,
        .batch = (int64_t)(tokens * heads * dim),
        .token = (int64_t)(heads * dim),
        .head = (int64_t)dim,
    };
    return tensor;
}

static uint64_t key_count(const ref_problem *problem) {
    if (problem->own) {
        return problem->own->keys;
    }
    if (problem->dense) {
        return problem->dense->kv_len;
    }
    uint64_t tokens = 1;
    for (uint32_t a = 0; a < problem->grid->rank; ++a) {
        tokens *= problem->grid->axis[a].extent;
    }
    return tokens;
}

static bool pair_visible(const ref_problem *problem, uint64_t query, uint64_t key) {
    if (problem->own) {
        return problem->own->sees(problem->own->user, query, key);
    }
    return problem->dense ? ref_dense_visible(problem->dense, query, key)
                          : ref_grid_visible(problem->grid, query, key);
}

static uint64_t padding_of(const ref_problem *problem, uint64_t query) {
    if (problem->own) {
        return problem->own->padding ? problem->own->padding(problem->own->user, query) : 0;
    }
    return problem->grid ? ref_grid_padding(problem->grid, query) : 0;
}

static void *need(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size);
    if (!memory) {
        fprintf(stderr, "oracle: out of memory\n");
        abort();
    }
    return memory;
}

/* What one row works on: the visible keys (own ones first, then the extra ones) and a number for each. */
typedef struct row_work {
    uint64_t *keys; /* [count] token index in k, or in extra_k from `own` on */
    uint64_t own, count;
    uint64_t padding; /* keys with score 0 and value 0 besides */
    double *q;        /* [dim] */
    double *weight;   /* [count] scores, then their exponentials */
    double *acc;      /* [value_dim] */
} row_work;

/* s_j = scale * q . k_j */
static void score_keys(const ref_problem *problem, uint64_t b, uint64_t kv_head, double scale,
                       row_work *work) {
    for (uint64_t n = 0; n < work->count; ++n) {
        const ref_tensor *k = n < work->own ? &problem->k : &problem->extra_k;
        double dot = 0.0;
        for (uint64_t d = 0; d < problem->dim; ++d) {
            dot += work->q[d] * ref_load(k, b, work->keys[n], kv_head, d);
        }
        work->weight[n] = scale * dot;
    }
}

/* s_j -> exp(s_j - max), padded keys with s_j = 0 included; returns the log-sum-exp of the scores and the sum of the exponentials. */
static double exponentiate(row_work *work, double *out_sum) {
    double highest = work->padding ? 0.0 : -INFINITY;
    for (uint64_t n = 0; n < work->count; ++n) {
        highest = fmax(highest, work->weight[n]);
    }
    double sum = work->padding ? (double)work->padding * exp(-highest) : 0.0;
    for (uint64_t n = 0; n < work->count; ++n) {
        work->weight[n] = exp(work->weight[n] - highest);
        sum += work->weight[n];
    }
    *out_sum = sum;
    return work->count || work->padding ? highest + log(sum) : -INFINITY;
}

/* acc = sum_j weight_j v_j */
static void sum_values(const ref_problem *problem, uint64_t b, uint64_t kv_head, row_work *work) {
    for (uint64_t n = 0; n < work->count; ++n) {
        const ref_tensor *v = n < work->own ? &problem->v : &problem->extra_v;
        for (uint64_t d = 0; d < problem->value_dim; ++d) {
            work->acc[d] += work->weight[n] * ref_load(v, b, work->keys[n], kv_head, d);
        }
    }
}

void ref_row(const ref_problem *problem, uint64_t b, uint64_t h, uint64_t query, double *out, double *lse,
             uint64_t *visible) {
    uint64_t kv_head = h / (problem->heads / problem->kv_heads);
    uint64_t keys = key_count(problem);
    double scale = problem->scale != 0.0 ? problem->scale : 1.0 / sqrt((double)problem->dim);
    double sum = 0.0;
    row_work work = {0};
    work.keys = need(keys + problem->extra_len, sizeof *work.keys);

    /* 1. the keys that count */
    for (uint64_t j = 0; j < keys; ++j) {
        if (pair_visible(problem, query, j)) {
            work.keys[work.own++] = j;
        }
    }
    for (work.count = work.own; work.count < work.own + problem->extra_len; ++work.count) {
        work.keys[work.count] = work.count - work.own;
    }

    work.padding = padding_of(problem, query);

    /* 2. q, scores, softmax */
    work.q = need(problem->dim, sizeof *work.q);
    work.weight = need(work.count, sizeof *work.weight);
    work.acc = need(problem->value_dim, sizeof *work.acc);
    for (uint64_t d = 0; d < problem->dim; ++d) {
        work.q[d] = ref_load(&problem->q, b, query, h, d);
    }
    score_keys(problem, b, kv_head, scale, &work);
    double row_lse = exponentiate(&work, &sum);

    /* 3. out = acc / sum; a row without keys is 0 */
    if (out) {
        sum_values(problem, b, kv_head, &work);
        for (uint64_t d = 0; d < problem->value_dim; ++d) {
            out[d] = work.count ? work.acc[d] / sum : 0.0;
        }
    }
    if (lse) {
        *lse = row_lse;
    }
    if (visible) {
        *visible = work.count;
    }
    free(work.acc);
    free(work.weight);
    free(work.q);
    free(work.keys);
}

double ref_tolerance(ref_dtype dtype) {
    switch (dtype) {
    case REF_F16:
        return 2e-3;
    case REF_BF16:
        return 1.6e-2;
    default:
        return 2e-5;
    }
}

double ref_lse_tolerance(void) {
    return 1e-4;
}
