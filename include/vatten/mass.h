/* SPDX-License-Identifier: MIT
 *
 * Attention mass: what dense attention looks at. vatten.h includes this; its rules hold here too.
 */
#ifndef VATTEN_MASS_H
#define VATTEN_MASS_H

#include <vatten/vatten.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is made of the probabilities p_ij = exp(s_ij - lse_i). Numbers are pinned. E below is the batch; of sequences in
 * pages, COLUMNS has E = sequences. All are f32 and packed. */
typedef enum vatten_mass_kind {
    /* out [E][heads][kv_len]: sum_i w_i p_ij, what each key has received (H2O, Zhang et al. 2023; Expected Attention, Devoto
     * et al. 2025). Of the last queries only it is what SnapKV goes by (Li et al. 2024), with w_i = gamma^(q_len - 1 - i)
     * what A2SF does (Jo and Shin 2024). Keys past the length of an entry have 0. */
    VATTEN_MASS_COLUMNS = 1,
    /* out [B][heads][q_len][segments]: sum of p_ij over the keys of each segment. */
    VATTEN_MASS_SEGMENTS = 2,
    /* out [B][heads][rows][kv_len]: p_ij of some queries, 0 where a key is hidden or not there. */
    VATTEN_MASS_ROWS = 3,
    /* out [B][heads][q_len]: - sum_j p_ij ln p_ij, in nats. */
    VATTEN_MASS_ENTROPY = 4,
    /* out [B][heads][q_len][kv_len / block rounded up]: the largest p_ij of each block of keys. Blocks count from the first
     * key, of packed sequences from the first of each. */
    VATTEN_MASS_BLOCK_MAX = 5
} vatten_mass_kind;

/* In elements of args.weights; 0 repeats along an axis. All zero: packed [B][heads][q_len]. */
typedef struct vatten_mass_strides {
    int64_t batch;
    int64_t head;
    int64_t query;
} vatten_mass_strides;

/* A second pass over q and k, after a plan of the same attention that wrote its log-sum-exp (heads.write_lse): args.q, args.k,
 * args.tables and args.bias are that plan's, args.lse is what it wrote, an input here, and args.out gets what `kind` says.
 * Nothing of the size q_len x kv_len is made, and v is not read. Scale, softcap, biases, masks, lengths, pages, packed
 * sequences and tables of heads are those of the attention.
 *
 * Sinks and extra keys have their share in the log-sum-exp and no place in `out`: rows then sum up to less than 1. Gains do
 * not multiply probabilities; heads with gain 0 are skipped and have 0 everywhere. A row without a visible key has 0
 * everywhere. Rows past the length of an entry are not written (but those of ROWS are, with 0).
 *
 * Lengths: those of vatten_args and of tables are the same as in the pass before. Those of vatten_args leave strides and
 * columns as they are: of keys that are not there all is 0.
 *
 * No atomics are used: the same inputs give the same bits.
 * Ids, rows and tables may hold any words: nothing outside the buffers is read or written.
 *
 * Rules: attention->normaliser is SOFTMAX, and it carries no state; its splits, extra keys, value_dim, strides of v and out, tile
 * and write_lse are not looked at. ROWS of packed sequences are listed. Members of another kind are 0. */
typedef struct vatten_mass_desc {
    const struct vatten_attention_desc *attention; /* required (dense.h) */
    vatten_mass_kind kind;                         /* required */

    /* COLUMNS */
    bool kv_heads; /* out [E][kv_heads][kv_len]: query heads that share a KV head are summed up */
    bool weighted; /* w_i is in args.weights, f32; else it is 1 */
    vatten_mass_strides weights; /* of args.weights */
    uint64_t last;               /* only so many last queries of each entry or sequence count; 0 = all */

    /* SEGMENTS: required, how many; keys whose id is not below count nowhere. Ids are those of tables.kv_segments where the
     * attention has VATTEN_MASK_SEGMENTS, else words [kv_len] in args.lists, with segment_batch [B][kv_len]. Packed sequences:
     * kv_len is the tokens of all; in pages it is that of one sequence, and B is sequences. */
    uint32_t segments;
    bool segment_batch;

    /* ROWS: required, how many. `listed`: which queries is in args.lists, words [rows], tokens of q, in any order and for all
     * batch entries alike; rows of q that are not there have 0. Else they are the last `rows` queries of each batch entry,
     * first those that are not there. */
    uint64_t rows;
    bool listed;

    uint64_t block; /* BLOCK_MAX: required, keys of a block */

    vatten_tile
        tile; /* optional override; no layouts MATRIX and STREAM. `rows` and `keys` of COLUMNS are keys and queries */
    const char *label; /* optional, as in vatten_heads; NULL = attention's */
} vatten_mass_desc;

/* As vatten_attention_create. Plan info: lse_bytes, weights_bytes and lists_bytes are of inputs, v_bytes is 0. Plans need 8
 * storage buffers per stage. Thread-safety: safe. */
VATTEN_API vatten_result vatten_mass_create(vatten_device *device, const vatten_mass_desc *desc,
                                            vatten_plan **out_plan);

#ifdef __cplusplus
}
#endif

#endif /* VATTEN_MASS_H */
