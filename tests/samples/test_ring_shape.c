/* SPDX-License-Identifier: MIT
 *
 * Where samples/ring puts tokens, and which tasks follow: every token once, every visible pair once, in an order that a running
 * state can follow; and what the model makes of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ring_shape.h"

enum { MOST = 48 };

static ring_shape shape_of(ring_placement placement, bool causal, uint32_t ranks, uint32_t part_tokens) {
    ring_shape s = {
        .placement = placement, .causal = causal, .ranks = ranks, .heads = 1, .kv_heads = 1, .dim = 1};
    s.tokens = ring_granule(&s) * part_tokens;
    return s;
}

/* Counts how often each pair is computed, and that nothing hidden is. */
static void count_pairs(const ring_shape *s, uint32_t rank, uint32_t source, const ring_task *task,
                        uint32_t count[MOST][MOST]) {
    for (uint32_t a = 0; a < ring_part_tokens(s); a++) {
        for (uint32_t b = 0; b < ring_part_tokens(s); b++) {
            bool seen = task->mask == RING_ALL || (task->mask == RING_UP_TO ? b <= a : b < a);
            count[ring_token(s, rank, task->q_part, a)][ring_token(s, source, task->k_part, b)] +=
                seen ? 1 : 0;
        }
    }
}

static void check_pairs(const ring_shape *s) {
    uint32_t count[MOST][MOST] = {{0}};
    uint64_t pairs = 0;
    for (uint32_t rank = 0; rank < s->ranks; rank++) {
        uint32_t sources = 0, tasks_of[RING_MOST_PARTS] = {0};
        for (uint32_t step = 0; step < s->ranks; step++) {
            uint32_t source = ring_source(s, rank, step);
            ring_task tasks[RING_MOST_TASKS];
            uint32_t tasks_count = ring_tasks(s, rank, source, tasks);
            sources |= 1u << source;
            pairs += ring_step_pairs(s, rank, step);
            for (uint32_t t = 0; t < tasks_count; t++) {
                count_pairs(s, rank, source, &tasks[t], count);
                tasks_of[tasks[t].q_part]++;
            }
        }
        assert_int_equal(ring_source(s, rank, 0), rank);
        assert_int_equal(sources, (1u << s->ranks) - 1);
        for (uint32_t part = 0; part < ring_parts(s); part++) {
            assert_int_equal(tasks_of[part], ring_part_tasks(s, rank, part));
        }
    }
    for (uint32_t i = 0; i < s->tokens; i++) {
        for (uint32_t j = 0; j < s->tokens; j++) {
            assert_int_equal(count[i][j], ring_sees(s, i, j) ? 1 : 0);
        }
    }
    assert_int_equal(pairs, ring_all_pairs(s));
}

static void every_visible_pair_is_computed_once(void **state) {
    (void)state;
    for (int placement = RING_CONTIGUOUS; placement <= RING_STRIPED; placement++) {
        for (uint32_t ranks = 1; ranks <= 6; ranks++) {
            for (uint32_t tokens = 1; tokens <= 4; tokens++) {
                for (int causal = 0; causal < 2; causal++) {
                    ring_shape s = shape_of((ring_placement)placement, causal, ranks, tokens);
                    assert_true(s.tokens <= MOST);
                    check_pairs(&s);
                }
            }
        }
    }
}

static uint64_t rank_pairs(const ring_shape *s, uint32_t rank) {
    uint64_t pairs = 0;
    for (uint32_t step = 0; step < s->ranks; step++) {
        pairs += ring_step_pairs(s, rank, step);
    }
    return pairs;
}

/* In every step of zigzag all ranks have the same to do but for the diagonal; of contiguous runs the last has 2 R - 1 times the
 * first's. */
static void placements_balance(void **state) {
    (void)state;
    ring_shape s = shape_of(RING_ZIGZAG, true, 4, 10);
    for (uint32_t rank = 1; rank < 4; rank++) {
        for (uint32_t step = 0; step < 4; step++) {
            assert_int_equal(ring_step_pairs(&s, rank, step), ring_step_pairs(&s, 0, step));
        }
    }
    s = shape_of(RING_STRIPED, true, 4, 20);
    assert_int_equal(rank_pairs(&s, 3) - rank_pairs(&s, 0), 3 * 20);
    s = shape_of(RING_CONTIGUOUS, true, 4, 20);
    assert_int_equal(rank_pairs(&s, 0), 210);
    assert_int_equal(rank_pairs(&s, 3), 210 + 3 * 400);
}

/* By hand: blocks of 4 of 12, query of 2. */
static void star_sees_anchor_and_block_and_its_query_all(void **state) {
    (void)state;
    ring_shape s = {.method = RING_METHOD_STAR, .ranks = 3, .tokens = 12, .query = 2};
    static const char *const rows[14] = {
        "x.............", "xx............", "xxx...........", "xxxx..........", "xxxxx.........",
        "xxxxxx........", "xxxxxxx.......", "xxxxxxxx......", "xxxx....x.....", "xxxx....xx....",
        "xxxx....xxx...", "xxxx....xxxx..", "xxxxxxxxxxxxx.", "xxxxxxxxxxxxxx"};
    uint64_t pairs = 0, counted = 0;
    for (uint32_t i = 0; i < 14; i++) {
        for (uint32_t j = 0; j < 14; j++) {
            assert_int_equal(ring_sees(&s, i, j), rows[i][j] == 'x');
            counted += rows[i][j] == 'x' ? 1 : 0;
        }
    }
    for (uint32_t rank = 0; rank < 3; rank++) {
        pairs += star_context_pairs(&s, rank) + star_query_pairs(&s, rank);
    }
    assert_int_equal(pairs, counted);
    assert_int_equal(ring_all_pairs(&s), 14 * 15 / 2);
}

static void assert_near(double got, double wanted) {
    assert_true(got > wanted - 1e-9 && got < wanted + 1e-9);
}

/* By hand: 2 ranks of 10 tokens, 100 pairs a step each, 10 pairs a millisecond. */
static void the_model_takes_the_longer_of_both(void **state) {
    (void)state;
    ring_shape s = shape_of(RING_CONTIGUOUS, false, 2, 10);
    ring_speeds fast = {10.0, 3.0}, slow = {10.0, 30.0};
    assert_near(ring_predict(&s, &fast, true), 20.0);
    assert_near(ring_predict(&s, &fast, false), 23.0);
    assert_near(ring_predict(&s, &slow, true), 40.0);
    s.causal = true; /* the slowest of each step: 55, then 100 */
    assert_near(ring_predict(&s, &fast, true), 15.5);
    assert_int_equal(ring_hop_bytes(&s), 2 * 10 * 4);
    ring_shape star = {
        .method = RING_METHOD_STAR, .ranks = 2, .tokens = 20, .query = 1, .kv_heads = 1, .dim = 1};
    assert_near(ring_predict(&star, &fast, true), 3.0 + 16.6); /* 55 + 100, and 10 + 1 */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_visible_pair_is_computed_once),
        cmocka_unit_test(placements_balance),
        cmocka_unit_test(star_sees_anchor_and_block_and_its_query_all),
        cmocka_unit_test(the_model_takes_the_longer_of_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
