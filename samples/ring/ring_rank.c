/* SPDX-License-Identifier: MIT */
#include "ring_rank.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "median.h"
#include "ring_data.h"

enum { CARRIES = 4 }; /* every OR of VATTEN_CARRY_IN and VATTEN_CARRY_OUT */

struct ring_rank {
    ring_shape shape;
    uint32_t rank;
    vatten_context *context;
    vatten_plan *plans[RING_MASKS][CARRIES];
    vatten_memory *q[RING_MOST_PARTS], *k[RING_MOST_PARTS], *v[RING_MOST_PARTS];
    vatten_memory *state[RING_MOST_PARTS], *out[RING_MOST_PARTS], *lse[RING_MOST_PARTS];
    uint32_t done[RING_MOST_PARTS]; /* tasks of a part of queries in this run */
    float *own, *here, *next;       /* keys of all parts, then values */
    size_t kv_floats;               /* of one part */
    size_t message;                 /* floats of a hop */
};

/* ---- Making ---- */

/* How a part's task goes on: with what was before, for what comes. */
static vatten_carries carry_of(const ring_rank *r, uint32_t q_part) {
    vatten_carries in = r->done[q_part] != 0 ? VATTEN_CARRY_IN : 0;
    bool last = r->done[q_part] + 1 == ring_part_tasks(&r->shape, r->rank, q_part);
    return in | (last ? 0u : VATTEN_CARRY_OUT);
}

static bool make_plan(ring_rank *r, ring_mask mask, vatten_carries carry) {
    uint64_t n = ring_part_tokens(&r->shape);
    const ring_plan_desc desc = {.q_len = n,
                                 .kv_len =
                                     mask == RING_BELOW ? n - 1 : n, /* aligned to the last key: j < i */
                                 .causal = mask != RING_ALL,
                                 .write_lse = !(carry & VATTEN_CARRY_OUT),
                                 .carry = carry};
    return r->plans[mask][carry] || ring_plan_make(r->context, &r->shape, &desc, &r->plans[mask][carry]);
}

/* Walks through all steps without running one, so that a run finds every plan made. */
static bool make_plans(ring_rank *r) {
    bool made = true;
    for (uint32_t step = 0; made && step < r->shape.ranks; step++) {
        ring_task tasks[RING_MOST_TASKS];
        uint32_t count = ring_tasks(&r->shape, r->rank, ring_source(&r->shape, r->rank, step), tasks);
        for (uint32_t t = 0; made && t < count; t++) {
            made = make_plan(r, tasks[t].mask, carry_of(r, tasks[t].q_part));
            r->done[tasks[t].q_part]++;
        }
    }
    return made;
}

static bool make_part(ring_rank *r, uint32_t part) {
    const ring_shape *s = &r->shape;
    uint64_t n = ring_part_tokens(s), rows = n * s->heads;
    return ring_memory_make(r->context, rows * s->dim, &r->q[part]) &&
           ring_memory_make(r->context, r->kv_floats, &r->k[part]) &&
           ring_memory_make(r->context, r->kv_floats, &r->v[part]) &&
           ring_memory_make(r->context, rows * (s->dim + 2), &r->state[part]) &&
           ring_memory_make(r->context, rows * s->dim, &r->out[part]) &&
           ring_memory_make(r->context, rows, &r->lse[part]);
}

static void fill_part(const ring_rank *r, ring_tensor which, uint32_t part, float *out) {
    for (uint32_t i = 0; i < ring_part_tokens(&r->shape); i++) {
        ring_fill(&r->shape, which, ring_token(&r->shape, r->rank, part, i),
                  out + i * ring_token_size(&r->shape, which));
    }
}

/* The queries go to the device and stay there. */
static bool place_queries(ring_rank *r, uint32_t part) {
    size_t floats = ring_part_tokens(&r->shape) * ring_token_size(&r->shape, RING_Q);
    float *q = malloc(floats * sizeof(float));
    if (!q) {
        return complain("out of memory");
    }
    fill_part(r, RING_Q, part, q);
    bool placed = ring_upload(r->q[part], 0, q, floats);
    free(q);
    return placed;
}

static bool make_rank(ring_rank *r) {
    uint32_t parts = ring_parts(&r->shape);
    r->kv_floats = ring_part_tokens(&r->shape) * ring_token_size(&r->shape, RING_K);
    r->message = 2 * parts * r->kv_floats;
    r->own = malloc(r->message * sizeof(float));
    r->here = malloc(r->message * sizeof(float));
    r->next = malloc(r->message * sizeof(float));
    if (!r->own || !r->here || !r->next) {
        return complain("out of memory");
    }
    for (uint32_t part = 0; part < parts; part++) {
        fill_part(r, RING_K, part, r->own + part * r->kv_floats);
        fill_part(r, RING_V, part, r->own + (parts + part) * r->kv_floats);
        if (!make_part(r, part) || !place_queries(r, part)) {
            return false;
        }
    }
    return make_plans(r);
}

bool ring_rank_make(vatten_context *context, const ring_shape *s, uint32_t rank, ring_rank **out) {
    *out = calloc(1, sizeof(**out));
    if (!*out) {
        return complain("out of memory");
    }
    (*out)->shape = *s;
    (*out)->rank = rank;
    (*out)->context = context;
    return make_rank(*out);
}

