/* SPDX-License-Identifier: MIT
 *
 * Problems: short ways to say one, its plan, the shapes and places of its tensors.
 */
#include "gpu_dense.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void set_heads(vatten_heads *h, vatten_dtype dtype, uint32_t heads, uint32_t kv_heads, uint32_t dim) {
    h->dtype = dtype;
    h->batch = 1;
    h->heads = heads;
    h->kv_heads = kv_heads;
    h->dim = dim;
    h->write_lse = true;
}

gpu_problem gpu_dense(vatten_dtype dtype, uint64_t q_len, uint64_t kv_len, uint32_t heads, uint32_t kv_heads,
                      uint32_t dim) {
    gpu_problem problem = {.seed = 1};
    set_heads(&problem.dense.heads, dtype, heads, kv_heads, dim);
    problem.dense.q_len = q_len;
    problem.dense.kv_len = kv_len;
    return problem;
}

gpu_problem gpu_grid(vatten_dtype dtype, uint32_t rank, const uint64_t *extents, uint32_t heads,
                     uint32_t kv_heads, uint32_t dim) {
    gpu_problem problem = {.seed = 1, .grid = true};
    set_heads(&problem.hood.heads, dtype, heads, kv_heads, dim);
    problem.hood.rank = rank;
    for (uint32_t a = 0; a < rank; ++a) {
        problem.hood.axis[a] =
            (vatten_axis){.extent = extents[a], .window = extents[a] < 3 ? 1 : 3, .stride = 1, .dilation = 1};
    }
    return problem;
}

vatten_heads *gpu_heads(gpu_problem *problem) {
    return problem->listed ? &problem->lists.heads
           : problem->grid ? &problem->hood.heads
                           : &problem->dense.heads;
}

const vatten_heads *gpu_heads_of(const gpu_problem *problem) {
    return problem->listed ? &problem->lists.heads
           : problem->grid ? &problem->hood.heads
                           : &problem->dense.heads;
}

vatten_layout gpu_layout_of(const gpu_problem *problem) {
    return gpu_heads_of(problem)->tile.layout;
}

bool gpu_takes_dots(const gpu_problem *problem) {
    const vatten_heads *h = gpu_heads_of(problem);
    return h->kv_dtype == VATTEN_DTYPE_I8 && h->kv_block % 16 == 0;
}

void gpu_set_layout(const gpu *g, gpu_problem *problem, vatten_layout layout, bool small) {
    vatten_heads *h = gpu_heads(problem);
    bool dense = !problem->grid && !problem->listed;
    if (layout == VATTEN_LAYOUT_STREAM && !dense) {
        layout = VATTEN_LAYOUT_ROWS;
    }
    if (layout == VATTEN_LAYOUT_DOT && !gpu_takes_dots(problem)) {
        layout = VATTEN_LAYOUT_SUBGROUP;
    }
    h->tile = small ? gpu_small_tile(g, layout) : (vatten_tile){.layout = layout};
    if (gpu_has_matrices(layout)) {
        h->dtype = gpu_matrix_dtype(g, h->dtype);
    }
    if (gpu_stages_f16(layout)) {
        h->dtype = VATTEN_DTYPE_F16;
    }
}

void gpu_name(gpu_problem *problem, const char *format, ...) {
    va_list list;
    va_start(list, format);
    vsnprintf(problem->name, sizeof problem->name, format, list);
    va_end(list);
}

uint64_t gpu_q_capacity(const gpu_problem *problem) {
    uint64_t tokens = 1;
    if (!problem->grid) {
        return problem->listed ? problem->lists.q_len : problem->dense.q_len;
    }
    for (uint32_t a = 0; a < problem->hood.rank; ++a) {
        tokens *= problem->hood.axis[a].extent;
    }
    return tokens;
}

uint64_t gpu_kv_capacity(const gpu_problem *problem) {
    return problem->listed ? problem->lists.kv_len
           : problem->grid ? gpu_q_capacity(problem)
                           : problem->dense.kv_len;
}

vatten_result gpu_plan_create(gpu *g, const gpu_problem *problem, vatten_plan **out_plan) {
    g->message[0] = '\0';
    return problem->listed ? vatten_lists_create(g->device, &problem->lists, out_plan)
           : problem->grid ? vatten_neighborhood_create(g->device, &problem->hood, out_plan)
                           : vatten_attention_create(g->device, &problem->dense, out_plan);
}

