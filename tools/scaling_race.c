/* SPDX-License-Identifier: MIT */
#include "scaling_race.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"

/* Short lines run so often in a round that they last about as long as the longest: a scheduler that gives a short burst all it
 * has and a long run its share would bend the curve. */
enum { MOST_TURNS = 64 };

typedef struct runner {
    scaling_rig rig;
    double tokens;
    double *ms, *cpu_ms;             /* of all runs */
    double *round_ms, *round_cpu_ms; /* the mean of each round */
    uint32_t turns, runs;
} runner;

typedef struct race {
    const bench_measure *measure;
    const scaling_case *cases;
    scaling_row *rows;
    runner runners[SCALING_MOST_LINES];
    size_t count;
    uint32_t rounds;
    bool cpu; /* the device is this machine's CPU */
} race;

static bool right(const race *r, size_t i) {
    return r->rows[i].bench.status == BENCH_RIGHT;
}

static bool run_once(race *r, size_t i, double *out_ms) {
    return scaling_rig_run(&r->runners[i].rig, &r->rows[i].bench, out_ms);
}

/* ---- Lines ---- */

/* True, and the row says so, when the line before tells that this one takes too long. */
static bool skip(race *r, size_t i, uint32_t budget) {
    if (i == 0)
        return false;
    bench_row *row = &r->rows[i].bench;
    const bench_row *before = &r->rows[i - 1].bench;
    double growth = (double)r->cases[i].tokens / (double)r->cases[i - 1].tokens;
    double seconds = 1e-3 * before->gpu_ms.median * pow(growth, scaling_wanted(r->cases[i].method));
    if (before->status != BENCH_SKIPPED && !(before->status == BENCH_RIGHT && seconds > budget))
        return false;
    row->status = BENCH_SKIPPED;
    row->gpu_ms.median = 1e3 * seconds; /* for the next line */
    snprintf(row->reason, sizeof row->reason, "about %.0f s a run, the budget is %u s", seconds, budget);
    return true;
}

/* The second run is timed: drivers compile in the first. */
static void enter(race *r, vatten_context *context, const bench_vk *vk, size_t i) {
    runner *run = &r->runners[i];
    bench_row *row = &r->rows[i].bench;
    const size_t repeat = r->measure->repeat;
    double ms = 0.0;
    bool made = scaling_rig_make(context, vk, &r->cases[i], r->measure->rows, &run->rig, row);
    run->tokens = (double)r->cases[i].tokens;
    run->ms = calloc(repeat * MOST_TURNS, sizeof *run->ms);
    run->cpu_ms = calloc(repeat * MOST_TURNS, sizeof *run->cpu_ms);
    run->round_ms = calloc(repeat, sizeof *run->round_ms);
    run->round_cpu_ms = calloc(repeat, sizeof *run->round_cpu_ms);
    if (made &&
        (run->ms == NULL || run->cpu_ms == NULL || run->round_ms == NULL || run->round_cpu_ms == NULL))
        bench_row_refuse(row, "timing", VATTEN_ERROR_OUT_OF_HOST_MEMORY);
    for (uint32_t n = 0; right(r, i) && n < r->measure->warmup; ++n)
        run_once(r, i, &ms);
    row->gpu_ms.median = ms > 0.0 ? ms : row->first_ms;
    r->rows[i].buffer_bytes = run->rig.buffer_bytes;
    r->rows[i].bytes = run->rig.buffer_bytes + row->info.workspace_bytes;
    if (row->status == BENCH_RIGHT)
        say_note("%s: right, about %.1f ms", r->cases[i].name, row->gpu_ms.median);
}

static void enter_all(race *r, vatten_context *context, const bench_vk *vk, uint32_t budget) {
    double slowest = 0.0;
    for (size_t i = 0; i < r->count; ++i) {
        if (skip(r, i, budget))
            continue;
        enter(r, context, vk, i);
        slowest = fmax(slowest, right(r, i) ? r->rows[i].bench.gpu_ms.median : 0.0);
    }
    for (size_t i = 0; i < r->count; ++i) {
        double turns = right(r, i) ? slowest / fmax(r->rows[i].bench.gpu_ms.median, 1e-3) : 1.0;
        r->runners[i].turns = (uint32_t)fmin(fmax(turns, 1.0), MOST_TURNS);
    }
}

/* ---- Rounds ---- */

