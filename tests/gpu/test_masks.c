/* SPDX-License-Identifier: MIT
 *
 * Masks of dense attention that no formula tells: segments, intervals, expiries, bits, each alone and two at a time, with
 * masks of their own for heads and batch entries; and the formulas that go with them, chunks and strides of keys.
 */
#include "gpu_harness.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static gpu device;

static const vatten_dtype dtypes[] = {VATTEN_DTYPE_F32, VATTEN_DTYPE_F16, VATTEN_DTYPE_BF16};
static const vatten_masks each[] = {VATTEN_MASK_SEGMENTS, VATTEN_MASK_INTERVALS, VATTEN_MASK_EXPIRY,
                                    VATTEN_MASK_BITS};

/* Rules of the diagonal that take turns under the masks. */
static void turn_rule(gpu_problem *p, unsigned turn) {
    p->dense.causal = turn % 4 == 1 || turn % 4 == 3;
    p->dense.align = turn % 4 == 3 ? VATTEN_ALIGN_FIRST : VATTEN_ALIGN_LAST;
    if (turn % 4 == 2) {
        p->dense.window = (vatten_window){.enabled = true, .left = 29, .right = 11};
        p->dense.prefix = 3;
    }
}

static gpu_problem masked(vatten_dtype dtype, uint64_t q_len, uint64_t kv_len, vatten_masks masks) {
    gpu_problem p = gpu_dense(dtype, q_len, kv_len, 4, 2, 16);
    p.dense.masks = masks;
    return p;
}

/* 1. each mask alone, all dtypes, at the edges of words and of small tiles */
static void test_each_mask(void **state) {
    (void)state;
    static const uint64_t keys[] = {1, 31, 32, 33, 64, 65, 131};
    static const uint64_t queries[] = {1, 7, 8, 33};
    unsigned turn = 0;
    for (unsigned m = 0; m < COUNT(each); ++m) {
        for (unsigned k = 0; k < COUNT(keys); ++k) {
            for (unsigned q = 0; q < COUNT(queries); ++q, ++turn) {
                if (!gpu_thorough(&device) && (q + k) % 4 != m) {
                    continue;
                }
                gpu_problem p = masked(dtypes[turn % 3], queries[q], keys[k], each[m]);
                turn_rule(&p, turn);
                p.seed = turn;
                p.small_tiles = k % 2 == 0;
                gpu_name(&p, "mask %u q %u k %u", (unsigned)each[m], (unsigned)queries[q], (unsigned)keys[k]);
                gpu_check_turn(&device, &p, m + k);
            }
        }
    }
    gpu_assert_clean(&device);
}

/* 2. any two, and all, with masks of their own for heads and for batch entries */
static void test_masks_together(void **state) {
    (void)state;
    unsigned turn = 0;
    for (vatten_masks masks = 3; masks < 16; ++masks) {
        if ((masks & (masks - 1)) == 0) {
            continue; /* alone */
        }
        static const uint32_t heads[] = {0, 1, 2, 4};
        gpu_problem p = masked(dtypes[turn % 3], 37, 150, masks);
        p.dense.heads.batch = 2;
        p.dense.mask_heads = heads[turn % 4];
        p.dense.mask_batch = turn % 2 == 1;
        p.dense.segments = (masks & VATTEN_MASK_SEGMENTS) && turn % 2 ? 40 : 0;
        turn_rule(&p, turn / 2);
        p.seed = turn;
        p.density = turn % 3 == 0 ? 0.05 : 0.9;
        p.small_tiles = turn % 2 == 1;
        gpu_name(&p, "masks %u heads %u batch %d", (unsigned)masks, heads[turn % 4], p.dense.mask_batch);
        gpu_check_turn(&device, &p, turn + turn / 4);
        turn++;
    }
    gpu_assert_clean(&device);
}

