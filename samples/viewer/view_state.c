/* SPDX-License-Identifier: MIT */
#include "view_state.h"

#include <math.h>

/* Bits of the patterns that go by a value. */
enum {
    DENSE = 1 << VIEW_DENSE,
    WINDOW = 1 << VIEW_WINDOW,
    NEIGHBORHOOD = 1 << VIEW_NEIGHBORHOOD,
    BLOCKS = 1 << VIEW_BLOCKS
};
enum { ANY = DENSE | WINDOW | NEIGHBORHOOD | BLOCKS };

typedef struct value_row {
    const char *name;
    view_range range;
    uint32_t begin;
    uint32_t patterns;
} value_row;

static const value_row rows[VIEW_VALUES] = {
    [VIEW_GRID] = {"grid", {8, VIEW_MAX_GRID, 1, 8}, 0, ANY},
    [VIEW_SIDE] = {"window", {3, 31, 1, 1}, 11, WINDOW | NEIGHBORHOOD},
    [VIEW_STRIDE] = {"stride", {1, 31, 1, 1}, 4, NEIGHBORHOOD},
    [VIEW_DILATION] = {"dilation", {1, 8, 1, 1}, 2, NEIGHBORHOOD},
    [VIEW_BLOCK] = {"block", {4, 64, 1, 1}, 16, BLOCKS},
    [VIEW_TOP] = {"top", {1, 32, 1, 1}, 4, BLOCKS},
    [VIEW_PATCH] = {"patch", {1, 7, 2, 2}, 3, ANY},
    [VIEW_STRENGTH] = {"strength", {5, 500, 1, 5}, 75, ANY},
    [VIEW_NOISE] = {"noise", {0, 80, 1, 1}, 0, ANY},
};

/* Grids that a processor of some cores attends to in a fraction of a second; every pair counts in dense attention. */
static const uint32_t begin_grid[VIEW_PATTERNS] = {64, 240, 240, 128};
static const uint32_t most_dense_grid = 192;

static uint32_t longer_side(const view_state *s) {
    return s->photo_width > s->photo_height ? s->photo_width : s->photo_height;
}

view_state view_state_begin(uint32_t photo_width, uint32_t photo_height) {
    view_state s = {.photo_width = photo_width, .photo_height = photo_height};
    s.pattern = VIEW_WINDOW;
    s.heat = true;
    s.zoom = 1;
    s.x = s.y = s.middle_x = s.middle_y = 0.5;
    s.focus = VIEW_STRENGTH;
    s.dragged = VIEW_VALUES;
    for (int p = 0; p < VIEW_PATTERNS; p++) {
        uint32_t longer = longer_side(&s);
        s.grid[p] = begin_grid[p] < longer ? begin_grid[p] : longer;
    }
    for (int v = 0; v < VIEW_VALUES; v++) {
        s.value[v] = rows[v].begin;
    }
    view_set(&s, VIEW_SIDE, s.value[VIEW_SIDE]);
    return s;
}

const char *view_pattern_name(view_pattern pattern) {
    static const char *const names[VIEW_PATTERNS] = {"dense", "window", "neighborhood", "blocks"};
    return names[pattern];
}

const char *view_show_name(view_show show) {
    static const char *const names[VIEW_SHOWS] = {"denoised", "input", "both"};
    return names[show];
}

const char *view_value_name(view_value value) {
    return rows[value].name;
}

bool view_has_value(const view_state *s, view_value value) {
    return (rows[value].patterns >> s->pattern & 1) != 0;
}

