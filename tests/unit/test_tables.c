/* SPDX-License-Identifier: MIT
 *
 * vatten_attention_tables and vatten_attention_check: where each table stands, and what is said of every broken rule.
 */
#include "unit.h"

#define INVALID VATTEN_ERROR_INVALID_ARGUMENT
#define NONE    VATTEN_NO_TABLE

static unit_log said;

static int fresh_log(void **state) {
    (void)state;
    unit_log_start(&said);
    return 0;
}

#define TEST(NAME) cmocka_unit_test_setup(NAME, fresh_log)

static vatten_tables places(const vatten_attention_desc *desc) {
    vatten_tables t;
    assert_int_equal(vatten_attention_tables(desc, &t), VATTEN_SUCCESS);
    return t;
}

static void assert_places(const vatten_attention_desc *desc, const vatten_tables *want) {
    vatten_tables got = places(desc);
    const uint64_t *a = (const uint64_t *)&got, *b = (const uint64_t *)want;
    for (size_t i = 0; i < sizeof got / sizeof *a; ++i)
        if (a[i] != b[i])
            fail_msg("place %u is %llu, not %llu", (unsigned)i, (unsigned long long)a[i],
                     (unsigned long long)b[i]);
}

static const vatten_tables nothing = {.heads = NONE,
                                      .q_lengths = NONE,
                                      .kv_lengths = NONE,
                                      .q_starts = NONE,
                                      .kv_starts = NONE,
                                      .pages = NONE,
                                      .q_segments = NONE,
                                      .kv_segments = NONE,
                                      .visible = NONE,
                                      .intervals = NONE,
                                      .expiry = NONE,
                                      .bits = NONE,
                                      .spans = NONE};

/* 2 batch entries, 4 heads, 24 queries, 40 keys. */
static void tables_stand_in_their_order(void **state) {
    (void)state;
    vatten_attention_desc desc = unit_dense();
    assert_places(&desc, &nothing);
    desc.head_fields = VATTEN_HEAD_SINK;
    desc.lengths = VATTEN_LENGTHS_BOTH;
    desc.page_size = 16;
    desc.pool_pages = 9;
    vatten_tables want = nothing;
    want.heads = 0;
    want.q_lengths = 4 * 32;
    want.kv_lengths = want.q_lengths + 8;
    want.pages = want.kv_lengths + 8;
    want.row_pages = 3;
    want.bytes = want.pages + 2 * 3 * 4;
    assert_places(&desc, &want);
    desc.masks = VATTEN_MASK_SEGMENTS | VATTEN_MASK_INTERVALS | VATTEN_MASK_EXPIRY | VATTEN_MASK_BITS;
    desc.segments = 33;
    desc.mask_heads = 2;
    desc.mask_batch = true;
    want.q_segments = want.bytes;
    want.kv_segments = want.q_segments + 2 * 24 * 4;
    want.visible = want.kv_segments + 2 * 40 * 4;
    want.intervals = want.visible + 2 * 33 * 2 * 4;
    want.expiry = want.intervals + 2 * 2 * 24 * 2 * 4;
    want.bits = want.expiry + 2 * 2 * 40 * 4;
    want.spans = want.bits + 2 * 2 * 24 * 2 * 4;
    want.bytes = want.spans + 2 * 2 * 1 * 4 * 4;
    assert_places(&desc, &want);
}

static void one_table_serves_all_unless_asked(void **state) {
    (void)state;
    vatten_attention_desc desc = unit_dense();
    vatten_tables want = nothing;
    desc.head_fields = VATTEN_HEAD_SLOPE;
    desc.head_batch = true;
    desc.masks = VATTEN_MASK_SEGMENTS;
    want.heads = 0;
    want.q_segments = 2 * 4 * 32;
    want.kv_segments = want.q_segments + 24 * 4;
    want.spans = want.kv_segments + 40 * 4;
    want.bytes = want.spans + 4 * 4;
    assert_places(&desc, &want);
    desc.masks = VATTEN_MASK_BITS; /* whose own summary is not kept */
    desc.head_fields = 0;
    want = nothing;
    want.bits = 0;
    want.bytes = 24 * 2 * 4;
    assert_places(&desc, &want);
    desc.masks = VATTEN_MASK_EXPIRY;
    desc.kv_len = 65; /* two runs of 64 */
    want = nothing;
    want.expiry = 0;
    want.spans = 65 * 4;
    want.bytes = want.spans + 2 * 4 * 4;
    assert_places(&desc, &want);
}

