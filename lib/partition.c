/* SPDX-License-Identifier: MIT */
#include "partition.h"

#include "log.h"
#include "sizes.h"

#include <inttypes.h>

typedef vt_partition_input input_type;

uint64_t vt_part_tiles(const vt_geometry *geometry, uint64_t q) {
    if (q < geometry->q_grain && geometry->q_fine && geometry->fine_tiles)
        return vt_saturating_mul(vt_ceil_div(q, geometry->q_fine), geometry->fine_tiles);
    return vt_saturating_mul(vt_ceil_div(q, geometry->q_grain), geometry->grain_tiles);
}

/* Key tiles that one query tile visits, at most. */
static uint64_t key_tiles(const input_type *in, const vt_geometry *geometry, uint64_t k) {
    uint64_t units = vt_min(vt_ceil_div(k, geometry->key_step), geometry->keys_across);
    uint64_t keys = vt_saturating_mul(units, geometry->keys_plane);
    if (geometry->most_keys)
        keys = vt_min(keys, geometry->most_keys);
    return vt_ceil_div(keys, in->tile->keys) + geometry->begun;
}

uint64_t vt_part_macs(const input_type *in, const vt_geometry *geometry, const vt_part_size *part,
                      uint64_t k) {
    uint64_t pairs = vt_saturating_mul(vt_part_tiles(geometry, part->q) * in->tile->rows,
                                       key_tiles(in, geometry, k) * in->tile->keys);
    uint64_t slices = vt_saturating_mul(part->batch, part->heads);
    return vt_saturating_mul(vt_saturating_mul(pairs, slices), in->problem->dim + in->problem->value_dim);
}

uint64_t vt_part_carry_bytes(const input_type *in, const vt_part_size *part) {
    uint64_t tokens = part->q * in->keys.q_plane;
    uint64_t rows = vt_saturating_mul(vt_saturating_mul(part->batch, part->heads), tokens);
    return vt_saturating_mul(rows, (in->tile->value_pad + 1 + in->tile->lanes_per_row) * sizeof(float));
}

static uint64_t span(const input_type *in, const vt_tensor *t, uint64_t batch, uint64_t heads,
                     uint64_t tokens, uint64_t dim) {
    return vt_tensor_range(in->problem, t, in->caps->storage_alignment, batch, heads, tokens, dim);
}

static uint64_t key_span(const input_type *in, const vt_tensor *t, uint64_t batch, uint64_t heads,
                         uint64_t tokens, uint64_t dim) {
    return vt_range(t, vt_kv_element(in->problem), in->caps->storage_alignment, batch, heads, tokens, dim);
}

/* Heads of one kind that are shared by `group` query heads each: those of a part may straddle one more than they fill. */
static uint64_t heads_within(uint64_t part_heads, uint64_t group, uint64_t heads) {
    return vt_min(vt_ceil_div(part_heads - 1, group) + 1, heads / group);
}

/* Lists of a range's queries may be any. */
static bool lists_fit(const input_type *in, const vt_part_size *part) {
    const vt_list_rule *list = &in->problem->list;
    bool ranges = list->kind == VATTEN_LIST_RANGES;
    uint64_t rows = ranges ? list->rows : vt_ceil_div(part->q, list->row_units) * list->row_lists;
    uint64_t heads = heads_within(part->heads, list->group, in->problem->heads);
    return vt_lists_range(in->problem, in->caps->storage_alignment, part->batch, heads, rows) <=
           in->caps->storage_range;
}

static bool queries_fit(const input_type *in, const vt_part_size *part) {
    const vt_problem *p = in->problem;
    uint64_t tokens = part->q * in->keys.q_plane;
    uint64_t lse = ((part->batch - 1) * p->heads + part->heads - 1) * p->q_len + tokens;
    uint64_t range = in->caps->storage_range;
    return span(in, &p->q, part->batch, part->heads, tokens, p->q_dim) <= range &&
           span(in, &p->out, part->batch, part->heads, tokens, p->value_dim) <= range &&
           (!p->write_lse || lse * sizeof(float) + in->caps->storage_alignment <= range) &&
           (p->map != VT_MAP_LISTS || lists_fit(in, part));
}

/* A bias is cut along queries and keys. */
static bool bias_fits(const input_type *in, const vt_part_size *part, uint64_t keys) {
    const vt_problem *p = in->problem;
    const vt_list_rule *list = &p->list;
    return !list->biased || vt_bias_range(p, in->caps->storage_alignment, part->batch,
                                          heads_within(part->heads, list->bias_group, p->heads),
                                          part->q * in->keys.q_plane, keys) <= in->caps->storage_range;
}

