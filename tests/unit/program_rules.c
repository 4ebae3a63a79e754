/* SPDX-License-Identifier: MIT
 *
 * What every list of steps must keep, told from the shaders' and Vulkan's side: the parts cover all of the
 * problem once and in order, every address that a shader computes lies in what is bound, no limit is broken,
 * and whoever resumes a state waits for it.
 */
#include "program_must.h"

#include "sizes.h"

#include "choices.h"
#include "ref.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Where the walk over the steps stands: the part that comes next, and how far its chain is. */
typedef struct walk {
    const program_case *c;
    unit_random random;
    uint64_t plane; /* tokens per unit of the queries */
    uint64_t q_units;
    uint64_t k_plane; /* the same of the keys */
    uint64_t k_units;
    uint64_t batch, head, q;                 /* first of the current part */
    uint64_t batch_count, head_count, q_end; /* of the current part, from its first step */
    uint64_t row_heads, row_batches;         /* sizes that all parts of a row share */
    bool in_chain;
    uint64_t extra_done;     /* extra keys that the chain has seen */
    uint64_t k_begin, k_end; /* units that the chain has seen; begin = end: none */
    uint64_t largest_macs, workspace;
    vt_binding covered[VT_ROLE_COUNT]; /* bound for writing since the last barrier, from first to last byte */
    bool carries;
} walk;

static char text[256];

static bool is_extra(const vt_step *step) {
    return step->variant == 1;
}

static bool is_dense(const walk *w) {
    return w->c->problem.map == VT_MAP_DENSE;
}

/* Single keys: ranges are of entries. */
static bool lists_keys(const vt_problem *p) {
    return p->map == VT_MAP_LISTS && p->list.kind == VATTEN_LIST_KEYS;
}

static bool is_grid(const walk *w) {
    return w->c->problem.map == VT_MAP_NEIGHBORHOOD;
}

static bool moves_state(const vt_step *step) {
    return (step->push.flags & (VT_FLAG_CARRY_IN | VT_FLAG_CARRY_OUT)) != 0;
}

static uint64_t role_bytes(const walk *w, vt_role role) {
    const vt_problem *p = &w->c->problem;
    const vt_tensor *tensors[VT_ROLE_COUNT] = {&p->q,       &p->k,       &p->v, &p->out, NULL,
                                               &p->extra_k, &p->extra_v, NULL,  NULL};
    if (role == VT_ROLE_WORKSPACE)
        return w->c->program.workspace_bytes;
    if (role == VT_ROLE_BIAS)
        return p->bias_bytes;
    if (role == VT_ROLE_LISTS)
        return p->list.words.elements * 4;
    if (role == VT_ROLE_LSE)
        return p->write_lse ? p->batch * p->heads * p->q_len * 4 : 0;
    return tensors[role]->elements * (p->dtype == VATTEN_DTYPE_F32 ? 4 : 2);
}

/* ---- Order and coverage ---- */

static const char *start_chain(walk *w, const vt_step *step, uint64_t q_first, uint64_t q_end) {
    const vt_problem *p = &w->c->problem;
    MUST(w->batch < p->batch); /* nothing may come after the last part */
    MUST(!(step->push.flags & VT_FLAG_CARRY_IN));
    MUST(q_first == w->q);
    MUST(step->push.head_first == w->head);
    w->q_end = q_end;
    w->head_count = step->groups[1];
    w->batch_count = step->groups[2];
    if (w->q == 0)
        w->row_heads = w->head_count;
    if (w->q == 0 && w->head == 0)
        w->row_batches = w->batch_count;
    MUST(w->head_count == w->row_heads);
    MUST(w->batch_count == w->row_batches);
    MUST(w->q_end <= w->q_units && w->q_end > w->q);
    MUST(w->head + w->head_count <= p->heads);
    MUST(w->batch + w->batch_count <= p->batch);
    w->in_chain = true;
    w->extra_done = w->k_begin = w->k_end = 0;
    return NULL;
}

