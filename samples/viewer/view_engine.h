/* SPDX-License-Identifier: MIT
 *
 * Keeps a result up to date with a state, and does no more than what has changed needs: a pixel a row, a strength a run, a
 * window another plan.
 */
#ifndef VIEWER_VIEW_ENGINE_H
#define VIEWER_VIEW_ENGINE_H

#include "view_result.h"

typedef struct view_engine view_engine;

typedef struct view_engine_desc {
    const char *device; /* as in vatten_context_desc */
    bool validation;
    bool no_roof;         /* do not measure it */
    const photo *picture; /* must live as long; see view_engine_new_picture */
} view_engine_desc;

/* False after a message. */
bool view_engine_create(view_engine **out, const view_engine_desc *desc);
void view_engine_destroy(view_engine *engine);

/* What stands at desc.picture is another one. */
void view_engine_new_picture(view_engine *engine);

/* False if it could not; result->trouble says why. It is not tried again before the state asks for something else. */
bool view_engine_update(view_engine *engine, const view_state *state);

const view_result *view_engine_result(const view_engine *engine);

/* What the validation layer has complained of so far; UINT32_MAX if it was asked for and is not there. */
uint32_t view_engine_complaints(const view_engine *engine);

#endif
