/* SPDX-License-Identifier: MIT
 *
 * What every program of attention over lists must keep besides the rules of program_rules.c.
 */
#include "program_must.h"

/* No side is ever 0: shaders divide by them. */
const char *program_lists_variant(const vt_list_rule *list, const vt_variant *v) {
    const uint32_t *extent = v->spec + VT_SPEC_LIST_EXTENT, *q = v->spec + VT_SPEC_LIST_Q_BOX;
    const uint32_t *kv = v->spec + VT_SPEC_LIST_KV_BOX;
    uint32_t mask = v->spec[VT_SPEC_MASK];
    MUST(((mask & VT_MASK_Q_BOXES) != 0) == list->q_boxed);
    MUST(((mask & VT_MASK_KV_BOXES) != 0) == list->kv_boxed);
    for (uint32_t a = 0; a < 2; ++a) {
        MUST(extent[a] == (list->q_boxed || list->kv_boxed ? list->extent[a + 1] : 1));
        MUST(q[a] == (list->q_boxed ? list->q_box[a + 1] : 1) && q[a] > 0);
        MUST(kv[a] == (list->kv_boxed ? list->kv_box[a + 1] : 1) && kv[a] > 0);
    }
    MUST(!list->q_boxed || list->q_block == (uint64_t)list->q_box[0] * q[0] * q[1]);
    MUST(!list->kv_boxed || list->kv_block == (uint64_t)list->kv_box[0] * kv[0] * kv[1]);
    return NULL;
}

static uint64_t ceil_div(uint64_t value, uint64_t grain) {
    return (value + grain - 1) / grain;
}

/* Queries are cut at blocks, or at the rows of a tile inside one block. */
const char *program_lists_groups(const program_case *c, const vt_step *step) {
    const vt_list_rule *list = &c->problem.list;
    uint64_t first = step->push.q_first, end = step->push.q_last, units = end - first;
    bool ranges = list->kind == VATTEN_LIST_RANGES;
    uint64_t blocks = ceil_div(units, list->row_units) * list->row_lists;
    uint64_t rows = units < list->row_units && !ranges && !list->q_boxed ? units : list->q_block;
    MUST(ranges || first % list->row_units == 0 || first / list->row_units == (end - 1) / list->row_units);
    MUST(ranges || list->q_boxed || first % list->row_units % c->tile.rows == 0);
    MUST(step->groups[0] == (ranges ? list->rows : blocks) * ceil_div(rows, c->tile.rows));
    return NULL;
}

/* Lists may be full: every entry a run of its own. */
const char *program_lists_visits(const program_case *c, const vt_step *step) {
    const vt_problem *p = &c->problem;
    const vt_list_rule *list = &p->list;
    uint64_t keys = (step->push.k_last - step->push.k_first) * list->kv_plane;
    uint64_t listed = list->kind == VATTEN_LIST_RANGES ? p->kv_len : (uint64_t)list->entries * list->kv_block;
    uint64_t least = ceil_div(listed < keys ? listed : keys, c->tile.keys);
    uint64_t pairs = (uint64_t)step->groups[0] * c->tile.rows * c->tile.keys;
    MUST(least * pairs * step->groups[1] * step->groups[2] * (p->dim + p->value_dim) <= step->macs);
    MUST(least * c->tile.iterations + (list->kind == VATTEN_LIST_KEYS ? 1 : list->entries) <=
         c->caps.loop_limit);
    return NULL;
}

/* The list of a query, counted from that of the unit `first`. */
static uint64_t list_of(const vt_list_rule *list, uint64_t query, uint64_t first) {
    uint64_t row = (query / list->q_plane / list->row_units - first / list->row_units) * list->row_lists;
    if (!list->q_boxed)
        return row;
    uint64_t y = query / list->extent[2] % list->extent[1], x = query % list->extent[2];
    uint64_t across = (list->extent[2] + list->q_box[2] - 1) / list->q_box[2];
    return row + y / list->q_box[1] * across + x / list->q_box[2];
}

/* The list that a query goes by, from its first word to its last; the lists of ranges as if queries were in order. */
static const char *check_list(const program_case *c, const vt_step *step, const program_pair *pair) {
    const vt_list_rule *list = &c->problem.list;
    uint32_t z = pair->z, y = pair->y, query = pair->query;
    const vt_push *push = &step->push;
    bool ranges = list->kind == VATTEN_LIST_RANGES;
    uint64_t row = ranges ? list->rows - 1 : list_of(list, query, 0);
    uint64_t block = ranges ? row : list_of(list, query, push->q_first);
    uint32_t head = (push->head_first + y) / list->group - push->head_first / list->group;
    uint32_t base = list->biased ? push->map2 & 0xffff : push->map2;
    MUST(row < list->rows);
    uint32_t at = base + z * push->map0 + head * push->map1 + (uint32_t)(block * list->words.token);
    uint64_t expected = (pair->batch + z) * list->words.batch +
                        (pair->head + y) / list->group * list->words.head + row * list->words.token;
    MUST_ALL(program_element(&step->binding[VT_SLOT_LISTS], at, expected, list->row_words, 4));
    return NULL;
}

/* The bias of a pair, by the sums that the map makes. */
static const char *check_pair_bias(const program_case *c, const vt_step *step, const program_pair *pair) {
    const vt_list_rule *list = &c->problem.list;
    uint32_t z = pair->z, y = pair->y, query = pair->query, key = pair->key;
    const vt_push *push = &step->push;
    const uint32_t *spec = c->program.variants[step->variant].spec;
    uint32_t group = spec[VT_SPEC_LIST_BIAS_GROUP];
    uint32_t head = (push->head_first + y) / group - push->head_first / group;
    uint32_t k_first = list->kind == VATTEN_LIST_KEYS ? 0 : push->k_first * (uint32_t)list->kv_plane;
    uint32_t at = (push->map2 >> 16) + z * spec[VT_SPEC_LIST_BIAS_BATCH] + head * push->lse_head -
                  push->q_first * (uint32_t)list->q_plane * push->lse_batch - k_first +
                  query * push->lse_batch + key;
    uint64_t expected = (pair->batch + z) * list->bias.batch +
                        (pair->head + y) / list->bias_group * list->bias.head + query * list->bias.token +
                        key;
    return program_element(&step->binding[VT_SLOT_LIST_BIAS], at, expected, 1, 4);
}

const char *program_lists_addresses(const program_case *c, const vt_step *step, const program_pair *at) {
    MUST_ALL(check_list(c, step, at));
    return c->problem.list.biased ? check_pair_bias(c, step, at) : NULL;
}
