/* SPDX-License-Identifier: MIT
 *
 * The library against the problems of tests/data/cases.json that select blocks of keys: MoBA, VMoBA, NSA's selected branch,
 * BiFormer. What is chosen is held against the known hash, outputs against the known rows, and some more rows against the
 * oracle, which goes by the lists that were chosen.
 *
 *   test_selection_cases [cases.json [ID...]]     only cases whose id begins with an ID
 *   VATTEN_THOROUGH, VATTEN_CASES_MACS            as in test_cases
 */
#include "scope_cases.h"
#include "selection_run.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES 24 /* rows of a sequence that are compared with the oracle */

static gpu device;
static cases_list cases;
static double macs_limit = 2.5e10;
static char **wanted; /* ids; NULL-terminated, empty for all */
static unsigned probes_checked;
static double worst_out[4][3], worst_lse[4][3]; /* [preset][dtype] */

/* ---- What was chosen ---- */

static const uint32_t *list_of(const selection_piece *p, uint64_t row, uint32_t *count) {
    const uint32_t *list = p->list_words + row * p->rule.entries;
    for (*count = 0; *count < p->rule.entries && list[*count] != VATTEN_LIST_END; ++*count) {
    }
    return list;
}

static bool is_ambiguous(const selection_run *r, uint64_t row) {
    for (size_t n = 0; n < r->ambiguous_count; ++n) {
        if ((uint64_t)r->ambiguous[n] == row) {
            return true;
        }
    }
    return false;
}

static void hash_row(selection_run *r, const uint32_t *list, uint32_t count) {
    if (!is_ambiguous(r, r->hashed++)) {
        r->hash = cases_hash(r->hash, list, count);
    }
}

static void check_hash(const selection_run *r) {
    if (r->hash != r->selection->hash) {
        gpu_fail(&device, "%s: the hash of what is chosen is %016" PRIx64 ", known is %016" PRIx64, r->name,
                 r->hash, r->selection->hash);
    }
}

/* ---- NSA ---- */

/* The lists of the published rule. The caller frees them. */
static uint32_t *nsa_lists(const selection_piece *p) {
    const selection_run *r = p->run;
    uint64_t rows = r->item->batch * p->list_heads * p->rows, entries = p->rule.entries;
    uint32_t *lists = malloc(rows * entries * sizeof *lists);
    double *means = NULL;
    for (uint64_t row = 0; lists && row < rows; ++row) {
        uint64_t query = row % p->rows, head = row / p->rows % p->list_heads;
        uint64_t b = row / p->rows / p->list_heads;
        uint32_t *list = lists + row * entries;
        if (query == 0) {
            free(means);
            means = cases_nsa_means(r->item, b, head);
        }
        memset(list, 0xff, entries * sizeof *list);
        if (means) {
            cases_nsa_row(r->item, means, b, head, query, list);
        }
    }
    free(means);
    return lists;
}

/* A plan's lists are those of the published rule. */
static void check_nsa(const selection_piece *p) {
    const selection_run *r = p->run;
    uint32_t *want = nsa_lists(p);
    if (!want) {
        gpu_fail(&device, "%s: no memory", r->name);
    }
    for (uint64_t row = 0; want && row < r->item->batch * p->list_heads * p->rows; ++row) {
        uint64_t at = row * p->rule.entries, query = row % p->rows;
        bool differs = memcmp(p->list_words + at, want + at, p->rule.entries * sizeof *want) != 0;
        if (differs && !is_ambiguous(r, row)) {
            gpu_fail(&device, "%s: the list of row %u, query %u is not that of the rule", r->name,
                     (unsigned)row, (unsigned)query);
        }
    }
    free(want);
}

static void hash_lists(const selection_piece *p) {
    for (uint64_t row = 0; row < p->run->item->batch * p->list_heads * p->rows; ++row) {
        uint32_t count;
        const uint32_t *list = list_of(p, row, &count);
        hash_row(p->run, list, count);
    }
}

/* ---- Rows ---- */

static void check_number(const selection_run *r, uint64_t query, const char *what, double got, double want,
                         double tolerance, double *worst) {
    if (worst) {
        *worst = fmax(*worst, fabs(got - want));
    }
    if (!(fabs(got - want) <= tolerance)) {
        gpu_fail(&device, "%s: query %u: %s is %.9g, known is %.9g, tolerance %.2g", r->name, (unsigned)query,
                 what, got, want, tolerance);
    }
}

static double out_at(const selection_piece *p, const uint8_t *out, uint64_t b, uint64_t at, uint64_t head,
                     uint64_t d) {
    const ref_tensor tensor =
        ref_packed(out, p->run->type, p->run->tokens, p->run->item->heads, p->run->item->value_dim);
    return ref_load(&tensor, b, at, head, d);
}

