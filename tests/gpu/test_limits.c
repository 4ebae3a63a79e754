/* SPDX-License-Identifier: MIT
 *
 * Problems larger than what one dispatch, one binding or one shader invocation of a device takes, and devices
 * that take less than usual.
 */
#include "gpu_harness.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static gpu device;

static const vatten_dtype dtypes[] = {VATTEN_DTYPE_F32, VATTEN_DTYPE_F16, VATTEN_DTYPE_BF16};

/* ---- More workgroups than a dispatch may have (65,535 per axis is all that Vulkan promises) ---- */

static void test_more_heads_than_a_dispatch_takes(void **state) {
    (void)state;
    for (int layout = gpu_first_layout(&device); layout < GPU_LAYOUTS;
         layout = gpu_next_layout(&device, layout)) {
        gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 1, 3, 256, 128, 4);
        p.dense.heads.batch = 300;
        gpu_set_layout(&device, &p, (vatten_layout)layout, true);
        p.rows = 2000;
        gpu_name(&p, "batch 300 x heads 256");
        gpu_check(&device, &p);
    }
    gpu_problem p = gpu_grid(VATTEN_DTYPE_F32, 1, (uint64_t[]){2}, 256, 256, 4);
    p.hood.axis[0].window = 2;
    p.hood.heads.batch = 300;
    p.rows = 2000;
    gpu_name(&p, "grid batch 300 x heads 256");
    gpu_check(&device, &p);
    gpu_assert_clean(&device);
}

static void test_more_query_tiles_than_a_dispatch_takes(void **state) {
    (void)state;
    gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 150000, 2, 1, 1, 4);
    p.dense.heads.tile = (vatten_tile){VATTEN_LAYOUT_SHARED, 8, 2, 4, 4};
    p.dense.causal = true;
    p.dense.align = VATTEN_ALIGN_FIRST;
    p.rows = 2000;
    gpu_name(&p, "75,000 query tiles");
    gpu_check(&device, &p);
    gpu_assert_clean(&device);
}

/* ---- More loop iterations than Mesa 22's lavapipe runs before it silently stops (65,535) ---- */

static void test_hundred_thousand_keys(void **state) {
    (void)state;
    for (uint32_t dim = 64; dim <= 128; dim += 64) {
        gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 3, 100000, 1, 1, dim);
        p.once = true;
        gpu_name(&p, "100,000 keys dim %u", dim);
        gpu_check_layouts(&device, &p);
    }
    gpu_problem p = gpu_dense(VATTEN_DTYPE_F16, 2, 100003, 1, 1, 40);
    p.dense.causal = true;
    p.dense.window = (vatten_window){.enabled = true, .left = 80000, .right = 0};
    p.dense.prefix = 10000;
    p.once = true;
    gpu_name(&p, "100,003 keys windowed");
    gpu_check_layouts(&device, &p);
    gpu_assert_clean(&device);
}

static void test_long_loops_on_a_grid(void **state) {
    (void)state;
    gpu_problem extra = gpu_grid(VATTEN_DTYPE_F32, 1, (uint64_t[]){5}, 1, 1, 64);
    extra.hood.extra_len = 100000;
    extra.once = true;
    gpu_name(&extra, "100,000 extra keys");
    gpu_check_layouts(&device, &extra);

    gpu_problem wide = gpu_grid(VATTEN_DTYPE_F32, 2, (uint64_t[]){60, 50}, 1, 1, 16);
    wide.hood.axis[0].window = 60;
    wide.hood.axis[1].window = 49;
    wide.rows = 30;
    wide.once = true;
    gpu_name(&wide, "window of 2,940 keys");
    gpu_check_layouts(&device, &wide);
    gpu_assert_clean(&device);
}

/* ---- Tensors larger than a binding ---- */

