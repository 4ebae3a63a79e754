/* SPDX-License-Identifier: MIT
 *
 * Cases that go by lists: from what a case says to the words that a plan reads. Each operator is one way to make
 * lists; the rule of the diagonal is `dense` as elsewhere.
 */
#include "cases_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

static uint64_t blocks_of(uint64_t tokens, uint64_t block) {
    return (tokens + block - 1) / block;
}

bool cases_names_only(const cJSON *params, const char *const *names, const cases_case *item) {
    const cJSON *param;
    cJSON_ArrayForEach(param, params) {
        const char *const *name = names;
        while (*name && strcmp(*name, param->string) != 0) {
            ++name;
        }
        if (!*name) {
            fprintf(stderr, "%s: unknown parameter \"%s\"\n", item->id, param->string);
            return false;
        }
    }
    return true;
}

bool cases_says(const cJSON *params, const char *name, const char *text, const cases_case *item) {
    if (strcmp(cases_get_text(params, name), text) != 0) {
        fprintf(stderr, "%s: unknown \"%s\"\n", item->id, name);
        return false;
    }
    return true;
}

bool cases_later(cases_case *out, const char *what) {
    out->op = CASES_LATER;
    snprintf(out->beyond, sizeof out->beyond, "%s", what);
    return true;
}

/* Room for all lists, no entry anywhere. */
static bool make_words(cases_case *out, ref_list_kind kind, uint64_t heads, uint64_t rows, uint64_t entries) {
    ref_lists *lists = &out->lists;
    lists->kind = kind;
    lists->heads = heads;
    lists->rows = rows;
    lists->entries = entries;
    lists->row_words = kind == REF_RANGES ? 2 + 2 * entries : entries;
    lists->dense = out->dense;
    uint64_t bytes = out->batch * heads * rows * lists->row_words * sizeof *out->words;
    out->words = malloc(bytes + 1);
    lists->words = out->words;
    if (!out->words) {
        return false;
    }
    memset(out->words, 0xff, bytes);
    return true;
}

static uint32_t *list_at(cases_case *out, uint64_t b, uint64_t head, uint64_t row) {
    return out->words + ((b * out->lists.heads + head) * out->lists.rows + row) * out->lists.row_words;
}

/* ---- block_sparse ---- */

/* Heads of three kinds: 1 by a random mask of blocks, 0 all blocks, -1 the first and the nearest ("streaming"). */
typedef struct block_rule {
    const cJSON *kinds; /* of each head */
    double density;
    uint64_t q_block, kv_block, q_blocks, kv_blocks;
    uint64_t sink, local; /* of streaming: blocks, or keys if exact */
    bool exact;
} block_rule;

static bool in_mask(const cases_case *item, const block_rule *rule, uint64_t b, uint64_t head, uint64_t i,
                    uint64_t j) {
    uint64_t at = ((b * item->heads + head) * rule->q_blocks + i) * rule->kv_blocks + j;
    return (double)(cases_bits(item, 7, at) >> 11) * 0x1p-53 < rule->density;
}

/* Block streaming counts from the diagonal in blocks, rounded up: the published rule of Block-Sparse-Attention. Keys
 * that it names past the diagonal of a query are hidden by causality. */
static bool streamed(const cases_case *item, const block_rule *rule, uint64_t i, uint64_t j) {
    uint64_t q_len = item->dense.q_len, kv_len = item->dense.kv_len, end = rule->kv_blocks;
    if (item->dense.causal) {
        uint64_t first = q_len > kv_len ? (q_len - kv_len) / rule->q_block : 0;
        uint64_t ahead = kv_len > q_len ? blocks_of(kv_len - q_len, rule->kv_block) : 0;
        if (i < first) {
            return false;
        }
        end = ahead + 1 + i - first;
    }
    return j < rule->sink || (j < end && j + rule->local >= end);
}

