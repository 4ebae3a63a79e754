/* SPDX-License-Identifier: MIT */
#include "program_random.h"

#include <inttypes.h>
#include <stdio.h>

uint64_t program_spread(unit_random *random, uint64_t low, uint64_t high) {
    uint64_t bits = 0;
    while (((high - low) >> bits) != 0)
        ++bits;
    uint64_t width = unit_between(random, 0, bits);
    uint64_t most = width >= 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
    return low + unit_between(random, 0, most < high - low ? most : high - low);
}

static uint32_t power(unit_random *random, uint32_t low_bits, uint32_t high_bits) {
    return 1u << unit_between(random, low_bits, high_bits);
}

vt_caps program_random_caps(unit_random *random) {
    vt_caps caps = {
        .name = "Random",
        .device_type = (uint32_t)unit_between(random, 0, 4),
        .driver_id = unit_chance(random, 25) ? VT_DRIVER_LLVMPIPE : 1,
        .driver_version = 22u << 22,
        .api_version = 1u << 22 | 1u << 12,
        .shared_bytes = 16384u * (uint32_t)unit_between(random, 1, 5),
        .invocations = power(random, 7, 10),
        .storage_range = program_spread(random, 512, UINT32_MAX),
        .storage_alignment = power(random, 4, 8),
        .storage_buffers = (uint32_t)(unit_chance(random, 25) ? 4 : 8),
        .push_bytes = unit_chance(random, 50) ? 128 : 256,
        .features = VATTEN_FEATURE_STORAGE_16BIT | VATTEN_FEATURE_BUFFER_DEVICE_ADDRESS |
                    VATTEN_FEATURE_SHADER_FLOAT16 | VATTEN_FEATURE_MIXED_DOT_PRODUCT |
                    VATTEN_FEATURE_INTEGER_DOT_PRODUCT,
        .dots_accelerated = unit_chance(random, 50),
    };
    caps.workgroup_size_x = caps.invocations;
    for (int i = 0; i < 3; ++i)
        caps.groups[i] = unit_chance(random, 50) ? 65535 : (uint32_t)program_spread(random, 1, 65535);
    caps.subgroup_max = power(random, 0, 6);
    caps.subgroup_min = unit_chance(random, 50) ? caps.subgroup_max : power(random, 0, 3);
    caps.subgroup_min = caps.subgroup_min > caps.subgroup_max ? caps.subgroup_max : caps.subgroup_min;
    caps.subgroup_size = caps.subgroup_max;
    if (unit_chance(random, 50)) {
        const uint32_t sides[] = {8, 16, 32};
        caps.features |= VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL | VATTEN_FEATURE_COOPERATIVE_MATRIX |
                         VATTEN_FEATURE_COOPERATIVE_MATRIX_2;
        caps.subgroups = (uint32_t)unit_between(random, 1, 32);
        caps.subgroup_asked = unit_chance(random, 50);
        caps.matrix_count = (uint32_t)unit_between(random, 0, 3);
        for (uint32_t i = 0; i < caps.matrix_count; ++i)
            caps.matrices[i] =
                (vt_matrix){sides[unit_between(random, 0, 2)], sides[unit_between(random, 0, 2)],
                            sides[unit_between(random, 0, 2)]};
        caps.features |= VATTEN_FEATURE_COOPERATIVE_MATRIX_WORKGROUP;
        caps.flexible_count = (uint32_t)unit_between(random, 0, 3);
        caps.matrix_side_max = power(random, 6, 10);
        caps.matrix_reserved = unit_chance(random, 50) ? 0 : power(random, 10, 15);
        for (uint32_t i = 0; i < caps.flexible_count; ++i)
            caps.flexible[i] =
                (vt_flexible){{sides[unit_between(random, 0, 2)], sides[unit_between(random, 0, 2)],
                               sides[unit_between(random, 0, 2)]},
                              power(random, 5, 8)};
    }
    caps.subgroup_ops = unit_chance(random, 70) ? VT_SUBGROUP_BASIC | VT_SUBGROUP_SHUFFLE : VT_SUBGROUP_BASIC;
    vt_caps_complete(&caps);
    return caps;
}

