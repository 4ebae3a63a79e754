/* SPDX-License-Identifier: MIT */
#include "decode_study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "decode_exact.h"
#include "median.h"
#include "progress.h"

/* A step that is held against the exact one later, so that times are taken with nothing in between. */
typedef struct kept_step {
    uint64_t lengths; /* of the first entry, with the step's tokens */
    void *q, *out;
} kept_step;

typedef struct runner {
    study *study;
    layer layer;
    tokens tokens;
    progress progress;
    float *scratch;
    kept_step kept[STUDY_CHECKS];
    uint32_t kept_count;
    double *step_ms, *append_ms, *wall_ms;
} runner;

uint64_t study_entry_length(uint64_t length, uint32_t entry, uint32_t batch) {
    return length - length * entry / (2 * (uint64_t)batch);
}

double study_tokens_per_second(const study *s, const study_point *p) {
    return 1e3 * s->desc.layer.rows * s->desc.layer.tokens.batch / p->step_ms;
}

bool study_passed(const study *s) {
    bool passed = s->fault == NULL;
    for (uint32_t i = 0; i < s->desc.length_count; i++) {
        passed = passed && s->point[i].worst <= exact_tolerance(s->desc.layer.tokens.dtype);
    }
    return passed;
}

/* ---- Opening ---- */

static void print_message(void *user, vatten_log_level level, const char *message) {
    if (level <= VATTEN_LOG_WARN) {
        progress_clear(user);
        complain("%s%s", level == VATTEN_LOG_WARN ? "warning: " : "", message);
    }
}

static bool open_device(runner *r, vatten_context **out) {
    const vatten_context_desc desc = {.device = r->study->desc.device,
                                      .logger = {.write = print_message, .user = &r->progress}};
    vatten_context_info info;
    if (vatten_context_create(&desc, out) != VATTEN_SUCCESS) {
        return complain("no Vulkan device to run on");
    }
    vatten_context_get_info(*out, &info);
    memcpy(r->study->device, info.device_name, sizeof(r->study->device));
    return true;
}

static bool make_runner(runner *r, vatten_context *context) {
    study *s = r->study;
    const layer_desc *d = &s->desc.layer;
    if (!layer_create(&r->layer, context, d) || !tokens_create(&r->tokens, &d->tokens)) {
        return false;
    }
    s->info = r->layer.attend_info;
    s->clock = r->layer.commands.stamps != VK_NULL_HANDLE;
    s->pool_pages = r->layer.attention.pool_pages;
    s->page_bytes = 2 * d->page * tokens_row(&d->tokens);
    r->scratch = malloc((size_t)d->tokens.heads * d->tokens.dim * sizeof(float));
    r->step_ms = calloc(3 * (size_t)s->desc.steps, sizeof(double));
    bool ready = r->scratch && r->step_ms;
    r->append_ms = ready ? r->step_ms + s->desc.steps : NULL;
    r->wall_ms = ready ? r->append_ms + s->desc.steps : NULL;
    for (int i = 0; i < STUDY_CHECKS && s->desc.check; i++) {
        r->kept[i].q = malloc(r->layer.bytes[LAYER_Q]);
        r->kept[i].out = malloc(r->layer.bytes[LAYER_OUT]);
        ready = ready && r->kept[i].q && r->kept[i].out;
    }
    return ready || complain("out of memory");
}

static void close_runner(runner *r) {
    for (int i = 0; i < STUDY_CHECKS; i++) {
        free(r->kept[i].q);
        free(r->kept[i].out);
    }
    free(r->step_ms);
    free(r->scratch);
    tokens_destroy(&r->tokens);
    layer_destroy(&r->layer);
}

/* ---- Steps ---- */

/* What the layers before would give for the new tokens, entry by entry. */
static void stage(runner *r) {
    const token_desc *d = &r->tokens.desc;
    uint32_t rows = r->layer.desc.rows;
    size_t row = tokens_row(d), query = r->layer.bytes[LAYER_Q] / ((size_t)d->batch * rows);
    unsigned char *q = layer_staged(&r->layer, LAYER_Q), *k = layer_staged(&r->layer, LAYER_K),
                  *v = layer_staged(&r->layer, LAYER_V);
    for (uint32_t entry = 0; entry < d->batch; entry++) {
        uint64_t first = pages_length(&r->layer.pages, entry) - rows;
        memcpy(k + entry * rows * row, tokens_at(&r->tokens, r->tokens.k, entry, first), rows * row);
        memcpy(v + entry * rows * row, tokens_at(&r->tokens, r->tokens.v, entry, first), rows * row);
        for (uint32_t i = 0; i < rows; i++) {
            tokens_query(&r->tokens, entry, first + i, r->scratch, q + (entry * rows + i) * query);
        }
    }
}

/* Spread over the steps, the first and the last among them. */
static bool is_kept(const study_desc *d, uint32_t step) {
    uint32_t checks = d->steps < STUDY_CHECKS ? d->steps : STUDY_CHECKS;
    for (uint32_t i = 0; i < checks; i++) {
        if (step == (checks > 1 ? (uint64_t)i * (d->steps - 1) / (checks - 1) : 0)) {
            return d->check;
        }
    }
    return false;
}

