/* SPDX-License-Identifier: MIT
 *
 * Lists and tables asked of a copy on the host: words of any values are read within their buffer and no further, what is refused
 * is told once, and lists and tables are accepted if and only if they keep the rules.
 *
 * The first byte says which; at the end of the rest stand the words, over and over until the buffer is full.
 */
#include "fuzz_descs.h"
#include "fuzz_input.h"
#include "problem_check.h"
#include "sizes.h"
#include "tables_truth.h"

#include <stdlib.h>
#include <string.h>

#define MOST_WORDS  ((uint64_t)1 << 14) /* more take long */
#define MOST_KEYS   ((uint64_t)1 << 18)
#define MOST_MARKS  ((uint64_t)1 << 22)
#define MOST_TOKENS ((uint64_t)1 << 15)

/* Of exactly so many words, so that the sanitizer sees each word behind them. `mask` makes most of them small. */
static uint32_t *make_words(uint64_t count, const uint8_t *data, size_t size, uint32_t mask) {
    uint32_t *words = malloc((size_t)count * sizeof *words + 1);
    if (!words)
        abort();
    for (uint64_t i = 0; i < count; ++i) {
        uint8_t byte = size ? data[i % size] : 0;
        words[i] =
            byte >= 250 ? UINT32_MAX - (255u - byte) : (byte * (uint32_t)(i / (size ? size : 1) + 1)) & mask;
    }
    return words;
}

/* ---- Lists in no order ---- */

/* A list that keeps the rules, its entries in no order: numbers n * STEP, or ranges of `width` keys. */
static void fill_list(const vt_problem *p, uint64_t row, uint32_t *words) {
    const uint64_t STEP = 77773;
    const vt_list_rule *rule = &p->list;
    bool ranges = rule->kind == VATTEN_LIST_RANGES;
    uint64_t keys = rule->kind == VATTEN_LIST_BLOCKS ? rule->blocks : p->kv_len;
    uint64_t width = ranges ? vt_max(keys / rule->entries, 1) : 1, numbers = keys / width;
    uint32_t step = ranges ? 2 : rule->row_words / rule->entries;
    if (ranges) {
        words[0] = (uint32_t)vt_min(row * rule->q_block, p->q_len);
        words[1] = (uint32_t)vt_min((row + 1) * rule->q_block, p->q_len);
    }
    for (uint64_t e = 0; e < rule->entries; ++e) {
        uint32_t *entry = words + (ranges ? 2 : 0) + e * step;
        entry[0] = (uint32_t)(e < numbers ? e * STEP % numbers * width : VATTEN_LIST_END);
        if (ranges)
            entry[1] = (uint32_t)(e < numbers ? entry[0] + width : 0);
    }
}

/* But for one word, which the last bytes say: another, or that of a second place. */
static void fill_lists(const vt_problem *p, const uint8_t *data, size_t size, bool copy, uint32_t *words) {
    uint32_t at = 0, value = 0;
    for (uint64_t b = 0; b < p->batch; ++b)
        for (uint64_t h = 0; h < p->heads / p->list.group; ++h)
            for (uint64_t row = 0; row < p->list.rows; ++row)
                fill_list(p, row, words + vt_tensor_at(&p->list.words, b, h, row));
    if (size < 8)
        return;
    memcpy(&at, data + size - 8, 4);
    memcpy(&value, data + size - 4, 4);
    words[at % p->list.words.elements] = copy ? words[value % p->list.words.elements] : value;
}

/* ---- Lists, naively ---- */

/* The list in which a key, block or query was last seen. */
static uint32_t seen[MOST_KEYS], number_of_list;

static bool seen_once(uint32_t first, uint32_t end) {
    for (uint32_t n = first; n < end; ++n) {
        if (seen[n] == number_of_list)
            return false;
        seen[n] = number_of_list;
    }
    return true;
}

static bool blocks_are_good(const vt_list_rule *rule, const uint32_t *words) {
    bool ended = false;
    for (uint32_t e = 0; e < rule->entries; ++e) {
        uint32_t block = words[e * (rule->row_words / rule->entries)];
        if (block != VATTEN_LIST_END && (ended || block >= rule->blocks || !seen_once(block, block + 1)))
            return false;
        ended = ended || block == VATTEN_LIST_END;
    }
    return true;
}

