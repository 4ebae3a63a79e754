/* SPDX-License-Identifier: MIT */
#include "picture.h"

#include <stdio.h>
#include <string.h>

#include <stb_easy_font.h>

#define ZOOM              4u
#define GAP               8u
#define CAPTION           24u /* height of the line of captions */
#define FONT_SCALE        2
#define MAX_CAPTION_QUADS 512

static const uint8_t paper = 255;
static const uint8_t ink = 32;

/* A corner as stb_easy_font writes it. */
typedef struct font_vertex {
    float x, y, z;
    unsigned char colour[4];
} font_vertex;

static void fill(photo *out, uint32_t x0, uint32_t y0, uint32_t x1, uint32_t y1, uint8_t level) {
    for (uint32_t y = y0; y < y1 && y < out->height; y++) {
        for (uint32_t x = x0; x < x1 && x < out->width; x++) {
            for (uint32_t c = 0; c < 3; c++) {
                out->rgb[((size_t)y * out->width + x) * 3 + c] = level;
            }
        }
    }
}

static void outline(photo *out, picture_crop box, uint8_t level) {
    uint32_t right = box.x + box.width;
    uint32_t bottom = box.y + box.height;
    fill(out, box.x, box.y, right, box.y + 1, level);
    fill(out, box.x, bottom - 1, right, bottom, level);
    fill(out, box.x, box.y, box.x + 1, bottom, level);
    fill(out, right - 1, box.y, right, bottom, level);
}

/* The font's letters are made of upright rectangles: the first and the third corner say it all. */
static void write_caption(photo *out, uint32_t x, uint32_t y, const char *caption) {
    font_vertex corners[4 * MAX_CAPTION_QUADS];
    char text[64];
    snprintf(text, sizeof(text), "%s", caption);
    int quads = stb_easy_font_print(0, 0, text, NULL, corners, (int)sizeof(corners));
    for (int i = 0; i < quads; i++) {
        const font_vertex *a = &corners[4 * i];
        const font_vertex *b = &corners[4 * i + 2];
        fill(out, x + (uint32_t)(FONT_SCALE * a->x), y + (uint32_t)(FONT_SCALE * a->y),
             x + (uint32_t)(FONT_SCALE * b->x), y + (uint32_t)(FONT_SCALE * b->y), ink);
    }
}

/* Copies `from` of the image to (x, y), each pixel as a square of `zoom` x `zoom`. */
static void paste(photo *out, uint32_t x, uint32_t y, const photo *image, picture_crop from, uint32_t zoom) {
    for (uint32_t row = 0; row < from.height * zoom; row++) {
        const uint8_t *line = image->rgb + ((size_t)(from.y + row / zoom) * image->width + from.x) * 3;
        uint8_t *to = out->rgb + ((size_t)(y + row) * out->width + x) * 3;
        for (uint32_t column = 0; column < from.width * zoom; column++) {
            memcpy(to + (size_t)column * 3, line + (size_t)(column / zoom) * 3, 3);
        }
    }
}

static picture_crop fit(picture_crop crop, const photo *image) {
    crop.width = crop.width < image->width ? crop.width : image->width;
    crop.height = crop.height < image->height ? crop.height : image->height;
    crop.x = crop.x < image->width - crop.width ? crop.x : image->width - crop.width;
    crop.y = crop.y < image->height - crop.height ? crop.y : image->height - crop.height;
    return crop;
}

/* The middle quarter (by side) of the crop. */
static picture_crop middle(picture_crop crop) {
    picture_crop part = {(crop.width + ZOOM - 1) / ZOOM, (crop.height + ZOOM - 1) / ZOOM, 0, 0};
    part.x = crop.x + (crop.width - part.width) / 2;
    part.y = crop.y + (crop.height - part.height) / 2;
    return part;
}

picture_crop picture_default_crop(const photo *image) {
    picture_crop crop = fit((picture_crop){320, 240, 0, 0}, image);
    crop.x = (image->width - crop.width) / 2;
    crop.y = (image->height - crop.height) / 2;
    return crop;
}

bool picture_side_by_side(photo *out, const picture_panel *panels, uint32_t count, picture_crop crop) {
    crop = fit(crop, panels[0].image);
    picture_crop part = middle(crop);
    uint32_t panel_width = part.width * ZOOM; /* at least crop.width */
    uint32_t width = count * (panel_width + GAP) + GAP;
    uint32_t height = CAPTION + crop.height + GAP + part.height * ZOOM + GAP;
    if (!photo_create(out, width, height)) {
        return false;
    }
    fill(out, 0, 0, width, height, paper);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t x = GAP + i * (panel_width + GAP);
        write_caption(out, x, 4, panels[i].caption);
        paste(out, x, CAPTION, panels[i].image, crop, 1);
        paste(out, x, CAPTION + crop.height + GAP, panels[i].image, part, ZOOM);
        picture_crop frame = {part.width + 2, part.height + 2, x + part.x - crop.x - 1,
                              CAPTION + part.y - crop.y - 1};
        outline(out, frame, paper);
    }
    return true;
}
