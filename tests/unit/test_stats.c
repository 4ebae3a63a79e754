/* SPDX-License-Identifier: MIT
 *
 * Medians and exponents of the tools.
 */
#include "unit.h"

#include <math.h>

#include <stats.h>

static void assert_near(double got, double wanted) {
    if (!(fabs(got - wanted) < 1e-9))
        fail_msg("%.12g instead of %.12g", got, wanted);
}

static void a_power_gives_its_exponent(void **state) {
    (void)state;
    const double exponents[] = {0.0, 1.0, 2.0, -0.5, 1.37};
    for (size_t e = 0; e < sizeof exponents / sizeof *exponents; ++e) {
        double x[7], y[7];
        for (int i = 0; i < 7; ++i) {
            x[i] = 1024.0 * pow(2.0, i);
            y[i] = 0.03 * pow(x[i], exponents[e]);
        }
        for (size_t count = 2; count <= 7; ++count)
            assert_near(stats_exponent(x, y, count), exponents[e]);
    }
}

/* Worked out by hand: logarithms base 2 of x are 0, 1, 2, of y 0, 3, 3; the slope is 3 / 2. */
static void three_points_have_the_line_of_least_squares(void **state) {
    (void)state;
    const double x[] = {1.0, 2.0, 4.0}, y[] = {1.0, 8.0, 8.0};
    assert_near(stats_exponent(x, y, 3), 1.5);
}

/* Linear with a constant part is below 1, quadratic beside linear between 1 and 2. */
static void what_does_not_grow_shows(void **state) {
    (void)state;
    double x[7], constant[7], mixed[7];
    for (int i = 0; i < 7; ++i) {
        x[i] = 1024.0 * pow(2.0, i);
        constant[i] = x[i] + 4096.0;
        mixed[i] = x[i] * x[i] + 4096.0 * x[i];
    }
    double p = stats_exponent(x, constant, 7), q = stats_exponent(x, mixed, 7);
    assert_true(p > 0.5 && p < 0.9);
    assert_true(q > 1.5 && q < 1.95);
}

static void without_two_places_there_is_no_exponent(void **state) {
    (void)state;
    const double same[] = {2.0, 2.0, 2.0}, y[] = {1.0, 2.0, 3.0};
    assert_near(stats_exponent(same, y, 0), 0.0);
    assert_near(stats_exponent(same, y, 1), 0.0);
    assert_near(stats_exponent(same, y, 3), 0.0);
}

static void medians_and_ratios(void **state) {
    (void)state;
    double odd[] = {5.0, 1.0, 3.0}, even[] = {4.0, 1.0, 3.0, 2.0};
    const double above[] = {1.0, 9.0, 4.0}, below[] = {1.0, 3.0, 2.0};
    stats_summary summary = stats_summarize(odd, 3);
    assert_near(summary.median, 3.0);
    assert_near(summary.min, 1.0);
    assert_near(summary.max, 5.0);
    assert_near(stats_summarize(even, 4).median, 2.5);
    assert_near(stats_summarize(even, 0).median, 0.0);
    assert_near(stats_ratio(above, below, 3), 2.0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_power_gives_its_exponent),
        cmocka_unit_test(three_points_have_the_line_of_least_squares),
        cmocka_unit_test(what_does_not_grow_shows),
        cmocka_unit_test(without_two_places_there_is_no_exponent),
        cmocka_unit_test(medians_and_ratios),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
