/* SPDX-License-Identifier: MIT
 *
 * Pooling on the device, held against its definition.
 */
#ifndef VATTEN_POOL_RUN_H
#define VATTEN_POOL_RUN_H

#include "gpu_harness.h"

/* Runs the desc twice and compares every element. At most 4096 tokens, 8 heads and dims of 256, past which inputs repeat.
 * Returns the dispatches, 0 if the device has not the dtype. */
uint32_t pool_check(gpu *g, const char *name, const vatten_pool_desc *desc, uint64_t seed);

#endif /* VATTEN_POOL_RUN_H */
