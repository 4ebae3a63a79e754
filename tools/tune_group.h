/* SPDX-License-Identifier: MIT
 *
 * vatten_tune: problems that one row of a tuning file is for, and what the sweep found out about them.
 */
#ifndef TOOLS_TUNE_GROUP_H
#define TOOLS_TUNE_GROUP_H

#include <stdbool.h>
#include <stddef.h>

#include <vatten/context.h>

#include "bench_row.h"
#include "bench_sweep.h"

/* A candidate on one problem, in turns with what the device has so far. */
typedef struct tune_time {
    double ms;    /* median */
    double ratio; /* time by that of the present tile, median of the rounds */
    double upper; /* third quartile of the same */
    uint32_t rounds;
} tune_time;

typedef struct tune_candidate {
    vatten_tile ask;
    vatten_tile tile; /* of its plan; zero without one */
    bool tried;
    bool same; /* as another one that was tried, or as the present one */
    bench_status status;
    char reason[256];  /* why it is not RIGHT */
    double screen;     /* short look: time by that of the present tile, geometric mean; 0 = none */
    tune_time *finals; /* of each line; NULL: not among the best few */
    double ratio;      /* of the finals: geometric means */
    double upper;
    double most;      /* largest upper of a line */
    uint32_t percent; /* neighborhoods: visited pairs by those with the present tile, the most of all lines */
} tune_candidate;

typedef struct tune_line {
    const bench_problem *problem;
    bench_row before; /* with the present tile */
} tune_line;

typedef struct tune_group {
    family_id id; /* the task that rows name: that of sparse plans is lists */
    vatten_dtype dtype;
    vatten_layout layout; /* AUTO, or the one that is asked for */
    uint32_t dim;         /* the largest of the two */
    uint32_t dim_low;     /* rows are for dims dim_low..dim */
    uint32_t rows_low;    /* and tiles filled with that many rows; 0 = any */
    uint32_t rows_high;   /* 0 = no end */
    bool stream;          /* the kernel is one with rules, which STREAM serves too */
    tune_line *lines;
    size_t line_count;
    tune_candidate *candidates;
    size_t candidate_count;
    size_t tried;                 /* candidates of which something is known */
    const tune_candidate *best;   /* of the finals, NULL without */
    const tune_candidate *chosen; /* the best one if it is better enough, NULL: the present tile stays */
    bool searched;                /* to its end or the end of its time, not interrupted */
} tune_group;

typedef struct tune_groups {
    tune_group *items;
    size_t count;
} tune_groups;

/* Groups the problems by what a row can say of them, which takes a plan of each. Problems that the device refuses are told
 * and left out. With f16 problems and a device that multiplies matrices, those are in a group for MATRIX too, unless a layout
 * is asked for. False, and said, without memory. */
bool tune_groups_make(vatten_context *context, const bench_list *list, tune_groups *out_groups);
void tune_groups_free(tune_groups *groups);

/* "attention f32 dim 33..64, rows 17.." */
void tune_group_name(const tune_group *group, char *out, size_t out_size);

#endif /* TOOLS_TUNE_GROUP_H */
