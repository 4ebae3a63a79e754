/* SPDX-License-Identifier: MIT */
#include "bench_json.h"

#include <stdio.h>
#include <string.h>

const char *bench_text_of(const cJSON *object, const char *name) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(object, name));
    return text != NULL ? text : "";
}

double bench_number_of(const cJSON *object, const char *name) {
    const cJSON *item = cJSON_GetObjectItem(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : 0.0;
}

bool bench_timing_of(const cJSON *row, const char *name, bench_timing *out) {
    char min[80], max[80];
    snprintf(min, sizeof min, "%.70s_min", name);
    snprintf(max, sizeof max, "%.70s_max", name);
    out->median = bench_number_of(row, name);
    out->min = bench_number_of(row, min);
    out->max = bench_number_of(row, max);
    return out->median > 0.0 && out->min > 0.0 && out->max > 0.0;
}

const char *bench_roof_of(const cJSON *row) {
    const cJSON *tile = cJSON_GetObjectItem(row, "tile");
    if (strcmp(bench_text_of(tile, "layout"), "matrix") == 0)
        return "matrix_gflops";
    return bench_number_of(row, "of_copy_roof") > bench_number_of(row, "of_fma_roof") ? "copy_gbs"
                                                                                      : "fma_gflops";
}

double bench_part_of_roof(const cJSON *row) {
    static const char *const parts[][2] = {
        {"matrix_gflops", "of_matrix_roof"}, {"copy_gbs", "of_copy_roof"}, {"fma_gflops", "of_fma_roof"}};
    const char *roof = bench_roof_of(row);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; ++i)
        if (strcmp(parts[i][0], roof) == 0)
            return bench_number_of(row, parts[i][1]);
    return 0.0;
}
