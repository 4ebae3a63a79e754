/* SPDX-License-Identifier: MIT
 *
 * Cases of dense attention: what a case says beyond lengths, causality and window, and the tables that follow.
 */
#include "cases_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const cJSON *get(const cJSON *params, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(params, name);
}

static bool unknown(const cases_case *item, const char *name) {
    fprintf(stderr, "%s: unknown \"%s\"\n", item->id, name);
    return false;
}

/* ---- What a case says ---- */

static bool read_heads(const cJSON *params, cases_case *out) {
    cases_dense *more = &out->beyond_dense;
    const char *alibi = cases_get_text(params, "alibi");
    more->softcap = cases_get_number(params, "softcap", 0.0);
    more->sinks = get(params, "sinks") != NULL;
    if (more->sinks && !cases_says(params, "sinks", "per q head, t=6", out)) {
        return false;
    }
    if (!get(params, "alibi")) {
        return true;
    }
    more->alibi = strcmp(alibi, "fa2") == 0 ? CASES_ALIBI_DISTANCE : CASES_ALIBI_SIGNED;
    if (more->alibi == CASES_ALIBI_SIGNED && strcmp(alibi, "flashinfer") != 0) {
        return unknown(out, "alibi");
    }
    return cases_says(params, "alibi_slopes", "2^(-8(h+1)/Hq)", out);
}

/* "[B,1,Sq,Sk]": which of batch and heads the mask has. */
static bool read_mask(const cJSON *mask, cases_case *out) {
    static const char *const layouts[4] = {"[1,1,Sq,Sk]", "[B,1,Sq,Sk]", "[1,Hq,Sq,Sk]", "[B,Hq,Sq,Sk]"};
    for (unsigned n = 0; n < 4; ++n) {
        if (strcmp(cases_get_text(mask, "layout"), layouts[n]) == 0) {
            out->beyond_dense.mask_batch = n & 1 ? out->batch : 1;
            out->beyond_dense.mask_heads = n & 2 ? out->heads : 1;
            out->beyond_dense.density = cases_get_number(mask, "keep_prob", 0.0);
            return true;
        }
    }
    return unknown(out, "bool_mask");
}

static bool read_bias(const cJSON *extents, cases_case *out) {
    cases_dense *more = &out->beyond_dense;
    more->bias_batch = cases_get_item(extents, 0);
    more->bias_heads = cases_get_item(extents, 1);
    bool batch = more->bias_batch == 1 || more->bias_batch == out->batch;
    bool heads = more->bias_heads == 1 || more->bias_heads == out->heads;
    return (batch && heads && cases_count(extents) == 2) || unknown(out, "bias_broadcast");
}

/* Starts from lengths, which must agree with the starts that the case has besides. */
static bool read_starts(const cJSON *lengths, const cJSON *starts, uint64_t total, uint32_t *out) {
    uint64_t count = cases_count(lengths);
    out[0] = 0;
    for (uint64_t s = 0; s < count; ++s) {
        out[s + 1] = out[s] + (uint32_t)cases_get_item(lengths, s);
        if (out[s + 1] != cases_get_item(starts, s + 1)) {
            return false;
        }
    }
    return cases_count(starts) == count + 1 && out[count] == total;
}

static bool read_sequences(const cJSON *params, cases_case *out) {
    cases_dense *more = &out->beyond_dense;
    uint64_t count = cases_count(get(params, "seqlens_q"));
    if (count == 0 || count > CASES_MAX_SEQUENCES || count != cases_count(get(params, "seqlens_k"))) {
        return unknown(out, "seqlens");
    }
    more->sequences = (uint32_t)count;
    return (read_starts(get(params, "seqlens_q"), get(params, "cu_seqlens_q"), out->dense.q_len,
                        more->q_start) &&
            read_starts(get(params, "seqlens_k"), get(params, "cu_seqlens_k"), out->dense.kv_len,
                        more->kv_start)) ||
           unknown(out, "cu_seqlens");
}

static bool read_pages(const cJSON *params, cases_case *out) {
    out->beyond_dense.page_size = cases_get_u64(params, "page_size", 0);
    if (out->beyond_dense.page_size == 0 || !cases_get_bool(params, "align_to_kv_len")) {
        return unknown(out, "page_size");
    }
    return cases_says(params, "page_rule", "phys(b,p)=((b*maxpages+p)*7919+13) mod (B*maxpages)", out) &&
           cases_says(params, "unused", "fill unused page slots with NaN", out);
}

/* A cache of some keys and those that came after them. */
static bool read_cache(const cJSON *params, cases_case *out) {
    out->beyond_dense.cached = cases_get_u64(params, "cache_len", 0);
    uint64_t all = out->beyond_dense.cached + cases_get_u64(params, "new_tokens", 0);
    out->kv_lens = (uint32_t)out->batch;
    for (uint64_t b = 0; b < out->batch && b < CASES_MAX_BATCH; ++b) {
        out->kv_len[b] = all;
    }
    return (all == out->dense.kv_len && out->batch <= CASES_MAX_BATCH) || unknown(out, "cache_len");
}

