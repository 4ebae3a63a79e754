/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "view_frame.h"

static const ink paper = {38, 41, 48}, letters = {230, 232, 236}, faint = {150, 156, 168},
                 groove = {70, 76, 88}, bar = {74, 134, 214}, marked = {74, 134, 214}, button = {58, 63, 74},
                 alarm = {255, 120, 100};

/* Where the next line of figures goes. */
typedef struct pen {
    photo *frame;
    const view_layout *layout;
    uint32_t y;
} pen;

static uint32_t left_of(const view_layout *l) {
    return l->panel.x + 8 * l->scale;
}

/* A name and what is to be said of it; stb_easy_font has the letters of ASCII. */
#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
static void
say(pen *p, ink colour, const char *name, const char *format, ...) {
    char text[160];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    uint32_t scale = p->layout->scale, x = left_of(p->layout);
    ink_text(p->frame, x, p->y, scale, faint, name);
    ink_text(p->frame, x + 62 * scale, p->y, scale, colour, text);
    p->y += 14 * scale;
}

static void draw_button(photo *frame, const view_layout *l, ink_box box, bool pressed, const char *text) {
    uint32_t width = ink_text_width(l->scale, text);
    uint32_t gap = box.width > width ? (box.width - width) / 2 : 0;
    ink_fill(frame, box, pressed ? marked : button);
    ink_text(frame, box.x + gap, box.y + 6 * l->scale, l->scale, letters, text);
}

static void format_value(char *text, size_t size, view_value value, uint32_t number) {
    if (value == VIEW_STRENGTH) {
        snprintf(text, size, "%.2f", number / 100.0);
    } else {
        snprintf(text, size, "%u", number);
    }
}

static void draw_slider(photo *frame, const view_layout *l, const view_state *s, view_value value) {
    ink_box box = l->slider[value], track = l->track[value];
    view_range range = view_value_range(s, value);
    uint32_t scale = l->scale, number = view_get(s, value), y = box.y + 5 * scale;
    double share =
        range.most > range.least ? (double)(number - range.least) / (range.most - range.least) : 1.0;
    uint32_t filled = (uint32_t)(share * (track.width - 1) + 0.5);
    ink colour = s->focus == value ? letters : faint;
    char text[16];
    format_value(text, sizeof(text), value, number);
    ink_text(frame, box.x, y, scale, colour, view_value_name(value));
    ink_fill(frame, (ink_box){track.x, box.y + 8 * scale, track.width, 3 * scale}, groove);
    ink_fill(frame, (ink_box){track.x, box.y + 8 * scale, filled, 3 * scale}, bar);
    ink_fill(frame,
             (ink_box){track.x + filled - (filled >= 2 * scale ? 2 * scale : filled), box.y + 4 * scale,
                       4 * scale, 11 * scale},
             colour);
    ink_text(frame, track.x + track.width + 8 * scale, y, scale, colour, text);
}

static const char *layout_name(vatten_layout layout) {
    static const char *const names[] = {
        "auto",    "rows",    "subgroup",         "shared", "matrix",        "stream",
        "matrix2", "address", "matrix_workgroup", "packed", "packed_shared", "half",
        "mixed",   "dot"};
    return layout < sizeof(names) / sizeof(names[0]) ? names[layout] : "?";
}

static void say_speed(pen *p, const view_result *r) {
    double rate = r->ms > 0.0 ? r->flops / (r->ms * 1e6) : 0.0;
    say(p, letters, "kernel", "%s", r->kernel);
    say(p, letters, "tile", "%s: workgroup %u, %u x %u, %u lane%s a row", layout_name(r->tile.layout),
        r->tile.workgroup, r->tile.rows, r->tile.keys, r->tile.lanes_per_row,
        r->tile.lanes_per_row == 1 ? "" : "s");
    say(p, letters, "time", "%.2f ms, %.1f GFLOP/s", r->ms, rate);
    if (r->roof > 0.0) {
        say(p, letters, "roof", "%.2f of %.0f GFLOP/s", rate / r->roof, r->roof);
    } else {
        say(p, faint, "roof", "not measured");
    }
}

static void say_picture(pen *p, const view_result *r) {
    say(p, letters, "tokens", "%u x %u, %.4g flops", r->problem.extent[1], r->problem.extent[0], r->flops);
    say(p, letters, "noise", "sigma %.1f levels%s, h %.1f", r->settings.sigma,
        r->estimated ? " (estimated)" : "", nlm_h(&r->settings));
    if (!r->estimated) {
        say(p, letters, "psnr", "%.2f dB noisy, %.2f dB denoised", r->psnr_noisy, r->psnr_denoised);
    }
}

static void say_row(pen *p, const view_state *s, const view_result *r) {
    const view_row *row = &r->row;
    if (!row->known) {
        say(p, faint, "pixel", "%s", s->hovering ? "no weights on this device" : "none: point at one");
        return;
    }
    say(p, letters, "pixel", "%u, %u%s", row->x, row->y, s->pinned ? " (held)" : "");
    say(p, letters, "keys", "%llu, sum of weights %.6f", (unsigned long long)row->keys, row->sum);
    say(p, letters, "weights", "own %.4f, largest other %.4f", row->own, row->largest);
    say(p, letters, "", "as undecided as %.1f equal ones", row->like);
    if (row->block_count) {
        say(p, letters, "blocks", "%u of %u", row->block_count, view_block_count(&r->problem));
    }
    say(p, letters, "row", "%.2f ms", row->ms);
}

/* Trouble may be longer than a line. */
static void say_trouble(pen *p, const view_result *r) {
    enum { LINE = 36 };
    for (const char *at = r->trouble; *at;) {
        int length = 0;
        while (at[length] && length < LINE) {
            length++;
        }
        say(p, alarm, at == r->trouble ? "trouble" : "", "%.*s", length, at);
        at += length;
    }
}

void view_panel_draw(photo *frame, const view_layout *l, const view_state *s, const view_result *r) {
    pen p = {frame, l, l->text_y};
    char text[32];
    ink_fill(frame, l->panel, paper);
    ink_text(frame, left_of(l), 8 * l->scale, l->scale, letters,
             "vatten viewer: attention over a picture (f1: keys)");
    for (int i = 0; i < VIEW_PATTERNS; i++) {
        snprintf(text, sizeof(text), "%s", view_pattern_name((view_pattern)i));
        draw_button(frame, l, l->pattern[i], s->pattern == (view_pattern)i, text);
    }
    for (int v = 0; v < VIEW_VALUES; v++) {
        if (view_has_value(s, (view_value)v)) {
            draw_slider(frame, l, s, (view_value)v);
        }
    }
    snprintf(text, sizeof(text), "v: %s", view_show_name(s->show));
    draw_button(frame, l, l->show, false, text);
    draw_button(frame, l, l->heat, s->heat, "h: weights");
    draw_button(frame, l, l->help, s->help, "f1: keys");
    say(&p, letters, "device", "%s", r->device);
    if (!r->failed) {
        say_speed(&p, r);
        say_picture(&p, r);
        p.y += 6 * l->scale;
        say_row(&p, s, r);
    }
    say_trouble(&p, r);
}
