/* SPDX-License-Identifier: MIT
 *
 * Appending to a cache: new keys and values go where dense attention will look for them. vatten.h includes this; its rules
 * hold here too.
 */
#ifndef VATTEN_CACHE_H
#define VATTEN_CACHE_H

#include <vatten/vatten.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Appending: the rows args.k [B, q_len, kv_heads, dim] and args.v [B, q_len, kv_heads, value_dim] are written into the caches
 * args.cache_k and args.cache_v, as the plan of `attention` reads them: its kv_len, strides of k and v, kv_dtype and kv_block,
 * lengths and pages, and the same args.tables, read when the commands run, so that a recorded command buffer serves a cache
 * that grows. The new tokens are those of the queries; they are the last ones of their entry, so lengths are those *with*
 * them: row i of n goes to place kv_length - n + i of its batch entry, where
 *   PLAN    n is q_len and kv_length is kv_len, of the plan or of vatten_args
 *   KV      kv_length is in kv_lengths
 *   BOTH    n is in q_lengths too; rows from n on are not read
 *   PACKED  rows [q_starts[s], q_starts[s + 1]) are the last ones of sequence s, which ends at kv_starts[s + 1] or, with
 *           pages, has kv_lengths[s] tokens
 * Not written: rows that would lie before the first place, those of entries whose length is above the plan's (or that of
 * vatten_args), and those whose page number is pool_pages or more. Nothing else in the caches is written, whatever tables hold;
 * if they name a place twice, one of the rows is there, or parts of both.
 *
 * Rows of another dtype are rounded once. I8: the scale of a block is the largest magnitude in it / 127, and a number is
 * x / scale, rounded to nearest even. A block with a scale below the least normal f32 (2^-126) is all zero, scale too; one with
 * a NaN or an infinity has a NaN for scale.
 *
 * Barriers, besides those at vatten_record: the caches count as outputs, tables as an input. args.cache_k and args.cache_v
 * may be one buffer, as long as no element is both's. */
typedef struct vatten_append_desc {
    const struct vatten_attention_desc *attention; /* required: whose cache it is (dense.h) */
    vatten_dtype dtype;   /* of the new rows: F32, F16 or BF16; 0 = attention's heads.dtype */
    vatten_strides new_k; /* of args.k */
    vatten_strides new_v; /* of args.v */
    /* Without args.v and args.cache_v, as where v is part of each k (multi-head latent attention). */
    bool keys_only;
    const char *label; /* optional, as in vatten_heads; NULL = attention's */
} vatten_append_desc;

/* As vatten_attention_create; also UNSUPPORTED if lengths and pages of tables do not fit a binding. Plan info: k_bytes and
 * v_bytes are of the new rows, cache_k_bytes and cache_v_bytes of the caches; tables_bytes reaches to the last table that is
 * read, which may be less than attention reads. */
VATTEN_API vatten_result vatten_append_create(vatten_device *device, const vatten_append_desc *desc,
                                              vatten_plan **out_plan);

#ifdef __cplusplus
}
#endif

#endif /* VATTEN_CACHE_H */
