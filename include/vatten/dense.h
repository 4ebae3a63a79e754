/* SPDX-License-Identifier: MIT
 *
 * Dense attention: every key that masks and lengths show. vatten.h includes this; its rules hold here too.
 */
#ifndef VATTEN_DENSE_H
#define VATTEN_DENSE_H

#include <vatten/vatten.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- What may differ from head to head ---- */

/* Which members of vatten_head a plan reads. */
typedef enum vatten_head_field {
    VATTEN_HEAD_SCALE = 1 << 0,
    VATTEN_HEAD_SINK = 1 << 1,
    VATTEN_HEAD_SLOPE = 1 << 2,
    VATTEN_HEAD_OFFSET = 1 << 3,
    VATTEN_HEAD_GAIN = 1 << 4,
    VATTEN_HEAD_WINDOW = 1 << 5,
    VATTEN_HEAD_PREFIX = 1 << 6
} vatten_head_field;
typedef uint32_t vatten_head_fields; /* an OR of vatten_head_field */

/* One query head in the tables of a plan, read by the GPU. Members that the plan does not read may hold anything. */
typedef struct vatten_head {
    float scale; /* in place of vatten_heads.scale; 0 makes weights uniform */
    float
        sink; /* a logit that joins the softmax, neither scaled nor capped, with value 0; LSE includes it. -inf: none */
    float slope;  /* ALiBi (Press et al. 2022): - slope |diag(i) - j| is added to a score, see alibi_signed */
    float offset; /* added to every score, those of extra keys too */
    float gain;   /* multiplies the output; 0: the head is skipped, out is 0 and LSE -inf */
    int32_t
        left; /* in place of the plan's window, which must be enabled; -1 = unlimited, as VATTEN_UNLIMITED */
    int32_t right;
    uint32_t prefix; /* in place of the plan's */
} vatten_head;

/* ---- Masks that no formula tells ---- */

typedef enum vatten_mask {
    /* Tokens belong to segments (documents, speakers, modalities): a pair is hidden unless the ids of query and key are
     * equal or, with `segments` not 0, unless the bit of the key's id is set in the visibility row of the query's id.
     * Ids that are `segments` or more see and are seen by nothing. */
    VATTEN_MASK_SEGMENTS = 1 << 0,
    VATTEN_MASK_INTERVALS = 1 << 1, /* query i sees keys [first_i, end_i) only */
    VATTEN_MASK_EXPIRY = 1 << 2,    /* key j is hidden from queries with diag(i) >= expiry_j */
    VATTEN_MASK_BITS = 1 << 3       /* a bit for each pair: set if visible */
} vatten_mask;
typedef uint32_t vatten_masks; /* an OR of vatten_mask */

/* ---- Lengths ---- */

/* Where the lengths of batch entries stand. Those in tables are read when the commands run: a recorded command buffer
 * serves a cache that grows. */
typedef enum vatten_lengths {
    VATTEN_LENGTHS_PLAN = 0, /* all entries have the plan's, or those of vatten_args */
    VATTEN_LENGTHS_KV = 1,   /* kv lengths in tables, at most the plan's; longer ones count as the plan's */
    VATTEN_LENGTHS_BOTH = 2, /* q lengths too; rows past them are not written */
    /* Sequences stand one after the other without padding: heads.batch is 1, q_len and kv_len are the tokens of all, and
     * sequence s has the queries [q_starts[s], q_starts[s + 1]) and keys likewise. A query sees keys of its own sequence
     * only, and i and j in all rules count from the first token of their sequence. With pages: see page_size. */
    VATTEN_LENGTHS_PACKED = 3
} vatten_lengths;

/* ---- The plan ---- */

/* What becomes of scores: p in out_i = sum_j p_ij v_j. All but SOFTMAX write no LSE, take no sink and no carry. */
typedef enum vatten_normaliser {
    VATTEN_NORMALISER_SOFTMAX = 0,
    VATTEN_NORMALISER_SIGMOID = 1, /* 1 / (1 + exp(-s)) */
    VATTEN_NORMALISER_RELU = 2,    /* max(s, 0) */
    VATTEN_NORMALISER_RELU2 = 3,   /* max(s, 0)^2 */
    VATTEN_NORMALISER_LAPLACE =
        4,                     /* (1 + erf((s - sqrt(1/2)) / sqrt(1/(2 pi)))) / 2 (Mega, Ma et al. 2022) */
    VATTEN_NORMALISER_NONE = 5 /* s itself */
} vatten_normaliser;

/* A state is what a softmax over some keys leaves to go on with other keys: args.state, f32 [B, heads, q_len, value_dim + 2],
 * the unnormalised output, a maximum m near that of score x log2(e), and the sum of exp2(score x log2(e) - m), 0 without keys. Ring and
 * sharded attention are loops over plans that hand it on (Liu et al., Ring Attention, 2023). */
