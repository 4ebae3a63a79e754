/* SPDX-License-Identifier: MIT */
#include "rules_cut.h"

#include "combine.h"
#include "log.h"
#include "rules_bind.h"
#include "sizes.h"

#include <inttypes.h>

/* Least keys of a share: below that merging costs more than waiting. And how many are best where the processor's cache is
 * all there is: heads lie side by side, so while the first one reads a share its neighbours' keys come along. */
#define LEAST_SHARE 256u
#define CPU_SHARE   512u

static const vt_rules *rules_of(const vt_op_input *op) {
    return &op->problem->rules;
}

static bool packed(const vt_op_input *op) {
    return vt_rules_packed(rules_of(op));
}

/* A sequence may begin a tile of its own. */
uint64_t vt_rules_tiles(const vt_op_input *op, uint64_t queries) {
    const vt_rules *r = rules_of(op);
    uint64_t rows = vt_saturating_mul(queries, r->tile_heads);
    return packed(op) ? rows / op->tile->rows + r->sequences : vt_ceil_div(rows, op->tile->rows);
}

uint64_t vt_rules_caller_state(const vt_problem *p) {
    uint64_t rows = vt_saturating_mul(vt_saturating_mul(p->batch, p->heads), p->q_len);
    return vt_saturating_mul(rows, ((uint64_t)p->value_dim + 2) * sizeof(float));
}

uint64_t vt_rules_state_bytes(const vt_op_input *op, const vt_rules_cut *c) {
    const vt_tile *tile = op->tile;
    if (rules_of(op)->carry)
        return vt_rules_caller_state(op->problem);
    uint64_t rows = vt_saturating_mul(vt_saturating_mul(c->batch, c->heads), c->queries);
    uint64_t floats = (uint64_t)tile->value_pad + 1 + tile->lanes_per_row;
    return vt_saturating_mul(vt_saturating_mul(rows, c->splits), floats * sizeof(float));
}

/* ---- Work ---- */

uint64_t vt_rules_span_keys(const vt_op_input *op) {
    return op->tile->keys >= VT_SPAN ? op->tile->keys : VT_SPAN / op->tile->keys * op->tile->keys;
}

static bool scattered(const vt_rules *r) {
    return r->key_stride || (r->masks & ~(vatten_masks)VATTEN_MASK_INTERVALS);
}

/* Most keys that a query tile visits of a range, whole tiles of them: the windows of its first to its last query, and the
 * prefix, each begun on an edge of a tile or span. Keys that come back at a stride are anywhere. */
uint64_t vt_rules_visited(const vt_op_input *op, uint64_t keys, bool extra) {
    const vt_problem *p = op->problem;
    const vt_tile *tile = op->tile;
    int64_t right = p->causal ? 0 : p->right;
    bool windows = !extra && p->left != VATTEN_UNLIMITED && right != VATTEN_UNLIMITED &&
                   p->rules.key_stride == 0 && !(p->rules.head_fields & (VT_HEAD_WINDOW | VT_HEAD_PREFIX));
    uint64_t most = keys;
    if (windows) {
        uint64_t edge = scattered(&p->rules) ? vt_rules_span_keys(op) : tile->keys;
        uint64_t prefix = p->prefix ? p->prefix + edge : 0;
        most = (uint64_t)p->left + (uint64_t)right + tile->rows + 2 * edge + prefix;
    }
    return vt_round_up(vt_min(most, keys), tile->keys);
}

uint64_t vt_rules_macs(const vt_op_input *op, const vt_rules_cut *c, uint64_t tiles, uint64_t keys,
                       bool extra) {
    const vt_problem *p = op->problem;
    uint64_t pairs =
        vt_saturating_mul(vt_saturating_mul(tiles, op->tile->rows), vt_rules_visited(op, keys, extra));
    uint64_t slices = vt_saturating_mul(c->batch, c->heads / p->rules.tile_heads);
    return vt_saturating_mul(vt_saturating_mul(pairs, slices), p->dim + p->value_dim);
}

/* Loop iterations of an invocation beside those over key tiles: of each span, and once. */
static uint64_t span_loops(const vt_op_input *op) {
    const vt_rules *r = rules_of(op);
    uint64_t segments = r->masks & VATTEN_MASK_SEGMENTS && r->segments ? 36 : 0; /* 16 pairs of ids at most */
    uint64_t summaries = vt_rules_span_keys(op) / VT_SPAN + 1,
             words = 1 + vt_ceil_div(vt_rules_span_keys(op), 32);
    return 2 + segments + summaries + (r->masks & VATTEN_MASK_BITS ? words * op->tile->rows : 0);
}