static void keep(runner *r) {
    kept_step *kept = &r->kept[r->kept_count++];
    kept->lengths = pages_length(&r->layer.pages, 0);
    memcpy(kept->q, layer_staged(&r->layer, LAYER_Q), r->layer.bytes[LAYER_Q]);
    memcpy(kept->out, layer_staged(&r->layer, LAYER_OUT), r->layer.bytes[LAYER_OUT]);
}

/* Keys that some row of the step sees, and the pairs of all rows. */
static void count_step(const runner *r, study_point *p) {
    const token_desc *d = &r->tokens.desc;
    double rows = r->layer.desc.rows, window = d->window ? (double)d->window : INFINITY;
    for (uint32_t entry = 0; entry < d->batch; entry++) {
        double length = (double)pages_length(&r->layer.pages, entry), pairs = 0.0;
        for (double i = 1.0; i <= rows; i++) {
            pairs += fmin(length - rows + i, window);
        }
        p->bytes += 2.0 * (double)tokens_row(d) * fmin(length, window + rows - 1.0) / r->study->desc.steps;
        p->flops += 4.0 * d->dim * d->heads * pairs / r->study->desc.steps;
    }
}

static bool step(runner *r, uint32_t index, study_point *p) {
    layer_times times;
    layer_grow(&r->layer);
    stage(r);
    /* Some drivers compile a kernel when it first runs. */
    if ((index == 0 && !layer_submit(&r->layer, &times)) || !layer_submit(&r->layer, &times)) {
        return false;
    }
    r->step_ms[index] = r->study->clock ? times.append_ms + times.attend_ms : times.wall_ms;
    r->append_ms[index] = times.append_ms;
    r->wall_ms[index] = times.wall_ms;
    count_step(r, p);
    if (is_kept(&r->study->desc, index)) {
        keep(r);
    }
    return true;
}

static void check_kept(runner *r, const kept_step *kept, uint64_t before, study_point *p) {
    const token_desc *d = &r->tokens.desc;
    uint32_t rows = r->layer.desc.rows;
    size_t entry_bytes = r->layer.bytes[LAYER_Q] / d->batch;
    for (uint32_t entry = 0; entry < d->batch; entry++) {
        exact_step exact = {.entry = entry,
                            .rows = rows,
                            .length = study_entry_length(before, entry, d->batch) + kept->lengths - before,
                            .q = (unsigned char *)kept->q + entry * entry_bytes,
                            .out = (unsigned char *)kept->out + entry * entry_bytes};
        p->worst = fmax(p->worst, exact_error(&r->tokens, &exact));
        p->checked += rows;
    }
}

static bool run_length(runner *r, study_point *p) {
    const study_desc *d = &r->study->desc;
    uint64_t lengths[64];
    for (uint32_t entry = 0; entry < d->layer.tokens.batch; entry++) {
        lengths[entry] = study_entry_length(p->length, entry, d->layer.tokens.batch);
    }
    r->kept_count = 0;
    bool done = layer_fill(&r->layer, &r->tokens, lengths);
    for (uint32_t i = 0; i < d->steps && done; i++) {
        done = step(r, i, p);
    }
    for (uint32_t i = 0; i < r->kept_count && done; i++) {
        check_kept(r, &r->kept[i], p->length, p);
    }
    if (done) {
        p->step_ms = median(r->step_ms, d->steps);
        p->least_ms = r->step_ms[0]; /* sorted by now */
        p->append_ms = median(r->append_ms, d->steps);
        p->wall_ms = median(r->wall_ms, d->steps);
    }
    return done;
}

static bool run_lengths(runner *r) {
    study *s = r->study;
    r->progress = progress_begin("cache length", s->desc.quiet);
    for (uint32_t i = 0; i < s->desc.length_count; i++) {
        progress_say(&r->progress, i, s->desc.length_count);
        s->point[i].length = s->desc.length[i];
        if (!run_length(r, &s->point[i])) {
            return false;
        }
    }
    for (uint32_t entry = 0; entry < s->desc.layer.tokens.batch; entry++) {
        s->cached += pages_length(&r->layer.pages, entry);
    }
    s->fault = s->desc.check ? layer_fault(&r->layer, &r->tokens) : NULL;
    progress_clear(&r->progress);
    return true;
}

bool study_run(const study_desc *desc, study *out) {
    vatten_context *context = NULL;
    runner *r = calloc(1, sizeof(*r));
    if (!r) {
        return complain("out of memory");
    }
    *out = (study){.desc = *desc};
    out->desc.layer.tokens.capacity =
        desc->length[desc->length_count - 1] + (uint64_t)desc->steps * desc->layer.rows;
    r->study = out;
    r->progress = progress_begin("step", desc->quiet);
    bool done = open_device(r, &context) && make_runner(r, context) && run_lengths(r);
    progress_clear(&r->progress);
    close_runner(r);
    vatten_context_destroy(context);
    free(r);
    return done;
}
