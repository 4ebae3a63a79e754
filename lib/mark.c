/* SPDX-License-Identifier: MIT */
#include "mark.h"

#include "log.h"
#include "sizes.h"

#include <inttypes.h>
#include <string.h>

#define WORKGROUP 64u

/* Batch entries, heads and row blocks, the first of each and how many. */
typedef struct part {
    uint64_t batch, heads, row_blocks;
    uint64_t b, h, row_block;
} part;

static uint64_t mask_words(const vt_mark *m) {
    return vt_ceil_div(m->row_block, 32);
}

static uint64_t list_words(const vt_mark *m) {
    return m->out_entries * (1 + mask_words(m));
}

static uint64_t row_blocks(const vt_mark *m) {
    return vt_ceil_div(m->rows, m->row_block);
}

uint64_t vt_mark_in_bytes(const vt_mark *m) {
    return m->batch * m->heads * m->rows * m->entries * sizeof(uint32_t);
}

uint64_t vt_mark_out_bytes(const vt_mark *m) {
    return m->batch * m->heads * row_blocks(m) * list_words(m) * sizeof(uint32_t);
}

static uint64_t mark_bytes(const vt_mark *m, const part *p) {
    uint64_t blocks = vt_saturating_mul(p->batch * p->heads * p->row_blocks, m->blocks);
    return vt_saturating_mul(blocks, mask_words(m) * sizeof(uint32_t));
}

/* Elements from the first to the last of a part, of lists packed [batch][head][row][word]. */
static uint64_t run(const vt_mark *m, const part *p, uint64_t rows, uint64_t part_rows, uint64_t words) {
    return (((p->batch - 1) * m->heads + p->heads - 1) * rows + part_rows) * words;
}

static bool fits(const vt_mark *m, uint64_t max_workspace, const part *p) {
    uint64_t range = m->caps->storage_range, slack = m->caps->storage_alignment;
    uint64_t rows = vt_min(p->row_blocks * m->row_block, m->rows);
    uint64_t groups = vt_ceil_div(vt_saturating_mul(p->row_blocks, m->blocks), WORKGROUP);
    return mark_bytes(m, p) <= vt_min(range, max_workspace) &&
           run(m, p, m->rows, rows, m->entries) * sizeof(uint32_t) + slack <= range &&
           run(m, p, row_blocks(m), p->row_blocks, list_words(m)) * sizeof(uint32_t) + slack <= range &&
           groups <= m->caps->groups[0] && p->heads <= m->caps->groups[1] && p->batch <= m->caps->groups[2];
}

/* Looking for each block in each row's list, by halves. */
static uint64_t mark_moves(const vt_mark *m, const part *p) {
    uint64_t rows = vt_saturating_mul(p->batch * p->heads, p->row_blocks * m->row_block), looks = 1;
    while (looks < 32 && m->entries >> looks)
        ++looks;
    return vt_saturating_mul(vt_saturating_mul(rows, m->blocks), looks + 1);
}

/* Walking the marks of each row block, and its list. */
static uint64_t collect_moves(const vt_mark *m, const part *p) {
    uint64_t lists = vt_saturating_mul(p->batch * p->heads, p->row_blocks);
    return vt_saturating_mul(lists, vt_saturating_mul(m->blocks, 2 * mask_words(m)) + list_words(m));
}

static bool works(const vt_mark *m, const part *p) {
    return vt_max(mark_moves(m, p), collect_moves(m, p)) <= m->max_moves;
}

/* The bound on work yields to a single row block, a limit of the device does not. */
static bool choose_part(const vt_mark *m, uint64_t max_workspace, part *out) {
    part p = {.batch = m->batch, .heads = m->heads, .row_blocks = row_blocks(m)};
    uint64_t *const sizes[] = {&p.batch, &p.heads, &p.row_blocks};
    while ((!fits(m, max_workspace, &p) || !works(m, &p)) && vt_halve_first(sizes, NULL, 3))
        ;
    *out = p;
    return fits(m, max_workspace, &p);
}

static uint32_t bind(const vt_mark *m, vt_step *step, uint32_t slot, vt_role role, uint64_t start,
                     uint64_t count) {
    return (uint32_t)vt_step_bind(step, slot, role, start, start + count, sizeof(uint32_t),
                                  m->caps->storage_alignment);
}

