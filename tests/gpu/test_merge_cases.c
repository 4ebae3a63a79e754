/* SPDX-License-Identifier: MIT
 *
 * Attention over parts of the keys, merged by log-sum-exps, against known answers for all of the keys (tests/data/cases.json).
 *
 *   test_merge_cases [cases.json]
 */
#include "gpu_harness.h"

#include "cases.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gpu device;
static const char *cases_path = VATTEN_CASES_FILE;

typedef struct merge_case {
    const cases_case *item;
    vatten_dtype dtype;
    vatten_memory *q, *k, *v, *parts, *lses, *out, *lse;
    float *out_values, *lse_values;
} merge_case;

static uint64_t element_bytes(vatten_dtype dtype) {
    return dtype == VATTEN_DTYPE_F32 ? 4 : 2;
}

static void store(vatten_dtype dtype, uint8_t *data, uint64_t n, float x) {
    uint16_t bits = dtype == VATTEN_DTYPE_F16 ? ref_f32_to_f16(x) : ref_f32_to_bf16(x);
    memcpy(data + n * element_bytes(dtype), dtype == VATTEN_DTYPE_F32 ? (void *)&x : (void *)&bits,
           element_bytes(dtype));
}

static vatten_memory *memory_of(uint64_t bytes) {
    vatten_memory *memory = NULL;
    vatten_memory_create(device.context, bytes ? bytes : 64, &memory);
    return memory;
}

/* A tensor of the case, at least one token long. */
static vatten_memory *upload(const merge_case *c, cases_tensor tensor, uint64_t tokens) {
    const cases_case *item = c->item;
    uint64_t heads = tensor == CASES_Q ? item->heads : item->kv_heads;
    uint64_t dim = tensor == CASES_V ? item->value_dim : item->dim;
    uint64_t count = item->batch * tokens * heads * dim, bytes = (count + 1) * element_bytes(c->dtype);
    uint8_t *data = calloc(1, bytes);
    for (uint64_t n = 0; n < count; ++n) {
        uint64_t token = n / dim / heads;
        store(c->dtype, data, n,
              cases_value(item, tensor, token / tokens, token % tokens, n / dim % heads, n % dim));
    }
    vatten_memory *memory = memory_of(bytes);
    bool good = memory && vatten_memory_upload(memory, 0, data, bytes) == VATTEN_SUCCESS;
    free(data);
    return good ? memory : NULL;
}

static vatten_buffer at(vatten_memory *memory, uint64_t offset, uint64_t bytes) {
    return (vatten_buffer){vatten_memory_buffer(memory).buffer, offset, bytes};
}

/* From a part to the next: parts begin where an offset may. */
static uint64_t apart(uint64_t elements) {
    return (elements + 255) / 256 * 256;
}

static uint64_t rows_of(const cases_case *item) {
    return item->batch * item->heads * cases_q_len(item);
}

/* The keys [first, first + count) of all, into one part. An empty range has no key. */
static bool attend(const merge_case *c, uint32_t part, uint64_t first, uint64_t count) {
    const cases_case *item = c->item;
    uint64_t keys = cases_kv_len(item), rows = rows_of(item), e = element_bytes(c->dtype);
    int64_t k_row = (int64_t)(item->kv_heads * item->dim),
            v_row = (int64_t)(item->kv_heads * item->value_dim);
    vatten_attention_desc desc = {.heads = {.dtype = c->dtype,
                                            .batch = item->batch,
                                            .heads = (uint32_t)item->heads,
                                            .kv_heads = (uint32_t)item->kv_heads,
                                            .dim = (uint32_t)item->dim,
                                            .value_dim = (uint32_t)item->value_dim,
                                            .write_lse = true,
                                            .k = {k_row * (int64_t)keys, (int64_t)item->dim, k_row},
                                            .v = {v_row * (int64_t)keys, (int64_t)item->value_dim, v_row}},
                                  .q_len = cases_q_len(item),
                                  .kv_len = count ? count : 1};
    vatten_plan *plan = NULL;
    vatten_memory *scratch = NULL;
    vatten_plan_info info;
    double ms;
    if (vatten_attention_create(device.device, &desc, &plan) != VATTEN_SUCCESS)
        return false;
    vatten_plan_get_info(plan, &info);
    scratch = memory_of(info.workspace_bytes);
    const vatten_args args = {.q = at(c->q, 0, info.q_bytes),
                              .k = at(c->k, first * (uint64_t)k_row * e, info.k_bytes),
                              .v = at(c->v, first * (uint64_t)v_row * e, info.v_bytes),
                              .out = at(c->parts, part * apart(rows * item->value_dim) * e, info.out_bytes),
                              .lse = at(c->lses, part * apart(rows) * sizeof(float), info.lse_bytes),
                              .workspace = at(scratch, 0, info.workspace_bytes),
                              .kv_len = count ? 0 : VATTEN_EMPTY};
    bool good = vatten_context_run(device.context, plan, &args, &ms) == VATTEN_SUCCESS;
    vatten_memory_destroy(scratch);
    vatten_plan_destroy(plan);
    return good;
}

