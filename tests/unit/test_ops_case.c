/* SPDX-License-Identifier: MIT
 *
 * Cases of the op matrix (tests/gpu/ops_case.h), without any device: what is drawn, read back, and found by shrinking.
 */
#include "unit.h"

#include "ops_case.h"

#define MANY 4000

static void a_number_draws_the_same_case_and_another_another(void **state) {
    (void)state;
    for (uint64_t n = 0; n < 100; ++n) {
        ops_case a, again, b;
        ops_draw(n, &a);
        ops_draw(n, &again);
        ops_draw(n + 1, &b);
        assert_memory_equal(&a, &again, sizeof a);
        assert_memory_not_equal(a.field, b.field, sizeof a.field);
    }
}

static bool same_mould(const ops_case *a, const ops_case *b) {
    static const int fields[] = {OPS_caps, OPS_dtype, OPS_dim,  OPS_value_dim, OPS_layout,
                                 OPS_lse,  OPS_masks, OPS_kind, OPS_rank,      OPS_window0};
    bool same = a->family == b->family;
    for (size_t n = 0; n < sizeof fields / sizeof fields[0]; ++n) {
        same = same && a->field[fields[n]] == b->field[fields[n]];
    }
    return same;
}

static void neighbours_share_their_pipelines(void **state) {
    (void)state;
    for (uint64_t n = 0; n < MANY; ++n) {
        ops_case first, c;
        ops_draw(n / OPS_MOULD * OPS_MOULD, &first);
        ops_draw(n, &c);
        assert_true(same_mould(&first, &c));
    }
}

/* Every family with every row of caps and every dtype; every field is used, and none falls below its least. */
static void all_of_everything_is_drawn(void **state) {
    (void)state;
    unsigned seen[OPS_FAMILIES][16][3] = {{{0}}}, used[OPS_FIELDS] = {0};
    for (uint64_t n = 0; n < MANY; ++n) {
        ops_case c;
        ops_draw(n, &c);
        seen[c.family][c.field[OPS_caps]][c.field[OPS_dtype]]++;
        for (int f = 0; f < OPS_FIELDS; ++f) {
            assert_true(c.field[f] >= ops_least(f));
            used[f] += c.field[f] > ops_least(f);
        }
    }
    for (uint64_t n = 0; n < OPS_FAMILIES * ops_caps_rows() * 3; ++n) {
        assert_true(
            seen[n % OPS_FAMILIES][n / OPS_FAMILIES % ops_caps_rows()][n / OPS_FAMILIES / ops_caps_rows()] >
            0);
    }
    for (int f = 0; f < OPS_FIELDS; ++f) {
        assert_true(used[f] > 0);
    }
}

static void a_printed_case_reads_back(void **state) {
    (void)state;
    for (uint64_t n = 0; n < MANY; ++n) {
        ops_case c, back;
        char text[OPS_TEXT];
        ops_draw(n, &c);
        ops_print(&c, text);
        assert_true(ops_parse(text, &back));
        assert_memory_equal(&c, &back, sizeof c);
    }
}

static void the_longest_text_fits(void **state) {
    (void)state;
    char text[OPS_TEXT];
    ops_case c = ops_empty(OPS_RULES), back;
    for (int f = 0; f < OPS_FIELDS; ++f) {
        c.field[f] = 99999999;
    }
    ops_print(&c, text);
    assert_true(ops_parse(text, &back));
    assert_memory_equal(&c, &back, sizeof c);
}

static void broken_texts_are_no_cases(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        "dense",
                                        "dens:",
                                        "denser:",
                                        "dense:q",
                                        "dense:q_len",
                                        "dense:q_len=",
                                        "dense:q_len=x",
                                        "dense:=1",
                                        "dense:nope=1",
                                        "dense:q_len=1,",
                                        "dense:q_len=-1",
                                        "dense:q_len=1;dim=2",
                                        "dense:q_len=99999999999999999999"};
    ops_case c;
    for (size_t n = 0; n < sizeof texts / sizeof texts[0]; ++n) {
        assert_false(ops_parse(texts[n], &c));
    }
    assert_true(ops_parse("grid:", &c));
    assert_int_equal(c.family, OPS_GRID);
}

/* ---- Shrinking ---- */

static bool fails_at_the_edge(void *user, const ops_case *c) {
    ++*(unsigned *)user;
    return c->field[OPS_q_len] >= 37 && c->field[OPS_kv_len] > c->field[OPS_q_len] && c->field[OPS_causal];
}

static void the_smallest_failing_case_is_found(void **state) {
    (void)state;
    ops_case c, small, want = ops_empty(OPS_DENSE);
    unsigned calls = 0;
    ops_draw(3, &c);
    c.family = OPS_DENSE;
    c.field[OPS_q_len] = 200;
    c.field[OPS_kv_len] = 900;
    c.field[OPS_causal] = 1;
    unsigned tries = ops_shrink(&c, fails_at_the_edge, &calls, 1000, &small);
    want.field[OPS_q_len] = 37;
    want.field[OPS_kv_len] = 38;
    want.field[OPS_causal] = 1;
    assert_memory_equal(&small, &want, sizeof want);
    assert_int_equal(tries, calls);
    assert_true(tries < 200);
}

/* Two fields of which one must be large: what is found depends on the other, and a second round finds more. */
static bool fails_together(void *user, const ops_case *c) {
    (void)user;
    return c->field[OPS_batch] * c->field[OPS_group] >= 6 && c->field[OPS_batch] >= c->field[OPS_group];
}

static void no_field_alone_can_be_made_smaller(void **state) {
    (void)state;
    ops_case c = ops_empty(OPS_LISTS), small;
    c.field[OPS_batch] = 40;
    c.field[OPS_group] = 40;
    ops_shrink(&c, fails_together, NULL, 1000, &small);
    for (int f = 0; f < OPS_FIELDS; ++f) {
        ops_case less = small;
        less.field[f] -= less.field[f] > ops_least(f);
        assert_true(small.field[f] == ops_least(f) || !fails_together(NULL, &less));
    }
    assert_true(fails_together(NULL, &small));
}

static void shrinking_ends_after_so_many_tries(void **state) {
    (void)state;
    ops_case c = ops_empty(OPS_DENSE), small;
    unsigned calls = 0;
    c.field[OPS_q_len] = 100000;
    c.field[OPS_kv_len] = 900000;
    c.field[OPS_causal] = 1;
    assert_int_equal(ops_shrink(&c, fails_at_the_edge, &calls, 5, &small), 5);
    assert_int_equal(calls, 5);
    assert_true(fails_at_the_edge(&calls, &small));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_draws_the_same_case_and_another_another),
        cmocka_unit_test(neighbours_share_their_pipelines),
        cmocka_unit_test(all_of_everything_is_drawn),
        cmocka_unit_test(a_printed_case_reads_back),
        cmocka_unit_test(the_longest_text_fits),
        cmocka_unit_test(broken_texts_are_no_cases),
        cmocka_unit_test(the_smallest_failing_case_is_found),
        cmocka_unit_test(no_field_alone_can_be_made_smaller),
        cmocka_unit_test(shrinking_ends_after_so_many_tries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
