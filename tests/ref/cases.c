/* SPDX-License-Identifier: MIT
 *
 * The reader: JSON text -> cases_case. An unknown parameter is an error, so that no rule of a case is ever
 * ignored.
 */
#include "cases_json.h"

#include "mixer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Small helpers over cJSON ---- */

uint64_t cases_get_u64(const cJSON *object, const char *name, uint64_t fallback) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(item) ? (uint64_t)item->valuedouble : fallback;
}

double cases_get_number(const cJSON *object, const char *name, double fallback) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : fallback;
}

const char *cases_get_text(const cJSON *object, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsString(item) ? item->valuestring : "";
}

bool cases_get_bool(const cJSON *object, const char *name) {
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, name));
}

uint64_t cases_get_item(const cJSON *array, uint64_t n) {
    const cJSON *item = cJSON_GetArrayItem(array, (int)n);
    return cJSON_IsNumber(item) ? (uint64_t)item->valuedouble : 0;
}

uint64_t cases_count(const cJSON *array) {
    return (uint64_t)cJSON_GetArraySize(array);
}

static void copy_text(char *out, size_t size, const char *text) {
    snprintf(out, size, "%s", text);
}

/* Field `name` of an axis: params[name] is a list with one value per axis, or one value for a single axis. */
static uint64_t axis_value(const cJSON *params, const char *name, uint32_t axis, uint64_t fallback) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(params, name);
    if (cJSON_IsArray(item)) {
        item = cJSON_GetArrayItem(item, (int)axis);
    } else if (axis > 0) {
        item = NULL;
    }
    if (cJSON_IsBool(item)) {
        return cJSON_IsTrue(item) ? 1 : 0;
    }
    return cJSON_IsNumber(item) ? (uint64_t)item->valuedouble : fallback;
}

/* ---- Operators ---- */

bool cases_read_causal(const cJSON *params, cases_case *out) {
    const char *causal = cases_get_text(params, "causal");
    bool top_left = strcmp(causal, "top_left") == 0;

    if (!top_left && strcmp(causal, "bottom_right") != 0 && strcmp(causal, "none") != 0) {
        fprintf(stderr, "%s: unknown causal \"%s\"\n", out->id, causal);
        return false;
    }
    out->dense.causal = strcmp(causal, "none") != 0;
    out->dense.align_first = top_left;
    return true;
}

static void read_grid(const cJSON *shapes, const cJSON *params, cases_case *out) {
    const cJSON *layout = cJSON_GetObjectItemCaseSensitive(shapes, "layout");
    out->grid.rank = layout ? (uint32_t)cJSON_GetArraySize(layout) : 1; /* a window table has one axis "X" */
    for (uint32_t a = 0; a < out->grid.rank && a < 3; ++a) {
        ref_axis_rule *axis = &out->grid.axis[a];
        axis->extent = layout ? axis_value(shapes, "layout", a, 0) : cases_get_u64(shapes, "X", 0);
        axis->window = axis_value(params, "kernel_size", a, 0);
        axis->stride = axis_value(params, "stride", a, 0);
        axis->dilation = axis_value(params, "dilation", a, 0);
        axis->causal = axis_value(params, "is_causal", a, 0) != 0;
    }
    out->extra_len = cases_get_u64(shapes, "extra_kv", 0);
}

/* Numbers of tables, and what they are numbers of. */
static void read_entries(const cJSON *params, cases_case *out) {
    const cJSON *starts = cJSON_GetObjectItemCaseSensitive(params, "cu");
    const cJSON *numbers = starts ? starts : cJSON_GetObjectItemCaseSensitive(params, "ids");
    uint64_t count = cases_count(numbers);
    out->entries = (uint32_t)(count < CASES_MAX_ENTRIES ? count : CASES_MAX_ENTRIES);
    for (uint32_t n = 0; n < out->entries; ++n) {
        out->entry[n] = (uint32_t)cases_get_item(numbers, n);
    }
    if (cJSON_GetObjectItemCaseSensitive(params, "id")) {
        out->entries = 1;
        out->entry[0] = (uint32_t)cases_get_u64(params, "id", 0);
    }
    out->limit = cases_get_u64(params, "nk", cases_get_u64(params, "pages", 0));
    if (starts && out->entries) {
        out->limit = cases_get_u64(params, "total", out->entry[out->entries - 1]);
    }
}

