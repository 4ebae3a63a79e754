/* SPDX-License-Identifier: MIT
 *
 * The oracle against answers that others computed (tests/data/cases.json) and against small ones worked out
 * by hand. Needs no GPU.
 *
 *   test_ref [cases.json]
 */
#include "cases.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h> /* after setjmp.h, stdarg.h and stdint.h */

static cases_list cases;

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

/* Window tables: which group, how long, from where to where, and nothing else visible. */
static void check_window_table(const cases_case *item) {
    const ref_axis_rule *rule = &item->grid.axis[0];
    size_t count[5];
    int64_t *first = cases_table(item, "first_key", -1, &count[0]);
    int64_t *last = cases_table(item, "last_key", -1, &count[1]);
    int64_t *group = cases_table(item, "group", -1, &count[2]);
    int64_t *start = cases_table(item, "start_in_group", -1, &count[3]);
    int64_t *end = cases_table(item, "end_in_group", -1, &count[4]);
    int64_t step = (int64_t)rule->dilation;

    assert_true(first && last && group && start && end);
    for (size_t n = 0; n < 5; ++n) {
        assert_int_equal(count[n], rule->extent);
    }
    for (int64_t q = 0; q < (int64_t)rule->extent; ++q) {
        assert_int_equal(first[q], start[q] * step + group[q]);
        assert_int_equal(last[q], (end[q] - 1) * step + group[q]);
        for (int64_t key = 0; key < (int64_t)rule->extent; ++key) {
            bool expected = key >= first[q] && key <= last[q] && key % step == group[q];
            if (ref_axis_visible(rule, (uint64_t)q, (uint64_t)key) != expected) {
                fail_msg("%s: query %d key %d should %sbe visible", item->id, (int)q, (int)key,
                         expected ? "" : "not ");
            }
        }
    }
    free(first);
    free(last);
    free(group);
    free(start);
    free(end);
}

static void test_window_tables_are_reproduced(void **state) {
    (void)state;
    size_t checked = 0;
    for (size_t n = 0; n < cases.count; ++n) {
        if (cases.items[n].op == CASES_WINDOW_TABLE) {
            check_window_table(&cases.items[n]);
            checked++;
        }
    }
    print_message("           %zu tables\n", checked);
    assert_true(checked >= 30);
}

/* Grid cases carry, per axis, where the window of each query starts within its group. */
static void test_window_starts_of_grids_are_reproduced(void **state) {
    (void)state;
    size_t checked = 0;
    for (size_t n = 0; n < cases.count; ++n) {
        const cases_case *item = &cases.items[n];
        for (uint32_t a = 0; a < item->grid.rank && item->op == CASES_GRID; ++a) {
            const ref_axis_rule *rule = &item->grid.axis[a];
            size_t count;
            int64_t *start = cases_table(item, "window_start_by_dim", (int)a, &count);
            for (uint64_t q = 0; q < count; ++q) {
                uint64_t key = q % rule->dilation; /* the first visible one of the group */
                while (key < rule->extent && !ref_axis_visible(rule, q, key)) {
                    key += rule->dilation;
                }
                assert_int_equal(key / rule->dilation, start[q]);
            }
            checked += count ? 1 : 0;
            free(start);
        }
    }
    print_message("           %zu axes\n", checked);
    assert_true(checked >= 50);
}

static void test_visible_pairs_are_counted_alike(void **state) {
    (void)state;
    size_t checked = 0;
    for (size_t n = 0; n < cases.count; ++n) {
        const cases_case *item = &cases.items[n];
        uint64_t queries, keys, pairs = 0;
        bool plain = (item->op == CASES_DENSE && strcmp(item->beyond, "bool_mask") != 0) ||
                     item->op == CASES_GRID || item->op == CASES_LISTS;
        if (!plain || item->visible_pairs == UINT64_MAX) {
            continue;
        }
        queries = cases_q_len(item);
        keys = cases_kv_len(item);
        if (queries * keys > 30000000) {
            continue;
        }
        for (uint64_t i = 0; i < queries * keys; ++i) {
            pairs += item->op == CASES_DENSE   ? ref_dense_visible(&item->dense, i / keys, i % keys)
                     : item->op == CASES_LISTS ? ref_lists_times(&item->lists, 0, 0, i / keys, i % keys)
                                               : ref_grid_visible(&item->grid, i / keys, i % keys);
        }
        assert_int_equal(pairs + queries * item->extra_len, item->visible_pairs);
        checked++;
    }
    print_message("           %zu cases\n", checked);
    assert_true(checked >= 86);
}

