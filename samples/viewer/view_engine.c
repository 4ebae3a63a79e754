/* SPDX-License-Identifier: MIT */
#include "view_engine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "noise.h"
#include "view_job.h"
#include "view_roof.h"
#include "view_shrink.h"

/* The first run of a plan may compile. It is run again for the time, unless that would take its time. */
static const double patience_ms = 1500.0;

struct view_engine {
    const photo *picture;
    bool validation;
    vatten_logger logger;
    vatten_context *context;
    view_job job;
    view_result result;
    /* What the result was made for, beside result.problem; or could not be made for, and will not be tried again. */
    bool tried;
    uint32_t noise, strength;
};

static void hear(void *user, vatten_log_level level, const char *message) {
    view_engine *e = user;
    if (level == VATTEN_LOG_ERROR) {
        snprintf(e->result.trouble, sizeof(e->result.trouble), "%s", message);
    }
    if (level <= VATTEN_LOG_WARN) {
        complain("%s%s", level == VATTEN_LOG_WARN ? "warning: " : "", message);
    }
}

/* ---- Once --------------------------------------------------------------------------------------------- */

static bool open_context(view_engine *e, const view_engine_desc *desc) {
    vatten_context_desc context = {
        .device = desc->device, .validation = desc->validation, .logger = e->logger};
    vatten_result result = vatten_context_create(&context, &e->context);
    if (result != VATTEN_SUCCESS) {
        return complain("no Vulkan device to run on (%s)", vatten_result_name(result));
    }
    vatten_context_info info;
    vatten_context_get_info(e->context, &info);
    memcpy(e->result.device, info.device_name, sizeof(e->result.device));
    return true;
}

bool view_engine_create(view_engine **out, const view_engine_desc *desc) {
    view_engine *e = calloc(1, sizeof(*e));
    *out = e;
    if (!e) {
        return complain("out of memory");
    }
    e->picture = desc->picture;
    e->validation = desc->validation;
    e->logger = (vatten_logger){hear, e};
    if (!open_context(e, desc)) {
        return false;
    }
    e->result.roof = desc->no_roof ? 0.0 : view_roof_measure(e->context);
    return true;
}

void view_engine_new_picture(view_engine *e) {
    e->tried = false;
}

static void forget_pictures(view_engine *e) {
    view_result *r = &e->result;
    clip_destroy(&r->clean);
    clip_destroy(&r->noisy);
    clip_destroy(&r->denoised);
    free(r->row.weights);
    free(r->row.seen);
    r->row = (view_row){0};
}

void view_engine_destroy(view_engine *e) {
    if (!e) {
        return;
    }
    forget_pictures(e);
    view_job_destroy(&e->job);
    vatten_context_destroy(e->context);
    free(e);
}

const view_result *view_engine_result(const view_engine *e) {
    return &e->result;
}

uint32_t view_engine_complaints(const view_engine *e) {
    vatten_context_info info;
    vatten_context_get_info(e->context, &info);
    return e->validation && !info.validation ? UINT32_MAX : info.validation_errors;
}

/* ---- Again and again ---------------------------------------------------------------------------------- */

static bool make_pictures(view_engine *e, uint32_t width, uint32_t height, uint32_t noise) {
    view_result *r = &e->result;
    size_t tokens = (size_t)width * height;
    forget_pictures(e);
    if (!clip_create(&r->clean, 1, width, height)) {
        return false;
    }
    photo_destroy(&r->clean.frame[0]);
    r->row.weights = calloc(tokens, sizeof(float));
    r->row.seen = calloc(tokens, 1);
    if (!r->row.weights || !r->row.seen || !view_shrink(&r->clean.frame[0], e->picture, width, height) ||
        !clip_copy(&r->noisy, &r->clean)) {
        return complain("out of memory for a picture of %u x %u", width, height);
    }
    noise_add(&r->noisy, noise, 1);
    if (!clip_copy(&r->denoised, &r->noisy)) { /* until attention has run */
        return false;
    }
    r->estimated = noise == 0;
    r->settings.sigma = noise ? noise : noise_estimate(&r->noisy);
    return r->settings.sigma >= 0.0;
}

