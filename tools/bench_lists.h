/* SPDX-License-Identifier: MIT
 *
 * Lists of blocks in host memory: drawn ones for attention over lists, and those that a row of sparse attention goes by, as
 * the oracle chooses them.
 */
#ifndef TOOLS_BENCH_LISTS_H
#define TOOLS_BENCH_LISTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ref.h>

#include "family.h"

/* How lists of blocks lie over queries and keys, whoever makes them. A row is the queries that share a list. */
typedef struct bench_lists {
    uint64_t batch, heads, rows, blocks, entries; /* heads: those that have lists */
    uint64_t group;                               /* query heads of each of them */
    uint64_t q_len, kv_len, q_block, kv_block;
    bool causal;
    vatten_align align;
} bench_lists;

/* Of a problem of the families lists (blocks, packed, seen as causality says and no other rule) and sparse. */
bench_lists bench_lists_of(const family_problem *problem);

/* Words of all lists, [batch][heads][rows][entries]. */
uint64_t bench_lists_words(const bench_lists *lists);

/* Where the list of a query stands in them. */
uint64_t bench_lists_at(const bench_lists *lists, uint64_t batch, uint64_t head, uint64_t query);

/* Draws `wanted` of the blocks [0, blocks), at most all, ascending; another list for each `row`. */
void bench_lists_draw(uint64_t row, uint64_t blocks, uint64_t wanted, uint32_t *list);

/* Draws them all. With causality a row gets blocks that it may see, and fewer where there are not enough. */
void bench_lists_fill(const bench_lists *lists, uint32_t *words);

/* Whether a list names a block. */
bool bench_lists_names(const bench_lists *lists, const uint32_t *list, uint64_t block);

/* The list that a query's row goes by: those blocks that the rule forces by `own` and `first`, and the best others by the
 * means of `problem`'s tensors, in double. False where the choice hangs on rounding, or without memory. */
bool bench_lists_choose(const bench_lists *lists, const vatten_selection *rule, const ref_problem *problem,
                        uint64_t batch, uint64_t head, uint64_t query, uint32_t *list);

#endif /* TOOLS_BENCH_LISTS_H */
