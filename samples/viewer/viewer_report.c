/* SPDX-License-Identifier: MIT */
#include "viewer_report.h"

#include <stdio.h>

#include "json_lines.h"

static double rate(const view_result *r) {
    return r->ms > 0.0 ? r->flops / (r->ms * 1e6) : 0.0;
}

static void check_text(const view_check *c) {
    printf("check     %s: ", c->passed ? "passed" : "FAILED");
    if (c->row) {
        printf("%llu keys wrong, weights differ by at most %.2g (allowed %.2g), ",
               (unsigned long long)c->wrong_keys, c->weight_diff, c->weight_allowed);
    }
    printf("%llu pixels by at most %.3f levels (allowed %.2f)\n", (unsigned long long)c->pixels,
           c->level_diff, c->level_allowed);
}

void viewer_report_text(const view_result *r, const view_check *check) {
    printf("device    %s\n", r->device);
    printf("pattern   %s, %u x %u tokens\n", view_pattern_name((view_pattern)r->problem.pattern),
           r->problem.extent[1], r->problem.extent[0]);
    printf("time      %.2f ms attention (%s), %.1f GFLOP/s", r->ms, r->kernel, rate(r));
    if (r->roof > 0.0) {
        printf(", %.2f of the roof of %.0f", rate(r) / r->roof, r->roof);
    }
    printf("\nnoise     sigma %.1f levels%s\n", r->settings.sigma, r->estimated ? ", estimated" : "");
    if (!r->estimated) {
        printf("psnr      %.2f dB noisy, %.2f dB denoised\n", r->psnr_noisy, r->psnr_denoised);
    }
    if (r->row.known) {
        printf("pixel     %u,%u: %llu keys, sum of weights %.6f, own %.4f\n", r->row.x, r->row.y,
               (unsigned long long)r->row.keys, r->row.sum, r->row.own);
    }
    if (check) {
        check_text(check);
    }
}

static void json_box(json_lines *j, const char *name, ink_box box) {
    json_open(j, name, '[');
    json_number(j, NULL, box.x);
    json_number(j, NULL, box.y);
    json_number(j, NULL, box.width);
    json_number(j, NULL, box.height);
    json_close(j, ']');
}

static void json_row(json_lines *j, const view_result *r) {
    const view_row *row = &r->row;
    json_open(j, "row", '{');
    json_number(j, "x", row->x);
    json_number(j, "y", row->y);
    json_number(j, "keys", (double)row->keys);
    json_number(j, "sum", row->sum);
    json_number(j, "own", row->own);
    json_number(j, "largest", row->largest);
    json_number(j, "ms", row->ms);
    json_open(j, "blocks", '[');
    for (uint32_t i = 0; i < row->block_count; i++) {
        json_number(j, NULL, row->blocks[i]);
    }
    json_close(j, ']');
    json_close(j, '}');
}

static void json_check(json_lines *j, const view_check *c) {
    json_bool(j, "check_passed", c->passed);
    json_number(j, "check_wrong_keys", (double)c->wrong_keys);
    json_number(j, "check_block_doubt", c->block_doubt);
    json_number(j, "check_weight_diff", c->weight_diff);
    json_number(j, "check_weight_allowed", c->weight_allowed);
    json_number(j, "check_pixels", (double)c->pixels);
    json_number(j, "check_level_diff", c->level_diff);
}

static void json_picture(json_lines *j, const view_result *r) {
    json_number(j, "sigma", r->settings.sigma);
    json_bool(j, "sigma_estimated", r->estimated);
    if (!r->estimated) {
        json_number(j, "psnr_noisy", r->psnr_noisy);
        json_number(j, "psnr_denoised", r->psnr_denoised);
    }
}

void viewer_report_json(const view_layout *l, const view_result *r, const view_check *check) {
    json_lines j = {0};
    json_open(&j, NULL, '{');
    json_text(&j, "device", r->device);
    json_text(&j, "pattern", view_pattern_name((view_pattern)r->problem.pattern));
    json_number(&j, "width", r->problem.extent[1]);
    json_number(&j, "height", r->problem.extent[0]);
    json_text(&j, "kernel", r->kernel);
    json_number(&j, "gpu_ms", r->ms);
    json_number(&j, "gflops", rate(r));
    json_number(&j, "roof_gflops", r->roof);
    json_picture(&j, r);
    json_box(&j, "picture", l->picture);
    json_box(&j, "panel", l->panel);
    if (r->row.known) {
        json_row(&j, r);
    }
    if (check) {
        json_check(&j, check);
    }
    json_close(&j, '}');
}
