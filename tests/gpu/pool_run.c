/* SPDX-License-Identifier: MIT
 *
 * What pooling must give, by definition.
 */
#include "pool_run.h"

#include <math.h>

static const gpu_slot slots[2] = {GPU_K, GPU_OUT};

/* A pooling on the device. */
typedef struct trial {
    gpu *g;
    vatten_pool_desc desc;
    uint64_t seed;
    uint64_t extent[3], side[3], blocks[3]; /* of three axes */
    uint64_t tokens, block_count, out_dim;
    gpu_view x, out;
    gpu_region region[2]; /* of x and out */
    vatten_plan *plan;
    vatten_plan_info info;
} trial;

static void set_sizes(trial *t) {
    const vatten_pool_desc *d = &t->desc;
    bool packed = d->x.batch == 0 && d->x.head == 0 && d->x.token == 0;
    int64_t token = (int64_t)d->dim * d->heads;
    t->tokens = t->block_count = 1;
    for (uint32_t a = 0; a < 3; ++a) {
        t->extent[a] = a < d->rank ? d->extent[a] : 1;
        t->side[a] = a < d->rank ? d->block[a] : 1;
        t->blocks[a] = (t->extent[a] + t->side[a] - 1) / t->side[a];
        t->tokens *= t->extent[a];
        t->block_count *= t->blocks[a];
    }
    t->out_dim = d->dim * (d->kind == VATTEN_POOL_MIN_MAX ? 2 : 1);
    t->x = (gpu_view){true, gpu_ref_dtype(d->dtype), d->batch, t->tokens, t->tokens, d->heads, d->dim, d->x};
    if (packed) {
        t->x.strides =
            (vatten_strides){.batch = token * (int64_t)t->tokens, .head = (int64_t)d->dim, .token = token};
    }
    int64_t row = (int64_t)(t->out_dim * d->heads);
    t->out = (gpu_view){
        true,           d->keep_dtype ? t->x.dtype : REF_F32,
        d->batch,       t->block_count,
        t->block_count, d->heads,
        t->out_dim,     {.batch = row * (int64_t)t->block_count, .head = (int64_t)t->out_dim, .token = row}};
}

static float value_of(const trial *t, uint64_t b, uint64_t token, uint64_t head, uint64_t d) {
    float raw = ref_random(t->seed + t->desc.dim, ((b * 4096 + token) * 8 + head) * 256 + d);
    return t->x.dtype == REF_F16    ? ref_f16_to_f32(ref_f32_to_f16(raw))
           : t->x.dtype == REF_BF16 ? ref_bf16_to_f32(ref_f32_to_bf16(raw))
                                    : raw;
}

static void fill(trial *t) {
    for (uint64_t n = 0; n < t->x.batch * t->tokens * t->x.heads * t->x.dim; ++n) {
        uint64_t d = n % t->x.dim, head = n / t->x.dim % t->x.heads, token = n / t->x.dim / t->x.heads;
        uint64_t b = token / t->tokens;
        token %= t->tokens;
        gpu_region_write(&t->region[0], &t->x, gpu_view_index(&t->x, b, token, head, d),
                         value_of(t, b, token, head, d));
    }
}

/* By definition: every token asks in which block it is. */
static double pooled(const trial *t, uint64_t b, uint64_t block, uint64_t head, uint64_t out_d) {
    uint64_t d = out_d % t->desc.dim;
    double sum = 0.0, least = INFINITY, most = -INFINITY, count = 0.0;
    for (uint64_t token = 0; token < t->tokens; ++token) {
        uint64_t x = token % t->extent[2], y = token / t->extent[2] % t->extent[1];
        uint64_t z = token / t->extent[2] / t->extent[1];
        uint64_t mine = (z / t->side[0] * t->blocks[1] + y / t->side[1]) * t->blocks[2] + x / t->side[2];
        if (mine != block) {
            continue;
        }
        double value = (double)value_of(t, b, token, head, d);
        sum += value;
        least = fmin(least, value);
        most = fmax(most, value);
        count += 1.0;
    }
    bool minimum = t->desc.kind == VATTEN_POOL_MIN_MAX && out_d < t->desc.dim;
    return t->desc.kind == VATTEN_POOL_MEAN ? sum / count : minimum ? least : most;
}

static void compare(trial *t, const char *name) {
    for (uint64_t n = 0; n < t->out.batch * t->block_count * t->out.heads * t->out_dim; ++n) {
        uint64_t d = n % t->out_dim, head = n / t->out_dim % t->out.heads,
                 block = n / t->out_dim / t->out.heads;
        uint64_t b = block / t->block_count;
        block %= t->block_count;
        uint64_t index = gpu_view_index(&t->out, b, block, head, d);
        double got = (double)gpu_region_read(&t->region[1], &t->out, index),
               want = pooled(t, b, block, head, d);
        /* a rounding of f32, or half a step of what is stored; least and largest are stored as they are */
        double step = t->out.dtype == REF_F16 ? 0x1p-11 : t->out.dtype == REF_BF16 ? 0x1p-8 : 0.0;
        double tolerance = t->desc.kind == VATTEN_POOL_MEAN ? 1e-6 + step * fabs(want) : 0.0;
        if (!(fabs(got - want) <= tolerance)) {
            gpu_fail(t->g, "%s: b %u block %u head %u dim %u is %.9g, not %.9g", name, (unsigned)b,
                     (unsigned)block, (unsigned)head, (unsigned)d, got, want);
            return;
        }
        gpu_region_restore(&t->region[1], &t->out, index);
        t->g->rows++;
    }
    if (gpu_region_changed(&t->region[1], 0, t->region[1].total) != UINT64_MAX) {
        gpu_fail(t->g, "%s: wrote where nothing is to be written", name);
    }
}

static bool run(trial *t, const char *name) {
    const vatten_args args = {.k = gpu_region_buffer(&t->region[0]), .out = gpu_region_buffer(&t->region[1])};
    return gpu_regions_run_twice(t->g, t->region, 2, 1u << 1, t->plan, &args, name);
}

static bool begin(trial *t, const char *name) {
    const vatten_plan_info *info = &t->info;
    set_sizes(t);
    if (vatten_pool_create(t->g->device, &t->desc, &t->plan) != VATTEN_SUCCESS) {
        gpu_fail(t->g, "%s: create: %s", name, t->g->message);
        return false;
    }
    vatten_plan_get_info(t->plan, &t->info);
    if (info->k_bytes != gpu_view_bytes(&t->x) || info->out_bytes != gpu_view_bytes(&t->out)) {
        gpu_fail(t->g, "%s: the plan wants %llu and %llu bytes", name, (unsigned long long)info->k_bytes,
                 (unsigned long long)info->out_bytes);
        return false;
    }
    return gpu_region_create(t->g, &t->region[0], slots[0], info->k_bytes, info->offset_alignment) &&
           gpu_region_create(t->g, &t->region[1], slots[1], info->out_bytes, info->offset_alignment);
}

uint32_t pool_check(gpu *g, const char *name, const vatten_pool_desc *desc, uint64_t seed) {
    trial t = {.g = g, .desc = *desc, .seed = seed};
    if (!gpu_has_dtype(g, desc->dtype)) {
        return 0;
    }
    if (begin(&t, name)) {
        g->cases++;
        fill(&t);
        if (run(&t, name)) {
            compare(&t, name);
        }
    }
    vatten_plan_destroy(t.plan);
    gpu_regions_destroy(g, t.region, 2, slots);
    gpu_check_validation(g, name);
    return t.info.dispatches;
}
