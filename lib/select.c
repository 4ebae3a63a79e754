/* SPDX-License-Identifier: MIT
 *
 * The rules of selection, its defaults and its tensors.
 */
#include "select.h"

#include "problem_check.h"
#include "rank.h"
#include "sizes.h"

#include <math.h>
#include <string.h>

#define ROW_WORKSPACE  UINT64_C(1024) /* bytes of a row and query head by default, and of all of them */
#define MOST_WORKSPACE (UINT64_C(64) << 20)
#define LIMIT_WALKS    32u /* over the orders of a row, to find a limit */
#define LONG_ROWS      4u  /* times the bound on work that the least dispatch may take */

/* ---- Rules ---- */

static uint32_t list_heads_of(const vatten_select_desc *d) {
    return d->rule.list_heads ? d->rule.list_heads : d->heads;
}

static vatten_result check_sizes(const vt_checker *check, const vatten_select_desc *d) {
    uint32_t list_heads = list_heads_of(d);
    INVALID_IF(d->rows == 0, "rows %d must be at least 1", 0);
    INVALID_IF(d->blocks == 0, "blocks %d must be at least 1", 0);
    UNSUPPORTED_IF(d->rows > VT_LENGTH_MAX, "rows %" PRIu64 " are above %u", d->rows, VT_LENGTH_MAX);
    UNSUPPORTED_IF(d->blocks > VT_LENGTH_MAX, "blocks %" PRIu64 " are above %u", d->blocks, VT_LENGTH_MAX);
    INVALID_IF(d->heads % list_heads != 0, "heads %" PRIu32 " is not a multiple of list_heads %" PRIu32,
               d->heads, list_heads);
    INVALID_IF(d->rule.entries == 0, "entries %d must be at least 1", 0);
    INVALID_IF(d->rule.entries > d->blocks, "entries %" PRIu32 " are above %" PRIu64 " blocks",
               d->rule.entries, d->blocks);
    return VATTEN_SUCCESS;
}

static vatten_result check_places(const vt_checker *check, const vatten_select_desc *d) {
    bool placed = d->row_tokens != 0 || d->block_tokens != 0 || d->row_shift != 0;
    INVALID_IF(placed && (d->row_tokens == 0 || d->block_tokens == 0),
               "row_tokens %" PRIu64 ", row_shift %" PRIu64 ", block_tokens %" PRIu64
               ": only row_shift may be 0",
               d->row_tokens, d->row_shift, d->block_tokens);
    INVALID_IF(!placed && (d->causal || d->rule.own || d->rule.local) && d->boxes.rank == 0,
               "causal %d, own %d, local %" PRIu32 " need row_tokens and block_tokens", d->causal,
               d->rule.own, d->rule.local);
    INVALID_IF(!placed && d->rule.complete, "complete %d needs row_tokens and block_tokens", 1);
    vt_sum end = vt_plus(vt_times(vt_sum_of(d->rows), vt_sum_of(d->row_tokens)), vt_sum_of(d->row_shift));
    UNSUPPORTED_IF(end.overflow || end.value > VT_LENGTH_MAX || d->block_tokens > VT_LENGTH_MAX,
                   "%" PRIu64 " rows of %" PRIu64 " tokens from %" PRIu64 " on, or block_tokens %" PRIu64
                   ", are above %u tokens",
                   d->rows, d->row_tokens, d->row_shift, d->block_tokens, VT_LENGTH_MAX);
    return VATTEN_SUCCESS;
}

/* ---- Boxes ---- */

static vatten_result check_axis(const vt_checker *check, uint32_t a, const vt_box_axis *axis) {
    INVALID_IF(axis->extent == 0, "boxes: axis %" PRIu32 ": extent 0 must be at least 1", a);
    UNSUPPORTED_IF(axis->extent > VT_LENGTH_MAX, "boxes: axis %" PRIu32 ": extent %" PRIu64 " is above %u", a,
                   axis->extent, VT_LENGTH_MAX);
    INVALID_IF(axis->q_extent > axis->extent,
               "boxes: q_extent %" PRIu64 " is above the extent %" PRIu64 " of axis 0", axis->q_extent,
               axis->extent);
    INVALID_IF(axis->q_box == 0 || axis->kv_box == 0,
               "boxes: axis %" PRIu32 ": q_box %" PRIu32 " and kv_box %" PRIu32 " must be at least 1", a,
               axis->q_box, axis->kv_box);
    INVALID_IF(axis->q_box > axis->q_extent,
               "boxes: axis %" PRIu32 ": q_box %" PRIu32 " is above %" PRIu64 " queries", a, axis->q_box,
               axis->q_extent);
    INVALID_IF(axis->kv_box > axis->extent,
               "boxes: axis %" PRIu32 ": kv_box %" PRIu32 " is above %" PRIu64 " keys", a, axis->kv_box,
               axis->extent);
    return VATTEN_SUCCESS;
}

