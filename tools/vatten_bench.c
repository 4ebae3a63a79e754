/* SPDX-License-Identifier: MIT
 *
 * vatten_bench: is it right, and how fast against what this device can do?
 *
 * Outline: options -> list of problems -> device -> roof; per problem: roof again, check against the oracle,
 * time; then one table. The rules of measuring stand in tools/README.md.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_decode.h"
#include "bench_mass.h"
#include "bench_race.h"
#include "bench_report.h"
#include "bench_sparse.h"
#include "bench_sweep.h"
#include "bench_vk.h"
#include "options.h"
#include "roof.h"
#include "say.h"
#include "tool_device.h"

static const char usage_text[] =
    "usage: vatten_bench [--suite default|quick|neighborhood|speedup] [options]\n"
    "       vatten_bench [attention] --lens 1024x1024,1x4096 [--dims 64,128] [--dtypes f32,f16] ... "
    "[options]\n"
    "       vatten_bench neighborhood --extents 64x64 --windows 7,16 [--strides 1,4] ... [options]\n"
    "       vatten_bench sparse ...                        see vatten_bench sparse --help\n"
    "       vatten_bench decode ...                        see vatten_bench decode --help\n"
    "       vatten_bench mass ...                          see vatten_bench mass --help\n"
    "\n"
    "Checks sampled rows against a double-precision oracle, then times; compares with the multiply-add and "
    "copy roof\n"
    "that it measures on the device in the same run. A Markdown table on stdout, progress on stderr.\n"
    "Exit status: 0 all right, 1 a wrong, refused or failed line, 2 wrong command line.\n";

typedef struct bench_options {
    tool_options tool;
    sweep_options sweep;
    bench_settings settings;
    option_ints suite; /* as OPTION_CHOICES, to know whether it was given */
    bool csv;
} bench_options;

#define FIELD(member) offsetof(bench_options, member)

static const option_spec bench_specs[] = {
    {"suite", OPTION_CHOICES, FIELD(suite), BENCH_SUITE_WORDS,
     "instead of lists: problems that are written down"},
    {"repeat", OPTION_U32, FIELD(settings.repeat), "N", "timed runs, default 9"},
    {"warmup", OPTION_U32, FIELD(settings.warmup), "N", "untimed runs before, default 1"},
    {"seconds", OPTION_U32, FIELD(settings.seconds), "N", "per line: stop after 3 runs or more, default 10"},
    {"rows", OPTION_U32, FIELD(settings.rows), "N", "rows compared with the oracle, default 24"},
    {"dense", OPTION_FLAG, FIELD(settings.dense), NULL,
     "neighborhoods, causality and windows: dense attention over the same tokens too, in turns"},
    {"boxes", OPTION_U32, FIELD(settings.boxes), "N",
     "neighborhoods: N other boxes of queries too, in turns; at most 64"},
    {"csv", OPTION_FLAG, FIELD(csv), NULL, "print CSV"},
};

static bool settings_fit(const bench_options *options) {
    const bench_settings *s = &options->settings;
    if (s->repeat < 1 || s->repeat > 10000 || s->rows < 1 || s->warmup > 10000)
        say_error("--repeat and --rows have to be 1 or more, --repeat and --warmup 10000 or less");
    else if (s->boxes > 64)
        say_error("--boxes has to be 64 or less");
    else if (options->csv && options->tool.json)
        say_error("--csv and --json exclude each other");
    else if (options->suite.count != 0 && sweep_has_lists(&options->sweep))
        say_error("--suite and lists exclude each other");
    else
        return true;
    return false;
}

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

static void fill_ratios(const bench_list *list, bench_row *rows) {
    for (size_t i = 0; i < list->count; ++i) {
        if (!list->items[i].causal || rows[i].ratio > 0.0 || rows[i].status != BENCH_RIGHT)
            continue;
        for (size_t j = 0; j < list->count; ++j) {
            bool dense =
                !list->items[j].causal && strcmp(list->items[j].name, list->items[i].dense_name) == 0;
            if (dense && rows[j].status == BENCH_RIGHT && rows[j].gpu_ms.median > 0.0)
                rows[i].ratio = rows[i].gpu_ms.median / rows[j].gpu_ms.median;
        }
    }
}

