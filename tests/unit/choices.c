/* SPDX-License-Identifier: MIT */
#include "choices.h"

uint64_t unit_next(unit_random *random) {
    uint64_t z = random->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* As many bytes as the range needs, so that a fuzzer can move one choice without moving all after it. */
static uint64_t take(unit_random *random, uint64_t span) {
    uint64_t value = 0;
    while (span > 0 && random->left > 0) {
        value = value << 8 | *random->bytes++;
        --random->left;
        span >>= 8;
    }
    return value;
}

uint64_t unit_between(unit_random *random, uint64_t low, uint64_t high) {
    uint64_t span = high - low + 1; /* 0: all of 64 bits */
    uint64_t value = random->left > 0 ? take(random, high - low) : unit_next(random);
    return span ? low + value % span : value;
}

bool unit_chance(unit_random *random, uint32_t percent) {
    return unit_between(random, 0, 99) < percent;
}
