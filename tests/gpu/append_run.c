/* SPDX-License-Identifier: MIT */
#include "append_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const gpu_slot slots[APPEND_REGIONS] = {GPU_K, GPU_V, GPU_OUT, GPU_LSE, GPU_LISTS};

static bool all_zero(vatten_strides s) {
    return s.batch == 0 && s.head == 0 && s.token == 0;
}

static vatten_strides packed(uint64_t tokens, uint64_t heads, uint64_t row) {
    return (vatten_strides){
        .batch = (int64_t)(tokens * heads * row), .head = (int64_t)row, .token = (int64_t)(heads * row)};
}

static vatten_dtype rows_dtype(const append_trial *t) {
    return t->desc.dtype ? t->desc.dtype : t->cache.heads.dtype;
}

static vatten_dtype cache_dtype(const append_trial *t) {
    return t->cache.heads.kv_dtype ? t->cache.heads.kv_dtype : t->cache.heads.dtype;
}

static void set_side(append_trial *t, int which) {
    const vatten_heads *h = &t->cache.heads;
    append_side *side = &t->side[which];
    vatten_strides given = which ? h->v : h->k, rows = which ? t->desc.new_v : t->desc.new_k;
    bool i8 = h->kv_dtype == VATTEN_DTYPE_I8;
    int64_t bytes = i8 ? 1 : cache_dtype(t) == VATTEN_DTYPE_F32 ? 4 : 2;
    side->dim = which && h->value_dim ? h->value_dim : h->dim;
    side->row_bytes = i8 ? side->dim / h->kv_block * (h->kv_block + 4) : side->dim * (uint64_t)bytes;
    side->strides = all_zero(given) ? packed(t->places, h->kv_heads, side->row_bytes)
                                    : (vatten_strides){.batch = given.batch * bytes,
                                                       .head = given.head * bytes,
                                                       .token = given.token * bytes};
    side->region = which && !t->one_buffer ? APPEND_CACHE_V : APPEND_CACHE_K;
    side->shift = which && t->one_buffer ? t->side[0].row_bytes : 0;
    side->rows =
        (gpu_view){true,           gpu_ref_dtype(rows_dtype(t)),
                   h->batch,       t->cache.q_len,
                   t->cache.q_len, h->kv_heads,
                   side->dim,      all_zero(rows) ? packed(t->cache.q_len, h->kv_heads, side->dim) : rows};
}

static uint64_t cache_bytes(const append_trial *t, int which) {
    const append_side *side = &t->side[which];
    return (t->outer - 1) * (uint64_t)side->strides.batch +
           (t->cache.heads.kv_heads - 1) * (uint64_t)side->strides.head +
           (t->places - 1) * (uint64_t)side->strides.token + side->row_bytes;
}

static bool check_info(append_trial *t, const char *name) {
    const vatten_plan_info *info = &t->info;
    bool values = !t->desc.keys_only;
    bool good = info->k_bytes == gpu_view_bytes(&t->side[0].rows) &&
                info->v_bytes == (values ? gpu_view_bytes(&t->side[1].rows) : 0) &&
                info->cache_k_bytes == cache_bytes(t, 0) &&
                info->cache_v_bytes == (values ? cache_bytes(t, 1) : 0) && info->tables_bytes <= t->at.bytes;
    if (!good)
        gpu_fail(t->device, "%s: the plan's bytes: k %u, v %u, caches %u and %u, tables %u", name,
                 (unsigned)info->k_bytes, (unsigned)info->v_bytes, (unsigned)info->cache_k_bytes,
                 (unsigned)info->cache_v_bytes, (unsigned)info->tables_bytes);
    return good;
}

