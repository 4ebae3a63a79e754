/* SPDX-License-Identifier: MIT */
#include "step_work.h"

#include "program_must.h"
#include "sizes.h"

/* What a step does at least, and whether no plan could have made it smaller. */
typedef struct work {
    uint64_t macs, moves;
    bool least;
} work;

static uint64_t slices(const vt_step *step) {
    return (uint64_t)step->groups[1] * step->groups[2];
}

/* Tokens of the first thousand blocks: enough to see that tokens are counted, soon done. */
static uint64_t pooled_tokens(const vt_pool_push *p, const uint32_t *side) {
    uint64_t tokens = 0, end = vt_min(p->end, (uint64_t)p->first + 1000);
    const uint64_t extent[3] = {p->extent0, p->extent1, p->extent2};
    for (uint64_t n = p->first; n < end; ++n) {
        const uint64_t at[3] = {n / p->blocks2 / p->blocks1, n / p->blocks2 % p->blocks1, n % p->blocks2};
        uint64_t volume = 1;
        for (int a = 0; a < 3; ++a)
            volume *= vt_min(side[a], extent[a] - at[a] * side[a]);
        tokens += volume;
    }
    return tokens;
}

static work pool_work(const vt_step *step, const uint32_t *spec) {
    uint64_t blocks = step->pool.end - step->pool.first, dim = spec[VT_POOL_SPEC_DIM];
    uint64_t numbers = spec[VT_POOL_SPEC_KIND] == VT_POOL_MIN_MAX ? 2 : 1;
    uint64_t tokens = pooled_tokens(&step->pool, &spec[VT_POOL_SPEC_SIDE]);
    return (work){0, slices(step) * dim * (tokens + numbers * blocks), slices(step) == 1 && blocks == 1};
}

static work score_work(const vt_step *step, const uint32_t *spec, const step_bounds *b) {
    const vt_score_push *p = &step->score;
    bool few = p->blocks <= VT_SELECT_BLOCKS_AT_ONCE && p->rows <= vt_max(b->rows, 64);
    return (work){slices(step) * p->rows * p->blocks * spec[VT_SELECT_SPEC_DIM], 0, slices(step) == 1 && few};
}

/* Each limit is found bit by bit, by invocations that walk a row alone: a workgroup of them is the least, if rows are short. */
static work select_work(const vt_step *step, const uint32_t *spec, const step_bounds *b) {
    uint64_t rows = step->select.row_end - step->select.row_first;
    uint64_t walks = spec[VT_SELECT_SPEC_GROUP] + (spec[VT_SELECT_SPEC_BUDGET] == VT_BUDGET_MASS ? 64 : 32);
    return (work){0, slices(step) * rows * step->select.blocks * walks,
                  slices(step) == 1 && rows <= 64 && step->moves / 4 <= b->max_moves};
}

static bool over_lines(uint32_t pass) {
    return pass != VT_RANK_START && pass != VT_RANK_GOAL && pass != VT_RANK_PICK_WEIGHT &&
           pass != VT_RANK_BUDGET && pass != VT_RANK_PICK && pass != VT_RANK_SCAN;
}

/* Lines of the workgroups of a step: of each group they are in, those that are not past its end. */
static uint64_t lines_of(const vt_step *step, const uint32_t *spec) {
    const vt_select_push *p = &step->select;
    uint64_t rows = p->row_end - p->row_first, lines = 0;
    for (uint64_t x = p->first_x; x < (uint64_t)p->first_x + step->groups[0]; ++x) {
        uint64_t group = x / p->workgroups, begin = x % p->workgroups * spec[VT_SPEC_WORKGROUP];
        uint64_t of_group =
            vt_min(p->budget_rows, rows - group * p->budget_rows) * spec[VT_SELECT_SPEC_HEADS];
        lines += vt_min(of_group - vt_min(of_group, begin), spec[VT_SPEC_WORKGROUP]);
    }
    return slices(step) * lines;
}

