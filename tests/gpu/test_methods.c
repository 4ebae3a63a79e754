/* SPDX-License-Identifier: MIT
 *
 * Presets against plain statements of what their papers say, in double and in as few words as possible: which keys a query
 * sees, and what comes out.
 */
#include "preset_kit.h"

#include <vatten/presets.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static gpu device;

static uint64_t ceil_div(uint64_t a, uint64_t b) {
    return (a + b - 1) / b;
}

static void run_sparse(const char *name, kit *t, vatten_result result, const vatten_sparse_desc *desc) {
    vatten_plan *plan = NULL;
    const vatten_args args = {.q = kit_buffer(&t->q),
                              .k = kit_buffer(&t->k),
                              .v = kit_buffer(&t->v),
                              .out = kit_buffer(&t->out),
                              .lse = kit_buffer(&t->lse)};
    if (result == VATTEN_SUCCESS) {
        result = vatten_sparse_create(device.device, desc, &plan);
    }
    if (kit_run(&device, name, result, plan, &args)) {
        kit_read(&device, &t->out);
        kit_read(&device, &t->lse);
    }
}

/* ---- VMoBA ---- */

static void score_tokens(const kit *t, const kit_grid *g, kit_choice *c) {
    for (uint64_t row = 0; row < c->rows; ++row) {
        uint64_t head = row / t->q_len, query = row % t->q_len;
        float *mean =
            kit_means(g, t->k.data, t->kv_len, t->kv_heads, head / (t->heads / t->kv_heads), t->dim);
        for (uint64_t n = 0; n < c->blocks; ++n) {
            c->value[row * c->blocks + n] = kit_dot(t, kit_q(t, head, query), mean + n * t->dim);
        }
        free(mean);
        c->in[row * c->blocks + kit_block_of(g, query)] = true;
    }
}

/* The paper's code: values are made 0 to 1, m is their sum; the best besides the own ones, at least one, until the sum of what
 * is taken reaches tau m less the own ones' part. Whether that is clear. */
static bool take_mass(const double *value, uint64_t count, double tau, bool *in) {
    double least = INFINITY, most = -INFINITY, all = 0.0, got = 0.0;
    bool clear = true;
    uint64_t taken = 0;
    for (uint64_t n = 0; n < count; ++n) {
        least = fmin(least, value[n]);
        most = fmax(most, value[n]);
    }
    double spread = most > least ? most - least : 1.0;
    for (uint64_t n = 0; n < count; ++n) {
        double weight = (value[n] - least) / spread;
        all += weight;
        got += in[n] ? weight : 0.0;
    }
    while (taken == 0 || got < tau * all) {
        clear = kit_take(value, count, 1, in);
        got = 0.0;
        for (uint64_t n = 0; n < count; ++n) {
            got += in[n] ? (value[n] - least) / spread : 0.0;
        }
        clear = clear && fabs(got - tau * all) > 1e-4;
        if (++taken == count) {
            break;
        }
    }
    return clear;
}

/* Of the rows [first, first + rows) together. */
static void take_mass_of_rows(kit_choice *c, uint64_t first, uint64_t rows, double tau) {
    bool clear = take_mass(c->value + first * c->blocks, rows * c->blocks, tau, c->in + first * c->blocks);
    for (uint64_t n = first; n < first + rows; ++n) {
        c->unsure[n] = c->unsure[n] || !clear;
    }
}

/* Of each block by itself, over all queries and heads. */
static void take_mass_of_blocks(kit_choice *c, double tau) {
    double *value = malloc(c->rows * sizeof *value);
    bool *in = malloc(c->rows * sizeof *in);
    for (uint64_t n = 0; n < c->blocks; ++n) {
        for (uint64_t row = 0; row < c->rows; ++row) {
            value[row] = c->value[row * c->blocks + n];
            in[row] = c->in[row * c->blocks + n];
        }
        bool clear = take_mass(value, c->rows, tau, in);
        for (uint64_t row = 0; row < c->rows; ++row) {
            c->in[row * c->blocks + n] = in[row];
            c->unsure[row] = c->unsure[row] || !clear;
        }
    }
    free(value);
    free(in);
}

