/* SPDX-License-Identifier: MIT
 *
 * Dense attention: every dtype and layout at the edges of its tiles, over dims, groups of heads, masks,
 * strides and shrunk lengths. Each test varies one thing fully and lets the others take turns.
 */
#include "gpu_harness.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static gpu device;

static const vatten_dtype dtypes[] = {VATTEN_DTYPE_F32, VATTEN_DTYPE_F16, VATTEN_DTYPE_BF16};

/* The tile that a layout gets for this dtype and dim; false if the device refuses the layout. */
static bool tile_of(vatten_dtype dtype, vatten_layout layout, uint32_t dim, vatten_tile *out) {
    gpu_problem p = gpu_dense(dtype, 4096, 4096, 1, 1, dim);
    vatten_plan *plan;
    vatten_plan_info info;
    p.dense.heads.tile.layout = layout;
    if (!gpu_has_dtype(&device, dtype) || gpu_plan_create(&device, &p, &plan) != VATTEN_SUCCESS) {
        return false;
    }
    vatten_plan_get_info(plan, &info);
    vatten_plan_destroy(plan);
    *out = info.tile;
    return true;
}

/* Masks that take turns where something else is the subject. */
static void turn_mask(gpu_problem *p, unsigned turn) {
    switch (turn % 4) {
    case 1:
        p->dense.causal = true;
        break;
    case 2:
        p->dense.causal = true;
        p->dense.align = VATTEN_ALIGN_FIRST;
        break;
    case 3:
        p->dense.window = (vatten_window){.enabled = true, .left = 9, .right = 3};
        p->dense.prefix = 2;
        break;
    default:
        break;
    }
}

/* 1. one less, exactly, and one more than a tile, in queries and in keys */
static void check_edges(vatten_dtype dtype, vatten_layout layout, uint32_t dim) {
    vatten_tile tile;
    if (!tile_of(dtype, layout, dim, &tile)) {
        printf("  %s %s: no such plan\n", gpu_dtype_name(dtype), gpu_layout_name(layout));
        return;
    }
    const uint64_t queries[] = {1, tile.rows - 1, tile.rows, tile.rows + 1, 61};
    const uint64_t keys[] = {1, tile.keys - 1, tile.keys, tile.keys + 1, 3 * tile.keys + 1, 67};
    for (unsigned q = 0; q < COUNT(queries); ++q) {
        for (unsigned k = 0; k < COUNT(keys); ++k) {
            if (queries[q] == 0 || keys[k] == 0) {
                continue;
            }
            gpu_problem p = gpu_dense(dtype, queries[q], keys[k], 2, 1, dim);
            p.dense.heads.tile.layout = layout;
            p.seed = q * 10 + k;
            unsigned mask = dtype == VATTEN_DTYPE_F32 || gpu_thorough(&device) ? (q + k) % 4 : 0;
            turn_mask(&p, mask);
            gpu_name(&p, "edges q %u k %u mask %u", (unsigned)queries[q], (unsigned)keys[k], mask);
            gpu_check(&device, &p);
        }
    }
}

/* A prefix longer than the keys, which end one short of a tile: the missing key must not count as one of the
 * prefix. */
static void check_long_prefix(vatten_layout layout) {
    vatten_tile tile;
    bool f16 = gpu_has_matrices(layout) || gpu_stages_f16(layout);
    vatten_dtype dtype = f16 ? VATTEN_DTYPE_F16 : VATTEN_DTYPE_F32;
    if (!tile_of(dtype, layout, 16, &tile)) {
        return;
    }
    for (uint64_t tiles = 1; tiles <= 3; ++tiles) {
        gpu_problem p = gpu_dense(dtype, 7, tiles * tile.keys - 1, 1, 1, 16);
        if (p.dense.kv_len == 0) {
            continue;
        }
        p.dense.heads.tile.layout = layout;
        p.dense.window =
            (vatten_window){.enabled = true, .left = 9, .right = 3}; /* as turn_mask(3): no new pipeline */
        p.dense.prefix = 4 * tile.keys;
        gpu_name(&p, "prefix beyond %u keys", (unsigned)p.dense.kv_len);
        gpu_check(&device, &p);
        p.kv_len = p.dense.kv_len; /* the same by a record's length */
        p.dense.kv_len = 5 * tile.keys;
        gpu_name(&p, "prefix beyond %u keys in use", (unsigned)p.kv_len);
        gpu_check(&device, &p);
    }
}

