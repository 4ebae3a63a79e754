/* SPDX-License-Identifier: MIT
 *
 * In which layouts a problem is run.
 */
#include "gpu_harness.h"

#include <math.h>

static bool softmax_of(const gpu_problem *problem) {
    if (problem->grid)
        return !problem->hood.weights;
    return problem->listed || problem->dense.normaliser == VATTEN_NORMALISER_SOFTMAX;
}

bool gpu_scores_suit(vatten_layout layout, const gpu_problem *problem) {
    const vatten_heads *h = gpu_heads_of(problem);
    return !gpu_is_packed(layout) || h->scale == 0.0f || fabs(h->scale) * sqrt(h->dim) <= 1.5;
}

/* Layouts with f16 in shared memory take keys of f16 only; PACKED softmax only, and scores as those of unit variance are. */
static bool suits_f16(vatten_layout layout, const gpu_problem *problem) {
    bool fits = !gpu_is_packed(layout) || (softmax_of(problem) && problem->lse_tolerance == 0.0);
    return fits && gpu_heads_of(problem)->kv_dtype != VATTEN_DTYPE_I8 && problem->tolerance == 0.0;
}

/* Whether it is the layout's turn: each problem meets one of them on software devices. */
static bool f16_turn(gpu *g, vatten_layout layout) {
    static const vatten_layout turns[] = {VATTEN_LAYOUT_PACKED, VATTEN_LAYOUT_PACKED_SHARED,
                                          VATTEN_LAYOUT_HALF};
    if (gpu_thorough(g)) {
        return true;
    }
    g->f16_turns += layout == VATTEN_LAYOUT_PACKED;
    return turns[g->f16_turns % 3] == layout;
}

/* The problem in `layout`; false where that is not for it. */
static bool lay_out(gpu *g, const gpu_problem *problem, vatten_layout layout, gpu_problem *out) {
    *out = *problem;
    gpu_set_layout(g, out, layout, problem->small_tiles);
    bool same_dtype = gpu_heads_of(out)->dtype == gpu_heads_of(problem)->dtype;
    return gpu_layout_of(out) == layout && (problem->tolerance == 0.0 || same_dtype) &&
           (!gpu_stages_f16(layout) || suits_f16(layout, problem));
}

static bool is_brief(const gpu *g) {
    return g->brief && g->only == VATTEN_LAYOUT_AUTO;
}

/* Whose turn it is of `count`: the next one's, and from another on with each round, or what comes every third time would meet
 * the same ones always. */
static unsigned turn_of(unsigned *turns, unsigned count) {
    unsigned turn = (*turns)++;
    return (turn + turn / count) % count;
}

/* In one layout only, of those that the device has. */
static bool check_brief(gpu *g, const gpu_problem *problem) {
    gpu_problem copy, candidates[GPU_ALL_LAYOUTS];
    unsigned count = 0;
    for (int layout = VATTEN_LAYOUT_ROWS; layout < GPU_ALL_LAYOUTS; ++layout) {
        if (gpu_has_layout(g, (vatten_layout)layout) && gpu_scores_suit((vatten_layout)layout, problem) &&
            lay_out(g, problem, (vatten_layout)layout, &copy)) {
            candidates[count++] = copy;
        }
    }
    return count == 0 || gpu_check(g, &candidates[turn_of(&g->brief_problems, count)]);
}

unsigned gpu_first_of(gpu *g, unsigned count) {
    assert_in_range(count, 1, GPU_MOST_TURNS - 1);
    g->brief_loops += is_brief(g);
    return is_brief(g) ? turn_of(&g->brief_turns[count], count) : 0;
}

unsigned gpu_next_of(const gpu *g, unsigned n, unsigned count) {
    return is_brief(g) ? count : n + 1;
}

int gpu_first_layout(gpu *g) {
    int layouts[GPU_LAYOUTS];
    unsigned count = 0;
    for (int layout = VATTEN_LAYOUT_ROWS; layout < GPU_LAYOUTS; ++layout) {
        if (!is_brief(g) || gpu_has_layout(g, (vatten_layout)layout)) {
            layouts[count++] = layout;
        }
    }
    return layouts[gpu_first_of(g, count)]; /* every device has SHARED */
}

