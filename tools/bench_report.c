/* SPDX-License-Identifier: MIT */
#include "bench_report.h"

#include <stdio.h>
#include <string.h>

#include "say.h"
#include "tool_device.h"

/* ---- Markdown ---- */

static void print_head(const bench_result *result) {
    printf("Times are GPU medians of up to %u runs after %u warm-up runs; GFLOP/s count visible pairs only, "
           "GB/s every\n"
           "input read and output written once. Tile: layout, workgroup, rows x keys / lanes per row. %u "
           "rows and more of\n"
           "each result were compared with the oracle before timing.\n\n",
           result->run.measure->repeat, result->run.measure->warmup, result->run.measure->rows);
}

static void print_markdown_row(const bench_result *result, size_t i) {
    const bench_row *row = &result->rows[i];
    char tile[64], ratio[16] = "", matrix[16] = "";
    bench_tile_text(&row->info.tile, tile, sizeof tile);
    printf("| %s | %s | %s | %u ", result->problems[i].name,
           row->info.kernel[0] != '\0' ? row->info.kernel : "-", tile, row->info.dispatches);
    if (row->status != BENCH_RIGHT) {
        printf("| %s: %s | | | | | | | | | | |\n", bench_status_name(row->status), row->reason);
        return;
    }
    if (row->ratio > 0.0)
        snprintf(ratio, sizeof ratio, "%.2f", row->ratio);
    double gflops = bench_row_gflops(row), gbs = bench_row_gbs(row);
    if (row->info.tile.layout == VATTEN_LAYOUT_MATRIX)
        snprintf(matrix, sizeof matrix, "%.2f", bench_fraction(gflops, roof_matrix(result->run.roof)));
    printf(
        "| %.3f (%.3f - %.3f) | %.1f | %.2f | %s | %.2f | %.2f | %s | %.1f / %.1f | %.1f | %.1f | %.1e |\n",
        row->gpu_ms.median, row->gpu_ms.min, row->gpu_ms.max, gflops,
        bench_fraction(gflops, roof_fma(result->run.roof)), matrix, gbs,
        bench_fraction(gbs, roof_copy(result->run.roof)), ratio, row->plan_cold_ms, row->plan_warm_ms,
        row->first_ms, row->record_us.median, row->check.worst);
}

/* ---- The second and third table: neighborhoods ---- */

static void print_window_row(const bench_problem *problem, const bench_row *row) {
    char box[64], dense[64] = "", speedup[64] = "", behind[16] = "";
    bench_box_text(&row->estimate, problem->shape.rank, box, sizeof box);
    if (row->speedup > 0.0) {
        snprintf(dense, sizeof dense, "%.3f", row->dense_ms.median);
        snprintf(speedup, sizeof speedup, "%.2f | %.2f", row->speedup, bench_row_of_bound(row));
    }
    if (row->behind > 0.0)
        snprintf(behind, sizeof behind, "%.2f", row->behind);
    printf("| %s | %s | %.2f | %.2f | %.2f | %.3f | %s | %s | %s |\n", problem->name, box,
           bench_row_excess(row), row->estimate.ideal_speedup, row->estimate.bound, row->gpu_ms.median, dense,
           speedup[0] != '\0' ? speedup : " | ", behind);
}

static void print_windows(const bench_result *result) {
    bool head = false;
    for (size_t i = 0; i < result->count; ++i) {
        if (result->problems[i].id != FAMILY_NEIGHBORHOOD || result->rows[i].status != BENCH_RIGHT)
            continue;
        if (!head)
            printf(
                "\n| problem | box | visited / visible | ideal | bound | ms | dense ms | speed-up | of the "
                "bound | by the best box |\n|---|---|---|---|---|---|---|---|---|---|\n");
        head = true;
        print_window_row(&result->problems[i], &result->rows[i]);
    }
}

static void print_boxes(const bench_result *result) {
    bool head = false;
    for (size_t i = 0; i < result->count; ++i) {
        const bench_row *row = &result->rows[i];
        for (size_t b = 0; row->status == BENCH_RIGHT && b < row->box_count; ++b) {
            const bench_row *other = &row->boxes[b];
            char box[64];
            bench_box_text(&other->estimate, result->problems[i].shape.rank, box, sizeof box);
            if (!head)
                printf(
                    "\n| problem | other box | key tiles by the chosen box's | ms | time by the chosen box's "
                    "|\n|---|---|---|---|---|\n");
            head = true;
            printf("| %s | %s | %.3f | %.3f | %.3f |\n", result->problems[i].name, box,
                   (double)other->estimate.visited_tiles / (double)row->estimate.visited_tiles,
                   other->gpu_ms.median, other->behind);
        }
    }
}

