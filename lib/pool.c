/* SPDX-License-Identifier: MIT
 *
 * Pooling, from the desc to steps. A part is some batch entries, some heads and some rows of blocks along axis 0, or some of
 * the blocks of one row: as many as bindings, workgroups and the bound on work allow.
 */
#include "pool.h"

#include "problem_check.h"
#include "sizes.h"

#include <string.h>

#define WORKGROUP 64u

/* ---- Rules ---- */

static vatten_result check_axes(const vt_checker *check, const vatten_pool_desc *desc, vt_pool *out) {
    INVALID_IF(desc->rank < 1 || desc->rank > 3, "rank %" PRIu32 " is outside 1..3", desc->rank);
    vt_sum tokens = vt_sum_of(1);
    for (uint32_t a = 0; a < 3; ++a) {
        out->extent[a] = a < desc->rank ? desc->extent[a] : 1;
        out->side[a] = a < desc->rank ? desc->block[a] : 1;
        INVALID_IF(out->extent[a] == 0, "axis %" PRIu32 ": extent 0 must be at least 1", a);
        INVALID_IF(out->side[a] == 0, "axis %" PRIu32 ": block 0 must be at least 1", a);
        INVALID_IF(out->side[a] > out->extent[a],
                   "axis %" PRIu32 ": block %" PRIu32 " is above extent %" PRIu64, a, out->side[a],
                   out->extent[a]);
        out->blocks[a] = vt_ceil_div(out->extent[a], out->side[a]);
        tokens = vt_times(tokens, vt_sum_of(out->extent[a]));
    }
    UNSUPPORTED_IF(tokens.overflow || tokens.value > VT_LENGTH_MAX,
                   "extents %" PRIu64 " x %" PRIu64 " x %" PRIu64 " are above %u tokens", out->extent[0],
                   out->extent[1], out->extent[2], VT_LENGTH_MAX);
    out->problem.q_len = out->problem.kv_len = tokens.value;
    return VATTEN_SUCCESS;
}

/* A driver that ends an invocation after so many loop iterations would leave tokens out without a word. */
static vatten_result check_block(const vt_checker *check, const vt_pool *pool) {
    uint64_t walk = pool->side[0] * (1 + pool->side[1] * (uint64_t)(1 + pool->side[2]));
    UNSUPPORTED_IF(
        walk > check->caps->loop_limit,
        "blocks of %" PRIu32 " x %" PRIu32 " x %" PRIu32 " tokens take %" PRIu64 " steps, %s allows %" PRIu64,
        pool->side[0], pool->side[1], pool->side[2], walk, check->caps->name, check->caps->loop_limit);
    return VATTEN_SUCCESS;
}

static vatten_result fill_tensors(const vt_checker *check, const vatten_pool_desc *desc, vt_pool *out) {
    const vt_problem *p = &out->problem;
    uint64_t blocks = out->blocks[0] * out->blocks[1] * out->blocks[2];
    out->out_dim = p->dim * (out->kind == VATTEN_POOL_MIN_MAX ? 2 : 1);
    out->out_element = desc->keep_dtype ? p->element_bytes : (uint32_t)sizeof(float);
    const vt_shape x = {"x", desc->x, p->kv_len, p->heads, p->dim, false, 0};
    const vt_shape pooled = {"out", {0, 0, 0}, blocks, p->heads, out->out_dim, true, out->out_element};
    vatten_result result = vt_fill_tensor(check, &x, &out->x);
    return result == VATTEN_SUCCESS ? vt_fill_tensor(check, &pooled, &out->out) : result;
}

vatten_result vt_pool_from(const vt_caps *caps, const vatten_logger *logger, const vatten_pool_desc *desc,
                           vt_pool *out) {
    const vt_checker checks = vt_checker_begin(caps, logger, "pool", desc->label, &out->problem);
    const vt_checker *check = &checks;
    const vatten_heads heads = {.dtype = desc->dtype,
                                .batch = desc->batch,
                                .heads = desc->heads,
                                .kv_heads = desc->heads,
                                .dim = desc->dim,
                                .max_moves = desc->max_moves};
    vatten_result result = vt_check_heads(check, &heads, false);
    INVALID_IF(result == VATTEN_SUCCESS &&
                   (desc->kind < VATTEN_POOL_MEAN || desc->kind > VATTEN_POOL_MIN_MAX),
               "kind %d is unknown", (int)desc->kind);
    out->caps = caps;
    out->logger = logger;
    out->kind = desc->kind;
    vt_fill_heads(&heads, caps, &out->problem);
    if (result == VATTEN_SUCCESS)
        result = check_axes(check, desc, out);
    if (result == VATTEN_SUCCESS)
        result = check_block(check, out);
    return result == VATTEN_SUCCESS ? fill_tensors(check, desc, out) : result;
}

