/* SPDX-License-Identifier: MIT
 *
 * Sparse attention against plain statements of published rules: MoBA, where every query and head has blocks of its own, and
 * blocks of queries that share theirs by their means. Lists of single queries are executed in both ways. Rows whose choice
 * hangs on rounding are left out and counted.
 */
#include "sparse_run.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static gpu device;

static uint32_t check(const char *name, const vatten_sparse_desc *desc, uint64_t *out_empty) {
    const sparse_case c = {.desc = *desc};
    return sparse_check(&device, name, &c, out_empty);
}

typedef struct sparse_row {
    uint64_t q_len, kv_len;
    uint32_t q_block, kv_block, heads, kv_heads, entries, first;
    bool causal;
} sparse_row;

/* Whole and in parts. Returns by how many dispatches those differ. */
static uint32_t check_row(const char *name, const sparse_row *row, unsigned n,
                          vatten_sparse_execution execution) {
    uint32_t more = 0;
    for (int layout = VATTEN_LAYOUT_ROWS; layout <= VATTEN_LAYOUT_SHARED; ++layout) {
        vatten_sparse_desc desc = {
            .heads = {.dtype = (vatten_dtype)(VATTEN_DTYPE_F32 + (n + (unsigned)layout) % 3),
                      .batch = 1 + n % 2,
                      .heads = row->heads,
                      .kv_heads = row->kv_heads,
                      .dim = 16,
                      .write_lse = true,
                      .tile = gpu_small_tile(&device, (vatten_layout)layout)},
            .q_len = row->q_len,
            .kv_len = row->kv_len,
            .q_block = row->q_block,
            .kv_block = row->kv_block,
            .rule = {.entries = row->entries, .first = row->first, .own = true},
            .causal = row->causal,
            .execution = execution,
        };
        char text[64];
        uint64_t empty = 0;
        snprintf(text, sizeof text, "%s %u, layout %d", name, n, layout);
        uint32_t whole = check(text, &desc, &empty);
        desc.max_workspace = 40000;
        desc.heads.max_macs = 300000;
        snprintf(text, sizeof text, "%s %u, layout %d, in parts", name, n, layout);
        more += check(text, &desc, &empty) - whole;
    }
    return more;
}

static void test_moba(void **state) {
    (void)state;
    static const sparse_row rows[] = {
        {200, 200, 1, 32, 2, 1, 3, 0, true}, /* a short last block, visible to its own queries only */
        {128, 128, 1, 16, 2, 2, 1, 0, true}, /* the own block alone */
        {70, 250, 1, 25, 4, 2, 4, 1, true},  /* queries at the end of a cache */
        {100, 100, 1, 20, 1, 1, 2, 0, false},
    };
    uint32_t joined = 0, gathered = 0;
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        joined += check_row("MoBA", &rows[n], n, VATTEN_SPARSE_UNION);
        gathered += check_row("MoBA gathered", &rows[n], n, VATTEN_SPARSE_GATHER);
    }
    assert_true(joined > 0 && gathered > 20); /* there were parts */
    gpu_assert_clean(&device);
}

static void test_blocks_of_queries(void **state) {
    (void)state;
    static const sparse_row rows[] = {
        {200, 200, 32, 32, 2, 1, 3, 1, true},
        {190, 260, 64, 16, 2, 2, 8, 0, false},
        {130, 130, 16, 40, 4, 1, 3, 0, true},
    };
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        check_row("blocks of queries", &rows[n], n, VATTEN_SPARSE_AUTO);
    }
    gpu_assert_clean(&device);
}

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t draw(uint64_t *state, uint64_t low, uint64_t high) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return low + (*state >> 33) % (high - low + 1);
}

/* Lengths, blocks and heads of any kind: short last blocks, queries at the end or the start of the keys, heads that share
 * keys, lists, both or neither, lists that no block is good enough for. */
static vatten_sparse_desc draw_problem(uint64_t *random, vatten_layout layout) {
    vatten_sparse_desc d = {.heads = {.dtype = (vatten_dtype)draw(random, 1, 3),
                                      .batch = draw(random, 1, 2),
                                      .kv_heads = 1u << draw(random, 0, 1),
                                      .dim = (uint32_t)(draw(random, 0, 1) ? 16 : draw(random, 1, 24)),
                                      .write_lse = true,
                                      .tile = gpu_small_tile(&device, layout)},
                            .q_len = draw(random, 1, 70),
                            .q_block = 1,
                            .causal = draw(random, 0, 3) != 0,
                            .align = draw(random, 0, 3) ? VATTEN_ALIGN_LAST : VATTEN_ALIGN_FIRST};
    if (gpu_has_matrices(layout)) {
        d.heads.dtype = gpu_matrix_dtype(&device, d.heads.dtype);
    }
    d.heads.heads = d.heads.kv_heads << draw(random, 0, 1);
    d.kv_len = d.q_len + draw(random, 0, 100);
    d.kv_block = (uint32_t)draw(random, 1, smaller(d.kv_len, 40));
    uint64_t blocks = (d.kv_len + d.kv_block - 1) / d.kv_block;
    d.rule.entries = (uint32_t)draw(random, 1, smaller(blocks, 6));
    d.rule.own = draw(random, 0, 1) == 1;
    d.rule.list_heads = (uint32_t)draw(random, 0, 2);
    d.rule.list_heads = d.heads.heads % (d.rule.list_heads ? d.rule.list_heads : 1) ? 1 : d.rule.list_heads;
    if (draw(random, 0, 3) == 0) {
        d.rule.budget = VATTEN_BUDGET_THRESHOLD;
        d.rule.share = 0.8f;
        d.rule.own = false;
        d.rule.entries = (uint32_t)blocks;
    }
    d.max_workspace = draw(random, 0, 1) ? 0 : draw(random, 45000, 90000);
    d.heads.max_macs = draw(random, 0, 1) ? 0 : UINT64_C(1) << draw(random, 8, 17);
    d.heads.max_moves = d.heads.max_macs / 8;
    return d;
}

static void test_single_queries_at_random(void **state) {
    (void)state;
    unsigned rounds = gpu_thorough(&device) ? 200 : 24;
    uint64_t empty = 0;
    for (unsigned seed = 0; seed < rounds; ++seed) {
        uint64_t random = seed;
        draw(&random, 0, 1);
        vatten_layout layout = (vatten_layout)(VATTEN_LAYOUT_ROWS + seed % 4);
        vatten_sparse_desc desc = draw_problem(&random, layout);
        char text[64];
        desc.execution = seed % 6 == 5 ? VATTEN_SPARSE_UNION : VATTEN_SPARSE_GATHER;
        snprintf(text, sizeof text, "seed %u, layout %d, execution %d", seed, (int)layout,
                 (int)desc.execution);
        check(text, &desc, &empty);
    }
    assert_true(empty > 20); /* of 0 and -inf */
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moba),
        cmocka_unit_test(test_blocks_of_queries),
        cmocka_unit_test(test_single_queries_at_random),
    };
    int opened = gpu_open(&device, "test_sparse", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
