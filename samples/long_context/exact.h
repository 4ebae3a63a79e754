/* SPDX-License-Identifier: MIT
 *
 * The definitions once more, in double with plain loops, for some rows.
 */
#ifndef LONG_CONTEXT_EXACT_H
#define LONG_CONTEXT_EXACT_H

#include "methods.h"

/* The keys that a query sees, ascending and apart; `out` has room for two ranges and for one of each block of `list`, which
 * only MoBA has. Returns how many. */
uint32_t exact_keys(const method_rules *rules, method m, uint64_t tokens, const uint32_t *list,
                    uint64_t query, row_range *out);

/* The largest difference of one output row from softmax attention over those keys. */
double exact_error(const text *t, const row_range *keys, uint32_t count, uint64_t query, const float *got);

/* Whether lists are what MoBA says, for the given queries: the own block and, of those before, the ones with the largest
 * q . mean k. Scores that differ by rounding alone may change places. NULL if so, else what is wrong. */
const char *exact_list_fault(const text *t, const method_rules *rules, const uint32_t *lists,
                             const uint64_t *queries, uint32_t count);

#endif
