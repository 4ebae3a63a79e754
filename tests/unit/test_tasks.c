/* SPDX-License-Identifier: MIT
 *
 * Random pooling, selection, combining and sparse problems on random devices with little to offer: each step keeps the device's
 * limits, its buffers' ends and the bounds on work, what the steps write is the whole and nothing twice, and a workspace is as large as it is said
 * to be.
 */
#include "unit.h"

#include "combine.h"
#include "sizes.h"
#include "sparse.h"
#include "topk.h"

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
    if (unit_chance(random, 50))
        caps.max_moves = spread(random, 50000, UINT64_MAX);
    if (unit_chance(random, 50))
        caps.max_macs = spread(random, 500000, UINT64_MAX);
    return caps;
}

/* Bytes that the buffer of each role has. */
typedef struct buffers {
    uint64_t bytes[VT_ROLE_COUNT];
} buffers;

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

/* `rows` of scores only go together. */
static void check_work(const vt_program *built, const vt_step *step, const vt_problem *p, uint64_t rows,
                       uint64_t seed) {
    const step_bounds bounds = {p->max_macs, p->max_moves, rows};
    unit_step_works(built, step, &bounds, seed);
}

static uint64_t together(const vt_select *s) {
    return s->shared ? s->budget_rows : 0;
}

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
    for (uint64_t seed = 0; seed < unit_share(4000); ++seed) {
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
            unit_step_fits(&caps, step, b.bytes, seed);
            check_work(&program, step, &pool.problem, 0, seed);
            assert_true((uint64_t)step->groups[0] * 64 >=
                        (uint64_t)(step->pool.end - step->pool.first) * d.dim);
            rows += (uint64_t)(step->pool.end - step->pool.first) * step->groups[1] * step->groups[2];
        }
        assert_int_equal(rows, pool.blocks[0] * pool.blocks[1] * pool.blocks[2] * d.heads * d.batch);
        free(program.steps);
        ++built;
    }
    assert_true(built > unit_share_finds(1000));
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

/* Who shares a budget, and a bias. */
static void share_budgets(unit_random *random, vatten_select_desc *d) {
    uint32_t list_heads = d->rule.list_heads ? d->rule.list_heads : d->heads;
    d->rule.budget_heads = unit_chance(random, 50) ? list_heads : unit_chance(random, 50) ? 1 : 0;
    d->rule.budget_rows = unit_chance(random, 20) ? UINT32_MAX : (uint32_t)spread(random, 0, 5000);
    d->rule.by_block = unit_chance(random, 40);
    bool totals = d->rule.budget == VATTEN_BUDGET_TOP && unit_chance(random, d->rule.by_block ? 95 : 30);
    d->rule.total = !totals ? 0 : d->rule.by_block ? 1 : d->rule.entries;
    d->bias = unit_chance(random, 30);
    if (d->bias && unit_chance(random, 50))
        d->bias_strides =
            (vatten_strides){.token = (int64_t)(d->blocks * unit_between(random, 0, 1)),
                             .head = (int64_t)(d->blocks * d->rows * unit_between(random, 0, 1)),
                             .batch = (int64_t)spread(random, 0, 100000)};
}

/* A pass of budgets over many lines may be several steps. */
static bool begins_pass(const vt_step *step) {
    return step->select.first_x == 0 && step->select.first_y == 0;
}

/* Rows whose lists a step writes, counted where the pass begins. */
static uint64_t listed_rows(const vt_step *step) {
    const vt_variant *variant = &program.variants[step->variant];
    const vt_select_push *p = &step->select;
    uint64_t heads = p->count_y ? p->count_y : step->groups[1];
    uint64_t rows = begins_pass(step) ? (p->row_end - p->row_first) * heads * step->groups[2] : 0;
    vt_task task = vt_kernels[variant->kernel].task;
    if (task == VT_TASK_SELECT)
        return rows;
    bool lists =
        (task == VT_TASK_RANK || task == VT_TASK_TOPK) && variant->spec[VT_SELECT_SPEC_PASS] == VT_RANK_LIST;
    return lists ? rows * variant->spec[VT_SELECT_SPEC_HEADS] : 0;
}

