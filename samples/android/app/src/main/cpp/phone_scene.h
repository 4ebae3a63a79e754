/* SPDX-License-Identifier: MIT
 *
 * What the phone shows, without the phone: a picture, made noisy, denoised by neighborhood attention, with the time on it.
 */
#ifndef PHONE_SCENE_H
#define PHONE_SCENE_H

#include "clip.h"

typedef struct phone_scene {
    clip original;
    clip noisy;
    clip denoised;
    photo screen;     /* noisy above denoised, each with a line of text */
    double gpu_ms;    /* of the attention, the last time; 0 before */
    double psnr_gain; /* dB over the noisy picture */
} phone_scene;

/* Decodes the picture of a file in memory and makes it noisy. False after a message. */
bool phone_scene_load(phone_scene *scene, const unsigned char *bytes, int size);
void phone_scene_destroy(phone_scene *scene);

/* Denoises with `share` of the strength that measured best, and draws the screen anew. The time is the median of `repeat` runs without the first. False after a message; the screen then says so. */
bool phone_scene_denoise(phone_scene *scene, double share, uint32_t repeat);

#endif
