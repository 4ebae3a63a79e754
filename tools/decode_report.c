/* SPDX-License-Identifier: MIT */
#include "decode_report.h"

#include <stdio.h>

#include "tool_device.h"

/* ---- The numbers of a line, for all forms ---- */

enum { NUMBERS = 13 };

static void list_numbers(const decode_result *result, size_t i, bench_number out[NUMBERS]) {
    const decode_row *row = &result->rows[i];
    const bench_row *bench = &row->bench;
    stats_summary fma = roof_fma(result->run.roof), copy = roof_copy(result->run.roof);
    double gflops = bench_row_gflops(bench);
    const bench_number numbers[NUMBERS] = {
        {"ms", bench->gpu_ms.median},
        {"ms_min", bench->gpu_ms.min},
        {"ms_max", bench->gpu_ms.max},
        {"runs", bench->runs},
        {"gflops", gflops},
        {"fma_roof_gflops", fma.median},
        {"of_fma_roof", bench_fraction(gflops, fma)},
        {"kv_bytes", (double)decode_kv_bytes(&result->cases[i])},
        {"gbs", row->gbs},
        {"copy_roof_gbs", copy.median},
        {"of_copy_roof", bench_fraction(row->gbs, copy)},
        {"by_contiguous", row->paged},
        {"max_error", row->max_error},
    };
    for (size_t n = 0; n < NUMBERS; ++n)
        out[n] = numbers[n];
}

/* ---- Markdown ---- */

static void print_markdown_row(const decode_result *result, size_t i) {
    const decode_row *row = &result->rows[i];
    const bench_row *bench = &row->bench;
    char tile[64], paged[16] = "";
    bench_tile_text(&bench->info.tile, tile, sizeof tile);
    printf("| %s | %s | %s |", result->cases[i].name,
           bench->info.kernel[0] != '\0' ? bench->info.kernel : "-", tile);
    if (bench->status != BENCH_RIGHT) {
        printf(" | | %s: %s | | | | | | |\n", bench_status_name(bench->status), bench->reason);
        return;
    }
    double gflops = bench_row_gflops(bench);
    if (row->paged > 0.0)
        snprintf(paged, sizeof paged, "%.2f", row->paged);
    printf(" %u | %u | %.3f (%.3f - %.3f) | %.1f | %.3f | %.3g | %.3g | %s | %.1e |\n",
           bench->info.tile_heads, bench->info.splits, bench->gpu_ms.median, bench->gpu_ms.min,
           bench->gpu_ms.max, gflops, bench_fraction(gflops, roof_fma(result->run.roof)), row->gbs,
           bench_fraction(row->gbs, roof_copy(result->run.roof)), paged, row->max_error);
}

static void print_markdown(const decode_result *result) {
    printf(
        "Times are GPU medians of up to %u rounds after %u warm-up runs; GFLOP/s count visible pairs only, "
        "GB/s "
        "every key and\nvalue read once. Tile: layout, workgroup, rows x keys / lanes per row. %u rows "
        "and more "
        "of each result were compared\nwith the oracle before timing. By contiguous: time by that of the "
        "line above without pages, in turns with it, "
        "median of the\nrounds' own.\n\n",
        result->run.measure->repeat, result->run.measure->warmup, result->run.measure->rows);
    printf("| problem | kernel | tile | heads of a tile | splits | ms (min - max) | GFLOP/s | of FMA roof | "
           "GB/s "
           "of K and V | of copy roof | by contiguous | max error "
           "|\n|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < result->count; ++i)
        print_markdown_row(result, i);
}

/* ---- CSV and JSON ---- */

static void print_csv(const decode_result *result) {
    bench_number numbers[NUMBERS];
    vatten_context_info info;
    vatten_context_get_info(result->run.context, &info);
    printf("device,problem,status,reason,kernel,tile,tile_heads,splits,dispatches");
    list_numbers(result, 0, numbers);
    bench_print_names(numbers, NUMBERS);
    for (size_t i = 0; i < result->count; ++i) {
        const bench_row *row = &result->rows[i].bench;
        char tile[64];
        bench_tile_text(&row->info.tile, tile, sizeof tile);
        const char *const texts[] = {info.device_name, result->cases[i].name, bench_status_name(row->status),
                                     row->reason,      row->info.kernel,      tile};
        bench_print_texts(texts, sizeof texts / sizeof *texts);
        printf("%u,%u,%u", row->info.tile_heads, row->info.splits, row->info.dispatches);
        list_numbers(result, i, numbers);
        bench_print_values(numbers, NUMBERS);
    }
}

void decode_report_print(const void *user, bench_form form) {
    if (form == BENCH_CSV)
        print_csv(user);
    else
        print_markdown(user);
}

void decode_report_add(const void *user, cJSON *document) {
    const decode_result *result = user;
    bench_number numbers[NUMBERS];
    cJSON *rows = cJSON_AddArrayToObject(document, "rows");
    for (size_t i = 0; i < result->count; ++i) {
        const bench_row *row = &result->rows[i].bench;
        cJSON *line = bench_json_line(result->cases[i].name, row->status, row->reason, &row->info);
        list_numbers(result, i, numbers);
        bench_json_numbers(line, numbers, NUMBERS);
        cJSON_AddItemToArray(rows, line);
    }
}
