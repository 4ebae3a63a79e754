/* SPDX-License-Identifier: MIT
 *
 * A row is cut into pieces of VT_RANK_CHUNK values, which are the lines of rank.c; a part is some batch entries, heads and
 * rows.
 */
#include "topk.h"

#include "problem_check.h"
#include "rank.h"
#include "sizes.h"

#include <string.h>

#define MOST_WORKSPACE (UINT64_C(64) << 20)

/* ---- Rules ---- */

static vatten_result check_sizes(const vt_checker *check, const vatten_topk_desc *d) {
    INVALID_IF(d->batch == 0, "batch %d must be at least 1", 0);
    INVALID_IF(d->heads == 0, "heads %d must be at least 1", 0);
    INVALID_IF(d->rows == 0, "rows %d must be at least 1", 0);
    INVALID_IF(d->values == 0, "values %d must be at least 1", 0);
    UNSUPPORTED_IF(d->batch > VT_LENGTH_MAX || d->heads > VT_LENGTH_MAX || d->rows > VT_LENGTH_MAX ||
                       d->values > VT_LENGTH_MAX,
                   "batch %" PRIu64 ", heads %" PRIu32 ", rows %" PRIu64 " or values %" PRIu64
                   " are above %u",
                   d->batch, d->heads, d->rows, d->values, VT_LENGTH_MAX);
    INVALID_IF(d->entries == 0, "entries %d must be at least 1", 0);
    INVALID_IF(d->entries > d->values, "entries %" PRIu32 " are above %" PRIu64 " values", d->entries,
               d->values);
    INVALID_IF(d->align != VATTEN_ALIGN_LAST && d->align != VATTEN_ALIGN_FIRST, "align %d is unknown",
               (int)d->align);
    return VATTEN_SUCCESS;
}

static uint64_t workgroups(const vt_topk *t) {
    return vt_rank_workgroups(vt_ceil_div(t->desc.values, VT_RANK_CHUNK), VT_RANK_WORKGROUP);
}

static vatten_result check_loops(const vt_checker *check, const vt_topk *t) {
    uint64_t steps = vt_rank_iterations(workgroups(t), VT_RANK_WORKGROUP) +
                     t->desc.entries / VT_RANK_WORKGROUP / workgroups(t);
    UNSUPPORTED_IF(steps > check->caps->loop_limit,
                   "%" PRIu64 " values take %" PRIu64 " steps of an invocation, %s allows %" PRIu64,
                   t->desc.values, steps, check->caps->name, check->caps->loop_limit);
    return VATTEN_SUCCESS;
}

static bool is_packed(const vatten_strides *s) {
    return s->batch == 0 && s->head == 0 && s->token == 0;
}

/* Packed, rows of a head stand together: heads of one, batches of all. */
static vatten_result fill(const vt_checker *check, const char *name, const vatten_topk_desc *d,
                          const vatten_strides *strides, uint32_t dim, vt_tensor *out) {
    const vt_shape shape = {name, *strides, d->rows, d->heads, dim, false, sizeof(float)};
    vatten_result result = vt_fill_tensor(check, &shape, out);
    if (is_packed(strides)) {
        out->token = dim;
        out->head = dim * d->rows;
    }
    return result;
}

vatten_result vt_topk_from(const vt_caps *caps, const vatten_logger *logger, const vatten_topk_desc *desc,
                           vt_topk *out) {
    memset(out, 0, sizeof *out);
    const vt_checker checks = vt_checker_begin(caps, logger, "topk", desc->label, &out->problem);
    const vt_checker *check = &checks;
    const vatten_strides packed = {0, 0, 0};
    vatten_result result = check_sizes(check, desc);
    if (result != VATTEN_SUCCESS)
        return result;
    out->caps = caps;
    out->logger = logger;
    out->desc = *desc;
    out->problem.dtype = VATTEN_DTYPE_F32;
    out->problem.element_bytes = sizeof(float);
    out->problem.batch = desc->batch;
    out->problem.heads = out->problem.kv_heads = desc->heads;
    out->problem.max_moves = desc->max_moves ? desc->max_moves : caps->max_moves;
    result = check_loops(check, out);
    if (result == VATTEN_SUCCESS)
        result = fill(check, "x", desc, &desc->x, (uint32_t)desc->values, &out->x);
    if (result == VATTEN_SUCCESS)
        result = fill(check, "lists", desc, &packed, desc->entries, &out->lists);
    return result == VATTEN_SUCCESS ? fill(check, "counts", desc, &packed, 1, &out->counts) : result;
}

