/* SPDX-License-Identifier: MIT
 *
 * Combining: sums with gains and residuals and merges by log-sum-exps, in every dtype, layout in memory and in place, against
 * plain statements in double; and attention over parts of the keys, merged, against known answers for all of them. Outputs
 * lie between guard zones and hold NaN before.
 *
 *   test_combine [cases.json]
 */
#include "gpu_harness.h"

#include "cases.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTS_MAX 64

static gpu device;
static gpu narrow; /* small bindings */
static const char *cases_path = VATTEN_CASES_FILE;

typedef enum place { APART, ON_PART, ON_RESIDUAL } place; /* where the output is */

enum { PARTS, WEIGHTS, RESIDUAL, OUT, LSE, REGIONS };
static const gpu_slot slots[REGIONS] = {GPU_V, GPU_BIAS, GPU_Q, GPU_OUT, GPU_LSE};

typedef struct trial {
    gpu *device;
    vatten_combine_desc desc;
    place place;
    uint32_t on; /* ON_PART: which */
    uint64_t seed;
    gpu_view view[REGIONS];
    uint64_t part[REGIONS]; /* elements from a part to the next; 0 without parts */
    gpu_region region[REGIONS];
    vatten_plan *plan;
    vatten_plan_info info;
} trial;

/* ---- Inputs ---- */

static float stored(const trial *t, float raw) {
    ref_dtype type = gpu_ref_dtype(t->desc.dtype);
    return type == REF_F16    ? ref_f16_to_f32(ref_f32_to_f16(raw))
           : type == REF_BF16 ? ref_bf16_to_f32(ref_f32_to_bf16(raw))
                              : raw;
}

/* By where an element lies, so that strides of 0 repeat. */
static uint64_t place_of(const trial *t, int which, uint32_t part, uint64_t b, uint64_t token, uint64_t head,
                         uint64_t d) {
    return part * t->part[which] + gpu_view_index(&t->view[which], b, token, head, d);
}

/* Of a merge every fifth weight is a part without keys, and all parts of some rows are. */
static float weight(const trial *t, uint32_t part, uint64_t b, uint64_t token, uint64_t head) {
    uint64_t at = place_of(t, WEIGHTS, part, b, token, head, 0);
    float raw = ref_random(t->seed + 1, at);
    if (t->desc.kind == VATTEN_COMBINE_SUM)
        return raw;
    bool own = t->view[WEIGHTS].strides.token != 0; /* of the token, so that whole rows can be without */
    bool none = at % 5 == 2 || (own && token % 7 == 3 && head == 0);
    return none ? -INFINITY : raw * (t->seed % 3 ? 4.0f : 60.0f);
}

/* What a part without keys holds must not matter. */
static float part_value(const trial *t, uint32_t part, uint64_t b, uint64_t token, uint64_t head,
                        uint64_t d) {
    bool merges = t->desc.kind == VATTEN_COMBINE_MERGE;
    bool own = t->part[PARTS] >= t->view[PARTS].dim; /* no element is another row's too */
    if (merges && own && t->seed % 2 && isinf(weight(t, part, b, token, head)))
        return NAN;
    return stored(t, ref_random(t->seed + 2, place_of(t, PARTS, part, b, token, head, d)));
}

static float residual(const trial *t, uint64_t b, uint64_t token, uint64_t head, uint64_t d) {
    return stored(t, ref_random(t->seed + 3, place_of(t, RESIDUAL, 0, b, token, head, d)));
}

static void fill(trial *t) {
    const vatten_combine_desc *d = &t->desc;
    for (uint64_t n = 0; n < d->batch * d->heads * d->tokens; ++n) {
        uint64_t token = n % d->tokens, head = n / d->tokens % d->heads, b = n / d->tokens / d->heads;
        for (uint32_t p = 0; p < d->parts; ++p) {
            for (uint64_t e = 0; e < d->dim; ++e)
                gpu_region_write(&t->region[PARTS], &t->view[PARTS], place_of(t, PARTS, p, b, token, head, e),
                                 part_value(t, p, b, token, head, e));
            if (t->view[WEIGHTS].used)
                gpu_region_write(&t->region[WEIGHTS], &t->view[WEIGHTS],
                                 place_of(t, WEIGHTS, p, b, token, head, 0), weight(t, p, b, token, head));
        }
        for (uint64_t e = 0; e < d->dim && d->has_residual; ++e)
            gpu_region_write(&t->region[RESIDUAL], &t->view[RESIDUAL],
                             place_of(t, RESIDUAL, 0, b, token, head, e), residual(t, b, token, head, e));
    }
}

