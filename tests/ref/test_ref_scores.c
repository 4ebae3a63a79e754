/* SPDX-License-Identifier: MIT
 *
 * What dense attention makes of a product, against numbers worked out by hand: scale, cap, biases, sinks, normalisers,
 * rows of bytes, states; and what rows look at (ref_mass.h).
 */
#include "ref_mass.h"
#include "small.h"

#include <stdlib.h>

/* ---- Scale, cap, heads ---- */

/* One key: the LSE is its score. */
static void test_order_of_a_score(void **state) {
    (void)state;
    const float bias[2] = {100.0f, 0.25f};
    const ref_head heads[2] = {
        {0}, {.scale = 0.5f, .sink = -INFINITY, .slope = 0.125f, .offset = 3.0f, .gain = 2.0f}};
    small s;
    small_make(&s, 1, 1, 1, 2);
    s.k[0] = 4.0f;
    s.problem.scale = 0.75;
    assert_near(small_lse(&s, 0, 1, 0), 3.0);
    s.more.heads = heads;
    s.more.head_fields = REF_HEAD_SCALE;
    assert_near(small_lse(&s, 0, 1, 0), 2.0);
    assert_near(small_lse(&s, 0, 0, 0), 0.0); /* scale 0 of a table is 0 */
    s.more.softcap = 1.5;
    assert_near(small_lse(&s, 0, 1, 0), 1.5 * tanh(2.0 / 1.5));
    s.more.head_fields |= REF_HEAD_OFFSET;
    assert_near(small_lse(&s, 0, 1, 0), 1.5 * tanh(2.0 / 1.5) + 3.0);
    s.more.bias =
        (ref_dense_bias){.kind = REF_BIAS_TENSOR, .data = bias, .dtype = REF_F32, .heads = 2, .head = 1};
    assert_near(small_lse(&s, 0, 1, 0), 1.5 * tanh(2.0 / 1.5) + 3.25);
    s.more.head_fields |= REF_HEAD_SINK | REF_HEAD_GAIN; /* no sink; a gain is none of the LSE's affairs */
    assert_near(small_lse(&s, 0, 1, 0), 1.5 * tanh(2.0 / 1.5) + 3.25);
    assert_near(small_weight(&s, 0, 1, 0, 0), 2.0);
    s.problem.scale = 0.0; /* the default, with dim 1 */
    s.more.head_fields = 0;
    s.more.softcap = 0.0;
    assert_near(small_lse(&s, 0, 1, 0), 4.25);
}

static void test_a_sink_joins_the_sum(void **state) {
    (void)state;
    const ref_head head = {.sink = (float)log(6.0)};
    small s;
    small_make(&s, 1, 2, 3, 1);
    s.k[2] = (float)log(2.0);
    s.rule.causal = true;
    s.more.heads = &head;
    s.more.head_fields = REF_HEAD_SINK;
    s.problem.scale = 1.0;
    s.more.softcap = 1e9; /* neither scaled nor capped */
    assert_near(small_lse(&s, 0, 0, 1), log(10.0));
    assert_near(small_weight(&s, 0, 0, 1, 2), 0.2);
    assert_near(small_weight(&s, 0, 0, 1, 0), 0.1);
    s.rule.align_first = true;
    s.rule.left = s.rule.right = 0;
    s.problem.scale = 1e-9;
    assert_near(small_lse(&s, 0, 0, 0), log(7.0));
    const ref_head large = {.sink = 2000.0f};
    s.more.heads = &large;
    assert_near(small_lse(&s, 0, 0, 0), 2000.0);
    assert_true(small_weight(&s, 0, 0, 0, 0) == 0.0);
    s.more.heads = &head;
    s.rule.kv_len = 0; /* no key: the sum is the sink, out is 0 */
    assert_near(small_lse(&s, 0, 0, 0), log(6.0));
    assert_true(small_weight(&s, 0, 0, 0, 0) == 0.0);
}

