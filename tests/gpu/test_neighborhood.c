/* SPDX-License-Identifier: MIT
 *
 * Neighborhood attention on 1-D, 2-D and 3-D grids: all small rules of one axis, mixes of axes, extents at
 * the edges of tiles, extra keys, groups of heads, strides.
 */
#include "gpu_harness.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static gpu device;

static const vatten_dtype dtypes[] = {VATTEN_DTYPE_F32, VATTEN_DTYPE_F16, VATTEN_DTYPE_BF16};

/* Extent, window, stride, dilation, causal of each axis, for a table. */
typedef struct grid_row {
    uint32_t rank;
    vatten_axis axis[3];
} grid_row;

static gpu_problem problem_of(const grid_row *row, vatten_dtype dtype, uint32_t heads, uint32_t kv_heads,
                              uint32_t dim) {
    const uint64_t extents[3] = {row->axis[0].extent, row->axis[1].extent, row->axis[2].extent};
    gpu_problem p = gpu_grid(dtype, row->rank, extents, heads, kv_heads, dim);
    memcpy(p.hood.axis, row->axis, sizeof p.hood.axis);
    return p;
}

/* Names a problem by its axes: "8x9 k3,4 s1,2 d1,1 c01". */
static void name_axes(gpu_problem *p) {
    char text[3][48] = {"", "", ""};
    for (uint32_t a = 0; a < p->hood.rank; ++a) {
        const vatten_axis *x = &p->hood.axis[a];
        snprintf(text[a], sizeof text[a], "%u:k%us%ud%u%s ", (unsigned)x->extent, x->window, x->stride,
                 x->dilation, x->causal ? "c" : "");
    }
    gpu_name(p, "grid %s%s%sdim %u", text[0], text[1], text[2], p->hood.heads.dim);
}

/* Every rule is a pipeline of its own: on software devices small tiles and turns keep that bearable. */
static void turn_layout(gpu_problem *p, unsigned turn) {
    static const vatten_layout layouts[] = {VATTEN_LAYOUT_ROWS, VATTEN_LAYOUT_SUBGROUP, VATTEN_LAYOUT_SHARED,
                                            VATTEN_LAYOUT_MATRIX, VATTEN_LAYOUT_MATRIX2};
    unsigned count = gpu_has_layout(&device, VATTEN_LAYOUT_MATRIX2)  ? 5
                     : gpu_has_layout(&device, VATTEN_LAYOUT_MATRIX) ? 4
                                                                     : 3;
    bool f16 = turn % 4 == 3 && gpu_has_layout(&device, VATTEN_LAYOUT_PACKED);
    vatten_layout layout = f16 ? (vatten_layout)(VATTEN_LAYOUT_PACKED + turn / 4 % 3) : layouts[turn % count];
    gpu_set_layout(&device, p, device.only ? device.only : layout, !gpu_thorough(&device));
}

/* 1. every rule that a small axis can have */
static void check_axis_rule(unsigned turn, uint64_t extent, uint32_t window, uint32_t stride,
                            uint32_t dilation, bool causal) {
    grid_row row = {1, {{extent, window, stride, dilation, causal}}};
    gpu_problem p = problem_of(&row, VATTEN_DTYPE_F32, 1, 1, 4);
    turn_layout(&p, turn);
    name_axes(&p);
    gpu_check(&device, &p);
}

static void check_axis_rules(uint64_t extent, bool both) {
    unsigned turn = 0;
    for (uint32_t window = 2; window <= extent; ++window) {
        for (uint32_t stride = 1; stride <= window; ++stride) {
            for (uint32_t dilation = 1; dilation * window <= extent; ++dilation, ++turn) {
                bool causal = turn / 3 % 2 == 1;
                check_axis_rule(turn, extent, window, stride, dilation, causal);
                if (both) {
                    check_axis_rule(turn + 1, extent, window, stride, dilation, !causal);
                }
            }
        }
    }
}

static void test_every_rule_of_a_small_axis(void **state) {
    (void)state;
    check_axis_rules(11, gpu_thorough(&device));
    if (gpu_thorough(&device)) {
        check_axis_rules(12, true);
    }
    gpu_assert_clean(&device);
}

/* 2. the same rules met on two axes: windows of every parity, strides, unequal dilation groups, causal
 * mixes */
