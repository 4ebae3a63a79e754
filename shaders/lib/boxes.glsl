// SPDX-License-Identifier: MIT
//
// Blocks of lists that are boxes of a grid of tokens, for map_lists.glsl. Units of the queries and keys are then planes of
// axis 0. Rows are numbered in whole boxes, so that bits of row masks mean the same everywhere; keys in what of a box exists
// and is in the range of the dispatch, so that short boxes take fewer tiles. The sides of that are known when the run
// begins only: numbers are taken apart by products with the reciprocals of sides, which is exact, as boxes have at most
// 2^20 tokens: (p + 1/2) / side is at least 1 / (2 side) from any whole number, and three roundings and a half of 2^-23
// move it by less.

layout(constant_id = VT_SPEC_LIST_EXTENT) const uint BOX_EXTENT_1 = 1u;
layout(constant_id = VT_SPEC_LIST_EXTENT + 1) const uint BOX_EXTENT_2 = 1u;
layout(constant_id = VT_SPEC_LIST_Q_BOX) const uint Q_BOX_1 = 1u;
layout(constant_id = VT_SPEC_LIST_Q_BOX + 1) const uint Q_BOX_2 = 1u;
layout(constant_id = VT_SPEC_LIST_KV_BOX) const uint KV_BOX_1 = 1u;
layout(constant_id = VT_SPEC_LIST_KV_BOX + 1) const uint KV_BOX_2 = 1u;

const bool Q_BOXED = (MASK & VT_MASK_Q_BOXES) != 0u;
const bool KV_BOXED = (MASK & VT_MASK_KV_BOXES) != 0u;
const uint BOX_PLANE = BOX_EXTENT_1 * BOX_EXTENT_2;
const uint Q_BOX_0 = Q_BOXED ? LIST_Q_BLOCK / (Q_BOX_1 * Q_BOX_2) : 1u;
const uint KV_BOX_0 = KV_BOXED ? LIST_KV_BLOCK / (KV_BOX_1 * KV_BOX_2) : 1u;
const uint KV_BOXES_1 = (BOX_EXTENT_1 + KV_BOX_1 - 1u) / KV_BOX_1; // along the axis
const uint KV_BOXES_2 = (BOX_EXTENT_2 + KV_BOX_2 - 1u) / KV_BOX_2;
const uint Q_BOXES_1 = (BOX_EXTENT_1 + Q_BOX_1 - 1u) / Q_BOX_1;
const uint Q_BOXES_2 = (BOX_EXTENT_2 + Q_BOX_2 - 1u) / Q_BOX_2;

uvec3 q_box;         // coordinates of the first query of the block
uint kv_box_first;   // token of the first key of the run
uint kv_box_row;     // keys of the run along axis 2
uint kv_box_plane;   // and in a plane
float kv_box_per_row;
float kv_box_per_plane;

// Where row `row` of the block lies; perhaps off the grid.
uvec3 q_box_place(uint row)
{
    return q_box + uvec3(row / (Q_BOX_1 * Q_BOX_2), row / Q_BOX_2 % Q_BOX_1, row % Q_BOX_2);
}

// `block`: of the dispatch, whose first query may lie inside a box. False if no query of rows [first, first + ROWS) is of
// the dispatch, as far as planes tell.
bool q_box_begin(uint block, uint first)
{
    uint last = min(first + ROWS, LIST_Q_BLOCK) - 1u;
    q_box = uvec3((push.q_first / Q_BOX_0 + block / (Q_BOXES_1 * Q_BOXES_2)) * Q_BOX_0,
                  block / Q_BOXES_2 % Q_BOXES_1 * Q_BOX_1,
                  block % Q_BOXES_2 * Q_BOX_2);
    return q_box_place(first).x < min(push.q_last, push.q_len) && q_box_place(last).x >= push.q_first;
}

bool q_box_valid(uint row)
{
    uvec3 at = q_box_place(row);
    return row < LIST_Q_BLOCK && at.x >= push.q_first && at.x < min(push.q_last, push.q_len) && at.y < BOX_EXTENT_1 &&
           at.z < BOX_EXTENT_2;
}

uint q_box_token(uint row)
{
    uvec3 at = q_box_place(row);
    at.x = clamp(at.x, push.q_first, min(push.q_last, push.q_len) - 1u);
    return (at.x * BOX_EXTENT_1 + min(at.y, BOX_EXTENT_1 - 1u)) * BOX_EXTENT_2 + min(at.z, BOX_EXTENT_2 - 1u);
}

uint kv_box_count() { return (push.kv_len + KV_BOX_0 - 1u) / KV_BOX_0 * (KV_BOXES_1 * KV_BOXES_2); }

// First plane of a block.
uint kv_box_plane_0(uint block) { return block / (KV_BOXES_1 * KV_BOXES_2) * KV_BOX_0; }

// Makes a block of the keys the current run; returns its keys, none for a number that no block has.
uint kv_box_begin(uint block)
{
    if (block >= kv_box_count())
        return 0u;
    uvec3 low = uvec3(kv_box_plane_0(block),
                      block / KV_BOXES_2 % KV_BOXES_1 * KV_BOX_1,
                      block % KV_BOXES_2 * KV_BOX_2);
    uint end = min(low.x + KV_BOX_0, min(push.k_last, push.kv_len));
    low.x = max(low.x, push.k_first);
    kv_box_row = min(KV_BOX_2, BOX_EXTENT_2 - low.z);
    kv_box_plane = min(KV_BOX_1, BOX_EXTENT_1 - low.y) * kv_box_row;
    kv_box_per_row = 1.0 / float(kv_box_row);
    kv_box_per_plane = 1.0 / float(kv_box_plane);
    kv_box_first = (low.x * BOX_EXTENT_1 + low.y) * BOX_EXTENT_2 + low.z;
    return end > low.x ? (end - low.x) * kv_box_plane : 0u;
}

// Plane, line in it and place in the line of a key of the run.
uvec3 kv_box_place(uint position)
{
    uint plane = uint((float(position) + 0.5) * kv_box_per_plane);
    uint rest = position - plane * kv_box_plane;
    uint row = uint((float(rest) + 0.5) * kv_box_per_row);
    return uvec3(plane, row, rest - row * kv_box_row);
}

uint kv_box_token(uint position)
{
    uvec3 at = kv_box_place(position);
    return kv_box_first + (at.x * BOX_EXTENT_1 + at.y) * BOX_EXTENT_2 + at.z;
}

#ifdef VT_MATRIX_WORKGROUP
// Keys from this one to the end of its line.
uint kv_box_line(uint position) { return kv_box_row - kv_box_place(position).z; }
#endif
