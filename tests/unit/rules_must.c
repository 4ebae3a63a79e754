/* SPDX-License-Identifier: MIT
 *
 * What every list of steps of dense attention with rules must keep: parts, links of chains and tiles of packed sequences come
 * once and in order, states are waited for, shares are merged, no limit is broken, and no workgroup leaves what is bound.
 */
#include "rules_must.h"
#include "choices.h"
#include "step_work.h"

#include "rules_cut.h"
#include "sizes.h"

#include <stdio.h>
#include <string.h>

typedef struct walk {
    const program_case *c;
    const vt_rules *rules;
    unit_random random;
    uint32_t main, extra, merge; /* variants */
    uint32_t splits;
    uint64_t grain;                       /* keys where chains are cut */
    uint64_t batch, head, query;          /* first of the part */
    uint64_t batches, heads, queries;     /* of it */
    uint64_t extra_done, keys_done, tile; /* how far its chain is */
    uint64_t merged;                      /* queries of it that are */
    bool in_part, merge_due, waits;       /* spans were written: somebody must wait */
    uint64_t span_batch, span_head, span; /* that come next */
    uint64_t workspace, largest_macs;
    bool carries;
} walk;

static bool packed(const walk *w) {
    return (w->rules->lengths & VT_LENGTHS_PACKED) != 0;
}

static uint64_t role_bytes(const walk *w, vt_role role) {
    const vt_problem *p = &w->c->problem;
    const uint64_t bytes[VT_ROLE_COUNT] = {[VT_ROLE_Q] = vt_tensor_bytes(p, &p->q),
                                           [VT_ROLE_K] = vt_kv_bytes(p, &p->k),
                                           [VT_ROLE_V] = vt_kv_bytes(p, &p->v),
                                           [VT_ROLE_OUT] = vt_tensor_bytes(p, &p->out),
                                           [VT_ROLE_LSE] = vt_lse_bytes(p),
                                           [VT_ROLE_EXTRA_K] = vt_kv_bytes(p, &p->extra_k),
                                           [VT_ROLE_EXTRA_V] = vt_kv_bytes(p, &p->extra_v),
                                           [VT_ROLE_WORKSPACE] = w->c->program.workspace_bytes,
                                           [VT_ROLE_BIAS] = p->bias_bytes,
                                           [VT_ROLE_TABLES] = p->rules.tables.bytes,
                                           [VT_ROLE_STATE] = vt_rules_caller_state(p)};
    return bytes[role];
}

static const char *check_limits(const walk *w, const vt_step *step, uint32_t slots) {
    const vt_caps *caps = &w->c->caps;
    MUST(step->variant < w->c->program.variant_count);
    MUST(step->binding_count == slots && slots <= caps->storage_buffers);
    for (int i = 0; i < 3; ++i)
        MUST(step->groups[i] >= 1 && step->groups[i] <= caps->groups[i]);
    for (uint32_t i = 0; i < slots; ++i) {
        const vt_binding *b = &step->binding[i];
        MUST(b->range > 0);
        MUST(b->range <= caps->storage_range);
        MUST(b->offset % caps->storage_alignment == 0);
        MUST(b->offset + b->range <= role_bytes(w, b->role));
    }
    return NULL;
}

/* ---- Variants ---- */

/* Eight elements at once are for types of 16 bits and the layout that knows of them, as is asking ahead. */
static const char *check_words(const walk *w, const uint32_t *spec) {
    const vt_problem *p = &w->c->problem;
    uint32_t word = rules_load_elements(spec);
    bool streams = w->c->tile.layout == VATTEN_LAYOUT_STREAM;
    MUST(spec[VT_SPEC_VECTOR] <= VT_VECTOR_EIGHT && p->dim % word == 0 && p->value_dim % word == 0);
    MUST(word < 8 || (streams && p->element_bytes == 2 && !p->kv_bytes));
    MUST(streams || spec[VT_SPEC_TOUCH] == 0);
    return NULL;
}