/* Values of a piece of rows of topk, which are cut into those of workgroups. */
static uint64_t chunks_of(const vt_step *step) {
    const vt_select_push *p = &step->select;
    uint64_t values = 0, most = 64 * VT_RANK_CHUNK;
    for (uint64_t x = p->first_x; x < (uint64_t)p->first_x + step->groups[0]; ++x)
        values += vt_min(p->blocks - x % p->workgroups * most, most);
    return slices(step) * values;
}

/* Whether a workgroup of half as many lanes would do no less: an invocation owns a line, and the sums over all workgroups of a group
 * are a workgroup's, too. */
static bool has_least_lanes(const vt_step *step, const uint32_t *spec) {
    const vt_select_push *p = &step->select;
    uint32_t lanes = spec[VT_SPEC_WORKGROUP];
    uint64_t lines = (uint64_t)p->budget_rows * spec[VT_SELECT_SPEC_HEADS];
    uint64_t partials = vt_ceil_div(lines, vt_max(lanes / 2, 1)) * VT_RANK_PARTIAL_WORDS;
    return lanes == 1 || partials + VT_RANK_STATE_WORDS >= vt_min(lanes, lines) * p->blocks;
}

/* A line is a row of blocks, with budgets of blocks one of them but for the first and the last pass; or a chunk of a row. */
static work rank_work(const vt_step *step, const uint32_t *spec, bool topk) {
    const vt_select_push *p = &step->select;
    uint32_t pass = spec[VT_SELECT_SPEC_PASS];
    bool by_block = spec[VT_SELECT_SPEC_FLAGS] & VT_SELECT_BY_BLOCK;
    bool of_block = by_block && pass != VT_RANK_JOIN && pass != VT_RANK_LIST;
    uint64_t state =
        slices(step) * step->groups[0] * (VT_RANK_STATE_WORDS + p->workgroups * VT_RANK_PARTIAL_WORDS);
    uint64_t values = !over_lines(pass) ? state
                      : topk            ? chunks_of(step)
                                        : lines_of(step, spec) * (of_block ? 1 : p->blocks);
    if (pass == VT_RANK_JOIN)
        values *= spec[VT_SELECT_SPEC_GROUP];
    return (work){0, values,
                  slices(step) == 1 && step->groups[0] == 1 && (topk || has_least_lanes(step, spec))};
}

uint64_t step_work_pass(const vt_program *program, const vt_step *step) {
    const vt_variant *variant = &program->variants[step->variant];
    vt_task task = vt_kernels[variant->kernel].task;
    const vt_select_push *p = &step->select;
    if (task != VT_TASK_RANK && task != VT_TASK_TOPK)
        return 0;
    uint64_t groups = vt_ceil_div(p->row_end - p->row_first, p->budget_rows);
    return groups * (over_lines(variant->spec[VT_SELECT_SPEC_PASS]) ? p->workgroups : 1) * p->count_y;
}

static uint64_t bits_of(uint32_t n) {
    uint64_t bits = 0;
    for (; n; n >>= 1)
        ++bits;
    return bits;
}

/* An entry is looked for in each row's list, by halves; then the marks are walked. */
static work mark_work(const vt_step *step, const uint32_t *spec) {
    const vt_mark_push *p = &step->mark;
    uint64_t looks = (uint64_t)p->rows * p->blocks * bits_of(spec[VT_MARK_SPEC_ENTRIES]);
    uint64_t marks = (uint64_t)p->row_blocks * p->blocks * vt_ceil_div(spec[VT_MARK_SPEC_BLOCK], 32);
    return (work){0, slices(step) * (spec[VT_MARK_SPEC_PASS] ? marks : looks),
                  slices(step) == 1 && p->row_blocks == 1};
}

