/* SPDX-License-Identifier: MIT
 *
 * Times of one line of `vatten_bench sparse`: dense attention, the parts of sparse attention, each a plan of its own, and
 * the one plan that does all of them, in turns.
 */
#ifndef TOOLS_SPARSE_RACE_H
#define TOOLS_SPARSE_RACE_H

#include <vatten/context.h>

#include "bench_measure.h"
#include "bench_row.h"
#include "sparse_case.h"
#include "stats.h"

typedef enum sparse_part {
    SPARSE_DENSE,
    SPARSE_POOL_K,
    SPARSE_POOL_Q, /* where queries share lists */
    SPARSE_SELECT, /* scores and selection */
    SPARSE_ATTEND, /* over the selected lists, joined where each query has its own; not where queries are gathered */
    SPARSE_WHOLE,
    SPARSE_PARTS
} sparse_part;

typedef struct sparse_row {
    bench_status status;
    char reason[256];
    vatten_plan_info info;    /* of the attention over lists; where queries are gathered, of the whole */
    uint64_t workspace_bytes; /* of the whole plan, or of the attention where lists are drawn */
    stats_summary ms[SPARSE_PARTS]; /* 0 = does not run */
    double speedup;     /* dense by the whole plan, by attention where lists are drawn; 0 = no dense */
    double ideal;       /* dense pairs by listed pairs */
    double bound;       /* dense pairs by pairs that the tiles' queries see together */
    double tile_blocks; /* mean blocks of a tile of queries */
    /* Pooling and selection by the attention that they feed, that is all else if it is gathered. */
    double share;
    double max_error;
    uint32_t rounds;
} sparse_row;

/* Every failure ends up in the row. */
void sparse_race(vatten_context *context, const bench_measure *settings, const sparse_case *c,
                 sparse_row *out_row);

/* Workspace of the whole plan, which is made and not run; 0 if it is refused. */
uint64_t sparse_workspace(vatten_context *context, const sparse_case *c);

#endif /* TOOLS_SPARSE_RACE_H */
