/* SPDX-License-Identifier: MIT
 *
 * Lists and tables that hold words which nobody should write: entries that name no key, ends in the middle, ranges that are
 * reversed or lie over each other, lengths, starts, pages and ids of any size, heads of NaN. Whatever they say, nothing
 * outside the buffers is written, nothing outside is read (all that inputs hold are numbers, and around them is NaN), and
 * rows that go by lists and tables as they should be are right.
 *
 * test_hostile [COUNT]: inputs of each kind, 5 unless it says otherwise; each next one takes another layout. With 0 it is one
 * input of the first kind of each test, in one layout, for shaders that are instrumented and take long to compile.
 */
#include "append_run.h"
#include "hostile_words.h"
#include "mass_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static gpu device;
static unsigned inputs_of_each = 5;
static bool few;       /* the first kind of each test */
static unsigned kinds; /* of the running test */
static unsigned turn;  /* of layouts */
static uint64_t tried;

static const vatten_dtype dtypes[] = {VATTEN_DTYPE_F32, VATTEN_DTYPE_F16, VATTEN_DTYPE_BF16};

static int start(void **state) {
    (void)state;
    kinds = 0;
    return 0;
}

/* Whether the next kind of the test is left out. */
static bool is_left_out(void) {
    return kinds++ > 0 && few;
}

/* By the next layout. */
static void check(gpu_problem *p) {
    static const vatten_layout layouts[] = {VATTEN_LAYOUT_SHARED, VATTEN_LAYOUT_ROWS, VATTEN_LAYOUT_ADDRESS,
                                            VATTEN_LAYOUT_SUBGROUP, VATTEN_LAYOUT_STREAM};
    ++tried;
    if (!few) {
        gpu_check_turn(&device, p, turn++);
        return;
    }
    while (!gpu_has_layout(&device, layouts[turn % COUNT(layouts)]))
        ++turn;
    gpu_set_layout(&device, p, layouts[turn++ % COUNT(layouts)], true);
    gpu_check(&device, p);
}

/* ---- Lists ---- */

/* Of the two list heads of each batch entry the first has lists as they should be. */
static gpu_trust first_list_head(const void *user, uint64_t b, uint64_t head, uint64_t query) {
    (void)b, (void)query;
    return head < *(const uint32_t *)user ? GPU_RIGHT : GPU_FINITE;
}

static gpu_problem lists_of(vatten_dtype dtype, vatten_list_kind kind, uint32_t q_block, uint32_t kv_block) {
    static const uint32_t heads_of_a_list = 2;
    gpu_problem p = {.listed = true,
                     .defined = true,
                     .once = kind == VATTEN_LIST_RANGES, /* two that write a row are not in order */
                     .trust = first_list_head,
                     .user = &heads_of_a_list,
                     .small_tiles = true};
    p.lists.heads =
        (vatten_heads){.dtype = dtype, .batch = 2, .heads = 4, .kv_heads = 2, .dim = 16, .write_lse = true};
    p.lists.q_len = 70;
    p.lists.kv_len = 130;
    p.lists.kind = kind;
    p.lists.q_block = q_block;
    p.lists.kv_block = kv_block;
    p.lists.list_heads = 2;
    p.lists.entries = 7;
    p.lists.rows = kind == VATTEN_LIST_RANGES ? 5 : 0;
    return p;
}

static uint64_t blocks_of(const vatten_lists_desc *d) {
    uint64_t blocks = 1;
    for (uint32_t a = 0; a < d->boxes.rank; ++a)
        blocks *= (d->boxes.extent[a] + d->boxes.kv_box[a] - 1) / d->boxes.kv_box[a];
    return d->boxes.rank ? blocks : (d->kv_len + d->kv_block - 1) / d->kv_block;
}

