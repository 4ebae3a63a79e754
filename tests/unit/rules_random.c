/* SPDX-License-Identifier: MIT
 *
 * Random descs of dense attention with rules. Each rule is there in some of them, and most are valid.
 */
#include "program_random.h"

static bool packed(const vatten_attention_desc *d) {
    return d->lengths == VATTEN_LENGTHS_PACKED;
}

static void random_lengths(unit_random *random, program_scale scale, vatten_attention_desc *d) {
    d->lengths = unit_chance(random, 40) ? VATTEN_LENGTHS_PLAN : (vatten_lengths)unit_between(random, 1, 3);
    if (packed(d)) {
        d->sequences = (uint32_t)program_spread(random, 1, scale == PROGRAM_LARGE ? 100000 : 40);
        d->heads.batch = 1;
    }
    if (unit_chance(random, 30)) {
        d->page_size = (uint32_t)program_spread(random, 1, 300);
        d->pool_pages = program_spread(random, 1, scale == PROGRAM_LARGE ? 100000 : 100);
    }
}

static void random_masks(unit_random *random, vatten_attention_desc *d) {
    bool some = unit_chance(random, 40);
    d->masks = some ? (vatten_masks)unit_between(random, 1, 15) : 0;
    if (packed(d) && d->page_size)
        d->masks &= VATTEN_MASK_INTERVALS;
    if (d->masks & VATTEN_MASK_SEGMENTS && unit_chance(random, 50))
        d->segments = (uint32_t)program_spread(random, 1, 70);
    if (d->masks) {
        d->mask_heads = unit_chance(random, 40)   ? 0
                        : unit_chance(random, 50) ? d->heads.kv_heads
                                                  : d->heads.heads;
        d->mask_batch = !packed(d) && unit_chance(random, 40);
    }
    d->chunk = unit_chance(random, 80) ? 0 : program_spread(random, 1, 2 * d->kv_len);
    d->key_stride = (uint32_t)(unit_chance(random, 80) ? 0 : program_spread(random, 1, 2 * d->kv_len));
    d->key_phase = d->key_stride ? (uint32_t)unit_between(random, 0, d->key_stride - 1) : 0;
}

static void random_diagonal(unit_random *random, uint64_t most, vatten_attention_desc *d) {
    d->causal = unit_chance(random, 40);
    d->align = unit_chance(random, 50) ? VATTEN_ALIGN_LAST : VATTEN_ALIGN_FIRST;
    d->window.enabled = unit_chance(random, 40);
    d->window.left = unit_chance(random, 30) ? VATTEN_UNLIMITED : (int64_t)program_spread(random, 0, most);
    d->window.right = unit_chance(random, 30) ? VATTEN_UNLIMITED : (int64_t)program_spread(random, 0, most);
    d->prefix = unit_chance(random, 60) ? 0 : program_spread(random, 0, most);
}

static void random_bias(unit_random *random, vatten_attention_desc *d) {
    if (unit_chance(random, 65))
        return;
    d->bias = (vatten_bias)unit_between(random, 1, 3);
    d->bias_heads = unit_chance(random, 40) ? 0 : unit_chance(random, 50) ? 1 : d->heads.kv_heads;
    d->bias_dtype =
        d->bias == VATTEN_BIAS_TENSOR && unit_chance(random, 40) ? VATTEN_DTYPE_F16 : VATTEN_DTYPE_F32;
    d->bias_rank = (uint32_t)unit_between(random, d->bias == VATTEN_BIAS_AXES ? 2 : 1, 3);
    for (uint32_t a = 0; a < 3; ++a) {
        d->bias_extent[a] = program_spread(random, 1, 40);
        d->bias_reach[a] = (uint32_t)program_spread(random, 1, 40);
    }
    if (d->bias == VATTEN_BIAS_AXES) { /* all keys */
        uint64_t keys = d->bias_extent[1] * (d->bias_rank == 3 ? d->bias_extent[2] : 1);
        d->bias_extent[0] = (d->kv_len + keys - 1) / keys;
        d->kv_len = keys * d->bias_extent[0];
    }
    if (d->bias == VATTEN_BIAS_TENSOR && unit_chance(random, 60)) { /* some axes repeat */
        int64_t keys = (int64_t)d->kv_len, pairs = (int64_t)d->q_len * keys;
        d->bias_strides = (vatten_bias_strides){.batch = unit_chance(random, 50) ? 0 : 64 * pairs,
                                                .head = unit_chance(random, 50) ? 0 : pairs + 3,
                                                .query = unit_chance(random, 50) ? 0 : keys + 1,
                                                .key = unit_chance(random, 20) ? 2 : 1};
    }
}

