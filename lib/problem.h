/* SPDX-License-Identifier: MIT
 *
 * A caller's desc with every documented rule checked and every default resolved. What follows reads only
 * this.
 */
#ifndef VT_PROBLEM_H
#define VT_PROBLEM_H

#include "caps.h"
#include "kernels.h"

#define VT_LENGTH_MAX                                                                                        \
    0x1fffffffu /* tokens: sums of three lengths stay inside the shaders' 32-bit integers  \
                                   */

/* One tensor: strides and size in elements, resolved. */
typedef struct vt_tensor {
    uint64_t batch;
    uint64_t head;
    uint64_t token;
    uint64_t elements; /* from the first to one past the last element that any index reaches */
} vt_tensor;

/* Where a row begins. */
static inline uint64_t vt_tensor_at(const vt_tensor *t, uint64_t batch, uint64_t head, uint64_t token) {
    return batch * t->batch + head * t->head + token * t->token;
}

/* Every row begins at a multiple of so many elements. */
static inline bool vt_tensor_by(const vt_tensor *t, uint32_t elements) {
    return t->batch % elements == 0 && t->head % elements == 0 && t->token % elements == 0;
}

static inline bool vt_tensor_by_four(const vt_tensor *t) {
    return vt_tensor_by(t, 4);
}

/* How lists are read. */
typedef struct vt_list_rule {
    vatten_list_kind kind;
    uint32_t q_block, kv_block; /* kv_block is 1 where there are no blocks */
    uint32_t entries;
    uint32_t group;     /* query heads that share lists */
    uint64_t rows;      /* lists of a head */
    uint32_t row_words; /* of one list */
    bool row_masks;
    uint32_t key_stride; /* 0 = none */
    uint32_t key_phase;
    vt_tensor words; /* `token`: from a list to the next */

    /* Units along which queries and keys are cut: tokens where blocks are runs, planes of axis 0 where they are boxes of
     * more than one axis. */
    bool q_boxed, kv_boxed;
    uint64_t extent[3]; /* of the keys, if either is boxed; an axis past the rank has one token */
    uint64_t q_extent;  /* of the queries along axis 0 */
    uint32_t q_box[3], kv_box[3];
    uint64_t q_units, kv_units;
    uint64_t q_plane, kv_plane; /* tokens of a unit */
    uint32_t row_units;         /* units of queries that a row of blocks is long */
    uint64_t row_lists;         /* lists of such a row: more than one in boxes */
    uint64_t blocks;            /* BLOCKS: of the keys */

    bool biased;
    uint32_t bias_group; /* query heads that share a bias */
    vt_tensor bias;      /* `token`: from a query to the next */
} vt_list_rule;

/* What dense attention has beyond causality, window and prefix. */
typedef struct vt_rules {
    bool used; /* anything of it: kernels with rules serve */
    uint64_t chunk;
    uint32_t key_stride; /* 0 = none */
    uint32_t key_phase;
    vatten_masks masks;
    uint32_t segments;
    uint32_t mask_heads, mask_group; /* query heads that share masks */
    bool mask_batch;
    float softcap;
    uint32_t head_fields; /* VT_HEAD_* */
    bool head_batch;
    uint32_t bias;           /* VT_BIAS_*; 0 = none */
    uint32_t bias_group;     /* query heads that share a bias */
    uint32_t bias_bytes;     /* of an element */
    uint64_t bias_stride[4]; /* batch, head, query, key, of a tensor */
    uint64_t bias_extent[3];
    uint32_t bias_reach[3];
    uint32_t lengths; /* VT_LENGTHS_* */
    uint32_t sequences;
    uint64_t longest; /* most keys of a batch entry or sequence */
    uint32_t page_size;
    uint64_t pool_pages;
    vatten_normaliser normaliser;
    vatten_carries carry;
    uint32_t splits;     /* as asked for; 0 = to be chosen */
    uint32_t tile_heads; /* query heads that share a query tile */
    vatten_tables tables;
} vt_rules;

/* Batch entries are sequences, of lengths of their own, in one run of tokens. */
bool vt_rules_packed(const vt_rules *rules);

