/* SPDX-License-Identifier: MIT
 *
 * What callers put together from several plans of dense attention, against plain statements of the whole: a ring of shards
 * that hands a state on, partial results of segments of keys, the difference of two maps.
 */
#include "gpu_harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HEADS 4u
#define DIM   16u
#define QUERY 25u /* tokens of q: the last ones of all */
#define KEYS  129u

static gpu device;

/* f32 [tokens][HEADS][DIM] */
typedef struct tensor {
    uint64_t tokens;
    float *data;
    vatten_memory *memory;
} tensor;

static vatten_memory *memory_of(uint64_t bytes) {
    vatten_memory *memory = NULL;
    assert_int_equal(vatten_memory_create(device.context, bytes ? bytes : 64, &memory), VATTEN_SUCCESS);
    return memory;
}

static tensor random_tensor(uint64_t seed, uint64_t tokens) {
    tensor t = {tokens, malloc(tokens * HEADS * DIM * sizeof(float)), memory_of(tokens * HEADS * DIM * 4)};
    for (uint64_t i = 0; i < tokens * HEADS * DIM; ++i)
        t.data[i] = ref_random(seed, i);
    assert_int_equal(vatten_memory_upload(t.memory, 0, t.data, tokens * HEADS * DIM * 4), VATTEN_SUCCESS);
    return t;
}

static void free_tensor(tensor *t) {
    free(t->data);
    vatten_memory_destroy(t->memory);
}

static vatten_buffer from(vatten_memory *memory, uint64_t offset) {
    return (vatten_buffer){vatten_memory_buffer(memory).buffer, offset, 0};
}

static vatten_memory *words_of(const void *data, uint64_t bytes) {
    vatten_memory *memory = memory_of(bytes);
    assert_int_equal(vatten_memory_upload(memory, 0, data, bytes), VATTEN_SUCCESS);
    return memory;
}

static void read_floats(vatten_memory *memory, uint64_t first, float *out, uint64_t count) {
    assert_int_equal(vatten_memory_download(memory, first * 4, out, count * 4), VATTEN_SUCCESS);
}

static vatten_attention_desc desc_of(uint64_t keys) {
    return (vatten_attention_desc){
        .heads = {.dtype = VATTEN_DTYPE_F32, .batch = 1, .heads = HEADS, .kv_heads = HEADS, .dim = DIM},
        .q_len = QUERY,
        .kv_len = keys};
}

static void run(vatten_plan *plan, vatten_args args) {
    vatten_plan_info info;
    double ms;
    vatten_plan_get_info(plan, &info);
    vatten_memory *scratch = memory_of(info.workspace_bytes);
    args.workspace = from(scratch, 0);
    assert_int_equal(vatten_context_run(device.context, plan, &args, &ms), VATTEN_SUCCESS);
    vatten_memory_destroy(scratch);
}

static void attend(const vatten_attention_desc *desc, vatten_args args) {
    vatten_plan *plan = NULL;
    assert_int_equal(vatten_attention_create(device.device, desc, &plan), VATTEN_SUCCESS);
    run(plan, args);
    vatten_plan_destroy(plan);
}

/* One row in double: the keys [0, end) and a sink, -inf for none. Returns the log-sum-exp. */
static double row_of(const tensor *q, const tensor *k, const tensor *v, uint64_t query, uint32_t head,
                     uint64_t end, double sink, double out[DIM]) {
    double sum = isinf(sink) ? 0.0 : exp(sink);
    memset(out, 0, DIM * sizeof *out);
    for (uint64_t j = 0; j < end; ++j) {
        double dot = 0;
        for (uint32_t d = 0; d < DIM; ++d)
            dot += (double)q->data[(query * HEADS + head) * DIM + d] *
                   (double)k->data[(j * HEADS + head) * DIM + d];
        double p = exp(dot / sqrt((double)DIM));
        sum += p;
        for (uint32_t d = 0; d < DIM; ++d)
            out[d] += p * (double)v->data[(j * HEADS + head) * DIM + d];
    }
    for (uint32_t d = 0; d < DIM; ++d)
        out[d] /= sum;
    return log(sum);
}

static void compare(const char *what, uint64_t query, uint32_t head, double got, double want,
                    double tolerance) {
    if (!(fabs(got - want) <= tolerance))
        gpu_fail(&device, "%s, q %u, h %u: got %.9g want %.9g", what, (unsigned)query, head, got, want);
}

/* ---- A ring ---- */

/* Shards of 40, 64 and 25 keys, the last of which are the queries' own: causal there, whole before. The sink belongs to the
 * first plan, the log-sum-exp to the last. */
