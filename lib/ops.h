/* SPDX-License-Identifier: MIT
 *
 * The operators: (caps, problem, tile) -> program. One function and one file each; none knows another.
 */
#ifndef VT_OPS_H
#define VT_OPS_H

#include "simulate.h"
#include "steps.h"

typedef struct vt_op_input {
    const vt_caps *caps;
    const vatten_logger *logger;
    const vt_problem *problem;
    const vt_tile *tile;
} vt_op_input;

/* Appends all steps of the problem. Called twice: once to count (program->steps NULL, everything zero), once
 * to fill, the program starting with `carries` of the first. Errors: UNSUPPORTED, with a message. */
typedef vatten_result (*vt_op)(const vt_op_input *input, vt_program *program);

vatten_result vt_op_attention(const vt_op_input *input, vt_program *program);
vatten_result vt_op_rules(const vt_op_input *input, vt_program *program);
vatten_result vt_op_lists(const vt_op_input *input, vt_program *program);
vatten_result vt_op_neighborhood(const vt_op_input *input, vt_program *program);

/* The box that a neighborhood gets: the one asked for, or the best for the tile. Errors: UNSUPPORTED, with a
 * message, if the one asked for has more queries than the tile has rows. */
vatten_result vt_neighborhood_box(const vt_op_input *input, vt_box *out);

#endif /* VT_OPS_H */