static const char *extend_chain(walk *w, const vt_step *step) {
    const vt_push *push = &step->push;
    MUST(push->k_first < push->k_last);
    MUST(push->k_last <= (lists_keys(&w->c->problem) ? w->c->problem.list.entries : push->kv_len));
    if (is_extra(step)) {
        MUST(w->k_begin == w->k_end); /* extra keys come before those of the grid */
        MUST(push->k_first == w->extra_done);
        w->extra_done = push->k_last;
        return NULL;
    }
    MUST(w->extra_done == w->c->problem.extra_len);
    if (w->k_begin == w->k_end)
        w->k_begin = w->k_end = push->k_first;
    MUST(push->k_first == w->k_end);
    w->k_end = push->k_last;
    return NULL;
}

/* Planes of axis 0 that some query of the part sees; asked of the oracle pair by pair, so only where there
 * are few. */
static const char *check_needed(const walk *w) {
    const vatten_axis *axis = &w->c->problem.axis[0];
    const ref_axis_rule rule = {axis->extent, axis->window, axis->stride, axis->dilation, axis->causal};
    if (axis->extent > 400)
        return NULL;
    for (uint64_t q = w->q; q < w->q_end; ++q)
        for (uint64_t k = 0; k < axis->extent; ++k)
            if (k < w->k_begin || k >= w->k_end)
                MUST(!ref_axis_visible(&rule, q, k));
    return NULL;
}

static const char *end_chain(walk *w) {
    const vt_problem *p = &w->c->problem;
    MUST(w->extra_done == p->extra_len);
    if (is_grid(w))
        MUST_ALL(check_needed(w));
    else
        MUST(w->k_begin == 0 && w->k_end == (lists_keys(p) ? p->list.entries : w->k_units));
    w->in_chain = false;
    w->q = w->q_end;
    if (w->q == w->q_units) {
        w->q = 0;
        w->head += w->head_count;
    }
    if (w->head == p->heads) {
        w->head = 0;
        w->batch += w->batch_count;
    }
    return NULL;
}

static const char *check_order(walk *w, const vt_step *step) {
    const vt_push *push = &step->push;
    uint64_t scale = is_extra(step) ? w->plane : 1;
    MUST(push->q_first % scale == 0 && push->q_last % scale == 0);
    bool first = !w->in_chain;
    if (first)
        MUST_ALL(start_chain(w, step, push->q_first / scale, push->q_last / scale));
    MUST(push->q_first / scale == w->q && push->q_last / scale == w->q_end);
    MUST(push->head_first == w->head);
    MUST(step->groups[1] == w->head_count && step->groups[2] == w->batch_count);
    MUST(((push->flags & VT_FLAG_CARRY_IN) != 0) == !first);
    return extend_chain(w, step);
}

/* ---- What is told to the shader ---- */

static const char *check_push(const walk *w, const vt_step *step) {
    const vt_problem *p = &w->c->problem;
    const vt_push *push = &step->push;
    bool extra = is_extra(step);
    MUST(push->q_len == (extra ? p->q_len : w->q_units));
    MUST(push->kv_len == (extra ? p->extra_len : w->k_units));
    MUST(push->q_last <= push->q_len);
    MUST(push->group == p->heads / p->kv_heads);
    MUST(fabs((double)push->scale_log2 - (double)p->scale / log(2.0)) <=
         1e-6 * fabs((double)p->scale) + 1e-37);
    MUST(((push->flags & VT_FLAG_LSE) != 0) == p->write_lse);
    if (extra)
        MUST(push->map0 == 0 && push->map1 == 0 && push->map2 == 0);
    else if (p->map == VT_MAP_LISTS)
        MUST(push->map0 == (uint32_t)p->list.words.batch && push->map1 == (uint32_t)p->list.words.head);
    else if (is_grid(w))
        MUST(push->map0 == p->axis[1].extent && push->map1 == p->axis[2].extent);
    else
        MUST((p->left < 0 || push->map0 == (uint64_t)p->left) &&
             (p->right < 0 || push->map1 == (uint64_t)p->right) && push->map2 == p->prefix);
    if (extra || !(is_grid(w) || p->list.kv_boxed)) /* the dense map counts its key tiles from key 0 */
        MUST(push->k_first % w->c->tile.keys == 0);
    MUST(step->dense_keys == is_dense(w));
    MUST(step->rows == (is_dense(w) ? w->c->tile.rows : 0));
    return NULL;
}