static void sequences_have_starts_and_with_pages_lengths(void **state) {
    (void)state;
    vatten_attention_desc desc = unit_dense();
    vatten_tables want = nothing;
    desc.heads.batch = 1;
    desc.lengths = VATTEN_LENGTHS_PACKED;
    desc.sequences = 5;
    want.q_starts = 0;
    want.kv_starts = 24;
    want.bytes = 48;
    assert_places(&desc, &want);
    desc.page_size = 7;
    desc.pool_pages = 100;
    want.kv_lengths = 0;
    want.q_starts = 20;
    want.kv_starts = NONE;
    want.pages = 44;
    want.row_pages = 6;
    want.bytes = 44 + 5 * 6 * 4;
    assert_places(&desc, &want);
}

static void sizes_that_overflow_are_refused(void **state) {
    (void)state;
    vatten_attention_desc desc = unit_dense();
    vatten_tables t;
    desc.masks = VATTEN_MASK_BITS;
    desc.q_len = desc.kv_len = UINT64_C(1) << 35;
    assert_int_equal(vatten_attention_tables(&desc, &t), INVALID);
    assert_int_equal(t.bytes, 0);
    assert_int_equal(t.heads, 0);
    desc.q_len = 1;
    desc.kv_len = UINT64_MAX; /* no rounding up may wrap */
    assert_int_equal(vatten_attention_tables(&desc, &t), VATTEN_SUCCESS);
    desc.kv_len = 8;
    desc.masks = VATTEN_MASK_SEGMENTS;
    desc.heads.batch = UINT64_MAX;
    desc.mask_batch = true;
    assert_int_equal(vatten_attention_tables(&desc, &t), INVALID);
    assert_int_equal(vatten_attention_tables(NULL, &t), INVALID);
    assert_int_equal(vatten_attention_tables(&desc, NULL), INVALID);
}

/* ---- The check ---- */

static uint32_t words[4096];

static uint32_t *at(const vatten_attention_desc *desc, uint64_t place) {
    assert_true(place != NONE && places(desc).bytes <= sizeof words);
    return words + place / 4;
}

static vatten_result check(const vatten_attention_desc *desc) {
    return vatten_attention_check(&said.logger, desc, words);
}

#define WRONG(DESC, WORD, VALUE, TEXT)                                                                       \
    do {                                                                                                     \
        uint32_t *word = &(WORD), right = *word;                                                             \
        *word = VALUE;                                                                                       \
        assert_int_equal(check(DESC), INVALID);                                                              \
        assert_said(&said, TEXT);                                                                            \
        *word = right;                                                                                       \
        assert_int_equal(check(DESC), VATTEN_SUCCESS);                                                       \
        assert_silent(&said);                                                                                \
    } while (0)

static void lengths_are_at_most_the_plans(void **state) {
    (void)state;
    vatten_attention_desc desc = unit_dense();
    desc.lengths = VATTEN_LENGTHS_BOTH;
    memset(words, 0, sizeof words);
    uint32_t *q = at(&desc, places(&desc).q_lengths), *kv = at(&desc, places(&desc).kv_lengths);
    q[0] = 24;
    kv[1] = 40;
    assert_int_equal(check(&desc), VATTEN_SUCCESS);
    WRONG(&desc, q[1], 25, "tables: q_lengths[1] is 25, above the plan's 24");
    WRONG(&desc, kv[0], 41, "tables: kv_lengths[0] is 41, above the plan's 40");
    desc.heads.label = "layer 3";
    WRONG(&desc, kv[0], 99, "layer 3: tables: kv_lengths[0] is 99, above the plan's 40");
}

