/* SPDX-License-Identifier: MIT */
#include "mass_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ref.h>
#include <ref_mass.h>

#include "bench_fill.h"
#include "family.h"

enum { SEED_K = 1, SEED_V = 2, SEED_ASKED = 3 };

static uint64_t rows_of(const mass_case *c) {
    return c->rows == 0 || c->rows > c->q_len ? c->q_len : c->rows;
}

/* ---- Descs ---- */

static void asked_text(const mass_case *c, char *out, size_t size) {
    const unsigned long long last = c->last, rows = rows_of(c), block = c->block;
    if (c->kind == VATTEN_MASS_COLUMNS && last != 0)
        snprintf(out, size, "columns of the last %llu", last);
    else if (c->kind == VATTEN_MASS_COLUMNS)
        snprintf(out, size, "columns");
    else if (c->kind == VATTEN_MASS_SEGMENTS)
        snprintf(out, size, "%u segments", c->segments);
    else if (c->kind == VATTEN_MASS_ROWS)
        snprintf(out, size, "%llu rows", rows);
    else if (c->kind == VATTEN_MASS_ENTROPY)
        snprintf(out, size, "entropy");
    else
        snprintf(out, size, "block-max %llu", block);
}

void mass_name(mass_case *c) {
    char asked[48], causal[16] = "";
    asked_text(c, asked, sizeof asked);
    if (c->causal != FAMILY_CAUSAL_NONE)
        snprintf(causal, sizeof causal, " causal%s", c->causal == FAMILY_CAUSAL_FIRST ? " first" : "");
    snprintf(c->name, sizeof c->name, "%s, %s D%u H%u/%u %llux%llu%s", asked, family_dtype_name(c->dtype),
             c->dim, c->heads, c->kv_heads, (unsigned long long)c->q_len, (unsigned long long)c->kv_len,
             causal);
}

vatten_attention_desc mass_attention_desc(const mass_case *c) {
    vatten_attention_desc desc = {.heads = {.dtype = c->dtype,
                                            .batch = 1,
                                            .heads = c->heads,
                                            .kv_heads = c->kv_heads,
                                            .dim = c->dim,
                                            .write_lse = true},
                                  .q_len = c->q_len,
                                  .kv_len = c->kv_len,
                                  .causal = c->causal != FAMILY_CAUSAL_NONE,
                                  .align = c->causal == FAMILY_CAUSAL_FIRST ? VATTEN_ALIGN_FIRST
                                                                            : VATTEN_ALIGN_LAST};
    return desc;
}

/* What belongs to other kinds has to be 0. */
vatten_mass_desc mass_desc(const mass_case *c, const vatten_attention_desc *attention) {
    vatten_mass_desc desc = {.attention = attention,
                             .kind = c->kind,
                             .last = c->kind == VATTEN_MASS_COLUMNS ? c->last : 0,
                             .segments = c->kind == VATTEN_MASS_SEGMENTS ? c->segments : 0,
                             .rows = c->kind == VATTEN_MASS_ROWS ? rows_of(c) : 0,
                             .block = c->kind == VATTEN_MASS_BLOCK_MAX ? c->block : 0,
                             .tile = c->tile};
    return desc;
}

/* ---- Data ---- */

/* Keys that a query sees, which are the first ones. */
static uint64_t seen_by(const mass_case *c, uint64_t query) {
    uint64_t end = c->causal == FAMILY_CAUSAL_FIRST ? query + 1 : query + 1 + c->kv_len;
    uint64_t before = c->causal == FAMILY_CAUSAL_FIRST ? 0 : c->q_len;
    if (c->causal == FAMILY_CAUSAL_NONE)
        return c->kv_len;
    return end <= before ? 0 : end - before < c->kv_len ? end - before : c->kv_len;
}

static void fill_query(const mass_case *c, mass_data *data, uint64_t row) {
    uint64_t head = row % c->heads, seen = seen_by(c, row / c->heads);
    uint64_t asked = bench_draw(SEED_ASKED, row, seen != 0 ? seen : c->kv_len);
    uint64_t key = (asked * c->kv_heads + head / (c->heads / c->kv_heads)) * c->dim;
    bench_fill_query(c->dtype, data->q, (size_t)row * c->dim, c->dim, c->kv_len, SEED_K, key);
}

/* NaN in every dtype: what nobody wrote is seen. */
static void *unwritten(uint64_t bytes) {
    void *memory = malloc((size_t)bytes);
    if (memory != NULL)
        memset(memory, 0xff, (size_t)bytes);
    return memory;
}

