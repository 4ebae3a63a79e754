/* SPDX-License-Identifier: MIT */
#include "pieces.h"

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

/* Neighbours share window - 1 places: n pieces of p cover n p - (n - 1) (window - 1). */
uint32_t axis_count(const axis_cut *cut) {
    uint32_t step = cut->piece - cut->window + 1;
    return 1 + (cut->extent - cut->piece + step - 1) / step;
}

/* The shortest pieces of which `count` cover the axis. */
static uint32_t piece_of(const axis_cut *cut, uint32_t count) {
    uint64_t places = cut->extent + (uint64_t)(count - 1) * (cut->window - 1);
    return (uint32_t)((places + count - 1) / count);
}

/* Sets the fewest pieces of at most `most` places. False if that is less than a window. */
static bool cut_axis(axis_cut *cut, uint64_t most) {
    cut->piece = most < cut->extent ? (uint32_t)most : cut->extent;
    if (cut->piece < cut->window) {
        return false;
    }
    cut->piece = piece_of(cut, axis_count(cut));
    return true;
}

/* The most pieces that an axis can have. */
static uint32_t most_pieces(const axis_cut *cut) {
    return cut->extent - cut->window + 1;
}

typedef struct choice {
    axis_cut cut[CLIP_AXES];
    uint64_t pixels; /* that all pieces compute */
} choice;

static void keep_better(choice *best, const axis_cut cut[CLIP_AXES]) {
    uint64_t pixels = pieces_pixels(cut) * pieces_count(cut);
    if (pixels < best->pixels) {
        *best = (choice){{cut[CLIP_T], cut[CLIP_Y], cut[CLIP_X]}, pixels};
    }
}

/* Tries every number of pieces along y; x follows. */
static void choose_rows(choice *best, axis_cut cut[CLIP_AXES], uint64_t max_pixels, uint32_t side) {
    if (!cut_axis(&cut[CLIP_Y], side)) {
        return;
    }
    for (uint32_t n = axis_count(&cut[CLIP_Y]); n <= most_pieces(&cut[CLIP_Y]); n++) {
        cut[CLIP_Y].piece = piece_of(&cut[CLIP_Y], n);
        uint64_t most = max_pixels / cut[CLIP_T].piece / cut[CLIP_Y].piece;
        if (cut_axis(&cut[CLIP_X], most < side ? most : side)) {
            keep_better(best, cut);
            if (cut[CLIP_X].piece == cut[CLIP_X].extent) {
                return; /* more pieces only overlap more */
            }
        }
    }
}

bool pieces_choose(axis_cut cut[CLIP_AXES], uint64_t max_pixels, uint32_t max_side) {
    choice best = {.pixels = UINT64_MAX};
    for (uint32_t n = 1; n <= most_pieces(&cut[CLIP_T]); n++) {
        cut[CLIP_T].piece = piece_of(&cut[CLIP_T], n);
        choose_rows(&best, cut, max_pixels, max_side);
    }
    for (int a = 0; best.pixels < UINT64_MAX && a < CLIP_AXES; a++) {
        cut[a] = best.cut[a];
    }
    return best.pixels < UINT64_MAX;
}

uint64_t pieces_pixels(const axis_cut cut[CLIP_AXES]) {
    return (uint64_t)cut[CLIP_T].piece * cut[CLIP_Y].piece * cut[CLIP_X].piece;
}

uint64_t pieces_count(const axis_cut cut[CLIP_AXES]) {
    return (uint64_t)axis_count(&cut[CLIP_T]) * axis_count(&cut[CLIP_Y]) * axis_count(&cut[CLIP_X]);
}

bool pieces_next(const axis_cut cut[CLIP_AXES], clip_piece *p) {
    bool begun = p->axis[CLIP_T].keep_end > 0;
    for (int a = CLIP_X; begun && a >= 0; a--) {
        if (axis_next(&cut[a], &p->axis[a])) {
            return true;
        }
        p->axis[a] = (axis_piece){0};
        (void)axis_next(&cut[a], &p->axis[a]);
    }
    for (int a = 0; !begun && a < CLIP_AXES; a++) {
        (void)axis_next(&cut[a], &p->axis[a]);
    }
    return !begun;
}

clip_box piece_box(const axis_cut cut[CLIP_AXES], const clip_piece *p) {
    clip_box box;
    for (int a = 0; a < CLIP_AXES; a++) {
        box.begin[a] = p->axis[a].begin;
        box.size[a] = cut[a].piece;
    }
    return box;
}

clip_box piece_kept(const clip_piece *p) {
    clip_box box;
    for (int a = 0; a < CLIP_AXES; a++) {
        box.begin[a] = p->axis[a].keep_begin;
        box.size[a] = p->axis[a].keep_end - p->axis[a].keep_begin;
    }
    return box;
}