/* Rejected arguments come in short names, and what is not named is plain. */
static void read_reject(const cJSON *params, cases_case *out) {
    const cJSON *extents = cJSON_GetObjectItemCaseSensitive(params, "X");
    copy_text(out->target, sizeof out->target, cases_get_text(params, "target_op"));
    out->heads = cases_get_u64(params, "Hq", 1);
    out->kv_heads = cases_get_u64(params, "Hkv", 1);
    out->selection.block = cases_get_u64(params, "chunk", 4);
    out->selection.entries = cases_get_u64(params, "topk", cases_get_u64(params, "S", 3));
    read_entries(params, out);
    out->grid.rank = extents ? (uint32_t)cJSON_GetArraySize(extents) : 0;
    for (uint32_t a = 0; a < out->grid.rank && a < 3; ++a) {
        ref_axis_rule *axis = &out->grid.axis[a];
        axis->extent = axis_value(params, "X", a, 0);
        axis->window = axis_value(params, "k", a, 0);
        axis->stride = axis_value(params, "s", a, 1);
        axis->dilation = axis_value(params, "d", a, 1);
    }
}

static bool read_params(const cJSON *shapes, const cJSON *params, cases_case *out) {
    static const char *const names[] = {"kernel_size", "stride", "dilation", "is_causal", "scale", NULL};
    if (out->op == CASES_REJECT) {
        read_reject(params, out);
        return true;
    }
    out->scale = cases_get_number(params, "scale", 0.0); /* the text "D^-0.5" is the default */
    read_grid(shapes, params, out);
    return cases_names_only(params, names, out);
}

/* ---- Expected values ---- */

static void read_probe(const cJSON *json, bool with_sink, cases_probe *out) {
    const cJSON *lse = cJSON_GetObjectItemCaseSensitive(json, "lse");
    const cJSON *values = cJSON_GetObjectItemCaseSensitive(json, "o");
    out->b = cases_get_u64(json, "b", 0);
    out->q = cases_get_u64(json, "q", 0);
    out->h = cases_get_u64(json, "h", 0);
    out->visible = cases_get_u64(json, "visible", UINT64_MAX);
    out->lse = cJSON_IsString(lse) ? -INFINITY : cases_get_number(json, "lse", NAN);
    out->outs = (uint32_t)cJSON_GetArraySize(values);
    out->outs = out->outs < 4 ? out->outs : 4;
    for (uint32_t n = 0; n < out->outs; ++n) {
        out->out[n] = cJSON_GetArrayItem(values, (int)n)->valuedouble;
    }
    out->out_sum = cases_get_number(json, "osum", NAN);
    out->share = exp(out->lse - cases_get_number(json, "lse_with_sink", out->lse));
    out->share = isnan(out->share) ? 1.0 : out->share; /* no key and no sink */
    if (with_sink) {
        out->lse = cases_get_number(json, "lse_with_sink", out->lse);
        out->share = 1.0;
    }
}

static void read_expected(const cJSON *expected, cases_case *out) {
    const cJSON *probe;
    out->visible_pairs = cases_get_u64(expected, "visible_pairs", UINT64_MAX);
    cJSON_ArrayForEach(probe, cJSON_GetObjectItemCaseSensitive(expected, "probes")) {
        if (out->probes < CASES_MAX_PROBES) {
            read_probe(probe, out->op == CASES_DENSE, &out->probe[out->probes++]);
        }
    }
}

static void read_dtypes(const cJSON *json, cases_case *out) {
    static const char *const names[3] = {[REF_F32] = "f32", [REF_F16] = "f16", [REF_BF16] = "bf16"};
    const cJSON *suggest =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(json, "tol"), "suggest");
    const cJSON *item;

    for (int t = 0; t < 3; ++t) {
        out->tolerance[t] = cases_get_number(suggest, names[t], ref_tolerance((ref_dtype)t));
        cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "dtypes")) {
            out->dtype[t] = out->dtype[t] || strcmp(item->valuestring, names[t]) == 0;
        }
    }
    out->lse_tolerance = cases_get_number(suggest, "lse", ref_lse_tolerance());
}

static bool among(const char *name, const char *const *names) {
    while (*names && strcmp(name, *names) != 0) {
        ++names;
    }
    return *names != NULL;
}

