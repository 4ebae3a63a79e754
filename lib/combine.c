/* SPDX-License-Identifier: MIT
 *
 * Combining, from the desc to steps. A part of the work is some batch entries, some heads and some tokens, of all that is
 * combined; each is bound with everything that it reads.
 */
#include "combine.h"

#include "problem_check.h"
#include "sizes.h"

#include <string.h>

#define WORKGROUP 64u

/* ---- Rules ---- */

static vatten_result check_kind(const vt_checker *check, const vatten_combine_desc *d) {
    bool merges = d->kind == VATTEN_COMBINE_MERGE;
    INVALID_IF(d->kind != VATTEN_COMBINE_SUM && !merges, "kind %d is unknown", (int)d->kind);
    INVALID_IF(d->parts == 0, "parts %d must be at least 1", 0);
    INVALID_IF(d->parts > VT_COMBINE_PARTS_MAX, "parts %" PRIu32 " are above %u", d->parts,
               VT_COMBINE_PARTS_MAX);
    INVALID_IF(merges && d->gains, "gains %d are for sums only", 1);
    INVALID_IF(merges && d->has_residual, "has_residual %d is for sums only", 1);
    INVALID_IF(!merges && d->write_lse, "write_lse %d is for merges only", 1);
    const vatten_strides *w = &d->weights, *r = &d->residual;
    INVALID_IF(!merges && !d->gains && (w->batch || w->head || w->token || d->weights_part),
               "weights strides: batch %" PRId64 ", head %" PRId64 ", token %" PRId64
               " without gains or log-sum-exps",
               w->batch, w->head, w->token);
    INVALID_IF(!d->has_residual && (r->batch || r->head || r->token),
               "residual strides: batch %" PRId64 ", head %" PRId64 ", token %" PRId64
               " without has_residual",
               r->batch, r->head, r->token);
    return VATTEN_SUCCESS;
}

/* Elements of all parts of a tensor. */
static vatten_result add_parts(const vt_checker *check, const char *name, const vt_tensor *t, uint32_t parts,
                               uint64_t stride, uint32_t bytes, uint64_t *out) {
    vt_sum elements = vt_plus(vt_times(vt_sum_of(parts - 1), vt_sum_of(stride)), vt_sum_of(t->elements));
    vt_sum size = vt_times(elements, vt_sum_of(bytes));
    INVALID_IF(size.overflow, "%s overflows 64 bits: %" PRIu32 " parts, %" PRIu64 " elements apart", name,
               parts, stride);
    *out = elements.value;
    return VATTEN_SUCCESS;
}

static vatten_result fill_parts(const vt_checker *check, const vatten_combine_desc *d, vt_combine *out) {
    const vt_problem *p = &out->problem;
    const vt_shape x = {"x", d->x, p->q_len, p->heads, p->dim, false, 0};
    vatten_result result = vt_fill_tensor(check, &x, &out->x);
    out->x_part = d->x_part ? d->x_part : out->x.elements;
    return result == VATTEN_SUCCESS
               ? add_parts(check, "x", &out->x, d->parts, out->x_part, p->element_bytes, &out->x_elements)
               : result;
}

/* Packed as attention writes log-sum-exps, heads outside tokens. */
static vatten_result fill_weights(const vt_checker *check, const vatten_combine_desc *d, vt_combine *out) {
    const vatten_strides *w = &d->weights;
    bool packed = w->batch == 0 && w->head == 0 && w->token == 0 && d->weights_part == 0;
    vt_shape shape = {"weights", *w, d->tokens, d->heads, 1, false, sizeof(float)};
    out->weighted = d->gains || d->kind == VATTEN_COMBINE_MERGE;
    if (!out->weighted)
        return VATTEN_SUCCESS;
    if (packed)
        shape.strides = (vatten_strides){
            .batch = (int64_t)(d->heads * d->tokens), .head = (int64_t)d->tokens, .token = 1};
    bool repeats = !packed && w->batch == 0 && w->head == 0 && w->token == 0;
    vatten_result result = VATTEN_SUCCESS;
    if (repeats) /* all 0 would be taken for packed */
        out->weights = (vt_tensor){0, 0, 0, 1};
    else
        result = vt_fill_tensor(check, &shape, &out->weights);
    out->weights_part = packed ? out->weights.elements : d->weights_part;
    return result == VATTEN_SUCCESS ? add_parts(check, "weights", &out->weights, d->parts, out->weights_part,
                                                sizeof(float), &out->weights_elements)
                                    : result;
}

