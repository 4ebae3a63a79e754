/* SPDX-License-Identifier: MIT */
#include "preset_kit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static kit_tensor make(gpu *g, float *data, uint64_t count) {
    kit_tensor t = {.data = data, .count = count};
    if (!data || vatten_memory_create(g->context, count * sizeof *data, &t.memory) != VATTEN_SUCCESS ||
        vatten_memory_upload(t.memory, 0, data, count * sizeof *data) != VATTEN_SUCCESS) {
        gpu_fail(g, "no memory for %llu numbers", (unsigned long long)count);
        kit_free(&t);
    }
    return t;
}

kit_tensor kit_input(gpu *g, uint64_t seed, uint64_t count) {
    float *data = malloc(count * sizeof *data);
    for (uint64_t n = 0; data && n < count; ++n) {
        data[n] = ref_random(seed, n);
    }
    return make(g, data, count);
}

kit_tensor kit_output(gpu *g, uint64_t count) {
    float *data = malloc(count * sizeof *data);
    for (uint64_t n = 0; data && n < count; ++n) {
        data[n] = NAN;
    }
    return make(g, data, count);
}

kit_tensor kit_words(gpu *g, const uint32_t *words, uint64_t count) {
    float *data = malloc(count * sizeof *data);
    if (data) {
        memcpy(data, words, count * sizeof *data);
    }
    return make(g, data, count);
}

bool kit_read(gpu *g, kit_tensor *t) {
    bool good = t->memory &&
                vatten_memory_download(t->memory, 0, t->data, t->count * sizeof *t->data) == VATTEN_SUCCESS;
    if (!good) {
        gpu_fail(g, "download: %s", g->message);
    }
    return good;
}

void kit_free(kit_tensor *t) {
    vatten_memory_destroy(t->memory);
    free(t->data);
    *t = (kit_tensor){0};
}

vatten_buffer kit_buffer(const kit_tensor *t) {
    return vatten_memory_buffer(t->memory);
}

bool kit_run(gpu *g, const char *name, vatten_result result, vatten_plan *plan, const vatten_args *args) {
    double ms;
    bool made = result == VATTEN_SUCCESS;
    bool good = made && vatten_context_run(g->context, plan, args, &ms) == VATTEN_SUCCESS;
    if (!good) {
        gpu_fail(g, "%s: %s: %s", name, made ? "run" : "create", g->message);
    }
    vatten_plan_destroy(plan);
    gpu_check_validation(g, name);
    return good;
}

bool kit_begin(gpu *g, kit *t, uint64_t seed, vatten_heads *heads) {
    uint64_t q_count = t->q_len * t->heads * t->dim, k_count = t->kv_len * t->kv_heads * t->dim;
    t->q = kit_input(g, seed, q_count);
    t->k = kit_input(g, seed + 1, k_count);
    t->v = kit_input(g, seed + 2, k_count);
    t->out = kit_output(g, q_count);
    t->lse = kit_output(g, t->q_len * t->heads);
    *heads = (vatten_heads){.dtype = VATTEN_DTYPE_F32,
                            .batch = 1,
                            .heads = t->heads,
                            .kv_heads = t->kv_heads,
                            .dim = t->dim,
                            .write_lse = true};
    t->scale = 1.0 / sqrt((double)t->dim);
    g->cases++;
    return t->q.data && t->k.data && t->v.data && t->out.data && t->lse.data;
}

void kit_end(kit *t) {
    kit_free(&t->q);
    kit_free(&t->k);
    kit_free(&t->v);
    kit_free(&t->out);
    kit_free(&t->lse);
}

double kit_dot(const kit *t, const float *q, const float *k) {
    double sum = 0.0;
    for (uint32_t d = 0; d < t->dim; ++d) {
        sum += (double)q[d] * (double)k[d];
    }
    return sum;
}

const float *kit_q(const kit *t, uint64_t head, uint64_t query) {
    return t->q.data + (query * t->heads + head) * t->dim;
}

static uint64_t key_at(const kit *t, uint64_t head, uint64_t key) {
    return (key * t->kv_heads + head / (t->heads / t->kv_heads)) * t->dim;
}

const float *kit_k(const kit *t, uint64_t head, uint64_t key) {
    return t->k.data + key_at(t, head, key);
}

double kit_attend(const kit *t, uint64_t head, uint64_t query, const bool *sees, const float *bias,
                  double *out) {
    double *score = malloc(t->kv_len * sizeof *score), top = -INFINITY, sum = 0.0;
    memset(out, 0, t->dim * sizeof *out);
    for (uint64_t j = 0; score && j < t->kv_len; ++j) {
        score[j] = sees[j] ? t->scale * kit_dot(t, kit_q(t, head, query), kit_k(t, head, j)) : -INFINITY;
        score[j] += bias ? (double)bias[j] : 0.0;
        top = fmax(top, score[j]);
    }
    for (uint64_t j = 0; score && j < t->kv_len; ++j) {
        double weight = isinf(score[j]) ? 0.0 : exp(score[j] - top);
        sum += weight;
        for (uint32_t d = 0; d < t->dim; ++d) {
            out[d] += weight * (double)t->v.data[key_at(t, head, j) + d];
        }
    }
    for (uint32_t d = 0; d < t->dim; ++d) {
        out[d] = sum > 0.0 ? out[d] / sum : 0.0;
    }
    free(score);
    return sum > 0.0 ? top + log(sum) : -INFINITY;
}

