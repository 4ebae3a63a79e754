/* SPDX-License-Identifier: MIT */
#include "texts.h"

#include <string.h>

enum { FIRST_PLACES = 1 << 10 };

/* FNV-1a, by words. */
static uint64_t hash_of(const uint32_t *words, size_t count) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < count; ++i)
        hash = (hash ^ words[i]) * 0x100000001b3u;
    return hash ^ hash >> 29;
}

/* The place of the text, or the free one where it belongs. */
static uint32_t *place_of(const texts *t, const uint32_t *words, size_t count) {
    size_t place = (size_t)hash_of(words, count) & (t->place_count - 1);
    for (;; place = (place + 1) & (t->place_count - 1)) {
        uint32_t number = t->places[place];
        if (number == 0)
            return &t->places[place];
        const text *known = &t->list[number - 1];
        if (known->count == count && memcmp(known->words, words, count * sizeof *words) == 0)
            return &t->places[place];
    }
}

static void make_room(texts *t) {
    if (t->count < t->place_count / 2)
        return;
    t->place_count = t->place_count ? 2 * t->place_count : FIRST_PLACES;
    t->places = arena_take(t->memory, t->place_count * sizeof *t->places);
    for (uint32_t i = 0; i < t->count; ++i)
        *place_of(t, t->list[i].words, t->list[i].count) = i + 1;
}

uint32_t texts_number(texts *t, const uint32_t *words, size_t count) {
    make_room(t);
    uint32_t *place = place_of(t, words, count);
    if (*place == 0) {
        uint32_t *copy = arena_take(t->memory, (count + 1) * sizeof *copy);
        memcpy(copy, words, count * sizeof *words);
        t->list = arena_grown(t->memory, t->list, t->count, sizeof *t->list);
        t->list[t->count++] = (text){copy, count};
        *place = t->count;
    }
    return *place - 1;
}
