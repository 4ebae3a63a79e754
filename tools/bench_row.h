/* SPDX-License-Identifier: MIT
 *
 * One line of vatten_bench: what was measured.
 */
#ifndef TOOLS_BENCH_ROW_H
#define TOOLS_BENCH_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vatten/vatten.h>

#include "bench_data.h"
#include "stats.h"

typedef enum bench_status {
    BENCH_RIGHT,
    BENCH_WRONG,       /* the oracle disagrees */
    BENCH_UNSUPPORTED, /* valid, but this device cannot: no failure of the run */
    BENCH_REFUSED,     /* refused or failed for another reason */
    BENCH_SKIPPED      /* not run, on purpose */
} bench_status;

typedef struct bench_row {
    bench_status status;
    char reason[256];         /* why it is not RIGHT */
    vatten_plan_info info;    /* zero when there is no plan */
    vatten_estimate estimate; /* zero but for neighborhoods */
    bench_check check;
    stats_summary gpu_ms;
    stats_summary record_us;
    uint32_t runs;
    double plan_cold_ms; /* plan creation without any cached pipeline */
    double plan_warm_ms; /* and with a VkPipelineCache that has them */
    double first_ms;     /* wall time of the first submission: drivers that compile late do it here */
    /* Attention: time against the same problem without a mask, in turns, or else without causality, if that is in the
     * sweep; 0 = not known. */
    double ratio;
    stats_summary
        dense_ms;   /* of dense attention over the same tokens, in turns with this; 0 = not asked for */
    double speedup; /* against that */
    struct bench_row *boxes; /* other boxes of queries, in turns with this; the row owns them */
    size_t box_count;
    /* This one's time by that of the best box, itself included; of another box: by this one's. */
    double behind;
} bench_row;

/* Says in the row why it is not right. Always false. */
bool bench_row_refuse(bench_row *row, const char *what, vatten_result result);

/* Right, or of no concern to this device; the boxes too. */
bool bench_row_passes(const bench_row *row);

double bench_row_gflops(const bench_row *row);
double bench_row_gbs(const bench_row *row);

/* What is visited by what is visible, and the speed-up by the bound that the estimate gives; 0 = not known. */
double bench_row_excess(const bench_row *row);
double bench_row_of_bound(const bench_row *row);

/* "RIGHT", "FAILED", "unsupported", "refused", "skipped". */
const char *bench_status_name(bench_status status);

/* "rows 32 64x16/1": layout, workgroup, rows x keys / lanes per row. */
void bench_tile_text(const vatten_tile *tile, char *out, size_t out_size);

/* "4x8": queries of a workgroup along `rank` axes; empty where there is no box. */
void bench_box_text(const vatten_estimate *estimate, uint32_t rank, char *out, size_t out_size);

#endif /* TOOLS_BENCH_ROW_H */
