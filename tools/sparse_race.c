/* SPDX-License-Identifier: MIT */
#include "sparse_race.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ref.h>

#include "say.h"

enum { JOIN = 64 };

typedef struct runner {
    vatten_plan *plan;
    vatten_plan_info info;
    vatten_args args;
    double *ms;       /* of all runs */
    double *round_ms; /* the mean of each round */
    uint32_t turns, runs;
} runner;

typedef enum slot { Q, K, V, OUT, MEAN_Q, MEAN_K, LISTS, JOINED, SCRATCH, SLOTS } slot;

typedef struct race {
    vatten_context *context;
    const bench_measure *settings;
    const sparse_case *c;
    sparse_row *row;
    sparse_data data;
    vatten_memory *memory[SLOTS];
    runner runners[SPARSE_PARTS];
} race;

/* Always false. */
static bool refuse(race *r, const char *what, vatten_result result) {
    r->row->status = result == VATTEN_ERROR_UNSUPPORTED ? BENCH_UNSUPPORTED : BENCH_REFUSED;
    const char *told = say_last_error();
    snprintf(r->row->reason, sizeof r->row->reason, "%s: %.200s", what,
             told[0] != '\0' ? told : vatten_result_name(result));
    return false;
}

static bool wrong(race *r, const char *what) {
    r->row->status = BENCH_WRONG;
    snprintf(r->row->reason, sizeof r->row->reason, "%s", what);
    return false;
}

/* ---- Plans ---- */

static bool gathers(const race *r) {
    return r->runners[SPARSE_WHOLE].info.execution == VATTEN_SPARSE_GATHER;
}

/* Gathered attention is a part of the whole only. */
static bool takes_part(const race *r, sparse_part part) {
    const sparse_case *c = r->c;
    return part == SPARSE_DENSE    ? c->dense
           : part == SPARSE_ATTEND ? !gathers(r)
           : part == SPARSE_POOL_Q ? !c->random && c->q_block > 1
                                   : !c->random;
}

static uint32_t join_of(const sparse_case *c) {
    return c->q_block == 1 ? JOIN : 0;
}

static vatten_result make_plan(vatten_device *device, const sparse_case *c, sparse_part part,
                               vatten_plan **out) {
    const vatten_attention_desc dense = sparse_dense_desc(c);
    const vatten_pool_desc pool = sparse_pool_desc(c, part == SPARSE_POOL_K);
    const vatten_select_desc select = sparse_select_desc(c);
    const vatten_lists_desc lists = sparse_lists_desc(c, join_of(c));
    const vatten_sparse_desc whole = sparse_whole_desc(c);
    switch (part) {
    case SPARSE_DENSE:
        return vatten_attention_create(device, &dense, out);
    case SPARSE_POOL_K:
    case SPARSE_POOL_Q:
        return vatten_pool_create(device, &pool, out);
    case SPARSE_SELECT:
        return vatten_select_create(device, &select, out);
    case SPARSE_ATTEND:
        return vatten_lists_create(device, &lists, out);
    default:
        return vatten_sparse_create(device, &whole, out);
    }
}

static bool make_plans(race *r) {
    for (int part = SPARSE_PARTS - 1; part >= 0; --part) { /* the whole says what else there is */
        runner *run = &r->runners[part];
        if (!takes_part(r, (sparse_part)part))
            continue;
        vatten_result result =
            make_plan(vatten_context_device(r->context), r->c, (sparse_part)part, &run->plan);
        if (result != VATTEN_SUCCESS)
            return refuse(r, "plan", result);
        vatten_plan_get_info(run->plan, &run->info);
        run->ms = calloc((size_t)r->settings->repeat * STATS_MOST_TURNS, sizeof *run->ms);
        run->round_ms = calloc(r->settings->repeat, sizeof *run->round_ms);
        if (run->ms == NULL || run->round_ms == NULL)
            return refuse(r, "timing", VATTEN_ERROR_OUT_OF_HOST_MEMORY);
    }
    r->row->info = r->runners[gathers(r) ? SPARSE_WHOLE : SPARSE_ATTEND].info;
    r->row->workspace_bytes = r->runners[r->c->random ? SPARSE_ATTEND : SPARSE_WHOLE].info.workspace_bytes;
    return true;
}