static gpu_view view_of(const vatten_heads *h, uint64_t tokens, uint64_t capacity, uint32_t heads,
                        uint32_t dim, const vatten_strides *strides) {
    gpu_view view = {
        .used = capacity > 0,
        .dtype = gpu_ref_dtype(h->dtype),
        .batch = h->batch,
        .tokens = tokens,
        .capacity = capacity,
        .heads = heads,
        .dim = dim,
        .strides = *strides,
    };
    if (strides->batch == 0 && strides->head == 0 && strides->token == 0) {
        view.strides.head = (int64_t)dim;
        view.strides.token = (int64_t)dim * (int64_t)heads;
        view.strides.batch = view.strides.token * (int64_t)capacity;
    }
    return view;
}

static uint64_t length_now(uint64_t asked, uint64_t capacity) {
    return asked == VATTEN_EMPTY ? 0 : asked == 0 ? capacity : asked;
}

/* Windows of the largest of all heads. */
static void widest(const vatten_neighborhood_desc *desc, uint64_t window[3]) {
    for (uint32_t a = 0; a < 3; ++a) {
        window[a] = a < desc->rank ? desc->axis[a].window : 1;
        for (uint32_t h = 0; h < desc->heads.heads && desc->head_axes && a < desc->rank; ++h) {
            uint64_t own = desc->head_axes[(size_t)h * 3 + a].window;
            window[a] = h == 0 || own > window[a] ? own : window[a];
        }
    }
}

/* The most keys of a window; 0 if q holds queries. */
static uint32_t weights_of(const gpu_problem *p) {
    uint64_t most = 0;
    for (uint32_t h = 0; p->grid && p->hood.weights && h < p->hood.heads.heads; ++h) {
        const vatten_axis *axes = p->hood.head_axes ? p->hood.head_axes + (size_t)h * 3 : p->hood.axis;
        uint64_t keys = 1;
        for (uint32_t a = 0; a < p->hood.rank; ++a) {
            keys *= axes[a].window;
        }
        most = keys > most ? keys : most;
    }
    return (uint32_t)most;
}

static void place_bias(gpu_trial *trial) {
    const vatten_neighborhood_desc *desc = &trial->problem->hood;
    uint64_t *window = trial->table.window, entries = 1;
    if (!trial->problem->grid || desc->bias == VATTEN_BIAS_NONE) {
        return;
    }
    widest(desc, window);
    for (uint32_t a = 0; a < 3; ++a) {
        entries *= 2 * window[a] - 1;
    }
    trial->view[GPU_BIAS] = (gpu_view){
        .used = true,
        .dtype = REF_F32,
        .batch = 1,
        .tokens = 1,
        .capacity = 1,
        .heads = desc->heads.heads,
        .dim = entries,
        .strides = {.head = (int64_t)entries},
    };
}

/* Tokens are queries, dims are keys. */
static void place_pair_bias(gpu_trial *trial) {
    const vatten_lists_desc *desc = &trial->problem->lists;
    const vatten_strides *t = &desc->bias_strides;
    uint64_t heads = desc->bias_heads ? desc->bias_heads : desc->heads.heads;
    int64_t row = (int64_t)desc->kv_len, all = row * (int64_t)desc->q_len;
    bool packed = t->batch == 0 && t->head == 0 && t->token == 0;
    trial->view[GPU_BIAS] = (gpu_view){
        .used = true,
        .dtype = REF_F32,
        .batch = desc->heads.batch,
        .tokens = desc->q_len,
        .capacity = desc->q_len,
        .heads = heads,
        .dim = desc->kv_len,
        .strides = packed ? (vatten_strides){.batch = all * (int64_t)heads, .head = all, .token = row} : *t,
    };
    const vatten_strides *at = &trial->view[GPU_BIAS].strides;
    trial->bias = (ref_bias){.batch = at->batch, .head = at->head, .token = at->token, .heads = heads};
}

static uint64_t boxes_across(const vatten_boxes *boxes) {
    uint64_t count = 1;
    for (uint32_t a = 0; a < boxes->rank; ++a) {
        uint64_t extent = a == 0 && boxes->q_extent ? boxes->q_extent : boxes->extent[a];
        count *= (extent + boxes->q_box[a] - 1) / boxes->q_box[a];
    }
    return count;
}

