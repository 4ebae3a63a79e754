// SPDX-License-Identifier: MIT
//
// From lists of single rows to lists of blocks of rows: which blocks any of the rows names, and which rows name it. In
// two passes, since a list must be in order: the first asks for each block and row block which rows name the block, the
// second lists what any row named.
//
// Grid of the first pass: x row blocks by blocks, of the second: x row blocks; y list heads, z batch.

#version 450
#extension GL_GOOGLE_include_directive : require

#include "iface/interface.h"

#define VT_UINT uint
layout(push_constant, std430) uniform VtPush { VT_MARK_PUSH_FIELDS } push;

layout(local_size_x_id = VT_SPEC_WORKGROUP, local_size_y = 1, local_size_z = 1) in;

layout(constant_id = VT_MARK_SPEC_PASS) const uint PASS = 0u;
layout(constant_id = VT_MARK_SPEC_ENTRIES) const uint ENTRIES = 1u;      // of a row's list
layout(constant_id = VT_MARK_SPEC_OUT_ENTRIES) const uint OUT_ENTRIES = 1u;
layout(constant_id = VT_MARK_SPEC_BLOCK) const uint BLOCK = 32u;         // rows of a row block

layout(set = 0, binding = VT_MARK_SLOT_ROWS, std430) readonly buffer VtRows { uint row_word[]; };
layout(set = 0, binding = VT_MARK_SLOT_MARKS, std430) buffer VtMarks { uint mark_word[]; };
layout(set = 0, binding = VT_MARK_SLOT_LISTS, std430) writeonly buffer VtLists { uint list_word[]; };

const uint WORDS = (BLOCK + 31u) / 32u;

uint slice() { return gl_WorkGroupID.z * gl_NumWorkGroups.y + gl_WorkGroupID.y; }

// Lists ascend, so a row names a block iff the first entry that is not below it is the block.
bool names(uint list, uint block)
{
    uint low = 0u;
    uint high = ENTRIES;
    while (low < high) {
        uint middle = (low + high) / 2u;
        if (row_word[list + middle] < block)
            low = middle + 1u;
        else
            high = middle;
    }
    return low < ENTRIES && row_word[list + min(low, ENTRIES - 1u)] == block;
}

void mark()
{
    uint row_block = gl_GlobalInvocationID.x / push.blocks;
    uint block = gl_GlobalInvocationID.x % push.blocks;
    if (row_block >= push.row_blocks)
        return;
    uint first = row_block * BLOCK;
    uint rows = min(push.rows - first, BLOCK);
    uint list = push.row_base + gl_WorkGroupID.z * push.row_batch + gl_WorkGroupID.y * push.row_head + first * ENTRIES;
    uint at = ((slice() * push.row_blocks + row_block) * push.blocks + block) * WORDS;
    for (uint w = 0u; w < WORDS; ++w) {
        uint bits = 0u;
        for (uint r = w * 32u; r < min(rows, w * 32u + 32u); ++r)
            bits |= names(list + r * ENTRIES, block) ? 1u << (r % 32u) : 0u;
        mark_word[at + w] = bits;
    }
}

void collect()
{
    uint row_block = gl_GlobalInvocationID.x;
    if (row_block >= push.row_blocks)
        return;
    uint from = (slice() * push.row_blocks + row_block) * push.blocks * WORDS;
    uint entry = 1u + WORDS;
    uint list = push.list_base + gl_WorkGroupID.z * push.list_batch + gl_WorkGroupID.y * push.list_head +
                row_block * OUT_ENTRIES * entry;
    uint used = 0u;
    for (uint block = 0u; block < push.blocks && used < OUT_ENTRIES; ++block) {
        uint any = 0u;
        for (uint w = 0u; w < WORDS; ++w)
            any |= mark_word[from + block * WORDS + w];
        if (any == 0u)
            continue;
        list_word[list + used * entry] = block;
        for (uint w = 0u; w < WORDS; ++w)
            list_word[list + used * entry + 1u + w] = mark_word[from + block * WORDS + w];
        ++used;
    }
    for (; used < OUT_ENTRIES; ++used)
        list_word[list + used * entry] = VT_LIST_END;
}

void main()
{
    if (PASS == 0u)
        mark();
    else
        collect();
}
