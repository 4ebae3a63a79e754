/* SPDX-License-Identifier: MIT */
#include "scope_cases.h"

#include "ref.h"
#include "ref_choice.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CASES     5
#define LENGTH    150
#define BLOCK     32
#define BLOCKS    5
#define HEADS     4
#define DIM       16
#define ROWS      (HEADS * LENGTH)
#define FILE_NAME "scope_cases.json"

/* What a case comes to: lists of all rows, and which of them rounding may change. */
typedef struct answer {
    uint32_t lists[ROWS * BLOCKS];
    uint32_t counts[ROWS];
    bool doubt[ROWS];
} answer;

static bool is_top(unsigned n) {
    return n < 2;
}

static const char *scope_of(unsigned n) {
    static const char *const scopes[CASES] = {"head_global", "overall", "head_global", "overall", "block"};
    return scopes[n];
}

static bool is_of_all_heads(unsigned n) {
    return strcmp(scope_of(n), "head_global") != 0;
}

/* q . mean of the block's keys, for all rows. */
static void score_all(const cases_case *item, double *value, uint8_t *place) {
    for (uint64_t head = 0; head < HEADS; ++head) {
        double *means = cases_nsa_means(item, 0, head);
        for (uint64_t i = 0; i < (uint64_t)LENGTH * BLOCKS; ++i) {
            uint64_t row = i / BLOCKS, n = i % BLOCKS, at = head * LENGTH * BLOCKS + i;
            value[at] = 0.0;
            place[at] = (uint8_t)(n == row / BLOCK ? REF_VALUED | REF_FORCED : REF_VALUED);
            for (uint64_t d = 0; means && d < DIM; ++d) {
                value[at] += (double)cases_value(item, CASES_Q, 0, row, head, d) * means[n * DIM + d];
            }
        }
        free(means);
    }
}

static bool answer_case(const cases_case *item, unsigned n, answer *out) {
    static double value[ROWS * BLOCKS];
    static uint8_t place[ROWS * BLOCKS];
    uint64_t heads = is_of_all_heads(n) ? HEADS : 1;
    const ref_choice choice = {.heads = HEADS,
                               .rows = LENGTH,
                               .blocks = BLOCKS,
                               .entries = BLOCKS,
                               .budget_heads = heads,
                               .budget_rows = LENGTH,
                               .by_block = strcmp(scope_of(n), "block") == 0,
                               .total = is_top(n) ? item->selection.entries * LENGTH * heads : 0,
                               .budget = is_top(n) ? REF_TOP : REF_MASS,
                               .share = item->selection.threshold,
                               .min_max = !is_top(n),
                               .least = is_top(n) ? 0 : 1,
                               .value = value,
                               .place = place,
                               .near = 1e-5};
    score_all(item, value, place);
    return ref_choose(&choice, out->lists, out->counts, out->doubt);
}

static ref_tensor tensor_of(const cases_case *item, cases_tensor which, float *data) {
    for (uint64_t i = 0; i < (uint64_t)LENGTH * HEADS * DIM; ++i) {
        data[i] = cases_value(item, which, 0, i / DIM / HEADS, i / DIM % HEADS, i % DIM);
    }
    return ref_packed(data, REF_F32, LENGTH, HEADS, DIM);
}

static void print_probe(FILE *file, const cases_case *item, const answer *a, uint64_t query, uint64_t head,
                        bool first) {
    static float data[3][LENGTH * HEADS * DIM];
    const ref_lists lists = {.kind = REF_BLOCKS,
                             .q_block = 1,
                             .kv_block = BLOCK,
                             .entries = BLOCKS,
                             .rows = LENGTH,
                             .row_words = BLOCKS,
                             .heads = HEADS,
                             .dense = {LENGTH, LENGTH, false, false, -1, -1, 0},
                             .words = a->lists};
    const ref_problem problem = {.q = tensor_of(item, CASES_Q, data[0]),
                                 .k = tensor_of(item, CASES_K, data[1]),
                                 .v = tensor_of(item, CASES_V, data[2]),
                                 .heads = HEADS,
                                 .kv_heads = HEADS,
                                 .dim = DIM,
                                 .value_dim = DIM,
                                 .lists = &lists};
    double out[DIM], lse, sum = 0.0;
    uint64_t visible, row = head * LENGTH + query;
    ref_row(&problem, 0, head, query, out, &lse, &visible);
    for (int d = 0; d < DIM; ++d) {
        sum += out[d];
    }
    fprintf(file,
            "%s{\"b\":0,\"q\":%u,\"h\":%u,\"visible\":%u,\"lse\":%.9g,\"o\":[%.9g,%.9g,%.9g,%.9g],\"osum\":%."
            "9g,\"chunks\":[",
            first ? "" : ",", (unsigned)query, (unsigned)head, (unsigned)visible, lse, out[0], out[1], out[2],
            out[3], sum);
    for (uint32_t i = 0; i < a->counts[row]; ++i) {
        fprintf(file, "%s%u", i ? "," : "", a->lists[row * BLOCKS + i]);
    }
    fprintf(file, "]}");
}

