/* SPDX-License-Identifier: MIT
 *
 * From a problem to a filled program, as lib/plan.c does it, without a device. No cmocka: the fuzzer uses it
 * too.
 */
#ifndef VATTEN_PROGRAM_BUILD_H
#define VATTEN_PROGRAM_BUILD_H

#include "ops.h"

typedef struct program_case {
    vt_caps caps;
    vt_problem problem;
    vt_tile tile;
    vt_program program; /* steps are this struct's own */
} program_case;

/* Needs caps and problem; chooses the tile, counts the steps, then fills them. Returns what the library
 * returned. */
vatten_result program_build(program_case *c, const vatten_logger *logger);

/* The same with kernels that have rules, of a dense problem. */
vatten_result rules_build(program_case *c, const vatten_logger *logger);

/* Steps that were made so. */
void program_free(program_case *c);

/* NULL, or the rule that the program breaks: what holds for every program of any size (program_rules.c).
 * Texts live until the next call. `random` picks which of too many elements to look at. */
const char *program_broken(const program_case *c, uint64_t random);

/* The same for what rules_build made (rules_must.c). */
const char *rules_broken(const program_case *c, uint64_t random);

/* The same for a small neighborhood program, every workgroup walked (program_grid.c). */
const char *program_grid_broken(const program_case *c);

/* Key tiles that workgroup `group_x` of a dense step visits at the lengths of `push` (program_dense.c). */
uint64_t program_dense_tiles(const program_case *c, const vt_step *step, const vt_push *push,
                             uint32_t group_x);

#endif /* VATTEN_PROGRAM_BUILD_H */
