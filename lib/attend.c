/* SPDX-License-Identifier: MIT */
#include "attend.h"

#include "log.h"
#include "sizes.h"

#include <inttypes.h>
#include <string.h>

static const double log2_e = 1.4426950408889634;

/* One part of the partition and what all its steps share. */
typedef struct part {
    const vt_attend_input *in;
    const uint32_t *variant; /* of the operator's kernel, of the dense one */
    uint64_t batch, heads;   /* first */
    uint64_t batch_count, head_count;
    uint64_t q_first, q_end; /* units */
} part;

/* One link of a part's chain: a range of one source of keys. */
typedef struct link {
    const vt_geometry *geometry;
    bool extra;
    uint64_t k_first, k_end;
    bool first, last; /* of the chain */
} link;

static bool moves_by(const vt_problem *p, uint32_t elements) {
    bool extra =
        p->extra_len == 0 || (vt_tensor_by(&p->extra_k, elements) && vt_tensor_by(&p->extra_v, elements));
    bool queries = p->weights || vt_tensor_by(&p->q, elements); /* weights are read one by one */
    return p->dim % elements == 0 && p->value_dim % elements == 0 && queries &&
           vt_tensor_by(&p->k, elements) && vt_tensor_by(&p->v, elements) &&
           vt_tensor_by(&p->out, elements) && extra;
}

/* Tensor layouts take strides that are no less than a row is long. */
static bool rows_apart(const vt_problem *p) {
    bool extra = p->extra_len == 0 || (p->extra_k.token >= p->dim && p->extra_v.token >= p->value_dim);
    return p->k.token >= p->dim && p->v.token >= p->value_dim && extra;
}

/* STREAM's words are of 16 bytes, whatever the type: a CPU pays for each load, however wide. The tensors of
 * MATRIX_WORKGROUP begin at multiples of 16 bytes. */
static uint32_t vector_of(const vt_problem *p, const vt_tile *tile) {
    bool tensors = tile->layout == VATTEN_LAYOUT_MATRIX_WORKGROUP && rows_apart(p);
    bool wide = (tile->layout == VATTEN_LAYOUT_STREAM || tensors) && p->element_bytes == 2 && !p->kv_bytes;
    if (wide && moves_by(p, 8))
        return VT_VECTOR_EIGHT;
    return moves_by(p, 4) ? VT_VECTOR_FOUR : VT_VECTOR_NONE;
}

void vt_attend_spec(const vt_problem *problem, const vt_tile *tile, uint32_t spec[VT_SPEC_COUNT]) {
    memset(spec, 0, VT_SPEC_COUNT * sizeof spec[0]);
    spec[VT_SPEC_WORKGROUP] = tile->workgroup;
    spec[VT_SPEC_ROWS] = tile->rows;
    spec[VT_SPEC_KEYS] = tile->keys;
    spec[VT_SPEC_LANES_PER_ROW] = tile->lanes_per_row;
    spec[VT_SPEC_DIM] = problem->weights ? tile->dim_pad : problem->dim;
    spec[VT_SPEC_VALUE_DIM] = problem->value_dim;
    spec[VT_SPEC_DIM_PAD] = tile->dim_pad;
    spec[VT_SPEC_VALUE_PAD] = tile->value_pad;
    spec[VT_SPEC_DIM_CHUNK] = tile->dim_chunk;
    spec[VT_SPEC_VECTOR] = vector_of(problem, tile);
    for (uint32_t i = VT_SPEC_WINDOW; i < VT_SPEC_SUBGROUP; ++i)
        spec[i] = 1;
    spec[VT_SPEC_SUBGROUP] = tile->subgroup;
    spec[VT_SPEC_MATRIX] = tile->matrix.m;
    spec[VT_SPEC_MATRIX + 1] = tile->matrix.n;
    spec[VT_SPEC_MATRIX + 2] = tile->matrix.k;
    spec[VT_SPEC_HOLD] = tile->hold;
    spec[VT_SPEC_STAGE_WORDS] = vt_tile_stage_words(tile);
}

