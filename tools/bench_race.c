/* SPDX-License-Identifier: MIT */
#include "bench_race.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_rig.h"
#include "say.h"
#include "tune_sweep.h"

enum { MOST_BOXES = 64, MOST_RUNNERS = MOST_BOXES + 2 };

typedef struct runner {
    bench_rig rig;
    bench_row *row;
    double *gpu_ms, *record_us; /* of all runs */
    double *round_ms;           /* the mean of each round */
    uint32_t turns;             /* runs in a round */
    uint32_t runs;
} runner;

typedef struct race {
    vatten_context *context;
    const bench_vk *vk;
    const bench_settings *settings;
    runner *runners; /* the line itself comes first */
    size_t count;
    uint32_t rounds;
} race;

/* A runner that is not right does not run; the line itself says so. */
static bool enter(race *r, const bench_problem *problem, bench_row *row) {
    runner *run = &r->runners[r->count++];
    const size_t repeat = r->settings->measure.repeat;
    run->row = row;
    run->gpu_ms = calloc(repeat * STATS_MOST_TURNS, sizeof *run->gpu_ms);
    run->record_us = calloc(repeat * STATS_MOST_TURNS, sizeof *run->record_us);
    run->round_ms = calloc(repeat, sizeof *run->round_ms);
    if (run->gpu_ms == NULL || run->record_us == NULL || run->round_ms == NULL)
        return bench_row_refuse(row, "timing", VATTEN_ERROR_OUT_OF_HOST_MEMORY);
    return bench_rig_make(r->context, r->vk, problem, r->settings->measure.rows, &run->rig, row);
}

/* ---- Rivals ---- */

/* Dense attention without a mask, which is what the bound of the estimate is a bound on, in the tile that the table has
 * for it. */
static bench_problem dense_rival(const bench_problem *problem) {
    bench_problem dense = *problem;
    if (problem->id == FAMILY_NEIGHBORHOOD) {
        uint64_t tokens = family_tokens(problem->id, &problem->shape);
        dense.id = FAMILY_ATTENTION;
        dense.shape.q_len = tokens;
        dense.shape.kv_len = tokens + problem->shape.extra_len;
        dense.shape.extra_len = 0;
        dense.options.tile.count = 0;
    }
    dense.causal = false;
    dense.options.dense_causal = FAMILY_CAUSAL_NONE;
    dense.options.dense_window.count = 0;
    dense.options.prefix = 0;
    snprintf(dense.name, sizeof dense.name, "dense");
    return dense;
}

static bool has_mask(const bench_problem *problem) {
    return problem->id == FAMILY_NEIGHBORHOOD || problem->causal || problem->options.dense_window.count != 0;
}

static bool enter_dense(race *r, const bench_problem *problem, bench_row *dense) {
    const bench_problem rival = dense_rival(problem);
    if (enter(r, &rival, dense))
        return true;
    bench_row *row = r->runners[0].row;
    row->status = dense->status;
    snprintf(row->reason, sizeof row->reason, "dense rival: %.240s", dense->reason);
    return false;
}

static void set_box(const vatten_estimate *estimate, uint32_t rank, bench_problem *problem) {
    problem->options.box.count = rank;
    for (uint32_t a = 0; a < rank; ++a)
        problem->options.box.value[a] = estimate->box[a];
}

static bool list_boxes(const race *r, const bench_problem *problem, tune_table *out_table) {
    family_problem desc;
    const vatten_logger quiet = say_quiet_logger();
    return family_make_problem(problem->id, &problem->options, &problem->shape, &desc) &&
           tune_sweep(r->runners[0].rig.device, &quiet, &desc.neighborhood, true, out_table);
}

static bool enter_boxes(race *r, const bench_problem *problem, bench_row *row) {
    tune_table table;
    row->boxes = calloc(r->settings->boxes, sizeof *row->boxes);
    if (row->boxes == NULL)
        return bench_row_refuse(row, "boxes", VATTEN_ERROR_OUT_OF_HOST_MEMORY);
    if (!list_boxes(r, problem, &table))
        return bench_row_refuse(row, "boxes", VATTEN_ERROR_INVALID_ARGUMENT);
    for (size_t i = 0; i < table.count && row->box_count < r->settings->boxes; ++i) {
        bench_problem other = *problem;
        if (table.rows[i].chosen)
            continue;
        set_box(&table.rows[i].estimate, problem->shape.rank, &other);
        bench_row *box = &row->boxes[row->box_count++];
        if (enter(r, &other, box))
            continue;
        say_note("%s: a box is left out: %s", problem->name, box->reason);
    }
    tune_table_free(&table);
    return true;
}

