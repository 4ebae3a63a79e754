/* SPDX-License-Identifier: MIT */
#include "sparse_report.h"

#include <stdio.h>

#include "say.h"
#include "tool_device.h"

/* Part of the ideal that a line reaches; 0 = without dense attention. */
static double of_ideal(const sparse_row *row) {
    return row->ideal > 0.0 ? row->speedup / row->ideal : 0.0;
}

static double pool_ms(const sparse_row *row) {
    return row->ms[SPARSE_POOL_K].median + row->ms[SPARSE_POOL_Q].median;
}

/* ---- Markdown ---- */

/* Empty where there is nothing. */
static void print_number(double value, int digits) {
    if (value > 0.0)
        printf(" %.*f |", digits, value);
    else
        printf(" |");
}

static void print_markdown_row(const sparse_case *c, const sparse_row *row) {
    char tile[64];
    bench_tile_text(&row->info.tile, tile, sizeof tile);
    printf("| %s | %s |", c->name, tile);
    if (row->status != BENCH_RIGHT) {
        printf(" %s: %s | | | | | | | | | | | |\n", bench_status_name(row->status), row->reason);
        return;
    }
    print_number(row->ms[SPARSE_DENSE].median, 1);
    print_number(row->ms[SPARSE_ATTEND].median, 1);
    print_number(pool_ms(row), 2);
    print_number(row->ms[SPARSE_SELECT].median, 2);
    print_number(row->ms[SPARSE_WHOLE].median, 1);
    print_number(row->speedup, 2);
    print_number(row->ideal, 2);
    print_number(of_ideal(row), 2);
    print_number(row->bound, 2);
    print_number(row->tile_blocks, 2);
    print_number(row->share, 3);
    printf(" %.1e |\n", row->max_error);
}

static void print_memory(const sparse_result *result) {
    if (result->memory_count != 0)
        printf(
            "\n| tokens | workspace KiB, 128x128 top 16 | 1x512 top 3 causal union | the same, max_workspace "
            "1 MiB | 1x512 top 3 causal gather | the same, max_workspace 1 MiB |\n"
            "|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < result->memory_count; ++i) {
        const sparse_memory *m = &result->memory[i];
        printf("| %llu | %.0f | %.0f | %.0f | %.0f | %.0f |\n", (unsigned long long)m->tokens,
               (double)m->by_block / 1024, (double)m->joined / 1024, (double)m->joined_bounded / 1024,
               (double)m->gathered / 1024, (double)m->gathered_bounded / 1024);
    }
}

static void print_markdown(const sparse_result *result) {
    bench_print_device(result->context);
    printf("Times are GPU medians of up to %u rounds, ratios medians of the rounds' own. Lists and rows were "
           "compared "
           "with\nthe oracle before timing, %u of each and more.\n\n",
           result->settings->repeat, result->settings->rows);
    printf("| problem | tile | dense ms | attention ms | pool ms | select ms | whole ms | speed-up | ideal | "
           "of the "
           "ideal | bound | blocks of a tile | selection / attention | max error |\n"
           "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < result->count; ++i)
        print_markdown_row(&result->cases[i], &result->rows[i]);
    print_memory(result);
}

/* ---- The same numbers for CSV and JSON ---- */

enum { NUMBERS = 20 };

static void list_numbers(const sparse_row *row, bench_number out[NUMBERS]) {
    const bench_number numbers[NUMBERS] = {
        {"dense_ms", row->ms[SPARSE_DENSE].median},
        {"dense_ms_min", row->ms[SPARSE_DENSE].min},
        {"attention_ms", row->ms[SPARSE_ATTEND].median},
        {"attention_ms_min", row->ms[SPARSE_ATTEND].min},
        {"pool_keys_ms", row->ms[SPARSE_POOL_K].median},
        {"pool_queries_ms", row->ms[SPARSE_POOL_Q].median},
        {"select_ms", row->ms[SPARSE_SELECT].median},
        {"select_ms_min", row->ms[SPARSE_SELECT].min},
        {"whole_ms", row->ms[SPARSE_WHOLE].median},
        {"whole_ms_min", row->ms[SPARSE_WHOLE].min},
        {"rounds", row->rounds},
        {"speedup", row->speedup},
        {"ideal", row->ideal},
        {"of_ideal", of_ideal(row)},
        {"bound", row->bound},
        {"tile_blocks", row->tile_blocks},
        {"selection_share", row->share},
        {"max_error", row->max_error},
        {"workspace_bytes", (double)row->workspace_bytes},
        {"dispatches", row->info.dispatches},
    };
    for (size_t n = 0; n < NUMBERS; ++n)
        out[n] = numbers[n];
}

/* Reasons hold no quotes. */
static void print_csv(const sparse_result *result) {
    bench_number numbers[NUMBERS];
    vatten_context_info info;
    vatten_context_get_info(result->context, &info);
    printf("device,problem,status,reason,tile");
    list_numbers(&result->rows[0], numbers);
    bench_print_names(numbers, NUMBERS);
    for (size_t i = 0; i < result->count; ++i) {
        const sparse_row *row = &result->rows[i];
        char tile[64];
        bench_tile_text(&row->info.tile, tile, sizeof tile);
        printf("\"%s\",\"%s\",\"%s\",\"%s\",\"%s\"", info.device_name, result->cases[i].name,
               bench_status_name(row->status), row->reason, tile);
        list_numbers(row, numbers);
        for (size_t n = 0; n < NUMBERS; ++n)
            printf(",%.6g", numbers[n].value);
        printf("\n");
    }
}

static cJSON *row_object(const sparse_case *c, const sparse_row *row) {
    bench_number numbers[NUMBERS];
    cJSON *object = bench_json_line(c->name, row->status, row->reason, &row->info);
    list_numbers(row, numbers);
    bench_json_numbers(object, numbers, NUMBERS - 2); /* the plan's own came first */
    cJSON_AddNumberToObject(object, "whole_workspace_bytes", (double)row->workspace_bytes);
    return object;
}

static bool print_json(const sparse_result *result) {
    cJSON *object = cJSON_CreateObject();
    tool_json_device(object, result->context);
    cJSON *rows = cJSON_AddArrayToObject(object, "rows");
    for (size_t i = 0; i < result->count; ++i)
        cJSON_AddItemToArray(rows, row_object(&result->cases[i], &result->rows[i]));
    cJSON *memory = cJSON_AddArrayToObject(object, "memory");
    for (size_t i = 0; i < result->memory_count; ++i) {
        cJSON *line = cJSON_CreateObject();
        cJSON_AddNumberToObject(line, "tokens", (double)result->memory[i].tokens);
        cJSON_AddNumberToObject(line, "by_block", (double)result->memory[i].by_block);
        cJSON_AddNumberToObject(line, "by_query_union", (double)result->memory[i].joined);
        cJSON_AddNumberToObject(line, "by_query_union_bounded", (double)result->memory[i].joined_bounded);
        cJSON_AddNumberToObject(line, "by_query_gather", (double)result->memory[i].gathered);
        cJSON_AddNumberToObject(line, "by_query_gather_bounded", (double)result->memory[i].gathered_bounded);
        cJSON_AddItemToArray(memory, line);
    }
    return tool_json_print(object, false);
}

bool sparse_report(bench_form form, const sparse_result *result) {
    if (form == BENCH_JSON)
        return print_json(result);
    if (form == BENCH_CSV)
        print_csv(result);
    else
        print_markdown(result);
    return say_flush();
}
