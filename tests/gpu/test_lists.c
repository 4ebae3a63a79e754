/* SPDX-License-Identifier: MIT
 *
 * Attention over lists: blocks of all sizes, ranges, single keys; with the rules of the diagonal, row masks, lists for
 * heads and for all, ends in all places, entries that name nothing.
 */
#include "list_words.h"

#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static gpu device;

static const vatten_dtype dtypes[] = {VATTEN_DTYPE_F32, VATTEN_DTYPE_F16, VATTEN_DTYPE_BF16};

static gpu_problem problem_of(vatten_dtype dtype, uint64_t q_len, uint64_t kv_len, uint32_t heads,
                              uint32_t kv_heads, uint32_t dim) {
    gpu_problem p = {.seed = 1, .listed = true};
    p.lists.heads = (vatten_heads){
        .dtype = dtype, .batch = 1, .heads = heads, .kv_heads = kv_heads, .dim = dim, .write_lse = true};
    p.lists.q_len = q_len;
    p.lists.kv_len = kv_len;
    return p;
}

/* 1. blocks: sizes of queries and keys apart, tails, densities, heads */
typedef struct block_row {
    uint64_t q_len, kv_len;
    uint32_t q_block, kv_block, heads, kv_heads, list_heads, dim, density;
    bool causal;
} block_row;

static void check_blocks(const block_row *row, unsigned n) {
    gpu_problem p = problem_of(dtypes[n % 3], row->q_len, row->kv_len, row->heads, row->kv_heads, row->dim);
    p.lists.q_block = row->q_block;
    p.lists.kv_block = row->kv_block;
    p.lists.entries = (uint32_t)list_blocks(row->kv_len, row->kv_block);
    p.lists.list_heads = row->list_heads;
    p.lists.causal = row->causal;
    p.lists.heads.batch = 1 + n % 2;
    p.lists.heads.write_lse = n % 3 != 1;
    p.lists.heads.value_dim = n % 4 == 1 ? 24 : 0;
    p.small_tiles = n % 4 != 0 && !gpu_thorough(&device);
    p.rows = 150;
    p.seed = 1 + n;
    uint32_t *words = list_words_blocks(&p, row->density);
    p.words = words;
    gpu_name(&p, "blocks %u", n);
    gpu_check_layouts(&device, &p);
    p.lists.heads.max_macs = 200000; /* in several parts */
    gpu_name(&p, "blocks %u in parts", n);
    gpu_check_layouts(&device, &p);
    free(words);
}

static void test_blocks(void **state) {
    (void)state;
    static const block_row rows[] = {
        {130, 200, 16, 16, 2, 1, 0, 32, 30, false}, {128, 128, 64, 64, 2, 2, 1, 16, 50, true},
        {100, 300, 32, 64, 4, 2, 2, 16, 40, false}, {300, 100, 128, 32, 2, 2, 2, 16, 60, true},
        {257, 513, 64, 128, 1, 1, 1, 40, 50, true}, {60, 600, 16, 512, 2, 1, 1, 16, 70, false},
        {70, 70, 1, 16, 2, 1, 2, 16, 50, true},     {33, 90, 7, 5, 3, 3, 3, 12, 50, false},
        {520, 40, 512, 16, 1, 1, 1, 16, 50, false}, {90, 90, 30, 30, 2, 2, 2, 16, 0, false},
        {90, 90, 30, 30, 2, 2, 2, 16, 100, true},   {200, 200, 128, 128, 4, 1, 4, 64, 40, true},
    };
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        check_blocks(&rows[n], n);
    }
    gpu_assert_clean(&device);
}

/* 2. rows of a block with blocks of their own */
static void test_row_masks(void **state) {
    (void)state;
    static const uint32_t sizes[][2] = {{16, 16}, {64, 32}, {100, 20}, {33, 16}, {1, 8}};
    for (unsigned n = 0; n < COUNT(sizes); ++n) {
        gpu_problem p = problem_of(dtypes[n % 3], 140, 150, 2, 1, 16);
        p.lists.q_block = sizes[n][0];
        p.lists.kv_block = sizes[n][1];
        p.lists.entries = (uint32_t)list_blocks(150, sizes[n][1]);
        p.lists.row_masks = true;
        p.lists.causal = n % 2 == 1;
        p.small_tiles = n != 1;
        p.seed = 60 + n;
        uint32_t *words = list_words_blocks(&p, 60);
        p.words = words;
        gpu_name(&p, "row masks %u", n);
        gpu_check_layouts(&device, &p);
        free(words);
    }
    gpu_assert_clean(&device);
}

