/* SPDX-License-Identifier: MIT
 *
 * Everything that can fail while the library is used, made to fail at its n-th call for every n and with every error: nothing
 * leaks, the out pointer is NULL, the result is the right one, nothing is recorded. On the fake Vulkan: needs no driver.
 */
#define VK_NO_PROTOTYPES
#include "fault_makes.h"
#include "plan_args.h"

#include "vk.h"

static vt_caps desktop(void) {
    vt_caps caps = unit_caps_desktop();
    caps.storage_buffers = 16;
    return caps;
}

static vt_caps pushing(void) {
    vt_caps caps = desktop();
    caps.features |= VATTEN_FEATURE_PUSH_DESCRIPTOR | VATTEN_FEATURE_PIPELINE_STATISTICS |
                     VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL;
    return caps;
}

/* ---- Rounds ---- */

static void run_rounds(vt_caps caps) {
    for (uint32_t i = 0; i < fault_other_count; ++i)
        fault_every(&fault_others[i], &caps);
    for (uint32_t i = 0; i < fault_plan_count; ++i)
        fault_every(&fault_plans[i], &caps);
}

static void faults_on_a_desktop(void **state) {
    (void)state;
    run_rounds(desktop());
}

static void faults_with_push_descriptors(void **state) {
    (void)state;
    run_rounds(pushing());
}

static void faults_with_matrices(void **state) {
    (void)state;
    run_rounds(unit_caps_workgroup());
}

static void faults_with_addresses(void **state) {
    (void)state;
    run_rounds(unit_caps_addresses());
}

/* ---- Recording ---- */

#define MOST_DONE 500u

static vatten_result record_part(const fault_world *world, const vatten_args *args, uint32_t part,
                                 uint32_t parts) {
    return vatten_record_part(world->recorder, world->things.commands, world->plan, args, part, parts);
}

/* No command, no allocation, no call that could fail, no set taken. */
static void refused_part(fault_world *world, const vatten_args *args, uint32_t part, uint32_t parts,
                         vatten_result expected, const char *why) {
    uint32_t memory = world->host.calls, calls = fake_calls();
    assert_int_equal(record_part(world, args, part, parts), expected);
    if (!strstr(world->said.text, why))
        fail_msg("'%s' does not say '%s'", world->said.text, why);
    assert_int_equal(world->said.level, VATTEN_LOG_ERROR);
    assert_int_equal(fake_commands(NULL), 0);
    assert_int_equal(world->host.calls, memory);
    assert_int_equal(fake_calls(), calls);
}

static void refused(fault_world *world, const vatten_args *args, vatten_result expected, const char *why) {
    refused_part(world, args, 0, 1, expected, why);
}

static void wrong_buffers(fault_world *world, const vatten_plan_info *info, const vatten_args *args) {
    for (size_t i = 0; i < plan_role_count; ++i) {
        uint64_t bytes = plan_bytes_of(info, &plan_roles[i]);
        vatten_args wrong = *args;
        vatten_buffer *buffer = plan_buffer_of(&wrong, &plan_roles[i]);
        const vatten_buffer right = *buffer;
        if (bytes == 0)
            continue;
        buffer->buffer = VK_NULL_HANDLE;
        refused(world, &wrong, VATTEN_ERROR_INVALID_ARGUMENT, "is missing");
        *buffer = (vatten_buffer){right.buffer, info->offset_alignment / 2, 0};
        refused(world, &wrong, VATTEN_ERROR_INVALID_ARGUMENT, "is not a multiple of");
        *buffer = (vatten_buffer){right.buffer, UINT64_MAX - info->offset_alignment + 1, 0};
        if (bytes >= info->offset_alignment)
            refused(world, &wrong, VATTEN_ERROR_INVALID_ARGUMENT, "bytes from there on pass 2^64");
        *buffer = (vatten_buffer){right.buffer, 0, bytes - 1};
        refused(world, &wrong, VATTEN_ERROR_INVALID_ARGUMENT, "are needed");
    }
}