static vt_box_axis axis_of(const vatten_boxes *boxes, uint32_t a) {
    if (a >= boxes->rank)
        return (vt_box_axis){1, 1, 1, 1};
    uint64_t queries = a == 0 && boxes->q_extent ? boxes->q_extent : boxes->extent[a];
    return (vt_box_axis){boxes->extent[a], queries, boxes->q_box[a], boxes->kv_box[a]};
}

static vatten_result check_boxes(const vt_checker *check, const vatten_select_desc *d, vt_select *out) {
    const uint32_t *reach = d->rule.reach;
    INVALID_IF(d->boxes.rank == 0 && (reach[0] || reach[1] || reach[2]),
               "reach %" PRIu32 ", %" PRIu32 ", %" PRIu32 " is for boxes only", reach[0], reach[1], reach[2]);
    if (d->boxes.rank == 0)
        return VATTEN_SUCCESS;
    INVALID_IF(d->boxes.rank > 3, "boxes: rank %" PRIu32 " is above 3", d->boxes.rank);
    INVALID_IF(d->causal || d->rule.complete || d->rule.local || d->row_tokens,
               "boxes with causal %d, complete %d, local %" PRIu32 " or row_tokens %" PRIu64
               ": those are for runs of tokens",
               d->causal, d->rule.complete, d->rule.local, d->row_tokens);
    vt_sum tokens = vt_sum_of(1);
    uint64_t rows = 1, blocks = 1;
    for (uint32_t a = 0; a < 3; ++a) {
        const vt_box_axis axis = axis_of(&d->boxes, a);
        vatten_result result = check_axis(check, a, &axis);
        if (result != VATTEN_SUCCESS)
            return result;
        tokens = vt_times(tokens, vt_sum_of(axis.extent));
        UNSUPPORTED_IF(tokens.overflow || tokens.value > VT_LENGTH_MAX,
                       "boxes: extents of %u axes are above %u tokens", d->boxes.rank, VT_LENGTH_MAX);
        rows *= vt_ceil_div(axis.q_extent, axis.q_box);
        blocks *= vt_ceil_div(axis.extent, axis.kv_box);
        INVALID_IF(a >= d->boxes.rank && reach[a],
                   "reach %" PRIu32 " of axis %" PRIu32 ": boxes have rank %" PRIu32, reach[a], a,
                   d->boxes.rank);
        out->axis[a] = axis;
    }
    INVALID_IF(rows != d->rows || blocks != d->blocks,
               "boxes: there are %" PRIu64 " of queries and %" PRIu64 " of keys, not %" PRIu64
               " rows and %" PRIu64 " blocks",
               rows, blocks, d->rows, d->blocks);
    return VATTEN_SUCCESS;
}

/* ---- Budgets ---- */

/* Blocks of `block` tokens that a run of `tokens` can meet, at most. */
static uint64_t most_met(uint64_t tokens, uint64_t block) {
    return (tokens + block - 2) / block + 1;
}

/* Own blocks of a row, at most. */
static uint64_t most_own(const vatten_select_desc *d, const vt_select *s) {
    uint64_t boxes = 1;
    if (!d->rule.own)
        return 0;
    if (d->boxes.rank == 0)
        return most_met(d->row_tokens, d->block_tokens);
    for (uint32_t a = 0; a < 3; ++a) {
        const vt_box_axis *axis = &s->axis[a];
        boxes *= vt_min(most_met(axis->q_box, axis->kv_box), vt_ceil_div(axis->extent, axis->kv_box));
    }
    return boxes;
}

