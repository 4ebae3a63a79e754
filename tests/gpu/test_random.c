/* SPDX-License-Identifier: MIT
 *
 * Random problems against the oracle. Problem n of seed s is problem 0 of seed s + n, so one failure is rerun
 * alone by the seed that it prints.
 *
 *   test_random [SEED [COUNT]]     also by VATTEN_RANDOM_SEED and VATTEN_RANDOM_COUNT
 */
#include "gpu_harness.h"

#include <stdio.h>
#include <stdlib.h>

static gpu device;
static uint64_t first_seed = 20240601, problem_count = 80;

/* Draws from one problem's stream. */
typedef struct dice {
    uint64_t seed, thrown;
} dice;

/* A number in [low, high]. */
static uint64_t between(dice *d, uint64_t low, uint64_t high) {
    double unit = ((double)ref_random(d->seed, d->thrown++) / 1.7320509 + 1.0) / 2.0;
    uint64_t value = low + (uint64_t)(unit * (double)(high - low + 1));
    return value > high ? high : value;
}

static bool one_in(dice *d, uint64_t n) {
    return between(d, 1, n) == 1;
}

/* Mostly small, sometimes large. */
static uint64_t length(dice *d, uint64_t small, uint64_t large) {
    return one_in(d, 4) ? between(d, 1, large) : between(d, 1, small);
}

/* Token-major or head-major, with gaps of a few elements. */
static vatten_strides some_strides(dice *d, uint64_t tokens, uint64_t heads, uint64_t dim) {
    vatten_strides s;
    int64_t gap[3];
    for (int n = 0; n < 3; ++n) {
        gap[n] = (int64_t)between(d, 0, 9);
    }
    if (one_in(d, 2)) {
        s.head = (int64_t)dim + gap[0];
        s.token = s.head * (int64_t)heads + gap[1];
        s.batch = s.token * (int64_t)tokens + gap[2];
    } else {
        s.token = (int64_t)dim + gap[0];
        s.head = s.token * (int64_t)tokens + gap[1];
        s.batch = s.head * (int64_t)heads + gap[2];
    }
    return s;
}

static void set_heads(dice *d, vatten_heads *h) {
    static const uint32_t dims[] = {4, 8, 16, 32, 64, 128};
    h->dtype = (vatten_dtype)between(d, VATTEN_DTYPE_F32, VATTEN_DTYPE_BF16);
    h->batch = between(d, 1, 3);
    h->kv_heads = (uint32_t)between(d, 1, 3);
    h->heads = h->kv_heads * (uint32_t)between(d, 1, 4);
    h->dim = one_in(d, 2) ? dims[between(d, 0, 5)] : (uint32_t)length(d, 40, 200);
    h->value_dim = one_in(d, 3) ? (uint32_t)length(d, 40, 200) : 0;
    h->scale = one_in(d, 3) ? (float)between(d, 1, 40) / 100.0f / (float)(1 + h->dim / 32) : 0.0f;
    h->write_lse = !one_in(d, 4);
    h->max_macs = one_in(d, 4) ? between(d, 1, 3000000) : 0;
    h->tile.layout = (vatten_layout)between(d, VATTEN_LAYOUT_AUTO, GPU_LAYOUTS - 1);
    h->tile.layout = device.only ? device.only : h->tile.layout;
    if (gpu_stages_f16(h->tile.layout)) {
        h->dtype = VATTEN_DTYPE_F16;
    }
    if (gpu_has_matrices(h->tile.layout)) {
        h->dtype = gpu_matrix_dtype(&device, h->dtype);
    }
    if (h->tile.layout != VATTEN_LAYOUT_AUTO && !one_in(d, 4)) {
        h->tile = gpu_small_tile(&device, h->tile.layout);
    }
}

static uint64_t window_of(const vatten_neighborhood_desc *desc) {
    uint64_t keys = 1;
    for (uint32_t a = 0; a < desc->rank; ++a) {
        keys *= desc->axis[a].window;
    }
    return keys;
}

static void set_strides(dice *d, gpu_problem *p) {
    vatten_heads *h = gpu_heads(p);
    uint64_t q_len = gpu_q_capacity(p), kv_len = gpu_kv_capacity(p);
    uint32_t value_dim = h->value_dim ? h->value_dim : h->dim;
    if (one_in(d, 2)) {
        h->q = some_strides(d, q_len, h->heads, p->grid && p->hood.weights ? window_of(&p->hood) : h->dim);
    }
    if (one_in(d, 2)) {
        h->k = some_strides(d, kv_len, h->kv_heads, h->dim);
    }
    if (one_in(d, 2)) {
        h->v = some_strides(d, kv_len, h->kv_heads, value_dim);
    }
    if (one_in(d, 2)) {
        h->out = some_strides(d, q_len, h->heads, value_dim);
    }
    if (p->grid && p->hood.extra_len && one_in(d, 2)) {
        p->hood.extra_k = some_strides(d, p->hood.extra_len, h->kv_heads, h->dim);
        p->hood.extra_v = some_strides(d, p->hood.extra_len, h->kv_heads, value_dim);
    }
}

