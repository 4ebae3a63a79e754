/* SPDX-License-Identifier: MIT */
#include "family.h"

#include "say.h"

#include <string.h>

#define FIELD(member) offsetof(family_options, member)

#define CAUSAL_ROW                                                                                           \
    {                                                                                                        \
        "causal", OPTION_CHOICE, FIELD(dense_causal), FAMILY_CAUSAL_WORDS,                                   \
            "hide later keys; the last (first) query stands on the last (first) key"                         \
    }

static const option_spec attention_rule[] = {
    CAUSAL_ROW,
    {"window", OPTION_INTS, FIELD(dense_window), "LEFT,RIGHT",
     "keys seen from the diagonal, inclusive; -1 = unlimited"},
    {"prefix", OPTION_U64, FIELD(prefix), "N", "the first N keys are visible whatever the window says"},
    {"align", OPTION_CHOICE, FIELD(align), "last|first", "diagonal of a window that is not causal"},
};

static const option_spec neighborhood_rule[] = {
    {"window", OPTION_INTS, FIELD(window), "N,N,...", "keys seen per axis, required"},
    {"stride", OPTION_INTS, FIELD(stride), "N,N,...", "queries that share a window, per axis; default 1"},
    {"dilation", OPTION_INTS, FIELD(dilation), "N,N,...", "distance of neighbours, per axis; default 1"},
    {"causal", OPTION_INTS, FIELD(causal), "0,1,...", "hide later keys, per axis; default 0"},
    {"edge", OPTION_CHOICE, FIELD(edge), "shift|crop|zero",
     "windows at the borders move, are cut, or padded"},
    {"roll", OPTION_INTS, FIELD(roll), "N,N,...",
     "tokens that the grid is shifted back by, per axis; default 0"},
    {"box", OPTION_INTS, FIELD(box), "N,N,...",
     "queries of a workgroup, per axis; default: fewest key tiles"},
};

static const option_spec lists_rule[] = {
    {"list-kind", OPTION_CHOICE, FIELD(list_kind), "blocks|ranges|keys",
     "what an entry names; default blocks"},
    {"q-block", OPTION_U32, FIELD(q_block), "N",
     "queries that share a list, required; ranges: at most so many"},
    {"kv-block", OPTION_U32, FIELD(kv_block), "N", "keys of a block; required for blocks"},
    {"row-masks", OPTION_FLAG, FIELD(row_masks), NULL, "entries of blocks say which rows they are for"},
    CAUSAL_ROW,
    {"window", OPTION_INTS, FIELD(dense_window), "LEFT,RIGHT",
     "of the listed keys those seen from the diagonal, inclusive; -1 = unlimited"},
    {"prefix", OPTION_U64, FIELD(prefix), "N", "the first N keys are visible whatever the window says"},
    {"align", OPTION_CHOICE, FIELD(align), "last|first", "diagonal of a window that is not causal"},
    {"key-stride", OPTION_U32, FIELD(key_stride), "N", "every Nth key is visible whatever the window says"},
    {"key-phase", OPTION_U32, FIELD(key_phase), "N", "those with (key + N) mod stride = 0"},
};

