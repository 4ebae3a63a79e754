/* SPDX-License-Identifier: MIT
 *
 * Every documented rule of vatten_append_desc: what is refused, with which result and words, and how defaults are resolved;
 * and that steps keep a device's limits and let every new row meet every place of the cache once.
 */
#include "unit.h"

#include "append.h"
#include "sizes.h"

#include <stdlib.h>

#define INVALID     VATTEN_ERROR_INVALID_ARGUMENT
#define UNSUPPORTED VATTEN_ERROR_UNSUPPORTED

static unit_log said;

static int fresh_log(void **state) {
    (void)state;
    unit_log_start(&said);
    return 0;
}

#define TEST(NAME) cmocka_unit_test_setup(NAME, fresh_log)

static vt_append out;

static vatten_result append_on(const vt_caps *caps, const vatten_attention_desc *cache,
                               vatten_append_desc *desc) {
    desc->attention = cache;
    return vt_append_from(caps, &said.logger, desc, &out);
}

static vatten_result append(const vatten_attention_desc *cache, vatten_append_desc *desc) {
    static vt_caps caps; /* steps look at them later */
    caps = unit_caps_desktop();
    return append_on(&caps, cache, desc);
}

/* One member of the attention's desc, or of the append's own, is wrong. */
#define REFUSED(FIELD, VALUE, RESULT, TEXT)                                                                  \
    do {                                                                                                     \
        vatten_attention_desc refused = unit_dense();                                                        \
        vatten_append_desc own = {0};                                                                        \
        refused.FIELD = VALUE;                                                                               \
        assert_int_equal(append(&refused, &own), RESULT);                                                    \
        assert_said(&said, TEXT);                                                                            \
    } while (0)
#define REFUSED_OWN(FIELD, VALUE, RESULT, TEXT)                                                              \
    do {                                                                                                     \
        const vatten_attention_desc cache = unit_dense();                                                    \
        vatten_append_desc refused = {0};                                                                    \
        refused.FIELD = VALUE;                                                                               \
        assert_int_equal(append(&cache, &refused), RESULT);                                                  \
        assert_said(&said, TEXT);                                                                            \
    } while (0)

static void what_is_required(void **state) {
    (void)state;
    vatten_append_desc none = {.label = "layer 7"};
    assert_int_equal(append(NULL, &none), INVALID);
    assert_said(&said, "layer 7: append: attention is missing");
    REFUSED(heads.dtype, (vatten_dtype)0, INVALID, "append: dtype 0 is none of F32 (1), F16 (2), BF16 (3)");
    REFUSED_OWN(dtype, VATTEN_DTYPE_I8, INVALID, "append: dtype 4 is none of F32 (1), F16 (2), BF16 (3)");
    REFUSED(heads.batch, 0, INVALID, "append: batch 0 must be at least 1");
    REFUSED(heads.kv_heads, 3, INVALID, "append: heads 4 is not a multiple of kv_heads 3");
    REFUSED(heads.dim, 577, INVALID, "append: dim 577 is above 576");
    REFUSED(q_len, 0, INVALID, "append: q_len 0 must be at least 1");
    REFUSED(kv_len, 0, INVALID, "append: kv_len 0 must be at least 1");
    REFUSED(q_len, 41, INVALID, "append: q_len 41 new tokens do not fit kv_len 40");
    REFUSED(kv_len, 1u << 30, UNSUPPORTED, "append: kv_len 1073741824 is above 536870911 tokens");
    vt_caps caps = unit_caps_desktop();
    caps.features = 0;
    const vatten_attention_desc cache = unit_dense();
    vatten_append_desc desc = {.dtype = VATTEN_DTYPE_BF16};
    assert_int_equal(append_on(&caps, &cache, &desc), UNSUPPORTED);
    assert_said(&said,
                "append: dtype BF16 needs VATTEN_FEATURE_STORAGE_16BIT (storageBuffer16BitAccess), which is "
                "not enabled on Desktop");
}

