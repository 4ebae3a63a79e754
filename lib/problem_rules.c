/* SPDX-License-Identifier: MIT
 *
 * The rules of vatten_attention_desc beyond causality, window and prefix, and what follows from them.
 */
#include "problem_check.h"
#include "sizes.h"

#include <iface/interface.h>

#include <math.h>
#include <string.h>

#define HEAD_FIELDS                                                                                          \
    (VATTEN_HEAD_SCALE | VATTEN_HEAD_SINK | VATTEN_HEAD_SLOPE | VATTEN_HEAD_OFFSET | VATTEN_HEAD_GAIN |      \
     VATTEN_HEAD_WINDOW | VATTEN_HEAD_PREFIX)
#define MASKS   (VATTEN_MASK_SEGMENTS | VATTEN_MASK_INTERVALS | VATTEN_MASK_EXPIRY | VATTEN_MASK_BITS)
#define CARRIES (VATTEN_CARRY_IN | VATTEN_CARRY_OUT)

/* Queries so few that the heads of a KV head share a tile. */
#define FEW_QUERIES 16u

bool vt_rules_packed(const vt_rules *rules) {
    return (rules->lengths & VT_LENGTHS_PACKED) != 0;
}

static vatten_result check_masks(const vt_checker *check, const vatten_attention_desc *d) {
    const vatten_heads *h = &d->heads;
    INVALID_IF(d->chunk > VT_LENGTH_MAX, "chunk %" PRIu64 " is above %u", d->chunk, VT_LENGTH_MAX);
    INVALID_IF(d->key_stride > VT_LENGTH_MAX, "key_stride %" PRIu32 " is above %u", d->key_stride,
               VT_LENGTH_MAX);
    INVALID_IF(d->key_stride == 0 && d->key_phase != 0, "key_phase %" PRIu32 " without a key_stride",
               d->key_phase);
    INVALID_IF(d->key_stride && d->key_phase >= d->key_stride,
               "key_phase %" PRIu32 " must be below key_stride %" PRIu32, d->key_phase, d->key_stride);
    INVALID_IF(d->masks & ~(vatten_masks)MASKS, "masks 0x%" PRIx32 " has unknown bits", d->masks);
    INVALID_IF(d->segments && !(d->masks & VATTEN_MASK_SEGMENTS),
               "segments %" PRIu32 " needs VATTEN_MASK_SEGMENTS", d->segments);
    INVALID_IF(d->segments > 65536, "segments %" PRIu32 " is above 65536", d->segments);
    INVALID_IF(d->mask_heads && h->heads % d->mask_heads != 0,
               "heads %" PRIu32 " is not a multiple of mask_heads %" PRIu32, h->heads, d->mask_heads);
    INVALID_IF((d->mask_heads > 1 || d->mask_batch) && !d->masks,
               "mask_heads %" PRIu32 " and mask_batch are for masks, and there are none", d->mask_heads);
    INVALID_IF(d->masks && d->page_size && d->lengths == VATTEN_LENGTHS_PACKED &&
                   (d->masks & ~(vatten_masks)VATTEN_MASK_INTERVALS),
               "masks 0x%" PRIx32 " count keys of all sequences, which pages do not have", d->masks);
    return VATTEN_SUCCESS;
}

static vatten_result check_heads_table(const vt_checker *check, const vatten_attention_desc *d) {
    INVALID_IF(d->head_fields & ~(vatten_head_fields)HEAD_FIELDS,
               "head_fields 0x%" PRIx32 " has unknown bits", d->head_fields);
    INVALID_IF(d->head_batch && !d->head_fields, "head_batch needs head_fields, which are %" PRIu32,
               d->head_fields);
    INVALID_IF((d->head_fields & VATTEN_HEAD_WINDOW) && !d->window.enabled,
               "head_fields 0x%" PRIx32 " has windows, and window is not enabled", d->head_fields);
    INVALID_IF(d->alibi_signed && !(d->head_fields & VATTEN_HEAD_SLOPE),
               "alibi_signed needs VATTEN_HEAD_SLOPE in head_fields 0x%" PRIx32, d->head_fields);
    INVALID_IF(!isfinite(d->softcap) || d->softcap < 0, "softcap %f must be 0 or positive and finite",
               (double)d->softcap);
    return VATTEN_SUCCESS;
}