static void test_alibi_of_both_signs(void **state) {
    (void)state;
    const ref_head heads[2] = {{.slope = 9.0f}, {.slope = (float)log(2.0)}};
    small s;
    small_make(&s, 1, 2, 4, 2); /* diagonals 2 and 3 */
    s.more.heads = heads;
    s.more.head_fields = REF_HEAD_SLOPE;
    assert_near(small_lse(&s, 0, 1, 0), log(0.25 + 0.5 + 1 + 0.5));
    assert_near(small_weight(&s, 0, 1, 0, 2), 1 / 2.25);
    s.rule.align_first = true;
    assert_near(small_lse(&s, 0, 1, 1), log(0.5 + 1 + 0.5 + 0.25));
    s.more.alibi_signed = true; /* j - i, whatever the alignment */
    assert_near(small_lse(&s, 0, 1, 1), log(0.5 + 1 + 2 + 4));
    s.rule.align_first = false;
    assert_near(small_lse(&s, 0, 1, 1), log(0.5 + 1 + 2 + 4));
}

static void test_tables_of_heads_for_each_entry(void **state) {
    (void)state;
    const ref_head heads[4] = {{.offset = 1}, {.offset = 2}, {.offset = 3}, {.offset = 4}};
    small s;
    small_make(&s, 2, 1, 1, 2);
    s.more.heads = heads;
    s.more.head_fields = REF_HEAD_OFFSET;
    assert_near(small_lse(&s, 1, 1, 0), 2.0);
    s.more.head_batch = true;
    assert_near(small_lse(&s, 1, 1, 0), 4.0);
    assert_near(small_lse(&s, 0, 1, 0), 2.0);
}

/* ---- Biases ---- */

/* f16 with keys outermost; two heads share a slice, -inf hides. */
static void test_bias_tensors(void **state) {
    (void)state;
    uint16_t bias[64];
    small s;
    for (uint32_t n = 0; n < 64; ++n) {
        bias[n] = ref_f32_to_f16((float)n);
    }
    small_make(&s, 2, 2, 3, 4);
    s.more.bias = (ref_dense_bias){.kind = REF_BIAS_TENSOR,
                                   .data = bias,
                                   .dtype = REF_F16,
                                   .heads = 2,
                                   .batch = 16,
                                   .head = 8,
                                   .query = 4,
                                   .key = 1};
    s.rule.left = s.rule.right = 0; /* diagonals are 1 and 2 */
    assert_near(small_lse(&s, 0, 0, 0), 1.0);
    assert_near(small_lse(&s, 0, 1, 1), 6.0);
    assert_near(small_lse(&s, 0, 2, 0), 9.0);
    assert_near(small_lse(&s, 1, 3, 1), 30.0);
    s.more.bias.query = 0;
    s.more.bias.key = 17;
    assert_near(small_lse(&s, 0, 2, 1), 42.0);
    bias[34] = ref_f32_to_f16(-INFINITY);
    assert_true(small_lse(&s, 0, 0, 1) == -INFINITY);
    assert_true(small_weight(&s, 0, 0, 1, 2) == 0.0);
}

static void test_relative_biases(void **state) {
    (void)state;
    float line[10], plane[2 * 3 * 5];
    for (int n = 0; n < 10; ++n) {
        line[n] = (float)n;
    }
    for (int n = 0; n < 30; ++n) {
        plane[n] = (float)n;
    }
    small s;
    small_make(&s, 1, 3, 8, 2); /* diagonals 5, 6, 7 */
    s.more.bias = (ref_dense_bias){
        .kind = REF_BIAS_RELATIVE, .data = line, .dtype = REF_F16, .heads = 2, .rank = 1, .reach = {2}};
    s.rule.left = s.rule.right = 0;
    assert_near(small_lse(&s, 0, 0, 0), 2.0);
    assert_near(small_lse(&s, 0, 1, 2), 7.0); /* the second head's middle */
    s.rule.left = 1;
    s.rule.right = -1;
    assert_near(small_lse(&s, 0, 0, 1), log(exp(1.0) + exp(2.0) + exp(3.0)));
    s.rule.left = -1;
    s.rule.right = -2 + 1;
    s.rule.causal = true; /* six keys of which four are further than 2 before: offset -2 */
    assert_near(small_lse(&s, 0, 1, 0), log(4 * exp(5.0) + exp(6.0) + exp(7.0)));

    small_make(&s, 1, 8, 8, 2); /* a grid of 2 x 4; extent[0] is not read */
    s.more.bias = (ref_dense_bias){.kind = REF_BIAS_RELATIVE,
                                   .data = plane,
                                   .dtype = REF_F32,
                                   .heads = 2,
                                   .rank = 2,
                                   .extent = {77, 4},
                                   .reach = {1, 2}};
    for (uint64_t i = 0; i < 8; ++i) {
        double sum = 0.0;
        for (int j = 0; j < 8; ++j) {
            int row = j / 4 - (int)i / 4, column = j % 4 - (int)i % 4;
            column = column > 2 ? 2 : column < -2 ? -2 : column;
            sum += exp((double)plane[15 + (1 + row) * 5 + 2 + column]);
        }
        assert_near(small_lse(&s, 0, 1, i), log(sum));
    }
}