/* Pieces of a pass are all its workgroups: `left` are those that the pieces before this one had not. */
static void check_pieces(const vt_step *step, uint64_t *left) {
    uint64_t all = step_work_pass(&program, step);
    if (all == 0)
        return;
    if (begins_pass(step)) {
        assert_int_equal(*left, 0);
        *left = all;
    }
    assert_true((uint64_t)step->select.first_y + step->groups[1] <= step->select.count_y);
    uint64_t before = all - *left, y = step->select.count_y, x = all / y;
    assert_true(step->groups[0] == x || step->groups[1] == 1);
    assert_int_equal(before, step->select.first_y * x + step->select.first_x);
    *left -= (uint64_t)step->groups[0] * step->groups[1];
}

/* Enough workgroups for all lines, groups that are whole, and those of each block that has a budget. */
static void check_groups(const vt_step *step) {
    const vt_select_push *push = &step->select;
    vt_task task = vt_kernels[program.variants[step->variant].kernel].task;
    if (task != VT_TASK_RANK)
        return;
    uint64_t rows = push->row_end - push->row_first, groups = vt_ceil_div(rows, push->budget_rows);
    uint32_t pass = program.variants[step->variant].spec[VT_SELECT_SPEC_PASS];
    bool of_blocks = selection.desc.rule.by_block && pass != VT_RANK_JOIN && pass != VT_RANK_LIST;
    uint64_t heads = of_blocks ? push->count_y / selection.desc.blocks : push->count_y;
    assert_true(heads * (of_blocks ? selection.desc.blocks : 1) == push->count_y);
    assert_true(heads * selection.budget_heads <= selection.desc.rule.list_heads);
    uint64_t words = VT_RANK_STATE_WORDS + (uint64_t)push->workgroups * VT_RANK_PARTIAL_WORDS;
    assert_true(step->binding[VT_RANK_SLOT_STATE].range >=
                groups * push->count_y * step->groups[2] * words * sizeof(uint32_t));
    assert_true((uint64_t)push->workgroups * 64 >= (uint64_t)push->budget_rows * selection.budget_heads);
    assert_true(push->row_first % push->budget_rows == 0);
    assert_true(push->row_end == selection.desc.rows || push->row_end % push->budget_rows == 0);
}

static void selections_keep_limits_and_cover_all(void **state) {
    (void)state;
    int built = 0, shared = 0, by_block = 0;
    for (uint64_t seed = 0; seed < unit_share(4000); ++seed) {
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
        if (unit_chance(&random, 50))
            share_budgets(&random, &d);
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
        b.bytes[VT_ROLE_BIAS] = selection.bias.elements * 4;
        b.bytes[VT_ROLE_WORKSPACE] = program.workspace_bytes;
        assert_true(program.workspace_bytes <= selection.desc.max_workspace);
        uint64_t rows = 0, left = 0;
        for (uint64_t i = 0; i < program.step_count; ++i) {
            const vt_step *step = &program.steps[i];
            unit_step_fits(&caps, step, b.bytes, seed);
            check_work(&program, step, &selection.problem, together(&selection), seed);
            assert_true(step->barrier_before); /* scores are written over by the next part */
            check_groups(step);
            check_pieces(step, &left);
            rows += listed_rows(step);
        }
        assert_int_equal(rows, d.rows * selection.desc.rule.list_heads * d.batch);
        assert_int_equal(left, 0);
        free(program.steps);
        ++built;
        shared += selection.shared;
        by_block += d.rule.by_block;
    }
    assert_true(built > unit_share_finds(400) && shared > unit_share_finds(100) &&
                by_block > unit_share_finds(40));
}

/* ---- The largest values ---- */

static vt_topk topk;

static vatten_result append_topk(vt_program *to) {
    return vt_topk_steps(&topk, to);
}