static void test_mixed_axes(void **state) {
    (void)state;
    static const vatten_axis rules[] = {
        {7, 3, 1, 1, false}, {7, 4, 2, 1, true},  {7, 7, 1, 1, false}, {7, 2, 2, 3, false},
        {7, 3, 3, 2, true},  {7, 1, 1, 1, false}, {7, 5, 4, 1, false}, {7, 2, 1, 2, true},
        {7, 7, 7, 1, true},  {7, 1, 1, 7, true},
    };
    for (unsigned a = 0; a < COUNT(rules); ++a) {
        for (unsigned b = 0; b < COUNT(rules); ++b) {
            grid_row row = {2, {rules[a], rules[b]}};
            row.axis[1].extent = 9;
            if (row.axis[0].window == 1 && row.axis[1].window == 1) {
                continue; /* refused: it would copy v */
            }
            if (!gpu_thorough(&device) && (a + 3 * b) % 4 != 0) {
                continue;
            }
            gpu_problem p = problem_of(&row, VATTEN_DTYPE_F32, 1, 1, 4);
            turn_layout(&p, a + b);
            name_axes(&p);
            gpu_check(&device, &p);
        }
    }
    gpu_assert_clean(&device);
}

static void test_three_axes(void **state) {
    (void)state;
    static const grid_row rows[] = {
        {3, {{4, 3, 1, 1, false}, {5, 3, 1, 1, false}, {6, 3, 1, 1, false}}},
        {3, {{4, 2, 2, 2, true}, {5, 4, 3, 1, false}, {7, 3, 2, 2, true}}},
        {3, {{1, 1, 1, 1, false}, {1, 1, 1, 1, true}, {13, 4, 1, 3, false}}},
        {3, {{3, 3, 3, 1, true}, {6, 3, 3, 2, true}, {6, 3, 3, 2, true}}},
        {3, {{7, 1, 1, 1, true}, {3, 3, 1, 1, false}, {5, 2, 2, 2, false}}},
        {3, {{5, 5, 1, 1, false}, {4, 4, 1, 1, false}, {3, 3, 1, 1, false}}},
        {3, {{9, 3, 2, 3, false}, {4, 2, 1, 1, true}, {4, 4, 4, 1, false}}},
        {3, {{8, 4, 4, 2, false}, {8, 4, 4, 2, false}, {4, 2, 2, 2, false}}},
        {3, {{2, 2, 1, 1, true}, {17, 6, 5, 2, true}, {3, 1, 1, 1, false}}},
        {3, {{11, 4, 3, 2, true}, {2, 1, 1, 2, false}, {5, 5, 5, 1, true}}},
    };
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        gpu_problem p = problem_of(&rows[n], dtypes[n % 3], 2, 1, 8);
        p.small_tiles = n != 0 && !gpu_thorough(&device);
        name_axes(&p);
        gpu_check_layouts(&device, &p);
    }
    gpu_assert_clean(&device);
}

/* 3. extents around powers of two, where boxes of queries and of keys end, and primes; few rules, many
 * extents */
static void check_extents(uint64_t x, uint64_t y, unsigned turn) {
    static const vatten_axis rules[] = {{0, 5, 1, 1, false}, {0, 4, 3, 1, true}, {0, 3, 1, 2, false}};
    vatten_axis rule = rules[turn % 3];
    grid_row line = {1, {rule}}, plane = {2, {rules[0], rules[0]}};
    line.axis[0].extent = x;
    plane.axis[0].extent = x < 64 ? x : x - 56;
    plane.axis[1].extent = y;
    gpu_problem p = problem_of(&line, VATTEN_DTYPE_F32, 2, 2, 8);
    p.small_tiles = x < 60 && !gpu_thorough(&device); /* the table's tiles have about 64 rows */
    name_axes(&p);
    gpu_check_layouts(&device, &p);
    p = problem_of(&plane, VATTEN_DTYPE_F16, 1, 1, 8);
    p.small_tiles = x != 61 && !gpu_thorough(&device);
    p.rows = 200;
    name_axes(&p);
    gpu_check_layouts(&device, &p);
}

