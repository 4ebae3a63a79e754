/* SPDX-License-Identifier: MIT */
#include "bench_sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"

#define FIELD(member) offsetof(sweep_options, member)

/* Of all families. */
#define HEAD_ROWS                                                                                            \
    {"dims", OPTION_INTS, FIELD(dims), "N,...", "default 64"},                                               \
        {"heads", OPTION_INTS, FIELD(heads), "N,...", "query heads, default 8"},                             \
        {"kv-heads", OPTION_INTS, FIELD(kv_heads), "N,...", "default 0: as heads"},                          \
        {"dtypes", OPTION_CHOICES, FIELD(dtypes), FAMILY_DTYPE_WORDS, "default f32"},                        \
        {"batch", OPTION_U64, FIELD(batch), "N", "default 1"}, {                                             \
        "lse", OPTION_FLAG, FIELD(lse), NULL, "also write and check the log-sum-exp"                         \
    }

/* Of all families but neighborhoods. */
#define LENGTH_ROWS                                                                                          \
    {"lens", OPTION_SHAPES, FIELD(lens), "QxK,...", "query x key tokens; one number: both"}, {               \
        "causal", OPTION_CHOICES, FIELD(causal), FAMILY_CAUSAL_WORDS, "default none"                         \
    }

/* Of lists, and of what selects them. */
#define BLOCK_ROWS                                                                                           \
    {"q-blocks", OPTION_INTS, FIELD(q_blocks), "N,...", "queries that share a list"},                        \
        {"kv-blocks", OPTION_INTS, FIELD(kv_blocks), "N,...", "keys of a block"}, {                          \
        "entries", OPTION_INTS, FIELD(entries), "N,...", "blocks of a list, at most"                         \
    }

static const option_spec attention_lists[] = {
    LENGTH_ROWS,
    HEAD_ROWS,
    {"window", OPTION_INTS, FIELD(family.dense_window), "LEFT,RIGHT", "of all problems; default: none"},
    {"prefix", OPTION_U64, FIELD(family.prefix), "N", "of all problems; default 0"},
};

static const option_spec neighborhood_lists[] = {
    {"extents", OPTION_SHAPES, FIELD(extents), "AxBxC,...", "grids of 1 to 3 axes"},
    {"windows", OPTION_SHAPES, FIELD(windows), "AxBxC,...", "one number: all axes"},
    {"strides", OPTION_SHAPES, FIELD(strides), "AxBxC,...", "default 1"},
    {"dilations", OPTION_SHAPES, FIELD(dilations), "AxBxC,...", "default 1"},
    {"causal", OPTION_CHOICES, FIELD(causal), "none|all", "on no axis or on all, default none"},
    HEAD_ROWS,
    {"extra-len", OPTION_U64, FIELD(extra_len), "N", "extra keys of all problems, default 0"},
};

static const option_spec block_lists[] = {LENGTH_ROWS, BLOCK_ROWS, HEAD_ROWS};

static const option_spec selected_lists[] = {
    LENGTH_ROWS,
    BLOCK_ROWS,
    HEAD_ROWS,
    {"list-heads", OPTION_U32, FIELD(family.selection.list_heads), "N",
     "heads that have lists, of all problems; default: all"},
    {"own", OPTION_FLAG, FIELD(family.selection.own), NULL, "the blocks that hold the row's tokens are in"},
    {"first", OPTION_U32, FIELD(family.selection.first), "N", "so are the first N blocks"},
    {"execution", OPTION_CHOICE, FIELD(family.execution), "auto|union|gather",
     "where each query has blocks of its own; default: by size"},
};

option_table sweep_table(family_id id, sweep_options *options) {
#define LISTS(specs)                                                                                         \
    { "lists, multiplied out", specs, sizeof specs / sizeof *specs, options }
    const option_table tables[FAMILY_COUNT] = {
        [FAMILY_ATTENTION] = LISTS(attention_lists),
        [FAMILY_NEIGHBORHOOD] = LISTS(neighborhood_lists),
        [FAMILY_LISTS] = LISTS(block_lists),
        [FAMILY_SPARSE] = LISTS(selected_lists),
    };
#undef LISTS
    return tables[id];
}

bool sweep_has_lists(const sweep_options *options) {
    const sweep_options *o = options;
    return o->lens.count + o->extents.count + o->q_blocks.count + o->kv_blocks.count + o->entries.count +
               o->dims.count + o->heads.count + o->kv_heads.count + o->dtypes.count + o->causal.count !=
           0;
}