static bool source_fits(const input_type *in, const vt_geometry *geometry, const vt_part_size *part,
                        uint64_t k) {
    const vt_problem *p = in->problem;
    uint64_t tokens = geometry->listed_keys ? p->kv_len : k * geometry->k_plane;
    uint64_t kv_heads = heads_within(part->heads, p->heads / p->kv_heads, p->heads);
    uint64_t range = in->caps->storage_range;
    if (!bias_fits(in, part, tokens))
        return false;
    return (p->weights || key_span(in, geometry->k, part->batch, kv_heads, tokens, p->dim) <= range) &&
           key_span(in, geometry->v, part->batch, kv_heads, tokens, p->value_dim) <= range;
}

static bool keys_fit(const input_type *in, const vt_part_size *part) {
    return source_fits(in, &in->keys, part, part->k);
}

static bool extra_fit(const input_type *in, const vt_part_size *part) {
    return source_fits(in, &in->extra, part, part->extra);
}

/* A driver that ends an invocation after so many loop iterations would leave keys out without a word. */
static bool loops_fit(const input_type *in, const vt_geometry *geometry, uint64_t k) {
    uint64_t limit = in->caps->loop_limit;
    uint64_t spent = geometry->closing;
    return spent <= limit &&
           vt_saturating_mul(key_tiles(in, geometry, k), in->tile->iterations) <= limit - spent;
}

static bool source_work_fits(const input_type *in, const vt_geometry *geometry, const vt_part_size *part,
                             uint64_t k) {
    return vt_part_macs(in, geometry, part, k) <= in->problem->max_macs && loops_fit(in, geometry, k);
}

static bool keys_work_fits(const input_type *in, const vt_part_size *part) {
    return source_work_fits(in, &in->keys, part, part->k);
}

static bool extra_work_fits(const input_type *in, const vt_part_size *part) {
    return source_work_fits(in, &in->extra, part, part->extra);
}

static bool groups_fit(const input_type *in, const vt_part_size *part) {
    const uint32_t *groups = in->caps->groups;
    bool tiles = vt_part_tiles(&in->keys, part->q) <= groups[0];
    bool extra = part->extra == 0 || vt_part_tiles(&in->extra, part->q) <= groups[0];
    return tiles && extra && part->heads <= groups[1] && part->batch <= groups[2];
}

/* State that is carried must fit one binding; only parts that do not hold all keys carry. */
static bool carry_fits(const input_type *in, const vt_part_size *part) {
    bool whole = part->k >= in->keys.k_units && part->extra == 0;
    return whole || vt_part_carry_bytes(in, part) <= in->caps->storage_range;
}

static bool fits(const input_type *in, const vt_part_size *part) {
    bool extra = part->extra == 0 || (extra_fit(in, part) && extra_work_fits(in, part));
    return extra && groups_fit(in, part) && queries_fit(in, part) && keys_fit(in, part) &&
           keys_work_fits(in, part) && carry_fits(in, part);
}

typedef bool (*fit_test)(const input_type *, const vt_part_size *);

/* Largest multiple of `grain` up to `units` (or units itself) that passes, 0 if none does. `size` points into
 * `part`, which is left as it was. */
static uint64_t largest(const input_type *in, vt_part_size *part, uint64_t *size, uint64_t grain,
                        uint64_t units, fit_test test) {
    uint64_t kept = *size;
    uint64_t low = 0;
    uint64_t high = vt_ceil_div(units, grain);
    while (low < high) {
        uint64_t middle = low + (high - low + 1) / 2;
        *size = vt_min(middle * grain, units);
        if (test(in, part))
            low = middle;
        else
            high = middle - 1;
    }
    *size = kept;
    return vt_min(low * grain, units);
}

/* As many keys of one source as a binding holds for `heads` heads, and as the work bound allows for one head;
 * at least one grain, which is the least there is. 0 if not even that can be bound. */
static uint64_t key_cut(const input_type *in, const vt_geometry *geometry, vt_part_size *part, uint64_t heads,
                        uint64_t *size, fit_test binds, fit_test works) {
    part->heads = heads;
    uint64_t bindable = largest(in, part, size, geometry->k_grain, geometry->k_units, binds);
    part->heads = 1;
    if (bindable == 0)
        return 0;
    uint64_t cut = largest(in, part, size, geometry->k_grain, bindable, works);
    return cut ? cut : vt_min(geometry->k_grain, geometry->k_units);
}

