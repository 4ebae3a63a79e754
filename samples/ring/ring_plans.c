/* SPDX-License-Identifier: MIT */
#include "ring_plans.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "progress.h"

static void log_write(void *user, vatten_log_level level, const char *message) {
    (void)user;
    if (level <= VATTEN_LOG_WARN) {
        complain("%s", message);
    }
}

bool ring_good(const char *what, vatten_result result) {
    return result == VATTEN_SUCCESS || complain("%s: %s", what, vatten_result_name(result));
}

/* Entry number `which` of a list with commas, counted round and round. */
static void pick(const char *list, uint32_t which, char *out, size_t size) {
    uint32_t count = 1;
    for (const char *c = list; *c; c++) {
        count += *c == ',' ? 1 : 0;
    }
    for (which %= count; which > 0; which--) {
        list = strchr(list, ',') + 1;
    }
    snprintf(out, size, "%.*s", (int)strcspn(list, ","), list);
}

bool ring_open(const char *devices, uint32_t rank, vatten_context **out) {
    char name[256] = "";
    if (devices) {
        pick(devices, rank, name, sizeof(name));
    }
    const vatten_context_desc desc = {.device = devices ? name : NULL, .logger = {.write = log_write}};
    return ring_good("no device", vatten_context_create(&desc, out));
}

bool ring_plan_make(vatten_context *context, const ring_shape *s, const ring_plan_desc *desc,
                    vatten_plan **out) {
    const vatten_attention_desc attention = {
        .heads = {.dtype = VATTEN_DTYPE_F32,
                  .batch = 1,
                  .heads = s->heads,
                  .kv_heads = s->kv_heads,
                  .dim = s->dim,
                  .write_lse = desc->write_lse},
        .q_len = desc->q_len,
        .kv_len = desc->kv_len,
        .causal = desc->causal,
        .carry = desc->carry,
    };
    return ring_good("plan", vatten_attention_create(vatten_context_device(context), &attention, out));
}

bool ring_memory_make(vatten_context *context, uint64_t floats, vatten_memory **out) {
    return ring_good("memory", vatten_memory_create(context, floats * sizeof(float), out));
}

bool ring_upload(vatten_memory *memory, uint64_t first_float, const float *data, uint64_t floats) {
    return ring_good("upload",
                     vatten_memory_upload(memory, first_float * sizeof(float), data, floats * sizeof(float)));
}

bool ring_download(vatten_memory *memory, float *data, uint64_t floats) {
    return ring_good("download", vatten_memory_download(memory, 0, data, floats * sizeof(float)));
}

/* ---- One device ---- */

struct ring_single {
    vatten_context *context;
    vatten_plan *plan;
    vatten_memory *q, *k, *v, *out, *lse;
    uint64_t q_floats, lse_floats;
};

static bool make_single(ring_single *n, const ring_shape *s, const float *q, const float *k, const float *v,
                        uint32_t tokens) {
    const ring_plan_desc desc = {.q_len = tokens,
                                 .kv_len = tokens,
                                 .causal = s->causal || s->method == RING_METHOD_STAR,
                                 .write_lse = true};
    uint64_t kv_floats = (uint64_t)tokens * s->kv_heads * s->dim;
    n->q_floats = (uint64_t)tokens * s->heads * s->dim;
    n->lse_floats = (uint64_t)tokens * s->heads;
    return ring_plan_make(n->context, s, &desc, &n->plan) &&
           ring_memory_make(n->context, n->q_floats, &n->q) &&
           ring_memory_make(n->context, kv_floats, &n->k) && ring_memory_make(n->context, kv_floats, &n->v) &&
           ring_memory_make(n->context, n->q_floats, &n->out) &&
           ring_memory_make(n->context, n->lse_floats, &n->lse) && ring_upload(n->q, 0, q, n->q_floats) &&
           ring_upload(n->k, 0, k, kv_floats) && ring_upload(n->v, 0, v, kv_floats);
}

bool ring_single_make(vatten_context *context, const ring_shape *s, const float *q, const float *k,
                      const float *v, uint32_t tokens, ring_single **out) {
    *out = calloc(1, sizeof(**out));
    if (!*out) {
        return complain("out of memory");
    }
    (*out)->context = context;
    return make_single(*out, s, q, k, v, tokens);
}

bool ring_single_run(ring_single *n, double *ms) {
    const vatten_args args = {.q = vatten_memory_buffer(n->q),
                              .k = vatten_memory_buffer(n->k),
                              .v = vatten_memory_buffer(n->v),
                              .out = vatten_memory_buffer(n->out),
                              .lse = vatten_memory_buffer(n->lse)};
    double begin = progress_now_ms();
    bool ran = ring_good("attention on one device", vatten_context_run(n->context, n->plan, &args, NULL));
    *ms = progress_now_ms() - begin;
    return ran;
}

bool ring_single_results(ring_single *n, float *out, float *lse) {
    return ring_download(n->out, out, n->q_floats) && ring_download(n->lse, lse, n->lse_floats);
}

void ring_single_free(ring_single *n) {
    if (!n) {
        return;
    }
    vatten_memory_destroy(n->q);
    vatten_memory_destroy(n->k);
    vatten_memory_destroy(n->v);
    vatten_memory_destroy(n->out);
    vatten_memory_destroy(n->lse);
    vatten_plan_destroy(n->plan);
    free(n);
}
