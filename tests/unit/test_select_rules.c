/* SPDX-License-Identifier: MIT
 *
 * Every documented rule of vatten_pool_desc, vatten_select_desc and vatten_sparse_desc: what is refused, with which result
 * and words, and what becomes of defaults.
 */
#include "select_kit.h"

#include "sparse.h"

#include <math.h>

/* ---- Pooling ---- */

static vt_pool pool;

static vatten_pool_desc unit_pool(void) {
    return (vatten_pool_desc){
        .dtype = VATTEN_DTYPE_F32,
        .batch = 2,
        .heads = 4,
        .dim = 16,
        .rank = 2,
        .extent = {10, 7},
        .block = {4, 7},
    };
}

static vatten_result pool_on(const vt_caps *caps, const vatten_pool_desc *desc) {
    return vt_pool_from(caps, &said.logger, desc, &pool);
}

static vatten_result pooled(const vatten_pool_desc *desc) {
    const vt_caps caps = unit_caps_desktop();
    return pool_on(&caps, desc);
}

#define REFUSED_POOL(FIELD, VALUE, RESULT, TEXT)                                                             \
    do {                                                                                                     \
        vatten_pool_desc desc = unit_pool();                                                                 \
        desc.FIELD = VALUE;                                                                                  \
        assert_int_equal(pooled(&desc), RESULT);                                                             \
        assert_said(&said, TEXT);                                                                            \
    } while (0)

static void pool_needs_what_is_required(void **state) {
    (void)state;
    REFUSED_POOL(dtype, (vatten_dtype)0, INVALID, "pool: dtype 0 is none of F32 (1), F16 (2), BF16 (3)");
    REFUSED_POOL(batch, 0, INVALID, "pool: batch 0 must be at least 1");
    REFUSED_POOL(heads, 0, INVALID, "pool: heads 0 must be at least 1");
    REFUSED_POOL(dim, 0, INVALID, "pool: dim 0 must be at least 1");
    REFUSED_POOL(dim, 577, INVALID, "pool: dim 577 is above 576");
    REFUSED_POOL(kind, (vatten_pool_kind)3, INVALID, "pool: kind 3 is unknown");
    REFUSED_POOL(batch, 1u << 31, UNSUPPORTED, "pool: batch 2147483648 is above 536870911");
    vt_caps caps = unit_caps_desktop();
    vatten_pool_desc desc = unit_pool();
    caps.features = 0;
    desc.dtype = VATTEN_DTYPE_BF16;
    assert_int_equal(pool_on(&caps, &desc), UNSUPPORTED);
    assert_said(&said,
                "pool: dtype BF16 needs VATTEN_FEATURE_STORAGE_16BIT (storageBuffer16BitAccess), which is "
                "not enabled on Desktop");
}

static void pool_blocks_fit_their_axes(void **state) {
    (void)state;
    REFUSED_POOL(rank, 0, INVALID, "pool: rank 0 is outside 1..3");
    REFUSED_POOL(rank, 4, INVALID, "pool: rank 4 is outside 1..3");
    REFUSED_POOL(extent[1], 0, INVALID, "pool: axis 1: extent 0 must be at least 1");
    REFUSED_POOL(block[0], 0, INVALID, "pool: axis 0: block 0 must be at least 1");
    REFUSED_POOL(block[1], 8, INVALID, "pool: axis 1: block 8 is above extent 7");
    REFUSED_POOL(rank, 3, INVALID, "pool: axis 2: extent 0 must be at least 1");
    REFUSED_POOL(extent[0], 1u << 28, UNSUPPORTED,
                 "pool: extents 268435456 x 7 x 1 are above 536870911 tokens");
    REFUSED_POOL(extent[0], UINT64_MAX, UNSUPPORTED,
                 "pool: extents 18446744073709551615 x 7 x 1 are above 536870911 tokens");
}

static void pool_walks_only_what_a_device_does(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_lavapipe();
    vatten_pool_desc desc = unit_pool();
    desc.extent[0] = desc.extent[1] = desc.block[0] = desc.block[1] = 200;
    assert_int_equal(pool_on(&caps, &desc), UNSUPPORTED);
    assert_said(&said,
                "pool: blocks of 200 x 200 x 1 tokens take 80200 steps, llvmpipe (LLVM 15.0.6, 256 bits) "
                "allows 60000");
}

