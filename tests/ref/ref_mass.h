/* SPDX-License-Identifier: MIT
 *
 * What rows of attention look at: sums, entropies and maxima of their probabilities, which are those of
 * ref_probabilities. Each is told from a whole row of them.
 */
#ifndef VATTEN_REF_MASS_H
#define VATTEN_REF_MASS_H

#include "ref.h"

/* sums[j] = sum_i w_i p_ij over the queries [first, end); w NULL: all 1; w[i - first] else. sums[ref_key_count]. */
void ref_column_sums(const ref_problem *problem, uint64_t b, uint64_t h, uint64_t first, uint64_t end,
                     const double *w, double *sums);

/* sums[s] = sum of p_ij over the keys j of a row whose segment[j] is s; keys of segments that are not there count
 * nowhere. */
void ref_segment_sums(const ref_problem *problem, uint64_t b, uint64_t h, uint64_t query,
                      const uint32_t *segment, uint64_t segments, double *sums);

/* -sum_j p_j ln p_j of a row, in nats; keys with p = 0 add nothing. */
double ref_row_entropy(const ref_problem *problem, uint64_t b, uint64_t h, uint64_t query);

/* maxima[n] = the largest p_j of keys [n block, (n + 1) block) of a row; the last block may be short. */
void ref_block_maxima(const ref_problem *problem, uint64_t b, uint64_t h, uint64_t query, uint64_t block,
                      double *maxima);

#endif /* VATTEN_REF_MASS_H */
