/* SPDX-License-Identifier: MIT */
#include "hostile_words.h"

#include "mixer.h"

/* All bits; ref_random has 24. */
static uint64_t bits_of(uint64_t seed, uint64_t i) {
    return mixer_mixed(seed * MIXER_STEP + (i + 1) * UINT64_C(0xD1342543DE82EF95));
}

uint32_t hostile_inside(uint64_t seed, uint64_t i, uint64_t edge) {
    return edge ? (uint32_t)(bits_of(seed, i) % edge) : 0;
}

uint32_t hostile_outside(uint64_t seed, uint64_t i, uint64_t edge) {
    uint64_t bits = bits_of(seed, i), power = UINT64_C(1) << (16 + bits / 8 % 17);
    uint64_t word = bits >> 32;
    switch (bits % 6) {
    case 0:
        word = edge + bits / 8 % 2;
        break;
    case 1:
        word = UINT64_C(0x7fffffff) + bits / 8 % 3;
        break;
    case 2:
        word = UINT32_MAX - 1 - bits / 8 % 3;
        break;
    case 3: /* a multiple of it by a block of 2^n is 0, or next to 0 */
        word = power + bits / 256 % 2;
        break;
    default:
        break;
    }
    return word < edge || word >= UINT32_MAX ? (uint32_t)(UINT32_MAX - 1) : (uint32_t)word;
}

uint32_t hostile_word(uint64_t seed, uint64_t i, uint64_t edge) {
    uint64_t bits = bits_of(seed + 77, i);
    switch (bits % 8) {
    case 0:
        return 0;
    case 1:
        return UINT32_MAX;
    case 2:
        return edge ? (uint32_t)(edge - 1) : 0;
    case 3:
    case 4:
        return hostile_inside(seed, i, edge);
    default:
        return hostile_outside(seed, i, edge);
    }
}