static void test_lengths_at_tile_edges(void **state) {
    (void)state;
    for (unsigned t = 0; t < COUNT(dtypes); ++t) {
        for (int layout = gpu_first_layout(&device); layout < GPU_LAYOUTS;
             layout = gpu_next_layout(&device, layout)) {
            check_edges(dtypes[t], (vatten_layout)layout, 16);
        }
    }
    for (int layout = gpu_first_layout(&device); layout < GPU_LAYOUTS;
         layout = gpu_next_layout(&device, layout)) {
        check_long_prefix((vatten_layout)layout);
    }
    gpu_assert_clean(&device);
}

/* 2. dims: those in `turns` for ROWS in turns too, because it unrolls rows and dims */
static const struct {
    uint32_t dim, value_dim;
    bool turns;
} dims[] = {
    {1, 0, false},    {3, 0, true},      {16, 0, false},  {40, 0, true},   {64, 0, true},     {80, 0, false},
    {96, 0, false},   {111, 0, true},    {128, 0, false}, {160, 0, false}, {192, 0, false},   {256, 0, true},
    {320, 0, false},  {576, 0, false},   {64, 48, false}, {16, 130, true}, {128, 1, false},   {3, 40, false},
    {111, 64, false}, {576, 512, true},  {33, 31, true},  {1, 576, false}, {129, 127, false}, {65, 63, false},
    {7, 5, true},     {255, 257, false},
};

static void check_dim(unsigned n, vatten_layout layout, vatten_dtype dtype) {
    gpu_problem p = gpu_dense(dtype, 19, 37, 2, 2, dims[n].dim);
    p.dense.heads.value_dim = dims[n].value_dim;
    p.dense.heads.tile.layout = layout;
    p.dense.causal = n % 2 == 1;
    gpu_name(&p, "dim %u value %u", dims[n].dim, dims[n].value_dim);
    gpu_check(&device, &p);
}

static void test_dims(void **state) {
    (void)state;
    bool all = gpu_thorough(&device);
    for (unsigned n = 0; n < COUNT(dims); ++n) {
        for (unsigned t = 0; t < COUNT(dtypes); ++t) {
            if (all || (dims[n].turns && t == n % 3)) {
                check_dim(n, VATTEN_LAYOUT_ROWS, dtypes[t]);
            }
            if (all || t == (n + 1) % 3) {
                check_dim(n, VATTEN_LAYOUT_SUBGROUP, dtypes[t]);
            }
            if (all || (n % 2 == 1 && t == (n + 2) % 3)) {
                check_dim(n, VATTEN_LAYOUT_SHARED, dtypes[t]);
            }
        }
        for (int layout = VATTEN_LAYOUT_PACKED; layout <= VATTEN_LAYOUT_MIXED; ++layout) {
            if (all || layout % 3 == (int)n % 3) {
                check_dim(n, (vatten_layout)layout, VATTEN_DTYPE_F16);
            }
        }
        check_dim(n, VATTEN_LAYOUT_MATRIX, gpu_matrix_dtype(&device, dtypes[n % 3]));
        check_dim(n, VATTEN_LAYOUT_MATRIX2, gpu_matrix_dtype(&device, dtypes[n % 3]));
        check_dim(n, VATTEN_LAYOUT_MATRIX_WORKGROUP, gpu_matrix_dtype(&device, dtypes[n % 3]));
    }
    gpu_assert_clean(&device);
}

/* 3. query heads that share a KV head, in several batch entries */
static void test_head_groups(void **state) {
    (void)state;
    static const uint32_t groups[][2] = {{9, 1}, {6, 2}, {5, 5}, {1, 1}, {8, 4}, {40, 8}};
    for (unsigned n = 0; n < COUNT(groups); ++n) {
        gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 11, 23, groups[n][0], groups[n][1], 16);
        p.dense.heads.batch = 1 + n % 3;
        p.dense.causal = true;
        gpu_name(&p, "heads %u kv %u batch %u", groups[n][0], groups[n][1], 1 + n % 3);
        gpu_check_layouts(&device, &p);
    }
    gpu_assert_clean(&device);
}

