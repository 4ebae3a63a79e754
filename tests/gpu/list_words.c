/* SPDX-License-Identifier: MIT */
#include "list_words.h"

#include <stdlib.h>
#include <string.h>

uint64_t list_below(uint64_t seed, uint64_t i, uint64_t below) {
    double unit = ((double)ref_random(seed, i) / 1.7320509 + 1.0) / 2.0;
    uint64_t value = (uint64_t)(unit * (double)below);
    return value >= below ? below - 1 : value;
}

uint64_t list_blocks(uint64_t tokens, uint64_t block) {
    return (tokens + block - 1) / block;
}

uint32_t *list_words_new(const gpu_problem *p, uint64_t *out_lists) {
    const vatten_lists_desc *d = &p->lists;
    uint64_t heads = d->list_heads ? d->list_heads : d->heads.heads;
    uint64_t rows = d->kind == VATTEN_LIST_RANGES ? d->rows : list_blocks(d->q_len, d->q_block);
    *out_lists = d->heads.batch * heads * rows;
    uint64_t bytes = *out_lists * vatten_lists_words(d) * sizeof(uint32_t);
    uint32_t *words = malloc(bytes + 1);
    memset(words, 0xff, bytes);
    return words;
}

uint32_t *list_words_blocks(const gpu_problem *p, uint64_t density) {
    const vatten_lists_desc *d = &p->lists;
    uint64_t lists, row = vatten_lists_words(d), entry = row / d->entries;
    uint32_t *words = list_words_new(p, &lists);
    for (uint64_t n = 0; n < lists; ++n) {
        uint64_t used = 0;
        for (uint64_t block = 0; block < list_blocks(d->kv_len, d->kv_block) && used < d->entries; ++block) {
            if (list_below(p->seed + 50, n * 512 + block, 100) < density) {
                uint32_t *at = words + n * row + used++ * entry;
                at[0] = (uint32_t)block;
                for (uint64_t w = 1; w < entry; ++w) {
                    at[w] = (uint32_t)list_below(p->seed + 51 + w, n * 512 + block, UINT32_MAX);
                }
            }
        }
    }
    return words;
}

uint32_t *list_words_ranges(const gpu_problem *p) {
    const vatten_lists_desc *d = &p->lists;
    uint64_t lists, row = vatten_lists_words(d);
    uint32_t *words = list_words_new(p, &lists);
    for (uint64_t n = 0; n < lists; ++n) {
        uint32_t *list = words + n * row;
        uint64_t place = d->rows - 1 - n % d->rows, step = d->q_len / d->rows, at = 0;
        list[0] = (uint32_t)(place * step);
        list[1] = (uint32_t)(place + 1 == d->rows ? d->q_len : (place + 1) * step);
        uint64_t entries = list_below(p->seed + 70, n, d->entries + 1);
        for (uint64_t e = 0; e < entries; ++e) {
            uint64_t first = at + list_below(p->seed + 71, n * 64 + e, 20);
            at = first + list_below(p->seed + 72, n * 64 + e, 50);
            list[2 + 2 * e] = (uint32_t)first;
            list[3 + 2 * e] = (uint32_t)at;
        }
    }
    return words;
}

uint32_t *list_words_keys(const gpu_problem *p) {
    const vatten_lists_desc *d = &p->lists;
    uint64_t lists;
    uint32_t *words = list_words_new(p, &lists);
    for (uint64_t n = 0; n < lists * d->entries; ++n) {
        uint64_t key = list_below(p->seed + 75, n, d->kv_len + d->kv_len / 6);
        words[n] = list_below(p->seed + 76, n, 5) == 0 ? VATTEN_LIST_END : (uint32_t)key;
    }
    return words;
}