static void roll_dense(dice *d, gpu_problem *p) {
    vatten_attention_desc *desc = &p->dense;
    desc->q_len = length(d, 40, 300);
    desc->kv_len = length(d, 100, 1500);
    desc->causal = one_in(d, 2);
    desc->align = one_in(d, 4) ? VATTEN_ALIGN_FIRST : VATTEN_ALIGN_LAST;
    if (one_in(d, 3)) {
        desc->window.enabled = true;
        desc->window.left = one_in(d, 4) ? VATTEN_UNLIMITED : (int64_t)between(d, 0, desc->kv_len);
        desc->window.right = one_in(d, 4) ? VATTEN_UNLIMITED : (int64_t)between(d, 0, desc->kv_len);
        desc->prefix = one_in(d, 2) ? between(d, 0, desc->kv_len) : 0;
    }
    if (one_in(d, 3)) {
        p->q_len = one_in(d, 6) ? VATTEN_EMPTY : between(d, 1, desc->q_len);
        p->kv_len = one_in(d, 6) ? VATTEN_EMPTY : between(d, 1, desc->kv_len);
    }
}

/* Keys and values of bytes, packed; where blocks are of whole words by integer dot products as often as not. */
static void roll_bytes(dice *d, gpu_problem *p) {
    vatten_heads *h = &p->dense.heads;
    uint32_t most = one_in(d, 4) ? 320 : 128;
    h->kv_dtype = VATTEN_DTYPE_I8;
    h->kv_block = (one_in(d, 2) ? 16 : 4) * (uint32_t)between(d, 1, 4);
    h->dim = h->kv_block * (uint32_t)between(d, 1, most / h->kv_block);
    h->value_dim = one_in(d, 2) ? h->kv_block * (uint32_t)between(d, 1, most / h->kv_block) : 0;
    h->scale = 0.0f;
    h->q = h->k = h->v = h->out = (vatten_strides){0, 0, 0};
    bool dots = one_in(d, 2) && gpu_has_layout(&device, VATTEN_LAYOUT_DOT);
    if (dots && gpu_takes_dots(p)) {
        gpu_set_layout(&device, p, VATTEN_LAYOUT_DOT, !one_in(d, 4));
    } else if (gpu_has_matrices(h->tile.layout)) {
        h->tile = (vatten_tile){.layout = VATTEN_LAYOUT_AUTO};
    }
}

static void set_weights(vatten_neighborhood_desc *desc) {
    vatten_heads *h = &desc->heads;
    desc->weights = true;
    desc->extra_len = 0;
    h->value_dim = h->value_dim ? h->value_dim : h->dim;
    h->dim = 0;
    h->scale = 0.0f;
    h->write_lse = false;
}

static void roll_grid(dice *d, gpu_problem *p) {
    static const uint64_t most[3] = {700, 40, 14}; /* extent by rank: about as many tokens for each */
    vatten_neighborhood_desc *desc = &p->hood;
    bool single = true; /* a window of one key everywhere is refused */
    desc->rank = (uint32_t)between(d, 1, 3);
    for (uint32_t a = 0; a < desc->rank; ++a) {
        vatten_axis *x = &desc->axis[a];
        x->extent = between(d, 1, most[desc->rank - 1]);
        x->window = (uint32_t)between(d, 1, one_in(d, 3) ? x->extent : (x->extent + 3) / 4);
        if (a + 1 == desc->rank && single && x->window == 1 && x->extent > 1) {
            x->window = 2;
        }
        single = single && x->window == 1;
        x->stride = one_in(d, 2) ? 1 : (uint32_t)between(d, 1, x->window);
        x->dilation = one_in(d, 2) ? 1 : (uint32_t)between(d, 1, x->extent / x->window);
        x->causal = one_in(d, 3);
        if (one_in(d, 4)) {
            x->edge = one_in(d, 2) ? VATTEN_EDGE_CROP : VATTEN_EDGE_ZERO;
            x->window += (uint32_t)between(d, 0, 6);
        }
        x->roll = one_in(d, 4) ? between(d, 0, x->extent - 1) : 0;
    }
    if (single && gpu_q_capacity(p) > 1) {
        desc->axis[desc->rank - 1] = (vatten_axis){.extent = 6, .window = 3, .stride = 1, .dilation = 2};
    }
    desc->extra_len = one_in(d, 4) ? length(d, 20, 200) : 0;
    desc->bias = one_in(d, 4) ? VATTEN_BIAS_RELATIVE : VATTEN_BIAS_NONE;
    if (desc->bias == VATTEN_BIAS_NONE && one_in(d, 5)) {
        set_weights(desc);
    }
}

