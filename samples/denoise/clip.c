/* SPDX-License-Identifier: MIT */
#include "clip.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"

static bool make_frames(clip *out, uint32_t frames, uint32_t width, uint32_t height) {
    *out = (clip){frames, width, height, calloc(frames, sizeof(photo))};
    return out->frame || complain("out of memory for %u frames", frames);
}

bool clip_create(clip *out, uint32_t frames, uint32_t width, uint32_t height) {
    bool ok = make_frames(out, frames, width, height);
    for (uint32_t t = 0; ok && t < frames; t++) {
        ok = photo_create(&out->frame[t], width, height);
    }
    if (!ok) {
        clip_destroy(out);
    }
    return ok;
}

bool clip_copy(clip *out, const clip *from) {
    if (!clip_create(out, from->frames, from->width, from->height)) {
        return false;
    }
    for (uint32_t t = 0; t < from->frames; t++) {
        memcpy(out->frame[t].rgb, from->frame[t].rgb, photo_values(&from->frame[t]));
    }
    return true;
}

void clip_destroy(clip *movie) {
    for (uint32_t t = 0; movie->frame && t < movie->frames; t++) {
        photo_destroy(&movie->frame[t]);
    }
    free(movie->frame);
    *movie = (clip){0};
}

static bool load_frame(clip *out, char *const *paths, uint32_t t) {
    photo *frame = &out->frame[t];
    if (!photo_load(frame, paths[t])) {
        return false;
    }
    const photo *first = &out->frame[0];
    return (frame->width == first->width && frame->height == first->height) ||
           complain("frames have one size: '%s' has %u x %u pixels, '%s' has %u x %u", paths[0], first->width,
                    first->height, paths[t], frame->width, frame->height);
}

bool clip_load(clip *out, char *const *paths, uint32_t count) {
    bool ok = make_frames(out, count, 0, 0);
    for (uint32_t t = 0; ok && t < count; t++) {
        ok = load_frame(out, paths, t);
    }
    if (!ok) {
        clip_destroy(out);
        return false;
    }
    out->width = out->frame[0].width;
    out->height = out->frame[0].height;
    return true;
}

clip clip_one(const clip *movie, uint32_t frame) {
    return (clip){1, movie->width, movie->height, &movie->frame[frame]};
}

uint32_t clip_extent(const clip *movie, int axis) {
    return axis == CLIP_T ? movie->frames : axis == CLIP_Y ? movie->height : movie->width;
}

uint64_t clip_pixels(const clip *movie) {
    return (uint64_t)movie->frames * movie->height * movie->width;
}

void clip_write(clip *out, const clip_box *box, const float *rgb) {
    size_t row = (size_t)box->size[CLIP_X] * 3;
    for (uint32_t t = 0; t < box->size[CLIP_T]; t++) {
        for (uint32_t y = 0; y < box->size[CLIP_Y]; y++) {
            size_t to = (size_t)(box->begin[CLIP_Y] + y) * out->width + box->begin[CLIP_X];
            uint8_t *levels = out->frame[box->begin[CLIP_T] + t].rgb + to * 3;
            for (size_t i = 0; i < row; i++) {
                levels[i] = photo_level((double)rgb[i]);
            }
            rgb += row;
        }
    }
}

double clip_psnr(const clip *a, const clip *b) {
    uint64_t sum = 0; /* exact: of whole numbers */
    for (uint32_t t = 0; t < a->frames; t++) {
        size_t values = photo_values(&a->frame[t]);
        for (size_t i = 0; i < values; i++) {
            int difference = a->frame[t].rgb[i] - b->frame[t].rgb[i];
            sum += (uint64_t)(difference * difference);
        }
    }
    double mean = (double)sum / ((double)clip_pixels(a) * 3.0);
    return mean > 0.0 ? 10.0 * log10(255.0 * 255.0 / mean) : (double)INFINITY;
}
