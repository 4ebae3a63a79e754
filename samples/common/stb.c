/* SPDX-License-Identifier: MIT
 *
 * The bodies of the stb headers (Sean Barrett, public domain), once.
 */
#include <stdlib.h>

/* Zeroed: stb_image follows Huffman tables and gives out pixels that a damaged JPEG never filled in. */
#define STBI_MALLOC(size)          calloc(1, size)
#define STBI_REALLOC(memory, size) realloc(memory, size)
#define STBI_FREE(memory)          free(memory)

#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_FAILURE_USERMSG /* reasons that a reader understands */
#define STB_IMAGE_IMPLEMENTATION
#include <stb_image.h>

#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>