static vatten_result check_grid(const vt_checker *check, const vatten_attention_desc *d) {
    bool axes = d->bias == VATTEN_BIAS_AXES;
    uint64_t product = 1;
    uint32_t reaches = 0;
    INVALID_IF(d->bias_rank < (axes ? 2u : 1u) || d->bias_rank > 3, "bias_rank %" PRIu32 " is outside %d..3",
               d->bias_rank, axes ? 2 : 1);
    for (uint32_t a = 0; a < d->bias_rank; ++a) {
        bool read = axes || (d->bias_rank > 1 && a > 0);
        INVALID_IF(read && (d->bias_extent[a] == 0 || d->bias_extent[a] > VT_LENGTH_MAX),
                   "bias_extent[%" PRIu32 "] %" PRIu64 " is outside 1..%u", a, d->bias_extent[a],
                   VT_LENGTH_MAX);
        INVALID_IF(!axes && d->bias_reach[a] > 1u << 20, "bias_reach[%" PRIu32 "] %" PRIu32 " is above %u", a,
                   d->bias_reach[a], 1u << 20);
        product = read ? vt_saturating_mul(product, d->bias_extent[a]) : product;
        reaches |= d->bias_reach[a];
    }
    INVALID_IF(!axes && reaches == 0, "bias_reach is 0 along all axes, %" PRIu32 " of them", d->bias_rank);
    INVALID_IF(axes && product != d->kv_len, "bias_extent has %" PRIu64 " keys, kv_len is %" PRIu64, product,
               d->kv_len);
    INVALID_IF(axes && d->lengths == VATTEN_LENGTHS_PACKED, "bias AXES (%d) is not for packed sequences",
               (int)d->bias);
    return VATTEN_SUCCESS;
}

static vatten_result check_bias(const vt_checker *check, const vatten_attention_desc *d) {
    const vatten_bias_strides *s = &d->bias_strides;
    INVALID_IF(d->bias < VATTEN_BIAS_NONE || d->bias > VATTEN_BIAS_AXES, "bias %d is unknown", (int)d->bias);
    if (d->bias == VATTEN_BIAS_NONE)
        return VATTEN_SUCCESS;
    INVALID_IF(d->bias_dtype != 0 && d->bias_dtype != VATTEN_DTYPE_F32 && d->bias_dtype != VATTEN_DTYPE_F16,
               "bias_dtype %d is neither F32 (1) nor F16 (2)", (int)d->bias_dtype);
    INVALID_IF(d->bias != VATTEN_BIAS_TENSOR && d->bias_dtype == VATTEN_DTYPE_F16,
               "bias_dtype F16 is for TENSOR, bias is %d", (int)d->bias);
    INVALID_IF(d->bias_heads && d->heads.heads % d->bias_heads != 0,
               "heads %" PRIu32 " is not a multiple of bias_heads %" PRIu32, d->heads.heads, d->bias_heads);
    INVALID_IF(s->batch < 0 || s->head < 0 || s->query < 0 || s->key < 0,
               "bias strides: batch %" PRId64 ", head %" PRId64 ", query %" PRId64 ", key %" PRId64
               " must not be negative",
               s->batch, s->head, s->query, s->key);
    return d->bias == VATTEN_BIAS_TENSOR ? VATTEN_SUCCESS : check_grid(check, d);
}

static vatten_result check_pages(const vt_checker *check, const vatten_attention_desc *d) {
    INVALID_IF(d->page_size == 0 && d->pool_pages != 0, "pool_pages %" PRIu64 " without page_size",
               d->pool_pages);
    INVALID_IF(d->page_size != 0 && d->pool_pages == 0, "page_size %" PRIu32 " without pool_pages",
               d->page_size);
    UNSUPPORTED_IF(d->page_size > VT_LENGTH_MAX, "page_size %" PRIu32 " is above %u", d->page_size,
                   VT_LENGTH_MAX);
    UNSUPPORTED_IF(d->pool_pages > VT_LENGTH_MAX, "pool_pages %" PRIu64 " are above %u", d->pool_pages,
                   VT_LENGTH_MAX);
    return VATTEN_SUCCESS;
}

