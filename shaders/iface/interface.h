/* SPDX-License-Identifier: MIT
 *
 * What the host and the shaders agree on, read by C and by GLSL: descriptor slots, specialization-constant
 * ids, the push block and its flags. Change it here and nowhere else.
 */
#ifndef VT_INTERFACE_H
#define VT_INTERFACE_H

/* ---- Descriptor slots: storage buffers in set 0. A kernel declares the first of them: a plain one four, a full one
 * six, one with a bias all ---- */
#define VT_SLOT_Q           0
#define VT_SLOT_K           1
#define VT_SLOT_V           2
#define VT_SLOT_OUT         3
#define VT_SLOT_LSE         4
#define VT_SLOT_CARRY       5
#define VT_SLOT_BIAS        6
#define VT_SLOT_COUNT       7
#define VT_SLOT_COUNT_PLAIN 4
#define VT_SLOT_COUNT_FULL  6

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
#define VT_SPEC_VECTOR        9  /* 1: rows start at multiples of 4 elements, and dim and value_dim are multiples of 4 */
#define VT_SPEC_MASK          10 /* VT_MASK_* bits */
#define VT_SPEC_WINDOW        11 /* 11..13: neighborhood window per axis, outermost first, missing axes 1 */
#define VT_SPEC_STRIDE        14 /* 14..16 */
#define VT_SPEC_DILATION      17 /* 17..19 */
#define VT_SPEC_BOX           20 /* 20..22: box of the query tile, product <= rows */
/* Read by the MATRIX layout only: */
#define VT_SPEC_SUBGROUP 23 /* invocations of a subgroup, which the pipeline asks for */
#define VT_SPEC_MATRIX   24 /* 24..26: M, N and K of the products [M, K] x [K, N] */
#define VT_SPEC_ROLL     27 /* 27..29: tokens by which a grid is shifted back, per axis */
#define VT_SPEC_TABLE    30 /* 30..32: window that the table of relative biases is made for, per axis */
#define VT_SPEC_COUNT    33

/* Bits of VT_SPEC_MASK. Dense map: */
#define VT_MASK_CAUSAL      1u /* keys after the diagonal are hidden */
#define VT_MASK_LEFT        2u /* push.left bounds the window */
#define VT_MASK_RIGHT       4u /* push.right bounds the window */
#define VT_MASK_ALIGN_FIRST 8u /* diagonal at key i instead of i + kv_len - q_len */
/* Neighborhood map, bit a of each for axis a: */
#define VT_MASK_CAUSAL_AXES 1u  /* keys after the query are hidden */
#define VT_MASK_OPEN_AXES   8u  /* windows reach past the ends */
#define VT_MASK_ZERO_AXES   64u /* what lies there counts as keys with score 0 */
/* of all axes: */
#define VT_MASK_WEIGHTS     512u /* q holds the weights of a query's window, and there is no softmax */
#define VT_MASK_WHOLE       1024u /* every query of a box sees every key that the box visits */

/* ---- Push constants: what changes between dispatches; exactly the 128 bytes that Vulkan guarantees ---- */
/* Lengths and ranges count units: tokens in the dense map, planes of axis 0 in the neighborhood map. Strides
 * and bases count elements from the start of the bound range. */
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
    VT_UINT lse_batch;                                                                                               \
    VT_UINT lse_head;                                                                                                \
    VT_UINT map0; /* dense: left; neighborhood: extent of axis 1 */                                                  \
    VT_UINT map1; /* dense: right; neighborhood: extent of axis 2 */                                                 \
    VT_UINT map2; /* dense: prefix */                                                                                \
    VT_UINT flags; /* VT_FLAG_* bits */

/* Bits of push.flags, read by full kernels only. */
#define VT_FLAG_LSE       1u /* write the log-sum-exp */
#define VT_FLAG_CARRY_IN  2u /* resume from the carry slot */
#define VT_FLAG_CARRY_OUT 4u /* leave the running state in the carry slot instead of writing out and lse */

#endif /* VT_INTERFACE_H */
