/* SPDX-License-Identifier: MIT
 *
 * A plan recorded in parts: in command buffers of their own, which are submitted one after the other, and in one. Whatever their
 * number, what comes out has the bits of the whole record.
 */
#include "gpu_harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static gpu device;

/* `alone`: each part in a command buffer of its own. */
static bool run_parts(gpu *g, const gpu_trial *trial, vatten_recorder *recorder, uint32_t parts, bool alone) {
    VkCommandBuffer cmd;
    bool good = true;
    for (uint32_t part = 0; part < parts && good; ++part) {
        if (alone || part == 0)
            good = gpu_expect(g, "begin", vatten_context_begin(g->context, &cmd), VATTEN_SUCCESS);
        good = good && gpu_expect(g, "record_part",
                                  vatten_record_part(recorder, cmd, trial->plan, &trial->args, part, parts),
                                  VATTEN_SUCCESS);
        if (good && (alone || part + 1 == parts))
            good = gpu_expect(g, "end", vatten_context_end(g->context, NULL), VATTEN_SUCCESS);
        if (alone)
            vatten_recorder_reset(recorder);
    }
    vatten_recorder_reset(recorder);
    return good;
}

static void check_parts(gpu *g, gpu_trial *trial, vatten_recorder *recorder, const gpu_bits *whole,
                        uint32_t parts) {
    char what[64];
    for (int alone = 0; alone < 2; ++alone) {
        g->cases++;
        snprintf(what, sizeof what, "%u parts in %s", parts,
                 alone ? "command buffers of their own" : "one command buffer");
        if (!gpu_trial_rewind(trial) || !run_parts(g, trial, recorder, parts, alone))
            gpu_fail(g, "%s: %s could not be run", trial->problem->name, what);
        else
            gpu_bits_same(trial, whole, what);
    }
}

/* As many parts as there are dispatches need one descriptor set each time. */
static void check_all_parts(gpu *g, const gpu_problem *problem) {
    gpu_trial trial = {0};
    gpu_bits whole = {{NULL}};
    vatten_recorder *recorder = NULL;
    if (!gpu_expect(g, problem->name, gpu_trial_begin(g, problem, &trial), VATTEN_SUCCESS))
        return;
    uint32_t dispatches = trial.info.dispatches;
    const uint32_t parts[] = {1, 2, 3, dispatches - 1, dispatches, dispatches + 2};
    printf("  %-34s %u dispatches\n", problem->name, dispatches);
    if (dispatches < 3)
        gpu_fail(g, "%s: %u dispatches are too few to be cut", problem->name, dispatches);
    bool good = gpu_expect(g, "recorder_create", vatten_recorder_create(g->device, NULL, &recorder),
                           VATTEN_SUCCESS) &&
                gpu_trial_run(&trial) && gpu_bits_take(&trial, &whole);
    for (unsigned n = 0; good && n < COUNT(parts); ++n)
        if (parts[n] > 0)
            check_parts(g, &trial, recorder, &whole, parts[n]);
    if (good && gpu_trial_collect(&trial))
        gpu_trial_compare(&trial);
    gpu_bits_free(&whole);
    vatten_recorder_destroy(recorder);
    gpu_trial_end(&trial);
    gpu_check_validation(g, problem->name);
}

static void all_families(gpu *g) {
    const uint64_t grid[] = {9, 20, 0};
    gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 40, 500, 2, 1, 16);
    p.dense.heads.max_macs = 50000; /* keys are split: state goes from part to part */
    gpu_name(&p, "dense, keys split");
    check_all_parts(g, &p);
    p = gpu_dense(VATTEN_DTYPE_F32, 300, 64, 1, 1, 16);
    p.dense.heads.max_macs = 60000;
    gpu_name(&p, "dense, queries split");
    check_all_parts(g, &p);
    p = gpu_grid(VATTEN_DTYPE_F32, 2, grid, 2, 2, 16);
    gpu_heads(&p)->max_macs = 30000;
    gpu_name(&p, "neighborhood");
    check_all_parts(g, &p);
}