/* Blocks in ascending order, or single keys in none, some of them twice; between them what names nothing. */
static void good_entries(const vatten_lists_desc *d, uint64_t seed, uint32_t *list) {
    bool keys = d->kind == VATTEN_LIST_KEYS;
    uint64_t words = vatten_lists_words(d) / d->entries, edge = keys ? d->kv_len : blocks_of(d), next = 0;
    for (uint64_t e = 0; e < d->entries; ++e) {
        uint64_t block = next + hostile_inside(seed, e, 2);
        bool names = e % 3 != 1 && block < edge;
        list[e * words] = names ? (uint32_t)block : hostile_outside(seed, e, edge);
        if (keys && names)
            list[e] = hostile_inside(seed, e, edge);
        next = names ? block + 1 : next;
        for (uint64_t w = 1; w < words; ++w)
            list[e * words + w] = hostile_inside(seed + 1, e * words + w, UINT32_MAX);
    }
}

/* A part of the queries, and ranges of keys: empty, reversed, past the end, and three that are there. */
static void good_ranges(const vatten_lists_desc *d, uint64_t seed, uint64_t row, uint32_t *list) {
    uint64_t step = d->q_len / d->rows, third = d->kv_len / 4, begin = 0;
    list[0] = (uint32_t)(row * step);
    list[1] = (uint32_t)(row + 1 == d->rows ? d->q_len : (row + 1) * step);
    for (uint64_t e = 0; e < d->entries; ++e) {
        uint32_t *at = list + 2 + 2 * e, some = hostile_inside(seed, e, third);
        at[0] = hostile_outside(seed, e, d->kv_len);
        at[1] = hostile_word(seed, e, d->kv_len);
        if (e % 2 == 1) {
            at[0] = (uint32_t)begin + some;
            at[1] = (uint32_t)(begin += third);
        } else if (e == 4) {
            at[0] = 90;
            at[1] = some;
        }
    }
    if (hostile_inside(seed, 99, 2)) { /* the last one ends with the keys, whatever it says */
        list[2 * d->entries] = (uint32_t)d->kv_len - 5;
        list[2 * d->entries + 1] = UINT32_MAX - 3;
    }
}

/* What a word of a list may name: queries, keys or blocks; bits of rows are any. */
static uint64_t edge_of(const vatten_lists_desc *d, uint64_t word) {
    uint64_t words = vatten_lists_words(d) / d->entries;
    if (d->kind == VATTEN_LIST_RANGES)
        return word < 2 ? d->q_len : d->kv_len;
    return d->kind == VATTEN_LIST_KEYS ? d->kv_len : word % words ? UINT32_MAX : blocks_of(d);
}

static uint32_t *new_words(const gpu_problem *p) {
    const vatten_lists_desc *d = &p->lists;
    uint64_t words = vatten_lists_words(d), rows = gpu_list_rows(d), lists = d->heads.batch * 2 * rows;
    uint32_t *all = malloc(lists * words * sizeof *all);
    assert_non_null(all);
    for (uint64_t n = 0; n < lists; ++n) {
        uint32_t *list = all + n * words;
        bool good = n / rows % 2 == 0;
        for (uint64_t w = 0; w < words && !good; ++w)
            list[w] = hostile_word(p->seed, n * words + w, edge_of(d, w));
        if (good && d->kind == VATTEN_LIST_RANGES)
            good_ranges(d, p->seed * 1000 + n, n % rows, list);
        else if (good)
            good_entries(d, p->seed * 1000 + n, list);
    }
    return all;
}

static void check_lists(gpu_problem *p, const char *name) {
    bool out = is_left_out();
    for (unsigned n = 0; n < inputs_of_each && !out; ++n) {
        p->seed = n + 1;
        uint32_t *words = new_words(p);
        p->words = words;
        gpu_name(p, "hostile %s %u", name, n);
        check(p);
        free(words);
    }
}

