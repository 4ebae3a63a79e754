/* SPDX-License-Identifier: MIT */
#include "bench_print.h"

#include <stdio.h>
#include <time.h>

#include "tool_device.h"
#include "tool_limits.h"

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
    stats_summary fma = roof_fma(measured), matrix = roof_matrix(measured), copy = roof_copy(measured);
    printf("Roof in this run (median of %zu, min - max): %.1f GFLOP/s multiply-add (%.1f - %.1f; f32, %s), ",
           roof_samples(measured), fma.median, fma.min, fma.max, roof_fma_shape(measured));
    if (roof_no_matrix(measured) == NULL)
        printf("%.1f GFLOP/s matrix (%.1f - %.1f; %s), ", matrix.median, matrix.min, matrix.max,
               roof_matrix_shape(measured));
    else
        printf("matrix absent (%s), ", roof_no_matrix(measured));
    printf("%.1f GB/s copy (%.1f - %.1f; %s, read and written bytes).\n\n", copy.median, copy.min, copy.max,
           roof_copy_shape(measured));
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

static void add_roof(cJSON *object, const char *name, stats_summary summary, const char *shape) {
    cJSON *item = cJSON_AddObjectToObject(object, name);
    cJSON_AddNumberToObject(item, "median", summary.median);
    cJSON_AddNumberToObject(item, "min", summary.min);
    cJSON_AddNumberToObject(item, "max", summary.max);
    cJSON_AddStringToObject(item, "by", shape);
}

static void add_roofs(cJSON *object, const roof *measured) {
    add_roof(object, "fma_gflops", roof_fma(measured), roof_fma_shape(measured));
    if (roof_no_matrix(measured) == NULL) {
        add_roof(object, "matrix_gflops", roof_matrix(measured), roof_matrix_shape(measured));
    } else {
        cJSON_AddNullToObject(object, "matrix_gflops");
        cJSON_AddStringToObject(object, "matrix_absent", roof_no_matrix(measured));
    }
    add_roof(object, "copy_gbs", roof_copy(measured), roof_copy_shape(measured));
}

cJSON *bench_json_document(const char *suite, const char *command, vatten_context *context,
                           const roof *measured) {
    char date[32] = "", version[32];
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc) != NULL)
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &utc);
    tool_version_text(version, sizeof version);
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "date", date);
    cJSON_AddStringToObject(object, "version", version);
    cJSON_AddStringToObject(object, "suite", suite);
    cJSON_AddStringToObject(object, "command", command);
    tool_json_device(object, context);
    cJSON *limits = cJSON_AddObjectToObject(object, "limits");
    tool_json_limits(limits, context);
    cJSON_AddItemToObject(object, "quirks",
                          tool_json_quirks(cJSON_GetStringValue(cJSON_GetObjectItem(limits, "quirks"))));
    add_roofs(object, measured);
    return object;
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
