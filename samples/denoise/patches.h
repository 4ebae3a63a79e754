/* SPDX-License-Identifier: MIT
 *
 * Patches as queries and keys, such that q . k is exactly the score of non-local means:
 *
 *   f_i = (patch around i - mean colour) / (h sqrt(n))      n = 3 patch^2 values, h the filter strength
 *   q_i = [f_i, |f_i|^2, 1]     k_j = [2 f_j, -1, -|f_j|^2]     q_i . k_j = -|f_i - f_j|^2 = -d_ij / h^2
 *
 * The mean colour cancels in the difference; taking it away keeps the squares small, and f32 precise. The
 * softmax would cancel |f_i|^2 as well: it is there so that the log-sum-exp is that of the weights themselves.
 *
 * A patch lies in one frame. Where it leaves the frame, the frame is mirrored.
 */
#ifndef DENOISE_PATCHES_H
#define DENOISE_PATCHES_H

#include "clip.h"
#include "nlm.h"

typedef struct patch_source {
    const clip *movie;
    uint32_t patch;
    float value[3][256]; /* of each channel's levels: less the mean, divided by h sqrt(n) */
} patch_source;

/* Of queries and keys: 3 patch^2 + 2, and of values: 3, each with zeros up to a multiple of four. Rows of whole
 * vectors are loaded four elements at a time. */
#define PIXEL_DIM 4u
uint32_t patch_dim(uint32_t patch);

void patch_source_init(patch_source *out, const clip *movie, const nlm_settings *settings);

/* Queries or keys [count][patch_dim] of the pixels `first` to `first + count` of a box. */
void patches_to_queries(const patch_source *source, const clip_box *box, size_t first, size_t count,
                        float *out);
void patches_to_keys(const patch_source *source, const clip_box *box, size_t first, size_t count, float *out);

/* Values [box.size][PIXEL_DIM]. */
void pixels_to_values(const clip *movie, const clip_box *box, float *out);

#endif