/* 4. causality, window and prefix in all combinations, queries fewer than, as many as and more than keys */
static const vatten_window windows[] = {
    {.enabled = false},
    {.enabled = true, .left = 0, .right = 0},
    {.enabled = true, .left = 5, .right = 0},
    {.enabled = true, .left = VATTEN_UNLIMITED, .right = 3},
    {.enabled = true, .left = 3, .right = VATTEN_UNLIMITED},
    {.enabled = true, .left = 17, .right = 8},
    {.enabled = true, .left = VATTEN_UNLIMITED, .right = VATTEN_UNLIMITED},
    {.enabled = true, .left = 1000000, .right = 1000000},
};

static void check_mask(unsigned causal, unsigned window, uint64_t prefix, uint64_t q_len, uint64_t kv_len) {
    gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, q_len, kv_len, 1, 1, 16);
    p.dense.causal = causal != 0;
    p.dense.align = (causal + window) % 3 == 2 ? VATTEN_ALIGN_FIRST : VATTEN_ALIGN_LAST;
    if (causal) {
        p.dense.align = causal == 1 ? VATTEN_ALIGN_LAST : VATTEN_ALIGN_FIRST;
    }
    p.dense.window = windows[window];
    p.dense.prefix = prefix;
    gpu_name(&p, "mask causal %u align %d window %u prefix %u q %u k %u", causal, (int)p.dense.align, window,
             (unsigned)prefix, (unsigned)q_len, (unsigned)kv_len);
    p.small_tiles = true;
    gpu_check_layouts(&device, &p);
}

static void test_masks(void **state) {
    (void)state;
    static const uint64_t lengths[][2] = {{37, 37}, {23, 71}, {71, 23}};
    static const uint64_t prefixes[] = {0, 1, 20};
    for (unsigned causal = 0; causal < 3; ++causal) {
        for (unsigned window = 0; window < COUNT(windows); ++window) {
            for (unsigned n = 0; n < COUNT(lengths); ++n) {
                /* prefixes take turns, and all of them meet each window and each causality */
                uint64_t prefix = prefixes[(causal + window + n) % COUNT(prefixes)];
                check_mask(causal, window, prefix, lengths[n][0], lengths[n][1]);
            }
        }
    }
    gpu_assert_clean(&device);
}

/* A prefix reaches over tiles that the window skips; long enough for several tiles of every layout. */
static void test_masks_over_many_tiles(void **state) {
    (void)state;
    static const struct {
        bool causal;
        int64_t left, right;
        uint64_t prefix, q_len, kv_len;
    } rows[] = {
        {true, 63, 0, 4, 300, 300},    {true, 40, 0, 70, 150, 401},  {false, 33, 33, 0, 257, 257},
        {false, 10, 50, 129, 97, 389}, {true, 100, -1, 0, 130, 331}, {false, -1, 20, 0, 200, 263},
        {false, 7, -1, 33, 263, 200},  {true, 0, 0, 1, 500, 500},    {false, 0, 0, 500, 211, 499},
    };
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, rows[n].q_len, rows[n].kv_len, 2, 1, 16);
        p.dense.causal = rows[n].causal;
        p.dense.window = (vatten_window){.enabled = true, .left = rows[n].left, .right = rows[n].right};
        p.dense.prefix = rows[n].prefix;
        p.dense.align = n % 4 == 3 ? VATTEN_ALIGN_FIRST : VATTEN_ALIGN_LAST;
        p.rows = 150;
        p.small_tiles = n % 2 == 1 && !gpu_thorough(&device);
        gpu_name(&p, "many tiles %u", n);
        gpu_check_layouts(&device, &p);
    }
    gpu_assert_clean(&device);
}

