/* SPDX-License-Identifier: MIT
 *
 * Frames of one size, one after the other. A single photograph is a clip of one frame.
 */
#ifndef DENOISE_CLIP_H
#define DENOISE_CLIP_H

#include "photo.h"

/* All zero: no clip. */
typedef struct clip {
    uint32_t frames;
    uint32_t width;
    uint32_t height;
    photo *frame; /* [frames] */
} clip;

/* The axes of a clip, outermost first, as vatten counts them. */
enum { CLIP_T, CLIP_Y, CLIP_X, CLIP_AXES };

/* A part of a clip: some frames, and the same rectangle in each. */
typedef struct clip_box {
    uint32_t begin[CLIP_AXES];
    uint32_t size[CLIP_AXES];
} clip_box;

/* False after a message when memory is short; pixels are 0. */
bool clip_create(clip *out, uint32_t frames, uint32_t width, uint32_t height);
bool clip_copy(clip *out, const clip *from);
void clip_destroy(clip *movie);

/* Reads `count` files. False after a message, which for frames of two sizes names both. */
bool clip_load(clip *out, char *const *paths, uint32_t count);

/* One frame as a clip of its own; shares the pixels, so is not destroyed. */
clip clip_one(const clip *movie, uint32_t frame);

uint32_t clip_extent(const clip *movie, int axis);
uint64_t clip_pixels(const clip *movie); /* of all frames */

/* Rounds values [box.size][3] into the box. */
void clip_write(clip *out, const clip_box *box, const float *rgb);

/* Peak signal-to-noise ratio over all frames in dB; INFINITY for equal clips. Sizes must be equal. */
double clip_psnr(const clip *a, const clip *b);

#endif