/* ---- What is wanted ---- */

static double summed(const trial *t, uint64_t b, uint64_t token, uint64_t head, uint64_t d) {
    double sum = t->desc.has_residual ? (double)residual(t, b, token, head, d) : 0.0;
    for (uint32_t p = 0; p < t->desc.parts; ++p) {
        double gain = t->desc.gains ? (double)weight(t, p, b, token, head) : 1.0;
        sum += gain * (double)part_value(t, p, b, token, head, d);
    }
    return sum;
}

/* `out_lse` is the row's. */
static double merged(const trial *t, uint64_t b, uint64_t token, uint64_t head, uint64_t d, double *out_lse) {
    double top = -INFINITY, total = 0.0, sum = 0.0;
    for (uint32_t p = 0; p < t->desc.parts; ++p)
        top = fmax(top, (double)weight(t, p, b, token, head));
    *out_lse = -INFINITY;
    if (isinf(top))
        return 0.0;
    for (uint32_t p = 0; p < t->desc.parts; ++p) {
        double l = (double)weight(t, p, b, token, head);
        if (isinf(l))
            continue;
        total += exp(l - top);
        sum += exp(l - top) * (double)part_value(t, p, b, token, head, d);
    }
    *out_lse = top + log(total);
    return sum / total;
}

/* ---- A run ---- */

static gpu_region *out_region(trial *t) {
    return &t->region[t->place == ON_PART ? PARTS : t->place == ON_RESIDUAL ? RESIDUAL : OUT];
}

/* Elements of the output before its buffer argument would begin. */
static uint64_t out_shift(const trial *t) {
    return t->place == ON_PART ? t->on * t->part[PARTS] : 0;
}

static void compare_row(trial *t, const char *name, uint64_t b, uint64_t token, uint64_t head) {
    double lse = 0.0, tolerance = ref_tolerance(gpu_ref_dtype(t->desc.dtype));
    /* The last rounding is by the size of the result. */
    double rounding = t->desc.dtype == VATTEN_DTYPE_F32 ? 1e-6 : t->desc.dtype == VATTEN_DTYPE_F16 ? 1e-3 : 8e-3;
    for (uint64_t d = 0; d < t->desc.dim; ++d) {
        double want = t->desc.kind == VATTEN_COMBINE_SUM ? summed(t, b, token, head, d)
                                                         : merged(t, b, token, head, d, &lse);
        uint64_t at = out_shift(t) + gpu_view_index(&t->view[OUT], b, token, head, d);
        double got = (double)gpu_region_read(out_region(t), &t->view[OUT], at);
        if (!(fabs(got - want) <= tolerance + rounding * fabs(want))) {
            gpu_fail(t->device, "%s: batch entry %u, head %u, token %u, dim %u: %g, not %g", name, (unsigned)b,
                     (unsigned)head, (unsigned)token, (unsigned)d, got, want);
            return;
        }
        gpu_region_restore(out_region(t), &t->view[OUT], at);
    }
    if (!t->desc.write_lse)
        return;
    uint64_t at = gpu_view_index(&t->view[LSE], b, token, head, 0);
    double got = (double)gpu_region_read(&t->region[LSE], &t->view[LSE], at);
    if (!(fabs(got - lse) <= ref_lse_tolerance() || got == lse))
        gpu_fail(t->device, "%s: batch entry %u, head %u, token %u: lse %g, not %g", name, (unsigned)b,
                 (unsigned)head, (unsigned)token, got, lse);
    gpu_region_restore(&t->region[LSE], &t->view[LSE], at);
}

/* Every element of the output, and that nothing else has changed. */
static void compare(trial *t, const char *name) {
    const vatten_combine_desc *d = &t->desc;
    for (uint64_t n = 0; n < d->batch * d->heads * d->tokens; ++n) {
        compare_row(t, name, n / d->tokens / d->heads, n % d->tokens, n / d->tokens % d->heads);
        t->device->rows++;
    }
    for (int n = 0; n < REGIONS; ++n) {
        uint64_t changed = gpu_region_changed(&t->region[n], 0, t->region[n].total);
        if (changed != UINT64_MAX)
            gpu_fail(t->device, "%s: buffer %d was changed at byte %u", name, n, (unsigned)changed);
    }
}

