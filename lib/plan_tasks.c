/* SPDX-License-Identifier: MIT
 *
 * Plans of the tasks that are not attention: no tile is chosen for them.
 */
#include "alloc.h"
#include "append.h"
#include "combine.h"
#include "plan.h"
#include "pool.h"
#include "select.h"
#include "sizes.h"
#include "topk.h"

#include <stdio.h>
#include <string.h>

/* What plans of all tasks say of themselves. */
static void fill_plain_info(const vt_problem *p, vatten_plan *plan) {
    vatten_plan_info *info = &plan->info;
    const vt_program *program = &plan->program;
    memcpy(plan->label, p->label, sizeof plan->label);
    snprintf(info->kernel, sizeof info->kernel, "%s", vt_kernels[program->variants[0].kernel].name);
    info->dispatches = (uint32_t)program->step_count;
    info->pipelines = program->variant_count;
    info->workspace_bytes = program->workspace_bytes;
    info->offset_alignment = plan->device->caps.storage_alignment;
    info->max_moves = p->max_moves;
    info->largest_moves = program->largest_moves;
}

/* A plan whose steps no tile was chosen for; `p` has its label. */
static vatten_result create_plain(vatten_device *device, vt_builder append, const void *input,
                                  const vt_problem *p, vatten_plan **out) {
    bool refused;
    vatten_plan *plan = NULL;
    vatten_result result = vt_plan_build(device, append, input, &plan);
    if (result == VATTEN_SUCCESS)
        result = vt_plan_compile(plan, &refused);
    if (result != VATTEN_SUCCESS) {
        vt_release(&device->allocator, plan);
        return result;
    }
    fill_plain_info(p, plan);
    *out = plan;
    return VATTEN_SUCCESS;
}

static vatten_result append_pool(const void *input, vt_program *program) {
    return vt_pool_steps(input, program);
}

static void fill_pool_info(const vt_pool *pool, vatten_plan *plan) {
    const vt_problem *p = &pool->problem;
    vatten_plan_info *info = &plan->info;
    info->k_bytes = vt_tensor_bytes(p, &pool->x);
    info->out_bytes = pool->out.elements * pool->out_element;
    uint64_t elements = p->batch * p->heads * p->kv_len * p->dim;
    info->flops = elements;
    info->bytes = vt_saturating_mul(elements, p->element_bytes) + info->out_bytes;
}

vatten_result vatten_pool_create(vatten_device *device, const vatten_pool_desc *desc,
                                 vatten_plan **out_plan) {
    if (!vt_plan_asked(device, desc, out_plan))
        return VATTEN_ERROR_INVALID_ARGUMENT;
    vt_pool pool;
    vatten_result result = vt_pool_from(&device->caps, &device->logger, desc, &pool);
    if (result == VATTEN_SUCCESS)
        result = create_plain(device, append_pool, &pool, &pool.problem, out_plan);
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
    info->q_bytes = vt_tensor_bytes(&s->problem, &s->q);
    info->k_bytes = s->k.elements * sizeof(float);
    info->bias_bytes = s->bias.elements * sizeof(float);
    info->lists_bytes = s->lists.elements * sizeof(uint32_t);
    info->counts_bytes = d->write_counts ? s->counts.elements * sizeof(uint32_t) : 0;
    info->pairs = vt_saturating_mul(d->rows, d->blocks);
    info->flops = vt_saturating_mul(vt_saturating_mul(info->pairs, 2 * d->batch * d->heads), d->dim);
    info->bytes = info->q_bytes + info->k_bytes + info->bias_bytes + info->lists_bytes + info->counts_bytes;
    info->max_macs = s->problem.max_macs;
    info->largest_macs = plan->program.largest_macs;
}

vatten_result vatten_select_create(vatten_device *device, const vatten_select_desc *desc,
                                   vatten_plan **out_plan) {
    if (!vt_plan_asked(device, desc, out_plan))
        return VATTEN_ERROR_INVALID_ARGUMENT;
    vt_select select;
    vatten_result result = vt_select_from(&device->caps, &device->logger, desc, &select);
    if (result == VATTEN_SUCCESS)
        result = create_plain(device, append_select, &select, &select.problem, out_plan);
    if (result == VATTEN_SUCCESS)
        fill_select_info(&select, *out_plan);
    return result;
}

static vatten_result append_combine(const void *input, vt_program *program) {
    return vt_combine_steps(input, program);
}

