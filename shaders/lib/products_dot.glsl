// SPDX-License-Identifier: MIT
//
// Scores of layout_split.glsl for keys of bytes, by integer dot products: four bytes by four bytes, summed up in an int
// (SPV_KHR_integer_dot_product). Keys stay what they are in memory, bytes with a scale for each block. Queries become such
// blocks too, of whole numbers of DIGITS signed bytes:
//   q = scale * X     X = sum of digit[n] * 256^n     q . k = scale_q * scale_k * sum over n of 256^n * (digit[n] . bytes)
//
// What that rounds. Scales are powers of two, so that the largest X of a block is below (2 - 1/64) * 2^DIGIT_BITS, which is
// within what the digits hold (-32896..32639, three of them -8421504..8355711), and not below half of that. So an element is off
// by at most 2^-(DIGIT_BITS + 1) of the largest of its block: 2^-15 by two digits, 2^-23 by three, and not at all where its own
// bits are enough: f16 with 11 of them down to 2^-4 of the largest, bf16 with 8 down to 2^-7. A score is then off by that times
// the sum of |k|, in which signs cancel: f32 is as exact as its sums are, f16 and bf16 by a hundredth of what their outputs round.
// Sums of digits are exact: 576 * 2^14 < 2^24, so that they are whole as ints and as floats.
//
// Blocks are of whole UNITs (vt_tile_complete sees to it), so that all bytes of a word have one scale.

#include "bytes_dot.glsl"

const uint UNIT = VT_DOT_UNIT; // dims of a word
#if VT_DTYPE == VT_F32
const uint DIGITS = VT_DOT_DIGITS_F32;
#else
const uint DIGITS = VT_DOT_DIGITS_16;
#endif
const uint DIGIT_BITS = 8u * DIGITS - 2u;
const uint UNITS = DIM / UNIT; // of a row
const uint BLOCKS = DIM / KV_BLOCK;
const uint BLOCK_UNITS = KV_BLOCK / UNIT;
const uint Q_STRIDE = DIGITS * UNITS + 1u; // one more than needed spreads rows over the banks
const uint K_STRIDE = UNITS + 1u;

shared uvec4 stage_q[ROWS * Q_STRIDE]; // [row][digit][unit]
shared uvec4 stage_kv[KEYS * STAGE_WORDS];
shared float scale_q[ROWS * BLOCKS];
shared float scale_k[BLOCKS * KEYS]; // neighbours read neighbours

int digit_sum[ROW_COUNT * COL_COUNT * DIGITS];

void stage_value(uint at, vec4 x) { stage_kv[at] = floatBitsToUint(x); }
vec4 staged_value(uint at) { return uintBitsToFloat(stage_kv[at]); }

// The largest magnitude of a block, as bits: these sort as magnitudes do, infinity and NaN above all others.
uint block_top(uint at)
{
    uvec4 top = uvec4(0u);
    for (uint d = 0u; d < KV_BLOCK; d += 4u)
        top = max(top, floatBitsToUint(load_q4(at, d)) & 0x7fffffffu);
    return max(max(top.x, top.y), max(top.z, top.w));
}

// Digits of a UNIT. `up` is 1 / scale.
void stage_unit(uint at, uint d, float up, uint to)
{
    uvec4 digit[DIGITS];
    [[unroll]] for (uint w = 0u; w < 4u; ++w) {
        ivec4 x = ivec4(roundEven(load_q4(at, d + 4u * w) * up));
        [[unroll]] for (uint n = 0u; n < DIGITS; ++n) {
            digit[n][w] = word_of_bytes(x);
            x = (x + 128) >> 8;
        }
    }
    [[unroll]] for (uint n = 0u; n < DIGITS; ++n)
        stage_q[to + n * UNITS] = digit[n];
}

