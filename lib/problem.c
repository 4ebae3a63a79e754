/* SPDX-License-Identifier: MIT */
#include "problem.h"

#include "log.h"
#include "sizes.h"
#include "visible.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Where the checks are: carried down so that each rule is one line. */
typedef struct checker {
    const vt_caps *caps;
    const vatten_logger *logger;
    const char *family;
    const vt_problem *problem;
} checker;

/* Says which rule is broken. The family's name stands in front of the message. */
#define REFUSE_IF(CONDITION, RESULT, FORMAT, ...)                                                            \
    do {                                                                                                     \
        if (CONDITION) {                                                                                     \
            vt_log(check->logger, VATTEN_LOG_ERROR, check->problem->label, "%s: " FORMAT, check->family,     \
                   __VA_ARGS__);                                                                             \
            return RESULT;                                                                                   \
        }                                                                                                    \
    } while (0)
#define INVALID_IF(CONDITION, FORMAT, ...)                                                                   \
    REFUSE_IF(CONDITION, VATTEN_ERROR_INVALID_ARGUMENT, FORMAT, __VA_ARGS__)
#define UNSUPPORTED_IF(CONDITION, FORMAT, ...)                                                               \
    REFUSE_IF(CONDITION, VATTEN_ERROR_UNSUPPORTED, FORMAT, __VA_ARGS__)

static vatten_result check_heads(const checker *check, const vatten_heads *heads, bool weights) {
    INVALID_IF(heads->dtype < VATTEN_DTYPE_F32 || heads->dtype > VATTEN_DTYPE_BF16,
               "dtype %d is none of F32 (1), F16 (2), BF16 (3)", (int)heads->dtype);
    INVALID_IF(heads->batch == 0, "batch %d must be at least 1", 0);
    INVALID_IF(heads->heads == 0, "heads %d must be at least 1", 0);
    INVALID_IF(heads->kv_heads == 0, "kv_heads %d must be at least 1", 0);
    INVALID_IF(heads->heads % heads->kv_heads != 0,
               "heads %" PRIu32 " is not a multiple of kv_heads %" PRIu32, heads->heads, heads->kv_heads);
    INVALID_IF(heads->dim == 0 && !weights, "dim %d must be at least 1", 0);
    INVALID_IF(heads->dim > VATTEN_MAX_DIM, "dim %" PRIu32 " is above %u", heads->dim, VATTEN_MAX_DIM);
    INVALID_IF(heads->value_dim > VATTEN_MAX_DIM, "value_dim %" PRIu32 " is above %u", heads->value_dim,
               VATTEN_MAX_DIM);
    INVALID_IF(!isfinite(heads->scale), "scale %f is not finite", (double)heads->scale);
    INVALID_IF(heads->tile.layout < VATTEN_LAYOUT_AUTO || heads->tile.layout > VATTEN_LAYOUT_MATRIX,
               "tile layout %d is unknown", (int)heads->tile.layout);
    UNSUPPORTED_IF(
        heads->dtype != VATTEN_DTYPE_F32 && !(check->caps->features & VATTEN_FEATURE_STORAGE_16BIT),
        "dtype %s needs VATTEN_FEATURE_STORAGE_16BIT (storageBuffer16BitAccess), which is not enabled on %s",
        heads->dtype == VATTEN_DTYPE_F16 ? "F16" : "BF16", check->caps->name);
    UNSUPPORTED_IF(heads->batch > VT_LENGTH_MAX, "batch %" PRIu64 " is above %u", heads->batch,
                   VT_LENGTH_MAX);
    return VATTEN_SUCCESS;
}

static vatten_result check_length(const checker *check, const char *name, uint64_t length) {
    INVALID_IF(length == 0, "%s 0 must be at least 1", name);
    UNSUPPORTED_IF(length > VT_LENGTH_MAX, "%s %" PRIu64 " is above %u tokens", name, length, VT_LENGTH_MAX);
    return VATTEN_SUCCESS;
}

static void fill_heads(const vatten_heads *heads, const vt_caps *caps, vt_problem *out) {
    out->dtype = heads->dtype;
    out->element_bytes = heads->dtype == VATTEN_DTYPE_F32 ? 4 : 2;
    out->batch = heads->batch;
    out->heads = heads->heads;
    out->kv_heads = heads->kv_heads;
    out->dim = out->q_dim = heads->dim;
    out->value_dim = heads->value_dim ? heads->value_dim : heads->dim;
    out->scale =
        heads->scale != 0.0f || heads->dim == 0 ? heads->scale : (float)(1.0 / sqrt((double)heads->dim));
    out->write_lse = heads->write_lse;
    out->max_macs = heads->max_macs ? heads->max_macs : caps->max_macs;
    out->tile = heads->tile;
}

/* What one tensor is made of. */
typedef struct shape {
    const char *name;
    vatten_strides strides;
    uint64_t tokens;
    uint32_t heads;
    uint32_t dim;
    bool written;
} shape;