/* ---- Buffers ---- */

static uint64_t slot_bytes(const race *r, slot s) {
    const sparse_case *c = r->c;
    uint64_t row = c->dim * sizeof(float), most = 0;
    for (int part = 0; part < SPARSE_PARTS; ++part)
        if (r->runners[part].info.workspace_bytes > most)
            most = r->runners[part].info.workspace_bytes;
    const uint64_t bytes[SLOTS] = {
        [Q] = c->tokens * row,
        [K] = c->tokens * row,
        [V] = c->tokens * row,
        [OUT] = c->tokens * row,
        [MEAN_Q] = r->runners[SPARSE_POOL_Q].info.out_bytes,
        [MEAN_K] = r->runners[SPARSE_POOL_K].info.out_bytes,
        [LISTS] = sparse_rows(c) * c->entries * sizeof(uint32_t),
        [JOINED] = join_of(c) && !gathers(r) ? r->runners[SPARSE_ATTEND].info.lists_bytes : 0,
        [SCRATCH] = most,
    };
    return bytes[s];
}

static vatten_buffer buffer_of(const race *r, slot s) {
    const vatten_buffer none = {0};
    return r->memory[s] != NULL ? vatten_memory_buffer(r->memory[s]) : none;
}

static void set_args(race *r) {
    const vatten_buffer q = buffer_of(r, Q), k = buffer_of(r, K), scratch = buffer_of(r, SCRATCH);
    const vatten_args attend = {
        .q = q, .k = k, .v = buffer_of(r, V), .out = buffer_of(r, OUT), .workspace = scratch};
    runner *runners = r->runners;
    runners[SPARSE_DENSE].args = runners[SPARSE_WHOLE].args = runners[SPARSE_ATTEND].args = attend;
    runners[SPARSE_ATTEND].args.lists = buffer_of(r, join_of(r->c) ? JOINED : LISTS);
    runners[SPARSE_POOL_K].args = (vatten_args){.k = k, .out = buffer_of(r, MEAN_K), .workspace = scratch};
    runners[SPARSE_POOL_Q].args = (vatten_args){.k = q, .out = buffer_of(r, MEAN_Q), .workspace = scratch};
    runners[SPARSE_SELECT].args = (vatten_args){.q = buffer_of(r, r->c->q_block > 1 ? MEAN_Q : Q),
                                                .k = buffer_of(r, MEAN_K),
                                                .lists = buffer_of(r, LISTS),
                                                .workspace = scratch};
}

static bool make_buffers(race *r) {
    const void *first[SLOTS] = {[Q] = r->data.q, [K] = r->data.k, [V] = r->data.v, [LISTS] = r->data.lists};
    for (int s = 0; s < SLOTS; ++s) {
        uint64_t bytes = slot_bytes(r, (slot)s);
        vatten_result result =
            bytes != 0 ? vatten_memory_create(r->context, bytes, &r->memory[s]) : VATTEN_SUCCESS;
        if (result == VATTEN_SUCCESS && first[s] != NULL)
            result = vatten_memory_upload(r->memory[s], 0, first[s], bytes);
        if (result != VATTEN_SUCCESS)
            return refuse(r, "buffer", result);
    }
    set_args(r);
    return true;
}

/* ---- Checks ---- */

static bool run_once(race *r, sparse_part part, double *out_ms) {
    const runner *run = &r->runners[part];
    vatten_result result = vatten_context_run(r->context, run->plan, &run->args, out_ms);
    return result == VATTEN_SUCCESS || refuse(r, "run", result);
}