/* Rows that lists are for, and lists of a head. */
static void count_rows(const vatten_lists_desc *desc, uint64_t *out_block, uint64_t *out_rows) {
    const vatten_boxes *boxes = &desc->boxes;
    *out_block = desc->q_block;
    *out_rows = desc->rows;
    if (boxes->rank && boxes->q_box[0]) {
        *out_block = 1;
        for (uint32_t a = 0; a < boxes->rank; ++a) {
            *out_block *= boxes->q_box[a];
        }
        *out_rows = boxes_across(boxes);
    } else if (desc->kind != VATTEN_LIST_RANGES) {
        *out_rows = (desc->q_len + desc->q_block - 1) / desc->q_block;
    }
}

static void place_boxes(const vatten_boxes *boxes, ref_lists *lists) {
    lists->rank = boxes->rank;
    lists->q_extent = boxes->q_extent ? boxes->q_extent : boxes->extent[0];
    for (uint32_t a = 0; a < boxes->rank; ++a) {
        lists->extent[a] = boxes->extent[a];
        lists->q_box[a] = boxes->q_box[a];
        lists->kv_box[a] = boxes->kv_box[a];
    }
}

uint64_t gpu_list_rows(const vatten_lists_desc *desc) {
    uint64_t block, rows;
    count_rows(desc, &block, &rows);
    return rows;
}

/* The oracle's lists are packed, the buffer's as the desc says. */
static void place_lists(gpu_trial *trial) {
    const vatten_lists_desc *desc = &trial->problem->lists;
    ref_lists *lists = &trial->lists;
    if (!trial->problem->listed) {
        return;
    }
    if (desc->bias) {
        place_pair_bias(trial);
    }
    *lists = (ref_lists){
        .kind = (ref_list_kind)desc->kind,
        .kv_block = desc->kv_block ? desc->kv_block : 1,
        .entries = desc->entries,
        .row_words = vatten_lists_words(desc),
        .heads = desc->list_heads ? desc->list_heads : desc->heads.heads,
        .row_masks = desc->row_masks,
        .key_stride = desc->key_stride,
        .key_phase = desc->key_phase,
        .dense = {.q_len = desc->q_len,
                  .kv_len = desc->kv_len,
                  .causal = desc->causal,
                  .align_first = desc->align == VATTEN_ALIGN_FIRST,
                  .left = desc->window.enabled ? desc->window.left : -1,
                  .right = desc->window.enabled ? desc->window.right : -1,
                  .prefix = desc->prefix},
        .words = trial->problem->words,
    };
    count_rows(desc, &lists->q_block, &lists->rows);
    place_boxes(&desc->boxes, lists);
    bool packed = desc->lists.batch == 0 && desc->lists.head == 0 && desc->lists.token == 0;
    int64_t row = (int64_t)lists->row_words;
    trial->view[GPU_LISTS] = (gpu_view){
        .used = true,
        .dtype = REF_F32,
        .batch = desc->heads.batch,
        .tokens = lists->rows,
        .capacity = lists->rows,
        .heads = lists->heads,
        .dim = lists->row_words,
        .strides = packed ? (vatten_strides){.batch = row * (int64_t)(lists->rows * lists->heads),
                                             .head = row * (int64_t)lists->rows,
                                             .token = row}
                          : desc->lists,
    };
}

static void fill_lists(gpu_trial *trial) {
    const gpu_view *view = &trial->view[GPU_LISTS];
    const uint32_t *word = trial->problem->words;
    for (uint64_t n = 0; n < view->batch * view->heads * view->tokens * view->dim; ++n) {
        uint64_t w = n % view->dim, row = n / view->dim % view->tokens, head = n / view->dim / view->tokens;
        uint64_t at = gpu_view_index(view, head / view->heads, row, head % view->heads, w);
        memcpy(trial->region[GPU_LISTS].image + trial->region[GPU_LISTS].offset + 4 * at, &word[n], 4);
    }
}

