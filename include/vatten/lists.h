/* SPDX-License-Identifier: MIT
 *
 * Attention over lists of keys, and what makes such lists: pooling, selection of blocks, and all of it in one plan.
 * vatten.h includes this; its rules hold here too.
 */
#ifndef VATTEN_LISTS_H
#define VATTEN_LISTS_H

#include <vatten/vatten.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Blocks as boxes of a grid of tokens, row-major; the last ones of an axis are short. */
typedef struct vatten_boxes {
    uint32_t rank;      /* 0: blocks are runs of tokens; else 1..3 */
    uint64_t extent[3]; /* of the keys along the first `rank` axes; their product is kv_len */
    /* Of the queries along axis 0, 0 = extent[0]; along the others as the keys. Queries are the LAST
     * planes. */
    uint64_t q_extent;
    uint32_t q_box[3];  /* queries of a block along each axis (all 1: rows are single tokens) */
    uint32_t kv_box[3]; /* keys of a block */
} vatten_boxes;

/* ---- Lists ---- */

#define VATTEN_LIST_END UINT32_MAX /* no entry: ends a list of blocks or ranges, fills up one of keys */

/* What a list names; a word is a uint32_t. */
typedef enum vatten_list_kind {
    /* Blocks of `kv_block` keys, by number, one word each; with row_masks followed by (q_block + 31) / 32 words, whose
     * bit r % 32 of word r / 32 says whether row r of the query block sees the block. */
    VATTEN_LIST_BLOCKS = 0,
    /* Keys [first, end), two words each. The list begins with two words more, the queries [first, end) that it is for. */
    VATTEN_LIST_RANGES = 1,
    VATTEN_LIST_KEYS = 2 /* single keys, one word each; one that is listed twice counts twice */
} vatten_list_kind;

/* Attention over lists: a block of queries sees the keys that its list names, as far as the rules of dense attention
 * show them. Key j is visible to query i iff it is listed for i and
 *   (diag(i) - left <= j <= diag(i) + right, or j < prefix, or key_stride and (j + key_phase) mod key_stride = 0)
 *   and (not causal, or j <= diag(i)),
 * diag as in vatten_attention_desc. Lists are read when the commands run: another dispatch may have written them.
 *
 * args.lists: [B, list_heads, rows, words]: rows are the blocks of queries (RANGES: `rows`), words those of `entries`
 * entries, with the two in front of RANGES. Lists of blocks and ranges may be shorter and end with VATTEN_LIST_END, and
 * nothing but that stands behind it; vatten_lists_words tells how many words a list has. An entry that names no block of
 * kv_len keys, or an empty range, is skipped, and a range ends at kv_len. Rules of blocks and ranges: a list must not
 * name a key twice, and no query may be in two ranges; nobody checks. Whatever lists hold, the GPU reads and writes nothing
 * outside the buffers, and only rows that go by a list which breaks a rule are wrong. A query that is in no range is not
 * written. In ascending order lists read memory best. An empty list gives 0 and LSE -inf.
 * Method: block-sparse attention with online softmax (Dao et al., FlashAttention, 2022, section 3.3). */
