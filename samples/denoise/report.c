/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <math.h>
#include <stdio.h>

#include "json_lines.h"

#if defined(__unix__) || defined(__APPLE__)
#include <sys/resource.h>
#endif

#define MEGA (1024.0 * 1024.0)

/* The most that was resident since the program began; 0 where the system does not tell. */
static double peak_bytes(void) {
#if defined(__APPLE__)
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (double)usage.ru_maxrss : 0.0;
#elif defined(__unix__)
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? 1024.0 * (double)usage.ru_maxrss : 0.0;
#else
    return 0.0;
#endif
}

static void print_photo(const report *r) {
    if (r->frames == 1) {
        printf("photo     %s, %u x %u\n", r->first, r->width, r->height);
    } else {
        printf("frames    %s ... %s, %u of %u x %u\n", r->first, r->last, r->frames, r->width, r->height);
    }
}

static void print_filter(const report *r) {
    const nlm_settings *s = &r->settings;
    char time[32] = "";
    if (r->frames > 1) {
        snprintf(time, sizeof(time), " x %u frames", s->window_time);
    }
    printf("filter    patch %u x %u, window %u x %u%s, strength %.2f (h = %.1f levels)\n", s->patch, s->patch,
           s->window, s->window, time, s->strength, nlm_h(s));
}

static void print_memory(const report *r) {
    const nlm_gpu_result *gpu = &r->gpu;
    char time[32] = "";
    if (r->frames > 1) {
        snprintf(time, sizeof(time), " x %u frames", gpu->piece[CLIP_T]);
    }
    printf("memory    %.0f MB for %s%u x %u%s, %.0f MB the program at most\n",
           (double)gpu->piece_bytes / MEGA, gpu->pieces == 1 ? "" : "pieces of ", gpu->piece[CLIP_X],
           gpu->piece[CLIP_Y], time, peak_bytes() / MEGA);
}

static void print_psnr(const report *r) {
    printf("psnr      %.2f dB noisy, %.2f dB denoised (%+.2f dB)\n", r->psnr_noisy.all, r->psnr_denoised.all,
           r->psnr_denoised.all - r->psnr_noisy.all);
    if (r->frames > 1) {
        printf("          %.2f to %.2f dB noisy, %.2f to %.2f dB denoised by frame\n", r->psnr_noisy.least,
               r->psnr_noisy.most, r->psnr_denoised.least, r->psnr_denoised.most);
    }
    if (r->has_alone) {
        printf("alone     %.2f dB the middle frame by itself, %.2f dB with the others (%+.2f dB)\n",
               r->psnr_alone, r->psnr_middle, r->psnr_middle - r->psnr_alone);
    }
}

static void print_check(const report *r) {
    const nlm_check_result *check = &r->check;
    uint64_t all = (uint64_t)r->width * r->height * r->frames;
    char frame[32] = "";
    if (r->frames > 1) {
        snprintf(frame, sizeof(frame), " of frame %u", check->at[CLIP_T] + 1);
    }
    printf("check     %s: %llu of %llu pixels differ from the CPU by at most %.5f levels (allowed %.3f), at "
           "%u,%u%s\n",
           check->passed ? "passed" : "FAILED", (unsigned long long)check->pixels, (unsigned long long)all,
           check->max_diff, check->tolerance, check->at[CLIP_X], check->at[CLIP_Y], frame);
}

void report_text(const report *r) {
    print_photo(r);
    printf("device    %s\n", r->gpu.device);
    printf("noise     sigma %.1f levels%s\n", r->settings.sigma, r->sigma_estimated ? ", estimated" : "");
    print_filter(r);
    printf("time      %.1f ms attention (%s), %.1f ms with patches and copies, %llu piece%s\n", r->gpu.gpu_ms,
           r->gpu.kernel, r->gpu.wall_ms, (unsigned long long)r->gpu.pieces, r->gpu.pieces == 1 ? "" : "s");
    print_memory(r);
    if (r->has_psnr) {
        print_psnr(r);
    }
    if (r->has_check) {
        print_check(r);
    }
    printf("written   %s%s%s%s%s\n", r->output, r->frames > 1 ? " ... " : "",
           r->frames > 1 ? r->output_last : "", r->side_by_side ? ", " : "",
           r->side_by_side ? r->side_by_side : "");
}

static void json_psnr(json_lines *j, const report *r) {
    json_number(j, "psnr_noisy", r->psnr_noisy.all);
    json_number(j, "psnr_noisy_least", r->psnr_noisy.least);
    json_number(j, "psnr_denoised", r->psnr_denoised.all);
    json_number(j, "psnr_denoised_least", r->psnr_denoised.least);
    if (r->has_alone) {
        json_number(j, "psnr_alone", r->psnr_alone);
        json_number(j, "psnr_middle", r->psnr_middle);
    }
}

static void json_check(json_lines *j, const nlm_check_result *check) {
    json_number(j, "check_pixels", (double)check->pixels);
    json_number(j, "check_max_diff", check->max_diff);
    json_number(j, "check_tolerance", check->tolerance);
    json_bool(j, "check_passed", check->passed);
}

static void json_gpu(json_lines *j, const nlm_gpu_result *gpu) {
    json_text(j, "device", gpu->device);
    json_text(j, "kernel", gpu->kernel);
    json_number(j, "pieces", (double)gpu->pieces);
    json_number(j, "piece_frames", gpu->piece[CLIP_T]);
    json_number(j, "piece_height", gpu->piece[CLIP_Y]);
    json_number(j, "piece_width", gpu->piece[CLIP_X]);
    json_number(j, "piece_bytes", (double)gpu->piece_bytes);
    json_number(j, "gpu_ms", gpu->gpu_ms);
    json_number(j, "wall_ms", gpu->wall_ms);
}

void report_json(const report *r) {
    json_lines j = {0};
    json_open(&j, NULL, '{');
    json_text(&j, "photo", r->first);
    json_number(&j, "frames", r->frames);
    json_number(&j, "width", r->width);
    json_number(&j, "height", r->height);
    json_gpu(&j, &r->gpu);
    json_number(&j, "peak_bytes", peak_bytes());
    json_number(&j, "sigma", r->settings.sigma);
    json_number(&j, "strength", r->settings.strength);
    json_number(&j, "patch", r->settings.patch);
    json_number(&j, "window", r->settings.window);
    json_number(&j, "window_time", r->settings.window_time);
    if (r->has_psnr) {
        json_psnr(&j, r);
    }
    if (r->has_check) {
        json_check(&j, &r->check);
    }
    json_text(&j, "side_by_side", r->side_by_side);
    json_text(&j, "output", r->output);
    json_bool(&j, "sigma_estimated", r->sigma_estimated);
    json_close(&j, '}');
}
