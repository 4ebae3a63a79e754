/* SPDX-License-Identifier: MIT
 *
 * The command line.
 */
#ifndef VIEWER_OPTIONS_H
#define VIEWER_OPTIONS_H

#include "view_state.h"

typedef struct viewer_options {
    char **photos; /* as given, or the sample's own; one, or for a window several */
    uint32_t photo_count;
    const char *pattern_name, *show_name, *pixel, *size; /* NULL = not given */
    view_pattern pattern;
    view_show show;
    uint32_t value[VIEW_VALUES]; /* VIEW_NOT_GIVEN = not given */
    double strength;             /* 0 = not given */
    uint32_t zoom;
    uint32_t scale;         /* of letters; 0 = by the screen */
    uint32_t width, height; /* of the frame */
    bool no_heat, no_roof;
    const char *device;
    const char *screenshot; /* NULL = none */
    bool headless, check, json, validation, list_devices, help;
} viewer_options;

#define VIEW_NOT_GIVEN UINT32_MAX

/* False after a message about what is wrong. */
bool viewer_options_parse(int argc, char **argv, viewer_options *out);
void viewer_options_help(void);

/* What the options say of the state, once the photograph is known. False after a message. */
bool viewer_options_apply(const viewer_options *options, view_state *state);

#endif
