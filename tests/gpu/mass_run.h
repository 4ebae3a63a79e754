/* SPDX-License-Identifier: MIT
 *
 * Attention mass on the device against rows of the oracle's probabilities.
 */
#ifndef VATTEN_MASS_RUN_H
#define VATTEN_MASS_RUN_H

#include "gpu_harness.h"

/* An attention and what is asked of it. `desc.attention` is set by mass_check. */
typedef struct mass_case {
    gpu_problem problem;
    vatten_mass_desc desc;
    const uint32_t *words; /* ids or rows that are listed; NULL: random ones */
    uint64_t max_macs;     /* of the mass alone; 0 = the attention's */
    uint32_t dispatches;   /* least; 0 = any */
} mass_case;

/* Runs the attention, then the mass twice unless `once`, and holds all of `out` against the oracle. A layout that the device does not have is
 * no failure. */
bool mass_check(gpu *g, const mass_case *c);

/* All kinds of a problem, for one layout, or for all. */
bool mass_check_kinds(gpu *g, const gpu_problem *problem, vatten_layout layout);
bool mass_check_all(gpu *g, const gpu_problem *problem);

#endif /* VATTEN_MASS_RUN_H */
