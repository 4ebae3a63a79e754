/* SPDX-License-Identifier: MIT */
#include "choices.h"

#include "mixer.h"

uint64_t unit_next(unit_random *random) {
    return mixer_mixed(random->state += MIXER_STEP);
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
