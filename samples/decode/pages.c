/* SPDX-License-Identifier: MIT */
#include "pages.h"

#include <stdlib.h>

#include "complain.h"

static void shuffle(uint32_t *order, uint32_t count, uint64_t state) {
    for (uint32_t i = 0; i < count; i++) {
        order[i] = i;
    }
    for (uint32_t i = count; i > 1; i--) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint32_t other = (uint32_t)(state >> 33) % i, kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}

bool pages_create(pages *p, const vatten_tables *at, uint32_t batch, uint32_t page, uint32_t pool,
                  uint32_t seed) {
    *p = (pages){.at = *at, .batch = batch, .page = page, .pool = pool};
    p->tables = calloc(1, (size_t)at->bytes);
    p->order = malloc(pool * sizeof(uint32_t));
    p->held = calloc(batch, sizeof(uint32_t));
    if (!p->tables || !p->order || !p->held) {
        return complain("out of memory for %u pages", pool);
    }
    shuffle(p->order, pool, seed);
    for (uint64_t i = 0; i < batch * at->row_pages; i++) {
        p->tables[at->pages / 4 + i] = UINT32_MAX; /* no page yet */
    }
    return true;
}

void pages_destroy(pages *p) {
    free(p->tables);
    free(p->order);
    free(p->held);
}

static uint32_t *page_of(const pages *p, uint32_t entry, uint64_t index) {
    return p->tables + p->at.pages / 4 + entry * p->at.row_pages + index;
}

void pages_set_length(pages *p, uint32_t entry, uint64_t length) {
    p->tables[p->at.kv_lengths / 4 + entry] = (uint32_t)length;
    while ((uint64_t)p->held[entry] * p->page < length) {
        *page_of(p, entry, p->held[entry]++) = p->order[p->used++];
    }
}

uint64_t pages_length(const pages *p, uint32_t entry) {
    return p->tables[p->at.kv_lengths / 4 + entry];
}

uint64_t pages_place(const pages *p, uint32_t entry, uint64_t token) {
    return (uint64_t)*page_of(p, entry, token / p->page) * p->page + token % p->page;
}