static void test_extents_at_tile_edges(void **state) {
    (void)state;
    static const uint64_t extents[] = {6,  7,  8,  9,  11, 15, 16, 17,  23,  31,  32,
                                       33, 61, 63, 64, 65, 67, 97, 127, 128, 129, 131};
    for (unsigned n = 0; n < COUNT(extents); ++n) {
        check_extents(extents[n], extents[(n * 5 + 3) % 12], n);
    }
    /* axes shorter than any tile */
    for (uint64_t x = 1; x <= 3; ++x) {
        grid_row row = {2, {{x, (uint32_t)x, 1, 1, x == 2}, {4 - x, (uint32_t)(4 - x), 1, 1, false}}};
        gpu_problem p = problem_of(&row, VATTEN_DTYPE_BF16, 1, 1, 8);
        p.small_tiles = true;
        name_axes(&p);
        gpu_check_layouts(&device, &p);
    }
    gpu_assert_clean(&device);
}

/* 4. windows much larger than a tile, so that interior tiles need no mask, and strides of whole tiles */
static void test_large_windows(void **state) {
    (void)state;
    static const grid_row rows[] = {
        {1, {{700, 301, 1, 1, false}}},
        {1, {{700, 256, 256, 1, true}}},
        {1, {{701, 130, 64, 5, false}}},
        {2, {{33, 24, 1, 1, false}, {33, 16, 1, 1, true}}},
        {2, {{40, 32, 16, 1, true}, {24, 24, 8, 1, false}}},
        {2, {{30, 10, 5, 3, false}, {34, 17, 4, 2, false}}},
        {3, {{8, 8, 4, 1, false}, {10, 7, 1, 1, true}, {12, 12, 6, 1, false}}},
        {3, {{6, 3, 3, 2, true}, {12, 12, 12, 1, false}, {13, 6, 6, 2, false}}},
    };
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        gpu_problem p = problem_of(&rows[n], dtypes[n % 3], 1, 1, 16);
        p.rows = 200;
        name_axes(&p);
        if (gpu_thorough(&device)) {
            gpu_check_layouts(&device, &p);
            continue;
        }
        gpu_set_layout(&device, &p, (vatten_layout)(VATTEN_LAYOUT_ROWS + n % 3), false);
        gpu_check(&device, &p);
        gpu_set_layout(&device, &p, (vatten_layout)(VATTEN_LAYOUT_ROWS + (n + 1) % 3), true);
        gpu_check(&device, &p);
        gpu_set_layout(&device, &p, VATTEN_LAYOUT_MATRIX, true);
        gpu_check(&device, &p);
        gpu_set_layout(&device, &p, VATTEN_LAYOUT_MATRIX2, true);
        gpu_check(&device, &p);
        gpu_set_layout(&device, &p, VATTEN_LAYOUT_MATRIX_WORKGROUP, true);
        gpu_check(&device, &p);
        gpu_set_layout(&device, &p, (vatten_layout)(VATTEN_LAYOUT_PACKED + n % 3), n % 2);
        gpu_check(&device, &p);
    }
    gpu_assert_clean(&device);
}

/* 5. extra keys: visible to all, with strides of their own, also beside a grid smaller than they are */
static void test_extra_keys(void **state) {
    (void)state;
    static const uint64_t lengths[] = {1, 5, 32, 33, 77, 300};
    for (unsigned n = 0; n < COUNT(lengths); ++n) {
        grid_row row = {1 + n % 3, {{9, 3, 1, 1, true}, {5, 4, 2, 1, false}, {3, 2, 1, 1, true}}};
        gpu_problem p = problem_of(&row, dtypes[n % 3], 4, 2, 16);
        p.small_tiles = n != 1 && !gpu_thorough(&device);
        p.hood.heads.batch = 2;
        p.hood.heads.value_dim = 24;
        p.hood.extra_len = lengths[n];
        gpu_name(&p, "extra %u rank %u", (unsigned)lengths[n], row.rank);
        gpu_check_layouts(&device, &p);
        if (n % 2) {
            /* one set for the whole batch, [h][t][d] with gaps */
            p.hood.extra_k = (vatten_strides){.batch = 0, .head = 21 * (int64_t)lengths[n], .token = 21};
            p.hood.extra_v = (vatten_strides){.batch = 0, .head = 27 * (int64_t)lengths[n], .token = 27};
            gpu_name(&p, "extra %u shared", (unsigned)lengths[n]);
            gpu_check_layouts(&device, &p);
        }
    }
    gpu_assert_clean(&device);
}