static vatten_buffer buffer_of(const gpu_region *region, uint64_t shift) {
    vatten_buffer none = {0};
    return region->memory ? (vatten_buffer){vatten_memory_buffer(region->memory).buffer,
                                            region->offset + shift, region->bytes - shift}
                          : none;
}

static bool run(trial *t) {
    double ms;
    uint64_t bytes = t->desc.dtype == VATTEN_DTYPE_F32 ? 4 : 2;
    const vatten_args args = {.v = buffer_of(&t->region[PARTS], 0),
                              .bias = buffer_of(&t->region[WEIGHTS], 0),
                              .q = buffer_of(&t->region[RESIDUAL], 0),
                              .out = buffer_of(out_region(t), out_shift(t) * bytes),
                              .lse = buffer_of(&t->region[LSE], 0)};
    bool good = true;
    for (int n = 0; n < REGIONS; ++n)
        good = good && gpu_region_upload(&t->region[n]);
    good = good && vatten_context_run(t->device->context, t->plan, &args, &ms) == VATTEN_SUCCESS;
    for (int n = 0; n < REGIONS; ++n)
        good = good && gpu_region_download(&t->region[n]);
    return good;
}

/* ---- A trial ---- */

static bool all_zero(vatten_strides s) {
    return s.batch == 0 && s.head == 0 && s.token == 0;
}

static vatten_strides packed(const vatten_combine_desc *d) {
    int64_t token = (int64_t)d->heads * d->dim;
    return (vatten_strides){.batch = token * (int64_t)d->tokens, .head = d->dim, .token = token};
}

static uint64_t reach(const gpu_view *v) {
    return gpu_view_index(v, v->batch - 1, v->tokens - 1, v->heads - 1, v->dim - 1) + 1;
}

static void set_views(trial *t) {
    const vatten_combine_desc *d = &t->desc;
    const vatten_strides row = {.batch = (int64_t)(d->heads * d->tokens), .head = (int64_t)d->tokens, .token = 1};
    const vatten_strides given[REGIONS] = {
        all_zero(d->x) ? packed(d) : d->x, all_zero(d->weights) && d->weights_part == 0 ? row : d->weights,
        all_zero(d->residual) ? packed(d) : d->residual, all_zero(d->out) ? packed(d) : d->out, row};
    const bool used[REGIONS] = {true, d->gains || d->kind == VATTEN_COMBINE_MERGE, d->has_residual,
                                t->place == APART, d->write_lse};
    for (int n = 0; n < REGIONS; ++n) {
        bool f32 = n == WEIGHTS || n == LSE;
        t->view[n] = (gpu_view){used[n],   f32 ? REF_F32 : gpu_ref_dtype(d->dtype),
                                d->batch,  d->tokens,
                                d->tokens, d->heads,
                                f32 ? 1 : d->dim, given[n]};
    }
    t->part[PARTS] = d->x_part ? d->x_part : reach(&t->view[PARTS]);
    bool weights_packed = all_zero(d->weights) && d->weights_part == 0;
    t->part[WEIGHTS] = weights_packed ? reach(&t->view[WEIGHTS]) : d->weights_part;
}

static bool begin(trial *t, const char *name) {
    set_views(t);
    if (vatten_combine_create(t->device->device, &t->desc, &t->plan) != VATTEN_SUCCESS) {
        gpu_fail(t->device, "%s: create: %s", name, t->device->message);
        return false;
    }
    vatten_plan_get_info(t->plan, &t->info);
    const uint64_t bytes[REGIONS] = {t->info.v_bytes, t->info.bias_bytes, t->info.q_bytes,
                                     t->place == APART ? t->info.out_bytes : 0, t->info.lse_bytes};
    for (int n = 0; n < REGIONS; ++n) {
        uint64_t size = t->view[n].dtype == REF_F32 ? 4 : 2;
        uint64_t parts = t->part[n] * (t->desc.parts - 1);
        if (t->view[n].used && bytes[n] != (parts + reach(&t->view[n])) * size)
            gpu_fail(t->device, "%s: buffer %d has %u bytes by the plan's info", name, n, (unsigned)bytes[n]);
        if (!gpu_region_create(t->device, &t->region[n], slots[n], bytes[n], t->info.offset_alignment))
            return false;
    }
    return true;
}