static uint32_t dense_mask(const vt_problem *p) {
    return (p->causal ? VT_MASK_CAUSAL : 0) | (p->left >= 0 ? VT_MASK_LEFT : 0) |
           (p->right >= 0 ? VT_MASK_RIGHT : 0) | (p->align_first ? VT_MASK_ALIGN_FIRST : 0);
}

static vt_io io_of(const program_case *c, vt_map map) {
    if (map == VT_MAP_LISTS)
        return c->problem.list.biased ? VT_IO_LISTS_BIAS : VT_IO_LISTS;
    if (c->problem.bias_bytes && map == VT_MAP_NEIGHBORHOOD)
        return VT_IO_BIAS;
    return c->problem.write_lse || c->program.carries ? VT_IO_FULL : VT_IO_PLAIN;
}

static const char *check_variant(const walk *w, uint32_t i) {
    const program_case *c = w->c;
    const vt_problem *p = &c->problem;
    const vt_variant *v = &c->program.variants[i];
    MUST(v->kernel < vt_kernel_count);
    const vt_kernel *kernel = &vt_kernels[v->kernel];
    MUST(kernel->map == (i == 1 ? VT_MAP_DENSE : p->map));
    MUST(kernel->dtype == p->dtype);
    MUST(kernel->layout == c->tile.layout);
    MUST(kernel->io == io_of(c, kernel->map));
    MUST(v->spec[VT_SPEC_WORKGROUP] == c->tile.workgroup && v->spec[VT_SPEC_ROWS] == c->tile.rows);
    MUST(v->spec[VT_SPEC_KEYS] == c->tile.keys && v->spec[VT_SPEC_LANES_PER_ROW] == c->tile.lanes_per_row);
    MUST(v->spec[VT_SPEC_DIM] == (p->weights ? c->tile.dim_pad : p->dim));
    MUST(v->spec[VT_SPEC_VALUE_DIM] == p->value_dim);
    MUST(v->spec[VT_SPEC_DIM_PAD] == c->tile.dim_pad && v->spec[VT_SPEC_VALUE_PAD] == c->tile.value_pad);
    MUST(v->spec[VT_SPEC_SUBGROUP] == c->tile.subgroup && v->spec[VT_SPEC_MATRIX] == c->tile.matrix.m);
    MUST(v->spec[VT_SPEC_HOLD] == c->tile.hold);
    MUST(v->spec[VT_SPEC_STAGE_WORDS] == vt_tile_stage_words(&c->tile));
    MUST(v->spec[VT_SPEC_MATRIX + 1] == c->tile.matrix.n && v->spec[VT_SPEC_MATRIX + 2] == c->tile.matrix.k);
    MUST((c->tile.subgroup > 0) == vt_layout_has_matrices(c->tile.layout));
    MUST(v->spec[VT_SPEC_DIM_CHUNK] == c->tile.dim_chunk && v->spec[VT_SPEC_VECTOR] <= 1);
    if (i == 1 || is_dense(w)) {
        MUST(v->spec[VT_SPEC_MASK] == (i == 1 ? 0 : dense_mask(p)));
        return NULL;
    }
    if (p->map == VT_MAP_LISTS) {
        MUST(v->spec[VT_SPEC_LIST_Q_BLOCK] == p->list.q_block &&
             v->spec[VT_SPEC_LIST_ENTRIES] == p->list.entries);
        MUST(v->spec[VT_SPEC_LIST_KV_BLOCK] == p->list.kv_block && v->spec[VT_SPEC_LIST_STRIDE] > 0);
        MUST(v->spec[VT_SPEC_LIST_ROW] == p->list.words.token &&
             v->spec[VT_SPEC_LIST_GROUP] == p->list.group);
        return program_lists_variant(&p->list, v);
    }
    for (uint32_t a = 0; a < 3; ++a) {
        MUST(v->spec[VT_SPEC_WINDOW + a] == p->axis[a].window &&
             v->spec[VT_SPEC_STRIDE + a] == p->axis[a].stride);
        MUST(v->spec[VT_SPEC_DILATION + a] == p->axis[a].dilation && v->spec[VT_SPEC_BOX + a] > 0);
        MUST((v->spec[VT_SPEC_MASK] >> a & 1) == p->axis[a].causal);
    }
    MUST(v->spec[VT_SPEC_BOX] * v->spec[VT_SPEC_BOX + 1] * v->spec[VT_SPEC_BOX + 2] <= c->tile.rows);
    return NULL;
}

