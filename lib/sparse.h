/* SPDX-License-Identifier: MIT
 *
 * Sparse attention: pool, select and attend in one program, what is between in the workspace.
 */
#ifndef VT_SPARSE_H
#define VT_SPARSE_H

#include "gather.h"
#include "mark.h"
#include "ops.h"
#include "pool.h"
#include "select.h"

typedef struct vt_sparse {
    bool by_row; /* each query has blocks of its own */
    vt_pool keys;
    vt_pool queries; /* unless by_row */
    vt_select select;
    vt_mark mark;      /* if by_row */
    vt_problem lists;  /* of attention: joined lists if by_row and not to be gathered, else those of rows */
    vt_problem joined; /* what remains if gathering is tried and does not fit */
    vatten_sparse_execution execution; /* as asked for */
    bool gathers;                      /* is to be tried */
} vt_sparse;

/* Errors: INVALID_ARGUMENT or UNSUPPORTED, after one message that names the rule and its numbers. */
vatten_result vt_sparse_from(const vt_caps *caps, const vatten_logger *logger, const vatten_sparse_desc *desc,
                             vt_sparse *out);

/* The execution that the steps get; `input->problem` is sparse->lists. */
vatten_sparse_execution vt_sparse_takes(const vt_sparse *sparse, const vt_op_input *input);

/* Appends all steps. */
vatten_result vt_sparse_steps(const vt_sparse *sparse, const vt_op_input *input, vt_program *program);

#endif /* VT_SPARSE_H */
