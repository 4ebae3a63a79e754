/* SPDX-License-Identifier: MIT
 *
 * The largest of long rows against a plain sort: ties on purpose, zeros of both signs, infinities, NaN; causal; strides;
 * rows of one value to a million; the same bits when run again; nothing written outside.
 */
#include "gpu_harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { X, LISTS, COUNTS, WORKSPACE, REGIONS };

static const gpu_slot slots[REGIONS] = {GPU_K, GPU_LISTS, GPU_LSE, GPU_WORKSPACE};

static gpu device;

typedef enum numbers {
    ANY,
    WHOLE,
    ODD,
    NONE
} numbers; /* ODD: with all that is special; NONE: NaN and -inf alone */

typedef struct trial {
    vatten_topk_desc desc;
    numbers numbers;
    char name[64];
    vatten_strides x;
    gpu_view view;
    gpu_region regions[REGIONS];
    vatten_plan *plan;
} trial;

static float value(const trial *t, uint64_t index) {
    static const float odd[] = {NAN, -INFINITY, INFINITY, 0.0f, -0.0f, 1e-41f, -1e-41f, 3e38f, -3e38f, 1.0f};
    float raw = ref_random(17 + (uint64_t)t->numbers, index);
    uint64_t pick = (uint64_t)(ref_random(29, index) * 1000.0f + 2000.0f);
    switch (t->numbers) {
    case WHOLE:
        return rintf(raw * 2.0f);
    case ODD:
        return pick % 3 ? odd[pick % 10] : raw;
    case NONE:
        return pick % 2 ? NAN : -INFINITY;
    default:
        return raw;
    }
}

/* ---- The definition ---- */

typedef struct candidate {
    float value;
    uint32_t place;
} candidate;

/* Largest first, NaN last, the higher place of equals. */
static int by_value(const void *left, const void *right) {
    const candidate *a = left, *b = right;
    if (isnan(a->value) != isnan(b->value)) {
        return isnan(a->value) ? 1 : -1;
    }
    if (!isnan(a->value) && a->value != b->value) {
        return a->value > b->value ? -1 : 1;
    }
    return a->place > b->place ? -1 : 1;
}

static int by_place(const void *left, const void *right) {
    const candidate *a = left, *b = right;
    return a->place < b->place ? -1 : 1;
}

/* Sorts the row's candidates; how many are listed. */
static uint64_t define(const trial *t, uint64_t first, uint64_t row, candidate *out) {
    const vatten_topk_desc *d = &t->desc;
    int64_t end = (int64_t)d->values;
    if (d->causal) {
        end = (int64_t)row + 1 + (d->align == VATTEN_ALIGN_LAST ? (int64_t)d->values - (int64_t)d->rows : 0);
        end = end < 0 ? 0 : end > (int64_t)d->values ? (int64_t)d->values : end;
    }
    for (int64_t n = 0; n < end; ++n) {
        out[n] = (candidate){value(t, first + (uint64_t)n), (uint32_t)n};
    }
    uint64_t count = (uint64_t)end < d->entries ? (uint64_t)end : d->entries;
    qsort(out, (size_t)end, sizeof *out, by_value);
    qsort(out, (size_t)count, sizeof *out, by_place);
    return count;
}

static const uint32_t *words(const trial *t, int region) {
    return (const uint32_t *)(const void *)(t->regions[region].seen + t->regions[region].offset);
}