/* 3. each mask with heads and batch, where queries are so few that heads share a tile, and where they are not */
static void test_heads_of_masks(void **state) {
    (void)state;
    static const uint32_t heads[] = {1, 2, 4, 8};
    for (unsigned m = 0; m < COUNT(each); ++m) {
        for (unsigned h = 0; h < COUNT(heads); ++h) {
            gpu_problem p = gpu_dense(dtypes[h % 3], h % 2 ? 3 : 41, 129, 8, 2, 16);
            p.dense.heads.batch = 3;
            p.dense.masks = each[m];
            p.dense.mask_heads = heads[h];
            p.dense.mask_batch = (m + h) % 2 == 0;
            p.dense.segments = each[m] == VATTEN_MASK_SEGMENTS ? 33 : 0;
            p.seed = 10 * m + h;
            gpu_name(&p, "mask %u of %u heads", (unsigned)each[m], heads[h]);
            gpu_check_turn(&device, &p, 4 * m + h);
        }
    }
    gpu_assert_clean(&device);
}

/* 4. long rows, so that whole tiles are hidden, and whole ones visible */
static void test_masks_over_many_tiles(void **state) {
    (void)state;
    for (unsigned m = 0; m < COUNT(each); ++m) {
        gpu_problem p = gpu_dense(dtypes[m % 3], 200, 1500, 2, 1, 32);
        p.dense.masks = each[m];
        p.dense.causal = m % 2 == 1;
        p.rows = gpu_thorough(&device) ? 0 : 40;
        p.density = 0.99;
        gpu_name(&p, "long, mask %u", (unsigned)each[m]);
        gpu_check_turn(&device, &p, m + 3);
        p.dense.heads.max_macs = 1u << 20; /* in parts */
        p.dense.heads.max_moves = 64;      /* spans of keys too */
        gpu_name(&p, "long in parts, mask %u", (unsigned)each[m]);
        gpu_check_turn(&device, &p, m + 3);
    }
    gpu_assert_clean(&device);
}

/* 5. what tables say that is not valid, or hides all: ids that nothing knows, intervals that are reversed */
static void put(uint8_t *base, uint64_t place, uint64_t i, uint32_t word) {
    memcpy(base + place + 4 * i, &word, sizeof word);
}

static void strange(const void *user, const vatten_attention_desc *desc, const vatten_tables *at,
                    uint8_t *base) {
    (void)user;
    for (uint64_t i = 0; i < desc->q_len && at->q_segments != VATTEN_NO_TABLE; i += 3) {
        put(base, at->q_segments, i, i % 2 ? UINT32_MAX : desc->segments);
    }
    for (uint64_t j = 0; j < desc->kv_len && at->kv_segments != VATTEN_NO_TABLE; j += 5) {
        put(base, at->kv_segments, j, j % 2 ? UINT32_MAX : desc->segments);
    }
    for (uint64_t i = 0; i < desc->q_len && at->intervals != VATTEN_NO_TABLE; i += 4) {
        put(base, at->intervals, 2 * i, i % 8 ? UINT32_MAX : 9);
        put(base, at->intervals, 2 * i + 1, i % 8 ? UINT32_MAX : 2);
    }
    for (uint64_t j = 0; j < desc->kv_len && at->expiry != VATTEN_NO_TABLE; j += 2) {
        put(base, at->expiry, j, j % 4 ? UINT32_MAX : 0x80000000u);
    }
}

static void test_strange_tables(void **state) {
    (void)state;
    static const struct {
        vatten_masks masks;
        uint32_t segments;
    } rows[] = {{VATTEN_MASK_SEGMENTS, 0},
                {VATTEN_MASK_SEGMENTS, 7},
                {VATTEN_MASK_INTERVALS, 0},
                {VATTEN_MASK_EXPIRY, 0}};
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        gpu_problem p = masked(dtypes[n % 3], 21, 70, rows[n].masks);
        p.dense.segments = rows[n].segments;
        p.dense.causal = n == 3;
        p.tables = strange;
        gpu_name(&p, "strange tables %u", n);
        gpu_check_layouts(&device, &p);
    }
    gpu_assert_clean(&device);
}

static void nothing(const void *user, const vatten_attention_desc *desc, const vatten_tables *at,
                    uint8_t *base) {
    (void)user;
    memset(base + at->bits, 0, desc->q_len * ((desc->kv_len + 31) / 32) * 4);
}

