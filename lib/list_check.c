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

static vatten_result check_blocks(const list *l) {
    const vt_list_rule *rule = &l->problem->list;
    uint64_t blocks = rule->blocks;
    uint32_t words = rule->row_words / rule->entries;
    uint32_t last = VATTEN_LIST_END;
    for (uint32_t e = 0; e < rule->entries; ++e) {
        uint32_t block = l->words[e * words];
        bool ended = e > 0 && last == VATTEN_LIST_END;
        if (block != VATTEN_LIST_END) {
            WRONG_IF(ended, "entry %" PRIu32 ": block %" PRIu32 " stands behind the end", e, block);
            WRONG_IF(block >= blocks, "entry %" PRIu32 ": block %" PRIu32 " is not below %" PRIu64, e, block,
                     blocks);
            for (uint32_t before = 0; before < e; ++before)
                WRONG_IF(l->words[before * words] == block,
                         "entry %" PRIu32 ": block %" PRIu32 " is also entry %" PRIu32, e, block, before);
        }
        last = block;
    }
    return VATTEN_SUCCESS;
}

static vatten_result check_ranges(const list *l) {
    const vt_problem *p = l->problem;
    const uint32_t *w = l->words;
    WRONG_IF(w[0] > w[1] || w[1] > p->q_len, "queries [%" PRIu32 ", %" PRIu32 ") of %" PRIu64, w[0], w[1],
             p->q_len);
    WRONG_IF(w[1] - w[0] > p->list.q_block,
             "queries [%" PRIu32 ", %" PRIu32 ") are more than q_block %" PRIu32, w[0], w[1],
             p->list.q_block);
    for (uint32_t e = 0; e < p->list.entries && w[2 + 2 * e] != VATTEN_LIST_END; ++e) {
        uint32_t first = w[2 + 2 * e], end = w[3 + 2 * e];
        WRONG_IF(first > end || end > p->kv_len,
                 "entry %" PRIu32 ": keys [%" PRIu32 ", %" PRIu32 ") of %" PRIu64, e, first, end, p->kv_len);
        for (uint32_t before = 0; before < e; ++before) {
            uint32_t a = w[2 + 2 * before], b = w[3 + 2 * before];
            WRONG_IF(first < b && a < end,
                     "entry %" PRIu32 ": keys [%" PRIu32 ", %" PRIu32 ") share some with entry %" PRIu32, e,
                     first, end, before);
        }
    }
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

vatten_result vatten_lists_check(const vatten_logger *logger, const vatten_lists_desc *desc,
                                 const uint32_t *words) {
    const vt_caps any = vt_caps_boundless("any device");
    static const vatten_logger silent = {0};
    if (!desc || !words)
        return VATTEN_ERROR_INVALID_ARGUMENT;
    const vatten_logger *to = logger ? logger : &silent;
    vt_problem p;
    vatten_result result = vt_problem_from_lists(&any, to, desc, &p);
    const vt_tensor *t = &p.list.words;
    for (uint64_t b = 0; result == VATTEN_SUCCESS && b < p.batch; ++b)
        for (uint64_t h = 0; result == VATTEN_SUCCESS && h < p.heads / p.list.group; ++h)
            for (uint64_t row = 0; result == VATTEN_SUCCESS && row < p.list.rows; ++row) {
                const list l = {&p, to, words + b * t->batch + h * t->head + row * t->token, b, h, row};
                result = check_list(&l);
            }
    return result;
}
