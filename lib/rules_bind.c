/* SPDX-License-Identifier: MIT */
#include "rules_bind.h"

#include "sizes.h"

bool vt_rules_bind_all(const vt_rules *rules) {
    return rules->page_size != 0 || vt_rules_packed(rules);
}

vt_slab vt_rules_key_slab(const vt_problem *problem, const vt_slab *keys) {
    const vt_rules *r = &problem->rules;
    vt_slab all = *keys;
    if (!vt_rules_bind_all(r))
        return all;
    all.batch[0] = all.token[0] = 0;
    all.batch[1] = r->page_size ? r->pool_pages : 1;
    all.token[1] = r->page_size ? r->page_size : problem->kv_len;
    return all;
}

uint32_t vt_rules_bind(const vt_op_input *op, vt_step *step, uint32_t slot, vt_role role, const vt_tensor *t,
                       const vt_slab *slab, uint64_t dim, uint32_t bytes, uint32_t unit) {
    uint64_t at = vt_step_bind_slab(step, slot, role, t, slab, dim, bytes, op->caps->storage_alignment);
    return (uint32_t)(at / unit) - (uint32_t)(slab->token[0] * (t->token / unit));
}

uint32_t vt_rules_kv_unit(const vt_problem *problem) {
    return problem->kv_bytes ? 4 : 1;
}

void vt_rules_bind_q(const vt_op_input *op, const vt_slab *slab, vt_step *step) {
    const vt_problem *p = op->problem;
    vt_push *push = &step->push;
    push->q_base = vt_rules_bind(op, step, VT_SLOT_Q, VT_ROLE_Q, &p->q, slab, p->dim, p->element_bytes, 1);
    push->q_batch = (uint32_t)p->q.batch;
    push->q_head = (uint32_t)p->q.head;
    push->q_token = (uint32_t)p->q.token;
}

void vt_rules_bind_k(const vt_op_input *op, vt_role role, const vt_tensor *k, const vt_slab *slab,
                     vt_step *step) {
    const vt_problem *p = op->problem;
    const uint32_t unit = vt_rules_kv_unit(p);
    vt_push *push = &step->push;
    push->k_base =
        vt_rules_bind(op, step, VT_SLOT_K, role, k, slab, vt_kv_row(p, p->dim), vt_kv_element(p), unit);
    push->k_batch = (uint32_t)(k->batch / unit);
    push->k_head = (uint32_t)(k->head / unit);
    push->k_token = (uint32_t)(k->token / unit);
    push->group = p->heads / p->kv_heads;
}

/* A bias by offset or by axes as a whole; of a tensor what is asked for. */
void vt_rules_bind_bias(const vt_op_input *op, const vt_slab *queries, uint64_t first, uint64_t end,
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
    const vt_tensor t = {stride[0], stride[1], stride[2], 0};
    if (vt_rules_bind_all(r)) {
        first = 0;
        end = problem->kv_len;
    }
    const vt_slab *s = queries;
    uint64_t start = vt_tensor_at(&t, s->batch[0], s->head[0] / r->bias_group, s->token[0]);
    uint64_t last = vt_tensor_at(&t, s->batch[1] - 1, (s->head[1] - 1) / r->bias_group, s->token[1] - 1);
    uint64_t at = vt_step_bind(step, VT_SLOT_BIAS, VT_ROLE_BIAS, start + first * stride[3],
                               vt_round_up(last + (end - 1) * stride[3] + 1, 4 / r->bias_bytes),
                               r->bias_bytes, op->caps->storage_alignment);
    step->push.map0 = (uint32_t)(at - s->token[0] * stride[2] - first * stride[3]);
}

void vt_rules_bind_tables(const vt_op_input *op, uint32_t slot, vt_step *step) {
    uint64_t bytes = op->problem->rules.tables.bytes;
    step->binding[slot] = bytes ? (vt_binding){VT_ROLE_TABLES, 0, bytes} : step->binding[0];
}

/* ---- What fits ---- */

bool vt_rules_lse_binds(const vt_op_input *op, uint64_t batch, uint64_t heads, uint64_t queries) {
    const vt_problem *p = op->problem;
    uint64_t range = op->caps->storage_range, alignment = op->caps->storage_alignment;
    uint64_t lse = ((batch - 1) * p->heads + heads - 1) * p->q_len + queries;
    return lse <= (range - vt_min(range, alignment)) / sizeof(float);
}

bool vt_rules_bias_binds(const vt_op_input *op, uint64_t batch, uint64_t heads, uint64_t queries,
                         uint64_t keys) {
    const vt_problem *p = op->problem;
    const vt_rules *r = &p->rules;
    if ((r->bias & VT_BIAS_KIND) != VT_BIAS_TENSOR)
        return p->bias_bytes <= op->caps->storage_range;
    uint64_t bias_heads = vt_min(vt_ceil_div(heads - 1, r->bias_group) + 1, p->heads / r->bias_group);
    const uint64_t last[4] = {batch - 1, bias_heads - 1, queries - 1,
                              (vt_rules_bind_all(r) ? p->kv_len : keys) - 1};
    vt_sum end = vt_sum_of(1 + 4 + op->caps->storage_alignment / r->bias_bytes);
    for (int i = 0; i < 4; ++i)
        end = vt_plus(end, vt_times(vt_sum_of(r->bias_stride[i]), vt_sum_of(last[i])));
    return !end.overflow && end.value <= op->caps->storage_range / r->bias_bytes;
}

/* Query heads of a part may begin within a group. */
static uint64_t kv_heads_of(const vt_problem *p, uint64_t heads) {
    return vt_min(vt_ceil_div(heads - 1, p->heads / p->kv_heads) + 1, p->kv_heads);
}

static bool slab_binds(const vt_op_input *op, const vt_tensor *t, const vt_slab *s, uint32_t dim) {
    const vt_problem *p = op->problem;
    return vt_range(t, vt_kv_element(p), op->caps->storage_alignment, s->batch[1], s->head[1], s->token[1],
                    vt_kv_row(p, dim)) <= op->caps->storage_range;
}

bool vt_rules_keys_bind(const vt_op_input *op, const vt_tensor *t, uint64_t batch, uint64_t heads,
                        uint64_t keys, uint32_t dim) {
    const vt_slab part = {{0, batch}, {0, kv_heads_of(op->problem, heads)}, {0, keys}};
    const vt_slab bound = vt_rules_key_slab(op->problem, &part);
    return slab_binds(op, t, &bound, dim);
}

bool vt_rules_extra_bind(const vt_op_input *op, const vt_tensor *t, uint64_t batch, uint64_t heads,
                         uint64_t keys, uint32_t dim) {
    const vt_slab part = {{0, batch}, {0, kv_heads_of(op->problem, heads)}, {0, keys}};
    return slab_binds(op, t, &part, dim);
}
