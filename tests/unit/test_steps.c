/* SPDX-License-Identifier: MIT
 *
 * A program as a list, and its steps at lengths that a record gives.
 */
#include "unit.h"

#include "steps.h"

/* Queries [128, 300) of 512 and keys [64, 192) of 1024, in tiles of 32 rows. */
static vt_step dense_step(void) {
    vt_step step = {.groups = {6, 3, 2}, .rows = 32, .dense_keys = true};
    step.push.q_len = 512;
    step.push.kv_len = 1024;
    step.push.q_first = 128;
    step.push.q_last = 300;
    step.push.k_first = 64;
    step.push.k_last = 192;
    step.push.flags = VT_FLAG_LSE;
    return step;
}

/* Only the three fields that follow the lengths may differ from the plan's. */
static void assert_shrunk(uint64_t q_len, uint64_t kv_len, uint32_t groups_x) {
    vt_step step = dense_step();
    vt_push expected = step.push;
    assert_true(vt_step_shrink(&step, q_len, kv_len));
    expected.q_len = (uint32_t)q_len;
    expected.kv_len = (uint32_t)kv_len;
    assert_memory_equal(&step.push, &expected, sizeof expected);
    assert_int_equal(step.groups[0], groups_x);
    assert_int_equal(step.groups[1], 3);
    assert_int_equal(step.groups[2], 2);
}

static void full_lengths_change_nothing(void **state) {
    (void)state;
    assert_shrunk(512, 1024, 6);
}

static void fewer_queries_need_fewer_workgroups(void **state) {
    (void)state;
    assert_shrunk(300, 1024, 6);
    assert_shrunk(288, 1024, 5);
    assert_shrunk(289, 1024, 6);
    assert_shrunk(129, 1024, 1);
}

/* Later links of a chain still hand the state on, so they run even when the keys end before theirs. */
static void fewer_keys_leave_the_workgroups(void **state) {
    (void)state;
    assert_shrunk(512, 65, 6);
    assert_shrunk(512, 1, 6);
    assert_shrunk(512, 0, 6);
}

static void no_query_of_the_step_means_no_dispatch(void **state) {
    (void)state;
    const uint64_t lengths[] = {128, 5, 0};
    for (int i = 0; i < 3; ++i) {
        vt_step step = dense_step();
        assert_false(vt_step_shrink(&step, lengths[i], 1024));
    }
}

static void keys_that_are_not_the_records_keep_their_length(void **state) {
    (void)state;
    vt_step step = dense_step();
    step.dense_keys = false;
    assert_true(vt_step_shrink(&step, 200, 7));
    assert_int_equal(step.push.kv_len, 1024);
    assert_int_equal(step.push.q_len, 200);
    assert_int_equal(step.groups[0], 3);
}

static void the_steps_of_a_grid_are_fixed(void **state) {
    (void)state;
    vt_step step = dense_step();
    step.rows = 0;
    step.dense_keys = false;
    const vt_step planned = step;
    assert_true(vt_step_shrink(&step, 1, 1));
    assert_memory_equal(&step.push, &planned.push, sizeof planned.push);
    assert_memory_equal(step.groups, planned.groups, sizeof planned.groups);
}

/* Heads that share a tile are rows of it. */
static void rows_are_queries_by_heads(void **state) {
    (void)state;
    vt_step step = dense_step();
    step.row_heads = 4;
    assert_true(vt_step_shrink(&step, 137, 1024)); /* 9 queries of this step: 36 rows */
    assert_int_equal(step.groups[0], 2);
}

static void a_merge_keeps_the_rows_that_there_are(void **state) {
    (void)state;
    const uint64_t lengths[] = {100, 101, 107, 108, 500};
    const uint32_t rows[] = {0, 1, 7, 8, 8};
    for (int i = 0; i < 5; ++i) {
        vt_step step = {.merges = true, .first = 100, .combine = {.rows = 8}};
        assert_int_equal(vt_step_shrink(&step, lengths[i], 9), rows[i] != 0);
        if (rows[i])
            assert_int_equal(step.combine.rows, rows[i]);
    }
}

