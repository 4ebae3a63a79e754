/* SPDX-License-Identifier: MIT
 *
 * What the host and the shaders agree on, read by C and by GLSL: descriptor slots, specialization-constant
 * ids, the push block and its flags. Change it here and nowhere else.
 */
#ifndef VT_INTERFACE_H
#define VT_INTERFACE_H

/* ---- Descriptor slots: storage buffers in set 0. A kernel declares the first of them: a plain one four, a full one
 * six, one with a bias or lists seven, one with both all ---- */
#define VT_SLOT_Q           0
#define VT_SLOT_K           1
#define VT_SLOT_V           2
#define VT_SLOT_OUT         3
#define VT_SLOT_LSE         4
#define VT_SLOT_CARRY       5
#define VT_SLOT_BIAS        6
#define VT_SLOT_MASS_INPUT  2 /* attention mass, in place of the values: weights, ids or a list of rows */
#define VT_SLOT_LISTS       6 /* in place of the bias */
#define VT_SLOT_LIST_BIAS   7 /* the bias of kernels that have both */
#define VT_SLOT_TABLES      7 /* of dense kernels with rules, which have a bias too */
#define VT_SLOT_COUNT       8
#define VT_SLOT_COUNT_PLAIN 4
#define VT_SLOT_COUNT_FULL  6
#define VT_SLOT_COUNT_BIAS  7

/* ---- Specialization constants: what sizes arrays, unrolls loops or folds branches ---- */
#define VT_SPEC_WORKGROUP     0  /* invocations */
#define VT_SPEC_ROWS          1  /* query rows of a workgroup */
#define VT_SPEC_KEYS          2  /* keys of one step of the loop */
#define VT_SPEC_LANES_PER_ROW 3  /* invocations that share a row */
#define VT_SPEC_DIM           4  /* of q and k */
#define VT_SPEC_VALUE_DIM     5  /* of v and out */
#define VT_SPEC_DIM_PAD       6  /* dim rounded up to what the layout loops over */
#define VT_SPEC_VALUE_PAD     7
#define VT_SPEC_DIM_CHUNK     8  /* dims of q . k that are staged in shared memory at once */
#define VT_SPEC_VECTOR        9  /* VT_VECTOR_* */
#define VT_SPEC_MASK          10 /* VT_MASK_* bits */
#define VT_SPEC_WINDOW        11 /* 11..13: neighborhood window per axis, outermost first, missing axes 1 */
#define VT_SPEC_STRIDE        14 /* 14..16 */
#define VT_SPEC_DILATION      17 /* 17..19 */
#define VT_SPEC_BOX           20 /* 20..22: box of the query tile, product <= rows */
/* Read by the layouts MATRIX and MATRIX2 only: */
#define VT_SPEC_SUBGROUP 23 /* invocations of a subgroup, which the pipeline asks for */
#define VT_SPEC_MATRIX   24 /* 24..26: M, N and K of the products [M, K] x [K, N] */
#define VT_SPEC_ROLL     27 /* 27..29: tokens by which a grid is shifted back, per axis */
#define VT_SPEC_TABLE    30 /* 30..32: window that the table of relative biases is made for, per axis */
#define VT_SPEC_HOLD     69 /* 1: queries stay in matrices over all tiles */
/* Read by the split layouts only: vec4 or f16vec4 (DOT: words of bytes) of shared memory that a key takes, K or V. A number of its
 * own, since a choice between constants as the length of a shared array is wrong on Adreno (docs/reliability.md). */
#define VT_SPEC_STAGE_WORDS 70
#define VT_SPEC_COUNT    71
/* Lists map, in place of what only grids have: */
#define VT_SPEC_LIST_KIND     11 /* VT_LIST_* */
#define VT_SPEC_LIST_Q_BLOCK  12 /* queries that share a list */
#define VT_SPEC_LIST_KV_BLOCK 13 /* keys of an entry */
#define VT_SPEC_LIST_ENTRIES  14 /* of a list, at most */
#define VT_SPEC_LIST_ROW      15 /* words from a list to the next */
#define VT_SPEC_LIST_GROUP    16 /* query heads that share lists */
#define VT_SPEC_LIST_LEFT     17
#define VT_SPEC_LIST_RIGHT    18
#define VT_SPEC_LIST_PREFIX   19
#define VT_SPEC_LIST_STRIDE   20 /* of keys that are visible whatever the window says */
#define VT_SPEC_LIST_PHASE    21
#define VT_SPEC_LIST_EXTENT   27 /* 27, 28: of the grid along axes 1 and 2, where blocks are boxes */
#define VT_SPEC_LIST_Q_BOX    29 /* 29, 30: sides of a block of queries along those */
#define VT_SPEC_LIST_KV_BOX   31 /* 31, 32: the same of keys */
/* and with a bias: */
#define VT_SPEC_LIST_HEADS      33 /* of the whole problem */
#define VT_SPEC_LIST_BIAS_GROUP 34 /* query heads that share a bias */
#define VT_SPEC_LIST_BIAS_BATCH 35 /* elements from a batch entry's bias to the next; 0 if there is one batch entry */
#define VT_SPEC_LIST_SLOT_HEADS 36 /* VT_LIST_ROWS: query heads that a slot stands for */

