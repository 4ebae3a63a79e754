/* SPDX-License-Identifier: MIT
 *
 * Running cases of the op matrix.
 */
#ifndef VATTEN_OPS_RUN_H
#define VATTEN_OPS_RUN_H

#include "gpu_harness.h"
#include "ops_case.h"

/* Any of them. False if it went wrong, which has been told. */
bool ops_run(gpu *g, const ops_case *c);

/* Those of one family, under a name. */
void ops_run_sparse(gpu *g, const ops_case *c, const char *name);
void ops_run_select(gpu *g, const ops_case *c, const char *name);
void ops_run_mass(gpu *g, const ops_case *c, const char *name);
void ops_run_append(gpu *g, const ops_case *c, const char *name);
void ops_run_topk(gpu *g, const ops_case *c, const char *name);
void ops_run_pool(gpu *g, const ops_case *c, const char *name);
void ops_run_combine(gpu *g, const ops_case *c, const char *name);

#endif /* VATTEN_OPS_RUN_H */
