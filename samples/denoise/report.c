/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#if defined(__unix__) || defined(__APPLE__)
#include <sys/resource.h>
#endif

#define MEGA (1024.0 * 1024.0)

bool complain(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("denoise: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return false;
}

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

static void print_json_text(const char *name, const char *text) {
    if (!text) {
        printf("  \"%s\": null,\n", name);
        return;
    }
    printf("  \"%s\": \"", name);
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\') {
            printf("\\%c", *c);
        } else if ((unsigned char)*c < 0x20) {
            printf("\\u%04x", (unsigned)*c);
        } else {
            putchar(*c);
        }
    }
    printf("\",\n");
}

/* JSON has no infinity and no NaN. */
static void print_json_number(const char *name, double number) {
    if (isfinite(number)) {
        printf("  \"%s\": %.12g,\n", name, number);
    } else {
        printf("  \"%s\": null,\n", name);
    }
}

static void print_json_psnr(const report *r) {
    print_json_number("psnr_noisy", r->psnr_noisy.all);
    print_json_number("psnr_noisy_least", r->psnr_noisy.least);
    print_json_number("psnr_denoised", r->psnr_denoised.all);
    print_json_number("psnr_denoised_least", r->psnr_denoised.least);
    if (r->has_alone) {
        print_json_number("psnr_alone", r->psnr_alone);
        print_json_number("psnr_middle", r->psnr_middle);
    }
}

static void print_json_check(const nlm_check_result *check) {
    print_json_number("check_pixels", (double)check->pixels);
    print_json_number("check_max_diff", check->max_diff);
    print_json_number("check_tolerance", check->tolerance);
    printf("  \"check_passed\": %s,\n", check->passed ? "true" : "false");
}

static void print_json_gpu(const nlm_gpu_result *gpu) {
    print_json_text("device", gpu->device);
    print_json_text("kernel", gpu->kernel);
    print_json_number("pieces", (double)gpu->pieces);
    print_json_number("piece_frames", gpu->piece[CLIP_T]);
    print_json_number("piece_height", gpu->piece[CLIP_Y]);
    print_json_number("piece_width", gpu->piece[CLIP_X]);
    print_json_number("piece_bytes", (double)gpu->piece_bytes);
    print_json_number("gpu_ms", gpu->gpu_ms);
    print_json_number("wall_ms", gpu->wall_ms);
}

void report_json(const report *r) {
    printf("{\n");
    print_json_text("photo", r->first);
    print_json_number("frames", r->frames);
    print_json_number("width", r->width);
    print_json_number("height", r->height);
    print_json_gpu(&r->gpu);
    print_json_number("peak_bytes", peak_bytes());
    print_json_number("sigma", r->settings.sigma);
    print_json_number("strength", r->settings.strength);
    print_json_number("patch", r->settings.patch);
    print_json_number("window", r->settings.window);
    print_json_number("window_time", r->settings.window_time);
    if (r->has_psnr) {
        print_json_psnr(r);
    }
    if (r->has_check) {
        print_json_check(&r->check);
    }
    print_json_text("side_by_side", r->side_by_side);
    print_json_text("output", r->output);
    printf("  \"sigma_estimated\": %s\n}\n", r->sigma_estimated ? "true" : "false");
}
