/* SPDX-License-Identifier: MIT
 *
 * One line of `vatten_bench launch`: a plan of some family, what making it costs with and without a pipeline cache file, and
 * what recording it costs.
 */
#ifndef TOOLS_LAUNCH_CASE_H
#define TOOLS_LAUNCH_CASE_H

#include <vatten/context.h>

#include "bench_measure.h"
#include "bench_row.h"

typedef struct launch_row {
    bench_row bench;         /* of it status, reason, info */
    stats_summary record_us; /* medians of one record, each over BATCH records */
    stats_summary
        plan_ms[2]; /* cold: without a cache file; warm: with the file that a program left behind before */
    stats_summary first_ms[2]; /* the first run on the wall, in which some drivers compile */
    uint64_t file_bytes;
} launch_row;

enum { LAUNCH_COLD, LAUNCH_WARM };

/* Records whose median is one sample. */
enum { LAUNCH_BATCH = 128 };

#define LAUNCH_PLAN_WORDS "dense|decode|window|neighborhood|lists|selection|sparse"
enum { LAUNCH_PLANS = 7 };

/* What plan number `plan` of LAUNCH_PLAN_WORDS is. */
const char *launch_name(size_t plan);

/* Measures that plan. `tool` says the device; contexts of its own are made for the cache file. Failures end up in the row. */
void launch_measure(vatten_context *context, const tool_options *tool, const bench_measure *measure,
                    size_t plan, launch_row *out_row);

#endif /* TOOLS_LAUNCH_CASE_H */
