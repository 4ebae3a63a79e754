/* SPDX-License-Identifier: MIT
 *
 * What the suites of vatten_bench have in common that name their lines themselves, as `decode` and `mass` do: how they are
 * measured, the walk over all lines, and the exit status.
 */
#ifndef TOOLS_BENCH_SUITE_H
#define TOOLS_BENCH_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vatten/context.h>

#include "bench_print.h"
#include "bench_row.h"
#include "options.h"
#include "tool_device.h"

typedef struct bench_measure {
    uint32_t repeat;  /* timed rounds */
    uint32_t warmup;  /* untimed ones before, the checked one not counted */
    uint32_t rows;    /* held against the oracle */
    uint32_t seconds; /* of timed rounds: fewer, at least 3, when they are long */
    bool csv;
} bench_measure;

bench_measure bench_measure_default(void);

/* The options that set it. */
option_table bench_measure_table(bench_measure *measure);

/* False, and said, when they do not fit. */
bool bench_measure_fits(const bench_measure *measure, const tool_options *tool);

/* What the result of a suite begins with. bench_suite_run sets context and roof. */
typedef struct bench_run {
    const vatten_context *context;
    const roof *roof;
    const bench_measure *measure;
} bench_run;

typedef struct bench_suite {
    const tool_options *tool;
    bench_run *run; /* of the result */
    void *user;     /* the result */
    size_t count;   /* of lines */
    /* Checks, times and tells of the lines from `at` on that run in turns; returns how many those are. Failures end up in
     * their rows. */
    size_t (*race)(void *user, vatten_context *context, size_t at);
    const bench_row *(*row)(const void *user, size_t at);
    /* On stdout. False, and said, when that failed. */
    bool (*report)(const void *user, bench_form form);
} bench_suite;

/* All lines on the device, with the roof before those that take turns and after the last, then the report. Returns the exit
 * status. */
int bench_suite_run(const bench_suite *suite);

#endif /* TOOLS_BENCH_SUITE_H */