static void test_ring_of_states(void **state) {
    (void)state;
    static const uint64_t shard[] = {40, 64, 25};
    const float sinks[] = {0.5f, -1.0f, 2.0f, -INFINITY};
    vatten_head table[HEADS] = {0};
    tensor q = random_tensor(1, QUERY), k = random_tensor(2, KEYS), v = random_tensor(3, KEYS);
    vatten_memory *out = memory_of(QUERY * HEADS * DIM * 4), *lse = memory_of(QUERY * HEADS * 4);
    vatten_memory *states = memory_of((uint64_t)QUERY * HEADS * (DIM + 2) * 4);
    for (uint32_t h = 0; h < HEADS; ++h)
        table[h].sink = sinks[h];
    vatten_memory *tables = words_of(table, sizeof table);
    uint64_t first = 0;
    for (int n = 0; n < 3; first += shard[n++]) {
        vatten_attention_desc desc = desc_of(shard[n]);
        desc.carry = (n > 0 ? VATTEN_CARRY_IN : 0) | (n < 2 ? VATTEN_CARRY_OUT : 0);
        desc.head_fields = n == 0 ? VATTEN_HEAD_SINK : 0;
        desc.causal = n == 2;
        desc.heads.write_lse = n == 2;
        attend(&desc, (vatten_args){.q = from(q.memory, 0),
                                    .k = from(k.memory, first * HEADS * DIM * 4),
                                    .v = from(v.memory, first * HEADS * DIM * 4),
                                    .out = from(out, 0),
                                    .lse = from(lse, 0),
                                    .tables = from(tables, 0),
                                    .state = from(states, 0)});
    }
    float outs[QUERY * HEADS * DIM], lses[QUERY * HEADS];
    read_floats(out, 0, outs, QUERY * HEADS * DIM);
    read_floats(lse, 0, lses, QUERY * HEADS);
    for (uint64_t i = 0; i < QUERY; ++i)
        for (uint32_t h = 0; h < HEADS; ++h, ++device.rows) {
            double want[DIM];
            double whole = row_of(&q, &k, &v, i, h, KEYS - QUERY + i + 1, (double)sinks[h], want);
            compare("lse of a ring", i, h, (double)lses[h * QUERY + i], whole, ref_lse_tolerance());
            for (uint32_t d = 0; d < DIM; ++d)
                compare("a ring", i, h, (double)outs[(i * HEADS + h) * DIM + d], want[d],
                        ref_tolerance(REF_F32));
        }
    vatten_memory *all[] = {out, lse, states, tables};
    for (int n = 0; n < 4; ++n)
        vatten_memory_destroy(all[n]);
    free_tensor(&q);
    free_tensor(&k);
    free_tensor(&v);
    gpu_check_validation(&device, "ring");
    gpu_assert_clean(&device);
}

/* ---- Segments ---- */

#define SEGMENTS 3u

/* One record for each segment of the keys, by tables in which it alone is visible: O = sum over c of e^(lse_c - lse) O_c, and
 * any other weights may stand there (attention that is dealt out anew among segments). */
static void test_partial_results_of_segments(void **state) {
    (void)state;
    tensor q = random_tensor(4, QUERY), k = random_tensor(5, KEYS), v = random_tensor(6, KEYS);
    vatten_attention_desc desc = desc_of(KEYS);
    desc.masks = VATTEN_MASK_SEGMENTS;
    desc.segments = SEGMENTS;
    desc.heads.write_lse = true;
    vatten_tables at;
    vatten_plan *plan = NULL;
    assert_int_equal(vatten_attention_tables(&desc, &at), VATTEN_SUCCESS);
    assert_int_equal(vatten_attention_create(device.device, &desc, &plan), VATTEN_SUCCESS);
    uint32_t *words = calloc(1, at.bytes);
    float outs[SEGMENTS][QUERY * HEADS * DIM], lses[SEGMENTS][QUERY * HEADS];
    vatten_memory *out = memory_of(QUERY * HEADS * DIM * 4), *lse = memory_of(QUERY * HEADS * 4);
    for (uint64_t j = 0; j < KEYS; ++j)
        words[at.kv_segments / 4 + j] = (uint32_t)(j * j % 7 % SEGMENTS);
    for (uint32_t c = 0; c < SEGMENTS; ++c) {
        words[at.visible / 4] = 1u << c;
        vatten_memory *tables = words_of(words, at.bytes);
        run(plan, (vatten_args){.q = from(q.memory, 0),
                                .k = from(k.memory, 0),
                                .v = from(v.memory, 0),
                                .out = from(out, 0),
                                .lse = from(lse, 0),
                                .tables = from(tables, 0)});
        read_floats(out, 0, outs[c], QUERY * HEADS * DIM);
        read_floats(lse, 0, lses[c], QUERY * HEADS);
        vatten_memory_destroy(tables);
    }
    for (uint64_t i = 0; i < QUERY; ++i)
        for (uint32_t h = 0; h < HEADS; ++h, ++device.rows) {
            double want[DIM], whole = row_of(&q, &k, &v, i, h, KEYS, -INFINITY, want), mass = 0;
            for (uint32_t d = 0; d < DIM; ++d) {
                double sum = 0;
                for (uint32_t c = 0; c < SEGMENTS; ++c)
                    sum += exp((double)lses[c][h * QUERY + i] - whole) *
                           (double)outs[c][(i * HEADS + h) * DIM + d];
                compare("segments", i, h, sum, want[d], 2 * ref_tolerance(REF_F32));
            }
            for (uint32_t c = 0; c < SEGMENTS; ++c)
                mass += exp((double)lses[c][h * QUERY + i] - whole);
            compare("mass of segments", i, h, mass, 1.0, ref_lse_tolerance());
        }
    vatten_plan_destroy(plan);
    vatten_memory_destroy(out);
    vatten_memory_destroy(lse);
    free(words);
    free_tensor(&q);
    free_tensor(&k);
    free_tensor(&v);
    gpu_check_validation(&device, "segments");
    gpu_assert_clean(&device);
}