void sweep_free(bench_list *list) {
    free(list->items);
    memset(list, 0, sizeof *list);
}

static bool append(bench_list *list, const bench_problem *problem) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 64 : 2 * list->capacity;
        bench_problem *items = realloc(list->items, capacity * sizeof *items);
        if (items == NULL) {
            say_error("out of memory");
            return false;
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *problem;
    return true;
}

/* ---- Names ---- */

static size_t add_sizes(char *out, size_t used, size_t out_size, const char *lead, const int64_t *sizes,
                        uint32_t rank) {
    for (uint32_t a = 0; a < rank && used < out_size; ++a)
        used +=
            (size_t)snprintf(out + used, out_size - used, "%s%lld", a == 0 ? lead : "x", (long long)sizes[a]);
    return used;
}

static size_t add_heads(const bench_problem *p, char *out, size_t size) {
    const family_shape *s = &p->shape;
    size_t used = (size_t)snprintf(out, size, "%s %s D%u H%u", family_name(p->id),
                                   family_dtype_name(s->dtype), s->dim, s->heads);
    if (s->kv_heads != s->heads)
        used += (size_t)snprintf(out + used, size - used, "/%u", s->kv_heads);
    if (s->batch != 1)
        used += (size_t)snprintf(out + used, size - used, " B%llu", (unsigned long long)s->batch);
    return used;
}

static size_t add_lengths(const bench_problem *p, char *out, size_t used, size_t size) {
    return used + (size_t)snprintf(out + used, size - used, " %llux%llu", (unsigned long long)p->shape.q_len,
                                   (unsigned long long)p->shape.kv_len);
}

static void add_diagonal(const bench_problem *p, char *out, size_t used, size_t size) {
    const option_ints *window = &p->options.dense_window;
    if (window->count == 2)
        used += (size_t)snprintf(out + used, size - used, " w%lld,%lld", (long long)window->value[0],
                                 (long long)window->value[1]);
    if (p->options.prefix != 0)
        snprintf(out + used, size - used, " prefix %llu", (unsigned long long)p->options.prefix);
}

static void add_grid(const bench_problem *p, char *out, size_t used, size_t size) {
    const family_shape *s = &p->shape;
    int64_t extent[3] = {(int64_t)s->extent[0], (int64_t)s->extent[1], (int64_t)s->extent[2]};
    used = add_sizes(out, used, size, " ", extent, s->rank);
    used = add_sizes(out, used, size, " w", p->options.window.value, s->rank);
    used = add_sizes(out, used, size, " s", p->options.stride.value, s->rank);
    used = add_sizes(out, used, size, " d", p->options.dilation.value, s->rank);
    if (s->extra_len != 0 && used < size)
        snprintf(out + used, size - used, " extra %llu", (unsigned long long)s->extra_len);
}

/* "64x128 top 8": queries and keys of blocks, and how many a list has; "any" where they are drawn. */
static void add_blocks(const bench_problem *p, char *out, size_t used, size_t size) {
    static const char *const executions[] = {"", " union", " gather"};
    const family_options *o = &p->options;
    bool drawn = p->id == FAMILY_LISTS;
    used += (size_t)snprintf(out + used, size - used, " %ux%u %s %u", o->q_block, o->kv_block,
                             drawn ? "any" : "top", drawn ? p->shape.list_entries : o->selection.entries);
    if (o->selection.list_heads != 0)
        used += (size_t)snprintf(out + used, size - used, " of %u", o->selection.list_heads);
    if (o->selection.first != 0)
        used += (size_t)snprintf(out + used, size - used, " first %u", o->selection.first);
    snprintf(out + used, size - used, "%s%s", o->selection.own ? " own" : "", executions[o->execution]);
}

static void name_problem(bench_problem *p, const char *causal) {
    char *out = p->dense_name;
    const size_t size = sizeof p->dense_name;
    size_t used = add_heads(p, out, size);
    if (p->id != FAMILY_NEIGHBORHOOD)
        used = add_lengths(p, out, used, size);
    if (p->id == FAMILY_NEIGHBORHOOD)
        add_grid(p, out, used, size);
    else if (p->id == FAMILY_ATTENTION)
        add_diagonal(p, out, used, size);
    else
        add_blocks(p, out, used, size);
    snprintf(p->name, sizeof p->name, p->causal ? "%.120s causal %s" : "%.120s", p->dense_name, causal);
}

/* ---- Expansion: one digit per list, counted through like a number ---- */

typedef struct digit {
    size_t count;
    size_t at;
} digit;

