/* SPDX-License-Identifier: MIT
 *
 * What becomes of scores in neighborhood attention: relative biases, and weights of the caller's own in place of scores
 * and softmax.
 */
#include "gpu_harness.h"

#include <math.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static gpu device;

static const vatten_dtype dtypes[] = {VATTEN_DTYPE_F32, VATTEN_DTYPE_F16, VATTEN_DTYPE_BF16};

typedef struct grid_row {
    uint32_t rank;
    vatten_axis axis[3];
} grid_row;

#define SHIFT VATTEN_EDGE_SHIFT
#define CROP  VATTEN_EDGE_CROP
#define ZERO  VATTEN_EDGE_ZERO

/* Each rule of a window on each axis at least once: parity, stride, dilation with unequal groups, causal, edges, rolls;
 * windows longer than the axis, and axes of one token. */
static const grid_row rows[] = {
    {1, {{23, 7, 1, 1, false, SHIFT, 0}}},
    {1, {{37, 6, 3, 2, false, ZERO, 0}}},
    {1, {{70, 40, 1, 1, true, SHIFT, 0}}},
    {1, {{9, 40, 5, 1, false, ZERO, 0}}},
    {1, {{30, 8, 8, 1, false, CROP, 3}}},
    {1, {{31, 7, 2, 3, true, ZERO, 5}}},
    {2, {{12, 5, 1, 1, false, SHIFT, 0}, {11, 4, 2, 2, false, SHIFT, 0}}},
    {2, {{12, 5, 1, 1, false, ZERO, 0}, {11, 4, 2, 2, true, CROP, 0}}},
    {2, {{16, 4, 4, 1, false, SHIFT, 2}, {12, 4, 4, 1, false, SHIFT, 2}}},
    {2, {{7, 9, 9, 1, false, ZERO, 1}, {13, 3, 1, 1, false, ZERO, 0}}},
    {2, {{13, 1, 1, 1, false, SHIFT, 0}, {19, 7, 4, 1, true, SHIFT, 0}}},
    {3, {{5, 3, 1, 1, false, ZERO, 0}, {6, 3, 2, 1, false, CROP, 2}, {7, 5, 1, 1, true, ZERO, 3}}},
    {3, {{4, 2, 2, 1, false, SHIFT, 1}, {6, 3, 1, 2, false, SHIFT, 0}, {8, 5, 3, 1, true, SHIFT, 0}}},
};

static gpu_problem problem_of(const grid_row *row, vatten_dtype dtype) {
    const uint64_t extents[3] = {row->axis[0].extent, row->axis[1].extent, row->axis[2].extent};
    gpu_problem p = gpu_grid(dtype, row->rank, extents, 2, 1, 16);
    memcpy(p.hood.axis, row->axis, sizeof p.hood.axis);
    return p;
}

/* 1. biases */
static void test_biases(void **state) {
    (void)state;
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        gpu_problem p = problem_of(&rows[n], dtypes[n % 3]);
        p.hood.bias = VATTEN_BIAS_RELATIVE;
        p.hood.heads.batch = 1 + n % 2;
        p.hood.heads.write_lse = n % 3 != 1;
        p.hood.heads.value_dim = n % 4 == 1 ? 24 : 0;
        p.hood.extra_len = n % 5 == 4 ? 19 : 0;
        p.small_tiles = n % 4 != 0 && !gpu_thorough(&device);
        p.seed = 1 + n;
        gpu_name(&p, "bias %u", n);
        gpu_check_layouts(&device, &p);
        p.hood.heads.max_macs = 1; /* as many parts as there can be */
        gpu_name(&p, "bias %u in parts", n);
        gpu_check_layouts(&device, &p);
    }
    gpu_assert_clean(&device);
}

/* 2. a bias of -inf hides its pair, a very negative one as good as hides it; a query may lose all its keys */
static float hiding(const void *user, gpu_slot slot, uint64_t b, uint64_t token, uint64_t head, uint64_t d) {
    (void)user;
    if (slot != GPU_BIAS) {
        return ref_random((uint64_t)slot + 5, ((b * 64 + token) * 4 + head) * 64 + d);
    }
    return head == 1 ? -INFINITY : d % 3 == 0 ? -INFINITY : d % 3 == 1 ? -1.0e9f : 2.0f;
}

