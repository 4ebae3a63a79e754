/* SPDX-License-Identifier: MIT
 *
 * Every documented rule of vatten_mass_desc: what is refused, with which result and words, and how defaults are resolved; and
 * that steps keep a device's limits and let every row meet every step once.
 */
#include "unit.h"

#include "mass_rules.h"
#include "sizes.h"

#include <stdlib.h>

#define INVALID     VATTEN_ERROR_INVALID_ARGUMENT
#define UNSUPPORTED VATTEN_ERROR_UNSUPPORTED

static unit_log said;
static vt_mass out;

static int fresh_log(void **state) {
    (void)state;
    unit_log_start(&said);
    return 0;
}

#define TEST(NAME) cmocka_unit_test_setup(NAME, fresh_log)

static vatten_result mass(const vatten_attention_desc *attention, vatten_mass_desc desc) {
    const vt_caps caps = unit_caps_desktop();
    desc.attention = attention;
    return vt_mass_from(&caps, &said.logger, &desc, &out);
}

/* Members of a desc of `KIND`, given as designators. */
#define REFUSED(ATTENTION, RESULT, TEXT, ...)                                                                \
    do {                                                                                                     \
        assert_int_equal(mass(ATTENTION, (vatten_mass_desc){__VA_ARGS__}), RESULT);                          \
        assert_said(&said, TEXT);                                                                            \
    } while (0)

static void members_belong_to_kinds(void **state) {
    (void)state;
    const vatten_attention_desc a = unit_dense();
    REFUSED(NULL, INVALID, "layer 7: mass: attention is missing", .label = "layer 7");
    REFUSED(&a, INVALID, "mass: kind 0 is unknown", .block = 0);
    REFUSED(&a, INVALID, "mass: kind 6 is unknown", .kind = (vatten_mass_kind)6);
    REFUSED(&a, INVALID, "mass: kv_heads, weighted, weights and last are for COLUMNS (1), kind is 4",
            .kind = VATTEN_MASS_ENTROPY, .last = 1);
    REFUSED(&a, INVALID, "mass: segments and segment_batch are for SEGMENTS (2), kind is 1",
            .kind = VATTEN_MASS_COLUMNS, .segments = 3);
    REFUSED(&a, INVALID, "mass: rows and listed are for ROWS (3), kind is 4", .kind = VATTEN_MASS_ENTROPY,
            .listed = true);
    REFUSED(&a, INVALID, "mass: block is for BLOCK_MAX (5), kind is 3", .kind = VATTEN_MASS_ROWS, .rows = 1,
            .block = 4);
    REFUSED(&a, INVALID, "mass: segments 0 must be at least 1", .kind = VATTEN_MASS_SEGMENTS);
    REFUSED(&a, INVALID, "mass: rows 0 must be at least 1", .kind = VATTEN_MASS_ROWS);
    REFUSED(&a, INVALID, "mass: block 0 must be at least 1", .kind = VATTEN_MASS_BLOCK_MAX);
}

static void numbers_have_bounds(void **state) {
    (void)state;
    const vatten_attention_desc a = unit_dense();
    REFUSED(&a, INVALID, "mass: last 25 is above q_len 24", .kind = VATTEN_MASS_COLUMNS, .last = 25);
    REFUSED(&a, INVALID, "mass: rows 25 is above q_len 24", .kind = VATTEN_MASS_ROWS, .rows = 25);
    REFUSED(&a, UNSUPPORTED, "mass: rows 536870912 is above 536870911", .kind = VATTEN_MASS_ROWS,
            .rows = 536870912, .listed = true);
    REFUSED(&a, UNSUPPORTED, "mass: segments 536870912 is above 536870911", .kind = VATTEN_MASS_SEGMENTS,
            .segments = 536870912);
    REFUSED(&a, INVALID, "mass: weights has strides, and weighted is 0", .kind = VATTEN_MASS_COLUMNS,
            .weights = {.query = 1});
    REFUSED(&a, INVALID, "mass: weights strides: batch 0, head -1, query 1 must not be negative",
            .kind = VATTEN_MASS_COLUMNS, .weighted = true, .weights = {.head = -1, .query = 1});
    REFUSED(&a, INVALID, "mass: tile layout 4: ROWS (1), SUBGROUP (2) and SHARED (3) serve mass, or AUTO (0)",
            .kind = VATTEN_MASS_ENTROPY, .tile = {.layout = VATTEN_LAYOUT_MATRIX});
    REFUSED(&a, INVALID,
            "mass: tile layout 13: ROWS (1), SUBGROUP (2) and SHARED (3) serve mass, or AUTO (0)",
            .kind = VATTEN_MASS_ENTROPY, .tile = {.layout = VATTEN_LAYOUT_DOT});
}

