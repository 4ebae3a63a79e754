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

/* First and one past the last visible key of position p in a dilation group of n positions (see vatten.h). */
void vt_axis_window(const vatten_axis *axis, uint64_t n, uint64_t p, uint64_t *first, uint64_t *end);

#endif /* VT_VISIBLE_H */
