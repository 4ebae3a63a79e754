/* SPDX-License-Identifier: MIT
 *
 * How many key tiles a workgroup of the dense map visits, as map_begin of map_dense.glsl works it out.
 */
#include "program_build.h"

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

uint64_t program_dense_tiles(const program_case *c, const vt_step *step, const vt_push *push,
                             uint32_t group_x) {
    uint32_t mask = c->program.variants[step->variant].spec[VT_SPEC_MASK];
    int64_t keys = c->tile.keys;
    int64_t rows = c->tile.rows;
    int64_t shift = mask & VT_MASK_ALIGN_FIRST ? 0 : (int64_t)push->kv_len - push->q_len;
    int64_t q0 = push->q_first + group_x * rows;
    int64_t q_end = smaller(push->q_last, push->q_len);
    if (q0 >= q_end)
        return 0;
    int64_t k_begin = push->k_first;
    int64_t k_end = smaller(push->k_last, push->kv_len);
    int64_t last = smaller(q0 + rows, q_end) - 1;
    int64_t prefix_end = push->map2;
    int64_t high = k_end - 1;
    if (mask & VT_MASK_CAUSAL)
        prefix_end = smaller(prefix_end, last + shift + 1);
    prefix_end = smaller(prefix_end, k_end);
    if (mask & VT_MASK_RIGHT)
        high = smaller(high, last + shift + push->map1);
    if (mask & VT_MASK_CAUSAL)
        high = smaller(high, last + shift);
    if (mask & VT_MASK_RIGHT)
        high = larger(high, prefix_end - 1);
    int64_t low = larger(mask & VT_MASK_LEFT ? q0 + shift - push->map0 : 0, k_begin);
    int64_t prefix = 0;
    if (mask & VT_MASK_LEFT)
        prefix = larger((larger(prefix_end, 0) + keys - 1) / keys - k_begin / keys, 0);
    int64_t first = larger(low / keys, k_begin / keys + prefix);
    int64_t window = high < low ? 0 : larger((high + keys) / keys - first, 0);
    return (uint64_t)(prefix + window);
}