/* Who shares a budget, by scope: one query of one head, all queries of one, all of all, or those of a block. */
static void choose_vmoba(kit_choice *c, const vatten_vmoba *method, uint64_t tokens) {
    uint64_t rows = method->scope == VATTEN_VMOBA_QUERY  ? 1
                    : method->scope == VATTEN_VMOBA_HEAD ? tokens
                                                         : c->rows;
    if (method->scope == VATTEN_VMOBA_BLOCK) {
        take_mass_of_blocks(c, (double)method->share);
        return;
    }
    for (uint64_t first = 0; first < c->rows; first += rows) {
        if (method->topk) { /* own blocks count in k */
            kit_take_best(c, first, rows, (uint64_t)(method->topk - 1) * rows);
        } else {
            take_mass_of_rows(c, first, rows, (double)method->share);
        }
    }
}

static void check_vmoba(const vatten_vmoba *method, uint32_t heads, uint32_t kv_heads, uint64_t seed) {
    kit_grid g = kit_grid_of(method->rank, method->extent, method->block);
    uint64_t tokens = g.extent[0] * g.extent[1] * g.extent[2];
    kit t = {.q_len = tokens, .kv_len = tokens, .heads = heads, .kv_heads = kv_heads, .dim = 16};
    vatten_heads h;
    vatten_sparse_desc desc;
    char name[96];
    snprintf(name, sizeof name, "VMoBA rank %u, scope %d, top %u, share %g", method->rank, (int)method->scope,
             method->topk, (double)method->share);
    if (kit_begin(&device, &t, seed, &h)) {
        vatten_result result = vatten_preset_vmoba(NULL, &h, method, &desc);
        run_sparse(name, &t, result, &desc);
        kit_choice c = kit_choice_of(heads * tokens, g.count);
        score_tokens(&t, &g, &c);
        choose_vmoba(&c, method, tokens);
        kit_check_choice(&device, name, &t, &g, &c);
        kit_choice_free(&c);
    }
    kit_end(&t);
}

static void test_vmoba(void **state) {
    (void)state;
    static const vatten_vmoba grids[] = {
        {.rank = 1, .extent = {150}, .block = {16}},          /* a short last block */
        {.rank = 2, .extent = {12, 10}, .block = {4, 3}},     /* 12 boxes, some short */
        {.rank = 3, .extent = {4, 6, 5}, .block = {2, 3, 5}}, /* cubes */
        {.rank = 3, .extent = {6, 4, 4}, .block = {2, 4, 4}}, /* along time alone */
    };
    static const float shares[] = {0.0f, 0.25f, 0.7f};
    for (unsigned n = 0; n < COUNT(grids); ++n) {
        for (int scope = VATTEN_VMOBA_QUERY; scope <= VATTEN_VMOBA_ALL; ++scope) {
            vatten_vmoba method = grids[n];
            method.scope = (vatten_vmoba_scope)scope;
            method.topk = 1 + n % 3; /* 1: the own block alone, for scope QUERY */
            check_vmoba(&method, 2, 1 + n % 2, 100 * n + (unsigned)scope);
            method.topk = 0;
            method.share = shares[(n + (unsigned)scope) % 3];
            check_vmoba(&method, 2, 2, 100 * n + 50 + (unsigned)scope);
        }
        for (unsigned i = 0; i < COUNT(shares); ++i) {
            vatten_vmoba method = grids[n];
            method.scope = VATTEN_VMOBA_BLOCK;
            method.share = shares[i];
            check_vmoba(&method, 4, i == 0 ? 4 : 2, 100 * n + 60 + i);
        }
    }
    gpu_assert_clean(&device);
}

/* ---- BiFormer ---- */

/* Regions by means over all channels; each takes the best, its own like any other. */
static void route(const kit *t, const kit_grid *g, uint64_t topk, kit_choice *c) {
    uint32_t channels = t->heads * t->dim;
    float *q = kit_means(g, t->q.data, t->q_len, 1, 0, channels),
          *k = kit_means(g, t->k.data, t->kv_len, 1, 0, channels);
    kit_choice regions = kit_choice_of(g->count, g->count);
    for (uint64_t n = 0; n < g->count * g->count; ++n) {
        for (uint32_t d = 0; d < channels; ++d) {
            regions.value[n] +=
                (double)q[n / g->count * channels + d] * (double)k[n % g->count * channels + d];
        }
    }
    for (uint64_t r = 0; r < g->count; ++r) {
        kit_take_best(&regions, r, 1, topk);
    }
    for (uint64_t n = 0; n < c->rows * c->blocks; ++n) {
        uint64_t row = n / c->blocks, region = kit_block_of(g, row % t->q_len);
        c->in[n] = regions.in[region * g->count + n % c->blocks];
        c->unsure[row] = regions.unsure[region];
    }
    kit_choice_free(&regions);
    free(q);
    free(k);
}

