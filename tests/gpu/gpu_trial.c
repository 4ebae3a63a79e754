/* SPDX-License-Identifier: MIT
 *
 * Running a problem and holding what comes back against what must be true.
 */
#include "gpu_dense.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BRIEF_DISPATCHES 1000 /* of a problem, with VATTEN_TEST_BRIEF */

/* "name [kernel, tile]": what a failure is told about. */
static const char *title(const gpu_trial *trial) {
    static char text[320];
    const vatten_plan_info *info = &trial->info;
    snprintf(text, sizeof text, "%s [%s, workgroup %u rows %u keys %u lanes %u, %u dispatches]",
             trial->problem->name, info->kernel, info->tile.workgroup, info->tile.rows, info->tile.keys,
             info->tile.lanes_per_row, info->dispatches);
    return text;
}

static bool run_once(gpu_trial *trial) {
    vatten_result result =
        vatten_context_run(trial->owner->context, trial->plan, &trial->args, &trial->gpu_ms);
    if (result != VATTEN_SUCCESS) {
        gpu_fail(trial->owner, "%s: run gave %s: %s", title(trial), vatten_result_name(result),
                 trial->owner->message);
        return false;
    }
    return true;
}

/* What a record writes, and may be asked to write again with the same bits. */
static const gpu_slot bit_slots[GPU_BIT_SLOTS] = {GPU_OUT, GPU_LSE, GPU_STATE};

static uint8_t *seen_copy(gpu_region *region) {
    uint8_t *copy = malloc(region->total + 1);
    if (copy && region->memory && gpu_region_download(region)) {
        memcpy(copy, region->seen, region->total);
    }
    return copy;
}

bool gpu_bits_take(gpu_trial *trial, gpu_bits *out) {
    bool good = true;
    for (int n = 0; n < GPU_BIT_SLOTS; ++n) {
        out->of[n] = seen_copy(&trial->region[bit_slots[n]]);
        good = good && out->of[n];
    }
    return good;
}

bool gpu_bits_same(gpu_trial *trial, const gpu_bits *bits, const char *what) {
    for (int n = 0; n < GPU_BIT_SLOTS; ++n) {
        gpu_region *region = &trial->region[bit_slots[n]];
        if (region->memory &&
            (!gpu_region_download(region) || memcmp(region->seen, bits->of[n], region->total) != 0)) {
            gpu_fail(trial->owner, "%s: %s of %s differs from the first", title(trial),
                     gpu_slot_name(bit_slots[n]), what);
            return false;
        }
    }
    return true;
}

void gpu_bits_free(gpu_bits *bits) {
    for (int n = 0; n < GPU_BIT_SLOTS; ++n) {
        free(bits->of[n]);
    }
}

bool gpu_trial_rewind(gpu_trial *trial) {
    gpu_region *region = trial->region;
    bool good = gpu_region_upload(&region[GPU_WORKSPACE]) && gpu_region_upload(&region[GPU_TABLES]);
    for (int n = 0; n < GPU_BIT_SLOTS; ++n) {
        good = good && gpu_region_upload(&region[bit_slots[n]]);
    }
    return good;
}

bool gpu_trial_run(gpu_trial *trial) {
    if (!run_once(trial)) {
        return false;
    }
    if (trial->problem->once) {
        return true;
    }
    gpu_bits first = {{NULL}};
    bool good = gpu_bits_take(trial, &first) && gpu_trial_rewind(trial) && run_once(trial) &&
                gpu_bits_same(trial, &first, "a second run");
    gpu_bits_free(&first);
    return good;
}

gpu_trust gpu_trust_of(const gpu_problem *problem, uint64_t b, uint64_t head, uint64_t query) {
    return problem->trust ? problem->trust(problem->user, b, head, query) : GPU_RIGHT;
}

/* A row that may be left out, or hold anything, counts as 0. */
static bool is_excused(const gpu_trial *trial, gpu_slot slot, gpu_trust trust, uint64_t index) {
    const gpu_region *region = &trial->region[slot];
    uint64_t size = trial->view[slot].dtype == REF_F32 ? 4 : 2, at = region->offset + index * size;
    bool left = memcmp(region->seen + at, region->image + at, size) == 0;
    return trust == GPU_ANYTHING || (trust == GPU_FINITE && left);
}

