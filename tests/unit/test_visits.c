/* SPDX-License-Identifier: MIT
 *
 * What tiles waste on windows: visited by visible pairs, in the tile that the tuning table gives on recorded devices
 * and the box that a plan chooses.
 */
#include "unit.h"

#include "ops.h"
#include "profiles.h"
#include "simulate.h"
#include "visible.h"

#include <stdlib.h>
#include <string.h>

static profiles known;

static int load(void **state) {
    (void)state;
    return profiles_load(VATTEN_DEVICES_FILE, &known) ? 0 : -1;
}

static vatten_neighborhood_desc square(uint64_t extent, uint32_t window, uint32_t stride, uint32_t dim) {
    vatten_neighborhood_desc desc = unit_grid();
    for (int a = 0; a < 2; ++a)
        desc.axis[a] = (vatten_axis){.extent = extent, .window = window, .stride = stride, .dilation = 1};
    desc.heads.dim = desc.heads.value_dim = dim;
    return desc;
}

static double excess(const vt_caps *caps, const vatten_neighborhood_desc *desc, vt_tile *tile) {
    vt_problem problem;
    vt_box box;
    uint32_t row = 0;
    unit_log said;
    unit_log_start(&said);
    const vt_op_input input = {caps, &said.logger, &problem, tile};
    if (vt_problem_from_neighborhood(caps, &said.logger, desc, &problem) != VATTEN_SUCCESS ||
        vt_tune(caps, &said.logger, &problem, &row, tile) != VATTEN_SUCCESS ||
        vt_neighborhood_box(&input, &box) != VATTEN_SUCCESS)
        fail_msg("%s", said.text);
    double visited = (double)vt_simulate(&problem, tile->keys, &box).tiles * tile->rows * tile->keys;
    return visited / (double)vt_visible_neighborhood(&problem);
}

static void assert_at_most(double limit, const vt_caps *caps, const vatten_neighborhood_desc *desc) {
    vt_tile tile;
    double got = excess(caps, desc, &tile);
    if (got > limit)
        fail_msg("%s: window %d of %d, stride %d, dim %d: tile %d x %d visits %.3f times what is visible",
                 caps->name, (int)desc->axis[0].window, (int)desc->axis[0].extent, (int)desc->axis[0].stride,
                 (int)desc->heads.dim, (int)tile.rows, (int)tile.keys, got);
}

/* Whether some box with all rows of the tile stays within 1.6 away from borders: a x b queries need
 * (window + a - 1) x (window + b - 1) keys, in whole tiles. */
static bool can_stay_within(const vt_tile *tile, uint32_t window) {
    for (uint32_t a = 1; a <= tile->rows; ++a) {
        uint32_t keys = (window + a - 1) * (window + tile->rows / a - 1);
        uint32_t visited = (keys + tile->keys - 1) / tile->keys * tile->keys;
        if (tile->rows % a == 0 && 10 * visited <= 16 * window * window)
            return true;
    }
    return false;
}

static void stride_1_visits_at_most_1_6_of_what_is_visible(void **state) {
    (void)state;
    static const uint32_t dims[] = {32, 64, 128};
    for (uint32_t i = 0; i < known.count; ++i)
        for (int d = 0; d < 3; ++d)
            for (uint64_t extent = 64; extent <= 256; extent *= 2)
                for (uint32_t window = 8; window <= 40; ++window) {
                    const vatten_neighborhood_desc desc = square(extent, window, 1, dims[d]);
                    vt_tile tile;
                    excess(&known.list[i].caps, &desc, &tile);
                    if (can_stay_within(&tile, window))
                        assert_at_most(1.6, &known.list[i].caps, &desc);
                }
}

/* Extent and window are multiples of the stride, and blocks hold whole boxes. */
static void whole_blocks_visit_hardly_more_than_is_visible(void **state) {
    (void)state;
    for (uint32_t i = 0; i < known.count; ++i)
        for (uint32_t dim = 32; dim <= 128; dim *= 2)
            for (uint32_t stride = 8; stride <= 32; stride *= 2)
                for (uint32_t window = stride; window <= 64; window += 2 * stride) {
                    const vatten_neighborhood_desc desc = square(192, window, stride, dim);
                    assert_at_most(1.05, &known.list[i].caps, &desc);
                }
}

static void whole_blocks_of_a_video_too(void **state) {
    (void)state;
    for (uint32_t i = 0; i < known.count; ++i)
        for (uint32_t stride = 4; stride <= 8; stride *= 2) {
            vatten_neighborhood_desc desc = square(24, 8, stride == 8 ? 8 : 4, 64);
            desc.rank = 3;
            desc.axis[2] = desc.axis[1];
            desc.axis[0] = (vatten_axis){.extent = 16, .window = stride, .stride = stride, .dilation = 1};
            desc.axis[1].window = desc.axis[2].window = stride;
            assert_at_most(1.05, &known.list[i].caps, &desc);
        }
}

/* A tile with fewer rows is taken where it saves more pairs than each of them costs more. */
static void small_windows_have_small_tiles_on_the_cpu(void **state) {
    (void)state;
    static const uint32_t rows[][3] = {{7, 32, 32}, {16, 32, 32}, {60, 32, 64}, {7, 64, 16},
                                       {8, 64, 16}, {13, 64, 32}, {7, 200, 16}};
    const vt_caps caps = unit_caps_lavapipe();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        vatten_neighborhood_desc desc = square(64, rows[i][0], 1, rows[i][1]);
        vt_tile tile;
        excess(&caps, &desc, &tile);
        assert_int_equal(tile.rows, rows[i][2]);
    }
    vatten_neighborhood_desc blocks = square(64, 16, 16, 32); /* nothing to save */
    vt_tile tile;
    excess(&caps, &blocks, &tile);
    assert_int_equal(tile.rows, 64);
}

static void boxes_and_rows_that_are_asked_for_decide(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_lavapipe();
    vatten_neighborhood_desc desc = square(64, 7, 1, 64);
    vt_tile tile;
    desc.box[0] = 4;
    desc.box[1] = 8; /* has no room in the small tile */
    excess(&caps, &desc, &tile);
    assert_int_equal(tile.rows, 32);
    desc.box[1] = 4;
    excess(&caps, &desc, &tile);
    assert_int_equal(tile.rows, 16);
    desc.heads.tile.rows = 24;
    excess(&caps, &desc, &tile);
    assert_int_equal(tile.rows, 24);
}

/* From which window on that holds everywhere: with 8 rows from 8, as docs/performance.md says. */
static void rows_say_from_which_window_on_1_6_holds(void **state) {
    (void)state;
    static const uint32_t least[][2] = {{8, 8}, {16, 12}, {32, 19}, {64, 27}};
    for (size_t i = 0; i < sizeof least / sizeof *least; ++i) {
        const vt_tile tile = {.rows = least[i][0], .keys = 2};
        assert_false(can_stay_within(&tile, least[i][1] - 1) && least[i][1] > 8);
        for (uint32_t window = least[i][1]; window <= 64; ++window)
            assert_true(can_stay_within(&tile, window));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stride_1_visits_at_most_1_6_of_what_is_visible),
        cmocka_unit_test(rows_say_from_which_window_on_1_6_holds),
        cmocka_unit_test(whole_blocks_visit_hardly_more_than_is_visible),
        cmocka_unit_test(whole_blocks_of_a_video_too),
        cmocka_unit_test(small_windows_have_small_tiles_on_the_cpu),
        cmocka_unit_test(boxes_and_rows_that_are_asked_for_decide),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}
