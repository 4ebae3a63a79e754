/* SPDX-License-Identifier: MIT */
#include "chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ink.h"
#include "storage.h"

#define SCALE  2u /* of letters */
#define LEFT   96u
#define TOP    72u
#define WIDTH  640u /* of the field */
#define HEIGHT 360u
#define BELOW  72u
#define RIGHT  40u

static const ink paper = {255, 255, 255}, letters = {32, 32, 32}, grid = {226, 226, 226},
                 line = {16, 60, 128}, light = {150, 184, 232};

/* What the sides of the field stand for; the other corner is (0, 0). */
typedef struct scales {
    double most_x, most_y;
} scales;

static uint32_t at_x(const scales *s, double x) {
    return LEFT + (uint32_t)lround(x / s->most_x * WIDTH);
}

static uint32_t at_y(const scales *s, double y) {
    return TOP + HEIGHT - (uint32_t)lround(fmin(y / s->most_y, 1.0) * HEIGHT);
}

static void dot(photo *out, uint32_t x, uint32_t y, uint32_t side, ink colour) {
    ink_fill(out, (ink_box){x - side / 2, y - side / 2, side, side}, colour);
}

static void stroke(photo *out, uint32_t x0, uint32_t y0, uint32_t x1, uint32_t y1, ink colour) {
    double dx = (double)x1 - x0, dy = (double)y1 - y0, steps = fmax(fmax(fabs(dx), fabs(dy)), 1.0);
    for (double i = 0.0; i <= steps; i++) {
        dot(out, (uint32_t)lround(x0 + dx * i / steps), (uint32_t)lround(y0 + dy * i / steps), 3, colour);
    }
}

/* The next of 1, 2, 5, 10, 20, ... that is not below. */
static double round_up(double value) {
    double power = pow(10.0, floor(log10(value))), lead = value / power;
    return power * (lead <= 1.0 ? 1.0 : lead <= 2.0 ? 2.0 : lead <= 5.0 ? 5.0 : 10.0);
}

static double token_ms(const study *s, double step_ms) {
    return step_ms / s->desc.layer.rows / s->desc.layer.tokens.batch;
}

static void draw_heights(photo *out, scales *s, double most) {
    char label[32];
    double tick = round_up(most / 5.0);
    s->most_y = tick * ceil(1.05 * most / tick);
    for (double y = 0.0; y <= s->most_y + tick / 2; y += tick) {
        snprintf(label, sizeof(label), "%.3g", y);
        ink_fill(out, (ink_box){LEFT, at_y(s, y), WIDTH, 1}, grid);
        ink_text(out, LEFT - 10 - ink_text_width(SCALE, label), at_y(s, y) - 8, SCALE, letters, label);
    }
}

/* Lengths whose words would touch those of the one before have none. */
static void draw_lengths(photo *out, const study *s, const scales *scale) {
    char label[32];
    uint32_t next = 0;
    for (uint32_t i = 0; i < s->desc.length_count; i++) {
        double length = (double)s->point[i].length;
        bool whole = s->point[i].length % 1024 == 0;
        snprintf(label, sizeof(label), whole ? "%.0fk" : "%.0f", whole ? length / 1024.0 : length);
        uint32_t x = at_x(scale, length), width = ink_text_width(SCALE, label);
        ink_fill(out, (ink_box){x, TOP, 1, HEIGHT + 6}, grid);
        if (x - width / 2 >= next) {
            ink_text(out, x - width / 2, TOP + HEIGHT + 12, SCALE, letters, label);
            next = x + width / 2 + 12;
        }
    }
}

static void draw_curve(photo *out, const study *s, const scales *scale, bool least, ink colour) {
    uint32_t last_x = 0, last_y = 0;
    for (uint32_t i = 0; i < s->desc.length_count; i++) {
        const study_point *p = &s->point[i];
        uint32_t x = at_x(scale, (double)p->length),
                 y = at_y(scale, token_ms(s, least ? p->least_ms : p->step_ms));
        if (i) {
            stroke(out, last_x, last_y, x, y, colour);
        }
        dot(out, x, y, 9, colour);
        last_x = x;
        last_y = y;
    }
}

static void draw_words(photo *out, const study *s) {
    const layer_desc *l = &s->desc.layer;
    const token_desc *t = &l->tokens;
    char words[128];
    snprintf(words, sizeof(words), "%u heads on %u, dim %u, %s, pages of %u, %u %s a step", t->heads,
             t->kv_heads, t->dim, storage_name(t->dtype), l->page, t->batch * l->rows,
             t->batch * l->rows > 1 ? "tokens" : "token");
    ink_text(out, 12, 10, SCALE, letters, words);
    ink_text(out, 12, 38, SCALE, letters, "ms per token:");
    uint32_t x = 12 + ink_text_width(SCALE, "ms per token: ") + 8;
    dot(out, x + 8, 45, 9, line);
    ink_text(out, x + 20, 38, SCALE, letters, "median");
    x += 20 + ink_text_width(SCALE, "median") + 16;
    dot(out, x + 8, 45, 9, light);
    ink_text(out, x + 20, 38, SCALE, letters, "least");
    const char *below = "tokens in the cache";
    ink_text(out, LEFT + WIDTH / 2 - ink_text_width(SCALE, below) / 2, TOP + HEIGHT + 44, SCALE, letters,
             below);
}

bool chart_draw(const study *s, const char *path) {
    photo picture;
    scales scale = {.most_x = (double)s->point[s->desc.length_count - 1].length};
    double most = 0.0;
    for (uint32_t i = 0; i < s->desc.length_count; i++) {
        most = fmax(most, token_ms(s, s->point[i].step_ms));
    }
    if (!photo_create(&picture, LEFT + WIDTH + RIGHT, TOP + HEIGHT + BELOW)) {
        return false;
    }
    ink_fill(&picture, (ink_box){0, 0, picture.width, picture.height}, paper);
    draw_heights(&picture, &scale, most);
    draw_lengths(&picture, s, &scale);
    ink_outline(&picture, (ink_box){LEFT, TOP, WIDTH + 1, HEIGHT + 1}, letters);
    draw_curve(&picture, s, &scale, true, light);
    draw_curve(&picture, s, &scale, false, line);
    draw_words(&picture, s);
    bool done = photo_save(&picture, path);
    photo_destroy(&picture);
    return done;
}
