/* SPDX-License-Identifier: MIT */
#include "gather.h"

#include "attend.h"
#include "combine.h"
#include "invert.h"
#include "log.h"
#include "sizes.h"

#include <inttypes.h>

#define CLOSING 64u /* loop iterations of an attending invocation besides those over key tiles */

/* What follows from problem and tile. */
typedef struct plan {
    const vt_gather *in;
    const vt_problem *p;
    const vt_tile *tile;
    const vt_caps *caps;
    vt_invert invert;
    vt_states states;
    uint32_t list_group; /* query heads that share a list */
    uint32_t kv_group;   /* query heads that share a KV head */
} plan;

/* Batch entries, list heads and rows of a part, and what it takes. */
typedef struct cut {
    vt_invert_part part;
    uint64_t keys;  /* of one dispatch */
    uint64_t tiles; /* of one dispatch, of each batch entry and group of heads */
} cut;

uint32_t vt_gather_slot_heads(uint32_t list_group, uint32_t kv_group) {
    while (kv_group) {
        uint32_t rest = list_group % kv_group;
        list_group = kv_group;
        kv_group = rest;
    }
    return list_group;
}

static plan plan_of(const vt_gather *g) {
    const vt_problem *p = g->op.problem;
    const vt_tile *tile = g->op.tile;
    uint32_t list_group = p->list.group, kv_group = p->heads / p->kv_heads;
    uint32_t slot_heads = vt_gather_slot_heads(list_group, kv_group);
    return (plan){
        .in = g,
        .p = p,
        .tile = tile,
        .caps = g->op.caps,
        .invert = {g->op.caps, p->heads / list_group, p->q_len, p->list.blocks, p->list.entries, tile->rows,
                   slot_heads, p->max_moves},
        .states = {tile->value_pad, tile->lanes_per_row, p->list.entries, slot_heads, list_group},
        .list_group = list_group,
        .kv_group = kv_group,
    };
}

/* ---- Sizes ---- */

/* Bytes into the workspace. */
typedef struct layout {
    uint64_t counts, states, end;
} layout;

static uint64_t heads_of(const plan *g, const vt_invert_part *p) {
    return p->heads * g->list_group;
}

/* Groups of heads that workgroups count along y. */
static uint64_t units_of(const plan *g, const vt_invert_part *p) {
    return heads_of(g, p) / g->states.slot_heads;
}

static layout layout_of(const plan *g, const vt_invert_part *p) {
    uint64_t alignment = g->caps->storage_alignment;
    layout at = {.counts = vt_round_up(vt_invert_bytes(&g->invert, p), alignment)};
    at.states = vt_round_up(at.counts + vt_invert_count_bytes(&g->invert, p), alignment);
    at.end = at.states + vt_states_bytes(&g->states, p->batch, heads_of(g, p), p->rows);
    return at;
}

static bool workspace_fits(const plan *g, const vt_invert_part *p) {
    uint64_t states = vt_states_bytes(&g->states, p->batch, heads_of(g, p), p->rows);
    return vt_invert_fits(&g->invert, p) && states <= g->caps->storage_range &&
           layout_of(g, p).end <= g->in->max_workspace;
}

static uint64_t span(const plan *g, const vt_tensor *t, uint64_t batch, uint64_t heads, uint64_t tokens,
                     uint64_t dim) {
    return vt_tensor_range(g->p, t, g->caps->storage_alignment, batch, heads, tokens, dim);
}

static bool rows_fit(const plan *g, const vt_invert_part *p) {
    const vt_problem *q = g->p;
    uint64_t range = g->caps->storage_range, heads = heads_of(g, p);
    uint64_t lse = ((p->batch - 1) * q->heads + heads - 1) * q->q_len + p->rows;
    return span(g, &q->q, p->batch, heads, p->rows, q->dim) <= range &&
           span(g, &q->out, p->batch, heads, p->rows, q->value_dim) <= range &&
           (!q->write_lse || lse * sizeof(float) + g->caps->storage_alignment <= range) &&
           heads <= g->caps->groups[1] && p->batch <= g->caps->groups[2] &&
           vt_states_groups(q, p->rows) <= g->caps->groups[0];
}

