/* SPDX-License-Identifier: MIT
 *
 * What the user has chosen: all that a frame depends on beside the photograph and what the device makes of it. Plain data and
 * pure functions; a window and the command line write it in the same way.
 */
#ifndef VIEWER_VIEW_STATE_H
#define VIEWER_VIEW_STATE_H

#include <stdbool.h>
#include <stdint.h>

typedef enum view_pattern {
    VIEW_DENSE,        /* every pixel sees every pixel */
    VIEW_WINDOW,       /* a window around it */
    VIEW_NEIGHBORHOOD, /* with stride and dilation */
    VIEW_BLOCKS, /* the blocks of the grid whose means score highest, and the own one: MoBA in two dimensions */
    VIEW_PATTERNS
} view_pattern;

typedef enum view_show { VIEW_SHOW_DENOISED, VIEW_SHOW_INPUT, VIEW_SHOW_BOTH, VIEW_SHOWS } view_show;

/* What has a slider. All whole numbers. */
typedef enum view_value {
    VIEW_GRID, /* tokens along the longer side; each pattern has its own, as their costs differ */
    VIEW_SIDE, /* of the window */
    VIEW_STRIDE,
    VIEW_DILATION,
    VIEW_BLOCK, /* its side */
    VIEW_TOP,   /* blocks of a query */
    VIEW_PATCH,
    VIEW_STRENGTH, /* hundredths of the noise */
    VIEW_NOISE,    /* levels that are added */
    VIEW_VALUES
} view_value;

typedef struct view_range {
    uint32_t least, most;
    uint32_t step; /* from one number that is allowed to the next */
    uint32_t keys; /* by how much a key moves it */
} view_range;

typedef struct view_state {
    uint32_t photo_width, photo_height;
    view_pattern pattern;
    uint32_t grid[VIEW_PATTERNS];
    uint32_t value[VIEW_VALUES]; /* but for VIEW_GRID */
    view_show show;
    bool heat; /* weights are drawn over the picture */
    bool help;
    bool pinned;               /* the pixel stays where it is when the mouse moves */
    bool hovering;             /* there is a pixel */
    double x, y;               /* the pixel, 0..1 of the photograph */
    uint32_t zoom;             /* 1, 2, 4, ... VIEW_MAX_ZOOM */
    double middle_x, middle_y; /* of what is seen of the photograph */
    view_value focus;          /* the slider that keys move */
    view_value dragged;        /* the one that the mouse holds; VIEW_VALUES: none */
} view_state;

#define VIEW_MAX_ZOOM 16u
#define VIEW_MAX_GRID 1024u

view_state view_state_begin(uint32_t photo_width, uint32_t photo_height);

/* Another photograph, looked at in the same way: what has been chosen stays, as far as its size allows. */
void view_set_photo(view_state *s, uint32_t width, uint32_t height);

/* Another pattern; its grid is within its bounds, and the keys' slider one that it has. */
void view_choose(view_state *s, view_pattern pattern);

/* Names for people and for the command line. */
const char *view_pattern_name(view_pattern pattern);
const char *view_show_name(view_show show);
const char *view_value_name(view_value value);

/* Whether the pattern goes by the value. */
bool view_has_value(const view_state *s, view_value value);

/* Where the value may lie now; `least` and `most` may be equal. */
view_range view_value_range(const view_state *s, view_value value);

uint32_t view_get(const view_state *s, view_value value);

/* Sets it to the nearest that is allowed, and others so that they fit. */
void view_set(view_state *s, view_value value, double wanted);

/* The grid of tokens, of the photograph's shape. */
void view_grid_size(const view_state *s, uint32_t *width, uint32_t *height);

/* The token under the pixel. */
void view_token(const view_state *s, uint32_t *x, uint32_t *y);

/* Puts the pixel in the middle of a token; bounds are kept. */
void view_point_at(view_state *s, int64_t x, int64_t y);

/* The part of the photograph that is seen, 0..1: left upper corner and side. */
void view_part(const view_state *s, double *left, double *top, double *side);

#endif