/* Random masks of blocks have as many blocks as is known. */
static void test_block_masks_are_reproduced(void **state) {
    (void)state;
    size_t checked = 0;
    for (size_t n = 0; n < cases.count; ++n) {
        const cases_case *item = &cases.items[n];
        uint64_t blocks = cases_known(item, "nnz_blocks");
        if (item->op == CASES_LISTS && blocks != UINT64_MAX) {
            assert_int_equal(item->blocks, blocks);
            checked++;
        }
    }
    print_message("           %zu cases\n", checked);
    assert_true(checked >= 13);
}

/* Ranges of a vertical-slash list in their order, and how many columns stand between them. */
static void check_slash_row(const cases_case *item, uint64_t row, const int64_t *ranges, size_t count,
                            int64_t columns) {
    const uint32_t *entry = item->words + row * item->lists.row_words + 2;
    size_t found = 0;
    for (uint64_t n = 0; n < item->lists.entries && entry[2 * n] != UINT32_MAX; ++n) {
        uint32_t first = entry[2 * n], end = entry[2 * n + 1];
        assert_true(n == 0 || first >= entry[2 * n - 1]); /* ascending, no key twice */
        if (end - first == 1) {
            columns--;
            continue;
        }
        assert_true(found + 2 <= count);
        assert_int_equal(first, ranges[found]);
        assert_int_equal(end, ranges[found + 1]);
        found += 2;
    }
    assert_int_equal(found, count);
    assert_int_equal(columns, 0);
}