static const char *check_attend_variant(const walk *w, uint32_t i) {
    const vt_problem *p = &w->c->problem;
    const vt_variant *v = &w->c->program.variants[i];
    const uint32_t *s = v->spec;
    MUST(v->kernel < vt_kernel_count);
    const vt_kernel *kernel = &vt_kernels[v->kernel];
    MUST(kernel->task == VT_TASK_ATTEND && kernel->map == VT_MAP_DENSE && kernel->dtype == p->dtype);
    MUST(kernel->layout == w->c->tile.layout && kernel->io == (p->kv_bytes ? VT_IO_BYTES : VT_IO_RULES));
    MUST(s[VT_SPEC_ROWS] == w->c->tile.rows && s[VT_SPEC_KEYS] == w->c->tile.keys);
    MUST(s[VT_SPEC_TILE_HEADS] == w->rules->tile_heads && s[VT_SPEC_TILE_HEADS] >= 1);
    MUST(s[VT_SPEC_SPLITS] >= 1 && s[VT_SPEC_HEADS] == p->heads);
    MUST(s[VT_SPEC_RULE_CHUNK] >= 1 && s[VT_SPEC_RULE_STRIDE] >= 1 && s[VT_SPEC_POOL_PAGES] >= 1);
    MUST(s[VT_SPEC_MASK_GROUP] >= 1 && s[VT_SPEC_BIAS_GROUP] >= 1 && s[VT_SPEC_SEQUENCES] >= 1);
    for (int a = 0; a < 3; ++a)
        MUST(s[VT_SPEC_BIAS_EXTENT + a] >= 1);
    MUST(s[VT_SPEC_Q_CAPACITY] == p->q_len && s[VT_SPEC_KV_CAPACITY] == p->kv_len);
    MUST(s[VT_SPEC_KV_BLOCK] >= 4 && s[VT_SPEC_KV_BLOCK] % 4 == 0);
    MUST(p->heads % w->rules->tile_heads == 0 && (p->heads / p->kv_heads) % w->rules->tile_heads == 0);
    MUST_ALL(check_words(w, s));
    return NULL;
}

static const char *check_variants(walk *w) {
    const vt_program *program = &w->c->program;
    uint32_t spans = w->rules->tables.spans != VATTEN_NO_TABLE, i = spans;
    w->main = i++;
    w->extra = w->c->problem.extra_len ? i++ : UINT32_MAX;
    MUST(program->main_variant == w->main && w->main < program->variant_count);
    w->splits = program->variants[w->main].spec[VT_SPEC_SPLITS];
    w->merge = w->splits > 1 ? i++ : UINT32_MAX;
    MUST(program->variant_count == i);
    if (spans)
        MUST(program->variants[0].kernel < vt_kernel_count &&
             vt_kernels[program->variants[0].kernel].task == VT_TASK_SPANS);
    MUST_ALL(check_attend_variant(w, w->main));
    if (w->extra != UINT32_MAX) {
        MUST_ALL(check_attend_variant(w, w->extra));
        MUST(program->variants[w->extra].spec[VT_SPEC_SPLITS] == w->splits);
        MUST(program->variants[w->extra].spec[VT_SPEC_MASK] == 0);
    }
    if (w->merge != UINT32_MAX)
        MUST(program->variants[w->merge].kernel < vt_kernel_count &&
             vt_kernels[program->variants[w->merge].kernel].task == VT_TASK_COMBINE &&
             vt_kernels[program->variants[w->merge].kernel].dtype == w->c->problem.dtype);
    MUST(!(w->splits > 1 && (w->rules->carry || w->rules->normaliser)));
    return NULL;
}

/* ---- Order ---- */

static uint64_t tiles_of(const walk *w, uint64_t queries) {
    uint64_t rows = queries * w->rules->tile_heads;
    return packed(w) ? rows / w->c->tile.rows + w->rules->sequences : vt_ceil_div(rows, w->c->tile.rows);
}

static void next_part(walk *w) {
    const vt_problem *p = &w->c->problem;
    w->in_part = w->merge_due = false;
    w->extra_done = w->keys_done = w->tile = w->merged = 0;
    w->query += w->queries;
    if (w->query == p->q_len) {
        w->query = 0;
        w->head += w->heads;
    }
    if (w->head == p->heads) {
        w->head = 0;
        w->batch += w->batches;
    }
}

