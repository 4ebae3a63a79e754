/* SPDX-License-Identifier: MIT
 *
 * The window: passes input to the state, has the result brought up to date, shows the frame.
 */
#ifndef VIEWER_VIEW_WINDOW_H
#define VIEWER_VIEW_WINDOW_H

#include "view_engine.h"
#include "viewer_options.h"

/* Until the user ends it. `picture` is the engine's; another photograph takes its place when the user asks for it. False after a message: no window to be had, or a complaint of the validation layer. */
bool view_window_run(const viewer_options *options, view_engine *engine, view_state *state, photo *picture);

#endif
