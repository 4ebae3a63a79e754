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
    return lead < count || rule->edge != REF_SHIFT ? lead : count - 1;
}

/* Where a coordinate stands after the roll. */
static uint64_t rolled(const ref_axis_rule *rule, uint64_t coordinate) {
    return (coordinate + rule->extent - rule->roll) % rule->extent;
}

/* A window that nothing moves: `step` keys from its leader, of which an even window has one more on the left. */
static bool within_reach(const ref_axis_rule *rule, int64_t step) {
    int64_t window = (int64_t)rule->window;
    int64_t left = rule->causal ? window - 1 : window / 2;
    return step >= -left && step < window - left;
}

bool ref_axis_visible(const ref_axis_rule *rule, uint64_t query, uint64_t key) {
    if (key >= rule->extent || (query < rule->roll) != (key < rule->roll)) {
        return false;
    }
    uint64_t group = rolled(rule, query) % rule->dilation;
    if (rolled(rule, key) % rule->dilation != group) {
        return false;
    }
    uint64_t position = rolled(rule, query) / rule->dilation; /* of the query among its group */
    uint64_t key_position = rolled(rule, key) / rule->dilation;
    uint64_t count = (rule->extent - group + rule->dilation - 1) / rule->dilation; /* tokens of the group */
    uint64_t lead = run_leader(rule, position, count);

    if (rule->causal && key_position > position) {
        return false;
    }
    if (rule->causal || rule->edge != REF_SHIFT) {
        return within_reach(rule, (int64_t)key_position - (int64_t)lead);
    }
    return nearness_rank(lead, key_position, count) < rule->window; /* the leader's `window` nearest keys */
}

/* Positions of a query's window that are no tokens, one by one. */
static uint64_t outside(const ref_axis_rule *rule, uint64_t query) {
    int64_t group = (int64_t)(rolled(rule, query) % rule->dilation);
    int64_t position = (int64_t)(rolled(rule, query) / rule->dilation);
    int64_t count = ((int64_t)rule->extent - group + (int64_t)rule->dilation - 1) / (int64_t)rule->dilation;
    int64_t lead = (int64_t)run_leader(rule, (uint64_t)position, (uint64_t)count);
    int64_t window = (int64_t)rule->window;
    uint64_t found = 0;
    for (int64_t at = lead - window; at <= lead + window && rule->edge == REF_ZERO; ++at) {
        bool seen = within_reach(rule, at - lead) && !(rule->causal && at > position);
        found += seen && (at < 0 || at >= count);
    }
    return found;
}

/* Off the grid on at least one axis that pads, and on each other axis padded likewise or visible. */
uint64_t ref_grid_padding(const ref_grid_rule *rule, uint64_t query) {
    uint64_t all = 1, visible = 1;
    for (uint32_t a = rule->rank; a-- > 0;) {
        const ref_axis_rule *axis = &rule->axis[a];
        uint64_t here = query % axis->extent, seen = 0;
        query /= axis->extent;
        for (uint64_t key = 0; key < axis->extent; ++key) {
            seen += ref_axis_visible(axis, here, key);
        }
        all *= seen + outside(axis, here);
        visible *= seen;
    }
    return all - visible;
}

int64_t ref_axis_offset(const ref_axis_rule *rule, uint64_t query, uint64_t key) {
    int64_t dilation = (int64_t)rule->dilation;
    return (int64_t)rolled(rule, key) / dilation - (int64_t)rolled(rule, query) / dilation;
}

ref_place ref_axis_place(const ref_axis_rule *rule, uint64_t query, int64_t offset) {
    int64_t at = (int64_t)rolled(rule, query) + offset * (int64_t)rule->dilation;
    if (at >= 0 && at < (int64_t)rule->extent) {
        uint64_t key = ((uint64_t)at + rule->roll) % rule->extent;
        return ref_axis_visible(rule, query, key) ? REF_SEEN : REF_HIDDEN;
    }
    uint64_t position = rolled(rule, query) / rule->dilation;
    int64_t from_lead = offset + (int64_t)position - (int64_t)run_leader(rule, position, 0);
    bool counts = rule->edge == REF_ZERO && within_reach(rule, from_lead) && !(rule->causal && offset > 0);
    return counts ? REF_PADDED : REF_HIDDEN;
}

/* On an axis whose windows nothing moves it is told by the leader; else by how many keys of the window, whatever side
 * of a seam they are on, stand before. */
