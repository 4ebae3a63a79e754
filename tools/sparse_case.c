/* SPDX-License-Identifier: MIT */
#include "sparse_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ref.h>

#include "bench_lists.h"

#define SLOW_TOKENS 1024 /* from one anchor of the slow part to the next */
#define NEAR        1e-4 /* scores that rounding may take for equal */

uint64_t sparse_rows(const sparse_case *c) {
    return c->tokens / c->q_block;
}

uint64_t sparse_blocks(const sparse_case *c) {
    return c->tokens / c->kv_block;
}

void sparse_name(sparse_case *c) {
    size_t size = sizeof c->name;
    size_t used = (size_t)snprintf(c->name, size, "%llu D%u %ux%u %s%u", (unsigned long long)c->tokens,
                                   c->dim, c->q_block, c->kv_block, c->random ? "any " : "top ", c->entries);
    if (c->causal)
        used += (size_t)snprintf(c->name + used, size - used, " causal");
    if (c->agree > 0.0f)
        used += (size_t)snprintf(c->name + used, size - used, " agree %g", (double)c->agree);
    if (c->execution != VATTEN_SPARSE_AUTO)
        snprintf(c->name + used, size - used, c->execution == VATTEN_SPARSE_UNION ? " union" : " gather");
}

/* ---- Tensors ---- */

/* Slow and fast part of one element: between random anchors, weighed so that the variance stays 1. */
static float mixed(uint64_t seed, uint64_t token, uint64_t d, uint32_t dim, float slow_part) {
    float fast = ref_random(seed, token * dim + d);
    if (slow_part <= 0.0f)
        return fast;
    uint64_t anchor = token / SLOW_TOKENS;
    float t = (float)(token % SLOW_TOKENS) / (float)SLOW_TOKENS, s = 1.0f - t;
    float slow =
        s * ref_random(seed + 64, anchor * dim + d) + t * ref_random(seed + 64, (anchor + 1) * dim + d);
    return sqrtf(slow_part) * slow / sqrtf(s * s + t * t) + sqrtf(1.0f - slow_part) * fast;
}

static float *make_tensor(const sparse_case *c, uint64_t seed, float slow_part) {
    float *data = malloc((size_t)c->tokens * c->dim * sizeof *data);
    for (uint64_t t = 0; data != NULL && t < c->tokens; ++t)
        for (uint64_t d = 0; d < c->dim; ++d)
            data[t * c->dim + d] = mixed(seed, t, d, c->dim, slow_part);
    return data;
}

bool sparse_data_make(const sparse_case *c, sparse_data *out_data) {
    sparse_data *d = out_data;
    d->q = make_tensor(c, 1, c->agree);
    d->k = make_tensor(c, 2, 0.0f);
    d->v = make_tensor(c, 3, 0.0f);
    d->out = malloc((size_t)c->tokens * c->dim * sizeof *d->out);
    d->lists = malloc((size_t)sparse_rows(c) * c->entries * sizeof *d->lists);
    if (d->q == NULL || d->k == NULL || d->v == NULL || d->out == NULL || d->lists == NULL) {
        sparse_data_free(d);
        return false;
    }
    memset(d->lists, 0xff, (size_t)sparse_rows(c) * c->entries * sizeof *d->lists);
    for (uint64_t row = 0; c->random && row < sparse_rows(c); ++row)
        bench_lists_draw(row, sparse_blocks(c), c->entries, d->lists + row * c->entries);
    return true;
}

void sparse_data_free(sparse_data *data) {
    free(data->q);
    free(data->k);
    free(data->v);
    free(data->out);
    free(data->lists);
    memset(data, 0, sizeof *data);
}

/* ---- Descs ---- */

static vatten_heads heads_of(const sparse_case *c) {
    return (vatten_heads){
        .dtype = VATTEN_DTYPE_F32, .batch = 1, .heads = 1, .kv_heads = 1, .dim = c->dim, .value_dim = c->dim};
}

static vatten_selection rule_of(const sparse_case *c) {
    return (vatten_selection){.entries = c->entries, .own = c->causal};
}

vatten_attention_desc sparse_dense_desc(const sparse_case *c) {
    return (vatten_attention_desc){
        .heads = heads_of(c), .q_len = c->tokens, .kv_len = c->tokens, .causal = c->causal};
}

vatten_pool_desc sparse_pool_desc(const sparse_case *c, bool keys) {
    return (vatten_pool_desc){.dtype = VATTEN_DTYPE_F32,
                              .batch = 1,
                              .heads = 1,
                              .dim = c->dim,
                              .rank = 1,
                              .extent = {c->tokens},
                              .block = {keys ? c->kv_block : c->q_block}};
}

