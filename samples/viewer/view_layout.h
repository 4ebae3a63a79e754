/* SPDX-License-Identifier: MIT
 *
 * Where things stand in a frame, in its pixels: what draws and what takes the mouse ask the same.
 */
#ifndef VIEWER_VIEW_LAYOUT_H
#define VIEWER_VIEW_LAYOUT_H

#include "ink.h"
#include "view_state.h"

typedef struct view_layout {
    uint32_t width, height; /* of the frame */
    uint32_t scale;         /* of letters */
    ink_box picture;        /* of the photograph's shape; may be empty */
    ink_box panel;          /* on the right; may be empty */
    ink_box pattern[VIEW_PATTERNS];
    ink_box slider[VIEW_VALUES]; /* name, track and number; empty where the pattern does not go by it */
    ink_box track[VIEW_VALUES];
    ink_box show, heat, help; /* buttons */
    uint32_t text_y;          /* where figures begin */
} view_layout;

view_layout view_layout_of(const view_state *s, uint32_t width, uint32_t height, uint32_t scale);

bool view_inside(ink_box box, double x, double y);

/* Of a pixel of the frame in layout.picture, the place in the photograph, 0..1. */
void view_place_at(const view_state *s, const view_layout *l, double x, double y, double *place_x,
                   double *place_y);

/* The first pixel of the frame, along an axis of picture that begins at `from` and has `length`, of the token `token` of
 * `extent`, of which the part [begin, begin + side) is seen; may lie outside. */
double view_token_edge(uint32_t from, uint32_t length, double begin, double side, uint32_t token,
                       uint32_t extent);

#endif
