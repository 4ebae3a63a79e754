/* SPDX-License-Identifier: MIT
 *
 * The rules of vatten_neighborhood_desc.
 */
#include "problem_check.h"
#include "sizes.h"
#include "visible.h"

#include <stdio.h>
#include <string.h>

/* `name`: "axis 1", or "head 3, axis 1". */
static vatten_result check_axis(const vt_checker *check, const char *name, const vatten_axis *axis) {
    INVALID_IF(axis->extent == 0, "%s: extent 0 must be at least 1", name);
    INVALID_IF(axis->window == 0, "%s: window 0 must be at least 1", name);
    INVALID_IF(axis->stride == 0, "%s: stride 0 must be at least 1", name);
    INVALID_IF(axis->dilation == 0, "%s: dilation 0 must be at least 1", name);
    INVALID_IF(axis->edge < VATTEN_EDGE_SHIFT || axis->edge > VATTEN_EDGE_ZERO, "%s: edge %d is unknown",
               name, (int)axis->edge);
    bool shift = axis->edge == VATTEN_EDGE_SHIFT;
    INVALID_IF(shift && axis->window > axis->extent, "%s: window %" PRIu32 " is above extent %" PRIu64, name,
               axis->window, axis->extent);
    UNSUPPORTED_IF(axis->window > VT_LENGTH_MAX, "%s: window %" PRIu32 " is above %u", name, axis->window,
                   VT_LENGTH_MAX);
    INVALID_IF(axis->stride > axis->window, "%s: stride %" PRIu32 " is above window %" PRIu32, name,
               axis->stride, axis->window);
    INVALID_IF(axis->dilation > axis->extent, "%s: dilation %" PRIu32 " is above extent %" PRIu64, name,
               axis->dilation, axis->extent);
    INVALID_IF(axis->roll >= axis->extent, "%s: roll %" PRIu64 " is not below extent %" PRIu64, name,
               axis->roll, axis->extent);
    INVALID_IF(shift && (uint64_t)axis->window * axis->dilation > axis->extent,
               "%s: window %" PRIu32 " x dilation %" PRIu32 " is above extent %" PRIu64, name, axis->window,
               axis->dilation, axis->extent);
    return VATTEN_SUCCESS;
}

/* Checks and copies the axes; the product of the extents is the number of tokens. */
static vatten_result fill_axes(const vt_checker *check, const vatten_neighborhood_desc *desc,
                               vt_problem *out) {
    INVALID_IF(desc->rank < 1 || desc->rank > 3, "rank %" PRIu32 " is outside 1..3", desc->rank);
    vt_sum tokens = vt_sum_of(1);
    uint64_t window = 1;
    for (uint32_t a = 0; a < 3; ++a) {
        out->axis[a] = (vatten_axis){.extent = 1, .window = 1, .stride = 1, .dilation = 1};
        if (a >= desc->rank)
            continue;
        char name[32];
        snprintf(name, sizeof name, "axis %" PRIu32, a);
        vatten_result result = check_axis(check, name, &desc->axis[a]);
        if (result != VATTEN_SUCCESS)
            return result;
        out->axis[a] = desc->axis[a];
        tokens = vt_times(tokens, vt_sum_of(desc->axis[a].extent));
        window = vt_saturating_mul(window, desc->axis[a].window);
    }
    UNSUPPORTED_IF(tokens.overflow || tokens.value > VT_LENGTH_MAX,
                   "extents %" PRIu64 " x %" PRIu64 " x %" PRIu64 " are above %u tokens", out->axis[0].extent,
                   out->axis[1].extent, out->axis[2].extent, VT_LENGTH_MAX);
    INVALID_IF(window == 1 && tokens.value > 1,
               "window 1 on every axis of %" PRIu64 " tokens: each query would see itself alone",
               tokens.value);
    out->rank = desc->rank;
    out->q_len = out->kv_len = tokens.value;
    return VATTEN_SUCCESS;
}

void vt_problem_axes(const vt_problem *problem, uint32_t head, vatten_axis out[3]) {
    memcpy(out, problem->axis, sizeof problem->axis);
    for (uint32_t a = 0; a < problem->rank && problem->head_axes; ++a) {
        out[a] = problem->head_axes[(size_t)head * 3 + a];
        out[a].extent = problem->axis[a].extent;
    }
}

static bool same_axis(const vatten_axis *a, const vatten_axis *b) {
    return a->extent == b->extent && a->window == b->window && a->stride == b->stride &&
           a->dilation == b->dilation && a->causal == b->causal && a->edge == b->edge && a->roll == b->roll;
}

