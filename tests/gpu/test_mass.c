/* SPDX-License-Identifier: MIT
 *
 * Attention mass: every kind under every rule of dense attention, in all dtypes and layouts, against the oracle; at the edges
 * of tiles, with rows and columns that see nothing, cut into many dispatches; and what must hold whatever the oracle says.
 */
#include "mass_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static gpu device;

static const vatten_dtype dtypes[] = {VATTEN_DTYPE_F32, VATTEN_DTYPE_F16, VATTEN_DTYPE_BF16};
static const vatten_layout layouts[] = {VATTEN_LAYOUT_ROWS, VATTEN_LAYOUT_SUBGROUP, VATTEN_LAYOUT_SHARED};

static void turn_rule(gpu_problem *p, unsigned turn) {
    p->dense.causal = turn % 4 == 1 || turn % 4 == 3;
    p->dense.align = turn % 4 == 3 ? VATTEN_ALIGN_FIRST : VATTEN_ALIGN_LAST;
    if (turn % 4 == 2) {
        p->dense.window = (vatten_window){.enabled = true, .left = 9, .right = 3};
        p->dense.prefix = 2;
    }
}

static gpu_problem small(unsigned turn, uint64_t q_len, uint64_t kv_len) {
    gpu_problem p = gpu_dense(dtypes[turn % 3], q_len, kv_len, 4, 2, 16);
    p.seed = turn + 1;
    p.small_tiles = true;
    return p;
}

/* All layouts where compiling is cheap, else one after the other. */
static void check_turn(const gpu_problem *p, unsigned turn) {
    if (gpu_thorough(&device)) {
        mass_check_all(&device, p);
    } else {
        mass_check_kinds(&device, p, layouts[turn % COUNT(layouts)]);
    }
}

/* ---- Rules ---- */

static void test_plain(void **state) {
    (void)state;
    for (unsigned n = 0; n < 4; ++n) {
        gpu_problem p = small(n, 19, 37);
        p.dense.heads.batch = 2;
        turn_rule(&p, n);
        gpu_name(&p, "plain %u", n);
        mass_check_all(&device, &p);
    }
    gpu_assert_clean(&device);
}

/* Tiles of the table, and lengths around their edges. */
static void test_edges(void **state) {
    (void)state;
    static const uint64_t lengths[][2] = {{1, 1},   {1, 65},  {33, 1}, {31, 32},
                                          {32, 33}, {64, 63}, {65, 8}, {7, 130}};
    for (unsigned n = 0; n < COUNT(lengths); ++n) {
        gpu_problem p = small(n, lengths[n][0], lengths[n][1]);
        p.small_tiles = n % 2 == 0;
        turn_rule(&p, n / 2);
        gpu_name(&p, "edges q %u k %u", (unsigned)lengths[n][0], (unsigned)lengths[n][1]);
        mass_check_all(&device, &p);
    }
    gpu_assert_clean(&device);
}

static void test_dims(void **state) {
    (void)state;
    static const uint32_t dims[] = {1, 7, 40, 64, 100, 128, 300};
    for (unsigned n = 0; n < COUNT(dims); ++n) {
        gpu_problem p = small(n, 9, 21);
        p.dense.heads.dim = dims[n];
        p.dense.heads.value_dim = 8;
        p.dense.causal = true;
        gpu_name(&p, "dim %u", (unsigned)dims[n]);
        mass_check_kinds(&device, &p, dims[n] > 256 ? VATTEN_LAYOUT_SUBGROUP : layouts[n % 3]);
    }
    gpu_assert_clean(&device);
}

