/* SPDX-License-Identifier: MIT
 *
 * Selection as steps. A part is some batch entries, some list heads and some rows; it is scored into the workspace, then
 * selected from there: by one dispatch, or where rows share a budget by the passes of rank.c. Such rows are in one part.
 */
#include "problem_check.h"
#include "rank.h"
#include "select.h"
#include "sizes.h"

#include <string.h>

#define WORKGROUP VT_RANK_WORKGROUP

/* Batch entries, list heads and rows, the first of each and how many. */
typedef struct part {
    uint64_t batch, heads, rows;
    uint64_t b, h, row;
} part;

/* Of the scores of a part, how many batch entries, heads and blocks, and the first of each. */
typedef struct piece {
    uint64_t batch, heads, blocks;
    uint64_t b, h, block;
} piece;

/* Kernels of all parts. */
typedef struct kernels {
    uint32_t score, select;
    uint32_t rank[VT_RANK_PASSES];
} kernels;

/* ---- Parts ---- */

static uint64_t score_bytes(const vt_select *s, const part *p) {
    uint64_t slices = vt_saturating_mul(p->batch, p->heads * s->group);
    return vt_saturating_mul(vt_saturating_mul(slices, s->desc.blocks), p->rows * sizeof(float));
}

/* Groups of a batch entry and group of heads. */
static uint64_t row_groups(const vt_select *s, const part *p) {
    return vt_ceil_div(p->rows, s->budget_rows);
}

/* Groups of heads; those of each block, where blocks have the budgets. */
static uint64_t head_groups(const vt_select *s, const part *p) {
    return vt_saturating_mul(p->heads / s->budget_heads, s->desc.rule.by_block ? s->desc.blocks : 1);
}

static uint64_t state_bytes(const vt_select *s, const part *p) {
    uint64_t groups = vt_saturating_mul(vt_saturating_mul(p->batch, head_groups(s, p)), row_groups(s, p));
    return s->shared ? vt_rank_state_bytes(groups, vt_select_workgroups(s, s->lanes)) : 0;
}

static uint64_t state_offset(const vt_select *s, const part *p) {
    return vt_round_up(score_bytes(s, p), s->caps->storage_alignment);
}

static uint64_t workspace_bytes(const vt_select *s, const part *p) {
    if (!s->shared || score_bytes(s, p) > UINT64_MAX / 4 || state_bytes(s, p) > UINT64_MAX / 4)
        return score_bytes(s, p);
    return state_offset(s, p) + state_bytes(s, p);
}

static uint64_t score_groups(uint64_t blocks, uint64_t rows) {
    return vt_saturating_mul(vt_ceil_div(rows, WORKGROUP * VT_SELECT_ROWS_AT_ONCE),
                             vt_ceil_div(blocks, VT_SELECT_BLOCKS_AT_ONCE));
}

/* Of long rows, that a dispatch has at least; where workgroups do not suffice there are several. */
#define PIECE_BLOCKS 65536u

static uint64_t piece_groups(const vt_select *s, uint64_t rows) {
    return score_groups(vt_min(s->desc.blocks, PIECE_BLOCKS), rows);
}

static uint64_t select_groups(const vt_select *s, const part *p) {
    return s->shared ? vt_saturating_mul(row_groups(s, p), vt_select_workgroups(s, s->lanes))
                     : vt_ceil_div(p->rows, WORKGROUP);
}

static uint64_t span(const vt_select *s, const vt_tensor *t, uint32_t bytes, uint64_t batch, uint64_t heads,
                     uint64_t rows, uint64_t dim) {
    return vt_range(t, bytes, s->caps->storage_alignment, batch, heads, rows, dim);
}

static bool inputs_fit(const vt_select *s, const part *p) {
    const vatten_select_desc *d = &s->desc;
    uint64_t range = s->caps->storage_range;
    uint64_t heads = p->heads * s->group;
    uint64_t kv_heads = vt_min(vt_ceil_div(heads - 1, d->heads / d->kv_heads) + 1, d->kv_heads);
    return span(s, &s->q, s->problem.element_bytes, p->batch, heads, p->rows, d->dim) <= range &&
           span(s, &s->k, sizeof(float), p->batch, kv_heads, d->blocks, d->dim) <= range &&
           (!d->bias || span(s, &s->bias, sizeof(float), p->batch, p->heads, p->rows, d->blocks) <= range);
}