bool mass_data_make(const mass_case *c, const vatten_plan_info *forward, const vatten_plan_info *mass,
                    mass_data *out_data) {
    mass_data *d = out_data;
    size_t numbers = (size_t)c->kv_len * c->kv_heads * c->dim;
    d->q = calloc(1, (size_t)forward->q_bytes);
    d->k = calloc(1, (size_t)forward->k_bytes);
    d->v = calloc(1, (size_t)forward->v_bytes);
    d->out = unwritten(forward->out_bytes);
    d->lse = unwritten(forward->lse_bytes);
    d->mass = unwritten(mass->out_bytes);
    d->ids = mass->lists_bytes != 0 ? calloc(1, (size_t)mass->lists_bytes) : NULL;
    if (!d->q || !d->k || !d->v || !d->out || !d->lse || !d->mass || (mass->lists_bytes != 0 && !d->ids)) {
        mass_data_free(d);
        return false;
    }
    bench_fill(c->dtype, d->k, numbers, SEED_K);
    bench_fill(c->dtype, d->v, numbers, SEED_V);
    for (uint64_t row = 0; row < c->q_len * c->heads; ++row)
        fill_query(c, d, row);
    for (uint64_t j = 0; d->ids != NULL && j < c->kv_len; ++j)
        d->ids[j] = (uint32_t)(j * c->segments / c->kv_len);
    return true;
}

void mass_data_free(mass_data *data) {
    void *const all[] = {data->q, data->k, data->v, data->out, data->lse, data->mass, data->ids};
    for (size_t i = 0; i < sizeof all / sizeof *all; ++i)
        free(all[i]);
    memset(data, 0, sizeof *data);
}

/* ---- The oracle ---- */

typedef struct oracle {
    ref_dense_rule rule;
    ref_problem problem;
} oracle;

static void make_oracle(const mass_case *c, const mass_data *data, oracle *o) {
    ref_dtype dtype = bench_oracle_dtype(c->dtype);
    memset(o, 0, sizeof *o);
    o->rule = (ref_dense_rule){.q_len = c->q_len,
                               .kv_len = c->kv_len,
                               .causal = c->causal != FAMILY_CAUSAL_NONE,
                               .align_first = c->causal == FAMILY_CAUSAL_FIRST,
                               .left = -1,
                               .right = -1};
    o->problem = (ref_problem){.heads = c->heads,
                               .kv_heads = c->kv_heads,
                               .dim = c->dim,
                               .value_dim = c->dim,
                               .dense = &o->rule,
                               .q = ref_packed(data->q, dtype, c->q_len, c->heads, c->dim),
                               .k = ref_packed(data->k, dtype, c->kv_len, c->kv_heads, c->dim),
                               .v = ref_packed(data->v, dtype, c->kv_len, c->kv_heads, c->dim)};
}

/* Steps away from tile sizes, so that all places in a tile are met. */
static uint64_t step_of(uint64_t rows, uint32_t sample) {
    return (rows / sample + 1) | 1;
}

/* NaN is wrong, equal infinities are right. */
static bool near(double got, double wanted, double tolerance) {
    return got == wanted || fabs(got - wanted) <= tolerance;
}

static bool forward_row_right(const mass_case *c, const mass_data *data, const oracle *o, uint64_t row) {
    ref_dtype dtype = bench_oracle_dtype(c->dtype);
    const ref_tensor out = ref_packed(data->out, dtype, c->q_len, c->heads, c->dim);
    uint64_t head = row / c->q_len, query = row % c->q_len;
    double wanted[VATTEN_MAX_DIM], lse = 0.0;
    ref_row(&o->problem, 0, head, query, wanted, &lse, NULL);
    for (uint64_t d = 0; d < c->dim; ++d)
        if (!near(ref_load(&out, 0, query, head, d), wanted[d], ref_tolerance(dtype)))
            return false;
    return near((double)data->lse[row], lse, ref_lse_tolerance());
}

bool mass_check_forward(const mass_case *c, const mass_data *data, uint32_t sample) {
    uint64_t rows = c->heads * c->q_len;
    oracle o;
    make_oracle(c, data, &o);
    for (uint64_t row = 0; row < rows; row += step_of(rows, sample))
        if (!forward_row_right(c, data, &o, row))
            return false;
    return forward_row_right(c, data, &o, rows - 1);
}