static vatten_result fill_tensors(const vt_checker *check, const vatten_combine_desc *d, vt_combine *out) {
    const vt_problem *p = &out->problem;
    const vt_shape residual = {"residual", d->residual, p->q_len, p->heads, p->dim, false, 0};
    const vt_shape written = {"out", d->out, p->q_len, p->heads, p->dim, true, 0};
    vatten_result result = fill_parts(check, d, out);
    if (result == VATTEN_SUCCESS)
        result = fill_weights(check, d, out);
    if (result == VATTEN_SUCCESS && d->has_residual)
        result = vt_fill_tensor(check, &residual, &out->residual);
    return result == VATTEN_SUCCESS ? vt_fill_tensor(check, &written, &out->out) : result;
}

vatten_result vt_combine_from(const vt_caps *caps, const vatten_logger *logger,
                              const vatten_combine_desc *desc, vt_combine *out) {
    memset(out, 0, sizeof *out);
    const vt_checker checks = vt_checker_begin(caps, logger, "combine", desc->label, &out->problem);
    const vt_checker *check = &checks;
    const vatten_heads heads = {.dtype = desc->dtype,
                                .batch = desc->batch,
                                .heads = desc->heads,
                                .kv_heads = desc->heads,
                                .dim = desc->dim,
                                .write_lse = desc->write_lse,
                                .max_moves = desc->max_moves};
    vatten_result result = vt_check_heads(check, &heads, false);
    if (result == VATTEN_SUCCESS)
        result = vt_check_length(check, "tokens", desc->tokens);
    if (result == VATTEN_SUCCESS)
        result = check_kind(check, desc);
    if (result != VATTEN_SUCCESS)
        return result;
    UNSUPPORTED_IF(caps->storage_buffers < VT_COMBINE_SLOT_COUNT,
                   "%d storage buffers per stage are needed, %s has %" PRIu32, VT_COMBINE_SLOT_COUNT,
                   caps->name, caps->storage_buffers);
    vt_fill_heads(&heads, caps, &out->problem);
    out->problem.q_len = out->problem.kv_len = desc->tokens;
    out->caps = caps;
    out->logger = logger;
    out->kind = desc->kind;
    out->parts = desc->parts;
    out->has_residual = desc->has_residual;
    return fill_tensors(check, desc, out);
}

/* ---- The kernel ---- */

_Static_assert(VT_COMBINE_QUADS == 4, "write_out of combine.comp spells out four words");

/* Invocations of a row. */
static uint64_t row_lanes(uint32_t dim, bool by_four) {
    return vt_ceil_div(by_four ? dim / 4 : dim, VT_COMBINE_QUADS);
}

static uint64_t groups_of(uint64_t rows, uint32_t dim, bool by_four) {
    return vt_ceil_div(vt_saturating_mul(rows, row_lanes(dim, by_four)), WORKGROUP);
}