uint32_t vt_attend_diagonal_mask(const vt_problem *p) {
    return (p->causal ? VT_MASK_CAUSAL : 0) | (p->left != VATTEN_UNLIMITED ? VT_MASK_LEFT : 0) |
           (p->right != VATTEN_UNLIMITED ? VT_MASK_RIGHT : 0) | (p->align_first ? VT_MASK_ALIGN_FIRST : 0);
}

float vt_attend_scale(const vt_problem *p) {
    return (float)(p->scale * log2_e);
}

uint32_t vt_attend_box_spec(const vt_problem *p, uint32_t spec[VT_SPEC_COUNT]) {
    const vt_list_rule *list = &p->list;
    bool boxed = list->q_boxed || list->kv_boxed;
    for (uint32_t a = 0; a < 2; ++a) {
        spec[VT_SPEC_LIST_EXTENT + a] = boxed ? (uint32_t)list->extent[a + 1] : 1;
        spec[VT_SPEC_LIST_Q_BOX + a] = list->q_boxed ? list->q_box[a + 1] : 1;
        spec[VT_SPEC_LIST_KV_BOX + a] = list->kv_boxed ? list->kv_box[a + 1] : 1;
    }
    return (list->q_boxed ? VT_MASK_Q_BOXES : 0) | (list->kv_boxed ? VT_MASK_KV_BOXES : 0);
}

/* Binds the elements [start, end) of a tensor and returns where `start` lies in the bound range, in elements:
 * ranges begin at multiples of the device's offset alignment. */
static uint64_t bind(const part *p, vt_step *step, uint32_t slot, vt_role role, uint64_t start, uint64_t end,
                     uint32_t element_bytes) {
    return vt_step_bind(step, slot, role, start, end, element_bytes, p->in->part.caps->storage_alignment);
}

/* Binds a slab, and returns the base from which shaders index it. They index by the tensor's own token numbers, so the base
 * steps back over the tokens before the slab; the sum comes out right because 32-bit unsigned arithmetic wraps. */
static uint32_t bind_slab(const part *p, vt_step *step, uint32_t slot, vt_role role, const vt_tensor *t,
                          const vt_slab *s, uint32_t dim, uint32_t element_bytes) {
    uint64_t at =
        vt_step_bind_slab(step, slot, role, t, s, dim, element_bytes, p->in->part.caps->storage_alignment);
    return (uint32_t)(at - s->token[0] * t->token);
}

static void bind_queries(const part *p, vt_step *step) {
    const vt_problem *problem = p->in->part.problem;
    uint64_t plane = p->in->part.keys.q_plane;
    const vt_slab s = {{p->batch, p->batch + p->batch_count},
                       {p->heads, p->heads + p->head_count},
                       {p->q_first * plane, p->q_end * plane}};
    const vt_tensor *q = &problem->q;
    const vt_tensor *out = &problem->out;
    uint32_t bytes = problem->element_bytes;
    step->push.q_base = bind_slab(p, step, VT_SLOT_Q, VT_ROLE_Q, q, &s, problem->q_dim, bytes);
    step->push.out_base = bind_slab(p, step, VT_SLOT_OUT, VT_ROLE_OUT, out, &s, problem->value_dim, bytes);
    step->push.q_batch = (uint32_t)q->batch;
    step->push.q_head = (uint32_t)q->head;
    step->push.q_token = (uint32_t)q->token;
    step->push.out_batch = (uint32_t)out->batch;
    step->push.out_head = (uint32_t)out->head;
    step->push.out_token = (uint32_t)out->token;
}

