// SPDX-License-Identifier: MIT
//
// Appending: new keys, or values, into the cache that attention reads. An invocation owns one word of one row and asks
// where the row goes; what the dispatch has not bound of the cache, or what is not there, it leaves alone.
//
//   VT_DTYPE  VT_F32, VT_F16 or VT_BF16: storage of the new rows
//   VT_CACHE  the same or VT_I8: storage of the cache
//
// Grid: x heads, y words of rows, z batch: CPU drivers give each thread a row of neighbouring workgroups, and heads of a token mostly
// lie side by side.

#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_shader_16bit_storage : enable

#include "iface/interface.h"
#define VT_BF16_BITS
#include "lib/element.glsl"

#define VT_UINT uint
layout(push_constant, std430) uniform VtPush { VT_APPEND_PUSH_FIELDS } push;

layout(local_size_x_id = VT_SPEC_WORKGROUP, local_size_y = 1, local_size_z = 1) in;

layout(constant_id = VT_APPEND_SPEC_DIM) const uint DIM = 64u;
layout(constant_id = VT_APPEND_SPEC_VECTOR) const uint VECTOR = 0u;
layout(constant_id = VT_APPEND_SPEC_LENGTHS) const uint LENGTHS = 0u;
layout(constant_id = VT_APPEND_SPEC_PAGE) const uint PAGE = 0u;
layout(constant_id = VT_APPEND_SPEC_BLOCK) const uint BLOCK = 4u;

// What becomes of an element, and of four: bits are moved where both have one dtype, else it is rounded from f32.
#if VT_CACHE == VT_DTYPE
#if VT_DTYPE == VT_F32
#define ROW_ELEM uint
#define ROW_ELEM4 uvec4
#else
#define ROW_ELEM uint16_t
#define ROW_ELEM4 uvec2
#endif
#define CACHE_ELEM ROW_ELEM
#define CACHE_ELEM4 ROW_ELEM4
#define stored(x) (x)
#define stored4(x) (x)
#elif VT_CACHE == VT_F32
#define CACHE_ELEM float
#define CACHE_ELEM4 vec4
#define stored(x) vt_to_f32(x)
#define stored4(x) vt_to_f32x4(x)
#elif VT_CACHE == VT_F16
#define CACHE_ELEM float16_t
#define CACHE_ELEM4 uvec2
#define stored(x) float16_t(vt_to_f32(x))
uvec2 halves(vec4 x) { return uvec2(packHalf2x16(x.xy), packHalf2x16(x.zw)); }
#define stored4(x) halves(vt_to_f32x4(x))
#elif VT_CACHE == VT_BF16
#define CACHE_ELEM uint16_t
#define CACHE_ELEM4 uvec2
#define stored(x) uint16_t(vt_bf16_bits(vt_to_f32(x)))
uvec2 upper_halves(vec4 x)
{
    return uvec2(vt_bf16_bits(x.x) | (vt_bf16_bits(x.y) << 16), vt_bf16_bits(x.z) | (vt_bf16_bits(x.w) << 16));
}
#define stored4(x) upper_halves(vt_to_f32x4(x))
#else
#define CACHE_ELEM uint
#endif
#ifndef ROW_ELEM
#define ROW_ELEM VT_ELEM
#define ROW_ELEM4 VT_ELEM4
#endif

layout(set = 0, binding = VT_APPEND_SLOT_ROWS, std430) readonly buffer VtRows { ROW_ELEM row_elem[]; };
layout(set = 0, binding = VT_APPEND_SLOT_ROWS, std430) readonly buffer VtRows4 { ROW_ELEM4 row_elem4[]; };
layout(set = 0, binding = VT_APPEND_SLOT_CACHE, std430) writeonly buffer VtCache { CACHE_ELEM cache_elem[]; };
#ifdef CACHE_ELEM4
layout(set = 0, binding = VT_APPEND_SLOT_CACHE, std430) writeonly buffer VtCache4 { CACHE_ELEM4 cache_elem4[]; };
#endif
layout(set = 0, binding = VT_APPEND_SLOT_TABLES, std430) readonly buffer VtTables { uint table_word[]; };

#if VT_CACHE == VT_I8
const uint BLOCK_WORDS = 1u + BLOCK / 4u;            // a scale and numbers, four to a word
const uint WORDS = DIM / BLOCK * BLOCK_WORDS;        // of a row
#else
const uint WIDTH = VECTOR != 0u ? 4u : 1u;           // elements of a word
const uint WORDS = DIM / WIDTH;
#endif

