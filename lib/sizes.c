/* SPDX-License-Identifier: MIT */
#include "sizes.h"

vt_sum vt_sum_of(uint64_t value) {
    return (vt_sum){value, false};
}

vt_sum vt_plus(vt_sum a, vt_sum b) {
    bool overflow = a.overflow || b.overflow || a.value > UINT64_MAX - b.value;
    return (vt_sum){a.value + b.value, overflow};
}

vt_sum vt_times(vt_sum a, vt_sum b) {
    bool overflow = a.overflow || b.overflow || (a.value && b.value > UINT64_MAX / a.value);
    return (vt_sum){a.value * b.value, overflow};
}

uint64_t vt_saturating_mul(uint64_t a, uint64_t b) {
    return a && b > UINT64_MAX / a ? UINT64_MAX : a * b;
}

bool vt_halve_first(uint64_t *const sizes[], const uint64_t grains[], size_t count) {
    for (size_t i = 0; i < count; ++i) {
        uint64_t grain = grains ? grains[i] : 1;
        if (*sizes[i] > grain) {
            *sizes[i] = vt_round_up(vt_ceil_div(*sizes[i], 2), grain);
            return true;
        }
    }
    return false;
}
