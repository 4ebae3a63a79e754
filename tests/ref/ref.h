/* SPDX-License-Identifier: MIT
 *
 * The oracle: attention as its definition says, in double, one row at a time, in naive passes. Nothing here
 * is fast and nothing here shares code with the library: window rules are predicates over all pairs, never
 * range arithmetic. The meaning is docs/semantics.md.
 */
#ifndef VATTEN_REF_H
#define VATTEN_REF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* I8: a row is a sequence of blocks, each a scale (f32) and then `block` signed bytes, which it multiplies; strides count
 * bytes. */
typedef enum ref_dtype { REF_F32, REF_F16, REF_BF16, REF_I8 } ref_dtype;

/* What keys a query sees in dense attention. left/right: keys from the diagonal, inclusive, -1 = unlimited.
 */
typedef struct ref_dense_rule {
    uint64_t q_len, kv_len;
    bool causal;
    bool align_first;    /* diagonal at key i instead of i + kv_len - q_len */
    int64_t left, right; /* -1 = unlimited; no window: both -1 */
    uint64_t prefix;
} ref_dense_rule;

/* What becomes of keys of a window outside the grid: the window moves inward, they are missing, they count with score 0
 * and value 0. */
typedef enum ref_edge { REF_SHIFT, REF_CROP, REF_ZERO } ref_edge;

/* What keys a query sees on one axis of a token grid. Coordinate x stands at (x - roll) mod extent, and tokens that
 * went over the end do not mix with the others. */
typedef struct ref_axis_rule {
    uint64_t extent, window, stride, dilation;
    bool causal;
    ref_edge edge;
    uint64_t roll;
} ref_axis_rule;

typedef struct ref_grid_rule {
    uint32_t rank; /* 1..3, axis[0] outermost, row-major tokens */
    ref_axis_rule axis[3];
} ref_grid_rule;

bool ref_dense_visible(const ref_dense_rule *rule, uint64_t query, uint64_t key);
bool ref_axis_visible(const ref_axis_rule *rule, uint64_t query, uint64_t key);
bool ref_grid_visible(const ref_grid_rule *rule, uint64_t query, uint64_t key);

/* Keys outside the grid that count for a query. */
uint64_t ref_grid_padding(const ref_grid_rule *rule, uint64_t query);

/* What stands `offset` positions after a query in its dilation group, along one axis. */
typedef enum ref_place { REF_HIDDEN, REF_SEEN, REF_PADDED } ref_place;

ref_place ref_axis_place(const ref_axis_rule *rule, uint64_t query, int64_t offset);

/* Positions from a query to a key of its group, along one axis. */
int64_t ref_axis_offset(const ref_axis_rule *rule, uint64_t query, uint64_t key);

/* Which of a query's window a visible key is, in row-major order from the window's start on, which may lie before the
 * grid. */
uint64_t ref_grid_window_index(const ref_grid_rule *rule, uint64_t query, uint64_t key);

/* Biases by offset, [heads][2 window - 1 along each axis], offset 0 in the middle. */
typedef struct ref_table {
    const float *data;
    uint64_t window[3];
} ref_table;

/* One tensor in storage form: element (b, t, h, d) is at data[b * batch + t * token + h * head + d], in
 * elements of dtype (f32: float; f16 and bf16: uint16_t bits). */
typedef struct ref_tensor {
    const void *data;
    ref_dtype dtype;
    int64_t batch, token, head;
    uint64_t block; /* I8: bytes that share a scale, a divisor of dim */
} ref_tensor;

double ref_load(const ref_tensor *tensor, uint64_t b, uint64_t t, uint64_t h, uint64_t d);

/* A packed [batch][token][head][dim] tensor. */
ref_tensor ref_packed(const void *data, ref_dtype dtype, uint64_t tokens, uint64_t heads, uint64_t dim);

/* A rule in somebody's own words: which of `keys` keys a query sees, how many keys with score 0 and value 0 it has
 * besides (NULL: none), and what is added to a score (NULL: nothing). */
typedef struct ref_own_rule {
    uint64_t keys;
    bool (*sees)(const void *user, uint64_t query, uint64_t key);
    uint64_t (*padding)(const void *user, uint64_t query);
    double (*bias)(const void *user, uint64_t head, uint64_t query, uint64_t key);
    const void *user;
} ref_own_rule;

/* Keys named in lists, one list for each block of queries (ranges: each list says its queries). A list has
 * `row_words` words; 0xffffffff is no entry. The rules of `dense` and the stride then say which of the named keys count. */