/* Numbers of a row of the mass. */
static uint64_t bins_of(const mass_case *c) {
    return c->kind == VATTEN_MASS_SEGMENTS    ? c->segments
           : c->kind == VATTEN_MASS_ENTROPY   ? 1
           : c->kind == VATTEN_MASS_BLOCK_MAX ? (c->kv_len - 1) / c->block + 1
                                              : c->kv_len;
}

/* Rows of a head. */
static uint64_t head_rows(const mass_case *c) {
    return c->kind == VATTEN_MASS_COLUMNS ? 1 : c->kind == VATTEN_MASS_ROWS ? rows_of(c) : c->q_len;
}

static uint64_t first_column_query(const mass_case *c) {
    return c->last != 0 && c->last < c->q_len ? c->q_len - c->last : 0;
}

static void expect_row(const mass_case *c, const mass_data *data, const oracle *o, uint64_t row,
                       double *wanted) {
    uint64_t head = row / head_rows(c), query = row % head_rows(c);
    if (c->kind == VATTEN_MASS_COLUMNS)
        ref_column_sums(&o->problem, 0, head, first_column_query(c), c->q_len, NULL, wanted);
    else if (c->kind == VATTEN_MASS_SEGMENTS)
        ref_segment_sums(&o->problem, 0, head, query, data->ids, c->segments, wanted);
    else if (c->kind == VATTEN_MASS_ROWS)
        ref_probabilities(&o->problem, 0, head, c->q_len - rows_of(c) + query, wanted);
    else if (c->kind == VATTEN_MASS_ENTROPY)
        wanted[0] = ref_row_entropy(&o->problem, 0, head, query);
    else
        ref_block_maxima(&o->problem, 0, head, query, c->block, wanted);
}

static double row_error(const mass_case *c, const mass_data *data, const oracle *o, uint64_t row,
                        double *wanted) {
    uint64_t bins = bins_of(c);
    double worst = 0.0;
    expect_row(c, data, o, row, wanted);
    for (uint64_t n = 0; n < bins; ++n) {
        double error = fabs((double)data->mass[row * bins + n] - wanted[n]);
        worst = fmax(worst, c->kind == VATTEN_MASS_COLUMNS ? error / fmax(wanted[n], 1.0) : error);
    }
    return worst;
}

/* Columns of a head sum up to the number of queries that see something, since each of those has probabilities that sum up to
 * 1. This says something about the heads that nobody has time to go through in double. */
static double head_sum_error(const mass_case *c, const mass_data *data, uint64_t head) {
    double sum = 0.0, seeing = 0.0;
    for (uint64_t j = 0; j < c->kv_len; ++j)
        sum += (double)data->mass[head * c->kv_len + j];
    for (uint64_t i = first_column_query(c); i < c->q_len; ++i)
        seeing += seen_by(c, i) != 0 ? 1.0 : 0.0;
    return fabs(sum - seeing) / fmax(seeing, 1.0);
}

/* Heads of columns that take about `sample` rows of the oracle's probabilities. */
static uint32_t sampled_heads(const mass_case *c, uint32_t sample) {
    uint64_t each = c->q_len - first_column_query(c), heads = (sample - 1) / each + 1;
    return heads < c->heads ? (uint32_t)heads : c->heads;
}

double mass_check(const mass_case *c, const mass_data *data, uint32_t sample) {
    uint64_t rows = c->heads * head_rows(c), bins = bins_of(c);
    bool columns = c->kind == VATTEN_MASS_COLUMNS;
    uint64_t step = columns ? c->heads / sampled_heads(c, sample) : step_of(rows, sample);
    double *wanted = malloc((size_t)(bins > c->kv_len ? bins : c->kv_len) * sizeof *wanted), worst = 0.0;
    oracle o;
    make_oracle(c, data, &o);
    for (uint64_t n = 0; n < rows * bins; ++n)
        if (!isfinite(data->mass[n]))
            worst = INFINITY;
    if (wanted == NULL)
        worst = INFINITY;
    for (uint64_t head = 0; columns && head < c->heads; ++head)
        worst = fmax(worst, head_sum_error(c, data, head));
    for (uint64_t at = 0; isfinite(worst) && at < rows; at += step) /* from the last row on */
        worst = fmax(worst, row_error(c, data, &o, rows - 1 - at, wanted));
    if (isfinite(worst) && !columns) /* whose rows take long */
        worst = fmax(worst, row_error(c, data, &o, 0, wanted));
    free(wanted);
    return worst;
}

double mass_tolerance(const mass_case *c) {
    return c->kind == VATTEN_MASS_ENTROPY ? 1e-4 : 3e-5;
}
