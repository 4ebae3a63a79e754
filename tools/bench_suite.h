/* SPDX-License-Identifier: MIT
 *
 * What all commands of vatten_bench that measure have in common: the walk over all lines with the roofs between them, the
 * document that a run becomes, and the exit status.
 */
#ifndef TOOLS_BENCH_SUITE_H
#define TOOLS_BENCH_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vatten/context.h>

#include "bench_measure.h"
#include "bench_print.h"
#include "bench_row.h"
#include "bench_suites.h"
#include "bench_vk.h"
#include "tool_device.h"

/* What the result of a suite begins with. bench_suite_run sets all but `measure`. */
typedef struct bench_run {
    const vatten_context *context;
    const bench_vk *vk;
    const roof *roof;
    const bench_measure *measure;
} bench_run;

typedef struct bench_suite {
    const bench_call *call;
    const char *name; /* as bench_call_suite gives it */
    const tool_options *tool;
    bench_run *run; /* of the result */
    void *user;     /* the result */
    size_t count;   /* of lines */
    /* Checks, times and tells of the lines from `at` on that run in turns; returns how many those are. Failures end up in
     * their rows. */
    size_t (*race)(void *user, vatten_context *context, size_t at);
    /* What is worked out when all lines have run; may be NULL. */
    void (*finish)(void *user, vatten_context *context);
    /* Whether a line is right, or of no concern to this device. */
    bool (*passes)(const void *user, size_t at);
    /* Tables on stdout, Markdown (below device and roofs) or CSV. */
    void (*print)(const void *user, bench_form form);
    /* Adds "rows", and what else there is, to the document. */
    void (*add)(const void *user, cJSON *document);
} bench_suite;

/* Takes a command's options: its lines, those of measuring and those of all tools. False when the command is over, with its
 * exit status. */
bool bench_suite_parse(const bench_call *call, const option_table *lines, const char *usage,
                       bench_measure *measure, tool_options *tool, int *out_status);

/* All lines on the device, with the roofs before those that take turns and after the last, then the report. Returns the exit
 * status. */
int bench_suite_run(const bench_suite *suite);

#endif /* TOOLS_BENCH_SUITE_H */