static bool fits(const vt_select *s, const part *p) {
    const vatten_select_desc *d = &s->desc;
    uint64_t range = s->caps->storage_range;
    return score_bytes(s, p) <= vt_min(range, d->max_workspace) && state_bytes(s, p) <= range &&
           workspace_bytes(s, p) <= d->max_workspace && inputs_fit(s, p) &&
           span(s, &s->lists, sizeof(uint32_t), p->batch, p->heads, p->rows, d->rule.entries) <= range &&
           vt_max(piece_groups(s, p->rows), select_groups(s, p)) <= s->caps->groups[0] &&
           vt_max(p->heads * s->group, head_groups(s, p)) <= s->caps->groups[1] &&
           p->batch <= s->caps->groups[2];
}

/* ---- Work ---- */

static uint64_t lines_of(const part *p) {
    return vt_saturating_mul(vt_saturating_mul(p->batch, p->heads), p->rows);
}

static uint64_t join_moves(const vt_select *s, const part *p) {
    return vt_saturating_mul(vt_saturating_mul(lines_of(p), s->desc.blocks), vt_select_join_walks(s));
}

/* The pass that writes lists, after reading the orders of all lines. */
static uint64_t list_moves(const vt_select *s, const part *p) {
    return vt_saturating_mul(lines_of(p), s->desc.blocks + s->desc.rule.entries);
}

static uint64_t group_moves(const vt_select *s, const part *p) {
    return state_bytes(s, p) / sizeof(uint32_t);
}

/* Where rows have budgets of their own. */
static uint64_t select_moves(const vt_select *s, const part *p) {
    return vt_saturating_mul(lines_of(p), vt_select_row_moves(s));
}

static uint64_t score_macs(const vt_select *s, uint64_t rows, const piece *n) {
    uint64_t pairs = vt_saturating_mul(vt_saturating_mul(n->batch, n->heads), rows * n->blocks);
    return vt_saturating_mul(pairs, s->desc.dim);
}

static piece least_piece(const vt_select *s) {
    return (piece){.batch = 1, .heads = 1, .blocks = vt_min(VT_SELECT_BLOCKS_AT_ONCE, s->desc.blocks)};
}

static bool works(const vt_select *s, const part *p) {
    const piece least = least_piece(s);
    uint64_t moves = s->shared ? vt_max(vt_max(join_moves(s, p), list_moves(s, p)), group_moves(s, p))
                               : select_moves(s, p);
    return moves <= s->problem.max_moves && score_macs(s, p->rows, &least) <= s->problem.max_macs;
}

/* Heads and rows that only go together. */
static uint64_t least_heads(const vt_select *s) {
    return s->shared ? s->budget_heads : 1;
}

static uint64_t least_rows(const vt_select *s) {
    return s->shared ? s->budget_rows : WORKGROUP;
}

/* Batch entries give way first, then rows down to what still fills a device, then heads, then rows again. The bounds on work
 * yield to what only goes together, whose passes are then cut; limits of the device do not. */
static bool choose_part(const vt_select *s, part *out) {
    part p = {.batch = s->problem.batch, .heads = s->desc.rule.list_heads, .rows = s->desc.rows};
    uint64_t heads = least_heads(s), rows = least_rows(s);
    while (!fits(s, &p) || !works(s, &p)) {
        if (p.batch > 1)
            p.batch = vt_ceil_div(p.batch, 2);
        else if (p.rows > vt_max(4096, rows) || (p.rows > rows && p.heads == heads))
            p.rows = vt_round_up(vt_ceil_div(p.rows, 2), rows);
        else if (p.heads > heads)
            p.heads = vt_round_up(vt_ceil_div(p.heads, 2), heads);
        else
            break;
    }
    *out = p;
    return fits(s, &p);
}

/* ---- Bindings ---- */

/* Binds heads and rows of the part's batch entries; returns where the first one lies. */
static uint32_t bind_slab(const vt_select *s, const part *p, vt_step *step, uint32_t slot, vt_role role,
                          const vt_tensor *t, uint32_t bytes, uint64_t head, uint64_t last_head, uint64_t row,
                          uint64_t rows, uint64_t dim) {
    const vt_slab slab = {{p->b, p->b + p->batch}, {head, last_head + 1}, {row, row + rows}};
    return (uint32_t)vt_step_bind_slab(step, slot, role, t, &slab, dim, bytes, s->caps->storage_alignment);
}