static void test_blocks(void **state) {
    (void)state;
    gpu_problem p = lists_of(VATTEN_DTYPE_F32, VATTEN_LIST_BLOCKS, 16, 16);
    check_lists(&p, "blocks");
    p = lists_of(VATTEN_DTYPE_F16, VATTEN_LIST_BLOCKS, 40, 13);
    p.lists.row_masks = true;
    p.lists.causal = true;
    check_lists(&p, "blocks with masks");
    p = lists_of(VATTEN_DTYPE_F32, VATTEN_LIST_BLOCKS, 24, 18);
    p.lists.bias = VATTEN_BIAS_TENSOR;
    p.lists.heads.max_macs = 60000; /* in several dispatches, each of which knows a part of the keys */
    check_lists(&p, "blocks with a bias");
    p = lists_of(VATTEN_DTYPE_BF16, VATTEN_LIST_BLOCKS, 8, 1);
    p.lists.window = (vatten_window){.enabled = true, .left = 20, .right = 9};
    p.lists.key_stride = 5;
    check_lists(&p, "blocks of one key");
    gpu_assert_clean(&device);
}

static void test_ranges(void **state) {
    (void)state;
    gpu_problem p = lists_of(VATTEN_DTYPE_F32, VATTEN_LIST_RANGES, 20, 0);
    check_lists(&p, "ranges");
    p = lists_of(VATTEN_DTYPE_F16, VATTEN_LIST_RANGES, 20, 0);
    p.lists.bias = VATTEN_BIAS_TENSOR;
    p.lists.causal = true;
    p.lists.heads.max_macs = 60000;
    check_lists(&p, "ranges in parts");
    gpu_assert_clean(&device);
}

static void test_keys(void **state) {
    (void)state;
    gpu_problem p = lists_of(VATTEN_DTYPE_F32, VATTEN_LIST_KEYS, 1, 0);
    p.lists.bias = VATTEN_BIAS_TENSOR;
    check_lists(&p, "keys with a bias");
    p = lists_of(VATTEN_DTYPE_BF16, VATTEN_LIST_KEYS, 16, 0);
    p.lists.causal = true;
    p.lists.prefix = 9;
    p.lists.window = (vatten_window){.enabled = true, .left = 50, .right = 0};
    p.lists.entries = 21;
    check_lists(&p, "keys");
    gpu_assert_clean(&device);
}

static void test_boxes(void **state) {
    (void)state;
    gpu_problem p = lists_of(VATTEN_DTYPE_F32, VATTEN_LIST_BLOCKS, 0, 0);
    p.lists.boxes = (vatten_boxes){
        .rank = 3, .extent = {5, 6, 7}, .q_extent = 3, .q_box = {2, 2, 3}, .kv_box = {2, 3, 2}};
    p.lists.q_len = 3 * 6 * 7;
    p.lists.kv_len = 5 * 6 * 7;
    p.lists.row_masks = true;
    check_lists(&p, "boxes with masks");
    p.lists.row_masks = false;
    p.lists.bias = VATTEN_BIAS_TENSOR;
    p.lists.heads.max_macs = 90000;
    check_lists(&p, "boxes with a bias");
    gpu_assert_clean(&device);
}

/* ---- Tables of dense attention ---- */

/* The first batch entry goes by tables as they should be; of packed sequences, whose starts bound each other, none does. */
typedef struct dense_case {
    uint64_t seed;
    bool packed, heads;
} dense_case;

static gpu_trust first_entry(const void *user, uint64_t b, uint64_t head, uint64_t query) {
    const dense_case *c = user;
    (void)head, (void)query;
    return b == 0 && !c->packed ? GPU_RIGHT : c->heads ? GPU_ANYTHING : GPU_FINITE;
}

/* Words [first, end) of a table. */
static void scramble(const dense_case *c, uint8_t *base, uint64_t place, uint64_t first, uint64_t end,
                     uint64_t edge) {
    for (uint64_t n = first; n < end && place != VATTEN_NO_TABLE; ++n) {
        uint32_t word = hostile_word(c->seed + place, n, edge);
        memcpy(base + place + 4 * n, &word, sizeof word);
    }
}