typedef struct vt_problem {
    vt_map map;
    char label[64];
    vatten_dtype dtype;
    uint32_t element_bytes;
    bool kv_bytes; /* k and v are rows of bytes with scales: their tensors count bytes */
    bool kv_wide;  /* k and v, and the extra ones, are f32, whatever the dtype */
    bool kv_stays; /* they are not to be repacked (repack.h) */
    uint32_t kv_block;
    uint64_t batch;
    uint32_t heads;
    uint32_t kv_heads;
    uint32_t dim;   /* of q . k; 0 if there is no such product, as q holds weights */
    uint32_t q_dim; /* elements of a row of q: dim, or weights */
    uint32_t value_dim;
    float scale;
    bool write_lse;
    uint64_t max_macs;
    uint64_t max_moves;
    vatten_tile tile; /* as asked for */
    uint64_t q_len;   /* tokens; for neighborhood the whole grid */
    uint64_t kv_len;
    vt_tensor q, k, v, out;

    /* dense */
    bool causal;
    bool align_first;
    int64_t left; /* VATTEN_UNLIMITED or keys */
    int64_t right;
    uint64_t prefix;
    vt_rules rules;

    /* neighborhood; axes past the rank have extent, window, stride and dilation 1, so that what follows knows
     * only 3-D */
    uint32_t rank;
    vatten_axis axis[3];
    uint32_t box[3]; /* as asked for; all 0: to be chosen */
    uint64_t extra_len;
    vt_tensor extra_k, extra_v;

    const vatten_axis *head_axes; /* [heads][3], the caller's: axes of each head; NULL = `axis` for all */
    uint32_t table[3];   /* window of the table of relative biases, the largest of all heads; 0 without */
    uint64_t bias_bytes; /* of all heads' tables, of lists' bias tensor; 0 without */
    bool weights;        /* q holds the weights of each query's window */

    const struct vt_mass *mass; /* dense: what is made of probabilities in place of outputs; NULL = nothing */

    vt_list_rule list; /* lists; these problems also have what dense ones have */

    uint64_t pairs; /* visible query-key pairs of all heads of a batch entry */
} vt_problem;

/* Each returns INVALID_ARGUMENT or UNSUPPORTED after one message that names the rule and its numbers. */
vatten_result vt_problem_from_attention(const vt_caps *caps, const vatten_logger *logger,
                                        const vatten_attention_desc *desc, vt_problem *out);
vatten_result vt_problem_from_lists(const vt_caps *caps, const vatten_logger *logger,
                                    const vatten_lists_desc *desc, vt_problem *out);
vatten_result vt_problem_from_neighborhood(const vt_caps *caps, const vatten_logger *logger,
                                           const vatten_neighborhood_desc *desc, vt_problem *out);

/* The axes that a head has, past the rank and without extents of their own made whole; and whether two heads' are the
 * same. */
void vt_problem_axes(const vt_problem *problem, uint32_t head, vatten_axis out[3]);
bool vt_problem_same_axes(const vt_problem *problem, uint32_t a, uint32_t b);

/* The heads [first, end) have the same axes, which go to `out`; this is `end`. */
uint32_t vt_problem_alike_end(const vt_problem *problem, uint32_t first, vatten_axis out[3]);

/* Bytes that a buffer of the tensor must hold; vt_kv_bytes for keys and values. */
uint64_t vt_tensor_bytes(const vt_problem *problem, const vt_tensor *tensor);
uint64_t vt_kv_bytes(const vt_problem *problem, const vt_tensor *tensor);

/* Of keys and values: bytes of an element, and elements of a row of `dim` numbers. */
uint32_t vt_kv_element(const vt_problem *problem);
uint32_t vt_kv_row(const vt_problem *problem, uint32_t dim);

/* As vt_tensor_range, for elements of any size. */
uint64_t vt_range(const vt_tensor *tensor, uint32_t element_bytes, uint64_t alignment, uint64_t batch,
                  uint64_t heads, uint64_t tokens, uint64_t dim);

/* Bytes of a binding for the first `dim` elements of so many batch entries, heads and tokens (at least one of each),
 * whatever the first of them is: `alignment` is that of a binding's offset. UINT64_MAX if they overflow. */
uint64_t vt_tensor_range(const vt_problem *problem, const vt_tensor *tensor, uint64_t alignment,
                         uint64_t batch, uint64_t heads, uint64_t tokens, uint64_t dim);

/* The same for lists of so many batch entries, list heads and rows. */
uint64_t vt_lists_range(const vt_problem *problem, uint64_t alignment, uint64_t batch, uint64_t heads,
                        uint64_t rows);

/* The same for the bias of lists: so many batch entries, bias heads, queries and keys. */
uint64_t vt_bias_range(const vt_problem *problem, uint64_t alignment, uint64_t batch, uint64_t heads,
                       uint64_t queries, uint64_t keys);

/* The packed f32 LSE [batch][head][token]: its strides, and its bytes, which are 0 if none is written. */
vt_tensor vt_lse_tensor(const vt_problem *problem);
uint64_t vt_lse_bytes(const vt_problem *problem);

#endif /* VT_PROBLEM_H */
