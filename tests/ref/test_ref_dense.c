/* SPDX-License-Identifier: MIT
 *
 * The rules of dense attention against pictures and numbers worked out by hand: which keys a query sees, by rules,
 * masks, lengths and pages. Scores are the subject of test_ref_scores.
 */
#include "small.h"

/* ---- Rules ---- */

/* Without anything beyond, the rule is the old one, which has its own pictures in test_ref. */
static void test_plain_rules_are_those_of_old(void **state) {
    (void)state;
    for (unsigned n = 0; n < 64; ++n) {
        small s;
        small_make(&s, 1, n & 1 ? 5 : 9, 7, 1);
        s.rule.causal = n >> 1 & 1;
        s.rule.align_first = n >> 2 & 1;
        s.rule.left = (n >> 3 & 1) ? 2 : -1;
        s.rule.right = (n >> 4 & 1) ? 1 : -1;
        s.rule.prefix = (n >> 5 & 1) * 3;
        for (uint64_t i = 0; i < s.rule.q_len; ++i) {
            ref_entry entry = ref_dense_entry(&s.problem, 0, i);
            for (uint64_t j = 0; j < 9; ++j) {
                assert_int_equal(ref_dense_sees(&s.problem, &entry, 0, j), ref_dense_visible(&s.rule, i, j));
            }
        }
    }
}

static void test_chunks_look_as_drawn(void **state) {
    (void)state;
    small s;
    small_make(&s, 1, 6, 6, 1);
    s.more.chunk = 4;
    small_expect(&s, 0, 0, 3, "####..");
    small_expect(&s, 0, 0, 4, "....##");
    s.rule.causal = true;
    small_expect(&s, 0, 0, 2, "###...");
    small_expect(&s, 0, 0, 4, "....#.");
    s.rule.prefix = 1;
    small_expect(&s, 0, 0, 4, "#...#.");
    s.rule.left = s.rule.right = 0; /* both hold: near and in the same chunk */
    small_expect(&s, 0, 0, 5, "#....#");

    small_make(&s, 1, 2, 6, 1); /* the chunk is that of the key on the diagonal, 4 and 5 */
    s.more.chunk = 4;
    small_expect(&s, 0, 0, 0, "....##");
    s.rule.align_first = true;
    small_expect(&s, 0, 0, 0, "####..");

    small_make(&s, 1, 8, 6, 1); /* diagonals before the first key are in chunks of their own */
    s.more.chunk = 4;
    small_expect(&s, 0, 0, 1, "......");
    small_expect(&s, 0, 0, 2, "####..");
}

static void test_strides_of_keys_look_as_drawn(void **state) {
    (void)state;
    small s;
    small_make(&s, 1, 6, 6, 1);
    s.more.key_stride = 3;
    s.more.key_phase = 1;
    small_expect(&s, 0, 0, 0, "######"); /* without a window it adds nothing */
    s.rule.left = s.rule.right = 0;
    small_expect(&s, 0, 0, 0, "#.#..#");
    s.more.key_phase = 7; /* the same phase */
    small_expect(&s, 0, 0, 3, "..##.#");
    s.rule.causal = true;
    small_expect(&s, 0, 0, 3, "..##..");
    s.more.chunk = 1;
    small_expect(&s, 0, 0, 4, "..#.#.");
}

/* ---- Masks ---- */

static void test_segments_with_equal_ids(void **state) {
    (void)state;
    const uint32_t q[6] = {0, 1, UINT32_MAX, /* second batch entry */ 5, 5, 0};
    const uint32_t kv[10] = {0, 1, 1, 7, UINT32_MAX, /**/ 5, 0, 0, 5, 2};
    small s;
    small_make(&s, 2, 3, 5, 2);
    s.more.q_segments = q;
    s.more.kv_segments = kv;
    small_expect(&s, 0, 0, 0, "#....");
    small_expect(&s, 1, 1, 1, ".##.."); /* one mask for all */
    small_expect(&s, 0, 0, 2, "....#");
    s.more.mask_batch = true;
    small_expect(&s, 0, 0, 1, ".##..");
    small_expect(&s, 1, 0, 0, "#..#.");
    small_expect(&s, 1, 1, 2, ".##..");
    s.rule.causal = true; /* the key on a diagonal is two ahead */
    small_expect(&s, 1, 0, 0, "#....");
}