/* Two indices of an output must not meet in one element; this asks for it axis by axis. */
static vatten_result check_written(const checker *check, const shape *s) {
    const vatten_strides *t = &s->strides;
    const vt_problem *p = check->problem;
    int64_t dim = s->dim;
    INVALID_IF(s->tokens > 1 && t->token < dim, "%s strides: token %" PRId64 " is below value_dim %" PRId64,
               s->name, t->token, dim);
    INVALID_IF(s->heads > 1 && t->head < dim, "%s strides: head %" PRId64 " is below value_dim %" PRId64,
               s->name, t->head, dim);
    INVALID_IF(p->batch > 1 && t->batch < dim, "%s strides: batch %" PRId64 " is below value_dim %" PRId64,
               s->name, t->batch, dim);
    return VATTEN_SUCCESS;
}

static vatten_result fill_tensor(const checker *check, const shape *s, vt_tensor *out) {
    const vatten_strides *t = &s->strides;
    const vt_problem *p = check->problem;
    INVALID_IF(t->batch < 0 || t->head < 0 || t->token < 0,
               "%s strides: batch %" PRId64 ", head %" PRId64 ", token %" PRId64 " must not be negative",
               s->name, t->batch, t->head, t->token);
    bool packed = t->batch == 0 && t->head == 0 && t->token == 0;
    if (packed) {
        vt_sum token = vt_times(vt_sum_of(s->heads), vt_sum_of(s->dim));
        vt_sum batch = vt_times(token, vt_sum_of(s->tokens));
        *out = (vt_tensor){batch.value, s->dim, token.value, 0};
    } else {
        *out = (vt_tensor){(uint64_t)t->batch, (uint64_t)t->head, (uint64_t)t->token, 0};
    }
    if (s->written && !packed) {
        vatten_result result = check_written(check, s);
        if (result != VATTEN_SUCCESS)
            return result;
    }
    vt_sum end = vt_times(vt_sum_of(out->batch), vt_sum_of(p->batch - 1));
    end = vt_plus(end, vt_times(vt_sum_of(out->head), vt_sum_of(s->heads - 1)));
    end = vt_plus(end, vt_times(vt_sum_of(out->token), vt_sum_of(s->tokens - 1)));
    end = vt_plus(end, vt_sum_of(s->dim));
    vt_sum bytes = vt_times(end, vt_sum_of(p->element_bytes));
    INVALID_IF(bytes.overflow,
               "%s overflows 64 bits: batch %" PRIu64 ", tokens %" PRIu64 ", heads %" PRIu32 ", dim %" PRIu32,
               s->name, p->batch, s->tokens, s->heads, s->dim);
    out->elements = end.value;
    return VATTEN_SUCCESS;
}

static vatten_result fill_tensors(const checker *check, const vatten_heads *heads, vt_problem *out) {
    const shape shapes[4] = {
        {"q", heads->q, out->q_len, out->heads, out->q_dim, false},
        {"k", heads->k, out->kv_len, out->kv_heads, out->dim, false},
        {"v", heads->v, out->kv_len, out->kv_heads, out->value_dim, false},
        {"out", heads->out, out->q_len, out->heads, out->value_dim, true},
    };
    vt_tensor *tensors[4] = {&out->q, &out->k, &out->v, &out->out};
    for (int i = 0; i < 4; ++i) {
        if (out->weights && tensors[i] == &out->k)
            continue;
        vatten_result result = fill_tensor(check, &shapes[i], tensors[i]);
        if (result != VATTEN_SUCCESS)
            return result;
    }
    vt_sum lse = vt_times(vt_times(vt_sum_of(out->batch), vt_sum_of(out->heads)), vt_sum_of(out->q_len));
    lse = vt_times(lse, vt_sum_of(sizeof(float)));
    INVALID_IF(lse.overflow, "lse overflows 64 bits: batch %" PRIu64 ", heads %" PRIu32 ", tokens %" PRIu64,
               out->batch, out->heads, out->q_len);
    return VATTEN_SUCCESS;
}

static vatten_result check_window(const checker *check, const vatten_window *window) {
    INVALID_IF(window->enabled && (window->left < VATTEN_UNLIMITED || window->right < VATTEN_UNLIMITED),
               "window left %" PRId64 ", right %" PRId64 " must be at least 0, or VATTEN_UNLIMITED (-1)",
               window->left, window->right);
    return VATTEN_SUCCESS;
}

/* A side that reaches past every key is no side: it costs no test in the shader. */
static int64_t clamp_side(const vatten_window *window, int64_t side, uint64_t longest) {
    bool bounded = window->enabled && side != VATTEN_UNLIMITED && (uint64_t)side < longest;
    return bounded ? side : VATTEN_UNLIMITED;
}

