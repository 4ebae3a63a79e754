/* SPDX-License-Identifier: MIT
 *
 * Tensors of 2^33 elements, and lists of as many words, in what chooses blocks and values and in sparse plans.
 */
#include "huge_cover.h"

static void of_score(const huge_told *t, huge_cover *c) {
    const vt_score_push *p = &t->score;
    if (t->task != VT_TASK_SCORE)
        return; /* selects */
    const huge_slab q = {
        p->q_base, {p->q_batch, p->q_head, p->q_token}, {t->groups[2], t->groups[1], p->rows}, 0};
    huge_reach(c, &t->bound[VT_SCORE_SLOT_Q], &q);
    huge_pass(c, &q);
}

/* The first pass of each part counts all of it. */
static void of_topk(const huge_told *t, huge_cover *c) {
    const vt_select_push *p = &t->select;
    const huge_slab x = {p->s_base,
                         {p->s_batch, p->s_head, p->s_row},
                         {t->groups[2], t->groups[1], p->row_end - p->row_first},
                         0};
    const VkDescriptorBufferInfo *bound = &t->bound[VT_RANK_SLOT_VALUES];
    bool begins = bound->offset != c->step[2];
    if (!begins)
        return;
    c->step[2] = bound->offset;
    huge_reach(c, bound, &x);
    huge_pass(c, &x);
}

static void topping(const vt_caps *caps, const huge_shape *s) {
    const huge_shape rows = {s->batch, s->heads, s->tokens / 64, s->dim * 64};
    huge_cover c = huge_by_head(&rows, 4);
    c.step[2] = UINT64_MAX; /* where the part before began */
    vatten_device *device = huge_open(caps);
    const vatten_topk_desc d = {.batch = rows.batch,
                                .heads = (uint32_t)rows.heads,
                                .rows = rows.tokens,
                                .values = rows.dim,
                                .entries = 5};
    huge_each(vatten_topk_create(device, &d, huge_plan()), of_topk, &c);
    assert_true(huge_done(&c));
    huge_close("topk");
}

/* ---- Budgets that rows share, with a bias; and those of single rows ---- */

enum { CHOICE_Q, CHOICE_LISTS, CHOICE_COUNTS, CHOICE_BIAS, CHOICE_COVERS };

static huge_slab lists_of(const huge_told *t) {
    const vt_select_push *p = &t->select;
    return (huge_slab){p->list_base,
                       {p->list_batch, p->list_head, p->list_row},
                       {t->groups[2], p->count_y ? p->count_y : t->groups[1], p->row_end - p->row_first},
                       0};
}

/* Of a part: the first dispatch after scores asks for the bias, the last writes lists. */
static void of_choice(const huge_told *t, huge_cover *c) {
    const vt_select_push *p = &t->select;
    const huge_slab lists = lists_of(t);
    const huge_slab counts = huge_beside(&lists, p->count_base, p->count_batch, p->count_head, 1);
    const huge_slab bias = huge_beside(&lists, p->bias_base, p->bias_batch, p->bias_head, p->bias_row);
    uint32_t pass = t->spec[VT_SELECT_SPEC_PASS];
    bool alone = t->task == VT_TASK_SELECT;
    if (t->task == VT_TASK_SCORE) {
        of_score(t, &c[CHOICE_Q]);
        return;
    }
    uint64_t scores = (lists.count[0] - 1) * p->s_batch +
                      (lists.count[1] * t->spec[VT_SELECT_SPEC_GROUP] - 1) * p->s_head +
                      (uint64_t)p->blocks * lists.count[2];
    huge_within(&t->bound[alone ? VT_SELECT_SLOT_SCORES : VT_RANK_SLOT_VALUES], p->s_base + scores);
    bool begins = p->first_x == 0 && p->first_y == 0; /* the first piece of a pass counts all of it */
    if (alone || (begins && pass == VT_RANK_JOIN)) {
        huge_reach(&c[CHOICE_BIAS], &t->bound[alone ? VT_SELECT_SLOT_BIAS : VT_RANK_SLOT_LISTS], &bias);
        huge_pass(&c[CHOICE_BIAS], &bias);
    }
    if (!alone)
        huge_within(&t->bound[VT_RANK_SLOT_STATE],
                    lists.count[0] * lists.count[1] *
                        ((lists.count[2] + p->budget_rows - 1) / p->budget_rows) *
                        (VT_RANK_STATE_WORDS + p->workgroups * VT_RANK_PARTIAL_WORDS));
    if (alone || (begins && pass == VT_RANK_LIST)) {
        huge_reach(&c[CHOICE_LISTS], &t->bound[alone ? VT_SELECT_SLOT_LISTS : VT_RANK_SLOT_LISTS], &lists);
        huge_reach(&c[CHOICE_COUNTS], &t->bound[alone ? VT_SELECT_SLOT_COUNTS : VT_RANK_SLOT_COUNTS],
                   &counts);
        huge_pass(&c[CHOICE_LISTS], &lists);
        huge_pass(&c[CHOICE_COUNTS], &counts);
    }
}

