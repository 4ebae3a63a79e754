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

/* VMoBA (Wu et al., VMoBA, 2025): as MoBA, but not causal, and blocks are boxes of a grid of up to three axes, time, height and
 * width of a video; the paper lets layers take turns with boxes that are short along one, two or three of them. */
typedef enum vatten_vmoba_scope {
    VATTEN_VMOBA_QUERY = 0, /* each query of each head chooses for itself */
    VATTEN_VMOBA_HEAD = 1,  /* the queries of a head share a budget */
    VATTEN_VMOBA_ALL = 2,   /* all heads do */
    VATTEN_VMOBA_BLOCK = 3  /* each block chooses among the queries of all heads; by `share` only */
} vatten_vmoba_scope;

typedef struct vatten_vmoba {
    uint32_t rank;      /* 1..3 */
    uint64_t extent[3]; /* tokens along each axis */
    uint32_t block[3];
    vatten_vmoba_scope scope;
    /* Blocks of a query, the mean of those that share a budget, the own one counted; 0: by `share`. */
    uint32_t topk;
    /* Scores run from 0 for the least of those that share a budget to 1 for the largest; the own blocks, and the fewest others
     * whose scores together with those reach this share of the sum of all, at least one. 0..1. Scope BLOCK: the same of the
     * scores of one block: the queries in it, and the fewest others */
    float share;
} vatten_vmoba;

VATTEN_API vatten_result vatten_preset_vmoba(const vatten_logger *logger, const vatten_heads *heads,
                                             const vatten_vmoba *method, vatten_sparse_desc *out_desc);

/* BiFormer (Zhu et al., BiFormer, 2023): a picture of extent[0] x extent[1] tokens is cut into regions x regions, and each region
 * attends to the `topk` whose means over all heads and dims score highest, its own only if it is among them. Without a scale
 * that of the paper, 1 / sqrt(heads x dim). Where regions do not divide the extent, the last ones are short (the paper's code
 * fills them up with tokens of zeros, which then take part). */
VATTEN_API vatten_result vatten_preset_biformer(const vatten_logger *logger, const vatten_heads *heads,
                                                const uint64_t extent[2], uint32_t regions, uint32_t topk,
                                                vatten_sparse_desc *out_desc);

/* The locality-constrained attention of FlashVSR (Zhuang et al., 2025): boxes of a video attend to boxes, each head for itself, by
 * shares of a softmax over the means' scores. Of all pairs of the query boxes of one time slice and the key boxes within a
 * window around them, `total` are kept, those of the largest shares; a box may be left with none. Of equal shares one is
 * kept (the paper's code drops both). */
typedef struct vatten_flashvsr {
    uint64_t extent[3]; /* key tokens along time, height and width */
    uint64_t q_extent;  /* planes of the queries along time, the last ones; 0 = all */
    uint32_t block[3];  /* the paper: 2 x 8 x 8 */
    /* Key boxes of the window along height and along width, odd; 0 = all. The paper: 9 or 11. */
    uint32_t range;
    uint64_t total; /* the paper: twice the square of the boxes of a slice */
} vatten_flashvsr;

VATTEN_API vatten_result vatten_preset_flashvsr(const vatten_logger *logger, const vatten_heads *heads,
                                                const vatten_flashvsr *method, vatten_sparse_desc *out_desc);

/* ---- Keys chosen by a bias ---- */

/* Dynamic mask attention (Shi et al., Trainable Dynamic Mask Sparse Attention, 2025), causal: of each KV head's keys the `width` with
 * the largest biases, whatever the query, which are also added to the scores; causality hides keys afterwards. Two plans: the first has the biases, [B, kv_heads, kv_len] f32, as
 * args.k and writes args.lists, the second has them as args.bias. */
VATTEN_API vatten_result vatten_preset_dma(const vatten_logger *logger, const vatten_heads *heads,
                                           uint64_t q_len, uint64_t kv_len, uint32_t width,
                                           vatten_topk_desc *out_choose, vatten_lists_desc *out_attend);

/* ---- Native sparse attention ---- */

/* NSA (Yuan et al., Native Sparse Attention, 2025), its three branches over blocks of one size, and their sum by gates: means of blocks that
 * are complete, chosen blocks, a window. Queries of a group share what is chosen, by the sum of their shares of the softmax over
 * the means; the first block, the own one and the one before it are always in. */
typedef struct vatten_nsa {
    uint32_t block;
    uint32_t entries; /* chosen blocks, the three counted: at least 3, or all there are */
    uint32_t window;  /* keys of the window, the query's own counted: at least 1 */
} vatten_nsa;

/* Plans in the order in which they run; with kv_len above q_len the queries are the last ones. */
typedef struct vatten_nsa_descs {
    /* args.k: k, or v; args.out: one row for each block. Learned compression takes its place. */
    vatten_pool_desc keys;
    vatten_pool_desc values;
    vatten_lists_desc compressed; /* args.k, v: those rows; lists by vatten_fill_nsa; args.out: part 0 */
    vatten_sparse_desc chosen;    /* args.out: part 1 */
    vatten_attention_desc window; /* args.out: part 2 */
    /* args.v: [part][B, q_len, heads, value_dim]; args.bias: gates, f32 [B, q_len, heads, 3]. */
    vatten_combine_desc gates;
} vatten_nsa_descs;

VATTEN_API vatten_result vatten_preset_nsa(const vatten_logger *logger, const vatten_heads *heads,
                                           uint64_t q_len, uint64_t kv_len, const vatten_nsa *method,
                                           vatten_nsa_descs *out_descs);

/* Writes the vatten_preset_words(&descs->compressed) words of its lists: the complete blocks at each query. */
VATTEN_API void vatten_fill_nsa(const vatten_nsa_descs *descs, uint32_t *words);

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

/* Words of all lists of such a desc; 0 for one that has none, or whose lengths no plan takes. */
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
