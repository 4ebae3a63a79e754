// SPDX-License-Identifier: MIT
//
// Index map of dense attention: which keys a tile of consecutive queries visits and which pairs count.
// Key tiles stand on multiples of KEYS from key 0, whatever the range of the dispatch: a plan that splits its
// keys then walks the very same tiles and gives the very same bits.
//
// Every map offers, uniform over the workgroup: map_begin (false: no query here), map_run_count, map_run (makes run r
// the current one, returns its tiles), map_tile (makes tile i of the run the current one), map_tile_full (every pair of
// it counts, no test needed); per row of the query tile: map_row_token (of an existing query, the last one for rows past
// it), map_row_valid; per key of the current tile: map_key_token (of an existing key). A pair counts iff
// map_sees(map_row(row), map_key(c)): what can be worked out once per row or once per key is. map_zero_keys: how many keys
// with score 0 and value 0 a row has besides. map_weighs: q holds weights instead of queries. VT_PLANE: tokens per unit of
// q_first. A map with one run defines VT_ONE_RUN instead of map_run_count. A map of kernels with a bias also offers
// map_entry (where the bias of a visible pair stands) and keys with value 0 one by one, to give them a bias too:
// map_zero_positions (how many there may be) and map_zero_key (is the i-th one, and its entry). For VT_MATRIX_WORKGROUP also what
// matrix_stretches.glsl asks.

#define VT_PLANE 1u
#define VT_LEFT int(push.map0)
#define VT_RIGHT int(push.map1)
#define VT_PREFIX int(push.map2)
#include "diagonal.glsl"

int map_q0;           // first query of the tile
int map_q_end;        // one past the last query that exists
int map_k_begin;      // keys of this dispatch that exist
int map_k_end;
int map_prefix_tiles; // run 0: what the prefix has before the window
int map_window_tile;  // run 1: first tile of the window, in multiples of KEYS
int map_window_tiles;
int map_first_tile;   // of the current run
int map_k0;           // first key of the current tile

bool map_begin()
{
    map_q0 = int(push.q_first + own_tile() * ROWS);
    map_q_end = int(min(push.q_last, push.q_len));
    if (map_q0 >= map_q_end)
        return false;
    map_k_begin = int(push.k_first);
    map_k_end = int(min(push.k_last, push.kv_len));
    diagonal_begin(int(push.q_len), int(push.kv_len), map_k_end);
    int last_query = min(map_q0 + int(ROWS), map_q_end) - 1;
    int keys = int(KEYS);
    int prefix_end = min(diagonal_prefix_end(last_query), map_k_end);
    int first_tile = map_k_begin / keys;
    map_prefix_tiles = (MASK & VT_MASK_LEFT) != 0u ? max((prefix_end + keys - 1) / keys - first_tile, 0) : 0;
    int low = max(diagonal_low(map_q0), map_k_begin);
    map_window_tile = max(low / keys, first_tile + map_prefix_tiles);
    int high = diagonal_high(last_query);
    if ((MASK & VT_MASK_RIGHT) != 0u) // a prefix reaches beyond a window that ends before it
        high = max(high, prefix_end - 1);
    map_window_tiles = high < low ? 0 : max((high + keys) / keys - map_window_tile, 0);
    return true;
}

uint map_row_token(uint row) { return uint(min(map_q0 + int(row), map_q_end - 1)); }
bool map_row_valid(uint row) { return map_q0 + int(row) < map_q_end; }
uint map_run_count() { return 2u; }

uint map_run(uint r)
{
    map_first_tile = r == 0u ? map_k_begin / int(KEYS) : map_window_tile;
    return uint(r == 0u ? map_prefix_tiles : map_window_tiles);
}

void map_tile(uint i) { map_k0 = (map_first_tile + int(i)) * int(KEYS); }

// The first and the last query bound the windows of all queries between them.
bool map_tile_full()
{
    int last_query = min(map_q0 + int(ROWS), map_q_end) - 1;
    int last_key = map_k0 + int(KEYS) - 1;
    if (map_k0 < map_k_begin || last_key >= map_k_end)
        return false;
    bool in_prefix = last_key < diagonal_prefix_end(map_q0);
    return in_prefix || (map_k0 >= diagonal_low(last_query) && last_key <= diagonal_high(map_q0));
}

// Clamped to a key that exists: what stands past kv_len is never read.
uint map_key_token(uint c) { return uint(clamp(map_k0 + int(c), map_k_begin, map_k_end - 1)); }

struct MapRow {
    int low;
    int high;
    int prefix_end;
};
struct MapKey {
    int at;
    bool exists; // in the range of the dispatch: a tile may begin before it and end behind it
};

MapRow map_row(uint row)
{
    int query = map_q0 + int(row);
    return MapRow(diagonal_low(query), diagonal_high(query), diagonal_prefix_end(query));
}

float map_zero_keys(uint row) { return 0.0; }
bool map_weighs() { return false; }
uint map_entry(MapRow row, MapKey key) { return 0u; }

MapKey map_key(uint c)
{
    int at = map_k0 + int(c);
    return MapKey(at, at >= map_k_begin && at < map_k_end);
}

// Nothing is compared for a row that the mask does not ask: on a CPU a comparison more for each pair is a tenth of the time.
// With a left side the prefix may lie before the window, with a right side behind it; without either it is inside.
bool map_sees(MapRow row, MapKey key)
{
    bool sees = key.exists;
    if ((MASK & VT_MASK_LEFT) != 0u)
        sees = sees && key.at >= row.low;
    if ((MASK & (VT_MASK_RIGHT | VT_MASK_CAUSAL)) != 0u)
        sees = sees && key.at <= row.high;
    if ((MASK & (VT_MASK_LEFT | VT_MASK_RIGHT)) != 0u)
        sees = sees || (key.exists && key.at < row.prefix_end);
    return sees;
}

#ifdef VT_MATRIX_WORKGROUP
const uint MAP_STRETCHES = VT_STRETCH_ONE;
const uint MAP_STEP = 1u;
uvec2 map_there() { return uvec2(clamp(ivec2(map_k_begin, map_k_end) - map_k0, ivec2(0), ivec2(KEYS))); }
uint map_stretch(uint c) { return KEYS; }
uint map_stretch_most() { return KEYS; }
#endif
