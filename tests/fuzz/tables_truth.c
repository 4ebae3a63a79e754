/* SPDX-License-Identifier: MIT */
#include "tables_truth.h"

typedef enum rule { ANY, AT_MOST, BELOW, ASCENDING, INTERVALS, PAGES } rule;

/* One after the other: words, and what they keep. */
typedef struct table {
    rule rule;
    uint64_t words;
    uint64_t bound; /* AT_MOST, ASCENDING (the last word), BELOW, PAGES */
} table;

enum {
    HEADS,
    Q_LENGTHS,
    KV_LENGTHS,
    Q_STARTS,
    KV_STARTS,
    PAGE_TABLE,
    Q_IDS,
    KV_IDS,
    VISIBLE,
    PAIRS,
    EXPIRY,
    BITS,
    TABLES
};

static uint64_t up(uint64_t a, uint64_t b) {
    return a / b + (a % b != 0);
}

static bool packed(const vatten_attention_desc *d) {
    return d->lengths == VATTEN_LENGTHS_PACKED;
}

static uint64_t rows(const vatten_attention_desc *d) {
    return packed(d) ? d->sequences : d->heads.batch;
}

static uint64_t row_pages(const vatten_attention_desc *d) {
    return up(d->kv_len, d->page_size);
}

static void list_lengths(const vatten_attention_desc *d, table out[TABLES]) {
    bool both = d->lengths == VATTEN_LENGTHS_BOTH, paged = d->page_size != 0;
    if (both)
        out[Q_LENGTHS] = (table){AT_MOST, rows(d), d->q_len};
    if (both || d->lengths == VATTEN_LENGTHS_KV || (packed(d) && paged))
        out[KV_LENGTHS] = (table){AT_MOST, rows(d), d->kv_len};
    if (packed(d))
        out[Q_STARTS] = (table){ASCENDING, rows(d) + 1, d->q_len};
    if (packed(d) && !paged)
        out[KV_STARTS] = (table){ASCENDING, rows(d) + 1, d->kv_len};
    if (paged)
        out[PAGE_TABLE] = (table){PAGES, rows(d) * row_pages(d), d->pool_pages};
}

static void list_masks(const vatten_attention_desc *d, table out[TABLES]) {
    uint64_t mb = d->mask_batch ? d->heads.batch : 1, mh = d->mask_heads ? d->mask_heads : 1;
    if (d->masks & VATTEN_MASK_SEGMENTS) {
        rule ids = d->segments ? BELOW : ANY;
        out[Q_IDS] = (table){ids, mb * d->q_len, d->segments};
        out[KV_IDS] = (table){ids, mb * d->kv_len, d->segments};
        out[VISIBLE] = (table){ANY, mh * d->segments * up(d->segments, 32), 0};
    }
    if (d->masks & VATTEN_MASK_INTERVALS)
        out[PAIRS] = (table){INTERVALS, mb * mh * d->q_len * 2, 0};
    if (d->masks & VATTEN_MASK_EXPIRY)
        out[EXPIRY] = (table){ANY, mb * mh * d->kv_len, 0};
    if (d->masks & VATTEN_MASK_BITS)
        out[BITS] = (table){ANY, mb * mh * d->q_len * up(d->kv_len, 32), 0};
}

static void list_tables(const vatten_attention_desc *d, table out[TABLES]) {
    for (int t = 0; t < TABLES; ++t)
        out[t] = (table){ANY, 0, 0};
    if (d->head_fields)
        out[HEADS].words = (d->head_batch ? d->heads.batch : 1) * d->heads.heads * 8;
    list_lengths(d, out);
    list_masks(d, out);
}

uint64_t tables_truth_words(const vatten_attention_desc *desc) {
    table tables[TABLES];
    uint64_t words = 0;
    list_tables(desc, tables);
    for (int t = 0; t < TABLES; ++t)
        words += tables[t].words;
    return words;
}

/* ---- Good ---- */

static bool word_is_good(const table *t, const uint32_t *words, uint64_t n) {
    switch (t->rule) {
    case AT_MOST:
        return words[n] <= t->bound;
    case BELOW:
        return words[n] < t->bound;
    case INTERVALS:
        return n % 2 == 0 || words[n - 1] <= words[n];
    case ASCENDING:
        return (n == 0 ? words[n] == 0 : words[n - 1] <= words[n]) &&
               (n + 1 < t->words || words[n] == t->bound);
    default:
        return true;
    }
}

/* Of tokens that exist; `lengths` NULL: all of the plan's do. */
static bool pages_are_good(const vatten_attention_desc *d, const uint32_t *pages, const uint32_t *lengths) {
    for (uint64_t row = 0; row < rows(d); ++row)
        for (uint64_t token = 0; token < (lengths ? lengths[row] : d->kv_len); ++token)
            if (pages[row * row_pages(d) + token / d->page_size] >= d->pool_pages)
                return false;
    return true;
}

bool tables_truth_good(const vatten_attention_desc *desc, const uint32_t *words) {
    table tables[TABLES];
    const uint32_t *lengths = NULL;
    list_tables(desc, tables);
    for (int t = 0; t < TABLES; words += tables[t++].words) {
        for (uint64_t n = 0; n < tables[t].words; ++n)
            if (!word_is_good(&tables[t], words, n))
                return false;
        if (t == KV_LENGTHS && tables[t].words)
            lengths = words;
        if (tables[t].rule == PAGES && !pages_are_good(desc, words, lengths))
            return false;
    }
    return true;
}

/* ---- Mended ---- */

static void mend_word(const table *t, uint32_t *words, uint64_t n) {
    uint32_t had = words[n];
    switch (t->rule) {
    case AT_MOST:
        words[n] = (uint32_t)(t->bound < UINT32_MAX ? had % (t->bound + 1) : had);
        break;
    case BELOW:
    case PAGES:
        words[n] = (uint32_t)(had % t->bound);
        break;
    case INTERVALS:
        words[n] = n % 2 && words[n - 1] > had ? words[n - 1] : had;
        break;
    case ASCENDING:
        words[n] = n == 0              ? 0
                   : n + 1 == t->words ? (uint32_t)t->bound
                                       : words[n - 1] + (uint32_t)(had % (t->bound - words[n - 1] + 1));
        break;
    default:
        break;
    }
}

void tables_truth_mend(const vatten_attention_desc *desc, uint32_t *words) {
    table tables[TABLES];
    list_tables(desc, tables);
    for (int t = 0; t < TABLES; words += tables[t++].words)
        for (uint64_t n = 0; n < tables[t].words; ++n)
            mend_word(&tables[t], words, n);
}

/* ---- Changed ---- */

static uint32_t near_word(uint32_t had, uint64_t bound, uint32_t how) {
    return how == 0 ? had + 1 : how == 1 ? had - 1 : (uint32_t)(bound + how - 3);
}

void tables_truth_change(const vatten_attention_desc *desc, uint32_t *words, uint32_t number, uint32_t place,
                         uint32_t value, bool near) {
    table tables[TABLES];
    uint32_t used = 0;
    list_tables(desc, tables);
    for (int t = 0; t < TABLES; ++t)
        used += tables[t].words != 0;
    uint32_t left = used ? number % used : 0;
    for (int t = 0; used && t < TABLES; words += tables[t++].words)
        if (tables[t].words && left-- == 0) {
            uint32_t *word = words + place % tables[t].words;
            *word = near ? near_word(*word, tables[t].bound, value) : value;
            return;
        }
}
