/* SPDX-License-Identifier: MIT */
#include "draw.h"

#include <stdlib.h>
#include <string.h>

/* The body of stb_image_write (Sean Barrett, public domain), once. */
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>

typedef struct color {
    uint8_t r, g, b;
} color;

static const color grid_line = {205, 205, 205}, nothing = {240, 240, 240}, query_color = {214, 40, 40},
                   plane_line = {90, 90, 90};
static const color light = {190, 214, 246}, dark = {16, 60, 128};

canvas canvas_create(unsigned width, unsigned height) {
    canvas c = {width, height, malloc((size_t)width * height * 3)};
    if (c.pixels)
        memset(c.pixels, 255, (size_t)width * height * 3);
    return c;
}

void canvas_destroy(canvas *c) {
    free(c->pixels);
    c->pixels = NULL;
}

static void fill(canvas *c, unsigned x, unsigned y, unsigned width, unsigned height, color ink) {
    for (unsigned row = y; row < y + height; row++)
        for (unsigned column = x; column < x + width; column++)
            memcpy(c->pixels + ((size_t)row * c->width + column) * 3, &ink, 3);
}

static uint8_t between(uint8_t from, uint8_t to, float share) {
    return (uint8_t)((float)from + ((float)to - (float)from) * share + 0.5f);
}

/* `heaviest` is what is drawn darkest. */
static color ink_of(float weight, float heaviest) {
    float share = heaviest > 0 ? weight / heaviest : 0;
    if (!(weight > 0))
        return nothing;
    return (color){between(light.r, dark.r, share), between(light.g, dark.g, share),
                   between(light.b, dark.b, share)};
}

/* Column and row of a token in the panel: planes of three axes lie two by two. */
static void place(const pattern *p, uint64_t token, unsigned *column, unsigned *row) {
    uint64_t across = pattern_extent(p, p->rank - 1), down = pattern_extent(p, p->rank - 2);
    uint64_t plane = token / (across * down);
    *column = (unsigned)(token % across + plane % 2 * across);
    *row = (unsigned)(token / across % down + plane / 2 * down);
}

void draw_weights(canvas *c, unsigned x, unsigned y, const pattern *p, const float *weights) {
    unsigned column, row;
    fill(c, x, y, PANEL, PANEL, grid_line);
    /* An even share of the smallest window that is drawn: pictures can be compared. */
    const float heaviest = 1.0f / 24;
    for (uint64_t token = 0; token < TOKENS; token++) {
        place(p, token, &column, &row);
        float weight = weights[token] < heaviest ? weights[token] : heaviest;
        fill(c, x + column * CELL + 1, y + row * CELL + 1, CELL - 1, CELL - 1, ink_of(weight, heaviest));
    }
    if (p->rank == 3) { /* between the planes */
        fill(c, x + PANEL / 2 - 1, y, 3, PANEL, plane_line);
        fill(c, x, y + PANEL / 2 - 1, PANEL, 3, plane_line);
    }
    place(p, pattern_query(p), &column, &row);
    fill(c, x + column * CELL + 3, y + row * CELL + 3, CELL - 5, CELL - 5, query_color);
}

bool canvas_save(const canvas *c, const char *path) {
    return stbi_write_png(path, (int)c->width, (int)c->height, 3, c->pixels, (int)c->width * 3) != 0;
}
