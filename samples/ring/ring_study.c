/* SPDX-License-Identifier: MIT */
#include "ring_study.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "median.h"
#include "progress.h"
#include "ring_data.h"
#include "ring_plans.h"
#include "ring_rank.h"
#include "star_rank.h"

/* Of f32 and inputs of unit variance. */
static const double out_tolerance = 2e-5, lse_tolerance = 1e-4;

/* What a rank holds; of rank 0 the last ones are for all ranks. */
typedef struct worker {
    const ring_study_desc *desc;
    ring_shape shape;
    ring_link *link;
    vatten_context *context;
    ring_rank *ring;
    star_rank *star;
    ring_outcome *mine, *all; /* [repeat], [ranks] */
    float *out, *lse, *outs, *lses;
} worker;

/* ---- A rank ---- */

static bool is_star(const worker *w) {
    return w->shape.method == RING_METHOD_STAR;
}

static bool make_rank(worker *w) {
    return is_star(w) ? star_rank_make(w->context, &w->shape, w->link->rank, &w->star)
                      : ring_rank_make(w->context, &w->shape, w->link->rank, &w->ring);
}

/* Contexts of one process are made one after the other. */
static bool open_rank(worker *w) {
    bool made = false;
    for (uint32_t turn = 0; turn < (w->link->one_process ? w->link->ranks : 1); turn++) {
        if (!w->link->one_process || turn == w->link->rank) {
            made = ring_open(w->desc->devices, w->link->rank, &w->context) && make_rank(w);
        }
        if (w->link->one_process) {
            w->link->barrier(w->link);
        }
    }
    return made;
}

/* All ranks go on, or none does. */
static bool agree(worker *w, bool good) {
    bool all[RING_MOST_RANKS] = {false};
    w->link->gather(w->link, &good, all, sizeof(good));
    for (uint32_t r = 0; r < w->link->ranks && w->link->rank == 0; r++) {
        good = good && all[r];
    }
    w->link->share(w->link, &good, sizeof(good));
    return good;
}

static bool run_once(worker *w, ring_outcome *out) {
    vatten_context_info info;
    vatten_context_get_info(w->context, &info);
    memset(out, 0, sizeof(*out));
    snprintf(out->device, sizeof(out->device), "%.95s", info.device_name);
    return is_star(w) ? star_rank_run(w->star, w->link, out)
                      : ring_rank_run(w->ring, w->link, w->desc->overlap, out);
}

/* A rank that fails amid of a run leaves others waiting for it: that ends them all. */
static void run_all(worker *w) {
    ring_outcome warm;
    bool done = run_once(w, &warm);
    for (uint32_t i = 0; done && i < w->desc->repeat; i++) {
        done = run_once(w, &w->mine[i]);
    }
    if (!done) {
        w->link->give_up(w->link);
    }
}

static double hop_ms(worker *w) {
    return is_star(w) ? star_rank_hop(w->star, w->link) : ring_rank_hop(w->ring, w->link);
}

/* ---- Which run is told ---- */

static double slowest(const ring_outcome *ranks, uint32_t count) {
    double ms = 0.0;
    for (uint32_t r = 0; r < count; r++) {
        ms = fmax(ms, ranks[r].total_ms);
    }
    return ms;
}

/* Gathers every run, and keeps the one whose slowest rank is the nearest to the median of those. */
static void gather_runs(worker *w, ring_study *study) {
    double totals[RING_MOST_REPEATS] = {0}, sorted[RING_MOST_REPEATS] = {0};
    uint32_t repeat = w->desc->repeat, ranks = w->link->ranks;
    for (uint32_t i = 0; i < repeat; i++) {
        ring_outcome *run = w->all != NULL ? w->all + (size_t)i * ranks : NULL;
        w->link->gather(w->link, &w->mine[i], run, sizeof(*run));
        if (run) {
            totals[i] = sorted[i] = slowest(run, ranks);
        }
    }
    if (w->link->rank != 0) {
        return;
    }
    double middle = median(sorted, repeat); /* sorts them */
    uint32_t best = 0;
    for (uint32_t i = 1; i < repeat; i++) {
        best = fabs(totals[i] - middle) < fabs(totals[best] - middle) ? i : best;
    }
    study->total_ms = totals[best];
    study->least_ms = sorted[0];
    study->most_ms = sorted[repeat - 1];
    memcpy(study->ranks, w->all + (size_t)best * ranks, ranks * sizeof(ring_outcome));
}

/* ---- Comparing: rank 0 alone ---- */