static void dtypes_of_caches(void **state) {
    (void)state;
    REFUSED(heads.kv_dtype, VATTEN_DTYPE_F16, INVALID, "append: kv_dtype 2 is neither dtype 1 nor I8 (4)");
    REFUSED(heads.kv_block, 8, INVALID, "append: kv_block 8 is for I8 only");
    REFUSED(heads.kv_dtype, VATTEN_DTYPE_I8, INVALID,
            "append: kv_block 0 is not a multiple of 4, at least 4");
    vatten_attention_desc cache = unit_dense();
    vatten_append_desc desc = {.dtype = VATTEN_DTYPE_F16};
    cache.heads.kv_dtype = VATTEN_DTYPE_I8;
    cache.heads.kv_block = 6;
    assert_int_equal(append(&cache, &desc), INVALID);
    assert_said(&said, "append: kv_block 6 is not a multiple of 4, at least 4");
    cache.heads.kv_block = 8;
    cache.heads.value_dim = 20;
    assert_int_equal(append(&cache, &desc), INVALID);
    assert_said(&said, "append: dim 16, value_dim 20 are not multiples of kv_block 8");
    cache.heads.value_dim = 8;
    cache.heads.v = (vatten_strides){.batch = 40 * 30, .head = 12, .token = 30};
    assert_int_equal(append(&cache, &desc), INVALID);
    assert_said(&said, "append: cache_v strides: batch 1200, head 12, token 30 bytes are not multiples of 4");
    cache.heads.v.token = 32;
    assert_int_equal(append(&cache, &desc), VATTEN_SUCCESS);
    /* 2 blocks of a scale and 8 bytes, 2 heads, 40 places; in words */
    assert_true(out.side[0].cache_length == 6 && out.side[0].cache.token == 12);
    assert_true(out.side[0].cache.batch == 480 && out.side[0].cache.elements == 960);
    assert_true(out.side[1].cache_length == 3 && out.side[1].cache.token == 8 && out.cache_element == 4);
    assert_true(out.side[0].rows.token == 32 && out.problem.element_bytes == 2 && out.side[0].vector);
}

static void lengths_and_pages(void **state) {
    (void)state;
    REFUSED(lengths, (vatten_lengths)4, INVALID, "append: lengths 4 are unknown");
    REFUSED(sequences, 2, INVALID, "append: sequences 2 are for packed ones only");
    REFUSED(lengths, VATTEN_LENGTHS_PACKED, INVALID, "append: sequences 0 must be at least 1");
    REFUSED(page_size, 16, INVALID, "append: page_size 16 without pool_pages");
    REFUSED(pool_pages, 16, INVALID, "append: pool_pages 16 without page_size");
    vatten_attention_desc cache = unit_dense();
    vatten_append_desc desc = {0};
    cache.lengths = VATTEN_LENGTHS_PACKED;
    cache.sequences = 3;
    assert_int_equal(append(&cache, &desc), INVALID);
    assert_said(&said, "append: batch 2 of packed sequences is not 1");
    cache.heads.batch = 1;
    cache.page_size = 7;
    cache.pool_pages = UINT64_C(1) << 30;
    assert_int_equal(append(&cache, &desc), UNSUPPORTED);
    assert_said(&said, "append: pool_pages 1073741824 are above 536870911");
    cache.pool_pages = 30;
    cache.q_len = 100; /* of all, kv_len is of one */
    assert_int_equal(append(&cache, &desc), VATTEN_SUCCESS);
    assert_true(out.outer == 30 && out.places == 7);
    assert_true(out.side[0].cache.batch == 7 * 32 && out.side[0].cache.elements == 30 * 7 * 32);
    assert_true(out.tables_from == 0 && out.tables.bytes == 4 * (3 + 4 + 3 * 6));
}

