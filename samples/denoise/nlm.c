/* SPDX-License-Identifier: MIT */
#include "nlm.h"

#include <math.h>

uint32_t nlm_default_patch(double sigma) {
    return sigma < 15.0 ? 3 : 5;
}

double nlm_default_strength(uint32_t patch) {
    if (patch <= 3) {
        return 0.75; /* few pixels: the distance itself is noisy, so be tolerant */
    }
    return patch == 5 ? 0.6 : 0.55;
}

double nlm_h(const nlm_settings *settings) {
    return settings->strength * settings->sigma;
}

/* The GPU divides by the sum of the weights without the pixel's own, so what f32 leaves of rounding in that
 * sum must stay small beside the weight put in its place. Scores are differences of squares of up to
 * (255 / h)^2, summed over a patch: hence a least weight that grows with them. Its factor was measured, for a
 * result within a quarter of a level. */
double nlm_self_weight(const nlm_settings *settings) {
    double h = nlm_h(settings);
    double expected = exp(-2.0 / (settings->strength * settings->strength));
    double least = 0.2 * settings->patch / (h * h);
    return fmin(fmax(expected, least), 1.0);
}

uint32_t nlm_window(const nlm_settings *settings, const clip *movie, int axis) {
    uint32_t window = axis == CLIP_T ? settings->window_time : settings->window;
    uint32_t extent = clip_extent(movie, axis);
    return window < extent ? window : extent;
}

/* With Z = exp(lse) the sum of all weights, the pixel's own is 1 of it. Exchanged for w, the mean
 *   o = (x + S) / Z   becomes   (w x + S) / (Z - 1 + w) = x + (o - x) Z / (Z - 1 + w). */
void nlm_keep_pixel(const uint8_t noisy[3], const float attended[3], double log_sum, double self_weight,
                    float out[3]) {
    double sum = exp(log_sum);
    double factor = sum / (fmax(sum - 1.0, 0.0) + self_weight);
    for (int c = 0; c < 3; c++) {
        out[c] = (float)(noisy[c] + ((double)attended[c] - noisy[c]) * factor);
    }
}
