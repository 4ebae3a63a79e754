/* SPDX-License-Identifier: MIT */
#include "bench_fill.h"

#include <math.h>
#include <string.h>

ref_dtype bench_oracle_dtype(vatten_dtype dtype) {
    return dtype == VATTEN_DTYPE_F32 ? REF_F32 : dtype == VATTEN_DTYPE_F16 ? REF_F16 : REF_BF16;
}

void bench_store(vatten_dtype dtype, void *data, size_t at, float value) {
    if (dtype == VATTEN_DTYPE_F32)
        ((float *)data)[at] = value;
    else
        ((uint16_t *)data)[at] = dtype == VATTEN_DTYPE_F16 ? ref_f32_to_f16(value) : ref_f32_to_bf16(value);
}

uint64_t bench_draw(uint64_t seed, uint64_t i, uint64_t below) {
    return (uint64_t)((double)(ref_random(seed, i) + 1.75f) * 1e6) % below;
}

void bench_fill(vatten_dtype dtype, void *data, size_t count, uint64_t seed) {
    for (size_t i = 0; i < count; ++i)
        bench_store(dtype, data, i, ref_random(seed, i));
}

static void fill_block(uint8_t *out, uint32_t block, uint64_t seed, uint64_t first) {
    float most = 0.0f;
    for (uint32_t i = 0; i < block; ++i)
        most = fmaxf(most, fabsf(ref_random(seed, first + i)));
    float scale = most / 127.0f;
    memcpy(out, &scale, sizeof scale);
    for (uint32_t i = 0; i < block; ++i) {
        int8_t number = (int8_t)lrintf(ref_random(seed, first + i) / scale);
        memcpy(out + sizeof scale + i, &number, 1);
    }
}

void bench_fill_bytes(void *data, size_t rows, uint32_t dim, uint32_t block, uint64_t seed) {
    size_t blocks = rows * (dim / block);
    for (size_t i = 0; i < blocks; ++i)
        fill_block((uint8_t *)data + i * (sizeof(float) + block), block, seed, i * block);
}

void bench_fill_query(vatten_dtype dtype, void *data, size_t at, uint32_t dim, uint64_t keys, uint64_t seed,
                      uint64_t key) {
    float size = (logf((float)keys) + 1.0f) / sqrtf((float)dim);
    for (uint32_t d = 0; d < dim; ++d)
        bench_store(dtype, data, at + d, size * ref_random(seed, key + d));
}