uint64_t vt_rules_span_loops(const vt_op_input *op, uint64_t keys) {
    return scattered(rules_of(op))
               ? vt_saturating_mul(vt_ceil_div(keys, vt_rules_span_keys(op)) + 1, span_loops(op))
               : 0;
}

/* A driver that ends an invocation after so many loop iterations would leave keys out without a word. */
static bool loops_fit(const vt_op_input *op, uint64_t keys, uint32_t splits, bool extra) {
    uint64_t share = vt_ceil_div(keys, splits) + op->tile->keys + VT_SPAN;
    uint64_t tiles = vt_ceil_div(vt_min(vt_rules_visited(op, share, extra), share), op->tile->keys) + 2;
    uint64_t loops = vt_saturating_mul(tiles, op->tile->iterations) + 64 + op->tile->rows;
    return loops + (extra ? 0 : vt_rules_span_loops(op, share)) <= op->caps->loop_limit;
}

/* ---- Bindings ---- */

static uint64_t span(const vt_op_input *op, const vt_tensor *t, uint64_t batch, uint64_t heads,
                     uint64_t tokens, uint64_t dim) {
    return vt_tensor_range(op->problem, t, op->caps->storage_alignment, batch, heads, tokens, dim);
}

static bool queries_bind(const vt_op_input *op, const vt_rules_cut *c) {
    const vt_problem *p = op->problem;
    uint64_t range = op->caps->storage_range;
    return span(op, &p->q, c->batch, c->heads, c->queries, p->dim) <= range &&
           span(op, &p->out, c->batch, c->heads, c->queries, p->value_dim) <= range &&
           (!p->write_lse || vt_rules_lse_binds(op, c->batch, c->heads, c->queries));
}

static bool keys_bind(const vt_op_input *op, const vt_rules_cut *c) {
    const vt_problem *p = op->problem;
    uint64_t batch = c->batch, heads = c->heads;
    bool extra =
        p->extra_len == 0 || (vt_rules_extra_bind(op, &p->extra_k, batch, heads, c->extra, p->dim) &&
                              vt_rules_extra_bind(op, &p->extra_v, batch, heads, c->extra, p->value_dim));
    return extra && vt_rules_keys_bind(op, &p->k, batch, heads, c->keys, p->dim) &&
           vt_rules_keys_bind(op, &p->v, batch, heads, c->keys, p->value_dim) &&
           vt_rules_bias_binds(op, batch, heads, c->queries, c->keys);
}

/* The step that merges shares takes heads one by one. */
static bool heads_go(const vt_op_input *op, const vt_rules_cut *c) {
    return (c->splits > 1 ? c->heads : c->heads / rules_of(op)->tile_heads) <= op->caps->groups[1];
}

static bool groups_fit(const vt_op_input *op, const vt_rules_cut *c) {
    const uint32_t *groups = op->caps->groups;
    bool queries = packed(op) || vt_rules_tiles(op, c->queries) <= groups[0];
    bool merges = c->splits == 1 || vt_states_rows(op->problem, groups[0]) > 0;
    return queries && merges && heads_go(op, c) && vt_saturating_mul(c->batch, c->splits) <= groups[2];
}

static bool fits(const vt_op_input *op, vt_rules_cut *c) {
    const vt_problem *p = op->problem;
    c->carries = c->keys < rules_of(op)->longest || p->extra_len > 0;
    bool state = !(c->carries || c->splits > 1 || rules_of(op)->carry) ||
                 vt_rules_state_bytes(op, c) <= op->caps->storage_range;
    return state && queries_bind(op, c) && keys_bind(op, c) && groups_fit(op, c) &&
           loops_fit(op, c->keys, c->splits, false) && loops_fit(op, c->extra, c->splits, true);
}

static uint64_t most_macs(const vt_op_input *op, const vt_rules_cut *c, uint64_t tiles) {
    return vt_max(vt_rules_macs(op, c, tiles, c->keys, false), vt_rules_macs(op, c, tiles, c->extra, true));
}

static bool works(const vt_op_input *op, const vt_rules_cut *c, uint64_t tiles) {
    return most_macs(op, c, tiles) <= op->problem->max_macs;
}

/* ---- Choice ---- */