/* Streaming by keys: the blocks that hold one which some query of the block sees; window and prefix do the rest. */
static bool touched(const cases_case *item, const block_rule *rule, uint64_t i, uint64_t j) {
    int64_t shift = (int64_t)item->dense.kv_len - (int64_t)item->dense.q_len;
    int64_t first = (int64_t)(i * rule->q_block) + shift - (int64_t)rule->local + 1;
    int64_t last = (int64_t)((i + 1) * rule->q_block) + shift - 1;
    int64_t begin = (int64_t)(j * rule->kv_block), end = begin + (int64_t)rule->kv_block;
    return begin <= last && (j * rule->kv_block < rule->sink || end > first);
}

static bool block_listed(cases_case *out, const block_rule *rule, uint64_t b, uint64_t head, uint64_t i,
                         uint64_t j) {
    int kind = cJSON_GetArrayItem(rule->kinds, (int)head)->valueint;
    if (kind < 0) {
        return rule->exact ? touched(out, rule, i, j) : streamed(out, rule, i, j);
    }
    bool masked = kind != 0 && in_mask(out, rule, b, head, i, j);
    out->blocks += masked;
    return kind == 0 || masked;
}

static void fill_blocks(cases_case *out, const block_rule *rule) {
    for (uint64_t n = 0; n < out->batch * out->heads * rule->q_blocks; ++n) {
        uint64_t i = n % rule->q_blocks, head = n / rule->q_blocks % out->heads;
        uint64_t b = n / rule->q_blocks / out->heads, used = 0;
        uint32_t *list = list_at(out, b, head, i);
        for (uint64_t j = 0; j < rule->kv_blocks; ++j) {
            if (block_listed(out, rule, b, head, i, j)) {
                list[used++] = (uint32_t)j;
            }
        }
    }
}

/* Streaming by keys is a window with a prefix, which a plan has for all of its heads. False if it is not that. */
static bool set_streaming(cases_case *out, const block_rule *rule) {
    const cJSON *kind;
    cJSON_ArrayForEach(kind, rule->kinds) {
        if (kind->valueint >= 0 || rule->local == 0) {
            return false;
        }
    }
    out->dense.left = (int64_t)rule->local - 1; /* counts the query's own key */
    out->dense.prefix = rule->sink;
    return true;
}

static bool read_block_sparse(const cJSON *params, cases_case *out) {
    static const char *const names[] = {"block_q", "block_k", "causal", "density",         "head_mask_type",
                                        "mask",    "sink",    "local",  "exact_streaming", NULL};
    block_rule rule = {
        .kinds = cJSON_GetObjectItemCaseSensitive(params, "head_mask_type"),
        .density = cases_get_number(params, "density", 0.0),
        .q_block = cases_get_u64(params, "block_q", 1),
        .kv_block = cases_get_u64(params, "block_k", 1),
        .sink = cases_get_u64(params, "sink", 0),
        .local = cases_get_u64(params, "local", 0),
        .exact = cases_get_bool(params, "exact_streaming"),
    };
    if (!cases_names_only(params, names, out) || !cases_read_causal(params, out) ||
        cases_count(rule.kinds) != out->heads ||
        !cases_says(params, "mask", "bit(b,h,i,j)=(mix(seed*16+7,((b*Hq+h)*nq+i)*nk+j)>>11)*2^-53 < density",
                    out)) {
        return false;
    }
    if (rule.exact && !set_streaming(out, &rule)) {
        return cases_later(out, "unlike streaming heads");
    }
    rule.q_blocks = blocks_of(out->dense.q_len, rule.q_block);
    rule.kv_blocks = blocks_of(out->dense.kv_len, rule.kv_block);
    out->lists.q_block = rule.q_block;
    out->lists.kv_block = rule.kv_block;
    if (!make_words(out, REF_BLOCKS, out->heads, rule.q_blocks, rule.kv_blocks)) {
        return false;
    }
    fill_blocks(out, &rule);
    return true;
}

/* ---- block_list: blocks of many sizes, the same ones for queries and keys ---- */

static uint64_t block_start(const cJSON *sizes, uint64_t block) {
    uint64_t start = 0;
    for (uint64_t n = 0; n < block; ++n) {
        start += cases_get_item(sizes, n);
    }
    return start;
}