static void pool_reads_by_strides(void **state) {
    (void)state;
    REFUSED_POOL(x.head, -1, INVALID, "pool: x strides: batch 0, head -1, token 0 must not be negative");
    REFUSED_POOL(x.batch, INT64_MAX, INVALID,
                 "pool: x overflows 64 bits: batch 2, tokens 70, heads 4, dim 16");
    vatten_pool_desc desc = unit_pool();
    desc.kind = VATTEN_POOL_MIN_MAX;
    assert_int_equal(pooled(&desc), VATTEN_SUCCESS);
    assert_true(pool.blocks[0] == 3 && pool.blocks[1] == 1 && pool.blocks[2] == 1);
    assert_true(pool.x.token == 64 && pool.x.batch == 70 * 64);
    assert_true(pool.out_dim == 32 && pool.out.elements == 2 * 3 * 4 * 32);
    desc.x = (vatten_strides){.batch = 0, .head = 16, .token = 64};
    assert_int_equal(pooled(&desc), VATTEN_SUCCESS);
    assert_int_equal(pool.x.elements, 70 * 64);
}

/* A binding holds a row of blocks of one head, or the plan cannot be split any further. */
static void pooling_needs_room(void **state) {
    (void)state;
    static vt_program program;
    vt_caps caps = unit_caps_desktop();
    vatten_pool_desc desc = unit_pool();
    caps.storage_range = 1024;
    assert_int_equal(pool_on(&caps, &desc), VATTEN_SUCCESS);
    assert_int_equal(vt_pool_steps(&pool, &program), UNSUPPORTED);
    assert_said(&said,
                "pool: 28 tokens of one head do not fit Desktop: a binding holds 1024 bytes, a dispatch "
                "2147483647 workgroups");
}

/* ---- Selection ---- */

static void select_needs_what_is_required(void **state) {
    (void)state;
    REFUSED_SELECT(dtype, (vatten_dtype)4, INVALID, "select: dtype 4 is none of F32 (1), F16 (2), BF16 (3)");
    REFUSED_SELECT(batch, 0, INVALID, "select: batch 0 must be at least 1");
    REFUSED_SELECT(heads, 0, INVALID, "select: heads 0 must be at least 1");
    REFUSED_SELECT(kv_heads, 0, INVALID, "select: kv_heads 0 must be at least 1");
    REFUSED_SELECT(kv_heads, 3, INVALID, "select: heads 4 is not a multiple of kv_heads 3");
    REFUSED_SELECT(dim, 0, INVALID, "select: dim 0 must be at least 1");
    REFUSED_SELECT(dim, 577, INVALID, "select: dim 577 is above 576");
    REFUSED_SELECT(rows, 0, INVALID, "select: rows 0 must be at least 1");
    REFUSED_SELECT(blocks, 0, INVALID, "select: blocks 0 must be at least 1");
    REFUSED_SELECT(rule.scale, INFINITY, INVALID, "select: scale inf is not finite");
    REFUSED_SELECT(rule.list_heads, 3, INVALID, "select: heads 4 is not a multiple of list_heads 3");
    REFUSED_SELECT(rule.entries, 0, INVALID, "select: entries 0 must be at least 1");
    REFUSED_SELECT(rule.entries, 11, INVALID, "select: entries 11 are above 10 blocks");
    REFUSED_SELECT(q.token, -4, INVALID, "select: q strides: batch 0, head 0, token -4 must not be negative");
    REFUSED_SELECT(rows, 1u << 30, UNSUPPORTED, "select: rows 1073741824 are above 536870911");
    REFUSED_SELECT(blocks, 1u << 30, UNSUPPORTED, "select: blocks 1073741824 are above 536870911");
}

