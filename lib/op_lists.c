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
           (p->list.row_masks ? VT_MASK_ROW_MASKS : 0) | (p->list.q_boxed ? VT_MASK_Q_BOXES : 0) |
           (p->list.kv_boxed ? VT_MASK_KV_BOXES : 0);
}

/* Key units are entries where keys are listed one by one, else tokens or planes of tokens. */
static uint64_t key_units(const vt_problem *p) {
    return p->list.kind == VATTEN_LIST_KEYS ? p->list.entries : p->list.kv_units;
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
    if (p->list.kv_boxed)
        return p->list.kv_units;
    uint64_t listed = vt_saturating_mul(p->list.entries, p->list.kv_block);
    return p->list.kind == VATTEN_LIST_BLOCKS ? vt_min(listed, p->kv_len) : key_units(p);
}

/* Whether what any range of planes has of a box is whole tiles. */
static bool whole_boxes(const vt_list_rule *list, const vt_tile *tile) {
    uint64_t plane = (uint64_t)list->kv_box[1] * list->kv_box[2];
    return plane % tile->keys == 0 && list->extent[1] % list->kv_box[1] == 0 &&
           list->extent[2] % list->kv_box[2] == 0;
}

/* Each range begins a tile of its own, and so does each block that is not whole tiles. */
static uint64_t begun_tiles(const vt_problem *p, const vt_tile *tile) {
    if (p->list.kv_boxed)
        return whole_boxes(&p->list, tile) ? 0 : p->list.entries;
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
        .q_units = list->q_units,
        .k_units = key_units(p),
        .q_plane = list->q_plane,
        .k_plane = list->kv_plane,
        .q_grain = ranges ? p->q_len : list->row_units,
        .k_grain = list->kv_boxed ? 1 : tile->keys,
        .grain_tiles = vt_saturating_mul(ranges ? list->rows : list->row_lists, block_tiles),
        .q_fine = ranges          ? 0
                  : list->q_boxed ? 1
                                  : tile->rows,
        .fine_tiles = list->q_boxed ? 0 : 1,
        .keys_across = keys_across(p),
        .begun = begun_tiles(p, tile),
        .key_step = 1,
        .keys_plane = list->kv_plane,
        .most_keys = list->kv_boxed ? vt_min(vt_saturating_mul(list->entries, list->kv_block), p->kv_len) : 0,
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
    for (uint32_t a = 0; a < 2; ++a) {
        bool boxed = list->q_boxed || list->kv_boxed;
        in.spec[VT_SPEC_LIST_EXTENT + a] = boxed ? (uint32_t)list->extent[a + 1] : 1;
        in.spec[VT_SPEC_LIST_Q_BOX + a] = list->q_boxed ? list->q_box[a + 1] : 1;
        in.spec[VT_SPEC_LIST_KV_BOX + a] = list->kv_boxed ? list->kv_box[a + 1] : 1;
    }
    if (list->biased) {
        in.spec[VT_SPEC_LIST_HEADS] = p->heads;
        in.spec[VT_SPEC_LIST_BIAS_GROUP] = list->bias_group;
        in.spec[VT_SPEC_LIST_BIAS_BATCH] = p->batch > 1 ? (uint32_t)list->bias.batch : 0;
    }
    in.map_push[0] = (uint32_t)list->words.batch;
    in.map_push[1] = (uint32_t)list->words.head;
    return vt_attend(&in, program);
}