typedef enum vatten_carry {
    VATTEN_CARRY_IN = 1 << 0, /* start from args.state; it is overwritten */
    VATTEN_CARRY_OUT = 1 << 1 /* leave a state in place of out and LSE: no write_lse, no gains */
} vatten_carry;
typedef uint32_t vatten_carries; /* an OR of vatten_carry */

/* In elements of the bias; 0 repeats along an axis. All zero: packed [B][bias_heads][q_len][kv_len]. */
typedef struct vatten_bias_strides {
    int64_t batch;
    int64_t head;
    int64_t query;
    int64_t key;
} vatten_bias_strides;

/* Dense attention: out_i = sum_j p_ij v_j with p_i = softmax_j(s_ij) over the visible keys j, where
 *   s_ij = cap(scale q_i . k_j) + bias_ij,  cap(x) = softcap tanh(x / softcap) or, with softcap 0, x.
 * With diag(i) = i + kv_len - q_len (ALIGN_LAST) or i (ALIGN_FIRST), key j is visible to query i iff
 *   (diag(i) - left <= j <= diag(i) + right, and with a chunk floor(j / chunk) = floor(diag(i) / chunk);
 *    or j < prefix; or with a key_stride (j + key_phase) mod key_stride = 0)
 *   and  (not causal, or j <= diag(i))  and  no mask of `masks` hides it.
 * A row without a visible key gives out 0 and LSE -inf, or the sink. K and V past kv_len are never used, whatever they
 * hold; V of a key before kv_len must be finite even where a mask hides the key (0 x NaN is NaN).
 * Tiles of keys that no query of a tile sees are skipped, tiles without a hidden pair need no test.
 * Algorithm: online softmax over tiles of keys (Milakov & Gimelshein 2018; Dao et al. 2022); for few queries the query
 * heads of a KV head share a tile, and the keys are split over workgroups (Dao et al., Flash-Decoding, 2023). */
typedef struct vatten_attention_desc {
    vatten_heads heads;
    uint64_t q_len;  /* required: query tokens; a capacity, vatten_args may shrink it per record */
    uint64_t kv_len; /* required: key tokens; likewise */
    bool causal;
    vatten_align align; /* of causal and window */
    vatten_window window;
    uint64_t prefix; /* keys j < prefix are visible whatever the window says; causality still holds */

    uint64_t chunk;      /* 0 = none */
    uint32_t key_stride; /* 0 = none */
    uint32_t key_phase;  /* below key_stride */
    vatten_masks masks;  /* their data stand in tables */
    uint32_t segments;   /* SEGMENTS: ids that the visibility table knows; 0: equal ids see each other */
    /* Heads with intervals, expiries, bits and visibility tables of their own: a divisor of heads, query head h goes by
     * h / (heads / mask_heads); 0 = 1. */
    uint32_t mask_heads;
    bool mask_batch; /* masks of their own for each batch entry, else one for all */

    float softcap;                  /* 0 = none; else positive and finite */
    vatten_head_fields head_fields; /* 0: no table of heads */
    bool head_batch;                /* a table of heads for each batch entry, else one for all */
    bool alibi_signed;              /* SLOPE: slope (j - i) in place of - slope |diag(i) - j| */

    /* What is added to scores, in natural units (args.bias); -inf hides a pair, +inf and NaN are not allowed.
     * TENSOR: bias[b, h', i, j] by bias_strides, h' = h / (heads / bias_heads). Packed sequences: b = 0, i and j are the
     *   tokens of q and k, with pages j counts in the sequence.
     * RELATIVE: f32 [bias_heads][2 reach + 1 along each axis], entry reach + clamp(offset, -reach, reach) of an axis. Rank 1:
     *   offset = j - diag(i). Higher: tokens stand row-major on a grid of `bias_extent`, offset = coordinate of j - coordinate
     *   of diag(i); extent[0] is not read. (Shaw et al. 2018; Raffel et al. 2020 once buckets are spelt out; Liu et al. 2021.)
     * AXES: keys stand row-major on a grid of `bias_extent`, rank 2 or 3, the product is kv_len: the sum over axes a of
     *   T_a[b, h', i, coordinate of j along a]; the T_a stand one after the other, each packed [B][bias_heads][q_len]
     *   [bias_extent[a]]; not for packed sequences (Lin et al., Plain-DETR, 2023; Li et al., MViTv2, 2022). */
    vatten_bias bias;
    vatten_dtype bias_dtype; /* F32 (0 too) or, of a TENSOR, F16, which needs no feature of the device */
    uint32_t bias_heads;     /* a divisor of heads; 0 = heads */
    vatten_bias_strides bias_strides; /* TENSOR */
    uint32_t bias_rank;               /* RELATIVE, AXES: 1..3 */
    uint64_t bias_extent[3];
    uint32_t bias_reach[3]; /* RELATIVE: required */

    /* Keys that every query sees, in the same softmax: scaled, capped and with the head's offset, without slope and bias;
     * 0 = none. Packed sequences share them. */
    uint64_t extra_len;
    vatten_strides extra_k; /* [B, extra_len, kv_heads, dim] */
    vatten_strides extra_v; /* [B, extra_len, kv_heads, value_dim] */

    vatten_lengths lengths;
    uint32_t sequences; /* PACKED: required, how many */
    /* Keys in pages: 0 = not; else any number of tokens. Token j of batch entry (or sequence) b stands at place j mod page_size
     * of page pages[b][j / page_size]; k and v are pools [pool_pages, page_size, kv_heads, dim], whose `batch` stride is
     * that of a page. kv_len is the most that a batch entry or sequence has, and lengths are in kv_lengths (PLAN: all
     * have kv_len). Page numbers that are pool_pages or more count as the last page. (Kwon et al., PagedAttention, 2023.) */
    uint32_t page_size;
    uint64_t pool_pages;

    vatten_normaliser normaliser;
    vatten_carries carry;
    /* Workgroups that share the keys of a query tile; 0 = as many as fill the device, 1 = none. */
    uint32_t splits;
} vatten_attention_desc;

