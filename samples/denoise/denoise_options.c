/* SPDX-License-Identifier: MIT */
#include "denoise_options.h"

#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "complain.h"
#include "nlm.h"
#include "photo.h"

#define MAX_ROWS  21
#define MOST_CROP 99999u

static size_t make_rows(denoise_options *o, argument rows[MAX_ROWS]) {
    const argument all[] = {
        {"-o", ARGUMENT_TEXT, &o->output, 0, 0, "FILE",
         "PNG to write; for a sequence with a number (denoised-%03d.png)"},
        {"--side-by-side", ARGUMENT_TEXT, &o->side_by_side, 0, 0, "FILE",
         "also write noisy, denoised and original beside each other"},
        {"--crop", ARGUMENT_TEXT, &o->crop_text, 0, 0, "WxH+X+Y",
         "the part that --side-by-side shows (middle)"},
        {"--noise", ARGUMENT_REAL, &o->noise, 0, 200, "S",
         "first add Gaussian noise of S levels (0..255), to measure with"},
        {"--seed", ARGUMENT_COUNT, &o->seed, 0, 4294967295.0, "N", "of the added noise (1)"},
        {"--sigma", ARGUMENT_REAL, &o->sigma, NLM_MIN_SIGMA, 200, "S",
         "noise of the photograph in levels (--noise, else estimated)"},
        {"--strength", ARGUMENT_REAL, &o->strength, 0.05, 10, "H",
         "filter strength, times sigma (0.55 to 0.75 by patch)"},
        {"--patch", ARGUMENT_COUNT, &o->patch, 1, NLM_MAX_PATCH, "N",
         "side of a patch, odd, 1..13 (3 below sigma 15, else 5)"},
        {"--window", ARGUMENT_COUNT, &o->window, 3, 99, "N", "side of the search window, 3..99 (21)"},
        {"--window-time", ARGUMENT_COUNT, &o->window_time, 2, 99, "N",
         "frames of the search window, 2..99 (5)"},
        {"--piece", ARGUMENT_COUNT, &o->piece, 4, 65535, "N",
         "longest side of the pieces that run at once (by --memory)"},
        {"--memory", ARGUMENT_COUNT, &o->memory, 8, 65536, "MB",
         "that pieces may take, on host and device together (300)"},
        ARGUMENT_ROW_DEVICE(&o->device),
        ARGUMENT_ROW_LIST_DEVICES(&o->list_devices),
        {"--check", ARGUMENT_FLAG, &o->check, 0, 0, "", "compare with plain loops in double on the CPU"},
        {"--repeat", ARGUMENT_COUNT, &o->repeat, 1, NLM_MAX_REPEAT, "N",
         "run N times; times are medians without the first (1)"},
        ARGUMENT_ROW_QUIET(&o->quiet),
        ARGUMENT_ROW_JSON(&o->json),
        ARGUMENT_ROW_HELP(&o->help),
    };
    memcpy(rows, all, sizeof(all));
    return sizeof(all) / sizeof(all[0]);
}

void options_print_help(void) {
    denoise_options unused;
    argument rows[MAX_ROWS];
    size_t count = make_rows(&unused, rows);
    printf(
        "usage: denoise [options] photo.png|jpg [-o out.png]\n"
        "       denoise [options] frame-%%03d.png [-o out-%%03d.png]     or all frames by name\n\n"
        "Non-local-means denoising as neighborhood attention on a Vulkan device: of a photograph, or of a\n"
        "sequence of frames, each of which is denoised with its neighbours in time.\n\n");
    arguments_help(rows, count);
    printf("\nExit status: 0 done, 1 failed or the check found a difference, 2 wrong command line.\n");
}

static bool read_crop(const char *text, picture_crop *out) {
    static const char behind[4] = {'x', '+', '+', '\0'};
    uint64_t number[4];
    for (int i = 0; i < 4; i++) {
        if (!arguments_whole(&text, MOST_CROP, &number[i]) || *text++ != behind[i]) {
            return false;
        }
    }
    *out = (picture_crop){(uint32_t)number[0], (uint32_t)number[1], (uint32_t)number[2], (uint32_t)number[3]};
    return out->width >= 8 && out->height >= 8;
}

static bool check_options(denoise_options *o) {
    if (o->help || o->list_devices) {
        return true;
    }
    if (o->photo_count == 0) {
        return complain("which photograph? See denoise --help");
    }
    if ((o->output && !photo_is_png(o->output)) || (o->side_by_side && !photo_is_png(o->side_by_side))) {
        return false;
    }
    if (o->patch && o->patch % 2 == 0) {
        return complain("--patch %u is even; a patch has a pixel in its middle", o->patch);
    }
    if (o->crop_text && !read_crop(o->crop_text, &o->crop)) {
        return complain("--crop takes WxH+X+Y of 8x8 to %ux%u pixels, as in 256x192+40+80, not '%s'",
                        MOST_CROP, MOST_CROP, o->crop_text);
    }
    return true;
}

bool options_parse(int argc, char **argv, denoise_options *out) {
    *out = (denoise_options){
        .photos = argv, .window = 21, .seed = 1, .memory = NLM_DEFAULT_MEMORY_MB, .repeat = 1};
    argument rows[MAX_ROWS];
    size_t count = make_rows(out, rows);
    return arguments_read(rows, count, argc, argv, &out->photo_count) && check_options(out);
}