/* Numbers of heads are mostly none, their sides and prefixes any. */
static void scramble_heads(const dense_case *c, uint8_t *base, uint64_t place, uint64_t first, uint64_t end) {
    const uint32_t odd[] = {0x7fc00000u, 0x7f800000u, 0xff800000u, 0x7f7fffffu, 0x00000001u, 0x80000000u};
    scramble(c, base, place, first, end, 100);
    for (uint64_t n = first; n < end && place != VATTEN_NO_TABLE; ++n)
        if (n % 8 < 5)
            memcpy(base + place + 4 * n, &odd[hostile_inside(c->seed, n, COUNT(odd))], 4);
}

static void hostile_tables(const void *user, const vatten_attention_desc *desc, const vatten_tables *at,
                           uint8_t *base) {
    const dense_case *c = user;
    uint64_t batch = desc->heads.batch, rows = c->packed ? desc->sequences : batch, q = desc->q_len;
    uint64_t kv = desc->kv_len, heads = desc->mask_heads ? desc->mask_heads : 1, segments = desc->segments;
    uint64_t masks = desc->mask_batch || c->packed ? batch : 1, first = c->packed ? 0 : 1;
    scramble_heads(c, base, at->heads, desc->heads.heads * 8, batch * desc->heads.heads * 8);
    scramble(c, base, at->q_lengths, 1, rows, q);
    scramble(c, base, at->kv_lengths, first, rows, kv);
    scramble(c, base, at->q_starts, 0, rows + 1, q + 1);
    scramble(c, base, at->kv_starts, 0, rows + 1, kv + 1);
    scramble(c, base, at->pages, first * at->row_pages, rows * at->row_pages, desc->pool_pages);
    scramble(c, base, at->q_segments, first * q, masks * q, segments);
    scramble(c, base, at->kv_segments, first * kv, masks * kv, segments);
    scramble(c, base, at->intervals, first * heads * q * 2, masks * heads * q * 2, kv);
    scramble(c, base, at->expiry, first * heads * kv, masks * heads * kv, kv);
    scramble(c, base, at->bits, first * heads * q * ((kv + 31) / 32), masks * heads * q * ((kv + 31) / 32),
             UINT32_MAX);
}

static gpu_problem dense_of(vatten_dtype dtype, uint64_t q_len, uint64_t kv_len) {
    gpu_problem p = gpu_dense(dtype, q_len, kv_len, 4, 2, 16);
    p.dense.heads.batch = 3;
    p.defined = true;
    p.trust = first_entry;
    p.tables = hostile_tables;
    p.small_tiles = true;
    return p;
}

static void check_dense(gpu_problem *p, const char *name) {
    dense_case c = {.packed = p->dense.lengths == VATTEN_LENGTHS_PACKED, .heads = p->dense.head_batch};
    if (c.packed)
        p->dense.heads.batch = 1;
    p->user = &c;
    p->once = c.packed; /* two sequences that write a row are not in order */
    bool out = is_left_out();
    for (unsigned n = 0; n < inputs_of_each && !out; ++n) {
        c.seed = 1000 * n;
        p->seed = n + 1;
        gpu_name(p, "hostile %s %u", name, n);
        check(p);
    }
}

static void test_lengths_and_pages(void **state) {
    (void)state;
    gpu_problem p = dense_of(VATTEN_DTYPE_F16, 9, 70);
    p.dense.lengths = VATTEN_LENGTHS_KV;
    p.dense.page_size = 16;
    p.dense.pool_pages = 16;
    p.dense.splits = 3;
    check_dense(&p, "pages");
    p = dense_of(VATTEN_DTYPE_F32, 9, 70);
    p.dense.lengths = VATTEN_LENGTHS_BOTH;
    p.dense.bias = VATTEN_BIAS_RELATIVE;
    p.dense.bias_reach[0] = 6;
    p.dense.bias_rank = 1;
    check_dense(&p, "lengths");
    p = dense_of(VATTEN_DTYPE_F32, 5, 70);
    p.dense.heads.kv_dtype = VATTEN_DTYPE_I8;
    p.dense.heads.kv_block = 16;
    p.dense.page_size = 8;
    p.dense.pool_pages = 28;
    p.dense.lengths = VATTEN_LENGTHS_BOTH;
    check_dense(&p, "pages of bytes");
    gpu_assert_clean(&device);
}

