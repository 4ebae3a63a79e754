/* SPDX-License-Identifier: MIT
 *
 * Lengths that stand in tables: of batch entries, of packed sequences, of keys in pages; and any number of workgroups that
 * share the keys of a query tile.
 */
#include "gpu_harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static gpu device;

static const vatten_dtype dtypes[] = {VATTEN_DTYPE_F32, VATTEN_DTYPE_F16, VATTEN_DTYPE_BF16};

static void turn_rule(gpu_problem *p, unsigned turn) {
    p->dense.causal = turn % 4 == 1 || turn % 4 == 3;
    p->dense.align = turn % 4 == 3 ? VATTEN_ALIGN_FIRST : VATTEN_ALIGN_LAST;
    if (turn % 4 == 2) {
        p->dense.window = (vatten_window){.enabled = true, .left = 9, .right = 3};
        p->dense.prefix = 2;
    }
}

static void put(uint8_t *base, uint64_t place, uint64_t i, uint32_t word) {
    memcpy(base + place + 4 * i, &word, sizeof word);
}

/* ---- Lengths of batch entries ---- */

static void test_lengths(void **state) {
    (void)state;
    for (unsigned n = 0; n < 8; ++n) {
        gpu_problem p = gpu_dense(dtypes[n % 3], n % 2 ? 3 : 35, 67, 4, 2, 16);
        p.dense.heads.batch = 5;
        p.dense.lengths = n < 4 ? VATTEN_LENGTHS_KV : VATTEN_LENGTHS_BOTH;
        p.dense.masks = n == 3 ? VATTEN_MASK_SEGMENTS : n == 7 ? VATTEN_MASK_EXPIRY : 0;
        p.dense.mask_batch = p.dense.masks != 0;
        turn_rule(&p, n);
        p.seed = n;
        p.small_tiles = n % 2 == 0;
        gpu_name(&p, "lengths %u", n);
        gpu_check_turn(&device, &p, n);
    }
    gpu_assert_clean(&device);
}

/* Lengths above the plan's count as the plan's. */
static void beyond(const void *user, const vatten_attention_desc *desc, const vatten_tables *at,
                   uint8_t *base) {
    (void)user;
    for (uint32_t b = 0; b < desc->heads.batch; ++b) {
        put(base, at->kv_lengths, b, b == 0 ? UINT32_MAX : b == 1 ? (uint32_t)desc->kv_len + 1 : 0x80000000u);
        if (at->q_lengths != VATTEN_NO_TABLE) {
            put(base, at->q_lengths, b,
                b == 0   ? UINT32_MAX
                : b == 1 ? (uint32_t)desc->q_len + 1
                         : 0x80000000u);
        }
    }
}

static void test_lengths_beyond_the_plan(void **state) {
    (void)state;
    for (unsigned n = 0; n < 4; ++n) {
        gpu_problem p = gpu_dense(dtypes[n % 3], 13, 41, 2, 1, 16);
        p.dense.heads.batch = 3;
        p.dense.lengths = n % 2 ? VATTEN_LENGTHS_BOTH : VATTEN_LENGTHS_KV;
        p.dense.causal = n > 1;
        p.tables = beyond;
        gpu_name(&p, "lengths beyond the plan %u", n);
        gpu_check_layouts(&device, &p);
    }
    gpu_assert_clean(&device);
}

/* ---- Packed sequences ---- */

/* Lengths of sequences: queries and keys. */
typedef struct pack {
    const uint32_t *q, *kv;
    uint32_t count;
} pack;

static uint64_t total(const uint32_t *lengths, uint32_t count) {
    uint64_t sum = 0;
    for (uint32_t s = 0; s < count; ++s) {
        sum += lengths[s];
    }
    return sum;
}

static void put_starts(const void *user, const vatten_attention_desc *desc, const vatten_tables *at,
                       uint8_t *base) {
    const pack *rows = user;
    uint32_t q = 0, kv = 0;
    (void)desc;
    for (uint32_t s = 0; s <= rows->count; ++s) {
        put(base, at->q_starts, s, q);
        q += s < rows->count ? rows->q[s] : 0;
        if (at->kv_starts != VATTEN_NO_TABLE) {
            put(base, at->kv_starts, s, kv);
            kv += s < rows->count ? rows->kv[s] : 0;
        }
    }
}

static gpu_problem packed(unsigned turn, uint64_t q_len, uint64_t kv_len, uint32_t sequences) {
    gpu_problem p = gpu_dense(dtypes[turn % 3], q_len, kv_len, 4, 2, 16);
    p.dense.lengths = VATTEN_LENGTHS_PACKED;
    p.dense.sequences = sequences;
    p.seed = turn;
    turn_rule(&p, turn);
    p.small_tiles = turn % 2 == 1;
    return p;
}

