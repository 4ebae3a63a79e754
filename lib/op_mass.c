/* SPDX-License-Identifier: MIT
 *
 * Attention mass: tiles of rows, which are queries, or keys where each key has a number (shaders/lib/map_columns.glsl), and a
 * loop over the others. The dispatches of a chain add to what stands in `out` already.
 */
#include "attend.h"
#include "log.h"
#include "mass_rules.h"
#include "rules_cut.h"
#include "sizes.h"

#include <inttypes.h>

/* A part of the problem. */
typedef struct part {
    const vt_op_input *op;
    const vt_mass *mass;
    vt_mass_cut cut; /* with the sizes of this part */
    uint64_t batch, head, row;
    uint32_t variant;
} part;

/* A range of what the loop runs over. */
typedef struct link {
    uint64_t first, end;
} link;

/* First and one past the last of something. */
typedef struct range {
    uint64_t first, end;
} range;

static bool packed(const part *p) {
    return (p->op->problem->rules.lengths & VT_LENGTHS_PACKED) != 0;
}

static range queries_of(const part *p, const link *l) {
    range rows = {p->row, p->row + p->cut.rows};
    return p->mass->columns ? (range){l->first, l->end} : rows;
}

static range keys_of(const part *p, const link *l) {
    range rows = {p->row, p->row + p->cut.rows};
    return p->mass->columns ? rows : (range){l->first, l->end};
}

/* Queries that are bound. */
static range bound_queries(const part *p, const link *l) {
    return vt_mass_binds_queries(p->mass) ? (range){0, p->op->problem->q_len} : queries_of(p, l);
}

/* ---- Variant ---- */

static uint32_t add_variant(const vt_op_input *op, vt_program *program) {
    const vt_mass *m = op->problem->mass;
    vt_variant *variant = &program->variants[program->variant_count];
    bool bytes = op->problem->kv_bytes;
    vt_io rows = bytes ? VT_IO_MASS_BYTES : VT_IO_MASS, columns = bytes ? VT_IO_COLUMNS_BYTES : VT_IO_COLUMNS;
    variant->kernel =
        vt_kernel_find(VT_MAP_DENSE, op->problem->dtype, op->tile->layout, m->columns ? columns : rows);
    vt_rules_spec(op, 1, false, variant->spec);
    variant->spec[VT_SPEC_MASS_BINS] = (uint32_t)m->bins;
    variant->spec[VT_SPEC_MASS_KIND] = (uint32_t)m->kind | (m->has_input ? VT_MASS_INPUT : 0);
    variant->spec[VT_SPEC_MASS_SIZE] = (uint32_t)m->size;
    variant->spec[VT_SPEC_MASS_LAST] = (uint32_t)m->last;
    return program->variant_count++;
}

/* ---- Bindings ---- */

static uint64_t element(const vt_tensor *t, uint64_t batch, uint64_t head, uint64_t token) {
    return batch * t->batch + head * t->head + token * t->token;
}

/* Binds batch entries, heads and tokens of a tensor; shaders count in `unit` elements. Shaders index by the tensor's own token numbers, so bases step back;
 * 32-bit arithmetic wraps. */
static uint32_t bind(const part *p, vt_step *step, uint32_t slot, vt_role role, const vt_tensor *t,
                     const range box[3], uint64_t dim, uint32_t bytes, uint32_t unit) {
    uint64_t start = element(t, box[0].first, box[1].first, box[2].first);
    uint64_t end = element(t, box[0].end - 1, box[1].end - 1, box[2].end - 1) + dim;
    uint64_t at = vt_step_bind(step, slot, role, start, end, bytes, p->op->caps->storage_alignment);
    return (uint32_t)(at / unit) - (uint32_t)(box[2].first * (t->token / unit));
}

static range batch_of(const part *p) {
    return (range){p->batch, p->batch + p->cut.batch};
}

static range heads_of(const part *p, uint64_t group) {
    return (range){p->head / group, (p->head + p->cut.heads - 1) / group + 1};
}

static void bind_queries(const part *p, const link *l, vt_step *step) {
    const vt_problem *problem = p->op->problem;
    const vt_tensor *q = &problem->q;
    const vt_tensor lse = {problem->heads * problem->q_len, problem->q_len, 1, 0};
    const range box[3] = {batch_of(p), heads_of(p, 1), bound_queries(p, l)};
    vt_push *push = &step->push;
    push->q_base = bind(p, step, VT_SLOT_Q, VT_ROLE_Q, q, box, problem->dim, problem->element_bytes, 1);
    push->q_batch = (uint32_t)q->batch;
    push->q_head = (uint32_t)q->head;
    push->q_token = (uint32_t)q->token;
    push->lse_base = bind(p, step, VT_SLOT_LSE, VT_ROLE_LSE, &lse, box, 1, sizeof(float), 1);
    push->lse_batch = (uint32_t)lse.batch;
    push->lse_head = (uint32_t)lse.head;
}

