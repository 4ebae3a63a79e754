/* SPDX-License-Identifier: MIT
 *
 * Keys and values that are repacked in the workspace before attention reads them (lib/repack.c): all families, with
 * all that has a place in the workspace or another source of keys beside. Where the device has no layout ADDRESS the
 * same problems run in the layout that it takes.
 */
#include "gpu_harness.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static gpu device;

/* Whether a plan made from the problem repacks: its kernel reads f32 in place of 16 bits, or it has room for keys. */
static bool repacks(const gpu_problem *p) {
    const vatten_heads *heads = gpu_heads_of(p);
    uint64_t row = heads->dim + (heads->value_dim ? heads->value_dim : heads->dim);
    uint64_t bytes = heads->batch * heads->kv_heads * gpu_kv_capacity(p) * row * sizeof(float);
    vatten_plan *plan = NULL;
    vatten_plan_info info = {0};
    if (gpu_plan_create(&device, p, &plan) != VATTEN_SUCCESS) {
        gpu_fail(&device, "%s: no plan: %s", p->name, device.message);
        return false;
    }
    vatten_plan_get_info(plan, &info);
    vatten_plan_destroy(plan);
    return heads->dtype == VATTEN_DTYPE_F32 ? info.workspace_bytes >= bytes
                                            : strstr(info.kernel, "_wide") != NULL;
}

static void check_type(gpu_problem *p, vatten_dtype dtype, bool expected, const char *name, unsigned n) {
    bool has = gpu_has_layout(&device, VATTEN_LAYOUT_ADDRESS);
    vatten_heads *heads = gpu_heads(p);
    heads->dtype = dtype;
    if (has)
        heads->tile.layout = VATTEN_LAYOUT_ADDRESS;
    gpu_name(p, "%s %u %s", name, n, gpu_dtype_name(dtype));
    if (has && repacks(p) != expected)
        gpu_fail(&device, "%s: %s", p->name, expected ? "is not repacked" : "is repacked");
    gpu_check(&device, p);
}

static void check(gpu_problem *p, bool expected, const char *name, unsigned n) {
    check_type(p, VATTEN_DTYPE_F16, expected, name, n);
    check_type(p, VATTEN_DTYPE_BF16, expected, name, n);
}

static void test_dense(void **state) {
    (void)state;
    for (unsigned n = 0; n < 8; ++n) {
        gpu_problem p =
            gpu_dense(VATTEN_DTYPE_F16, 150 + 20 * n, 61 + 9 * n, 4, 1 + n % 2, n % 3 == 2 ? 20 : 13 + n);
        p.dense.heads.batch = 1 + n % 3;
        p.dense.heads.value_dim = n % 2 ? 24 : 0;
        p.dense.heads.write_lse = n % 2 == 0;
        p.dense.heads.max_macs = n % 4 == 3 ? 300000 : 0; /* with a carry behind what was repacked */
        p.dense.window = (vatten_window){.enabled = n == 4, .left = 200, .right = 70};
        p.dense.prefix = n == 5 ? 11 : 0;
        p.rows = 200;
        check(&p, true, "dense", n);
    }
    gpu_assert_clean(&device);
}

/* Lengths of a record: keys past them are NaN and must not be read, those that are left are. */
static void test_shrunk_lengths(void **state) {
    (void)state;
    static const uint64_t lengths[][2] = {{0, 1},   {150, 60},          {1, 0},
                                          {33, 8},  {200, 7},           {0, 33},
                                          {17, 71}, {10, VATTEN_EMPTY}, {VATTEN_EMPTY, 10}};
    for (unsigned n = 0; n < COUNT(lengths); ++n) {
        gpu_problem p = gpu_dense(VATTEN_DTYPE_F16, 200, 72, 6, 1, 16);
        p.dense.heads.batch = 2;
        p.dense.causal = n % 2 == 1;
        p.q_len = lengths[n][0];
        p.kv_len = lengths[n][1];
        p.rows = 100;
        check(&p, true, "shrunk", n);
    }
    gpu_assert_clean(&device);
}

