/* SPDX-License-Identifier: MIT
 *
 * From the state to what vatten is asked for, and what of it can be told without a device. Pure.
 */
#ifndef VIEWER_VIEW_PROBLEM_H
#define VIEWER_VIEW_PROBLEM_H

#include <vatten/presets.h>
#include <vatten/vatten.h>

#include "view_state.h"

/* A plan's shape; axes are [y, x]. Numbers that the pattern does not go by are 0. Of uint32_t alone, so that two may be compared
 * by their bytes. */
typedef struct view_problem {
    uint32_t pattern; /* view_pattern */
    uint32_t extent[2];
    uint32_t patch;
    uint32_t window[2], stride[2], dilation[2];
    uint32_t block[2], top;
} view_problem;

view_problem view_problem_of(const view_state *s);
bool view_problem_equal(const view_problem *a, const view_problem *b);

uint64_t view_tokens(const view_problem *p);

vatten_attention_desc view_attention_desc(const view_problem *p);
vatten_neighborhood_desc view_neighborhood_desc(const view_problem *p);

/* Blocks: everything in one plan, and its first two steps once more, whose lists can be looked at. */
bool view_sparse_desc(const view_problem *p, const vatten_logger *logger, vatten_sparse_desc *out);
vatten_pool_desc view_pool_desc(const view_problem *p);
vatten_select_desc view_select_desc(const view_problem *p, const vatten_sparse_desc *sparse);

/* exp(score - log-sum-exp) of one query and every key. With the log-sum-exp of any pattern these are its weights for the keys
 * that the pattern shows, which sum up to 1 if those are the keys that it did sum up. A plan takes one of view_row_queries
 * neighbouring queries and view_row_keys keys, so that grids of any size fit all devices: other ones by the offsets of the
 * buffers, whose alignment multiples of these keep. */
uint64_t view_row_queries(const view_problem *p);
uint64_t view_row_keys(const view_problem *p);
vatten_attention_desc view_row_attention_desc(const view_problem *p);
vatten_mass_desc view_row_desc(const vatten_attention_desc *attention); /* which must live as long */

/* Marks the keys of a query, [height][width], 1 or 0. `blocks`: those that the device has chosen for it. Returns how many. */
uint64_t view_mark_keys(const view_problem *p, uint32_t x, uint32_t y, const uint32_t *blocks, uint32_t count,
                        unsigned char *seen);

/* The place of a block: [y, x] of its first token, and its sides, short at the ends of the grid. */
void view_block_box(const view_problem *p, uint32_t block, uint32_t first[2], uint32_t side[2]);
uint32_t view_block_count(const view_problem *p);

#endif
