/* SPDX-License-Identifier: MIT */
#include "viewer_options.h"

#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "complain.h"
#include "photo.h"
#include "view_actions.h"

enum { MAX_ROWS = 26, LEAST_SIZE = 64, MOST_SIZE = 8192, OWN_NOISE = 20 };

/* For those who only want to look. */
static char *own_photo[] = {VIEWER_PHOTO};

static size_t make_rows(viewer_options *o, argument rows[MAX_ROWS]) {
    const argument all[] = {
        {"--pattern", ARGUMENT_TEXT, &o->pattern_name, 0, 0, "NAME",
         "dense, window, neighborhood or blocks (window)"},
        {"--grid", ARGUMENT_COUNT, &o->value[VIEW_GRID], 1, VIEW_MAX_GRID, "N",
         "pixels along the longer side (by pattern: 64 to 240)"},
        {"--window", ARGUMENT_COUNT, &o->value[VIEW_SIDE], 3, 31, "N", "side of the window, 3..31 (11)"},
        {"--stride", ARGUMENT_COUNT, &o->value[VIEW_STRIDE], 1, 31, "N", "pixels that share a window (4)"},
        {"--dilation", ARGUMENT_COUNT, &o->value[VIEW_DILATION], 1, 8, "N", "distance of keys, 1..8 (2)"},
        {"--block", ARGUMENT_COUNT, &o->value[VIEW_BLOCK], 4, 64, "N", "side of a block, 4..64 (16)"},
        {"--top", ARGUMENT_COUNT, &o->value[VIEW_TOP], 1, 32, "N", "blocks of a pixel, its own counted (4)"},
        {"--patch", ARGUMENT_COUNT, &o->value[VIEW_PATCH], 1, 7, "N", "side of a patch, odd, 1..7 (3)"},
        {"--strength", ARGUMENT_REAL, &o->strength, 0.05, 5, "H", "filter strength, times the noise (0.75)"},
        {"--noise", ARGUMENT_COUNT, &o->value[VIEW_NOISE], 0, 80, "S",
         "Gaussian noise that is added, levels (0)"},
        {"--pixel", ARGUMENT_TEXT, &o->pixel, 0, 0, "X,Y", "point at this pixel of the grid, and hold it"},
        {"--show", ARGUMENT_TEXT, &o->show_name, 0, 0, "WHAT", "denoised, input or both (denoised)"},
        {"--zoom", ARGUMENT_COUNT, &o->zoom, 1, VIEW_MAX_ZOOM, "N", "1, 2, 4, 8 or 16, around the pixel (1)"},
        {"--no-heat", ARGUMENT_FLAG, &o->no_heat, 0, 0, "", "do not draw weights over the picture"},
        {"--size", ARGUMENT_TEXT, &o->size, 0, 0, "WxH", "of the window or the screenshot (1100x620)"},
        {"--scale", ARGUMENT_COUNT, &o->scale, 1, 4, "N", "of letters (by the screen)"},
        {"--headless", ARGUMENT_FLAG, &o->headless, 0, 0, "",
         "no window: render one frame without any surface"},
        {"--screenshot", ARGUMENT_TEXT, &o->screenshot, 0, 0, "FILE",
         "PNG to write; of a window, with s and at the end"},
        {"--check", ARGUMENT_FLAG, &o->check, 0, 0, "",
         "compare with plain loops in double on the CPU; with --headless"},
        {"--json", ARGUMENT_FLAG, &o->json, 0, 0, "", "print the figures as JSON; with --headless"},
        {"--no-roof", ARGUMENT_FLAG, &o->no_roof, 0, 0, "", "do not measure what the device is capable of"},
        ARGUMENT_ROW_DEVICE(&o->device),
        ARGUMENT_ROW_LIST_DEVICES(&o->list_devices),
        {"--validation", ARGUMENT_FLAG, &o->validation, 0, 0, "",
         "with VK_LAYER_KHRONOS_validation; what it complains of is a failure"},
        ARGUMENT_ROW_HELP(&o->help),
    };
    memcpy(rows, all, sizeof(all));
    return sizeof(all) / sizeof(all[0]);
}

void viewer_options_help(void) {
    viewer_options unused;
    argument rows[MAX_ROWS];
    size_t count = make_rows(&unused, rows);
    printf("usage: viewer [options] [photo.png|jpg ...]\n"
           "       viewer --headless --screenshot frame.png [options] [photo.png|jpg]\n\n"
           "Shows what attention over a picture looks at, and removes its noise while you look. Without a\n"
           "photograph it takes that of the sample denoise, with --noise %d.\n\n",
           OWN_NOISE);
    arguments_help(rows, count);
    printf("\nKeys of the window:\n");
    for (unsigned line = 0; view_key_help(line); line++) {
        printf("  %s\n", view_key_help(line));
    }
    printf("\nExit status: 0 done, 1 failed or a check found a difference, 2 wrong command line.\n");
}

static bool read_pair(const char *text, char between, uint64_t most, uint32_t out[2]) {
    uint64_t first, second;
    bool read = arguments_whole(&text, most, &first) && *text++ == between &&
                arguments_whole(&text, most, &second) && !*text;
    if (read) {
        out[0] = (uint32_t)first;
        out[1] = (uint32_t)second;
    }
    return read;
}