// The last start that is at most i, if they ascend; else any.
uint sequence_of(uint i)
{
    uint low = 0u;
    uint high = push.sequences;
    while (high - low > 1u) {
        uint middle = (low + high) >> 1;
        if (table_word[push.q_starts + middle] <= i)
            low = middle;
        else
            high = middle;
    }
    return low;
}

// Where row i goes: which batch entry or sequence, and which place of the row of places that it has. False: nowhere.
bool find_place(uint i, out uint entry, out uint place)
{
    entry = LENGTHS == VT_APPEND_PACKED ? sequence_of(i) : push.batch_first + gl_WorkGroupID.z;
    uint rows_begin = 0u;
    uint rows_end = push.q_len;
    uint begin = 0u;
    uint end = push.kv_len;
    if (LENGTHS == VT_APPEND_PACKED) {
        rows_begin = table_word[push.q_starts + entry];
        rows_end = table_word[push.q_starts + entry + 1u];
    }
    if (LENGTHS == VT_APPEND_BOTH)
        rows_end = table_word[push.q_lengths + entry];
    if (LENGTHS == VT_APPEND_PACKED && PAGE == 0u) {
        begin = table_word[push.kv_starts + entry];
        end = table_word[push.kv_starts + entry + 1u];
    } else if (LENGTHS != VT_APPEND_PLAN) {
        end = table_word[push.kv_lengths + entry];
    }
    uint before_end = rows_end - i;
    place = end - before_end;
    return i >= rows_begin && i < rows_end && rows_end <= push.q_len && end <= push.kv_len && end >= before_end &&
           place >= begin;
}

#if VT_CACHE == VT_I8
vec4 load4(uint at)
{
    if (VECTOR != 0u)
        return vt_to_f32x4(row_elem4[at >> 2]);
    return vec4(vt_to_f32(row_elem[at]), vt_to_f32(row_elem[at + 1u]), vt_to_f32(row_elem[at + 2u]),
                vt_to_f32(row_elem[at + 3u]));
}

// Bits of the largest magnitude of a block: they sort as the numbers do, an infinity above all and NaN above that.
uint largest_of(uint at)
{
    uint largest = 0u;
    for (uint d = 0u; d < BLOCK; d += 4u) {
        uvec4 bits = floatBitsToUint(load4(at + d)) & 0x7fffffffu;
        largest = max(largest, max(max(bits.x, bits.y), max(bits.z, bits.w)));
    }
    return largest;
}

// The word of a row that starts at `row`: the scale of a block, or four of its numbers.
uint quantised(uint row, uint word)
{
    uint at = row + word / BLOCK_WORDS * BLOCK;
    uint number = word % BLOCK_WORDS;
    uint largest = largest_of(at);
    if (largest >= 0x7f800000u)
        return number == 0u ? 0x7fc00000u : 0u;
    float scale = uintBitsToFloat(largest) / 127.0;
    if (scale < 1.17549435e-38)
        return 0u;
    if (number == 0u)
        return floatBitsToUint(scale);
    vec4 x = clamp(roundEven(load4(at + (number - 1u) * 4u) / scale), -127.0, 127.0);
    return word_of_bytes(ivec4(x));
}
#endif

void write_word(uint row, uint to, uint word)
{
#if VT_CACHE == VT_I8
    cache_elem[to + word] = quantised(row, word);
#else
    uint d = word * WIDTH;
    if (VECTOR != 0u)
        cache_elem4[(to + d) >> 2] = stored4(row_elem4[(row + d) >> 2]);
    else
        cache_elem[to + d] = stored(row_elem[row + d]);
#endif
}

void main()
{
    uint n = gl_WorkGroupID.y * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
    uint i = push.q_first + n / WORDS;
    uint word = n % WORDS;
    uint entry;
    uint place;
    if (i >= push.q_last || !find_place(i, entry, place))
        return;
    uint outer = LENGTHS == VT_APPEND_PACKED ? 0u : entry;
    if (PAGE != 0u) {
        outer = table_word[push.pages + entry * push.row_pages + place / PAGE];
        place %= PAGE;
    }
    outer -= push.outer_first;
    place -= push.place_first;
    if (outer >= push.outer_count || place >= push.place_count)
        return;
    uint row = push.x_base + gl_WorkGroupID.z * push.x_batch + gl_WorkGroupID.x * push.x_head +
               (i - push.q_first) * push.x_token;
    uint to = push.cache_base + outer * push.cache_outer + gl_WorkGroupID.x * push.cache_head + place * push.cache_place;
    write_word(row, to, word);
}
