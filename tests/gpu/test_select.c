/* SPDX-License-Identifier: MIT
 *
 * Selection against its definition: values in double, sorted plainly. A list may differ from the definition's only among
 * blocks whose values are as good as equal; forced ones, order, ends and counts are exact.
 */
#include "gpu_harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define MOST_BLOCKS  512
#define NEAR         2e-5 /* values that differ by less are as good as equal */

static gpu device;

typedef struct trial {
    vatten_select_desc desc;
    uint32_t list_heads, group;
    gpu_view q, k;
    gpu_region regions[5]; /* q, k, lists, counts, workspace */
    vatten_plan *plan;
    vatten_plan_info info;
} trial;

/* What the definition knows of one row. */
typedef struct row {
    uint64_t blocks, candidates, own_first, own_last;
    double value[MOST_BLOCKS];
    bool forced[MOST_BLOCKS];
} row;

static float input(const trial *t, bool key, uint64_t b, uint64_t n, uint64_t head, uint64_t d) {
    float raw = ref_random(key ? 5 : 6, ((b * 1024 + n) * 8 + head) * 256 + d);
    if (key || t->q.dtype == REF_F32) {
        return raw;
    }
    return t->q.dtype == REF_F16 ? ref_f16_to_f32(ref_f32_to_f16(raw))
                                 : ref_bf16_to_f32(ref_f32_to_bf16(raw));
}

static double score(const trial *t, uint64_t b, uint64_t r, uint64_t head, uint64_t block) {
    const vatten_select_desc *d = &t->desc;
    double sum = 0.0;
    for (uint64_t i = 0; i < d->dim; ++i) {
        sum += (double)input(t, false, b, r, head, i) *
               (double)input(t, true, b, block, head / (d->heads / d->kv_heads), i);
    }
    return sum * (d->rule.scale != 0.0f ? (double)d->rule.scale : 1.0);
}

static void place(const vatten_select_desc *d, uint64_t r, row *out) {
    out->blocks = out->candidates = d->blocks;
    out->own_first = UINT64_MAX;
    out->own_last = d->blocks - 1;
    if (d->block_tokens) {
        uint64_t token = r * d->row_tokens + d->row_shift;
        out->own_first = token / d->block_tokens;
        out->own_last = (token + d->row_tokens - 1) / d->block_tokens;
    }
    if (d->causal && out->own_last + 1 < d->blocks) {
        out->candidates = out->own_last + 1;
    }
}

static void define(const trial *t, uint64_t b, uint64_t list_head, uint64_t r, row *out) {
    const vatten_select_desc *d = &t->desc;
    memset(out, 0, sizeof *out);
    place(d, r, out);
    for (uint64_t g = 0; g < t->group; ++g) {
        double s[MOST_BLOCKS], top = -INFINITY, sum = 0.0;
        for (uint64_t n = 0; n < out->candidates; ++n) {
            s[n] = score(t, b, r, list_head * t->group + g, n);
            top = fmax(top, s[n]);
        }
        for (uint64_t n = 0; n < out->candidates && d->rule.softmax; ++n) {
            s[n] = exp(s[n] - top);
            sum += s[n];
        }
        for (uint64_t n = 0; n < out->candidates; ++n) {
            out->value[n] += d->rule.softmax ? s[n] / sum : s[n];
        }
    }
    for (uint64_t n = 0; n < out->candidates; ++n) {
        bool local = n <= out->own_last && n + d->rule.local > out->own_last;
        bool own = d->rule.own && n >= out->own_first && n <= out->own_last;
        out->forced[n] = n < d->rule.first || local || own;
    }
}

static const row *sorted_row;

/* Largest value first, the higher block of equals. */
static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    double vx = sorted_row->value[x], vy = sorted_row->value[y];
    return vx != vy ? (vx > vy ? -1 : 1) : x > y ? -1 : 1;
}

