/* SPDX-License-Identifier: MIT */
#include "choice.h"

#include "ref_choice.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { Q, K, BIAS, LISTS, COUNTS, WORKSPACE, REGIONS };

static const gpu_slot slots[REGIONS] = {GPU_Q, GPU_K, GPU_BIAS, GPU_LISTS, GPU_LSE, GPU_WORKSPACE};

typedef struct trial {
    gpu *g;
    const choice_problem *p;
    const vatten_select_desc *d;
    const char *name;
    uint64_t list_heads, group;
    gpu_view q, k;
    gpu_region regions[REGIONS];
    vatten_plan *plan;
    vatten_plan_info info;
} trial;

static uint64_t doubts; /* rows left out */

/* ---- Inputs ---- */

static float drawn(const trial *t, uint64_t stream, uint64_t i) {
    float raw = ref_random(t->p->seed * 4 + stream, i);
    return t->p->whole ? rintf(raw * 1.4f) : raw;
}

static float stored(const trial *t, float raw) {
    return t->q.dtype == REF_F32   ? raw
           : t->q.dtype == REF_F16 ? ref_f16_to_f32(ref_f32_to_f16(raw))
                                   : ref_bf16_to_f32(ref_f32_to_bf16(raw));
}

/* Dim 0 of q is positive, so that a key of -inf there has no score but that. */
static float q_at(const trial *t, uint64_t b, uint64_t row, uint64_t head, uint64_t d) {
    float x = stored(t, drawn(t, 0, ((b * t->d->rows + row) * t->d->heads + head) * t->d->dim + d));
    return t->p->odd && d == 0 ? 1.0f : x;
}

static float k_at(const trial *t, uint64_t b, uint64_t block, uint64_t head, uint64_t d) {
    uint64_t i = ((b * t->d->blocks + block) * t->d->kv_heads + head) * t->d->dim + d;
    if (t->p->odd && d == 0 && block % 7 == 3) {
        return block % 2 ? NAN : -INFINITY;
    }
    return drawn(t, 1, i);
}

static float bias_at(const trial *t, uint64_t b, uint64_t head, uint64_t row, uint64_t block) {
    uint64_t i = ((b * t->list_heads + head) * t->d->rows + row) * t->d->blocks + block;
    if (t->p->row_bias) {
        i = block;
    }
    if (!t->p->odd) {
        return drawn(t, 2, i);
    }
    switch ((uint64_t)(ref_random(t->p->seed + 99, i) * 1000.0f + 2000.0f) % 11) {
    case 0:
        return -INFINITY;
    case 1:
        return INFINITY;
    case 2:
        return i % 3 ? 0.0f : NAN;
    default:
        return drawn(t, 2, i);
    }
}

/* ---- The definition ---- */

static bool meet(uint64_t a, uint64_t a_end, uint64_t b, uint64_t b_end) {
    return a < b_end && b < a_end;
}

/* Numbers of a box along the axes of a row-major grid of them. */
static void unravel(uint64_t n, const uint64_t boxes[3], uint64_t out[3]) {
    out[2] = n % boxes[2];
    out[1] = n / boxes[2] % boxes[1];
    out[0] = n / boxes[2] / boxes[1];
}

static unsigned place_boxes(const vatten_select_desc *d, uint64_t row, uint64_t block) {
    uint64_t q[3], k[3], q_boxes[3] = {1, 1, 1}, k_boxes[3] = {1, 1, 1};
    bool own = true, within = true;
    for (uint32_t a = 0; a < d->boxes.rank; ++a) {
        uint64_t queries = a == 0 && d->boxes.q_extent ? d->boxes.q_extent : d->boxes.extent[a];
        q_boxes[a] = (queries + d->boxes.q_box[a] - 1) / d->boxes.q_box[a];
        k_boxes[a] = (d->boxes.extent[a] + d->boxes.kv_box[a] - 1) / d->boxes.kv_box[a];
    }
    unravel(row, q_boxes, q);
    unravel(block, k_boxes, k);
    for (uint32_t a = 0; a < d->boxes.rank; ++a) {
        uint64_t queries = a == 0 && d->boxes.q_extent ? d->boxes.q_extent : d->boxes.extent[a];
        uint64_t side = d->boxes.kv_box[a], shift = d->boxes.extent[a] - queries;
        uint64_t first = q[a] * d->boxes.q_box[a] + shift, end = first + d->boxes.q_box[a];
        end = end < d->boxes.extent[a] ? end : d->boxes.extent[a];
        own = own && meet(first, end, k[a] * side, (k[a] + 1) * side);
        uint64_t nearest = UINT64_MAX;
        for (uint64_t n = 0; n < k_boxes[a]; ++n) {
            uint64_t distance = n > k[a] ? n - k[a] : k[a] - n;
            if (meet(first, end, n * side, (n + 1) * side) && distance < nearest) {
                nearest = distance;
            }
        }
        within = within && (d->rule.reach[a] == 0 || nearest <= d->rule.reach[a]);
    }
    bool forced = (d->rule.own && own) || block < d->rule.first;
    return (within ? REF_VALUED : 0u) | (forced ? REF_FORCED : 0u);
}

