/* SPDX-License-Identifier: MIT */
#include "window.h"

#include "sizes.h"

vt_line vt_line_of(const vatten_axis *axis, uint64_t group) {
    return (vt_line){axis, vt_ceil_div(axis->extent - group, axis->dilation)};
}

uint64_t vt_line_equal_end(const vatten_axis *axis, uint64_t group) {
    uint64_t longer = axis->extent % axis->dilation;
    return group < longer ? longer : axis->dilation;
}

uint64_t vt_line_start(const vt_line *line, uint64_t p) {
    uint64_t k = line->axis->window;
    uint64_t s = line->axis->stride;
    uint64_t first = s == 1 ? p : p - p % s;
    if (line->axis->causal) {
        uint64_t lead = vt_min(first + s - 1, line->n - 1);
        return lead + 1 > k ? lead + 1 - k : 0;
    }
    uint64_t lead = vt_min(first + s / 2, line->n - 1);
    return vt_min(lead > k / 2 ? lead - k / 2 : 0, line->n - k);
}

uint64_t vt_line_end(const vt_line *line, uint64_t p) {
    return line->axis->causal ? p + 1 : vt_line_start(line, p) + line->axis->window;
}

void vt_line_inner(const vt_line *line, uint64_t *from, uint64_t *to) {
    uint64_t reach = (uint64_t)line->axis->window + line->axis->stride;
    *from = vt_min(reach, line->n);
    *to = vt_max(line->n > reach ? line->n - reach : 0, *from);
}
