/* SPDX-License-Identifier: MIT
 *
 * Everything that can fail while a device, a plan or a recorder is made, made to fail at its n-th call for
 * every n: nothing leaks, the out pointer is NULL, the result is the right one. Needs a device; 77 = there is
 * none.
 */
#define VK_NO_PROTOTYPES
#include "unit.h"

#include "faults.h"

#include <vatten/context.h>

#include <stdlib.h>

#define MOST_CALLS 400

static vatten_context *context;

/* ---- Host memory: counts what is alive, fails from outside ---- */

typedef struct host {
    int calls;
    int fail_at; /* the n-th call fails, from 1; 0 = none */
    int alive;
} host;

static void *host_allocate(void *user, size_t size, size_t alignment) {
    host *h = user;
    assert_true(alignment > 0 && (alignment & (alignment - 1)) == 0 && alignment <= 64);
    if (++h->calls == h->fail_at)
        return NULL;
    void *memory = malloc(size);
    if (!memory)
        return NULL;
    memset(memory, 0xa5, size); /* what vatten does not write must not be relied on */
    ++h->alive;
    return memory;
}

static void host_release(void *user, void *memory) {
    host *h = user;
    assert_non_null(memory);
    --h->alive;
    free(memory);
}

/* ---- One round: a device, plans of all families and a recorder, or as far as it gets ---- */

typedef struct made {
    vatten_device *device;
    vatten_plan *dense;
    vatten_plan *rules; /* spans, extra keys, shares and their merge: four kernels */
    vatten_plan *grid;
    vatten_plan *sparse[2]; /* by both executions */
    vatten_plan *combined;
    vatten_plan *topk;
    vatten_plan *append;
    vatten_recorder *recorder;
} made;

/* For whatever device this is; its row is for dims that no plan below has. */
static const char *tuning_text(const char *device_name) {
    static char text[512];
    snprintf(text, sizeof text,
             "vatten-tuning 1\ndevice name=\"%s\"\nrow layout=shared tile=8,2,4,4 dim=500.. # none\nend\n",
             device_name);
    return text;
}

static vatten_device_desc device_desc(host *h, unit_log *said, bool push) {
    vatten_context_info info;
    vatten_context_get_info(context, &info);
    return (vatten_device_desc){
        .get_instance_proc_addr = faults_get_instance_proc_addr,
        .instance = vatten_context_instance(context),
        .physical_device = vatten_context_physical_device(context),
        .device = vatten_context_vk_device(context),
        .features = push ? info.enabled : info.enabled & ~(vatten_features)VATTEN_FEATURE_PUSH_DESCRIPTOR,
        .logger = said->logger,
        .allocator = {host_allocate, host_release, h},
        .tuning = tuning_text(info.device_name),
        .tuning_size = strlen(tuning_text(info.device_name)),
    };
}

/* Small tiles compile fast: what is compiled does not matter here. */
static vatten_tile small_tile(void) {
    return (vatten_tile){VATTEN_LAYOUT_SHARED, 8, 2, 4, 4};
}

/* Pools, selects, joins lists and goes by them, or gathers. */
static vatten_sparse_desc small_sparse(vatten_sparse_execution execution) {
    const vatten_attention_desc dense = unit_dense();
    vatten_sparse_desc sparse = {.execution = execution,
                                 .heads = dense.heads,
                                 .q_len = 64,
                                 .kv_len = 64,
                                 .q_block = 1,
                                 .kv_block = 16,
                                 .rule = {.entries = 2, .own = true},
                                 .causal = true};
    sparse.heads.tile = small_tile();
    return sparse;
}

static vatten_attention_desc small_rules(void) {
    vatten_attention_desc desc = unit_dense();
    desc.heads.tile = small_tile();
    desc.masks = VATTEN_MASK_SEGMENTS;
    desc.lengths = VATTEN_LENGTHS_KV;
    desc.extra_len = 3;
    desc.splits = 2;
    return desc;
}

