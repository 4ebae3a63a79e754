/* SPDX-License-Identifier: MIT
 *
 * The rules of attention mass, and what follows from them.
 */
#include "mass_rules.h"

#include "problem_check.h"
#include "sizes.h"

#include <iface/interface.h>

#include <string.h>

_Static_assert(VT_MASS_IS_COLUMNS == VATTEN_MASS_COLUMNS && VT_MASS_IS_SEGMENTS == VATTEN_MASS_SEGMENTS &&
                   VT_MASS_IS_ROWS == VATTEN_MASS_ROWS && VT_MASS_IS_ENTROPY == VATTEN_MASS_ENTROPY &&
                   VT_MASS_IS_MAXIMA == VATTEN_MASS_BLOCK_MAX,
               "kinds have one numbering");

/* ---- Rules ---- */

static bool has_weights(const vatten_mass_desc *d) {
    return d->weights.batch || d->weights.head || d->weights.query;
}

/* A member of another kind is a mistake that would otherwise go unseen. */
static vatten_result check_members(const vt_checker *check, const vatten_mass_desc *d) {
    int kind = (int)d->kind;
    bool columns = d->kind == VATTEN_MASS_COLUMNS, segments = d->kind == VATTEN_MASS_SEGMENTS;
    bool rows = d->kind == VATTEN_MASS_ROWS, block = d->kind == VATTEN_MASS_BLOCK_MAX;
    INVALID_IF(kind < VATTEN_MASS_COLUMNS || kind > VATTEN_MASS_BLOCK_MAX, "kind %d is unknown", kind);
    INVALID_IF(!columns && (d->kv_heads || d->weighted || has_weights(d) || d->last),
               "kv_heads, weighted, weights and last are for COLUMNS (1), kind is %d", kind);
    INVALID_IF(!segments && (d->segments || d->segment_batch),
               "segments and segment_batch are for SEGMENTS (2), kind is %d", kind);
    INVALID_IF(!rows && (d->rows || d->listed), "rows and listed are for ROWS (3), kind is %d", kind);
    INVALID_IF(!block && d->block, "block is for BLOCK_MAX (5), kind is %d", kind);
    INVALID_IF(segments && d->segments == 0, "segments %d must be at least 1", 0);
    INVALID_IF(rows && d->rows == 0, "rows %d must be at least 1", 0);
    INVALID_IF(block && d->block == 0, "block %d must be at least 1", 0);
    return VATTEN_SUCCESS;
}

static vatten_result check_own(const vt_checker *check, const vatten_mass_desc *d) {
    const vatten_attention_desc *a = d->attention;
    const vatten_mass_strides *w = &d->weights;
    bool packed = a->lengths == VATTEN_LENGTHS_PACKED;
    INVALID_IF(!d->weighted && has_weights(d), "weights has strides, and weighted is %d", 0);
    INVALID_IF(w->batch < 0 || w->head < 0 || w->query < 0,
               "weights strides: batch %" PRId64 ", head %" PRId64 ", query %" PRId64 " must not be negative",
               w->batch, w->head, w->query);
    INVALID_IF(d->last > a->q_len, "last %" PRIu64 " is above q_len %" PRIu64, d->last, a->q_len);
    INVALID_IF(!d->listed && d->rows > a->q_len, "rows %" PRIu64 " is above q_len %" PRIu64, d->rows,
               a->q_len);
    UNSUPPORTED_IF(d->rows > VT_LENGTH_MAX, "rows %" PRIu64 " is above %u", d->rows, VT_LENGTH_MAX);
    UNSUPPORTED_IF(d->segments > VT_LENGTH_MAX, "segments %" PRIu32 " is above %u", d->segments,
                   VT_LENGTH_MAX);
    INVALID_IF(d->kind == VATTEN_MASS_ROWS && packed && !d->listed,
               "the last %" PRIu64 " rows of packed sequences are not known: list them", d->rows);
    INVALID_IF(d->segment_batch && (a->masks & VATTEN_MASK_SEGMENTS),
               "segment_batch: ids are the attention's, whose masks are 0x%" PRIx32, a->masks);
    INVALID_IF(d->segment_batch && packed && a->page_size == 0,
               "segment_batch: packed sequences have batch %d", 1);
    INVALID_IF(a->normaliser != VATTEN_NORMALISER_SOFTMAX, "normaliser %d has no log-sum-exp",
               (int)a->normaliser);
    INVALID_IF(a->carry != 0, "carry 0x%" PRIx32 " has no log-sum-exp of all keys", a->carry);
    INVALID_IF(
        !vt_layout_has_mass(d->tile.layout),
        "tile layout %d: MATRIX (4), STREAM (5), MATRIX2 (6), ADDRESS (7) and DOT (8) do not serve mass",
        (int)d->tile.layout);
    return VATTEN_SUCCESS;
}

/* ---- What follows ---- */

