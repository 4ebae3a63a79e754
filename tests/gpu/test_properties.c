/* SPDX-License-Identifier: MIT
 *
 * What must hold without any reference: laws of attention, checked between two runs of the library.
 */
#include "gpu_harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gpu device;

/* Runs `problem` and keeps out and lse; false if it failed, and has told it. End with gpu_trial_end. */
static bool run(const gpu_problem *problem, gpu_trial *trial) {
    vatten_result result = gpu_trial_begin(&device, problem, trial);
    if (result == VATTEN_ERROR_UNSUPPORTED && !gpu_has_layout(&device, gpu_layout_of(problem))) {
        device.layout_refused[gpu_layout_of(problem)]++;
        return false;
    }
    if (result != VATTEN_SUCCESS) {
        gpu_fail(&device, "%s: create gave %s: %s", problem->name, vatten_result_name(result),
                 device.message);
        return false;
    }
    device.cases++;
    device.layout_cases[gpu_layout_of(problem)]++;
    bool good = gpu_trial_run(trial) && gpu_trial_collect(trial);
    gpu_check_validation(&device, problem->name);
    return good;
}

static uint64_t out_count(const gpu_trial *trial) {
    const gpu_view *view = &trial->view[GPU_OUT];
    return view->batch * view->tokens * view->heads * view->dim;
}

static float *out_at(const gpu_trial *trial, uint64_t b, uint64_t q, uint64_t h) {
    const gpu_view *view = &trial->view[GPU_OUT];
    return trial->out + ((b * view->tokens + q) * view->heads + h) * view->dim;
}

static float lse_at(const gpu_trial *trial, uint64_t b, uint64_t q, uint64_t h) {
    const gpu_view *view = &trial->view[GPU_OUT];
    return trial->lse[(b * view->heads + h) * view->tokens + q];
}

/* |got - want| <= tolerance, or told as a failure of `name`. */
static bool close_to(const char *name, const char *what, uint64_t i, float got, float want,
                     double tolerance) {
    double error = fabs((double)got - (double)want);
    if (error <= tolerance || got == want) {
        return true;
    }
    gpu_fail(&device, "%s: %s %llu: %.9g and %.9g differ by %.3g, tolerance %.2g", name, what,
             (unsigned long long)i, (double)got, (double)want, error, tolerance);
    return false;
}

static void same_outputs(const char *name, const gpu_trial *a, const gpu_trial *b, double tolerance) {
    uint64_t count = out_count(a);
    if (count != out_count(b)) {
        gpu_fail(&device, "%s: outputs differ in size", name);
        return;
    }
    for (uint64_t i = 0; i < count && close_to(name, "out", i, a->out[i], b->out[i], tolerance); ++i) {
    }
}

/* What two runs may differ by: `f32`, or for what is rounded to 16 bits as much as from the oracle. */
static double output_tolerance(const gpu_trial *trial, double f32) {
    ref_dtype dtype = trial->view[GPU_OUT].dtype;
    return dtype == REF_F32 ? f32 : ref_tolerance(dtype);
}

static double lse_tolerance(int layout) {
    return gpu_is_packed((vatten_layout)layout) ? ref_lse_tolerance_packed() : ref_lse_tolerance();
}

static float wave(uint64_t stream, uint64_t b, uint64_t token, uint64_t head, uint64_t d) {
    return ref_random(stream, ((b * 4096 + token) * 64 + head) * 1024 + d);
}

/* ---- V = 1 gives 1 ---- */

static float ones(const void *user, gpu_slot slot, uint64_t b, uint64_t token, uint64_t head, uint64_t d) {
    (void)user;
    return slot == GPU_V || slot == GPU_EXTRA_V ? 1.0f : wave((uint64_t)slot, b, token, head, d);
}

static void check_ones(gpu_problem *p) {
    gpu_trial trial = {0};
    p->value = ones;
    if (run(p, &trial)) {
        double tolerance = ref_tolerance(trial.view[GPU_OUT].dtype) / 4;
        for (uint64_t i = 0; i < out_count(&trial); ++i) {
            if (!close_to(p->name, "weights sum to", i, trial.out[i], 1.0f, tolerance)) {
                break;
            }
        }
    }
    gpu_trial_end(&trial);
}

