/* SPDX-License-Identifier: MIT
 *
 * Combining: sums with gains and residuals and merges by log-sum-exps, in every dtype, layout in memory and in place, against
 * plain statements in double. Outputs lie between guard zones and hold NaN before.
 */
#include "combine_run.h"

#include <stdio.h>

#define PARTS_MAX 64

static gpu device;
static gpu narrow; /* small bindings */

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

static combine_case draw_problem(uint64_t seed) {
    uint64_t state = seed, *random = &state;
    combine_case c = {.seed = seed};
    draw(random, 0, 1);
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
    c.place = draw(random, 0, 2) == 0                ? COMBINE_ON_PART
              : d.has_residual && draw(random, 0, 1) ? COMBINE_ON_RESIDUAL
                                                     : COMBINE_APART;
    c.on = (uint32_t)draw(random, 0, d.parts - 1);
    if (c.place != COMBINE_APART)
        d.out = c.place == COMBINE_ON_PART ? d.x : d.residual;
    if (c.place == COMBINE_ON_PART)
        d.x_part = (combine_part(&d) + 63) / 64 * 64;
    c.desc = d;
    return c;
}

static void test_at_random(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < (gpu_thorough(&device) ? 600 : 90); ++seed) {
        combine_case c = draw_problem(seed);
        c.desc.max_moves = seed % 3 ? seed * 20 : 0;
        char name[64];
        snprintf(name, sizeof name, "seed %u", (unsigned)seed);
        combine_check(&device, name, &c);
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
        const combine_place where = seed % 3 ? COMBINE_APART : COMBINE_ON_PART;
        d.out = where == COMBINE_ON_PART ? d.x : d.out;
        const combine_case c = {.desc = d, .place = where, .seed = seed};
        split += combine_check(&narrow, "small bindings", &c) > 8;
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
