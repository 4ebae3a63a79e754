/* SPDX-License-Identifier: MIT */
#include "view_actions.h"

#include <stddef.h>

enum { LARGE = 8 }; /* times as far with shift */

const char *view_key_help(unsigned line) {
    static const char *const lines[] = {
        "1 2 3 4        dense, window, neighborhood, blocks",
        "arrows         move the pixel (shift: by 8)",
        "space, click   hold the pixel, let it go",
        "tab            next slider (shift: the one before)",
        "- +            move the slider (page down, up: by 8)",
        "[ ]            strength",
        "v              denoised, input, both",
        "h              weights over the picture",
        "z x, wheel     zoom in and out at the pixel",
        "r              back to how it began",
        "n p            next photograph, the one before (or drop one here)",
        "s              save a screenshot",
        "f1 or ?        this help",
        "esc or q       end",
    };
    return line < sizeof(lines) / sizeof(lines[0]) ? lines[line] : NULL;
}

static void step_value(view_state *s, view_value value, int steps) {
    double step = view_value_range(s, value).keys;
    view_set(s, value, view_get(s, value) + steps * step);
}

/* The next slider that the pattern has. */
static void step_focus(view_state *s, int step) {
    int next = (int)s->focus;
    do {
        next = (next + step + VIEW_VALUES) % VIEW_VALUES;
    } while (!view_has_value(s, (view_value)next));
    s->focus = (view_value)next;
}

static void step_pixel(view_state *s, int x, int y) {
    uint32_t at_x, at_y;
    view_token(s, &at_x, &at_y);
    view_point_at(s, (int64_t)at_x + x, (int64_t)at_y + y);
    s->pinned = true; /* or the next move of the mouse would take it away */
}

static void step_zoom(view_state *s, bool in) {
    if (in ? s->zoom < VIEW_MAX_ZOOM : s->zoom > 1) {
        s->zoom = in ? s->zoom * 2 : s->zoom / 2;
    }
    s->middle_x = s->x;
    s->middle_y = s->y;
}

static void reset(view_state *s) {
    view_pattern pattern = s->pattern;
    uint32_t noise = s->value[VIEW_NOISE];
    *s = view_state_begin(s->photo_width, s->photo_height);
    view_choose(s, pattern);
    view_set(s, VIEW_NOISE, noise); /* of the photograph rather than of how it is looked at */
}

static bool press_arrow(view_state *s, uint32_t key, int far) {
    switch (key) {
    case VIEW_KEY_LEFT:
        step_pixel(s, -far, 0);
        return true;
    case VIEW_KEY_RIGHT:
        step_pixel(s, far, 0);
        return true;
    case VIEW_KEY_UP:
        step_pixel(s, 0, -far);
        return true;
    case VIEW_KEY_DOWN:
        step_pixel(s, 0, far);
        return true;
    default:
        return false;
    }
}

static bool press_slider(view_state *s, uint32_t key, bool shift) {
    switch (key) {
    case VIEW_KEY_TAB:
        step_focus(s, shift ? -1 : 1);
        return true;
    case '-':
    case '+':
    case '=': /* the key of + without shift, on many keyboards */
        step_value(s, s->focus, key == '-' ? -1 : 1);
        return true;
    case VIEW_KEY_PAGE_DOWN:
    case VIEW_KEY_PAGE_UP:
        step_value(s, s->focus, key == VIEW_KEY_PAGE_DOWN ? -LARGE : LARGE);
        return true;
    case '[':
    case ']':
        step_value(s, VIEW_STRENGTH, key == '[' ? -1 : 1);
        return true;
    default:
        return false;
    }
}

static void press_switch(view_state *s, uint32_t key) {
    switch (key) {
    case ' ':
        s->pinned = !s->pinned && s->hovering;
        break;
    case 'v':
        s->show = (s->show + 1) % VIEW_SHOWS;
        break;
    case 'h':
        s->heat = !s->heat;
        break;
    case 'z':
    case 'x':
        step_zoom(s, key == 'z');
        break;
    case 'r':
        reset(s);
        break;
    case '?':
    case VIEW_KEY_HELP:
        s->help = !s->help;
        break;
    default:
        break;
    }
}

view_wish view_press(view_state *s, uint32_t key, bool shift) {
    int far = shift ? LARGE : 1;
    if (key == 'q' || key == VIEW_KEY_ESCAPE) {
        bool helped = s->help && key == VIEW_KEY_ESCAPE;
        s->help = false;
        return helped ? VIEW_GO_ON : VIEW_QUIT;
    }
    if (key == 's' || key == 'n' || key == 'p') {
        return key == 's' ? VIEW_SAVE : key == 'n' ? VIEW_NEXT : VIEW_PREVIOUS;
    }
    if (key >= '1' && key < '1' + VIEW_PATTERNS) {
        view_choose(s, (view_pattern)(key - '1'));
    } else if (!press_arrow(s, key, far) && !press_slider(s, key, shift)) {
        press_switch(s, key);
    }
    return VIEW_GO_ON;
}

/* ---- The mouse ---------------------------------------------------------------------------------------- */

static void drag(view_state *s, const view_layout *l, double x) {
    ink_box track = l->track[s->dragged];
    view_range range = view_value_range(s, s->dragged);
    double share = track.width > 1 ? (x - track.x) / (track.width - 1) : 0.0;
    view_set(s, s->dragged, range.least + share * (range.most - range.least));
}

void view_mouse_move(view_state *s, const view_layout *l, double x, double y) {
    if (s->dragged != VIEW_VALUES) {
        drag(s, l, x);
    } else if (!s->pinned) {
        s->hovering = view_inside(l->picture, x, y);
        if (s->hovering) {
            view_place_at(s, l, x, y, &s->x, &s->y);
        }
    }
}

static void press_panel(view_state *s, const view_layout *l, double x, double y) {
    for (int p = 0; p < VIEW_PATTERNS; p++) {
        if (view_inside(l->pattern[p], x, y)) {
            view_choose(s, (view_pattern)p);
            return;
        }
    }
    for (int v = 0; v < VIEW_VALUES; v++) {
        if (view_inside(l->slider[v], x, y)) {
            s->focus = (view_value)v;
            if (view_inside(l->track[v], x, y)) {
                s->dragged = (view_value)v;
                drag(s, l, x);
            }
        }
    }
    s->show = view_inside(l->show, x, y) ? (s->show + 1) % VIEW_SHOWS : s->show;
    s->heat ^= view_inside(l->heat, x, y);
    s->help ^= view_inside(l->help, x, y);
}

void view_mouse_down(view_state *s, const view_layout *l, double x, double y) {
    if (!view_inside(l->picture, x, y)) {
        press_panel(s, l, x, y);
        return;
    }
    bool was_pinned = s->pinned;
    s->pinned = false;
    view_mouse_move(s, l, x, y);
    s->pinned = !was_pinned;
}

void view_mouse_up(view_state *s) {
    s->dragged = VIEW_VALUES;
}

void view_mouse_wheel(view_state *s, const view_layout *l, double x, double y, double steps) {
    if (steps == 0.0 || !view_inside(l->picture, x, y)) {
        return;
    }
    double at_x, at_y, left, top, side;
    view_place_at(s, l, x, y, &at_x, &at_y);
    step_zoom(s, steps > 0.0);
    view_part(s, &left, &top, &side); /* what is under the mouse stays there */
    s->middle_x = at_x - (x - l->picture.x) / l->picture.width * side + side / 2;
    s->middle_y = at_y - (y - l->picture.y) / l->picture.height * side + side / 2;
}
