/* SPDX-License-Identifier: MIT
 *
 * Integer arithmetic on 64-bit sizes that cannot wrap unseen.
 */
#ifndef VT_SIZES_H
#define VT_SIZES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sticky: once `overflow` is set it stays, so that a whole formula is checked once at its end. */
typedef struct vt_sum {
    uint64_t value;
    bool overflow;
} vt_sum;

vt_sum vt_sum_of(uint64_t value);
vt_sum vt_plus(vt_sum a, vt_sum b);
vt_sum vt_times(vt_sum a, vt_sum b);

/* Largest value instead of wrapping: for amounts that are only compared with bounds. */
uint64_t vt_saturating_mul(uint64_t a, uint64_t b);

static inline uint64_t vt_saturating_add(uint64_t a, uint64_t b) {
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static inline uint64_t vt_min(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static inline uint64_t vt_max(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static inline int64_t vt_min_i64(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static inline int64_t vt_max_i64(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* b > 0 */
static inline uint64_t vt_ceil_div(uint64_t a, uint64_t b) {
    return a / b + (a % b != 0);
}

static inline uint64_t vt_round_up(uint64_t a, uint64_t b) {
    return vt_ceil_div(a, b) * b;
}

static inline uint64_t vt_round_down(uint64_t a, uint64_t b) {
    return a / b * b;
}

/* Halves the first of `count` sizes that is above its grain, up to whole grains (NULL: all are 1): how a part of some work gives
 * way until it fits. False if none is. */
bool vt_halve_first(uint64_t *const sizes[], const uint64_t grains[], size_t count);

#endif /* VT_SIZES_H */
