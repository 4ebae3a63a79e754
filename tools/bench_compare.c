/* SPDX-License-Identifier: MIT */
#include "bench_compare.h"

#include <stdio.h>
#include <string.h>

#include "bench_history.h"
#include "options.h"
#include "say.h"
#include "tool_device.h"

typedef struct timing {
    double median, min, max;
} timing;

typedef struct comparison {
    const cJSON *before, *now; /* documents */
    double limit;              /* ratio that counts as slower */
    cJSON *rows, *only_before, *only_now;
    int slower;
} comparison;

static const char *text_of(const cJSON *object, const char *name) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(object, name));
    return text != NULL ? text : "";
}

static double number_of(const cJSON *object, const char *name) {
    const cJSON *item = cJSON_GetObjectItem(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : 0.0;
}

/* ---- Matching ---- */

static bool same_row(const cJSON *a, const cJSON *b) {
    return strcmp(text_of(a, "problem"), text_of(b, "problem")) == 0 &&
           strcmp(text_of(a, "kernel"), text_of(b, "kernel")) == 0;
}

/* Row number `which` of those that are like `row`: a sweep may have several, with other tiles. */
static const cJSON *find_row(const cJSON *document, const cJSON *row, int which) {
    const cJSON *other;
    cJSON_ArrayForEach(other, cJSON_GetObjectItem(document, "rows")) {
        if (same_row(other, row) && which-- == 0)
            return other;
    }
    return NULL;
}

static int place_among_same(const cJSON *document, const cJSON *row) {
    int place = 0;
    const cJSON *other;
    cJSON_ArrayForEach(other, cJSON_GetObjectItem(document, "rows")) {
        if (other == row)
            break;
        place += same_row(other, row) ? 1 : 0;
    }
    return place;
}

/* Whether `item` of `row` is a time: a number above 0 with its smallest and largest beside it. */
static bool get_timing(const cJSON *row, const char *name, timing *out) {
    char min[80], max[80];
    snprintf(min, sizeof min, "%.70s_min", name);
    snprintf(max, sizeof max, "%.70s_max", name);
    out->median = number_of(row, name);
    out->min = number_of(row, min);
    out->max = number_of(row, max);
    return out->median > 0.0 && out->min > 0.0 && out->max > 0.0;
}

static bool has_timing(const cJSON *row) {
    timing found;
    const cJSON *item;
    cJSON_ArrayForEach(item, row) {
        if (item->string != NULL && get_timing(row, item->string, &found))
            return true;
    }
    return false;
}

/* ---- Judging ---- */

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), wanted = strlen(end);
    return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

/* The roof that a row is nearer to; times of the CPU have none. */
static const char *roof_name(const cJSON *row, const char *what) {
    const cJSON *tile = cJSON_GetObjectItem(row, "tile");
    static const char *const cpu[] = {"cpu_ms", "plan_cold_ms", "plan_warm_ms"};
    for (size_t i = 0; i < sizeof cpu / sizeof *cpu; ++i)
        if (strcmp(what, cpu[i]) == 0)
            return "";
    if (!ends_with(what, "ms"))
        return "";
    if (strcmp(text_of(tile, "layout"), "matrix") == 0)
        return "matrix_gflops";
    return number_of(row, "of_copy_roof") > number_of(row, "of_fma_roof") ? "copy_gbs" : "fma_gflops";
}

/* How much faster the machine itself is now; 0 = not known. */
static double machine_ratio(const comparison *c, const cJSON *row, const char *what) {
    const char *name = roof_name(row, what);
    double before = number_of(cJSON_GetObjectItem(c->before, name), "median");
    double now = number_of(cJSON_GetObjectItem(c->now, name), "median");
    return before > 0.0 && now > 0.0 ? now / before : 0.0;
}

static void add_timing(cJSON *object, const char *name, const timing *t) {
    cJSON *item = cJSON_AddObjectToObject(object, name);
    cJSON_AddNumberToObject(item, "median", t->median);
    cJSON_AddNumberToObject(item, "min", t->min);
    cJSON_AddNumberToObject(item, "max", t->max);
}

static void judge(comparison *c, const cJSON *row, const char *what, const timing *before,
                  const timing *now) {
    double ratio = now->median / before->median, machine = machine_ratio(c, row, what);
    double by_roof = ratio * machine;
    bool slower = ratio > c->limit && (machine <= 0.0 || by_roof > c->limit) && now->min > before->max;
    bool faster =
        ratio < 1.0 / c->limit && (machine <= 0.0 || by_roof < 1.0 / c->limit) && now->max < before->min;
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "problem", text_of(row, "problem"));
    cJSON_AddStringToObject(object, "kernel", text_of(row, "kernel"));
    cJSON_AddStringToObject(object, "what", what);
    add_timing(object, "before", before);
    add_timing(object, "now", now);
    cJSON_AddNumberToObject(object, "ratio", ratio);
    if (machine > 0.0)
        cJSON_AddNumberToObject(object, "by_roof", by_roof);
    cJSON_AddStringToObject(object, "verdict", slower ? "slower" : faster ? "faster" : "same");
    cJSON_AddItemToArray(c->rows, object);
    c->slower += slower ? 1 : 0;
}

static void compare_rows(comparison *c, const cJSON *before, const cJSON *now) {
    const cJSON *item;
    timing was, is;
    cJSON_ArrayForEach(item, now) {
        if (item->string != NULL && get_timing(now, item->string, &is) &&
            get_timing(before, item->string, &was))
            judge(c, now, item->string, &was, &is);
    }
}