/* Moves what the plan had to write out of `seen`, which then must equal `image` everywhere. */
static float *take_output(gpu_trial *trial, gpu_slot slot, bool heads_first) {
    gpu_region *region = &trial->region[slot];
    const gpu_view *view = &trial->view[slot];
    uint64_t count = view->batch * view->tokens * view->heads * view->dim;
    float *values = calloc(count + 1, sizeof *values);

    for (uint64_t i = 0; values && i < count; ++i) {
        uint64_t d = i % view->dim, rest = i / view->dim;
        uint64_t inner = heads_first ? view->tokens : view->heads,
                 outer = heads_first ? view->heads : view->tokens;
        uint64_t x = rest % inner, y = rest / inner % outer, b = rest / inner / outer;
        uint64_t index = heads_first ? gpu_view_index(view, b, x, y, d) : gpu_view_index(view, b, y, x, d);
        if (!gpu_row_used(trial, b, heads_first ? x : y)) {
            continue;
        }
        gpu_trust trust = gpu_trust_of(trial->problem, b, heads_first ? y : x, heads_first ? x : y);
        values[i] = is_excused(trial, slot, trust, index) ? 0.0f : gpu_region_read(region, view, index);
        gpu_region_restore(region, view, index);
    }
    return values;
}

/* What may change is no longer different: the workspace, spans of tables, and a state that was taken in. */
static void forgive(gpu_trial *trial, gpu_slot slot) {
    gpu_region *region = &trial->region[slot];
    uint64_t first = 0, end = slot == GPU_TABLES ? 0 : region->bytes;
    if (slot == GPU_TABLES) {
        gpu_spans(trial, &first, &end);
    }
    bool may = slot == GPU_WORKSPACE || slot == GPU_TABLES ||
               (slot == GPU_STATE && trial->problem->dense.carry == VATTEN_CARRY_IN);
    if (may && region->memory) {
        memcpy(region->seen + region->offset + first, region->image + region->offset + first, end - first);
    }
}

static bool check_untouched(gpu_trial *trial, gpu_slot slot) {
    const gpu_region *region = &trial->region[slot];
    forgive(trial, slot);
    uint64_t changed = gpu_region_changed(region, 0, region->total);
    if (changed != UINT64_MAX) {
        gpu_fail(trial->owner, "%s: wrote byte %lld of %s (%llu bytes), where nothing is to be written",
                 title(trial), (long long)changed - (long long)region->offset, gpu_slot_name(slot),
                 (unsigned long long)region->bytes);
        return false;
    }
    return true;
}

/* NaN is never right: poison that got in, or an element that was left out. LSE may be -inf. */
static bool check_numbers(gpu_trial *trial, gpu_slot slot, const float *values) {
    const gpu_view *view = &trial->view[slot];
    uint64_t count = view->batch * view->tokens * view->heads * view->dim;
    for (uint64_t i = 0; i < count; ++i) {
        bool good = isfinite(values[i]) || (slot == GPU_LSE && values[i] < 0.0f);
        if (!good) {
            gpu_fail(trial->owner, "%s: %s element %llu of %llu is %g", title(trial), gpu_slot_name(slot),
                     (unsigned long long)i, (unsigned long long)count, (double)values[i]);
            return false;
        }
    }
    return true;
}

bool gpu_trial_collect(gpu_trial *trial) {
    bool good = true;
    for (int slot = 0; slot < GPU_SLOTS; ++slot) {
        if (!gpu_region_download(&trial->region[slot])) {
            gpu_fail(trial->owner, "%s: download of %s failed", title(trial), gpu_slot_name((gpu_slot)slot));
            return false;
        }
    }
    if (trial->problem->dense.carry & VATTEN_CARRY_OUT) {
        good = gpu_take_state(trial);
    } else {
        trial->out = take_output(trial, GPU_OUT, false);
        good = trial->out != NULL;
    }
    good = good && check_numbers(trial, GPU_OUT, trial->out);
    if (trial->view[GPU_LSE].used) {
        trial->lse = take_output(trial, GPU_LSE, true);
        good = trial->lse && check_numbers(trial, GPU_LSE, trial->lse) && good;
    }
    for (int slot = 0; slot < GPU_SLOTS; ++slot) {
        good = check_untouched(trial, (gpu_slot)slot) && good;
    }
    return good;
}

