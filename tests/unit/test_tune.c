/* SPDX-License-Identifier: MIT
 *
 * The room of the tiles: what a tile must keep to, what a caller may ask for and what is said when nothing
 * fits. All real devices stand in test_devices.c.
 */
#include "unit.h"

#include <inttypes.h>
#include <stddef.h>

static unit_log said;

static int start(void **state) {
    (void)state;
    unit_log_start(&said);
    return 0;
}

static vt_problem with_dims(uint32_t dim, uint32_t value_dim) {
    return (vt_problem){.map = VT_MAP_DENSE,
                        .dtype = VATTEN_DTYPE_F32,
                        .dim = dim,
                        .value_dim = value_dim,
                        .q_len = 1024,
                        .kv_len = 1024};
}

static vt_tile tuned(const vt_caps *caps, const vt_problem *problem) {
    return unit_tuned(&said, caps, problem);
}

/* ---- The choice ---- */

static void layouts_go_where_they_belong(void **state) {
    (void)state;
    const vt_problem problem = with_dims(64, 64);
    vt_caps caps = unit_caps_lavapipe();
    assert_int_equal(tuned(&caps, &problem).layout, VATTEN_LAYOUT_ROWS);
    caps = unit_caps_desktop();
    assert_int_equal(tuned(&caps, &problem).layout, VATTEN_LAYOUT_SUBGROUP);
    caps.subgroup_ops = VT_SUBGROUP_BASIC;
    assert_int_equal(tuned(&caps, &problem).layout, VATTEN_LAYOUT_SHARED);
    caps = unit_caps_lavapipe();
    caps.subgroup_ops = VT_SUBGROUP_BASIC;
    assert_int_equal(tuned(&caps, &problem).layout, VATTEN_LAYOUT_SHARED);
}

static void assert_address_refused(vt_caps caps, vt_problem problem, const char *why) {
    vt_tile tile = {
        .layout = VATTEN_LAYOUT_ADDRESS, .workgroup = 8, .rows = 8, .keys = 8, .lanes_per_row = 1};
    assert_int_equal(tuned(&caps, &problem).layout, VATTEN_LAYOUT_ROWS);
    assert_string_equal(vt_tile_complete(&caps, &problem, &tile), why);
}

static void addresses_are_taken_where_they_pay(void **state) {
    (void)state;
    vt_problem problem = with_dims(64, 64);
    vt_caps caps = unit_caps_addresses();
    assert_true(caps.loads_once);
    assert_int_equal(tuned(&caps, &problem).layout, VATTEN_LAYOUT_ADDRESS);
    assert_int_equal(tuned(&caps, &problem).rows, caps.subgroup_size);
    problem.dtype = VATTEN_DTYPE_F16; /* two rows share the conversion of a key */
    assert_int_equal(tuned(&caps, &problem).rows, 2 * caps.subgroup_size);
    problem = with_dims(256, 64);
    assert_int_equal(tuned(&caps, &problem).layout, VATTEN_LAYOUT_ADDRESS);
    assert_int_equal(tuned(&caps, &problem).keys, 4);
    problem = with_dims(300, 64);
    assert_int_not_equal(tuned(&caps, &problem).layout, VATTEN_LAYOUT_ADDRESS);
    problem = with_dims(64, 64);
    caps.driver_version = 25u << 22;
    vt_caps_complete(&caps);
    assert_false(caps.loads_once);
    assert_int_equal(tuned(&caps, &problem).layout, VATTEN_LAYOUT_ROWS);
}

static void addresses_need_a_feature_room_and_keys(void **state) {
    (void)state;
    vt_problem problem = with_dims(64, 64);
    vt_caps caps = unit_caps_addresses();
    caps.push_bytes = 151;
    assert_address_refused(caps, problem, "the ADDRESS layout needs 152 bytes of push constants");
    caps = unit_caps_addresses();
    problem.kv_len = 0;
    assert_address_refused(caps, problem, "without keys there is no address");
    problem = with_dims(64, 64);
    caps.features = 0;
    assert_address_refused(
        caps, problem, "the ADDRESS layout needs VATTEN_FEATURE_BUFFER_DEVICE_ADDRESS, which is not enabled");
}

