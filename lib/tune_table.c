/* SPDX-License-Identifier: MIT
 *
 * The tuning table, first match first. Read a row as: on such a device, up to such a dim, this tile.
 *
 * Why these numbers:
 *  - `registers`: what a lane holds are scores (rows x keys / lanes), outputs (rows x dim / lanes) and what the
 *    compiler keeps around them. vatten_audit over the compilers of eight vendors says at which budget a tile
 *    spills: 4 rows per lane fit AMD and NVIDIA only; 2 rows by 16 keys, or 1 row above dim 64, fit Intel, Apple
 *    and Adreno; 1 row shared by 16 lanes fits Mali, and V3D up to dim 64, above by 32 lanes. Where registers are
 *    divided among all waves of a workgroup, as on small Adrenos, small workgroups leave enough for each lane;
 *  - at most 8 outputs of a row per lane where the subgroup allows it and registers are few;
 *  - 32 KiB of shared memory is what every desktop and most mobile devices have, 16 KiB and 128 invocations
 *    what Vulkan guarantees: the last rows of each layout stay below that for their dims;
 *  - ROWS: many rows share each load of K and V, because a buffer load is what a CPU driver pays most for. At
 *    dim 64, 8 rows per lane instead of 4 run as fast and take twice as long to compile; 1 key at a time is
 *    slower. At dim 128 4 keys at a time take 0.87 to 0.91 of the time of 2 (dense, causal, f16, least of 11 runs in turns on
 *    lavapipe 22.3). Above dim 256 the unrolled loops take LLVM many seconds, so STREAM serves there,
 *    and beside it the layouts for GPUs. Half as many rows cost 3 % more per pair at dim 32 and a fifth more at dims 64 and 128: the gain in
 *    pairs from which small windows take them;
 *  - ADDRESS: loads cost next to nothing there, and what does not stay in L1 does. Dense, 1024 x 1024, 8 heads, time of a
 *    lane's rows by keys on lavapipe 26.2, 256 bits, f32: dim 64 1x8 44, 2x4 46, 3x3 56, 4x2 60 ms; dim 128 1x6 97, 1x8 102,
 *    2x2 117 ms; 512 bits: 31, 36 and 70, 74 (2x4) ms; with fused multiply-adds 1x8 23, 1x16 and 2x8 22, 1x24 26 ms and 1x8 40,
 *    1x12 38, 2x4 41 ms, and twice the time to compile for twice the keys. A key of 16 bits is converted by each lane that multiplies with it, so,
 *    where it was not repacked before (repack.h), two rows share that: f16 1x8 125, 2x4 68, 4x2 76 ms at dim 64;
 *  - few rows: a tile has no more than there are, since keys are what decoding waits for, and more lanes for each;
 *  - STREAM: rows of a tile that are there at all, for few queries (16 rows, four tokens of four heads, take 0.37 of the time
 *    that ROWS takes); and above dim 256, where 8 rows run at ten times the speed of SUBGROUP on CPUs (multi-head
 *    latent attention: 7 GFLOP/s beside 0.4);
 *  - MATRIX: a subgroup owns one matrix of rows, since outputs fill its registers, and four subgroups share K
 *    and V. Twice as many keys halve the occupancy of RDNA at dim 64, by shared memory, and spill at dim 256;
 *    these rows spill nowhere on RDNA 3 and 4 and on NVIDIA since Turing. Where a device has matrices (caps.c says which
 *    do) they come before SUBGROUP, but not for few rows: by the compilers' estimates a pair takes 0.1 to 0.3 of the cycles
 *    in dense attention and 0.1 to 1.0 elsewhere, where up to dim 32 nothing is gained or something lost
 *    (docs/performance.md). A CPU computes matrices one by one;
 *  - MATRIX2: up to twice as many subgroups of RDNA as with MATRIX, and as many cycles or more by the same estimates, so it has to be
 *    asked for until somebody has timed it;
 *  - MATRIX_WORKGROUP: a lane has its share of three matrices of scores (scores, maxima, sums), of the outputs and of the queries in
 *    half as many registers: 48 + 32 + 16 of them for 64 rows by 64 keys at dim 128 with 256 invocations. With half the keys
 *    dim 256 takes 24 + 64 + 32. No compiler at hand takes it and nobody has timed it, so it has to be asked for;
 *  - PACKED: the tiles of SUBGROUP, in half of the shared memory, so fewer steps down. HALF and MIXED take the same rows.
 *    PACKED_SHARED likewise those of SHARED, from 64 registers on: with 48 (V3D) dozens are spilled. All have to be asked
 *    for: PACKED has less precision, and nobody has timed any;
 *  - DOT: the tiles of SUBGROUP. By the same estimates keys of bytes take 0.5 to 1.0 of its cycles from dim 65 to 128 on AMD and
 *    NVIDIA, whatever the rows; at dim 64 0.9 to 1.3, as queries of two or three bytes cost what keys save, above 128 as much
 *    or more, and on Intel more (docs/performance.md), so there it has to be asked for.
 */
