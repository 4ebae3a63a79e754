/* SPDX-License-Identifier: MIT
 *
 * Dense attention with rules: query tiles are runs of queries x heads, key tiles runs of keys, of batch entries or packed
 * sequences (shaders/lib/map_rules.glsl). A part is a chain of dispatches over ranges of keys; where workgroups share the keys
 * of a query tile, their states are merged at the end.
 */
#include "attend.h"
#include "combine.h"
#include "log.h"
#include "rules_cut.h"
#include "sizes.h"

#include <inttypes.h>
#include <string.h>

#define SPANS_GROUP 64u

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

static uint32_t word_of(uint64_t bytes) {
    return bytes == VATTEN_NO_TABLE ? 0 : (uint32_t)(bytes / sizeof(uint32_t));
}

static void spec_tables(const vatten_tables *t, uint32_t *spec) {
    const uint64_t places[] = {t->heads,  t->q_lengths,  t->kv_lengths,  t->q_starts, t->kv_starts,
                               t->pages,  t->q_segments, t->kv_segments, t->visible,  t->intervals,
                               t->expiry, t->bits,       t->spans};
    for (uint32_t i = 0; i < sizeof places / sizeof places[0]; ++i)
        spec[VT_SPEC_TABLE_HEADS + i] = word_of(places[i]);
}

static uint32_t side_of(int64_t side) {
    return side == VATTEN_UNLIMITED ? 0 : (uint32_t)side;
}

static uint32_t mask_of(const vt_problem *p) {
    const vt_rules *r = &p->rules;
    uint32_t windows = r->head_fields & VT_HEAD_WINDOW ? VT_MASK_LEFT | VT_MASK_RIGHT : 0;
    return vt_attend_diagonal_mask(p) | windows | (r->chunk ? VT_MASK_CHUNK : 0) |
           (r->key_stride ? VT_MASK_STRIDED : 0) | (r->masks & VATTEN_MASK_SEGMENTS ? VT_MASK_SEGMENTS : 0) |
           (r->masks & VATTEN_MASK_INTERVALS ? VT_MASK_INTERVALS : 0) |
           (r->masks & VATTEN_MASK_EXPIRY ? VT_MASK_EXPIRY : 0) |
           (r->masks & VATTEN_MASK_BITS ? VT_MASK_BITS : 0);
}

static void spec_masks(const vt_problem *p, uint32_t *spec) {
    const vt_rules *r = &p->rules;
    spec[VT_SPEC_MASK] = mask_of(p);
    spec[VT_SPEC_RULE_LEFT] = side_of(p->left);
    spec[VT_SPEC_RULE_RIGHT] = side_of(p->right);
    spec[VT_SPEC_RULE_PREFIX] = (uint32_t)p->prefix;
    spec[VT_SPEC_RULE_CHUNK] = r->chunk ? (uint32_t)r->chunk : 1;
    spec[VT_SPEC_RULE_STRIDE] = r->key_stride ? r->key_stride : 1;
    spec[VT_SPEC_RULE_PHASE] = r->key_phase;
    spec[VT_SPEC_SEGMENTS] = r->segments;
    spec[VT_SPEC_MASK_GROUP] = r->mask_group;
    spec[VT_SPEC_MASK_HEADS] = r->mask_heads;
    spec[VT_SPEC_MASK_BATCH] = r->mask_batch;
}

static void spec_bias(const vt_problem *p, uint32_t *spec) {
    const vt_rules *r = &p->rules;
    spec[VT_SPEC_BIAS] = r->bias;
    spec[VT_SPEC_BIAS_GROUP] = r->bias ? r->bias_group : 1;
    for (uint32_t i = 0; i < 4; ++i)
        spec[VT_SPEC_BIAS_STRIDE + i] = (uint32_t)r->bias_stride[i];
    for (uint32_t a = 0; a < 3; ++a) {
        spec[VT_SPEC_BIAS_EXTENT + a] = r->bias_extent[a] ? (uint32_t)r->bias_extent[a] : 1;
        spec[VT_SPEC_BIAS_REACH + a] = r->bias_reach[a];
    }
}

static uint32_t float_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

