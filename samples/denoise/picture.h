/* SPDX-License-Identifier: MIT
 *
 * Noisy, denoised and (when it is known) original frame beside each other, also one that was denoised alone:
 * the same part of each pixel by pixel, and below it the middle of that part enlarged four times, so that the
 * eye can judge noise and detail.
 */
#ifndef DENOISE_PICTURE_H
#define DENOISE_PICTURE_H

#include "photo.h"

typedef struct picture_crop {
    uint32_t width, height, x, y;
} picture_crop;

#define PICTURE_PANELS 4

typedef struct picture_panel {
    const photo *image;
    char caption[64];
} picture_panel;

/* The middle of the photograph, at most 320 x 240. */
picture_crop picture_default_crop(const photo *image);

/* Creates the picture. Panels have one size; the crop is moved and cut to fit into it. */
bool picture_side_by_side(photo *out, const picture_panel *panels, uint32_t count, picture_crop crop);

#endif
