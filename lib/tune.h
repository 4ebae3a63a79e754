/* SPDX-License-Identifier: MIT
 *
 * Which kernel layout and tile a problem gets on a device: (caps, problem) -> tile. The choices themselves
 * are data, in tune_table.c and in tuning files (tune_file.h); this room knows which row is taken and what tile it
 * becomes; whether that fits, tile.h does.
 */
#ifndef VT_TUNE_H
#define VT_TUNE_H

#include "tile.h"

typedef enum vt_tune_when {
    VT_TUNE_ANY,
    VT_TUNE_CPU,  /* only for CPU devices, unless its layout is asked for */
    VT_TUNE_ONCE, /* only where vt_caps.loads_once says that it pays, likewise */
    /* Only for others than CPU devices, and problems whose time goes into products, likewise. */
    VT_TUNE_PRODUCTS,
    VT_TUNE_DOTS, /* only for others than CPU devices, where vt_caps.dots_accelerated, likewise */
    VT_TUNE_ASKED /* only where its layout is asked for */
} vt_tune_when;

/* What a problem is, for rows that are not for all: bits. */
typedef enum vt_tune_task {
    VT_TUNE_ATTENTION = 1 << 0,
    VT_TUNE_NEIGHBORHOOD = 1 << 1,
    VT_TUNE_LISTS = 1 << 2, /* sparse plans too */
    VT_TUNE_MASS = 1 << 3
} vt_tune_task;

/* One row of the table. The first row that matches the problem and fits the device wins. Rows of MATRIX and MATRIX2 count
 * in what the device has: `workgroup` in subgroups, `rows_per_lane` in matrices of a subgroup along the rows,
 * and lanes_per_row 0 is as many as the rows of a subgroup leave, of MATRIX2 the columns of a matrix. Rows of
 * MATRIX_WORKGROUP count in invocations, rows and keys, which are rounded up to whole matrices; workgroup 0 is as many as the
 * device's matrices are for, and lanes_per_row 0 the keys. Rows of PACKED serve HALF and MIXED too. */
typedef struct vt_tune_row {
    vatten_layout layout;
    vt_tune_when when;
    uint32_t registers;     /* least vt_caps.registers that the tile compiles without spills in */
    uint32_t max_dim;       /* of max(dim, value_dim) */
    uint32_t workgroup;     /* invocations; 0 = the subgroup size */
    uint32_t lanes_per_row; /* 0 = all of the workgroup */
    uint32_t rows_per_lane;
    uint32_t keys; /* 0 = as many as the workgroup has invocations */
    /* Not 0: only for neighborhoods whose visited pairs with this row are at most this percentage of those with what would
     * be taken without it. A smaller box visits fewer keys for nothing, and pays more for each pair. */
    uint32_t percent;
    uint32_t max_rows;  /* not 0: only for problems that fill tiles with at most so many rows */
    const char *reason; /* why the row is there, in a few words; never NULL */
    /* What few rows but those of a tuning file say; 0 = nothing. */
    uint32_t rows;     /* the tile is told as in vatten_tile: so many rows, in place of rows_per_lane; all
                          sizes above 0, MATRIX counted in invocations too. Rows of MATRIX_WORKGROUP have it in
                          the table as well */
    uint32_t min_rows; /* only for problems that fill tiles with at least so many rows */
    uint32_t min_dim;  /* of max(dim, value_dim) */
    uint32_t dtypes;   /* bits 1 << vatten_dtype */
    uint32_t tasks;    /* vt_tune_task bits */
    /* And what only rows of the table say: only where keys and values are f32 when they are read, as they came or repacked. */
    bool wide_keys;
} vt_tune_row;

extern const vt_tune_row vt_tune_table[];
extern const uint32_t vt_tune_table_count;

/* Row `i` of all that a device has: those of its tuning file, then the table. NULL past the last one. */
const vt_tune_row *vt_tune_row_at(const vt_caps *caps, uint32_t i);

/* Starts at row `*row` and leaves the row that won there, so that a caller may go on after it.
 * Errors: UNSUPPORTED, with a message, if nothing fits or the tile that was asked for does not. */
vatten_result vt_tune(const vt_caps *caps, const vatten_logger *logger, const vt_problem *problem,
                      uint32_t *row, vt_tile *out);

#endif /* VT_TUNE_H */
