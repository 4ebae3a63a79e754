/* SPDX-License-Identifier: MIT
 *
 * Where windows lie: the keys of a position along one dilation group of an axis. Every room that reasons about
 * windows asks here; shaders/lib/map_neighborhood.glsl says the same to the GPU.
 */
#ifndef VT_WINDOW_H
#define VT_WINDOW_H

#include <vatten/vatten.h>

/* One dilation group of an axis: its tokens stand at positions 0 .. n - 1. */
typedef struct vt_line {
    const vatten_axis *axis;
    uint64_t n;
} vt_line;

/* group < dilation */
vt_line vt_line_of(const vatten_axis *axis, uint64_t group);

/* The groups [group, end) have equal lines; this is `end`. */
uint64_t vt_line_equal_end(const vatten_axis *axis, uint64_t group);

/* The query at position p sees the keys [start, end). Neither decreases with p. */
uint64_t vt_line_start(const vt_line *line, uint64_t p);
uint64_t vt_line_end(const vt_line *line, uint64_t p);

/* Positions [from, to), perhaps none, whose windows meet no border: there start(p + stride) is
 * start(p) + stride, and likewise end. */
void vt_line_inner(const vt_line *line, uint64_t *from, uint64_t *to);

#endif /* VT_WINDOW_H */
