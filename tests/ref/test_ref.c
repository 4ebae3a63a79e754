/* SPDX-License-Identifier: MIT
 *
 * The oracle against small answers worked out by hand. Needs no GPU.
 */
#include "ref.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h> /* after setjmp.h, stdarg.h and stdint.h */

/* ---- Conversions ---- */

static float next_up(float value) {
    return nextafterf(value, INFINITY);
}

static void test_f16_survives_the_round_trip(void **state) {
    (void)state;
    for (uint32_t bits = 0; bits < 0x10000u; ++bits) {
        float value = ref_f16_to_f32((uint16_t)bits);
        uint16_t back = ref_f32_to_f16(value);
        if (isnan(value)) {
            assert_true((back & 0x7C00u) == 0x7C00u && (back & 0x3FFu) != 0);
        } else {
            assert_int_equal(back, bits);
        }
    }
}

/* Between two neighbours the middle goes to the even one, and the floats just beside the middle to the nearer
 * one. */
static void test_f16_rounds_to_nearest_even(void **state) {
    (void)state;
    for (uint16_t low = 0; low < 0x7C00u; ++low) {
        uint16_t high = (uint16_t)(low + 1);
        /* past the largest number 65504 the next one would be 65536: that is where infinity begins to be
         * nearer */
        float upper = high == 0x7C00u ? 65536.0f : ref_f16_to_f32(high);
        float middle = (ref_f16_to_f32(low) + upper) / 2.0f;
        uint16_t even = low & 1 ? high : low;

        assert_int_equal(ref_f32_to_f16(middle), even);
        assert_int_equal(ref_f32_to_f16(-middle), even | 0x8000u);
        assert_int_equal(ref_f32_to_f16(next_up(middle)), high);
        assert_int_equal(ref_f32_to_f16(-next_up(-middle)), low);
    }
}

static void test_f16_knows_its_special_values(void **state) {
    (void)state;
    assert_int_equal(ref_f32_to_f16(1.0f), 0x3C00);
    assert_int_equal(ref_f32_to_f16(-2.0f), 0xC000);
    assert_int_equal(ref_f32_to_f16(0x1p-24f), 0x0001);
    assert_int_equal(ref_f32_to_f16(0x1p-14f), 0x0400);
    assert_int_equal(ref_f32_to_f16(0x1p-149f), 0x0000);
    assert_int_equal(ref_f32_to_f16(-0.0f), 0x8000);
    assert_int_equal(ref_f32_to_f16(INFINITY), 0x7C00);
    assert_int_equal(ref_f32_to_f16(-INFINITY), 0xFC00);
    assert_int_equal(ref_f32_to_f16(1e30f), 0x7C00);
    assert_true(isnan(ref_f16_to_f32(ref_f32_to_f16(NAN))));
    assert_true(ref_f16_to_f32(0x7C00) == INFINITY);
    assert_true(ref_f16_to_f32(0x0001) == 0x1p-24f);
    assert_true(ref_f16_to_f32(0x83FF) == -1023.0f * 0x1p-24f);
}

static void test_bf16_rounds_to_nearest_even(void **state) {
    (void)state;
    for (uint32_t bits = 0; bits < 0x7F80u; ++bits) {
        uint16_t low = (uint16_t)bits, high = (uint16_t)(bits + 1);
        uint32_t middle_bits = bits << 16 | 0x8000u; /* half way, by the definition of bf16 */
        float middle;
        memcpy(&middle, &middle_bits, sizeof middle);

        assert_int_equal(ref_f32_to_bf16(ref_bf16_to_f32(low)), low);
        assert_int_equal(ref_f32_to_bf16(middle), low & 1 ? high : low);
        assert_int_equal(ref_f32_to_bf16(next_up(middle)), high);
        assert_int_equal(ref_f32_to_bf16(-next_up(-middle)), low);
    }
    assert_int_equal(ref_f32_to_bf16(INFINITY), 0x7F80);
    assert_int_equal(ref_f32_to_bf16(-1.0f), 0xBF80);
    uint32_t quiet_bits = 0x7F800001u; /* a NaN whose payload lies in the half that is cut off */
    float quiet;
    memcpy(&quiet, &quiet_bits, sizeof quiet);
    assert_true(isnan(ref_bf16_to_f32(ref_f32_to_bf16(quiet))));
}

