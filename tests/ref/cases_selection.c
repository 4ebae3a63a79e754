/* SPDX-License-Identifier: MIT
 *
 * Cases that select blocks of keys: from what a case says to cases_selection, and the hash of what is chosen.
 */
#include "cases_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Sequences ---- */

/* All tokens in one sequence, or those of `seqlens` one after the other. */
static bool read_sequences(const cJSON *shapes, uint64_t tokens, cases_case *out) {
    const cJSON *lengths = cJSON_GetObjectItemCaseSensitive(shapes, "seqlens");
    cases_selection *s = &out->selection;
    uint64_t count = lengths ? cases_count(lengths) : 1, total = 0;
    if (count == 0 || count > CASES_MAX_BATCH) {
        return false;
    }
    s->sequences = (uint32_t)count;
    for (uint64_t n = 0; n < count; ++n) {
        s->length[n] = lengths ? cases_get_item(lengths, n) : tokens;
        total += s->length[n];
    }
    out->dense.q_len = out->dense.kv_len = tokens;
    return total == tokens;
}

/* ---- The presets ---- */

static bool read_moba(const cJSON *shapes, const cJSON *params, cases_case *out) {
    static const char *const names[] = {"chunk", "topk", "topk_includes_own_chunk", "causal", "gate", NULL};
    const char *gate =
        "q . mean_f32(K chunk), unscaled, per q head; ties: none in this case except ambiguous_rows";
    out->selection.preset = CASES_MOBA;
    out->selection.block = cases_get_u64(params, "chunk", 0);
    out->selection.entries = cases_get_u64(params, "topk", 0);
    out->selection.own = cases_get_bool(params, "topk_includes_own_chunk");
    out->dense.causal = cases_get_bool(params, "causal");
    return cases_names_only(params, names, out) && cases_says(params, "gate", gate, out) &&
           read_sequences(shapes, cases_get_u64(shapes, "total", 0), out);
}

/* Scope "block" gives each block of keys a budget of queries, which is never a number of them. Groups beyond a sequence
 * would go over all sequences. */
static bool read_scope(const char *scope, cases_case *out) {
    if (strcmp(scope, "query_head") == 0) {
        out->selection.scope = CASES_QUERY_HEAD;
        return true;
    }
    out->selection.scope = strcmp(scope, "block") == 0     ? CASES_BLOCK
                           : strcmp(scope, "overall") == 0 ? CASES_OVERALL
                                                           : CASES_HEAD_GLOBAL;
    bool known = out->selection.scope == CASES_BLOCK     ? out->selection.entries == 0
                 : out->selection.scope == CASES_OVERALL ? true
                                                         : strcmp(scope, "head_global") == 0;
    return known && (out->selection.sequences == 1 || cases_later(out, "budgets over sequences"));
}

static bool read_vmoba(const cJSON *shapes, const cJSON *params, cases_case *out) {
    static const char *const names[] = {"chunk", "mode", "scope", "topk", "threshold", "causal", NULL};
    out->selection.preset = CASES_VMOBA;
    out->selection.block = cases_get_u64(params, "chunk", 0);
    out->selection.entries = cases_get_u64(params, "topk", 0);
    out->selection.threshold = cases_get_number(params, "threshold", 0.0);
    out->selection.own = true;
    out->dense.causal = cases_get_bool(params, "causal");
    bool top = strcmp(cases_get_text(params, "mode"), "topk") == 0;
    if (!cases_names_only(params, names, out) || top != (out->selection.entries > 0) ||
        (!top && !cases_says(params, "mode", "threshold", out)) ||
        !read_sequences(shapes, cases_get_u64(shapes, "total", 0), out)) {
        return false;
    }
    return read_scope(cases_get_text(params, "scope"), out);
}

static bool read_nsa(const cJSON *shapes, const cJSON *params, cases_case *out) {
    static const char *const names[] = {"block", "S", "scale", "compress", "forced", "score", "causal", NULL};
    out->selection.preset = CASES_NSA;
    out->selection.block = cases_get_u64(params, "block", 0);
    out->selection.entries = cases_get_u64(params, "S", 0);
    out->selection.own = true;
    out->dense.causal = cases_get_bool(params, "causal");
    out->scale = cases_get_number(params, "scale", 0.0); /* the text "D^-0.5" is the default */
    return cases_names_only(params, names, out) && cases_says(params, "compress", "mean pool, fp32", out) &&
           cases_says(params, "forced", "block 0, current, current-1", out) &&
           cases_says(params, "score", "mean over G of softmax prob of compressed attention", out) &&
           read_sequences(shapes, cases_get_u64(shapes, "T", 0), out);
}

/* Of equal sides, the last one short. */
static uint64_t regions_along(uint64_t extent, uint64_t regions) {
    uint64_t side = (extent + regions - 1) / regions;
    return side ? (extent + side - 1) / side : 0;
}

static bool read_biformer(const cJSON *shapes, const cJSON *params, cases_case *out) {
    static const char *const names[] = {"n_win", "topk", "scale", "routing", NULL};
    const char *routing = "q_r.k_r with q_r,k_r = region means over tokens of the concatenated heads; one "
                          "routing for all heads; own region not forced";
    const cJSON *layout = cJSON_GetObjectItemCaseSensitive(shapes, "layout");
    cases_selection *s = &out->selection;
    s->preset = CASES_BIFORMER;
    s->entries = cases_get_u64(params, "topk", 0);
    s->regions = cases_get_u64(params, "n_win", 1);
    s->extent[0] = cases_get_item(layout, 0);
    s->extent[1] = cases_get_item(layout, 1);
    out->scale = 1.0 / sqrt((double)(out->heads * out->dim));
    if (!cases_names_only(params, names, out) || !cases_says(params, "scale", "(heads*D)^-0.5", out) ||
        !cases_says(params, "routing", routing, out) ||
        !read_sequences(shapes, s->extent[0] * s->extent[1], out)) {
        return false;
    }
    /* the last regions may be short; there are as many as are said, and none is padding alone */
    bool all = regions_along(s->extent[0], s->regions) == s->regions &&
               regions_along(s->extent[1], s->regions) == s->regions;
    return all || cases_later(out, "empty regions");
}

bool cases_read_selection(const char *op, const cJSON *params, cases_case *out) {
    const cJSON *shapes = cJSON_GetObjectItemCaseSensitive(out->json, "shapes");
    const cJSON *expected = cJSON_GetObjectItemCaseSensitive(out->json, "expected");
    out->dense.left = out->dense.right = -1;
    out->selection.hash = strtoull(cases_get_text(expected, "selection_hash_fnv1a64"), NULL, 16);
    bool good = strcmp(op, "moba") == 0           ? read_moba(shapes, params, out)
                : strcmp(op, "vmoba") == 0        ? read_vmoba(shapes, params, out)
                : strcmp(op, "nsa_selected") == 0 ? read_nsa(shapes, params, out)
                                                  : read_biformer(shapes, params, out);
    if (!good) {
        fprintf(stderr, "%s: the selection cannot be read\n", out->id);
    }
    return good;
}

/* ---- The hash ---- */

static uint64_t hash_word(uint64_t hash, uint32_t word) {
    for (int n = 0; n < 4; ++n) {
        hash = (hash ^ (word >> 8 * n & 0xff)) * UINT64_C(0x100000001b3); /* FNV-1a */
    }
    return hash;
}

uint64_t cases_hash(uint64_t hash, const uint32_t *blocks, uint32_t count) {
    hash = hash_word(hash, count);
    for (uint32_t n = 0; n < count; ++n) {
        hash = hash_word(hash, blocks[n]);
    }
    return hash;
}
