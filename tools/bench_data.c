/* SPDX-License-Identifier: MIT */
#include "bench_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <ref.h>

#include "bench_fill.h"
#include "bench_lists.h"
#include "say.h"

static uint64_t value_dim(const family_shape *shape) {
    return shape->value_dim != 0 ? shape->value_dim : shape->dim;
}

/* ---- Tensors ---- */

static bool make_tensor(bench_data *data, bench_slot slot, uint64_t elements, vatten_dtype dtype) {
    if (elements == 0)
        return true;
    size_t bytes = (size_t)elements * family_dtype_size(dtype);
    data->data[slot] = malloc(bytes);
    if (data->data[slot] == NULL)
        return false;
    data->bytes[slot] = bytes;
    if (slot == BENCH_OUT || slot == BENCH_LSE)
        memset(data->data[slot], 0xff, bytes); /* NaN in every dtype */
    else
        bench_fill(dtype, data->data[slot], (size_t)elements, (uint64_t)slot + 1);
    return true;
}

/* Of the caller's own; a sparse plan makes its lists itself. */
static bool make_lists(bench_data *data, const family_problem *problem) {
    if (problem->id != FAMILY_LISTS)
        return true;
    const bench_lists lists = bench_lists_of(problem);
    size_t bytes = (size_t)bench_lists_words(&lists) * sizeof(uint32_t);
    data->data[BENCH_LISTS] = malloc(bytes);
    if (data->data[BENCH_LISTS] == NULL)
        return false;
    data->bytes[BENCH_LISTS] = bytes;
    bench_lists_fill(&lists, data->data[BENCH_LISTS]);
    return true;
}

bool bench_data_make(const family_problem *problem, const family_shape *shape, bench_data *out_data) {
    const family_shape *s = shape;
    uint64_t q_tokens = family_tokens(problem->id, s);
    uint64_t kv_tokens = family_keys(problem->id, s);
    uint64_t kv = s->batch * s->kv_heads;
    memset(out_data, 0, sizeof *out_data);
    if (make_tensor(out_data, BENCH_Q, s->batch * q_tokens * s->heads * s->dim, s->dtype) &&
        make_tensor(out_data, BENCH_K, kv * kv_tokens * s->dim, s->dtype) &&
        make_tensor(out_data, BENCH_V, kv * kv_tokens * value_dim(s), s->dtype) &&
        make_tensor(out_data, BENCH_OUT, s->batch * q_tokens * s->heads * value_dim(s), s->dtype) &&
        make_tensor(out_data, BENCH_LSE, s->write_lse ? s->batch * q_tokens * s->heads : 0,
                    VATTEN_DTYPE_F32) &&
        make_tensor(out_data, BENCH_EXTRA_K, kv * s->extra_len * s->dim, s->dtype) &&
        make_tensor(out_data, BENCH_EXTRA_V, kv * s->extra_len * value_dim(s), s->dtype) &&
        make_lists(out_data, problem))
        return true;
    say_error("out of memory");
    bench_data_free(out_data);
    return false;
}

void bench_data_free(bench_data *data) {
    for (int slot = 0; slot < BENCH_SLOTS; ++slot)
        free(data->data[slot]);
    memset(data, 0, sizeof *data);
}

/* ---- The oracle ---- */

/* The library's desc in the oracle's words. It has to stay where it is as long as the problem lives. */
typedef struct oracle {
    ref_dense_rule dense;
    ref_grid_rule grid;
    ref_own_rule own; /* lists: keys that `dense` shows of the blocks that `list` names */
    bench_lists lists;
    const vatten_selection *rule; /* NULL: there are lists, in `words` */
    const uint32_t *words;
    uint32_t *chosen;     /* room for a list */
    const uint32_t *list; /* of the row at hand */
    ref_problem problem;
} oracle;