static const char *start_part(walk *w, const vt_step *step) {
    const vt_problem *p = &w->c->problem;
    const vt_push *push = &step->push;
    MUST(w->batch < p->batch); /* nothing comes after the last part */
    MUST(push->map1 == w->batch && push->head_first == w->head && push->q_first == w->query);
    MUST(step->groups[2] % w->splits == 0);
    w->batches = step->groups[2] / w->splits;
    w->heads = (uint64_t)step->groups[1] * w->rules->tile_heads;
    w->queries = push->q_last - push->q_first;
    MUST(push->q_last > push->q_first && push->q_last <= p->q_len);
    MUST(w->head + w->heads <= p->heads && w->batch + w->batches <= p->batch);
    w->in_part = true;
    return NULL;
}

/* The range of keys that comes next, and of packed sequences the tiles. */
static const char *check_link(walk *w, const vt_step *step, bool *first, bool *last) {
    const vt_push *push = &step->push;
    bool extra = step->variant == w->extra;
    uint64_t all = extra ? w->c->problem.extra_len : w->rules->longest;
    uint64_t *done = extra ? &w->extra_done : &w->keys_done;
    MUST(extra || w->extra_done == w->c->problem.extra_len);
    MUST(push->k_first == *done && push->k_last > push->k_first && push->k_last <= all);
    MUST(push->k_first % w->grain == 0);
    MUST(push->map2 == w->tile);
    *first = push->k_first == 0 && (extra || w->c->problem.extra_len == 0);
    *last = !extra && push->k_last == all;
    w->tile += step->groups[0];
    MUST(w->tile <= tiles_of(w, w->queries));
    if (w->tile < tiles_of(w, w->queries)) {
        MUST(packed(w));
        return NULL;
    }
    w->tile = 0;
    *done = push->k_last;
    return NULL;
}

static const char *check_order(walk *w, const vt_step *step) {
    const vt_push *push = &step->push;
    bool first, last, extra = step->variant == w->extra;
    MUST(extra || step->variant == w->main);
    MUST(!w->merge_due);
    if (!w->in_part)
        MUST_ALL(start_part(w, step));
    MUST(push->map1 == w->batch && push->head_first == w->head && push->q_first == w->query);
    MUST(push->q_last == w->query + w->queries && step->groups[2] == w->batches * w->splits);
    MUST(step->groups[1] * (uint64_t)w->rules->tile_heads == w->heads);
    MUST_ALL(check_link(w, step, &first, &last));
    bool in = !first || w->rules->carry & VATTEN_CARRY_IN;
    bool out = !last || w->rules->carry & VATTEN_CARRY_OUT || w->splits > 1;
    MUST(((push->flags & VT_FLAG_CARRY_IN) != 0) == in && ((push->flags & VT_FLAG_CARRY_OUT) != 0) == out);
    MUST(((push->flags & VT_FLAG_SHARE) != 0) == (last && w->splits > 1));
    MUST(((push->flags & VT_FLAG_LSE) != 0) == w->c->problem.write_lse);
    MUST(step->barrier_before || !(in || out));
    w->carries = w->carries || !first || !last;
    bool complete = last && w->tile == 0;
    w->merge_due = complete && w->splits > 1;
    if (complete && !w->merge_due)
        next_part(w);
    return NULL;
}

/* ---- Slots ---- */

static const char *check_slots(walk *w, const vt_step *step) {
    const vt_problem *p = &w->c->problem;
    const vt_binding *b = step->binding;
    bool extra = step->variant == w->extra, bias = w->rules->bias && !extra;
    bool state = (step->push.flags & (VT_FLAG_CARRY_IN | VT_FLAG_CARRY_OUT)) != 0;
    MUST(b[VT_SLOT_Q].role == VT_ROLE_Q && b[VT_SLOT_OUT].role == VT_ROLE_OUT);
    MUST(b[VT_SLOT_K].role == (extra ? VT_ROLE_EXTRA_K : VT_ROLE_K));
    MUST(b[VT_SLOT_V].role == (extra ? VT_ROLE_EXTRA_V : VT_ROLE_V));
    MUST(b[VT_SLOT_LSE].role == (p->write_lse && w->splits == 1 ? VT_ROLE_LSE : VT_ROLE_OUT));
    MUST(b[VT_SLOT_CARRY].role == (!state            ? VT_ROLE_OUT
                                   : w->rules->carry ? VT_ROLE_STATE
                                                     : VT_ROLE_WORKSPACE));
    MUST(!state || b[VT_SLOT_CARRY].offset == 0);
    MUST(b[VT_SLOT_BIAS].role == (bias ? VT_ROLE_BIAS : VT_ROLE_Q));
    MUST(b[VT_SLOT_TABLES].role == (w->rules->tables.bytes ? VT_ROLE_TABLES : VT_ROLE_Q));
    MUST(!w->rules->tables.bytes ||
         (b[VT_SLOT_TABLES].offset == 0 && b[VT_SLOT_TABLES].range == w->rules->tables.bytes));
    MUST(step->written == (1u << VT_SLOT_OUT | 1u << VT_SLOT_LSE | 1u << VT_SLOT_CARRY));
    if (b[VT_SLOT_CARRY].role == VT_ROLE_WORKSPACE)
        w->workspace = vt_max(w->workspace, b[VT_SLOT_CARRY].range);
    MUST(step->dense_keys == !(packed(w) || extra));
    MUST(step->rows == (packed(w) ? 0 : w->c->tile.rows) &&
         step->row_heads == (packed(w) ? 0 : w->rules->tile_heads));
    return NULL;
}