bool append_begin(append_trial *t, const char *name) {
    t->desc.attention = &t->cache;
    t->outer = t->cache.page_size ? t->cache.pool_pages : t->cache.heads.batch;
    t->places = t->cache.page_size ? t->cache.page_size : t->cache.kv_len;
    set_side(t, 0);
    set_side(t, 1);
    assert_int_equal(vatten_attention_tables(&t->cache, &t->at), VATTEN_SUCCESS);
    if (vatten_append_create(t->device->device, &t->desc, &t->plan) != VATTEN_SUCCESS) {
        gpu_fail(t->device, "%s: create: %s", name, t->device->message);
        return false;
    }
    t->device->cases++;
    vatten_plan_get_info(t->plan, &t->info);
    uint64_t cache_k = t->info.cache_k_bytes, cache_v = t->info.cache_v_bytes;
    if (t->one_buffer && cache_v) {
        cache_k = t->side[1].shift + cache_v;
        cache_v = 0;
    }
    const uint64_t bytes[APPEND_REGIONS] = {t->info.k_bytes, t->info.v_bytes, cache_k, cache_v, t->at.bytes};
    for (int n = 0; n < APPEND_REGIONS; ++n)
        if (!gpu_region_create(t->device, &t->region[n], slots[n], bytes[n], t->info.offset_alignment))
            return false;
    if (t->at.bytes)
        memset(t->region[APPEND_TABLES].image + t->region[APPEND_TABLES].offset, 0, (size_t)t->at.bytes);
    append_fill(t, 1);
    return check_info(t, name);
}

void append_end(append_trial *t) {
    vatten_plan_destroy(t->plan);
    gpu_regions_destroy(t->device, t->region, APPEND_REGIONS, slots);
}

uint32_t *append_table(append_trial *t, uint64_t place, uint64_t index) {
    assert_true(place != VATTEN_NO_TABLE && place + 4 * index < t->at.bytes);
    const gpu_region *region = &t->region[APPEND_TABLES];
    return (uint32_t *)(void *)(region->image + region->offset + place) + index;
}

static uint32_t word(const append_trial *t, uint64_t place, uint64_t index) {
    uint32_t value;
    memcpy(&value, t->region[APPEND_TABLES].image + t->region[APPEND_TABLES].offset + place + 4 * index, 4);
    return value;
}

void append_draw_pages(append_trial *t, uint64_t seed) {
    uint64_t pool = t->cache.pool_pages,
             rows = t->cache.sequences ? t->cache.sequences : t->cache.heads.batch;
    uint32_t *order = malloc((size_t)pool * sizeof *order);
    assert_true(order && rows * t->at.row_pages <= pool);
    for (uint32_t i = 0; i < pool; ++i)
        order[i] = i;
    for (uint64_t i = pool - 1; i > 0; --i) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t other = (seed >> 33) % (i + 1);
        uint32_t kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
    memcpy(append_table(t, t->at.pages, 0), order, (size_t)(rows * t->at.row_pages) * sizeof *order);
    free(order);
}

/* ---- New rows ---- */

/* As they are stored. Some blocks of 4 are all zero, so small that their scale is none, or not finite. */
static void put_row(append_trial *t, int which, uint64_t b, uint64_t i, uint64_t head, uint64_t seed) {
    const gpu_view *view = &t->side[which].rows;
    for (uint64_t d = 0; d < view->dim; ++d) {
        float x = ref_random(seed + (uint64_t)which, gpu_view_index(view, b, i, head, d));
        if (cache_dtype(t) == VATTEN_DTYPE_I8 && head == 0) {
            uint64_t block = d / t->cache.heads.kv_block;
            x = i % 8 == 1 && block == 0   ? (d % 2 ? 0.0f : -0.0f)
                : i % 8 == 2 && block == 0 ? x * 1e-38f
                : i % 8 == 3 && d == 1     ? (b % 2 ? NAN : -INFINITY)
                                           : x * 50.0f;
        }
        gpu_region_write(&t->region[which ? APPEND_V : APPEND_K], view, gpu_view_index(view, b, i, head, d),
                         x);
    }
}

void append_fill(append_trial *t, uint64_t seed) {
    for (int which = 0; which < (t->desc.keys_only ? 1 : 2); ++which)
        for (uint64_t b = 0; b < t->cache.heads.batch; ++b)
            for (uint64_t i = 0; i < t->cache.q_len; ++i)
                for (uint64_t head = 0; head < t->cache.heads.kv_heads; ++head)
                    put_row(t, which, b, i, head, seed);
}

/* ---- What is wanted ---- */

static uint64_t now(uint64_t asked, uint64_t plan) {
    return asked == 0 ? plan : asked == VATTEN_EMPTY ? 0 : asked;
}

