// SPDX-License-Identifier: MIT
//
// The buffers and how one element, or four neighbours, of each storage type become f32. Loads past the real
// dim give 0 without touching memory, so padded dims cost no copy and read nobody else's data.
// Needs VT_DTYPE (VT_F32, VT_F16 or VT_BF16).

#define VT_F32 1
#define VT_F16 2
#define VT_BF16 3

#if VT_DTYPE == VT_F32
#define VT_ELEM float
#define VT_ELEM4 vec4
#define vt_to_f32(x) (x)
vec4 vt_to_f32x4(vec4 x) { return x; }
#define vt_from_f32(x) (x)
vec4 vt_from_f32x4(vec4 x) { return x; }
#elif VT_DTYPE == VT_F16
#define VT_ELEM float16_t
#define VT_ELEM4 uvec2
#define vt_to_f32(x) float(x) // 16-bit types may not be parameters without arithmetic support, hence a macro
vec4 vt_to_f32x4(uvec2 x) { return vec4(unpackHalf2x16(x.x), unpackHalf2x16(x.y)); }
#define vt_from_f32(x) float16_t(x)
uvec2 vt_from_f32x4(vec4 x) { return uvec2(packHalf2x16(x.xy), packHalf2x16(x.zw)); }
#elif VT_DTYPE == VT_BF16
#define VT_ELEM uint16_t
#define VT_ELEM4 uvec2
#define vt_to_f32(x) uintBitsToFloat(uint(x) << 16)
vec4 vt_to_f32x4(uvec2 x)
{
    return uintBitsToFloat(uvec4(x.x << 16, x.x & 0xffff0000u, x.y << 16, x.y & 0xffff0000u));
}
// Round to nearest even; NaN stays NaN because its payload keeps the quiet bit.
uint vt_bf16_bits(float x)
{
    uint bits = floatBitsToUint(x);
    bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
    return nan ? (bits >> 16) | 0x40u : (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
}
#define vt_from_f32(x) uint16_t(vt_bf16_bits(x))
uvec2 vt_from_f32x4(vec4 x)
{
    return uvec2(vt_bf16_bits(x.x) | (vt_bf16_bits(x.y) << 16), vt_bf16_bits(x.z) | (vt_bf16_bits(x.w) << 16));
}
#endif

// Each input stands twice on its binding: by element, and by four where VECTOR says that rows are aligned for
// it.
layout(set = 0, binding = VT_SLOT_Q, std430) readonly buffer VtQ { VT_ELEM q_elem[]; };
layout(set = 0, binding = VT_SLOT_Q, std430) readonly buffer VtQ4 { VT_ELEM4 q_elem4[]; };
layout(set = 0, binding = VT_SLOT_K, std430) readonly buffer VtK { VT_ELEM k_elem[]; };
layout(set = 0, binding = VT_SLOT_K, std430) readonly buffer VtK4 { VT_ELEM4 k_elem4[]; };
layout(set = 0, binding = VT_SLOT_V, std430) readonly buffer VtV { VT_ELEM v_elem[]; };
layout(set = 0, binding = VT_SLOT_V, std430) readonly buffer VtV4 { VT_ELEM4 v_elem4[]; };
layout(set = 0, binding = VT_SLOT_OUT, std430) writeonly buffer VtOut { VT_ELEM out_elem[]; };
layout(set = 0, binding = VT_SLOT_OUT, std430) writeonly buffer VtOut4 { VT_ELEM4 out_elem4[]; };
#ifdef VT_FULL
layout(set = 0, binding = VT_SLOT_LSE, std430) writeonly buffer VtLse { float lse_elem[]; };
layout(set = 0, binding = VT_SLOT_CARRY, std430) buffer VtCarry { float carry_elem[]; };
#endif
#ifdef VT_BIAS
layout(set = 0, binding = VT_SLOT_BIAS, std430) readonly buffer VtBias { float bias_elem[]; };
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
VT_LOADER(load_k, k_elem, k_elem4, DIM)
VT_LOADER(load_v, v_elem, v_elem4, VALUE_DIM)

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

// Where the rows of this workgroup's batch entry and head start; token 0 is the first of the bound range.
uint q_origin() { return push.q_base + gl_WorkGroupID.z * push.q_batch + gl_WorkGroupID.y * push.q_head; }
uint out_origin() { return push.out_base + gl_WorkGroupID.z * push.out_batch + gl_WorkGroupID.y * push.out_head; }
uint kv_head() { return (push.head_first + gl_WorkGroupID.y) / push.group - push.head_first / push.group; }
uint k_origin() { return push.k_base + gl_WorkGroupID.z * push.k_batch + kv_head() * push.k_head; }
uint v_origin() { return push.v_base + gl_WorkGroupID.z * push.v_batch + kv_head() * push.v_head; }
