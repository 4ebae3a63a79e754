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

/* The groups [group, end) are alike in length and seam; this is `end`. */
uint64_t vt_group_alike_end(const vatten_axis *axis, uint64_t group);

/* What position p of the group sees, itself among it. Neither end decreases as p grows. */
vt_window vt_window_of(const vatten_axis *axis, uint64_t group, uint64_t p);

/* Positions [*from, *to), perhaps none, whose windows meet neither an end of the axis nor the seam: there the window of
 * p + stride is that of p moved by a stride. */
void vt_window_inner(const vatten_axis *axis, uint64_t group, uint64_t *from, uint64_t *to);

#endif /* VT_WINDOW_H */
