/* SPDX-License-Identifier: MIT */
#include "bench_row.h"

#include <stdio.h>

#include "say.h"

bool bench_row_refuse(bench_row *row, const char *what, vatten_result result) {
    row->status = result == VATTEN_ERROR_UNSUPPORTED ? BENCH_UNSUPPORTED : BENCH_REFUSED;
    if (say_last_error()[0] != '\0')
        snprintf(row->reason, sizeof row->reason, "%.255s", say_last_error());
    else
        snprintf(row->reason, sizeof row->reason, "%s: %s", what, vatten_result_name(result));
    return false;
}

bool bench_row_passes(const bench_row *row) {
    for (size_t i = 0; i < row->box_count; ++i)
        if (!bench_row_passes(&row->boxes[i]))
            return false;
    return row->status == BENCH_RIGHT || row->status == BENCH_UNSUPPORTED || row->status == BENCH_SKIPPED;
}

double bench_row_gflops(const bench_row *row) {
    return row->gpu_ms.median > 0.0 ? (double)row->info.flops / (row->gpu_ms.median * 1e6) : 0.0;
}

double bench_row_gbs(const bench_row *row) {
    return row->gpu_ms.median > 0.0 ? (double)row->info.bytes / (row->gpu_ms.median * 1e6) : 0.0;
}

double bench_row_excess(const bench_row *row) {
    const vatten_estimate *e = &row->estimate;
    return e->visible_pairs != 0 ? (double)e->visited_pairs / (double)e->visible_pairs : 0.0;
}

double bench_row_of_bound(const bench_row *row) {
    return row->estimate.bound > 0.0 ? row->speedup / row->estimate.bound : 0.0;
}

const char *bench_status_name(bench_status status) {
    static const char *const names[] = {"RIGHT", "FAILED", "unsupported", "refused", "skipped"};
    return names[status];
}

void bench_tile_text(const vatten_tile *tile, char *out, size_t out_size) {
    if (tile->workgroup == 0)
        snprintf(out, out_size, "-");
    else
        snprintf(out, out_size, "%s %u %ux%u/%u", family_layout_name(tile->layout), tile->workgroup,
                 tile->rows, tile->keys, tile->lanes_per_row);
}

void bench_box_text(const vatten_estimate *estimate, uint32_t rank, char *out, size_t out_size) {
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t a = 0; a < rank && estimate->box[0] != 0; ++a)
        used += (size_t)snprintf(out + used, out_size - used, a == 0 ? "%u" : "x%u", estimate->box[a]);
}