/* Few tokens far apart: every tensor spans more than the 128 MiB that Vulkan promises for one binding. */
static void test_tensors_beyond_the_guaranteed_range(void **state) {
    (void)state;
    const int64_t far_k = (1 << 16) + 32, far_q = 1 << 20;
    gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 37, 600, 2, 1, 64);
    vatten_heads *h = &p.dense.heads;
    h->q = h->out = (vatten_strides){.batch = far_q * 37, .head = 64, .token = far_q};
    h->k = h->v = (vatten_strides){.batch = far_k * 600, .head = 64, .token = far_k};
    p.once = true;
    gpu_name(&p, "150 MiB each of q, k, v, out");
    gpu_check(&device, &p);
    gpu_assert_clean(&device);
}

/* The same with a range that is small by order, so that many shapes can be tried. */
static void dense_over_ranges(gpu *g) {
    static const struct {
        uint64_t batch, q_len, kv_len;
        uint32_t heads, kv_heads, dim;
        bool causal;
        int64_t left;
    } rows[] = {
        {1, 5, 4096, 1, 1, 64, false, -1}, {1, 7, 1500, 8, 8, 64, true, -1},
        {2, 9, 300, 8, 2, 33, false, -1},  {1, 2500, 20, 1, 1, 64, true, -1},
        {40, 3, 30, 4, 4, 24, true, -1},   {1, 700, 700, 4, 1, 16, true, 90},
        {1, 5, 9, 64, 16, 24, false, -1},  {2, 9000, 3, 4, 1, 3, false, -1},
        {3, 50, 800, 3, 3, 40, true, 500}, {1, 1, 20000, 1, 1, 16, true, -1},
    };
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        gpu_problem p = gpu_dense(dtypes[n % 3], rows[n].q_len, rows[n].kv_len, rows[n].heads,
                                  rows[n].kv_heads, rows[n].dim);
        p.dense.heads.batch = rows[n].batch;
        p.dense.causal = rows[n].causal;
        p.dense.window = (vatten_window){.enabled = rows[n].left >= 0, .left = rows[n].left, .right = 0};
        p.dense.prefix = rows[n].left >= 0 ? 40 : 0;
        p.rows = 100;
        gpu_name(&p, "small range, dense %u", n);
        gpu_check_layouts(g, &p);
    }
}

static void grids_over_ranges(gpu *g) {
    static const struct {
        uint32_t rank;
        uint64_t extent[3];
        uint32_t window, heads, dim;
        uint64_t extra;
    } rows[] = {
        {1, {5000, 1, 1}, 64, 1, 16, 0}, {2, {50, 30, 1}, 9, 2, 32, 0},   {3, {12, 8, 9}, 5, 1, 24, 0},
        {2, {9, 8, 1}, 5, 1, 64, 2000},  {1, {600, 1, 1}, 300, 8, 64, 0}, {2, {40, 41, 1}, 30, 1, 40, 100},
    };
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        gpu_problem p = gpu_grid(dtypes[n % 3], rows[n].rank, rows[n].extent, rows[n].heads, 1, rows[n].dim);
        for (uint32_t a = 0; a < rows[n].rank; ++a) {
            p.hood.axis[a].window = rows[n].window;
        }
        p.hood.extra_len = rows[n].extra;
        p.rows = 60;
        gpu_name(&p, "small range, grid %u", n);
        gpu_check_layouts(g, &p);
    }
}

/* ---- Devices that take less ---- */

/* Runs `checks` on a device opened with `desc`. */
static void on_device(const char *name, const vatten_context_desc *desc, void (*checks)(gpu *g)) {
    gpu g = {0};
    assert_int_equal(gpu_open(&g, name, desc), 0);
    checks(&g);
    assert_int_equal(gpu_close(&g, 0), 0);
}

static void test_tensors_beyond_a_range_of_64_kib(void **state) {
    (void)state;
    const vatten_context_desc desc = {.cap_storage_range = 64 * 1024};
    on_device("range 64 KiB, dense", &desc, dense_over_ranges);
}

static void test_grids_beyond_a_range_of_64_kib(void **state) {
    (void)state;
    const vatten_context_desc desc = {.cap_storage_range = 64 * 1024};
    on_device("range 64 KiB, grids", &desc, grids_over_ranges);
}

static void test_grids_beyond_a_range_of_1_mib(void **state) {
    (void)state;
    const vatten_context_desc desc = {.cap_storage_range = 1024 * 1024};
    on_device("range 1 MiB, grids", &desc, grids_over_ranges);
}