static void test_biases_of_axes(void **state) {
    (void)state;
    float tables[2 * 2 * 3 * (2 + 3)]; /* batch 2, two heads' worth, 3 queries, a grid of 2 x 3 */
    for (int n = 0; n < 60; ++n) {
        tables[n] = (float)n / 8.0f;
    }
    small s;
    small_make(&s, 2, 3, 6, 2);
    s.more.bias = (ref_dense_bias){
        .kind = REF_BIAS_AXES, .data = tables, .dtype = REF_F32, .heads = 2, .rank = 2, .extent = {2, 3}};
    s.rule.left = s.rule.right = 0;
    s.rule.align_first = true;
    /* entry 1, head 1, query 2: row 11 of each table; key 2 is (0, 2) */
    assert_near(small_lse(&s, 1, 1, 2), (22 + 0) / 8.0 + (24 + 33 + 2) / 8.0);
    s.rule.align_first = false; /* diagonal 5 is (1, 2) */
    assert_near(small_lse(&s, 1, 1, 2), (22 + 1) / 8.0 + (24 + 33 + 2) / 8.0);
    assert_near(small_lse(&s, 0, 1, 0), (6 + 1) / 8.0 + (24 + 9 + 0) / 8.0); /* diagonal 3 is (1, 0) */
}

/* ---- Extra keys, normalisers, rows of bytes ---- */

static void test_extra_keys_have_no_place(void **state) {
    (void)state;
    const float bias[2] = {(float)log(3.0), (float)log(4.0)}, extra[1] = {8.0f}, value[2] = {0.0f, 1.0f};
    const ref_head head = {.slope = 50.0f, .offset = (float)log(5.0)};
    small s;
    small_make(&s, 1, 1, 2, 1);
    s.problem.extra_len = 1;
    s.problem.extra_k = ref_packed(extra, REF_F32, 1, 1, 1);
    s.problem.extra_v = ref_packed(value, REF_F32, 1, 1, 2);
    s.problem.scale = log(2.0) / 8.0;
    s.more.bias = (ref_dense_bias){.kind = REF_BIAS_TENSOR, .data = bias, .heads = 1, .key = 1};
    assert_near(small_lse(&s, 0, 0, 0), log(3.0 + 4.0 + 2.0));
    assert_near(small_weight(&s, 0, 0, 0, 1), 6.0 / 9.0);
    s.more.softcap = log(2.0);
    assert_near(small_lse(&s, 0, 0, 0), log(7.0 + exp(log(2.0) * tanh(1.0))));
    s.more.softcap = 0.0;
    s.more.heads = &head;
    s.more.head_fields = REF_HEAD_OFFSET;
    assert_near(small_lse(&s, 0, 0, 0), log(9.0 * 5.0));
    s.more.head_fields = REF_HEAD_SLOPE;
    s.rule.left = s.rule.right = 0;
    assert_near(small_lse(&s, 0, 0, 0), log(4.0 + 2.0)); /* the diagonal's key has distance 0 */
    s.rule.kv_len = 0;                                   /* extra keys alone */
    assert_near(small_lse(&s, 0, 0, 0), log(2.0));
}

