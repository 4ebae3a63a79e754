/* SPDX-License-Identifier: MIT
 *
 * Attention over lists: a workgroup takes queries of one block and walks its list (shaders/lib/map_lists.glsl). What the
 * lists say is not known here, so sizes are of lists that are full.
 */
#include "attend.h"
#include "ops.h"
#include "sizes.h"

static uint32_t mask_bits(const vt_problem *p) {
    return vt_attend_diagonal_mask(p) | (p->list.key_stride ? VT_MASK_STRIDED : 0) |
           (p->list.row_masks ? VT_MASK_ROW_MASKS : 0);
}

/* Any list may name any key. */
static void needed_keys(const vt_problem *problem, uint64_t q_first, uint64_t q_end, uint64_t *first,
                        uint64_t *end) {
    (void)q_first;
    (void)q_end;
    *first = 0;
    *end = problem->kv_len;
}

/* Most keys of a range that lists of blocks or ranges may name, none twice. */
static uint64_t keys_across(const vt_problem *p) {
    if (p->list.kind == VATTEN_LIST_KEYS)
        return 0;
    uint64_t listed = vt_saturating_mul(p->list.entries, p->list.kv_block);
    return p->list.kind == VATTEN_LIST_RANGES ? p->kv_len : vt_min(listed, p->kv_len);
}

/* Each range begins a tile of its own, and so does each block that is not whole tiles. Single keys fill their tiles,
 * whatever range of keys is asked about. */
static uint64_t begun_tiles(const vt_problem *p, const vt_tile *tile) {
    if (p->list.kind == VATTEN_LIST_KEYS)
        return vt_ceil_div(p->list.entries, tile->keys);
    bool whole = p->list.kind == VATTEN_LIST_BLOCKS && p->list.kv_block % tile->keys == 0;
    return whole ? 0 : p->list.entries;
}

/* Queries of ranges lie anywhere, so all are bound; a list of keys is walked whole, whatever keys are bound. */
static vt_geometry geometry_of(const vt_problem *p, const vt_tile *tile) {
    const vt_list_rule *list = &p->list;
    bool ranges = list->kind == VATTEN_LIST_RANGES;
    uint64_t block_tiles = vt_ceil_div(list->q_block, tile->rows);
    return (vt_geometry){
        .q_units = p->q_len,
        .k_units = p->kv_len,
        .q_plane = 1,
        .k_plane = 1,
        .q_grain = ranges ? p->q_len : list->q_block,
        .k_grain = list->kind == VATTEN_LIST_KEYS ? p->kv_len : tile->keys,
        .grain_tiles = ranges ? vt_saturating_mul(list->rows, block_tiles) : block_tiles,
        .keys_across = keys_across(p),
        .begun = begun_tiles(p, tile),
        .key_step = 1,
        .keys_plane = 1,
        .closing = list->kind == VATTEN_LIST_KEYS ? 1 : list->entries + 32,
        .k = &p->k,
        .v = &p->v,
    };
}

vatten_result vt_op_lists(const vt_op_input *op, vt_program *program) {
    const vt_problem *p = op->problem;
    const vt_list_rule *list = &p->list;
    vt_attend_input in = {.part = {op->caps, op->logger, p, op->tile, 0, p->heads, {0}, {0}},
                          .needed_keys = needed_keys};
    in.part.keys = geometry_of(p, op->tile);
    vt_attend_spec(p, op->tile, in.spec);
    in.spec[VT_SPEC_MASK] = mask_bits(p);
    in.spec[VT_SPEC_LIST_KIND] = list->kind == VATTEN_LIST_BLOCKS   ? VT_LIST_BLOCKS
                                 : list->kind == VATTEN_LIST_RANGES ? VT_LIST_RANGES
                                                                    : VT_LIST_KEYS;
    in.spec[VT_SPEC_LIST_Q_BLOCK] = list->q_block;
    in.spec[VT_SPEC_LIST_KV_BLOCK] = list->kv_block;
    in.spec[VT_SPEC_LIST_ENTRIES] = list->entries;
    in.spec[VT_SPEC_LIST_ROW] = (uint32_t)list->words.token;
    in.spec[VT_SPEC_LIST_GROUP] = list->group;
    in.spec[VT_SPEC_LIST_LEFT] = p->left == VATTEN_UNLIMITED ? 0 : (uint32_t)p->left;
    in.spec[VT_SPEC_LIST_RIGHT] = p->right == VATTEN_UNLIMITED ? 0 : (uint32_t)p->right;
    in.spec[VT_SPEC_LIST_PREFIX] = (uint32_t)p->prefix;
    in.spec[VT_SPEC_LIST_STRIDE] = list->key_stride ? list->key_stride : 1;
    in.spec[VT_SPEC_LIST_PHASE] = list->key_phase;
    in.map_push[0] = (uint32_t)list->words.batch;
    in.map_push[1] = (uint32_t)list->words.head;
    return vt_attend(&in, program);
}