static void test_weights_sum_to_one(void **state) {
    (void)state;
    for (int layout = gpu_first_layout(&device); layout < GPU_LAYOUTS;
         layout = gpu_next_layout(&device, layout)) {
        for (int dtype = VATTEN_DTYPE_F32; dtype <= VATTEN_DTYPE_BF16; ++dtype) {
            gpu_problem p = gpu_dense((vatten_dtype)dtype, 30, 501, 2, 1, 32);
            p.dense.causal = true;
            gpu_set_layout(&device, &p, (vatten_layout)layout, false);
            if (p.dense.heads.dtype == (vatten_dtype)dtype && gpu_has_dtype(&device, p.dense.heads.dtype)) {
                gpu_name(&p, "v = 1");
                check_ones(&p);
            }
        }
        gpu_problem p = gpu_grid(VATTEN_DTYPE_F32, 2, (uint64_t[]){12, 13}, 2, 1, 32);
        p.hood.extra_len = 9;
        gpu_set_layout(&device, &p, (vatten_layout)layout, false);
        gpu_name(&p, "v = 1 on a grid");
        check_ones(&p);
    }
    gpu_assert_clean(&device);
}

/* ---- A vector added to every key ---- */

typedef struct shifted {
    float by; /* added to every element of every key */
} shifted;

static float shifted_keys(const void *user, gpu_slot slot, uint64_t b, uint64_t token, uint64_t head,
                          uint64_t d) {
    const shifted *s = user;
    /* multiples of 1/64: the sum with `by` is exact, so that only the library rounds */
    float value = roundf(wave((uint64_t)slot, b, token, head, d) * 64.0f) / 64.0f;
    return slot == GPU_K ? value + s->by * (float)(1 + d % 3) : value;
}

static void test_common_key_vector_changes_nothing(void **state) {
    (void)state;
    const shifted none = {0.0f}, some = {0.5f};
    for (int layout = gpu_first_layout(&device); layout < GPU_LAYOUTS;
         layout = gpu_next_layout(&device, layout)) {
        gpu_trial a = {0}, b = {0};
        gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 20, 150, 2, 2, 32);
        gpu_set_layout(&device, &p, (vatten_layout)layout, false);
        p.value = shifted_keys;
        p.user = &none;
        gpu_name(&p, "shifted keys");
        gpu_problem moved = p;
        moved.user = &some;
        if (run(&p, &a) && run(&moved, &b)) {
            same_outputs(p.name, &b, &a, output_tolerance(&a, 2e-5));
            for (uint64_t i = 0; i < 40; ++i) { /* LSE moves by scale x q . vector */
                double dot = 0.0;
                for (uint64_t d = 0; d < 32; ++d) {
                    dot +=
                        (double)shifted_keys(&none, GPU_Q, 0, i % 20, i / 20, d) * 0.5 * (double)(1 + d % 3);
                }
                double want = (double)lse_at(&a, 0, i % 20, i / 20) + dot / sqrt(32.0);
                close_to(p.name, "lse", i, lse_at(&b, 0, i % 20, i / 20), (float)want, lse_tolerance(layout));
            }
        }
        gpu_trial_end(&b);
        gpu_trial_end(&a);
    }
    gpu_assert_clean(&device);
}

/* ---- window = extent is dense ---- */

static void test_full_window_is_dense(void **state) {
    (void)state;
    static const uint64_t extents[3][3] = {{60, 0, 0}, {6, 10, 0}, {3, 4, 5}};
    for (uint32_t rank = 1; rank <= 3; ++rank) {
        for (int layout = gpu_first_layout(&device); layout < GPU_LAYOUTS;
             layout = gpu_next_layout(&device, layout)) {
            gpu_trial a = {0}, b = {0};
            gpu_problem grid = gpu_grid(VATTEN_DTYPE_F32, rank, extents[rank - 1], 2, 1, 16);
            gpu_problem dense = gpu_dense(VATTEN_DTYPE_F32, 60, 60, 2, 1, 16);
            for (uint32_t x = 0; x < rank; ++x) {
                grid.hood.axis[x].window = (uint32_t)grid.hood.axis[x].extent;
            }
            grid.hood.axis[0].causal = dense.dense.causal = rank == 1;
            gpu_set_layout(&device, &grid, (vatten_layout)layout, true);
            gpu_set_layout(&device, &dense, (vatten_layout)layout, true);
            gpu_name(&grid, "window = extent, rank %u", rank);
            gpu_name(&dense, "dense for rank %u", rank);
            if (run(&grid, &a) && run(&dense, &b)) {
                same_outputs(grid.name, &a, &b, output_tolerance(&a, 1e-5));
            }
            gpu_trial_end(&b);
            gpu_trial_end(&a);
        }
    }
    gpu_assert_clean(&device);
}

