/* SPDX-License-Identifier: MIT */
#include "plan.h"

#include "alloc.h"
#include "mass_rules.h"
#include "ops.h"
#include "repack.h"
#include "rules_cut.h"
#include "sizes.h"
#include "sparse.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint64_t least_bytes(const vt_problem *p) {
    uint64_t tokens_q = p->batch * p->heads * p->q_len;
    uint64_t tokens_kv = p->batch * p->kv_heads * (p->kv_len + p->extra_len);
    uint64_t row_kv = (uint64_t)vt_kv_row(p, p->dim) + vt_kv_row(p, p->value_dim);
    uint64_t queries = vt_saturating_mul(tokens_q, (uint64_t)p->q_dim + p->value_dim);
    uint64_t keys = vt_saturating_mul(tokens_kv, vt_saturating_mul(row_kv, vt_kv_element(p)));
    return vt_saturating_mul(queries, p->element_bytes) + keys + vt_lse_bytes(p) + p->bias_bytes +
           p->list.words.elements * sizeof(uint32_t);
}

/* Of dense plans; 1 where the kernel has no rules. */
static uint32_t rule_of(const vt_problem *p, const vt_program *program, uint32_t spec) {
    return p->rules.used ? program->variants[program->main_variant].spec[spec] : 1;
}

static void fill_info(const vt_problem *p, const vt_caps *caps, const vt_tile *tile,
                      const vt_program *program, vatten_plan_info *info) {
    snprintf(info->kernel, sizeof info->kernel, "%s",
             vt_kernels[program->variants[program->main_variant].kernel].name);
    info->tile = (vatten_tile){tile->layout, tile->workgroup, tile->rows, tile->keys, tile->lanes_per_row};
    info->dispatches = (uint32_t)program->step_count;
    info->pipelines = program->variant_count;
    info->q_bytes = vt_tensor_bytes(p, &p->q);
    info->k_bytes = vt_kv_bytes(p, &p->k);
    info->v_bytes = vt_kv_bytes(p, &p->v);
    info->out_bytes = vt_tensor_bytes(p, &p->out);
    info->lse_bytes = vt_lse_bytes(p);
    info->extra_k_bytes = vt_kv_bytes(p, &p->extra_k);
    info->extra_v_bytes = vt_kv_bytes(p, &p->extra_v);
    info->bias_bytes = p->bias_bytes;
    info->tables_bytes = p->rules.tables.bytes;
    info->state_bytes = p->rules.carry ? vt_rules_caller_state(p) : 0;
    info->splits = p->map == VT_MAP_DENSE ? rule_of(p, program, VT_SPEC_SPLITS) : 0;
    info->tile_heads = p->map == VT_MAP_DENSE ? rule_of(p, program, VT_SPEC_TILE_HEADS) : 0;
    info->lists_bytes = p->list.words.elements * sizeof(uint32_t);
    info->workspace_bytes = program->workspace_bytes;
    info->offset_alignment = caps->storage_alignment;
    info->pairs = p->pairs / p->heads;
    uint64_t macs = vt_saturating_mul(p->pairs, p->dim + p->value_dim);
    info->flops = vt_saturating_mul(vt_saturating_mul(macs, p->batch), 2);
    info->bytes = least_bytes(p);
    info->max_macs = p->max_macs;
    info->largest_macs = program->largest_macs;
    info->max_moves = p->max_moves;
    info->largest_moves = program->largest_moves;
    info->shared_bytes = tile->shared_bytes;
    for (uint32_t a = 0; a < 3 && p->map == VT_MAP_NEIGHBORHOOD; ++a)
        info->box[a] = program->variants[program->main_variant].spec[VT_SPEC_BOX + a];
}

/* Of row `row`; an asked layout alone still leaves the tile to it. */
static void fill_reason(const vt_caps *caps, const vatten_tile *ask, uint32_t row, vatten_plan_info *info) {
    bool asked = ask->workgroup || ask->rows || ask->keys || ask->lanes_per_row;
    snprintf(info->tile_reason, sizeof info->tile_reason, "%s",
             asked ? "as asked for" : vt_tune_row_at(caps, row)->reason);
}

