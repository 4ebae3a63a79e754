// SPDX-License-Identifier: MIT
//
// Index map of dense attention with rules: what map_dense.glsl does, for tiles whose rows are queries x heads, of batch
// entries or sequences of their own lengths, for a share of the keys, and under masks that no formula tells. Where masks
// may hide keys anywhere the runs are spans of keys, each of which is skipped, tested or taken whole; else there are two
// runs, the prefix and the window.
// See map_dense.glsl for what a map offers.

#include "sequence.glsl"
#include "heads.glsl"
#include "rule_pair.glsl"

const uint SPAN_TILES = KEYS >= VT_SPAN ? 1u : VT_SPAN / KEYS; // key tiles of a span
const int SPAN_KEYS = int(SPAN_TILES * KEYS);

int map_q0;        // first and last query of the tile
int map_q_last;
int map_q_end;     // one past the last query that the dispatch may write
int map_reach;     // one past the last existing key that a query of the tile may see, and the first
int map_from;
ivec2 map_prefix_tiles; // run 0: first tile and end, in multiples of KEYS; spans if they are scattered
ivec2 map_window_tiles; // run 1
int map_first_tile;     // of the current run
int map_k0;             // first key of the current tile
bool map_span_full;     // all pairs of the current span are visible

#ifdef VT_MASS
// Row `row` of the tile among those that are asked for, and which query of its entry it is: -1 where there is none.
uint asked_row(uint row) { return push.q_first + seq_tile * (PACKED ? 1u : ROWS) + row; }
int asked_query(uint row)
{
    uint n = asked_row(row);
    if (n >= push.q_last)
        return -1;
    int query = seq_q_len - int(MASS_ROWS) + int(n);
    if (LISTED) {
        uint token = mass_word[push.v_base + n];
        query = token < Q_CAPACITY ? int(token) - seq_q0 : -1;
    }
    return query < seq_q_len ? query : -1;
}

// The first and the last query bound what all see, in whatever order they are. Without one there are no keys.
bool begin_asked()
{
    uint rows = PACKED ? 1u : min(ROWS, push.q_last - asked_row(0u));
    map_q_end = seq_q_len;
    map_q0 = 0x40000000;
    map_q_last = -1;
    for (uint row = 0u; row < rows; ++row) {
        int query = asked_query(row);
        map_q0 = min(map_q0, query < 0 ? map_q0 : query);
        map_q_last = max(map_q_last, query);
    }
    map_q0 = min(map_q0, max(map_q_last, 0));
    return asked_row(0u) < push.q_last;
}

void masks_of_asked()
{
    uint rows = PACKED ? 1u : min(ROWS, push.q_last - asked_row(0u));
    masks_reset();
    for (uint row = 0u; row < rows; ++row)
        if (asked_query(row) >= 0)
            masks_add(uint(asked_query(row)));
}

void begin_masks()
{
    if (BY_ROWS)
        masks_of_asked();
    else
        masks_begin(uint(map_q0), uint(map_q_last));
}
#else
void begin_masks() { masks_begin(uint(map_q0), uint(map_q_last)); }
#endif

// False: the tile has no query. Of a first sequence that does not begin at token 0, as it should, tiles before it are none.
bool begin_queries()
{
#ifdef VT_MASS
    if (BY_ROWS)
        return begin_asked();
#endif
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
    begin_masks();
    map_from = max(map_k_begin, BY_INTERVALS ? tile_reach.x : 0);
    map_reach = BY_INTERVALS ? min(map_k_end, tile_reach.y) : map_k_end;
    if ((TILE_HEADS == 1u && head_gain(0u) == 0.0) || map_q_last < 0)
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
#ifdef VT_MASS
bool map_row_there(uint row) { return !BY_ROWS || asked_query(row) >= 0; }
uint map_row_query(uint row)
{
    if (BY_ROWS)
        return uint(clamp(asked_query(row), 0, max(map_q_end - 1, 0)));
    return min(row_query(row), uint(map_q_end - 1));
}
bool map_row_valid(uint row)
{
    if (BY_ROWS)
        return asked_row(row) < push.q_last && (!PACKED || row == 0u);
    return int(row_query(row)) < map_q_end;
}
#else
bool map_row_there(uint row) { return true; }
uint map_row_query(uint row) { return min(row_query(row), uint(map_q_end - 1)); }
bool map_row_valid(uint row) { return int(row_query(row)) < map_q_end; }
#endif
uint map_row_token(uint row) { return query_place(map_row_query(row)); }

uint map_run_count() { return SCATTERED ? uint(map_window_tiles.y - map_window_tiles.x) : 2u; }

uint span_run(int span)
{
    int first = max(span * SPAN_KEYS, map_from);
    int end = min(span * SPAN_KEYS + SPAN_KEYS, map_reach);
    if (first >= end)
        return 0u;
    uint state = diagonal_state(map_q0, map_q_last, first, end);
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
    return diagonal_state(map_q0, map_q_last, map_k0, end) == SPAN_VISIBLE;
}

uint map_key_token(uint c) { return existing_key(map_k0 + int(c)); }

#define MapRow RuleQuery
#define MapKey RuleKey
MapRow map_row(uint row) { return rule_query(row, map_row_query(row), map_row_there(row)); }
MapKey map_key(uint c) { return rule_key(map_k0 + int(c)); }
bool map_sees(MapRow row, MapKey key) { return rule_sees(row, key); }
float map_score(float score, MapRow row, MapKey key) { return rule_score(score, row, key); }

float map_zero_keys(uint row) { return 0.0; }
bool map_weighs() { return false; }
uint map_entry(MapRow row, MapKey key) { return 0u; }

#ifdef VT_MATRIX_WORKGROUP // keys of a page stand together
const uint MAP_STRETCHES = PAGE == 0u ? VT_STRETCH_ONE : VT_STRETCH_SEVERAL;
const uint MAP_STEP = 1u;
uvec2 map_there() { return uvec2(clamp(ivec2(map_k_begin, map_k_end) - map_k0, ivec2(0), ivec2(KEYS))); }
uint map_stretch(uint c) { return PAGE == 0u ? KEYS : PAGE - uint(map_k0 + int(c)) % PAGE; }
uint map_stretch_most() { return PAGE == 0u ? KEYS : PAGE; }
#endif
