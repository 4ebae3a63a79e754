/* SPDX-License-Identifier: MIT */
#include "view_frame.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "view_actions.h"

static const ink paper = {24, 26, 30}, edge = {250, 250, 250}, dark = {0, 0, 0}, chosen = {90, 220, 140},
                 letters = {230, 232, 236};

/* What is needed at every pixel of the picture. */
typedef struct canvas {
    photo *out;
    ink_box box;      /* of the picture */
    uint32_t *across; /* the token column of each of its columns */
    uint32_t *down;
    double left, top, side; /* the part of the photograph that is seen */
    const view_state *state;
    const view_result *result;
} canvas;

static void map_axis(uint32_t *out, uint32_t length, double begin, double side, uint32_t extent) {
    for (uint32_t i = 0; i < length; i++) {
        double token = floor((begin + (i + 0.5) / length * side) * extent);
        out[i] = token < extent ? (uint32_t)token : extent - 1;
    }
}

/* ---- Pixels ------------------------------------------------------------------------------------------- */

/* From dark to bright, as a glowing thing. */
static ink glow(double share) {
    static const ink stops[] = {{12, 12, 60}, {112, 24, 128}, {232, 84, 40}, {255, 246, 170}};
    double at = fmin(fmax(share, 0.0), 1.0) * 3.0;
    int stop = at < 2.0 ? (int)at : 2;
    return ink_between(stops[stop], stops[stop + 1], at - stop);
}

static const uint8_t *level_at(const clip *movie, uint32_t x, uint32_t y) {
    return movie->frame[0].rgb + ((size_t)y * movie->width + x) * 3;
}

/* A key that is seen: its weight over the picture in grey. The root shows small weights beside large ones. */
static ink heat_of(const view_row *row, size_t token, ink under) {
    double weight = (double)row->weights[token];
    double share = row->largest > 0.0 ? sqrt(fmin(weight / row->largest, 1.0)) : 0.0;
    uint8_t grey = (uint8_t)((under.r * 2 + under.g * 5 + under.b) / 8);
    return ink_between((ink){grey, grey, grey}, glow(share), 0.5 + 0.5 * share);
}

static void draw_line(const canvas *c, uint32_t line) {
    const view_result *r = c->result;
    const view_row *row = c->state->heat && r->row.known ? &r->row : NULL;
    uint32_t y = c->down[line], half = c->box.width / 2;
    uint8_t *to = c->out->rgb + ((size_t)(c->box.y + line) * c->out->width + c->box.x) * 3;
    for (uint32_t i = 0; i < c->box.width; i++, to += 3) {
        bool input = c->state->show == VIEW_SHOW_INPUT || (c->state->show == VIEW_SHOW_BOTH && i < half);
        const uint8_t *level = level_at(input ? &r->noisy : &r->denoised, c->across[i], y);
        size_t token = (size_t)y * r->noisy.width + c->across[i];
        ink colour = {level[0], level[1], level[2]};
        if (row && row->seen[token]) {
            colour = heat_of(row, token, colour);
        }
        memcpy(to, &colour, 3);
    }
}

/* ---- Outlines ----------------------------------------------------------------------------------------- */

static double inside(double value, uint32_t from, uint32_t length) {
    return fmin(fmax(value, from), (double)from + length);
}

/* A rectangle of the picture, [x0, x1) x [y0, y1), cut to it. */
static void fill(const canvas *c, double x0, double y0, double x1, double y1, ink colour) {
    double left = inside(x0, c->box.x, c->box.width), right = inside(x1, c->box.x, c->box.width);
    double top = inside(y0, c->box.y, c->box.height), bottom = inside(y1, c->box.y, c->box.height);
    if (left < right && top < bottom) {
        ink_fill(c->out,
                 (ink_box){(uint32_t)left, (uint32_t)top, (uint32_t)(right - left), (uint32_t)(bottom - top)},
                 colour);
    }
}

