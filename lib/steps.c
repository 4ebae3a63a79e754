/* SPDX-License-Identifier: MIT */
#include "steps.h"

#include "sizes.h"

#include <string.h>

void vt_program_add(vt_program *program, const vt_step *step) {
    if (program->steps)
        program->steps[program->step_count] = *step;
    ++program->step_count;
    program->largest_macs = vt_max(program->largest_macs, step->macs);
}

bool vt_step_shrink(const vt_step *step, uint64_t q_len, uint64_t kv_len, vt_push *push, uint32_t groups[3]) {
    *push = step->push;
    memcpy(groups, step->groups, sizeof step->groups);
    if (step->rows == 0)
        return true;
    if (q_len <= push->q_first)
        return false;
    push->q_len = (uint32_t)q_len;
    if (step->dense_keys)
        push->kv_len = (uint32_t)kv_len;
    uint64_t rows = vt_min(q_len, push->q_last) - push->q_first;
    groups[0] = (uint32_t)vt_ceil_div(rows, step->rows);
    return true;
}
