/* SPDX-License-Identifier: MIT
 *
 * vatten_tune: a picture of the grid as one query and its workgroup see it. What is seen is asked of the oracle
 * (tests/ref), token by token, so that the picture does not repeat what the library believes.
 */
#ifndef TOOLS_TUNE_PICTURE_H
#define TOOLS_TUNE_PICTURE_H

#include <vatten/vatten.h>

#include <stdbool.h>

/* Writes a PNG; `query` is a token of the grid, `estimate` gives box and tile. Says why it failed. */
bool tune_write_picture(const char *path, const vatten_neighborhood_desc *desc,
                        const vatten_estimate *estimate, const uint64_t query[3]);

#endif /* TOOLS_TUNE_PICTURE_H */
