/* SPDX-License-Identifier: MIT
 *
 * Plans of the tasks that are not attention: no tile is chosen for them.
 */
#include "alloc.h"
#include "plan.h"
#include "pool.h"
#include "select.h"
#include "sizes.h"

#include <stdio.h>
#include <string.h>

/* A plan whose steps no tile was chosen for. */
static vatten_result create_plain(vatten_device *device, vt_builder append, const void *input,
                                  vatten_plan **out) {
    bool refused;
    vatten_plan *plan = NULL;
    vatten_result result = vt_plan_build(device, append, input, &plan);
    if (result == VATTEN_SUCCESS)
        result = vt_plan_compile(plan, &refused);
    if (result != VATTEN_SUCCESS) {
        vt_release(&device->allocator, plan);
        return result;
    }
    *out = plan;
    return VATTEN_SUCCESS;
}

static vatten_result append_pool(const void *input, vt_program *program) {
    return vt_pool_steps(input, program);
}

static void fill_pool_info(const vt_pool *pool, vatten_plan *plan) {
    const vt_problem *p = &pool->problem;
    vatten_plan_info *info = &plan->info;
    memcpy(plan->label, p->label, sizeof plan->label);
    snprintf(info->kernel, sizeof info->kernel, "%s", vt_kernels[plan->program.variants[0].kernel].name);
    info->dispatches = (uint32_t)plan->program.step_count;
    info->pipelines = plan->program.variant_count;
    info->k_bytes = vt_tensor_bytes(p, &pool->x);
    info->out_bytes = pool->out.elements * pool->out_element;
    info->offset_alignment = pool->caps->storage_alignment;
    uint64_t elements = p->batch * p->heads * p->kv_len * p->dim;
    info->flops = elements;
    info->bytes = vt_saturating_mul(elements, p->element_bytes) + info->out_bytes;
}

vatten_result vatten_pool_create(vatten_device *device, const vatten_pool_desc *desc,
                                 vatten_plan **out_plan) {
    if (out_plan)
        *out_plan = NULL;
    if (!device || !desc || !out_plan)
        return VATTEN_ERROR_INVALID_ARGUMENT;
    vt_pool pool;
    vatten_result result = vt_pool_from(&device->caps, &device->logger, desc, &pool);
    if (result == VATTEN_SUCCESS)
        result = create_plain(device, append_pool, &pool, out_plan);
    if (result == VATTEN_SUCCESS)
        fill_pool_info(&pool, *out_plan);
    return result;
}

static vatten_result append_select(const void *input, vt_program *program) {
    return vt_select_steps(input, program);
}

static void fill_select_info(const vt_select *s, vatten_plan *plan) {
    const vatten_select_desc *d = &s->desc;
    vatten_plan_info *info = &plan->info;
    memcpy(plan->label, s->problem.label, sizeof plan->label);
    snprintf(info->kernel, sizeof info->kernel, "%s", vt_kernels[plan->program.variants[0].kernel].name);
    info->dispatches = (uint32_t)plan->program.step_count;
    info->pipelines = plan->program.variant_count;
    info->q_bytes = vt_tensor_bytes(&s->problem, &s->q);
    info->k_bytes = s->k.elements * sizeof(float);
    info->lists_bytes = s->lists.elements * sizeof(uint32_t);
    info->counts_bytes = d->write_counts ? s->counts.elements * sizeof(uint32_t) : 0;
    info->workspace_bytes = plan->program.workspace_bytes;
    info->offset_alignment = s->caps->storage_alignment;
    info->pairs = vt_saturating_mul(d->rows, d->blocks);
    info->flops = vt_saturating_mul(vt_saturating_mul(info->pairs, 2 * d->batch * d->heads), d->dim);
    info->bytes = info->q_bytes + info->k_bytes + info->lists_bytes + info->counts_bytes;
    info->largest_macs = plan->program.largest_macs;
}

vatten_result vatten_select_create(vatten_device *device, const vatten_select_desc *desc,
                                   vatten_plan **out_plan) {
    if (out_plan)
        *out_plan = NULL;
    if (!device || !desc || !out_plan)
        return VATTEN_ERROR_INVALID_ARGUMENT;
    vt_select select;
    vatten_result result = vt_select_from(&device->caps, &device->logger, desc, &select);
    if (result == VATTEN_SUCCESS)
        result = create_plain(device, append_select, &select, out_plan);
    if (result == VATTEN_SUCCESS)
        fill_select_info(&select, *out_plan);
    return result;
}
