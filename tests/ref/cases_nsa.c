/* SPDX-License-Identifier: MIT
 *
 * Which blocks NSA's selected branch chooses, in double, as its definition says (Yuan et al., Native Sparse Attention, 2025,
 * section 3.3.2): shares of a softmax over the means of the blocks that are complete, summed over the heads of a group.
 */
#include "cases.h"

#include <math.h>
#include <stdlib.h>

/* The means of one head's keys, [blocks][dim]. */
double *cases_nsa_means(const cases_case *item, uint64_t b, uint64_t kv_head) {
    uint64_t tokens = item->dense.kv_len, block = item->selection.block,
             blocks = (tokens + block - 1) / block;
    double *means = calloc(blocks * item->dim, sizeof *means);
    for (uint64_t token = 0; means && token < tokens; ++token) {
        uint64_t n = token / block, size = tokens - n * block < block ? tokens - n * block : block;
        for (uint64_t d = 0; d < item->dim; ++d) {
            means[n * item->dim + d] +=
                (double)cases_value(item, CASES_K, b, token, kv_head, d) / (double)size;
        }
    }
    return means;
}

static void add_shares(const cases_case *item, const double *means, uint64_t b, uint64_t head, uint64_t query,
                       double *shares) {
    uint64_t complete = (query + 1) / item->selection.block;
    double scale = item->scale != 0.0 ? item->scale : 1.0 / sqrt((double)item->dim);
    double *score = calloc(complete + 1, sizeof *score), top = -INFINITY, sum = 0.0;
    for (uint64_t d = 0; score && d < item->dim; ++d) {
        double q = (double)cases_value(item, CASES_Q, b, query, head, d) * scale;
        for (uint64_t n = 0; n < complete; ++n) {
            score[n] += q * means[n * item->dim + d];
        }
    }
    for (uint64_t n = 0; score && n < complete; ++n) {
        top = fmax(top, score[n]);
    }
    for (uint64_t n = 0; score && n < complete; ++n) {
        sum += exp(score[n] - top);
    }
    for (uint64_t n = 0; score && n < complete; ++n) {
        shares[n] += exp(score[n] - top) / sum;
    }
    free(score);
}

/* The first, the own and the one before it, and of the rest the best by their shares over all heads of the group. */
uint32_t cases_nsa_row(const cases_case *item, const double *means, uint64_t b, uint64_t kv_head,
                       uint64_t query, uint32_t *list) {
    uint64_t group = item->heads / item->kv_heads, own = query / item->selection.block;
    double *shares = calloc(own + 1, sizeof *shares);
    uint32_t count = 0;
    for (uint64_t g = 0; shares && g < group; ++g) {
        add_shares(item, means, b, kv_head * group + g, query, shares);
    }
    for (uint64_t n = 0; shares && n <= own; ++n) {
        shares[n] = n == 0 || n + 1 >= own ? INFINITY : shares[n];
    }
    for (uint64_t n = 0; shares && n <= own; ++n) { /* in, if fewer than `entries` are better */
        uint64_t better = 0;
        for (uint64_t m = 0; m <= own; ++m) {
            better += shares[m] > shares[n] || (shares[m] == shares[n] && m > n);
        }
        if (better < item->selection.entries) {
            list[count++] = (uint32_t)n;
        }
    }
    free(shares);
    return count;
}
