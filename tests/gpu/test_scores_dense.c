/* SPDX-License-Identifier: MIT
 *
 * What becomes of scores in dense attention: softcap, tables of heads (scales, sinks, ALiBi, offsets, gains, windows,
 * prefixes), biases of all kinds, extra keys, normalisers, keys of bytes, states; alone and together.
 */
#include "gpu_harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static gpu device;

static const vatten_dtype dtypes[] = {VATTEN_DTYPE_F32, VATTEN_DTYPE_F16, VATTEN_DTYPE_BF16};

/* Scores of about unit variance by seed; k is twice as long, so that caps show. */
static gpu_problem problem_of(unsigned turn, uint64_t q_len, uint64_t kv_len) {
    gpu_problem p = gpu_dense(dtypes[turn % 3], q_len, kv_len, 4, 2, 16);
    p.seed = 1 + turn;
    p.small_tiles = turn % 2 == 1;
    return p;
}

static void check(gpu_problem *p) {
    gpu_check_turn(&device, p, (unsigned)p->seed);
}

/* 1. softcap, from hardly any to one that flattens all */
static void test_softcap(void **state) {
    (void)state;
    static const float caps[] = {0.125f, 1.0f, 20.0f, 50.0f};
    for (unsigned n = 0; n < COUNT(caps); ++n) {
        gpu_problem p = problem_of(n, 19, 77);
        p.dense.softcap = caps[n];
        p.dense.causal = n % 2 == 1;
        p.dense.heads.scale = n == 3 ? 20.0f : 0.0f; /* products far beyond the cap */
        p.lse_tolerance = n == 3 ? 5e-4 : 0.0;
        p.tolerance = n == 3 ? 4e-2 : 0.0;
        gpu_name(&p, "softcap %g", (double)caps[n]);
        check(&p);
    }
    gpu_assert_clean(&device);
}

/* 2. each field of the table of heads, then all: few queries, whose heads share a tile, and many */
static void test_tables_of_heads(void **state) {
    (void)state;
    for (unsigned n = 0; n < 10; ++n) {
        vatten_head_fields fields = n < 7    ? 1u << n
                                    : n == 7 ? 31u
                                    : n == 8 ? 127u
                                             : VATTEN_HEAD_SINK | VATTEN_HEAD_WINDOW;
        gpu_problem p = problem_of(n, n % 2 ? 5 : 35, 83);
        p.dense.heads.heads = 12;
        p.dense.heads.kv_heads = 3;
        p.dense.heads.batch = 2;
        p.dense.head_fields = fields;
        p.dense.head_batch = n % 3 == 1;
        p.dense.causal = n % 4 == 1;
        p.dense.window =
            (vatten_window){.enabled = (fields & VATTEN_HEAD_WINDOW) != 0, .left = 5, .right = 5};
        p.dense.prefix = 1;
        gpu_name(&p, "head fields 0x%x", (unsigned)fields);
        check(&p);
        if (fields & VATTEN_HEAD_SLOPE) {
            p.dense.alibi_signed = true;
            p.dense.align = VATTEN_ALIGN_FIRST;
            gpu_name(&p, "head fields 0x%x, signed slopes", (unsigned)fields);
            check(&p);
        }
    }
    gpu_assert_clean(&device);
}

/* Sinks from none to such that dwarf every key; q_len is beyond kv_len, so that rows have no key but the sink. */
static void set_sinks(const void *user, const vatten_attention_desc *desc, const vatten_tables *at,
                      uint8_t *base) {
    static const float sinks[4] = {-INFINITY, -80.0f, 60.0f, 0.0f};
    (void)user;
    for (uint32_t h = 0; h < desc->heads.heads; ++h) {
        vatten_head head;
        memset(&head, 0xff, sizeof head);
        head.sink = sinks[h % 4];
        memcpy(base + at->heads + h * sizeof head, &head, sizeof head);
    }
}

static void test_sinks_beside_no_keys(void **state) {
    (void)state;
    for (unsigned n = 0; n < 3; ++n) {
        gpu_problem p = problem_of(n, 40, 21);
        p.dense.head_fields = VATTEN_HEAD_SINK;
        p.dense.causal = true;
        p.tables = set_sinks;
        gpu_name(&p, "sinks beside no keys %u", n);
        check(&p);
    }
    gpu_assert_clean(&device);
}