/* Rules, extra keys and shares among them; pages and lengths in tables stay where they are. */
static void test_rules(void **state) {
    (void)state;
    for (unsigned n = 0; n < 6; ++n) {
        gpu_problem p = gpu_dense(VATTEN_DTYPE_F16, 180, 90, 6, 1, 16);
        p.dense.heads.batch = 2;
        p.dense.softcap = n % 2 ? 8.0f : 0.0f;
        p.dense.masks = n == 2 ? VATTEN_MASK_INTERVALS : 0;
        p.dense.key_stride = n == 3 ? 3 : 0;
        p.dense.chunk = n == 0 ? 64 : 0;
        p.dense.extra_len = n >= 3 ? 21 : 0;
        p.dense.splits = n == 4 ? 3 : 0;
        p.dense.lengths = n == 5 ? VATTEN_LENGTHS_KV : VATTEN_LENGTHS_PLAN;
        p.rows = 150;
        check(&p, n != 5, "rules", n);
    }
    gpu_assert_clean(&device);
}

static void test_neighborhoods(void **state) {
    (void)state;
    static const uint64_t extents[] = {14, 15, 9};
    for (unsigned n = 0; n < 6; ++n) {
        uint32_t rank = 2 + n % 2;
        gpu_problem p = gpu_grid(VATTEN_DTYPE_F16, rank, extents, 4, 2, 16);
        for (uint32_t a = 0; a < rank; ++a)
            p.hood.axis[a].window = rank == 2 ? 12 : 7;
        p.hood.heads.batch = 1 + n % 2;
        p.hood.heads.write_lse = n % 2 == 0;
        p.hood.extra_len = n >= 4 ? 19 : 0;
        p.hood.bias = n == 1 ? VATTEN_BIAS_RELATIVE : (vatten_bias)0;
        p.hood.heads.max_macs = n == 3 ? 400000 : 0;
        p.rows = 150;
        check(&p, true, "grid", n);
    }
    gpu_assert_clean(&device);
}

/* Every block, so that keys are visited often enough. */
static void test_lists(void **state) {
    (void)state;
    enum { BLOCKS = 6 };
    uint32_t words[2 * 2 * 16 * BLOCKS];
    for (unsigned i = 0; i < COUNT(words); ++i)
        words[i] = i / BLOCKS % 5 == 3 && i % BLOCKS > 2 ? VATTEN_LIST_END : i % BLOCKS;
    for (unsigned n = 0; n < 4; ++n) {
        gpu_problem p = {.listed = true, .words = words, .rows = 150, .seed = 3 + n};
        p.lists = (vatten_lists_desc){
            .heads = {.dtype = VATTEN_DTYPE_F16,
                      .batch = 2,
                      .heads = 2,
                      .kv_heads = 1,
                      .dim = 20,
                      .write_lse = n % 2},
            .q_len = 200,
            .kv_len = 16 * BLOCKS - n,
            .kind = VATTEN_LIST_BLOCKS,
            .q_block = 16,
            .kv_block = 16,
            .entries = BLOCKS,
            .list_heads = 1,
            .bias = n >= 2 ? VATTEN_BIAS_TENSOR : (vatten_bias)0,
        };
        p.lists.heads.max_macs = n % 2 ? 300000 : 0;
        check(&p, true, "lists", n);
    }
    gpu_assert_clean(&device);
}

/* f32 where other heads lie between the keys of one, and where none does. */
static void test_f32(void **state) {
    (void)state;
    gpu_problem apart = gpu_dense(VATTEN_DTYPE_F32, 200, 75, 4, 2, 20);
    check_type(&apart, VATTEN_DTYPE_F32, true, "apart", 0);
    gpu_problem together = gpu_dense(VATTEN_DTYPE_F32, 200, 75, 4, 1, 20);
    check_type(&together, VATTEN_DTYPE_F32, false, "together", 0);
    static const uint64_t extents[] = {14, 15};
    gpu_problem grid = gpu_grid(VATTEN_DTYPE_F32, 2, extents, 4, 2, 16);
    grid.hood.axis[0].window = grid.hood.axis[1].window = 12;
    grid.hood.extra_len = 9;
    check_type(&grid, VATTEN_DTYPE_F32, true, "grid", 0);
    gpu_assert_clean(&device);
}

/* Too few queries go by each key. */
static void test_what_stays(void **state) {
    (void)state;
    gpu_problem few = gpu_dense(VATTEN_DTYPE_F16, 30, 90, 2, 1, 16);
    check(&few, false, "few queries", 1);
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dense),      cmocka_unit_test(test_shrunk_lengths),
        cmocka_unit_test(test_rules),      cmocka_unit_test(test_neighborhoods),
        cmocka_unit_test(test_lists),      cmocka_unit_test(test_f32),
        cmocka_unit_test(test_what_stays),
    };
    int opened = gpu_open(&device, "test_repack", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