static uint64_t axis_window_index(const ref_axis_rule *rule, uint64_t query, uint64_t key) {
    uint64_t group = rolled(rule, query) % rule->dilation;
    uint64_t count = (rule->extent - group + rule->dilation - 1) / rule->dilation;
    uint64_t position = rolled(rule, query) / rule->dilation;
    int64_t key_position = (int64_t)(rolled(rule, key) / rule->dilation);
    int64_t lead = (int64_t)run_leader(rule, position, count);
    uint64_t before = 0;
    if (rule->edge != REF_SHIFT) {
        int64_t left = (int64_t)(rule->causal ? rule->window - 1 : rule->window / 2);
        return (uint64_t)(key_position - lead + left);
    }
    for (int64_t at = 0; at < key_position; ++at) {
        before += rule->causal ? within_reach(rule, at - lead)
                               : nearness_rank((uint64_t)lead, (uint64_t)at, count) < rule->window;
    }
    return before;
}

uint64_t ref_grid_window_index(const ref_grid_rule *rule, uint64_t query, uint64_t key) {
    uint64_t index = 0, step = 1;
    for (uint32_t a = rule->rank; a-- > 0;) {
        const ref_axis_rule *axis = &rule->axis[a];
        index += step * axis_window_index(axis, query % axis->extent, key % axis->extent);
        step *= axis->window;
        query /= axis->extent;
        key /= axis->extent;
    }
    return index;
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

static bool strided(const ref_lists *lists, uint64_t query, uint64_t key) {
    ref_dense_rule all = lists->dense;
    all.left = all.right = -1;
    return lists->key_stride && (key + lists->key_phase) % lists->key_stride == 0 &&
           ref_dense_visible(&all, query, key);
}

/* The box that a token of a grid is in, and which of a whole box's tokens it is. */
static void find_box(const ref_lists *lists, uint64_t first_extent, const uint64_t *box, uint64_t token,
                     uint64_t *out_block, uint64_t *out_place) {
    uint64_t at[3] = {0}, block = 0, place = 0;
    for (uint32_t a = lists->rank; a-- > 0;) {
        uint64_t extent = a == 0 ? first_extent : lists->extent[a];
        at[a] = token % extent;
        token /= extent;
    }
    for (uint32_t a = 0; a < lists->rank; ++a) {
        uint64_t extent = a == 0 ? first_extent : lists->extent[a];
        block = block * ((extent + box[a] - 1) / box[a]) + at[a] / box[a];
        place = place * box[a] + at[a] % box[a];
    }
    *out_block = block;
    *out_place = place;
}

static void find_query(const ref_lists *lists, uint64_t query, uint64_t *out_block, uint64_t *out_row) {
    *out_block = query / lists->q_block;
    *out_row = query % lists->q_block;
    if (lists->rank && lists->q_box[0]) {
        find_box(lists, lists->q_extent, lists->q_box, query, out_block, out_row);
    }
}

static uint64_t block_of_key(const ref_lists *lists, uint64_t key) {
    uint64_t block = key / lists->kv_block, place;
    if (lists->rank) {
        find_box(lists, lists->extent[0], lists->kv_box, key, &block, &place);
    }
    return block;
}

/* How often one list names a key for a query. */
static uint64_t named(const ref_lists *lists, const uint32_t *list, uint64_t row_of_block, uint64_t key) {
    uint64_t mask_words = lists->row_masks ? (lists->q_block + 31) / 32 : 0, found = 0;
    for (uint64_t n = 0; n < lists->entries; ++n) {
        const uint32_t *entry = lists->kind == REF_RANGES ? list + 2 + 2 * n : list + n * (1 + mask_words);
        if (entry[0] == UINT32_MAX) {
            continue;
        }
        bool here = lists->kind == REF_RANGES   ? key >= entry[0] && key < entry[1]
                    : lists->kind == REF_BLOCKS ? block_of_key(lists, key) == entry[0]
                                                : key == entry[0];
        bool row = mask_words == 0 || (entry[1 + row_of_block / 32] >> (row_of_block % 32) & 1) != 0;
        found += here && row;
    }
    return found;
}

uint64_t ref_lists_times(const ref_lists *lists, uint64_t b, uint64_t head, uint64_t query, uint64_t key) {
    const uint32_t *words = lists->words + (b * lists->heads + head) * lists->rows * lists->row_words;
    uint64_t times = 0, block, place;
    if (!ref_dense_visible(&lists->dense, query, key) && !strided(lists, query, key)) {
        return 0;
    }
    find_query(lists, query, &block, &place);
    if (lists->kind != REF_RANGES) {
        return block < lists->rows ? named(lists, words + block * lists->row_words, place, key) : 0;
    }
    for (uint64_t row = 0; row < lists->rows; ++row) {
        const uint32_t *list = words + row * lists->row_words;
        times += query >= list[0] && query < list[1] ? named(lists, list, place, key) : 0;
    }
    return times;
}