typedef struct vatten_lists_desc {
    vatten_heads heads;
    uint64_t q_len;  /* required: query tokens */
    uint64_t kv_len; /* required: key tokens */
    vatten_list_kind kind;
    /* Required unless `boxes` says it: queries that share a list, the last block may be short; RANGES: at most so many. */
    uint32_t q_block;
    uint32_t kv_block; /* BLOCKS without boxes: required, keys of a block, the last may be short; else 0 */
    uint32_t entries;  /* required: of a list, at most */
    uint64_t rows;     /* RANGES: required, lists of a head; else 0 */
    /* Heads that have lists, a divisor of heads: h goes by list head h / (heads / list_heads); 0 = heads. */
    uint32_t list_heads;
    /* In words, `token` from a list to the next; all 0: packed [batch][head][row]; else a 0 of batch or
     * head shares lists. */
    vatten_strides lists;
    bool row_masks; /* BLOCKS: entries say which rows they are for */
    bool causal;
    vatten_align align;
    vatten_window window;
    uint64_t prefix;
    uint32_t key_stride; /* 0 = none */
    uint32_t key_phase;
    /* BLOCKS, rank not 0: blocks are boxes of a grid, numbered row-major. Row r of a block is the r-th token of its box,
     * row-major, in a whole box: rows past the grid do not exist, and bits of row_masks are by that number. Queries are
     * numbered by their own grid, q_extent planes of axis 0. Rules: q_len and kv_len are the products of the extents; every
     * side of kv_box is at least 1; q_box likewise, or all 0 for runs of q_block queries, row-major; products are at most
     * 2^20; q_block and kv_block are 0 or those products; what stands past the rank is not read. No causal, window, prefix or key_stride. One plane of axis 0 must
     * fit a binding. */
    vatten_boxes boxes;
    /* NONE, or TENSOR: args.bias holds f32 [B, bias_heads, q_len, kv_len], keys next to each other, and the entry of a
     * pair is added to scale q . k before the softmax; -inf hides the pair, +inf and NaN are not allowed. Query head h
     * reads bias head h / (heads / bias_heads): with kv_heads for bias_heads one for each KV head. Needs 8 storage buffers
     * per stage. */
    vatten_bias bias;
    uint32_t bias_heads; /* a divisor of heads; 0 = heads */
    /* In elements, `token` from a query to the next; all 0: packed [batch][head][query][key]. Else all three count as
     * given, and 0 repeats: token 0 is a bias of keys alone. For one row that all batch entries, heads and queries share:
     * bias_heads 1 and any head stride but 0, which a single head never uses. */
    vatten_strides bias_strides;
} vatten_lists_desc;

/* As vatten_attention_create. Plan info: pairs, flops and bytes are of lists that are full and share nothing. */
VATTEN_API vatten_result vatten_lists_create(vatten_device *device, const vatten_lists_desc *desc,
                                             vatten_plan **out_plan);

/* Whether lists keep the rules above, asked of a copy on the host with the desc's strides: for callers who make lists
 * themselves. Creates nothing, needs no device. `logger` is told where the first wrong entry stands, and its value; NULL:
 * nobody is. Errors: INVALID_ARGUMENT (a rule of the desc or of a list broken, a NULL pointer). Takes time with the words if
 * entries and ranges are ascending; else, if there are more than 256, with them for each 65,536 blocks (keys, queries) in a
 * row of which they name some. Thread-safety: safe. */
VATTEN_API vatten_result vatten_lists_check(const vatten_logger *logger, const vatten_lists_desc *desc,
                                            const uint32_t *words);

/* Words of one list. 0 for a desc that is NULL or whose kind is none. Thread-safety: safe. */
VATTEN_API uint64_t vatten_lists_words(const vatten_lists_desc *desc);

/* What pooling makes of a block, dim by dim. */
typedef enum vatten_pool_kind {
    VATTEN_POOL_MEAN = 0,
    VATTEN_POOL_MAX = 1,
    VATTEN_POOL_MIN_MAX = 2 /* the minimum of all dims, then the maximum of all */
} vatten_pool_kind;

/* Pooling: tokens on a grid of 1 to 3 axes, row-major, are cut into blocks of block[0] x block[1] x block[2], the last
 * ones of an axis short; each becomes one row, over the tokens that it has. args.k is [B, tokens, heads, dim], args.out
 * f32 unless keep_dtype, packed [B, blocks, heads, dim, for MIN_MAX twice dim], blocks row-major too. NaN spreads in means; whether it does in
 * a minimum or maximum is the device's affair. Sums are f32, in the order of tokens. */
typedef struct vatten_pool_desc {
    vatten_dtype dtype; /* required, of args.k */
    uint64_t batch;     /* required */
    uint32_t heads;     /* required */
    uint32_t dim;       /* required: 1..VATTEN_MAX_DIM */
    vatten_strides x;   /* of args.k */
    uint32_t rank;      /* required: 1..3 */
    uint64_t extent[3]; /* required: tokens along the first `rank` axes */
    uint32_t block[3];  /* required: tokens of a block along them, at most the extent */
    vatten_pool_kind kind;
    const char *label;  /* optional, as in vatten_heads */
    bool keep_dtype;    /* args.out has `dtype` too, rounded once: keys or values of an attention plan */
    uint64_t max_moves; /* as in vatten_heads */
} vatten_pool_desc;

/* As vatten_attention_create. */
VATTEN_API vatten_result vatten_pool_create(vatten_device *device, const vatten_pool_desc *desc,
                                            vatten_plan **out_plan);