static void a_program_counts_without_room_and_fills_with_it(void **state) {
    (void)state;
    vt_step room[2];
    vt_step small = dense_step();
    vt_step large = dense_step();
    small.macs = 10;
    large.macs = 70;
    vt_program counted = {0};
    vt_program filled = {.steps = room};
    vt_program *programs[2] = {&counted, &filled};
    for (int i = 0; i < 2; ++i) {
        vt_program_add(programs[i], &large);
        vt_program_add(programs[i], &small);
        assert_int_equal(programs[i]->step_count, 2);
        assert_int_equal(programs[i]->largest_macs, 70);
    }
    assert_int_equal(room[0].macs, 70);
    assert_int_equal(room[1].macs, 10);
    assert_null(counted.steps);
}

static vt_step writer(uint64_t offset, uint64_t range) {
    vt_step step = dense_step();
    step.binding_count = VT_SLOT_COUNT;
    step.written = 1u << VT_SLOT_OUT | 1u << VT_SLOT_LSE | 1u << VT_SLOT_CARRY;
    step.binding[VT_SLOT_OUT] = (vt_binding){VT_ROLE_OUT, offset, range};
    step.binding[VT_SLOT_LSE] = (vt_binding){VT_ROLE_LSE, offset, range};
    step.binding[VT_SLOT_CARRY] = step.binding[VT_SLOT_OUT];
    return step;
}

static void ranges_that_overlap_get_a_barrier(void **state) {
    (void)state;
    vt_step room[6];
    vt_program program = {.steps = room};
    const vt_step steps[6] = {writer(0, 100),  writer(100, 50), /* side by side */
                              writer(90, 20),                   /* over both */
                              writer(110, 40),                  /* beside the one since the barrier */
                              writer(0, 90),   writer(149, 1)};
    const bool barriers[6] = {false, false, true, false, false, true};
    for (int i = 0; i < 6; ++i) {
        vt_program_add(&program, &steps[i]);
        assert_int_equal(room[i].barrier_before, barriers[i]);
    }
}

static void what_only_plain_kernels_leave_out_is_not_compared(void **state) {
    (void)state;
    vt_step room[2];
    vt_program program = {.steps = room};
    vt_step a = writer(0, 100), b = writer(100, 100);
    a.binding_count = b.binding_count = VT_SLOT_COUNT_PLAIN;
    b.binding[VT_SLOT_LSE] = a.binding[VT_SLOT_LSE];
    vt_program_add(&program, &a);
    vt_program_add(&program, &b);
    assert_false(room[1].barrier_before);
}

/* A program of several stages: the bytes of a role may be in the workspace, and a stage waits for the one before. */
static void steps_follow_routes_and_wait(void **state) {
    (void)state;
    vt_step room[3];
    vt_program program = {.steps = room};
    const vt_step step = writer(100, 50);
    program.route[VT_ROLE_OUT] = (vt_route){true, VT_ROLE_WORKSPACE, 1000};
    vt_program_add(&program, &step);
    assert_int_equal(room[0].binding[VT_SLOT_OUT].role, VT_ROLE_WORKSPACE);
    assert_int_equal(room[0].binding[VT_SLOT_OUT].offset, 1100);
    assert_int_equal(room[0].binding[VT_SLOT_LSE].role, VT_ROLE_LSE);
    assert_int_equal(step.binding[VT_SLOT_OUT].offset, 100);
    program.route[VT_ROLE_OUT].moved = false;
    program.waits = true;
    const vt_step far = writer(5000, 50);
    vt_program_add(&program, &far);
    assert_true(room[1].barrier_before && room[1].binding[VT_SLOT_OUT].role == VT_ROLE_OUT);
    const vt_step farther = writer(6000, 50);
    vt_program_add(&program, &farther);
    assert_false(room[2].barrier_before);
}

static void a_barrier_that_is_asked_for_stays(void **state) {
    (void)state;
    vt_step room[2];
    vt_program program = {.steps = room};
    vt_step a = writer(0, 100), b = writer(100, 100);
    b.barrier_before = true;
    vt_program_add(&program, &a);
    vt_program_add(&program, &b);
    assert_true(room[1].barrier_before);
}

/* ---- Parts ---- */

enum { STEPS = 40 };

static void add_work(vt_program *program, uint64_t macs) {
    const vt_step step = {.macs = macs};
    vt_program_add(program, &step);
}

