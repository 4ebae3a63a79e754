/* SPDX-License-Identifier: MIT
 *
 * The same bits, however a plan comes to be run: by another recorder, by sets instead of push descriptors, from another thread,
 * in parts, and cut into more dispatches while tile and splits stay. docs/semantics.md says for which families.
 */
#include "gpu_harness.h"
#include "list_words.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static gpu device;
static gpu with_sets; /* the same without push descriptors */

static bool record_part(gpu_trial *trial, vatten_recorder *recorder, uint32_t part, uint32_t parts) {
    VkCommandBuffer cmd;
    return vatten_context_begin(trial->owner->context, &cmd) == VATTEN_SUCCESS &&
           vatten_record_part(recorder, cmd, trial->plan, &trial->args, part, parts) == VATTEN_SUCCESS &&
           vatten_context_end(trial->owner->context, NULL) == VATTEN_SUCCESS;
}

/* By a recorder of its own. */
static bool run_parts(gpu_trial *trial, uint32_t parts) {
    vatten_recorder *recorder = NULL;
    bool good = vatten_recorder_create(trial->owner->device, NULL, &recorder) == VATTEN_SUCCESS &&
                gpu_trial_rewind(trial);
    for (uint32_t part = 0; part < parts && good; ++part)
        good = record_part(trial, recorder, part, parts);
    vatten_recorder_destroy(recorder);
    return good;
}

static void *run_whole(void *trial) {
    return run_parts(trial, 1) ? trial : NULL;
}

static bool run_in_thread(gpu_trial *trial) {
    pthread_t thread;
    void *good = NULL;
    return pthread_create(&thread, NULL, run_whole, trial) == 0 && pthread_join(thread, &good) == 0 && good;
}

static void hold(gpu_trial *trial, const gpu_bits *bits, bool ran, const char *what) {
    trial->owner->cases++;
    if (!ran)
        gpu_fail(trial->owner, "%s: %s did not run: %s", trial->problem->name, what, trial->owner->message);
    else
        gpu_bits_same(trial, bits, what);
}

/* Another plan of the same problem. */
static void hold_plan(gpu *g, const gpu_problem *problem, const gpu_bits *bits, const char *what,
                      uint32_t *dispatches) {
    gpu_trial trial;
    bool ran = gpu_trial_begin(g, problem, &trial) == VATTEN_SUCCESS && run_parts(&trial, 1);
    *dispatches = trial.plan ? trial.info.dispatches : 0;
    hold(&trial, bits, ran, what);
    gpu_trial_end(&trial);
}

/* What the plan chose by itself stays. */
static gpu_problem pinned(const gpu_trial *trial) {
    gpu_problem p = *trial->problem;
    gpu_heads(&p)->tile = trial->info.tile;
    if (!p.grid && !p.listed)
        p.dense.splits = trial->info.splits;
    return p;
}

static void check_cuts(gpu_trial *trial, const gpu_bits *bits) {
    gpu_problem p = pinned(trial);
    uint32_t dispatches = 0;
    for (uint64_t n = 2; n <= 64; n *= n == 2 ? 4 : 8) {
        char what[64];
        gpu_heads(&p)->max_macs = trial->info.largest_macs / n;
        snprintf(what, sizeof what, "a plan with max_macs / %u", (unsigned)n);
        hold_plan(trial->owner, &p, bits, what, &dispatches);
    }
    if (dispatches <= trial->info.dispatches)
        gpu_fail(trial->owner, "%s: max_macs / 64 cuts nothing", p.name);
}

static void check_ways(gpu *g, const gpu_problem *problem, bool cuts) {
    gpu_trial trial;
    gpu_bits bits = {{NULL}};
    uint32_t dispatches;
    if (!gpu_has_dtype(g, gpu_heads_of(problem)->dtype))
        return;
    if (gpu_trial_begin(g, problem, &trial) != VATTEN_SUCCESS || !gpu_trial_run(&trial) ||
        !gpu_bits_take(&trial, &bits)) {
        gpu_fail(g, "%s did not run: %s", problem->name, g->message);
    } else {
        gpu_problem p = pinned(&trial);
        hold(&trial, &bits, run_parts(&trial, 1), "another recorder");
        hold(&trial, &bits, run_in_thread(&trial), "another thread");
        hold(&trial, &bits, run_parts(&trial, 2), "two parts");
        hold(&trial, &bits, run_parts(&trial, trial.info.dispatches), "parts of a dispatch");
        hold_plan(&with_sets, &p, &bits, "a device without push descriptors", &dispatches);
        if (cuts)
            check_cuts(&trial, &bits);
    }
    gpu_bits_free(&bits);
    gpu_trial_end(&trial);
    gpu_check_validation(g, problem->name);
}

static const vatten_layout layouts[] = {VATTEN_LAYOUT_ROWS, VATTEN_LAYOUT_SUBGROUP, VATTEN_LAYOUT_SHARED,
                                        VATTEN_LAYOUT_STREAM};