/* 5. strides: [b][h][t][d], gaps after rows, heads and batch entries, repeated K and V */
static vatten_strides head_major(uint64_t tokens, uint64_t heads, int64_t row) {
    vatten_strides s = {.token = row, .head = row * (int64_t)tokens};
    s.batch = s.head * (int64_t)heads;
    return s;
}

static vatten_strides padded(uint64_t tokens, uint64_t heads, int64_t row) {
    vatten_strides s = {.head = row, .token = row * (int64_t)heads + 11};
    s.batch = s.token * (int64_t)tokens + 35;
    return s;
}

static void set_strides(vatten_attention_desc *d, unsigned kind) {
    vatten_heads *h = &d->heads;
    int64_t dim = h->dim, value_dim = h->value_dim;
    switch (kind) {
    case 0: /* head-major, packed */
        h->q = head_major(d->q_len, h->heads, dim);
        h->k = head_major(d->kv_len, h->kv_heads, dim);
        h->v = head_major(d->kv_len, h->kv_heads, value_dim);
        h->out = head_major(d->q_len, h->heads, value_dim);
        break;
    case 1: /* token-major with odd gaps everywhere */
        h->q = padded(d->q_len, h->heads, dim + 3);
        h->k = padded(d->kv_len, h->kv_heads, dim + 5);
        h->v = padded(d->kv_len, h->kv_heads, value_dim + 1);
        h->out = padded(d->q_len, h->heads, value_dim + 7);
        break;
    case 2: /* one K and V for all heads; out head-major with gaps */
        h->k = (vatten_strides){.batch = dim * (int64_t)d->kv_len, .head = 0, .token = dim};
        h->v = (vatten_strides){.batch = value_dim * (int64_t)d->kv_len, .head = 0, .token = value_dim};
        h->out = head_major(d->q_len, h->heads, value_dim + 2);
        break;
    case 3: /* one K and V for the whole batch, and one q */
        h->q = (vatten_strides){.batch = 0, .head = dim, .token = dim * (int64_t)h->heads};
        h->k = (vatten_strides){.batch = 0, .head = dim, .token = dim * (int64_t)h->kv_heads};
        h->v = (vatten_strides){.batch = 0, .head = value_dim, .token = value_dim * (int64_t)h->kv_heads};
        break;
    case 4: /* the same key and value at every token */
        h->k = (vatten_strides){.batch = dim * (int64_t)h->kv_heads, .head = dim, .token = 0};
        h->v = (vatten_strides){.batch = value_dim * (int64_t)h->kv_heads, .head = value_dim, .token = 0};
        break;
    default: /* the batch innermost: [t][h][b][d] */
        h->q = (vatten_strides){dim, dim * (int64_t)h->batch, dim * (int64_t)h->batch * (int64_t)h->heads};
        h->out = (vatten_strides){value_dim, value_dim * (int64_t)h->batch,
                                  value_dim * (int64_t)h->batch * (int64_t)h->heads};
        break;
    }
}

/* Dims that are whole words for some subgroups and padded all the same, in rows that can only be read by element: what
 * lies between the rows holds NaN, and multiplied by a padded zero it would stay. */
static void test_gaps_after_odd_dims(void **state) {
    (void)state;
    static const uint32_t odd[][2] = {{12, 20}, {20, 12}, {156, 36}, {44, 44}};
    for (unsigned n = 0; n < COUNT(odd); ++n) {
        for (int layout = VATTEN_LAYOUT_ROWS; layout <= VATTEN_LAYOUT_SHARED; ++layout) {
            gpu_problem p = gpu_dense(dtypes[n % 3], 9, 21, 2, 1, odd[n][0]);
            vatten_heads *h = &p.dense.heads;
            h->value_dim = odd[n][1];
            h->k = (vatten_strides){.token = odd[n][0] + 3, .head = 1000, .batch = 100000};
            h->v = (vatten_strides){.token = odd[n][1] + 5, .head = 1000, .batch = 100000};
            h->tile.layout = (vatten_layout)layout;
            gpu_name(&p, "gaps after dim %u value %u", odd[n][0], odd[n][1]);
            gpu_check(&device, &p);
        }
    }
    gpu_assert_clean(&device);
}