vatten_result vt_check_lengths(const vt_checker *check, const vatten_attention_desc *d) {
    bool packed = d->lengths == VATTEN_LENGTHS_PACKED;
    INVALID_IF(d->lengths < VATTEN_LENGTHS_PLAN || d->lengths > VATTEN_LENGTHS_PACKED,
               "lengths %d are unknown", (int)d->lengths);
    INVALID_IF(packed && d->sequences == 0, "sequences %d must be at least 1", 0);
    INVALID_IF(packed && d->heads.batch != 1, "batch %" PRIu64 " of packed sequences is not 1",
               d->heads.batch);
    INVALID_IF(!packed && d->sequences != 0, "sequences %" PRIu32 " are for packed ones only", d->sequences);
    UNSUPPORTED_IF(d->sequences > VT_LENGTH_MAX, "sequences %" PRIu32 " are above %u", d->sequences,
                   VT_LENGTH_MAX);
    return check_pages(check, d);
}

static vatten_result check_lengths(const vt_checker *check, const vatten_attention_desc *d) {
    UNSUPPORTED_IF(d->extra_len > VT_LENGTH_MAX, "extra_len %" PRIu64 " is above %u", d->extra_len,
                   VT_LENGTH_MAX);
    INVALID_IF(d->lengths == VATTEN_LENGTHS_PACKED && (d->mask_batch || d->head_batch),
               "mask_batch and head_batch are for batches, packed sequences have batch %d", 1);
    return vt_check_lengths(check, d);
}

static vatten_result check_results(const vt_checker *check, const vatten_attention_desc *d) {
    bool soft = d->normaliser == VATTEN_NORMALISER_SOFTMAX;
    INVALID_IF(d->normaliser < VATTEN_NORMALISER_SOFTMAX || d->normaliser > VATTEN_NORMALISER_NONE,
               "normaliser %d is unknown", (int)d->normaliser);
    INVALID_IF(!soft && d->heads.write_lse, "normaliser %d has no log-sum-exp to write", (int)d->normaliser);
    INVALID_IF(!soft && (d->head_fields & VATTEN_HEAD_SINK), "normaliser %d takes no sinks",
               (int)d->normaliser);
    INVALID_IF(!soft && d->carry, "normaliser %d has no state to carry", (int)d->normaliser);
    INVALID_IF(d->carry & ~(vatten_carries)CARRIES, "carry 0x%" PRIx32 " has unknown bits", d->carry);
    INVALID_IF((d->carry & VATTEN_CARRY_OUT) && d->heads.write_lse,
               "carry 0x%" PRIx32 " leaves a state: there is no log-sum-exp to write", d->carry);
    INVALID_IF((d->carry & VATTEN_CARRY_OUT) && (d->head_fields & VATTEN_HEAD_GAIN),
               "carry 0x%" PRIx32 " leaves a state, which has no gains yet", d->carry);
    INVALID_IF(d->splits > 4096, "splits %" PRIu32 " is above 4096", d->splits);
    INVALID_IF(d->splits > 1 && (d->carry || !soft),
               "splits %" PRIu32 " merge softmaxes: not with carry or another normaliser", d->splits);
    return VATTEN_SUCCESS;
}

vatten_result vt_check_rules(const vt_checker *check, const vatten_attention_desc *desc) {
    vatten_result result = check_masks(check, desc);
    if (result == VATTEN_SUCCESS)
        result = check_heads_table(check, desc);
    if (result == VATTEN_SUCCESS)
        result = check_bias(check, desc);
    if (result == VATTEN_SUCCESS)
        result = check_lengths(check, desc);
    return result == VATTEN_SUCCESS ? check_results(check, desc) : result;
}

/* ---- What follows ---- */

static void fill_masks(const vatten_attention_desc *d, vt_rules *out) {
    out->chunk = d->chunk;
    out->key_stride = d->key_stride;
    out->key_phase = d->key_phase;
    out->masks = d->masks;
    out->segments = d->segments;
    out->mask_heads = d->mask_heads ? d->mask_heads : 1;
    out->mask_group = d->heads.heads / out->mask_heads;
    out->mask_batch = d->mask_batch;
    out->softcap = d->softcap;
    out->head_fields = d->head_fields | (d->alibi_signed ? VT_HEAD_SIGNED : 0);
    out->head_batch = d->head_batch;
}

