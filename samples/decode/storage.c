/* SPDX-License-Identifier: MIT */
#include "storage.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

const char *storage_name(vatten_dtype dtype) {
    return dtype == VATTEN_DTYPE_F32 ? "f32" : dtype == VATTEN_DTYPE_F16 ? "f16" : "bf16";
}

size_t storage_bytes(vatten_dtype dtype) {
    return dtype == VATTEN_DTYPE_F32 ? 4 : 2;
}

static uint32_t bits_of(float number) {
    uint32_t bits;
    memcpy(&bits, &number, sizeof(bits));
    return bits;
}

static float float_of(uint32_t bits) {
    float number;
    memcpy(&number, &bits, sizeof(number));
    return number;
}

static uint16_t half_of(float number) {
    uint32_t bits = bits_of(number) & 0x7fffffffu;
    uint16_t sign = (uint16_t)(bits_of(number) >> 16 & 0x8000u);
    if (bits >= 0x47800000u) { /* 65536 and more, infinities, NaN */
        return (uint16_t)(sign | 0x7c00u | (bits > 0x7f800000u ? 0x200u : 0));
    }
    if (bits < 0x38800000u) { /* below 2^-14: the addition rounds to multiples of 2^-24 */
        return (uint16_t)(sign | (bits_of(float_of(bits) + 0.5f) - bits_of(0.5f)));
    }
    bits += 0xc8000fffu + (bits >> 13 & 1u); /* the other exponent's zero, and half of a step to be cut off */
    return (uint16_t)(sign | bits >> 13);
}

static double of_half(uint16_t half) {
    int exponent = half >> 10 & 31;
    double fraction = half & 1023;
    double size = exponent == 31 ? (fraction > 0.0 ? NAN : INFINITY)
                  : exponent     ? (double)float_of((uint32_t)(half & 0x7fffu) * 8192u + 0x38000000u)
                                 : fraction * 0x1p-24;
    return half & 0x8000 ? -size : size;
}

static uint16_t brain_of(float number) {
    uint32_t bits = bits_of(number);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

void storage_write(vatten_dtype dtype, const float *numbers, size_t count, void *out) {
    uint16_t *words = out;
    if (dtype == VATTEN_DTYPE_F32) {
        memcpy(out, numbers, count * sizeof(float));
        return;
    }
    for (size_t i = 0; i < count; i++) {
        words[i] = dtype == VATTEN_DTYPE_F16 ? half_of(numbers[i]) : brain_of(numbers[i]);
    }
}

void storage_read(vatten_dtype dtype, const void *stored, size_t count, double *out) {
    const float *floats = stored;
    const uint16_t *words = stored;
    for (size_t i = 0; i < count; i++) {
        out[i] = dtype == VATTEN_DTYPE_F32   ? (double)floats[i]
                 : dtype == VATTEN_DTYPE_F16 ? of_half(words[i])
                                             : (double)float_of((uint32_t)words[i] << 16);
    }
}