/* ---- Two maps ---- */

/* Differential attention: O = O1 - lambda O2 over the same values, by a sum with gains of each head. */
static void test_difference_of_two_maps(void **state) {
    (void)state;
    static const float lambda[HEADS] = {0.2f, 0.8f, 0.5f, 0.0f};
    const uint64_t part = QUERY * HEADS * DIM;
    tensor q[2] = {random_tensor(7, QUERY), random_tensor(8, QUERY)};
    tensor k[2] = {random_tensor(9, KEYS), random_tensor(10, KEYS)}, v = random_tensor(11, KEYS);
    vatten_memory *parts = memory_of(2 * part * 4 + 256), *out = memory_of(part * 4);
    const uint64_t apart = (part + 63) / 64 * 64;
    const vatten_attention_desc desc = desc_of(KEYS);
    float gains[2][HEADS];
    for (int n = 0; n < 2; ++n)
        attend(&desc, (vatten_args){.q = from(q[n].memory, 0),
                                    .k = from(k[n].memory, 0),
                                    .v = from(v.memory, 0),
                                    .out = from(parts, (uint64_t)n * apart * 4)});
    for (uint32_t h = 0; h < HEADS; ++h) {
        gains[0][h] = 1.0f;
        gains[1][h] = -lambda[h];
    }
    vatten_memory *weights = words_of(gains, sizeof gains);
    const vatten_combine_desc sum = {.kind = VATTEN_COMBINE_SUM,
                                     .dtype = VATTEN_DTYPE_F32,
                                     .batch = 1,
                                     .heads = HEADS,
                                     .tokens = QUERY,
                                     .dim = DIM,
                                     .parts = 2,
                                     .x_part = apart,
                                     .gains = true,
                                     .weights = {.batch = 0, .head = 1, .token = 0},
                                     .weights_part = HEADS};
    vatten_plan *plan = NULL;
    assert_int_equal(vatten_combine_create(device.device, &sum, &plan), VATTEN_SUCCESS);
    run(plan, (vatten_args){.v = from(parts, 0), .bias = from(weights, 0), .out = from(out, 0)});
    vatten_plan_destroy(plan);
    float outs[QUERY * HEADS * DIM];
    read_floats(out, 0, outs, part);
    for (uint64_t i = 0; i < QUERY; ++i)
        for (uint32_t h = 0; h < HEADS; ++h, ++device.rows) {
            double a[DIM], b[DIM];
            row_of(&q[0], &k[0], &v, i, h, KEYS, -INFINITY, a);
            row_of(&q[1], &k[1], &v, i, h, KEYS, -INFINITY, b);
            for (uint32_t d = 0; d < DIM; ++d)
                compare("two maps", i, h, (double)outs[(i * HEADS + h) * DIM + d],
                        a[d] - (double)lambda[h] * b[d], 2 * ref_tolerance(REF_F32));
        }
    vatten_memory *all[] = {parts, out, weights};
    for (int n = 0; n < 3; ++n)
        vatten_memory_destroy(all[n]);
    for (int n = 0; n < 2; ++n) {
        free_tensor(&q[n]);
        free_tensor(&k[n]);
    }
    free_tensor(&v);
    gpu_check_validation(&device, "two maps");
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring_of_states),
        cmocka_unit_test(test_partial_results_of_segments),
        cmocka_unit_test(test_difference_of_two_maps),
    };
    int opened = gpu_open(&device, "test_parts", NULL);
    return opened ? opened : gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
