/* SPDX-License-Identifier: MIT
 *
 * Appending, from the desc to steps. Keys and values have steps of their own, so that four buffers serve. Where rows go is
 * known when commands run; a step binds a part of the new rows and a part of the cache, and the kernel writes those rows of
 * its part that go to its part of the cache. There are as many steps as it takes for every row to meet every place.
 */
#include "append.h"

#include "problem_check.h"
#include "sizes.h"

#include <string.h>

#define WORKGROUP 64u

/* vt_step_shrink writes them through the other block. */
_Static_assert(offsetof(vt_append_push, q_len) == offsetof(vt_push, q_len) &&
                   offsetof(vt_append_push, kv_len) == offsetof(vt_push, kv_len) &&
                   offsetof(vt_append_push, q_first) == offsetof(vt_push, q_first),
               "lengths stand where those of attention do");
_Static_assert(sizeof(vt_append_push) <= sizeof(vt_push), "Vulkan guarantees 128 bytes");

_Static_assert((int)VT_APPEND_KV == VATTEN_LENGTHS_KV && (int)VT_APPEND_BOTH == VATTEN_LENGTHS_BOTH &&
                   (int)VT_APPEND_PACKED == VATTEN_LENGTHS_PACKED,
               "kinds of lengths have one numbering");

/* ---- Rules ---- */

static vatten_result check_dtypes(const vt_checker *check, const vatten_heads *cache,
                                  const vatten_heads *rows) {
    vatten_result result = vt_check_heads(check, cache, false);
    return result == VATTEN_SUCCESS ? vt_check_heads(check, rows, false) : result;
}

static vatten_result check_lengths(const vt_checker *check, const vatten_attention_desc *d) {
    vatten_result result = vt_check_length(check, "q_len", d->q_len);
    if (result == VATTEN_SUCCESS)
        result = vt_check_length(check, "kv_len", d->kv_len);
    if (result == VATTEN_SUCCESS)
        result = vt_check_lengths(check, d);
    if (result != VATTEN_SUCCESS)
        return result;
    INVALID_IF(!(d->sequences && d->page_size) && d->q_len > d->kv_len,
               "q_len %" PRIu64 " new tokens do not fit kv_len %" PRIu64, d->q_len, d->kv_len);
    return VATTEN_SUCCESS;
}

/* Two places of the cache must not meet in one element; this asks for it axis by axis. */
static vatten_result check_gaps(const vt_checker *check, const vt_append *a, const char *name,
                                const vatten_strides *s, uint32_t length) {
    int64_t row = length;
    INVALID_IF(a->places > 1 && s->token < row, "%s strides: token %" PRId64 " is below a row's %" PRId64,
               name, s->token, row);
    INVALID_IF(a->problem.kv_heads > 1 && s->head < row,
               "%s strides: head %" PRId64 " is below a row's %" PRId64, name, s->head, row);
    INVALID_IF(a->outer > 1 && s->batch < row, "%s strides: batch %" PRId64 " is below a row's %" PRId64,
               name, s->batch, row);
    return VATTEN_SUCCESS;
}

static bool packed_strides(const vatten_strides *s) {
    return s->batch == 0 && s->head == 0 && s->token == 0;
}

/* Resolved as if it were a batch of pages; what counts bytes then counts words. */
static vatten_result fill_cache(const vt_checker *check, const vt_append *a, const char *name,
                                const vatten_strides *strides, vt_append_side *side) {
    bool i8 = a->cache_dtype == VATTEN_DTYPE_I8;
    uint32_t bytes = i8 ? 1 : a->cache_element;
    uint32_t length = i8 ? side->dim / a->block * (a->block + 4) : side->dim;
    vt_problem pool = a->problem;
    pool.batch = a->outer;
    vt_checker inner = *check;
    inner.problem = &pool;
    const vt_shape shape = {name, *strides, a->places, a->problem.kv_heads, length, false, bytes};
    vatten_result result = vt_fill_tensor(&inner, &shape, &side->cache);
    if (result == VATTEN_SUCCESS && !packed_strides(strides))
        result = check_gaps(check, a, name, strides, length);
    if (result != VATTEN_SUCCESS)
        return result;
    vt_tensor *t = &side->cache;
    result = i8 ? vt_check_kv_strides(check, name, t) : VATTEN_SUCCESS;
    if (result != VATTEN_SUCCESS)
        return result;
    if (i8)
        *t = (vt_tensor){t->batch / 4, t->head / 4, t->token / 4, t->elements / 4};
    side->cache_length = i8 ? length / 4 : length;
    return VATTEN_SUCCESS;
}

