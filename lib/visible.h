/* SPDX-License-Identifier: MIT
 *
 * How many query-key pairs a mask leaves: the useful work of a problem, without visiting the pairs.
 */
#ifndef VT_VISIBLE_H
#define VT_VISIBLE_H

#include "problem.h"

/* Pairs of one head at full lengths, extra keys included. */
uint64_t vt_visible_dense(const vt_problem *problem);
uint64_t vt_visible_neighborhood(const vt_problem *problem);

#endif /* VT_VISIBLE_H */
