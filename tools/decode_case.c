/* SPDX-License-Identifier: MIT */
#include "decode_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ref.h>
#include <ref_dense.h>

#include "bench_fill.h"
#include "family.h"

enum { SEED_K = 1, SEED_V = 2, SEED_PAGES = 3, SEED_ASKED = 4 };

static uint64_t pool_pages(const decode_case *c) {
    return c->page == 0 ? 0 : (c->kv_len + c->page - 1) / c->page;
}

/* That the tensors have room for. */
static uint64_t tokens_of(const decode_case *c) {
    return c->page == 0 ? c->kv_len : pool_pages(c) * c->page;
}

void decode_name(decode_case *c) {
    char value[16] = "", bytes[32] = "", page[32] = "contiguous";
    if (c->value_dim != c->dim)
        snprintf(value, sizeof value, "/%u", c->value_dim);
    if (c->page != 0)
        snprintf(page, sizeof page, "pages of %u", c->page);
    if (c->block != 0)
        snprintf(bytes, sizeof bytes, ", bytes by %u", c->block);
    snprintf(c->name, sizeof c->name, "%s D%u%s H%u/%u %ux%llu %s%s%s", family_dtype_name(c->dtype), c->dim,
             value, c->heads, c->kv_heads, c->queries, (unsigned long long)c->kv_len, page, bytes,
             c->latent ? ", v part of k" : "");
}

/* Bytes of a row of so many numbers of k or v. */
static size_t row_bytes(const decode_case *c, uint32_t numbers) {
    if (c->block == 0)
        return (size_t)numbers * family_dtype_size(c->dtype);
    return numbers / c->block * (sizeof(float) + c->block);
}

/* What strides of k and v count. */
static size_t stride_unit(const decode_case *c) {
    return c->block == 0 ? family_dtype_size(c->dtype) : 1;
}

vatten_attention_desc decode_desc(const decode_case *c) {
    int64_t head = (int64_t)(row_bytes(c, c->dim) / stride_unit(c)), token = (int64_t)c->kv_heads * head;
    uint64_t places = c->page == 0 ? c->kv_len : c->page;
    vatten_attention_desc desc = {.heads = {.dtype = c->dtype,
                                            .batch = 1,
                                            .heads = c->heads,
                                            .kv_heads = c->kv_heads,
                                            .dim = c->dim,
                                            .value_dim = c->value_dim,
                                            .kv_dtype = c->block != 0 ? VATTEN_DTYPE_I8 : 0,
                                            .kv_block = c->block,
                                            .tile = c->tile},
                                  .q_len = c->queries,
                                  .kv_len = c->kv_len,
                                  .causal = c->queries > 1,
                                  .splits = c->splits,
                                  .lengths = c->page == 0 ? VATTEN_LENGTHS_PLAN : VATTEN_LENGTHS_KV,
                                  .page_size = c->page,
                                  .pool_pages = pool_pages(c)};
    if (c->latent)
        desc.heads.v =
            (vatten_strides){.batch = (int64_t)places * token, .head = head, .token = token}; /* those of k */
    return desc;
}

uint64_t decode_kv_bytes(const decode_case *c) {
    uint64_t row = row_bytes(c, c->dim) + (c->latent ? 0 : row_bytes(c, c->value_dim));
    return c->kv_len * c->kv_heads * row;
}

/* ---- Data ---- */

static bool make_tables(const decode_case *c, decode_data *data) {
    const vatten_attention_desc desc = decode_desc(c);
    if (vatten_attention_tables(&desc, &data->at) != VATTEN_SUCCESS || data->at.bytes == 0)
        return c->page == 0;
    data->tables = calloc(1, (size_t)data->at.bytes);
    if (data->tables == NULL)
        return false;
    data->tables[data->at.kv_lengths / 4] = (uint32_t)c->kv_len;
    uint32_t *pages = data->tables + data->at.pages / 4;
    for (uint32_t i = 0; i < pool_pages(c); ++i) { /* a shuffle from the front */
        uint64_t other = bench_draw(SEED_PAGES, i, i + 1);
        pages[i] = pages[other];
        pages[other] = i;
    }
    return true;
}

/* Where a key stands in the tensors, in tokens. */
static uint64_t place_of(const decode_case *c, const decode_data *data, uint64_t key) {
    if (c->page == 0)
        return key;
    return (uint64_t)data->tables[data->at.pages / 4 + key / c->page] * c->page + key % c->page;
}

static void fill_query(const decode_case *c, decode_data *data, uint32_t row) {
    uint32_t head = row % c->heads;
    uint64_t seen = c->kv_len - c->queries + row / c->heads + 1;
    uint64_t place = place_of(c, data, bench_draw(SEED_ASKED, row, seen));
    uint64_t key = (place * c->kv_heads + head / (c->heads / c->kv_heads)) * c->dim;
    bench_fill_query(c->dtype, data->q, (size_t)row * c->dim, c->dim, c->kv_len, SEED_K, key);
}

static void fill_rows(const decode_case *c, void *data, size_t rows, uint32_t numbers, uint64_t seed) {
    if (c->block != 0)
        bench_fill_bytes(data, rows, numbers, c->block, seed);
    else
        bench_fill(c->dtype, data, rows * numbers, seed);
}