static vatten_result fill_side(const vt_checker *check, const vatten_append_desc *desc, uint32_t which,
                               vt_append *out) {
    static const char *const names[2][2] = {{"k", "cache_k"}, {"v", "cache_v"}};
    const vatten_heads *heads = &desc->attention->heads;
    vt_append_side *side = &out->side[which];
    side->dim = which ? out->problem.value_dim : out->problem.dim;
    const vt_shape rows = {names[which][0],
                           which ? desc->new_v : desc->new_k,
                           out->problem.q_len,
                           out->problem.kv_heads,
                           side->dim,
                           false,
                           0};
    vatten_result result = vt_fill_tensor(check, &rows, &side->rows);
    if (result == VATTEN_SUCCESS)
        result = fill_cache(check, out, names[which][1], which ? &heads->v : &heads->k, side);
    side->vector = side->dim % 4 == 0 && vt_tensor_by_four(&side->rows) &&
                   (out->cache_dtype == VATTEN_DTYPE_I8 || vt_tensor_by_four(&side->cache));
    return result;
}

/* Of the tables only what stands before the masks is read. */
static vatten_result fill_tables(const vt_checker *check, const vatten_attention_desc *d, vt_append *out) {
    vatten_attention_desc read = *d;
    read.masks = 0;
    vatten_result result = vatten_attention_tables(&read, &out->tables);
    INVALID_IF(result != VATTEN_SUCCESS, "tables overflow 64 bits: batch %" PRIu64 ", kv_len %" PRIu64,
               d->heads.batch, d->kv_len);
    const vatten_tables *t = &out->tables;
    out->tables_from = vt_min(vt_min(vt_min(t->q_lengths, t->kv_lengths), vt_min(t->q_starts, t->kv_starts)),
                              vt_min(t->pages, t->bytes));
    uint64_t bytes = t->bytes - out->tables_from;
    uint64_t range = check->caps->storage_range, alignment = check->caps->storage_alignment;
    UNSUPPORTED_IF(bytes > range - vt_min(range, alignment),
                   "lengths and pages of %" PRIu64 " bytes do not fit %s: a binding holds %" PRIu64
                   " from a multiple of %" PRIu64 " on",
                   bytes, check->caps->name, range, alignment);
    return VATTEN_SUCCESS;
}

static void fill_append(const vatten_attention_desc *d, const vatten_heads *rows, const vt_caps *caps,
                        vt_append *out) {
    vt_fill_heads(rows, caps, &out->problem);
    out->problem.q_len = d->q_len;
    out->problem.kv_len = d->kv_len;
    out->cache_dtype = d->heads.kv_dtype ? d->heads.kv_dtype : d->heads.dtype;
    bool halves = out->cache_dtype == VATTEN_DTYPE_F16 || out->cache_dtype == VATTEN_DTYPE_BF16;
    out->cache_element = halves ? 2 : 4;
    out->block = d->heads.kv_block;
    out->lengths = d->lengths;
    out->sequences = d->sequences;
    out->page = d->page_size;
    out->outer = d->page_size ? d->pool_pages : d->heads.batch;
    out->places = d->page_size ? d->page_size : d->kv_len;
}

