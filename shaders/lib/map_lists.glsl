// SPDX-License-Identifier: MIT
//
// Index map of attention over lists: which keys a block of queries visits stands in a buffer. A run is an entry of
// the list, a block or a range of keys, from whose first key its tiles start; a list of single keys is one run. Which
// pairs of those count is told by the rules of the diagonal, and where an entry is for some rows only by its bits.
// Blocks may be boxes of a grid (boxes.glsl); of those all pairs count.
// See map_dense.glsl for what a map offers.
//
// Lists of rows are another matter: there a workgroup has one run, and list_rows.glsl knows which rows it has.
//
// A list: [first query, end] if of ranges, then LIST_ENTRIES entries of LIST_ENTRY words each.

layout(constant_id = VT_SPEC_LIST_KIND) const uint LIST_KIND = 0u;
layout(constant_id = VT_SPEC_LIST_Q_BLOCK) const uint LIST_Q_BLOCK = 64u;
layout(constant_id = VT_SPEC_LIST_KV_BLOCK) const uint LIST_KV_BLOCK = 64u;
layout(constant_id = VT_SPEC_LIST_ENTRIES) const uint LIST_ENTRIES = 1u;
layout(constant_id = VT_SPEC_LIST_ROW) const uint LIST_ROW = 1u;
layout(constant_id = VT_SPEC_LIST_GROUP) const uint LIST_GROUP = 1u;
layout(constant_id = VT_SPEC_LIST_LEFT) const int LIST_LEFT = 0;
layout(constant_id = VT_SPEC_LIST_RIGHT) const int LIST_RIGHT = 0;
layout(constant_id = VT_SPEC_LIST_PREFIX) const int LIST_PREFIX = 0;
layout(constant_id = VT_SPEC_LIST_STRIDE) const uint LIST_STRIDE = 1u;
layout(constant_id = VT_SPEC_LIST_PHASE) const uint LIST_PHASE = 0u;

#include "boxes.glsl"

#define VT_PLANE (Q_BOXED ? BOX_PLANE : 1u)
#define VT_LEFT LIST_LEFT
#define VT_RIGHT LIST_RIGHT
#define VT_PREFIX LIST_PREFIX
#include "diagonal.glsl"

const bool LIST_OF_KEYS = LIST_KIND == VT_LIST_KEYS;
const bool LIST_OF_RANGES = LIST_KIND == VT_LIST_RANGES;
const bool LIST_OF_ROWS = LIST_KIND == VT_LIST_ROWS;
const bool LIST_MASKED = (MASK & VT_MASK_ROW_MASKS) != 0u;
const bool LIST_WINDOWED = (MASK & (VT_MASK_LEFT | VT_MASK_RIGHT)) != 0u;
const bool LIST_STRIDED = (MASK & VT_MASK_STRIDED) != 0u;
const uint LIST_MASK_WORDS = LIST_MASKED ? (LIST_Q_BLOCK + 31u) / 32u : 0u;
const uint LIST_HEADER = LIST_OF_RANGES ? 2u : 0u;
const uint LIST_ENTRY = LIST_OF_RANGES ? 2u : 1u + LIST_MASK_WORDS;
const uint LIST_TILES = (LIST_Q_BLOCK + ROWS - 1u) / ROWS; // query tiles of a block
const uint MASK_WINDOW = ROWS % 32u == 0u ? ROWS / 32u : ROWS / 32u + 2u; // words that hold the bits of a tile's rows

layout(set = 0, binding = VT_SLOT_LISTS, std430) readonly buffer VtLists { uint list_word[]; };

// With a bias its strides stand where those of the LSE do, which follow from lengths.
#ifdef VT_BIAS
layout(constant_id = VT_SPEC_LIST_HEADS) const uint LIST_HEADS = 1u;
layout(constant_id = VT_SPEC_LIST_BIAS_GROUP) const uint BIAS_GROUP = 1u;
layout(constant_id = VT_SPEC_LIST_BIAS_BATCH) const uint BIAS_BATCH = 0u;
#define BIAS_TOKEN push.lse_batch
#define VT_LIST_0 (push.map2 & 0xffffu)
#define VT_MAP_LSE
const uint KV_PLANE = KV_BOXED ? BOX_PLANE : 1u;
uint map_bias_0; // entry of query 0 and key 0
uint map_lse_head() { return push.q_len * VT_PLANE; }
uint map_lse_batch() { return map_lse_head() * LIST_HEADS; }
#else
#define VT_LIST_0 push.map2
#endif
#include "list_rows.glsl"

int map_q0;          // first query of the tile
int map_q_end;       // one past the last query of the block
int map_k_begin;     // keys of this dispatch that exist
int map_k_end;
uint map_entry_0;    // word of the list's first entry
uint map_entries;    // of the list
int map_run_first;   // keys of the current run; of a list of keys, entries
int map_run_end;
int map_k0;          // first key, or entry, of the current tile
uint map_row_0;      // the tile's first row in its block
uint map_mask[MASK_WINDOW];

uint map_word(uint entry) { return list_word[map_entry_0 + entry * LIST_ENTRY]; }

