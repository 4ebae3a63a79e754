/* SPDX-License-Identifier: MIT
 *
 * One line of vatten_bench: make the plan twice (cold, then with the pipeline cache that the first one
 * filled), check the result, then time.
 */
#ifndef TOOLS_BENCH_ROW_H
#define TOOLS_BENCH_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include <vatten/context.h>

#include "bench_data.h"
#include "bench_sweep.h"
#include "bench_vk.h"
#include "stats.h"

typedef struct bench_settings {
    uint32_t repeat;  /* timed runs */
    uint32_t warmup;  /* untimed runs before, the checked one not counted */
    uint32_t rows;    /* rows held against the oracle */
    uint32_t seconds; /* of timed runs per line: fewer runs, at least 3, when they are long */
} bench_settings;

typedef enum bench_status {
    BENCH_RIGHT,
    BENCH_WRONG,       /* the oracle disagrees */
    BENCH_UNSUPPORTED, /* valid, but this device cannot: no failure of the run */
    BENCH_REFUSED      /* refused or failed for another reason */
} bench_status;

typedef struct bench_row {
    bench_status status;
    char reason[256];      /* why it is not RIGHT */
    vatten_plan_info info; /* zero when there is no plan */
    bench_check check;
    stats_summary gpu_ms;
    stats_summary record_us;
    uint32_t runs;
    double plan_cold_ms; /* plan creation without any cached pipeline */
    double plan_warm_ms; /* and with a VkPipelineCache that has them */
    double first_ms;     /* wall time of the first submission: drivers that compile late do it here */
    double ratio;        /* time against the same problem without causality; 0 = not in the sweep */
} bench_row;

/* Runs one problem. Every failure ends up in the row. */
void bench_row_run(vatten_context *context, const bench_vk *vk, const bench_settings *settings,
                   const bench_problem *problem, bench_row *out_row);

double bench_row_gflops(const bench_row *row);
double bench_row_gbs(const bench_row *row);

/* "RIGHT", "FAILED", "unsupported", "refused". */
const char *bench_status_name(bench_status status);

/* "rows 32 64x16/1": layout, workgroup, rows x keys / lanes per row. */
void bench_tile_text(const vatten_tile *tile, char *out, size_t out_size);

#endif /* TOOLS_BENCH_ROW_H */
