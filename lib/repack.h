/* SPDX-License-Identifier: MIT
 *
 * Keys and values as the layout ADDRESS reads them best: f32, those of a head side by side. Of 16 bits each lane of a CPU's
 * vector would convert what it loads, once for every row that it has, which takes half as long again as the products. And
 * keys of other heads in between, often by a power of two, let a few sets of the first cache hold all of a tile. So a plan
 * whose keys are visited often enough first writes them to its workspace, with the kernels that append to caches, and
 * attends to those.
 */
#ifndef VT_REPACK_H
#define VT_REPACK_H

#include "ops.h"

/* Whether a problem's keys and values are repacked in the layout ADDRESS on that device. */
bool vt_repack_pays(const vt_caps *caps, const vt_problem *problem);

/* Appends the steps that repack and those of `op` over what they wrote, as a vt_op does. */
vatten_result vt_repack_steps(vt_op op, const vt_op_input *input, vt_program *program);

#endif /* VT_REPACK_H */