/* ---- Workgroups ---- */

/* Loops of an invocation beside those over key tiles, as shaders have them: of each span, and once. */
static uint64_t loops_of(const walk *w, const rules_group *g) {
    uint64_t rows = w->c->tile.rows, span = 1;
    if (w->rules->masks & VATTEN_MASK_SEGMENTS)
        span += (w->rules->segments ? 32 : 0) + (uint64_t)g->span_keys / VT_SPAN;
    if (w->rules->masks & VATTEN_MASK_BITS)
        span += rows * (1 + vt_ceil_div((uint64_t)g->span_keys, 32));
    return rules_tile_count(g, false) * w->c->tile.iterations + rules_span_count(g) * span + rows + 32;
}

/* Tiles that all shares of a workgroup visit are in the step's work. */
static const char *check_work(const walk *w, const vt_step *planned, const rules_group *g) {
    const vt_problem *p = &w->c->problem;
    uint64_t one = w->batches * (w->heads / w->rules->tile_heads) * w->c->tile.rows * (p->dim + p->value_dim);
    if (g->scattered && g->whole[1][1] - g->whole[1][0] > 1000) /* not counted but estimated */
        return NULL;
    MUST(rules_tile_count(g, true) * w->c->tile.keys <= planned->macs / one / planned->groups[0]);
    MUST(loops_of(w, g) <= w->c->caps.loop_limit);
    return NULL;
}

static const char *check_group(walk *w, const vt_step *planned, const vt_step *step, const uint32_t at[3],
                               bool hostile) {
    const program_case *c = w->c;
    rules_group g = {.step = step,
                     .spec = c->program.variants[step->variant].spec,
                     .tables = {&c->problem, unit_between(&w->random, 0, 1000), hostile},
                     .bound = w->rules->tables.bytes / 4,
                     .x = at[0],
                     .y = at[1],
                     .z = at[2]};
    int64_t first = -1, last = -1;
    bool begun = rules_begin(&g);
    MUST(!g.outside);
    if (!begun)
        return NULL;
    if (!hostile)
        MUST_ALL(check_work(w, planned, &g));
    if (!rules_tile_ends(&g, &first, &last))
        first = last = -1;
    uint32_t rows = c->tile.rows, keys = c->tile.keys;
    MUST_ALL(rules_addresses(&g, 0, first, 0));
    MUST_ALL(rules_addresses(&g, rows - 1, last, keys - 1));
    return rules_addresses(&g, (uint32_t)unit_between(&w->random, 0, rows - 1),
                           first < 0 ? -1
                                     : (int64_t)unit_between(&w->random, (uint64_t)first, (uint64_t)last),
                           (uint32_t)unit_between(&w->random, 0, keys - 1));
}

/* The first, the last and some between, of tables in order and of others. */
static const char *check_groups(walk *w, const vt_step *planned, const vt_step *step) {
    for (int i = 0; i < 6; ++i) {
        uint32_t at[3];
        for (int a = 0; a < 3; ++a)
            at[a] = i == 0   ? 0
                    : i == 1 ? step->groups[a] - 1
                             : (uint32_t)unit_between(&w->random, 0, step->groups[a] - 1);
        MUST_ALL(check_group(w, planned, step, at, i > 3));
    }
    return NULL;
}