/* Another one begins each time. */
static void run_round(race *r, uint32_t round) {
    for (size_t n = 0; n < r->count; ++n) {
        size_t i = (round + n) % r->count;
        runner *run = &r->runners[i];
        double sum = 0.0, cpu_sum = 0.0;
        for (uint32_t turn = 0; right(r, i) && turn < run->turns; ++turn, ++run->runs) {
            double start = stats_cpu_ms();
            if (!run_once(r, i, &run->ms[run->runs]))
                return;
            run->cpu_ms[run->runs] = stats_cpu_ms() - start;
            sum += run->ms[run->runs];
            cpu_sum += run->cpu_ms[run->runs];
        }
        if (right(r, i)) { /* those that are skipped have no arrays */
            run->round_ms[round] = sum / run->turns;
            run->round_cpu_ms[round] = cpu_sum / run->turns;
        }
    }
}

static void run_rounds(race *r) {
    double end = stats_now_ms() + 1e3 * r->measure->seconds * (double)r->count;
    for (r->rounds = 0; r->rounds < r->measure->repeat && (r->rounds < 3 || stats_now_ms() < end);
         ++r->rounds)
        run_round(r, r->rounds);
}

/* ---- Exponents ---- */

static void note_times(race *r) {
    for (size_t i = 0; i < r->count; ++i) {
        bench_row *row = &r->rows[i].bench;
        row->runs = r->runners[i].runs;
        row->gpu_ms = stats_summarize(r->runners[i].ms, right(r, i) ? r->runners[i].runs : 0);
        r->rows[i].cpu_ms =
            stats_summarize(r->runners[i].cpu_ms, right(r, i) && r->cpu ? r->runners[i].runs : 0);
    }
}

/* The exponent of one number a line. */
typedef double (*number_of_line)(const race *r, size_t i, uint32_t round);

static double of_round(const race *r, size_t i, uint32_t round) {
    return r->runners[i].round_ms[round];
}

static double of_cpu(const race *r, size_t i, uint32_t round) {
    return r->runners[i].round_cpu_ms[round];
}

static double of_bytes(const race *r, size_t i, uint32_t round) {
    (void)round;
    return (double)r->rows[i].bytes;
}

static double exponent(const race *r, number_of_line number, uint32_t round) {
    double x[SCALING_MOST_LINES], y[SCALING_MOST_LINES];
    size_t count = 0;
    for (size_t i = 0; i < r->count; ++i) {
        if (!right(r, i))
            continue;
        x[count] = r->runners[i].tokens;
        y[count++] = number(r, i, round);
    }
    return stats_exponent(x, y, count);
}

static stats_summary exponents(const race *r, number_of_line number) {
    stats_summary summary = {0.0, 0.0, 0.0};
    double *of_rounds = calloc(r->rounds + 1u, sizeof *of_rounds);
    for (uint32_t round = 0; of_rounds != NULL && round < r->rounds; ++round)
        of_rounds[round] = exponent(r, number, round);
    if (of_rounds != NULL)
        summary = stats_summarize(of_rounds, r->rounds);
    free(of_rounds);
    return summary;
}

static void note_fit(race *r, scaling_fit *fit) {
    memset(fit, 0, sizeof *fit);
    fit->method = r->cases[0].method;
    fit->rounds = r->rounds;
    for (size_t i = 0; i < r->count; ++i) {
        if (!right(r, i))
            continue;
        fit->from = fit->lines++ == 0 ? r->cases[i].tokens : fit->from;
        fit->to = r->cases[i].tokens;
    }
    fit->time = exponents(r, of_round);
    if (r->cpu)
        fit->cpu = exponents(r, of_cpu);
    fit->memory = exponent(r, of_bytes, 0);
}

void scaling_race(vatten_context *context, const bench_vk *vk, const bench_measure *measure, uint32_t budget,
                  const scaling_case *cases, size_t count, scaling_row *out_rows, scaling_fit *out_fit) {
    vatten_device_info info;
    vatten_device_get_info(vatten_context_device(context), &info);
    race r = {.measure = measure, .cases = cases, .rows = out_rows, .count = count, .cpu = info.cpu};
    enter_all(&r, context, vk, budget);
    run_rounds(&r);
    note_times(&r);
    note_fit(&r, out_fit);
    for (size_t i = 0; i < count; ++i) {
        scaling_rig_destroy(&r.runners[i].rig);
        free(r.runners[i].ms);
        free(r.runners[i].cpu_ms);
        free(r.runners[i].round_ms);
        free(r.runners[i].round_cpu_ms);
    }
}
