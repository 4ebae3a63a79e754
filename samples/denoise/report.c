/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

bool complain(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("denoise: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return false;
}

static void print_check(const report *r) {
    const nlm_check_result *check = &r->check;
    uint64_t all = (uint64_t)r->width * r->height;
    printf("check     %s: %llu of %llu pixels differ from the CPU by at most %.5f levels (allowed %.3f), at "
           "%u,%u\n",
           check->passed ? "passed" : "FAILED", (unsigned long long)check->pixels, (unsigned long long)all,
           check->max_diff, check->tolerance, check->x, check->y);
}

void report_text(const report *r) {
    const nlm_settings *s = &r->settings;
    printf("photo     %s, %u x %u\n", r->photo, r->width, r->height);
    printf("device    %s\n", r->gpu.device);
    printf("noise     sigma %.1f levels%s\n", s->sigma, r->sigma_estimated ? ", estimated" : "");
    printf("filter    patch %u x %u, window %u x %u, strength %.2f (h = %.1f levels)\n", s->patch, s->patch,
           s->window, s->window, s->strength, nlm_h(s));
    printf("time      %.1f ms attention (%s), %.1f ms with patches and copies, %u piece%s\n", r->gpu.gpu_ms,
           r->gpu.kernel, r->gpu.wall_ms, r->gpu.pieces, r->gpu.pieces == 1 ? "" : "s");
    if (r->has_psnr) {
        printf("psnr      %.2f dB noisy, %.2f dB denoised (%+.2f dB)\n", r->psnr_noisy, r->psnr_denoised,
               r->psnr_denoised - r->psnr_noisy);
    }
    if (r->has_check) {
        print_check(r);
    }
    printf("written   %s%s%s\n", r->output, r->side_by_side ? ", " : "",
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
        printf("  \"%s\": %.9g,\n", name, number);
    } else {
        printf("  \"%s\": null,\n", name);
    }
}

void report_json(const report *r) {
    printf("{\n");
    print_json_text("photo", r->photo);
    print_json_number("width", r->width);
    print_json_number("height", r->height);
    print_json_text("device", r->gpu.device);
    print_json_text("kernel", r->gpu.kernel);
    print_json_number("pieces", r->gpu.pieces);
    print_json_number("gpu_ms", r->gpu.gpu_ms);
    print_json_number("wall_ms", r->gpu.wall_ms);
    print_json_number("sigma", r->settings.sigma);
    print_json_number("strength", r->settings.strength);
    print_json_number("patch", r->settings.patch);
    print_json_number("window", r->settings.window);
    if (r->has_psnr) {
        print_json_number("psnr_noisy", r->psnr_noisy);
        print_json_number("psnr_denoised", r->psnr_denoised);
    }
    if (r->has_check) {
        print_json_number("check_pixels", (double)r->check.pixels);
        print_json_number("check_max_diff", r->check.max_diff);
        print_json_number("check_tolerance", r->check.tolerance);
        printf("  \"check_passed\": %s,\n", r->check.passed ? "true" : "false");
    }
    print_json_text("side_by_side", r->side_by_side);
    print_json_text("output", r->output);
    printf("  \"sigma_estimated\": %s\n}\n", r->sigma_estimated ? "true" : "false");
}