bool vt_problem_same_axes(const vt_problem *problem, uint32_t a, uint32_t b) {
    vatten_axis x[3], y[3];
    vt_problem_axes(problem, a, x);
    vt_problem_axes(problem, b, y);
    return same_axis(&x[0], &y[0]) && same_axis(&x[1], &y[1]) && same_axis(&x[2], &y[2]);
}

uint32_t vt_problem_alike_end(const vt_problem *problem, uint32_t first, vatten_axis out[3]) {
    uint32_t end = first + 1;
    while (end < problem->heads && vt_problem_same_axes(problem, first, end))
        ++end;
    vt_problem_axes(problem, first, out);
    return end;
}

/* The caller's table is looked at while the plan is made, never later. */
static vatten_result fill_head_axes(const vt_checker *check, const vatten_neighborhood_desc *desc,
                                    vt_problem *out) {
    out->head_axes = desc->head_axes;
    for (uint32_t h = 0; h < out->heads && desc->head_axes; ++h) {
        vatten_axis axes[3];
        uint64_t window = 1;
        vt_problem_axes(out, h, axes);
        for (uint32_t a = 0; a < desc->rank; ++a) {
            char name[48];
            uint64_t extent = desc->head_axes[(size_t)h * 3 + a].extent;
            snprintf(name, sizeof name, "head %" PRIu32 ", axis %" PRIu32, h, a);
            INVALID_IF(extent != 0 && extent != axes[a].extent,
                       "%s: extent %" PRIu64 " is not the grid's, %" PRIu64, name, extent, axes[a].extent);
            vatten_result result = check_axis(check, name, &axes[a]);
            if (result != VATTEN_SUCCESS)
                return result;
            window = vt_saturating_mul(window, axes[a].window);
        }
        INVALID_IF(window == 1 && out->q_len > 1,
                   "head %" PRIu32 ": window 1 on every axis of %" PRIu64
                   " tokens: each query would see itself alone",
                   h, out->q_len);
    }
    return VATTEN_SUCCESS;
}

/* Of all heads; neighbours with equal axes are counted once. */
static uint64_t pairs_of_heads(const vt_problem *p) {
    vt_problem one = *p;
    uint64_t sum = 0;
    for (uint32_t first = 0, end; first < p->heads; first = end) {
        end = vt_problem_alike_end(p, first, one.axis);
        sum += (end - first) * vt_visible_neighborhood(&one);
    }
    return sum;
}

/* A box is given on all axes or on none. Rows of a tile that is not asked for are only known later. */
static vatten_result fill_box(const vt_checker *check, const vatten_neighborhood_desc *desc,
                              vt_problem *out) {
    const uint32_t *box = desc->box;
    uint32_t rows = out->tile.rows ? out->tile.rows : 1024;
    uint64_t queries = 1;
    if (box[0] == 0 && box[1] == 0 && box[2] == 0)
        return VATTEN_SUCCESS;
    for (uint32_t a = 0; a < 3; ++a) {
        INVALID_IF(a < desc->rank && box[a] == 0,
                   "axis %" PRIu32 ": box side 0 must be at least 1, as other sides are given", a);
        INVALID_IF(a >= desc->rank && box[a] > 1,
                   "axis %" PRIu32 ": box side %" PRIu32 " is past rank %" PRIu32, a, box[a], desc->rank);
        out->box[a] = a < desc->rank ? box[a] : 1;
        queries = vt_saturating_mul(queries, out->box[a]);
    }
    INVALID_IF(queries > rows,
               "box %" PRIu32 " x %" PRIu32 " x %" PRIu32 " holds %" PRIu64 " queries, above %" PRIu32
               " rows of a tile",
               out->box[0], out->box[1], out->box[2], queries, rows);
    return VATTEN_SUCCESS;
}

/* The largest windows of all heads along each axis. */
static void widest(const vt_problem *p, uint32_t out[3]) {
    vatten_axis axes[3];
    out[0] = out[1] = out[2] = 1;
    for (uint32_t first = 0, end; first < p->heads; first = end) {
        end = vt_problem_alike_end(p, first, axes);
        for (uint32_t a = 0; a < 3; ++a)
            out[a] = axes[a].window > out[a] ? axes[a].window : out[a];
    }
}