static void the_attention_has_a_log_sum_exp(void **state) {
    (void)state;
    vatten_attention_desc a = unit_dense();
    a.normaliser = VATTEN_NORMALISER_SIGMOID;
    REFUSED(&a, INVALID, "mass: normaliser 1 has no log-sum-exp", .kind = VATTEN_MASS_ENTROPY);
    a = unit_dense();
    a.carry = VATTEN_CARRY_IN;
    REFUSED(&a, INVALID, "mass: carry 0x1 has no log-sum-exp of all keys", .kind = VATTEN_MASS_ENTROPY);
    a = unit_dense();
    a.masks = VATTEN_MASK_SEGMENTS;
    REFUSED(&a, INVALID, "mass: segment_batch: ids are the attention's, whose masks are 0x1",
            .kind = VATTEN_MASS_SEGMENTS, .segments = 4, .segment_batch = true);
    a = unit_dense();
    a.heads.batch = 1;
    a.lengths = VATTEN_LENGTHS_PACKED;
    a.sequences = 3;
    REFUSED(&a, INVALID, "mass: the last 2 rows of packed sequences are not known: list them",
            .kind = VATTEN_MASS_ROWS, .rows = 2);
    REFUSED(&a, INVALID, "mass: segment_batch: packed sequences have batch 1", .kind = VATTEN_MASS_SEGMENTS,
            .segments = 4, .segment_batch = true);
    a.heads.dim = 0; /* the attention's own rules */
    REFUSED(&a, INVALID, "attention: dim 0 must be at least 1", .kind = VATTEN_MASS_ENTROPY);
}

static void sizes_of_what_is_written_and_read(void **state) {
    (void)state;
    vatten_attention_desc a = unit_dense(); /* 2 batches, 4 heads over 2, 24 queries, 40 keys */
    a.extra_len = 7;
    a.heads.value_dim = 3;
    assert_int_equal(mass(&a, (vatten_mass_desc){.kind = VATTEN_MASS_COLUMNS, .kv_heads = true}),
                     VATTEN_SUCCESS);
    assert_true(out.out.elements == 2 * 2 * 40 && out.head_unit == 2 && !out.has_input);
    assert_true(out.rows == 40 && out.steps == 24 && out.problem.extra_len == 0 && out.problem.mass == &out);
    assert_int_equal(mass(&a, (vatten_mass_desc){.kind = VATTEN_MASS_COLUMNS, .weighted = true}),
                     VATTEN_SUCCESS);
    assert_true(out.out.elements == 2 * 4 * 40 && out.input.elements == 2 * 4 * 24);
    assert_int_equal(
        mass(&a, (vatten_mass_desc){.kind = VATTEN_MASS_COLUMNS, .weighted = true, .weights = {.query = 1}}),
        VATTEN_SUCCESS);
    assert_int_equal(out.input.elements, 24);
    assert_int_equal(mass(&a, (vatten_mass_desc){.kind = VATTEN_MASS_SEGMENTS, .segments = 5}),
                     VATTEN_SUCCESS);
    assert_true(out.out.elements == 2 * 4 * 24 * 5 && out.input.elements == 40);
    assert_int_equal(
        mass(&a, (vatten_mass_desc){.kind = VATTEN_MASS_SEGMENTS, .segments = 5, .segment_batch = true}),
        VATTEN_SUCCESS);
    assert_int_equal(out.input.elements, 80);
    assert_int_equal(mass(&a, (vatten_mass_desc){.kind = VATTEN_MASS_ROWS, .rows = 3, .listed = true}),
                     VATTEN_SUCCESS);
    assert_true(out.out.elements == 2 * 4 * 3 * 40 && out.input.elements == 3);
    assert_int_equal(mass(&a, (vatten_mass_desc){.kind = VATTEN_MASS_ENTROPY}), VATTEN_SUCCESS);
    assert_int_equal(out.out.elements, 2 * 4 * 24);
    assert_int_equal(mass(&a, (vatten_mass_desc){.kind = VATTEN_MASS_BLOCK_MAX, .block = 16}),
                     VATTEN_SUCCESS);
    assert_int_equal(out.out.elements, 2 * 4 * 24 * 3);
    a.masks = VATTEN_MASK_SEGMENTS;
    assert_int_equal(mass(&a, (vatten_mass_desc){.kind = VATTEN_MASS_SEGMENTS, .segments = 5}),
                     VATTEN_SUCCESS);
    assert_false(out.has_input);
    assert_silent(&said);
}