/* ---- Parts ---- */

/* Batch entries, heads and rows, the first of each and how many. */
typedef struct part {
    uint64_t batch, heads, rows;
    uint64_t b, h, row;
} part;

static uint64_t rows_of(const part *p) {
    return vt_saturating_mul(vt_saturating_mul(p->batch, p->heads), p->rows);
}

static uint64_t state_bytes(const vt_topk *t, const part *p) {
    return vt_rank_state_bytes(rows_of(p), workgroups(t));
}

static uint64_t range_of(const vt_topk *t, const vt_tensor *tensor, const part *p, uint64_t dim) {
    return vt_range(tensor, sizeof(float), t->caps->storage_alignment, p->batch, p->heads, p->rows, dim);
}

static bool fits(const vt_topk *t, const part *p) {
    const vt_caps *caps = t->caps;
    return state_bytes(t, p) <= vt_min(caps->storage_range, MOST_WORKSPACE) &&
           range_of(t, &t->x, p, t->desc.values) <= caps->storage_range &&
           range_of(t, &t->lists, p, t->desc.entries) <= caps->storage_range &&
           vt_saturating_mul(p->rows, workgroups(t)) <= caps->groups[0] && p->heads <= caps->groups[1] &&
           p->batch <= caps->groups[2];
}

/* The pass that writes lists reads all values, too. */
static uint64_t list_moves(const vt_topk *t, const part *p) {
    return vt_saturating_mul(rows_of(p), t->desc.values + t->desc.entries);
}

static uint64_t group_moves(const vt_topk *t, const part *p) {
    return state_bytes(t, p) / sizeof(uint32_t);
}

static bool works(const vt_topk *t, const part *p) {
    return vt_max(list_moves(t, p), group_moves(t, p)) <= t->problem.max_moves;
}

/* A workgroup may list all that it reads, and writes its share of the entries that are left. */
static void fill_moves(const vt_topk *t, const part *p, vt_rank *rank) {
    const uint64_t most = VT_RANK_WORKGROUP * VT_RANK_CHUNK;
    uint64_t values = vt_min(t->desc.values, most), entries = vt_min(t->desc.entries, most);
    rank->walking = (vt_rank_moves){vt_saturating_mul(rows_of(p), t->desc.values), values};
    rank->listing = (vt_rank_moves){list_moves(t, p), values + 2 * entries};
    rank->deciding = (vt_rank_moves){group_moves(t, p), vt_rank_state_words(workgroups(t))};
}

/* Batch entries give way first, then rows, then heads, which may stand between the rows of one. The bound on work yields to a
 * single row, whose passes are then cut; a limit of the device does not. */
static vatten_result choose_part(const vt_topk *t, part *out) {
    part p = {.batch = t->desc.batch, .heads = t->desc.heads, .rows = t->desc.rows};
    uint64_t *const sizes[] = {&p.batch, &p.rows, &p.heads};
    while ((!fits(t, &p) || !works(t, &p)) && vt_halve_first(sizes, NULL, 3))
        ;
    *out = p;
    if (fits(t, &p))
        return VATTEN_SUCCESS;
    vt_log(t->logger, VATTEN_LOG_ERROR, t->problem.label,
           "topk: a row of %" PRIu64 " values, or its list of %" PRIu32
           " entries, does not fit %s: a binding holds %" PRIu64 " bytes, a dispatch %" PRIu32 " workgroups",
           t->desc.values, t->desc.entries, t->caps->name, t->caps->storage_range, t->caps->groups[0]);
    return VATTEN_ERROR_UNSUPPORTED;
}

/* ---- Steps ---- */

/* Binds a part of a tensor; returns where it lies in the bound range. */
static uint32_t bind(const vt_topk *t, const part *p, vt_step *step, uint32_t slot, vt_role role,
                     const vt_tensor *x, uint64_t dim) {
    const vt_slab s = {{p->b, p->b + p->batch}, {p->h, p->h + p->heads}, {p->row, p->row + p->rows}};
    return (uint32_t)vt_step_bind_slab(step, slot, role, x, &s, dim, sizeof(float),
                                       t->caps->storage_alignment);
}