/* 3. biases of each pair: strides that repeat along any axis, keys outermost, f16; shared by heads */
static void test_bias_tensors(void **state) {
    (void)state;
    static const struct {
        vatten_bias_strides strides;
        uint32_t heads;
    } rows[] = {
        {{0, 0, 0, 0}, 0},        {{0, 0, 0, 1}, 1},      {{37, 0, 0, 1}, 2},
        {{0, 71, 0, 1}, 4},       {{0, 0, 1, 0}, 1},      {{0, 2000, 67, 1}, 2},
        {{9000, 4000, 1, 29}, 2}, {{0, 5000, 131, 2}, 4}, {{1, 0, 0, 0}, 2},
    };
    for (unsigned n = 0; n < COUNT(rows) * 2; ++n) {
        gpu_problem p = problem_of(n, 29, 67);
        p.dense.heads.batch = 2;
        p.dense.bias = VATTEN_BIAS_TENSOR;
        p.dense.bias_dtype = n % 2 ? VATTEN_DTYPE_F16 : n % 4 ? VATTEN_DTYPE_F32 : (vatten_dtype)0;
        p.dense.bias_strides = rows[n / 2].strides;
        p.dense.bias_heads = rows[n / 2].heads;
        p.dense.causal = n % 3 == 1;
        gpu_name(&p, "bias tensor %u", n);
        gpu_check_turn(&device, &p, n);
    }
    gpu_assert_clean(&device);
}

/* -inf hides single pairs, and all keys of some queries. */
static float hiding(const void *user, gpu_slot slot, uint64_t b, uint64_t token, uint64_t head, uint64_t d) {
    (void)user;
    if (slot != GPU_BIAS) {
        return ref_random((uint64_t)slot + 5, ((b * 64 + token) * 4 + head) * 64 + d);
    }
    return token % 5 == 2 || (token + d) % 3 == 0 ? -INFINITY : (float)(d % 7) / 4.0f;
}

static void test_biases_that_hide(void **state) {
    (void)state;
    for (unsigned n = 0; n < 6; ++n) {
        gpu_problem p = problem_of(n, 23, 61);
        p.value = hiding;
        p.dense.bias = VATTEN_BIAS_TENSOR;
        p.dense.bias_dtype = n < 3 ? VATTEN_DTYPE_F32 : VATTEN_DTYPE_F16;
        p.dense.head_fields = n % 2 ? VATTEN_HEAD_SINK : 0;
        gpu_name(&p, "bias that hides %u", n);
        gpu_check_turn(&device, &p, n);
    }
    gpu_assert_clean(&device);
}

static void test_relative_biases(void **state) {
    (void)state;
    static const struct {
        uint32_t rank, reach[3];
        uint64_t extent[3], q_len, kv_len;
    } rows[] = {
        {1, {5, 0, 0}, {0}, 40, 40},       {1, {200, 0, 0}, {0}, 12, 70},
        {1, {1, 0, 0}, {0}, 70, 30},       {2, {2, 3, 0}, {0, 6, 0}, 48, 48},
        {2, {9, 9, 0}, {0, 7, 0}, 21, 49}, {3, {1, 1, 2}, {0, 3, 5}, 45, 60},
        {3, {4, 2, 4}, {4, 3, 5}, 60, 60}, {2, {1, 2, 0}, {0, 5, 0}, 40, 25},
    };
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        gpu_problem p = problem_of(n, rows[n].q_len, rows[n].kv_len);
        p.dense.bias = VATTEN_BIAS_RELATIVE;
        p.dense.bias_rank = rows[n].rank;
        p.dense.bias_heads = n % 3 == 0 ? 0 : n % 3;
        memcpy(p.dense.bias_extent, rows[n].extent, sizeof p.dense.bias_extent);
        memcpy(p.dense.bias_reach, rows[n].reach, sizeof p.dense.bias_reach);
        p.dense.causal = n % 2 == 1;
        p.dense.align = n % 4 == 2 ? VATTEN_ALIGN_FIRST : VATTEN_ALIGN_LAST;
        gpu_name(&p, "relative bias %u", n);
        gpu_check_turn(&device, &p, n);
    }
    gpu_assert_clean(&device);
}

