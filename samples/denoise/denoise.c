/* SPDX-License-Identifier: MIT
 *
 * denoise: removes noise from a photograph by non-local means, which is neighborhood attention: patches ask,
 * patches answer, pixels are mixed. See README.md; the use of vatten is in nlm_gpu.c.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <vatten/context.h>

#include "denoise_options.h"
#include "nlm.h"
#include "noise.h"
#include "picture.h"
#include "report.h"

/* The photographs of one run. */
typedef struct album {
    photo original; /* as loaded */
    photo noisy;    /* what is denoised: the original itself, or with noise added */
    photo denoised;
} album;

static bool list_devices(void) {
    char name[256];
    uint32_t index = 0;
    for (; vatten_context_device_name(index, name, sizeof(name)); index++) {
        printf("%u %s\n", index, name);
    }
    return index > 0 ||
           complain("no Vulkan device found; a software one comes with the package mesa-vulkan-drivers");
}

static bool load(const denoise_options *options, album *photos) {
    if (!photo_load(&photos->original, options->photo) || !photo_copy(&photos->noisy, &photos->original)) {
        return false;
    }
    if (options->noise > 0.0) {
        noise_add(&photos->noisy, options->noise, options->seed);
    }
    return true;
}

static bool choose_settings(const denoise_options *options, const photo *noisy, report *r) {
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
    return true;
}

static bool save_side_by_side(const denoise_options *options, const album *photos, const report *r) {
    char noisy[32] = "noisy";
    char denoised[32] = "denoised";
    if (r->has_psnr) {
        snprintf(noisy, sizeof(noisy), "noisy %.1f dB", r->psnr_noisy);
        snprintf(denoised, sizeof(denoised), "denoised %.1f dB", r->psnr_denoised);
    }
    const picture_panel panels[PICTURE_PANELS] = {
        {&photos->noisy, noisy}, {&photos->denoised, denoised}, {&photos->original, "original"}};
    picture_crop crop = options->crop.width ? options->crop : picture_default_crop(&photos->noisy);
    photo picture;
    bool saved = picture_side_by_side(&picture, panels, r->has_psnr ? 3 : 2, crop) &&
                 photo_save(&picture, options->side_by_side);
    photo_destroy(&picture);
    return saved;
}

/* After the check, which wants the unrounded result. */
static bool measure_and_save(const denoise_options *options, album *photos, report *r) {
    photo_round(&photos->denoised);
    r->has_psnr = options->noise > 0.0;
    if (r->has_psnr) {
        r->psnr_noisy = photo_psnr(&photos->noisy, &photos->original);
        r->psnr_denoised = photo_psnr(&photos->denoised, &photos->original);
    }
    r->output = options->output;
    r->side_by_side = options->side_by_side;
    return photo_save(&photos->denoised, options->output) &&
           (!options->side_by_side || save_side_by_side(options, photos, r));
}

static bool denoise(const denoise_options *options, album *photos) {
    if (!load(options, photos) || !photo_can_save(options->output) ||
        (options->side_by_side && !photo_can_save(options->side_by_side))) {
        return false;
    }
    report r = {.photo = options->photo, .width = photos->noisy.width, .height = photos->noisy.height};
    nlm_gpu_desc gpu = {.device = options->device, .piece = options->piece, .repeat = options->repeat};
    if (!choose_settings(options, &photos->noisy, &r) ||
        !nlm_gpu(&photos->noisy, &r.settings, &gpu, &photos->denoised, &r.gpu)) {
        return false;
    }
    if (options->check) {
        r.has_check = nlm_check(&photos->noisy, &r.settings, &photos->denoised, &r.check);
        if (!r.has_check) {
            return false;
        }
    }
    if (!measure_and_save(options, photos, &r)) {
        return false;
    }
    (options->json ? report_json : report_text)(&r);
    return !r.has_check || r.check.passed ||
           complain("the GPU's result differs from the CPU's by more than the tolerance");
}

int main(int argc, char **argv) {
    denoise_options options;
    if (!options_parse(argc, argv, &options)) {
        return 2;
    }
    if (options.help) {
        options_print_help();
        return EXIT_SUCCESS;
    }
    if (options.list_devices) {
        return list_devices() ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    album photos = {0};
    bool done = denoise(&options, &photos);
    photo_destroy(&photos.denoised);
    photo_destroy(&photos.noisy);
    photo_destroy(&photos.original);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