int gpu_next_layout(const gpu *g, int layout) {
    return (int)gpu_next_of(g, (unsigned)layout, GPU_LAYOUTS);
}

bool gpu_check_layouts(gpu *g, const gpu_problem *problem) {
    if (is_brief(g)) {
        return check_brief(g, problem);
    }
    bool good = true;
    for (int layout = VATTEN_LAYOUT_ROWS; layout < GPU_ALL_LAYOUTS; ++layout) {
        gpu_problem copy;
        if (lay_out(g, problem, (vatten_layout)layout, &copy) &&
            (!gpu_stages_f16((vatten_layout)layout) || f16_turn(g, (vatten_layout)layout)) &&
            gpu_scores_suit((vatten_layout)layout, problem)) {
            good = gpu_check(g, &copy) && good;
        }
    }
    return good;
}

/* Layouts with matrices take softmax over keys of 16 bits only. */
static bool suits_matrices(const gpu_problem *problem) {
    return softmax_of(problem) && gpu_heads_of(problem)->kv_dtype != VATTEN_DTYPE_I8 &&
           problem->tolerance == 0.0;
}

/* Beside other layouts, since few devices have them. */
static bool check_matrix(gpu *g, const gpu_problem *problem, unsigned turn) {
    gpu_problem copy = *problem;
    static const vatten_layout turns[2] = {VATTEN_LAYOUT_MATRIX2, VATTEN_LAYOUT_MATRIX};
    bool workgroup = gpu_has_layout(g, VATTEN_LAYOUT_MATRIX_WORKGROUP);
    vatten_layout layout = workgroup ? VATTEN_LAYOUT_MATRIX_WORKGROUP : turns[turn % 2];
    if (!gpu_has_layout(g, layout) || !suits_matrices(problem)) {
        return true;
    }
    gpu_set_layout(g, &copy, layout, problem->small_tiles);
    return gpu_check(g, &copy);
}

/* Likewise, one of the layouts with f16 in shared memory. */
static bool check_f16(gpu *g, const gpu_problem *problem, unsigned turn) {
    gpu_problem copy = *problem;
    vatten_layout layout = (vatten_layout)(VATTEN_LAYOUT_PACKED + turn % 3);
    if (!gpu_has_layout(g, layout) || !suits_f16(layout, problem) || !gpu_scores_suit(layout, problem)) {
        return true;
    }
    gpu_set_layout(g, &copy, layout, problem->small_tiles);
    return gpu_check(g, &copy);
}

static bool check_dot(gpu *g, const gpu_problem *problem) {
    gpu_problem copy = *problem;
    if (!gpu_has_layout(g, VATTEN_LAYOUT_DOT) || !gpu_takes_dots(problem)) {
        return true;
    }
    gpu_set_layout(g, &copy, VATTEN_LAYOUT_DOT, problem->small_tiles);
    return gpu_check(g, &copy);
}

bool gpu_check_turn(gpu *g, const gpu_problem *problem, unsigned turn) {
    gpu_problem copy = *problem;
    if (is_brief(g)) {
        return check_brief(g, problem);
    }
    if (gpu_thorough(g) || g->only) {
        return gpu_check_layouts(g, problem);
    }
    static const vatten_layout turns[5] = {VATTEN_LAYOUT_ROWS, VATTEN_LAYOUT_SUBGROUP, VATTEN_LAYOUT_SHARED,
                                           VATTEN_LAYOUT_STREAM, VATTEN_LAYOUT_ADDRESS};
    unsigned count = gpu_has_layout(g, VATTEN_LAYOUT_ADDRESS) ? 5 : 4;
    gpu_set_layout(g, &copy, turns[turn % count], problem->small_tiles);
    bool good = gpu_check(g, &copy);
    good = check_f16(g, problem, turn) && good;
    good = check_dot(g, problem) && good;
    return check_matrix(g, problem, turn) && good;
}
