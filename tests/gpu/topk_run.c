/* SPDX-License-Identifier: MIT
 *
 * The largest of rows by a plain sort.
 */
#include "topk_run.h"

#include <math.h>
#include <stdlib.h>

enum { X, LISTS, COUNTS, WORKSPACE, REGIONS };

static const gpu_slot slots[REGIONS] = {GPU_K, GPU_LISTS, GPU_LSE, GPU_WORKSPACE};

typedef struct trial {
    gpu *g;
    vatten_topk_desc desc;
    topk_numbers numbers;
    uint64_t seed;
    const char *name;
    vatten_strides x;
    gpu_view view;
    gpu_region regions[REGIONS];
    vatten_plan *plan;
} trial;

static float value(const trial *t, uint64_t index) {
    static const float odd[] = {NAN, -INFINITY, INFINITY, 0.0f, -0.0f, 1e-41f, -1e-41f, 3e38f, -3e38f, 1.0f};
    float raw = ref_random(t->seed + 17 + (uint64_t)t->numbers, index);
    uint64_t pick = (uint64_t)(ref_random(t->seed + 29, index) * 1000.0f + 2000.0f);
    switch (t->numbers) {
    case TOPK_WHOLE:
        return rintf(raw * 2.0f);
    case TOPK_ODD:
        return pick % 3 ? odd[pick % 10] : raw;
    case TOPK_NONE:
        return pick % 2 ? NAN : -INFINITY;
    default:
        return raw;
    }
}

/* ---- The definition ---- */

typedef struct candidate {
    float value;
    uint32_t place;
} candidate;

/* Largest first, NaN last, the higher place of equals. */
static int by_value(const void *left, const void *right) {
    const candidate *a = left, *b = right;
    if (isnan(a->value) != isnan(b->value)) {
        return isnan(a->value) ? 1 : -1;
    }
    if (!isnan(a->value) && a->value != b->value) {
        return a->value > b->value ? -1 : 1;
    }
    return a->place > b->place ? -1 : 1;
}

static int by_place(const void *left, const void *right) {
    const candidate *a = left, *b = right;
    return a->place < b->place ? -1 : 1;
}

/* Sorts the row's candidates; how many are listed. */
static uint64_t define(const trial *t, uint64_t first, uint64_t row, candidate *out) {
    const vatten_topk_desc *d = &t->desc;
    int64_t end = (int64_t)d->values;
    if (d->causal) {
        end = (int64_t)row + 1 + (d->align == VATTEN_ALIGN_LAST ? (int64_t)d->values - (int64_t)d->rows : 0);
        end = end < 0 ? 0 : end > (int64_t)d->values ? (int64_t)d->values : end;
    }
    for (int64_t n = 0; n < end; ++n) {
        out[n] = (candidate){value(t, first + (uint64_t)n), (uint32_t)n};
    }
    uint64_t count = (uint64_t)end < d->entries ? (uint64_t)end : d->entries;
    qsort(out, (size_t)end, sizeof *out, by_value);
    qsort(out, (size_t)count, sizeof *out, by_place);
    return count;
}

static const uint32_t *words(const trial *t, int region) {
    return (const uint32_t *)(const void *)(t->regions[region].seen + t->regions[region].offset);
}

static void compare(const trial *t) {
    const vatten_topk_desc *d = &t->desc;
    candidate *sorted = malloc(d->values * sizeof *sorted);
    for (uint64_t n = 0; n < d->batch * d->heads * d->rows; ++n) {
        uint64_t row = n % d->rows, head = n / d->rows % d->heads, b = n / d->rows / d->heads;
        uint64_t first = b * (uint64_t)t->x.batch + head * (uint64_t)t->x.head + row * (uint64_t)t->x.token;
        uint64_t count = define(t, first, row, sorted);
        const uint32_t *list = words(t, LISTS) + n * d->entries;
        uint64_t i = 0;
        while (i < d->entries && list[i] == (i < count ? sorted[i].place : VATTEN_LIST_END)) {
            ++i;
        }
        if (i < d->entries || (d->write_counts && words(t, COUNTS)[n] != count)) {
            gpu_fail(t->g, "%s: list %u: entry %u is %u, %u is right; %u are listed, the count is %u",
                     t->name, (unsigned)n, (unsigned)i, i < d->entries ? list[i] : 0,
                     i < count ? sorted[i].place : 0, (unsigned)count,
                     d->write_counts ? words(t, COUNTS)[n] : 0);
            break;
        }
        t->g->rows++;
    }
    free(sorted);
}

/* ---- The device ---- */

static bool run(trial *t) {
    const vatten_args args = {.k = gpu_region_buffer(&t->regions[X]),
                              .lists = gpu_region_buffer(&t->regions[LISTS]),
                              .counts = gpu_region_buffer(&t->regions[COUNTS]),
                              .workspace = gpu_region_buffer(&t->regions[WORKSPACE])};
    return gpu_regions_run_twice(t->g, t->regions, REGIONS, 1u << LISTS | 1u << COUNTS, t->plan, &args,
                                 t->name);
}

static bool begin(trial *t) {
    const vatten_topk_desc *d = &t->desc;
    vatten_plan_info info;
    bool packed = d->x.batch == 0 && d->x.head == 0 && d->x.token == 0;
    int64_t row = (int64_t)d->values;
    t->x = packed ? (vatten_strides){.batch = row * (int64_t)(d->rows * d->heads),
                                     .head = row * (int64_t)d->rows,
                                     .token = row}
                  : d->x;
    if (vatten_topk_create(t->g->device, d, &t->plan) != VATTEN_SUCCESS) {
        gpu_fail(t->g, "%s: create: %s", t->name, t->g->message);
        return false;
    }
    vatten_plan_get_info(t->plan, &info);
    const uint64_t bytes[REGIONS] = {info.k_bytes, info.lists_bytes, info.counts_bytes, info.workspace_bytes};
    uint64_t lists = d->batch * d->heads * d->rows;
    if (bytes[LISTS] != lists * d->entries * 4 || bytes[COUNTS] != (d->write_counts ? lists * 4 : 0)) {
        gpu_fail(t->g, "%s: the plan wants other sizes than its shapes have", t->name);
        return false;
    }
    for (int n = 0; n < REGIONS; ++n) {
        if (!gpu_region_create(t->g, &t->regions[n], slots[n], bytes[n], info.offset_alignment)) {
            return false;
        }
    }
    t->view = (gpu_view){.used = true, .dtype = REF_F32};
    for (uint64_t n = 0; n < bytes[X] / 4; ++n) {
        gpu_region_write(&t->regions[X], &t->view, n, value(t, n));
    }
    return true;
}

void topk_check(gpu *g, const char *name, const topk_case *c) {
    trial t = {.g = g, .desc = c->desc, .numbers = c->numbers, .seed = c->seed, .name = name};
    if (begin(&t)) {
        g->cases++;
        if (run(&t)) {
            compare(&t);
        }
    }
    vatten_plan_destroy(t.plan);
    gpu_regions_destroy(g, t.regions, REGIONS, slots);
    gpu_check_validation(g, name);
}
