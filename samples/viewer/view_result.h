/* SPDX-License-Identifier: MIT
 *
 * What the device has made of a state, as plain data: what a frame shows and a check looks at.
 */
#ifndef VIEWER_VIEW_RESULT_H
#define VIEWER_VIEW_RESULT_H

#include "nlm.h"
#include "view_problem.h"

#define VIEW_MAX_TOP 32u

/* Of the query under the pixel. */
typedef struct view_row {
    bool known;
    uint32_t x, y;
    float *weights;      /* [height][width], of every key, whether seen or not */
    unsigned char *seen; /* the same, 1 or 0 */
    uint32_t blocks[VIEW_MAX_TOP];
    uint32_t block_count;
    uint64_t keys;  /* seen ones */
    double sum;     /* of their weights */
    double own;     /* of the query itself */
    double largest; /* of the others */
    double like;    /* so many keys of equal weight would be as undecided: e to the entropy */
    double ms;
} view_row;

typedef struct view_result {
    char device[256];
    char kernel[64];
    vatten_tile tile;
    char trouble[256]; /* what went wrong; "" = nothing */
    bool failed;       /* of the picture nothing is known but problem, clean and noisy */
    view_problem problem;
    clip clean, noisy, denoised; /* one frame each, of the grid */
    nlm_settings settings;
    bool estimated;                   /* settings.sigma */
    double psnr_noisy, psnr_denoised; /* if noise was added */
    double ms;
    double flops;
    double roof; /* GFLOP/s; 0 = was not measured */
    view_row row;
} view_result;

/* Keys, sums and so on, of weights and what is seen. */
void view_row_sum(view_row *row, const view_problem *p);

#endif
