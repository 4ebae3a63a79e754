/* SPDX-License-Identifier: MIT
 *
 * Sparse attention against plain statements of published rules: MoBA, where every query and head has blocks of its own, and
 * blocks of queries that share theirs by their means. Lists of single queries are executed in both ways. Rows whose choice
 * hangs on rounding are left out and counted.
 */
#include "gpu_harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define MOST         512 /* tokens */
#define NEAR         2e-5

static gpu device;

typedef struct trial {
    vatten_sparse_desc desc;
    gpu_view view[4];      /* q, k, v, out */
    gpu_region regions[6]; /* and lse, workspace */
    vatten_plan *plan;
    vatten_plan_info info;
    uint64_t skipped, empty; /* rows */
} trial;

static const gpu_slot slots[6] = {GPU_Q, GPU_K, GPU_V, GPU_OUT, GPU_LSE, GPU_WORKSPACE};

static double input(const trial *t, int which, uint64_t b, uint64_t token, uint64_t head, uint64_t d) {
    float raw = ref_random(30 + (uint64_t)which, ((b * MOST + token) * 8 + head) * 128 + d);
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
    for (uint64_t i = 0; i < dim; ++i) {
        out[i] = 0.0;
    }
    for (uint64_t j = 0; j < d->kv_len; ++j) {
        double weight = isinf(score[j]) ? 0.0 : exp(score[j] - top);
        sum += weight;
        for (uint64_t i = 0; i < dim && weight > 0.0; ++i) {
            out[i] += weight * input(t, 2, b, j, kv_head, i);
        }
    }
    for (uint64_t i = 0; i < dim; ++i) {
        out[i] = sum > 0.0 ? out[i] / sum : 0.0;
    }
    return sum > 0.0 ? top + log(sum) : -INFINITY;
}

static bool row_differs(const trial *t, uint64_t b, uint64_t head, uint64_t query, const double *want,
                        double lse) {
    const vatten_heads *h = &t->desc.heads;
    gpu_view lse_view = {
        true,          REF_F32,  h->batch, t->desc.q_len,
        t->desc.q_len, h->heads, 1,        {(int64_t)(h->heads * t->desc.q_len), (int64_t)t->desc.q_len, 1}};
    double got_lse =
        (double)gpu_region_read(&t->regions[4], &lse_view, gpu_view_index(&lse_view, b, query, head, 0));
    for (uint64_t i = 0; i < h->dim; ++i) {
        double got = (double)gpu_region_read(&t->regions[3], &t->view[3],
                                             gpu_view_index(&t->view[3], b, query, head, i));
        if (!(fabs(got - want[i]) <= ref_tolerance(t->view[3].dtype))) {
            gpu_fail(&device, "batch entry %u, head %u, query %u, dim %u: %g, not %g", (unsigned)b,
                     (unsigned)head, (unsigned)query, (unsigned)i, got, want[i]);
            return true;
        }
    }
    if (!(fabs(got_lse - lse) <= ref_lse_tolerance() || got_lse == lse)) {
        gpu_fail(&device, "batch entry %u, head %u, query %u: lse %g, not %g", (unsigned)b, (unsigned)head,
                 (unsigned)query, got_lse, lse);
        return true;
    }
    return false;
}

