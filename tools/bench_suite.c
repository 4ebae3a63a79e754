/* SPDX-License-Identifier: MIT */
#include "bench_suite.h"

#include "bench_vk.h"
#include "say.h"

#define FIELD(member) offsetof(bench_measure, member)

static const option_spec measure_specs[] = {
    {"repeat", OPTION_U32, FIELD(repeat), "N", "timed rounds, default 9"},
    {"warmup", OPTION_U32, FIELD(warmup), "N", "untimed runs before, default 1"},
    {"seconds", OPTION_U32, FIELD(seconds), "N", "per line: stop after 3 rounds or more, default 10"},
    {"rows", OPTION_U32, FIELD(rows), "N", "rows compared with the oracle, default 16"},
    {"csv", OPTION_FLAG, FIELD(csv), NULL, "print CSV"},
};

bench_measure bench_measure_default(void) {
    bench_measure measure = {.repeat = 9, .warmup = 1, .rows = 16, .seconds = 10};
    return measure;
}

option_table bench_measure_table(bench_measure *measure) {
    option_table table = {"measuring", measure_specs, sizeof measure_specs / sizeof *measure_specs, measure};
    return table;
}

bool bench_measure_fits(const bench_measure *measure, const tool_options *tool) {
    if (measure->repeat < 1 || measure->repeat > 10000 || measure->rows < 1 || measure->warmup > 10000)
        say_error("--repeat and --rows have to be 1 or more, --repeat and --warmup 10000 or less");
    else if (measure->csv && tool->json)
        say_error("--csv and --json exclude each other");
    else
        return true;
    return false;
}

/* False when the device itself failed. */
static bool run_all(const bench_suite *suite, vatten_context *context, roof *device_roof) {
    for (size_t at = 0; at < suite->count;) {
        if (!roof_measure(device_roof))
            return false;
        at += suite->race(suite->user, context, at);
    }
    return roof_measure(device_roof);
}

static bool report(const bench_suite *suite, const vatten_context *context, const roof *device_roof) {
    bool csv = suite->run->measure->csv;
    suite->run->context = context;
    suite->run->roof = device_roof;
    return suite->report(suite->user, csv ? BENCH_CSV : suite->tool->json ? BENCH_JSON : BENCH_MARKDOWN);
}

int bench_suite_run(const bench_suite *suite) {
    vatten_context *context = NULL;
    roof *device_roof = NULL;
    bench_vk vk;
    bool ok = tool_open(suite->tool, say_quiet_logger(), &context) && bench_vk_load(context, &vk) &&
              roof_create(context, &vk, &device_roof);
    ok = ok && run_all(suite, context, device_roof) && report(suite, context, device_roof) &&
         !tool_found_invalid(context);
    for (size_t i = 0; ok && i < suite->count; ++i)
        ok = bench_row_passes(suite->row(suite->user, i));
    roof_destroy(device_roof);
    vatten_context_destroy(context);
    return ok ? SAY_OK : SAY_FAILED;
}
