/* SPDX-License-Identifier: MIT */
#include "view_layout.h"

#include <math.h>
#include <string.h>

enum { PANEL = 324, MARGIN = 8, LINE = 14, BUTTON = 20, NAME = 62, NUMBER = 34 }; /* at scale 1 */

static void lay_picture(const view_state *s, view_layout *l) {
    uint32_t margin = MARGIN * l->scale;
    if (l->panel.x <= 2 * margin || l->height <= 2 * margin) {
        return;
    }
    double width = l->panel.x - 2 * margin, height = l->height - 2 * margin;
    double factor = fmin(width / s->photo_width, height / s->photo_height);
    l->picture.width = (uint32_t)fmax(1.0, floor(s->photo_width * factor));
    l->picture.height = (uint32_t)fmax(1.0, floor(s->photo_height * factor));
    l->picture.x = (l->panel.x - l->picture.width) / 2;
    l->picture.y = (l->height - l->picture.height) / 2;
}

/* Boxes of one line, `count` beside each other. */
static void lay_buttons(const view_layout *l, uint32_t y, uint32_t count, ink_box *out) {
    uint32_t inner = l->panel.width - 2 * MARGIN * l->scale;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t begin = inner * i / count, end = inner * (i + 1) / count;
        out[i] = (ink_box){l->panel.x + MARGIN * l->scale + begin, y, end - begin - 2 * l->scale,
                           BUTTON * l->scale};
    }
}

static void lay_panel(const view_state *s, view_layout *l) {
    uint32_t scale = l->scale, inner = l->panel.width - 2 * MARGIN * scale;
    uint32_t x = l->panel.x + MARGIN * scale, y = (MARGIN + LINE + 10) * scale;
    lay_buttons(l, y, VIEW_PATTERNS, l->pattern);
    y += (BUTTON + 8) * scale;
    for (int v = 0; v < VIEW_VALUES; v++) {
        if (view_has_value(s, (view_value)v)) {
            l->slider[v] = (ink_box){x, y, inner, BUTTON * scale};
            l->track[v] = (ink_box){x + NAME * scale, y, inner - (NAME + NUMBER) * scale, BUTTON * scale};
            y += BUTTON * scale;
        }
    }
    y += 6 * scale;
    ink_box buttons[3];
    lay_buttons(l, y, 3, buttons);
    l->show = buttons[0];
    l->heat = buttons[1];
    l->help = buttons[2];
    l->text_y = y + (BUTTON + 8) * scale;
}

view_layout view_layout_of(const view_state *s, uint32_t width, uint32_t height, uint32_t scale) {
    view_layout l = {.width = width, .height = height, .scale = scale};
    l.panel = (ink_box){width, 0, 0, height};
    if (width >= 2 * PANEL * scale) { /* a small window is for the picture alone */
        l.panel = (ink_box){width - PANEL * scale, 0, PANEL * scale, height};
        lay_panel(s, &l);
    }
    lay_picture(s, &l);
    return l;
}

bool view_inside(ink_box box, double x, double y) {
    return x >= box.x && y >= box.y && x < (double)box.x + box.width && y < (double)box.y + box.height;
}

void view_place_at(const view_state *s, const view_layout *l, double x, double y, double *place_x,
                   double *place_y) {
    double left, top, side;
    view_part(s, &left, &top, &side);
    *place_x = left + (x - l->picture.x) / l->picture.width * side;
    *place_y = top + (y - l->picture.y) / l->picture.height * side;
}

double view_token_edge(uint32_t from, uint32_t length, double begin, double side, uint32_t token,
                       uint32_t extent) {
    return from + ceil(((double)token / extent - begin) / side * length - 0.5);
}
