/* SPDX-License-Identifier: MIT
 *
 * What dense attention has beyond lengths, causality, window and prefix: told again from include/vatten/dense.h, in
 * words of the oracle's own. Tables lie in memory as that header says.
 */
#ifndef VATTEN_REF_DENSE_H
#define VATTEN_REF_DENSE_H

#include "ref.h"

typedef enum ref_normaliser {
    REF_SOFTMAX,
    REF_SIGMOID,
    REF_RELU,
    REF_RELU2,
    REF_LAPLACE,
    REF_IDENTITY
} ref_normaliser;

/* Which members of ref_head count. */
typedef enum ref_head_field {
    REF_HEAD_SCALE = 1,
    REF_HEAD_SINK = 2,
    REF_HEAD_SLOPE = 4,
    REF_HEAD_OFFSET = 8,
    REF_HEAD_GAIN = 16,
    REF_HEAD_WINDOW = 32,
    REF_HEAD_PREFIX = 64
} ref_head_field;

typedef struct ref_head {
    float scale, sink, slope, offset, gain;
    int32_t left, right;
    uint32_t prefix;
} ref_head;

typedef enum ref_lengths {
    REF_LENGTHS_PLAN,
    REF_LENGTHS_KV,
    REF_LENGTHS_BOTH,
    REF_LENGTHS_PACKED
} ref_lengths;

typedef enum ref_bias_kind { REF_BIAS_NONE, REF_BIAS_RELATIVE, REF_BIAS_TENSOR, REF_BIAS_AXES } ref_bias_kind;

/* What is added to scores. Strides count elements and are those of TENSOR, as they are. */
typedef struct ref_dense_bias {
    ref_bias_kind kind;
    const void *data;
    ref_dtype dtype; /* F32 or F16; RELATIVE is always f32 */
    uint64_t heads;  /* required */
    int64_t batch, head, query, key;
    uint64_t rank, extent[3], reach[3];
} ref_dense_bias;

typedef struct ref_dense_more {
    uint64_t batch, q_tokens, kv_tokens; /* that tables have room for; lengths in use are in ref_dense_rule */
    uint64_t chunk, key_stride, key_phase;

    /* Masks: NULL where there is none. */
    uint64_t mask_heads; /* 0 = 1 */
    bool mask_batch;
    const uint32_t *q_segments, *kv_segments; /* [Mb][tokens] */
    const uint32_t *visible;                  /* [Mh][segments][words]; NULL: equal ids */
    uint64_t segments;
    const uint32_t *intervals; /* [Mb][Mh][q][2] */
    const uint32_t *expiry;    /* [Mb][Mh][kv] */
    const uint32_t *bits;      /* [Mb][Mh][q][words] */

    const ref_head *heads; /* [heads], with head_batch [batch][heads]; NULL: none */
    uint32_t head_fields;
    bool head_batch, alibi_signed;
    double softcap; /* 0 = none */
    ref_dense_bias bias;

    ref_lengths lengths;
    uint64_t sequences;
    const uint32_t *q_lengths, *kv_lengths, *q_starts, *kv_starts;
    uint64_t page_size, pool_pages; /* 0 = no pages: the batch of k and v is that of a page */
    const uint32_t *pages;

    ref_normaliser normaliser;
    /* That rows start from, [batch][heads][q_tokens][value_dim + 2]; NULL: none. The sink has joined it already. */
    const float *state;
} ref_dense_more;

/* Where a row of queries stands. Packed sequences are entries of their own: their first tokens are those of the tensors,
 * and `query` counts from there. */
typedef struct ref_entry {
    uint64_t batch; /* of the tensors and of tables */
    uint64_t index; /* batch entry or sequence */
    uint64_t query, q_len, kv_len;
    uint64_t first_query, first_key;
} ref_entry;

/* `query` is the token in q. */
ref_entry ref_dense_entry(const ref_problem *problem, uint64_t b, uint64_t query);

/* `key` counts in the entry. */
bool ref_dense_sees(const ref_problem *problem, const ref_entry *entry, uint64_t head, uint64_t key);

/* Which batch and token of k and v a key is. */
void ref_dense_place(const ref_problem *problem, const ref_entry *entry, uint64_t key, uint64_t *out_batch,
                     uint64_t *out_token);

/* Scale, cap, bias: q . k -> s. An extra key has no place, and neither bias nor slope. */
double ref_dense_score(const ref_problem *problem, const ref_entry *entry, uint64_t head, uint64_t key,
                       bool extra, double dot);

/* What a normaliser other than the softmax makes of a score; -inf hides a pair. */
double ref_normalised(ref_normaliser normaliser, double score);

/* The sink of a row's head (-inf: none) and what multiplies its output. */
double ref_dense_sink(const ref_problem *problem, const ref_entry *entry, uint64_t head);
double ref_dense_gain(const ref_problem *problem, const ref_entry *entry, uint64_t head);

/* The state that a row starts from: its value_dim + 2 numbers; NULL: none. */
const float *ref_dense_state(const ref_problem *problem, const ref_entry *entry, uint64_t head);

#endif /* VATTEN_REF_DENSE_H */
