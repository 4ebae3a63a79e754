// SPDX-License-Identifier: MIT
//
// Index map of attention mass by key: what map_rules.glsl does, with queries and keys in each other's place. A tile has the
// keys as rows, the loop runs over tiles of the queries that may see them, and a run is all of one query head: those of
// several are summed up where they share a KV head. See map_dense.glsl for what a map offers.

#include "sequence.glsl"
#include "heads.glsl"
#include "rule_pair.glsl"

int map_j0;        // first key of the tile
int map_j_end;     // one past the last column that the dispatch writes
int map_q_begin;   // queries of this dispatch that exist, and count
int map_q_end;
ivec2 map_queries; // of those, the first that may see a key of the tile, and one past the last
int map_q0;        // first query of the current tile

bool map_begin()
{
    column_head = gl_WorkGroupID.y * MASS_SIZE;
    sequence_begin();
    bool own = PACKED && PAGE == 0u; // tiles count in the sequence, else in the dispatch
    map_j0 = int((PACKED ? 0u : push.k_first) + seq_tile * ROWS);
    map_j_end = own ? seq_kv_len : int(push.k_last);
    map_k_begin = PACKED ? 0 : int(push.k_first);
    map_k_end = min(map_j_end, seq_kv_len);
    int first = PACKED ? int(push.q_first) - seq_q0 : int(push.q_first);
    int last = PACKED ? int(push.q_last) - seq_q0 : int(push.q_last);
    map_q_end = min(last, seq_q_len);
    map_q_begin = max(max(first, 0), MASS_LAST != 0u ? seq_q_len - int(MASS_LAST) : 0);
    diagonal_begin(seq_q_len, seq_kv_len, map_k_end);
    return map_j0 < map_j_end;
}

// Past the last key: one that exists, or else the first of the dispatch, as the buffer is bound from there on.
uint map_row_key(uint row) { return uint(max(min(map_j0 + int(row), map_k_end - 1), map_k_begin)); }
uint map_row_token(uint row) { return map_row_key(row); } // key_place knows where it stands
uint map_row_column(uint row) { return key_number(map_j0 + row); }
bool map_row_valid(uint row) { return map_j0 + int(row) < map_j_end; }

uint map_run_count() { return MASS_SIZE; }

// Bounds of the queries that see keys from the first to the last by their windows.
ivec2 window_queries(int first, int last)
{
    ivec2 queries = ivec2(map_q_begin, map_q_end);
    if ((MASK & VT_MASK_RIGHT) != 0u)
        queries.x = max(queries.x, first - rule_right - diagonal_shift);
    if ((MASK & VT_MASK_LEFT) != 0u)
        queries.y = min(queries.y, last + rule_left - diagonal_shift + 1);
    if ((MASK & VT_MASK_CHUNK) != 0u) {
        queries.x = max(queries.x, chunk_begin(first) - diagonal_shift);
        queries.y = min(queries.y, chunk_begin(last) + RULE_CHUNK - diagonal_shift);
    }
    return queries;
}

uint map_run(uint r)
{
    column_head = gl_WorkGroupID.y * MASS_SIZE + r;
    begin_heads();
    masks_slice();
    int last = min(map_j0 + int(ROWS), map_k_end) - 1;
    map_queries = ivec2(map_q_begin, map_q_end);
    if (!STRIDED && map_j0 >= rule_prefix)
        map_queries = window_queries(map_j0, last);
    if ((MASK & VT_MASK_CAUSAL) != 0u)
        map_queries.x = max(map_queries.x, map_j0 - diagonal_shift);
    if (last < map_j0 || head_gain(0u) == 0.0)
        map_queries.y = map_queries.x;
    int tiles = (map_queries.y + int(KEYS) - 1) / int(KEYS) - map_queries.x / int(KEYS);
    return map_queries.y > map_queries.x ? uint(tiles) : 0u;
}

void map_tile(uint i) { map_q0 = (map_queries.x / int(KEYS) + int(i)) * int(KEYS); }

// Masks are asked pair by pair.
bool map_tile_full()
{
    int q_last = map_q0 + int(KEYS) - 1;
    int end = map_j0 + int(ROWS);
    if (SCATTERED || BY_INTERVALS || map_q0 < map_queries.x || q_last >= map_queries.y || end > map_k_end)
        return false;
    return diagonal_state(map_q0, q_last, map_j0, end) == SPAN_VISIBLE;
}

uint existing_query(uint c) { return uint(clamp(map_q0 + int(c), map_q_begin, max(map_q_end - 1, map_q_begin))); }
uint map_key_token(uint c) { return query_place(existing_query(c)); }

#define MapRow RuleKey
#define MapKey RuleQuery
MapRow map_row(uint row)
{
    MapRow result = rule_key(int(map_row_key(row)));
    result.p = map_j0 + int(row);
    return result;
}
MapKey map_key(uint c)
{
    int query = map_q0 + int(c);
    return rule_query(0u, existing_query(c), query >= map_q_begin && query < map_q_end);
}
bool map_sees(MapRow row, MapKey key) { return rule_sees(key, row); }
float map_score(float score, MapRow row, MapKey key) { return rule_score(score, key, row); }

float map_zero_keys(uint row) { return 0.0; }
bool map_weighs() { return false; }
uint map_entry(MapRow row, MapKey key) { return 0u; }
