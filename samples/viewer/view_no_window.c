/* SPDX-License-Identifier: MIT
 *
 * In place of view_window.c where GLFW or volk is missing.
 */
#include "complain.h"
#include "view_window.h"

bool view_window_run(const viewer_options *options, view_engine *engine, view_state *state, photo *picture) {
    (void)options;
    (void)engine;
    (void)state;
    (void)picture;
    return complain(
        "built without windows, as GLFW or volk was not there (packages libglfw3-dev, libvulkan-volk-dev): "
        "--headless --screenshot FILE renders a frame");
}