// A list of blocks or ranges ends at the first VT_LIST_END, and nothing but those stands behind.
uint map_count_entries()
{
    uint low = 0u;
    uint high = LIST_ENTRIES;
    while (low < high) {
        uint middle = (low + high) / 2u;
        if (map_word(middle) == VT_LIST_END)
            high = middle;
        else
            low = middle + 1u;
    }
    return low;
}

void map_begin_keys()
{
    map_k_begin = LIST_OF_KEYS ? 0 : int(push.k_first); // a range of entries is the run
    map_k_end = LIST_OF_KEYS ? int(push.kv_len) : int(min(push.k_last, push.kv_len));
    diagonal_begin(int(push.q_len), int(push.kv_len), map_k_end);
}

bool map_begin_rows()
{
    if (!rows_begin())
        return false;
    map_q0 = int(rows_token(0u)); // slots ascend, and so do their queries
    map_q_end = int(rows_token(ROWS - 1u)) + 1;
    map_begin_keys();
    map_entries = 1u;
    return true;
}

bool map_begin()
{
    if (LIST_OF_ROWS)
        return map_begin_rows();
    uint block = gl_WorkGroupID.x / LIST_TILES; // of the dispatch
    uint inside = Q_BOXED ? 0u : push.q_first % LIST_Q_BLOCK; // where the dispatch begins in its only block
    uint head = (push.head_first + gl_WorkGroupID.y) / LIST_GROUP - push.head_first / LIST_GROUP;
    uint list = VT_LIST_0 + gl_WorkGroupID.z * push.map0 + head * push.map1 + block * LIST_ROW;
    map_row_0 = gl_WorkGroupID.x % LIST_TILES * ROWS;
    if (Q_BOXED) {
        if (!q_box_begin(block, map_row_0))
            return false;
    } else {
        if (!LIST_OF_RANGES)
            map_row_0 += inside;
        uint q_begin = LIST_OF_RANGES ? list_word[list] : push.q_first - inside + block * LIST_Q_BLOCK;
        uint q_end = LIST_OF_RANGES ? list_word[list + 1u] : q_begin + LIST_Q_BLOCK;
        q_end = min(q_end, min(push.q_last, push.q_len));
        if (q_begin >= q_end || map_row_0 >= q_end - q_begin)
            return false;
        map_q0 = int(q_begin + map_row_0);
        map_q_end = int(min(q_end, q_begin + LIST_Q_BLOCK));
        if (map_q0 >= map_q_end)
            return false;
    }
    map_begin_keys();
    map_entry_0 = list + LIST_HEADER;
    map_entries = LIST_OF_KEYS ? LIST_ENTRIES : map_count_entries();
#ifdef VT_BIAS
    uint bias_head = (push.head_first + gl_WorkGroupID.y) / BIAS_GROUP - push.head_first / BIAS_GROUP;
    uint first = push.q_first * VT_PLANE * BIAS_TOKEN + (LIST_OF_KEYS ? 0u : push.k_first * KV_PLANE);
    map_bias_0 = (push.map2 >> 16) + gl_WorkGroupID.z * BIAS_BATCH + bias_head * push.lse_head - first;
#endif
    return true;
}

int map_last_query() { return LIST_OF_ROWS ? map_q_end - 1 : min(map_q0 + int(ROWS), map_q_end) - 1; }
uint map_row_token(uint row)
{
    if (LIST_OF_ROWS)
        return rows_token(row);
    return Q_BOXED ? q_box_token(map_row_0 + row) : uint(min(map_q0 + int(row), map_q_end - 1));
}
bool map_row_valid(uint row)
{
    if (LIST_OF_ROWS)
        return rows_valid(row);
    return Q_BOXED ? q_box_valid(map_row_0 + row) : map_q0 + int(row) < map_q_end;
}

uint map_run_count() { return LIST_OF_KEYS ? 1u : map_entries; }

// The bits of the tile's rows; false if none is set.
bool map_load_mask(uint entry)
{
    uint at = map_entry_0 + entry * LIST_ENTRY + 1u + map_row_0 / 32u;
    uint words = LIST_MASK_WORDS - map_row_0 / 32u;
    uint any = 0u;
    for (uint w = 0u; w < MASK_WINDOW; ++w) {
        map_mask[w] = w < words ? list_word[at + w] : 0u;
        any |= map_mask[w];
    }
    return any != 0u;
}

// What no row of the tile sees is cut off at either end; a prefix or a stride may show any key before the limit.
void map_cut_run()
{
    map_run_first = max(map_run_first, map_k_begin);
    map_run_end = min(map_run_end, diagonal_limit(map_last_query()));
    if (LIST_WINDOWED && LIST_PREFIX == 0 && !LIST_STRIDED) {
        map_run_first = max(map_run_first, diagonal_low(map_q0));
        map_run_end = min(map_run_end, diagonal_high(map_last_query()) + 1);
    }
}

