/* SPDX-License-Identifier: MIT
 *
 * Numbers as buffers hold them: f32, f16, bf16.
 */
#ifndef DECODE_STORAGE_H
#define DECODE_STORAGE_H

#include <stddef.h>

#include <vatten/vatten.h>

const char *storage_name(vatten_dtype dtype);
size_t storage_bytes(vatten_dtype dtype);

/* Rounds to nearest even. */
void storage_write(vatten_dtype dtype, const float *numbers, size_t count, void *out);
void storage_read(vatten_dtype dtype, const void *stored, size_t count, double *out);

#endif