static vatten_result make(made *m, host *h, unit_log *said, bool push) {
    *m =
        (made){.device = (vatten_device *)(uintptr_t)1}; /* destroying what a failure left here would crash */
    const vatten_device_desc desc = device_desc(h, said, push);
    vatten_result result = vatten_device_create(&desc, &m->device);
    if (result != VATTEN_SUCCESS)
        return result;
    vatten_attention_desc dense = unit_dense();
    dense.heads.tile = small_tile();
    m->dense = (vatten_plan *)(uintptr_t)1;
    result = vatten_attention_create(m->device, &dense, &m->dense);
    if (result != VATTEN_SUCCESS)
        return result;
    const vatten_attention_desc rules = small_rules();
    m->rules = (vatten_plan *)(uintptr_t)1;
    result = vatten_attention_create(m->device, &rules, &m->rules);
    if (result != VATTEN_SUCCESS)
        return result;
    vatten_neighborhood_desc grid = unit_grid();
    grid.heads.tile = small_tile();
    grid.extra_len = 3;
    m->grid = (vatten_plan *)(uintptr_t)1;
    result = vatten_neighborhood_create(m->device, &grid, &m->grid);
    if (result != VATTEN_SUCCESS)
        return result;
    for (int n = 0; n < 2; ++n) {
        const vatten_sparse_desc sparse = small_sparse(n ? VATTEN_SPARSE_GATHER : VATTEN_SPARSE_UNION);
        m->sparse[n] = (vatten_plan *)(uintptr_t)1;
        result = vatten_sparse_create(m->device, &sparse, &m->sparse[n]);
        if (result != VATTEN_SUCCESS)
            return result;
    }
    const vatten_combine_desc combine = {
        .dtype = VATTEN_DTYPE_F32, .batch = 1, .heads = 2, .tokens = 8, .dim = 8, .parts = 2};
    m->combined = (vatten_plan *)(uintptr_t)1;
    result = vatten_combine_create(m->device, &combine, &m->combined);
    if (result != VATTEN_SUCCESS)
        return result;
    const vatten_topk_desc topk = {.batch = 1, .heads = 1, .rows = 2, .values = 100, .entries = 3};
    m->topk = (vatten_plan *)(uintptr_t)1;
    result = vatten_topk_create(m->device, &topk, &m->topk);
    if (result != VATTEN_SUCCESS)
        return result;
    const vatten_append_desc append = {.attention = &dense};
    m->append = (vatten_plan *)(uintptr_t)1;
    result = vatten_append_create(m->device, &append, &m->append);
    if (result != VATTEN_SUCCESS)
        return result;
    const vatten_recorder_desc recorder = {.max_dispatches = 3, .workspace_bytes = 4096};
    m->recorder = (vatten_recorder *)(uintptr_t)1;
    return vatten_recorder_create(m->device, &recorder, &m->recorder);
}

static void drop(const made *m) {
    vatten_recorder_destroy(m->recorder);
    vatten_plan_destroy(m->append);
    vatten_plan_destroy(m->topk);
    vatten_plan_destroy(m->combined);
    vatten_plan_destroy(m->sparse[1]);
    vatten_plan_destroy(m->sparse[0]);
    vatten_plan_destroy(m->grid);
    vatten_plan_destroy(m->rules);
    vatten_plan_destroy(m->dense);
    vatten_device_destroy(m->device);
}

/* A failed round left NULL in the out pointer that failed, and nothing alive after all before it is gone. */
static void assert_clean(const made *m, const host *h, vatten_result result) {
    if (result != VATTEN_SUCCESS)
        assert_null(m->recorder);
    drop(m);
    assert_int_equal(h->alive, 0);
    assert_int_equal(faults_alive(), 0);
}

static void nothing_fails_and_nothing_leaks(void **state) {
    (void)state;
    for (int push = 0; push < 2; ++push) {
        host h = {0};
        unit_log said;
        made m;
        unit_log_start(&said);
        faults_start(NULL, 0, 0);
        assert_int_equal(make(&m, &h, &said, push), VATTEN_SUCCESS);
        assert_true(h.alive > 0 && faults_alive() > 0); /* else the counting itself is broken */
        vatten_plan_info info;
        vatten_plan_get_info(m.rules, &info);
        assert_true(info.pipelines == 4 && info.dispatches == 4 && info.splits == 2);
        vatten_device_info device;
        vatten_device_get_info(m.device, &device);
        assert_int_equal(device.tuned_rows, 1);
        assert_clean(&m, &h, VATTEN_SUCCESS);
    }
}

static void host_memory_runs_out_at_every_call(void **state) {
    (void)state;
    int n = 1;
    for (; n < MOST_CALLS; ++n) {
        host h = {.fail_at = n};
        unit_log said;
        made m;
        unit_log_start(&said);
        faults_start(NULL, 0, 0);
        vatten_result result = make(&m, &h, &said, false);
        assert_clean(&m, &h, result);
        if (h.calls < n) { /* the n-th call was never made: done */
            assert_int_equal(result, VATTEN_SUCCESS);
            break;
        }
        assert_int_equal(result, VATTEN_ERROR_OUT_OF_HOST_MEMORY);
    }
    assert_true(n > 5 && n < MOST_CALLS);
}