/* ---- Limits ---- */

static uint64_t ceil_to(uint64_t value, uint64_t grain) {
    return (value + grain - 1) / grain * grain;
}

static uint64_t boxes(const vt_variant *v, uint32_t a, uint64_t units) {
    uint64_t run = (uint64_t)v->spec[VT_SPEC_DILATION + a] * v->spec[VT_SPEC_BOX + a];
    return v->spec[VT_SPEC_DILATION + a] *
           (ceil_to(units, run) / run); /* of all dilation groups along the axis */
}

/* No workgroup visits more key tiles than the step's work and the driver's loops allow, at whatever lengths a
 * record asks for; the first, the last and some in between are looked at. */
static const char *check_visits(walk *w, const vt_step *step) {
    const program_case *c = w->c;
    const vt_problem *p = &c->problem;
    uint64_t pairs = (uint64_t)step->groups[0] * c->tile.rows * c->tile.keys;
    uint64_t slices = w->head_count * w->batch_count * (p->dim + p->value_dim);
    for (int i = 0; i < 6; ++i) {
        vt_step shrunk = *step;
        uint64_t q_len = i < 3 ? p->q_len : unit_between(&w->random, 1, p->q_len);
        uint64_t kv_len = i < 3 ? p->kv_len : unit_between(&w->random, 1, p->kv_len);
        if (!vt_step_shrink(&shrunk, q_len, kv_len))
            continue;
        uint32_t last = shrunk.groups[0] - 1;
        uint32_t x = i == 0 ? 0 : i == 1 ? last : (uint32_t)unit_between(&w->random, 0, last);
        uint64_t tiles = program_dense_tiles(c, step, &shrunk.push, x);
        MUST(tiles * pairs * slices <= step->macs);
        MUST(tiles * c->tile.iterations <=
             c->caps.loop_limit); /* no exception: keys would silently be missing */
    }
    return NULL;
}

/* Dispatches of several queries or keys keep the bounds; the smallest ones cannot be made smaller. */
static const char *check_work(walk *w, const vt_step *step) {
    const program_case *c = w->c;
    const vt_problem *p = &c->problem;
    bool extra = is_extra(step);
    const uint32_t *spec = c->program.variants[step->variant].spec;
    uint64_t k_grain = extra || !is_grid(w) ? c->tile.keys : 1;
    uint64_t q_grain = is_dense(w) ? c->tile.rows : (uint64_t)spec[VT_SPEC_DILATION] * spec[VT_SPEC_BOX];
    if (extra)
        q_grain = (uint64_t)c->program.variants[0].spec[VT_SPEC_DILATION] *
                  c->program.variants[0].spec[VT_SPEC_BOX];
    if (p->map == VT_MAP_LISTS) {
        q_grain = p->list.kind == VATTEN_LIST_RANGES ? p->q_len : p->list.row_units;
        k_grain = p->list.kv_boxed ? 1 : k_grain;
    }
    if (is_grid(w) && p->axis[0].roll) { /* is not cut */
        q_grain = p->axis[0].extent;
        k_grain = extra ? k_grain : p->axis[0].extent;
    }
    uint64_t keys = step->push.k_last - step->push.k_first;
    bool least = w->batch_count == 1 && w->head_count == 1 && w->q_end - w->q <= q_grain && keys <= k_grain;
    MUST(step->macs <= p->max_macs || least);
    if (p->map == VT_MAP_LISTS)
        return program_lists_visits(c, step);
    return extra || is_dense(w) ? check_visits(w, step) : NULL; /* program_grid.c walks the boxes */
}

static const char *check_groups(const walk *w, const vt_step *step) {
    const program_case *c = w->c;
    uint64_t units = w->q_end - w->q;
    uint64_t tiles;
    for (int i = 0; i < 3; ++i)
        MUST(step->groups[i] >= 1 && step->groups[i] <= c->caps.groups[i]);
    if (c->problem.map == VT_MAP_LISTS) {
        return program_lists_groups(c, step);
    } else if (is_dense(w) || is_extra(step)) {
        tiles = ceil_to(units * w->plane, c->tile.rows) / c->tile.rows;
    } else {
        const vt_variant *v = &c->program.variants[0];
        MUST(w->q % ((uint64_t)v->spec[VT_SPEC_DILATION] * v->spec[VT_SPEC_BOX]) == 0);
        tiles = boxes(v, 0, units) * boxes(v, 1, c->problem.axis[1].extent) *
                boxes(v, 2, c->problem.axis[2].extent);
    }
    MUST(step->groups[0] == tiles);
    return NULL;
}

