/* SPDX-License-Identifier: MIT
 *
 * The work of neighborhood attention for a tile and a box of queries, counted exactly and without a GPU: which
 * boxes there are and how many key tiles each of them visits. The choice of the box stands on the same counts.
 */
#ifndef VT_SIMULATE_H
#define VT_SIMULATE_H

#include "tune.h"

/* Queries of one workgroup: neighbours in one dilation group, `side` along each axis; at most tile.rows. */
typedef struct vt_box {
    uint32_t side[3];
} vt_box;

/* Of all dilation groups of one head, without the extra keys. */
typedef struct vt_visits {
    uint64_t boxes; /* that hold a query */
    uint64_t tiles; /* key tiles, summed over the boxes */
    uint64_t most;  /* key tiles of the box that visits most */
} vt_visits;

/* Key tiles are cut from a box's own keys, which begin at the window of its first query. */
vt_visits vt_simulate(const vt_problem *problem, uint32_t keys, const vt_box *box);

/* The same for kernels whose key tiles lie at fixed places: boxes of the same shape, at multiples of its sides.
 * `tiles` is what they visit, `boxes` times all key boxes of the group in `all`. */
vt_visits vt_simulate_fixed(const vt_problem *problem, const vt_box *box, uint64_t *all);

/* Whether the queries of each box see all keys that it visits: windows whose stride the box divides. False too where
 * that was not looked into: causal, open and rolled axes. */
bool vt_simulate_whole(const vt_problem *problem, const vt_box *box);

/* Most keys along an axis that a box with this side there visits. */
uint64_t vt_simulate_along(const vatten_axis *axis, uint32_t side);

/* The box of at most tile->rows queries, and at most `most_side0` along axis 0, whose key tiles are fewest; of
 * equals the one that is longest along the last axis, whose tokens are neighbours in memory. */
vt_box vt_simulate_best(const vt_problem *problem, const vt_tile *tile, uint32_t most_side0);

#endif /* VT_SIMULATE_H */