/* ---- Steps ---- */

static vt_program program;

static vatten_result build(const vt_caps *caps) {
    const vt_tile tile = unit_tuned(&said, caps, &out.problem);
    const vt_op_input op = {caps, &said.logger, &out.problem, &tile};
    free(program.steps);
    memset(&program, 0, sizeof program);
    vatten_result result = vt_op_mass(&op, &program);
    if (result != VATTEN_SUCCESS)
        return result;
    vt_step *steps = calloc(program.step_count, sizeof *steps);
    memset(&program, 0, sizeof program);
    program.steps = steps;
    return vt_op_mass(&op, &program);
}

static void plain_ones_are_one_dispatch(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_desktop();
    const vatten_attention_desc a = unit_dense();
    assert_int_equal(mass(&a, (vatten_mass_desc){.kind = VATTEN_MASS_COLUMNS, .kv_heads = true}),
                     VATTEN_SUCCESS);
    assert_int_equal(build(&caps), VATTEN_SUCCESS);
    assert_int_equal(program.step_count, 1);
    const vt_step *step = &program.steps[0];
    assert_true(step->groups[1] == 2 && step->groups[2] == 2 && step->lengths && step->always);
    assert_true(step->push.q_last == 24 && step->push.k_last == 40 && step->push.flags == 0);
    vt_step shrunk = *step;
    assert_true(vt_step_shrink(&shrunk, 0, 9)); /* columns are written all the same */
    assert_true(shrunk.push.q_len == 0 && shrunk.push.kv_len == 9 && shrunk.groups[0] == step->groups[0]);
    assert_int_equal(mass(&a, (vatten_mass_desc){.kind = VATTEN_MASS_ENTROPY}), VATTEN_SUCCESS);
    assert_int_equal(build(&caps), VATTEN_SUCCESS);
    shrunk = program.steps[0];
    assert_false(vt_step_shrink(&shrunk, 0, 9));
}

/* Later dispatches of a chain add to what is there, behind a barrier. */
static void chains_wait_and_add(void **state) {
    (void)state;
    vt_caps caps = unit_caps_lavapipe();
    vatten_attention_desc a = unit_dense();
    a.kv_len = a.q_len = 300000; /* more than one invocation's loop */
    for (int kind = VATTEN_MASS_COLUMNS; kind <= VATTEN_MASS_ENTROPY; kind += 3) {
        assert_int_equal(mass(&a, (vatten_mass_desc){.kind = (vatten_mass_kind)kind}), VATTEN_SUCCESS);
        out.problem.max_macs = UINT64_MAX;
        assert_int_equal(build(&caps), VATTEN_SUCCESS);
        assert_true(program.step_count > 1);
        for (uint64_t n = 0; n < program.step_count; ++n) {
            const vt_push *push = &program.steps[n].push;
            uint32_t first = out.columns ? push->q_first : push->k_first;
            assert_int_equal(push->flags & VT_FLAG_CARRY_IN, first ? VT_FLAG_CARRY_IN : 0);
            assert_true(program.steps[n].barrier_before || first == 0);
        }
    }
}

