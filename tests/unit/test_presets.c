/* SPDX-License-Identifier: MIT
 *
 * Presets: lists of static patterns against their rules asked of each pair of blocks, the descs they come with, and what
 * they refuse.
 */
#include "unit.h"

#include <vatten/presets.h>

#include <stdlib.h>

#define MOST 65536 /* words */

static const vatten_heads heads = {
    .dtype = VATTEN_DTYPE_F32, .batch = 2, .heads = 4, .kv_heads = 2, .dim = 16, .label = "layer 3"};

static unit_log said;
static uint32_t words[MOST];

/* Makes room for the lists of a desc and tells that they keep their own rules. */
static void check_words(const vatten_lists_desc *desc, uint64_t count) {
    assert_int_equal(vatten_preset_words(desc), count);
    assert_int_equal(vatten_lists_check(&said.logger, desc, words), VATTEN_SUCCESS);
    assert_silent(&said);
}

static bool has_block(const vatten_lists_desc *d, uint64_t list, uint32_t block) {
    for (uint32_t e = 0; e < d->entries; ++e)
        if (words[list * d->entries + e] == block)
            return true;
    return false;
}

typedef struct sizes {
    vatten_blocks blocks;
    uint64_t rows, keys, ahead; /* blocks; the diagonal of row 0 */
} sizes;

static sizes random_sizes(unit_random *random) {
    sizes s = {.blocks = {.block = (uint32_t)unit_between(random, 1, 9)}};
    s.blocks.q_len = unit_between(random, 1, 60);
    s.blocks.kv_len = s.blocks.q_len + unit_between(random, 0, 40);
    s.rows = (s.blocks.q_len + s.blocks.block - 1) / s.blocks.block;
    s.keys = (s.blocks.kv_len + s.blocks.block - 1) / s.blocks.block;
    while (s.ahead * s.blocks.block < s.blocks.kv_len - s.blocks.q_len)
        ++s.ahead;
    return s;
}

static void streaming_lists_first_and_last_blocks(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 300; ++seed) {
        unit_random random = {.state = seed};
        sizes s = random_sizes(&random);
        bool full[4], any = false;
        for (int h = 0; h < 4; ++h)
            any |= full[h] = unit_chance(&random, 30);
        const vatten_streaming p = {.sink = (uint32_t)unit_between(&random, 0, 3),
                                    .local = (uint32_t)unit_between(&random, 1, 4),
                                    .full = unit_chance(&random, 80) ? full : NULL};
        vatten_lists_desc d;
        assert_int_equal(vatten_preset_streaming(&said.logger, &heads, &s.blocks, &p, &d), VATTEN_SUCCESS);
        uint64_t list_heads = any && p.full ? 4 : 1;
        assert_int_equal(d.list_heads, list_heads);
        vatten_fill_streaming(&d, &p, words);
        check_words(&d, list_heads * s.rows * d.entries);
        for (uint64_t n = 0; n < list_heads * s.rows; ++n)
            for (uint32_t block = 0; block < s.keys; ++block) {
                uint64_t diagonal = s.ahead + n % s.rows;
                bool all = list_heads == 4 && full[n / s.rows];
                bool want = block <= diagonal && (all || block < p.sink || block + p.local > diagonal);
                assert_int_equal(has_block(&d, n, block), want);
            }
    }
}

static void strided_lists_by_absolute_position(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 300; ++seed) {
        unit_random random = {.state = seed};
        sizes s = random_sizes(&random);
        const vatten_strided p = {.local = (uint32_t)unit_between(&random, 1, 4),
                                  .stride = (uint32_t)unit_between(&random, 1, 9),
                                  .offset = (uint32_t)unit_between(&random, 0, 9),
                                  .full_heads = (uint32_t)unit_between(&random, 0, 2)};
        vatten_lists_desc d;
        assert_int_equal(vatten_preset_strided(&said.logger, &heads, &s.blocks, &p, &d), VATTEN_SUCCESS);
        assert_int_equal(d.list_heads, 2);
        vatten_fill_strided(&d, &p, words);
        check_words(&d, 2 * s.rows * d.entries);
        for (uint64_t n = 0; n < 2 * s.rows; ++n)
            for (uint32_t block = 0; block < s.keys; ++block) {
                uint64_t diagonal = s.ahead + n % s.rows, head = n / s.rows;
                uint64_t step = p.stride / 2 > 1 ? p.stride / 2 : 1;
                bool want = block + p.local > diagonal || head + p.full_heads >= 2 ||
                            (block + head * step + p.offset) % p.stride == 0;
                assert_int_equal(has_block(&d, n, block), want && block <= diagonal);
            }
    }
}

