/* SPDX-License-Identifier: MIT
 *
 * Descs of attention from raw bytes: any bytes are one, but pointers point, bools are bools, and the fields that nearly all
 * random values are refused for come near to what is allowed, so that others matter too. `bits` chooses among likely values.
 */
#ifndef VATTEN_FUZZ_DESCS_H
#define VATTEN_FUZZ_DESCS_H

#include <vatten/vatten.h>

#include <stddef.h>

void fuzz_mend_heads(vatten_heads *heads, uint8_t bits);
void fuzz_mend_boxes(vatten_boxes *boxes);

void fuzz_dense(vatten_attention_desc *out, const uint8_t *data, size_t size, uint8_t bits);
void fuzz_lists(vatten_lists_desc *out, const uint8_t *data, size_t size, uint8_t bits);
/* Axes of heads, which a problem keeps, live until the next call. */
void fuzz_grid(vatten_neighborhood_desc *out, const uint8_t *data, size_t size, uint8_t bits);

#endif /* VATTEN_FUZZ_DESCS_H */
