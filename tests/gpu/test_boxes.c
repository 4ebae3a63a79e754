/* SPDX-License-Identifier: MIT
 *
 * Attention over lists whose blocks are boxes of a grid: of all ranks, larger and smaller than a tile, short at the ends of
 * axes, with row masks, runs of queries, queries that are the last planes, in parts along planes.
 */
#include "gpu_harness.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static gpu device;

static const vatten_dtype dtypes[] = {VATTEN_DTYPE_F32, VATTEN_DTYPE_F16, VATTEN_DTYPE_BF16};

typedef struct box_row {
    vatten_boxes boxes;
    uint32_t heads, kv_heads, list_heads, dim, q_block, density;
    bool row_masks;
} box_row;

static uint64_t below(uint64_t seed, uint64_t i, uint64_t below) {
    double unit = ((double)ref_random(seed, i) / 1.7320509 + 1.0) / 2.0;
    uint64_t value = (uint64_t)(unit * (double)below);
    return value >= below ? below - 1 : value;
}

static uint64_t tokens_of(const vatten_boxes *boxes, uint64_t first) {
    uint64_t tokens = first;
    for (uint32_t a = 1; a < boxes->rank; ++a) {
        tokens *= boxes->extent[a];
    }
    return tokens;
}

static uint32_t key_blocks(const vatten_boxes *boxes) {
    uint64_t blocks = 1;
    for (uint32_t a = 0; a < boxes->rank; ++a) {
        blocks *= (boxes->extent[a] + boxes->kv_box[a] - 1) / boxes->kv_box[a];
    }
    return (uint32_t)blocks;
}

static gpu_problem problem_of(const box_row *row, unsigned n) {
    const vatten_boxes *boxes = &row->boxes;
    gpu_problem p = {.seed = 300 + n, .listed = true, .rows = 200};
    p.lists = (vatten_lists_desc){
        .heads = {.dtype = dtypes[n % 3],
                  .batch = 1 + n % 2,
                  .heads = row->heads,
                  .kv_heads = row->kv_heads,
                  .dim = row->dim,
                  .value_dim = n % 4 == 2 ? row->dim + 8 : 0,
                  .write_lse = n % 3 != 1},
        .q_len = tokens_of(boxes, boxes->q_extent ? boxes->q_extent : boxes->extent[0]),
        .kv_len = tokens_of(boxes, boxes->extent[0]),
        .q_block = row->q_block,
        .entries = key_blocks(boxes),
        .list_heads = row->list_heads,
        .row_masks = row->row_masks,
        .boxes = *boxes,
    };
    return p;
}

/* Each block by chance, in falling order where `n` is odd; where `n` is a multiple of 4 also one that is none. */
static uint32_t *draw_lists(const gpu_problem *p, uint64_t density, unsigned n) {
    const vatten_lists_desc *d = &p->lists;
    uint64_t heads = d->list_heads ? d->list_heads : d->heads.heads, row = vatten_lists_words(d);
    uint64_t lists = d->heads.batch * heads * gpu_list_rows(d), entry = row / d->entries;
    uint32_t blocks = key_blocks(&d->boxes);
    uint32_t *words = malloc(lists * row * sizeof *words + 1);
    memset(words, 0xff, lists * row * sizeof *words);
    for (uint64_t i = 0; i < lists; ++i) {
        uint64_t used = 0;
        for (uint32_t j = 0; j < blocks; ++j) {
            bool takes = below(p->seed + 50, i * 4096 + j, 100) < density;
            uint32_t *at = words + i * row + used * entry;
            used += takes;
            for (uint64_t w = 0; takes && w < entry; ++w) {
                at[w] = (uint32_t)below(p->seed + 51 + w, i * 4096 + j, UINT32_MAX);
            }
            if (takes) {
                at[0] = n % 2 ? blocks - 1 - j : j;
            }
        }
        if (n % 4 == 0 && used < d->entries) {
            words[i * row + used * entry] = blocks + (uint32_t)i;
        }
    }
    return words;
}

static void check(const box_row *row, unsigned n, bool small) {
    gpu_problem p = problem_of(row, n);
    uint32_t *words = draw_lists(&p, row->density, n);
    p.words = words;
    p.small_tiles = small;
    gpu_name(&p, "boxes %u", n);
    gpu_check_layouts(&device, &p);
    p.lists.heads.max_macs = 30000; /* in several parts, planes of queries and of keys */
    gpu_name(&p, "boxes %u in parts", n);
    gpu_check_layouts(&device, &p);
    free(words);
}

/* 1. shapes: rank, whole and short boxes, larger and smaller than a tile */
static void test_shapes(void **state) {
    (void)state;
    static const box_row rows[] = {
        {{1, {75}, 0, {20}, {16}}, 2, 1, 0, 16, 0, 60, false},
        {{2, {9, 13}, 0, {3, 4}, {4, 5}}, 2, 1, 0, 16, 0, 60, false},
        {{2, {8, 12}, 0, {4, 4}, {4, 4}}, 2, 2, 1, 16, 0, 50, false},
        {{3, {5, 6, 7}, 0, {2, 3, 4}, {2, 4, 3}}, 4, 2, 2, 16, 0, 50, false},
        {{3, {4, 9, 10}, 0, {2, 8, 8}, {2, 8, 8}}, 2, 1, 1, 32, 0, 60, false},
        {{3, {3, 5, 4}, 0, {1, 1, 1}, {2, 2, 2}}, 2, 1, 1, 16, 0, 50, false},
        {{2, {7, 11}, 0, {3, 11}, {1, 1}}, 1, 1, 1, 12, 0, 30, false},
        {{2, {6, 6}, 0, {20, 2}, {9, 9}}, 1, 1, 1, 16, 0, 100, false},
        {{3, {4, 4, 6}, 0, {2, 2, 3}, {2, 2, 3}}, 2, 2, 2, 16, 0, 0, false},
    };
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        check(&rows[n], n, n % 3 != 1 && !gpu_thorough(&device));
    }
    gpu_assert_clean(&device);
}

/* 2. rows of a box by bits, and queries that are the last planes, or runs of tokens */
static void test_queries(void **state) {
    (void)state;
    static const box_row rows[] = {
        {{2, {9, 10}, 0, {4, 4}, {3, 5}}, 2, 1, 1, 16, 0, 60, true},
        {{3, {4, 5, 6}, 0, {2, 5, 5}, {2, 3, 3}}, 2, 2, 1, 16, 0, 60, true},
        {{3, {6, 5, 5}, 2, {1, 3, 3}, {2, 3, 3}}, 2, 1, 0, 16, 0, 60, false},
        {{2, {9, 11}, 4, {3, 4}, {4, 4}}, 2, 1, 1, 16, 0, 60, true},
        {{3, {3, 5, 7}, 0, {0, 0, 0}, {2, 2, 3}}, 2, 1, 2, 16, 32, 50, false},
        {{2, {8, 9}, 5, {0, 0}, {3, 3}}, 2, 2, 1, 16, 33, 50, true},
    };
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        check(&rows[n], 20 + n, n % 3 != 0 && !gpu_thorough(&device));
    }
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shapes), cmocka_unit_test(test_queries)};
    int opened = gpu_open(&device, "test_boxes", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