static vt_caps caps_that_multiply_bytes(void) {
    vt_caps caps = unit_caps_desktop();
    caps.features |= VATTEN_FEATURE_INTEGER_DOT_PRODUCT;
    caps.dots_accelerated = true;
    return caps;
}

static vt_problem of_bytes(uint32_t dim, uint32_t block) {
    vt_problem problem = with_dims(dim, dim);
    problem.kv_bytes = true;
    problem.kv_block = block;
    problem.rules = (vt_rules){.used = true, .sequences = 1, .tile_heads = 1};
    return problem;
}

static void dots_are_taken_for_bytes_where_they_are_accelerated(void **state) {
    (void)state;
    vt_caps caps = caps_that_multiply_bytes();
    vt_problem problem = of_bytes(128, 32);
    assert_int_equal(tuned(&caps, &problem).layout, VATTEN_LAYOUT_DOT);
    problem.q_len = 1;
    assert_int_equal(tuned(&caps, &problem).layout, VATTEN_LAYOUT_DOT);
    assert_int_equal(tuned(&caps, &problem).rows, 4);
    problem = of_bytes(64, 32); /* where queries cost what keys save */
    assert_int_equal(tuned(&caps, &problem).layout, VATTEN_LAYOUT_SUBGROUP);
    problem = of_bytes(192, 32);
    assert_int_equal(tuned(&caps, &problem).layout, VATTEN_LAYOUT_SUBGROUP);
    problem = of_bytes(128, 8);
    assert_int_equal(tuned(&caps, &problem).layout, VATTEN_LAYOUT_SUBGROUP);
    problem = with_dims(128, 128);
    assert_int_equal(tuned(&caps, &problem).layout, VATTEN_LAYOUT_SUBGROUP);
    problem = of_bytes(128, 32);
    caps.subgroup_ops = VT_SUBGROUP_BASIC;
    assert_int_equal(tuned(&caps, &problem).layout, VATTEN_LAYOUT_SHARED);
    caps = caps_that_multiply_bytes();
    caps.dots_accelerated = false; /* there it has to be asked for */
    assert_int_equal(tuned(&caps, &problem).layout, VATTEN_LAYOUT_SUBGROUP);
    problem.tile.layout = VATTEN_LAYOUT_DOT;
    assert_int_equal(tuned(&caps, &problem).layout, VATTEN_LAYOUT_DOT);
    problem.tile.layout = VATTEN_LAYOUT_AUTO;
    caps = caps_that_multiply_bytes();
    caps.registers = 128; /* Intel */
    assert_int_equal(tuned(&caps, &problem).layout, VATTEN_LAYOUT_SUBGROUP);
    caps = unit_caps_lavapipe(); /* and on a CPU, whatever it says */
    caps.features |= VATTEN_FEATURE_INTEGER_DOT_PRODUCT;
    caps.dots_accelerated = true;
    assert_int_equal(tuned(&caps, &problem).layout, VATTEN_LAYOUT_ROWS);
}

static void assert_dot_refused(vt_caps caps, vt_problem problem, const char *why) {
    vt_tile tile = {.layout = VATTEN_LAYOUT_DOT, .workgroup = 32, .rows = 4, .keys = 8, .lanes_per_row = 8};
    assert_int_not_equal(tuned(&caps, &problem).layout, VATTEN_LAYOUT_DOT);
    assert_string_equal(vt_tile_complete(&caps, &problem, &tile), why);
}

