/* SPDX-License-Identifier: MIT
 *
 * Neighborhood attention: windows on a 1-D, 2-D or 3-D grid of tokens.
 * vatten.h includes this; its rules hold here too.
 */
#ifndef VATTEN_NEIGHBORHOOD_H
#define VATTEN_NEIGHBORHOOD_H

#include <vatten/vatten.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What becomes of a window that would reach past the end of an axis. */
typedef enum vatten_edge {
    VATTEN_EDGE_SHIFT = 0, /* it moves inward and keeps all its keys (NATTEN) */
    VATTEN_EDGE_CROP = 1,  /* what lies outside is not there: fewer keys */
    VATTEN_EDGE_ZERO = 2 /* what lies outside is a key with score 0 and value 0, which takes its share of the
                              softmax (zero-padded keys and values: HaloNet, TiC) */
} vatten_edge;

/* One axis of a token grid. Rules: 1 <= stride <= window, 1 <= dilation <= extent, roll < extent; with
 * EDGE_SHIFT window * dilation <= extent, else window < 2^29. */
typedef struct vatten_axis {
    uint64_t extent;   /* required: tokens along the axis */
    uint32_t window;   /* required: keys that a query sees along the axis */
    uint32_t stride;   /* required: queries that share one window; 1 = sliding, window = blocked */
    uint32_t dilation; /* required: distance of neighbours; 1 = adjacent tokens */
    bool causal;       /* keys after the query are not visible along this axis */
    vatten_edge edge;
    /* Tokens by which the grid is shifted back before windows are laid, cyclically (Swin's shift): coordinate x
     * counts as (x - roll) mod extent. Tokens that the shift took from the front to the back, and the others, do
     * not see each other. */
    uint64_t roll;
} vatten_axis;

/* Neighborhood attention on a 1-D, 2-D or 3-D grid of tokens, row-major (axis[0] outermost); q and kv share
 * the grid. A key is visible iff it is visible on every axis. Per axis with extent X, window k, stride s,
 * dilation d:
 *   query i belongs to group g = i mod d and has position p = i / d among n = ceil((X - g) / d);
 *   keys of other groups are invisible; in the group,
 *   not causal: lead = min(p / s * s + s / 2, n - 1), start = clamp(lead - k / 2, 0, n - k),
 *               keys [start, start + k)
 *   causal:     lead = min(p / s * s + s - 1, n - 1), start = max(lead - k + 1, 0), keys [start, p + 1)
 * That is EDGE_SHIFT. With EDGE_CROP and EDGE_ZERO neither lead nor start is bounded, and keys outside [0, n) are
 * left out or padded: with ZERO on some axes, a key counts as padded if it is outside on one of those and, on each
 * other axis, padded likewise or visible. With a roll, x takes the place of i, and keys across the seam are hidden;
 * an axis 0 that is rolled is neither split for work nor for bindings: the whole grid must fit one. Token strides step along the
 * row-major grid. A window of one key on every axis of a larger grid is refused: it would copy v.
 * One plane of axis 0 must fit a binding; else UNSUPPORTED.
 * Definition: Hassani et al., Neighborhood Attention Transformer (2022);
 * Generalized Neighborhood Attention (2025). */
typedef struct vatten_neighborhood_desc {
    vatten_heads heads;
    uint32_t rank;       /* required: 1..3 */
    vatten_axis axis[3]; /* the first `rank` */
    /* Keys (text, register tokens) that every query sees, in the same softmax; 0 = none. */
    uint64_t extra_len;
    vatten_strides extra_k; /* [B, extra_len, kv_heads, dim] */
    vatten_strides extra_v; /* [B, extra_len, kv_heads, value_dim] */
    /* Queries of one workgroup along each axis, neighbours in their dilation group, to test or tune; all 0: the box
     * that visits the fewest key tiles. Rules: given on all axes of the rank or on none, 0 or 1 past it; the product
     * is at most the tile's rows (UNSUPPORTED if heads.tile leaves those to the table and it has fewer). */
    uint32_t box[3];
    /* Other axes for each query head, [heads][3], read by create alone: extents 0 or the grid's, all else as it stands
     * in place of `axis`. NULL = `axis` for all heads. Up to 32 different rules, each a pipeline and dispatches of its
     * own, which neighbouring heads with equal rules share. */
    const vatten_axis *head_axes;
    vatten_bias bias;
    /* out_i = sum_j w_ij v_j with weights of the caller's own, without q . k and softmax (dynamic convolution; the second
     * half of attention that was taken apart). args.q then holds the weights, [B, S, heads, w] in the dtype of v with
     * strides `heads.q`, w the product of the windows, with head_axes the largest of all heads: a query's keys in
     * row-major order from where its window starts (with EDGE_CROP and EDGE_ZERO perhaps before the grid). Those of
     * keys that it does not see are not used. args.k is not used. Rules: dim and scale 0, value_dim given, no
     * write_lse, extra_len or bias. */
    bool weights;
} vatten_neighborhood_desc;

/* As vatten_attention_create. */
VATTEN_API vatten_result vatten_neighborhood_create(vatten_device *device,
                                                    const vatten_neighborhood_desc *desc,
                                                    vatten_plan **out_plan);

/* The work of a neighborhood plan, of one head of one batch entry, beside that of dense attention over the same
 * tokens in the same tiles. A workgroup takes one query tile and visits key tiles, each at the same cost however many
 * of its pairs are visible. Exact for plans that need not be split; a split along axis 0 may begin more key tiles. */
typedef struct vatten_estimate {
    vatten_tile tile;       /* the first one that the tuning table has; without a device as asked for */
    uint32_t box[3];        /* queries of a query tile along each axis; 1 past the rank */
    uint64_t visible_pairs; /* query-key pairs that count, extra keys included */
    uint64_t visited_pairs; /* visited_tiles x rows x keys of the tile; UINT64_MAX if above */
    uint64_t dense_pairs;   /* tokens x (tokens + extra_len) */
    uint64_t query_tiles;   /* boxes that hold a query, in all dilation groups */
    uint64_t visited_tiles; /* key tiles, summed over the query tiles; with those over the extra keys */
    uint64_t most_tiles;    /* key tiles of the workgroup that visits most */
    uint64_t dense_tiles;   /* what dense attention would visit */
    double ideal_speedup;   /* dense_pairs / visible_pairs: what tiles of a single pair would give */
    double bound;           /* dense_tiles / visited_tiles: what it gives at most with this tile and box */
    /* The same bound for kernels whose key tiles are boxes like those of the queries, at fixed places of the grid: all
     * of them by those that hold a key of the query tile's windows, without extra keys. vatten's begin where the first
     * window of the query tile does, which mostly takes fewer. */
    double fixed_bound;
} vatten_estimate;

/* Counts without running anything: creates nothing, compiles nothing, allocates nothing. `device` may be NULL: then
 * desc->heads.tile must give rows and keys, 1..1024 each, and no limit of a device is asked about. `logger` is told of
 * broken rules; NULL = the device's. Errors, with *out_estimate all zero: INVALID_ARGUMENT (a rule of the desc broken,
 * no tile without a device, a NULL pointer), UNSUPPORTED (as vatten_neighborhood_create). Thread-safety: safe. */
VATTEN_API vatten_result vatten_neighborhood_estimate(const vatten_device *device,
                                                      const vatten_logger *logger,
                                                      const vatten_neighborhood_desc *desc,
                                                      vatten_estimate *out_estimate);

#ifdef __cplusplus
}
#endif

#endif /* VATTEN_NEIGHBORHOOD_H */
