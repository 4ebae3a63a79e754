/* SPDX-License-Identifier: MIT
 *
 * Cases of selection, and of sparse attention that goes by it.
 */
#include "choice.h"
#include "ops_heads.h"
#include "ops_run.h"
#include "sparse_run.h"

/* Blocks that a row lists whatever their values, at most. */
static uint64_t most_met(uint64_t tokens, uint64_t block) {
    return (tokens + block - 2) / block + 1;
}

static uint64_t blocks_of(uint64_t tokens, uint64_t block) {
    return (tokens + block - 1) / block;
}

/* Room for the forced ones, of which `own` may be the row's. */
static void set_entries(const ops_case *c, uint64_t own, uint64_t blocks, vatten_selection *rule) {
    uint64_t last = own > rule->local ? own : rule->local, forced = rule->first + last;
    uint64_t least = forced < 1 ? 1 : forced < blocks ? forced : blocks;
    rule->entries = (uint32_t)ops_bounded(FIELD(entries), least, blocks);
}

/* Shares and thresholds that no sum of a few whole numbers is. */
static float share_of(const ops_case *c, vatten_budget budget) {
    uint64_t percent = ops_bounded(FIELD(share), 0, 99);
    return budget == VATTEN_BUDGET_MASS ? (float)(percent * 100 + 13) / 10007.0f
                                        : ((float)percent - 50.0f) / 10.0f + 0.0137f;
}

/* ---- Selection ---- */

static void set_runs(const ops_case *c, vatten_select_desc *d) {
    d->rows = ops_bounded(FIELD(q_len), 1, 4096);
    d->blocks = ops_bounded(FIELD(kv_len), 1, 400);
    d->causal = FIELD(causal) != 0;
    d->rule.complete = FIELD(complete) != 0;
    d->rule.local = (uint32_t)ops_bounded(FIELD(local), 0, 64);
    bool placed = d->causal || d->rule.complete || d->rule.local || d->rule.own || FIELD(q_block) > 1 ||
                  FIELD(kv_block) > 1 || FIELD(row_shift);
    if (placed) {
        d->row_tokens = ops_bounded(FIELD(q_block), 1, 512);
        d->block_tokens = ops_bounded(FIELD(kv_block), 1, 512);
        d->row_shift = ops_bounded(FIELD(row_shift), 0, 4096);
    }
    uint64_t own = d->rule.own ? most_met(d->row_tokens, d->block_tokens) : 0;
    set_entries(c, own, d->blocks, &d->rule);
}

/* Boxes of keys by the fields of windows, of queries by those of strides. */
static void set_boxes(const ops_case *c, vatten_select_desc *d) {
    vatten_boxes *boxes = &d->boxes;
    uint64_t tokens = 1, own = 1;
    boxes->rank = (uint32_t)ops_bounded(FIELD(rank), 1, 3);
    d->rows = d->blocks = 1;
    for (uint32_t a = 0; a < boxes->rank; ++a) {
        uint64_t extent = ops_bounded(c->field[OPS_extent0 + a], 1, 400 / tokens), queries = extent;
        if (a == 0 && FIELD(row_shift) % extent) {
            queries = boxes->q_extent = extent - FIELD(row_shift) % extent;
        }
        boxes->extent[a] = extent;
        boxes->q_box[a] = (uint32_t)ops_bounded(c->field[OPS_stride0 + a], 1, queries);
        boxes->kv_box[a] = (uint32_t)ops_bounded(c->field[OPS_window0 + a], 1, extent);
        d->rule.reach[a] = (uint32_t)ops_digit(FIELD(reach), 4, a);
        uint64_t blocks = blocks_of(extent, boxes->kv_box[a]);
        uint64_t met = most_met(boxes->q_box[a], boxes->kv_box[a]);
        own *= met < blocks ? met : blocks;
        tokens *= extent;
        d->blocks *= blocks;
        d->rows *= blocks_of(queries, boxes->q_box[a]);
    }
    set_entries(c, d->rule.own ? own : 0, d->blocks, &d->rule);
}

