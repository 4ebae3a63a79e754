/* SPDX-License-Identifier: MIT
 *
 * Attention weights as pictures: every token a square, the darker the heavier.
 */
#ifndef DRAW_H
#define DRAW_H

#include "patterns.h"
#include "photo.h"

enum { CELL = 10, PANEL = SIDE * CELL + 1, GAP = 12, ACROSS = 4 };

/* The weights that the pattern's query gives to each token, with the panel's left upper corner at (x, y). */
void draw_weights(photo *c, unsigned x, unsigned y, const pattern *p, const float *weights);

#endif /* DRAW_H */
