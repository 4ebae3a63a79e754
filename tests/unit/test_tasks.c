/* SPDX-License-Identifier: MIT
 *
 * Random pooling, selection and sparse problems on random devices with little to offer: each step keeps the device's limits
 * and its buffers' ends, what the steps write is the whole and nothing twice, and a workspace is as large as it is said
 * to be.
 */
#include "unit.h"

#include "sizes.h"
#include "sparse.h"

#include <stdlib.h>

static uint64_t spread(unit_random *random, uint64_t low, uint64_t high) {
    uint64_t bits = unit_between(random, 0, 20);
    uint64_t most = low + (UINT64_C(1) << bits);
    return unit_between(random, low, most < high ? most : high);
}

static vt_caps random_caps(unit_random *random) {
    vt_caps caps = unit_chance(random, 50) ? unit_caps_desktop() : unit_caps_lavapipe();
    caps.storage_range = spread(random, 4096, UINT32_MAX);
    caps.storage_alignment = 16u << unit_between(random, 0, 4);
    for (int i = 0; i < 3; ++i)
        caps.groups[i] = (uint32_t)spread(random, 20, 65535);
    return caps;
}

/* Bytes that the buffer of each role has. */
typedef struct buffers {
    uint64_t bytes[VT_ROLE_COUNT];
} buffers;

static void check_step(const vt_caps *caps, const buffers *b, const vt_step *step, uint64_t seed) {
    for (int i = 0; i < 3; ++i)
        if (step->groups[i] < 1 || step->groups[i] > caps->groups[i])
            fail_msg("seed %llu: %u workgroups along %d", (unsigned long long)seed, step->groups[i], i);
    for (uint32_t i = 0; i < step->binding_count; ++i) {
        const vt_binding *at = &step->binding[i];
        bool good = at->range > 0 && at->range <= caps->storage_range &&
                    at->offset % caps->storage_alignment == 0 && at->offset + at->range <= b->bytes[at->role];
        if (!good)
            fail_msg("seed %llu: slot %u, role %d: %llu bytes from %llu on of %llu, binding holds %llu",
                     (unsigned long long)seed, i, (int)at->role, (unsigned long long)at->range,
                     (unsigned long long)at->offset, (unsigned long long)b->bytes[at->role],
                     (unsigned long long)caps->storage_range);
    }
}

/* Counts, makes room, fills in; the caller frees the steps. */
#define BUILD(PROGRAM, APPEND)                                                                               \
    do {                                                                                                     \
        vt_program counted = {0};                                                                            \
        memset(&(PROGRAM), 0, sizeof(PROGRAM));                                                              \
        result = APPEND(&counted);                                                                           \
        if (result == VATTEN_SUCCESS) {                                                                      \
            (PROGRAM).steps = calloc((size_t)counted.step_count, sizeof(vt_step));                           \
            (PROGRAM).carries = counted.carries;                                                             \
            assert_int_equal(APPEND(&(PROGRAM)), VATTEN_SUCCESS);                                            \
            assert_true((PROGRAM).step_count == counted.step_count &&                                        \
                        (PROGRAM).workspace_bytes == counted.workspace_bytes);                               \
        }                                                                                                    \
    } while (0)

static vatten_strides random_strides(unit_random *random, uint64_t tokens, uint64_t heads, uint64_t dim) {
    if (unit_chance(random, 50))
        return (vatten_strides){0, 0, 0};
    uint64_t row = dim + unit_between(random, 0, 9);
    bool head_major = unit_chance(random, 50);
    uint64_t inner = row * (head_major ? tokens : heads) + unit_between(random, 0, 9);
    return (vatten_strides){
        .token = (int64_t)(head_major ? row : inner),
        .head = (int64_t)(head_major ? inner : row),
        .batch = (int64_t)(inner * (head_major ? heads : tokens) + unit_between(random, 0, 9))};
}

/* ---- Pooling ---- */

static vt_program program;
static vt_pool pool;

static vatten_result append_pool(vt_program *to) {
    return vt_pool_steps(&pool, to);
}

