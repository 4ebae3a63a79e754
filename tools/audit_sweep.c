/* SPDX-License-Identifier: MIT */
#include "audit_sweep.h"

#include "say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One dim for each step of the tuning table and for what models use; the last two are the shapes of multi-head
 * latent attention. */
static const audit_dims default_dims = {
    .count = 7,
    .dim = {32, 64, 96, 128, 192, 256, 576},
    .value_dim = {32, 64, 96, 128, 128, 256, 512},
};

/* What the keys of a query are told by. */
typedef enum audit_map {
    AUDIT_DENSE,
    AUDIT_RULES,
    AUDIT_BYTES,
    AUDIT_GRID,
    AUDIT_LISTS,
    AUDIT_BOXES
} audit_map;

/* The rules that are compiled in: a plain kernel and one with all its branches for each map, and what becomes of
 * scores. */
typedef struct audit_rule {
    const char *name;
    audit_map map;
    bool full;          /* also the log-sum-exp, which the kernels named _full have */
    const char *suffix; /* of the kernel's name */
    vatten_bias bias;
    bool weights;
} audit_rule;

static const audit_rule rules[] = {
    {"causal", AUDIT_DENSE, false, "", VATTEN_BIAS_NONE, false},
    {"window", AUDIT_DENSE, true, "_full", VATTEN_BIAS_NONE, false},
    {"ruled", AUDIT_RULES, true, "_rules", VATTEN_BIAS_TENSOR, false},
    {"decode", AUDIT_BYTES, true, "_bytes", VATTEN_BIAS_NONE, false},
    {"grid2", AUDIT_GRID, false, "", VATTEN_BIAS_NONE, false},
    {"grid3", AUDIT_GRID, true, "_full", VATTEN_BIAS_NONE, false},
    {"bias3", AUDIT_GRID, true, "_bias", VATTEN_BIAS_RELATIVE, false},
    {"weights2", AUDIT_GRID, false, "", VATTEN_BIAS_NONE, true},
    {"masked", AUDIT_LISTS, true, "", VATTEN_BIAS_NONE, false},
    {"boxes3", AUDIT_BOXES, true, "", VATTEN_BIAS_NONE, false},
    {"boxes3 biased", AUDIT_BOXES, true, "_bias", VATTEN_BIAS_TENSOR, false},
};

static const vatten_layout layouts[] = {VATTEN_LAYOUT_ROWS, VATTEN_LAYOUT_SUBGROUP, VATTEN_LAYOUT_SHARED,
                                        VATTEN_LAYOUT_MATRIX, VATTEN_LAYOUT_STREAM};

