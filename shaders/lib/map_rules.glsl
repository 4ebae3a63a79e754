// SPDX-License-Identifier: MIT
//
// Index map of dense attention with rules: what map_dense.glsl does, for tiles whose rows are queries x heads, of batch
// entries or sequences of their own lengths, for a share of the keys, and under masks that no formula tells. Where masks
// may hide keys anywhere the runs are spans of keys, each of which is skipped, tested or taken whole; else there are two
// runs, the prefix and the window.
// See map_dense.glsl for what a map offers.

#include "sequence.glsl"
#include "heads.glsl"

int rule_left; // of the tile's only head, or of all
int rule_right;
int rule_prefix;

#define VT_PLANE 1u
#define VT_LEFT rule_left
#define VT_RIGHT rule_right
#define VT_PREFIX rule_prefix
#define VT_CHUNK RULE_CHUNK
#include "diagonal.glsl"
#include "masks.glsl"
#include "scores.glsl"

const bool SCATTERED = (MASK & VT_MASK_SCATTERED) != 0u;
const bool STRIDED = (MASK & VT_MASK_STRIDED) != 0u;
const bool WINDOWED = (MASK & (VT_MASK_LEFT | VT_MASK_RIGHT | VT_MASK_CHUNK)) != 0u;
const uint SPAN_TILES = KEYS >= VT_SPAN ? 1u : VT_SPAN / KEYS; // key tiles of a span
const int SPAN_KEYS = int(SPAN_TILES * KEYS);

int map_q0;        // first and last query of the tile
int map_q_last;
int map_q_end;     // one past the last query that the dispatch may write
int map_k_begin;   // keys of this dispatch that exist
int map_k_end;
int map_reach;     // of those, one past the last that a query of the tile may see, and the first
int map_from;
ivec2 map_prefix_tiles; // run 0: first tile and end, in multiples of KEYS; spans if they are scattered
ivec2 map_window_tiles; // run 1
int map_first_tile;     // of the current run
int map_k0;             // first key of the current tile
bool map_span_full;     // all pairs of the current span are visible

void begin_heads()
{
    rule_left = has_field(VT_HEAD_WINDOW) ? head_side(5u) : RULE_LEFT;
    rule_right = has_field(VT_HEAD_WINDOW) ? head_side(6u) : RULE_RIGHT;
    rule_prefix = has_field(VT_HEAD_PREFIX) ? int(min(head_word(0u, 7u), 0x40000000u)) : RULE_PREFIX;
}

// False: the tile has no query. Of a first sequence that does not begin at token 0, as it should, tiles before it are none.
bool begin_queries()
{
    uint first = PACKED ? 0u : push.q_first;
    tile_row_0 = first * TILE_HEADS + seq_tile * ROWS;
    map_q_end = min(seq_q_len, PACKED ? seq_q_len : int(push.q_last));
    map_q0 = int(tile_row_0 / TILE_HEADS);
    map_q_last = min(int((tile_row_0 + ROWS - 1u) / TILE_HEADS), map_q_end - 1);
    return map_q0 >= 0 && map_q0 < map_q_end;
}

// What a run has of the keys, in tiles.
ivec2 tiles_of(int first, int end) { return first < end ? ivec2(first / int(KEYS), (end + int(KEYS) - 1) / int(KEYS)) : ivec2(0); }

void begin_runs()
{
    int prefix_end = min(diagonal_prefix_end(map_q_last), map_reach);
    int low = max(diagonal_low(map_q0), map_from);
    int high = min(diagonal_high(map_q_last) + 1, map_reach);
    if ((MASK & VT_MASK_RIGHT) != 0u || (MASK & VT_MASK_CHUNK) != 0u) // a prefix may reach beyond a window that ends before it
        high = max(high, prefix_end);
    map_prefix_tiles = low > map_from ? tiles_of(map_from, prefix_end) : ivec2(0);
    map_window_tiles = tiles_of(low, high);
    map_window_tiles.x = max(map_window_tiles.x, map_prefix_tiles.y);
    map_window_tiles.y = max(map_window_tiles.x, map_window_tiles.y);
}