static void rows_have_places_among_blocks(void **state) {
    (void)state;
    REFUSED_SELECT(row_tokens, 0, INVALID,
                   "select: row_tokens 0, row_shift 0, block_tokens 16: only row_shift may be 0");
    REFUSED_SELECT(block_tokens, 0, INVALID,
                   "select: row_tokens 8, row_shift 0, block_tokens 0: only row_shift may be 0");
    REFUSED_SELECT(
        row_shift, 1u << 30, UNSUPPORTED,
        "select: 100 rows of 8 tokens from 1073741824 on, or block_tokens 16, are above 536870911 tokens");
    REFUSED_SELECT(
        row_tokens, UINT64_MAX, UNSUPPORTED,
        "select: 100 rows of 18446744073709551615 tokens from 0 on, or block_tokens 16, are above 536870911 "
        "tokens");
    vatten_select_desc desc = unit_select();
    desc.row_tokens = desc.block_tokens = 0;
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
    desc.row_shift = 5;
    assert_int_equal(selected(&desc), INVALID);
    assert_said(&said, "select: row_tokens 0, row_shift 5, block_tokens 0: only row_shift may be 0");
    desc.row_shift = 0;
    desc.causal = true;
    assert_int_equal(selected(&desc), INVALID);
    assert_said(&said, "select: causal 1, own 0, local 0 need row_tokens and block_tokens");
    desc.causal = false;
    desc.rule.own = true;
    assert_int_equal(selected(&desc), INVALID);
    assert_said(&said, "select: causal 0, own 1, local 0 need row_tokens and block_tokens");
    desc.rule.own = false;
    desc.rule.local = 2;
    assert_int_equal(selected(&desc), INVALID);
    assert_said(&said, "select: causal 0, own 0, local 2 need row_tokens and block_tokens");
}

/* Rows of 8 tokens, from a multiple of 8 or not, have keys of two blocks of 16 at most. */
static void forced_blocks_fit_the_list(void **state) {
    (void)state;
    REFUSED_RULE(((vatten_selection){.entries = 5, .own = true, .first = 4}),
                 "select: first 4, local 0 and 2 own blocks do not fit 5 entries");
    REFUSED_RULE(((vatten_selection){.entries = 5, .own = true, .first = 2, .local = 4}),
                 "select: first 2, local 4 and 2 own blocks do not fit 5 entries");
    vatten_select_desc desc = unit_select();
    desc.rule = (vatten_selection){.entries = 5, .own = true, .first = 1, .local = 4};
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
    desc.blocks = 5; /* all of them: more cannot be forced */
    desc.rule.first = 4;
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
    desc.blocks = 6;
    assert_int_equal(selected(&desc), INVALID);
    assert_said(&said, "select: first 4, local 4 and 2 own blocks do not fit 5 entries");
}

static void budgets_have_their_own_fields(void **state) {
    (void)state;
    const vatten_budget mass = VATTEN_BUDGET_MASS, threshold = VATTEN_BUDGET_THRESHOLD;
    REFUSED_RULE(((vatten_selection){.entries = 5, .budget = (vatten_budget)3}),
                 "select: budget 3 is unknown");
    REFUSED_RULE(((vatten_selection){.entries = 5, .budget = mass, .softmax = true, .share = 1.5f}),
                 "select: share 1.500000 is not between 0 and 1");
    REFUSED_RULE(((vatten_selection){.entries = 5, .budget = mass, .softmax = true, .share = -0.25f}),
                 "select: share -0.250000 is not between 0 and 1");
    REFUSED_RULE(
        ((vatten_selection){.entries = 5, .budget = mass, .share = 0.5f}),
        "select: softmax 0 and min_max 0: budget MASS needs one of them, plain values may be negative");
    REFUSED_RULE(((vatten_selection){.entries = 5, .budget = threshold, .share = NAN}),
                 "select: share nan is no number");
    REFUSED_RULE(((vatten_selection){.entries = 5, .min_max = true}),
                 "select: min_max 1 and crossing_out 0 are for budget MASS only");
    REFUSED_RULE(((vatten_selection){.entries = 5, .budget = threshold, .crossing_out = true}),
                 "select: min_max 0 and crossing_out 1 are for budget MASS only");
    REFUSED_RULE(((vatten_selection){.entries = 5, .least = 1}),
                 "select: least 1 is for budgets MASS and THRESHOLD only");
    vatten_select_desc desc = unit_select();
    desc.rule = (vatten_selection){.entries = 5, .budget = threshold, .share = -INFINITY, .least = 9};
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
}

