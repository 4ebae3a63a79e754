/* SPDX-License-Identifier: MIT
 *
 * vatten_neighborhood_estimate without a device: what it counts, what it refuses and with which words.
 */
#include "unit.h"

#include <math.h>
#include <string.h>

static unit_log said;
static vatten_estimate estimate;

static int start(void **state) {
    (void)state;
    unit_log_start(&said);
    memset(&estimate, 0xaa, sizeof estimate);
    return 0;
}

/* The first known answer of docs/performance.md. */
static vatten_neighborhood_desc picture(void) {
    vatten_neighborhood_desc desc = unit_grid();
    for (int a = 0; a < 2; ++a)
        desc.axis[a] = (vatten_axis){.extent = 256, .window = 80, .stride = 1, .dilation = 1};
    desc.heads.tile.rows = desc.heads.tile.keys = 64;
    return desc;
}

static vatten_result count(const vatten_neighborhood_desc *desc) {
    return vatten_neighborhood_estimate(NULL, &said.logger, desc, &estimate);
}

static void assert_near(double got, double want) {
    if (fabs(got - want) > 0.005)
        fail_msg("%f is not near %f", got, want);
}

static void all_figures_are_filled(void **state) {
    (void)state;
    const vatten_neighborhood_desc desc = picture();
    assert_int_equal(count(&desc), VATTEN_SUCCESS);
    assert_silent(&said);
    assert_true(estimate.tile.rows == 64 && estimate.tile.keys == 64);
    assert_true(estimate.box[0] == 8 && estimate.box[1] == 8 && estimate.box[2] == 1);
    assert_true(estimate.visible_pairs == 65536 * 6400 && estimate.dense_pairs == UINT64_C(65536) * 65536);
    assert_true(estimate.query_tiles == 1024 && estimate.dense_tiles == 1024 * 1024);
    assert_true(estimate.visited_tiles == 115556 && estimate.visited_pairs == 115556 * 4096);
    assert_true(estimate.most_tiles == 119); /* 87 x 87 keys */
    assert_near(estimate.ideal_speedup, 10.24);
    assert_near(estimate.bound, 9.07);
    assert_near(estimate.fixed_bound, 8.965);
}

static void a_box_that_is_asked_for_is_the_one_counted(void **state) {
    (void)state;
    vatten_neighborhood_desc desc = picture();
    desc.box[0] = 1;
    desc.box[1] = 64;
    assert_int_equal(count(&desc), VATTEN_SUCCESS);
    assert_true(estimate.box[0] == 1 && estimate.box[1] == 64 && estimate.box[2] == 1);
    assert_near(estimate.bound, 6.64);
    assert_near(estimate.fixed_bound, 5.12);
}

static void an_estimate_is_of_one_rule(void **state) {
    (void)state;
    vatten_neighborhood_desc desc = picture();
    vatten_axis axes[4][3];
    for (int h = 0; h < 4; ++h)
        memcpy(axes[h], desc.axis, sizeof axes[h]);
    desc.head_axes = axes[0];
    assert_int_equal(count(&desc), VATTEN_ERROR_INVALID_ARGUMENT);
    assert_said(&said, "neighborhood: an estimate is of one rule: leave head_axes out");
}

/* They are walked by both, in tiles of their own. */
static void extra_keys_count_on_both_sides(void **state) {
    (void)state;
    vatten_neighborhood_desc desc = picture();
    desc.extra_len = 65;
    assert_int_equal(count(&desc), VATTEN_SUCCESS);
    assert_true(estimate.visible_pairs == UINT64_C(65536) * (6400 + 65));
    assert_true(estimate.dense_pairs == UINT64_C(65536) * (65536 + 65));
    assert_true(estimate.visited_tiles == 115556 + 2 * 1024 && estimate.dense_tiles == 1024 * (1024 + 2));
    assert_near(estimate.fixed_bound, 8.965);
    desc.extra_len = 64 * 500;
    assert_int_equal(count(&desc), VATTEN_SUCCESS);
    assert_true(estimate.most_tiles == 500);
}

static void assert_refused(const vatten_neighborhood_desc *desc, const char *text) {
    const vatten_estimate none = {0};
    memset(&estimate, 0xaa, sizeof estimate);
    assert_int_equal(count(desc), VATTEN_ERROR_INVALID_ARGUMENT);
    assert_said(&said, text);
    assert_memory_equal(&estimate, &none, sizeof none);
}

static void without_a_device_the_tile_is_required(void **state) {
    (void)state;
    vatten_neighborhood_desc desc = picture();
    desc.heads.tile.keys = 0;
    assert_refused(&desc, "neighborhood: without a device tile rows 64 and keys 0 must be 1..1024");
    desc.heads.tile.keys = 1;
    desc.heads.tile.rows = 1025;
    assert_refused(&desc, "neighborhood: without a device tile rows 1025 and keys 1 must be 1..1024");
    desc.heads.tile.rows = 1024;
    desc.heads.dtype = VATTEN_DTYPE_BF16; /* no limit of a device is asked about */
    assert_int_equal(count(&desc), VATTEN_SUCCESS);
}

static void rules_are_those_of_a_plan(void **state) {
    (void)state;
    vatten_neighborhood_desc desc = picture();
    desc.axis[1].window = 257;
    assert_refused(&desc, "neighborhood: axis 1: window 257 is above extent 256");
    desc = picture();
    desc.box[0] = desc.box[1] = 9;
    assert_refused(&desc, "neighborhood: box 9 x 9 x 1 holds 81 queries, above 64 rows of a tile");
}

static void pointers_are_checked(void **state) {
    (void)state;
    const vatten_neighborhood_desc desc = picture();
    assert_int_equal(vatten_neighborhood_estimate(NULL, NULL, &desc, NULL), VATTEN_ERROR_INVALID_ARGUMENT);
    assert_int_equal(vatten_neighborhood_estimate(NULL, NULL, NULL, &estimate),
                     VATTEN_ERROR_INVALID_ARGUMENT);
    assert_int_equal(vatten_neighborhood_estimate(NULL, NULL, &desc, &estimate), VATTEN_SUCCESS);
}

#define TEST(NAME) cmocka_unit_test_setup(NAME, start)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(all_figures_are_filled),         TEST(a_box_that_is_asked_for_is_the_one_counted),
        TEST(all_figures_are_filled),         TEST(an_estimate_is_of_one_rule),
        TEST(extra_keys_count_on_both_sides), TEST(without_a_device_the_tile_is_required),
        TEST(rules_are_those_of_a_plan),      TEST(pointers_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
