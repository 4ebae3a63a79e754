/* SPDX-License-Identifier: MIT
 *
 * A case of the op matrix as a problem of the harness. Every row of numbers is one: what is out of range is bounded, what
 * does not go together is left out, and what the device lacks gives way to the next best, so that no case is refused for
 * what it asks.
 */
#ifndef VATTEN_OPS_PROBLEM_H
#define VATTEN_OPS_PROBLEM_H

#include "gpu_harness.h"
#include "ops_case.h"

/* Of any family. The words of lists, which `out` points to, are the caller's to free; else `*out_words` is NULL. */
void ops_problem(const gpu *g, const ops_case *c, gpu_problem *out, uint32_t **out_words);

#endif /* VATTEN_OPS_PROBLEM_H */