static void select_walks_only_what_a_device_does(void **state) {
    (void)state;
    const vt_caps caps = unit_caps_lavapipe();
    vatten_select_desc desc = unit_select();
    desc.blocks = 5000;
    assert_int_equal(select_on(&caps, &desc), UNSUPPORTED);
    assert_said(&said,
                "select: 5000 blocks take 190070 steps of a row, llvmpipe (LLVM 15.0.6, 256 bits) allows "
                "60000");
}

static void selection_has_defaults(void **state) {
    (void)state;
    vatten_select_desc desc = unit_select();
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
    assert_true(selection.desc.rule.scale == 1.0f && selection.desc.rule.list_heads == 4);
    assert_true(selection.group == 1 && selection.desc.max_workspace == 2 * 4 * 100 * 1024);
    assert_true(selection.lists.token == 5 && selection.lists.head == 500 && selection.lists.batch == 2000);
    assert_true(selection.lists.elements == 4000 && selection.counts.elements == 800);
    desc.rule.list_heads = 2;
    assert_int_equal(selected(&desc), VATTEN_SUCCESS);
    assert_int_equal(selection.group, 2);
    assert_silent(&said);
}

static void scores_need_room(void **state) {
    (void)state;
    static vt_program program;
    const vt_caps caps = unit_caps_desktop();
    vatten_select_desc desc = unit_select();
    desc.max_workspace = 64 * 10 * sizeof(float) - 1; /* one byte short of 64 rows of one head */
    assert_int_equal(select_on(&caps, &desc), VATTEN_SUCCESS);
    assert_int_equal(vt_select_steps(&selection, &program), UNSUPPORTED);
    assert_said(
        &said,
        "select: 64 rows of 10 blocks of 1 list heads take 2560 bytes of workspace and 3 workgroups "
        "together: they do not fit Desktop, whose bindings hold 4294967295 bytes, or max_workspace 2559");
}

/* ---- Sparse attention ---- */

static vatten_sparse_desc unit_sparse(void) {
    return (vatten_sparse_desc){
        .heads = {.dtype = VATTEN_DTYPE_F32, .batch = 2, .heads = 4, .kv_heads = 2, .dim = 16},
        .q_len = 100,
        .kv_len = 130,
        .q_block = 8,
        .kv_block = 16,
        .rule = {.entries = 5},
    };
}

static vatten_result sparse(const vatten_sparse_desc *desc) {
    static vt_sparse out;
    const vt_caps caps = unit_caps_desktop();
    return vt_sparse_from(&caps, &said.logger, desc, &out);
}

#define REFUSED_SPARSE(FIELD, VALUE, RESULT, TEXT)                                                           \
    do {                                                                                                     \
        vatten_sparse_desc desc = unit_sparse();                                                             \
        desc.FIELD = VALUE;                                                                                  \
        assert_int_equal(sparse(&desc), RESULT);                                                             \
        assert_said(&said, TEXT);                                                                            \
    } while (0)

static void sparse_heads_and_lengths_are_those_of_attention(void **state) {
    (void)state;
    REFUSED_SPARSE(heads.dtype, (vatten_dtype)0, INVALID,
                   "sparse: dtype 0 is none of F32 (1), F16 (2), BF16 (3)");
    REFUSED_SPARSE(heads.batch, 0, INVALID, "sparse: batch 0 must be at least 1");
    REFUSED_SPARSE(heads.heads, 0, INVALID, "sparse: heads 0 must be at least 1");
    REFUSED_SPARSE(heads.kv_heads, 3, INVALID, "sparse: heads 4 is not a multiple of kv_heads 3");
    REFUSED_SPARSE(heads.dim, 0, INVALID, "sparse: dim 0 must be at least 1");
    REFUSED_SPARSE(heads.value_dim, 600, INVALID, "sparse: value_dim 600 is above 576");
    REFUSED_SPARSE(heads.scale, NAN, INVALID, "sparse: scale nan is not finite");
    REFUSED_SPARSE(heads.tile.layout, (vatten_layout)99, INVALID, "sparse: tile layout 99 is unknown");
    REFUSED_SPARSE(q_len, 0, INVALID, "sparse: q_len 0 must be at least 1");
    REFUSED_SPARSE(kv_len, 0, INVALID, "sparse: kv_len 0 must be at least 1");
    REFUSED_SPARSE(q_len, 1u << 30, UNSUPPORTED, "sparse: q_len 1073741824 is above 536870911 tokens");
    REFUSED_SPARSE(kv_len, 1u << 30, UNSUPPORTED, "sparse: kv_len 1073741824 is above 536870911 tokens");
}