void vt_rules_spec(const vt_op_input *op, uint32_t splits, bool extra, uint32_t *spec) {
    const vt_problem *p = op->problem;
    const vt_rules *r = &p->rules;
    vt_attend_spec(p, op->tile, spec);
    spec_tables(&r->tables, spec);
    if (!extra) {
        spec_masks(p, spec);
        spec_bias(p, spec);
    } else {
        spec[VT_SPEC_RULE_LEFT] = spec[VT_SPEC_RULE_RIGHT] = spec[VT_SPEC_RULE_PREFIX] = 0;
        spec[VT_SPEC_RULE_CHUNK] = spec[VT_SPEC_RULE_STRIDE] = spec[VT_SPEC_BIAS_GROUP] = 1;
        spec[VT_SPEC_MASK_GROUP] = p->heads;
        for (uint32_t a = 0; a < 3; ++a)
            spec[VT_SPEC_BIAS_EXTENT + a] = 1;
    }
    spec[VT_SPEC_TILE_HEADS] = r->tile_heads;
    spec[VT_SPEC_SPLITS] = splits;
    spec[VT_SPEC_PAGE] = extra ? 0 : r->page_size;
    spec[VT_SPEC_POOL_PAGES] = r->pool_pages ? (uint32_t)r->pool_pages : 1;
    spec[VT_SPEC_ROW_PAGES] = (uint32_t)r->tables.row_pages;
    spec[VT_SPEC_LENGTHS] = extra ? (r->lengths & ~VT_LENGTHS_KV) | VT_LENGTHS_EXTRA : r->lengths;
    spec[VT_SPEC_HEAD_FIELDS] =
        extra ? r->head_fields & (VT_HEAD_SCALE | VT_HEAD_SINK | VT_HEAD_OFFSET | VT_HEAD_GAIN)
              : r->head_fields;
    spec[VT_SPEC_HEAD_BATCH] = r->head_batch;
    spec[VT_SPEC_SOFTCAP] = float_bits((float)(r->softcap * 1.4426950408889634));
    spec[VT_SPEC_NORMALISER] = (uint32_t)r->normaliser;
    spec[VT_SPEC_Q_CAPACITY] = (uint32_t)p->q_len;
    spec[VT_SPEC_KV_CAPACITY] = (uint32_t)p->kv_len;
    spec[VT_SPEC_HEADS] = p->heads;
    spec[VT_SPEC_SEQUENCES] = r->sequences;
    spec[VT_SPEC_STATE_VALUES] = r->carry ? p->value_dim : op->tile->value_pad;
    spec[VT_SPEC_STATE_LANES] = r->carry ? 1 : op->tile->lanes_per_row;
    spec[VT_SPEC_STATE_CALLER] = r->carry != 0;
    spec[VT_SPEC_KV_BLOCK] = p->kv_bytes ? p->kv_block : 4;
}

static uint32_t attend_variant(const vt_op_input *op, const vt_rules_cut *c, bool extra,
                               vt_program *program) {
    vt_variant *variant = &program->variants[program->variant_count];
    variant->kernel = vt_kernel_find(VT_MAP_DENSE, op->problem->dtype, op->tile->layout,
                                     op->problem->kv_bytes ? VT_IO_BYTES : VT_IO_RULES);
    vt_rules_spec(op, c->splits, extra, variant->spec);
    return program->variant_count++;
}

/* ---- Bindings ---- */

static uint64_t element(const vt_tensor *t, uint64_t batch, uint64_t head, uint64_t token) {
    return batch * t->batch + head * t->head + token * t->token;
}

/* First and last batch entry, head and token of what is bound. */
typedef struct slab {
    uint64_t batch[2], head[2], token[2];
} slab;

/* Returns where the first element lies in the bound range. */
static uint32_t bind(const part *p, vt_step *step, uint32_t slot, vt_role role, const vt_tensor *t,
                     const slab *s, uint64_t dim, uint32_t bytes) {
    uint64_t start = element(t, s->batch[0], s->head[0], s->token[0]);
    uint64_t end = element(t, s->batch[1], s->head[1], s->token[1]) + dim;
    return (uint32_t)vt_step_bind(step, slot, role, start, end, bytes, p->op->caps->storage_alignment);
}

