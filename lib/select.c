/* SPDX-License-Identifier: MIT
 *
 * Selection of blocks, from the desc to steps. A part is some batch entries, some list heads and some rows; it is scored
 * into the workspace, then selected from there.
 */
#include "select.h"

#include "problem_check.h"
#include "sizes.h"

#include <math.h>
#include <string.h>

#define WORKGROUP         64u
#define DEFAULT_WORKSPACE (UINT64_C(64) << 20)

/* ---- Rules ---- */

static vatten_result check_sizes(const vt_checker *check, const vatten_select_desc *d) {
    vatten_result result = vt_check_length(check, "rows", d->rows);
    if (result == VATTEN_SUCCESS)
        result = vt_check_length(check, "blocks", d->blocks);
    if (result != VATTEN_SUCCESS)
        return result;
    uint32_t list_heads = d->rule.list_heads ? d->rule.list_heads : d->heads;
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
    INVALID_IF(!placed && (d->causal || d->rule.own || d->rule.local),
               "causal %d, own %d, local %" PRIu32 " need row_tokens and block_tokens", d->causal,
               d->rule.own, d->rule.local);
    vt_sum end = vt_plus(vt_times(vt_sum_of(d->rows), vt_sum_of(d->row_tokens)), vt_sum_of(d->row_shift));
    UNSUPPORTED_IF(end.overflow || end.value > VT_LENGTH_MAX || d->block_tokens > VT_LENGTH_MAX,
                   "%" PRIu64 " rows of %" PRIu64 " tokens from %" PRIu64 " on are above %u tokens", d->rows,
                   d->row_tokens, d->row_shift, VT_LENGTH_MAX);
    return VATTEN_SUCCESS;
}

/* Own blocks of a row, at most. */
static uint64_t most_own(const vatten_select_desc *d) {
    return d->rule.own ? (d->row_tokens + d->block_tokens - 2) / d->block_tokens + 1 : 0;
}

