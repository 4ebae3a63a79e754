/* SPDX-License-Identifier: MIT */
#include "mass_report.h"

#include <stdio.h>

#include "tool_device.h"

/* ---- The numbers of a line, for CSV and JSON ---- */

enum { NUMBERS = 13 };

static void list_numbers(const mass_result *result, size_t i, bench_number out[NUMBERS]) {
    const mass_row *row = &result->rows[i];
    const bench_number numbers[NUMBERS] = {
        {"forward_ms", row->forward_ms.median},
        {"forward_ms_min", row->forward_ms.min},
        {"forward_ms_max", row->forward_ms.max},
        {"forward_runs", row->forward_runs},
        {"ms", row->bench.gpu_ms.median},
        {"ms_min", row->bench.gpu_ms.min},
        {"ms_max", row->bench.gpu_ms.max},
        {"runs", row->bench.runs},
        {"rounds", row->rounds},
        {"by_forward", row->by_forward},
        {"max_error", row->max_error},
        {"fma_roof_gflops", roof_fma(result->run.roof).median},
        {"copy_roof_gbs", roof_copy(result->run.roof).median},
    };
    for (size_t n = 0; n < NUMBERS; ++n)
        out[n] = numbers[n];
}

/* ---- Markdown ---- */

static void print_markdown_row(const mass_result *result, size_t i) {
    const mass_row *row = &result->rows[i];
    const bench_row *bench = &row->bench;
    char tile[64];
    bench_tile_text(&bench->info.tile, tile, sizeof tile);
    printf("| %s | %s | %s |", result->cases[i].name,
           bench->info.kernel[0] != '\0' ? bench->info.kernel : "-", tile);
    if (bench->status != BENCH_RIGHT) {
        printf(" %s: %s | | | |\n", bench_status_name(bench->status), bench->reason);
        return;
    }
    printf(" %.3f (%.3f - %.3f) | %.3f (%.3f - %.3f) | %.3f | %.1e |\n", row->forward_ms.median,
           row->forward_ms.min, row->forward_ms.max, bench->gpu_ms.median, bench->gpu_ms.min,
           bench->gpu_ms.max, row->by_forward, row->max_error);
}

static void print_markdown(const mass_result *result) {
    printf(
        "Times are GPU medians of up to %u rounds after %u warm-up runs: in each round the forward "
        "attention, which also writes\nits log-sum-exp, and the mass that goes by it run in turns. Mass "
        "by forward: median of the rounds' own ratios. Kernel and\ntile (layout, workgroup, rows x keys / "
        "lanes per row) are those of the mass; rows of columns are keys. %u rows and more of\neach result, "
        "of columns a head or more and the sums of all, were compared with the oracle before timing.\n\n",
        result->run.measure->repeat, result->run.measure->warmup, result->run.measure->rows);
    printf("| problem | kernel | tile | ms forward (min - max) | ms mass (min - max) | mass by forward | max "
           "error |\n|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < result->count; ++i)
        print_markdown_row(result, i);
}

/* ---- CSV and JSON ---- */

static void print_csv_row(const mass_result *result, size_t i, const char *device) {
    const mass_row *row = &result->rows[i];
    bench_number numbers[NUMBERS];
    char tile[64], forward[64];
    bench_tile_text(&row->bench.info.tile, tile, sizeof tile);
    bench_tile_text(&row->forward.tile, forward, sizeof forward);
    const char *const texts[] = {device,
                                 result->cases[i].name,
                                 bench_status_name(row->bench.status),
                                 row->bench.reason,
                                 row->bench.info.kernel,
                                 tile,
                                 row->forward.kernel,
                                 forward};
    bench_print_texts(texts, sizeof texts / sizeof *texts);
    printf("%u", row->bench.info.dispatches);
    list_numbers(result, i, numbers);
    bench_print_values(numbers, NUMBERS);
}

static void print_csv(const mass_result *result) {
    bench_number numbers[NUMBERS];
    vatten_context_info info;
    vatten_context_get_info(result->run.context, &info);
    printf("device,problem,status,reason,kernel,tile,forward_kernel,forward_tile,dispatches");
    list_numbers(result, 0, numbers);
    bench_print_names(numbers, NUMBERS);
    for (size_t i = 0; i < result->count; ++i)
        print_csv_row(result, i, info.device_name);
}

void mass_report_print(const void *user, bench_form form) {
    if (form == BENCH_CSV)
        print_csv(user);
    else
        print_markdown(user);
}

void mass_report_add(const void *user, cJSON *document) {
    const mass_result *result = user;
    bench_number numbers[NUMBERS];
    cJSON *rows = cJSON_AddArrayToObject(document, "rows");
    for (size_t i = 0; i < result->count; ++i) {
        const mass_row *row = &result->rows[i];
        cJSON *line =
            bench_json_line(result->cases[i].name, row->bench.status, row->bench.reason, &row->bench.info);
        tool_json_plan(cJSON_AddObjectToObject(line, "forward"), &row->forward);
        list_numbers(result, i, numbers);
        bench_json_numbers(line, numbers, NUMBERS);
        cJSON_AddItemToArray(rows, line);
    }
}