static void compare(trial *t, const char *name) {
    const vatten_heads *h = &t->desc.heads;
    for (uint64_t n = 0; n < h->batch * h->heads * t->desc.q_len; ++n) {
        uint64_t query = n % t->desc.q_len, head = n / t->desc.q_len % h->heads,
                 b = n / t->desc.q_len / h->heads;
        bool chosen[MOST] = {false};
        double want[128];
        device.rows++;
        if (!choose(t, b, head, query, chosen)) {
            t->skipped++;
            continue;
        }
        double lse = attend(t, b, head, query, chosen, want);
        t->empty += isinf(lse) ? 1 : 0;
        if (row_differs(t, b, head, query, want, lse)) {
            gpu_fail(&device, "%s [%s, %u dispatches]", name, t->info.kernel, t->info.dispatches);
            return;
        }
    }
    if (t->skipped * 50 > h->batch * h->heads * t->desc.q_len + 50) {
        gpu_fail(&device, "%s: %u rows hang on rounding", name, (unsigned)t->skipped);
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

static bool run(trial *t, const char *name) {
    const vatten_args args = {.q = gpu_region_buffer(&t->regions[0]),
                              .k = gpu_region_buffer(&t->regions[1]),
                              .v = gpu_region_buffer(&t->regions[2]),
                              .out = gpu_region_buffer(&t->regions[3]),
                              .lse = gpu_region_buffer(&t->regions[4]),
                              .workspace = gpu_region_buffer(&t->regions[5])};
    return gpu_regions_run(&device, t->regions, 6, t->plan, &args, name);
}

static bool begin(trial *t, const char *name) {
    const vatten_heads *h = &t->desc.heads;
    for (int n = 0; n < 4; ++n) {
        uint64_t heads = n == 0 || n == 3 ? h->heads : h->kv_heads;
        uint64_t tokens = n == 0 || n == 3 ? t->desc.q_len : t->desc.kv_len;
        int64_t row = (int64_t)(heads * h->dim);
        t->view[n] = (gpu_view){true,     gpu_ref_dtype(h->dtype),
                                h->batch, tokens,
                                tokens,   heads,
                                h->dim,   {row * (int64_t)tokens, (int64_t)h->dim, row}};
    }
    vatten_result result = vatten_sparse_create(device.device, &t->desc, &t->plan);
    if (result == VATTEN_ERROR_UNSUPPORTED && !gpu_has_layout(&device, h->tile.layout)) {
        return false;
    }
    if (result != VATTEN_SUCCESS) {
        gpu_fail(&device, "%s: create: %s", name, device.message);
        return false;
    }
    vatten_plan_get_info(t->plan, &t->info);
    if (t->desc.execution != VATTEN_SPARSE_AUTO && t->info.execution != t->desc.execution) {
        gpu_fail(&device, "%s: execution %d was taken", name, (int)t->info.execution);
    }
    const uint64_t bytes[6] = {t->info.q_bytes,   t->info.k_bytes,   t->info.v_bytes,
                               t->info.out_bytes, t->info.lse_bytes, t->info.workspace_bytes};
    for (int n = 0; n < 6; ++n) {
        if (!gpu_region_create(&device, &t->regions[n], slots[n], bytes[n], t->info.offset_alignment)) {
            return false;
        }
    }
    return true;
}

/* A second run from the same state writes the same bits. */
static void run_again(trial *t, const char *name) {
    for (int n = 3; n < 5; ++n) {
        gpu_region *region = &t->regions[n];
        uint8_t *before = malloc((size_t)region->total);
        memcpy(before, region->seen, (size_t)region->total);
        if (!run(t, name)) {
            gpu_fail(&device, "%s: second run: %s", name, device.message);
        } else if (memcmp(before, region->seen, (size_t)region->total) != 0) {
            gpu_fail(&device, "%s: the second run differs", name);
        }
        free(before);
    }
}

/* Returns how many dispatches there are, and how many rows see nothing; 0 if nothing ran. */
static uint32_t check(const char *name, const vatten_sparse_desc *desc, uint64_t *out_empty) {
    trial *t = calloc(1, sizeof *t);
    t->desc = *desc;
    if (gpu_has_dtype(&device, desc->heads.dtype) && begin(t, name)) {
        device.cases++;
        fill(t);
        if (run(t, name)) {
            compare(t, name);
            run_again(t, name);
        } else {
            gpu_fail(&device, "%s: run: %s", name, device.message);
        }
    }
    vatten_plan_destroy(t->plan);
    for (int n = 0; n < 6; ++n) {
        gpu_region_destroy(&device, &t->regions[n], slots[n]);
    }
    gpu_check_validation(&device, name);
    uint32_t dispatches = t->info.dispatches;
    *out_empty += t->empty;
    free(t);
    return dispatches;
}

typedef struct sparse_row {
    uint64_t q_len, kv_len;
    uint32_t q_block, kv_block, heads, kv_heads, entries, first;
    bool causal;
} sparse_row;

/* Whole and in parts. Returns by how many dispatches those differ. */
static uint32_t check_row(const char *name, const sparse_row *row, unsigned n,
                          vatten_sparse_execution execution) {
    uint32_t more = 0;
    for (int layout = VATTEN_LAYOUT_ROWS; layout <= VATTEN_LAYOUT_SHARED; ++layout) {
        vatten_sparse_desc desc = {
            .heads = {.dtype = (vatten_dtype)(VATTEN_DTYPE_F32 + (n + (unsigned)layout) % 3),
                      .batch = 1 + n % 2,
                      .heads = row->heads,
                      .kv_heads = row->kv_heads,
                      .dim = 16,
                      .write_lse = true,
                      .tile = gpu_small_tile(&device, (vatten_layout)layout)},
            .q_len = row->q_len,
            .kv_len = row->kv_len,
            .q_block = row->q_block,
            .kv_block = row->kv_block,
            .rule = {.entries = row->entries, .first = row->first, .own = true},
            .causal = row->causal,
            .execution = execution,
        };
        char text[64];
        uint64_t empty = 0;
        snprintf(text, sizeof text, "%s %u, layout %d", name, n, layout);
        uint32_t whole = check(text, &desc, &empty);
        desc.max_workspace = 40000;
        desc.heads.max_macs = 300000;
        snprintf(text, sizeof text, "%s %u, layout %d, in parts", name, n, layout);
        more += check(text, &desc, &empty) - whole;
    }
    return more;
}

static void test_moba(void **state) {
    (void)state;
    static const sparse_row rows[] = {
        {200, 200, 1, 32, 2, 1, 3, 0, true}, /* a short last block, visible to its own queries only */
        {128, 128, 1, 16, 2, 2, 1, 0, true}, /* the own block alone */
        {70, 250, 1, 25, 4, 2, 4, 1, true},  /* queries at the end of a cache */
        {100, 100, 1, 20, 1, 1, 2, 0, false},
    };
    uint32_t joined = 0, gathered = 0;
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        joined += check_row("MoBA", &rows[n], n, VATTEN_SPARSE_UNION);
        gathered += check_row("MoBA gathered", &rows[n], n, VATTEN_SPARSE_GATHER);
    }
    assert_true(joined > 0 && gathered > 20); /* there were parts */
    gpu_assert_clean(&device);
}

static void test_blocks_of_queries(void **state) {
    (void)state;
    static const sparse_row rows[] = {
        {200, 200, 32, 32, 2, 1, 3, 1, true},
        {190, 260, 64, 16, 2, 2, 8, 0, false},
        {130, 130, 16, 40, 4, 1, 3, 0, true},
    };
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        check_row("blocks of queries", &rows[n], n, VATTEN_SPARSE_AUTO);
    }
    gpu_assert_clean(&device);
}

