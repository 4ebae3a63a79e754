/* SPDX-License-Identifier: MIT
 *
 * What the harness adds to dense problems: tables, pages, biases, rows of bytes, states. For the files of the harness.
 */
#ifndef VATTEN_GPU_DENSE_H
#define VATTEN_GPU_DENSE_H

#include "gpu_harness.h"

/* Views of what dense plans have beyond q, k, v and out, and those of k and v in pages or in bytes. False, and told, if
 * the library does not say where tables stand. */
bool gpu_dense_place(gpu_trial *trial);

/* Fills tables, then what depends on nothing else: bias and state. Holds the tables against vatten_attention_check. */
bool gpu_dense_fill(gpu_trial *trial);

/* Random tables, valid and by the problem's seed. */
void gpu_fill_tables(const gpu_problem *problem, const vatten_tables *at, uint8_t *base);

/* Whether a token of q, k or v is in use, and as which: in pages and with lengths not all are. */
bool gpu_token_used(const gpu_trial *trial, gpu_slot slot, uint64_t b, uint64_t token, uint64_t *out_b,
                    uint64_t *out_token);

/* Whether a row of out is to be written. */
bool gpu_row_used(const gpu_trial *trial, uint64_t b, uint64_t token);

/* One row of bytes and scales: the nearest to values[dim]. */
void gpu_write_bytes(gpu_region *region, const gpu_view *view, uint64_t index, const float *values);

/* The part of tables that the library writes, in bytes from the argument's offset on; nothing: both 0. */
void gpu_spans(const gpu_trial *trial, uint64_t *out_first, uint64_t *out_end);

/* Moves the state that a plan left out of `seen`: sets the trial's out and lse to what follows from it. */
bool gpu_take_state(gpu_trial *trial);

void gpu_dense_end(gpu_trial *trial);

#endif /* VATTEN_GPU_DENSE_H */
