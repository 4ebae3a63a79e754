/* SPDX-License-Identifier: MIT
 *
 * Noise: made on purpose, to measure with, and estimated from a picture.
 */
#ifndef DENOISE_NOISE_H
#define DENOISE_NOISE_H

#include "clip.h"

/* Adds Gaussian noise of standard deviation `sigma` (levels) to every channel and rounds to whole levels, as
 * a camera's file would hold them. Every frame gets its own. The same seed gives the same noise on every
 * machine. */
void noise_add(clip *movie, double sigma, uint64_t seed);

/* The standard deviation of the noise in levels, from the clip alone: the median of the absolute answers
 * of a small Laplacian, which smooth areas and straight edges do not reach. Fine texture counts as noise; so
 * does film grain. Noise that a JPEG or a camera has smoothed is underestimated. Negative when memory is short
 * (printed). J. Immerkaer, Fast Noise Variance Estimation (1996); the median is that of Donoho and Johnstone
 * (1994). */
double noise_estimate(const clip *movie);

#endif
