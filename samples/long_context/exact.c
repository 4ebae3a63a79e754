/* SPDX-License-Identifier: MIT */
#include "exact.h"

#include <math.h>
#include <stdlib.h>

#define NEAR 1e-3 /* of scores of 50 or so */

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* Empty ranges are left out. */
static uint32_t add_range(row_range *out, uint32_t count, uint64_t first, uint64_t end) {
    if (first < end) {
        out[count++] = (row_range){first, end};
    }
    return count;
}

uint32_t exact_keys(const method_rules *rules, method m, uint64_t tokens, const uint32_t *list,
                    uint64_t query, row_range *out) {
    uint64_t end = query + 1;
    uint32_t count = 0;
    if (m == METHOD_DENSE) {
        return add_range(out, 0, 0, end);
    }
    if (m == METHOD_STREAMING) {
        uint64_t window = end > rules->window ? end - rules->window : 0;
        count = add_range(out, count, 0, least(least(rules->sink, window), end));
        return add_range(out, count, window, end);
    }
    for (uint32_t i = 0; i < method_top(rules, tokens) && list[i] != VATTEN_LIST_END; i++) {
        uint64_t first = (uint64_t)list[i] * rules->block;
        count = add_range(out, count, first, least(first + rules->block, end));
    }
    return count;
}

static double product(const float *a, const float *b) {
    double sum = 0.0;
    for (uint32_t d = 0; d < TEXT_DIM; d++) {
        sum += (double)a[d] * (double)b[d];
    }
    return sum;
}

double exact_error(const text *t, const row_range *keys, uint32_t count, uint64_t query, const float *got) {
    const float *q = t->q + query * TEXT_DIM;
    double top = -INFINITY, total = 0.0, out[TEXT_DIM] = {0.0}, worst = 0.0;
    for (uint32_t r = 0; r < count; r++) {
        for (uint64_t j = keys[r].first; j < keys[r].end; j++) {
            top = fmax(top, product(q, t->k + j * TEXT_DIM));
        }
    }
    for (uint32_t r = 0; r < count; r++) {
        for (uint64_t j = keys[r].first; j < keys[r].end; j++) {
            double weight = exp((product(q, t->k + j * TEXT_DIM) - top) / sqrt(TEXT_DIM));
            total += weight;
            for (uint32_t d = 0; d < TEXT_DIM; d++) {
                out[d] += weight * (double)t->v[j * TEXT_DIM + d];
            }
        }
    }
    for (uint32_t d = 0; d < TEXT_DIM; d++) {
        double error = fabs((double)got[d] - out[d] / total);
        worst = error <= worst ? worst : error; /* NaN is worse than anything */
    }
    return worst;
}

/* ---- Lists ---- */

static double mean_product(const double *mean, const float *q) {
    double sum = 0.0;
    for (uint32_t d = 0; d < TEXT_DIM; d++) {
        sum += mean[d] * (double)q[d];
    }
    return sum;
}

static bool names(const uint32_t *list, uint32_t entries, uint64_t block) {
    for (uint32_t i = 0; i < entries; i++) {
        if (list[i] == block) {
            return true;
        }
    }
    return false;
}

static const char *row_fault(const double *means, const method_rules *rules, const uint32_t *list,
                             uint32_t top, const float *q, uint64_t query) {
    uint64_t own = query / rules->block, wanted = least(own + 1, top);
    double worst_in = INFINITY, best_out = -INFINITY;
    uint32_t used = 0;
    for (; used < top && list[used] != VATTEN_LIST_END; used++) {
        if (list[used] > own || (used && list[used] <= list[used - 1])) {
            return "a list is not ascending, or names a block that is ahead";
        }
    }
    if (used != wanted || !names(list, used, own)) {
        return "a list has another length, or lacks the query's own block";
    }
    for (uint64_t n = 0; n < own; n++) {
        double score = mean_product(means + n * TEXT_DIM, q);
        if (names(list, used, n)) {
            worst_in = fmin(worst_in, score);
        } else {
            best_out = fmax(best_out, score);
        }
    }
    return best_out > worst_in + NEAR ? "a list leaves out a better block" : NULL;
}

static void add_means(const text *t, uint32_t block, double *means) {
    for (uint64_t token = 0; token < t->desc.tokens; token++) {
        uint64_t n = token / block, count = least(t->desc.tokens - n * block, block);
        for (uint32_t d = 0; d < TEXT_DIM; d++) {
            means[n * TEXT_DIM + d] += (double)t->k[token * TEXT_DIM + d] / (double)count;
        }
    }
}

const char *exact_list_fault(const text *t, const method_rules *rules, const uint32_t *lists,
                             const uint64_t *queries, uint32_t count) {
    uint32_t top = method_top(rules, t->desc.tokens);
    double *means = calloc((size_t)method_blocks(rules, t->desc.tokens) * TEXT_DIM, sizeof(double));
    const char *fault = means ? NULL : "out of memory";
    if (means) {
        add_means(t, rules->block, means);
    }
    for (uint32_t i = 0; i < count && !fault; i++) {
        fault =
            row_fault(means, rules, lists + queries[i] * top, top, t->q + queries[i] * TEXT_DIM, queries[i]);
    }
    free(means);
    return fault;
}