/* Dense map with rules, in place of what only grids have: */
#define VT_SPEC_RULE_LEFT       11
#define VT_SPEC_RULE_RIGHT      12
#define VT_SPEC_RULE_PREFIX     13
#define VT_SPEC_RULE_CHUNK      14
#define VT_SPEC_RULE_STRIDE     15 /* of keys that are visible whatever the window says */
#define VT_SPEC_RULE_PHASE      16
#define VT_SPEC_TILE_HEADS      17 /* query heads that share a query tile */
#define VT_SPEC_SPLITS          18 /* workgroups that share the keys of a query tile */
#define VT_SPEC_PAGE            19 /* keys of a page; 0 = no pages */
#define VT_SPEC_POOL_PAGES      20
#define VT_SPEC_ROW_PAGES       21 /* words of a row of the page table */
#define VT_SPEC_LENGTHS         22 /* VT_LENGTHS_* */
#define VT_SPEC_HEAD_FIELDS     27 /* VT_HEAD_* */
#define VT_SPEC_HEAD_BATCH      28 /* 1: a table of heads for each batch entry */
#define VT_SPEC_SOFTCAP         29 /* float, x log2(e); 0 = none */
#define VT_SPEC_NORMALISER      30 /* vatten_normaliser */
#define VT_SPEC_BIAS            31 /* VT_BIAS_* */
#define VT_SPEC_BIAS_GROUP      32 /* query heads that share a bias */
#define VT_SPEC_BIAS_STRIDE     33 /* 33..36: batch, head, query, key; AXES: in rows, and 36 is how many there are */
#define VT_SPEC_BIAS_EXTENT     37 /* 37..39 */
#define VT_SPEC_BIAS_REACH      40 /* 40..42 */
#define VT_SPEC_TABLE_HEADS     43 /* 43..55: words of the tables before each */
#define VT_SPEC_TABLE_Q_LENGTHS 44
#define VT_SPEC_TABLE_KV_LENGTHS 45
#define VT_SPEC_TABLE_Q_STARTS  46
#define VT_SPEC_TABLE_KV_STARTS 47
#define VT_SPEC_TABLE_PAGES     48
#define VT_SPEC_TABLE_Q_SEGMENTS 49
#define VT_SPEC_TABLE_KV_SEGMENTS 50
#define VT_SPEC_TABLE_VISIBLE   51
#define VT_SPEC_TABLE_INTERVALS 52
#define VT_SPEC_TABLE_EXPIRY    53
#define VT_SPEC_TABLE_BITS      54
#define VT_SPEC_TABLE_SPANS     55
#define VT_SPEC_SEGMENTS        56 /* ids that the visibility table knows; 0 = there is none */
#define VT_SPEC_MASK_GROUP      57 /* query heads that share masks */
#define VT_SPEC_MASK_HEADS      58
#define VT_SPEC_MASK_BATCH      59 /* 1: masks for each batch entry */
#define VT_SPEC_Q_CAPACITY      60 /* tokens that the plan is made for */
#define VT_SPEC_KV_CAPACITY     61
#define VT_SPEC_HEADS           62 /* query heads of the problem */
#define VT_SPEC_SEQUENCES       63
#define VT_SPEC_STATE_VALUES    64 /* outputs in a carried state */
#define VT_SPEC_STATE_LANES     65 /* sums in it: of each lane of a row, or one */
#define VT_SPEC_STATE_CALLER    66 /* 1: states stand where the caller's do, [batch][head][token] */
#define VT_SPEC_KV_BLOCK        67 /* bytes of k and v that share a scale; kernels of bytes */
#define VT_SPEC_TOUCH           68 /* 1: the keys of a head lie apart, and STREAM asks for them before it needs them */

/* Attention mass, in place of values and of what is carried: */
#define VT_SPEC_MASS_BINS VT_SPEC_VALUE_DIM /* numbers of a row of out */
#define VT_SPEC_MASS_KIND 64 /* VT_MASS_IS_* and flags */
#define VT_SPEC_MASS_SIZE 65 /* BLOCK_MAX: keys of a block; ROWS: how many; COLUMNS: query heads that are summed up */
#define VT_SPEC_MASS_LAST 66 /* COLUMNS: how many of the last queries count */
#define VT_MASS_IS          7u
#define VT_MASS_IS_COLUMNS  1u /* numbered as vatten_mass_kind */
#define VT_MASS_IS_SEGMENTS 2u
#define VT_MASS_IS_ROWS     3u
#define VT_MASS_IS_ENTROPY  4u
#define VT_MASS_IS_MAXIMA   5u
#define VT_MASS_INPUT       8u /* COLUMNS: weights; SEGMENTS: ids from a buffer; ROWS: a list of them */

