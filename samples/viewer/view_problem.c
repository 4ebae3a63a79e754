/* SPDX-License-Identifier: MIT */
#include "view_problem.h"

#include <string.h>

#include "patches.h"

static uint32_t at_most(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

/* A window is cut to an axis that is shorter, and what goes by windows with it. */
static void set_window(view_problem *p, int axis, const view_state *s) {
    bool plain = s->pattern == VIEW_WINDOW;
    uint32_t extent = p->extent[axis];
    p->window[axis] = at_most(view_get(s, VIEW_SIDE), extent);
    p->stride[axis] = plain ? 1 : at_most(view_get(s, VIEW_STRIDE), p->window[axis]);
    p->dilation[axis] = plain ? 1 : at_most(view_get(s, VIEW_DILATION), extent / p->window[axis]);
}

view_problem view_problem_of(const view_state *s) {
    view_problem p = {.pattern = (uint32_t)s->pattern, .patch = view_get(s, VIEW_PATCH)};
    view_grid_size(s, &p.extent[1], &p.extent[0]);
    for (int axis = 0; axis < 2; axis++) {
        if (s->pattern == VIEW_WINDOW || s->pattern == VIEW_NEIGHBORHOOD) {
            set_window(&p, axis, s);
        } else if (s->pattern == VIEW_BLOCKS) {
            p.block[axis] = at_most(view_get(s, VIEW_BLOCK), p.extent[axis]);
        }
    }
    p.top = s->pattern == VIEW_BLOCKS ? view_get(s, VIEW_TOP) : 0;
    return p;
}

bool view_problem_equal(const view_problem *a, const view_problem *b) {
    return memcmp(a, b, sizeof(*a)) == 0;
}

uint64_t view_tokens(const view_problem *p) {
    return (uint64_t)p->extent[0] * p->extent[1];
}

/* ---- Descs -------------------------------------------------------------------------------------------- */

static vatten_heads heads_of(const view_problem *p) {
    return (vatten_heads){.dtype = VATTEN_DTYPE_F32,
                          .batch = 1,
                          .heads = 1,
                          .kv_heads = 1,
                          .dim = patch_dim(p->patch),
                          .value_dim = PIXEL_DIM,
                          .scale = 1.0f, /* q . k is the score already */
                          .write_lse = true};
}

vatten_attention_desc view_attention_desc(const view_problem *p) {
    return (vatten_attention_desc){.heads = heads_of(p), .q_len = view_tokens(p), .kv_len = view_tokens(p)};
}

vatten_neighborhood_desc view_neighborhood_desc(const view_problem *p) {
    vatten_neighborhood_desc desc = {.heads = heads_of(p), .rank = 2};
    for (int a = 0; a < 2; a++) {
        desc.axis[a].extent = p->extent[a];
        desc.axis[a].window = p->window[a];
        desc.axis[a].stride = p->stride[a];
        desc.axis[a].dilation = p->dilation[a];
    }
    return desc;
}

bool view_sparse_desc(const view_problem *p, const vatten_logger *logger, vatten_sparse_desc *out) {
    vatten_heads heads = heads_of(p);
    vatten_vmoba method = {.rank = 2,
                           .extent = {p->extent[0], p->extent[1]},
                           .block = {p->block[0], p->block[1]},
                           .scope = VATTEN_VMOBA_QUERY,
                           .topk = p->top};
    return vatten_preset_vmoba(logger, &heads, &method, out) == VATTEN_SUCCESS;
}

vatten_pool_desc view_pool_desc(const view_problem *p) {
    vatten_heads heads = heads_of(p);
    return (vatten_pool_desc){.dtype = heads.dtype,
                              .batch = 1,
                              .heads = 1,
                              .dim = heads.dim,
                              .rank = 2,
                              .extent = {p->extent[0], p->extent[1]},
                              .block = {p->block[0], p->block[1]}};
}

vatten_select_desc view_select_desc(const view_problem *p, const vatten_sparse_desc *sparse) {
    return (vatten_select_desc){.dtype = sparse->heads.dtype,
                                .batch = 1,
                                .heads = 1,
                                .kv_heads = 1,
                                .dim = sparse->heads.dim,
                                .rows = view_tokens(p),
                                .blocks = view_block_count(p),
                                .rule = sparse->rule,
                                .boxes = sparse->boxes};
}

/* At 4 bytes for each, 256 is what Vulkan asks of offsets at most. */
uint64_t view_row_queries(const view_problem *p) {
    return view_tokens(p) < 256 ? view_tokens(p) : 256;
}

uint64_t view_row_keys(const view_problem *p) {
    return view_tokens(p) < 32768 ? view_tokens(p) : 32768;
}

vatten_attention_desc view_row_attention_desc(const view_problem *p) {
    return (vatten_attention_desc){
        .heads = heads_of(p), .q_len = view_row_queries(p), .kv_len = view_row_keys(p)};
}

vatten_mass_desc view_row_desc(const vatten_attention_desc *attention) {
    return (vatten_mass_desc){.attention = attention, .kind = VATTEN_MASS_ROWS, .rows = 1, .listed = true};
}

/* ---- Keys --------------------------------------------------------------------------------------------- */

/* The keys along one axis: first, first + step, ... */
typedef struct key_run {
    uint32_t first, step, count;
} key_run;

/* As vatten/neighborhood.h says, the window moved inward at borders. */
static key_run run_of(const view_problem *p, int axis, uint32_t at) {
    uint32_t window = p->window[axis], stride = p->stride[axis], step = p->dilation[axis];
    uint32_t group = at % step, members = (p->extent[axis] - group + step - 1) / step;
    uint32_t lead = at_most(at / step / stride * stride + stride / 2, members - 1);
    uint32_t start = lead > window / 2 ? lead - window / 2 : 0;
    start = at_most(start, members - window);
    return (key_run){group + start * step, step, window};
}

static uint64_t mark_runs(const view_problem *p, key_run down, key_run across, unsigned char *seen) {
    for (uint32_t i = 0; i < down.count; i++) {
        unsigned char *row = seen + (size_t)(down.first + i * down.step) * p->extent[1];
        for (uint32_t j = 0; j < across.count; j++) {
            row[across.first + j * across.step] = 1;
        }
    }
    return (uint64_t)down.count * across.count;
}

static uint64_t mark_blocks(const view_problem *p, const uint32_t *blocks, uint32_t count,
                            unsigned char *seen) {
    uint64_t keys = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t first[2], side[2];
        view_block_box(p, blocks[i], first, side);
        keys += mark_runs(p, (key_run){first[0], 1, side[0]}, (key_run){first[1], 1, side[1]}, seen);
    }
    return keys;
}

uint64_t view_mark_keys(const view_problem *p, uint32_t x, uint32_t y, const uint32_t *blocks, uint32_t count,
                        unsigned char *seen) {
    memset(seen, p->pattern == VIEW_DENSE, (size_t)view_tokens(p));
    if (p->pattern == VIEW_DENSE) {
        return view_tokens(p);
    }
    if (p->pattern == VIEW_BLOCKS) {
        return mark_blocks(p, blocks, count, seen);
    }
    return mark_runs(p, run_of(p, 0, y), run_of(p, 1, x), seen);
}

static uint32_t blocks_along(const view_problem *p, int axis) {
    return (p->extent[axis] + p->block[axis] - 1) / p->block[axis];
}

uint32_t view_block_count(const view_problem *p) {
    return blocks_along(p, 0) * blocks_along(p, 1);
}

void view_block_box(const view_problem *p, uint32_t block, uint32_t first[2], uint32_t side[2]) {
    uint32_t across = blocks_along(p, 1), at[2] = {block / across, block % across};
    for (int a = 0; a < 2; a++) {
        first[a] = at[a] * p->block[a];
        side[a] = at_most(p->block[a], p->extent[a] - first[a]);
    }
}
