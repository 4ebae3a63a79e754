/* SPDX-License-Identifier: MIT
 *
 * Non-local means as its definition says, in double. Nothing is shared with the GPU's way but the settings.
 */
#include <math.h>
#include <stdlib.h>

#include "nlm.h"
#include "report.h"

#define MAX_CHECKED 40000u /* pixels; a few seconds of plain loops */

/* A quarter of a level. f32 scores are differences of larger numbers: their rounding, divided by the pixel's
 * own weight, reaches a tenth of a level where a pixel has hardly an equal. */
#define TOLERANCE 0.25

/* The photograph with a mirrored border of patch / 2 pixels, so that every patch lies inside. */
typedef struct framed {
    uint32_t border;
    size_t row; /* values from one row to the next */
    double *rgb;
} framed;

static int64_t mirror(int64_t i, int64_t extent) {
    while (i < 0 || i >= extent) {
        i = extent == 1 ? 0 : i < 0 ? -i : 2 * (extent - 1) - i;
    }
    return i;
}

static bool frame(framed *out, const photo *image, uint32_t border) {
    uint32_t width = image->width + 2 * border;
    uint32_t height = image->height + 2 * border;
    *out = (framed){border, (size_t)width * 3, malloc((size_t)width * height * 3 * sizeof(double))};
    if (!out->rgb) {
        return complain("out of memory to check the result");
    }
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            int64_t from_y = mirror((int64_t)y - border, image->height);
            int64_t from_x = mirror((int64_t)x - border, image->width);
            for (int c = 0; c < 3; c++) {
                out->rgb[y * out->row + x * 3 + (size_t)c] =
                    image->rgb[(from_y * image->width + from_x) * 3 + c];
            }
        }
    }
    return true;
}

static double patch_distance(const framed *image, uint32_t side, size_t a, size_t b) {
    double sum = 0.0;
    for (uint32_t line = 0; line < side; line++) {
        for (uint32_t i = 0; i < side * 3; i++) {
            double difference = image->rgb[a + i] - image->rgb[b + i];
            sum += difference * difference;
        }
        a += image->row;
        b += image->row;
    }
    return sum / (side * side * 3);
}

/* The first pixel of a window of `window` around `i`, moved inward at the borders. */
static uint32_t window_begin(uint32_t i, uint32_t window, uint32_t extent) {
    uint32_t begin = i > window / 2 ? i - window / 2 : 0;
    return begin + window > extent ? extent - window : begin;
}

static void denoise_pixel(const framed *image, const photo *noisy, const nlm_settings *settings, uint32_t x,
                          uint32_t y, double out[3]) {
    double h2 = nlm_h(settings) * nlm_h(settings);
    uint32_t columns = nlm_window(settings, noisy->width);
    uint32_t rows = nlm_window(settings, noisy->height);
    uint32_t x0 = window_begin(x, columns, noisy->width);
    uint32_t y0 = window_begin(y, rows, noisy->height);
    double total = 0.0;
    out[0] = out[1] = out[2] = 0.0;
    for (uint32_t j = y0; j < y0 + rows; j++) {
        for (uint32_t i = x0; i < x0 + columns; i++) {
            double weight = nlm_self_weight(settings);
            if (i != x || j != y) {
                /* The patch around a pixel begins `border` before it, which is where the frame has put the
                 * pixel. */
                size_t here = y * image->row + (size_t)x * 3;
                weight =
                    exp(-patch_distance(image, settings->patch, here, j * image->row + (size_t)i * 3) / h2);
            }
            const float *value = noisy->rgb + ((size_t)j * noisy->width + i) * 3;
            total += weight;
            for (int c = 0; c < 3; c++) {
                out[c] += weight * (double)value[c];
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

/* Every pixel, or every n-th with n prime to the width, which visits all columns and all borders in turn. */
static uint64_t sample_step(const photo *image) {
    uint64_t step = ((uint64_t)image->width * image->height + MAX_CHECKED - 1) / MAX_CHECKED;
    while (common_divisor(step, image->width) != 1) {
        step++;
    }
    return step;
}

static void compare_pixel(nlm_check_result *result, const photo *denoised, uint32_t x, uint32_t y,
                          const double wanted[3]) {
    const float *got = denoised->rgb + ((size_t)y * denoised->width + x) * 3;
    for (int c = 0; c < 3; c++) {
        double difference = fabs(wanted[c] - (double)got[c]);
        if (!(difference <= result->max_diff) && !isnan(result->max_diff)) { /* NaN counts, and stays */
            result->max_diff = difference;
            result->x = x;
            result->y = y;
        }
    }
    result->pixels++;
}

bool nlm_check(const photo *noisy, const nlm_settings *settings, const photo *denoised,
               nlm_check_result *out_result) {
    *out_result = (nlm_check_result){.tolerance = TOLERANCE};
    framed image;
    if (!frame(&image, noisy, settings->patch / 2)) {
        return false;
    }
    uint64_t pixels = (uint64_t)noisy->width * noisy->height;
    uint64_t step = sample_step(noisy);
    for (uint64_t i = 0; i < pixels; i += step) {
        uint32_t x = (uint32_t)(i % noisy->width);
        uint32_t y = (uint32_t)(i / noisy->width);
        double wanted[3];
        denoise_pixel(&image, noisy, settings, x, y, wanted);
        compare_pixel(out_result, denoised, x, y, wanted);
    }
    out_result->passed = out_result->max_diff <= out_result->tolerance;
    free(image.rgb);
    return true;
}