/* Values of VT_SPEC_VECTOR: rows of q, k, v and out start at multiples of so many elements, which dim and value_dim are too. */
#define VT_VECTOR_NONE  0u
#define VT_VECTOR_FOUR  1u
#define VT_VECTOR_EIGHT 2u /* STREAM and MATRIX_WORKGROUP, types of 16 bits */

/* DOT: dims of a word of a key, which blocks are whole words of, and signed bytes that a number of a query is made of. */
#define VT_DOT_UNIT       16u
#define VT_DOT_DIGITS_F32 3u
#define VT_DOT_DIGITS_16  2u /* f16 and bf16 */

/* Bits of VT_SPEC_MASK. Dense map: */
#define VT_MASK_CAUSAL      1u /* keys after the diagonal are hidden */
#define VT_MASK_LEFT        2u /* push.left bounds the window */
#define VT_MASK_RIGHT       4u /* push.right bounds the window */
#define VT_MASK_ALIGN_FIRST 8u /* diagonal at key i instead of i + kv_len - q_len */
/* Lists map, besides: */
#define VT_MASK_STRIDED   16u /* keys at VT_SPEC_LIST_STRIDE are visible whatever the window says */
#define VT_MASK_ROW_MASKS 32u /* entries say which rows they are for */
#define VT_MASK_Q_BOXES   64u /* blocks of queries are boxes of a grid */
#define VT_MASK_KV_BOXES  128u /* blocks of keys are */
/* Dense map with rules, besides: */
#define VT_MASK_CHUNK     256u /* keys of other chunks are hidden */
#define VT_MASK_SEGMENTS  512u
#define VT_MASK_INTERVALS 1024u
#define VT_MASK_EXPIRY    2048u
#define VT_MASK_BITS      4096u
#define VT_MASK_SCATTERED (VT_MASK_STRIDED | VT_MASK_SEGMENTS | VT_MASK_EXPIRY | VT_MASK_BITS) /* keys are walked by spans */

#define VT_SPAN 64u /* keys that a summary of segments and expiries is made for */
#define VT_SPAN_WORDS 4u /* least and largest segment, least and largest expiry */

/* Bits of VT_SPEC_LENGTHS */
#define VT_LENGTHS_Q      1u /* queries of batch entries are counted in tables */
#define VT_LENGTHS_KV     2u /* keys of batch entries, or of sequences, are */
#define VT_LENGTHS_PACKED 4u /* sequences stand one after the other */
#define VT_LENGTHS_EXTRA  8u /* keys are the extra ones, of all batch entries and sequences alike */

/* Bits of VT_SPEC_HEAD_FIELDS, as vatten_head_field; words of a head */
#define VT_HEAD_SCALE  1u
#define VT_HEAD_SINK   2u
#define VT_HEAD_SLOPE  4u
#define VT_HEAD_OFFSET 8u
#define VT_HEAD_GAIN   16u
#define VT_HEAD_WINDOW 32u
#define VT_HEAD_PREFIX 64u
#define VT_HEAD_SIGNED 128u /* of the slope */
#define VT_HEAD_WORDS  8u

/* VT_SPEC_BIAS */
#define VT_BIAS_KIND     3u
#define VT_BIAS_TENSOR   1u
#define VT_BIAS_RELATIVE 2u
#define VT_BIAS_AXES     3u
#define VT_BIAS_F16      4u
#define VT_BIAS_KEYS     8u  /* of keys alone */
#define VT_BIAS_GRID     16u /* RELATIVE: tokens stand on a grid */
#define VT_BIAS_CUBE     32u /* of three axes */

/* Neighborhood map, bit a of each for axis a: */
#define VT_MASK_CAUSAL_AXES 1u  /* keys after the query are hidden */
#define VT_MASK_OPEN_AXES   8u  /* windows reach past the ends */
#define VT_MASK_ZERO_AXES   64u /* what lies there counts as keys with score 0 */
/* of all axes: */
#define VT_MASK_WEIGHTS     512u /* q holds the weights of a query's window, and there is no softmax */
#define VT_MASK_WHOLE       1024u /* every query of a box sees every key that the box visits */

/* Entries of a list, VT_SPEC_LIST_KIND: */
#define VT_LIST_BLOCKS 0u          /* a block, and with VT_MASK_ROW_MASKS a bit for each row */
#define VT_LIST_RANGES 1u          /* first key and end; the list begins with first query and end */
#define VT_LIST_KEYS   2u          /* a key */
#define VT_LIST_ROWS   3u          /* none: the rows that name a block are listed (lib/list_rows.glsl) */
#define VT_LIST_END    0xffffffffu /* ends a list of blocks or ranges; among keys it is none */