/* ---- prefix = kv_len is no window ---- */

static void test_full_prefix_lifts_the_window(void **state) {
    (void)state;
    for (int layout = gpu_first_layout(&device); layout < GPU_LAYOUTS;
         layout = gpu_next_layout(&device, layout)) {
        gpu_trial a = {0}, b = {0};
        gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 50, 90, 2, 1, 16);
        p.dense.causal = true;
        gpu_set_layout(&device, &p, (vatten_layout)layout, false);
        gpu_name(&p, "prefix = kv_len");
        gpu_problem windowed = p;
        windowed.dense.window = (vatten_window){.enabled = true, .left = 3, .right = 0};
        windowed.dense.prefix = 90;
        if (run(&p, &a) && run(&windowed, &b)) {
            same_outputs(p.name, &b, &a, output_tolerance(&a, 1e-5));
        }
        gpu_trial_end(&b);
        gpu_trial_end(&a);
    }
    gpu_assert_clean(&device);
}

/* ---- Permuting heads permutes the output, bit for bit ---- */

static const uint64_t head_order[5] = {3, 0, 4, 1, 2};

static float permuted(const void *user, gpu_slot slot, uint64_t b, uint64_t token, uint64_t head,
                      uint64_t d) {
    return wave((uint64_t)slot, b, token, user ? head_order[head] : head, d);
}

static void test_permuted_heads_permute_outputs(void **state) {
    (void)state;
    for (int layout = gpu_first_layout(&device); layout < GPU_LAYOUTS;
         layout = gpu_next_layout(&device, layout)) {
        gpu_trial a = {0}, b = {0};
        gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 19, 83, 5, 5, 16);
        gpu_set_layout(&device, &p, (vatten_layout)layout, false);
        p.value = permuted;
        gpu_name(&p, "permuted heads");
        gpu_problem other = p;
        other.user = head_order;
        if (run(&p, &a) && run(&other, &b)) {
            for (uint64_t i = 0; i < 19 * 5; ++i) {
                if (memcmp(out_at(&b, 0, i / 5, i % 5), out_at(&a, 0, i / 5, head_order[i % 5]), 16 * 4) !=
                    0) {
                    gpu_fail(&device, "%s: query %u head %u is not head %u", p.name, (unsigned)(i / 5),
                             (unsigned)(i % 5), (unsigned)head_order[i % 5]);
                    break;
                }
            }
        }
        gpu_trial_end(&b);
        gpu_trial_end(&a);
    }
    gpu_assert_clean(&device);
}

/* ---- Dilation d is d problems, interleaved ---- */

static float every_third(const void *user, gpu_slot slot, uint64_t b, uint64_t token, uint64_t head,
                         uint64_t d) {
    const uint64_t *group = user; /* NULL: the whole axis */
    return wave((uint64_t)slot, b, group ? token * 3 + *group : token, head, d);
}

static void test_dilation_interleaves(void **state) {
    (void)state;
    for (int layout = gpu_first_layout(&device); layout < GPU_LAYOUTS;
         layout = gpu_next_layout(&device, layout)) {
        for (unsigned causal = 0; causal < 2; ++causal) {
            gpu_trial whole = {0}, part = {0};
            gpu_problem p = gpu_grid(VATTEN_DTYPE_F32, 1, (uint64_t[]){50}, 2, 2, 16);
            p.hood.axis[0] = (vatten_axis){50, 7, 2, 3, causal != 0};
            gpu_set_layout(&device, &p, (vatten_layout)layout, true);
            p.value = every_third;
            gpu_name(&p, "dilation 3 of 50 causal %u", causal);
            bool good = run(&p, &whole);
            for (uint64_t group = 0; group < 3 && good; ++group) {
                gpu_problem one = p;
                one.user = &group;
                one.hood.axis[0].extent = (50 - group + 2) / 3;
                one.hood.axis[0].dilation = 1;
                good = run(&one, &part);
                for (uint64_t i = 0; good && i < one.hood.axis[0].extent * 2 * 16; ++i) {
                    float want = out_at(&whole, 0, i / 32 * 3 + group, i / 16 % 2)[i % 16];
                    good = close_to(p.name, "out", i, part.out[i], want, output_tolerance(&part, 1e-5));
                }
                gpu_trial_end(&part);
            }
            gpu_trial_end(&whole);
        }
    }
    gpu_assert_clean(&device);
}

