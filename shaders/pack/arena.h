/* SPDX-License-Identifier: MIT
 *
 * Memory of the packer: taken piece by piece, given back at once. It never fails: without memory the program ends.
 */
#ifndef PACK_ARENA_H
#define PACK_ARENA_H

#include <stddef.h>

typedef struct arena {
    struct arena_piece *last;
} arena;

/* Zeroed, aligned for any type. */
void *arena_take(arena *a, size_t bytes);
void arena_free(arena *a);

enum { ARENA_FIRST = 16 };

/* An array that holds `count` and needs one more: twice as long where it is full, from ARENA_FIRST on. Also in the arena. */
void *arena_grown(arena *a, void *array, size_t count, size_t item);

#endif
