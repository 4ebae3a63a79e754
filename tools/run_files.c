/* SPDX-License-Identifier: MIT */
#include "run_files.h"

#include "say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(member) offsetof(run_paths, member)

static const option_spec path_options[] = {
    {"q", OPTION_TEXT, FIELD(q), "FILE", "queries, required"},
    {"k", OPTION_TEXT, FIELD(k), "FILE",
     "keys, required; fewer heads than q: each serves a group of query heads"},
    {"v", OPTION_TEXT, FIELD(v), "FILE", "values, required; the last axis may differ from k's"},
    {"out", OPTION_TEXT, FIELD(out), "FILE", "output, required; dtype as q"},
    {"lse", OPTION_TEXT, FIELD(lse), "FILE", "also write the log-sum-exp, f32 [batch, heads, tokens]"},
    {"dtype", OPTION_CHOICE, FIELD(dtype), RUN_DTYPE_WORDS,
     "what the files hold; bf16 is read from and written to <u2"},
};

static const option_spec grid_paths[] = {
    {"extra-k", OPTION_TEXT, FIELD(extra_k), "FILE",
     "keys that every query sees, [batch, extra, kv heads, dim]"},
    {"extra-v", OPTION_TEXT, FIELD(extra_v), "FILE", "their values"},
    {"bias", OPTION_TEXT, FIELD(bias), "FILE",
     "f32 added to scores by key - query, [heads, 2 window - 1 per axis]"},
    {"weights", OPTION_TEXT, FIELD(weights), "FILE",
     "in place of q and k: of each key of a window, [batch, axes, heads, keys of a window]"},
};

static const option_spec list_paths[] = {
    {"lists", OPTION_TEXT, FIELD(lists), "FILE",
     "u4 [batch or 1, list heads, rows, words of a list], required"},
};

option_table run_path_table(run_paths *paths) {
    option_table table = {"tensors", path_options, sizeof path_options / sizeof *path_options, paths};
    return table;
}

option_table run_own_path_table(family_id id, run_paths *paths) {
    option_table grid = {"tensors of grids", grid_paths, sizeof grid_paths / sizeof *grid_paths, paths};
    option_table lists = {"lists", list_paths, sizeof list_paths / sizeof *list_paths, paths};
    option_table none = {"none", NULL, 0, paths};
    return id == FAMILY_NEIGHBORHOOD ? grid : id == FAMILY_LISTS ? lists : none;
}

bool run_paths_complete(family_id id, const run_paths *paths) {
    bool weights = paths->weights != NULL;
    const char *missing = paths->q == NULL && !weights                 ? "--q"
                          : paths->k == NULL && !weights               ? "--k"
                          : paths->v == NULL                           ? "--v"
                          : paths->out == NULL                         ? "--out"
                          : id == FAMILY_LISTS && paths->lists == NULL ? "--lists"
                                                                       : NULL;
    if (missing != NULL) {
        say_error("%s is required", missing);
        return false;
    }
    if (weights && (paths->q != NULL || paths->k != NULL)) {
        say_error("--weights stands in place of --q and --k");
        return false;
    }
    if (weights && paths->extra_k != NULL) {
        say_error("--weights has none for keys of --extra-k");
        return false;
    }
    if ((paths->extra_k == NULL) != (paths->extra_v == NULL)) {
        say_error("--extra-k and --extra-v go together");
        return false;
    }
    if (paths->lse != NULL && strcmp(paths->lse, paths->out) == 0) {
        say_error("--out and --lse name the same file");
        return false;
    }
    return true;
}

/* ---- Reading ---- */

static bool read_tensor(const char *path, uint32_t min_rank, uint32_t max_rank, const char *axes,
                        npy_array *out) {
    char reason[NPY_REASON];
    if (!npy_read(path, out, reason)) {
        say_error("%s: %s", path, reason);
        return false;
    }
    if (out->rank < min_rank || out->rank > max_rank) {
        char shape[128];
        npy_shape_text(out, shape, sizeof shape);
        say_error("%s: rank %u, shape %s; needed is %s", path, out->rank, shape, axes);
        return false;
    }
    return true;
}

/* The library's dtype for q; the other tensors must have q's. */
static bool find_dtype(const run_paths *paths, const npy_array *q, vatten_dtype *out) {
    static const npy_dtype stored[] = {NPY_F32, NPY_F16, NPY_U16}; /* per dtype - VATTEN_DTYPE_F32 */
    if (paths->dtype == 0 && q->dtype == NPY_U16) {
        say_error("%s: dtype '<u2' is read as bf16, which needs --dtype bf16", paths->q);
        return false;
    }
    *out = paths->dtype != 0     ? (vatten_dtype)paths->dtype
           : q->dtype == NPY_F32 ? VATTEN_DTYPE_F32
                                 : VATTEN_DTYPE_F16;
    npy_dtype wanted = stored[*out - VATTEN_DTYPE_F32];
    if (q->dtype != wanted) {
        say_error("%s: dtype '%s', but --dtype %s needs '%s'", paths->q, npy_dtype_name(q->dtype),
                  family_dtype_name(*out), npy_dtype_name(wanted));
        return false;
    }
    return true;
}