static void compare(const trial *t) {
    const vatten_topk_desc *d = &t->desc;
    candidate *sorted = malloc(d->values * sizeof *sorted);
    for (uint64_t n = 0; n < d->batch * d->heads * d->rows; ++n) {
        uint64_t row = n % d->rows, head = n / d->rows % d->heads, b = n / d->rows / d->heads;
        uint64_t first = b * (uint64_t)t->x.batch + head * (uint64_t)t->x.head + row * (uint64_t)t->x.token;
        uint64_t count = define(t, first, row, sorted);
        const uint32_t *list = words(t, LISTS) + n * d->entries;
        uint64_t i = 0;
        while (i < d->entries && list[i] == (i < count ? sorted[i].place : VATTEN_LIST_END)) {
            ++i;
        }
        if (i < d->entries || (d->write_counts && words(t, COUNTS)[n] != count)) {
            gpu_fail(&device, "%s: list %u: entry %u is %u, %u is right; %u are listed, the count is %u",
                     t->name, (unsigned)n, (unsigned)i, i < d->entries ? list[i] : 0,
                     i < count ? sorted[i].place : 0, (unsigned)count,
                     d->write_counts ? words(t, COUNTS)[n] : 0);
            break;
        }
        device.rows++;
    }
    free(sorted);
}

/* ---- The device ---- */

static bool run_once(trial *t) {
    const vatten_args args = {.k = gpu_region_buffer(&t->regions[X]),
                              .lists = gpu_region_buffer(&t->regions[LISTS]),
                              .counts = gpu_region_buffer(&t->regions[COUNTS]),
                              .workspace = gpu_region_buffer(&t->regions[WORKSPACE])};
    return gpu_regions_run(&device, t->regions, REGIONS, t->plan, &args, t->name);
}

static bool run(trial *t) {
    uint64_t bytes = t->regions[LISTS].bytes;
    uint8_t *before = malloc(bytes);
    bool good = before && run_once(t);
    if (good) {
        memcpy(before, words(t, LISTS), bytes);
        good = run_once(t);
    }
    if (good && memcmp(before, words(t, LISTS), bytes) != 0) {
        gpu_fail(&device, "%s: other lists when run again", t->name);
    }
    free(before);
    return good;
}

static bool begin(trial *t) {
    const vatten_topk_desc *d = &t->desc;
    vatten_plan_info info;
    bool packed = d->x.batch == 0 && d->x.head == 0 && d->x.token == 0;
    int64_t row = (int64_t)d->values;
    t->x = packed ? (vatten_strides){.batch = row * (int64_t)(d->rows * d->heads),
                                     .head = row * (int64_t)d->rows,
                                     .token = row}
                  : d->x;
    if (vatten_topk_create(device.device, d, &t->plan) != VATTEN_SUCCESS) {
        gpu_fail(&device, "%s: create: %s", t->name, device.message);
        return false;
    }
    vatten_plan_get_info(t->plan, &info);
    const uint64_t bytes[REGIONS] = {info.k_bytes, info.lists_bytes, info.counts_bytes, info.workspace_bytes};
    uint64_t lists = d->batch * d->heads * d->rows;
    if (bytes[LISTS] != lists * d->entries * 4 || bytes[COUNTS] != (d->write_counts ? lists * 4 : 0)) {
        gpu_fail(&device, "%s: the plan wants other sizes than its shapes have", t->name);
        return false;
    }
    for (int n = 0; n < REGIONS; ++n) {
        if (!gpu_region_create(&device, &t->regions[n], slots[n], bytes[n], info.offset_alignment)) {
            return false;
        }
    }
    t->view = (gpu_view){.used = true, .dtype = REF_F32};
    for (uint64_t n = 0; n < bytes[X] / 4; ++n) {
        gpu_region_write(&t->regions[X], &t->view, n, value(t, n));
    }
    return true;
}

static void check(const char *name, const vatten_topk_desc *desc, numbers kind) {
    trial *t = calloc(1, sizeof *t);
    *t = (trial){.desc = *desc, .numbers = kind};
    snprintf(t->name, sizeof t->name, "%s, numbers %d", name, (int)kind);
    if (begin(t)) {
        device.cases++;
        if (run(t)) {
            compare(t);
        } else {
            gpu_fail(&device, "%s: run: %s", t->name, device.message);
        }
    }
    vatten_plan_destroy(t->plan);
    for (int n = 0; n < REGIONS; ++n) {
        gpu_region_destroy(&device, &t->regions[n], slots[n]);
    }
    gpu_check_validation(&device, t->name);
    free(t);
}