typedef struct results {
    ring_whole whole;
    float *out, *lse;               /* in the order of the sequence: [token][heads][dim], [token][heads] */
    float *single_out, *single_lse; /* [token][heads][dim], [heads][token] */
} results;

static void results_free(results *r) {
    ring_whole_free(&r->whole);
    free(r->out);
    free(r->lse);
    free(r->single_out);
    free(r->single_lse);
}

static bool results_make(const ring_shape *s, results *r) {
    if (!ring_whole_make(s, &r->whole)) {
        return false;
    }
    size_t rows = (size_t)r->whole.tokens * s->heads, floats = rows * s->dim;
    r->out = malloc(floats * sizeof(float));
    r->lse = malloc(rows * sizeof(float));
    r->single_out = malloc(floats * sizeof(float));
    r->single_lse = malloc(rows * sizeof(float));
    return (r->out && r->lse && r->single_out && r->single_lse) || complain("out of memory");
}

/* `tokens` tokens of a part to their places. */
static void place(const worker *w, results *r, const float *out, const float *lse, uint32_t rank,
                  uint32_t part, uint32_t tokens) {
    const ring_shape *s = &w->shape;
    size_t row = (size_t)s->heads * s->dim;
    for (uint32_t i = 0; i < tokens; i++) {
        size_t token = rank == s->ranks ? s->tokens + i : ring_token(s, rank, part, i);
        memcpy(r->out + token * row, out + i * row, row * sizeof(float));
        for (uint32_t h = 0; h < s->heads; h++) {
            r->lse[token * s->heads + h] = lse[(size_t)h * tokens + i];
        }
    }
}

static void place_all(const worker *w, results *r) {
    const ring_shape *s = &w->shape;
    uint32_t parts = ring_parts(s), tokens = ring_part_tokens(s);
    for (uint32_t rank = 0; rank < s->ranks; rank++) {
        for (uint32_t part = 0; part < parts; part++) {
            size_t rows = ((size_t)rank * parts + part) * tokens * s->heads;
            place(w, r, w->outs + rows * s->dim, w->lses + rows, rank, part, tokens);
        }
    }
}

/* The merged tokens of star's query: behind the last rank. */
static bool place_query(const worker *w, results *r) {
    const ring_shape *s = &w->shape;
    size_t rows = (size_t)s->query * s->heads;
    float *out = malloc(rows * s->dim * sizeof(float)), *lse = malloc(rows * sizeof(float));
    bool read = out && lse ? star_rank_query(w->star, out, lse) : complain("out of memory");
    if (read) {
        place(w, r, out, lse, s->ranks, 0, s->query);
    }
    free(out);
    free(lse);
    return read;
}

static double largest(double so_far, double difference) {
    return isnan(difference) ? INFINITY : fmax(so_far, fabs(difference));
}

static void compare_row(const worker *w, const results *r, uint32_t token, uint32_t head, ring_errors *e) {
    const ring_shape *s = &w->shape;
    double out[1024], full[1024], lse, full_lse;
    size_t row = (size_t)token * s->heads + head;
    bool same = !is_star(w) || token >= s->tokens;
    ring_exact(s, &r->whole, token, head, false, out, &lse);
    ring_exact(s, &r->whole, token, head, true, full, &full_lse);
    e->lse = largest(e->lse, r->lse[row] - lse);
    for (uint32_t d = 0; d < s->dim; d++) {
        e->out = largest(e->out, r->out[row * s->dim + d] - out[d]);
        e->approximation = largest(e->approximation, out[d] - full[d]);
        if (w->desc->single && same) {
            e->single =
                largest(e->single, (double)r->out[row * s->dim + d] - r->single_out[row * s->dim + d]);
        }
    }
}

/* Tokens are spread evenly, the first and the last among them; of star half of them are the query's. */
static void compare(const worker *w, const results *r, ring_errors *e) {
    uint32_t asked = w->desc->rows, query = is_star(w) ? w->shape.query : 0, tokens = r->whole.tokens;
    for (uint32_t i = 0; i < asked; i++) {
        bool of_query = query != 0 && i % 2 == 1;
        uint64_t from = of_query ? w->shape.tokens : 0, count = of_query ? query : tokens;
        uint32_t token = (uint32_t)(from + (asked > 1 ? (count - 1) * i / (asked - 1) : 0));
        compare_row(w, r, token, i % w->shape.heads, e);
        e->rows++;
    }
}

