/* SPDX-License-Identifier: MIT
 *
 * The pipeline cache file of the context, whatever state it is found in: a plan can always be made, a file that must
 * not be used is told of, and in its place stands a good one afterwards.
 */
#include "gpu_harness.h"

#include <vulkan/vulkan_core.h>

#include <vatten/pipeline_file.h>

#include <stdio.h>
#include <string.h>

static gpu device;

static const char path[] = "test_cache_file.pipelines";

enum {
    DATA_BYTES = 32,
    FILE_BYTES = VATTEN_PIPELINE_FILE_HEAD + DATA_BYTES
}; /* no more than Vulkan's header */
static uint8_t content[FILE_BYTES];
static bool saves; /* the driver gives something to keep */
static char warnings[2048];

static void keep_warnings(void *user, vatten_log_level level, const char *message) {
    (void)user;
    size_t used = strlen(warnings);
    if (level == VATTEN_LOG_WARN || level == VATTEN_LOG_ERROR)
        snprintf(warnings + used, sizeof warnings - used, "%s\n", message);
}

static bool exists(void) {
    FILE *file = fopen(path, "rb");
    if (file)
        fclose(file);
    return file != NULL;
}

static void write_whole(size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* A file of this device with no pipeline in it, whatever the driver itself would have written. */
static void make_content(void) {
    vatten_context *context = device.context;
    PFN_vkGetPhysicalDeviceProperties get =
        (PFN_vkGetPhysicalDeviceProperties)vatten_context_get_instance_proc_addr(context)(
            vatten_context_instance(context), "vkGetPhysicalDeviceProperties");
    VkPhysicalDeviceProperties properties;
    get(vatten_context_physical_device(context), &properties);
    const uint32_t header[4] = {DATA_BYTES, VK_PIPELINE_CACHE_HEADER_VERSION_ONE, properties.vendorID,
                                properties.deviceID};
    uint8_t *data = content + VATTEN_PIPELINE_FILE_HEAD;
    memcpy(data, header, sizeof header);
    memcpy(data + sizeof header, properties.pipelineCacheUUID, VK_UUID_SIZE);
    vatten_pipeline_file_head(data, DATA_BYTES, content);
}

/* A context with the file, and a plan: as many pipelines as it takes. */
static void use(const char *cache) {
    const vatten_context_desc desc = {.pipeline_cache = cache, .logger = {.write = keep_warnings}};
    const gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 8, 8, 1, 1, 16);
    vatten_context *context = NULL;
    vatten_plan *plan = NULL;
    warnings[0] = '\0';
    assert_int_equal(vatten_context_create(&desc, &context), VATTEN_SUCCESS);
    assert_int_equal(vatten_attention_create(vatten_context_device(context), &p.dense, &plan),
                     VATTEN_SUCCESS);
    vatten_plan_destroy(plan);
    vatten_context_destroy(context);
}

/* Afterwards the file, where the driver gave one, is one that a context takes without a word. */
static void expect_told(const char *what, const char *why) {
    use(path);
    if (!strstr(warnings, why) || !strstr(warnings, path)) {
        gpu_fail(&device, "%s: \"%s\" and the path are not in \"%s\"", what, why, warnings);
    }
    if (saves)
        use(path);
    if (saves && warnings[0]) {
        gpu_fail(&device, "after %s the new file is told of: %s", what, warnings);
    }
}

static void test_a_good_file_is_taken(void **state) {
    (void)state;
    remove(path);
    use(path);
    if (warnings[0]) {
        gpu_fail(&device, "the first run: %s", warnings);
    }
    saves = exists();
    printf("  the driver %s\n", saves ? "gives pipelines to keep" : "has nothing to keep");
    use(path);
    if (warnings[0]) {
        gpu_fail(&device, "the second run: %s", warnings);
    }
    make_content();
    write_whole(FILE_BYTES);
    use(path);
    if (warnings[0]) {
        gpu_fail(&device, "a file with no pipeline in it: %s", warnings);
    }
    gpu_assert_clean(&device);
}

static void test_a_damaged_file_is_ignored(void **state) {
    (void)state;
    make_content();
    write_whole(0);
    expect_told("an empty file", "empty");
    for (size_t size = 1; size < FILE_BYTES; size += 9) {
        write_whole(size);
        expect_told("a short file", size < 8 ? "no file of pipelines" : "cut short");
    }
    for (size_t at = VATTEN_PIPELINE_FILE_HEAD; at < FILE_BYTES; at += 11) {
        make_content();
        content[at] ^= 0x10;
        write_whole(FILE_BYTES);
        expect_told("a flipped bit", "damaged");
    }
    make_content();
    memmove(content, content + VATTEN_PIPELINE_FILE_HEAD, DATA_BYTES);
    write_whole(DATA_BYTES);
    expect_told("data without a head", "no file of pipelines");
    gpu_assert_clean(&device);
}

static void test_a_file_of_another_device_is_ignored(void **state) {
    (void)state;
    for (size_t at = 8; at < DATA_BYTES; at += 4) { /* vendor, device and UUID in the header of Vulkan */
        make_content();
        uint8_t *data = content + VATTEN_PIPELINE_FILE_HEAD;
        data[at] ^= 1;
        vatten_pipeline_file_head(data, DATA_BYTES, content);
        write_whole(FILE_BYTES);
        expect_told("a file of another device", "of another device or driver");
    }
    gpu_assert_clean(&device);
}

/* A folder can neither be read nor replaced: two warnings, and all works. */
static void test_a_file_that_cannot_be_read_is_ignored(void **state) {
    (void)state;
    use(".");
    if (!strstr(warnings, "starting an empty one") || saves != !!strstr(warnings, "could not be written")) {
        gpu_fail(&device, "a folder: %s", warnings);
    }
    use("no such folder/file");
    if (strstr(warnings, "starting an empty one") || saves != !!strstr(warnings, "could not be written")) {
        gpu_fail(&device, "a missing folder: %s", warnings);
    }
    remove(path);
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_file_is_taken),
        cmocka_unit_test(test_a_damaged_file_is_ignored),
        cmocka_unit_test(test_a_file_of_another_device_is_ignored),
        cmocka_unit_test(test_a_file_that_cannot_be_read_is_ignored),
    };
    int opened = gpu_open(&device, "test_cache_file", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
