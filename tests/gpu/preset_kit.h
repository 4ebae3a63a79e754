/* SPDX-License-Identifier: MIT
 *
 * What the tests of presets stand on: small packed f32 tensors of one batch entry on the device, plans that run over them, and
 * attention as a sum over the keys that a plain statement of a method says a query sees.
 */
#ifndef VATTEN_PRESET_KIT_H
#define VATTEN_PRESET_KIT_H

#include "gpu_harness.h"

#define KIT_NEAR 2e-5 /* choices that hang on less are left out and counted */

typedef struct kit_tensor {
    vatten_memory *memory;
    float *data; /* what was uploaded, or downloaded last */
    uint64_t count;
} kit_tensor;

/* Unit variance by seed; or NaN, for what a plan is to write. NULL data after a failure that was told. */
kit_tensor kit_input(gpu *g, uint64_t seed, uint64_t count);
kit_tensor kit_output(gpu *g, uint64_t count);
kit_tensor kit_words(gpu *g, const uint32_t *words, uint64_t count);
bool kit_read(gpu *g, kit_tensor *tensor);
void kit_free(kit_tensor *tensor);
vatten_buffer kit_buffer(const kit_tensor *tensor);

/* Runs a plan and destroys it; `result` is what made it. */
bool kit_run(gpu *g, const char *name, vatten_result result, vatten_plan *plan, const vatten_args *args);

/* q [q_len][heads][dim], k and v [kv_len][kv_heads][dim], out and lse as plans write them. */
typedef struct kit {
    uint64_t q_len, kv_len;
    uint32_t heads, kv_heads, dim;
    double scale; /* of attention */
    kit_tensor q, k, v, out, lse;
} kit;

/* Makes the five; heads, dtype and LSE of the plan go to `heads`. */
bool kit_begin(gpu *g, kit *t, uint64_t seed, vatten_heads *heads);
void kit_end(kit *t);

double kit_dot(const kit *t, const float *q, const float *k);
const float *kit_q(const kit *t, uint64_t head, uint64_t query);
const float *kit_k(const kit *t, uint64_t head, uint64_t key); /* of a query head */

/* One row over the keys for which `sees` is true. `bias` may be NULL. Returns the LSE. */
double kit_attend(const kit *t, uint64_t head, uint64_t query, const bool *sees, const float *bias,
                  double *out);

/* Holds rows of out and lse against `sees`, [head][query][key]; rows that are `unsure`, [head][query], are left out, at most one
 * in twenty. */
void kit_compare(gpu *g, const char *name, const kit *t, const bool *sees, const bool *unsure);

/* One row of `out` against doubles. */
bool kit_row_is(gpu *g, const char *name, const float *got, const double *want, uint64_t count);

/* Marks the `take` largest of values that are not `in` yet, the higher index first among equals. Returns whether the choice is
 * clear: the next one is smaller by more than KIT_NEAR. */
bool kit_take(const double *values, uint64_t count, uint64_t take, bool *in);

/* ---- Boxes of a grid ---- */

typedef struct kit_grid {
    uint64_t extent[3];
    uint32_t block[3];
    uint64_t blocks[3], count; /* along each axis, in all */
} kit_grid;

kit_grid kit_grid_of(uint32_t rank, const uint64_t *extent, const uint32_t *block);
uint64_t kit_block_of(const kit_grid *grid, uint64_t token);

/* Means over the boxes of one head of a packed tensor, [block][dim]. The caller frees them. */
float *kit_means(const kit_grid *grid, const float *x, uint64_t tokens, uint64_t heads, uint64_t head,
                 uint32_t dim);

/* The answer of a statement: for each row (head, query) the blocks that are in, and whether that is clear. */
typedef struct kit_choice {
    uint64_t rows, blocks;
    double *value; /* [row][block]; -inf: no candidate */
    bool *in;      /* [row][block] */
    bool *unsure;  /* [row] */
} kit_choice;

kit_choice kit_choice_of(uint64_t rows, uint64_t blocks);
void kit_choice_free(kit_choice *choice);

/* The best of the rows [first, first + rows) together, `take` besides those that are in. */
void kit_take_best(kit_choice *choice, uint64_t first, uint64_t rows, uint64_t take);

/* kit_compare with rows (head, query); `grid` says in which block a key is. */
void kit_check_choice(gpu *g, const char *name, const kit *t, const kit_grid *grid, const kit_choice *choice);

#endif /* VATTEN_PRESET_KIT_H */
