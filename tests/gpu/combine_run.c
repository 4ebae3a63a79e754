/* SPDX-License-Identifier: MIT
 *
 * What combining must give, told in double.
 */
#include "combine_run.h"

#include <math.h>

enum { PARTS, WEIGHTS, RESIDUAL, OUT, LSE, CARRY, REGIONS };
static const gpu_slot slots[REGIONS] = {GPU_V, GPU_BIAS, GPU_Q, GPU_OUT, GPU_LSE, GPU_WORKSPACE};

typedef struct trial {
    gpu *device;
    vatten_combine_desc desc;
    combine_place place;
    uint32_t on; /* COMBINE_ON_PART: which */
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
    return &t->region[t->place == COMBINE_ON_PART ? PARTS : t->place == COMBINE_ON_RESIDUAL ? RESIDUAL : OUT];
}

/* Elements of the output before its buffer argument would begin. */
static uint64_t out_shift(const trial *t) {
    return t->place == COMBINE_ON_PART ? t->on * t->part[PARTS] : 0;
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

static bool run(trial *t, const char *name) {
    uint64_t bytes = t->desc.dtype == VATTEN_DTYPE_F32 ? 4 : 2;
    const vatten_args args = {.v = buffer_of(&t->region[PARTS], 0),
                              .bias = buffer_of(&t->region[WEIGHTS], 0),
                              .q = buffer_of(&t->region[RESIDUAL], 0),
                              .out = buffer_of(out_region(t), out_shift(t) * bytes),
                              .lse = buffer_of(&t->region[LSE], 0),
                              .workspace = buffer_of(&t->region[CARRY], 0)};
    const uint32_t outputs = 1u << (out_region(t) - t->region) | 1u << LSE;
    return gpu_regions_run_twice(t->device, t->region, REGIONS, outputs, t->plan, &args, name);
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
    const bool used[REGIONS] = {true,
                                d->gains || d->kind == VATTEN_COMBINE_MERGE,
                                d->has_residual,
                                t->place == COMBINE_APART,
                                d->write_lse,
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
                                     t->info.q_bytes,   t->place == COMBINE_APART ? t->info.out_bytes : 0,
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

uint32_t combine_check(gpu *g, const char *name, const combine_case *c) {
    trial t = {.device = g, .desc = c->desc, .place = c->place, .on = c->on, .seed = c->seed};
    if (!gpu_has_dtype(g, c->desc.dtype))
        return 0;
    if (begin(&t, name)) {
        g->cases++;
        fill(&t);
        if (run(&t, name))
            compare(&t, name);
    }
    vatten_plan_destroy(t.plan);
    gpu_regions_destroy(g, t.region, REGIONS, slots);
    gpu_check_validation(g, name);
    return t.info.dispatches;
}

uint64_t combine_part(const vatten_combine_desc *desc) {
    trial sizes = {.desc = *desc};
    set_views(&sizes);
    return sizes.part[PARTS];
}