static bool merge(const merge_case *c) {
    const cases_case *item = c->item;
    const vatten_combine_desc desc = {.kind = VATTEN_COMBINE_MERGE,
                                      .dtype = c->dtype,
                                      .batch = item->batch,
                                      .heads = (uint32_t)item->heads,
                                      .tokens = cases_q_len(item),
                                      .dim = (uint32_t)item->value_dim,
                                      .parts = item->splits,
                                      .x_part = apart(rows_of(item) * item->value_dim),
                                      .weights = {.batch = (int64_t)(item->heads * cases_q_len(item)),
                                                  .head = (int64_t)cases_q_len(item),
                                                  .token = 1},
                                      .weights_part = apart(rows_of(item)),
                                      .write_lse = true};
    vatten_plan *plan = NULL;
    double ms;
    if (vatten_combine_create(device.device, &desc, &plan) != VATTEN_SUCCESS)
        return false;
    vatten_plan_info info;
    vatten_plan_get_info(plan, &info);
    vatten_memory *scratch = memory_of(info.workspace_bytes);
    const vatten_args args = {.workspace = at(scratch, 0, info.workspace_bytes),
                              .v = at(c->parts, 0, info.v_bytes),
                              .bias = at(c->lses, 0, info.bias_bytes),
                              .out = at(c->out, 0, info.out_bytes),
                              .lse = at(c->lse, 0, info.lse_bytes)};
    bool good = vatten_context_run(device.context, plan, &args, &ms) == VATTEN_SUCCESS;
    vatten_memory_destroy(scratch);
    vatten_plan_destroy(plan);
    return good;
}

static void check_value(const merge_case *c, unsigned probe, const char *what, double got, double want,
                        double tolerance) {
    if (!(fabs(got - want) <= tolerance || got == want))
        gpu_fail(&device, "%s %s probe %u: %s is %.9g, known is %.9g", c->item->id, gpu_dtype_name(c->dtype),
                 probe, what, got, want);
}

static void check_probes(const merge_case *c) {
    const cases_case *item = c->item;
    double tolerance = item->tolerance[gpu_ref_dtype(c->dtype)];
    for (uint32_t n = 0; n < item->probes; ++n) {
        const cases_probe *probe = &item->probe[n];
        const float *row =
            c->out_values +
            ((probe->b * cases_q_len(item) + probe->q) * item->heads + probe->h) * item->value_dim;
        double sum = 0.0;
        for (uint64_t d = 0; d < item->value_dim; ++d)
            sum += (double)row[d];
        for (uint32_t d = 0; d < probe->outs; ++d)
            check_value(c, n, "out", (double)row[d], probe->out[d], tolerance);
        check_value(c, n, "sum of out", sum, probe->out_sum, tolerance * sqrt((double)item->value_dim));
        check_value(c, n, "lse",
                    (double)c->lse_values[(probe->b * item->heads + probe->h) * cases_q_len(item) + probe->q],
                    probe->lse, item->lse_tolerance);
        device.rows++;
    }
}

static bool download(merge_case *c, uint64_t rows) {
    uint64_t count = rows * c->item->value_dim, e = element_bytes(c->dtype);
    uint8_t *raw = malloc(count * e);
    c->out_values = malloc(count * sizeof(float));
    c->lse_values = malloc(rows * sizeof(float));
    bool good = vatten_memory_download(c->out, 0, raw, count * e) == VATTEN_SUCCESS &&
                vatten_memory_download(c->lse, 0, c->lse_values, rows * sizeof(float)) == VATTEN_SUCCESS;
    for (uint64_t n = 0; n < count; ++n) {
        uint16_t bits;
        memcpy(&bits, raw + n * e, sizeof bits);
        memcpy(&c->out_values[n], raw + n * e, e);
        if (e == 2)
            c->out_values[n] = c->dtype == VATTEN_DTYPE_F16 ? ref_f16_to_f32(bits) : ref_bf16_to_f32(bits);
    }
    free(raw);
    return good;
}

static void run_merge_case(const cases_case *item, vatten_dtype dtype) {
    uint64_t rows = rows_of(item), keys = cases_kv_len(item);
    merge_case c = {.item = item, .dtype = dtype};
    uint64_t part = rows * item->value_dim * element_bytes(dtype), first = 0;
    c.q = upload(&c, CASES_Q, cases_q_len(item));
    c.k = upload(&c, CASES_K, keys ? keys : 1);
    c.v = upload(&c, CASES_V, keys ? keys : 1);
    c.parts = memory_of(apart(rows * item->value_dim) * sizeof(float) * item->splits);
    c.lses = memory_of(apart(rows) * sizeof(float) * item->splits);
    c.out = memory_of(part);
    c.lse = memory_of(rows * sizeof(float));
    bool good = c.q && c.k && c.v && c.parts && c.lses && c.out && c.lse;
    for (uint32_t n = 0; good && n < item->splits; first += item->split[n++])
        good = attend(&c, n, first, item->split[n]);
    if (good && first == keys && merge(&c) && download(&c, rows))
        check_probes(&c);
    else
        gpu_fail(&device, "%s: %s", item->id, device.message);
    device.cases++;
    vatten_memory *all[7] = {c.q, c.k, c.v, c.parts, c.lses, c.out, c.lse};
    for (int n = 0; n < 7; ++n)
        vatten_memory_destroy(all[n]);
    free(c.out_values);
    free(c.lse_values);
    gpu_check_validation(&device, item->id);
}

static void test_known_answers(void **state) {
    (void)state;
    cases_list cases;
    unsigned done = 0;
    assert_true(cases_read(cases_path, &cases));
    for (size_t n = 0; n < cases.count; ++n)
        for (int t = 0; cases.items[n].op == CASES_MERGE && t < 3; ++t) {
            vatten_dtype dtype = (vatten_dtype)(VATTEN_DTYPE_F32 + t);
            if (!cases.items[n].dtype[gpu_ref_dtype(dtype)] || !gpu_has_dtype(&device, dtype))
                continue;
            run_merge_case(&cases.items[n], dtype);
            ++done;
        }
    cases_free(&cases);
    printf("  %u cases and dtypes\n", done);
    assert_true(done >= 4);
    gpu_assert_clean(&device);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_known_answers)};
    cases_path = argc > 1 ? argv[1] : cases_path;
    int opened = gpu_open(&device, "test_merge_cases", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
