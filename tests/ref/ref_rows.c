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
    if (problem->lists) {
        return problem->lists->dense.kv_len;
    }
    uint64_t tokens = 1;
    for (uint32_t a = 0; a < problem->grid->rank; ++a) {
        tokens *= problem->grid->axis[a].extent;
    }
    return tokens;
}

/* How often a key counts: once or not at all, except in lists. */
static uint64_t pair_times(const ref_problem *problem, uint64_t b, uint64_t h, uint64_t query, uint64_t key) {
    if (problem->lists) {
        uint64_t group = problem->heads / problem->lists->heads;
        return ref_lists_times(problem->lists, b, h / group, query, key);
    }
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
    uint64_t b, h, query;
    uint64_t *keys; /* [count] token index in k, or in extra_k from `own` on */
    uint64_t own, count;
    uint64_t padding; /* keys with value 0 besides */
    double *pad;      /* [padding] their scores */
    double *q;        /* [q_dim] */
    double *weight;   /* [count] scores, then their exponentials */
    double *acc;      /* [value_dim] */
} row_work;

/* Where the bias of these offsets stands in the table of the row's head. */
static double table_bias(const ref_problem *problem, const row_work *work, const int64_t offset[3]) {
    const ref_table *table = problem->table;
    int64_t at = (int64_t)work->h;
    for (uint32_t a = 0; a < problem->grid->rank; ++a) {
        int64_t window = (int64_t)table->window[a];
        at = at * (2 * window - 1) + window - 1 + offset[a];
    }
    return (double)table->data[at];
}

static double pair_bias(const ref_problem *problem, const row_work *work, uint64_t key) {
    const ref_bias *bias = problem->bias;
    int64_t head = (int64_t)(work->h / (problem->heads / bias->heads));
    return (double)bias->data[(int64_t)work->b * bias->batch + head * bias->head +
                              (int64_t)work->query * bias->token + (int64_t)key];
}

static double key_bias(const ref_problem *problem, const row_work *work, uint64_t key) {
    if (problem->bias) {
        return pair_bias(problem, work, key);
    }
    if (problem->own && problem->own->bias) {
        return problem->own->bias(problem->own->user, work->h, work->query, key);
    }
    if (!problem->table) {
        return 0.0;
    }
    int64_t offset[3];
    uint64_t query = work->query;
    for (uint32_t a = problem->grid->rank; a-- > 0;) {
        const ref_axis_rule *axis = &problem->grid->axis[a];
        offset[a] = ref_axis_offset(axis, query % axis->extent, key % axis->extent);
        query /= axis->extent;
        key /= axis->extent;
    }
    return table_bias(problem, work, offset);
}

/* The offsets of the grid's window in turn: each axis by itself from -window to window. */
static void score_padding(const ref_problem *problem, row_work *work) {
    const ref_axis_rule none = {.extent = 1, .window = 1, .stride = 1, .dilation = 1, .edge = REF_CROP};
    uint64_t found = 0, query = work->query, at[3] = {0};
    ref_axis_rule axis[3] = {none, none, none};
    for (uint32_t a = problem->grid->rank; a-- > 0;) {
        axis[a] = problem->grid->axis[a];
        at[a] = query % axis[a].extent;
        query /= axis[a].extent;
    }
    int64_t w[3] = {(int64_t)axis[0].window, (int64_t)axis[1].window, (int64_t)axis[2].window}, o[3];
    for (o[0] = -w[0]; o[0] <= w[0]; ++o[0]) {
        for (o[1] = -w[1]; o[1] <= w[1]; ++o[1]) {
            for (o[2] = -w[2]; o[2] <= w[2]; ++o[2]) {
                ref_place p[3];
                for (int a = 0; a < 3; ++a) {
                    p[a] = ref_axis_place(&axis[a], at[a], o[a]);
                }
                bool counts = p[0] != REF_HIDDEN && p[1] != REF_HIDDEN && p[2] != REF_HIDDEN;
                if (counts && (p[0] == REF_PADDED || p[1] == REF_PADDED || p[2] == REF_PADDED)) {
                    if (found == work->padding) {
                        fprintf(stderr, "oracle: more padded keys than were counted\n");
                        abort();
                    }
                    work->pad[found++] = table_bias(problem, work, o);
                }
            }
        }
    }
}