static vt_step step_of(const vt_mark *m, const part *p, uint32_t variant) {
    vt_step step = {.variant = variant, .binding_count = VT_MARK_SLOT_COUNT, .barrier_before = true};
    uint64_t first = p->row_block * m->row_block, slice = p->b * m->heads + p->h;
    uint64_t rows = vt_min(p->row_blocks * m->row_block, m->rows - first);
    step.mark.rows = (uint32_t)rows;
    step.mark.row_blocks = (uint32_t)p->row_blocks;
    step.mark.blocks = (uint32_t)m->blocks;
    step.mark.row_base = bind(m, &step, VT_MARK_SLOT_ROWS, VT_ROLE_COUNTS,
                              (slice * m->rows + first) * m->entries, run(m, p, m->rows, rows, m->entries));
    step.mark.row_head = (uint32_t)(m->rows * m->entries);
    step.mark.row_batch = (uint32_t)(m->heads * m->rows * m->entries);
    step.mark.list_base = bind(m, &step, VT_MARK_SLOT_LISTS, VT_ROLE_LISTS,
                               (slice * row_blocks(m) + p->row_block) * list_words(m),
                               run(m, p, row_blocks(m), p->row_blocks, list_words(m)));
    step.mark.list_head = (uint32_t)(row_blocks(m) * list_words(m));
    step.mark.list_batch = (uint32_t)m->heads * step.mark.list_head;
    step.binding[VT_MARK_SLOT_MARKS] = (vt_binding){VT_ROLE_WORKSPACE, 0, mark_bytes(m, p)};
    step.groups[1] = (uint32_t)p->heads;
    step.groups[2] = (uint32_t)p->batch;
    return step;
}

static void add_part(const vt_mark *m, const part *p, const uint32_t variant[2], vt_program *program) {
    vt_step step = step_of(m, p, variant[0]);
    step.written = 1u << VT_MARK_SLOT_MARKS;
    step.groups[0] = (uint32_t)vt_ceil_div(p->row_blocks * m->blocks, WORKGROUP);
    step.moves = mark_moves(m, p);
    vt_program_add(program, &step);
    step = step_of(m, p, variant[1]);
    step.written = 1u << VT_MARK_SLOT_LISTS;
    step.groups[0] = (uint32_t)vt_ceil_div(p->row_blocks, WORKGROUP);
    step.moves = collect_moves(m, p);
    vt_program_add(program, &step);
}

static uint32_t add_variant(const vt_mark *m, uint32_t pass, vt_program *program) {
    vt_variant *variant = &program->variants[program->variant_count];
    memset(variant, 0, sizeof *variant);
    variant->kernel = vt_kernel_of_task(VT_TASK_MARK, VATTEN_DTYPE_F32);
    variant->spec[VT_SPEC_WORKGROUP] = WORKGROUP;
    variant->spec[VT_MARK_SPEC_PASS] = pass;
    variant->spec[VT_MARK_SPEC_ENTRIES] = m->entries;
    variant->spec[VT_MARK_SPEC_OUT_ENTRIES] = m->out_entries;
    variant->spec[VT_MARK_SPEC_BLOCK] = m->row_block;
    return program->variant_count++;
}

/* Iterations of one invocation of either pass, at most. */
static uint64_t iterations(const vt_mark *m) {
    uint64_t marks = (uint64_t)m->row_block * 34 + mask_words(m);
    return vt_max(marks, m->blocks * (1 + 2 * mask_words(m)) + m->out_entries);
}

vatten_result vt_mark_steps(const vt_mark *m, uint64_t max_workspace, vt_program *program) {
    part most;
    if (iterations(m) > m->caps->loop_limit || !choose_part(m, max_workspace, &most)) {
        vt_log(m->logger, VATTEN_LOG_ERROR, m->label,
               "sparse: rows of %" PRIu64 " blocks do not fit %s: a binding holds %" PRIu64
               " bytes, an invocation %" PRIu64 " steps",
               m->blocks, m->caps->name, m->caps->storage_range, m->caps->loop_limit);
        return VATTEN_ERROR_UNSUPPORTED;
    }
    const uint32_t variant[2] = {add_variant(m, 0, program), add_variant(m, 1, program)};
    program->workspace_bytes = vt_max(program->workspace_bytes, mark_bytes(m, &most));
    for (uint64_t b = 0; b < m->batch; b += most.batch)
        for (uint64_t h = 0; h < m->heads; h += most.heads)
            for (uint64_t r = 0; r < row_blocks(m) && vt_program_has_room(program); r += most.row_blocks) {
                const part p = {vt_min(most.batch, m->batch - b),
                                vt_min(most.heads, m->heads - h),
                                vt_min(most.row_blocks, row_blocks(m) - r),
                                b,
                                h,
                                r};
                add_part(m, &p, variant, program);
            }
    return VATTEN_SUCCESS; /* too many steps are told by who comes after */
}
