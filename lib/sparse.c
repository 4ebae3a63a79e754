/* SPDX-License-Identifier: MIT
 *
 * The workspace of a sparse plan, one after the other: pooled keys, pooled queries, the lists of rows, the lists that
 * attention goes by if those are others, and scratch, which scores, marks, the carry and what is gathered take in turn.
 */
#include "sparse.h"

#include "problem_check.h"
#include "sizes.h"

#include <string.h>

#define ROW_BLOCK   64u /* queries whose lists are joined, each with a bit */
#define GATHER_ROWS 32u /* rows of a tile, about */

/* Tokens along axis a of the queries' grid, or of the keys'; runs of tokens are a grid of one axis. */
static uint64_t extent_of(const vatten_sparse_desc *d, bool keys, uint32_t a) {
    if (d->boxes.rank == 0)
        return keys ? d->kv_len : d->q_len;
    return !keys && a == 0 && d->boxes.q_extent ? d->boxes.q_extent : d->boxes.extent[a];
}

static uint32_t side_of(const vatten_sparse_desc *d, bool keys, uint32_t a) {
    if (d->boxes.rank == 0)
        return keys ? d->kv_block : d->q_block;
    return keys ? d->boxes.kv_box[a] : d->boxes.q_box[a];
}

static uint32_t rank_of(const vatten_sparse_desc *d) {
    return d->boxes.rank ? d->boxes.rank : 1;
}

static uint64_t blocks_of(const vatten_sparse_desc *d, bool keys) {
    uint64_t blocks = 1;
    for (uint32_t a = 0; a < rank_of(d); ++a)
        blocks = vt_saturating_mul(blocks, vt_ceil_div(extent_of(d, keys, a), side_of(d, keys, a)));
    return blocks;
}

static vatten_pool_desc pool_desc(const vatten_sparse_desc *d, bool keys) {
    const vatten_heads *h = &d->heads;
    vatten_pool_desc pool = {.dtype = h->dtype,
                             .batch = h->batch,
                             .heads = keys ? h->kv_heads : h->heads,
                             .dim = h->dim,
                             .x = keys ? h->k : h->q,
                             .max_moves = h->max_moves,
                             .rank = rank_of(d),
                             .label = h->label};
    for (uint32_t a = 0; a < pool.rank; ++a) {
        pool.extent[a] = extent_of(d, keys, a);
        pool.block[a] = side_of(d, keys, a);
    }
    return pool;
}

static vatten_select_desc select_desc(const vatten_sparse_desc *d, const vt_sparse *s) {
    const vatten_heads *h = &d->heads;
    bool last = d->causal && d->align == VATTEN_ALIGN_LAST, boxed = d->boxes.rank != 0;
    return (vatten_select_desc){.dtype = s->by_row ? h->dtype : VATTEN_DTYPE_F32,
                                .batch = h->batch,
                                .heads = h->heads,
                                .kv_heads = h->kv_heads,
                                .dim = h->dim,
                                .rows = blocks_of(d, false),
                                .blocks = blocks_of(d, true),
                                .q = s->by_row ? h->q : (vatten_strides){0, 0, 0},
                                .rule = d->rule,
                                .row_tokens = boxed ? 0 : d->q_block,
                                .row_shift = last ? d->kv_len - d->q_len : 0,
                                .block_tokens = boxed ? 0 : d->kv_block,
                                .causal = d->causal,
                                .max_workspace = d->max_workspace,
                                .max_macs = h->max_macs,
                                .max_moves = h->max_moves,
                                .label = h->label,
                                .boxes = d->boxes};
}

static vatten_lists_desc lists_desc(const vatten_sparse_desc *d, bool joins) {
    uint64_t joined = vt_min((uint64_t)d->rule.entries * ROW_BLOCK, blocks_of(d, true));
    vatten_lists_desc lists = {.heads = d->heads,
                               .q_len = d->q_len,
                               .kv_len = d->kv_len,
                               .kind = VATTEN_LIST_BLOCKS,
                               .q_block = joins ? ROW_BLOCK : d->q_block,
                               .kv_block = d->kv_block,
                               .entries = joins ? (uint32_t)joined : d->rule.entries,
                               .list_heads = d->rule.list_heads,
                               .row_masks = joins,
                               .causal = d->causal,
                               .align = d->align,
                               .boxes = d->boxes};
    if (joins) /* queries one after the other, whatever box they are in */
        memset(lists.boxes.q_box, 0, sizeof lists.boxes.q_box);
    return lists;
}

