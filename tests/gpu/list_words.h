/* SPDX-License-Identifier: MIT
 *
 * Random lists for problems of the harness, by the problem's seed.
 */
#ifndef VATTEN_LIST_WORDS_H
#define VATTEN_LIST_WORDS_H

#include "gpu_harness.h"

/* A number below `below`. */
uint64_t list_below(uint64_t seed, uint64_t i, uint64_t below);

/* Blocks that so many tokens make. */
uint64_t list_blocks(uint64_t tokens, uint64_t block);

/* All that follow are the caller's to free. Room for all lists of a problem, every word VATTEN_LIST_END. */
uint32_t *list_words_new(const gpu_problem *p, uint64_t *out_lists);

/* Lists of blocks by density in percent; 100: all there are. A list is cut off at `entries`. */
uint32_t *list_words_blocks(const gpu_problem *p, uint64_t density);

/* Ranges: queries cut anywhere, in no order; ranges of keys that begin anywhere, end past the keys, are empty. */
uint32_t *list_words_ranges(const gpu_problem *p);

/* Single keys: in no order, twice, none in between, past the end. */
uint32_t *list_words_keys(const gpu_problem *p);

#endif /* VATTEN_LIST_WORDS_H */
