/* SPDX-License-Identifier: MIT */
#include "steps.h"

#include "sizes.h"

#include <string.h>

_Static_assert(sizeof(vt_push) == VT_PUSH_BYTES, "the push block is what Vulkan guarantees");
_Static_assert(sizeof(vt_address_push) == VT_ADDRESS_PUSH_BYTES, "addresses and limits");

static bool writes(const vt_step *step, uint32_t slot) {
    return (step->written >> slot & 1) != 0;
}

static bool meets_writes(const vt_program *program, const vt_step *step) {
    for (uint32_t i = 0; i < step->binding_count; ++i) {
        const vt_binding *b = &step->binding[i];
        const vt_span *span = &program->written[b->role];
        if (writes(step, i) && b->offset < span->end && span->begin < b->offset + b->range)
            return true;
    }
    return false;
}

/* One span for each buffer: parts follow each other in memory, so what lies between two is no other's. */
static void note_writes(vt_program *program, const vt_step *step) {
    for (uint32_t i = 0; i < step->binding_count; ++i) {
        const vt_binding *b = &step->binding[i];
        vt_span *span = &program->written[b->role];
        if (!writes(step, i))
            continue;
        bool none = span->begin == span->end;
        span->begin = none ? b->offset : vt_min(span->begin, b->offset);
        span->end = vt_max(span->end, b->offset + b->range);
    }
}

uint64_t vt_step_bind(vt_step *step, uint32_t slot, vt_role role, uint64_t start, uint64_t end,
                      uint32_t element_bytes, uint64_t alignment) {
    uint64_t offset = vt_round_down(start * element_bytes, alignment);
    step->binding[slot] = (vt_binding){role, offset, end * element_bytes - offset};
    return start - offset / element_bytes;
}

uint64_t vt_step_bind_slab(vt_step *step, uint32_t slot, vt_role role, const vt_tensor *tensor,
                           const vt_slab *slab, uint64_t dim, uint32_t element_bytes, uint64_t alignment) {
    uint64_t start = vt_tensor_at(tensor, slab->batch[0], slab->head[0], slab->token[0]);
    uint64_t last = vt_tensor_at(tensor, slab->batch[1] - 1, slab->head[1] - 1, slab->token[1] - 1);
    return vt_step_bind(step, slot, role, start, last + dim, element_bytes, alignment);
}

uint32_t vt_step_limit(const vt_step *step, const vt_variant *variant, uint32_t slot) {
    const vt_kernel *kernel = &vt_kernels[variant->kernel];
    const uint32_t *spec = variant->spec;
    bool bytes = kernel->io == VT_IO_BYTES;
    uint32_t row = slot == VT_SLOT_K ? spec[VT_SPEC_DIM] : spec[VT_SPEC_VALUE_DIM];
    if (bytes)
        row = row / spec[VT_SPEC_KV_BLOCK] * (spec[VT_SPEC_KV_BLOCK] / 4 + 1);
    bool words = bytes || kernel->wide || kernel->dtype == VATTEN_DTYPE_F32;
    uint64_t elements = step->binding[slot].range / (words ? 4 : 2);
    return elements < row ? 0 : (uint32_t)vt_min(elements - row, UINT32_MAX);
}

void vt_program_move(vt_program *program, vt_role role, vt_role to, uint64_t offset) {
    program->route[role] = (vt_route){true, to, offset};
}

static void follow_routes(const vt_program *program, vt_step *step) {
    for (uint32_t i = 0; i < step->binding_count; ++i) {
        vt_binding *b = &step->binding[i];
        const vt_route *route = &program->route[b->role];
        if (route->moved) {
            b->role = route->role;
            b->offset += route->offset;
        }
    }
}

/* What a dispatch costs beside its work, and an element moved, in multiply-adds: as the bounds on both have it, about. */
#define STEP_MACS 4096
#define MOVE_MACS 100

static uint64_t work_of(const vt_step *step) {
    uint64_t work = vt_saturating_add(step->macs, STEP_MACS);
    return vt_saturating_add(work, vt_saturating_mul(step->moves, MOVE_MACS));
}

void vt_program_add(vt_program *program, const vt_step *added) {
    vt_step step = *added;
    follow_routes(program, &step);
    step.barrier_before = step.barrier_before || program->waits || meets_writes(program, &step);
    program->waits = false;
    if (step.barrier_before)
        memset(program->written, 0, sizeof program->written);
    note_writes(program, &step);
    if (program->steps)
        program->steps[program->step_count] = step;
    ++program->step_count;
    program->largest_macs = vt_max(program->largest_macs, step.macs);
    program->largest_moves = vt_max(program->largest_moves, step.moves);
    program->work = vt_saturating_add(program->work, work_of(&step));
}

/* part / parts of `work`, without a product that could overflow. */
static uint64_t share_of(uint64_t work, uint32_t part, uint32_t parts) {
    return work / parts * part + work % parts * part / parts;
}

/* The first step before which at least `work` has been done. */
static uint64_t step_after(const vt_program *program, uint64_t work) {
    uint64_t done = 0, i = 0;
    while (i < program->step_count && done < work)
        done = vt_saturating_add(done, work_of(&program->steps[i++]));
    return i;
}

vt_step_run vt_program_part(const vt_program *program, uint32_t part, uint32_t parts) {
    uint64_t work = program->work;
    uint64_t begin = step_after(program, share_of(work, part, parts));
    uint64_t end =
        part + 1 == parts ? program->step_count : step_after(program, share_of(work, part + 1, parts));
    return (vt_step_run){begin, end};
}

bool vt_program_has_room(const vt_program *program) {
    return program->step_count <= VT_STEPS_MAX;
}

/* Invocations of rows that are left out find that they have none. */
static bool shrink_merge(vt_step *step, uint64_t q_len) {
    if (q_len <= step->first)
        return false;
    step->combine.rows = (uint32_t)vt_min(q_len - step->first, step->combine.rows);
    return true;
}

bool vt_step_shrink(vt_step *step, uint64_t q_len, uint64_t kv_len) {
    vt_push *push = &step->push;
    if (step->merges)
        return shrink_merge(step, q_len);
    if (step->lengths) {
        q_len = step->of_keys ? kv_len : q_len;
        push->q_len = (uint32_t)q_len;
        push->kv_len = (uint32_t)kv_len;
        return step->always || q_len > push->q_first;
    }
    if (step->rows == 0)
        return true;
    if (q_len <= push->q_first)
        return false;
    push->q_len = (uint32_t)q_len;
    if (step->dense_keys)
        push->kv_len = (uint32_t)kv_len;
    uint64_t rows = (vt_min(q_len, push->q_last) - push->q_first) * vt_max(step->row_heads, 1);
    step->groups[0] = (uint32_t)vt_ceil_div(rows, step->rows);
    return true;
}
