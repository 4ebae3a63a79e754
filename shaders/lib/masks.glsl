// SPDX-License-Identifier: MIT
//
// Masks that stand in tables: segments, intervals, expiries, bits. For a tile of queries they say whether a span of keys is
// hidden, partly visible or all visible; for a pair whether it is visible. What is not asked for folds away.

const bool BY_SEGMENTS = (MASK & VT_MASK_SEGMENTS) != 0u;
const bool BY_INTERVALS = (MASK & VT_MASK_INTERVALS) != 0u;
const bool BY_EXPIRY = (MASK & VT_MASK_EXPIRY) != 0u;
const bool BY_BITS = (MASK & VT_MASK_BITS) != 0u;
const uint BIT_WORDS = (KV_CAPACITY + 31u) / 32u;
const uint SPAN_COUNT = (KV_CAPACITY + VT_SPAN - 1u) / VT_SPAN;
const uint SEGMENT_WORDS = (SEGMENTS + 31u) / 32u;

const uint SPAN_HIDDEN = 0u;
const uint SPAN_PARTLY = 1u;
const uint SPAN_VISIBLE = 2u;

uint mask_slice;   // batch entry and head of the masks
uint mask_batch;
ivec2 tile_reach;  // keys that some query of the tile sees by its interval: first and end
ivec2 tile_shared; // that all see
uvec2 tile_segments; // least and largest

uint query_place(uint query) { return uint(seq_q0) + query; }
uint key_number(uint key) { return uint(seq_k0) + key; }

ivec2 query_interval(uint query)
{
    uint at = TABLE_INTERVALS + (mask_slice * Q_CAPACITY + query_place(query)) * 2u;
    return ivec2(min(uvec2(table_word[at], table_word[at + 1u]), uvec2(0x40000000u)));
}

uint query_segment(uint query) { return table_word[TABLE_Q_SEGMENTS + mask_batch * Q_CAPACITY + query_place(query)]; }
uint key_segment(uint key) { return table_word[TABLE_KV_SEGMENTS + mask_batch * KV_CAPACITY + key_number(key)]; }
uint key_expiry(uint key) { return table_word[TABLE_EXPIRY + mask_slice * KV_CAPACITY + key_number(key)]; }

// What depends on the batch entry and the head alone.
void masks_slice()
{
    mask_batch = MASK_BATCH != 0u ? seq : 0u;
    mask_slice = mask_batch * MASK_HEADS + tile_head_0() / MASK_GROUP;
}

void masks_reset()
{
    masks_slice();
    tile_reach = ivec2(0x40000000, 0);
    tile_shared = ivec2(0, 0x40000000);
    tile_segments = uvec2(0xffffffffu, 0u);
}

void masks_add(uint query)
{
    if (BY_INTERVALS) {
        ivec2 own = query_interval(query);
        tile_reach = ivec2(min(tile_reach.x, own.x), max(tile_reach.y, own.y));
        tile_shared = ivec2(max(tile_shared.x, own.x), min(tile_shared.y, own.y));
    }
    if (BY_SEGMENTS) {
        uint own = query_segment(query);
        tile_segments = uvec2(min(tile_segments.x, own), max(tile_segments.y, own));
    }
}

void masks_begin(uint first_query, uint last_query)
{
    masks_reset();
    if (BY_INTERVALS || BY_SEGMENTS)
        for (uint query = first_query; query <= last_query; ++query)
            masks_add(query);
}

bool segments_meet(uint query_id, uint key_id)
{
    if (SEGMENTS == 0u)
        return query_id == key_id;
    if (query_id >= SEGMENTS || key_id >= SEGMENTS)
        return false;
    uint row = TABLE_VISIBLE + (tile_head_0() / MASK_GROUP * SEGMENTS + query_id) * SEGMENT_WORDS;
    return (table_word[row + key_id / 32u] >> (key_id % 32u) & 1u) != 0u;
}

