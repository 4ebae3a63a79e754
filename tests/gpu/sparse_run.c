/* SPDX-License-Identifier: MIT
 *
 * What sparse attention must give, told from means of blocks, a plain choice and whole rows of attention.
 */
#include "sparse_run.h"

#include <math.h>

#define MOST SPARSE_MOST_TOKENS
#define NEAR 2e-5

enum { REGIONS = 6 };

static const gpu_slot slots[REGIONS] = {GPU_Q, GPU_K, GPU_V, GPU_OUT, GPU_LSE, GPU_WORKSPACE};

typedef struct trial {
    gpu *g;
    const char *name;
    vatten_sparse_desc desc;
    uint64_t seed;
    gpu_view view[5];            /* q, k, v, out, lse */
    gpu_region regions[REGIONS]; /* and workspace */
    vatten_plan *plan;
    vatten_plan_info info;
    uint64_t skipped, empty; /* rows */
} trial;

static double input(const trial *t, int which, uint64_t b, uint64_t token, uint64_t head, uint64_t d) {
    float raw = ref_random(t->seed + 30 + (uint64_t)which, ((b * MOST + token) * 8 + head) * 128 + d);
    return (double)(t->view[0].dtype == REF_F16    ? ref_f16_to_f32(ref_f32_to_f16(raw))
                    : t->view[0].dtype == REF_BF16 ? ref_bf16_to_f32(ref_f32_to_bf16(raw))
                                                   : raw);
}

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* The mean of a run of tokens, dim by dim. */
static void mean(const trial *t, int which, uint64_t b, uint64_t head, uint64_t first, uint64_t end,
                 double *out) {
    for (uint64_t d = 0; d < t->desc.heads.dim; ++d) {
        out[d] = 0.0;
        for (uint64_t token = first; token < end; ++token) {
            out[d] += input(t, which, b, token, head, d) / (double)(end - first);
        }
    }
}

static uint64_t shift_of(const vatten_sparse_desc *d) {
    return d->causal && d->align == VATTEN_ALIGN_LAST ? d->kv_len - d->q_len : 0;
}

/* MoBA: gate = q . mean(K of the block), not scaled, summed over the heads that share a list. The same for the mean of a
 * block of queries. */
static void gates(const trial *t, uint64_t b, uint64_t head, uint64_t first, uint64_t end, double *gate) {
    const vatten_sparse_desc *d = &t->desc;
    uint64_t blocks = (d->kv_len + d->kv_block - 1) / d->kv_block;
    uint64_t group = d->rule.list_heads ? d->heads.heads / d->rule.list_heads : 1;
    double q[128], k[128];
    for (uint64_t n = 0; n < blocks; ++n) {
        gate[n] = 0.0;
        for (uint64_t h = head / group * group; h < head / group * group + group; ++h) {
            mean(t, 0, b, h, first, end, q);
            mean(t, 1, b, h / (d->heads.heads / d->heads.kv_heads), n * d->kv_block,
                 smaller((n + 1) * d->kv_block, d->kv_len), k);
            for (uint64_t i = 0; i < d->heads.dim; ++i) {
                gate[n] += q[i] * k[i];
            }
        }
    }
}

/* The blocks whose value reaches the share. */
static bool choose_above(const vatten_sparse_desc *d, uint64_t candidates, const double *gate,
                         bool chosen[MOST]) {
    bool clear = true;
    for (uint64_t n = 0; n < candidates; ++n) {
        clear = clear && fabs(gate[n] - (double)d->rule.share) > NEAR;
        chosen[n] = chosen[n] || gate[n] >= (double)d->rule.share;
    }
    return clear;
}

/* The own blocks are in and count, blocks of the future are not; of the rest the best. Returns whether the choice is
 * clear. */
static bool choose(const trial *t, uint64_t b, uint64_t head, uint64_t query, bool chosen[MOST]) {
    const vatten_sparse_desc *d = &t->desc;
    uint64_t blocks = (d->kv_len + d->kv_block - 1) / d->kv_block;
    uint64_t row = query / d->q_block, first = row * d->q_block, end = smaller(first + d->q_block, d->q_len);
    uint64_t shift = shift_of(d);
    uint64_t own_first = (first + shift) / d->kv_block,
             own_last = (first + shift + d->q_block - 1) / d->kv_block;
    uint64_t candidates = d->causal ? smaller(own_last + 1, blocks) : blocks, left = d->rule.entries;
    double gate[MOST];
    gates(t, b, head, first, end, gate);
    for (uint64_t n = 0; n < blocks; ++n) {
        bool own = d->rule.own && n >= own_first && n <= own_last && n < candidates;
        chosen[n] = own || (n < d->rule.first && n < candidates);
        left -= chosen[n];
    }
    if (d->rule.budget == VATTEN_BUDGET_THRESHOLD) {
        return choose_above(d, candidates, gate, chosen);
    }
    double last = INFINITY, next = -INFINITY;
    for (; left > 0; --left) {
        uint64_t best = blocks;
        for (uint64_t n = 0; n < candidates; ++n) {
            best = !chosen[n] && (best == blocks || gate[n] >= gate[best]) ? n : best;
        }
        if (best == blocks) {
            return true; /* all candidates are in */
        }
        chosen[best] = true;
        last = gate[best];
    }
    for (uint64_t n = 0; n < candidates; ++n) {
        next = chosen[n] ? next : fmax(next, gate[n]);
    }
    return last - next > NEAR || isinf(last);
}