static const char *check_shrunk(walk *w, const vt_step *planned) {
    const vt_problem *p = &w->c->problem;
    if (packed(w)) /* a record may not */
        return NULL;
    vt_step step = *planned;
    uint64_t q_len = unit_between(&w->random, 0, p->q_len), kv_len = unit_between(&w->random, 0, p->kv_len);
    if (!vt_step_shrink(&step, q_len, kv_len)) {
        MUST(q_len <= planned->push.q_first);
        return NULL;
    }
    MUST(q_len > planned->push.q_first && step.groups[0] >= 1 && step.groups[0] <= planned->groups[0]);
    MUST(step.push.kv_len == (planned->variant == w->extra ? planned->push.kv_len : kv_len));
    return check_groups(w, planned, &step);
}

/* Dispatches of several queries or keys keep the bound on work; the smallest cannot be made smaller, and those whose keys
 * may not be cut as no binding would hold their states. */
static const char *check_macs(walk *w, const vt_step *step) {
    uint64_t heads = w->rules->tile_heads, queries = vt_max(w->c->tile.rows / heads, 1);
    const vt_rules_cut cut = {.batch = w->batches, /* of all parts but the last ones */
                              .heads = w->heads,
                              .queries = packed(w) ? w->queries : vt_min(queries, w->c->problem.q_len),
                              .splits = w->splits};
    const vt_op_input op = {&w->c->caps, NULL, &w->c->problem, &w->c->tile};
    bool one = packed(w) ? step->groups[0] == 1 : w->queries <= queries;
    bool keys = step->push.k_last - step->push.k_first <= w->grain ||
                vt_rules_state_bytes(&op, &cut) > w->c->caps.storage_range;
    MUST(step->macs <= w->c->problem.max_macs || (w->batches == 1 && w->heads == heads && one && keys));
    w->largest_macs = vt_max(w->largest_macs, step->macs);
    return NULL;
}

static const char *check_attend(walk *w, const vt_step *step) {
    const walk before = *w;
    MUST_ALL(check_limits(w, step, vt_io_slots(VT_IO_RULES)));
    MUST_ALL(check_order(w, step));
    walk part = *w; /* whose numbers are those of this step's part, even if it is over */
    if (!w->in_part && !w->merge_due) {
        part.batch = step->push.map1;
        part.head = step->push.head_first;
        part.query = step->push.q_first;
    }
    MUST(before.waits ? step->barrier_before : true);
    w->waits = false;
    MUST_ALL(check_slots(w, step));
    MUST_ALL(check_macs(w, step));
    MUST_ALL(check_groups(&part, step, step));
    MUST_ALL(check_shrunk(&part, step));
    w->random = part.random;
    return NULL;
}

/* ---- The other steps ---- */

static uint64_t span_batches(const walk *w) {
    return w->rules->mask_batch ? w->c->problem.batch : 1;
}

static const char *check_spans(walk *w, const vt_step *step) {
    const vt_rules *r = w->rules;
    const vt_spans_push *push = &step->spans;
    uint64_t keys = w->c->problem.kv_len, spans = vt_ceil_div(keys, VT_SPAN);
    uint64_t slice = w->span_batch * r->mask_heads + w->span_head;
    uint64_t end = w->span + (uint64_t)step->groups[0] * w->c->program.variants[0].spec[VT_SPEC_WORKGROUP];
    MUST_ALL(check_limits(w, step, VT_SPANS_SLOT_COUNT));
    MUST(step->barrier_before); /* an earlier record may be reading */
    MUST(step->binding[0].role == VT_ROLE_TABLES && step->binding[0].offset == 0 &&
         step->binding[0].range == r->tables.bytes && step->written == 1);
    MUST(w->span_batch + step->groups[2] <= span_batches(w) &&
         w->span_head + step->groups[1] <= r->mask_heads);
    MUST(push->first == w->span && push->heads == r->mask_heads && push->keys == keys);
    MUST(push->segments ==
         (r->masks & VATTEN_MASK_SEGMENTS ? r->tables.kv_segments / 4 + w->span_batch * keys : UINT32_MAX));
    MUST(push->expiry == (r->masks & VATTEN_MASK_EXPIRY ? r->tables.expiry / 4 + slice * keys : UINT32_MAX));
    MUST(push->spans == r->tables.spans / 4 + slice * spans * VT_SPAN_WORDS);
    w->span = end < spans ? end : 0;
    w->span_head += w->span ? 0 : step->groups[1];
    if (w->span_head == r->mask_heads) {
        w->span_head = 0;
        w->span_batch += step->groups[2];
    }
    w->waits = true;
    return NULL;
}

