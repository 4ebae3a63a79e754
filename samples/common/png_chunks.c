/* SPDX-License-Identifier: MIT */
#include "png_chunks.h"

#include <string.h>

enum { SIGNATURE = 8, CHUNK_HEAD = 8, CHECKSUM = 4 };

/* Big-endian, as all numbers of a PNG. */
static size_t length_at(const unsigned char *bytes) {
    return (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
}

/* What follows the end chunk is not read by anybody, and a checksum that the file's end cuts off is not asked for. */
bool png_chunks_fit(const unsigned char *bytes, size_t size) {
    static const unsigned char signature[SIGNATURE] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    if (size < SIGNATURE || memcmp(bytes, signature, SIGNATURE) != 0) {
        return true;
    }
    bytes += SIGNATURE;
    size -= SIGNATURE;
    while (size >= CHUNK_HEAD && memcmp(bytes + 4, "IEND", 4) != 0) {
        size_t length = length_at(bytes);
        if (length > size - CHUNK_HEAD) {
            return false;
        }
        size_t chunk = CHUNK_HEAD + length + CHECKSUM;
        chunk = chunk < size ? chunk : size;
        bytes += chunk;
        size -= chunk;
    }
    return true;
}
