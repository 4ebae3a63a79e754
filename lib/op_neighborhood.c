/* SPDX-License-Identifier: MIT
 *
 * Neighborhood attention: query tiles are boxes of one dilation group, key tiles walk the box of keys that
 * they need (shaders/lib/map_neighborhood.glsl). Extra keys are a dense pass before, whose running state the
 * grid pass resumes: one softmax over both.
 */
#include "attend.h"
#include "log.h"
#include "ops.h"
#include "sizes.h"

#include <inttypes.h>

/* Length of the longest dilation group along an axis. */
static uint64_t group_length(const vatten_axis *axis) {
    return vt_ceil_div(axis->extent, axis->dilation);
}

static uint64_t boxes_along(const vatten_axis *axis, uint32_t side) {
    return vt_ceil_div(group_length(axis), side);
}

/* Whether the planes that one row of boxes spans, and the state that they may have to carry, can be bound at
 * once. */
static bool bindable(const vt_op_input *op, uint32_t side) {
    const vt_problem *p = op->problem;
    if (p->axis[0].roll)
        return true; /* all planes are bound anyway */
    uint64_t planes = vt_min((uint64_t)p->axis[0].dilation * side, p->axis[0].extent);
    uint64_t tokens = planes * p->axis[1].extent * p->axis[2].extent;
    uint64_t row_bytes = vt_max(p->q.token, p->out.token) * p->element_bytes;
    uint64_t carry_bytes = (op->tile->value_pad + 1 + op->tile->lanes_per_row) * sizeof(float);
    return vt_saturating_mul(tokens, vt_max(row_bytes, carry_bytes)) < op->caps->storage_range;
}

/* Axis 0 gives way to the size of a binding. */
static vt_box choose_box(const vt_op_input *op) {
    uint32_t most = op->tile->rows;
    while (most > 1 && !bindable(op, most))
        --most;
    return vt_simulate_best(op->problem, op->tile, most);
}

vatten_result vt_neighborhood_box(const vt_op_input *op, vt_box *out) {
    const uint32_t *asked = op->problem->box;
    if (asked[0] == 0) {
        *out = choose_box(op);
        return VATTEN_SUCCESS;
    }
    *out = (vt_box){{asked[0], asked[1], asked[2]}};
    uint32_t queries = asked[0] * asked[1] * asked[2];
    if (queries <= op->tile->rows)
        return VATTEN_SUCCESS;
    vt_log(op->logger, VATTEN_LOG_ERROR, op->problem->label,
           "neighborhood: box %" PRIu32 " x %" PRIu32 " x %" PRIu32 " holds %" PRIu32
           " queries, the tile that fits %s has %" PRIu32 " rows",
           asked[0], asked[1], asked[2], queries, op->caps->name, op->tile->rows);
    return VATTEN_ERROR_UNSUPPORTED;
}

/* Planes of axis 0 that a range of queries may need, not less than the truth: windows reach at most window +
 * stride positions of a group to either side, and at a border they move inward by as much as a whole window.
 */
static void needed_keys(const vt_problem *problem, uint64_t q_first, uint64_t q_end, uint64_t *first,
                        uint64_t *end) {
    const vatten_axis *axis = &problem->axis[0];
    if (axis->roll) {
        *first = 0;
        *end = axis->extent;
        return;
    }
    uint64_t reach = ((uint64_t)axis->window + axis->stride) * axis->dilation;
    uint64_t inward = ((uint64_t)axis->window + 1) * axis->dilation;
    uint64_t from = q_first > reach ? q_first - reach : 0;
    uint64_t border = axis->extent > inward ? axis->extent - inward : 0;
    *first = vt_min(from, border);
    *end = vt_min(vt_max(q_end + reach, inward), axis->extent);
}

/* The one run; and keys off the grid are given their biases one by one, row by row of an invocation. */
static uint64_t closing_loops(const vt_problem *p, const vt_tile *tile) {
    bool pads = false;
    uint64_t window = 1;
    for (uint32_t a = 0; a < 3; ++a) {
        pads = pads || p->axis[a].edge == VATTEN_EDGE_ZERO;
        window = vt_saturating_mul(window, p->axis[a].window);
    }
    uint64_t rows = (uint64_t)tile->rows * tile->lanes_per_row / tile->workgroup;
    return 1 + (pads && p->bias_bytes ? vt_saturating_mul(window * 4, rows) : 0);
}

