/* SPDX-License-Identifier: MIT
 *
 * Huffman tables of a JPEG, looked at before stb_image is: its versions before 2.28 write past their own tables where a file says
 * that one has more than 256 codes, and read from wherever that leads.
 */
#ifndef SAMPLES_JPEG_TABLES_H
#define SAMPLES_JPEG_TABLES_H

#include <stdbool.h>
#include <stddef.h>

/* False if any table that a decoder could meet has more codes than there are. True for bytes that are no JPEG. */
bool jpeg_tables_fit(const unsigned char *bytes, size_t size);

#endif