/* 6. windows that are cut or padded at the edges, and rolled grids; windows may be longer than the axis */
static void test_edges_and_rolls(void **state) {
    (void)state;
    static const vatten_edge shift = VATTEN_EDGE_SHIFT, crop = VATTEN_EDGE_CROP, zero = VATTEN_EDGE_ZERO;
    const grid_row rows[] = {
        {1, {{23, 7, 1, 1, false, crop, 0}}},
        {1, {{23, 6, 3, 2, false, zero, 0}}},
        {1, {{9, 40, 5, 1, false, zero, 0}}},
        {1, {{30, 8, 8, 1, false, crop, 3}}},
        {1, {{31, 7, 2, 3, true, zero, 5}}},
        {1, {{26, 5, 1, 1, false, shift, 25}}},
        {2, {{12, 5, 1, 1, false, zero, 0}, {11, 4, 2, 2, true, crop, 0}}},
        {2, {{16, 4, 4, 1, false, shift, 2}, {12, 4, 4, 1, false, shift, 2}}},
        {2, {{7, 9, 9, 1, false, zero, 1}, {13, 3, 1, 1, false, shift, 0}}},
        {2, {{10, 3, 1, 3, false, crop, 4}, {9, 3, 3, 1, true, zero, 0}}},
        {3, {{5, 3, 1, 1, false, zero, 0}, {6, 3, 2, 1, false, crop, 2}, {7, 5, 1, 1, true, zero, 3}}},
        {3, {{4, 2, 2, 1, false, shift, 1}, {6, 2, 2, 1, false, shift, 1}, {8, 2, 2, 1, false, shift, 1}}},
    };
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        gpu_problem p = problem_of(&rows[n], dtypes[n % 3], 2, 1, 16);
        p.small_tiles = n % 4 != 0 && !gpu_thorough(&device);
        p.hood.heads.batch = 1 + n % 2;
        p.hood.heads.write_lse = n % 3 != 0;
        p.hood.extra_len = n % 5 == 4 ? 19 : 0;
        gpu_name(&p, "edges %u", n);
        gpu_check_layouts(&device, &p);
        p.hood.heads.max_macs = 1; /* as many parts as there can be */
        gpu_name(&p, "edges %u in parts", n);
        gpu_check_layouts(&device, &p);
    }
    gpu_assert_clean(&device);
}

/* 7. heads with rules of their own: each gives the bits that it gives where all heads have its rule */
static void head_equals_its_rule(const gpu_problem *table, const gpu_trial *got, uint32_t head) {
    gpu_problem one = *table;
    gpu_trial want = {0};
    const uint32_t value_dim = 16;
    one.hood.head_axes = NULL;
    memcpy(one.hood.axis, table->hood.head_axes + (size_t)head * 3, sizeof one.hood.axis);
    gpu_name(&one, "rule of head %u", head);
    if (gpu_trial_begin(&device, &one, &want) != VATTEN_SUCCESS || !gpu_trial_run(&want) ||
        !gpu_trial_collect(&want)) {
        gpu_fail(&device, "%s: %s", one.name, device.message);
    } else {
        gpu_trial_compare(&want);
        for (uint64_t row = head; row < want.q_now * 4; row += 4) {
            if (memcmp(got->out + row * value_dim, want.out + row * value_dim, value_dim * sizeof(float)) !=
                0) {
                gpu_fail(&device, "%s: query %u differs from a plan of that rule alone", table->name,
                         (unsigned)(row / 4));
                break;
            }
        }
    }
    gpu_trial_end(&want);
}

