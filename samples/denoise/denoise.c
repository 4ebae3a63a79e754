/* SPDX-License-Identifier: MIT
 *
 * denoise: removes noise from a photograph, or from the frames of a sequence, by non-local means, which is
 * neighborhood attention: patches ask, patches answer, pixels are mixed. See README.md; the use of vatten is
 * in nlm_gpu.c.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <vatten/context.h>

#include "complain.h"
#include "denoise_options.h"
#include "devices.h"
#include "names.h"
#include "nlm.h"
#include "noise.h"
#include "picture.h"
#include "report.h"

/* The photographs of one run. */
typedef struct album {
    names inputs;
    names outputs;
    clip original; /* what is known to be clean: what was loaded, if noise was added; else empty */
    clip noisy;    /* what is denoised */
    clip denoised;
    clip alone; /* the middle frame of a sequence, denoised without the others; if a picture shows it */
} album;

static void album_destroy(album *photos) {
    clip_destroy(&photos->alone);
    clip_destroy(&photos->denoised);
    clip_destroy(&photos->noisy);
    clip_destroy(&photos->original);
    names_destroy(&photos->outputs);
    names_destroy(&photos->inputs);
}

static bool find_files(const denoise_options *options, album *photos) {
    if (!names_of_inputs(&photos->inputs, options->photos, options->photo_count)) {
        return false;
    }
    uint32_t frames = photos->inputs.count;
    if (frames == 1 && options->window_time) {
        return complain("--window-time %u spans frames of a sequence; 1 photograph was given",
                        options->window_time);
    }
    const char *output = frames == 1 ? "denoised.png" : "denoised-%03d.png";
    bool can_save = names_of_outputs(&photos->outputs, options->output ? options->output : output, frames) &&
                    (!options->side_by_side || photo_can_save(options->side_by_side));
    for (uint32_t t = 0; can_save && t < frames; t++) {
        can_save = photo_can_save(photos->outputs.name[t]);
    }
    return can_save;
}

static bool load(const denoise_options *options, album *photos) {
    if (!clip_load(&photos->noisy, photos->inputs.name, photos->inputs.count)) {
        return false;
    }
    if (options->noise > 0.0) {
        if (!clip_copy(&photos->original, &photos->noisy)) {
            return false;
        }
        noise_add(&photos->noisy, options->noise, options->seed);
    }
    return true;
}

static bool choose_settings(const denoise_options *options, const clip *noisy, report *r) {
    nlm_settings *s = &r->settings;
    s->sigma = options->sigma > 0.0 ? options->sigma : options->noise;
    if (s->sigma <= 0.0) {
        r->sigma_estimated = true;
        s->sigma = noise_estimate(noisy);
        if (s->sigma < 0.0) {
            return false;
        }
    }
    s->sigma = fmax(s->sigma, NLM_MIN_SIGMA);
    s->patch = options->patch ? options->patch : nlm_default_patch(s->sigma);
    s->strength = options->strength > 0.0 ? options->strength : nlm_default_strength(s->patch);
    s->window = options->window;
    s->window_time = options->window_time ? options->window_time : NLM_DEFAULT_WINDOW_TIME;
    s->window_time = nlm_window(s, noisy, CLIP_T);
    return true;
}

typedef struct receiver {
    clip *out;
    nlm_check *check; /* NULL = none */
} receiver;

static void receive(void *user, const clip_box *where, const float *rgb) {
    receiver *r = user;
    clip_write(r->out, where, rgb);
    if (r->check) {
        nlm_check_box(r->check, where, rgb);
    }
}

static nlm_gpu_desc gpu_desc(const denoise_options *options) {
    return (nlm_gpu_desc){.device = options->device,
                          .piece = options->piece,
                          .memory_bytes = (uint64_t)options->memory << 20,
                          .quiet = options->quiet,
                          .repeat = options->repeat};
}

static bool remove_noise(const denoise_options *options, album *photos, report *r) {
    const clip *noisy = &photos->noisy;
    nlm_check check = nlm_check_begin(noisy, &r->settings);
    receiver to = {&photos->denoised, options->check ? &check : NULL};
    nlm_gpu_desc gpu = gpu_desc(options);
    bool done = clip_create(&photos->denoised, noisy->frames, noisy->width, noisy->height) &&
                nlm_gpu(noisy, &r->settings, &gpu, (nlm_taker){receive, &to}, &r->gpu);
    r->has_check = options->check;
    r->check = check.result;
    return done;
}

static uint32_t middle_frame(const clip *movie) {
    return movie->frames / 2;
}

