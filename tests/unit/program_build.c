/* SPDX-License-Identifier: MIT */
#include "program_build.h"

#include <stdlib.h>
#include <string.h>

vatten_result program_build(program_case *c, const vatten_logger *logger) {
    static const vt_op ops[] = {vt_op_attention, vt_op_neighborhood, vt_op_lists}; /* as vt_map */
    const vt_op op = ops[c->problem.map];
    const vt_op_input input = {&c->caps, logger, &c->problem, &c->tile};
    uint32_t row = 0;
    c->problem.rules.used = false; /* of few queries it would be: those programs are test_rules_programs.c's */
    memset(&c->program, 0, sizeof c->program);
    vatten_result result = vt_tune(&c->caps, logger, &c->problem, &row, &c->tile);
    vt_program counted = {0};
    if (result == VATTEN_SUCCESS)
        result = op(&input, &counted);
    if (result != VATTEN_SUCCESS)
        return result;
    c->program.steps = calloc((size_t)counted.step_count, sizeof(vt_step));
    if (!c->program.steps)
        abort();
    c->program.carries = counted.carries;
    result = op(&input, &c->program);
    bool same = result == VATTEN_SUCCESS && c->program.step_count == counted.step_count &&
                c->program.carries == counted.carries && c->program.variant_count == counted.variant_count &&
                c->program.workspace_bytes == counted.workspace_bytes &&
                c->program.largest_macs == counted.largest_macs;
    if (!same) /* the second pass would write past its room, or leave some of it empty */
        abort();
    return result;
}

void program_free(program_case *c) {
    free(c->program.steps);
    c->program.steps = NULL;
}
