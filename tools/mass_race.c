/* SPDX-License-Identifier: MIT */
#include "mass_race.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"

typedef enum part { FORWARD, MASS, PARTS } part;
typedef enum slot { Q, K, V, OUT, LSE, IDS, SUMS, SLOTS } slot;

typedef struct runner {
    vatten_plan *plan;
    vatten_args args;
    double *ms;       /* of all runs */
    double *round_ms; /* the mean of each round */
    uint32_t turns;   /* runs in a round */
    uint32_t runs;
} runner;

typedef struct race {
    vatten_context *context;
    const bench_measure *settings;
    const mass_case *c;
    mass_row *row;
    mass_data data;
    vatten_memory *memory[SLOTS];
    runner runners[PARTS];
} race;

static bool refuse(race *r, const char *what, vatten_result result) {
    return bench_row_refuse(&r->row->bench, what, result);
}

/* ---- Plans and buffers ---- */

static bool make_plans(race *r) {
    const vatten_attention_desc attention = mass_attention_desc(r->c);
    const vatten_mass_desc mass = mass_desc(r->c, &attention);
    vatten_device *device = vatten_context_device(r->context);
    vatten_result result = vatten_attention_create(device, &attention, &r->runners[FORWARD].plan);
    if (result != VATTEN_SUCCESS)
        return refuse(r, "forward plan", result);
    vatten_plan_get_info(r->runners[FORWARD].plan, &r->row->forward);
    result = vatten_mass_create(device, &mass, &r->runners[MASS].plan);
    if (result != VATTEN_SUCCESS)
        return refuse(r, "plan", result);
    vatten_plan_get_info(r->runners[MASS].plan, &r->row->bench.info);
    return true;
}

static bool make_room(race *r) {
    const size_t repeat = r->settings->repeat;
    for (int p = 0; p < PARTS; ++p) {
        runner *run = &r->runners[p];
        run->ms = calloc(repeat * STATS_MOST_TURNS, sizeof *run->ms);
        run->round_ms = calloc(repeat, sizeof *run->round_ms);
        if (run->ms == NULL || run->round_ms == NULL)
            return refuse(r, "timing", VATTEN_ERROR_OUT_OF_HOST_MEMORY);
    }
    return mass_data_make(r->c, &r->row->forward, &r->row->bench.info, &r->data) ||
           refuse(r, "data", VATTEN_ERROR_OUT_OF_HOST_MEMORY);
}

static uint64_t slot_bytes(const race *r, slot s) {
    const vatten_plan_info *forward = &r->row->forward, *mass = &r->row->bench.info;
    const uint64_t bytes[SLOTS] = {forward->q_bytes,   forward->k_bytes,   forward->v_bytes,
                                   forward->out_bytes, forward->lse_bytes, mass->lists_bytes,
                                   mass->out_bytes};
    return bytes[s];
}

static void *slot_data(const race *r, slot s) {
    const mass_data *d = &r->data;
    void *const data[SLOTS] = {d->q, d->k, d->v, d->out, d->lse, d->ids, d->mass};
    return data[s];
}

static vatten_buffer buffer_of(const race *r, slot s) {
    const vatten_buffer none = {0};
    return r->memory[s] != NULL ? vatten_memory_buffer(r->memory[s]) : none;
}

/* The mass reads what the forward attention wrote. */
static bool make_buffers(race *r) {
    for (int s = 0; s < SLOTS; ++s) {
        uint64_t bytes = slot_bytes(r, (slot)s);
        if (bytes == 0)
            continue;
        vatten_result result = vatten_memory_create(r->context, bytes, &r->memory[s]);
        if (result == VATTEN_SUCCESS)
            result = vatten_memory_upload(r->memory[s], 0, slot_data(r, (slot)s), bytes);
        if (result != VATTEN_SUCCESS)
            return refuse(r, "buffer", result);
    }
    const vatten_buffer q = buffer_of(r, Q), k = buffer_of(r, K), lse = buffer_of(r, LSE);
    r->runners[FORWARD].args =
        (vatten_args){.q = q, .k = k, .v = buffer_of(r, V), .out = buffer_of(r, OUT), .lse = lse};
    r->runners[MASS].args =
        (vatten_args){.q = q, .k = k, .lse = lse, .lists = buffer_of(r, IDS), .out = buffer_of(r, SUMS)};
    return true;
}

/* ---- Checks ---- */