/* Fills view[] and the lengths of a trial whose problem is set. */
static bool place_tensors(gpu_trial *trial) {
    const gpu_problem *p = trial->problem;
    const vatten_heads *h = gpu_heads_of(p);
    uint64_t q_cap = gpu_q_capacity(p), kv_cap = gpu_kv_capacity(p);
    bool dense = !p->grid && !p->listed;
    uint64_t extra = p->grid ? p->hood.extra_len : dense ? p->dense.extra_len : 0;
    const vatten_strides *extra_k = dense ? &p->dense.extra_k : &p->hood.extra_k;
    const vatten_strides *extra_v = dense ? &p->dense.extra_v : &p->hood.extra_v;
    uint32_t value_dim = h->value_dim ? h->value_dim : h->dim;
    gpu_view *view = trial->view;

    trial->q_now = length_now(p->q_len, q_cap);
    trial->kv_now = length_now(p->kv_len, kv_cap);
    uint32_t weights = weights_of(p);
    view[GPU_Q] = view_of(h, trial->q_now, q_cap, h->heads, weights ? weights : h->dim, &h->q);
    view[GPU_K] = view_of(h, trial->kv_now, weights ? 0 : kv_cap, h->kv_heads, h->dim, &h->k);
    view[GPU_V] = view_of(h, trial->kv_now, kv_cap, h->kv_heads, value_dim, &h->v);
    view[GPU_OUT] = view_of(h, trial->q_now, q_cap, h->heads, value_dim, &h->out);
    view[GPU_EXTRA_K] = view_of(h, extra, extra, h->kv_heads, h->dim, extra_k);
    view[GPU_EXTRA_V] = view_of(h, extra, extra, h->kv_heads, value_dim, extra_v);
    place_bias(trial);
    place_lists(trial);
    view[GPU_LSE] = (gpu_view){
        .used = h->write_lse,
        .dtype = REF_F32,
        .batch = h->batch,
        .tokens = trial->q_now,
        .capacity = q_cap,
        .heads = h->heads,
        .dim = 1,
        .strides = {.batch = (int64_t)(h->heads * q_cap), .head = (int64_t)q_cap, .token = 1},
    };
    return !dense || gpu_dense_place(trial);
}

static bool leaves_state(const gpu_problem *p) {
    return !p->grid && !p->listed && (p->dense.carry & VATTEN_CARRY_OUT);
}

/* What the plan says each buffer must hold against what the strides say. It may round up to whole words. */
static bool check_sizes(gpu_trial *trial, uint64_t bytes[GPU_SLOTS]) {
    const vatten_plan_info *info = &trial->info;
    const uint64_t told[GPU_SLOTS] = {info->q_bytes,       info->k_bytes,         info->v_bytes,
                                      info->out_bytes,     info->lse_bytes,       info->extra_k_bytes,
                                      info->extra_v_bytes, info->workspace_bytes, info->bias_bytes,
                                      info->lists_bytes,   info->tables_bytes,    info->state_bytes};
    for (int slot = 0; slot < GPU_SLOTS; ++slot) {
        uint64_t needed = slot == GPU_WORKSPACE ? told[slot] : gpu_view_bytes(&trial->view[slot]);
        if (slot == GPU_OUT && told[slot] == 0 && leaves_state(trial->problem)) {
            needed = 0;
        }
        if (told[slot] < needed || told[slot] > (needed + 15) / 16 * 16) {
            gpu_fail(trial->owner, "%s: the plan wants %llu bytes of %s, its strides reach %llu",
                     trial->problem->name, (unsigned long long)told[slot], gpu_slot_name((gpu_slot)slot),
                     (unsigned long long)needed);
            return false;
        }
        bytes[slot] = told[slot];
    }
    return true;
}

static float unit_variance(const gpu_problem *p, gpu_slot slot, const gpu_view *view, uint64_t b, uint64_t t,
                           uint64_t h, uint64_t d) {
    bool pages = !p->grid && !p->listed && p->dense.page_size && (slot == GPU_K || slot == GPU_V);
    uint64_t capacity = pages ? p->dense.kv_len : view->capacity;
    uint64_t i = ((b * capacity + t) * view->heads + h) * view->dim + d;
    double scale = slot == GPU_Q && weights_of(p) ? 1.0 / sqrt((double)view->dim) : 1.0;
    return (float)(scale * (double)ref_random(p->seed * GPU_SLOTS + (uint64_t)slot, i));
}

