/* SPDX-License-Identifier: MIT */
#include "spans.h"

#include "log.h"
#include "rules_spec.h"
#include "sizes.h"

#include <inttypes.h>
#include <string.h>

#define SPANS_GROUP 64u

/* The kernel takes all that there are in one dispatch. */
static bool spans_fit(const vt_op_input *op) {
    const vt_problem *p = op->problem;
    const uint32_t *groups = op->caps->groups;
    uint64_t spans = vt_ceil_div(vt_ceil_div(p->kv_len, VT_SPAN), SPANS_GROUP);
    return spans <= groups[0] && p->rules.mask_heads <= groups[1] &&
           (!p->rules.mask_batch || p->batch <= groups[2]);
}

vatten_result vt_spans_add(const vt_op_input *op, vt_program *program) {
    const vt_problem *p = op->problem;
    const vt_rules *r = &p->rules;
    if (!(r->masks & (VATTEN_MASK_SEGMENTS | VATTEN_MASK_EXPIRY)))
        return VATTEN_SUCCESS;
    if (!spans_fit(op)) {
        vt_log(op->logger, VATTEN_LOG_ERROR, op->problem->label,
               "masks by segment or expiry of %" PRIu64 " keys, %" PRIu32 " mask_heads and %" PRIu64
               " batch entries need more workgroups than %s allows",
               op->problem->kv_len, op->problem->rules.mask_heads, op->problem->batch, op->caps->name);
        return VATTEN_ERROR_UNSUPPORTED;
    }
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
    step.spans.segments =
        r->masks & VATTEN_MASK_SEGMENTS ? vt_rules_table_word(r->tables.kv_segments) : UINT32_MAX;
    step.spans.expiry = r->masks & VATTEN_MASK_EXPIRY ? vt_rules_table_word(r->tables.expiry) : UINT32_MAX;
    step.spans.spans = vt_rules_table_word(r->tables.spans);
    step.groups[0] = (uint32_t)vt_ceil_div(vt_ceil_div(p->kv_len, VT_SPAN), SPANS_GROUP);
    step.groups[1] = r->mask_heads;
    step.groups[2] = r->mask_batch ? (uint32_t)p->batch : 1;
    vt_program_add(program, &step);
    program->waits = true;
    return VATTEN_SUCCESS;
}