static void bind_keys(const part *p, const link *l, vt_step *step) {
    const vt_problem *problem = p->op->problem;
    const vt_rules *r = &problem->rules;
    const vt_tensor *k = &problem->k;
    range box[3] = {batch_of(p), heads_of(p, problem->heads / problem->kv_heads), keys_of(p, l)};
    vt_push *push = &step->push;
    const uint32_t unit = problem->kv_bytes ? 4 : 1; /* shaders count words of bytes */
    if (vt_rules_bind_all(r)) {
        box[0] = (range){0, r->page_size ? r->pool_pages : 1};
        box[2] = (range){0, r->page_size ? r->page_size : problem->kv_len};
    }
    push->k_base = bind(p, step, VT_SLOT_K, VT_ROLE_K, k, box, vt_kv_row(problem, problem->dim),
                        vt_kv_element(problem), unit);
    push->k_batch = (uint32_t)(k->batch / unit);
    push->k_head = (uint32_t)(k->head / unit);
    push->k_token = (uint32_t)(k->token / unit);
    push->group = problem->heads / problem->kv_heads;
}

static void bind_out(const part *p, vt_step *step) {
    const vt_mass *m = p->mass;
    const vt_tensor *out = &m->out;
    bool all = m->columns && packed(p) && p->op->problem->rules.page_size != 0;
    const range sequences = {0, p->op->problem->rules.sequences};
    const range box[3] = {all ? sequences : batch_of(p),
                          heads_of(p, m->columns ? m->head_unit : 1),
                          {p->row, p->row + p->cut.rows}};
    step->push.out_base = bind(p, step, VT_SLOT_OUT, VT_ROLE_OUT, out, box, m->bins, sizeof(float), 1);
    step->push.out_batch = (uint32_t)out->batch;
    step->push.out_head = (uint32_t)out->head;
    step->push.out_token = (uint32_t)out->token;
}

/* Weights of the part's queries; ids and lists as a whole. */
static void bind_input(const part *p, const link *l, vt_step *step) {
    const vt_mass *m = p->mass;
    const vt_tensor *input = &m->input;
    const range box[3] = {batch_of(p), heads_of(p, 1), bound_queries(p, l)};
    vt_push *push = &step->push;
    step->binding[VT_SLOT_MASS_INPUT] = step->binding[VT_SLOT_Q];
    if (!m->has_input)
        return;
    push->v_batch = (uint32_t)input->batch;
    push->v_head = (uint32_t)input->head;
    push->v_token = (uint32_t)input->token;
    if (m->columns) {
        push->v_base = bind(p, step, VT_SLOT_MASS_INPUT, VT_ROLE_WEIGHTS, input, box, 1, sizeof(float), 1);
        return;
    }
    push->v_base = (uint32_t)(p->batch * input->batch);
    step->binding[VT_SLOT_MASS_INPUT] = (vt_binding){VT_ROLE_LISTS, 0, input->elements * sizeof(uint32_t)};
}

static void bind_rest(const part *p, const link *l, vt_step *step) {
    const vt_problem *problem = p->op->problem;
    const range queries = bound_queries(p, l), keys = keys_of(p, l);
    bool all = vt_rules_bind_all(&problem->rules);
    const uint64_t first[4] = {p->batch, p->head, queries.first, all ? 0 : keys.first};
    const uint64_t last[4] = {p->batch + p->cut.batch - 1, p->head + p->cut.heads - 1, queries.end - 1,
                              (all ? problem->kv_len : keys.end) - 1};
    vt_rules_bind_bias(p->op, first, last, step);
    uint64_t bytes = problem->rules.tables.bytes;
    step->binding[VT_SLOT_TABLES] = bytes ? (vt_binding){VT_ROLE_TABLES, 0, bytes} : step->binding[VT_SLOT_Q];
    step->binding[VT_SLOT_CARRY] = step->binding[VT_SLOT_Q]; /* not declared, but between slots that are */
}

/* ---- Steps ---- */