/* Block c is in the list of k if fewer than k have a smaller number. */
static bool among_smallest(const cases_case *item, uint64_t list, uint64_t blocks, uint64_t c, uint64_t k) {
    uint64_t smaller = 0, own = cases_bits(item, 8, list * blocks + c);
    for (uint64_t other = 0; other < blocks; ++other) {
        smaller += cases_bits(item, 8, list * blocks + other) < own;
    }
    return smaller < k;
}

static void fill_sized_blocks(cases_case *out, const cJSON *sizes) {
    uint64_t blocks = cases_count(sizes);
    for (uint64_t n = 0; n < out->batch * out->heads * blocks; ++n) {
        uint64_t i = n % blocks, head = n / blocks % out->heads, used = 0;
        uint32_t *list = list_at(out, n / blocks / out->heads, head, i);
        list[0] = (uint32_t)block_start(sizes, i);
        list[1] = (uint32_t)block_start(sizes, i + 1);
        for (uint64_t c = 0; c < blocks; ++c) {
            if (among_smallest(out, head * blocks + i, blocks, c, out->lists.entries)) {
                list[2 + 2 * used] = (uint32_t)block_start(sizes, c);
                list[3 + 2 * used++] = (uint32_t)block_start(sizes, c + 1);
            }
        }
    }
}

static bool read_block_list(const cJSON *params, cases_case *out) {
    static const char *const names[] = {"block_sizes", "k", "lists", NULL};
    const cJSON *sizes = cJSON_GetObjectItemCaseSensitive(params, "block_sizes");
    uint64_t blocks = cases_count(sizes), most = 0;
    for (uint64_t n = 0; n < blocks; ++n) {
        most = cases_get_item(sizes, n) > most ? cases_get_item(sizes, n) : most;
    }
    if (!cases_names_only(params, names, out) ||
        !cases_says(params, "lists", "list(h,i) = the k block ids with smallest mix(seed*16+8,(h*nb+i)*nb+c)",
                    out) ||
        block_start(sizes, blocks) != out->dense.q_len || out->dense.q_len != out->dense.kv_len) {
        return false;
    }
    out->lists.q_block = most;
    if (!make_words(out, REF_RANGES, out->heads, blocks, cases_get_u64(params, "k", 1))) {
        return false;
    }
    fill_sized_blocks(out, sizes);
    return true;
}

/* ---- vertical_slash ---- */

/* Where the next entry of a list goes, and the columns that are not listed yet. */
typedef struct slash_list {
    uint32_t *entry;
    const cJSON *vertical;
    uint64_t next; /* of vertical */
} slash_list;

static void put_range(slash_list *list, int64_t first, int64_t end) {
    *list->entry++ = (uint32_t)first;
    *list->entry++ = (uint32_t)end;
}

/* A finished range, after the columns before it that no range covers: each of them is a range of one key. */
static void put_slash(slash_list *list, int64_t first, int64_t end) {
    for (; list->next < cases_count(list->vertical); ++list->next) {
        int64_t column = (int64_t)cases_get_item(list->vertical, list->next);
        if (column >= end) {
            break;
        }
        if (column < first) {
            put_range(list, column, column + 1);
        }
    }
    put_range(list, first, end);
}

/* One block of queries. Slashes (distances before the diagonal) come in falling order, so that their keys rise; each
 * takes `block` keys. One that begins within the last range, or where it ends, makes it longer by a whole block: the
 * published rule of MInference. */
static void fill_slashes(slash_list *list, const cJSON *slash, int64_t block, int64_t q_end) {
    int64_t first = -1, end = -1;
    for (uint64_t n = 0; n < cases_count(slash); ++n) {
        int64_t distance = (int64_t)cases_get_item(slash, n);
        if (distance >= q_end) {
            continue; /* before the first key */
        }
        int64_t to = q_end - distance > block ? q_end - distance : block;
        if (first < 0 || to > end + block) {
            if (first >= 0) {
                put_slash(list, first, end);
            }
            first = to - block;
            end = to;
        } else if (to > end) {
            end += block;
        }
    }
    if (first >= 0) {
        put_slash(list, first, end);
    }
}