/* An operator that is in none of these lists is an error. */
static bool read_op(const char *name, cases_case *out) {
    static const char *const grids[] = {"na1d", "na2d", "na3d", NULL};
    static const char *const lists[] = {"block_sparse", "block_list", "vertical_slash",
                                        "topk_gather",  "dma",        NULL};
    static const char *const selection[] = {"moba", "vmoba", "nsa_selected", "biformer", NULL};
    static const char *const dense[] = {"dense",   "mask_predicate", "varlen",     "paged",
                                        "splitkv", "kvcache_append", "mla_decode", NULL};
    static const char *const later[] = {"stress", NULL};
    if (among(name, dense)) {
        out->op = CASES_DENSE;
    } else if (among(name, grids)) {
        out->op = CASES_GRID;
    } else if (among(name, lists)) {
        out->op = CASES_LISTS;
    } else if (among(name, selection)) {
        out->op = CASES_SELECTION;
    } else if (strcmp(name, "na_window") == 0) {
        out->op = CASES_WINDOW_TABLE;
    } else if (strcmp(name, "merge") == 0) {
        out->op = CASES_MERGE;
    } else if (strcmp(name, "reject") == 0) {
        out->op = CASES_REJECT;
    } else if (among(name, later)) {
        out->op = CASES_LATER;
        copy_text(out->beyond, sizeof out->beyond, name);
    } else {
        fprintf(stderr, "%s: unknown operator \"%s\"\n", out->id, name);
        return false;
    }
    return true;
}

static void read_shapes(const cJSON *shapes, cases_case *out) {
    out->batch = cases_get_u64(shapes, "B", 1);
    out->heads = cases_get_u64(shapes, "Hq", 0);
    out->kv_heads = cases_get_u64(shapes, "Hkv", 0);
    out->dim = cases_get_u64(shapes, "D", 0);
    out->value_dim = cases_get_u64(shapes, "Dv", 0);
    out->dense.q_len = cases_get_u64(shapes, "Sq", cases_get_u64(shapes, "total_q", 0));
    out->dense.kv_len = cases_get_u64(shapes, "Sk", cases_get_u64(shapes, "total_k", 0));
}

static bool read_splits(const cJSON *params, cases_case *out) {
    const cJSON *splits = cJSON_GetObjectItemCaseSensitive(params, "splits");
    uint64_t count = cases_count(splits);
    if (count < 1 || count > CASES_MAX_SPLITS) {
        fprintf(stderr, "%s: %u splits\n", out->id, (unsigned)count);
        return false;
    }
    out->splits = (uint32_t)count;
    out->dense.left = out->dense.right = -1;
    for (uint64_t n = 0; n < count; ++n) {
        out->split[n] = cases_get_item(splits, n);
    }
    return true;
}

static bool read_case(const cJSON *json, cases_case *out) {
    const cJSON *shapes = cJSON_GetObjectItemCaseSensitive(json, "shapes");
    const cJSON *params = cJSON_GetObjectItemCaseSensitive(json, "params");
    const char *op = cases_get_text(json, "op");
    copy_text(out->id, sizeof out->id, cases_get_text(json, "id"));
    copy_text(out->why, sizeof out->why, cases_get_text(json, "why"));
    out->json = json;
    if (!read_op(op, out)) {
        return false;
    }
    out->seed = cases_get_u64(json, "seed", 0);
    out->macs = cases_get_u64(json, "macs", 0);
    out->v_is_k = cases_get_bool(params, "v_is_k_prefix");
    read_shapes(shapes, out);
    read_dtypes(json, out);
    if (out->op == CASES_LATER) {
        return true;
    }
    read_expected(cJSON_GetObjectItemCaseSensitive(json, "expected"), out);
    if (out->op == CASES_MERGE) {
        return read_splits(params, out);
    }
    if (out->op == CASES_LISTS) {
        return cases_read_lists(op, params, out);
    }
    if (out->op == CASES_SELECTION) {
        return cases_read_selection(op, params, out);
    }
    if (strcmp(op, "mask_predicate") == 0) {
        return cases_read_predicate(params, out);
    }
    return out->op == CASES_DENSE ? cases_read_dense(op, params, out) : read_params(shapes, params, out);
}

/* ---- The file ---- */

static char *read_text(const char *path) {
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    long size;
    if (!file) {
        return NULL;
    }
    if (fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0 && fseek(file, 0, SEEK_SET) == 0) {
        text = malloc((size_t)size + 1);
        if (text && fread(text, 1, (size_t)size, file) == (size_t)size) {
            text[size] = '\0';
        } else {
            free(text);
            text = NULL;
        }
    }
    fclose(file);
    return text;
}

