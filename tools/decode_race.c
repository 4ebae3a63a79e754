/* SPDX-License-Identifier: MIT */
#include "decode_race.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"

typedef enum slot { Q, K, V, OUT, TABLES, SLOTS } slot;

typedef struct race {
    vatten_context *context;
    const bench_measure *settings;
    const decode_case *c;
    decode_row *row;
    decode_data data;
    vatten_plan *plan;
    vatten_memory *memory[SLOTS];
    vatten_args args;
    double *ms; /* of the rounds; NULL: does not run */
} race;

static bool refuse(race *r, const char *what, vatten_result result) {
    return bench_row_refuse(&r->row->bench, what, result);
}

static bool make_plan(race *r) {
    const vatten_attention_desc desc = decode_desc(r->c);
    vatten_result result = vatten_attention_create(vatten_context_device(r->context), &desc, &r->plan);
    if (result != VATTEN_SUCCESS)
        return refuse(r, "plan", result);
    vatten_plan_get_info(r->plan, &r->row->bench.info);
    return true;
}

static bool make_buffers(race *r) {
    const decode_data *d = &r->data;
    const void *data[SLOTS] = {d->q, d->k, d->v, d->out, d->tables};
    const uint64_t bytes[SLOTS] = {d->q_bytes, d->k_bytes, d->v_bytes, d->out_bytes, d->at.bytes};
    vatten_buffer *buffers[SLOTS] = {&r->args.q, &r->args.k, &r->args.v, &r->args.out, &r->args.tables};
    for (int s = 0; s < SLOTS; ++s) {
        if (bytes[s] == 0)
            continue;
        vatten_result result = vatten_memory_create(r->context, bytes[s], &r->memory[s]);
        if (result == VATTEN_SUCCESS)
            result = vatten_memory_upload(r->memory[s], 0, data[s], bytes[s]);
        if (result != VATTEN_SUCCESS)
            return refuse(r, "buffer", result);
        *buffers[s] = vatten_memory_buffer(r->memory[s]);
    }
    if (r->c->latent)
        r->args.v = r->args.k;
    return true;
}

static bool run_once(race *r, double *out_ms) {
    vatten_result result = vatten_context_run(r->context, r->plan, &r->args, out_ms);
    return result == VATTEN_SUCCESS || refuse(r, "run", result);
}

static bool run_checked(race *r) {
    double ms;
    if (!run_once(r, &ms))
        return false;
    vatten_result result = vatten_memory_download(r->memory[OUT], 0, r->data.out, r->data.out_bytes);
    if (result != VATTEN_SUCCESS)
        return refuse(r, "download", result);
    bench_row *row = &r->row->bench;
    r->row->max_error = decode_check(r->c, &r->data, r->settings->rows);
    if (r->row->max_error <= decode_tolerance(r->c))
        return true;
    row->status = BENCH_WRONG;
    snprintf(row->reason, sizeof row->reason, "max error %.3g", r->row->max_error);
    return false;
}

/* ---- Turns ---- */

size_t decode_turns(const decode_case *cases, size_t count) {
    size_t turns = 1;
    for (; turns < count && turns < DECODE_MOST_TURNS; ++turns) {
        const decode_case *a = &cases[0], *b = &cases[turns];
        if (a->kv_len != b->kv_len || a->dtype != b->dtype || a->queries != b->queries ||
            a->heads != b->heads || a->kv_heads != b->kv_heads || a->dim != b->dim ||
            a->value_dim != b->value_dim || a->block != b->block || a->latent != b->latent)
            break;
    }
    return turns;
}

/* Makes all of a line and holds its result against the oracle. */
static void enter(race *r) {
    memset(r->row, 0, sizeof *r->row);
    r->row->bench.status = BENCH_REFUSED;
    say_forget();
    bool ready = make_plan(r) &&
                 (decode_data_make(r->c, &r->data) || refuse(r, "data", VATTEN_ERROR_OUT_OF_HOST_MEMORY)) &&
                 make_buffers(r) && run_checked(r);
    decode_data_free(&r->data); /* the device has its own */
    double ignored;
    for (uint32_t i = 0; ready && i < r->settings->warmup; ++i)
        ready = run_once(r, &ignored);
    r->ms = ready ? calloc(r->settings->repeat, sizeof *r->ms) : NULL;
    if (ready && r->ms == NULL)
        refuse(r, "timing", VATTEN_ERROR_OUT_OF_HOST_MEMORY);
}

static void leave(race *r) {
    free(r->ms);
    vatten_plan_destroy(r->plan);
    for (int s = 0; s < SLOTS; ++s)
        vatten_memory_destroy(r->memory[s]);
}

static void run_round(race *races, size_t count, uint32_t round) {
    for (size_t i = 0; i < count; ++i) {
        race *r = &races[i];
        if (r->ms == NULL)
            continue;
        if (run_once(r, &r->ms[round])) {
            r->row->bench.runs = round + 1;
            continue;
        }
        free(r->ms);
        r->ms = NULL;
    }
}

/* Ratios first: summaries sort. */
static void note_ratio(race *r, const race *first) {
    if (first->c->page == 0 && first->ms != NULL && r->ms != NULL)
        r->row->paged = stats_ratio(r->ms, first->ms, r->row->bench.runs);
}

static void note_times(race *r) {
    bench_row *row = &r->row->bench;
    if (r->ms == NULL)
        return;
    row->gpu_ms = stats_summarize(r->ms, row->runs);
    row->status = BENCH_RIGHT;
    if (row->gpu_ms.median > 0.0)
        r->row->gbs = (double)decode_kv_bytes(r->c) / (row->gpu_ms.median * 1e6);
}

void decode_race(vatten_context *context, const bench_measure *settings, const decode_case *cases,
                 size_t count, decode_row *out_rows) {
    race races[DECODE_MOST_TURNS];
    for (size_t i = 0; i < count; ++i) {
        races[i] = (race){.context = context, .settings = settings, .c = &cases[i], .row = &out_rows[i]};
        enter(&races[i]);
    }
    double end = stats_now_ms() + 1e3 * settings->seconds * (double)count;
    for (uint32_t round = 0; round < settings->repeat && (round < 3 || stats_now_ms() < end); ++round)
        run_round(races, count, round);
    for (size_t i = 1; i < count; ++i)
        note_ratio(&races[i], &races[0]);
    for (size_t i = 0; i < count; ++i) {
        note_times(&races[i]);
        leave(&races[i]);
    }
}
