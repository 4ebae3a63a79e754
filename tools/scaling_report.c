/* SPDX-License-Identifier: MIT */
#include "scaling_report.h"

#include <stdio.h>

/* ---- The numbers of a line, for all forms ---- */

enum { NUMBERS = 18 };

static void list_numbers(const scaling_result *result, size_t i, bench_number out[NUMBERS]) {
    const scaling_row *row = &result->rows[i];
    const bench_row *bench = &row->bench;
    double gflops = bench_row_gflops(bench);
    const bench_number numbers[NUMBERS] = {
        {"tokens", (double)result->cases[i].tokens},
        {"ms", bench->gpu_ms.median},
        {"ms_min", bench->gpu_ms.min},
        {"ms_max", bench->gpu_ms.max},
        {"cpu_ms", row->cpu_ms.median},
        {"cpu_ms_min", row->cpu_ms.min},
        {"cpu_ms_max", row->cpu_ms.max},
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
    char tile[64], cpu[32] = "";
    bench_tile_text(&bench->info.tile, tile, sizeof tile);
    printf("| %s | %s |", result->cases[i].name, bench->info.kernel[0] != '\0' ? tile : "-");
    if (bench->status != BENCH_RIGHT) {
        printf(" | %s: %s | | | | | | | | |\n", bench_status_name(bench->status), bench->reason);
        return;
    }
    double gflops = bench_row_gflops(bench);
    if (row->cpu_ms.median > 0.0)
        snprintf(cpu, sizeof cpu, "%.3f", row->cpu_ms.median);
    printf(" %u | %.3f (%.3f - %.3f) | %s | %.3f | %.1f | %.2f | %.2f | %.0f | %.1f | %.1e |\n",
           bench->info.dispatches, bench->gpu_ms.median, bench->gpu_ms.min, bench->gpu_ms.max, cpu,
           1e3 * bench->gpu_ms.median / tokens, gflops, bench_fraction(gflops, roof_fma(result->run.roof)),
           (double)row->buffer_bytes / mib, (double)bench->info.workspace_bytes, (double)row->bytes / tokens,
           bench->check.worst);
}

static void print_exponent(stats_summary exponent) {
    if (exponent.median > 0.0)
        printf(" %.3f (%.3f - %.3f) |", exponent.median, exponent.min, exponent.max);
    else
        printf(" |");
}

static void print_fit(const scaling_fit *fit) {
    printf("| %s | %llu - %llu | %zu | %u |", scaling_method_name(fit->method), (unsigned long long)fit->from,
           (unsigned long long)fit->to, fit->lines, fit->rounds);
    if (fit->lines < 2) {
        printf(" | | | |\n");
        return;
    }
    printf(" %.1f |", scaling_wanted(fit->method));
    print_exponent(fit->time);
    print_exponent(fit->cpu);
    printf(" %.3f |\n", fit->memory);
}

static void print_markdown(const scaling_result *result) {
    printf(
        "Times are GPU medians of up to %u rounds after %u warm-up runs; all lengths of a method run in "
        "turns, short\nones several times in a round. CPU ms: what all threads of the program computed for "
        "one run, where the device is\nthe CPU. GFLOP/s count visible pairs only. %u rows and more of each "
        "result were compared with the oracle before\ntiming. Lines of which one run would take more than "
        "%u s are skipped.\n\n",
        result->run.measure->repeat, result->run.measure->warmup, result->run.measure->rows, result->budget);
    printf("| problem | tile | dispatches | ms (min - max) | CPU ms | us per token | GFLOP/s | of FMA roof | "
           "buffers MiB | workspace bytes | bytes per token | max error |\n"
           "|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < result->count; ++i)
        print_row(result, i);
    printf(
        "\nExponents p of tokens^p, by least squares over the logarithms: of the mean times of each round, "
        "the median of the\nrounds (min - max); of the CPU's times likewise; of all memory, buffers and "
        "workspace.\n\n"
        "| method | tokens | lengths | rounds | wanted | time | CPU time | memory |\n"
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

/* The exponents come last: with less than two lengths there are none. */
static cJSON *fit_object(const scaling_fit *fit) {
    enum { COUNTS = 5, TIMES = 9, ALL = 12 };
    cJSON *object = cJSON_CreateObject();
    const bench_number numbers[ALL] = {
        {"from", (double)fit->from},
        {"to", (double)fit->to},
        {"lengths", (double)fit->lines},
        {"rounds", fit->rounds},
        {"wanted", scaling_wanted(fit->method)},
        {"memory", fit->memory},
        {"time", fit->time.median},
        {"time_min", fit->time.min},
        {"time_max", fit->time.max},
        {"cpu", fit->cpu.median},
        {"cpu_min", fit->cpu.min},
        {"cpu_max", fit->cpu.max},
    };
    cJSON_AddStringToObject(object, "method", scaling_method_name(fit->method));
    bench_json_numbers(object, numbers, fit->lines < 2 ? COUNTS : fit->cpu.median > 0.0 ? ALL : TIMES);
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