static void topk_keeps_limits_and_covers_all(void **state) {
    (void)state;
    int built = 0;
    for (uint64_t seed = 0; seed < unit_share(4000); ++seed) {
        unit_random random = {.state = seed};
        unit_log said;
        unit_log_start(&said);
        vt_caps caps = random_caps(&random);
        vatten_topk_desc d = {.batch = unit_between(&random, 1, 3),
                              .heads = (uint32_t)unit_between(&random, 1, 5),
                              .rows = spread(&random, 1, 5000),
                              .values = spread(&random, 1, 100000),
                              .causal = unit_chance(&random, 50),
                              .align = unit_chance(&random, 50) ? VATTEN_ALIGN_LAST : VATTEN_ALIGN_FIRST,
                              .write_counts = unit_chance(&random, 50)};
        d.entries = (uint32_t)spread(&random, 1, d.values);
        if (unit_chance(&random, 50))
            d.x = (vatten_strides){.token = (int64_t)spread(&random, 0, d.values + 20),
                                   .head = (int64_t)spread(&random, 0, 100000),
                                   .batch = (int64_t)spread(&random, 0, 1000000)};
        vatten_result result = vt_topk_from(&caps, &said.logger, &d, &topk);
        if (result == VATTEN_SUCCESS)
            BUILD(program, append_topk);
        assert_int_equal(said.count, result == VATTEN_SUCCESS ? 0 : 1);
        if (result != VATTEN_SUCCESS)
            continue;
        buffers b = {{0}};
        b.bytes[VT_ROLE_K] = topk.x.elements * 4;
        b.bytes[VT_ROLE_LISTS] = topk.lists.elements * 4;
        b.bytes[VT_ROLE_COUNTS] = topk.counts.elements * 4;
        b.bytes[VT_ROLE_WORKSPACE] = program.workspace_bytes;
        uint64_t rows = 0, left = 0;
        for (uint64_t i = 0; i < program.step_count; ++i) {
            const vt_step *step = &program.steps[i];
            unit_step_fits(&caps, step, b.bytes, seed);
            check_work(&program, step, &topk.problem, 0, seed);
            assert_true(
                step->barrier_before); /* reads what a pass before wrote, or writes where a piece did */
            check_pieces(step, &left);
            assert_true((uint64_t)step->select.workgroups * 64 * VT_RANK_CHUNK >= d.values);
            rows += listed_rows(step);
        }
        assert_int_equal(rows, d.rows * d.heads * d.batch);
        assert_int_equal(left, 0);
        free(program.steps);
        ++built;
    }
    assert_true(built > unit_share_finds(1000));
}

/* ---- Combining ---- */

static vt_combine combination;

static vatten_result append_combine(vt_program *to) {
    return vt_combine_steps(&combination, to);
}

static vatten_combine_desc random_combine(unit_random *random) {
    bool merges = unit_chance(random, 50);
    vatten_combine_desc d = {.kind = merges ? VATTEN_COMBINE_MERGE : VATTEN_COMBINE_SUM,
                             .dtype = (vatten_dtype)unit_between(random, 1, 3),
                             .batch = unit_between(random, 1, 4),
                             .heads = (uint32_t)unit_between(random, 1, 6),
                             .tokens = spread(random, 1, 50000),
                             .dim = (uint32_t)unit_between(random, 1, 200),
                             .parts = (uint32_t)unit_between(random, 1, 4)};
    d.x = random_strides(random, d.tokens, d.heads, d.dim);
    d.out = random_strides(random, d.tokens, d.heads, d.dim);
    d.gains = !merges && unit_chance(random, 50);
    d.has_residual = !merges && unit_chance(random, 50);
    d.write_lse = merges && unit_chance(random, 50);
    if (d.has_residual)
        d.residual = random_strides(random, d.tokens, d.heads, d.dim);
    if ((d.gains || merges) && unit_chance(random, 60)) {
        d.weights = random_strides(random, d.tokens, d.heads, 1);
        d.weights_part = unit_between(random, 0, 9);
    }
    if (unit_chance(random, 30)) /* parts of a row beside each other */
        d.x = (vatten_strides){.batch = (int64_t)(d.tokens * d.heads * d.parts * d.dim),
                               .head = (int64_t)d.parts * d.dim,
                               .token = (int64_t)d.heads * d.parts * d.dim},
        d.x_part = d.dim;
    return d;
}

