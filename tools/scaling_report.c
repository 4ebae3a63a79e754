/* SPDX-License-Identifier: MIT */
#include "scaling_report.h"

#include <stdio.h>

/* ---- The numbers of a line, for all forms ---- */

enum { NUMBERS = 15 };

static void list_numbers(const scaling_result *result, size_t i, bench_number out[NUMBERS]) {
    const scaling_row *row = &result->rows[i];
    const bench_row *bench = &row->bench;
    double gflops = bench_row_gflops(bench);
    const bench_number numbers[NUMBERS] = {
        {"tokens", (double)result->cases[i].tokens},
        {"ms", bench->gpu_ms.median},
        {"ms_min", bench->gpu_ms.min},
        {"ms_max", bench->gpu_ms.max},
        {"runs", bench->runs},
        {"gflops", gflops},
        {"fma_roof_gflops", roof_fma(result->run.roof).median},
        {"of_fma_roof", bench_fraction(gflops, roof_fma(result->run.roof))},
        {"buffer_bytes", (double)row->buffer_bytes},
        {"workspace", (double)bench->info.workspace_bytes},
        {"bytes_per_token", (double)row->bytes / (double)result->cases[i].tokens},
        {"us_per_token", 1e3 * bench->gpu_ms.median / (double)result->cases[i].tokens},
        {"first_ms", bench->first_ms},
        {"dispatches", bench->info.dispatches},
        {"max_error", bench->check.worst},
    };
    for (size_t n = 0; n < NUMBERS; ++n)
        out[n] = numbers[n];
}

/* ---- Markdown ---- */

static void print_row(const scaling_result *result, size_t i) {
    const scaling_row *row = &result->rows[i];
    const bench_row *bench = &row->bench;
    const double mib = 1024.0 * 1024.0, tokens = (double)result->cases[i].tokens;
    char tile[64];
    bench_tile_text(&bench->info.tile, tile, sizeof tile);
    printf("| %s | %s |", result->cases[i].name, bench->info.kernel[0] != '\0' ? tile : "-");
    if (bench->status != BENCH_RIGHT) {
        printf(" | %s: %s | | | | | | | |\n", bench_status_name(bench->status), bench->reason);
        return;
    }
    double gflops = bench_row_gflops(bench);
    printf(" %u | %.3f (%.3f - %.3f) | %.3f | %.1f | %.2f | %.2f | %.0f | %.1f | %.1e |\n",
           bench->info.dispatches, bench->gpu_ms.median, bench->gpu_ms.min, bench->gpu_ms.max,
           1e3 * bench->gpu_ms.median / tokens, gflops, bench_fraction(gflops, roof_fma(result->run.roof)),
           (double)row->buffer_bytes / mib, (double)bench->info.workspace_bytes, (double)row->bytes / tokens,
           bench->check.worst);
}

static void print_fit(const scaling_fit *fit) {
    printf("| %s | %llu - %llu | %zu | %u |", scaling_method_name(fit->method), (unsigned long long)fit->from,
           (unsigned long long)fit->to, fit->lines, fit->rounds);
    if (fit->lines < 2)
        printf(" | | | |\n");
    else
        printf(" %.1f | %.3f (%.3f - %.3f) | %.3f | %.3f |\n", scaling_wanted(fit->method), fit->time.median,
               fit->time.min, fit->time.max, fit->time_of_minima, fit->memory);
}

static void print_markdown(const scaling_result *result) {
    printf(
        "Times are GPU medians of up to %u rounds after %u warm-up runs; all lengths of a method run in "
        "turns, short\nones several times in a round. GFLOP/s count visible pairs only. %u rows and more of "
        "each result were compared with\nthe oracle before timing. Lines of which one run would take "
        "more than %u s are skipped.\n\n",
        result->run.measure->repeat, result->run.measure->warmup, result->run.measure->rows, result->budget);
    printf(
        "| problem | tile | dispatches | ms (min - max) | us per token | GFLOP/s | of FMA roof | buffers MiB "
        "| workspace bytes | bytes per token | max error |\n|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < result->count; ++i)
        print_row(result, i);
    printf(
        "\nExponents p of tokens^p, by least squares over the logarithms: of the time in each round, the "
        "median of the\nrounds (min - max); of the shortest times; of all memory, buffers and workspace.\n\n"
        "| method | tokens | lengths | rounds | wanted | time | of the shortest times | memory |\n"
        "|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < result->fit_count; ++i)
        print_fit(&result->fits[i]);
}

/* ---- CSV and JSON ---- */

static void print_csv(const scaling_result *result) {
    bench_number numbers[NUMBERS];
    vatten_context_info info;
    vatten_context_get_info(result->run.context, &info);
    printf("device,problem,status,reason,kernel,method");
    list_numbers(result, 0, numbers);
    bench_print_names(numbers, NUMBERS);
    for (size_t i = 0; i < result->count; ++i) {
        const bench_row *row = &result->rows[i].bench;
        const char *const texts[] = {info.device_name, result->cases[i].name, bench_status_name(row->status),
                                     row->reason, row->info.kernel};
        bench_print_texts(texts, sizeof texts / sizeof *texts);
        printf("%s", scaling_method_name(result->cases[i].method));
        list_numbers(result, i, numbers);
        bench_print_values(numbers, NUMBERS);
    }
}

void scaling_report_print(const void *user, bench_form form) {
    if (form == BENCH_CSV)
        print_csv(user);
    else
        print_markdown(user);
}

static cJSON *fit_object(const scaling_fit *fit) {
    cJSON *object = cJSON_CreateObject();
    const bench_number numbers[] = {
        {"from", (double)fit->from},
        {"to", (double)fit->to},
        {"lengths", (double)fit->lines},
        {"rounds", fit->rounds},
        {"wanted", scaling_wanted(fit->method)},
        {"time", fit->time.median},
        {"time_min", fit->time.min},
        {"time_max", fit->time.max},
        {"time_of_minima", fit->time_of_minima},
        {"memory", fit->memory},
    };
    cJSON_AddStringToObject(object, "method", scaling_method_name(fit->method));
    bench_json_numbers(object, numbers, fit->lines < 2 ? 3 : sizeof numbers / sizeof *numbers);
    return object;
}

void scaling_report_add(const void *user, cJSON *document) {
    const scaling_result *result = user;
    bench_number numbers[NUMBERS];
    cJSON *rows = cJSON_AddArrayToObject(document, "rows");
    for (size_t i = 0; i < result->count; ++i) {
        const bench_row *row = &result->rows[i].bench;
        cJSON *line = bench_json_line(result->cases[i].name, row->status, row->reason, &row->info);
        cJSON_AddStringToObject(line, "method", scaling_method_name(result->cases[i].method));
        list_numbers(result, i, numbers);
        bench_json_numbers(line, numbers, NUMBERS);
        cJSON_AddItemToArray(rows, line);
    }
    cJSON *fits = cJSON_AddArrayToObject(document, "exponents");
    for (size_t i = 0; i < result->fit_count; ++i)
        cJSON_AddItemToArray(fits, fit_object(&result->fits[i]));
}