static void bind_keys(const part *p, const link *l, vt_step *step) {
    const vt_problem *problem = p->in->part.problem;
    uint64_t group = problem->heads / problem->kv_heads;
    uint64_t plane = l->geometry->k_plane;
    bool listed = l->geometry->listed_keys;
    const vt_slab s = {{p->batch, p->batch + p->batch_count},
                       {p->heads / group, (p->heads + p->head_count - 1) / group + 1},
                       {listed ? 0 : l->k_first * plane, listed ? problem->kv_len : l->k_end * plane}};
    const vt_tensor *k = l->geometry->k;
    const vt_tensor *v = l->geometry->v;
    vt_role k_role = l->extra ? VT_ROLE_EXTRA_K : VT_ROLE_K;
    vt_role v_role = l->extra ? VT_ROLE_EXTRA_V : VT_ROLE_V;
    uint32_t bytes = vt_kv_element(problem);
    step->push.v_base = bind_slab(p, step, VT_SLOT_V, v_role, v, &s, problem->value_dim, bytes);
    if (problem->weights) /* there is no k, but a declared slot must hold a buffer */
        step->binding[VT_SLOT_K] = step->binding[VT_SLOT_V];
    else
        step->push.k_base = bind_slab(p, step, VT_SLOT_K, k_role, k, &s, problem->dim, bytes);
    step->push.k_batch = (uint32_t)k->batch;
    step->push.k_head = (uint32_t)k->head;
    step->push.k_token = (uint32_t)k->token;
    step->push.v_batch = (uint32_t)v->batch;
    step->push.v_head = (uint32_t)v->head;
    step->push.v_token = (uint32_t)v->token;
    step->push.group = (uint32_t)group;
}

/* Slots of a full kernel, after those of the queries. One that this step does not use is bound to the output. */
static void bind_state(const part *p, const link *l, vt_step *step) {
    const vt_partition_input *in = &p->in->part;
    const vt_problem *problem = in->problem;
    const vt_part_size size = {p->batch_count, p->head_count, p->q_end - p->q_first, 0, 0};
    uint64_t first = p->q_first * in->keys.q_plane;
    uint64_t start = (p->batch * problem->heads + p->heads) * problem->q_len + first;
    uint64_t last_slice = (p->batch + p->batch_count - 1) * problem->heads + p->heads + p->head_count - 1;
    bool carries = !(l->first && l->last);
    step->binding[VT_SLOT_LSE] = step->binding[VT_SLOT_CARRY] = step->binding[VT_SLOT_OUT];
    if (carries)
        step->binding[VT_SLOT_CARRY] = (vt_binding){VT_ROLE_WORKSPACE, 0, vt_part_carry_bytes(in, &size)};
    if (problem->write_lse) {
        uint64_t at = bind(p, step, VT_SLOT_LSE, VT_ROLE_LSE, start,
                           last_slice * problem->q_len + p->q_end * in->keys.q_plane, sizeof(float));
        step->push.lse_base = (uint32_t)(at - first);
    }
    step->push.lse_head = (uint32_t)problem->q_len;
    step->push.lse_batch = (uint32_t)(problem->q_len * problem->heads);
    step->push.flags = (problem->write_lse ? VT_FLAG_LSE : 0) | (l->first ? 0 : VT_FLAG_CARRY_IN) |
                       (l->last ? 0 : VT_FLAG_CARRY_OUT);
}

/* All lists that the part's queries go by; those of ranges are all bound. Returns where the first one lies. */
static uint32_t bind_lists(const part *p, vt_step *step) {
    const vt_list_rule *list = &p->in->part.problem->list;
    const vt_tensor *t = &list->words;
    bool ranges = list->kind == VATTEN_LIST_RANGES;
    uint64_t first = ranges ? 0 : p->q_first / list->row_units * list->row_lists;
    uint64_t end = ranges ? list->rows : ((p->q_end - 1) / list->row_units + 1) * list->row_lists;
    const vt_slab s = {{p->batch, p->batch + p->batch_count},
                       {p->heads / list->group, (p->heads + p->head_count - 1) / list->group + 1},
                       {first, end}};
    return (uint32_t)vt_step_bind_slab(step, VT_SLOT_LISTS, VT_ROLE_LISTS, t, &s, list->row_words,
                                       sizeof(uint32_t), p->in->part.caps->storage_alignment);
}

