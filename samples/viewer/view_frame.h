/* SPDX-License-Identifier: MIT
 *
 * A frame: state and result drawn on a picture in memory. Pure: a window shows what a file would hold, to the last level.
 */
#ifndef VIEWER_VIEW_FRAME_H
#define VIEWER_VIEW_FRAME_H

#include "view_layout.h"
#include "view_result.h"

/* Draws all of `frame`, whose size is the layout's. False after a message when memory is short. */
bool view_frame_draw(photo *frame, const view_layout *layout, const view_state *state,
                     const view_result *result);

/* Its right part; view_frame_draw calls it. */
void view_panel_draw(photo *frame, const view_layout *layout, const view_state *state,
                     const view_result *result);

#endif