static void sparse_blocks_fit_their_tokens(void **state) {
    (void)state;
    REFUSED_SPARSE(q_block, 0, INVALID, "sparse: q_block 0 must be at least 1");
    REFUSED_SPARSE(kv_block, 0, INVALID, "sparse: kv_block 0 must be at least 1");
    REFUSED_SPARSE(q_block, 101, INVALID, "sparse: q_block 101 is above q_len 100");
    REFUSED_SPARSE(kv_block, 131, INVALID, "sparse: kv_block 131 is above kv_len 130");
    vatten_sparse_desc desc = unit_sparse();
    desc.causal = true;
    desc.kv_len = 99;
    assert_int_equal(sparse(&desc), INVALID);
    assert_said(&said, "sparse: causal with kv_len 99 below q_len 100: the first queries have no key");
    desc.align = VATTEN_ALIGN_FIRST;
    assert_int_equal(sparse(&desc), VATTEN_SUCCESS);
    assert_silent(&said);
}

static void parts_speak_for_themselves(void **state) {
    (void)state;
    REFUSED_SPARSE(rule.entries, 0, INVALID, "select: entries 0 must be at least 1");
    REFUSED_SPARSE(rule.entries, 10, INVALID, "select: entries 10 are above 9 blocks");
    REFUSED_SPARSE(rule.scale, INFINITY, INVALID, "select: scale inf is not finite");
    REFUSED_SPARSE(rule.list_heads, 3, INVALID, "select: heads 4 is not a multiple of list_heads 3");
    REFUSED_SPARSE(rule.least, 1, INVALID, "select: least 1 is for budgets MASS and THRESHOLD only");
    REFUSED_SPARSE(align, (vatten_align)2, INVALID, "lists: align 2 is unknown");
    REFUSED_SPARSE(heads.v.head, -1, INVALID,
                   "lists: v strides: batch 0, head -1, token 0 must not be negative");
}

static void executions_are_for_lists_of_single_queries(void **state) {
    (void)state;
    static vt_sparse out;
    const vt_caps caps = unit_caps_desktop();
    REFUSED_SPARSE(execution, (vatten_sparse_execution)3, INVALID, "sparse: execution 3 is unknown");
    REFUSED_SPARSE(execution, VATTEN_SPARSE_GATHER, INVALID,
                   "sparse: execution GATHER with q_block 8: queries that share lists are not gathered");
    vatten_sparse_desc desc = unit_sparse();
    for (int n = 0; n <= VATTEN_SPARSE_GATHER; ++n) {
        desc.q_block = 1;
        desc.execution = (vatten_sparse_execution)n;
        assert_int_equal(vt_sparse_from(&caps, &said.logger, &desc, &out), VATTEN_SUCCESS);
        assert_true(out.gathers == (n == VATTEN_SPARSE_GATHER) || n == VATTEN_SPARSE_AUTO);
        assert_true(out.gathers ? !out.lists.list.row_masks && out.lists.list.q_block == 1
                                : out.lists.list.row_masks);
    }
}

