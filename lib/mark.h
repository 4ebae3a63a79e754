/* SPDX-License-Identifier: MIT
 *
 * Lists of single rows made lists of row blocks: which blocks any of the rows names, and a bit for each row that does.
 */
#ifndef VT_MARK_H
#define VT_MARK_H

#include "problem.h"
#include "steps.h"

typedef struct vt_mark {
    const vt_caps *caps;
    const vatten_logger *logger;
    const char *label;
    uint64_t batch, heads; /* list heads */
    uint64_t rows;
    uint64_t blocks;      /* key blocks that a list may name */
    uint32_t entries;     /* of a row's list, packed [batch][head][row][entry] in the role COUNTS */
    uint32_t row_block;   /* rows of a row block */
    uint32_t out_entries; /* of its list, packed likewise in the role LISTS, each with its row masks */
    uint64_t max_moves;   /* of a dispatch */
} vt_mark;

/* Bytes of the lists that are read, and of those that are written. */
uint64_t vt_mark_in_bytes(const vt_mark *mark);
uint64_t vt_mark_out_bytes(const vt_mark *mark);

/* Appends the steps, as a vt_op does; marks pass through the workspace. */
vatten_result vt_mark_steps(const vt_mark *mark, uint64_t max_workspace, vt_program *program);

#endif /* VT_MARK_H */
