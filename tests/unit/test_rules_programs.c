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
    assert_true(try_problems(PROGRAM_SMALL, 100000) > 40000);
}

static void large_programs_keep_the_rules(void **state) {
    (void)state;
    assert_true(try_problems(PROGRAM_LARGE, 4000) > 800);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_programs_keep_the_rules),
        cmocka_unit_test(large_programs_keep_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