/* Twice. Returns the dispatches, 0 after a failure. */
static uint32_t check(gpu *g, const char *name, const vatten_combine_desc *desc, place where, uint32_t on,
                      uint64_t seed) {
    trial t = {.device = g, .desc = *desc, .place = where, .on = on, .seed = seed};
    if (!gpu_has_dtype(g, desc->dtype))
        return 0;
    if (begin(&t, name)) {
        g->cases++;
        fill(&t);
        gpu_region *out = out_region(&t);
        uint8_t *first = malloc((size_t)out->total);
        bool good = run(&t);
        memcpy(first, out->seen, (size_t)out->total);
        good = good && run(&t);
        if (!good)
            gpu_fail(g, "%s: run: %s", name, g->message);
        else if (memcmp(first, out->seen, (size_t)out->total) != 0)
            gpu_fail(g, "%s: the second run differs", name);
        else
            compare(&t, name);
        free(first);
    }
    vatten_plan_destroy(t.plan);
    for (int n = 0; n < REGIONS; ++n)
        gpu_region_destroy(g, &t.region[n], slots[n]);
    gpu_check_validation(g, name);
    return t.info.dispatches;
}

/* ---- Problems ---- */

static uint64_t draw(uint64_t *state, uint64_t low, uint64_t high) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return low + (*state >> 33) % (high - low + 1);
}

static vatten_strides draw_strides(uint64_t *random, const vatten_combine_desc *d) {
    uint64_t row = d->dim + (draw(random, 0, 1) ? 0 : draw(random, 0, 9));
    bool head_major = draw(random, 0, 1);
    uint64_t inner = row * (head_major ? d->tokens : d->heads) + 4 * draw(random, 0, 2);
    return (vatten_strides){.token = (int64_t)(head_major ? row : inner),
                            .head = (int64_t)(head_major ? inner : row),
                            .batch = (int64_t)(inner * (head_major ? d->heads : d->tokens))};
}

/* Packed as attention writes them, beside each other as gates are, one of a head, or one of a part. */
static void draw_weights(uint64_t *random, vatten_combine_desc *d) {
    int64_t parts = (int64_t)d->parts, heads = (int64_t)d->heads;
    switch (draw(random, 0, 3)) {
    case 0:
        d->weights = (vatten_strides){
            .batch = parts * heads * (int64_t)d->tokens, .head = parts, .token = parts * heads};
        d->weights_part = 1;
        break;
    case 1:
        d->weights = (vatten_strides){.batch = 0, .head = 1, .token = 0};
        d->weights_part = d->heads + 3;
        break;
    case 2:
        d->weights_part = d->kind == VATTEN_COMBINE_SUM;
        break;
    default:
        break;
    }
}

static vatten_combine_desc draw_problem(uint64_t *random, place *out_place, uint32_t *out_on) {
    vatten_combine_desc d = {.kind = draw(random, 0, 1) ? VATTEN_COMBINE_MERGE : VATTEN_COMBINE_SUM,
                             .dtype = (vatten_dtype)draw(random, 1, 3),
                             .batch = draw(random, 1, 2),
                             .heads = (uint32_t)draw(random, 1, 3),
                             .tokens = draw(random, 1, 40),
                             .dim = (uint32_t)(draw(random, 0, 1) ? 4 * draw(random, 1, 33) : draw(random, 1, 70)),
                             .parts = (uint32_t)(draw(random, 0, 5) ? draw(random, 1, 5) : PARTS_MAX)};
    bool merges = d.kind == VATTEN_COMBINE_MERGE;
    d.gains = !merges && draw(random, 0, 2);
    d.has_residual = !merges && draw(random, 0, 1);
    d.write_lse = merges && draw(random, 0, 3);
    if (draw(random, 0, 1)) {
        d.x = draw_strides(random, &d);
        d.out = draw_strides(random, &d);
    }
    if (d.has_residual && draw(random, 0, 1))
        d.residual = draw_strides(random, &d);
    if (d.gains || merges)
        draw_weights(random, &d);
    /* An output on a part begins where an offset may: 64 elements are enough for any alignment. */
    *out_place = draw(random, 0, 2) == 0 ? ON_PART : d.has_residual && draw(random, 0, 1) ? ON_RESIDUAL : APART;
    *out_on = (uint32_t)draw(random, 0, d.parts - 1);
    if (*out_place != APART)
        d.out = *out_place == ON_PART ? d.x : d.residual;
    trial sizes = {.desc = d};
    set_views(&sizes);
    if (*out_place == ON_PART)
        d.x_part = (sizes.part[PARTS] + 63) / 64 * 64;
    return d;
}

