/* SPDX-License-Identifier: MIT */
#include "bench_compare.h"

#include <stdio.h>
#include <string.h>

typedef struct comparison {
    const cJSON *before, *now; /* documents */
    double limit;              /* ratio that counts as slower */
    cJSON *rows, *only_before, *only_now;
    int slower;
} comparison;

/* ---- Matching ---- */

static bool same_row(const cJSON *a, const cJSON *b) {
    return strcmp(bench_text_of(a, "problem"), bench_text_of(b, "problem")) == 0 &&
           strcmp(bench_text_of(a, "kernel"), bench_text_of(b, "kernel")) == 0;
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

static bool has_timing(const cJSON *row) {
    bench_timing found;
    const cJSON *item;
    cJSON_ArrayForEach(item, row) {
        if (item->string != NULL && bench_timing_of(row, item->string, &found))
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
    static const char *const cpu[] = {"cpu_ms", "plan_cold_ms", "plan_warm_ms"};
    for (size_t i = 0; i < sizeof cpu / sizeof *cpu; ++i)
        if (strcmp(what, cpu[i]) == 0)
            return "";
    if (!ends_with(what, "ms"))
        return "";
    return bench_roof_of(row);
}

/* How much faster the machine itself is now; 0 = not known. */
static double machine_ratio(const comparison *c, const cJSON *row, const char *what) {
    const char *name = roof_name(row, what);
    double before = bench_number_of(cJSON_GetObjectItem(c->before, name), "median");
    double now = bench_number_of(cJSON_GetObjectItem(c->now, name), "median");
    return before > 0.0 && now > 0.0 ? now / before : 0.0;
}

static void add_timing(cJSON *object, const char *name, const bench_timing *t) {
    cJSON *item = cJSON_AddObjectToObject(object, name);
    cJSON_AddNumberToObject(item, "median", t->median);
    cJSON_AddNumberToObject(item, "min", t->min);
    cJSON_AddNumberToObject(item, "max", t->max);
}

static void judge(comparison *c, const cJSON *row, const char *what, const bench_timing *before,
                  const bench_timing *now) {
    double ratio = now->median / before->median, machine = machine_ratio(c, row, what);
    double by_roof = ratio * machine;
    bool slower = ratio > c->limit && (machine <= 0.0 || by_roof > c->limit) && now->min > before->max;
    bool faster =
        ratio < 1.0 / c->limit && (machine <= 0.0 || by_roof < 1.0 / c->limit) && now->max < before->min;
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "problem", bench_text_of(row, "problem"));
    cJSON_AddStringToObject(object, "kernel", bench_text_of(row, "kernel"));
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
    bench_timing was, is;
    cJSON_ArrayForEach(item, now) {
        if (item->string != NULL && bench_timing_of(now, item->string, &is) &&
            bench_timing_of(before, item->string, &was))
            judge(c, now, item->string, &was, &is);
    }
}

/* ---- What stands on one side only ---- */

static void add_lonely(cJSON *list, const cJSON *row, const cJSON *other) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "problem", bench_text_of(row, "problem"));
    cJSON_AddStringToObject(object, "kernel", bench_text_of(row, "kernel"));
    cJSON_AddStringToObject(object, "other", other != NULL ? bench_text_of(other, "status") : "not there");
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
        cJSON_AddStringToObject(head, words[i], bench_text_of(document, words[i]));
    for (size_t i = 0; i < sizeof roofs / sizeof *roofs; ++i)
        cJSON_AddNumberToObject(head, roofs[i],
                                bench_number_of(cJSON_GetObjectItem(document, roofs[i]), "median"));
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
    printf("%s: %s, version %s, %s, %s, roofs", side, bench_text_of(head, "date"),
           bench_text_of(head, "version"), bench_text_of(head, "device"), bench_text_of(head, "driver"));
    printf(" %.1f GFLOP/s multiply-add,", bench_number_of(head, "fma_gflops"));
    if (bench_number_of(head, "matrix_gflops") > 0.0)
        printf(" %.1f GFLOP/s matrix,", bench_number_of(head, "matrix_gflops"));
    printf(" %.1f GB/s copy.\n", bench_number_of(head, "copy_gbs"));
}

static void print_row(const cJSON *row) {
    const cJSON *before = cJSON_GetObjectItem(row, "before"), *now = cJSON_GetObjectItem(row, "now");
    char by_roof[16] = "";
    if (bench_number_of(row, "by_roof") > 0.0)
        snprintf(by_roof, sizeof by_roof, "%.3f", bench_number_of(row, "by_roof"));
    printf("| %s | %s | %s | %.4g (%.4g - %.4g) | %.4g (%.4g - %.4g) | %.3f | %s | %s |\n",
           bench_text_of(row, "problem"), bench_text_of(row, "kernel"), bench_text_of(row, "what"),
           bench_number_of(before, "median"), bench_number_of(before, "min"), bench_number_of(before, "max"),
           bench_number_of(now, "median"), bench_number_of(now, "min"), bench_number_of(now, "max"),
           bench_number_of(row, "ratio"), by_roof, bench_text_of(row, "verdict"));
}

static void print_lonely(const cJSON *list, const char *where, const char *other) {
    const cJSON *row;
    cJSON_ArrayForEach(row, list) {
        printf("%s: %s, %s (%s: %s)\n", where, bench_text_of(row, "problem"), bench_text_of(row, "kernel"),
               other, bench_text_of(row, "other"));
    }
}

void bench_compare_print(const cJSON *result) {
    const cJSON *row;
    printf("\n");
    print_head(cJSON_GetObjectItem(result, "before"), "Before");
    print_head(cJSON_GetObjectItem(result, "now"), "Now");
    printf("\nSlower: by more than %.0f %%, by the roof of each run too, and every time beyond all of those "
           "before.\n\n",
           bench_number_of(result, "threshold"));
    printf("| problem | kernel | what | before, median (min - max) | now | now by before | by the roofs | |\n"
           "|---|---|---|---|---|---|---|---|\n");
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(result, "rows")) {
        print_row(row);
    }
    printf("\n");
    print_lonely(cJSON_GetObjectItem(result, "only_before"), "Only before", "now");
    print_lonely(cJSON_GetObjectItem(result, "only_now"), "Only now", "before");
}