vatten_result vt_problem_from_attention(const vt_caps *caps, const vatten_logger *logger,
                                        const vatten_attention_desc *desc, vt_problem *out) {
    memset(out, 0, sizeof *out);
    snprintf(out->label, sizeof out->label, "%s", desc->heads.label ? desc->heads.label : "");
    const checker checks = {caps, logger, "attention", out};
    const checker *check = &checks;
    vatten_result result = check_heads(check, &desc->heads, false);
    if (result == VATTEN_SUCCESS)
        result = check_length(check, "q_len", desc->q_len);
    if (result == VATTEN_SUCCESS)
        result = check_length(check, "kv_len", desc->kv_len);
    if (result == VATTEN_SUCCESS)
        result = check_window(check, &desc->window);
    if (result != VATTEN_SUCCESS)
        return result;
    INVALID_IF(desc->align != VATTEN_ALIGN_LAST && desc->align != VATTEN_ALIGN_FIRST, "align %d is unknown",
               (int)desc->align);
    fill_heads(&desc->heads, caps, out);
    out->map = VT_MAP_DENSE;
    out->q_len = desc->q_len;
    out->kv_len = desc->kv_len;
    out->causal = desc->causal;
    out->align_first = desc->align == VATTEN_ALIGN_FIRST;
    /* The diagonal of any lengths that a record may shrink to lies within q_len + kv_len of any key. */
    out->left = clamp_side(&desc->window, desc->window.left, desc->q_len + desc->kv_len);
    out->right = clamp_side(&desc->window, desc->window.right, desc->q_len + desc->kv_len);
    out->prefix = vt_min(desc->prefix, desc->kv_len);
    out->pairs = vt_saturating_mul(vt_visible_dense(out), out->heads);
    return fill_tensors(check, &desc->heads, out);
}

/* `name`: "axis 1", or "head 3, axis 1". */
static vatten_result check_axis(const checker *check, const char *name, const vatten_axis *axis) {
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
static vatten_result fill_axes(const checker *check, const vatten_neighborhood_desc *desc, vt_problem *out) {
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
static vatten_result fill_head_axes(const checker *check, const vatten_neighborhood_desc *desc,
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
static vatten_result fill_box(const checker *check, const vatten_neighborhood_desc *desc, vt_problem *out) {
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
static vatten_result fill_bias(const checker *check, const vatten_neighborhood_desc *desc, vt_problem *out) {
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
static vatten_result fill_weights(const checker *check, const vatten_neighborhood_desc *desc,
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

static vatten_result fill_extra(const checker *check, const vatten_neighborhood_desc *desc, vt_problem *out) {
    if (desc->extra_len == 0)
        return VATTEN_SUCCESS;
    vatten_result result = check_length(check, "extra_len", desc->extra_len);
    if (result != VATTEN_SUCCESS)
        return result;
    out->extra_len = desc->extra_len;
    const shape k = {"extra_k", desc->extra_k, out->extra_len, out->kv_heads, out->dim, false};
    const shape v = {"extra_v", desc->extra_v, out->extra_len, out->kv_heads, out->value_dim, false};
    result = fill_tensor(check, &k, &out->extra_k);
    return result == VATTEN_SUCCESS ? fill_tensor(check, &v, &out->extra_v) : result;
}

vatten_result vt_problem_from_neighborhood(const vt_caps *caps, const vatten_logger *logger,
                                           const vatten_neighborhood_desc *desc, vt_problem *out) {
    memset(out, 0, sizeof *out);
    snprintf(out->label, sizeof out->label, "%s", desc->heads.label ? desc->heads.label : "");
    const checker checks = {caps, logger, "neighborhood", out};
    const checker *check = &checks;
    vatten_result result = check_heads(check, &desc->heads, desc->weights);
    if (result != VATTEN_SUCCESS)
        return result;
    fill_heads(&desc->heads, caps, out);
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
        result = fill_tensors(check, &desc->heads, out);
    if (result == VATTEN_SUCCESS)
        result = fill_extra(check, desc, out);
    if (result == VATTEN_SUCCESS)
        result = fill_box(check, desc, out);
    if (result == VATTEN_SUCCESS)
        out->pairs = pairs_of_heads(out);
    return result;
}

uint64_t vt_tensor_bytes(const vt_problem *problem, const vt_tensor *tensor) {
    return tensor->elements * problem->element_bytes;
}

uint64_t vt_tensor_range(const vt_problem *problem, const vt_tensor *tensor, uint64_t alignment,
                         uint64_t batch, uint64_t heads, uint64_t tokens, uint64_t dim) {
    vt_sum elements = vt_times(vt_sum_of(batch - 1), vt_sum_of(tensor->batch));
    elements = vt_plus(elements, vt_times(vt_sum_of(heads - 1), vt_sum_of(tensor->head)));
    elements = vt_plus(elements, vt_times(vt_sum_of(tokens - 1), vt_sum_of(tensor->token)));
    elements = vt_plus(elements, vt_sum_of(dim));
    vt_sum bytes = vt_times(elements, vt_sum_of(problem->element_bytes));
    bytes = vt_plus(bytes, vt_sum_of(alignment));
    return bytes.overflow ? UINT64_MAX : bytes.value;
}

uint64_t vt_lse_bytes(const vt_problem *problem) {
    return problem->write_lse ? problem->batch * problem->heads * problem->q_len * sizeof(float) : 0;
}