static void starts_ascend_to_all_tokens(void **state) {
    (void)state;
    vatten_attention_desc desc = unit_dense();
    desc.heads.batch = 1;
    desc.lengths = VATTEN_LENGTHS_PACKED;
    desc.sequences = 3;
    uint32_t *q = at(&desc, places(&desc).q_starts), *kv = at(&desc, places(&desc).kv_starts);
    memcpy(q, (uint32_t[]){0, 7, 7, 24}, 16);
    memcpy(kv, (uint32_t[]){0, 7, 20, 40}, 16);
    assert_int_equal(check(&desc), VATTEN_SUCCESS);
    WRONG(&desc, q[0], 1, "tables: q_starts[0] is 1, not 0");
    WRONG(&desc, q[2], 6, "tables: q_starts[2] is 6, below 7 before it");
    WRONG(&desc, q[3], 23, "tables: q_starts[3] is 23, not all 24 tokens");
    WRONG(&desc, kv[0], 2, "tables: kv_starts[0] is 2, not 0");
    WRONG(&desc, kv[2], 41, "tables: kv_starts[3] is 40, below 41 before it");
    WRONG(&desc, kv[3], 50, "tables: kv_starts[3] is 50, not all 40 tokens");
}

static void pages_of_tokens_are_in_the_pool(void **state) {
    (void)state;
    vatten_attention_desc desc = unit_dense();
    desc.lengths = VATTEN_LENGTHS_KV;
    desc.page_size = 16;
    desc.pool_pages = 70000;
    uint32_t *kv = at(&desc, places(&desc).kv_lengths), *pages = at(&desc, places(&desc).pages);
    memcpy(kv, (uint32_t[]){17, 40}, 8);
    memcpy(pages, (uint32_t[]){69999, 0, 70001, 3, 2, 65536}, 24); /* the third has no token */
    assert_int_equal(check(&desc), VATTEN_SUCCESS);
    WRONG(&desc, pages[1], 70000, "tables: pages[0][1] is 70000, the pool has 70000");
    WRONG(&desc, pages[5], UINT32_MAX, "tables: pages[1][2] is 4294967295, the pool has 70000");
    kv[0] = 0; /* has no page at all */
    pages[0] = pages[1] = UINT32_MAX;
    assert_int_equal(check(&desc), VATTEN_SUCCESS);
    kv[0] = 32; /* of which both are in use, to the last token */
    assert_int_equal(check(&desc), INVALID);
    assert_said(&said, "tables: pages[0][0] is 4294967295, the pool has 70000");
}

/* The same first keys of several sequences, or of one. */
static void pages_may_be_shared(void **state) {
    (void)state;
    vatten_attention_desc desc = unit_dense();
    desc.page_size = 16;
    desc.pool_pages = 4; /* lengths are the plan's: all rows have all their pages */
    memcpy(words, (uint32_t[]){1, 2, 3, 1, 2, 0}, 24);
    assert_int_equal(check(&desc), VATTEN_SUCCESS);
    memcpy(words, (uint32_t[]){3, 3, 3, 3, 3, 3}, 24);
    assert_int_equal(check(&desc), VATTEN_SUCCESS);
    assert_silent(&said);
    WRONG(&desc, words[5], 4, "tables: pages[1][2] is 4, the pool has 4");
}