static bool check_size(viewer_options *o) {
    uint32_t size[2] = {1100, 620};
    bool good = !o->size ||
                (read_pair(o->size, 'x', MOST_SIZE, size) && size[0] >= LEAST_SIZE && size[1] >= LEAST_SIZE);
    o->width = size[0];
    o->height = size[1];
    return good || complain("--size takes WxH of %dx%d to %dx%d, as in 1100x620, not '%s'", LEAST_SIZE,
                            LEAST_SIZE, MOST_SIZE, MOST_SIZE, o->size);
}

static bool check_names(viewer_options *o) {
    int pattern = 0, show = 0;
    while (o->pattern_name && pattern < VIEW_PATTERNS &&
           strcmp(o->pattern_name, view_pattern_name((view_pattern)pattern)) != 0) {
        pattern++;
    }
    while (o->show_name && show < VIEW_SHOWS && strcmp(o->show_name, view_show_name((view_show)show)) != 0) {
        show++;
    }
    if (pattern == VIEW_PATTERNS) {
        return complain("--pattern takes dense, window, neighborhood or blocks, not '%s'", o->pattern_name);
    }
    if (show == VIEW_SHOWS) {
        return complain("--show takes denoised, input or both, not '%s'", o->show_name);
    }
    o->pattern = o->pattern_name ? (view_pattern)pattern : VIEW_WINDOW;
    o->show = (view_show)show;
    return true;
}

static bool check_files(const viewer_options *o) {
    if (o->headless && o->photo_count > 1) {
        return complain("--headless takes one photograph, not %u", o->photo_count);
    }
    if (o->headless && !o->screenshot && !o->check && !o->json) {
        return complain("--headless without --screenshot, --check or --json would do nothing");
    }
    if (!o->headless && (o->check || o->json)) {
        return complain("--check and --json go with --headless");
    }
    return !o->screenshot || photo_is_png(o->screenshot);
}

bool viewer_options_parse(int argc, char **argv, viewer_options *out) {
    *out = (viewer_options){.photos = argv, .zoom = 1};
    for (int v = 0; v < VIEW_VALUES; v++) {
        out->value[v] = VIEW_NOT_GIVEN;
    }
    argument rows[MAX_ROWS];
    size_t count = make_rows(out, rows);
    if (!arguments_read(rows, count, argc, argv, &out->photo_count)) {
        return false;
    }
    if (out->help || out->list_devices) {
        return true;
    }
    if (out->photo_count == 0) {
        out->photos = own_photo;
        out->photo_count = 1;
        if (out->value[VIEW_NOISE] == VIEW_NOT_GIVEN) {
            out->value[VIEW_NOISE] = OWN_NOISE;
        }
    }
    uint32_t patch = out->value[VIEW_PATCH];
    if (patch != VIEW_NOT_GIVEN && patch % 2 == 0) {
        return complain("--patch %u is even; a patch has a pixel in its middle", patch);
    }
    if (out->zoom & (out->zoom - 1)) {
        return complain("--zoom takes 1, 2, 4, 8 or 16, not %u", out->zoom);
    }
    return check_names(out) && check_size(out) && check_files(out);
}

/* ---- To the state ------------------------------------------------------------------------------------- */

/* A slider may go no further than others let it; a command line that asked for more is told so. */
static bool apply_value(view_state *s, view_value value, uint32_t wanted) {
    if (!view_has_value(s, value)) {
        return complain("--%s does not go with --pattern %s", view_value_name(value),
                        view_pattern_name(s->pattern));
    }
    view_range range = view_value_range(s, value);
    view_set(s, value, wanted);
    bool exact = wanted >= range.least && wanted <= range.most;
    return exact || complain("--%s %u is outside %u..%u, which this picture and the other options leave",
                             view_value_name(value), wanted, range.least, range.most);
}

static bool apply_values(const viewer_options *o, view_state *s) {
    for (int v = 0; v < VIEW_VALUES; v++) { /* in this order each one's range is settled by those before */
        if (o->value[v] != VIEW_NOT_GIVEN && !apply_value(s, (view_value)v, o->value[v])) {
            return false;
        }
    }
    if (o->strength > 0.0) {
        view_set(s, VIEW_STRENGTH, o->strength * 100.0);
    }
    return true;
}

static bool apply_pixel(const viewer_options *o, view_state *s) {
    uint32_t at[2], width, height;
    view_grid_size(s, &width, &height);
    if (!o->pixel) {
        return true;
    }
    if (!read_pair(o->pixel, ',', UINT32_MAX, at) || at[0] >= width || at[1] >= height) {
        return complain("--pixel takes X,Y below %u,%u, the grid of this picture, not '%s'", width, height,
                        o->pixel);
    }
    view_point_at(s, at[0], at[1]);
    s->pinned = true;
    return true;
}

bool viewer_options_apply(const viewer_options *o, view_state *s) {
    view_choose(s, o->pattern);
    s->show = o->show;
    if (!apply_values(o, s) || !apply_pixel(o, s)) {
        return false;
    }
    s->heat = !o->no_heat;
    s->zoom = o->zoom;
    s->middle_x = s->x;
    s->middle_y = s->y;
    return true;
}
