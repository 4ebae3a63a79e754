/* SPDX-License-Identifier: MIT
 *
 * Sparse attention on the device, held against plain statements of its rule.
 */
#ifndef VATTEN_SPARSE_RUN_H
#define VATTEN_SPARSE_RUN_H

#include "gpu_harness.h"

enum { SPARSE_MOST_TOKENS = 512, SPARSE_MOST_DIM = 128 };

/* Of the rule entries, list_heads, first, own and the budgets TOP and THRESHOLD; no boxes. At most 8 heads. */
typedef struct sparse_case {
    vatten_sparse_desc desc;
    uint64_t seed;
} sparse_case;

/* Runs it twice and compares every row, but those whose choice hangs on rounding, of which there may be few if it has 4 dims or more. Adds to
 * `out_empty` how many rows see nothing. Returns the dispatches; 0 if the device has not the dtype or the layout. */
uint32_t sparse_check(gpu *g, const char *name, const sparse_case *c, uint64_t *out_empty);

#endif /* VATTEN_SPARSE_RUN_H */
