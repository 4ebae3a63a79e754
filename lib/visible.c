/* SPDX-License-Identifier: MIT */
#include "visible.h"

#include "sizes.h"

static int64_t min_i64(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t max_i64(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* Visible keys of a query whose diagonal is `diag`: the window and the prefix, less what they share. */
static int64_t keys_at(const vt_problem *p, int64_t diag) {
    int64_t last = (int64_t)p->kv_len - 1;
    int64_t low = p->left == VATTEN_UNLIMITED ? 0 : max_i64(diag - p->left, 0);
    int64_t high = p->right == VATTEN_UNLIMITED ? last : min_i64(diag + p->right, last);
    int64_t prefix_last = (int64_t)p->prefix - 1;
    if (p->causal) {
        high = min_i64(high, diag);
        prefix_last = min_i64(prefix_last, diag);
    }
    int64_t window = max_i64(high - low + 1, 0);
    int64_t prefix = max_i64(prefix_last + 1, 0);
    int64_t shared = max_i64(min_i64(high, prefix_last) - low + 1, 0);
    return window + prefix - shared;
}

/* keys_at is linear in the diagonal between two neighbouring bends. */
static int64_t next_bend(const vt_problem *p, int64_t diag, int64_t end) {
    int64_t last = (int64_t)p->kv_len - 1;
    int64_t prefix = (int64_t)p->prefix;
    int64_t left = p->left == VATTEN_UNLIMITED ? 0 : p->left;
    int64_t right = p->right == VATTEN_UNLIMITED ? 0 : p->right;
    const int64_t bends[] = {0,      last,   left,           left + prefix, left + last,
                             -right, prefix, prefix - right, last - right};
    int64_t next = end;
    for (size_t i = 0; i < sizeof bends / sizeof bends[0]; ++i)
        for (int64_t at = bends[i] - 1; at <= bends[i] + 2; ++at)
            if (at > diag && at < next)
                next = at;
    return next;
}

uint64_t vt_visible_dense(const vt_problem *p) {
    int64_t diag = p->align_first ? 0 : (int64_t)p->kv_len - (int64_t)p->q_len;
    int64_t end = diag + (int64_t)p->q_len;
    int64_t twice = 0;
    while (diag < end) {
        int64_t next = next_bend(p, diag, end);
        twice += (keys_at(p, diag) + keys_at(p, next - 1)) * (next - diag);
        diag = next;
    }
    return (uint64_t)twice / 2;
}

void vt_axis_window(const vatten_axis *axis, uint64_t n, uint64_t p, uint64_t *first, uint64_t *end) {
    uint64_t k = axis->window;
    uint64_t s = axis->stride;
    if (axis->causal) {
        uint64_t lead = vt_min(p / s * s + s - 1, n - 1);
        *first = lead + 1 > k ? lead + 1 - k : 0;
        *end = p + 1;
        return;
    }
    uint64_t lead = vt_min(p / s * s + s / 2, n - 1);
    *first = vt_min(lead > k / 2 ? lead - k / 2 : 0, n - k);
    *end = *first + k;
}

static uint64_t axis_pairs(const vatten_axis *axis) {
    if (!axis->causal)
        return axis->extent * axis->window;
    uint64_t pairs = 0;
    for (uint64_t i = 0; i < axis->extent; ++i) {
        uint64_t n = vt_ceil_div(axis->extent - i % axis->dilation, axis->dilation);
        uint64_t first;
        uint64_t end;
        vt_axis_window(axis, n, i / axis->dilation, &first, &end);
        pairs += end - first;
    }
    return pairs;
}

/* A key counts iff it counts on every axis, so the pairs multiply. */
uint64_t vt_visible_neighborhood(const vt_problem *p) {
    return axis_pairs(&p->axis[0]) * axis_pairs(&p->axis[1]) * axis_pairs(&p->axis[2]) +
           p->q_len * p->extra_len;
}
