/* SPDX-License-Identifier: MIT */
#include "denoise_options.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nlm.h"
#include "report.h"

typedef enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_COUNT, OPTION_REAL } option_kind;

/* One row an option: parsing, its bounds and its help line. */
typedef struct option_row {
    const char *name;
    option_kind kind;
    void *target; /* bool, const char *, uint32_t, double */
    double min;
    double max;
    const char *value;
    const char *help;
} option_row;

#define MAX_ROWS 21

static size_t make_rows(denoise_options *o, option_row rows[MAX_ROWS]) {
    const option_row all[] = {
        {"-o", OPTION_TEXT, &o->output, 0, 0, "FILE",
         "PNG to write; for a sequence with a number (denoised-%03d.png)"},
        {"--side-by-side", OPTION_TEXT, &o->side_by_side, 0, 0, "FILE",
         "also write noisy, denoised and original beside each other"},
        {"--crop", OPTION_TEXT, &o->crop_text, 0, 0, "WxH+X+Y",
         "the part that --side-by-side shows (middle)"},
        {"--noise", OPTION_REAL, &o->noise, 0, 200, "S",
         "first add Gaussian noise of S levels (0..255), to measure with"},
        {"--seed", OPTION_COUNT, &o->seed, 0, 4294967295.0, "N", "of the added noise (1)"},
        {"--sigma", OPTION_REAL, &o->sigma, NLM_MIN_SIGMA, 200, "S",
         "noise of the photograph in levels (--noise, else estimated)"},
        {"--strength", OPTION_REAL, &o->strength, 0.05, 10, "H",
         "filter strength, times sigma (0.55 to 0.75 by patch)"},
        {"--patch", OPTION_COUNT, &o->patch, 1, NLM_MAX_PATCH, "N",
         "side of a patch, odd, 1..13 (3 below sigma 15, else 5)"},
        {"--window", OPTION_COUNT, &o->window, 3, 99, "N", "side of the search window, 3..99 (21)"},
        {"--window-time", OPTION_COUNT, &o->window_time, 2, 99, "N",
         "frames of the search window, 2..99 (5)"},
        {"--piece", OPTION_COUNT, &o->piece, 4, 65535, "N",
         "longest side of the pieces that run at once (by --memory)"},
        {"--memory", OPTION_COUNT, &o->memory, 8, 65536, "MB",
         "that pieces may take, on host and device together (300)"},
        {"--device", OPTION_TEXT, &o->device, 0, 0, "NAME", "part of a Vulkan device's name, or its index"},
        {"--list-devices", OPTION_FLAG, &o->list_devices, 0, 0, "", "print the names of the Vulkan devices"},
        {"--check", OPTION_FLAG, &o->check, 0, 0, "", "compare with plain loops in double on the CPU"},
        {"--repeat", OPTION_COUNT, &o->repeat, 1, NLM_MAX_REPEAT, "N",
         "run N times; times are medians without the first (1)"},
        {"--quiet", OPTION_FLAG, &o->quiet, 0, 0, "", "no progress on stderr"},
        {"--json", OPTION_FLAG, &o->json, 0, 0, "", "print the result as JSON"},
        {"--help", OPTION_FLAG, &o->help, 0, 0, "", "print this"},
    };
    memcpy(rows, all, sizeof(all));
    return sizeof(all) / sizeof(all[0]);
}

void options_print_help(void) {
    denoise_options unused;
    option_row rows[MAX_ROWS];
    size_t count = make_rows(&unused, rows);
    printf(
        "usage: denoise [options] photo.png|jpg [-o out.png]\n"
        "       denoise [options] frame-%%03d.png [-o out-%%03d.png]     or all frames by name\n\n"
        "Non-local-means denoising as neighborhood attention on a Vulkan device: of a photograph, or of a\n"
        "sequence of frames, each of which is denoised with its neighbours in time.\n\n");
    for (size_t i = 0; i < count; i++) {
        char left[40];
        snprintf(left, sizeof(left), "%s %s", rows[i].name, rows[i].value);
        printf("  %-24s %s\n", left, rows[i].help);
    }
    printf("\nExit status: 0 done, 1 failed or the check found a difference, 2 wrong command line.\n");
}

static bool read_number(const option_row *row, const char *text) {
    char *end = NULL;
    errno = 0;
    double number = strtod(text, &end);
    bool whole = row->kind == OPTION_REAL || number == floor(number);
    if (end == text || *end || errno || !whole || !(number >= row->min && number <= row->max)) {
        return complain("%s takes a %s from %g to %g, not '%s'", row->name,
                        row->kind == OPTION_REAL ? "number" : "whole number", row->min, row->max, text);
    }
    if (row->kind == OPTION_REAL) {
        *(double *)row->target = number;
    } else {
        *(uint32_t *)row->target = (uint32_t)number;
    }
    return true;
}

/* Reads the option at argv[*index] and steps over its value. */
static bool read_option(const option_row *row, int argc, char **argv, int *index) {
    if (row->kind == OPTION_FLAG) {
        *(bool *)row->target = true;
        return true;
    }
    if (*index + 1 >= argc) {
        return complain("%s needs a value: %s", row->name, row->value);
    }
    const char *text = argv[++*index];
    if (row->kind == OPTION_TEXT) {
        *(const char **)row->target = text;
        return true;
    }
    return read_number(row, text);
}

static const option_row *find_row(const option_row *rows, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static bool is_png(const char *path) {
    size_t length = strlen(path);
    return length > 4 && strcmp(path + length - 4, ".png") == 0;
}

static bool check_options(denoise_options *o) {
    if (o->help || o->list_devices) {
        return true;
    }
    if (o->photo_count == 0) {
        return complain("which photograph? See denoise --help");
    }
    if ((o->output && !is_png(o->output)) || (o->side_by_side && !is_png(o->side_by_side))) {
        return complain("writes PNG only: '%s' must end in .png",
                        o->output && !is_png(o->output) ? o->output : o->side_by_side);
    }
    if (o->patch && o->patch % 2 == 0) {
        return complain("--patch %u is even; a patch has a pixel in its middle", o->patch);
    }
    char rest = 0;
    picture_crop *c = &o->crop;
    if (o->crop_text &&
        (sscanf(o->crop_text, "%5ux%5u+%6u+%6u%c", &c->width, &c->height, &c->x, &c->y, &rest) != 4 ||
         c->width < 8 || c->height < 8)) {
        return complain("--crop takes WxH+X+Y of at least 8x8 pixels, as in 256x192+40+80, not '%s'",
                        o->crop_text);
    }
    return true;
}

bool options_parse(int argc, char **argv, denoise_options *out) {
    *out = (denoise_options){
        .photos = argv, .window = 21, .seed = 1, .memory = NLM_DEFAULT_MEMORY_MB, .repeat = 1};
    option_row rows[MAX_ROWS];
    size_t count = make_rows(out, rows);
    for (int i = 1; i < argc; i++) {
        const option_row *row = find_row(rows, count, argv[i]);
        if (row) {
            if (!read_option(row, argc, argv, &i)) {
                return false;
            }
        } else if (argv[i][0] == '-' && argv[i][1]) {
            return complain("unknown option '%s'. See denoise --help", argv[i]);
        } else {
            argv[out->photo_count++] = argv[i]; /* gathered in front: what stood there has been read */
        }
    }
    return check_options(out);
}