static void test_heads_with_rules_of_their_own(void **state) {
    (void)state;
    static const vatten_axis axes[4][3] = {
        {{.extent = 13, .window = 5, .stride = 1, .dilation = 1},
         {.extent = 11, .window = 3, .stride = 1, .dilation = 2}},
        {{.extent = 13, .window = 5, .stride = 1, .dilation = 1},
         {.extent = 11, .window = 3, .stride = 1, .dilation = 2}},
        {{.extent = 13, .window = 4, .stride = 4, .dilation = 1, .edge = VATTEN_EDGE_ZERO},
         {.extent = 11, .window = 7, .stride = 2, .dilation = 1, .causal = true}},
        {{.extent = 13, .window = 13, .stride = 1, .dilation = 1},
         {.extent = 11, .window = 4, .stride = 4, .dilation = 1, .roll = 2}},
    };
    for (int layout = VATTEN_LAYOUT_ROWS; layout <= VATTEN_LAYOUT_SHARED; ++layout) {
        gpu_problem p = gpu_grid(VATTEN_DTYPE_F32, 2, (uint64_t[]){13, 11}, 4, 2, 16);
        gpu_trial got = {0};
        p.hood.head_axes = axes[0];
        p.hood.heads.tile.layout = (vatten_layout)layout;
        p.hood.heads.batch = 1;
        p.hood.extra_len = layout == VATTEN_LAYOUT_SUBGROUP ? 9 : 0;
        gpu_name(&p, "heads with rules of their own");
        if (!gpu_has_layout(&device, (vatten_layout)layout)) {
            continue;
        }
        if (gpu_trial_begin(&device, &p, &got) != VATTEN_SUCCESS || !gpu_trial_run(&got) ||
            !gpu_trial_collect(&got)) {
            gpu_fail(&device, "%s: %s", p.name, device.message);
        } else if (got.info.pipelines != 3u + (p.hood.extra_len != 0)) {
            gpu_fail(&device, "%s: %u pipelines", p.name, got.info.pipelines);
        } else {
            for (uint32_t head = 0; head < 4; ++head) {
                head_equals_its_rule(&p, &got, head);
            }
        }
        gpu_trial_end(&got);
    }
    gpu_assert_clean(&device);
}

/* 8. what all plans share */
static void test_heads_and_dims(void **state) {
    (void)state;
    static const struct {
        uint32_t heads, kv_heads, dim, value_dim;
        uint64_t batch;
        bool lse;
        float scale;
    } rows[] = {
        {9, 1, 16, 0, 1, true, 0.0f},    {6, 2, 32, 16, 2, true, 0.1f}, {5, 5, 64, 0, 3, false, 0.0f},
        {2, 1, 128, 112, 1, true, 0.0f}, {1, 1, 40, 0, 2, false, 0.5f}, {2, 2, 80, 96, 1, true, 0.0f},
        {1, 1, 3, 1, 2, true, 0.0f},     {1, 1, 256, 0, 1, true, 0.0f}, {1, 1, 320, 20, 1, true, 0.0f},
        {4, 2, 111, 0, 1, true, 0.0f},
    };
    static const grid_row grid = {2, {{6, 3, 1, 2, false}, {9, 4, 2, 1, true}}};
    bool all = gpu_thorough(&device);
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        for (int layout = gpu_first_layout(&device); layout < GPU_LAYOUTS;
             layout = gpu_next_layout(&device, layout)) {
            if (!all && layout == VATTEN_LAYOUT_ROWS + (int)n % 3) {
                continue;
            }
            gpu_problem p = problem_of(&grid, dtypes[(n + (unsigned)layout) % 3], rows[n].heads,
                                       rows[n].kv_heads, rows[n].dim);
            vatten_heads *h = &p.hood.heads;
            h->value_dim = rows[n].value_dim;
            h->batch = rows[n].batch;
            h->write_lse = rows[n].lse;
            h->scale = rows[n].scale;
            gpu_set_layout(&device, &p, (vatten_layout)layout, !all && n % 2 == 0);
            gpu_name(&p, "heads %u/%u dim %u/%u", rows[n].heads, rows[n].kv_heads, rows[n].dim,
                     rows[n].value_dim);
            if (gpu_scores_suit((vatten_layout)layout, &p)) {
                gpu_check(&device, &p);
            }
        }
    }
    gpu_assert_clean(&device);
}

static vatten_strides head_major(uint64_t tokens, uint64_t heads, int64_t row) {
    vatten_strides s = {.token = row, .head = row * (int64_t)tokens + 5};
    s.batch = s.head * (int64_t)heads + 9;
    return s;
}

