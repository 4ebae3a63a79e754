/* SPDX-License-Identifier: MIT */
#include "phone_scene.h"

#include <stdio.h>
#include <string.h>

#include "complain.h"
#include "ink.h"
#include "nlm.h"
#include "noise.h"

#define SIGMA       25.0 /* levels of noise that are added */
#define SEED        1u
#define WINDOW      21u
#define MOST_PIXELS (4096ull * 4096ull)
#define MEMORY      ((uint64_t)64 << 20)
#define TEXT_SCALE  2u
#define LINE        (INK_LETTER_HEIGHT * TEXT_SCALE + 4)

static const ink paper = {16, 16, 16}, letters = {240, 240, 240};

bool phone_scene_load(phone_scene *scene, const unsigned char *bytes, int size) {
    photo picture;
    *scene = (phone_scene){0};
    if (!photo_decode(&picture, bytes, size, MOST_PIXELS, "the picture"))
        return false;
    uint32_t width = picture.width, height = picture.height;
    bool made = clip_create(&scene->original, 1, width, height) &&
                clip_create(&scene->denoised, 1, width, height) &&
                (photo_create(&scene->screen, width, 2 * (height + LINE)) || complain("memory is short"));
    if (made)
        memcpy(scene->original.frame[0].rgb, picture.rgb, photo_values(&picture));
    photo_destroy(&picture);
    if (!made || !clip_copy(&scene->noisy, &scene->original)) {
        phone_scene_destroy(scene);
        return false;
    }
    noise_add(&scene->noisy, SIGMA, SEED);
    return true;
}

void phone_scene_destroy(phone_scene *scene) {
    clip_destroy(&scene->original);
    clip_destroy(&scene->noisy);
    clip_destroy(&scene->denoised);
    photo_destroy(&scene->screen);
    *scene = (phone_scene){0};
}

static void receive(void *user, const clip_box *where, const float *rgb) {
    clip_write(user, where, rgb);
}

static void draw(phone_scene *scene, uint32_t y, const clip *movie, const char *text) {
    const photo *frame = movie->frame;
    ink_fill(&scene->screen, (ink_box){0, y, scene->screen.width, LINE}, paper);
    ink_text(&scene->screen, 4, y + 2, TEXT_SCALE, letters, text);
    memcpy(scene->screen.rgb + (size_t)(y + LINE) * scene->screen.width * 3, frame->rgb, photo_values(frame));
}

bool phone_scene_denoise(phone_scene *scene, double share, uint32_t repeat) {
    nlm_settings settings = {
        .patch = nlm_default_patch(SIGMA), .window = WINDOW, .window_time = 1, .sigma = SIGMA};
    settings.strength = share * nlm_default_strength(settings.patch);
    const nlm_gpu_desc gpu = {.memory_bytes = MEMORY, .quiet = true, .repeat = repeat};
    nlm_gpu_result result = {.gpu_ms = 0};
    bool done = nlm_gpu(&scene->noisy, &settings, &gpu, (nlm_taker){receive, &scene->denoised}, &result);
    double noisy = clip_psnr(&scene->noisy, &scene->original);
    double denoised = clip_psnr(&scene->denoised, &scene->original);
    char text[128];
    snprintf(text, sizeof text, "noisy %.1f dB", noisy);
    draw(scene, 0, &scene->noisy, text);
    if (done)
        snprintf(text, sizeof text, "%.1f dB  %.2f ms  %.40s", denoised, result.gpu_ms, result.device);
    else
        snprintf(text, sizeof text, "failed: see the log");
    draw(scene, scene->screen.height / 2, &scene->denoised, text);
    scene->gpu_ms = result.gpu_ms;
    scene->psnr_gain = done ? denoised - noisy : 0;
    return done;
}
