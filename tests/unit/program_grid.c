/* SPDX-License-Identifier: MIT
 *
 * The workgroups of a small neighborhood program, walked as map_neighborhood.glsl walks them: every query is
 * written by exactly one row of one workgroup, and no workgroup does more than its step says. Windows come
 * from the oracle.
 */
#include "program_build.h"

#include "ref.h"

#include <stdio.h>
#include <string.h>

#define MOST_EXTENT 64
#define MOST_TOKENS 4096

/* Windows of each query along an axis, in positions of its dilation group. Coordinates here are those after the roll. */
typedef struct windows {
    uint64_t first[MOST_EXTENT];
    uint64_t end[MOST_EXTENT];
} windows;

/* Along one axis: a workgroup's dilation group and box of queries in it. */
typedef struct side {
    uint64_t group;
    uint64_t p0, p1; /* first and last position that exists; p1 < p0: none */
} side;

typedef struct visit {
    uint64_t tiles;
    uint64_t most;
} visit;

static windows along[3];
static uint8_t written[MOST_TOKENS];
static char text[128];

static uint64_t ceil_div(uint64_t a, uint64_t b) {
    return (a + b - 1) / b;
}

static void find_windows(const vatten_axis *axis, windows *out) {
    const ref_axis_rule rule = {axis->extent, axis->window,         axis->stride, axis->dilation,
                                axis->causal, (ref_edge)axis->edge, axis->roll};
    for (uint64_t q = 0; q < axis->extent; ++q) {
        uint64_t seen = 0;
        for (uint64_t k = q % axis->dilation; k < axis->extent; k += axis->dilation) {
            if (!ref_axis_visible(&rule, (q + axis->roll) % axis->extent, (k + axis->roll) % axis->extent))
                continue;
            out->first[q] = seen++ == 0 ? k / axis->dilation : out->first[q];
            out->end[q] = k / axis->dilation + 1;
        }
    }
}

/* From a workgroup's number to its place: boxes of the innermost axis run fastest, then those of the others,
 * then the dilation groups. `from` and `to` bound the queries of the step along axis 0. */
static void locate(const program_case *c, const uint32_t *spec, uint64_t x, uint64_t from, uint64_t to,
                   side at[3]) {
    for (int a = 3; a-- > 0;) {
        uint64_t units = a == 0 ? to - from : c->problem.axis[a].extent;
        uint64_t count = ceil_div(ceil_div(units, spec[VT_SPEC_DILATION + a]), spec[VT_SPEC_BOX + a]);
        at[a].p0 = x % count * spec[VT_SPEC_BOX + a] + (a == 0 ? from / spec[VT_SPEC_DILATION] : 0);
        x /= count;
    }
    for (int a = 3; a-- > 0;) {
        uint64_t dilation = spec[VT_SPEC_DILATION + a];
        uint64_t last = a == 0 ? to : c->problem.axis[a].extent;
        at[a].group = x % dilation;
        x /= dilation;
        uint64_t n = last > at[a].group ? ceil_div(last - at[a].group, dilation) : 0;
        uint64_t past = at[a].p0 + spec[VT_SPEC_BOX + a];
        at[a].p1 = (past < n ? past : n) - 1;
        if (n <= at[a].p0) {
            at[a].p0 = 1;
            at[a].p1 = 0;
        }
    }
}

static uint64_t coordinate(const program_case *c, const side *at, int a, uint64_t p) {
    return p * c->problem.axis[a].dilation + at[a].group;
}

/* Where the token of a position lies along the axis. */
static uint64_t place(const program_case *c, const side *at, int a, uint64_t p) {
    const vatten_axis *axis = &c->problem.axis[a];
    return (coordinate(c, at, a, p) + axis->roll) % axis->extent;
}

static void write_queries(const program_case *c, const side at[3]) {
    const vatten_axis *axis = c->problem.axis;
    for (uint64_t i = at[0].p0; i <= at[0].p1; ++i)
        for (uint64_t j = at[1].p0; j <= at[1].p1; ++j)
            for (uint64_t k = at[2].p0; k <= at[2].p1; ++k) {
                uint64_t token = place(c, at, 0, i) * axis[1].extent + place(c, at, 1, j);
                ++written[token * axis[2].extent + place(c, at, 2, k)];
            }
}

/* Key tiles of the box of keys between the first query's window start and the last one's window end. */
static uint64_t key_tiles(const program_case *c, const vt_step *step, const side at[3]) {
    uint64_t keys = 1;
    for (int a = 0; a < 3; ++a) {
        uint64_t dilation = c->problem.axis[a].dilation;
        uint64_t first = along[a].first[coordinate(c, at, a, at[a].p0)];
        uint64_t end = along[a].end[coordinate(c, at, a, at[a].p1)];
        for (uint64_t p = first; a == 0 && p < end; ++p) { /* only planes of this step's range */
            uint64_t plane = p * dilation + at[a].group;
            if (plane < step->push.k_first)
                ++first;
            else if (plane >= step->push.k_last)
                end = p;
        }
        keys *= end > first ? end - first : 0;
    }
    return ceil_div(keys, c->tile.keys);
}

static visit walk_step(const program_case *c, const vt_step *step) {
    visit sum = {0, 0};
    const uint32_t *spec = c->program.variants[0].spec;
    for (uint64_t x = 0; x < step->groups[0]; ++x) {
        side at[3];
        locate(c, spec, x, step->push.q_first, step->push.q_last, at);
        if (at[0].p1 < at[0].p0 || at[1].p1 < at[1].p0 || at[2].p1 < at[2].p0)
            continue;
        write_queries(c, at);
        uint64_t tiles = key_tiles(c, step, at);
        sum.tiles += tiles;
        sum.most = tiles > sum.most ? tiles : sum.most;
    }
    return sum;
}

static const char *check_step(const program_case *c, uint64_t i) {
    const vt_problem *p = &c->problem;
    const vt_step *step = &c->program.steps[i];
    uint64_t plane = p->axis[1].extent * p->axis[2].extent;
    memset(written, 0, sizeof written);
    const visit sum = walk_step(c, step);
    uint64_t macs = sum.tiles * c->tile.keys * c->tile.rows * (p->dim + p->value_dim);
    const char *broken = NULL;
    for (uint64_t token = 0; token < p->q_len; ++token)
        if (written[token] != (token / plane >= step->push.q_first && token / plane < step->push.q_last))
            broken = "a query is not written exactly once";
    if (macs * step->groups[1] * step->groups[2] > step->macs)
        broken = "workgroups do more multiply-adds than the step says";
    if (sum.most * c->tile.iterations > c->caps.loop_limit)
        broken = "a workgroup loops more often than the device can";
    if (broken)
        snprintf(text, sizeof text, "step %llu: %s", (unsigned long long)i, broken);
    return broken ? text : NULL;
}

const char *program_grid_broken(const program_case *c) {
    const vt_problem *p = &c->problem;
    if (p->map != VT_MAP_NEIGHBORHOOD || p->q_len > MOST_TOKENS)
        return NULL;
    for (int a = 0; a < 3; ++a) {
        if (p->axis[a].extent > MOST_EXTENT)
            return NULL;
        find_windows(&p->axis[a], &along[a]);
    }
    for (uint64_t i = 0; i < c->program.step_count; ++i) {
        const char *broken = c->program.steps[i].variant == 0 ? check_step(c, i) : NULL;
        if (broken)
            return broken;
    }
    return NULL;
}