/* By itself a plan gathers where blocks have tiles of rows to go by them. */
static void the_choice_goes_by_rows_of_a_block(void **state) {
    (void)state;
    static vt_sparse out;
    const vt_caps caps = unit_caps_desktop();
    vatten_sparse_desc desc = unit_sparse();
    desc.q_block = 1;
    desc.q_len = desc.kv_len = 4096;
    desc.kv_block = 512;
    desc.rule.entries = 3;
    assert_int_equal(vt_sparse_from(&caps, &said.logger, &desc, &out), VATTEN_SUCCESS);
    assert_true(out.gathers);
    desc.q_len = 4; /* decoding */
    assert_int_equal(vt_sparse_from(&caps, &said.logger, &desc, &out), VATTEN_SUCCESS);
    assert_false(out.gathers);
    desc.q_len = 4096;
    desc.kv_block = 8; /* 24 rows a block */
    desc.rule.list_heads = 4;
    assert_int_equal(vt_sparse_from(&caps, &said.logger, &desc, &out), VATTEN_SUCCESS);
    assert_false(out.gathers);
    desc.rule.list_heads = 2; /* of two heads each */
    assert_int_equal(vt_sparse_from(&caps, &said.logger, &desc, &out), VATTEN_SUCCESS);
    assert_true(out.gathers);
}

static void gathering_needs_room(void **state) {
    (void)state;
    static vt_sparse out;
    static vt_program program;
    vt_caps caps = unit_caps_desktop();
    vt_tile tile;
    uint32_t row = 0;
    vatten_sparse_desc desc = unit_sparse();
    desc.q_block = 1;
    desc.execution = VATTEN_SPARSE_GATHER;
    assert_int_equal(vt_sparse_from(&caps, &said.logger, &desc, &out), VATTEN_SUCCESS);
    assert_int_equal(vt_tune(&caps, &said.logger, &out.lists, &row, &tile), VATTEN_SUCCESS);
    vt_gather gather = {{&caps, &said.logger, &out.lists, &tile}, 700};
    assert_false(vt_gather_fits(&gather));
    assert_int_equal(vt_gather_steps(&gather, &program), UNSUPPORTED);
    assert_said(&said, "sparse: one query of 5 entries cannot be gathered on Desktop: a binding holds "
                       "4294967295 bytes, an invocation 18446744073709551615 steps, max_workspace 700 bytes");
    gather.max_workspace = 1 << 20;
    caps.storage_buffers = 6;
    assert_int_equal(vt_gather_steps(&gather, &program), UNSUPPORTED);
    assert_said(&said, "a plan by lists needs 7 storage buffers per stage, Desktop has 6");
    /* A choice that was left open falls back. */
    out.execution = VATTEN_SPARSE_AUTO;
    out.select.desc.max_workspace = 700;
    assert_int_equal(vt_sparse_takes(&out, &gather.op), VATTEN_SPARSE_UNION);
    out.select.desc.max_workspace = 1 << 20;
    assert_int_equal(vt_sparse_takes(&out, &gather.op), VATTEN_SPARSE_GATHER);
}

/* What each query chose becomes lists of 64 queries: a mark for each block. */
static void lists_of_queries_need_room(void **state) {
    (void)state;
    static vt_program program;
    const vt_caps caps = unit_caps_lavapipe();
    const vt_mark mark = {.caps = &caps,
                          .logger = &said.logger,
                          .label = "",
                          .batch = 1,
                          .heads = 1,
                          .rows = 64,
                          .blocks = 20000,
                          .entries = 1,
                          .row_block = 64,
                          .out_entries = 64};
    assert_int_equal(vt_mark_steps(&mark, 1u << 30, &program), UNSUPPORTED);
    assert_said(&said,
                "sparse: rows of 20000 blocks do not fit llvmpipe (LLVM 15.0.6, 256 bits): a binding holds "
                "134217728 bytes, an invocation 60000 steps");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(pool_needs_what_is_required),
        TEST(pool_blocks_fit_their_axes),
        TEST(pool_walks_only_what_a_device_does),
        TEST(pool_reads_by_strides),
        TEST(pooling_needs_room),
        TEST(select_needs_what_is_required),
        TEST(rows_have_places_among_blocks),
        TEST(forced_blocks_fit_the_list),
        TEST(budgets_have_their_own_fields),
        TEST(select_walks_only_what_a_device_does),
        TEST(selection_has_defaults),
        TEST(scores_need_room),
        TEST(sparse_heads_and_lengths_are_those_of_attention),
        TEST(sparse_blocks_fit_their_tokens),
        TEST(parts_speak_for_themselves),
        TEST(executions_are_for_lists_of_single_queries),
        TEST(the_choice_goes_by_rows_of_a_block),
        TEST(gathering_needs_room),
        TEST(lists_of_queries_need_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