/* 130 tokens by 64: each slash takes 64 keys of a query block, the one at 64 adds 64 to that at 100. */
static void vertical_slash_as_worked_out_by_hand(void **state) {
    (void)state;
    static const uint32_t vertical[] = {0, 1, 70}, slash[] = {100, 64, 5, 0};
    const vatten_vertical_slash p = {vertical, 3, slash, 4};
    const vatten_blocks blocks = {130, 130, 64};
    const uint32_t end = VATTEN_LIST_END;
    const uint32_t want[3][16] = {
        {0, 64, 0, 64, end, end, end, end, end, end, end, end, end, end, end, end},
        {64, 128, 0, 128, end, end, end, end, end, end, end, end, end, end, end, end},
        {128, 130, 0, 1, 1, 2, 28, 130, end, end, end, end, end, end, end, end}};
    vatten_lists_desc d;
    assert_int_equal(vatten_preset_vertical_slash(&said.logger, &heads, &blocks, 1, &p, &d), VATTEN_SUCCESS);
    vatten_fill_vertical_slash(&d, &p, words);
    check_words(&d, 3 * 16);
    assert_memory_equal(words, want, sizeof want);
}

static bool in_ranges(const uint32_t *list, uint32_t entries, uint64_t key) {
    for (uint32_t e = 0; e < entries && list[2 + 2 * e] != VATTEN_LIST_END; ++e)
        if (key >= list[2 + 2 * e] && key < list[3 + 2 * e])
            return true;
    return false;
}

/* What the pattern promises is listed: the verticals, and the key at each distance before each query. */
static void vertical_slash_lists_all_it_promises(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 300; ++seed) {
        unit_random random = {.state = seed};
        uint32_t vertical[8], slash[8];
        const vatten_blocks blocks = {.q_len = unit_between(&random, 1, 150),
                                      .block = (uint32_t)unit_between(&random, 1, 20)};
        vatten_blocks b = blocks;
        b.kv_len = b.q_len;
        vatten_vertical_slash p = {vertical, (uint32_t)unit_between(&random, 0, 8), slash,
                                   (uint32_t)unit_between(&random, 1, 8)};
        for (uint32_t n = 0; n < p.verticals; ++n)
            vertical[n] = (n ? vertical[n - 1] + 1 : 0) + (uint32_t)unit_between(&random, 0, 30);
        for (uint32_t n = p.slashes; n-- > 0;)
            slash[n] = (n + 1 < p.slashes ? slash[n + 1] + 1 : 0) + (uint32_t)unit_between(&random, 0, 30);
        vatten_lists_desc d;
        assert_int_equal(vatten_preset_vertical_slash(&said.logger, &heads, &b, 1, &p, &d), VATTEN_SUCCESS);
        vatten_fill_vertical_slash(&d, &p, words);
        check_words(&d, d.rows * (2 + 2 * (uint64_t)d.entries));
        for (uint64_t query = 0; query < b.q_len; ++query) {
            const uint32_t *list = words + query / b.block * (2 + 2 * (uint64_t)d.entries);
            assert_true(query >= list[0] && query < list[1]);
            for (uint32_t n = 0; n < p.verticals; ++n)
                assert_true(vertical[n] > query || in_ranges(list, d.entries, vertical[n]));
            for (uint32_t n = 0; n < p.slashes; ++n)
                assert_true(slash[n] > query || in_ranges(list, d.entries, query - slash[n]));
        }
    }
}

/* 2^63 + 5 lists of two words would be ten words, if nobody looked. */
static void words_that_overflow_are_none(void **state) {
    (void)state;
    const vatten_blocks blocks = {(UINT64_C(1) << 63) + 5, (UINT64_C(1) << 63) + 5, 1};
    const vatten_streaming pattern = {.sink = 1, .local = 1};
    uint32_t untouched[10] = {0};
    vatten_lists_desc d;
    assert_int_equal(vatten_preset_streaming(&said.logger, &heads, &blocks, &pattern, &d), VATTEN_SUCCESS);
    assert_int_equal(vatten_preset_words(&d), 0);
    vatten_fill_streaming(&d, &pattern, untouched);
    for (int i = 0; i < 10; ++i)
        assert_int_equal(untouched[i], 0);
}

