/* SPDX-License-Identifier: MIT */
#include "rank.h"

#include "sizes.h"

#include <string.h>

#define LIMIT_BITS 32u
#define BITS       2u /* of the limit, each time */

uint64_t vt_rank_workgroups(uint64_t lines, uint32_t lanes) {
    return vt_ceil_div(lines, lanes);
}

uint64_t vt_rank_state_words(uint64_t workgroups) {
    return vt_saturating_add(VT_RANK_STATE_WORDS, vt_saturating_mul(workgroups, VT_RANK_PARTIAL_WORDS));
}

uint64_t vt_rank_state_bytes(uint64_t groups, uint64_t workgroups) {
    return vt_saturating_mul(groups, vt_saturating_mul(vt_rank_state_words(workgroups), sizeof(uint32_t)));
}

/* Partials are read lane by lane, word by word, several of them; sums over lanes are short. */
uint64_t vt_rank_iterations(uint64_t workgroups, uint32_t lanes) {
    return vt_ceil_div(workgroups, lanes) * 32 + 256;
}

static bool is_over_lines(uint32_t pass) {
    return pass == VT_RANK_JOIN || pass == VT_RANK_MEASURE || pass == VT_RANK_MASS || pass == VT_RANK_WEIGH ||
           pass == VT_RANK_TIES || pass == VT_RANK_COUNT || pass == VT_RANK_ENDS || pass == VT_RANK_MARK ||
           pass == VT_RANK_LIST;
}

/* Whose lines are whole rows, whatever has the budgets. */
static bool is_of_rows(uint32_t pass) {
    return pass == VT_RANK_JOIN || pass == VT_RANK_LIST;
}

static bool is_needed(uint32_t pass, vatten_budget budget, bool joins, bool by_block) {
    bool of_blocks = pass == VT_RANK_MEASURE || pass == VT_RANK_MARK;
    bool weighs = pass >= VT_RANK_MASS && pass <= VT_RANK_PICK_WEIGHT;
    bool counts = pass == VT_RANK_TIES || pass == VT_RANK_BUDGET;
    return pass == VT_RANK_JOIN ? joins
           : of_blocks          ? by_block
           : weighs             ? budget == VATTEN_BUDGET_MASS
           : counts             ? budget != VATTEN_BUDGET_TOP
                                : true;
}

void vt_rank_variants(uint32_t kernel, const uint32_t spec[VT_SPEC_COUNT], vatten_budget budget, bool joins,
                      vt_program *program, uint32_t variants[VT_RANK_PASSES]) {
    bool by_block = (spec[VT_SELECT_SPEC_FLAGS] & VT_SELECT_BY_BLOCK) != 0;
    for (uint32_t pass = 0; pass < VT_RANK_PASSES; ++pass) {
        if (!is_needed(pass, budget, joins, by_block))
            continue;
        vt_variant *variant = &program->variants[program->variant_count];
        variant->kernel = kernel;
        memcpy(variant->spec, spec, sizeof variant->spec);
        variant->spec[VT_SELECT_SPEC_PASS] = pass;
        variants[pass] = program->variant_count++;
    }
}

/* All of a pass as one step. */
static vt_step step_of(const vt_rank *r, uint32_t pass, uint32_t shift) {
    vt_step step = r->step;
    step.variant = r->variants[pass];
    step.binding_count = VT_RANK_SLOT_COUNT;
    step.barrier_before = true;
    step.groups[0] = r->groups * (is_over_lines(pass) ? step.select.workgroups : 1);
    step.groups[1] *= r->blocks && !is_of_rows(pass) ? r->blocks : 1;
    step.select.count_y = step.groups[1];
    step.select.shift = shift;
    step.written = 1u << VT_RANK_SLOT_STATE;
    if (pass == VT_RANK_JOIN || pass == VT_RANK_MEASURE)
        step.binding[VT_RANK_SLOT_LISTS] = r->bias;
    if (pass == VT_RANK_JOIN || pass == VT_RANK_MEASURE || pass == VT_RANK_MARK)
        step.written |= 1u << VT_RANK_SLOT_VALUES;
    if (pass == VT_RANK_LIST)
        step.written = 1u << VT_RANK_SLOT_LISTS | 1u << VT_RANK_SLOT_COUNTS;
    return step;
}

