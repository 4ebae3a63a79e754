/* SPDX-License-Identifier: MIT
 *
 * vatten_tune --sweep: times tiles on the device at hand and writes rows for those that are faster than what it has.
 *
 * Outline: options -> list of problems -> groups that a row can tell apart; per group a search; then the file's text, which
 * the library itself has to take and to go by before it is shown or written.
 */
#include "tune_measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_sweep.h"
#include "options.h"
#include "say.h"
#include "tool_device.h"
#include "tool_tuning.h"
#include "tune_print.h"
#include "tune_rows.h"
#include "tune_search.h"

static const char usage_text[] =
    "usage: vatten_tune --sweep [attention] --lens 1024x1024,1x4096 [--dims 64,128] [--dtypes f32,f16] ... "
    "[options]\n"
    "       vatten_tune --sweep neighborhood --extents 64x64 --windows 7,16 [--strides 1,4] ... [options]\n"
    "       vatten_tune --sweep sparse --lens 4096 --q-blocks 1,64 --kv-blocks 64 --entries 8 ... [options]\n"
    "       vatten_tune --sweep lists --lens 4096 --q-blocks 64 --kv-blocks 64 --entries 8 ... [options]\n"
    "       vatten_tune --sweep --suite quick [options]       one of vatten_bench, see its --help\n"
    "       vatten_tune --simulate ...                     see vatten_tune --simulate --help\n"
    "\n"
    "Looks for faster tiles than the device has so far. Problems that a row of a tuning file cannot tell "
    "apart\n"
    "are a group; each candidate is held against a double-precision oracle, then timed in turns with the "
    "present tile. Rows\n"
    "are written for what saves --margin percent and is faster in three quarters of all rounds.\n"
    "Exit status: 0 done, 1 a wrong tile, refused, failed or interrupted, 2 wrong command line.\n";

typedef struct measure_options {
    tool_options tool;
    sweep_options sweep;
    tune_settings settings;
    const char *suite;
    bool sweep_flag; /* said already by the name of the command */
    bool remember;
    const char *out, *csv;
} measure_options;

#define FIELD(member) offsetof(measure_options, member)

static const option_spec measure_specs[] = {
    {"sweep", OPTION_FLAG, FIELD(sweep_flag), NULL, "time tiles; need not be said where a family is named"},
    {"suite", OPTION_TEXT, FIELD(suite), "NAME",
     "instead of lists: a suite of vatten_bench's commands attention and neighborhood"},
    {"seconds", OPTION_U32, FIELD(settings.seconds), "N", "of the sweep, shared by its groups; default 300"},
    {"repeat", OPTION_U32, FIELD(settings.repeat), "N", "timed rounds of the best few, default 15"},
    {"warmup", OPTION_U32, FIELD(settings.warmup), "N", "untimed runs before, default 1"},
    {"check-rows", OPTION_U32, FIELD(settings.rows), "N",
     "rows of each candidate held against the oracle, default 8"},
    {"finalists", OPTION_U32, FIELD(settings.finalists), "N",
     "tiles that run in turns in the end, 1..8, default 3"},
    {"candidates", OPTION_U32, FIELD(settings.candidates), "N",
     "tiles looked at for each group at most, default 200"},
    {"margin", OPTION_U32, FIELD(settings.margin), "PERCENT",
     "of the time that a new tile has to save, default 5"},
    {"out", OPTION_TEXT, FIELD(out), "FILE", "write a tuning file there"},
    {"remember", OPTION_FLAG, FIELD(remember), NULL,
     "keep the rows for this device and driver, for --tuning remembered, beside older ones for other "
     "problems"},
    {"csv", OPTION_TEXT, FIELD(csv), "FILE", "also write every tile that was timed there"},
};

static bool settings_fit(const measure_options *options) {
    const tune_settings *s = &options->settings;
    if (s->repeat < 1 || s->repeat > 10000 || s->rows < 1 || s->warmup > 10000)
        say_error("--repeat and --check-rows have to be 1 or more, --repeat and --warmup 10000 or less");
    else if (s->finalists < 1 || s->finalists > 8 || s->candidates < 1)
        say_error("--finalists has to be 1..8, --candidates 1 or more");
    else if (s->margin > 99 || s->seconds < 1)
        say_error("--margin has to be below 100, --seconds 1 or more");
    else if (options->sweep.family.tile.count != 0)
        say_error("--tile has no meaning for a sweep: it tries them");
    else if (options->suite != NULL && sweep_has_lists(&options->sweep))
        say_error("--suite and lists exclude each other");
    else
        return true;
    return false;
}

/* NULL in `out` where none is asked for. */
static bool find_suite(const measure_options *options, const bench_entry **out) {
    *out = options->suite != NULL ? bench_suites_find(options->suite) : NULL;
    if (options->suite == NULL || (*out != NULL && (*out)->lines[0] != NULL))
        return true;
    say_error("--suite: %s is none of attention or neighborhood: vatten_bench --help lists them",
              options->suite);
    return false;
}

/* ---- Signals: the first one ends the search, another one the program ---- */

static void interrupt(int number) {
    tune_interrupted = 1;
    signal(number, SIG_DFL);
}

/* ---- The search ---- */

