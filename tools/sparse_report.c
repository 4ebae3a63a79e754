/* SPDX-License-Identifier: MIT */
#include "sparse_report.h"

#include <stdio.h>

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
    printf("Times are GPU medians of up to %u rounds, ratios medians of the rounds' own. Lists and rows were "
           "compared "
           "with\nthe oracle before timing, %u of each and more.\n\n",
           result->run.measure->repeat, result->run.measure->rows);
    printf("| problem | tile | dense ms | attention ms | pool ms | select ms | whole ms | speed-up | ideal | "
           "of the "
           "ideal | bound | blocks of a tile | selection / attention | max error |\n"
           "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < result->count; ++i)
        print_markdown_row(&result->cases[i], &result->rows[i]);
    print_memory(result);
}

/* ---- The same numbers for CSV and JSON ---- */

enum { NUMBERS = 32, OWN = 2 }; /* OWN: those at the end that a plan's JSON has anyway */

/* What a line is about: the whole plan, or where lists are drawn the attention. */
static sparse_part main_part(const sparse_case *c) {
    return c->random ? SPARSE_ATTEND : SPARSE_WHOLE;
}

/* Arithmetic of the attention alone: choosing blocks counts as time and not as work. */
static double gflops(const sparse_case *c, const sparse_row *row) {
    double pairs = row->ideal > 0.0 ? (double)sparse_dense_pairs(c) / row->ideal : 0.0;
    double ms = row->ms[main_part(c)].median;
    return ms > 0.0 ? 4.0 * c->dim * pairs / (ms * 1e6) : 0.0;
}

static void list_numbers(const sparse_result *result, size_t i, bench_number out[NUMBERS]) {
    const sparse_row *row = &result->rows[i];
    const stats_summary whole = row->ms[main_part(&result->cases[i])];
    const bench_number numbers[NUMBERS] = {
        {"ms", whole.median},
        {"ms_min", whole.min},
        {"ms_max", whole.max},
        {"gflops", gflops(&result->cases[i], row)},
        {"fma_roof_gflops", roof_fma(result->run.roof).median},
        {"of_fma_roof", bench_fraction(gflops(&result->cases[i], row), roof_fma(result->run.roof))},
        {"dense_ms", row->ms[SPARSE_DENSE].median},
        {"dense_ms_min", row->ms[SPARSE_DENSE].min},
        {"dense_ms_max", row->ms[SPARSE_DENSE].max},
        {"attention_ms", row->ms[SPARSE_ATTEND].median},
        {"attention_ms_min", row->ms[SPARSE_ATTEND].min},
        {"attention_ms_max", row->ms[SPARSE_ATTEND].max},
        {"pool_keys_ms", row->ms[SPARSE_POOL_K].median},
        {"pool_keys_ms_min", row->ms[SPARSE_POOL_K].min},
        {"pool_keys_ms_max", row->ms[SPARSE_POOL_K].max},
        {"pool_queries_ms", row->ms[SPARSE_POOL_Q].median},
        {"pool_queries_ms_min", row->ms[SPARSE_POOL_Q].min},
        {"pool_queries_ms_max", row->ms[SPARSE_POOL_Q].max},
        {"select_ms", row->ms[SPARSE_SELECT].median},
        {"select_ms_min", row->ms[SPARSE_SELECT].min},
        {"select_ms_max", row->ms[SPARSE_SELECT].max},
        {"whole_ms", row->ms[SPARSE_WHOLE].median},
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
    vatten_context_get_info(result->run.context, &info);
    printf("device,problem,status,reason,tile");
    list_numbers(result, 0, numbers);
    bench_print_names(numbers, NUMBERS);
    for (size_t i = 0; i < result->count; ++i) {
        const sparse_row *row = &result->rows[i];
        char tile[64];
        bench_tile_text(&row->info.tile, tile, sizeof tile);
        printf("\"%s\",\"%s\",\"%s\",\"%s\",\"%s\"", info.device_name, result->cases[i].name,
               bench_status_name(row->status), row->reason, tile);
        list_numbers(result, i, numbers);
        bench_print_values(numbers, NUMBERS);
    }
}

static void add_rows(const sparse_result *result, cJSON *rows) {
    bench_number numbers[NUMBERS];
    for (size_t i = 0; i < result->count; ++i) {
        const sparse_row *row = &result->rows[i];
        cJSON *line = bench_json_line(result->cases[i].name, row->status, row->reason, &row->info);
        list_numbers(result, i, numbers);
        bench_json_numbers(line, numbers, NUMBERS - OWN);
        cJSON_AddNumberToObject(line, "whole_workspace_bytes", (double)row->workspace_bytes);
        cJSON_AddItemToArray(rows, line);
    }
}

static void add_memory(const sparse_result *result, cJSON *memory) {
    for (size_t i = 0; i < result->memory_count; ++i) {
        const sparse_memory *m = &result->memory[i];
        const bench_number numbers[] = {
            {"tokens", (double)m->tokens},
            {"by_block", (double)m->by_block},
            {"by_query_union", (double)m->joined},
            {"by_query_union_bounded", (double)m->joined_bounded},
            {"by_query_gather", (double)m->gathered},
            {"by_query_gather_bounded", (double)m->gathered_bounded},
        };
        cJSON *line = cJSON_CreateObject();
        bench_json_numbers(line, numbers, sizeof numbers / sizeof *numbers);
        cJSON_AddItemToArray(memory, line);
    }
}

void sparse_report_print(const void *user, bench_form form) {
    if (form == BENCH_CSV)
        print_csv(user);
    else
        print_markdown(user);
}

void sparse_report_add(const void *user, cJSON *document) {
    add_rows(user, cJSON_AddArrayToObject(document, "rows"));
    add_memory(user, cJSON_AddArrayToObject(document, "memory"));
}