static void test_strides(void **state) {
    (void)state;
    static const grid_row grid = {3, {{3, 3, 1, 1, false}, {6, 2, 2, 3, true}, {5, 3, 1, 1, false}}};
    for (unsigned t = 0; t < COUNT(dtypes); ++t) {
        gpu_problem p = problem_of(&grid, dtypes[t], 4, 2, 16);
        vatten_heads *h = &p.hood.heads;
        h->batch = 2;
        h->value_dim = 13;
        h->q = head_major(90, 4, 19);
        h->k = head_major(90, 2, 17);
        h->v = (vatten_strides){.batch = 90 * 26, .head = 0, .token = 26};
        h->out = head_major(90, 4, 15);
        gpu_name(&p, "strides");
        p.small_tiles = t != 0 && !gpu_thorough(&device);
        gpu_check_layouts(&device, &p);
    }
    gpu_assert_clean(&device);
}

/* Boxes that are asked for, so small that every tile has rows for them. */
static void test_boxes(void **state) {
    (void)state;
    static const grid_row rows[] = {
        {1, {{29, 5, 1, 2, false}}},
        {2, {{6, 3, 1, 2, false}, {9, 4, 2, 1, true}}},
        {3, {{4, 3, 1, 1, false}, {5, 3, 1, 1, true}, {6, 3, 2, 1, false}}},
    };
    static const uint32_t boxes[][3] = {{1, 1, 1}, {3, 1, 1}, {1, 3, 1}, {2, 1, 2}};
    for (unsigned n = 0; n < COUNT(rows) * COUNT(boxes); ++n) {
        gpu_problem p = problem_of(&rows[n / COUNT(boxes)], dtypes[n % 3], 2, 1, 8);
        gpu_set_layout(&device, &p, (vatten_layout)(VATTEN_LAYOUT_ROWS + n % 3), false);
        memcpy(p.hood.box, boxes[n % COUNT(boxes)], p.hood.rank * sizeof(uint32_t));
        gpu_name(&p, "rank %u, box %u,%u,%u", p.hood.rank, p.hood.box[0], p.hood.box[1], p.hood.box[2]);
        gpu_check(&device, &p);
    }
    gpu_assert_clean(&device);
}

/* The estimate speaks of the plan that would be made. */
static void test_estimates(void **state) {
    (void)state;
    static const grid_row rows[] = {
        {1, {{700, 50, 1, 1, false}}},
        {2, {{24, 7, 1, 1, false}, {40, 6, 3, 2, true}}},
        {3, {{6, 3, 1, 1, false}, {9, 5, 1, 1, false}, {10, 3, 3, 1, false}}},
    };
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        gpu_problem p = problem_of(&rows[n], VATTEN_DTYPE_F32, 1, 1, 16);
        vatten_estimate estimate;
        vatten_plan_info info;
        vatten_plan *plan = NULL;
        p.hood.extra_len = n;
        assert_int_equal(vatten_neighborhood_create(device.device, &p.hood, &plan), VATTEN_SUCCESS);
        vatten_plan_get_info(plan, &info);
        vatten_plan_destroy(plan);
        assert_int_equal(vatten_neighborhood_estimate(device.device, NULL, &p.hood, &estimate),
                         VATTEN_SUCCESS);
        assert_memory_equal(estimate.box, info.box, sizeof info.box);
        assert_true(estimate.visible_pairs == info.pairs);
        if (info.refused_tiles == 0) {
            assert_memory_equal(&estimate.tile, &info.tile, sizeof info.tile);
        }
        assert_true(info.dispatches > 2 ||
                    estimate.visited_pairs * 32 <= info.largest_macs * info.dispatches);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_rule_of_a_small_axis),
        cmocka_unit_test(test_mixed_axes),
        cmocka_unit_test(test_three_axes),
        cmocka_unit_test(test_extents_at_tile_edges),
        cmocka_unit_test(test_large_windows),
        cmocka_unit_test(test_extra_keys),
        cmocka_unit_test(test_edges_and_rolls),
        cmocka_unit_test(test_heads_with_rules_of_their_own),
        cmocka_unit_test(test_heads_and_dims),
        cmocka_unit_test(test_strides),
        cmocka_unit_test(test_boxes),
        cmocka_unit_test(test_estimates),
    };
    int opened = gpu_open(&device, "test_neighborhood", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
