/* SPDX-License-Identifier: MIT
 *
 * Selection by its definition: everything of a group sorted, the first ones taken.
 */
#ifndef VATTEN_REF_CHOICE_H
#define VATTEN_REF_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

typedef enum ref_budget { REF_TOP, REF_MASS, REF_THRESHOLD } ref_budget;

enum {
    REF_VALUED = 1, /* has a value */
    REF_FORCED = 2  /* is in whatever its value */
};

/* Of one batch entry. */
typedef struct ref_choice {
    uint64_t heads, rows, blocks, entries;
    uint64_t budget_heads, budget_rows; /* who shares a budget, at least 1 */
    bool by_block;                      /* a budget is that of one block of those */
    uint64_t total;                     /* TOP: of a whole group; 0 = all that its lists hold */
    ref_budget budget;
    double share;
    bool min_max, crossing_out;
    uint64_t least;
    const double *value;  /* [heads][rows][blocks] */
    const uint8_t *place; /* likewise, REF_* bits */
    double near;          /* values that differ by less, but differ, leave a doubt; 0 = none do */
} ref_choice;

/* Writes lists [heads][rows][entries], filled up with UINT32_MAX; counts [heads][rows]; and which of these rows rounding may
 * change, `doubt` [heads][rows]. False without memory. */
bool ref_choose(const ref_choice *choice, uint32_t *lists, uint32_t *counts, bool *doubt);

#endif /* VATTEN_REF_CHOICE_H */
