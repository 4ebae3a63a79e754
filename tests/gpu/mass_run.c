/* SPDX-License-Identifier: MIT
 *
 * What mass must give, told from whole rows of probabilities.
 */
#include "mass_run.h"

#include "gpu_dense.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A case on the device, and what is to come: NaN where nothing is to be written. */
typedef struct work {
    gpu *g;
    const mass_case *c;
    gpu_trial trial;
    ref_problem reference;
    ref_dense_rule dense;
    ref_grid_rule grid;
    gpu_region out, input;
    vatten_plan *plan;
    vatten_plan_info info;
    uint64_t heads, entries, bins, block;
    double *want, *widen; /* what makes larger errors right */
    uint64_t count;
} work;

static const vatten_attention_desc *attention(const work *w) {
    return &w->c->problem.dense;
}

static bool is(const work *w, vatten_mass_kind kind) {
    return w->c->desc.kind == kind;
}

static bool packed(const work *w) {
    return attention(w)->lengths == VATTEN_LENGTHS_PACKED;
}

static uint64_t draw(const work *w, uint64_t i, uint64_t count) {
    double unit = ((double)ref_random(w->c->problem.seed + 4242, i) / 1.7320509 + 1.0) / 2.0;
    uint64_t number = (uint64_t)(unit * (double)count);
    return number < count ? number : count - 1;
}

/* ---- Inputs ---- */

/* Ids in runs of any length, some of no segment; rows in any order, some not there. */
static uint32_t word_of(const work *w, uint64_t i) {
    if (w->c->words) {
        return w->c->words[i];
    }
    if (is(w, VATTEN_MASS_ROWS)) {
        return i == 1 ? UINT32_MAX : (uint32_t)draw(w, i, attention(w)->q_len);
    }
    return (uint32_t)draw(w, i / 5, w->c->desc.segments + 1);
}

static float weight_of(const work *w, uint64_t i) {
    return ref_random(w->c->problem.seed + 77, i);
}

static bool fill_input(work *w) {
    bool weighted = w->info.weights_bytes != 0;
    uint64_t bytes = w->info.weights_bytes + w->info.lists_bytes;
    if (!gpu_region_create(w->g, &w->input, GPU_LISTS, bytes, w->info.offset_alignment)) {
        return false;
    }
    for (uint64_t i = 0; i < bytes / 4; ++i) {
        float weight = weight_of(w, i);
        uint32_t word = weighted ? 0 : word_of(w, i);
        memcpy(w->input.image + w->input.offset + 4 * i,
               weighted ? (const void *)&weight : (const void *)&word, 4);
    }
    return true;
}

/* ---- What is to come ---- */

static uint64_t entries_of(const work *w) {
    bool sequences = packed(w) && attention(w)->page_size;
    return sequences && is(w, VATTEN_MASS_COLUMNS) ? attention(w)->sequences : attention(w)->heads.batch;
}

static uint64_t rows_of(const work *w) {
    const vatten_mass_desc *d = &w->c->desc;
    return is(w, VATTEN_MASS_COLUMNS) ? attention(w)->kv_len
           : is(w, VATTEN_MASS_ROWS)  ? d->rows
                                      : attention(w)->q_len;
}

static uint64_t bins_of(const work *w) {
    const vatten_mass_desc *d = &w->c->desc;
    uint64_t keys = attention(w)->kv_len;
    return is(w, VATTEN_MASS_SEGMENTS)    ? d->segments
           : is(w, VATTEN_MASS_ROWS)      ? keys
           : is(w, VATTEN_MASS_BLOCK_MAX) ? (keys + d->block - 1) / d->block
                                          : 1;
}

static bool make_room(work *w) {
    const vatten_heads *h = &attention(w)->heads;
    w->entries = entries_of(w);
    w->heads = is(w, VATTEN_MASS_COLUMNS) && w->c->desc.kv_heads ? h->kv_heads : h->heads;
    w->bins = bins_of(w);
    w->count = w->entries * w->heads * rows_of(w) * w->bins;
    w->want = malloc(w->count * sizeof *w->want);
    w->widen = malloc(w->count * sizeof *w->widen);
    bool filled = is(w, VATTEN_MASS_COLUMNS) || is(w, VATTEN_MASS_ROWS);
    for (uint64_t i = 0; w->want && w->widen && i < w->count; ++i) {
        w->want[i] = filled ? 0.0 : (double)NAN;
        w->widen[i] = 1.0;
    }
    return w->want && w->widen;
}