/* Keys are cut by whole tiles, or by planes where blocks are boxes: in units of `kv_plane` tokens. Keys that one tile of rows
 * visits in a dispatch over so many units, whole tiles of them. */
static uint64_t visited(const plan *g, uint64_t units) {
    const vt_list_rule *list = &g->p->list;
    uint64_t keys = vt_min(units, list->kv_block);
    if (list->kv_boxed)
        keys = vt_min(units, list->kv_box[0]) * list->kv_box[1] * list->kv_box[2];
    return vt_round_up(keys, g->tile->keys);
}

static uint64_t tile_macs(const plan *g, const vt_invert_part *p, uint64_t keys) {
    uint64_t pairs = vt_saturating_mul(visited(g, keys), g->tile->rows);
    uint64_t slices = vt_saturating_mul(units_of(g, p), p->batch);
    return vt_saturating_mul(vt_saturating_mul(pairs, slices), g->p->dim + g->p->value_dim);
}

static bool keys_bind(const plan *g, const vt_invert_part *p, uint64_t keys) {
    const vt_problem *q = g->p;
    uint64_t kv_heads = vt_min(vt_ceil_div(heads_of(g, p) - 1, g->kv_group) + 1, q->kv_heads);
    uint64_t tokens = keys * q->list.kv_plane;
    return span(g, &q->k, p->batch, kv_heads, tokens, q->dim) <= g->caps->storage_range &&
           span(g, &q->v, p->batch, kv_heads, tokens, q->value_dim) <= g->caps->storage_range;
}

/* A driver that ends an invocation after so many loop iterations would leave keys out without a word. */
static bool keys_loop(const plan *g, uint64_t keys) {
    uint64_t steps = vt_saturating_mul(visited(g, keys) / g->tile->keys, g->tile->iterations);
    return CLOSING <= g->caps->loop_limit && steps <= g->caps->loop_limit - CLOSING;
}

static uint64_t least_keys(const plan *g) {
    return g->p->list.kv_boxed ? 1 : vt_min(g->tile->keys, g->p->kv_len);
}

static uint64_t halve_keys(const plan *g, uint64_t keys) {
    uint64_t grain = g->p->list.kv_boxed ? 1 : g->tile->keys;
    return vt_max(vt_round_down(vt_ceil_div(keys, 2), grain), least_keys(g));
}

/* As many keys, by whole tiles, as a dispatch can have; 0: not even one tile. Those of one batch entry and list head yield to
 * the bound on work too, as far as they can. */
static uint64_t keys_of(const plan *g, const vt_invert_part *p) {
    uint64_t grain = least_keys(g), keys = g->p->list.kv_units;
    while (keys > grain && !(keys_bind(g, p, keys) && keys_loop(g, keys)))
        keys = halve_keys(g, keys);
    bool least = p->batch == 1 && p->heads == 1;
    while (least && keys > grain && tile_macs(g, p, keys) > g->p->max_macs)
        keys = halve_keys(g, keys);
    return keys_bind(g, p, keys) && keys_loop(g, keys) ? keys : 0;
}

static bool lists_work(const plan *g, const vt_invert_part *p) {
    return vt_invert_works(&g->invert, p) &&
           vt_states_moves(&g->states, g->p, p->batch, heads_of(g, p), p->rows) <= g->p->max_moves;
}

static bool fits(const plan *g, cut *c) {
    const vt_invert_part *p = &c->part;
    c->keys = workspace_fits(g, p) && rows_fit(g, p) ? keys_of(g, p) : 0;
    bool least = p->batch == 1 && p->heads == 1;
    return c->keys > 0 && (least || tile_macs(g, p, c->keys) <= g->p->max_macs) &&
           ((least && p->rows == 1) || lists_work(g, p));
}

/* Batch entries give way first, then list heads, then rows: the more rows, the fuller the tiles. */
static bool choose_cut(const plan *g, cut *out) {
    cut c = {.part = {.batch = g->p->batch, .heads = g->invert.list_heads, .rows = g->p->q_len}};
    vt_invert_part *p = &c.part;
    uint64_t *const sizes[] = {&p->batch, &p->heads, &p->rows};
    while (!fits(g, &c))
        if (!vt_halve_first(sizes, NULL, 3))
            return false;
    uint64_t works = g->p->max_macs / vt_max(tile_macs(g, p, c.keys), 1);
    c.tiles = vt_min(vt_min(vt_invert_tiles(&g->invert, p->rows), g->caps->groups[0]), vt_max(works, 1));
    *out = c;
    return true;
}