/* Lengths 0, 1 and those at the edges of tiles of queries and keys, in any order. */
static void test_packed_at_tile_edges(void **state) {
    (void)state;
    for (unsigned n = 0; n < 4; ++n) {
        static const uint32_t q[] = {0, 1, 7, 8, 9, 0, 0, 31, 32, 33, 5, 64, 1, 0};
        static const uint32_t kv[] = {3, 0, 1, 33, 8, 5, 0, 31, 64, 1, 65, 32, 130, 0};
        const pack rows = {n % 2 ? kv : q, n % 2 ? q : kv, COUNT(q)};
        gpu_problem p = packed(n, total(rows.q, rows.count), total(rows.kv, rows.count), rows.count);
        p.tables = put_starts;
        p.user = &rows;
        gpu_name(&p, "packed at edges %u", n);
        gpu_check_layouts(&device, &p);
    }
    gpu_assert_clean(&device);
}

static void test_packed_by_numbers(void **state) {
    (void)state;
    static const uint32_t counts[] = {1, 2, 5, 100};
    for (unsigned n = 0; n < 8; ++n) {
        gpu_problem p = packed(n, 150, 260, counts[n % 4]);
        gpu_name(&p, "%u packed sequences, %u", counts[n % 4], n);
        gpu_check_layouts(&device, &p);
        p.dense.extra_len = n % 2 ? 6 : 0;
        p.dense.masks = 1u << n % 4;
        p.dense.head_fields = n % 3 == 1 ? VATTEN_HEAD_SLOPE | VATTEN_HEAD_SINK : 0;
        p.dense.bias = n % 3 == 2 ? VATTEN_BIAS_TENSOR : VATTEN_BIAS_NONE;
        gpu_name(&p, "%u packed sequences with rules, %u", counts[n % 4], n);
        gpu_check_turn(&device, &p, n);
    }
    gpu_assert_clean(&device);
}

/* One query of each, as decoding does: heads share a tile. */
static void test_packed_decoding(void **state) {
    (void)state;
    for (unsigned n = 0; n < 3; ++n) {
        uint32_t q[20], kv[20];
        for (uint32_t s = 0; s < 20; ++s) {
            q[s] = 1;
            kv[s] = s * s % 61;
        }
        const pack rows = {q, kv, 20};
        gpu_problem p = packed(n, 20, total(kv, 20), 20);
        p.dense.heads.heads = 8;
        p.dense.heads.kv_heads = 1;
        p.tables = put_starts;
        p.user = &rows;
        gpu_name(&p, "packed decoding %u", n);
        gpu_check_layouts(&device, &p);
    }
    gpu_assert_clean(&device);
}

/* Starts that go back, or past all tokens: whatever comes out, nothing outside is read or written. */
static void broken(const void *user, const vatten_attention_desc *desc, const vatten_tables *at,
                   uint8_t *base) {
    (void)user;
    for (uint32_t s = 0; s <= desc->sequences; ++s) {
        put(base, at->q_starts, s, s % 3 == 1 ? UINT32_MAX : s % 3 == 2 ? 0x7fffffffu : 3 * s);
        put(base, at->kv_starts, s, s % 3 == 1 ? 0x80000001u : s % 3 == 2 ? 1 : 5 * s);
    }
}

static void test_broken_starts(void **state) {
    (void)state;
    for (int layout = VATTEN_LAYOUT_ROWS; layout <= VATTEN_LAYOUT_SHARED; ++layout) {
        gpu_problem p = packed(0, 40, 60, 9);
        gpu_trial trial;
        uint64_t outside;
        p.tables = broken;
        gpu_set_layout(&device, &p, (vatten_layout)layout, true);
        gpu_name(&p, "broken starts");
        if (!gpu_has_layout(&device, (vatten_layout)layout)) {
            continue;
        }
        if (gpu_trial_begin(&device, &p, &trial) != VATTEN_SUCCESS ||
            vatten_context_run(device.context, trial.plan, &trial.args, NULL) != VATTEN_SUCCESS ||
            !gpu_region_download(&trial.region[GPU_OUT])) {
            gpu_fail(&device, "%s: did not run: %s", p.name, device.message);
        } else {
            const gpu_region *out = &trial.region[GPU_OUT];
            outside = gpu_region_changed(out, 0, out->offset);
            if (outside != UINT64_MAX ||
                gpu_region_changed(out, out->offset + out->bytes, out->total) != UINT64_MAX) {
                gpu_fail(&device, "%s: wrote outside of out", p.name);
            }
        }
        gpu_trial_end(&trial);
        gpu_check_validation(&device, p.name);
    }
    gpu_assert_clean(&device);
}