static uint64_t draw(uint64_t *state, uint64_t low, uint64_t high) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return low + (*state >> 33) % (high - low + 1);
}

/* Lengths, blocks and heads of any kind: short last blocks, queries at the end or the start of the keys, heads that share
 * keys, lists, both or neither, lists that no block is good enough for. */
static vatten_sparse_desc draw_problem(uint64_t *random, vatten_layout layout) {
    vatten_sparse_desc d = {.heads = {.dtype = (vatten_dtype)draw(random, 1, 3),
                                      .batch = draw(random, 1, 2),
                                      .kv_heads = 1u << draw(random, 0, 1),
                                      .dim = (uint32_t)(draw(random, 0, 1) ? 16 : draw(random, 1, 24)),
                                      .write_lse = true,
                                      .tile = gpu_small_tile(&device, layout)},
                            .q_len = draw(random, 1, 70),
                            .q_block = 1,
                            .causal = draw(random, 0, 3) != 0,
                            .align = draw(random, 0, 3) ? VATTEN_ALIGN_LAST : VATTEN_ALIGN_FIRST};
    if (gpu_has_matrices(layout)) {
        d.heads.dtype = gpu_matrix_dtype(&device, d.heads.dtype);
    }
    d.heads.heads = d.heads.kv_heads << draw(random, 0, 1);
    d.kv_len = d.q_len + draw(random, 0, 100);
    d.kv_block = (uint32_t)draw(random, 1, smaller(d.kv_len, 40));
    uint64_t blocks = (d.kv_len + d.kv_block - 1) / d.kv_block;
    d.rule.entries = (uint32_t)draw(random, 1, smaller(blocks, 6));
    d.rule.own = draw(random, 0, 1) == 1;
    d.rule.list_heads = (uint32_t)draw(random, 0, 2);
    d.rule.list_heads = d.heads.heads % (d.rule.list_heads ? d.rule.list_heads : 1) ? 1 : d.rule.list_heads;
    if (draw(random, 0, 3) == 0) {
        d.rule.budget = VATTEN_BUDGET_THRESHOLD;
        d.rule.share = 0.8f;
        d.rule.own = false;
        d.rule.entries = (uint32_t)blocks;
    }
    d.max_workspace = draw(random, 0, 1) ? 0 : draw(random, 45000, 90000);
    d.heads.max_macs = draw(random, 0, 1) ? 0 : UINT64_C(1) << draw(random, 8, 17);
    d.heads.max_moves = d.heads.max_macs / 8;
    return d;
}

static void test_single_queries_at_random(void **state) {
    (void)state;
    unsigned rounds = gpu_thorough(&device) ? 200 : 24;
    uint64_t empty = 0;
    for (unsigned seed = 0; seed < rounds; ++seed) {
        uint64_t random = seed;
        draw(&random, 0, 1);
        vatten_layout layout = (vatten_layout)(VATTEN_LAYOUT_ROWS + seed % 4);
        vatten_sparse_desc desc = draw_problem(&random, layout);
        char text[64];
        desc.execution = seed % 6 == 5 ? VATTEN_SPARSE_UNION : VATTEN_SPARSE_GATHER;
        snprintf(text, sizeof text, "seed %u, layout %d, execution %d", seed, (int)layout,
                 (int)desc.execution);
        check(text, &desc, &empty);
    }
    assert_true(empty > 20); /* of 0 and -inf */
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moba),
        cmocka_unit_test(test_blocks_of_queries),
        cmocka_unit_test(test_single_queries_at_random),
    };
    int opened = gpu_open(&device, "test_sparse", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
