/* SPDX-License-Identifier: MIT */
#include "launch_report.h"

#include <stdio.h>

double launch_by_pipeline(const launch_row *row, int warm) {
    uint32_t pipelines = row->bench.info.pipelines;
    return pipelines != 0 ? row->plan_ms[warm].median / pipelines : 0.0;
}

enum { NUMBERS = 21 };

static void list_numbers(const launch_row *row, bench_number out[NUMBERS]) {
    const stats_summary *plan = row->plan_ms, *first = row->first_ms;
    const uint32_t dispatches = row->bench.info.dispatches;
    const bench_number numbers[NUMBERS] = {
        {"record_us", row->record_us.median},
        {"record_us_min", row->record_us.min},
        {"record_us_max", row->record_us.max},
        {"us_per_dispatch", dispatches != 0 ? row->record_us.median / dispatches : 0.0},
        {"plan_cold_ms", plan[LAUNCH_COLD].median},
        {"plan_cold_ms_min", plan[LAUNCH_COLD].min},
        {"plan_cold_ms_max", plan[LAUNCH_COLD].max},
        {"plan_warm_ms", plan[LAUNCH_WARM].median},
        {"plan_warm_ms_min", plan[LAUNCH_WARM].min},
        {"plan_warm_ms_max", plan[LAUNCH_WARM].max},
        {"cold_ms_by_pipeline", launch_by_pipeline(row, LAUNCH_COLD)},
        {"warm_ms_by_pipeline", launch_by_pipeline(row, LAUNCH_WARM)},
        {"first_cold_ms", first[LAUNCH_COLD].median},
        {"first_cold_ms_min", first[LAUNCH_COLD].min},
        {"first_cold_ms_max", first[LAUNCH_COLD].max},
        {"first_warm_ms", first[LAUNCH_WARM].median},
        {"first_warm_ms_min", first[LAUNCH_WARM].min},
        {"first_warm_ms_max", first[LAUNCH_WARM].max},
        {"cache_file_bytes", (double)row->file_bytes},
        {"dispatches", dispatches},
        {"pipelines", row->bench.info.pipelines},
    };
    for (size_t n = 0; n < NUMBERS; ++n)
        out[n] = numbers[n];
}

static void print_row(const char *name, const launch_row *row) {
    printf("| %s |", name);
    if (row->bench.status != BENCH_RIGHT) {
        printf(" | | %s: %s | | | | | | | |\n", bench_status_name(row->bench.status), row->bench.reason);
        return;
    }
    const uint32_t dispatches = row->bench.info.dispatches;
    printf(" %u | %u | %.2f (%.2f - %.2f) | %.2f |", dispatches, row->bench.info.pipelines,
           row->record_us.median, row->record_us.min, row->record_us.max, row->record_us.median / dispatches);
    for (int warm = LAUNCH_COLD; warm <= LAUNCH_WARM; ++warm)
        printf(" %.2f (%.2f - %.2f) | %.2f |", row->plan_ms[warm].median, row->plan_ms[warm].min,
               row->plan_ms[warm].max, launch_by_pipeline(row, warm));
    printf(" %.1f / %.1f | %llu |\n", row->first_ms[LAUNCH_COLD].median, row->first_ms[LAUNCH_WARM].median,
           (unsigned long long)row->file_bytes);
}

static void print_markdown(const launch_result *result) {
    printf(
        "Record: medians of %d records into one command buffer, of %u such medians the median (min - max); "
        "nothing is\nsubmitted. Cold: a context without a cache file makes the plan, runs it once and leaves "
        "the file behind;\nwarm: another context with that file. First run: submission and wait, in which "
        "some drivers compile. The\ndrivers' own disk caches are off.\n\n",
        LAUNCH_BATCH, result->run.measure->repeat);
    printf("| plan | dispatches | pipelines | record us | us per dispatch | plan ms, cold | per pipeline | "
           "plan ms, warm | per pipeline | first run ms cold / warm | file bytes "
           "|\n|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < result->count; ++i)
        print_row(result->names[i], &result->rows[i]);
}

static void print_csv(const launch_result *result) {
    bench_number numbers[NUMBERS];
    vatten_context_info info;
    vatten_context_get_info(result->run.context, &info);
    printf("device,problem,status,reason,kernel,line");
    list_numbers(&result->rows[0], numbers);
    bench_print_names(numbers, NUMBERS);
    for (size_t i = 0; i < result->count; ++i) {
        const bench_row *row = &result->rows[i].bench;
        const char *const texts[] = {info.device_name, result->names[i], bench_status_name(row->status),
                                     row->reason, row->info.kernel};
        bench_print_texts(texts, sizeof texts / sizeof *texts);
        printf("%zu", i);
        list_numbers(&result->rows[i], numbers);
        bench_print_values(numbers, NUMBERS);
    }
}

void launch_report_print(const void *user, bench_form form) {
    if (form == BENCH_CSV)
        print_csv(user);
    else
        print_markdown(user);
}

void launch_report_add(const void *user, cJSON *document) {
    enum { OWN = 2 }; /* at the end, which a plan's JSON has anyway */
    const launch_result *result = user;
    bench_number numbers[NUMBERS];
    cJSON *rows = cJSON_AddArrayToObject(document, "rows");
    for (size_t i = 0; i < result->count; ++i) {
        const bench_row *row = &result->rows[i].bench;
        cJSON *line = bench_json_line(result->names[i], row->status, row->reason, &row->info);
        list_numbers(&result->rows[i], numbers);
        bench_json_numbers(line, numbers, NUMBERS - OWN);
        cJSON_AddItemToArray(rows, line);
    }
}