// Spans stand on multiples of their length, so that key tiles do too.
void begin_spans()
{
    bool anywhere = STRIDED || rule_prefix > 0;
    int first = anywhere ? map_from : max(map_from, diagonal_low(map_q0));
    int end = min(map_reach, diagonal_limit(map_q_last));
    if (!anywhere)
        end = min(end, diagonal_high(map_q_last) + 1);
    map_prefix_tiles = ivec2(0);
    map_window_tiles = first < end ? ivec2(first / SPAN_KEYS, (end + SPAN_KEYS - 1) / SPAN_KEYS) : ivec2(0);
}

// Each split takes an even share of all tiles, or spans.
void take_share()
{
    int before = map_prefix_tiles.y - map_prefix_tiles.x;
    int count = before + map_window_tiles.y - map_window_tiles.x;
    int share = (count + int(SPLITS) - 1) / int(SPLITS);
    int first = min(share * int(seq_split), count);
    int end = min(first + share, count);
    map_prefix_tiles = map_prefix_tiles.x + min(ivec2(first, end), ivec2(before));
    map_window_tiles = map_window_tiles.x + max(ivec2(first, end) - before, ivec2(0));
}

bool map_begin()
{
    sequence_begin();
    if (!begin_queries())
        return false;
    begin_heads();
    map_k_begin = int(push.k_first);
    map_k_end = min(int(push.k_last), seq_kv_len);
    diagonal_begin(seq_q_len, seq_kv_len, map_k_end);
    masks_begin(uint(map_q0), uint(map_q_last));
    map_from = max(map_k_begin, BY_INTERVALS ? tile_reach.x : 0);
    map_reach = BY_INTERVALS ? min(map_k_end, tile_reach.y) : map_k_end;
    if (TILE_HEADS == 1u && head_gain(0u) == 0.0)
        map_reach = map_from;
    if (SCATTERED)
        begin_spans();
    else
        begin_runs();
    if (SPLITS > 1u)
        take_share();
    return true;
}

// Of a query that exists: the last row for those past it.
uint map_row_query(uint row) { return min(row_query(row), uint(map_q_end - 1)); }
uint map_row_token(uint row) { return query_place(map_row_query(row)); }
bool map_row_valid(uint row) { return int(row_query(row)) < map_q_end; }

uint map_run_count() { return SCATTERED ? uint(map_window_tiles.y - map_window_tiles.x) : 2u; }

// By position alone, of keys [first, end).
uint diagonal_state(int first, int end)
{
    if (first >= diagonal_limit(map_q_last))
        return SPAN_HIDDEN;
    bool some = first <= diagonal_high(map_q_last) && end > diagonal_low(map_q0);
    if (WINDOWED)
        some = some || first < diagonal_prefix_end(map_q_last);
    if (STRIDED)
        some = some || (uint(first) + RULE_PHASE + RULE_STRIDE - 1u) / RULE_STRIDE * RULE_STRIDE < uint(end) + RULE_PHASE;
    bool all = first >= diagonal_low(map_q_last) && end - 1 <= diagonal_high(map_q0);
    if (WINDOWED)
        all = all || end <= diagonal_prefix_end(map_q0);
    return all ? SPAN_VISIBLE : some ? SPAN_PARTLY : SPAN_HIDDEN;
}

uint span_run(int span)
{
    int first = max(span * SPAN_KEYS, map_from);
    int end = min(span * SPAN_KEYS + SPAN_KEYS, map_reach);
    if (first >= end)
        return 0u;
    uint state = diagonal_state(first, end);
    if (state != SPAN_HIDDEN) {
        ivec2 diag = ivec2(map_q0, map_q_last) + diagonal_shift;
        state = min(state, masks_state(uint(map_q0), uint(map_q_last), diag, uint(first), uint(end)));
    }
    if (state == SPAN_HIDDEN)
        return 0u;
    map_span_full = state == SPAN_VISIBLE;
    ivec2 tiles = tiles_of(first, end);
    map_first_tile = tiles.x;
    return uint(tiles.y - tiles.x);
}

uint map_run(uint r)
{
    if (SCATTERED)
        return span_run(map_window_tiles.x + int(r));
    ivec2 tiles = r == 0u ? map_prefix_tiles : map_window_tiles;
    map_first_tile = tiles.x;
    return uint(tiles.y - tiles.x);
}

