/* SPDX-License-Identifier: MIT
 *
 * Attention mass: a desc with its rules checked, and its steps.
 */
#ifndef VT_MASS_RULES_H
#define VT_MASS_RULES_H

#include "ops.h"

typedef struct vt_mass {
    vt_problem problem; /* of the attention; `out`, v and value_dim are not those of anything */
    vatten_mass_kind kind;
    bool columns;
    uint32_t head_unit; /* query heads that go together: COLUMNS, in one sum; else in one tile */
    uint64_t size;      /* ROWS: how many; BLOCK_MAX: keys of a block; COLUMNS: head_unit; else 1 */
    uint64_t last;      /* COLUMNS: how many of the last queries count; 0 = all */
    uint64_t bins;      /* numbers of a row of out */
    uint64_t rows;      /* that tiles are made of: keys of COLUMNS, else queries */
    uint64_t steps;     /* that the loop runs over: queries of COLUMNS, else keys */
    vt_tensor out;      /* `head`: from one head of out to the next */
    bool has_input;     /* weights, ids or a list of rows */
    vt_tensor input;    /* in words; `token`: from a query, a key or a row to the next */
} vt_mass;

/* Errors: INVALID_ARGUMENT or UNSUPPORTED, after one message that names the rule and its numbers. `out->problem.mass` is
 * `out`. */
vatten_result vt_mass_from(const vt_caps *caps, const vatten_logger *logger, const vatten_mass_desc *desc,
                           vt_mass *out);

/* Appends the steps, as a vt_op does, of a problem with mass. */
vatten_result vt_op_mass(const vt_op_input *op, vt_program *program);

/* Sizes of a part: batch entries, query heads, rows and steps. */
typedef struct vt_mass_cut {
    uint64_t batch, heads, rows, steps;
    uint64_t tiles; /* of a dispatch, where rows are not cut */
} vt_mass_cut;

/* Errors: UNSUPPORTED, with a message, if not even the smallest part fits the device. */
vatten_result vt_mass_cut_of(const vt_op_input *op, vt_mass_cut *out);

/* Tiles of so many rows, of each batch entry and head; multiply-adds of so many of them over a part's steps. */
uint64_t vt_mass_tiles(const vt_op_input *op, uint64_t rows);
uint64_t vt_mass_macs(const vt_op_input *op, const vt_mass_cut *cut, uint64_t tiles);

/* Queries are bound as a whole: they are listed, or counted from an end that tables tell. */
bool vt_mass_binds_queries(const vt_mass *mass);

#endif /* VT_MASS_RULES_H */