static bool read_lengths(const cJSON *lens, cases_case *out) {
    out->kv_lens = (uint32_t)cases_count(lens);
    for (uint32_t b = 0; b < out->kv_lens && b < CASES_MAX_BATCH; ++b) {
        out->kv_len[b] = cases_get_item(lens, b);
    }
    return out->kv_lens == out->batch && out->kv_lens <= CASES_MAX_BATCH;
}

static bool read_counts(const cJSON *counts, cases_case *out) {
    out->splits = (uint32_t)cases_count(counts);
    for (uint32_t n = 0; n < out->splits && n < CASES_MAX_SPLITS; ++n) {
        out->split[n] = cases_get_item(counts, n);
    }
    return out->splits <= CASES_MAX_SPLITS;
}

bool cases_read_dense(const char *op, const cJSON *params, cases_case *out) {
    static const char *const names[] = {
        "causal",          "window",    "scale",        "kv_len",       "v_is_k_prefix", "softcap",
        "sinks",           "alibi",     "alibi_slopes", "bool_mask",    "num_splits",    "bias_broadcast",
        "seqlens_q",       "seqlens_k", "cu_seqlens_q", "cu_seqlens_k", "page_size",     "page_rule",
        "align_to_kv_len", "unused",    "cache_len",    "new_tokens",   "note",          NULL};
    const cJSON *window = get(params, "window");
    if (!cases_names_only(params, names, out) || !cases_read_causal(params, out) ||
        !read_heads(params, out)) {
        return false;
    }
    out->scale = cases_get_number(params, "scale", 0.0); /* the text "D^-0.5" is the default */
    out->dense.left = (int64_t)cJSON_GetArrayItem(window, 0)->valuedouble;
    out->dense.right = (int64_t)cJSON_GetArrayItem(window, 1)->valuedouble;
    return (!get(params, "kv_len") || read_lengths(get(params, "kv_len"), out)) &&
           (!get(params, "bool_mask") || read_mask(get(params, "bool_mask"), out)) &&
           (!get(params, "bias_broadcast") || read_bias(get(params, "bias_broadcast"), out)) &&
           (!get(params, "num_splits") || read_counts(get(params, "num_splits"), out)) &&
           (strcmp(op, "varlen") != 0 || read_sequences(params, out)) &&
           (strcmp(op, "paged") != 0 || read_pages(params, out)) &&
           (strcmp(op, "kvcache_append") != 0 || read_cache(params, out));
}

/* ---- Inputs ---- */

/* Element of a packed [batch][heads][q][kv] tensor of which batch and heads may be 1. */
static uint64_t pair_index(const cases_case *item, uint64_t batch, uint64_t heads, uint64_t b, uint64_t head,
                           uint64_t query, uint64_t key) {
    uint64_t row = (batch > 1 ? b : 0) * heads + (heads > 1 ? head : 0);
    return (row * item->dense.q_len + query) * item->dense.kv_len + key;
}

float cases_pair_bias(const cases_case *item, uint64_t b, uint64_t bias_head, uint64_t query, uint64_t key) {
    const cases_dense *more = &item->beyond_dense;
    uint64_t i = pair_index(item, more->bias_batch, more->bias_heads, b, bias_head, query, key);
    return (float)((int)(cases_bits(item, 5, i) >> 56) - 128) / 64.0f;
}

bool cases_bit(const cases_case *item, uint64_t b, uint64_t mask_head, uint64_t query, uint64_t key) {
    const cases_dense *more = &item->beyond_dense;
    uint64_t i = pair_index(item, more->mask_batch, more->mask_heads, b, mask_head, query, key);
    return (double)(cases_bits(item, 7, i) >> 11) * 0x1p-53 < more->density;
}

float cases_sink(const cases_case *item, uint64_t head) {
    return (float)((int)(cases_bits(item, 6, head) >> 56) - 128) / 16.0f;
}

float cases_slope(const cases_case *item, uint64_t head) {
    return (float)exp2(-8.0 * (double)(head + 1) / (double)item->heads);
}

static uint64_t row_pages(const cases_case *item) {
    return (item->dense.kv_len + item->beyond_dense.page_size - 1) / item->beyond_dense.page_size;
}

uint64_t cases_pages(const cases_case *item) {
    return item->batch * row_pages(item);
}

uint32_t cases_page(const cases_case *item, uint64_t b, uint64_t page) {
    return (uint32_t)(((b * row_pages(item) + page) * 7919 + 13) % cases_pages(item));
}

/* ---- For the oracle ---- */

static void *room(uint64_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size);
    if (!memory) {
        fprintf(stderr, "cases: out of memory\n");
        abort();
    }
    return memory;
}