vatten_result vt_append_from(const vt_caps *caps, const vatten_logger *logger, const vatten_append_desc *desc,
                             vt_append *out) {
    const vatten_attention_desc *d = desc->attention;
    memset(out, 0, sizeof *out);
    const char *label = desc->label || !d ? desc->label : d->heads.label;
    const vt_checker checks = vt_checker_begin(caps, logger, "append", label, &out->problem);
    const vt_checker *check = &checks;
    INVALID_IF(!d, "%s is missing", "attention");
    out->caps = caps;
    out->logger = logger;
    vatten_heads rows = d->heads;
    rows.dtype = desc->dtype ? desc->dtype : d->heads.dtype;
    vatten_result result = check_dtypes(check, &d->heads, &rows);
    if (result == VATTEN_SUCCESS)
        result = check_lengths(check, d);
    if (result != VATTEN_SUCCESS)
        return result;
    fill_append(d, &rows, caps, out);
    out->sides = desc->keys_only ? 1 : 2;
    out->interleaved = !packed_strides(&d->heads.k) && !packed_strides(&d->heads.v);
    for (uint32_t which = 0; result == VATTEN_SUCCESS && which < out->sides; ++which)
        result = fill_side(check, desc, which, out);
    return result == VATTEN_SUCCESS ? fill_tables(check, d, out) : result;
}

/* ---- Steps ---- */

/* New rows and places of the cache that a dispatch has, how many and the first of each. Without pages `outer` counts the same
 * batch entries as `batch`. */
typedef struct part {
    uint64_t batch, heads, rows, outer, places;
    uint64_t b, h, row, o, place;
} part;

static uint64_t words_of(const vt_append *a, const vt_append_side *side) {
    if (a->cache_dtype == VATTEN_DTYPE_I8)
        return side->cache_length;
    return side->vector ? side->dim / 4 : side->dim;
}

static bool rows_fit(const vt_append *a, const vt_append_side *side, const part *p) {
    const vt_caps *caps = a->caps;
    uint64_t invocations = vt_saturating_mul(p->rows, words_of(a, side));
    return vt_range(&side->rows, a->problem.element_bytes, caps->storage_alignment, p->batch, p->heads,
                    p->rows, side->dim) <= caps->storage_range &&
           invocations <= INT32_MAX && vt_ceil_div(invocations, WORKGROUP) <= caps->groups[1] &&
           p->heads <= caps->groups[0] && p->batch <= caps->groups[2];
}

static bool cache_fits(const vt_append *a, const vt_append_side *side, const part *p) {
    const vt_caps *caps = a->caps;
    return vt_range(&side->cache, a->cache_element, caps->storage_alignment, p->outer, p->heads, p->places,
                    side->cache_length) <= caps->storage_range;
}

/* Elements that are read, and as many that are written. */
static uint64_t moves(const vt_append_side *side, const part *p) {
    uint64_t rows = vt_saturating_mul(vt_saturating_mul(p->batch, p->heads), p->rows);
    return vt_saturating_mul(rows, 2 * (uint64_t)side->dim);
}

/* Halves the axis that reaches farthest; false if there is none to halve. */
static bool halve(const vt_tensor *t, uint64_t *outer, uint64_t *heads, uint64_t *tokens) {
    bool by_heads = *heads > 1 && (t->head >= t->token || *tokens == 1);
    uint64_t *axis = *outer > 1 ? outer : by_heads ? heads : tokens;
    bool can = *axis > 1;
    *axis = vt_ceil_div(*axis, 2);
    return can;
}

/* The bound on work yields to a single row, a limit of the device does not. */
static vatten_result choose_part(const vt_append *a, const vt_append_side *side, part *out) {
    const vt_problem *q = &a->problem;
    part p = {.batch = vt_min(q->batch, a->caps->groups[2]),
              .heads = vt_min(q->kv_heads, a->caps->groups[0]),
              .rows = q->q_len,
              .places = a->places};
    bool can = true;
    p.outer = a->page ? a->outer : p.batch;
    while (can && !(rows_fit(a, side, &p) && cache_fits(a, side, &p) && moves(side, &p) <= q->max_moves)) {
        if (!rows_fit(a, side, &p) || moves(side, &p) > q->max_moves)
            can = halve(&side->rows, &p.batch, &p.heads, &p.rows);
        else
            can = halve(&side->cache, a->page ? &p.outer : &p.batch, &p.heads, &p.places);
        p.outer = a->page ? p.outer : p.batch;
    }
    *out = p;
    if (rows_fit(a, side, &p) && cache_fits(a, side, &p))
        return VATTEN_SUCCESS;
    vt_log(a->logger, VATTEN_LOG_ERROR, q->label,
           "append: a row of %" PRIu32 " elements does not fit %s: a binding holds %" PRIu64
           " bytes, a dispatch %" PRIu32 " workgroups",
           side->dim, a->caps->name, a->caps->storage_range, a->caps->groups[1]);
    return VATTEN_ERROR_UNSUPPORTED;
}