static void strides_of_a_cache_do_not_repeat(void **state) {
    (void)state;
    const vatten_strides good = {.batch = 40 * 40, .head = 16, .token = 40};
    vatten_strides bad = good;
    REFUSED_OWN(new_k.token, -1, INVALID,
                "append: k strides: batch 0, head 0, token -1 must not be negative");
    REFUSED_OWN(new_v.batch, INT64_MAX, INVALID,
                "append: v overflows 64 bits: batch 2, tokens 24, heads 2, dim 16");
    bad.token = 0;
    REFUSED(heads.k, bad, INVALID, "append: cache_k strides: token 0 is below a row's 16");
    bad = good;
    bad.head = 15;
    REFUSED(heads.v, bad, INVALID, "append: cache_v strides: head 15 is below a row's 16");
    bad = good;
    bad.batch = 8;
    REFUSED(heads.v, bad, INVALID, "append: cache_v strides: batch 8 is below a row's 16");
    vatten_attention_desc cache = unit_dense();
    vatten_append_desc desc = {.new_k = {.batch = 0, .head = 0, .token = 16}}; /* new rows may */
    cache.heads.k = good;
    assert_int_equal(append(&cache, &desc), VATTEN_SUCCESS);
    assert_true(out.side[0].vector && out.side[1].vector && !out.interleaved && out.sides == 2);
    cache.heads.k.token = 41;
    assert_int_equal(append(&cache, &desc), VATTEN_SUCCESS);
    assert_false(out.side[0].vector);
    cache.heads.v = good;
    desc.keys_only = true;
    assert_int_equal(append(&cache, &desc), VATTEN_SUCCESS);
    assert_true(out.interleaved && out.sides == 1 && out.side[1].rows.elements == 0);
}

/* Of the tables only lengths and pages are read; masks behind them do not count. */
static void tables_that_are_read(void **state) {
    (void)state;
    vatten_attention_desc cache = unit_dense();
    vatten_append_desc desc = {0};
    cache.head_fields = VATTEN_HEAD_SINK;
    cache.masks = VATTEN_MASK_BITS;
    assert_int_equal(append(&cache, &desc), VATTEN_SUCCESS);
    assert_true(out.tables_from == 128 && out.tables.bytes == 128); /* none */
    cache.lengths = VATTEN_LENGTHS_KV;
    assert_int_equal(append(&cache, &desc), VATTEN_SUCCESS);
    assert_true(out.tables_from == 128 && out.tables.bytes == 136);
    vt_caps caps = unit_caps_desktop();
    cache.heads.batch = 1000;
    caps.storage_range = 4000;
    assert_int_equal(append_on(&caps, &cache, &desc), UNSUPPORTED);
    assert_said(&said,
                "append: lengths and pages of 4000 bytes do not fit Desktop: a binding holds 4000 from a "
                "multiple of 16 on");
}

/* ---- Steps ---- */

static vt_program program;

static vatten_result build(void) {
    vt_program counted = {0};
    free(program.steps);
    memset(&program, 0, sizeof program);
    vatten_result result = vt_append_steps(&out, &counted);
    if (result != VATTEN_SUCCESS)
        return result;
    program.steps = calloc((size_t)counted.step_count, sizeof(vt_step));
    assert_int_equal(vt_append_steps(&out, &program), VATTEN_SUCCESS);
    assert_true(program.step_count == counted.step_count && program.workspace_bytes == 0);
    return VATTEN_SUCCESS;
}

static void keys_and_values_are_a_step_each(void **state) {
    (void)state;
    vatten_attention_desc cache = unit_dense();
    vatten_append_desc desc = {0};
    assert_int_equal(append(&cache, &desc), VATTEN_SUCCESS);
    assert_int_equal(build(), VATTEN_SUCCESS);
    assert_true(program.step_count == 2 && program.variant_count == 1);
    assert_false(program.steps[0].barrier_before || program.steps[1].barrier_before);
    assert_true(program.steps[0].groups[0] == 2 && program.steps[0].groups[1] == 2 &&
                program.steps[0].groups[2] == 2); /* 24 rows of 4 words */
    cache.heads.k = cache.heads.v = (vatten_strides){.batch = 40 * 64, .head = 32, .token = 64};
    cache.heads.value_dim = 8;
    assert_int_equal(append(&cache, &desc), VATTEN_SUCCESS);
    assert_int_equal(build(), VATTEN_SUCCESS);
    assert_true(program.step_count == 2 && program.variant_count == 2);
    assert_true(!program.steps[0].barrier_before && program.steps[1].barrier_before);
}