static void test_masks_that_hide_all(void **state) {
    (void)state;
    for (unsigned n = 0; n < 3; ++n) {
        gpu_problem p = masked(dtypes[n], 9, 45, VATTEN_MASK_BITS);
        p.tables = nothing;
        gpu_name(&p, "nothing is visible");
        gpu_check_layouts(&device, &p);
    }
    gpu_assert_clean(&device);
}

/* 6. chunks and strides of keys, with what they go together with */
static void test_chunks_and_strides(void **state) {
    (void)state;
    static const struct {
        uint64_t q_len, kv_len, chunk;
        uint32_t stride, phase;
        bool causal, first, window;
        uint64_t prefix;
    } rows[] = {
        {33, 33, 8, 0, 0, true, false, false, 0},   {20, 70, 7, 0, 0, true, false, false, 0},
        {20, 70, 16, 0, 0, false, false, true, 5},  {70, 20, 6, 0, 0, false, false, false, 0},
        {40, 50, 1, 0, 0, false, true, false, 2},   {40, 50, 1000, 0, 0, true, true, false, 0},
        {33, 65, 0, 3, 1, true, false, true, 0},    {33, 65, 0, 64, 63, false, false, true, 0},
        {20, 300, 32, 16, 5, true, false, true, 4}, {9, 40, 0, 1, 0, true, false, true, 0},
        {64, 64, 4, 7, 6, false, true, false, 0},   {1, 200, 50, 9, 0, true, false, true, 1},
    };
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        gpu_problem p = gpu_dense(dtypes[n % 3], rows[n].q_len, rows[n].kv_len, 2, 1, 16);
        p.dense.chunk = rows[n].chunk;
        p.dense.key_stride = rows[n].stride;
        p.dense.key_phase = rows[n].phase;
        p.dense.causal = rows[n].causal;
        p.dense.align = rows[n].first ? VATTEN_ALIGN_FIRST : VATTEN_ALIGN_LAST;
        p.dense.window = (vatten_window){.enabled = rows[n].window, .left = 4, .right = 2};
        p.dense.prefix = rows[n].prefix;
        p.small_tiles = n % 2 == 1;
        gpu_name(&p, "chunk %u stride %u, row %u", (unsigned)rows[n].chunk, rows[n].stride, n);
        gpu_check_turn(&device, &p, n + n / 4);
        p.dense.masks = each[n % 4];
        gpu_name(&p, "chunk %u stride %u mask %u", (unsigned)rows[n].chunk, rows[n].stride,
                 (unsigned)each[n % 4]);
        gpu_check_turn(&device, &p, n);
    }
    gpu_assert_clean(&device);
}

/* 7. lengths of a record that are shorter than the plan's: tables keep the plan's shape */
static void test_shrunk_lengths(void **state) {
    (void)state;
    for (unsigned m = 0; m < COUNT(each); ++m) {
        gpu_problem p = masked(dtypes[m % 3], 40, 130, each[m]);
        p.dense.causal = m % 2 == 0;
        p.q_len = 23;
        p.kv_len = m == 3 ? VATTEN_EMPTY : 67;
        gpu_name(&p, "shrunk, mask %u", (unsigned)each[m]);
        gpu_check_turn(&device, &p, m);
    }
    gpu_assert_clean(&device);
}

/* 8. a mask that hides nothing gives what the plan without it gives */
static void all_visible(const void *user, const vatten_attention_desc *desc, const vatten_tables *at,
                        uint8_t *base) {
    (void)user;
    memset(base, 0xff, at->bytes);
    for (uint64_t i = 0; i < desc->q_len && at->intervals != VATTEN_NO_TABLE; ++i) {
        put(base, at->intervals, 2 * i, 0);
    }
}

