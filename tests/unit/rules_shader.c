/* SPDX-License-Identifier: MIT */
#include "rules_shader.h"

#include "mixer.h"
#include "sizes.h"

#define FAR INT64_C(0x40000000)

/* ---- Tables ---- */

static uint64_t mix(uint64_t seed, uint64_t at) {
    return mixer_mixed(seed * MIXER_STEP + at * 0xD1B54A32D192ED03u);
}

/* Whether word `at` is in a table that begins at `place`; then its number there. */
static bool in_table(uint64_t at, uint64_t place, uint64_t words, uint64_t *number) {
    *number = at - place / 4;
    return place != VATTEN_NO_TABLE && at >= place / 4 && *number < words;
}

/* Ascending, some of them alike. */
static uint32_t start_of(uint64_t seed, uint64_t s, uint64_t sequences, uint64_t tokens) {
    if (s == 0 || s == sequences)
        return (uint32_t)(s ? tokens : 0);
    s = seed & 1 ? s & ~UINT64_C(1) : s;
    return (uint32_t)((tokens * s + (s ? tokens * (mix(seed, s) % 1024) / 1024 : 0)) / sequences);
}

static uint32_t head_word(uint64_t number, uint64_t bits, const vt_problem *p) {
    uint64_t field = number % VT_HEAD_WORDS;
    if (field < 5)
        return bits % 10 ? 0x3f800000u : 0; /* 1 or 0 */
    if (field == 7)
        return (uint32_t)(bits % (2 * p->kv_len));
    return bits % 4 ? (uint32_t)(bits / 4 % (2 * p->kv_len)) : UINT32_MAX;
}

static uint32_t good_word(const rules_tables *t, uint64_t at) {
    const vt_problem *p = t->problem;
    const vt_rules *r = &p->rules;
    const vatten_tables *place = &r->tables;
    uint64_t bits = mix(t->seed, at), rows = r->lengths & VT_LENGTHS_PACKED ? r->sequences : p->batch, n;
    if (in_table(at, place->heads, VT_HEAD_WORDS * p->heads * (r->head_batch ? p->batch : 1), &n))
        return head_word(n, bits, p);
    if (in_table(at, place->q_lengths, rows, &n))
        return (uint32_t)(bits % (p->q_len + 1));
    if (in_table(at, place->kv_lengths, rows, &n))
        return (uint32_t)(bits % (p->kv_len + 1));
    if (in_table(at, place->q_starts, (uint64_t)r->sequences + 1, &n))
        return start_of(t->seed, n, r->sequences, p->q_len);
    if (in_table(at, place->kv_starts, (uint64_t)r->sequences + 1, &n))
        return start_of(t->seed + 2, n, r->sequences, p->kv_len);
    if (in_table(at, place->pages, rows * place->row_pages, &n))
        return (uint32_t)(bits % r->pool_pages);
    uint64_t slices = (r->mask_batch ? p->batch : 1) * r->mask_heads;
    if (in_table(at, place->intervals, 2 * slices * p->q_len, &n)) {
        uint64_t first = mix(t->seed, at - n % 2) % (p->kv_len + 1);
        return (uint32_t)(n % 2 ? first + bits % (p->kv_len + 1) : first);
    }
    return (uint32_t)(bits >> 60 ? bits % 8 : bits);
}

uint32_t rules_word(const rules_tables *t, uint64_t at) {
    if (!t->hostile)
        return good_word(t, at);
    uint64_t bits = mix(t->seed, at);
    switch (bits % 4) {
    case 0:
        return (uint32_t)(bits / 4 % 3);
    case 1:
        return (uint32_t)(bits / 4 % 500);
    case 2:
        return UINT32_MAX - (uint32_t)(bits / 4 % 3);
    default:
        return (uint32_t)(bits >> 32);
    }
}

uint32_t rules_read(rules_group *g, uint32_t at) {
    g->outside = g->outside || at >= g->bound;
    return rules_word(&g->tables, at);
}

/* ---- Sequences ---- */

static bool has(const rules_group *g, uint32_t lengths) {
    return (g->spec[VT_SPEC_LENGTHS] & lengths) != 0;
}

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static uint32_t q_start(rules_group *g, uint32_t s) {
    return least(rules_read(g, g->spec[VT_SPEC_TABLE_Q_STARTS] + s), g->spec[VT_SPEC_Q_CAPACITY]);
}