static void combinations_keep_limits_and_cover_all(void **state) {
    (void)state;
    int built = 0, split = 0, carried = 0;
    for (uint64_t seed = 0; seed < unit_share(4000); ++seed) {
        unit_random random = {.state = seed};
        unit_log said;
        unit_log_start(&said);
        vt_caps caps = random_caps(&random);
        const vatten_combine_desc d = random_combine(&random);
        vatten_result result = vt_combine_from(&caps, &said.logger, &d, &combination);
        if (result == VATTEN_SUCCESS)
            BUILD(program, append_combine);
        assert_int_equal(said.count, result == VATTEN_SUCCESS ? 0 : 1);
        if (result != VATTEN_SUCCESS)
            continue;
        buffers b = {{0}};
        b.bytes[VT_ROLE_V] = combination.x_elements * combination.problem.element_bytes;
        b.bytes[VT_ROLE_BIAS] = combination.weights_elements * 4;
        b.bytes[VT_ROLE_Q] = vt_tensor_bytes(&combination.problem, &combination.residual);
        b.bytes[VT_ROLE_OUT] = vt_tensor_bytes(&combination.problem, &combination.out);
        b.bytes[VT_ROLE_LSE] = d.write_lse ? d.batch * d.heads * d.tokens * 4 : 0;
        b.bytes[VT_ROLE_WORKSPACE] = program.workspace_bytes;
        uint64_t rows = 0, parts = 0;
        for (uint64_t i = 0; i < program.step_count; ++i) {
            const vt_step *step = &program.steps[i];
            unit_step_fits(&caps, step, b.bytes, seed);
            check_work(&program, step, &combination.problem, 0, seed);
            assert_int_equal(step->combine.flags & VT_COMBINE_CARRY_IN ? VT_COMBINE_CARRY_IN : 0,
                             parts ? VT_COMBINE_CARRY_IN : 0);
            parts += step->combine.parts;
            assert_int_equal((step->combine.flags & VT_COMBINE_CARRY_OUT) != 0, parts < d.parts);
            assert_true((uint64_t)step->groups[0] * 64 * 16 >= (uint64_t)step->combine.rows * d.dim ||
                        program.variants[0].spec[VT_COMBINE_SPEC_VECTOR] == 0);
            if (parts < d.parts)
                continue;
            assert_int_equal(parts, d.parts);
            parts = 0;
            rows += (uint64_t)step->combine.rows * step->groups[1] * step->groups[2];
        }
        carried += program.workspace_bytes > 0;
        assert_int_equal(rows, d.tokens * d.heads * d.batch);
        split += program.step_count > 1;
        free(program.steps);
        ++built;
    }
    assert_true(built > unit_share_finds(1000) && split > unit_share_finds(500) &&
                carried > unit_share_finds(100));
}

/* ---- All in one ---- */

static vt_sparse sparse;
static vt_op_input sparse_input;

static vatten_result append_sparse(vt_program *to) {
    return vt_sparse_steps(&sparse, &sparse_input, to);
}

static vt_task task_of(const vt_step *step) {
    return vt_kernels[program.variants[step->variant].kernel].task;
}

/* Every row is merged once, by parts that were inverted and attended to before; the tiles of each are as many as there may
 * be, over all keys. */