static void test_masks_that_hide_nothing(void **state) {
    (void)state;
    for (unsigned m = 0; m < COUNT(each); ++m) {
        gpu_problem plain = gpu_dense(dtypes[m % 3], 19, 77, 2, 2, 16), p = plain;
        gpu_trial without = {0}, with = {0};
        p.dense.masks = each[m];
        p.tables = all_visible;
        gpu_name(&p, "mask %u that hides nothing", (unsigned)each[m]);
        if (!gpu_has_dtype(&device, plain.dense.heads.dtype)) {
            continue;
        }
        bool ran = gpu_trial_begin(&device, &plain, &without) == VATTEN_SUCCESS &&
                   gpu_trial_begin(&device, &p, &with) == VATTEN_SUCCESS && gpu_trial_run(&without) &&
                   gpu_trial_run(&with) && gpu_trial_collect(&without) && gpu_trial_collect(&with);
        uint64_t values = ran ? 19 * 2 * 16 : 0;
        double tolerance = ref_tolerance(gpu_ref_dtype(plain.dense.heads.dtype));
        for (uint64_t n = 0; n < values; ++n) {
            double apart = (double)with.out[n] - (double)without.out[n];
            if (!(apart <= tolerance && apart >= -tolerance)) {
                gpu_fail(&device, "%s: element %u is %g, without the mask %g", p.name, (unsigned)n,
                         (double)with.out[n], (double)without.out[n]);
                break;
            }
        }
        if (!ran) {
            gpu_fail(&device, "%s: did not run: %s", p.name, device.message);
        }
        gpu_trial_end(&with);
        gpu_trial_end(&without);
    }
    gpu_assert_clean(&device);
}

/* 10. whole spans of ids that nothing knows, of which the largest is as good as any */
static void padding(const void *user, const vatten_attention_desc *desc, const vatten_tables *at,
                    uint8_t *base) {
    (void)user;
    for (uint64_t i = desc->q_len / 2; i < desc->q_len; ++i) {
        put(base, at->q_segments, i, UINT32_MAX);
    }
    for (uint64_t j = 64; j < desc->kv_len; ++j) {
        put(base, at->kv_segments, j, j < 128 ? UINT32_MAX : UINT32_MAX - (uint32_t)(j % 2));
    }
}

static void test_ids_that_nothing_knows(void **state) {
    (void)state;
    for (unsigned n = 0; n < 2; ++n) {
        gpu_problem p = masked(dtypes[n], 40, 200, VATTEN_MASK_SEGMENTS);
        p.dense.segments = 7;
        p.tables = padding;
        gpu_name(&p, "segments that nothing knows");
        gpu_check_turn(&device, &p, n);
    }
    gpu_assert_clean(&device);
}

/* 11. tiles of more keys than two summaries are made for, of which only the last ones show anything */
static void late(const void *user, const vatten_attention_desc *desc, const vatten_tables *at,
                 uint8_t *base) {
    (void)user;
    for (uint64_t i = 0; i < desc->q_len && at->q_segments != VATTEN_NO_TABLE; ++i) {
        put(base, at->q_segments, i, 2);
    }
    for (uint64_t j = 0; j < desc->kv_len; ++j) {
        uint64_t place = at->expiry != VATTEN_NO_TABLE ? at->expiry : at->kv_segments;
        put(base, place, j, j < 130 ? 0 : at->expiry != VATTEN_NO_TABLE ? 1000 : 2);
    }
}

static void test_tiles_of_many_keys(void **state) {
    (void)state;
    static const vatten_masks masks[] = {VATTEN_MASK_SEGMENTS, VATTEN_MASK_EXPIRY};
    for (unsigned n = 0; n < COUNT(masks); ++n) {
        gpu_problem p = masked(VATTEN_DTYPE_F32, 17, 300, masks[n]);
        p.dense.heads.tile = (vatten_tile){VATTEN_LAYOUT_SHARED, 32, 4, 192, 8};
        p.tables = late;
        gpu_name(&p, "tiles of 192 keys, mask %u", (unsigned)masks[n]);
        gpu_check(&device, &p);
    }
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_mask),
        cmocka_unit_test(test_masks_together),
        cmocka_unit_test(test_heads_of_masks),
        cmocka_unit_test(test_masks_over_many_tiles),
        cmocka_unit_test(test_strange_tables),
        cmocka_unit_test(test_masks_that_hide_all),
        cmocka_unit_test(test_chunks_and_strides),
        cmocka_unit_test(test_shrunk_lengths),
        cmocka_unit_test(test_masks_that_hide_nothing),
        cmocka_unit_test(test_ids_that_nothing_knows),
        cmocka_unit_test(test_tiles_of_many_keys),
    };
    int opened = gpu_open(&device, "test_masks", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