static bool read_vertical_slash(const cJSON *params, cases_case *out) {
    static const char *const names[] = {"block", "vertical", "slash", "causal", NULL};
    const cJSON *vertical = cJSON_GetObjectItemCaseSensitive(params, "vertical");
    const cJSON *slash = cJSON_GetObjectItemCaseSensitive(params, "slash");
    uint64_t block = cases_get_u64(params, "block", 1), rows = blocks_of(out->dense.q_len, block);
    if (!cases_names_only(params, names, out) || out->dense.q_len != out->dense.kv_len) {
        return false;
    }
    out->dense.causal = cases_get_bool(params, "causal");
    out->lists.q_block = block;
    if (!make_words(out, REF_RANGES, 1, rows, cases_count(vertical) + cases_count(slash))) {
        return false;
    }
    for (uint64_t n = 0; n < out->batch * rows; ++n) {
        uint64_t row = n % rows, q_end = (row + 1) * block;
        uint32_t *words = list_at(out, n / rows, 0, row);
        slash_list list = {.entry = words + 2, .vertical = vertical};
        words[0] = (uint32_t)(row * block);
        words[1] = (uint32_t)(q_end < out->dense.q_len ? q_end : out->dense.q_len);
        fill_slashes(&list, slash, (int64_t)block, (int64_t)q_end);
    }
    return true;
}

/* ---- topk_gather: one list of keys for each query, the same for all heads ---- */

static bool read_topk_gather(const cJSON *params, cases_case *out) {
    static const char *const names[] = {"indices", "sinks", "v_is_k_prefix", NULL};
    static const char *const rule = "id(b,q,t): invalid(-1) if rnd(seed*16+9,i)<0.2 else mix(seed*16+8,i) "
                                    "mod (Sk+Sk/8); ids>=Sk invalid; "
                                    "duplicates count twice; i=(b*Sq+q)*K+t";
    uint64_t kv_len = out->dense.kv_len, room = kv_len + kv_len / 8;
    uint64_t keys = cases_get_u64(cJSON_GetObjectItemCaseSensitive(out->json, "shapes"), "K", 0);
    out->lists.q_block = 1;
    if (!cases_names_only(params, names, out) || !cases_says(params, "indices", rule, out) ||
        !make_words(out, REF_KEYS, 1, out->dense.q_len, keys)) {
        return false;
    }
    for (uint64_t i = 0; i < out->batch * out->dense.q_len * keys; ++i) {
        bool invalid = (double)(cases_bits(out, 9, i) >> 11) * 0x1p-53 < 0.2;
        out->words[i] = invalid ? NONE : (uint32_t)(cases_bits(out, 8, i) % room);
    }
    return true;
}

/* ---- dma: of the keys that a query sees, those with the largest biases, for each KV head ---- */

float cases_bias(const cases_case *item, uint64_t b, uint64_t kv_head, uint64_t query, uint64_t key) {
    uint64_t queries = item->dense.q_len, keys = item->dense.kv_len;
    uint64_t i = ((b * item->kv_heads + kv_head) * queries + query) * keys + key;
    int byte = (int)(cases_bits(item, 5, i) >> 56) - 128;
    return (float)byte / 64.0f + (float)key * 0x1p-20f;
}

