/* SPDX-License-Identifier: MIT
 *
 * vatten_lists_check: the rules of lists, asked of a copy that the host has.
 */
#include "log.h"
#include "problem_check.h"
#include "sizes.h"

#include <string.h>

/* One list, and where it stands for messages. */
typedef struct list {
    const vt_problem *problem;
    const vatten_logger *logger;
    const uint32_t *words;
    uint64_t batch, head, row;
} list;

#define WRONG_IF(CONDITION, FORMAT, ...)                                                                     \
    do {                                                                                                     \
        if (CONDITION) {                                                                                     \
            vt_log(l->logger, VATTEN_LOG_ERROR, l->problem->label,                                           \
                   "lists: batch %" PRIu64 ", head %" PRIu64 ", row %" PRIu64 ": " FORMAT, l->batch,         \
                   l->head, l->row, __VA_ARGS__);                                                            \
            return VATTEN_ERROR_INVALID_ARGUMENT;                                                            \
        }                                                                                                    \
    } while (0)

/* ---- What stands in two ---- */

/* Stretches of blocks, keys or queries: so many words from one to the next. */
typedef struct stretches {
    const uint32_t *words;
    uint64_t step;
    bool single; /* one word, and it is one long; else first and end */
} stretches;

static uint64_t first_of(const stretches *s, uint64_t e) {
    return s->words[e * s->step];
}

static uint64_t end_of(const stretches *s, uint64_t e) {
    return s->single ? first_of(s, e) + 1 : s->words[e * s->step + 1];
}

/* Empty ones share nothing. */
static bool share(const stretches *s, uint64_t a, uint64_t b) {
    return vt_max(first_of(s, a), first_of(s, b)) < vt_min(end_of(s, a), end_of(s, b));
}

static bool are_in_order(const stretches *s, uint64_t count) {
    uint64_t end = 0;
    for (uint64_t e = 0; e < count; ++e) {
        if (first_of(s, e) == end_of(s, e))
            continue;
        if (first_of(s, e) < end)
            return false;
        end = end_of(s, e);
    }
    return true;
}

/* The first one before `e` that shares some with it, or `e`. */
static uint64_t first_partner(const stretches *s, uint64_t e) {
    uint64_t before = 0;
    while (before < e && !share(s, before, e))
        ++before;
    return before;
}

#ifndef VT_LIST_WINDOW        /* fuzzing builds with less, so that short lists have many windows */
#define VT_LIST_WINDOW 65536u /* numbers, of 64 a word */
#define VT_LIST_FEW    256u   /* so many pairs take less time than one window */
#endif

/* Sets bits [first, end); whether one of them was set before. */
static bool mark(uint64_t *marks, uint64_t first, uint64_t end) {
    bool met = false;
    while (first < end) {
        uint64_t to = vt_min(end, (first / 64 + 1) * 64), count = to - first;
        uint64_t bits = (count == 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1) << first % 64;
        met = met || (marks[first / 64] & bits) != 0;
        marks[first / 64] |= bits;
        first = to;
    }
    return met;
}

/* Looks at what lies in a window of numbers that begins with `from`: lowers `count` to the first stretch that shares some of it
 * with one before. Returns where the next stretch behind the window begins, UINT64_MAX if none does: what two share begins
 * where one of them does. */
static uint64_t look_at_window(const stretches *s, uint64_t from, uint64_t *count) {
    uint64_t marks[VT_LIST_WINDOW / 64] = {0}, next = UINT64_MAX, to = from + VT_LIST_WINDOW;
    for (uint64_t e = 0; e < *count; ++e) {
        uint64_t first = vt_max(first_of(s, e), from), end = end_of(s, e);
        if (first >= end)
            continue;
        if (first >= to)
            next = vt_min(next, first);
        else if (mark(marks, first - from, vt_min(end, to) - from))
            *count = e;
    }
    return next;
}

/* The first of `count` that shares some with one before it, or `count`. There is no memory to sort them in. */
static uint64_t first_shared(const stretches *s, uint64_t count) {
    if (are_in_order(s, count))
        return count;
    uint64_t shared = count;
    if (count <= VT_LIST_FEW) {
        for (shared = 0; shared < count && first_partner(s, shared) == shared;)
            ++shared;
        return shared;
    }
    for (uint64_t from = 0; from != UINT64_MAX;)
        from = look_at_window(s, from, &shared);
    return shared;
}

/* ---- The three kinds ---- */

static vatten_result check_blocks(const list *l) {
    const vt_list_rule *rule = &l->problem->list;
    uint64_t blocks = rule->blocks;
    const stretches s = {l->words, rule->row_words / rule->entries, true};
    uint32_t count = 0;
    while (count < rule->entries && first_of(&s, count) < vt_min(blocks, VATTEN_LIST_END))
        ++count;
    uint32_t e = (uint32_t)first_shared(&s, count);
    WRONG_IF(e < count, "entry %" PRIu32 ": block %" PRIu64 " is also entry %" PRIu64, e, first_of(&s, e),
             first_partner(&s, e));
    WRONG_IF(count < rule->entries && first_of(&s, count) != VATTEN_LIST_END,
             "entry %" PRIu32 ": block %" PRIu64 " is not below %" PRIu64, count, first_of(&s, count),
             blocks);
    for (e = count; e < rule->entries; ++e)
        WRONG_IF(first_of(&s, e) != VATTEN_LIST_END,
                 "entry %" PRIu32 ": block %" PRIu64 " stands behind the end", e, first_of(&s, e));
    return VATTEN_SUCCESS;
}

