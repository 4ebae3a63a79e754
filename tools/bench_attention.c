/* SPDX-License-Identifier: MIT */
#include "bench_commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_race.h"
#include "bench_report.h"
#include "bench_suite.h"
#include "bench_sweep.h"
#include "options.h"
#include "say.h"
#include "tool_device.h"

static const char usage_text[] =
    "usage: vatten_bench [attention] --lens 1024x1024,1x4096 [--dims 64,128] [--dtypes f32,f16] ... "
    "[options]\n"
    "       vatten_bench neighborhood --extents 64x64 --windows 7,16 [--strides 1,4] ... [options]\n"
    "\n"
    "Checks sampled rows against a double-precision oracle, then times; compares with the roofs that it\n"
    "measures on the device in the same run. A Markdown table on stdout, progress on stderr.\n"
    "Exit status: 0 all right, 1 a wrong, refused or failed line, 2 wrong command line.\n";

typedef struct attention_options {
    tool_options tool;
    sweep_options sweep;
    bench_settings settings;
} attention_options;

#define FIELD(member) offsetof(attention_options, member)

static const option_spec rival_specs[] = {
    {"dense", OPTION_FLAG, FIELD(settings.dense), NULL,
     "neighborhoods, causality and windows: dense attention over the same tokens too, in turns"},
    {"boxes", OPTION_U32, FIELD(settings.boxes), "N",
     "neighborhoods: N other boxes of queries too, in turns; at most 64"},
};

static bool settings_fit(const attention_options *o) {
    if (o->settings.boxes > 64) {
        say_error("--boxes has to be 64 or less");
        return false;
    }
    return bench_measure_fits(&o->settings.measure, &o->tool);
}

static bool make_problems(const attention_options *o, const bench_call *call, family_id id,
                          bench_list *list) {
    if (!bench_call_fits(call, sweep_has_lists(&o->sweep)))
        return false;
    return call->suite != NULL ? sweep_expand_suite(call->suite, &o->sweep, list)
                               : sweep_expand(id, &o->sweep, list);
}

/* ---- Running ---- */

static void report_progress(const bench_problem *problem, const bench_row *row, size_t at, size_t count) {
    char against[64] = "";
    if (row->speedup > 0.0)
        snprintf(against, sizeof against, ", %.2f x dense, %.2f of the bound", row->speedup,
                 bench_row_of_bound(row));
    if (row->status == BENCH_RIGHT)
        say_note("[%zu/%zu] %s: %.3f ms, %.1f GFLOP/s%s", at + 1, count, problem->name, row->gpu_ms.median,
                 bench_row_gflops(row), against);
    else
        say_note("[%zu/%zu] %s: %s: %s", at + 1, count, problem->name, bench_status_name(row->status),
                 row->reason);
}

static size_t race(void *user, vatten_context *context, size_t at) {
    bench_result *result = user;
    bench_race(context, result->run.vk, result->settings, &result->problems[at], &result->rows[at]);
    report_progress(&result->problems[at], &result->rows[at], at, result->count);
    return 1;
}

/* Causal lines by those without causality, where these did not run in turns. */
static void fill_ratios(void *user, vatten_context *context) {
    bench_result *result = user;
    bench_row *rows = result->rows;
    (void)context;
    for (size_t i = 0; i < result->count; ++i) {
        const bench_problem *line = &result->problems[i];
        if (!line->causal || rows[i].ratio > 0.0 || rows[i].status != BENCH_RIGHT)
            continue;
        for (size_t j = 0; j < result->count; ++j) {
            const bench_problem *other = &result->problems[j];
            bool dense = !other->causal && strcmp(other->name, line->dense_name) == 0;
            if (dense && rows[j].status == BENCH_RIGHT && rows[j].gpu_ms.median > 0.0)
                rows[i].ratio = rows[i].gpu_ms.median / rows[j].gpu_ms.median;
        }
    }
}

static bool passes(const void *user, size_t at) {
    return bench_row_passes(&((const bench_result *)user)->rows[at]);
}

static int measure(const attention_options *o, const bench_call *call, const bench_list *list) {
    bench_row *rows = calloc(list->count, sizeof *rows);
    if (rows == NULL) {
        say_error("out of memory");
        return SAY_FAILED;
    }
    bench_result result = {.run = {.measure = &o->settings.measure},
                           .settings = &o->settings,
                           .problems = list->items,
                           .rows = rows,
                           .count = list->count};
    const bench_suite lines = {.call = call,
                               .name = bench_call_suite(call, true, ""),
                               .tool = &o->tool,
                               .run = &result.run,
                               .user = &result,
                               .count = list->count,
                               .race = race,
                               .finish = fill_ratios,
                               .passes = passes,
                               .print = bench_report_print,
                               .add = bench_report_add};
    int code = bench_suite_run(&lines);
    for (size_t i = 0; i < list->count; ++i)
        free(rows[i].boxes);
    free(rows);
    return code;
}

int bench_attention(const bench_call *call, bool grids) {
    attention_options options = {.sweep = {.batch = 1}, .settings = {.measure = bench_measure_default()}};
    const family_id id = grids ? FAMILY_NEIGHBORHOOD : FAMILY_ATTENTION;
    const option_table tables[] = {
        sweep_table(id, &options.sweep),
        family_kernel_table(&options.sweep.family),
        {"rivals", rival_specs, sizeof rival_specs / sizeof *rival_specs, &options},
        bench_measure_table(&options.settings.measure),
        tool_option_table(&options.tool),
    };
    int status;
    if (!tool_parse("vatten_bench", call->argc, call->argv, tables, sizeof tables / sizeof *tables,
                    usage_text, &options.tool, &status))
        return status;
    options.settings.dense |= call->suite != NULL && call->suite->dense;
    bench_list list = {0};
    int code = SAY_USAGE;
    if (settings_fit(&options) && make_problems(&options, call, id, &list))
        code = measure(&options, call, &list);
    sweep_free(&list);
    return code;
}
