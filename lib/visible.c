/* SPDX-License-Identifier: MIT */
#include "visible.h"

#include "sizes.h"
#include "window.h"

/* Keys [low, high]; none if high < low. */
typedef struct keys {
    int64_t low, high;
} keys;

static keys both(keys a, keys b) {
    return (keys){vt_max_i64(a.low, b.low), vt_min_i64(a.high, b.high)};
}

/* Of these keys, those at the stride; all without one. */
static int64_t count(keys k, int64_t stride, int64_t phase) {
    if (k.high < k.low)
        return 0;
    return (k.high + phase) / stride - (k.low + phase + stride - 1) / stride + 1;
}

static int64_t chunk_begin(int64_t chunk, int64_t diag) {
    return diag >= 0 ? diag / chunk * chunk : -((chunk - 1 - diag) / chunk) * chunk;
}

/* The window, and chunk, of a query whose diagonal is `diag`, among the keys that exist. */
static keys window_at(const vt_problem *p, int64_t diag, keys all) {
    int64_t chunk = (int64_t)p->rules.chunk;
    keys window = all;
    if (p->left != VATTEN_UNLIMITED)
        window.low = vt_max_i64(window.low, diag - p->left);
    if (p->right != VATTEN_UNLIMITED)
        window.high = vt_min_i64(window.high, diag + p->right);
    if (chunk) {
        int64_t first = chunk_begin(chunk, diag);
        window = both(window, (keys){first, first + chunk - 1});
    }
    return window;
}

/* Visible keys: the window, the prefix and those at a stride, less what they share. */
static int64_t keys_at(const vt_problem *p, int64_t diag) {
    int64_t last = (int64_t)p->kv_len - 1, stride = p->rules.key_stride, phase = p->rules.key_phase;
    const keys all = {0, p->causal ? vt_min_i64(last, diag) : last};
    const keys window = window_at(p, diag, all);
    const keys prefix = both(all, (keys){0, (int64_t)p->prefix - 1});
    const keys shared = both(window, prefix);
    int64_t near = count(window, 1, 0) + count(prefix, 1, 0) - count(shared, 1, 0);
    if (stride == 0)
        return near;
    return near + count(all, stride, phase) - count(window, stride, phase) - count(prefix, stride, phase) +
           count(shared, stride, phase);
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

/* Chunks and strides bend at every turn: query by query, or so many of them in even steps. */
#ifndef MOST_LOOKED_AT /* fuzzing builds with less */
#define MOST_LOOKED_AT 4000000
#endif

static uint64_t count_each(const vt_problem *p) {
    int64_t first = p->align_first ? 0 : (int64_t)p->kv_len - (int64_t)p->q_len;
    int64_t queries = (int64_t)p->q_len, step = queries / MOST_LOOKED_AT + 1;
    int64_t sum = 0;
    for (int64_t i = 0; i < queries; i += step)
        sum += keys_at(p, first + i) * vt_min_i64(step, queries - i);
    return (uint64_t)sum;
}

uint64_t vt_visible_dense(const vt_problem *p) {
    if (p->rules.chunk || p->rules.key_stride)
        return count_each(p);
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

/* Pairs of the positions [first, end), which lie in one run of queries that share a window, on one side of a seam. */
static uint64_t run_part_pairs(const vatten_axis *axis, uint64_t group, uint64_t first, uint64_t end) {
    if (first >= end)
        return 0;
    const vt_window a = vt_window_of(axis, group, first);
    const vt_window b = vt_window_of(axis, group, end - 1);
    return (uint64_t)(a.end - a.start + b.end - b.start) * (end - first) / 2;
}

static uint64_t run_pairs(const vatten_axis *axis, uint64_t group, uint64_t run) {
    uint64_t first = run * axis->stride;
    uint64_t end = vt_min(first + axis->stride, vt_group_length(axis, group));
    uint64_t seam = vt_min(vt_max(vt_group_seam(axis, group), first), end);
    return run_part_pairs(axis, group, first, seam) + run_part_pairs(axis, group, seam, end);
}

/* The pairs of a run are linear in its number between two neighbouring bends: where a window meets an end of the axis
 * or the seam, at the seam itself, and at the last run, which may be short. */
static uint64_t next_run(const vatten_axis *axis, uint64_t group, uint64_t run, uint64_t runs) {
    int64_t n = (int64_t)vt_group_length(axis, group);
    int64_t seam = (int64_t)vt_group_seam(axis, group);
    int64_t k = axis->window;
    const int64_t bends[] = {0,     n,         seam,         k,           n - k, seam - k, seam + k,
                             k / 2, n - k / 2, seam - k / 2, seam + k / 2};
    uint64_t next = runs;
    for (size_t i = 0; i < sizeof bends / sizeof bends[0]; ++i) {
        int64_t bend = bends[i] / (int64_t)axis->stride;
        for (int64_t at = bend - 2; at <= bend + 3; ++at)
            if (at > (int64_t)run && at < (int64_t)next)
                next = (uint64_t)at;
    }
    return next;
}

static uint64_t group_pairs(const vatten_axis *axis, uint64_t group) {
    uint64_t runs = vt_ceil_div(vt_group_length(axis, group), axis->stride);
    uint64_t twice = 0;
    for (uint64_t run = 0; run < runs;) {
        uint64_t next = next_run(axis, group, run, runs);
        twice += (run_pairs(axis, group, run) + run_pairs(axis, group, next - 1)) * (next - run);
        run = next;
    }
    return twice / 2;
}

static uint64_t axis_pairs(const vatten_axis *axis) {
    uint64_t pairs = 0;
    for (uint64_t group = 0; group < axis->dilation;) {
        uint64_t end = vt_group_alike_end(axis, group);
        pairs += (end - group) * group_pairs(axis, group);
        group = end;
    }
    return pairs;
}

/* A key counts iff it counts on every axis, so the pairs multiply. */
uint64_t vt_visible_neighborhood(const vt_problem *p) {
    return axis_pairs(&p->axis[0]) * axis_pairs(&p->axis[1]) * axis_pairs(&p->axis[2]) +
           p->q_len * p->extra_len;
}
