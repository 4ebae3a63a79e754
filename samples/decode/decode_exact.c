/* SPDX-License-Identifier: MIT */
#include "decode_exact.h"

#include <math.h>
#include <stdlib.h>

#include "storage.h"

double exact_tolerance(vatten_dtype dtype) {
    return dtype == VATTEN_DTYPE_F32 ? 5e-5 : dtype == VATTEN_DTYPE_F16 ? 2e-3 : 1.6e-2;
}

static void read_head(const tokens *t, const unsigned char *side, uint32_t entry, uint64_t token,
                      uint32_t kv_head, double *out) {
    const unsigned char *row = tokens_at(t, side, entry, token);
    size_t head = t->desc.dim * storage_bytes(t->desc.dtype);
    storage_read(t->desc.dtype, row + kv_head * head, t->desc.dim, out);
}

/* The queries that read one KV head: of a token the `group` heads that stand side by side, of all rows. */
typedef struct readers {
    uint32_t group, count; /* count = rows x group */
    double *q, *out;       /* [count][dim] */
    double *scores;        /* [count][length] */
    double *got;           /* [dim] */
} readers;

static bool sees(const tokens *t, const exact_step *s, uint32_t row, uint64_t token) {
    uint64_t own = s->length - s->rows + row;
    return token <= own && (!t->desc.window || token + t->desc.window > own);
}

static void read_reader(const tokens *t, uint32_t kv_head, const void *from, const readers *r,
                        uint32_t reader, double *out) {
    const unsigned char *rows = from;
    size_t head = t->desc.dim * storage_bytes(t->desc.dtype);
    size_t index = (size_t)(reader / r->group) * t->desc.heads + kv_head * r->group + reader % r->group;
    storage_read(t->desc.dtype, rows + index * head, t->desc.dim, out);
}

static void fill_scores(const tokens *t, const exact_step *s, uint32_t kv_head, readers *r) {
    const uint32_t dim = t->desc.dim;
    double key[VATTEN_MAX_DIM], scale = 1.0 / sqrt(dim);
    for (uint64_t token = 0; token < s->length; token++) {
        read_head(t, t->k, s->entry, token, kv_head, key);
        for (uint32_t n = 0; n < r->count; n++) {
            double sum = 0.0;
            for (uint32_t i = 0; i < dim; i++) {
                sum += r->q[n * dim + i] * key[i];
            }
            r->scores[n * s->length + token] = sees(t, s, n / r->group, token) ? scale * sum : -INFINITY;
        }
    }
}

/* Scores become weights that sum to 1. */
static void weigh(double *scores, uint64_t count) {
    double top = -INFINITY, total = 0.0;
    for (uint64_t i = 0; i < count; i++) {
        top = fmax(top, scores[i]);
    }
    for (uint64_t i = 0; i < count; i++) {
        scores[i] = exp(scores[i] - top);
        total += scores[i];
    }
    for (uint64_t i = 0; i < count; i++) {
        scores[i] /= total;
    }
}

static void add_values(const tokens *t, const exact_step *s, uint32_t kv_head, readers *r) {
    const uint32_t dim = t->desc.dim;
    double value[VATTEN_MAX_DIM];
    for (uint64_t token = 0; token < s->length; token++) {
        read_head(t, t->v, s->entry, token, kv_head, value);
        for (uint32_t n = 0; n < r->count; n++) {
            double weight = r->scores[n * s->length + token];
            for (uint32_t i = 0; i < dim; i++) {
                r->out[n * dim + i] += weight * value[i];
            }
        }
    }
}

static double head_error(const tokens *t, const exact_step *s, uint32_t kv_head, readers *r) {
    const uint32_t dim = t->desc.dim;
    double worst = 0.0;
    for (uint32_t n = 0; n < r->count; n++) {
        read_reader(t, kv_head, s->q, r, n, r->q + n * dim);
    }
    for (uint32_t i = 0; i < r->count * dim; i++) {
        r->out[i] = 0.0;
    }
    fill_scores(t, s, kv_head, r);
    for (uint32_t n = 0; n < r->count; n++) {
        weigh(r->scores + n * s->length, s->length);
    }
    add_values(t, s, kv_head, r);
    for (uint32_t n = 0; n < r->count; n++) {
        read_reader(t, kv_head, s->out, r, n, r->got);
        for (uint32_t i = 0; i < dim; i++) {
            double error = fabs(r->got[i] - r->out[n * dim + i]);
            worst = error <= worst ? worst : error == error ? error : INFINITY;
        }
    }
    return worst;
}

double exact_error(const tokens *t, const exact_step *s) {
    uint32_t group = t->desc.heads / t->desc.kv_heads, count = s->rows * group;
    size_t numbers = (size_t)count * t->desc.dim;
    readers r = {.group = group,
                 .count = count,
                 .q = malloc(numbers * sizeof(double)),
                 .out = malloc(numbers * sizeof(double)),
                 .scores = malloc((size_t)(count * s->length) * sizeof(double)),
                 .got = malloc(t->desc.dim * sizeof(double))};
    double worst = r.q && r.out && r.scores && r.got ? 0.0 : INFINITY;
    for (uint32_t kv_head = 0; kv_head < t->desc.kv_heads && worst < INFINITY; kv_head++) {
        worst = fmax(worst, head_error(t, s, kv_head, &r));
    }
    free(r.q);
    free(r.out);
    free(r.scores);
    free(r.got);
    return worst;
}