static uint64_t id_of(const work *w, const ref_entry *entry, uint64_t b, uint64_t key) {
    const vatten_attention_desc *a = attention(w);
    if (a->masks & VATTEN_MASK_SEGMENTS) {
        return w->trial.more.kv_segments[(a->mask_batch ? b : 0) * a->kv_len + key];
    }
    uint64_t batch = packed(w) && a->page_size ? entry->index : b;
    return word_of(w, (w->c->desc.segment_batch ? batch * a->kv_len : 0) + key);
}

static double weight_at(const work *w, uint64_t b, uint64_t h, uint64_t i) {
    const vatten_mass_strides *s = &w->c->desc.weights;
    const vatten_attention_desc *a = attention(w);
    bool own = s->batch || s->head || s->query;
    uint64_t at = own ? b * (uint64_t)s->batch + h * (uint64_t)s->head + i * (uint64_t)s->query
                      : (b * a->heads.heads + h) * a->q_len + i;
    return w->c->desc.weighted ? (double)weight_of(w, at) : 1.0;
}

static void add_columns(work *w, uint64_t b, uint64_t h, uint64_t i, const double *p) {
    const vatten_attention_desc *a = attention(w);
    ref_entry entry = ref_dense_entry(&w->reference, b, i);
    uint64_t own = w->c->desc.kv_heads ? h / (a->heads.heads / a->heads.kv_heads) : h;
    uint64_t batch = packed(w) && a->page_size ? entry.index : b, last = w->c->desc.last;
    double weight = weight_at(w, b, h, i);
    if (last && entry.query + last < entry.q_len) {
        return;
    }
    for (uint64_t j = 0; j < ref_key_count(&w->reference); ++j) {
        uint64_t at = (batch * w->heads + own) * a->kv_len + j;
        w->want[at] += weight * p[j];
        w->widen[at] += fabs(weight * p[j]);
    }
}

/* Numbers of a row of queries, or of ROWS. */
static void set_row(work *w, uint64_t b, uint64_t h, uint64_t i, const double *p, double *want) {
    ref_entry entry = ref_dense_entry(&w->reference, b, i);
    uint64_t keys = ref_key_count(&w->reference), first = entry.first_key;
    for (uint64_t n = 0; n < w->bins; ++n) {
        want[n] = 0.0;
    }
    for (uint64_t j = 0; j < keys; ++j) {
        uint64_t id = is(w, VATTEN_MASS_SEGMENTS) ? id_of(w, &entry, b, j) : 0;
        if (is(w, VATTEN_MASS_ENTROPY)) {
            want[0] -= p[j] > 0.0 ? p[j] * log(p[j]) : 0.0;
        } else if (is(w, VATTEN_MASS_ROWS)) {
            want[j] = p[j];
        } else if (is(w, VATTEN_MASS_SEGMENTS) && id < w->bins) {
            want[id] += p[j];
        } else if (is(w, VATTEN_MASS_BLOCK_MAX) && j >= first && (j - first) / w->c->desc.block < w->bins) {
            want[(j - first) / w->c->desc.block] = fmax(want[(j - first) / w->c->desc.block], p[j]);
        }
    }
    (void)h;
}

/* Which query row n of ROWS is; UINT64_MAX: none. */
static uint64_t asked(const work *w, uint64_t b, uint64_t n) {
    const vatten_mass_desc *d = &w->c->desc;
    const uint32_t *lengths = w->trial.more.q_lengths;
    uint64_t length = lengths && lengths[b] < w->trial.q_now ? lengths[b] : w->trial.q_now;
    uint64_t query = d->listed ? word_of(w, n) : length + n < d->rows ? UINT64_MAX : length + n - d->rows;
    return query < length ? query : UINT64_MAX;
}

static bool probabilities(const work *w, uint64_t b, uint64_t h, uint64_t i, double *p) {
    if (!gpu_row_used(&w->trial, b, i)) {
        return false;
    }
    ref_entry entry = ref_dense_entry(&w->reference, b, i);
    ref_probabilities(&w->reference, b, h, i, p);
    for (uint64_t j = 0; ref_dense_gain(&w->reference, &entry, h) == 0.0 && j < ref_key_count(&w->reference);
         ++j) {
        p[j] = 0.0;
    }
    return true;
}

