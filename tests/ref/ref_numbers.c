/* SPDX-License-Identifier: MIT
 *
 * 16-bit floating-point numbers to and from f32, exactly as IEEE 754 rounds (to nearest, ties to even).
 */
#include "ref.h"

#include <string.h>

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* value / 2^shift, rounded to nearest even; shift 1..31 */
static uint32_t shift_rounded(uint32_t value, uint32_t shift) {
    uint32_t kept = value >> shift;
    uint32_t lost = value & ((UINT32_C(1) << shift) - 1);
    uint32_t half = UINT32_C(1) << (shift - 1);
    bool up = lost > half || (lost == half && (kept & 1) != 0);
    return kept + (up ? 1u : 0u);
}

uint16_t ref_f32_to_f16(float value) {
    uint32_t bits = bits_of(value);
    uint32_t sign = bits >> 16 & 0x8000u;
    uint32_t exponent = bits >> 23 & 0xFFu; /* biased by 127 */
    uint32_t mantissa = bits & 0x7FFFFFu;

    if (exponent == 0xFFu) { /* inf, or a NaN which stays one: quiet, with the upper part of its payload */
        return (uint16_t)(sign | 0x7C00u | (mantissa ? 0x200u | mantissa >> 13 : 0u));
    }
    if (exponent < 102) { /* below half of the smallest subnormal 2^-24 */
        return (uint16_t)sign;
    }
    if (exponent <
        113) { /* a subnormal: a multiple of 2^-24, and perhaps rounded up to the first normal number */
        return (uint16_t)(sign | shift_rounded(mantissa | 0x800000u, 126 - exponent));
    }
    /* A mantissa that rounds up carries into the exponent, and 0x7C00 is infinity: both are what rounding
     * wants. */
    uint32_t rounded = shift_rounded((exponent - 112) << 23 | mantissa, 13);
    return (uint16_t)(sign | (rounded < 0x7C00u ? rounded : 0x7C00u));
}

float ref_f16_to_f32(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t exponent = half >> 10 & 0x1Fu;
    uint32_t mantissa = half & 0x3FFu;

    if (exponent == 0x1Fu) {
        return float_of(sign | 0x7F800000u | mantissa << 13);
    }
    if (exponent == 0) {
        float magnitude = (float)mantissa * 0x1p-24f; /* exact: ten bits */
        return sign ? -magnitude : magnitude;
    }
    return float_of(sign | (exponent + 112) << 23 | mantissa << 13);
}

uint16_t ref_f32_to_bf16(float value) {
    uint32_t bits = bits_of(value);
    if ((bits & 0x7FFFFFFFu) > 0x7F800000u) {
        return (uint16_t)(bits >> 16 | 0x40u); /* quiet, so that cutting the payload leaves no infinity */
    }
    return (uint16_t)shift_rounded(bits, 16);
}

float ref_bf16_to_f32(uint16_t bits) {
    return float_of((uint32_t)bits << 16);
}