static slab query_slab(const part *p) {
    const vt_rules_cut *c = &p->cut;
    return (slab){{p->batch, p->batch + c->batch - 1},
                  {p->head, p->head + c->heads - 1},
                  {p->query, p->query + c->queries - 1}};
}

/* Shaders index by the tensors' own token numbers, so bases step back; 32-bit arithmetic wraps. */
static void bind_queries(const part *p, vt_step *step) {
    const vt_problem *problem = p->op->problem;
    const slab s = query_slab(p);
    const vt_tensor *q = &problem->q, *out = &problem->out;
    uint32_t bytes = problem->element_bytes;
    vt_push *push = &step->push;
    push->q_base =
        bind(p, step, VT_SLOT_Q, VT_ROLE_Q, q, &s, problem->dim, bytes) - (uint32_t)(p->query * q->token);
    push->out_base = bind(p, step, VT_SLOT_OUT, VT_ROLE_OUT, out, &s, problem->value_dim, bytes) -
                     (uint32_t)(p->query * out->token);
    push->q_batch = (uint32_t)q->batch;
    push->q_head = (uint32_t)q->head;
    push->q_token = (uint32_t)q->token;
    push->out_batch = (uint32_t)out->batch;
    push->out_head = (uint32_t)out->head;
    push->out_token = (uint32_t)out->token;
}

static slab key_slab(const part *p, const link *l) {
    const vt_problem *problem = p->op->problem;
    const vt_rules *r = &problem->rules;
    uint64_t group = problem->heads / problem->kv_heads;
    slab s = query_slab(p);
    s.head[0] /= group;
    s.head[1] /= group;
    s.token[0] = l->first;
    s.token[1] = l->end - 1;
    if (!l->extra && vt_rules_bind_all(r)) {
        s.batch[0] = s.token[0] = 0;
        s.batch[1] = r->page_size ? r->pool_pages - 1 : 0;
        s.token[1] = (r->page_size ? r->page_size : problem->kv_len) - 1;
    }
    return s;
}

static void bind_keys(const part *p, const link *l, vt_step *step) {
    const vt_problem *problem = p->op->problem;
    const vt_tensor *k = l->extra ? &problem->extra_k : &problem->k;
    const vt_tensor *v = l->extra ? &problem->extra_v : &problem->v;
    const slab s = key_slab(p, l);
    uint32_t bytes = vt_kv_element(problem);
    const uint32_t unit = problem->kv_bytes ? 4 : 1; /* shaders count words of bytes */
    vt_push *push = &step->push;
    uint32_t k_at = bind(p, step, VT_SLOT_K, l->extra ? VT_ROLE_EXTRA_K : VT_ROLE_K, k, &s,
                         vt_kv_row(problem, problem->dim), bytes);
    uint32_t v_at = bind(p, step, VT_SLOT_V, l->extra ? VT_ROLE_EXTRA_V : VT_ROLE_V, v, &s,
                         vt_kv_row(problem, problem->value_dim), bytes);
    push->k_base = k_at / unit - (uint32_t)(s.token[0] * (k->token / unit));
    push->v_base = v_at / unit - (uint32_t)(s.token[0] * (v->token / unit));
    push->k_batch = (uint32_t)(k->batch / unit);
    push->k_head = (uint32_t)(k->head / unit);
    push->k_token = (uint32_t)(k->token / unit);
    push->v_batch = (uint32_t)(v->batch / unit);
    push->v_head = (uint32_t)(v->head / unit);
    push->v_token = (uint32_t)(v->token / unit);
    push->group = problem->heads / problem->kv_heads;
}

static vt_tensor lse_of(const vt_problem *p) {
    return (vt_tensor){p->heads * p->q_len, p->q_len, 1, 0};
}