static void wrong_lengths(fault_world *world, const vatten_args *args, bool dense) {
    vatten_args wrong = *args;
    wrong.q_len = 1u << 20;
    refused(world, &wrong, VATTEN_ERROR_INVALID_ARGUMENT,
            dense ? "is above the plan's" : "can be changed for dense plans only");
    wrong = *args;
    wrong.kv_len = 1u << 20;
    refused(world, &wrong, VATTEN_ERROR_INVALID_ARGUMENT,
            dense ? "is above the plan's" : "can be changed for dense plans only");
}

static void wrong_parts(fault_world *world, const vatten_args *args) {
    refused_part(world, args, 0, 0, VATTEN_ERROR_INVALID_ARGUMENT, "parts are counted from 0");
    refused_part(world, args, 3, 3, VATTEN_ERROR_INVALID_ARGUMENT, "parts are counted from 0");
}

/* One dispatch of the plan has no set left; then none of it is recorded. */
static void full_recorder(fault_world *world, const vatten_plan_info *info, const vatten_args *args) {
    vatten_recorder *const room = world->recorder;
    const vatten_recorder_desc desc = {.max_dispatches = info->dispatches - 1};
    if (info->dispatches < 2 || (world->caps->features & VATTEN_FEATURE_PUSH_DESCRIPTOR))
        return;
    assert_int_equal(vatten_recorder_create(world->device, &desc, &world->recorder), VATTEN_SUCCESS);
    refused(world, args, VATTEN_ERROR_RECORDER_FULL, "reset the recorder or make it larger");
    vatten_recorder_destroy(world->recorder);
    world->recorder = room;
}

/* And the whole of it, with a recorder that has just the sets that it takes. */
static void right_record(fault_world *world, const vatten_plan_info *info, const vatten_args *args) {
    const fake_command *commands;
    uint32_t memory = world->host.calls, calls = fake_calls(), dispatches = 0;
    assert_int_equal(vatten_record(world->recorder, world->things.commands, world->plan, args),
                     VATTEN_SUCCESS);
    assert_int_equal(world->host.calls, memory);
    assert_int_equal(fake_calls(), calls);
    uint32_t count = fake_commands(&commands);
    for (uint32_t i = 0; i < count; ++i)
        dispatches += commands[i].op == FAKE_DISPATCH;
    assert_int_equal(dispatches, info->dispatches);
}

/* Numbers of the commands from `first` on without barriers and pipelines, which each part begins with; those of dispatches
 * have the pipeline that is bound. Returns how many. */
static uint32_t what_is_done(uint32_t first, fake_command *out, uint32_t most) {
    const fake_command *commands;
    VkPipeline bound = VK_NULL_HANDLE;
    uint32_t count = fake_commands(&commands), done = 0;
    for (uint32_t i = first; i < count; ++i) {
        if (commands[i].op == FAKE_BIND_PIPELINE)
            bound = commands[i].pipeline;
        if (commands[i].op == FAKE_BIND_PIPELINE || commands[i].op == FAKE_BARRIER)
            continue;
        assert_in_range(done, 0, most - 1);
        out[done] = commands[i];
        if (commands[i].op == FAKE_DISPATCH)
            out[done].pipeline = bound;
        ++done;
    }
    return done;
}

/* All parts one after the other do what one record does, and each but the first waits for those before. */
static void right_parts(fault_world *world, const vatten_plan_info *info, const vatten_args *args) {
    static fake_command whole[MOST_DONE], joined[MOST_DONE];
    const uint32_t parts[] = {2, 3, info->dispatches, info->dispatches + 1};
    uint32_t count = what_is_done(0, whole, MOST_DONE);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; ++i) {
        const fake_command *commands;
        uint32_t first = fake_commands(&commands);
        vatten_recorder_reset(world->recorder);
        for (uint32_t part = 0; part < parts[i]; ++part) {
            uint32_t before = fake_commands(NULL);
            assert_int_equal(record_part(world, args, part, parts[i]), VATTEN_SUCCESS);
            if (part > 0 && fake_commands(NULL) > before)
                assert_int_equal(commands[before].op, FAKE_BARRIER);
        }
        assert_int_equal(what_is_done(first, joined, MOST_DONE), count);
        assert_memory_equal(joined, whole, count * sizeof whole[0]);
    }
}