static void fill_ranges(const part *p, const link *l, uint64_t tile, vt_step *step) {
    const vt_problem *problem = p->op->problem;
    const range queries = queries_of(p, l), keys = keys_of(p, l);
    vt_push *push = &step->push;
    push->q_len = (uint32_t)problem->q_len;
    push->kv_len = (uint32_t)problem->kv_len;
    push->q_first = (uint32_t)queries.first;
    push->q_last = (uint32_t)queries.end;
    push->k_first = (uint32_t)keys.first;
    push->k_last = (uint32_t)keys.end;
    push->scale_log2 = vt_attend_scale(problem);
    push->head_first = (uint32_t)p->head;
    push->map1 = (uint32_t)p->batch;
    push->map2 = (uint32_t)tile;
    push->flags = l->first ? VT_FLAG_CARRY_IN : 0;
}

/* Columns and listed rows are all written, whatever the lengths of a record. */
static void follow_lengths(const part *p, vt_step *step) {
    const vt_mass *m = p->mass;
    if (packed(p))
        return;
    if (m->columns || m->kind == VATTEN_MASS_ROWS) {
        step->lengths = step->always = true;
        return;
    }
    step->rows = p->op->tile->rows;
    step->row_heads = p->op->problem->rules.tile_heads;
    step->dense_keys = true;
}

static void add_step(const part *p, const link *l, uint64_t tile, uint64_t tiles, vt_program *program) {
    vt_step step = {.variant = p->variant,
                    .binding_count = vt_io_slots(VT_IO_MASS),
                    .written = 1u << VT_SLOT_OUT,
                    .barrier_before = l->first != 0};
    fill_ranges(p, l, tile, &step);
    bind_queries(p, l, &step);
    bind_keys(p, l, &step);
    bind_out(p, &step);
    bind_input(p, l, &step);
    bind_rest(p, l, &step);
    follow_lengths(p, &step);
    step.groups[0] = (uint32_t)tiles;
    step.groups[1] = (uint32_t)(p->cut.heads / p->mass->head_unit);
    step.groups[2] = (uint32_t)p->cut.batch;
    step.macs = vt_mass_macs(p->op, &p->cut, tiles);
    vt_program_add(program, &step);
}

static bool goes_on(const vt_program *program) {
    return program->step_count <= VT_STEPS_MAX;
}

static void add_chain(const part *p, vt_program *program) {
    uint64_t tiles = vt_mass_tiles(p->op, p->cut.rows);
    uint64_t most = packed(p) ? p->cut.tiles : tiles;
    for (uint64_t s = 0; s < p->mass->steps && goes_on(program); s += p->cut.steps) {
        const link l = {s, vt_min(s + p->cut.steps, p->mass->steps)};
        for (uint64_t t = 0; t < tiles && goes_on(program); t += most)
            add_step(p, &l, t, vt_min(most, tiles - t), program);
    }
}

static void add_parts(const part *most, vt_program *program) {
    const vt_problem *p = most->op->problem;
    for (uint64_t b = 0; b < p->batch; b += most->cut.batch)
        for (uint64_t h = 0; h < p->heads; h += most->cut.heads)
            for (uint64_t r = 0; r < most->mass->rows && goes_on(program); r += most->cut.rows) {
                part one = *most;
                one.batch = b;
                one.head = h;
                one.row = r;
                one.cut.batch = vt_min(most->cut.batch, p->batch - b);
                one.cut.heads = vt_min(most->cut.heads, p->heads - h);
                one.cut.rows = vt_min(most->cut.rows, most->mass->rows - r);
                add_chain(&one, program);
            }
}

static vatten_result check(const vt_op_input *op, const vt_program *program) {
    if (op->caps->storage_buffers < vt_io_slots(VT_IO_MASS)) {
        vt_log(op->logger, VATTEN_LOG_ERROR, op->problem->label,
               "mass needs %" PRIu32 " storage buffers per stage, %s has %" PRIu32, vt_io_slots(VT_IO_MASS),
               op->caps->name, op->caps->storage_buffers);
        return VATTEN_ERROR_UNSUPPORTED;
    }
    if (goes_on(program))
        return VATTEN_SUCCESS;
    vt_log(op->logger, VATTEN_LOG_ERROR, op->problem->label,
           "mass: max_macs %" PRIu64 " would need more than %u dispatches: raise it", op->problem->max_macs,
           VT_STEPS_MAX);
    return VATTEN_ERROR_UNSUPPORTED;
}

vatten_result vt_op_mass(const vt_op_input *op, vt_program *program) {
    part most = {.op = op, .mass = op->problem->mass};
    vatten_result result = vt_mass_cut_of(op, &most.cut);
    if (result != VATTEN_SUCCESS)
        return result;
    if (!most.mass->columns) /* which ask masks pair by pair */
        vt_rules_add_spans(op, program);
    program->main_variant = most.variant = add_variant(op, program);
    add_parts(&most, program);
    return check(op, program);
}