static void test_at_random(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < (gpu_thorough(&device) ? 600 : 90); ++seed) {
        uint64_t random = seed;
        uint32_t on;
        place where;
        draw(&random, 0, 1);
        vatten_combine_desc d = draw_problem(&random, &where, &on);
        char name[64];
        snprintf(name, sizeof name, "seed %u", (unsigned)seed);
        check(&device, name, &d, where, on, seed);
    }
    gpu_assert_clean(&device);
}

static void test_with_small_bindings(void **state) {
    (void)state;
    unsigned split = 0;
    for (uint64_t seed = 0; seed < 12; ++seed) {
        uint64_t random = seed + 1000;
        vatten_combine_desc d = {.kind = seed % 2 ? VATTEN_COMBINE_MERGE : VATTEN_COMBINE_SUM,
                                 .dtype = VATTEN_DTYPE_F32,
                                 .batch = 2,
                                 .heads = 3,
                                 .tokens = 300,
                                 .dim = 20,
                                 .parts = 2,
                                 .write_lse = seed % 2};
        d.gains = !d.write_lse;
        draw(&random, 0, 1);
        /* The parts of a row beside each other, else no binding holds two. */
        d.x = (vatten_strides){.token = 3 * 2 * 20, .head = 2 * 20, .batch = 300 * 3 * 2 * 20};
        d.x_part = 20;
        draw_weights(&random, &d);
        if (d.weights_part == 0 || d.weights.token == 0) {
            d.weights = (vatten_strides){.batch = 300 * 6, .head = 2, .token = 6};
            d.weights_part = 1;
        }
        const place where = seed % 3 ? APART : ON_PART;
        d.out = where == ON_PART ? d.x : d.out;
        split += check(&narrow, "small bindings", &d, where, 0, seed) > 8;
    }
    assert_int_equal(split, 12);
    gpu_assert_clean(&narrow);
}

/* ---- Attention over parts of the keys ---- */

typedef struct merge_case {
    const cases_case *item;
    vatten_dtype dtype;
    vatten_memory *q, *k, *v, *parts, *lses, *out, *lse;
    float *out_values, *lse_values;
} merge_case;

static uint64_t element_bytes(vatten_dtype dtype) {
    return dtype == VATTEN_DTYPE_F32 ? 4 : 2;
}

static void store(vatten_dtype dtype, uint8_t *data, uint64_t n, float x) {
    uint16_t bits = dtype == VATTEN_DTYPE_F16 ? ref_f32_to_f16(x) : ref_f32_to_bf16(x);
    memcpy(data + n * element_bytes(dtype), dtype == VATTEN_DTYPE_F32 ? (void *)&x : (void *)&bits,
           element_bytes(dtype));
}

static vatten_memory *memory_of(uint64_t bytes) {
    vatten_memory *memory = NULL;
    vatten_memory_create(device.context, bytes ? bytes : 64, &memory);
    return memory;
}

/* A tensor of the case, at least one token long. */
static vatten_memory *upload(const merge_case *c, cases_tensor tensor, uint64_t tokens) {
    const cases_case *item = c->item;
    uint64_t heads = tensor == CASES_Q ? item->heads : item->kv_heads;
    uint64_t dim = tensor == CASES_V ? item->value_dim : item->dim;
    uint64_t count = item->batch * tokens * heads * dim, bytes = (count + 1) * element_bytes(c->dtype);
    uint8_t *data = calloc(1, bytes);
    for (uint64_t n = 0; n < count; ++n) {
        uint64_t token = n / dim / heads;
        store(c->dtype, data, n,
              cases_value(item, tensor, token / tokens, token % tokens, n / dim % heads, n % dim));
    }
    vatten_memory *memory = memory_of(bytes);
    bool good = memory && vatten_memory_upload(memory, 0, data, bytes) == VATTEN_SUCCESS;
    free(data);
    return good ? memory : NULL;
}

static vatten_buffer at(vatten_memory *memory, uint64_t offset, uint64_t bytes) {
    return (vatten_buffer){vatten_memory_buffer(memory).buffer, offset, bytes};
}

/* From a part to the next: parts begin where an offset may. */
static uint64_t apart(uint64_t elements) {
    return (elements + 255) / 256 * 256;
}

static uint64_t rows_of(const cases_case *item) {
    return item->batch * item->heads * cases_q_len(item);
}

