/* SPDX-License-Identifier: MIT
 *
 * The oracle against answers that others computed (tests/data/cases.json). Needs no GPU.
 *
 *   test_ref_cases [cases.json]
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

/* ---- Tables and counts ---- */

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

/* Pairs of the first head of the first batch entry, or of all sequences. */
static uint64_t dense_pairs(const cases_case *item) {
    ref_dense_more more;
    uint64_t pairs = 0;
    const ref_problem problem = {.heads = item->heads,
                                 .kv_heads = item->kv_heads,
                                 .dense = &item->dense,
                                 .more = cases_more(item, &more) ? &more : NULL};
    for (uint64_t i = 0; i < item->dense.q_len; ++i) {
        ref_entry entry = ref_dense_entry(&problem, 0, i);
        for (uint64_t j = 0; j < entry.kv_len; ++j) {
            pairs += ref_dense_sees(&problem, &entry, 0, j);
        }
    }
    cases_more_free(&more);
    return pairs;
}

static void test_visible_pairs_are_counted_alike(void **state) {
    (void)state;
    size_t checked = 0;
    for (size_t n = 0; n < cases.count; ++n) {
        const cases_case *item = &cases.items[n];
        uint64_t queries, keys, pairs = 0;
        bool knows = item->op == CASES_DENSE || item->op == CASES_GRID || item->op == CASES_LISTS;
        if (!knows || item->visible_pairs == UINT64_MAX) {
            continue;
        }
        queries = cases_q_len(item);
        keys = cases_kv_len(item);
        if (queries * keys > 50000000) {
            continue;
        }
        if (item->op == CASES_DENSE) {
            pairs = dense_pairs(item);
        }
        for (uint64_t i = 0; i < queries * keys && item->op != CASES_DENSE; ++i) {
            pairs += item->op == CASES_LISTS ? ref_lists_times(&item->lists, 0, 0, i / keys, i % keys)
                                             : ref_grid_visible(&item->grid, i / keys, i % keys);
        }
        assert_int_equal(pairs + queries * item->extra_len, item->visible_pairs);
        checked++;
    }
    print_message("           %zu cases\n", checked);
    assert_true(checked >= 104);
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

/* A case's keys or values of one KV head in pages, [pages][page size][dim]; what holds no token holds NaN. */
static ref_tensor pool(const cases_case *item, cases_tensor which, uint64_t head, uint64_t dim) {
    uint64_t size = item->beyond_dense.page_size, count = cases_pages(item) * size * dim;
    float *data = malloc((count + 1) * sizeof *data);
    assert_non_null(data);
    for (uint64_t i = 0; i < count; ++i) {
        data[i] = NAN;
    }
    for (uint64_t b = 0; b < item->batch; ++b) {
        for (uint64_t t = 0; t < item->kv_len[b]; ++t) {
            float *row = data + (cases_page(item, b, t / size) * size + t % size) * dim;
            for (uint64_t d = 0; d < dim; ++d) {
                row[d] = cases_value(item, which, b, t, head, d);
            }
        }
    }
    return (ref_tensor){
        .data = data, .dtype = REF_F32, .batch = (int64_t)(size * dim), .token = (int64_t)dim};
}

/* Keys or values for a probe: its batch entry's wherever the oracle asks, or all pages. */
static ref_tensor keys_of(const cases_case *item, cases_tensor which, const cases_probe *probe,
                          uint64_t dim) {
    uint64_t kv_head = probe->h / (item->heads / item->kv_heads);
    return item->beyond_dense.page_size ? pool(item, which, kv_head, dim)
                                        : slice(item, which, probe->b, kv_head, 0, cases_kv_len(item), dim);
}

/* Returns the largest difference from the known answer. */
static double check_probe(const cases_case *item, const ref_dense_more *more, const cases_probe *probe) {
    uint64_t b = probe->b, kv_head = probe->h / (item->heads / item->kv_heads);
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
        .dense = item->op == CASES_DENSE || item->op == CASES_MERGE ? &item->dense : NULL,
        .more = more,
        .grid = item->op == CASES_GRID ? &item->grid : NULL,
        .lists = item->op == CASES_LISTS ? &item->lists : NULL,
        .q = slice(item, CASES_Q, b, probe->h, probe->q, 1, item->dim),
        .k = keys_of(item, CASES_K, probe, item->dim),
        .v = keys_of(item, CASES_V, probe, item->value_dim),
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
        ref_dense_more more;
        bool beyond = cases_more(item, &more);
        for (uint32_t p = 0; p < item->probes; ++p) {
            double error = check_probe(item, beyond ? &more : NULL, &item->probe[p]);
            if (!(error <= 1e-7)) {
                fail_msg("%s probe %u: off by %g", item->id, p, error);
            }
            worst = fmax(worst, error);
            rows++;
        }
        cases_more_free(&more);
        cases_checked++;
    }
    print_message("           %zu rows of %zu cases, worst %.2g; %zu cases are of operators to come\n", rows,
                  cases_checked, worst, left_out);
    assert_true(cases_checked >= 159);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window_tables_are_reproduced),
        cmocka_unit_test(test_window_starts_of_grids_are_reproduced),
        cmocka_unit_test(test_visible_pairs_are_counted_alike),
        cmocka_unit_test(test_block_masks_are_reproduced),
        cmocka_unit_test(test_slashes_are_reproduced),
        cmocka_unit_test(test_known_rows_are_reproduced),
    };
    if (!cases_read(argc > 1 ? argv[1] : VATTEN_CASES_FILE, &cases)) {
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    cases_free(&cases);
    return failed;
}
