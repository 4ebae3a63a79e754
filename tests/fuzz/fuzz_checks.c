/* SPDX-License-Identifier: MIT
 *
 * Lists and tables asked of a copy on the host: words of any values are read within their buffer and no further, what is refused
 * is told once, and lists that are accepted name nothing that is not there.
 *
 * The first byte says which; at the end of the rest stand the words, over and over until the buffer is full.
 */
#include "fuzz_descs.h"
#include "fuzz_input.h"
#include "problem_check.h"

#include <stdlib.h>
#include <string.h>

#define MOST_WORDS ((uint64_t)1 << 14) /* more take long */

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

/* Naively: no block or key that is not there. */
static const char *list_broken(const vt_problem *p, const uint32_t *words) {
    const vt_list_rule *rule = &p->list;
    uint32_t step = rule->kind == VATTEN_LIST_RANGES ? 2 : rule->row_words / rule->entries;
    const uint32_t *first = words + (rule->kind == VATTEN_LIST_RANGES ? 2 : 0);
    for (uint32_t e = 0; e < rule->entries; ++e) {
        uint32_t word = first[e * step];
        if (word == VATTEN_LIST_END && rule->kind != VATTEN_LIST_KEYS)
            break;
        bool there = rule->kind == VATTEN_LIST_BLOCKS ? word < rule->blocks
                     : rule->kind == VATTEN_LIST_KEYS ? word < p->kv_len || word == VATTEN_LIST_END
                                                      : first[e * step + 1] <= p->kv_len;
        if (!there)
            return "checks: a list that names what is not there was accepted";
    }
    return NULL;
}

static const char *lists_broken(const vt_problem *p, const uint32_t *words) {
    const char *broken = NULL;
    for (uint64_t b = 0; b < p->batch; ++b)
        for (uint64_t h = 0; h < p->heads / p->list.group; ++h)
            for (uint64_t row = 0; row < p->list.rows && !broken; ++row)
                broken = list_broken(p, words + vt_tensor_at(&p->list.words, b, h, row));
    return broken;
}

static const vt_caps any = {.name = "any device",
                            .storage_range = UINT64_MAX,
                            .max_macs = UINT64_MAX,
                            .features = VATTEN_FEATURE_STORAGE_16BIT};

/* Lists that share words are looked at once for each row; too many of them take long as too many words do. */
static bool is_long(const vt_problem *p) {
    uint64_t rows = p->batch <= MOST_WORDS && p->list.rows <= MOST_WORDS ? p->batch * p->heads * p->list.rows
                                                                         : MOST_WORDS;
    return p->list.words.elements > MOST_WORDS || p->list.entries > 64 || rows >= MOST_WORDS;
}

static const char *try_lists(const uint8_t *data, size_t size, uint8_t bits, uint32_t mask) {
    static vt_problem p;
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
    result = vatten_lists_check(&log.logger, &d, words);
    broken = fuzz_log_broken(&log, result);
    if (!broken && result == VATTEN_SUCCESS)
        broken = lists_broken(&p, words);
    free(words);
    return broken;
}

static const char *try_tables(const uint8_t *data, size_t size, uint8_t bits, uint32_t mask) {
    vatten_attention_desc d;
    vatten_tables at;
    fuzz_log log;
    fuzz_dense(&d, data, size, bits);
    d.q_len &= 0xfff;
    d.kv_len &= 0xfff;
    if (vatten_attention_tables(&d, &at) != VATTEN_SUCCESS || at.bytes / 4 > MOST_WORDS)
        return NULL;
    size_t used = size < sizeof d ? size : sizeof d;
    uint32_t *words = make_words(at.bytes / 4, data + used, size - used, mask);
    fuzz_log_start(&log);
    const char *broken = fuzz_log_broken(&log, vatten_attention_check(&log.logger, &d, words));
    free(words);
    return broken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 4 || size > 4096)
        return 0;
    const uint32_t mask = (1u << (data[0] >> 1 & 31)) - 1;
    fuzz_judge(data[0] & 1 ? try_tables(data + 2, size - 2, data[1], mask)
                           : try_lists(data + 2, size - 2, data[1], mask));
    return 0;
}
