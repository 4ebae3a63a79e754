/* SPDX-License-Identifier: MIT
 *
 * Pair counts against the oracle's predicates, pair by pair, over random small problems.
 */
#include "unit.h"

#include "ref.h"
#include "visible.h"

#include <time.h>

#define DENSE_TRIALS 4000
#define GRID_TRIALS  1500
#define AXIS_TRIALS  2000

static uint64_t count_dense(const vt_problem *p) {
    const ref_dense_rule rule = {p->q_len, p->kv_len, p->causal, p->align_first,
                                 p->left,  p->right,  p->prefix};
    uint64_t pairs = 0;
    for (uint64_t i = 0; i < p->q_len; ++i)
        for (uint64_t j = 0; j < p->kv_len; ++j)
            pairs += ref_dense_visible(&rule, i, j);
    return pairs;
}

static int64_t random_side(unit_random *random) {
    return unit_chance(random, 30) ? VATTEN_UNLIMITED : (int64_t)unit_between(random, 0, 40);
}

static vt_problem random_dense(unit_random *random) {
    vt_problem p = {.map = VT_MAP_DENSE};
    p.q_len = unit_between(random, 1, 30);
    p.kv_len = unit_between(random, 1, 30);
    p.causal = unit_chance(random, 50);
    p.align_first = unit_chance(random, 50);
    p.left = random_side(random);
    p.right = random_side(random);
    p.prefix = unit_chance(random, 50) ? 0 : unit_between(random, 0, p.kv_len);
    return p;
}

static void dense_pairs_equal_a_count_of_all_pairs(void **state) {
    (void)state;
    unit_random random = {.state = 1};
    for (int trial = 0; trial < DENSE_TRIALS; ++trial) {
        vt_problem p = random_dense(&random);
        uint64_t expected = count_dense(&p);
        uint64_t got = vt_visible_dense(&p);
        if (got != expected)
            fail_msg("q %d kv %d causal %d first %d left %d right %d prefix %d: %d pairs, not %d",
                     (int)p.q_len, (int)p.kv_len, p.causal, p.align_first, (int)p.left, (int)p.right,
                     (int)p.prefix, (int)got, (int)expected);
    }
}

static void long_dense_problems_are_counted_without_a_loop_over_them(void **state) {
    (void)state;
    const uint64_t n = 0x1fffffff;
    vt_problem p = {.q_len = n, .kv_len = n, .left = VATTEN_UNLIMITED, .right = VATTEN_UNLIMITED};
    assert_true(vt_visible_dense(&p) == n * n);
    p.causal = true;
    assert_true(vt_visible_dense(&p) == n * (n + 1) / 2);
    p.left = 99; /* 100 keys, fewer for the first 99 queries */
    assert_true(vt_visible_dense(&p) == n * 100 - 99 * 100 / 2);
}

static vatten_axis random_axis(unit_random *random, uint64_t longest) {
    vatten_axis axis = {.extent = unit_between(random, 1, longest)};
    axis.dilation = (uint32_t)unit_between(random, 1, unit_chance(random, 50) ? 1 : axis.extent);
    axis.window = (uint32_t)unit_between(random, 1, axis.extent / axis.dilation);
    axis.stride = (uint32_t)unit_between(random, 1, axis.window);
    axis.causal = unit_chance(random, 50);
    if (unit_chance(random, 30)) {
        axis.edge = unit_chance(random, 50) ? VATTEN_EDGE_CROP : VATTEN_EDGE_ZERO;
        axis.window = (uint32_t)unit_between(random, axis.stride, 2 * axis.extent);
    }
    axis.roll = unit_chance(random, 30) ? unit_between(random, 0, axis.extent - 1) : 0;
    return axis;
}

static ref_axis_rule rule_of(const vatten_axis *axis) {
    return (ref_axis_rule){axis->extent, axis->window,         axis->stride, axis->dilation,
                           axis->causal, (ref_edge)axis->edge, axis->roll};
}

static void grid_pairs_equal_a_count_of_all_pairs(void **state) {
    (void)state;
    unit_random random = {.state = 2};
    for (int trial = 0; trial < GRID_TRIALS; ++trial) {
        vt_problem p = {
            .map = VT_MAP_NEIGHBORHOOD, .q_len = 1, .rank = (uint32_t)unit_between(&random, 1, 3)};
        ref_grid_rule rule = {.rank = p.rank};
        for (uint32_t a = 0; a < 3; ++a) {
            p.axis[a] = a < p.rank ? random_axis(&random, p.rank == 1   ? 40
                                                          : p.rank == 2 ? 9
                                                                        : 5)
                                   : (vatten_axis){1, 1, 1, 1, false};
            rule.axis[a] = rule_of(&p.axis[a]);
            p.q_len *= p.axis[a].extent;
        }
        p.extra_len = unit_chance(&random, 50) ? 0 : unit_between(&random, 1, 10);
        uint64_t expected = p.q_len * p.extra_len;
        for (uint64_t i = 0; i < p.q_len; ++i)
            for (uint64_t j = 0; j < p.q_len; ++j)
                expected += ref_grid_visible(&rule, i, j);
        assert_true(vt_visible_neighborhood(&p) == expected);
    }
}

/* Causal axes are summed in closed form; a sum over the queries is the second way for lengths that have no
 * pairs to count. */
static void long_causal_axes_are_summed_right(void **state) {
    (void)state;
    unit_random random = {.state = 3};
    for (int trial = 0; trial < AXIS_TRIALS; ++trial) {
        vatten_axis axis = random_axis(&random, 3000);
        axis.causal = true;
        if (axis.edge != VATTEN_EDGE_SHIFT || axis.roll)
            continue;
        uint64_t expected = 0;
        for (uint64_t i = 0; i < axis.extent; ++i) {
            uint64_t n = (axis.extent - i % axis.dilation + axis.dilation - 1) / axis.dilation;
            uint64_t p = i / axis.dilation;
            uint64_t lead = p - p % axis.stride + axis.stride - 1;
            lead = lead < n ? lead : n - 1;
            expected += lead < axis.window ? p + 1 : p - (lead - axis.window);
        }
        const vt_problem problem = {.q_len = axis.extent,
                                    .axis = {axis, {1, 1, 1, 1, false}, {1, 1, 1, 1, false}}};
        assert_true(vt_visible_neighborhood(&problem) == expected);
    }
}

/* The longest axis there is, in the time of the shortest. */
static void the_longest_causal_axis_is_counted_at_once(void **state) {
    (void)state;
    const uint64_t n = 0x1fffffff;
    const vatten_axis one = {1, 1, 1, 1, false};
    const vt_problem problem = {.q_len = n, .axis = {{n, 100, 1, 1, true}, one, one}};
    clock_t begin = clock();
    assert_true(vt_visible_neighborhood(&problem) == n * 100 - 99 * 100 / 2);
    assert_true((double)(clock() - begin) / CLOCKS_PER_SEC < 0.5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense_pairs_equal_a_count_of_all_pairs),
        cmocka_unit_test(long_dense_problems_are_counted_without_a_loop_over_them),
        cmocka_unit_test(grid_pairs_equal_a_count_of_all_pairs),
        cmocka_unit_test(long_causal_axes_are_summed_right),
        cmocka_unit_test(the_longest_causal_axis_is_counted_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
