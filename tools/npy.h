/* SPDX-License-Identifier: MIT
 *
 * NumPy's .npy files, as far as the tools need them: versions 1.0, 2.0 and 3.0, little-endian f4, f2, u2 and u4,
 * C order. Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
#ifndef TOOLS_NPY_H
#define TOOLS_NPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "staged.h"

#define NPY_MAX_RANK 8
#define NPY_REASON   STAGED_REASON /* bytes that a reason needs at most */

typedef enum npy_dtype { NPY_F32, NPY_F16, NPY_U16, NPY_U32 } npy_dtype;

typedef struct npy_array {
    npy_dtype dtype;
    uint32_t rank;
    uint64_t shape[NPY_MAX_RANK];
    size_t bytes;
    void *data; /* malloc'd by npy_read */
} npy_array;

/* '<f4' and so on. */
const char *npy_dtype_name(npy_dtype dtype);
size_t npy_dtype_size(npy_dtype dtype);

/* Writes "[2, 16, 8, 64]". */
void npy_shape_text(const npy_array *array, char *out, size_t out_size);

/* False with a reason (without the path) when the file cannot be read whole and exactly. */
bool npy_read(const char *path, npy_array *out_array, char reason[NPY_REASON]);
void npy_free(npy_array *array);

/* Writes a new file beside `path` and gives its name, for staged_commit or staged_discard. False with a reason when that
 * failed. */
bool npy_stage(const char *path, const npy_array *array, char **out_temporary, char reason[NPY_REASON]);

#endif /* TOOLS_NPY_H */