static vt_variant *add_variant(vatten_dtype dtype, uint32_t mode, uint32_t dim, bool by_four,
                               vt_program *program) {
    vt_variant *variant = &program->variants[program->variant_count++];
    memset(variant, 0, sizeof *variant);
    variant->kernel = vt_kernel_of_task(VT_TASK_COMBINE, dtype);
    variant->spec[VT_SPEC_WORKGROUP] = WORKGROUP;
    variant->spec[VT_COMBINE_SPEC_MODE] = mode;
    variant->spec[VT_COMBINE_SPEC_DIM] = dim;
    variant->spec[VT_COMBINE_SPEC_VECTOR] = by_four;
    variant->spec[VT_COMBINE_SPEC_LANES] = 1;
    variant->spec[VT_COMBINE_SPEC_HEADS] = 1;
    variant->spec[VT_COMBINE_SPEC_GROUP] = 1;
    return variant;
}

/* ---- Steps ---- */

/* Batch entries, heads, tokens and parts of a dispatch, how many and the first of each. */
typedef struct part {
    uint64_t batch, heads, tokens, parts;
    uint64_t b, h, token, part;
} part;

static bool loads_by_four(const vt_combine *c) {
    return c->problem.dim % 4 == 0 && vt_tensor_by_four(&c->x) && (c->parts == 1 || c->x_part % 4 == 0) &&
           (!c->has_residual || vt_tensor_by_four(&c->residual)) && vt_tensor_by_four(&c->out);
}

static bool range_fits(const vt_combine *c, const part *p, const vt_tensor *t, uint32_t bytes,
                       uint64_t part_stride, uint64_t dim) {
    uint64_t apart = vt_saturating_mul(vt_saturating_mul(p->parts - 1, part_stride), bytes);
    uint64_t one = vt_range(t, bytes, c->caps->storage_alignment, p->batch, p->heads, p->tokens, dim);
    return one <= c->caps->storage_range && apart <= c->caps->storage_range - one;
}

/* What the invocations of a dispatch hand on to those of the next parts. */
static uint64_t carry_bytes(const vt_combine *c, const part *p) {
    uint64_t rows = vt_saturating_mul(vt_saturating_mul(p->batch, p->heads), p->tokens);
    uint64_t lanes = vt_saturating_mul(rows, row_lanes(c->problem.dim, loads_by_four(c)));
    return vt_saturating_mul(lanes, (VT_COMBINE_QUADS * 4 + 2) * sizeof(float));
}

static bool fits(const vt_combine *c, const part *p) {
    const vt_caps *caps = c->caps;
    const vt_problem *q = &c->problem;
    uint64_t lse = ((p->batch - 1) * q->heads + p->heads - 1) * q->q_len + p->tokens;
    return range_fits(c, p, &c->x, q->element_bytes, c->x_part, q->dim) &&
           (!c->weighted || range_fits(c, p, &c->weights, sizeof(float), c->weights_part, 1)) &&
           (!c->has_residual || range_fits(c, p, &c->residual, q->element_bytes, 0, q->dim)) &&
           range_fits(c, p, &c->out, q->element_bytes, 0, q->dim) &&
           (!q->write_lse || lse * sizeof(float) + caps->storage_alignment <= caps->storage_range) &&
           (p->parts == c->parts || carry_bytes(c, p) <= caps->storage_range) &&
           groups_of(p->tokens, q->dim, loads_by_four(c)) <= caps->groups[0] && p->heads <= caps->groups[1] &&
           p->batch <= caps->groups[2];
}

/* What is read of all parts, the residual, and what is written. */
static uint64_t moves(const vt_combine *c, const part *p) {
    uint64_t rows = vt_saturating_mul(vt_saturating_mul(p->batch, p->heads), p->tokens);
    uint64_t states = p->parts < c->parts
                          ? 2 * (VT_COMBINE_QUADS * 4 + 2) * row_lanes(c->problem.dim, loads_by_four(c))
                          : 0;
    return vt_saturating_mul(rows, (p->parts + 1 + c->has_residual) * c->problem.dim +
                                       (c->weighted ? p->parts : 0) + states);
}

/* The largest part of the work that fits, with so many parts at once; false if there is none. The bound on work yields to a
 * single row. */
