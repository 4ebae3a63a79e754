/* SPDX-License-Identifier: MIT
 *
 * Names of files. Those of a sequence may be given one by one or as one name with a number in it, as in
 * frame-%03d.png, as ffmpeg has it.
 */
#ifndef DENOISE_NAMES_H
#define DENOISE_NAMES_H

#include <stdbool.h>
#include <stdint.h>

typedef struct names {
    uint32_t count;
    char **name;
} names;

void names_destroy(names *list);

/* True for a name with %d, %3d or %03d in it. */
bool names_has_number(const char *pattern);

/* The files that the arguments mean. One with a number, that is not itself a file, means those that exist,
 * counted on from the first of 0 to 4. False after a message. */
bool names_of_inputs(names *out, char *const *args, uint32_t count);

/* `count` files to write: the name itself if it has no number, which is refused for more than one; else
 * numbered from 1. False after a message. */
bool names_of_outputs(names *out, const char *name, uint32_t count);

#endif