static const char *check_bindings(const walk *w, const vt_step *step) {
    const program_case *c = w->c;
    const vt_problem *p = &c->problem;
    vt_io io = io_of(c, vt_kernels[c->program.variants[step->variant].kernel].map);
    bool extra = is_extra(step);
    const vt_role roles[4] = {VT_ROLE_Q,
                              extra        ? VT_ROLE_EXTRA_K
                              : p->weights ? VT_ROLE_V
                                           : VT_ROLE_K,
                              extra ? VT_ROLE_EXTRA_V : VT_ROLE_V, VT_ROLE_OUT};
    MUST(step->binding_count == (io == VT_IO_LISTS_BIAS ? 8u
                                 : io >= VT_IO_BIAS     ? 7u
                                 : io == VT_IO_FULL     ? 6u
                                                        : 4u));
    MUST(step->binding_count <= c->caps.storage_buffers);
    for (uint32_t i = 0; i < step->binding_count; ++i) {
        const vt_binding *b = &step->binding[i];
        MUST(i >= 4 || b->role == roles[i]);
        MUST(b->range > 0); /* a declared slot must hold a buffer, used or not */
        MUST(b->range <= c->caps.storage_range);
        MUST(b->offset % c->caps.storage_alignment == 0);
        MUST(b->offset <= role_bytes(w, b->role));
        MUST(b->range <= role_bytes(w, b->role) - b->offset);
    }
    if (io == VT_IO_BIAS)
        MUST(step->binding[VT_SLOT_BIAS].role == VT_ROLE_BIAS && step->binding[VT_SLOT_BIAS].offset == 0 &&
             step->binding[VT_SLOT_BIAS].range == p->bias_bytes);
    if (io >= VT_IO_LISTS)
        MUST(step->binding[VT_SLOT_LISTS].role == VT_ROLE_LISTS);
    if (io == VT_IO_LISTS_BIAS)
        MUST(step->binding[VT_SLOT_LIST_BIAS].role == VT_ROLE_BIAS);
    if (p->write_lse)
        MUST(step->binding[VT_SLOT_LSE].role == VT_ROLE_LSE);
    if (moves_state(step))
        MUST(io >= VT_IO_FULL && step->binding[VT_SLOT_CARRY].role == VT_ROLE_WORKSPACE &&
             step->binding[VT_SLOT_CARRY].offset == 0);
    return NULL;
}

static bool overlaps(const vt_binding *a, const vt_binding *b) {
    return a->role == b->role && a->offset < b->offset + b->range && b->offset < a->offset + a->range;
}

static bool written_by_both(const vt_step *a, const vt_step *b) {
    for (uint32_t i = VT_SLOT_OUT; i < a->binding_count && i < VT_SLOT_BIAS; ++i)
        for (uint32_t j = VT_SLOT_OUT; j < b->binding_count && j < VT_SLOT_BIAS; ++j)
            if (overlaps(&a->binding[i], &b->binding[j]))
                return true;
    return false;
}

/* Whether a step meets one since the last barrier; of very many, only the last are looked at. */
static bool meets_one(const program_case *c, uint64_t index) {
    const vt_step *step = &c->program.steps[index];
    for (uint64_t n = index; n > 0 && n + 40 > index; --n) {
        if (written_by_both(step, &c->program.steps[n - 1]))
            return true;
        if (c->program.steps[n - 1].barrier_before)
            return false;
    }
    return false;
}

/* Whether a step meets the least range of some buffer that holds all that was bound since the last barrier. */
static bool meets_all(const walk *w, const vt_step *step) {
    for (uint32_t i = VT_SLOT_OUT; i < step->binding_count && i < VT_SLOT_BIAS; ++i)
        if (overlaps(&step->binding[i], &w->covered[step->binding[i].role]))
            return true;
    return false;
}