static bool shrink_to_fit(const vt_combine *c, uint64_t parts, part *out) {
    part p = {
        .batch = c->problem.batch, .heads = c->problem.heads, .tokens = c->problem.q_len, .parts = parts};
    while (!fits(c, &p) || moves(c, &p) > c->problem.max_moves) {
        if (p.batch > 1)
            p.batch = vt_ceil_div(p.batch, 2);
        else if (p.tokens > WORKGROUP || (p.tokens > 1 && p.heads == 1))
            p.tokens = vt_ceil_div(p.tokens, 2);
        else if (p.heads > 1)
            p.heads = vt_ceil_div(p.heads, 2);
        else
            break;
    }
    *out = p;
    return fits(c, &p);
}

/* All parts at once, or else as many as leave half of a binding for one of them. */
static vatten_result choose_part(const vt_combine *c, part *out) {
    uint64_t room = c->caps->storage_range / 2;
    uint64_t apart = vt_max(vt_saturating_mul(c->x_part, c->problem.element_bytes), 1);
    uint64_t weights_apart = vt_max(vt_saturating_mul(c->weights_part, sizeof(float)), 1);
    uint64_t some = vt_min(vt_min(room / apart, room / weights_apart) + 1, c->parts);
    if (shrink_to_fit(c, c->parts, out) || shrink_to_fit(c, some, out) || shrink_to_fit(c, 1, out))
        return VATTEN_SUCCESS;
    vt_log(c->logger, VATTEN_LOG_ERROR, c->problem.label,
           "combine: a row of %" PRIu32 " dims does not fit %s: a binding holds %" PRIu64 " bytes",
           c->problem.dim, c->caps->name, c->caps->storage_range);
    return VATTEN_ERROR_UNSUPPORTED;
}

/* Binds what a dispatch has of a tensor, in all its parts, which lie `apart`; returns where the first element lies. */
static uint32_t bind(const vt_combine *c, const part *p, vt_step *step, uint32_t slot, vt_role role,
                     const vt_tensor *t, uint32_t bytes, uint64_t apart, uint64_t dim) {
    uint64_t start = vt_tensor_at(t, p->b, p->h, p->token) + p->part * apart;
    uint64_t last = vt_tensor_at(t, p->b + p->batch - 1, p->h + p->heads - 1, p->token + p->tokens - 1);
    uint64_t end = last + dim + (p->part + p->parts - 1) * apart;
    return (uint32_t)vt_step_bind(step, slot, role, start, end, bytes, c->caps->storage_alignment);
}

static void bind_inputs(const vt_combine *c, const part *p, vt_step *step) {
    vt_combine_push *push = &step->combine;
    uint32_t bytes = c->problem.element_bytes;
    uint64_t dim = c->problem.dim;
    push->x_base = bind(c, p, step, VT_COMBINE_SLOT_PARTS, VT_ROLE_V, &c->x, bytes, c->x_part, dim);
    push->x_batch = (uint32_t)c->x.batch;
    push->x_head = (uint32_t)c->x.head;
    push->x_token = (uint32_t)c->x.token;
    push->x_part = (uint32_t)c->x_part;
    step->binding[VT_COMBINE_SLOT_WEIGHTS] = step->binding[VT_COMBINE_SLOT_RESIDUAL] =
        step->binding[VT_COMBINE_SLOT_PARTS]; /* a declared slot must hold a buffer */
    if (c->weighted)
        push->w_base = bind(c, p, step, VT_COMBINE_SLOT_WEIGHTS, VT_ROLE_BIAS, &c->weights, sizeof(float),
                            c->weights_part, 1);
    push->w_batch = (uint32_t)c->weights.batch;
    push->w_head = (uint32_t)c->weights.head;
    push->w_token = (uint32_t)c->weights.token;
    push->w_part = (uint32_t)c->weights_part;
    if (c->has_residual)
        push->r_base = bind(c, p, step, VT_COMBINE_SLOT_RESIDUAL, VT_ROLE_Q, &c->residual, bytes, 0, dim);
    push->r_batch = (uint32_t)c->residual.batch;
    push->r_head = (uint32_t)c->residual.head;
    push->r_token = (uint32_t)c->residual.token;
}

