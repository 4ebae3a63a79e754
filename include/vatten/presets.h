/* SPDX-License-Identifier: MIT
 *
 * Presets: descs of published mechanisms, filled in from the few numbers that their papers name, and the lists of static
 * patterns. Nothing here touches a device, allocates or keeps a pointer, but those that a vatten_heads has. Each refuses what its
 * own rule forbids with INVALID_ARGUMENT, as it does a NULL pointer, tells `logger` (NULL: nobody) why, and leaves zeros;
 * what else is wrong with a desc, the create function says. A desc may be changed before a plan is made of it.
 * Thread-safety: all functions are safe.
 */
#ifndef VATTEN_PRESETS_H
#define VATTEN_PRESETS_H

#include <vatten/vatten.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Blocks chosen by their scores ---- */

/* MoBA (Lu et al., Mixture of Block Attention, 2025): every query of every head attends to its own block and to the
 * `topk` - 1 blocks before it whose means score highest, q . mean(K), not scaled; topk = 1 is the own block alone, one above
 * the number of blocks takes them all. Causal; with kv_len above q_len the queries are the last ones. */
VATTEN_API vatten_result vatten_preset_moba(const vatten_logger *logger, const vatten_heads *heads,
                                            uint64_t q_len, uint64_t kv_len, uint32_t block, uint32_t topk,
                                            vatten_sparse_desc *out_desc);

/* ---- Patterns that do not depend on the data: descs of lists, and the words of those lists ---- */

/* Causal, by blocks of `block` queries and as many keys. The diagonal of query block i is key block
 * i + (kv_len - q_len) / block, rounded up, and no block after it is listed. Rules: block at least 1, kv_len at least q_len. */
typedef struct vatten_blocks {
    uint64_t q_len;
    uint64_t kv_len;
    uint32_t block;
} vatten_blocks;

/* Streaming heads (Guo et al., Block Sparse Attention, 2024; after Xiao et al., StreamingLLM, 2023): the first `sink` blocks
 * and the last `local` ones up to the diagonal, for heads that need no more; the others see everything. */
typedef struct vatten_streaming {
    uint32_t sink;
    uint32_t local;   /* the one on the diagonal counted; at least 1 */
    const bool *full; /* [heads]: those that see everything; NULL = none */
} vatten_streaming;

/* Strided blocks (Lin et al., S2-Attention, 2024), of KV head h of H: block n is listed on diagonal d >= n iff
 *   d - n < local, or h >= H - full_heads, or (n + h max(1, stride / H) + offset) mod stride = 0.
 * Positions are absolute, so that keys which one query skipped are not needed by later ones. */
typedef struct vatten_strided {
    uint32_t local;  /* at least 1 */
    uint32_t stride; /* at least 1 */
    uint32_t offset;
    uint32_t full_heads; /* the last so many KV heads see everything */
} vatten_strided;

/* Verticals and slashes of one list head (Jiang et al., MInference, 2024): keys that all queries see, and distances before
 * the diagonal. A slash takes `block` keys of each query block; one that begins among the keys of the slash before it, or where
 * they end, adds `block` more to them. Verticals are listed where no slash covers them. */
typedef struct vatten_vertical_slash {
    const uint32_t *vertical; /* strictly ascending */
    uint32_t verticals;
    const uint32_t *slash; /* strictly descending */
    uint32_t slashes;
} vatten_vertical_slash;

/* The descs: lists are packed [list head][row] and shared by all batch entries. Streaming and strided plans have lists for
 * each kind of head that there is: one for all, one for each KV head, or one for each head. Vertical-slash: `patterns` and lists
 * for each of `list_heads`, a divisor of the heads; kv_len equal to q_len. */
VATTEN_API vatten_result vatten_preset_streaming(const vatten_logger *logger, const vatten_heads *heads,
                                                 const vatten_blocks *blocks, const vatten_streaming *pattern,
                                                 vatten_lists_desc *out_desc);
VATTEN_API vatten_result vatten_preset_strided(const vatten_logger *logger, const vatten_heads *heads,
                                               const vatten_blocks *blocks, const vatten_strided *pattern,
                                               vatten_lists_desc *out_desc);
VATTEN_API vatten_result vatten_preset_vertical_slash(const vatten_logger *logger, const vatten_heads *heads,
                                                      const vatten_blocks *blocks, uint32_t list_heads,
                                                      const vatten_vertical_slash *patterns,
                                                      vatten_lists_desc *out_desc);

/* Words of all lists of such a desc; 0 for one that has none. */
VATTEN_API uint64_t vatten_preset_words(const vatten_lists_desc *desc);

/* Writes the vatten_preset_words(desc) words of a desc that the preset of the same name made from the same pattern. */
VATTEN_API void vatten_fill_streaming(const vatten_lists_desc *desc, const vatten_streaming *pattern,
                                      uint32_t *words);
VATTEN_API void vatten_fill_strided(const vatten_lists_desc *desc, const vatten_strided *pattern,
                                    uint32_t *words);
VATTEN_API void vatten_fill_vertical_slash(const vatten_lists_desc *desc,
                                           const vatten_vertical_slash *patterns, uint32_t *words);

#ifdef __cplusplus
}
#endif

#endif /* VATTEN_PRESETS_H */
