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

/* Loop iterations of an invocation over the spans of so many keys. */
uint64_t vt_rules_span_loops(const vt_op_input *op, uint64_t keys);

/* Keys are bound as a whole, whatever the range: they are in pages, or in sequences that begin anywhere. */
bool vt_rules_bind_all(const vt_rules *rules);

/* Bytes of the caller's state. */
uint64_t vt_rules_caller_state(const vt_problem *problem);

/* Specialization of kernels with rules; `extra`: of extra keys. */
void vt_rules_spec(const vt_op_input *op, uint32_t splits, bool extra, uint32_t *spec);

/* Binds what a step reads of the bias: batch entries, query heads, queries and keys from `first` to `last`. */
void vt_rules_bind_bias(const vt_op_input *op, const uint64_t first[4], const uint64_t last[4],
                        vt_step *step);

/* A step that sums up what runs of keys have in common, where masks ask for it. */
void vt_rules_add_spans(const vt_op_input *op, vt_program *program);

#endif /* VT_RULES_CUT_H */
