/* SPDX-License-Identifier: MIT */
#include "bench_report.h"

#include <stdio.h>
#include <string.h>

#include "say.h"
#include "tool_device.h"

static double fraction(double value, stats_summary limit) {
    return limit.median > 0.0 ? value / limit.median : 0.0;
}

/* ---- Markdown
 * ------------------------------------------------------------------------------------------------------------
 */

static void print_head(const bench_result *result) {
    vatten_context_info info;
    vatten_context_get_info(result->context, &info);
    stats_summary fma = roof_fma(result->roof), copy = roof_copy(result->roof);
    printf("Device: %s, %s%s\n\n", info.device_name, info.driver,
           info.validation ? ", validation layer on" : "");
    printf("Roof in this run (median of %zu, min - max): %.1f GFLOP/s multiply-add (%.1f - %.1f; f32, %s), "
           "%.1f GB/s copy\n"
           "(%.1f - %.1f; %s, read and written bytes).\n\n",
           roof_samples(result->roof), fma.median, fma.min, fma.max, roof_fma_shape(result->roof),
           copy.median, copy.min, copy.max, roof_copy_shape(result->roof));
    printf("Times are GPU medians of up to %u runs after %u warm-up runs; GFLOP/s count visible pairs only, "
           "GB/s every\n"
           "input read and output written once. Tile: layout, workgroup, rows x keys / lanes per row. %u "
           "rows and more of\n"
           "each result were compared with the oracle before timing.\n\n",
           result->settings->repeat, result->settings->warmup, result->settings->rows);
}

static void print_markdown_row(const bench_result *result, size_t i) {
    const bench_row *row = &result->rows[i];
    char tile[64], ratio[16] = "";
    bench_tile_text(&row->info.tile, tile, sizeof tile);
    printf("| %s | %s | %s | %u ", result->problems[i].name,
           row->info.kernel[0] != '\0' ? row->info.kernel : "-", tile, row->info.dispatches);
    if (row->status != BENCH_RIGHT) {
        printf("| %s: %s | | | | | | | | | |\n", bench_status_name(row->status), row->reason);
        return;
    }
    if (row->ratio > 0.0)
        snprintf(ratio, sizeof ratio, "%.2f", row->ratio);
    double gflops = bench_row_gflops(row), gbs = bench_row_gbs(row);
    printf("| %.3f (%.3f - %.3f) | %.1f | %.2f | %.2f | %.2f | %s | %.1f / %.1f | %.1f | %.1f | %.1e |\n",
           row->gpu_ms.median, row->gpu_ms.min, row->gpu_ms.max, gflops,
           fraction(gflops, roof_fma(result->roof)), gbs, fraction(gbs, roof_copy(result->roof)), ratio,
           row->plan_cold_ms, row->plan_warm_ms, row->first_ms, row->record_us.median, row->check.worst);
}