static void bind_outputs(const vt_combine *c, const part *p, vt_step *step) {
    const vt_problem *q = &c->problem;
    const vt_tensor lse = vt_lse_tensor(q);
    vt_combine_push *push = &step->combine;
    push->o_base = bind(c, p, step, VT_COMBINE_SLOT_OUT, VT_ROLE_OUT, &c->out, q->element_bytes, 0, q->dim);
    push->o_batch = (uint32_t)c->out.batch;
    push->o_head = (uint32_t)c->out.head;
    push->o_token = (uint32_t)c->out.token;
    step->binding[VT_COMBINE_SLOT_LSE] = step->binding[VT_COMBINE_SLOT_OUT];
    if (q->write_lse)
        push->l_base = bind(c, p, step, VT_COMBINE_SLOT_LSE, VT_ROLE_LSE, &lse, sizeof(float), 0, 1);
    push->l_batch = (uint32_t)lse.batch;
    push->l_head = (uint32_t)lse.head;
    step->binding[VT_COMBINE_SLOT_CARRY] = step->binding[VT_COMBINE_SLOT_OUT];
    if (p->parts < c->parts)
        step->binding[VT_COMBINE_SLOT_CARRY] = (vt_binding){VT_ROLE_WORKSPACE, 0, carry_bytes(c, p)};
    step->written = 1u << VT_COMBINE_SLOT_OUT | 1u << VT_COMBINE_SLOT_LSE | 1u << VT_COMBINE_SLOT_CARRY;
}

/* A residual and the log-sum-exp are for the last parts. */
static uint32_t flags_of(const vt_combine *c, const part *p) {
    bool last = p->part + p->parts == c->parts;
    return (c->weighted ? VT_COMBINE_WEIGHTED : 0) | (c->has_residual && last ? VT_COMBINE_RESIDUAL : 0) |
           (c->problem.write_lse && last ? VT_COMBINE_LSE : 0) | (p->part > 0 ? VT_COMBINE_CARRY_IN : 0) |
           (last ? 0 : VT_COMBINE_CARRY_OUT);
}

static void add_step(const vt_combine *c, const part *p, uint32_t variant, vt_program *program) {
    vt_step step = {
        .variant = variant,
        .binding_count = VT_COMBINE_SLOT_COUNT,
        /* In place a step reads a range that the one before wrote other elements of; and an earlier
                     * record may still be reading its carry. */
        .barrier_before = program->step_count > 0 || p->parts < c->parts};
    step.groups[0] = (uint32_t)groups_of(p->tokens, c->problem.dim, loads_by_four(c));
    step.groups[1] = (uint32_t)p->heads;
    step.groups[2] = (uint32_t)p->batch;
    step.moves = moves(c, p);
    step.combine.rows = (uint32_t)p->tokens;
    step.combine.parts = (uint32_t)p->parts;
    step.combine.flags = flags_of(c, p);
    bind_inputs(c, p, &step);
    bind_outputs(c, p, &step);
    vt_program_add(program, &step);
}

/* All parts, as many at a time as `most` has. */
static void add_parts_of(const vt_combine *c, const part *most, uint32_t variant, vt_program *program) {
    part p = *most;
    for (; p.part < c->parts; p.part += most->parts) {
        p.parts = vt_min(most->parts, c->parts - p.part);
        add_step(c, &p, variant, program);
    }
}