/* Words, or floats; sizes of more than 64 bits are refused. */
static vatten_result fill_size(const vt_checker *check, const char *name, uint64_t entries, uint64_t heads,
                               uint64_t tokens, uint64_t dim, vt_tensor *t) {
    vt_sum end = vt_times(vt_sum_of(t->batch), vt_sum_of(entries - 1));
    end = vt_plus(end, vt_times(vt_sum_of(t->head), vt_sum_of(heads - 1)));
    end = vt_plus(end, vt_times(vt_sum_of(t->token), vt_sum_of(tokens - 1)));
    end = vt_plus(end, vt_sum_of(dim));
    vt_sum bytes = vt_times(end, vt_sum_of(sizeof(float)));
    INVALID_IF(bytes.overflow, "%s overflows 64 bits: batch %" PRIu64 ", heads %" PRIu64 ", tokens %" PRIu64,
               name, entries, heads, tokens);
    t->elements = end.value;
    return VATTEN_SUCCESS;
}

static uint64_t entries_of(const vatten_attention_desc *a) {
    return a->lengths == VATTEN_LENGTHS_PACKED && a->page_size ? a->sequences : a->heads.batch;
}

static vatten_result fill_out(const vt_checker *check, const vatten_mass_desc *d, vt_mass *out) {
    const vatten_attention_desc *a = d->attention;
    uint64_t heads = a->heads.heads / (out->columns ? out->head_unit : 1);
    uint64_t entries = out->columns ? entries_of(a) : a->heads.batch;
    uint64_t head = vt_saturating_mul(out->rows, out->bins);
    out->out = (vt_tensor){vt_saturating_mul(heads, head), head, out->bins, 0};
    return fill_size(check, "out", entries, heads, out->rows, out->bins, &out->out);
}

static vatten_result fill_input(const vt_checker *check, const vatten_mass_desc *d, vt_mass *out) {
    const vatten_attention_desc *a = d->attention;
    const vatten_mass_strides *w = &d->weights;
    uint64_t row = has_weights(d) ? 0 : a->q_len;
    out->has_input = d->weighted || d->listed || (d->segments && !(a->masks & VATTEN_MASK_SEGMENTS));
    if (!out->has_input)
        return VATTEN_SUCCESS;
    if (d->weighted) {
        out->input = (vt_tensor){row ? row * a->heads.heads : (uint64_t)w->batch,
                                 row ? row : (uint64_t)w->head, row ? 1 : (uint64_t)w->query, 0};
        return fill_size(check, "weights", a->heads.batch, a->heads.heads, a->q_len, 1, &out->input);
    }
    out->input = (vt_tensor){d->segment_batch ? a->kv_len : 0, 0, 1, 0};
    return fill_size(check, "lists", entries_of(a), 1, d->listed ? d->rows : a->kv_len, 1, &out->input);
}

static void fill_kind(const vatten_mass_desc *d, vt_mass *out) {
    vt_problem *p = &out->problem;
    vt_rules *r = &p->rules;
    out->kind = d->kind;
    out->columns = d->kind == VATTEN_MASS_COLUMNS;
    out->last = d->last;
    r->used = true;
    if (out->columns || d->kind == VATTEN_MASS_ROWS)
        r->tile_heads = 1;
    out->head_unit = out->columns ? d->kv_heads ? p->heads / p->kv_heads : 1 : r->tile_heads;
    uint64_t block = vt_min(vt_max(d->block, 1), p->kv_len);
    out->size = out->columns                       ? out->head_unit
                : d->kind == VATTEN_MASS_ROWS      ? d->rows
                : d->kind == VATTEN_MASS_BLOCK_MAX ? block
                                                   : 1;
    out->bins = d->kind == VATTEN_MASS_SEGMENTS    ? d->segments
                : d->kind == VATTEN_MASS_ROWS      ? p->kv_len
                : d->kind == VATTEN_MASS_BLOCK_MAX ? vt_ceil_div(p->kv_len, block)
                                                   : 1;
    out->rows = out->columns ? p->kv_len : d->kind == VATTEN_MASS_ROWS ? d->rows : p->q_len;
    out->steps = out->columns ? p->q_len : p->kv_len;
}

/* Of the attention what mass goes by. v and out stand where k and q do, since their dims are looked at with those. */
static vatten_attention_desc attention_of(const vatten_mass_desc *d) {
    vatten_attention_desc a = *d->attention;
    a.heads.value_dim = a.heads.dim;
    a.heads.v = a.heads.k;
    a.heads.out = (vatten_strides){0, 0, 0};
    a.heads.tile = d->tile;
    a.heads.write_lse = true;
    a.heads.label = d->label ? d->label : a.heads.label;
    a.extra_len = 0;
    a.splits = 0;
    return a;
}

vatten_result vt_mass_from(const vt_caps *caps, const vatten_logger *logger, const vatten_mass_desc *desc,
                           vt_mass *out) {
    memset(out, 0, sizeof *out);
    const vatten_attention_desc *a = desc->attention;
    const char *label = desc->label || !a ? desc->label : a->heads.label;
    const vt_checker checks = vt_checker_begin(caps, logger, "mass", label, &out->problem);
    const vt_checker *check = &checks;
    INVALID_IF(!a, "%s is missing", "attention");
    vatten_result result = check_members(check, desc);
    if (result == VATTEN_SUCCESS)
        result = check_own(check, desc);
    if (result != VATTEN_SUCCESS)
        return result;
    const vatten_attention_desc read = attention_of(desc);
    result = vt_problem_from_attention(caps, logger, &read, &out->problem);
    if (result != VATTEN_SUCCESS)
        return result;
    out->problem.mass = out;
    fill_kind(desc, out);
    result = fill_out(check, desc, out);
    return result == VATTEN_SUCCESS ? fill_input(check, desc, out) : result;
}