static void random_fields(unit_random *random, vatten_attention_desc *d) {
    d->head_fields = unit_chance(random, 60) ? 0 : (vatten_head_fields)unit_between(random, 1, 127);
    if (!d->window.enabled)
        d->head_fields &= ~(vatten_head_fields)VATTEN_HEAD_WINDOW;
    d->head_batch = d->head_fields && !packed(d) && unit_chance(random, 40);
    d->alibi_signed = d->head_fields & VATTEN_HEAD_SLOPE && unit_chance(random, 40);
    d->softcap = unit_chance(random, 80) ? 0.0f : 30.0f;
}

static void random_results(unit_random *random, vatten_attention_desc *d) {
    uint64_t kind = unit_between(random, 0, 9);
    if (kind < 2) {
        d->normaliser = (vatten_normaliser)unit_between(random, 1, 5);
        d->heads.write_lse = false;
        d->head_fields &= ~(vatten_head_fields)VATTEN_HEAD_SINK;
        d->head_batch = d->head_batch && d->head_fields;
    } else if (kind < 4) {
        d->carry = (vatten_carries)unit_between(random, 1, 3);
        if (d->carry & VATTEN_CARRY_OUT) {
            d->heads.write_lse = false;
            d->head_fields &= ~(vatten_head_fields)VATTEN_HEAD_GAIN;
            d->head_batch = d->head_batch && d->head_fields;
        }
    } else if (kind < 7) {
        d->splits = (uint32_t)program_spread(random, 1, 300);
    }
}

/* Rows of blocks with scales; strides of whole words. */
static void random_bytes(unit_random *random, vatten_attention_desc *d) {
    vatten_heads *h = &d->heads;
    h->kv_dtype = VATTEN_DTYPE_I8;
    h->kv_block = 4 * (uint32_t)program_spread(random, 1, 16);
    uint32_t most = VATTEN_MAX_DIM / h->kv_block;
    h->dim = h->kv_block * (uint32_t)program_spread(random, 1, most);
    h->value_dim = h->kv_block * (uint32_t)program_spread(random, 1, most);
    int64_t row = h->dim > h->value_dim ? 2 * h->dim : 2 * h->value_dim;
    bool given = unit_chance(random, 50);
    vatten_strides s = {.token = given ? row * h->kv_heads : 0, .head = given ? row : 0};
    s.batch = s.token * (int64_t)(d->page_size ? d->page_size : d->kv_len);
    h->k = h->v = s;
    h->q = h->out = (vatten_strides){0, 0, 0};
    if (vt_layout_has_matrices(h->tile.layout))
        h->tile.layout = VATTEN_LAYOUT_AUTO;
    if (h->kv_block % VT_DOT_UNIT == 0 && unit_chance(random, 50))
        h->tile.layout = VATTEN_LAYOUT_DOT;
}

static void random_tile(unit_random *random, vatten_tile *tile) {
    if (unit_chance(random, 10))
        tile->layout = VATTEN_LAYOUT_STREAM;
    if (!unit_chance(random, 10))
        return;
    tile->layout = VATTEN_LAYOUT_SHARED;
    tile->keys = 8u << unit_between(random, 0, 5);
    tile->rows = 16u << unit_between(random, 0, 2);
}

vatten_result rules_random(unit_random *random, program_scale scale, const vatten_logger *logger,
                           program_case *out) {
    uint64_t most = scale == PROGRAM_LARGE ? 3000000 : 300;
    uint64_t queries = unit_chance(random, 50) ? 20 : most;
    vatten_attention_desc d = {.q_len = program_spread(random, 1, queries),
                               .kv_len = program_spread(random, 1, most)};
    out->caps = program_random_caps(random);
    if (unit_chance(random, 97) && out->caps.storage_buffers < 8)
        out->caps.storage_buffers = 8;
    d.heads = program_random_heads(random, scale, d.q_len, d.kv_len, 0);
    random_lengths(random, scale, &d);
    if (d.page_size)
        d.heads.k = d.heads.v = (vatten_strides){0, 0, 0};
    random_diagonal(random, 2 * most, &d);
    random_bias(random, &d);
    if (packed(&d) && d.bias == VATTEN_BIAS_AXES)
        d.bias = VATTEN_BIAS_NONE;
    random_masks(random, &d);
    random_fields(random, &d);
    random_results(random, &d);
    random_tile(random, &d.heads.tile);
    if (unit_chance(random, 20))
        random_bytes(random, &d);
    d.extra_len = unit_chance(random, 70) ? 0 : program_spread(random, 1, most / 3);
    return vt_problem_from_attention(&out->caps, logger, &d, &out->problem);
}
