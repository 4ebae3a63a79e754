/* SPDX-License-Identifier: MIT
 *
 * The largest values of long rows: a desc with its rules checked, and its steps.
 */
#ifndef VT_TOPK_H
#define VT_TOPK_H

#include "problem.h"
#include "steps.h"

typedef struct vt_topk {
    const vt_caps *caps;
    const vatten_logger *logger;
    vatten_topk_desc desc;
    vt_problem problem; /* what messages and plan info read: label, batch, heads */
    vt_tensor x;        /* f32; `token`: from a row to the next */
    vt_tensor lists;    /* words; likewise */
    vt_tensor counts;
} vt_topk;

/* Errors: INVALID_ARGUMENT or UNSUPPORTED, after one message that names the rule and its numbers. */
vatten_result vt_topk_from(const vt_caps *caps, const vatten_logger *logger, const vatten_topk_desc *desc,
                           vt_topk *out);

/* Appends the steps, as a vt_op does. */
vatten_result vt_topk_steps(const vt_topk *topk, vt_program *program);

#endif /* VT_TOPK_H */