/* One row of attention over the chosen blocks. */
static double attend(const trial *t, uint64_t b, uint64_t head, uint64_t query, const bool chosen[MOST],
                     double *out) {
    const vatten_sparse_desc *d = &t->desc;
    uint64_t kv_head = head / (d->heads.heads / d->heads.kv_heads), dim = d->heads.dim;
    uint64_t value_dim = t->view[2].dim;
    uint64_t diag = query + shift_of(d);
    double score[MOST], top = -INFINITY, sum = 0.0;
    for (uint64_t j = 0; j < d->kv_len; ++j) {
        score[j] = -INFINITY;
        if (!chosen[j / d->kv_block] || (d->causal && j > diag)) {
            continue;
        }
        score[j] = 0.0;
        for (uint64_t i = 0; i < dim; ++i) {
            score[j] += input(t, 0, b, query, head, i) * input(t, 1, b, j, kv_head, i) / sqrt((double)dim);
        }
        top = fmax(top, score[j]);
    }
    for (uint64_t i = 0; i < value_dim; ++i) {
        out[i] = 0.0;
    }
    for (uint64_t j = 0; j < d->kv_len; ++j) {
        double weight = isinf(score[j]) ? 0.0 : exp(score[j] - top);
        sum += weight;
        for (uint64_t i = 0; i < value_dim && weight > 0.0; ++i) {
            out[i] += weight * input(t, 2, b, j, kv_head, i);
        }
    }
    for (uint64_t i = 0; i < value_dim; ++i) {
        out[i] = sum > 0.0 ? out[i] / sum : 0.0;
    }
    return sum > 0.0 ? top + log(sum) : -INFINITY;
}

static bool row_differs(trial *t, uint64_t b, uint64_t head, uint64_t query, const double *want, double lse) {
    for (uint64_t i = 0; i < t->view[3].dim; ++i) {
        uint64_t at = gpu_view_index(&t->view[3], b, query, head, i);
        double got = (double)gpu_region_read(&t->regions[3], &t->view[3], at);
        if (!(fabs(got - want[i]) <= ref_tolerance(t->view[3].dtype))) {
            gpu_fail(t->g, "batch entry %u, head %u, query %u, dim %u: %g, not %g", (unsigned)b,
                     (unsigned)head, (unsigned)query, (unsigned)i, got, want[i]);
            return true;
        }
    }
    if (!t->desc.heads.write_lse) {
        return false;
    }
    double got =
        (double)gpu_region_read(&t->regions[4], &t->view[4], gpu_view_index(&t->view[4], b, query, head, 0));
    bool packed = gpu_is_packed(t->desc.heads.tile.layout);
    double tolerance = packed ? ref_lse_tolerance_packed() : ref_lse_tolerance();
    if (!(fabs(got - lse) <= tolerance || got == lse)) {
        gpu_fail(t->g, "batch entry %u, head %u, query %u: lse %g, not %g", (unsigned)b, (unsigned)head,
                 (unsigned)query, got, lse);
        return true;
    }
    return false;
}

/* Of every row, right or not, so that what is left has changed where nothing is to be written. */
static void restore_row(trial *t, uint64_t b, uint64_t head, uint64_t query) {
    for (uint64_t i = 0; i < t->view[3].dim; ++i) {
        gpu_region_restore(&t->regions[3], &t->view[3], gpu_view_index(&t->view[3], b, query, head, i));
    }
}

static void compare(trial *t) {
    const vatten_heads *h = &t->desc.heads;
    for (uint64_t n = 0; n < h->batch * h->heads * t->desc.q_len; ++n) {
        uint64_t query = n % t->desc.q_len, head = n / t->desc.q_len % h->heads,
                 b = n / t->desc.q_len / h->heads;
        bool chosen[MOST] = {false};
        double want[128];
        t->g->rows++;
        bool clear = choose(t, b, head, query, chosen);
        if (!clear) {
            t->skipped++;
            restore_row(t, b, head, query);
            continue;
        }
        double lse = attend(t, b, head, query, chosen, want);
        t->empty += isinf(lse) ? 1 : 0;
        if (row_differs(t, b, head, query, want, lse)) {
            gpu_fail(t->g, "%s [%s, %u dispatches]", t->name, t->info.kernel, t->info.dispatches);
            return;
        }
        restore_row(t, b, head, query);
    }
    /* of few dims values lie close together */
    if (t->desc.heads.dim >= 4 && t->skipped * 20 > h->batch * h->heads * t->desc.q_len + 100) {
        gpu_fail(t->g, "%s: %u rows hang on rounding", t->name, (unsigned)t->skipped);
    }
    if (gpu_region_changed(&t->regions[3], 0, t->regions[3].total) != UINT64_MAX) {
        gpu_fail(t->g, "%s: wrote where nothing is to be written", t->name);
    }
}

