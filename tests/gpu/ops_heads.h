/* SPDX-License-Identifier: MIT
 *
 * What families of the op matrix read of a row of numbers in the same way. Whatever the numbers, the result is valid.
 */
#ifndef VATTEN_OPS_HEADS_H
#define VATTEN_OPS_HEADS_H

#include "gpu_harness.h"
#include "ops_case.h"

#define FIELD(name) (c->field[OPS_##name]) /* of the case `c` */

uint64_t ops_bounded(uint64_t value, uint64_t low, uint64_t high);
uint64_t ops_digit(uint64_t digits, uint64_t base, uint32_t place);

/* F32, F16 or BF16; F32 where the device has not the other. */
vatten_dtype ops_dtype(const gpu *g, uint64_t field);

/* Heads that have masks, biases or lists of their own: all, one for each KV head, one. */
uint32_t ops_heads_of(const vatten_heads *h, uint64_t which);

/* By the field `order`: token-major or head-major, with gaps of a few elements; 0 is packed. */
vatten_strides ops_strides(const ops_case *c, uint32_t tensor, uint64_t tokens, uint64_t heads, uint64_t dim);

/* A layout that the problem cannot take, or the device not carry, becomes one of those that everything has. */
vatten_layout ops_layout(const gpu *g, const ops_case *c, const gpu_problem *p);

/* Without strides and a tile. */
void ops_set_heads(const gpu *g, const ops_case *c, vatten_heads *h);

/* Of vatten_args: all of the plan's, none, or so many. */
uint64_t ops_length_now(uint64_t field, uint64_t length);

/* Keys of bytes: dims are whole blocks. */
void ops_set_bytes(const ops_case *c, vatten_heads *h);

/* Lengths, sequences and pages, once kv_len is known. */
void ops_set_places(const ops_case *c, vatten_attention_desc *d);

#endif /* VATTEN_OPS_HEADS_H */
