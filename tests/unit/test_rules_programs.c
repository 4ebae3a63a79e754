/* SPDX-License-Identifier: MIT
 *
 * Random problems of dense attention with rules on random devices: every program keeps the rules of rules_must.c, and what
 * is refused is refused with one message.
 */
#include "unit.h"

#include "program_random.h"

#include <stdlib.h>

/* Returns how many of the problems became programs. */
static int try_problems(program_scale scale, uint64_t seeds) {
    int programs = 0;
    const char *only = getenv("VATTEN_SEED"); /* to look at one */
    for (uint64_t seed = only ? strtoull(only, NULL, 10) : 0; seed < seeds; ++seed) {
        static program_case c;
        unit_random random = {.state = seed};
        unit_log said;
        unit_log_start(&said);
        vatten_result result = rules_random(&random, scale, &said.logger, &c);
        if (result == VATTEN_SUCCESS)
            result = rules_build(&c, &said.logger);
        if (said.count != (result == VATTEN_SUCCESS ? 0 : 1))
            fail_msg("seed %llu: %d messages, the last is %s", (unsigned long long)seed, said.count,
                     said.text);
        if (result != VATTEN_SUCCESS)
            continue;
        ++programs;
        const char *broken = rules_broken(&c, seed);
        if (broken)
            fail_msg("seed %llu: %s\n%s", (unsigned long long)seed, broken, program_text(&c));
        program_free(&c);
    }
    print_message("%d programs of %llu problems\n", programs, (unsigned long long)seeds);
    return programs;
}

static void small_programs_keep_the_rules(void **state) {
    (void)state;
    assert_true(try_problems(PROGRAM_SMALL, unit_share(30000)) > unit_share_finds(12000));
}

static void large_programs_keep_the_rules(void **state) {
    (void)state;
    assert_true(try_problems(PROGRAM_LARGE, unit_share(1000)) > unit_share_finds(200));
}

/* ---- Single ones ---- */

static unit_log said;
static program_case one;

static vatten_result build(const vt_caps *caps, const vatten_attention_desc *desc) {
    unit_log_start(&said);
    one.caps = *caps;
    assert_int_equal(vt_problem_from_attention(caps, &said.logger, desc, &one.problem), VATTEN_SUCCESS);
    vatten_result result = rules_build(&one, &said.logger);
    if (result == VATTEN_SUCCESS)
        assert_null(rules_broken(&one, 1));
    return result;
}

static void many_queries_are_several_dispatches(void **state) {
    (void)state;
    vt_caps caps = unit_caps_lavapipe();
    vatten_attention_desc d = unit_dense();
    d.heads = (vatten_heads){.dtype = VATTEN_DTYPE_F16, .batch = 1, .heads = 1, .kv_heads = 1, .dim = 4};
    d.q_len = 5000000;
    d.kv_len = 1;
    d.softcap = 1.0f;
    assert_int_equal(build(&caps, &d), VATTEN_SUCCESS);
    assert_true(one.program.step_count > 1);
    program_free(&one);
}

/* A window does not bound them. */
static void extra_keys_are_cut_where_loops_end(void **state) {
    (void)state;
    vt_caps caps = unit_caps_lavapipe();
    vatten_attention_desc d = unit_dense();
    d.window = (vatten_window){.enabled = true, .left = 3, .right = 3};
    d.extra_len = 400000;
    assert_int_equal(build(&caps, &d), VATTEN_SUCCESS);
    assert_true(one.program.step_count > 3);
    program_free(&one);
}

/* States of more rows than one dispatch merges. */
static void shares_of_many_rows_are_merged_in_several_steps(void **state) {
    (void)state;
    vt_caps caps = unit_caps_desktop();
    vatten_attention_desc d = unit_dense();
    caps.groups[0] = 100;
    d.q_len = 2000;
    d.splits = 2;
    assert_int_equal(build(&caps, &d), VATTEN_SUCCESS);
    program_free(&one);
    d.heads.dim = 576; /* 36 invocations of a row: two rows of a workgroup */
    caps.groups[0] = 0;
    unit_log_start(&said);
    one.caps = caps;
    assert_int_equal(vt_problem_from_attention(&caps, &said.logger, &d, &one.problem), VATTEN_SUCCESS);
    assert_int_equal(rules_build(&one, &said.logger), VATTEN_ERROR_UNSUPPORTED);
    assert_int_equal(said.count, 1);
}

static uint64_t spans_steps(void) {
    uint64_t n = 0;
    while (vt_kernels[one.program.variants[one.program.steps[n].variant].kernel].task == VT_TASK_SPANS)
        ++n;
    assert_null(rules_broken(&one, 1));
    program_free(&one);
    return n;
}

static void spans_are_cut_by_workgroups_and_work(void **state) {
    (void)state;
    vt_caps caps = unit_caps_desktop();
    vatten_attention_desc d = unit_dense();
    d.masks = VATTEN_MASK_EXPIRY;
    d.mask_heads = 4;
    d.kv_len = 100 * 64 * 64;
    caps.groups[0] = 100;
    assert_int_equal(build(&caps, &d), VATTEN_SUCCESS);
    assert_int_equal(spans_steps(), 1);
    d.kv_len += 1;
    assert_int_equal(build(&caps, &d), VATTEN_SUCCESS);
    assert_int_equal(spans_steps(), 2);
    caps.groups[1] = 3;
    assert_int_equal(build(&caps, &d), VATTEN_SUCCESS);
    assert_int_equal(spans_steps(), 4);
    caps = unit_caps_desktop();
    d.heads.max_moves = 100 * 64 * 66; /* all of a head but one key */
    assert_int_equal(build(&caps, &d), VATTEN_SUCCESS);
    assert_int_equal(spans_steps(), 4 * 2);
    d.heads.max_moves = 1; /* a workgroup's */
    assert_int_equal(build(&caps, &d), VATTEN_SUCCESS);
    assert_int_equal(spans_steps(), 4 * 101);
}

/* Nobody waits for millions of batch entries to be counted. */
static void too_many_dispatches_are_refused_at_once(void **state) {
    (void)state;
    vt_caps caps = unit_caps_desktop();
    vatten_attention_desc d = unit_dense();
    d.heads.batch = 100000000;
    d.heads.max_macs = 1;
    d.softcap = 1.0f;
    assert_int_equal(build(&caps, &d), VATTEN_ERROR_UNSUPPORTED);
    assert_said(&said, "max_macs 1 would need more than 65536 dispatches: raise it");
}

static void few_buffers_are_refused(void **state) {
    (void)state;
    vt_caps caps = unit_caps_least();
    vatten_attention_desc d = unit_dense();
    d.softcap = 1.0f;
    assert_int_equal(build(&caps, &d), VATTEN_ERROR_UNSUPPORTED);
    assert_said(&said, "dense attention with masks, tables, biases or lengths of its own needs 8 storage "
                       "buffers per stage, Least has 4");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_programs_keep_the_rules),
        cmocka_unit_test(large_programs_keep_the_rules),
        cmocka_unit_test(many_queries_are_several_dispatches),
        cmocka_unit_test(extra_keys_are_cut_where_loops_end),
        cmocka_unit_test(shares_of_many_rows_are_merged_in_several_steps),
        cmocka_unit_test(spans_are_cut_by_workgroups_and_work),
        cmocka_unit_test(too_many_dispatches_are_refused_at_once),
        cmocka_unit_test(few_buffers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