static bool count_up(digit *digits, size_t digit_count) {
    for (size_t i = digit_count; i-- > 0;) {
        if (++digits[i].at < digits[i].count)
            return true;
        digits[i].at = 0;
    }
    return false;
}

static size_t at_least_one(size_t count) {
    return count == 0 ? 1 : count;
}

static int64_t pick(const option_ints *list, const digit *d, int64_t missing) {
    return list->count == 0 ? missing : list->value[d->at];
}

/* Item of a list as one value per axis; a single number counts for all axes. False if its rank is another. */
static bool pick_axes(const option_shapes *list, const digit *d, uint32_t rank, int64_t missing,
                      option_ints *out) {
    bool single = list->count == 0 || list->rank[d->at] == 1;
    if (!single && list->rank[d->at] != rank)
        return false;
    out->count = rank;
    for (uint32_t a = 0; a < rank; ++a)
        out->value[a] = list->count == 0 ? missing : (int64_t)list->part[d->at][single ? 0 : a];
    return true;
}

enum {
    DIGIT_GEOMETRY,
    DIGIT_WINDOW,
    DIGIT_STRIDE,
    DIGIT_DILATION,
    DIGIT_Q_BLOCK,
    DIGIT_KV_BLOCK,
    DIGIT_ENTRIES,
    DIGIT_DIM,
    DIGIT_HEADS,
    DIGIT_KV,
    DIGIT_DTYPE,
    DIGIT_CAUSAL,
    DIGITS
};

static bool small(const char *name, int64_t value, uint32_t *out) {
    if (value < 0 || value > UINT32_MAX) {
        say_error("--%s: %lld is out of range", name, (long long)value);
        return false;
    }
    *out = (uint32_t)value;
    return true;
}

static bool set_heads(const sweep_options *o, const digit *d, bench_problem *p) {
    family_shape *s = &p->shape;
    s->dtype = (vatten_dtype)(VATTEN_DTYPE_F32 + pick(&o->dtypes, &d[DIGIT_DTYPE], 0));
    s->batch = o->batch;
    s->write_lse = o->lse;
    if (!small("dims", pick(&o->dims, &d[DIGIT_DIM], 64), &s->dim) ||
        !small("heads", pick(&o->heads, &d[DIGIT_HEADS], 8), &s->heads) ||
        !small("kv-heads", pick(&o->kv_heads, &d[DIGIT_KV], 0), &s->kv_heads))
        return false;
    s->value_dim = s->dim;
    if (s->kv_heads == 0)
        s->kv_heads = s->heads;
    return true;
}

static bool set_blocks(const sweep_options *o, const digit *d, bench_problem *p) {
    uint32_t *entries = &p->options.selection.entries;
    bool good = small("q-blocks", pick(&o->q_blocks, &d[DIGIT_Q_BLOCK], 0), &p->options.q_block) &&
                small("kv-blocks", pick(&o->kv_blocks, &d[DIGIT_KV_BLOCK], 0), &p->options.kv_block) &&
                small("entries", pick(&o->entries, &d[DIGIT_ENTRIES], 0), entries);
    p->shape.list_entries = *entries;
    return good;
}

static void set_lengths(const sweep_options *o, const digit *d, bench_problem *p) {
    static const char *const words[] = {"", "last", "first"};
    size_t at = d[DIGIT_GEOMETRY].at;
    p->shape.q_len = o->lens.part[at][0];
    p->shape.kv_len = o->lens.part[at][o->lens.rank[at] - 1];
    p->options.dense_causal = (int)pick(&o->causal, &d[DIGIT_CAUSAL], FAMILY_CAUSAL_NONE);
    p->causal = p->options.dense_causal != FAMILY_CAUSAL_NONE;
    name_problem(p, words[p->options.dense_causal]);
}

/* False when the lists' ranks do not fit together: such a combination is left out. */
static bool set_neighborhood(const sweep_options *o, const digit *d, bench_problem *p) {
    size_t at = d[DIGIT_GEOMETRY].at;
    uint32_t rank = o->extents.rank[at];
    p->shape.rank = rank;
    memcpy(p->shape.extent, o->extents.part[at], sizeof p->shape.extent);
    p->shape.extra_len = o->extra_len;
    p->causal = pick(&o->causal, &d[DIGIT_CAUSAL], 0) == 1;
    p->options.causal.count = rank;
    for (uint32_t a = 0; a < rank; ++a)
        p->options.causal.value[a] = p->causal;
    if (!pick_axes(&o->windows, &d[DIGIT_WINDOW], rank, 0, &p->options.window) ||
        !pick_axes(&o->strides, &d[DIGIT_STRIDE], rank, 1, &p->options.stride) ||
        !pick_axes(&o->dilations, &d[DIGIT_DILATION], rank, 1, &p->options.dilation))
        return false;
    name_problem(p, "all");
    return true;
}

