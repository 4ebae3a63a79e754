/* SPDX-License-Identifier: MIT
 *
 * The simulator against a walk over every box, every query and every key of random small problems, against known
 * answers, and the choice of the box against a sweep over all boxes.
 */
#include "unit.h"

#include "ref.h"
#include "simulate.h"
#include "visible.h"
#include "window.h"

#include <math.h>
#include <time.h>

#define TRIALS 1500

static vatten_axis random_axis(unit_random *random, uint64_t longest) {
    vatten_axis axis = {.extent = unit_between(random, 1, longest)};
    axis.dilation = (uint32_t)unit_between(random, 1, unit_chance(random, 60) ? 1 : axis.extent);
    axis.window = (uint32_t)unit_between(random, 1, axis.extent / axis.dilation);
    axis.stride = (uint32_t)unit_between(random, 1, unit_chance(random, 40) ? 1 : axis.window);
    axis.causal = unit_chance(random, 40);
    if (unit_chance(random, 30)) {
        axis.edge = unit_chance(random, 50) ? VATTEN_EDGE_CROP : VATTEN_EDGE_ZERO;
        axis.window = (uint32_t)unit_between(random, axis.stride, 2 * axis.extent);
    }
    axis.roll = unit_chance(random, 30) ? unit_between(random, 0, axis.extent - 1) : 0;
    return axis;
}

static vt_problem random_problem(unit_random *random) {
    static const uint64_t longest[3] = {200, 40, 16};
    vt_problem p = {.map = VT_MAP_NEIGHBORHOOD, .q_len = 1, .rank = (uint32_t)unit_between(random, 1, 3)};
    for (uint32_t a = 0; a < 3; ++a) {
        p.axis[a] = a < p.rank ? random_axis(random, longest[p.rank - 1])
                               : (vatten_axis){.extent = 1, .window = 1, .stride = 1, .dilation = 1};
        p.q_len *= p.axis[a].extent;
    }
    p.kv_len = p.q_len;
    return p;
}

/* ---- The rule once more, by the oracle's predicate: keys of each box along one axis, one box after another ---- */

typedef struct piece {
    uint64_t start, end; /* in positions of the group */
    uint64_t boxes;      /* of that group */
} piece;

#define MOST_PIECES 400

typedef struct pieces {
    piece of[MOST_PIECES];
    uint64_t count;
} pieces;

static ref_axis_rule rule_of(const vatten_axis *axis) {
    return (ref_axis_rule){axis->extent, axis->window,         axis->stride, axis->dilation,
                           axis->causal, (ref_edge)axis->edge, axis->roll};
}

/* The token at a position of a group. */
static uint64_t token_of(const vatten_axis *axis, uint64_t group, uint64_t p) {
    return (p * axis->dilation + group + axis->roll) % axis->extent;
}

static uint64_t length_of(const vatten_axis *axis, uint64_t group) {
    uint64_t n = 0;
    for (uint64_t x = group; x < axis->extent; x += axis->dilation)
        ++n;
    return n;
}

static piece keys_of(const vatten_axis *axis, uint64_t group, uint64_t first, uint64_t end) {
    const ref_axis_rule rule = rule_of(axis);
    uint64_t n = length_of(axis, group);
    piece keys = {UINT64_MAX, 0, 0};
    for (uint64_t q = first; q < end; ++q)
        for (uint64_t k = 0; k < n; ++k)
            if (ref_axis_visible(&rule, token_of(axis, group, q), token_of(axis, group, k))) {
                keys.start = k < keys.start ? k : keys.start;
                keys.end = k + 1 > keys.end ? k + 1 : keys.end;
            }
    return keys;
}

static void cut(const vatten_axis *axis, uint32_t side, pieces *out) {
    out->count = 0;
    for (uint64_t group = 0; group < axis->dilation; ++group) {
        uint64_t n = length_of(axis, group);
        uint64_t boxes = (n + side - 1) / side;
        for (uint64_t first = 0; first < n; first += side) {
            assert_true(out->count < MOST_PIECES);
            out->of[out->count] = keys_of(axis, group, first, first + side < n ? first + side : n);
            out->of[out->count++].boxes = boxes;
        }
    }
}

static vt_visits walk_all(pieces cuts[3], uint32_t keys) {
    vt_visits sum = {0, 0, 0};
    for (uint64_t i = 0; i < cuts[0].count; ++i)
        for (uint64_t j = 0; j < cuts[1].count; ++j)
            for (uint64_t k = 0; k < cuts[2].count; ++k) {
                const piece *a = &cuts[0].of[i], *b = &cuts[1].of[j], *c = &cuts[2].of[k];
                uint64_t seen = (a->end - a->start) * (b->end - b->start) * (c->end - c->start);
                uint64_t tiles = (seen + keys - 1) / keys;
                ++sum.boxes;
                sum.tiles += tiles;
                sum.most = tiles > sum.most ? tiles : sum.most;
            }
    return sum;
}