/* The tokens [begin, end) that the entry of row i has, and its rows; false: row i has no entry. */
static bool entry_of(const append_trial *t, uint64_t b, uint64_t i, uint64_t *entry, uint64_t rows[2],
                     uint64_t tokens[2]) {
    const vatten_tables *at = &t->at;
    bool paged = t->cache.page_size != 0;
    *entry = b;
    rows[0] = tokens[0] = 0;
    rows[1] = now(t->q_len, t->cache.q_len);
    tokens[1] = now(t->kv_len, t->cache.kv_len);
    if (t->cache.lengths == VATTEN_LENGTHS_PACKED) {
        uint64_t s = 0;
        while (s < t->cache.sequences && i >= word(t, at->q_starts, s + 1))
            ++s;
        if (s == t->cache.sequences)
            return false;
        *entry = s;
        rows[0] = word(t, at->q_starts, s);
        rows[1] = word(t, at->q_starts, s + 1);
        tokens[0] = paged ? 0 : word(t, at->kv_starts, s);
        tokens[1] = paged ? word(t, at->kv_lengths, s) : word(t, at->kv_starts, s + 1);
    }
    if (t->cache.lengths == VATTEN_LENGTHS_KV || t->cache.lengths == VATTEN_LENGTHS_BOTH)
        tokens[1] = word(t, at->kv_lengths, b);
    if (t->cache.lengths == VATTEN_LENGTHS_BOTH)
        rows[1] = word(t, at->q_lengths, b);
    return true;
}

/* Where row i of batch entry b goes; false: nowhere. */
static bool place_of(const append_trial *t, uint64_t b, uint64_t i, uint64_t *outer, uint64_t *place) {
    uint64_t entry, rows[2], tokens[2];
    if (!entry_of(t, b, i, &entry, rows, tokens) || i >= rows[1])
        return false;
    if (rows[1] > now(t->q_len, t->cache.q_len) || tokens[1] > now(t->kv_len, t->cache.kv_len))
        return false;
    int64_t at = (int64_t)tokens[1] - (int64_t)(rows[1] - i);
    if (at < (int64_t)tokens[0])
        return false;
    *place = (uint64_t)at;
    *outer = t->cache.lengths == VATTEN_LENGTHS_PACKED ? 0 : entry;
    if (t->cache.page_size) {
        *outer = word(t, t->at.pages, entry * t->at.row_pages + *place / t->cache.page_size);
        *place %= t->cache.page_size;
    }
    return *outer < t->outer;
}

static float value_of(const append_trial *t, int which, uint64_t index) {
    const gpu_region *region = &t->region[which ? APPEND_V : APPEND_K];
    gpu_region image = *region;
    image.seen = region->image;
    return gpu_region_read(&image, &t->side[which].rows, index);
}

/* An element: the bits of its value in the cache's dtype. How a device rounds to f16 is its own affair. */
static bool same_element(const append_trial *t, float x, const uint8_t *got, bool moved) {
    uint32_t bits;
    uint16_t half;
    memcpy(&bits, &x, sizeof bits);
    if (cache_dtype(t) == VATTEN_DTYPE_F32)
        return memcmp(got, &bits, 4) == 0;
    memcpy(&half, got, sizeof half);
    if (cache_dtype(t) == VATTEN_DTYPE_BF16)
        return half == ref_f32_to_bf16(x);
    return abs((int)half - (int)ref_f32_to_f16(x)) <= (moved ? 0 : 1);
}

/* A block: its scale, and each number the nearest multiple of it, to even where that is clear. */
static bool same_block(const append_trial *t, const float *x, const uint8_t *got) {
    uint32_t block = t->cache.heads.kv_block;
    float largest = 0.0f, scale;
    bool finite = true;
    memcpy(&scale, got, sizeof scale);
    for (uint32_t d = 0; d < block; ++d) {
        finite = finite && isfinite(x[d]);
        largest = fmaxf(largest, fabsf(x[d]));
    }
    float want = largest / 127.0f;
    if (!finite)
        return isnan(scale);
    if (want < 0x1p-126f) {
        for (uint32_t d = 0; d < block + 4; ++d)
            if (got[d] != 0)
                return false;
        return true;
    }
    for (uint32_t d = 0; d < block; ++d) {
        double exact = (double)x[d] / (double)scale;
        int number = (int8_t)got[4 + d];
        bool tie = fabs(fabs(exact - floor(exact)) - 0.5) < 1e-4;
        if (!(tie ? fabs(number - exact) < 0.5002 : number == (int)nearbyint(exact)) || abs(number) > 127)
            return false;
    }
    return fabsf(scale - want) <= 4e-7f * want;
}