/* Slots that a step does not use hold what it has anyway. */
static void bind_state(const part *p, const link *l, vt_step *step) {
    const vt_problem *problem = p->op->problem;
    const vt_rules *r = &problem->rules;
    const vt_tensor lse = lse_of(problem);
    const slab s = query_slab(p);
    bool shared = p->cut.splits > 1;
    bool in = !l->begins || (r->carry & VATTEN_CARRY_IN);
    bool out = !l->ends || (r->carry & VATTEN_CARRY_OUT) || shared;
    step->binding[VT_SLOT_LSE] = step->binding[VT_SLOT_CARRY] = step->binding[VT_SLOT_OUT];
    if (in || out)
        step->binding[VT_SLOT_CARRY] = (vt_binding){r->carry ? VT_ROLE_STATE : VT_ROLE_WORKSPACE, 0,
                                                    vt_rules_state_bytes(p->op, &p->cut)};
    if (problem->write_lse && !shared)
        step->push.lse_base =
            bind(p, step, VT_SLOT_LSE, VT_ROLE_LSE, &lse, &s, 1, sizeof(float)) - (uint32_t)p->query;
    step->push.lse_head = (uint32_t)lse.head;
    step->push.lse_batch = (uint32_t)lse.batch;
    step->push.flags = (problem->write_lse ? VT_FLAG_LSE : 0) | (in ? VT_FLAG_CARRY_IN : 0) |
                       (out ? VT_FLAG_CARRY_OUT : 0) | (l->ends && shared ? VT_FLAG_SHARE : 0);
    step->barrier_before = in || out;
}

/* A bias by offset or by axes as a whole; of a tensor what is asked for. */
void vt_rules_bind_bias(const vt_op_input *op, const uint64_t first[4], const uint64_t last[4],
                        vt_step *step) {
    const vt_problem *problem = op->problem;
    const vt_rules *r = &problem->rules;
    step->binding[VT_SLOT_BIAS] = step->binding[VT_SLOT_Q];
    if (r->bias == 0)
        return;
    step->binding[VT_SLOT_BIAS] = (vt_binding){VT_ROLE_BIAS, 0, problem->bias_bytes};
    if ((r->bias & VT_BIAS_KIND) != VT_BIAS_TENSOR)
        return;
    const uint64_t *stride = r->bias_stride;
    uint64_t start = first[0] * stride[0] + first[1] / r->bias_group * stride[1];
    uint64_t end = last[0] * stride[0] + last[1] / r->bias_group * stride[1] + 1;
    for (int i = 2; i < 4; ++i) {
        start += first[i] * stride[i];
        end += last[i] * stride[i];
    }
    end = vt_round_up(end, 4 / r->bias_bytes);
    uint64_t at = vt_step_bind(step, VT_SLOT_BIAS, VT_ROLE_BIAS, start, end, r->bias_bytes,
                               op->caps->storage_alignment);
    step->push.map0 = (uint32_t)(at - first[2] * stride[2] - first[3] * stride[3]);
}

static void bind_bias(const part *p, const link *l, vt_step *step) {
    const vt_problem *problem = p->op->problem;
    bool all = vt_rules_bind_all(&problem->rules);
    const uint64_t first[4] = {p->batch, p->head, p->query, all ? 0 : l->first};
    const uint64_t last[4] = {p->batch + p->cut.batch - 1, p->head + p->cut.heads - 1,
                              p->query + p->cut.queries - 1, (all ? problem->kv_len : l->end) - 1};
    if (l->extra)
        step->binding[VT_SLOT_BIAS] = step->binding[VT_SLOT_Q];
    else
        vt_rules_bind_bias(p->op, first, last, step);
}

static void bind_tables(const part *p, vt_step *step, uint32_t slot) {
    uint64_t bytes = p->op->problem->rules.tables.bytes;
    step->binding[slot] = bytes ? (vt_binding){VT_ROLE_TABLES, 0, bytes} : step->binding[0];
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
    if (r->lengths & VT_LENGTHS_PACKED)
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
    bind_tables(p, &step, VT_SLOT_TABLES);
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
    bool packed = (p->op->problem->rules.lengths & VT_LENGTHS_PACKED) != 0;
    uint64_t most = packed ? p->cut.tiles : tiles;
    for (uint64_t t = 0; t < tiles && program->step_count <= VT_STEPS_MAX; t += most)
        add_attend(p, l, t, vt_min(most, tiles - t), program);
}