static uint64_t fixed_along(const piece *keys, uint32_t side) {
    uint64_t tiles = 0;
    for (uint64_t at = 0; at < keys->end; at += side)
        tiles += at + side > keys->start;
    return tiles;
}

static vt_visits walk_fixed(pieces cuts[3], const vt_box *box, uint64_t *all) {
    vt_visits sum = {0, 0, 0};
    *all = 0;
    for (uint64_t i = 0; i < cuts[0].count; ++i)
        for (uint64_t j = 0; j < cuts[1].count; ++j)
            for (uint64_t k = 0; k < cuts[2].count; ++k) {
                const piece *a = &cuts[0].of[i], *b = &cuts[1].of[j], *c = &cuts[2].of[k];
                uint64_t tiles = fixed_along(a, box->side[0]) * fixed_along(b, box->side[1]) *
                                 fixed_along(c, box->side[2]);
                ++sum.boxes;
                sum.tiles += tiles;
                sum.most = tiles > sum.most ? tiles : sum.most;
                *all += a->boxes * b->boxes * c->boxes;
            }
    return sum;
}

static void assert_visits(const char *what, const vt_problem *p, const vt_box *box, vt_visits got,
                          vt_visits want) {
    if (got.boxes == want.boxes && got.tiles == want.tiles && got.most == want.most)
        return;
    for (int a = 0; a < 3; ++a)
        print_message(
            "axis %d: extent %d window %d stride %d dilation %d causal %d edge %d roll %d, box %d\n", a,
            (int)p->axis[a].extent, (int)p->axis[a].window, (int)p->axis[a].stride, (int)p->axis[a].dilation,
            p->axis[a].causal, (int)p->axis[a].edge, (int)p->axis[a].roll, (int)box->side[a]);
    fail_msg("%s: boxes %d tiles %d most %d, not %d, %d, %d", what, (int)got.boxes, (int)got.tiles,
             (int)got.most, (int)want.boxes, (int)want.tiles, (int)want.most);
}

static void counts_equal_a_walk_over_every_box(void **state) {
    (void)state;
    unit_random random = {.state = 1};
    static pieces cuts[3];
    for (int trial = 0; trial < TRIALS; ++trial) {
        const vt_problem p = random_problem(&random);
        vt_box box = {{1, 1, 1}};
        for (uint32_t a = 0; a < 3; ++a) {
            box.side[a] = a < p.rank ? (uint32_t)unit_between(&random, 1, 12) : 1;
            cut(&p.axis[a], box.side[a], &cuts[a]);
        }
        uint32_t keys = (uint32_t)unit_between(&random, 1, 70);
        assert_visits("own places", &p, &box, vt_simulate(&p, keys, &box), walk_all(cuts, keys));
        uint64_t all, want_all;
        vt_visits want = walk_fixed(cuts, &box, &want_all);
        assert_visits("fixed places", &p, &box, vt_simulate_fixed(&p, &box, &all), want);
        assert_true(all == want_all);
    }
}

/* More distinct spans than are held at a time: a causal axis has one for each box before the window is full. */
static void many_distinct_spans_are_all_counted(void **state) {
    (void)state;
    const vatten_axis longer = {.extent = 397, .window = 390, .stride = 1, .dilation = 1, .causal = true};
    const vatten_axis shorter = {.extent = 211, .window = 97, .stride = 3, .dilation = 2, .causal = true};
    const vatten_axis one = {.extent = 1, .window = 1, .stride = 1, .dilation = 1};
    const vt_problem p = {.rank = 2, .axis = {longer, shorter, one}};
    const vt_box box = {{1, 1, 1}};
    static pieces cuts[3];
    for (int a = 0; a < 3; ++a)
        cut(&p.axis[a], 1, &cuts[a]);
    assert_visits("own places", &p, &box, vt_simulate(&p, 7, &box), walk_all(cuts, 7));
}

/* With a tile of one key and one query nothing is visited in vain. */
static void single_pairs_are_the_visible_ones(void **state) {
    (void)state;
    unit_random random = {.state = 2};
    const vt_box single = {{1, 1, 1}};
    for (int trial = 0; trial < TRIALS; ++trial) {
        const vt_problem p = random_problem(&random);
        const vt_visits visits = vt_simulate(&p, 1, &single);
        assert_true(visits.boxes == p.q_len && visits.tiles == vt_visible_neighborhood(&p));
    }
}

