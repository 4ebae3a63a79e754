/* SPDX-License-Identifier: MIT
 *
 * A tile: what one workgroup takes at a time, in which layout, what follows from that (paddings, shared memory, loop
 * iterations), and whether it can run a problem on a device.
 */
#ifndef VT_TILE_H
#define VT_TILE_H

#include "problem.h"

typedef struct vt_tile {
    vatten_layout layout;
    uint32_t workgroup;
    uint32_t rows;
    uint32_t keys;
    uint32_t lanes_per_row;
    uint32_t dim_pad;
    uint32_t value_pad;
    uint32_t dim_chunk;
    uint32_t subgroup; /* layouts with matrices only: invocations of a subgroup */
    vt_matrix
        matrix;   /* likewise: the product that the kernel is made of, or what its sides are multiples of */
    bool hold;    /* likewise: queries stay in registers */
    bool repacks; /* ADDRESS only: keys and values are repacked first (repack.h) */
    uint32_t shared_bytes;
    uint64_t iterations; /* loop iterations of one invocation per key tile, not less than the truth */
} vt_tile;

/* ROWS and ADDRESS: a lane owns whole query rows. */
bool vt_tile_owns_rows(const vt_tile *tile);

/* Words of shared memory that a key takes in the split layouts: of four elements, of K or of V, whichever are more. */
uint32_t vt_tile_stage_words(const vt_tile *tile);

/* NULL if a tile's workgroup, rows, keys and lanes_per_row may stand together on some device, else why not. */
const char *vt_tile_malformed(const vt_tile *tile);

/* Fills in what follows from layout, workgroup, rows, keys, lanes_per_row, subgroup, matrix and the problem's dims.
 * NULL if the tile can run the problem on the device, else why not. */
const char *vt_tile_complete(const vt_caps *caps, const vt_problem *problem, vt_tile *tile);

/* Why no tile of a layout with matrices can run the problem on the device, or NULL. */
const char *vt_tile_missing(const vt_caps *caps, vatten_layout layout, const vt_problem *problem);

#endif /* VT_TILE_H */
