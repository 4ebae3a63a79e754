/* SPDX-License-Identifier: MIT
 *
 * viewer: what attention over a picture looks at, live. See README.md; the use of vatten is in view_job.c.
 */
#include <stdio.h>
#include <stdlib.h>

#include "complain.h"
#include "devices.h"
#include "view_engine.h"
#include "view_frame.h"
#include "view_window.h"
#include "viewer_options.h"
#include "viewer_report.h"

/* One frame without any surface. */
static bool render(const viewer_options *o, view_engine *engine, const view_state *state) {
    const view_result *result = view_engine_result(engine);
    if (!view_engine_update(engine, state)) {
        return complain("failed: %s", result->trouble);
    }
    view_layout layout = view_layout_of(state, o->width, o->height, o->scale ? o->scale : 1);
    photo frame;
    bool saved = !o->screenshot ||
                 (photo_create(&frame, o->width, o->height) &&
                  view_frame_draw(&frame, &layout, state, result) && photo_save(&frame, o->screenshot));
    if (o->screenshot) {
        photo_destroy(&frame);
    }
    view_check check = {0};
    if (o->check) {
        check = view_check_result(result);
    }
    if (o->json) {
        viewer_report_json(&layout, result, o->check ? &check : NULL);
    } else {
        viewer_report_text(result, o->check ? &check : NULL);
    }
    return saved && (!o->check || check.passed ||
                     complain("the GPU's result differs from the CPU's by more than the tolerance"));
}

static bool look_for_complaints(const view_engine *engine) {
    uint32_t complaints = view_engine_complaints(engine);
    if (complaints == UINT32_MAX) {
        return complain("--validation: VK_LAYER_KHRONOS_validation is not installed");
    }
    return complaints == 0 || complain("%u complaints of the validation layer", complaints);
}

static bool view(const viewer_options *o, photo *picture) {
    view_state state = view_state_begin(picture->width, picture->height);
    if (!viewer_options_apply(o, &state) || (o->screenshot && !photo_can_save(o->screenshot))) {
        return false;
    }
    view_engine_desc desc = {
        .device = o->device, .validation = o->validation, .no_roof = o->no_roof, .picture = picture};
    view_engine *engine = NULL;
    bool done = view_engine_create(&engine, &desc) &&
                (o->headless ? render(o, engine, &state) : view_window_run(o, engine, &state, picture)) &&
                look_for_complaints(engine);
    view_engine_destroy(engine);
    return done;
}

int main(int argc, char **argv) {
    viewer_options options;
    complain_begin("viewer");
    if (!viewer_options_parse(argc, argv, &options)) {
        return 2;
    }
    if (options.help) {
        viewer_options_help();
        return EXIT_SUCCESS;
    }
    if (options.list_devices) {
        return devices_list() ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    photo picture;
    bool done = photo_load(&picture, options.photos[0]) && view(&options, &picture);
    photo_destroy(&picture);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