/* How many blocks a row, or a group of rows, gets, forced ones included. */
typedef enum vatten_budget {
    VATTEN_BUDGET_TOP = 0,      /* `entries`, or `total` of a group, those of the largest values */
    VATTEN_BUDGET_MASS = 1,     /* the fewest, sorted by weight, whose share of all weight reaches `share` */
    VATTEN_BUDGET_THRESHOLD = 2 /* those whose value is `share` or more */
} vatten_budget;

/* Which key blocks a row of queries goes by. A block's value is scale q . k with the pooled block k, f32; with `softmax` its
 * share of a softmax over the row's candidates; summed over the query heads that share a list. Candidates are all blocks,
 * under causality those up to the last one that holds a token of the row; `complete` and `reach` leave fewer. Forced blocks
 * are listed whatever their value, candidates or not (but not those that causality hides), and count towards every budget:
 * those that `own`, `first` and `local` may force must fit `entries`. Of equal values the higher block wins; NaN is below
 * every number.
 *
 * Rows may share a budget: budget_rows consecutive ones, of budget_heads consecutive list heads. Then values of all of them
 * compete, `entries` is only the room of a list, and a row may end up empty. TOP gives the group `total` blocks, MASS and
 * THRESHOLD go by the weights and values of the group (min_max too), `least` is of the group. Of equal values the higher
 * head wins, then the later row, then the higher block. A row that would get more than `entries` keeps its best; what it
 * gives up goes to nobody.
 *
 * With `by_block` each block has a budget of its own over those rows and heads: it is not the blocks of a row that compete,
 * but the rows of a block (the scope "block" of VMoBA: Wu et al., 2025). A list is what a row has won of all blocks. */
typedef struct vatten_selection {
    uint32_t entries;    /* required: of a list, 1..blocks */
    uint32_t list_heads; /* heads that have lists, a divisor of heads; 0 = heads */
    float scale;         /* 0 = 1: scores are not scaled; must be finite */
    bool softmax;        /* values are shares */
    bool own;            /* forced: the blocks that hold the row's tokens; boxes: those that meet the row's */
    uint32_t first;      /* forced: the first so many */
    uint32_t local;      /* forced: so many up to the row's last own one; not with boxes */
    vatten_budget budget;
    float share; /* MASS: 0..1; THRESHOLD: any number */
    /* MASS: weights run from 0 for the row's least value to 1 for its largest; else they are the values,
     * which must then not be negative: softmax shares. */
    bool min_max;
    bool crossing_out; /* MASS: without the block that crosses the share */
    /* MASS and THRESHOLD: blocks besides the forced ones, at least, as far as there are any. */
    uint32_t least;
    /* Candidates are only blocks whose block_tokens tokens are all at or before the row's last one (NSA: Yuan et al., 2025):
     * a row without any gets its forced blocks alone. Not with boxes. */
    bool complete;
    /* Boxes: candidates are at most so many blocks from the row's own ones along each axis; 0 = any. */
    uint32_t reach[3];
    uint32_t budget_rows;  /* share a budget, the last ones are fewer; 0 = 1; more than there are: all */
    uint32_t budget_heads; /* list heads that share a budget, a divisor of list_heads; 0 = 1 */
    /* TOP: blocks of a group, at most what its lists hold; 0 = all of that. A group of fewer rows at the end gets its share
     * of it, rounded down; one with more forced blocks gets those. With by_block: rows and heads of a block, required, at
     * most budget_rows x budget_heads. */
    uint64_t total;
    /* Budgets are those of single blocks, over budget_rows rows of budget_heads heads each: `total`, `share`, `least` and
     * min_max are of the values that these rows have for the block, and rows in which it is forced count. */
    bool by_block;
} vatten_selection;

/* Selection: args.q is [B, rows, heads, dim], rows being tokens or pooled blocks of them; args.k f32, packed
 * [B, blocks, kv_heads, dim], as vatten_pool_create writes it. args.lists is written, packed [B, list_heads, rows, entries],
 * each list ascending and filled up with VATTEN_LIST_END, as VATTEN_LIST_BLOCKS reads it; with write_counts args.counts,
 * uint32_t, packed [B, list_heads, rows], how many blocks each has. Scores pass through the workspace, as many rows at a
 * time as `max_workspace` has room for; rows that share a budget, all at once.
 *
 * With a bias, args.bias is f32 [B, list_heads, rows, blocks] and is added to scores before the softmax. -inf forbids a
 * block: it has no value and is not listed, whatever else forces it. +inf forces a block, whose value is then that without
 * a bias. If forced blocks do not fit `entries`, which only a bias can bring about, the first ones are listed. */