static vt_mark mark_of(const vt_caps *caps, const vatten_logger *logger, const vt_sparse *s) {
    const vt_select *select = &s->select;
    return (vt_mark){caps,
                     logger,
                     s->lists.label,
                     s->lists.batch,
                     select->desc.rule.list_heads,
                     select->desc.rows,
                     select->desc.blocks,
                     select->desc.rule.entries,
                     ROW_BLOCK,
                     s->joined.list.entries,
                     s->lists.max_moves};
}

/* Whether a plan that leaves the choice open gathers: if blocks have at least a tile of rows each, on average, that go by
 * them. Then gathering takes nearly the same time whatever the data: up to five times as fast where neighbouring queries
 * disagree, at worst half as fast where all agree (docs/performance.md has the figures). With fewer rows its tiles are not
 * full. */
static bool gathers_by_itself(const vatten_sparse_desc *d) {
    const vatten_heads *h = &d->heads;
    uint32_t list_group = d->rule.list_heads ? h->heads / d->rule.list_heads : 1;
    uint32_t slot_heads = vt_gather_slot_heads(list_group, h->heads / h->kv_heads);
    uint64_t blocks = vt_ceil_div(d->kv_len, d->kv_block);
    uint64_t rows = vt_saturating_mul(vt_saturating_mul(d->q_len, d->rule.entries), slot_heads);
    return rows >= vt_saturating_mul(blocks, GATHER_ROWS);
}

/* What parts would refuse too, but under names that are not those of this desc. */
static vatten_result check_lengths(const vt_checker *check, const vatten_sparse_desc *d) {
    vatten_result result = vt_check_heads(check, &d->heads, false);
    if (result == VATTEN_SUCCESS)
        result = vt_check_length(check, "q_len", d->q_len);
    return result == VATTEN_SUCCESS ? vt_check_length(check, "kv_len", d->kv_len) : result;
}

static vatten_result check_execution(const vt_checker *check, const vatten_sparse_desc *d) {
    INVALID_IF(d->execution < VATTEN_SPARSE_AUTO || d->execution > VATTEN_SPARSE_GATHER,
               "execution %d is unknown", (int)d->execution);
    INVALID_IF(d->execution == VATTEN_SPARSE_GATHER && d->q_block != 1,
               "execution GATHER with q_block %" PRIu32 ": queries that share lists are not gathered",
               d->q_block);
    return VATTEN_SUCCESS;
}

/* The blocks of a desc with boxes are those; what else boxes must be, selection says. */
static vatten_result resolve_boxes(const vt_checker *check, vatten_sparse_desc *d) {
    const vatten_boxes *boxes = &d->boxes;
    uint64_t q_block = 1, kv_block = 1;
    INVALID_IF(boxes->rank > 3, "boxes: rank %" PRIu32 " is above 3", boxes->rank);
    for (uint32_t a = 0; a < boxes->rank; ++a) {
        q_block = vt_saturating_mul(q_block, boxes->q_box[a]);
        kv_block = vt_saturating_mul(kv_block, boxes->kv_box[a]);
        INVALID_IF(boxes->q_box[a] == 0 || boxes->kv_box[a] == 0,
                   "boxes: axis %" PRIu32 ": q_box %" PRIu32 " and kv_box %" PRIu32 " must be at least 1", a,
                   boxes->q_box[a], boxes->kv_box[a]);
    }
    INVALID_IF(d->q_block && d->q_block != q_block,
               "boxes: q_box has %" PRIu64 " tokens, q_block is %" PRIu32, q_block, d->q_block);
    INVALID_IF(d->kv_block && d->kv_block != kv_block,
               "boxes: kv_box has %" PRIu64 " tokens, kv_block is %" PRIu32, kv_block, d->kv_block);
    d->q_block = (uint32_t)vt_min(q_block, UINT32_MAX);
    d->kv_block = (uint32_t)vt_min(kv_block, UINT32_MAX);
    return VATTEN_SUCCESS;
}