/* Fails the n-th call of one Vulkan function for every n; `expected` of each failed round. */
static void fail_every(const char *function, int32_t vk_result, vatten_result expected) {
    for (int n = 1; n < MOST_CALLS; ++n) {
        host h = {0};
        unit_log said;
        made m;
        unit_log_start(&said);
        faults_start(function, n, vk_result);
        vatten_result result = make(&m, &h, &said, false);
        bool done = faults_calls() < n;
        assert_clean(&m, &h, result);
        if (done) {
            assert_true(n > 1); /* it is called at all */
            assert_int_equal(result, VATTEN_SUCCESS);
            return;
        }
        if (result != expected)
            fail_msg("%s call %d gave %s, not %s", function, n, vatten_result_name(result),
                     vatten_result_name(expected));
        char number[32];
        snprintf(number, sizeof number, "%d", (int)vk_result);
        assert_non_null(strstr(said.text, number)); /* the logger has what Vulkan said */
    }
    fail();
}

static const char *const creators[] = {
    "vkCreateDescriptorSetLayout",
    "vkCreatePipelineLayout",
    "vkCreateShaderModule",
    "vkCreateComputePipelines",
    "vkCreateDescriptorPool",
    "vkAllocateDescriptorSets",
    "vkCreateBuffer",
    "vkAllocateMemory",
    "vkBindBufferMemory",
};
#define CREATORS (sizeof creators / sizeof creators[0])

static void device_memory_runs_out_at_every_vulkan_call(void **state) {
    (void)state;
    for (size_t i = 0; i < CREATORS; ++i)
        fail_every(creators[i], VK_ERROR_OUT_OF_DEVICE_MEMORY, VATTEN_ERROR_OUT_OF_DEVICE_MEMORY);
}

static void host_memory_runs_out_in_every_vulkan_call(void **state) {
    (void)state;
    for (size_t i = 0; i < CREATORS; ++i)
        fail_every(creators[i], VK_ERROR_OUT_OF_HOST_MEMORY, VATTEN_ERROR_OUT_OF_HOST_MEMORY);
}

/* Shaders aside: a driver that refuses one may take another. */
static void unknown_errors_are_told_apart(void **state) {
    (void)state;
    for (size_t i = 0; i < CREATORS; ++i)
        if (!strstr(creators[i], "ShaderModule") && !strstr(creators[i], "ComputePipelines"))
            fail_every(creators[i], VK_ERROR_UNKNOWN, VATTEN_ERROR_VULKAN);
}

/* ---- A driver that refuses a shader ---- */

static vatten_result dense_plan(made *m, host *h, unit_log *said) {
    *m = (made){0};
    const vatten_device_desc desc = device_desc(h, said, false);
    assert_int_equal(vatten_device_create(&desc, &m->device), VATTEN_SUCCESS);
    vatten_attention_desc dense = unit_dense();
    dense.heads.tile.layout = VATTEN_LAYOUT_SHARED;
    return vatten_attention_create(m->device, &dense, &m->dense);
}

static void a_refused_pipeline_means_the_next_tile(void **state) {
    (void)state;
    host h = {0};
    unit_log said;
    made m;
    unit_log_start(&said);
    faults_start(NULL, 0, 0);
    assert_int_equal(dense_plan(&m, &h, &said), VATTEN_SUCCESS);
    vatten_plan_info normal;
    vatten_plan_get_info(m.dense, &normal);
    drop(&m);

    unit_log_start(&said);
    faults_start("vkCreateComputePipelines", 1, VK_ERROR_UNKNOWN);
    assert_int_equal(dense_plan(&m, &h, &said), VATTEN_SUCCESS);
    assert_int_equal(said.level, VATTEN_LOG_WARN); /* the last word is that it goes on */
    assert_non_null(strstr(said.text, "refused a kernel, trying the next tile"));
    vatten_plan_info next;
    vatten_plan_get_info(m.dense, &next);
    assert_memory_not_equal(&next.tile, &normal.tile, sizeof next.tile);
    assert_clean(&m, &h, VATTEN_SUCCESS);
}

static void a_driver_that_refuses_all_gets_an_error(void **state) {
    (void)state;
    host h = {0};
    unit_log said;
    made m;
    unit_log_start(&said);
    faults_start("vkCreateComputePipelines", FAULTS_ALL, VK_ERROR_UNKNOWN);
    assert_int_equal(dense_plan(&m, &h, &said), VATTEN_ERROR_UNSUPPORTED);
    assert_null(m.dense);
    assert_int_equal(said.level, VATTEN_LOG_ERROR);
    assert_true(faults_calls() > 1);
    assert_clean(&m, &h, VATTEN_ERROR_UNSUPPORTED);
}