/* s_j = scale * q . k_j + bias */
static void score_keys(const ref_problem *problem, uint64_t b, uint64_t kv_head, row_work *work) {
    double scale = problem->scale != 0.0 ? problem->scale : 1.0 / sqrt((double)problem->dim);
    for (uint64_t n = 0; n < work->count; ++n) {
        const ref_tensor *k = n < work->own ? &problem->k : &problem->extra_k;
        double dot = 0.0;
        for (uint64_t d = 0; d < problem->dim; ++d) {
            dot += work->q[d] * ref_load(k, b, work->keys[n], kv_head, d);
        }
        work->weight[n] = scale * dot + (n < work->own ? key_bias(problem, work, work->keys[n]) : 0.0);
    }
    if (work->padding && problem->table) {
        score_padding(problem, work);
    }
}

/* s_j -> exp(s_j - max), padded keys included; returns the log-sum-exp of the scores and the sum of the exponentials. */
static double exponentiate(row_work *work, double *out_sum) {
    double highest = -INFINITY;
    double sum = 0.0;
    for (uint64_t n = 0; n < work->count; ++n) {
        highest = fmax(highest, work->weight[n]);
    }
    for (uint64_t n = 0; n < work->padding; ++n) {
        highest = fmax(highest, work->pad[n]);
    }
    double from = isinf(highest) ? 0.0 : highest; /* no key, or a bias of -inf on each */
    for (uint64_t n = 0; n < work->count; ++n) {
        work->weight[n] = exp(work->weight[n] - from);
        sum += work->weight[n];
    }
    for (uint64_t n = 0; n < work->padding; ++n) {
        sum += exp(work->pad[n] - from);
    }
    *out_sum = sum;
    return from + log(sum);
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

static void take_weights(const ref_problem *problem, uint64_t b, row_work *work) {
    for (uint64_t n = 0; n < work->count; ++n) {
        uint64_t index = ref_grid_window_index(problem->grid, work->query, work->keys[n]);
        work->weight[n] = ref_load(&problem->q, b, work->query, work->h, index);
    }
}

/* The keys that count, and how many are padded besides. */
static void find_keys(const ref_problem *problem, uint64_t b, row_work *work) {
    uint64_t keys = key_count(problem), most = keys;
    for (uint64_t j = 0; j < keys && problem->lists; ++j) {
        most += pair_times(problem, b, work->h, work->query, j);
    }
    work->keys = need(most + problem->extra_len, sizeof *work->keys);
    for (uint64_t j = 0; j < keys; ++j) {
        uint64_t times = pair_times(problem, b, work->h, work->query, j);
        for (uint64_t n = 0; n < times; ++n) {
            work->keys[work->own++] = j;
        }
    }
    for (work->count = work->own; work->count < work->own + problem->extra_len; ++work->count) {
        work->keys[work->count] = work->count - work->own;
    }
    work->padding = problem->weights ? 0 : padding_of(problem, work->query);
}

void ref_row(const ref_problem *problem, uint64_t b, uint64_t h, uint64_t query, double *out, double *lse,
             uint64_t *visible) {
    uint64_t kv_head = h / (problem->heads / problem->kv_heads);
    double sum = 1.0, row_lse = 0.0;
    row_work work = {.b = b, .h = h, .query = query};

    /* 1. the keys that count */
    find_keys(problem, b, &work);
    work.pad = need(work.padding, sizeof *work.pad);
    work.q = need(problem->dim, sizeof *work.q);
    work.weight = need(work.count, sizeof *work.weight);
    work.acc = need(problem->value_dim, sizeof *work.acc);

    /* 2. q, scores, softmax; or given weights */
    for (uint64_t d = 0; d < problem->dim && !problem->weights; ++d) {
        work.q[d] = ref_load(&problem->q, b, query, h, d);
    }
    if (problem->weights) {
        take_weights(problem, b, &work);
    } else {
        score_keys(problem, b, kv_head, &work);
        row_lse = exponentiate(&work, &sum);
    }

    /* 3. out = acc / sum; a row without keys is 0 */
    if (out) {
        sum_values(problem, b, kv_head, &work);
        for (uint64_t d = 0; d < problem->value_dim; ++d) {
            out[d] = sum > 0.0 ? work.acc[d] / sum : 0.0;
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
    free(work.pad);
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