/* Where boxes are whole, each visits the keys of one window and no more. */
static void whole_boxes_visit_what_all_their_queries_see(void **state) {
    (void)state;
    unit_random random = {.state = 3};
    int whole = 0;
    for (int trial = 0; trial < 20 * TRIALS; ++trial) {
        vt_problem p = random_problem(&random);
        vt_box box = {{1, 1, 1}};
        for (uint32_t a = 0; a < p.rank; ++a) {
            box.side[a] = (uint32_t)unit_between(&random, 1, 4);
            if (unit_chance(&random, 70)) { /* blocks: else hardly one is found */
                p.axis[a] = (vatten_axis){.extent = p.axis[a].extent, .dilation = 1};
                p.axis[a].window = (uint32_t)unit_between(&random, 1, p.axis[a].extent);
                p.axis[a].stride = p.axis[a].window;
            }
        }
        uint32_t keys = (uint32_t)unit_between(&random, 1, 3);
        if (!vt_simulate_whole(&p, &box))
            continue;
        uint64_t window = (uint64_t)p.axis[0].window * p.axis[1].window * p.axis[2].window;
        const vt_visits visits = vt_simulate(&p, keys, &box);
        assert_true(visits.tiles == visits.boxes * ((window + keys - 1) / keys));
        assert_true(vt_visible_neighborhood(&p) == p.q_len * window);
        ++whole;
    }
    assert_true(whole > 100);
}

/* ---- Known answers ---- */

typedef struct answer {
    uint64_t extent[3];
    uint32_t window[3];
    uint32_t box[3];
    double ideal; /* tokens by keys of a query */
    double fixed; /* key tiles at fixed places, boxes of the same shape as the query tile's */
    double own;   /* key tiles of 64 from the query tile's own first window on */
} answer;

static vt_problem shaped(const answer *a) {
    vt_problem p = {.map = VT_MAP_NEIGHBORHOOD, .q_len = 1, .rank = 3};
    for (int i = 0; i < 3; ++i) {
        p.axis[i] = (vatten_axis){.extent = a->extent[i], .window = a->window[i], .stride = 1, .dilation = 1};
        p.q_len *= a->extent[i];
    }
    p.kv_len = p.q_len;
    return p;
}

static void known_answers_come_out(void **state) {
    (void)state;
    static const answer answers[] = {
        {{1, 256, 256}, {1, 80, 80}, {1, 8, 8}, 10.24, 8.96, 9.07},
        {{1, 256, 256}, {1, 80, 80}, {1, 16, 8}, 10.24, 7.51, 8.52},
        {{1, 256, 256}, {1, 80, 80}, {1, 1, 64}, 10.24, 5.12, 6.64},
        {{30, 48, 80}, {18, 24, 24}, {4, 4, 4}, 11.11, 8.20, 9.02},
        {{30, 48, 80}, {18, 24, 24}, {2, 8, 8}, 11.11, 5.44, 7.86},
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; ++i) {
        const answer *a = &answers[i];
        const vt_problem p = shaped(a);
        const vt_box box = {{a->box[0], a->box[1], a->box[2]}};
        const vt_visits own = vt_simulate(&p, 64, &box);
        uint64_t all;
        const vt_visits fixed = vt_simulate_fixed(&p, &box, &all);
        double dense = (double)own.boxes * ceil((double)p.kv_len / 64);
        assert_true(
            fabs((double)p.q_len * (double)p.kv_len / (double)vt_visible_neighborhood(&p) - a->ideal) < 0.01);
        assert_true(fabs((double)all / (double)fixed.tiles - a->fixed) < 0.01);
        assert_true(fabs(dense / (double)own.tiles - a->own) < 0.01);
    }
}

/* ---- The choice of the box ---- */

static uint64_t sweep(const vt_problem *p, const vt_tile *tile) {
    uint64_t least = UINT64_MAX;
    vt_box b;
    for (b.side[0] = 1; b.side[0] <= tile->rows; ++b.side[0])
        for (b.side[1] = 1; b.side[1] <= (p->rank > 1 ? tile->rows / b.side[0] : 1); ++b.side[1])
            for (b.side[2] = 1; b.side[2] <= (p->rank > 2 ? tile->rows / (b.side[0] * b.side[1]) : 1);
                 ++b.side[2]) {
                uint64_t tiles = vt_simulate(p, tile->keys, &b).tiles;
                least = tiles < least ? tiles : least;
            }
    return least;
}

