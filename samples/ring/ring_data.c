/* SPDX-License-Identifier: MIT */
#include "ring_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"

/* splitmix64 (Vigna): well mixed whatever the numbers that go in. */
static uint64_t mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15ull;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

/* Four uniform numbers summed up and scaled to unit variance: near enough to normal, and the same everywhere. */
static float number_of(uint64_t key) {
    uint64_t bits = mix(key);
    double sum = 0.0;
    for (int i = 0; i < 4; i++) {
        sum += (double)(bits >> 16 * i & 0xffff) / 65535.0 - 0.5;
    }
    return (float)(sum * sqrt(3.0));
}

size_t ring_token_size(const ring_shape *s, ring_tensor which) {
    return (size_t)(which == RING_Q ? s->heads : s->kv_heads) * s->dim;
}

void ring_fill(const ring_shape *s, ring_tensor which, uint32_t token, float *out) {
    uint64_t key = mix(mix((uint64_t)s->seed << 2 | which) + token);
    for (size_t d = 0; d < ring_token_size(s, which); d++) {
        out[d] = number_of(key + d);
    }
}

static float *make_tensor(const ring_shape *s, ring_tensor which, uint32_t tokens) {
    size_t size = ring_token_size(s, which);
    float *out = malloc(tokens * size * sizeof(float));
    for (uint32_t t = 0; out && t < tokens; t++) {
        ring_fill(s, which, t, out + t * size);
    }
    return out;
}

bool ring_whole_make(const ring_shape *s, ring_whole *out) {
    out->tokens = s->tokens + (s->method == RING_METHOD_STAR ? s->query : 0);
    out->q = make_tensor(s, RING_Q, out->tokens);
    out->k = make_tensor(s, RING_K, out->tokens);
    out->v = make_tensor(s, RING_V, out->tokens);
    return (out->q && out->k && out->v) || complain("out of memory");
}

void ring_whole_free(ring_whole *whole) {
    free(whole->q);
    free(whole->k);
    free(whole->v);
    memset(whole, 0, sizeof(*whole));
}

static double score(const ring_shape *s, const float *q, const float *k) {
    double sum = 0.0;
    for (uint32_t d = 0; d < s->dim; d++) {
        sum += (double)q[d] * k[d];
    }
    return sum / sqrt((double)s->dim);
}

/* Scores of this data are small: no maximum has to be taken out before exp in double. */
void ring_exact(const ring_shape *s, const ring_whole *whole, uint32_t token, uint32_t head, bool full,
                double *out, double *lse) {
    size_t size = ring_token_size(s, RING_K), at = (size_t)(head / (s->heads / s->kv_heads)) * s->dim;
    const float *q = whole->q + token * ring_token_size(s, RING_Q) + (size_t)head * s->dim;
    bool causal = s->causal || s->method == RING_METHOD_STAR;
    double sum = 0.0;
    memset(out, 0, s->dim * sizeof(*out));
    for (uint32_t j = 0; j < whole->tokens; j++) {
        if (full ? causal && j > token : !ring_sees(s, token, j)) {
            continue;
        }
        double weight = exp(score(s, q, whole->k + j * size + at));
        sum += weight;
        for (uint32_t d = 0; d < s->dim; d++) {
            out[d] += weight * whole->v[j * size + at + d];
        }
    }
    for (uint32_t d = 0; d < s->dim; d++) {
        out[d] /= sum;
    }
    *lse = log(sum);
}