/* All blocks are walked however few rows there are, so a few times what one row takes is no more than the least. */
static work invert_work(const vt_step *step, const uint32_t *spec) {
    const vt_invert_push *p = &step->invert;
    uint32_t pass = spec[VT_INVERT_SPEC_PASS];
    uint64_t slots = (uint64_t)p->rows * spec[VT_INVERT_SPEC_ENTRIES], entries = spec[VT_INVERT_SPEC_ENTRIES];
    uint64_t counts = (uint64_t)p->chunks * p->blocks, blocks = p->blocks;
    uint64_t some = pass == VT_INVERT_COUNT     ? counts + 2 * slots
                    : pass == VT_INVERT_ADD_UP  ? 2 * counts
                    : pass == VT_INVERT_OFFSETS ? 2 * blocks
                                                : 4 * slots;
    uint64_t one = pass == VT_INVERT_COUNT     ? blocks + 3 * entries
                   : pass == VT_INVERT_ADD_UP  ? 3 * blocks
                   : pass == VT_INVERT_OFFSETS ? 3 * blocks
                                               : 5 * entries;
    return (work){0, slices(step) * some, step->moves <= 2 * one};
}

static work spans_work(const vt_step *step) {
    const vt_spans_push *p = &step->spans;
    uint64_t begin = (uint64_t)p->first * VT_SPAN,
             keys = vt_min(step->groups[0] * 64ull * VT_SPAN, p->keys - begin);
    uint64_t tables = (p->segments != UINT32_MAX && p->expiry != UINT32_MAX) ? 2 : 1;
    return (work){0, slices(step) * tables * keys, slices(step) == 1 && step->groups[0] == 1};
}

static work append_work(const vt_step *step, const uint32_t *spec) {
    uint64_t heads = (uint64_t)step->groups[0] * step->groups[2],
             rows = step->append.q_last - step->append.q_first;
    return (work){0, heads * rows * spec[VT_APPEND_SPEC_DIM] * 2, heads == 1 && rows == 1};
}

/* States of all heads of a part of attention are merged together. */
static work combine_work(const vt_step *step, const uint32_t *spec) {
    const vt_combine_push *p = &step->combine;
    uint64_t dim = spec[VT_COMBINE_SPEC_DIM], lines = slices(step) * p->rows;
    bool states = spec[VT_COMBINE_SPEC_MODE] >= VT_COMBINE_STATE;
    uint64_t row = states ? spec[VT_COMBINE_SPEC_PAD] + 1 + spec[VT_COMBINE_SPEC_LANES] : dim;
    return (work){0, lines * (p->parts * row + dim), p->rows == 1 && (states || slices(step) == 1)};
}

static work work_of(const vt_program *program, const vt_step *step, const step_bounds *b) {
    const vt_variant *variant = &program->variants[step->variant];
    const uint32_t *spec = variant->spec;
    switch (vt_kernels[variant->kernel].task) {
    case VT_TASK_POOL:
    case VT_TASK_POOL_KEEP:
        return pool_work(step, spec);
    case VT_TASK_SCORE:
        return score_work(step, spec, b);
    case VT_TASK_SELECT:
        return select_work(step, spec, b);
    case VT_TASK_RANK:
    case VT_TASK_TOPK:
        return rank_work(step, spec, vt_kernels[variant->kernel].task == VT_TASK_TOPK);
    case VT_TASK_MARK:
        return mark_work(step, spec);
    case VT_TASK_INVERT:
        return invert_work(step, spec);
    case VT_TASK_SPANS:
        return spans_work(step);
    case VT_TASK_COMBINE:
        return combine_work(step, spec);
    case VT_TASK_ATTEND: /* whose least part depends on the map: program_rules.c, rules_must.c, test_mass_rules.c */
        return (work){0, 0, true};
    default:
        return append_work(step, spec);
    }
}

const char *step_work_broken(const vt_program *program, const vt_step *step, const step_bounds *bounds) {
    const work w = work_of(program, step, bounds);
    MUST(step->macs >= w.macs);
    MUST(step->moves >= w.moves);
    MUST(program->largest_macs >= step->macs);
    MUST(program->largest_moves >= step->moves);
    MUST(step->moves <= bounds->max_moves || w.least);
    MUST(step->macs <= bounds->max_macs || w.least);
    return NULL;
}