static void check_all(const char *name, const vatten_topk_desc *desc) {
    for (int kind = ANY; kind <= NONE; ++kind) {
        check(name, desc, (numbers)kind);
    }
}

static void test_sizes(void **state) {
    (void)state;
    static const struct {
        uint64_t values;
        uint32_t entries;
    } sizes[] = {{1, 1},     {2, 1},       {63, 63},   {64, 5},      {65, 64},
                 {1000, 31}, {4096, 1024}, {4097, 33}, {10000, 9999}};
    for (size_t n = 0; n < sizeof sizes / sizeof sizes[0]; ++n) {
        char name[32];
        const vatten_topk_desc d = {.batch = 2,
                                    .heads = 3,
                                    .rows = 2,
                                    .values = sizes[n].values,
                                    .entries = sizes[n].entries,
                                    .write_counts = n % 2 == 0,
                                    .max_moves = n % 3}; /* 1 and 2: each row alone */
        snprintf(name, sizeof name, "%u of %u", d.entries, (unsigned)d.values);
        check_all(name, &d);
    }
    gpu_assert_clean(&device);
}

static void test_causal(void **state) {
    (void)state;
    vatten_topk_desc d = {.batch = 1,
                          .heads = 2,
                          .rows = 150,
                          .values = 200,
                          .entries = 40,
                          .causal = true,
                          .write_counts = true};
    check_all("causal, last", &d);
    d.align = VATTEN_ALIGN_FIRST;
    check_all("causal, first", &d);
    d.rows = 230; /* more rows than values: the first see nothing, or the last all */
    d.align = VATTEN_ALIGN_LAST;
    check_all("causal, last, more rows", &d);
    d.align = VATTEN_ALIGN_FIRST;
    check_all("causal, first, more rows", &d);
    gpu_assert_clean(&device);
}

static void test_strides(void **state) {
    (void)state;
    vatten_topk_desc d = {.batch = 2,
                          .heads = 3,
                          .rows = 5,
                          .values = 130,
                          .entries = 17,
                          .x = {.batch = 2500, .head = 140, .token = 480},
                          .write_counts = true};
    check("token before head", &d, WHOLE);
    d.x = (vatten_strides){.batch = 500, .head = 130, .token = 0};
    check("one row for all", &d, WHOLE);
    d.x = (vatten_strides){.batch = 0, .head = 131, .token = 1};
    check("rows that overlap", &d, ODD);
    gpu_assert_clean(&device);
}

/* Keys of one key-only bias for each KV head; a row of a million. */
static void test_long_rows(void **state) {
    (void)state;
    vatten_topk_desc d = {
        .batch = 1, .heads = 2, .rows = 1, .values = 100000, .entries = 2048, .write_counts = true};
    check_all("2048 of 100000", &d);
    d = (vatten_topk_desc){
        .batch = 1, .heads = 1, .rows = 1, .values = 1u << 20, .entries = 1024, .write_counts = true};
    check("1024 of a million", &d, ANY);
    check("1024 of a million", &d, WHOLE);
    d.entries = 1000000;
    check("a million of a million", &d, WHOLE);
    gpu_assert_clean(&device);
}

static void test_many_rows(void **state) {
    (void)state;
    const vatten_topk_desc d = {
        .batch = 2, .heads = 2, .rows = 700, .values = 700, .entries = 64, .causal = true};
    check("many rows", &d, WHOLE);
    check("many rows", &d, ANY);
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),     cmocka_unit_test(test_causal),    cmocka_unit_test(test_strides),
        cmocka_unit_test(test_long_rows), cmocka_unit_test(test_many_rows),
    };
    int opened = gpu_open(&device, "test_topk", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