/* All lines, with the roof before each and after the last. Returns false when the device itself failed. */
static bool run_all(vatten_context *context, const bench_vk *vk, const bench_options *options,
                    const bench_list *list, roof *device_roof, bench_row *rows) {
    for (size_t i = 0; i < list->count; ++i) {
        if (!roof_measure(device_roof))
            return false;
        bench_race(context, vk, &options->settings, &list->items[i], &rows[i]);
        report_progress(&list->items[i], &rows[i], i, list->count);
    }
    fill_ratios(list, rows);
    return roof_measure(device_roof);
}

static int bench(const bench_options *options, const bench_list *list, bench_row *rows) {
    vatten_context *context = NULL;
    roof *device_roof = NULL;
    bench_vk vk;
    if (!tool_open(&options->tool, say_logger(options->tool.verbose), &context))
        return SAY_FAILED;
    bool ok = bench_vk_load(context, &vk) && roof_create(context, &vk, &device_roof);
    ok = ok && run_all(context, &vk, options, list, device_roof, rows);
    if (ok) {
        bench_result result = {context, device_roof, &options->settings, list->items, rows, list->count};
        ok = bench_report(options->csv         ? BENCH_CSV
                          : options->tool.json ? BENCH_JSON
                                               : BENCH_MARKDOWN,
                          &result);
    }
    ok = ok && !tool_found_invalid(context);
    for (size_t i = 0; ok && i < list->count; ++i)
        ok = bench_row_passes(&rows[i]);
    roof_destroy(device_roof);
    vatten_context_destroy(context);
    return ok ? SAY_OK : SAY_FAILED;
}

/* Cold means cold: without this, drivers answer from the disk what an earlier run compiled. */
static void disable_disk_caches(void) {
    setenv("MESA_SHADER_CACHE_DISABLE", "true", 0);
    setenv("MESA_GLSL_CACHE_DISABLE", "true", 0); /* the older name */
    setenv("__GL_SHADER_DISK_CACHE", "0", 0);
}

static int run(const bench_options *options, family_id id, bool family_named) {
    bench_list list = {0};
    int code = SAY_USAGE;
    if (settings_fit(options) && sweep_problems(id, family_named, &options->suite, &options->sweep, &list)) {
        bench_row *rows = calloc(list.count, sizeof *rows);
        code = SAY_FAILED;
        if (rows != NULL)
            code = bench(options, &list, rows);
        else
            say_error("out of memory");
        for (size_t i = 0; rows != NULL && i < list.count; ++i)
            free(rows[i].boxes);
        free(rows);
    }
    sweep_free(&list);
    return code;
}

int main(int argc, char **argv) {
    say_begin("vatten_bench");
    disable_disk_caches();
    if (argc > 1 && strcmp(argv[1], "sparse") == 0)
        return bench_sparse(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "decode") == 0)
        return bench_decode(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "mass") == 0)
        return bench_mass(argc - 1, argv + 1);
    bench_options options = {.sweep = {.batch = 1},
                             .settings = {.repeat = 9, .warmup = 1, .rows = 24, .seconds = 10}};
    family_id id = FAMILY_ATTENTION;
    bool family_named = argc > 1 && family_find(argv[1], &id);
    if (family_named && id != FAMILY_ATTENTION && id != FAMILY_NEIGHBORHOOD) {
        say_error("%s is no family of this bench, see vatten_bench sparse, decode and mass", argv[1]);
        return SAY_USAGE;
    }
    int skip = family_named ? 1 : 0;
    const option_table tables[] = {
        sweep_table(id, &options.sweep),
        family_kernel_table(&options.sweep.family),
        {"measuring", bench_specs, sizeof bench_specs / sizeof *bench_specs, &options},
        tool_option_table(&options.tool),
    };
    const size_t table_count = sizeof tables / sizeof *tables;
    int status;
    if (!tool_parse("vatten_bench", argc - skip, argv + skip, tables, table_count, usage_text, &options.tool,
                    &status))
        return status;
    return run(&options, id, family_named);
}