/* Lists and biases of 2^33 words. */
static void choosing(const vt_caps *caps, const huge_shape *s, uint32_t budget_rows) {
    huge_shape ones = *s;
    ones.dim = 1;
    huge_cover c[CHOICE_COVERS] = {huge_of(s, 2), huge_by_head(s, 4), huge_by_head(&ones, 4),
                                   huge_by_head(s, 4)};
    vatten_device *device = huge_open(caps);
    const vatten_select_desc d = {
        .dtype = VATTEN_DTYPE_F16,
        .batch = s->batch,
        .heads = (uint32_t)s->heads,
        .kv_heads = (uint32_t)s->heads,
        .dim = (uint32_t)s->dim,
        .rows = s->tokens,
        .blocks = s->dim,
        .rule = {.entries = (uint32_t)s->dim, .budget_rows = budget_rows, .total = budget_rows * 8},
        .bias = true,
        .max_workspace = UINT64_C(4) << 30,
        .max_moves = UINT64_C(1) << 36,
        .write_counts = true};
    huge_each(vatten_select_create(device, &d, huge_plan()), of_choice, c);
    for (int i = 0; i < CHOICE_COVERS; ++i)
        assert_true(huge_done(&c[i]));
    huge_close("choices");
}

/* ---- Sparse plans by token ---- */

enum { SPARSE_K, SPARSE_Q, SPARSE_LISTS, SPARSE_ROWS, SPARSE_JOINED, SPARSE_OUT, SPARSE_COVERS };

static void of_keys(const huge_told *t, huge_cover *c) {
    const vt_pool_push *p = &t->pool;
    const huge_slab x = {p->x_base,
                         {p->x_batch, p->x_head, p->x_token},
                         {t->groups[2], t->groups[1], (p->end - p->first) * UINT64_C(64)},
                         p->first * UINT64_C(64)};
    huge_reach(&c[SPARSE_K], &t->bound[VT_POOL_SLOT_X], &x);
    huge_pass(&c[SPARSE_K], &x);
}

/* Those of rows are read where they were written. */
static void of_rows(const huge_told *t, uint32_t slot, const huge_slab *rows, huge_cover *c, bool ends) {
    c[SPARSE_ROWS].origin = c[SPARSE_LISTS].origin;
    huge_reach(&c[SPARSE_ROWS], &t->bound[slot], rows);
    if (ends)
        huge_pass(&c[SPARSE_ROWS], rows);
}

static void of_mark(const huge_told *t, huge_cover *c) {
    const vt_mark_push *p = &t->mark;
    const uint32_t words = 3 * t->spec[VT_MARK_SPEC_OUT_ENTRIES];
    const huge_slab rows = {p->row_base,
                            {p->row_batch, p->row_head, t->spec[VT_MARK_SPEC_ENTRIES]},
                            {t->groups[2], t->groups[1], p->rows},
                            0};
    const huge_slab lists = {
        p->list_base, {p->list_batch, p->list_head, words}, {t->groups[2], t->groups[1], p->row_blocks}, 0};
    bool ends = t->spec[VT_MARK_SPEC_PASS] == 1;
    huge_within(&t->bound[VT_MARK_SLOT_MARKS],
                lists.count[0] * lists.count[1] * p->row_blocks * p->blocks * 2);
    of_rows(t, VT_MARK_SLOT_ROWS, &rows, c, ends);
    huge_reach(&c[SPARSE_JOINED], &t->bound[VT_MARK_SLOT_LISTS], &lists);
    if (ends)
        huge_pass(&c[SPARSE_JOINED], &lists);
}

static void of_invert(const huge_told *t, huge_cover *c) {
    const vt_invert_push *p = &t->invert;
    const uint64_t entries = t->spec[VT_INVERT_SPEC_ENTRIES], slices = (uint64_t)t->groups[1] * t->groups[2];
    const huge_slab rows = {p->row_base,
                            {p->row_batch, p->row_head, (uint32_t)entries},
                            {t->groups[2], t->groups[1], p->rows},
                            0};
    huge_within(&t->bound[VT_INVERT_SLOT_COUNTS], slices * p->chunks * p->blocks);
    huge_within(&t->bound[VT_INVERT_SLOT_GATHERED],
                slices * (2 * (p->blocks + UINT64_C(1)) + p->rows * entries));
    of_rows(t, VT_INVERT_SLOT_ROWS, &rows, c, t->spec[VT_INVERT_SPEC_PASS] == VT_INVERT_SCATTER);
}

/* Rows by the joined lists of their blocks: `out` is written, and lists are read, where attention over lists does. */
static void of_union(const huge_told *t, huge_cover *c) {
    const vt_push *p = &t->push;
    const huge_slab q = {p->q_base,
                         {p->q_batch, p->q_head, p->q_token},
                         {t->groups[2], t->groups[1], p->q_last - p->q_first},
                         p->q_first};
    const huge_slab out = huge_beside(&q, p->out_base, p->out_batch, p->out_head, p->out_token);
    huge_reach(&c[SPARSE_OUT], &t->bound[VT_SLOT_Q], &q);
    huge_reach(&c[SPARSE_OUT], &t->bound[VT_SLOT_OUT], &out);
    if (!(p->flags & VT_FLAG_CARRY_OUT))
        huge_pass(&c[SPARSE_OUT], &q);
}

