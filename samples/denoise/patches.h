/* SPDX-License-Identifier: MIT
 *
 * Patches as queries and keys, such that q . k is exactly the score of non-local means:
 *
 *   f_i = patch around i, less the mean colour, divided by h sqrt(n)       n = 3 patch^2 values, h the filter
 * strength q_i = [f_i, |f_i|^2, 1]     k_j = [2 f_j, -1, -|f_j|^2]     q_i . k_j = -|f_i - f_j|^2 = -d_ij /
 * h^2
 *
 * The mean colour cancels in the difference; taking it away keeps the squares small, and f32 precise. The
 * softmax would cancel |f_i|^2 as well: it is there so that the log-sum-exp is that of the weights
 * themselves.
 */
#ifndef DENOISE_PATCHES_H
#define DENOISE_PATCHES_H

#include "nlm.h"

/* The photograph, centred and scaled, with a mirrored border: every patch is `patch` runs of values in it. */
typedef struct patch_source {
    uint32_t patch;
    size_t row; /* values from one row to the next */
    float *rgb;
} patch_source;

/* A rectangle of pixels in the photograph. */
typedef struct patch_area {
    uint32_t x, y, width, height;
} patch_area;

/* Of queries and keys: 3 patch^2 + 2, and of values: 3, each with zeros up to a multiple of four. Rows of whole vectors
 * are loaded four elements at a time. */
#define PIXEL_DIM 4u
uint32_t patch_dim(uint32_t patch);

bool patch_source_create(patch_source *out, const photo *image, const nlm_settings *settings);
void patch_source_destroy(patch_source *source);

/* Queries and keys [height x width][patch_dim] and values [height x width][PIXEL_DIM] of an area. */
void patches_to_queries(const patch_source *source, patch_area area, float *out);
void patches_to_keys(const patch_source *source, patch_area area, float *out);
void pixels_to_values(const photo *image, patch_area area, float *out);

#endif