/* The table's own choice and each layout. */
static void all_layouts(gpu *g) {
    static const uint32_t dims[] = {16, 100};
    for (unsigned n = 0; n < COUNT(dims); ++n) {
        for (int layout = VATTEN_LAYOUT_AUTO; layout < GPU_LAYOUTS;
             layout = layout ? gpu_next_layout(g, layout) : gpu_first_layout(g)) {
            gpu_problem p = gpu_dense(dtypes[(n + (unsigned)layout) % 3], 21, 45, 2, 1, dims[n]);
            p.dense.causal = true;
            gpu_set_layout(g, &p, (vatten_layout)layout, false);
            gpu_name(&p, "%s dim %u", g->program, dims[n]);
            gpu_check(g, &p);
        }
    }
    gpu_problem p = gpu_grid(VATTEN_DTYPE_F32, 2, (uint64_t[]){9, 11}, 2, 1, 16);
    p.hood.extra_len = 5;
    p.small_tiles = !gpu_thorough(g);
    gpu_name(&p, "%s grid", g->program);
    gpu_check_layouts(g, &p);
}

/* 16 KiB of shared memory and 128 invocations: Vulkan's guaranteed minimum. */
static void minimum_tiles(gpu *g) {
    static const uint32_t dims[] = {64, 128, 256, 576};
    for (unsigned n = 0; n < COUNT(dims); ++n) {
        gpu_problem p = gpu_dense(dtypes[n % 3], 21, 45, 2, 1, dims[n]);
        p.dense.causal = true;
        gpu_name(&p, "%s dim %u", g->program, dims[n]);
        p.dense.heads.tile.layout = VATTEN_LAYOUT_SUBGROUP;
        gpu_check(g, &p);
        p.dense.heads.tile.layout = VATTEN_LAYOUT_SHARED;
        gpu_check(g, &p);
        gpu_set_layout(g, &p, (vatten_layout)(VATTEN_LAYOUT_PACKED + n % 3), false);
        gpu_check(g, &p);
    }
    for (uint32_t dim = 16; dim <= 576; dim += 80) {
        gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 500, 500, 1, 1, dim);
        vatten_plan *plan;
        vatten_plan_info info;
        if (gpu_plan_create(g, &p, &plan) != VATTEN_SUCCESS) {
            gpu_fail(g, "dim %u has no tile within the minimum: %s", dim, g->message);
            continue;
        }
        vatten_plan_get_info(plan, &info);
        vatten_plan_destroy(plan);
        if (info.tile.workgroup > 128) {
            gpu_fail(g, "dim %u: workgroup of %u", dim, info.tile.workgroup);
        }
    }
    if (g->limits.shared_bytes > 16384 || g->limits.invocations > 128) {
        gpu_fail(g, "caps not kept: %u bytes, %u invocations", g->limits.shared_bytes, g->limits.invocations);
    }
}

static void test_guaranteed_minimum_is_enough(void **state) {
    (void)state;
    const vatten_context_desc desc = {.cap_shared_bytes = 16384, .cap_invocations = 128};
    on_device("16 KiB shared, 128 invocations", &desc, minimum_tiles);
}

static void without_subgroups(gpu *g) {
    gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 4, 4, 1, 1, 64);
    vatten_plan *plan = NULL;
    p.dense.heads.tile.layout = VATTEN_LAYOUT_SUBGROUP;
    if (g->limits.subgroup_size != 1 || gpu_plan_create(g, &p, &plan) != VATTEN_ERROR_UNSUPPORTED || plan) {
        gpu_fail(g, "subgroup size %u, a subgroup plan was not refused", g->limits.subgroup_size);
        vatten_plan_destroy(plan);
    }
    all_layouts(g);
}

static void test_no_subgroup_operations(void **state) {
    (void)state;
    const vatten_context_desc desc = {.cap_no_subgroups = true};
    on_device("no subgroups", &desc, without_subgroups);
}

static void test_no_push_descriptors(void **state) {
    (void)state;
    const vatten_context_desc desc = {.without = VATTEN_FEATURE_PUSH_DESCRIPTOR};
    on_device("no push descriptors", &desc, all_layouts);
}