static void record_round(const fault_round *round, vt_caps caps) {
    fault_world world;
    vatten_plan_info info;
    fault_begin(&world, &caps);
    assert_int_equal(fault_make_device(&world), VATTEN_SUCCESS);
    assert_int_equal(round->act(&world), VATTEN_SUCCESS);
    vatten_plan_get_info(world.plan, &info);
    const vatten_recorder_desc desc = {.max_dispatches = info.dispatches};
    assert_int_equal(vatten_recorder_create(world.device, &desc, &world.recorder), VATTEN_SUCCESS);
    const vatten_args args = plan_args(world.things.device, &info);
    wrong_buffers(&world, &info, &args);
    wrong_lengths(&world, &args, info.cache_k_bytes != 0 || info.splits != 0);
    wrong_parts(&world, &args);
    full_recorder(&world, &info, &args);
    right_record(&world, &info, &args);
    right_parts(&world, &info, &args);
    fault_drop(&world);
    fault_end(&world, round->name);
}

static void what_is_wrong_records_nothing(void **state) {
    (void)state;
    for (uint32_t i = 0; i < fault_plan_count; ++i) {
        record_round(&fault_plans[i], desktop());
        record_round(&fault_plans[i], pushing());
        record_round(&fault_plans[i], unit_caps_addresses());
    }
}

static void two_devices_do_not_mix(void **state) {
    fault_world one, two;
    (void)state;
    const vt_caps caps = desktop();
    fault_begin(&one, &caps);
    two = one;
    unit_log_start(&two.said);
    two.things = fake_make();
    assert_int_equal(fault_make_device(&one), VATTEN_SUCCESS);
    assert_int_equal(fault_make_device(&two), VATTEN_SUCCESS);
    assert_int_equal(fault_plans[0].act(&one), VATTEN_SUCCESS);
    assert_int_equal(vatten_recorder_create(two.device, NULL, &one.recorder), VATTEN_SUCCESS);
    const vatten_args none = {0};
    two.recorder = one.recorder;
    two.plan = one.plan;
    refused(&two, &none, VATTEN_ERROR_INVALID_ARGUMENT, "plan and recorder belong to two devices");
    two.plan = NULL;
    one.recorder = NULL;
    fault_drop(&two);
    fault_drop(&one);
    fault_end(&one, "two devices");
}

/* ---- A driver that refuses shaders, and one whose device is lost ---- */

static vatten_result refusing(fault_world *world, const vt_caps *caps, uint32_t times, VkResult failure) {
    fault_begin(world, caps);
    assert_int_equal(fault_make_device(world), VATTEN_SUCCESS);
    if (times == UINT32_MAX)
        fake_fail_all("vkCreateComputePipelines", failure);
    else
        fake_fail(2, times, failure); /* the first is the shader module's */
    return fault_plans[0].act(world);
}

static void a_refused_pipeline_means_the_next_tile(void **state) {
    const vt_caps caps = desktop();
    fault_world world;
    vatten_plan_info normal, next;
    (void)state;
    assert_int_equal(refusing(&world, &caps, 0, VK_SUCCESS), VATTEN_SUCCESS);
    vatten_plan_get_info(world.plan, &normal);
    fault_drop(&world);
    fault_end(&world, "no refusal");
    assert_int_equal(refusing(&world, &caps, 1, VK_ERROR_UNKNOWN), VATTEN_SUCCESS);
    assert_int_equal(world.said.level, VATTEN_LOG_WARN); /* the last word is that it goes on */
    assert_non_null(strstr(world.said.text, "refused a kernel, trying the next tile"));
    vatten_plan_get_info(world.plan, &next);
    assert_memory_not_equal(&next.tile, &normal.tile, sizeof next.tile);
    assert_int_equal(next.refused_tiles, 1);
    fault_drop(&world);
    fault_end(&world, "one refusal");
}

