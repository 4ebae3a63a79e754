/* SPDX-License-Identifier: MIT
 *
 * Sums over rows of probabilities, one row at a time.
 */
#include "ref_mass.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A row of probabilities, which the caller frees. */
static double *row_of(const ref_problem *problem, uint64_t b, uint64_t h, uint64_t query) {
    double *p = malloc((ref_key_count(problem) + 1) * sizeof *p);
    if (!p) {
        fprintf(stderr, "oracle: out of memory\n");
        abort();
    }
    ref_probabilities(problem, b, h, query, p);
    return p;
}

void ref_column_sums(const ref_problem *problem, uint64_t b, uint64_t h, uint64_t first, uint64_t end,
                     const double *w, double *sums) {
    uint64_t keys = ref_key_count(problem);
    for (uint64_t j = 0; j < keys; ++j) {
        sums[j] = 0.0;
    }
    for (uint64_t i = first; i < end; ++i) {
        double *p = row_of(problem, b, h, i);
        for (uint64_t j = 0; j < keys; ++j) {
            sums[j] += (w ? w[i - first] : 1.0) * p[j];
        }
        free(p);
    }
}

void ref_segment_sums(const ref_problem *problem, uint64_t b, uint64_t h, uint64_t query,
                      const uint32_t *segment, uint64_t segments, double *sums) {
    double *p = row_of(problem, b, h, query);
    for (uint64_t s = 0; s < segments; ++s) {
        sums[s] = 0.0;
        for (uint64_t j = 0; j < ref_key_count(problem); ++j) {
            sums[s] += segment[j] == s ? p[j] : 0.0;
        }
    }
    free(p);
}

double ref_row_entropy(const ref_problem *problem, uint64_t b, uint64_t h, uint64_t query) {
    double *p = row_of(problem, b, h, query), entropy = 0.0;
    for (uint64_t j = 0; j < ref_key_count(problem); ++j) {
        entropy -= p[j] > 0.0 ? p[j] * log(p[j]) : 0.0;
    }
    free(p);
    return entropy;
}

void ref_block_maxima(const ref_problem *problem, uint64_t b, uint64_t h, uint64_t query, uint64_t block,
                      double *maxima) {
    double *p = row_of(problem, b, h, query);
    for (uint64_t j = 0; j < ref_key_count(problem); ++j) {
        double *most = &maxima[j / block];
        *most = j % block == 0 ? p[j] : fmax(*most, p[j]);
    }
    free(p);
}