static void fill_push(const vt_topk *t, const part *p, vt_select_push *push) {
    const vatten_topk_desc *d = &t->desc;
    push->row_first = (uint32_t)p->row;
    push->row_end = (uint32_t)(p->row + p->rows);
    push->blocks = (uint32_t)d->values;
    push->s_batch = (uint32_t)t->x.batch;
    push->s_head = (uint32_t)t->x.head;
    push->s_row = (uint32_t)t->x.token;
    push->s_block = 1;
    push->row_shift =
        d->align == VATTEN_ALIGN_LAST ? (uint32_t)(d->values - d->rows) : 0; /* may be below 0 */
    push->list_batch = (uint32_t)t->lists.batch;
    push->list_head = (uint32_t)t->lists.head;
    push->list_row = (uint32_t)t->lists.token;
    push->count_batch = (uint32_t)t->counts.batch;
    push->count_head = (uint32_t)t->counts.head;
    push->budget_rows = 1;
    push->workgroups = (uint32_t)workgroups(t);
}

static void add_part(const vt_topk *t, const part *p, const uint32_t variants[VT_RANK_PASSES],
                     vt_program *program) {
    vt_rank rank = {.groups = (uint32_t)p->rows,
                    .variants = variants,
                    .budget = VATTEN_BUDGET_TOP,
                    .joins = false,
                    .max_moves = t->problem.max_moves};
    fill_moves(t, p, &rank);
    vt_step *step = &rank.step;
    fill_push(t, p, &step->select);
    step->groups[1] = (uint32_t)p->heads;
    step->groups[2] = (uint32_t)p->batch;
    step->select.s_base = bind(t, p, step, VT_RANK_SLOT_VALUES, VT_ROLE_K, &t->x, t->desc.values);
    step->select.list_base = bind(t, p, step, VT_RANK_SLOT_LISTS, VT_ROLE_LISTS, &t->lists, t->desc.entries);
    step->binding[VT_RANK_SLOT_COUNTS] =
        step->binding[VT_RANK_SLOT_LISTS]; /* a declared slot must hold a buffer */
    if (t->desc.write_counts)
        step->select.count_base = bind(t, p, step, VT_RANK_SLOT_COUNTS, VT_ROLE_COUNTS, &t->counts, 1);
    step->binding[VT_RANK_SLOT_STATE] = (vt_binding){VT_ROLE_WORKSPACE, 0, state_bytes(t, p)};
    vt_rank_steps(&rank, program);
}

static vatten_result check_steps(const vt_topk *t, const vt_program *program) {
    if (vt_program_has_room(program))
        return VATTEN_SUCCESS;
    vt_log(t->logger, VATTEN_LOG_ERROR, t->problem.label, "topk: more than %u dispatches are needed",
           VT_STEPS_MAX);
    return VATTEN_ERROR_UNSUPPORTED;
}

vatten_result vt_topk_steps(const vt_topk *t, vt_program *program) {
    part most;
    uint32_t variants[VT_RANK_PASSES], spec[VT_SPEC_COUNT] = {0};
    vatten_result result = choose_part(t, &most);
    if (result != VATTEN_SUCCESS)
        return result;
    spec[VT_SPEC_WORKGROUP] = VT_RANK_WORKGROUP;
    spec[VT_SELECT_SPEC_FLAGS] =
        (t->desc.causal ? VT_SELECT_CAUSAL : 0) | (t->desc.write_counts ? VT_SELECT_COUNTS : 0);
    spec[VT_SELECT_SPEC_BUDGET] = VT_BUDGET_TOP;
    spec[VT_SELECT_SPEC_ENTRIES] = t->desc.entries;
    spec[VT_SELECT_SPEC_HEADS] = 1;
    vt_rank_variants(vt_kernel_of_task(VT_TASK_TOPK, VATTEN_DTYPE_F32), spec, VATTEN_BUDGET_TOP, false,
                     program, variants);
    program->workspace_bytes = vt_max(program->workspace_bytes, state_bytes(t, &most));
    for (uint64_t b = 0; b < t->desc.batch; b += most.batch)
        for (uint64_t h = 0; h < t->desc.heads; h += most.heads)
            for (uint64_t row = 0; row < t->desc.rows && vt_program_has_room(program); row += most.rows) {
                const part p = {vt_min(most.batch, t->desc.batch - b),
                                vt_min(most.heads, t->desc.heads - h),
                                vt_min(most.rows, t->desc.rows - row),
                                b,
                                h,
                                row};
                add_part(t, &p, variants, program);
            }
    return check_steps(t, program);
}
