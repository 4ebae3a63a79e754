/* SPDX-License-Identifier: MIT
 *
 * Attention of some decoded tokens in double, with plain loops over all tokens so far.
 */
#ifndef DECODE_EXACT_H
#define DECODE_EXACT_H

#include "tokens.h"

/* `rows` tokens of an entry that has `length` tokens with them, at its end. Queries and what the device made of them,
 * [rows][heads][dim], as the buffers hold them. */
typedef struct exact_step {
    uint32_t entry, rows;
    uint64_t length;
    const void *q, *out;
} exact_step;

/* The largest difference; infinite where something is no number, or memory is short. */
double exact_error(const tokens *t, const exact_step *step);

/* What passes: rounding of the output, and sums in f32. */
double exact_tolerance(vatten_dtype dtype);

#endif