/* ---- Steps ---- */

/* Batch entries, heads, rows of blocks along axis 0 and blocks of each, how many and the first of each. Of several rows all
 * blocks. */
typedef struct part {
    uint64_t batch, heads, rows, blocks;
    uint64_t b, h, row, block;
} part;

static uint64_t plane(const vt_pool *pool) {
    return pool->extent[1] * pool->extent[2];
}

static uint64_t row_blocks(const vt_pool *pool) {
    return pool->blocks[1] * pool->blocks[2];
}

/* Elements that are read, and those that are written. */
static uint64_t moves(const vt_pool *pool, const part *p) {
    uint64_t rows = vt_min(p->rows * pool->side[0], pool->extent[0]), blocks = p->rows * p->blocks;
    uint64_t block = vt_saturating_mul((uint64_t)pool->side[0] * pool->side[1], pool->side[2]);
    uint64_t tokens = vt_min(rows * plane(pool), vt_saturating_mul(blocks, block));
    uint64_t slices = vt_saturating_mul(p->batch, p->heads);
    return vt_saturating_mul(slices, tokens * pool->problem.dim + blocks * pool->out_dim);
}

static bool fits(const vt_pool *pool, const part *p) {
    const vt_caps *caps = pool->caps;
    uint64_t tokens = vt_min(p->rows * pool->side[0], pool->extent[0]) * plane(pool);
    uint64_t blocks = p->rows * p->blocks;
    uint64_t groups = vt_ceil_div(vt_saturating_mul(blocks, pool->problem.dim), WORKGROUP);
    return vt_range(&pool->x, pool->problem.element_bytes, caps->storage_alignment, p->batch, p->heads,
                    tokens, pool->problem.dim) <= caps->storage_range &&
           vt_range(&pool->out, pool->out_element, caps->storage_alignment, p->batch, p->heads, blocks,
                    pool->out_dim) <= caps->storage_range &&
           groups <= caps->groups[0] && p->heads <= caps->groups[1] && p->batch <= caps->groups[2];
}

/* Batches give way first, then heads, then rows, then blocks. The bound on work yields to a single block, a limit of the device
 * does not. */
static vatten_result choose_part(const vt_pool *pool, part *out) {
    part p = {.batch = vt_min(pool->problem.batch, pool->caps->groups[2]),
              .heads = vt_min(pool->problem.heads, pool->caps->groups[1]),
              .rows = pool->blocks[0],
              .blocks = row_blocks(pool)};
    uint64_t *const sizes[] = {&p.batch, &p.heads, &p.rows, &p.blocks};
    while ((!fits(pool, &p) || moves(pool, &p) > pool->problem.max_moves) && vt_halve_first(sizes, NULL, 4))
        ;
    *out = p;
    if (fits(pool, &p))
        return VATTEN_SUCCESS;
    vt_log(pool->logger, VATTEN_LOG_ERROR, pool->problem.label,
           "pool: %" PRIu64 " tokens of one head do not fit %s: a binding holds %" PRIu64
           " bytes, a dispatch %" PRIu32 " workgroups",
           pool->side[0] * plane(pool), pool->caps->name, pool->caps->storage_range, pool->caps->groups[0]);
    return VATTEN_ERROR_UNSUPPORTED;
}

/* Shaders index by tokens and blocks of the whole grid, so bases step back over those before the part; the sum comes out
 * right because 32-bit unsigned arithmetic wraps. */
