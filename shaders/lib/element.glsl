// SPDX-License-Identifier: MIT
//
// Storage types: how one element, or four neighbours, become f32 and back. Needs VT_DTYPE (VT_F32, VT_F16 or VT_BF16).

#define VT_F32 1
#define VT_F16 2
#define VT_BF16 3
#define VT_I8 4 // of caches only

#if VT_DTYPE == VT_BF16 || defined(VT_BF16_BITS)
// Round to nearest even; NaN stays NaN because its payload keeps the quiet bit.
uint vt_bf16_bits(float x)
{
    uint bits = floatBitsToUint(x);
    bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
    return nan ? (bits >> 16) | 0x40u : (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
}
#endif

#if VT_DTYPE == VT_F32
#define VT_ELEM float
#define VT_ELEM_BYTES 4u
#define VT_ELEM4 vec4
#define vt_to_f32(x) (x)
vec4 vt_to_f32x4(vec4 x) { return x; }
#define vt_from_f32(x) (x)
vec4 vt_from_f32x4(vec4 x) { return x; }
#elif VT_DTYPE == VT_F16
#define VT_ELEM float16_t
#define VT_ELEM_BYTES 2u
#define VT_ELEM4 uvec2
#define vt_to_f32(x) float(x) // 16-bit types may not be parameters without arithmetic support, hence a macro
vec4 vt_to_f32x4(uvec2 x) { return vec4(unpackHalf2x16(x.x), unpackHalf2x16(x.y)); }
#define vt_from_f32(x) float16_t(x)
uvec2 vt_from_f32x4(vec4 x) { return uvec2(packHalf2x16(x.xy), packHalf2x16(x.zw)); }
#elif VT_DTYPE == VT_BF16
#define VT_ELEM uint16_t
#define VT_ELEM_BYTES 2u
#define VT_ELEM4 uvec2
#define vt_to_f32(x) uintBitsToFloat(uint(x) << 16)
vec4 vt_to_f32x4(uvec2 x)
{
    return uintBitsToFloat(uvec4(x.x << 16, x.x & 0xffff0000u, x.y << 16, x.y & 0xffff0000u));
}
#define vt_from_f32(x) uint16_t(vt_bf16_bits(x))
uvec2 vt_from_f32x4(vec4 x)
{
    return uvec2(vt_bf16_bits(x.x) | (vt_bf16_bits(x.y) << 16), vt_bf16_bits(x.z) | (vt_bf16_bits(x.w) << 16));
}
#endif

// Four signed bytes, the first one lowest, as rows of bytes have them; of larger numbers their lowest byte.
uint word_of_bytes(ivec4 x)
{
    uvec4 bytes = uvec4(x) & 0xffu;
    return bytes.x | (bytes.y << 8) | (bytes.z << 16) | (bytes.w << 24);
}

// Eight neighbours of 16 bits; f32 has no such word, and nobody asks for one.
#if VT_DTYPE == VT_F32
#define VT_ELEM8 vec4
vec4 vt_quad_of8(vec4 x, uint n) { return x; }
#else
#define VT_ELEM8 uvec4
vec4 vt_quad_of8(uvec4 x, uint n) { return vt_to_f32x4(n == 0u ? x.xy : x.zw); }
#endif