static void moba_counts_the_own_block(void **state) {
    (void)state;
    vatten_sparse_desc d;
    assert_int_equal(vatten_preset_moba(&said.logger, &heads, 1000, 1100, 128, 3, &d), VATTEN_SUCCESS);
    assert_true(d.q_len == 1000 && d.kv_len == 1100 && d.q_block == 1 && d.kv_block == 128);
    assert_true(d.causal && d.rule.own && d.rule.entries == 3 && !d.rule.softmax && d.rule.scale == 0.0f);
    assert_int_equal(vatten_preset_moba(NULL, &heads, 100, 100, 512, 9, &d), VATTEN_SUCCESS);
    assert_true(d.kv_block == 100 && d.rule.entries == 1);
    assert_silent(&said);
}

static void blocks_of_vmoba_choose_queries_of_all_heads(void **state) {
    (void)state;
    const vatten_vmoba vmoba = {
        .rank = 2, .extent = {6, 10}, .block = {3, 4}, .scope = VATTEN_VMOBA_BLOCK, .share = 0.25f};
    vatten_sparse_desc d;
    assert_int_equal(vatten_preset_vmoba(&said.logger, &heads, &vmoba, &d), VATTEN_SUCCESS);
    assert_true(d.rule.by_block && d.rule.own && d.rule.min_max && d.rule.entries == 6);
    assert_true(d.rule.budget == VATTEN_BUDGET_MASS && d.rule.share == 0.25f && d.rule.least == 1);
    assert_true(d.rule.budget_rows >= 60 && d.rule.budget_heads == 4 && d.rule.total == 0);
    assert_silent(&said);
}

static void broken_rules_are_named(void **state) {
    (void)state;
    static const uint32_t up[] = {3, 3}, down[] = {5, 7};
    vatten_sparse_desc s;
    vatten_lists_desc d;
    vatten_blocks b = {64, 32, 8};
    vatten_streaming streaming = {1, 0, NULL};
    vatten_strided strided = {1, 0, 0, 0};
    vatten_vertical_slash lines = {up, 2, down, 2};
    assert_int_equal(vatten_preset_moba(&said.logger, &heads, 64, 64, 0, 3, &s),
                     VATTEN_ERROR_INVALID_ARGUMENT);
    assert_said(&said, "layer 3: moba: block 0 and topk 3 must be at least 1");
    assert_int_equal(vatten_preset_streaming(&said.logger, &heads, &b, &streaming, &d),
                     VATTEN_ERROR_INVALID_ARGUMENT);
    assert_said(&said, "layer 3: streaming: q_len 64 and kv_len 32: rows are causal, so 0 < q_len <= kv_len");
    b.kv_len = 64;
    assert_int_equal(vatten_preset_streaming(&said.logger, &heads, &b, &streaming, &d),
                     VATTEN_ERROR_INVALID_ARGUMENT);
    assert_said(&said, "layer 3: streaming: local 0 must be at least 1: the block on the diagonal");
    assert_int_equal(vatten_preset_strided(&said.logger, &heads, &b, &strided, &d),
                     VATTEN_ERROR_INVALID_ARGUMENT);
    assert_said(&said, "layer 3: strided: local 1 and stride 0 must be at least 1");
    strided = (vatten_strided){1, 4, 0, 3};
    assert_int_equal(vatten_preset_strided(&said.logger, &heads, &b, &strided, &d),
                     VATTEN_ERROR_INVALID_ARGUMENT);
    assert_said(&said, "layer 3: strided: full_heads 3 are above kv_heads 2");
    assert_int_equal(vatten_preset_vertical_slash(&said.logger, &heads, &b, 3, &lines, &d),
                     VATTEN_ERROR_INVALID_ARGUMENT);
    assert_said(&said, "layer 3: vertical-slash: heads 4 are not a multiple of list_heads 3");
    assert_int_equal(vatten_preset_vertical_slash(&said.logger, &heads, &b, 1, &lines, &d),
                     VATTEN_ERROR_INVALID_ARGUMENT);
    assert_said(&said, "layer 3: vertical-slash: list head 0: vertical 1 is 3, after 3: they must ascend");
    lines.verticals = 1;
    assert_int_equal(vatten_preset_vertical_slash(&said.logger, &heads, &b, 1, &lines, &d),
                     VATTEN_ERROR_INVALID_ARGUMENT);
    assert_said(&said, "layer 3: vertical-slash: list head 0: slash 1 is 7, after 5: they must descend");
    b.block = 0;
    assert_int_equal(vatten_preset_strided(&said.logger, &heads, &b, &strided, &d),
                     VATTEN_ERROR_INVALID_ARGUMENT);
    assert_said(&said, "layer 3: strided: block 0 must be at least 1");
    assert_int_equal(vatten_preset_words(&d), 0);
    assert_int_equal(vatten_preset_strided(NULL, NULL, &b, &strided, &d), VATTEN_ERROR_INVALID_ARGUMENT);
    assert_int_equal(vatten_preset_moba(NULL, &heads, 1, 1, 1, 1, NULL), VATTEN_ERROR_INVALID_ARGUMENT);
    assert_silent(&said);
}

