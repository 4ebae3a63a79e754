// SPDX-License-Identifier: MIT
//
// The buffers and how rows are read from them. Loads past the real dim give 0 without touching memory, so padded dims
// cost no copy and read nobody else's data.

#include "element.glsl"

// Each input stands on its binding more than once: by element, by four where VECTOR says that rows are aligned for it, and for
// STREAM by eight.
layout(set = 0, binding = VT_SLOT_Q, std430) readonly buffer VtQ { VT_ELEM q_elem[]; };
layout(set = 0, binding = VT_SLOT_Q, std430) readonly buffer VtQ4 { VT_ELEM4 q_elem4[]; };
#ifdef VT_STREAM
layout(set = 0, binding = VT_SLOT_Q, std430) readonly buffer VtQ8 { VT_ELEM8 q_elem8[]; };
#endif
#ifdef VT_BY_ADDRESS
#ifdef VT_WIDE // keys and values were repacked as f32 before (lib/repack.c)
#define VT_KV_ELEM float
#define VT_KV_ELEM4 vec4
#define VT_KV_ELEM_BYTES 4u
#define vt_kv_to_f32(x) (x)
#define vt_kv_to_f32x4(x) (x)
#else
#define VT_KV_ELEM VT_ELEM
#define VT_KV_ELEM4 VT_ELEM4
#define VT_KV_ELEM_BYTES VT_ELEM_BYTES
#define vt_kv_to_f32(x) vt_to_f32(x)
#define vt_kv_to_f32x4(x) vt_to_f32x4(x)
#endif
layout(buffer_reference, std430, buffer_reference_align = 4) readonly buffer VtWords { uint at[]; };
layout(buffer_reference, std430, buffer_reference_align = VT_KV_ELEM_BYTES) readonly buffer VtElems { VT_KV_ELEM at[]; };
layout(buffer_reference, std430, buffer_reference_align = 4 * VT_KV_ELEM_BYTES) readonly buffer VtElems4 { VT_KV_ELEM4 at[]; };
#define k_word VtWords(push.k_address).at
#define v_word VtWords(push.v_address).at
#else
#ifdef VT_KV_BYTES
layout(set = 0, binding = VT_SLOT_K, std430) readonly buffer VtK { uint k_word[]; };
#else
layout(set = 0, binding = VT_SLOT_K, std430) readonly buffer VtK { VT_ELEM k_elem[]; };
layout(set = 0, binding = VT_SLOT_K, std430) readonly buffer VtK4 { VT_ELEM4 k_elem4[]; };
#ifdef VT_STREAM
layout(set = 0, binding = VT_SLOT_K, std430) readonly buffer VtK8 { VT_ELEM8 k_elem8[]; };
#endif
#endif
#ifdef VT_MASS // has buffers of its own
#elif defined(VT_KV_BYTES)
layout(set = 0, binding = VT_SLOT_V, std430) readonly buffer VtV { uint v_word[]; };
#else
layout(set = 0, binding = VT_SLOT_V, std430) readonly buffer VtV { VT_ELEM v_elem[]; };
layout(set = 0, binding = VT_SLOT_V, std430) readonly buffer VtV4 { VT_ELEM4 v_elem4[]; };
#ifdef VT_STREAM
layout(set = 0, binding = VT_SLOT_V, std430) readonly buffer VtV8 { VT_ELEM8 v_elem8[]; };
#endif
#endif
#endif
#ifndef VT_MASS
layout(set = 0, binding = VT_SLOT_OUT, std430) writeonly buffer VtOut { VT_ELEM out_elem[]; };
layout(set = 0, binding = VT_SLOT_OUT, std430) writeonly buffer VtOut4 { VT_ELEM4 out_elem4[]; };
#endif
#ifdef VT_FULL
layout(set = 0, binding = VT_SLOT_LSE, std430) writeonly buffer VtLse { float lse_elem[]; };
layout(set = 0, binding = VT_SLOT_CARRY, std430) buffer VtCarry { float carry_elem[]; };
#endif
#ifdef VT_BIAS
#ifdef VT_LISTS
#define VT_BIAS_BINDING VT_SLOT_LIST_BIAS
#else
#define VT_BIAS_BINDING VT_SLOT_BIAS
#endif
layout(set = 0, binding = VT_BIAS_BINDING, std430) readonly buffer VtBias { float bias_elem[]; };
#endif

