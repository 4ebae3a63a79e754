/* SPDX-License-Identifier: MIT
 *
 * Attention mass: tiles of rows, which are queries, or keys where each key has a number (shaders/lib/map_columns.glsl), and a
 * loop over the others. The dispatches of a chain add to what stands in `out` already.
 */
#include "attend.h"
#include "log.h"
#include "mass_rules.h"
#include "rules_bind.h"
#include "rules_spec.h"
#include "sizes.h"
#include "spans.h"

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
    return vt_rules_packed(&p->op->problem->rules);
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
    variant->kernel = vt_kernel_find(VT_MAP_DENSE, op->problem->dtype, op->tile->layout,
                                     m->columns ? columns : rows, false);
    vt_rules_spec(op, 1, false, variant->spec);
    variant->spec[VT_SPEC_MASS_BINS] = (uint32_t)m->bins;
    variant->spec[VT_SPEC_MASS_KIND] = (uint32_t)m->kind | (m->has_input ? VT_MASS_INPUT : 0);
    variant->spec[VT_SPEC_MASS_SIZE] = (uint32_t)m->size;
    variant->spec[VT_SPEC_MASS_LAST] = (uint32_t)m->last;
    return program->variant_count++;
}

/* ---- Bindings ---- */

/* Batch entries and query heads of the part; `group` query heads go to one of the slab's. */
static vt_slab slab_of(const part *p, uint64_t group, range tokens) {
    return (vt_slab){{p->batch, p->batch + p->cut.batch},
                     {p->head / group, (p->head + p->cut.heads - 1) / group + 1},
                     {tokens.first, tokens.end}};
}

static void bind_queries(const part *p, const link *l, vt_step *step) {
    const vt_tensor lse = vt_lse_tensor(p->op->problem);
    const vt_slab s = slab_of(p, 1, bound_queries(p, l));
    vt_rules_bind_q(p->op, &s, step);
    step->push.lse_base = vt_rules_bind(p->op, step, VT_SLOT_LSE, VT_ROLE_LSE, &lse, &s, 1, sizeof(float), 1);
    step->push.lse_batch = (uint32_t)lse.batch;
    step->push.lse_head = (uint32_t)lse.head;
}

static void bind_keys(const part *p, const link *l, vt_step *step) {
    const vt_problem *problem = p->op->problem;
    const vt_slab keys = slab_of(p, problem->heads / problem->kv_heads, keys_of(p, l));
    const vt_slab s = vt_rules_key_slab(problem, &keys);
    vt_rules_bind_k(p->op, VT_ROLE_K, &problem->k, &s, step);
}

static void bind_out(const part *p, vt_step *step) {
    const vt_mass *m = p->mass;
    const vt_tensor *out = &m->out;
    bool all = m->columns && packed(p) && p->op->problem->rules.page_size != 0;
    vt_slab s = slab_of(p, m->columns ? m->head_unit : 1, (range){p->row, p->row + p->cut.rows});
    if (all) {
        s.batch[0] = 0;
        s.batch[1] = p->op->problem->rules.sequences;
    }
    step->push.out_base =
        vt_rules_bind(p->op, step, VT_SLOT_OUT, VT_ROLE_OUT, out, &s, m->bins, sizeof(float), 1);
    step->push.out_batch = (uint32_t)out->batch;
    step->push.out_head = (uint32_t)out->head;
    step->push.out_token = (uint32_t)out->token;
}

/* Weights of the part's queries; ids and lists as a whole. */
static void bind_input(const part *p, const link *l, vt_step *step) {
    const vt_mass *m = p->mass;
    const vt_tensor *input = &m->input;
    const vt_slab s = slab_of(p, 1, bound_queries(p, l));
    vt_push *push = &step->push;
    step->binding[VT_SLOT_MASS_INPUT] = step->binding[VT_SLOT_Q];
    if (!m->has_input)
        return;
    push->v_batch = (uint32_t)input->batch;
    push->v_head = (uint32_t)input->head;
    push->v_token = (uint32_t)input->token;
    if (m->columns) {
        push->v_base =
            vt_rules_bind(p->op, step, VT_SLOT_MASS_INPUT, VT_ROLE_WEIGHTS, input, &s, 1, sizeof(float), 1);
        return;
    }
    push->v_base = (uint32_t)(p->batch * input->batch);
    step->binding[VT_SLOT_MASS_INPUT] = (vt_binding){VT_ROLE_LISTS, 0, input->elements * sizeof(uint32_t)};
}

static void bind_rest(const part *p, const link *l, vt_step *step) {
    const vt_slab queries = slab_of(p, 1, bound_queries(p, l));
    const range keys = keys_of(p, l);
    vt_rules_bind_bias(p->op, &queries, keys.first, keys.end, step);
    vt_rules_bind_tables(p->op, VT_SLOT_TABLES, step);
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

static void add_chain(const part *p, vt_program *program) {
    uint64_t tiles = vt_mass_tiles(p->op, p->cut.rows);
    uint64_t most = packed(p) ? p->cut.tiles : tiles;
    for (uint64_t s = 0; s < p->mass->steps && vt_program_has_room(program); s += p->cut.steps) {
        const link l = {s, vt_min(s + p->cut.steps, p->mass->steps)};
        for (uint64_t t = 0; t < tiles && vt_program_has_room(program); t += most)
            add_step(p, &l, t, vt_min(most, tiles - t), program);
    }
}

static void add_parts(const part *most, vt_program *program) {
    const vt_problem *p = most->op->problem;
    for (uint64_t b = 0; b < p->batch; b += most->cut.batch)
        for (uint64_t h = 0; h < p->heads; h += most->cut.heads)
            for (uint64_t r = 0; r < most->mass->rows && vt_program_has_room(program); r += most->cut.rows) {
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
    if (vt_program_has_room(program))
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
        vt_spans_add(op, program);
    program->main_variant = most.variant = add_variant(op, program);
    add_parts(&most, program);
    return check(op, program);
}
