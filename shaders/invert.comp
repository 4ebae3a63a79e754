// SPDX-License-Identifier: MIT
//
// From lists of rows, which say which blocks a row goes by, to lists of blocks, which say which rows go by a block. Slots
// (entries, by row x ENTRIES + entry) are sorted by their block, those of one block stay in order: a counting sort by
// chunks of rows, each of which one invocation walks alone, so that the result is the same each time.
//
//   pass 0  how often each chunk names each block
//   pass 1  the same, of the chunks before; and of all chunks, where the block's slots will be told to begin
//   pass 2  where each block's slots begin, and how many tiles of rows the blocks before have
//   pass 3  slots to their places
//
// Grid: x chunks (passes 0 and 3), blocks (1) or nothing (2); y list heads, z batch.

#version 450
#extension GL_GOOGLE_include_directive : require

#include "iface/interface.h"

#define VT_UINT uint
layout(push_constant, std430) uniform VtPush { VT_INVERT_PUSH_FIELDS } push;

layout(local_size_x_id = VT_SPEC_WORKGROUP, local_size_y = 1, local_size_z = 1) in;

layout(constant_id = VT_INVERT_SPEC_PASS) const uint PASS = 0u;
layout(constant_id = VT_INVERT_SPEC_ENTRIES) const uint ENTRIES = 1u;
layout(constant_id = VT_INVERT_SPEC_CHUNK) const uint CHUNK = 64u;
layout(constant_id = VT_INVERT_SPEC_TILE_ROWS) const uint TILE_ROWS = 32u;
layout(constant_id = VT_INVERT_SPEC_HEADS) const uint HEADS = 1u;

layout(set = 0, binding = VT_INVERT_SLOT_ROWS, std430) readonly buffer VtRows { uint row_word[]; };
layout(set = 0, binding = VT_INVERT_SLOT_COUNTS, std430) buffer VtCounts { uint count_word[]; };
layout(set = 0, binding = VT_INVERT_SLOT_GATHERED, std430) buffer VtGathered { uint gathered_word[]; };

uint slice() { return gl_WorkGroupID.z * gl_NumWorkGroups.y + gl_WorkGroupID.y; }
uint counts() { return slice() * push.chunks * push.blocks; }
uint gathered() { return slice() * (2u * (push.blocks + 1u) + push.rows * ENTRIES); }

// Counts the slots of one chunk, or puts them where they belong. VT_LIST_END is no block.
void walk(uint chunk, bool scatter)
{
    uint list = push.row_base + gl_WorkGroupID.z * push.row_batch + gl_WorkGroupID.y * push.row_head;
    uint at = counts() + chunk * push.blocks;
    uint offsets = gathered();
    uint slots = offsets + 2u * (push.blocks + 1u);
    uint end = min((chunk + 1u) * CHUNK, push.rows) * ENTRIES;
    for (uint slot = chunk * CHUNK * ENTRIES; slot < end; ++slot) {
        uint block = row_word[list + slot];
        if (block >= push.blocks)
            continue;
        uint before = count_word[at + block];
        count_word[at + block] = before + 1u;
        if (scatter)
            gathered_word[slots + gathered_word[offsets + block] + before] = slot;
    }
}

void count(uint chunk)
{
    if (chunk >= push.chunks)
        return;
    uint at = counts() + chunk * push.blocks;
    for (uint block = 0u; block < push.blocks; ++block)
        count_word[at + block] = 0u;
    walk(chunk, false);
}

void add_up(uint block)
{
    if (block >= push.blocks)
        return;
    uint sum = 0u;
    for (uint chunk = 0u; chunk < push.chunks; ++chunk) {
        uint at = counts() + chunk * push.blocks + block;
        uint own = count_word[at];
        count_word[at] = sum;
        sum += own;
    }
    gathered_word[gathered() + block] = sum;
}

void make_offsets()
{
    uint offsets = gathered();
    uint tiles = offsets + push.blocks + 1u;
    uint slots_before = 0u;
    uint tiles_before = 0u;
    for (uint block = 0u; block < push.blocks; ++block) {
        uint own = gathered_word[offsets + block];
        gathered_word[offsets + block] = slots_before;
        gathered_word[tiles + block] = tiles_before;
        slots_before += own;
        tiles_before += (own * HEADS + TILE_ROWS - 1u) / TILE_ROWS;
    }
    gathered_word[offsets + push.blocks] = slots_before;
    gathered_word[tiles + push.blocks] = tiles_before;
}

void main()
{
    uint i = gl_GlobalInvocationID.x;
    if (PASS == VT_INVERT_COUNT)
        count(i);
    else if (PASS == VT_INVERT_ADD_UP)
        add_up(i);
    else if (PASS == VT_INVERT_SCATTER) {
        if (i < push.chunks)
            walk(i, true);
    } else if (i == 0u)
        make_offsets();
}
