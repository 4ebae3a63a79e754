/* SPDX-License-Identifier: MIT
 *
 * Words that no list or table should hold, for tests of what shaders make of them.
 */
#ifndef HOSTILE_WORDS_H
#define HOSTILE_WORDS_H

#include <stdint.h>

/* Word `i` of the stream `seed`, where words below `edge` name something: 0, the words around the edge, those that are
 * negative as int or become small when they are multiplied by a block's size, any word below the edge, and any at all. */
uint32_t hostile_word(uint64_t seed, uint64_t i, uint64_t edge);

/* A word that names nothing, and is not UINT32_MAX. */
uint32_t hostile_outside(uint64_t seed, uint64_t i, uint64_t edge);

/* A word below `edge`. */
uint32_t hostile_inside(uint64_t seed, uint64_t i, uint64_t edge);

#endif /* HOSTILE_WORDS_H */