static void heads_of(vatten_heads *heads, vatten_dtype dtype, uint32_t dim, uint32_t value_dim, bool full,
                     const vatten_tile *tile) {
    *heads = (vatten_heads){.dtype = dtype,
                            .batch = 1,
                            .heads = 8,
                            .kv_heads = 2,
                            .dim = dim,
                            .value_dim = value_dim,
                            .write_lse = full,
                            .tile = *tile};
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

/* One token of several sequences in pages of bytes, whose heads share tiles and whose keys are shared out. */
static void decode_of(vatten_attention_desc *desc) {
    desc->q_len = 1;
    desc->kv_len = 8192;
    desc->lengths = VATTEN_LENGTHS_KV;
    desc->page_size = 16;
    desc->pool_pages = 1024;
    desc->heads.kv_dtype = VATTEN_DTYPE_I8;
    desc->heads.kv_block = 8;
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

static vatten_result create_plan(vatten_device *device, const audit_rule *rule, const vatten_heads *heads,
                                 vatten_plan **out) {
    vatten_attention_desc dense = {.heads = *heads};
    vatten_neighborhood_desc grid = {.heads = *heads};
    vatten_lists_desc lists = {.heads = *heads};
    if (rule->map <= AUDIT_BYTES) {
        attention_of(rule, &dense);
        return vatten_attention_create(device, &dense, out);
    }
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

/* "attention_dense_f32_subgroup", before there is a plan to ask. */
static void kernel_name(const audit_rule *rule, const vatten_heads *heads, char *out, size_t out_size) {
    static const char *const maps[] = {"dense", "dense", "dense", "neighborhood", "lists", "lists"};
    snprintf(out, out_size, "attention_%s_%s_%s%s", maps[rule->map], family_dtype_name(heads->dtype),
             family_layout_name(heads->tile.layout), rule->suffix);
}

static void take_statistics(const vatten_plan *plan, audit_row *row) {
    uint32_t count = 0;
    if (vatten_plan_get_statistics(plan, NULL, &count) != VATTEN_SUCCESS || count == 0)
        return;
    vatten_statistic *statistics = calloc(count, sizeof *statistics);
    if (statistics && vatten_plan_get_statistics(plan, statistics, &count) == VATTEN_SUCCESS)
        audit_take(row, statistics, count);
    free(statistics);
}

/* A tile that the driver refused is its failure, even where a later row of the table came to the rescue. */
static void judge(vatten_result result, const vatten_plan *plan, audit_row *row) {
    if (result != VATTEN_SUCCESS) {
        bool by_rule = result == VATTEN_ERROR_UNSUPPORTED || result == VATTEN_ERROR_INVALID_ARGUMENT;
        row->status = by_rule ? AUDIT_REFUSED : AUDIT_FAILED;
        snprintf(row->reason, sizeof row->reason, "%.250s", say_last_error());
        return;
    }
    vatten_plan_info info;
    vatten_plan_get_info(plan, &info);
    snprintf(row->kernel, sizeof row->kernel, "%s", info.kernel);
    row->tile = info.tile;
    row->shared_bytes = info.shared_bytes;
    row->status = info.refused_tiles ? AUDIT_FAILED : AUDIT_COMPILED;
    if (info.refused_tiles)
        snprintf(row->reason, sizeof row->reason, "the driver refused %u better tiles", info.refused_tiles);
    take_statistics(plan, row);
}

static bool compile(const audit_sweep *sweep, const audit_rule *rule, const vatten_heads *heads,
                    audit_row *row) {
    kernel_name(rule, heads, row->kernel, sizeof row->kernel);
    if (sweep->only && !strstr(row->kernel, sweep->only))
        return true;
    snprintf(row->problem, sizeof row->problem, "%s", rule->name);
    row->dim = heads->dim;
    row->value_dim = heads->value_dim;
    row->tile.layout = heads->tile.layout;
    for (int i = 0; i < AUDIT_FIGURES; ++i)
        row->figures[i] = AUDIT_UNKNOWN;
    say_note("%s: %s %s %ux%u", row->device, row->kernel, row->problem, row->dim, row->value_dim);
    say_forget();
    vatten_plan *plan = NULL;
    vatten_result result = create_plan(vatten_context_device(sweep->context), rule, heads, &plan);
    judge(result, plan, row);
    vatten_plan_destroy(plan);
    return sweep->sink(sweep->user, row);
}

static bool compile_dims(const audit_sweep *sweep, const audit_row *blank, const audit_rule *rule,
                         vatten_dtype dtype, const vatten_tile *tile) {
    const audit_dims *dims = sweep->dims->count ? sweep->dims : &default_dims;
    for (size_t i = 0; i < dims->count; ++i) {
        audit_row row = *blank;
        vatten_heads heads;
        heads_of(&heads, dtype, dims->dim[i], dims->value_dim[i], rule->full, tile);
        if (!compile(sweep, rule, &heads, &row))
            return false;
    }
    return true;
}

/* There are MATRIX kernels for F16 only, and not for bytes; STREAM kernels have rules. */
static bool takes(vatten_layout layout, vatten_dtype dtype, audit_map map) {
    if (layout == VATTEN_LAYOUT_STREAM)
        return map == AUDIT_RULES || map == AUDIT_BYTES;
    return layout != VATTEN_LAYOUT_MATRIX || (dtype == VATTEN_DTYPE_F16 && map != AUDIT_BYTES);
}

static bool compile_layout(const audit_sweep *sweep, const audit_row *blank, const vatten_tile *tile) {
    for (size_t r = 0; r < sizeof rules / sizeof *rules; ++r)
        for (vatten_dtype dtype = VATTEN_DTYPE_F32; dtype <= VATTEN_DTYPE_BF16; ++dtype)
            if (takes(tile->layout, dtype, rules[r].map) &&
                !compile_dims(sweep, blank, &rules[r], dtype, tile))
                return false;
    return true;
}

/* The tuning table gives ROWS and STREAM to CPU devices only: on a GPU nobody is given it who does not ask. MATRIX stands
 * where device and build have it. */
static bool offered(const vatten_device_info *device, vatten_layout layout) {
    if (layout == VATTEN_LAYOUT_MATRIX)
        return device->matrices[0] != '\0';
    return device->cpu || (layout != VATTEN_LAYOUT_ROWS && layout != VATTEN_LAYOUT_STREAM);
}

static bool make_tile(const family_options *options, vatten_tile *tile) {
    family_shape shape = {.q_len = 1, .kv_len = 1};
    family_problem problem;
    if (!family_make_problem(FAMILY_ATTENTION, options, &shape, &problem))
        return false;
    *tile = problem.attention.heads.tile;
    return true;
}

bool audit_run(const audit_sweep *sweep) {
    vatten_context_info info;
    vatten_device_info device;
    vatten_tile tile;
    vatten_context_get_info(sweep->context, &info);
    vatten_device_get_info(vatten_context_device(sweep->context), &device);
    if (!make_tile(sweep->options, &tile))
        return false;
    audit_row blank = {0};
    snprintf(blank.device, sizeof blank.device, "%.63s", sweep->name ? sweep->name : info.device_name);
    snprintf(blank.driver, sizeof blank.driver, "%.127s", info.driver);
    if (tile.layout != VATTEN_LAYOUT_AUTO)
        return compile_layout(sweep, &blank, &tile);
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; ++i) {
        tile.layout = layouts[i];
        if (offered(&device, layouts[i]) && !compile_layout(sweep, &blank, &tile))
            return false;
    }
    return true;
}
