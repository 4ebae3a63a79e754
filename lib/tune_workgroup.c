/* SPDX-License-Identifier: MIT */
#include "tune_workgroup.h"

#include "sizes.h"

const char *vt_workgroup_missing(const vt_caps *caps, vatten_dtype dtype) {
    uint32_t count;
    vt_caps_flexible(caps, dtype, &count);
    if (count == 0)
        return "the device lists no such matrices of a workgroup with f32 sums";
    return caps->matrix_subgroup == 0 ? "the subgroup size of a compute pipeline is not sure" : NULL;
}

static uint32_t round_up(uint32_t a, uint32_t b) {
    return (uint32_t)vt_round_up(a, b);
}

/* Sides are powers of two: a multiple of the larger is one of both. */
static uint32_t key_grain(const vt_matrix *grain) {
    return grain->n > grain->k ? grain->n : grain->k;
}

vt_tile vt_workgroup_tile(const vt_caps *caps, const vt_tune_row *row, const vatten_tile *ask,
                          const vt_flexible *flexible) {
    const vt_matrix *grain = &flexible->grain;
    vt_tile tile = {.layout = row->layout, .subgroup = caps->matrix_subgroup, .matrix = *grain};
    tile.workgroup = ask->workgroup   ? ask->workgroup
                     : row->workgroup ? row->workgroup
                                      : flexible->invocations;
    tile.rows = ask->rows ? ask->rows : round_up(row->rows, grain->m);
    tile.keys = ask->keys ? ask->keys : round_up(row->keys, key_grain(grain));
    tile.lanes_per_row = ask->lanes_per_row ? ask->lanes_per_row : tile.keys;
    return tile;
}

static bool listed(const vt_caps *caps, vatten_dtype dtype, const vt_tile *tile) {
    uint32_t count;
    const vt_flexible *list = vt_caps_flexible(caps, dtype, &count);
    const vt_matrix *own = &tile->matrix;
    for (uint32_t i = 0; i < count; ++i) {
        const vt_matrix *grain = &list[i].grain;
        if (list[i].invocations == tile->workgroup && grain->m == own->m && grain->n == own->n &&
            grain->k == own->k)
            return true;
    }
    return false;
}

const char *vt_workgroup_size_misfit(const vt_caps *caps, vatten_dtype dtype, const vt_tile *tile) {
    if (!listed(caps, dtype, tile))
        return "the device lists no matrices for a workgroup of so many invocations";
    if (tile->subgroup == 0 || tile->workgroup % tile->subgroup != 0)
        return "workgroup must be a multiple of the subgroup size";
    if (tile->rows % tile->matrix.m != 0)
        return "rows must be a multiple of what the device's matrices of a workgroup have";
    if (tile->keys % key_grain(&tile->matrix) != 0)
        return "keys must be a multiple of what the device's matrices of a workgroup have";
    return NULL;
}

const char *vt_workgroup_misfit(const vt_caps *caps, const vt_tile *tile) {
    const uint32_t sides[] = {tile->rows, tile->keys, tile->dim_pad, tile->value_pad};
    if (tile->workgroup / tile->subgroup > caps->subgroups)
        return "workgroup has more subgroups than the device takes";
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; ++i)
        if (sides[i] > caps->matrix_side_max)
            return "rows, keys or dims are above the longest side of the device's matrices";
    return tile->shared_bytes > caps->shared_bytes
               ? "not enough shared memory for what the driver takes for matrices of a workgroup"
               : NULL;
}

/* A load for each stretch of keys and of values, a key at least. */
uint64_t vt_workgroup_iterations(const vt_tile *tile) {
    return 1 + 2 * (uint64_t)tile->keys;
}