/* ---- Steps ---- */

static void fill_spec(const plan *g, uint32_t spec[VT_SPEC_COUNT]) {
    vt_attend_spec(g->p, g->tile, spec);
    spec[VT_SPEC_MASK] = vt_attend_diagonal_mask(g->p) | vt_attend_box_spec(g->p, spec);
    spec[VT_SPEC_LIST_KIND] = VT_LIST_ROWS;
    spec[VT_SPEC_LIST_KV_BLOCK] = g->p->list.kv_block;
    spec[VT_SPEC_LIST_ENTRIES] = g->p->list.entries;
    spec[VT_SPEC_LIST_GROUP] = g->list_group / g->states.slot_heads;
    spec[VT_SPEC_LIST_SLOT_HEADS] = g->states.slot_heads;
    spec[VT_SPEC_LIST_PREFIX] = 0;
}

static uint32_t attend_variant(const plan *g, vt_program *program) {
    vt_variant *variant = &program->variants[program->variant_count];
    variant->kernel = vt_kernel_find(VT_MAP_LISTS, g->p->dtype, g->tile->layout, VT_IO_LISTS, false);
    fill_spec(g, variant->spec);
    return program->variant_count++;
}

/* Binds heads and tokens, first and last of each, of the part's batch entries; returns where the first one lies. */
static uint32_t bind(const plan *g, const vt_invert_part *p, vt_step *step, uint32_t slot, vt_role role,
                     const vt_tensor *t, const uint64_t heads[2], const uint64_t tokens[2], uint32_t bytes,
                     uint64_t dim) {
    const vt_slab s = {{p->b, p->b + p->batch}, {heads[0], heads[1] + 1}, {tokens[0], tokens[1] + 1}};
    return (uint32_t)vt_step_bind_slab(step, slot, role, t, &s, dim, bytes, g->caps->storage_alignment);
}

/* Shaders index by the tensors' own token numbers, so bases step back; 32-bit arithmetic wraps. */
static void bind_tensors(const plan *g, const vt_invert_part *p, uint64_t k_first, uint64_t k_end,
                         vt_step *step) {
    const vt_problem *q = g->p;
    const uint64_t heads[2] = {p->h * g->list_group, (p->h + p->heads) * g->list_group - 1};
    const uint64_t kv_heads[2] = {heads[0] / g->kv_group, heads[1] / g->kv_group};
    const uint64_t rows[2] = {p->row, p->row + p->rows - 1};
    const uint64_t plane = q->list.kv_plane, keys[2] = {k_first * plane, k_end * plane - 1};
    uint32_t bytes = q->element_bytes;
    vt_push *push = &step->push;
    push->q_base = bind(g, p, step, VT_SLOT_Q, VT_ROLE_Q, &q->q, heads, rows, bytes, q->dim) -
                   (uint32_t)(p->row * q->q.token);
    push->k_base = bind(g, p, step, VT_SLOT_K, VT_ROLE_K, &q->k, kv_heads, keys, bytes, q->dim) -
                   (uint32_t)(keys[0] * q->k.token);
    push->v_base = bind(g, p, step, VT_SLOT_V, VT_ROLE_V, &q->v, kv_heads, keys, bytes, q->value_dim) -
                   (uint32_t)(keys[0] * q->v.token);
    push->q_batch = (uint32_t)q->q.batch;
    push->q_head = (uint32_t)q->q.head;
    push->q_token = (uint32_t)q->q.token;
    push->k_batch = (uint32_t)q->k.batch;
    push->k_head = (uint32_t)q->k.head;
    push->k_token = (uint32_t)q->k.token;
    push->v_batch = (uint32_t)q->v.batch;
    push->v_head = (uint32_t)q->v.head;
    push->v_token = (uint32_t)q->v.token;
    push->group = g->kv_group / g->states.slot_heads;
    push->head_first = (uint32_t)(heads[0] / g->states.slot_heads);
}

