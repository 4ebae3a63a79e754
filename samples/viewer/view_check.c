/* SPDX-License-Identifier: MIT */
#include "view_check.h"

#include <math.h>
#include <stdlib.h>

#include "ref.h"

/* Pixels of the picture that are compared: enough to meet borders and all phases of strides, some seconds of plain loops. */
#define MAX_PAIRS  4000000u
#define MAX_PIXELS 1000u

/* As in denoise --check a quarter of a level, and half a level by which the picture is rounded. */
#define LEVELS_ALLOWED 0.75

/* f32 sums of a patch's dims round off some parts of 2^24 of its squares. */
static double score_rounding(const nlm_settings *s) {
    double largest = 255.0 / nlm_h(s);
    return 4.0 / 16777216.0 * largest * largest;
}

static ref_grid_rule grid_of(const view_problem *p) {
    ref_grid_rule rule = {.rank = 2};
    for (int a = 0; a < 2; a++) {
        rule.axis[a] = (ref_axis_rule){.extent = p->extent[a],
                                       .window = p->window[a],
                                       .stride = p->stride[a],
                                       .dilation = p->dilation[a]};
    }
    return rule;
}

static uint32_t block_of(const view_problem *p, size_t token) {
    uint32_t across = (p->extent[1] + p->block[1] - 1) / p->block[1];
    uint32_t y = (uint32_t)(token / p->extent[1]), x = (uint32_t)(token % p->extent[1]);
    return y / p->block[0] * across + x / p->block[1];
}

static bool is_chosen(const view_row *row, uint32_t block) {
    bool found = false;
    for (uint32_t i = 0; i < row->block_count; i++) {
        found = found || row->blocks[i] == block;
    }
    return found;
}

static bool sees(const view_result *r, const ref_grid_rule *grid, size_t query, size_t key) {
    switch (r->problem.pattern) {
    case VIEW_DENSE:
        return true;
    case VIEW_BLOCKS:
        return is_chosen(&r->row, block_of(&r->problem, key));
    default:
        return ref_grid_visible(grid, query, key);
    }
}

/* -d / h^2 of two tokens. */
static double score(const view_result *r, size_t query, size_t key) {
    uint32_t width = r->problem.extent[1];
    uint32_t a[2] = {(uint32_t)(query / width), (uint32_t)(query % width)};
    uint32_t b[2] = {(uint32_t)(key / width), (uint32_t)(key % width)};
    double h = nlm_h(&r->settings);
    return -nlm_distance(&r->noisy.frame[0], r->problem.patch, a, b) / (h * h);
}

static size_t own_token(const view_result *r) {
    return (size_t)r->row.y * r->problem.extent[1] + r->row.x;
}

static void check_weights(view_check *check, const view_result *r, const ref_grid_rule *grid) {
    size_t own = own_token(r), tokens = (size_t)view_tokens(&r->problem);
    double sum = 0.0;
    for (size_t j = 0; j < tokens; j++) {
        bool seen = sees(r, grid, own, j);
        check->wrong_keys += seen != (r->row.seen[j] != 0);
        sum += seen ? exp(score(r, own, j)) : 0.0;
    }
    for (size_t j = 0; j < tokens; j++) {
        if (sees(r, grid, own, j)) {
            double difference = fabs(exp(score(r, own, j)) / sum - (double)r->row.weights[j]);
            check->weight_diff =
                difference <= check->weight_diff ? check->weight_diff : difference; /* NaN stays */
        }
    }
}

/* The own block is always in. Of the others the best must be. */
static bool check_blocks(view_check *check, const view_result *r) {
    uint32_t blocks = view_block_count(&r->problem);
    double *sum = calloc(2 * (size_t)blocks, sizeof(double)), *count = sum ? sum + blocks : NULL;
    double worst = INFINITY, best = -INFINITY;
    if (!sum) {
        return false;
    }
    for (size_t j = 0; j < view_tokens(&r->problem); j++) {
        uint32_t block = block_of(&r->problem, j);
        sum[block] += score(r, own_token(r), j);
        count[block] += 1.0;
    }
    uint32_t own = block_of(&r->problem, own_token(r));
    for (uint32_t b = 0; b < blocks; b++) {
        double mean = sum[b] / count[b];
        bool chosen = is_chosen(&r->row, b);
        worst = chosen && b != own ? fmin(worst, mean) : worst;
        best = chosen ? best : fmax(best, mean);
    }
    free(sum);
    check->block_doubt = worst < best ? best - worst : 0.0;
    check->wrong_keys += !is_chosen(&r->row, own) || r->row.block_count != r->problem.top;
    return true;
}

static void check_pixel(view_check *check, const view_result *r, const ref_grid_rule *grid, size_t query) {
    double total = 0.0, sum[3] = {0}, own_weight = nlm_self_weight(&r->settings);
    for (size_t j = 0; j < view_tokens(&r->problem); j++) {
        if (sees(r, grid, query, j)) {
            double weight = j == query ? own_weight : exp(score(r, query, j));
            total += weight;
            for (size_t c = 0; c < 3; c++) {
                sum[c] += weight * r->noisy.frame[0].rgb[j * 3 + c];
            }
        }
    }
    for (size_t c = 0; c < 3; c++) {
        double difference = fabs(sum[c] / total - r->denoised.frame[0].rgb[query * 3 + c]);
        check->level_diff = difference <= check->level_diff ? check->level_diff : difference;
    }
    check->pixels++;
}

/* Lists are known of the pixel alone. */
static void check_picture(view_check *check, const view_result *r, const ref_grid_rule *grid) {
    size_t tokens = (size_t)view_tokens(&r->problem);
    if (r->problem.pattern == VIEW_BLOCKS) {
        if (r->row.known) {
            check_pixel(check, r, grid, own_token(r));
        }
        return;
    }
    size_t most = MAX_PAIRS / tokens < MAX_PIXELS ? MAX_PAIRS / tokens + 1 : MAX_PIXELS;
    size_t step = tokens / most + 1;
    while (step > 1 && (r->problem.extent[1] % step == 0 || tokens % step == 0)) {
        step++; /* or some columns would never be looked at */
    }
    for (size_t query = 0; query < tokens; query += step) {
        check_pixel(check, r, grid, query);
    }
}

view_check view_check_result(const view_result *r) {
    view_check check = {.row = r->row.known, .level_allowed = LEVELS_ALLOWED};
    ref_grid_rule grid = grid_of(&r->problem);
    bool whole = true;
    check.weight_allowed = 2e-5 + score_rounding(&r->settings);
    check.block_allowed = 2e-5 + 2.0 * score_rounding(&r->settings);
    if (r->row.known) {
        check_weights(&check, r, &grid);
        whole = r->problem.pattern != VIEW_BLOCKS || check_blocks(&check, r);
    }
    check_picture(&check, r, &grid);
    check.passed = whole && check.wrong_keys == 0 && check.block_doubt <= check.block_allowed &&
                   check.weight_diff <= check.weight_allowed && check.level_diff <= check.level_allowed;
    return check;
}