static void add_chain(const part *p, vt_program *program) {
    const vt_problem *problem = p->op->problem;
    uint64_t extra = problem->extra_len, keys = problem->rules.longest;
    for (uint64_t k = 0; k < extra && program->step_count <= VT_STEPS_MAX; k += p->cut.extra) {
        const link l = {true, k, vt_min(k + p->cut.extra, extra), k == 0, false};
        add_link(p, &l, program);
    }
    for (uint64_t k = 0; k < keys && program->step_count <= VT_STEPS_MAX; k += p->cut.keys) {
        uint64_t end = vt_min(k + p->cut.keys, keys);
        const link l = {false, k, end, k == 0 && extra == 0, end == keys};
        add_link(p, &l, program);
    }
}

/* Puts the shares of rows [row, row + rows) of a part together. */
static void add_merge(const part *p, uint64_t row, uint64_t rows, vt_program *program) {
    const vt_problem *problem = p->op->problem;
    const vt_rules *r = &problem->rules;
    const vt_states states = states_of(p->op, &p->cut);
    const vt_tensor lse = lse_of(problem);
    const slab s = query_slab(p);
    vt_step step = {.variant = p->merge,
                    .binding_count = VT_COMBINE_SLOT_COUNT,
                    .written = 1u << VT_COMBINE_SLOT_OUT | 1u << VT_COMBINE_SLOT_LSE,
                    .barrier_before = true,
                    .merges = !(r->lengths & VT_LENGTHS_PACKED),
                    .first = p->query + row};
    vt_combine_push *push = &step.combine;
    vt_states_fill(&states, p->cut.heads, p->cut.queries, &step);
    push->rows = (uint32_t)rows;
    push->x_base = (uint32_t)row * push->x_token;
    step.binding[VT_COMBINE_SLOT_PARTS] =
        (vt_binding){VT_ROLE_WORKSPACE, 0, vt_rules_state_bytes(p->op, &p->cut)};
    step.binding[VT_COMBINE_SLOT_RESIDUAL] = step.binding[VT_COMBINE_SLOT_PARTS];
    bind_tables(p, &step, VT_COMBINE_SLOT_WEIGHTS);
    push->flags = problem->write_lse ? VT_COMBINE_LSE : 0;
    push->w_base = (uint32_t)(p->query + row);
    push->w_batch = (uint32_t)p->batch;
    push->o_base = bind(p, &step, VT_COMBINE_SLOT_OUT, VT_ROLE_OUT, &problem->out, &s, problem->value_dim,
                        problem->element_bytes) +
                   (uint32_t)(row * problem->out.token);
    push->o_batch = (uint32_t)problem->out.batch;
    push->o_head = (uint32_t)problem->out.head;
    push->o_token = (uint32_t)problem->out.token;
    step.binding[VT_COMBINE_SLOT_LSE] = step.binding[VT_COMBINE_SLOT_CARRY] =
        step.binding[VT_COMBINE_SLOT_OUT];
    if (problem->write_lse)
        push->l_base =
            bind(p, &step, VT_COMBINE_SLOT_LSE, VT_ROLE_LSE, &lse, &s, 1, sizeof(float)) + (uint32_t)row;
    push->l_batch = (uint32_t)lse.batch;
    push->l_head = (uint32_t)lse.head;
    step.groups[0] = (uint32_t)vt_states_groups(problem, rows);
    step.groups[1] = (uint32_t)p->cut.heads;
    step.groups[2] = (uint32_t)p->cut.batch;
    vt_program_add(program, &step);
}

static void add_merges(const part *p, vt_program *program) {
    uint64_t queries = p->cut.queries, most = vt_states_rows(p->op->problem, p->op->caps->groups[0]);
    for (uint64_t row = 0; row < queries && program->step_count <= VT_STEPS_MAX; row += most)
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
        spec[VT_COMBINE_SPEC_LENGTHS_AT] = word_of(r->tables.q_lengths);
    }
    if (r->lengths & VT_LENGTHS_PACKED) {
        spec[VT_COMBINE_SPEC_LENGTHS] = VT_COMBINE_OF_ALL;
        spec[VT_COMBINE_SPEC_LENGTHS_AT] = word_of(r->tables.q_starts) + r->sequences;
    }
    return variant;
}