vatten_strides program_random_strides(unit_random *random, uint64_t tokens, uint64_t heads, uint64_t dim,
                                      bool repeat) {
    if (unit_chance(random, 50))
        return (vatten_strides){0, 0, 0};
    uint64_t row = dim + (unit_chance(random, 50) ? 0 : unit_between(random, 1, 9));
    bool head_major = unit_chance(random, 50);
    uint64_t inner = row * (head_major ? tokens : heads) + unit_between(random, 0, 9);
    vatten_strides s = {.token = (int64_t)(head_major ? row : inner),
                        .head = (int64_t)(head_major ? inner : row)};
    s.batch = (int64_t)(inner * (head_major ? heads : tokens) + unit_between(random, 0, 9));
    if (unit_chance(random, 5)) /* far apart, up to where 64 bits end */
        s.batch = (int64_t)program_spread(random, (uint64_t)s.batch, INT64_MAX);
    if (repeat && unit_chance(random, 25))
        s.batch = 0;
    if (repeat && unit_chance(random, 25))
        s.head = 0;
    if (repeat && unit_chance(random, 10))
        s.token = 0;
    return s;
}

vatten_heads program_random_heads(unit_random *random, program_scale scale, uint64_t q_len, uint64_t kv_len,
                                  uint64_t q_dim) {
    vatten_heads h = {.dtype = (vatten_dtype)unit_between(random, 1, 3)};
    h.batch = unit_chance(random, 50) ? 1 : program_spread(random, 1, scale == PROGRAM_LARGE ? 1000 : 5);
    h.kv_heads = (uint32_t)program_spread(random, 1, scale == PROGRAM_LARGE ? 64 : 4);
    h.heads = h.kv_heads * (uint32_t)program_spread(random, 1, 8);
    const vatten_layout layouts[] = {VATTEN_LAYOUT_ROWS,
                                     VATTEN_LAYOUT_SUBGROUP,
                                     VATTEN_LAYOUT_SHARED,
                                     VATTEN_LAYOUT_MATRIX,
                                     VATTEN_LAYOUT_MATRIX2,
                                     VATTEN_LAYOUT_ADDRESS,
                                     VATTEN_LAYOUT_MATRIX_WORKGROUP,
                                     VATTEN_LAYOUT_PACKED,
                                     VATTEN_LAYOUT_PACKED_SHARED,
                                     VATTEN_LAYOUT_HALF,
                                     VATTEN_LAYOUT_MIXED};
    h.dim = (uint32_t)program_spread(random, 1, VATTEN_MAX_DIM);
    h.value_dim = unit_chance(random, 70) ? 0 : (uint32_t)program_spread(random, 1, VATTEN_MAX_DIM);
    uint32_t value_dim = h.value_dim ? h.value_dim : h.dim;
    h.q = program_random_strides(random, q_len, h.heads, q_dim ? q_dim : h.dim, true);
    h.k = program_random_strides(random, kv_len, h.kv_heads, h.dim, true);
    h.v = program_random_strides(random, kv_len, h.kv_heads, value_dim, true);
    h.out = program_random_strides(random, q_len, h.heads, value_dim, false);
    h.write_lse = unit_chance(random, 40);
    h.max_macs = unit_chance(random, 40) ? 0 : program_spread(random, 1, UINT64_C(1) << 40);
    h.max_moves = unit_chance(random, 60) ? 0 : program_spread(random, 1, UINT64_C(1) << 30);
    const uint64_t last = sizeof layouts / sizeof layouts[0] - 1;
    h.tile.layout = unit_chance(random, 70) ? VATTEN_LAYOUT_AUTO : layouts[unit_between(random, 0, last)];
    if (vt_layout_has_matrices(h.tile.layout) || vt_layout_stages_f16(h.tile.layout))
        h.dtype = VATTEN_DTYPE_F16;
    return h;
}

static vatten_result random_dense(unit_random *random, program_scale scale, const vatten_logger *logger,
                                  program_case *out) {
    uint64_t most = scale == PROGRAM_LARGE ? 3000000 : 300;
    vatten_attention_desc desc = {.q_len = program_spread(random, 1, most),
                                  .kv_len = program_spread(random, 1, most)};
    desc.heads = program_random_heads(random, scale, desc.q_len, desc.kv_len, 0);
    desc.causal = unit_chance(random, 50);
    desc.align = unit_chance(random, 50) ? VATTEN_ALIGN_LAST : VATTEN_ALIGN_FIRST;
    desc.window.enabled = unit_chance(random, 50);
    desc.window.left =
        unit_chance(random, 30) ? VATTEN_UNLIMITED : (int64_t)program_spread(random, 0, 2 * most);
    desc.window.right =
        unit_chance(random, 30) ? VATTEN_UNLIMITED : (int64_t)program_spread(random, 0, 2 * most);
    desc.prefix = unit_chance(random, 50) ? 0 : program_spread(random, 0, most);
    return vt_problem_from_attention(&out->caps, logger, &desc, &out->problem);
}

