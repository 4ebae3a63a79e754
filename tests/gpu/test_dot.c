/* SPDX-License-Identifier: MIT
 *
 * The layout DOT: keys of bytes by integer dot products. Lengths around the edges of tiles, dims and blocks around those of
 * words, queries whose numbers are far apart in a block, and those that are no numbers.
 */
#include "gpu_harness.h"

#include <math.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static gpu device;

static const vatten_dtype dtypes[] = {VATTEN_DTYPE_F32, VATTEN_DTYPE_F16, VATTEN_DTYPE_BF16};

/* With the small tile of the harness: two rows by four keys. */
static gpu_problem problem_of(unsigned turn, uint64_t q_len, uint64_t kv_len, uint32_t dim, uint32_t block) {
    gpu_problem p = gpu_dense(dtypes[turn % 3], q_len, kv_len, 2, 1, dim);
    p.dense.heads.kv_dtype = VATTEN_DTYPE_I8;
    p.dense.heads.kv_block = block;
    p.seed = 1 + turn;
    gpu_set_layout(&device, &p, VATTEN_LAYOUT_DOT, true);
    return p;
}

static bool is_missing(void) {
    return !gpu_has_layout(&device, VATTEN_LAYOUT_DOT);
}

static void test_edges_of_tiles(void **state) {
    (void)state;
    static const uint64_t queries[] = {1, 2, 3, 5}, keys[] = {1, 3, 4, 5, 9};
    if (is_missing()) {
        skip();
    }
    for (unsigned n = 0; n < COUNT(queries) * COUNT(keys) * COUNT(dtypes); ++n) {
        uint64_t q_len = queries[n / 3 % COUNT(queries)], kv_len = keys[n / 12];
        gpu_problem p = problem_of(n, q_len, kv_len, 32, 16);
        p.dense.causal = n / 3 % 2 == 1;
        gpu_name(&p, "%u queries, %u keys", (unsigned)q_len, (unsigned)kv_len);
        gpu_check(&device, &p);
    }
    gpu_assert_clean(&device);
}

/* Blocks of a word and of several, one and several to a row, with values that take more room than keys and less. */
static void test_dims_and_blocks(void **state) {
    (void)state;
    static const struct {
        uint32_t dim, value_dim, block;
    } rows[] = {{16, 0, 16},   {16, 256, 16}, {48, 0, 48},   {80, 16, 16},    {96, 96, 32}, {112, 224, 112},
                {128, 64, 64}, {192, 0, 48},  {256, 16, 16}, {512, 256, 256}, {576, 0, 576}};
    if (is_missing()) {
        skip();
    }
    for (unsigned n = 0; n < 2 * COUNT(rows); ++n) { /* f32, and a type of 16 bits */
        unsigned r = n / 2, turn = n % 2 ? 1 + r % 2 : 0;
        gpu_problem p = problem_of(turn, 7, 19, rows[r].dim, rows[r].block);
        p.dense.heads.value_dim = rows[r].value_dim;
        gpu_set_layout(&device, &p, VATTEN_LAYOUT_DOT, rows[r].dim > 128 || rows[r].value_dim > 128);
        gpu_name(&p, "dim %u/%u in blocks of %u", rows[r].dim, rows[r].value_dim, rows[r].block);
        gpu_check(&device, &p);
    }
    gpu_assert_clean(&device);
}

/* Blocks with one number of four times the others, of zeros, of the least numbers that types of 16 bits have; and magnitudes on
 * both sides of where the scale becomes twice as large (2 - 1/64). */
static float apart(const void *user, gpu_slot slot, uint64_t b, uint64_t token, uint64_t head, uint64_t d) {
    (void)user;
    uint64_t at = ((b * 1024 + token) * 8 + head) * 1024 + d;
    float value = ref_random((uint64_t)slot, at);
    if (slot != GPU_Q) {
        return value;
    }
    static const float edges[] = {1.96875f, 1.984375f, -1.9921875f, 1.0f};
    switch ((token + d / 16) % 4) {
    case 0:
        return d % 16 == token % 16 ? 4.0f : value;
    case 1:
        return 0.0f;
    case 2:
        return value * 6.0e-8f;
    default:
        return d % 16 == 3 ? edges[token / 4 % 4] : value / 2.0f;
    }
}