static void test_random_has_unit_variance(void **state) {
    (void)state;
    double sum = 0.0, squares = 0.0, product = 0.0;
    const uint64_t count = 100000;
    for (uint64_t i = 0; i < count; ++i) {
        double a = (double)ref_random(7, i);
        assert_true(a >= -1.7320509 && a < 1.7320509);
        sum += a;
        squares += a * a;
        product += a * (double)ref_random(8, i);
    }
    assert_true(fabs(sum / (double)count) < 0.02);
    assert_true(fabs(squares / (double)count - 1.0) < 0.02);
    assert_true(fabs(product / (double)count) <
                0.02); /* streams with neighbouring seeds do not go together */
}

/* ---- Rules ---- */

/* Draws the rule: one character per key, '#' visible. */
static void expect_dense(const ref_dense_rule *rule, uint64_t query, const char *picture) {
    for (uint64_t key = 0; key < rule->kv_len; ++key) {
        assert_int_equal(ref_dense_visible(rule, query, key), picture[key] == '#');
    }
    assert_false(ref_dense_visible(rule, query, rule->kv_len));
}

static void test_dense_rules_look_as_drawn(void **state) {
    (void)state;
    ref_dense_rule rule = {.q_len = 3, .kv_len = 6, .left = -1, .right = -1};
    expect_dense(&rule, 0, "######");
    rule.causal = true; /* the last query sees the last key */
    expect_dense(&rule, 0, "####..");
    expect_dense(&rule, 2, "######");
    rule.align_first = true;
    expect_dense(&rule, 0, "#.....");
    rule.align_first = false;
    rule.left = 1;
    expect_dense(&rule, 0, "..##..");
    rule.prefix = 1;
    expect_dense(&rule, 1, "#..##.");
    rule.prefix = 6; /* causality holds in the prefix too */
    expect_dense(&rule, 1, "#####.");
    rule = (ref_dense_rule){.q_len = 3, .kv_len = 6, .left = -1, .right = 1};
    expect_dense(&rule, 0, "#####.");
    rule.left = 2;
    rule.right = 0;
    expect_dense(&rule, 2, "...###");
    rule = (ref_dense_rule){.q_len = 4, .kv_len = 2, .causal = true, .left = -1, .right = -1};
    expect_dense(&rule, 0, "..");
    expect_dense(&rule, 1, "..");
    expect_dense(&rule, 2, "#.");
    expect_dense(&rule, 3, "##");
}

static void expect_axis(const ref_axis_rule *rule, uint64_t query, const char *picture) {
    for (uint64_t key = 0; key < rule->extent; ++key) {
        assert_int_equal(ref_axis_visible(rule, query, key), picture[key] == '#');
    }
    assert_false(ref_axis_visible(rule, query, rule->extent));
}

static void test_axis_rules_look_as_drawn(void **state) {
    (void)state;
    ref_axis_rule rule = {.extent = 8, .window = 3, .stride = 1, .dilation = 1};
    expect_axis(&rule, 0, "###.....");
    expect_axis(&rule, 3, "..###...");
    expect_axis(&rule, 7, ".....###");
    rule.window = 4; /* even: two to the left, one to the right */
    expect_axis(&rule, 1, "####....");
    expect_axis(&rule, 4, "..####..");
    expect_axis(&rule, 7, "....####");
    rule.window = 3;
    rule.stride = 3; /* blocks; the last one moves inward */
    expect_axis(&rule, 0, "###.....");
    expect_axis(&rule, 5, "...###..");
    expect_axis(&rule, 6, ".....###");
    rule.dilation = 2;
    rule.stride = 1;
    expect_axis(&rule, 0, "#.#.#...");
    expect_axis(&rule, 3, ".#.#.#..");
    rule = (ref_axis_rule){.extent = 8, .window = 3, .stride = 2, .dilation = 1, .causal = true};
    expect_axis(&rule, 0, "#.......");
    expect_axis(&rule, 4, "...##..."); /* its run is led by 5 */
    expect_axis(&rule, 5, "...###..");
}

