/* SPDX-License-Identifier: MIT */
#include "tune.h"

#include "log.h"
#include "repack.h"
#include "simulate.h"
#include "sizes.h"
#include "tune_workgroup.h"

#include <inttypes.h>

static vt_tile tile_of_row(const vt_caps *caps, const vt_tune_row *row, const vt_problem *problem) {
    const vatten_tile *ask = &problem->tile;
    vt_tile tile = {.layout = ask->layout ? ask->layout : row->layout};
    tile.workgroup = ask->workgroup ? ask->workgroup : row->workgroup ? row->workgroup : caps->subgroup_size;
    tile.lanes_per_row = ask->lanes_per_row ? ask->lanes_per_row : row->lanes_per_row;
    if (tile.lanes_per_row == 0)
        tile.lanes_per_row = tile.workgroup;
    uint32_t row_groups = tile.lanes_per_row ? tile.workgroup / tile.lanes_per_row : 0;
    tile.rows = ask->rows ? ask->rows : row->rows ? row->rows : row->rows_per_lane * row_groups;
    tile.keys = ask->keys ? ask->keys : row->keys ? row->keys : tile.workgroup;
    return tile;
}

/* As few lanes to a row as the rows of a subgroup leave: the less they exchange. */
static uint32_t matrix_lanes(const vt_tile *tile) {
    uint32_t subgroups = tile->workgroup / tile->subgroup;
    uint32_t rows = subgroups ? tile->rows / subgroups : 0;
    uint32_t lanes = 1;
    while (lanes < tile->subgroup && rows % (tile->subgroup / lanes) != 0)
        lanes *= 2;
    return lanes;
}

static vt_tile tile_of_matrix(const vt_caps *caps, const vt_tune_row *row, const vatten_tile *ask,
                              const vt_matrix *matrix) {
    vt_tile tile = {.layout = row->layout, .subgroup = caps->matrix_subgroup, .matrix = *matrix};
    uint32_t workgroup = row->rows ? row->workgroup : row->workgroup * tile.subgroup;
    tile.workgroup = ask->workgroup ? ask->workgroup : workgroup;
    uint32_t rows = row->rows ? row->rows : row->rows_per_lane * matrix->m * (tile.workgroup / tile.subgroup);
    tile.rows = ask->rows ? ask->rows : rows;
    tile.keys = ask->keys ? ask->keys : row->keys;
    tile.lanes_per_row = ask->lanes_per_row ? ask->lanes_per_row : row->lanes_per_row;
    if (tile.lanes_per_row == 0)
        tile.lanes_per_row = row->layout == VATTEN_LAYOUT_MATRIX2 ? matrix->n : matrix_lanes(&tile);
    return tile;
}

/* The first of the device's matrices, of a subgroup or of a workgroup, that the row makes a tile of. */
static const char *try_matrices(const vt_caps *caps, const vt_tune_row *row, const vt_problem *problem,
                                vt_tile *out) {
    bool whole = row->layout == VATTEN_LAYOUT_MATRIX_WORKGROUP;
    uint32_t counts[2];
    const vt_matrix *list = vt_caps_matrices(caps, problem->dtype, &counts[0]);
    const vt_flexible *flexible = vt_caps_flexible(caps, problem->dtype, &counts[1]);
    const char *why = vt_tile_missing(caps, row->layout, problem);
    if (why)
        return why;
    for (uint32_t i = 0; i < counts[whole]; ++i) {
        *out = whole ? vt_workgroup_tile(caps, row, &problem->tile, &flexible[i])
                     : tile_of_matrix(caps, row, &problem->tile, &list[i]);
        why = vt_tile_complete(caps, problem, out);
        if (!why)
            return NULL;
    }
    return why;
}

static const char *try_row(const vt_caps *caps, const vt_tune_row *row, const vt_problem *problem,
                           vt_tile *out) {
    if (vt_layout_has_matrices(row->layout))
        return try_matrices(caps, row, problem, out);
    *out = tile_of_row(caps, row, problem);
    return vt_tile_complete(caps, problem, out);
}

/* Rows of queries that one KV head has at the same keys: what a tile can be filled with. */
static uint64_t rows_of_tile(const vt_problem *problem) {
    const vt_rules *rules = &problem->rules;
    return rules->used ? vt_ceil_div(problem->q_len, rules->sequences) * rules->tile_heads : UINT64_MAX;
}

static uint32_t task_of(const vt_problem *problem) {
    return problem->mass                         ? VT_TUNE_MASS
           : problem->map == VT_MAP_NEIGHBORHOOD ? VT_TUNE_NEIGHBORHOOD
           : problem->map == VT_MAP_LISTS        ? VT_TUNE_LISTS
                                                 : VT_TUNE_ATTENTION;
}

/* Masks that are told pair by pair, biases and weights cost the same at any dim, and more than products at small ones. */
static bool mostly_products(const vt_problem *problem) {
    bool plain = problem->map == VT_MAP_DENSE && !problem->rules.used;
    return plain || vt_max(problem->dim, problem->value_dim) > 32;
}

static bool suits(const vt_caps *caps, vt_tune_when when, const vt_problem *problem) {
    switch (when) {
    case VT_TUNE_ANY:
        return true;
    case VT_TUNE_CPU:
        return vt_caps_is_cpu(caps);
    case VT_TUNE_ONCE:
        return caps->loads_once;
    case VT_TUNE_PRODUCTS:
        return !vt_caps_is_cpu(caps) && mostly_products(problem);
    case VT_TUNE_DOTS:
        return !vt_caps_is_cpu(caps) && caps->dots_accelerated;
    default:
        return false;
    }
}

