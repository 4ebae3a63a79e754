/* SPDX-License-Identifier: MIT
 *
 * Non-local means (Buades, Coll, Morel: A Non-Local Algorithm for Image Denoising, 2005; for sequences:
 * Denoising Image Sequences Does Not Require Motion Estimation, 2005), twice: as neighborhood attention on
 * the GPU, and as the plain loops of its definition to check that with.
 *
 *   out_i = sum_j w_ij v_j / sum_j w_ij,   w_ij = exp(-d_ij / h^2),
 *   d_ij = mean squared difference of the patches around pixels i and j
 *
 * j runs over the search window of i, which for a sequence spans frames too: what moved is found where it is.
 * At a border, the first and the last frame included, the window moves inward and keeps its size. Patches lie
 * in one frame and are mirrored at its border. A photograph is a sequence of one frame.
 *
 * The pixel itself has distance 0, while another one that shows the same thing has 2 sigma^2, the noise of
 * two patches. Its weight of 1 would drown the others, so it is replaced by the weight that such an equal is
 * expected to have.
 */
#ifndef DENOISE_NLM_H
#define DENOISE_NLM_H

#include <stdbool.h>
#include <stdint.h>

#include "clip.h"

typedef struct nlm_settings {
    uint32_t patch;       /* side of a patch in pixels, odd */
    uint32_t window;      /* side of the search window in pixels */
    uint32_t window_time; /* its frames */
    double sigma;         /* standard deviation of the noise in levels, > 0 */
    double strength;      /* h / sigma */
} nlm_settings;

#define NLM_MAX_PATCH           13u /* 3 x 13 x 13 + 2 = 509 dimensions; VATTEN_MAX_DIM is 576 */
#define NLM_MAX_REPEAT          99u
#define NLM_MIN_SIGMA           0.5 /* levels; below that, rounding to whole levels is the noise */
#define NLM_DEFAULT_WINDOW_TIME 5u

/* Patch side and strength that measured best for a noise level, on photographs. */
uint32_t nlm_default_patch(double sigma);
double nlm_default_strength(uint32_t patch);

double nlm_h(const nlm_settings *settings);           /* filter strength in levels */
double nlm_self_weight(const nlm_settings *settings); /* of the pixel itself */

/* A pixel of the answer: `attended` is what attention made of the `noisy` pixel, and `log_sum` its log-sum-exp. The weight of the
 * pixel itself, 1 of the sum of all, is exchanged for nlm_self_weight's. */
void nlm_keep_pixel(const uint8_t noisy[3], const float attended[3], double log_sum, double self_weight,
                    float out[3]);

/* The window along an axis: cut to the clip where that is smaller. */
uint32_t nlm_window(const nlm_settings *settings, const clip *movie, int axis);

/* ---- On the GPU (nlm_gpu.c) --------------------------------------------------------------------------- */

/* Gets the denoised pixels [where.size][3] of a part of the clip, in levels that are not rounded. Each pixel
 * comes once. */
typedef struct nlm_taker {
    void (*take)(void *user, const clip_box *where, const float *rgb);
    void *user;
} nlm_taker;

typedef struct nlm_gpu_desc {
    const char *device;    /* as in vatten_context_desc */
    uint32_t piece;        /* longest side of a piece in pixels; 0 = by memory */
    uint64_t memory_bytes; /* that pieces may take, buffers of device and host together */
    bool quiet;            /* no progress on stderr */
    uint32_t repeat;       /* runs, 1..NLM_MAX_REPEAT, for the times */
} nlm_gpu_desc;

#define NLM_DEFAULT_MEMORY_MB 300u /* fills bindings of the size that every Vulkan device allows */

typedef struct nlm_gpu_result {
    char device[256];
    char kernel[64];
    uint64_t pieces;
    uint32_t piece[CLIP_AXES]; /* size of a piece */
    uint64_t piece_bytes;      /* buffers of device and host */
    double gpu_ms;             /* of the attention; of several runs the median without the first */
    double wall_ms;            /* with patches, uploads and downloads; without making the device */
} nlm_gpu_result;

/* Denoises piece by piece, with progress on stderr. Prints the reason of a failure. */
bool nlm_gpu(const clip *noisy, const nlm_settings *settings, const nlm_gpu_desc *desc, nlm_taker taker,
             nlm_gpu_result *out_result);

/* ---- On the CPU (nlm_cpu.c) --------------------------------------------------------------------------- */

/* The mean squared difference of the patches around two pixels of a frame, in squares of levels. */
double nlm_distance(const photo *frame, uint32_t patch, const uint32_t a[2],
                    const uint32_t b[2]); /* [y, x] */

typedef struct nlm_check_result {
    uint64_t pixels;        /* that were compared: all, or an even sample of many */
    double max_diff;        /* largest difference in levels */
    uint32_t at[CLIP_AXES]; /* where */
    double tolerance;       /* in levels */
    bool passed;            /* so far */
} nlm_check_result;

typedef struct nlm_check {
    const clip *noisy;
    const nlm_settings *settings;
    uint64_t step; /* every step-th pixel is compared */
    nlm_check_result result;
} nlm_check;

nlm_check nlm_check_begin(const clip *noisy, const nlm_settings *settings);

/* Computes pixels of the box by definition, in double, and compares. */
void nlm_check_box(nlm_check *check, const clip_box *where, const float *rgb);

#endif
