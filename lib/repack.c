/* SPDX-License-Identifier: MIT */
#include "repack.h"

#include "append.h"
#include "sizes.h"

#include <string.h>

/* Visible pairs for each key of a KV head from which on it pays, and bytes of workspace that it may take: beyond, keys and
 * values are read where they are. Measured on lavapipe 26.2. */
#define LEAST_PAIRS 128u
#define MOST_BYTES  (128ull << 20)

/* Keys and values of one source, in the workspace. */
typedef struct source {
    vt_role k_role, v_role;
    const vt_tensor *k, *v; /* where they come from */
    vt_tensor packed_k, packed_v;
    uint64_t tokens;
    uint64_t k_at, v_at; /* bytes */
} source;

/* Head by head: neighbouring keys lie side by side. */
static vt_tensor packed_tensor(const vt_problem *p, uint64_t tokens, uint32_t dim) {
    uint64_t head = tokens * dim, batch = head * p->kv_heads;
    return (vt_tensor){batch, head, dim, batch * p->batch};
}

static uint64_t packed_bytes(const vt_tensor *t, uint64_t alignment) {
    return vt_round_up(t->elements * sizeof(float), alignment);
}

/* What one source takes of the workspace from `*end` on. */
static source source_of(const vt_problem *p, bool extra, uint64_t alignment, uint64_t *end) {
    source s = {.k_role = extra ? VT_ROLE_EXTRA_K : VT_ROLE_K,
                .v_role = extra ? VT_ROLE_EXTRA_V : VT_ROLE_V,
                .k = extra ? &p->extra_k : &p->k,
                .v = extra ? &p->extra_v : &p->v,
                .tokens = extra ? p->extra_len : p->kv_len};
    s.packed_k = packed_tensor(p, s.tokens, p->dim);
    s.packed_v = packed_tensor(p, s.tokens, p->value_dim);
    s.k_at = *end;
    s.v_at = s.k_at + packed_bytes(&s.packed_k, alignment);
    *end = s.v_at + packed_bytes(&s.packed_v, alignment);
    return s;
}

/* Whether the layout would have more to do with the tensors as they are. */
static bool gains(const vt_problem *p) {
    return p->dtype != VATTEN_DTYPE_F32 || p->k.token > p->dim || p->v.token > p->value_dim;
}

/* Keys are where the plan's own lengths say, and there is nothing else to be known of them. */
static bool can(const vt_problem *p) {
    return !p->kv_bytes && !p->kv_stays && !p->weights && !p->mass && p->rules.lengths == 0 &&
           p->rules.page_size == 0;
}

static bool fits(const vt_caps *caps, const vt_problem *p) {
    uint64_t keys = vt_saturating_mul(p->kv_len + p->extra_len, vt_saturating_mul(p->batch, p->kv_heads));
    uint64_t row = ((uint64_t)p->dim + p->value_dim) * sizeof(float);
    return vt_saturating_mul(keys, row) <= MOST_BYTES - 4 * caps->storage_alignment;
}

bool vt_repack_pays(const vt_caps *caps, const vt_problem *p) {
    uint64_t keys = vt_saturating_mul(p->kv_len + p->extra_len, p->kv_heads);
    return gains(p) && can(p) && keys > 0 && fits(caps, p) && p->pairs / LEAST_PAIRS >= keys;
}

/* New rows of a cache whose places are all new. Records of grids and lists have the plan's lengths. */
static vatten_result repack(const source *s, const vt_op_input *input, bool extra, vt_program *program) {
    const vt_problem *p = input->problem;
    vt_append copy = {.caps = input->caps,
                      .logger = input->logger,
                      .problem = *p,
                      .cache_dtype = VATTEN_DTYPE_F32,
                      .cache_element = sizeof(float),
                      .outer = p->batch,
                      .places = s->tokens,
                      .sides = 2,
                      .fixed = extra || p->map != VT_MAP_DENSE,
                      .of_keys = true};
    copy.problem.q_len = copy.problem.kv_len = s->tokens;
    copy.side[0] = (vt_append_side){*s->k, s->packed_k, p->dim, p->dim, false};
    copy.side[1] = (vt_append_side){*s->v, s->packed_v, p->value_dim, p->value_dim, false};
    for (int i = 0; i < 2; ++i)
        copy.side[i].vector = copy.side[i].dim % 4 == 0 && vt_tensor_by_four(&copy.side[i].rows);
    memset(program->route, 0, sizeof program->route);
    if (extra) {
        vt_program_move(program, VT_ROLE_K, s->k_role, 0);
        vt_program_move(program, VT_ROLE_V, s->v_role, 0);
    }
    vt_program_move(program, VT_ROLE_CACHE_K, VT_ROLE_WORKSPACE, s->k_at);
    vt_program_move(program, VT_ROLE_CACHE_V, VT_ROLE_WORKSPACE, s->v_at);
    return vt_append_steps(&copy, program);
}

static vatten_result attend(vt_op op, const vt_op_input *input, const source sources[2], uint64_t end,
                            vt_program *program) {
    vt_problem packed = *input->problem;
    vt_op_input over = *input;
    over.problem = &packed;
    packed.kv_wide = packed.dtype != VATTEN_DTYPE_F32;
    packed.k = sources[0].packed_k;
    packed.v = sources[0].packed_v;
    packed.extra_k = sources[1].packed_k;
    packed.extra_v = sources[1].packed_v;
    memset(program->route, 0, sizeof program->route);
    for (int i = 0; i < 2; ++i) {
        vt_program_move(program, sources[i].k_role, VT_ROLE_WORKSPACE, sources[i].k_at);
        vt_program_move(program, sources[i].v_role, VT_ROLE_WORKSPACE, sources[i].v_at);
    }
    vt_program_move(program, VT_ROLE_WORKSPACE, VT_ROLE_WORKSPACE, end);
    program->main_variant = program->variant_count;
    program->waits = true;
    return op(&over, program);
}

vatten_result vt_repack_steps(vt_op op, const vt_op_input *input, vt_program *program) {
    const vt_problem *p = input->problem;
    uint64_t alignment = input->caps->storage_alignment, end = 0;
    source sources[2];
    for (int i = 0; i < 2; ++i)
        sources[i] = source_of(p, i == 1, alignment, &end);
    program->waits = true; /* for what an earlier record may still be reading in the same workspace */
    vatten_result result = repack(&sources[0], input, false, program);
    if (result == VATTEN_SUCCESS && p->extra_len)
        result = repack(&sources[1], input, true, program);
    if (result == VATTEN_SUCCESS)
        result = attend(op, input, sources, end, program);
    program->workspace_bytes += end;
    return result;
}