/* ---- Comparison ---- */

/* A row, and what of it was worst. */
typedef struct row_check {
    uint64_t b, h, q, visible;
    bool empty;   /* no key, and nothing to start from */
    double widen; /* what becomes larger makes larger errors */
    uint64_t d;
    double got, want, ratio;
} row_check;

static double ratio_of(double got, double want, double tolerance) {
    if (got == want) {
        return 0.0; /* also -inf */
    }
    double ratio = fabs(got - want) / tolerance;
    return ratio >= 0.0 ? ratio : INFINITY; /* NaN counts as far off */
}

static void keep_worst(gpu_worst *worst, const gpu_trial *trial, const row_check *row, double tolerance,
                       const char *what) {
    if (worst->tolerance > 0.0 && row->ratio <= worst->ratio) {
        return;
    }
    worst->ratio = row->ratio;
    worst->got = row->got;
    worst->want = row->want;
    worst->tolerance = tolerance;
    snprintf(worst->where, sizeof worst->where, "%.90s %s[b %llu, q %llu, h %llu, d %llu]",
             trial->problem->name, what, (unsigned long long)row->b, (unsigned long long)row->q,
             (unsigned long long)row->h, (unsigned long long)row->d);
}

static void tell_row(gpu_trial *trial, const row_check *row, double tolerance, const char *what) {
    gpu_fail(
        trial->owner,
        "%s: %s[b %llu, q %llu, h %llu, d %llu] of %llu visible keys: got %.9g want %.9g, %.3g times the "
        "tolerance %.2g",
        title(trial), what, (unsigned long long)row->b, (unsigned long long)row->q,
        (unsigned long long)row->h, (unsigned long long)row->d, (unsigned long long)row->visible, row->got,
        row->want, row->ratio, tolerance);
}

/* out[b, q, h, :] against `want`; a row without visible keys must be 0 exactly. */
static bool check_row_out(gpu_trial *trial, row_check *row, const double *want) {
    const gpu_view *view = &trial->view[GPU_OUT];
    const float *got = trial->out + ((row->b * view->tokens + row->q) * view->heads + row->h) * view->dim;
    double tolerance =
        trial->problem->tolerance > 0.0 ? trial->problem->tolerance : ref_tolerance(view->dtype);
    tolerance *= row->widen;
    row->ratio = -1.0;
    for (uint64_t d = 0; d < view->dim; ++d) {
        double ratio = ratio_of((double)got[d], want[d], row->empty ? 0.0 : tolerance);
        if (ratio > row->ratio) {
            row->ratio = ratio;
            row->d = d;
            row->got = (double)got[d];
            row->want = want[d];
        }
    }
    keep_worst(&trial->owner->worst_out[view->dtype], trial, row, tolerance, "out");
    if (row->ratio > 1.0) {
        tell_row(trial, row, tolerance, "out");
    }
    return row->ratio <= 1.0;
}

static bool check_row_lse(gpu_trial *trial, row_check *row, double want) {
    const gpu_view *view = &trial->view[GPU_LSE];
    bool packed = gpu_is_packed(trial->info.tile.layout);
    double own = packed ? ref_lse_tolerance_packed() : ref_lse_tolerance();
    double tolerance = trial->problem->lse_tolerance > 0.0 ? trial->problem->lse_tolerance : own;
    row->d = 0;
    row->got = (double)trial->lse[(row->b * view->heads + row->h) * view->tokens + row->q];
    row->want = want;
    row->ratio = ratio_of(row->got, want, tolerance);
    keep_worst(&trial->owner->worst_lse, trial, row, tolerance, "lse");
    if (row->ratio > 1.0) {
        tell_row(trial, row, tolerance, "lse");
    }
    return row->ratio <= 1.0;
}