vatten_result vt_plan_compile(vatten_plan *plan, bool *out_refused) {
    for (uint32_t i = 0; i < plan->program.variant_count; ++i) {
        const vt_variant *variant = &plan->program.variants[i];
        vatten_result result = vt_pipeline_get(plan->device, variant, &plan->pipelines[i], out_refused);
        if (result != VATTEN_SUCCESS)
            return result;
    }
    return VATTEN_SUCCESS;
}

bool vt_plan_asked(const vatten_device *device, const void *desc, vatten_plan **out_plan) {
    if (out_plan)
        *out_plan = NULL;
    return device && desc && out_plan;
}

vatten_result vt_plan_build(vatten_device *device, vt_builder append, const void *input, vatten_plan **out) {
    vt_program counted = {0};
    vatten_result result = append(input, &counted);
    if (result != VATTEN_SUCCESS)
        return result;
    vatten_plan *plan =
        vt_alloc(&device->allocator, sizeof *plan + (size_t)counted.step_count * sizeof(vt_step));
    if (!plan)
        return VATTEN_ERROR_OUT_OF_HOST_MEMORY;
    plan->device = device;
    plan->program.carries = counted.carries;
    plan->program.steps = (vt_step *)(plan + 1);
    result = append(input, &plan->program);
    if (result != VATTEN_SUCCESS) {
        vt_release(&device->allocator, plan);
        return result;
    }
    *out = plan;
    return VATTEN_SUCCESS;
}

typedef struct attend_input {
    vt_op op; /* NULL: a sparse plan */
    const vt_sparse *sparse;
    vt_op_input op_input;
} attend_input;

static vatten_result append_attention(const void *input, vt_program *program) {
    const attend_input *in = input;
    if (!in->op)
        return vt_sparse_steps(in->sparse, &in->op_input, program);
    return in->op_input.tile->repacks ? vt_repack_steps(in->op, &in->op_input, program)
                                      : in->op(&in->op_input, program);
}

static vatten_result build_attention(vatten_device *device, const attend_input *in, vatten_plan **out) {
    const vt_problem *p = in->op_input.problem;
    vatten_result result = vt_plan_build(device, append_attention, in, out);
    if (result != VATTEN_SUCCESS)
        return result;
    vatten_plan *plan = *out;
    memcpy(plan->label, p->label, sizeof plan->label);
    plan->dense = p->map == VT_MAP_DENSE;
    plan->packed = vt_rules_packed(&p->rules);
    plan->q_len = p->q_len;
    plan->kv_len = p->kv_len;
    fill_info(p, &device->caps, in->op_input.tile, &plan->program, &plan->info);
    if (in->sparse) { /* lists are the plan's own */
        plan->info.lists_bytes = 0;
        plan->info.execution = vt_sparse_takes(in->sparse, &in->op_input);
    }
    return VATTEN_SUCCESS;
}

/* Tries the tuning table's rows in turn: a pipeline that a driver refuses to compile means the next row,
 * never a failed plan while there is another. */
static vatten_result create(vatten_device *device, const vt_problem *problem, vt_op op,
                            const vt_sparse *sparse, vatten_plan **out) {
    vt_tile tile;
    uint32_t row = 0;
    for (uint32_t refused_tiles = 0;; ++refused_tiles) {
        vatten_plan *plan = NULL;
        bool refused = false;
        vatten_result result = vt_tune(&device->caps, &device->logger, problem, &row, &tile);
        const attend_input input = {op, sparse, {&device->caps, &device->logger, problem, &tile}};
        if (result == VATTEN_SUCCESS)
            result = build_attention(device, &input, &plan);
        if (result == VATTEN_SUCCESS)
            result = vt_plan_compile(plan, &refused);
        if (result == VATTEN_SUCCESS) {
            plan->info.refused_tiles = refused_tiles;
            fill_reason(&device->caps, &problem->tile, row, &plan->info);
            *out = plan;
            return VATTEN_SUCCESS;
        }
        vt_release(&device->allocator, plan);
        if (!refused)
            return result;
        vt_log(&device->logger, VATTEN_LOG_WARN, problem->label, "%s refused a kernel, trying the next tile",
               device->caps.name);
        ++row;
    }
}