static vatten_result check_forced(const vt_checker *check, const vatten_select_desc *d, const vt_select *s) {
    uint64_t own = most_own(d, s);
    uint64_t forced = vt_min((uint64_t)d->rule.first + vt_max(d->rule.local, own), d->blocks);
    INVALID_IF(forced > d->rule.entries,
               "first %" PRIu32 ", local %" PRIu32 " and %" PRIu64 " own blocks do not fit %" PRIu32
               " entries",
               d->rule.first, d->rule.local, own, d->rule.entries);
    return VATTEN_SUCCESS;
}

static vatten_result check_budget(const vt_checker *check, const vatten_select_desc *d) {
    bool mass = d->rule.budget == VATTEN_BUDGET_MASS;
    INVALID_IF(d->rule.budget < VATTEN_BUDGET_TOP || d->rule.budget > VATTEN_BUDGET_THRESHOLD,
               "budget %d is unknown", (int)d->rule.budget);
    INVALID_IF(mass && !(d->rule.share >= 0.0f && d->rule.share <= 1.0f), "share %f is not between 0 and 1",
               (double)d->rule.share);
    INVALID_IF(mass && !d->rule.min_max && !d->rule.softmax,
               "softmax %d and min_max %d: budget MASS needs one of them, plain values may be negative", 0,
               0);
    INVALID_IF(d->rule.budget == VATTEN_BUDGET_THRESHOLD && isnan(d->rule.share), "share %f is no number",
               (double)d->rule.share);
    INVALID_IF(!mass && (d->rule.min_max || d->rule.crossing_out),
               "min_max %d and crossing_out %d are for budget MASS only", d->rule.min_max,
               d->rule.crossing_out);
    INVALID_IF(d->rule.budget == VATTEN_BUDGET_TOP && d->rule.least,
               "least %" PRIu32 " is for budgets MASS and THRESHOLD only", d->rule.least);
    return VATTEN_SUCCESS;
}

/* Of a group, or of a block's pairs. */
static vatten_result check_total(const vt_checker *check, const vatten_selection *rule, uint64_t rows,
                                 uint32_t heads) {
    uint64_t pairs = vt_saturating_mul(rows, heads), room = vt_saturating_mul(pairs, rule->entries);
    INVALID_IF(rule->total && rule->budget != VATTEN_BUDGET_TOP, "total %" PRIu64 " is for budget TOP only",
               rule->total);
    INVALID_IF(rule->by_block && rule->budget == VATTEN_BUDGET_TOP &&
                   (rule->total == 0 || rule->total > pairs),
               "by_block with budget TOP: total %" PRIu64 " is outside 1..%" PRIu64
               ", the pairs of a block with %" PRIu64 " rows of %" PRIu32 " heads",
               rule->total, pairs, rows, heads);
    INVALID_IF(rule->total > room,
               "total %" PRIu64 " is above %" PRIu64 ", the entries of %" PRIu64 " rows of %" PRIu32 " heads",
               rule->total, room, rows, heads);
    return VATTEN_SUCCESS;
}

/* Who shares a budget. */
static vatten_result check_group(const vt_checker *check, const vatten_select_desc *d, vt_select *out) {
    const vatten_selection *rule = &d->rule;
    uint64_t rows = vt_min(rule->budget_rows ? rule->budget_rows : 1, d->rows);
    uint32_t heads = rule->budget_heads ? rule->budget_heads : 1;
    INVALID_IF(list_heads_of(d) % heads != 0,
               "list_heads %" PRIu32 " is not a multiple of budget_heads %" PRIu32, list_heads_of(d), heads);
    out->budget_rows = rows;
    out->budget_heads = heads;
    out->shared = rows > 1 || heads > 1 || rule->total || rule->by_block;
    return check_total(check, rule, rows, heads);
}

static vatten_result check_rule(const vt_checker *check, const vatten_select_desc *d, vt_select *out) {
    vatten_result result = check_places(check, d);
    if (result == VATTEN_SUCCESS)
        result = check_boxes(check, d, out);
    if (result == VATTEN_SUCCESS)
        result = check_budget(check, d);
    if (result == VATTEN_SUCCESS)
        result = check_forced(check, d, out);
    return result == VATTEN_SUCCESS ? check_group(check, d, out) : result;
}

/* Loop iterations of one invocation of select, at most. Of rows that share a budget each walk is a dispatch of its own, but
 * those that join heads and those that cut a list. */