static void test_slashes_are_reproduced(void **state) {
    (void)state;
    size_t checked = 0;
    for (size_t n = 0; n < cases.count; ++n) {
        const cases_case *item = &cases.items[n];
        size_t rows, count;
        int64_t *columns = cases_table(item, "ncols_per_row_block", -1, &rows);
        for (uint64_t row = 0; row < rows; ++row) {
            int64_t *ranges = cases_table(item, "ranges_per_row_block", (int)row, &count);
            assert_int_equal(rows, item->lists.rows);
            check_slash_row(item, row, ranges, count, columns[row]);
            free(ranges);
        }
        checked += rows > 0;
        free(columns);
    }
    print_message("           %zu cases\n", checked);
    assert_true(checked >= 2);
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

/* All tokens of one KV head of one batch entry, [tokens][dim]; strides of 0 make every head look like this
 * one. */
static ref_tensor slice(const cases_case *item, cases_tensor which, uint64_t b, uint64_t head, uint64_t first,
                        uint64_t tokens, uint64_t dim) {
    float *data = malloc((tokens * dim + 1) * sizeof *data);
    assert_non_null(data);
    for (uint64_t t = 0; t < tokens; ++t) {
        for (uint64_t d = 0; d < dim; ++d) {
            data[t * dim + d] = cases_value(item, which, b, first + t, head, d);
        }
    }
    ref_tensor tensor = {.data = data, .dtype = REF_F32, .token = tokens > 1 ? (int64_t)dim : 0};
    return tensor;
}

static double relative(double got, double want) {
    return got == want ? 0.0 : fabs(got - want) / fmax(1.0, fabs(want)); /* -inf equals itself */
}

/* The biases of one head of the probe's batch entry, wherever the oracle asks. */
static ref_bias biases_of(const cases_case *item, uint64_t b, uint64_t kv_head) {
    uint64_t queries = cases_q_len(item), keys = cases_kv_len(item);
    float *data = malloc(queries * keys * sizeof *data);
    for (uint64_t i = 0; data && i < queries * keys; ++i) {
        data[i] = cases_bias(item, b, kv_head, i / keys, i % keys);
    }
    return (ref_bias){.data = data, .token = (int64_t)keys, .heads = 1};
}

/* Returns the largest difference from the known answer. */
static double check_probe(const cases_case *item, const cases_probe *probe) {
    uint64_t b = probe->b, kv_head = probe->h / (item->heads / item->kv_heads), tokens = cases_kv_len(item);
    ref_dense_rule rule = item->dense;
    if (item->kv_lens) {
        rule.kv_len = item->kv_len[b];
    }
    ref_bias bias = {0};
    if (item->biased) {
        bias = biases_of(item, b, kv_head);
    }
    ref_problem problem = {
        .heads = item->heads,
        .kv_heads = item->kv_heads,
        .dim = item->dim,
        .value_dim = item->value_dim,
        .scale = item->scale,
        .bias = item->biased ? &bias : NULL,
        .dense = item->op == CASES_DENSE || item->op == CASES_MERGE ? &rule : NULL,
        .grid = item->op == CASES_GRID ? &item->grid : NULL,
        .lists = item->op == CASES_LISTS ? &item->lists : NULL,
        .q = slice(item, CASES_Q, b, probe->h, probe->q, 1, item->dim),
        .k = slice(item, CASES_K, b, kv_head, 0, tokens, item->dim),
        .v = slice(item, CASES_V, b, kv_head, 0, tokens, item->value_dim),
        .extra_len = item->extra_len,
        .extra_k = slice(item, CASES_EXTRA_K, b, kv_head, 0, item->extra_len, item->dim),
        .extra_v = slice(item, CASES_EXTRA_V, b, kv_head, 0, item->extra_len, item->value_dim),
    };
    double out[1024], sum = 0.0, lse, worst;
    uint64_t visible;
    assert_true(item->value_dim <= 1024);

    ref_row(&problem, b, probe->h, probe->q, out, &lse, &visible);
    assert_int_equal(visible, probe->visible);
    worst = relative(lse, probe->lse);
    for (uint32_t d = 0; d < probe->outs; ++d) {
        worst = fmax(worst, relative(out[d] * probe->share, probe->out[d]));
    }
    for (uint64_t d = 0; d < item->value_dim; ++d) {
        sum += out[d] * probe->share;
    }
    worst = fmax(worst, relative(sum, probe->out_sum));
    free((void *)(uintptr_t)problem.q.data);
    free((void *)(uintptr_t)problem.k.data);
    free((void *)(uintptr_t)problem.v.data);
    free((void *)(uintptr_t)problem.extra_k.data);
    free((void *)(uintptr_t)problem.extra_v.data);
    free((void *)(uintptr_t)bias.data);
    return worst;
}

/* The answers were computed in double from the same exact inputs and written with nine digits. */
static void test_known_rows_are_reproduced(void **state) {
    (void)state;
    size_t rows = 0, left_out = 0, cases_checked = 0;
    double worst = 0.0;
    for (size_t n = 0; n < cases.count; ++n) {
        const cases_case *item = &cases.items[n];
        if (item->op == CASES_WINDOW_TABLE || item->op == CASES_REJECT || item->op == CASES_SELECTION) {
            continue;
        }
        if (item->beyond[0] != '\0') {
            left_out++;
            continue;
        }
        for (uint32_t p = 0; p < item->probes; ++p) {
            double error = check_probe(item, &item->probe[p]);
            if (!(error <= 1e-7)) {
                fail_msg("%s probe %u: off by %g", item->id, p, error);
            }
            worst = fmax(worst, error);
            rows++;
        }
        cases_checked++;
    }
    print_message("           %zu rows of %zu cases, worst %.2g; %zu cases need more than plain softmax\n",
                  rows, cases_checked, worst, left_out);
    assert_true(cases_checked >= 120);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_f16_survives_the_round_trip),
        cmocka_unit_test(test_f16_rounds_to_nearest_even),
        cmocka_unit_test(test_f16_knows_its_special_values),
        cmocka_unit_test(test_bf16_rounds_to_nearest_even),
        cmocka_unit_test(test_random_has_unit_variance),
        cmocka_unit_test(test_dense_rules_look_as_drawn),
        cmocka_unit_test(test_axis_rules_look_as_drawn),
        cmocka_unit_test(test_window_tables_are_reproduced),
        cmocka_unit_test(test_window_starts_of_grids_are_reproduced),
        cmocka_unit_test(test_visible_pairs_are_counted_alike),
        cmocka_unit_test(test_block_masks_are_reproduced),
        cmocka_unit_test(test_slashes_are_reproduced),
        cmocka_unit_test(test_row_without_keys_is_zero),
        cmocka_unit_test(test_row_worked_out_by_hand),
        cmocka_unit_test(test_known_rows_are_reproduced),
    };
    if (!cases_read(argc > 1 ? argv[1] : VATTEN_CASES_FILE, &cases)) {
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    cases_free(&cases);
    return failed;
}