static bool is_wrong(const tune_group *group) {
    for (size_t i = 0; i < group->candidate_count; ++i)
        if (group->candidates[i].status == BENCH_WRONG)
            return true;
    return false;
}

static bool search_all(vatten_context *context, const bench_vk *vk, const tune_settings *settings,
                       tune_groups *groups) {
    double end_ms = stats_now_ms() + 1e3 * settings->seconds;
    bool good = true;
    for (size_t i = 0; i < groups->count && !tune_interrupted; ++i) {
        char name[160];
        tune_group_name(&groups->items[i], name, sizeof name);
        double now = stats_now_ms();
        double share = now < end_ms ? (end_ms - now) / (double)(groups->count - i) : 0.0;
        say_note("[%zu/%zu] %s: %zu problem%s, %.0f s", i + 1, groups->count, name,
                 groups->items[i].line_count, groups->items[i].line_count == 1 ? "" : "s", share / 1e3);
        good = tune_search(context, vk, settings, now + share, &groups->items[i]) && good;
        good = !is_wrong(&groups->items[i]) && good;
    }
    if (tune_interrupted)
        say_error("interrupted: only what was finished is kept");
    return good && !tune_interrupted;
}

/* ---- Results ---- */

/* Rows that the library would not go by are taken out once more. */
static char *proven_text(vatten_context *context, tune_groups *groups, const char *older) {
    char *text = tune_rows_text(context, groups, older);
    bool again = false;
    bool good = text != NULL && tune_rows_prove(context, text, groups, &again);
    if (good && !again)
        return text;
    free(text);
    return good ? tune_rows_text(context, groups, older) : NULL;
}

/* A copy of what is remembered: the text that tool_tuning_read holds is that of --tuning. */
static bool remember(vatten_context *context, tune_groups *groups) {
    char path[TOOL_TUNING_PATH];
    size_t size;
    if (!tool_tuning_path(context, path))
        return false;
    const char *older = "";
    if (tool_tuning_exists(path)) {
        if (tool_tuning_read(path))
            older = tool_tuning_text(&size);
        else
            say_note("warning: what was remembered is written anew");
    }
    char *text = tune_rows_text(context, groups, older);
    bool good = text != NULL && tool_tuning_write(path, text, strlen(text), true);
    if (good)
        say_note("remembered in %s", path);
    free(text);
    return good;
}

/* An interrupted sweep that finished nothing must not take the place of a file that has rows. */
static bool is_worth_a_file(const tune_groups *groups) {
    bool any = !tune_interrupted;
    for (size_t i = 0; i < groups->count; ++i)
        any = any || groups->items[i].searched;
    return any;
}

static bool report(const measure_options *options, vatten_context *context, tune_groups *groups) {
    char *text = proven_text(context, groups, "");
    bool good = text != NULL;
    bool worth = is_worth_a_file(groups);
    if (good && worth && options->out != NULL)
        good = tool_tuning_write(options->out, text, strlen(text), false);
    if (good && options->csv != NULL)
        good = tune_write_sweep_csv(options->csv, groups);
    if (good)
        good = options->tool.json ? tune_print_sweep_json(context, groups, text)
                                  : tune_print_sweep(context, groups, text);
    free(text);
    return good && (!options->remember || !worth || remember(context, groups));
}

static int measure(const measure_options *options, const bench_list *list) {
    vatten_context *context = NULL;
    tune_groups groups = {0};
    bench_vk vk;
    if (!tool_open(&options->tool, say_logger(options->tool.verbose), &context))
        return SAY_FAILED;
    signal(SIGINT, interrupt);
    signal(SIGTERM, interrupt);
    bool ready = bench_vk_load(context, &vk) && tune_groups_make(context, list, &groups);
    bool good = ready && groups.count != 0 && search_all(context, &vk, &options->settings, &groups);
    if (ready && groups.count == 0)
        say_error("the device takes none of the problems");
    if (ready && groups.count != 0)
        good = report(options, context, &groups) && good;
    good = good && !tool_found_invalid(context);
    tune_groups_free(&groups);
    vatten_context_destroy(context);
    return good ? SAY_OK : SAY_FAILED;
}

int tune_measure(int argc, char **argv) {
    measure_options options = {.sweep = {.batch = 1},
                               .settings = {.repeat = 15,
                                            .warmup = 1,
                                            .rows = 8,
                                            .seconds = 300,
                                            .finalists = 3,
                                            .candidates = 200,
                                            .margin = 5}};
    family_id id = FAMILY_ATTENTION;
    bool family_named = argc > 1 && family_find(argv[1], &id);
    int skip = family_named ? 1 : 0;
    const option_table tables[] = {
        sweep_table(id, &options.sweep),
        family_kernel_table(&options.sweep.family),
        {"sweep", measure_specs, sizeof measure_specs / sizeof *measure_specs, &options},
        tool_option_table(&options.tool),
    };
    int status;
    if (!tool_parse("vatten_tune", argc - skip, argv + skip, tables, sizeof tables / sizeof *tables,
                    usage_text, &options.tool, &status))
        return status;
    bench_list list = {0};
    int code = SAY_USAGE;
    const bench_entry *suite = NULL;
    if (settings_fit(&options) && find_suite(&options, &suite) &&
        sweep_problems(id, family_named, suite, &options.sweep, &list))
        code = measure(&options, &list);
    sweep_free(&list);
    return code;
}