/* One row against the oracle, which goes by the chosen lists. `at`: where the query stands in the sequence. */
static uint64_t check_row(const selection_piece *p, const uint8_t *out, uint64_t b, uint64_t at,
                          uint64_t head) {
    const selection_run *r = p->run;
    const cases_case *item = r->item;
    const vatten_boxes *boxes = &p->boxes;
    const ref_lists lists = {.kind = REF_BLOCKS,
                             .q_block = 1,
                             .kv_block = p->block,
                             .rank = boxes->rank,
                             .extent = {boxes->extent[0], boxes->extent[1]},
                             .q_extent = boxes->extent[0],
                             .q_box = {boxes->q_box[0], boxes->q_box[1]},
                             .kv_box = {boxes->kv_box[0], boxes->kv_box[1]},
                             .entries = p->rule.entries,
                             .rows = p->rows,
                             .row_words = p->rule.entries,
                             .heads = p->list_heads,
                             .dense = {p->len, p->len, item->dense.causal, false, -1, -1, 0},
                             .words = p->list_words};
    ref_problem problem = {.heads = item->heads,
                           .kv_heads = item->kv_heads,
                           .dim = item->dim,
                           .value_dim = item->value_dim,
                           .scale = item->scale,
                           .lists = &lists};
    ref_tensor *tensors[3] = {&problem.q, &problem.k, &problem.v};
    double want[1024], lse;
    uint64_t visible;
    for (int n = 0; n < 3; ++n) {
        uint64_t row = selection_heads(item, n) * selection_dim(item, n);
        *tensors[n] = ref_packed(r->host[n] + p->first * row * r->element, r->type, r->tokens,
                                 selection_heads(item, n), selection_dim(item, n));
    }
    ref_row(&problem, b, head, at, want, &lse, &visible);
    for (uint64_t d = 0; d < item->value_dim; ++d) {
        check_number(r, p->first + at, "out", out_at(p, out, b, p->first + at, head, d), want[d],
                     item->tolerance[r->type], &worst_out[r->selection->preset][r->type]);
    }
    check_number(r, p->first + at, "lse", (double)p->lse_values[(b * item->heads + head) * p->len + at], lse,
                 item->lse_tolerance, &worst_lse[r->selection->preset][r->type]);
    device.rows++;
    return visible;
}

static void check_probe_blocks(const selection_piece *p, uint32_t n, const uint32_t *list, uint32_t count) {
    size_t known_count;
    int64_t *known = cases_probe_blocks(p->run->item, n, &known_count);
    bool same = known && known_count == count;
    for (uint32_t i = 0; same && i < count; ++i) {
        same = known[i] == (int64_t)list[i];
    }
    if (!same) {
        gpu_fail(&device, "%s probe %u: other blocks were chosen", p->run->name, n);
    }
    free(known);
}

static void check_probe(const selection_piece *p, const uint8_t *out, uint32_t n) {
    const selection_run *r = p->run;
    const cases_probe *probe = &r->item->probe[n];
    uint64_t at = probe->q, row = selection_row(p, at - p->first), h = probe->h;
    double sum = 0.0, tolerance = r->item->tolerance[r->type];
    uint64_t list_head = h / (r->item->heads / p->list_heads);
    uint32_t count;
    const uint32_t *list = list_of(p, (probe->b * p->list_heads + list_head) * p->rows + row, &count);
    check_probe_blocks(p, n, list, count);
    uint64_t visible = check_row(p, out, probe->b, at - p->first, h);
    check_number(r, probe->q, "visible", (double)visible, (double)probe->visible, 0.0, NULL);
    for (uint32_t d = 0; d < probe->outs; ++d) {
        check_number(r, probe->q, "known out", out_at(p, out, probe->b, at, h, d), probe->out[d], tolerance,
                     &worst_out[r->selection->preset][r->type]);
    }
    for (uint64_t d = 0; d < r->item->value_dim; ++d) {
        sum += out_at(p, out, probe->b, at, h, d);
    }
    /* errors of a row's elements are independent: their sum grows with the root of their number */
    check_number(r, probe->q, "sum of out", sum, probe->out_sum, tolerance * sqrt((double)r->item->value_dim),
                 NULL);
    check_number(r, probe->q, "known lse",
                 (double)p->lse_values[(probe->b * r->item->heads + h) * p->len + at - p->first], probe->lse,
                 r->item->lse_tolerance, &worst_lse[r->selection->preset][r->type]);
    probes_checked++;
}