static void make_heads(const cases_case *item, ref_dense_more *out) {
    const cases_dense *more = &item->beyond_dense;
    ref_head *heads = room(item->heads, sizeof *heads);
    for (uint64_t h = 0; h < item->heads; ++h) {
        heads[h].sink = cases_sink(item, h);
        heads[h].slope = cases_slope(item, h);
    }
    out->heads = heads;
    out->head_fields = (more->sinks ? REF_HEAD_SINK : 0u) | (more->alibi ? REF_HEAD_SLOPE : 0u);
    out->alibi_signed = more->alibi == CASES_ALIBI_SIGNED;
}

static void make_bias(const cases_case *item, ref_dense_more *out) {
    const cases_dense *more = &item->beyond_dense;
    uint64_t keys = item->dense.kv_len, pairs = item->dense.q_len * keys;
    uint64_t count = more->bias_batch * more->bias_heads * pairs;
    float *data = room(count, sizeof *data);
    for (uint64_t i = 0; i < count; ++i) {
        uint64_t row = i / pairs;
        data[i] =
            cases_pair_bias(item, row / more->bias_heads, row % more->bias_heads, i % pairs / keys, i % keys);
    }
    out->bias = (ref_dense_bias){
        .kind = REF_BIAS_TENSOR,
        .data = data,
        .dtype = REF_F32,
        .heads = more->bias_heads,
        .batch = more->bias_batch > 1 ? (int64_t)(more->bias_heads * pairs) : 0,
        .head = (int64_t)pairs,
        .query = (int64_t)keys,
        .key = 1,
    };
}

static void make_bits(const cases_case *item, ref_dense_more *out) {
    const cases_dense *more = &item->beyond_dense;
    uint64_t words = (item->dense.kv_len + 31) / 32, rows = more->mask_heads * item->dense.q_len;
    uint32_t *bits = room(more->mask_batch * rows * words, sizeof *bits);
    for (uint64_t n = 0; n < more->mask_batch * rows; ++n) {
        uint64_t head = n / item->dense.q_len % more->mask_heads, query = n % item->dense.q_len;
        for (uint64_t key = 0; key < item->dense.kv_len; ++key) {
            uint32_t bit = cases_bit(item, n / rows, head, query, key);
            bits[n * words + key / 32] |= bit << (key % 32);
        }
    }
    out->bits = bits;
    out->mask_batch = more->mask_batch > 1;
    out->mask_heads = more->mask_heads;
}

static uint32_t *copy_words(const uint32_t *words, uint64_t count) {
    uint32_t *copy = room(count, sizeof *copy);
    memcpy(copy, words, count * sizeof *copy);
    return copy;
}

static void make_lengths(const cases_case *item, ref_dense_more *out) {
    const cases_dense *more = &item->beyond_dense;
    uint32_t lengths[CASES_MAX_BATCH] = {0};
    if (more->sequences) {
        out->lengths = REF_LENGTHS_PACKED;
        out->sequences = more->sequences;
        out->q_starts = copy_words(more->q_start, more->sequences + 1);
        out->kv_starts = copy_words(more->kv_start, more->sequences + 1);
    } else if (item->kv_lens) {
        for (uint32_t b = 0; b < item->kv_lens; ++b) {
            lengths[b] = (uint32_t)item->kv_len[b];
        }
        out->lengths = REF_LENGTHS_KV;
        out->kv_lengths = copy_words(lengths, item->kv_lens);
    }
    if (more->page_size) {
        uint32_t *pages = room(cases_pages(item), sizeof *pages);
        for (uint64_t n = 0; n < cases_pages(item); ++n) {
            pages[n] = cases_page(item, n / row_pages(item), n % row_pages(item));
        }
        out->page_size = more->page_size;
        out->pool_pages = cases_pages(item);
        out->pages = pages;
    }
}

bool cases_more(const cases_case *item, ref_dense_more *out) {
    const cases_dense *more = &item->beyond_dense;
    *out = (ref_dense_more){0};
    bool lengths = more->sequences || item->kv_lens || more->page_size;
    bool scores = more->softcap != 0.0 || more->sinks || more->alibi || more->bias_heads;
    if (item->op != CASES_DENSE || !(lengths || scores || more->mask_heads)) {
        return false;
    }
    out->batch = item->batch;
    out->q_tokens = item->dense.q_len;
    out->kv_tokens = item->dense.kv_len;
    out->softcap = more->softcap;
    make_heads(item, out);
    make_lengths(item, out);
    if (more->bias_heads) {
        make_bias(item, out);
    }
    if (more->mask_heads) {
        make_bits(item, out);
    }
    return true;
}

static void release(const void *memory) {
    free((void *)(uintptr_t)memory);
}

void cases_more_free(ref_dense_more *more) {
    release(more->heads);
    release(more->bias.data);
    release(more->bits);
    release(more->q_starts);
    release(more->kv_starts);
    release(more->kv_lengths);
    release(more->pages);
    *more = (ref_dense_more){0};
}
