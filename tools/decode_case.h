/* SPDX-License-Identifier: MIT
 *
 * One line of `vatten_bench decode`: few new tokens over a long cache, contiguous or in pages, its tensors, and what the
 * oracle says about the result.
 */
#ifndef TOOLS_DECODE_CASE_H
#define TOOLS_DECODE_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vatten/vatten.h>

typedef struct decode_case {
    uint64_t kv_len;
    vatten_dtype dtype;
    uint32_t queries; /* new tokens; causal among them */
    uint32_t heads, kv_heads, dim, value_dim;
    uint32_t page;  /* tokens of a page; 0 = contiguous */
    uint32_t block; /* not 0: k and v are bytes, of which so many share a scale */
    bool latent;    /* v is the first value_dim numbers of each k: one buffer (multi-head latent attention) */
    uint32_t splits;  /* 0 = the plan's own choice */
    vatten_tile tile; /* all 0: the table's */
    char name[96];
} decode_case;

/* As the device has them: q and out [queries][heads][..], k and v [tokens][kv_heads][..] of the contiguous cache or of all
 * pages. */
typedef struct decode_data {
    void *q, *k, *v, *out; /* v is k if the case is latent */
    uint32_t *tables;
    vatten_tables at;
    size_t q_bytes, k_bytes, v_bytes, out_bytes; /* v_bytes is 0 if the case is latent */
} decode_data;

void decode_name(decode_case *c);

vatten_attention_desc decode_desc(const decode_case *c);

/* Bytes of keys and values, each counted once. */
uint64_t decode_kv_bytes(const decode_case *c);

/* Random keys and values; each query asks for one key, so that a key that is left out or seen twice shows. Out is NaN. False
 * without memory. */
bool decode_data_make(const decode_case *c, decode_data *out_data);
void decode_data_free(decode_data *data);

/* Largest absolute error of `sample` rows of data's out and more; infinite if any element is not finite. */
double decode_check(const decode_case *c, const decode_data *data, uint32_t sample);
double decode_tolerance(const decode_case *c);

#endif /* TOOLS_DECODE_CASE_H */