static void test_parts(void **state) {
    (void)state;
    all_families(&device);
    gpu_assert_clean(&device);
}

static void test_parts_without_push_descriptors(void **state) {
    (void)state;
    const vatten_context_desc desc = {.without = VATTEN_FEATURE_PUSH_DESCRIPTOR};
    gpu g = {0};
    assert_int_equal(gpu_open(&g, "parts without push descriptors", &desc), 0);
    all_families(&g);
    assert_int_equal(gpu_close(&g, 0), 0);
}

/* Sets for the longest part are enough, and for all dispatches at once they are not. */
static void test_a_part_takes_its_own_sets(void **state) {
    (void)state;
    const vatten_context_desc without = {.without = VATTEN_FEATURE_PUSH_DESCRIPTOR};
    gpu g = {0};
    gpu_trial trial = {0};
    vatten_recorder *recorder = NULL;
    VkCommandBuffer cmd;
    assert_int_equal(gpu_open(&g, "sets of parts", &without), 0);
    gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 300, 64, 1, 1, 16);
    p.dense.heads.max_macs = 60000;
    gpu_name(&p, "sets of parts");
    assert_int_equal(gpu_trial_begin(&g, &p, &trial), VATTEN_SUCCESS);
    g.cases++;
    const vatten_recorder_desc one = {.max_dispatches = 1};
    gpu_expect(&g, "recorder_create", vatten_recorder_create(g.device, &one, &recorder), VATTEN_SUCCESS);
    gpu_expect(&g, "begin", vatten_context_begin(g.context, &cmd), VATTEN_SUCCESS);
    gpu_expect(&g, "all at once", vatten_record(recorder, cmd, trial.plan, &trial.args),
               VATTEN_ERROR_RECORDER_FULL);
    gpu_expect(&g, "end", vatten_context_end(g.context, NULL), VATTEN_SUCCESS);
    run_parts(&g, &trial, recorder, trial.info.dispatches, true);
    if (gpu_trial_collect(&trial))
        gpu_trial_compare(&trial);
    vatten_recorder_destroy(recorder);
    gpu_trial_end(&trial);
    assert_int_equal(gpu_close(&g, 0), 0);
}

static void test_a_part_must_be_one_of_them(void **state) {
    (void)state;
    static const uint32_t wrong[][2] = {{0, 0}, {1, 1}, {7, 3}, {UINT32_MAX, UINT32_MAX}};
    gpu_trial trial = {0};
    vatten_recorder *recorder = NULL;
    VkCommandBuffer cmd;
    gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 20, 30, 1, 1, 16);
    gpu_name(&p, "parts that there are not");
    assert_int_equal(gpu_trial_begin(&device, &p, &trial), VATTEN_SUCCESS);
    assert_int_equal(vatten_recorder_create(device.device, NULL, &recorder), VATTEN_SUCCESS);
    assert_int_equal(vatten_context_begin(device.context, &cmd), VATTEN_SUCCESS);
    for (unsigned n = 0; n < COUNT(wrong); ++n) {
        device.message[0] = '\0';
        gpu_expect(&device, "a part that there is not",
                   vatten_record_part(recorder, cmd, trial.plan, &trial.args, wrong[n][0], wrong[n][1]),
                   VATTEN_ERROR_INVALID_ARGUMENT);
        assert_non_null(strstr(device.message, "parts are counted from 0"));
    }
    gpu_expect(&device, "NULL", vatten_record_part(NULL, cmd, trial.plan, &trial.args, 0, 1),
               VATTEN_ERROR_INVALID_ARGUMENT);
    assert_int_equal(vatten_context_end(device.context, NULL), VATTEN_SUCCESS);
    vatten_recorder_destroy(recorder);
    gpu_trial_end(&trial);
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_parts_without_push_descriptors),
        cmocka_unit_test(test_a_part_takes_its_own_sets),
        cmocka_unit_test(test_a_part_must_be_one_of_them),
    };
    int opened = gpu_open(&device, "test_record_parts", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