/* ---- Pooling: slots, constants and push constants of its own ---- */
#define VT_POOL_SLOT_X     0
#define VT_POOL_SLOT_OUT   1
#define VT_POOL_SLOT_COUNT 2
/* VT_SPEC_WORKGROUP as above */
#define VT_POOL_SPEC_DIM  1
#define VT_POOL_SPEC_KIND 2 /* VT_POOL_* */
#define VT_POOL_SPEC_SIDE 3 /* 3..5: tokens of a block along each axis */
#define VT_POOL_MEAN      0u
#define VT_POOL_MAX       1u
#define VT_POOL_MIN_MAX   2u
/* Tokens and blocks of a grid of three axes; bases and strides in elements from the start of the bound range. */
#define VT_POOL_PUSH_FIELDS                                                                                          \
    VT_UINT extent0;                                                                                                 \
    VT_UINT extent1;                                                                                                 \
    VT_UINT extent2;                                                                                                 \
    VT_UINT blocks1;                                                                                                 \
    VT_UINT blocks2;                                                                                                 \
    VT_UINT first; /* blocks [first, end) of this dispatch, row-major */                                             \
    VT_UINT end;                                                                                                     \
    VT_UINT x_base; /* so that token t of the grid is at base + t x token */                                         \
    VT_UINT x_batch;                                                                                                 \
    VT_UINT x_head;                                                                                                  \
    VT_UINT x_token;                                                                                                 \
    VT_UINT out_base; /* so that block n of the grid is at base + n x block */                                       \
    VT_UINT out_batch;                                                                                               \
    VT_UINT out_head;                                                                                                \
    VT_UINT out_block;

/* ---- Scores, selection of blocks and of values: slots, constants and push constants of their own ---- */
#define VT_SCORE_SLOT_Q      0
#define VT_SCORE_SLOT_K      1
#define VT_SCORE_SLOT_SCORES 2 /* [batch][query head][block][row] */
#define VT_SCORE_SLOT_COUNT  3

#define VT_SELECT_SLOT_LISTS  0 /* select: budgets of single rows */
#define VT_SELECT_SLOT_COUNTS 1
#define VT_SELECT_SLOT_SCORES 2
#define VT_SELECT_SLOT_BIAS   3
#define VT_SELECT_SLOT_COUNT  4

#define VT_RANK_SLOT_VALUES 0 /* rank, topk: budgets over many lines. Scores, or the values of topk */
#define VT_RANK_SLOT_STATE  1 /* [batch][group of heads][block, if each has a budget][group of rows][VT_RANK_STATE_WORDS, then
                                 workgroup][word] */
#define VT_RANK_SLOT_LISTS  2 /* of the pass VT_RANK_LIST, and the bias of VT_RANK_JOIN and VT_RANK_MEASURE */
#define VT_RANK_SLOT_COUNTS 3
#define VT_RANK_SLOT_COUNT  4

/* VT_SPEC_WORKGROUP as above */
#define VT_SELECT_SPEC_DIM     1 /* score */
#define VT_SELECT_SPEC_VECTOR  2
#define VT_SELECT_SPEC_FLAGS   3 /* VT_SELECT_* */
#define VT_SELECT_SPEC_BUDGET  4 /* VT_BUDGET_* */
#define VT_SELECT_SPEC_ENTRIES 5
#define VT_SELECT_SPEC_LEAST   6
#define VT_SELECT_SPEC_GROUP   7
#define VT_SELECT_SPEC_FIRST   8
#define VT_SELECT_SPEC_LOCAL   9
#define VT_SELECT_SPEC_SHARE   10 /* bits of an f32 */
#define VT_SELECT_SPEC_BOXES   11
#define VT_SELECT_SPEC_Q_BOX   12 /* 12..14 */
#define VT_SELECT_SPEC_KV_BOX  15 /* 15..17 */
#define VT_SELECT_SPEC_EXTENT  18 /* 18..20: of the queries */
#define VT_SELECT_SPEC_SHIFT   21
#define VT_SELECT_SPEC_REACH   22 /* 22..24 */
#define VT_SELECT_SPEC_PASS    25 /* rank, topk: VT_RANK_* */
#define VT_SELECT_SPEC_HEADS   26 /* rank: list heads that share a budget */

#define VT_SELECT_CAUSAL       1u   /* blocks after the row's last own one are not listed */
#define VT_SELECT_OWN          2u   /* the row's own blocks are forced */
#define VT_SELECT_SOFTMAX      4u   /* values are shares of a softmax over the candidates */
#define VT_SELECT_MIN_MAX      8u   /* weights run from 0 to 1 between the least and the largest value */
#define VT_SELECT_CROSSING_OUT 16u  /* without the block that crosses the share */
#define VT_SELECT_COUNTS       32u  /* also writes how many blocks a list has */
#define VT_SELECT_COMPLETE     64u  /* only blocks that end before the row does have values */
#define VT_SELECT_BIAS         128u /* scores have a bias */
#define VT_SELECT_BY_BLOCK     256u /* a budget is that of a block, of its rows and heads */