static void dots_need_a_feature_shuffles_and_blocks_of_whole_words(void **state) {
    (void)state;
    vt_caps caps = caps_that_multiply_bytes();
    assert_dot_refused(caps, with_dims(64, 64), "the DOT layout is for keys of bytes");
    assert_dot_refused(caps, of_bytes(96, 24), "the DOT layout needs a kv_block that is a multiple of 16");
    caps.subgroup_ops = VT_SUBGROUP_BASIC;
    assert_dot_refused(caps, of_bytes(64, 64), "the device has no subgroup shuffles");
    caps = caps_that_multiply_bytes();
    caps.features = 0;
    assert_dot_refused(caps, of_bytes(64, 64),
                       "the DOT layout needs VATTEN_FEATURE_INTEGER_DOT_PRODUCT, which is not enabled");
}

/* As products_dot.glsl declares it: stage_q and stage_kv of uvec4, scale_q and scale_k of float. */
static void dots_stage_bytes(void **state) {
    (void)state;
    const vt_caps caps = caps_that_multiply_bytes();
    vt_problem problem = of_bytes(160, 32);
    vt_tile tile = {.layout = VATTEN_LAYOUT_DOT, .workgroup = 32, .rows = 8, .keys = 16, .lanes_per_row = 8};
    problem.value_dim = 32;
    assert_null(vt_tile_complete(&caps, &problem, &tile));
    assert_int_equal(tile.dim_pad, 160);
    assert_int_equal(tile.shared_bytes, 16 * (8 * (3 * 10 + 1) + 16 * 11) + 4 * 5 * (8 + 16));
    problem.dtype = VATTEN_DTYPE_F16; /* a digit less */
    assert_null(vt_tile_complete(&caps, &problem, &tile));
    assert_int_equal(tile.shared_bytes, 16 * (8 * (2 * 10 + 1) + 16 * 11) + 4 * 5 * (8 + 16));
    problem.value_dim = 160; /* where values take more than bytes */
    assert_null(vt_tile_complete(&caps, &problem, &tile));
    assert_int_equal(tile.shared_bytes, 16 * (8 * (2 * 10 + 1) + 16 * 40) + 4 * 5 * (8 + 16));
}

static void rows_takes_a_whole_subgroup_without_sharing_rows(void **state) {
    (void)state;
    vt_caps caps = unit_caps_lavapipe();
    for (uint32_t dim = 1; dim <= VATTEN_MAX_DIM; ++dim) {
        const vt_problem problem = with_dims(dim, dim);
        vt_tile tile = tuned(&caps, &problem);
        if (dim <= 256)
            assert_int_equal(tile.layout, VATTEN_LAYOUT_ROWS);
        if (tile.layout != VATTEN_LAYOUT_ROWS)
            continue;
        assert_int_equal(tile.workgroup, 8);
        assert_int_equal(tile.lanes_per_row, 1);
        assert_int_equal(tile.shared_bytes, 0);
    }
}

static void few_queries_get_tiles_of_as_few_rows_on_a_cpu(void **state) {
    (void)state;
    const struct {
        uint64_t q_len;
        uint32_t rows;
    } expected[] = {{1, 1}, {2, 4}, {4, 4}, {5, 8}, {8, 8}};
    vt_problem problem = with_dims(128, 128);
    for (uint32_t i = 0; i < sizeof expected / sizeof *expected; ++i) {
        vt_caps caps = unit_caps_lavapipe();
        problem.q_len = expected[i].q_len;
        problem.rules = (vt_rules){.used = true, .sequences = 1, .tile_heads = 1};
        vt_tile tile = tuned(&caps, &problem);
        assert_int_equal(tile.layout, VATTEN_LAYOUT_STREAM);
        assert_int_equal(tile.rows, expected[i].rows);
        assert_true(tile.workgroup == 8 && tile.lanes_per_row == 8 && tile.keys == 8);
        assert_int_equal(tile.shared_bytes, 0);
        caps = unit_caps_desktop();
        assert_int_equal(tuned(&caps, &problem).layout, VATTEN_LAYOUT_SUBGROUP);
    }
}