static bool move(race *r, slot s, void *data, bool up) {
    uint64_t bytes = slot_bytes(r, s);
    vatten_result result = up ? vatten_memory_upload(r->memory[s], 0, data, bytes)
                              : vatten_memory_download(r->memory[s], 0, data, bytes);
    return result == VATTEN_SUCCESS || refuse(r, "transfer", result);
}

static bool run_attention(race *r, sparse_part part) {
    double ms;
    size_t bytes = (size_t)slot_bytes(r, OUT);
    if (r->runners[part].plan == NULL)
        return true;
    memset(r->data.out, 0xff, bytes); /* NaN: rows that nobody wrote are seen */
    if (!move(r, OUT, r->data.out, true) || !run_once(r, part, &ms) || !move(r, OUT, r->data.out, false))
        return false;
    double error = sparse_check_out(r->c, &r->data, part != SPARSE_DENSE, r->settings->rows);
    r->row->max_error = fmax(r->row->max_error, error);
    if (error <= ref_tolerance(REF_F32))
        return true;
    wrong(r, "");
    snprintf(r->row->reason, sizeof r->row->reason, "max error %.3g of part %d", error, (int)part);
    return false;
}

static bool make_lists(race *r) {
    double ms;
    if (r->c->random)
        return true;
    if (!run_once(r, SPARSE_POOL_K, &ms) ||
        (r->runners[SPARSE_POOL_Q].plan != NULL && !run_once(r, SPARSE_POOL_Q, &ms)) ||
        !run_once(r, SPARSE_SELECT, &ms) || !move(r, LISTS, r->data.lists, false))
        return false;
    const char *fault = sparse_check_lists(r->c, &r->data, r->settings->rows);
    if (fault != NULL)
        return wrong(r, fault);
    if (join_of(r->c) == 0 || gathers(r))
        return true;
    uint32_t *joined = sparse_join(r->c, r->data.lists, JOIN);
    bool done =
        joined != NULL ? move(r, JOINED, joined, true) : refuse(r, "lists", VATTEN_ERROR_OUT_OF_HOST_MEMORY);
    free(joined);
    return done;
}

/* ---- Rounds ---- */

static bool warm_up(race *r) {
    double slowest = 0.0, ms[SPARSE_PARTS] = {0.0};
    for (int part = 0; part < SPARSE_PARTS; ++part) {
        for (uint32_t n = 0; r->runners[part].plan != NULL && n < r->settings->warmup + 1; ++n)
            if (!run_once(r, (sparse_part)part, &ms[part]))
                return false;
        slowest = fmax(slowest, ms[part]);
    }
    for (int part = 0; part < SPARSE_PARTS; ++part)
        r->runners[part].turns = stats_turns(ms[part], slowest);
    return true;
}

/* Another one begins each time. */
static bool run_round(race *r, uint32_t round) {
    for (uint32_t i = 0; i < SPARSE_PARTS; ++i) {
        sparse_part part = (sparse_part)((round + i) % SPARSE_PARTS);
        runner *run = &r->runners[part];
        double sum = 0.0;
        for (uint32_t n = 0; run->plan != NULL && n < run->turns; ++n, ++run->runs) {
            if (!run_once(r, part, &run->ms[run->runs]))
                return false;
            sum += run->ms[run->runs];
        }
        if (run->plan != NULL)
            run->round_ms[round] = sum / run->turns;
    }
    return true;
}

static bool run_rounds(race *r) {
    double start = stats_now_ms();
    uint32_t *rounds = &r->row->rounds;
    for (*rounds = 0; *rounds < r->settings->repeat; ++*rounds) {
        if (*rounds >= 3 && stats_now_ms() - start > 1e3 * r->settings->seconds)
            break;
        if (!run_round(r, *rounds))
            return false;
    }
    return true;
}

static double round_ms(const race *r, sparse_part part, uint32_t round) {
    return r->runners[part].plan != NULL ? r->runners[part].round_ms[round] : 0.0;
}