/* Axis `a` of `tensor` must be as long as axis `b` of `other`. */
static bool same_axis(const char *path, const npy_array *tensor, uint32_t a, const char *other_path,
                      const npy_array *other, uint32_t b, const char *what) {
    if (tensor->shape[a] == other->shape[b])
        return true;
    char shape[128], other_shape[128];
    npy_shape_text(tensor, shape, sizeof shape);
    npy_shape_text(other, other_shape, sizeof other_shape);
    say_error("%s: shape %s does not match %s with shape %s: %s %llu is not %llu", path, shape, other_path,
              other_shape, what, (unsigned long long)tensor->shape[a], (unsigned long long)other->shape[b]);
    return false;
}

static bool same_dtype(const char *path, const npy_array *tensor, const char *other_path,
                       const npy_array *other) {
    if (tensor->dtype == other->dtype)
        return true;
    say_error("%s: dtype '%s' does not match %s with '%s'", path, npy_dtype_name(tensor->dtype), other_path,
              npy_dtype_name(other->dtype));
    return false;
}

/* v against the weights. */
static bool match_weights(const run_paths *paths, const run_tensors *t) {
    bool same = same_dtype(paths->v, &t->v, paths->weights, &t->q);
    for (uint32_t a = 0; same && a < t->q.rank - 2; ++a)
        same = same_axis(paths->v, &t->v, a, paths->weights, &t->q, a, a == 0 ? "batch" : "extent");
    return same;
}

/* k against q, v against k. Tokens are one axis for attention, the whole grid for neighborhood. */
static bool match_main(family_id id, const run_paths *paths, const run_tensors *t) {
    uint32_t rank = t->q.rank;
    if (!same_dtype(paths->k, &t->k, paths->q, &t->q) || !same_dtype(paths->v, &t->v, paths->q, &t->q))
        return false;
    if (!same_axis(paths->k, &t->k, 0, paths->q, &t->q, 0, "batch") ||
        !same_axis(paths->k, &t->k, rank - 1, paths->q, &t->q, rank - 1, "dim"))
        return false;
    for (uint32_t a = 1; id == FAMILY_NEIGHBORHOOD && a < rank - 2; ++a) {
        if (!same_axis(paths->k, &t->k, a, paths->q, &t->q, a, "extent"))
            return false;
    }
    for (uint32_t a = 0; a < rank - 1; ++a) {
        const char *what = a == 0 ? "batch" : a == rank - 2 ? "heads" : "tokens";
        if (!same_axis(paths->v, &t->v, a, paths->k, &t->k, a, what))
            return false;
    }
    return true;
}

static bool match_extra(const run_paths *paths, const run_tensors *t) {
    uint32_t rank = t->q.rank;
    const npy_array *k = &t->extra_k, *v = &t->extra_v;
    return same_dtype(paths->extra_k, k, paths->q, &t->q) && same_dtype(paths->extra_v, v, paths->q, &t->q) &&
           same_axis(paths->extra_k, k, 0, paths->k, &t->k, 0, "batch") &&
           same_axis(paths->extra_k, k, 2, paths->k, &t->k, rank - 2, "heads") &&
           same_axis(paths->extra_k, k, 3, paths->k, &t->k, rank - 1, "dim") &&
           same_axis(paths->extra_v, v, 0, paths->extra_k, k, 0, "batch") &&
           same_axis(paths->extra_v, v, 1, paths->extra_k, k, 1, "tokens") &&
           same_axis(paths->extra_v, v, 2, paths->extra_k, k, 2, "heads") &&
           same_axis(paths->extra_v, v, 3, paths->v, &t->v, rank - 1, "dim");
}

static bool narrow(const char *path, const char *what, uint64_t value, uint32_t *out) {
    if (value > UINT32_MAX) {
        say_error("%s: %s %llu is out of range", path, what, (unsigned long long)value);
        return false;
    }
    *out = (uint32_t)value;
    return true;
}

