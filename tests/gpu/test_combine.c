/* SPDX-License-Identifier: MIT
 *
 * Combining: sums with gains and residuals and merges by log-sum-exps, in every dtype, layout in memory and in place, against
 * plain statements in double. Outputs lie between guard zones and hold NaN before.
 */
#include "gpu_harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTS_MAX 64

static gpu device;
static gpu narrow; /* small bindings */

typedef enum place { APART, ON_PART, ON_RESIDUAL } place; /* where the output is */

enum { PARTS, WEIGHTS, RESIDUAL, OUT, LSE, CARRY, REGIONS };
static const gpu_slot slots[REGIONS] = {GPU_V, GPU_BIAS, GPU_Q, GPU_OUT, GPU_LSE, GPU_WORKSPACE};

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
    double rounding = t->desc.dtype == VATTEN_DTYPE_F32   ? 1e-6
                      : t->desc.dtype == VATTEN_DTYPE_F16 ? 1e-3
                                                          : 8e-3;
    for (uint64_t d = 0; d < t->desc.dim; ++d) {
        double want = t->desc.kind == VATTEN_COMBINE_SUM ? summed(t, b, token, head, d)
                                                         : merged(t, b, token, head, d, &lse);
        uint64_t at = out_shift(t) + gpu_view_index(&t->view[OUT], b, token, head, d);
        double got = (double)gpu_region_read(out_region(t), &t->view[OUT], at);
        if (!(fabs(got - want) <= tolerance + rounding * fabs(want))) {
            gpu_fail(t->device, "%s: batch entry %u, head %u, token %u, dim %u: %g, not %g", name,
                     (unsigned)b, (unsigned)head, (unsigned)token, (unsigned)d, got, want);
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
        const gpu_region *region = &t->region[n];
        uint64_t own = n == CARRY ? region->bytes : 0; /* may be left in any state */
        uint64_t changed = gpu_region_changed(region, 0, own ? region->offset : region->total);
        if (own && changed == UINT64_MAX)
            changed = gpu_region_changed(region, region->offset + own, region->total);
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
    uint64_t bytes = t->desc.dtype == VATTEN_DTYPE_F32 ? 4 : 2;
    const vatten_args args = {.v = buffer_of(&t->region[PARTS], 0),
                              .bias = buffer_of(&t->region[WEIGHTS], 0),
                              .q = buffer_of(&t->region[RESIDUAL], 0),
                              .out = buffer_of(out_region(t), out_shift(t) * bytes),
                              .lse = buffer_of(&t->region[LSE], 0),
                              .workspace = buffer_of(&t->region[CARRY], 0)};
    return gpu_regions_run(t->device, t->region, REGIONS, t->plan, &args, "combine");
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
    const vatten_strides row = {
        .batch = (int64_t)(d->heads * d->tokens), .head = (int64_t)d->tokens, .token = 1};
    const vatten_strides given[REGIONS] = {all_zero(d->x) ? packed(d) : d->x,
                                           all_zero(d->weights) && d->weights_part == 0 ? row : d->weights,
                                           all_zero(d->residual) ? packed(d) : d->residual,
                                           all_zero(d->out) ? packed(d) : d->out,
                                           row,
                                           row};
    const bool used[REGIONS] = {
        true, d->gains || d->kind == VATTEN_COMBINE_MERGE, d->has_residual, t->place == APART, d->write_lse,
        false};
    for (int n = 0; n < REGIONS; ++n) {
        bool f32 = n == WEIGHTS || n == LSE;
        t->view[n] = (gpu_view){used[n],          f32 ? REF_F32 : gpu_ref_dtype(d->dtype),
                                d->batch,         d->tokens,
                                d->tokens,        d->heads,
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
    const uint64_t bytes[REGIONS] = {t->info.v_bytes,   t->info.bias_bytes,
                                     t->info.q_bytes,   t->place == APART ? t->info.out_bytes : 0,
                                     t->info.lse_bytes, t->info.workspace_bytes};
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
    vatten_combine_desc d = {
        .kind = draw(random, 0, 1) ? VATTEN_COMBINE_MERGE : VATTEN_COMBINE_SUM,
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
    *out_place = draw(random, 0, 2) == 0                ? ON_PART
                 : d.has_residual && draw(random, 0, 1) ? ON_RESIDUAL
                                                        : APART;
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
        d.max_moves = seed % 3 ? seed * 20 : 0;
        char name[64];
        snprintf(name, sizeof name, "seed %u", (unsigned)seed);
        check(&device, name, &d, where, on, seed);
    }
    gpu_assert_clean(&device);
}

static void test_with_small_bindings(void **state) {
    (void)state;
    unsigned split = 0;
    for (uint64_t seed = 0; seed < 24; ++seed) {
        uint64_t random = seed + 1000;
        vatten_combine_desc d = {.kind = seed % 2 ? VATTEN_COMBINE_MERGE : VATTEN_COMBINE_SUM,
                                 .dtype = VATTEN_DTYPE_F32,
                                 .batch = 2,
                                 .heads = 3,
                                 .tokens = 300,
                                 .dim = (uint32_t)(seed % 4 ? 20 : 7),
                                 .parts = 3,
                                 .write_lse = seed % 2};
        d.gains = !d.write_lse;
        draw(&random, 0, 1);
        draw_weights(&random, &d);
        if (seed < 12) { /* the parts of a row beside each other, else no binding holds two */
            const int64_t row = d.dim * d.parts;
            d.x = (vatten_strides){.token = 3 * row, .head = row, .batch = 300 * 3 * row};
            d.x_part = d.dim;
        } else {
            d.x_part = 2 * 300 * 3 * 64;
        }
        if (d.weights_part == 0 || d.weights.token == 0) {
            d.weights = (vatten_strides){.batch = 300 * 9, .head = 3, .token = 9};
            d.weights_part = 1;
        }
        const place where = seed % 3 ? APART : ON_PART;
        d.out = where == ON_PART ? d.x : d.out;
        split += check(&narrow, "small bindings", &d, where, 0, seed) > 8;
    }
    assert_int_equal(split, 24);
    gpu_assert_clean(&narrow);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_random),
        cmocka_unit_test(test_with_small_bindings),
    };
    const vatten_context_desc less = {.cap_storage_range = 16384};
    int opened = gpu_open(&device, "test_combine", NULL);
    if (opened)
        return opened;
    opened = gpu_open(&narrow, "test_combine", &less);
    int failed = opened ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
    return gpu_close(&narrow, 0) + gpu_close(&device, failed);
}