static uint64_t iterations(const vt_select *s) {
    const vatten_select_desc *d = &s->desc;
    uint64_t walks = (uint64_t)s->group * (d->rule.softmax ? 3 : 1) + 5 + 32;
    if (!s->shared)
        walks += d->rule.budget == VATTEN_BUDGET_MASS        ? 32 + 8
                 : d->rule.budget == VATTEN_BUDGET_THRESHOLD ? 1
                                                             : 0;
    return vt_saturating_mul(walks, d->blocks) + d->rule.entries + s->group + 64;
}

static uint64_t budget_lines(const vt_select *s) {
    return vt_saturating_mul(s->budget_rows, s->budget_heads);
}

uint64_t vt_select_workgroups(const vt_select *s, uint32_t lanes) {
    return vt_rank_workgroups(budget_lines(s), lanes);
}

static vatten_result check_loops(const vt_checker *check, const vt_select *s) {
    const vatten_select_desc *d = &s->desc;
    uint64_t steps = iterations(s);
    if (s->shared)
        steps = vt_max(steps, vt_rank_iterations(vt_select_workgroups(s, s->lanes), s->lanes));
    UNSUPPORTED_IF(steps > check->caps->loop_limit,
                   "%" PRIu64 " blocks take %" PRIu64 " steps of a row, %s allows %" PRIu64, d->blocks, steps,
                   check->caps->name, check->caps->loop_limit);
    return VATTEN_SUCCESS;
}

/* Packed or not, blocks stand side by side; rows of a head stand together. */
static vatten_result fill_bias(const vt_checker *check, vt_select *s) {
    const vatten_select_desc *d = &s->desc;
    vt_shape bias = {"bias", d->bias_strides, d->rows, d->rule.list_heads, (uint32_t)d->blocks,
                     false,  sizeof(float)};
    vatten_result result = vt_fill_tensor(check, &bias, &s->bias);
    if (d->bias_strides.batch == 0 && d->bias_strides.head == 0 && d->bias_strides.token == 0) {
        s->bias.token = d->blocks;
        s->bias.head = d->blocks * d->rows;
    }
    return result;
}

static vatten_result fill_tensors(const vt_checker *check, vt_select *s) {
    const vatten_select_desc *d = &s->desc;
    const vatten_strides packed = {0, 0, 0};
    const vt_shape q = {"q", d->q, d->rows, d->heads, d->dim, false, 0};
    const vt_shape k = {"k", packed, d->blocks, d->kv_heads, d->dim, false, sizeof(float)};
    /* lists of a head stand together: heads of one, batches of all */
    const vt_shape lists = {"lists",         packed, d->rows,         d->rule.list_heads,
                            d->rule.entries, false,  sizeof(uint32_t)};
    vatten_result result = vt_fill_tensor(check, &q, &s->q);
    if (result == VATTEN_SUCCESS)
        result = vt_fill_tensor(check, &k, &s->k);
    if (result == VATTEN_SUCCESS)
        result = vt_fill_tensor(check, &lists, &s->lists);
    s->lists.token = d->rule.entries;
    s->lists.head = d->rule.entries * d->rows;
    s->counts = (vt_tensor){d->rule.list_heads * d->rows, d->rows, 1, s->lists.elements / d->rule.entries};
    return result == VATTEN_SUCCESS && d->bias ? fill_bias(check, s) : result;
}

/* A softmax walks them twice more. */
uint64_t vt_select_join_walks(const vt_select *s) {
    return (uint64_t)s->group * (s->desc.rule.softmax ? 3 : 1) + 1;
}

/* Joining the scores of its heads into orders; then walks over orders, 32 to find a limit. */
uint64_t vt_select_row_moves(const vt_select *s) {
    const vatten_selection *rule = &s->desc.rule;
    uint64_t walks = rule->budget == VATTEN_BUDGET_MASS ? 2 * LIMIT_WALKS + 5 : LIMIT_WALKS + 3;
    uint64_t orders = vt_saturating_mul(s->desc.blocks + rule->entries, walks);
    return vt_saturating_add(vt_saturating_mul(s->desc.blocks, vt_select_join_walks(s)), orders);
}

/* A dispatch is a workgroup of rows at least, each walked by one invocation. Where that is far above the bound on work each row
 * becomes a group of its own: a dispatch then walks rows once or twice, and may have a single one. */
