/* SPDX-License-Identifier: MIT
 *
 * A picture in memory: read, written.
 */
#ifndef SAMPLES_PHOTO_H
#define SAMPLES_PHOTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Rows of RGB, packed, in whole levels, as a file holds them: a large photograph takes no more memory than it
 * must. All zero: no photograph. */
typedef struct photo {
    uint32_t width;
    uint32_t height;
    uint8_t *rgb; /* [height][width][3] */
} photo;

/* False when memory is short; pixels are 0. */
bool photo_create(photo *out, uint32_t width, uint32_t height);
void photo_destroy(photo *image);
size_t photo_values(const photo *image); /* width x height x 3 */

/* Reads a PNG or JPEG as 8-bit RGB: alpha is dropped, grey is repeated, 16 bits are cut to 8, the orientation
 * tag of a JPEG is ignored. On failure `out` is empty and the reason was printed with the file's name. */
bool photo_load(photo *out, const char *path);

/* The same of a file's bytes in memory, `name` for what is said. Refused unless it claims at most so many pixels, which is asked
 * before anything is decoded: a small file can claim to hold gigabytes. */
bool photo_decode(photo *out, const unsigned char *bytes, int size, uint64_t most_pixels, const char *name);

/* Writes an 8-bit PNG. */
bool photo_save(const photo *image, const char *path);

/* True if the name ends in .png; complains otherwise. */
bool photo_is_png(const char *path);

/* True if a file of that name can be written; asks before minutes of work, leaves no file behind. Prints why
 * not. */
bool photo_can_save(const char *path);

/* The nearest level of 0..255. */
uint8_t photo_level(double value);

#endif