vatten_select_desc sparse_select_desc(const sparse_case *c) {
    return (vatten_select_desc){.dtype = VATTEN_DTYPE_F32,
                                .batch = 1,
                                .heads = 1,
                                .kv_heads = 1,
                                .dim = c->dim,
                                .rows = sparse_rows(c),
                                .blocks = sparse_blocks(c),
                                .rule = rule_of(c),
                                .row_tokens = c->q_block,
                                .block_tokens = c->kv_block,
                                .causal = c->causal,
                                .max_workspace = c->max_workspace};
}

static vatten_heads tiled_heads(const sparse_case *c) {
    vatten_heads heads = heads_of(c);
    heads.tile = c->tile;
    return heads;
}

vatten_sparse_desc sparse_whole_desc(const sparse_case *c) {
    return (vatten_sparse_desc){.heads = tiled_heads(c),
                                .q_len = c->tokens,
                                .kv_len = c->tokens,
                                .q_block = c->q_block,
                                .kv_block = c->kv_block,
                                .rule = rule_of(c),
                                .causal = c->causal,
                                .max_workspace = c->max_workspace,
                                .execution = c->execution};
}

static uint32_t joined_entries(const sparse_case *c, uint32_t join) {
    uint64_t most = (uint64_t)join * c->entries, blocks = sparse_blocks(c);
    return (uint32_t)(most < blocks ? most : blocks);
}

vatten_lists_desc sparse_lists_desc(const sparse_case *c, uint32_t join) {
    return (vatten_lists_desc){.heads = tiled_heads(c),
                               .q_len = c->tokens,
                               .kv_len = c->tokens,
                               .kind = VATTEN_LIST_BLOCKS,
                               .q_block = join ? join * c->q_block : c->q_block,
                               .kv_block = c->kv_block,
                               .entries = join ? joined_entries(c, join) : c->entries,
                               .row_masks = join != 0,
                               .causal = c->causal};
}

/* ---- Lists ---- */

static bool names(const sparse_case *c, const uint32_t *lists, uint64_t row, uint64_t block) {
    bool found = false;
    for (uint32_t n = 0; n < c->entries; ++n)
        found = found || lists[row * c->entries + n] == block;
    return found;
}

uint32_t *sparse_join(const sparse_case *c, const uint32_t *lists, uint32_t join) {
    uint64_t groups = (sparse_rows(c) + join - 1) / join, mask_words = (join + 31) / 32;
    uint64_t entry_words = 1 + mask_words, list_words = joined_entries(c, join) * entry_words;
    uint32_t *out = malloc((size_t)(groups * list_words) * sizeof *out);
    if (out == NULL)
        return NULL;
    memset(out, 0xff, (size_t)(groups * list_words) * sizeof *out);
    for (uint64_t g = 0; g < groups; ++g) {
        uint32_t *entry = out + g * list_words;
        for (uint64_t block = 0; block < sparse_blocks(c); ++block) {
            uint32_t mask[32] = {0}, any = 0;
            for (uint64_t r = 0; r < join && g * join + r < sparse_rows(c); ++r)
                mask[r / 32] |= names(c, lists, g * join + r, block) ? 1u << (r % 32) : 0u;
            for (uint64_t w = 0; w < mask_words; ++w)
                any |= mask[w];
            if (any == 0)
                continue;
            entry[0] = (uint32_t)block;
            memcpy(entry + 1, mask, mask_words * sizeof *mask);
            entry += entry_words;
        }
    }
    return out;
}

/* ---- Counts ---- */

static uint64_t seen_of_block(const sparse_case *c, uint64_t query, uint64_t block) {
    uint64_t first = block * c->kv_block;
    if (!c->causal || query >= first + c->kv_block)
        return c->kv_block;
    return query >= first ? query - first + 1 : 0;
}

uint64_t sparse_dense_pairs(const sparse_case *c) {
    return c->causal ? c->tokens * (c->tokens + 1) / 2 : c->tokens * c->tokens;
}

uint64_t sparse_listed_pairs(const sparse_case *c, const uint32_t *lists, uint32_t rows, double *out_blocks) {
    uint64_t pairs = 0, all = 0, group = rows ? rows : 1;
    for (uint64_t first = 0; first < c->tokens; first += group) {
        uint64_t end = first + group < c->tokens ? first + group : c->tokens;
        for (uint64_t block = 0; block < sparse_blocks(c); ++block) {
            bool any = false;
            for (uint64_t row = first / c->q_block; row <= (end - 1) / c->q_block; ++row)
                any = any || names(c, lists, row, block);
            all += any;
            for (uint64_t query = first; any && query < end; ++query)
                pairs += seen_of_block(c, query, block);
        }
    }
    *out_blocks = (double)all / (double)((c->tokens + group - 1) / group);
    return pairs;
}

uint64_t sparse_gathered_pairs(const sparse_case *c, const uint32_t *lists, uint32_t rows) {
    uint64_t pairs = 0;
    for (uint64_t block = 0; block < sparse_blocks(c); ++block) {
        uint64_t gathered = 0, last = 0;
        for (uint64_t query = 0; query < c->tokens; ++query) {
            if (!names(c, lists, query / c->q_block, block))
                continue;
            last = query;
            if (++gathered % rows == 0)
                pairs += rows * seen_of_block(c, query, block);
        }
        pairs += gathered % rows ? rows * seen_of_block(c, last, block) : 0;
    }
    return pairs;
}

