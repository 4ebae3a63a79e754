/* SPDX-License-Identifier: MIT
 *
 * Which pairs of a query and a key count. The library works with ranges of keys per query; here each rule is
 * told from the key's side: how far is it, and how many keys stand nearer?
 */
#include "ref.h"

bool ref_dense_visible(const ref_dense_rule *rule, uint64_t query, uint64_t key) {
    int64_t shift = rule->align_first ? 0 : (int64_t)rule->kv_len - (int64_t)rule->q_len;
    int64_t ahead = (int64_t)key - ((int64_t)query + shift); /* keys past the diagonal; negative: before it */

    if (key >= rule->kv_len) {
        return false;
    }
    if (rule->causal && ahead > 0) {
        return false;
    }
    if (key < rule->prefix) {
        return true;
    }
    bool too_old = rule->left >= 0 && -ahead > rule->left;
    bool too_new = rule->right >= 0 && ahead > rule->right;
    return !too_old && !too_new;
}

/* How many of the positions 0..count-1 come before `position` when they are sorted by their distance from
 * `lead`, the left one first among two that are equally far. */
static uint64_t nearness_rank(uint64_t lead, uint64_t position, uint64_t count) {
    uint64_t left_room = lead;              /* positions left of the leader */
    uint64_t right_room = count - 1 - lead; /* positions right of it */
    uint64_t left, right, distance;

    if (position == lead) {
        return 0;
    }
    if (position < lead) {
        distance = lead - position;
        left = distance - 1;
        right = distance - 1 < right_room ? distance - 1 : right_room;
    } else {
        distance = position - lead;
        left = distance < left_room ? distance : left_room;
        right = distance - 1;
    }
    return 1 + left + right;
}

/* Queries of a group are dealt into runs of `stride`; all of a run see the window of one of them, the leader:
 * the middle one (the right-hand one of two middles), or the last one if causal. A run that is cut short at
 * the end of the axis may have to take its last query instead. */
static uint64_t run_leader(const ref_axis_rule *rule, uint64_t position, uint64_t count) {
    uint64_t run_first = position - position % rule->stride;
    uint64_t lead = run_first + (rule->causal ? rule->stride - 1 : rule->stride / 2);
    return lead < count ? lead : count - 1;
}

bool ref_axis_visible(const ref_axis_rule *rule, uint64_t query, uint64_t key) {
    uint64_t group = query % rule->dilation;
    if (key >= rule->extent || key % rule->dilation != group) {
        return false;
    }
    uint64_t position = query / rule->dilation; /* of the query among its group */
    uint64_t key_position = key / rule->dilation;
    uint64_t count = (rule->extent - group + rule->dilation - 1) / rule->dilation; /* tokens of the group */
    uint64_t lead = run_leader(rule, position, count);

    if (rule->causal) {
        return key_position <= position && lead - key_position < rule->window;
    }
    return nearness_rank(lead, key_position, count) < rule->window; /* the leader's `window` nearest keys */
}

bool ref_grid_visible(const ref_grid_rule *rule, uint64_t query, uint64_t key) {
    for (uint32_t a = rule->rank;
         a-- > 0;) { /* innermost axis first: peel coordinates off the row-major index */
        uint64_t extent = rule->axis[a].extent;
        if (!ref_axis_visible(&rule->axis[a], query % extent, key % extent)) {
            return false;
        }
        query /= extent;
        key /= extent;
    }
    return key == 0; /* what is left of a key outside the grid */
}