/* How many others than the forced ones, in `others`, sorted, the budget has; `near` if rounding may tell otherwise. */
static uint64_t budget(const vatten_select_desc *d, const row *r, const uint64_t *others, uint64_t count,
                       uint64_t forced, bool *near) {
    uint64_t room = d->rule.entries - forced, wanted = room;
    double low = 0.0, high = 1.0, total = 0.0, held = 0.0;
    for (uint64_t n = 0; n < r->candidates && d->rule.min_max; ++n) {
        low = n == 0 || r->value[n] < low ? r->value[n] : low;
        high = n == 0 || r->value[n] > high ? r->value[n] : high;
    }
    double factor = d->rule.min_max ? (high > low ? 1.0 / (high - low) : 0.0) : 1.0;
    for (uint64_t n = 0; n < r->candidates; ++n) {
        total += (r->value[n] - low) * factor;
        held += r->forced[n] ? (r->value[n] - low) * factor : 0.0;
    }
    if (d->rule.budget == VATTEN_BUDGET_MASS) {
        double goal = (double)d->rule.share * total;
        for (wanted = 0; wanted < count && held < goal; ++wanted) {
            held += (r->value[others[wanted]] - low) * factor;
            *near = *near || fabs(held - goal) < 1e-5 * total;
        }
        wanted -= d->rule.crossing_out && wanted > 0 ? 1 : 0;
    }
    if (d->rule.budget == VATTEN_BUDGET_THRESHOLD) {
        for (wanted = 0; wanted < count && r->value[others[wanted]] >= (double)d->rule.share; ++wanted) {
        }
        for (uint64_t n = 0; n < count; ++n) {
            *near = *near || fabs(r->value[others[n]] - (double)d->rule.share) < NEAR;
        }
    }
    wanted = wanted < d->rule.least ? d->rule.least : wanted;
    wanted = wanted > room ? room : wanted;
    return wanted > count ? count : wanted;
}

static const char *compare_list(const trial *t, const row *r, const uint32_t *list, uint32_t told) {
    const vatten_select_desc *d = &t->desc;
    uint64_t others[MOST_BLOCKS], count = 0, forced = 0, used = 0;
    bool in_list[MOST_BLOCKS] = {false}, near = false;
    for (uint64_t n = 0; n < r->candidates; ++n) {
        forced += r->forced[n];
        if (!r->forced[n]) {
            others[count++] = n;
        }
    }
    sorted_row = r;
    qsort(others, count, sizeof others[0], by_value);
    uint64_t wanted = budget(d, r, others, count, forced, &near);
    for (uint64_t n = 0; n < d->rule.entries; ++n) {
        if (list[n] == VATTEN_LIST_END) {
            continue;
        }
        if (list[n] >= r->candidates || n != used || (n > 0 && list[n] <= list[n - 1])) {
            return "names no candidate, or is not ascending, or goes on behind its end";
        }
        in_list[list[n]] = true;
        used++;
    }
    if (d->write_counts && told != used) {
        return "has another length than its count";
    }
    if (used != forced + wanted) {
        return near ? NULL : "has not the length that the budget gives";
    }
    double worst_in = INFINITY, best_out = -INFINITY;
    for (uint64_t n = 0; n < r->candidates; ++n) {
        if (r->forced[n] && !in_list[n]) {
            return "lacks a forced block";
        }
        worst_in = in_list[n] && !r->forced[n] ? fmin(worst_in, r->value[n]) : worst_in;
        best_out = in_list[n] ? best_out : fmax(best_out, r->value[n]);
    }
    return best_out > worst_in + NEAR ? "leaves out a better block" : NULL;
}

static void compare(trial *t, const char *name) {
    const vatten_select_desc *d = &t->desc;
    const uint32_t *lists = (const uint32_t *)(const void *)(t->regions[2].seen + t->regions[2].offset);
    const uint32_t *counts = (const uint32_t *)(const void *)(t->regions[3].seen + t->regions[3].offset);
    for (uint64_t n = 0; n < d->batch * t->list_heads * d->rows; ++n) {
        row r;
        uint64_t at = n % d->rows, head = n / d->rows % t->list_heads, b = n / d->rows / t->list_heads;
        define(t, b, head, at, &r);
        const char *wrong = compare_list(t, &r, lists + n * d->rule.entries, d->write_counts ? counts[n] : 0);
        if (wrong) {
            gpu_fail(&device, "%s: the list of batch entry %u, head %u, row %u %s", name, (unsigned)b,
                     (unsigned)head, (unsigned)at, wrong);
            return;
        }
        device.rows++;
    }
}

static void fill(trial *t) {
    const vatten_select_desc *d = &t->desc;
    for (uint64_t b = 0; b < d->batch; ++b) {
        for (uint64_t n = 0; n < d->rows * d->heads * d->dim; ++n) {
            uint64_t i = n % d->dim, head = n / d->dim % d->heads, r = n / d->dim / d->heads;
            gpu_region_write(&t->regions[0], &t->q, gpu_view_index(&t->q, b, r, head, i),
                             input(t, false, b, r, head, i));
        }
        for (uint64_t n = 0; n < d->blocks * d->kv_heads * d->dim; ++n) {
            uint64_t i = n % d->dim, head = n / d->dim % d->kv_heads, block = n / d->dim / d->kv_heads;
            gpu_region_write(&t->regions[1], &t->k, gpu_view_index(&t->k, b, block, head, i),
                             input(t, true, b, block, head, i));
        }
    }
}