static void set_budget(const ops_case *c, vatten_selection *rule) {
    rule->budget = (vatten_budget)(FIELD(budget) % 3);
    if (rule->budget == VATTEN_BUDGET_TOP) {
        return;
    }
    rule->share = share_of(c, rule->budget);
    rule->least = (uint32_t)ops_bounded(FIELD(least), 0, 64);
    if (rule->budget == VATTEN_BUDGET_MASS) {
        rule->min_max = FIELD(min_max) || !rule->softmax;
        rule->crossing_out = FIELD(crossing_out) != 0;
    }
}

/* Who shares a budget, once rows and entries are known. */
static void set_group(const ops_case *c, vatten_select_desc *d) {
    vatten_selection *rule = &d->rule;
    uint32_t heads = rule->list_heads ? rule->list_heads : d->heads;
    uint32_t shared = FIELD(budget_heads) % 3 == 0                ? 1
                      : FIELD(budget_heads) % 3 == 1 || heads % 2 ? heads
                                                                  : heads / 2;
    rule->budget_heads = shared;
    rule->budget_rows = (uint32_t)ops_bounded(FIELD(budget_rows), 0, 4096);
    rule->by_block = FIELD(by_block) != 0;
    uint64_t rows = rule->budget_rows < 1 ? 1 : rule->budget_rows < d->rows ? rule->budget_rows : d->rows;
    if (rule->budget == VATTEN_BUDGET_TOP) {
        rule->total = rule->by_block ? ops_bounded(FIELD(total), 1, rows * shared)
                                     : ops_bounded(FIELD(total), 0, rows * shared * rule->entries);
    }
}

/* Whole numbers are added up without rounding where they are scaled by none or by a power of two. */
static void set_values(const ops_case *c, choice_problem *p) {
    vatten_select_desc *d = &p->desc;
    uint64_t numbers = FIELD(numbers) % 4;
    p->whole = numbers != 0;
    p->odd = numbers == 2;
    d->rule.softmax = FIELD(softmax) != 0;
    d->rule.scale = FIELD(scale) ? 0.25f : 0.0f;
    d->bias = FIELD(bias) != 0;
    p->row_bias = d->bias && numbers == 3;
}

void ops_run_select(gpu *g, const ops_case *c, const char *name) {
    choice_problem p = {.seed = FIELD(data)};
    vatten_select_desc *d = &p.desc;
    d->dtype = ops_dtype(g, FIELD(dtype));
    d->kv_heads = (uint32_t)ops_bounded(FIELD(kv_heads), 1, 4);
    d->heads = d->kv_heads * (uint32_t)ops_bounded(FIELD(group), 1, 4);
    d->dim = (uint32_t)ops_bounded(FIELD(dim), 1, 64);
    set_values(c, &p);
    d->batch = p.row_bias ? 1 : ops_bounded(FIELD(batch), 1, 64);
    const vatten_heads heads = {.heads = d->heads, .kv_heads = d->kv_heads};
    d->rule.list_heads = ops_heads_of(&heads, FIELD(list_heads));
    d->rule.own = FIELD(own) != 0;
    d->rule.first = (uint32_t)ops_bounded(FIELD(first), 0, 64);
    if (FIELD(boxes)) {
        set_boxes(c, d);
    } else {
        set_runs(c, d);
    }
    set_budget(c, &d->rule);
    set_group(c, d);
    d->write_counts = FIELD(lse) != 0;
    d->q = ops_strides(c, 0, d->rows, d->heads, d->dim);
    if (p.row_bias) {
        d->bias_strides = (vatten_strides){.batch = (int64_t)d->blocks};
    }
    if (FIELD(parts)) {
        uint64_t pairs = d->batch * d->heads * d->rows * d->blocks;
        d->max_macs = pairs * d->dim / ops_bounded(FIELD(parts), 1, 40) + 1;
        d->max_moves = pairs / ops_bounded(FIELD(parts), 1, 40) + 1;
    }
    choice_check(g, name, &p);
}

/* ---- Sparse attention ---- */