void ring_rank_free(ring_rank *r) {
    if (!r) {
        return;
    }
    for (uint32_t part = 0; part < RING_MOST_PARTS; part++) {
        vatten_memory *const all[] = {r->q[part],     r->k[part],   r->v[part],
                                      r->state[part], r->out[part], r->lse[part]};
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
            vatten_memory_destroy(all[i]);
        }
    }
    for (int i = 0; i < RING_MASKS * CARRIES; i++) {
        vatten_plan_destroy(r->plans[i / CARRIES][i % CARRIES]);
    }
    free(r->own);
    free(r->here);
    free(r->next);
    free(r);
}

/* ---- A step ---- */

static bool run_task(ring_rank *r, const ring_task *task) {
    uint32_t q = task->q_part;
    vatten_carries carry = carry_of(r, q);
    vatten_args args = {
        .q = vatten_memory_buffer(r->q[q]),
        .k = vatten_memory_buffer(r->k[task->k_part]),
        .v = vatten_memory_buffer(r->v[task->k_part]),
        .out = vatten_memory_buffer(r->out[q])}; /* bound by every plan; the last one writes it */
    if (carry != 0) {
        args.state = vatten_memory_buffer(r->state[q]);
    }
    if (!(carry & VATTEN_CARRY_OUT)) {
        args.lse = vatten_memory_buffer(r->lse[q]);
    }
    r->done[q]++;
    return ring_good("attention", vatten_context_run(r->context, r->plans[task->mask][carry], &args, NULL));
}

/* Keys and values to the device, and all that the queries have to do with them. */
static bool run_step(ring_rank *r, uint32_t step) {
    uint32_t parts = ring_parts(&r->shape);
    ring_task tasks[RING_MOST_TASKS];
    uint32_t count = ring_tasks(&r->shape, r->rank, ring_source(&r->shape, r->rank, step), tasks);
    bool done = true;
    for (uint32_t part = 0; done && count && part < parts; part++) {
        done = ring_upload(r->k[part], 0, r->here + part * r->kv_floats, r->kv_floats) &&
               ring_upload(r->v[part], 0, r->here + (parts + part) * r->kv_floats, r->kv_floats);
    }
    for (uint32_t t = 0; done && t < count; t++) {
        done = run_task(r, &tasks[t]);
    }
    return done;
}

typedef struct step_job {
    ring_rank *rank;
    const ring_clock *clock;
    uint32_t step;
    double begin, end;
    bool done;
} step_job;

static void *run_job(void *user) {
    step_job *job = user;
    job->begin = ring_clock_now(job->clock);
    job->done = run_step(job->rank, job->step);
    job->end = ring_clock_now(job->clock);
    return NULL;
}

/* ---- All steps ---- */

static void hop(ring_rank *r, ring_link *link, const ring_clock *clock, uint32_t step, ring_outcome *out) {
    double begin = ring_clock_now(clock);
    link->start(link, r->here, r->next, r->message);
    link->finish(link);
    ring_note(out, RING_TRANSFER, step, begin, ring_clock_now(clock));
    out->bytes_sent += r->message * sizeof(float);
}

/* The thread that computes only reads `here`, which is what is sent. MPI is called by this thread alone, and waits in it: then
 * the transfer goes on whether or not the MPI has a thread of its own for that. */
static bool step_and_hop(ring_rank *r, ring_link *link, const ring_clock *clock, uint32_t step, bool overlap,
                         ring_outcome *out) {
    step_job job = {.rank = r, .clock = clock, .step = step};
    pthread_t thread;
    bool hops = step + 1 < r->shape.ranks, beside = hops && overlap;
    if (beside && pthread_create(&thread, NULL, run_job, &job) != 0) {
        return complain("no thread to compute on");
    }
    if (!beside) {
        run_job(&job);
    }
    if (hops) {
        hop(r, link, clock, step, out);
    }
    if (beside) {
        pthread_join(thread, NULL);
    }
    ring_note(out, RING_COMPUTE, step, job.begin, job.end);
    return job.done;
}

static void begin_run(ring_rank *r) {
    memcpy(r->here, r->own, r->message * sizeof(float));
    for (uint32_t part = 0; part < RING_MOST_PARTS; part++) {
        r->done[part] = 0;
    }
}

bool ring_rank_run(ring_rank *r, ring_link *link, bool overlap, ring_outcome *out) {
    begin_run(r);
    link->barrier(link);
    ring_clock clock = ring_clock_begin();
    for (uint32_t step = 0; step < r->shape.ranks; step++) {
        if (!step_and_hop(r, link, &clock, step, overlap, out)) {
            return false;
        }
        float *done = r->here;
        r->here = r->next;
        r->next = done;
        out->pairs += ring_step_pairs(&r->shape, r->rank, step);
    }
    out->total_ms = ring_clock_now(&clock);
    return true;
}

double ring_rank_hop(ring_rank *r, ring_link *link) {
    double ms[5];
    begin_run(r);
    for (int i = 0; i < 5; i++) {
        ring_outcome out = {0};
        link->barrier(link);
        ring_clock clock = ring_clock_begin();
        hop(r, link, &clock, 0, &out);
        ms[i] = out.transfer_ms;
    }
    return median(ms, 5);
}

bool ring_rank_results(ring_rank *r, float *out, float *lse) {
    size_t rows = (size_t)ring_part_tokens(&r->shape) * r->shape.heads;
    bool read = true;
    for (uint32_t part = 0; read && part < ring_parts(&r->shape); part++) {
        read = ring_download(r->out[part], out + part * rows * r->shape.dim, rows * r->shape.dim) &&
               ring_download(r->lse[part], lse + part * rows, rows);
    }
    return read;
}
