/* SPDX-License-Identifier: MIT
 *
 * What the sample says: complaints on stderr, results on stdout as text or JSON.
 */
#ifndef DENOISE_REPORT_H
#define DENOISE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nlm.h"

#if defined(__GNUC__)
#define DENOISE_PRINTF __attribute__((format(printf, 1, 2)))
#else
#define DENOISE_PRINTF
#endif

/* Prints "denoise: ..." to stderr; always false, so that a failing function can return it. */
DENOISE_PRINTF bool complain(const char *format, ...);

/* Everything that was found out in one run. */
typedef struct report {
    const char *photo;
    uint32_t width;
    uint32_t height;
    nlm_settings settings;
    bool sigma_estimated;
    nlm_gpu_result gpu;
    bool has_psnr; /* the clean photograph is known */
    double psnr_noisy;
    double psnr_denoised;
    bool has_check;
    nlm_check_result check;
    const char *output;       /* NULL: not written */
    const char *side_by_side; /* NULL: not written */
} report;

void report_text(const report *r);
void report_json(const report *r);

#endif
