/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <vatten/pipeline_file.h>

enum { DATA = 100, FILE_BYTES = VATTEN_PIPELINE_FILE_HEAD + DATA };

static const vatten_pipeline_owner owner = {.vendor_id = 0x10de,
                                            .device_id = 0x2330,
                                            .uuid = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

/* A file as a program of that device would write it. */
static void make_file(const vatten_pipeline_owner *of, uint8_t out[FILE_BYTES]) {
    const uint32_t header[4] = {32, 1, of->vendor_id, of->device_id};
    uint8_t *data = out + VATTEN_PIPELINE_FILE_HEAD;
    memset(data, 0xa5, DATA);
    memcpy(data, header, sizeof header);
    memcpy(data + sizeof header, of->uuid, sizeof of->uuid);
    vatten_pipeline_file_head(data, DATA, out);
}

static const char *fault(const uint8_t *file, size_t size) {
    size_t data = 99;
    const char *why = "nothing said";
    const void *found = vatten_pipeline_file_open(file, size, &owner, &data, &why);
    assert_true((found == NULL) == (why != NULL));
    assert_int_equal(data, found == NULL ? 0 : size - VATTEN_PIPELINE_FILE_HEAD);
    assert_true(found == NULL || found == file + VATTEN_PIPELINE_FILE_HEAD);
    return why;
}

static void a_whole_file_gives_its_data(void **state) {
    (void)state;
    uint8_t file[FILE_BYTES];
    size_t size = 0;
    make_file(&owner, file);
    assert_null(fault(file, sizeof file));
    assert_ptr_equal(vatten_pipeline_file_open(file, sizeof file, &owner, &size, NULL),
                     file + VATTEN_PIPELINE_FILE_HEAD);
    assert_int_equal(size, DATA);
}

/* The format is kept on disks: it changes with its version only. */
static void the_head_is_these_bytes(void **state) {
    (void)state;
    const uint8_t data[3] = {'a', 'b', 'c'};
    const uint8_t wanted[VATTEN_PIPELINE_FILE_HEAD] = {'V',  'A',  'T',  'T',  'E', 'N', 'P',  'C',  1,
                                                       0,    0,    0,    0,    0,   0,   0,    3,    0,
                                                       0,    0,    0,    0,    0,   0,   0x4b, 0x57, 0x41,
                                                       0x05, 0x19, 0xa2, 0x1f, 0xe7}; /* FNV-1a of "abc" is e71fa2190541574b */
    uint8_t head[VATTEN_PIPELINE_FILE_HEAD];
    memset(head, 0xff, sizeof head);
    vatten_pipeline_file_head(data, sizeof data, head);
    assert_memory_equal(head, wanted, sizeof head);
}

static void every_shorter_file_is_refused(void **state) {
    (void)state;
    uint8_t file[FILE_BYTES];
    make_file(&owner, file);
    assert_string_equal(fault(file, 0), "empty");
    assert_string_equal(fault(NULL, 0), "empty");
    for (size_t size = 1; size < sizeof file; ++size)
        assert_string_equal(fault(file, size), size < 8 ? "no file of pipelines" : "cut short");
}

static void a_longer_file_is_refused(void **state) {
    (void)state;
    uint8_t file[FILE_BYTES + 1] = {0};
    make_file(&owner, file);
    assert_string_equal(fault(file, sizeof file), "longer than it says");
}

static void every_flipped_bit_is_seen(void **state) {
    (void)state;
    uint8_t file[FILE_BYTES];
    for (size_t bit = 0; bit < 8 * sizeof file; ++bit) {
        make_file(&owner, file);
        file[bit / 8] ^= (uint8_t)(1u << bit % 8);
        const char *why = fault(file, sizeof file);
        assert_non_null(why);
        if (bit / 8 >= 24)
            assert_string_equal(why, "damaged");
    }
}

/* Sums of bytes, and of words, would not see this. */
static void bytes_that_change_places_are_seen(void **state) {
    (void)state;
    uint8_t file[FILE_BYTES];
    make_file(&owner, file);
    uint8_t *data = file + VATTEN_PIPELINE_FILE_HEAD;
    data[60] = 1;
    data[61] = 2;
    vatten_pipeline_file_head(data, DATA, file);
    assert_null(fault(file, sizeof file));
    data[60] = 2;
    data[61] = 1;
    assert_string_equal(fault(file, sizeof file), "damaged");
}

static void of_another_device_or_driver(void **state) {
    (void)state;
    uint8_t file[FILE_BYTES];
    vatten_pipeline_owner other = owner;
    other.vendor_id = 0x1002;
    make_file(&other, file);
    assert_string_equal(fault(file, sizeof file), "of another device or driver");
    other = owner;
    other.device_id++;
    make_file(&other, file);
    assert_string_equal(fault(file, sizeof file), "of another device or driver");
    for (size_t i = 0; i < sizeof other.uuid; ++i) {
        other = owner;
        other.uuid[i] ^= 1;
        make_file(&other, file);
        assert_string_equal(fault(file, sizeof file), "of another device or driver");
    }
}

/* What a driver gave may be whole in the file, and yet nothing that another driver should be handed. */
static void data_need_the_header_of_vulkan(void **state) {
    (void)state;
    const uint32_t wrong[][2] = {{31, 1}, {DATA + 1, 1}, {32, 2}, {0, 1}};
    uint8_t file[FILE_BYTES];
    uint8_t *data = file + VATTEN_PIPELINE_FILE_HEAD;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
        make_file(&owner, file);
        memcpy(data, wrong[i], sizeof wrong[i]);
        vatten_pipeline_file_head(data, DATA, file);
        assert_string_equal(fault(file, sizeof file), "without a header of Vulkan that is known");
    }
    vatten_pipeline_file_head(data, 31, file);
    assert_string_equal(fault(file, VATTEN_PIPELINE_FILE_HEAD + 31), "without a header of Vulkan");
    vatten_pipeline_file_head(data, 0, file);
    assert_string_equal(fault(file, VATTEN_PIPELINE_FILE_HEAD), "without a header of Vulkan");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_file_gives_its_data),   cmocka_unit_test(the_head_is_these_bytes),
        cmocka_unit_test(every_shorter_file_is_refused), cmocka_unit_test(a_longer_file_is_refused),
        cmocka_unit_test(every_flipped_bit_is_seen),     cmocka_unit_test(bytes_that_change_places_are_seen),
        cmocka_unit_test(of_another_device_or_driver),   cmocka_unit_test(data_need_the_header_of_vulkan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
