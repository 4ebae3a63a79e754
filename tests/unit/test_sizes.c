/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "sizes.h"

#define MOST UINT64_MAX
#define HALF (UINT64_C(1) << 32)

static void sums_are_exact_up_to_64_bits(void **state) {
    (void)state;
    vt_sum sum = vt_plus(vt_sum_of(MOST - 5), vt_sum_of(5));
    assert_true(sum.value == MOST && !sum.overflow);
    vt_sum product = vt_times(vt_sum_of(HALF - 1), vt_sum_of(HALF + 1));
    assert_true(product.value == MOST && !product.overflow);
    assert_false(vt_times(vt_sum_of(0), vt_sum_of(MOST)).overflow);
    assert_false(vt_times(vt_sum_of(MOST), vt_sum_of(0)).overflow);
}

static void the_first_value_past_64_bits_is_seen(void **state) {
    (void)state;
    assert_true(vt_plus(vt_sum_of(MOST - 5), vt_sum_of(6)).overflow);
    assert_true(vt_plus(vt_sum_of(1), vt_sum_of(MOST)).overflow);
    assert_true(vt_times(vt_sum_of(HALF), vt_sum_of(HALF)).overflow);
    assert_true(vt_times(vt_sum_of(2), vt_sum_of(MOST / 2 + 1)).overflow);
}

static void an_overflow_is_never_forgotten(void **state) {
    (void)state;
    vt_sum broken = vt_times(vt_sum_of(HALF), vt_sum_of(HALF));
    assert_true(vt_times(broken, vt_sum_of(0)).overflow);
    assert_true(vt_times(vt_sum_of(0), broken).overflow);
    assert_true(vt_plus(broken, vt_sum_of(0)).overflow);
    assert_true(vt_plus(vt_sum_of(0), broken).overflow);
}

static void saturating_results_stop_at_the_largest_value(void **state) {
    (void)state;
    assert_true(vt_saturating_mul(HALF, HALF) == MOST);
    assert_true(vt_saturating_mul(MOST, MOST) == MOST);
    assert_true(vt_saturating_mul(MOST, 1) == MOST);
    assert_true(vt_saturating_mul(MOST, 0) == 0);
    assert_true(vt_saturating_mul(0, MOST) == 0);
    assert_true(vt_saturating_mul(HALF - 1, HALF + 1) == MOST);
    assert_true(vt_saturating_mul(7, 6) == 42);
    assert_true(vt_saturating_add(MOST, 1) == MOST && vt_saturating_add(1, MOST) == MOST);
    assert_true(vt_saturating_add(MOST - 1, 1) == MOST && vt_saturating_add(7, 6) == 13);
}

static void rounding_keeps_multiples_and_does_not_wrap(void **state) {
    (void)state;
    assert_true(vt_ceil_div(MOST, 2) == MOST / 2 + 1);
    assert_true(vt_ceil_div(MOST, MOST) == 1);
    assert_true(vt_ceil_div(0, 7) == 0);
    for (uint64_t a = 0; a < 50; ++a)
        for (uint64_t b = 1; b < 20; ++b) {
            uint64_t up = vt_round_up(a, b);
            uint64_t down = vt_round_down(a, b);
            assert_true(up % b == 0 && up >= a && up - a < b);
            assert_true(down % b == 0 && down <= a && a - down < b);
        }
}

static void the_first_above_its_grain_is_halved(void **state) {
    uint64_t a = 5, b = 100, c = 9;
    uint64_t *const sizes[] = {&a, &b, &c};
    const uint64_t grains[] = {1, 64, 9};
    (void)state;
    assert_true(vt_halve_first(sizes, grains, 3));
    assert_true(a == 3 && b == 100 && c == 9);
    a = 1;
    assert_true(vt_halve_first(sizes, grains, 3));
    assert_true(a == 1 && b == 64 && c == 9);
    assert_false(vt_halve_first(sizes, grains, 3));
    assert_true(vt_halve_first(sizes, NULL, 3));
    assert_true(a == 1 && b == 32 && c == 9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_exact_up_to_64_bits),
        cmocka_unit_test(the_first_value_past_64_bits_is_seen),
        cmocka_unit_test(an_overflow_is_never_forgotten),
        cmocka_unit_test(saturating_results_stop_at_the_largest_value),
        cmocka_unit_test(rounding_keeps_multiples_and_does_not_wrap),
        cmocka_unit_test(the_first_above_its_grain_is_halved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
