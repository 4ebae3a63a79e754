/* SPDX-License-Identifier: MIT
 *
 * A selection on the device, held against its definition (tests/ref/ref_choice.h). Inputs are whole numbers, of which
 * many are equal, or of unit variance.
 */
#ifndef VATTEN_CHOICE_H
#define VATTEN_CHOICE_H

#include "gpu_harness.h"

typedef struct choice_problem {
    vatten_select_desc desc;
    uint64_t seed;
    bool whole;    /* numbers: f32 has them exactly */
    bool odd;      /* some keys are NaN, some scores -inf; some biases are NaN and infinite */
    bool row_bias; /* one row of biases for all: strides of 0 */
} choice_problem;

/* Runs it twice and compares; counts failures under `name`. */
void choice_check(gpu *g, const char *name, const choice_problem *problem);

/* Fails the running test if a tenth of all rows so far or more were left out since rounding may change them. */
void choice_assert_few_doubts(const gpu *g);

#endif /* VATTEN_CHOICE_H */
