/* SPDX-License-Identifier: MIT */
#include "ring_timeline.h"

#include <math.h>
#include <stdio.h>

#include "complain.h"
#include "ink.h"
#include "ring_report.h"

enum { SCALE = 2, LEFT = 110, TOP = 92, WIDTH = 960, RIGHT = 40, LANE = 62, TRACK = 24, BELOW = 60 };

static const ink paper = {255, 255, 255}, letters = {32, 32, 32}, grid = {226, 226, 226},
                 idle = {244, 244, 244}, own_line = {255, 255, 255};
static const ink colours[RING_SPAN_KINDS] = {{0, 114, 178},
                                             {230, 159, 0}}; /* told apart by everybody (Okabe, Ito) */

static uint32_t at_x(double ms, double most) {
    return LEFT + (uint32_t)lround(fmin(fmax(ms / most, 0.0), 1.0) * WIDTH);
}

/* The next of 1, 2, 5, 10, 20, ... that is not below. */
static double round_up(double value) {
    double power = pow(10.0, floor(log10(value))), lead = value / power;
    return power * (lead <= 1.0 ? 1.0 : lead <= 2.0 ? 2.0 : lead <= 5.0 ? 5.0 : 10.0);
}

static void draw_axis(photo *out, double most, uint32_t bottom) {
    double tick = round_up(most / 10.0);
    for (int i = 0; i * tick <= most; i++) {
        char label[32];
        uint32_t x = at_x(i * tick, most);
        snprintf(label, sizeof(label), "%.3g", i * tick);
        ink_fill(out, (ink_box){x, TOP - 6, 1, bottom - TOP + 12}, grid);
        ink_text(out, x - ink_text_width(SCALE, label) / 2, bottom + 12, SCALE, letters, label);
    }
    ink_text(out, LEFT + WIDTH - 30, bottom + 34, SCALE, letters, "ms");
}

static void draw_span(photo *out, const ring_span *span, double most, uint32_t lane) {
    uint32_t x = at_x(span->begin, most), end = at_x(span->end, most);
    uint32_t y = TOP + lane * LANE + (span->kind == RING_TRANSFER ? TRACK + 4 : 0);
    ink_box box = {x, y, end > x ? end - x : 1, TRACK};
    ink_fill(out, box, colours[span->kind]);
    if (box.width > 3) {
        ink_outline(out, box, own_line);
    }
    char label[16];
    snprintf(label, sizeof(label), "%u", span->step);
    if (ink_text_width(SCALE, label) + 6 < box.width) {
        ink_text(out, x + 4, y + 5, SCALE, own_line, label);
    }
}

static void draw_legend(photo *out, const ring_study *n) {
    const ring_shape *s = &n->desc.shape;
    char title[160];
    snprintf(title, sizeof(title), "%s attention, %u tokens, %u ranks%s%s: %.1f ms",
             ring_method_name(s->method), s->tokens, s->ranks, s->method == RING_METHOD_RING ? ", " : "",
             s->method == RING_METHOD_RING ? ring_placement_name(s->placement) : "", n->total_ms);
    ink_text(out, LEFT, 16, SCALE, letters, title);
    ink_fill(out, (ink_box){LEFT, 50, 16, 16}, colours[RING_COMPUTE]);
    ink_text(out, LEFT + 24, 50, SCALE, letters, "computes, by step");
    ink_fill(out, (ink_box){LEFT + 270, 50, 16, 16}, colours[RING_TRANSFER]);
    ink_text(out, LEFT + 294, 50, SCALE, letters, "sends, receives or waits for others");
}

bool ring_timeline_draw(const ring_study *n, const char *path) {
    uint32_t ranks = n->desc.shape.ranks, bottom = TOP + ranks * LANE;
    photo out;
    if (!photo_create(&out, LEFT + WIDTH + RIGHT, bottom + BELOW)) {
        return complain("out of memory");
    }
    ink_fill(&out, (ink_box){0, 0, out.width, out.height}, paper);
    for (uint32_t r = 0; r < ranks; r++) {
        ink_fill(&out, (ink_box){LEFT, TOP + r * LANE, WIDTH, 2 * TRACK + 4}, idle);
    }
    draw_axis(&out, n->total_ms, bottom);
    draw_legend(&out, n);
    for (uint32_t r = 0; r < ranks; r++) {
        char label[16];
        snprintf(label, sizeof(label), "rank %u", r);
        ink_text(&out, 12, TOP + r * LANE + 18, SCALE, letters, label);
        for (uint32_t i = 0; i < n->ranks[r].span_count; i++) {
            draw_span(&out, &n->ranks[r].spans[i], n->total_ms, r);
        }
    }
    bool saved = photo_save(&out, path);
    photo_destroy(&out);
    return saved;
}