/* What a method refuses itself; the rest is the business of the create functions. */
static void broken_methods_are_named(void **state) {
    (void)state;
    const vatten_logger *to = &said.logger;
    const vatten_result bad = VATTEN_ERROR_INVALID_ARGUMENT;
    const uint64_t extent[2] = {14, 0};
    vatten_sparse_desc s;
    vatten_topk_desc choose;
    vatten_lists_desc attend;
    vatten_nsa_descs d;
    vatten_vmoba vmoba = {.rank = 4, .extent = {4, 4, 4}, .block = {2, 5, 2}};
    assert_int_equal(vatten_preset_vmoba(to, &heads, &vmoba, &s), bad);
    assert_said(&said, "layer 3: vmoba: rank 4 is outside 1..3");
    vmoba.rank = 3;
    assert_int_equal(vatten_preset_vmoba(to, &heads, &vmoba, &s), bad);
    assert_said(&said, "layer 3: vmoba: axis 1: block 5 is outside 1..4");
    vmoba.block[1] = 2;
    vmoba.scope = (vatten_vmoba_scope)4;
    assert_int_equal(vatten_preset_vmoba(to, &heads, &vmoba, &s), bad);
    assert_said(&said, "layer 3: vmoba: scope 4 is unknown");
    vmoba.scope = VATTEN_VMOBA_BLOCK;
    vmoba.topk = 3;
    assert_int_equal(vatten_preset_vmoba(to, &heads, &vmoba, &s), bad);
    assert_said(&said, "layer 3: vmoba: topk 3 with scope BLOCK: blocks choose by share only");
    vmoba.scope = VATTEN_VMOBA_QUERY;
    vmoba.extent[0] = UINT64_MAX / 2;
    assert_int_equal(vatten_preset_vmoba(to, &heads, &vmoba, &s), bad);
    assert_said(&said, "layer 3: vmoba: extents 9223372036854775807 x 4 x 4 are above 536870911 tokens");
    assert_int_equal(vatten_preset_biformer(to, &heads, extent, 7, 0, &s), bad);
    assert_said(&said, "layer 3: biformer: regions 7 and topk 0 must be at least 1");
    assert_int_equal(vatten_preset_biformer(to, &heads, extent, 7, 1, &s), bad);
    assert_said(&said, "layer 3: biformer: axis 1: block 0 is outside 1..0");
    vatten_flashvsr vsr = {.extent = {4, 8, 8}, .q_extent = 6, .block = {2, 4, 4}, .range = 4, .total = 8};
    assert_int_equal(vatten_preset_flashvsr(to, &heads, &vsr, &s), bad);
    assert_said(&said, "layer 3: flashvsr: q_extent 6 is above extent 4");
    vsr.q_extent = 2;
    assert_int_equal(vatten_preset_flashvsr(to, &heads, &vsr, &s), bad);
    assert_said(&said, "layer 3: flashvsr: range 4 must be odd");
    vsr = (vatten_flashvsr){.extent = {4, 8, 8}, .block = {2, 4, 4}};
    assert_int_equal(vatten_preset_flashvsr(to, &heads, &vsr, &s), bad);
    assert_said(&said, "layer 3: flashvsr: total 0 must be at least 1");
    assert_int_equal(vatten_preset_dma(to, &heads, 9, 8, 4, &choose, &attend), bad);
    assert_said(
        &said,
        "layer 3: dma: width 4, q_len 9, kv_len 8: none may be 0, and queries are the last of the keys");
    vatten_nsa nsa = {.block = 8, .entries = 2, .window = 4};
    assert_int_equal(vatten_preset_nsa(to, &heads, 65, 64, &nsa, &d), bad);
    assert_said(&said, "layer 3: nsa: q_len 65 and kv_len 64: queries are the last of the keys");
    assert_int_equal(vatten_preset_nsa(to, &heads, 64, 64, &nsa, &d), bad);
    assert_said(&said, "layer 3: nsa: entries 2 have no room for the first, the own and the block before it");
    nsa = (vatten_nsa){.block = 65, .entries = 3, .window = 4};
    assert_int_equal(vatten_preset_nsa(to, &heads, 64, 64, &nsa, &d), bad);
    assert_said(&said, "layer 3: nsa: block 65 is outside 1..64");
    nsa = (vatten_nsa){.block = 8, .entries = 3};
    assert_int_equal(vatten_preset_nsa(to, &heads, 64, 64, &nsa, &d), bad);
    assert_said(&said, "layer 3: nsa: window 0 must be at least 1");
    vatten_heads with_lse = heads;
    with_lse.write_lse = true;
    nsa.window = 1;
    assert_int_equal(vatten_preset_nsa(to, &with_lse, 64, 64, &nsa, &d), bad);
    assert_said(&said, "layer 3: nsa: kv_heads 2 and write_lse 1: a sum of branches has no log-sum-exp");
    assert_int_equal(vatten_preset_nsa(NULL, &heads, 64, 64, NULL, &d), bad);
    assert_int_equal(vatten_preset_dma(NULL, &heads, 8, 8, 4, NULL, &attend), bad);
    assert_int_equal(vatten_preset_flashvsr(NULL, NULL, &vsr, &s), bad);
    assert_int_equal(vatten_preset_biformer(NULL, &heads, NULL, 7, 1, &s), bad);
    assert_int_equal(vatten_preset_vmoba(NULL, &heads, &vmoba, NULL), bad);
    assert_silent(&said);
}