static void test_normalisers(void **state) {
    (void)state;
    const float bias[3] = {0.0f, 0.0f, -INFINITY};
    const struct {
        ref_normaliser which;
        double score, weight;
    } known[] = {
        {REF_SIGMOID, 0.0, 0.5},
        {REF_SIGMOID, log(3.0), 0.75},
        {REF_RELU, -2.0, 0.0},
        {REF_RELU, 1.5, 1.5},
        {REF_RELU2, -2.0, 0.0},
        {REF_RELU2, 3.0, 9.0},
        {REF_LAPLACE, 0.70710678, 0.5},
        {REF_LAPLACE, 0.70710678 + 0.39894228, 0.92135039647},
        {REF_LAPLACE, 0.70710678 - 0.39894228, 0.07864960353},
        {REF_IDENTITY, -2.0, -2.0},
    };
    small s;
    for (size_t n = 0; n < sizeof known / sizeof known[0]; ++n) {
        double out[3], lse;
        uint64_t visible;
        small_make(&s, 1, 1, 3, 1);
        s.k[0] = s.k[1] = s.k[2] = (float)known[n].score;
        s.more.normaliser = known[n].which;
        s.more.bias = (ref_dense_bias){.kind = REF_BIAS_TENSOR, .data = bias, .heads = 1, .key = 1};
        ref_row(&s.problem, 0, 0, 0, out, &lse, &visible);
        assert_near(out[0], known[n].weight);
        assert_near(out[1], known[n].weight); /* rows do not sum to 1 */
        assert_true(out[2] == 0.0);           /* hidden, whatever becomes of -inf */
        assert_true(isnan(lse));
        s.rule.kv_len = 0;
        ref_row(&s.problem, 0, 0, 0, out, NULL, &visible);
        assert_true(out[0] == 0.0 && visible == 0);
    }
}

/* Two tokens of two heads, dim 8 in blocks of 4. */
static void test_rows_of_bytes(void **state) {
    (void)state;
    const signed char numbers[8] = {1, -2, 127, -128, 4, 5, 6, -7};
    const float scales[2] = {0.5f, -3.0f};
    unsigned char rows[4 * 16];
    memset(rows, 0xff, sizeof rows);
    for (int block = 0; block < 2; ++block) {
        memcpy(rows + 48 + 8 * block, &scales[block], 4);
        memcpy(rows + 48 + 8 * block + 4, numbers + 4 * block, 4);
    }
    const ref_tensor tensor = {.data = rows, .dtype = REF_I8, .token = 32, .head = 16, .block = 4};
    for (uint64_t d = 0; d < 8; ++d) {
        assert_true(ref_load(&tensor, 0, 1, 1, d) == (double)scales[d / 4] * numbers[d]);
    }
    assert_true(isnan(ref_load(&tensor, 0, 1, 0, 0)));
}

/* ---- States ---- */

static void test_a_state_in_numbers(void **state) {
    (void)state;
    double got[4], out[2], lse;
    small s;
    small_make(&s, 1, 1, 2, 1);
    s.k[0] = (float)log(4.0);
    ref_row_state(&s.problem, 0, 0, 0, got); /* weights 4 and 1 */
    assert_near(got[2] + log2(got[3]), log2(5.0));
    assert_near(got[0] / got[3], 0.8);
    assert_near(got[2], 2.0);
    assert_near(got[1], 0.25);
    ref_state_row(got, 2, out, &lse);
    assert_near(out[1], 0.2);
    assert_near(lse, log(5.0));
    s.rule.kv_len = 0;
    ref_row_state(&s.problem, 0, 0, 0, got);
    assert_true(got[0] == 0.0 && got[1] == 0.0 && got[2] == -INFINITY && got[3] == 0.0);
    ref_state_row(got, 2, out, &lse);
    assert_true(out[0] == 0.0 && lse == -INFINITY);
}