/* `q` units of queries of one head, and as many keys as those may have: every other size grows from there. `heads`:
 * how many heads shall later find room in the same bindings. */
static bool smallest(const input_type *in, vt_part_size *part, uint64_t heads, uint64_t q) {
    *part = (vt_part_size){1, heads, q, in->keys.k_units, 0};
    if (!queries_fit(in, part))
        return false;
    part->k = key_cut(in, &in->keys, part, heads, &part->k, keys_fit, keys_work_fits);
    if (in->problem->extra_len)
        part->extra = key_cut(in, &in->extra, part, heads, &part->extra, extra_fit, extra_work_fits);
    part->heads = 1;
    return part->k > 0 && (part->extra > 0) == (in->problem->extra_len > 0) && carry_fits(in, part);
}

/* A whole grain of queries, or where that does not fit half of it and so on, but no less than `q_fine`. */
static uint64_t finer(const vt_geometry *keys, uint64_t q) {
    if (keys->q_fine == 0 || q <= keys->q_fine)
        return 0;
    return vt_max(vt_round_down(q / 2, keys->q_fine), keys->q_fine);
}

static bool find_smallest(const input_type *in, vt_part_size *part, uint64_t *heads) {
    uint64_t many = *heads;
    for (uint64_t q = vt_min(in->keys.q_grain, in->keys.q_units); q > 0; q = finer(&in->keys, q)) {
        *heads = many;
        if (smallest(in, part, many, q))
            return true;
        *heads = 1;
        if (smallest(in, part, 1, q))
            return true;
    }
    return false;
}

static void grow(const input_type *in, vt_part_size *part, uint64_t heads) {
    uint64_t grain = in->keys.q_grain, units = in->keys.q_units;
    if (part->q < vt_min(grain, units)) { /* stays inside a grain */
        units = vt_min(grain, units);
        grain = in->keys.q_fine;
    }
    part->heads = heads;
    uint64_t bindable = largest(in, part, &part->q, grain, units, queries_fit);
    part->heads = 1;
    uint64_t size = largest(in, part, &part->q, grain, bindable, fits);
    part->q = vt_max(size, part->q);
    part->heads = vt_max(largest(in, part, &part->heads, 1, in->heads, fits), 1);
    if (part->heads == in->heads)
        part->batch = vt_max(largest(in, part, &part->batch, 1, in->problem->batch, fits), 1);
}

/* Where heads lie closer together than tokens, all heads of a token share a binding at almost no cost, and a
 * part that leaves no room for them would turn every head into dispatches of its own. */
static bool heads_interleave(const vt_problem *p) {
    return p->q.head <= p->q.token && p->k.head <= p->k.token && p->v.head <= p->v.token &&
           p->out.head <= p->out.token;
}

/* The work bound yields to the smallest part, a driver's limit does not. */
static vatten_result check_loops(const input_type *in, const vt_part_size *part) {
    if (loops_fit(in, &in->keys, part->k))
        return VATTEN_SUCCESS;
    vt_log(in->logger, VATTEN_LOG_ERROR, in->problem->label,
           "the smallest part gives a query %" PRIu64 " steps over keys, %s allows %" PRIu64,
           key_tiles(in, &in->keys, part->k), in->caps->name, in->caps->loop_limit / in->tile->iterations);
    return VATTEN_ERROR_UNSUPPORTED;
}

vatten_result vt_partition(const input_type *in, vt_part_size *out) {
    const vt_problem *p = in->problem;
    uint64_t heads = heads_interleave(p) ? in->heads : 1;
    bool found = find_smallest(in, out, &heads);
    if (found)
        grow(in, out, heads);
    if (found && groups_fit(in, out) && carry_fits(in, out))
        return check_loops(in, out);
    vt_log(in->logger, VATTEN_LOG_ERROR, p->label,
           "the smallest part, %" PRIu64 " query and %" PRIu64
           " key tokens of one head, does not fit %s: a binding holds %" PRIu64 " bytes, a dispatch %" PRIu32
           " workgroups",
           vt_min(in->keys.q_fine ? vt_min(in->keys.q_fine, in->keys.q_grain) : in->keys.q_grain,
                  in->keys.q_units) *
               in->keys.q_plane,
           in->keys.k_grain * in->keys.k_plane, in->caps->name, in->caps->storage_range, in->caps->groups[0]);
    return VATTEN_ERROR_UNSUPPORTED;
}
