/* SPDX-License-Identifier: MIT */
#include "audit_rules.h"

#include "family.h"

#include <stdio.h>

/* What the keys of a query are told by. */
typedef enum audit_map {
    AUDIT_DENSE,
    AUDIT_RULES,
    AUDIT_BYTES,
    AUDIT_GRID,
    AUDIT_LISTS,
    AUDIT_BOXES
} audit_map;

#define ON(layout) (1u << VATTEN_LAYOUT_##layout)
#define LANES      (ON(ROWS) | ON(SUBGROUP) | ON(SHARED))
#define MATRICES   (ON(MATRIX) | ON(MATRIX2) | ON(MATRIX_WORKGROUP))
#define HALVES     (ON(PACKED) | ON(PACKED_SHARED) | ON(HALF) | ON(MIXED)) /* of f16 */

struct audit_rule {
    const char *name;
    audit_map map;
    const char *suffix; /* of the kernel's name */
    uint32_t layouts;   /* that have such kernels */
    bool full;          /* also the log-sum-exp, which the kernels named _full have */
    vatten_bias bias;
    bool weights;
    vatten_mass_kind mass; /* 0: attention */
};

/* A plain kernel and one with all its branches for each map, what becomes of scores, and what is made of probabilities. */
static const audit_rule rules[] = {
    {"causal", AUDIT_DENSE, "", LANES | MATRICES | HALVES, .full = false},
    {"window", AUDIT_DENSE, "_full", LANES | MATRICES | HALVES, .full = true},
    {"ruled", AUDIT_RULES, "_rules", LANES | MATRICES | HALVES | ON(STREAM), .full = true},
    {"decode", AUDIT_BYTES, "_bytes", LANES | ON(STREAM) | ON(DOT), .full = true},
    {"grid2", AUDIT_GRID, "", LANES | MATRICES | HALVES, .full = false},
    {"grid3", AUDIT_GRID, "_full", LANES | MATRICES | HALVES, .full = true},
    {"bias3", AUDIT_GRID, "_bias", LANES | MATRICES | HALVES, .full = true, .bias = VATTEN_BIAS_RELATIVE},
    {"weights2", AUDIT_GRID, "", LANES | MATRICES | ON(HALF) | ON(MIXED), .weights = true},
    {"masked", AUDIT_LISTS, "", LANES | MATRICES | HALVES, .full = true},
    {"boxes3", AUDIT_BOXES, "", LANES | MATRICES | HALVES, .full = true},
    {"boxes3 biased", AUDIT_BOXES, "_bias", LANES | MATRICES | HALVES, .full = true,
     .bias = VATTEN_BIAS_TENSOR},
    {"mass ruled", AUDIT_RULES, "_mass", LANES, .mass = VATTEN_MASS_SEGMENTS},
    {"mass decode", AUDIT_BYTES, "_mass_bytes", LANES, .mass = VATTEN_MASS_SEGMENTS},
    {"columns ruled", AUDIT_RULES, "_columns", LANES, .mass = VATTEN_MASS_COLUMNS},
    {"columns decode", AUDIT_BYTES, "_columns_bytes", LANES, .mass = VATTEN_MASS_COLUMNS},
};

const audit_rule *audit_rule_at(size_t index) {
    return index < sizeof rules / sizeof *rules ? &rules[index] : NULL;
}

const char *audit_rule_name(const audit_rule *rule) {
    return rule->name;
}

bool audit_rule_takes(const audit_rule *rule, vatten_layout layout, vatten_dtype dtype) {
    bool matrix = (MATRICES >> layout & 1u) != 0; /* of 16 bits */
    bool half = (HALVES >> layout & 1u) != 0;
    return (rule->layouts >> layout & 1u) != 0 && (!matrix || dtype != VATTEN_DTYPE_F32) &&
           (!half || dtype == VATTEN_DTYPE_F16);
}

void audit_rule_kernel(const audit_rule *rule, vatten_layout layout, vatten_dtype dtype, char *out,
                       size_t out_size) {
    static const char *const maps[] = {"dense", "dense", "dense", "neighborhood", "lists", "lists"};
    snprintf(out, out_size, "attention_%s_%s_%s%s", maps[rule->map], family_dtype_name(dtype),
             family_layout_name(layout), rule->suffix);
}

/* ---- Problems ---- */

static vatten_heads heads_of(const audit_heads *heads, bool full) {
    return (vatten_heads){.dtype = heads->dtype,
                          .batch = 1,
                          .heads = 8,
                          .kv_heads = 2,
                          .dim = heads->dim,
                          .value_dim = heads->value_dim,
                          .write_lse = full,
                          .tile = heads->tile};
}

