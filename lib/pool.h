/* SPDX-License-Identifier: MIT
 *
 * Pooling: a desc with its rules checked, and its steps.
 */
#ifndef VT_POOL_H
#define VT_POOL_H

#include "problem.h"
#include "steps.h"

typedef struct vt_pool {
    const vt_caps *caps;
    const vatten_logger *logger;
    vt_problem problem; /* what messages and plan info read: label, dtype, batch, heads, dim, tokens */
    vatten_pool_kind kind;
    uint64_t extent[3]; /* axes past the rank have one token, in blocks of one */
    uint32_t side[3];
    uint64_t blocks[3];
    vt_tensor x;
    vt_tensor out; /* `token`: from a block to the next */
    uint32_t out_dim;
    uint32_t out_element; /* bytes */
} vt_pool;

/* Errors: INVALID_ARGUMENT or UNSUPPORTED, after one message that names the rule and its numbers. */
vatten_result vt_pool_from(const vt_caps *caps, const vatten_logger *logger, const vatten_pool_desc *desc,
                           vt_pool *out);

/* Appends the steps, as a vt_op does. */
vatten_result vt_pool_steps(const vt_pool *pool, vt_program *program);

#endif /* VT_POOL_H */