static void bind_part(const vt_pool *pool, const part *p, vt_step *step) {
    const vt_tensor *x = &pool->x, *out = &pool->out;
    uint64_t token = p->row * pool->side[0] * plane(pool), block = p->row * row_blocks(pool) + p->block;
    uint64_t token_end = vt_min((p->row + p->rows) * pool->side[0], pool->extent[0]) * plane(pool);
    uint64_t block_end = block + p->rows * p->blocks, alignment = pool->caps->storage_alignment;
    const vt_slab tokens = {{p->b, p->b + p->batch}, {p->h, p->h + p->heads}, {token, token_end}};
    const vt_slab blocks = {{p->b, p->b + p->batch}, {p->h, p->h + p->heads}, {block, block_end}};
    uint64_t x_at = vt_step_bind_slab(step, VT_POOL_SLOT_X, VT_ROLE_K, x, &tokens, pool->problem.dim,
                                      pool->problem.element_bytes, alignment);
    uint64_t out_at = vt_step_bind_slab(step, VT_POOL_SLOT_OUT, VT_ROLE_OUT, out, &blocks, pool->out_dim,
                                        pool->out_element, alignment);
    step->pool.x_base = (uint32_t)(x_at - token * x->token);
    step->pool.out_base = (uint32_t)(out_at - block * out->token);
    step->pool.x_batch = (uint32_t)x->batch;
    step->pool.x_head = (uint32_t)x->head;
    step->pool.x_token = (uint32_t)x->token;
    step->pool.out_batch = (uint32_t)out->batch;
    step->pool.out_head = (uint32_t)out->head;
    step->pool.out_block = (uint32_t)out->token;
    step->pool.first = (uint32_t)block;
    step->pool.end = (uint32_t)block_end;
}

static void add_step(const vt_pool *pool, uint32_t variant, const part *p, vt_program *program) {
    uint64_t invocations = p->rows * p->blocks * pool->problem.dim;
    vt_step step = {
        .variant = variant,
        .binding_count = VT_POOL_SLOT_COUNT,
        .written = 1u << VT_POOL_SLOT_OUT,
        .groups = {(uint32_t)vt_ceil_div(invocations, WORKGROUP), (uint32_t)p->heads, (uint32_t)p->batch},
        .moves = moves(pool, p)};
    step.pool.extent0 = (uint32_t)pool->extent[0];
    step.pool.extent1 = (uint32_t)pool->extent[1];
    step.pool.extent2 = (uint32_t)pool->extent[2];
    step.pool.blocks1 = (uint32_t)pool->blocks[1];
    step.pool.blocks2 = (uint32_t)pool->blocks[2];
    bind_part(pool, p, &step);
    vt_program_add(program, &step);
}

static uint32_t add_variant(const vt_pool *pool, vt_program *program) {
    vt_variant *variant = &program->variants[program->variant_count];
    memset(variant, 0, sizeof *variant);
    bool keeps = pool->out_element != sizeof(float);
    variant->kernel = vt_kernel_of_task(keeps ? VT_TASK_POOL_KEEP : VT_TASK_POOL, pool->problem.dtype);
    variant->spec[VT_SPEC_WORKGROUP] = WORKGROUP;
    variant->spec[VT_POOL_SPEC_DIM] = pool->problem.dim;
    variant->spec[VT_POOL_SPEC_KIND] = pool->kind == VATTEN_POOL_MEAN  ? VT_POOL_MEAN
                                       : pool->kind == VATTEN_POOL_MAX ? VT_POOL_MAX
                                                                       : VT_POOL_MIN_MAX;
    for (uint32_t a = 0; a < 3; ++a)
        variant->spec[VT_POOL_SPEC_SIDE + a] = pool->side[a];
    return program->variant_count++;
}

/* All rows of some batch entries and heads. */
static void add_rows(const vt_pool *pool, uint32_t variant, const part *most, uint64_t b, uint64_t h,
                     vt_program *program) {
    uint64_t across = row_blocks(pool);
    for (uint64_t row = 0; row < pool->blocks[0] && vt_program_has_room(program); row += most->rows)
        for (uint64_t block = 0; block < across && vt_program_has_room(program); block += most->blocks) {
            const part p = {vt_min(most->batch, pool->problem.batch - b),
                            vt_min(most->heads, pool->problem.heads - h),
                            vt_min(most->rows, pool->blocks[0] - row),
                            vt_min(most->blocks, across - block),
                            b,
                            h,
                            row,
                            block};
            add_step(pool, variant, &p, program);
        }
}

vatten_result vt_pool_steps(const vt_pool *pool, vt_program *program) {
    part most;
    vatten_result result = choose_part(pool, &most);
    if (result != VATTEN_SUCCESS)
        return result;
    uint32_t variant = add_variant(pool, program);
    for (uint64_t b = 0; b < pool->problem.batch && vt_program_has_room(program); b += most.batch)
        for (uint64_t h = 0; h < pool->problem.heads && vt_program_has_room(program); h += most.heads)
            add_rows(pool, variant, &most, b, h, program);
    if (vt_program_has_room(program))
        return VATTEN_SUCCESS;
    vt_log(pool->logger, VATTEN_LOG_ERROR, pool->problem.label, "pool: more than %u dispatches are needed",
           VT_STEPS_MAX);
    return VATTEN_ERROR_UNSUPPORTED;
}