/* Some hundred dispatches prove what a hundred thousand would, which the layers of instrumented runs keep in memory. */
static void bound_dispatches(gpu_problem *p) {
    vatten_heads *h = gpu_heads(p);
    uint64_t rows = h->batch * h->heads * gpu_q_capacity(p);
    uint64_t keys = gpu_kv_capacity(p) + (p->grid ? p->hood.extra_len : 0);
    uint64_t least = rows * keys * (h->dim + (h->value_dim ? h->value_dim : h->dim)) / 500;
    if (h->max_macs && h->max_macs < least) {
        h->max_macs = least;
    }
}

static void roll(uint64_t seed, gpu_problem *p) {
    dice d = {.seed = seed};
    *p = (gpu_problem){.seed = seed, .rows = 40};
    p->grid = one_in(&d, 2);
    set_heads(&d, gpu_heads(p));
    if (gpu_layout_of(p) == VATTEN_LAYOUT_STREAM && (p->grid || p->listed)) {
        gpu_set_layout(&device, p, VATTEN_LAYOUT_ROWS, false); /* STREAM is for dense problems */
    }
    if (p->grid) {
        roll_grid(&d, p);
    } else {
        roll_dense(&d, p);
    }
    set_strides(&d, p);
    if (!p->grid && one_in(&d, 4)) { /* what was drawn before stays what it is */
        roll_bytes(&d, p);
    }
    bound_dispatches(p);
    gpu_name(p, "%s of seed %llu", p->grid ? "grid" : "dense", (unsigned long long)seed);
}

static void test_random_problems(void **state) {
    (void)state;
    printf("  seed %llu, %llu problems\n", (unsigned long long)first_seed, (unsigned long long)problem_count);
    for (uint64_t n = 0; n < problem_count; ++n) {
        gpu_problem p;
        roll(first_seed + n, &p);
        gpu_check(&device, &p);
    }
    gpu_assert_clean(&device);
}

/* Grids as long as they come, few rows of each compared: 1-D to 32,768 tokens, 2-D to 128 x 128, 3-D to 64 x 64 x 64,
 * heads 1..4, dims 8..192, as much of that at once as memory and patience allow. */
static void roll_long_grid(uint64_t seed, uint32_t rank, gpu_problem *p) {
    static const uint64_t low[3] = {2048, 48, 16}, high[3] = {32768, 128, 64}, widest[3] = {512, 24, 9};
    dice d = {.seed = seed};
    uint64_t extents[3], tokens = 1;
    for (uint32_t a = 0; a < rank; ++a) {
        extents[a] = between(&d, low[rank - 1], high[rank - 1]);
        tokens *= extents[a];
    }
    uint32_t dim = 8 * (uint32_t)between(&d, 1, 24), heads = (uint32_t)between(&d, 1, 4);
    while (tokens * heads * dim > 4000000 && heads > 1) {
        --heads;
    }
    while (tokens * heads * dim > 4000000 && dim > 8) {
        dim -= 8;
    }
    *p = gpu_grid((vatten_dtype)between(&d, VATTEN_DTYPE_F32, VATTEN_DTYPE_BF16), rank, extents, heads,
                  heads % 2 ? 1 : heads / 2, dim);
    for (uint32_t a = 0; a < rank; ++a) {
        vatten_axis *x = &p->hood.axis[a];
        x->window = (uint32_t)between(&d, 2, widest[rank - 1]);
        x->dilation = one_in(&d, 3) ? (uint32_t)between(&d, 1, x->extent / x->window) : 1;
        x->stride = one_in(&d, 2) ? 1 : (uint32_t)between(&d, 1, x->window);
        x->causal = one_in(&d, 3);
        x->edge =
            one_in(&d, 3) ? (vatten_edge)between(&d, VATTEN_EDGE_CROP, VATTEN_EDGE_ZERO) : VATTEN_EDGE_SHIFT;
        x->roll = one_in(&d, 5) ? between(&d, 0, x->extent - 1) : 0;
    }
    p->seed = seed;
    p->rows = 12;
    p->once = !gpu_thorough(&device);
    gpu_name(p, "long grid %u-D, %llu tokens, of seed %llu", rank, (unsigned long long)tokens,
             (unsigned long long)seed);
}

static void test_long_grids(void **state) {
    (void)state;
    uint64_t count = problem_count / 8 ? problem_count / 8 : 1;
    for (uint64_t n = 0; n < count; ++n) {
        gpu_problem p;
        roll_long_grid(first_seed + n, 1 + (uint32_t)((first_seed + n) % 3), &p);
        gpu_check(&device, &p);
    }
    gpu_assert_clean(&device);
}

static void take(const char *text, uint64_t *out) {
    if (text && *text) {
        *out = strtoull(text, NULL, 10);
    }
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_problems),
        cmocka_unit_test(test_long_grids),
    };
    take(getenv("VATTEN_RANDOM_SEED"), &first_seed);
    take(getenv("VATTEN_RANDOM_COUNT"), &problem_count);
    take(argc > 1 ? argv[1] : NULL, &first_seed);
    take(argc > 2 ? argv[2] : NULL, &problem_count);
    int opened = gpu_open(&device, "test_random", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
