/* SPDX-License-Identifier: MIT
 *
 * The device's own roofs, measured: f32 multiply-adds in registers, products of f16 matrices where the device has them,
 * and a copy. Every fraction that
 * vatten_bench prints is against these, taken in the same run, because clocks and neighbours on shared
 * machines drift.
 */
#ifndef TOOLS_ROOF_H
#define TOOLS_ROOF_H

#include <stdbool.h>
#include <stddef.h>

#include <vatten/context.h>

#include "bench_vk.h"
#include "stats.h"

typedef struct roof roof;

/* Builds the kernels, tries their shapes (workgroup width, number of chains) and keeps the fastest. Says what
 * failed. */
bool roof_create(vatten_context *context, const bench_vk *vk, roof **out_roof);
void roof_destroy(roof *roof);

/* Measures once more, well under a second. */
bool roof_measure(roof *roof);

/* GFLOP/s (a multiply-add counts 2) and GB/s (a byte read and written counts 2), over all measurements so
 * far. */
stats_summary roof_fma(const roof *roof);
stats_summary roof_copy(const roof *roof);

/* Products of f16 matrices with f32 sums, GFLOP/s. Where there are none, roof_no_matrix says why (else it is NULL), and the
 * summary is all zero. */
stats_summary roof_matrix(const roof *roof);
const char *roof_no_matrix(const roof *roof);
size_t roof_samples(const roof *roof);

/* What was chosen: "8 chains, workgroup 8". */
const char *roof_fma_shape(const roof *roof);
const char *roof_matrix_shape(const roof *roof);
const char *roof_copy_shape(const roof *roof);

#endif /* TOOLS_ROOF_H */