/* STREAM loads one, four or eight elements at once, by dims and by where rows start, and asks ahead for keys that lie apart:
 * NaN stands in all gaps. */
static void test_words_of_stream(void **state) {
    (void)state;
    static const uint32_t rows[][3] = {{64, 128, 0}, {64, 128, 8}, {64, 128, 4},  {64, 128, 3},
                                       {40, 72, 0},  {40, 72, 8},  {136, 120, 8}, {96, 96, 0},
                                       {32, 64, 4},  {12, 256, 0}, {8, 192, 8},   {576, 512, 0}};
    for (unsigned n = 0; n < 2 * COUNT(rows); ++n) {
        const uint32_t *row = rows[n / 2];
        bool apart = n % 2 != 0;
        gpu_problem p = gpu_dense(dtypes[(1 + n / 2 + n / 8) % 3], 3, 37, 4, 2, row[0]);
        vatten_heads *h = &p.dense.heads;
        h->value_dim = row[1];
        h->k = apart ? padded(37, 2, row[0] + row[2]) : head_major(37, 2, row[0] + row[2]);
        h->v = apart ? padded(37, 2, row[1] + row[2]) : head_major(37, 2, row[1] + row[2]);
        h->k.token += apart ? 5 : 0; /* 16 with padded's 11 */
        h->v.token += apart ? 5 : 0;
        gpu_set_layout(&device, &p, VATTEN_LAYOUT_STREAM, n % 3 == 0);
        gpu_name(&p, "words of dim %u value %u with gaps of %u", row[0], row[1], row[2]);
        gpu_check(&device, &p);
    }
    gpu_assert_clean(&device);
}

static void test_strides(void **state) {
    (void)state;
    for (unsigned kind = 0; kind < 6; ++kind) {
        for (unsigned t = 0; t < COUNT(dtypes); ++t) {
            uint32_t dim =
                kind % 2 ? 40 : 16; /* 40: enough for loads of four elements by each of eight lanes */
            gpu_problem p = gpu_dense(dtypes[t], 21, 43, 4, 2, dim);
            p.dense.heads.batch = 2;
            p.dense.heads.value_dim = t == 1 ? 13 : dim; /* odd rows start at odd words */
            p.small_tiles = (t != 0 || dim == 40) && !gpu_thorough(&device);
            set_strides(&p.dense, kind);
            gpu_name(&p, "strides %u", kind);
            gpu_check_layouts(&device, &p);
        }
    }
    gpu_assert_clean(&device);
}

/* 6. scale, LSE, one buffer for K and V */
static void test_scale_and_outputs(void **state) {
    (void)state;
    static const float scales[] = {0.0f, 1.0f, 0.03f, -0.25f, 2.5f};
    for (unsigned n = 0; n < COUNT(scales); ++n) {
        gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 17, 41, 2, 1, 16);
        p.dense.heads.scale = scales[n];
        p.dense.heads.write_lse = n % 2 == 0;
        gpu_name(&p, "scale %g", (double)scales[n]);
        gpu_check_layouts(&device, &p);
    }
    gpu_assert_clean(&device);
}

static void test_value_within_key(void **state) {
    (void)state;
    gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 5, 50, 4, 1, 96);
    p.dense.heads.value_dim = 64;
    p.dense.heads.v = (vatten_strides){.batch = 96 * 50, .head = 96, .token = 96};
    p.v_is_k = true;
    gpu_name(&p, "v within k");
    gpu_check_layouts(&device, &p);
    p.dense.heads.dtype = VATTEN_DTYPE_BF16;
    p.small_tiles = true;
    gpu_check_layouts(&device, &p);
    gpu_assert_clean(&device);
}

/* 7. lengths of a record below the plan's: masks move with them, what lies past them is NaN and must not be
 * used */