static void test_sequences(void **state) {
    (void)state;
    gpu_problem p = dense_of(VATTEN_DTYPE_F32, 40, 90);
    p.dense.lengths = VATTEN_LENGTHS_PACKED;
    p.dense.sequences = 6;
    p.dense.causal = true;
    check_dense(&p, "starts");
    p.dense.causal = false;
    p.dense.bias = VATTEN_BIAS_TENSOR;
    p.dense.masks = VATTEN_MASK_INTERVALS;
    check_dense(&p, "starts with a bias");
    p = dense_of(VATTEN_DTYPE_BF16, 40, 64);
    p.dense.lengths = VATTEN_LENGTHS_PACKED;
    p.dense.sequences = 6;
    p.dense.page_size = 16;
    p.dense.pool_pages = 20;
    p.dense.window = (vatten_window){.enabled = true, .left = 11, .right = 2};
    check_dense(&p, "starts and pages");
    gpu_assert_clean(&device);
}

static void test_masks(void **state) {
    (void)state;
    static const vatten_masks masks[] = {VATTEN_MASK_SEGMENTS, VATTEN_MASK_SEGMENTS | VATTEN_MASK_BITS,
                                         VATTEN_MASK_INTERVALS, VATTEN_MASK_EXPIRY};
    for (unsigned n = 0; n < COUNT(masks); ++n) {
        gpu_problem p = dense_of(dtypes[n % 3], 21, 150);
        p.dense.masks = masks[n];
        p.dense.mask_batch = true;
        p.dense.mask_heads = n % 2 ? 2 : 1;
        p.dense.segments = n == 0 ? 40 : 0;
        p.dense.lengths = n == 2 ? VATTEN_LENGTHS_KV : VATTEN_LENGTHS_PLAN;
        check_dense(&p, n == 0 ? "segments" : n == 1 ? "ids" : n == 2 ? "intervals" : "expiries");
    }
    gpu_assert_clean(&device);
}

static void test_heads(void **state) {
    (void)state;
    gpu_problem p = dense_of(VATTEN_DTYPE_F32, 21, 50);
    p.dense.head_fields = VATTEN_HEAD_SCALE | VATTEN_HEAD_SINK | VATTEN_HEAD_SLOPE | VATTEN_HEAD_OFFSET |
                          VATTEN_HEAD_GAIN | VATTEN_HEAD_WINDOW | VATTEN_HEAD_PREFIX;
    p.dense.head_batch = true;
    p.dense.window = (vatten_window){.enabled = true, .left = 7, .right = 7};
    p.dense.prefix = 3;
    check_dense(&p, "heads");
    gpu_assert_clean(&device);
}

/* ---- Mass ---- */

static const vatten_layout mass_layouts[] = {VATTEN_LAYOUT_ROWS, VATTEN_LAYOUT_SUBGROUP,
                                             VATTEN_LAYOUT_SHARED};

static void check_mass(gpu_problem *p, const char *name) {
    dense_case c = {.packed = p->dense.lengths == VATTEN_LENGTHS_PACKED, .heads = p->dense.head_batch};
    if (c.packed)
        p->dense.heads.batch = 1;
    p->user = &c;
    p->once = c.packed;
    for (unsigned n = 0; n < (inputs_of_each + 2) / 3 && !few;
         ++n, ++tried) { /* every kind has kernels of its own */
        c.seed = 1000 * n + 7;
        p->seed = n + 1;
        gpu_name(p, "hostile mass, %s %u", name, n);
        mass_check_kinds(&device, p, mass_layouts[n % COUNT(mass_layouts)]);
    }
}