/* Tiles of rows [tile, tile + tiles) over the keys [k_first, k_end). */
static void add_attend(const plan *g, const cut *c, uint64_t k_first, uint64_t k_end, uint64_t tile,
                       uint64_t tiles, uint32_t variant, vt_program *program) {
    const vt_invert_part *p = &c->part;
    const layout at = layout_of(g, p);
    vt_step step = {.variant = variant,
                    .binding_count = vt_io_slots(VT_IO_LISTS),
                    .written = 1u << VT_SLOT_OUT | 1u << VT_SLOT_LSE | 1u << VT_SLOT_CARRY,
                    .barrier_before = true};
    bind_tensors(g, p, k_first, k_end, &step);
    step.binding[VT_SLOT_CARRY] = (vt_binding){VT_ROLE_WORKSPACE, at.states, at.end - at.states};
    step.binding[VT_SLOT_OUT] = step.binding[VT_SLOT_LSE] = step.binding[VT_SLOT_CARRY]; /* not used */
    step.binding[VT_SLOT_LISTS] = (vt_binding){VT_ROLE_WORKSPACE, 0, vt_invert_bytes(&g->invert, p)};
    step.push.q_len = (uint32_t)g->p->q_len;
    step.push.kv_len = (uint32_t)g->p->list.kv_units;
    step.push.q_first = (uint32_t)p->row;
    step.push.q_last = (uint32_t)(p->row + p->rows);
    step.push.k_first = (uint32_t)k_first;
    step.push.k_last = (uint32_t)k_end;
    step.push.scale_log2 = vt_attend_scale(g->p);
    step.push.map0 = (uint32_t)vt_invert_words(&g->invert, p->rows);
    step.push.map1 = (uint32_t)tile;
    step.push.flags = VT_FLAG_CARRY_OUT | (k_first > 0 ? VT_FLAG_CARRY_IN : 0);
    step.groups[0] = (uint32_t)tiles;
    step.groups[1] = (uint32_t)units_of(g, p);
    step.groups[2] = (uint32_t)p->batch;
    step.macs = vt_saturating_mul(tile_macs(g, p, k_end - k_first), tiles);
    vt_program_add(program, &step);
}

static void attend_part(const plan *g, const cut *c, uint32_t variant, vt_program *program) {
    uint64_t tiles = vt_invert_tiles(&g->invert, c->part.rows), units = g->p->list.kv_units;
    for (uint64_t k = 0; k < units && vt_program_has_room(program); k += c->keys)
        for (uint64_t t = 0; t < tiles && vt_program_has_room(program); t += c->tiles)
            add_attend(g, c, k, vt_min(k + c->keys, units), t, vt_min(c->tiles, tiles - t), variant, program);
}

static void merge_part(const plan *g, const vt_invert_part *p, uint32_t variant, vt_program *program) {
    const vt_problem *q = g->p;
    const layout at = layout_of(g, p);
    const vt_tensor lse = vt_lse_tensor(q);
    const uint64_t heads[2] = {p->h * g->list_group, (p->h + p->heads) * g->list_group - 1};
    const uint64_t rows[2] = {p->row, p->row + p->rows - 1};
    vt_step step = {.variant = variant,
                    .binding_count = VT_COMBINE_SLOT_COUNT,
                    .written = 1u << VT_COMBINE_SLOT_OUT | 1u << VT_COMBINE_SLOT_LSE,
                    .barrier_before = true};
    vt_combine_push *push = &step.combine;
    vt_states_fill(&g->states, heads_of(g, p), p->rows, &step);
    step.binding[VT_COMBINE_SLOT_PARTS] = (vt_binding){VT_ROLE_WORKSPACE, at.states, at.end - at.states};
    step.binding[VT_COMBINE_SLOT_RESIDUAL] = step.binding[VT_COMBINE_SLOT_PARTS];
    push->flags = q->write_lse ? VT_COMBINE_LSE : 0;
    push->w_base = vt_invert_bind_lists(&g->invert, p, &step, VT_COMBINE_SLOT_WEIGHTS);
    push->w_head = (uint32_t)(q->q_len * q->list.entries);
    push->w_batch = (uint32_t)g->invert.list_heads * push->w_head;
    push->o_base = bind(g, p, &step, VT_COMBINE_SLOT_OUT, VT_ROLE_OUT, &q->out, heads, rows, q->element_bytes,
                        q->value_dim);
    push->o_batch = (uint32_t)q->out.batch;
    push->o_head = (uint32_t)q->out.head;
    push->o_token = (uint32_t)q->out.token;
    step.binding[VT_COMBINE_SLOT_LSE] = step.binding[VT_COMBINE_SLOT_CARRY] =
        step.binding[VT_COMBINE_SLOT_OUT];
    if (q->write_lse)
        push->l_base =
            bind(g, p, &step, VT_COMBINE_SLOT_LSE, VT_ROLE_LSE, &lse, heads, rows, sizeof(float), 1);
    push->l_batch = (uint32_t)lse.batch;
    push->l_head = (uint32_t)lse.head;
    step.moves = vt_states_moves(&g->states, q, p->batch, heads_of(g, p), p->rows);
    step.groups[0] = (uint32_t)vt_states_groups(q, p->rows);
    step.groups[1] = (uint32_t)heads_of(g, p);
    step.groups[2] = (uint32_t)p->batch;
    vt_program_add(program, &step);
}