/* 3. the rules of the diagonal inside the listed blocks */
static void test_rules_inside(void **state) {
    (void)state;
    static const struct {
        bool causal;
        vatten_align align;
        vatten_window window;
        uint64_t prefix;
        uint32_t key_stride, key_phase;
    } rules[] = {
        {true, VATTEN_ALIGN_LAST, {true, 20, 0}, 0, 0, 0},
        {false, VATTEN_ALIGN_FIRST, {true, 9, 30}, 0, 0, 0},
        {true, VATTEN_ALIGN_LAST, {true, 15, 0}, 37, 0, 0},
        {true, VATTEN_ALIGN_FIRST, {true, 10, 0}, 5, 16, 3},
        {false, VATTEN_ALIGN_LAST, {true, 4, VATTEN_UNLIMITED}, 0, 7, 0},
        {true, VATTEN_ALIGN_LAST, {false, 0, 0}, 0, 5, 1},
    };
    for (unsigned n = 0; n < COUNT(rules); ++n) {
        gpu_problem p = problem_of(dtypes[n % 3], 110, 150, 2, 2, 16);
        p.lists.q_block = 48;
        p.lists.kv_block = 24;
        p.lists.entries = 7;
        p.lists.list_heads = 1;
        p.lists.causal = rules[n].causal;
        p.lists.align = rules[n].align;
        p.lists.window = rules[n].window;
        p.lists.prefix = rules[n].prefix;
        p.lists.key_stride = rules[n].key_stride;
        p.lists.key_phase = rules[n].key_phase;
        p.small_tiles = n % 3 != 0;
        p.seed = 80 + n;
        uint32_t *words = list_words_blocks(&p, 75);
        p.words = words;
        gpu_name(&p, "rules inside %u", n);
        gpu_check_layouts(&device, &p);
        free(words);
    }
    gpu_assert_clean(&device);
}

/* 4. ranges */
static void test_ranges(void **state) {
    (void)state;
    for (unsigned n = 0; n < 5; ++n) {
        gpu_problem p = problem_of(dtypes[n % 3], 101 + n, 170, 2, 1, 16);
        p.lists.kind = VATTEN_LIST_RANGES;
        p.lists.rows = 3 + n;
        p.lists.q_block = 40;
        p.lists.entries = 6;
        p.lists.list_heads = n % 2 ? 1 : 2;
        p.lists.causal = n > 2;
        p.lists.heads.batch = 2;
        p.small_tiles = n != 0;
        p.seed = 90 + n;
        uint32_t *words = list_words_ranges(&p);
        p.words = words;
        gpu_name(&p, "ranges %u", n);
        gpu_check_layouts(&device, &p);
        p.lists.heads.max_macs = 100000;
        gpu_name(&p, "ranges %u in parts", n);
        gpu_check_layouts(&device, &p);
        free(words);
    }
    gpu_assert_clean(&device);
}

/* 5. single keys; for each query, or for blocks of queries */
static void test_keys(void **state) {
    (void)state;
    static const struct {
        uint32_t q_block, entries, list_heads, dim, value_dim;
        bool causal, v_is_k;
    } rows[] = {
        {1, 20, 1, 16, 0, false, false},   {1, 65, 2, 16, 0, true, false},  {16, 33, 4, 16, 24, true, false},
        {64, 100, 1, 32, 0, false, false}, {200, 7, 2, 16, 0, true, false}, {8, 40, 1, 72, 64, false, true},
    };
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        gpu_problem p = problem_of(dtypes[n % 3], 70, 130, 4, rows[n].v_is_k ? 1 : 2, rows[n].dim);
        p.lists.kind = VATTEN_LIST_KEYS;
        p.lists.q_block = rows[n].q_block;
        p.lists.entries = rows[n].entries;
        p.lists.list_heads = rows[n].list_heads;
        p.lists.causal = rows[n].causal;
        p.lists.heads.value_dim = rows[n].value_dim;
        p.v_is_k = rows[n].v_is_k;
        if (p.v_is_k) {
            p.lists.heads.v = (vatten_strides){.batch = 130 * 72, .head = 72, .token = 72};
        }
        p.small_tiles = n % 3 != 0;
        p.seed = 100 + n;
        uint32_t *words = list_words_keys(&p);
        p.words = words;
        gpu_name(&p, "keys %u", n);
        gpu_check_layouts(&device, &p);
        free(words);
    }
    gpu_assert_clean(&device);
}

/* 6. lists anywhere in their buffer, some of them for all heads or all batch entries; entries that name no block */
static void test_strides_of_lists(void **state) {
    (void)state;
    for (unsigned n = 0; n < 4; ++n) {
        gpu_problem p = problem_of(VATTEN_DTYPE_F32, 90, 120, 4, 2, 16);
        p.lists.q_block = 32;
        p.lists.kv_block = 16;
        p.lists.entries = 8;
        p.lists.list_heads = n == 3 ? 2 : 1;
        p.lists.heads.batch = 2;
        p.lists.lists = (vatten_strides){.batch = n == 3 ? 200 : 0, .head = 77, .token = 11 + n};
        p.small_tiles = true;
        p.seed = 110 + n;
        uint64_t lists;
        uint32_t *words = list_words_new(&p, &lists);
        for (uint64_t i = 0; i < lists * 8; ++i) {
            uint64_t row = i / 8 % 3, head = i / 24 % p.lists.list_heads, b = n == 3 ? i / 24 / 2 : 0;
            words[i] =
                i % 8 == 3 ? 4000000000u : (uint32_t)(i % 8 + list_below(5, (b * 4 + head) * 4 + row, 3));
        }
        p.words = words;
        gpu_name(&p, "strides of lists %u", n);
        gpu_check_layouts(&device, &p);
        free(words);
    }
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks),       cmocka_unit_test(test_row_masks),
        cmocka_unit_test(test_rules_inside), cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_keys),         cmocka_unit_test(test_strides_of_lists),
    };
    int opened = gpu_open(&device, "test_lists", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