static void test_biases_of_axes(void **state) {
    (void)state;
    static const struct {
        uint32_t rank, heads;
        uint64_t extent[3];
    } rows[] = {{2, 0, {6, 9}},    {2, 2, {1, 40}},   {2, 1, {40, 1}},
                {3, 4, {3, 4, 5}}, {3, 0, {2, 7, 3}}, {3, 2, {1, 6, 7}}};
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        uint64_t keys = rows[n].extent[0] * rows[n].extent[1] * (rows[n].rank == 3 ? rows[n].extent[2] : 1);
        gpu_problem p = problem_of(n, 21, keys);
        p.dense.heads.batch = 2;
        p.dense.bias = VATTEN_BIAS_AXES;
        p.dense.bias_rank = rows[n].rank;
        p.dense.bias_heads = rows[n].heads;
        memcpy(p.dense.bias_extent, rows[n].extent, sizeof p.dense.bias_extent);
        gpu_name(&p, "bias of axes %u", n);
        check(&p);
    }
    gpu_assert_clean(&device);
}

/* 4. extra keys: fewer than a tile, one more, many; beside no other key */
static void test_extra_keys(void **state) {
    (void)state;
    static const uint64_t lengths[] = {1, 4, 65};
    for (unsigned n = 0; n < 9; ++n) {
        gpu_problem p = problem_of(n, 27, 45);
        p.dense.heads.batch = 1 + n % 2;
        p.dense.extra_len = lengths[n % 3];
        p.dense.causal = n % 2 == 1;
        p.dense.softcap = n / 3 == 1 ? 2.0f : 0.0f;
        p.dense.head_fields = n / 3 == 1 ? VATTEN_HEAD_SLOPE | VATTEN_HEAD_OFFSET | VATTEN_HEAD_SCALE : 0;
        p.dense.bias = n / 3 == 2 ? VATTEN_BIAS_TENSOR : VATTEN_BIAS_NONE;
        p.kv_len = n == 6 ? VATTEN_EMPTY : 0;
        gpu_name(&p, "extra keys %u", n);
        gpu_check_turn(&device, &p, n);
    }
    gpu_assert_clean(&device);
}

/* 5. normalisers, which write no LSE, with what changes scores and with masks */
static void test_normalisers(void **state) {
    (void)state;
    for (unsigned n = 0; n < 15; ++n) {
        gpu_problem p = problem_of(n, 22, 70);
        p.dense.heads.write_lse = false;
        p.dense.normaliser = (vatten_normaliser)(1 + n % 5);
        p.dense.causal = n % 2 == 1;
        p.dense.extra_len = n / 5 == 1 ? 5 : 0;
        p.dense.head_fields = n / 5 == 2 ? VATTEN_HEAD_OFFSET | VATTEN_HEAD_GAIN : 0;
        p.dense.masks = n / 5 == 1 ? VATTEN_MASK_BITS : 0;
        gpu_name(&p, "normaliser %u, %u", 1 + n % 5, n / 5);
        gpu_check_turn(&device, &p, n);
    }
    gpu_assert_clean(&device);
}

/* 6. keys and values of bytes: blocks of the whole row and of four */
static void test_rows_of_bytes(void **state) {
    (void)state;
    static const struct {
        uint32_t dim, value_dim, block;
    } rows[] = {{16, 0, 4},  {16, 0, 16},   {64, 32, 32}, {96, 0, 12},   {128, 64, 64}, {40, 20, 20},
                {80, 0, 16}, {160, 32, 32}, {96, 48, 48}, {256, 0, 128}, {576, 512, 64}};
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        gpu_problem p = gpu_dense(dtypes[n % 3], n % 2 ? 3 : 25, 71, 4, 2, rows[n].dim);
        p.dense.heads.value_dim = rows[n].value_dim;
        p.dense.heads.kv_dtype = VATTEN_DTYPE_I8;
        p.dense.heads.kv_block = rows[n].block;
        p.dense.heads.batch = 2;
        p.dense.causal = n % 2 == 1;
        p.dense.extra_len = n % 3 == 2 ? 7 : 0;
        p.seed = n;
        gpu_name(&p, "bytes in blocks of %u, dim %u", rows[n].block, rows[n].dim);
        gpu_check_turn(&device, &p, n);
    }
    gpu_assert_clean(&device);
}