/* ---- Permuting axes permutes the output ---- */

static const uint64_t box_of_tokens[3] = {5, 12, 8};

/* The token of the grid whose axes are in the order {2, 0, 1} that `token` of the other one is. */
static uint64_t turned(uint64_t token) {
    const uint64_t *n = box_of_tokens;
    uint64_t z = token % n[2], y = token / n[2] % n[1], x = token / n[2] / n[1];
    return (z * n[0] + x) * n[1] + y;
}

static float by_place(const void *user, gpu_slot slot, uint64_t b, uint64_t token, uint64_t head,
                      uint64_t d) {
    return wave((uint64_t)slot, b, user ? token : turned(token), head, d);
}

static void test_permuted_axes_permute_outputs(void **state) {
    (void)state;
    static const vatten_axis axes[2][3] = {
        {{5, 3, 2, 1, true}, {12, 4, 1, 3, false}, {8, 5, 1, 1, false, VATTEN_EDGE_ZERO}},
        {{5, 4, 4, 1, false, VATTEN_EDGE_CROP, 1}, {12, 5, 1, 2, false}, {8, 8, 1, 1, true}}};
    for (unsigned n = 0; n < 8; ++n) {
        gpu_trial a = {0}, b = {0};
        const uint64_t *e = box_of_tokens;
        const vatten_axis *x = axes[n / 4];
        gpu_problem p = gpu_grid(VATTEN_DTYPE_F32, 3, e, 2, 1, 16);
        gpu_problem other = gpu_grid(VATTEN_DTYPE_F32, 3, (uint64_t[]){e[2], e[0], e[1]}, 2, 1, 16);
        memcpy(p.hood.axis, x, sizeof p.hood.axis);
        memcpy(other.hood.axis, (vatten_axis[]){x[2], x[0], x[1]}, sizeof other.hood.axis);
        gpu_set_layout(&device, &p, (vatten_layout)(VATTEN_LAYOUT_ROWS + n % 4), true);
        gpu_set_layout(&device, &other, (vatten_layout)(VATTEN_LAYOUT_ROWS + n % 4), true);
        p.value = other.value = by_place;
        other.user = axes;
        gpu_name(&p, "permuted axes %u", n / 4);
        gpu_name(&other, "axes permuted %u", n / 4);
        bool good = run(&p, &a) && run(&other, &b);
        for (uint64_t i = 0; good && i < out_count(&a); ++i) {
            float want = out_at(&b, 0, turned(i / 32), i / 16 % 2)[i % 16];
            good = close_to(p.name, "out", i, a.out[i], want, output_tolerance(&a, 1e-5)) &&
                   close_to(p.name, "lse of out", i, lse_at(&a, 0, i / 32, i / 16 % 2),
                            lse_at(&b, 0, turned(i / 32), i / 16 % 2), ref_lse_tolerance());
        }
        gpu_trial_end(&b);
        gpu_trial_end(&a);
    }
    gpu_assert_clean(&device);
}

/* ---- A plan split into many dispatches ---- */

/* The split must have happened and kept its bound, or come down to one tile. */
static void check_bound(const gpu_problem *split, const vatten_plan_info *whole,
                        const vatten_plan_info *info) {
    const vatten_heads *h = gpu_heads_of(split);
    uint32_t value_dim = h->value_dim ? h->value_dim : h->dim;
    uint64_t one_tile = (uint64_t)info->tile.rows * info->tile.keys * (h->dim + value_dim);
    bool in_bound = info->largest_macs <= info->max_macs || info->largest_macs <= one_tile;

    if (info->dispatches <= whole->dispatches || info->max_macs != h->max_macs || !in_bound) {
        gpu_fail(&device,
                 "%s [%s]: %u dispatches unsplit, %u with a bound of %llu; plan keeps %llu, its largest has "
                 "%llu, one "
                 "tile %llu",
                 split->name, info->kernel, whole->dispatches, info->dispatches,
                 (unsigned long long)h->max_macs, (unsigned long long)info->max_macs,
                 (unsigned long long)info->largest_macs, (unsigned long long)one_tile);
    }
}

/* Compares a plan bound to `max_macs` per dispatch with one that is not. A split between queries changes no
 * bit, nor does one between the key tiles of a dense plan. On a grid, keys are split between planes, and
 * tiles then begin anew at each part: the same sums in another order. */
