/* SPDX-License-Identifier: MIT */
#include "window.h"

#include "sizes.h"

/* Tokens of a group among the first `length` of the axis. */
static uint64_t group_part(const vatten_axis *axis, uint64_t group, uint64_t length) {
    return length > group ? vt_ceil_div(length - group, axis->dilation) : 0;
}

uint64_t vt_group_length(const vatten_axis *axis, uint64_t group) {
    return group_part(axis, group, axis->extent);
}

uint64_t vt_group_seam(const vatten_axis *axis, uint64_t group) {
    return group_part(axis, group, axis->extent - axis->roll);
}

/* The first groups have one token more, of the whole axis as of the part before the seam. */
uint64_t vt_group_alike_end(const vatten_axis *axis, uint64_t group) {
    uint64_t longer = axis->extent % axis->dilation;
    uint64_t later = (axis->extent - axis->roll) % axis->dilation;
    uint64_t end = group < longer ? longer : axis->dilation;
    return group < later ? vt_min(end, later) : end;
}

/* Before the ends of the axis are looked at; on an axis that shifts its windows, after that. */
static vt_window whole_window(const vatten_axis *axis, int64_t n, int64_t p) {
    int64_t k = axis->window;
    int64_t s = axis->stride;
    int64_t lead = p / s * s + (axis->causal ? s - 1 : s / 2);
    int64_t reach = axis->causal ? k - 1 : k / 2;
    bool shift = axis->edge == VATTEN_EDGE_SHIFT;
    int64_t start = (shift ? vt_min_i64(lead, n - 1) : lead) - reach;
    if (shift)
        start = vt_max_i64(axis->causal ? start : vt_min_i64(start, n - k), 0);
    return (vt_window){start, axis->causal ? p + 1 : start + k};
}

vt_window vt_window_of(const vatten_axis *axis, uint64_t group, uint64_t p) {
    int64_t n = (int64_t)vt_group_length(axis, group);
    int64_t seam = (int64_t)vt_group_seam(axis, group);
    bool behind = (int64_t)p >= seam; /* never without a roll */
    vt_window window = whole_window(axis, n, (int64_t)p);
    window.start = vt_max_i64(window.start, behind ? seam : 0);
    window.end = vt_min_i64(window.end, behind ? n : seam);
    return window;
}

void vt_window_inner(const vatten_axis *axis, uint64_t group, uint64_t *from, uint64_t *to) {
    uint64_t n = vt_group_length(axis, group);
    uint64_t seam = vt_group_seam(axis, group);
    uint64_t reach = (uint64_t)axis->window + axis->stride;
    bool front = seam >= n - seam; /* the longer of the parts on either side of the seam */
    uint64_t first = front ? 0 : seam;
    uint64_t end = front ? seam : n;
    *from = vt_min(first + reach, n);
    *to = vt_max(end > reach ? end - reach : 0, *from);
}
