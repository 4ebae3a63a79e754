/* SPDX-License-Identifier: MIT
 *
 * Combining on the device, held against plain statements of sums and merges.
 */
#ifndef VATTEN_COMBINE_RUN_H
#define VATTEN_COMBINE_RUN_H

#include "gpu_harness.h"

typedef enum combine_place { COMBINE_APART, COMBINE_ON_PART, COMBINE_ON_RESIDUAL } combine_place;

typedef struct combine_case {
    vatten_combine_desc desc;
    combine_place place; /* where the output is: its strides must then be those of the part or the residual */
    uint32_t on;         /* COMBINE_ON_PART: which */
    uint64_t seed;
} combine_case;

/* Twice, and every element. Returns the dispatches, 0 if the device has not the dtype. */
uint32_t combine_check(gpu *g, const char *name, const combine_case *c);

/* Elements from a part to the next. */
uint64_t combine_part(const vatten_combine_desc *desc);

#endif /* VATTEN_COMBINE_RUN_H */
