/* SPDX-License-Identifier: MIT
 *
 * Sums and merges of parts of one output, and the merge of running states that attention left (shaders/combine.comp).
 */
#ifndef VT_COMBINE_H
#define VT_COMBINE_H

#include "problem.h"
#include "steps.h"

#define VT_COMBINE_PARTS_MAX 64u

typedef struct vt_combine {
    const vt_caps *caps;
    const vatten_logger *logger;
    /* What messages and plan info read: label, dtype, batch, heads, dim, tokens, write_lse. */
    vt_problem problem;
    vatten_combine_kind kind;
    uint32_t parts;
    bool weighted; /* a sum has gains; a merge always has log-sum-exps */
    bool has_residual;
    vt_tensor x, weights, residual, out;   /* of one part */
    uint64_t x_part, weights_part;         /* elements from a part to the next */
    uint64_t x_elements, weights_elements; /* of all parts */
} vt_combine;

/* Errors: INVALID_ARGUMENT or UNSUPPORTED, after one message that names the rule and its numbers. */
vatten_result vt_combine_from(const vt_caps *caps, const vatten_logger *logger,
                              const vatten_combine_desc *desc, vt_combine *out);

/* Appends the steps, as a vt_op does. */
vatten_result vt_combine_steps(const vt_combine *combine, vt_program *program);

/* ---- Running states ---- */

/* Those of `rows` queries: [batch][group of slot_heads heads][row][entry or share][one of these heads], each `pad` outputs, a
 * maximum and `lanes` sums. */
typedef struct vt_states {
    uint32_t pad, lanes;
    uint32_t entries;
    uint32_t slot_heads;
    uint32_t list_group; /* heads that share a list */
    bool split;          /* entries are shares of the keys, and there are no lists */
} vt_states;

uint64_t vt_states_bytes(const vt_states *states, uint64_t batch, uint64_t heads, uint64_t rows);

/* Elements that their merge reads and writes. */
uint64_t vt_states_moves(const vt_states *states, const vt_problem *problem, uint64_t batch, uint64_t heads,
                         uint64_t rows);

/* Workgroups along x for so many rows. */
uint64_t vt_states_groups(const vt_problem *problem, uint64_t rows);

/* Rows that so many workgroups along x take: 0 if not even one. */
uint64_t vt_states_rows(const vt_problem *problem, uint64_t groups);

/* The kernel that puts the states of a problem's rows together and writes its out and LSE. */
uint32_t vt_states_variant(const vt_states *states, const vt_problem *problem, vt_program *program);

/* Its slots and push constants for so many rows; outputs and lists are bound by the caller. */
void vt_states_fill(const vt_states *states, uint64_t heads, uint64_t rows, vt_step *step);

#endif /* VT_COMBINE_H */
