/* SPDX-License-Identifier: MIT
 *
 * Random problems on random devices: every program keeps the rules of program_rules.c and program_grid.c, and
 * what is refused is refused for a reason.
 */
#include "unit.h"

#include "program_random.h"

static void assert_keeps_rules(const program_case *c, uint64_t seed) {
    const char *broken = program_broken(c, seed);
    if (!broken)
        broken = program_grid_broken(c);
    if (broken)
        fail_msg("seed %llu: %s\n%s", (unsigned long long)seed, broken, program_text(c));
}

/* Returns how many of the problems became programs. */
static int try_problems(program_scale scale, uint64_t seeds) {
    int programs = 0;
    for (uint64_t seed = 0; seed < seeds; ++seed) {
        static program_case c;
        unit_random random = {.state = seed};
        unit_log said;
        unit_log_start(&said);
        vatten_result result = program_random(&random, scale, &said.logger, &c);
        if (result == VATTEN_SUCCESS)
            result = program_build(&c, &said.logger);
        assert_int_equal(said.count, result == VATTEN_SUCCESS ? 0 : 1); /* one message, or none */
        if (result != VATTEN_SUCCESS)
            continue;
        ++programs;
        assert_keeps_rules(&c, seed);
        program_free(&c);
    }
    return programs;
}

static void small_programs_keep_the_rules(void **state) {
    (void)state;
    assert_true(try_problems(PROGRAM_SMALL, unit_share(100000)) > unit_share_finds(40000));
}

static void large_programs_keep_the_rules(void **state) {
    (void)state;
    assert_true(try_problems(PROGRAM_LARGE, unit_share(4000)) > unit_share_finds(800));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_programs_keep_the_rules),
        cmocka_unit_test(large_programs_keep_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
