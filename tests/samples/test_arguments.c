/* SPDX-License-Identifier: MIT
 *
 * Numbers on the samples' command lines: what is none, or too large, is refused with the option's range and its text.
 */
#include "arguments.h"

#include "complain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h> /* after the four above */

static char said[256];

/* In place of what prints. */
bool complain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(said, sizeof said, format, arguments);
    va_end(arguments);
    return false;
}

const char *complain_program(void) {
    return "test";
}

static uint32_t count;
static double real;
static const argument rows[] = {
    {"--count", ARGUMENT_COUNT, &count, 2, 4294967295.0, "N", ""},
    {"--few", ARGUMENT_COUNT, &count, 0, 9, "N", ""},
    {"--real", ARGUMENT_REAL, &real, -1, 200, "S", ""},
};

static bool takes(const char *option, const char *text) {
    char program[] = "test", name[16], value[64];
    snprintf(name, sizeof name, "%s", option);
    snprintf(value, sizeof value, "%s", text);
    char *argv[] = {program, name, value, NULL};
    said[0] = '\0';
    return arguments_read(rows, sizeof rows / sizeof rows[0], 3, argv, NULL);
}

static void assert_refused(const char *option, const char *text, const char *rule) {
    char want[128];
    snprintf(want, sizeof want, "%s takes %s, not '%s'", option, rule, text);
    assert_false(takes(option, text));
    assert_string_equal(said, want);
}

static void counts_are_digits_within_their_range(void **state) {
    (void)state;
    static const char *const wrong[] = {"",     "1",   "4294967296", "18446744073709551618",
                                        "-2",   "+2",  " 2",         "2 ",
                                        "0x10", "2.0", "1e3",        "nan",
                                        "inf",  "2,",  "\t2",        "4294967298k"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_refused("--count", wrong[i], "a whole number from 2 to 4294967295");
    assert_true(takes("--count", "4294967295"));
    assert_int_equal(count, 4294967295u);
    assert_true(takes("--count", "0002"));
    assert_int_equal(count, 2);
    assert_refused("--few", "10", "a whole number from 0 to 9");
    assert_true(takes("--few", "9"));
    assert_int_equal(count, 9);
}

static void reals_are_plain_and_finite(void **state) {
    (void)state;
    static const char *const wrong[] = {"",       "nan",   "-nan",  "inf",  "infinity", "0x1p3", " 1", "1 ",
                                        "1e-999", "1e999", "200.1", "-1.1", "1,5",      "--1",   "e",  "1e"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_refused("--real", wrong[i], "a number from -1 to 200");
    assert_true(takes("--real", "1.5e2"));
    assert_true(real == 150.0);
    assert_true(takes("--real", "-.5"));
    assert_true(real == -0.5);
}

static void whole_numbers_end_where_digits_do(void **state) {
    (void)state;
    uint64_t number = 0;
    const char *text = "12x7";
    assert_true(arguments_whole(&text, 12, &number));
    assert_int_equal(number, 12);
    assert_string_equal(text, "x7");
    assert_false(arguments_whole(&text, 12, &number));
    assert_string_equal(text, "x7");
    text = "12";
    assert_false(arguments_whole(&text, 11, &number));
    text = "18446744073709551615";
    assert_true(arguments_whole(&text, UINT64_MAX, &number));
    assert_true(number == UINT64_MAX);
    text = "18446744073709551616";
    assert_false(arguments_whole(&text, UINT64_MAX, &number));
    text = "5";
    assert_false(arguments_whole(&text, 3, &number));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_digits_within_their_range),
        cmocka_unit_test(reals_are_plain_and_finite),
        cmocka_unit_test(whole_numbers_end_where_digits_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
