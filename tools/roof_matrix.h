/* SPDX-License-Identifier: MIT
 *
 * The roof of cooperative matrices: f16 factors, f32 sums.
 */
#ifndef TOOLS_ROOF_MATRIX_H
#define TOOLS_ROOF_MATRIX_H

#include "roof_loop.h"

/* Tries all shapes of matrices that the device lists and keeps the fastest in `out`. Where there is none, *out_absent says
 * why, else it is NULL. `sink` has 8 bytes or more. False when the device fails. Destroy out's kernel in either case. */
bool roof_matrix_choose(vatten_context *context, const bench_vk *vk, vatten_memory *sink, roof_loop *out,
                        const char **out_absent);

bool roof_matrix_run(vatten_context *context, const bench_vk *vk, const roof_loop *loop, double *out_ms);

#endif /* TOOLS_ROOF_MATRIX_H */