static vatten_result refuse(const plan *g) {
    vt_log(g->in->op.logger, VATTEN_LOG_ERROR, g->p->label,
           "sparse: one query of %" PRIu32 " entries cannot be gathered on %s: a binding holds %" PRIu64
           " bytes, an invocation %" PRIu64 " steps, max_workspace %" PRIu64 " bytes",
           g->p->list.entries, g->caps->name, g->caps->storage_range, g->caps->loop_limit,
           g->in->max_workspace);
    return VATTEN_ERROR_UNSUPPORTED;
}

static vatten_result check(const plan *g, const vt_program *program) {
    if (g->caps->storage_buffers < vt_io_slots(VT_IO_LISTS)) {
        vt_log(g->in->op.logger, VATTEN_LOG_ERROR, g->p->label,
               "a plan by lists needs %" PRIu32 " storage buffers per stage, %s has %" PRIu32,
               vt_io_slots(VT_IO_LISTS), g->caps->name, g->caps->storage_buffers);
        return VATTEN_ERROR_UNSUPPORTED;
    }
    if (vt_program_has_room(program))
        return VATTEN_SUCCESS;
    vt_log(g->in->op.logger, VATTEN_LOG_ERROR, g->p->label,
           "sparse: max_macs %" PRIu64 " and max_workspace %" PRIu64
           " would need more than %u dispatches: raise them",
           g->p->max_macs, g->in->max_workspace, VT_STEPS_MAX);
    return VATTEN_ERROR_UNSUPPORTED;
}

bool vt_gather_fits(const vt_gather *gather) {
    const plan g = plan_of(gather);
    cut c;
    return choose_cut(&g, &c);
}

vatten_result vt_gather_steps(const vt_gather *gather, vt_program *program) {
    const plan g = plan_of(gather);
    cut most;
    uint32_t invert[VT_INVERT_PASSES];
    if (!choose_cut(&g, &most))
        return refuse(&g);
    vt_invert_variants(&g.invert, program, invert);
    program->main_variant = attend_variant(&g, program);
    const uint32_t attend = program->main_variant;
    uint32_t merge = vt_states_variant(&g.states, g.p, program);
    program->workspace_bytes = vt_max(program->workspace_bytes, layout_of(&g, &most.part).end);
    for (uint64_t b = 0; b < g.p->batch; b += most.part.batch)
        for (uint64_t h = 0; h < g.invert.list_heads; h += most.part.heads)
            for (uint64_t r = 0; r < g.p->q_len && vt_program_has_room(program); r += most.part.rows) {
                cut c = most;
                c.part = (vt_invert_part){vt_min(most.part.batch, g.p->batch - b),
                                          vt_min(most.part.heads, g.invert.list_heads - h),
                                          vt_min(most.part.rows, g.p->q_len - r),
                                          b,
                                          h,
                                          r};
                vt_invert_steps(&g.invert, &c.part, invert, layout_of(&g, &c.part).counts, 0, program);
                attend_part(&g, &c, attend, program);
                merge_part(&g, &c.part, merge, program);
            }
    return check(&g, program);
}