/* 34 segments, so that rows have two words. With a table equal ids need their bit as all others do. */
static void test_segments_with_a_table(void **state) {
    (void)state;
    const uint32_t q[3] = {0, 33, 34}, kv[5] = {0, 1, 33, 34, 32};
    uint32_t table[2 * 34 * 2] = {0}; /* two heads */
    small s;
    small_make(&s, 1, 3, 5, 4);
    s.more.q_segments = q;
    s.more.kv_segments = kv;
    s.more.visible = table;
    s.more.segments = 34;
    s.more.mask_heads = 2;
    table[0] = 1u << 1;              /* head 0: 0 sees 1 */
    table[1] = 1u << 1 | 1u << 2;    /* and 33, and 34 which there is not */
    table[2 * 33] = 1u;              /* 33 sees 0 */
    table[2 * 34 + 0] = 1u;          /* second table: 0 sees 0 */
    table[2 * 34 + 2 * 33 + 1] = 1u; /* 33 sees 32 */
    small_expect(&s, 0, 0, 0, ".##..");
    small_expect(&s, 0, 1, 1, "#....");
    small_expect(&s, 0, 1, 2, ".....");
    small_expect(&s, 0, 2, 0, "#....");
    small_expect(&s, 0, 3, 1, "....#");
}

static void test_intervals_and_expiries(void **state) {
    (void)state;
    /* [2 batch][2 heads][2 queries][first, end] */
    const uint32_t spans[16] = {0, 2, 1, 4, 2, 2, 3, 9, 1, 2, 0, 1, 4, 5, 0, 0};
    const uint32_t ends[20] = {0, 3, 4, 5, 9, 1, 1, 1, 9, 9, 4, 4, 4, 4, 4, 9, 0, 9, 0, 9};
    small s;
    small_make(&s, 2, 2, 5, 4);
    s.more.mask_heads = 2;
    s.more.mask_batch = true;
    s.more.intervals = spans;
    small_expect(&s, 0, 0, 0, "##...");
    small_expect(&s, 0, 1, 1, ".###.");
    small_expect(&s, 0, 2, 0, ".....");
    small_expect(&s, 0, 3, 1, "...##"); /* an end past the keys */
    small_expect(&s, 1, 0, 0, ".#...");
    small_expect(&s, 1, 3, 1, ".....");
    s.more.intervals = NULL;
    s.more.expiry = ends; /* diagonals are 3 and 4 */
    small_expect(&s, 0, 0, 0, "..###");
    small_expect(&s, 0, 0, 1, "...##");
    small_expect(&s, 0, 2, 0, "...##");
    small_expect(&s, 1, 1, 0, "#####");
    small_expect(&s, 1, 1, 1, ".....");
    small_expect(&s, 1, 2, 1, "#.#.#");
    s.rule.align_first = true; /* diagonals 0 and 1 */
    small_expect(&s, 0, 0, 0, ".####");
    s.more.intervals = spans; /* each hides what it hides */
    small_expect(&s, 0, 0, 0, ".#...");
}

/* 35 keys: rows have two words, and each head and batch entry its own. */
static void test_bits(void **state) {
    (void)state;
    uint32_t bits[2 * 2 * 2 * 2] = {0}; /* [batch][heads][queries][words] */
    small s;
    char picture[36] = "...................................";
    small_make(&s, 2, 2, 35, 2);
    s.more.mask_heads = 2;
    s.more.mask_batch = true;
    s.more.bits = bits;
    small_expect(&s, 1, 1, 1, picture);
    bits[14] = 1u | 1u << 31; /* the last row of all */
    bits[15] = 1u << 2;
    picture[0] = picture[31] = picture[34] = '#';
    small_expect(&s, 1, 1, 1, picture);
    bits[2] = bits[14];
    bits[3] = bits[15];
    small_expect(&s, 0, 0, 1, picture);
    s.more.mask_batch = false; /* the first one for all */
    small_expect(&s, 1, 0, 1, picture);
}

/* ---- Heads ---- */

static void test_heads_with_windows_of_their_own(void **state) {
    (void)state;
    const ref_head heads[4] = {{.left = 0, .right = 0, .prefix = 1},
                               {.left = -1, .right = 1},
                               {.left = 1, .right = -1, .prefix = 2},
                               {.left = 2, .right = 0}};
    small s;
    small_make(&s, 2, 4, 4, 2);
    s.more.heads = heads;
    s.rule.left = 1;
    s.rule.right = 1;
    s.rule.prefix = 1;
    small_expect(&s, 0, 0, 2, "####"); /* no field counts */
    s.more.head_fields = REF_HEAD_WINDOW;
    small_expect(&s, 0, 0, 2, "#.#.");
    small_expect(&s, 0, 1, 0, "##..");
    s.more.head_fields = REF_HEAD_WINDOW | REF_HEAD_PREFIX;
    small_expect(&s, 0, 0, 3, "#..#");
    small_expect(&s, 1, 1, 0, "##..");
    small_expect(&s, 1, 1, 1, "###.");
    s.more.head_batch = true;
    small_expect(&s, 1, 0, 3, "####");
    small_expect(&s, 1, 1, 3, ".###");
    s.more.head_fields = REF_HEAD_PREFIX;
    small_expect(&s, 1, 0, 3, "####");
    small_expect(&s, 1, 1, 3, "..##");
}