/* Least and largest of segments and expiries, for each span of keys. */
void vt_rules_add_spans(const vt_op_input *op, vt_program *program) {
    const vt_problem *p = op->problem;
    const vt_rules *r = &p->rules;
    if (!(r->masks & (VATTEN_MASK_SEGMENTS | VATTEN_MASK_EXPIRY)))
        return;
    vt_variant *variant = &program->variants[program->variant_count];
    memset(variant, 0, sizeof *variant);
    variant->kernel = vt_kernel_of_task(VT_TASK_SPANS, VATTEN_DTYPE_F32);
    variant->spec[VT_SPEC_WORKGROUP] = SPANS_GROUP;
    vt_step step = {.variant = program->variant_count++,
                    .binding_count = VT_SPANS_SLOT_COUNT,
                    .written = 1u << VT_SPANS_SLOT_TABLES,
                    .barrier_before = true};
    step.binding[VT_SPANS_SLOT_TABLES] = (vt_binding){VT_ROLE_TABLES, 0, r->tables.bytes};
    step.spans.keys = (uint32_t)p->kv_len;
    step.spans.heads = r->mask_heads;
    step.spans.segments = r->masks & VATTEN_MASK_SEGMENTS ? word_of(r->tables.kv_segments) : UINT32_MAX;
    step.spans.expiry = r->masks & VATTEN_MASK_EXPIRY ? word_of(r->tables.expiry) : UINT32_MAX;
    step.spans.spans = word_of(r->tables.spans);
    step.groups[0] = (uint32_t)vt_ceil_div(vt_ceil_div(p->kv_len, VT_SPAN), SPANS_GROUP);
    step.groups[1] = r->mask_heads;
    step.groups[2] = r->mask_batch ? (uint32_t)p->batch : 1;
    vt_program_add(program, &step);
    program->waits = true;
}

static void add_parts(const vt_op_input *op, const part *most, vt_program *program) {
    const vt_problem *p = op->problem;
    for (uint64_t b = 0; b < p->batch && program->step_count <= VT_STEPS_MAX; b += most->cut.batch)
        for (uint64_t h = 0; h < p->heads && program->step_count <= VT_STEPS_MAX; h += most->cut.heads)
            for (uint64_t q = 0; q < p->q_len && program->step_count <= VT_STEPS_MAX;
                 q += most->cut.queries) {
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

/* The kernel that sums spans up takes all that there are in one dispatch. */
static bool spans_fit(const vt_op_input *op) {
    const vt_problem *p = op->problem;
    const uint32_t *groups = op->caps->groups;
    uint64_t spans = vt_ceil_div(vt_ceil_div(p->kv_len, VT_SPAN), SPANS_GROUP);
    return p->rules.tables.spans == VATTEN_NO_TABLE ||
           (spans <= groups[0] && p->rules.mask_heads <= groups[1] &&
            (!p->rules.mask_batch || p->batch <= groups[2]));
}

static vatten_result check(const vt_op_input *op, const vt_program *program) {
    if (op->caps->storage_buffers < vt_io_slots(VT_IO_RULES)) {
        vt_log(op->logger, VATTEN_LOG_ERROR, op->problem->label,
               "dense attention with masks, tables, biases or lengths of its own needs %" PRIu32
               " storage buffers per stage, %s has %" PRIu32,
               vt_io_slots(VT_IO_RULES), op->caps->name, op->caps->storage_buffers);
        return VATTEN_ERROR_UNSUPPORTED;
    }
    if (!spans_fit(op)) {
        vt_log(op->logger, VATTEN_LOG_ERROR, op->problem->label,
               "masks by segment or expiry of %" PRIu64 " keys, %" PRIu32 " mask_heads and %" PRIu64
               " batch entries need more workgroups than %s allows",
               op->problem->kv_len, op->problem->rules.mask_heads, op->problem->batch, op->caps->name);
        return VATTEN_ERROR_UNSUPPORTED;
    }
    if (program->step_count <= VT_STEPS_MAX)
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
    vt_rules_add_spans(op, program);
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
