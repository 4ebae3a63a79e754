/* SPDX-License-Identifier: MIT
 *
 * Reading the JSON document of a run of vatten_bench, for those who compare runs and those who draw them.
 */
#ifndef TOOLS_BENCH_JSON_H
#define TOOLS_BENCH_JSON_H

#include <stdbool.h>

#include <cjson/cJSON.h>

/* What an object has by that name; "" and 0 if it has none. */
const char *bench_text_of(const cJSON *object, const char *name);
double bench_number_of(const cJSON *object, const char *name);

/* A number with its smallest and largest. */
typedef struct bench_timing {
    double median, min, max;
} bench_timing;

/* Whether `name` of a row is a time: a number above 0 with `name`_min and `name`_max beside it. */
bool bench_timing_of(const cJSON *row, const char *name, bench_timing *out);

/* The roof that a row is nearer to, by its name in the document: "fma_gflops", "matrix_gflops" or "copy_gbs". */
const char *bench_roof_of(const cJSON *row);

/* The part of that roof that it reaches; 0 = not known. */
double bench_part_of_roof(const cJSON *row);

#endif /* TOOLS_BENCH_JSON_H */