static vatten_result check_blocks(const vt_checker *check, const vatten_sparse_desc *d) {
    INVALID_IF(d->q_block == 0, "q_block %d must be at least 1", 0);
    INVALID_IF(d->kv_block == 0, "kv_block %d must be at least 1", 0);
    INVALID_IF(d->q_block > d->q_len, "q_block %" PRIu32 " is above q_len %" PRIu64, d->q_block, d->q_len);
    INVALID_IF(d->kv_block > d->kv_len, "kv_block %" PRIu32 " is above kv_len %" PRIu64, d->kv_block,
               d->kv_len);
    INVALID_IF(d->causal && d->align == VATTEN_ALIGN_LAST && d->kv_len < d->q_len,
               "causal with kv_len %" PRIu64 " below q_len %" PRIu64 ": the first queries have no key",
               d->kv_len, d->q_len);
    return VATTEN_SUCCESS;
}

/* What stays in the workspace between the stages, as layout_of places it at most. Each of it fits 64 bits by itself. */
static vatten_result check_kept(const vt_checker *check, const vt_sparse *s) {
    vt_sum words = vt_plus(vt_sum_of(s->keys.out.elements), vt_sum_of(s->queries.out.elements));
    words = vt_plus(words, vt_sum_of(s->select.lists.elements));
    words = vt_plus(words, vt_sum_of(s->joined.list.words.elements));
    vt_sum bytes = vt_times(words, vt_sum_of(sizeof(uint32_t)));
    bytes = vt_plus(bytes, vt_times(vt_sum_of(4), vt_sum_of(check->caps->storage_alignment)));
    INVALID_IF(bytes.overflow,
               "the workspace overflows 64 bits: %" PRIu64 " pooled numbers of keys, %" PRIu64
               " of queries, lists of %" PRIu64 " words",
               s->keys.out.elements, s->queries.out.elements, s->select.lists.elements);
    return VATTEN_SUCCESS;
}

vatten_result vt_sparse_from(const vt_caps *caps, const vatten_logger *logger,
                             const vatten_sparse_desc *given, vt_sparse *out) {
    memset(out, 0, sizeof *out);
    vatten_sparse_desc resolved = *given;
    const vatten_sparse_desc *desc = &resolved;
    const vt_checker check = vt_checker_begin(caps, logger, "sparse", desc->heads.label, &out->lists);
    vatten_result result = check_lengths(&check, desc);
    if (result == VATTEN_SUCCESS && desc->boxes.rank)
        result = resolve_boxes(&check, &resolved);
    if (result == VATTEN_SUCCESS)
        result = check_blocks(&check, desc);
    if (result == VATTEN_SUCCESS)
        result = check_execution(&check, desc);
    if (result != VATTEN_SUCCESS)
        return result;
    out->by_row = desc->q_block == 1;
    out->execution = desc->execution;
    out->gathers = out->by_row && (desc->execution == VATTEN_SPARSE_GATHER ||
                                   (desc->execution == VATTEN_SPARSE_AUTO && gathers_by_itself(desc)));
    const vatten_lists_desc lists = lists_desc(desc, out->by_row && !out->gathers);
    const vatten_lists_desc joined = lists_desc(desc, true);
    const vatten_select_desc select = select_desc(desc, out);
    const vatten_pool_desc keys = pool_desc(desc, true), queries = pool_desc(desc, false);
    result = vt_select_from(caps, logger, &select, &out->select);
    if (result == VATTEN_SUCCESS)
        result = vt_problem_from_lists(caps, logger, &lists, &out->lists);
    if (result == VATTEN_SUCCESS && out->by_row && desc->execution != VATTEN_SPARSE_GATHER)
        result = vt_problem_from_lists(caps, logger, &joined, &out->joined);
    out->lists.kv_stays = out->joined.kv_stays = true; /* stages share the workspace as it is laid out here */
    if (result == VATTEN_SUCCESS)
        result = vt_pool_from(caps, logger, &keys, &out->keys);
    if (result == VATTEN_SUCCESS && !out->by_row)
        result = vt_pool_from(caps, logger, &queries, &out->queries);
    if (result == VATTEN_SUCCESS && out->by_row)
        out->mark = mark_of(caps, logger, out);
    return result == VATTEN_SUCCESS ? check_kept(&check, out) : result;
}

/* ---- Steps ---- */

/* Bytes into the workspace. */
typedef struct layout {
    uint64_t keys, queries, rows, lists, scratch;
} layout;

static layout layout_of(const vt_sparse *s, bool joins, uint64_t alignment) {
    layout at = {0};
    uint64_t row_bytes = s->select.lists.elements * sizeof(uint32_t);
    at.queries = vt_round_up(s->keys.out.elements * sizeof(float), alignment);
    at.rows = vt_round_up(at.queries + s->queries.out.elements * sizeof(float), alignment);
    at.lists = joins ? vt_round_up(at.rows + row_bytes, alignment) : at.rows;
    at.scratch = vt_round_up(at.lists + (joins ? vt_mark_out_bytes(&s->mark) : row_bytes), alignment);
    return at;
}