/* The keys [first, first + count) of all, into one part. An empty range has no key. */
static bool attend(const merge_case *c, uint32_t part, uint64_t first, uint64_t count) {
    const cases_case *item = c->item;
    uint64_t keys = cases_kv_len(item), rows = rows_of(item), e = element_bytes(c->dtype);
    int64_t k_row = (int64_t)(item->kv_heads * item->dim), v_row = (int64_t)(item->kv_heads * item->value_dim);
    vatten_attention_desc desc = {.heads = {.dtype = c->dtype,
                                            .batch = item->batch,
                                            .heads = (uint32_t)item->heads,
                                            .kv_heads = (uint32_t)item->kv_heads,
                                            .dim = (uint32_t)item->dim,
                                            .value_dim = (uint32_t)item->value_dim,
                                            .write_lse = true,
                                            .k = {k_row * (int64_t)keys, (int64_t)item->dim, k_row},
                                            .v = {v_row * (int64_t)keys, (int64_t)item->value_dim, v_row}},
                                  .q_len = cases_q_len(item),
                                  .kv_len = count ? count : 1};
    vatten_plan *plan = NULL;
    vatten_memory *scratch = NULL;
    vatten_plan_info info;
    double ms;
    if (vatten_attention_create(device.device, &desc, &plan) != VATTEN_SUCCESS)
        return false;
    vatten_plan_get_info(plan, &info);
    scratch = memory_of(info.workspace_bytes);
    const vatten_args args = {
        .q = at(c->q, 0, info.q_bytes),
        .k = at(c->k, first * (uint64_t)k_row * e, info.k_bytes),
        .v = at(c->v, first * (uint64_t)v_row * e, info.v_bytes),
        .out = at(c->parts, part * apart(rows * item->value_dim) * e, info.out_bytes),
        .lse = at(c->lses, part * apart(rows) * sizeof(float), info.lse_bytes),
        .workspace = at(scratch, 0, info.workspace_bytes),
        .kv_len = count ? 0 : VATTEN_EMPTY};
    bool good = vatten_context_run(device.context, plan, &args, &ms) == VATTEN_SUCCESS;
    vatten_memory_destroy(scratch);
    vatten_plan_destroy(plan);
    return good;
}

static bool merge(const merge_case *c) {
    const cases_case *item = c->item;
    const vatten_combine_desc desc = {.kind = VATTEN_COMBINE_MERGE,
                                      .dtype = c->dtype,
                                      .batch = item->batch,
                                      .heads = (uint32_t)item->heads,
                                      .tokens = cases_q_len(item),
                                      .dim = (uint32_t)item->value_dim,
                                      .parts = item->splits,
                                      .x_part = apart(rows_of(item) * item->value_dim),
                                      .weights = {.batch = (int64_t)(item->heads * cases_q_len(item)),
                                                  .head = (int64_t)cases_q_len(item),
                                                  .token = 1},
                                      .weights_part = apart(rows_of(item)),
                                      .write_lse = true};
    vatten_plan *plan = NULL;
    double ms;
    if (vatten_combine_create(device.device, &desc, &plan) != VATTEN_SUCCESS)
        return false;
    vatten_plan_info info;
    vatten_plan_get_info(plan, &info);
    const vatten_args args = {.v = at(c->parts, 0, info.v_bytes),
                              .bias = at(c->lses, 0, info.bias_bytes),
                              .out = at(c->out, 0, info.out_bytes),
                              .lse = at(c->lse, 0, info.lse_bytes)};
    bool good = vatten_context_run(device.context, plan, &args, &ms) == VATTEN_SUCCESS;
    vatten_plan_destroy(plan);
    return good;
}

static void check_value(const merge_case *c, unsigned probe, const char *what, double got, double want,
                        double tolerance) {
    if (!(fabs(got - want) <= tolerance || got == want))
        gpu_fail(&device, "%s %s probe %u: %s is %.9g, known is %.9g", c->item->id, gpu_dtype_name(c->dtype),
                 probe, what, got, want);
}