/* The plan's own count of visible pairs, and the work that follows from it, for full lengths. */
static bool check_pairs(gpu_trial *trial, const ref_problem *problem, uint64_t pairs) {
    const vatten_plan_info *info = &trial->info;
    uint64_t flops =
        2 * pairs * (problem->dim + problem->value_dim) * problem->heads * trial->view[GPU_Q].batch;
    if (info->pairs != pairs || info->flops != flops) {
        gpu_fail(trial->owner, "%s: plan counts %llu pairs and %llu flops, visible are %llu, worth %llu",
                 title(trial), (unsigned long long)info->pairs, (unsigned long long)info->flops,
                 (unsigned long long)pairs, (unsigned long long)flops);
        return false;
    }
    return true;
}

/* Whether the plan knows how many pairs are visible: no table and no bias hides any. */
static bool knows_pairs(const gpu_trial *trial) {
    const gpu_problem *p = trial->problem;
    bool dense = !p->grid && !p->listed;
    return !p->listed && !(dense && (trial->at.bytes || p->dense.bias)) &&
           trial->q_now == gpu_q_capacity(p) && trial->kv_now == gpu_kv_capacity(p);
}

/* Weights that are not those of a softmax may sum to anything, and gains multiply. */
static double widened(const ref_problem *problem, const row_check *row) {
    const ref_dense_more *more = problem->more;
    if (!more) {
        return 1.0;
    }
    ref_entry entry = ref_dense_entry(problem, row->b, row->q);
    double most = fabs(ref_dense_gain(problem, &entry, row->h)), mass = 1.0;
    double *p = malloc((ref_key_count(problem) + 1) * sizeof *p);
    if (p && more->normaliser != REF_SOFTMAX) {
        ref_probabilities(problem, row->b, row->h, row->q, p);
        mass = (double)problem->extra_len;
        for (uint64_t j = 0; j < ref_key_count(problem); ++j) {
            mass += fabs(p[j]);
        }
    }
    free(p);
    return fmax(1.0, most) * fmax(1.0, mass);
}

/* A row without keys is 0 exactly, unless it goes on from a state. */
static bool is_empty(const ref_problem *problem, const row_check *row) {
    const ref_dense_more *more = problem->more;
    return row->visible == 0 && !(more && more->state);
}

/* Row number n of those to compare: all in order, or the first, the last and random ones. */
static uint64_t pick_row(const gpu_problem *problem, uint64_t n, uint64_t total) {
    if (problem->rows == 0 || problem->rows >= total) {
        return n;
    }
    double unit = ((double)ref_random(problem->seed + 99, n) / 1.7320509 + 1.0) / 2.0;
    uint64_t row = (uint64_t)(unit * (double)total);
    return n == 0 ? 0 : n == 1 || row >= total ? total - 1 : row;
}

bool gpu_trial_compare(gpu_trial *trial) {
    const gpu_problem *p = trial->problem;
    ref_dense_rule dense;
    ref_grid_rule grid;
    ref_problem reference = gpu_reference(trial, &dense, &grid);
    uint64_t total = trial->view[GPU_Q].batch * reference.heads * trial->q_now, pairs = 0;
    bool all = p->rows == 0 || p->rows >= total, good = true;
    double *want = malloc(reference.value_dim * sizeof *want), want_lse;

    for (uint64_t n = 0; want && n < (all ? total : p->rows); ++n) {
        uint64_t i = pick_row(p, n, total);
        row_check row = {
            .q = i % trial->q_now,
            .h = i / trial->q_now % reference.heads,
            .b = i / trial->q_now / reference.heads,
        };
        if (!gpu_row_used(trial, row.b, row.q) || gpu_trust_of(p, row.b, row.h, row.q) != GPU_RIGHT) {
            continue;
        }
        ref_row(&reference, row.b, row.h, row.q, want, &want_lse, &row.visible);
        row.empty = is_empty(&reference, &row);
        row.widen = widened(&reference, &row);
        good = check_row_out(trial, &row, want) && good;
        good = (!trial->lse || check_row_lse(trial, &row, want_lse)) && good;
        pairs += row.b == 0 && row.h == 0 ? row.visible : 0;
        trial->owner->rows++;
        if (!good) {
            break; /* the first bad row is told; the rest of the case would only repeat it */
        }
    }
    free(want);
    if (good && all && knows_pairs(trial)) {
        good = check_pairs(trial, &reference, pairs);
    }
    return good;
}

