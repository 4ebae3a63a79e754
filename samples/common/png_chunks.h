/* SPDX-License-Identifier: MIT
 *
 * Chunks of a PNG, looked at before stb_image is: it asks for the memory that a chunk claims, up to 2 GiB, before it sees that the
 * file has less.
 */
#ifndef SAMPLES_PNG_CHUNKS_H
#define SAMPLES_PNG_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>

/* False if a chunk before the end chunk claims more bytes than the file has behind its head. True for bytes that are no PNG. */
bool png_chunks_fit(const unsigned char *bytes, size_t size);

#endif
