/* SPDX-License-Identifier: MIT
 *
 * Selection of blocks: a desc with its rules checked, and its steps.
 */
#ifndef VT_SELECT_H
#define VT_SELECT_H

#include "problem.h"
#include "steps.h"

/* Of boxes of a grid; along an axis that there is not all are 1. */
typedef struct vt_box_axis {
    uint64_t extent, q_extent; /* of keys and queries */
    uint32_t q_box, kv_box;
} vt_box_axis;

typedef struct vt_select {
    const vt_caps *caps;
    const vatten_logger *logger;
    vatten_select_desc desc; /* defaults resolved */
    vt_problem problem;      /* what messages and plan info read: label, dtype, batch, heads, dim */
    uint32_t group;          /* query heads that share a list */
    vt_tensor q;
    vt_tensor k;         /* f32; `token`: from a block to the next */
    vt_tensor lists;     /* words; `token`: from a row to the next */
    vt_tensor counts;    /* words */
    vt_tensor bias;      /* f32; `token`: from a row to the next */
    vt_box_axis axis[3]; /* if blocks are boxes */
    /* A budget is of more than a row, not of `entries`, or of a block; or a row is too long for one invocation. */
    bool shared;
    uint64_t budget_rows;
    uint32_t budget_heads;
    uint32_t lanes; /* of a workgroup of rank.comp, where `shared`: as many lines are walked at once */
} vt_select;

/* Errors: INVALID_ARGUMENT or UNSUPPORTED, after one message that names the rule and its numbers. */
vatten_result vt_select_from(const vt_caps *caps, const vatten_logger *logger, const vatten_select_desc *desc,
                             vt_select *out);

/* Workgroups, of so many lanes, of the lines that share a budget. */
uint64_t vt_select_workgroups(const vt_select *select, uint32_t lanes);

/* How often the scores of a row are walked until its query heads are joined into orders. */
uint64_t vt_select_join_walks(const vt_select *select);

/* Elements that an invocation reads and writes that does all of a row alone. */
uint64_t vt_select_row_moves(const vt_select *select);

/* Appends the steps, as a vt_op does. */
vatten_result vt_select_steps(const vt_select *select, vt_program *program);

#endif /* VT_SELECT_H */