void gpu_trial_end(gpu_trial *trial) {
    if (!trial->owner) {
        return; /* never begun */
    }
    vatten_plan_destroy(trial->plan);
    gpu_dense_end(trial);
    for (int slot = 0; slot < GPU_SLOTS; ++slot) {
        gpu_region_destroy(trial->owner, &trial->region[slot], (gpu_slot)slot);
    }
    free(trial->out);
    free(trial->lse);
    trial->plan = NULL;
    trial->out = trial->lse = NULL;
}

/* ---- All of it ---- */

/* Layouts whose lanes own whole rows, or all rows, hold them in arrays as long as the dim. */
static bool arrays_are_short(const gpu *g, vatten_layout layout) {
    bool long_ones =
        layout == VATTEN_LAYOUT_ROWS || layout == VATTEN_LAYOUT_ADDRESS || layout == VATTEN_LAYOUT_STREAM;
    return long_ones && strstr(g->limits.quirks, "adreno_private_array") != NULL;
}

/* A device may lack what a layout needs; the choice of the tuning table it must always be able to run. */
static bool may_refuse(gpu *g, const gpu_problem *problem, vatten_layout layout) {
    const vatten_heads *h = gpu_heads_of(problem);
    bool large = h->dim > 256 || h->value_dim > 256;
    bool own_tile = h->tile.workgroup || h->tile.rows || h->tile.keys || h->tile.lanes_per_row;
    bool lacks = !gpu_has_layout(g, layout) || arrays_are_short(g, layout);
    if (layout == VATTEN_LAYOUT_AUTO || !(large || own_tile || lacks)) {
        return false;
    }
    if (g->layout_refused[layout]++ == 0) {
        printf("  layout %s refused, the first time for %s: %s\n", gpu_layout_name(layout), problem->name,
               g->message);
    }
    return true;
}

/* Validation that instruments shaders keeps some hundred kilobytes for each dispatch of a record. */
static bool is_left_out(const gpu *g, const gpu_trial *trial) {
    if (!g->brief || trial->info.dispatches <= BRIEF_DISPATCHES) {
        return false;
    }
    printf("  left out: %s, of more than %d dispatches\n", title(trial), BRIEF_DISPATCHES);
    return true;
}

bool gpu_check(gpu *g, const gpu_problem *problem) {
    const vatten_heads *h = gpu_heads_of(problem);
    vatten_layout layout = gpu_layout_of(problem);
    uint64_t failures = g->failures;
    gpu_trial trial;

    if (!gpu_has_dtype(g, h->dtype) || (g->only && layout != g->only)) {
        return true;
    }
    vatten_result result = gpu_trial_begin(g, problem, &trial);
    if (result == VATTEN_SUCCESS && is_left_out(g, &trial)) {
        g->left_out++;
    } else if (result == VATTEN_SUCCESS) {
        g->cases++;
        g->layout_cases[layout]++;
        if (gpu_trial_run(&trial) && gpu_trial_collect(&trial)) {
            gpu_trial_compare(&trial);
        }
    } else if (result != VATTEN_ERROR_UNSUPPORTED || !may_refuse(g, problem, layout)) {
        gpu_fail(g, "%s (%s, %s): create gave %s: %s", problem->name, gpu_dtype_name(h->dtype),
                 gpu_layout_name(layout), vatten_result_name(result), g->message);
    }
    gpu_trial_end(&trial);
    gpu_check_validation(g, problem->name);
    return g->failures == failures;
}