static void test_no_subgroup_size_control(void **state) {
    (void)state;
    const vatten_context_desc desc = {.without = VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL};
    on_device("no subgroup size control", &desc, all_layouts);
}

static void only_f32(gpu *g) {
    for (unsigned t = 1; t < COUNT(dtypes); ++t) {
        gpu_problem p = gpu_dense(dtypes[t], 4, 4, 1, 1, 64);
        vatten_plan *plan = NULL;
        vatten_result result = gpu_plan_create(g, &p, &plan);
        if (result != VATTEN_ERROR_UNSUPPORTED || plan || g->message[0] == '\0') {
            gpu_fail(g, "%s without 16-bit storage gave %s", gpu_dtype_name(dtypes[t]),
                     vatten_result_name(result));
            vatten_plan_destroy(plan);
        } else {
            printf("  refused: %s\n", g->message);
        }
    }
    all_layouts(g);
}

static void test_16_bit_dtypes_need_16_bit_storage(void **state) {
    (void)state;
    const vatten_context_desc desc = {.without = VATTEN_FEATURE_STORAGE_16BIT};
    on_device("no 16-bit storage", &desc, only_f32);
}

/* What other devices get wrong, without it being wrong here. */
static void with_quirks(gpu *g) {
    gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 4, 4, 1, 1, 257);
    vatten_plan *plan = NULL;
    if (g->limits.max_dim != 256 || gpu_plan_create(g, &p, &plan) != VATTEN_ERROR_UNSUPPORTED || plan) {
        gpu_fail(g, "dims up to %u, a plan of 257 was not refused", g->limits.max_dim);
        vatten_plan_destroy(plan);
    }
    p = gpu_dense(VATTEN_DTYPE_F32, 3, 70000, 1, 1, 16); /* more loops than one dispatch may make */
    gpu_name(&p, "%s, 70,000 keys", g->program);
    gpu_check(g, &p);
    all_layouts(g);
}

static void test_pretended_quirks(void **state) {
    (void)state;
    const vatten_context_desc desc = {
        .cap_quirks = "lvp_loop_limit slow_shuffles pvr_spills amd_matrix adreno_private_array"};
    on_device("quirks", &desc, with_quirks);
}

static void remember_error(void *user, vatten_log_level level, const char *message) {
    if (level == VATTEN_LOG_ERROR) {
        snprintf(user, 512, "%s", message);
    }
}

static void test_unknown_quirks_are_refused(void **state) {
    (void)state;
    char said[512] = "";
    const vatten_context_desc desc = {.cap_quirks = "pvr_spills wrong_answers amd_matrix",
                                      .logger = {remember_error, said}};
    vatten_context *context = NULL;
    assert_int_equal(vatten_context_create(&desc, &context), VATTEN_ERROR_INVALID_ARGUMENT);
    assert_null(context);
    assert_non_null(strstr(said, "device: cap_quirks: \"wrong_answers\" is none of lvp_loop_limit "));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_more_heads_than_a_dispatch_takes),
        cmocka_unit_test(test_more_query_tiles_than_a_dispatch_takes),
        cmocka_unit_test(test_hundred_thousand_keys),
        cmocka_unit_test(test_long_loops_on_a_grid),
        cmocka_unit_test(test_tensors_beyond_the_guaranteed_range),
        cmocka_unit_test(test_tensors_beyond_a_range_of_64_kib),
        cmocka_unit_test(test_grids_beyond_a_range_of_64_kib),
        cmocka_unit_test(test_grids_beyond_a_range_of_1_mib),
        cmocka_unit_test(test_guaranteed_minimum_is_enough),
        cmocka_unit_test(test_no_subgroup_operations),
        cmocka_unit_test(test_pretended_quirks),
        cmocka_unit_test(test_unknown_quirks_are_refused),
        cmocka_unit_test(test_no_push_descriptors),
        cmocka_unit_test(test_no_subgroup_size_control),
        cmocka_unit_test(test_16_bit_dtypes_need_16_bit_storage),
    };
    int opened = gpu_open(&device, "test_limits", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
