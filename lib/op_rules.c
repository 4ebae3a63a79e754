/* SPDX-License-Identifier: MIT
 *
 * Dense attention with rules: query tiles are runs of queries x heads, key tiles runs of keys, of batch entries or packed
 * sequences (shaders/lib/map_rules.glsl). A part is a chain of dispatches over ranges of keys; where workgroups share the keys
 * of a query tile, their states are merged at the end.
 */
#include "attend.h"
#include "combine.h"
#include "log.h"
#include "rules_bind.h"
#include "rules_cut.h"
#include "rules_spec.h"
#include "sizes.h"
#include "spans.h"

#include <inttypes.h>

/* A part of the problem, and the kernels of its steps. */
typedef struct part {
    const vt_op_input *op;
    vt_rules_cut cut; /* with the sizes of this part */
    uint64_t batch, head, query;
    uint32_t attend, extra, merge; /* variants */
} part;

/* A range of one source of keys. */
typedef struct link {
    bool extra;
    uint64_t first, end;
    bool begins, ends; /* the chain */
} link;

static vt_states states_of(const vt_op_input *op, const vt_rules_cut *c) {
    const vt_rules *r = &op->problem->rules;
    return (vt_states){.pad = op->tile->value_pad,
                       .lanes = op->tile->lanes_per_row,
                       .entries = c->splits,
                       .slot_heads = r->tile_heads,
                       .list_group = 1,
                       .split = true};
}

/* ---- Variants ---- */

static uint32_t attend_variant(const vt_op_input *op, const vt_rules_cut *c, bool extra,
                               vt_program *program) {
    vt_variant *variant = &program->variants[program->variant_count];
    variant->kernel = vt_kernel_find(VT_MAP_DENSE, op->problem->dtype, op->tile->layout,
                                     op->problem->kv_bytes ? VT_IO_BYTES : VT_IO_RULES, op->problem->kv_wide);
    vt_rules_spec(op, c->splits, extra, variant->spec);
    return program->variant_count++;
}

/* ---- Bindings ---- */

static vt_slab query_slab(const part *p) {
    const vt_rules_cut *c = &p->cut;
    return (vt_slab){
        {p->batch, p->batch + c->batch}, {p->head, p->head + c->heads}, {p->query, p->query + c->queries}};
}

static void bind_queries(const part *p, vt_step *step) {
    const vt_problem *problem = p->op->problem;
    const vt_slab s = query_slab(p);
    const vt_tensor *out = &problem->out;
    vt_push *push = &step->push;
    vt_rules_bind_q(p->op, &s, step);
    push->out_base = vt_rules_bind(p->op, step, VT_SLOT_OUT, VT_ROLE_OUT, out, &s, problem->value_dim,
                                   problem->element_bytes, 1);
    push->out_batch = (uint32_t)out->batch;
    push->out_head = (uint32_t)out->head;
    push->out_token = (uint32_t)out->token;
}

static vt_slab key_slab(const part *p, const link *l) {
    const vt_problem *problem = p->op->problem;
    uint64_t group = problem->heads / problem->kv_heads;
    vt_slab s = query_slab(p);
    s.head[0] /= group;
    s.head[1] = (s.head[1] - 1) / group + 1;
    s.token[0] = l->first;
    s.token[1] = l->end;
    return l->extra ? s : vt_rules_key_slab(problem, &s);
}

static void bind_keys(const part *p, const link *l, vt_step *step) {
    const vt_problem *problem = p->op->problem;
    const vt_tensor *v = l->extra ? &problem->extra_v : &problem->v;
    const vt_slab s = key_slab(p, l);
    const uint32_t unit = vt_rules_kv_unit(problem);
    vt_push *push = &step->push;
    vt_rules_bind_k(p->op, l->extra ? VT_ROLE_EXTRA_K : VT_ROLE_K, l->extra ? &problem->extra_k : &problem->k,
                    &s, step);
    push->v_base = vt_rules_bind(p->op, step, VT_SLOT_V, l->extra ? VT_ROLE_EXTRA_V : VT_ROLE_V, v, &s,
                                 vt_kv_row(problem, problem->value_dim), vt_kv_element(problem), unit);
    push->v_batch = (uint32_t)(v->batch / unit);
    push->v_head = (uint32_t)(v->head / unit);
    push->v_token = (uint32_t)(v->token / unit);
}