#define VT_BUDGET_TOP       0u
#define VT_BUDGET_MASS      1u
#define VT_BUDGET_THRESHOLD 2u

#define VT_SELECT_BLOCKS_AT_ONCE 4u /* of an invocation of score */
#define VT_SELECT_ROWS_AT_ONCE 4u   /* of the same */

/* Passes over lines, a workgroup for WORKGROUP lines of a group, and between them over groups, a workgroup for each. With
 * VT_SELECT_BY_BLOCK a group is one of each block, and a line has one value, but for JOIN and LIST. */
#define VT_RANK_JOIN        0u  /* lines: from scores to orders */
#define VT_RANK_MEASURE     1u  /* lines, by block: which of the orders are forced */
#define VT_RANK_START       2u  /* group: what there is, and room for how many */
#define VT_RANK_MASS        3u  /* lines: all weight */
#define VT_RANK_GOAL        4u  /* group: the weight that is wanted */
#define VT_RANK_WEIGH       5u  /* lines: weight from each of three limits up */
#define VT_RANK_PICK_WEIGHT 6u  /* group: two bits more of the limit */
#define VT_RANK_TIES        7u  /* lines: how many, and how much, above and at the limit */
#define VT_RANK_BUDGET      8u  /* group: how many are wanted */
#define VT_RANK_COUNT       9u  /* lines: how many from each of three limits up */
#define VT_RANK_PICK        10u /* group: two bits more of the limit */
#define VT_RANK_ENDS        11u /* lines: how many above and at the limit */
#define VT_RANK_SCAN        12u /* group: how many before each workgroup */
#define VT_RANK_MARK        13u /* lines, by block: no order for what is not in */
#define VT_RANK_LIST        14u /* lines: lists */
#define VT_RANK_PASSES      15u

#define VT_RANK_STATE_WORDS   8u /* of a group */
#define VT_RANK_PARTIAL_WORDS 8u /* of a workgroup of lines */
#define VT_RANK_CHUNK         64u /* values of a line of topk */

/* Bases and strides in elements from the start of the bound range, where the first row of the dispatch is. */
#define VT_SCORE_PUSH_FIELDS                                                                                         \
    VT_UINT rows;                                                                                                    \
    VT_UINT blocks;                                                                                                  \
    VT_UINT group;      /* query heads per KV head */                                                                \
    VT_UINT head_first; /* first query head of this dispatch */                                                      \
    VT_FLOAT scale;                                                                                                  \
    VT_UINT q_base;                                                                                                  \
    VT_UINT q_batch;                                                                                                 \
    VT_UINT q_head;                                                                                                  \
    VT_UINT q_token;                                                                                                 \
    VT_UINT k_base;                                                                                                  \
    VT_UINT k_batch;                                                                                                 \
    VT_UINT k_head;                                                                                                  \
    VT_UINT k_block;                                                                                                 \
    VT_UINT s_base;                                                                                                  \
    VT_UINT s_batch;                                                                                                 \
    VT_UINT s_head;

/* Of select, rank and topk. Rows [row_first, row_end) of this dispatch; bases and strides in elements or words from the
 * start of the bound range, where the first of those rows is. */
#define VT_SELECT_PUSH_FIELDS                                                                                        \
    VT_UINT row_first;                                                                                               \
    VT_UINT row_end;                                                                                                 \
    VT_UINT blocks; /* topk: values of a row */                                                                      \
    VT_UINT s_base;                                                                                                  \
    VT_UINT s_batch;                                                                                                 \
    VT_UINT s_head;                                                                                                  \
    VT_UINT s_row;        /* rank, topk */                                                                           \
    VT_UINT s_block;      /* rank, topk */                                                                           \
    VT_UINT row_tokens;   /* tokens of a row */                                                                      \
    VT_UINT row_shift;    /* where the first token of row 0 stands among the keys; topk: signed */                   \
    VT_UINT block_tokens; /* 0: rows have no place among the blocks */                                               \
    VT_UINT list_base;                                                                                               \
    VT_UINT list_batch;                                                                                              \
    VT_UINT list_head;                                                                                               \
    VT_UINT list_row;                                                                                                \
    VT_UINT count_base;                                                                                              \
    VT_UINT count_batch;                                                                                             \
    VT_UINT count_head;                                                                                              \
    VT_UINT bias_base;                                                                                               \
    VT_UINT bias_batch;                                                                                              \
    VT_UINT bias_head;                                                                                               \
    VT_UINT bias_row;                                                                                                \
    VT_UINT budget_rows; /* rank: rows that share a budget; the last group may be short */                           \
    VT_UINT workgroups;  /* rank, topk: of a group, in passes over lines */                                          \
    VT_UINT total;       /* rank: blocks of a group */                                                               \
    VT_UINT total_last;  /* of a short one */                                                                        \
    VT_UINT shift;       /* which two bits */                                                                        \
    VT_UINT first_x;     /* rank, topk: workgroups of the pass before this dispatch's, along x */                    \
    VT_UINT first_y;                                                                                                 \
    VT_UINT count_y;     /* and of all its dispatches, along y */