/* The states that it reads are those that shares left: same row, same share, same floats. */
static const char *check_states(walk *w, const vt_step *step, uint32_t z, uint32_t head, uint32_t row,
                                uint32_t share) {
    const uint32_t *spec = w->c->program.variants[w->merge].spec;
    const uint32_t *attend = w->c->program.variants[w->main].spec;
    const vt_combine_push *push = &step->combine;
    uint32_t heads = spec[VT_COMBINE_SPEC_HEADS];
    uint32_t floats = spec[VT_COMBINE_SPEC_PAD] + 1 + spec[VT_COMBINE_SPEC_LANES];
    uint32_t at = push->x_base + z * push->x_batch + head / heads * push->x_head + row * push->x_token +
                  share * push->x_part + head % heads * floats;
    uint64_t slice = z * (w->heads / heads) + head / heads;
    uint64_t left = ((slice * w->queries + w->merged + row) * w->splits + share) * heads + head % heads;
    MUST(heads == w->rules->tile_heads && spec[VT_COMBINE_SPEC_PAD] == attend[VT_SPEC_STATE_VALUES] &&
         spec[VT_COMBINE_SPEC_LANES] == attend[VT_SPEC_STATE_LANES]);
    MUST(at == left * floats);
    MUST(((uint64_t)at + floats) * 4 <= step->binding[VT_COMBINE_SLOT_PARTS].range);
    return NULL;
}

static const char *check_merged_row(walk *w, const vt_step *step, uint32_t z, uint32_t head, uint32_t row) {
    const vt_problem *p = &w->c->problem;
    const vt_combine_push *push = &step->combine;
    uint64_t b = w->batch + z, h = w->head + head, t = w->query + w->merged + row;
    uint32_t out = push->o_base + z * push->o_batch + head * push->o_head + row * push->o_token;
    MUST_ALL(check_states(w, step, z, head, row, (uint32_t)unit_between(&w->random, 0, w->splits - 1)));
    MUST_ALL(program_element(&step->binding[VT_COMBINE_SLOT_OUT], out,
                             b * p->out.batch + h * p->out.head + t * p->out.token, p->value_dim,
                             p->element_bytes));
    MUST(!w->c->program.variants[w->merge].spec[VT_COMBINE_SPEC_VECTOR] ||
         (out % 4 == 0 && p->value_dim % 4 == 0));
    uint32_t lse = push->l_base + z * push->l_batch + head * push->l_head + row;
    if (p->write_lse)
        MUST_ALL(program_element(&step->binding[VT_COMBINE_SLOT_LSE], lse, (b * p->heads + h) * p->q_len + t,
                                 1, 4));
    return NULL;
}

static const char *check_lengths(const walk *w, const vt_step *step) {
    const uint32_t *spec = w->c->program.variants[w->merge].spec;
    uint32_t at = spec[VT_COMBINE_SPEC_LENGTHS_AT];
    const vatten_tables *t = &w->rules->tables;
    bool both = w->rules->lengths & VT_LENGTHS_Q;
    MUST(spec[VT_COMBINE_SPEC_LENGTHS] == (packed(w) ? VT_COMBINE_OF_ALL : both ? VT_COMBINE_OF_ENTRIES : 0));
    MUST(!both || at == t->q_lengths / 4);
    MUST(!packed(w) || at == t->q_starts / 4 + w->rules->sequences); /* the end of the last */
    MUST(!(both || packed(w)) || step->binding[VT_COMBINE_SLOT_WEIGHTS].role == VT_ROLE_TABLES);
    MUST(step->combine.w_base == w->query + w->merged && step->combine.w_batch == w->batch);
    return NULL;
}