static void set_dense(const vatten_attention_desc *d, oracle *o) {
    o->dense = (ref_dense_rule){.q_len = d->q_len,
                                .kv_len = d->kv_len,
                                .causal = d->causal,
                                .align_first = d->align == VATTEN_ALIGN_FIRST,
                                .left = d->window.enabled ? d->window.left : -1,
                                .right = d->window.enabled ? d->window.right : -1,
                                .prefix = d->prefix};
    o->problem.dense = &o->dense;
}

static void set_grid(const vatten_neighborhood_desc *d, oracle *o) {
    o->grid.rank = d->rank;
    for (uint32_t a = 0; a < d->rank; ++a) {
        ref_axis_rule rule = {d->axis[a].extent,   d->axis[a].window, d->axis[a].stride,
                              d->axis[a].dilation, d->axis[a].causal, (ref_edge)d->axis[a].edge,
                              d->axis[a].roll};
        o->grid.axis[a] = rule;
    }
    o->problem.grid = &o->grid;
}

static bool sees_listed(const void *user, uint64_t query, uint64_t key) {
    const oracle *o = user;
    return ref_dense_visible(&o->dense, query, key) &&
           bench_lists_names(&o->lists, o->list, key / o->lists.kv_block);
}

/* What of the named blocks is seen is said as for dense attention. */
static void set_lists(const family_problem *problem, const bench_data *data, oracle *o) {
    o->lists = bench_lists_of(problem);
    const bench_lists *l = &o->lists;
    const vatten_attention_desc diagonal = {
        .q_len = l->q_len, .kv_len = l->kv_len, .causal = l->causal, .align = l->align};
    set_dense(&diagonal, o);
    o->words = data->data[BENCH_LISTS];
    if (problem->id == FAMILY_SPARSE) {
        o->rule = &problem->sparse.rule;
        o->chosen = malloc((size_t)l->entries * sizeof *o->chosen);
    }
    o->own = (ref_own_rule){.keys = l->kv_len, .sees = sees_listed, .user = o};
    o->problem.dense = NULL;
    o->problem.own = &o->own;
}

/* The list of a row. False: nobody can say what its choice has to be. */
static bool take_list(oracle *o, uint64_t batch, uint64_t head, uint64_t query) {
    if (o->problem.own == NULL)
        return true;
    if (o->rule == NULL) {
        o->list = o->words + bench_lists_at(&o->lists, batch, head, query);
        return true;
    }
    o->list = o->chosen;
    return o->chosen != NULL &&
           bench_lists_choose(&o->lists, o->rule, &o->problem, batch, head, query, o->chosen);
}

static void set_rule(const family_problem *problem, const bench_data *data, oracle *o) {
    if (problem->id == FAMILY_ATTENTION)
        set_dense(&problem->attention, o);
    else if (problem->id == FAMILY_NEIGHBORHOOD)
        set_grid(&problem->neighborhood, o);
    else
        set_lists(problem, data, o);
}

static void make_oracle(const family_problem *problem, const family_shape *s, const bench_data *data,
                        oracle *o) {
    memset(o, 0, sizeof *o);
    set_rule(problem, data, o);
    ref_dtype dtype = bench_oracle_dtype(s->dtype);
    uint64_t q_tokens = family_tokens(problem->id, s);
    uint64_t kv_tokens = family_keys(problem->id, s);
    ref_problem *p = &o->problem;
    p->heads = s->heads;
    p->kv_heads = s->kv_heads;
    p->dim = s->dim;
    p->value_dim = value_dim(s);
    p->scale = (double)family_heads(problem)->scale;
    p->q = ref_packed(data->data[BENCH_Q], dtype, q_tokens, s->heads, s->dim);
    p->k = ref_packed(data->data[BENCH_K], dtype, kv_tokens, s->kv_heads, s->dim);
    p->v = ref_packed(data->data[BENCH_V], dtype, kv_tokens, s->kv_heads, p->value_dim);
    p->extra_len = s->extra_len;
    p->extra_k = ref_packed(data->data[BENCH_EXTRA_K], dtype, s->extra_len, s->kv_heads, s->dim);
    p->extra_v = ref_packed(data->data[BENCH_EXTRA_V], dtype, s->extra_len, s->kv_heads, p->value_dim);
}

