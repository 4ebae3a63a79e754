/* SPDX-License-Identifier: MIT
 *
 * Least and largest of segments and expiries, for each span of keys: attention leaves out spans by them.
 */
#ifndef VT_SPANS_H
#define VT_SPANS_H

#include "ops.h"

/* Appends steps that sum spans up, where masks ask for it; what comes next waits for them. */
void vt_spans_add(const vt_op_input *op, vt_program *program);

#endif /* VT_SPANS_H */