static void test_mass(void **state) {
    (void)state;
    gpu_problem p = dense_of(VATTEN_DTYPE_F32, 9, 70);
    p.dense.lengths = VATTEN_LENGTHS_BOTH;
    p.dense.page_size = 16;
    p.dense.pool_pages = 16;
    check_mass(&p, "lengths and pages");
    p = dense_of(VATTEN_DTYPE_F16, 21, 70);
    p.dense.masks = VATTEN_MASK_SEGMENTS | VATTEN_MASK_EXPIRY;
    p.dense.mask_batch = true;
    p.dense.segments = 7;
    check_mass(&p, "masks");
    p = dense_of(VATTEN_DTYPE_F32, 30, 90);
    p.dense.lengths = VATTEN_LENGTHS_PACKED;
    p.dense.sequences = 6;
    check_mass(&p, "starts");
    p.dense.page_size = 16;
    p.dense.pool_pages = 40;
    check_mass(&p, "starts and pages");
    gpu_assert_clean(&device);
}

/* Ids and rows that are listed say of any word what becomes of it. */
static void test_words_of_mass(void **state) {
    (void)state;
    uint32_t words[90];
    for (unsigned n = 0; n < inputs_of_each; ++n, ++tried) {
        bool rows = n % 2 == 0;
        mass_case c = {.problem = gpu_dense(dtypes[n % 3], 25, 90, 2, 1, 16), .words = words};
        c.desc = rows ? (vatten_mass_desc){.kind = VATTEN_MASS_ROWS, .rows = 13, .listed = true}
                      : (vatten_mass_desc){.kind = VATTEN_MASS_SEGMENTS, .segments = 5};
        for (unsigned w = 0; w < COUNT(words); ++w)
            words[w] = hostile_word(n, w, rows ? 25 : 5);
        gpu_set_layout(&device, &c.problem, n / 2 % 2 ? VATTEN_LAYOUT_SHARED : VATTEN_LAYOUT_ROWS, true);
        gpu_name(&c.problem, "hostile words of mass %u", n);
        mass_check(&device, &c);
    }
    gpu_assert_clean(&device);
}

/* 15 queries, and a last sequence without any. */
static void end_empty(const void *user, const vatten_attention_desc *desc, const vatten_tables *at,
                      uint8_t *base) {
    static const uint32_t q[] = {0, 10, 15, 15}, kv[] = {0, 20, 50, 60};
    (void)user;
    (void)desc;
    memcpy(base + at->q_starts, q, sizeof q);
    memcpy(base + at->kv_starts, kv, sizeof kv);
}

/* In each layout that serves mass, and another dtype each; few: in one. */
static void check_mass_layouts(const mass_case *like, const char *what) {
    for (unsigned n = 0; n < (few ? 1 : COUNT(mass_layouts)); ++n, ++tried) {
        mass_case c = *like;
        c.problem.dense.heads.dtype = dtypes[n];
        gpu_set_layout(&device, &c.problem, mass_layouts[(n + 2) % COUNT(mass_layouts)], true);
        gpu_name(&c.problem, "%s %u", what, n);
        mass_check(&device, &c);
    }
    gpu_assert_clean(&device);
}

/* Rows that are asked for and do not exist: what is loaded for them, and then forgotten, is a query all the same. */
static void test_rows_past_the_last_sequence(void **state) {
    (void)state;
    static const uint32_t words[] = {14, 15, 16, UINT32_MAX, 0};
    mass_case c = {.problem = gpu_dense(VATTEN_DTYPE_F32, 15, 60, 2, 1, 16), .words = words};
    c.problem.dense.lengths = VATTEN_LENGTHS_PACKED;
    c.problem.dense.sequences = 3;
    c.problem.tables = end_empty;
    c.desc = (vatten_mass_desc){.kind = VATTEN_MASS_ROWS, .rows = COUNT(words), .listed = true};
    check_mass_layouts(&c, "rows past the last sequence");
}

/* Sums by key of more keys than there are now: what adds up those behind the last has its own range of the keys, and reads none before it. */
static void test_columns_past_the_last_key(void **state) {
    (void)state;
    mass_case c = {
        .problem = gpu_dense(VATTEN_DTYPE_F32, 24, 200, 2, 1, 12), .max_macs = 4000, .dispatches = 3};
    c.problem.kv_len = 7;
    c.desc = (vatten_mass_desc){.kind = VATTEN_MASS_COLUMNS};
    check_mass_layouts(&c, "columns past the last key");
}

