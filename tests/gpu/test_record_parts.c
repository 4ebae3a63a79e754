/* SPDX-License-Identifier: MIT
 *
 * A plan recorded in parts: in command buffers of their own, which are submitted one after the other, and in one. Whatever their
 * number, what comes out has the bits of the whole record.
 */
#include "gpu_harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static gpu device;

static const gpu_slot results[] = {GPU_OUT, GPU_LSE};

static bool expect(gpu *g, const char *what, vatten_result got, vatten_result want) {
    if (got != want)
        gpu_fail(g, "%s gave %s instead of %s: %s", what, vatten_result_name(got), vatten_result_name(want),
                 g->message);
    return got == want;
}

/* What the whole record wrote. */
typedef struct whole {
    uint8_t *bytes[COUNT(results)];
} whole;

static bool keep_whole(gpu_trial *trial, whole *w) {
    bool good = true;
    for (unsigned n = 0; n < COUNT(results); ++n) {
        gpu_region *region = &trial->region[results[n]];
        w->bytes[n] = malloc(region->total + 1);
        good = good && w->bytes[n] && (!region->memory || gpu_region_download(region));
        if (good && region->memory)
            memcpy(w->bytes[n], region->seen, region->total);
    }
    return good;
}

/* As before any record: nothing that the whole one wrote is left. */
static bool forget(gpu_trial *trial) {
    bool good = gpu_region_upload(&trial->region[GPU_WORKSPACE]);
    for (unsigned n = 0; n < COUNT(results); ++n)
        good = gpu_region_upload(&trial->region[results[n]]) && good;
    return good;
}

static bool same_bits(gpu_trial *trial, const whole *w) {
    bool same = true;
    for (unsigned n = 0; n < COUNT(results); ++n) {
        gpu_region *region = &trial->region[results[n]];
        if (region->memory)
            same =
                same && gpu_region_download(region) && memcmp(region->seen, w->bytes[n], region->total) == 0;
    }
    return same;
}

/* `alone`: each part in a command buffer of its own. */
static bool run_parts(gpu *g, const gpu_trial *trial, vatten_recorder *recorder, uint32_t parts, bool alone) {
    VkCommandBuffer cmd;
    bool good = true;
    for (uint32_t part = 0; part < parts && good; ++part) {
        if (alone || part == 0)
            good = expect(g, "begin", vatten_context_begin(g->context, &cmd), VATTEN_SUCCESS);
        good = good && expect(g, "record_part",
                              vatten_record_part(recorder, cmd, trial->plan, &trial->args, part, parts),
                              VATTEN_SUCCESS);
        if (good && (alone || part + 1 == parts))
            good = expect(g, "end", vatten_context_end(g->context, NULL), VATTEN_SUCCESS);
        if (alone)
            vatten_recorder_reset(recorder);
    }
    vatten_recorder_reset(recorder);
    return good;
}

static void check_parts(gpu *g, gpu_trial *trial, vatten_recorder *recorder, const whole *w, uint32_t parts) {
    for (int alone = 0; alone < 2; ++alone) {
        g->cases++;
        if (!forget(trial) || !run_parts(g, trial, recorder, parts, alone))
            gpu_fail(g, "%s: %u parts could not be run", trial->problem->name, parts);
        else if (!same_bits(trial, w))
            gpu_fail(g, "%s: %u parts %s differ from the whole record", trial->problem->name, parts,
                     alone ? "in command buffers of their own" : "in one command buffer");
    }
}

/* As many parts as there are dispatches need one descriptor set each time. */
static void check_all_parts(gpu *g, const gpu_problem *problem) {
    gpu_trial trial = {0};
    whole w = {0};
    vatten_recorder *recorder = NULL;
    if (!expect(g, problem->name, gpu_trial_begin(g, problem, &trial), VATTEN_SUCCESS))
        return;
    uint32_t dispatches = trial.info.dispatches;
    const uint32_t parts[] = {1, 2, 3, dispatches - 1, dispatches, dispatches + 2};
    printf("  %-34s %u dispatches\n", problem->name, dispatches);
    if (dispatches < 3)
        gpu_fail(g, "%s: %u dispatches are too few to be cut", problem->name, dispatches);
    bool good =
        expect(g, "recorder_create", vatten_recorder_create(g->device, NULL, &recorder), VATTEN_SUCCESS) &&
        gpu_trial_run(&trial) && keep_whole(&trial, &w);
    for (unsigned n = 0; good && n < COUNT(parts); ++n)
        if (parts[n] > 0)
            check_parts(g, &trial, recorder, &w, parts[n]);
    if (good && gpu_trial_collect(&trial))
        gpu_trial_compare(&trial);
    for (unsigned n = 0; n < COUNT(results); ++n)
        free(w.bytes[n]);
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
    expect(&g, "recorder_create", vatten_recorder_create(g.device, &one, &recorder), VATTEN_SUCCESS);
    expect(&g, "begin", vatten_context_begin(g.context, &cmd), VATTEN_SUCCESS);
    expect(&g, "all at once", vatten_record(recorder, cmd, trial.plan, &trial.args),
           VATTEN_ERROR_RECORDER_FULL);
    expect(&g, "end", vatten_context_end(g.context, NULL), VATTEN_SUCCESS);
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
        expect(&device, "a part that there is not",
               vatten_record_part(recorder, cmd, trial.plan, &trial.args, wrong[n][0], wrong[n][1]),
               VATTEN_ERROR_INVALID_ARGUMENT);
        assert_non_null(strstr(device.message, "parts are counted from 0"));
    }
    expect(&device, "NULL", vatten_record_part(NULL, cmd, trial.plan, &trial.args, 0, 1),
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