/* Lists and counts of a part. */
static void bind_lists(const vt_select *s, const part *p, uint32_t lists, uint32_t counts, vt_step *step) {
    uint64_t last = p->h + p->heads - 1;
    step->select.list_base = bind_slab(s, p, step, lists, VT_ROLE_LISTS, &s->lists, sizeof(uint32_t), p->h,
                                       last, p->row, p->rows, s->desc.rule.entries);
    step->select.list_batch = (uint32_t)s->lists.batch;
    step->select.list_head = (uint32_t)s->lists.head;
    step->select.list_row = (uint32_t)s->lists.token;
    step->binding[counts] = step->binding[lists]; /* a declared slot must hold a buffer */
    if (s->desc.write_counts)
        step->select.count_base = bind_slab(s, p, step, counts, VT_ROLE_COUNTS, &s->counts, sizeof(uint32_t),
                                            p->h, last, p->row, p->rows, 1);
    step->select.count_batch = (uint32_t)s->counts.batch;
    step->select.count_head = (uint32_t)s->counts.head;
}

static void bind_bias(const vt_select *s, const part *p, uint32_t slot, vt_step *step) {
    if (!s->desc.bias)
        return;
    step->select.bias_base = bind_slab(s, p, step, slot, VT_ROLE_BIAS, &s->bias, sizeof(float), p->h,
                                       p->h + p->heads - 1, p->row, p->rows, s->desc.blocks);
    step->select.bias_batch = (uint32_t)s->bias.batch;
    step->select.bias_head = (uint32_t)s->bias.head;
    step->select.bias_row = (uint32_t)s->bias.token;
}

static vt_binding bind_scores(const vt_select *s, const part *p) {
    return (vt_binding){VT_ROLE_WORKSPACE, 0, score_bytes(s, p)};
}

/* ---- Steps ---- */

static void add_score(const vt_select *s, const part *p, const piece *n, uint32_t variant,
                      vt_program *program) {
    const vatten_select_desc *d = &s->desc;
    uint64_t first = p->h * s->group + n->h, last = first + n->heads - 1;
    uint64_t kv_group = d->heads / d->kv_heads;
    part of = *p; /* whose batch entries are bound */
    of.b += n->b;
    of.batch = n->batch;
    vt_step step = {
        .variant = variant,
        .binding_count = VT_SCORE_SLOT_COUNT,
        .barrier_before = true,
        .written = 1u << VT_SCORE_SLOT_SCORES,
        .groups = {(uint32_t)score_groups(n->blocks, p->rows), (uint32_t)n->heads, (uint32_t)n->batch},
        .macs = score_macs(s, p->rows, n)};
    vt_score_push *push = &step.score;
    push->rows = (uint32_t)p->rows;
    push->blocks = (uint32_t)n->blocks;
    push->group = (uint32_t)kv_group;
    push->head_first = (uint32_t)first;
    push->scale = d->rule.scale;
    push->s_head = (uint32_t)(d->blocks * p->rows);
    push->s_batch = (uint32_t)(p->heads * s->group) * push->s_head;
    push->s_base = (uint32_t)(n->b * push->s_batch + n->h * push->s_head + n->block * p->rows);
    step.binding[VT_SCORE_SLOT_SCORES] = bind_scores(s, p);
    push->q_base = bind_slab(s, &of, &step, VT_SCORE_SLOT_Q, VT_ROLE_Q, &s->q, s->problem.element_bytes,
                             first, last, p->row, p->rows, d->dim);
    push->k_base = bind_slab(s, &of, &step, VT_SCORE_SLOT_K, VT_ROLE_K, &s->k, sizeof(float),
                             first / kv_group, last / kv_group, n->block, n->blocks, d->dim);
    push->q_batch = (uint32_t)s->q.batch;
    push->q_head = (uint32_t)s->q.head;
    push->q_token = (uint32_t)s->q.token;
    push->k_batch = (uint32_t)s->k.batch;
    push->k_head = (uint32_t)s->k.head;
    push->k_block = (uint32_t)s->k.token;
    vt_program_add(program, &step);
}