/* One row of a tensor; b and t are those of the problem, `index` is where it stands. */
static void fill_row(gpu_trial *trial, gpu_slot slot, uint64_t b, uint64_t t, uint64_t h, uint64_t index) {
    const gpu_problem *p = trial->problem;
    const gpu_view *view = &trial->view[slot];
    float row[VATTEN_MAX_DIM];
    for (uint64_t d = 0; d < view->dim; ++d) {
        float value =
            p->value ? p->value(p->user, slot, b, t, h, d) : unit_variance(p, slot, view, b, t, h, d);
        if (view->dtype == REF_I8) {
            row[d] = value;
        } else {
            gpu_region_write(&trial->region[slot], view, index + d, value);
        }
    }
    if (view->dtype == REF_I8) {
        gpu_write_bytes(&trial->region[slot], view, index, row);
    }
}

/* Writes the tokens in use, or all of a problem that is defined; what lies past them and between them stays NaN. */
static void fill_input(gpu_trial *trial, gpu_slot slot) {
    const gpu_view *view = &trial->view[slot];
    for (uint64_t n = 0; n < view->batch * view->tokens; ++n) {
        uint64_t b = n / view->tokens, t = n % view->tokens, own_b, own_t;
        bool used = gpu_token_used(trial, slot, b, t, &own_b, &own_t) || trial->problem->defined;
        for (uint64_t h = 0; h < view->heads && used; ++h) {
            fill_row(trial, slot, own_b, own_t, h, gpu_view_index(view, b, t, h, 0));
        }
    }
}

static vatten_buffer argument(const gpu_region *region) {
    vatten_buffer buffer = {0};
    if (region->memory) {
        buffer.buffer = vatten_memory_buffer(region->memory).buffer;
        buffer.offset = region->offset;
        buffer.size = region->bytes;
    }
    return buffer;
}

static void set_args(gpu_trial *trial) {
    const gpu_region *region = trial->region;
    trial->args = (vatten_args){
        .q = argument(&region[GPU_Q]),
        .k = argument(&region[GPU_K]),
        .v = argument(&region[GPU_V]),
        .out = argument(&region[GPU_OUT]),
        .lse = argument(&region[GPU_LSE]),
        .extra_k = argument(&region[GPU_EXTRA_K]),
        .extra_v = argument(&region[GPU_EXTRA_V]),
        .workspace = argument(&region[GPU_WORKSPACE]),
        .bias = argument(&region[GPU_BIAS]),
        .lists = argument(&region[GPU_LISTS]),
        .tables = argument(&region[GPU_TABLES]),
        .state = argument(&region[GPU_STATE]),
        .q_len = trial->problem->q_len,
        .kv_len = trial->problem->kv_len,
    };
    if (trial->problem->v_is_k) {
        trial->args.v = trial->args.k;
    }
}

static bool create_regions(gpu_trial *trial, const uint64_t bytes[GPU_SLOTS]) {
    for (int slot = 0; slot < GPU_SLOTS; ++slot) {
        if (!gpu_region_create(trial->owner, &trial->region[slot], (gpu_slot)slot, bytes[slot],
                               trial->info.offset_alignment)) {
            gpu_fail(trial->owner, "%s: no memory for %s", trial->problem->name,
                     gpu_slot_name((gpu_slot)slot));
            return false;
        }
    }
    return true;
}

/* Tables first: what tensors hold depends on them. */
static bool fill_all(gpu_trial *trial) {
    static const gpu_slot inputs[] = {GPU_Q, GPU_K, GPU_V, GPU_EXTRA_K, GPU_EXTRA_V, GPU_BIAS};
    const gpu_problem *p = trial->problem;
    bool dense = !p->grid && !p->listed;
    if (dense && !gpu_dense_fill(trial)) {
        return false;
    }
    for (size_t n = 0; n < sizeof inputs / sizeof inputs[0]; ++n) {
        if (trial->view[inputs[n]].used && !(dense && inputs[n] == GPU_BIAS)) {
            fill_input(trial, inputs[n]);
        }
    }
    if (trial->view[GPU_LISTS].used) {
        fill_lists(trial);
    }
    return true;
}