static void test_shrunk_lengths(void **state) {
    (void)state;
    static const uint64_t lengths[][2] = {
        {0, 0},
        {1, 1},
        {40, 1},
        {1, 70},
        {17, 0},
        {0, 33},
        {39, 69},
        {5, 64},
        {0, 5},
        {31, 7},
        {7, 31},
        {2, 16},
        {33, 17},
        {1, 2},
        {VATTEN_EMPTY, 10},
        {10, VATTEN_EMPTY},
        {VATTEN_EMPTY, VATTEN_EMPTY},
    };
    for (unsigned n = 0; n < COUNT(lengths); ++n) {
        gpu_problem p = gpu_dense(dtypes[n % 3], 40, 70, 2, 1, 16);
        p.dense.heads.batch = 2;
        p.q_len = lengths[n][0];
        p.kv_len = lengths[n][1];
        gpu_name(&p, "shrunk to q %lld k %lld", (long long)p.q_len, (long long)p.kv_len);
        gpu_check_layouts(&device, &p);
        turn_mask(&p, n);
        p.dense.heads.dtype = VATTEN_DTYPE_F32;
        gpu_check_layouts(&device, &p);
    }
    gpu_assert_clean(&device);
}

/* A plan made for a long context, used for a short one: whole tiles and dispatches fall away. */
static void test_shrunk_far_below_capacity(void **state) {
    (void)state;
    static const uint64_t lengths[] = {1, 63, 64, 1000, 2999};
    for (unsigned n = 0; n < COUNT(lengths); ++n) {
        gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 3, 3000, 2, 2, 16);
        p.dense.causal = true;
        p.kv_len = lengths[n];
        p.dense.heads.max_macs = n % 2 ? 50000 : 0;
        gpu_name(&p, "cache of 3000 filled to %u", (unsigned)lengths[n]);
        gpu_check_layouts(&device, &p);
    }
    gpu_assert_clean(&device);
}

/* 8. tiles other than the table's */
static void test_tiles_asked_for(void **state) {
    (void)state;
    static const vatten_tile tiles[] = {
        {VATTEN_LAYOUT_ROWS, 1, 1, 1, 1},          {VATTEN_LAYOUT_ROWS, 4, 16, 2, 1},
        {VATTEN_LAYOUT_ROWS, 8, 8, 8, 1},          {VATTEN_LAYOUT_ROWS, 16, 64, 3, 1},
        {VATTEN_LAYOUT_SUBGROUP, 0, 0, 0, 2},      {VATTEN_LAYOUT_SUBGROUP, 64, 32, 8, 4},
        {VATTEN_LAYOUT_SUBGROUP, 32, 8, 16, 8},    {VATTEN_LAYOUT_SUBGROUP, 16, 16, 32, 4},
        {VATTEN_LAYOUT_SUBGROUP, 64, 64, 4, 1},    {VATTEN_LAYOUT_SHARED, 64, 16, 8, 8},
        {VATTEN_LAYOUT_SHARED, 8, 2, 4, 4},        {VATTEN_LAYOUT_SHARED, 128, 8, 32, 16},
        {VATTEN_LAYOUT_SHARED, 32, 32, 16, 2},     {VATTEN_LAYOUT_SHARED, 4, 4, 4, 1},
        {VATTEN_LAYOUT_SHARED, 64, 2, 64, 32},     {VATTEN_LAYOUT_MATRIX, 0, 0, 16, 0},
        {VATTEN_LAYOUT_MATRIX, 0, 64, 0, 0},       {VATTEN_LAYOUT_MATRIX, 32, 32, 32, 2},
        {VATTEN_LAYOUT_MATRIX, 64, 64, 64, 4},     {VATTEN_LAYOUT_MATRIX, 64, 128, 16, 1},
        {VATTEN_LAYOUT_MATRIX2, 0, 0, 16, 0},      {VATTEN_LAYOUT_MATRIX2, 0, 64, 0, 0},
        {VATTEN_LAYOUT_MATRIX2, 64, 64, 64, 0},    {VATTEN_LAYOUT_MATRIX2, 64, 128, 16, 0},
        {VATTEN_LAYOUT_PACKED, 32, 8, 24, 8},      {VATTEN_LAYOUT_PACKED, 16, 16, 32, 4},
        {VATTEN_LAYOUT_PACKED, 8, 8, 12, 4},       {VATTEN_LAYOUT_PACKED_SHARED, 64, 16, 40, 8},
        {VATTEN_LAYOUT_PACKED_SHARED, 8, 2, 3, 1}, {VATTEN_LAYOUT_HALF, 64, 32, 8, 4},
        {VATTEN_LAYOUT_HALF, 16, 16, 32, 4},       {VATTEN_LAYOUT_MIXED, 16, 16, 32, 4},
        {VATTEN_LAYOUT_STREAM, 8, 1, 8, 8},        {VATTEN_LAYOUT_STREAM, 8, 16, 8, 8},
        {VATTEN_LAYOUT_STREAM, 4, 3, 4, 4},        {VATTEN_LAYOUT_STREAM, 1, 5, 1, 1},
    };
    for (unsigned n = 0; n < COUNT(tiles); ++n) {
        gpu_problem p = gpu_dense(dtypes[n % 3], 35, 83, 2, 1,
                                  tiles[n].layout == VATTEN_LAYOUT_ROWS ? 12
                                  : n % 2                               ? 20
                                                                        : 72);
        gpu_set_layout(&device, &p, tiles[n].layout, false);
        p.dense.heads.tile = tiles[n];
        turn_mask(&p, n);
        gpu_name(&p, "tile %u", n);
        gpu_check(&device, &p);
    }
    gpu_assert_clean(&device);
}