static void check_split(const gpu_problem *problem, uint64_t max_macs, bool by_keys) {
    gpu_trial a = {0}, b = {0};
    gpu_problem whole = *problem, split = *problem;
    gpu_heads(&whole)->max_macs = UINT64_MAX / 4;
    gpu_heads(&split)->max_macs = max_macs;
    if (run(&whole, &a) && run(&split, &b)) {
        check_bound(&split, &a.info, &b.info);
        if (by_keys != (b.info.workspace_bytes > 0)) {
            gpu_fail(&device, "%s [%s]: keys are %ssplit", split.name, b.info.kernel, by_keys ? "not " : "");
        }
        if (by_keys && split.grid) {
            same_outputs(split.name, &b, &a, ref_tolerance(b.view[GPU_OUT].dtype) / 4);
        } else if (memcmp(a.out, b.out, out_count(&a) * sizeof *a.out) != 0) {
            gpu_fail(&device, "%s [%s]: split in %u dispatches gives other bits", split.name, b.info.kernel,
                     b.info.dispatches);
        }
        gpu_trial_compare(&b);
    }
    gpu_trial_end(&b);
    gpu_trial_end(&a);
}

/* Multiply-adds of one tile of queries over `keys` keys: bounds below it split keys, above it queries. Tiles differ
 * from device to device, so bounds are told as shares of this. */
static uint64_t pass_macs(const gpu_problem *problem, uint64_t keys) {
    vatten_plan *plan = NULL;
    vatten_plan_info info = {.max_macs = 0};
    if (gpu_plan_create(&device, problem, &plan) == VATTEN_SUCCESS) {
        vatten_plan_get_info(plan, &info);
    }
    vatten_plan_destroy(plan);
    return (uint64_t)info.tile.rows * keys * 2 * problem->dense.heads.dim;
}

static void split_dense(vatten_layout layout, unsigned n) {
    static const struct {
        uint64_t q_len;
        double share; /* of a pass over all keys that a query sees */
        bool by_keys, causal;
    } rows[] = {{150, 0.0, true, false},
                {3, 0.5, true, false},
                {150, 0.4, true, true},
                {150, 0.3, true, true},
                {400, 1.5, false, true}};
    uint64_t keys = 700;
    gpu_problem p = gpu_dense(n == 2 ? VATTEN_DTYPE_F16 : VATTEN_DTYPE_F32, rows[n].q_len, keys, 2, 1, 16);
    p.dense.heads.batch = 1 + n % 2;
    gpu_set_layout(&device, &p, layout, false);
    p.dense.causal = rows[n].causal;
    p.rows = 40;
    if (n == 3) {
        p.dense.window = (vatten_window){.enabled = true, .left = 100, .right = 0};
        p.dense.prefix = 30;
        keys = 130;
    }
    gpu_name(&p, "split dense %u", n);
    if (gpu_has_dtype(&device, p.dense.heads.dtype)) {
        uint64_t bound = (uint64_t)(rows[n].share * (double)pass_macs(&p, keys));
        check_split(&p, bound ? bound : 1, rows[n].by_keys);
    }
}

static void test_split_plans_equal_whole_ones(void **state) {
    (void)state;
    for (int layout = gpu_first_layout(&device); layout < GPU_LAYOUTS;
         layout = gpu_next_layout(&device, layout)) {
        for (unsigned n = 0; n < 5; ++n) {
            split_dense((vatten_layout)layout, n);
        }
        gpu_problem p = gpu_grid(VATTEN_DTYPE_F32, 2, (uint64_t[]){30, 31}, 2, 1, 16);
        p.hood.axis[0].window = 20;
        p.hood.axis[1].window = 31;
        gpu_set_layout(&device, &p, (vatten_layout)layout, false);
        p.rows = 40;
        gpu_name(&p, "split grid by queries");
        check_split(&p, 9000000, false);
        p.hood.extra_len = 40;
        gpu_name(&p, "split grid");
        check_split(&p, 200000, true);
    }
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_sum_to_one),
        cmocka_unit_test(test_common_key_vector_changes_nothing),
        cmocka_unit_test(test_full_window_is_dense),
        cmocka_unit_test(test_full_prefix_lifts_the_window),
        cmocka_unit_test(test_permuted_heads_permute_outputs),
        cmocka_unit_test(test_dilation_interleaves),
        cmocka_unit_test(test_permuted_axes_permute_outputs),
        cmocka_unit_test(test_split_plans_equal_whole_ones),
    };
    int opened = gpu_open(&device, "test_properties", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