static void check_gathered(const vt_caps *caps, const vatten_sparse_desc *d, const vt_tile *tile,
                           uint64_t seed) {
    uint64_t merged = 0, inverted = 0, tiles = 0, end = 0;
    for (uint64_t i = 0; i < program.step_count; ++i) {
        const vt_step *step = &program.steps[i];
        const uint32_t *spec = program.variants[step->variant].spec;
        if (task_of(step) == VT_TASK_INVERT) {
            inverted = step->invert.rows;
            uint64_t chunk = spec[VT_INVERT_SPEC_CHUNK], walk = vt_min(chunk, inverted) * d->rule.entries;
            assert_true(walk + step->invert.blocks <= caps->loop_limit &&
                        step->invert.chunks <= caps->loop_limit && step->invert.chunks * chunk >= inverted);
            tiles = end = 0;
        } else if (task_of(step) == VT_TASK_ATTEND) {
            assert_int_equal(spec[VT_SPEC_LIST_KIND], VT_LIST_ROWS);
            assert_int_equal(step->push.q_last - step->push.q_first, inverted);
            assert_true(step->push.flags ==
                        (VT_FLAG_CARRY_OUT | (step->push.k_first ? VT_FLAG_CARRY_IN : 0)));
            tiles = step->push.map1 == 0 ? 0 : tiles;
            assert_int_equal(step->push.map1, tiles);
            assert_true(step->push.k_first == (tiles == 0 ? end : step->push.k_first));
            uint64_t keys = vt_min(step->push.k_last - step->push.k_first, d->kv_block);
            assert_true(vt_ceil_div(keys, tile->keys) * tile->iterations + 40 <= caps->loop_limit);
            tiles += step->groups[0];
            end = step->push.k_last;
        } else if (task_of(step) == VT_TASK_COMBINE) {
            uint64_t slots = inverted * d->rule.entries, heads = spec[VT_COMBINE_SPEC_HEADS];
            uint64_t blocks = vt_ceil_div(d->kv_len, d->kv_block);
            if (tiles < slots * heads / tile->rows + vt_min(slots, blocks) || end != d->kv_len ||
                step->combine.rows != inverted)
                fail_msg("seed %llu: %llu tiles of %llu slots, keys to %llu", (unsigned long long)seed,
                         (unsigned long long)tiles, (unsigned long long)slots, (unsigned long long)end);
            merged += (uint64_t)step->combine.rows * step->groups[1] * step->groups[2];
        }
    }
    assert_int_equal(merged, d->q_len * d->heads.heads * d->heads.batch);
}

/* The lists of all rows and what they are made of aside, a plan that gathers keeps to max_workspace. */
static void check_gathered_workspace(const vt_caps *caps, const vatten_sparse_desc *d) {
    uint64_t keys = sparse.keys.out.elements * 4, lists = sparse.select.lists.elements * 4;
    assert_true(program.workspace_bytes <= keys + lists + d->max_workspace + 4 * caps->storage_alignment);
}

static void sparse_programs_keep_limits_and_their_workspace(void **state) {
    (void)state;
    int built = 0, gathered = 0;
    for (uint64_t seed = 0; seed < unit_share(4000); ++seed) {
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
        if (unit_chance(&random, 20)) { /* budgets of blocks */
            d.rule.by_block = true;
            d.rule.budget_rows = (uint32_t)spread(&random, 1, 5000);
            d.rule.total = d.rule.budget == VATTEN_BUDGET_TOP;
        }
        d.execution = d.q_block == 1 ? (vatten_sparse_execution)unit_between(&random, 0, 2) : 0;
        d.max_workspace = unit_chance(&random, 50) ? 1 << 26 : spread(&random, 10000, 1 << 24);
        d.heads.max_macs = unit_chance(&random, 70) ? 0 : spread(&random, 1 << 16, UINT64_C(1) << 36);
        d.heads.max_moves = unit_chance(&random, 50) ? 0 : spread(&random, 1 << 8, UINT64_C(1) << 28);
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
        for (uint64_t i = 0; i < program.step_count; ++i) {
            unit_step_fits(&caps, &program.steps[i], b.bytes, seed);
            check_work(&program, &program.steps[i], &sparse.lists, together(&sparse.select), seed);
        }
        bool gathers = vt_sparse_takes(&sparse, &sparse_input) == VATTEN_SPARSE_GATHER;
        assert_true(gathers ? d.execution != VATTEN_SPARSE_UNION && d.q_block == 1
                            : d.execution != VATTEN_SPARSE_GATHER);
        if (gathers) {
            check_gathered(&caps, &d, &tile, seed);
            check_gathered_workspace(&caps, &d);
        }
        free(program.steps);
        gathered += gathers;
        ++built;
    }
    assert_true(built > unit_share_finds(300) && gathered > unit_share_finds(100));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pools_keep_limits_and_cover_all),
        cmocka_unit_test(selections_keep_limits_and_cover_all),
        cmocka_unit_test(combinations_keep_limits_and_cover_all),
        cmocka_unit_test(topk_keeps_limits_and_covers_all),
        cmocka_unit_test(sparse_programs_keep_limits_and_their_workspace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