static void cover(walk *w, const vt_step *step) {
    if (step->barrier_before)
        memset(w->covered, 0, sizeof w->covered);
    for (uint32_t i = VT_SLOT_OUT; i < step->binding_count && i < VT_SLOT_BIAS; ++i) {
        const vt_binding *b = &step->binding[i];
        vt_binding *all = &w->covered[b->role];
        uint64_t end = vt_max(all->offset + all->range, b->offset + b->range);
        all->role = b->role;
        all->offset = all->range ? vt_min(all->offset, b->offset) : b->offset;
        all->range = end - all->offset;
    }
}

/* A barrier where state moves or bound ranges overlap those of a step since the last barrier, and none where they do
 * not even lie between those. */
static const char *check_barrier(walk *w, uint64_t index) {
    const vt_step *step = &w->c->program.steps[index];
    MUST(step->barrier_before || !(moves_state(step) || meets_one(w->c, index)));
    MUST(!step->barrier_before || moves_state(step) || meets_all(w, step));
    cover(w, step);
    return NULL;
}

/* ---- Addresses, in the shaders' own 32 bits ---- */

const char *program_element(const vt_binding *b, uint32_t at, uint64_t expected, uint64_t dim,
                            uint64_t element_bytes) {
    MUST(b->offset / element_bytes + at == expected);
    MUST((at + dim) * element_bytes <= b->range);
    return NULL;
}

static const char *check_rows(const walk *w, const vt_step *step, uint32_t z, uint32_t y, uint32_t query,
                              uint32_t key) {
    const vt_problem *p = &w->c->problem;
    const vt_push *push = &step->push;
    const vt_binding *b = step->binding;
    const vt_tensor *k = is_extra(step) ? &p->extra_k : &p->k;
    const vt_tensor *v = is_extra(step) ? &p->extra_v : &p->v;
    uint64_t bytes = p->dtype == VATTEN_DTYPE_F32 ? 4 : 2;
    uint64_t batch = w->batch + z;
    uint64_t head = w->head + y;
    uint64_t kv_head = head / (p->heads / p->kv_heads);
    uint32_t kv = (push->head_first + y) / push->group - push->head_first / push->group;
    uint32_t at[4] = {push->q_base + z * push->q_batch + y * push->q_head + query * push->q_token,
                      push->k_base + z * push->k_batch + kv * push->k_head + key * push->k_token,
                      push->v_base + z * push->v_batch + kv * push->v_head + key * push->v_token,
                      push->out_base + z * push->out_batch + y * push->out_head + query * push->out_token};
    const uint64_t expected[4] = {batch * p->q.batch + head * p->q.head + query * p->q.token,
                                  batch * k->batch + kv_head * k->head + key * k->token,
                                  batch * v->batch + kv_head * v->head + key * v->token,
                                  batch * p->out.batch + head * p->out.head + query * p->out.token};
    for (int i = 0; i < 4; ++i) {
        if (p->weights && i == 1) /* there is no k */
            continue;
        uint32_t dim = i == 0 ? p->q_dim : i == 1 ? p->dim : p->value_dim;
        MUST_ALL(program_element(&b[i], at[i], expected[i], dim, bytes));
        if (w->c->program.variants[step->variant].spec[VT_SPEC_VECTOR] &&
            !(p->weights && i == 0)) /* rows are read four elements at a time */
            MUST(at[i] % 4 == 0 && p->dim % 4 == 0 && p->value_dim % 4 == 0);
    }
    if (p->map == VT_MAP_LISTS)
        MUST_ALL(program_lists_addresses(w->c, step, &(program_pair){w->batch, w->head, z, y, query, key}));
    if (p->write_lse) {
        uint32_t lse_head = p->list.biased ? push->q_len * (uint32_t)w->plane : push->lse_head;
        uint32_t lse_batch = p->list.biased
                                 ? lse_head * w->c->program.variants[step->variant].spec[VT_SPEC_LIST_HEADS]
                                 : push->lse_batch;
        uint32_t lse = push->lse_base + z * lse_batch + y * lse_head + query;
        MUST_ALL(program_element(&b[VT_SLOT_LSE], lse, (batch * p->heads + head) * p->q_len + query, 1, 4));
    }
    if (moves_state(step)) {
        uint64_t row = w->c->tile.value_pad + 1 + w->c->tile.lanes_per_row;
        uint64_t rows = (w->q_end - w->q) * w->plane;
        uint64_t state = ((z * w->head_count + y) * rows + (query - w->q * w->plane)) * row;
        MUST((state + row) * 4 <= b[VT_SLOT_CARRY].range);
        MUST(state + row <= UINT32_MAX);
    }
    return NULL;
}