// A block that is not finite gets no digits and NaN as its scale. What is too small for a scale that is a normal number is 0.
void stage_block(uint at, uint row, uint block)
{
    uint top = block_top(at + block * KV_BLOCK);
    bool finite = top < 0x7f800000u;
    uint exponent = max((top + 0x20000u) >> 23, DIGIT_BITS + 1u); // of what is below (2 - 1/64) times a power of two
    float up = finite ? uintBitsToFloat((254u + DIGIT_BITS - exponent) << 23) : 0.0;
    float scale = uintBitsToFloat(finite ? (exponent - DIGIT_BITS) << 23 : 0x7fc00000u);
    for (uint u = block * BLOCK_UNITS; u < (block + 1u) * BLOCK_UNITS; ++u)
        stage_unit(at, u * UNIT, up, row * Q_STRIDE + u);
    scale_q[row * BLOCKS + block] = scale * row_scale(row);
}

void stage_queries()
{
    uint origin = row_origin();
    for (uint i = gl_LocalInvocationIndex; i < ROWS * BLOCKS; i += WORKGROUP) {
        uint row = i / BLOCKS;
        stage_block(origin + row_place(row), row, i % BLOCKS);
    }
}

void stage_keys()
{
    uint origin = step_origin();
    for (uint i = gl_LocalInvocationIndex; i < KEYS * UNITS; i += WORKGROUP) {
        uint c = i / UNITS;
        uint u = i % UNITS;
        uint row = origin + step_place(map_key_token(c));
        uint at = bytes_at(row, u * UNIT);
        uint scale = k_word[scale_at(row, u * UNIT)]; // for each word, so that all loads are on their way at once
        stage_kv[c * K_STRIDE + u] = uvec4(k_word[at], k_word[at + 1u], k_word[at + 2u], k_word[at + 3u]);
        if (u * UNIT % KV_BLOCK == 0u)
            scale_k[u * UNIT / KV_BLOCK * KEYS + c] = uintBitsToFloat(scale);
    }
}

void multiply_unit(uint u)
{
    uvec4 key[COL_COUNT];
    [[unroll]] for (uint j = 0u; j < COL_COUNT; ++j)
        key[j] = stage_kv[lane_col(j) * K_STRIDE + u];
    [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
        [[unroll]] for (uint n = 0u; n < DIGITS; ++n) {
            uvec4 query = stage_q[lane_row(i) * Q_STRIDE + n * UNITS + u];
            [[unroll]] for (uint j = 0u; j < COL_COUNT; ++j) {
                uint at = (i * COL_COUNT + j) * DIGITS + n;
                digit_sum[at] = add_dot(digit_sum[at], query, key[j]);
            }
        }
}

float whole_sum(uint pair)
{
    float sum = 0.0;
    [[unroll]] for (uint n = 0u; n < DIGITS; ++n)
        sum = sum * 256.0 + float(digit_sum[pair * DIGITS + DIGITS - 1u - n]);
    return sum;
}

void multiply_block(uint block)
{
    [[unroll]] for (uint i = 0u; i < ROW_COUNT * COL_COUNT * DIGITS; ++i)
        digit_sum[i] = 0;
    for (uint u = block * BLOCK_UNITS; u < (block + 1u) * BLOCK_UNITS; ++u)
        multiply_unit(u);
    [[unroll]] for (uint j = 0u; j < COL_COUNT; ++j) {
        float key = scale_k[block * KEYS + lane_col(j)];
        [[unroll]] for (uint i = 0u; i < ROW_COUNT; ++i)
            score[i * COL_COUNT + j] += whole_sum(i * COL_COUNT + j) * (scale_q[lane_row(i) * BLOCKS + block] * key);
    }
}

void score_tile()
{
    [[unroll]] for (uint i = 0u; i < ROW_COUNT * COL_COUNT; ++i)
        score[i] = 0.0;
    barrier(); // nobody reads the staged values of before any more
    stage_keys();
    barrier();
    for (uint block = 0u; block < BLOCKS; ++block)
        multiply_block(block);
}