/* Packed rows against each sequence by itself: values by token of the tensors. */
typedef struct part {
    uint64_t first_q, first_kv;
} part;

static float moved(const void *user, gpu_slot slot, uint64_t b, uint64_t token, uint64_t head, uint64_t d) {
    const part *at = user;
    uint64_t first = slot == GPU_Q ? at->first_q : at->first_kv;
    return ref_random(77 + (uint64_t)slot, (((b * 4096 + token + first) * 8) + head) * 64 + d);
}

static void single_starts(const void *user, const vatten_attention_desc *desc, const vatten_tables *at,
                          uint8_t *base) {
    static const uint32_t q[] = {0, 19, 20, 20, 37}, kv[] = {0, 40, 45, 60, 93};
    (void)user;
    (void)desc;
    memcpy(base + at->q_starts, q, sizeof q);
    memcpy(base + at->kv_starts, kv, sizeof kv);
}

static void compare_parts(const gpu_trial *all, const gpu_trial *one, const part *at) {
    uint64_t row = all->view[GPU_OUT].heads * all->view[GPU_OUT].dim;
    double tolerance = 2.0 * ref_tolerance(all->view[GPU_OUT].dtype);
    for (uint64_t n = 0; n < one->q_now * row; ++n) {
        double apart = (double)one->out[n] - (double)all->out[at->first_q * row + n];
        if (!(apart <= tolerance && apart >= -tolerance)) {
            gpu_fail(&device, "%s: element %u of the sequence from query %u on differs by %g",
                     all->problem->name, (unsigned)n, (unsigned)at->first_q, apart);
            return;
        }
    }
}

static bool go(const gpu_problem *p, gpu_trial *trial) {
    bool good = gpu_trial_begin(&device, p, trial) == VATTEN_SUCCESS && gpu_trial_run(trial) &&
                gpu_trial_collect(trial);
    if (!good) {
        gpu_fail(&device, "%s: did not run: %s", p->name, device.message);
    }
    return good;
}

static void test_packed_equal_single_runs(void **state) {
    (void)state;
    static const part parts[] = {{0, 0}, {19, 40}, {20, 60}}, origin = {0, 0};
    static const uint64_t q[] = {19, 1, 17}, kv[] = {40, 5, 33};
    for (unsigned n = 0; n < 4; ++n) {
        gpu_problem p = packed(n, 37, 93, 4);
        gpu_trial all = {0};
        p.tables = single_starts;
        p.value = moved;
        p.user = &origin;
        gpu_name(&p, "packed against single runs %u", n);
        bool good = gpu_has_dtype(&device, p.dense.heads.dtype) && go(&p, &all);
        for (unsigned s = 0; s < COUNT(parts) && good; ++s) {
            gpu_problem one = p;
            gpu_trial trial = {0};
            one.dense.lengths = VATTEN_LENGTHS_PLAN;
            one.dense.sequences = 0;
            one.dense.q_len = q[s];
            one.dense.kv_len = kv[s];
            one.tables = NULL;
            one.user = &parts[s];
            if (go(&one, &trial)) {
                compare_parts(&all, &trial, &parts[s]);
            }
            gpu_trial_end(&trial);
        }
        gpu_trial_end(&all);
    }
    gpu_assert_clean(&device);
}

/* ---- Pages ---- */

static void test_pages(void **state) {
    (void)state;
    static const uint32_t sizes[] = {1, 16, 61, 256};
    for (unsigned n = 0; n < 16; ++n) {
        uint32_t size = sizes[n / 4];
        gpu_problem p = gpu_dense(dtypes[n % 3], n % 2 ? 1 : 21, 133, 4, 2, 16);
        p.dense.heads.batch = 4;
        p.dense.page_size = size;
        p.dense.pool_pages = 4 * ((133 + size - 1) / size) + n % 3;
        p.dense.lengths = n % 4 == 0   ? VATTEN_LENGTHS_PLAN
                          : n % 4 == 3 ? VATTEN_LENGTHS_BOTH
                                       : VATTEN_LENGTHS_KV;
        turn_rule(&p, n / 2);
        p.seed = n;
        p.small_tiles = n % 4 == 1;
        gpu_name(&p, "pages of %u, %u", size, n);
        gpu_check_turn(&device, &p, n);
    }
    gpu_assert_clean(&device);
}

