/* SPDX-License-Identifier: MIT */
#include "ops_run.h"

#include "ops_problem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void run_attention(gpu *g, const ops_case *c, const char *name) {
    gpu_problem problem;
    uint32_t *words;
    ops_problem(g, c, &problem, &words);
    gpu_name(&problem, "%s", name);
    gpu_check(g, &problem);
    free(words);
}

bool ops_run(gpu *g, const ops_case *c) {
    static void (*const families[OPS_FAMILIES])(gpu *, const ops_case *, const char *) = {
        [OPS_DENSE] = run_attention, [OPS_RULES] = run_attention,    [OPS_GRID] = run_attention,
        [OPS_LISTS] = run_attention, [OPS_SPARSE] = ops_run_sparse,  [OPS_SELECT] = ops_run_select,
        [OPS_MASS] = ops_run_mass,   [OPS_APPEND] = ops_run_append,  [OPS_TOPK] = ops_run_topk,
        [OPS_POOL] = ops_run_pool,   [OPS_COMBINE] = ops_run_combine};
    uint64_t failures = g->failures;
    char name[64];
    snprintf(name, sizeof name, "%s, data %" PRIu64, ops_family_name(c->family), c->field[OPS_data]);
    families[c->family](g, c, name);
    return g->failures == failures;
}
