/* SPDX-License-Identifier: MIT
 *
 * What recording and planning cost the CPU.
 */
#include "gpu_harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static gpu device;

static double now_us(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

enum { RECORDS = 1001, MEDIANS = 7 };

/* What must hold on any machine, docs/performance.md. */
static const double most_record_us = 5.0, most_pipeline_us = 1e6;

/* Median time of one record, in microseconds. Nothing is submitted. */
static double median_of_records(vatten_context *context, vatten_recorder *recorder, const vatten_plan *plan,
                                const vatten_args *args) {
    static double times[RECORDS];
    VkCommandBuffer cmd;
    vatten_recorder_reset(recorder);
    assert_int_equal(vatten_context_begin(context, &cmd), VATTEN_SUCCESS);
    for (unsigned n = 0; n < RECORDS; ++n) {
        double start = now_us();
        vatten_result result = vatten_record(recorder, cmd, plan, args);
        times[n] = result == VATTEN_SUCCESS ? now_us() - start : 1e9;
    }
    qsort(times, RECORDS, sizeof times[0], by_value);
    return times[RECORDS / 2];
}

/* The best of some medians: a neighbour on the machine makes them longer, nothing makes them shorter. */
static double record_time(vatten_context *context, const vatten_plan *plan, const vatten_args *args) {
    vatten_recorder_desc desc = {.max_dispatches = RECORDS};
    vatten_recorder *recorder = NULL;
    double best = 1e9;
    assert_int_equal(vatten_recorder_create(vatten_context_device(context), &desc, &recorder),
                     VATTEN_SUCCESS);
    for (int n = 0; n < MEDIANS; ++n) {
        double median = median_of_records(context, recorder, plan, args);
        best = median < best ? median : best;
    }
    VkCommandBuffer cmd; /* an empty one ends it: what was recorded is dropped */
    assert_int_equal(vatten_context_begin(context, &cmd), VATTEN_SUCCESS);
    assert_int_equal(vatten_context_end(context, NULL), VATTEN_SUCCESS);
    vatten_recorder_destroy(recorder);
    return best;
}

/* Without the validation layer, which would be most of the time. */
static void cost_of_recording(vatten_features without) {
    const vatten_context_desc desc = {.without = without};
    vatten_context *context = NULL;
    vatten_memory *memory = NULL;
    vatten_plan *plan = NULL;
    gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 4, 4, 1, 1, 16);
    p.dense.heads.write_lse = false;
    assert_int_equal(vatten_context_create(&desc, &context), VATTEN_SUCCESS);
    assert_int_equal(vatten_attention_create(vatten_context_device(context), &p.dense, &plan),
                     VATTEN_SUCCESS);
    assert_int_equal(vatten_memory_create(context, 1 << 16, &memory), VATTEN_SUCCESS);
    vatten_buffer whole = vatten_memory_buffer(memory);
    vatten_args args = {.q = whole, .k = whole, .v = whole, .out = whole};
    args.out.offset = 1 << 15;
    args.out.size = 1 << 15;
    double median = record_time(context, plan, &args);
    printf("  record: %.2f us with%s push descriptors, the best of %d medians\n", median,
           without ? "out" : "", MEDIANS);
    if (!(median < most_record_us)) {
        gpu_fail(&device, "recording takes %.1f us, more than %.0f", median, most_record_us);
    }
    vatten_plan_destroy(plan);
    vatten_memory_destroy(memory);
    vatten_context_destroy(context);
}

static void test_recording_is_cheap(void **state) {
    (void)state;
    cost_of_recording(0);
    cost_of_recording(VATTEN_FEATURE_PUSH_DESCRIPTOR);
    gpu_assert_clean(&device);
}

/* Time of making a plan in a context of its own, and of making it again. */
static double plan_time(const char *cache_path, double *out_again) {
    const vatten_context_desc desc = {.pipeline_cache = cache_path};
    vatten_context *context = NULL;
    vatten_plan *plan = NULL, *again = NULL;
    vatten_plan_info info;
    gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 1000, 1000, 8, 8, 64);
    assert_int_equal(vatten_context_create(&desc, &context), VATTEN_SUCCESS);
    double start = now_us();
    vatten_result result = vatten_attention_create(vatten_context_device(context), &p.dense, &plan);
    double first = now_us() - start;
    assert_int_equal(result, VATTEN_SUCCESS);
    start = now_us();
    result = vatten_attention_create(vatten_context_device(context), &p.dense, &again);
    *out_again = now_us() - start;
    assert_int_equal(result, VATTEN_SUCCESS);
    vatten_plan_get_info(plan, &info);
    vatten_plan_destroy(again);
    vatten_plan_destroy(plan);
    vatten_context_destroy(context);
    return first / info.pipelines;
}

static long size_of(const char *path) {
    FILE *file = fopen(path, "rb");
    long size = file && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : 0;
    if (file)
        fclose(file);
    return size;
}

enum { STARTS = 3 };

/* Whether a warm file saves anything is up to the driver: some keep no pipelines, and their files hold a head or are not there. */
static void test_plans_are_cheaper_the_second_time(void **state) {
    (void)state;
    const char *path = "test_cost.pipelines";
    double cold = 1e12, warm = 1e12, again = 1e12, once;
    long size = 0;
    for (int n = 0; n < STARTS; ++n) {
        remove(path);
        cold = fmin(cold, plan_time(path, &once));
        size = size_of(path);
        warm = fmin(warm, plan_time(path, &once));
        again = fmin(again, once);
    }
    remove(path);
    printf("  plan: %.2f ms a pipeline with an empty cache, %.2f ms with a file of %ld bytes, %.3f ms the "
           "second "
           "time, each the best of %d\n",
           cold / 1e3, warm / 1e3, size, again / 1e3, STARTS);
    if (cold > most_pipeline_us) {
        gpu_fail(&device, "a pipeline takes %.1f ms", cold / 1e3);
    }
    if (again > cold / 2) {
        gpu_fail(&device, "a plan whose pipelines exist takes %.1f us, the first took %.1f us", again, cold);
    }
    if (size > 4096 && warm > cold) {
        gpu_fail(&device, "a pipeline takes %.1f us from the file, and %.1f us without", warm, cold);
    }
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recording_is_cheap),
        cmocka_unit_test(test_plans_are_cheaper_the_second_time),
    };
    int opened = gpu_open(&device, "test_cost", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