static vatten_result check_budget(const vt_checker *check, const vatten_select_desc *d) {
    bool mass = d->rule.budget == VATTEN_BUDGET_MASS;
    uint64_t forced = vt_min((uint64_t)d->rule.first + vt_max(d->rule.local, most_own(d)), d->blocks);
    INVALID_IF(d->rule.budget < VATTEN_BUDGET_TOP || d->rule.budget > VATTEN_BUDGET_THRESHOLD,
               "budget %d is unknown", (int)d->rule.budget);
    INVALID_IF(forced > d->rule.entries,
               "first %" PRIu32 ", local %" PRIu32 " and %" PRIu64 " own blocks do not fit %" PRIu32
               " entries",
               d->rule.first, d->rule.local, most_own(d), d->rule.entries);
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

/* Loop iterations of one invocation of select, at most. */
static uint64_t iterations(const vatten_select_desc *d, uint64_t group) {
    uint64_t walks = group * (d->rule.softmax ? 3 : 1) + 5 + 32;
    walks += d->rule.budget == VATTEN_BUDGET_MASS        ? 32 + 8
             : d->rule.budget == VATTEN_BUDGET_THRESHOLD ? 1
                                                         : 0;
    return vt_saturating_mul(walks, d->blocks) + d->rule.entries + group + 64;
}

static vatten_result check_loops(const vt_checker *check, const vatten_select_desc *d, uint64_t group) {
    uint64_t steps = iterations(d, group);
    UNSUPPORTED_IF(steps > check->caps->loop_limit,
                   "%" PRIu64 " blocks take %" PRIu64 " steps of a row, %s allows %" PRIu64, d->blocks, steps,
                   check->caps->name, check->caps->loop_limit);
    return VATTEN_SUCCESS;
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
    return result;
}

vatten_result vt_select_from(const vt_caps *caps, const vatten_logger *logger, const vatten_select_desc *desc,
                             vt_select *out) {
    const vt_checker checks = vt_checker_begin(caps, logger, "select", desc->label, &out->problem);
    const vt_checker *check = &checks;
    const vatten_heads heads = {.dtype = desc->dtype,
                                .batch = desc->batch,
                                .heads = desc->heads,
                                .kv_heads = desc->kv_heads,
                                .dim = desc->dim,
                                .scale = desc->rule.scale};
    vatten_result result = vt_check_heads(check, &heads, false);
    if (result == VATTEN_SUCCESS)
        result = check_sizes(check, desc);
    if (result == VATTEN_SUCCESS)
        result = check_places(check, desc);
    if (result == VATTEN_SUCCESS)
        result = check_budget(check, desc);
    if (result != VATTEN_SUCCESS)
        return result;
    out->caps = caps;
    out->logger = logger;
    out->desc = *desc;
    out->desc.rule.scale = desc->rule.scale != 0.0f ? desc->rule.scale : 1.0f;
    out->desc.rule.list_heads = desc->rule.list_heads ? desc->rule.list_heads : desc->heads;
    out->desc.max_workspace = desc->max_workspace ? desc->max_workspace : DEFAULT_WORKSPACE;
    out->group = desc->heads / out->desc.rule.list_heads;
    vt_fill_heads(&heads, caps, &out->problem);
    result = check_loops(check, desc, out->group);
    return result == VATTEN_SUCCESS ? fill_tensors(check, out) : result;
}

/* ---- Parts ---- */

/* Batch entries, list heads and rows, the first of each and how many. */
typedef struct part {
    uint64_t batch, heads, rows;
    uint64_t b, h, row;
} part;

static uint64_t score_bytes(const vt_select *s, const part *p) {
    uint64_t slices = vt_saturating_mul(p->batch, p->heads * s->group);
    return vt_saturating_mul(vt_saturating_mul(slices, s->desc.blocks), p->rows * sizeof(float));
}

static uint64_t score_groups(const vt_select *s, const part *p) {
    return vt_saturating_mul(vt_ceil_div(p->rows, WORKGROUP * VT_SELECT_ROWS_AT_ONCE),
                             vt_ceil_div(s->desc.blocks, VT_SELECT_BLOCKS_AT_ONCE));
}

static uint64_t span(const vt_select *s, const vt_tensor *t, uint32_t bytes, uint64_t batch, uint64_t heads,
                     uint64_t rows, uint64_t dim) {
    return vt_range(t, bytes, s->caps->storage_alignment, batch, heads, rows, dim);
}

static bool fits(const vt_select *s, const part *p) {
    const vatten_select_desc *d = &s->desc;
    uint64_t range = s->caps->storage_range;
    uint64_t heads = p->heads * s->group;
    uint64_t kv_heads = vt_min(vt_ceil_div(heads - 1, d->heads / d->kv_heads) + 1, d->kv_heads);
    return score_bytes(s, p) <= vt_min(range, d->max_workspace) &&
           span(s, &s->q, s->problem.element_bytes, p->batch, heads, p->rows, d->dim) <= range &&
           span(s, &s->k, sizeof(float), p->batch, kv_heads, d->blocks, d->dim) <= range &&
           span(s, &s->lists, sizeof(uint32_t), p->batch, p->heads, p->rows, d->rule.entries) <= range &&
           vt_max(score_groups(s, p), vt_ceil_div(p->rows, WORKGROUP)) <= s->caps->groups[0] &&
           heads <= s->caps->groups[1] && p->batch <= s->caps->groups[2];
}

/* Batch entries give way first, then rows down to what still fills a device, then heads, then rows again. */
static bool choose_part(const vt_select *s, part *out) {
    part p = {.batch = s->problem.batch, .heads = s->desc.rule.list_heads, .rows = s->desc.rows};
    while (!fits(s, &p)) {
        if (p.batch > 1)
            p.batch = 1;
        else if (p.rows > 4096 || (p.rows > WORKGROUP && p.heads == 1))
            p.rows = vt_round_up(vt_ceil_div(p.rows, 2), WORKGROUP);
        else if (p.heads > 1)
            p.heads = 1;
        else
            return false;
    }
    *out = p;
    return true;
}

/* ---- Steps ---- */

/* Binds the elements [start, end) of a buffer; returns where `start` lies in the bound range. */
static uint32_t bind(const vt_select *s, vt_step *step, uint32_t slot, vt_role role, uint64_t start,
                     uint64_t end, uint32_t bytes) {
    return (uint32_t)vt_step_bind(step, slot, role, start, end, bytes, s->caps->storage_alignment);
}

static uint32_t bind_slab(const vt_select *s, const part *p, vt_step *step, uint32_t slot, vt_role role,
                          const vt_tensor *t, uint32_t bytes, uint64_t head, uint64_t last_head, uint64_t row,
                          uint64_t rows, uint64_t dim) {
    uint64_t start = p->b * t->batch + head * t->head + row * t->token;
    uint64_t end = (p->b + p->batch - 1) * t->batch + last_head * t->head + (row + rows - 1) * t->token + dim;
    return bind(s, step, slot, role, start, end, bytes);
}

static vt_step step_of(const vt_select *s, const part *p, uint32_t variant) {
    vt_step step = {.variant = variant, .barrier_before = true};
    vt_select_push *push = &step.select;
    push->row_first = (uint32_t)p->row;
    push->row_end = (uint32_t)(p->row + p->rows);
    push->blocks = (uint32_t)s->desc.blocks;
    push->group = s->desc.heads / s->desc.kv_heads;
    push->head_first = (uint32_t)p->h * s->group;
    push->scale = s->desc.rule.scale;
    push->s_head = (uint32_t)(s->desc.blocks * p->rows);
    push->s_batch = (uint32_t)(p->heads * s->group) * push->s_head;
    push->row_tokens = (uint32_t)s->desc.row_tokens;
    push->row_shift = (uint32_t)s->desc.row_shift;
    push->block_tokens = (uint32_t)s->desc.block_tokens;
    step.binding[VT_SELECT_SLOT_SCORES] = (vt_binding){VT_ROLE_WORKSPACE, 0, score_bytes(s, p)};
    step.groups[2] = (uint32_t)p->batch;
    return step;
}

static void add_score(const vt_select *s, const part *p, uint32_t variant, vt_program *program) {
    const vatten_select_desc *d = &s->desc;
    uint64_t head = p->h * s->group, last_head = head + p->heads * s->group - 1;
    uint64_t kv_group = d->heads / d->kv_heads;
    vt_step step = step_of(s, p, variant);
    step.binding_count = VT_SELECT_SLOT_COUNT_SCORE;
    step.written = 1u << VT_SELECT_SLOT_SCORES;
    step.groups[0] = (uint32_t)score_groups(s, p);
    step.groups[1] = (uint32_t)(p->heads * s->group);
    step.macs = p->batch * p->heads * s->group * p->rows * d->blocks * d->dim;
    step.select.q_base = bind_slab(s, p, &step, VT_SELECT_SLOT_Q, VT_ROLE_Q, &s->q, s->problem.element_bytes,
                                   head, last_head, p->row, p->rows, d->dim);
    step.select.k_base = bind_slab(s, p, &step, VT_SELECT_SLOT_K, VT_ROLE_K, &s->k, sizeof(float),
                                   head / kv_group, last_head / kv_group, 0, d->blocks, d->dim);
    step.select.q_batch = (uint32_t)s->q.batch;
    step.select.q_head = (uint32_t)s->q.head;
    step.select.q_token = (uint32_t)s->q.token;
    step.select.k_batch = (uint32_t)s->k.batch;
    step.select.k_head = (uint32_t)s->k.head;
    step.select.k_block = (uint32_t)s->k.token;
    vt_program_add(program, &step);
}

static void add_select(const vt_select *s, const part *p, uint32_t variant, vt_program *program) {
    uint64_t last = p->h + p->heads - 1;
    vt_step step = step_of(s, p, variant);
    step.binding_count = VT_SELECT_SLOT_COUNT;
    step.written = 1u << VT_SELECT_SLOT_SCORES | 1u << VT_SELECT_SLOT_LISTS | 1u << VT_SELECT_SLOT_COUNTS;
    step.groups[0] = (uint32_t)vt_ceil_div(p->rows, WORKGROUP);
    step.groups[1] = (uint32_t)p->heads;
    step.select.list_base = bind_slab(s, p, &step, VT_SELECT_SLOT_LISTS, VT_ROLE_LISTS, &s->lists,
                                      sizeof(uint32_t), p->h, last, p->row, p->rows, s->desc.rule.entries);
    step.select.list_batch = (uint32_t)s->lists.batch;
    step.select.list_head = (uint32_t)s->lists.head;
    step.select.list_row = (uint32_t)s->lists.token;
    step.binding[VT_SELECT_SLOT_COUNTS] =
        step.binding[VT_SELECT_SLOT_LISTS]; /* a declared slot must hold a buffer */
    if (s->desc.write_counts)
        step.select.count_base = bind_slab(s, p, &step, VT_SELECT_SLOT_COUNTS, VT_ROLE_COUNTS, &s->counts,
                                           sizeof(uint32_t), p->h, last, p->row, p->rows, 1);
    step.select.count_batch = (uint32_t)s->counts.batch;
    step.select.count_head = (uint32_t)s->counts.head;
    vt_program_add(program, &step);
}

static bool loads_by_four(const vt_select *s) {
    return s->desc.dim % 4 == 0 && s->q.batch % 4 == 0 && s->q.head % 4 == 0 && s->q.token % 4 == 0;
}

static uint32_t add_variant(const vt_select *s, vt_task task, vatten_dtype dtype, vt_program *program) {
    const vatten_select_desc *d = &s->desc;
    vt_variant *variant = &program->variants[program->variant_count];
    uint32_t *spec = variant->spec;
    memset(variant, 0, sizeof *variant);
    variant->kernel = vt_kernel_of_task(task, dtype);
    spec[VT_SPEC_WORKGROUP] = WORKGROUP;
    spec[VT_SELECT_SPEC_DIM] = d->dim;
    spec[VT_SELECT_SPEC_VECTOR] = loads_by_four(s);
    spec[VT_SELECT_SPEC_FLAGS] =
        (d->causal ? VT_SELECT_CAUSAL : 0) | (d->rule.own ? VT_SELECT_OWN : 0) |
        (d->rule.softmax ? VT_SELECT_SOFTMAX : 0) | (d->rule.min_max ? VT_SELECT_MIN_MAX : 0) |
        (d->rule.crossing_out ? VT_SELECT_CROSSING_OUT : 0) | (d->write_counts ? VT_SELECT_COUNTS : 0);
    spec[VT_SELECT_SPEC_BUDGET] = d->rule.budget == VATTEN_BUDGET_TOP    ? VT_BUDGET_TOP
                                  : d->rule.budget == VATTEN_BUDGET_MASS ? VT_BUDGET_MASS
                                                                         : VT_BUDGET_THRESHOLD;
    spec[VT_SELECT_SPEC_ENTRIES] = d->rule.entries;
    spec[VT_SELECT_SPEC_LEAST] = d->rule.least;
    spec[VT_SELECT_SPEC_GROUP] = s->group;
    spec[VT_SELECT_SPEC_FIRST] = d->rule.first;
    spec[VT_SELECT_SPEC_LOCAL] = d->rule.local;
    memcpy(&spec[VT_SELECT_SPEC_SHARE], &d->rule.share, sizeof d->rule.share);
    return program->variant_count++;
}

static vatten_result check_steps(const vt_select *s, const vt_program *program) {
    if (program->step_count <= VT_STEPS_MAX)
        return VATTEN_SUCCESS;
    vt_log(s->logger, VATTEN_LOG_ERROR, s->problem.label, "select: more than %u dispatches are needed",
           VT_STEPS_MAX);
    return VATTEN_ERROR_UNSUPPORTED;
}

static vatten_result refuse(const vt_select *s) {
    vt_log(s->logger, VATTEN_LOG_ERROR, s->problem.label,
           "select: %u rows of %" PRIu64
           " blocks of one list head do not fit %s, whose bindings hold %" PRIu64
           " bytes, or max_workspace %" PRIu64,
           WORKGROUP, s->desc.blocks, s->caps->name, s->caps->storage_range, s->desc.max_workspace);
    return VATTEN_ERROR_UNSUPPORTED;
}

vatten_result vt_select_steps(const vt_select *s, vt_program *program) {
    part most;
    if (!choose_part(s, &most))
        return refuse(s);
    uint32_t score = add_variant(s, VT_TASK_SCORE, s->problem.dtype, program);
    uint32_t select = add_variant(s, VT_TASK_SELECT, VATTEN_DTYPE_F32, program);
    program->workspace_bytes = vt_max(program->workspace_bytes, score_bytes(s, &most));
    for (uint64_t b = 0; b < s->problem.batch; b += most.batch)
        for (uint64_t h = 0; h < s->desc.rule.list_heads; h += most.heads)
            for (uint64_t row = 0; row < s->desc.rows && program->step_count <= VT_STEPS_MAX;
                 row += most.rows) {
                const part p = {vt_min(most.batch, s->problem.batch - b),
                                vt_min(most.heads, s->desc.rule.list_heads - h),
                                vt_min(most.rows, s->desc.rows - row),
                                b,
                                h,
                                row};
                add_score(s, &p, score, program);
                add_select(s, &p, select, program);
            }
    return check_steps(s, program);
}
