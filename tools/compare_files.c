/* SPDX-License-Identifier: MIT
 *
 * Runs that stand in files, compared: by a command, or with a run that was just made.
 */
#include "bench_compare.h"

#include <string.h>

#include "bench_history.h"
#include "options.h"
#include "say.h"
#include "tool_device.h"

/* False, and said, for what makes the exit status 1. */
static bool accept(const cJSON *result) {
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(result, "rows")) {
        if (strcmp(bench_text_of(row, "verdict"), "slower") == 0)
            say_error("slower: %s, %s: %.2f times the time", bench_text_of(row, "problem"),
                      bench_text_of(row, "what"), bench_number_of(row, "ratio"));
    }
    if (cJSON_GetArraySize(cJSON_GetObjectItem(result, "rows")) == 0)
        say_error("the two runs have no row in common");
    else
        return bench_number_of(result, "slower") == 0.0;
    return false;
}

/* The result is printed, or left in `out_result` where that is not NULL. */
static bool compare_last(const cJSON *runs, const char *path, uint32_t threshold, const cJSON *document,
                         cJSON **out_result) {
    const cJSON *before = bench_history_last(runs, document);
    if (before == NULL) {
        say_error("%s has no earlier run of this suite on this device", path);
        return false;
    }
    cJSON *result = bench_compare(before, document, threshold);
    bool good = accept(result);
    if (out_result != NULL) {
        *out_result = result;
    } else {
        bench_compare_print(result);
        cJSON_Delete(result);
    }
    return good;
}

bool bench_compare_with(const char *path, uint32_t threshold, const cJSON *document, cJSON **out_result) {
    cJSON *runs = bench_history_load(path);
    bool good = runs != NULL && compare_last(runs, path, threshold, document, out_result);
    cJSON_Delete(runs);
    return good;
}

static const char usage_text[] =
    "usage: vatten_bench compare BEFORE NOW [--threshold PERCENT] [--json]\n"
    "\n"
    "The last run in NOW with the last run of the same suite on the same device in BEFORE; both files hold "
    "what\n"
    "--json printed or what --history keeps. Needs no device.\n"
    "Exit status: 0 no row is slower, 1 one is, or there is nothing to compare, 2 wrong command line.\n";

typedef struct compare_options {
    tool_options tool; /* only what is named below */
    uint32_t threshold;
} compare_options;

static const option_spec compare_specs[] = {
    {"threshold", OPTION_U32, offsetof(compare_options, threshold), "PERCENT",
     "more time that is slower, default 10"},
    {"json", OPTION_FLAG, offsetof(compare_options, tool.json), NULL, "print JSON on one line"},
};

static int compare_files(const char *before, const char *now, const compare_options *o) {
    bool same = strcmp(before, now) == 0;
    cJSON *runs = bench_history_load(now), *others = same ? runs : bench_history_load(before);
    cJSON *last = cJSON_DetachItemFromArray(runs, cJSON_GetArraySize(runs) - 1);
    cJSON *result = NULL;
    bool good = last != NULL && others != NULL &&
                compare_last(others, before, o->threshold, last, o->tool.json ? &result : NULL);
    if (result != NULL)
        good = tool_json_print(result, false) && good;
    cJSON_Delete(last);
    cJSON_Delete(runs);
    if (!same)
        cJSON_Delete(others);
    return say_flush() && good ? SAY_OK : SAY_FAILED;
}

int bench_compare_files(int argc, char **argv) {
    compare_options options = {.threshold = 10};
    const option_table table = {"", compare_specs, sizeof compare_specs / sizeof *compare_specs, &options};
    bool named = argc > 2 && argv[1][0] != '-' && argv[2][0] != '-';
    int status, skip = named ? 2 : 0;
    if (!tool_parse("vatten_bench", argc - skip, argv + skip, &table, 1, usage_text, &options.tool, &status))
        return status;
    if (named)
        return compare_files(argv[1], argv[2], &options);
    say_error("compare needs two files");
    return SAY_USAGE;
}
