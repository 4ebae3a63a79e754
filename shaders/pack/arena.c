/* SPDX-License-Identifier: MIT */
#include "arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 20 };

struct arena_piece {
    struct arena_piece *before;
    size_t used, room;
    max_align_t memory[];
};

static struct arena_piece *new_piece(arena *a, size_t bytes) {
    size_t room = bytes > PIECE ? bytes : PIECE;
    struct arena_piece *piece = calloc(1, sizeof *piece + room);
    if (!piece) {
        fprintf(stderr, "vatten_pack: out of memory\n");
        exit(1);
    }
    piece->room = room;
    piece->before = a->last;
    a->last = piece;
    return piece;
}

void *arena_take(arena *a, size_t bytes) {
    bytes = (bytes + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    struct arena_piece *piece = a->last;
    if (!piece || piece->room - piece->used < bytes)
        piece = new_piece(a, bytes);
    void *memory = (char *)piece->memory + piece->used;
    piece->used += bytes;
    return memory;
}

void arena_free(arena *a) {
    while (a->last) {
        struct arena_piece *before = a->last->before;
        free(a->last);
        a->last = before;
    }
}

void *arena_grown(arena *a, void *array, size_t count, size_t item) {
    if (count != 0 && (count < ARENA_FIRST || (count & (count - 1)) != 0))
        return array;
    void *larger = arena_take(a, (count ? 2 * count : ARENA_FIRST) * item);
    if (count)
        memcpy(larger, array, count * item);
    return larger;
}
