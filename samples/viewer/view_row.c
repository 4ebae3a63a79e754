/* SPDX-License-Identifier: MIT */
#include "view_result.h"

#include <math.h>

void view_row_sum(view_row *row, const view_problem *p) {
    size_t own = (size_t)row->y * p->extent[1] + row->x;
    double entropy = 0.0;
    row->sum = row->largest = 0.0;
    row->own = row->seen[own] ? (double)row->weights[own] : 0.0;
    for (size_t i = 0; i < view_tokens(p); i++) {
        double weight = row->seen[i] ? (double)row->weights[i] : 0.0;
        row->sum += weight;
        row->largest = i != own ? fmax(row->largest, weight) : row->largest;
        entropy -= weight > 0.0 ? weight * log(weight) : 0.0;
    }
    row->like = exp(entropy);
}