static vatten_axis random_axis(unit_random *random, uint64_t longest) {
    vatten_axis axis = {.extent = program_spread(random, 1, longest)};
    axis.dilation = (uint32_t)(unit_chance(random, 50) ? 1 : program_spread(random, 1, axis.extent));
    axis.window = (uint32_t)program_spread(random, 1, axis.extent / axis.dilation);
    axis.stride = (uint32_t)(unit_chance(random, 50) ? 1 : program_spread(random, 1, axis.window));
    axis.causal = unit_chance(random, 30);
    if (unit_chance(random, 20)) {
        axis.edge = unit_chance(random, 50) ? VATTEN_EDGE_CROP : VATTEN_EDGE_ZERO;
        axis.window = (uint32_t)program_spread(random, axis.stride,
                                               axis.extent < 1 << 27 ? 2 * axis.extent : axis.extent);
    }
    axis.roll = unit_chance(random, 20) ? program_spread(random, 0, axis.extent - 1) : 0;
    return axis;
}

static vatten_result random_grid(unit_random *random, program_scale scale, const vatten_logger *logger,
                                 program_case *out) {
    static const uint64_t longest[2][4] = {{0, 64, 24, 9}, {0, 3000000, 1500, 200}};
    vatten_neighborhood_desc desc = {.rank = (uint32_t)unit_between(random, 1, 3)};
    uint64_t tokens = 1, window = 1;
    for (uint32_t a = 0; a < desc.rank; ++a) {
        desc.axis[a] = random_axis(random, longest[scale][desc.rank]);
        tokens *= desc.axis[a].extent;
        window *= desc.axis[a].window;
    }
    desc.weights = unit_chance(random, 20);
    desc.heads = program_random_heads(random, scale, tokens, tokens, desc.weights ? window : 0);
    if (desc.weights) {
        desc.heads.value_dim = desc.heads.value_dim ? desc.heads.value_dim : desc.heads.dim;
        desc.heads.dim = 0;
        desc.heads.write_lse = false;
    } else if (unit_chance(random, 30)) {
        desc.bias = VATTEN_BIAS_RELATIVE;
    }
    if (!desc.weights && unit_chance(random, 40))
        desc.extra_len = program_spread(random, 1, scale == PROGRAM_LARGE ? 5000 : 100);
    uint32_t value_dim = desc.heads.value_dim ? desc.heads.value_dim : desc.heads.dim;
    desc.extra_k = program_random_strides(random, desc.extra_len, desc.heads.kv_heads, desc.heads.dim, true);
    desc.extra_v = program_random_strides(random, desc.extra_len, desc.heads.kv_heads, value_dim, true);
    bool boxed = unit_chance(random, 20);
    for (uint32_t a = 0; boxed && a < desc.rank; ++a)
        desc.box[a] = (uint32_t)program_spread(random, 1, 20);
    return vt_problem_from_neighborhood(&out->caps, logger, &desc, &out->problem);
}

/* Blocks as boxes in place of runs, rules of the diagonal dropped. */
static void random_boxes(unit_random *random, program_scale scale, vatten_lists_desc *desc) {
    static const uint64_t longest[2][4] = {{0, 300, 20, 8}, {0, 1000000, 1000, 100}};
    vatten_boxes *boxes = &desc->boxes;
    boxes->rank = (uint32_t)unit_between(random, 1, 3);
    bool runs = unit_chance(random, 30);
    uint64_t plane = 1;
    for (uint32_t a = 0; a < boxes->rank; ++a) {
        boxes->extent[a] = program_spread(random, 1, longest[scale][boxes->rank]);
        boxes->q_box[a] = runs ? 0 : (uint32_t)program_spread(random, 1, 12);
        boxes->kv_box[a] = (uint32_t)program_spread(random, 1, 12);
        plane *= a ? boxes->extent[a] : 1;
    }
    uint64_t queries =
        unit_chance(random, 60) ? boxes->extent[0] : program_spread(random, 1, boxes->extent[0]);
    boxes->q_extent = queries == boxes->extent[0] ? 0 : queries;
    desc->q_len = queries * plane;
    desc->kv_len = boxes->extent[0] * plane;
    desc->q_block = runs ? (uint32_t)program_spread(random, 1, 600) : 0;
}