/* Keys are cut at whole tiles. */
static uint64_t key_grain(const vt_op_input *op) {
    return op->tile->keys;
}

static uint64_t halve_keys(const vt_op_input *op, uint64_t keys) {
    return vt_max(vt_round_down(vt_ceil_div(keys, 2), key_grain(op)), key_grain(op));
}

/* The next smaller part; false: there is none. What leaves most of the work in one dispatch gives way first. */
static bool shrink(const vt_op_input *op, vt_rules_cut *c) {
    uint64_t heads = rules_of(op)->tile_heads, grain = key_grain(op);
    uint64_t tile = vt_max(op->tile->rows / heads, 1);
    if (c->batch > 1)
        c->batch = vt_ceil_div(c->batch, 2);
    else if (c->heads > heads &&
             !(queries_bind(op, c) && heads_go(op, c) && c->queries > tile && !packed(op)))
        c->heads = vt_round_up(vt_ceil_div(c->heads, 2), heads);
    else if (c->queries > tile && !packed(op))
        c->queries = vt_max(vt_round_down(vt_ceil_div(c->queries, 2), tile), tile);
    else if (c->heads > heads)
        c->heads = vt_round_up(vt_ceil_div(c->heads, 2), heads);
    else if (c->keys > grain || c->extra > grain) {
        c->keys = c->keys > grain ? halve_keys(op, c->keys) : c->keys;
        c->extra = c->extra > grain ? halve_keys(op, c->extra) : c->extra;
    } else
        return false;
    return true;
}

/* Enough workgroups to fill the device, of shares that are worth it. */
static uint32_t splits_of(const vt_op_input *op) {
    const vt_problem *p = op->problem;
    const vt_rules *r = &p->rules;
    if (r->splits || r->carry || r->normaliser)
        return r->splits ? r->splits : 1;
    uint64_t tiles = vt_saturating_mul(vt_rules_tiles(op, p->q_len), p->batch * (p->heads / r->tile_heads));
    uint64_t want = op->caps->workgroups / vt_max(tiles, 1);
    if (vt_caps_is_cpu(op->caps))
        want = p->q_len / r->sequences > op->tile->rows ? 1
                                                        : vt_rules_visited(op, r->longest, false) / CPU_SHARE;
    uint64_t worth = vt_rules_visited(op, r->longest, false) / LEAST_SHARE;
    return (uint32_t)vt_max(vt_min(vt_min(want, worth), 256), 1);
}

/* Query tiles that a dispatch takes of a part whose queries are not cut. */
static uint64_t tiles_of(const vt_op_input *op, const vt_rules_cut *c) {
    uint64_t tiles = vt_rules_tiles(op, c->queries), one = most_macs(op, c, 1);
    uint64_t work = vt_max(op->problem->max_macs / vt_max(one, 1), 1);
    return vt_min(vt_min(tiles, op->caps->groups[0]), work);
}

static vatten_result refuse(const vt_op_input *op) {
    const vt_problem *p = op->problem;
    vt_log(op->logger, VATTEN_LOG_ERROR, p->label,
           "%s of %" PRIu32 " query heads does not fit %s: a binding holds %" PRIu64
           " bytes, an invocation makes %" PRIu64 " loop iterations",
           packed(op)                ? "a dispatch over all packed tokens"
           : p->rules.page_size != 0 ? "a dispatch over all pages"
                                     : "the smallest part",
           p->rules.tile_heads, op->caps->name, op->caps->storage_range, op->caps->loop_limit);
    return VATTEN_ERROR_UNSUPPORTED;
}

vatten_result vt_rules_cut_of(const vt_op_input *op, vt_rules_cut *out) {
    const vt_problem *p = op->problem;
    vt_rules_cut c = {.batch = p->batch, .heads = p->heads, .queries = p->q_len};
    c.keys = p->rules.longest;
    c.extra = p->extra_len;
    c.splits = splits_of(op);
    if (p->rules.tables.bytes > op->caps->storage_range)
        return refuse(op);
    while (!fits(op, &c))
        if (!shrink(op, &c))
            return refuse(op);
    /* The bound on work yields to the smallest part, and to tiles of packed sequences, which dispatches share out. */
    for (vt_rules_cut next = c; !works(op, &c, packed(op) ? 1 : vt_rules_tiles(op, c.queries)); c = next)
        if (!shrink(op, &next) || !fits(op, &next))
            break;
    c.tiles = tiles_of(op, &c);
    *out = c;
    return VATTEN_SUCCESS;
}
