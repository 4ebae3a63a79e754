/* SPDX-License-Identifier: MIT */
#include "invert.h"

#include "sizes.h"

#include <string.h>

#define WORKGROUP   64u
#define CHUNK_ROWS  64u    /* that one invocation walks, unless they have too few or too many entries */
#define CHUNK_SLOTS 32768u /* that one may walk, if it has more than one row */

/* A chunk has at least as many slots as there are blocks, so that counts take no more room than lists do. */
static uint64_t chunk_rows(const vt_invert *v) {
    uint64_t most = vt_max(CHUNK_SLOTS / v->entries, 1);
    return vt_max(vt_min(CHUNK_ROWS, most), vt_ceil_div(v->blocks, v->entries));
}

static uint64_t chunks(const vt_invert *v, uint64_t rows) {
    return vt_ceil_div(rows, chunk_rows(v));
}

uint64_t vt_invert_words(const vt_invert *v, uint64_t rows) {
    return 2 * (v->blocks + 1) + vt_saturating_mul(rows, v->entries);
}

static uint64_t slices(const vt_invert_part *p) {
    return vt_saturating_mul(p->batch, p->heads);
}

uint64_t vt_invert_count_bytes(const vt_invert *v, const vt_invert_part *p) {
    uint64_t words = vt_saturating_mul(chunks(v, p->rows), v->blocks);
    return vt_saturating_mul(vt_saturating_mul(slices(p), words), sizeof(uint32_t));
}

uint64_t vt_invert_bytes(const vt_invert *v, const vt_invert_part *p) {
    return vt_saturating_mul(vt_saturating_mul(slices(p), vt_invert_words(v, p->rows)), sizeof(uint32_t));
}

/* All tiles full, but for one of each block that is named. */
uint64_t vt_invert_tiles(const vt_invert *v, uint64_t rows) {
    uint64_t slots = vt_saturating_mul(rows, v->entries);
    return vt_saturating_mul(slots, v->slot_heads) / v->tile_rows + vt_min(slots, v->blocks);
}

/* Words from the first to the last list of a part. */
static uint64_t list_words(const vt_invert *v, const vt_invert_part *p) {
    return (((p->batch - 1) * v->list_heads + p->heads - 1) * v->rows + p->rows) * v->entries;
}

/* Iterations of one invocation of any pass, at most. */
static uint64_t iterations(const vt_invert *v, const vt_invert_part *p) {
    uint64_t walk = vt_saturating_mul(vt_min(chunk_rows(v), p->rows), v->entries) + v->blocks;
    return vt_max(walk, chunks(v, p->rows)) + 1;
}

bool vt_invert_fits(const vt_invert *v, const vt_invert_part *p) {
    const vt_caps *caps = v->caps;
    uint64_t groups = vt_ceil_div(vt_max(chunks(v, p->rows), v->blocks), WORKGROUP);
    return list_words(v, p) * sizeof(uint32_t) + caps->storage_alignment <= caps->storage_range &&
           vt_invert_count_bytes(v, p) <= caps->storage_range &&
           vt_invert_bytes(v, p) <= caps->storage_range && iterations(v, p) <= caps->loop_limit &&
           groups <= caps->groups[0] && p->heads <= caps->groups[1] && p->batch <= caps->groups[2];
}

/* Words that a pass reads and writes. */
static uint64_t pass_moves(const vt_invert *v, const vt_invert_part *p, uint32_t pass) {
    uint64_t slots = vt_saturating_mul(p->rows, v->entries);
    uint64_t counts = vt_saturating_mul(chunks(v, p->rows), v->blocks);
    uint64_t one = pass == VT_INVERT_COUNT     ? vt_saturating_add(counts, vt_saturating_mul(slots, 3))
                   : pass == VT_INVERT_ADD_UP  ? vt_saturating_mul(counts, 2) + v->blocks
                   : pass == VT_INVERT_OFFSETS ? v->blocks * 3
                                               : vt_saturating_mul(slots, 5);
    return vt_saturating_mul(one, slices(p));
}

