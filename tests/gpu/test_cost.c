/* SPDX-License-Identifier: MIT
 *
 * What recording and planning cost the CPU.
 */
#include "gpu_harness.h"

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

#define RECORDS 1001

/* Median time of one record of a one-dispatch plan, in microseconds. */
static double record_time(vatten_context *context, const vatten_plan *plan, const vatten_args *args) {
    static double times[RECORDS];
    vatten_recorder_desc desc = {.max_dispatches = RECORDS};
    vatten_recorder *recorder = NULL;
    VkCommandBuffer cmd;
    if (vatten_recorder_create(vatten_context_device(context), &desc, &recorder) != VATTEN_SUCCESS ||
        vatten_context_begin(context, &cmd) != VATTEN_SUCCESS) {
        vatten_recorder_destroy(recorder);
        return -1.0;
    }
    for (unsigned n = 0; n < RECORDS; ++n) {
        double start = now_us();
        vatten_result result = vatten_record(recorder, cmd, plan, args);
        times[n] = result == VATTEN_SUCCESS ? now_us() - start : 1e9;
    }
    vatten_result result = vatten_context_end(context, NULL);
    vatten_recorder_destroy(recorder);
    qsort(times, RECORDS, sizeof times[0], by_value);
    return result == VATTEN_SUCCESS ? times[RECORDS / 2] : -1.0;
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
    printf("  record: median %.2f us with%s push descriptors\n", median, without ? "out" : "");
    if (!(median >= 0.0 && median < 20.0)) {
        gpu_fail(&device, "recording takes %.1f us", median);
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

static double plan_time(const char *cache_path, double *out_again) {
    const vatten_context_desc desc = {.pipeline_cache = cache_path};
    vatten_context *context = NULL;
    vatten_plan *plan = NULL, *again = NULL;
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
    vatten_plan_destroy(again);
    vatten_plan_destroy(plan);
    vatten_context_destroy(context);
    return first;
}

static void test_plans_are_cheaper_the_second_time(void **state) {
    (void)state;
    const char *path = "test_recording.pipeline_cache";
    double again, warm_again;
    remove(path);
    double cold = plan_time(path, &again);
    FILE *file = fopen(path, "rb");
    if (!file) {
        gpu_fail(&device, "no pipeline cache was saved in %s", path);
    } else {
        fclose(file);
    }
    double warm = plan_time(path, &warm_again);
    remove(path);
    printf("  plan: %.2f ms with an empty pipeline cache, %.2f ms with a warm one, %.3f ms the second time\n",
           cold / 1e3, warm / 1e3, again / 1e3);
    if (again > cold) {
        gpu_fail(&device, "a plan whose pipelines exist takes %.1f us, the first took %.1f us", again, cold);
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
