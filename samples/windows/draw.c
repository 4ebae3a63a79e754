/* SPDX-License-Identifier: MIT */
#include "draw.h"

#include "ink.h"

static const ink grid_line = {205, 205, 205}, nothing = {240, 240, 240}, query_ink = {214, 40, 40},
                 plane_line = {90, 90, 90};
static const ink light = {190, 214, 246}, dark = {16, 60, 128};

/* `heaviest` is what is drawn darkest. */
static ink ink_of(float weight, float heaviest) {
    return weight > 0 ? ink_between(light, dark, (double)(weight / heaviest)) : nothing;
}

/* Column and row of a token in the panel: planes of three axes lie two by two. */
static void place(const pattern *p, uint64_t token, unsigned *column, unsigned *row) {
    uint64_t across = pattern_extent(p, p->rank - 1), down = pattern_extent(p, p->rank - 2);
    uint64_t plane = token / (across * down);
    *column = (unsigned)(token % across + plane % 2 * across);
    *row = (unsigned)(token / across % down + plane / 2 * down);
}

static ink_box cell(unsigned x, unsigned y, unsigned column, unsigned row, unsigned margin) {
    return (ink_box){x + column * CELL + margin, y + row * CELL + margin, CELL + 1 - 2 * margin,
                     CELL + 1 - 2 * margin};
}

void draw_weights(photo *c, unsigned x, unsigned y, const pattern *p, const float *weights) {
    unsigned column, row;
    ink_fill(c, (ink_box){x, y, PANEL, PANEL}, grid_line);
    /* An even share of the smallest window that is drawn: pictures can be compared. */
    const float heaviest = 1.0f / 24;
    for (uint64_t token = 0; token < TOKENS; token++) {
        place(p, token, &column, &row);
        float weight = weights[token] < heaviest ? weights[token] : heaviest;
        ink_fill(c, cell(x, y, column, row, 1), ink_of(weight, heaviest));
    }
    if (p->rank == 3) { /* between the planes */
        ink_fill(c, (ink_box){x + PANEL / 2 - 1, y, 3, PANEL}, plane_line);
        ink_fill(c, (ink_box){x, y + PANEL / 2 - 1, PANEL, 3}, plane_line);
    }
    place(p, pattern_query(p), &column, &row);
    ink_fill(c, cell(x, y, column, row, 3), query_ink);
}