static void set_blocks(const ops_case *c, vatten_sparse_desc *d) {
    vatten_selection *rule = &d->rule;
    d->q_len = ops_bounded(FIELD(q_len), 1, SPARSE_MOST_TOKENS);
    d->kv_len = ops_bounded(FIELD(kv_len), 1, SPARSE_MOST_TOKENS);
    d->causal = FIELD(causal) != 0;
    d->align = FIELD(align) ? VATTEN_ALIGN_FIRST : VATTEN_ALIGN_LAST;
    if (d->causal && d->align == VATTEN_ALIGN_LAST && d->kv_len < d->q_len) {
        d->kv_len = d->q_len;
    }
    d->q_block = (uint32_t)ops_bounded(FIELD(q_block), 1, d->q_len);
    d->kv_block = (uint32_t)ops_bounded(FIELD(kv_block), 1, d->kv_len);
    uint64_t blocks = blocks_of(d->kv_len, d->kv_block);
    rule->list_heads = ops_heads_of(&d->heads, FIELD(list_heads));
    rule->own = FIELD(own) != 0;
    rule->first = (uint32_t)ops_bounded(FIELD(first), 0, 64);
    set_entries(c, rule->own ? most_met(d->q_block, d->kv_block) : 0, blocks, rule);
    if (FIELD(budget) % 2) {
        rule->budget = VATTEN_BUDGET_THRESHOLD;
        rule->share = share_of(c, rule->budget);
        rule->entries = (uint32_t)blocks;
    }
    d->execution = d->q_block == 1 ? (vatten_sparse_execution)(FIELD(execution) % 3) : VATTEN_SPARSE_AUTO;
}

static void set_tile(const gpu *g, const ops_case *c, vatten_sparse_desc *d) {
    gpu_problem lists = {.listed = true, .lists = {.heads = d->heads}};
    gpu_set_layout(g, &lists, ops_layout(g, c, &lists), FIELD(small) != 0);
    d->heads = lists.lists.heads;
}

/* Parts by work, and by what may be kept between the stages: some queries, not all. */
static void set_parts(const ops_case *c, vatten_sparse_desc *d) {
    vatten_heads *h = &d->heads;
    uint64_t value_dim = h->value_dim ? h->value_dim : h->dim, keys = (uint64_t)d->rule.entries * d->kv_block;
    if (FIELD(parts)) {
        uint64_t parts = ops_bounded(FIELD(parts), 1, 40);
        h->max_macs = h->batch * h->heads * d->q_len * keys * (h->dim + value_dim) / parts + 1;
        h->max_moves = h->batch * h->heads * d->q_len * d->rule.entries * value_dim / parts + 1;
    }
    if (FIELD(workspace)) {
        uint64_t state = h->heads * d->rule.entries * (value_dim + 64) * sizeof(float);
        d->max_workspace = 65536 + state * ops_bounded(FIELD(workspace), 1, 64);
    }
}

void ops_run_sparse(gpu *g, const ops_case *c, const char *name) {
    sparse_case run = {.seed = FIELD(data)};
    vatten_sparse_desc *d = &run.desc;
    uint64_t empty = 0;
    ops_set_heads(g, c, &d->heads);
    vatten_heads *h = &d->heads;
    h->kv_heads = h->kv_heads < 4 ? h->kv_heads : 4;
    h->heads = h->kv_heads * (uint32_t)ops_bounded(FIELD(group), 1, 2);
    h->dim = (uint32_t)ops_bounded(FIELD(dim), 1, SPARSE_MOST_DIM);
    h->value_dim = (uint32_t)ops_bounded(FIELD(value_dim), 0, SPARSE_MOST_DIM);
    h->scale = 0.0f;
    set_blocks(c, d);
    uint64_t value_dim = h->value_dim ? h->value_dim : h->dim;
    set_tile(g, c, d);
    h->q = ops_strides(c, 0, d->q_len, h->heads, h->dim);
    h->k = ops_strides(c, 1, d->kv_len, h->kv_heads, h->dim);
    h->v = ops_strides(c, 2, d->kv_len, h->kv_heads, value_dim);
    h->out = ops_strides(c, 3, d->q_len, h->heads, value_dim);
    set_parts(c, d);
    sparse_check(g, name, &run, &empty);
}