/* Strides of the rows of the tensors of all axes, and how many rows each tensor has. */
static void fill_axes(const vatten_attention_desc *d, uint64_t heads, vt_rules *out) {
    out->bias_stride[0] = vt_saturating_mul(heads, d->q_len);
    out->bias_stride[1] = d->q_len;
    out->bias_stride[2] = 1;
    out->bias_stride[3] = vt_saturating_mul(out->bias_stride[0], d->heads.batch);
}

static uint64_t bias_elements(const vatten_attention_desc *d, uint64_t heads, const vt_rules *r) {
    const uint64_t last[4] = {d->heads.batch - 1, heads - 1, d->q_len - 1, d->kv_len - 1};
    vt_sum sum = vt_sum_of(1);
    if (d->bias == VATTEN_BIAS_TENSOR)
        for (int i = 0; i < 4; ++i)
            sum = vt_plus(sum, vt_times(vt_sum_of(r->bias_stride[i]), vt_sum_of(last[i])));
    if (d->bias == VATTEN_BIAS_AXES)
        sum = vt_times(vt_sum_of(r->bias_stride[3]),
                       vt_plus(vt_plus(vt_sum_of(r->bias & VT_BIAS_CUBE ? r->bias_extent[0] : 0),
                                       vt_sum_of(r->bias_extent[1])),
                               vt_sum_of(r->bias_extent[2])));
    if (d->bias == VATTEN_BIAS_RELATIVE) {
        sum = vt_sum_of(heads);
        for (int a = 0; a < 3; ++a)
            sum = vt_times(sum, vt_sum_of(2 * (uint64_t)r->bias_reach[a] + 1));
    }
    return sum.overflow ? UINT64_MAX : sum.value;
}

/* A rank below 3 is one of 3 whose first axes have one place. */
static void fill_grid(const vatten_attention_desc *d, vt_rules *out) {
    uint32_t missing = 3 - d->bias_rank;
    for (uint32_t a = 0; a < 3; ++a) {
        out->bias_extent[a] = a < missing ? 1 : d->bias_extent[a - missing];
        out->bias_reach[a] = a < missing ? 0 : d->bias_reach[a - missing];
    }
    if (d->bias == VATTEN_BIAS_RELATIVE && d->bias_rank > 1) {
        out->bias_extent[missing] = 1; /* not read */
        out->bias |= VT_BIAS_GRID;
    }
    out->bias |= d->bias_rank == 3 ? VT_BIAS_CUBE : 0;
}

static vatten_result fill_bias(const vt_checker *check, const vatten_attention_desc *d, vt_problem *out) {
    const vatten_bias_strides *s = &d->bias_strides;
    vt_rules *r = &out->rules;
    uint64_t heads = d->bias_heads ? d->bias_heads : d->heads.heads;
    bool packed = s->batch == 0 && s->head == 0 && s->query == 0 && s->key == 0;
    if (d->bias == VATTEN_BIAS_NONE)
        return VATTEN_SUCCESS;
    r->bias = d->bias == VATTEN_BIAS_TENSOR     ? VT_BIAS_TENSOR
              : d->bias == VATTEN_BIAS_RELATIVE ? VT_BIAS_RELATIVE
                                                : VT_BIAS_AXES;
    r->bias_group = d->heads.heads / (uint32_t)heads;
    r->bias_bytes = d->bias_dtype == VATTEN_DTYPE_F16 ? 2 : 4;
    r->bias |= r->bias_bytes == 2 ? VT_BIAS_F16 : 0;
    if (d->bias != VATTEN_BIAS_TENSOR)
        fill_grid(d, r);
    if (d->bias == VATTEN_BIAS_AXES)
        fill_axes(d, heads, r);
    if (d->bias == VATTEN_BIAS_TENSOR) {
        const uint64_t row = vt_saturating_mul(d->q_len, d->kv_len);
        const uint64_t strides[4] = {packed ? vt_saturating_mul(row, heads) : (uint64_t)s->batch,
                                     packed ? row : (uint64_t)s->head,
                                     packed ? d->kv_len : (uint64_t)s->query, packed ? 1 : (uint64_t)s->key};
        memcpy(r->bias_stride, strides, sizeof strides);
    }
    uint64_t elements = bias_elements(d, heads, r);
    INVALID_IF(elements > UINT64_MAX / r->bias_bytes - 4,
               "bias overflows 64 bits: batch %" PRIu64 ", heads %" PRIu64 ", q_len %" PRIu64
               ", kv_len %" PRIu64,
               d->heads.batch, heads, d->q_len, d->kv_len);
    out->bias_bytes = vt_round_up(elements * r->bias_bytes, 4); /* words are read */
    return VATTEN_SUCCESS;
}

