/* SPDX-License-Identifier: MIT
 *
 * The host's side of a paged cache: which page of the pool holds which tokens. Pages are handed out in a shuffled order, one
 * when the first token of a page comes.
 */
#ifndef DECODE_PAGES_H
#define DECODE_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include <vatten/vatten.h>

typedef struct pages {
    vatten_tables at;
    uint32_t batch, page, pool;
    uint32_t *tables; /* as the GPU reads them */
    uint32_t *order;  /* pages of the pool, shuffled: the first `used` are taken */
    uint32_t used;
    uint32_t *held; /* pages of each entry */
} pages;

/* `page` is the tokens of a page, `pool` how many pages there are: enough for all entries. False after a message; destroy it
 * in either case. */
bool pages_create(pages *p, const vatten_tables *at, uint32_t batch, uint32_t page, uint32_t pool,
                  uint32_t seed);
void pages_destroy(pages *p);

/* The entry has so many tokens now; takes the pages that it lacks. */
void pages_set_length(pages *p, uint32_t entry, uint64_t length);
uint64_t pages_length(const pages *p, uint32_t entry);

/* Where a token stands, in tokens from the pool's begin. */
uint64_t pages_place(const pages *p, uint32_t entry, uint64_t token);

#endif