vatten_result vatten_attention_create(vatten_device *device, const vatten_attention_desc *desc,
                                      vatten_plan **out_plan) {
    if (!vt_plan_asked(device, desc, out_plan))
        return VATTEN_ERROR_INVALID_ARGUMENT;
    vt_problem problem;
    vatten_result result = vt_problem_from_attention(&device->caps, &device->logger, desc, &problem);
    return result == VATTEN_SUCCESS
               ? create(device, &problem, problem.rules.used ? vt_op_rules : vt_op_attention, NULL, out_plan)
               : result;
}

static void fill_mass_info(const vt_mass *m, vatten_plan_info *info) {
    const vt_problem *p = &m->problem;
    uint64_t input = m->input.elements * sizeof(float);
    info->v_bytes = 0;
    info->out_bytes = m->out.elements * sizeof(float);
    info->weights_bytes = m->columns ? input : 0;
    info->lists_bytes = m->columns ? 0 : input;
    info->flops = vt_saturating_mul(vt_saturating_mul(p->pairs, 2 * p->batch), p->dim);
    info->bytes =
        info->q_bytes + info->k_bytes + info->lse_bytes + input + info->out_bytes + info->bias_bytes;
}

vatten_result vatten_mass_create(vatten_device *device, const vatten_mass_desc *desc,
                                 vatten_plan **out_plan) {
    if (!vt_plan_asked(device, desc, out_plan))
        return VATTEN_ERROR_INVALID_ARGUMENT;
    vt_mass mass;
    vatten_result result = vt_mass_from(&device->caps, &device->logger, desc, &mass);
    if (result == VATTEN_SUCCESS)
        result = create(device, &mass.problem, vt_op_mass, NULL, out_plan);
    if (result == VATTEN_SUCCESS)
        fill_mass_info(&mass, &(*out_plan)->info);
    return result;
}

vatten_result vatten_neighborhood_create(vatten_device *device, const vatten_neighborhood_desc *desc,
                                         vatten_plan **out_plan) {
    if (!vt_plan_asked(device, desc, out_plan))
        return VATTEN_ERROR_INVALID_ARGUMENT;
    vt_problem problem;
    vatten_result result = vt_problem_from_neighborhood(&device->caps, &device->logger, desc, &problem);
    return result == VATTEN_SUCCESS ? create(device, &problem, vt_op_neighborhood, NULL, out_plan) : result;
}

vatten_result vatten_lists_create(vatten_device *device, const vatten_lists_desc *desc,
                                  vatten_plan **out_plan) {
    if (!vt_plan_asked(device, desc, out_plan))
        return VATTEN_ERROR_INVALID_ARGUMENT;
    vt_problem problem;
    vatten_result result = vt_problem_from_lists(&device->caps, &device->logger, desc, &problem);
    return result == VATTEN_SUCCESS ? create(device, &problem, vt_op_lists, NULL, out_plan) : result;
}

vatten_result vatten_sparse_create(vatten_device *device, const vatten_sparse_desc *desc,
                                   vatten_plan **out_plan) {
    if (!vt_plan_asked(device, desc, out_plan))
        return VATTEN_ERROR_INVALID_ARGUMENT;
    vt_sparse sparse;
    vatten_result result = vt_sparse_from(&device->caps, &device->logger, desc, &sparse);
    return result == VATTEN_SUCCESS ? create(device, &sparse.lists, NULL, &sparse, out_plan) : result;
}

void vatten_plan_get_info(const vatten_plan *plan, vatten_plan_info *out_info) {
    if (plan && out_info)
        *out_info = plan->info;
}

void vatten_plan_destroy(vatten_plan *plan) {
    if (plan)
        vt_release(&plan->device->allocator, plan);
}

uint64_t vt_plan_bytes(const vatten_plan *plan, vt_role role) {
    const vatten_plan_info *info = &plan->info;
    const uint64_t bytes[VT_ROLE_COUNT] = {
        info->q_bytes,     info->k_bytes,       info->v_bytes,       info->out_bytes,
        info->lse_bytes,   info->extra_k_bytes, info->extra_v_bytes, info->workspace_bytes,
        info->bias_bytes,  info->lists_bytes,   info->counts_bytes,  info->tables_bytes,
        info->state_bytes, info->cache_k_bytes, info->cache_v_bytes, info->weights_bytes};
    return bytes[role];
}