/* Matrices of several blocks one way or the other. Mesa 26.2 reduces rows wrongly in matrices of several blocks both ways
 * (nir_lower_cooperative_matrix.c), so that on its software device, where blocks are 8x8, one way has to do. */
static void test_tiles_of_a_workgroup(void **state) {
    (void)state;
    static const uint32_t sizes[][2] = {{8, 32}, {24, 8}, {32, 64}};
    for (unsigned n = 0; n < COUNT(sizes) - (device.limits.cpu ? 1 : 0); ++n) {
        gpu_problem p = gpu_dense(VATTEN_DTYPE_F16, 35, 83, 2, 1, n % 2 ? 20 : 24);
        gpu_set_layout(&device, &p, VATTEN_LAYOUT_MATRIX_WORKGROUP, false);
        p.dense.heads.tile.rows = sizes[n][0];
        p.dense.heads.tile.keys = sizes[n][1];
        turn_mask(&p, n);
        gpu_name(&p, "tile of a workgroup %ux%u", sizes[n][0], sizes[n][1]);
        gpu_check(&device, &p);
    }
    gpu_assert_clean(&device);
}

/* 9. scores far from zero: sums of exponentials neither overflow nor vanish */
static float steep(const void *user, gpu_slot slot, uint64_t b, uint64_t token, uint64_t head, uint64_t d) {
    (void)user;
    float unit = ref_random(5 + (uint64_t)slot, (b * 1000 + token) * 1000 + head * 100 + d);
    return slot == GPU_V ? unit : d == 0 ? (slot == GPU_Q ? 16.0f : (float)token - 50.0f) : unit / 8.0f;
}

static void test_steep_scores(void **state) {
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 9, 101, 1, 1, 16);
        p.value = steep;
        p.dense.heads.scale = (float)sign; /* scores from -800 to 800 in steps of 16, rising or falling */
        p.lse_tolerance = 5e-4;            /* LSE is about 800: 1e-4 there is less than two steps of f32 */
        gpu_name(&p, "steep %d", sign);
        gpu_check_layouts(&device, &p);
    }
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths_at_tile_edges), cmocka_unit_test(test_dims),
        cmocka_unit_test(test_head_groups),           cmocka_unit_test(test_masks),
        cmocka_unit_test(test_masks_over_many_tiles), cmocka_unit_test(test_strides),
        cmocka_unit_test(test_gaps_after_odd_dims),   cmocka_unit_test(test_words_of_stream),
        cmocka_unit_test(test_scale_and_outputs),     cmocka_unit_test(test_value_within_key),
        cmocka_unit_test(test_shrunk_lengths),        cmocka_unit_test(test_shrunk_far_below_capacity),
        cmocka_unit_test(test_tiles_asked_for),       cmocka_unit_test(test_tiles_of_a_workgroup),
        cmocka_unit_test(test_steep_scores),
    };
    int opened = gpu_open(&device, "test_dense", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
