/* SPDX-License-Identifier: MIT
 *
 * One rank of star attention. Phase 1: the tokens of a block of the context attend, causally, to their own block and to the
 * first one, the anchor. That is an approximation by definition: a token does not see the blocks between. Phase 2: the query's
 * tokens, which every rank has, attend to the keys of each rank's block (the last rank adds the query's own, causally), and the
 * parts are merged by their log-sum-exps (vatten_combine_create): exact, given the keys.
 */
#ifndef STAR_RANK_H
#define STAR_RANK_H

#include "ring_link.h"
#include "ring_outcome.h"
#include "ring_plans.h"

typedef struct star_rank star_rank;

/* As those of ring_rank.h. */
bool star_rank_make(vatten_context *context, const ring_shape *s, uint32_t rank, star_rank **out);
void star_rank_free(star_rank *rank);
bool star_rank_run(star_rank *rank, ring_link *link, ring_outcome *out);

/* Milliseconds of a broadcast of the anchor. */
double star_rank_hop(star_rank *rank, ring_link *link);

/* The rank's block, [token][heads][dim] and [heads][token]; and on rank 0 the query's tokens, merged, in the same way. */
bool star_rank_results(star_rank *rank, float *out, float *lse);
bool star_rank_query(star_rank *rank, float *out, float *lse);

#endif