static bool is_range(const stretches *s, uint64_t e, uint64_t keys) {
    return first_of(s, e) <= end_of(s, e) && end_of(s, e) <= keys;
}

static vatten_result check_ranges(const list *l) {
    const vt_problem *p = l->problem;
    const uint32_t *w = l->words;
    const stretches s = {w + 2, 2, false};
    WRONG_IF(w[0] > w[1] || w[1] > p->q_len, "queries [%" PRIu32 ", %" PRIu32 ") of %" PRIu64, w[0], w[1],
             p->q_len);
    WRONG_IF(w[1] - w[0] > p->list.q_block,
             "queries [%" PRIu32 ", %" PRIu32 ") are more than q_block %" PRIu32, w[0], w[1],
             p->list.q_block);
    uint32_t count = 0;
    while (count < p->list.entries && first_of(&s, count) != VATTEN_LIST_END &&
           is_range(&s, count, p->kv_len))
        ++count;
    uint32_t e = (uint32_t)first_shared(&s, count);
    WRONG_IF(e < count, "entry %" PRIu32 ": keys [%" PRIu64 ", %" PRIu64 ") share some with entry %" PRIu64,
             e, first_of(&s, e), end_of(&s, e), first_partner(&s, e));
    WRONG_IF(count < p->list.entries && first_of(&s, count) != VATTEN_LIST_END,
             "entry %" PRIu32 ": keys [%" PRIu64 ", %" PRIu64 ") of %" PRIu64, count, first_of(&s, count),
             end_of(&s, count), p->kv_len);
    return VATTEN_SUCCESS;
}

static vatten_result check_keys(const list *l) {
    const vt_problem *p = l->problem;
    for (uint32_t e = 0; e < p->list.entries; ++e)
        WRONG_IF(l->words[e] != VATTEN_LIST_END && l->words[e] >= p->kv_len,
                 "entry %" PRIu32 ": key %" PRIu32 " is not below %" PRIu64, e, l->words[e], p->kv_len);
    return VATTEN_SUCCESS;
}

static vatten_result check_list(const list *l) {
    switch (l->problem->list.kind) {
    case VATTEN_LIST_RANGES:
        return check_ranges(l);
    case VATTEN_LIST_KEYS:
        return check_keys(l);
    default:
        return check_blocks(l);
    }
}

/* All lists of a batch entry and head; of one list that stands for all rows, the first two say what the others would. */
static vatten_result check_head(list *l) {
    const vt_problem *p = l->problem;
    const vt_tensor *t = &p->list.words;
    const uint32_t *words = l->words + l->batch * t->batch + l->head * t->head;
    uint64_t rows = t->token ? p->list.rows : vt_min(p->list.rows, 2);
    vatten_result result = VATTEN_SUCCESS;
    for (uint64_t row = 0; result == VATTEN_SUCCESS && row < rows; ++row) {
        const list of_row = {p, l->logger, words + row * t->token, l->batch, l->head, row};
        result = check_list(&of_row);
    }
    if (result != VATTEN_SUCCESS || p->list.kind != VATTEN_LIST_RANGES)
        return result;
    const stretches queries = {words, t->token, false};
    l->row = first_shared(&queries, rows);
    WRONG_IF(l->row < rows, "queries [%" PRIu64 ", %" PRIu64 ") share some with row %" PRIu64,
             first_of(&queries, l->row), end_of(&queries, l->row), first_partner(&queries, l->row));
    return VATTEN_SUCCESS;
}

vatten_result vatten_lists_check(const vatten_logger *logger, const vatten_lists_desc *desc,
                                 const uint32_t *words) {
    const vt_caps any = vt_caps_boundless("any device");
    static const vatten_logger silent = {0};
    if (!desc || !words)
        return VATTEN_ERROR_INVALID_ARGUMENT;
    const vatten_logger *to = logger ? logger : &silent;
    vt_problem p;
    vatten_result result = vt_problem_from_lists(&any, to, desc, &p);
    if (result != VATTEN_SUCCESS)
        return result;
    /* Where a stride is 0 all have the same lists. */
    uint64_t batches = p.list.words.batch ? p.batch : 1;
    uint64_t heads = p.list.words.head ? p.heads / p.list.group : 1;
    for (uint64_t b = 0; result == VATTEN_SUCCESS && b < batches; ++b)
        for (uint64_t h = 0; result == VATTEN_SUCCESS && h < heads; ++h)
            result = check_head(&(list){&p, to, words, b, h, 0});
    return result;
}