/* Slots that a step does not use hold what it has anyway. */
static void bind_state(const part *p, const link *l, vt_step *step) {
    const vt_problem *problem = p->op->problem;
    const vt_rules *r = &problem->rules;
    const vt_tensor lse = vt_lse_tensor(problem);
    const vt_slab s = query_slab(p);
    bool shared = p->cut.splits > 1;
    bool in = !l->begins || (r->carry & VATTEN_CARRY_IN);
    bool out = !l->ends || (r->carry & VATTEN_CARRY_OUT) || shared;
    step->binding[VT_SLOT_LSE] = step->binding[VT_SLOT_CARRY] = step->binding[VT_SLOT_OUT];
    if (in || out)
        step->binding[VT_SLOT_CARRY] = (vt_binding){r->carry ? VT_ROLE_STATE : VT_ROLE_WORKSPACE, 0,
                                                    vt_rules_state_bytes(p->op, &p->cut)};
    if (problem->write_lse && !shared)
        step->push.lse_base =
            vt_rules_bind(p->op, step, VT_SLOT_LSE, VT_ROLE_LSE, &lse, &s, 1, sizeof(float), 1);
    step->push.lse_head = (uint32_t)lse.head;
    step->push.lse_batch = (uint32_t)lse.batch;
    step->push.flags = (problem->write_lse ? VT_FLAG_LSE : 0) | (in ? VT_FLAG_CARRY_IN : 0) |
                       (out ? VT_FLAG_CARRY_OUT : 0) | (l->ends && shared ? VT_FLAG_SHARE : 0);
    step->barrier_before = in || out;
}

static void bind_bias(const part *p, const link *l, vt_step *step) {
    const vt_slab s = query_slab(p);
    if (l->extra)
        step->binding[VT_SLOT_BIAS] = step->binding[VT_SLOT_Q];
    else
        vt_rules_bind_bias(p->op, &s, l->first, l->end, step);
}

/* ---- Steps ---- */

static void fill_ranges(const part *p, const link *l, uint64_t tile, vt_step *step) {
    const vt_problem *problem = p->op->problem;
    vt_push *push = &step->push;
    push->q_len = (uint32_t)problem->q_len;
    push->kv_len = (uint32_t)(l->extra ? problem->extra_len : problem->kv_len);
    push->q_first = (uint32_t)p->query;
    push->q_last = (uint32_t)(p->query + p->cut.queries);
    push->k_first = (uint32_t)l->first;
    push->k_last = (uint32_t)l->end;
    push->scale_log2 = vt_attend_scale(problem);
    push->head_first = (uint32_t)p->head;
    push->map1 = (uint32_t)p->batch;
    push->map2 = (uint32_t)tile;
}

/* Lengths of a record: where they are the plan's, of queries even if those of keys are in tables. */
static void follow_lengths(const part *p, const link *l, vt_step *step) {
    const vt_rules *r = &p->op->problem->rules;
    if (vt_rules_packed(r))
        return;
    step->rows = p->op->tile->rows;
    step->row_heads = r->tile_heads;
    step->dense_keys = !l->extra;
}

static void add_attend(const part *p, const link *l, uint64_t tile, uint64_t tiles, vt_program *program) {
    const vt_rules_cut *c = &p->cut;
    vt_step step = {.variant = l->extra ? p->extra : p->attend,
                    .binding_count = vt_io_slots(VT_IO_RULES),
                    .written = 1u << VT_SLOT_OUT | 1u << VT_SLOT_LSE | 1u << VT_SLOT_CARRY};
    fill_ranges(p, l, tile, &step);
    bind_queries(p, &step);
    bind_keys(p, l, &step);
    bind_state(p, l, &step);
    bind_bias(p, l, &step);
    vt_rules_bind_tables(p->op, VT_SLOT_TABLES, &step);
    follow_lengths(p, l, &step);
    step.groups[0] = (uint32_t)tiles;
    step.groups[1] = (uint32_t)(c->heads / p->op->problem->rules.tile_heads);
    step.groups[2] = (uint32_t)(c->batch * c->splits);
    step.macs = vt_rules_macs(p->op, c, tiles, l->end - l->first, l->extra);
    vt_program_add(program, &step);
}

