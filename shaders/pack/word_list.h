/* SPDX-License-Identifier: MIT
 *
 * Words one behind the other, as many as come.
 */
#ifndef PACK_WORD_LIST_H
#define PACK_WORD_LIST_H

#include "arena.h"

#include <stdint.h>

typedef struct word_list {
    arena *memory;
    uint32_t *list;
    size_t count, room;
} word_list;

static inline void words_add(word_list *w, uint32_t word) {
    if (w->count == w->room) {
        w->list = arena_grown(w->memory, w->list, w->count, sizeof word);
        w->room = w->room ? 2 * w->room : ARENA_FIRST;
    }
    w->list[w->count++] = word;
}

#endif
