/* SPDX-License-Identifier: MIT
 *
 * Pooling: every kind and dtype over 1-D runs and boxes of 2-D and 3-D grids, with short blocks at the ends, strides, and
 * plans in several dispatches. Outputs lie between guard zones and hold NaN before.
 */
#include "pool_run.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static gpu device;

/* A single block where there are several, then a few. */
static void check_cut(const char *name, const vatten_pool_desc *whole) {
    vatten_pool_desc desc = *whole;
    uint32_t most = pool_check(&device, name, &desc, 0), cut;
    desc.max_moves = 1;
    cut = pool_check(&device, name, &desc, 0);
    if (gpu_has_dtype(&device, desc.dtype)) {
        uint64_t blocks = 1;
        for (uint32_t a = 0; a < desc.rank; ++a) {
            blocks *= (desc.extent[a] + desc.block[a] - 1) / desc.block[a];
        }
        assert_int_equal(most, 1);
        assert_int_equal(cut, blocks * desc.heads * desc.batch);
    }
    desc.max_moves = 1500;
    pool_check(&device, name, &desc, 0);
}

static void test_kinds(void **state) {
    (void)state;
    static const vatten_pool_desc rows[] = {
        {.batch = 2, .heads = 3, .dim = 20, .rank = 1, .extent = {100}, .block = {16}},
        {.batch = 1, .heads = 1, .dim = 128, .rank = 1, .extent = {77}, .block = {77}},
        {.batch = 1, .heads = 2, .dim = 7, .rank = 1, .extent = {9}, .block = {1}},
        {.batch = 2, .heads = 2, .dim = 16, .rank = 2, .extent = {13, 10}, .block = {4, 3}},
        {.batch = 1, .heads = 2, .dim = 33, .rank = 2, .extent = {8, 8}, .block = {8, 2}},
        {.batch = 1, .heads = 3, .dim = 12, .rank = 3, .extent = {5, 7, 9}, .block = {2, 3, 4}},
    };
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        for (int kind = VATTEN_POOL_MEAN; kind <= VATTEN_POOL_MIN_MAX; ++kind) {
            vatten_pool_desc desc = rows[n];
            char name[64];
            desc.kind = (vatten_pool_kind)kind;
            desc.dtype = (vatten_dtype)(VATTEN_DTYPE_F32 + (n + (unsigned)kind) % 3);
            snprintf(name, sizeof name, "pool %u kind %d", n, kind);
            check_cut(name, &desc);
        }
    }
    gpu_assert_clean(&device);
}

/* In the input's dtype; f32 is what it is anyway. */
static void test_kept_dtype(void **state) {
    (void)state;
    for (int dtype = VATTEN_DTYPE_F32; dtype <= VATTEN_DTYPE_BF16; ++dtype) {
        for (int kind = VATTEN_POOL_MEAN; kind <= VATTEN_POOL_MIN_MAX; ++kind) {
            const vatten_pool_desc desc = {.dtype = (vatten_dtype)dtype,
                                           .batch = 2,
                                           .heads = 3,
                                           .dim = 21,
                                           .rank = 2,
                                           .extent = {11, 9},
                                           .block = {3, 4},
                                           .kind = (vatten_pool_kind)kind,
                                           .keep_dtype = true};
            char name[64];
            snprintf(name, sizeof name, "pool kept in dtype %d kind %d", dtype, kind);
            pool_check(&device, name, &desc, 0);
        }
    }
    gpu_assert_clean(&device);
}

/* Head-major with gaps, and one set of tokens for all batch entries. */
static void test_strides(void **state) {
    (void)state;
    vatten_pool_desc desc = {.dtype = VATTEN_DTYPE_F16,
                             .batch = 3,
                             .heads = 2,
                             .dim = 10,
                             .rank = 2,
                             .extent = {6, 11},
                             .block = {2, 5},
                             .x = {.batch = 2000, .head = 910, .token = 13}};
    pool_check(&device, "pool with strides", &desc, 0);
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_kept_dtype),
        cmocka_unit_test(test_strides),
    };
    int opened = gpu_open(&device, "test_pool", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
