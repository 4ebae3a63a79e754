/* SPDX-License-Identifier: MIT
 *
 * Cuts a clip into overlapping pieces of one size, so that one plan and bounded memory serve photographs and
 * sequences of any size, and the pieces' results together are exactly the whole's.
 *
 * Attention on a piece moves the windows inward at the piece's borders. A pixel of a piece is therefore kept
 * only if its window would be the same in the whole: half a window away from each border that is not the
 * whole's own. What is not kept is the overlap with the neighbouring pieces. The last piece is moved inward,
 * not cut.
 */
#ifndef DENOISE_PIECES_H
#define DENOISE_PIECES_H

#include <stdbool.h>
#include <stdint.h>

#include "clip.h"

typedef struct axis_cut {
    uint32_t extent; /* of the clip along the axis */
    uint32_t piece;  /* of a piece: from window to extent */
    uint32_t window;
} axis_cut;

typedef struct axis_piece {
    uint32_t begin;      /* of the piece in the clip */
    uint32_t keep_begin; /* of what is kept, in the clip */
    uint32_t keep_end;
} axis_piece;

/* Steps to the next piece of an axis; start with all zero. False after the last: the kept ranges have covered
 * the extent, each place once. */
bool axis_next(const axis_cut *cut, axis_piece *piece);

uint32_t axis_count(const axis_cut *cut);

/* Chooses the pieces that compute the fewest pixels in all, overlaps included: each has at most `max_pixels`
 * and at most `max_side` along x and y. Takes extents and windows from `cut` and sets its pieces. False if not
 * even pieces of one window fit. */
bool pieces_choose(axis_cut cut[CLIP_AXES], uint64_t max_pixels, uint32_t max_side);

uint64_t pieces_pixels(const axis_cut cut[CLIP_AXES]); /* of one piece */
uint64_t pieces_count(const axis_cut cut[CLIP_AXES]);

typedef struct clip_piece {
    axis_piece axis[CLIP_AXES];
} clip_piece;

/* Steps through all pieces, x fastest and t slowest; start with all zero. */
bool pieces_next(const axis_cut cut[CLIP_AXES], clip_piece *p);

clip_box piece_box(const axis_cut cut[CLIP_AXES], const clip_piece *p);
clip_box piece_kept(const clip_piece *p);

#endif