static uint32_t kv_start(rules_group *g, uint32_t s) {
    return least(rules_read(g, g->spec[VT_SPEC_TABLE_KV_STARTS] + s), g->spec[VT_SPEC_KV_CAPACITY]);
}

static uint32_t first_tile(rules_group *g, uint32_t s) {
    return q_start(g, s) * g->spec[VT_SPEC_TILE_HEADS] / g->spec[VT_SPEC_ROWS] + s;
}

static uint32_t find_sequence(rules_group *g, uint32_t tile) {
    uint32_t low = 0, high = g->spec[VT_SPEC_SEQUENCES];
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (first_tile(g, middle) <= tile)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void begin_packed(rules_group *g, uint32_t tile) {
    g->seq = find_sequence(g, tile);
    g->seq_tile = tile - first_tile(g, g->seq);
    g->seq_q0 = q_start(g, g->seq);
    g->seq_q_len = vt_max_i64((int64_t)q_start(g, g->seq + 1) - g->seq_q0, 0);
    if (has(g, VT_LENGTHS_EXTRA) || g->spec[VT_SPEC_PAGE])
        return;
    g->seq_k0 = kv_start(g, g->seq);
    g->seq_kv_len = vt_max_i64((int64_t)kv_start(g, g->seq + 1) - g->seq_k0, 0);
}

static void begin_sequence(rules_group *g) {
    const vt_push *push = &g->step->push;
    uint32_t tile = push->map2 + g->x;
    g->own_batch = g->z / g->spec[VT_SPEC_SPLITS];
    g->seq_split = g->z % g->spec[VT_SPEC_SPLITS];
    g->seq = push->map1 + g->own_batch;
    g->seq_tile = tile;
    g->seq_q0 = g->seq_k0 = 0;
    g->seq_q_len = push->q_len;
    g->seq_kv_len = push->kv_len;
    if (has(g, VT_LENGTHS_PACKED))
        begin_packed(g, tile);
    if (has(g, VT_LENGTHS_Q))
        g->seq_q_len = least(rules_read(g, g->spec[VT_SPEC_TABLE_Q_LENGTHS] + g->seq), push->q_len);
    if (has(g, VT_LENGTHS_KV))
        g->seq_kv_len = least(rules_read(g, g->spec[VT_SPEC_TABLE_KV_LENGTHS] + g->seq), push->kv_len);
}

/* ---- Position ---- */

static bool masks(const rules_group *g, uint32_t bits) {
    return (g->spec[VT_SPEC_MASK] & bits) != 0;
}

static int64_t chunk_begin(const rules_group *g, int64_t diag) {
    int64_t chunk = g->spec[VT_SPEC_RULE_CHUNK];
    return diag >= 0 ? diag / chunk * chunk : -((chunk - 1 - diag) / chunk) * chunk;
}

static int64_t low_of(const rules_group *g, int64_t query) {
    int64_t low = masks(g, VT_MASK_LEFT) ? query + g->shift - g->left : 0;
    return masks(g, VT_MASK_CHUNK) ? vt_max_i64(low, chunk_begin(g, query + g->shift)) : low;
}

static int64_t high_of(const rules_group *g, int64_t query) {
    int64_t high = g->k_end - 1, diag = query + g->shift;
    if (masks(g, VT_MASK_RIGHT))
        high = vt_min_i64(high, diag + g->right);
    if (masks(g, VT_MASK_CHUNK))
        high = vt_min_i64(high, chunk_begin(g, diag) + g->spec[VT_SPEC_RULE_CHUNK] - 1);
    return masks(g, VT_MASK_CAUSAL) ? vt_min_i64(high, diag) : high;
}

static int64_t limit_of(const rules_group *g, int64_t query) {
    return masks(g, VT_MASK_CAUSAL) ? vt_min_i64(g->k_end, query + g->shift + 1) : g->k_end;
}

static int64_t prefix_of(const rules_group *g, int64_t query) {
    return masks(g, VT_MASK_CAUSAL) ? vt_min_i64(g->prefix, query + g->shift + 1) : g->prefix;
}

static uint32_t head_of(const rules_group *g) {
    return g->step->push.head_first + g->y * g->spec[VT_SPEC_TILE_HEADS];
}

static uint32_t own_word(rules_group *g, uint32_t word) {
    uint32_t head = (g->spec[VT_SPEC_HEAD_BATCH] ? g->seq : 0) * g->spec[VT_SPEC_HEADS] + head_of(g);
    return rules_read(g, g->spec[VT_SPEC_TABLE_HEADS] + head * VT_HEAD_WORDS + word);
}

static int64_t side_of(rules_group *g, uint32_t word) {
    int32_t side = (int32_t)own_word(g, word);
    return side < 0 ? FAR : vt_min_i64(side, FAR);
}

static void begin_heads(rules_group *g) {
    uint32_t fields = g->spec[VT_SPEC_HEAD_FIELDS];
    g->left = fields & VT_HEAD_WINDOW ? side_of(g, 5) : g->spec[VT_SPEC_RULE_LEFT];
    g->right = fields & VT_HEAD_WINDOW ? side_of(g, 6) : g->spec[VT_SPEC_RULE_RIGHT];
    g->prefix = fields & VT_HEAD_PREFIX ? (int64_t)vt_min(own_word(g, 7), (uint64_t)FAR)
                                        : g->spec[VT_SPEC_RULE_PREFIX];
}

/* ---- Runs ---- */

static void tiles_of(const rules_group *g, int64_t first, int64_t end, int64_t out[2]) {
    int64_t keys = g->spec[VT_SPEC_KEYS];
    out[0] = first < end ? first / keys : 0;
    out[1] = first < end ? (end + keys - 1) / keys : 0;
}

static void begin_runs(rules_group *g) {
    int64_t prefix_end = vt_min_i64(prefix_of(g, g->q_last), g->reach);
    int64_t low = vt_max_i64(low_of(g, g->q0), g->from);
    int64_t high = vt_min_i64(high_of(g, g->q_last) + 1, g->reach);
    if (masks(g, VT_MASK_RIGHT | VT_MASK_CHUNK))
        high = vt_max_i64(high, prefix_end);
    g->whole[0][0] = g->whole[0][1] = 0;
    if (low > g->from)
        tiles_of(g, g->from, prefix_end, g->whole[0]);
    tiles_of(g, low, high, g->whole[1]);
    g->whole[1][0] = vt_max_i64(g->whole[1][0], g->whole[0][1]);
    g->whole[1][1] = vt_max_i64(g->whole[1][0], g->whole[1][1]);
}

static void begin_spans(rules_group *g) {
    bool anywhere = masks(g, VT_MASK_STRIDED) || g->prefix > 0;
    int64_t first = anywhere ? g->from : vt_max_i64(g->from, low_of(g, g->q0));
    int64_t end = vt_min_i64(g->reach, limit_of(g, g->q_last));
    if (!anywhere)
        end = vt_min_i64(end, high_of(g, g->q_last) + 1);
    g->whole[0][0] = g->whole[0][1] = 0;
    g->whole[1][0] = first < end ? first / g->span_keys : 0;
    g->whole[1][1] = first < end ? (end + g->span_keys - 1) / g->span_keys : 0;
}

static void take_share(rules_group *g) {
    int64_t before = g->whole[0][1] - g->whole[0][0], splits = g->spec[VT_SPEC_SPLITS];
    int64_t count = before + g->whole[1][1] - g->whole[1][0], share = (count + splits - 1) / splits;
    int64_t ends[2] = {vt_min_i64(share * g->seq_split, count), 0};
    ends[1] = vt_min_i64(ends[0] + share, count);
    for (int i = 0; i < 2; ++i) {
        g->run[0][i] = g->whole[0][0] + vt_min_i64(ends[i], before);
        g->run[1][i] = g->whole[1][0] + vt_max_i64(ends[i] - before, 0);
    }
}

/* Keys that some query of the tile sees by its interval; their segments are read too. */
static void begin_masks(rules_group *g) {
    const uint32_t *s = g->spec;
    uint32_t batch = s[VT_SPEC_MASK_BATCH] ? g->seq : 0;
    uint32_t slice = batch * s[VT_SPEC_MASK_HEADS] + head_of(g) / s[VT_SPEC_MASK_GROUP];
    int64_t first = masks(g, VT_MASK_INTERVALS) ? FAR : 0, end = masks(g, VT_MASK_INTERVALS) ? 0 : FAR;
    for (int64_t q = g->q0; q <= g->q_last && masks(g, VT_MASK_INTERVALS | VT_MASK_SEGMENTS); ++q) {
        uint32_t place = (uint32_t)(g->seq_q0 + q);
        uint32_t at = s[VT_SPEC_TABLE_INTERVALS] + (slice * s[VT_SPEC_Q_CAPACITY] + place) * 2;
        if (masks(g, VT_MASK_INTERVALS)) {
            first = vt_min_i64(first, vt_min_i64(rules_read(g, at), FAR));
            end = vt_max_i64(end, vt_min_i64(rules_read(g, at + 1), FAR));
        }
        if (masks(g, VT_MASK_SEGMENTS))
            rules_read(g, s[VT_SPEC_TABLE_Q_SEGMENTS] + batch * s[VT_SPEC_Q_CAPACITY] + place);
    }
    g->from = vt_max_i64(g->k_begin, first);
    g->reach = vt_min_i64(g->k_end, end);
}

static bool begin_queries(rules_group *g) {
    const vt_push *push = &g->step->push;
    uint32_t heads = g->spec[VT_SPEC_TILE_HEADS], rows = g->spec[VT_SPEC_ROWS];
    bool packed = has(g, VT_LENGTHS_PACKED);
    g->row_0 = (packed ? 0 : push->q_first) * heads + g->seq_tile * rows;
    g->q_end = packed ? g->seq_q_len : vt_min_i64(g->seq_q_len, push->q_last);
    g->q0 = (int32_t)(g->row_0 / heads);
    g->q_last = vt_min_i64((int32_t)((g->row_0 + rows - 1) / heads), g->q_end - 1);
    return g->q0 >= 0 && g->q0 < g->q_end;
}

bool rules_begin(rules_group *g) {
    uint32_t keys = g->spec[VT_SPEC_KEYS];
    g->scattered = masks(g, VT_MASK_SCATTERED);
    g->span_keys = keys >= VT_SPAN ? keys : VT_SPAN / keys * keys;
    begin_sequence(g);
    if (!begin_queries(g))
        return false;
    begin_heads(g);
    g->k_begin = g->step->push.k_first;
    g->k_end = vt_min_i64(g->step->push.k_last, g->seq_kv_len);
    g->shift = masks(g, VT_MASK_ALIGN_FIRST) ? 0 : g->seq_kv_len - g->seq_q_len;
    begin_masks(g);
    if (g->spec[VT_SPEC_HEAD_FIELDS] & VT_HEAD_GAIN && own_word(g, 4) << 1 == 0 &&
        g->spec[VT_SPEC_TILE_HEADS] == 1)
        g->reach = g->from;
    if (g->scattered)
        begin_spans(g);
    else
        begin_runs(g);
    take_share(g);
    return true;
}

/* ---- Answers ---- */

uint64_t rules_span_count(const rules_group *g) {
    return g->scattered ? (uint64_t)(g->run[1][1] - g->run[1][0]) : 0;
}

/* As diagonal_state tells hidden spans from others. */
static uint64_t span_tiles(const rules_group *g, int64_t span) {
    int64_t first = vt_max_i64(span * g->span_keys, g->from), stride = g->spec[VT_SPEC_RULE_STRIDE];
    int64_t end = vt_min_i64((span + 1) * g->span_keys, g->reach), phase = g->spec[VT_SPEC_RULE_PHASE];
    if (first >= end || first >= limit_of(g, g->q_last))
        return 0;
    bool some = first <= high_of(g, g->q_last) && end > low_of(g, g->q0);
    if (masks(g, VT_MASK_LEFT | VT_MASK_RIGHT | VT_MASK_CHUNK))
        some = some || first < prefix_of(g, g->q_last);
    if (masks(g, VT_MASK_STRIDED))
        some = some || (first + phase + stride - 1) / stride * stride < end + phase;
    int64_t tiles[2];
    tiles_of(g, first, end, tiles);
    return some ? (uint64_t)(tiles[1] - tiles[0]) : 0;
}

uint64_t rules_tile_count(const rules_group *g, bool all) {
    const int64_t(*run)[2] = all ? g->whole : g->run;
    uint64_t tiles = 0;
    if (!g->scattered)
        return (uint64_t)(run[0][1] - run[0][0] + run[1][1] - run[1][0]);
    if (run[1][1] - run[1][0] > 1000)
        return (uint64_t)(run[1][1] - run[1][0]) * (uint64_t)(g->span_keys / g->spec[VT_SPEC_KEYS]);
    for (int64_t span = run[1][0]; span < run[1][1]; ++span)
        tiles += span_tiles(g, span);
    return tiles;
}

bool rules_tile_ends(const rules_group *g, int64_t *first, int64_t *last) {
    bool prefix = g->run[0][0] < g->run[0][1], window = g->run[1][0] < g->run[1][1];
    int64_t keys = g->spec[VT_SPEC_KEYS];
    if (g->scattered) {
        int64_t begin = vt_max_i64(g->run[1][0] * g->span_keys, g->from);
        int64_t end = vt_min_i64(g->run[1][1] * g->span_keys, g->reach);
        *first = begin / keys;
        *last = (end + keys - 1) / keys - 1;
        return window && begin < end;
    }
    *first = prefix ? g->run[0][0] : g->run[1][0];
    *last = (window ? g->run[1][1] : g->run[0][1]) - 1;
    return prefix || window;
}

static uint32_t query_of(const rules_group *g, uint32_t row) {
    return (g->row_0 + row) / g->spec[VT_SPEC_TILE_HEADS];
}

uint32_t rules_row_query(const rules_group *g, uint32_t row) {
    return least(query_of(g, row), (uint32_t)(g->q_end - 1));
}

uint32_t rules_row_head(const rules_group *g, uint32_t row) {
    return (g->row_0 + row) % g->spec[VT_SPEC_TILE_HEADS];
}

bool rules_row_valid(const rules_group *g, uint32_t row) {
    return (int32_t)query_of(g, row) < g->q_end;
}

uint32_t rules_key(const rules_group *g, int64_t tile, uint32_t column) {
    int64_t key = tile * g->spec[VT_SPEC_KEYS] + column;
    return (uint32_t)vt_min_i64(vt_max_i64(key, g->k_begin), g->k_end - 1);
}

uint32_t rules_load_elements(const uint32_t spec[VT_SPEC_COUNT]) {
    uint32_t vector = spec[VT_SPEC_VECTOR];
    return vector == VT_VECTOR_EIGHT ? 8 : vector == VT_VECTOR_FOUR ? 4 : 1;
}

uint32_t rules_carry_row(const rules_group *g, uint32_t row) {
    const uint32_t *s = g->spec;
    const vt_push *push = &g->step->push;
    bool packed = has(g, VT_LENGTHS_PACKED);
    uint32_t heads = s[VT_SPEC_TILE_HEADS], head = rules_row_head(g, row);
    uint32_t token = (uint32_t)g->seq_q0 + rules_row_query(g, row);
    uint32_t slice = g->own_batch * g->step->groups[1] + g->y;
    uint32_t first = packed ? 0 : push->q_first;
    uint32_t rows = packed ? s[VT_SPEC_Q_CAPACITY] : push->q_last - push->q_first;
    uint32_t at = ((slice * rows + token - first) * s[VT_SPEC_SPLITS] + g->seq_split) * heads + head;
    if (s[VT_SPEC_STATE_CALLER])
        at = ((push->map1 + g->own_batch) * s[VT_SPEC_HEADS] + head_of(g) + head) * s[VT_SPEC_Q_CAPACITY] +
             token;
    return at * (s[VT_SPEC_STATE_VALUES] + 1 + s[VT_SPEC_STATE_LANES]);
}

bool rules_visible(const rules_group *g, int64_t query, int64_t key) {
    int64_t diag = query + g->shift, chunk = g->spec[VT_SPEC_RULE_CHUNK];
    int64_t stride = g->spec[VT_SPEC_RULE_STRIDE];
    bool near = !(masks(g, VT_MASK_LEFT) && key < diag - g->left) &&
                !(masks(g, VT_MASK_RIGHT) && key > diag + g->right);
    if (masks(g, VT_MASK_CHUNK))
        near = near && diag >= 0 && key / chunk == diag / chunk;
    bool sees = near || key < g->prefix ||
                (masks(g, VT_MASK_STRIDED) && (key + g->spec[VT_SPEC_RULE_PHASE]) % stride == 0);
    return sees && !(masks(g, VT_MASK_CAUSAL) && key > diag);
}

/* As diagonal_state, which knows neither intervals nor other masks. */
bool rules_tile_full(const rules_group *g, int64_t tile) {
    int64_t first = tile * g->spec[VT_SPEC_KEYS], end = first + g->spec[VT_SPEC_KEYS];
    if (first < g->k_begin || end > g->k_end || first >= limit_of(g, g->q_last))
        return false;
    bool all = first >= low_of(g, g->q_last) && end - 1 <= high_of(g, g->q0);
    return all || (masks(g, VT_MASK_LEFT | VT_MASK_RIGHT | VT_MASK_CHUNK) && end <= prefix_of(g, g->q0));
}
