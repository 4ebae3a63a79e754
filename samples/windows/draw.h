/* SPDX-License-Identifier: MIT
 *
 * Attention weights as pictures: every token a square, the darker the heavier.
 */
#ifndef DRAW_H
#define DRAW_H

#include "patterns.h"

#include <stdbool.h>

enum { CELL = 10, PANEL = SIDE * CELL + 1, GAP = 12, ACROSS = 4 };

/* Pixels, three bytes each. */
typedef struct canvas {
    unsigned width, height;
    uint8_t *pixels;
} canvas;

/* A white one; pixels NULL if memory is short. */
canvas canvas_create(unsigned width, unsigned height);
void canvas_destroy(canvas *c);

/* The weights that the pattern's query gives to each token, with the panel's left upper corner at (x, y). */
void draw_weights(canvas *c, unsigned x, unsigned y, const pattern *p, const float *weights);

bool canvas_save(const canvas *c, const char *path);

#endif /* DRAW_H */
