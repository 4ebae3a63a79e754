/* SPDX-License-Identifier: MIT */
#include "picture.h"

#include <string.h>

#include "ink.h"

#define ZOOM       4u
#define GAP        8u
#define CAPTION    24u /* height of the line of captions */
#define FONT_SCALE 2

static const ink paper = {255, 255, 255};
static const ink letters = {32, 32, 32};

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
    ink_fill(out, (ink_box){0, 0, width, height}, paper);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t x = GAP + i * (panel_width + GAP);
        ink_text(out, x, 4, FONT_SCALE, letters, panels[i].caption);
        paste(out, x, CAPTION, panels[i].image, crop, 1);
        paste(out, x, CAPTION + crop.height + GAP, panels[i].image, part, ZOOM);
        ink_box frame = {x + part.x - crop.x - 1, CAPTION + part.y - crop.y - 1, part.width + 2,
                         part.height + 2};
        ink_outline(out, frame, paper);
    }
    return true;
}