/* ---- What stands on one side only ---- */

static void add_lonely(cJSON *list, const cJSON *row, const cJSON *other) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "problem", text_of(row, "problem"));
    cJSON_AddStringToObject(object, "kernel", text_of(row, "kernel"));
    cJSON_AddStringToObject(object, "other", other != NULL ? text_of(other, "status") : "not there");
    cJSON_AddItemToArray(list, object);
}

static void compare_sides(comparison *c) {
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(c->now, "rows")) {
        const cJSON *before = find_row(c->before, row, place_among_same(c->now, row));
        if (!has_timing(row))
            continue;
        if (before != NULL && has_timing(before))
            compare_rows(c, before, row);
        else
            add_lonely(c->only_now, row, before);
    }
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(c->before, "rows")) {
        const cJSON *now = find_row(c->now, row, place_among_same(c->before, row));
        if (has_timing(row) && (now == NULL || !has_timing(now)))
            add_lonely(c->only_before, row, now);
    }
}

static void add_head(cJSON *result, const char *name, const cJSON *document) {
    static const char *const words[] = {"date", "version", "suite", "command", "device", "driver"};
    static const char *const roofs[] = {"fma_gflops", "matrix_gflops", "copy_gbs"};
    cJSON *head = cJSON_AddObjectToObject(result, name);
    for (size_t i = 0; i < sizeof words / sizeof *words; ++i)
        cJSON_AddStringToObject(head, words[i], text_of(document, words[i]));
    for (size_t i = 0; i < sizeof roofs / sizeof *roofs; ++i)
        cJSON_AddNumberToObject(head, roofs[i], number_of(cJSON_GetObjectItem(document, roofs[i]), "median"));
}

cJSON *bench_compare(const cJSON *before, const cJSON *now, uint32_t threshold) {
    cJSON *result = cJSON_CreateObject();
    add_head(result, "before", before);
    add_head(result, "now", now);
    cJSON_AddNumberToObject(result, "threshold", threshold);
    comparison c = {.before = before, .now = now, .limit = 1.0 + threshold / 100.0};
    c.rows = cJSON_AddArrayToObject(result, "rows");
    c.only_before = cJSON_AddArrayToObject(result, "only_before");
    c.only_now = cJSON_AddArrayToObject(result, "only_now");
    compare_sides(&c);
    cJSON_AddNumberToObject(result, "slower", c.slower);
    return result;
}

/* ---- Markdown ---- */

static void print_head(const cJSON *head, const char *side) {
    printf("%s: %s, version %s, %s, %s, roofs", side, text_of(head, "date"), text_of(head, "version"),
           text_of(head, "device"), text_of(head, "driver"));
    printf(" %.1f GFLOP/s multiply-add,", number_of(head, "fma_gflops"));
    if (number_of(head, "matrix_gflops") > 0.0)
        printf(" %.1f GFLOP/s matrix,", number_of(head, "matrix_gflops"));
    printf(" %.1f GB/s copy.\n", number_of(head, "copy_gbs"));
}

static void print_row(const cJSON *row) {
    const cJSON *before = cJSON_GetObjectItem(row, "before"), *now = cJSON_GetObjectItem(row, "now");
    char by_roof[16] = "";
    if (number_of(row, "by_roof") > 0.0)
        snprintf(by_roof, sizeof by_roof, "%.3f", number_of(row, "by_roof"));
    printf("| %s | %s | %s | %.4g (%.4g - %.4g) | %.4g (%.4g - %.4g) | %.3f | %s | %s |\n",
           text_of(row, "problem"), text_of(row, "kernel"), text_of(row, "what"), number_of(before, "median"),
           number_of(before, "min"), number_of(before, "max"), number_of(now, "median"),
           number_of(now, "min"), number_of(now, "max"), number_of(row, "ratio"), by_roof,
           text_of(row, "verdict"));
}

static void print_lonely(const cJSON *list, const char *where, const char *other) {
    const cJSON *row;
    cJSON_ArrayForEach(row, list) {
        printf("%s: %s, %s (%s: %s)\n", where, text_of(row, "problem"), text_of(row, "kernel"), other,
               text_of(row, "other"));
    }
}

void bench_compare_print(const cJSON *result) {
    const cJSON *row;
    printf("\n");
    print_head(cJSON_GetObjectItem(result, "before"), "Before");
    print_head(cJSON_GetObjectItem(result, "now"), "Now");
    printf("\nSlower: by more than %.0f %%, by the roof of each run too, and every time beyond all of those "
           "before.\n\n",
           number_of(result, "threshold"));
    printf("| problem | kernel | what | before, median (min - max) | now | now by before | by the roofs | |\n"
           "|---|---|---|---|---|---|---|---|\n");
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(result, "rows")) {
        print_row(row);
    }
    printf("\n");
    print_lonely(cJSON_GetObjectItem(result, "only_before"), "Only before", "now");
    print_lonely(cJSON_GetObjectItem(result, "only_now"), "Only now", "before");
}

/* ---- Commands ---- */

/* False, and said, for what makes the exit status 1. */
static bool accept(const cJSON *result) {
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(result, "rows")) {
        if (strcmp(text_of(row, "verdict"), "slower") == 0)
            say_error("slower: %s, %s: %.2f times the time", text_of(row, "problem"), text_of(row, "what"),
                      number_of(row, "ratio"));
    }
    if (cJSON_GetArraySize(cJSON_GetObjectItem(result, "rows")) == 0)
        say_error("the two runs have no row in common");
    else
        return number_of(result, "slower") == 0.0;
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
