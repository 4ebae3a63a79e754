/* SPDX-License-Identifier: MIT
 *
 * NumPy's .npy files, as far as the tools need them: versions 1.0, 2.0 and 3.0, little-endian f4, f2, u2 and u4,
 * C order. Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
#ifndef TOOLS_NPY_H
#define TOOLS_NPY_H

#include "npy_header.h"

/* False with a reason (without the path) when the file cannot be read whole and exactly. */
bool npy_read(const char *path, npy_array *out_array, char reason[NPY_REASON]);
void npy_free(npy_array *array);

/* Writes a new file beside `path` and gives its name, for staged_commit or staged_discard. False with a reason when that
 * failed. */
bool npy_stage(const char *path, const npy_array *array, char **out_temporary, char reason[NPY_REASON]);

#endif /* TOOLS_NPY_H */