static bool ranges_are_good(const vt_problem *p, const uint32_t *words) {
    if (words[0] > words[1] || words[1] > p->q_len || words[1] - words[0] > p->list.q_block)
        return false;
    for (uint32_t e = 0; e < p->list.entries && words[2 + 2 * e] != VATTEN_LIST_END; ++e) {
        uint32_t first = words[2 + 2 * e], end = words[3 + 2 * e];
        if (first > end || end > p->kv_len || !seen_once(first, end))
            return false;
    }
    return true;
}

static bool keys_are_good(const vt_problem *p, const uint32_t *words) {
    for (uint32_t e = 0; e < p->list.entries; ++e)
        if (words[e] != VATTEN_LIST_END && words[e] >= p->kv_len)
            return false;
    return true;
}

static bool list_is_good(const vt_problem *p, const uint32_t *words) {
    ++number_of_list;
    return p->list.kind == VATTEN_LIST_BLOCKS ? blocks_are_good(&p->list, words)
           : p->list.kind == VATTEN_LIST_KEYS ? keys_are_good(p, words)
                                              : ranges_are_good(p, words);
}

static bool head_is_good(const vt_problem *p, const uint32_t *words) {
    uint64_t stride = p->list.words.token;
    for (uint64_t row = 0; row < p->list.rows; ++row)
        if (!list_is_good(p, words + row * stride))
            return false;
    ++number_of_list; /* of queries */
    for (uint64_t row = 0; p->list.kind == VATTEN_LIST_RANGES && row < p->list.rows; ++row)
        if (!seen_once(words[row * stride], words[row * stride + 1]))
            return false;
    return true;
}

static bool lists_are_good(const vt_problem *p, const uint32_t *words) {
    for (uint64_t b = 0; b < p->batch; ++b)
        for (uint64_t h = 0; h < p->heads / p->list.group; ++h)
            if (!head_is_good(p, words + vt_tensor_at(&p->list.words, b, h, 0)))
                return false;
    return true;
}

/* Lists that share words are looked at once for each row; too many of them take long as too many words do. */
static bool is_long(const vt_problem *p) {
    uint64_t rows = p->batch <= MOST_WORDS && p->list.rows <= MOST_WORDS ? p->batch * p->heads * p->list.rows
                                                                         : MOST_WORDS;
    return p->list.words.elements > MOST_WORDS || rows >= MOST_WORDS ||
           rows * p->list.entries > 4 * MOST_WORDS;
}

/* Whether lists are asked key by key: all of them may name all. */
static bool looks_at(const vt_problem *p) {
    uint64_t lists = p->batch * p->heads * p->list.rows;
    return p->q_len <= MOST_KEYS && p->kv_len <= MOST_KEYS &&
           lists * vt_max(p->q_len, p->kv_len) <= MOST_MARKS;
}

static const char *try_lists(const uint8_t *data, size_t size, uint8_t bits, uint32_t mask, uint8_t how) {
    static vt_problem p;
    const vt_caps any = vt_caps_boundless("any device");
    vatten_lists_desc d;
    fuzz_log log;
    fuzz_lists(&d, data, size, bits);
    fuzz_log_start(&log);
    vatten_result result = vt_problem_from_lists(&any, &log.logger, &d, &p);
    const char *broken = fuzz_log_broken(&log, result);
    if (broken || result != VATTEN_SUCCESS || is_long(&p))
        return broken;
    size_t used = size < sizeof d ? size : sizeof d;
    uint32_t *words = make_words(p.list.words.elements, data + used, size - used, mask);
    if (how & 64)
        fill_lists(&p, data, size, (how & 128) != 0, words);
    result = vatten_lists_check(&log.logger, &d, words);
    broken = fuzz_log_broken(&log, result);
    if (!broken && looks_at(&p) && (result == VATTEN_SUCCESS) != lists_are_good(&p, words))
        broken = result == VATTEN_SUCCESS ? "checks: lists that break a rule were accepted"
                                          : "checks: lists that keep the rules were refused";
    free(words);
    return broken;
}

