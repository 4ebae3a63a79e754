/* SPDX-License-Identifier: MIT
 *
 * Attention over lists with a number for each pair: lists of all kinds, biases by head, KV head or for all, of keys alone,
 * with gaps, pairs that a bias hides, rows that it hides altogether; in parts, in small bindings.
 */
#include "gpu_harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static gpu device;

static const vatten_dtype dtypes[] = {VATTEN_DTYPE_F32, VATTEN_DTYPE_F16, VATTEN_DTYPE_BF16};

static uint64_t below(uint64_t seed, uint64_t i, uint64_t below) {
    double unit = ((double)ref_random(seed, i) / 1.7320509 + 1.0) / 2.0;
    uint64_t value = (uint64_t)(unit * (double)below);
    return value >= below ? below - 1 : value;
}

/* Unit variance; every seventh bias hides its pair, and all of query 3 do. */
static float value(const void *user, gpu_slot slot, uint64_t b, uint64_t token, uint64_t head, uint64_t d) {
    const gpu_problem *p = user;
    uint64_t i = ((b * 4096 + token) * 64 + head) * 4096 + d;
    bool hides = slot == GPU_BIAS && p->lists.bias_strides.token + p->lists.bias_strides.head != 1 &&
                 (below(p->seed + 9, i, 7) == 0 || token == 3);
    return hides ? -INFINITY : ref_random(p->seed * GPU_SLOTS + (uint64_t)slot, i);
}

static uint32_t *draw_words(const gpu_problem *p) {
    const vatten_lists_desc *d = &p->lists;
    uint64_t heads = d->list_heads ? d->list_heads : d->heads.heads, row = vatten_lists_words(d);
    uint64_t lists = d->heads.batch * heads * gpu_list_rows(d);
    uint32_t *words = malloc(lists * row * sizeof *words + 1);
    memset(words, 0xff, lists * row * sizeof *words);
    for (uint64_t i = 0; i < lists; ++i) {
        uint32_t *list = words + i * row, used = 0;
        uint64_t step = (d->q_len + d->rows) / (d->rows ? d->rows : 1), place = d->rows ? i % d->rows : 0;
        if (d->kind == VATTEN_LIST_RANGES) {
            list[0] = (uint32_t)(place * step);
            list[1] = (uint32_t)((place + 1) * step < d->q_len ? (place + 1) * step : d->q_len);
        }
        for (uint32_t e = 0; e < d->entries; ++e) {
            uint64_t drawn = below(p->seed + 50, i * 512 + e, 1000);
            if (d->kind == VATTEN_LIST_BLOCKS && drawn < 600) {
                list[used++] = e;
            } else if (d->kind == VATTEN_LIST_RANGES) {
                list[2 + 2 * e] = (uint32_t)(e * 30 + drawn % 11);
                list[3 + 2 * e] = (uint32_t)(e * 30 + 12 + drawn % 17);
            } else if (d->kind == VATTEN_LIST_KEYS && drawn < 900) {
                list[e] = (uint32_t)below(p->seed + 51, i * 512 + e, d->kv_len);
            }
        }
    }
    return words;
}

typedef struct bias_row {
    vatten_list_kind kind;
    uint32_t heads, kv_heads, list_heads, bias_heads, q_block, kv_block, entries;
    vatten_strides strides;
    bool causal;
} bias_row;

static gpu_problem problem_of(const bias_row *row, unsigned n) {
    gpu_problem p = {.seed = 400 + n, .listed = true, .rows = 200};
    p.lists = (vatten_lists_desc){
        .heads = {.dtype = dtypes[n % 3],
                  .batch = 1 + n % 2,
                  .heads = row->heads,
                  .kv_heads = row->kv_heads,
                  .dim = 16,
                  .write_lse = n % 4 != 1},
        .q_len = 70,
        .kv_len = 100,
        .kind = row->kind,
        .q_block = row->q_block,
        .kv_block = row->kv_block,
        .entries = row->entries,
        .rows = row->kind == VATTEN_LIST_RANGES ? 3 : 0,
        .list_heads = row->list_heads,
        .causal = row->causal,
        .bias = VATTEN_BIAS_TENSOR,
        .bias_heads = row->bias_heads,
        .bias_strides = row->strides,
    };
    return p;
}

static void check(gpu_problem *p, unsigned n, const char *name) {
    uint32_t *words = draw_words(p);
    p->words = words;
    p->value = value;
    p->user = p;
    p->small_tiles = n % 4 != 2 && !gpu_thorough(&device);
    gpu_name(p, "%s %u", name, n);
    gpu_check_layouts(&device, p);
    p->lists.heads.max_macs = 60000;
    gpu_name(p, "%s %u in parts", name, n);
    gpu_check_layouts(&device, p);
    free(words);
}

static void test_lists(void **state) {
    (void)state;
    static const bias_row rows[] = {
        {VATTEN_LIST_BLOCKS, 2, 1, 0, 0, 16, 16, 7, {0, 0, 0}, false},
        {VATTEN_LIST_BLOCKS,
         4,
         2,
         2,
         2,
         24,
         20,
         5,
         {0, 100, 0},
         true}, /* of keys, by KV head, for all batch entries */
        {VATTEN_LIST_RANGES, 2, 2, 1, 1, 40, 0, 3, {7301, 0, 103}, false}, /* for all heads, with gaps */
        {VATTEN_LIST_KEYS, 4, 2, 4, 2, 1, 0, 33, {0, 0, 0}, true},
        {VATTEN_LIST_KEYS, 4, 1, 1, 4, 64, 0, 40, {401, 100, 0}, false},
        {VATTEN_LIST_BLOCKS, 2, 1, 1, 1, 100, 32, 4, {0, 1, 0}, false}, /* one row of biases */
    };
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        gpu_problem p = problem_of(&rows[n], n);
        check(&p, n, "bias");
    }
    gpu_assert_clean(&device);
}

static void test_boxes(void **state) {
    (void)state;
    static const bias_row rows[] = {{VATTEN_LIST_BLOCKS, 2, 1, 1, 0, 0, 0, 8, {0, 0, 0}, false},
                                    {VATTEN_LIST_BLOCKS, 2, 2, 2, 1, 0, 0, 8, {0, 1, 144}, false}};
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        gpu_problem p = problem_of(&rows[n], n);
        p.lists.boxes = (vatten_boxes){3, {4, 5, 7}, 3, {2, 3, 3}, {2, 3, 4}};
        p.lists.q_len = 105;
        p.lists.kv_len = 140;
        p.lists.row_masks = n == 1;
        p.lists.entries = 8;
        check(&p, n, "bias of boxes");
    }
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lists), cmocka_unit_test(test_boxes)};
    int opened = gpu_open(&device, "test_list_bias", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