static void test_biases_that_hide(void **state) {
    (void)state;
    static const grid_row hidden[] = {{1, {{23, 7, 1, 1, false, SHIFT, 0}}},
                                      {2, {{9, 3, 1, 1, false, ZERO, 0}, {8, 5, 2, 1, false, ZERO, 0}}}};
    for (unsigned n = 0; n < COUNT(hidden); ++n) {
        gpu_problem p = problem_of(&hidden[n], VATTEN_DTYPE_F32);
        p.hood.bias = VATTEN_BIAS_RELATIVE;
        p.small_tiles = true;
        p.value = hiding;
        gpu_name(&p, "biases that hide %u", n);
        gpu_check_layouts(&device, &p);
    }
    gpu_assert_clean(&device);
}

/* 3. large biases, as of trained models, and a table whose windows are larger than a binding's alignment */
static float large(const void *user, gpu_slot slot, uint64_t b, uint64_t token, uint64_t head, uint64_t d) {
    (void)user;
    float unit = ref_random((uint64_t)slot + 9, ((b * 4096 + token) * 4 + head) * 1024 + d);
    return slot == GPU_BIAS ? 12.0f * unit : unit;
}

static void test_large_tables(void **state) {
    (void)state;
    static const grid_row big[] = {{1, {{300, 257, 1, 1, false, SHIFT, 0}}},
                                   {2, {{24, 13, 1, 1, false, SHIFT, 0}, {28, 14, 2, 1, false, SHIFT, 0}}}};
    for (unsigned n = 0; n < COUNT(big); ++n) {
        gpu_problem p = problem_of(&big[n], dtypes[n]);
        p.hood.bias = VATTEN_BIAS_RELATIVE;
        p.value = large;
        p.rows = 200;
        gpu_name(&p, "large table %u", n);
        gpu_check_layouts(&device, &p);
    }
    gpu_assert_clean(&device);
}

/* 4. weights */
static void test_weights(void **state) {
    (void)state;
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        gpu_problem p = problem_of(&rows[n], dtypes[n % 3]);
        p.hood.weights = true;
        p.hood.heads.batch = 1 + n % 2;
        p.hood.heads.dim = 0;
        p.hood.heads.value_dim = n % 4 == 1 ? 3 : 16;
        p.hood.heads.write_lse = false;
        p.small_tiles = n % 4 != 0 && !gpu_thorough(&device);
        p.seed = 1 + n;
        gpu_name(&p, "weights %u", n);
        gpu_check_layouts(&device, &p);
        p.hood.heads.max_macs = 1;
        gpu_name(&p, "weights %u in parts", n);
        gpu_check_layouts(&device, &p);
    }
    gpu_assert_clean(&device);
}

/* 5. weights that no visible key has may hold anything */
static float only_needed(const void *user, gpu_slot slot, uint64_t b, uint64_t token, uint64_t head,
                         uint64_t d) {
    const ref_grid_rule *rule = user;
    float unit = ref_random((uint64_t)slot + 3, ((b * 64 + token) * 4 + head) * 64 + d);
    if (slot != GPU_Q) {
        return unit;
    }
    for (uint64_t key = 0; key < 63; ++key) {
        if (ref_grid_visible(rule, token, key) && ref_grid_window_index(rule, token, key) == d) {
            return unit / 4.0f;
        }
    }
    return NAN;
}

static void test_weights_of_nobody(void **state) {
    (void)state;
    static const vatten_edge edges[] = {SHIFT, CROP, ZERO};
    for (unsigned n = 0; n < COUNT(edges); ++n) {
        grid_row row = {2, {{9, 3, 1, 2, false, edges[n], 0}, {7, 4, 2, 1, true, edges[n], n}}};
        ref_grid_rule rule = {
            2, {{9, 3, 1, 2, false, (ref_edge)edges[n], 0}, {7, 4, 2, 1, true, (ref_edge)edges[n], n}}};
        gpu_problem p = problem_of(&row, VATTEN_DTYPE_F32);
        p.hood.weights = true;
        p.hood.heads.dim = 0;
        p.hood.heads.value_dim = 8;
        p.hood.heads.write_lse = false;
        p.hood.heads.q = (vatten_strides){.batch = 0, .head = 13, .token = 27}; /* no multiples of four */
        p.small_tiles = true;
        p.value = only_needed;
        p.user = &rule;
        gpu_name(&p, "weights of nobody %u", n);
        gpu_check_layouts(&device, &p);
    }
    gpu_assert_clean(&device);
}

/* 6. heads with windows of their own share a table, or rows of weights, as wide as the largest: each head gives what it
 * gives alone, its table cut out of the middle and its weights from the front */
