/* SPDX-License-Identifier: MIT
 *
 * The context on the fake Vulkan: everything that can fail in it, made to fail. Its sources are compiled into this program with
 * another loader than the system's.
 */
#include "fault_rounds.h"

#include "ctx_vk.h"

#include <vatten/context.h>

#define CACHE_FILE  "unit_context_faults.cache"
#define TUNING_FILE "unit_context_faults.tuning"
#define BYTES       5000u

/* In place of ctx_open.c. */
PFN_vkGetInstanceProcAddr vt_ctx_loader(uint32_t *out_version) {
    *out_version = VK_API_VERSION_1_3;
    return fake_get_instance_proc_addr;
}

/* ---- What rounds make ---- */

static vatten_context *context_of(const fault_world *world) {
    return world->more[0];
}

static vatten_memory *memory_of(const fault_world *world) {
    return world->more[1];
}

static void **out_context(fault_world *world) {
    return &world->more[0];
}

static void **out_memory(fault_world *world) {
    return &world->more[1];
}

static vatten_result create(fault_world *world) {
    const vatten_context_desc desc = {.validation = true,
                                      .pipeline_cache = CACHE_FILE,
                                      .statistics = true,
                                      .tuning = TUNING_FILE,
                                      .logger = world->said.logger,
                                      .allocator = fault_allocator(&world->host)};
    vatten_context *context;
    vatten_result result = vatten_context_create(&desc, &context);
    world->more[0] = context;
    return result;
}

/* A context before has left a cache file. */
static vatten_result leave_cache(fault_world *world) {
    vatten_result result = create(world);
    vatten_context_destroy(context_of(world));
    world->more[0] = NULL;
    return result;
}

static vatten_result create_memory(fault_world *world) {
    vatten_memory *memory;
    vatten_result result = vatten_memory_create(context_of(world), BYTES, &memory);
    world->more[1] = memory;
    return result;
}

static vatten_result create_both(fault_world *world) {
    vatten_result result = create(world);
    return result == VATTEN_SUCCESS ? create_memory(world) : result;
}

static vatten_result create_plan(fault_world *world) {
    vatten_attention_desc dense = unit_dense();
    dense.splits = 2; /* which takes workspace */
    vatten_result result = create(world);
    return result == VATTEN_SUCCESS
               ? vatten_attention_create(vatten_context_device(context_of(world)), &dense, &world->plan)
               : result;
}

static void drop(fault_world *world) {
    vatten_plan_destroy(world->plan);
    vatten_memory_destroy(memory_of(world));
    vatten_context_destroy(context_of(world));
    remove(CACHE_FILE);
}

static vatten_result act_upload(fault_world *world) {
    static const char data[BYTES] = {1};
    return vatten_memory_upload(memory_of(world), 0, data, BYTES);
}

static vatten_result act_download(fault_world *world) {
    static char data[BYTES];
    return vatten_memory_download(memory_of(world), 0, data, BYTES);
}

static vatten_result act_run(fault_world *world) {
    vatten_plan_info info;
    vatten_plan_get_info(world->plan, &info);
    const VkDevice device = vatten_context_vk_device(context_of(world));
    const vatten_args args = {.q = {fake_buffer(device, info.q_bytes), 0, 0},
                              .k = {fake_buffer(device, info.k_bytes), 0, 0},
                              .v = {fake_buffer(device, info.v_bytes), 0, 0},
                              .out = {fake_buffer(device, info.out_bytes), 0, 0}};
    double ms = -1;
    vatten_result result = vatten_context_run(context_of(world), world->plan, &args, &ms);
    assert_true(result != VATTEN_SUCCESS || ms == 2.5);
    return result;
}

static vatten_result act_begin(fault_world *world) {
    VkCommandBuffer commands = (VkCommandBuffer)(uintptr_t)1;
    vatten_result result = vatten_context_begin(context_of(world), &commands);
    assert_int_equal(commands != NULL, result == VATTEN_SUCCESS);
    return result;
}