/* Pooling, whose one kernel has no other variant. */
static vatten_result pool_refused(fault_world *world, const vt_caps *caps, uint32_t times) {
    uint32_t n = 0;
    fault_begin(world, caps);
    assert_int_equal(fault_make_device(world), VATTEN_SUCCESS);
    while (strcmp(fault_plans[n].name, "pool") != 0)
        ++n;
    fake_fail(2, times, VK_ERROR_UNKNOWN);
    return fault_plans[n].act(world);
}

static void a_kernel_without_a_tile_is_tried_without_optimization(void **state) {
    const vt_caps caps = desktop();
    fault_world world;
    uint32_t before = fake_plain_pipelines();
    (void)state;
    assert_int_equal(pool_refused(&world, &caps, 1), VATTEN_SUCCESS);
    assert_int_equal(fake_plain_pipelines(), before + 1);
    assert_int_equal(world.said.level, VATTEN_LOG_WARN);
    assert_non_null(strstr(world.said.text, "refused the kernel, trying without optimization"));
    fault_drop(&world);
    fault_end(&world, "one refusal of pooling");
    assert_int_equal(pool_refused(&world, &caps, UINT32_MAX), VATTEN_ERROR_VULKAN);
    assert_int_equal(fake_failed(), 2);
    assert_int_equal(world.said.level, VATTEN_LOG_ERROR);
    fault_drop(&world);
    fault_end(&world, "pooling refused");
}

static void a_driver_that_refuses_all_gets_an_error(void **state) {
    const vt_caps caps = desktop();
    fault_world world;
    (void)state;
    assert_int_equal(refusing(&world, &caps, UINT32_MAX, VK_ERROR_UNKNOWN), VATTEN_ERROR_UNSUPPORTED);
    assert_null(world.plan);
    assert_int_equal(world.said.level, VATTEN_LOG_ERROR);
    assert_true(fake_failed() > 1);
    fault_drop(&world);
    fault_end(&world, "all refused");
}

static void a_lost_device_is_not_asked_again(void **state) {
    const vt_caps caps = desktop();
    fault_world world;
    (void)state;
    assert_int_equal(refusing(&world, &caps, UINT32_MAX, VK_ERROR_DEVICE_LOST), VATTEN_ERROR_VULKAN);
    assert_int_equal(fake_failed(), 1);
    assert_int_equal(fake_calls(), 2);
    fault_drop(&world);
    fault_end(&world, "lost");
}

/* ---- Devices that are not made ---- */

static void no_device(fault_world *world, const vatten_device_desc *desc, const char *why) {
    world->device = (vatten_device *)(uintptr_t)1;
    assert_int_equal(vatten_device_create(desc, &world->device), VATTEN_ERROR_INVALID_ARGUMENT);
    assert_null(world->device);
    if (!strstr(world->said.text, why))
        fail_msg("'%s' does not say '%s'", world->said.text, why);
    assert_int_equal(world->said.level, VATTEN_LOG_ERROR);
    fault_end(world, why);
}

static void a_broken_tuning_file_makes_no_device(void **state) {
    static const char cut[] = "vatten-tuning 1\ndevice vendor=0\nrow layout=shared tile=8,2,";
    const vt_caps caps = desktop();
    fault_world world;
    (void)state;
    fault_begin(&world, &caps);
    vatten_device_desc desc = fault_device_desc(&world);
    desc.tuning = cut;
    desc.tuning_size = sizeof cut - 1;
    no_device(&world, &desc, "tuning: line 3: 'tile=8,2,' is no key=value");
    desc.tuning_size = 16;
    no_device(&world, &desc, "tuning: line 1: the text stops without an 'end' line");
    desc.tuning = NULL;
    no_device(&world, &desc, "device: tuning, of which there is a size, is missing");
}

