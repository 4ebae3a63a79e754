/* SPDX-License-Identifier: MIT
 *
 * The command line.
 */
#ifndef DENOISE_OPTIONS_H
#define DENOISE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "picture.h"

typedef struct denoise_options {
    char **photos; /* as given: [photo_count] */
    uint32_t photo_count;
    const char *output;       /* NULL = by the number of frames */
    const char *side_by_side; /* NULL = none */
    const char *crop_text;
    picture_crop crop; /* all zero = picture_default_crop */
    const char *device;
    double noise;    /* added on purpose; 0 = none */
    double sigma;    /* 0 = that of `noise`, else estimated */
    double strength; /* 0 = by patch */
    uint32_t seed;
    uint32_t patch; /* 0 = by sigma */
    uint32_t window;
    uint32_t window_time; /* 0 = NLM_DEFAULT_WINDOW_TIME */
    uint32_t piece;       /* 0 = by memory */
    uint32_t memory;      /* MB */
    bool check;
    bool quiet;
    uint32_t repeat;
    bool json;
    bool list_devices;
    bool help;
} denoise_options;

/* False after a message about what is wrong. Keeps and reorders `argv`. */
bool options_parse(int argc, char **argv, denoise_options *out);

void options_print_help(void);

#endif