static const char *check_merge(walk *w, const vt_step *step) {
    const vt_combine_push *push = &step->combine;
    const uint32_t *spec = w->c->program.variants[w->merge].spec;
    uint32_t width = spec[VT_COMBINE_SPEC_VECTOR] ? 4 : 1, words = w->c->problem.value_dim / width;
    uint64_t lanes = vt_ceil_div(words, VT_COMBINE_QUADS);
    MUST_ALL(check_limits(w, step, VT_COMBINE_SLOT_COUNT));
    MUST(w->merge_due && step->barrier_before);
    MUST(push->rows >= 1 && w->merged + push->rows <= w->queries && push->parts == w->splits);
    MUST(step->groups[0] * (uint64_t)spec[VT_SPEC_WORKGROUP] >= push->rows * lanes);
    MUST(step->groups[1] == w->heads && step->groups[2] == w->batches);
    MUST(((push->flags & VT_COMBINE_LSE) != 0) == w->c->problem.write_lse);
    MUST(step->binding[VT_COMBINE_SLOT_PARTS].role == VT_ROLE_WORKSPACE);
    MUST(step->merges == !packed(w) && step->first == w->query + w->merged);
    MUST_ALL(check_lengths(w, step));
    uint32_t z = step->groups[2] - 1, y = step->groups[1] - 1;
    MUST_ALL(check_merged_row(w, step, 0, 0, 0));
    MUST_ALL(check_merged_row(w, step, z, y, push->rows - 1));
    MUST_ALL(check_merged_row(w, step, (uint32_t)unit_between(&w->random, 0, z),
                              (uint32_t)unit_between(&w->random, 0, y),
                              (uint32_t)unit_between(&w->random, 0, push->rows - 1)));
    vt_step shrunk = *step;
    uint64_t q_len = unit_between(&w->random, 0, w->c->problem.q_len);
    if (!packed(w)) {
        bool some = vt_step_shrink(&shrunk, q_len, 1);
        MUST(some == (q_len > step->first));
        MUST(!some || shrunk.combine.rows == vt_min(q_len - step->first, push->rows));
    }
    w->merged += push->rows;
    if (w->merged == w->queries)
        next_part(w);
    return NULL;
}

/* ---- All together ---- */

static bool overlap(const vt_binding *a, const vt_binding *b) {
    return a->role == b->role && a->offset < b->offset + b->range && b->offset < a->offset + a->range;
}

/* Ranges that two steps bind for writing, without a barrier between them, do not meet; of very many only the last are
 * looked at. */
static const char *check_writes(const walk *w, uint64_t index) {
    const vt_step *steps = w->c->program.steps, *step = &steps[index];
    for (uint64_t n = index; n > 0 && n + 20 > index && !steps[n].barrier_before; --n)
        for (uint32_t i = 0; i < step->binding_count; ++i)
            for (uint32_t j = 0; j < steps[n - 1].binding_count; ++j)
                MUST(!(step->written >> i & 1 && steps[n - 1].written >> j & 1 &&
                       overlap(&step->binding[i], &steps[n - 1].binding[j])));
    return NULL;
}

static const char *check_step(walk *w, uint64_t index) {
    const vt_step *step = &w->c->program.steps[index];
    const step_bounds bounds = {w->c->problem.max_macs, w->c->problem.max_moves, 0};
    bool spans = w->rules->tables.spans != VATTEN_NO_TABLE;
    MUST_ALL(check_writes(w, index));
    MUST_ALL(step_work_broken(&w->c->program, step, &bounds));
    if (spans && w->span_batch < span_batches(w))
        return check_spans(w, step);
    return step->variant == w->merge ? check_merge(w, step) : check_attend(w, step);
}

static const char *check_whole(const walk *w) {
    const vt_program *program = &w->c->program;
    MUST(!w->in_part && w->batch == w->c->problem.batch && w->head == 0 && w->query == 0);
    MUST(program->workspace_bytes == w->workspace && program->largest_macs == w->largest_macs);
    MUST(program->carries || !w->carries);
    MUST(program->step_count <= VT_STEPS_MAX);
    return NULL;
}

const char *rules_broken(const program_case *c, uint64_t random) {
    static char text[256];
    uint64_t keys = c->tile.keys;
    walk w = {.c = c, .rules = &c->problem.rules, .random = {.state = random}, .grain = keys};
    MUST_ALL(check_variants(&w));
    for (uint64_t i = 0; i < c->program.step_count; ++i) {
        const char *broken = check_step(&w, i);
        if (broken) {
            snprintf(text, sizeof text, "step %llu: %s", (unsigned long long)i, broken);
            return text;
        }
    }
    MUST_ALL(check_whole(&w));
    return rules_covers(c, random);
}