/* Without an item only what the inputs need. */
static void print_case(FILE *file, unsigned n, unsigned seed, const cases_case *item, const answer *a) {
    uint64_t hash = CASES_HASH_START;
    fprintf(file, "%s{\"id\":\"vmoba-made-%u\",\"op\":\"vmoba\",\"seed\":%u,", n ? "," : "", n, seed);
    fprintf(file,
            "\"shapes\":{\"B\":1,\"total\":%d,\"seqlens\":[%d],\"Hq\":%d,\"Hkv\":%d,\"D\":%d,\"Dv\":%d},",
            LENGTH, LENGTH, HEADS, HEADS, DIM, DIM);
    fprintf(file, "\"params\":{\"chunk\":%d,\"mode\":\"%s\",\"scope\":\"%s\",", BLOCK,
            is_top(n) ? "topk" : "threshold", scope_of(n));
    fprintf(file, is_top(n) ? "\"topk\":2,\"threshold\":null," : "\"topk\":null,\"threshold\":0.3,");
    fprintf(file, "\"causal\":false},\"dtypes\":[\"f32\",\"f16\",\"bf16\"],\"macs\":1,\"expected\":{"
                  "\"ambiguous_rows\":[");
    for (unsigned row = 0, some = 0; a && row < ROWS; ++row) {
        if (a->doubt[row]) {
            fprintf(file, "%s%u", some++ ? "," : "", row);
        } else {
            hash = cases_hash(hash, a->lists + row * BLOCKS, a->counts[row]);
        }
    }
    fprintf(file, "],\"selection_hash_fnv1a64\":\"%016" PRIx64 "\",\"probes\":[", hash);
    for (unsigned row = 0, told = 0; a && row < ROWS && told < 4; row += 37) {
        if (!a->doubt[row]) {
            print_probe(file, item, a, row % LENGTH, row / LENGTH, told++ == 0);
        }
    }
    fprintf(file, "]}}");
}

/* All cases, with the answers of `known`; NULL: without. */
static bool write_and_read(const unsigned *seeds, const cases_list *known, const answer *answers,
                           cases_list *out) {
    FILE *file = fopen(FILE_NAME, "w");
    if (!file) {
        return false;
    }
    fprintf(file, "[");
    for (unsigned n = 0; n < CASES; ++n) {
        print_case(file, n, seeds[n], known ? &known->items[n] : NULL, known ? &answers[n] : NULL);
    }
    fprintf(file, "]");
    bool good = fclose(file) == 0 && cases_read(FILE_NAME, out) && out->count == CASES;
    remove(FILE_NAME);
    return good;
}

bool scope_cases(cases_list *out) {
    static const unsigned seeds[CASES] = {11, 12, 13, 14, 15};
    static answer answers[CASES];
    cases_list inputs = {0};
    bool good = write_and_read(seeds, NULL, NULL, &inputs);
    for (unsigned n = 0; good && n < CASES; ++n) {
        unsigned doubts = 0;
        good = answer_case(&inputs.items[n], n, &answers[n]);
        for (unsigned row = 0; row < ROWS; ++row) {
            doubts += answers[n].doubt[row];
        }
        good = good && doubts < ROWS / 10;
    }
    good = good && write_and_read(seeds, &inputs, answers, out);
    cases_free(&inputs);
    return good;
}