/* By all layouts; `cuts`: cut into more dispatches, too. */
static void check_layouts(gpu_problem *p, const char *name, bool cuts) {
    for (unsigned n = 0; n < COUNT(layouts); ++n) {
        gpu_set_layout(&device, p, layouts[n], true);
        if (gpu_layout_of(p) != layouts[n] || !gpu_has_layout(&device, layouts[n]))
            continue;
        gpu_name(p, "%s, %s", name, gpu_layout_name(layouts[n]));
        check_ways(&device, p, cuts);
    }
}

static void test_dense(void **state) {
    (void)state;
    gpu_problem p = gpu_dense(VATTEN_DTYPE_F32, 70, 150, 2, 1, 16);
    p.dense.causal = true;
    check_layouts(&p, "dense", true);
    p = gpu_dense(VATTEN_DTYPE_F16, 40, 300, 4, 2, 16);
    p.dense.masks = VATTEN_MASK_INTERVALS;
    p.dense.splits = 1;
    check_layouts(&p, "rules", true);
    p.dense.splits = 3; /* shares are those of a dispatch's keys */
    check_layouts(&p, "rules, 3 shares", false);
    gpu_assert_clean(&device);
}

static void test_grids(void **state) {
    (void)state;
    const uint64_t extents[] = {6, 9, 8};
    gpu_problem p = gpu_grid(VATTEN_DTYPE_F32, 3, extents, 2, 1, 16);
    check_layouts(&p, "grid", false); /* key tiles begin anew where planes are cut */
    gpu_assert_clean(&device);
}

/* Block b of n for each row, or keys in steps. */
static void fill_words(const gpu_problem *p, uint32_t *words) {
    uint64_t row = vatten_lists_words(&p->lists), lists = 2 * gpu_list_rows(&p->lists);
    for (uint64_t n = 0; n < lists; ++n)
        for (uint64_t w = 0; w < row; ++w)
            words[n * row + w] =
                (uint32_t)(p->lists.kind == VATTEN_LIST_KEYS ? (w * 17 + n) % 150 : w + n % 2);
}

static void test_lists(void **state) {
    (void)state;
    static uint32_t words[4096];
    static const struct {
        vatten_list_kind kind;
        uint32_t q_block, kv_block, entries;
    } rows[] = {
        {VATTEN_LIST_BLOCKS, 16, 16, 8}, {VATTEN_LIST_BLOCKS, 24, 13, 9}, {VATTEN_LIST_KEYS, 8, 0, 60}};
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        gpu_problem p = {.seed = n + 1, .listed = true, .words = words};
        p.lists.heads = gpu_dense(VATTEN_DTYPE_F32, 1, 1, 2, 1, 16).dense.heads;
        p.lists.q_len = 70;
        p.lists.kv_len = 150;
        p.lists.kind = rows[n].kind; /* a block that is not whole tiles is cut inside of one */
        p.lists.q_block = rows[n].q_block;
        p.lists.kv_block = rows[n].kv_block;
        p.lists.entries = rows[n].entries;
        fill_words(&p, words);
        check_layouts(&p, n == 0 ? "blocks" : n == 1 ? "blocks of 13" : "keys", n != 1);
    }
    gpu_assert_clean(&device);
}

/* What begins tiles anew where it is cut. */
static void test_ranges_and_boxes(void **state) {
    (void)state;
    static uint32_t words[4096];
    gpu_problem p = {.seed = 9, .listed = true};
    p.lists.heads = gpu_dense(VATTEN_DTYPE_F32, 1, 1, 2, 1, 16).dense.heads;
    p.lists.kind = VATTEN_LIST_RANGES;
    p.lists.q_len = 70;
    p.lists.kv_len = 150;
    p.lists.rows = 5;
    p.lists.q_block = 40;
    p.lists.entries = 4;
    uint32_t *ranges = list_words_ranges(&p);
    p.words = ranges;
    check_layouts(&p, "ranges", false);
    free(ranges);
    p.lists.kind = VATTEN_LIST_BLOCKS;
    p.lists.rows = 0;
    p.lists.q_block = 0;
    p.lists.q_len = p.lists.kv_len = 120;
    p.lists.entries = 9;
    p.lists.boxes = (vatten_boxes){.rank = 2, .extent = {10, 12}, .q_box = {4, 4}, .kv_box = {4, 4}};
    p.words = words;
    fill_words(&p, words);
    check_layouts(&p, "boxes", false);
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dense),
        cmocka_unit_test(test_grids),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_ranges_and_boxes),
    };
    const vatten_context_desc without = {.without = VATTEN_FEATURE_PUSH_DESCRIPTOR};
    int opened = gpu_open(&device, "test_same_bits", NULL);
    if (opened)
        return opened;
    opened = gpu_open(&with_sets, "test_same_bits with sets", &without);
    int failed = opened ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
    return gpu_close(&with_sets, 0) + gpu_close(&device, failed);
}
