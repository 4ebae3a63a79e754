/* SPDX-License-Identifier: MIT
 *
 * A million tokens of window attention and of block-sparse attention: rows of them against the oracle.
 */
#include "gpu_harness.h"

#include <stdlib.h>

#define TOKENS  (1u << 20)
#define BLOCK   64u
#define BLOCKS  (TOKENS / BLOCK)
#define ENTRIES 4u

static gpu device;

static vatten_dtype halves_if_any(void) {
    return gpu_has_dtype(&device, VATTEN_DTYPE_F16) ? VATTEN_DTYPE_F16 : VATTEN_DTYPE_F32;
}

static void test_window(void **state) {
    (void)state;
    gpu_problem p = gpu_dense(halves_if_any(), TOKENS, TOKENS, 1, 1, 16);
    p.seed = 61;
    p.rows = 40;
    p.once = true;
    p.dense.window = (vatten_window){.enabled = true, .left = 64, .right = 64};
    gpu_name(&p, "a million tokens, window 129");
    gpu_check(&device, &p);
    gpu_assert_clean(&device);
}

/* Each row of blocks goes by itself, the first block and two that may be anywhere, in ascending order. */
static uint32_t *draw_blocks(void) {
    uint32_t *words = malloc(BLOCKS * ENTRIES * sizeof *words);
    assert_non_null(words);
    for (uint32_t row = 0; row < BLOCKS; ++row) {
        uint32_t *at = words + row * ENTRIES, drawn[ENTRIES] = {0, row};
        drawn[2] = (row * 7919u + 1u) % BLOCKS;
        drawn[3] = BLOCKS - 1 - (row * 104729u) % BLOCKS;
        uint32_t used = 0;
        for (uint32_t i = 0; i < ENTRIES; ++i) { /* sorted in, once each */
            uint32_t place = 0;
            while (place < used && at[place] < drawn[i])
                ++place;
            if (place < used && at[place] == drawn[i])
                continue;
            for (uint32_t j = used++; j > place; --j)
                at[j] = at[j - 1];
            at[place] = drawn[i];
        }
        while (used < ENTRIES)
            at[used++] = VATTEN_LIST_END;
    }
    return words;
}

static void test_block_sparse(void **state) {
    (void)state;
    uint32_t *words = draw_blocks();
    gpu_problem p = {.seed = 62, .listed = true, .rows = 40, .once = true, .words = words};
    p.lists = (vatten_lists_desc){
        .heads =
            {.dtype = halves_if_any(), .batch = 1, .heads = 1, .kv_heads = 1, .dim = 16, .write_lse = true},
        .q_len = TOKENS,
        .kv_len = TOKENS,
        .q_block = BLOCK,
        .kv_block = BLOCK,
        .entries = ENTRIES};
    gpu_name(&p, "a million tokens, 4 of 16,384 blocks");
    gpu_check(&device, &p);
    free(words);
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_window), cmocka_unit_test(test_block_sparse)};
    int opened = gpu_open(&device, "test_million", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