static const option_spec sparse_rule[] = {
    {"q-block", OPTION_U32, FIELD(q_block), "N", "queries that share their blocks, required"},
    {"kv-block", OPTION_U32, FIELD(kv_block), "N", "keys of a block, required"},
    {"entries", OPTION_U32, FIELD(selection.entries), "N", "blocks of a list, at most, required"},
    {"list-heads", OPTION_U32, FIELD(selection.list_heads), "N", "heads that have lists; default: all"},
    CAUSAL_ROW,
    {"select-scale", OPTION_FLOAT, FIELD(selection.scale), "X", "factor of scores of blocks; default 1"},
    {"softmax", OPTION_FLAG, FIELD(selection.softmax), NULL, "values of blocks are shares of a softmax"},
    {"own", OPTION_FLAG, FIELD(selection.own), NULL, "the blocks that hold the row's tokens are in"},
    {"first", OPTION_U32, FIELD(selection.first), "N", "so are the first N blocks"},
    {"local", OPTION_U32, FIELD(selection.local), "N", "and N up to the row's last own one"},
    {"budget", OPTION_CHOICE, FIELD(budget), "top|mass|threshold", "what bounds a list; default top"},
    {"share", OPTION_FLOAT, FIELD(selection.share), "X", "of mass, 0..1; or the threshold"},
    {"min-max", OPTION_FLAG, FIELD(selection.min_max), NULL, "mass: weights run from 0 to 1 in a row"},
    {"crossing-out", OPTION_FLAG, FIELD(selection.crossing_out), NULL,
     "mass: without the block that crosses the share"},
    {"least", OPTION_U32, FIELD(selection.least), "N", "mass, threshold: at least N blocks more"},
    {"complete", OPTION_FLAG, FIELD(selection.complete), NULL,
     "only blocks that end before the row does have values"},
    {"budget-rows", OPTION_U32, FIELD(selection.budget_rows), "N", "rows that share a budget; default 1"},
    {"budget-heads", OPTION_U32, FIELD(selection.budget_heads), "N",
     "list heads that share a budget; default 1"},
    {"total", OPTION_U64, FIELD(selection.total), "N", "top: blocks of those that share a budget together"},
    {"by-block", OPTION_FLAG, FIELD(selection.by_block), NULL,
     "each block has a budget of its own, of those rows and heads"},
    {"execution", OPTION_CHOICE, FIELD(execution), "auto|union|gather",
     "where each query has blocks of its own; default: by size"},
    {"max-workspace", OPTION_U64, FIELD(max_workspace), "BYTES", "bound on the workspace; default: by rows"},
};

static const option_spec kernel_options[] = {
    {"scale", OPTION_FLOAT, FIELD(scale), "X", "factor of q . k; default 1/sqrt(dim)"},
    {"layout", OPTION_CHOICE, FIELD(layout), FAMILY_LAYOUT_WORDS, "kernel layout; default: by device"},
    {"tile", OPTION_INTS, FIELD(tile), "WG,ROWS,KEYS,LANES",
     "ask for a tile; 0 leaves a part to the tuning table"},
    {"max-macs", OPTION_U64, FIELD(max_macs), "N", "bound on the multiply-adds of one dispatch"},
    {"max-moves", OPTION_U64, FIELD(max_moves), "N",
     "the same on elements that stages which multiply little read and write"},
};

/* ---- Desc from options and shape ---- */

bool family_make_tile(int layout, const option_ints *list, vatten_tile *tile) {
    tile->layout = (vatten_layout)layout;
    if (list->count == 0)
        return true;
    uint32_t *parts[4] = {&tile->workgroup, &tile->rows, &tile->keys, &tile->lanes_per_row};
    if (list->count != 4) {
        say_error("--tile needs 4 values (workgroup, rows, keys, lanes per row), got %zu", list->count);
        return false;
    }
    for (size_t i = 0; i < 4; ++i) {
        int64_t value = list->value[i];
        if (value < 0 || value > UINT32_MAX) {
            say_error("--tile: %lld is out of range", (long long)value);
            return false;
        }
        *parts[i] = (uint32_t)value;
    }
    return true;
}

static bool make_heads(const family_options *options, const family_shape *shape, vatten_heads *heads) {
    heads->dtype = shape->dtype;
    heads->batch = shape->batch;
    heads->heads = shape->heads;
    heads->kv_heads = shape->kv_heads;
    heads->dim = shape->dim;
    heads->value_dim = shape->value_dim;
    heads->scale = options->scale;
    heads->write_lse = shape->write_lse;
    heads->max_macs = options->max_macs;
    heads->max_moves = options->max_moves;
    return family_make_tile(options->layout, &options->tile, &heads->tile);
}

/* One value per axis: `list` as given, or `missing` on every axis when it was not. */
static bool axis_values(const char *name, const option_ints *list, uint32_t rank, int64_t missing,
                        int64_t out[3]) {
    if (list->count != 0 && list->count != rank) {
        say_error("--%s needs %u value%s for rank %u, got %zu", name, rank, rank == 1 ? "" : "s", rank,
                  list->count);
        return false;
    }
    for (uint32_t a = 0; a < rank; ++a) {
        out[a] = list->count != 0 ? list->value[a] : missing;
        if (out[a] < 0 || out[a] > UINT32_MAX) {
            say_error("--%s: %lld is out of range", name, (long long)out[a]);
            return false;
        }
    }
    return true;
}