#include "tune.h"

#define ANY_DIM VATTEN_MAX_DIM

/* Reasons that several rows share. */
#define FEW         "no more rows than queries fill: keys are waited for"
#define FEW_GPU     "few rows, and more lanes for each"
#define ABUNDANT    "4 rows by 32 keys fit 255 registers"
#define SMALL       "small workgroups leave registers for each lane"
#define LARGE       "32 lanes: at most 18 outputs of a row for each"
#define LEAST       "fits 16 KiB and 128 invocations"
#define HALF_ROWS   "half the rows: a fifth more per pair, for small windows"
#define LOADED_ONCE "1 row: queries and outputs stay in L1, where loads cost little"

#define WORKGROUP_256 "256 invocations: at most 64 outputs of a tile for each"
#define WORKGROUP_128 "128 invocations: at most 64 outputs of a tile for each"

const vt_tune_row vt_tune_table[] = {
    /* layout, when, registers, max dim, workgroup, lanes per row, rows per lane, keys, percent, max rows, reason */
    {VATTEN_LAYOUT_STREAM, VT_TUNE_CPU, 0, 256, 0, 0, 1, 0, 0, 1, FEW},
    {VATTEN_LAYOUT_STREAM, VT_TUNE_CPU, 0, 256, 0, 0, 4, 0, 0, 4, FEW},
    {VATTEN_LAYOUT_STREAM, VT_TUNE_CPU, 0, 256, 0, 0, 8, 0, 0, 8, FEW},
    {VATTEN_LAYOUT_STREAM, VT_TUNE_CPU, 0, 256, 0, 0, 16, 0, 0, 16, FEW},
    {VATTEN_LAYOUT_STREAM, VT_TUNE_ASKED, 0, 256, 0, 0, 8, 0, 0, 0, "8 rows where more are asked of STREAM"},

    {VATTEN_LAYOUT_ADDRESS, VT_TUNE_ONCE, 0, 128, 0, 1, 1, 8, 0, 0, LOADED_ONCE, .wide_keys = true},
    {VATTEN_LAYOUT_ADDRESS, VT_TUNE_ONCE, 0, 128, 0, 1, 2, 4, 0, 0, "2 rows share the conversion of a key"},
    {VATTEN_LAYOUT_ADDRESS, VT_TUNE_ONCE, 0, 256, 0, 1, 1, 4, 0, 0, LOADED_ONCE},

    {VATTEN_LAYOUT_ROWS, VT_TUNE_CPU, 0, 32, 0, 1, 4, 2, 95, 0,
     "half the rows: 3 % more per pair, for small windows"},
    {VATTEN_LAYOUT_ROWS, VT_TUNE_CPU, 0, 32, 0, 1, 8, 2, 0, 0, "8 rows per lane share each load"},
    {VATTEN_LAYOUT_ROWS, VT_TUNE_CPU, 0, 64, 0, 1, 2, 2, 78, 0, HALF_ROWS},
    {VATTEN_LAYOUT_ROWS, VT_TUNE_CPU, 0, 64, 0, 1, 4, 2, 0, 0,
     "4 rows: as fast as 8, half the time to compile"},
    {VATTEN_LAYOUT_ROWS, VT_TUNE_CPU, 0, 128, 0, 1, 2, 4, 78, 0, HALF_ROWS},
    {VATTEN_LAYOUT_ROWS, VT_TUNE_CPU, 0, 128, 0, 1, 4, 4, 0, 0, "4 keys: a tenth less time above dim 64"},
    {VATTEN_LAYOUT_ROWS, VT_TUNE_CPU, 0, 256, 0, 1, 2, 2, 0, 0, "2 rows: few registers for large dims"},
    {VATTEN_LAYOUT_STREAM, VT_TUNE_CPU, 0, ANY_DIM, 0, 0, 8, 0, 0, 0,
     "above dim 256 ROWS compiles for many seconds"},

    {VATTEN_LAYOUT_DOT, VT_TUNE_DOTS, 255, 128, 128, 32, 1, 32, 0, 4, FEW_GPU, .min_dim = 65},
    {VATTEN_LAYOUT_DOT, VT_TUNE_DOTS, 255, 128, 128, 16, 1, 32, 0, 8, FEW_GPU, .min_dim = 65},
    {VATTEN_LAYOUT_DOT, VT_TUNE_DOTS, 255, 128, 128, 8, 1, 32, 0, 16, FEW_GPU, .min_dim = 65},
    {VATTEN_LAYOUT_DOT, VT_TUNE_DOTS, 255, 128, 128, 16, 4, 32, 0, 0, ABUNDANT, .min_dim = 65},

    {VATTEN_LAYOUT_SUBGROUP, VT_TUNE_ANY, 128, 256, 128, 32, 1, 32, 0, 4, FEW_GPU},
    {VATTEN_LAYOUT_SUBGROUP, VT_TUNE_ANY, 128, 256, 128, 16, 1, 32, 0, 8, FEW_GPU},
    {VATTEN_LAYOUT_SUBGROUP, VT_TUNE_ANY, 128, 256, 128, 8, 1, 32, 0, 16, FEW_GPU},

    {VATTEN_LAYOUT_MATRIX, VT_TUNE_PRODUCTS, 0, 128, 4, 0, 1, 32, 0, 0,
     "a matrix of rows for each of 4 subgroups"},
    {VATTEN_LAYOUT_MATRIX, VT_TUNE_PRODUCTS, 0, 256, 4, 0, 1, 16, 0, 0, "16 keys: no spills above dim 128"},
    {VATTEN_LAYOUT_MATRIX, VT_TUNE_PRODUCTS, 0, 256, 2, 0, 1, 16, 0, 0, "2 subgroups: less shared memory"},
    {VATTEN_LAYOUT_MATRIX, VT_TUNE_PRODUCTS, 0, 256, 1, 0, 1, 16, 0, 0, "1 subgroup: least shared memory"},

    {VATTEN_LAYOUT_SUBGROUP, VT_TUNE_ANY, 255, 64, 128, 8, 4, 32, 0, 0, ABUNDANT},
    {VATTEN_LAYOUT_SUBGROUP, VT_TUNE_ANY, 255, 128, 128, 16, 4, 32, 0, 0, ABUNDANT},
    {VATTEN_LAYOUT_SUBGROUP, VT_TUNE_ANY, 255, 256, 128, 32, 4, 32, 0, 0, ABUNDANT},
    {VATTEN_LAYOUT_SUBGROUP, VT_TUNE_ANY, 128, 64, 128, 8, 2, 16, 0, 0,
     "2 rows by 16 keys fit 128 registers"},
    {VATTEN_LAYOUT_SUBGROUP, VT_TUNE_ANY, 255, 128, 128, 16, 2, 16, 0, 0, "2 rows: less shared memory"},
    {VATTEN_LAYOUT_SUBGROUP, VT_TUNE_ANY, 255, 128, 128, 8, 2, 16, 0, 0,
     "2 rows by 8 lanes, for subgroups of 8"},
    {VATTEN_LAYOUT_SUBGROUP, VT_TUNE_ANY, 128, 128, 128, 8, 1, 16, 0, 0,
     "1 row above dim 64 fits 128 registers"},
    {VATTEN_LAYOUT_SUBGROUP, VT_TUNE_ANY, 0, 128, 32, 8, 1, 8, 0, 0, SMALL},
    {VATTEN_LAYOUT_SUBGROUP, VT_TUNE_ANY, 0, 256, 64, 8, 1, 8, 0, 0, SMALL},
    {VATTEN_LAYOUT_SUBGROUP, VT_TUNE_ANY, 0, ANY_DIM, 64, 32, 1, 32, 0, 0, LARGE},
    {VATTEN_LAYOUT_SUBGROUP, VT_TUNE_ANY, 0, ANY_DIM, 32, 8, 1, 8, 0, 0, LEAST},
    {VATTEN_LAYOUT_SUBGROUP, VT_TUNE_ANY, 0, ANY_DIM, 16, 4, 1, 4, 0, 0, LEAST},

    {VATTEN_LAYOUT_SHARED, VT_TUNE_ANY, 255, 64, 128, 8, 4, 32, 0, 0, ABUNDANT},
    {VATTEN_LAYOUT_SHARED, VT_TUNE_ANY, 128, 64, 128, 8, 2, 16, 0, 0, "2 rows by 16 keys fit 128 registers"},
    {VATTEN_LAYOUT_SHARED, VT_TUNE_ANY, 255, 128, 128, 16, 2, 32, 0, 0,
     "exchange takes shared memory: 2 rows"},
    {VATTEN_LAYOUT_SHARED, VT_TUNE_ANY, 128, 256, 128, 16, 1, 16, 0, 0,
     "1 row above dim 64 fits 128 registers"},
    {VATTEN_LAYOUT_SHARED, VT_TUNE_ANY, 64, 128, 128, 16, 1, 16, 0, 0,
     "1 row by 16 lanes fits 64 registers (Mali)"},
    {VATTEN_LAYOUT_SHARED, VT_TUNE_ANY, 48, 64, 128, 16, 1, 16, 0, 0,
     "1 row by 16 lanes fits 48 registers (V3D)"},
    {VATTEN_LAYOUT_SHARED, VT_TUNE_ANY, 48, 128, 128, 32, 1, 32, 0, 0,
     "1 row by 32 lanes fits 48 registers (V3D)"},
    {VATTEN_LAYOUT_SHARED, VT_TUNE_ANY, 0, 128, 32, 8, 1, 8, 0, 0, SMALL},
    {VATTEN_LAYOUT_SHARED, VT_TUNE_ANY, 0, 256, 64, 8, 1, 8, 0, 0, SMALL},
    {VATTEN_LAYOUT_SHARED, VT_TUNE_ANY, 0, 256, 32, 8, 1, 8, 0, 0, SMALL},
    {VATTEN_LAYOUT_SHARED, VT_TUNE_ANY, 0, ANY_DIM, 32, 8, 1, 8, 0, 0, LEAST},
    {VATTEN_LAYOUT_SHARED, VT_TUNE_ANY, 0, ANY_DIM, 16, 8, 1, 8, 0, 0, LEAST},
    {VATTEN_LAYOUT_SHARED, VT_TUNE_ANY, 0, ANY_DIM, 8, 4, 1, 4, 0, 0, LEAST},

    {VATTEN_LAYOUT_DOT, VT_TUNE_ASKED, 128, 256, 128, 32, 1, 32, 0, 4, FEW_GPU},
    {VATTEN_LAYOUT_DOT, VT_TUNE_ASKED, 128, 256, 128, 8, 1, 32, 0, 16, FEW_GPU},
    {VATTEN_LAYOUT_DOT, VT_TUNE_ASKED, 255, 64, 128, 8, 4, 32, 0, 0, ABUNDANT},
    {VATTEN_LAYOUT_DOT, VT_TUNE_ASKED, 128, 128, 128, 8, 1, 16, 0, 0,
     "1 row above dim 64 fits 128 registers"},
    {VATTEN_LAYOUT_DOT, VT_TUNE_ASKED, 0, 256, 64, 8, 1, 8, 0, 0, SMALL},
    {VATTEN_LAYOUT_DOT, VT_TUNE_ASKED, 0, ANY_DIM, 64, 32, 1, 32, 0, 0, LARGE},
    {VATTEN_LAYOUT_DOT, VT_TUNE_ASKED, 0, ANY_DIM, 16, 4, 1, 4, 0, 0, LEAST},

    {VATTEN_LAYOUT_MATRIX2, VT_TUNE_ASKED, 0, 128, 4, 0, 1, 32, 0, 0,
     "a matrix of rows for each of 4 subgroups"},
    {VATTEN_LAYOUT_MATRIX2, VT_TUNE_ASKED, 0, 256, 4, 0, 1, 16, 0, 0, "16 keys: no spills above dim 128"},
    {VATTEN_LAYOUT_MATRIX2, VT_TUNE_ASKED, 0, 256, 2, 0, 1, 16, 0, 0, "2 subgroups: less shared memory"},
    {VATTEN_LAYOUT_MATRIX2, VT_TUNE_ASKED, 0, 256, 1, 0, 1, 16, 0, 0, "1 subgroup: least shared memory"},

    {VATTEN_LAYOUT_MATRIX_WORKGROUP, VT_TUNE_ASKED, 0, 128, 256, 0, 0, 64, 0, 0, WORKGROUP_256, .rows = 64},
    {VATTEN_LAYOUT_MATRIX_WORKGROUP, VT_TUNE_ASKED, 0, 256, 256, 0, 0, 32, 0, 0, WORKGROUP_256, .rows = 64},
    {VATTEN_LAYOUT_MATRIX_WORKGROUP, VT_TUNE_ASKED, 0, 128, 128, 0, 0, 32, 0, 0, WORKGROUP_128, .rows = 64},
    {VATTEN_LAYOUT_MATRIX_WORKGROUP, VT_TUNE_ASKED, 0, 256, 128, 0, 0, 32, 0, 0, WORKGROUP_128, .rows = 32},
    {VATTEN_LAYOUT_MATRIX_WORKGROUP, VT_TUNE_ASKED, 0, 256, 0, 0, 0, 16, 0, 0,
     "16 keys by the least rows where the device lists other workgroups", .rows = 8},
    {VATTEN_LAYOUT_PACKED, VT_TUNE_ASKED, 255, 64, 128, 8, 4, 32, 0, 0, ABUNDANT},
    {VATTEN_LAYOUT_PACKED, VT_TUNE_ASKED, 255, 128, 128, 16, 4, 32, 0, 0, ABUNDANT},
    {VATTEN_LAYOUT_PACKED, VT_TUNE_ASKED, 255, 256, 128, 32, 4, 32, 0, 0, ABUNDANT},
    {VATTEN_LAYOUT_PACKED, VT_TUNE_ASKED, 128, 64, 128, 8, 2, 16, 0, 0,
     "2 rows by 16 keys fit 128 registers"},
    {VATTEN_LAYOUT_PACKED, VT_TUNE_ASKED, 128, 128, 128, 8, 1, 16, 0, 0,
     "1 row above dim 64 fits 128 registers"},
    {VATTEN_LAYOUT_PACKED, VT_TUNE_ASKED, 0, 128, 32, 8, 1, 8, 0, 0, SMALL},
    {VATTEN_LAYOUT_PACKED, VT_TUNE_ASKED, 0, ANY_DIM, 64, 32, 1, 32, 0, 0, LARGE},
    {VATTEN_LAYOUT_PACKED, VT_TUNE_ASKED, 0, ANY_DIM, 32, 8, 1, 8, 0, 0, LEAST},
    {VATTEN_LAYOUT_PACKED, VT_TUNE_ASKED, 0, ANY_DIM, 16, 4, 1, 4, 0, 0, LEAST},

    {VATTEN_LAYOUT_PACKED_SHARED, VT_TUNE_ASKED, 255, 64, 128, 8, 4, 32, 0, 0, ABUNDANT},
    {VATTEN_LAYOUT_PACKED_SHARED, VT_TUNE_ASKED, 128, 64, 128, 8, 2, 16, 0, 0,
     "2 rows by 16 keys fit 128 registers"},
    {VATTEN_LAYOUT_PACKED_SHARED, VT_TUNE_ASKED, 255, 128, 128, 16, 2, 32, 0, 0,
     "exchange takes shared memory: 2 rows"},
    {VATTEN_LAYOUT_PACKED_SHARED, VT_TUNE_ASKED, 64, 128, 128, 16, 1, 16, 0, 0,
     "1 row by 16 lanes fits 64 registers (Mali)"},
    {VATTEN_LAYOUT_PACKED_SHARED, VT_TUNE_ASKED, 64, 128, 32, 8, 1, 8, 0, 0, SMALL},
    {VATTEN_LAYOUT_PACKED_SHARED, VT_TUNE_ASKED, 64, ANY_DIM, 32, 8, 1, 8, 0, 0, LEAST},
};
const uint32_t vt_tune_table_count = sizeof vt_tune_table / sizeof vt_tune_table[0];