/* The biases of the part's queries and the link's keys. Returns where the first one lies. */
static uint32_t bind_bias(const part *p, const link *l, vt_step *step) {
    const vt_problem *problem = p->in->part.problem;
    const vt_list_rule *list = &problem->list;
    const vt_tensor *t = &list->bias;
    uint64_t q_plane = p->in->part.keys.q_plane, k_plane = l->geometry->k_plane;
    bool all = l->geometry->listed_keys;
    uint64_t k_first = all ? 0 : l->k_first * k_plane, k_end = all ? problem->kv_len : l->k_end * k_plane;
    uint64_t start = vt_tensor_at(t, p->batch, p->heads / list->bias_group, p->q_first * q_plane) + k_first;
    uint64_t end = vt_tensor_at(t, p->batch + p->batch_count - 1,
                                (p->heads + p->head_count - 1) / list->bias_group, p->q_end * q_plane - 1) +
                   k_end;
    step->push.lse_batch = (uint32_t)t->token;
    step->push.lse_head = (uint32_t)t->head;
    return (uint32_t)bind(p, step, VT_SLOT_LIST_BIAS, VT_ROLE_BIAS, start, end, sizeof(float));
}

/* The units in which push constants count: extra keys are a dense problem over the tokens of the part. */
static void fill_ranges(const part *p, const link *l, vt_step *step) {
    const vt_partition_input *in = &p->in->part;
    uint64_t plane = l->extra ? in->keys.q_plane : 1;
    step->push.q_len = (uint32_t)(in->keys.q_units * plane);
    step->push.kv_len = (uint32_t)(l->geometry->listed_keys ? in->problem->kv_len : l->geometry->k_units);
    step->push.q_first = (uint32_t)(p->q_first * plane);
    step->push.q_last = (uint32_t)(p->q_end * plane);
    step->push.k_first = (uint32_t)l->k_first;
    step->push.k_last = (uint32_t)l->k_end;
    step->push.scale_log2 = vt_attend_scale(in->problem);
    step->push.head_first = (uint32_t)p->heads;
    if (l->extra)
        return;
    step->push.map0 = p->in->map_push[0];
    step->push.map1 = p->in->map_push[1];
    step->push.map2 = p->in->map_push[2];
}

/* What the kernel of a map must have; whether state is carried is known for sure when all steps are. */
static vt_io needed_io(const vt_problem *problem, const vt_program *program, vt_map map) {
    if (map == VT_MAP_LISTS)
        return problem->list.biased ? VT_IO_LISTS_BIAS : VT_IO_LISTS;
    if (problem->bias_bytes && map == problem->map)
        return VT_IO_BIAS;
    return program->carries || problem->write_lse ? VT_IO_FULL : VT_IO_PLAIN;
}