/* Shaders address the table of all heads by 32 bits, and it is bound whole. */
static vatten_result fill_bias(const vt_checker *check, const vatten_neighborhood_desc *desc,
                               vt_problem *out) {
    INVALID_IF(desc->bias != VATTEN_BIAS_NONE && desc->bias != VATTEN_BIAS_RELATIVE, "bias %d is unknown",
               (int)desc->bias);
    if (desc->bias == VATTEN_BIAS_NONE)
        return VATTEN_SUCCESS;
    widest(out, out->table);
    vt_sum entries = vt_sum_of(out->heads);
    for (uint32_t a = 0; a < 3; ++a)
        entries = vt_times(entries, vt_sum_of(2 * (uint64_t)out->table[a] - 1));
    vt_sum bytes = vt_times(entries, vt_sum_of(sizeof(float)));
    UNSUPPORTED_IF(bytes.overflow || bytes.value > check->caps->storage_range,
                   "the bias of %" PRIu32 " heads for windows of %" PRIu32 " x %" PRIu32 " x %" PRIu32
                   " does not fit a binding of %s, which holds %" PRIu64 " bytes",
                   out->heads, out->table[0], out->table[1], out->table[2], check->caps->name,
                   check->caps->storage_range);
    out->bias_bytes = bytes.value;
    return VATTEN_SUCCESS;
}

/* The most weights that a query of some head has. */
static vatten_result fill_weights(const vt_checker *check, const vatten_neighborhood_desc *desc,
                                  vt_problem *out) {
    if (!desc->weights)
        return VATTEN_SUCCESS;
    const vatten_heads *heads = &desc->heads;
    INVALID_IF(heads->dim != 0, "weights leave no use for dim %" PRIu32 ": it must be 0", heads->dim);
    INVALID_IF(heads->value_dim == 0, "weights need value_dim, it is %d", 0);
    INVALID_IF(heads->scale != 0.0f, "weights leave no use for scale %f: it must be 0", (double)heads->scale);
    INVALID_IF(heads->write_lse, "weights have no log-sum-exp: write_lse %d must be 0", 1);
    INVALID_IF(desc->extra_len != 0, "weights of extra keys are not known: extra_len %" PRIu64 " must be 0",
               desc->extra_len);
    INVALID_IF(desc->bias != VATTEN_BIAS_NONE, "weights leave no use for bias %d", (int)desc->bias);
    vatten_axis axes[3];
    uint64_t most = 0;
    for (uint32_t first = 0, end; first < out->heads; first = end) {
        end = vt_problem_alike_end(out, first, axes);
        uint64_t window = vt_saturating_mul(axes[0].window, axes[1].window);
        most = vt_max(most, vt_saturating_mul(window, axes[2].window));
    }
    UNSUPPORTED_IF(most > VT_LENGTH_MAX, "windows of %" PRIu64 " keys have more weights than %u", most,
                   VT_LENGTH_MAX);
    out->weights = true;
    out->q_dim = (uint32_t)most;
    return VATTEN_SUCCESS;
}

static vatten_result fill_extra(const vt_checker *check, const vatten_neighborhood_desc *desc,
                                vt_problem *out) {
    if (desc->extra_len == 0)
        return VATTEN_SUCCESS;
    vatten_result result = vt_check_length(check, "extra_len", desc->extra_len);
    if (result != VATTEN_SUCCESS)
        return result;
    out->extra_len = desc->extra_len;
    const vt_shape k = {"extra_k", desc->extra_k, out->extra_len, out->kv_heads, out->dim, false};
    const vt_shape v = {"extra_v", desc->extra_v, out->extra_len, out->kv_heads, out->value_dim, false};
    result = vt_fill_tensor(check, &k, &out->extra_k);
    return result == VATTEN_SUCCESS ? vt_fill_tensor(check, &v, &out->extra_v) : result;
}

vatten_result vt_problem_from_neighborhood(const vt_caps *caps, const vatten_logger *logger,
                                           const vatten_neighborhood_desc *desc, vt_problem *out) {
    const vt_checker checks = vt_checker_begin(caps, logger, "neighborhood", desc->heads.label, out);
    const vt_checker *check = &checks;
    vatten_result result = vt_check_heads(check, &desc->heads, desc->weights);
    if (result == VATTEN_SUCCESS)
        result = vt_refuse_bytes(check, &desc->heads);
    if (result != VATTEN_SUCCESS)
        return result;
    vt_fill_heads(&desc->heads, caps, out);
    out->map = VT_MAP_NEIGHBORHOOD;
    out->left = out->right = VATTEN_UNLIMITED;
    result = fill_axes(check, desc, out);
    if (result == VATTEN_SUCCESS)
        result = fill_head_axes(check, desc, out);
    if (result == VATTEN_SUCCESS)
        result = fill_weights(check, desc, out);
    if (result == VATTEN_SUCCESS)
        result = fill_bias(check, desc, out);
    if (result == VATTEN_SUCCESS)
        result = vt_fill_tensors(check, &desc->heads, out);
    if (result == VATTEN_SUCCESS)
        result = fill_extra(check, desc, out);
    if (result == VATTEN_SUCCESS)
        result = fill_box(check, desc, out);
    if (result == VATTEN_SUCCESS)
        out->pairs = pairs_of_heads(out);
    return result;
}