/* Of a batch entry; one that is not to be trusted can do with any numbers. */
static gpu_trust trust_of(const work *w, uint64_t entry) {
    return gpu_trust_of(&w->c->problem, entry, 0, 0);
}

static void expect_of_trusted(work *w) {
    uint64_t of_entry = w->count / w->entries;
    for (uint64_t n = 0; n < w->count; ++n) {
        if (trust_of(w, n / of_entry) != GPU_RIGHT) {
            w->want[n] = 0.0;
            w->widen[n] = INFINITY;
        }
    }
}

static void expect(work *w, double *p) {
    uint64_t heads = attention(w)->heads.heads,
             rows = is(w, VATTEN_MASS_ROWS) ? w->c->desc.rows : w->trial.q_now;
    for (uint64_t n = 0; n < attention(w)->heads.batch * heads * rows; ++n) {
        uint64_t i = n % rows, h = n / rows % heads, b = n / rows / heads, row = i;
        if (is(w, VATTEN_MASS_ROWS)) {
            i = asked(w, b, i);
        }
        if (i == UINT64_MAX || trust_of(w, b) != GPU_RIGHT || !probabilities(w, b, h, i, p)) {
            continue;
        }
        if (is(w, VATTEN_MASS_COLUMNS)) {
            add_columns(w, b, h, i, p);
        } else {
            set_row(w, b, h, i, p, w->want + ((b * heads + h) * rows_of(w) + row) * w->bins);
        }
    }
    expect_of_trusted(w);
}

/* ---- Running ---- */

static const char *title(const work *w) {
    static char text[300];
    static const char *const kinds[] = {"?", "columns", "segments", "rows", "entropy", "block max"};
    snprintf(text, sizeof text, "%s, %s [%s, rows %u keys %u, %u dispatches]", w->c->problem.name,
             kinds[w->c->desc.kind], w->info.kernel, w->info.tile.rows, w->info.tile.keys,
             w->info.dispatches);
    return text;
}

static bool compare(work *w) {
    const uint8_t *seen = w->out.seen + w->out.offset, *image = w->out.image + w->out.offset;
    double each = is(w, VATTEN_MASS_ENTROPY) ? 1e-4 : 3e-5;
    for (uint64_t n = 0; n < w->count; ++n) {
        float got;
        memcpy(&got, seen + 4 * n, sizeof got);
        bool left = memcmp(seen + 4 * n, image + 4 * n, 4) == 0;
        bool good = isnan(w->want[n])    ? left
                    : isinf(w->widen[n]) ? left || isfinite(got)
                                         : fabs((double)got - w->want[n]) <= each * w->widen[n];
        if (!good) {
            gpu_fail(w->g, "%s: element %llu of %llu (rows of %llu) is %.9g, want %.9g", title(w),
                     (unsigned long long)n, (unsigned long long)w->count, (unsigned long long)w->bins,
                     (double)got, w->want[n]);
            return false;
        }
    }
    return true;
}

static bool run(work *w) {
    gpu_region regions[2] = {w->out, w->input};
    vatten_args args = w->trial.args;
    args.v = (vatten_buffer){0};
    args.out = gpu_region_buffer(&w->out);
    args.weights = args.lists = gpu_region_buffer(&w->input);
    uint8_t *first = malloc(w->out.total);
    bool good = first && gpu_regions_run(w->g, regions, 2, w->plan, &args, title(w));
    if (good && !w->c->problem.once) {
        memcpy(first, w->out.seen, w->out.total);
        good = gpu_regions_run(w->g, regions, 2, w->plan, &args, title(w));
    }
    if (good && !w->c->problem.once && memcmp(first, w->out.seen, w->out.total) != 0) {
        gpu_fail(w->g, "%s: a second run differs from the first", title(w));
        good = false;
    }
    free(first);
    return good;
}

static bool hold(work *w) {
    double *p = malloc((ref_key_count(&w->reference) + 1) * sizeof *p);
    bool good = p && make_room(w) && w->info.out_bytes == w->count * sizeof(float) && fill_input(w) &&
                gpu_region_create(w->g, &w->out, GPU_STATE, w->info.out_bytes, w->info.offset_alignment);
    if (!good) {
        gpu_fail(w->g, "%s: out has %llu bytes, not %llu", title(w), (unsigned long long)w->info.out_bytes,
                 (unsigned long long)(w->count * sizeof(float)));
    } else {
        expect(w, p);
        good = run(w) && compare(w);
    }
    free(p);
    return good;
}

