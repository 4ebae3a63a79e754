/* SPDX-License-Identifier: MIT */
#include "ink.h"

#include <stdio.h>
#include <string.h>

#include <stb_easy_font.h>

#define MAX_QUADS 2048

/* A corner as stb_easy_font writes it. */
typedef struct font_vertex {
    float x, y, z;
    unsigned char colour[4];
} font_vertex;

void ink_fill(photo *out, ink_box box, ink colour) {
    for (uint32_t y = box.y; y < box.y + box.height && y < out->height; y++) {
        for (uint32_t x = box.x; x < box.x + box.width && x < out->width; x++) {
            memcpy(out->rgb + ((size_t)y * out->width + x) * 3, &colour, 3);
        }
    }
}

void ink_outline(photo *out, ink_box box, ink colour) {
    ink_fill(out, (ink_box){box.x, box.y, box.width, 1}, colour);
    ink_fill(out, (ink_box){box.x, box.y + box.height - 1, box.width, 1}, colour);
    ink_fill(out, (ink_box){box.x, box.y, 1, box.height}, colour);
    ink_fill(out, (ink_box){box.x + box.width - 1, box.y, 1, box.height}, colour);
}

/* The font's letters are made of upright rectangles: the first and the third corner say it all. */
void ink_text(photo *out, uint32_t x, uint32_t y, uint32_t scale, ink colour, const char *text) {
    font_vertex corners[4 * MAX_QUADS];
    char line[160];
    snprintf(line, sizeof(line), "%s", text);
    int quads = stb_easy_font_print(0, 0, line, NULL, corners, (int)sizeof(corners));
    for (int i = 0; i < quads; i++) {
        const font_vertex *a = &corners[4 * i];
        const font_vertex *b = &corners[4 * i + 2];
        ink_box stroke = {x + scale * (uint32_t)a->x, y + scale * (uint32_t)a->y,
                          scale * (uint32_t)(b->x - a->x), scale * (uint32_t)(b->y - a->y)};
        ink_fill(out, stroke, colour);
    }
}

uint32_t ink_text_width(uint32_t scale, const char *text) {
    char line[160];
    snprintf(line, sizeof(line), "%s", text);
    return scale * (uint32_t)stb_easy_font_width(line);
}

static uint8_t between(uint8_t from, uint8_t to, double share) {
    return (uint8_t)((double)from + ((double)to - (double)from) * share + 0.5);
}

ink ink_between(ink from, ink to, double share) {
    return (ink){between(from.r, to.r, share), between(from.g, to.g, share), between(from.b, to.b, share)};
}