static const vt_rank_moves *moves_of(const vt_rank *r, uint32_t pass) {
    return pass == VT_RANK_JOIN   ? &r->joining
           : pass == VT_RANK_LIST ? &r->listing
           : is_over_lines(pass)  ? &r->walking
                                  : &r->deciding;
}

/* Along x and y, workgroups of the largest piece that keeps the bound, or one of each batch entry. */
static void choose_piece(const vt_rank *r, const vt_step *whole, const vt_rank_moves *moves,
                         uint32_t piece[2]) {
    uint64_t x = whole->groups[0], y = whole->groups[1];
    uint64_t most = moves->all <= r->max_moves
                        ? UINT64_MAX
                        : r->max_moves / vt_max(moves->workgroup, 1) / whole->groups[2];
    piece[0] = (uint32_t)vt_min(x, vt_max(most, 1));
    piece[1] = (uint32_t)vt_min(y, vt_max(most / x, 1));
}

/* Pieces of a pass need nothing of each other, but all bind the whole state or all scores: the program puts barriers between. */
static void add_pass(const vt_rank *r, uint32_t pass, uint32_t shift, vt_program *program) {
    const vt_rank_moves *moves = moves_of(r, pass);
    const vt_step whole = step_of(r, pass, shift);
    uint32_t piece[2];
    choose_piece(r, &whole, moves, piece);
    vt_step step = whole;
    for (uint64_t y = 0; y < whole.groups[1]; y += piece[1])
        for (uint64_t x = 0; x < whole.groups[0] && vt_program_has_room(program); x += piece[0]) {
            step.select.first_x = (uint32_t)x;
            step.select.first_y = (uint32_t)y;
            step.groups[0] = (uint32_t)vt_min(piece[0], whole.groups[0] - x);
            step.groups[1] = (uint32_t)vt_min(piece[1], whole.groups[1] - y);
            uint64_t workgroups = (uint64_t)step.groups[0] * step.groups[1] * step.groups[2];
            step.moves = vt_min(moves->all, vt_saturating_mul(moves->workgroup, workgroups));
            vt_program_add(program, &step);
            step.barrier_before = false;
        }
}

/* From the highest bits down: how many, or how much, lies above each limit, then which limit it is. */
static void add_search(const vt_rank *r, uint32_t measure, uint32_t pick, vt_program *program) {
    for (uint32_t shift = LIMIT_BITS; shift > 0; shift -= BITS) {
        add_pass(r, measure, shift - BITS, program);
        add_pass(r, pick, shift - BITS, program);
    }
}

void vt_rank_steps(const vt_rank *r, vt_program *program) {
    if (r->joins)
        add_pass(r, VT_RANK_JOIN, 0, program);
    if (r->blocks)
        add_pass(r, VT_RANK_MEASURE, 0, program);
    add_pass(r, VT_RANK_START, 0, program);
    if (r->budget == VATTEN_BUDGET_MASS) {
        add_pass(r, VT_RANK_MASS, 0, program);
        add_pass(r, VT_RANK_GOAL, 0, program);
        add_search(r, VT_RANK_WEIGH, VT_RANK_PICK_WEIGHT, program);
    }
    if (r->budget != VATTEN_BUDGET_TOP) {
        add_pass(r, VT_RANK_TIES, 0, program);
        add_pass(r, VT_RANK_BUDGET, 0, program);
    }
    add_search(r, VT_RANK_COUNT, VT_RANK_PICK, program);
    add_pass(r, VT_RANK_ENDS, 0, program);
    add_pass(r, VT_RANK_SCAN, 0, program);
    if (r->blocks)
        add_pass(r, VT_RANK_MARK, 0, program);
    add_pass(r, VT_RANK_LIST, 0, program);
}