static void test_biformer(void **state) {
    (void)state;
    static const struct {
        uint64_t extent[2];
        uint32_t regions, topk;
    } rows[] = {{{14, 14}, 7, 1}, {{12, 15}, 3, 4}, {{13, 11}, 4, 3}, {{8, 8}, 2, 9}};
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        uint64_t tokens = rows[n].extent[0] * rows[n].extent[1];
        const uint32_t block[2] = {(uint32_t)ceil_div(rows[n].extent[0], rows[n].regions),
                                   (uint32_t)ceil_div(rows[n].extent[1], rows[n].regions)};
        kit_grid g = kit_grid_of(2, rows[n].extent, block);
        kit t = {.q_len = tokens, .kv_len = tokens, .heads = 3, .kv_heads = 3, .dim = 8};
        vatten_heads h;
        vatten_sparse_desc desc;
        char name[64];
        snprintf(name, sizeof name, "BiFormer %u", n);
        if (kit_begin(&device, &t, 900 + n, &h)) {
            vatten_result result =
                vatten_preset_biformer(NULL, &h, rows[n].extent, rows[n].regions, rows[n].topk, &desc);
            run_sparse(name, &t, result, &desc);
            t.scale = 1.0 / sqrt(3 * 8); /* of all channels */
            kit_choice c = kit_choice_of(3 * tokens, g.count);
            route(&t, &g, rows[n].topk, &c);
            kit_check_choice(&device, name, &t, &g, &c);
            kit_choice_free(&c);
        }
        kit_end(&t);
    }
    gpu_assert_clean(&device);
}

/* ---- FlashVSR ---- */

static bool within(const kit_grid *keys, uint64_t a, uint64_t b, uint32_t range) {
    int64_t dx = (int64_t)(a % keys->blocks[2]) - (int64_t)(b % keys->blocks[2]);
    int64_t dy =
        (int64_t)(a / keys->blocks[2] % keys->blocks[1]) - (int64_t)(b / keys->blocks[2] % keys->blocks[1]);
    return range == 0 || (llabs(dx) <= range / 2 && llabs(dy) <= range / 2);
}

/* Shares of a softmax over the boxes of the window; of all pairs of a slice of query boxes the largest are kept. */
static void score_boxes(const kit *t, const kit_grid *queries, const kit_grid *keys, uint32_t range,
                        kit_choice *c) {
    for (uint64_t row = 0; row < c->rows; ++row) {
        uint64_t head = row / queries->count, box = row % queries->count;
        float *q = kit_means(queries, t->q.data, t->q_len, t->heads, head, t->dim);
        float *k =
            kit_means(keys, t->k.data, t->kv_len, t->kv_heads, head / (t->heads / t->kv_heads), t->dim);
        double *value = c->value + row * c->blocks, top = -INFINITY, sum = 0.0;
        for (uint64_t n = 0; n < c->blocks; ++n) {
            value[n] = within(keys, n, box, range) ? t->scale * kit_dot(t, q + box * t->dim, k + n * t->dim)
                                                   : -INFINITY;
            top = fmax(top, value[n]);
        }
        for (uint64_t n = 0; n < c->blocks; ++n) {
            sum += exp(value[n] - top);
        }
        for (uint64_t n = 0; n < c->blocks; ++n) {
            value[n] = isinf(value[n]) ? value[n] : exp(value[n] - top) / sum;
        }
        free(q);
        free(k);
    }
}