static void check_rows(const selection_piece *p) {
    const selection_run *r = p->run;
    const cases_case *item = r->item;
    uint8_t *out = malloc(selection_bytes(r, 3));
    if (!out || vatten_memory_download(r->memory[3], 0, out, selection_bytes(r, 3)) != VATTEN_SUCCESS) {
        gpu_fail(&device, "%s: out cannot be read", r->name);
        free(out);
        return;
    }
    for (uint32_t n = 0; n < item->probes; ++n) {
        uint64_t at = item->probe[n].q;
        if (at >= p->first && at < p->first + p->len) {
            check_probe(p, out, n);
        }
    }
    uint64_t all = item->batch * item->heads * p->len, step = all / SAMPLES + 1;
    for (uint64_t n = step / 2; n < all; n += step) {
        check_row(p, out, n / p->len / item->heads, n % p->len, n / p->len % item->heads);
    }
    free(out);
}

/* ---- Cases ---- */

static void run_piece(selection_piece *p) {
    if (!selection_choose(p) || !selection_attend(p)) {
        return; /* told, and the hash will miss it */
    }
    if (p->run->selection->preset == CASES_NSA) {
        check_nsa(p);
    }
    hash_lists(p);
    check_rows(p);
}

static void run_case(const cases_case *item, ref_dtype type) {
    selection_run r = selection_begin(&device, item, type);
    uint64_t first = 0;
    for (uint32_t n = 0; n < r.selection->sequences; ++n) {
        selection_piece p = selection_piece_of(&r, first, r.selection->length[n]);
        run_piece(&p);
        first += p.len;
        selection_piece_end(&p);
    }
    check_hash(&r);
    device.cases++;
    selection_end(&r);
    gpu_check_validation(&device, r.name);
}

static bool is_wanted(const cases_case *item) {
    for (char **id = wanted; *id; ++id) {
        if (strncmp(item->id, *id, strlen(*id)) == 0) {
            return true;
        }
    }
    return !*wanted;
}

/* All dtypes of the case; on a software device, which takes seconds to compile each, they take turns. */
static void run_dtypes(const cases_case *item, unsigned turn) {
    for (unsigned n = 0; n < 3; ++n) {
        ref_dtype t = (ref_dtype)((turn + n) % 3);
        if (item->dtype[t] && (t == REF_F32 || gpu_has_dtype(&device, VATTEN_DTYPE_F16))) {
            run_case(item, t);
            if (!gpu_thorough(&device)) {
                return;
            }
        }
    }
}

static void tell_worst(void) {
    static const char *const presets[4] = {"moba", "vmoba", "nsa_selected", "biformer"};
    static const char *const types[3] = {[REF_F32] = "f32", [REF_F16] = "f16", [REF_BF16] = "bf16"};
    for (int n = 0; n < 12; ++n) {
        if (worst_out[n / 3][n % 3] > 0.0) {
            printf("  worst %s %s: out %.3g, lse %.3g\n", presets[n / 3], types[n % 3],
                   worst_out[n / 3][n % 3], worst_lse[n / 3][n % 3]);
        }
    }
}

static void test_known_selections(void **state) {
    (void)state;
    unsigned done = 0, skipped = 0;
    for (size_t n = 0; n < cases.count; ++n) {
        const cases_case *item = &cases.items[n];
        if (item->op != CASES_SELECTION || !is_wanted(item)) {
            continue;
        }
        if ((double)item->macs > macs_limit) {
            printf("  skip %s: %.3g multiply-adds, the limit is %.3g\n", item->id, (double)item->macs,
                   macs_limit);
            skipped++;
            continue;
        }
        run_dtypes(item, done++);
        fflush(stdout);
    }
    printf("  %u cases with %u probes; %u cases skipped\n", done, probes_checked, skipped);
    tell_worst();
    assert_true(done > 0 || *wanted);
    gpu_assert_clean(&device);
}

/* VMoBA's budgets of many queries, of which the file has no case. */
static void test_shared_budgets(void **state) {
    (void)state;
    cases_list made = {0};
    if (*wanted) {
        return;
    }
    assert_true(scope_cases(&made));
    unsigned before = probes_checked;
    for (size_t n = 0; n < made.count; ++n) {
        run_dtypes(&made.items[n], (unsigned)n);
    }
    assert_int_equal(probes_checked - before, 5 * 4);
    cases_free(&made);
    gpu_assert_clean(&device);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_selections),
        cmocka_unit_test(test_shared_budgets),
    };
    const char *limit = getenv("VATTEN_CASES_MACS");
    wanted = argv + (argc > 2 ? 2 : argc); /* argv ends with NULL */
    if (limit) {
        macs_limit = strtod(limit, NULL);
    }
    int opened = gpu_open(&device, "test_selection_cases", NULL);
    if (opened) {
        return opened;
    }
    if (!cases_read(argc > 1 ? argv[1] : VATTEN_CASES_FILE, &cases)) {
        return gpu_close(&device, 1);
    }
    int failed = gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
    cases_free(&cases);
    return failed;
}