static uint64_t key_blocks(const vatten_lists_desc *desc) {
    const vatten_boxes *boxes = &desc->boxes;
    uint64_t blocks = 1;
    for (uint32_t a = 0; a < boxes->rank; ++a)
        blocks *= (boxes->extent[a] + boxes->kv_box[a] - 1) / boxes->kv_box[a];
    return boxes->rank ? blocks : (desc->kv_len + desc->kv_block - 1) / desc->kv_block;
}

static void random_bias(unit_random *random, vatten_lists_desc *desc) {
    desc->bias = VATTEN_BIAS_TENSOR;
    desc->bias_heads = unit_chance(random, 40) ? 0 : unit_chance(random, 50) ? 1 : desc->heads.kv_heads;
    desc->bias_strides = program_random_strides(random, desc->q_len, desc->heads.heads, desc->kv_len, true);
}

static vatten_result random_lists(unit_random *random, program_scale scale, const vatten_logger *logger,
                                  program_case *out) {
    uint64_t most = scale == PROGRAM_LARGE ? 1000000 : 300;
    vatten_lists_desc desc = {.q_len = program_spread(random, 1, most),
                              .kv_len = program_spread(random, 1, most)};
    desc.kind = (vatten_list_kind)unit_between(random, 0, 2);
    bool blocks = desc.kind == VATTEN_LIST_BLOCKS, boxed = blocks && unit_chance(random, 50);
    desc.q_block = (uint32_t)program_spread(random, 1, 600);
    desc.kv_block = blocks && !boxed ? (uint32_t)program_spread(random, 1, 600) : 0;
    if (boxed)
        random_boxes(random, scale, &desc);
    desc.heads = program_random_heads(random, scale, desc.q_len, desc.kv_len, 0);
    uint64_t most_entries = blocks ? key_blocks(&desc) : 400;
    desc.entries = (uint32_t)program_spread(random, 1, most_entries < 1 << 20 ? most_entries : 1 << 20);
    desc.rows = desc.kind == VATTEN_LIST_RANGES ? program_spread(random, 1, 400) : 0;
    desc.row_masks = blocks && unit_chance(random, 30);
    desc.list_heads = unit_chance(random, 40) ? 0 : unit_chance(random, 50) ? 1 : desc.heads.kv_heads;
    uint64_t rows = desc.q_block ? (desc.q_len + desc.q_block - 1) / desc.q_block : desc.q_len;
    rows = desc.kind == VATTEN_LIST_RANGES ? desc.rows : rows;
    if (unit_chance(random, 30))
        random_bias(random, &desc);
    desc.lists = program_random_strides(random, rows, desc.heads.heads, vatten_lists_words(&desc), true);
    if (boxed)
        return vt_problem_from_lists(&out->caps, logger, &desc, &out->problem);
    desc.causal = unit_chance(random, 50);
    desc.window.enabled = unit_chance(random, 50);
    desc.window.left =
        unit_chance(random, 30) ? VATTEN_UNLIMITED : (int64_t)program_spread(random, 0, 2 * most);
    desc.window.right =
        unit_chance(random, 30) ? VATTEN_UNLIMITED : (int64_t)program_spread(random, 0, 2 * most);
    desc.prefix = unit_chance(random, 50) ? 0 : program_spread(random, 0, most);
    desc.key_stride = unit_chance(random, 70) ? 0 : (uint32_t)program_spread(random, 1, 100);
    return vt_problem_from_lists(&out->caps, logger, &desc, &out->problem);
}

vatten_result program_random(unit_random *random, program_scale scale, const vatten_logger *logger,
                             program_case *out) {
    out->caps = program_random_caps(random);
    return unit_chance(random, 30)   ? random_lists(random, scale, logger, out)
           : unit_chance(random, 50) ? random_dense(random, scale, logger, out)
                                     : random_grid(random, scale, logger, out);
}

static int tensor_text(char *text, size_t size, const char *name, const vt_tensor *t) {
    return snprintf(text, size, " %s{%" PRIu64 ",%" PRIu64 ",%" PRIu64 "}", name, t->batch, t->head,
                    t->token);
}