static void test_masks(void **state) {
    (void)state;
    for (unsigned n = 0; n < 12; ++n) {
        gpu_problem p = small(n, 23, 75);
        p.dense.heads.batch = 2;
        p.dense.masks = n < 8 ? 1u << n % 4 : n == 8 ? 15 : 5u + n - 8;
        p.dense.mask_heads = n % 3 == 0 ? 2 : n % 3 == 1 ? 4 : 0;
        p.dense.mask_batch = n % 2 == 1;
        p.dense.segments = (p.dense.masks & VATTEN_MASK_SEGMENTS) && n >= 4 ? 40 : 0;
        turn_rule(&p, n / 2);
        gpu_name(&p, "masks %u turn %u", (unsigned)p.dense.masks, n);
        check_turn(&p, n / 4);
    }
    gpu_assert_clean(&device);
}

static void test_chunks_and_strides(void **state) {
    (void)state;
    for (unsigned n = 0; n < 6; ++n) {
        gpu_problem p = small(n, 21, n % 2 ? 50 : 21);
        p.dense.chunk = n % 3 != 1 ? 8 : 0;
        p.dense.key_stride = n % 3 != 0 ? 5 : 0;
        p.dense.key_phase = n % 3 != 0 ? n % 5 : 0;
        p.dense.causal = n > 2;
        p.dense.window = (vatten_window){.enabled = n % 3 != 0, .left = 4, .right = VATTEN_UNLIMITED};
        p.dense.prefix = n == 5 ? 6 : 0;
        gpu_name(&p, "chunk %u stride %u turn %u", (unsigned)p.dense.chunk, (unsigned)p.dense.key_stride, n);
        check_turn(&p, n);
    }
    gpu_assert_clean(&device);
}

static void test_heads(void **state) {
    (void)state;
    for (unsigned n = 0; n < 9; ++n) {
        gpu_problem p = small(n, 17, 33);
        p.dense.heads.batch = 2;
        p.dense.head_fields = n < 7 ? 1u << n : 127u;
        p.dense.head_batch = n % 2 == 1;
        p.dense.alibi_signed = n == 8;
        p.dense.causal = n % 2 == 0;
        p.dense.window = (vatten_window){.enabled = n > 4, .left = 6, .right = 6};
        p.dense.softcap = n == 7 ? 2.0f : 0.0f;
        gpu_name(&p, "head fields %u", (unsigned)p.dense.head_fields);
        check_turn(&p, n);
    }
    gpu_assert_clean(&device);
}

static void test_biases(void **state) {
    (void)state;
    for (unsigned n = 0; n < 6; ++n) {
        gpu_problem p = small(n, n == 4 ? 1 : 24, 24);
        p.dense.heads.batch = 2;
        p.dense.bias = n < 2    ? VATTEN_BIAS_TENSOR
                       : n == 2 ? VATTEN_BIAS_RELATIVE
                       : n == 3 ? VATTEN_BIAS_AXES
                                : VATTEN_BIAS_TENSOR;
        p.dense.bias_heads = n % 2 ? 2 : 0;
        p.dense.bias_dtype = n == 1 ? VATTEN_DTYPE_F16 : VATTEN_DTYPE_F32;
        p.dense.bias_rank = n == 2 || n == 3 ? 2 : 0;
        if (n == 2 || n == 3) {
            p.dense.bias_extent[0] = 4;
            p.dense.bias_extent[1] = 6;
        }
        if (n == 2) {
            p.dense.bias_reach[0] = p.dense.bias_reach[1] = 3;
        }
        if (n >= 4) { /* of keys alone */
            p.dense.bias_strides = (vatten_bias_strides){.head = 24, .key = 1};
        }
        p.dense.causal = n % 2 == 0;
        gpu_name(&p, "bias %u turn %u", (unsigned)p.dense.bias, n);
        check_turn(&p, n);
    }
    gpu_assert_clean(&device);
}

/* ---- Lengths ---- */

static void test_lengths(void **state) {
    (void)state;
    for (unsigned n = 0; n < 6; ++n) {
        gpu_problem p = small(n, n % 2 ? 3 : 18, 41);
        p.dense.heads.batch = 5;
        p.dense.lengths = n < 3 ? VATTEN_LENGTHS_KV : VATTEN_LENGTHS_BOTH;
        p.dense.masks = n == 5 ? VATTEN_MASK_SEGMENTS : 0;
        p.dense.mask_batch = n == 5;
        turn_rule(&p, n);
        gpu_name(&p, "lengths %u", n);
        check_turn(&p, n);
    }
    gpu_assert_clean(&device);
}