void map_tile(uint i) { map_k0 = (map_first_tile + int(i)) * int(KEYS); }

bool map_tile_full()
{
    int end = map_k0 + int(KEYS);
    if (map_k0 < map_k_begin || end > map_k_end || (TILE_HEADS > 1u && has_field(VT_HEAD_GAIN)))
        return false;
    if (BY_INTERVALS && (map_k0 < tile_shared.x || end > tile_shared.y))
        return false;
    if (SCATTERED)
        return map_span_full;
    return diagonal_state(map_k0, end) == SPAN_VISIBLE;
}

// Clamped to a key that exists: what stands past the last one is never read.
uint map_key_token(uint c) { return uint(clamp(map_k0 + int(c), map_k_begin, map_k_end - 1)); }

struct MapRow {
    int low;
    int high;
    int prefix_end;
    int limit;
    int diag;
    uint query;
    uint segment;
    ivec2 interval;
    BiasRow bias;
};
struct MapKey {
    int p;
    uint segment;
    uint expiry;
    BiasKey bias;
};

MapRow map_row(uint row)
{
    MapRow result;
    int query = int(map_row_query(row));
    bool skipped = has_field(VT_HEAD_GAIN) && head_gain(row) == 0.0;
    result.query = uint(query);
    result.diag = query + diagonal_shift;
    result.low = max(diagonal_low(query), map_k_begin);
    result.high = diagonal_high(query);
    result.prefix_end = min(diagonal_prefix_end(query), map_k_end);
    result.limit = skipped ? 0 : diagonal_limit(query);
    result.segment = BY_SEGMENTS ? query_segment(uint(query)) : 0u;
    result.interval = BY_INTERVALS ? query_interval(uint(query)) : ivec2(0, map_k_end);
    result.bias = bias_row(row, result.diag);
    return result;
}

MapKey map_key(uint c)
{
    MapKey result;
    uint key = map_key_token(c);
    result.p = map_k0 + int(c);
    result.segment = BY_SEGMENTS ? key_segment(key) : 0u;
    result.expiry = BY_EXPIRY ? key_expiry(key) : 0u;
    result.bias = bias_key(key);
    return result;
}

bool masks_see(MapRow row, MapKey key)
{
    bool sees = true;
    if (BY_SEGMENTS)
        sees = segments_meet(row.segment, key.segment);
    if (BY_EXPIRY)
        sees = sees && (row.diag < 0 || uint(row.diag) < key.expiry);
    if (BY_BITS) {
        uint place = key_number(uint(clamp(key.p, map_k_begin, map_k_end - 1)));
        uint at = TABLE_BITS + (mask_slice * Q_CAPACITY + query_place(row.query)) * BIT_WORDS + place / 32u;
        sees = sees && (table_word[at] >> (place % 32u) & 1u) != 0u;
    }
    return sees;
}

// A tile may begin before the range of the dispatch, where nothing counts.
bool map_sees(MapRow row, MapKey key)
{
    bool sees = key.p >= row.low && key.p <= row.high;
    if (WINDOWED)
        sees = sees || key.p < row.prefix_end;
    if (STRIDED)
        sees = sees || (uint(key.p) + RULE_PHASE) % RULE_STRIDE == 0u;
    sees = sees && key.p >= map_k_begin && key.p < row.limit;
    if (BY_INTERVALS)
        sees = sees && key.p >= row.interval.x && key.p < row.interval.y;
    return sees && masks_see(row, key);
}

float rule_score(float score, MapRow row, MapKey key)
{
    score = cap_score(score) + row.bias.offset;
    if (has_field(VT_HEAD_SLOPE)) {
        float distance = has_field(VT_HEAD_SIGNED) ? float(key.p - int(row.query)) : -float(abs(row.diag - key.p));
        score += row.bias.slope * distance;
    }
    if (BIASED)
        score += pair_bias(row.bias, key.bias) * LOG2E;
    return score;
}

float map_zero_keys(uint row) { return 0.0; }
bool map_weighs() { return false; }
uint map_entry(MapRow row, MapKey key) { return 0u; }