static void check_flashvsr(const char *name, const vatten_flashvsr *method, uint64_t seed) {
    uint64_t plane = method->extent[1] * method->extent[2];
    uint64_t q_extent[3] = {method->q_extent ? method->q_extent : method->extent[0], method->extent[1],
                            method->extent[2]};
    kit_grid keys = kit_grid_of(3, method->extent, method->block),
             queries = kit_grid_of(3, q_extent, method->block);
    uint64_t slice = queries.blocks[1] * queries.blocks[2];
    kit t = {.q_len = q_extent[0] * plane,
             .kv_len = method->extent[0] * plane,
             .heads = 2,
             .kv_heads = 2,
             .dim = 16};
    vatten_heads h;
    vatten_sparse_desc desc;
    if (kit_begin(&device, &t, seed, &h)) {
        vatten_result result = vatten_preset_flashvsr(NULL, &h, method, &desc);
        run_sparse(name, &t, result, &desc);
        kit_choice boxes = kit_choice_of(2 * queries.count, keys.count),
                   c = kit_choice_of(2 * t.q_len, keys.count);
        score_boxes(&t, &queries, &keys, method->range, &boxes);
        for (uint64_t first = 0; first < boxes.rows; first += slice) {
            kit_take_best(&boxes, first, slice, method->total);
        }
        for (uint64_t n = 0; n < c.rows * c.blocks; ++n) {
            uint64_t row = n / c.blocks;
            uint64_t box = row / t.q_len * queries.count + kit_block_of(&queries, row % t.q_len);
            c.in[n] = boxes.in[box * keys.count + n % c.blocks];
            c.unsure[row] = boxes.unsure[box];
        }
        kit_check_choice(&device, name, &t, &keys, &c);
        kit_choice_free(&boxes);
        kit_choice_free(&c);
    }
    kit_end(&t);
}

static void test_flashvsr(void **state) {
    (void)state;
    const vatten_flashvsr all = {.extent = {4, 8, 12}, .block = {2, 2, 3}, .range = 3, .total = 20};
    const vatten_flashvsr cached = {
        .extent = {6, 6, 8}, .q_extent = 2, .block = {2, 2, 2}, .range = 5, .total = 10};
    const vatten_flashvsr ragged = {.extent = {3, 7, 9}, .block = {2, 4, 4}, .total = 9};
    check_flashvsr("FlashVSR", &all, 300);
    check_flashvsr("FlashVSR, queries behind a cache, some boxes empty", &cached, 310);
    check_flashvsr("FlashVSR, short boxes, no window", &ragged, 320);
    gpu_assert_clean(&device);
}

/* ---- Dynamic mask attention ---- */

/* The keys with the largest biases of each KV head, whatever the query; of those the ones that are not ahead of it. */
static void compare_dma(const char *name, const kit *t, const float *biases, uint64_t width) {
    bool *kept = calloc(t->kv_len, sizeof *kept), *sees = calloc(t->kv_len, sizeof *sees), good = true;
    double *value = malloc(t->kv_len * sizeof *value), want[256];
    for (uint64_t head = 0; good && head < t->heads; ++head) {
        const float *bias = biases + head / (t->heads / t->kv_heads) * t->kv_len;
        for (uint64_t j = 0; j < t->kv_len; ++j) {
            value[j] = (double)bias[j];
            kept[j] = false;
        }
        kit_take(value, t->kv_len, width, kept);
        for (uint64_t query = 0; good && query < t->q_len; ++query) {
            for (uint64_t j = 0; j < t->kv_len; ++j) {
                sees[j] = kept[j] && j <= query + t->kv_len - t->q_len;
            }
            kit_attend(t, head, query, sees, bias, want);
            good = kit_row_is(&device, name, t->out.data + (query * t->heads + head) * t->dim, want, t->dim);
        }
    }
    free(kept);
    free(sees);
    free(value);
}

static void test_dma(void **state) {
    (void)state;
    static const struct {
        uint64_t q_len, kv_len;
        uint32_t width;
    } rows[] = {{150, 150, 40}, {64, 200, 31}, {90, 90, 500}};
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        kit t = {.q_len = rows[n].q_len, .kv_len = rows[n].kv_len, .heads = 4, .kv_heads = 2, .dim = 16};
        vatten_heads h;
        vatten_topk_desc choose;
        vatten_lists_desc attend;
        char name[64];
        snprintf(name, sizeof name, "DMA %u", n);
        if (kit_begin(&device, &t, 500 + 10 * n, &h)) {
            vatten_result result =
                vatten_preset_dma(NULL, &h, t.q_len, t.kv_len, rows[n].width, &choose, &attend);
            kit_tensor bias = kit_input(&device, 505 + 10 * n, 2 * t.kv_len);
            kit_tensor lists = kit_output(&device, 2 * (uint64_t)choose.entries);
            vatten_plan *plan = NULL;
            vatten_args args = {.q = kit_buffer(&t.q),
                                .k = kit_buffer(&bias),
                                .v = kit_buffer(&t.v),
                                .out = kit_buffer(&t.out),
                                .lse = kit_buffer(&t.lse),
                                .bias = kit_buffer(&bias),
                                .lists = kit_buffer(&lists)};
            result = result == VATTEN_SUCCESS ? vatten_topk_create(device.device, &choose, &plan) : result;
            kit_run(&device, name, result, plan, &args);
            plan = NULL;
            args.k = kit_buffer(&t.k);
            result = vatten_lists_create(device.device, &attend, &plan);
            kit_run(&device, name, result, plan, &args);
            kit_read(&device, &t.out);
            compare_dma(name, &t, bias.data, rows[n].width);
            kit_free(&bias);
            kit_free(&lists);
        }
        kit_end(&t);
    }
    gpu_assert_clean(&device);
}