static void the_search_goes_on_after_the_row_that_won(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    const vt_problem problem = with_dims(64, 64);
    uint32_t row = 0;
    uint32_t last = 0;
    int found = 0;
    vt_tile tile;
    while (vt_tune(&caps, &said.logger, &problem, &row, &tile) == VATTEN_SUCCESS) {
        assert_true(row < vt_tune_table_count);
        assert_true(found == 0 || row > last);
        assert_int_equal(tile.layout, vt_tune_table[row].layout);
        last = row++;
        ++found;
    }
    assert_true(found > 3);
    assert_int_equal(vt_tune_table[last].layout, VATTEN_LAYOUT_SHARED); /* the way out for every GPU */
    assert_said(
        &said, "no tile fits Desktop for dim 64, value_dim 64 (shared memory 49152 bytes, 1024 "
               "invocations, bindings of "
               "4294967295 bytes): no tile of that layout is for these dims and a device of these registers");
}

/* ---- What is asked for ---- */

static void a_requested_tile_is_taken_as_it_is(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    vt_problem problem = with_dims(40, 24);
    problem.tile = (vatten_tile){VATTEN_LAYOUT_SHARED, 64, 32, 12, 4};
    vt_tile tile = tuned(&caps, &problem);
    assert_int_equal(tile.layout, VATTEN_LAYOUT_SHARED);
    assert_int_equal(tile.workgroup, 64);
    assert_int_equal(tile.rows, 32);
    assert_int_equal(tile.keys, 12);
    assert_int_equal(tile.lanes_per_row, 4);
}

static void what_is_not_requested_comes_from_the_table(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    vt_problem problem = with_dims(40, 24);
    vt_tile normal = tuned(&caps, &problem);
    problem.tile.keys = normal.keys / 2;
    vt_tile tile = tuned(&caps, &problem);
    assert_int_equal(tile.keys, normal.keys / 2);
    assert_int_equal(tile.layout, normal.layout);
    assert_int_equal(tile.workgroup, normal.workgroup);
    assert_int_equal(tile.rows, normal.rows);
}

/* Rows are what the table's rows per lane make of the workgroup that was asked for. */
static void a_smaller_workgroup_has_fewer_rows(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    vt_problem problem = with_dims(64, 64);
    vt_tile normal = tuned(&caps, &problem);
    problem.tile.workgroup = normal.workgroup / 4;
    assert_int_equal(tuned(&caps, &problem).rows, normal.rows / 4);
}

static void a_layout_may_be_requested_on_any_device(void **state) {
    (void)state;
    vt_caps caps[2] = {unit_caps_desktop(), unit_caps_lavapipe()};
    for (int i = 0; i < 2; ++i) {
        caps[i].features |= VATTEN_FEATURE_BUFFER_DEVICE_ADDRESS | VATTEN_FEATURE_SHADER_FLOAT16 |
                            VATTEN_FEATURE_MIXED_DOT_PRODUCT | VATTEN_FEATURE_INTEGER_DOT_PRODUCT;
        caps[i].push_bytes = 152;
        for (vatten_layout layout = VATTEN_LAYOUT_ROWS; layout < VATTEN_LAYOUT_COUNT; ++layout) {
            if (vt_layout_has_matrices(layout) || !vt_kernels_have(layout))
                continue;
            vt_problem problem = with_dims(64, 64);
            if (layout == VATTEN_LAYOUT_DOT)
                problem = of_bytes(64, 16);
            problem.dtype = vt_layout_stages_f16(layout) ? VATTEN_DTYPE_F16 : problem.dtype;
            problem.tile.layout = layout;
            problem.rules =
                (vt_rules){.used = layout == VATTEN_LAYOUT_STREAM, .sequences = 1, .tile_heads = 1};
            assert_int_equal(tuned(&caps[i], &problem).layout, layout);
        }
    }
}