/* ---- Rounds ---- */

static bool run_once(runner *run, double *gpu_ms, double *record_us) {
    return run->row->status != BENCH_RIGHT || bench_rig_run(&run->rig, run->row, gpu_ms, record_us);
}

static bool warm_up(race *r) {
    double slowest = 0.0, ms[MOST_RUNNERS] = {0.0}, record_us;
    for (size_t i = 0; i < r->count; ++i) {
        for (uint32_t n = 0; n < r->settings->measure.warmup + (r->count > 1 ? 1 : 0); ++n)
            if (!run_once(&r->runners[i], &ms[i], &record_us))
                return false;
        slowest = ms[i] > slowest ? ms[i] : slowest;
    }
    for (size_t i = 0; i < r->count; ++i)
        r->runners[i].turns = stats_turns(ms[i], slowest);
    return true;
}

/* Another one begins each time: what ran before matters to the first. */
static bool run_round(race *r, uint32_t round) {
    for (size_t i = 0; i < r->count; ++i) {
        runner *run = &r->runners[(round + i) % r->count];
        double sum = 0.0;
        for (uint32_t n = 0; n < run->turns; ++n, ++run->runs) {
            if (!run_once(run, &run->gpu_ms[run->runs], &run->record_us[run->runs]))
                return false;
            sum += run->gpu_ms[run->runs];
        }
        run->round_ms[round] = sum / run->turns;
    }
    return true;
}

static bool run_rounds(race *r) {
    double start = stats_now_ms();
    for (r->rounds = 0; r->rounds < r->settings->measure.repeat; ++r->rounds) {
        if (r->rounds >= 3 && stats_now_ms() - start > 1e3 * r->settings->measure.seconds)
            break;
        if (!run_round(r, r->rounds))
            return false;
    }
    return true;
}

/* By a bound where there is one, else by the time that is left. */
static void note_dense(const bench_problem *problem, bench_row *row, double by) {
    if (problem->id == FAMILY_NEIGHBORHOOD)
        row->speedup = by;
    else
        row->ratio = by > 0.0 ? 1.0 / by : 0.0;
}

static void note_results(race *r, const bench_problem *problem, bench_row *dense) {
    runner *line = &r->runners[0];
    line->row->behind = line->row->box_count != 0 ? 1.0 : 0.0;
    for (size_t i = 0; i < r->count; ++i) {
        runner *run = &r->runners[i];
        run->row->runs = run->runs;
        run->row->gpu_ms = stats_summarize(run->gpu_ms, run->runs);
        run->row->record_us = stats_summarize(run->record_us, run->runs);
        if (run == line || run->row->status != BENCH_RIGHT)
            continue;
        double by = stats_ratio(run->round_ms, line->round_ms, r->rounds);
        if (run->row == dense)
            note_dense(problem, line->row, by);
        run->row->behind = by;
        if (run->row != dense && by > 0.0 && 1.0 / by > line->row->behind)
            line->row->behind = 1.0 / by;
    }
    line->row->dense_ms = dense->gpu_ms;
}

static void leave(race *r) {
    for (size_t i = 0; i < r->count; ++i) {
        runner *run = &r->runners[i];
        if (run->rig.vk != NULL)
            bench_rig_destroy(&run->rig);
        free(run->gpu_ms);
        free(run->record_us);
        free(run->round_ms);
    }
    free(r->runners);
}

void bench_race(vatten_context *context, const bench_vk *vk, const bench_settings *settings,
                const bench_problem *problem, bench_row *out_row) {
    bench_row dense;
    race r = {.context = context, .vk = vk, .settings = settings};
    bool grid = problem->id == FAMILY_NEIGHBORHOOD;
    memset(&dense, 0, sizeof dense);
    memset(out_row, 0, sizeof *out_row);
    r.runners = calloc(MOST_RUNNERS, sizeof *r.runners);
    if (r.runners == NULL) {
        bench_row_refuse(out_row, "timing", VATTEN_ERROR_OUT_OF_HOST_MEMORY);
        return;
    }
    if (enter(&r, problem, out_row) &&
        (!settings->dense || !has_mask(problem) || enter_dense(&r, problem, &dense)) &&
        (!grid || settings->boxes == 0 || enter_boxes(&r, problem, out_row)) && warm_up(&r) && run_rounds(&r))
        note_results(&r, problem, &dense);
    leave(&r);
}