/* Batch entries give way first, then heads, then blocks. */
static piece choose_piece(const vt_select *s, const part *p) {
    uint64_t most = s->caps->groups[0] / score_groups(1, p->rows) * VT_SELECT_BLOCKS_AT_ONCE;
    piece n = {.batch = p->batch, .heads = p->heads * s->group, .blocks = vt_min(s->desc.blocks, most)};
    uint64_t *const sizes[] = {&n.batch, &n.heads, &n.blocks};
    const uint64_t grains[] = {1, 1, VT_SELECT_BLOCKS_AT_ONCE};
    while (score_macs(s, p->rows, &n) > s->problem.max_macs && vt_halve_first(sizes, grains, 3))
        ;
    return n;
}

static void add_scores(const vt_select *s, const part *p, uint32_t variant, vt_program *program) {
    const piece most = choose_piece(s, p);
    uint64_t heads = p->heads * s->group, blocks = s->desc.blocks;
    for (uint64_t b = 0; b < p->batch; b += most.batch)
        for (uint64_t h = 0; h < heads; h += most.heads)
            for (uint64_t n = 0; n < blocks && vt_program_has_room(program); n += most.blocks) {
                const piece one = {vt_min(most.batch, p->batch - b),
                                   vt_min(most.heads, heads - h),
                                   vt_min(most.blocks, blocks - n),
                                   b,
                                   h,
                                   n};
                add_score(s, p, &one, variant, program);
            }
}

/* Rows of a part, their scores and their places. */
static vt_step step_of(const vt_select *s, const part *p) {
    vt_step step = {.barrier_before = true};
    vt_select_push *push = &step.select;
    push->row_first = (uint32_t)p->row;
    push->row_end = (uint32_t)(p->row + p->rows);
    push->blocks = (uint32_t)s->desc.blocks;
    push->s_head = (uint32_t)(s->desc.blocks * p->rows);
    push->s_batch = (uint32_t)(p->heads * s->group) * push->s_head;
    push->s_row = 1;
    push->s_block = (uint32_t)p->rows;
    push->row_tokens = (uint32_t)s->desc.row_tokens;
    push->row_shift = (uint32_t)s->desc.row_shift;
    push->block_tokens = (uint32_t)s->desc.block_tokens;
    step.groups[2] = (uint32_t)p->batch;
    return step;
}

static void add_select(const vt_select *s, const part *p, uint32_t variant, vt_program *program) {
    vt_step step = step_of(s, p);
    step.variant = variant;
    step.binding_count = VT_SELECT_SLOT_COUNT;
    step.written = 1u << VT_SELECT_SLOT_SCORES | 1u << VT_SELECT_SLOT_LISTS | 1u << VT_SELECT_SLOT_COUNTS;
    step.groups[0] = (uint32_t)select_groups(s, p);
    step.groups[1] = (uint32_t)p->heads;
    step.moves = select_moves(s, p);
    step.binding[VT_SELECT_SLOT_SCORES] = bind_scores(s, p);
    step.binding[VT_SELECT_SLOT_BIAS] = step.binding[VT_SELECT_SLOT_SCORES];
    bind_lists(s, p, VT_SELECT_SLOT_LISTS, VT_SELECT_SLOT_COUNTS, &step);
    bind_bias(s, p, VT_SELECT_SLOT_BIAS, &step);
    vt_program_add(program, &step);
}

/* Blocks of a group of so many rows; where a group is that of a block, its pairs. */
static uint32_t total_of(const vt_select *s, uint64_t rows) {
    const vatten_selection *rule = &s->desc.rule;
    if (rule->total == 0)
        return (uint32_t)(rows * s->budget_heads * (rule->by_block ? 1 : rule->entries));
    vt_sum share = vt_times(vt_sum_of(rule->total), vt_sum_of(rows));
    return (uint32_t)(share.value / s->budget_rows);
}

/* A workgroup has a line for each lane; in passes of blocks that have budgets, one block of each. */
static void fill_moves(const vt_select *s, const part *p, vt_rank *rank) {
    const vatten_select_desc *d = &s->desc;
    uint64_t some = vt_min(s->lanes, s->budget_rows * s->budget_heads);
    rank->joining = (vt_rank_moves){join_moves(s, p), some * d->blocks * vt_select_join_walks(s)};
    rank->listing = (vt_rank_moves){list_moves(s, p), some * (d->blocks + d->rule.entries)};
    rank->walking =
        (vt_rank_moves){vt_saturating_mul(lines_of(p), d->blocks), some * (d->rule.by_block ? 1 : d->blocks)};
    rank->deciding =
        (vt_rank_moves){group_moves(s, p), vt_rank_state_words(vt_select_workgroups(s, s->lanes))};
}

