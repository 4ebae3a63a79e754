/* SPDX-License-Identifier: MIT */
#include "decode_race.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"

typedef enum slot { Q, K, V, OUT, TABLES, SLOTS } slot;

typedef struct race {
    vatten_context *context;
    const decode_settings *settings;
    const decode_case *c;
    decode_row *row;
    decode_data data;
    vatten_plan *plan;
    vatten_memory *memory[SLOTS];
    vatten_args args;
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

static bool run_timed(race *r) {
    bench_row *row = &r->row->bench;
    double *ms = calloc(r->settings->repeat, sizeof *ms), ignored;
    bool ok = ms != NULL || refuse(r, "timing", VATTEN_ERROR_OUT_OF_HOST_MEMORY);
    for (uint32_t i = 0; ok && i < r->settings->warmup; ++i)
        ok = run_once(r, &ignored);
    double end = stats_now_ms() + 1e3 * r->settings->seconds;
    while (ok && row->runs < r->settings->repeat && (row->runs < 3 || stats_now_ms() < end)) {
        ok = run_once(r, &ms[row->runs]);
        row->runs += ok ? 1 : 0;
    }
    if (ok) {
        row->gpu_ms = stats_summarize(ms, row->runs);
        row->status = BENCH_RIGHT;
        r->row->gbs =
            row->gpu_ms.median > 0.0 ? (double)decode_kv_bytes(r->c) / (row->gpu_ms.median * 1e6) : 0.0;
    }
    free(ms);
    return ok;
}

void decode_race(vatten_context *context, const decode_settings *settings, const decode_case *c,
                 decode_row *out_row) {
    race r = {.context = context, .settings = settings, .c = c, .row = out_row};
    memset(out_row, 0, sizeof *out_row);
    out_row->bench.status = BENCH_REFUSED;
    say_forget();
    bool ready = make_plan(&r) &&
                 (decode_data_make(c, &r.data) || refuse(&r, "data", VATTEN_ERROR_OUT_OF_HOST_MEMORY)) &&
                 make_buffers(&r) && run_checked(&r);
    decode_data_free(&r.data);
    if (ready)
        run_timed(&r);
    vatten_plan_destroy(r.plan);
    for (int s = 0; s < SLOTS; ++s)
        vatten_memory_destroy(r.memory[s]);
}
