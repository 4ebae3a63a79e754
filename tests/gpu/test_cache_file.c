/* SPDX-License-Identifier: MIT
 *
 * The pipeline cache file of the context, whatever state it is found in: a plan can always be made, a file that must
 * not be used is told of, and in its place stands a good one afterwards.
 */
#include "gpu_harness.h"

#include <vatten/pipeline_file.h>

#include <stdio.h>
#include <string.h>

static gpu device;

static const char path[] = "test_cache_file.pipelines";

enum { MOST_BYTES = 1 << 24 };
static uint8_t content[MOST_BYTES];
static char warnings[2048];

static void keep_warnings(void *user, vatten_log_level level, const char *message) {
    (void)user;
    size_t used = strlen(warnings);
    if (level == VATTEN_LOG_WARN || level == VATTEN_LOG_ERROR)
        snprintf(warnings + used, sizeof warnings - used, "%s\n", message);
}

static size_t read_whole(void) {
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(content, 1, sizeof content, file) : 0;
    if (file)
        fclose(file);
    return size;
}

static void write_whole(size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
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

/* Afterwards the file is one that a context takes without a word. */
static void expect_told(const char *what, const char *why) {
    use(path);
    if (!strstr(warnings, why) || !strstr(warnings, path)) {
        gpu_fail(&device, "%s: \"%s\" and the path are not in \"%s\"", what, why, warnings);
    }
    use(path);
    if (warnings[0]) {
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
    size_t size = read_whole();
    if (size <= VATTEN_PIPELINE_FILE_HEAD || memcmp(content, "VATTENPC", 8) != 0) {
        gpu_fail(&device, "a file of %u bytes was written", (unsigned)size);
    }
    use(path);
    if (warnings[0]) {
        gpu_fail(&device, "the second run: %s", warnings);
    }
    gpu_assert_clean(&device);
}

static void test_a_damaged_file_is_ignored(void **state) {
    (void)state;
    remove(path);
    use(path);
    size_t size = read_whole();
    write_whole(0);
    expect_told("an empty file", "empty");
    const size_t lengths[] = {7,        8,       VATTEN_PIPELINE_FILE_HEAD, VATTEN_PIPELINE_FILE_HEAD + 16,
                              size / 2, size - 1};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; ++i) {
        read_whole();
        write_whole(lengths[i]);
        expect_told("a short file", lengths[i] < 8 ? "no file of pipelines" : "cut short");
    }
    const size_t places[] = {VATTEN_PIPELINE_FILE_HEAD, VATTEN_PIPELINE_FILE_HEAD + 20, size / 2, size - 1};
    for (size_t i = 0; i < sizeof places / sizeof *places; ++i) {
        size_t now = read_whole(); /* drivers may write another length each time */
        content[places[i] < now ? places[i] : now - 1] ^= 0x10;
        write_whole(now);
        expect_told("a flipped bit", "damaged");
    }
    size = read_whole();
    memmove(content, content + VATTEN_PIPELINE_FILE_HEAD, size - VATTEN_PIPELINE_FILE_HEAD);
    write_whole(size - VATTEN_PIPELINE_FILE_HEAD);
    expect_told("data without a head", "no file of pipelines");
    gpu_assert_clean(&device);
}

static void test_a_file_of_another_device_is_ignored(void **state) {
    (void)state;
    remove(path);
    for (size_t at = 8; at < 32; at += 4) { /* vendor, device and UUID in the header of Vulkan */
        use(path);
        size_t size = read_whole();
        uint8_t *data = content + VATTEN_PIPELINE_FILE_HEAD;
        data[at] ^= 1;
        vatten_pipeline_file_head(data, size - VATTEN_PIPELINE_FILE_HEAD, content);
        write_whole(size);
        expect_told("a file of another device", "of another device or driver");
    }
    gpu_assert_clean(&device);
}

/* A folder can neither be read nor replaced: two warnings, and all works. */
static void test_a_file_that_cannot_be_read_is_ignored(void **state) {
    (void)state;
    use(".");
    if (!strstr(warnings, "starting an empty one") || !strstr(warnings, "could not be written")) {
        gpu_fail(&device, "a folder: %s", warnings);
    }
    use("no such folder/file");
    if (strstr(warnings, "starting an empty one") || !strstr(warnings, "could not be written")) {
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