static int falling(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* No two keys of a query have the same bias, so that the last one that is kept says which are. */
static void fill_largest(cases_case *out, uint64_t b, uint64_t kv_head, uint64_t query, float *sorted) {
    uint32_t *list = list_at(out, b, kv_head, query);
    uint64_t visible = 0, used = 0;
    for (uint64_t key = 0; key < out->dense.kv_len; ++key) {
        if (ref_dense_visible(&out->dense, query, key)) {
            sorted[visible++] = cases_bias(out, b, kv_head, query, key);
        }
    }
    qsort(sorted, visible, sizeof *sorted, falling);
    uint64_t kept = visible < out->lists.entries ? visible : out->lists.entries;
    for (uint64_t key = 0; key < out->dense.kv_len && kept > 0; ++key) {
        if (ref_dense_visible(&out->dense, query, key) &&
            cases_bias(out, b, kv_head, query, key) >= sorted[kept - 1]) {
            list[used++] = (uint32_t)key;
        }
    }
}

static bool read_dma(const cJSON *params, cases_case *out) {
    static const char *const names[] = {"window", "causal", "bias", "rule", NULL};
    uint64_t window = cases_get_u64(params, "window", 1), keys = out->dense.kv_len;
    if (!cases_names_only(params, names, out) ||
        !cases_says(params, "bias", "[B,Hkv,S,S] = r8(seed*16+5,i)/64 + j*2^-20 (f32)", out) ||
        !cases_says(params, "rule",
                    "keep top-W of bias among visible keys (none dropped if S<=W); s=q.k*scale+bias", out)) {
        return false;
    }
    out->dense.causal = cases_get_bool(params, "causal");
    out->biased = true;
    out->lists.q_block = 1;
    float *sorted = malloc(keys * sizeof *sorted + 1);
    bool good =
        sorted && make_words(out, REF_KEYS, out->kv_heads, out->dense.q_len, window < keys ? window : keys);
    uint64_t rows = out->kv_heads * out->dense.q_len;
    for (uint64_t n = 0; good && n < out->batch * rows; ++n) {
        fill_largest(out, n / rows, n / out->dense.q_len % out->kv_heads, n % out->dense.q_len, sorted);
    }
    free(sorted);
    return good;
}

bool cases_read_lists(const char *op, const cJSON *params, cases_case *out) {
    out->op = CASES_LISTS;
    out->dense.left = out->dense.right = -1;
    bool good = strcmp(op, "block_sparse") == 0     ? read_block_sparse(params, out)
                : strcmp(op, "block_list") == 0     ? read_block_list(params, out)
                : strcmp(op, "vertical_slash") == 0 ? read_vertical_slash(params, out)
                : strcmp(op, "dma") == 0            ? read_dma(params, out)
                                                    : read_topk_gather(params, out);
    if (!good) {
        fprintf(stderr, "%s: lists cannot be made\n", out->id);
    }
    return good;
}

/* ---- Rules in words ---- */

/* Packed sequences: the queries of one see the keys of the same one. */
static bool read_documents(const cJSON *lens, cases_case *out) {
    uint64_t rows = cases_count(lens);
    out->op = CASES_LISTS;
    out->dense.causal = true;
    if (rows == 0 || block_start(lens, rows) != out->dense.q_len || out->dense.q_len != out->dense.kv_len) {
        return false;
    }
    out->lists.q_block = out->dense.q_len;
    if (!make_words(out, REF_RANGES, 1, rows, 1)) {
        return false;
    }
    for (uint64_t n = 0; n < out->batch * rows; ++n) {
        uint32_t *list = list_at(out, n / rows, 0, n % rows);
        list[0] = list[2] = (uint32_t)block_start(lens, n % rows);
        list[1] = list[3] = (uint32_t)block_start(lens, n % rows + 1);
    }
    return true;
}

static void set_square_window(cases_case *out, const uint64_t extent[2], uint64_t window) {
    out->op = CASES_GRID;
    out->grid.rank = 2;
    for (uint32_t a = 0; a < 2; ++a) {
        out->grid.axis[a] =
            (ref_axis_rule){.extent = extent[a], .window = window, .stride = 1, .dilation = 1};
    }
}

bool cases_read_predicate(const cJSON *params, cases_case *out) {
    static const char *const names[] = {"predicate", NULL};
    const char *text = cases_get_text(params, "predicate"), *end = strchr(text, ']');
    uint64_t extent[2], window;
    if (!cases_names_only(params, names, out)) {
        return false;
    }
    out->op = CASES_DENSE;
    out->dense.left = out->dense.right = -1;
    if (strcmp(text, "causal: j<=i") == 0) {
        out->dense.causal = out->dense.align_first = true;
        return true;
    }
    if (sscanf(text, "jagged natten 2D %" SCNu64 "x%" SCNu64 " k=%" SCNu64, &extent[0], &extent[1],
               &window) == 3) {
        set_square_window(out, extent, window);
        return true;
    }
    if (strncmp(text, "document lens [", 15) == 0 && end && strcmp(end, "] causal within document") == 0) {
        cJSON *lens = cJSON_Parse(strchr(text, '['));
        bool good = read_documents(lens, out);
        cJSON_Delete(lens);
        return good;
    }
    return cases_later(out, text);
}