typedef struct vatten_select_desc {
    vatten_dtype dtype; /* required, of args.q */
    uint64_t batch;     /* required */
    uint32_t heads;     /* required: query heads */
    uint32_t kv_heads;  /* required: a divisor of heads */
    uint32_t dim;       /* required: 1..VATTEN_MAX_DIM */
    uint64_t rows;      /* required: rows of queries */
    uint64_t blocks;    /* required: key blocks */
    vatten_strides q;
    vatten_selection rule; /* required */
    /* Where rows stand among the blocks: row r has the tokens [row_shift + r row_tokens, + row_tokens) of the keys, block n
     * [n block_tokens, + block_tokens). Required for causal, own and local, else all 0. */
    uint64_t row_tokens;
    uint64_t row_shift;
    uint64_t block_tokens;
    bool causal;
    bool write_counts;
    /* Bytes; 0 = 1 KiB for each row, query head and batch entry, so that it grows with rows and not with rows x blocks, but
     * at most 64 MiB; and never less than 64 rows of a list head, or a group of rows with one budget, need. */
    uint64_t max_workspace;
    const char *label; /* optional, as in vatten_heads */
    bool bias;
    /* Of args.bias in floats, `token` from a row to the next, blocks side by side; all 0: packed, else a 0 shares. */
    vatten_strides bias_strides;
    /* Blocks are boxes: rows are the boxes of queries, blocks those of keys, both row-major. Not with causal; row_tokens,
     * row_shift and block_tokens are 0. */
    vatten_boxes boxes;
    uint64_t max_macs;  /* of scores; as in vatten_heads */
    uint64_t max_moves; /* as in vatten_heads; rows that share a budget stay together */
} vatten_select_desc;

/* As vatten_attention_create. */
VATTEN_API vatten_result vatten_select_create(vatten_device *device, const vatten_select_desc *desc,
                                              vatten_plan **out_plan);

/* How combining reads its parts. */
typedef enum vatten_combine_kind {
    VATTEN_COMBINE_SUM = 0,  /* out = sum over parts of gain x part (+ residual) */
    VATTEN_COMBINE_MERGE = 1 /* parts are attention over disjoint keys: out is attention over all of them */
} vatten_combine_kind;

/* Combining: one output of several parts. args.v holds the parts, [part][B, tokens, heads, dim] by `x` and x_part, and
 * args.out is [B, tokens, heads, dim].
 *   SUM    out = sum over parts p of gain_p x part_p (+ residual): gated branches, differences of attentions, o x scale + r.
 *          With `gains` args.bias holds them, f32, one for each part, batch entry, head and token, by `weights` and
 *          weights_part; else they are 1. With has_residual args.q holds the residual, in dtype, by `residual`.
 *   MERGE  args.bias holds the natural log-sum-exps l_p of the parts, f32, by `weights` and weights_part (0: as attention
 *          writes them). With m the maximum of all l_p and w_p = exp(l_p - m), out = sum of w_p x part_p / sum of w_p, and
 *          with write_lse args.lse = m + ln(sum of w_p), packed [B, heads, tokens]. A part with l_p = -inf counts for
 *          nothing, even if it holds NaN; a row of which all parts are so gets 0 and -inf.
 * Sums are f32 in the order of parts. The output may be one of the parts or the residual in place (same buffer, offset and
 * strides): whoever writes an element has read all that it needs before, and nobody else reads it. Otherwise args.out and
 * args.lse must overlap nothing.
 * Strides: x, residual and out as everywhere, all 0 is packed; x_part 0 is from the first to one past the last element of a
 * part as it is then. Of `weights` and weights_part all 0 is packed [part][B, heads, tokens]; otherwise each counts as
 * given, and 0 repeats: gates that lie as [B, tokens, heads, 3] have token 3 heads, head 3, part 1. */
typedef struct vatten_combine_desc {
    vatten_combine_kind kind;
    vatten_dtype dtype; /* required, of parts, residual and out */
    uint64_t batch;     /* required */
    uint32_t heads;     /* required */
    uint64_t tokens;    /* required */
    uint32_t dim;       /* required: 1..VATTEN_MAX_DIM */
    uint32_t parts;     /* required: 1..64 */
    vatten_strides x;
    uint64_t x_part;
    vatten_strides weights;
    uint64_t weights_part;
    vatten_strides residual;
    vatten_strides out;
    bool gains;         /* SUM */
    bool has_residual;  /* SUM */
    bool write_lse;     /* MERGE */
    const char *label;  /* optional, as in vatten_heads */
    uint64_t max_moves; /* as in vatten_heads */
} vatten_combine_desc;