/* ---- Appending ---- */

static append_trial append_of(uint64_t seed) {
    append_trial t = {.device = &device};
    t.cache.heads =
        (vatten_heads){.dtype = VATTEN_DTYPE_F32, .batch = 3, .heads = 4, .kv_heads = 2, .dim = 16};
    t.cache.q_len = 12;
    t.cache.kv_len = 100;
    t.cache.lengths = (vatten_lengths)(seed % 4);
    if (t.cache.lengths == VATTEN_LENGTHS_PACKED) {
        t.cache.heads.batch = 1;
        t.cache.sequences = 5;
    }
    if (seed % 8 >= 4) {
        t.cache.page_size = 16;
        t.cache.pool_pages = 40;
    }
    int64_t places = t.cache.page_size ? 16 : 100;
    t.cache.heads.k = (vatten_strides){.batch = places * 2 * 34 + 6, .head = 34, .token = 2 * 34};
    return t;
}

/* Rows may end up anywhere in the cache, but not between its rows and not outside. */
static void expect_inside(append_trial *t, const char *name) {
    for (int which = 0; which < 2; ++which) {
        const append_side *side = &t->side[which];
        gpu_region *region = &t->region[side->region];
        for (uint64_t n = 0; n < t->outer * t->places * t->cache.heads.kv_heads; ++n) {
            uint64_t head = n % t->cache.heads.kv_heads, place = n / t->cache.heads.kv_heads % t->places;
            uint64_t outer = n / t->cache.heads.kv_heads / t->places;
            uint64_t at = region->offset + outer * (uint64_t)side->strides.batch +
                          head * (uint64_t)side->strides.head + place * (uint64_t)side->strides.token;
            memcpy(region->seen + at, region->image + at, (size_t)side->row_bytes);
        }
    }
    for (int r = 0; r < APPEND_REGIONS; ++r)
        if (gpu_region_changed(&t->region[r], 0, t->region[r].total) != UINT64_MAX)
            gpu_fail(t->device, "%s: buffer %d was changed outside the cache's rows", name, r);
}

static void test_append(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 8 * (inputs_of_each + 1) / 2; ++seed, ++tried) {
        append_trial t = append_of(seed);
        if (append_begin(&t, "hostile append")) {
            for (uint64_t n = 0; n < t.at.bytes / 4; ++n)
                *append_table(&t, 0, n) = hostile_word(seed, n, n % 2 ? 110 : 6);
            const vatten_args args = append_args(&t);
            if (gpu_regions_run(&device, t.region, APPEND_REGIONS, t.plan, &args, "hostile append"))
                expect_inside(&t, "hostile append");
            else
                gpu_fail(&device, "hostile append: run: %s", device.message);
        }
        append_end(&t);
    }
    gpu_check_validation(&device, "hostile append");
    gpu_assert_clean(&device);
}

#define TEST(NAME) cmocka_unit_test_setup(NAME, start)

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        TEST(test_blocks),
        TEST(test_ranges),
        TEST(test_keys),
        TEST(test_boxes),
        TEST(test_lengths_and_pages),
        TEST(test_sequences),
        TEST(test_masks),
        TEST(test_heads),
        TEST(test_mass),
        TEST(test_words_of_mass),
        TEST(test_rows_past_the_last_sequence),
        TEST(test_columns_past_the_last_key),
        TEST(test_append),
    };
    long count = argc > 1 ? strtol(argv[1], NULL, 10) : (long)inputs_of_each;
    if (argc > 2 || count < 0 || count > 100000) {
        printf("test_hostile [COUNT]: COUNT inputs of each kind, up to 100000\n");
        return 1;
    }
    few = count == 0;
    inputs_of_each = few ? 1 : (unsigned)count;
    int opened = gpu_open(&device, "test_hostile", NULL);
    if (opened)
        return opened;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    failed = gpu_close(&device, failed);
    printf("test_hostile: %llu hostile inputs tried, %llu failures\n", (unsigned long long)tried,
           (unsigned long long)device.failures);
    return failed;
}
