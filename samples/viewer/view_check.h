/* SPDX-License-Identifier: MIT
 *
 * The definitions once more, in double and by plain loops, to hold a result against: which keys the pixel sees, which blocks it
 * should have chosen, its weights, and the picture.
 */
#ifndef VIEWER_VIEW_CHECK_H
#define VIEWER_VIEW_CHECK_H

#include "view_result.h"

typedef struct view_check {
    bool row;            /* there was one to look at */
    uint64_t wrong_keys; /* that are seen or not, against the definition */
    double
        block_doubt; /* by how much the worst chosen block scores below the best that was not; at most 0 is right */
    double block_allowed;
    double weight_diff;    /* the largest */
    double weight_allowed; /* by what f32 rounds off scores of this size */
    uint64_t pixels;       /* of the picture that were compared */
    double level_diff;
    double level_allowed;
    bool passed;
} view_check;

view_check view_check_result(const view_result *result);

#endif