static bool layout_matches(const vt_caps *caps, const vt_tune_row *row, const vt_problem *problem) {
    if (problem->mass && !vt_layout_has_mass(row->layout))
        return false;
    vatten_layout asked = problem->tile.layout;
    if (asked == VATTEN_LAYOUT_AUTO)
        return suits(caps, row->when, problem);
    bool alike = asked == VATTEN_LAYOUT_HALF || asked == VATTEN_LAYOUT_MIXED;
    return row->layout == asked || (alike && row->layout == VATTEN_LAYOUT_PACKED);
}

static bool matches(const vt_caps *caps, const vt_tune_row *row, const vt_problem *problem) {
    uint32_t dim = (uint32_t)vt_max(problem->dim, problem->value_dim);
    uint64_t filled = rows_of_tile(problem);
    bool rows = (row->max_rows == 0 || filled <= row->max_rows) && filled >= row->min_rows;
    bool dtype = row->dtypes == 0 || (row->dtypes & 1u << problem->dtype) != 0;
    bool task = row->tasks == 0 || (row->tasks & task_of(problem)) != 0;
    bool wide = !row->wide_keys || problem->dtype == VATTEN_DTYPE_F32 || vt_repack_pays(caps, problem);
    return layout_matches(caps, row, problem) && rows && dtype && task && wide && dim >= row->min_dim &&
           dim <= row->max_dim && row->registers <= caps->registers;
}

/* In the box that a plan would take with the tile, or the one asked for if it fits. */
static double pairs_of_axes(const vt_problem *p, const vt_tile *tile) {
    vt_box box = {{p->box[0], p->box[1], p->box[2]}};
    if (box.side[0] == 0)
        box = vt_simulate_best(p, tile, tile->rows);
    double pairs = (double)vt_simulate(p, tile->keys, &box).tiles * tile->rows * tile->keys;
    return pairs + (double)p->q_len * (double)p->extra_len;
}

/* Of all heads. */
static double visited_pairs(const vt_problem *problem, const vt_tile *tile) {
    vt_problem one = *problem;
    double sum = 0;
    for (uint32_t first = 0, end; first < problem->heads; first = end) {
        end = vt_problem_alike_end(problem, first, one.axis);
        sum += (end - first) * pairs_of_axes(&one, tile);
    }
    return sum;
}

const vt_tune_row *vt_tune_row_at(const vt_caps *caps, uint32_t i) {
    if (i < caps->tuned_count)
        return &caps->tuned[i];
    i -= caps->tuned_count;
    return i < vt_tune_table_count ? &vt_tune_table[i] : NULL;
}

/* Whether a row saves as many pairs as it is there for, beside what would be taken without it. */
static bool saves(const vt_problem *problem, const vt_tune_row *row, const vt_tile *tile,
                  const vt_tile *other) {
    const uint32_t *box = problem->box;
    if (problem->map != VT_MAP_NEIGHBORHOOD || box[0] * box[1] * box[2] > tile->rows)
        return false;
    return 100 * visited_pairs(problem, tile) <= row->percent * visited_pairs(problem, other);
}

/* Rows from `*row` on, up to the first that matches, fits and is for any share of pairs: what would be taken without the
 * rows above it. Leaves it in `*row`. NULL, or why the last row that matches does not fit. */
static const char *choose_any(const vt_caps *caps, const vt_problem *problem, uint32_t *row, vt_tile *out) {
    const char *why = "no tile of that layout is for these dims and a device of these registers";
    const vt_tune_row *at;
    for (; (at = vt_tune_row_at(caps, *row)); ++*row) {
        if (at->percent || !matches(caps, at, problem))
            continue;
        why = try_row(caps, at, problem, out);
        if (!why)
            return NULL;
    }
    return why;
}

/* The first row from `*row` on that is to be taken. Rows that ask what would be taken without them are tried against that, the
 * last one first. NULL, or why not. */
static const char *choose(const vt_caps *caps, const vt_problem *problem, uint32_t *row, vt_tile *out) {
    const uint32_t first = *row;
    const char *why = choose_any(caps, problem, row, out);
    for (uint32_t i = *row; i-- > first;) {
        const vt_tune_row *at = vt_tune_row_at(caps, i);
        vt_tile tile;
        if (at->percent == 0 || !matches(caps, at, problem) || try_row(caps, at, problem, &tile) ||
            (!why && !saves(problem, at, &tile, out)))
            continue;
        why = NULL;
        *out = tile;
        *row = i;
    }
    return why;
}

vatten_result vt_tune(const vt_caps *caps, const vatten_logger *logger, const vt_problem *problem,
                      uint32_t *row, vt_tile *out) {
    if (vt_max(problem->dim, problem->value_dim) > caps->max_dim) {
        vt_log(logger, VATTEN_LOG_ERROR, problem->label,
               "dim %" PRIu32 ", value_dim %" PRIu32 ": the shader compiler of %s takes dims up to %" PRIu32
               " only",
               problem->dim, problem->value_dim, caps->name, caps->max_dim);
        return VATTEN_ERROR_UNSUPPORTED;
    }
    const char *why = choose(caps, problem, row, out);
    if (!why)
        return VATTEN_SUCCESS;
    vt_log(logger, VATTEN_LOG_ERROR, problem->label,
           "no tile fits %s for dim %" PRIu32 ", value_dim %" PRIu32 " (shared memory %" PRIu32
           " bytes, %" PRIu32 " invocations, bindings of %" PRIu64 " bytes): %s",
           caps->name, problem->dim, problem->value_dim, caps->shared_bytes, caps->invocations,
           caps->storage_range, why);
    return VATTEN_ERROR_UNSUPPORTED;
}
