/* SPDX-License-Identifier: MIT
 *
 * Android's hardware buffers on the fake Vulkan: what is refused and why, and everything that can fail in an import, made to fail. The
 * context's sources are compiled as for Android, with a header of tests/android/ndk_stub.
 */
#include "fault_rounds.h"

#include "ctx.h"

#include <android/hardware_buffer.h>

#define BYTES 5000u

/* The fake's driver reads the first member. */
struct AHardwareBuffer {
    uint64_t allocation;
    AHardwareBuffer_Desc desc;
};

static const AHardwareBuffer blob = {
    8192,
    {.width = BYTES,
     .height = 1,
     .layers = 1,
     .format = AHARDWAREBUFFER_FORMAT_BLOB,
     .usage = AHARDWAREBUFFER_USAGE_GPU_DATA_BUFFER | AHARDWAREBUFFER_USAGE_CPU_READ_OFTEN}};
static AHardwareBuffer given;
static bool old_system;

/* In place of ctx_open.c. */
PFN_vkGetInstanceProcAddr vt_ctx_loader(uint32_t *out_version) {
    *out_version = VK_API_VERSION_1_3;
    return fake_get_instance_proc_addr;
}

bool vt_ctx_describe_hardware(const AHardwareBuffer *buffer, AHardwareBuffer_Desc *out_desc) {
    if (!old_system)
        *out_desc = buffer->desc;
    return !old_system;
}

static vatten_context *context_of(const fault_world *world) {
    return world->more[0];
}

static vatten_memory *memory_of(const fault_world *world) {
    return world->more[1];
}

static void **out_memory(fault_world *world) {
    return &world->more[1];
}

static vatten_result create(fault_world *world) {
    const vatten_context_desc desc = {.logger = world->said.logger,
                                      .allocator = fault_allocator(&world->host)};
    vatten_context *context;
    vatten_result result = vatten_context_create(&desc, &context);
    world->more[0] = context;
    given = blob;
    old_system = false;
    return result;
}

static vatten_result import(fault_world *world) {
    vatten_memory *memory = (vatten_memory *)world; /* anything */
    vatten_result result = vatten_memory_import_hardware_buffer(context_of(world), &given, &memory);
    world->more[1] = memory;
    return result;
}

static void drop(fault_world *world) {
    vatten_memory_destroy(memory_of(world));
    vatten_context_destroy(context_of(world));
}

static void begin(fault_world *world, const vt_caps *caps) {
    fault_begin(world, caps);
    assert_int_equal(create(world), VATTEN_SUCCESS);
    unit_log_start(&world->said);
}

static void a_blob_is_a_memory(void **state) {
    const vt_caps caps = unit_caps_desktop();
    static char data[BYTES];
    fault_world world;
    (void)state;
    begin(&world, &caps);
    assert_int_equal(import(&world), VATTEN_SUCCESS);
    assert_silent(&world.said);
    assert_int_equal(fake_imported(), 1);
    assert_int_equal(vatten_memory_size(memory_of(&world)), BYTES);
    assert_int_equal(vatten_memory_buffer(memory_of(&world)).size, BYTES);
    assert_int_equal(vatten_memory_upload(memory_of(&world), 0, data, BYTES), VATTEN_SUCCESS);
    assert_int_equal(vatten_memory_download(memory_of(&world), 1, data, BYTES - 1), VATTEN_SUCCESS);
    drop(&world);
    fault_end(&world, "blob");
}

static void refuses(fault_world *world, vatten_result expected, const char *message) {
    assert_int_equal(import(world), expected);
    assert_null(memory_of(world));
    assert_int_equal(world->said.level, VATTEN_LOG_ERROR);
    assert_non_null(strstr(world->said.text, message));
    given = blob;
    old_system = false;
}

static void what_is_no_bytes_is_refused(void **state) {
    const vt_caps caps = unit_caps_desktop();
    fault_world world;
    vatten_memory *memory = (vatten_memory *)&world;
    (void)state;
    begin(&world, &caps);
    given.desc.format = AHARDWAREBUFFER_FORMAT_R8G8B8A8_UNORM;
    refuses(&world, VATTEN_ERROR_INVALID_ARGUMENT, "format 0x1: only AHARDWAREBUFFER_FORMAT_BLOB (0x21)");
    given.desc.usage = AHARDWAREBUFFER_USAGE_CPU_READ_OFTEN;
    refuses(&world, VATTEN_ERROR_INVALID_ARGUMENT, "usage 0x3 has no AHARDWAREBUFFER_USAGE_GPU_DATA_BUFFER");
    given.allocation = BYTES - 1;
    refuses(&world, VATTEN_ERROR_UNSUPPORTED, "of 5000 bytes as 4999 bytes of memory types 0x2");
    old_system = true;
    refuses(&world, VATTEN_ERROR_UNSUPPORTED, "API level 26 has");
    assert_int_equal(vatten_memory_import_hardware_buffer(context_of(&world), NULL, &memory),
                     VATTEN_ERROR_INVALID_ARGUMENT);
    assert_null(memory);
    assert_int_equal(vatten_memory_import_hardware_buffer(NULL, &given, &memory),
                     VATTEN_ERROR_INVALID_ARGUMENT);
    assert_int_equal(vatten_memory_import_hardware_buffer(context_of(&world), &given, NULL),
                     VATTEN_ERROR_INVALID_ARGUMENT);
    drop(&world);
    fault_end(&world, "refused");
}

static void devices_that_cannot_import_say_so(void **state) {
    const vt_caps caps = unit_caps_desktop();
    fault_world world;
    (void)state;
    begin(&world, &caps);
    fake_hide("vkGetAndroidHardwareBufferPropertiesANDROID");
    refuses(&world, VATTEN_ERROR_UNSUPPORTED, "has no VK_ANDROID_external_memory_android_hardware_buffer");
    fake_hide(NULL);
    context_of(&world)->hardware_buffers = false; /* as where the list of extensions lacks it */
    refuses(&world, VATTEN_ERROR_UNSUPPORTED, "has no VK_ANDROID_external_memory_android_hardware_buffer");
    drop(&world);
    fault_end(&world, "no import");
}

static void every_fault_of_an_import_is_survived(void **state) {
    static const fault_round round = {"import", create, import, out_memory, drop, NULL};
    const vt_caps caps[] = {unit_caps_desktop(), unit_caps_addresses()};
    (void)state;
    for (size_t i = 0; i < 2; ++i)
        fault_every(&round, &caps[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_blob_is_a_memory),
        cmocka_unit_test(what_is_no_bytes_is_refused),
        cmocka_unit_test(devices_that_cannot_import_say_so),
        cmocka_unit_test(every_fault_of_an_import_is_survived),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    fault_print("unit_context_hardware");
    return failures;
}
