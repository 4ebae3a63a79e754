/* SPDX-License-Identifier: MIT */
#include "bench_commands.h"

#include "bench_suite.h"
#include "launch_report.h"
#include "options.h"
#include "say.h"
#include "tool_device.h"

static const char usage_text[] =
    "usage: vatten_bench launch [options]\n"
    "\n"
    "What plans of all families cost the CPU: a record, and making the plan with and without a pipeline "
    "cache\n"
    "file, in programs of their own as far as vatten can tell. Nothing is compared with an oracle.\n"
    "Exit status: 0 all right, 1 a refused or slower line, 2 wrong command line.\n";

enum { MOST_ROWS = OPTION_MAX_ITEMS };

typedef struct launch_options {
    tool_options tool;
    bench_measure measure;
    option_ints plans;
} launch_options;

static const option_spec plan_specs[] = {
    {"plans", OPTION_CHOICES, offsetof(launch_options, plans), LAUNCH_PLAN_WORDS, "default all"},
};

static size_t race(void *user, vatten_context *context, size_t at) {
    launch_result *result = user;
    launch_row *row = &result->rows[at];
    launch_measure(context, result->tool, result->run.measure, result->plans[at], row);
    if (row->bench.status == BENCH_RIGHT)
        say_note("[%zu/%zu] %s: record %.2f us, plan %.1f ms cold, %.1f ms warm", at + 1, result->count,
                 result->names[at], row->record_us.median, row->plan_ms[LAUNCH_COLD].median,
                 row->plan_ms[LAUNCH_WARM].median);
    else
        say_note("[%zu/%zu] %s: %s: %s", at + 1, result->count, result->names[at],
                 bench_status_name(row->bench.status), row->bench.reason);
    return 1;
}

static bool passes(const void *user, size_t at) {
    return bench_row_passes(&((const launch_result *)user)->rows[at].bench);
}

static int run(const launch_options *o, const bench_call *call) {
    static launch_row rows[MOST_ROWS];
    static size_t plans[MOST_ROWS];
    static const char *names[MOST_ROWS];
    if (!bench_measure_fits(&o->measure, &o->tool) || !bench_call_fits(call, o->plans.count != 0))
        return SAY_USAGE;
    launch_result result = {.run = {.measure = &o->measure},
                            .tool = &o->tool,
                            .plans = plans,
                            .names = names,
                            .rows = rows,
                            .count = o->plans.count != 0 ? o->plans.count : LAUNCH_PLANS};
    for (size_t i = 0; i < result.count; ++i) {
        plans[i] = o->plans.count != 0 ? (size_t)o->plans.value[i] : i;
        names[i] = launch_name(plans[i]);
    }
    const bench_suite lines = {.call = call,
                               .name = bench_call_suite(call, o->plans.count != 0, "launch"),
                               .tool = &o->tool,
                               .run = &result.run,
                               .user = &result,
                               .count = result.count,
                               .race = race,
                               .passes = passes,
                               .print = launch_report_print,
                               .add = launch_report_add};
    return bench_suite_run(&lines);
}

int bench_launch(const bench_call *call) {
    launch_options options = {.measure = bench_measure_default()};
    const option_table lines = {"lines", plan_specs, sizeof plan_specs / sizeof *plan_specs, &options};
    int status;
    if (!bench_suite_parse(call, &lines, usage_text, &options.measure, &options.tool, &status))
        return status;
    return run(&options, call);
}