static void test_heads_that_are_skipped(void **state) {
    (void)state;
    const ref_head heads[2] = {{.gain = 0.0f, .sink = 3.0f}, {.gain = -2.0f, .sink = 0.0f}};
    small s;
    small_make(&s, 1, 1, 4, 2);
    s.more.heads = heads;
    s.more.head_fields = REF_HEAD_GAIN | REF_HEAD_SINK;
    s.problem.extra_len = 2;
    s.problem.extra_k = s.problem.k;
    s.problem.extra_v = s.problem.v;
    small_expect(&s, 0, 0, 0, "....");
    assert_near(small_weight(&s, 0, 1, 0, 3), -2.0 / 7.0); /* 4 keys, 2 extra ones, a sink */
    assert_near(small_weight(&s, 0, 1, 0, 0), -4.0 / 7.0); /* the extra ones bring v of keys 0 and 1 again */
    assert_near(small_lse(&s, 0, 1, 0), log(7.0));
}

/* ---- Lengths ---- */

static void test_lengths_of_batch_entries(void **state) {
    (void)state;
    const uint32_t q[3] = {2, 9, 0}, kv[3] = {5, 3, 77};
    small s;
    small_make(&s, 3, 4, 6, 1);
    s.rule.causal = true;
    s.more.kv_lengths = kv;
    s.more.lengths = REF_LENGTHS_KV;
    small_expect(&s, 0, 0, 0, "##....");
    small_expect(&s, 1, 0, 0, "......");
    small_expect(&s, 1, 0, 3, "###...");
    small_expect(&s, 2, 0, 3, "######"); /* no longer than the plan */
    small_expect(&s, 2, 0, 0, "###...");
    s.more.lengths = REF_LENGTHS_BOTH;
    s.more.q_lengths = q;
    small_expect(&s, 0, 0, 0, "####..");
    small_expect(&s, 1, 0, 0, "......");
    s.rule.align_first = true;
    small_expect(&s, 0, 0, 1, "##....");
}

static void test_packed_sequences(void **state) {
    (void)state;
    const uint32_t q[5] = {0, 2, 2, 3, 6}, kv[5] = {0, 3, 5, 5, 9};
    const uint32_t segments[9] = {0, 0, 1, 2, 2, 5, 0, 0, 5}, queries[6] = {1, 0, 4, 5, 0, 0};
    small s;
    small_make(&s, 1, 6, 9, 1);
    s.more.lengths = REF_LENGTHS_PACKED;
    s.more.sequences = 4;
    s.more.q_starts = q;
    s.more.kv_starts = kv;
    small_expect(&s, 0, 0, 1, "###......");
    small_expect(&s, 0, 0, 2, "........."); /* a sequence without keys */
    s.rule.causal = true;
    small_expect(&s, 0, 0, 0, "##.......");
    small_expect(&s, 0, 0, 3, ".....##..");
    s.rule.align_first = true;
    small_expect(&s, 0, 0, 4, ".....##..");
    s.rule.left = 0;
    small_expect(&s, 0, 0, 5, ".......#.");
    s.rule.prefix = 1; /* of each sequence */
    small_expect(&s, 0, 0, 5, ".....#.#.");
    s.more.q_segments = queries; /* tables go on from sequence to sequence */
    s.more.kv_segments = segments;
    small_expect(&s, 0, 0, 5, ".......#.");
    s.rule.causal = false;
    s.rule.left = -1;
    small_expect(&s, 0, 0, 3, ".....#..#");
}

/* What stands in tables counts from a sequence's first token. */
static void test_masks_of_packed_sequences(void **state) {
    (void)state;
    const uint32_t q[3] = {0, 2, 4}, kv[3] = {0, 4, 8};
    const uint32_t spans[8] = {0, 1, 1, 3, 0, 2, 2, 9}, ends[8] = {9, 9, 9, 9, 4, 3, 2, 9};
    const uint32_t bits[4] = {0xff, 0xff, 0xff, 0x61};
    small s;
    small_make(&s, 1, 4, 8, 1);
    s.more.lengths = REF_LENGTHS_PACKED;
    s.more.sequences = 2;
    s.more.q_starts = q;
    s.more.kv_starts = kv;
    s.more.intervals = spans;
    small_expect(&s, 0, 0, 1, ".##.....");
    small_expect(&s, 0, 0, 2, "....##..");
    small_expect(&s, 0, 0, 3, "......##");
    s.more.intervals = NULL;
    s.more.expiry = ends; /* diagonals are 2 and 3 in each */
    small_expect(&s, 0, 0, 2, "....##.#");
    small_expect(&s, 0, 0, 3, "....#..#");
    s.more.expiry = NULL;
    s.more.bits = bits;
    small_expect(&s, 0, 0, 3, ".....##.");
}