static void test_shrunk_records(void **state) {
    (void)state;
    static const uint64_t lengths[][2] = {{5, 0}, {0, 7}, {9, 12}, {0, VATTEN_EMPTY}, {1, 1}};
    for (unsigned n = 0; n < COUNT(lengths); ++n) {
        gpu_problem p = small(n, 18, 41);
        p.q_len = lengths[n][0];
        p.kv_len = lengths[n][1];
        p.dense.causal = n % 2 == 0;
        gpu_name(&p, "shrunk %u", n);
        check_turn(&p, n);
    }
    gpu_assert_clean(&device);
}

static void test_packed(void **state) {
    (void)state;
    for (unsigned n = 0; n < 6; ++n) {
        gpu_problem p = small(n, 45, 61);
        p.dense.lengths = VATTEN_LENGTHS_PACKED;
        p.dense.sequences = 6;
        p.dense.masks = n == 4 ? VATTEN_MASK_SEGMENTS | VATTEN_MASK_INTERVALS : n == 5 ? VATTEN_MASK_BITS : 0;
        turn_rule(&p, n);
        gpu_name(&p, "packed %u", n);
        check_turn(&p, n);
    }
    gpu_assert_clean(&device);
}

static void test_pages(void **state) {
    (void)state;
    for (unsigned n = 0; n < 6; ++n) {
        bool packed = n % 2 == 1;
        gpu_problem p = small(n, 26, 43);
        p.dense.heads.batch = packed ? 1 : 3;
        p.dense.lengths = packed ? VATTEN_LENGTHS_PACKED : n == 2 ? VATTEN_LENGTHS_BOTH : VATTEN_LENGTHS_KV;
        p.dense.sequences = packed ? 4 : 0;
        p.dense.page_size = n < 3 ? 8 : 5;
        p.dense.pool_pages = 40;
        turn_rule(&p, n);
        gpu_name(&p, "pages %u", n);
        check_turn(&p, n);
    }
    gpu_assert_clean(&device);
}

/* ---- Kinds ---- */

static void test_keys_of_bytes(void **state) {
    (void)state;
    for (unsigned n = 0; n < 6; ++n) {
        gpu_problem p = small(n, 15, 34);
        p.dense.heads.kv_dtype = VATTEN_DTYPE_I8;
        p.dense.heads.dim = p.dense.heads.value_dim = n % 2 ? 64 : 24;
        p.dense.heads.kv_block = n % 2 ? 32 : 8;
        p.dense.page_size = n == 3 ? 8 : 0;
        p.dense.pool_pages = n == 3 ? 12 : 0;
        p.dense.causal = n > 2;
        gpu_name(&p, "bytes %u", n);
        mass_check_kinds(&device, &p, layouts[n % 3]);
    }
    gpu_assert_clean(&device);
}

static void test_extra_keys_and_ids(void **state) {
    (void)state;
    for (unsigned n = 0; n < 3; ++n) {
        gpu_problem p = small(n, 14, 29);
        p.dense.heads.batch = 2;
        p.dense.extra_len = 5;
        gpu_name(&p, "extra keys %u", n);
        mass_check_kinds(&device, &p, layouts[n]);
        mass_case ids = {.problem = p,
                         .desc = {.kind = VATTEN_MASS_SEGMENTS, .segments = 70, .segment_batch = true}};
        gpu_set_layout(&device, &ids.problem, layouts[n], true);
        mass_check(&device, &ids);
    }
    gpu_assert_clean(&device);
}

