/* SPDX-License-Identifier: MIT
 *
 * The largest of long rows against a plain sort: ties on purpose, zeros of both signs, infinities, NaN; causal; strides;
 * rows of one value to a million; the same bits when run again; nothing written outside.
 */
#include "topk_run.h"

#include <stdio.h>

static gpu device;

static void check(const char *name, const vatten_topk_desc *desc, topk_numbers numbers) {
    const topk_case c = {.desc = *desc, .numbers = numbers};
    char text[64];
    snprintf(text, sizeof text, "%s, numbers %d", name, (int)numbers);
    topk_check(&device, text, &c);
}

static void check_all(const char *name, const vatten_topk_desc *desc) {
    for (int kind = TOPK_ANY; kind < TOPK_NUMBERS; ++kind) {
        check(name, desc, (topk_numbers)kind);
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
    check("token before head", &d, TOPK_WHOLE);
    d.x = (vatten_strides){.batch = 500, .head = 130, .token = 0};
    check("one row for all", &d, TOPK_WHOLE);
    d.x = (vatten_strides){.batch = 0, .head = 131, .token = 1};
    check("rows that overlap", &d, TOPK_ODD);
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
    check("1024 of a million", &d, TOPK_ANY);
    check("1024 of a million", &d, TOPK_WHOLE);
    d.entries = 1000000;
    check("a million of a million", &d, TOPK_WHOLE);
    gpu_assert_clean(&device);
}

static void test_many_rows(void **state) {
    (void)state;
    const vatten_topk_desc d = {
        .batch = 2, .heads = 2, .rows = 700, .values = 700, .entries = 64, .causal = true};
    check("many rows", &d, TOPK_WHOLE);
    check("many rows", &d, TOPK_ANY);
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
