/* SPDX-License-Identifier: MIT
 *
 * One row of attention in numbered passes, all sums in double.
 */
#include "ref_dense.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double log2_e = 1.44269504088896340736;

/* Where element d of a row of blocks is, and the scale before it. */
static double load_i8(const ref_tensor *tensor, int64_t row, uint64_t d) {
    const char *block = (const char *)tensor->data + row + (int64_t)(d / tensor->block * (tensor->block + 4));
    float scale;
    signed char number;
    memcpy(&scale, block, sizeof scale);
    memcpy(&number, block + 4 + d % tensor->block, sizeof number);
    return (double)scale * number;
}

double ref_load(const ref_tensor *tensor, uint64_t b, uint64_t t, uint64_t h, uint64_t d) {
    int64_t row = (int64_t)b * tensor->batch + (int64_t)t * tensor->token + (int64_t)h * tensor->head;
    int64_t i = row + (int64_t)d;

    switch (tensor->dtype) {
    case REF_F16:
        return (double)ref_f16_to_f32(((const uint16_t *)tensor->data)[i]);
    case REF_I8:
        return load_i8(tensor, row, d);
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

uint64_t ref_key_count(const ref_problem *problem) {
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
    double from, sum; /* what exponentials are counted from, and their sum; no softmax: 0 and 1 */
    double lse;
    ref_entry entry;    /* dense problems */
    double sink;        /* a score without a value; -inf: none */
    const float *state; /* that the row starts from; NULL: none */
} row_work;

/* How often a key counts: once or not at all, except in lists. */
static uint64_t pair_times(const ref_problem *problem, const row_work *work, uint64_t key) {
    if (problem->lists) {
        uint64_t group = problem->heads / problem->lists->heads;
        return ref_lists_times(problem->lists, work->b, work->h / group, work->query, key);
    }
    if (problem->own) {
        return problem->own->sees(problem->own->user, work->query, key);
    }
    if (problem->more) {
        return ref_dense_sees(problem, &work->entry, work->h, key);
    }
    return problem->dense ? ref_dense_visible(problem->dense, work->query, key)
                          : ref_grid_visible(problem->grid, work->query, key);
}

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

/* Where a key stands in k and v, or extra_k and extra_v. */
static void locate(const ref_problem *problem, const row_work *work, uint64_t n, uint64_t *out_batch,
                   uint64_t *out_token) {
    *out_batch = problem->more ? work->entry.batch : work->b;
    *out_token = work->keys[n];
    if (problem->more && n < work->own) {
        ref_dense_place(problem, &work->entry, work->keys[n], out_batch, out_token);
    }
}

/* s_j = scale * q . k_j + bias */
static double score_of(const ref_problem *problem, const row_work *work, uint64_t n, double dot) {
    if (problem->more) {
        return ref_dense_score(problem, &work->entry, work->h, work->keys[n], n >= work->own, dot);
    }
    double scale = problem->scale != 0.0 ? problem->scale : 1.0 / sqrt((double)problem->dim);
    return scale * dot + (n < work->own ? key_bias(problem, work, work->keys[n]) : 0.0);
}

static void score_keys(const ref_problem *problem, uint64_t kv_head, row_work *work) {
    for (uint64_t n = 0; n < work->count; ++n) {
        const ref_tensor *k = n < work->own ? &problem->k : &problem->extra_k;
        uint64_t batch, token;
        double dot = 0.0;
        locate(problem, work, n, &batch, &token);
        for (uint64_t d = 0; d < problem->dim; ++d) {
            dot += work->q[d] * ref_load(k, batch, token, kv_head, d);
        }
        work->weight[n] = score_of(problem, work, n, dot);
    }
    if (work->padding && problem->table) {
        score_padding(problem, work);
    }
}

static double highest_score(const ref_problem *problem, const row_work *work) {
    double highest = work->sink;
    for (uint64_t n = 0; n < work->count; ++n) {
        highest = fmax(highest, work->weight[n]);
    }
    for (uint64_t n = 0; n < work->padding; ++n) {
        highest = fmax(highest, work->pad[n]);
    }
    if (work->state && work->state[problem->value_dim + 1] > 0.0f) {
        highest = fmax(highest, (double)work->state[problem->value_dim] / log2_e);
    }
    return highest;
}

/* s_j -> exp(s_j - max), padded keys, a sink and what a state has seen included. */
static void exponentiate(const ref_problem *problem, row_work *work) {
    double highest = highest_score(problem, work), sum = 0.0;
    double from = isinf(highest) ? 0.0 : highest; /* no key, or a bias of -inf on each */
    for (uint64_t n = 0; n < work->count; ++n) {
        work->weight[n] = exp(work->weight[n] - from);
        sum += work->weight[n];
    }
    for (uint64_t n = 0; n < work->padding; ++n) {
        sum += exp(work->pad[n] - from);
    }
    sum += exp(work->sink - from);
    if (work->state && work->state[problem->value_dim + 1] > 0.0f) {
        double factor = exp((double)work->state[problem->value_dim] / log2_e - from);
        sum += factor * (double)work->state[problem->value_dim + 1];
        for (uint64_t d = 0; d < problem->value_dim; ++d) {
            work->acc[d] += factor * (double)work->state[d];
        }
    }
    work->from = from;
    work->sum = sum;
    work->lse = from + log(sum);
}

/* acc = acc + sum_j weight_j v_j */
static void sum_values(const ref_problem *problem, uint64_t kv_head, row_work *work) {
    for (uint64_t n = 0; n < work->count; ++n) {
        const ref_tensor *v = n < work->own ? &problem->v : &problem->extra_v;
        uint64_t batch, token;
        locate(problem, work, n, &batch, &token);
        for (uint64_t d = 0; d < problem->value_dim; ++d) {
            work->acc[d] += work->weight[n] * ref_load(v, batch, token, kv_head, d);
        }
    }
}

static void take_weights(const ref_problem *problem, row_work *work) {
    for (uint64_t n = 0; n < work->count; ++n) {
        uint64_t index = ref_grid_window_index(problem->grid, work->query, work->keys[n]);
        work->weight[n] = ref_load(&problem->q, work->b, work->query, work->h, index);
    }
}

/* A row's own way from scores to weights, without a softmax. */
static void normalise(const ref_problem *problem, row_work *work) {
    for (uint64_t n = 0; n < work->count; ++n) {
        work->weight[n] = ref_normalised(problem->more->normaliser, work->weight[n]);
    }
    work->lse = NAN;
}

/* The keys that count, and how many are padded besides. */
static void find_keys(const ref_problem *problem, row_work *work) {
    uint64_t keys = ref_key_count(problem), most = keys, extra = problem->extra_len;
    for (uint64_t j = 0; j < keys && problem->lists; ++j) {
        most += pair_times(problem, work, j);
    }
    work->keys = need(most + extra, sizeof *work->keys);
    for (uint64_t j = 0; j < keys; ++j) {
        uint64_t times = pair_times(problem, work, j);
        for (uint64_t n = 0; n < times; ++n) {
            work->keys[work->own++] = j;
        }
    }
    if (problem->more && ref_dense_gain(problem, &work->entry, work->h) == 0.0) {
        extra = 0; /* the head is skipped */
    }
    for (work->count = work->own; work->count < work->own + extra; ++work->count) {
        work->keys[work->count] = work->count - work->own;
    }
    work->padding = problem->weights ? 0 : padding_of(problem, work->query);
}

/* What a dense row has besides keys. */
static void begin_dense(const ref_problem *problem, row_work *work) {
    if (problem->dense) {
        work->entry = ref_dense_entry(problem, work->b, work->query);
    }
    if (problem->more) {
        work->sink = ref_dense_sink(problem, &work->entry, work->h);
        work->state = ref_dense_state(problem, &work->entry, work->h);
    }
}

/* Up to the weight of each key. */
static void weigh_row(const ref_problem *problem, row_work *work) {
    uint64_t kv_head = work->h / (problem->heads / problem->kv_heads);
    work->sum = 1.0;
    work->sink = -INFINITY;
    begin_dense(problem, work);

    /* 1. the keys that count */
    find_keys(problem, work);
    work->pad = need(work->padding, sizeof *work->pad);
    work->q = need(problem->dim, sizeof *work->q);
    work->weight = need(work->count, sizeof *work->weight);
    work->acc = need(problem->value_dim, sizeof *work->acc);

    /* 2. q, scores, softmax; or given weights */
    if (problem->weights) {
        take_weights(problem, work);
        return;
    }
    for (uint64_t d = 0; d < problem->dim; ++d) {
        work->q[d] = ref_load(&problem->q, work->b, work->query, work->h, d);
    }
    score_keys(problem, kv_head, work);
    if (problem->more && problem->more->normaliser != REF_SOFTMAX) {
        normalise(problem, work);
    } else {
        exponentiate(problem, work);
    }
}

static void end_row(row_work *work) {
    free(work->acc);
    free(work->weight);
    free(work->q);
    free(work->pad);
    free(work->keys);
}

void ref_row(const ref_problem *problem, uint64_t b, uint64_t h, uint64_t query, double *out, double *lse,
             uint64_t *visible) {
    row_work work = {.b = b, .h = h, .query = query};
    weigh_row(problem, &work);

    /* 3. out = acc / sum; a row without keys is 0 */
    double gain = problem->more ? ref_dense_gain(problem, &work.entry, h) : 1.0;
    if (out) {
        sum_values(problem, h / (problem->heads / problem->kv_heads), &work);
        for (uint64_t d = 0; d < problem->value_dim; ++d) {
            out[d] = work.sum > 0.0 ? gain * work.acc[d] / work.sum : 0.0;
        }
    }
    if (lse) {
        *lse = work.lse;
    }
    if (visible) {
        *visible = work.count;
    }
    end_row(&work);
}

void ref_row_state(const ref_problem *problem, uint64_t b, uint64_t h, uint64_t query, double *state) {
    row_work work = {.b = b, .h = h, .query = query};
    weigh_row(problem, &work);
    sum_values(problem, h / (problem->heads / problem->kv_heads), &work);
    for (uint64_t d = 0; d < problem->value_dim; ++d) {
        state[d] = work.acc[d];
    }
    state[problem->value_dim] = work.sum > 0.0 ? work.from * log2_e : -INFINITY;
    state[problem->value_dim + 1] = work.sum;
    end_row(&work);
}

void ref_state_row(const double *state, uint64_t value_dim, double *out, double *lse) {
    double sum = state[value_dim + 1];
    for (uint64_t d = 0; d < value_dim && out; ++d) {
        out[d] = sum > 0.0 ? state[d] / sum : 0.0;
    }
    if (lse) {
        *lse = sum > 0.0 ? state[value_dim] / log2_e + log(sum) : -INFINITY;
    }
}

void ref_probabilities(const ref_problem *problem, uint64_t b, uint64_t h, uint64_t query, double *p) {
    row_work work = {.b = b, .h = h, .query = query};
    weigh_row(problem, &work);
    for (uint64_t j = 0; j < ref_key_count(problem); ++j) {
        p[j] = 0.0;
    }
    for (uint64_t n = 0; n < work.own; ++n) {
        p[work.entry.first_key + work.keys[n]] += work.sum > 0.0 ? work.weight[n] / work.sum : 0.0;
    }
    end_row(&work);
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

double ref_lse_tolerance_packed(void) {
    return 2e-3;
}
