/* SPDX-License-Identifier: MIT
 *
 * vatten_neighborhood_estimate: the simulator behind the public header. It stops where a plan would begin to
 * compile.
 */
#include "device.h"
#include "log.h"
#include "ops.h"
#include "sizes.h"
#include "visible.h"

#include <inttypes.h>
#include <string.h>

/* What a tile has that no device has judged. */
static vatten_result bare_tile(const vt_problem *p, const vatten_logger *logger, vt_tile *out) {
    const vatten_tile *ask = &p->tile;
    *out = (vt_tile){.layout = ask->layout,
                     .workgroup = ask->workgroup,
                     .rows = ask->rows,
                     .keys = ask->keys,
                     .lanes_per_row = ask->lanes_per_row};
    if (ask->rows >= 1 && ask->rows <= 1024 && ask->keys >= 1 && ask->keys <= 1024)
        return VATTEN_SUCCESS;
    vt_log(logger, VATTEN_LOG_ERROR, p->label,
           "neighborhood: without a device tile rows %" PRIu32 " and keys %" PRIu32 " must be 1..1024",
           ask->rows, ask->keys);
    return VATTEN_ERROR_INVALID_ARGUMENT;
}

/* Extra keys are a dense walk of its own, here as there. */
static void count(const vt_problem *p, const vt_tile *tile, const vt_box *box, vatten_estimate *out) {
    const vt_visits visits = vt_simulate(p, tile->keys, box);
    uint64_t blocks = vt_ceil_div(p->q_len, tile->rows);
    uint64_t extra = vt_ceil_div(p->extra_len, tile->keys);
    uint64_t all;
    const vt_visits fixed = vt_simulate_fixed(p, box, &all);
    out->tile = (vatten_tile){tile->layout, tile->workgroup, tile->rows, tile->keys, tile->lanes_per_row};
    memcpy(out->box, box->side, sizeof out->box);
    out->visible_pairs = vt_visible_neighborhood(p);
    out->dense_pairs = p->q_len * (p->kv_len + p->extra_len);
    out->query_tiles = visits.boxes;
    out->visited_tiles = visits.tiles + blocks * extra;
    out->most_tiles = vt_max(visits.most, extra);
    out->visited_pairs = vt_saturating_mul(out->visited_tiles, (uint64_t)tile->rows * tile->keys);
    out->dense_tiles = blocks * (vt_ceil_div(p->kv_len, tile->keys) + extra);
    out->ideal_speedup = (double)out->dense_pairs / (double)out->visible_pairs;
    out->bound = (double)out->dense_tiles / (double)out->visited_tiles;
    out->fixed_bound = (double)all / (double)fixed.tiles;
}

vatten_result vatten_neighborhood_estimate(const vatten_device *device, const vatten_logger *logger,
                                           const vatten_neighborhood_desc *desc,
                                           vatten_estimate *out_estimate) {
    static const vatten_logger silent = {NULL, NULL};
    if (out_estimate)
        memset(out_estimate, 0, sizeof *out_estimate);
    if (!desc || !out_estimate)
        return VATTEN_ERROR_INVALID_ARGUMENT;
    const vatten_logger *to = logger ? logger : device ? &device->logger : &silent;
    const vt_caps none = vt_caps_boundless("no device");
    const vt_caps *caps = device ? &device->caps : &none;
    vt_problem problem;
    vt_tile tile;
    vt_box box;
    uint32_t row = 0;
    vatten_result result = vt_problem_from_neighborhood(caps, to, desc, &problem);
    if (result == VATTEN_SUCCESS && desc->head_axes) {
        vt_log(to, VATTEN_LOG_ERROR, problem.label,
               "neighborhood: an estimate is of one rule: leave head_axes out");
        result = VATTEN_ERROR_INVALID_ARGUMENT;
    }
    if (result == VATTEN_SUCCESS)
        result = device ? vt_tune(caps, to, &problem, &row, &tile) : bare_tile(&problem, to, &tile);
    const vt_op_input input = {caps, to, &problem, &tile};
    if (result == VATTEN_SUCCESS)
        result = vt_neighborhood_box(&input, &box);
    if (result == VATTEN_SUCCESS)
        count(&problem, &tile, &box, out_estimate);
    return result;
}
