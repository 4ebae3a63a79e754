/* SPDX-License-Identifier: MIT
 *
 * Cuts a photograph into overlapping pieces of one size, so that one plan and bounded memory serve any
 * photograph, and the pieces' results together are exactly the whole's.
 *
 * Attention on a piece moves the windows inward at the piece's borders. A pixel of a piece is therefore kept
 * only if its window would be the same in the whole photograph: half a window away from each border that is
 * not the photograph's own. What is not kept is the overlap with the neighbouring pieces. The last piece is
 * moved inward, not cut.
 */
#ifndef DENOISE_PIECES_H
#define DENOISE_PIECES_H

#include <stdbool.h>
#include <stdint.h>

typedef struct axis_cut {
    uint32_t extent; /* pixels of the photograph along the axis */
    uint32_t piece;  /* pixels of a piece: extent, or more than window */
    uint32_t window;
} axis_cut;

typedef struct axis_piece {
    uint32_t begin;      /* of the piece in the photograph */
    uint32_t keep_begin; /* of the pixels that are kept, in the photograph */
    uint32_t keep_end;
} axis_piece;

/* Steps to the next piece; start with all zero. False after the last: the kept ranges have covered the
 * extent, each pixel once. */
bool axis_next(const axis_cut *cut, axis_piece *piece);

uint32_t axis_count(const axis_cut *cut);

/* The size of a piece: the whole photograph if it has at most `max_pixels`, else full rows, else a square.
 * `max_side` limits both sides; 0 = no limit. Sets cut[0] for y and cut[1] for x. False if a piece must have
 * more than the window and cannot. */
bool pieces_choose(uint32_t width, uint32_t height, uint32_t window_x, uint32_t window_y, uint64_t max_pixels,
                   uint32_t max_side, axis_cut cut[2]);

#endif
