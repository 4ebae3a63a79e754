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

/* Key units are entries where keys are listed one by one, else tokens. */
static uint64_t key_units(const vt_problem *p) {
    return p->list.kind == VATTEN_LIST_KEYS ? p->list.entries : p->kv_len;
}

/* Any list may name any key. */
static void needed_keys(const vt_problem *problem, uint64_t q_first, uint64_t q_end, uint64_t *first,
                        uint64_t *end) {
    (void)q_first;
    (void)q_end;
    *first = 0;
    *end = key_units(problem);
}

/* Most keys that a list may name, none twice. */
static uint64_t keys_across(const vt_problem *p) {
    uint64_t listed = vt_saturating_mul(p->list.entries, p->list.kv_block);
    return p->list.kind == VATTEN_LIST_BLOCKS ? vt_min(listed, p->kv_len) : key_units(p);
}

/* Each range begins a tile of its own, and so does each block that is not whole tiles. */
static uint64_t begun_tiles(const vt_problem *p, const vt_tile *tile) {
    bool whole = p->list.kind == VATTEN_LIST_KEYS ||
                 (p->list.kind == VATTEN_LIST_BLOCKS && p->list.kv_block % tile->keys == 0);
    return whole ? 0 : p->list.entries;
}

/* Queries of ranges lie anywhere, so all are bound. */
static vt_geometry geometry_of(const vt_problem *p, const vt_tile *tile) {
    const vt_list_rule *list = &p->list;
    bool ranges = list->kind == VATTEN_LIST_RANGES;
    bool keys = list->kind == VATTEN_LIST_KEYS;
    uint64_t block_tiles = vt_ceil_div(list->q_block, tile->rows);
    return (vt_geometry){
        .q_units = p->q_len,
        .k_units = key_units(p),
        .q_plane = 1,
        .k_plane = 1,
        .q_grain = ranges ? p->q_len : list->q_block,
        .k_grain = tile->keys,
        .grain_tiles = ranges ? vt_saturating_mul(list->rows, block_tiles) : block_tiles,
        .keys_across = keys_across(p),
        .begun = begun_tiles(p, tile),
        .key_step = 1,
        .keys_plane = 1,
        .listed_keys = keys,
        .closing = keys ? 1 : list->entries + 32,
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
    in.spec[VT_SPEC_LIST_HEADS] = 1;
    in.map_push[0] = (uint32_t)list->words.batch;
    in.map_push[1] = (uint32_t)list->words.head;
    return vt_attend(&in, program);
}