/* A sink joins once, where a row starts; a gain waits for the output. */
static void test_halves_make_a_whole(void **state) {
    (void)state;
    enum { KEYS = 12, HALF = 5 };
    const ref_head head = {.sink = 0.5f, .gain = 3.0f};
    const ref_head *heads[2] = {NULL, &head};
    for (int n = 0; n < 2; ++n) {
        small whole, part;
        double state_of[KEYS + 2];
        float start[KEYS + 2];
        small_make(&whole, 1, 1, KEYS, 1);
        small_make(&part, 1, 1, KEYS, 1);
        for (int j = 0; j < KEYS; ++j) {
            whole.k[j] = part.k[j] = 3.0f * ref_random(3, (uint64_t)j);
        }
        whole.more.heads = part.more.heads = heads[n];
        whole.more.head_fields = part.more.head_fields = REF_HEAD_SINK | REF_HEAD_GAIN;
        part.rule.kv_len = HALF;
        ref_row_state(&part.problem, 0, 0, 0, state_of);
        for (int d = 0; d < KEYS + 2; ++d) {
            start[d] = (float)state_of[d];
        }
        part.rule.kv_len = KEYS - HALF;
        part.more.state = start;
        part.problem.k.data = part.k + HALF;
        part.problem.v.data = part.v + HALF * KEYS;
        assert_near(small_lse(&part, 0, 0, 0), small_lse(&whole, 0, 0, 0));
        for (uint64_t j = 0; j < KEYS; ++j) {
            assert_near(small_weight(&part, 0, 0, 0, j), small_weight(&whole, 0, 0, 0, j));
        }
    }
}

/* [batch][heads][queries]: each row starts from its own. */
static void test_states_of_rows(void **state) {
    (void)state;
    float start[2 * 2 * 3][3] = {{0}};
    small s;
    small_make(&s, 2, 3, 1, 2);
    for (int n = 0; n < 12; ++n) {
        start[n][1] = 1.0f; /* a maximum of log2 2, n times */
        start[n][2] = (float)n;
    }
    s.more.state = start[0];
    assert_near(small_lse(&s, 0, 0, 0), 0.0); /* a sum of 0 has seen no key, whatever its maximum */
    assert_near(small_lse(&s, 1, 0, 2), log(1.0 + 2.0 * 8));
    assert_near(small_lse(&s, 0, 1, 1), log(1.0 + 2.0 * 4));
}

/* Two sequences of two queries and three keys; tensors, axes and states go on from one to the next. */
static void test_packed_rows_have_their_own(void **state) {
    (void)state;
    const uint32_t q[3] = {0, 2, 4}, kv[3] = {0, 3, 6};
    float bias[24], start[4 * 8] = {0};
    small s;
    for (int n = 0; n < 24; ++n) {
        bias[n] = (float)n;
    }
    for (int n = 0; n < 4; ++n) {
        start[8 * n + 7] = (float)n;
    }
    small_make(&s, 1, 4, 6, 1);
    s.more.lengths = REF_LENGTHS_PACKED;
    s.more.sequences = 2;
    s.more.q_starts = q;
    s.more.kv_starts = kv;
    s.rule.left = s.rule.right = 0;
    s.more.bias = (ref_dense_bias){.kind = REF_BIAS_TENSOR, .data = bias, .heads = 1, .query = 6, .key = 1};
    assert_near(small_lse(&s, 0, 0, 1), 8.0);  /* key 2 of the first */
    assert_near(small_lse(&s, 0, 0, 3), 23.0); /* token 5 */
    s.more.bias = (ref_dense_bias){.kind = REF_BIAS_AXES, .data = bias, .heads = 1, .rank = 1, .extent = {3}};
    assert_near(small_lse(&s, 0, 0, 3), 11.0); /* row 3, coordinate 2 */
    s.more.bias.kind = REF_BIAS_NONE;
    s.more.state = start;
    assert_near(small_lse(&s, 0, 0, 3), log(1.0 + 3.0));
    assert_near(small_lse(&s, 0, 0, 2), log(1.0 + 2.0));
}

/* ---- What rows look at ---- */

