/* SPDX-License-Identifier: MIT
 *
 * The finalizer of SplitMix64, of which all random numbers of the tests are made (Steele, Lea, Flood: Fast Splittable
 * Pseudorandom Number Generators, 2014).
 */
#ifndef VATTEN_MIXER_H
#define VATTEN_MIXER_H

#include <stdint.h>

#define MIXER_STEP UINT64_C(0x9E3779B97F4A7C15)

static inline uint64_t mixer_mixed(uint64_t z) {
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

#endif /* VATTEN_MIXER_H */
