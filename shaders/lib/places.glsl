// SPDX-License-Identifier: MIT
//
// Where a row of queries stands among the blocks of keys, and what follows from that alone: which blocks may be listed,
// which of them have values, which must be listed. Blocks are runs of tokens or boxes of a grid.

const uint PLACE_VALUED = 1u;
const uint PLACE_FORCED = 2u;

layout(constant_id = VT_SELECT_SPEC_FLAGS) const uint FLAGS = 0u;
layout(constant_id = VT_SELECT_SPEC_FIRST) const uint FIRST = 0u; // forced: blocks before this one
layout(constant_id = VT_SELECT_SPEC_LOCAL) const uint LOCAL = 0u; // forced: so many up to the last own block
layout(constant_id = VT_SELECT_SPEC_BOXES) const uint BOXES = 0u; // 1: blocks are boxes
layout(constant_id = VT_SELECT_SPEC_Q_BOX) const uint Q_BOX_0 = 1u;
layout(constant_id = VT_SELECT_SPEC_Q_BOX + 1) const uint Q_BOX_1 = 1u;
layout(constant_id = VT_SELECT_SPEC_Q_BOX + 2) const uint Q_BOX_2 = 1u;
layout(constant_id = VT_SELECT_SPEC_KV_BOX) const uint KV_BOX_0 = 1u;
layout(constant_id = VT_SELECT_SPEC_KV_BOX + 1) const uint KV_BOX_1 = 1u;
layout(constant_id = VT_SELECT_SPEC_KV_BOX + 2) const uint KV_BOX_2 = 1u;
layout(constant_id = VT_SELECT_SPEC_EXTENT) const uint EXTENT_0 = 1u; // of the queries
layout(constant_id = VT_SELECT_SPEC_EXTENT + 1) const uint EXTENT_1 = 1u;
layout(constant_id = VT_SELECT_SPEC_EXTENT + 2) const uint EXTENT_2 = 1u;
layout(constant_id = VT_SELECT_SPEC_SHIFT) const uint SHIFT = 0u; // of the queries among the keys, along axis 0
layout(constant_id = VT_SELECT_SPEC_REACH) const uint REACH_0 = 0u; // blocks from the own ones; 0 = any
layout(constant_id = VT_SELECT_SPEC_REACH + 1) const uint REACH_1 = 0u;
layout(constant_id = VT_SELECT_SPEC_REACH + 2) const uint REACH_2 = 0u;

uint listable;  // blocks [0, listable) may be listed
uint complete;  // blocks [0, complete) have values
int own_first;  // blocks that hold the row's tokens
int own_last;
uvec3 box_low;  // the same along each axis of a grid of boxes
uvec3 box_high;

bool has(uint flag) { return (FLAGS & flag) != 0u; }

uvec3 box_at(uint n, uint boxes_1, uint boxes_2)
{
    return uvec3(n / (boxes_1 * boxes_2), n / boxes_2 % boxes_1, n % boxes_2);
}

void find_boxes(uint row)
{
    uvec3 extent = uvec3(EXTENT_0, EXTENT_1, EXTENT_2);
    uvec3 q_box = uvec3(Q_BOX_0, Q_BOX_1, Q_BOX_2);
    uvec3 kv_box = uvec3(KV_BOX_0, KV_BOX_1, KV_BOX_2);
    uvec3 first = box_at(row, (EXTENT_1 + Q_BOX_1 - 1u) / Q_BOX_1, (EXTENT_2 + Q_BOX_2 - 1u) / Q_BOX_2) * q_box;
    uvec3 last = min(first + q_box, extent) - 1u;
    uvec3 shift = uvec3(SHIFT, 0u, 0u);
    box_low = (first + shift) / kv_box;
    box_high = (last + shift) / kv_box;
}

// `row`: of all, not of the dispatch.
void find_place(uint row)
{
    own_first = -1;
    own_last = int(push.blocks) - 1;
    listable = push.blocks;
    complete = push.blocks;
    if (BOXES != 0u)
        find_boxes(row);
    if (push.block_tokens == 0u)
        return;
    uint token = row * push.row_tokens + push.row_shift;
    uint last = token + push.row_tokens - 1u;
    own_first = int(token / push.block_tokens);
    own_last = int(last / push.block_tokens);
    if (has(VT_SELECT_CAUSAL))
        listable = min(uint(own_last) + 1u, push.blocks);
    if (has(VT_SELECT_COMPLETE))
        complete = min((last + 1u) / push.block_tokens, push.blocks);
}

bool is_near(uint at, uint low, uint high, uint reach) { return reach == 0u || (at + reach >= low && at <= high + reach); }

// PLACE_* bits of a listable block.
uint place_of(uint n)
{
    int block = int(n);
    bool forced = n < FIRST;
    bool valued = n < complete;
    if (BOXES != 0u) {
        uvec3 at = box_at(n, (EXTENT_1 + KV_BOX_1 - 1u) / KV_BOX_1, (EXTENT_2 + KV_BOX_2 - 1u) / KV_BOX_2);
        if (has(VT_SELECT_OWN))
            forced = forced || (all(greaterThanEqual(at, box_low)) && all(lessThanEqual(at, box_high)));
        valued = is_near(at.x, box_low.x, box_high.x, REACH_0) && is_near(at.y, box_low.y, box_high.y, REACH_1) &&
                 is_near(at.z, box_low.z, box_high.z, REACH_2);
    } else if (has(VT_SELECT_OWN)) {
        forced = forced || (block >= own_first && block <= own_last);
    }
    if (LOCAL > 0u)
        forced = forced || (block <= own_last && block > own_last - int(LOCAL));
    return (valued ? PLACE_VALUED : 0u) | (forced ? PLACE_FORCED : 0u);
}