static bool make_shape(family_id id, const run_paths *paths, const run_tensors *t, family_shape *shape) {
    uint32_t rank = t->q.rank;
    shape->batch = t->q.shape[0];
    shape->q_len = t->q.shape[1];
    shape->kv_len = t->v.shape[1];
    shape->write_lse = paths->lse != NULL;
    shape->bias = paths->bias != NULL;
    shape->weights = paths->weights != NULL;
    if (id == FAMILY_NEIGHBORHOOD) {
        shape->rank = rank - 3;
        memcpy(shape->extent, t->q.shape + 1, shape->rank * sizeof *shape->extent);
        shape->extra_len = paths->extra_k != NULL ? t->extra_k.shape[1] : 0;
    }
    if (t->v.shape[rank - 1] == 0) { /* zero would mean "as dim" to the library */
        say_error("%s: the last axis has no elements", paths->v);
        return false;
    }
    return narrow(paths->q, "heads", t->q.shape[rank - 2], &shape->heads) &&
           narrow(paths->v, "heads", t->v.shape[rank - 2], &shape->kv_heads) &&
           (shape->weights || narrow(paths->q, "dim", t->q.shape[rank - 1], &shape->dim)) &&
           narrow(paths->v, "dim", t->v.shape[rank - 1], &shape->value_dim);
}

/* The weights take q's place. */
static bool load_weights(const run_paths *paths, run_tensors *t, vatten_dtype *dtype) {
    run_paths named = *paths;
    named.q = paths->weights;
    return read_tensor(paths->weights, 4, 6, "[batch, 1 to 3 axes, heads, keys of a window]", &t->q) &&
           find_dtype(&named, &t->q, dtype) &&
           read_tensor(paths->v, t->q.rank, t->q.rank,
                       "the rank of the weights: [batch, axes, kv heads, dim]", &t->v) &&
           match_weights(paths, t);
}

static bool load_main(family_id id, const run_paths *paths, run_tensors *t, vatten_dtype *dtype) {
    bool grid = id == FAMILY_NEIGHBORHOOD;
    const char *axes = grid ? "[batch, 1 to 3 axes, heads, dim]" : "[batch, tokens, heads, dim]";
    const char *as_q = grid ? "the rank of q: [batch, axes, kv heads, dim]" : axes;
    return read_tensor(paths->q, 4, grid ? 6 : 4, axes, &t->q) && find_dtype(paths, &t->q, dtype) &&
           read_tensor(paths->k, t->q.rank, t->q.rank, as_q, &t->k) &&
           read_tensor(paths->v, t->q.rank, t->q.rank, as_q, &t->v) && match_main(id, paths, t);
}

static bool load_bias(const run_paths *paths, run_tensors *t) {
    uint32_t rank = t->q.rank - 2;
    if (!read_tensor(paths->bias, rank, rank, "[heads, 2 window - 1 per axis]", &t->bias))
        return false;
    if (t->bias.dtype != NPY_F32)
        say_error("%s: dtype '%s', biases are '<f4'", paths->bias, npy_dtype_name(t->bias.dtype));
    return t->bias.dtype == NPY_F32;
}

static bool load_lists(const run_paths *paths, run_tensors *t) {
    if (!read_tensor(paths->lists, 4, 4, "[batch or 1, list heads, rows, words of a list]", &t->lists))
        return false;
    if (t->lists.dtype != NPY_U32)
        say_error("%s: dtype '%s', lists are '<u4'", paths->lists, npy_dtype_name(t->lists.dtype));
    return t->lists.dtype == NPY_U32;
}

static bool lists_misfit(const run_paths *paths, const npy_array *lists, const char *what, uint64_t got,
                         uint64_t wanted) {
    char shape[128];
    npy_shape_text(lists, shape, sizeof shape);
    say_error("%s: shape %s: %s %llu, wanted %llu", paths->lists, shape, what, (unsigned long long)got,
              (unsigned long long)wanted);
    return false;
}

bool run_lists_shape(const run_paths *paths, const run_tensors *tensors, const family_options *options,
                     family_shape *shape) {
    const npy_array *lists = &tensors->lists;
    const uint64_t batch = lists->shape[0], rows = lists->shape[2], words = lists->shape[3];
    const uint64_t front = family_front_words(options), each = family_entry_words(options);
    if (batch != 1 && batch != shape->batch)
        return lists_misfit(paths, lists, "batch", batch, shape->batch);
    if (options->list_kind != VATTEN_LIST_RANGES && options->q_block != 0) {
        uint64_t wanted = (shape->q_len + options->q_block - 1) / options->q_block;
        if (rows != wanted)
            return lists_misfit(paths, lists, "rows", rows, wanted);
    }
    if (lists->bytes == 0 || words < front + each || (words - front) % each != 0) {
        say_error("%s: a list of %llu words is not %llu in front and whole entries of %llu", paths->lists,
                  (unsigned long long)words, (unsigned long long)front, (unsigned long long)each);
        return false;
    }
    shape->list_rows = rows;
    if (batch != shape->batch) { /* all entries of the batch go by the one that there is */
        shape->list_strides.head = (int64_t)(rows * words);
        shape->list_strides.token = (int64_t)words;
    }
    return narrow(paths->lists, "list heads", lists->shape[1], &shape->list_heads) &&
           narrow(paths->lists, "entries", (words - front) / each, &shape->list_entries);
}

