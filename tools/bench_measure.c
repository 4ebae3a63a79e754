/* SPDX-License-Identifier: MIT */
#include "bench_measure.h"

#include <stddef.h>

#include "say.h"

#define FIELD(member) offsetof(bench_measure, member)

static const option_spec measure_specs[] = {
    {"repeat", OPTION_U32, FIELD(repeat), "N", "timed rounds, default 9"},
    {"warmup", OPTION_U32, FIELD(warmup), "N", "untimed runs before, default 1"},
    {"seconds", OPTION_U32, FIELD(seconds), "N", "per line: stop after 3 rounds or more, default 10"},
    {"rows", OPTION_U32, FIELD(rows), "N", "rows compared with the oracle, default 24"},
    {"csv", OPTION_FLAG, FIELD(csv), NULL, "print CSV"},
    {"history", OPTION_TEXT, FIELD(history), "FILE", "append the run to FILE, as one line of JSON"},
    {"html", OPTION_TEXT, FIELD(html), "FILE",
     "write the run to FILE as a page with tables and plots, with those of the other suites of this command "
     "line"},
    {"compare", OPTION_TEXT, FIELD(compare), "FILE",
     "with the last run of this suite on this device in FILE, a history or what --json printed"},
    {"threshold", OPTION_U32, FIELD(threshold), "PERCENT",
     "more time that --compare calls slower, default 10"},
};

bench_measure bench_measure_default(void) {
    bench_measure measure = {.repeat = 9, .warmup = 1, .rows = 24, .seconds = 10, .threshold = 10};
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
    else if (measure->csv && measure->compare != NULL)
        say_error("--csv and --compare exclude each other");
    else
        return true;
    return false;
}