/* Errors: INVALID_ARGUMENT (a rule above broken), UNSUPPORTED (dtype without its feature, more than the
 * device can address), OUT_OF_*, VULKAN. Compiles the pipelines that the device does not have yet.
 * Thread-safety: safe. */
VATTEN_API vatten_result vatten_attention_create(vatten_device *device, const vatten_attention_desc *desc,
                                                 vatten_plan **out_plan);

/* ---- Tables ---- */

#define VATTEN_NO_TABLE UINT64_MAX

/* Where each table of a plan stands in args.tables: bytes from its offset on, multiples of 4; VATTEN_NO_TABLE where the plan
 * has none. Words are uint32_t. One buffer holds them all since devices bind few. Mb: the batch with mask_batch, else 1; Mh:
 * mask_heads. Packed sequences: q_len and kv_len of segments, intervals, expiries and bits are the tokens of all; with
 * pages those of keys are not allowed. */
typedef struct vatten_tables {
    uint64_t bytes;       /* of all */
    uint64_t heads;       /* vatten_head [heads], with head_batch [B][heads] */
    uint64_t q_lengths;   /* LENGTHS_BOTH: words [B] */
    uint64_t kv_lengths;  /* LENGTHS_KV and BOTH: words [B]; PACKED with pages: [sequences] */
    uint64_t q_starts;    /* PACKED: words [sequences + 1], ascending, from 0 to q_len */
    uint64_t kv_starts;   /* PACKED without pages: words [sequences + 1] */
    uint64_t pages;       /* words [B or sequences][row_pages] */
    uint64_t row_pages;   /* not a place: pages of one row, kv_len / page_size rounded up */
    uint64_t q_segments;  /* words [Mb][q_len] */
    uint64_t kv_segments; /* words [Mb][kv_len] */
    uint64_t
        visible; /* with `segments`: words [Mh][segments][(segments + 31) / 32], bit s % 32 of word s / 32 */
    uint64_t intervals; /* words [Mb][Mh][q_len][2]: first and end */
    uint64_t expiry;    /* words [Mb][Mh][kv_len] */
    uint64_t bits;      /* words [Mb][Mh][q_len][(kv_len + 31) / 32], bit j % 32 of word j / 32 */
    uint64_t
        spans; /* vatten's own: what it found in runs of keys; written by each record, any content before */
} vatten_tables;

/* Where they stand. Creates nothing, needs no device. Errors, with *out_tables all zero: INVALID_ARGUMENT (a NULL pointer;
 * sizes that overflow). A desc without tables has bytes 0. Thread-safety: safe. */
VATTEN_API vatten_result vatten_attention_tables(const vatten_attention_desc *desc,
                                                 vatten_tables *out_tables);

/* Whether tables keep the rules above, asked of a copy on the host: starts ascend from 0 to the plan's tokens, lengths are at
 * most the plan's, pages of existing tokens are in the pool (rows may share them), intervals are not reversed, segments are
 * known. Whatever they hold, the GPU reads and writes nothing outside the buffers. `logger` is told which entry is wrong; NULL:
 * nobody is. Errors: INVALID_ARGUMENT (a rule of the desc or of a table broken, a NULL pointer). Thread-safety: safe. */
VATTEN_API vatten_result vatten_attention_check(const vatten_logger *logger,
                                                const vatten_attention_desc *desc, const void *tables);

#ifdef __cplusplus
}
#endif

#endif /* VATTEN_DENSE_H */