/* Planes of a rolled axis 0 follow each other only up to the seam, so that all are bound at once. */
static vt_geometry grid_geometry(const vt_problem *p, const vt_tile *tile, const vt_box *b) {
    const vatten_axis *axis = p->axis;
    uint64_t whole = axis[0].roll ? axis[0].extent : 0;
    uint64_t run = (uint64_t)axis[0].dilation * b->side[0];
    uint64_t plane = axis[1].extent * axis[2].extent;
    uint64_t groups = (uint64_t)axis[0].dilation * axis[1].dilation * axis[2].dilation;
    return (vt_geometry){
        .q_units = axis[0].extent,
        .k_units = axis[0].extent,
        .q_plane = plane,
        .k_plane = plane,
        .q_grain = whole ? whole : run,
        .k_grain = whole ? whole : 1,
        .grain_tiles = groups * (whole ? boxes_along(&axis[0], b->side[0]) : 1) *
                       boxes_along(&axis[1], b->side[1]) * boxes_along(&axis[2], b->side[2]),
        .keys_across = vt_simulate_along(&axis[0], b->side[0]),
        .key_step = axis[0].dilation,
        .keys_plane = vt_simulate_along(&axis[1], b->side[1]) * vt_simulate_along(&axis[2], b->side[2]),
        .closing = closing_loops(p, tile),
        .k = &p->k,
        .v = &p->v,
    };
}

static vt_geometry extra_geometry(const vt_problem *p, const vt_tile *tile, const vt_geometry *grid) {
    return (vt_geometry){
        .q_units = grid->q_units,
        .k_units = p->extra_len,
        .q_plane = grid->q_plane,
        .k_plane = 1,
        .q_grain = grid->q_grain,
        .k_grain = tile->keys,
        .grain_tiles = vt_ceil_div(grid->q_grain * grid->q_plane, tile->rows),
        .keys_across = p->extra_len,
        .key_step = 1,
        .keys_plane = 1,
        .closing = 2,
        .k = &p->extra_k,
        .v = &p->extra_v,
    };
}

/* Of axis 0. */
static uint32_t mask_bits(const vatten_axis *axis) {
    uint32_t bits = axis->causal ? VT_MASK_CAUSAL_AXES : 0;
    bits |= axis->edge != VATTEN_EDGE_SHIFT ? VT_MASK_OPEN_AXES : 0;
    return bits | (axis->edge == VATTEN_EDGE_ZERO ? VT_MASK_ZERO_AXES : 0);
}

/* Heads [first, first + count), which share the problem's axes. */
static vatten_result add_heads(const vt_op_input *op, uint32_t first, uint32_t count, vt_program *program) {
    const vt_problem *p = op->problem;
    vt_box b;
    vatten_result result = vt_neighborhood_box(op, &b);
    if (result != VATTEN_SUCCESS)
        return result;
    vt_attend_input in = {.part = {op->caps, op->logger, p, op->tile, first, count, {0}, {0}},
                          .needed_keys = needed_keys};
    in.part.keys = grid_geometry(p, op->tile, &b);
    in.part.extra = extra_geometry(p, op->tile, &in.part.keys);
    vt_attend_spec(p, op->tile, in.spec);
    in.spec[VT_SPEC_MASK] = vt_simulate_whole(p, &b) ? VT_MASK_WHOLE : 0;
    for (uint32_t a = 0; a < 3; ++a) {
        in.spec[VT_SPEC_MASK] |= mask_bits(&p->axis[a]) << a;
        in.spec[VT_SPEC_WINDOW + a] = p->axis[a].window;
        in.spec[VT_SPEC_STRIDE + a] = p->axis[a].stride;
        in.spec[VT_SPEC_DILATION + a] = p->axis[a].dilation;
        in.spec[VT_SPEC_BOX + a] = b.side[a];
        in.spec[VT_SPEC_ROLL + a] = (uint32_t)p->axis[a].roll;
        in.spec[VT_SPEC_TABLE + a] = p->table[a];
    }
    in.spec[VT_SPEC_MASK] |= p->weights ? VT_MASK_WEIGHTS : 0;
    in.map_push[0] = (uint32_t)p->axis[1].extent;
    in.map_push[1] = (uint32_t)p->axis[2].extent;
    return vt_attend(&in, program);
}

/* Neighbouring heads with equal rules go together. */
vatten_result vt_op_neighborhood(const vt_op_input *op, vt_program *program) {
    const vt_problem *p = op->problem;
    vt_problem one = *p;
    const vt_op_input input = {op->caps, op->logger, &one, op->tile};
    vatten_result result = VATTEN_SUCCESS;
    for (uint32_t first = 0, end; first < p->heads && result == VATTEN_SUCCESS; first = end) {
        end = vt_problem_alike_end(p, first, one.axis);
        result = add_heads(&input, first, end - first, program);
    }
    return result;
}