bool cases_read(const char *path, cases_list *out_list) {
    const cJSON *item;
    char *text = read_text(path);
    memset(out_list, 0, sizeof *out_list);
    cJSON *json = text ? cJSON_Parse(text) : NULL;
    free(text);
    if (!cJSON_IsArray(json)) {
        fprintf(stderr, "%s: cannot be read, or is no JSON list\n", path);
        cJSON_Delete(json);
        return false;
    }
    out_list->json = json;
    out_list->items = calloc((size_t)cJSON_GetArraySize(json), sizeof *out_list->items);
    cJSON_ArrayForEach(item, json) {
        if (!out_list->items || !read_case(item, &out_list->items[out_list->count++])) {
            cases_free(out_list);
            return false;
        }
    }
    return true;
}

void cases_free(cases_list *list) {
    for (size_t n = 0; list->items && n < list->count; ++n) {
        free(list->items[n].words);
    }
    cJSON_Delete(list->json);
    free(list->items);
    memset(list, 0, sizeof *list);
}

/* ---- Inputs and tables ---- */

uint64_t cases_q_len(const cases_case *item) {
    uint64_t tokens = 1;
    bool lengths = item->op == CASES_DENSE || item->op == CASES_MERGE;
    if (lengths || item->op == CASES_LISTS || item->op == CASES_SELECTION) {
        return item->dense.q_len;
    }
    for (uint32_t a = 0; a < item->grid.rank; ++a) {
        tokens *= item->grid.axis[a].extent;
    }
    return tokens;
}

uint64_t cases_kv_len(const cases_case *item) {
    bool plain = item->op == CASES_DENSE || item->op == CASES_LISTS || item->op == CASES_MERGE;
    return plain ? item->dense.kv_len : cases_q_len(item);
}

/* SplitMix64's output number i for a seed. */
uint64_t cases_bits(const cases_case *item, uint64_t t, uint64_t i) {
    return mixer_mixed(item->seed * 16 + t + (i + 1) * MIXER_STEP);
}

float cases_value(const cases_case *item, cases_tensor tensor, uint64_t b, uint64_t token, uint64_t head,
                  uint64_t d) {
    if (tensor == CASES_V && item->v_is_k) {
        return cases_value(item, CASES_K, b, token, head, d);
    }
    bool extra = tensor == CASES_EXTRA_K || tensor == CASES_EXTRA_V;
    bool value = tensor == CASES_V || tensor == CASES_EXTRA_V;
    uint64_t tokens = extra ? item->extra_len : tensor == CASES_Q ? cases_q_len(item) : cases_kv_len(item);
    uint64_t heads = tensor == CASES_Q ? item->heads : item->kv_heads;
    uint64_t dim = value ? item->value_dim : item->dim;
    uint64_t i = ((b * tokens + token) * heads + head) * dim + d;

    int byte = (int)(cases_bits(item, (uint64_t)tensor, i) >> 56) - 128;
    return (float)byte / (value ? 128.0f : 64.0f);
}

/* Numbers of a list, and of the lists in it, in order. Returns how many; `out` may be NULL. */
static size_t flatten(const cJSON *table, int64_t *out) {
    const cJSON *item;
    size_t n = 0;
    cJSON_ArrayForEach(item, table) {
        if (cJSON_IsArray(item)) {
            n += flatten(item, out ? out + n : NULL);
        } else if (out) {
            out[n++] = (int64_t)item->valuedouble;
        } else {
            n++;
        }
    }
    return n;
}

static const cJSON *expected_of(const cases_case *item) {
    return cJSON_GetObjectItemCaseSensitive(item->json, "expected");
}

static int64_t *copied(const cJSON *table, size_t *out_count) {
    *out_count = 0;
    if (!cJSON_IsArray(table)) {
        return NULL;
    }
    int64_t *values = calloc(flatten(table, NULL) + 1, sizeof *values);
    *out_count = values ? flatten(table, values) : 0;
    return values;
}

int64_t *cases_table(const cases_case *item, const char *name, int axis, size_t *out_count) {
    const cJSON *table = cJSON_GetObjectItemCaseSensitive(expected_of(item), name);
    return copied(axis >= 0 ? cJSON_GetArrayItem(table, axis) : table, out_count);
}

int64_t *cases_probe_blocks(const cases_case *item, uint32_t probe, size_t *out_count) {
    static const char *const names[3] = {"chunks", "blocks", "regions"};
    const cJSON *probes = cJSON_GetObjectItemCaseSensitive(expected_of(item), "probes"), *table = NULL;
    for (int n = 0; n < 3 && !table; ++n) {
        table = cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(probes, (int)probe), names[n]);
    }
    return copied(table, out_count);
}

uint64_t cases_known(const cases_case *item, const char *name) {
    return cases_get_u64(expected_of(item), name, UINT64_MAX);
}
