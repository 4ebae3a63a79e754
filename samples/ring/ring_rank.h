/* SPDX-License-Identifier: MIT
 *
 * One rank of ring attention: queries stay, keys and values go round. Each step is attention of the rank's queries over the
 * keys that are here, which goes on with the state that the step before left (VATTEN_CARRY_IN, VATTEN_CARRY_OUT): the merge by
 * log-sum-exp, exact but for rounding, happens in the kernel.
 */
#ifndef RING_RANK_H
#define RING_RANK_H

#include "ring_link.h"
#include "ring_outcome.h"
#include "ring_plans.h"

typedef struct ring_rank ring_rank;

/* Plans, buffers, and the rank's own queries on the device. `out` has to be freed even after a failure. */
bool ring_rank_make(vatten_context *context, const ring_shape *s, uint32_t rank, ring_rank **out);
void ring_rank_free(ring_rank *rank);

/* All steps. With `overlap` a step computes on a thread of its own while this one sends and receives the keys of the next. */
bool ring_rank_run(ring_rank *rank, ring_link *link, bool overlap, ring_outcome *out);

/* Milliseconds of one hop with nothing computed meanwhile, the median of some. */
double ring_rank_hop(ring_rank *rank, ring_link *link);

/* [part][token][heads][dim] and [part][heads][token]. */
bool ring_rank_results(ring_rank *rank, float *out, float *lse);

#endif