static void fill(trial *t) {
    for (int which = 0; which < 3; ++which) {
        const gpu_view *view = &t->view[which];
        for (uint64_t n = 0; n < view->batch * view->tokens * view->heads * view->dim; ++n) {
            uint64_t d = n % view->dim, head = n / view->dim % view->heads,
                     token = n / view->dim / view->heads;
            uint64_t b = token / view->tokens;
            token %= view->tokens;
            gpu_region_write(&t->regions[which], view, gpu_view_index(view, b, token, head, d),
                             (float)input(t, which, b, token, head, d));
        }
    }
}

static bool run(trial *t) {
    const vatten_args args = {.q = gpu_region_buffer(&t->regions[0]),
                              .k = gpu_region_buffer(&t->regions[1]),
                              .v = gpu_region_buffer(&t->regions[2]),
                              .out = gpu_region_buffer(&t->regions[3]),
                              .lse = gpu_region_buffer(&t->regions[4]),
                              .workspace = gpu_region_buffer(&t->regions[5])};
    return gpu_regions_run_twice(t->g, t->regions, REGIONS, 1u << 3 | 1u << 4, t->plan, &args, t->name);
}

static void set_views(trial *t) {
    const vatten_heads *h = &t->desc.heads;
    const vatten_strides given[4] = {h->q, h->k, h->v, h->out};
    for (int n = 0; n < 4; ++n) {
        bool queries = n == 0 || n == 3;
        uint64_t heads = queries ? h->heads : h->kv_heads, tokens = queries ? t->desc.q_len : t->desc.kv_len;
        uint64_t dim = n >= 2 && h->value_dim ? h->value_dim : h->dim;
        int64_t row = (int64_t)(heads * dim);
        bool packed = given[n].batch == 0 && given[n].head == 0 && given[n].token == 0;
        t->view[n] =
            (gpu_view){true, gpu_ref_dtype(h->dtype), h->batch, tokens, tokens, heads, dim, given[n]};
        if (packed) {
            t->view[n].strides = (vatten_strides){row * (int64_t)tokens, (int64_t)dim, row};
        }
    }
    int64_t q_len = (int64_t)t->desc.q_len;
    t->view[4] = (gpu_view){h->write_lse,  REF_F32,  h->batch, t->desc.q_len,
                            t->desc.q_len, h->heads, 1,        {h->heads * q_len, q_len, 1}};
}

static bool sizes_are_right(const trial *t) {
    const uint64_t bytes[5] = {t->info.q_bytes, t->info.k_bytes, t->info.v_bytes, t->info.out_bytes,
                               t->info.lse_bytes};
    for (int n = 0; n < 5; ++n) {
        if (bytes[n] != gpu_view_bytes(&t->view[n])) {
            gpu_fail(t->g, "%s: the plan wants %u bytes of buffer %d", t->name, (unsigned)bytes[n], n);
            return false;
        }
    }
    return true;
}

static bool begin(trial *t) {
    set_views(t);
    if (vatten_sparse_create(t->g->device, &t->desc, &t->plan) != VATTEN_SUCCESS) {
        gpu_fail(t->g, "%s: create: %s", t->name, t->g->message);
        return false;
    }
    vatten_plan_get_info(t->plan, &t->info);
    if (t->desc.execution != VATTEN_SPARSE_AUTO && t->info.execution != t->desc.execution) {
        gpu_fail(t->g, "%s: execution %d was taken", t->name, (int)t->info.execution);
    }
    const uint64_t bytes[REGIONS] = {t->info.q_bytes,   t->info.k_bytes,   t->info.v_bytes,
                                     t->info.out_bytes, t->info.lse_bytes, t->info.workspace_bytes};
    for (int n = 0; n < REGIONS; ++n) {
        if (!gpu_region_create(t->g, &t->regions[n], slots[n], bytes[n], t->info.offset_alignment)) {
            return false;
        }
    }
    return sizes_are_right(t);
}

uint32_t sparse_check(gpu *g, const char *name, const sparse_case *c, uint64_t *out_empty) {
    trial t = {.g = g, .name = name, .desc = c->desc, .seed = c->seed};
    bool can = gpu_has_dtype(g, c->desc.heads.dtype) && gpu_has_layout(g, c->desc.heads.tile.layout);
    if (can && begin(&t)) {
        g->cases++;
        fill(&t);
        if (run(&t)) {
            compare(&t);
        }
    }
    vatten_plan_destroy(t.plan);
    gpu_regions_destroy(g, t.regions, REGIONS, slots);
    gpu_check_validation(g, name);
    *out_empty += t.empty;
    return t.info.dispatches;
}
