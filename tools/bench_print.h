/* SPDX-License-Identifier: MIT
 *
 * Pieces of which the suites of vatten_bench make their tables: what stands above them, and the numbers of a line.
 */
#ifndef TOOLS_BENCH_PRINT_H
#define TOOLS_BENCH_PRINT_H

#include <stddef.h>

#include <cjson/cJSON.h>
#include <vatten/context.h>

#include "bench_row.h"
#include "roof.h"
#include "stats.h"

typedef enum bench_form { BENCH_MARKDOWN, BENCH_CSV, BENCH_JSON } bench_form;

/* The same in CSV and JSON. */
typedef struct bench_number {
    const char *name;
    double value;
} bench_number;

/* Part of a roof that a value reaches; 0 = there is none. */
double bench_fraction(double value, stats_summary limit);

/* The device, and the roof of this run, in Markdown. */
void bench_print_device(const vatten_context *context);
void bench_print_roof(const roof *measured);

/* In quotes, with quotes doubled, since names and reasons hold commas, and a comma behind each. */
void bench_print_texts(const char *const *texts, size_t count);

/* Names, or values, with a comma before each, and the end of the line. */
void bench_print_names(const bench_number *numbers, size_t count);
void bench_print_values(const bench_number *numbers, size_t count);

/* A new document: when, what, on which device by which driver, its limits, the quirks that are in force, and the roofs; a roof that is absent is null, and beside it
 * stands why. Rows come behind. */
cJSON *bench_json_document(const char *suite, const char *command, vatten_context *context,
                           const roof *measured);

/* A new line of the JSON: what it is, whether it is right or why not, and its plan. */
cJSON *bench_json_line(const char *problem, bench_status status, const char *reason,
                       const vatten_plan_info *info);
void bench_json_numbers(cJSON *object, const bench_number *numbers, size_t count);

#endif /* TOOLS_BENCH_PRINT_H */
