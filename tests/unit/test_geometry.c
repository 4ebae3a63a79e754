/* SPDX-License-Identifier: MIT
 *
 * The bounds by which neighborhood attention is cut: never below what the oracle's rule needs. They are
 * private to the operator, so its source is read into this one.
 */
#include "unit.h"

#define vt_op_neighborhood  vt_op_neighborhood_in_test
#define vt_neighborhood_box vt_neighborhood_box_in_test
#include "op_neighborhood.c"
#undef vt_op_neighborhood
#undef vt_neighborhood_box

#include "ref.h"

#define TRIALS 3000

typedef struct span {
    uint64_t first;
    uint64_t end;
} span;

static vatten_axis random_axis(unit_random *random) {
    vatten_axis axis = {.extent = unit_between(random, 1, 40)};
    axis.dilation = (uint32_t)unit_between(random, 1, unit_chance(random, 50) ? 1 : axis.extent);
    axis.window = (uint32_t)unit_between(random, 1, axis.extent / axis.dilation);
    axis.stride = (uint32_t)unit_between(random, 1, axis.window);
    axis.causal = unit_chance(random, 40);
    return axis;
}

/* Keys of a query, in tokens: first and one past the last. */
static span seen(const vatten_axis *axis, uint64_t query) {
    const ref_axis_rule rule = {axis->extent, axis->window, axis->stride, axis->dilation, axis->causal};
    span s = {UINT64_MAX, 0};
    for (uint64_t key = 0; key < axis->extent; ++key)
        if (ref_axis_visible(&rule, query, key)) {
            s.first = key < s.first ? key : s.first;
            s.end = key + 1;
        }
    return s;
}

static void windows_never_move_backwards(void **state) {
    (void)state;
    unit_random random = {.state = 1};
    for (int trial = 0; trial < TRIALS; ++trial) {
        const vatten_axis axis = random_axis(&random);
        for (uint64_t q = axis.dilation; q < axis.extent; ++q) {
            span before = seen(&axis, q - axis.dilation);
            span now = seen(&axis, q);
            assert_true(now.first >= before.first && now.end >= before.end);
        }
    }
}

/* Boxes of a group begin at multiples of their side: from the first query's window start to the last one's
 * end. */
static uint64_t most_keys(const vatten_axis *axis, uint32_t side) {
    uint64_t most = 0;
    for (uint64_t q = 0; q < axis->extent; ++q) {
        if (q / axis->dilation % side != 0)
            continue;
        uint64_t last = q;
        while (last + axis->dilation < axis->extent &&
               last + axis->dilation <= q + (side - 1) * axis->dilation)
            last += axis->dilation;
        uint64_t tokens = seen(axis, last).end - seen(axis, q).first;
        uint64_t keys = (tokens + axis->dilation - 1) / axis->dilation;
        most = keys > most ? keys : most;
    }
    return most;
}

static void keys_along_an_axis_are_exact(void **state) {
    (void)state;
    unit_random random = {.state = 2};
    for (int trial = 0; trial < TRIALS; ++trial) {
        const vatten_axis axis = random_axis(&random);
        uint32_t side = (uint32_t)unit_between(&random, 1, 16);
        uint64_t got = vt_simulate_along(&axis, side);
        uint64_t most = most_keys(&axis, side);
        if (most != got)
            fail_msg("extent %u window %u stride %u dilation %u causal %d: %u queries need %u keys, not %u",
                     (unsigned)axis.extent, (unsigned)axis.window, (unsigned)axis.stride,
                     (unsigned)axis.dilation, axis.causal, (unsigned)side, (unsigned)most, (unsigned)got);
    }
}

static void all_queries_are_in_a_box(void **state) {
    (void)state;
    unit_random random = {.state = 3};
    for (int trial = 0; trial < TRIALS; ++trial) {
        const vatten_axis axis = random_axis(&random);
        uint32_t side = (uint32_t)unit_between(&random, 1, 16);
        uint64_t longest = 0;
        for (uint64_t g = 0; g < axis.dilation && g < axis.extent; ++g) {
            uint64_t n = 0;
            for (uint64_t q = g; q < axis.extent; q += axis.dilation)
                ++n;
            longest = n > longest ? n : longest;
        }
        assert_true(group_length(&axis) == longest);
        assert_true(boxes_along(&axis, side) * side >= longest);
        assert_true((boxes_along(&axis, side) - 1) * side < longest);
    }
}

static void needed_keys_miss_none(void **state) {
    (void)state;
    unit_random random = {.state = 4};
    for (int trial = 0; trial < TRIALS; ++trial) {
        vt_problem problem = {.rank = 1};
        const vatten_axis axis = problem.axis[0] = random_axis(&random);
        uint64_t q_first = unit_between(&random, 0, axis.extent - 1);
        uint64_t q_end = unit_between(&random, q_first + 1, axis.extent);
        uint64_t first;
        uint64_t end;
        needed_keys(&problem, q_first, q_end, &first, &end);
        assert_true(first < end && end <= axis.extent);
        for (uint64_t q = q_first; q < q_end; ++q) {
            span s = seen(&axis, q);
            assert_true(first <= s.first && s.end <= end);
        }
    }
}

/* Part of a long axis must not ask for all of it. */
static void needed_keys_stay_near(void **state) {
    (void)state;
    vt_problem problem = {.rank = 1, .axis = {{100000, 7, 2, 3, false}}};
    uint64_t first;
    uint64_t end;
    needed_keys(&problem, 50000, 51000, &first, &end);
    assert_true(first > 50000 - 100 && end < 51000 + 100);
    needed_keys(&problem, 0, 10, &first, &end);
    assert_true(first == 0 && end < 110);
}

static void a_box_holds_no_more_queries_than_the_tile(void **state) {
    (void)state;
    unit_random random = {.state = 5};
    for (int trial = 0; trial < TRIALS; ++trial) {
        vt_problem problem = {.rank = (uint32_t)unit_between(&random, 1, 3)};
        for (uint32_t a = 0; a < 3; ++a)
            problem.axis[a] = a < problem.rank ? random_axis(&random) : (vatten_axis){1, 1, 1, 1, false};
        const vt_tile tile = {.rows = (uint32_t)unit_between(&random, 1, 128), .keys = 8};
        const vt_caps caps = {.storage_range = UINT64_MAX};
        const vt_op_input op = {&caps, NULL, &problem, &tile};
        const vt_box b = choose_box(&op);
        assert_true(b.side[0] >= 1 && b.side[1] >= 1 && b.side[2] >= 1);
        assert_true(b.side[0] * b.side[1] * b.side[2] <= tile.rows);
        for (uint32_t a = problem.rank; a < 3; ++a)
            assert_int_equal(b.side[a], 1);
        const vt_box single = {{1, 1, 1}};
        assert_true(vt_simulate(&problem, tile.keys, &b).tiles <=
                    vt_simulate(&problem, tile.keys, &single).tiles);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_never_move_backwards),
        cmocka_unit_test(keys_along_an_axis_are_exact),
        cmocka_unit_test(all_queries_are_in_a_box),
        cmocka_unit_test(needed_keys_miss_none),
        cmocka_unit_test(needed_keys_stay_near),
        cmocka_unit_test(a_box_holds_no_more_queries_than_the_tile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