/* Queries are cut by parts, tiles of packed sequences by number. */
static void add_link(const part *p, const link *l, vt_program *program) {
    uint64_t tiles = vt_rules_tiles(p->op, p->cut.queries);
    uint64_t most = vt_rules_packed(&p->op->problem->rules) ? p->cut.tiles : tiles;
    for (uint64_t t = 0; t < tiles && vt_program_has_room(program); t += most)
        add_attend(p, l, t, vt_min(most, tiles - t), program);
}

static void add_chain(const part *p, vt_program *program) {
    const vt_problem *problem = p->op->problem;
    uint64_t extra = problem->extra_len, keys = problem->rules.longest;
    for (uint64_t k = 0; k < extra && vt_program_has_room(program); k += p->cut.extra) {
        const link l = {true, k, vt_min(k + p->cut.extra, extra), k == 0, false};
        add_link(p, &l, program);
    }
    for (uint64_t k = 0; k < keys && vt_program_has_room(program); k += p->cut.keys) {
        uint64_t end = vt_min(k + p->cut.keys, keys);
        const link l = {false, k, end, k == 0 && extra == 0, end == keys};
        add_link(p, &l, program);
    }
}

static uint64_t merge_moves(const part *p, uint64_t rows) {
    const vt_states states = states_of(p->op, &p->cut);
    return vt_states_moves(&states, p->op->problem, p->cut.batch, p->cut.heads, rows);
}

/* Puts the shares of rows [row, row + rows) of a part together. */
static void add_merge(const part *p, uint64_t row, uint64_t rows, vt_program *program) {
    const vt_problem *problem = p->op->problem;
    const vt_rules *r = &problem->rules;
    const vt_states states = states_of(p->op, &p->cut);
    const vt_tensor lse = vt_lse_tensor(problem);
    const vt_slab s = query_slab(p);
    uint64_t alignment = p->op->caps->storage_alignment;
    vt_step step = {.variant = p->merge,
                    .binding_count = VT_COMBINE_SLOT_COUNT,
                    .written = 1u << VT_COMBINE_SLOT_OUT | 1u << VT_COMBINE_SLOT_LSE,
                    .barrier_before = true,
                    .merges = !vt_rules_packed(r),
                    .first = p->query + row};
    vt_combine_push *push = &step.combine;
    vt_states_fill(&states, p->cut.heads, p->cut.queries, &step);
    push->rows = (uint32_t)rows;
    push->x_base = (uint32_t)row * push->x_token;
    step.binding[VT_COMBINE_SLOT_PARTS] =
        (vt_binding){VT_ROLE_WORKSPACE, 0, vt_rules_state_bytes(p->op, &p->cut)};
    step.binding[VT_COMBINE_SLOT_RESIDUAL] = step.binding[VT_COMBINE_SLOT_PARTS];
    vt_rules_bind_tables(p->op, VT_COMBINE_SLOT_WEIGHTS, &step);
    push->flags = problem->write_lse ? VT_COMBINE_LSE : 0;
    push->w_base = (uint32_t)(p->query + row);
    push->w_batch = (uint32_t)p->batch;
    push->o_base = (uint32_t)(vt_step_bind_slab(&step, VT_COMBINE_SLOT_OUT, VT_ROLE_OUT, &problem->out, &s,
                                                problem->value_dim, problem->element_bytes, alignment) +
                              row * problem->out.token);
    push->o_batch = (uint32_t)problem->out.batch;
    push->o_head = (uint32_t)problem->out.head;
    push->o_token = (uint32_t)problem->out.token;
    step.binding[VT_COMBINE_SLOT_LSE] = step.binding[VT_COMBINE_SLOT_CARRY] =
        step.binding[VT_COMBINE_SLOT_OUT];
    if (problem->write_lse)
        push->l_base = (uint32_t)(vt_step_bind_slab(&step, VT_COMBINE_SLOT_LSE, VT_ROLE_LSE, &lse, &s, 1,
                                                    sizeof(float), alignment) +
                                  row);
    push->l_batch = (uint32_t)lse.batch;
    push->l_head = (uint32_t)lse.head;
    step.moves = merge_moves(p, rows);
    step.groups[0] = (uint32_t)vt_states_groups(problem, rows);
    step.groups[1] = (uint32_t)p->cut.heads;
    step.groups[2] = (uint32_t)p->cut.batch;
    vt_program_add(program, &step);
}