/* For the picture: what a sequence is worth shows beside the same frame without its neighbours. */
static bool remove_noise_alone(const denoise_options *options, album *photos, const report *r) {
    clip frame = clip_one(&photos->noisy, middle_frame(&photos->noisy));
    receiver to = {&photos->alone, NULL};
    nlm_gpu_desc gpu = gpu_desc(options);
    nlm_gpu_result unused;
    return clip_create(&photos->alone, 1, frame.width, frame.height) &&
           nlm_gpu(&frame, &r->settings, &gpu, (nlm_taker){receive, &to}, &unused);
}

static report_psnr measure_clip(const clip *movie, const clip *original) {
    report_psnr psnr = {clip_psnr(movie, original), INFINITY, 0.0};
    for (uint32_t t = 0; t < movie->frames; t++) {
        clip a = clip_one(movie, t);
        clip b = clip_one(original, t);
        double one = clip_psnr(&a, &b);
        psnr.least = fmin(psnr.least, one);
        psnr.most = fmax(psnr.most, one);
    }
    return psnr;
}

static void measure(const album *photos, report *r) {
    r->has_psnr = photos->original.frames > 0;
    if (!r->has_psnr) {
        return;
    }
    r->psnr_noisy = measure_clip(&photos->noisy, &photos->original);
    r->psnr_denoised = measure_clip(&photos->denoised, &photos->original);
    r->has_alone = photos->alone.frames > 0;
    if (r->has_alone) {
        clip original = clip_one(&photos->original, middle_frame(&photos->original));
        clip denoised = clip_one(&photos->denoised, middle_frame(&photos->denoised));
        r->psnr_alone = clip_psnr(&photos->alone, &original);
        r->psnr_middle = clip_psnr(&denoised, &original);
    }
}

/* Adds a panel for a frame, if there is one. */
static void add_panel(picture_panel *panels, uint32_t *count, const clip *movie, const clip *original,
                      const char *name) {
    if (movie->frames == 0) {
        return;
    }
    clip frame = clip_one(movie, middle_frame(movie));
    picture_panel *panel = &panels[(*count)++];
    panel->image = frame.frame;
    snprintf(panel->caption, sizeof(panel->caption), "%s", name);
    if (original && original->frames > 0) {
        clip clean = clip_one(original, middle_frame(original));
        snprintf(panel->caption, sizeof(panel->caption), "%s %.1f dB", name, clip_psnr(&frame, &clean));
    }
}

static bool save_side_by_side(const denoise_options *options, const album *photos) {
    picture_panel panels[PICTURE_PANELS];
    uint32_t count = 0;
    bool sequence = photos->noisy.frames > 1;
    add_panel(panels, &count, &photos->noisy, &photos->original, "noisy");
    add_panel(panels, &count, &photos->alone, &photos->original, "alone");
    add_panel(panels, &count, &photos->denoised, &photos->original, sequence ? "sequence" : "denoised");
    add_panel(panels, &count, &photos->original, NULL, "original");
    picture_crop crop = options->crop.width ? options->crop : picture_default_crop(panels[0].image);
    photo picture;
    bool saved =
        picture_side_by_side(&picture, panels, count, crop) && photo_save(&picture, options->side_by_side);
    photo_destroy(&picture);
    return saved;
}

static bool save(const denoise_options *options, const album *photos, report *r) {
    const names *outputs = &photos->outputs;
    for (uint32_t t = 0; t < outputs->count; t++) {
        if (!photo_save(&photos->denoised.frame[t], outputs->name[t])) {
            return false;
        }
    }
    r->output = outputs->name[0];
    r->output_last = outputs->name[outputs->count - 1];
    r->side_by_side = options->side_by_side;
    return !options->side_by_side || save_side_by_side(options, photos);
}

static report describe(const album *photos) {
    const names *inputs = &photos->inputs;
    return (report){.first = inputs->name[0],
                    .last = inputs->name[inputs->count - 1],
                    .frames = photos->noisy.frames,
                    .width = photos->noisy.width,
                    .height = photos->noisy.height};
}

static bool denoise(const denoise_options *options, album *photos) {
    if (!find_files(options, photos) || !load(options, photos)) {
        return false;
    }
    report r = describe(photos);
    bool alone = r.frames > 1 && options->side_by_side;
    if (!choose_settings(options, &photos->noisy, &r) || !remove_noise(options, photos, &r) ||
        (alone && !remove_noise_alone(options, photos, &r))) {
        return false;
    }
    measure(photos, &r);
    if (!save(options, photos, &r)) {
        return false;
    }
    (options->json ? report_json : report_text)(&r);
    return !r.has_check || r.check.passed ||
           complain("the GPU's result differs from the CPU's by more than the tolerance");
}

int main(int argc, char **argv) {
    denoise_options options;
    complain_begin("denoise");
    if (!options_parse(argc, argv, &options)) {
        return 2;
    }
    if (options.help) {
        options_print_help();
        return EXIT_SUCCESS;
    }
    if (options.list_devices) {
        return devices_list() ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    album photos = {0};
    bool done = denoise(&options, &photos);
    album_destroy(&photos);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
