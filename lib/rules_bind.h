/* SPDX-License-Identifier: MIT
 *
 * What steps of kernels with rules are bound to, and whether a device binds as much: dense attention's and mass's.
 */
#ifndef VT_RULES_BIND_H
#define VT_RULES_BIND_H

#include "ops.h"

/* Keys are bound as a whole, whatever the range: they are in pages, or in sequences that begin anywhere. */
bool vt_rules_bind_all(const vt_rules *rules);

/* What is bound of keys and values for these batch entries, kv heads and keys. */
vt_slab vt_rules_key_slab(const vt_problem *problem, const vt_slab *keys);

/* Binds a slab and returns the base from which shaders index it, in elements of `unit`: by the tensor's own token numbers, so
 * that the base steps back over those before the slab; 32-bit arithmetic wraps. */
uint32_t vt_rules_bind(const vt_op_input *op, vt_step *step, uint32_t slot, vt_role role, const vt_tensor *t,
                       const vt_slab *slab, uint64_t dim, uint32_t bytes, uint32_t unit);

/* Elements of keys and values in which shaders count: words where they are bytes. */
uint32_t vt_rules_kv_unit(const vt_problem *problem);

/* Bind slabs of the queries, and of the keys of one source. */
void vt_rules_bind_q(const vt_op_input *op, const vt_slab *slab, vt_step *step);
void vt_rules_bind_k(const vt_op_input *op, vt_role role, const vt_tensor *k, const vt_slab *slab,
                     vt_step *step);

/* Binds what a step reads of the bias: batch entries, query heads and queries of a slab, keys [first, end). */
void vt_rules_bind_bias(const vt_op_input *op, const vt_slab *queries, uint64_t first, uint64_t end,
                        vt_step *step);

void vt_rules_bind_tables(const vt_op_input *op, uint32_t slot, vt_step *step);

/* A device binds a part of so many batch entries, query heads, and queries or keys. */
bool vt_rules_lse_binds(const vt_op_input *op, uint64_t batch, uint64_t heads, uint64_t queries);
bool vt_rules_bias_binds(const vt_op_input *op, uint64_t batch, uint64_t heads, uint64_t queries,
                         uint64_t keys);
bool vt_rules_keys_bind(const vt_op_input *op, const vt_tensor *t, uint64_t batch, uint64_t heads,
                        uint64_t keys, uint32_t dim);
bool vt_rules_extra_bind(const vt_op_input *op, const vt_tensor *t, uint64_t batch, uint64_t heads,
                         uint64_t keys, uint32_t dim);

#endif /* VT_RULES_BIND_H */
