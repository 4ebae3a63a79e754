/* SPDX-License-Identifier: MIT
 *
 * Attention over lists of single rows, block by block: the rows that name a block are gathered and attend to it together
 * (shaders/lib/list_rows.glsl), and the results of a row's blocks are merged. A part is some batch entries, list heads and
 * rows, as many as the workspace has room for; it is inverted, attended and merged before the next one begins.
 */
#ifndef VT_GATHER_H
#define VT_GATHER_H

#include "ops.h"

typedef struct vt_gather {
    /* The problem is one of lists of blocks with q_block 1; its lists are in the role LISTS, packed. */
    vt_op_input op;
    uint64_t max_workspace;
} vt_gather;

/* Heads that share both a list and a KV head, and so make rows of the same tile. */
uint32_t vt_gather_slot_heads(uint32_t list_group, uint32_t kv_group);

/* Whether the device can do it at all, with a part of one row at least. */
bool vt_gather_fits(const vt_gather *gather);

/* Appends the steps, as a vt_op does. Errors: UNSUPPORTED, with a message. */
vatten_result vt_gather_steps(const vt_gather *gather, vt_program *program);

#endif /* VT_GATHER_H */
