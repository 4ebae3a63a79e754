/* SPDX-License-Identifier: MIT
 *
 * vatten_tune: the tiles that a device might take. Whether one fits a problem is for the library to say.
 */
#ifndef TOOLS_TUNE_SPACE_H
#define TOOLS_TUNE_SPACE_H

#include <stdbool.h>
#include <stddef.h>

#include <vatten/vatten.h>

typedef struct tune_space {
    vatten_tile *tiles;
    size_t count;
} tune_space;

/* Tiles of one layout, or of all that AUTO may choose from (STREAM only with `stream`, as it serves kernels with rules):
 * what the table has for each layout, as a tile without sizes, and variants. Lanes of MATRIX are left to the
 * library. False, and said, without memory. */
bool tune_space_make(const vatten_device_info *device, vatten_layout layout, bool stream,
                     tune_space *out_space);
void tune_space_free(tune_space *space);

/* How far two tiles lie apart: doublings of their sizes, and another layout beyond all of them. */
double tune_space_distance(const vatten_tile *a, const vatten_tile *b);

bool tune_space_same(const vatten_tile *a, const vatten_tile *b);

#endif /* TOOLS_TUNE_SPACE_H */