// An entry that is no block of the keys has none.
uint map_run(uint r)
{
    if (LIST_OF_KEYS) {
        map_run_first = int(push.k_first);
        map_run_end = int(push.k_last);
    } else if (KV_BOXED) {
        map_run_first = 0;
        map_run_end = int(kv_box_begin(LIST_OF_ROWS ? rows_block : map_word(r)));
        if (LIST_MASKED && !map_load_mask(r))
            return 0u;
    } else {
        uint first = LIST_OF_ROWS ? rows_block : map_word(r);
        uint end = LIST_OF_RANGES ? list_word[map_entry_0 + r * LIST_ENTRY + 1u] : first + 1u;
        uint scale = LIST_OF_RANGES ? 1u : LIST_KV_BLOCK;
        bool exists = first <= (push.kv_len - 1u) / scale;
        end = min(end, (push.kv_len - 1u) / scale + 1u);
        map_run_first = exists ? int(first * scale) : 0;
        map_run_end = exists ? int(min(end * scale, push.kv_len)) : 0;
        map_cut_run();
        if (LIST_MASKED && !map_load_mask(r))
            return 0u;
    }
    return uint(max(map_run_end - map_run_first + int(KEYS) - 1, 0)) / KEYS;
}

void map_tile(uint i) { map_k0 = map_run_first + int(i * KEYS); }

bool map_tile_full()
{
    int last_key = map_k0 + int(KEYS) - 1;
    if (LIST_OF_KEYS || LIST_MASKED || last_key >= map_run_end)
        return false;
    if (KV_BOXED)
        return true;
    return map_k0 >= diagonal_low(map_last_query()) && last_key <= diagonal_high(map_q0);
}

// A listed key, or one that exists in its place.
uint map_listed(uint c) { return map_word(min(uint(map_k0) + c, LIST_ENTRIES - 1u)); }

uint map_key_token(uint c)
{
    if (LIST_OF_KEYS)
        return min(map_listed(c), uint(map_k_end - 1));
    int place = clamp(map_k0 + int(c), map_run_first, map_run_end - 1);
    return KV_BOXED ? kv_box_token(uint(place)) : uint(place);
}

struct MapRow {
    int low;
    int high;
    int limit;
    uint bit; // of the row in the words of map_mask
#ifdef VT_BIAS
    uint entry; // of key 0
#endif
};
struct MapKey {
    int p; // of keys in boxes only biases ask where they are
    bool exists;
};

MapRow map_row(uint row)
{
    MapRow result;
    int query = LIST_OF_ROWS ? int(map_row_token(row)) : map_q0 + int(row);
    result.low = diagonal_low(query);
    result.high = diagonal_high(query);
    result.limit = diagonal_limit(query);
    result.bit = map_row_0 % 32u + row;
#ifdef VT_BIAS
    result.entry = map_bias_0 + map_row_token(row) * BIAS_TOKEN;
#endif
    return result;
}

MapKey map_key(uint c)
{
    if (LIST_OF_KEYS) {
        uint key = map_listed(c);
        return MapKey(int(key), map_k0 + int(c) < map_run_end && key < uint(map_k_end));
    }
#ifdef VT_BIAS
    if (KV_BOXED)
        return MapKey(int(map_key_token(c)), map_k0 + int(c) < map_run_end);
#endif
    return MapKey(map_k0 + int(c), map_k0 + int(c) < map_run_end);
}

bool map_row_listed(uint bit)
{
    uint word = map_mask[0];
    [[unroll]] for (uint w = 1u; w < MASK_WINDOW; ++w)
        if (bit / 32u == w)
            word = map_mask[w];
    return (word >> (bit % 32u) & 1u) != 0u;
}

bool map_sees(MapRow row, MapKey key)
{
    if (KV_BOXED)
        return key.exists && (!LIST_MASKED || map_row_listed(row.bit));
    bool sees = key.p >= row.low && key.p <= row.high;
    if (LIST_WINDOWED)
        sees = sees || key.p < LIST_PREFIX;
    if (LIST_STRIDED)
        sees = sees || (uint(key.p) + LIST_PHASE) % LIST_STRIDE == 0u;
    if (LIST_MASKED)
        sees = sees && map_row_listed(row.bit);
    return sees && key.exists && key.p < row.limit;
}

float map_zero_keys(uint row) { return 0.0; }
bool map_weighs() { return false; }
#ifdef VT_BIAS
uint map_entry(MapRow row, MapKey key) { return row.entry + uint(key.p); }
uint map_zero_positions() { return 0u; }
bool map_zero_key(uint row, uint i, out uint entry)
{
    entry = 0u;
    return false;
}
#else
uint map_entry(MapRow row, MapKey key) { return 0u; }
#endif

#ifdef VT_MATRIX_WORKGROUP // a block is a stretch, of one that is a box each line along the last axis
const uint MAP_STRETCHES = LIST_OF_KEYS ? VT_STRETCH_NONE : KV_BOXED ? VT_STRETCH_SEVERAL : VT_STRETCH_ONE;
const uint MAP_STEP = 1u;
uvec2 map_there() { return uvec2(0u, uint(clamp(map_run_end - map_k0, 0, int(KEYS)))); }
uint map_stretch(uint c) { return KV_BOXED ? kv_box_line(uint(map_k0) + c) : KEYS; }
uint map_stretch_most() { return KV_BOXED ? kv_box_row : KEYS; }
#endif