/* The corners of the step and some of its inside. */
static const char *check_addresses(walk *w, const vt_step *step) {
    uint64_t k_plane = is_extra(step) ? 1 : w->k_plane;
    uint64_t q0 = w->q * w->plane;
    uint64_t q1 = w->q_end * w->plane - 1;
    uint64_t k0 = step->push.k_first * k_plane;
    uint64_t k1 = step->push.k_last * k_plane - 1;
    if (lists_keys(&w->c->problem)) {
        k0 = 0;
        k1 = w->c->problem.kv_len - 1;
    }
    uint32_t z1 = step->groups[2] - 1;
    uint32_t y1 = step->groups[1] - 1;
    MUST_ALL(check_rows(w, step, 0, 0, (uint32_t)q0, (uint32_t)k0));
    MUST_ALL(check_rows(w, step, z1, y1, (uint32_t)q1, (uint32_t)k1));
    for (int i = 0; i < 3; ++i)
        MUST_ALL(check_rows(
            w, step, (uint32_t)unit_between(&w->random, 0, z1), (uint32_t)unit_between(&w->random, 0, y1),
            (uint32_t)unit_between(&w->random, q0, q1), (uint32_t)unit_between(&w->random, k0, k1)));
    return NULL;
}

/* ---- All together ---- */

static const char *check_step(walk *w, const vt_step *step) {
    MUST(step->variant < w->c->program.variant_count);
    MUST_ALL(check_order(w, step));
    MUST_ALL(check_push(w, step));
    MUST_ALL(check_groups(w, step));
    MUST_ALL(check_work(w, step));
    MUST_ALL(check_bindings(w, step));
    MUST_ALL(check_addresses(w, step));
    w->carries = w->carries || moves_state(step);
    w->largest_macs = step->macs > w->largest_macs ? step->macs : w->largest_macs;
    if (moves_state(step) && step->binding[VT_SLOT_CARRY].range > w->workspace)
        w->workspace = step->binding[VT_SLOT_CARRY].range;
    return step->push.flags & VT_FLAG_CARRY_OUT ? NULL : end_chain(w);
}

static const char *check_whole(const walk *w) {
    const vt_program *program = &w->c->program;
    MUST(!w->in_chain);
    MUST(w->batch == w->c->problem.batch && w->head == 0 && w->q == 0);
    MUST(program->carries == w->carries);
    MUST(program->workspace_bytes == w->workspace);
    MUST(program->largest_macs == w->largest_macs);
    MUST(program->step_count <= VT_STEPS_MAX);
    MUST(program->variant_count == (w->c->problem.extra_len ? 2u : 1u));
    return NULL;
}

static const char *explain(uint64_t step, const char *broken) {
    snprintf(text, sizeof text, "step %llu: %s", (unsigned long long)step, broken);
    return text;
}

const char *program_broken(const program_case *c, uint64_t random) {
    const vt_problem *p = &c->problem;
    walk w = {.c = c,
              .random = {.state = random},
              .plane = 1,
              .q_units = p->q_len,
              .k_plane = 1,
              .k_units = p->kv_len};
    if (p->map == VT_MAP_NEIGHBORHOOD) {
        w.plane = w.k_plane = p->axis[1].extent * p->axis[2].extent;
        w.q_units = w.k_units = p->axis[0].extent;
    }
    if (p->list.q_boxed) {
        w.plane = p->list.extent[1] * p->list.extent[2];
        w.q_units = p->q_len / w.plane;
    }
    if (p->list.kv_boxed) {
        w.k_plane = p->list.extent[1] * p->list.extent[2];
        w.k_units = p->list.extent[0];
    }
    for (uint32_t i = 0; i < c->program.variant_count; ++i) {
        const char *broken = check_variant(&w, i);
        if (broken)
            return broken;
    }
    for (uint64_t i = 0; i < c->program.step_count; ++i) {
        const char *broken = check_step(&w, &c->program.steps[i]);
        if (!broken)
            broken = check_barrier(&w, i);
        if (broken)
            return explain(i, broken);
    }
    return check_whole(&w);
}
