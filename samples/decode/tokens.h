/* SPDX-License-Identifier: MIT
 *
 * What the tokens of a made-up text are: keys and values of each, and the queries of those that are decoded. The same on every
 * machine.
 */
#ifndef DECODE_TOKENS_H
#define DECODE_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#include <vatten/vatten.h>

typedef struct token_desc {
    vatten_dtype dtype;
    uint32_t batch, heads, kv_heads, dim;
    uint64_t capacity; /* tokens of an entry */
    uint64_t window;   /* that queries ask within; 0 = all tokens so far */
    uint32_t seed;
} token_desc;

/* As the buffers hold them: [batch][capacity][kv_heads][dim]. */
typedef struct tokens {
    token_desc desc;
    unsigned char *k, *v;
} tokens;

/* False after a message. Destroy it in either case. */
bool tokens_create(tokens *t, const token_desc *desc);
void tokens_destroy(tokens *t);

/* Bytes of a token's keys, or values. */
size_t tokens_row(const token_desc *desc);

/* Where the keys of a token stand; likewise with t->v. */
const unsigned char *tokens_at(const tokens *t, const unsigned char *side, uint32_t entry, uint64_t place);

/* The queries of the token at `place`, [heads][dim], as the buffer holds them: each head asks for one token before it, so that
 * about half of the weight lies there. `scratch` holds as many floats. */
void tokens_query(const tokens *t, uint32_t entry, uint64_t place, float *scratch, void *out);

#endif