/* ---- Checks ---- */

static void mean(const sparse_case *c, const float *x, uint64_t first, uint64_t count, double *out) {
    for (uint64_t d = 0; d < c->dim; ++d) {
        double sum = 0.0;
        for (uint64_t t = first; t < first + count; ++t)
            sum += (double)x[t * c->dim + d];
        out[d] = sum / (double)count;
    }
}

/* Blocks [0, candidates) are all that the row may have; those from own_first on are forced if causal. */
static const char *check_list(const sparse_case *c, const sparse_data *data, const double *means,
                              uint64_t row) {
    uint64_t first = row * c->q_block, own_first = first / c->kv_block;
    uint64_t candidates = c->causal ? (first + c->q_block - 1) / c->kv_block + 1 : sparse_blocks(c);
    uint64_t wanted = candidates < c->entries ? candidates : c->entries, used = 0;
    const uint32_t *list = data->lists + row * c->entries;
    double q[VATTEN_MAX_DIM], worst_in = INFINITY, best_out = -INFINITY;
    for (; used < c->entries && list[used] != VATTEN_LIST_END; ++used)
        if (list[used] >= candidates || (used > 0 && list[used] <= list[used - 1]))
            return "a list is not ascending, or names a block that is not there";
    if (used != wanted)
        return "a list has another length";
    mean(c, data->q, first, c->q_block, q);
    for (uint64_t n = 0; n < candidates; ++n) {
        double score = 0.0;
        for (uint64_t d = 0; d < c->dim; ++d)
            score += q[d] * means[n * c->dim + d];
        bool in = names(c, data->lists, row, n), own = c->causal && n >= own_first;
        if (own && !in)
            return "a list lacks an own block";
        worst_in = in && !own ? fmin(worst_in, score) : worst_in;
        best_out = in ? best_out : fmax(best_out, score);
    }
    return best_out > worst_in + NEAR ? "a list leaves out a better block" : NULL;
}

/* Odd steps, away from tile sizes. */
static uint64_t step_of(uint64_t rows, uint32_t sample) {
    return (rows / sample + 1) | 1;
}

const char *sparse_check_lists(const sparse_case *c, const sparse_data *data, uint32_t sample) {
    uint64_t rows = sparse_rows(c), step = step_of(rows, sample);
    double *means = malloc((size_t)sparse_blocks(c) * c->dim * sizeof *means);
    if (means == NULL)
        return "out of memory";
    for (uint64_t n = 0; n < sparse_blocks(c); ++n)
        mean(c, data->k, n * c->kv_block, c->kv_block, means + n * c->dim);
    const char *wrong = check_list(c, data, means, rows - 1);
    for (uint64_t row = 0; wrong == NULL && row < rows; row += step)
        wrong = check_list(c, data, means, row);
    free(means);
    return wrong;
}

typedef struct shown {
    const sparse_case *c;
    const sparse_data *data;
    bool listed;
} shown;

static bool sees(const void *user, uint64_t query, uint64_t key) {
    const shown *s = user;
    if (s->c->causal && key > query)
        return false;
    return !s->listed || names(s->c, s->data->lists, query / s->c->q_block, key / s->c->kv_block);
}

static double row_error(const ref_problem *problem, const sparse_case *c, const float *out, uint64_t query) {
    double wanted[VATTEN_MAX_DIM], worst = 0.0;
    ref_row(problem, 0, 0, query, wanted, NULL, NULL);
    for (uint64_t d = 0; d < c->dim; ++d)
        worst = fmax(worst, fabs((double)out[query * c->dim + d] - wanted[d]));
    return worst;
}

double sparse_check_out(const sparse_case *c, const sparse_data *data, bool listed, uint32_t sample) {
    const shown user = {c, data, listed};
    const ref_own_rule rule = {.keys = c->tokens, .sees = sees, .user = &user};
    const ref_problem problem = {.heads = 1,
                                 .kv_heads = 1,
                                 .dim = c->dim,
                                 .value_dim = c->dim,
                                 .own = &rule,
                                 .q = ref_packed(data->q, REF_F32, c->tokens, 1, c->dim),
                                 .k = ref_packed(data->k, REF_F32, c->tokens, 1, c->dim),
                                 .v = ref_packed(data->v, REF_F32, c->tokens, 1, c->dim)};
    for (uint64_t i = 0; i < c->tokens * c->dim; ++i)
        if (!isfinite(data->out[i]))
            return HUGE_VAL;
    double worst = row_error(&problem, c, data->out, c->tokens - 1);
    for (uint64_t query = 0; query < c->tokens; query += step_of(c->tokens, sample))
        worst = fmax(worst, row_error(&problem, c, data->out, query));
    return worst;
}
