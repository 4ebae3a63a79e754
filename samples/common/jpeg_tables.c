/* SPDX-License-Identifier: MIT */
#include "jpeg_tables.h"

enum { MOST_CODES = 256, COUNTS = 16 };

/* Big-endian; 0 behind the end, as stb_image reads. */
static size_t word_at(const unsigned char *bytes, size_t size, size_t at) {
    return at + 2 <= size ? (size_t)bytes[at] << 8 | bytes[at + 1] : 0;
}

/* A segment of `length` bytes at `at` may have several: each a byte that names it, how many codes of each length there are, and
 * their values. What is missing in the file is 0. */
static bool tables_fit(const unsigned char *bytes, size_t size, size_t at, size_t length) {
    for (size_t end = at + length; at < end;) {
        size_t codes = 0;
        for (size_t i = at + 1; i < at + 1 + COUNTS && i < size; ++i) {
            codes += bytes[i];
        }
        if (codes > MOST_CODES) {
            return false;
        }
        at += 1 + COUNTS + codes;
    }
    return true;
}

/* Segments of a length that decoders skip as a whole, or whose length they hold to be what it must be. */
static bool has_length(unsigned char marker) {
    return (marker >= 0xE0 && marker <= 0xEF) || marker == 0xFE || /* application's, comment */
           (marker >= 0xC0 && marker <= 0xC2) ||                   /* frame */
           marker == 0xC4 ||
           (marker >= 0xDA && marker <= 0xDD); /* Huffman tables; scan, quantization, lines, restarts */
}

/* Marker by marker, coded data between them skipped: a marker is any byte but 0 after one of 0xFF or more. */
bool jpeg_tables_fit(const unsigned char *bytes, size_t size) {
    if (size == 0 || bytes[0] != 0xFF) {
        return true;
    }
    for (size_t at = 0; at < size;) {
        if (bytes[at++] != 0xFF) {
            continue;
        }
        while (at < size && bytes[at] == 0xFF) {
            at++;
        }
        unsigned char marker = at < size ? bytes[at++] : 0;
        size_t length = has_length(marker) ? word_at(bytes, size, at) : 0;
        if (marker == 0xC4 && length > 2 && !tables_fit(bytes, size, at + 2, length - 2)) {
            return false;
        }
        at += length;
    }
    return true;
}
