/* SPDX-License-Identifier: MIT
 *
 * Non-local means as its definition says: distances of whole levels, which are exact, and weights in double.
 * Nothing is shared with the GPU's way but the settings.
 */
#include <math.h>

#include "nlm.h"

/* Pairs of pixels that are compared, and pixels where windows are small; a few seconds of plain loops. */
#define MAX_PAIRS  20000000u
#define MAX_PIXELS 40000u

/* A quarter of a level. f32 scores are differences of larger numbers: their rounding, divided by the pixel's
 * own weight, reaches a tenth of a level where a pixel has hardly an equal. */
#define TOLERANCE 0.25

typedef struct pixel {
    int64_t t, y, x;
} pixel;

static int64_t mirror(int64_t i, int64_t extent) {
    while (i < 0 || i >= extent) {
        i = extent == 1 ? 0 : i < 0 ? -i : 2 * (extent - 1) - i;
    }
    return i;
}

static const uint8_t *levels_at(const clip *movie, pixel p) {
    int64_t y = mirror(p.y, movie->height);
    int64_t x = mirror(p.x, movie->width);
    return movie->frame[p.t].rgb + 3 * (y * movie->width + x);
}

static double patch_distance(const clip *movie, uint32_t side, pixel a, pixel b) {
    int64_t sum = 0;
    int64_t border = side / 2;
    for (int64_t dy = -border; dy <= border; dy++) {
        for (int64_t dx = -border; dx <= border; dx++) {
            const uint8_t *left = levels_at(movie, (pixel){a.t, a.y + dy, a.x + dx});
            const uint8_t *right = levels_at(movie, (pixel){b.t, b.y + dy, b.x + dx});
            for (int c = 0; c < 3; c++) {
                sum += (left[c] - right[c]) * (left[c] - right[c]);
            }
        }
    }
    return (double)sum / (side * side * 3);
}

double nlm_distance(const photo *frame, uint32_t patch, const uint32_t a[2], const uint32_t b[2]) {
    clip movie = {1, frame->width, frame->height, (photo *)frame};
    return patch_distance(&movie, patch, (pixel){0, a[0], a[1]}, (pixel){0, b[0], b[1]});
}

typedef struct range {
    int64_t begin, end;
} range;

/* The window around `i`, moved inward at the borders. */
static range window_around(int64_t i, int64_t window, int64_t extent) {
    int64_t begin = i > window / 2 ? i - window / 2 : 0;
    begin = begin + window > extent ? extent - window : begin;
    return (range){begin, begin + window};
}

static void denoise_pixel(const clip *movie, const nlm_settings *settings, pixel p, double out[3]) {
    double h2 = nlm_h(settings) * nlm_h(settings);
    range frames = window_around(p.t, nlm_window(settings, movie, CLIP_T), movie->frames);
    range rows = window_around(p.y, nlm_window(settings, movie, CLIP_Y), movie->height);
    range columns = window_around(p.x, nlm_window(settings, movie, CLIP_X), movie->width);
    double total = 0.0;
    out[0] = out[1] = out[2] = 0.0;
    for (int64_t t = frames.begin; t < frames.end; t++) {
        for (int64_t y = rows.begin; y < rows.end; y++) {
            for (int64_t x = columns.begin; x < columns.end; x++) {
                pixel other = {t, y, x};
                bool self = t == p.t && y == p.y && x == p.x;
                double weight = self ? nlm_self_weight(settings)
                                     : exp(-patch_distance(movie, settings->patch, p, other) / h2);
                const uint8_t *value = levels_at(movie, other);
                total += weight;
                for (int c = 0; c < 3; c++) {
                    out[c] += weight * value[c];
                }
            }
        }
    }
    for (int c = 0; c < 3; c++) {
        out[c] /= total;
    }
}

static uint64_t common_divisor(uint64_t a, uint64_t b) {
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Every pixel, or every n-th with n prime to the sides, which visits all columns and all borders in turn. */
static uint64_t sample_step(const clip *movie, const nlm_settings *settings) {
    uint64_t keys = 1;
    for (int a = 0; a < CLIP_AXES; a++) {
        keys *= nlm_window(settings, movie, a);
    }
    uint64_t most = MAX_PAIRS / keys < MAX_PIXELS ? MAX_PAIRS / keys : MAX_PIXELS;
    uint64_t step = (clip_pixels(movie) + most - 1) / most;
    while (common_divisor(step, (uint64_t)movie->width * movie->height) != 1) {
        step++;
    }
    return step;
}

nlm_check nlm_check_begin(const clip *noisy, const nlm_settings *settings) {
    return (nlm_check){
        noisy, settings, sample_step(noisy, settings), {.tolerance = TOLERANCE, .passed = true}};
}

static void compare_pixel(nlm_check_result *result, pixel p, const double wanted[3], const float *got) {
    for (int c = 0; c < 3; c++) {
        double difference = fabs(wanted[c] - (double)got[c]);
        if (!(difference <= result->max_diff) && !isnan(result->max_diff)) { /* NaN counts, and stays */
            result->max_diff = difference;
            result->at[CLIP_T] = (uint32_t)p.t;
            result->at[CLIP_Y] = (uint32_t)p.y;
            result->at[CLIP_X] = (uint32_t)p.x;
        }
    }
    result->pixels++;
    result->passed = result->max_diff <= result->tolerance;
}

static bool is_sampled(const nlm_check *check, pixel p) {
    int64_t index = (p.t * check->noisy->height + p.y) * check->noisy->width + p.x;
    return (uint64_t)index % check->step == 0;
}

void nlm_check_box(nlm_check *check, const clip_box *where, const float *rgb) {
    pixel begin = {where->begin[CLIP_T], where->begin[CLIP_Y], where->begin[CLIP_X]};
    for (int64_t t = begin.t; t < begin.t + where->size[CLIP_T]; t++) {
        for (int64_t y = begin.y; y < begin.y + where->size[CLIP_Y]; y++) {
            for (int64_t x = begin.x; x < begin.x + where->size[CLIP_X]; x++, rgb += 3) {
                pixel p = {t, y, x};
                if (is_sampled(check, p)) {
                    double wanted[3];
                    denoise_pixel(check->noisy, check->settings, p, wanted);
                    compare_pixel(&check->result, p, wanted, rgb);
                }
            }
        }
    }
}
