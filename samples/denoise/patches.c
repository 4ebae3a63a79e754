/* SPDX-License-Identifier: MIT */
#include "patches.h"

#include <math.h>

uint32_t patch_dim(uint32_t patch) {
    return (3 * patch * patch + 2 + 3) / 4 * 4;
}

static void mean_colour(const clip *movie, double mean[3]) {
    uint64_t sum[3] = {0};
    for (uint32_t t = 0; t < movie->frames; t++) {
        const photo *frame = &movie->frame[t];
        for (size_t i = 0; i < photo_values(frame); i++) {
            sum[i % 3] += frame->rgb[i];
        }
    }
    for (int c = 0; c < 3; c++) {
        mean[c] = (double)sum[c] / (double)clip_pixels(movie);
    }
}

void patch_source_init(patch_source *out, const clip *movie, const nlm_settings *settings) {
    out->movie = movie;
    out->patch = settings->patch;
    double mean[3];
    mean_colour(movie, mean);
    double factor = 1.0 / (nlm_h(settings) * sqrt(3.0 * settings->patch * settings->patch));
    for (int c = 0; c < 3; c++) {
        for (int level = 0; level < 256; level++) {
            out->value[c][level] = (float)((level - mean[c]) * factor);
        }
    }
}

/* Mirrored at the first and the last pixel, which are not repeated. A photograph may be smaller than a patch. */
static uint32_t mirrored(int64_t i, uint32_t extent) {
    if (i >= 0 && i < extent) {
        return (uint32_t)i;
    }
    if (extent == 1) {
        return 0;
    }
    int64_t period = 2 * ((int64_t)extent - 1);
    i = (i % period + period) % period;
    return (uint32_t)(i < extent ? i : period - i);
}

typedef struct place {
    uint32_t at[CLIP_AXES];
} place;

/* Numbers of a patch, before the two of its norm. */
static uint32_t patch_values(const patch_source *source) {
    return 3 * source->patch * source->patch;
}

/* Writes the patch around a pixel, zeros behind it, and returns its squared norm. */
static double copy_patch(const patch_source *source, place p, float *out) {
    const photo *frame = &source->movie->frame[p.at[CLIP_T]];
    int64_t border = source->patch / 2;
    double norm = 0.0;
    for (int64_t y = p.at[CLIP_Y] - border; y <= p.at[CLIP_Y] + border; y++) {
        const uint8_t *row = frame->rgb + (size_t)mirrored(y, frame->height) * frame->width * 3;
        for (int64_t x = p.at[CLIP_X] - border; x <= p.at[CLIP_X] + border; x++) {
            const uint8_t *pixel = row + (size_t)mirrored(x, frame->width) * 3;
            for (int c = 0; c < 3; c++) {
                float value = source->value[c][pixel[c]];
                norm += (double)value * (double)value;
                *out++ = value;
            }
        }
    }
    for (uint32_t i = patch_values(source); i < patch_dim(source->patch); i++) {
        *out++ = 0.0f;
    }
    return norm;
}

/* The n-th pixel of a box. */
static place box_place(const clip_box *box, size_t n) {
    place p;
    for (int a = CLIP_AXES - 1; a >= 0; a--) {
        p.at[a] = box->begin[a] + (uint32_t)(n % box->size[a]);
        n /= box->size[a];
    }
    return p;
}

void patches_to_queries(const patch_source *source, const clip_box *box, size_t first, size_t count,
                        float *out) {
    uint32_t values = patch_values(source);
    for (size_t n = first; n < first + count; n++) {
        out[values] = (float)copy_patch(source, box_place(box, n), out);
        out[values + 1] = 1.0f;
        out += patch_dim(source->patch);
    }
}

void patches_to_keys(const patch_source *source, const clip_box *box, size_t first, size_t count,
                     float *out) {
    uint32_t values = patch_values(source);
    for (size_t n = first; n < first + count; n++) {
        out[values + 1] = (float)-copy_patch(source, box_place(box, n), out);
        out[values] = -1.0f;
        for (uint32_t i = 0; i < values; i++) {
            out[i] *= 2.0f;
        }
        out += patch_dim(source->patch);
    }
}

void pixels_to_values(const clip *movie, const clip_box *box, float *out) {
    for (uint32_t t = 0; t < box->size[CLIP_T]; t++) {
        for (uint32_t y = 0; y < box->size[CLIP_Y]; y++) {
            size_t from = (size_t)(box->begin[CLIP_Y] + y) * movie->width + box->begin[CLIP_X];
            const uint8_t *levels = movie->frame[box->begin[CLIP_T] + t].rgb + from * 3;
            for (size_t x = 0; x < box->size[CLIP_X]; x++, levels += 3, out += PIXEL_DIM) {
                for (int c = 0; c < 3; c++) {
                    out[c] = (float)levels[c];
                }
                out[3] = 0.0f;
            }
        }
    }
}
