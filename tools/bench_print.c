/* SPDX-License-Identifier: MIT */
#include "bench_print.h"

#include <stdio.h>

#include "tool_device.h"

double bench_fraction(double value, stats_summary limit) {
    return limit.median > 0.0 ? value / limit.median : 0.0;
}

void bench_print_device(const vatten_context *context) {
    vatten_context_info info;
    vatten_context_get_info(context, &info);
    printf("Device: %s, %s%s\n\n", info.device_name, info.driver,
           info.validation ? ", validation layer on" : "");
}

void bench_print_roof(const roof *measured) {
    stats_summary fma = roof_fma(measured), copy = roof_copy(measured);
    printf("Roof in this run (median of %zu, min - max): %.1f GFLOP/s multiply-add (%.1f - %.1f; f32, %s), "
           "%.1f GB/s copy\n(%.1f - %.1f; %s, read and written bytes).\n\n",
           roof_samples(measured), fma.median, fma.min, fma.max, roof_fma_shape(measured), copy.median,
           copy.min, copy.max, roof_copy_shape(measured));
}

static void print_quoted(const char *text) {
    putchar('"');
    for (; *text != '\0'; ++text) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    putchar('"');
}

void bench_print_texts(const char *const *texts, size_t count) {
    for (size_t t = 0; t < count; ++t) {
        print_quoted(texts[t]);
        putchar(',');
    }
}

void bench_print_names(const bench_number *numbers, size_t count) {
    for (size_t n = 0; n < count; ++n)
        printf(",%s", numbers[n].name);
    printf("\n");
}

void bench_print_values(const bench_number *numbers, size_t count) {
    for (size_t n = 0; n < count; ++n)
        printf(",%.9g", numbers[n].value);
    printf("\n");
}

cJSON *bench_json_line(const char *problem, bench_status status, const char *reason,
                       const vatten_plan_info *info) {
    cJSON *line = cJSON_CreateObject();
    cJSON_AddStringToObject(line, "problem", problem);
    cJSON_AddStringToObject(line, "status", bench_status_name(status));
    cJSON_AddStringToObject(line, "reason", reason);
    tool_json_plan(line, info);
    return line;
}

void bench_json_numbers(cJSON *object, const bench_number *numbers, size_t count) {
    for (size_t n = 0; n < count; ++n)
        cJSON_AddNumberToObject(object, numbers[n].name, numbers[n].value);
}
