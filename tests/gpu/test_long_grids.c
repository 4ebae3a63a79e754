/* SPDX-License-Identifier: MIT
 *
 * Neighborhood attention on grids as long as they come, against the oracle; short ones, and all other families, are the op
 * matrix's (test_ops.c). Problem n of seed s is problem 0 of seed s + n, so one failure is rerun alone by the seed that it
 * prints.
 *
 *   test_long_grids [SEED [COUNT]]
 */
#include "choices.h"
#include "gpu_harness.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static gpu device;
static uint64_t first_seed = 20240601, problem_count = 10;

/* Grids as long as they come, few rows of each compared: 1-D to 32,768 tokens, 2-D to 128 x 128, 3-D to 64 x 64 x 64,
 * heads 1..4, dims 8..192, as much of that at once as memory and patience allow. */
static void roll_long_grid(uint64_t seed, uint32_t rank, gpu_problem *p) {
    static const uint64_t low[3] = {2048, 48, 16}, high[3] = {32768, 128, 64}, widest[3] = {512, 24, 9};
    unit_random d = {.state = seed};
    uint64_t extents[3], tokens = 1;
    for (uint32_t a = 0; a < rank; ++a) {
        extents[a] = unit_between(&d, low[rank - 1], high[rank - 1]);
        tokens *= extents[a];
    }
    uint32_t dim = 8 * (uint32_t)unit_between(&d, 1, 24), heads = (uint32_t)unit_between(&d, 1, 4);
    while (tokens * heads * dim > 4000000 && heads > 1) {
        --heads;
    }
    while (tokens * heads * dim > 4000000 && dim > 8) {
        dim -= 8;
    }
    *p = gpu_grid((vatten_dtype)unit_between(&d, VATTEN_DTYPE_F32, VATTEN_DTYPE_BF16), rank, extents, heads,
                  heads % 2 ? 1 : heads / 2, dim);
    for (uint32_t a = 0; a < rank; ++a) {
        vatten_axis *x = &p->hood.axis[a];
        x->window = (uint32_t)unit_between(&d, 2, widest[rank - 1]);
        x->dilation = unit_chance(&d, 33) ? (uint32_t)unit_between(&d, 1, x->extent / x->window) : 1;
        x->stride = unit_chance(&d, 50) ? 1 : (uint32_t)unit_between(&d, 1, x->window);
        x->causal = unit_chance(&d, 33);
        x->edge = unit_chance(&d, 33) ? (vatten_edge)unit_between(&d, VATTEN_EDGE_CROP, VATTEN_EDGE_ZERO)
                                      : VATTEN_EDGE_SHIFT;
        x->roll = unit_chance(&d, 20) ? unit_between(&d, 0, x->extent - 1) : 0;
    }
    p->seed = seed;
    p->rows = 12;
    p->once = !gpu_thorough(&device);
    gpu_name(p, "long grid %" PRIu32 "-D, %" PRIu64 " tokens, of seed %" PRIu64, rank, tokens, seed);
}

static void test_long_grids(void **state) {
    (void)state;
    printf("  seed %" PRIu64 ", %" PRIu64 " problems\n", first_seed, problem_count);
    for (uint64_t n = 0; n < problem_count; ++n) {
        gpu_problem p;
        roll_long_grid(first_seed + n, 1 + (uint32_t)((first_seed + n) % 3), &p);
        gpu_check(&device, &p);
    }
    gpu_assert_clean(&device);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_long_grids)};
    first_seed = argc > 1 ? strtoull(argv[1], NULL, 10) : first_seed;
    problem_count = argc > 2 ? strtoull(argv[2], NULL, 10) : problem_count;
    int opened = gpu_open(&device, "test_long_grids", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