static void fill_lengths(const vatten_attention_desc *d, vt_rules *out) {
    bool packed = d->lengths == VATTEN_LENGTHS_PACKED;
    bool both = d->lengths == VATTEN_LENGTHS_BOTH;
    bool kv = d->lengths == VATTEN_LENGTHS_KV || both || (packed && d->page_size);
    out->lengths = (both ? VT_LENGTHS_Q : 0) | (kv ? VT_LENGTHS_KV : 0) | (packed ? VT_LENGTHS_PACKED : 0);
    out->sequences = packed ? d->sequences : 1;
    out->longest = d->kv_len;
    out->page_size = d->page_size;
    out->pool_pages = d->pool_pages;
    out->normaliser = d->normaliser;
    out->carry = d->carry;
    out->splits = d->splits;
}

/* Heads share a tile where queries are few, and where what they read of tables and biases is the tile's. */
static uint32_t tile_heads_of(const vatten_attention_desc *d, const vt_rules *r) {
    uint64_t queries = vt_ceil_div(d->q_len, r->sequences);
    uint32_t group = d->heads.heads / d->heads.kv_heads;
    bool apart = (r->head_fields & (VT_HEAD_WINDOW | VT_HEAD_PREFIX)) || r->mask_group % group != 0;
    return queries > FEW_QUERIES || apart ? 1 : group;
}

/* Keys enough to be shared among workgroups. */
static bool may_split(const vatten_attention_desc *d, const vt_rules *r) {
    uint64_t queries = vt_ceil_div(d->q_len, r->sequences);
    return d->splits == 0 && queries <= FEW_QUERIES && d->kv_len >= 1024;
}

/* Dims for which CPU devices have a layout of kernels with rules only. */
static bool needs_stream(const vt_caps *caps, const vt_problem *p) {
    return vt_caps_is_cpu(caps) && (p->dim > 256 || p->value_dim > 256) &&
           p->tile.layout == VATTEN_LAYOUT_AUTO;
}

static bool any_rule(const vatten_attention_desc *d, const vt_rules *r) {
    return d->heads.kv_dtype == VATTEN_DTYPE_I8 || d->heads.tile.layout == VATTEN_LAYOUT_STREAM || d->chunk ||
           d->key_stride || d->masks || d->softcap != 0 || d->head_fields || r->bias || d->extra_len ||
           r->lengths || d->page_size || r->normaliser || r->carry || r->splits > 1;
}

vatten_result vt_fill_rules(const vt_checker *check, const vatten_attention_desc *desc, vt_problem *out) {
    vt_rules *r = &out->rules;
    fill_masks(desc, r);
    fill_lengths(desc, r);
    vatten_result result = fill_bias(check, desc, out);
    if (result != VATTEN_SUCCESS)
        return result;
    INVALID_IF(vatten_attention_tables(desc, &r->tables) != VATTEN_SUCCESS,
               "tables overflow 64 bits: q_len %" PRIu64 ", kv_len %" PRIu64, desc->q_len, desc->kv_len);
    bool needed = any_rule(desc, r); /* else they may still be faster */
    bool may = needed || check->caps->storage_buffers >= VT_SLOT_COUNT;
    r->tile_heads = may ? tile_heads_of(desc, r) : 1;
    if ((r->bias & VT_BIAS_KIND) == VT_BIAS_TENSOR && r->bias_stride[2] == 0 &&
        r->bias_group % r->tile_heads == 0)
        r->bias |= VT_BIAS_KEYS;
    r->used = needed || (may && (r->tile_heads > 1 || may_split(desc, r) || needs_stream(check->caps, out)));
    return VATTEN_SUCCESS;
}