/* 7. states: taken in, left, both; with sinks and gains where the output is written */
static void test_states(void **state) {
    (void)state;
    for (unsigned n = 0; n < 9; ++n) {
        gpu_problem p = problem_of(n, 26, 57);
        p.dense.heads.batch = 2;
        p.dense.carry = 1 + n % 3;
        p.dense.heads.write_lse = !(p.dense.carry & VATTEN_CARRY_OUT);
        p.dense.causal = n / 3 == 1;
        p.dense.masks = n / 3 == 2 ? VATTEN_MASK_BITS : 0;
        p.dense.head_fields = p.dense.carry == VATTEN_CARRY_IN ? VATTEN_HEAD_GAIN : 0;
        p.dense.heads.value_dim = n % 2 ? 19 : 0;
        p.tolerance =
            p.dense.heads.dtype == VATTEN_DTYPE_F32 ? 1e-4 : 0.0; /* states are three times as large */
        gpu_name(&p, "carry %u, %u", (unsigned)p.dense.carry, n);
        gpu_check_turn(&device, &p, n);
    }
    gpu_assert_clean(&device);
}

/* 8. all that goes together, a different mixture each time */
static void test_mixtures(void **state) {
    (void)state;
    unsigned count = gpu_thorough(&device) ? 60 : 12;
    for (unsigned n = 0; n < count; ++n) {
        gpu_problem p = problem_of(n, 1 + n * 7 % 43, 1 + n * 29 % 150);
        p.dense.heads.batch = 1 + n % 2;
        p.dense.heads.heads = 6;
        p.dense.causal = n % 3 == 1;
        p.dense.align = n % 5 == 1 ? VATTEN_ALIGN_FIRST : VATTEN_ALIGN_LAST;
        p.dense.window = (vatten_window){.enabled = n % 4 < 2, .left = 20, .right = n % 8 ? 6 : -1};
        p.dense.prefix = n % 6;
        p.dense.chunk = n % 7 == 3 ? 24 : 0;
        p.dense.key_stride = n % 5 == 3 ? 6 : 0;
        p.dense.masks = n * 11 % 16;
        p.dense.mask_heads = n % 3;
        p.dense.mask_batch = p.dense.masks && n % 4 == 1;
        p.dense.mask_heads = p.dense.masks ? p.dense.mask_heads : 0;
        p.dense.softcap = n % 3 == 2 ? 3.0f : 0.0f;
        p.dense.head_fields = n * 5 % 32 | (p.dense.window.enabled ? VATTEN_HEAD_WINDOW : 0);
        p.dense.bias = n % 4 == 1 ? VATTEN_BIAS_TENSOR : n % 4 == 3 ? VATTEN_BIAS_RELATIVE : VATTEN_BIAS_NONE;
        p.dense.bias_rank = p.dense.bias == VATTEN_BIAS_RELATIVE;
        p.dense.bias_reach[0] = p.dense.bias_rank * 12;
        p.dense.bias_heads = n % 4 == 1 ? 3 : 0;
        p.dense.extra_len = n % 6 == 4 ? 9 : 0;
        gpu_name(&p, "mixture %u", n);
        check(&p);
    }
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_softcap),
        cmocka_unit_test(test_tables_of_heads),
        cmocka_unit_test(test_sinks_beside_no_keys),
        cmocka_unit_test(test_bias_tensors),
        cmocka_unit_test(test_biases_that_hide),
        cmocka_unit_test(test_relative_biases),
        cmocka_unit_test(test_biases_of_axes),
        cmocka_unit_test(test_extra_keys),
        cmocka_unit_test(test_normalisers),
        cmocka_unit_test(test_rows_of_bytes),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_mixtures),
    };
    int opened = gpu_open(&device, "test_scores_dense", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
