/* SPDX-License-Identifier: MIT
 *
 * Non-local means (Buades, Coll, Morel: A Non-Local Algorithm for Image Denoising, 2005), twice: as
 * neighborhood attention on the GPU, and as the plain loops of its definition to check that with.
 *
 *   out_i = sum_j w_ij v_j / sum_j w_ij,   w_ij = exp(-d_ij / h^2),   d_ij = mean squared difference of the
 * patches
 *
 * around pixels i and j; j runs over the search window of i. At a border of the photograph the window moves
 * inward and keeps its size, and patches are mirrored.
 *
 * The pixel itself has distance 0, while another one that shows the same thing has 2 sigma^2, the noise of
 * two patches. Its weight of 1 would drown the others, so it is replaced by the weight that such an equal is
 * expected to have.
 */
#ifndef DENOISE_NLM_H
#define DENOISE_NLM_H

#include <stdbool.h>
#include <stdint.h>

#include "photo.h"

typedef struct nlm_settings {
    uint32_t patch; /* side of a patch in pixels, odd */
    uint32_t
        window; /* side of the search window in pixels; cut to the photograph's size where that is smaller */
    double sigma;    /* standard deviation of the noise in levels, > 0 */
    double strength; /* h / sigma */
} nlm_settings;

#define NLM_MAX_PATCH  13u /* 3 x 13 x 13 + 2 = 509 dimensions; VATTEN_MAX_DIM is 576 */
#define NLM_MAX_REPEAT 99u
#define NLM_MIN_SIGMA  0.5 /* levels; below that, rounding to whole levels is the noise */

/* Patch side and strength that measured best for a noise level, on photographs. */
uint32_t nlm_default_patch(double sigma);
double nlm_default_strength(uint32_t patch);

double nlm_h(const nlm_settings *settings);           /* filter strength in levels */
double nlm_self_weight(const nlm_settings *settings); /* of the pixel itself */
uint32_t nlm_window(const nlm_settings *settings, uint32_t extent);

/* ---- On the GPU (nlm_gpu.c)
 * ----------------------------------------------------------------------------------- */

typedef struct nlm_gpu_desc {
    const char *device; /* as in vatten_context_desc */
    uint32_t piece;     /* longest side of a piece in pixels; 0 = what the device can bind at once */
    uint32_t repeat;    /* runs, 1..NLM_MAX_REPEAT, for the times */
} nlm_gpu_desc;

typedef struct nlm_gpu_result {
    char device[256];
    char kernel[64];
    uint32_t pieces;
    double gpu_ms;  /* of the attention; of several runs the median without the first */
    double wall_ms; /* with patches, uploads and downloads; without making the device */
} nlm_gpu_result;

/* Denoises `noisy` into `out`, which it creates. Prints progress when the photograph takes several pieces,
 * and the reason of a failure. */
bool nlm_gpu(const photo *noisy, const nlm_settings *settings, const nlm_gpu_desc *desc, photo *out,
             nlm_gpu_result *out_result);

/* ---- On the CPU (nlm_cpu.c)
 * ----------------------------------------------------------------------------------- */

typedef struct nlm_check_result {
    uint64_t pixels; /* that were compared: all, or an even sample of a large photograph */
    double max_diff; /* largest difference in levels */
    uint32_t x;      /* where */
    uint32_t y;
    double tolerance; /* in levels */
    bool passed;
} nlm_check_result;

/* Computes pixels of the definition in double and compares. False when memory is short, not when they differ.
 */
bool nlm_check(const photo *noisy, const nlm_settings *settings, const photo *denoised,
               nlm_check_result *out_result);

#endif