static void print_markdown(const bench_result *result) {
    print_head(result);
    printf("| problem | kernel | tile | dispatches | ms (min - max) | GFLOP/s | of FMA roof | GB/s | of copy "
           "roof | causal / "
           "dense | plan ms cold / warm | first run ms | record us | max error |\n"
           "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < result->count; ++i)
        print_markdown_row(result, i);
}

/* ---- CSV
 * ------------------------------------------------------------------------------------------------------------------
 */

/* In quotes, with quotes doubled: names and reasons hold commas. */
static void print_quoted(const char *text) {
    putchar('"');
    for (; *text != '\0'; ++text) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    putchar('"');
}

static void print_csv(const bench_result *result) {
    stats_summary fma = roof_fma(result->roof), copy = roof_copy(result->roof);
    vatten_context_info info;
    vatten_context_get_info(result->context, &info);
    printf("device,problem,status,reason,kernel,tile,dispatches,ms,ms_min,ms_max,runs,gflops,fma_roof_gflops,"
           "gbs,"
           "copy_roof_gbs,causal_ratio,plan_cold_ms,plan_warm_ms,first_ms,record_us,max_error\n");
    for (size_t i = 0; i < result->count; ++i) {
        const bench_row *row = &result->rows[i];
        char tile[64];
        bench_tile_text(&row->info.tile, tile, sizeof tile);
        const char *const texts[] = {
            info.device_name, result->problems[i].name, bench_status_name(row->status),
            row->reason,      row->info.kernel,         tile};
        for (size_t t = 0; t < sizeof texts / sizeof *texts; ++t) {
            print_quoted(texts[t]);
            putchar(',');
        }
        printf("%u,%.6g,%.6g,%.6g,%u,%.6g,%.6g,%.6g,%.6g,%.4g,%.6g,%.6g,%.6g,%.4g,%.4g\n",
               row->info.dispatches, row->gpu_ms.median, row->gpu_ms.min, row->gpu_ms.max, row->runs,
               bench_row_gflops(row), fma.median, bench_row_gbs(row), copy.median, row->ratio,
               row->plan_cold_ms, row->plan_warm_ms, row->first_ms, row->record_us.median, row->check.worst);
    }
}

/* ---- JSON
 * -----------------------------------------------------------------------------------------------------------------
 */

static void add_roof(cJSON *object, const char *name, stats_summary summary, const char *shape) {
    cJSON *item = cJSON_AddObjectToObject(object, name);
    cJSON_AddNumberToObject(item, "median", summary.median);
    cJSON_AddNumberToObject(item, "min", summary.min);
    cJSON_AddNumberToObject(item, "max", summary.max);
    cJSON_AddStringToObject(item, "by", shape);
}

static cJSON *row_object(const bench_result *result, size_t i) {
    const bench_row *row = &result->rows[i];
    double gflops = bench_row_gflops(row), gbs = bench_row_gbs(row);
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "problem", result->problems[i].name);
    cJSON_AddStringToObject(object, "status", bench_status_name(row->status));
    cJSON_AddStringToObject(object, "reason", row->reason);
    tool_json_plan(object, &row->info);
    const struct {
        const char *name;
        double value;
    } numbers[] = {
        {"ms", row->gpu_ms.median},
        {"ms_min", row->gpu_ms.min},
        {"ms_max", row->gpu_ms.max},
        {"runs", row->runs},
        {"gflops", gflops},
        {"of_fma_roof", fraction(gflops, roof_fma(result->roof))},
        {"gbs", gbs},
        {"of_copy_roof", fraction(gbs, roof_copy(result->roof))},
        {"causal_ratio", row->ratio},
        {"plan_cold_ms", row->plan_cold_ms},
        {"plan_warm_ms", row->plan_warm_ms},
        {"first_ms", row->first_ms},
        {"record_us", row->record_us.median},
        {"rows_checked", row->check.rows},
        {"max_error", row->check.worst},
        {"max_lse_error", row->check.worst_lse},
    };
    for (size_t n = 0; n < sizeof numbers / sizeof *numbers; ++n)
        cJSON_AddNumberToObject(object, numbers[n].name, numbers[n].value);
    return object;
}

static bool print_json(const bench_result *result) {
    cJSON *object = cJSON_CreateObject();
    tool_json_device(object, result->context);
    add_roof(object, "fma_gflops", roof_fma(result->roof), roof_fma_shape(result->roof));
    add_roof(object, "copy_gbs", roof_copy(result->roof), roof_copy_shape(result->roof));
    cJSON *rows = cJSON_AddArrayToObject(object, "rows");
    for (size_t i = 0; i < result->count; ++i)
        cJSON_AddItemToArray(rows, row_object(result, i));
    return tool_json_print(object, false);
}

bool bench_report(bench_form form, const bench_result *result) {
    if (form == BENCH_JSON)
        return print_json(result);
    if (form == BENCH_CSV)
        print_csv(result);
    else
        print_markdown(result);
    if (fflush(stdout) == 0)
        return true;
    say_error("stdout cannot be written");
    return false;
}