/* Around tokens [x, x + width) x [y, y + height), inside of them. */
static void outline(const canvas *c, uint32_t x, uint32_t y, uint32_t width, uint32_t height, double thick,
                    ink colour) {
    uint32_t across = c->result->noisy.width, down = c->result->noisy.height;
    double x0 = view_token_edge(c->box.x, c->box.width, c->left, c->side, x, across);
    double x1 = view_token_edge(c->box.x, c->box.width, c->left, c->side, x + width, across);
    double y0 = view_token_edge(c->box.y, c->box.height, c->top, c->side, y, down);
    double y1 = view_token_edge(c->box.y, c->box.height, c->top, c->side, y + height, down);
    fill(c, x0, y0, x1, y0 + thick, colour);
    fill(c, x0, y1 - thick, x1, y1, colour);
    fill(c, x0, y0, x0 + thick, y1, colour);
    fill(c, x1 - thick, y0, x1, y1, colour);
}

static void outline_blocks(const canvas *c, const view_row *row, double thick) {
    for (uint32_t i = 0; i < row->block_count; i++) {
        uint32_t first[2], side[2];
        view_block_box(&c->result->problem, row->blocks[i], first, side);
        bool own = row->y - first[0] < side[0] && row->x - first[1] < side[1];
        outline(c, first[1], first[0], side[1], side[0], thick, own ? edge : chosen);
    }
}

/* The bounds of what is seen. */
static void outline_window(const canvas *c, const view_row *row, double thick) {
    uint32_t width = c->result->noisy.width, height = c->result->noisy.height;
    uint32_t x0 = width, y0 = height, x1 = 0, y1 = 0;
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            if (row->seen[(size_t)y * width + x]) {
                x0 = x < x0 ? x : x0;
                x1 = x > x1 ? x : x1;
                y0 = y < y0 ? y : y0;
                y1 = y;
            }
        }
    }
    outline(c, x0, y0, x1 - x0 + 1, y1 - y0 + 1, thick, edge);
}

static void draw_row(const canvas *c) {
    const view_row *row = &c->result->row;
    double thick = c->state->zoom > 1 ? 2.0 : 1.0;
    if (c->result->problem.pattern == VIEW_BLOCKS) {
        outline_blocks(c, row, thick);
    } else {
        outline_window(c, row, thick);
    }
    outline(c, row->x, row->y, 1, 1, thick + 1.0, dark);
    outline(c, row->x, row->y, 1, 1, thick, edge);
}

/* ---- The whole ---------------------------------------------------------------------------------------- */

static bool draw_picture(canvas *c) {
    const view_result *r = c->result;
    if (c->box.width == 0 || r->noisy.frames == 0 || r->denoised.frames == 0) {
        return true;
    }
    c->across = malloc(((size_t)c->box.width + c->box.height) * sizeof(uint32_t));
    if (!c->across) {
        return complain("out of memory for a frame");
    }
    c->down = c->across + c->box.width;
    map_axis(c->across, c->box.width, c->left, c->side, r->noisy.width);
    map_axis(c->down, c->box.height, c->top, c->side, r->noisy.height);
    for (uint32_t line = 0; line < c->box.height; line++) {
        draw_line(c, line);
    }
    if (c->state->show == VIEW_SHOW_BOTH) {
        uint32_t half = c->box.x + c->box.width / 2;
        fill(c, half, c->box.y, half + 1, (double)c->box.y + c->box.height, edge);
    }
    if (c->state->heat && r->row.known) {
        draw_row(c);
    }
    free(c->across);
    return true;
}

static void draw_help(photo *frame, const view_layout *l) {
    uint32_t scale = l->scale, line = 16 * scale, count = 0, width = 0;
    for (; view_key_help(count); count++) {
        uint32_t one = ink_text_width(scale, view_key_help(count));
        width = one > width ? one : width;
    }
    ink_box box = {l->picture.x + 8 * scale, l->picture.y + 8 * scale, width + 20 * scale,
                   (count + 1) * line};
    ink_fill(frame, box, paper);
    ink_outline(frame, box, letters);
    for (uint32_t i = 0; i < count; i++) {
        ink_text(frame, box.x + 10 * scale, box.y + i * line + 10 * scale, scale, letters, view_key_help(i));
    }
}

bool view_frame_draw(photo *frame, const view_layout *l, const view_state *s, const view_result *r) {
    canvas c = {.out = frame, .box = l->picture, .state = s, .result = r};
    view_part(s, &c.left, &c.top, &c.side);
    ink_fill(frame, (ink_box){0, 0, frame->width, frame->height}, paper);
    bool drawn = draw_picture(&c);
    if (l->panel.width > 0) {
        view_panel_draw(frame, l, s, r);
    }
    if (s->help) {
        draw_help(frame, l);
    }
    return drawn;
}