static int rules_text(char *text, size_t size, const vt_problem *p) {
    const vt_rules *r = &p->rules;
    return snprintf(
        text, size,
        " causal %d first %d window %" PRId64 ",%" PRId64 " prefix %" PRIu64 " chunk %" PRIu64
        " stride %" PRIu32 "+%" PRIu32 " masks %" PRIx32 " of %" PRIu32 " segments %" PRIu32
        " fields %" PRIx32 " bias %" PRIx32 " lengths %" PRIu32 " sequences %" PRIu32 " pages %" PRIu32
        " of %" PRIu64 " normaliser %d carry %" PRIu32 " splits %" PRIu32 " tile heads %" PRIu32 " |",
        p->causal, p->align_first, p->left, p->right, p->prefix, r->chunk, r->key_stride, r->key_phase,
        r->masks, r->mask_heads, r->segments, r->head_fields, r->bias, r->lengths, r->sequences, r->page_size,
        r->pool_pages, (int)r->normaliser, r->carry, r->splits, r->tile_heads);
}

const char *program_text(const program_case *c) {
    static char text[2048];
    const vt_problem *p = &c->problem;
    size_t size = sizeof text;
    int at = snprintf(text, size,
                      "range %" PRIu64 " align %" PRIu32 " groups %" PRIu32 ",%" PRIu32 ",%" PRIu32
                      " buffers %" PRIu32 " type %" PRIu32 " loop %" PRIu64 " | layout %d rows %" PRIu32
                      " keys %" PRIu32 " iterations %" PRIu64 " | B %" PRIu64 " H %" PRIu32 "/%" PRIu32
                      " D %" PRIu32 "/%" PRIu32 " dtype %d lse %d macs %" PRIu64 " q %" PRIu64 " kv %" PRIu64
                      " extra %" PRIu64 " bias %" PRIu64 " weights %" PRIu32,
                      c->caps.storage_range, c->caps.storage_alignment, c->caps.groups[0], c->caps.groups[1],
                      c->caps.groups[2], c->caps.storage_buffers, c->caps.device_type, c->caps.loop_limit,
                      (int)c->tile.layout, c->tile.rows, c->tile.keys, c->tile.iterations, p->batch, p->heads,
                      p->kv_heads, p->dim, p->value_dim, (int)p->dtype, p->write_lse, p->max_macs, p->q_len,
                      p->kv_len, p->extra_len, p->bias_bytes, p->weights ? p->q_dim : 0);
    if (p->rules.used)
        at += rules_text(text + at, size - (size_t)at, p);
    at += snprintf(
        text + at, size - (size_t)at,
        " | map %d kind %d q_block %" PRIu32 " kv_block %" PRIu32 " entries %" PRIu32 " rows %" PRIu64,
        (int)p->map, (int)p->list.kind, p->list.q_block, p->list.kv_block, p->list.entries, p->list.rows);
    at += snprintf(text + at, size - (size_t)at, " boxed %d %d biased %d", p->list.q_boxed, p->list.kv_boxed,
                   p->list.biased);
    for (int a = 0; a < 3; ++a)
        at += snprintf(text + at, size - (size_t)at, " | %" PRIu64 " q%" PRIu32 " k%" PRIu32,
                       p->list.extent[a], p->list.q_box[a], p->list.kv_box[a]);
    const char *const names[] = {"q", "k", "v", "out", "extra_k", "extra_v", "bias"};
    const vt_tensor *tensors[] = {&p->q, &p->k, &p->v, &p->out, &p->extra_k, &p->extra_v, &p->list.bias};
    for (int i = 0; i < 7; ++i)
        at += tensor_text(text + at, size - (size_t)at, names[i], tensors[i]);
    for (int a = 0; a < 3; ++a)
        at += snprintf(text + at, size - (size_t)at,
                       " | %" PRIu64 " k%" PRIu32 " s%" PRIu32 " d%" PRIu32 "%s edge %d roll %" PRIu64
                       " box %" PRIu32,
                       p->axis[a].extent, p->axis[a].window, p->axis[a].stride, p->axis[a].dilation,
                       p->axis[a].causal ? " causal" : "", (int)p->axis[a].edge, p->axis[a].roll, p->box[a]);
    return text;
}