static vatten_result act_work(fault_world *world) {
    double ms;
    vatten_result result = act_begin(world);
    return result == VATTEN_SUCCESS ? vatten_context_end(context_of(world), &ms) : result;
}

static vatten_result act_destroy(fault_world *world) {
    vatten_context_destroy(context_of(world));
    world->more[0] = NULL;
    return VATTEN_SUCCESS;
}

/* It tells no reasons. */
static vatten_result act_name(fault_world *world) {
    char name[64] = "?";
    bool found = vatten_context_device_name(0, name, sizeof name);
    assert_string_equal(name, found ? world->caps->name : "");
    assert_true(found || fake_failed() > 0);
    return VATTEN_SUCCESS;
}

/* ---- What may be otherwise ---- */

static bool is(const char *call, const char *name) {
    return call && strcmp(call, name) == 0;
}

/* Features that cannot be asked for are not enabled; absent hardware and layers are told apart. */
static bool created(const char *call, VkResult failure, vatten_result result, vatten_result usual) {
    if (result == usual)
        return true;
    if (failure == VK_ERROR_LAYER_NOT_PRESENT && is(call, "vkEnumerateInstanceExtensionProperties"))
        return result == VATTEN_SUCCESS;
    if (failure == VK_ERROR_INCOMPATIBLE_DRIVER ||
        ((failure == VK_ERROR_INITIALIZATION_FAILED || failure == VK_INCOMPLETE) && /* lacks the only one */
         is(call, "vkEnumeratePhysicalDevices")))
        return result == VATTEN_ERROR_UNSUPPORTED;
    return call && result == VATTEN_SUCCESS &&
           (is(call, "vkEnumerateDeviceExtensionProperties") || strstr(call, "CooperativeMatrix"));
}

/* Another kind of memory may have room. */
static bool finds_memory(const char *call, VkResult failure, vatten_result result, vatten_result usual) {
    bool next = is(call, "vkAllocateMemory") && failure == VK_ERROR_OUT_OF_DEVICE_MEMORY;
    return result == usual || (next && result == VATTEN_SUCCESS);
}

static bool always(const char *call, VkResult failure, vatten_result result, vatten_result usual) {
    (void)call;
    (void)failure;
    (void)usual;
    return result == VATTEN_SUCCESS;
}

/* ---- Rounds ---- */

static void run_rounds(const vt_caps *caps) {
    static const fault_round rounds[] = {
        {"context", NULL, create, out_context, drop, created},
        {"context with a cache", leave_cache, create, out_context, drop, created},
        {"memory", create, create_memory, out_memory, drop, finds_memory},
        {"upload", create_both, act_upload, NULL, drop, finds_memory},
        {"download", create_both, act_download, NULL, drop, finds_memory},
        {"run", create_plan, act_run, NULL, drop, finds_memory},
        {"begin", create, act_begin, NULL, drop, NULL},
        {"begin and end", create, act_work, NULL, drop, NULL},
        {"destroy", create, act_destroy, NULL, drop, always},
        {"device name", NULL, act_name, NULL, drop, always},
    };
    for (size_t i = 0; i < sizeof rounds / sizeof rounds[0]; ++i)
        fault_every(&rounds[i], caps);
}

static void faults_on_a_desktop(void **state) {
    vt_caps caps = unit_caps_desktop();
    (void)state;
    caps.features |= VATTEN_FEATURE_PIPELINE_STATISTICS;
    run_rounds(&caps);
}

static void faults_with_everything(void **state) {
    vt_caps caps = unit_caps_workgroup();
    (void)state;
    caps.device_type = VT_DEVICE_INTEGRATED; /* memory is mapped */
    caps.features |= VATTEN_FEATURE_PUSH_DESCRIPTOR;
    run_rounds(&caps);
}