/* ---- Rows ---- */

static void test_row_without_keys_is_zero(void **state) {
    (void)state;
    const float data[2] = {1.0f, 2.0f};
    ref_dense_rule rule = {.q_len = 3, .kv_len = 1, .causal = true, .left = -1, .right = -1};
    ref_tensor tensor = {.data = data, .dtype = REF_F32};
    ref_problem problem = {.heads = 1,
                           .kv_heads = 1,
                           .dim = 2,
                           .value_dim = 2,
                           .dense = &rule,
                           .q = tensor,
                           .k = tensor,
                           .v = tensor};
    double out[2] = {5.0, 5.0}, lse = 5.0;
    uint64_t visible = 5;

    ref_row(&problem, 0, 0, 0, out, &lse, &visible);
    assert_true(out[0] == 0.0 && out[1] == 0.0);
    assert_true(lse == -INFINITY);
    assert_int_equal(visible, 0);

    ref_row(&problem, 0, 0, 2, out, &lse, &visible); /* one key: its value, whatever the score */
    assert_true(out[0] == 1.0 && out[1] == 2.0);
    assert_true(fabs(lse - 5.0 / sqrt(2.0)) < 1e-15);
    assert_int_equal(visible, 1);
}

/* Two keys with scores ln 3 and 0 in head 1 of 2, a third of them an extra key with score ln 4. */
static void test_row_worked_out_by_hand(void **state) {
    (void)state;
    const float q[2] = {0.0f, 1.0f};                                   /* [1][2 heads][1] */
    const float k[2] = {1.0986122887f, 0.0f}, v[4] = {8, 80, 16, 160}; /* [2][1][1], [2][1][2] */
    const float extra_k[1] = {1.3862943611f}, extra_v[2] = {4, 40};
    ref_axis_rule axis = {.extent = 2, .window = 2, .stride = 1, .dilation = 1};
    ref_grid_rule grid = {.rank = 1, .axis = {axis}};
    ref_problem problem = {
        .heads = 2,
        .kv_heads = 1,
        .dim = 1,
        .value_dim = 2,
        .grid = &grid,
        .q = ref_packed(q, REF_F32, 1, 2, 1),
        .k = ref_packed(k, REF_F32, 2, 1, 1),
        .v = ref_packed(v, REF_F32, 2, 1, 2),
        .extra_len = 1,
        .extra_k = ref_packed(extra_k, REF_F32, 1, 1, 1),
        .extra_v = ref_packed(extra_v, REF_F32, 1, 1, 2),
    };
    double out[2], lse;
    uint64_t visible;

    ref_row(&problem, 0, 1, 0, out, &lse, &visible);
    assert_int_equal(visible, 3);
    assert_true(fabs(lse - log(8.0)) < 1e-7); /* 3 + 1 + 4 */
    assert_true(fabs(out[0] - (3.0 * 8 + 16 + 4.0 * 4) / 8.0) < 1e-6);
    assert_true(fabs(out[1] - (3.0 * 80 + 160 + 4.0 * 40) / 8.0) < 1e-5);

    problem.scale = 2.0; /* scores ln 9, 0, ln 16 */
    ref_row(&problem, 0, 1, 0, NULL, &lse, NULL);
    assert_true(fabs(lse - log(26.0)) < 1e-7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_f16_survives_the_round_trip),
        cmocka_unit_test(test_f16_rounds_to_nearest_even),
        cmocka_unit_test(test_f16_knows_its_special_values),
        cmocka_unit_test(test_bf16_rounds_to_nearest_even),
        cmocka_unit_test(test_random_has_unit_variance),
        cmocka_unit_test(test_dense_rules_look_as_drawn),
        cmocka_unit_test(test_axis_rules_look_as_drawn),
        cmocka_unit_test(test_row_without_keys_is_zero),
        cmocka_unit_test(test_row_worked_out_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