static void add_step(const part *p, const link *l, vt_program *program) {
    const vt_partition_input *in = &p->in->part;
    const vt_part_size size = {p->batch_count, p->head_count, p->q_end - p->q_first, 0, 0};
    bool dense = l->extra || in->problem->map == VT_MAP_DENSE;
    vt_io io = needed_io(in->problem, program, dense ? VT_MAP_DENSE : in->problem->map);
    uint64_t tokens = (p->q_end - p->q_first) * in->keys.q_plane;
    vt_step step = {.variant = p->variant[l->extra ? 1 : 0],
                    .binding_count = vt_io_slots(io),
                    .written =
                        1u << VT_SLOT_OUT | (io >= VT_IO_FULL ? 1u << VT_SLOT_LSE | 1u << VT_SLOT_CARRY : 0)};
    fill_ranges(p, l, &step);
    bind_queries(p, &step);
    bind_keys(p, l, &step);
    if (io >= VT_IO_FULL)
        bind_state(p, l, &step);
    if (io == VT_IO_BIAS) /* the whole table: its rows are short */
        step.binding[VT_SLOT_BIAS] = (vt_binding){VT_ROLE_BIAS, 0, in->problem->bias_bytes};
    if (io >= VT_IO_LISTS)
        step.push.map2 = bind_lists(p, &step);
    if (io == VT_IO_LISTS_BIAS) /* both begin within an alignment, which is 256 bytes at most */
        step.push.map2 |= bind_bias(p, l, &step) << 16;
    uint64_t tiles = dense ? vt_ceil_div(tokens, in->tile->rows) : vt_part_tiles(l->geometry, size.q);
    step.groups[0] = (uint32_t)tiles;
    step.groups[1] = (uint32_t)p->head_count;
    step.groups[2] = (uint32_t)p->batch_count;
    step.rows = in->problem->map == VT_MAP_DENSE ? in->tile->rows : 0;
    step.dense_keys = in->problem->map == VT_MAP_DENSE;
    /* Even the first link: an earlier record may still be reading its state in the same workspace. */
    step.barrier_before = program->carries && !(l->first && l->last);
    step.macs = vt_part_macs(in, l->geometry, &size, l->k_end - l->k_first);
    vt_program_add(program, &step);
}

static void add_chain(const part *p, const vt_part_size *size, vt_program *program) {
    const vt_attend_input *in = p->in;
    uint64_t first;
    uint64_t end;
    in->needed_keys(in->part.problem, p->q_first, p->q_end, &first, &end);
    uint64_t extra_len = in->part.problem->extra_len;
    bool alone = extra_len == 0 && end - first <= size->k;
    program->carries = program->carries || !alone;
    if (!alone) {
        const vt_part_size whole = {p->batch_count, p->head_count, p->q_end - p->q_first, 0, 0};
        program->workspace_bytes = vt_max(program->workspace_bytes, vt_part_carry_bytes(&in->part, &whole));
    }
    for (uint64_t k = 0; k < extra_len && vt_program_has_room(program); k += size->extra) {
        link l = {&in->part.extra, true, k, vt_min(k + size->extra, extra_len), k == 0, false};
        add_step(p, &l, program);
    }
    for (uint64_t k = first; k < end && vt_program_has_room(program); k += size->k) {
        uint64_t k_end = vt_min(k + size->k, end);
        link l = {&in->part.keys, false, k, k_end, extra_len == 0 && k == first, k_end == end};
        add_step(p, &l, program);
    }
}

/* A part smaller than a grain stays inside one. */
static uint64_t part_end(const vt_geometry *keys, uint64_t q, uint64_t size) {
    uint64_t end = vt_min(q + size, keys->q_units);
    return size < keys->q_grain ? vt_min(end, vt_round_down(q, keys->q_grain) + keys->q_grain) : end;
}

static void add_parts(const vt_attend_input *in, const vt_part_size *size, const uint32_t variant[2],
                      vt_program *program) {
    const vt_problem *problem = in->part.problem;
    uint64_t q_end;
    for (uint64_t b = 0; b < problem->batch; b += size->batch)
        for (uint64_t h = 0; h < in->part.heads; h += size->heads)
            for (uint64_t q = 0; q < in->part.keys.q_units; q = q_end) {
                q_end = part_end(&in->part.keys, q, size->q);
                const part p = {in,
                                variant,
                                b,
                                in->part.head_first + h,
                                vt_min(size->batch, problem->batch - b),
                                vt_min(size->heads, in->part.heads - h),
                                q,
                                q_end};
                add_chain(&p, size, program);
                if (!vt_program_has_room(program))
                    return;
            }
}