vatten_result vt_combine_steps(const vt_combine *c, vt_program *program) {
    const vt_problem *q = &c->problem;
    part most;
    vatten_result result = choose_part(c, &most);
    if (result != VATTEN_SUCCESS)
        return result;
    uint32_t variant = program->variant_count;
    add_variant(q->dtype, c->kind == VATTEN_COMBINE_SUM ? VT_COMBINE_SUM : VT_COMBINE_MERGE, q->dim,
                loads_by_four(c), program);
    if (most.parts < c->parts)
        program->workspace_bytes = vt_max(program->workspace_bytes, carry_bytes(c, &most));
    for (uint64_t b = 0; b < q->batch; b += most.batch)
        for (uint64_t h = 0; h < q->heads; h += most.heads)
            for (uint64_t t = 0; t < q->q_len && vt_program_has_room(program); t += most.tokens) {
                part p = most;
                p.batch = vt_min(most.batch, q->batch - b);
                p.heads = vt_min(most.heads, q->heads - h);
                p.tokens = vt_min(most.tokens, q->q_len - t);
                p.b = b;
                p.h = h;
                p.token = t;
                add_parts_of(c, &p, variant, program);
            }
    if (vt_program_has_room(program))
        return VATTEN_SUCCESS;
    vt_log(c->logger, VATTEN_LOG_ERROR, q->label, "combine: more than %u dispatches are needed",
           VT_STEPS_MAX);
    return VATTEN_ERROR_UNSUPPORTED;
}

/* ---- Running states ---- */

static uint64_t state_floats(const vt_states *s) {
    return (uint64_t)s->pad + 1 + s->lanes;
}

uint64_t vt_states_bytes(const vt_states *s, uint64_t batch, uint64_t heads, uint64_t rows) {
    uint64_t states = vt_saturating_mul(vt_saturating_mul(batch, heads), vt_saturating_mul(rows, s->entries));
    return vt_saturating_mul(states, state_floats(s) * sizeof(float));
}

uint64_t vt_states_moves(const vt_states *s, const vt_problem *p, uint64_t batch, uint64_t heads,
                         uint64_t rows) {
    uint64_t lines = vt_saturating_mul(vt_saturating_mul(batch, heads), rows);
    return vt_saturating_mul(lines, s->entries * state_floats(s) + p->value_dim);
}

static bool states_by_four(const vt_problem *p) {
    return p->value_dim % 4 == 0 && vt_tensor_by_four(&p->out);
}

uint64_t vt_states_groups(const vt_problem *p, uint64_t rows) {
    return groups_of(rows, p->value_dim, states_by_four(p));
}

uint64_t vt_states_rows(const vt_problem *p, uint64_t groups) {
    return vt_saturating_mul(groups, WORKGROUP) / row_lanes(p->value_dim, states_by_four(p));
}

uint32_t vt_states_variant(const vt_states *s, const vt_problem *p, vt_program *program) {
    vt_variant *variant = add_variant(p->dtype, s->split ? VT_COMBINE_SHARES : VT_COMBINE_STATE, p->value_dim,
                                      states_by_four(p), program);
    variant->spec[VT_COMBINE_SPEC_PAD] = s->pad;
    variant->spec[VT_COMBINE_SPEC_LANES] = s->lanes;
    variant->spec[VT_COMBINE_SPEC_HEADS] = s->slot_heads;
    variant->spec[VT_COMBINE_SPEC_GROUP] = s->list_group;
    return program->variant_count - 1;
}

void vt_states_fill(const vt_states *s, uint64_t heads, uint64_t rows, vt_step *step) {
    vt_combine_push *push = &step->combine;
    uint64_t slot = s->slot_heads * state_floats(s), row = s->entries * slot;
    push->rows = (uint32_t)rows;
    push->parts = s->entries;
    push->x_part = (uint32_t)slot;
    push->x_token = (uint32_t)row;
    push->x_head = (uint32_t)(rows * row);
    push->x_batch = (uint32_t)(heads / s->slot_heads * rows * row);
    push->w_token = s->entries;
    push->w_part = 1;
}