static unsigned place_runs(const vatten_select_desc *d, uint64_t row, uint64_t block) {
    uint64_t first = row * d->row_tokens + d->row_shift, last = first + d->row_tokens - 1;
    uint64_t side = d->block_tokens, own_last = side ? last / side : d->blocks - 1;
    bool own = side && meet(first, last + 1, block * side, (block + 1) * side);
    bool local = block <= own_last && block + d->rule.local > own_last;
    bool valued = !d->rule.complete || (block + 1) * side <= last + 1;
    bool forced = block < d->rule.first || local || (d->rule.own && own);
    return (valued ? REF_VALUED : 0u) | (forced ? REF_FORCED : 0u);
}

static uint8_t place(const trial *t, uint64_t row, uint64_t block, float bias) {
    const vatten_select_desc *d = t->d;
    uint64_t last = row * d->row_tokens + d->row_shift + d->row_tokens - 1;
    bool hidden = d->causal && block * d->block_tokens > last;
    unsigned result = d->boxes.rank ? place_boxes(d, row, block) : place_runs(d, row, block);
    if (hidden || bias == -INFINITY) {
        return 0;
    }
    return (uint8_t)(bias == INFINITY ? result | REF_FORCED : result);
}

static double score(const trial *t, uint64_t b, uint64_t row, uint64_t head, uint64_t block) {
    const vatten_select_desc *d = t->d;
    double sum = 0.0;
    for (uint64_t i = 0; i < d->dim; ++i) {
        sum +=
            (double)q_at(t, b, row, head, i) * (double)k_at(t, b, block, head / (d->heads / d->kv_heads), i);
    }
    return sum * (d->rule.scale != 0.0f ? (double)d->rule.scale : 1.0);
}

/* Values of one row of one list head. */
static void value_row(const trial *t, uint64_t b, uint64_t head, uint64_t row, double *value,
                      uint8_t *places) {
    const vatten_select_desc *d = t->d;
    double *s = calloc(d->blocks, sizeof *s);
    memset(value, 0, d->blocks * sizeof *value);
    for (uint64_t g = 0; s && g < t->group; ++g) {
        double top = -INFINITY, sum = 0.0;
        for (uint64_t n = 0; n < d->blocks; ++n) {
            float bias = d->bias ? bias_at(t, b, head, row, n) : 0.0f;
            places[n] = place(t, row, n, bias);
            s[n] = score(t, b, row, head * t->group + g, n) + (bias == INFINITY ? 0.0 : (double)bias);
            bool counts = (places[n] & REF_VALUED) && !isnan(s[n]);
            top = counts ? fmax(top, s[n]) : top;
        }
        for (uint64_t n = 0; n < d->blocks; ++n) {
            bool counts = (places[n] & REF_VALUED) && !isnan(s[n]) && s[n] != -INFINITY;
            sum += counts ? exp(s[n] - top) : 0.0;
        }
        for (uint64_t n = 0; n < d->blocks; ++n) {
            double x = s[n];
            if (d->rule.softmax) {
                x = isnan(x) ? x : x == -INFINITY ? 0.0 : exp(x - top) / sum;
            }
            value[n] += x;
        }
    }
    free(s);
}