/* ---- NSA ---- */

static void make_words(kit_tensor *out, const vatten_nsa_descs *descs) {
    uint64_t count = vatten_preset_words(&descs->compressed);
    uint32_t *words = malloc(count * sizeof *words);
    vatten_fill_nsa(descs, words);
    if (vatten_lists_check(NULL, &descs->compressed, words) != VATTEN_SUCCESS) {
        gpu_fail(&device, "NSA: the lists of the compressed branch break their own rules");
    }
    *out = kit_words(&device, words, count);
    free(words);
}

/* Six plans, the three branches side by side in `parts`. */
static void run_nsa(const char *name, kit *t, const vatten_nsa_descs *d, const kit_tensor *gates) {
    uint64_t blocks = ceil_div(t->kv_len, d->keys.block[0]), row = (uint64_t)t->heads * t->dim * t->q_len;
    kit_tensor k = kit_output(&device, blocks * t->kv_heads * t->dim);
    kit_tensor v = kit_output(&device, blocks * t->kv_heads * t->dim);
    kit_tensor parts = kit_output(&device, 3 * row), lists;
    make_words(&lists, d);
    vatten_plan *plan[6] = {NULL};
    const vatten_result made[6] = {vatten_pool_create(device.device, &d->keys, &plan[0]),
                                   vatten_pool_create(device.device, &d->values, &plan[1]),
                                   vatten_lists_create(device.device, &d->compressed, &plan[2]),
                                   vatten_sparse_create(device.device, &d->chosen, &plan[3]),
                                   vatten_attention_create(device.device, &d->window, &plan[4]),
                                   vatten_combine_create(device.device, &d->gates, &plan[5])};
    for (int n = 0; n < 6; ++n) {
        vatten_buffer part = kit_buffer(&parts);
        part.offset = (uint64_t)(n >= 2 && n <= 4 ? n - 2 : 0) * row * sizeof(float);
        part.size = 0;
        const vatten_args args = {.q = kit_buffer(&t->q),
                                  .k = kit_buffer(n == 1   ? &t->v
                                                  : n == 2 ? &k
                                                           : &t->k),
                                  .v = kit_buffer(n == 2   ? &v
                                                  : n == 5 ? &parts
                                                           : &t->v),
                                  .out = n == 0   ? kit_buffer(&k)
                                         : n == 1 ? kit_buffer(&v)
                                         : n == 5 ? kit_buffer(&t->out)
                                                  : part,
                                  .bias = kit_buffer(gates),
                                  .lists = kit_buffer(&lists)};
        kit_run(&device, name, made[n], plan[n], &args);
    }
    kit_read(&device, &t->out);
    kit_free(&k);
    kit_free(&v);
    kit_free(&parts);
    kit_free(&lists);
}

/* Complete blocks at the query's position, their shares for one head, and the branch's output. */
static void compress(const kit *t, uint32_t block, uint64_t head, uint64_t query, double *share,
                     double *out) {
    const uint64_t extent[3] = {t->kv_len}, complete = (query + t->kv_len - t->q_len + 1) / block;
    kit_grid g = kit_grid_of(1, extent, &block);
    uint64_t kv_head = head / (t->heads / t->kv_heads);
    float *k = kit_means(&g, t->k.data, t->kv_len, t->kv_heads, kv_head, t->dim);
    float *v = kit_means(&g, t->v.data, t->kv_len, t->kv_heads, kv_head, t->dim);
    double score[64], top = -INFINITY, sum = 0.0;
    memset(out, 0, t->dim * sizeof *out);
    for (uint64_t n = 0; n < complete; ++n) {
        score[n] = t->scale * kit_dot(t, kit_q(t, head, query), k + n * t->dim);
        top = fmax(top, score[n]);
    }
    for (uint64_t n = 0; n < complete; ++n) {
        sum += exp(score[n] - top);
    }
    for (uint64_t n = 0; n < complete; ++n) {
        double p = exp(score[n] - top) / sum;
        share[n] += p;
        for (uint32_t d = 0; d < t->dim; ++d) {
            out[d] += p * (double)v[n * t->dim + d];
        }
    }
    free(k);
    free(v);
}

