/* SPDX-License-Identifier: MIT
 *
 * Least and largest of segments and expiries, for each span of keys: attention leaves out spans by them.
 */
#ifndef VT_SPANS_H
#define VT_SPANS_H

#include "ops.h"

/* Appends a step that sums spans up, where masks ask for it. Errors: UNSUPPORTED, with a message, if the device has not enough
 * workgroups for it. */
vatten_result vt_spans_add(const vt_op_input *op, vt_program *program);

#endif /* VT_SPANS_H */
