/* SPDX-License-Identifier: MIT */
#include "noise.h"

#include <math.h>
#include <stdlib.h>

#include "complain.h"

/* splitmix64 (Steele, Lea, Flood 2014): one state word, good enough for pictures, equal on every machine. */
static uint64_t next_random(uint64_t *state) {
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* In (0, 1]: never 0, so that its logarithm exists. */
static double next_uniform(uint64_t *state) {
    return ((double)(next_random(state) >> 11) + 1.0) / 9007199254740992.0;
}

/* Box and Muller 1958. */
static double next_gaussian(uint64_t *state) {
    double radius = sqrt(-2.0 * log(next_uniform(state)));
    return radius * cos(6.283185307179586 * next_uniform(state));
}

void noise_add(clip *movie, double sigma, uint64_t seed) {
    uint64_t state = seed;
    for (uint32_t t = 0; t < movie->frames; t++) {
        photo *frame = &movie->frame[t];
        for (size_t i = 0; i < photo_values(frame); i++) {
            frame->rgb[i] = photo_level(frame->rgb[i] + sigma * next_gaussian(&state));
        }
    }
}

/* (1 -2 1) in both directions: 0 on any plane, standard deviation 6 sigma on noise. */
static int laplacian(const photo *image, uint32_t x, uint32_t y, uint32_t channel) {
    size_t row = (size_t)image->width * 3;
    const uint8_t *v = image->rgb + (size_t)y * row + (size_t)x * 3 + channel;
    const uint8_t *up = v - row;
    const uint8_t *down = v + row;
    return up[-3] - 2 * up[0] + up[3] - 2 * v[-3] + 4 * v[0] - 2 * v[3] + down[-3] - 2 * down[0] + down[3];
}

/* Photographs are whole levels, so the answers are whole numbers up to 16 x 255: a histogram finds their
 * median. Clipped pixels carry no noise and are left out, or a white sky would hide it. */
#define ANSWERS (16 * 255 + 1)

static size_t count_answers(const photo *image, size_t *histogram) {
    size_t count = 0;
    for (uint32_t y = 1; y + 1 < image->height; y++) {
        for (uint32_t x = 1; x + 1 < image->width; x++) {
            for (uint32_t c = 0; c < 3; c++) {
                uint8_t level = image->rgb[((size_t)y * image->width + x) * 3 + c];
                if (level > 0 && level < 255) {
                    histogram[abs(laplacian(image, x, y, c))]++;
                    count++;
                }
            }
        }
    }
    return count;
}

double noise_estimate(const clip *movie) {
    size_t *histogram = calloc(ANSWERS, sizeof(size_t));
    if (!histogram) {
        complain("out of memory to estimate the noise");
        return -1.0;
    }
    size_t count = 0;
    for (uint32_t t = 0; t < movie->frames; t++) {
        count += count_answers(&movie->frame[t], histogram);
    }
    double median = 0.0;
    size_t below = 0;
    for (size_t answer = 0; answer < ANSWERS && count > 0; answer++) {
        if (2 * (below + histogram[answer]) >= count) {
            /* Between whole numbers, or low noise would be estimated in coarse steps. */
            double share = (0.5 * (double)count - (double)below) / (double)histogram[answer];
            median = answer == 0 ? 0.5 * share : (double)answer - 0.5 + share;
            break;
        }
        below += histogram[answer];
    }
    free(histogram);
    return 1.4826 * median / 6.0; /* the median of |N(0, s)| is s / 1.4826 */
}
