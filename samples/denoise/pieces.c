/* SPDX-License-Identifier: MIT */
#include "pieces.h"

#include <math.h>

bool axis_next(const axis_cut *cut, axis_piece *piece) {
    uint32_t done = piece->keep_end;
    if (done >= cut->extent) {
        return false;
    }
    uint32_t lead =
        cut->window / 2; /* keys before the pixel in its window; window - lead from the pixel on */
    uint32_t last = cut->extent - cut->piece;
    uint32_t begin = done > lead ? done - lead : 0;
    begin = begin < last ? begin : last;
    piece->begin = begin;
    piece->keep_begin = done;
    piece->keep_end = begin == last ? cut->extent : begin + cut->piece - (cut->window - lead) + 1;
    return true;
}

uint32_t axis_count(const axis_cut *cut) {
    uint32_t count = 0;
    axis_piece piece = {0};
    while (axis_next(cut, &piece)) {
        count++;
    }
    return count;
}

static uint32_t smaller(uint64_t a, uint32_t b) {
    return a < b ? (uint32_t)a : b;
}

bool pieces_choose(uint32_t width, uint32_t height, uint32_t window_x, uint32_t window_y, uint64_t max_pixels,
                   uint32_t max_side, axis_cut cut[2]) {
    uint32_t side = max_side ? max_side : UINT32_MAX;
    uint32_t piece_x = smaller(width, side);
    uint32_t piece_y = smaller(max_pixels / piece_x, smaller(height, side));
    /* Rows that are only context cost as much as those that are kept: a square has less of them than a thin
     * band. */
    if (piece_y < height && piece_y < 3 * (uint64_t)window_y) {
        piece_x = smaller((uint64_t)sqrt((double)max_pixels), piece_x);
        piece_y = smaller(piece_x ? max_pixels / piece_x : 0, smaller(height, side));
    }
    cut[0] = (axis_cut){height, piece_y, window_y};
    cut[1] = (axis_cut){width, piece_x, window_x};
    return (piece_y == height || piece_y > window_y) && (piece_x == width || piece_x > window_x);
}