/* One device, alone: the others wait. */
static bool run_single(const worker *w, results *r, ring_study *study) {
    double ms[RING_MOST_REPEATS + 1];
    ring_single *single = NULL;
    bool done = ring_single_make(w->context, &w->shape, r->whole.q, r->whole.k, r->whole.v, r->whole.tokens,
                                 &single) &&
                ring_single_run(single, &ms[0]); /* a warm one */
    for (uint32_t i = 0; done && i < w->desc->repeat; i++) {
        done = ring_single_run(single, &ms[i]);
    }
    done = done && ring_single_results(single, r->single_out, r->single_lse);
    ring_single_free(single);
    study->single_ms = done ? median(ms, w->desc->repeat) : 0.0;
    return done;
}

static void predict(const worker *w, ring_study *study) {
    if (study->single_ms <= 0.0) {
        return;
    }
    const ring_speeds speeds = {(double)ring_all_pairs(&w->shape) / study->single_ms, study->link_ms};
    study->predicted_ms = ring_predict(&w->shape, &speeds, w->desc->overlap);
}

static bool conclude(const worker *w, ring_study *study) {
    results r = {0};
    bool done = results_make(&w->shape, &r);
    if (done) {
        place_all(w, &r);
    }
    done = done && (!is_star(w) || place_query(w, &r)) && (!w->desc->single || run_single(w, &r, study));
    if (done) {
        compare(w, &r, &study->errors);
        predict(w, study);
    }
    results_free(&r);
    return done;
}

/* ---- All of it ---- */

static bool make_room(worker *w) {
    const ring_shape *s = &w->shape;
    size_t rows = (size_t)(s->tokens / s->ranks) * s->heads, ranks = s->ranks;
    bool root = w->link->rank == 0;
    w->mine = calloc(w->desc->repeat, sizeof(*w->mine));
    w->all = root ? calloc(w->desc->repeat * ranks, sizeof(*w->all)) : NULL;
    w->out = malloc(rows * s->dim * sizeof(float));
    w->lse = malloc(rows * sizeof(float));
    w->outs = root ? malloc(ranks * rows * s->dim * sizeof(float)) : NULL;
    w->lses = root ? malloc(ranks * rows * sizeof(float)) : NULL;
    bool made = w->mine && w->out && w->lse && (!root || (w->all && w->outs && w->lses));
    return made || complain("out of memory");
}

static void gather_results(worker *w) {
    size_t rows = (size_t)(w->shape.tokens / w->shape.ranks) * w->shape.heads;
    bool read =
        is_star(w) ? star_rank_results(w->star, w->out, w->lse) : ring_rank_results(w->ring, w->out, w->lse);
    if (!read) {
        w->link->give_up(w->link);
    }
    w->link->gather(w->link, w->out, w->outs, rows * w->shape.dim * sizeof(float));
    w->link->gather(w->link, w->lse, w->lses, rows * sizeof(float));
}

static void close_rank(worker *w) {
    ring_rank_free(w->ring);
    star_rank_free(w->star);
    for (uint32_t turn = 0; turn < (w->link->one_process ? w->link->ranks : 1); turn++) {
        if (!w->link->one_process || turn == w->link->rank) {
            vatten_context_destroy(w->context);
        }
        if (w->link->one_process) {
            w->link->barrier(w->link);
        }
    }
    free(w->mine);
    free(w->all);
    free(w->out);
    free(w->lse);
    free(w->outs);
    free(w->lses);
}

bool ring_study_run(const ring_study_desc *desc, ring_link *link, ring_study *out) {
    worker w = {.desc = desc, .shape = desc->shape, .link = link};
    w.shape.ranks = link->ranks;
    bool good = agree(&w, open_rank(&w) && make_room(&w));
    if (good) {
        run_all(&w);
        double link_ms = link->ranks > 1 ? hop_ms(&w) : 0.0;
        if (link->rank == 0) {
            out->desc = *desc;
            out->one_process = link->one_process;
            out->link_ms = link_ms;
            out->desc.shape = w.shape;
        }
        gather_runs(&w, out);
        gather_results(&w);
        good = agree(&w, link->rank != 0 || conclude(&w, out));
    }
    close_rank(&w);
    return good;
}

uint64_t ring_study_bytes(const ring_study *study) {
    uint64_t bytes = 0;
    for (uint32_t r = 0; r < study->desc.shape.ranks; r++) {
        bytes += study->ranks[r].bytes_sent;
    }
    return bytes;
}

double ring_study_efficiency(const ring_study *study) {
    return study->single_ms / study->total_ms / study->desc.shape.ranks;
}

bool ring_study_right(const ring_study *study) {
    const ring_errors *e = &study->errors;
    return e->out <= out_tolerance && e->lse <= lse_tolerance && e->single <= 2.0 * out_tolerance;
}
