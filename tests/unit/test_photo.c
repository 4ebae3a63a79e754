/* SPDX-License-Identifier: MIT
 *
 * Pictures as the samples load them: what a file claims is asked before it is decoded.
 */
#include "unit.h"

#include "complain.h"
#include "photo.h"

#include <stdint.h>

static const char file_name[] = "unit_photo.png";

static void put(FILE *file, const void *bytes, size_t size) {
    assert_int_equal(fwrite(bytes, 1, size, file), size);
}

/* The first chunk of a PNG, of one grey level per pixel, and what `rest` says. stb asks for no checksum. */
static void write_png(uint32_t width, uint32_t height, const void *rest, size_t rest_size) {
    const unsigned char head[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n',
                                  0,    0,   0,   13,  'I',  'H',  'D',  'R'};
    const unsigned char sizes[] = {(unsigned char)(width >> 24),  (unsigned char)(width >> 16),
                                   (unsigned char)(width >> 8),   (unsigned char)width,
                                   (unsigned char)(height >> 24), (unsigned char)(height >> 16),
                                   (unsigned char)(height >> 8),  (unsigned char)height};
    const unsigned char format[] = {8, 0, 0, 0, 0, 0, 0, 0, 0}; /* grey of 8 bits; four bytes of checksum */
    FILE *file = fopen(file_name, "wb");
    assert_non_null(file);
    put(file, head, sizeof head);
    put(file, sizes, sizeof sizes);
    put(file, format, sizeof format);
    put(file, rest, rest_size);
    assert_int_equal(fclose(file), 0);
}

/* In place of complain.c: what was said last. */
static char said[512];

bool complain(const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(said, sizeof said, format, args);
    va_end(args);
    return false;
}

static void assert_refused(const char *why) {
    photo image = {1, 1, NULL};
    said[0] = '\0';
    assert_false(photo_load(&image, file_name));
    assert_non_null(strstr(said, why));
    assert_null(image.rgb);
    assert_int_equal(image.width, 0);
}

static void a_file_that_claims_too_much_is_not_decoded(void **state) {
    (void)state;
    write_png(30000, 20000, "", 0); /* decoding would stop at the missing data, with another message */
    assert_refused("has 30000 x 20000 pixels, more than 400 million");
}

static void a_file_without_data_is_told(void **state) {
    static const unsigned char end[] = {0, 0, 0, 0, 'I', 'E', 'N', 'D', 0, 0, 0, 0};
    (void)state;
    write_png(3, 2, end, sizeof end);
    assert_refused("is not a readable PNG or JPEG: ");
    write_png(0, 2, end, sizeof end);
    assert_refused("is not a readable PNG or JPEG: ");
}

/* Two stored rows, each with its filter's number before it. */
static void a_whole_file_is_loaded(void **state) {
    static const unsigned char rest[] = {0, 0, 0, 19, 'I', 'D', 'A', 'T', 0x78, 0x01, 1, 8, 0, 0xf7, 0xff,
                                         0, 1, 2, 3,  0,   4,   5,   6,   0,    0,    0, 0, 0, 0,    0,
                                         0, 0, 0, 0,  0,   'I', 'E', 'N', 'D',  0,    0, 0, 0};
    photo image;
    (void)state;
    write_png(3, 2, rest, sizeof rest);
    assert_true(photo_load(&image, file_name));
    assert_int_equal(image.width, 3);
    assert_int_equal(image.height, 2);
    for (int i = 0; i < 6; ++i)
        assert_int_equal(image.rgb[3 * i + 1], i + 1);
    photo_destroy(&image);
}

/* A table of so many codes of 16 bits, by the third of three segments; the other two are to be skipped. */
static void write_jpeg(const unsigned char counts[16], size_t counts_size) {
    const unsigned char head[] = {0xFF, 0xD8, 0xFF, 0xFE, 0, 6, 0xFF, 0xC4, 0,
                                  20,   0xFF, 0xFF, 0xDD, 0, 4, 0,    0};
    const unsigned char tables[] = {0xFF, 0xC4, 1, 20, 0};
    FILE *file = fopen(file_name, "wb");
    assert_non_null(file);
    put(file, head, sizeof head);
    put(file, tables, sizeof tables);
    put(file, counts, counts_size);
    assert_int_equal(fclose(file), 0);
}

static void tables_of_too_many_codes_are_refused(void **state) {
    unsigned char counts[16 + 255] = {[14] = 1, [15] = 255};
    (void)state;
    write_jpeg(counts, sizeof counts);
    assert_refused("is not a readable PNG or JPEG: ");
    assert_null(strstr(said, "Huffman")); /* 256 are as many as there are; there is no picture */
    counts[14] = 2;
    write_jpeg(counts, sizeof counts);
    assert_refused("a Huffman table has more than 256 codes");
    write_jpeg(counts, 16); /* the file ends with its counts */
    assert_refused("a Huffman table has more than 256 codes");
    write_jpeg(counts, 15); /* before them */
    assert_refused("is not a readable PNG or JPEG: ");
    assert_null(strstr(said, "Huffman"));
}

/* A gibibyte of data is not asked for where the file has two bytes of it. What follows the end is not looked at. */
static void chunks_beyond_the_end_are_refused(void **state) {
    unsigned char rest[] = {0x40, 0, 0, 0, 'I', 'D', 'A', 'T', 1, 2};
    static const unsigned char behind[] = {0, 0, 0,    0, 'I', 'E', 'N', 'D', 0,   0,
                                           0, 0, 0x7f, 0, 0,   0,   'I', 'D', 'A', 'T'};
    (void)state;
    write_png(3, 2, rest, sizeof rest);
    assert_refused("a chunk claims more bytes than the file has");
    rest[0] = 0;
    rest[3] = 3;
    write_png(3, 2, rest, sizeof rest);
    assert_refused("a chunk claims more bytes than the file has");
    rest[3] = 2;
    write_png(3, 2, rest, sizeof rest);
    assert_refused("is not a readable PNG or JPEG: ");
    assert_null(strstr(said, "chunk claims"));
    write_png(3, 2, behind, sizeof behind);
    assert_refused("is not a readable PNG or JPEG: ");
    assert_null(strstr(said, "chunk claims"));
}

static int clear(void **state) {
    (void)state;
    remove(file_name);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_whole_file_is_loaded, clear),
        cmocka_unit_test_teardown(a_file_without_data_is_told, clear),
        cmocka_unit_test_teardown(tables_of_too_many_codes_are_refused, clear),
        cmocka_unit_test_teardown(chunks_beyond_the_end_are_refused, clear),
        cmocka_unit_test_teardown(a_file_that_claims_too_much_is_not_decoded, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