static bool lists_fit(family_id id, const sweep_options *o) {
    bool grid = id == FAMILY_NEIGHBORHOOD, blocks = id == FAMILY_LISTS || id == FAMILY_SPARSE;
    const char *missing = !grid && o->lens.count == 0         ? "--lens"
                          : grid && o->extents.count == 0     ? "--extents"
                          : grid && o->windows.count == 0     ? "--windows"
                          : blocks && o->q_blocks.count == 0  ? "--q-blocks"
                          : blocks && o->kv_blocks.count == 0 ? "--kv-blocks"
                          : blocks && o->entries.count == 0   ? "--entries"
                                                              : NULL;
    if (missing != NULL) {
        say_error("%s is required for %s", missing, family_name(id));
        return false;
    }
    for (size_t i = 0; i < o->lens.count; ++i) {
        if (o->lens.rank[i] > 2) {
            say_error("--lens: a pair such as 1024x4096 is wanted");
            return false;
        }
    }
    return true;
}

bool sweep_expand(family_id id, const sweep_options *o, bench_list *list) {
    if (!lists_fit(id, o))
        return false;
    bool grid = id == FAMILY_NEIGHBORHOOD;
    digit d[DIGITS] = {
        [DIGIT_GEOMETRY] = {.count = grid ? o->extents.count : o->lens.count},
        [DIGIT_WINDOW] = {.count = at_least_one(o->windows.count)},
        [DIGIT_STRIDE] = {.count = at_least_one(o->strides.count)},
        [DIGIT_DILATION] = {.count = at_least_one(o->dilations.count)},
        [DIGIT_Q_BLOCK] = {.count = at_least_one(o->q_blocks.count)},
        [DIGIT_KV_BLOCK] = {.count = at_least_one(o->kv_blocks.count)},
        [DIGIT_ENTRIES] = {.count = at_least_one(o->entries.count)},
        [DIGIT_DIM] = {.count = at_least_one(o->dims.count)},
        [DIGIT_HEADS] = {.count = at_least_one(o->heads.count)},
        [DIGIT_KV] = {.count = at_least_one(o->kv_heads.count)},
        [DIGIT_DTYPE] = {.count = at_least_one(o->dtypes.count)},
        [DIGIT_CAUSAL] = {.count = at_least_one(o->causal.count)},
    };
    do {
        bench_problem problem = {.id = id, .options = o->family};
        if (!set_heads(o, d, &problem) || !set_blocks(o, d, &problem))
            return false;
        bool fits = true;
        if (grid)
            fits = set_neighborhood(o, d, &problem);
        else
            set_lengths(o, d, &problem);
        if (fits && !append(list, &problem))
            return false;
    } while (count_up(d, DIGITS));
    if (list->count == 0)
        say_error("no window, stride or dilation has the rank of an extent");
    return list->count != 0;
}

/* ---- Suites ---- */

enum { SUITE_WORDS = 32, SUITE_BYTES = 256 };

static bool expand_line(const char *line, const sweep_options *base, bench_list *list) {
    char text[SUITE_BYTES];
    char *words[SUITE_WORDS] = {NULL};
    int count = 0;
    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok(text, " "); word != NULL && count < SUITE_WORDS - 1; word = strtok(NULL, " "))
        words[count++] = word;
    sweep_options options = {.family = base->family, .batch = 1};
    family_id id = FAMILY_ATTENTION;
    if (!family_find(words[0], &id))
        return false;
    const option_table table = sweep_table(id, &options);
    return options_parse(count, words, &table, 1) == OPTIONS_PARSED && sweep_expand(id, &options, list);
}

bool sweep_expand_suite(const bench_entry *suite, const sweep_options *base, bench_list *list) {
    for (size_t i = 0; i < BENCH_SUITE_LINES && suite->lines[i] != NULL; ++i) {
        if (!expand_line(suite->lines[i], base, list))
            return false;
    }
    return true;
}

bool sweep_problems(family_id id, bool family_named, const bench_entry *suite, const sweep_options *options,
                    bench_list *list) {
    if (suite != NULL)
        return sweep_expand_suite(suite, options, list);
    if (family_named || sweep_has_lists(options))
        return sweep_expand(id, options, list);
    return sweep_expand_suite(bench_suites_at(0), options, list);
}
