/* SPDX-License-Identifier: MIT
 *
 * How dense attention with rules is cut: batch entries, heads, queries and keys of a part, the shares in which workgroups
 * take the keys of a query tile, and how many tiles one dispatch takes.
 */
#ifndef VT_RULES_CUT_H
#define VT_RULES_CUT_H

#include "ops.h"

typedef struct vt_rules_cut {
    uint64_t batch, heads, queries; /* of a part; heads by whole tiles of heads */
    uint64_t keys, extra;           /* of a dispatch */
    uint64_t tiles;                 /* of a dispatch, of each batch entry and group of heads */
    uint32_t splits;
    bool carries; /* a part has several dispatches over its keys */
} vt_rules_cut;

/* Errors: UNSUPPORTED, with a message, if not even the smallest part fits the device. */
vatten_result vt_rules_cut_of(const vt_op_input *op, vt_rules_cut *out);

/* Query tiles of so many queries, of each batch entry and group of heads. */
uint64_t vt_rules_tiles(const vt_op_input *op, uint64_t queries);

/* Bytes of running state of a part; of all if the state is the caller's. */
uint64_t vt_rules_state_bytes(const vt_op_input *op, const vt_rules_cut *cut);

/* Multiply-adds of so many query tiles of a part over so many keys, tiles counted whole. All queries see extra keys. */
uint64_t vt_rules_macs(const vt_op_input *op, const vt_rules_cut *cut, uint64_t tiles, uint64_t keys,
                       bool extra);

/* Most keys of a range that a tile of queries visits, whole tiles of them. */
uint64_t vt_rules_visited(const vt_op_input *op, uint64_t keys, bool extra);

/* Keys of a span as shaders take them: whole tiles. */
uint64_t vt_rules_span_keys(const vt_op_input *op);

/* Loop iterations of an invocation over the spans of so many keys. */
uint64_t vt_rules_span_loops(const vt_op_input *op, uint64_t keys);

/* Bytes of the caller's state. */
uint64_t vt_rules_caller_state(const vt_problem *problem);

#endif /* VT_RULES_CUT_H */