static vatten_pool_desc random_pool(unit_random *random) {
    vatten_pool_desc d = {.dtype = (vatten_dtype)unit_between(random, 1, 3),
                          .batch = unit_between(random, 1, 4),
                          .heads = (uint32_t)unit_between(random, 1, 6),
                          .dim = (uint32_t)unit_between(random, 1, 200),
                          .rank = (uint32_t)unit_between(random, 1, 3),
                          .kind = (vatten_pool_kind)unit_between(random, 0, 2),
                          .keep_dtype = unit_chance(random, 50)};
    uint64_t tokens = 1;
    for (uint32_t a = 0; a < d.rank; ++a) {
        d.extent[a] = spread(random, 1, d.rank == 1 ? 100000 : 60);
        d.block[a] = (uint32_t)spread(random, 1, d.extent[a]);
        tokens *= d.extent[a];
    }
    d.x = random_strides(random, tokens, d.heads, d.dim);
    return d;
}

static void pools_keep_limits_and_cover_all(void **state) {
    (void)state;
    int built = 0;
    for (uint64_t seed = 0; seed < 4000; ++seed) {
        unit_random random = {.state = seed};
        unit_log said;
        unit_log_start(&said);
        vt_caps caps = random_caps(&random);
        const vatten_pool_desc d = random_pool(&random);
        vatten_result result = vt_pool_from(&caps, &said.logger, &d, &pool);
        if (result == VATTEN_SUCCESS)
            BUILD(program, append_pool);
        assert_int_equal(said.count, result == VATTEN_SUCCESS ? 0 : 1);
        if (result != VATTEN_SUCCESS)
            continue;
        buffers b = {{0}};
        b.bytes[VT_ROLE_K] = vt_tensor_bytes(&pool.problem, &pool.x);
        b.bytes[VT_ROLE_OUT] = pool.out.elements * pool.out_element;
        uint64_t rows = 0;
        for (uint64_t i = 0; i < program.step_count; ++i) {
            const vt_step *step = &program.steps[i];
            check_step(&caps, &b, step, seed);
            assert_true((uint64_t)step->groups[0] * 64 >=
                        (uint64_t)(step->pool.end - step->pool.first) * d.dim);
            rows += (uint64_t)(step->pool.end - step->pool.first) * step->groups[1] * step->groups[2];
        }
        assert_int_equal(rows, pool.blocks[0] * pool.blocks[1] * pool.blocks[2] * d.heads * d.batch);
        free(program.steps);
        ++built;
    }
    assert_true(built > 1000);
}

/* ---- Selection ---- */

static vt_select selection;

static vatten_result append_select(vt_program *to) {
    return vt_select_steps(&selection, to);
}

static vatten_selection random_rule(unit_random *random, uint64_t blocks, uint32_t heads) {
    vatten_selection rule = {.entries = (uint32_t)spread(random, 1, blocks)};
    rule.list_heads = unit_chance(random, 40) ? 0 : unit_chance(random, 50) ? 1 : heads;
    rule.own = rule.entries > 2 && unit_chance(random, 50);
    rule.budget = unit_chance(random, 70) ? VATTEN_BUDGET_TOP : VATTEN_BUDGET_MASS;
    rule.softmax = unit_chance(random, 50);
    rule.min_max = rule.budget == VATTEN_BUDGET_MASS && !rule.softmax;
    return rule;
}

static void selections_keep_limits_and_cover_all(void **state) {
    (void)state;
    int built = 0;
    for (uint64_t seed = 0; seed < 4000; ++seed) {
        unit_random random = {.state = seed};
        unit_log said;
        unit_log_start(&said);
        vt_caps caps = random_caps(&random);
        vatten_select_desc d = {.dtype = (vatten_dtype)unit_between(&random, 1, 3),
                                .batch = unit_between(&random, 1, 3),
                                .kv_heads = (uint32_t)unit_between(&random, 1, 3),
                                .dim = (uint32_t)unit_between(&random, 1, 200),
                                .rows = spread(&random, 1, 100000),
                                .blocks = spread(&random, 1, 1000),
                                .write_counts = unit_chance(&random, 50),
                                .max_workspace =
                                    unit_chance(&random, 50) ? 0 : spread(&random, 1000, 1 << 20)};
        d.heads = d.kv_heads * (uint32_t)unit_between(&random, 1, 4);
        d.rule = random_rule(&random, d.blocks, d.heads);
        d.rule.own = false;
        d.q = random_strides(&random, d.rows, d.heads, d.dim);
        vatten_result result = vt_select_from(&caps, &said.logger, &d, &selection);
        if (result == VATTEN_SUCCESS)
            BUILD(program, append_select);
        assert_int_equal(said.count, result == VATTEN_SUCCESS ? 0 : 1);
        if (result != VATTEN_SUCCESS)
            continue;
        buffers b = {{0}};
        b.bytes[VT_ROLE_Q] = vt_tensor_bytes(&selection.problem, &selection.q);
        b.bytes[VT_ROLE_K] = selection.k.elements * 4;
        b.bytes[VT_ROLE_LISTS] = selection.lists.elements * 4;
        b.bytes[VT_ROLE_COUNTS] = selection.counts.elements * 4;
        b.bytes[VT_ROLE_WORKSPACE] = program.workspace_bytes;
        assert_true(program.workspace_bytes <= selection.desc.max_workspace);
        uint64_t rows = 0;
        for (uint64_t i = 0; i < program.step_count; ++i) {
            const vt_step *step = &program.steps[i];
            check_step(&caps, &b, step, seed);
            assert_true(step->barrier_before); /* scores are written over by the next part */
            if (i % 2 == 1)
                rows += (uint64_t)(step->select.row_end - step->select.row_first) * step->groups[1] *
                        step->groups[2];
        }
        assert_int_equal(rows, d.rows * selection.desc.rule.list_heads * d.batch);
        free(program.steps);
        ++built;
    }
    assert_true(built > 400);
}