static void a_lost_device_is_not_asked_again(void **state) {
    (void)state;
    host h = {0};
    unit_log said;
    made m;
    unit_log_start(&said);
    faults_start("vkCreateComputePipelines", FAULTS_ALL, VK_ERROR_DEVICE_LOST);
    assert_int_equal(dense_plan(&m, &h, &said), VATTEN_ERROR_VULKAN);
    assert_int_equal(faults_calls(), 1);
    assert_clean(&m, &h, VATTEN_ERROR_VULKAN);
}

/* ---- Tuning files ---- */

static void assert_no_device(const char *text, size_t size, const char *why) {
    host h = {0};
    unit_log said;
    made m = {.device = (vatten_device *)(uintptr_t)1};
    unit_log_start(&said);
    faults_start(NULL, 0, 0);
    vatten_device_desc desc = device_desc(&h, &said, false);
    desc.tuning = text;
    desc.tuning_size = size;
    assert_int_equal(vatten_device_create(&desc, &m.device), VATTEN_ERROR_INVALID_ARGUMENT);
    assert_null(m.device);
    assert_string_equal(said.text, why); /* the last word */
    assert_int_equal(said.level, VATTEN_LOG_ERROR);
    assert_clean(&m, &h, VATTEN_ERROR_INVALID_ARGUMENT);
}

static void a_broken_tuning_file_makes_no_device(void **state) {
    (void)state;
    static const char cut[] = "vatten-tuning 1\ndevice vendor=0\nrow layout=shared tile=8,2,";
    assert_no_device(cut, sizeof cut - 1, "tuning: line 3: 'tile=8,2,' is no key=value");
    assert_no_device(cut, 16, "tuning: line 1: the text stops without an 'end' line");
    assert_no_device(NULL, 16, "device: tuning, of which there is a size, is missing");
}

static void a_tuning_file_of_another_device_is_no_error(void **state) {
    (void)state;
    static const char other[] = "vatten-tuning 1\ndevice name=\"no such device\"\nrow layout=shared "
                                "tile=8,2,4,4\nend\n";
    host h = {0};
    unit_log said;
    made m = {0};
    unit_log_start(&said);
    faults_start(NULL, 0, 0);
    vatten_device_desc desc = device_desc(&h, &said, false);
    desc.tuning = other;
    desc.tuning_size = sizeof other - 1;
    assert_int_equal(vatten_device_create(&desc, &m.device), VATTEN_SUCCESS);
    assert_int_equal(said.level, VATTEN_LOG_INFO);
    vatten_device_info device;
    vatten_device_get_info(m.device, &device);
    assert_int_equal(device.tuned_rows, 0);
    assert_clean(&m, &h, VATTEN_SUCCESS);
}

/* ---- A loader that lacks functions ---- */

static void every_missing_function_is_named(void **state) {
    (void)state;
    static const char *const names[] = {"vkGetDeviceProcAddr",  "vkGetPhysicalDeviceMemoryProperties",
                                        "vkCreateShaderModule", "vkCmdDispatch",
                                        "vkDestroyPipeline",    "vkEnumerateDeviceExtensionProperties"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
        host h = {0};
        unit_log said;
        made m = {0};
        unit_log_start(&said);
        faults_start(NULL, 0, 0);
        faults_hide(names[i]);
        const vatten_device_desc desc = device_desc(&h, &said, false);
        m.device = (vatten_device *)(uintptr_t)1;
        assert_int_equal(vatten_device_create(&desc, &m.device), VATTEN_ERROR_INVALID_ARGUMENT);
        assert_null(m.device);
        assert_non_null(strstr(said.text, names[i]));
        assert_clean(&m, &h, VATTEN_ERROR_INVALID_ARGUMENT);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_fails_and_nothing_leaks),
        cmocka_unit_test(host_memory_runs_out_at_every_call),
        cmocka_unit_test(device_memory_runs_out_at_every_vulkan_call),
        cmocka_unit_test(host_memory_runs_out_in_every_vulkan_call),
        cmocka_unit_test(unknown_errors_are_told_apart),
        cmocka_unit_test(a_refused_pipeline_means_the_next_tile),
        cmocka_unit_test(a_driver_that_refuses_all_gets_an_error),
        cmocka_unit_test(a_lost_device_is_not_asked_again),
        cmocka_unit_test(a_broken_tuning_file_makes_no_device),
        cmocka_unit_test(a_tuning_file_of_another_device_is_no_error),
        cmocka_unit_test(every_missing_function_is_named),
    };
    if (vatten_context_create(NULL, &context) != VATTEN_SUCCESS) {
        fprintf(stderr, "no device: skipped\n");
        return 77;
    }
    faults_wrap(vatten_context_get_instance_proc_addr(context));
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    vatten_context_destroy(context);
    return failed;
}