static void spread_long_rows(vt_select *s) {
    uint64_t rows = vt_min(s->desc.rows, VT_RANK_WORKGROUP);
    uint64_t least = vt_saturating_mul(rows, vt_select_row_moves(s));
    s->shared = s->shared || least / LONG_ROWS > s->problem.max_moves;
}

/* Elements of a workgroup of so many lanes: the longest walk of a pass joins heads or writes a list. */
static uint64_t lanes_moves(const vt_select *s, uint32_t lanes) {
    const vatten_select_desc *d = &s->desc;
    uint64_t joining = vt_saturating_mul(d->blocks, vt_select_join_walks(s));
    return vt_saturating_mul(vt_min(lanes, budget_lines(s)), vt_max(joining, d->blocks + d->rule.entries));
}

/* Those of one that adds up what all workgroups of a group left. */
static uint64_t partials_moves(const vt_select *s, uint32_t lanes) {
    return vt_rank_state_words(vt_select_workgroups(s, lanes));
}

/* Where rows are so long that a walk over 64 of them is above the bound on work: fewer, while that gains something. */
static uint32_t lanes_of(const vt_select *s) {
    uint32_t lanes = VT_RANK_WORKGROUP;
    while (lanes > 1 && lanes_moves(s, lanes) > s->problem.max_moves &&
           partials_moves(s, lanes / 2) < lanes_moves(s, lanes))
        lanes /= 2;
    return lanes;
}

/* What one part holds at least. */
static uint64_t least_workspace(const vt_select *s) {
    const vatten_select_desc *d = &s->desc;
    uint64_t rows = s->shared ? s->budget_rows : vt_min(d->rows, 64);
    uint64_t heads = (uint64_t)s->group * (s->shared ? s->budget_heads : 1);
    uint64_t lines = vt_saturating_mul(rows, heads);
    uint64_t groups = d->rule.by_block ? d->blocks : s->shared;
    /* scores, then the state of the groups, and what lies between to align it */
    vt_sum bytes = vt_times(vt_sum_of(lines), vt_sum_of(d->blocks * sizeof(float)));
    bytes = vt_plus(bytes, vt_sum_of(vt_rank_state_bytes(groups, vt_rank_workgroups(lines, s->lanes))));
    bytes = vt_plus(bytes, vt_sum_of(4096));
    return bytes.overflow ? UINT64_MAX : bytes.value;
}

static uint64_t default_workspace(const vt_select *s) {
    uint64_t rows = vt_saturating_mul(vt_saturating_mul(s->desc.batch, s->desc.heads), s->desc.rows);
    return vt_max(vt_min(vt_saturating_mul(rows, ROW_WORKSPACE), MOST_WORKSPACE), least_workspace(s));
}

vatten_result vt_select_from(const vt_caps *caps, const vatten_logger *logger, const vatten_select_desc *desc,
                             vt_select *out) {
    memset(out, 0, sizeof *out);
    const vt_checker checks = vt_checker_begin(caps, logger, "select", desc->label, &out->problem);
    const vt_checker *check = &checks;
    const vatten_heads heads = {.dtype = desc->dtype,
                                .batch = desc->batch,
                                .heads = desc->heads,
                                .kv_heads = desc->kv_heads,
                                .dim = desc->dim,
                                .scale = desc->rule.scale,
                                .max_macs = desc->max_macs,
                                .max_moves = desc->max_moves};
    vatten_result result = vt_check_heads(check, &heads, false);
    if (result == VATTEN_SUCCESS)
        result = check_sizes(check, desc);
    if (result == VATTEN_SUCCESS)
        result = check_rule(check, desc, out);
    if (result != VATTEN_SUCCESS)
        return result;
    out->caps = caps;
    out->logger = logger;
    out->desc = *desc;
    out->desc.rule.scale = desc->rule.scale != 0.0f ? desc->rule.scale : 1.0f;
    out->desc.rule.list_heads = desc->rule.list_heads ? desc->rule.list_heads : desc->heads;
    out->group = desc->heads / out->desc.rule.list_heads;
    vt_fill_heads(&heads, caps, &out->problem);
    spread_long_rows(out);
    out->lanes = lanes_of(out);
    out->desc.max_workspace = desc->max_workspace ? desc->max_workspace : default_workspace(out);
    result = check_loops(check, out);
    return result == VATTEN_SUCCESS ? fill_tensors(check, out) : result;
}
