/* SPDX-License-Identifier: MIT
 *
 * Texts of words, each kept once: a text has the number in which order it came first.
 */
#ifndef PACK_TEXTS_H
#define PACK_TEXTS_H

#include "arena.h"

#include <stdint.h>

typedef struct text {
    const uint32_t *words;
    size_t count;
} text;

typedef struct texts {
    arena *memory;
    text *list;
    uint32_t count;
    uint32_t *places; /* a hash table of numbers, each one more than it is */
    size_t place_count;
} texts;

/* The number of the text, which is copied if it is new. */
uint32_t texts_number(texts *t, const uint32_t *words, size_t count);

#endif
