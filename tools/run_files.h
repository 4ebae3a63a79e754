/* SPDX-License-Identifier: MIT
 *
 * vatten_run's tensors: read from .npy files, held against each other, turned into a shape; and the outputs,
 * written all or none.
 */
#ifndef TOOLS_RUN_FILES_H
#define TOOLS_RUN_FILES_H

#include "family.h"
#include "npy.h"
#include "options.h"

/* --dtype: "auto" takes f32 and f16 as the files say; bf16 is stored as '<u2' and has to be named. */
#define RUN_DTYPE_WORDS "auto|" FAMILY_DTYPE_WORDS

typedef struct run_paths {
    const char *q, *k, *v, *out, *lse, *extra_k, *extra_v, *bias, *weights, *lists;
    int dtype;
} run_paths;

typedef struct run_tensors {
    npy_array q, k, v, extra_k, extra_v, bias, lists; /* those not given stay zero; q may be the weights */
} run_tensors;

/* --q, --k and so on, and what only some families have; the latter may be empty. */
option_table run_path_table(run_paths *paths);
option_table run_own_path_table(family_id id, run_paths *paths);

/* Required options present and not contradicting each other; says what is wrong: a usage error. */
bool run_paths_complete(family_id id, const run_paths *paths);

/* Reads all files and checks dtype, rank and shapes against each other; says file and reason. Free with
 * run_tensors_free in either case. */
bool run_tensors_load(family_id id, const run_paths *paths, run_tensors *out_tensors,
                      family_shape *out_shape);
void run_tensors_free(run_tensors *tensors);

/* Adds to the shape what the file of lists says, given how `options` read it; says what does not fit. */
bool run_lists_shape(const run_paths *paths, const run_tensors *tensors, const family_options *options,
                     family_shape *shape);

/* Whether biases and weights are as large as the plan wants them; says what is wrong. */
bool run_scores_fit(const run_paths *paths, const run_tensors *tensors, const vatten_plan_info *info);

/* The output array of a problem, its data malloc'd and empty; and the LSE likewise, f32 [batch, heads,
 * tokens]. */
bool run_out_array(const run_tensors *tensors, npy_array *out_array);
bool run_lse_array(family_id id, const family_shape *shape, npy_array *out_array);

/* Writes both outputs (lse only if its path is given) or none. */
bool run_outputs_write(const run_paths *paths, const npy_array *out, const npy_array *lse);

#endif /* TOOLS_RUN_FILES_H */
