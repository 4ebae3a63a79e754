/* SPDX-License-Identifier: MIT
 *
 * Selections in which each row has a budget of its own, against their definition, as they are and in parts.
 */
#include "choice.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static gpu device;

static void check(const char *name, const vatten_select_desc *desc) {
    const choice_problem p = {.desc = *desc, .seed = 5};
    choice_check(&device, name, &p);
}

static void check_rows(const char *name, const vatten_select_desc *rows, size_t count) {
    for (size_t n = 0; n < count; ++n) {
        vatten_select_desc desc = rows[n];
        char text[64];
        desc.dtype = (vatten_dtype)(VATTEN_DTYPE_F32 + n % 3);
        snprintf(text, sizeof text, "%s %u", name, (unsigned)n);
        check(text, &desc);
        desc.max_workspace = 64 * 1024; /* in several parts */
        snprintf(text, sizeof text, "%s %u in parts", name, (unsigned)n);
        check(text, &desc);
        if (n % 2)
            continue;
        desc.max_workspace = 0;
        desc.max_moves = 2000; /* too long for one invocation: by passes */
        snprintf(text, sizeof text, "%s %u by passes", name, (unsigned)n);
        check(text, &desc);
    }
    gpu_assert_clean(&device);
}

static void test_top(void **state) {
    (void)state;
    static const vatten_select_desc rows[] = {
        {.batch = 2,
         .heads = 4,
         .kv_heads = 2,
         .dim = 16,
         .rows = 70,
         .blocks = 37,
         .write_counts = true,
         .rule = {.entries = 5}},
        {.batch = 1,
         .heads = 4,
         .kv_heads = 4,
         .dim = 7,
         .rows = 130,
         .blocks = 3,
         .rule = {.entries = 3, .list_heads = 1}},
        {.batch = 1,
         .heads = 2,
         .kv_heads = 1,
         .dim = 32,
         .rows = 300,
         .blocks = 20,
         .row_tokens = 1,
         .block_tokens = 15,
         .causal = true,
         .write_counts = true,
         .rule = {.entries = 3, .own = true}},
        {.batch = 1,
         .heads = 4,
         .kv_heads = 2,
         .dim = 24,
         .rows = 20,
         .blocks = 40,
         .row_tokens = 16,
         .block_tokens = 8,
         .causal = true,
         .write_counts = true,
         .rule = {.entries = 8, .own = true, .first = 2, .local = 4, .list_heads = 2}},
        {.batch = 1,
         .heads = 6,
         .kv_heads = 2,
         .dim = 16,
         .rows = 64,
         .blocks = 21,
         .row_tokens = 1,
         .row_shift = 20,
         .block_tokens = 4,
         .causal = true,
         .rule = {.entries = 6, .first = 1, .local = 2, .softmax = true, .scale = 0.25f, .list_heads = 2}},
        {.batch = 1, /* more forced blocks than there are: they overlap */
         .heads = 2,
         .kv_heads = 1,
         .dim = 16,
         .rows = 31,
         .blocks = 3,
         .row_tokens = 1,
         .block_tokens = 11,
         .causal = true,
         .write_counts = true,
         .rule = {.entries = 3, .own = true, .first = 2, .local = 3}},
    };
    check_rows("top", rows, COUNT(rows));
}

static void test_mass(void **state) {
    (void)state;
    static const vatten_select_desc rows[] = {
        {.batch = 1,
         .heads = 2,
         .kv_heads = 1,
         .dim = 16,
         .rows = 50,
         .blocks = 30,
         .write_counts = true,
         .rule = {.entries = 30, .softmax = true, .budget = VATTEN_BUDGET_MASS, .share = 0.8f}},
        {.batch = 1,
         .heads = 2,
         .kv_heads = 2,
         .dim = 16,
         .rows = 50,
         .blocks = 30,
         .row_tokens = 8,
         .block_tokens = 8,
         .write_counts = true,
         .rule = {.entries = 30,
                  .min_max = true,
                  .budget = VATTEN_BUDGET_MASS,
                  .share = 0.25f,
                  .own = true,
                  .least = 1}},
        {.batch = 2,
         .heads = 4,
         .kv_heads = 2,
         .dim = 8,
         .rows = 33,
         .blocks = 50,
         .write_counts = true,
         .rule = {.entries = 9,
                  .softmax = true,
                  .budget = VATTEN_BUDGET_MASS,
                  .share = 0.95f,
                  .crossing_out = true,
                  .list_heads = 2}},
        {.batch = 1,
         .heads = 1,
         .kv_heads = 1,
         .dim = 8,
         .rows = 40,
         .blocks = 25,
         .row_tokens = 3,
         .block_tokens = 5,
         .causal = true,
         .write_counts = true,
         .rule = {.entries = 25, .softmax = true, .budget = VATTEN_BUDGET_MASS, .share = 1.0f}},
        {.batch = 1,
         .heads = 1,
         .kv_heads = 1,
         .dim = 8,
         .rows = 40,
         .blocks = 25,
         .write_counts = true,
         .rule = {.entries = 4, .min_max = true, .budget = VATTEN_BUDGET_MASS, .share = 0.0f, .least = 2}},
    };
    check_rows("mass", rows, COUNT(rows));
}

static void test_threshold(void **state) {
    (void)state;
    static const vatten_select_desc rows[] = {
        {.batch = 1,
         .heads = 2,
         .kv_heads = 1,
         .dim = 16,
         .rows = 50,
         .blocks = 30,
         .write_counts = true,
         .rule = {.entries = 30, .budget = VATTEN_BUDGET_THRESHOLD, .share = 3.0f}},
        {.batch = 1,
         .heads = 2,
         .kv_heads = 1,
         .dim = 16,
         .rows = 50,
         .blocks = 30,
         .write_counts = true,
         .rule = {.entries = 6, .budget = VATTEN_BUDGET_THRESHOLD, .share = -2.5f, .least = 1}},
        {.batch = 1,
         .heads = 2,
         .kv_heads = 2,
         .dim = 16,
         .rows = 60,
         .blocks = 20,
         .row_tokens = 2,
         .block_tokens = 6,
         .causal = true,
         .write_counts = true,
         .rule =
             {.entries = 20, .softmax = true, .budget = VATTEN_BUDGET_THRESHOLD, .share = 0.1f, .own = true}},
    };
    check_rows("threshold", rows, COUNT(rows));
}

static void few_rows_are_in_doubt(void **state) {
    (void)state;
    choice_assert_few_doubts(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_top),
        cmocka_unit_test(test_mass),
        cmocka_unit_test(test_threshold),
        cmocka_unit_test(few_rows_are_in_doubt),
    };
    int opened = gpu_open(&device, "test_select", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