/* ---- Lists of rows made lists of row blocks ---- */
#define VT_MARK_SLOT_ROWS  0 /* [batch][list head][row][entry] */
#define VT_MARK_SLOT_MARKS 1 /* [batch][list head][row block][block][word], of a dispatch */
#define VT_MARK_SLOT_LISTS 2 /* as VT_LIST_BLOCKS with VT_MASK_ROW_MASKS */
#define VT_MARK_SLOT_COUNT 3
/* VT_SPEC_WORKGROUP as above */
#define VT_MARK_SPEC_PASS        1 /* 0: marks, 1: lists */
#define VT_MARK_SPEC_ENTRIES     2
#define VT_MARK_SPEC_OUT_ENTRIES 3
#define VT_MARK_SPEC_BLOCK       4
#define VT_MARK_PUSH_FIELDS                                                                                          \
    VT_UINT rows; /* of this dispatch, from the bound range's first on */                                            \
    VT_UINT row_blocks;                                                                                              \
    VT_UINT blocks;                                                                                                  \
    VT_UINT row_base;                                                                                                \
    VT_UINT row_batch;                                                                                               \
    VT_UINT row_head;                                                                                                \
    VT_UINT list_base;                                                                                               \
    VT_UINT list_batch;                                                                                              \
    VT_UINT list_head;

/* ---- Lists of rows turned around: for each block the rows that name it ---- */
/* A slot is an entry of a list, by its number among those of the part: row x entries + entry. What is made, for each batch
 * entry and list head: [blocks + 1] where the slots of each block begin, [blocks + 1] how many tiles of rows the blocks
 * before have, [rows x entries] the slots of one block after the other, ascending. */
#define VT_INVERT_SLOT_ROWS     0 /* [batch][list head][row][entry] */
#define VT_INVERT_SLOT_COUNTS   1 /* [batch][list head][chunk][block], of a part */
#define VT_INVERT_SLOT_GATHERED 2
#define VT_INVERT_SLOT_COUNT    3
/* VT_SPEC_WORKGROUP as above */
#define VT_INVERT_SPEC_PASS      1 /* VT_INVERT_* */
#define VT_INVERT_SPEC_ENTRIES   2
#define VT_INVERT_SPEC_CHUNK     3 /* rows of a chunk */
#define VT_INVERT_SPEC_TILE_ROWS 4
#define VT_INVERT_SPEC_HEADS     5 /* rows of a tile that each slot makes */
#define VT_INVERT_COUNT          0u
#define VT_INVERT_ADD_UP         1u
#define VT_INVERT_OFFSETS        2u
#define VT_INVERT_SCATTER        3u
#define VT_INVERT_PASSES         4u
#define VT_INVERT_PUSH_FIELDS                                                                                        \
    VT_UINT rows; /* of the part, from the bound range's first on */                                                 \
    VT_UINT blocks;                                                                                                  \
    VT_UINT chunks;                                                                                                  \
    VT_UINT row_base;                                                                                                \
    VT_UINT row_batch;                                                                                               \
    VT_UINT row_head;

/* ---- Spans: what keys of dense attention with rules have in common, run by run ---- */
#define VT_SPANS_SLOT_TABLES 0
#define VT_SPANS_SLOT_COUNT  1
/* VT_SPEC_WORKGROUP as above. Grid: x spans, y heads of masks, z batch entries of masks. Places are words of the tables;
 * 0xffffffff where there is none. */
#define VT_SPANS_PUSH_FIELDS                                                                                         \
    VT_UINT keys;                                                                                                    \
    VT_UINT heads;                                                                                                   \
    VT_UINT segments; /* [batch][key] */                                                                             \
    VT_UINT expiry;   /* [batch][head][key] */                                                                       \
    VT_UINT spans;    /* [batch][head][span][VT_SPAN_WORDS] */                                                       \
    VT_UINT first;    /* span of this dispatch; the three before it begin at its first batch entry and head */

