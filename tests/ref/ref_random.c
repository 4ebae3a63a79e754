/* SPDX-License-Identifier: MIT
 *
 * Random numbers by counting: any value of any stream without the ones before it.
 */
#include "ref.h"

#include "mixer.h"

float ref_random(uint64_t seed, uint64_t i) {
    uint64_t stream =
        mixer_mixed(seed * MIXER_STEP + 1); /* so that neighbouring seeds do not walk the same path */
    uint64_t bits = mixer_mixed(stream + (i + 1) * MIXER_STEP) >> 40;
    float unit = (float)bits * 0x1p-23f - 1.0f; /* [-1, 1), exact */
    return unit * 1.7320508f;
}