static void faults_with_addresses(void **state) {
    const vt_caps caps = unit_caps_addresses();
    (void)state;
    run_rounds(&caps);
}

/* A file that is not taken is a message more. */
static void a_cache_file_is_taken_back(void **state) {
    const vt_caps caps = unit_caps_desktop();
    fault_world world;
    (void)state;
    fault_begin(&world, &caps);
    assert_int_equal(create(&world), VATTEN_SUCCESS);
    int said = world.said.count;
    vatten_context_destroy(context_of(&world));
    unit_log_start(&world.said);
    assert_int_equal(create(&world), VATTEN_SUCCESS);
    assert_int_equal(world.said.count, said);
    drop(&world);
    fault_end(&world, "cache");
}

/* ---- Timestamps that do not come ---- */

/* The query's call is the last one of a run; `times` it is not ready. Returns the time that is told. */
static double run_unready(fault_world *world, uint32_t times) {
    double ms = -1;
    VkCommandBuffer commands;
    fake_fail(0, 0, VK_SUCCESS);
    assert_int_equal(act_work(world), VATTEN_SUCCESS);
    uint32_t query = fake_calls();
    assert_string_equal(fake_call_name(query), "vkGetQueryPoolResults");
    unit_log_start(&world->said);
    fake_fail(query, times, VK_NOT_READY);
    assert_int_equal(vatten_context_begin(context_of(world), &commands), VATTEN_SUCCESS);
    assert_int_equal(vatten_context_end(context_of(world), &ms), VATTEN_SUCCESS);
    return ms;
}

static void timestamps_that_are_late_are_asked_again(void **state) {
    const vt_caps caps = unit_caps_desktop();
    fault_world world;
    (void)state;
    fault_begin(&world, &caps);
    assert_int_equal(create(&world), VATTEN_SUCCESS);
    assert_true(run_unready(&world, 5) == 2.5);
    assert_silent(&world.said);
    double ms = run_unready(&world, UINT32_MAX);
    assert_true(ms >= 0 && ms != 2.5); /* the clock's */
    assert_int_equal(world.said.level, VATTEN_LOG_WARN);
    assert_non_null(strstr(world.said.text, "the timestamps are not ready after 100 tries"));
    fake_fail(0, 0, VK_SUCCESS);
    drop(&world);
    fault_end(&world, "timestamps");
}

/* ---- Loaders that lack functions ---- */

static void every_missing_function_is_survived(void **state) {
#define NAME(FUNCTION) "vk" #FUNCTION,
    static const char *const names[] = {VT_CTX_GLOBAL_FUNCTIONS(NAME) VT_CTX_INSTANCE_FUNCTIONS(NAME)
                                            VT_CTX_DEVICE_FUNCTIONS(NAME)};
#undef NAME
    const vt_caps caps = unit_caps_desktop();
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
        fault_world world;
        fault_begin(&world, &caps);
        fake_hide(names[i]);
        assert_int_not_equal(create(&world), VATTEN_SUCCESS);
        assert_null(world.more[0]);
        assert_int_equal(world.said.level, VATTEN_LOG_ERROR);
        /* What cannot be destroyed stays. */
        if (strcmp(names[i], "vkDestroyInstance") != 0 && strcmp(names[i], "vkDestroyDevice") != 0)
            fault_end(&world, names[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_on_a_desktop),
        cmocka_unit_test(faults_with_everything),
        cmocka_unit_test(faults_with_addresses),
        cmocka_unit_test(a_cache_file_is_taken_back),
        cmocka_unit_test(timestamps_that_are_late_are_asked_again),
        cmocka_unit_test(every_missing_function_is_survived),
    };
    FILE *tuning = fopen(TUNING_FILE, "w");
    if (!tuning)
        return 1;
    fputs("vatten-tuning 1\nend\n", tuning);
    fclose(tuning);
    remove(CACHE_FILE);
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    remove(TUNING_FILE);
    fault_print("unit_context_faults");
    return failures;
}
