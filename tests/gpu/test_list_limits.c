/* SPDX-License-Identifier: MIT
 *
 * Attention over lists where bindings hold less than the queries of a block: blocks are cut inside, runs by tiles and boxes
 * by planes, with row masks, biases and keys cut besides.
 */
#include "gpu_harness.h"

#include <stdlib.h>
#include <string.h>

#define RANGE 8192u

static gpu device;

static uint64_t below(uint64_t seed, uint64_t i, uint64_t below) {
    double unit = ((double)ref_random(seed, i) / 1.7320509 + 1.0) / 2.0;
    uint64_t value = (uint64_t)(unit * (double)below);
    return value >= below ? below - 1 : value;
}

static gpu_problem problem_of(uint64_t q_len, uint64_t kv_len, uint32_t heads, uint64_t seed) {
    gpu_problem p = {.seed = seed, .listed = true, .rows = 300};
    p.lists.heads = (vatten_heads){
        .dtype = VATTEN_DTYPE_F32, .batch = 1, .heads = heads, .kv_heads = 1, .dim = 16, .write_lse = true};
    p.lists.q_len = q_len;
    p.lists.kv_len = kv_len;
    p.small_tiles = seed % 2 == 1;
    return p;
}

/* Two of three blocks, with random bits. */
static uint32_t *draw_blocks(const vatten_lists_desc *d, uint64_t seed) {
    uint64_t lists = d->heads.batch * (d->list_heads ? d->list_heads : d->heads.heads) * gpu_list_rows(d);
    uint64_t row = vatten_lists_words(d), entry = row / d->entries;
    uint32_t *words = malloc(lists * row * sizeof *words);
    memset(words, 0xff, lists * row * sizeof *words);
    for (uint64_t i = 0; i < lists; ++i) {
        uint64_t used = 0;
        for (uint32_t j = 0; j < d->entries; ++j) {
            uint32_t *at = words + i * row + used * entry;
            if (below(seed, i * 512 + j, 3) == 0) {
                continue;
            }
            for (uint64_t w = 0; w < entry; ++w) {
                at[w] = (uint32_t)below(seed + w, i * 512 + j, UINT32_MAX);
            }
            at[0] = j;
            ++used;
        }
    }
    return words;
}

/* `parts`: of the queries, at least. */
static void check(gpu_problem *p, const char *name, uint32_t parts) {
    uint32_t *words = draw_blocks(&p->lists, p->seed + 70);
    p->words = words;
    gpu_name(p, "%s %llu", name, (unsigned long long)p->seed);
    gpu_check_layouts(&device, p);
    vatten_plan *plan = NULL;
    assert_int_equal(gpu_plan_create(&device, p, &plan), VATTEN_SUCCESS);
    vatten_plan_info info;
    vatten_plan_get_info(plan, &info);
    assert_true(info.dispatches >= parts);
    vatten_plan_destroy(plan);
    free(words);
}

static void test_runs(void **state) {
    (void)state;
    for (unsigned n = 0; n < 4; ++n) {
        gpu_problem p = problem_of(700 + n, n < 2 ? 60 : 300, 1 + n % 2, 20 + n);
        p.lists.q_block = n == 1 ? 300 : 512;
        p.lists.kv_block = 20;
        p.lists.entries = (uint32_t)(p.lists.kv_len / 20);
        p.lists.row_masks = n != 0;
        p.lists.causal = n == 2;
        check(&p, "block cut inside", 6); /* 128 rows of 64 bytes bind */
    }
    gpu_assert_clean(&device);
}

static void test_boxes(void **state) {
    (void)state;
    for (unsigned n = 0; n < 3; ++n) {
        gpu_problem p = problem_of(13 * 24, 13 * 24, 1, 30 + n);
        p.lists.boxes = (vatten_boxes){3, {13, 4, 6}, 0, {8, 3, 3}, {5, 2, 4}};
        p.lists.entries = 12;
        p.lists.row_masks = n == 1;
        if (n == 2) {
            p.lists.bias =
                VATTEN_BIAS_TENSOR; /* of keys alone: a plane by all keys would be more than a binding */
            p.lists.bias_strides.head = 1;
        }
        check(&p, "box cut inside", 3); /* 5 planes of 1536 bytes bind */
    }
    gpu_assert_clean(&device);
}

/* A block of queries by all keys is more than a binding, whatever the keys of a part. */
static void test_bias(void **state) {
    (void)state;
    for (unsigned n = 0; n < 2; ++n) {
        gpu_problem p = problem_of(90, 200, 2, 40 + n);
        p.lists.kind = n ? VATTEN_LIST_KEYS : VATTEN_LIST_BLOCKS;
        p.lists.q_block = 64;
        p.lists.kv_block = n ? 0 : 25;
        p.lists.entries = n ? 50 : 8;
        p.lists.bias = VATTEN_BIAS_TENSOR;
        p.lists.bias_heads = 1 + n;
        p.lists.heads.dim = 4; /* all keys bind */
        p.small_tiles = true;
        check(&p, "bias cut", 9); /* 10 rows of 800 bytes bind */
    }
    gpu_assert_clean(&device);
}

static void test_refused(void **state) {
    (void)state;
    gpu_problem p = problem_of(4, 3000, 1, 50);
    vatten_plan *plan = NULL;
    p.lists.q_block = 1;
    p.lists.kind = VATTEN_LIST_KEYS;
    p.lists.entries = 10;
    p.lists.heads.dim = 1;
    p.lists.heads.dtype = VATTEN_DTYPE_F16;
    if (!gpu_has_dtype(&device, VATTEN_DTYPE_F16)) {
        return;
    }
    assert_int_equal(gpu_plan_create(&device, &p, &plan), VATTEN_SUCCESS); /* 6000 bytes of keys */
    vatten_plan_destroy(plan);
    p.lists.bias = VATTEN_BIAS_TENSOR; /* 12000 bytes of a query's biases, of which any may be asked for */
    assert_int_equal(gpu_plan_create(&device, &p, &plan), VATTEN_ERROR_UNSUPPORTED);
    assert_non_null(strstr(device.message, "rows of the tile lie too far apart in the bias for one binding"));
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_runs), cmocka_unit_test(test_boxes),
                                       cmocka_unit_test(test_bias), cmocka_unit_test(test_refused)};
    const vatten_context_desc desc = {.cap_storage_range = RANGE};
    int opened = gpu_open(&device, "test_list_limits", &desc);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
