/* SPDX-License-Identifier: MIT
 *
 * A budget over many lines of values, found by many workgroups: the passes of rank.comp. Rows of blocks that share a
 * budget are lines, and so are the pieces of a long row; where each block has a budget of such rows, the pairs of a row and
 * the block are.
 */
#ifndef VT_RANK_H
#define VT_RANK_H

#include "steps.h"

#define VT_RANK_WORKGROUP 64u /* invocations, where a walk over so many lines keeps the bound on work */

/* Elements that a pass reads and writes: all of it, and a workgroup at most. */
typedef struct vt_rank_moves {
    uint64_t all, workgroup;
} vt_rank_moves;

/* One dispatch of each pass, or where that is more than max_moves several, of a workgroup at least. */
typedef struct vt_rank {
    vt_step step;    /* bindings of lists, push constants, groups[1] and groups[2] of all passes */
    vt_binding bias; /* in place of the lists, in passes that ask which blocks are forced */
    uint32_t groups; /* along x */
    uint32_t blocks; /* that have a budget each, as VT_SELECT_BY_BLOCK says; 0: rows have theirs together */
    const uint32_t *variants; /* [VT_RANK_PASSES], as vt_rank_variants made them */
    vatten_budget budget;
    bool joins;                      /* scores are to become orders first */
    vt_rank_moves joining, listing;  /* of VT_RANK_JOIN and VT_RANK_LIST */
    vt_rank_moves walking, deciding; /* of any other pass over lines, and of one over groups */
    uint64_t max_moves;
} vt_rank;

/* Workgroups, of so many lanes, of a group of so many lines. */
uint64_t vt_rank_workgroups(uint64_t lines, uint32_t lanes);

/* Words of the state of a group of so many workgroups. */
uint64_t vt_rank_state_words(uint64_t workgroups);

/* Bytes of the state of so many groups of so many workgroups each. */
uint64_t vt_rank_state_bytes(uint64_t groups, uint64_t workgroups);

/* Adds a variant of `kernel` for each pass that the budget needs, its workgroups of as many lanes as `spec` says. */
void vt_rank_variants(uint32_t kernel, const uint32_t spec[VT_SPEC_COUNT], vatten_budget budget, bool joins,
                      vt_program *program, uint32_t variants[VT_RANK_PASSES]);

void vt_rank_steps(const vt_rank *rank, vt_program *program);

/* Loop iterations of an invocation, one of so many lanes, that adds up the partials of a group. */
uint64_t vt_rank_iterations(uint64_t workgroups, uint32_t lanes);

#endif /* VT_RANK_H */
