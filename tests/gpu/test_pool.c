/* SPDX-License-Identifier: MIT
 *
 * Pooling: every kind and dtype over 1-D runs and boxes of 2-D and 3-D grids, with short blocks at the ends, strides, and
 * plans in several dispatches. Outputs lie between guard zones and hold NaN before.
 */
#include "gpu_harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static gpu device;

/* A pooling on the device. */
typedef struct trial {
    vatten_pool_desc desc;
    uint64_t extent[3], side[3], blocks[3]; /* of three axes */
    uint64_t tokens, block_count, out_dim;
    gpu_view x, out;
    gpu_region x_region, out_region;
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
    float raw = ref_random(t->desc.dim, ((b * 4096 + token) * 8 + head) * 256 + d);
    return t->x.dtype == REF_F16    ? ref_f16_to_f32(ref_f32_to_f16(raw))
           : t->x.dtype == REF_BF16 ? ref_bf16_to_f32(ref_f32_to_bf16(raw))
                                    : raw;
}

static void fill(trial *t) {
    for (uint64_t n = 0; n < t->x.batch * t->tokens * t->x.heads * t->x.dim; ++n) {
        uint64_t d = n % t->x.dim, head = n / t->x.dim % t->x.heads, token = n / t->x.dim / t->x.heads;
        uint64_t b = token / t->tokens;
        token %= t->tokens;
        gpu_region_write(&t->x_region, &t->x, gpu_view_index(&t->x, b, token, head, d),
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
        double got = (double)gpu_region_read(&t->out_region, &t->out, index),
               want = pooled(t, b, block, head, d);
        /* a rounding of f32, or half a step of what is stored; least and largest are stored as they are */
        double step = t->out.dtype == REF_F16 ? 0x1p-11 : t->out.dtype == REF_BF16 ? 0x1p-8 : 0.0;
        double tolerance = t->desc.kind == VATTEN_POOL_MEAN ? 1e-6 + step * fabs(want) : 0.0;
        if (!(fabs(got - want) <= tolerance)) {
            gpu_fail(&device, "%s: b %u block %u head %u dim %u is %.9g, not %.9g", name, (unsigned)b,
                     (unsigned)block, (unsigned)head, (unsigned)d, got, want);
            return;
        }
        gpu_region_restore(&t->out_region, &t->out, index);
        device.rows++;
    }
    if (gpu_region_changed(&t->out_region, 0, t->out_region.total) != UINT64_MAX) {
        gpu_fail(&device, "%s: wrote where nothing is to be written", name);
    }
}

static bool run(trial *t) {
    gpu_region *x = &t->x_region, *out = &t->out_region;
    vatten_args args = {
        .k = {vatten_memory_buffer(x->memory).buffer, x->offset, x->bytes},
        .out = {vatten_memory_buffer(out->memory).buffer, out->offset, out->bytes},
    };
    double ms;
    return gpu_region_upload(x) && gpu_region_upload(out) &&
           vatten_context_run(device.context, t->plan, &args, &ms) == VATTEN_SUCCESS &&
           gpu_region_download(out);
}

/* Runs the desc, twice, and holds it against the definition. Returns the dispatches. */
static uint32_t check(const char *name, const vatten_pool_desc *desc) {
    trial t = {.desc = *desc};
    uint32_t dispatches = 0;
    if (!gpu_has_dtype(&device, desc->dtype)) {
        return 0;
    }
    set_sizes(&t);
    if (vatten_pool_create(device.device, desc, &t.plan) != VATTEN_SUCCESS) {
        gpu_fail(&device, "%s: create: %s", name, device.message);
        return 0;
    }
    device.cases++;
    vatten_plan_get_info(t.plan, &t.info);
    if (t.info.k_bytes != gpu_view_bytes(&t.x) || t.info.out_bytes != gpu_view_bytes(&t.out)) {
        gpu_fail(&device, "%s: the plan wants %llu and %llu bytes", name, (unsigned long long)t.info.k_bytes,
                 (unsigned long long)t.info.out_bytes);
    } else if (!gpu_region_create(&device, &t.x_region, GPU_K, t.info.k_bytes, t.info.offset_alignment) ||
               !gpu_region_create(&device, &t.out_region, GPU_OUT, t.info.out_bytes,
                                  t.info.offset_alignment)) {
        gpu_fail(&device, "%s: no memory", name);
    } else {
        fill(&t);
        if (run(&t)) {
            compare(&t, name);
        } else {
            gpu_fail(&device, "%s: run: %s", name, device.message);
        }
    }
    dispatches = t.info.dispatches;
    vatten_plan_destroy(t.plan);
    gpu_region_destroy(&device, &t.x_region, GPU_K);
    gpu_region_destroy(&device, &t.out_region, GPU_OUT);
    gpu_check_validation(&device, name);
    return dispatches;
}

/* A single block where there are several, then a few. */
static void check_cut(const char *name, const vatten_pool_desc *whole) {
    vatten_pool_desc desc = *whole;
    uint32_t most = check(name, &desc), cut;
    desc.max_moves = 1;
    cut = check(name, &desc);
    if (gpu_has_dtype(&device, desc.dtype)) {
        uint64_t blocks = 1;
        for (uint32_t a = 0; a < desc.rank; ++a) {
            blocks *= (desc.extent[a] + desc.block[a] - 1) / desc.block[a];
        }
        assert_int_equal(most, 1);
        assert_int_equal(cut, blocks * desc.heads * desc.batch);
    }
    desc.max_moves = 1500;
    check(name, &desc);
}

static void test_kinds(void **state) {
    (void)state;
    static const vatten_pool_desc rows[] = {
        {.batch = 2, .heads = 3, .dim = 20, .rank = 1, .extent = {100}, .block = {16}},
        {.batch = 1, .heads = 1, .dim = 128, .rank = 1, .extent = {77}, .block = {77}},
        {.batch = 1, .heads = 2, .dim = 7, .rank = 1, .extent = {9}, .block = {1}},
        {.batch = 2, .heads = 2, .dim = 16, .rank = 2, .extent = {13, 10}, .block = {4, 3}},
        {.batch = 1, .heads = 2, .dim = 33, .rank = 2, .extent = {8, 8}, .block = {8, 2}},
        {.batch = 1, .heads = 3, .dim = 12, .rank = 3, .extent = {5, 7, 9}, .block = {2, 3, 4}},
    };
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        for (int kind = VATTEN_POOL_MEAN; kind <= VATTEN_POOL_MIN_MAX; ++kind) {
            vatten_pool_desc desc = rows[n];
            char name[64];
            desc.kind = (vatten_pool_kind)kind;
            desc.dtype = (vatten_dtype)(VATTEN_DTYPE_F32 + (n + (unsigned)kind) % 3);
            snprintf(name, sizeof name, "pool %u kind %d", n, kind);
            check_cut(name, &desc);
        }
    }
    gpu_assert_clean(&device);
}

