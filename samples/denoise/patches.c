/* SPDX-License-Identifier: MIT */
#include "patches.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

uint32_t patch_dim(uint32_t patch) {
    return (3 * patch * patch + 2 + 3) / 4 * 4; /* whole vectors of four load fastest */
}

static void mean_colour(const photo *image, double mean[3]) {
    size_t values = photo_values(image);
    mean[0] = mean[1] = mean[2] = 0.0;
    for (size_t i = 0; i < values; i++) {
        mean[i % 3] += (double)image->rgb[i] / (double)(values / 3);
    }
}

/* Mirrored at the first and the last pixel, which are not repeated. A photograph may be smaller than a patch.
 */
static uint32_t mirrored(int64_t i, uint32_t extent) {
    if (extent == 1) {
        return 0;
    }
    int64_t period = 2 * ((int64_t)extent - 1);
    i = (i % period + period) % period;
    return (uint32_t)(i < extent ? i : period - i);
}

bool patch_source_create(patch_source *out, const photo *image, const nlm_settings *settings) {
    uint32_t border = settings->patch / 2;
    uint32_t width = image->width + 2 * border;
    uint32_t height = image->height + 2 * border;
    *out = (patch_source){settings->patch, (size_t)width * 3,
                          malloc((size_t)width * height * 3 * sizeof(float))};
    if (!out->rgb) {
        return complain("out of memory for the patches of %u x %u pixels", image->width, image->height);
    }
    double mean[3];
    mean_colour(image, mean);
    double factor = 1.0 / (nlm_h(settings) * sqrt(3.0 * settings->patch * settings->patch));
    for (uint32_t y = 0; y < height; y++) {
        size_t from_row = (size_t)mirrored((int64_t)y - border, image->height) * image->width;
        for (uint32_t x = 0; x < width; x++) {
            const float *from = image->rgb + 3 * (from_row + mirrored((int64_t)x - border, image->width));
            float *to = out->rgb + y * out->row + (size_t)x * 3;
            for (int c = 0; c < 3; c++) {
                to[c] = (float)(((double)from[c] - mean[c]) * factor);
            }
        }
    }
    return true;
}

void patch_source_destroy(patch_source *source) {
    free(source->rgb);
    *source = (patch_source){0};
}

/* Copies the patch around a pixel, zeros behind it, and returns its squared norm. */
static double copy_patch(const patch_source *source, uint32_t x, uint32_t y, float *out) {
    size_t run = (size_t)source->patch * 3;
    const float *from = source->rgb + y * source->row + (size_t)x * 3;
    for (uint32_t line = 0; line < source->patch; line++) {
        memcpy(out + line * run, from + line * source->row, run * sizeof(float));
    }
    double norm = 0.0;
    for (size_t i = 0; i < source->patch * run; i++) {
        norm += (double)out[i] * (double)out[i];
    }
    for (size_t i = source->patch * run; i < patch_dim(source->patch); i++) {
        out[i] = 0.0f;
    }
    return norm;
}

void patches_to_queries(const patch_source *source, patch_area area, float *out) {
    uint32_t dim = patch_dim(source->patch);
    uint32_t values = 3 * source->patch * source->patch;
    for (uint32_t y = area.y; y < area.y + area.height; y++) {
        for (uint32_t x = area.x; x < area.x + area.width; x++) {
            out[values] = (float)copy_patch(source, x, y, out);
            out[values + 1] = 1.0f;
            out += dim;
        }
    }
}

void patches_to_keys(const patch_source *source, patch_area area, float *out) {
    uint32_t dim = patch_dim(source->patch);
    uint32_t values = 3 * source->patch * source->patch;
    for (uint32_t y = area.y; y < area.y + area.height; y++) {
        for (uint32_t x = area.x; x < area.x + area.width; x++) {
            out[values + 1] = (float)-copy_patch(source, x, y, out);
            out[values] = -1.0f;
            for (uint32_t i = 0; i < values; i++) {
                out[i] *= 2.0f;
            }
            out += dim;
        }
    }
}

void pixels_to_values(const photo *image, patch_area area, float *out) {
    for (uint32_t y = area.y; y < area.y + area.height; y++) {
        const float *from = image->rgb + ((size_t)y * image->width + area.x) * 3;
        for (uint32_t x = 0; x < area.width; x++) {
            memcpy(out, from + (size_t)x * 3, 3 * sizeof(float));
            out[3] = 0.0f;
            out += PIXEL_DIM;
        }
    }
}
