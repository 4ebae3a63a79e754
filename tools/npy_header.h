/* SPDX-License-Identifier: MIT
 *
 * The head of a .npy file, in memory: read and made without any file. What is read may hold anything.
 * Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
#ifndef TOOLS_NPY_HEADER_H
#define TOOLS_NPY_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "staged.h"

#define NPY_MAX_RANK   8
#define NPY_REASON     STAGED_REASON /* bytes that a reason needs at most */
#define NPY_START      12            /* bytes that tell how long a head is */
#define NPY_HEADER_MAX 320           /* bytes of a head that is made here */

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

/* Bytes before the data of a file of `file_size` bytes that begins with the `size` bytes of `start`; NPY_START suffice. 0 with a
 * reason if it is no .npy file, or ends before them. */
uint64_t npy_header_size(const void *start, size_t size, uint64_t file_size, char reason[NPY_REASON]);

/* Reads a head of `size` bytes, as npy_header_size gave it: dtype, shape and bytes of data, which must be all that the file still
 * has. False with a reason. */
bool npy_header_read(const void *head, size_t size, uint64_t file_size, npy_array *out,
                     char reason[NPY_REASON]);

/* Writes a head of version 1.0, padded so that the data start at a multiple of 64. Returns its length. */
size_t npy_header_make(const npy_array *array, char out[NPY_HEADER_MAX]);

#endif /* TOOLS_NPY_HEADER_H */
