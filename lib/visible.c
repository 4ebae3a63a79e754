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

/* Causal pairs of one dilation group of n positions: all keys up to the query's own, less those before the
 * window. The stride's blocks share a window start, which is 0 up to block `zero` and then grows by a stride
 * a block; the last block may be short, and its window ends with the group. */
static uint64_t causal_group_pairs(const vatten_axis *axis, uint64_t n) {
    uint64_t k = axis->window;
    uint64_t s = axis->stride;
    uint64_t blocks = n / s;
    uint64_t zero = vt_min(vt_ceil_div(k - s, s), blocks);
    uint64_t counted = blocks - zero;
    uint64_t first_start = counted ? zero * s + s - k : 0;
    uint64_t starts = counted * first_start + s * (counted * (counted - (counted > 0)) / 2);
    return n * (n + 1) / 2 - s * starts - n % s * (n - k);
}

static uint64_t axis_pairs(const vatten_axis *axis) {
    if (!axis->causal)
        return axis->extent * axis->window;
    uint64_t shorter = axis->extent / axis->dilation;
    uint64_t longer_groups = axis->extent % axis->dilation;
    uint64_t pairs = (axis->dilation - longer_groups) * causal_group_pairs(axis, shorter);
    return longer_groups ? pairs + longer_groups * causal_group_pairs(axis, shorter + 1) : pairs;
}

/* A key counts iff it counts on every axis, so the pairs multiply. */
uint64_t vt_visible_neighborhood(const vt_problem *p) {
    return axis_pairs(&p->axis[0]) * axis_pairs(&p->axis[1]) * axis_pairs(&p->axis[2]) +
           p->q_len * p->extra_len;
}