/* Every query of a cache is in exactly one list, which names the blocks that end at it or before. */
static void nsa_lists_complete_blocks(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 500; ++seed) {
        unit_random random = {.state = seed};
        uint64_t q_len = unit_between(&random, 1, 90), kv_len = q_len + unit_between(&random, 0, 60);
        const vatten_nsa nsa = {.block = (uint32_t)unit_between(&random, 1, kv_len < 20 ? kv_len : 20),
                                .entries = 200,
                                .window = 1};
        vatten_nsa_descs d;
        assert_int_equal(vatten_preset_nsa(&said.logger, &heads, q_len, kv_len, &nsa, &d), VATTEN_SUCCESS);
        vatten_fill_nsa(&d, words);
        check_words(&d.compressed, 4 * d.compressed.rows);
        for (uint64_t query = 0; query < q_len; ++query) {
            uint64_t complete = (query + kv_len - q_len + 1) / nsa.block, found = 0;
            for (uint64_t row = 0; row < d.compressed.rows; ++row) {
                const uint32_t *list = words + 4 * row;
                if (query < list[0] || query >= list[1])
                    continue;
                ++found;
                assert_int_equal(list[2], complete ? 0 : VATTEN_LIST_END);
                assert_int_equal(list[3], complete ? complete : VATTEN_LIST_END);
            }
            assert_int_equal(found, 1);
        }
    }
}

static int start(void **state) {
    (void)state;
    unit_log_start(&said);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streaming_lists_first_and_last_blocks),
        cmocka_unit_test(strided_lists_by_absolute_position),
        cmocka_unit_test(vertical_slash_as_worked_out_by_hand),
        cmocka_unit_test(vertical_slash_lists_all_it_promises),
        cmocka_unit_test(words_that_overflow_are_none),
        cmocka_unit_test(moba_counts_the_own_block),
        cmocka_unit_test(blocks_of_vmoba_choose_queries_of_all_heads),
        cmocka_unit_test(broken_rules_are_named),
        cmocka_unit_test(broken_methods_are_named),
        cmocka_unit_test(nsa_lists_complete_blocks),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