bool vt_invert_works(const vt_invert *v, const vt_invert_part *p) {
    const vt_invert_part least = {.batch = 1, .heads = 1, .rows = 1};
    for (uint32_t pass = 0; pass < VT_INVERT_PASSES; ++pass)
        if (pass_moves(v, p, pass) > vt_max(v->max_moves, 2 * pass_moves(v, &least, pass)))
            return false;
    return true;
}

void vt_invert_variants(const vt_invert *v, vt_program *program, uint32_t variant[VT_INVERT_PASSES]) {
    for (uint32_t pass = 0; pass < VT_INVERT_PASSES; ++pass) {
        vt_variant *at = &program->variants[program->variant_count];
        memset(at, 0, sizeof *at);
        at->kernel = vt_kernel_of_task(VT_TASK_INVERT, VATTEN_DTYPE_F32);
        at->spec[VT_SPEC_WORKGROUP] = WORKGROUP;
        at->spec[VT_INVERT_SPEC_PASS] = pass;
        at->spec[VT_INVERT_SPEC_ENTRIES] = v->entries;
        at->spec[VT_INVERT_SPEC_CHUNK] = (uint32_t)chunk_rows(v);
        at->spec[VT_INVERT_SPEC_TILE_ROWS] = v->tile_rows;
        at->spec[VT_INVERT_SPEC_HEADS] = v->slot_heads;
        variant[pass] = program->variant_count++;
    }
}

uint32_t vt_invert_bind_lists(const vt_invert *v, const vt_invert_part *p, vt_step *step, uint32_t slot) {
    uint64_t start = ((p->b * v->list_heads + p->h) * v->rows + p->row) * v->entries;
    return (uint32_t)vt_step_bind(step, slot, VT_ROLE_LISTS, start, start + list_words(v, p),
                                  sizeof(uint32_t), v->caps->storage_alignment);
}

static void add_pass(const vt_invert *v, const vt_invert_part *p, const vt_step *common,
                     const uint32_t variant[VT_INVERT_PASSES], uint32_t pass, uint64_t invocations,
                     uint32_t written, vt_program *program) {
    vt_step step = *common;
    step.variant = variant[pass];
    step.written = written;
    step.moves = pass_moves(v, p, pass);
    step.groups[0] = (uint32_t)vt_ceil_div(invocations, WORKGROUP);
    step.groups[1] = (uint32_t)p->heads;
    step.groups[2] = (uint32_t)p->batch;
    step.invert.rows = (uint32_t)p->rows;
    step.invert.blocks = (uint32_t)v->blocks;
    step.invert.chunks = (uint32_t)chunks(v, p->rows);
    step.invert.row_head = (uint32_t)(v->rows * v->entries);
    step.invert.row_batch = (uint32_t)v->list_heads * step.invert.row_head;
    vt_program_add(program, &step);
}

void vt_invert_steps(const vt_invert *v, const vt_invert_part *p, const uint32_t variant[VT_INVERT_PASSES],
                     uint64_t counts_at, uint64_t made_at, vt_program *program) {
    const uint32_t counts = 1u << VT_INVERT_SLOT_COUNTS, made = 1u << VT_INVERT_SLOT_GATHERED;
    uint64_t n = chunks(v, p->rows);
    vt_step step = {.binding_count = VT_INVERT_SLOT_COUNT, .barrier_before = true};
    step.invert.row_base = vt_invert_bind_lists(v, p, &step, VT_INVERT_SLOT_ROWS);
    step.binding[VT_INVERT_SLOT_COUNTS] =
        (vt_binding){VT_ROLE_WORKSPACE, counts_at, vt_invert_count_bytes(v, p)};
    step.binding[VT_INVERT_SLOT_GATHERED] = (vt_binding){VT_ROLE_WORKSPACE, made_at, vt_invert_bytes(v, p)};
    add_pass(v, p, &step, variant, VT_INVERT_COUNT, n, counts, program);
    add_pass(v, p, &step, variant, VT_INVERT_ADD_UP, v->blocks, counts | made, program);
    add_pass(v, p, &step, variant, VT_INVERT_OFFSETS, 1, made, program);
    add_pass(v, p, &step, variant, VT_INVERT_SCATTER, n, counts | made, program);
}