static bool same_row(const append_trial *t, int which, uint64_t index, const uint8_t *got) {
    const append_side *side = &t->side[which];
    uint32_t block = t->cache.heads.kv_block;
    uint64_t bytes = cache_dtype(t) == VATTEN_DTYPE_F32 ? 4 : 2;
    float x[VATTEN_MAX_DIM];
    for (uint32_t d = 0; d < side->dim; ++d)
        x[d] = value_of(t, which, index + d);
    bool i8 = cache_dtype(t) == VATTEN_DTYPE_I8, moved = rows_dtype(t) == cache_dtype(t);
    for (uint32_t d = 0; d < side->dim; d += i8 ? block : 1)
        if (!(i8 ? same_block(t, x + d, got + (uint64_t)d / block * (block + 4))
                 : same_element(t, x[d], got + d * bytes, moved)))
            return false;
    return true;
}

/* All heads of a row, which then count as seen. */
static bool compare_row(append_trial *t, const char *name, int which, uint64_t b, uint64_t i) {
    const append_side *side = &t->side[which];
    gpu_region *region = &t->region[side->region];
    uint64_t outer = 0, place = 0;
    if (!place_of(t, b, i, &outer, &place))
        return false;
    for (uint64_t head = 0; head < t->cache.heads.kv_heads; ++head) {
        uint64_t at = region->offset + side->shift + outer * (uint64_t)side->strides.batch +
                      head * (uint64_t)side->strides.head + place * (uint64_t)side->strides.token;
        if (!same_row(t, which, gpu_view_index(&side->rows, b, i, head, 0), region->seen + at))
            gpu_fail(t->device, "%s: %s of batch entry %u, row %u, head %u is not at [%u][%u]", name,
                     which ? "v" : "k", (unsigned)b, (unsigned)i, (unsigned)head, (unsigned)outer,
                     (unsigned)place);
        memcpy(region->seen + at, region->image + at, (size_t)side->row_bytes);
    }
    t->device->rows++;
    return true;
}

uint64_t append_compare(append_trial *t, const char *name) {
    uint64_t written = 0;
    for (int which = 0; which < (t->desc.keys_only ? 1 : 2); ++which)
        for (uint64_t b = 0; b < t->cache.heads.batch; ++b)
            for (uint64_t i = 0; i < t->cache.q_len; ++i)
                written += compare_row(t, name, which, b, i);
    for (int n = 0; n < APPEND_REGIONS; ++n) {
        uint64_t changed = gpu_region_changed(&t->region[n], 0, t->region[n].total);
        if (changed != UINT64_MAX)
            gpu_fail(t->device, "%s: buffer %d was changed at byte %u of %u", name, n, (unsigned)changed,
                     (unsigned)t->region[n].total);
    }
    return written;
}

static vatten_buffer cache_buffer(const append_trial *t, int which) {
    const append_side *side = &t->side[which];
    const gpu_region *region = &t->region[side->region];
    vatten_buffer none = {0};
    if (!region->memory || (which && t->desc.keys_only))
        return none;
    return (vatten_buffer){vatten_memory_buffer(region->memory).buffer, region->offset + side->shift,
                           region->bytes - side->shift};
}

vatten_args append_args(append_trial *t) {
    return (vatten_args){.k = gpu_region_buffer(&t->region[APPEND_K]),
                         .v = gpu_region_buffer(&t->region[APPEND_V]),
                         .cache_k = cache_buffer(t, 0),
                         .cache_v = cache_buffer(t, 1),
                         .tables = gpu_region_buffer(&t->region[APPEND_TABLES]),
                         .q_len = t->q_len,
                         .kv_len = t->kv_len};
}

uint64_t append_check(append_trial *t, const char *name) {
    const vatten_args args = append_args(t);
    uint64_t written = 0;
    const uint32_t caches = 1u << APPEND_CACHE_K | 1u << APPEND_CACHE_V;
    if (gpu_regions_run_twice(t->device, t->region, APPEND_REGIONS, caches, t->plan, &args, name))
        written = append_compare(t, name);
    gpu_check_validation(t->device, name);
    return written;
}