/* Rows of a part, whatever the order of their tiles; they are put together last. */
static void of_gathered(const huge_told *t, huge_cover *c) {
    const vt_push *p = &t->push;
    const huge_slab q = {p->q_base,
                         {p->q_batch, p->q_head, p->q_token},
                         {t->groups[2], t->groups[1], p->q_last - p->q_first},
                         p->q_first};
    huge_reach(&c[SPARSE_OUT], &t->bound[VT_SLOT_Q], &q);
}

static void of_merge(const huge_told *t, huge_cover *c) {
    const vt_combine_push *p = &t->combine;
    const huge_slab out = {
        p->o_base, {p->o_batch, p->o_head, p->o_token}, {t->groups[2], t->groups[1], p->rows}, 0};
    huge_reach(&c[SPARSE_OUT], &t->bound[VT_COMBINE_SLOT_OUT], &out);
    huge_pass(&c[SPARSE_OUT], &out);
}

static void of_sparse(const huge_told *t, huge_cover *c) {
    bool gathers = t->task == VT_TASK_ATTEND && t->spec[VT_SPEC_LIST_KIND] == VT_LIST_ROWS;
    const huge_slab lists = lists_of(t);
    switch (t->task) {
    case VT_TASK_POOL:
        of_keys(t, c);
        break;
    case VT_TASK_SCORE:
        of_score(t, &c[SPARSE_Q]);
        break;
    case VT_TASK_SELECT:
        huge_reach(&c[SPARSE_LISTS], &t->bound[VT_SELECT_SLOT_LISTS], &lists);
        huge_pass(&c[SPARSE_LISTS], &lists);
        break;
    case VT_TASK_MARK:
        of_mark(t, c);
        break;
    case VT_TASK_INVERT:
        of_invert(t, c);
        break;
    case VT_TASK_COMBINE:
        of_merge(t, c);
        break;
    default:
        assert_int_equal(t->task, VT_TASK_ATTEND);
        if (gathers)
            of_gathered(t, c);
        else
            of_union(t, c);
    }
}

/* Of one head there are few keys: else there would be more scores than dispatches can make. */
static void going_sparse(const vt_caps *caps, const huge_shape *s, vatten_sparse_execution execution) {
    const uint64_t entries = 64, keys = s->heads > 1 ? s->tokens : 4096;
    const uint64_t joined = keys / 64 < 64 * entries ? keys / 64 : 64 * entries;
    const huge_shape of_k = {s->batch, s->heads, keys, s->dim},
                     of_rows = {s->batch, s->heads, s->tokens, entries},
                     of_lists = {s->batch, s->heads, s->tokens / 64, joined * 3};
    huge_cover c[SPARSE_COVERS] = {huge_of(&of_k, 2),          huge_of(s, 2),
                                   huge_by_head(&of_rows, 4),  huge_by_head(&of_rows, 4),
                                   huge_by_head(&of_lists, 4), huge_of(s, 2)};
    bool gathers = execution == VATTEN_SPARSE_GATHER;
    vatten_device *device = huge_open(caps);
    const vatten_sparse_desc d = {.execution = execution,
                                  .heads = {.dtype = VATTEN_DTYPE_F16,
                                            .batch = s->batch,
                                            .heads = (uint32_t)s->heads,
                                            .kv_heads = (uint32_t)s->heads,
                                            .dim = (uint32_t)s->dim,
                                            .max_macs = UINT64_C(1) << 40,
                                            .max_moves = UINT64_C(1) << 36},
                                  .q_len = s->tokens,
                                  .kv_len = keys,
                                  .q_block = 1,
                                  .kv_block = 64,
                                  .rule = {.entries = (uint32_t)entries},
                                  .max_workspace = UINT64_C(4) << 30};
    c[SPARSE_LISTS].anywhere = c[SPARSE_JOINED].anywhere = true;
    huge_each(vatten_sparse_create(device, &d, huge_plan()), of_sparse, c);
    for (int i = 0; i < SPARSE_COVERS; ++i)
        assert_true(huge_done(&c[i]) || (i == SPARSE_JOINED && gathers));
    huge_close("sparse");
}

static void choices_reach_their_words(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    for (int i = 0; i < 2; ++i) {
        choosing(&caps, &huge_shapes[i], 0);
        choosing(&caps, &huge_shapes[i], 4096);
        topping(&caps, &huge_shapes[i]);
    }
}

static void sparse_plans_reach_theirs(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    for (int i = 0; i < 2; ++i) {
        going_sparse(&caps, &huge_shapes[i], VATTEN_SPARSE_UNION);
        going_sparse(&caps, &huge_shapes[i], VATTEN_SPARSE_GATHER);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(choices_reach_their_words),
                                       cmocka_unit_test(sparse_plans_reach_theirs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