static void no_box_is_better_than_the_chosen_one(void **state) {
    (void)state;
    unit_random random = {.state = 3};
    for (int trial = 0; trial < TRIALS / 3; ++trial) {
        const vt_problem p = random_problem(&random);
        const vt_tile tile = {.rows = (uint32_t)unit_between(&random, 1, 40),
                              .keys = (uint32_t)unit_between(&random, 1, 32)};
        const vt_box best = vt_simulate_best(&p, &tile, tile.rows);
        assert_true(best.side[0] * best.side[1] * best.side[2] <= tile.rows);
        assert_true(vt_simulate(&p, tile.keys, &best).tiles == sweep(&p, &tile));
    }
}

static void a_blocked_window_gets_the_box_of_its_block(void **state) {
    (void)state;
    const answer blocked = {{1, 96, 96}, {1, 24, 24}, {0, 0, 0}, 0, 0, 0};
    vt_problem p = shaped(&blocked);
    p.axis[1].stride = p.axis[2].stride = 24;
    const vt_tile tile = {.rows = 64, .keys = 32};
    const vt_box best = vt_simulate_best(&p, &tile, tile.rows);
    assert_true(24 % best.side[1] == 0 && 24 % best.side[2] == 0);
}

static void axis_0_keeps_to_its_bound(void **state) {
    (void)state;
    unit_random random = {.state = 4};
    for (int trial = 0; trial < TRIALS; ++trial) {
        const vt_problem p = random_problem(&random);
        const vt_tile tile = {.rows = (uint32_t)unit_between(&random, 1, 128), .keys = 16};
        uint32_t most = (uint32_t)unit_between(&random, 1, tile.rows);
        assert_true(vt_simulate_best(&p, &tile, most).side[0] <= most);
    }
}

/* Milliseconds of one choice. */
static double time_of(const vt_problem *p, uint32_t rows) {
    const vt_tile tile = {.rows = rows, .keys = 32};
    clock_t begin = clock();
    int times = 0;
    for (; clock() - begin < CLOCKS_PER_SEC / 50; ++times)
        vt_simulate_best(p, &tile, rows);
    return (double)(clock() - begin) * 1000 / CLOCKS_PER_SEC / times;
}

static void a_choice_takes_no_time_to_speak_of(void **state) {
    (void)state;
    static const answer shapes[] = {
        {{1, 1, 65536}, {1, 1, 1024}, {0}, 0, 0, 0}, {{1, 256, 256}, {1, 80, 80}, {0}, 0, 0, 0},
        {{1, 64, 64}, {1, 7, 7}, {0}, 0, 0, 0},      {{30, 48, 80}, {18, 24, 24}, {0}, 0, 0, 0},
        {{64, 64, 64}, {13, 13, 13}, {0}, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; ++i)
        for (int causal = 0; causal < 2; ++causal)
            for (uint32_t rows = 16; rows <= 128; rows *= 2) {
                vt_problem p = shaped(&shapes[i]);
                p.axis[2].causal = causal == 1;
                double ms = time_of(&p, rows);
                if (ms > 20.0 * (double)unit_slowness()) /* some hundred times what it takes */
                    fail_msg("%dx%dx%d causal %d rows %d: %.3f ms", (int)p.axis[0].extent,
                             (int)p.axis[1].extent, (int)p.axis[2].extent, causal, (int)rows, ms);
            }
}

/* The longest axis and the widest window there are. The bound leaves room for sanitizers: to walk the boxes would take
 * minutes. */
static void the_longest_axis_is_chosen_for_at_once(void **state) {
    (void)state;
    const answer wide = {{0x1fffffff, 1, 1}, {0x0fffffff, 1, 1}, {0}, 0, 0, 0};
    vt_problem p = shaped(&wide);
    p.rank = 1;
    assert_true(time_of(&p, 64) < 5000.0 * (double)unit_slowness());
    p.axis[0].stride = 1000;
    assert_true(time_of(&p, 64) < 5000.0 * (double)unit_slowness());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_equal_a_walk_over_every_box),
        cmocka_unit_test(many_distinct_spans_are_all_counted),
        cmocka_unit_test(whole_boxes_visit_what_all_their_queries_see),
        cmocka_unit_test(single_pairs_are_the_visible_ones),
        cmocka_unit_test(known_answers_come_out),
        cmocka_unit_test(no_box_is_better_than_the_chosen_one),
        cmocka_unit_test(a_blocked_window_gets_the_box_of_its_block),
        cmocka_unit_test(axis_0_keeps_to_its_bound),
        cmocka_unit_test(a_choice_takes_no_time_to_speak_of),
        cmocka_unit_test(the_longest_axis_is_chosen_for_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
