/* SPDX-License-Identifier: MIT
 *
 * The tables of `vatten_bench sparse`: Markdown, CSV, JSON.
 */
#ifndef TOOLS_SPARSE_REPORT_H
#define TOOLS_SPARSE_REPORT_H

#include "bench_suite.h"
#include "sparse_race.h"

enum { SPARSE_MEMORY_LINES = 5 };

/* Workspace of plans of so many tokens. */
typedef struct sparse_memory {
    uint64_t tokens;
    uint64_t by_block; /* q_block and kv_block 128, 16 entries */
    /* q_block 1, kv_block 512, 3 entries, by both executions, and with max_workspace 1 MiB */
    uint64_t joined, joined_bounded;
    uint64_t gathered, gathered_bounded;
} sparse_memory;

typedef struct sparse_result {
    bench_run run;
    const sparse_case *cases;
    sparse_row *rows;
    size_t count;
    bool with_memory; /* as of suites with selection */
    sparse_memory memory[SPARSE_MEMORY_LINES];
    size_t memory_count;
} sparse_result;

/* The print and the add of a bench_suite whose user is a sparse_result. */
void sparse_report_print(const void *user, bench_form form);
void sparse_report_add(const void *user, cJSON *document);

#endif /* TOOLS_SPARSE_REPORT_H */