static uint32_t at_most(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static uint32_t at_least(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

static uint32_t blocks_along(uint32_t extent, uint32_t block) {
    return (extent + block - 1) / block;
}

/* What other values leave of a range. Shorter axes cut windows by themselves (view_problem.h), so the longer one decides. */
view_range view_value_range(const view_state *s, view_value value) {
    view_range range = rows[value].range;
    uint32_t width, height;
    view_grid_size(s, &width, &height);
    uint32_t extent = at_least(width, height);
    if (value == VIEW_GRID) {
        range.most = at_most(s->pattern == VIEW_DENSE ? most_dense_grid : range.most, longer_side(s));
        range.least = at_most(range.least, range.most);
    } else if (value == VIEW_STRIDE) {
        range.most = at_most(range.most, s->value[VIEW_SIDE]);
    } else if (value == VIEW_DILATION) {
        range.most = at_least(1, at_most(range.most, extent / s->value[VIEW_SIDE]));
    } else if (value == VIEW_TOP) {
        uint32_t block = s->value[VIEW_BLOCK];
        range.most = at_most(range.most, blocks_along(width, block) * blocks_along(height, block));
    }
    return range;
}

uint32_t view_get(const view_state *s, view_value value) {
    return value == VIEW_GRID ? s->grid[s->pattern] : s->value[value];
}

static void put(view_state *s, view_value value, double wanted) {
    view_range range = view_value_range(s, value);
    double steps = floor((fmin(fmax(wanted, range.least), range.most) - range.least) / range.step + 0.5);
    uint32_t number = at_most(range.least + (uint32_t)steps * range.step, range.most);
    *(value == VIEW_GRID ? &s->grid[s->pattern] : &s->value[value]) = number;
}

void view_set(view_state *s, view_value value, double wanted) {
    put(s, value, wanted);
    put(s, VIEW_STRIDE, s->value[VIEW_STRIDE]);
    put(s, VIEW_DILATION, s->value[VIEW_DILATION]);
    put(s, VIEW_TOP, s->value[VIEW_TOP]);
}

void view_choose(view_state *s, view_pattern pattern) {
    s->pattern = pattern;
    view_set(s, VIEW_GRID, s->grid[pattern]);
    if (!view_has_value(s, s->focus)) {
        s->focus = VIEW_STRENGTH;
    }
}

void view_set_photo(view_state *s, uint32_t width, uint32_t height) {
    s->photo_width = width;
    s->photo_height = height;
    for (int p = 0; p < VIEW_PATTERNS; p++) {
        s->grid[p] = at_most(s->grid[p], longer_side(s));
    }
    view_choose(s, s->pattern);
}

static uint32_t scaled(uint32_t side, uint32_t longer, uint32_t grid) {
    uint64_t nearest = ((uint64_t)side * grid + longer / 2) / longer;
    return nearest ? (uint32_t)nearest : 1;
}

void view_grid_size(const view_state *s, uint32_t *width, uint32_t *height) {
    uint32_t longer = longer_side(s), grid = s->grid[s->pattern];
    *width = scaled(s->photo_width, longer, grid);
    *height = scaled(s->photo_height, longer, grid);
}

static uint32_t token_at(double place, uint32_t extent) {
    double token = floor(place * extent);
    return token <= 0.0 ? 0 : at_most((uint32_t)token, extent - 1);
}

void view_token(const view_state *s, uint32_t *x, uint32_t *y) {
    uint32_t width, height;
    view_grid_size(s, &width, &height);
    *x = token_at(s->x, width);
    *y = token_at(s->y, height);
}

static double middle_of(int64_t token, uint32_t extent) {
    int64_t inside = token < 0 ? 0 : token >= extent ? (int64_t)extent - 1 : token;
    return ((double)inside + 0.5) / extent;
}

void view_point_at(view_state *s, int64_t x, int64_t y) {
    uint32_t width, height;
    view_grid_size(s, &width, &height);
    s->hovering = true;
    s->x = middle_of(x, width);
    s->y = middle_of(y, height);
}

void view_part(const view_state *s, double *left, double *top, double *side) {
    *side = 1.0 / s->zoom;
    *left = fmin(fmax(s->middle_x - *side / 2, 0.0), 1.0 - *side);
    *top = fmin(fmax(s->middle_y - *side / 2, 0.0), 1.0 - *side);
}
