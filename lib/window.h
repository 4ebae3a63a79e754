/* SPDX-License-Identifier: MIT
 *
 * The keys that a query sees along one axis of a token grid, as shaders/lib/map_neighborhood.glsl works them out.
 */
#ifndef VT_WINDOW_H
#define VT_WINDOW_H

#include "problem.h"

/* Positions [start, end) of a dilation group. */
typedef struct vt_window {
    int64_t start;
    int64_t end;
} vt_window;

/* Tokens of dilation group `group`. */
uint64_t vt_group_length(const vatten_axis *axis, uint64_t group);

/* First position of the group that a roll took from the front of the axis to its back; the length without a roll. */
uint64_t vt_group_seam(const vatten_axis *axis, uint64_t group);

/* What position p of the group sees. Neither end decreases as p grows. */
vt_window vt_window_of(const vatten_axis *axis, uint64_t group, uint64_t p);

#endif /* VT_WINDOW_H */