static void test_numbers_far_apart(void **state) {
    (void)state;
    if (is_missing()) {
        skip();
    }
    for (unsigned n = 0; n < 2 * COUNT(dtypes); ++n) {
        gpu_problem p = problem_of(n, 32, 70, 64, n < COUNT(dtypes) ? 16 : 64);
        p.dense.heads.write_lse = true;
        p.value = apart;
        gpu_name(&p, "queries far apart %u", n);
        gpu_check(&device, &p);
    }
    gpu_assert_clean(&device);
}

/* Queries 1, 4, 7... have a number that is none. */
static float broken(const void *user, gpu_slot slot, uint64_t b, uint64_t token, uint64_t head, uint64_t d) {
    const float *none = user;
    bool there = slot == GPU_Q && token % 3 == 1 && d == token % 32;
    return there ? *none : ref_random((uint64_t)slot, ((b * 1024 + token) * 8 + head) * 1024 + d);
}

/* A query with a NaN or an infinity gives NaN, and its neighbours in the tile do not. */
static void compare_broken(const gpu_trial *trial) {
    const gpu_view *view = &trial->view[GPU_OUT];
    const gpu_region *region = &trial->region[GPU_OUT];
    const ref_tensor out =
        ref_packed(region->seen + region->offset, view->dtype, view->tokens, view->heads, view->dim);
    for (uint64_t i = 0; i < view->tokens * view->heads * view->dim; ++i) {
        uint64_t query = i / view->dim / view->heads;
        double x = ref_load(&out, 0, query, i / view->dim % view->heads, i % view->dim);
        if ((isnan(x) != 0) != (query % 3 == 1)) {
            gpu_fail(&device, "%s: query %u gives %g", trial->problem->name, (unsigned)query, x);
            return;
        }
    }
}

static void check_broken(const gpu_problem *p) {
    gpu_trial trial = {0};
    if (gpu_trial_begin(&device, p, &trial) == VATTEN_SUCCESS && gpu_trial_run(&trial) &&
        gpu_region_download(&trial.region[GPU_OUT])) {
        compare_broken(&trial);
    } else {
        gpu_fail(&device, "%s: does not run: %s", p->name, device.message);
    }
    gpu_trial_end(&trial);
}

static void test_numbers_that_are_none(void **state) {
    (void)state;
    static const float none[] = {NAN, INFINITY};
    if (is_missing()) {
        skip();
    }
    for (unsigned n = 0; n < COUNT(none) * COUNT(dtypes); ++n) {
        gpu_problem p = problem_of(n, 8, 21, 32, n % 2 ? 32 : 16);
        if (!gpu_has_dtype(&device, p.dense.heads.dtype)) {
            continue;
        }
        p.value = broken;
        p.user = &none[n / COUNT(dtypes)];
        gpu_name(&p, "queries with %g, %s", (double)none[n / COUNT(dtypes)],
                 gpu_dtype_name(p.dense.heads.dtype));
        check_broken(&p);
    }
    gpu_assert_clean(&device);
}

/* Pages, chains of few keys, shares of them, heads that share a tile, states: as with SUBGROUP, whose parts these are. */
static void test_with_rules(void **state) {
    (void)state;
    if (is_missing()) {
        skip();
    }
    for (unsigned n = 0; n < 6; ++n) {
        gpu_problem p = problem_of(n, n % 2 ? 2 : 21, 150, 32, 16);
        p.dense.heads.heads = 4;
        p.dense.heads.kv_heads = 2;
        p.dense.heads.batch = 2;
        p.dense.head_fields = n < 2 ? VATTEN_HEAD_SCALE | VATTEN_HEAD_SINK : 0;
        p.dense.splits = n == 3 ? 3 : 0;
        p.dense.extra_len = n == 4 ? 6 : 0;
        p.dense.heads.max_macs = n == 2 ? 30000 : 0;
        p.dense.heads.write_lse = n != 5;
        p.dense.normaliser = n == 5 ? VATTEN_NORMALISER_SIGMOID : VATTEN_NORMALISER_SOFTMAX;
        if (n % 3 == 1) {
            p.dense.page_size = 20;
            p.dense.pool_pages = 16;
            p.dense.lengths = VATTEN_LENGTHS_KV;
        }
        gpu_set_layout(&device, &p, VATTEN_LAYOUT_DOT, n % 2 == 0);
        gpu_name(&p, "dot with rules %u", n);
        gpu_check(&device, &p);
    }
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges_of_tiles),    cmocka_unit_test(test_dims_and_blocks),
        cmocka_unit_test(test_numbers_far_apart), cmocka_unit_test(test_numbers_that_are_none),
        cmocka_unit_test(test_with_rules),
    };
    int opened = gpu_open(&device, "test_dot", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