static bool make_job(view_engine *e, const view_problem *problem) {
    view_result *r = &e->result;
    view_job_destroy(&e->job);
    if (!view_job_create(&e->job, e->context, &e->logger, problem)) {
        return false;
    }
    vatten_plan_info info;
    vatten_plan_get_info(e->job.attend, &info);
    memcpy(r->kernel, info.kernel, sizeof(r->kernel));
    r->tile = info.tile;
    r->flops = (double)info.flops;
    return true;
}

static void set_settings(view_engine *e, const view_problem *problem, uint32_t strength) {
    nlm_settings *s = &e->result.settings;
    s->sigma = fmax(s->sigma, NLM_MIN_SIGMA);
    s->patch = problem->patch;
    s->window = problem->window[0] > problem->window[1] ? problem->window[0] : problem->window[1];
    s->window_time = 1;
    s->strength = strength / 100.0;
}

static bool attend(view_engine *e, bool fresh) {
    view_result *r = &e->result;
    if (!view_job_load(&e->job, &r->noisy, &r->settings) ||
        !view_job_attend(&e->job, &r->noisy, &r->settings, &r->denoised, &r->ms) ||
        (fresh && r->ms < patience_ms &&
         !view_job_attend(&e->job, &r->noisy, &r->settings, &r->denoised, &r->ms))) {
        return false;
    }
    r->psnr_noisy = clip_psnr(&r->noisy, &r->clean);
    r->psnr_denoised = clip_psnr(&r->denoised, &r->clean);
    return true;
}

/* What is as it was need not be made again; after a failure nothing is. */
static bool make_picture(view_engine *e, const view_problem *problem, uint32_t noise, uint32_t strength) {
    const view_problem before = e->result.problem;
    bool nothing = !e->tried || e->result.failed;
    bool plan = nothing || !view_problem_equal(problem, &before);
    bool pictures =
        nothing || noise != e->noise || memcmp(problem->extent, before.extent, sizeof(before.extent)) != 0;
    e->result.row.known = false;
    e->result.problem = *problem;
    e->noise = noise;
    e->strength = strength;
    e->tried = true;
    if ((pictures && !make_pictures(e, problem->extent[1], problem->extent[0], noise)) ||
        (plan && !make_job(e, problem))) {
        return false;
    }
    set_settings(e, problem, strength);
    return attend(e, plan);
}

static bool update_picture(view_engine *e, const view_state *s, bool *changed) {
    view_problem problem = view_problem_of(s);
    uint32_t noise = view_get(s, VIEW_NOISE), strength = view_get(s, VIEW_STRENGTH);
    *changed = !e->tried || !view_problem_equal(&problem, &e->result.problem) || noise != e->noise ||
               strength != e->strength;
    if (*changed) {
        e->result.trouble[0] = '\0';
        e->result.failed = !make_picture(e, &problem, noise, strength);
    }
    return !e->result.failed;
}

static bool update_row(view_engine *e, const view_state *s, bool changed) {
    view_row *row = &e->result.row;
    uint32_t x, y;
    view_token(s, &x, &y);
    if (!s->hovering) {
        row->known = false;
        return true;
    }
    if (row->known && !changed && x == row->x && y == row->y) {
        return true;
    }
    row->x = x;
    row->y = y;
    return view_job_row(&e->job, row) || !e->job.row;
}

bool view_engine_update(view_engine *e, const view_state *s) {
    bool changed;
    bool done = update_picture(e, s, &changed) && update_row(e, s, changed);
    if (!done && !e->result.trouble[0]) {
        snprintf(e->result.trouble, sizeof(e->result.trouble), "out of memory");
    }
    return done;
}
