/* SPDX-License-Identifier: MIT
 *
 * Random numbers for tests: SplitMix64, or a fuzzer's bytes until they run out.
 */
#ifndef VATTEN_CHOICES_H
#define VATTEN_CHOICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct unit_random {
    uint64_t state;       /* the seed */
    const uint8_t *bytes; /* taken first; may be NULL */
    size_t left;
} unit_random;

uint64_t unit_next(unit_random *random);
uint64_t unit_between(unit_random *random, uint64_t low, uint64_t high); /* both inclusive */
bool unit_chance(unit_random *random, uint32_t percent);

#endif /* VATTEN_CHOICES_H */
