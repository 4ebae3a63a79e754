/* SPDX-License-Identifier: MIT
 *
 * What keys and the mouse do to the state. Pure: a window only passes on what it is told.
 */
#ifndef VIEWER_VIEW_ACTIONS_H
#define VIEWER_VIEW_ACTIONS_H

#include "view_layout.h"

/* Keys that write something are that, letters in lower case; the others: */
enum {
    VIEW_KEY_LEFT = 256,
    VIEW_KEY_RIGHT,
    VIEW_KEY_UP,
    VIEW_KEY_DOWN,
    VIEW_KEY_PAGE_UP,
    VIEW_KEY_PAGE_DOWN,
    VIEW_KEY_TAB,
    VIEW_KEY_ESCAPE,
    VIEW_KEY_HELP
};

/* What is left to the caller. */
typedef enum view_wish { VIEW_GO_ON, VIEW_QUIT, VIEW_SAVE, VIEW_NEXT, VIEW_PREVIOUS } view_wish;

view_wish view_press(view_state *s, uint32_t key, bool shift);

/* The mouse, in pixels of the frame. */
void view_mouse_move(view_state *s, const view_layout *l, double x, double y);
void view_mouse_down(view_state *s, const view_layout *l, double x, double y);
void view_mouse_up(view_state *s);
void view_mouse_wheel(view_state *s, const view_layout *l, double x, double y, double steps);

/* One line a key, for people; NULL past the last. */
const char *view_key_help(unsigned line);

#endif