vatten_result gpu_trial_begin(gpu *g, const gpu_problem *problem, gpu_trial *trial) {
    uint64_t bytes[GPU_SLOTS];
    memset(trial, 0, sizeof *trial);
    trial->owner = g;
    trial->problem = problem;
    vatten_result result = gpu_plan_create(g, problem, &trial->plan);
    if (result != VATTEN_SUCCESS) {
        if (trial->plan) {
            gpu_fail(g, "%s: a failed create left a plan behind", problem->name);
        }
        return result;
    }
    vatten_plan_get_info(trial->plan, &trial->info);
    if (!place_tensors(trial) || !check_sizes(trial, bytes)) {
        return VATTEN_ERROR_INVALID_ARGUMENT;
    }
    if (problem->v_is_k) {
        bytes[GPU_V] = 0;
        trial->view[GPU_V].used = false;
    }
    if (!create_regions(trial, bytes)) {
        return VATTEN_ERROR_OUT_OF_DEVICE_MEMORY;
    }
    if (!fill_all(trial)) {
        return VATTEN_ERROR_INVALID_ARGUMENT;
    }
    for (int slot = 0; slot < GPU_SLOTS; ++slot) {
        if (!gpu_region_upload(&trial->region[slot])) {
            gpu_fail(g, "%s: upload of %s failed", problem->name, gpu_slot_name((gpu_slot)slot));
            return VATTEN_ERROR_VULKAN;
        }
    }
    if (trial->view[GPU_BIAS].used) {
        trial->table.data = trial->bias.data =
            (const float *)(const void *)(trial->region[GPU_BIAS].image + trial->region[GPU_BIAS].offset);
    }
    set_args(trial);
    return VATTEN_SUCCESS;
}

/* ---- For the oracle ---- */

static ref_tensor tensor_of(const gpu_trial *trial, gpu_slot slot, gpu_slot view_slot) {
    const gpu_view *view = &trial->view[view_slot];
    const gpu_region *region = &trial->region[slot];
    ref_tensor tensor = {
        .data = region->image ? region->image + region->offset : NULL,
        .dtype = view->dtype,
        .batch = view->strides.batch,
        .token = view->strides.token,
        .head = view->strides.head,
        .block = view->block,
    };
    return tensor;
}

static void dense_rule(const gpu_trial *trial, ref_dense_rule *rule) {
    const vatten_attention_desc *desc = &trial->problem->dense;
    *rule = (ref_dense_rule){
        .q_len = trial->q_now,
        .kv_len = trial->kv_now,
        .causal = desc->causal,
        .align_first = desc->align == VATTEN_ALIGN_FIRST,
        .left = desc->window.enabled ? desc->window.left : -1,
        .right = desc->window.enabled ? desc->window.right : -1,
        .prefix = desc->prefix,
    };
}

static void grid_rule(const gpu_trial *trial, ref_grid_rule *rule) {
    const vatten_neighborhood_desc *desc = &trial->problem->hood;
    rule->rank = desc->rank;
    for (uint32_t a = 0; a < desc->rank; ++a) {
        rule->axis[a] = (ref_axis_rule){
            .extent = desc->axis[a].extent,
            .window = desc->axis[a].window,
            .stride = desc->axis[a].stride,
            .dilation = desc->axis[a].dilation,
            .causal = desc->axis[a].causal,
            .edge = (ref_edge)desc->axis[a].edge,
            .roll = desc->axis[a].roll,
        };
    }
}

ref_problem gpu_reference(const gpu_trial *trial, ref_dense_rule *dense, ref_grid_rule *grid) {
    const vatten_heads *h = gpu_heads_of(trial->problem);
    ref_problem problem = {
        .heads = h->heads,
        .kv_heads = h->kv_heads,
        .dim = h->dim,
        .value_dim = h->value_dim ? h->value_dim : h->dim,
        .scale = (double)h->scale,
        .q = tensor_of(trial, GPU_Q, GPU_Q),
        .k = tensor_of(trial, GPU_K, GPU_K),
        .v = tensor_of(trial, trial->problem->v_is_k ? GPU_K : GPU_V, GPU_V),
        .extra_len = trial->view[GPU_EXTRA_K].tokens,
        .extra_k = tensor_of(trial, GPU_EXTRA_K, GPU_EXTRA_K),
        .extra_v = tensor_of(trial, GPU_EXTRA_V, GPU_EXTRA_V),
    };
    if (trial->problem->listed) {
        problem.lists = &trial->lists;
        problem.bias = trial->problem->lists.bias ? &trial->bias : NULL;
    } else if (trial->problem->own) {
        problem.own = trial->problem->own;
    } else if (trial->problem->grid) {
        grid_rule(trial, grid);
        problem.grid = grid;
        problem.table = trial->table.data ? &trial->table : NULL;
        problem.weights = trial->problem->hood.weights;
    } else {
        dense_rule(trial, dense);
        problem.dense = dense;
        problem.more = &trial->more;
    }
    return problem;
}