static void keep(vt_program *program, vt_role role, uint64_t offset) {
    vt_program_move(program, role, VT_ROLE_WORKSPACE, offset);
}

/* A stage reads what the one before wrote, and has the scratch to itself. */
static void next_stage(vt_program *program, const layout *at, uint64_t *scratch) {
    *scratch = vt_max(*scratch, program->workspace_bytes);
    memset(program->route, 0, sizeof program->route);
    program->workspace_bytes = 0;
    program->waits = true;
    keep(program, VT_ROLE_WORKSPACE, at->scratch);
}

static vatten_result pool_stage(const vt_sparse *s, const layout *at, uint64_t *scratch,
                                vt_program *program) {
    next_stage(program, at, scratch);
    keep(program, VT_ROLE_OUT, at->keys);
    vatten_result result = vt_pool_steps(&s->keys, program);
    if (result != VATTEN_SUCCESS || s->by_row)
        return result;
    vt_program_move(program, VT_ROLE_K, VT_ROLE_Q, 0);
    keep(program, VT_ROLE_OUT, at->queries);
    return vt_pool_steps(&s->queries, program);
}

static vatten_result select_stage(const vt_sparse *s, const layout *at, uint64_t *scratch,
                                  vt_program *program) {
    next_stage(program, at, scratch);
    keep(program, VT_ROLE_K, at->keys);
    if (!s->by_row)
        keep(program, VT_ROLE_Q, at->queries);
    keep(program, VT_ROLE_LISTS, at->rows);
    return vt_select_steps(&s->select, program);
}

static vatten_result mark_stage(const vt_sparse *s, const layout *at, uint64_t *scratch,
                                vt_program *program) {
    next_stage(program, at, scratch);
    keep(program, VT_ROLE_COUNTS, at->rows);
    keep(program, VT_ROLE_LISTS, at->lists);
    return vt_mark_steps(&s->mark, s->select.desc.max_workspace, program);
}

static vatten_result attend_stage(const vt_sparse *s, const vt_op_input *input, const layout *at,
                                  uint64_t *scratch, vt_program *program) {
    next_stage(program, at, scratch);
    keep(program, VT_ROLE_LISTS, at->lists);
    program->main_variant = program->variant_count;
    vt_op_input op = *input;
    op.problem = s->by_row ? &s->joined : &s->lists;
    return vt_op_lists(&op, program);
}

static vt_gather gather_of(const vt_sparse *s, const vt_op_input *input) {
    return (vt_gather){*input, s->select.desc.max_workspace};
}

static vatten_result gather_stage(const vt_sparse *s, const vt_op_input *input, const layout *at,
                                  uint64_t *scratch, vt_program *program) {
    const vt_gather gather = gather_of(s, input);
    next_stage(program, at, scratch);
    keep(program, VT_ROLE_LISTS, at->lists);
    return vt_gather_steps(&gather, program);
}

vatten_sparse_execution vt_sparse_takes(const vt_sparse *s, const vt_op_input *input) {
    const vt_gather gather = gather_of(s, input);
    bool asked = s->execution == VATTEN_SPARSE_GATHER;
    return s->gathers && (asked || vt_gather_fits(&gather)) ? VATTEN_SPARSE_GATHER : VATTEN_SPARSE_UNION;
}

vatten_result vt_sparse_steps(const vt_sparse *s, const vt_op_input *input, vt_program *program) {
    bool gathers = vt_sparse_takes(s, input) == VATTEN_SPARSE_GATHER;
    bool joins = s->by_row && !gathers;
    const layout at = layout_of(s, joins, input->caps->storage_alignment);
    uint64_t scratch = 0;
    vatten_result result = pool_stage(s, &at, &scratch, program);
    if (result == VATTEN_SUCCESS)
        result = select_stage(s, &at, &scratch, program);
    if (result == VATTEN_SUCCESS && joins)
        result = mark_stage(s, &at, &scratch, program);
    if (result == VATTEN_SUCCESS)
        result = gathers ? gather_stage(s, input, &at, &scratch, program)
                         : attend_stage(s, input, &at, &scratch, program);
    program->workspace_bytes = vt_saturating_add(at.scratch, vt_max(scratch, program->workspace_bytes));
    return result;
}
