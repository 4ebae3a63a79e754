/* SPDX-License-Identifier: MIT */
#include "spans.h"

#include "rules_spec.h"
#include "sizes.h"

#include <string.h>

#define SPANS_GROUP 64u

/* Batch entries, heads and spans, how many and the first of each. */
typedef struct part {
    uint64_t batch, heads, spans;
    uint64_t b, h, span;
} part;

/* All that there are. */
static part whole(const vt_problem *p) {
    const vt_rules *r = &p->rules;
    return (part){.batch = r->mask_batch ? p->batch : 1,
                  .heads = r->mask_heads,
                  .spans = vt_ceil_div(p->kv_len, VT_SPAN)};
}

/* Keys of one or both tables, and what is written of each span. */
static uint64_t moves(const vt_problem *p, const part *n) {
    uint32_t both = VATTEN_MASK_SEGMENTS | VATTEN_MASK_EXPIRY;
    uint64_t tables = (p->rules.masks & both) == both ? 2 : 1;
    uint64_t spans = vt_saturating_mul(vt_saturating_mul(n->batch, n->heads), n->spans);
    return vt_saturating_mul(spans, tables * (VT_SPAN + 2));
}

/* Batch entries give way first, then heads, then spans, by whole workgroups: the least is one of these. */
static part choose_part(const vt_op_input *op) {
    const vt_problem *p = op->problem;
    const uint32_t *groups = op->caps->groups;
    part n = whole(p);
    n.batch = vt_min(n.batch, groups[2]);
    n.heads = vt_min(n.heads, groups[1]);
    n.spans = vt_min(n.spans, groups[0] * (uint64_t)SPANS_GROUP);
    uint64_t *const sizes[] = {&n.batch, &n.heads, &n.spans};
    const uint64_t grains[] = {1, 1, SPANS_GROUP};
    while (moves(p, &n) > p->max_moves && vt_halve_first(sizes, grains, 3))
        ;
    return n;
}

/* Tables as they stand from the first batch entry and head of the part on. */
static void fill_push(const vt_problem *p, const part *n, vt_spans_push *push) {
    const vt_rules *r = &p->rules;
    uint64_t slice = n->b * r->mask_heads + n->h, spans = vt_ceil_div(p->kv_len, VT_SPAN);
    push->keys = (uint32_t)p->kv_len;
    push->heads = r->mask_heads;
    push->segments = UINT32_MAX;
    push->expiry = UINT32_MAX;
    if (r->masks & VATTEN_MASK_SEGMENTS)
        push->segments = vt_rules_table_word(r->tables.kv_segments) + (uint32_t)(n->b * p->kv_len);
    if (r->masks & VATTEN_MASK_EXPIRY)
        push->expiry = vt_rules_table_word(r->tables.expiry) + (uint32_t)(slice * p->kv_len);
    push->spans = vt_rules_table_word(r->tables.spans) + (uint32_t)(slice * spans * VT_SPAN_WORDS);
    push->first = (uint32_t)n->span;
}

static void add_step(const vt_problem *p, const part *n, uint32_t variant, vt_program *program) {
    vt_step step = {
        .variant = variant,
        .binding_count = VT_SPANS_SLOT_COUNT,
        .written = 1u << VT_SPANS_SLOT_TABLES,
        .barrier_before = true,
        .groups = {(uint32_t)vt_ceil_div(n->spans, SPANS_GROUP), (uint32_t)n->heads, (uint32_t)n->batch},
        .moves = moves(p, n)};
    step.binding[VT_SPANS_SLOT_TABLES] = (vt_binding){VT_ROLE_TABLES, 0, p->rules.tables.bytes};
    fill_push(p, n, &step.spans);
    vt_program_add(program, &step);
}

void vt_spans_add(const vt_op_input *op, vt_program *program) {
    const vt_problem *p = op->problem;
    if (!(p->rules.masks & (VATTEN_MASK_SEGMENTS | VATTEN_MASK_EXPIRY)))
        return;
    const part all = whole(p), most = choose_part(op);
    vt_variant *variant = &program->variants[program->variant_count];
    memset(variant, 0, sizeof *variant);
    variant->kernel = vt_kernel_of_task(VT_TASK_SPANS, VATTEN_DTYPE_F32);
    variant->spec[VT_SPEC_WORKGROUP] = SPANS_GROUP;
    for (uint64_t b = 0; b < all.batch; b += most.batch)
        for (uint64_t h = 0; h < all.heads; h += most.heads)
            for (uint64_t s = 0; s < all.spans && vt_program_has_room(program); s += most.spans) {
                const part n = {vt_min(most.batch, all.batch - b),
                                vt_min(most.heads, all.heads - h),
                                vt_min(most.spans, all.spans - s),
                                b,
                                h,
                                s};
                add_step(p, &n, program->variant_count, program);
            }
    ++program->variant_count;
    program->waits = true;
}