static void check_probes(const merge_case *c) {
    const cases_case *item = c->item;
    double tolerance = item->tolerance[gpu_ref_dtype(c->dtype)];
    for (uint32_t n = 0; n < item->probes; ++n) {
        const cases_probe *probe = &item->probe[n];
        const float *row = c->out_values +
                           ((probe->b * cases_q_len(item) + probe->q) * item->heads + probe->h) * item->value_dim;
        double sum = 0.0;
        for (uint64_t d = 0; d < item->value_dim; ++d)
            sum += (double)row[d];
        for (uint32_t d = 0; d < probe->outs; ++d)
            check_value(c, n, "out", (double)row[d], probe->out[d], tolerance);
        check_value(c, n, "sum of out", sum, probe->out_sum, tolerance * sqrt((double)item->value_dim));
        check_value(c, n, "lse",
                    (double)c->lse_values[(probe->b * item->heads + probe->h) * cases_q_len(item) + probe->q],
                    probe->lse, item->lse_tolerance);
        device.rows++;
    }
}

static bool download(merge_case *c, uint64_t rows) {
    uint64_t count = rows * c->item->value_dim, e = element_bytes(c->dtype);
    uint8_t *raw = malloc(count * e);
    c->out_values = malloc(count * sizeof(float));
    c->lse_values = malloc(rows * sizeof(float));
    bool good = vatten_memory_download(c->out, 0, raw, count * e) == VATTEN_SUCCESS &&
                vatten_memory_download(c->lse, 0, c->lse_values, rows * sizeof(float)) == VATTEN_SUCCESS;
    for (uint64_t n = 0; n < count; ++n) {
        uint16_t bits;
        memcpy(&bits, raw + n * e, sizeof bits);
        memcpy(&c->out_values[n], raw + n * e, e);
        if (e == 2)
            c->out_values[n] = c->dtype == VATTEN_DTYPE_F16 ? ref_f16_to_f32(bits) : ref_bf16_to_f32(bits);
    }
    free(raw);
    return good;
}

static void run_merge_case(const cases_case *item, vatten_dtype dtype) {
    uint64_t rows = rows_of(item), keys = cases_kv_len(item);
    merge_case c = {.item = item, .dtype = dtype};
    uint64_t part = rows * item->value_dim * element_bytes(dtype), first = 0;
    c.q = upload(&c, CASES_Q, cases_q_len(item));
    c.k = upload(&c, CASES_K, keys ? keys : 1);
    c.v = upload(&c, CASES_V, keys ? keys : 1);
    c.parts = memory_of(apart(rows * item->value_dim) * sizeof(float) * item->splits);
    c.lses = memory_of(apart(rows) * sizeof(float) * item->splits);
    c.out = memory_of(part);
    c.lse = memory_of(rows * sizeof(float));
    bool good = c.q && c.k && c.v && c.parts && c.lses && c.out && c.lse;
    for (uint32_t n = 0; good && n < item->splits; first += item->split[n++])
        good = attend(&c, n, first, item->split[n]);
    if (good && first == keys && merge(&c) && download(&c, rows))
        check_probes(&c);
    else
        gpu_fail(&device, "%s: %s", item->id, device.message);
    device.cases++;
    vatten_memory *all[7] = {c.q, c.k, c.v, c.parts, c.lses, c.out, c.lse};
    for (int n = 0; n < 7; ++n)
        vatten_memory_destroy(all[n]);
    free(c.out_values);
    free(c.lse_values);
    gpu_check_validation(&device, item->id);
}

static void test_known_answers(void **state) {
    (void)state;
    cases_list cases;
    unsigned done = 0;
    assert_true(cases_read(cases_path, &cases));
    for (size_t n = 0; n < cases.count; ++n)
        for (int t = 0; cases.items[n].op == CASES_MERGE && t < 3; ++t) {
            vatten_dtype dtype = (vatten_dtype)(VATTEN_DTYPE_F32 + t);
            if (!cases.items[n].dtype[gpu_ref_dtype(dtype)] || !gpu_has_dtype(&device, dtype))
                continue;
            run_merge_case(&cases.items[n], dtype);
            ++done;
        }
    cases_free(&cases);
    printf("  %u cases and dtypes\n", done);
    assert_true(done >= 4);
    gpu_assert_clean(&device);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_random),
        cmocka_unit_test(test_with_small_bindings),
        cmocka_unit_test(test_known_answers),
    };
    cases_path = argc > 1 ? argv[1] : cases_path;
    const vatten_context_desc less = {.cap_storage_range = 16384};
    int opened = gpu_open(&device, "test_combine", NULL);
    if (opened)
        return opened;
    opened = gpu_open(&narrow, "test_combine", &less);
    int failed = opened ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
    return gpu_close(&narrow, 0) + gpu_close(&device, failed);
}