static bool run(trial *t) {
    vatten_args args = {.q = gpu_region_buffer(&t->regions[0]),
                        .k = gpu_region_buffer(&t->regions[1]),
                        .lists = gpu_region_buffer(&t->regions[2]),
                        .counts = gpu_region_buffer(&t->regions[3]),
                        .workspace = gpu_region_buffer(&t->regions[4])};
    return gpu_regions_run(&device, t->regions, 5, t->plan, &args, "select");
}

static bool begin(trial *t, const char *name) {
    static const gpu_slot slots[5] = {GPU_Q, GPU_K, GPU_LISTS, GPU_LSE, GPU_WORKSPACE};
    const vatten_select_desc *d = &t->desc;
    int64_t q_row = (int64_t)d->dim * d->heads, k_row = (int64_t)d->dim * d->kv_heads;
    t->list_heads = d->rule.list_heads ? d->rule.list_heads : d->heads;
    t->group = d->heads / t->list_heads;
    t->q = (gpu_view){true,     gpu_ref_dtype(d->dtype),
                      d->batch, d->rows,
                      d->rows,  d->heads,
                      d->dim,   {q_row * (int64_t)d->rows, (int64_t)d->dim, q_row}};
    t->k = (gpu_view){true,      REF_F32,     d->batch, d->blocks,
                      d->blocks, d->kv_heads, d->dim,   {k_row * (int64_t)d->blocks, (int64_t)d->dim, k_row}};
    if (vatten_select_create(device.device, d, &t->plan) != VATTEN_SUCCESS) {
        gpu_fail(&device, "%s: create: %s", name, device.message);
        return false;
    }
    vatten_plan_get_info(t->plan, &t->info);
    uint64_t lists = d->batch * t->list_heads * d->rows;
    const uint64_t bytes[5] = {t->info.q_bytes, t->info.k_bytes, t->info.lists_bytes, t->info.counts_bytes,
                               t->info.workspace_bytes};
    if (bytes[0] != gpu_view_bytes(&t->q) || bytes[1] != gpu_view_bytes(&t->k) ||
        bytes[2] != lists * d->rule.entries * 4 || bytes[3] != (d->write_counts ? lists * 4 : 0)) {
        gpu_fail(&device, "%s: the plan wants other sizes than its shapes have", name);
        return false;
    }
    for (int n = 0; n < 5; ++n) {
        if (!gpu_region_create(&device, &t->regions[n], slots[n], bytes[n], t->info.offset_alignment)) {
            return false;
        }
    }
    return true;
}

static void check(const char *name, const vatten_select_desc *desc) {
    static const gpu_slot slots[5] = {GPU_Q, GPU_K, GPU_LISTS, GPU_LSE, GPU_WORKSPACE};
    trial *t = calloc(1, sizeof *t);
    t->desc = *desc;
    if (gpu_has_dtype(&device, desc->dtype) && begin(t, name)) {
        device.cases++;
        fill(t);
        if (run(t)) {
            compare(t, name);
        } else {
            gpu_fail(&device, "%s: run: %s", name, device.message);
        }
    }
    vatten_plan_destroy(t->plan);
    for (int n = 0; n < 5; ++n) {
        gpu_region_destroy(&device, &t->regions[n], slots[n]);
    }
    gpu_check_validation(&device, name);
    free(t);
}

static void check_rows(const char *name, const vatten_select_desc *rows, size_t count) {
    for (size_t n = 0; n < count; ++n) {
        vatten_select_desc desc = rows[n];
        char text[64];
        desc.dtype = (vatten_dtype)(VATTEN_DTYPE_F32 + n % 3);
        snprintf(text, sizeof text, "%s %u", name, (unsigned)n);
        check(text, &desc);
        desc.max_workspace = 64 * 1024; /* in several parts */
        snprintf(text, sizeof text, "%s %u in parts", name, (unsigned)n);
        check(text, &desc);
        if (n % 2)
            continue;
        desc.max_workspace = 0;
        desc.max_moves = 2000; /* too long for one invocation: by passes */
        snprintf(text, sizeof text, "%s %u by passes", name, (unsigned)n);
        check(text, &desc);
    }
    gpu_assert_clean(&device);
}