static void assert_tuned(const char *text, size_t size, uint32_t rows) {
    const vt_caps caps = desktop();
    fault_world world;
    vatten_device_info info;
    fault_begin(&world, &caps);
    vatten_device_desc desc = fault_device_desc(&world);
    if (text) {
        desc.tuning = text;
        desc.tuning_size = size;
    }
    assert_int_equal(vatten_device_create(&desc, &world.device), VATTEN_SUCCESS);
    assert_int_equal(world.said.level, VATTEN_LOG_INFO);
    vatten_device_get_info(world.device, &info);
    assert_int_equal(info.tuned_rows, rows);
    fault_drop(&world);
    fault_end(&world, "tuning");
}

static void a_tuning_file_of_another_device_is_no_error(void **state) {
    static const char other[] = "vatten-tuning 1\ndevice name=\"no such device\"\nrow layout=shared "
                                "tile=8,2,4,4\nend\n";
    (void)state;
    assert_tuned(NULL, 0, 1); /* the world's own */
    assert_tuned(other, sizeof other - 1, 0);
}

static void half_an_allocator_is_refused(void **state) {
    const vt_caps caps = desktop();
    fault_world world;
    (void)state;
    fault_begin(&world, &caps);
    vatten_device_desc desc = fault_device_desc(&world);
    desc.allocator.release = NULL;
    no_device(&world, &desc, "device: the allocator needs both of its functions, or none");
    desc.allocator = fault_allocator(&world.host);
    desc.allocator.allocate = NULL;
    no_device(&world, &desc, "device: the allocator needs both of its functions, or none");
    desc.allocator = (vatten_allocator){NULL, NULL, NULL};
    assert_int_equal(vatten_device_create(&desc, &world.device), VATTEN_SUCCESS);
    fault_drop(&world);
    fault_end(&world, "no allocator");
}

/* Every function that the library asks for. */
static void every_missing_function_is_named(void **state) {
#define NAME(FUNCTION) "vk" #FUNCTION,
    static const char *const names[] = {VT_VK_INSTANCE_FUNCTIONS(NAME)
                                            VT_VK_DEVICE_FUNCTIONS(NAME) "vkGetPhysicalDeviceProperties2",
                                        "vkGetPhysicalDeviceFeatures2",
                                        "vkCmdPushDescriptorSetKHR",
                                        "vkGetBufferDeviceAddress",
                                        "vkGetPipelineExecutablePropertiesKHR",
                                        "vkGetPipelineExecutableStatisticsKHR"};
#undef NAME
    vt_caps caps = pushing();
    fault_world world;
    (void)state;
    caps.features |= VATTEN_FEATURE_BUFFER_DEVICE_ADDRESS;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
        fault_begin(&world, &caps);
        fake_hide(names[i]);
        const vatten_device_desc desc = fault_device_desc(&world);
        no_device(&world, &desc, names[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_on_a_desktop),
        cmocka_unit_test(faults_with_push_descriptors),
        cmocka_unit_test(faults_with_matrices),
        cmocka_unit_test(faults_with_addresses),
        cmocka_unit_test(what_is_wrong_records_nothing),
        cmocka_unit_test(two_devices_do_not_mix),
        cmocka_unit_test(a_refused_pipeline_means_the_next_tile),
        cmocka_unit_test(a_kernel_without_a_tile_is_tried_without_optimization),
        cmocka_unit_test(a_driver_that_refuses_all_gets_an_error),
        cmocka_unit_test(a_lost_device_is_not_asked_again),
        cmocka_unit_test(a_broken_tuning_file_makes_no_device),
        cmocka_unit_test(a_tuning_file_of_another_device_is_no_error),
        cmocka_unit_test(half_an_allocator_is_refused),
        cmocka_unit_test(every_missing_function_is_named),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    fault_print("unit_faults");
    return failures;
}
