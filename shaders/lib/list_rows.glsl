// SPDX-License-Identifier: MIT
//
// The kind of lists that are turned around: not which blocks a query sees but which queries see a block (invert.comp).
// A workgroup takes one tile of the rows of one block and walks that block; since other blocks of the same queries are
// other workgroups', it always leaves the running state of its rows, for combine.comp to put together.
//
// A row of the tile is a slot (query x entries + entry) and one of the SLOT_HEADS query heads that a slot stands for;
// workgroups count such heads along y. Lists of a batch entry and list head: where the slots of each block begin, how
// many tiles the blocks before have, both [blocks + 1], then the slots.

layout(constant_id = VT_SPEC_LIST_SLOT_HEADS) const uint SLOT_HEADS = 1u;

uint rows_first; // first row of the tile, of all rows of its block
uint rows_count; // rows of the block
uint rows_slots; // word of the block's first slot
uint rows_block;

uint rows_blocks() { return KV_BOXED ? kv_box_count() : (push.kv_len - 1u) / LIST_KV_BLOCK + 1u; }

// The last block that begins at tile `tile` or before, blocks without rows aside. Of such blocks that begin at the same
// tile only the last one has rows.
uint rows_find_block(uint tiles, uint tile)
{
    uint low = 0u;
    uint high = rows_blocks();
    while (high - low > 1u) {
        uint middle = (low + high) / 2u;
        if (list_word[tiles + middle] <= tile)
            low = middle;
        else
            high = middle;
    }
    return low;
}

// Of row `row`, or of the last one that exists.
uint rows_index(uint row) { return min(rows_first + row, rows_count - 1u); }
uint rows_slot(uint row) { return list_word[rows_slots + rows_index(row) / SLOT_HEADS]; }
uint rows_token(uint row) { return push.q_first + rows_slot(row) / LIST_ENTRIES; }
bool rows_valid(uint row) { return rows_first + row < rows_count; }

// Its head, by the stride of q's heads from where gl_WorkGroupID.y alone would be.
uint rows_head(uint row) { return gl_WorkGroupID.y * (SLOT_HEADS - 1u) + rows_index(row) % SLOT_HEADS; }

// The number of its state, `slice` being the batch entry and group of heads.
uint rows_state(uint slice, uint row)
{
    uint slots = (push.q_last - push.q_first) * LIST_ENTRIES;
    return (slice * slots + rows_slot(row)) * SLOT_HEADS + rows_index(row) % SLOT_HEADS;
}

// Where the block begins, in the units of keys.
uint rows_unit_0() { return KV_BOXED ? kv_box_plane_0(rows_block) : rows_block * LIST_KV_BLOCK; }

// Whether an earlier range of keys has begun the block.
bool rows_resume() { return rows_unit_0() < push.k_first; }

// False: no tile is left, or its block has no key of this dispatch.
bool rows_begin()
{
    uint list_heads = gl_NumWorkGroups.y / LIST_GROUP;
    uint list = push.map2 + (gl_WorkGroupID.z * list_heads + gl_WorkGroupID.y / LIST_GROUP) * push.map0;
    uint tiles = list + rows_blocks() + 1u;
    uint tile = push.map1 + gl_WorkGroupID.x;
    if (tile >= list_word[tiles + rows_blocks()])
        return false;
    rows_block = rows_find_block(tiles, tile);
    uint begin = list_word[list + rows_block];
    rows_count = (list_word[list + rows_block + 1u] - begin) * SLOT_HEADS;
    rows_first = (tile - list_word[tiles + rows_block]) * ROWS;
    rows_slots = tiles + rows_blocks() + 1u + begin;
    uint end = min(rows_unit_0() + (KV_BOXED ? KV_BOX_0 : LIST_KV_BLOCK), push.kv_len);
    return rows_unit_0() < push.k_last && end > push.k_first;
}