static vatten_result check_program(const vt_attend_input *in, const vt_program *program) {
    const vt_problem *problem = in->part.problem;
    const vt_caps *caps = in->part.caps;
    if (!vt_program_has_room(program)) {
        vt_log(in->part.logger, VATTEN_LOG_ERROR, problem->label,
               "max_macs %" PRIu64 " would need more than %u dispatches: raise it", problem->max_macs,
               VT_STEPS_MAX);
        return VATTEN_ERROR_UNSUPPORTED;
    }
    vt_io io = needed_io(problem, program, problem->map);
    if (caps->storage_buffers < vt_io_slots(io)) {
        vt_log(in->part.logger, VATTEN_LOG_ERROR, problem->label,
               "%s needs %" PRIu32 " storage buffers per stage, %s has %" PRIu32,
               io == VT_IO_LISTS_BIAS ? "a plan by lists with a bias"
               : io == VT_IO_LISTS    ? "a plan by lists"
               : problem->bias_bytes  ? "a bias"
               : problem->write_lse   ? "write_lse"
                                      : "a plan that splits its keys",
               vt_io_slots(io), caps->name, caps->storage_buffers);
        return VATTEN_ERROR_UNSUPPORTED;
    }
    return VATTEN_SUCCESS;
}

/* The program's variant with this map and these constants, added if it is new. */
static bool find_variant(const vt_attend_input *in, vt_map map, const uint32_t spec[VT_SPEC_COUNT],
                         vt_program *program, uint32_t *out) {
    vt_variant *variant = program->variants;
    for (uint32_t i = 0; i < program->variant_count; ++i, ++variant)
        if (vt_kernels[variant->kernel].task == VT_TASK_ATTEND && vt_kernels[variant->kernel].map == map &&
            memcmp(variant->spec, spec, sizeof variant->spec) == 0) {
            *out = i;
            return true;
        }
    if (program->variant_count == program->main_variant + VT_RULES_MAX + (in->part.problem->extra_len != 0))
        return false;
    variant->kernel = vt_kernel_find(map, in->part.problem->dtype, in->part.tile->layout,
                                     needed_io(in->part.problem, program, map), in->part.problem->kv_wide);
    memcpy(variant->spec, spec, sizeof variant->spec);
    *out = program->variant_count++;
    return true;
}

/* The operator's kernel, and the dense one that reads extra keys. */
static vatten_result find_variants(const vt_attend_input *in, vt_program *program, uint32_t variant[2]) {
    const vt_problem *p = in->part.problem;
    uint32_t dense[VT_SPEC_COUNT];
    vt_attend_spec(p, in->part.tile, dense);
    if (find_variant(in, p->map, in->spec, program, &variant[0]) &&
        (p->extra_len == 0 || find_variant(in, VT_MAP_DENSE, dense, program, &variant[1])))
        return VATTEN_SUCCESS;
    vt_log(in->part.logger, VATTEN_LOG_ERROR, p->label, "heads have more than %u different rules",
           VT_RULES_MAX);
    return VATTEN_ERROR_UNSUPPORTED;
}

static void settle_kernels(const vt_attend_input *in, vt_program *program) {
    const vt_problem *p = in->part.problem;
    for (uint32_t i = 0; i < program->variant_count; ++i) {
        uint32_t *kernel = &program->variants[i].kernel;
        if (vt_kernels[*kernel].task != VT_TASK_ATTEND)
            continue;
        vt_map map = vt_kernels[*kernel].map;
        *kernel =
            vt_kernel_find(map, p->dtype, in->part.tile->layout, needed_io(p, program, map), p->kv_wide);
    }
}

vatten_result vt_attend(const vt_attend_input *input, vt_program *program) {
    vt_part_size size;
    uint32_t variant[2] = {0, 0};
    vatten_result result = vt_partition(&input->part, &size);
    if (result == VATTEN_SUCCESS)
        result = find_variants(input, program, variant);
    if (result != VATTEN_SUCCESS)
        return result;
    program->carries = program->carries || input->part.problem->extra_len > 0;
    add_parts(input, &size, variant, program);
    settle_kernels(input, program);
    return check_program(input, program);
}