static void note_error(double got, double wanted, double *worst) {
    double error = got == wanted ? 0.0 : fabs(got - wanted); /* equal infinities are no error */
    if (!(error <= *worst))
        *worst = isnan(error) ? HUGE_VAL : error;
}

/* Row number `row` of the [batch, head, token] order against the oracle. False: it cannot be compared. */
static bool check_row(const family_shape *s, oracle *o, const bench_data *data, uint64_t tokens, uint64_t row,
                      bench_check *check) {
    uint64_t token = row % tokens, head = row / tokens % s->heads, batch = row / tokens / s->heads;
    double wanted[VATTEN_MAX_DIM], lse = 0.0;
    if (!take_list(o, batch, head, token))
        return false;
    ref_row(&o->problem, batch, head, token, wanted, &lse, NULL);
    ref_tensor out = ref_packed(data->data[BENCH_OUT], bench_oracle_dtype(s->dtype), tokens, s->heads,
                                o->problem.value_dim);
    for (uint64_t d = 0; d < o->problem.value_dim; ++d)
        note_error(ref_load(&out, batch, token, head, d), wanted[d], &check->worst);
    if (data->data[BENCH_LSE] != NULL)
        note_error((double)((const float *)data->data[BENCH_LSE])[row], lse, &check->worst_lse);
    ++check->rows;
    return true;
}

/* Exponent all ones: infinite or NaN. */
static uint64_t count_broken(const void *data, size_t bytes, vatten_dtype dtype) {
    uint64_t count = 0;
    if (dtype == VATTEN_DTYPE_F32) {
        const float *values = data;
        for (size_t i = 0; i < bytes / 4; ++i)
            count += isfinite(values[i]) ? 0u : 1u;
        return count;
    }
    const uint16_t *bits = data;
    const uint16_t exponent = dtype == VATTEN_DTYPE_F16 ? 0x7c00 : 0x7f80;
    for (size_t i = 0; i < bytes / 2; ++i)
        count += (bits[i] & exponent) == exponent ? 1u : 0u;
    return count;
}

void bench_data_check(const family_problem *problem, const family_shape *shape, const bench_data *data,
                      vatten_layout layout, uint32_t sample, bench_check *out_check) {
    bool packed = layout == VATTEN_LAYOUT_PACKED || layout == VATTEN_LAYOUT_PACKED_SHARED;
    memset(out_check, 0, sizeof *out_check);
    oracle o;
    make_oracle(problem, shape, data, &o);
    uint64_t tokens = family_tokens(problem->id, shape);
    uint64_t rows = shape->batch * shape->heads * tokens;
    uint64_t step =
        rows / sample + 1; /* odd steps away from tile sizes, so that all places in a tile are met */
    step |= 1;
    for (uint64_t row = 0; row < rows; row += step)
        while (!check_row(shape, &o, data, tokens, row, out_check) && row + 1 < rows)
            ++row;
    check_row(shape, &o, data, tokens, rows - 1, out_check);
    free(o.chosen);
    out_check->broken = count_broken(data->data[BENCH_OUT], data->bytes[BENCH_OUT], shape->dtype);
    for (size_t i = 0; i < data->bytes[BENCH_LSE] / 4; ++i)
        out_check->broken += isnan(((const float *)data->data[BENCH_LSE])[i]) ? 1u : 0u;
    out_check->right = out_check->rows != 0 && out_check->broken == 0 &&
                       out_check->worst <= ref_tolerance(bench_oracle_dtype(shape->dtype)) &&
                       out_check->worst_lse <= (packed ? ref_lse_tolerance_packed() : ref_lse_tolerance());
}