/* Whatever the words are: no sum of them wraps into what is right. */
static void hostile_words_are_found(void **state) {
    (void)state;
    vatten_attention_desc desc = unit_dense();
    desc.heads.batch = 1;
    desc.lengths = VATTEN_LENGTHS_PACKED;
    desc.sequences = 2;
    desc.page_size = 7;
    desc.pool_pages = 5;
    memset(words, 0, sizeof words);
    uint32_t *kv = at(&desc, places(&desc).kv_lengths), *q = at(&desc, places(&desc).q_starts);
    uint32_t *pages = at(&desc, places(&desc).pages);
    q[2] = 24;
    kv[1] = 40;
    assert_int_equal(check(&desc), VATTEN_SUCCESS);
    WRONG(&desc, kv[0], UINT32_MAX, "tables: kv_lengths[0] is 4294967295, above the plan's 40");
    WRONG(&desc, kv[1], 41, "tables: kv_lengths[1] is 41, above the plan's 40");
    WRONG(&desc, q[1], UINT32_MAX, "tables: q_starts[2] is 24, below 4294967295 before it");
    WRONG(&desc, q[2], UINT32_MAX, "tables: q_starts[2] is 4294967295, not all 24 tokens");
    WRONG(&desc, q[0], UINT32_MAX, "tables: q_starts[0] is 4294967295, not 0");
    WRONG(&desc, pages[11], 5, "tables: pages[1][5] is 5, the pool has 5");
    kv[1] = 35; /* the last page is in use no more */
    pages[11] = UINT32_MAX;
    assert_int_equal(check(&desc), VATTEN_SUCCESS);
    kv[0] = kv[1] = 0;
    memset(pages, 0xff, 48);
    assert_int_equal(check(&desc), VATTEN_SUCCESS); /* no keys at all */
}

/* What is read by heads, expiries and bits has no rule: any words will do. */
static void words_without_a_rule_are_not_looked_at(void **state) {
    (void)state;
    vatten_attention_desc desc = unit_dense();
    desc.head_fields = 31;
    desc.masks = VATTEN_MASK_EXPIRY | VATTEN_MASK_BITS;
    memset(words, 0xff, sizeof words);
    assert_int_equal(check(&desc), VATTEN_SUCCESS);
    assert_silent(&said);
}

static void masks_are_in_order(void **state) {
    (void)state;
    vatten_attention_desc desc = unit_dense();
    desc.masks = VATTEN_MASK_SEGMENTS | VATTEN_MASK_INTERVALS;
    desc.segments = 5;
    desc.mask_batch = true;
    desc.mask_heads = 2;
    memset(words, 0, sizeof words);
    vatten_tables t = places(&desc);
    uint32_t *q = at(&desc, t.q_segments), *kv = at(&desc, t.kv_segments);
    uint32_t *intervals = at(&desc, t.intervals);
    q[47] = kv[79] = 4;
    assert_int_equal(check(&desc), VATTEN_SUCCESS);
    WRONG(&desc, q[25], 5, "tables: q_segments[1][1] is 5, segments are 5");
    WRONG(&desc, kv[39], 7, "tables: kv_segments[0][39] is 7, segments are 5");
    WRONG(&desc, intervals[2 * (2 * 24 + 24 + 3)], 1, "tables: intervals[1][1][3] is [1, 0)");
    desc.segments = 0; /* ids are only compared */
    q[0] = UINT32_MAX;
    assert_int_equal(check(&desc), VATTEN_SUCCESS);
}

static void the_desc_is_checked_too(void **state) {
    (void)state;
    vatten_attention_desc desc = unit_dense();
    desc.heads.dim = 0;
    assert_int_equal(check(&desc), INVALID);
    assert_said(&said, "attention: dim 0 must be at least 1");
    assert_int_equal(vatten_attention_check(&said.logger, NULL, words), INVALID);
    assert_int_equal(vatten_attention_check(&said.logger, &desc, NULL), INVALID);
    assert_int_equal(vatten_attention_check(NULL, &desc, words), INVALID);
    assert_silent(&said);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(tables_stand_in_their_order),
        TEST(one_table_serves_all_unless_asked),
        TEST(sequences_have_starts_and_with_pages_lengths),
        TEST(sizes_that_overflow_are_refused),
        TEST(lengths_are_at_most_the_plans),
        TEST(starts_ascend_to_all_tokens),
        TEST(pages_of_tokens_are_in_the_pool),
        TEST(pages_may_be_shared),
        TEST(hostile_words_are_found),
        TEST(words_without_a_rule_are_not_looked_at),
        TEST(masks_are_in_order),
        TEST(the_desc_is_checked_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