bool decode_data_make(const decode_case *c, decode_data *out_data) {
    size_t element = family_dtype_size(c->dtype), rows = (size_t)c->queries * c->heads;
    size_t keys = (size_t)tokens_of(c) * c->kv_heads;
    memset(out_data, 0, sizeof *out_data);
    out_data->q_bytes = rows * c->dim * element;
    out_data->out_bytes = rows * c->value_dim * element;
    out_data->k_bytes = keys * row_bytes(c, c->dim);
    out_data->v_bytes = c->latent ? 0 : keys * row_bytes(c, c->value_dim);
    out_data->q = malloc(out_data->q_bytes);
    out_data->out = malloc(out_data->out_bytes);
    out_data->k = malloc(out_data->k_bytes);
    out_data->v = c->latent ? out_data->k : malloc(out_data->v_bytes);
    if (!out_data->q || !out_data->out || !out_data->k || !out_data->v || !make_tables(c, out_data)) {
        decode_data_free(out_data);
        return false;
    }
    fill_rows(c, out_data->k, keys, c->dim, SEED_K);
    if (!c->latent)
        fill_rows(c, out_data->v, keys, c->value_dim, SEED_V);
    for (uint32_t row = 0; row < rows; ++row)
        fill_query(c, out_data, row);
    memset(out_data->out, 0xff,
           out_data->out_bytes); /* NaN in every dtype: rows that nobody wrote are seen */
    return true;
}

void decode_data_free(decode_data *data) {
    if (data->v != data->k)
        free(data->v);
    free(data->k);
    free(data->q);
    free(data->out);
    free(data->tables);
    memset(data, 0, sizeof *data);
}

/* ---- The oracle ---- */

typedef struct oracle {
    ref_dense_rule rule;
    ref_dense_more more;
    ref_problem problem;
    ref_tensor out;
} oracle;

/* A cache: [places][kv_heads] of rows of `numbers`. */
static ref_tensor cache_tensor(const decode_case *c, const void *data, uint64_t places, uint32_t numbers) {
    ref_tensor tensor = ref_packed(data, bench_oracle_dtype(c->dtype), places, c->kv_heads,
                                   row_bytes(c, numbers) / stride_unit(c));
    if (c->block != 0)
        tensor.dtype = REF_I8;
    tensor.block = c->block;
    return tensor;
}

static void make_oracle(const decode_case *c, const decode_data *data, oracle *o) {
    ref_dtype dtype = bench_oracle_dtype(c->dtype);
    uint64_t places = c->page == 0 ? c->kv_len : c->page;
    memset(o, 0, sizeof *o);
    o->rule = (ref_dense_rule){
        .q_len = c->queries, .kv_len = c->kv_len, .causal = c->queries > 1, .left = -1, .right = -1};
    o->more = (ref_dense_more){.batch = 1,
                               .q_tokens = c->queries,
                               .kv_tokens = c->kv_len,
                               .page_size = c->page,
                               .pool_pages = pool_pages(c)};
    if (c->page != 0) {
        o->more.lengths = REF_LENGTHS_KV;
        o->more.kv_lengths = data->tables + data->at.kv_lengths / 4;
        o->more.pages = data->tables + data->at.pages / 4;
    }
    o->problem = (ref_problem){.heads = c->heads,
                               .kv_heads = c->kv_heads,
                               .dim = c->dim,
                               .value_dim = c->value_dim,
                               .dense = &o->rule,
                               .more = &o->more,
                               .q = ref_packed(data->q, dtype, c->queries, c->heads, c->dim),
                               .k = cache_tensor(c, data->k, places, c->dim),
                               .v = cache_tensor(c, data->v, places, c->latent ? c->dim : c->value_dim)};
    o->out = ref_packed(data->out, dtype, c->queries, c->heads, c->value_dim);
}

static double row_error(const decode_case *c, const oracle *o, uint32_t row) {
    double wanted[VATTEN_MAX_DIM], worst = 0.0;
    uint64_t query = row / c->heads, head = row % c->heads;
    ref_row(&o->problem, 0, head, query, wanted, NULL, NULL);
    for (uint64_t d = 0; d < c->value_dim; ++d)
        worst = fmax(worst, fabs(ref_load(&o->out, 0, query, head, d) - wanted[d]));
    return worst;
}

double decode_check(const decode_case *c, const decode_data *data, uint32_t sample) {
    uint32_t rows = c->queries * c->heads, step = (rows / sample + 1) | 1;
    double worst = 0.0;
    oracle o;
    make_oracle(c, data, &o);
    for (uint32_t row = 0; row < rows; ++row)
        for (uint64_t d = 0; d < c->value_dim; ++d)
            if (!isfinite(ref_load(&o.out, 0, row / c->heads, row % c->heads, d)))
                return INFINITY;
    for (uint32_t row = 0; row < rows; row += step)
        worst = fmax(worst, row_error(c, &o, row));
    return fmax(worst, row_error(c, &o, rows - 1));
}

double decode_tolerance(const decode_case *c) {
    return ref_tolerance(bench_oracle_dtype(c->dtype));
}