/* Keys weigh 1, 2, 3, 4, and causal rows see one more each. */
static void test_sums_of_probabilities(void **state) {
    (void)state;
    const uint32_t segment[4] = {1, 0, 1, 9};
    const double w[2] = {10.0, -1.0};
    double sums[4], p[4];
    small s;
    small_make(&s, 1, 4, 4, 1);
    for (int j = 0; j < 4; ++j) {
        s.k[j] = (float)log(j + 1.0);
    }
    s.rule.causal = true;
    assert_int_equal(ref_key_count(&s.problem), 4);
    ref_probabilities(&s.problem, 0, 0, 2, p);
    assert_near(p[1], 2.0 / 6.0);
    assert_true(p[3] == 0.0);
    ref_column_sums(&s.problem, 0, 0, 0, 4, NULL, sums);
    assert_near(sums[0], 1.0 + 1.0 / 3 + 1.0 / 6 + 1.0 / 10);
    assert_near(sums[3], 0.4);
    ref_column_sums(&s.problem, 0, 0, 1, 3, w, sums);
    assert_near(sums[1], 10.0 * 2 / 3 - 2.0 / 6);
    assert_true(sums[3] == 0.0);
    ref_segment_sums(&s.problem, 0, 0, 3, segment, 3, sums);
    assert_near(sums[0], 0.2);
    assert_near(sums[1], 0.4);
    assert_true(sums[2] == 0.0);
    ref_block_maxima(&s.problem, 0, 0, 3, 3, sums);
    assert_near(sums[0], 0.3);
    assert_near(sums[1], 0.4);
    ref_block_maxima(&s.problem, 0, 0, 0, 2, sums);
    assert_true(sums[0] == 1.0 && sums[1] == 0.0);
}

static void test_entropies(void **state) {
    (void)state;
    small s;
    small_make(&s, 1, 1, 8, 1);
    assert_near(ref_row_entropy(&s.problem, 0, 0, 0), log(8.0));
    s.k[0] = (float)log(7.0); /* half of it on one key, the rest even */
    assert_near(ref_row_entropy(&s.problem, 0, 0, 0), log(2.0) / 2 + log(14.0) / 2);
    s.rule.left = s.rule.right = 0;
    assert_true(ref_row_entropy(&s.problem, 0, 0, 0) == 0.0);
    s.rule.kv_len = 0;
    assert_true(ref_row_entropy(&s.problem, 0, 0, 0) == 0.0);
}

/* A key that a list names twice looks twice as heavy; keys of a grid have places too. */
static void test_probabilities_of_lists_and_grids(void **state) {
    (void)state;
    const uint32_t words[3] = {1, 1, 3};
    double p[4];
    small s;
    small_make(&s, 1, 1, 4, 1);
    const ref_lists lists = {.kind = REF_KEYS,
                             .q_block = 1,
                             .kv_block = 1,
                             .entries = 3,
                             .rows = 1,
                             .row_words = 3,
                             .heads = 1,
                             .dense = s.rule,
                             .words = words};
    s.problem.dense = NULL;
    s.problem.more = NULL;
    s.problem.lists = &lists;
    ref_probabilities(&s.problem, 0, 0, 0, p);
    assert_near(p[1], 2.0 / 3.0);
    assert_near(p[3], 1.0 / 3.0);
    assert_true(p[0] == 0.0);
    const ref_grid_rule grid = {.rank = 1, .axis = {{.extent = 4, .window = 2, .stride = 1, .dilation = 2}}};
    s.problem.lists = NULL;
    s.problem.grid = &grid;
    ref_probabilities(&s.problem, 0, 0, 0, p);
    assert_near(p[2], 0.5);
    assert_true(p[1] == 0.0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_of_a_score),
        cmocka_unit_test(test_a_sink_joins_the_sum),
        cmocka_unit_test(test_alibi_of_both_signs),
        cmocka_unit_test(test_tables_of_heads_for_each_entry),
        cmocka_unit_test(test_bias_tensors),
        cmocka_unit_test(test_relative_biases),
        cmocka_unit_test(test_biases_of_axes),
        cmocka_unit_test(test_extra_keys_have_no_place),
        cmocka_unit_test(test_normalisers),
        cmocka_unit_test(test_rows_of_bytes),
        cmocka_unit_test(test_a_state_in_numbers),
        cmocka_unit_test(test_halves_make_a_whole),
        cmocka_unit_test(test_states_of_rows),
        cmocka_unit_test(test_packed_rows_have_their_own),
        cmocka_unit_test(test_sums_of_probabilities),
        cmocka_unit_test(test_entropies),
        cmocka_unit_test(test_probabilities_of_lists_and_grids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
