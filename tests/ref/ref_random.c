/* SPDX-License-Identifier: MIT
 *
 * Random numbers by counting: any value of any stream without the ones before it. The mixer is SplitMix64's
 * finalizer (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
 */
#include "ref.h"

static uint64_t mixed(uint64_t z) {
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

float ref_random(uint64_t seed, uint64_t i) {
    const uint64_t step = UINT64_C(0x9E3779B97F4A7C15);
    uint64_t stream = mixed(seed * step + 1); /* so that neighbouring seeds do not walk the same path */
    uint64_t bits = mixed(stream + (i + 1) * step) >> 40;
    float unit = (float)bits * 0x1p-23f - 1.0f; /* [-1, 1), exact */
    return unit * 1.7320508f;
}