/* Packed sequences with all that a prompt may ask for. */
static void ruled_of(vatten_attention_desc *desc) {
    desc->prefix = 4;
    desc->masks = VATTEN_MASK_SEGMENTS;
    desc->segments = 8;
    desc->softcap = 30.0f;
    desc->head_fields = VATTEN_HEAD_SINK | VATTEN_HEAD_SLOPE | VATTEN_HEAD_GAIN;
    desc->bias = VATTEN_BIAS_TENSOR;
    desc->lengths = VATTEN_LENGTHS_PACKED;
    desc->sequences = 4;
}

/* 32 bytes to a scale, as caches mostly have, or what divides both dims. */
static uint32_t block_of(const vatten_heads *heads) {
    uint32_t block = 32;
    while (block > 4 && (heads->dim % block != 0 || heads->value_dim % block != 0))
        block /= 2;
    return block;
}

/* One token of several sequences in pages of bytes, whose heads share tiles and whose keys are shared out. */
static void decode_of(vatten_attention_desc *desc) {
    desc->q_len = 1;
    desc->kv_len = 8192;
    desc->lengths = VATTEN_LENGTHS_KV;
    desc->page_size = 16;
    desc->pool_pages = 1024;
    desc->heads.kv_dtype = VATTEN_DTYPE_I8;
    desc->heads.kv_block = block_of(&desc->heads);
}

static void attention_of(const audit_rule *rule, vatten_attention_desc *desc) {
    desc->q_len = 1024;
    desc->kv_len = 1024;
    desc->causal = true;
    if (rule->map == AUDIT_RULES)
        ruled_of(desc);
    if (rule->map == AUDIT_BYTES)
        decode_of(desc);
    if (rule->map != AUDIT_DENSE)
        return;
    if (rule->full)
        desc->window = (vatten_window){.enabled = true, .left = 255, .right = 0};
    desc->prefix = rule->full ? 4 : 0;
}

static void neighborhood_of(const audit_rule *rule, vatten_neighborhood_desc *desc) {
    desc->rank = rule->full ? 3 : 2;
    for (uint32_t a = 0; a < desc->rank; ++a)
        desc->axis[a] = (vatten_axis){.extent = 32, .window = 7, .stride = 1, .dilation = 1};
    if (rule->full) {
        desc->axis[0].causal = true;
        desc->axis[1].edge = VATTEN_EDGE_ZERO;
        desc->axis[2].dilation = 2;
        desc->axis[2].roll = 3;
    }
    desc->bias = rule->bias;
    desc->weights = rule->weights;
    desc->heads.dim = rule->weights ? 0 : desc->heads.dim;
}

/* Blocks with row masks, a window and a stride inside. */
static void lists_of(vatten_lists_desc *desc) {
    desc->q_len = desc->kv_len = 1024;
    desc->kind = VATTEN_LIST_BLOCKS;
    desc->q_block = desc->kv_block = 64;
    desc->entries = 8;
    desc->row_masks = true;
    desc->causal = true;
    desc->window = (vatten_window){.enabled = true, .left = 255, .right = 0};
    desc->key_stride = 16;
}

/* Blocks as boxes on both sides, with row masks. */
static void boxes_of(const audit_rule *rule, vatten_lists_desc *desc) {
    desc->q_len = desc->kv_len = 4096;
    desc->kind = VATTEN_LIST_BLOCKS;
    desc->entries = 8;
    desc->boxes = (vatten_boxes){3, {16, 16, 16}, 0, {2, 8, 8}, {2, 8, 6}};
    desc->row_masks = true;
    desc->bias = rule->bias;
}

/* Sums of segments or of columns, of the same attention. */
static vatten_mass_desc mass_of(const audit_rule *rule, const vatten_attention_desc *attention) {
    bool columns = rule->mass == VATTEN_MASS_COLUMNS;
    return (vatten_mass_desc){.attention = attention,
                              .kind = rule->mass,
                              .kv_heads = columns,
                              .weighted = columns,
                              .segments = columns ? 0 : 8,
                              .tile = attention->heads.tile};
}

static vatten_result create_dense(vatten_device *device, const audit_rule *rule, const vatten_heads *heads,
                                  vatten_plan **out) {
    vatten_attention_desc dense = {.heads = *heads};
    attention_of(rule, &dense);
    if (!rule->mass)
        return vatten_attention_create(device, &dense, out);
    const vatten_mass_desc mass = mass_of(rule, &dense);
    return vatten_mass_create(device, &mass, out);
}

vatten_result audit_rule_create(vatten_device *device, const audit_rule *rule, const audit_heads *heads,
                                vatten_plan **out) {
    const vatten_heads own = heads_of(heads, rule->full);
    vatten_neighborhood_desc grid = {.heads = own};
    vatten_lists_desc lists = {.heads = own};
    if (rule->map <= AUDIT_BYTES)
        return create_dense(device, rule, &own, out);
    if (rule->map == AUDIT_GRID) {
        neighborhood_of(rule, &grid);
        return vatten_neighborhood_create(device, &grid, out);
    }
    if (rule->map == AUDIT_BOXES)
        boxes_of(rule, &lists);
    else
        lists_of(&lists);
    return vatten_lists_create(device, &lists, out);
}