/* ---- Combining: sums and merges of parts ---- */
#define VT_COMBINE_SLOT_PARTS    0
#define VT_COMBINE_SLOT_WEIGHTS  1 /* gains or log-sum-exps; STATE: the lists of rows */
#define VT_COMBINE_SLOT_RESIDUAL 2
#define VT_COMBINE_SLOT_OUT      3
#define VT_COMBINE_SLOT_LSE      4
#define VT_COMBINE_SLOT_CARRY    5 /* what invocations hand on to those of the next parts */
#define VT_COMBINE_SLOT_COUNT    6
/* VT_SPEC_WORKGROUP as above */
#define VT_COMBINE_SPEC_MODE   1
#define VT_COMBINE_SPEC_DIM    2
#define VT_COMBINE_SPEC_VECTOR 3 /* 1: rows start at multiples of 4 elements and dim is one */
#define VT_COMBINE_SPEC_PAD    4 /* STATE: outputs of a state, before maximum and sums */
#define VT_COMBINE_SPEC_LANES  5 /* STATE: sums of a state */
#define VT_COMBINE_SPEC_HEADS  6 /* STATE: query heads that a slot stands for */
#define VT_COMBINE_SPEC_GROUP  7 /* STATE: query heads that share a list */
#define VT_COMBINE_SPEC_LENGTHS    8 /* SHARES: where lengths of queries stand in tables; 0 = they are the push block's */
#define VT_COMBINE_SPEC_LENGTHS_AT 9 /* word */
#define VT_COMBINE_SUM         0u
#define VT_COMBINE_MERGE       1u
#define VT_COMBINE_STATE       2u /* as VT_FLAG_CARRY_OUT leaves it */
#define VT_COMBINE_SHARES      3u /* states of all shares of the keys of a row, without lists */
#define VT_COMBINE_OF_ENTRIES  1u /* VT_COMBINE_SPEC_LENGTHS: of each batch entry */
#define VT_COMBINE_OF_ALL      2u /* of packed sequences together */
#define VT_COMBINE_WEIGHTED    1u /* a sum has gains */
#define VT_COMBINE_RESIDUAL    2u
#define VT_COMBINE_LSE         4u
#define VT_COMBINE_CARRY_IN    8u
#define VT_COMBINE_CARRY_OUT   16u
#define VT_COMBINE_QUADS       4u /* words of four elements, or elements, of an invocation */
/* Bases and strides in elements from the start of the bound range. */
#define VT_COMBINE_PUSH_FIELDS                                                                                       \
    VT_UINT rows; /* tokens of this dispatch */                                                                      \
    VT_UINT parts;                                                                                                   \
    VT_UINT flags; /* VT_COMBINE_* */                                                                                \
    VT_UINT x_base;                                                                                                  \
    VT_UINT x_batch;                                                                                                 \
    VT_UINT x_head; /* STATE: from VT_COMBINE_SPEC_HEADS heads to the next so many */                                \
    VT_UINT x_token;                                                                                                 \
    VT_UINT x_part;                                                                                                  \
    VT_UINT w_base;  /* SHARES: first query */                                                                       \
    VT_UINT w_batch; /* SHARES: first batch entry */                                                                 \
    VT_UINT w_head; /* STATE: from a list head to the next */                                                        \
    VT_UINT w_token;                                                                                                 \
    VT_UINT w_part;                                                                                                  \
    VT_UINT r_base;                                                                                                  \
    VT_UINT r_batch;                                                                                                 \
    VT_UINT r_head;                                                                                                  \
    VT_UINT r_token;                                                                                                 \
    VT_UINT o_base;                                                                                                  \
    VT_UINT o_batch;                                                                                                 \
    VT_UINT o_head;                                                                                                  \
    VT_UINT o_token;                                                                                                 \
    VT_UINT l_base;                                                                                                  \
    VT_UINT l_batch;                                                                                                 \
    VT_UINT l_head;

/* ---- Appending to a cache ---- */
#define VT_APPEND_SLOT_ROWS   0 /* the new keys, or values: [batch][row][head][dim] */
#define VT_APPEND_SLOT_CACHE  1 /* [batch or page][place][head][dim] */
#define VT_APPEND_SLOT_TABLES 2 /* vatten_tables from lengths to pages */
#define VT_APPEND_SLOT_COUNT  3
/* VT_SPEC_WORKGROUP as above */
#define VT_APPEND_SPEC_DIM     1
#define VT_APPEND_SPEC_VECTOR  2 /* 1: rows start at multiples of 4 elements and dim is one */
#define VT_APPEND_SPEC_LENGTHS 3 /* VT_APPEND_* below */
#define VT_APPEND_SPEC_PAGE    4 /* places of a page; 0 = no pages */
#define VT_APPEND_SPEC_BLOCK   5 /* I8: numbers that share a scale */
/* As vatten_lengths: */
#define VT_APPEND_PLAN   0u
#define VT_APPEND_KV     1u
#define VT_APPEND_BOTH   2u
#define VT_APPEND_PACKED 3u
/* Strides and bases in elements (of an I8 cache: words) from the start of the bound range. The first four stand where those of
 * VT_PUSH_FIELDS do. */