static void assert_refused(const vt_caps *caps, vatten_tile tile, const char *why) {
    vt_problem problem = with_dims(64, 64);
    problem.tile = tile;
    problem.rules = (vt_rules){.used = tile.layout == VATTEN_LAYOUT_STREAM, .sequences = 1, .tile_heads = 1};
    uint32_t row = 0;
    vt_tile out;
    assert_int_equal(vt_tune(caps, &said.logger, &problem, &row, &out), VATTEN_ERROR_UNSUPPORTED);
    char text[512];
    snprintf(text, sizeof text,
             "no tile fits %s for dim 64, value_dim 64 (shared memory %u bytes, %u invocations, bindings "
             "of %" PRIu64 " bytes): %s",
             caps->name, (unsigned)caps->shared_bytes, (unsigned)caps->invocations, caps->storage_range, why);
    assert_said(&said, text);
}

static void requests_that_do_not_fit_say_why(void **state) {
    (void)state;
    vt_caps caps = unit_caps_desktop();
    const vatten_layout shared = VATTEN_LAYOUT_SHARED;
    const vatten_layout subgroup = VATTEN_LAYOUT_SUBGROUP;
    const vatten_layout rows = VATTEN_LAYOUT_ROWS;
    const vatten_layout stream = VATTEN_LAYOUT_STREAM;
    assert_refused(&caps, (vatten_tile){shared, 2048, 0, 0, 0},
                   "workgroup is above the device's invocations");
    assert_refused(&caps, (vatten_tile){shared, 0, 2048, 0, 0}, "rows or keys are above 1024");
    assert_refused(&caps, (vatten_tile){shared, 0, 0, 2048, 0}, "rows or keys are above 1024");
    assert_refused(&caps, (vatten_tile){shared, 96, 32, 16, 3},
                   "lanes_per_row must be a power of two that divides workgroup");
    assert_refused(&caps, (vatten_tile){shared, 12, 32, 16, 8},
                   "lanes_per_row must be a power of two that divides workgroup");
    assert_refused(&caps, (vatten_tile){shared, 64, 20, 16, 4},
                   "rows must be a multiple of workgroup / lanes_per_row");
    assert_refused(&caps, (vatten_tile){shared, 64, 32, 18, 4}, "keys must be a multiple of lanes_per_row");
    assert_refused(&caps, (vatten_tile){shared, 64, 256, 16, 4}, "not enough shared memory");
    assert_refused(&caps, (vatten_tile){subgroup, 64, 4, 64, 64},
                   "lanes_per_row is above the smallest subgroup size");
    assert_refused(&caps, (vatten_tile){rows, 32, 64, 2, 2}, "lanes_per_row must be 1 in the ROWS layout");
    assert_refused(&caps, (vatten_tile){rows, 64, 64, 2, 1},
                   "workgroup is above the smallest subgroup size, which the ROWS layout needs");
    assert_refused(&caps, (vatten_tile){rows, 32, 48, 2, 1}, "rows must be a multiple of workgroup");
    assert_refused(&caps, (vatten_tile){stream, 32, 4, 32, 8},
                   "lanes_per_row and keys must be workgroup in the STREAM layout");
    assert_refused(&caps, (vatten_tile){stream, 32, 4, 16, 32},
                   "lanes_per_row and keys must be workgroup in the STREAM layout");
    assert_refused(&caps, (vatten_tile){stream, 64, 4, 64, 64},
                   "workgroup is above the smallest subgroup size, which the STREAM layout needs");
    assert_refused(&caps, (vatten_tile){stream, 32, 17, 32, 32},
                   "rows are above 16, which is what the STREAM layout is for");
    caps.subgroup_ops = VT_SUBGROUP_BASIC;
    assert_refused(&caps, (vatten_tile){stream, 0, 0, 0, 0}, "the device has no subgroup shuffles");
    assert_refused(&caps, (vatten_tile){subgroup, 0, 0, 0, 0}, "the device has no subgroup shuffles");
    assert_refused(&caps, (vatten_tile){rows, 0, 0, 0, 0}, "the device has no subgroup shuffles");
}