/* Work of steps as dispatches have it: some none at all. */
static uint64_t random_program(unit_random *random, vt_program *program, vt_step steps[STEPS],
                               uint64_t *longest) {
    uint64_t all = 0;
    uint64_t count = unit_between(random, 0, STEPS);
    *program = (vt_program){.steps = steps};
    *longest = 0;
    for (uint64_t i = 0; i < count; ++i) {
        uint64_t macs =
            unit_chance(random, 20) ? 0 : unit_between(random, 1, UINT64_C(1) << unit_between(random, 1, 40));
        add_work(program, macs);
        *longest = macs > *longest ? macs : *longest;
        all += macs;
    }
    return all;
}

/* In order, and even but for the longest step; a step counts for a little even if it has no products. */
static void parts_are_all_steps_in_shares(void **state) {
    (void)state;
    static vt_step steps[STEPS];
    const uint64_t little = 1 << 13;
    for (uint64_t seed = 0; seed < 2000; ++seed) {
        unit_random random = {.state = seed};
        vt_program program;
        uint64_t longest, all = random_program(&random, &program, steps, &longest);
        uint32_t parts = (uint32_t)unit_between(&random, 1, STEPS + 3);
        uint64_t at = 0;
        for (uint32_t part = 0; part < parts; ++part) {
            vt_step_run run = vt_program_part(&program, part, parts);
            uint64_t work = 0;
            for (uint64_t i = run.begin; i < run.end; ++i)
                work += steps[i].macs;
            if (run.begin != at || run.end < run.begin || work > all / parts + longest + little * STEPS)
                fail_msg("seed %llu: part %u of %u is steps %llu to %llu", (unsigned long long)seed, part,
                         parts, (unsigned long long)run.begin, (unsigned long long)run.end);
            at = run.end;
        }
        assert_int_equal(at, program.step_count);
    }
}

static void equal_steps_make_parts_of_one(void **state) {
    (void)state;
    static vt_step steps[STEPS];
    for (uint32_t work = 0; work < 2; ++work) {
        vt_program program = {.steps = steps};
        for (int i = 0; i < STEPS; ++i)
            add_work(&program, work * UINT64_C(1000000007));
        for (uint32_t part = 0; part < STEPS; ++part) {
            vt_step_run run = vt_program_part(&program, part, STEPS);
            assert_true(run.begin == part && run.end == part + 1);
        }
    }
}

/* More work than 64 bits hold, and as many parts as there can be. */
static void parts_of_endless_work_do_not_wrap(void **state) {
    (void)state;
    static vt_step steps[3];
    vt_program program = {.steps = steps};
    for (int i = 0; i < 3; ++i)
        add_work(&program, UINT64_MAX - 1);
    uint64_t at = 0;
    for (uint32_t part = 0; part < 5; ++part) {
        vt_step_run run = vt_program_part(&program, part, 5);
        assert_true(run.begin == at && run.end >= run.begin);
        at = run.end;
    }
    assert_int_equal(at, 3);
    assert_int_equal(vt_program_part(&program, 0, UINT32_MAX).begin, 0);
    assert_int_equal(vt_program_part(&program, UINT32_MAX - 1, UINT32_MAX).end, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_all_steps_in_shares),
        cmocka_unit_test(equal_steps_make_parts_of_one),
        cmocka_unit_test(parts_of_endless_work_do_not_wrap),
        cmocka_unit_test(ranges_that_overlap_get_a_barrier),
        cmocka_unit_test(what_only_plain_kernels_leave_out_is_not_compared),
        cmocka_unit_test(steps_follow_routes_and_wait),
        cmocka_unit_test(a_barrier_that_is_asked_for_stays),
        cmocka_unit_test(full_lengths_change_nothing),
        cmocka_unit_test(fewer_queries_need_fewer_workgroups),
        cmocka_unit_test(fewer_keys_leave_the_workgroups),
        cmocka_unit_test(no_query_of_the_step_means_no_dispatch),
        cmocka_unit_test(keys_that_are_not_the_records_keep_their_length),
        cmocka_unit_test(the_steps_of_a_grid_are_fixed),
        cmocka_unit_test(rows_are_queries_by_heads),
        cmocka_unit_test(a_merge_keeps_the_rows_that_there_are),
        cmocka_unit_test(a_program_counts_without_room_and_fills_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
