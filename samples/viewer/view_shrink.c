/* SPDX-License-Identifier: MIT */
#include "view_shrink.h"

#include <math.h>

/* How much of the pixel [i, i + 1) lies in [begin, end). */
static double share(uint32_t i, double begin, double end) {
    return fmax(0.0, fmin(end, i + 1.0) - fmax(begin, i));
}

static void mean_of(const photo *from, double x, double y, double width, double height, uint8_t out[3]) {
    double sum[3] = {0}, all = 0.0;
    for (uint32_t row = (uint32_t)y; row < from->height && row < y + height; row++) {
        const uint8_t *line = from->rgb + (size_t)row * from->width * 3;
        for (uint32_t column = (uint32_t)x; column < from->width && column < x + width; column++) {
            double part = share(row, y, y + height) * share(column, x, x + width);
            all += part;
            for (int c = 0; c < 3; c++) {
                sum[c] += part * line[(size_t)column * 3 + (size_t)c];
            }
        }
    }
    for (int c = 0; c < 3; c++) {
        out[c] = photo_level(sum[c] / all);
    }
}

bool view_shrink(photo *out, const photo *from, uint32_t width, uint32_t height) {
    if (!photo_create(out, width, height)) {
        return false;
    }
    double across = (double)from->width / width, down = (double)from->height / height;
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            mean_of(from, x * across, y * down, across, down, out->rgb + ((size_t)y * width + x) * 3);
        }
    }
    return true;
}
