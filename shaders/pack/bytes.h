/* SPDX-License-Identifier: MIT
 *
 * A pack as the bytes that lib/unpack.h describes.
 */
#ifndef PACK_BYTES_H
#define PACK_BYTES_H

#include "pack.h"

typedef struct packed_bytes {
    arena *memory;
    uint8_t *list;
    size_t count;
    uint32_t *templates; /* where each begins */
    size_t template_count;
    uint32_t *blocks; /* and each block, and where the last ends */
    size_t block_count;
    uint32_t *modules; /* and each module */
} packed_bytes;

void bytes_of(const pack *p, packed_bytes *out);

#endif