#define VT_APPEND_PUSH_FIELDS                                                                                        \
    VT_UINT q_len;                                                                                                   \
    VT_UINT kv_len;                                                                                                  \
    VT_UINT q_first; /* rows of this dispatch: [q_first, q_last), */                                                 \
    VT_UINT q_last;                                                                                                  \
    VT_UINT batch_first; /* batch entries from here on; */                                                           \
    VT_UINT outer_first; /* what of the cache is bound: so many pages, or batch entries, */                          \
    VT_UINT outer_count;                                                                                             \
    VT_UINT place_first; /* and places of each */                                                                    \
    VT_UINT place_count;                                                                                             \
    VT_UINT x_base;                                                                                                  \
    VT_UINT x_batch;                                                                                                 \
    VT_UINT x_head;                                                                                                  \
    VT_UINT x_token;                                                                                                 \
    VT_UINT cache_base;                                                                                              \
    VT_UINT cache_outer;                                                                                             \
    VT_UINT cache_head;                                                                                              \
    VT_UINT cache_place;                                                                                             \
    VT_UINT q_lengths; /* where tables stand, in words; those that the plan has not are not read */                  \
    VT_UINT kv_lengths;                                                                                              \
    VT_UINT q_starts;                                                                                                \
    VT_UINT kv_starts;                                                                                               \
    VT_UINT pages;                                                                                                   \
    VT_UINT row_pages; /* pages of a batch entry or sequence */                                                      \
    VT_UINT sequences;

/* ---- Push constants: what changes between dispatches; exactly the 128 bytes that Vulkan guarantees ---- */
/* Lengths and ranges count units: tokens in the dense map, planes of axis 0 in the neighborhood map and where blocks of
 * lists are boxes. Strides and bases count elements from the start of the bound range. */
#define VT_PUSH_FIELDS                                                                                               \
    VT_UINT q_len;                                                                                                   \
    VT_UINT kv_len;                                                                                                  \
    VT_UINT q_first; /* units of this dispatch: [q_first, q_last) of the queries, */                                 \
    VT_UINT q_last;                                                                                                  \
    VT_UINT k_first; /* [k_first, k_last) of the keys */                                                             \
    VT_UINT k_last;                                                                                                  \
    VT_FLOAT scale_log2; /* scale x log2(e): the loop works with exp2 */                                             \
    VT_UINT group;       /* query heads per KV head */                                                               \
    VT_UINT head_first;  /* first query head of this dispatch */                                                     \
    VT_UINT q_batch;                                                                                                 \
    VT_UINT q_head;                                                                                                  \
    VT_UINT q_token;                                                                                                 \
    VT_UINT k_batch;                                                                                                 \
    VT_UINT k_head;                                                                                                  \
    VT_UINT k_token;                                                                                                 \
    VT_UINT v_batch;                                                                                                 \
    VT_UINT v_head;                                                                                                  \
    VT_UINT v_token;                                                                                                 \
    VT_UINT out_batch;                                                                                               \
    VT_UINT out_head;                                                                                                \
    VT_UINT out_token;                                                                                               \
    VT_UINT q_base; /* element of (first batch, first head, first token of the range) in the bound range */          \
    VT_UINT k_base;                                                                                                  \
    VT_UINT v_base;                                                                                                  \
    VT_UINT out_base;                                                                                                \
    VT_UINT lse_base;                                                                                                \
    VT_UINT lse_batch; /* lists with a bias, which know the LSE's: elements from a query's bias to the next */       \
    VT_UINT lse_head; /* lists with a bias: elements from a bias head to the next */                                 \
    VT_UINT map0; /* dense: left, with rules: where the bias begins; neighborhood: extent of axis 1; lists: words from a\
                     batch entry to the next; gathered rows: words from a list head to the next */                   \
    VT_UINT map1; /* dense: right, with rules: first batch entry; neighborhood: extent of axis 2; lists: words from a head\
                     to the next; gathered rows: first tile of this dispatch */                                      \
    VT_UINT map2; /* dense: prefix, with rules: first query tile; lists: where the first list begins, and from bit 16 on\
                     where the bias does */                                                                          \
    VT_UINT flags; /* VT_FLAG_* bits */

#define VT_PUSH_BYTES         128
#define VT_ADDRESS_PUSH_BYTES 24
/* Of the layout ADDRESS, behind those: where the bound ranges of keys and values begin, and the last element (of bytes: word)
 * that a row may begin at, which no index passes. */
#define VT_ADDRESS_PUSH_FIELDS                                                                                       \
    VT_ADDRESS k_address;                                                                                            \
    VT_ADDRESS v_address;                                                                                            \
    VT_UINT k_limit;                                                                                                 \
    VT_UINT v_limit;

/* Bits of push.flags, read by full kernels only. */
#define VT_FLAG_LSE       1u /* write the log-sum-exp */
#define VT_FLAG_CARRY_IN  2u /* resume from the carry slot */
#define VT_FLAG_CARRY_OUT 4u /* leave the running state in the carry slot instead of writing out and lse */
#define VT_FLAG_SHARE     8u /* with rules: that state is the last of a share of the keys, which others' join: apply gains */

#endif /* VT_INTERFACE_H */
