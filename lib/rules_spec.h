/* SPDX-License-Identifier: MIT
 *
 * What kernels with rules are specialized to: dense attention's and mass's.
 */
#ifndef VT_RULES_SPEC_H
#define VT_RULES_SPEC_H

#include "ops.h"

/* `extra`: of extra keys, which no mask is about. */
void vt_rules_spec(const vt_op_input *op, uint32_t splits, bool extra, uint32_t *spec);

/* Where a table begins, in words; 0 for VATTEN_NO_TABLE. */
uint32_t vt_rules_table_word(uint64_t bytes);

#endif /* VT_RULES_SPEC_H */