static void fill_combine_info(const vt_combine *c, vatten_plan *plan) {
    const vt_problem *p = &c->problem;
    vatten_plan_info *info = &plan->info;
    info->q_bytes = vt_tensor_bytes(p, &c->residual);
    info->v_bytes = c->x_elements * p->element_bytes;
    info->out_bytes = vt_tensor_bytes(p, &c->out);
    info->lse_bytes = vt_lse_bytes(p);
    info->bias_bytes = c->weights_elements * sizeof(float);
    uint64_t elements = vt_saturating_mul(p->batch * p->heads * p->q_len, p->dim);
    uint64_t read = vt_saturating_mul(elements, c->parts + c->has_residual);
    info->flops = vt_saturating_mul(read, 2);
    info->bytes = vt_saturating_mul(read + elements, p->element_bytes) + info->bias_bytes + info->lse_bytes;
}

vatten_result vatten_combine_create(vatten_device *device, const vatten_combine_desc *desc,
                                    vatten_plan **out_plan) {
    if (!vt_plan_asked(device, desc, out_plan))
        return VATTEN_ERROR_INVALID_ARGUMENT;
    vt_combine combine;
    vatten_result result = vt_combine_from(&device->caps, &device->logger, desc, &combine);
    if (result == VATTEN_SUCCESS)
        result = create_plain(device, append_combine, &combine, &combine.problem, out_plan);
    if (result == VATTEN_SUCCESS)
        fill_combine_info(&combine, *out_plan);
    return result;
}

static vatten_result append_topk(const void *input, vt_program *program) {
    return vt_topk_steps(input, program);
}

static void fill_topk_info(const vt_topk *t, vatten_plan *plan) {
    vatten_plan_info *info = &plan->info;
    info->k_bytes = t->x.elements * sizeof(float);
    info->lists_bytes = t->lists.elements * sizeof(uint32_t);
    info->counts_bytes = t->desc.write_counts ? t->counts.elements * sizeof(uint32_t) : 0;
    info->bytes = info->k_bytes + info->lists_bytes + info->counts_bytes;
}

vatten_result vatten_topk_create(vatten_device *device, const vatten_topk_desc *desc,
                                 vatten_plan **out_plan) {
    if (!vt_plan_asked(device, desc, out_plan))
        return VATTEN_ERROR_INVALID_ARGUMENT;
    vt_topk topk;
    vatten_result result = vt_topk_from(&device->caps, &device->logger, desc, &topk);
    if (result == VATTEN_SUCCESS)
        result = create_plain(device, append_topk, &topk, &topk.problem, out_plan);
    if (result == VATTEN_SUCCESS)
        fill_topk_info(&topk, *out_plan);
    return result;
}

static vatten_result append_append(const void *input, vt_program *program) {
    return vt_append_steps(input, program);
}

static void fill_append_info(const vt_append *a, vatten_plan *plan) {
    const vt_problem *p = &a->problem;
    vatten_plan_info *info = &plan->info;
    const vt_append_side *k = &a->side[0], *v = &a->side[1];
    info->k_bytes = vt_tensor_bytes(p, &k->rows);
    info->v_bytes = vt_tensor_bytes(p, &v->rows);
    info->cache_k_bytes = k->cache.elements * a->cache_element;
    info->cache_v_bytes = v->cache.elements * a->cache_element;
    info->tables_bytes = a->tables_from < a->tables.bytes ? a->tables.bytes : 0;
    uint64_t row = ((uint64_t)k->dim + v->dim) * p->element_bytes +
                   ((uint64_t)k->cache_length + v->cache_length) * a->cache_element;
    info->bytes =
        vt_saturating_mul(p->batch * p->kv_heads * p->q_len, row) + a->tables.bytes - a->tables_from;
    plan->dense = true;
    plan->q_len = p->q_len;
    plan->kv_len = p->kv_len;
}

vatten_result vatten_append_create(vatten_device *device, const vatten_append_desc *desc,
                                   vatten_plan **out_plan) {
    if (!vt_plan_asked(device, desc, out_plan))
        return VATTEN_ERROR_INVALID_ARGUMENT;
    vt_append append;
    vatten_result result = vt_append_from(&device->caps, &device->logger, desc, &append);
    if (result == VATTEN_SUCCESS)
        result = create_plain(device, append_append, &append, &append.problem, out_plan);
    if (result == VATTEN_SUCCESS)
        fill_append_info(&append, *out_plan);
    return result;
}