static void print_markdown(const bench_result *result) {
    print_head(result);
    printf("| problem | kernel | tile | dispatches | ms (min - max) | GFLOP/s | of FMA roof | of matrix roof "
           "| GB/s | of copy "
           "roof | causal / "
           "dense | plan ms cold / warm | first run ms | record us | max error |\n"
           "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < result->count; ++i)
        print_markdown_row(result, i);
    print_windows(result);
    print_boxes(result);
}

/* ---- CSV ---- */

static void print_csv_row(const bench_result *result, const bench_problem *problem, const bench_row *row) {
    stats_summary fma = roof_fma(result->run.roof), copy = roof_copy(result->run.roof);
    vatten_context_info info;
    char tile[64], box[64];
    vatten_context_get_info(result->run.context, &info);
    bench_tile_text(&row->info.tile, tile, sizeof tile);
    bench_box_text(&row->estimate, problem->shape.rank, box, sizeof box);
    const char *const texts[] = {info.device_name, problem->name,    bench_status_name(row->status),
                                 row->reason,      row->info.kernel, tile};
    bench_print_texts(texts, sizeof texts / sizeof *texts);
    printf("%u,%.6g,%.6g,%.6g,%u,%.6g,%.6g,%.6g,%.6g,%.4g,%.6g,%.6g,%.6g,%.4g,%.4g,", row->info.dispatches,
           row->gpu_ms.median, row->gpu_ms.min, row->gpu_ms.max, row->runs, bench_row_gflops(row), fma.median,
           bench_row_gbs(row), copy.median, row->ratio, row->plan_cold_ms, row->plan_warm_ms, row->first_ms,
           row->record_us.median, row->check.worst);
    printf("%s,%.4g,%.6g,%.6g,%.6g,%.6g,%.4g\n", box, bench_row_excess(row), row->estimate.bound,
           row->dense_ms.median, row->speedup, bench_row_of_bound(row), row->behind);
}

/* Other boxes stand below the line that they were compared with. */
static void print_csv(const bench_result *result) {
    printf("device,problem,status,reason,kernel,tile,dispatches,ms,ms_min,ms_max,runs,gflops,fma_roof_gflops,"
           "gbs,copy_roof_gbs,causal_ratio,plan_cold_ms,plan_warm_ms,first_ms,record_us,max_error,box,"
           "visited_by_visible,bound,dense_ms,speedup,of_bound,box_ratio\n");
    for (size_t i = 0; i < result->count; ++i) {
        print_csv_row(result, &result->problems[i], &result->rows[i]);
        for (size_t b = 0; b < result->rows[i].box_count; ++b)
            print_csv_row(result, &result->problems[i], &result->rows[i].boxes[b]);
    }
}

/* ---- JSON ---- */

static void add_window(cJSON *object, const bench_row *row) {
    const bench_number numbers[] = {
        {"visited_tiles", (double)row->estimate.visited_tiles},
        {"visited_by_visible", bench_row_excess(row)},
        {"ideal_speedup", row->estimate.ideal_speedup},
        {"bound", row->estimate.bound},
        {"speedup", row->speedup},
        {"of_bound", bench_row_of_bound(row)},
        {"box_ratio", row->behind},
    };
    bench_json_numbers(object, numbers, sizeof numbers / sizeof *numbers);
}

static void add_boxes(cJSON *object, const bench_problem *problem, const bench_row *row) {
    cJSON *boxes = cJSON_AddArrayToObject(object, "boxes");
    for (size_t b = 0; b < row->box_count; ++b) {
        const bench_row *other = &row->boxes[b];
        char text[64];
        cJSON *box = cJSON_CreateObject();
        bench_box_text(&other->estimate, problem->shape.rank, text, sizeof text);
        cJSON_AddStringToObject(box, "box", text);
        cJSON_AddStringToObject(box, "status", bench_status_name(other->status));
        cJSON_AddNumberToObject(box, "visited_tiles", (double)other->estimate.visited_tiles);
        cJSON_AddNumberToObject(box, "ms", other->gpu_ms.median);
        cJSON_AddNumberToObject(box, "by_chosen", other->behind);
        cJSON_AddItemToArray(boxes, box);
    }
}

static cJSON *row_object(const bench_result *result, size_t i) {
    const bench_row *row = &result->rows[i];
    double gflops = bench_row_gflops(row), gbs = bench_row_gbs(row);
    cJSON *object = bench_json_line(result->problems[i].name, row->status, row->reason, &row->info);
    const bench_number numbers[] = {
        {"ms", row->gpu_ms.median},
        {"ms_min", row->gpu_ms.min},
        {"ms_max", row->gpu_ms.max},
        {"runs", row->runs},
        {"gflops", gflops},
        {"of_fma_roof", bench_fraction(gflops, roof_fma(result->run.roof))},
        {"of_matrix_roof", bench_fraction(gflops, roof_matrix(result->run.roof))},
        {"gbs", gbs},
        {"of_copy_roof", bench_fraction(gbs, roof_copy(result->run.roof))},
        {"dense_ms", row->dense_ms.median},
        {"causal_ratio", row->ratio},
        {"plan_cold_ms", row->plan_cold_ms},
        {"plan_warm_ms", row->plan_warm_ms},
        {"first_ms", row->first_ms},
        {"record_us", row->record_us.median},
        {"rows_checked", row->check.rows},
        {"max_error", row->check.worst},
        {"max_lse_error", row->check.worst_lse},
    };
    bench_json_numbers(object, numbers, sizeof numbers / sizeof *numbers);
    if (result->problems[i].id == FAMILY_NEIGHBORHOOD) {
        add_window(object, row);
        add_boxes(object, &result->problems[i], row);
    }
    return object;
}

void bench_report_print(const void *user, bench_form form) {
    if (form == BENCH_CSV)
        print_csv(user);
    else
        print_markdown(user);
}

void bench_report_add(const void *user, cJSON *document) {
    const bench_result *result = user;
    cJSON *rows = cJSON_AddArrayToObject(document, "rows");
    for (size_t i = 0; i < result->count; ++i)
        cJSON_AddItemToArray(rows, row_object(result, i));
}