static void test_blocks(void **state) {
    (void)state;
    static const uint64_t blocks[] = {1, 2, 3, 4, 16, 64, 1000};
    for (unsigned n = 0; n < COUNT(blocks); ++n) {
        mass_case c = {.problem = small(n, 10, 70),
                       .desc = {.kind = VATTEN_MASS_BLOCK_MAX, .block = blocks[n]}};
        c.problem.dense.window = (vatten_window){.enabled = true, .left = 20, .right = 5};
        c.problem.dense.prefix = 9;
        gpu_name(&c.problem, "blocks of %u", (unsigned)blocks[n]);
        for (unsigned l = 0; l < COUNT(layouts); ++l) {
            gpu_set_layout(&device, &c.problem, layouts[l], n % 2 == 0);
            mass_check(&device, &c);
        }
    }
    gpu_assert_clean(&device);
}

static void test_weights(void **state) {
    (void)state;
    static const vatten_mass_strides strides[] = {{0, 0, 0}, {0, 0, 1}, {12, 0, 1}, {0, 3, 2}, {0, 1, 0}};
    for (unsigned n = 0; n < COUNT(strides) * 3; ++n) {
        mass_case c = {.problem = small(n, 12, 25),
                       .desc = {.kind = VATTEN_MASS_COLUMNS, .weighted = true, .weights = strides[n / 3]}};
        c.problem.dense.heads.batch = 2;
        c.problem.dense.causal = n % 2 == 0;
        c.desc.kv_heads = n % 2 == 1;
        c.desc.last = n % 4 == 3 ? 5 : 0;
        gpu_name(&c.problem, "weights %u", n);
        gpu_set_layout(&device, &c.problem, layouts[n % 3], true);
        mass_check(&device, &c);
    }
    gpu_assert_clean(&device);
}

/* ---- Many dispatches ---- */

static void test_cut(void **state) {
    (void)state;
    static const vatten_mass_desc descs[] = {{.kind = VATTEN_MASS_COLUMNS, .kv_heads = true},
                                             {.kind = VATTEN_MASS_SEGMENTS, .segments = 4},
                                             {.kind = VATTEN_MASS_ROWS, .rows = 9},
                                             {.kind = VATTEN_MASS_ENTROPY},
                                             {.kind = VATTEN_MASS_BLOCK_MAX, .block = 50},
                                             {.kind = VATTEN_MASS_COLUMNS, .last = 70, .weighted = true}};
    for (unsigned n = 0; n < COUNT(descs) * 3; ++n) {
        mass_case c = {.problem = small(n, 150, 200), .desc = descs[n / 3], .max_macs = 1, .dispatches = 20};
        c.problem.dense.heads.batch = 2;
        c.problem.dense.causal = n % 2 == 0;
        c.problem.dense.masks = n % 3 == 1 ? VATTEN_MASK_BITS : 0;
        gpu_name(&c.problem, "cut %u", n);
        gpu_set_layout(&device, &c.problem, layouts[n % 3], false);
        mass_check(&device, &c);
    }
    gpu_assert_clean(&device);
}

static void test_cut_sequences(void **state) {
    (void)state;
    static const vatten_mass_desc descs[] = {{.kind = VATTEN_MASS_COLUMNS},
                                             {.kind = VATTEN_MASS_SEGMENTS, .segments = 4},
                                             {.kind = VATTEN_MASS_ROWS, .rows = 9, .listed = true},
                                             {.kind = VATTEN_MASS_ENTROPY},
                                             {.kind = VATTEN_MASS_BLOCK_MAX, .block = 50}};
    for (unsigned n = 0; n < COUNT(descs) * 2; ++n) {
        mass_case c = {.problem = small(n, 160, 190), .desc = descs[n / 2], .max_macs = 1, .dispatches = 4};
        c.problem.dense.lengths = VATTEN_LENGTHS_PACKED;
        c.problem.dense.sequences = 3;
        c.problem.dense.page_size = n % 2 ? 16 : 0;
        c.problem.dense.pool_pages = n % 2 ? 40 : 0;
        gpu_name(&c.problem, "cut sequences %u", n);
        gpu_set_layout(&device, &c.problem, layouts[n % 3], false);
        mass_check(&device, &c);
    }
    gpu_assert_clean(&device);
}