static void add_rank(const vt_select *s, const part *p, const uint32_t variants[VT_RANK_PASSES],
                     vt_program *program) {
    vt_rank rank = {.step = step_of(s, p),
                    .groups = (uint32_t)row_groups(s, p),
                    .blocks = s->desc.rule.by_block ? (uint32_t)s->desc.blocks : 0,
                    .variants = variants,
                    .budget = s->desc.rule.budget,
                    .joins = true,
                    .max_moves = s->problem.max_moves};
    fill_moves(s, p, &rank);
    vt_step *step = &rank.step;
    step->groups[1] = (uint32_t)(p->heads / s->budget_heads);
    step->select.budget_rows = (uint32_t)s->budget_rows;
    step->select.workgroups = (uint32_t)vt_select_workgroups(s, s->lanes);
    step->select.total = total_of(s, s->budget_rows);
    step->select.total_last = total_of(s, p->rows % s->budget_rows);
    step->binding[VT_RANK_SLOT_VALUES] = bind_scores(s, p);
    step->binding[VT_RANK_SLOT_STATE] =
        (vt_binding){VT_ROLE_WORKSPACE, state_offset(s, p), state_bytes(s, p)};
    step->binding[VT_RANK_SLOT_LISTS] = step->binding[VT_RANK_SLOT_STATE];
    bind_bias(s, p, VT_RANK_SLOT_LISTS, step);
    rank.bias = step->binding[VT_RANK_SLOT_LISTS];
    bind_lists(s, p, VT_RANK_SLOT_LISTS, VT_RANK_SLOT_COUNTS, step);
    vt_rank_steps(&rank, program);
}

/* ---- Kernels ---- */

static bool loads_by_four(const vt_select *s) {
    return s->desc.dim % 4 == 0 && vt_tensor_by_four(&s->q);
}

static void fill_boxes(const vt_select *s, uint32_t spec[VT_SPEC_COUNT]) {
    spec[VT_SELECT_SPEC_BOXES] = 1;
    spec[VT_SELECT_SPEC_SHIFT] = (uint32_t)(s->axis[0].extent - s->axis[0].q_extent);
    for (uint32_t a = 0; a < 3; ++a) {
        spec[VT_SELECT_SPEC_Q_BOX + a] = s->axis[a].q_box;
        spec[VT_SELECT_SPEC_KV_BOX + a] = s->axis[a].kv_box;
        spec[VT_SELECT_SPEC_EXTENT + a] = (uint32_t)s->axis[a].q_extent;
        spec[VT_SELECT_SPEC_REACH + a] = s->desc.rule.reach[a];
    }
}

static uint32_t flags_of(const vatten_select_desc *d) {
    return (d->causal ? VT_SELECT_CAUSAL : 0) | (d->rule.own ? VT_SELECT_OWN : 0) |
           (d->rule.softmax ? VT_SELECT_SOFTMAX : 0) | (d->rule.min_max ? VT_SELECT_MIN_MAX : 0) |
           (d->rule.crossing_out ? VT_SELECT_CROSSING_OUT : 0) | (d->write_counts ? VT_SELECT_COUNTS : 0) |
           (d->rule.complete ? VT_SELECT_COMPLETE : 0) | (d->bias ? VT_SELECT_BIAS : 0) |
           (d->rule.by_block ? VT_SELECT_BY_BLOCK : 0);
}