static void test_pages_of_sequences(void **state) {
    (void)state;
    static const uint32_t sizes[] = {1, 16, 61, 256};
    for (unsigned n = 0; n < 8; ++n) {
        uint32_t size = sizes[n % 4];
        gpu_problem p = packed(n, n < 4 ? 70 : 6, 100, 6);
        p.dense.page_size = size;
        p.dense.pool_pages = 6 * ((100 + size - 1) / size);
        p.dense.masks = n % 3 == 1 ? VATTEN_MASK_INTERVALS : 0;
        gpu_name(&p, "pages of %u of sequences, %u", size, n);
        gpu_check_turn(&device, &p, n);
    }
    gpu_assert_clean(&device);
}

/* Heads of the pool lie apart, bytes in pages, rules on top. */
static void test_pages_with_rules(void **state) {
    (void)state;
    for (unsigned n = 0; n < 6; ++n) {
        gpu_problem p = gpu_dense(dtypes[n % 3], 9, 90, 4, 2, 16);
        p.dense.heads.batch = 2;
        p.dense.page_size = 20;
        p.dense.pool_pages = 10;
        p.dense.lengths = VATTEN_LENGTHS_KV;
        if (n % 2 == 0) { /* [page][head][token][dim] with gaps */
            p.dense.heads.k = (vatten_strides){.batch = 720, .head = 340, .token = 16};
            p.dense.heads.v = (vatten_strides){.batch = 1000, .head = 480, .token = 24};
        } else {
            p.dense.heads.kv_dtype = VATTEN_DTYPE_I8;
            p.dense.heads.kv_block = 8;
        }
        p.dense.masks = n == 2 ? VATTEN_MASK_SEGMENTS | VATTEN_MASK_BITS : n == 4 ? VATTEN_MASK_EXPIRY : 0;
        p.dense.extra_len = n == 3 ? 5 : 0;
        p.dense.bias = n == 5 ? VATTEN_BIAS_TENSOR : VATTEN_BIAS_NONE;
        p.dense.causal = n % 3 == 0;
        p.seed = n;
        gpu_name(&p, "pages with rules %u", n);
        gpu_check_turn(&device, &p, n);
    }
    gpu_assert_clean(&device);
}

/* Page numbers that the pool does not have count as the last page: nothing outside is read, and what is can be told. */
static void wild(const void *user, const vatten_attention_desc *desc, const vatten_tables *at,
                 uint8_t *base) {
    (void)user;
    for (uint32_t n = 0; n < desc->heads.batch * at->row_pages; ++n) {
        put(base, at->pages, n,
            n % 3 == 0   ? n % (uint32_t)desc->pool_pages
            : n % 3 == 1 ? UINT32_MAX
                         : (uint32_t)desc->pool_pages);
    }
}

static void test_wild_pages(void **state) {
    (void)state;
    for (unsigned n = 0; n < 3; ++n) {
        gpu_problem p = gpu_dense(dtypes[n], 5, 64, 2, 1, 16);
        p.dense.heads.batch = 2;
        p.dense.page_size = 16;
        p.dense.pool_pages = 9;
        p.tables = wild;
        gpu_name(&p, "wild pages %u", n);
        gpu_check_layouts(&device, &p);
    }
    gpu_assert_clean(&device);
}

/* ---- Workgroups that share keys ---- */

static void test_splits(void **state) {
    (void)state;
    static const uint32_t splits[] = {1, 2, 3, 7, 40};
    for (unsigned n = 0; n < 10; ++n) {
        gpu_problem p = gpu_dense(dtypes[n % 3], n % 2 ? 1 : 9, 301, 4, 1, 16);
        p.dense.heads.batch = 2;
        p.dense.splits = splits[n % 5];
        p.dense.lengths = n % 3 == 1 ? VATTEN_LENGTHS_KV : VATTEN_LENGTHS_PLAN;
        p.dense.head_fields = n % 4 == 3 ? VATTEN_HEAD_SINK : 0;
        p.dense.masks = n % 4 == 2 ? VATTEN_MASK_BITS : 0;
        turn_rule(&p, n);
        p.seed = n;
        p.small_tiles = n % 2 == 0;
        gpu_name(&p, "%u splits, %u", splits[n % 5], n);
        gpu_check_turn(&device, &p, n);
    }
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_lengths_beyond_the_plan),
        cmocka_unit_test(test_packed_at_tile_edges),
        cmocka_unit_test(test_packed_by_numbers),
        cmocka_unit_test(test_packed_decoding),
        cmocka_unit_test(test_broken_starts),
        cmocka_unit_test(test_packed_equal_single_runs),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_pages_of_sequences),
        cmocka_unit_test(test_pages_with_rules),
        cmocka_unit_test(test_wild_pages),
        cmocka_unit_test(test_splits),
    };
    int opened = gpu_open(&device, "test_sequences", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
