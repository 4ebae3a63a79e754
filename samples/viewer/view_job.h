/* SPDX-License-Identifier: MIT
 *
 * The sample's use of vatten: the plans and buffers of one problem. Load a picture, attend as often as needed, ask for the row of
 * any query.
 */
#ifndef VIEWER_VIEW_JOB_H
#define VIEWER_VIEW_JOB_H

#include <vatten/context.h>

#include "view_result.h"

typedef struct view_job {
    vatten_context *context;
    view_problem problem;
    vatten_plan *attend;
    vatten_plan *row;           /* NULL where the device cannot */
    vatten_plan *pool, *choose; /* of blocks */
    vatten_recorder *recorder;
    vatten_memory *q, *k, *v, *out, *lse;
    vatten_memory *query, *weights; /* of the row */
    vatten_memory *means, *lists;   /* of blocks */
    float *portion, *pixels, *log_sums;
    size_t portion_tokens;
    bool row_is_warm; /* it has run: the first time compiles */
} view_job;

/* Compiles what the device has not compiled yet. False after the logger or complain has told why; destroy it in either case. */
bool view_job_create(view_job *job, vatten_context *context, const vatten_logger *logger,
                     const view_problem *problem);
void view_job_destroy(view_job *job);

/* Queries, keys and values of a picture of the problem's grid. Blocks: chooses them too. */
bool view_job_load(view_job *job, const clip *noisy, const nlm_settings *settings);

/* Writes the answer. `out_ms`: GPU time. */
bool view_job_attend(view_job *job, const clip *noisy, const nlm_settings *settings, clip *denoised,
                     double *out_ms);

/* Weights, blocks and time of the query at row->x, row->y. */
bool view_job_row(view_job *job, view_row *row);

#endif
