/* SPDX-License-Identifier: MIT
 *
 * Blocks of lists as boxes of a grid of tokens: their rules, and what of them is left once boxes that are runs of tokens
 * are told as such.
 */
#include "problem_check.h"
#include "sizes.h"

#define BLOCK_MAX (1u << 20)

static uint64_t product(uint32_t rank, const uint32_t *sides) {
    uint64_t all = 1;
    for (uint32_t a = 0; a < rank; ++a)
        all = vt_saturating_mul(all, sides[a]);
    return all;
}

static uint64_t tokens(const vatten_boxes *boxes, uint64_t first_extent) {
    uint64_t all = first_extent;
    for (uint32_t a = 1; a < boxes->rank; ++a)
        all = vt_saturating_mul(all, boxes->extent[a]);
    return all;
}

static uint64_t q_extent_of(const vatten_boxes *boxes) {
    return boxes->q_extent ? boxes->q_extent : boxes->extent[0];
}

/* Sides are given on all axes. */
static bool given(uint32_t rank, const uint32_t *sides) {
    return product(rank, sides) > 0;
}

static bool all_zero(uint32_t rank, const uint32_t *sides) {
    bool zero = true;
    for (uint32_t a = 0; a < rank; ++a)
        zero = zero && sides[a] == 0;
    return zero;
}

uint64_t vt_block_rows(const vatten_lists_desc *desc) {
    const vatten_boxes *boxes = &desc->boxes;
    bool boxed = boxes->rank >= 1 && boxes->rank <= 3 && given(boxes->rank, boxes->q_box);
    return boxed ? product(boxes->rank, boxes->q_box) : desc->q_block;
}

static vatten_result check_extents(const vt_checker *check, const vatten_lists_desc *desc) {
    const vatten_boxes *boxes = &desc->boxes;
    uint64_t keys = tokens(boxes, boxes->extent[0]), queries = tokens(boxes, q_extent_of(boxes));
    INVALID_IF(keys == 0, "boxes: extents of %" PRIu32 " axes must be at least 1", boxes->rank);
    INVALID_IF(keys != desc->kv_len, "boxes: extents make %" PRIu64 " tokens, kv_len is %" PRIu64, keys,
               desc->kv_len);
    INVALID_IF(q_extent_of(boxes) > boxes->extent[0],
               "boxes: q_extent %" PRIu64 " is above extent[0] %" PRIu64, boxes->q_extent, boxes->extent[0]);
    INVALID_IF(queries != desc->q_len, "boxes: q_extent makes %" PRIu64 " tokens, q_len is %" PRIu64, queries,
               desc->q_len);
    return VATTEN_SUCCESS;
}

static vatten_result check_sides(const vt_checker *check, const vatten_lists_desc *desc) {
    const vatten_boxes *boxes = &desc->boxes;
    const uint32_t *q = boxes->q_box, *kv = boxes->kv_box;
    uint32_t rank = boxes->rank;
    uint64_t q_block = product(rank, q), kv_block = product(rank, kv);
    bool runs = all_zero(rank, q);
    INVALID_IF(!given(rank, kv), "boxes: sides of kv_box along %" PRIu32 " axes must be at least 1", rank);
    INVALID_IF(!runs && !given(rank, q),
               "boxes: sides of q_box along %" PRIu32 " axes must be at least 1, or all 0", rank);
    INVALID_IF(kv_block > BLOCK_MAX, "boxes: kv_box of %" PRIu64 " tokens is above %u", kv_block, BLOCK_MAX);
    INVALID_IF(q_block > BLOCK_MAX, "boxes: q_box of %" PRIu64 " tokens is above %u", q_block, BLOCK_MAX);
    INVALID_IF(desc->kv_block && desc->kv_block != kv_block,
               "boxes: kv_box has %" PRIu64 " tokens, kv_block is %" PRIu32, kv_block, desc->kv_block);
    INVALID_IF(!runs && desc->q_block && desc->q_block != q_block,
               "boxes: q_box has %" PRIu64 " tokens, q_block is %" PRIu32, q_block, desc->q_block);
    return VATTEN_SUCCESS;
}

/* Rules that go by where a key stands in a row of tokens. */
static vatten_result check_rules(const vt_checker *check, const vatten_lists_desc *desc) {
    INVALID_IF(desc->causal, "boxes go with no causal, it is %d", 1);
    INVALID_IF(desc->window.enabled, "boxes go with no window, enabled is %d", 1);
    INVALID_IF(desc->prefix, "boxes go with no prefix, it is %" PRIu64, desc->prefix);
    INVALID_IF(desc->key_stride, "boxes go with no key_stride, it is %" PRIu32, desc->key_stride);
    return VATTEN_SUCCESS;
}

vatten_result vt_resolve_boxes(const vt_checker *check, const vatten_lists_desc *desc,
                               vatten_lists_desc *resolved) {
    const vatten_boxes *boxes = &desc->boxes;
    *resolved = *desc;
    if (boxes->rank == 0)
        return VATTEN_SUCCESS;
    INVALID_IF(boxes->rank > 3, "boxes: rank %" PRIu32 " is above 3", boxes->rank);
    INVALID_IF(desc->kind != VATTEN_LIST_BLOCKS, "boxes of rank %" PRIu32 " are for lists of blocks only",
               boxes->rank);
    vatten_result result = check_extents(check, desc);
    if (result == VATTEN_SUCCESS)
        result = check_sides(check, desc);
    if (result == VATTEN_SUCCESS)
        result = check_rules(check, desc);
    if (result != VATTEN_SUCCESS)
        return result;
    resolved->q_block = (uint32_t)vt_block_rows(desc);
    resolved->kv_block = (uint32_t)product(boxes->rank, boxes->kv_box);
    return VATTEN_SUCCESS;
}

static void fill_runs(const vatten_lists_desc *d, vt_list_rule *out) {
    out->q_units = d->q_len;
    out->kv_units = d->kv_len;
    out->q_plane = out->kv_plane = 1;
    out->row_units = d->q_block;
    out->row_lists = 1;
    out->blocks = d->kind == VATTEN_LIST_BLOCKS ? vt_ceil_div(d->kv_len, d->kv_block) : 0;
}

/* Boxes of one token, and those of one axis, are runs. */
void vt_fill_boxes(const vatten_lists_desc *d, vt_list_rule *out) {
    const vatten_boxes *boxes = &d->boxes;
    fill_runs(d, out);
    if (boxes->rank < 2)
        return;
    for (uint32_t a = 0; a < 3; ++a) {
        out->extent[a] = a < boxes->rank ? boxes->extent[a] : 1;
        out->kv_box[a] = a < boxes->rank ? boxes->kv_box[a] : 1;
        out->q_box[a] = a < boxes->rank ? boxes->q_box[a] : 1;
    }
    out->q_extent = q_extent_of(boxes);
    uint64_t plane = out->extent[1] * out->extent[2];
    out->kv_boxed = d->kv_block > 1;
    out->q_boxed = d->q_block > 1 && given(boxes->rank, boxes->q_box);
    if (out->kv_boxed) {
        out->kv_units = out->extent[0];
        out->kv_plane = plane;
        out->blocks = 1;
        for (uint32_t a = 0; a < 3; ++a)
            out->blocks *= vt_ceil_div(out->extent[a], out->kv_box[a]);
    }
    if (out->q_boxed) {
        out->q_units = out->q_extent;
        out->q_plane = plane;
        out->row_units = out->q_box[0];
        out->row_lists =
            vt_ceil_div(out->extent[1], out->q_box[1]) * vt_ceil_div(out->extent[2], out->q_box[2]);
    }
}
