/* SPDX-License-Identifier: MIT
 *
 * Problems so small that their answers are worked out by hand: q is 1, dim is 1, so k holds the scores; v is the unit
 * matrix, so that an output row holds the weight of each key.
 */
#ifndef VATTEN_REF_SMALL_H
#define VATTEN_REF_SMALL_H

#include "ref_dense.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h> /* after setjmp.h, stdarg.h and stdint.h */

#define SMALL_KEYS 40
#define SMALL_ROWS 64

typedef struct small {
    ref_dense_rule rule;
    ref_dense_more more;
    ref_problem problem;
    float q[SMALL_ROWS], k[SMALL_KEYS], v[SMALL_KEYS * SMALL_KEYS];
} small;

/* One batch entry, one KV head, all scores 0. Whatever the batch, k and v repeat. */
static inline void small_make(small *s, uint64_t batch, uint64_t q_len, uint64_t kv_len, uint64_t heads) {
    memset(s, 0, sizeof *s);
    assert_true(batch * q_len * heads <= SMALL_ROWS && kv_len <= SMALL_KEYS);
    s->rule = (ref_dense_rule){.q_len = q_len, .kv_len = kv_len, .left = -1, .right = -1};
    s->more = (ref_dense_more){.batch = batch, .q_tokens = q_len, .kv_tokens = kv_len};
    for (int i = 0; i < SMALL_ROWS; ++i) {
        s->q[i] = 1.0f;
    }
    for (uint64_t j = 0; j < kv_len; ++j) {
        s->v[j * kv_len + j] = 1.0f;
    }
    s->problem = (ref_problem){.heads = heads,
                               .kv_heads = 1,
                               .dim = 1,
                               .value_dim = kv_len,
                               .scale = 1.0,
                               .dense = &s->rule,
                               .more = &s->more,
                               .q = ref_packed(s->q, REF_F32, q_len, heads, 1),
                               .k = ref_packed(s->k, REF_F32, kv_len, 1, 1),
                               .v = ref_packed(s->v, REF_F32, kv_len, 1, kv_len)};
    s->problem.k.batch = s->problem.v.batch = 0;
}

/* One character for each key, '#' counts; all that count weigh the same. */
static inline void small_expect(const small *s, uint64_t b, uint64_t h, uint64_t query, const char *picture) {
    double out[SMALL_KEYS], p[SMALL_KEYS], lse;
    uint64_t visible, count = 0;
    for (uint64_t j = 0; j < s->problem.value_dim; ++j) {
        count += picture[j] == '#';
    }
    ref_row(&s->problem, b, h, query, out, &lse, &visible);
    ref_probabilities(&s->problem, b, h, query, p);
    assert_int_equal(visible, count);
    assert_true(count ? fabs(lse - log((double)count)) < 1e-12 : lse == -INFINITY);
    for (uint64_t j = 0; j < s->problem.value_dim; ++j) {
        double want = picture[j] == '#' ? 1.0 / (double)count : 0.0;
        if (!(fabs(out[j] - want) < 1e-12) || !(fabs(p[j] - want) < 1e-12)) {
            fail_msg("query %d: key %d weighs %g, expected %g", (int)query, (int)j, out[j], want);
        }
    }
}

/* The weight of a key and the row's LSE. */
static inline double small_weight(const small *s, uint64_t b, uint64_t h, uint64_t query, uint64_t key) {
    double out[SMALL_KEYS];
    ref_row(&s->problem, b, h, query, out, NULL, NULL);
    return out[key];
}

static inline double small_lse(const small *s, uint64_t b, uint64_t h, uint64_t query) {
    double lse;
    ref_row(&s->problem, b, h, query, NULL, &lse, NULL);
    return lse;
}

#define assert_near(got, want) assert_true(fabs((got) - (want)) < 1e-6)

#endif /* VATTEN_REF_SMALL_H */