static ref_choice choice_of(const trial *t, const double *value, const uint8_t *places) {
    const vatten_selection *rule = &t->d->rule;
    return (ref_choice){.heads = t->list_heads,
                        .rows = t->d->rows,
                        .blocks = t->d->blocks,
                        .entries = rule->entries,
                        .budget_heads = rule->budget_heads ? rule->budget_heads : 1,
                        .budget_rows = rule->budget_rows ? rule->budget_rows : 1,
                        .by_block = rule->by_block,
                        .total = rule->total,
                        .budget = rule->budget == VATTEN_BUDGET_TOP    ? REF_TOP
                                  : rule->budget == VATTEN_BUDGET_MASS ? REF_MASS
                                                                       : REF_THRESHOLD,
                        .share = (double)rule->share,
                        .min_max = rule->min_max,
                        .crossing_out = rule->crossing_out,
                        .least = rule->least,
                        .value = value,
                        .place = places,
                        .near = t->p->whole && !rule->softmax ? 0.0 : 3e-6};
}

static const uint32_t *words(const trial *t, int region) {
    return (const uint32_t *)(const void *)(t->regions[region].seen + t->regions[region].offset);
}

static bool compare_row(const trial *t, uint64_t row, const uint32_t *want, uint32_t count) {
    uint64_t entries = t->d->rule.entries;
    if (memcmp(words(t, LISTS) + row * entries, want, entries * sizeof *want) == 0 &&
        (!t->d->write_counts || words(t, COUNTS)[row] == count)) {
        return true;
    }
    uint64_t n = 0;
    while (n < entries && words(t, LISTS)[row * entries + n] == want[n]) {
        ++n;
    }
    gpu_fail(
        t->g,
        "%s: batch entry %u, head %u, row %u: entry %u is %u, %u is right; %u are listed, the count is %u",
        t->name, (unsigned)(row / t->d->rows / t->list_heads), (unsigned)(row / t->d->rows % t->list_heads),
        (unsigned)(row % t->d->rows), (unsigned)n, n < entries ? words(t, LISTS)[row * entries + n] : 0,
        n < entries ? want[n] : 0, count, t->d->write_counts ? words(t, COUNTS)[row] : 0);
    return false;
}

static void compare(trial *t) {
    uint64_t rows = t->list_heads * t->d->rows;
    double *value = malloc(rows * t->d->blocks * sizeof *value);
    uint8_t *places = malloc(rows * t->d->blocks);
    uint32_t *lists = malloc(rows * t->d->rule.entries * sizeof *lists),
             *counts = malloc(rows * sizeof *counts);
    bool *doubt = calloc(rows, sizeof *doubt), good = value && places && lists && counts && doubt;
    for (uint64_t b = 0; good && b < t->d->batch; ++b) {
        for (uint64_t n = 0; n < rows; ++n) {
            value_row(t, b, n / t->d->rows, n % t->d->rows, value + n * t->d->blocks,
                      places + n * t->d->blocks);
        }
        const ref_choice choice = choice_of(t, value, places);
        good = ref_choose(&choice, lists, counts, doubt);
        for (uint64_t n = 0; good && n < rows; ++n) {
            doubts += doubt[n];
            t->g->rows += !doubt[n];
            good = doubt[n] || compare_row(t, b * rows + n, lists + n * t->d->rule.entries, counts[n]);
        }
    }
    free(value);
    free(places);
    free(lists);
    free(counts);
    free(doubt);
}

/* ---- The device ---- */

static void fill(trial *t) {
    const vatten_select_desc *d = t->d;
    for (uint64_t n = 0; n < d->batch * d->rows * d->heads * d->dim; ++n) {
        uint64_t i = n % d->dim, head = n / d->dim % d->heads, row = n / d->dim / d->heads % d->rows;
        uint64_t b = n / d->dim / d->heads / d->rows;
        gpu_region_write(&t->regions[Q], &t->q, gpu_view_index(&t->q, b, row, head, i),
                         q_at(t, b, row, head, i));
    }
    for (uint64_t n = 0; n < d->batch * d->blocks * d->kv_heads * d->dim; ++n) {
        uint64_t i = n % d->dim, head = n / d->dim % d->kv_heads,
                 block = n / d->dim / d->kv_heads % d->blocks;
        uint64_t b = n / d->dim / d->kv_heads / d->blocks;
        gpu_region_write(&t->regions[K], &t->k, n, k_at(t, b, block, head, i));
    }
    for (uint64_t n = 0; d->bias && n < d->batch * t->list_heads * d->rows * d->blocks; ++n) {
        uint64_t block = n % d->blocks, row = n / d->blocks % d->rows, slice = n / d->blocks / d->rows;
        gpu_region_write(&t->regions[BIAS], &t->k, t->p->row_bias ? block : n,
                         bias_at(t, slice / t->list_heads, slice % t->list_heads, row, block));
    }
}