static bool make_neighborhood(const family_options *options, const family_shape *shape,
                              family_problem *problem) {
    vatten_neighborhood_desc *desc = &problem->neighborhood;
    int64_t window[3], stride[3], dilation[3], causal[3], roll[3], box[3];
    if (options->window.count == 0) {
        say_error("--window is required, %u value%s for rank %u", shape->rank, shape->rank == 1 ? "" : "s",
                  shape->rank);
        return false;
    }
    if (!axis_values("window", &options->window, shape->rank, 0, window) ||
        !axis_values("stride", &options->stride, shape->rank, 1, stride) ||
        !axis_values("dilation", &options->dilation, shape->rank, 1, dilation) ||
        !axis_values("causal", &options->causal, shape->rank, 0, causal) ||
        !axis_values("roll", &options->roll, shape->rank, 0, roll) ||
        !axis_values("box", &options->box, shape->rank, 0, box))
        return false;
    desc->rank = shape->rank;
    for (uint32_t a = 0; a < shape->rank; ++a) {
        if (causal[a] > 1) {
            say_error("--causal takes 0 or 1 per axis, not %lld", (long long)causal[a]);
            return false;
        }
        desc->axis[a].extent = shape->extent[a];
        desc->axis[a].window = (uint32_t)window[a];
        desc->axis[a].stride = (uint32_t)stride[a];
        desc->axis[a].dilation = (uint32_t)dilation[a];
        desc->axis[a].causal = causal[a] == 1;
        desc->axis[a].edge = (vatten_edge)options->edge;
        desc->axis[a].roll = (uint64_t)roll[a];
        desc->box[a] = (uint32_t)box[a];
    }
    desc->extra_len = shape->extra_len;
    desc->bias = shape->bias ? VATTEN_BIAS_RELATIVE : VATTEN_BIAS_NONE;
    desc->weights = shape->weights;
    return make_heads(options, shape, &desc->heads);
}

/* What dense attention and lists have in common. */
static bool take_diagonal(const family_options *options, bool *causal, vatten_align *align,
                          vatten_window *window) {
    if (options->dense_window.count != 0 && options->dense_window.count != 2) {
        say_error("--window needs 2 values (left, right), got %zu", options->dense_window.count);
        return false;
    }
    *causal = options->dense_causal != FAMILY_CAUSAL_NONE;
    bool first = *causal ? options->dense_causal == FAMILY_CAUSAL_FIRST : options->align == 1;
    *align = first ? VATTEN_ALIGN_FIRST : VATTEN_ALIGN_LAST;
    window->enabled = options->dense_window.count == 2;
    if (window->enabled) {
        window->left = options->dense_window.value[0];
        window->right = options->dense_window.value[1];
    }
    return true;
}

static bool make_attention(const family_options *options, const family_shape *shape,
                           family_problem *problem) {
    vatten_attention_desc *desc = &problem->attention;
    desc->q_len = shape->q_len;
    desc->kv_len = shape->kv_len;
    desc->prefix = options->prefix;
    return take_diagonal(options, &desc->causal, &desc->align, &desc->window) &&
           make_heads(options, shape, &desc->heads);
}

uint32_t family_entry_words(const family_options *options) {
    if (options->list_kind == VATTEN_LIST_RANGES)
        return 2;
    return options->row_masks ? 1 + options->q_block / 32 + (options->q_block % 32 != 0) : 1;
}

uint32_t family_front_words(const family_options *options) {
    return options->list_kind == VATTEN_LIST_RANGES ? 2 : 0;
}

static bool make_lists(const family_options *options, const family_shape *shape, family_problem *problem) {
    vatten_lists_desc *desc = &problem->lists;
    desc->q_len = shape->q_len;
    desc->kv_len = shape->kv_len;
    desc->kind = (vatten_list_kind)options->list_kind;
    desc->q_block = options->q_block;
    desc->kv_block = options->kv_block;
    desc->entries = shape->list_entries;
    desc->rows = options->list_kind == VATTEN_LIST_RANGES ? shape->list_rows : 0;
    desc->list_heads = shape->list_heads;
    desc->lists = shape->list_strides;
    desc->row_masks = options->row_masks;
    desc->prefix = options->prefix;
    desc->key_stride = options->key_stride;
    desc->key_phase = options->key_phase;
    return take_diagonal(options, &desc->causal, &desc->align, &desc->window) &&
           make_heads(options, shape, &desc->heads);
}