#define VT_LOADER(NAME, ELEM, ELEM4, BOUND)                                                                          \
    float NAME(uint row, uint d) { return d < (BOUND) ? vt_to_f32(ELEM[row + d]) : 0.0; }                            \
    vec4 NAME##4(uint row, uint d)                                                                                   \
    {                                                                                                                \
        if (VECTOR != 0)                                                                                             \
            return d < (BOUND) ? vt_to_f32x4(ELEM4[(row + d) >> 2]) : vec4(0.0);                                     \
        return vec4(NAME(row, d), NAME(row, d + 1u), NAME(row, d + 2u), NAME(row, d + 3u));                          \
    }

// row: element where the row of one token and head starts; d: first of the dims asked for.
VT_LOADER(load_q, q_elem, q_elem4, DIM)
#ifdef VT_KV_BYTES
#include "bytes.glsl"
VT_BYTE_LOADER(k, DIM)
#elif !defined(VT_BY_ADDRESS)
VT_LOADER(load_k, k_elem, k_elem4, DIM)
#endif
#ifndef VT_MASS
#ifdef VT_KV_BYTES
VT_BYTE_LOADER(v, VALUE_DIM)
#elif !defined(VT_BY_ADDRESS)
VT_LOADER(load_v, v_elem, v_elem4, VALUE_DIM)
#endif

void store_out(uint row, uint d, float x)
{
    if (d < VALUE_DIM)
        out_elem[row + d] = vt_from_f32(x);
}

void store_out4(uint row, uint d, vec4 x)
{
    if (VECTOR != 0) {
        if (d < VALUE_DIM)
            out_elem4[(row + d) >> 2] = vt_from_f32x4(x);
        return;
    }
    [[unroll]] for (uint i = 0u; i < 4u; ++i)
        store_out(row, d + i, x[i]);
}
#endif

// Which tile of the dispatch is a workgroup's: of both ends in turns. The later causal queries are, the more keys they have;
// CPU drivers give each thread a row of neighbouring workgroups, and GPUs should not begin the longest ones last.
uint own_tile()
{
    uint turn = gl_WorkGroupID.x >> 1;
    return (gl_WorkGroupID.x & 1u) == 0u ? turn : gl_NumWorkGroups.x - 1u - turn;
}

// The query head of this workgroup, or the first of several, and its batch entry, among those of the dispatch.
#ifdef VT_COLUMNS
uint column_head; // one after the other
#endif
#ifdef VT_RULES
#ifdef VT_COLUMNS
uint own_head() { return column_head; }
#else
uint own_head() { return gl_WorkGroupID.y * TILE_HEADS; }
#endif
uint own_batch() { return gl_WorkGroupID.z / SPLITS; }
uint kv_batch() { return PAGE == 0u ? own_batch() : 0u; } // pages are in no batch entry
#else
uint own_head() { return gl_WorkGroupID.y; }
uint own_batch() { return gl_WorkGroupID.z; }
uint kv_batch() { return own_batch(); }
#endif

// Where the rows of this workgroup's batch entry and head start; token 0 is the first of the bound range.
uint q_origin() { return push.q_base + own_batch() * push.q_batch + own_head() * push.q_head; }
uint out_origin() { return push.out_base + own_batch() * push.out_batch + own_head() * push.out_head; }
uint kv_head() { return (push.head_first + own_head()) / push.group - push.head_first / push.group; }
uint k_origin() { return push.k_base + kv_batch() * push.k_batch + kv_head() * push.k_head; }
uint v_origin() { return push.v_base + kv_batch() * push.v_batch + kv_head() * push.v_head; }