// Of all pairs of the queries' ids and these. Many ids are not looked at one by one. Those that the visibility table does not
// know are all alike: as one, no loop ends at the largest number there is, which would be never.
uint segments_state(uvec2 keys)
{
    uvec2 queries = tile_segments;
    if (SEGMENTS == 0u) {
        if (keys.x > queries.y || keys.y < queries.x)
            return SPAN_HIDDEN;
        return queries.x == queries.y && keys.x == keys.y ? SPAN_VISIBLE : SPAN_PARTLY;
    }
    queries = min(queries, uvec2(SEGMENTS));
    keys = min(keys, uvec2(SEGMENTS));
    uvec2 more = uvec2(queries.y - queries.x, keys.y - keys.x);
    if (more.x > 15u || more.y > 15u || (more.x + 1u) * (more.y + 1u) > 16u)
        return SPAN_PARTLY;
    bool some = false;
    bool all = true;
    for (uint q = queries.x; q <= queries.y; ++q)
        for (uint k = keys.x; k <= keys.y; ++k) {
            bool meet = segments_meet(q, k);
            some = some || meet;
            all = all && meet;
        }
    return all ? SPAN_VISIBLE : some ? SPAN_PARTLY : SPAN_HIDDEN;
}

// Least and largest of the spans of the table that keys [first, end) lie in: one or two, or more where tiles are long.
uvec4 span_summary(uint first, uint end)
{
    uint a = key_number(first) / VT_SPAN;
    uint b = min(key_number(end - 1u) / VT_SPAN, SPAN_COUNT - 1u);
    uint at = TABLE_SPANS + (mask_slice * SPAN_COUNT + a) * VT_SPAN_WORDS;
    uvec4 result = uvec4(table_word[at], table_word[at + 1u], table_word[at + 2u], table_word[at + 3u]);
    for (; a < b; ++a) {
        at += VT_SPAN_WORDS;
        result.x = min(result.x, table_word[at]);
        result.y = max(result.y, table_word[at + 1u]);
        result.z = min(result.z, table_word[at + 2u]);
        result.w = max(result.w, table_word[at + 3u]);
    }
    return result;
}

// The bits of keys [first, first + 32) of a query, as far as there are keys before `end`.
uint query_bits(uint query, uint first, uint end)
{
    uint row = TABLE_BITS + (mask_slice * Q_CAPACITY + query_place(query)) * BIT_WORDS;
    uint place = key_number(first);
    uint bits = table_word[row + place / 32u] >> (place % 32u);
    if (place % 32u != 0u && place / 32u + 1u < BIT_WORDS)
        bits |= table_word[row + place / 32u + 1u] << (32u - place % 32u);
    uint count = min(end - first, 32u);
    return count < 32u ? bits & ((1u << count) - 1u) : bits;
}

uint bits_state(uint first_query, uint last_query, uint first, uint end)
{
    bool some = false;
    bool all = true;
#ifdef VT_MASS
    if (BY_ROWS) // rows that are asked for may be far apart
        return SPAN_PARTLY;
#endif
    for (uint query = first_query; query <= last_query; ++query)
        for (uint key = first; key < end; key += 32u) {
            uint bits = query_bits(query, key, end);
            uint whole = end - key < 32u ? (1u << (end - key)) - 1u : 0xffffffffu;
            some = some || bits != 0u;
            all = all && bits == whole;
        }
    return all ? SPAN_VISIBLE : some ? SPAN_PARTLY : SPAN_HIDDEN;
}

// diag: diagonals of the first and the last query.
uint masks_state(uint first_query, uint last_query, ivec2 diag, uint first, uint end)
{
    uint state = SPAN_VISIBLE;
    if (BY_SEGMENTS || BY_EXPIRY) {
        uvec4 summary = span_summary(first, end);
        if (BY_SEGMENTS)
            state = min(state, segments_state(summary.xy));
        if (BY_EXPIRY) {
            bool none = diag.x >= 0 && uint(diag.x) >= summary.w;
            bool all = diag.y < 0 || uint(diag.y) < summary.z;
            state = min(state, none ? SPAN_HIDDEN : all ? SPAN_VISIBLE : SPAN_PARTLY);
        }
    }
    if (BY_BITS && state != SPAN_HIDDEN)
        state = min(state, bits_state(first_query, last_query, first, end));
    return state;
}