static void bind_tensors(const vt_append *a, uint32_t which, const part *p, vt_step *step) {
    const vt_append_side *side = &a->side[which];
    const vt_tensor *x = &side->rows, *cache = &side->cache;
    vt_append_push *push = &step->append;
    uint64_t alignment = a->caps->storage_alignment;
    const vt_slab rows = {{p->b, p->b + p->batch}, {p->h, p->h + p->heads}, {p->row, p->row + p->rows}};
    const vt_slab places = {
        {p->o, p->o + p->outer}, {p->h, p->h + p->heads}, {p->place, p->place + p->places}};
    push->x_base = (uint32_t)vt_step_bind_slab(step, VT_APPEND_SLOT_ROWS, which ? VT_ROLE_V : VT_ROLE_K, x,
                                               &rows, side->dim, a->problem.element_bytes, alignment);
    push->cache_base =
        (uint32_t)vt_step_bind_slab(step, VT_APPEND_SLOT_CACHE, which ? VT_ROLE_CACHE_V : VT_ROLE_CACHE_K,
                                    cache, &places, side->cache_length, a->cache_element, alignment);
    step->written = 1u << VT_APPEND_SLOT_CACHE;
    push->x_batch = (uint32_t)x->batch;
    push->x_head = (uint32_t)x->head;
    push->x_token = (uint32_t)x->token;
    push->cache_outer = (uint32_t)cache->batch;
    push->cache_head = (uint32_t)cache->head;
    push->cache_place = (uint32_t)cache->token;
}

/* Where a table begins in the bound range; of none it does not matter. */
static uint32_t table(const vt_append *a, uint64_t base, uint64_t place) {
    return place == VATTEN_NO_TABLE ? 0 : (uint32_t)(base + (place - a->tables_from) / sizeof(uint32_t));
}

static void bind_tables(const vt_append *a, vt_step *step) {
    const vatten_tables *t = &a->tables;
    vt_append_push *push = &step->append;
    step->binding[VT_APPEND_SLOT_TABLES] =
        step->binding[VT_APPEND_SLOT_ROWS]; /* a declared slot must hold a buffer */
    if (a->tables_from == t->bytes)
        return;
    uint64_t base =
        vt_step_bind(step, VT_APPEND_SLOT_TABLES, VT_ROLE_TABLES, a->tables_from / sizeof(uint32_t),
                     t->bytes / sizeof(uint32_t), sizeof(uint32_t), a->caps->storage_alignment);
    push->q_lengths = table(a, base, t->q_lengths);
    push->kv_lengths = table(a, base, t->kv_lengths);
    push->q_starts = table(a, base, t->q_starts);
    push->kv_starts = table(a, base, t->kv_starts);
    push->pages = table(a, base, t->pages);
    push->row_pages = (uint32_t)t->row_pages;
    push->sequences = a->sequences;
}

static void add_step(const vt_append *a, uint32_t which, const part *p, uint32_t variant,
                     vt_program *program) {
    uint64_t invocations = p->rows * words_of(a, &a->side[which]);
    vt_step step = {
        .variant = variant,
        .binding_count = VT_APPEND_SLOT_COUNT,
        .lengths = !a->fixed,
        .of_keys = a->of_keys,
        .groups = {(uint32_t)p->heads, (uint32_t)vt_ceil_div(invocations, WORKGROUP), (uint32_t)p->batch},
        .moves = moves(&a->side[which], p)};
    step.append = (vt_append_push){.q_len = (uint32_t)a->problem.q_len,
                                   .kv_len = (uint32_t)a->problem.kv_len,
                                   .q_first = (uint32_t)p->row,
                                   .q_last = (uint32_t)(p->row + p->rows),
                                   .batch_first = (uint32_t)p->b,
                                   .outer_first = (uint32_t)p->o,
                                   .outer_count = (uint32_t)p->outer,
                                   .place_first = (uint32_t)p->place,
                                   .place_count = (uint32_t)p->places};
    bind_tensors(a, which, p, &step);
    bind_tables(a, &step);
    vt_program_add(program, &step);
}

