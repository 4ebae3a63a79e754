/* SPDX-License-Identifier: MIT
 *
 * Tiles of the layout MATRIX_WORKGROUP, for tune.c: their sides are those of the matrices of layout_matrix_workgroup.glsl, and
 * a device says what those are multiples of, for a workgroup of how many invocations.
 */
#ifndef VT_TUNE_WORKGROUP_H
#define VT_TUNE_WORKGROUP_H

#include "tune.h"

/* Why the device has no such matrices of a dtype, or NULL. */
const char *vt_workgroup_missing(const vt_caps *caps, vatten_dtype dtype);

/* What a row makes of one of the device's matrices; what `ask` leaves 0 is the row's. */
vt_tile vt_workgroup_tile(const vt_caps *caps, const vt_tune_row *row, const vatten_tile *ask,
                          const vt_flexible *flexible);

/* Why the tile cannot be made of its matrices, or NULL; before its dims are padded, and after. */
const char *vt_workgroup_size_misfit(const vt_caps *caps, vatten_dtype dtype, const vt_tile *tile);
const char *vt_workgroup_misfit(const vt_caps *caps, const vt_tile *tile);

/* Loop iterations of one invocation per key tile, not less than the truth. */
uint64_t vt_workgroup_iterations(const vt_tile *tile);

#endif /* VT_TUNE_WORKGROUP_H */