/* Three pages of two tokens for each entry out of seven; scores tell which token of the pool was read. */
static void test_pages(void **state) {
    (void)state;
    const uint32_t pages[6] = {6, 0, 3, 1, 99, 2}, lengths[2] = {5, 3};
    small s;
    float pool[14], values[14];
    double out[1];
    for (int n = 0; n < 14; ++n) {
        pool[n] = 0.0f;
        values[n] = (float)(1 << n);
    }
    small_make(&s, 2, 1, 5, 1);
    s.more.page_size = 2;
    s.more.pool_pages = 7;
    s.more.pages = pages;
    s.problem.value_dim = 1;
    s.problem.k = ref_packed(pool, REF_F32, 2, 1, 1);
    s.problem.v = ref_packed(values, REF_F32, 2, 1, 1);
    ref_row(&s.problem, 0, 0, 0, out, NULL, NULL);
    assert_near(out[0] * 5.0, (1 << 12) + (1 << 13) + 1.0 + 2.0 + (1 << 6));
    ref_row(&s.problem, 1, 0, 0, out, NULL, NULL); /* page 99 counts as the last */
    assert_near(out[0] * 5.0, 4.0 + 8.0 + (1 << 12) + (1 << 13) + 16.0);
    s.more.lengths = REF_LENGTHS_KV;
    s.more.kv_lengths = lengths;
    ref_row(&s.problem, 1, 0, 0, out, NULL, NULL);
    assert_near(out[0] * 3.0, 4.0 + 8.0 + (1 << 12));

    const uint32_t starts[3] = {0, 1, 4}; /* packed queries: row 2 is the second of sequence 1 */
    s.rule.q_len = s.more.q_tokens = 4;
    s.more.lengths = REF_LENGTHS_PACKED;
    s.more.sequences = 2;
    s.more.q_starts = starts;
    s.rule.causal = true;
    ref_row(&s.problem, 0, 0, 2, out, NULL, NULL);
    assert_near(out[0] * 2.0, 4.0 + 8.0);
}

/* Packed rows are those of each sequence by itself. */
static void test_packed_sequences_equal_single_ones(void **state) {
    (void)state;
    const uint32_t q[5] = {0, 7, 7, 8, 16}, kv[5] = {0, 5, 11, 20, 23};
    small s, one;
    small_make(&s, 1, 16, 23, 2);
    for (int j = 0; j < 23; ++j) {
        s.k[j] = ref_random(5, (uint64_t)j);
    }
    s.more.lengths = REF_LENGTHS_PACKED;
    s.more.sequences = 4;
    s.more.q_starts = q;
    s.more.kv_starts = kv;
    s.more.chunk = 3;
    s.more.key_stride = 4;
    s.rule.causal = true;
    s.rule.left = 4;
    for (uint64_t n = 0; n < 4; ++n) {
        small_make(&one, 1, q[n + 1] - q[n], kv[n + 1] - kv[n], 2);
        memcpy(one.k, s.k + kv[n], (kv[n + 1] - kv[n]) * sizeof *one.k);
        one.more.chunk = 3;
        one.more.key_stride = 4;
        one.rule.causal = true;
        one.rule.left = 4;
        for (uint64_t i = 0; i < one.rule.q_len; ++i) {
            assert_true(small_lse(&one, 0, 1, i) == small_lse(&s, 0, 1, q[n] + i));
            for (uint64_t j = 0; j < one.rule.kv_len; ++j) {
                assert_true(small_weight(&one, 0, 0, i, j) == small_weight(&s, 0, 0, q[n] + i, kv[n] + j));
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_rules_are_those_of_old),
        cmocka_unit_test(test_chunks_look_as_drawn),
        cmocka_unit_test(test_strides_of_keys_look_as_drawn),
        cmocka_unit_test(test_segments_with_equal_ids),
        cmocka_unit_test(test_segments_with_a_table),
        cmocka_unit_test(test_intervals_and_expiries),
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_heads_with_windows_of_their_own),
        cmocka_unit_test(test_heads_that_are_skipped),
        cmocka_unit_test(test_lengths_of_batch_entries),
        cmocka_unit_test(test_packed_sequences),
        cmocka_unit_test(test_masks_of_packed_sequences),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_packed_sequences_equal_single_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