typedef enum ref_list_kind { REF_BLOCKS, REF_RANGES, REF_KEYS } ref_list_kind;

typedef struct ref_lists {
    ref_list_kind kind;
    uint64_t q_block, kv_block, entries, rows, row_words, heads;
    bool row_masks; /* after each block a bit for each row of the query block */
    uint64_t key_stride,
        key_phase; /* keys with (j + phase) mod stride = 0 count whatever the window says; 0 = none */
    ref_dense_rule dense;
    const uint32_t *words; /* [batch][heads][rows][row_words] */
    /* BLOCKS: rank 1..3: blocks are boxes of a row-major grid, numbered row-major, short at the ends of axes. Rows of a
     * query box are numbered as if it were whole. The axes of the queries are those of the keys but for the first. */
    uint32_t rank;
    uint64_t extent[3], q_extent, q_box[3], kv_box[3]; /* q_box all 0: queries by runs of q_block */
} ref_lists;

/* A number for each pair that is added to its score: entry (b, head, query, key) of `data`. */
typedef struct ref_bias {
    const float *data;
    int64_t batch, head, token;
    uint64_t heads; /* query heads share them evenly */
} ref_bias;

/* How often a key counts for a query; `head` of the lists. */
uint64_t ref_lists_times(const ref_lists *lists, uint64_t b, uint64_t head, uint64_t query, uint64_t key);

typedef struct ref_problem {
    uint64_t heads, kv_heads, dim, value_dim;
    double scale;                /* 0 = 1/sqrt(dim) */
    const ref_dense_rule *dense; /* exactly one of dense, grid, own and lists */
    const ref_grid_rule *grid;
    const ref_own_rule *own;
    const ref_lists *lists;
    ref_tensor q, k, v;
    uint64_t extra_len; /* keys visible to every query, same softmax */
    ref_tensor extra_k, extra_v;
    const ref_table *table; /* with grid: relative biases; NULL = none */
    const ref_bias *bias;   /* NULL = none */
    bool weights;           /* with grid: q holds a weight for each key of the window, and that is all */
    const struct ref_dense_more *more; /* with dense: rules beyond, see ref_dense.h; NULL = none */
} ref_problem;

/* One output row: out[value_dim], its natural-log LSE (-inf and out = 0 without a visible key, a sink or a state; NaN if
 * there is no softmax) and the number of visible keys, extra ones included and padded ones not. Any out pointer may be
 * NULL. */
void ref_row(const ref_problem *problem, uint64_t b, uint64_t h, uint64_t query, double *out, double *lse,
             uint64_t *visible);

/* What a row of a dense problem leaves for another softmax to go on with: value_dim numbers that are sum_j w_j v_j, the
 * largest score x log2(e), and sum_j w_j, with w_j = exp2(score x log2(e) - largest). Without a key all 0, and -inf. */
void ref_row_state(const ref_problem *problem, uint64_t b, uint64_t h, uint64_t query, double *state);

/* What output and LSE follow from a state alone. Either may be NULL. */
void ref_state_row(const double *state, uint64_t value_dim, double *out, double *lse);

/* How many keys ref_probabilities has a place for: those of a grid, of kv_len, or of all packed sequences (in pages:
 * of the longest one). */
uint64_t ref_key_count(const ref_problem *problem);

/* What out_i = sum_j p_j v_j has for each key j of k, 0 for those that do not count; extra and padded keys, sinks and
 * states have their part of a softmax but no place here. p[ref_key_count]. */
void ref_probabilities(const ref_problem *problem, uint64_t b, uint64_t h, uint64_t query, double *p);

/* Conversions with round to nearest even; used to make inputs and to read outputs. */
uint16_t ref_f32_to_f16(float value);
float ref_f16_to_f32(uint16_t bits);
uint16_t ref_f32_to_bf16(float value);
float ref_bf16_to_f32(uint16_t bits);

/* Largest allowed absolute error of out per dtype, and of LSE, for inputs of unit variance
 * (docs/semantics.md, Numbers). */
double ref_tolerance(ref_dtype dtype);
double ref_lse_tolerance(void);
double
ref_lse_tolerance_packed(void); /* where scores are sums of f16: the layouts PACKED and PACKED_SHARED */

/* A small counted random source: value i of stream seed, uniform in [-sqrt(3), sqrt(3)) (unit variance). */
float ref_random(uint64_t seed, uint64_t i);

#endif /* VATTEN_REF_H */