static bool run_once(race *r, part p, double *out_ms) {
    const runner *run = &r->runners[p];
    vatten_result result = vatten_context_run(r->context, run->plan, &run->args, out_ms);
    return result == VATTEN_SUCCESS || refuse(r, p == FORWARD ? "forward run" : "run", result);
}

static bool download(race *r, slot s) {
    vatten_result result = vatten_memory_download(r->memory[s], 0, slot_data(r, s), slot_bytes(r, s));
    return result == VATTEN_SUCCESS || refuse(r, "download", result);
}

static bool run_checked(race *r) {
    bench_row *row = &r->row->bench;
    double ms;
    if (!run_once(r, FORWARD, &ms) || !run_once(r, MASS, &ms) || !download(r, OUT) || !download(r, LSE) ||
        !download(r, SUMS))
        return false;
    bool right = mass_check_forward(r->c, &r->data, r->settings->rows);
    if (right) {
        r->row->max_error = mass_check(r->c, &r->data, r->settings->rows);
        snprintf(row->reason, sizeof row->reason, "max error %.3g", r->row->max_error);
    } else {
        snprintf(row->reason, sizeof row->reason, "forward attention differs from the oracle");
    }
    if (right && r->row->max_error <= mass_tolerance(r->c)) {
        row->reason[0] = '\0';
        return true;
    }
    row->status = BENCH_WRONG;
    return false;
}

/* ---- Rounds ---- */

static bool warm_up(race *r) {
    double ms[PARTS] = {0.0};
    for (int p = 0; p < PARTS; ++p)
        for (uint32_t n = 0; n < r->settings->warmup + 1; ++n)
            if (!run_once(r, (part)p, &ms[p]))
                return false;
    double slowest = ms[FORWARD] > ms[MASS] ? ms[FORWARD] : ms[MASS];
    for (int p = 0; p < PARTS; ++p)
        r->runners[p].turns = stats_turns(ms[p], slowest);
    return true;
}

/* The other one begins each time: what ran before matters to the first. */
static bool run_round(race *r, uint32_t round) {
    for (uint32_t i = 0; i < PARTS; ++i) {
        part p = (part)((round + i) % PARTS);
        runner *run = &r->runners[p];
        double sum = 0.0;
        for (uint32_t n = 0; n < run->turns; ++n, ++run->runs) {
            if (!run_once(r, p, &run->ms[run->runs]))
                return false;
            sum += run->ms[run->runs];
        }
        run->round_ms[round] = sum / run->turns;
    }
    return true;
}

static bool run_rounds(race *r) {
    double end = stats_now_ms() + 1e3 * r->settings->seconds;
    uint32_t *rounds = &r->row->rounds;
    for (; *rounds < r->settings->repeat && (*rounds < 3 || stats_now_ms() < end); ++*rounds)
        if (!run_round(r, *rounds))
            return false;
    return true;
}

static void note_results(race *r) {
    mass_row *row = r->row;
    runner *forward = &r->runners[FORWARD], *mass = &r->runners[MASS];
    row->by_forward = stats_ratio(mass->round_ms, forward->round_ms, row->rounds);
    row->forward_ms = stats_summarize(forward->ms, forward->runs);
    row->forward_runs = forward->runs;
    row->bench.gpu_ms = stats_summarize(mass->ms, mass->runs);
    row->bench.runs = mass->runs;
    row->bench.status = BENCH_RIGHT;
}

static void leave(race *r) {
    for (int p = 0; p < PARTS; ++p) {
        vatten_plan_destroy(r->runners[p].plan);
        free(r->runners[p].ms);
        free(r->runners[p].round_ms);
    }
    for (int s = 0; s < SLOTS; ++s)
        vatten_memory_destroy(r->memory[s]);
    mass_data_free(&r->data);
}

void mass_race(vatten_context *context, const bench_measure *settings, const mass_case *c,
               mass_row *out_row) {
    race r = {.context = context, .settings = settings, .c = c, .row = out_row};
    memset(out_row, 0, sizeof *out_row);
    out_row->bench.status = BENCH_REFUSED;
    say_forget();
    bool right = make_plans(&r) && make_room(&r) && make_buffers(&r) && run_checked(&r);
    mass_data_free(&r.data); /* the device has its own */
    if (right && warm_up(&r) && run_rounds(&r))
        note_results(&r);
    leave(&r);
}