static void lengths_of_a_record_take_their_place(void **state) {
    (void)state;
    const vatten_attention_desc cache = unit_dense();
    vatten_append_desc desc = {0};
    assert_int_equal(append(&cache, &desc), VATTEN_SUCCESS);
    assert_int_equal(build(), VATTEN_SUCCESS);
    vt_step step = program.steps[1];
    assert_true(vt_step_shrink(&step, 7, 9));
    const vt_append_push mine = step.append;
    assert_true(mine.q_len == 7 && mine.kv_len == 9 && mine.q_last == 24 && mine.place_count == 40);
    assert_int_equal(step.groups[1], program.steps[1].groups[1]);
    assert_false(vt_step_shrink(&step, 0, 9));
}

static void a_row_must_fit(void **state) {
    (void)state;
    const vatten_attention_desc cache = unit_dense();
    vatten_append_desc desc = {0};
    vt_caps caps = unit_caps_desktop();
    caps.storage_range = 64;
    assert_int_equal(append_on(&caps, &cache, &desc), VATTEN_SUCCESS);
    assert_int_equal(build(), UNSUPPORTED);
    assert_said(&said,
                "append: a row of 16 elements does not fit Desktop: a binding holds 64 bytes, a dispatch "
                "65535 workgroups");
}

static vatten_strides random_strides(unit_random *random, uint64_t tokens, uint64_t heads, uint64_t row,
                                     uint64_t unit) {
    if (unit_chance(random, 50))
        return (vatten_strides){0, 0, 0};
    bool head_major = unit_chance(random, 50);
    row += unit * unit_between(random, 0, 9);
    uint64_t inner = row * (head_major ? tokens : heads) + unit * unit_between(random, 0, 9);
    return (vatten_strides){.token = (int64_t)(head_major ? row : inner),
                            .head = (int64_t)(head_major ? inner : row),
                            .batch = (int64_t)(inner * (head_major ? heads : tokens))};
}

static vatten_attention_desc random_cache(unit_random *random) {
    vatten_attention_desc d = {.heads = {.dtype = (vatten_dtype)unit_between(random, 1, 3),
                                         .batch = unit_between(random, 1, 5),
                                         .kv_heads = (uint32_t)unit_between(random, 1, 5),
                                         .dim = (uint32_t)unit_between(random, 1, 60),
                                         .value_dim = (uint32_t)unit_between(random, 0, 60)}};
    bool i8 = unit_chance(random, 30);
    d.heads.heads = d.heads.kv_heads;
    d.kv_len = unit_between(random, 1, 300);
    d.q_len = unit_between(random, 1, d.kv_len);
    d.lengths = (vatten_lengths)unit_between(random, 0, 3);
    if (d.lengths == VATTEN_LENGTHS_PACKED) {
        d.heads.batch = 1;
        d.sequences = (uint32_t)unit_between(random, 1, 9);
    }
    if (unit_chance(random, 50)) {
        d.page_size = (uint32_t)unit_between(random, 1, 70);
        d.pool_pages = unit_between(random, 1, 40);
    }
    if (i8) {
        d.heads.kv_dtype = VATTEN_DTYPE_I8;
        d.heads.kv_block = 4 * (uint32_t)unit_between(random, 1, 3);
        d.heads.dim = d.heads.kv_block * (uint32_t)unit_between(random, 1, 5);
        d.heads.value_dim = d.heads.kv_block * (uint32_t)unit_between(random, 1, 5);
    }
    uint64_t places = d.page_size ? d.page_size : d.kv_len,
             most = d.heads.dim * 2 > 60 ? d.heads.dim * 2 : 60;
    d.heads.k = random_strides(random, places, d.heads.kv_heads, most + (4 - most % 4), 4);
    d.heads.v = random_strides(random, places, d.heads.kv_heads, 124, 4);
    return d;
}