/* Ratios are medians over the rounds' own. */
static bool note_ratios(race *r) {
    sparse_row *row = r->row;
    double *speedup = calloc(row->rounds, sizeof *speedup), *share = calloc(row->rounds, sizeof *share);
    bool ready = speedup != NULL && share != NULL;
    for (uint32_t n = 0; ready && n < row->rounds; ++n) {
        double before =
            round_ms(r, SPARSE_POOL_K, n) + round_ms(r, SPARSE_POOL_Q, n) + round_ms(r, SPARSE_SELECT, n);
        double whole = round_ms(r, SPARSE_WHOLE, n);
        double attend = gathers(r) ? whole - before : round_ms(r, SPARSE_ATTEND, n);
        double sparse = r->c->random ? attend : whole;
        speedup[n] = sparse > 0.0 ? round_ms(r, SPARSE_DENSE, n) / sparse : 0.0;
        share[n] = attend > 0.0 ? before / attend : 0.0;
    }
    if (ready) {
        row->speedup = stats_summarize(speedup, row->rounds).median;
        row->share = stats_summarize(share, row->rounds).median;
    }
    free(speedup);
    free(share);
    return ready || refuse(r, "timing", VATTEN_ERROR_OUT_OF_HOST_MEMORY);
}

/* Queries that visit the same blocks. Tiles end with the queries that share a list. */
static uint32_t tile_rows(const race *r) {
    uint32_t rows = r->row->info.tile.rows;
    return r->c->q_block > 1 ? r->c->q_block : rows < JOIN ? rows : JOIN;
}

static bool note_results(race *r) {
    sparse_row *row = r->row;
    double dense = (double)sparse_dense_pairs(r->c), blocks;
    for (int part = 0; part < SPARSE_PARTS; ++part)
        if (r->runners[part].plan != NULL)
            row->ms[part] = stats_summarize(r->runners[part].ms, r->runners[part].runs);
    row->ideal = dense / (double)sparse_listed_pairs(r->c, r->data.lists, 0, &blocks);
    row->tile_blocks = 1.0;
    if (gathers(r))
        row->bound = dense / (double)sparse_gathered_pairs(r->c, r->data.lists, row->info.tile.rows);
    else
        row->bound =
            dense / (double)sparse_listed_pairs(r->c, r->data.lists, tile_rows(r), &row->tile_blocks);
    if (!note_ratios(r))
        return false;
    row->status = BENCH_RIGHT;
    return true;
}

static void leave(race *r) {
    for (int part = 0; part < SPARSE_PARTS; ++part) {
        vatten_plan_destroy(r->runners[part].plan);
        free(r->runners[part].ms);
        free(r->runners[part].round_ms);
    }
    for (int s = 0; s < SLOTS; ++s)
        vatten_memory_destroy(r->memory[s]);
    sparse_data_free(&r->data);
}

void sparse_race(vatten_context *context, const bench_measure *settings, const sparse_case *c,
                 sparse_row *out_row) {
    race r = {.context = context, .settings = settings, .c = c, .row = out_row};
    memset(out_row, 0, sizeof *out_row);
    out_row->status = BENCH_REFUSED;
    say_forget();
    bool ready = sparse_data_make(c, &r.data) || refuse(&r, "data", VATTEN_ERROR_OUT_OF_HOST_MEMORY);
    if (ready && make_plans(&r) && make_buffers(&r) && make_lists(&r) && run_attention(&r, SPARSE_DENSE) &&
        run_attention(&r, SPARSE_ATTEND) && run_attention(&r, SPARSE_WHOLE) && warm_up(&r) && run_rounds(&r))
        note_results(&r);
    leave(&r);
}

uint64_t sparse_workspace(vatten_context *context, const sparse_case *c) {
    vatten_plan_info info = {.workspace_bytes = 0};
    vatten_plan *plan = NULL;
    if (make_plan(vatten_context_device(context), c, SPARSE_WHOLE, &plan) == VATTEN_SUCCESS)
        vatten_plan_get_info(plan, &info);
    vatten_plan_destroy(plan);
    return info.workspace_bytes;
}