/* ---- Tables ---- */

/* Lengths that nothing but a plan with pages of many tokens has few words for stay as they are in some inputs. */
static void desc_of_tables(vatten_attention_desc *d, const uint8_t *data, size_t size, uint8_t bits) {
    fuzz_dense(d, data, size, bits);
    d->q_len &= 0xfff;
    if ((bits & 3) != 3 || d->page_size < 0x1000)
        d->kv_len &= 0xfff;
}

/* Pages are asked token by token. */
static bool looks_at_tokens(const vatten_attention_desc *d) {
    uint64_t rows = d->lengths == VATTEN_LENGTHS_PACKED ? d->sequences : d->heads.batch;
    return d->page_size == 0 || d->kv_len <= MOST_TOKENS / rows;
}

static const char *judge_tables(const vatten_attention_desc *d, const vatten_tables *at,
                                const uint32_t *words) {
    fuzz_log log;
    fuzz_log_start(&log);
    vatten_result result = vatten_attention_check(&log.logger, d, words);
    const char *broken = fuzz_log_broken(&log, result);
    uint64_t bytes = at->spans == VATTEN_NO_TABLE ? at->bytes : at->spans;
    if (!broken && bytes != 4 * tables_truth_words(d))
        broken = "checks: tables do not stand one after the other as they should";
    if (!broken && looks_at_tokens(d) && (result == VATTEN_SUCCESS) != tables_truth_good(d, words))
        broken = result == VATTEN_SUCCESS ? "checks: tables that break a rule were accepted"
                                          : "checks: tables that keep the rules were refused";
    return broken;
}

/* Words that keep the rules, but for one, which the last bytes say, and all that are near to it. */
static const char *try_changed(const vatten_attention_desc *d, const vatten_tables *at, const uint8_t *data,
                               size_t size, uint32_t *words) {
    uint32_t last[3];
    tables_truth_mend(d, words);
    const char *broken = judge_tables(d, at, words);
    if (size < sizeof last)
        return broken;
    memcpy(last, data + size - sizeof last, sizeof last);
    for (uint32_t near = 0; !broken && near <= TABLES_TRUTH_NEAR; ++near) {
        bool other = near == TABLES_TRUTH_NEAR;
        tables_truth_change(d, words, last[0], last[1], other ? last[2] : near, !other);
        broken = judge_tables(d, at, words);
        tables_truth_mend(d, words);
    }
    return broken;
}

/* Of a plan that there is not: no word is read. */
static const char *try_no_tables(const vatten_attention_desc *d) {
    fuzz_log log;
    uint32_t *none = make_words(0, NULL, 0, 0);
    fuzz_log_start(&log);
    vatten_result result = vatten_attention_check(&log.logger, d, none);
    free(none);
    return result == VATTEN_SUCCESS ? "checks: tables of no plan were accepted"
                                    : fuzz_log_broken(&log, result);
}

static const char *try_tables(const uint8_t *data, size_t size, uint8_t bits, uint32_t mask, uint8_t how) {
    static vt_problem p;
    const vt_caps any = vt_caps_boundless("any device");
    vatten_attention_desc d;
    vatten_tables at;
    desc_of_tables(&d, data, size, bits);
    if (vt_problem_from_attention(&any, NULL, &d, &p) != VATTEN_SUCCESS ||
        vatten_attention_tables(&d, &at) != VATTEN_SUCCESS)
        return try_no_tables(&d);
    if (at.bytes / 4 > MOST_WORDS)
        return NULL;
    size_t used = size < sizeof d ? size : sizeof d;
    uint32_t *words = make_words(at.bytes / 4, data + used, size - used, mask);
    const char *broken = how & 64 ? try_changed(&d, &at, data, size, words) : judge_tables(&d, &at, words);
    free(words);
    return broken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 4 || size > 4096)
        return 0;
    const uint32_t mask = (1u << (data[0] >> 1 & 31)) - 1;
    fuzz_judge(data[0] & 1 ? try_tables(data + 2, size - 2, data[1], mask, data[0])
                           : try_lists(data + 2, size - 2, data[1], mask, data[0]));
    return 0;
}