/* Every place of the cache that the rows of a part may go to. */
static void add_places(const vt_append *a, uint32_t which, const part *most, const part *rows,
                       uint32_t variant, vt_program *program) {
    part p = *rows;
    uint64_t end = a->page ? a->outer : rows->b + rows->batch;
    for (p.o = a->page ? 0 : rows->b; p.o < end && vt_program_has_room(program); p.o += most->outer)
        for (p.place = 0; p.place < a->places && vt_program_has_room(program); p.place += most->places) {
            p.outer = vt_min(most->outer, end - p.o);
            p.places = vt_min(most->places, a->places - p.place);
            add_step(a, which, &p, variant, program);
        }
}

static void add_side(const vt_append *a, uint32_t which, const part *most, uint32_t variant,
                     vt_program *program) {
    const vt_problem *q = &a->problem;
    for (uint64_t b = 0; b < q->batch && vt_program_has_room(program); b += most->batch)
        for (uint64_t h = 0; h < q->kv_heads && vt_program_has_room(program); h += most->heads)
            for (uint64_t row = 0; row < q->q_len && vt_program_has_room(program); row += most->rows) {
                const part p = {.batch = vt_min(most->batch, q->batch - b),
                                .heads = vt_min(most->heads, q->kv_heads - h),
                                .rows = vt_min(most->rows, q->q_len - row),
                                .b = b,
                                .h = h,
                                .row = row};
                add_places(a, which, most, &p, variant, program);
            }
}

static uint32_t add_variant(const vt_append *a, const vt_append_side *side, vt_program *program) {
    const vt_task task = a->cache_dtype == VATTEN_DTYPE_F32   ? VT_TASK_APPEND_F32
                         : a->cache_dtype == VATTEN_DTYPE_F16 ? VT_TASK_APPEND_F16
                         : a->cache_dtype == VATTEN_DTYPE_I8  ? VT_TASK_APPEND_I8
                                                              : VT_TASK_APPEND_BF16;
    vt_variant variant = {.kernel = vt_kernel_of_task(task, a->problem.dtype)};
    variant.spec[VT_SPEC_WORKGROUP] = WORKGROUP;
    variant.spec[VT_APPEND_SPEC_DIM] = side->dim;
    variant.spec[VT_APPEND_SPEC_VECTOR] = side->vector;
    variant.spec[VT_APPEND_SPEC_LENGTHS] = (uint32_t)a->lengths;
    variant.spec[VT_APPEND_SPEC_PAGE] = a->page;
    variant.spec[VT_APPEND_SPEC_BLOCK] = a->block ? a->block : 4;
    uint32_t last = program->variant_count - 1;
    if (program->variant_count && memcmp(&program->variants[last], &variant, sizeof variant) == 0)
        return last;
    program->variants[program->variant_count] = variant;
    return program->variant_count++;
}

vatten_result vt_append_steps(const vt_append *a, vt_program *program) {
    for (uint32_t which = 0; which < a->sides; ++which) {
        part most;
        vatten_result result = choose_part(a, &a->side[which], &most);
        if (result != VATTEN_SUCCESS)
            return result;
        uint32_t variant = add_variant(a, &a->side[which], program);
        /* Values between keys are other elements, but nobody who sees only the ranges can know. */
        program->waits = program->waits || (which && a->interleaved);
        add_side(a, which, &most, variant, program);
    }
    if (vt_program_has_room(program))
        return VATTEN_SUCCESS;
    vt_log(a->logger, VATTEN_LOG_ERROR, a->problem.label, "append: more than %u dispatches are needed",
           VT_STEPS_MAX);
    return VATTEN_ERROR_UNSUPPORTED;
}