static vatten_result create(work *w) {
    vatten_attention_desc a = *attention(w);
    vatten_mass_desc desc = w->c->desc;
    desc.attention = &a;
    a.heads.max_macs = w->c->max_macs ? w->c->max_macs : a.heads.max_macs;
    desc.tile = a.heads.tile;
    vatten_result result = vatten_mass_create(w->g->device, &desc, &w->plan);
    vatten_plan_get_info(w->plan, &w->info);
    return result;
}

bool mass_check(gpu *g, const mass_case *c) {
    work w = {.g = g, .c = c};
    gpu_problem problem = c->problem;
    uint64_t failures = g->failures;
    problem.once = true;
    if (!gpu_has_dtype(g, problem.dense.heads.dtype) || !gpu_has_layout(g, problem.dense.heads.tile.layout)) {
        return true;
    }
    bool good = gpu_trial_begin(g, &problem, &w.trial) == VATTEN_SUCCESS && gpu_trial_run(&w.trial);
    if (!good) {
        gpu_fail(g, "%s: the attention itself does not run: %s", problem.name, g->message);
    } else if (create(&w) != VATTEN_SUCCESS) {
        gpu_fail(g, "%s: create of kind %d: %s", problem.name, (int)c->desc.kind, g->message);
    } else {
        g->cases++;
        w.reference = gpu_reference(&w.trial, &w.dense, &w.grid);
        if (w.info.dispatches < c->dispatches) {
            gpu_fail(g, "%s: too few dispatches", title(&w));
        }
        hold(&w);
    }
    vatten_plan_destroy(w.plan);
    gpu_region_destroy(g, &w.out, GPU_STATE);
    gpu_region_destroy(g, &w.input, GPU_LISTS);
    gpu_trial_end(&w.trial);
    free(w.want);
    free(w.widen);
    gpu_check_validation(g, problem.name);
    return g->failures == failures;
}

bool mass_check_kinds(gpu *g, const gpu_problem *problem, vatten_layout layout) {
    uint64_t last = problem->dense.q_len < 3 ? problem->dense.q_len : 3;
    bool packs = problem->dense.lengths == VATTEN_LENGTHS_PACKED;
    bool grouped = problem->dense.heads.kv_heads < problem->dense.heads.heads;
    uint32_t segments = problem->dense.segments ? problem->dense.segments : 4;
    const vatten_mass_desc descs[] = {
        {.kind = VATTEN_MASS_COLUMNS, .kv_heads = grouped, .weighted = grouped},
        {.kind = VATTEN_MASS_COLUMNS, .last = last, .weighted = true, .weights = {.query = 1}},
        {.kind = VATTEN_MASS_SEGMENTS, .segments = segments},
        {.kind = VATTEN_MASS_ROWS, .rows = 5, .listed = true},
        {.kind = VATTEN_MASS_ROWS, .rows = packs ? 4 : last, .listed = packs},
        {.kind = VATTEN_MASS_ENTROPY},
        {.kind = VATTEN_MASS_BLOCK_MAX, .block = 7},
    };
    const unsigned count = sizeof descs / sizeof descs[0];
    bool good = true;
    for (unsigned n = gpu_first_of(g, count); n < count; n = gpu_next_of(g, n, count)) {
        mass_case c = {.problem = *problem, .desc = descs[n]};
        gpu_set_layout(g, &c.problem, layout, problem->small_tiles);
        good = mass_check(g, &c) && good;
    }
    return good;
}

bool mass_check_all(gpu *g, const gpu_problem *problem) {
    bool good = true;
    const vatten_layout layouts[] = {VATTEN_LAYOUT_ROWS, VATTEN_LAYOUT_SUBGROUP, VATTEN_LAYOUT_SHARED};
    const unsigned count = sizeof layouts / sizeof layouts[0];
    for (unsigned n = gpu_first_of(g, count); n < count; n = gpu_next_of(g, n, count)) {
        good = mass_check_kinds(g, problem, layouts[n]) && good;
    }
    return good;
}