static void a_row_must_fit(void **state) {
    (void)state;
    vt_caps caps = unit_caps_desktop();
    const vatten_attention_desc a = unit_dense();
    caps.storage_range = 64;
    caps.storage_alignment = 16;
    assert_int_equal(mass(&a, (vatten_mass_desc){.kind = VATTEN_MASS_ENTROPY}), VATTEN_SUCCESS);
    assert_int_equal(build(&caps), UNSUPPORTED);
    assert_said(&said,
                "mass: the smallest part does not fit Desktop: a binding holds 64 bytes, an invocation makes "
                "18446744073709551615 loop iterations");
    caps = unit_caps_desktop();
    caps.storage_buffers = 7;
    assert_int_equal(build(&caps), UNSUPPORTED);
    assert_said(&said, "mass needs 8 storage buffers per stage, Desktop has 7");
}

static void columns_need_no_spans(void **state) {
    (void)state;
    vt_caps caps = unit_caps_desktop();
    vatten_attention_desc a = unit_dense();
    a.masks = VATTEN_MASK_SEGMENTS;
    a.mask_heads = 4;
    caps.groups[1] = 3; /* two dispatches of spans */
    assert_int_equal(mass(&a, (vatten_mass_desc){.kind = VATTEN_MASS_ENTROPY}), VATTEN_SUCCESS);
    assert_int_equal(build(&caps), VATTEN_SUCCESS);
    for (int i = 0; i < 2; ++i)
        assert_int_equal(vt_kernels[program.variants[program.steps[i].variant].kernel].task, VT_TASK_SPANS);
    assert_int_equal(mass(&a, (vatten_mass_desc){.kind = VATTEN_MASS_COLUMNS}), VATTEN_SUCCESS);
    assert_int_equal(build(&caps), VATTEN_SUCCESS); /* asks masks pair by pair */
    assert_int_equal(vt_kernels[program.variants[program.steps[0].variant].kernel].task, VT_TASK_ATTEND);
}

static vatten_attention_desc random_attention(unit_random *random) {
    vatten_attention_desc a = {.heads = {.dtype = VATTEN_DTYPE_F32,
                                         .batch = unit_between(random, 1, 4),
                                         .kv_heads = (uint32_t)unit_between(random, 1, 3),
                                         .dim = (uint32_t)unit_between(random, 1, 40)}};
    a.heads.heads = a.heads.kv_heads * (uint32_t)unit_between(random, 1, 3);
    a.q_len = unit_between(random, 1, 300);
    a.kv_len = unit_between(random, 1, 300);
    a.causal = unit_chance(random, 50);
    a.masks = unit_chance(random, 20) ? VATTEN_MASK_BITS : 0;
    a.bias = unit_chance(random, 20) ? VATTEN_BIAS_TENSOR : VATTEN_BIAS_NONE;
    if (unit_chance(random, 30)) {
        a.page_size = (uint32_t)unit_between(random, 1, 40);
        a.pool_pages = unit_between(random, 1, 40);
    }
    if (unit_chance(random, 25)) {
        a.heads.batch = 1;
        a.lengths = VATTEN_LENGTHS_PACKED;
        a.sequences = (uint32_t)unit_between(random, 1, 6);
        a.masks = 0;
    }
    return a;
}

