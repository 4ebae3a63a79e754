/* SPDX-License-Identifier: MIT
 *
 * How attention mass is cut: into parts of batch entries, heads and rows, and chains of dispatches over their steps.
 */
#include "log.h"
#include "mass_rules.h"
#include "rules_bind.h"
#include "rules_cut.h"
#include "sizes.h"

#include <inttypes.h>

static const vt_mass *mass_of(const vt_op_input *op) {
    return op->problem->mass;
}

static bool packed(const vt_op_input *op) {
    return vt_rules_packed(&op->problem->rules);
}

bool vt_mass_binds_queries(const vt_mass *m) {
    return m->kind == VATTEN_MASS_ROWS || vt_rules_packed(&m->problem.rules);
}

uint64_t vt_mass_tiles(const vt_op_input *op, uint64_t rows) {
    const vt_mass *m = mass_of(op);
    const vt_rules *r = &op->problem->rules;
    if (packed(op) && m->kind == VATTEN_MASS_ROWS)
        return rows; /* any row may be of any sequence */
    if (packed(op) && m->columns)
        return r->page_size ? vt_saturating_mul(r->sequences, vt_ceil_div(rows, op->tile->rows))
                            : rows / op->tile->rows + r->sequences;
    return vt_rules_tiles(op, rows);
}

/* Most steps of a part that a tile visits. Rows that are asked for may be far apart; keys of a prefix are seen by all. */
static uint64_t visited(const vt_op_input *op, uint64_t steps) {
    const vt_mass *m = mass_of(op);
    bool any = m->kind == VATTEN_MASS_ROWS || (m->columns && op->problem->prefix);
    return any ? vt_round_up(steps, op->tile->keys) : vt_rules_visited(op, steps, false);
}

uint64_t vt_mass_macs(const vt_op_input *op, const vt_mass_cut *c, uint64_t tiles) {
    uint64_t steps = visited(op, c->steps);
    uint64_t pairs = vt_saturating_mul(vt_saturating_mul(tiles, op->tile->rows), steps);
    uint64_t slices = vt_saturating_mul(c->batch, c->heads / op->problem->rules.tile_heads);
    return vt_saturating_mul(vt_saturating_mul(pairs, slices), op->problem->dim);
}

/* ---- Loops ---- */

/* Turns of an invocation that begin rows with 0. */
static uint64_t clearing(const vt_op_input *op, const vt_mass_cut *c) {
    const vt_mass *m = mass_of(op);
    if (m->columns || m->kind == VATTEN_MASS_ENTROPY)
        return 0;
    if (m->kind == VATTEN_MASS_ROWS)
        return packed(op) ? m->bins : c->steps + op->tile->keys;
    return m->kind == VATTEN_MASS_SEGMENTS ? m->bins : c->steps / m->size + 2;
}

/* Bins that are begun, and looking for where they end. */
static uint64_t binning(const vt_op_input *op, const vt_mass_cut *c) {
    const vt_mass *m = mass_of(op);
    uint64_t tiles = vt_ceil_div(visited(op, c->steps), op->tile->keys) + 2;
    uint64_t rows = (uint64_t)op->tile->rows * op->tile->lanes_per_row / op->tile->workgroup;
    uint64_t exchange = vt_tile_owns_rows(op->tile) ? 0 : rows * (2 + op->tile->lanes_per_row);
    if (m->kind == VATTEN_MASS_BLOCK_MAX)
        return vt_saturating_mul(tiles + c->steps / m->size + 2, 2 + op->tile->iterations) +
               vt_saturating_mul(c->steps / m->size + 2, exchange);
    if (m->kind == VATTEN_MASS_SEGMENTS) /* every key may be a run of its own */
        return vt_saturating_mul(c->steps + op->tile->keys, 3 + exchange);
    return 0;
}

static bool loops_fit(const vt_op_input *op, const vt_mass_cut *c) {
    const vt_mass *m = mass_of(op);
    uint64_t turns = m->columns ? m->head_unit : 1,
             spans = m->columns ? 0 : vt_rules_span_loops(op, c->steps);
    uint64_t tiles = vt_ceil_div(visited(op, c->steps), op->tile->keys) + 3;
    uint64_t loading = 2 * (uint64_t)op->tile->rows * (op->tile->dim_pad / 8 + 1);
    uint64_t loops = vt_saturating_mul(vt_saturating_mul(tiles, op->tile->iterations) + loading + 64, turns);
    return loops + spans + clearing(op, c) + binning(op, c) + 4 * (uint64_t)op->tile->rows <=
           op->caps->loop_limit;
}

/* ---- Bindings ---- */

/* Of q, k, log-sum-exp and bias: queries and keys that a part binds. */
static bool tensors_bind(const vt_op_input *op, const vt_mass_cut *c, uint64_t queries, uint64_t keys) {
    const vt_problem *p = op->problem;
    return vt_tensor_range(p, &p->q, op->caps->storage_alignment, c->batch, c->heads, queries, p->dim) <=
               op->caps->storage_range &&
           vt_rules_keys_bind(op, &p->k, c->batch, c->heads, keys, p->dim) &&
           vt_rules_lse_binds(op, c->batch, c->heads, queries) &&
           vt_rules_bias_binds(op, c->batch, c->heads, queries, keys);
}

static bool input_binds(const vt_op_input *op, const vt_mass_cut *c, uint64_t queries) {
    const vt_mass *m = mass_of(op);
    if (!m->has_input)
        return true;
    uint64_t bytes = m->columns ? vt_range(&m->input, sizeof(float), op->caps->storage_alignment, c->batch,
                                           c->heads, queries, 1)
                                : m->input.elements * sizeof(float);
    return bytes <= op->caps->storage_range;
}

