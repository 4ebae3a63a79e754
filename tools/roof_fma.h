/* SPDX-License-Identifier: MIT
 *
 * The roof of arithmetic that every device has: f32 multiply-adds in registers.
 */
#ifndef TOOLS_ROOF_FMA_H
#define TOOLS_ROOF_FMA_H

#include "roof_loop.h"

/* Tries all codes and widths, well under a second in all, and leaves the fastest. `sink`: any storage buffer, of which nothing
 * is written. The kernel is destroyed by the caller, also after a failure. */
bool roof_fma_choose(vatten_context *context, const bench_vk *vk, VkBuffer sink, roof_loop *out_fma);

/* A run of some 25 ms. */
bool roof_fma_run(vatten_context *context, const bench_vk *vk, const roof_loop *fma, double *out_ms);

#endif /* TOOLS_ROOF_FMA_H */