static vatten_mass_desc random_mass(unit_random *random, const vatten_attention_desc *a) {
    vatten_mass_desc d = {.kind = (vatten_mass_kind)unit_between(random, 1, 5)};
    bool columns = d.kind == VATTEN_MASS_COLUMNS;
    d.kv_heads = columns && unit_chance(random, 50);
    d.weighted = columns && unit_chance(random, 50);
    d.segments = d.kind == VATTEN_MASS_SEGMENTS ? (uint32_t)unit_between(random, 1, 9) : 0;
    d.rows = d.kind == VATTEN_MASS_ROWS ? unit_between(random, 1, a->q_len) : 0;
    d.listed = d.rows && (a->lengths == VATTEN_LENGTHS_PACKED || unit_chance(random, 50));
    d.block = d.kind == VATTEN_MASS_BLOCK_MAX ? unit_between(random, 1, 70) : 0;
    return d;
}

static void check_step(const vt_caps *caps, const vt_step *step, uint64_t seed) {
    uint64_t bytes[VT_ROLE_COUNT] = {0};
    const vt_problem *p = &out.problem;
    bytes[VT_ROLE_Q] = vt_tensor_bytes(p, &p->q);
    bytes[VT_ROLE_K] = vt_tensor_bytes(p, &p->k);
    bytes[VT_ROLE_LSE] = vt_lse_bytes(p);
    bytes[VT_ROLE_OUT] = out.out.elements * 4;
    bytes[VT_ROLE_BIAS] = p->bias_bytes;
    bytes[VT_ROLE_TABLES] = p->rules.tables.bytes;
    bytes[VT_ROLE_WEIGHTS] = bytes[VT_ROLE_LISTS] = out.input.elements * 4;
    unit_step_fits(caps, step, bytes, seed);
}

/* Pairs of queries and keys that steps are for, tiles of packed sequences aside. */
static uint64_t pairs_of(const vt_step *step) {
    const vt_push *push = &step->push;
    uint64_t heads = step->groups[1] * out.head_unit;
    return heads * step->groups[2] * (push->q_last - push->q_first) * (push->k_last - push->k_first);
}

static void masses_keep_limits_and_cover_all(void **state) {
    (void)state;
    int built = 0, split = 0;
    for (uint64_t seed = 0; seed < 3000; ++seed) {
        unit_random random = {.state = seed};
        vt_caps caps = unit_chance(&random, 50) ? unit_caps_desktop() : unit_caps_lavapipe();
        caps.storage_range = UINT64_C(1) << unit_between(&random, 13, 20);
        caps.storage_alignment = 16u << unit_between(&random, 0, 4);
        for (int i = 0; i < 3; ++i)
            caps.groups[i] = (uint32_t)unit_between(&random, 2, 50);
        const vatten_attention_desc a = random_attention(&random);
        vatten_mass_desc desc = random_mass(&random, &a);
        desc.attention = &a;
        uint64_t work = unit_chance(&random, 50) ? 1u << unit_between(&random, 14, 24) : UINT64_MAX;
        if (vt_mass_from(&caps, &said.logger, &desc, &out) != VATTEN_SUCCESS) {
            fail_msg("seed %llu: %s", (unsigned long long)seed, said.text);
        }
        out.problem.max_macs = work;
        if (build(&caps) != VATTEN_SUCCESS) {
            unit_log_start(&said);
            continue;
        }
        uint64_t pairs = 0;
        for (uint64_t n = 0; n < program.step_count; ++n) {
            check_step(&caps, &program.steps[n], seed);
            pairs += pairs_of(&program.steps[n]);
        }
        if (a.lengths != VATTEN_LENGTHS_PACKED)
            assert_int_equal(pairs, a.heads.batch * a.heads.heads * out.rows * out.steps);
        ++built;
        split += program.step_count > 1;
    }
    assert_true(built > 2000 && split > 1000);
    free(program.steps);
    program.steps = NULL;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(members_belong_to_kinds),
        TEST(numbers_have_bounds),
        TEST(the_attention_has_a_log_sum_exp),
        TEST(sizes_of_what_is_written_and_read),
        TEST(plain_ones_are_one_dispatch),
        TEST(chains_wait_and_add),
        TEST(a_row_must_fit),
        TEST(columns_need_no_spans),
        TEST(masses_keep_limits_and_cover_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
