/* SPDX-License-Identifier: MIT
 *
 * Drawing on a picture: rectangles and letters. What lies outside is cut.
 */
#ifndef SAMPLES_INK_H
#define SAMPLES_INK_H

#include "photo.h"

typedef struct ink {
    uint8_t r, g, b;
} ink;

typedef struct ink_box {
    uint32_t x, y, width, height;
} ink_box;

#define INK_LETTER_HEIGHT 12 /* of a line of text at scale 1 */

void ink_fill(photo *out, ink_box box, ink colour);
void ink_outline(photo *out, ink_box box, ink colour); /* one pixel, inside of the box */

/* Letters of stb_easy_font, `scale` pixels a stroke, with their left upper corner at (x, y). */
void ink_text(photo *out, uint32_t x, uint32_t y, uint32_t scale, ink colour, const char *text);
uint32_t ink_text_width(uint32_t scale, const char *text);

/* From `from` to `to`, 0..1. */
ink ink_between(ink from, ink to, double share);

#endif