static void check_step(const vt_caps *caps, const vt_step *step, uint64_t seed) {
    uint64_t bytes[VT_ROLE_COUNT] = {0};
    bytes[VT_ROLE_K] = out.side[0].rows.elements * out.problem.element_bytes;
    bytes[VT_ROLE_V] = out.side[1].rows.elements * out.problem.element_bytes;
    bytes[VT_ROLE_CACHE_K] = out.side[0].cache.elements * out.cache_element;
    bytes[VT_ROLE_CACHE_V] = out.side[1].cache.elements * out.cache_element;
    bytes[VT_ROLE_TABLES] = out.tables.bytes;
    unit_step_fits(caps, step, bytes, seed);
    unit_step_works(&program, step, &(step_bounds){out.problem.max_macs, out.problem.max_moves, 0}, seed);
}

/* Pairs of a row and a place of the cache that it may go to, of both sides. */
static uint64_t pairs_of(const vt_step *step) {
    const vt_append_push *push = &step->append;
    uint64_t rows = (uint64_t)step->groups[0] * step->groups[2] * (push->q_last - push->q_first);
    uint64_t outer = out.page ? push->outer_count : 1;
    if (!out.page)
        assert_true(push->outer_first == push->batch_first && push->outer_count == step->groups[2]);
    assert_true(push->outer_first + push->outer_count <= out.outer &&
                push->place_first + push->place_count <= out.places && push->q_last <= out.problem.q_len);
    return rows * outer * push->place_count;
}

static void appends_keep_limits_and_cover_all(void **state) {
    (void)state;
    int built = 0, split = 0;
    for (uint64_t seed = 0; seed < 4000; ++seed) {
        unit_random random = {.state = seed};
        vt_caps caps = unit_chance(&random, 50) ? unit_caps_desktop() : unit_caps_lavapipe();
        caps.storage_range = UINT64_C(1) << unit_between(&random, 12, 20);
        caps.storage_alignment = 16u << unit_between(&random, 0, 4);
        for (int i = 0; i < 3; ++i)
            caps.groups[i] = (uint32_t)unit_between(&random, 2, 50);
        if (unit_chance(&random, 50))
            caps.max_moves = unit_between(&random, 50, 20000);
        const vatten_attention_desc cache = random_cache(&random);
        vatten_append_desc desc = {.dtype = (vatten_dtype)unit_between(&random, 0, 3)};
        desc.new_k = random_strides(&random, cache.q_len, cache.heads.kv_heads, 60, 1);
        if (append_on(&caps, &cache, &desc) != VATTEN_SUCCESS || build() != VATTEN_SUCCESS) {
            unit_log_start(&said);
            continue;
        }
        uint64_t pairs = 0;
        for (uint64_t n = 0; n < program.step_count; ++n) {
            check_step(&caps, &program.steps[n], seed);
            pairs += pairs_of(&program.steps[n]);
        }
        uint64_t rows = out.problem.batch * out.problem.kv_heads * out.problem.q_len;
        assert_int_equal(pairs, 2 * rows * (out.page ? out.outer : 1) * out.places);
        ++built;
        split += program.step_count > 2;
    }
    assert_true(built > 3000 && split > 1000);
    free(program.steps);
    program.steps = NULL;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_is_required),
        TEST(dtypes_of_caches),
        TEST(lengths_and_pages),
        TEST(strides_of_a_cache_do_not_repeat),
        TEST(tables_that_are_read),
        TEST(keys_and_values_are_a_step_each),
        TEST(lengths_of_a_record_take_their_place),
        TEST(a_row_must_fit),
        TEST(appends_keep_limits_and_cover_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