/* ---- All in one ---- */

static vt_sparse sparse;
static vt_op_input sparse_input;

static vatten_result append_sparse(vt_program *to) {
    return vt_sparse_steps(&sparse, &sparse_input, to);
}

static void sparse_programs_keep_limits_and_their_workspace(void **state) {
    (void)state;
    int built = 0;
    for (uint64_t seed = 0; seed < 4000; ++seed) {
        unit_random random = {.state = seed};
        unit_log said;
        unit_log_start(&said);
        vt_caps caps = random_caps(&random);
        caps.storage_buffers = 8;
        vatten_sparse_desc d = {.q_len = spread(&random, 1, 50000),
                                .heads = {.dtype = VATTEN_DTYPE_F32,
                                          .batch = unit_between(&random, 1, 3),
                                          .kv_heads = (uint32_t)unit_between(&random, 1, 3),
                                          .dim = (uint32_t)unit_between(&random, 1, 128)},
                                .causal = unit_chance(&random, 50)};
        d.heads.heads = d.heads.kv_heads * (uint32_t)unit_between(&random, 1, 4);
        d.kv_len = d.q_len + spread(&random, 0, 1000);
        d.q_block = unit_chance(&random, 50) ? 1 : (uint32_t)spread(&random, 1, d.q_len);
        d.kv_block = (uint32_t)spread(&random, 1, d.kv_len);
        d.rule = random_rule(&random, vt_ceil_div(d.kv_len, d.kv_block), d.heads.heads);
        vt_tile tile;
        uint32_t row = 0;
        vatten_result result = vt_sparse_from(&caps, &said.logger, &d, &sparse);
        if (result == VATTEN_SUCCESS)
            result = vt_tune(&caps, &said.logger, &sparse.lists, &row, &tile);
        sparse_input = (vt_op_input){&caps, &said.logger, &sparse.lists, &tile};
        if (result == VATTEN_SUCCESS)
            BUILD(program, append_sparse);
        assert_int_equal(said.count, result == VATTEN_SUCCESS ? 0 : 1);
        if (result != VATTEN_SUCCESS)
            continue;
        buffers b = {{0}};
        b.bytes[VT_ROLE_Q] = vt_tensor_bytes(&sparse.lists, &sparse.lists.q);
        b.bytes[VT_ROLE_K] = vt_tensor_bytes(&sparse.lists, &sparse.lists.k);
        b.bytes[VT_ROLE_V] = vt_tensor_bytes(&sparse.lists, &sparse.lists.v);
        b.bytes[VT_ROLE_OUT] = vt_tensor_bytes(&sparse.lists, &sparse.lists.out);
        b.bytes[VT_ROLE_WORKSPACE] = program.workspace_bytes;
        for (uint64_t i = 0; i < program.step_count; ++i)
            check_step(&caps, &b, &program.steps[i], seed);
        free(program.steps);
        ++built;
    }
    assert_true(built > 300);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pools_keep_limits_and_cover_all),
        cmocka_unit_test(selections_keep_limits_and_cover_all),
        cmocka_unit_test(sparse_programs_keep_limits_and_their_workspace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