/* In the input's dtype; f32 is what it is anyway. */
static void test_kept_dtype(void **state) {
    (void)state;
    for (int dtype = VATTEN_DTYPE_F32; dtype <= VATTEN_DTYPE_BF16; ++dtype) {
        for (int kind = VATTEN_POOL_MEAN; kind <= VATTEN_POOL_MIN_MAX; ++kind) {
            const vatten_pool_desc desc = {.dtype = (vatten_dtype)dtype,
                                           .batch = 2,
                                           .heads = 3,
                                           .dim = 21,
                                           .rank = 2,
                                           .extent = {11, 9},
                                           .block = {3, 4},
                                           .kind = (vatten_pool_kind)kind,
                                           .keep_dtype = true};
            char name[64];
            snprintf(name, sizeof name, "pool kept in dtype %d kind %d", dtype, kind);
            check(name, &desc);
        }
    }
    gpu_assert_clean(&device);
}

/* Head-major with gaps, and one set of tokens for all batch entries. */
static void test_strides(void **state) {
    (void)state;
    vatten_pool_desc desc = {.dtype = VATTEN_DTYPE_F16,
                             .batch = 3,
                             .heads = 2,
                             .dim = 10,
                             .rank = 2,
                             .extent = {6, 11},
                             .block = {2, 5},
                             .x = {.batch = 2000, .head = 910, .token = 13}};
    check("pool with strides", &desc);
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_kept_dtype),
        cmocka_unit_test(test_strides),
    };
    int opened = gpu_open(&device, "test_pool", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
