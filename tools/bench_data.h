/* SPDX-License-Identifier: MIT
 *
 * A problem's tensors in host memory, and what the oracle says about a result.
 */
#ifndef TOOLS_BENCH_DATA_H
#define TOOLS_BENCH_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "family.h"

typedef enum bench_slot {
    BENCH_Q,
    BENCH_K,
    BENCH_V,
    BENCH_OUT,
    BENCH_LSE,
    BENCH_EXTRA_K,
    BENCH_EXTRA_V,
    BENCH_LISTS,
    BENCH_SLOTS
} bench_slot;

/* Packed tensors in storage form; NULL and 0 where the problem has none. Inputs are random with unit
 * variance, lists are drawn (bench_lists.h), the outputs are filled with NaN, so that rows nobody wrote are seen. */
typedef struct bench_data {
    void *data[BENCH_SLOTS];
    size_t bytes[BENCH_SLOTS];
} bench_data;

bool bench_data_make(const family_problem *problem, const family_shape *shape, bench_data *out_data);
void bench_data_free(bench_data *data);

typedef struct bench_check {
    bool right;
    uint32_t rows;    /* compared with the oracle */
    double worst;     /* largest absolute error of out */
    double worst_lse; /* and of the LSE; 0 when it is not written */
    uint64_t broken;  /* elements of out or lse that are NaN or, in out, infinite; counted over all rows */
} bench_check;

/* Compares `sample` rows of data's OUT and LSE (downloaded before) with the oracle, among them the first and
 * the last row, and looks at every element for NaN. Where blocks are selected, the oracle chooses its own; for a row whose
 * choice hangs on rounding the next one is compared. `layout` is the plan's: PACKED has an LSE of less precision. */
void bench_data_check(const family_problem *problem, const family_shape *shape, const bench_data *data,
                      vatten_layout layout, uint32_t sample, bench_check *out_check);

#endif /* TOOLS_BENCH_DATA_H */
