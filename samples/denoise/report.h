/* SPDX-License-Identifier: MIT
 *
 * The results of a run on stdout, as text or JSON.
 */
#ifndef DENOISE_REPORT_H
#define DENOISE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nlm.h"

/* Decibels over all frames, and of the worst and the best frame. */
typedef struct report_psnr {
    double all;
    double least;
    double most;
} report_psnr;

/* Everything that was found out in one run. */
typedef struct report {
    const char *first; /* names of the first and the last frame */
    const char *last;
    uint32_t frames;
    uint32_t width;
    uint32_t height;
    nlm_settings settings;
    bool sigma_estimated;
    nlm_gpu_result gpu;
    bool has_psnr; /* the clean frames are known */
    report_psnr psnr_noisy;
    report_psnr psnr_denoised;
    bool has_alone; /* the middle frame was denoised without its neighbours too */
    double psnr_alone;
    double psnr_middle; /* the same frame with them */
    bool has_check;
    nlm_check_result check;
    const char *output;       /* name of the first frame that was written */
    const char *output_last;  /* and of the last */
    const char *side_by_side; /* NULL: not written */
} report;

void report_text(const report *r);
void report_json(const report *r);

#endif