/* ---- Whatever the oracle says ---- */

/* Floats of a mass of the trial's attention; the caller frees them. */
static float *mass_of(gpu_trial *t, vatten_mass_desc desc, uint64_t *count) {
    vatten_plan *plan = NULL;
    vatten_plan_info info = {0};
    gpu_region out = {0};
    vatten_args args = t->args;
    float *values = NULL;
    desc.attention = &t->problem->dense;
    desc.tile = desc.attention->heads.tile;
    assert_int_equal(vatten_mass_create(device.device, &desc, &plan), VATTEN_SUCCESS);
    vatten_plan_get_info(plan, &info);
    assert_true(gpu_region_create(&device, &out, GPU_STATE, info.out_bytes, info.offset_alignment));
    args.out = gpu_region_buffer(&out);
    args.v = (vatten_buffer){0};
    if (gpu_regions_run(&device, &out, 1, plan, &args, t->problem->name)) {
        values = malloc(info.out_bytes);
        memcpy(values, out.seen + out.offset, info.out_bytes);
    }
    *count = info.out_bytes / sizeof(float);
    gpu_region_destroy(&device, &out, GPU_STATE);
    vatten_plan_destroy(plan);
    return values;
}

static double sum_of(const float *values, uint64_t count) {
    double sum = 0.0;
    for (uint64_t n = 0; n < count; ++n) {
        sum += (double)values[n];
    }
    return sum;
}

/* Columns and rows sum up to how many rows see a key; blocks of one key are what rows are, bit for bit. */
static void test_sums_agree(void **state) {
    (void)state;
    for (unsigned n = 0; n < 3; ++n) {
        gpu_problem p = small(0, 70, 50); /* the first 20 queries see nothing */
        p.once = p.dense.causal = true;
        gpu_set_layout(&device, &p, layouts[n], n == 0);
        gpu_name(&p, "sums %u", n);
        gpu_trial t;
        if (!gpu_has_layout(&device, layouts[n])) {
            continue;
        }
        assert_int_equal(gpu_trial_begin(&device, &p, &t), VATTEN_SUCCESS);
        assert_true(gpu_trial_run(&t));
        uint64_t columns, grouped, rows, maxima;
        float *c = mass_of(&t, (vatten_mass_desc){.kind = VATTEN_MASS_COLUMNS}, &columns);
        float *g = mass_of(&t, (vatten_mass_desc){.kind = VATTEN_MASS_COLUMNS, .kv_heads = true}, &grouped);
        float *r = mass_of(&t, (vatten_mass_desc){.kind = VATTEN_MASS_ROWS, .rows = 70}, &rows);
        float *m = mass_of(&t, (vatten_mass_desc){.kind = VATTEN_MASS_BLOCK_MAX, .block = 1}, &maxima);
        assert_true(c && g && r && m && columns == 200 && grouped == 100 && rows == 14000 && maxima == 14000);
        assert_float_equal(sum_of(c, columns), 4 * 50, 1e-3);
        assert_float_equal(sum_of(g, grouped), 4 * 50, 1e-3);
        assert_float_equal(sum_of(r, rows), 4 * 50, 1e-3);
        assert_memory_equal(r, m, rows * sizeof(float));
        free(c);
        free(g);
        free(r);
        free(m);
        gpu_trial_end(&t);
    }
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_dims),
        cmocka_unit_test(test_masks),
        cmocka_unit_test(test_chunks_and_strides),
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_biases),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_shrunk_records),
        cmocka_unit_test(test_packed),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_extra_keys_and_ids),
        cmocka_unit_test(test_keys_of_bytes),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_cut_sequences),
        cmocka_unit_test(test_sums_agree),
    };
    int opened = gpu_open(&device, "test_mass", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