/* First, own and the one before; the best of the complete ones fill up to `entries`. */
static bool choose_nsa(const kit *t, const vatten_nsa *m, uint64_t head, uint64_t query, bool *chosen) {
    uint64_t own = (query + t->kv_len - t->q_len) / m->block, group = t->heads / t->kv_heads,
             left = m->entries;
    double share[64], none[256], value[64];
    memset(share, 0, sizeof share);
    for (uint64_t g = 0; g < group; ++g) {
        compress(t, m->block, head / group * group + g, query, share, none);
    }
    uint64_t complete = (query + t->kv_len - t->q_len + 1) / m->block;
    for (uint64_t n = 0; n <= own; ++n) {
        chosen[n] = n == 0 || n + 1 >= own;
        left -= chosen[n];
        value[n] = n < complete ? share[n] : -INFINITY;
    }
    return kit_take(value, own + 1, left, chosen);
}

static bool nsa_row_is(const char *name, const kit *t, const vatten_nsa *m, const float *gates, uint64_t head,
                       uint64_t query) {
    uint64_t position = query + t->kv_len - t->q_len;
    bool chosen[64] = {false}, *sees = calloc(t->kv_len, sizeof *sees);
    double share[64] = {0}, branch[3][256], want[256];
    const float *gate = gates + (query * t->heads + head) * 3;
    bool clear = choose_nsa(t, m, head, query, chosen);
    compress(t, m->block, head, query, share, branch[0]);
    for (uint64_t j = 0; j <= position; ++j) {
        sees[j] = chosen[j / m->block];
    }
    kit_attend(t, head, query, sees, NULL, branch[1]);
    for (uint64_t j = 0; j <= position; ++j) {
        sees[j] = j + m->window > position;
    }
    kit_attend(t, head, query, sees, NULL, branch[2]);
    for (uint32_t d = 0; d < t->dim; ++d) {
        want[d] =
            (double)gate[0] * branch[0][d] + (double)gate[1] * branch[1][d] + (double)gate[2] * branch[2][d];
    }
    free(sees);
    return !clear ||
           kit_row_is(&device, name, t->out.data + (query * t->heads + head) * t->dim, want, t->dim);
}

static void test_nsa(void **state) {
    (void)state;
    static const struct {
        uint64_t q_len, kv_len;
        vatten_nsa method;
        uint32_t heads, kv_heads;
    } rows[] = {{200, 200, {16, 5, 24}, 4, 1}, {70, 190, {8, 6, 9}, 4, 2}, {40, 40, {16, 16, 8}, 2, 2}};
    for (unsigned n = 0; n < COUNT(rows); ++n) {
        kit t = {.q_len = rows[n].q_len,
                 .kv_len = rows[n].kv_len,
                 .heads = rows[n].heads,
                 .kv_heads = rows[n].kv_heads,
                 .dim = 16};
        vatten_heads h;
        vatten_nsa_descs descs;
        char name[64];
        snprintf(name, sizeof name, "NSA %u", n);
        if (kit_begin(&device, &t, 700 + 10 * n, &h)) {
            kit_tensor gates = kit_input(&device, 705 + 10 * n, 3 * t.heads * t.q_len);
            h.write_lse = false;
            if (vatten_preset_nsa(NULL, &h, t.q_len, t.kv_len, &rows[n].method, &descs) != VATTEN_SUCCESS) {
                gpu_fail(&device, "%s: no descs", name);
            }
            run_nsa(name, &t, &descs, &gates);
            bool good = true;
            for (uint64_t row = 0; good && row < t.heads * t.q_len; ++row) {
                good = nsa_row_is(name, &t, &rows[n].method, gates.data, row / t.q_len, row % t.q_len);
            }
            kit_free(&gates);
        }
        kit_end(&t);
    }
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vmoba), cmocka_unit_test(test_biformer), cmocka_unit_test(test_flashvsr),
        cmocka_unit_test(test_dma),   cmocka_unit_test(test_nsa),
    };
    int opened = gpu_open(&device, "test_methods", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
