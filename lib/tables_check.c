/* SPDX-License-Identifier: MIT
 *
 * vatten_attention_check: the rules of tables, asked of a copy that the host has.
 */
#include "log.h"
#include "problem_check.h"
#include "sizes.h"

#include <string.h>

/* A copy of a desc's tables, and who is told what is wrong with them. */
typedef struct copy {
    const vatten_attention_desc *desc;
    const vatten_logger *logger;
    const char *label;
    vatten_tables at;
    const uint32_t *words;
} copy;

#define WRONG_IF(CONDITION, FORMAT, ...)                                                                     \
    do {                                                                                                     \
        if (CONDITION) {                                                                                     \
            vt_log(c->logger, VATTEN_LOG_ERROR, c->label, "tables: " FORMAT, __VA_ARGS__);                   \
            return VATTEN_ERROR_INVALID_ARGUMENT;                                                            \
        }                                                                                                    \
    } while (0)

static const uint32_t *table(const copy *c, uint64_t place) {
    return place == VATTEN_NO_TABLE ? NULL : c->words + place / sizeof(uint32_t);
}

/* ---- Lengths ---- */

static vatten_result check_starts(const copy *c, const char *name, uint64_t place, uint64_t tokens) {
    const uint32_t *starts = table(c, place);
    uint32_t last = c->desc->sequences;
    if (!starts)
        return VATTEN_SUCCESS;
    WRONG_IF(starts[0] != 0, "%s[0] is %" PRIu32 ", not 0", name, starts[0]);
    for (uint32_t s = 0; s < last; ++s)
        WRONG_IF(starts[s + 1] < starts[s], "%s[%" PRIu32 "] is %" PRIu32 ", below %" PRIu32 " before it",
                 name, s + 1, starts[s + 1], starts[s]);
    WRONG_IF(starts[last] != tokens, "%s[%" PRIu32 "] is %" PRIu32 ", not all %" PRIu64 " tokens", name, last,
             starts[last], tokens);
    return VATTEN_SUCCESS;
}

/* Batch entries, or sequences. */
static uint64_t rows_of(const copy *c) {
    return c->desc->lengths == VATTEN_LENGTHS_PACKED ? c->desc->sequences : c->desc->heads.batch;
}

static vatten_result check_lengths(const copy *c, const char *name, uint64_t place, uint64_t most) {
    const uint32_t *lengths = table(c, place);
    for (uint64_t b = 0; lengths && b < rows_of(c); ++b)
        WRONG_IF(lengths[b] > most, "%s[%" PRIu64 "] is %" PRIu32 ", above the plan's %" PRIu64, name, b,
                 lengths[b], most);
    return VATTEN_SUCCESS;
}

/* ---- Pages ---- */

static uint64_t pages_of(const copy *c, uint64_t row) {
    const uint32_t *lengths = table(c, c->at.kv_lengths);
    return vt_ceil_div(lengths ? lengths[row] : c->desc->kv_len, c->desc->page_size);
}

/* A page may be in several rows, and in several places of one: sequences that begin alike share theirs. */
static vatten_result check_pages(const copy *c) {
    const uint32_t *pages = table(c, c->at.pages);
    for (uint64_t row = 0; pages && row < rows_of(c); ++row)
        for (uint64_t i = 0; i < pages_of(c, row); ++i) {
            uint32_t page = pages[row * c->at.row_pages + i];
            WRONG_IF(page >= c->desc->pool_pages,
                     "pages[%" PRIu64 "][%" PRIu64 "] is %" PRIu32 ", the pool has %" PRIu64, row, i, page,
                     c->desc->pool_pages);
        }
    return VATTEN_SUCCESS;
}

/* ---- Masks ---- */

static vatten_result check_segments(const copy *c, const char *name, uint64_t place, uint64_t tokens) {
    const uint32_t *ids = table(c, place);
    uint64_t batch = c->desc->mask_batch ? c->desc->heads.batch : 1;
    for (uint64_t n = 0; ids && c->desc->segments && n < batch * tokens; ++n)
        WRONG_IF(ids[n] >= c->desc->segments,
                 "%s[%" PRIu64 "][%" PRIu64 "] is %" PRIu32 ", segments are %" PRIu32, name, n / tokens,
                 n % tokens, ids[n], c->desc->segments);
    return VATTEN_SUCCESS;
}

static vatten_result check_intervals(const copy *c) {
    const uint32_t *interval = table(c, c->at.intervals);
    uint64_t heads = c->desc->mask_heads ? c->desc->mask_heads : 1, queries = c->desc->q_len;
    uint64_t batch = c->desc->mask_batch ? c->desc->heads.batch : 1;
    for (uint64_t n = 0; interval && n < batch * heads * queries; ++n)
        WRONG_IF(interval[2 * n] > interval[2 * n + 1],
                 "intervals[%" PRIu64 "][%" PRIu64 "][%" PRIu64 "] is [%" PRIu32 ", %" PRIu32 ")",
                 n / queries / heads, n / queries % heads, n % queries, interval[2 * n], interval[2 * n + 1]);
    return VATTEN_SUCCESS;
}

static vatten_result check_masks(const copy *c) {
    vatten_result result = check_segments(c, "q_segments", c->at.q_segments, c->desc->q_len);
    if (result == VATTEN_SUCCESS)
        result = check_segments(c, "kv_segments", c->at.kv_segments, c->desc->kv_len);
    return result == VATTEN_SUCCESS ? check_intervals(c) : result;
}

static vatten_result check_copy(const copy *c) {
    uint64_t q_len = c->desc->q_len, kv_len = c->desc->kv_len;
    vatten_result result = check_lengths(c, "q_lengths", c->at.q_lengths, q_len);
    if (result == VATTEN_SUCCESS)
        result = check_lengths(c, "kv_lengths", c->at.kv_lengths, kv_len);
    if (result == VATTEN_SUCCESS)
        result = check_starts(c, "q_starts", c->at.q_starts, q_len);
    if (result == VATTEN_SUCCESS)
        result = check_starts(c, "kv_starts", c->at.kv_starts, kv_len);
    if (result == VATTEN_SUCCESS)
        result = check_pages(c);
    return result == VATTEN_SUCCESS ? check_masks(c) : result;
}

vatten_result vatten_attention_check(const vatten_logger *logger, const vatten_attention_desc *desc,
                                     const void *tables) {
    const vt_caps any = vt_caps_boundless("any device");
    static const vatten_logger silent = {0};
    if (!desc || !tables)
        return VATTEN_ERROR_INVALID_ARGUMENT;
    const vatten_logger *to = logger ? logger : &silent;
    vt_problem p;
    vatten_result result = vt_problem_from_attention(&any, to, desc, &p);
    if (result != VATTEN_SUCCESS)
        return result;
    copy c = {.desc = desc, .logger = to, .label = p.label, .words = tables};
    result = vatten_attention_tables(desc, &c.at);
    if (result != VATTEN_SUCCESS)
        vt_log(to, VATTEN_LOG_ERROR, p.label, "tables overflow 64 bits: q_len %" PRIu64 ", kv_len %" PRIu64,
               desc->q_len, desc->kv_len);
    return result == VATTEN_SUCCESS ? check_copy(&c) : result;
}
