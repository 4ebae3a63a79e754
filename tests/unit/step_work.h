/* SPDX-License-Identifier: MIT
 *
 * The bounds on work of one dispatch, of every kernel that is not attention's loop: how much a step does is counted from its
 * push block and constants, as the shader walks.
 */
#ifndef VATTEN_STEP_WORK_H
#define VATTEN_STEP_WORK_H

#include "steps.h"

/* What a program had to keep. */
typedef struct step_bounds {
    uint64_t max_macs, max_moves;
    uint64_t rows; /* of scores that only go together; 0 = a workgroup's */
} step_bounds;

/* NULL, or what is broken: a step says that it does less than it does, or passes a bound though it could be cut. */
const char *step_work_broken(const vt_program *program, const vt_step *step, const step_bounds *bounds);

/* Workgroups along x and y of all steps of the pass that a step is one of, of budgets over many lines; 0 of other kernels. */
uint64_t step_work_pass(const vt_program *program, const vt_step *step);

#endif /* VATTEN_STEP_WORK_H */