static void the_width_of_a_workgroup_is_a_limit_of_its_own(void **state) {
    (void)state;
    vt_caps caps = unit_caps_desktop();
    caps.workgroup_size_x = 64;
    assert_refused(&caps, (vatten_tile){VATTEN_LAYOUT_SHARED, 128, 0, 0, 0},
                   "workgroup is above the device's invocations");
}

/* Member by member at the end, where there is padding that nobody writes. */
static void assert_same_tile(const vt_tile *a, const vt_tile *b) {
    assert_memory_equal(a, b, offsetof(vt_tile, hold));
    assert_true(a->hold == b->hold && a->repacks == b->repacks);
    assert_true(a->shared_bytes == b->shared_bytes && a->iterations == b->iterations);
}

/* Whatever a caller writes into a tile, the answer is a tile that keeps the rules or a refusal. */
static void absurd_requests_are_refused_not_obeyed(void **state) {
    (void)state;
    const vt_caps caps[3] = {unit_caps_desktop(), unit_caps_lavapipe(), unit_caps_least()};
    const uint32_t sizes[] = {0,    1,    2,           3,           7,           8,           64,
                              1024, 1025, 0x3fffffffu, 0x40000000u, 0x7fffffffu, 0x80000000u, UINT32_MAX};
    const size_t n = sizeof sizes / sizeof sizes[0];
    for (size_t i = 0; i < 3 * 4 * n * n * n * n; ++i) {
        vt_problem problem = with_dims(80, 48);
        size_t rest = i;
        const vt_caps *on = &caps[rest % 3];
        rest /= 3;
        problem.tile.layout = (vatten_layout)(rest % 4);
        rest /= 4;
        problem.tile.workgroup = sizes[rest % n];
        problem.tile.rows = sizes[rest / n % n];
        problem.tile.keys = sizes[rest / n / n % n];
        problem.tile.lanes_per_row = sizes[rest / n / n / n];
        uint32_t row = 0;
        vt_tile tile;
        if (vt_tune(on, NULL, &problem, &row, &tile) != VATTEN_SUCCESS)
            continue;
        vt_tile again = tile;
        assert_null(vt_tile_complete(on, &problem, &again));
        assert_same_tile(&again, &tile);
        assert_true(tile.workgroup <= on->invocations && tile.shared_bytes <= on->shared_bytes);
        assert_true(tile.workgroup > 0 && tile.rows > 0 && tile.keys > 0 && tile.lanes_per_row > 0);
    }
}

#define TEST(NAME) cmocka_unit_test_setup(NAME, start)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(layouts_go_where_they_belong),
        TEST(addresses_are_taken_where_they_pay),
        TEST(addresses_need_a_feature_room_and_keys),
        TEST(dots_are_taken_for_bytes_where_they_are_accelerated),
        TEST(dots_need_a_feature_shuffles_and_blocks_of_whole_words),
        TEST(dots_stage_bytes),
        TEST(rows_takes_a_whole_subgroup_without_sharing_rows),
        TEST(few_queries_get_tiles_of_as_few_rows_on_a_cpu),
        TEST(the_search_goes_on_after_the_row_that_won),
        TEST(a_requested_tile_is_taken_as_it_is),
        TEST(what_is_not_requested_comes_from_the_table),
        TEST(a_smaller_workgroup_has_fewer_rows),
        TEST(a_layout_may_be_requested_on_any_device),
        TEST(requests_that_do_not_fit_say_why),
        TEST(the_width_of_a_workgroup_is_a_limit_of_its_own),
        TEST(absurd_requests_are_refused_not_obeyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
