/* SPDX-License-Identifier: MIT
 *
 * What vatten_bench runs: lists of sizes multiplied out into problems, and named suites, which are nothing
 * but written down command lines.
 */
#ifndef TOOLS_BENCH_SWEEP_H
#define TOOLS_BENCH_SWEEP_H

#include <stdbool.h>
#include <stddef.h>

#include "bench_suites.h"
#include "family.h"
#include "options.h"

/* One line of the result. */
typedef struct bench_problem {
    family_id id;
    family_shape shape;
    family_options options;
    bool causal;
    char name[160];
    char dense_name[160]; /* the name without causality: what a causal line is compared with */
} bench_problem;

typedef struct bench_list {
    bench_problem *items;
    size_t count;
    size_t capacity;
} bench_list;

/* The lists of one command line; zero-initialise, then set batch. */
typedef struct sweep_options {
    family_options family;
    option_ints dims, heads, kv_heads, dtypes, causal;
    option_shapes lens;                                 /* all but neighborhood */
    option_ints q_blocks, kv_blocks, entries;           /* lists, sparse */
    option_shapes extents, windows, strides, dilations; /* neighborhood */
    uint64_t batch, extra_len;
    bool lse;
} sweep_options;

/* The table of a family's lists, and of the rule options that are no lists. */
option_table sweep_table(family_id id, sweep_options *options);

/* True when some list was given. */
bool sweep_has_lists(const sweep_options *options);

/* Appends all combinations. False, and said, when a list is missing or does not fit. Free with sweep_free. */
bool sweep_expand(family_id id, const sweep_options *options, bench_list *list);

/* Appends a suite of the commands attention and neighborhood; kernel options (layout, tile, ...) are taken from `base`. */
bool sweep_expand_suite(const bench_entry *suite, const sweep_options *base, bench_list *list);

/* What a command line asks for: a suite, lists, or neither (NULL, no list, no family named), which is the first suite. */
bool sweep_problems(family_id id, bool family_named, const bench_entry *suite, const sweep_options *options,
                    bench_list *list);

void sweep_free(bench_list *list);

#endif /* TOOLS_BENCH_SWEEP_H */