/* As vatten_attention_create; also UNSUPPORTED if a device has fewer than 6 storage buffers per stage. Plan info: v_bytes,
 * bias_bytes and q_bytes are of parts, gains or log-sum-exps, and residual; workspace_bytes is 0 unless the parts of a token
 * do not fit one binding together. */
VATTEN_API vatten_result vatten_combine_create(vatten_device *device, const vatten_combine_desc *desc,
                                               vatten_plan **out_plan);

/* The largest of long rows of values: args.k is f32 [B, heads, rows, values], args.lists is written, packed
 * [B, heads, rows, entries], the places of the `entries` largest of each row, ascending and filled up with VATTEN_LIST_END,
 * as VATTEN_LIST_KEYS reads it; with write_counts args.counts, uint32_t, packed [B, heads, rows], how many they are. With
 * `causal` value j is a candidate of row i iff j <= diag(i), diag as in vatten_attention_desc with `rows` queries and
 * `values` keys. Of equal values the higher place wins; -0 equals 0; NaN is below every number, -inf is one. Rows are cut
 * into pieces for many workgroups; the workspace takes 32 bytes for each row, and for each 4096 values of it, as many rows
 * at a time as 64 MiB have room for. */
typedef struct vatten_topk_desc {
    uint64_t batch;  /* required */
    uint32_t heads;  /* required */
    uint64_t rows;   /* required */
    uint64_t values; /* required: of a row */
    /* Of args.k in floats, `token` from a row to the next, values side by side; all 0: packed, else a 0 shares. */
    vatten_strides x;
    uint32_t entries; /* required: 1..values */
    bool causal;
    vatten_align align;
    bool write_counts;
    const char *label;  /* optional, as in vatten_heads */
    uint64_t max_moves; /* as in vatten_heads; the least is 4,096 values of a row */
} vatten_topk_desc;

/* As vatten_attention_create. */
VATTEN_API vatten_result vatten_topk_create(vatten_device *device, const vatten_topk_desc *desc,
                                            vatten_plan **out_plan);

/* Sparse attention: keys are pooled by blocks, blocks are selected for each row of queries, and the queries of the row attend
 * to the keys of their blocks, as far as causality shows them. One plan; what is between passes through its workspace. With
 * q_block = 1 each query and list head has blocks of its own (MoBA: Lu et al., 2025), else the queries of a block share
 * theirs, by the mean of the block.
 *
 * `execution` is for q_block = 1 and changes rounding only. GATHER keeps besides the lists, of as many queries at a time as
 * max_workspace has room for, the running state of each of their entries, (value_dim + a few) x 4 bytes for each head; its
 * workspace grows with the tokens, never with their square. UNSUPPORTED if not one query fits. */
typedef struct vatten_sparse_desc {
    vatten_heads heads;
    uint64_t q_len;        /* required: query tokens */
    uint64_t kv_len;       /* required: key tokens; with causal at least q_len for VATTEN_ALIGN_LAST */
    uint32_t q_block;      /* required: queries of a row */
    uint32_t kv_block;     /* required: keys of a block, the last may be short */
    vatten_selection rule; /* required */
    bool causal;           /* of selection and of attention */
    vatten_align align;
    uint64_t max_workspace; /* of the scores, as in vatten_select_desc; and of what GATHER keeps */
    vatten_sparse_execution execution;
    /* Blocks are boxes, as in vatten_lists_desc and vatten_select_desc; q_block and kv_block are 0 or their tokens. Rows are
     * the boxes of queries, single tokens if q_box is 1 along all axes. Not causal. */
    vatten_boxes boxes;
} vatten_sparse_desc;

/* As vatten_attention_create. Plan info: pairs, flops and bytes are those of attention with full lists; `execution` is the
 * one that was taken. */
VATTEN_API vatten_result vatten_sparse_create(vatten_device *device, const vatten_sparse_desc *desc,
                                              vatten_plan **out_plan);

#ifdef __cplusplus
}
#endif

#endif /* VATTEN_LISTS_H */
