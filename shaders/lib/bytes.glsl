// SPDX-License-Identifier: MIT
//
// Keys and values of bytes: a row is blocks of a scale (f32) and KV_BLOCK signed bytes, in words. Where rows start and their
// strides count words. Nothing is loaded at or past the real dim.

vec4 signed_bytes(uint word)
{
    ivec4 x = ivec4(word << 24, word << 16, word << 8, word) >> 24;
    return vec4(x);
}

// Word of the block's scale, and of element d.
uint scale_at(uint row, uint d) { return row + d / KV_BLOCK * (KV_BLOCK / 4u + 1u); }
uint bytes_at(uint row, uint d) { return scale_at(row, d) + 1u + d % KV_BLOCK / 4u; }

// four_*: elements [d, d + 4) that exist, d a multiple of 4; load_*: element d or 0, load_*4: four.
#define VT_BYTE_LOADER(T, BOUND)                                                                                     \
    vec4 four_##T(uint row, uint d)                                                                                  \
    {                                                                                                                \
        return signed_bytes(T##_word[bytes_at(row, d)]) * uintBitsToFloat(T##_word[scale_at(row, d)]);               \
    }                                                                                                                \
    float load_##T(uint row, uint d) { return d < (BOUND) ? four_##T(row, d & ~3u)[d & 3u] : 0.0; }                  \
    vec4 load_##T##4(uint row, uint d) { return d < (BOUND) ? four_##T(row, d) : vec4(0.0); }