static bool run(trial *t) {
    const vatten_args args = {.q = gpu_region_buffer(&t->regions[Q]),
                              .k = gpu_region_buffer(&t->regions[K]),
                              .bias = gpu_region_buffer(&t->regions[BIAS]),
                              .lists = gpu_region_buffer(&t->regions[LISTS]),
                              .counts = gpu_region_buffer(&t->regions[COUNTS]),
                              .workspace = gpu_region_buffer(&t->regions[WORKSPACE])};
    return gpu_regions_run_twice(t->g, t->regions, REGIONS, 1u << LISTS | 1u << COUNTS, t->plan, &args,
                                 t->name);
}

static gpu_view view_of(ref_dtype dtype, uint64_t batch, uint64_t tokens, uint64_t heads, uint64_t dim) {
    int64_t row = (int64_t)(heads * dim);
    return (gpu_view){true,   dtype, batch, tokens,
                      tokens, heads, dim,   {row * (int64_t)tokens, (int64_t)dim, row}};
}

static bool sizes_are_right(const trial *t) {
    const vatten_select_desc *d = t->d;
    const vatten_plan_info *info = &t->info;
    uint64_t lists = d->batch * t->list_heads * d->rows,
             biases = t->p->row_bias ? d->blocks : lists * d->blocks;
    if (info->q_bytes == gpu_view_bytes(&t->q) && info->k_bytes == gpu_view_bytes(&t->k) &&
        info->lists_bytes == lists * d->rule.entries * 4 &&
        info->counts_bytes == (d->write_counts ? lists * 4 : 0) &&
        info->bias_bytes == (d->bias ? biases * 4 : 0) &&
        (d->max_workspace == 0 || info->workspace_bytes <= d->max_workspace)) {
        return true;
    }
    gpu_fail(t->g, "%s: the plan wants other sizes than its shapes have: %u bytes of biases, %u of workspace",
             t->name, (unsigned)info->bias_bytes, (unsigned)info->workspace_bytes);
    return false;
}

static bool begin(trial *t) {
    const vatten_select_desc *d = t->d;
    t->list_heads = d->rule.list_heads ? d->rule.list_heads : d->heads;
    t->group = d->heads / t->list_heads;
    t->q = view_of(gpu_ref_dtype(d->dtype), d->batch, d->rows, d->heads, d->dim);
    if (d->q.batch || d->q.head || d->q.token) {
        t->q.strides = d->q;
    }
    t->k = view_of(REF_F32, d->batch, d->blocks, d->kv_heads, d->dim);
    if (vatten_select_create(t->g->device, d, &t->plan) != VATTEN_SUCCESS) {
        gpu_fail(t->g, "%s: create: %s", t->name, t->g->message);
        return false;
    }
    vatten_plan_get_info(t->plan, &t->info);
    const uint64_t bytes[REGIONS] = {t->info.q_bytes,     t->info.k_bytes,      t->info.bias_bytes,
                                     t->info.lists_bytes, t->info.counts_bytes, t->info.workspace_bytes};
    for (int n = 0; n < REGIONS; ++n) {
        if (!gpu_region_create(t->g, &t->regions[n], slots[n], bytes[n], t->info.offset_alignment)) {
            return false;
        }
    }
    return sizes_are_right(t);
}

void choice_check(gpu *g, const char *name, const choice_problem *problem) {
    trial *t = calloc(1, sizeof *t);
    *t = (trial){.g = g, .p = problem, .d = &problem->desc, .name = name};
    if (gpu_has_dtype(g, problem->desc.dtype) && begin(t)) {
        g->cases++;
        fill(t);
        if (run(t)) {
            compare(t);
        }
    }
    vatten_plan_destroy(t->plan);
    gpu_regions_destroy(g, t->regions, REGIONS, slots);
    gpu_check_validation(g, name);
    free(t);
}

void choice_assert_few_doubts(const gpu *g) {
    printf("  %u of %u rows in doubt\n", (unsigned)doubts, (unsigned)(doubts + g->rows));
    assert_true(doubts * 10 <= doubts + g->rows);
}
