/* SPDX-License-Identifier: MIT
 *
 * From a partition to steps: what all operators of the attention kernel share. An operator says how its keys
 * are walked (geometry, specialization of the map) and which of them a range of queries needs; this room
 * writes the dispatches.
 */
#ifndef VT_ATTEND_H
#define VT_ATTEND_H

#include "partition.h"

typedef struct vt_attend_input {
    vt_partition_input part;
    uint32_t spec[VT_SPEC_COUNT]; /* of the main kernel; vt_attend_spec gives the shared part */
    uint32_t map_push[3];         /* push.map0..2 of the main kernel */
    /* Key units [first, end) that the queries [q_first, q_end) may need. */
    void (*needed_keys)(const vt_problem *problem, uint64_t q_first, uint64_t q_end, uint64_t *first,
                        uint64_t *end);
} vt_attend_input;

/* The specialization values that do not depend on the map. */
void vt_attend_spec(const vt_problem *problem, const vt_tile *tile, uint32_t spec[VT_SPEC_COUNT]);

/* VT_MASK_* bits of causality, window and alignment. */
uint32_t vt_attend_diagonal_mask(const vt_problem *problem);

/* Fills in what lists say of boxes; returns their bits of VT_SPEC_MASK. */
uint32_t vt_attend_box_spec(const vt_problem *problem, uint32_t spec[VT_SPEC_COUNT]);

/* By which products are multiplied: scale and log2(e). */
float vt_attend_scale(const vt_problem *problem);

/* Appends all steps. Called twice with the same input: once to count (program->steps NULL, everything zero),
 * once to fill; the second program starts with `carries` of the first. Errors: UNSUPPORTED, with a message.
 */
vatten_result vt_attend(const vt_attend_input *input, vt_program *program);

#endif /* VT_ATTEND_H */