typedef struct cut {
    uint32_t head;
    uint32_t window[2]; /* of this head */
} cut;

static const uint32_t widest[2] = {7, 6};

static const vatten_axis head_axes[2][3] = {
    {{.extent = 13, .window = 7, .stride = 1, .dilation = 1},
     {.extent = 11, .window = 3, .stride = 1, .dilation = 2}},
    {{.extent = 13, .window = 4, .stride = 4, .dilation = 1},
     {.extent = 11, .window = 6, .stride = 2, .dilation = 1, .causal = true}},
};

static float shared_values(const void *user, gpu_slot slot, uint64_t b, uint64_t token, uint64_t head,
                           uint64_t d) {
    (void)user;
    float unit = ref_random((uint64_t)slot + 21, ((b * 256 + token) * 4 + head) * 256 + d);
    return slot == GPU_Q ? unit / 4.0f : unit;
}

static float cut_values(const void *user, gpu_slot slot, uint64_t b, uint64_t token, uint64_t head,
                        uint64_t d) {
    const cut *c = user;
    if (slot == GPU_BIAS) {
        uint64_t side = 2 * c->window[1] - 1;
        uint64_t y = d / side + widest[0] - c->window[0], x = d % side + widest[1] - c->window[1];
        return shared_values(NULL, slot, b, token, c->head, y * (2 * widest[1] - 1) + x);
    }
    return shared_values(NULL, slot, b, token, slot == GPU_Q ? c->head : head, d);
}

static void head_equals_itself_alone(const gpu_problem *both, const gpu_trial *got, uint32_t head) {
    cut c = {head, {head_axes[head][0].window, head_axes[head][1].window}};
    gpu_problem one = *both;
    gpu_trial want = {0};
    one.hood.head_axes = NULL;
    one.hood.heads.heads = 1;
    memcpy(one.hood.axis, head_axes[head], sizeof one.hood.axis);
    one.value = cut_values;
    one.user = &c;
    gpu_name(&one, "head %u alone", head);
    if (gpu_trial_begin(&device, &one, &want) != VATTEN_SUCCESS || !gpu_trial_run(&want) ||
        !gpu_trial_collect(&want)) {
        gpu_fail(&device, "%s: %s", one.name, device.message);
    } else if (gpu_trial_compare(&want)) {
        for (uint64_t token = 0; token < want.q_now; ++token) {
            if (memcmp(got->out + (token * 2 + head) * 16, want.out + token * 16, 16 * sizeof(float)) != 0) {
                gpu_fail(&device, "%s: head %u of query %u differs from that head alone", both->name, head,
                         (unsigned)token);
                break;
            }
        }
    }
    gpu_trial_end(&want);
}

static void test_heads_share_tables(void **state) {
    (void)state;
    for (unsigned n = 0; n < 6; ++n) {
        vatten_layout layout = (vatten_layout)(VATTEN_LAYOUT_ROWS + n / 2);
        gpu_problem p = gpu_grid(VATTEN_DTYPE_F32, 2, (uint64_t[]){13, 11}, 2, 1, 16);
        gpu_trial got = {0};
        gpu_set_layout(&device, &p, layout, true);
        p.hood.head_axes = head_axes[0];
        p.hood.bias = n % 2 ? VATTEN_BIAS_RELATIVE : VATTEN_BIAS_NONE;
        p.hood.weights = n % 2 == 0;
        p.hood.heads.dim = p.hood.weights ? 0 : 16;
        p.hood.heads.value_dim = 16;
        p.hood.heads.write_lse = false;
        p.value = shared_values;
        gpu_name(&p, "shared %s", p.hood.weights ? "weights" : "biases");
        if (!gpu_has_layout(&device, layout)) {
            continue;
        }
        if (gpu_trial_begin(&device, &p, &got) != VATTEN_SUCCESS || !gpu_trial_run(&got) ||
            !gpu_trial_collect(&got)) {
            gpu_fail(&device, "%s: %s", p.name, device.message);
        } else {
            head_equals_itself_alone(&p, &got, 0);
            head_equals_itself_alone(&p, &got, 1);
        }
        gpu_trial_end(&got);
    }
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_biases),
        cmocka_unit_test(test_biases_that_hide),
        cmocka_unit_test(test_large_tables),
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_weights_of_nobody),
        cmocka_unit_test(test_heads_share_tables),
    };
    int opened = gpu_open(&device, "test_scores", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