/* Of `out`; sequences in pages are bound together. */
static bool out_binds(const vt_op_input *op, const vt_mass_cut *c) {
    const vt_mass *m = mass_of(op);
    bool all = m->columns && packed(op) && op->problem->rules.page_size != 0;
    uint64_t batch = all ? op->problem->rules.sequences : c->batch;
    uint64_t heads = m->columns ? c->heads / m->head_unit : c->heads;
    return vt_range(&m->out, sizeof(float), op->caps->storage_alignment, batch, heads, c->rows, m->bins) <=
           op->caps->storage_range;
}

static bool fits(const vt_op_input *op, const vt_mass_cut *c) {
    const vt_mass *m = mass_of(op);
    const uint32_t *groups = op->caps->groups;
    uint64_t queries = vt_mass_binds_queries(m) ? op->problem->q_len : m->columns ? c->steps : c->rows;
    uint64_t keys = m->columns ? c->rows : c->steps;
    bool tiles = packed(op) || vt_mass_tiles(op, c->rows) <= groups[0];
    return tiles && c->heads / m->head_unit <= groups[1] && c->batch <= groups[2] && loops_fit(op, c) &&
           tensors_bind(op, c, queries, keys) && input_binds(op, c, queries) && out_binds(op, c);
}

/* ---- Choice ---- */

static uint64_t halve(uint64_t size, uint64_t grain) {
    return vt_max(vt_round_down(vt_ceil_div(size, 2), grain), grain);
}

/* Steps are cut at whole tiles and spans. */
static uint64_t smaller_steps(const vt_op_input *op, uint64_t steps) {
    return halve(steps, vt_rules_span_keys(op));
}

static uint64_t least_rows(const vt_op_input *op) {
    return vt_max(op->tile->rows / op->problem->rules.tile_heads, 1);
}

/* The next smaller part; false: there is none. What leaves most of the work in one dispatch gives way first. */
static bool shrink(const vt_op_input *op, vt_mass_cut *c) {
    const vt_mass *m = mass_of(op);
    uint64_t row = least_rows(op), steps = smaller_steps(op, c->steps);
    if (c->batch > 1)
        c->batch = vt_ceil_div(c->batch, 2);
    else if (c->rows > row && !packed(op))
        c->rows = halve(c->rows, row);
    else if (c->heads > m->head_unit)
        c->heads = halve(c->heads, m->head_unit);
    else if (c->steps > steps)
        c->steps = steps;
    else
        return false;
    return true;
}

/* Whether fewer rows and batch entries would do, with so many heads. */
static bool fits_few(const vt_op_input *op, const vt_mass_cut *c, uint64_t heads) {
    vt_mass_cut few = *c;
    few.batch = 1;
    few.heads = heads;
    few.rows = packed(op) ? c->rows : vt_min(c->rows, least_rows(op));
    return fits(op, &few);
}

/* Steps and heads give way where nothing else helps: else tensors that no binding holds would leave a tile of rows to each
 * dispatch. */
static void shrink_first(const vt_op_input *op, vt_mass_cut *c) {
    uint64_t unit = mass_of(op)->head_unit;
    while (!fits_few(op, c, unit) && smaller_steps(op, c->steps) < c->steps)
        c->steps = smaller_steps(op, c->steps);
    while (!fits_few(op, c, c->heads) && c->heads > unit)
        c->heads = halve(c->heads, unit);
}

static bool works(const vt_op_input *op, const vt_mass_cut *c) {
    uint64_t tiles = packed(op) ? 1 : vt_mass_tiles(op, c->rows);
    return vt_mass_macs(op, c, tiles) <= op->problem->max_macs;
}

/* Heads go before rows where a part of all rows binds: their tiles fill a dispatch better. */
static bool shrink_work(const vt_op_input *op, vt_mass_cut *c) {
    const vt_mass *m = mass_of(op);
    if (c->batch > 1 || c->heads <= m->head_unit)
        return shrink(op, c);
    c->heads = halve(c->heads, m->head_unit);
    return true;
}

static uint64_t tiles_of(const vt_op_input *op, const vt_mass_cut *c) {
    uint64_t tiles = vt_mass_tiles(op, c->rows), one = vt_mass_macs(op, c, 1);
    uint64_t work = vt_max(op->problem->max_macs / vt_max(one, 1), 1);
    return packed(op) ? vt_min(vt_min(tiles, op->caps->groups[0]), work) : tiles;
}

static vatten_result refuse(const vt_op_input *op) {
    vt_log(op->logger, VATTEN_LOG_ERROR, op->problem->label,
           "mass: the smallest part does not fit %s: a binding holds %" PRIu64
           " bytes, an invocation makes %" PRIu64 " loop iterations",
           op->caps->name, op->caps->storage_range, op->caps->loop_limit);
    return VATTEN_ERROR_UNSUPPORTED;
}

vatten_result vt_mass_cut_of(const vt_op_input *op, vt_mass_cut *out) {
    const vt_problem *p = op->problem;
    const vt_mass *m = mass_of(op);
    vt_mass_cut c = {.batch = p->batch, .heads = p->heads, .rows = m->rows, .steps = m->steps};
    if (p->rules.tables.bytes > op->caps->storage_range)
        return refuse(op);
    shrink_first(op, &c);
    while (!fits(op, &c))
        if (!shrink(op, &c))
            return refuse(op);
    /* The bound on work yields to the smallest part. */
    for (vt_mass_cut next = c; !works(op, &c); c = next)
        if (!shrink_work(op, &next) || !fits(op, &next))
            break;
    c.tiles = tiles_of(op, &c);
    *out = c;
    return VATTEN_SUCCESS;
}