static void test_top(void **state) {
    (void)state;
    static const vatten_select_desc rows[] = {
        {.batch = 2,
         .heads = 4,
         .kv_heads = 2,
         .dim = 16,
         .rows = 70,
         .blocks = 37,
         .write_counts = true,
         .rule = {.entries = 5}},
        {.batch = 1,
         .heads = 4,
         .kv_heads = 4,
         .dim = 7,
         .rows = 130,
         .blocks = 3,
         .rule = {.entries = 3, .list_heads = 1}},
        {.batch = 1,
         .heads = 2,
         .kv_heads = 1,
         .dim = 32,
         .rows = 300,
         .blocks = 20,
         .row_tokens = 1,
         .block_tokens = 15,
         .causal = true,
         .write_counts = true,
         .rule = {.entries = 3, .own = true}},
        {.batch = 1,
         .heads = 4,
         .kv_heads = 2,
         .dim = 24,
         .rows = 20,
         .blocks = 40,
         .row_tokens = 16,
         .block_tokens = 8,
         .causal = true,
         .write_counts = true,
         .rule = {.entries = 8, .own = true, .first = 2, .local = 4, .list_heads = 2}},
        {.batch = 1,
         .heads = 6,
         .kv_heads = 2,
         .dim = 16,
         .rows = 64,
         .blocks = 21,
         .row_tokens = 1,
         .row_shift = 20,
         .block_tokens = 4,
         .causal = true,
         .rule = {.entries = 6, .first = 1, .local = 2, .softmax = true, .scale = 0.25f, .list_heads = 2}},
        {.batch = 1, /* more forced blocks than there are: they overlap */
         .heads = 2,
         .kv_heads = 1,
         .dim = 16,
         .rows = 31,
         .blocks = 3,
         .row_tokens = 1,
         .block_tokens = 11,
         .causal = true,
         .write_counts = true,
         .rule = {.entries = 3, .own = true, .first = 2, .local = 3}},
    };
    check_rows("top", rows, COUNT(rows));
}

static void test_mass(void **state) {
    (void)state;
    static const vatten_select_desc rows[] = {
        {.batch = 1,
         .heads = 2,
         .kv_heads = 1,
         .dim = 16,
         .rows = 50,
         .blocks = 30,
         .write_counts = true,
         .rule = {.entries = 30, .softmax = true, .budget = VATTEN_BUDGET_MASS, .share = 0.8f}},
        {.batch = 1,
         .heads = 2,
         .kv_heads = 2,
         .dim = 16,
         .rows = 50,
         .blocks = 30,
         .row_tokens = 8,
         .block_tokens = 8,
         .write_counts = true,
         .rule = {.entries = 30,
                  .min_max = true,
                  .budget = VATTEN_BUDGET_MASS,
                  .share = 0.25f,
                  .own = true,
                  .least = 1}},
        {.batch = 2,
         .heads = 4,
         .kv_heads = 2,
         .dim = 8,
         .rows = 33,
         .blocks = 50,
         .write_counts = true,
         .rule = {.entries = 9,
                  .softmax = true,
                  .budget = VATTEN_BUDGET_MASS,
                  .share = 0.95f,
                  .crossing_out = true,
                  .list_heads = 2}},
        {.batch = 1,
         .heads = 1,
         .kv_heads = 1,
         .dim = 8,
         .rows = 40,
         .blocks = 25,
         .row_tokens = 3,
         .block_tokens = 5,
         .causal = true,
         .write_counts = true,
         .rule = {.entries = 25, .softmax = true, .budget = VATTEN_BUDGET_MASS, .share = 1.0f}},
        {.batch = 1,
         .heads = 1,
         .kv_heads = 1,
         .dim = 8,
         .rows = 40,
         .blocks = 25,
         .write_counts = true,
         .rule = {.entries = 4, .min_max = true, .budget = VATTEN_BUDGET_MASS, .share = 0.0f, .least = 2}},
    };
    check_rows("mass", rows, COUNT(rows));
}

static void test_threshold(void **state) {
    (void)state;
    static const vatten_select_desc rows[] = {
        {.batch = 1,
         .heads = 2,
         .kv_heads = 1,
         .dim = 16,
         .rows = 50,
         .blocks = 30,
         .write_counts = true,
         .rule = {.entries = 30, .budget = VATTEN_BUDGET_THRESHOLD, .share = 3.0f}},
        {.batch = 1,
         .heads = 2,
         .kv_heads = 1,
         .dim = 16,
         .rows = 50,
         .blocks = 30,
         .write_counts = true,
         .rule = {.entries = 6, .budget = VATTEN_BUDGET_THRESHOLD, .share = -2.5f, .least = 1}},
        {.batch = 1,
         .heads = 2,
         .kv_heads = 2,
         .dim = 16,
         .rows = 60,
         .blocks = 20,
         .row_tokens = 2,
         .block_tokens = 6,
         .causal = true,
         .write_counts = true,
         .rule =
             {.entries = 20, .softmax = true, .budget = VATTEN_BUDGET_THRESHOLD, .share = 0.1f, .own = true}},
    };
    check_rows("threshold", rows, COUNT(rows));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_top),
        cmocka_unit_test(test_mass),
        cmocka_unit_test(test_threshold),
    };
    int opened = gpu_open(&device, "test_select", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