static void fill_spec(const vt_select *s, uint32_t spec[VT_SPEC_COUNT]) {
    const vatten_select_desc *d = &s->desc;
    memset(spec, 0, VT_SPEC_COUNT * sizeof *spec);
    spec[VT_SPEC_WORKGROUP] = WORKGROUP;
    spec[VT_SELECT_SPEC_DIM] = d->dim;
    spec[VT_SELECT_SPEC_VECTOR] = loads_by_four(s);
    spec[VT_SELECT_SPEC_FLAGS] = flags_of(d);
    spec[VT_SELECT_SPEC_BUDGET] = d->rule.budget == VATTEN_BUDGET_TOP    ? VT_BUDGET_TOP
                                  : d->rule.budget == VATTEN_BUDGET_MASS ? VT_BUDGET_MASS
                                                                         : VT_BUDGET_THRESHOLD;
    spec[VT_SELECT_SPEC_ENTRIES] = d->rule.entries;
    spec[VT_SELECT_SPEC_LEAST] = d->rule.least;
    spec[VT_SELECT_SPEC_GROUP] = s->group;
    spec[VT_SELECT_SPEC_FIRST] = d->rule.first;
    spec[VT_SELECT_SPEC_LOCAL] = d->rule.local;
    spec[VT_SELECT_SPEC_HEADS] = s->budget_heads;
    memcpy(&spec[VT_SELECT_SPEC_SHARE], &d->rule.share, sizeof d->rule.share);
    if (d->boxes.rank)
        fill_boxes(s, spec);
}

static uint32_t add_variant(vt_task task, vatten_dtype dtype, const uint32_t spec[VT_SPEC_COUNT],
                            vt_program *program) {
    vt_variant *variant = &program->variants[program->variant_count];
    variant->kernel = vt_kernel_of_task(task, dtype);
    memcpy(variant->spec, spec, sizeof variant->spec);
    return program->variant_count++;
}

static void add_kernels(const vt_select *s, vt_program *program, kernels *out) {
    uint32_t spec[VT_SPEC_COUNT];
    fill_spec(s, spec);
    out->score = add_variant(VT_TASK_SCORE, s->problem.dtype, spec, program);
    if (!s->shared) {
        out->select = add_variant(VT_TASK_SELECT, VATTEN_DTYPE_F32, spec, program);
        return;
    }
    spec[VT_SPEC_WORKGROUP] = s->lanes;
    vt_rank_variants(vt_kernel_of_task(VT_TASK_RANK, VATTEN_DTYPE_F32), spec, s->desc.rule.budget, true,
                     program, out->rank);
}

/* ---- All of it ---- */

static vatten_result check_steps(const vt_select *s, const vt_program *program) {
    if (vt_program_has_room(program))
        return VATTEN_SUCCESS;
    vt_log(s->logger, VATTEN_LOG_ERROR, s->problem.label, "select: more than %u dispatches are needed",
           VT_STEPS_MAX);
    return VATTEN_ERROR_UNSUPPORTED;
}

static vatten_result refuse(const vt_select *s) {
    part least = {.batch = 1, .heads = least_heads(s), .rows = vt_min(least_rows(s), s->desc.rows)};
    vt_log(s->logger, VATTEN_LOG_ERROR, s->problem.label,
           "select: %" PRIu64 " rows of %" PRIu64 " blocks of %" PRIu64 " list heads take %" PRIu64
           " bytes of workspace and %" PRIu64
           " workgroups together: they do not fit %s, whose bindings hold %" PRIu64
           " bytes, or max_workspace %" PRIu64,
           least.rows, s->desc.blocks, least.heads, workspace_bytes(s, &least),
           vt_max(piece_groups(s, least.rows), select_groups(s, &least)), s->caps->name,
           s->caps->storage_range, s->desc.max_workspace);
    return VATTEN_ERROR_UNSUPPORTED;
}

static void add_part(const vt_select *s, const part *p, const kernels *k, vt_program *program) {
    add_scores(s, p, k->score, program);
    if (s->shared)
        add_rank(s, p, k->rank, program);
    else
        add_select(s, p, k->select, program);
}

vatten_result vt_select_steps(const vt_select *s, vt_program *program) {
    part most;
    kernels k;
    if (!choose_part(s, &most))
        return refuse(s);
    add_kernels(s, program, &k);
    program->workspace_bytes = vt_max(program->workspace_bytes, workspace_bytes(s, &most));
    for (uint64_t b = 0; b < s->problem.batch; b += most.batch)
        for (uint64_t h = 0; h < s->desc.rule.list_heads; h += most.heads)
            for (uint64_t row = 0; row < s->desc.rows && vt_program_has_room(program); row += most.rows) {
                const part p = {vt_min(most.batch, s->problem.batch - b),
                                vt_min(most.heads, s->desc.rule.list_heads - h),
                                vt_min(most.rows, s->desc.rows - row),
                                b,
                                h,
                                row};
                add_part(s, &p, &k, program);
            }
    return check_steps(s, program);
}