static bool as_large(const char *path, const npy_array *array, uint64_t bytes, const char *axes) {
    char shape[128];
    if (bytes == array->bytes)
        return true;
    npy_shape_text(array, shape, sizeof shape);
    say_error("%s: shape %s holds %zu bytes; %s has %llu", path, shape, array->bytes, axes,
              (unsigned long long)bytes);
    return false;
}

bool run_scores_fit(const run_paths *paths, const run_tensors *tensors, const vatten_plan_info *info) {
    return (!paths->lists || as_large(paths->lists, &tensors->lists, info->lists_bytes,
                                      "[batch or 1, list heads, rows, words of a list]")) &&
           (!paths->bias ||
            as_large(paths->bias, &tensors->bias, info->bias_bytes, "[heads, 2 window - 1 per axis]")) &&
           (!paths->weights ||
            as_large(paths->weights, &tensors->q, info->q_bytes, "[batch, axes, heads, keys of a window]"));
}

bool run_tensors_load(family_id id, const run_paths *paths, run_tensors *out_tensors,
                      family_shape *out_shape) {
    run_tensors *t = out_tensors;
    memset(t, 0, sizeof *t);
    memset(out_shape, 0, sizeof *out_shape);
    if (paths->weights != NULL ? !load_weights(paths, t, &out_shape->dtype)
                               : !load_main(id, paths, t, &out_shape->dtype))
        return false;
    if ((paths->bias != NULL && !load_bias(paths, t)) || (paths->lists != NULL && !load_lists(paths, t)))
        return false;
    if (paths->extra_k != NULL) {
        const char *extra_axes = "[batch, extra, kv heads, dim]";
        if (!read_tensor(paths->extra_k, 4, 4, extra_axes, &t->extra_k) ||
            !read_tensor(paths->extra_v, 4, 4, extra_axes, &t->extra_v) || !match_extra(paths, t))
            return false;
    }
    return make_shape(id, paths, t, out_shape);
}

void run_tensors_free(run_tensors *tensors) {
    npy_free(&tensors->q);
    npy_free(&tensors->k);
    npy_free(&tensors->v);
    npy_free(&tensors->extra_k);
    npy_free(&tensors->extra_v);
    npy_free(&tensors->bias);
    npy_free(&tensors->lists);
}

/* ---- Writing ---- */

static bool allocate(npy_array *array) {
    uint64_t bytes = npy_dtype_size(array->dtype);
    for (uint32_t a = 0; a < array->rank; ++a) {
        if (array->shape[a] != 0 && bytes > (uint64_t)PTRDIFF_MAX / array->shape[a])
            bytes = (uint64_t)PTRDIFF_MAX;
        else
            bytes *= array->shape[a];
    }
    array->bytes = (size_t)bytes;
    array->data = malloc(array->bytes + 1);
    if (array->data == NULL)
        say_error("out of memory: %llu bytes", (unsigned long long)bytes);
    return array->data != NULL;
}

bool run_out_array(const run_tensors *tensors, npy_array *out_array) {
    *out_array = tensors->q;
    out_array->shape[out_array->rank - 1] = tensors->v.shape[tensors->v.rank - 1];
    return allocate(out_array);
}

bool run_lse_array(family_id id, const family_shape *shape, npy_array *out_array) {
    npy_array array = {
        .dtype = NPY_F32, .rank = 3, .shape = {shape->batch, shape->heads, family_tokens(id, shape)}};
    *out_array = array;
    return allocate(out_array);
}

bool run_outputs_write(const run_paths *paths, const npy_array *out, const npy_array *lse) {
    const char *path = paths->out;
    char reason[NPY_REASON];
    char *staged_out = NULL, *staged_lse = NULL;
    bool ok = npy_stage(path, out, &staged_out, reason);
    if (ok && paths->lse != NULL)
        ok = npy_stage(path = paths->lse, lse, &staged_lse, reason);
    if (ok) {
        ok = staged_commit(path = paths->out, staged_out, reason);
        staged_out = NULL;
    }
    if (ok && staged_lse != NULL) {
        ok = staged_commit(path = paths->lse, staged_lse, reason);
        staged_lse = NULL;
        if (!ok)
            remove(paths->out);
    }
    staged_discard(staged_out);
    staged_discard(staged_lse);
    if (!ok)
        say_error("%s: %s", path, reason);
    return ok;
}