static bool make_sparse(const family_options *options, const family_shape *shape, family_problem *problem) {
    vatten_sparse_desc *desc = &problem->sparse;
    vatten_window unused;
    desc->q_len = shape->q_len;
    desc->kv_len = shape->kv_len;
    desc->q_block = options->q_block;
    desc->kv_block = options->kv_block;
    desc->rule = options->selection;
    desc->rule.budget = (vatten_budget)options->budget;
    desc->execution = (vatten_sparse_execution)options->execution;
    desc->max_workspace = options->max_workspace;
    return take_diagonal(options, &desc->causal, &desc->align, &unused) &&
           make_heads(options, shape, &desc->heads);
}

/* ---- The table ---- */

typedef struct family {
    const char *name;
    const char *summary;
    const option_spec *rule;
    size_t rule_count;
    bool (*make)(const family_options *options, const family_shape *shape, family_problem *problem);
} family;

static const family families[FAMILY_COUNT] = {
    [FAMILY_ATTENTION] = {"attention", "dense attention, causal or windowed", attention_rule,
                          sizeof attention_rule / sizeof *attention_rule, make_attention},
    [FAMILY_NEIGHBORHOOD] = {"neighborhood", "neighborhood attention on a grid of 1 to 3 axes",
                             neighborhood_rule, sizeof neighborhood_rule / sizeof *neighborhood_rule,
                             make_neighborhood},
    [FAMILY_LISTS] = {"lists", "attention over lists of blocks, ranges or keys", lists_rule,
                      sizeof lists_rule / sizeof *lists_rule, make_lists},
    [FAMILY_SPARSE] = {"sparse", "blocks chosen by pooled keys, and attention over them", sparse_rule,
                       sizeof sparse_rule / sizeof *sparse_rule, make_sparse},
};

const char *family_name(family_id id) {
    return families[id].name;
}

const char *family_summary(family_id id) {
    return families[id].summary;
}

bool family_find(const char *name, family_id *out_id) {
    for (int id = 0; id < FAMILY_COUNT; ++id) {
        if (strcmp(name, families[id].name) == 0) {
            *out_id = (family_id)id;
            return true;
        }
    }
    return false;
}

option_table family_rule_table(family_id id, family_options *options) {
    option_table table = {"rule", families[id].rule, families[id].rule_count, options};
    return table;
}

option_table family_kernel_table(family_options *options) {
    option_table table = {"kernel", kernel_options, sizeof kernel_options / sizeof *kernel_options, options};
    return table;
}

bool family_make_problem(family_id id, const family_options *options, const family_shape *shape,
                         family_problem *out_problem) {
    memset(out_problem, 0, sizeof *out_problem);
    out_problem->id = id;
    return families[id].make(options, shape, out_problem);
}

vatten_result family_create_plan(vatten_device *device, const family_problem *problem,
                                 vatten_plan **out_plan) {
    switch (problem->id) {
    case FAMILY_LISTS:
        return vatten_lists_create(device, &problem->lists, out_plan);
    case FAMILY_SPARSE:
        return vatten_sparse_create(device, &problem->sparse, out_plan);
    case FAMILY_NEIGHBORHOOD:
        return vatten_neighborhood_create(device, &problem->neighborhood, out_plan);
    default:
        return vatten_attention_create(device, &problem->attention, out_plan);
    }
}

const vatten_heads *family_heads(const family_problem *problem) {
    switch (problem->id) {
    case FAMILY_LISTS:
        return &problem->lists.heads;
    case FAMILY_SPARSE:
        return &problem->sparse.heads;
    case FAMILY_NEIGHBORHOOD:
        return &problem->neighborhood.heads;
    default:
        return &problem->attention.heads;
    }
}

const char *family_dtype_name(vatten_dtype dtype) {
    static const char *const names[] = {"?", "f32", "f16", "bf16"};
    return dtype >= VATTEN_DTYPE_F32 && dtype <= VATTEN_DTYPE_BF16 ? names[dtype] : names[0];
}

uint32_t family_dtype_size(vatten_dtype dtype) {
    return dtype == VATTEN_DTYPE_F32 ? 4 : 2;
}

uint64_t family_tokens(family_id id, const family_shape *shape) {
    if (id != FAMILY_NEIGHBORHOOD)
        return shape->q_len;
    uint64_t tokens = 1;
    for (uint32_t a = 0; a < shape->rank; ++a)
        tokens *= shape->extent[a];
    return tokens;
}

uint64_t family_keys(family_id id, const family_shape *shape) {
    return id == FAMILY_NEIGHBORHOOD ? family_tokens(id, shape) : shape->kv_len;
}
