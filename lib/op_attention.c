/* SPDX-License-Identifier: MIT
 *
 * Dense attention: query tiles are runs of tokens, key tiles too (shaders/lib/map_dense.glsl).
 */
#include "attend.h"
#include "ops.h"
#include "sizes.h"

/* All of them: a record may shrink the lengths and so move the diagonal. The shader skips what no query sees.
 */
static void needed_keys(const vt_problem *problem, uint64_t q_first, uint64_t q_end, uint64_t *first,
                        uint64_t *end) {
    (void)q_first;
    (void)q_end;
    *first = 0;
    *end = problem->kv_len;
}

/* Most keys that a query tile visits, at any lengths that a record may shrink to: the window of its first to
 * that of its last query, and the prefix, each begun on a tile's edge. */
static uint64_t keys_across(const vt_problem *p, const vt_tile *tile) {
    int64_t right = p->causal ? 0 : p->right;
    if (p->left == VATTEN_UNLIMITED || right == VATTEN_UNLIMITED)
        return p->kv_len;
    uint64_t window = (uint64_t)p->left + (uint64_t)right + tile->rows + tile->keys;
    uint64_t prefix = p->prefix ? p->prefix + tile->keys : 0;
    return vt_min(window + prefix, p->kv_len);
}

vatten_result vt_op_attention(const vt_op_input *op, vt_program *program) {
    const vt_problem *p = op->problem;
    const vt_tile *tile = op->tile;
    vt_attend_input in = {.part = {op->caps, op->logger, p, tile, 0, p->heads, {0}, {0}},
                          .needed_keys = needed_keys};
    in.part.keys = (vt_geometry){
        .q_units = p->q_len,
        .k_units = p->kv_len,
        .q_plane = 1,
        .k_plane = 1,
        .q_grain = tile->rows,
        .k_grain = tile->keys,
        .grain_tiles = 1,
        .keys_across = keys_across(p, tile),
        .key_step = 1,
        .keys_plane = 1,
        .closing = 2,
        .k = &p->k,
        .v = &p->v,
    };
    vt_attend_spec(p, tile, in.spec);
    in.spec[VT_SPEC_MASK] = vt_attend_diagonal_mask(p);
    in.map_push[0] = p->left == VATTEN_UNLIMITED ? 0 : (uint32_t)p->left;
    in.map_push[1] = p->right == VATTEN_UNLIMITED ? 0 : (uint32_t)p->right;
    in.map_push[2] = (uint32_t)p->prefix;
    return vt_attend(&in, program);
}