static void add_merges(const part *p, vt_program *program) {
    uint64_t queries = p->cut.queries;
    uint64_t most = vt_min(vt_states_rows(p->op->problem, p->op->caps->groups[0]),
                           vt_max(p->op->problem->max_moves / merge_moves(p, 1), 1));
    for (uint64_t row = 0; row < queries && vt_program_has_room(program); row += most)
        add_merge(p, row, vt_min(most, queries - row), program);
}

/* The kernel that puts states together, told which rows there are. */
static uint32_t merge_variant(const vt_op_input *op, const vt_rules_cut *c, vt_program *program) {
    const vt_rules *r = &op->problem->rules;
    const vt_states states = states_of(op, c);
    uint32_t variant = vt_states_variant(&states, op->problem, program);
    uint32_t *spec = program->variants[variant].spec;
    if (r->lengths & VT_LENGTHS_Q) {
        spec[VT_COMBINE_SPEC_LENGTHS] = VT_COMBINE_OF_ENTRIES;
        spec[VT_COMBINE_SPEC_LENGTHS_AT] = vt_rules_table_word(r->tables.q_lengths);
    }
    if (vt_rules_packed(r)) {
        spec[VT_COMBINE_SPEC_LENGTHS] = VT_COMBINE_OF_ALL;
        spec[VT_COMBINE_SPEC_LENGTHS_AT] = vt_rules_table_word(r->tables.q_starts) + r->sequences;
    }
    return variant;
}

static void add_parts(const vt_op_input *op, const part *most, vt_program *program) {
    const vt_problem *p = op->problem;
    for (uint64_t b = 0; b < p->batch && vt_program_has_room(program); b += most->cut.batch)
        for (uint64_t h = 0; h < p->heads && vt_program_has_room(program); h += most->cut.heads)
            for (uint64_t q = 0; q < p->q_len && vt_program_has_room(program); q += most->cut.queries) {
                part one = *most;
                one.batch = b;
                one.head = h;
                one.query = q;
                one.cut.batch = vt_min(most->cut.batch, p->batch - b);
                one.cut.heads = vt_min(most->cut.heads, p->heads - h);
                one.cut.queries = vt_min(most->cut.queries, p->q_len - q);
                add_chain(&one, program);
                if (most->cut.splits > 1)
                    add_merges(&one, program);
            }
}

static vatten_result check(const vt_op_input *op, const vt_program *program) {
    if (op->caps->storage_buffers < vt_io_slots(VT_IO_RULES)) {
        vt_log(op->logger, VATTEN_LOG_ERROR, op->problem->label,
               "dense attention with masks, tables, biases or lengths of its own needs %" PRIu32
               " storage buffers per stage, %s has %" PRIu32,
               vt_io_slots(VT_IO_RULES), op->caps->name, op->caps->storage_buffers);
        return VATTEN_ERROR_UNSUPPORTED;
    }
    if (vt_program_has_room(program))
        return VATTEN_SUCCESS;
    vt_log(op->logger, VATTEN_LOG_ERROR, op->problem->label,
           "max_macs %" PRIu64 " would need more than %u dispatches: raise it", op->problem->max_macs,
           VT_STEPS_MAX);
    return VATTEN_ERROR_UNSUPPORTED;
}

vatten_result vt_op_rules(const vt_op_input *op, vt_program *program) {
    const vt_problem *p = op->problem;
    part most = {.op = op};
    vatten_result result = vt_rules_cut_of(op, &most.cut);
    if (result != VATTEN_SUCCESS)
        return result;
    vt_spans_add(op, program);
    program->main_variant = most.attend = attend_variant(op, &most.cut, false, program);
    if (p->extra_len)
        most.extra = attend_variant(op, &most.cut, true, program);
    if (most.cut.splits > 1)
        most.merge = merge_variant(op, &most.cut, program);
    program->carries = most.cut.carries;
    if (!p->rules.carry && (most.cut.carries || most.cut.splits > 1))
        program->workspace_bytes = vt_max(program->workspace_bytes, vt_rules_state_bytes(op, &most.cut));
    add_parts(op, &most, program);
    return check(op, program);
}