bool kit_row_is(gpu *g, const char *name, const float *got, const double *want, uint64_t count) {
    g->rows++;
    for (uint64_t n = 0; n < count; ++n) {
        if (!(fabs((double)got[n] - want[n]) <= ref_tolerance(REF_F32))) {
            gpu_fail(g, "%s: dim %u is %.9g, not %.9g", name, (unsigned)n, (double)got[n], want[n]);
            return false;
        }
    }
    return true;
}

static bool row_is(gpu *g, const char *name, const kit *t, uint64_t head, uint64_t query, const bool *sees) {
    double want[256], lse = kit_attend(t, head, query, sees, NULL, want);
    double got = (double)t->lse.data[head * t->q_len + query];
    bool near = isinf(lse) ? got == lse : fabs(got - lse) <= ref_lse_tolerance();
    if (!near) {
        gpu_fail(g, "%s: head %u query %u: lse %g, not %g", name, (unsigned)head, (unsigned)query, got, lse);
    }
    return near && kit_row_is(g, name, t->out.data + (query * t->heads + head) * t->dim, want, t->dim);
}

void kit_compare(gpu *g, const char *name, const kit *t, const bool *sees, const bool *unsure) {
    uint64_t rows = t->heads * t->q_len, left_out = 0;
    for (uint64_t n = 0; n < rows; ++n) {
        left_out += unsure[n];
        if (!unsure[n] && !row_is(g, name, t, n / t->q_len, n % t->q_len, sees + n * t->kv_len)) {
            return;
        }
    }
    if (left_out * 20 > rows) {
        gpu_fail(g, "%s: %u of %u rows hang on rounding", name, (unsigned)left_out, (unsigned)rows);
    }
}

bool kit_take(const double *values, uint64_t count, uint64_t take, bool *in) {
    double last = INFINITY, next = -INFINITY;
    for (; take > 0; --take) {
        uint64_t best = count;
        for (uint64_t n = 0; n < count; ++n) {
            best = !in[n] && !isinf(values[n]) && (best == count || values[n] >= values[best]) ? n : best;
        }
        if (best == count) {
            return true;
        }
        in[best] = true;
        last = values[best];
    }
    for (uint64_t n = 0; n < count; ++n) {
        next = in[n] ? next : fmax(next, values[n]);
    }
    return last - next > KIT_NEAR || isinf(last);
}

/* ---- Boxes of a grid ---- */

kit_grid kit_grid_of(uint32_t rank, const uint64_t *extent, const uint32_t *block) {
    kit_grid g = {.count = 1};
    for (uint32_t a = 0; a < 3; ++a) {
        g.extent[a] = a < rank ? extent[a] : 1;
        g.block[a] = a < rank ? block[a] : 1;
        g.blocks[a] = (g.extent[a] + g.block[a] - 1) / g.block[a];
        g.count *= g.blocks[a];
    }
    return g;
}

uint64_t kit_block_of(const kit_grid *g, uint64_t token) {
    uint64_t x = token % g->extent[2], y = token / g->extent[2] % g->extent[1],
             z = token / g->extent[2] / g->extent[1];
    return (z / g->block[0] * g->blocks[1] + y / g->block[1]) * g->blocks[2] + x / g->block[2];
}

float *kit_means(const kit_grid *g, const float *x, uint64_t tokens, uint64_t heads, uint64_t head,
                 uint32_t dim) {
    double *sum = calloc(g->count * (dim + 1), sizeof *sum);
    float *mean = malloc(g->count * dim * sizeof *mean);
    for (uint64_t token = 0; token < tokens; ++token) {
        double *row = sum + kit_block_of(g, token) * (dim + 1);
        for (uint32_t d = 0; d < dim; ++d) {
            row[d] += (double)x[(token * heads + head) * dim + d];
        }
        row[dim] += 1.0;
    }
    for (uint64_t n = 0; n < g->count * dim; ++n) {
        mean[n] = (float)(sum[n / dim * (dim + 1) + n % dim] / sum[n / dim * (dim + 1) + dim]);
    }
    free(sum);
    return mean;
}

kit_choice kit_choice_of(uint64_t rows, uint64_t blocks) {
    kit_choice c = {rows, blocks, calloc(rows * blocks, sizeof *c.value), calloc(rows * blocks, sizeof *c.in),
                    calloc(rows, sizeof *c.unsure)};
    return c;
}

void kit_choice_free(kit_choice *c) {
    free(c->value);
    free(c->in);
    free(c->unsure);
}

void kit_take_best(kit_choice *c, uint64_t first, uint64_t rows, uint64_t take) {
    bool clear = kit_take(c->value + first * c->blocks, rows * c->blocks, take, c->in + first * c->blocks);
    for (uint64_t n = first; n < first + rows; ++n) {
        c->unsure[n] = c->unsure[n] || !clear;
    }
}

void kit_check_choice(gpu *g, const char *name, const kit *t, const kit_grid *grid, const kit_choice *c) {
    bool *sees = calloc(c->rows * t->kv_len, sizeof *sees);
    for (uint64_t n = 0; n < c->rows * t->kv_len; ++n) {
        sees[n] = c->in[n / t->kv_len * c->blocks + kit_block_of(grid, n % t->kv_len)];
    }
    kit_compare(g, name, t, sees, c->unsure);
    free(sees);
}
